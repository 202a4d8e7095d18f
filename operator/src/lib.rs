//! The operator turns a `MarketplaceAddon` into everything that the add-on needs in the cluster.
//!
//! ```text
//! resource -> dereference (I/O) -> validate -> render -> apply (I/O) -> status (I/O, always)
//! ```
//! The modules are listed in the order of that flow. Facts come in at `dereference`, effects go out at `apply` and
//! `report`; between them are plain functions over plain types.

pub mod config;
pub mod controller;
pub mod leader;
pub mod run;
pub mod watch;

pub mod doctor;
pub mod preview;
pub mod rights;

pub mod apply;
pub mod dereference;
pub mod handover;
pub mod prune;
pub mod reach;
pub mod reconcile;
pub mod render;
pub mod report;
pub mod sla;
pub mod status;
pub mod tokens;
pub mod validate;

pub mod ask;
pub mod backoff;
pub mod claim;
pub mod clock;
pub mod failure;
pub mod kind;
pub mod memory;
pub mod metrics;
pub mod progress;
pub mod role;
pub mod silence;
pub mod turns;

#[cfg(test)]
mod fake_api;
#[cfg(test)]
mod fake_page;
#[cfg(test)]
mod fixtures;
