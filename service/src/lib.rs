//! The service answers the requests that Twilio signs for a publisher's add-ons.
//!
//! ```text
//! request -> verify -> admit -> answer                                    synchronous endpoints
//! request -> verify -> admit -> enqueue -> 202 || lease -> analyze -> record -> callback
//! ```
//! The modules are listed in the order of that flow. Facts come in at `server`, effects go out at `queue`, `spool` and
//! `egress`; between them are plain functions. `server` and `worker` never import each other: they meet in `queue`.

pub mod cli;
pub mod clock;
pub mod config;
pub mod crash;
pub mod domain;
pub mod files;
pub mod fingerprint;
pub mod limits;

pub mod admission;
pub mod handler;
pub mod intake;
pub mod replay;
pub mod request;
pub mod server;
pub mod signature;
pub mod source;

pub mod analysis;
pub mod callback;
pub mod deadline;
pub mod demand;
pub mod egress;
pub mod fetch;
pub mod gauging;
pub mod queue;
pub mod reach;
pub mod retry;
pub mod speech;
pub mod spool;
pub mod worker;

pub mod metrics;
pub mod tls;
pub mod trace;

pub mod fuzz;
#[cfg(test)]
mod harness;
