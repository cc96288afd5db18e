//! Events of both APIs, in every wrapping.

use super::support::{check, only, read};
use bellbuoy_core::fact::Body;
use bellbuoy_core::report::EventReport;
use bellbuoy_wire::recording::Ignored;

const BACK_OFF: &str = r#"{"kind":"Event","apiVersion":"v1","metadata":{"name":"cart-1.17","namespace":"shop","uid":"u1","creationTimestamp":"2026-11-21T10:00:00Z"},"involvedObject":{"kind":"Pod","namespace":"shop","name":"cart-1","uid":"0a1b2c3d-0000-4000-8000-00000000000a","fieldPath":"spec.containers{cart}"},"reason":"BackOff","message":"Back-off restarting failed container","source":{"component":"kubelet","host":"w1"},"firstTimestamp":"2026-11-21T10:00:00Z","lastTimestamp":"2026-11-21T10:05:00Z","count":7,"type":"Warning","eventTime":null,"reportingComponent":"","reportingInstance":""}"#;

const FACTS: [&str; 2] = ["10:00:00 Pod shop/cart-1: BackOff ×1 first", "10:05:00 Pod shop/cart-1: BackOff ×7"];

fn event(text: &str) -> EventReport {
    match only(text).body {
        Body::Event(event) => event,
        other => unreachable!("expected an event, found {other:?}"),
    }
}

