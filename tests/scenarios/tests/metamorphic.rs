//! Changes of a recording that change nothing about its failure, and so must not change the verdict.

use super::floors::SAME_PERCENT;
use super::settings::{chosen_kinds, chosen_seeds, is_partial};
use crate::cluster::apps::{APPS, DATABASES, NAMESPACES};
use crate::cluster::moment::{SECOND, micro, parse, stamp};
use crate::cluster::random::Random;
use crate::cluster::recording::{Line, Source};
use crate::outcome::{Outcome, judge, judge_beside};
use crate::scenario::{Scenario, Truth, record, record_healthy};
use bellbuoy_core::object::Entity;

/// Seeds of each kind in the default run.
const SEEDS: u64 = 1;

/// Every so many kinds in the default run.
const STEP: usize = 7;

/// A recording after a change.
struct Changed {
    lines: Vec<Line>,
    /// What another cluster says meanwhile.
    other: Vec<Line>,
    truth: Truth,
}

impl Changed {
    fn of(lines: Vec<Line>, truth: Truth) -> Self {
        Self { lines, other: Vec::new(), truth }
    }
}

/// A change of a recording, and of the truth about it.
type Change = fn(&Scenario) -> Changed;

fn check(change: Change) {
    let (mut all, mut same) = (0, 0);
    let step = if is_partial() { 1 } else { STEP };
    for kind in chosen_kinds().into_iter().step_by(step) {
        for seed in chosen_seeds(SEEDS) {
            let scenario = record(kind, seed);
            let before = judge(&scenario.lines, &scenario.truth);
            let Changed { lines, other, truth } = change(&scenario);
            let changed =
                lines.len() != scenario.lines.len() || lines.iter().zip(&scenario.lines).any(|(a, b)| a.text != b.text);
            assert!(changed || !other.is_empty(), "{} seed {seed}: nothing was changed", kind.name);
            let after = judge_beside(&lines, &other, &truth);
            all += 1;
            if verdict(&before, &scenario.truth) == verdict(&after, &truth) {
                same += 1;
            } else {
                println!("{} seed {seed}: said was\n{}and then\n{}", kind.name, before.told, after.told);
            }
        }
    }
    println!("{same} of {all} verdicts are the same");
    let percent = 100.0 * f64::from(same) / f64::from(all);
    assert!(percent >= SAME_PERCENT, "{percent:.0} % of the verdicts stay the same; expected {SAME_PERCENT} %");
}

/// What must stay: the signal and the entity of the first cause, and the number of incidents.
fn verdict(outcome: &Outcome, truth: &Truth) -> (String, usize) {
    let text = match truth.renamed {
        true => rename(&outcome.verdict, false),
        false => outcome.verdict.clone(),
    };
    (text, outcome.incidents)
}

/// Other words for the users' names, one for one; back again where `there` is false.
fn rename(text: &str, there: bool) -> String {
    let words = || NAMESPACES.into_iter().chain(APPS).chain(DATABASES).chain(["worker", "gke", "acme"]);
    let other = |at: usize| format!("zq{}{}", letter(at / 26), letter(at % 26));
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let lower = word.to_lowercase();
        // A name as the name of a variable; `Kafka` is a kind, of which some things are called `kafka`.
        let is_name = lower == word || lower.to_uppercase() == word;
        let known = match there {
            _ if !is_name => None,
            true => words().position(|of| of == lower).map(other),
            false => words().enumerate().find(|(at, _)| other(*at) == lower).map(|(_, of)| of.to_owned()),
        };
        match known {
            Some(new) if lower != word => out.push_str(&new.to_uppercase()),
            Some(new) => out.push_str(&new),
            None => out.push_str(word),
        }
        let mut chars = after.chars();
        out.extend(chars.next());
        rest = chars.as_str();
    }
    out
}

fn letter(at: usize) -> char {
    char::from(b'a' + u8::try_from(at % 26).unwrap_or(0))
}

fn renamed_entity(entity: &Entity) -> Entity {
    Entity::new(&entity.kind, &rename(&entity.namespace, true), &rename(&entity.name, true))
}

#[test]
fn names_do_not_matter() {
    check(|scenario| {
        let rename_line = |line: &Line| Line { text: rename(&line.text, true), ..line.clone() };
        let truth = &scenario.truth;
        let truth = Truth {
            entities: truth.entities.iter().map(renamed_entity).collect(),
            affected: truth
                .affected
                .iter()
                .map(|(namespace, name)| (rename(namespace, true), rename(name, true)))
                .collect(),
            census: truth.census.iter().map(|(pod, of)| (renamed_entity(pod), renamed_entity(of))).collect(),
            renamed: true,
            ..truth.clone()
        };
        Changed::of(scenario.lines.iter().map(rename_line).collect(), truth)
    });
}

/// Moves every moment in a text.
fn shift(text: &str, by: i64) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, part) in text.split('"').enumerate() {
        if at > 0 {
            out.push('"');
        }
        match parse(part) {
            Some(moment) if moment > 0 && part.contains('.') => out.push_str(&micro(moment + by)),
            Some(moment) if moment > 0 => out.push_str(&stamp(moment + by)),
            _ => out.push_str(part),
        }
    }
    out
}

#[test]
fn the_hour_does_not_matter() {
    check(|scenario| {
        let by = 41 * 86_400 * SECOND + 7_261 * SECOND;
        let move_line = |line: &Line| Line { at: line.at + by, text: shift(&line.text, by), ..line.clone() };
        let truth = Truth { from: scenario.truth.from + by, ..scenario.truth.clone() };
        Changed::of(scenario.lines.iter().map(move_line).collect(), truth)
    });
}

#[test]
fn three_events_in_ten_may_be_lost() {
    check(|scenario| {
        let mut random = Random::new(scenario.seed + 77);
        let kept = scenario.lines.iter().filter(|line| line.source != Source::Events || !random.chance(30));
        Changed::of(kept.cloned().collect(), scenario.truth.clone())
    });
}

/// The lines of another recording, moved so that both begin at once, as far as they overlap.
fn alongside(scenario: &Scenario, other: &Scenario) -> Vec<Line> {
    let begin = |lines: &[Line]| lines.first().map_or(0, |line| line.at);
    let by = begin(&scenario.lines) - begin(&other.lines);
    let end = scenario.lines.last().map_or(0, |line| line.at);
    let moved = other.lines.iter().map(|line| Line { at: line.at + by, text: shift(&line.text, by), ..line.clone() });
    moved.filter(|line| line.at <= end).collect()
}

#[test]
fn other_clusters_do_not_matter() {
    check(|scenario| {
        let kind = chosen_kinds()[0];
        let other = alongside(scenario, &record(kind, scenario.seed + 300));
        Changed { lines: scenario.lines.clone(), other, truth: scenario.truth.clone() }
    });
}

#[test]
fn a_healthy_rollout_beside_it_does_not_matter() {
    check(|scenario| {
        // Workloads of another cluster that nothing happens to but rollouts and the like, under names of their own.
        let beside = record_healthy(scenario.seed + 500, 1);
        let of_users =
            |line: &Line| NAMESPACES.iter().any(|name| line.text.contains(&format!(r#""namespace":"{name}""#)));
        let moved = alongside(scenario, &beside).into_iter().filter(of_users);
        let moved = moved.map(|line| Line { text: rename(&line.text, true), ..line });
        let mut lines = scenario.lines.clone();
        lines.extend(moved);
        lines.sort_by_key(|line| line.at);
        let spared = NAMESPACES.iter().map(|name| rename(name, true)).collect();
        Changed::of(lines, Truth { spared, ..scenario.truth.clone() })
    });
}
