//! Events and alerts as exporters, search engines, log stores and the API of Prometheus hand them out.

use super::support::{check, check_bad, read};
use bellbuoy_wire::recording::Ignored;

const EVENT: &str = r#"{"metadata":{"name":"cart-1.17a0b","namespace":"shop","uid":"e"},"involvedObject":{"kind":"Pod","namespace":"shop","name":"cart-1"},"reason":"BackOff","message":"Back-off restarting failed container cart","type":"Warning","source":{"component":"kubelet","host":"w1"},"firstTimestamp":"2026-11-21T10:00:00Z","lastTimestamp":"2026-11-21T10:10:00Z","count":5}"#;

const READ: [&str; 2] = ["10:00:00 Pod shop/cart-1: BackOff ×1 first", "10:10:00 Pod shop/cart-1: BackOff ×5"];

/// The event as text within JSON: it has no characters but quotes that need an escape.
fn quoted() -> String {
    format!("{EVENT:?}")
}

#[test]
fn documents_of_search_engines() {
    check(&format!(r#"{{"_index":"kube-events","_id":"x","_score":1,"_source":{EVENT}}}"#), &READ);
    check(&format!(r#"{{"took":1,"hits":{{"total":{{"value":1}},"hits":[{{"_id":"x","_source":{EVENT}}}]}}}}"#), &READ);
    check(r#"{"took":1,"hits":{"total":{"value":0},"hits":[]}}"#, &[]);
}

#[test]
fn entries_of_google_cloud_logging() {
    check(&format!(r#"[{{"insertId":"x","jsonPayload":{EVENT},"resource":{{"type":"k8s_pod"}}}}]"#), &READ);
}

#[test]
fn lines_of_the_event_router() {
    let later = EVENT.replace("10:10:00", "10:20:00").replace(r#""count":5"#, r#""count":6"#);
    check(
        &format!(
            "{{\"verb\":\"ADDED\",\"event\":{EVENT}}}\n{{\"verb\":\"UPDATED\",\"event\":{later},\"old_event\":{EVENT}}}"
        ),
        &[READ[0], READ[1], "10:20:00 Pod shop/cart-1: BackOff ×6"],
    );
}

#[test]
fn answers_and_lines_of_loki() {
    let line = quoted();
    check(&format!(r#"{{"labels":{{"app":"events"}},"line":{line},"timestamp":"2026-11-21T10:10:00Z"}}"#), &READ);
    let answer = |lines: &str| {
        format!(
            r#"{{"status":"success","data":{{"resultType":"streams","result":[{{"stream":{{}},"values":[{lines}]}}]}}}}"#
        )
    };
    check(&answer(&format!(r#"["1795255200000000000",{line}]"#)), &READ);
    check_bad(
        answer(&format!(r#"["1795255200000000000",{line}],["1795255200000000001","GET / 200"]"#)).as_bytes(),
        &READ,
        &["a line of a log that is no JSON; expected an Event"],
    );
}

#[test]
fn alerts_of_prometheus() {
    let alert = |name: &str, state: &str| {
        format!(
            r#"{{"labels":{{"alertname":"{name}","namespace":"shop"}},"annotations":{{}},"state":"{state}","activeAt":"2026-11-21T10:00:00.5Z","value":"1e+00"}}"#
        )
    };
    let alerts = format!("[{},{}]", alert("A", "firing"), alert("B", "pending"));
    let expect = ["10:00:00.500000 Namespace shop: A firing"];
    let listed = format!(r#"{{"status":"success","data":{{"alerts":{alerts}}}}}"#);
    check(&listed, &expect);
    assert_eq!(read(&listed).ignored, [Ignored::PendingAlert]);
    let rules = format!(r#"{{"name":"r:x","type":"recording"}},{{"state":"firing","name":"A","alerts":{alerts}}}"#);
    check(&format!(r#"{{"status":"success","data":{{"groups":[{{"name":"g","rules":[{rules}]}}]}}}}"#), &expect);
    let first = r#"{"status":"success","data":[{"labels":{"alertname":"A","namespace":"shop"},"startsAt":"2026-11-21T10:00:00.5Z","endsAt":"2026-11-21T10:04:00Z","status":{"state":"active"}}]}"#;
    check(first, &expect);
}

#[test]
fn labels_alone_make_no_alert() {
    check_bad(
        br#"{"labels":{"app":"cart"},"msg":"started"}"#,
        &[],
        &["no kind, no involvedObject, and no labels of an alert"],
    );
}

#[test]
fn settings_of_programs_are_no_observations() {
    let text = r#"{"apiVersion":"troubleshoot.sh/v1beta2","kind":"SupportBundle","spec":{"versionNumber":"v1"}}"#;
    assert_eq!(read(text).ignored, [Ignored::Manifest]);
}

#[test]
fn envelopes_hold_no_more_of_themselves_than_lists() {
    let mut text = EVENT.to_owned();
    for _ in 0..10 {
        text = format!(r#"{{"_source":{text}}}"#);
    }
    check_bad(text.as_bytes(), &[], &["a list in a list"]);
}
