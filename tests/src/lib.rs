//! The harness of the suites: the parts that stand around the product in a test.
//!
//! `service` starts the built program; `twilio` is who calls it, `callback` where it answers to and `collector` where it
//! tells of itself; `ledger` keeps what was sent, `audio` makes what is sent and `spoken` what is said in it,
//! `speech_server` writes it down, `canary` is what must not show; `elapsed` lets
//! time pass; `fields` are those of the resource, `examples` the files of resources; `http`, `http2`, `tls` and `patience` are how all of them speak and wait.

pub mod addon;
pub mod audio;
pub mod audio_host;
pub mod bad_resources;
pub mod callback;
pub mod canary;
pub mod cluster;
pub mod collector;
pub mod connect_proxy;
pub mod disk;
pub mod elapsed;
pub mod examples;
pub mod fields;
pub mod http;
pub mod http2;
pub mod ledger;
pub mod memory;
pub mod minio;
pub mod partner;
pub mod patience;
pub mod pgbouncer;
pub mod postgres;
pub mod proxy;
pub mod report;
pub mod result_schema;
pub mod served;
pub mod service;
pub mod speech_server;
pub mod spoken;
pub mod tls;
pub mod twilio;