#[test]
fn a_dumped_event_with_two_times_is_two_facts_in_every_wrapping() {
    check(BACK_OFF, &FACTS);
    check(&format!("[{BACK_OFF}]"), &FACTS);
    check(&format!(r#"{{"apiVersion":"v1","items":[{BACK_OFF}],"kind":"List","metadata":{{}}}}"#), &FACTS);
    check(&format!(r#"{{"kind":"EventList","apiVersion":"v1","items":[{BACK_OFF}]}}"#), &FACTS);
    check(&format!("{BACK_OFF}\n{BACK_OFF}\n"), &[FACTS[0], FACTS[1], FACTS[0], FACTS[1]]);
    check(&format!("{BACK_OFF}{BACK_OFF}"), &[FACTS[0], FACTS[1], FACTS[0], FACTS[1]]);
    check(&format!(r#"{{"type":"ADDED","object":{BACK_OFF}}}"#), &FACTS);
    check(&format!(r#"[{{"type":"ADDED","object":{{"kind":"EventList","items":[{BACK_OFF}]}}}}]"#), &FACTS);
    // Items of lists have no kind of their own when they come from the API itself.
    let bare = BACK_OFF.replace(r#""kind":"Event","apiVersion":"v1","#, "");
    check(&format!(r#"{{"kind":"EventList","items":[{bare}]}}"#), &FACTS);
    check(&format!(r#"{{"items":[{bare}]}}"#), &FACTS);
}

#[test]
fn later_notifications_tell_what_is_new() {
    check(&format!(r#"{{"type":"MODIFIED","object":{BACK_OFF}}}"#), &FACTS[1..]);
    check(&format!(r#"{{"type":"DELETED","object":{BACK_OFF}}}"#), &[]);
    let read =
        read(&format!(r#"{{"type":"DELETED","object":{BACK_OFF}}} {{"type":"BOOKMARK","object":{{"kind":"Event"}}}}"#));
    assert_eq!(read.ignored, [Ignored::ExpiredEvent, Ignored::Bookmark]);
}

#[test]
fn a_time_of_arrival_counts() {
    for key in ["time", "observedAt"] {
        let text = format!(r#"{{"{key}":"2026-11-21T10:05:00.250Z","type":"MODIFIED","object":{BACK_OFF}}}"#);
        check(&text, &["10:05:00.250000 Pod shop/cart-1: BackOff ×7"]);
    }
    let yaml = "---\n# {\"time\":\"2026-11-21T10:05:01.5Z\",\"style\":\"event\"}\nkind: Event\nreason: Pulled\ninvolvedObject:\n  kind: Pod\n  name: a\n  namespace: b\nlastTimestamp: \"2026-11-21T10:05:00Z\"\n";
    check(yaml, &["10:05:01.500000 Pod b/a: Pulled ×1"]);
}

#[test]
fn yaml_of_any_layout() {
    let event = |indent: &str, name: &str| {
        let lines = [
            "kind: Event",
            "reason: Killing",
            "count: 2",
            "lastTimestamp: 2026-11-21T10:00:00Z",
            "involvedObject:",
            "  kind: Node",
        ];
        lines.iter().map(|line| format!("{indent}{line}\n")).collect::<String>() + &format!("{indent}  name: {name}\n")
    };
    let (one, two) = ("10:00:00 Node w1: Killing ×2", "10:00:00 Node w2: Killing ×2");
    check(&event("", "w1"), &[one]);
    check(&format!("{}---\n{}", event("", "w1"), event("", "w2")), &[one, two]);
    let item = |name| event("  ", name).replacen("  kind", "- kind", 1);
    let list =
        format!("apiVersion: v1\nitems:\n{}{}kind: List\nmetadata:\n  resourceVersion: \"\"\n", item("w1"), item("w2"));
    check(&list, &[one, two]);
}

#[test]
fn the_new_api_says_the_same() {
    let text = r#"{"kind":"Event","apiVersion":"events.k8s.io/v1","metadata":{"uid":"u2","creationTimestamp":"2026-11-21T10:00:00Z"},"eventTime":"2026-11-21T10:00:00.123456Z","series":{"count":9,"lastObservedTime":"2026-11-21T10:30:00.5Z"},"reportingController":"default-scheduler","reportingInstance":"s-1","action":"Scheduling","reason":"FailedScheduling","regarding":{"kind":"Pod","namespace":"shop","name":"cart-1"},"note":"0/3 nodes are available","type":"Warning","deprecatedSource":{},"deprecatedFirstTimestamp":null,"deprecatedLastTimestamp":null}"#;
    check(
        text,
        &[
            "10:00:00.123456 Pod shop/cart-1: FailedScheduling ×1 first",
            "10:30:00.500000 Pod shop/cart-1: FailedScheduling ×9",
        ],
    );
    let last = read(text).facts.pop().unwrap();
    assert_eq!(last.occurred.from, last.occurred.to, "micro times are exact");
    let Body::Event(event) = last.body else { panic!() };
    assert_eq!(
        (&*event.component, &*event.host, &*event.message),
        ("default-scheduler", "s-1", "0/3 nodes are available")
    );
}

#[test]
fn fields_of_the_report() {
    let facts = read(BACK_OFF).facts;
    let last = &facts[1];
    assert_eq!(last.occurred.to.0 - last.occurred.from.0, 999_999, "whole seconds are a second wide");
    assert_eq!(&*last.object.uid, "0a1b2c3d-0000-4000-8000-00000000000a");
    let Body::Event(event) = &last.body else { panic!() };
    assert_eq!((&*event.component, &*event.host, &*event.kind), ("kubelet", "w1", "Warning"));
    assert_eq!(&*event.field_path, "spec.containers{cart}");
    assert_eq!((event.first_at, event.last_at), (Some(facts[0].observed_at), Some(last.observed_at)));
}

#[test]
fn times_fall_back_in_order_and_counts_to_one() {
    let text = |fields: &str| {
        format!(
            r#"{{"kind":"Event","reason":"R","involvedObject":{{"kind":"Node","name":"w1","namespace":"default","uid":"w1"}},{fields}}}"#
        )
    };
    let at = |fields: &str, expect: &str| check(&text(fields), &[&format!("{expect} Node w1: R ×1")]);
    at(
        r#""lastTimestamp":"2026-11-21T10:00:04Z","eventTime":"2026-11-21T10:00:02Z","firstTimestamp":null"#,
        "10:00:04",
    );
    at(r#""lastTimestamp":null,"eventTime":"2026-11-21T10:00:02.5Z","count":0"#, "10:00:02.500000");
    at(
        r#""lastTimestamp":null,"eventTime":null,"count":null,"series":null,"metadata":{"creationTimestamp":"2026-11-21T10:00:01Z"}"#,
        "10:00:01",
    );
    at(r#""lastTimestamp":"0001-01-01T00:00:00Z","firstTimestamp":"2026-11-21T10:00:03Z""#, "10:00:03");
    let event = event(&text(r#""count":-5,"lastTimestamp":"2026-11-21T10:00:03Z""#));
    assert_eq!(event.repeats, 1);
}

#[test]
fn compact_events_are_kept_at_their_namespace() {
    check(
        r#"{"items":[{"namespace":"openshift-machine-api","lastTimestamp":"2026-11-21T12:00:00+02:00","reason":"FailedUpdate","message":"m","type":"Warning"}]}"#,
        &["10:00:00 Namespace openshift-machine-api: FailedUpdate ×1"],
    );
}
