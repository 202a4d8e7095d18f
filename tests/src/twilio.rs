//! The other side: requests as Twilio sends them, signed with Twilio's own libraries and never with the product's code.

mod payload;
mod request;
mod signer;

pub use payload::{File, FileOrder, Pair, Payload, pairs};
pub use request::{AddonSids, Begun, SignedRequest, Twilio};
pub use signer::Sdk;
