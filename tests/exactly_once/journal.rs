//! The journal of a run: estates in which everything happens, and everything that can happen to a journal.

use bellbuoy_core::fact::{Body, Fact, Source};
use bellbuoy_core::incident::{Change, Flow};
use bellbuoy_core::object::{ObjectRef, Scope};
use bellbuoy_core::report::{Action, Command};
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::stage::Stage;
use bellbuoy_core::time::{Interval, Span, Time};
use bellbuoy_correlate::Correlate;
use bellbuoy_tests::chaos::{Seed, disordered, journal};
use bellbuoy_tests::fold::decide;
use bellbuoy_tests::oracle::Entry;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Clusters, more than partitions, so that some share one.
const CLUSTERS: usize = 7;

/// Facts in any order within the lateness, some twice, some again when it is far too late; people's commands about incidents that are
/// there and about some that are not; other rules from the middle on; bytes that are no facts; and an end.
pub(crate) fn entries(seed: u64, facts: usize, partitions: u32, other_rules: &Arc<RuleSet>) -> Vec<Entry> {
    let mut random = Seed(seed);
    let mut reported = journal(seed, CLUSTERS, facts / CLUSTERS);
    reported.truncate(facts);
    let last = reported.last().map(|fact| fact.observed_at).unwrap();
    let lateness = u64::try_from(Correlate::LATENESS.0).unwrap();
    let mut stream = disordered(&reported, &mut random, lateness);
    for fact in commands(&reported, &mut random) {
        let place = stream.partition_point(|other| other.observed_at < fact.observed_at);
        stream.insert(place, fact);
    }
    let middle = stream[stream.len() / 2].observed_at;
    for scope in scopes(&reported) {
        let place = stream.len() / 2;
        stream.insert(place, Fact::rules(scope, other_rules.clone(), middle));
    }
    let mut entries = Vec::new();
    for fact in stream {
        match random.below(100) {
            // The same record again: a writer at the door may repeat itself.
            0..3 => entries.push(Entry::Fact(Box::new(fact.clone()))),
            3 => entries.push(Entry::Garbage(
                u32::try_from(random.below(partitions as usize)).unwrap(),
                b"\xc3\x01no fact".into(),
            )),
            _ => {}
        }
        entries.push(Entry::Fact(Box::new(fact)));
        if random.below(200) == 0 {
            let earlier = entries[random.below(entries.len())].clone();
            entries.push(earlier);
        }
    }
    entries.truncate(facts);
    // Whatever was held back is let go.
    let end = |scope| Entry::Fact(Box::new(Fact::end_of_recording(scope, last + Span::from_secs(600))));
    entries.extend(scopes(&reported).into_iter().map(end));
    entries
}

fn scopes(facts: &[Fact]) -> BTreeSet<Scope> {
    facts.iter().map(|fact| fact.scope.clone()).collect()
}

/// What people say about every third incident, a while after it opens, and sometimes about one that nobody knows.
fn commands(facts: &[Fact], random: &mut Seed) -> Vec<Fact> {
    let mut commands = Vec::new();
    for record in decide(facts).records {
        let Flow::Item(incident) = &record.flow else { continue };
        if !incident.changes.contains(&Change::Opened) || random.below(3) > 0 {
            continue;
        }
        let action = match random.below(3) {
            0 => Action::Acknowledge,
            1 => Action::Resolve,
            _ => Action::Note { text: "looked at it".into() },
        };
        let id = if random.below(8) == 0 { "inc-0000000000000000".to_owned() } else { incident.id.to_string() };
        let delay = i64::try_from(random.below(300_000_000)).unwrap();
        let at = Time(record.at.0 + delay);
        let command = Body::Command(Command { by: "mara".into(), incident: id.as_str().into(), action });
        let nothing = ObjectRef::new("Deployment", "nowhere", "nothing");
        commands.push(Fact::new(record.scope.clone(), Source::People, nothing, Interval::at(at), at, command));
    }
    commands
}
