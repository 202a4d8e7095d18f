//! The `MarketplaceAddon` resource: its shape, its rules, and what of it the service reads.
//!
//! The resource is the contract between the two programs. A person writes it, the operator reconciles it and mounts it,
//! [`reduce`]d, into the pod; the service reads the same YAML, with or without a cluster. A rule that the resource alone
//! can decide is written once, as CEL, on the field it concerns: the API server evaluates it at admission, and
//! [`manifest::violations`] evaluates the very same rules in every program of ours.

pub mod addon;
pub mod audio_fetch;
pub mod autoscaling;
pub mod constant;
pub mod credentials;
pub mod definition;
pub mod endpoint;
pub mod exposure;
pub mod fingerprint;
pub mod handler;
pub mod limits;
pub mod manifest;
pub mod monitoring;
pub mod network;
pub mod paths;
pub mod per_install;
pub mod reach;
pub mod reduce;
pub mod replay;
pub mod request;
pub mod retention;
pub mod routes;
pub mod rules;
pub mod scaling;
pub mod secret_value;
pub mod signature;
pub mod sla;
pub mod status;
pub mod storage;
pub mod workload;
mod workload_rules;

pub use addon::{MarketplaceAddon, MarketplaceAddonSpec};
pub use definition::definition;
pub use reduce::reduce;
pub use status::MarketplaceAddonStatus;
