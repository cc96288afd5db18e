//! `demo`: the bad hour, its five failures, and that nothing else of it is an incident that pages.

use crate::program::run;
use crate::replay::{incidents, lines};
use serde_json::Value;

/// What the story is about: a cause's kind and name, and a word that the line about it must hold.
const FAILURES: [(&[&str], &str, &str); 5] = [
    (&["Registry"], "registry.harbour-shop.example", "the registry's credential"),
    (&["Node"], "worker-3", "the dead node"),
    (&["Deployment"], "recommend", "the memory leak"),
    (&["ResourceQuota", "Namespace", "Deployment"], "batch", "the quota"),
    (&["Deployment", "Service"], "payments-api", "the Service without endpoints"),
];

#[test]
fn the_five_failures_are_five_incidents_each_with_its_cause_first() {
    let incidents = incidents();
    for (kinds, name, what) in FAILURES {
        let is_it = |incident: &&Value| {
            let cause = &incident["causes"][0];
            let named = [&cause["name"], &cause["namespace"]]
                .into_iter()
                .any(|text| text.as_str().is_some_and(|text| text.contains(name)));
            named && kinds.contains(&cause["kind"].as_str().unwrap_or_default())
        };
        let found: Vec<_> = incidents.iter().filter(is_it).collect();
        assert_eq!(found.len(), 1, "{what} is not one incident: {:#?}", titles(&incidents));
        assert_ne!(found[0]["pages"], Value::Array(Vec::new()), "{what} pages nobody");
    }
    let above: Vec<_> = incidents.iter().filter(|incident| incident["severity"] != "P5").collect();
    assert_eq!(above.len(), FAILURES.len(), "more than the five: {:#?}", titles(&incidents));
}

fn titles(incidents: &[Value]) -> Vec<String> {
    incidents.iter().map(|each| format!("{} {} {}", each["severity"], each["status"], each["title"])).collect()
}

#[test]
fn only_the_memory_leak_is_open_at_the_end() {
    let open: Vec<_> = incidents()
        .into_iter()
        .filter(|incident| incident["status"] == "open" && incident["severity"] != "P5")
        .collect();
    assert_eq!(open.len(), 1, "{:#?}", titles(&open));
    assert_eq!(open[0]["causes"][0]["name"], "recommend");
}

#[test]
fn the_demo_tells_what_the_replay_of_its_recording_tells() {
    let demo = run(&["demo", "--speed", "max"]).ended(0);
    assert!(!demo.out.contains('\x1b'), "colour without a terminal");
    assert!(demo.out.contains("written by hand"), "{}", demo.out);
    for incident in incidents() {
        let (title, id) = (incident["title"].as_str().unwrap(), incident["incident_id"].as_str().unwrap());
        let summary = demo.out.split("What was found").nth(1).unwrap();
        assert!(summary.contains(title) && summary.contains(id), "{title} ({id}) is missing in:\n{}", demo.out);
    }
    let story = demo.out.split("What was found").next().unwrap();
    for topic in ["opened", "cause", "page", "resolved"] {
        assert!(
            story.lines().any(|line| line.get(10..).is_some_and(|line| line.starts_with(topic))),
            "no line of {topic} in:\n{story}"
        );
    }
    let times: Vec<_> = story
        .lines()
        .filter(|line| line.starts_with("09:") || line.starts_with("10:"))
        .map(|line| &line[..8])
        .collect();
    assert!(times.len() > 10 && times.is_sorted(), "{times:?}");
    assert_eq!(demo.err, "");
}

#[test]
fn the_recording_says_that_it_is_made_by_hand_and_can_be_replayed() {
    let printed = run(&["demo", "--print-recording"]).ended(0).out;
    assert!(printed.lines().next().unwrap().contains("Written by hand"));
    let again =
        crate::program::feed(&["replay", "-", "--cluster", "shop-eu-1", "--format", "json"], printed.as_bytes())
            .ended(0);
    assert_eq!(lines(&again), incidents());
}

#[test]
fn a_kept_log_can_be_explained_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("hour");
    let data = data.to_str().unwrap();
    let demo = run(&["demo", "--speed", "max", "--data-dir", data]).ended(0).out;
    let id = demo.split("bellbuoy explain ").nth(1).unwrap().split_whitespace().next().unwrap();
    let explained = run(&["explain", id, "--data-dir", data]).ended(0).out;
    assert!(explained.contains("topic journal, partition 0, offset "), "{explained}");
    let archive = folder.path().join("hour.avro");
    let archive = archive.to_str().unwrap();
    run(&["export", "--data-dir", data, "-o", archive]).ended(0);
    let replayed = run(&["replay", archive, "--format", "json"]).ended(0);
    assert_eq!(lines(&replayed), incidents());
}
