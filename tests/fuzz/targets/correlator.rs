//! The correlator under arbitrary facts, with commits, aborts and restores in between.

use super::compiled::{Compiled, Under, task};
use super::promises::Promises;
use super::scenario::{Bytes, Scenario};
use bellbuoy_core::fact::Fact;
use bellbuoy_core::incident::{Flow, Incident};
use bellbuoy_core::object::Scope;
use bellbuoy_core::rules::Limits;
use bellbuoy_core::stage::{Effect, State};
use bellbuoy_core::task::{Row, Task};
use std::collections::BTreeMap;

/// Records for each fact, on the average: a fact shows a handful of signals, and each may open, change and end an
/// incident. Without a bound, a timer that arms itself would be found by no test.
const RECORDS_PER_FACT_MAX: usize = 32;

/// What is fed between the facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    None,
    Commit,
    Abort,
    Restore,
}

/// Any bytes as a story of two clusters.
pub(crate) fn correlate(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let under = match bytes.next() % 4 {
        0 | 1 => Under::Ample,
        2 => Under::Tight,
        _ => Under::Nothing,
    };
    let (journal, cuts, whole) = uninterrupted(under, &mut bytes);
    let parts = interrupted(under, &journal, &cuts);
    if let Some(at) = whole.iter().zip(&parts).position(|(a, b)| a != b) {
        panic!("effect {at} differs:\nuninterrupted {:#?}\ninterrupted {:#?}", whole[at], parts[at]);
    }
    assert_eq!(whole.len(), parts.len(), "effects uninterrupted and interrupted");
}

/// Makes the facts and folds them one after the other, with a commit behind each.
fn uninterrupted(under: Under, bytes: &mut Bytes<'_>) -> (Vec<Fact>, Vec<Cut>, Vec<Effect<Incident>>) {
    let (mut journal, mut cuts, mut effects) = (Vec::new(), Vec::new(), Vec::new());
    let (mut task, mut scenario) = (task(under), Scenario::default());
    let mut incident = String::new();
    let mut promises = Promises::under(under);
    while !bytes.is_over() {
        let cut = bytes.next();
        let fact = match journal.last() {
            // What is reported twice is one fact.
            Some(fact) if cut & 0xE0 == 0xE0 => Fact::clone(fact),
            _ => scenario.fact(bytes, &incident),
        };
        // Seldom, because to compare whole states takes longer than all else.
        cuts.push(match cut & 0x1F {
            1 => Cut::Commit,
            2 => Cut::Abort,
            3 => Cut::Restore,
            _ => Cut::None,
        });
        let offset = i64::try_from(journal.len()).expect("a story has few facts");
        journal.push(fact.clone());
        task.feed(offset, fact);
        let new = task.commit().effects;
        for effect in &new {
            if let Effect::Emit(stamped) = effect
                && let Flow::Item(record) = &stamped.flow
            {
                incident = record.id.to_string();
            }
        }
        // The limits of the first rule set hold until another one is activated.
        if scenario.is_changed {
            promises.widen();
        }
        promises.hold(&new);
        effects.extend(new);
        let facts = journal.len();
        assert!(
            promises.records <= RECORDS_PER_FACT_MAX * facts,
            "{} records of incidents from {facts} facts",
            promises.records
        );
        if !scenario.is_changed {
            is_bounded(&mut task, under);
        }
    }
    (journal, cuts, effects)
}

/// Folds the same facts with commits, aborts and restores; what is undone is fed again.
fn interrupted(under: Under, journal: &[Fact], cuts: &[Cut]) -> Vec<Effect<Incident>> {
    let mut effects = Vec::new();
    let mut one = task(under);
    let mut changelog: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let mut committed = one.dump();
    for (at, cut) in cuts.iter().enumerate() {
        catch_up(&mut one, journal, at);
        match cut {
            Cut::None => continue,
            Cut::Commit => {}
            Cut::Abort => {
                one.abort();
                assert_eq!(one.dump(), committed, "an aborted batch has left something behind");
                catch_up(&mut one, journal, at);
            }
            Cut::Restore => {
                one = restored(under, &changelog);
                assert_eq!(one.dump(), committed, "a restored state is another one");
                catch_up(&mut one, journal, at);
            }
        }
        effects.extend(take(&mut one, &mut changelog));
        committed = one.dump();
        // Tables are walked in the order of their keys, which is not that of the keys' bytes.
        let state: BTreeMap<_, _> =
            committed.iter().filter_map(|row| Some((row.key.clone(), row.value.clone()?))).collect();
        assert_eq!(changelog, state, "the changelog tells of another state");
    }
    if let Some(last) = journal.len().checked_sub(1) {
        catch_up(&mut one, journal, last);
    }
    effects.extend(take(&mut one, &mut changelog));
    effects
}

/// Feeds what the task has not read, or must read again, up to and with the record at `to`.
fn catch_up(task: &mut Task<Compiled>, journal: &[Fact], to: usize) {
    // What is held back is there already, unless the task is new or has undone it.
    let from = if task.held() == 0 { task.resume_at() } else { task.read_to() };
    let from = usize::try_from(from).expect("offsets count from 0");
    for (at, fact) in journal.iter().enumerate().take(to + 1).skip(from) {
        task.feed(i64::try_from(at).expect("a story has few facts"), fact.clone());
    }
}

fn restored(under: Under, changelog: &BTreeMap<Vec<u8>, Vec<u8>>) -> Task<Compiled> {
    let mut one = task(under);
    for row in rows(changelog) {
        one.restore(&row).expect("a row that a task wrote can be restored");
    }
    one.restored();
    one
}

fn rows(changelog: &BTreeMap<Vec<u8>, Vec<u8>>) -> impl Iterator<Item = Row> {
    changelog.iter().map(|(key, value)| Row { key: key.clone(), value: Some(value.clone()) })
}

fn take(task: &mut Task<Compiled>, changelog: &mut BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<Effect<Incident>> {
    let commit = task.commit();
    for Row { key, value } in commit.changelog {
        match value {
            Some(value) => changelog.insert(key, value),
            None => changelog.remove(&key),
        };
    }
    commit.effects
}

/// No table has more rows than the limits, with what hangs on each row, leave room for.
fn is_bounded(task: &mut Task<Compiled>, under: Under) {
    let limits = under.limits();
    if limits == Limits::default() {
        return;
    }
    for scope in ["prod", "test"] {
        let Some(state) = task.state_mut(&Scope::cluster(scope)) else { continue };
        let rows: Vec<usize> = state.ledgers().iter().map(|ledger| ledger.rows()).collect();
        let most = rows.iter().copied().max().unwrap_or(0);
        assert!(most <= rows_max(&limits), "rows of the tables of {scope}: {rows:?}");
    }
}

/// Rows of the largest table, that of names: objects, episodes and ended incidents, each with what it refers to.
fn rows_max(limits: &Limits) -> usize {
    let remembered = limits.objects_max + limits.episodes_max + limits.ended_incidents_max;
    64 + 32 * remembered as usize
}
