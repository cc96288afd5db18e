//! `replay --expect`: the demo's hour against what its story tells, and label files that are not well.

use crate::program::{Run, feed, hour, run};
use serde_json::{Value, json};

/// The story of the hour, as it stands in its first record; each failure is called by another name of the same thing
/// than the incident, where there is one.
const STORY: &str = "
- name: before it began
  healthy: true
  to: 2026-03-17T09:08:00Z
- name: registry credential expired
  cluster: shop-eu-1
  entity: {kind: Registry, name: registry.harbour-shop.example}
  accept: [{kind: Deployment, namespace: shop, name: cart}]
  from: 2026-03-17T09:09:00Z
  to: 2026-03-17T09:20:00Z
- name: recommend leaks memory
  entity: {kind: Pod, namespace: shop, name: recommend-n9f8lxjt74-hxzwv}
  signal: OOMKilled
  from: 2026-03-17T09:15:00Z
- name: no quota left for invoices
  entity: {kind: Deployment, namespace: batch, name: invoice-worker}
  signal: FailedCreate
  from: 2026-03-17T09:21:00Z
  to: 2026-03-17T09:43:00Z
- name: worker-3 dies
  entity: {kind: Node, name: worker-3}
  signal: NodeNotReady
  from: 2026-03-17T09:29:00Z
  to: 2026-03-17T09:50:00Z
- name: payments-api changed for the worse
  entity: {kind: Service, namespace: payments, name: payments-api}
  accept: [{kind: Deployment, namespace: payments, name: payments-api}]
  from: 2026-03-17T09:36:00Z
  to: 2026-03-17T09:47:00Z
";

/// What somebody misremembers.
const WRONG: &str = "
- name: worker-1 dies
  entity: {kind: Node, name: worker-1}
  from: 2026-03-17T09:29:00Z
  to: 2026-03-17T09:31:00Z
- name: recommend cannot pull
  entity: {kind: Deployment, namespace: shop, name: recommend}
  signal: ImagePullBackOff
  from: 2026-03-17T09:15:00Z
- name: the day after
  healthy: true
  from: 2026-03-18T00:00:00Z
";

/// Replays the hour against labels in a file of this name.
fn expect(labels: &str, args: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("labels.yaml");
    std::fs::write(&file, labels).unwrap();
    let (hour, file) = (hour(), file.to_str().unwrap().to_owned());
    run(&[&["replay", hour.to_str().unwrap(), "--cluster", "shop-eu-1", "--expect", &file], args].concat())
}

fn object(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap()
}

#[test]
fn the_story_of_the_hour_is_found_without_a_mistake() {
    let floors = "detected=1,precision=1,top1=1,top3=1,top1-signal=1,top3-signal=1";
    let score = object(&expect(STORY, &["--format", "json", "--fail-under", floors]).ended(0));
    assert_eq!(score["mistakes"], json!([]), "{score:#}");
    assert_eq!(score["detected"], json!({"part": 5, "whole": 5, "value": 1.0}));
    assert_eq!(score["top1"]["entity_and_signal"], json!({"part": 3, "whole": 3, "value": 1.0}));
    assert_eq!(score["incidents_per_failure"], json!({"part": 5, "whole": 5, "value": 1.0}));
    assert_eq!((&score["healthy_times"], &score["false_alarms"]), (&json!(1), &json!(0)));
    assert_eq!(score["seconds_to_detect"]["count"], 5);
    let alarms: u64 = ["P1", "P2", "P3", "P4"].iter().map(|one| score["severities"][one].as_u64().unwrap()).sum();
    assert_eq!(score["precision"]["whole"], alarms);
    let text = expect(STORY, &[]).ended(0).out;
    assert!(text.contains("detected            5 of 5 (100.0%)") && text.contains("nothing went wrong"), "{text}");
    assert!(!text.contains('\x1b'), "colour without a terminal");
}

#[test]
fn what_went_wrong_is_told_with_what_was_said_instead() {
    let labels = STORY.to_owned() + WRONG;
    let run = expect(&labels, &["--fail-under", "detected=0.9,top1=0.5,top3-signal=0.8"]).ended(4);
    let find = |start: &str| run.out.lines().find(|line| line.trim_start().starts_with(start));
    let missed = find("missed").unwrap_or_else(|| panic!("{}", run.out));
    assert!(
        missed.contains("worker-1 dies (Node worker-1)") && missed.contains("NodeNotReady on Node worker-3"),
        "{missed}"
    );
    let signal = find("wrong signal").unwrap_or_else(|| panic!("{}", run.out));
    assert!(
        signal.contains("OOMKilled on Deployment shop/recommend") && signal.contains("ImagePullBackOff"),
        "{signal}"
    );
    assert!(run.out.contains(" things went wrong\n") && find("split").is_none(), "{}", run.out);
    assert!(
        run.out.contains("1 label speaks of clusters or times") && run.out.contains("the day after"),
        "{}",
        run.out
    );
    let below: Vec<_> = run.err.lines().filter(|line| line.contains("is below")).collect();
    assert_eq!(
        below,
        ["detected: 6 of 7 (85.7%) is below 0.9", "top3-signal: 3 of 4 (75.0%) is below 0.8"],
        "{}",
        run.err
    );
}

