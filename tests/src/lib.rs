//! The harness of the suites: the parts that stand around the product in a test.
//!
//! `service` starts the built program; `twilio` is who calls it and `callback` where it answers to; `ledger` keeps what
//! was sent, `audio` makes what is sent; `http` and `patience` are how all of them speak and wait.

pub mod addon;
pub mod audio;
pub mod bad_resources;
pub mod callback;
pub mod cluster;
pub mod disk;
pub mod http;
pub mod ledger;
pub mod memory;
pub mod patience;
pub mod pgbouncer;
pub mod postgres;
pub mod proxy;
pub mod report;
pub mod service;
pub mod twilio;
