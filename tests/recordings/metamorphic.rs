//! What must not matter does not: names, the date, a healthy rollout beside it, another cluster in between.

use crate::labelled::facts_of;
use crate::truth::{Labelled, Verdict, labelled};
use bellbuoy_core::fact::Fact;
use bellbuoy_core::object::Scope;
use bellbuoy_core::severity::Severity;
use bellbuoy_core::time::Time;
use bellbuoy_tests::data::recorded;
use bellbuoy_tests::fold::decide;
use jiff::{SignedDuration, Timestamp};
use regex::Regex;
use std::path::PathBuf;

/// A healthy rollout, as it was recorded.
const ROLLOUT: (&str, &str) = ("k8s-events-verbatim/kspan", "deployment-2-pods.yaml");

/// What was decided of one cluster, above P5: the first causes with their severities.
fn verdict(facts: &[Fact], name: impl Fn(&str) -> String) -> Vec<String> {
    let decided = decide(facts);
    let above = decided.incidents().into_iter().filter(|triaged| triaged.severity < Severity::P5);
    let mut said: Vec<_> = above
        .map(|triaged| {
            let cause = triaged.incident.causes.first();
            let cause = cause.map(|cause| format!("{} on {}", cause.signal, name(&cause.entity.to_string())));
            format!("{} {}", triaged.severity, cause.unwrap_or_default())
        })
        .collect();
    said.sort();
    said
}

/// The files of a recording, changed as text.
fn changed(one: &Labelled, change: impl Fn(&str) -> String) -> Option<(tempfile::TempDir, Vec<PathBuf>)> {
    let folder = recorded(&one.recording)?;
    let changed = tempfile::tempdir().unwrap();
    let files = one.files.iter().enumerate().map(|(number, file)| {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let to = changed.path().join(format!("{number}-{}", file.replace('/', "-")));
        std::fs::write(&to, change(&text)).unwrap();
        to
    });
    let files = files.collect();
    Some((changed, files))
}

/// Every time in a text, moved.
fn moved(text: &str, by: SignedDuration) -> String {
    let time = Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").unwrap();
    let shift = |found: &regex::Captures<'_>| match found[0].parse::<Timestamp>() {
        Ok(at) => (at + by).to_string(),
        Err(_) => found[0].to_owned(),
    };
    time.replace_all(text, shift).into_owned()
}

/// Each recording with a failure that is scored.
fn failures() -> impl Iterator<Item = Labelled> {
    labelled().into_iter().filter(|one| one.scored && one.verdict == Verdict::Failure)
}

fn check(what: &str, change: impl Fn(&Labelled, &[Fact]) -> Option<(Vec<String>, Vec<String>)>) {
    let mut differing = Vec::new();
    let mut count = 0;
    for one in failures() {
        let Some(folder) = recorded(&one.recording) else { return };
        let files: Vec<_> = one.files.iter().map(|file| folder.join(file)).collect();
        let Some((before, after)) = change(&one, &facts_of(&files)) else { return };
        count += 1;
        if before != after {
            differing.push(format!("{}\n  as it is  {before:?}\n  {what}  {after:?}", one.name()));
        }
    }
    assert!(count > 20, "only {count} recordings hold a failure");
    assert!(differing.is_empty(), "{} of {count} differ:\n{}", differing.len(), differing.join("\n"));
}

#[test]
fn the_date_does_not_matter() {
    check("moved", |one, facts| {
        let (_kept, files) = changed(one, |text| moved(text, SignedDuration::from_hours(9_999)))?;
        Some((verdict(facts, str::to_owned), verdict(&facts_of(&files), str::to_owned)))
    });
}

#[test]
fn names_do_not_matter() {
    let other = |name: &str| {
        name.chars()
            .map(|c| {
                if c == 'z' {
                    'a'
                } else if c.is_ascii_lowercase() {
                    ((c as u8) + 1) as char
                } else {
                    c
                }
            })
            .collect::<String>()
    };
    check("renamed", |one, facts| {
        // What Kubernetes generates keeps its form, or it would not be a pod's name any more.
        let generated = Regex::new("-[0-9a-f]{8,10}-[a-z0-9]{5}$").unwrap();
        let mut names: Vec<_> = one.names().iter().map(|name| generated.replace(name, "").into_owned()).collect();
        // The longest first: one name may be a part of another.
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        let names = Regex::new(&names.iter().map(|name| regex::escape(name)).collect::<Vec<_>>().join("|")).unwrap();
        let rename = |text: &str| names.replace_all(text, |found: &regex::Captures<'_>| other(&found[0])).into_owned();
        let (_kept, files) = changed(one, rename)?;
        Some((verdict(facts, rename), verdict(&facts_of(&files), str::to_owned)))
    });
}

#[test]
fn a_healthy_rollout_beside_it_does_not_matter() {
    let Some(folder) = recorded(ROLLOUT.0) else { return };
    let rollout = std::fs::read_to_string(folder.join(ROLLOUT.1)).unwrap();
    let end_of = |facts: &[Fact]| facts.iter().map(|fact| fact.observed_at).max().unwrap_or(Time::MIN);
    let rollout_ends = end_of(&facts_of(&[folder.join(ROLLOUT.1)]));
    check("with a rollout", |one, facts| {
        let by = SignedDuration::from_micros(end_of(facts).since(rollout_ends).0);
        let (kept, mut files) = changed(one, str::to_owned)?;
        let beside = kept.path().join("rollout.yaml");
        std::fs::write(&beside, moved(&rollout, by)).unwrap();
        files.push(beside);
        Some((verdict(facts, str::to_owned), verdict(&facts_of(&files), str::to_owned)))
    });
}

#[test]
fn another_cluster_in_between_does_not_matter() {
    check("beside a cluster", |_, facts| {
        let there = Scope::cluster("elsewhere");
        let others = facts.iter().map(|fact| Fact { scope: there.clone(), ..fact.clone() });
        let mut both: Vec<_> = facts.iter().cloned().chain(others).collect();
        both.sort_by_key(|fact| (fact.observed_at, fact.scope.clone()));
        let alone = verdict(facts, str::to_owned);
        let mut twice = [alone.clone(), alone].concat();
        twice.sort();
        Some((twice, verdict(&both, str::to_owned)))
    });
}