#[test]
fn the_json_tells_the_same_mistakes() {
    let score = object(&expect(&(STORY.to_owned() + WRONG), &["--format", "json"]).ended(0));
    // Whether the hour itself raises false alarms is another test's question.
    let mistakes = score["mistakes"].as_array().unwrap().iter().filter(|mistake| mistake["fault"] != "false alarm");
    let mistakes: Vec<_> = mistakes.collect();
    let faults: Vec<_> = mistakes.iter().map(|mistake| &mistake["fault"]).collect();
    assert_eq!(faults, ["missed", "wrong signal"]);
    let signal = mistakes[1];
    assert_eq!((&signal["label"], &signal["cluster"]), (&json!("recommend cannot pull"), &json!("shop-eu-1")));
    assert!(signal["incidents"][0].as_str().unwrap().starts_with("inc-"));
    assert_eq!(score["left_out"], json!(["the day after"]));
}

#[test]
fn an_alarm_in_a_healthy_time_and_one_that_no_label_knows_are_false() {
    let labels = "[{healthy: true, cluster: shop-eu-1, from: 2026-03-17T09:29:00Z, to: 2026-03-17T09:35:00Z}]";
    let score = object(&expect(labels, &["--format", "json"]).ended(0));
    let alarms = score["false_alarms"].as_u64().unwrap();
    assert!(alarms > 0 && alarms < score["mistakes"].as_array().unwrap().len() as u64, "{score:#}");
    assert_eq!(score["precision"]["part"], 0);
    assert_eq!(score["detected"]["value"], Value::Null);
}

#[test]
fn a_wrong_label_file_is_refused_with_its_place_and_what_would_have_been_right() {
    let labels = "- entity: {kind: Node, name: worker-3}\n  singal: NodeNotReady\n  from: half past nine\n";
    let error = expect(labels, &[]).ended(1).err;
    assert!(error.contains("labels.yaml:2:3: [0].singal: unknown key \"singal\"; did you mean signal?"), "{error}");
    assert!(
        error.contains("labels.yaml:3:9: [0].from: expected a time") && error.contains("half past nine"),
        "{error}"
    );
    let error = run(&["replay", "-", "--expect", "/no/such/labels.yaml"]).ended(1).err;
    assert!(error.contains("/no/such/labels.yaml"), "{error}");
}

#[test]
fn labels_of_nothing_that_was_read_measure_nothing() {
    let labels = "- {entity: {kind: Node, name: worker-3}, cluster: shop-eu-2}\n";
    let error = expect(labels, &[]).ended(1).err;
    assert!(error.contains("labels.yaml") && error.contains("cluster shop-eu-1 from 2026-03-17T09:00:00"), "{error}");
}

#[test]
fn floors_are_checked() {
    let error = expect(STORY, &["--fail-under", "top2=1"]).ended(2).err;
    assert!(error.contains("top2=1") && error.contains("detected, precision, top1"), "{error}");
    let error = run(&["replay", "-", "--fail-under", "top1=1"]).ended(2).err;
    assert!(error.contains("--expect"), "{error}");
    let error = expect(STORY, &["--all"]).ended(2).err;
    assert!(error.contains("--all") && error.contains("--expect"), "{error}");
}

#[test]
fn strangers_cannot_paint_the_terminal() {
    let recording = std::fs::read_to_string(hour()).unwrap();
    let hostile = recording.replace("\"worker-3\"", "\"worker-3\\u001b[2J\\nnothing went wrong\"");
    assert_ne!(hostile, recording);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("labels.yaml");
    std::fs::write(&file, WRONG).unwrap();
    let text = feed(&["replay", "-", "--expect", file.to_str().unwrap()], hostile.as_bytes()).ended(0).out;
    assert!(text.contains("went wrong\n") && text.contains("worker-3"), "{text}");
    assert!(!text.contains('\x1b') && !text.lines().any(|line| line.starts_with("nothing went wrong")), "{text}");
}

/// They speak of another cluster than the hour's, so that all that can be wrong with them is that.
#[track_caller]
fn is_understood(labels: &str) {
    assert!(labels.contains("healthy: true") && labels.contains("accept:"), "{labels}");
    // What names no cluster speaks of this one too, were it not for its time.
    let error = expect(labels, &["--to", "2026-03-17T09:10:00Z"]).ended(1).err;
    assert!(error.contains("no label of"), "{error}\n{labels}");
}

#[test]
fn the_labels_that_the_help_and_the_readme_show_are_understood() {
    let help = run(&["replay", "--help"]).ended(0).out;
    let lines = help.lines().skip_while(|line| !line.starts_with("  - name:")).take_while(|line| !line.is_empty());
    is_understood(&lines.map(|line| format!("{line}\n")).collect::<String>());
    let readme = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let (_, labels) = readme.split_once("```yaml\n- name: cart").expect("README.md shows labels");
    is_understood(&format!("- name: cart{}", labels.split("```").next().unwrap()));
}
