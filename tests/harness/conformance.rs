//! What a runner owes a stage. Every runner is held to it, through the small trait that it implements for this suite.
//!
//! A runner's test calls [`check`] with a closure that makes a runner over an empty journal, and asserts that no duty
//! failed; [`duties`] gives them one by one. The stage is always [`Probe`](crate::conformance_probe::Probe), from the
//! journal to the incidents.

#![expect(clippy::panic, clippy::expect_used, reason = "a test's tools fail the test that uses them")]

use crate::conformance_duties;
use crate::conformance_facts::{at, event, event_to_reject, expected, scope};
use bellbuoy_core::fact::{Fact, FactId, Source};
use bellbuoy_core::incident::{Flow, Incident, Stamped};
use bellbuoy_core::object::Scope;
use std::collections::BTreeMap;

/// What stands in the journal.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all inputs are facts")]
pub enum Input {
    /// A fact.
    Fact(Fact),
    /// Bytes that are no fact, in the partition of a scope.
    Garbage(Scope, Vec<u8>),
    /// An offset that nothing stands at, in the partition of a scope: as transaction markers leave them.
    Gap(Scope),
}

/// What the probe wrote: key, value as bytes, value.
pub type Written = (Vec<u8>, Vec<u8>, Stamped<Incident>);

/// What a reader of committed records sees.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Committed {
    /// What the probe wrote, per scope and in order.
    pub output: BTreeMap<Scope, Vec<Written>>,
    /// Dead letters, per partition in order; the suite compares them sorted.
    pub dead_letters: Vec<Letter>,
}

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Letter {
    /// Bytes that are no fact.
    Garbage(Vec<u8>),
    /// A fact that the probe rejected.
    Rejected(FactId),
}

/// A journal, the other topics beside it, and a runner of the probe over them.
pub trait RunnerUnderTest {
    /// A running instance.
    type Instance: Instance;

    /// Writes to the journal, committed and in this order.
    fn append(&mut self, inputs: &[Input]);

    /// Starts an instance that owns all partitions, as a new process would. While another one owns them it may be
    /// refused (`None`), or take them over and fence the other one.
    fn start(&mut self) -> Option<Self::Instance>;

    /// Everything that was committed so far.
    fn committed(&mut self) -> Committed;

    /// Live rows of the probe's changelog.
    fn state_rows(&mut self) -> usize;
}

/// An instance of a runner.
pub trait Instance {
    /// Takes in at most so many records per partition, without committing what comes of them. Returns how many were
    /// taken in; none when the end is reached. It must wait for records that are there and not yet fetched.
    fn feed(&mut self, records_max: usize) -> usize;

    /// Commits what was taken in.
    fn commit(&mut self) -> Result<(), Fenced>;

    /// Forgets what was taken in since the last commit, in every partition, and goes on from there.
    fn abort(&mut self);

    /// Gives its partitions up in an orderly way: commits what was taken in.
    fn release(self) -> Result<(), Fenced>;

    /// Dies without a word.
    fn kill(self);
}

/// Another instance has the partitions now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fenced;

/// Makes a runner with an empty journal of so many partitions.
pub type Make<'a, R> = dyn FnMut(u32) -> R + 'a;

