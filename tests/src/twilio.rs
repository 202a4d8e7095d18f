//! The other side: requests as Twilio sends them, signed with Twilio's own libraries and never with the product's code.

mod request;
mod signer;

pub use request::{AddonSids, Begun, File, FileOrder, Payload, SignedRequest, Twilio, pairs};
pub use signer::Sdk;
