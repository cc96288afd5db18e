//! Facts for the conformance suite, and what the probe must make of them, said in the plainest way.

use crate::conformance_probe::{OBJECTS_MAX, Probe, QUIET, REJECTED, report};
use bellbuoy_core::Text;
use bellbuoy_core::fact::{Body, Fact, FactId, Source};
use bellbuoy_core::incident::{Change, Flow, Incident, Stamped};
use bellbuoy_core::object::{ObjectRef, Scope};
use bellbuoy_core::report::{Action, Command, EventReport};
use bellbuoy_core::stage::Stage;
use bellbuoy_core::time::{Interval, Span, Time};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// The scope number `n`.
pub fn scope(n: u8) -> Scope {
    Scope::cluster(&format!("cluster-{n}"))
}

/// Event number `number` about an object, observed so many milliseconds after the beginning.
pub fn event(scope: &Scope, object: &str, at_ms: i64, number: u64) -> Fact {
    event_of_reason(scope, object, at_ms, number, "Probed")
}

/// An event that the probe rejects.
pub fn event_to_reject(scope: &Scope, object: &str, at_ms: i64, number: u64) -> Fact {
    event_of_reason(scope, object, at_ms, number, REJECTED)
}

fn event_of_reason(scope: &Scope, object: &str, at_ms: i64, number: u64, reason: &str) -> Fact {
    let at = at(at_ms);
    let report = EventReport { reason: reason.into(), message: format!("{number}").into(), ..EventReport::default() };
    let object = ObjectRef::new("Pod", "space", object);
    Fact::new(scope.clone(), Source::Events, object, Interval::at(at), at, Body::Event(report))
}

/// A person's command about an object.
pub fn command(scope: &Scope, object: &str, at_ms: i64) -> Fact {
    let command = Command { by: "somebody".into(), incident: "".into(), action: Action::Acknowledge };
    let object = ObjectRef::new("Pod", "space", object);
    Fact::new(scope.clone(), Source::People, object, Interval::at(at(at_ms)), at(at_ms), Body::Command(command))
}

/// So many milliseconds after the beginning of the tests' time.
pub fn at(ms: i64) -> Time {
    Time::from_secs(1_700_000_000) + Span::from_millis(ms)
}

/// What the probe says in each scope about facts that come in any order within the lateness, followed by the ends of
/// their recordings: sort, drop what is there twice, count, and let quiet fall in between.
pub fn expected(facts: &[Fact]) -> BTreeMap<Scope, Vec<Stamped<Incident>>> {
    let mut by_scope: BTreeMap<Scope, BTreeMap<(Time, FactId), &Fact>> = BTreeMap::new();
    for fact in facts {
        by_scope.entry(fact.scope.clone()).or_default().insert((fact.observed_at, fact.id), fact);
    }
    by_scope.into_iter().map(|(scope, facts)| (scope.clone(), expected_in(&scope, facts.into_values()))).collect()
}

fn expected_in<'a>(scope: &Scope, facts: impl Iterator<Item = &'a Fact>) -> Vec<Stamped<Incident>> {
    let mut said = Vec::new();
    let mut say = |at: Time, flow: Flow<Incident>| said.push(Stamped { scope: scope.clone(), at, flow });
    let mut objects: BTreeMap<Text, (Time, u32)> = BTreeMap::new();
    for fact in facts {
        let now = fact.observed_at;
        let mut quiet: Vec<(Time, Text)> =
            objects.iter().map(|(name, seen)| (seen.0 + QUIET, name.clone())).filter(|(due, _)| *due <= now).collect();
        quiet.sort();
        for (due, name) in quiet {
            let count = objects.remove(&name).map_or(0, |seen| seen.1);
            say(due, Flow::Item(report(scope, &name, count, due, Change::Resolved, None)));
        }
        match &fact.body {
            Body::Event(event) if &*event.reason != REJECTED => {
                let name = &fact.object.name;
                if !objects.contains_key(name) && objects.len() == OBJECTS_MAX {
                    let oldest = objects.iter().map(|(name, seen)| (seen.0, name.clone())).min();
                    oldest.map(|(_, name)| objects.remove(&name));
                }
                let seen = objects.entry(name.clone()).or_default();
                *seen = (now, seen.1 + 1);
                let change = if seen.1 == 1 { Change::Opened } else { Change::Grew };
                say(now, Flow::Item(report(scope, name, seen.1, now, change, Some((fact, false)))));
            }
            Body::Tick { .. } | Body::EndOfRecording => say(now, Flow::Watermark),
            _ => {}
        }
    }
    said
}

/// Facts as a journal could hold them: several scopes and objects, ticks, facts to reject, any order within the
/// lateness, any of them twice, and at the end the ends of the recordings.
pub fn journal() -> impl Strategy<Value = Vec<Fact>> {
    let lateness_ms = Probe::LATENESS.0 / 1_000;
    // Scope, object, moment, delay of arrival, kind, and where its duplicate goes, if it has one.
    let fact =
        (0..4_u8, 0..12_u8, 0..60_000_i64, 0..lateness_ms, 0..10_u8, proptest::option::weighted(0.2, 0..20_000_i64));
    proptest::collection::vec(fact, 1..120).prop_map(|facts| {
        let mut arrivals: Vec<(i64, usize, Fact)> = Vec::new();
        for (number, (in_scope, object, ms, delay, kind, again)) in facts.into_iter().enumerate() {
            let (scope, object, id) = (scope(in_scope), format!("pod-{object}"), number as u64);
            let fact = match kind {
                0 => Fact::tick(scope, Source::Events, at(ms)),
                1 => event_to_reject(&scope, &object, ms, id),
                // Several at one moment, so that the id decides.
                2 => event(&scope, &object, ms / 5_000 * 5_000, id),
                _ => event(&scope, &object, ms, id),
            };
            let ms = fact.observed_at.since(at(0)).0 / 1_000;
            // What asks to be rejected is rejected as often as it stands there: a runner must not hide that.
            if let Some(after) = again.filter(|_| kind > 1) {
                arrivals.push((ms + delay + after, number, fact.clone()));
            }
            arrivals.push((ms + delay, number, fact));
        }
        arrivals.sort_by_key(|(arrival, number, _)| (*arrival, *number));
        let mut journal: Vec<Fact> = arrivals.into_iter().map(|(_, _, fact)| fact).collect();
        let scopes: BTreeSet<Scope> = journal.iter().map(|fact| fact.scope.clone()).collect();
        journal.extend(scopes.into_iter().map(|scope| Fact::end_of_recording(scope, at(3_600_000))));
        journal
    })
}