/// Defines the list of duties twice: as tests of a runner's file, and as values.
macro_rules! duties {
    ($($duty:ident),+ $(,)?) => {
        /// All duties by name.
        pub fn duties<R: RunnerUnderTest>() -> Vec<(&'static str, fn(&mut Make<'_, R>))> {
            vec![$((stringify!($duty), conformance_duties::$duty::<R> as fn(&mut Make<'_, R>))),+]
        }
    };
}

duties![
    hands_over_by_time_and_id,
    holds_back_until_the_lateness_is_over,
    marks_late_facts,
    hands_commands_over_at_once,
    undoes_at_every_record,
    restores_at_every_commit,
    hands_over_at_every_record,
    survives_death_at_every_record,
    fences_a_second_owner,
    commits_dead_letters_with_the_position,
    rejects_once,
    keeps_tables_bounded,
    shows_nothing_before_the_commit,
    passes_by_gaps,
    writes_the_same_whatever_the_batches_and_partitions,
    fires_timers_after_a_restore,
    loses_nothing_when_nothing_was_read,
];

/// Holds a runner to all duties; says which ones it fails.
pub fn check<R: RunnerUnderTest>(make: &mut Make<'_, R>) -> Vec<String> {
    let mut failures = Vec::new();
    for (duty, held_to) in duties::<R>() {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| held_to(make)));
        if let Err(cause) = result {
            let text = cause.downcast_ref::<String>().cloned();
            let text = text.or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            failures.push(format!("{duty}: {}", text.unwrap_or_default()));
        }
    }
    failures
}

/// A journal that has everything in it, without commands: four scopes, disorder, duplicates, garbage, gaps, rejects.
pub fn inputs() -> Vec<Input> {
    let mut inputs = Vec::new();
    for n in 0..40_i64 {
        let scope = scope((n % 4) as u8);
        // Every second fact comes 1.9 s late, which is within the lateness.
        let ms = n * 700 - (n % 2) * 1_900 + 5_000;
        inputs.push(Input::Fact(event(&scope, &format!("pod-{}", n % 5), ms, n as u64)));
        match n {
            7 | 23 => inputs.push(Input::Garbage(scope.clone(), vec![n as u8; 20])),
            11 | 12 => inputs.push(Input::Gap(scope.clone())),
            13 | 30 => inputs.push(Input::Fact(event_to_reject(&scope, "pod-x", ms, n as u64))),
            17 => inputs.push(Input::Fact(event(&scope, &format!("pod-{}", n % 5), ms, n as u64))),
            20 => inputs.push(Input::Fact(Fact::tick(scope.clone(), Source::Events, at(ms)))),
            _ => {}
        }
    }
    inputs.extend((0..4).map(|n| Input::Fact(Fact::end_of_recording(scope(n), at(100_000)))));
    inputs.push(Input::Gap(scope(0)));
    inputs
}

/// Facts among inputs.
pub fn facts(inputs: &[Input]) -> Vec<Fact> {
    let facts = inputs.iter().filter_map(|input| if let Input::Fact(fact) = input { Some(fact.clone()) } else { None });
    facts.collect()
}

/// The letters that inputs must leave.
pub fn letters(inputs: &[Input]) -> Vec<Letter> {
    let mut letters: Vec<Letter> = inputs
        .iter()
        .filter_map(|input| match input {
            Input::Garbage(_, bytes) => Some(Letter::Garbage(bytes.clone())),
            Input::Fact(fact) if *fact == event_to_reject(&fact.scope, &fact.object.name, ms(fact), number(fact)) => {
                Some(Letter::Rejected(fact.id))
            }
            _ => None,
        })
        .collect();
    letters.sort();
    letters
}

fn ms(fact: &Fact) -> i64 {
    (fact.observed_at.0 - at(0).0) / 1_000
}

fn number(fact: &Fact) -> u64 {
    match &fact.body {
        bellbuoy_core::fact::Body::Event(event) => event.message.parse().unwrap_or_default(),
        _ => 0,
    }
}

/// Lets an instance run to the end, a batch per commit.
pub fn run(instance: &mut impl Instance, records_max: usize) {
    while instance.feed(records_max) > 0 {
        instance.commit().expect("the only owner is not fenced");
    }
    instance.commit().expect("the only owner is not fenced");
}

pub(crate) fn start<R: RunnerUnderTest>(runner: &mut R) -> R::Instance {
    runner.start().unwrap_or_else(|| panic!("no other instance runs, so that this one must not be refused"))
}

/// What the runner has committed must be what the probe says of these inputs, once.
pub(crate) fn hold_against(committed: &Committed, inputs: &[Input], where_: &str) {
    let wanted = expected(&facts(inputs));
    let found: BTreeMap<_, Vec<_>> = committed
        .output
        .iter()
        .map(|(scope, output)| (scope.clone(), output.iter().map(|(_, _, value)| value.clone()).collect()))
        .collect();
    for scope in wanted.keys().chain(found.keys()) {
        let (wanted, found) = (wanted.get(scope), found.get(scope));
        let empty = Vec::new();
        let (wanted, found) = (wanted.unwrap_or(&empty), found.unwrap_or(&empty));
        let differs = wanted.iter().zip(found).position(|(wanted, found)| wanted != found);
        let differs = differs.unwrap_or(wanted.len().min(found.len()));
        assert!(
            wanted == found,
            "{where_}: {scope} differs at record {differs} of {}: wanted {:#?}, found {:#?}",
            wanted.len(),
            wanted.get(differs),
            found.get(differs)
        );
    }
    let mut found = committed.dead_letters.clone();
    found.sort();
    assert_eq!(found, letters(inputs), "{where_}: dead letters");
}

/// Everything at once, to compare with.
pub(crate) fn undisturbed<R: RunnerUnderTest>(make: &mut Make<'_, R>, partitions: u32, inputs: &[Input]) -> Committed {
    let mut runner = make(partitions);
    runner.append(inputs);
    let mut instance = start(&mut runner);
    run(&mut instance, usize::MAX);
    instance.release().expect("the only owner is not fenced");
    let committed = runner.committed();
    hold_against(&committed, inputs, &format!("undisturbed on {partitions} partitions"));
    committed
}

pub(crate) fn items(committed: &Committed, scope: &Scope) -> Vec<Stamped<Incident>> {
    let output = committed.output.get(scope).map(Vec::as_slice).unwrap_or_default();
    let items = output.iter().filter(|(_, _, value)| matches!(value.flow, Flow::Item(_)));
    items.map(|(_, _, value)| value.clone()).collect()
}

pub(crate) fn assert_same(found: &Committed, wanted: &Committed, what: &str) {
    for (scope, wanted) in &wanted.output {
        let found = found.output.get(scope).map(Vec::as_slice).unwrap_or_default();
        let differs = wanted.iter().zip(found).position(|(wanted, found)| wanted != found);
        let differs = differs.unwrap_or(wanted.len().min(found.len()));
        assert!(
            found == &wanted[..],
            "{what}: {scope} differs at record {differs}: wanted {:#?} of {}, found {:#?} of {}",
            wanted.get(differs),
            wanted.len(),
            found.get(differs),
            found.len()
        );
    }
    assert_eq!(found.output.len(), wanted.output.len(), "{what}: scopes");
    let sorted = |committed: &Committed| {
        let mut letters = committed.dead_letters.clone();
        letters.sort();
        letters
    };
    assert_eq!(sorted(found), sorted(wanted), "{what}: dead letters");
}
