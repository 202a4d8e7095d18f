//! The rows about the addresses from which requests may come.

use serde_json::json;

use super::{Row, replace};

const PROXIES: &str = "allowList.trustedProxies takes address ranges such as 10.0.0.0/8";
const CIDR: &str = "cidr must be an address range such as 198.51.100.0/24";

pub(super) fn rows() -> Vec<Row> {
    vec![
        replace(
            "an empty allow list",
            "/spec/allowList/sources",
            json!([]),
            "allowList.sources must name at least one range",
        ),
        replace(
            "a source without a prefix",
            "/spec/allowList/sources/0/cidr",
            json!("198.51.100.7"),
            CIDR,
        ),
        replace(
            "a source with bits beyond the prefix",
            "/spec/allowList/sources/0/cidr",
            json!("198.51.100.7/24"),
            CIDR,
        ),
        replace(
            "a source that is a name",
            "/spec/allowList/sources/0/cidr",
            json!("office"),
            CIDR,
        ),
        replace(
            "an empty list of trusted proxies",
            "/spec/allowList/trustedProxies",
            json!([]),
            "allowList.trustedProxies must name at least one range",
        ),
        replace(
            "a trusted proxy without a prefix",
            "/spec/allowList/trustedProxies",
            json!(["10.0.0.7"]),
            PROXIES,
        ),
        replace(
            "a trusted proxy with bits beyond the prefix",
            "/spec/allowList/trustedProxies",
            json!(["10.0.0.0/8", "10.0.0.7/8"]),
            PROXIES,
        ),
    ]
}
