//! The other side: requests as Twilio sends them, signed with Twilio's own libraries and never with the product's code.

pub mod agreement;
pub mod judge;
mod payload;
mod request;
mod signer;
pub mod vectors;

pub use payload::{File, FileOrder, Pair, Payload, pairs};
pub use request::{AddonSids, Begun, SignedRequest, Twilio};
pub use signer::Sdk;
