//! P2: the log decides. Order within the lateness, batching, interruptions, restores, partitions and duplicates do not.

#![expect(clippy::panic, reason = "tests fail by panics, in their helpers too")]

use bellbuoy_core::fact::Fact;
use bellbuoy_core::incident::{Incident, Stamped};
use bellbuoy_core::object::Scope;
use bellbuoy_core::stage::{Effect, Stage};
use bellbuoy_core::task::{Row, Task};
use bellbuoy_correlate::Correlate;
use bellbuoy_tests::chaos::{Seed, disordered, journal};
use bellbuoy_tests::fold::default_rules;
use bellbuoy_wire::record::Wire;
use std::collections::BTreeMap;

/// What each scope got: the sequence of (key, value).
type Output = BTreeMap<Scope, Vec<(Vec<u8>, Vec<u8>)>>;

fn take(output: &mut Output, effects: Vec<Effect<Incident>>) {
    for effect in effects {
        if let Effect::Emit(record) = effect {
            let scope: Scope = record.scope.clone();
            output.entry(scope).or_default().push((Wire::key(&record), Wire::encode(&record)));
        }
    }
}

/// Ends a batch.
type End = fn(&mut Task<Correlate>) -> Vec<Effect<Incident>>;

fn new_task() -> Task<Correlate> {
    Task::new(Correlate::new(default_rules()))
}

/// Folds a journal with a commit behind every record.
fn fold(facts: &[Fact]) -> Output {
    let (mut task, mut output) = (new_task(), Output::new());
    for (offset, fact) in (0..).zip(facts) {
        task.feed(offset, fact.clone());
        take(&mut output, task.commit().effects);
    }
    output
}

fn assert_same(expect: &Output, found: &Output, what: &str) {
    for (scope, records) in expect {
        let none = Vec::new();
        let others = found.get(scope).unwrap_or(&none);
        let differs = records.iter().zip(others).position(|(a, b)| a != b);
        if let Some(at) = differs {
            let read = |bytes: &[u8]| <Stamped<Incident> as Wire>::decode(bytes);
            panic!("{what}: {scope} differs at record {at}:\n{:#?}\n{:#?}", read(&records[at].1), read(&others[at].1));
        }
        assert_eq!(records.len(), others.len(), "{what}: {scope} has another number of records");
    }
    assert_eq!(expect.len(), found.len(), "{what}");
}

const SEEDS: std::ops::Range<u64> = 0..8;

#[test]
fn a_journal_holds_incidents_worth_comparing() {
    let records: usize = SEEDS.map(|seed| fold(&journal(seed, 2, 300)).values().map(Vec::len).sum::<usize>()).sum();
    assert!(records > 1_000, "{records} records");
}

#[test]
fn order_within_the_lateness() {
    for seed in SEEDS {
        let facts = journal(seed, 2, 300);
        let expect = fold(&facts);
        for round in 0..3 {
            let lateness = u64::try_from(Correlate::LATENESS.0).unwrap();
            let other = disordered(&facts, &mut Seed(seed * 100 + round), lateness);
            assert_same(&expect, &fold(&other), &format!("seed {seed}, order {round}"));
        }
    }
}

#[test]
fn batching() {
    for seed in SEEDS {
        let facts = journal(seed, 2, 300);
        let expect = fold(&facts);
        let commit = |task: &mut Task<Correlate>| task.commit().effects;
        let settle = |task: &mut Task<Correlate>| task.settle();
        let ends: [(&str, End); 2] = [("committed", commit), ("settled", settle)];
        for (what, end) in ends {
            let mut random = Seed(seed);
            let (mut task, mut output) = (new_task(), Output::new());
            for (offset, fact) in (0..).zip(&facts) {
                task.feed(offset, fact.clone());
                if random.below(40) == 0 {
                    take(&mut output, end(&mut task));
                }
            }
            take(&mut output, end(&mut task));
            assert_same(&expect, &output, &format!("seed {seed}, {what}"));
        }
    }
}

