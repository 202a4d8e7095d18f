//! Alerts on what the add-on stands on: its pods, its tokens, its certificate, its limits.

use super::alert::{Alert, Severity, series};
use crate::validate::ValidatedAddon;
use crate::validate::scaling::Scaler;

const DAY_SECONDS: u32 = 86_400;

pub(super) fn alerts(addon: &ValidatedAddon) -> Vec<Alert> {
    // Of an add-on that is to have no pod, nothing is to be read.
    let unread = (addon.front != Scaler::Fixed(0)).then(|| unread(addon));
    let mut alerts: Vec<_> = unread.into_iter().collect();
    alerts.push(tokens(addon));
    alerts.push(limits(addon));
    if addon.exposure.certificate().is_some() {
        alerts.extend(certificate(addon));
    }
    alerts
}

fn unread(addon: &ValidatedAddon) -> Alert {
    let in_flight = series(addon, "marketplace_requests_in_flight", "");
    Alert {
        name: "MarketplaceMetricsAbsent",
        severity: Severity::Critical,
        minutes: 10,
        expression: format!("absent({in_flight})"),
        summary: "No pod is seen",
        description: "Prometheus has not read the metrics of any pod for 10 min: none runs, or none is reached. No other alert of this add-on can fire.".to_owned(),
    }
}

/// Of a pod that cannot answer, however many others can.
fn tokens(addon: &ValidatedAddon) -> Alert {
    let loaded = series(addon, "marketplace_tokens_loaded", "");
    Alert {
        name: "MarketplaceTokensMissing",
        severity: Severity::Critical,
        minutes: 2,
        expression: format!("min by (addon) ({loaded}) == 0"),
        summary: "A pod has no auth token",
        description:
            "A pod has no auth token with which it could verify a signature: it answers every request with 503."
                .to_owned(),
    }
}

fn limits(addon: &ValidatedAddon) -> Alert {
    let used = series(addon, "marketplace_limit_used", "");
    let limit = series(addon, "marketplace_limit", "");
    Alert {
        name: "MarketplaceLimitNear",
        severity: Severity::Warning,
        minutes: 10,
        expression: format!(
            "max by (addon, limit) ({used} / ({limit} > 0)) > 0.90"
        ),
        summary: "A limit is almost reached",
        description: "{{ $value | humanizePercentage }} of the limit {{ $labels.limit }} is taken in a pod: when it is reached, requests are answered with 503.".to_owned(),
    }
}

/// From the pods themselves: what an ingress or a gateway shows is its own to watch.
fn certificate(addon: &ValidatedAddon) -> Vec<Alert> {
    let not_after = series(addon, "marketplace_certificate_not_after_seconds", "");
    let failed = series(addon, "marketplace_certificate_reads_failed_total", "");
    let expires = |name, severity, days: u32| Alert {
        name,
        severity,
        minutes: 10,
        expression: format!("min by (addon) ({not_after}) - time() < {}", days * DAY_SECONDS),
        summary: "The certificate ends soon",
        description: "The certificate of the pods ends in {{ $value | humanizeDuration }}; Twilio then calls no more."
            .to_owned(),
    };
    vec![
        expires("MarketplaceCertificateEndsSoon", Severity::Warning, 14),
        expires("MarketplaceCertificateEndsNow", Severity::Critical, 3),
        Alert {
            name: "MarketplaceCertificateUnreadable",
            severity: Severity::Warning,
            minutes: 0,
            expression: format!("sum by (addon) (increase({failed}[1h])) > 0"),
            summary: "A renewed certificate cannot be used",
            description: "What was last put into the Secret of the certificate is no usable pair: the one before is shown until it ends.".to_owned(),
        },
    ]
}
