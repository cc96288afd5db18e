//! Alerts in the three forms that Alertmanager speaks.

use super::support::{check, check_bad, only, read};
use bellbuoy_core::fact::Body;
use bellbuoy_core::report::AlertReport;

fn alert(text: &str) -> AlertReport {
    match only(text).body {
        Body::Alert(alert) => alert,
        other => unreachable!("expected an alert, found {other:?}"),
    }
}

const FIRING: &str = r#"{"version":"4","groupKey":"g","status":"firing","receiver":"r","groupLabels":{"alertname":"A"},"commonLabels":{},"alerts":[{"status":"firing","labels":{"alertname":"A","namespace":"shop","pod":"cart-1"},"annotations":{"description":"d"},"startsAt":"2026-11-21T10:00:00.5Z","endsAt":"0001-01-01T00:00:00Z","fingerprint":"c4a1f0b2d3e4f506"}]}"#;

#[test]
fn webhook_bodies() {
    check(FIRING, &["10:00:00.500000 Pod shop/cart-1: A firing"]);
    let resolved = FIRING
        .replace(r#""status":"firing""#, r#""status":"resolved""#)
        .replace("0001-01-01T00:00:00Z", "2026-11-21T10:30:00Z");
    check(
        &format!("{FIRING}\n{resolved}\n{FIRING}"),
        &[
            "10:00:00.500000 Pod shop/cart-1: A firing",
            "10:30:00 Pod shop/cart-1: A resolved",
            "10:30:00.000001 Pod shop/cart-1: A firing",
        ],
    );
    let alert = alert(FIRING);
    assert_eq!((&*alert.fingerprint, &*alert.summary, alert.ends_at), ("c4a1f0b2d3e4f506", "d", None));
}

#[test]
fn lists_of_the_interface() {
    let text = r#"[{"labels":{"alertname":"A","node":"w1"},"annotations":{"summary":"s","description":"d"},"startsAt":"2026-11-21T09:00:00Z","updatedAt":"2026-11-21T10:00:00Z","endsAt":"2026-11-21T10:04:00Z","status":{"state":"suppressed","silencedBy":["x"],"inhibitedBy":[]}},
                   {"labels":{"alertname":"B","namespace":"shop"},"startsAt":"2026-11-21T09:30:00Z","updatedAt":"2026-11-21T09:59:00Z","status":{"state":"active"}}]"#;
    check(text, &["10:00:00 Node w1: A firing", "10:00:00 Namespace shop: B firing"]);
    let facts = read(text).facts;
    let Body::Alert(alert) = &facts[0].body else { panic!() };
    assert!(alert.suppressed && &*alert.summary == "s" && alert.ends_at.is_none());
    assert_eq!(alert.fingerprint.len(), 16);
    assert!(facts[0].occurred.from < facts[0].observed_at);
}

#[test]
fn what_is_sent_to_alertmanager_fires_until_its_end() {
    let alert = |name: &str, start: &str, end: &str| {
        format!(r#"{{"labels":{{"alertname":"{name}"}},"startsAt":"2026-11-21T{start}Z","endsAt":"{end}"}}"#)
    };
    check(
        &format!(
            "[{},{}]",
            alert("A", "10:00:00", "2026-11-21T10:04:00Z"),
            alert("B", "09:00:00", "2026-11-21T09:10:00Z")
        ),
        &["10:00:00 Cluster cluster: A firing", "10:00:00 Cluster cluster: B resolved"],
    );
}

#[test]
fn a_cluster_label_names_the_scope() {
    let fact = only(&FIRING.replace(r#""pod":"cart-1""#, r#""pod":"cart-1","cluster":"eu-1""#));
    assert_eq!(&*fact.scope.0, "eu-1");
}

#[test]
fn alerts_that_are_none() {
    check_bad(
        &FIRING.replace(r#"{"alertname":"A","namespace":"shop","pod":"cart-1"}"#, "{}").into_bytes(),
        &[],
        &["labels are missing or empty"],
    );
    check_bad(
        &FIRING.replace(r#"[{"status":"firing""#, r#"[{"status":"on fire""#).into_bytes(),
        &[],
        &["neither firing, resolved, active nor suppressed"],
    );
}
