//! The headers that Twilio sends beside the signature. None of them is signed. Read by `server`; sent by `invoke`.

use axum::http::HeaderMap;

use crate::domain::{RequestSid, TwilioSids};

/// The request, as Twilio bills and debugs it.
pub const REQUEST_SID: &str = "x-twilio-requestsid";
/// The add-on.
pub const ADDON_SID: &str = "x-twilio-addonsid";
/// The version of the add-on.
pub const ADDON_VERSION_SID: &str = "x-twilio-addonversionsid";
/// The customer's installation.
pub const ADDON_INSTALL_SID: &str = "x-twilio-addoninstallsid";
/// The account, as documented.
pub const ACCOUNT_SID: &str = "x-twilio-accountsid";
/// The account, as captured.
pub const VENDOR_ACCOUNT_SID: &str = "x-twilio-vendoraccountsid";
/// The customer's configuration.
pub const CONFIGURATION_SID: &str = "x-twilio-addonconfigurationsid";

/// The SIDs that are short and printable; the signature does not cover them, so anything may stand there. Of a header that
/// is repeated the first that is usable counts.
pub(super) fn sids(headers: &HeaderMap) -> TwilioSids {
    let mut sids = TwilioSids::default();
    for (name, value) in headers {
        let sid = match name.as_str() {
            REQUEST_SID => &mut sids.request,
            ADDON_SID => &mut sids.addon,
            ADDON_VERSION_SID => &mut sids.addon_version,
            ADDON_INSTALL_SID => &mut sids.addon_install,
            ACCOUNT_SID => &mut sids.account,
            VENDOR_ACCOUNT_SID => &mut sids.vendor_account,
            CONFIGURATION_SID => &mut sids.configuration,
            _ => continue,
        };
        if sid.is_none() {
            let read = value.to_str().ok().and_then(|text| RequestSid::parse(text).ok());
            *sid = read.map(|sid| sid.as_str().to_owned());
        }
    }
    sids
}
