//! What is true of any pod of ours, and names no add-on: how it logs, what it tells on its admin address, how it stops.
//!
//! A program starts [`telemetry`], serves [`admin`] and hands its long-running parts to [`shutdown::Tasks`], which decides
//! when the process ends and with what exit code.

pub mod admin;
pub mod cause;
pub mod definition;
pub mod shutdown;
pub mod telemetry;
pub mod traces;

pub use admin::{Admin, Readiness};
pub use shutdown::{Grace, Tasks, on_signal};
pub use telemetry::{Build, LogFormat};
