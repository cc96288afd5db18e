//! `replay`: both reports, over the demo recording and over what is not well.

use crate::program::{Run, feed, hour, run};
use serde_json::Value;
use std::path::Path;

/// The incidents of the demo recording.
pub(crate) fn incidents() -> Vec<Value> {
    lines(&run(&["replay", hour().to_str().unwrap(), "--cluster", "shop-eu-1", "--format", "json"]).ended(0))
}

pub(crate) fn lines(run: &Run) -> Vec<Value> {
    run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_line_is_as_the_schema_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/incident-report.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let incidents = incidents();
    assert!(!incidents.is_empty());
    for incident in &incidents {
        let errors: Vec<_> =
            validator.iter_errors(incident).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}\n{incident:#}");
    }
    // The schema can refuse: without what it requires, and with what it does not know.
    let mut wrong = incidents[0].clone();
    wrong.as_object_mut().unwrap().remove("causes");
    assert!(!validator.is_valid(&wrong));
    let mut wrong = incidents[0].clone();
    wrong["severity"] = "P0".into();
    assert!(!validator.is_valid(&wrong));
    let mut wrong = incidents[0].clone();
    wrong["colour"] = "red".into();
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn open_comes_before_resolved_and_worse_before_milder() {
    let ranks: Vec<_> = incidents()
        .iter()
        .map(|incident| (incident["resolved_at"].is_string(), incident["severity"].as_str().unwrap().to_owned()))
        .collect();
    assert!(ranks.is_sorted(), "{ranks:?}");
}

#[test]
fn a_replay_is_the_same_every_time_and_through_a_pipe() {
    let recording = std::fs::read(hour()).unwrap();
    let args = ["replay", "-", "--cluster", "shop-eu-1", "--format", "json"];
    let piped = feed(&args, &recording).ended(0);
    assert_eq!(lines(&piped), incidents());
    assert_eq!(feed(&args, &recording).out, piped.out);
}

#[test]
fn the_text_says_the_same_as_the_json() {
    let text = run(&["replay", hour().to_str().unwrap(), "--cluster", "shop-eu-1"]).ended(0).out;
    assert!(!text.contains('\x1b'), "colour without a terminal");
    let mut rest = text.as_str();
    for incident in incidents() {
        for part in ["title", "incident_id", "owner"] {
            let part = incident[part].as_str().unwrap();
            // In this order: an incident's lines come before those of the next one.
            let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} is missing or out of order in:\n{text}"));
            rest = &rest[at..];
        }
    }
    assert!(text.contains(&format!("{} incidents", incidents().len())), "{text}");
}

#[test]
fn what_cannot_be_read_is_explained_counted_and_does_no_harm() {
    let mut recording = std::fs::read(hour()).unwrap();
    recording.extend_from_slice(b"{\"type\":\"ADDED\",\"object\":{\"kind\":\"Pod\",\n");
    let args = ["replay", "-", "--cluster", "shop-eu-1", "--format", "json"];
    let harmed = feed(&args, &recording).ended(0);
    assert_eq!(lines(&harmed), incidents());
    assert!(harmed.err.contains("1 record was rejected"), "{}", harmed.err);
    let count = recording.iter().filter(|byte| **byte == b'\n').count();
    assert!(harmed.err.contains(&count.to_string()), "the line {count} is not named in:\n{}", harmed.err);
    feed(&[&args[..], &["--strict"]].concat(), &recording).ended(3);
}

#[test]
fn a_range_ends_the_recording_with_it() {
    let hour = hour();
    let args = [
        "replay",
        hour.to_str().unwrap(),
        "--cluster",
        "shop-eu-1",
        "--format",
        "json",
        "--to",
        "2026-03-17T09:15:00Z",
    ];
    let early = lines(&run(&args).ended(0));
    assert!(!early.is_empty() && early.len() < incidents().len());
    assert!(
        early.iter().all(|incident| incident["opened_at"].as_str().unwrap() < "2026-03-17T09:15:00Z"),
        "{early:#?}"
    );
    assert!(early.iter().any(|incident| incident["status"] == "open"), "{early:#?}");
}

#[test]
fn other_rules_decide_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("quiet.yaml");
    std::fs::write(&file, "policy: {page_from: P1}\n").unwrap();
    let hour = hour();
    let args = ["replay", hour.to_str().unwrap(), "--format", "json", "--config", file.to_str().unwrap()];
    let quiet = lines(&run(&args).ended(0));
    let milder = |incident: &&Value| incident["severity"] != "P1";
    assert!(quiet.iter().any(|incident| milder(&incident)));
    for incident in quiet.iter().filter(milder) {
        assert_eq!(incident["pages"], Value::Array(Vec::new()), "{incident:#}");
    }
    assert!(incidents().iter().filter(milder).any(|incident| incident["pages"] != Value::Array(Vec::new())));
}

#[test]
fn strangers_cannot_paint_the_terminal() {
    let recording = std::fs::read_to_string(hour()).unwrap();
    let hostile = recording.replace("401 Unauthorized", "401 Unauthorized\\u001b[2J\\u001b[31m\\nP1 OPEN  all is lost");
    assert_ne!(hostile, recording);
    let text = feed(&["replay", "-"], hostile.as_bytes()).ended(0).out;
    assert!(!text.contains('\x1b'), "a control character came through");
    assert!(!text.lines().any(|line| line.starts_with("P1 OPEN  all is lost")), "a line was forged:\n{text}");
}
