//! The kernel alone, under everything that a runner may do to it: the output is a function of the journal.

use bellbuoy_core::fact::Fact;
use bellbuoy_core::object::Scope;
use bellbuoy_core::stage::Effect;
use bellbuoy_core::task::{HELD_RECORDS_MAX, Task};
use bellbuoy_tests::conformance::{Committed, Input, Instance, RunnerUnderTest};
use bellbuoy_tests::conformance_facts::{at, command, event, expected, journal, scope};
use bellbuoy_tests::conformance_paper::{Fault, PaperInstance, PaperRunner};
use bellbuoy_tests::conformance_probe::Probe;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What happens to a runner.
#[derive(Clone, Debug)]
enum Step {
    Feed(usize),
    Commit,
    Abort,
    Kill,
    Release,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..30_usize).prop_map(Step::Feed),
        3 => Just(Step::Commit),
        1 => Just(Step::Abort),
        1 => Just(Step::Kill),
        1 => Just(Step::Release),
    ]
}

fn inputs(facts: &[Fact]) -> Vec<Input> {
    facts.iter().cloned().map(Input::Fact).collect()
}

/// Runs a journal on paper while all of that happens, and then to the end.
fn run(inputs: &[Input], partitions: u32, steps: &[Step]) -> Committed {
    let mut runner = PaperRunner::new(partitions, Fault::None);
    runner.append(inputs);
    let mut instance = runner.start().unwrap();
    for step in steps {
        match step {
            Step::Feed(records) => drop(instance.feed(*records)),
            Step::Commit => instance.commit().unwrap(),
            Step::Abort => instance.abort(),
            Step::Kill => {
                instance.kill();
                instance = runner.start().unwrap();
            }
            Step::Release => {
                instance.release().unwrap();
                instance = runner.start().unwrap();
            }
        }
    }
    to_the_end(&mut instance);
    runner.committed()
}

fn to_the_end(instance: &mut PaperInstance) {
    while instance.feed(usize::MAX) > 0 {
        instance.commit().unwrap();
    }
    instance.commit().unwrap();
}

/// Output without its bytes, without scopes that have none, and letters sorted.
fn sorted(mut committed: Committed) -> Committed {
    committed.dead_letters.sort();
    committed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Any order within the lateness, duplicates, any batches, partitions and interruptions: what the model says.
    #[test]
    fn the_output_is_what_the_model_says(
        facts in journal(),
        partitions in 1..6_u32,
        steps in proptest::collection::vec(step(), 0..60),
    ) {
        let committed = run(&inputs(&facts), partitions, &steps);
        let mut wanted = expected(&facts);
        wanted.retain(|_, output| !output.is_empty());
        let found: BTreeMap<Scope, Vec<_>> = committed
            .output
            .into_iter()
            .map(|(scope, output)| (scope, output.into_iter().map(|(_, _, value)| value).collect()))
            .collect();
        prop_assert_eq!(found, wanted);
    }

    /// Commands, late facts, garbage and gaps depend on where they stand in the journal, and on nothing else.
    #[test]
    fn the_journal_alone_decides(
        facts in journal(),
        extras in proptest::collection::vec((any::<prop::sample::Index>(), 0..5_u8, 0..4_u8, 0..60_000_i64), 0..20),
        partitions in 1..6_u32,
        steps in proptest::collection::vec(step(), 0..60),
    ) {
        let mut inputs = inputs(&facts);
        for (number, (place, kind, of, ms)) in extras.into_iter().enumerate() {
            let scope = scope(of);
            let extra = match kind {
                0 => Input::Garbage(scope, vec![0xff; number + 1]),
                1 => Input::Gap(scope),
                2 => Input::Fact(Fact::end_of_recording(scope, at(ms))),
                3 => Input::Fact(command(&scope, "pod-1", ms)),
                // Most of these come late.
                _ => Input::Fact(event(&scope, "pod-2", ms / 10, 1_000 + number as u64)),
            };
            inputs.insert(place.index(inputs.len() + 1), extra);
        }
        let wanted = run(&inputs, 1, &[]);
        let found = run(&inputs, partitions, &steps);
        prop_assert_eq!(sorted(found), sorted(wanted));
    }

    /// A task that took in the changelog of another one up to a commit is that other one.
    #[test]
    fn a_restored_task_equals_the_one_that_wrote_the_changelog(
        facts in journal(),
        every in 1..20_usize,
    ) {
        let mut task = Task::new(Probe);
        let mut changelog = BTreeMap::new();
        for (offset, fact) in facts.iter().enumerate() {
            task.feed(offset as i64, fact.clone());
            if offset % every > 0 {
                continue;
            }
            let commit = task.commit();
            changelog.extend(commit.changelog.into_iter().map(|row| (row.key.clone(), row)));
            let mut restored = Task::new(Probe);
            changelog.values().for_each(|row| restored.restore(row).unwrap());
            restored.restored();
            prop_assert_eq!(restored.dump(), task.dump());
            for (offset, fact) in facts.iter().enumerate().take(offset + 1).skip(commit.resume_at as usize) {
                restored.feed(offset as i64, fact.clone());
            }
            prop_assert_eq!(restored.held(), task.held());
            prop_assert_eq!(restored.resume_at(), task.resume_at());
            prop_assert!(restored.commit().effects.is_empty(), "what was done is not done again");
        }
    }
}

#[test]
fn every_interruption_at_every_offset_leaves_the_output_as_it_is() {
    let inputs = bellbuoy_tests::conformance::inputs();
    let wanted = sorted(run(&inputs, 1, &[]));
    for partitions in [1, 2] {
        for offset in 0..=inputs.len() {
            for end in [Step::Abort, Step::Kill, Step::Release] {
                for commit_before in 0..=3_usize.min(offset) {
                    let before = Step::Feed(offset - commit_before);
                    let steps = [before, Step::Commit, Step::Feed(commit_before), end.clone()];
                    let found = sorted(run(&inputs, partitions, &steps));
                    assert!(
                        found == wanted,
                        "{end:?} at {offset}, {commit_before} after a commit, {partitions} partitions"
                    );
                }
            }
        }
    }
}

#[test]
fn what_is_held_back_is_bounded_and_nothing_is_lost_at_the_bound() {
    let mut task = Task::new(Probe);
    let scope = scope(0);
    let many = HELD_RECORDS_MAX as i64 + 1_000;
    let mut said = 0;
    let is_item = |effect: &Effect<_>| matches!(effect, Effect::Emit(stamped) if is_about_a_fact(stamped));
    for n in 0..many {
        // All within one second, which is within the lateness.
        let mut fact = event(&scope, "a", 10_000, n as u64);
        fact.observed_at.0 += n % 1_000_000;
        task.feed(n, fact);
        assert!(task.held() <= HELD_RECORDS_MAX);
        if n % 10_000 == 0 {
            said += task.commit().effects.iter().filter(|effect| is_item(effect)).count();
        }
    }
    task.feed(many, Fact::end_of_recording(scope, at(20_000)));
    said += task.commit().effects.iter().filter(|effect| is_item(effect)).count();
    assert_eq!(said as i64, many);
    assert_eq!(task.late(), 0);
}

fn is_about_a_fact(stamped: &bellbuoy_core::incident::Stamped<bellbuoy_core::incident::Incident>) -> bool {
    matches!(&stamped.flow, bellbuoy_core::incident::Flow::Item(incident) if !incident.members.is_empty())
}
