//! The real recordings against their hand labels, all sources together and each source alone.

use crate::truth::{Labelled, Verdict, alone, labelled, name};
use bellbuoy_core::fact::{Fact, Source};
use bellbuoy_core::object::Scope;
use bellbuoy_core::severity::Severity;
use bellbuoy_core::triage::Triaged;
use bellbuoy_local::recording::{Options, Recording};
use bellbuoy_local::score::Score;
use bellbuoy_tests::data::recorded;
use bellbuoy_tests::fold::decide;
use bellbuoy_wire::labels::Label;
use std::path::PathBuf;

/// The facts of some files of a recording; `at` says where in each the content starts, as a JSON pointer.
fn facts(folder: &str, files: &[String], at: &str) -> Option<Vec<Fact>> {
    let folder = recorded(folder)?;
    let parts = tempfile::tempdir().unwrap();
    let sources: Vec<PathBuf> = files
        .iter()
        .map(|file| match at {
            "" => folder.join(file),
            at => {
                let whole: serde_json::Value =
                    serde_json::from_slice(&std::fs::read(folder.join(file)).unwrap()).unwrap();
                let part = parts.path().join(file);
                std::fs::write(&part, serde_json::to_vec(whole.pointer(at).unwrap()).unwrap()).unwrap();
                part
            }
        })
        .collect();
    Some(facts_of(&sources))
}

/// The facts of some files.
pub(crate) fn facts_of(files: &[PathBuf]) -> Vec<Fact> {
    let recording = Recording::open(files, &Options::default(), &mut |_| {}).unwrap();
    recording.facts().unwrap().map(Result::unwrap).collect()
}

/// What the score of one recording counts: everything but what its labels tolerate.
fn score(labelled: &Labelled, labels: &[Label], facts: &[Fact]) -> (Score, String) {
    let decided = decide(facts);
    let told = decided.told();
    let scope = facts.first().map_or_else(|| Scope::cluster("none"), |fact| fact.scope.clone());
    let counted: Vec<&Triaged> = decided
        .triaged
        .iter()
        .filter(|triaged| {
            let first = triaged.incident.causes.first();
            !first.is_some_and(|cause| labelled.tolerates(&cause.entity, &cause.signal, triaged.severity))
        })
        .collect();
    (Score::of(labels, counted.into_iter().map(|triaged| (&scope, triaged))), told)
}

/// The sum of the scores, with every mistake and what was said instead.
#[derive(Default)]
struct Sheet {
    total: Score,
    replays: usize,
    alarms: Vec<String>,
    text: String,
}

impl Sheet {
    fn enter(&mut self, name: &str, allowed: usize, healthy: bool, (score, told): (Score, String)) {
        self.replays += 1;
        if !score.mistakes.is_empty() {
            let mistakes: Vec<_> = score.mistakes.iter().map(|mistake| format!("    {mistake}")).collect();
            self.text.push_str(&format!("{name}\n{}\n{told}", mistakes.join("\n")));
        }
        let worst = Severity::ALL.into_iter().find(|severity| score.severities.of(*severity) > 0);
        if healthy && worst.is_some_and(|worst| worst < Severity::P5) {
            self.alarms.push(format!("{name}:\n{told}"));
        }
        let mut score = score;
        // Where a label allows several incidents for one failure, they count as one.
        let spare = score.incidents_per_failure.part.saturating_sub(score.incidents_per_failure.whole);
        score.incidents_per_failure.part -= spare.min(allowed);
        self.total += score;
    }
}

#[test]
fn every_visible_failure_is_found_and_nothing_else() {
    let mut sheet = Sheet::default();
    for one in labelled().iter().filter(|one| one.scored && !one.files.is_empty()) {
        let Some(facts) = facts(&one.recording, &one.files, "") else { return };
        let labels = one.labels(&["events", "objects", "alerts"]);
        let allowed = one.failures.iter().map(|fault| fault.at_most - 1).sum();
        sheet.enter(&one.name(), allowed, one.verdict != Verdict::Failure, score(one, &labels, &facts));
    }
    eprintln!("{}\n{} recordings\n{}", sheet.text, sheet.replays, sheet.total);
    let total = &sheet.total;
    assert_eq!(total.detected.part, total.detected.whole, "all are detected");
    assert!(total.top1.entity.whole - total.top1.entity.part <= 1, "at most one wrong entity comes first");
    assert!(total.incidents_per_failure.value().is_some_and(|each| each <= 1.1), "one incident per failure");
    assert!(sheet.alarms.is_empty(), "nothing above P5 where nothing is visible:\n{}", sheet.alarms.join("\n"));
}

#[test]
fn each_source_alone_finds_what_it_holds() {
    let all = labelled();
    for source in alone() {
        let mut sheet = Sheet::default();
        let of = match source.source.as_str() {
            "events" => Source::Events,
            "objects" => Source::Objects,
            "alerts" => Source::Alerts,
            other => panic!("{other:?} is no source"),
        };
        for replay in source.replays.iter().filter(|replay| replay.scored) {
            let is_it = |one: &&Labelled| {
                one.recording == replay.recording && (replay.case.is_empty() || one.case == replay.case)
            };
            let one = all.iter().find(is_it).unwrap();
            let Some(facts) = facts(&replay.recording, &replay.files, &replay.at) else { return };
            let facts: Vec<_> = facts
                .into_iter()
                .filter(|fact| matches!(fact.source, from if from == of || from == Source::Bellbuoy))
                .collect();
            let labels = match replay.verdict {
                Verdict::Failure => one.labels(&[&source.source]),
                Verdict::Healthy | Verdict::NotVisible => vec![Label::healthy()],
            };
            let allowed = one.failures.iter().map(|fault| fault.at_most - 1).sum();
            let name = name(&replay.recording, &replay.case);
            sheet.enter(&name, allowed, replay.verdict != Verdict::Failure, score(one, &labels, &facts));
        }
        eprintln!("{}\n{} alone: {} recordings\n{}", sheet.text, source.source, sheet.replays, sheet.total);
        let total = &sheet.total;
        assert_eq!(total.detected.part, total.detected.whole, "{} alone: all are detected", source.source);
        assert!(total.top1.entity.whole - total.top1.entity.part <= 1, "{} alone: first cause", source.source);
        assert!(total.incidents_per_failure.value().is_some_and(|each| each <= 1.1), "{} alone: split", source.source);
        assert!(sheet.alarms.is_empty(), "{} alone: false alarms:\n{}", source.source, sheet.alarms.join("\n"));
    }
}
