//! Which times are believed.

use super::support::{check_bad, clock, line, read, read_in_chunks};
use bellbuoy_core::time::Time;

fn event(name: usize, at: &str) -> String {
    format!(
        r#"{{"kind":"Event","reason":"R","metadata":{{"name":"e{name}"}},"involvedObject":{{"kind":"Node","name":"w{name}"}},"firstTimestamp":"{at}","lastTimestamp":"{at}"}}"#
    ) + "\n"
}

#[test]
fn years_1969_and_9999_are_rejected_by_name_and_the_rest_is_unharmed() {
    for (wrong, words) in [
        ("1969-12-31T23:59:59Z", "2014-06-01"),
        ("9999-12-31T23:59:59Z", "before the year 2100"),
        ("9999-01-01T00:00:00Z", "before the year 2100"),
    ] {
        let good = event(1, "2026-11-21T10:00:00Z");
        let text = good.clone()
            + &event(2, "2026-11-21T10:00:01Z")
                .replace(r#""lastTimestamp":"2026-11-21T10:00:01Z""#, &format!(r#""lastTimestamp":"{wrong}""#));
        check_bad(text.as_bytes(), &["10:00:00 Node w1: R ×1", "10:00:01 Node w2: R ×1"], &[words]);
        let rejected = &read(&text).rejected[0];
        assert!(
            rejected.detail.contains("Node w2")
                && rejected.detail.contains("lastTimestamp")
                && rejected.detail.contains(wrong),
            "{rejected}"
        );
        assert_eq!(rejected.line, 2);
    }
}

#[test]
fn a_day_past_the_99th_percentile_is_too_far() {
    let mut text: String = (0..300).map(|n| event(n, &format!("2026-11-21T10:{:02}:{:02}Z", n / 60, n % 60))).collect();
    text += &event(301, "2026-11-22T09:00:00Z");
    assert_eq!(read(&text).rejected, []);
    text += &event(302, "2026-11-23T10:04:59Z");
    let read = read(&text);
    assert_eq!(read.rejected.len(), 2, "{:?}", read.rejected);
    assert!(read.rejected[0].detail.contains("Node w302") && read.rejected[0].detail.contains("2026-11-23T10:04:59Z"));
    // It is there all the same, as of the end of the recording.
    assert_eq!(read.facts.len(), 302);
    assert_eq!(line(&read.facts[301]), "09:00:00 Node w302: R ×1");
}

#[test]
fn what_fails_today_in_a_cluster_that_was_quiet_for_weeks_is_believed() {
    let pod = |n: usize, at: &str| {
        format!(
            r#"{{"kind":"Pod","metadata":{{"name":"p{n}","namespace":"n","uid":"u","creationTimestamp":"2026-11-01T00:00:00Z"}},"status":{{"conditions":[{{"type":"Ready","status":"False","lastTransitionTime":"{at}"}}]}}}}"#
        ) + "\n"
    };
    let mut text: String = (0..2_000).map(|n| pod(n, "2026-11-01T00:01:00Z")).collect();
    for n in 0..3 {
        text += &pod(5_000 + n, "2026-11-21T10:00:00Z");
    }
    let dump = read(&text);
    assert_eq!(dump.rejected, []);
    assert_eq!(clock(dump.as_of.unwrap().0), "10:00:00");
    // Events stand beside objects that are much older, and there may be few of them.
    let text: String =
        (0..2_000).map(|n| pod(n, "2026-11-01T00:01:00Z")).collect::<String>() + &event(1, "2026-11-21T10:00:00Z");
    assert_eq!(read(&text).rejected, []);
}

#[test]
fn one_clock_that_is_ahead_does_not_move_the_dump() {
    let node = |n: usize, at: &str| {
        format!(
            r#"{{"kind":"Node","metadata":{{"name":"w{n}","uid":"u"}},"status":{{"conditions":[{{"type":"Ready","status":"True","lastHeartbeatTime":"{at}","lastTransitionTime":"2026-11-21T09:00:00Z"}}]}}}}"#
        ) + "\n"
    };
    let mut text: String = (0..150).map(|n| node(n, "2026-11-21T10:00:00Z")).collect();
    text += &node(150, "2031-01-01T00:00:00Z");
    let read = read(&text);
    assert_eq!(clock(read.as_of.unwrap().0), "10:00:00");
    assert!(
        read.rejected.len() == 1 && read.rejected[0].detail.contains("lastHeartbeatTime of Node w150"),
        "{:?}",
        read.rejected
    );
    assert!(read.facts.iter().all(|fact| clock(fact.observed_at) == "10:00:00"));
}

#[test]
fn a_given_as_of_decides_for_dumps_only() {
    let text = r#"[{"kind":"Pod","metadata":{"name":"a","namespace":"n","uid":"u","creationTimestamp":"2026-11-21T09:00:00Z"}}]"#.to_owned() + "\n" + &event(1, "2026-11-21T09:30:00Z");
    let as_of = Time(1_795_255_200_000_000);
    let lines: Vec<String> = read_in_chunks(text.as_bytes(), Some(as_of), 7).facts.iter().map(line).collect();
    assert_eq!(lines, ["10:00:00 Pod n/a: state", "09:30:00 Node w1: R ×1"]);
}

#[test]
fn without_any_time_there_is_no_fact() {
    check_bad(br#"{"kind":"ConfigMap","metadata":{"name":"a","uid":"u"}}"#, &[], &["expected one, or --as-of"]);
}
