//! P7 and P8: bad input is counted and explained, the rest is unharmed, and nothing grows without bound.

#![expect(clippy::unwrap_used, reason = "tests fail by panics, in their helpers too")]

use bellbuoy_core::incident::Incident;
use bellbuoy_core::rules::{Limits, RuleSet};
use bellbuoy_core::stage::Effect;
use bellbuoy_core::task::Task;
use bellbuoy_correlate::Correlate;
use bellbuoy_local::recording::{Options, Recording};
use bellbuoy_tests::estate::{Estate, Pod};
use bellbuoy_tests::fold::{decide, default_rules};
use std::io::Write;
use std::sync::Arc;

/// A crash loop, as `kubectl get events --watch -o json` tells of it: one line.
fn crash_loop(minute: u32) -> String {
    format!(
        r#"{{"kind":"Event","apiVersion":"v1","metadata":{{"name":"cart.1","namespace":"shop","uid":"u-1","creationTimestamp":"2026-01-01T00:00:00Z"}},"involvedObject":{{"kind":"Pod","namespace":"shop","name":"cart-7d9c5b4f68-x2x8k","uid":"p-1"}},"reason":"BackOff","message":"Back-off restarting failed container main in pod cart","source":{{"component":"kubelet","host":"worker-1"}},"firstTimestamp":"2026-01-01T00:00:00Z","lastTimestamp":"2026-01-01T00:{minute:02}:00Z","count":{count},"type":"Warning"}}"#,
        count = minute * 4 + 1,
    )
}

fn replay(lines: &[Vec<u8>]) -> (String, Recording) {
    let mut file = tempfile::Builder::new().suffix(".jsonl").tempfile().unwrap();
    for line in lines {
        file.write_all(line).unwrap();
        file.write_all(b"\n").unwrap();
    }
    let sources = [file.path().to_owned()];
    let recording = Recording::open(&sources, &Options::default(), &mut |_| {}).unwrap();
    let facts: Vec<_> = recording.facts().unwrap().map(Result::unwrap).collect();
    (decide(&facts).told(), recording)
}

#[test]
fn what_is_broken_is_told_and_harms_nothing_else() {
    let good: Vec<Vec<u8>> = (0..10).map(|minute| crash_loop(minute).into_bytes()).collect();
    let (expect, _) = replay(&good);
    assert_eq!(expect, "P3 open: CrashLoopBackOff on Deployment shop/cart; 1 members\n");

    let event = crash_loop(3);
    let with = |from: &str, to: &str| {
        assert!(event.contains(from), "{from}");
        event.replace("u-1", "u-2").replace(from, to).into_bytes()
    };
    let bad: Vec<(&str, Vec<u8>)> = vec![
        ("truncated", event.as_bytes()[..event.len() / 2].to_vec()),
        ("invalid UTF-8", {
            let mut bytes = event.clone().into_bytes();
            let at = event.find("restarting").unwrap();
            bytes[at..at + 3].copy_from_slice(&[0xff, 0xfe, 0xfd]);
            bytes
        }),
        ("wrong types", with(r#""involvedObject":{"#, r#""involvedObject":[1,2],"x":{"#)),
        ("the year 9999", with("2026-01-01T00:03:00Z", "9999-12-31T23:59:59Z")),
        ("the year 1969", with("2026-01-01T00:03:00Z", "1969-07-20T20:17:40Z")),
        ("no JSON at all", b"E0101 00:00:00.000000 1 reflector.go:147] connection refused".to_vec()),
        ("a depth bomb", [b"{\"a\":".repeat(100_000), b"1".to_vec()].concat()),
    ];
    for (name, line) in &bad {
        let mut lines = good.clone();
        lines.insert(5, line.clone());
        let (told, recording) = replay(&lines);
        assert_eq!(told, expect, "{name}");
        let report = recording.report();
        assert!(report.rejected_total() > 0, "{name} was not counted: {report:?}");
    }
}

#[test]
fn nulls_in_every_field_and_long_messages_are_input_like_any_other() {
    let event = crash_loop(3);
    for key in [
        "metadata",
        "involvedObject",
        "reason",
        "message",
        "source",
        "firstTimestamp",
        "lastTimestamp",
        "count",
        "type",
    ] {
        let start = event.find(&format!("\"{key}\":")).unwrap() + key.len() + 3;
        let nulled = format!("{}null,\"was\":{}", &event[..start], &event[start..]);
        replay(&[nulled.into_bytes(), crash_loop(4).into_bytes()]);
    }
    let long = event.replace("Back-off restarting", &format!("Back-off restarting{}", " x".repeat(5 << 20)));
    assert!(long.len() > 10 << 20);
    let (_, recording) = replay(&[long.into_bytes(), crash_loop(4).into_bytes()]);
    assert!(recording.report().facts_total() + recording.report().rejected_total() >= 2);
}

#[test]
fn a_million_distinct_objects_leave_as_many_rows_as_the_limit() {
    let limits = Limits { objects_max: 10_000, ..Limits::default() };
    let rules = Arc::new(RuleSet { limits, ..RuleSet::clone(&default_rules()) });
    let mut task = Task::new(Correlate::new(rules));
    let mut most_rows = 0;
    for batch in 0..1_000_usize {
        let mut estate = Estate::new("many");
        estate.wait(i64::try_from(batch).unwrap());
        for n in 0..1_000 {
            let number = batch * 1_000 + n;
            let pod = Pod::new("shop", &format!("app-{}", number / 10), number, "worker-1", "acme/app:1");
            estate.wait_ms(1).healthy(&pod);
        }
        for (offset, fact) in (i64::try_from(batch * 1_000).unwrap()..).zip(estate.facts()) {
            task.feed(offset, fact);
        }
        let commit = task.commit();
        assert!(commit.effects.iter().all(|effect: &Effect<Incident>| matches!(effect, Effect::Emit(_))));
        if batch % 100 == 99 {
            most_rows = most_rows.max(task.dump().len());
        }
    }
    // A row per object, and the names that it uses: its own, its ReplicaSet's, its image's.
    assert!(most_rows <= 5 * 10_000, "{most_rows} rows");
}

#[test]
fn beyond_the_limit_of_episodes_reports_are_refused_by_name() {
    let limits = Limits { episodes_max: 100, ..Limits::default() };
    let rules = Arc::new(RuleSet { limits, ..RuleSet::clone(&default_rules()) });
    let mut task = Task::new(Correlate::new(rules));
    let mut estate = Estate::new("many");
    for number in 0..1_000 {
        let pod = Pod::new("shop", &format!("app-{number}"), number, "worker-1", &format!("acme/app-{number}:1"));
        estate.oom_killed(&pod, 4).wait_ms(10);
    }
    estate.wait(10).tick();
    for (offset, fact) in (0..).zip(estate.facts()) {
        task.feed(offset, fact);
    }
    let rejected: Vec<_> = task
        .commit()
        .effects
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Reject(rejected) => Some(rejected),
            Effect::Emit(_) => None,
        })
        .collect();
    assert!(rejected.len() >= 900, "{}", rejected.len());
    let reason = &rejected[0].reason;
    assert!(reason.contains("limits.episodes_max") && reason.contains("Deployment shop/"), "{reason}");
}