#[test]
fn an_abort_at_every_record() {
    let facts = journal(1, 2, 200);
    let expect = fold(&facts);
    let (mut task, mut output) = (new_task(), Output::new());
    for end in 0..facts.len() {
        // Everything since the last commit is fed, forgotten, and fed again.
        for round in 0..2 {
            let from = usize::try_from(task.resume_at()).unwrap();
            (from..=end).for_each(|offset| task.feed(i64::try_from(offset).unwrap(), facts[offset].clone()));
            if round == 0 {
                task.abort();
            }
        }
        take(&mut output, task.commit().effects);
    }
    assert_same(&expect, &output, "aborted");
}

#[test]
fn a_restore_at_every_record() {
    let facts = journal(2, 2, 150);
    let expect = fold(&facts);
    let mut output = Output::new();
    let mut changelog: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let mut resume_at = 0;
    for end in 0..facts.len() {
        // Each record meets a task that knows nothing but the changelog.
        let mut task = new_task();
        for (key, value) in &changelog {
            task.restore(&Row { key: key.clone(), value: Some(value.clone()) }).unwrap();
        }
        task.restored();
        for (offset, fact) in facts.iter().enumerate().take(end + 1).skip(resume_at) {
            task.feed(i64::try_from(offset).unwrap(), fact.clone());
        }
        let commit = task.commit();
        take(&mut output, commit.effects);
        for row in commit.changelog {
            match row.value {
                Some(value) => changelog.insert(row.key, value),
                None => changelog.remove(&row.key),
            };
        }
        let dumped: BTreeMap<_, _> = task.dump().into_iter().map(|row| (row.key, row.value.unwrap())).collect();
        assert_eq!(dumped, changelog, "the changelog is the state, record {end}");
        resume_at = usize::try_from(commit.resume_at).unwrap();
    }
    assert_same(&expect, &output, "restored");
}

#[test]
fn partitions_and_their_sharing() {
    for seed in SEEDS {
        let facts = journal(seed, 4, 150);
        let expect = fold(&facts);
        for partitions in [1, 2, 3, 4] {
            let mut output = Output::new();
            for partition in 0..partitions {
                let mine: Vec<_> = facts
                    .iter()
                    .filter(|fact| bellbuoy_wire::topic::partition_of(fact.scope.0.as_bytes(), partitions) == partition)
                    .cloned()
                    .collect();
                output.extend(fold(&mine));
            }
            assert_same(&expect, &output, &format!("seed {seed}, {partitions} partitions"));
        }
    }
}

#[test]
fn duplicates_of_any_fact() {
    for seed in SEEDS {
        let facts = journal(seed, 2, 300);
        let expect = fold(&facts);
        let mut random = Seed(seed);
        let mut doubled = Vec::new();
        for fact in &facts {
            doubled.push(fact.clone());
            if random.below(4) == 0 {
                // The same record again, and what a second watcher stamps a moment later.
                doubled.push(fact.clone());
                let mut second = fact.clone();
                second.observed_at.0 += i64::try_from(random.below(900_000)).unwrap();
                doubled.push(second);
            }
        }
        doubled.sort_by_key(|fact| fact.observed_at);
        // A second copy of a tick is a later tick: stream time may move, decisions must not.
        doubled.retain(|fact| !matches!(fact.body, bellbuoy_core::fact::Body::Tick { .. }));
        let plain: Vec<_> =
            facts.iter().filter(|fact| !matches!(fact.body, bellbuoy_core::fact::Body::Tick { .. })).cloned().collect();
        let expect_plain = fold(&plain);
        assert!(!expect.is_empty());
        let last = facts.last().unwrap().observed_at;
        let end = |mut facts: Vec<Fact>| {
            for n in 0..2 {
                let scope = Scope::cluster(&format!("cluster-{n}"));
                let at = bellbuoy_core::time::Time(last.0 + 60_000_000);
                facts.push(Fact::tick(scope, bellbuoy_core::fact::Source::Events, at));
            }
            facts
        };
        assert!(!expect_plain.is_empty());
        assert_same(&fold(&end(plain)), &fold(&end(doubled)), &format!("seed {seed}"));
    }
}
