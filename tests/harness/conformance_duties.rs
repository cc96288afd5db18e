//! The duties of a runner, one function each: it fails its test when a runner fails the duty.

#![expect(clippy::panic, clippy::expect_used, reason = "a test's tools fail the test that uses them")]

use crate::conformance::{
    Fenced, Input, Instance, Letter, Make, RunnerUnderTest, assert_same, hold_against, inputs, items, run, start,
    undisturbed,
};
use crate::conformance_facts::{at, command, event, event_to_reject, scope};
use crate::conformance_probe::{OBJECTS_MAX, QUIET};
use bellbuoy_core::fact::{Fact, Source};
use bellbuoy_core::incident::{Change, Flow, Incident, Stamped};

/// Facts reach the stage by (observed time, id), timers that are due before them.
pub fn hands_over_by_time_and_id<R: RunnerUnderTest>(make: &mut Make<'_, R>) {
    undisturbed(make, 1, &inputs());
}

/// What is younger than the lateness is not handed over yet, and not lost.
pub fn holds_back_until_the_lateness_is_over<R: RunnerUnderTest>(make: &mut Make<'_, R>) {
    let mut runner = make(1);
    let scope = scope(0);
    runner.append(&[Input::Fact(event(&scope, "a", 10_000, 0)), Input::Fact(event(&scope, "a", 11_999, 1))]);
    let mut instance = start(&mut runner);
    run(&mut instance, 10);
    assert_eq!(items(&runner.committed(), &scope).len(), 0, "both are younger than the lateness");
    runner.append(&[Input::Fact(event(&scope, "b", 12_000, 2))]);
    run(&mut instance, 10);
    assert_eq!(items(&runner.committed(), &scope).len(), 1, "the first one is exactly as old as the lateness");
    instance.kill();
    // What was held back comes again to a successor.
    runner.append(&[Input::Fact(event(&scope, "b", 14_100, 3))]);
    let mut instance = start(&mut runner);
    run(&mut instance, 10);
    assert_eq!(items(&runner.committed(), &scope).len(), 3);
    instance.kill();
}

/// A fact that comes after its time is handed over at once, marked late; one that comes in time is not marked.
pub fn marks_late_facts<R: RunnerUnderTest>(make: &mut Make<'_, R>) {
    for kill in [false, true] {
        let mut runner = make(1);
        let scope = scope(0);
        runner.append(&[
            Input::Fact(event(&scope, "a", 10_000, 0)),
            Input::Fact(event(&scope, "b", 20_000, 1)),
            Input::Fact(event(&scope, "c", 18_000, 2)),
            Input::Fact(event(&scope, "d", 18_001, 3)),
            Input::Fact(Fact::end_of_recording(scope.clone(), at(21_000))),
        ]);
        let mut instance = start(&mut runner);
        // A successor reads again what was held back, and must get one record further than the one before.
        for records in (1..=5).filter(|_| kill) {
            for _ in 0..records {
                instance.feed(1);
                instance.commit().expect("the only owner is not fenced");
            }
            instance.kill();
            instance = start(&mut runner);
        }
        run(&mut instance, 1);
        instance.release().expect("the only owner is not fenced");
        let committed = runner.committed();
        let marks = items(&committed, &scope).into_iter().filter_map(|stamped| {
            let Flow::Item(incident) = stamped.flow else { return None };
            let member = incident.members.first()?.clone();
            Some((member.entity.name.to_string(), member.late, stamped.at))
        });
        let wanted = [("a", false, 10_000), ("c", true, 18_000), ("d", false, 18_001), ("b", false, 20_000)];
        let wanted = wanted.map(|(name, late, ms)| (name.to_owned(), late, at(ms)));
        assert_eq!(marks.collect::<Vec<_>>(), wanted, "killed at every commit: {kill}");
    }
}

/// People do not wait for the lateness; what they say does not move stream time.
pub fn hands_commands_over_at_once<R: RunnerUnderTest>(make: &mut Make<'_, R>) {
    let mut runner = make(1);
    let scope = scope(0);
    runner.append(&[Input::Fact(event(&scope, "a", 10_000, 0)), Input::Fact(command(&scope, "b", 90_000))]);
    let mut instance = start(&mut runner);
    run(&mut instance, 10);
    let names: Vec<_> = heard(&items(&runner.committed(), &scope));
    assert_eq!(names, ["b"], "the command is there, the fact before it is held back");
    instance.kill();
    let mut instance = start(&mut runner);
    runner.append(&[Input::Fact(Fact::end_of_recording(scope.clone(), at(10_500)))]);
    run(&mut instance, 10);
    assert_eq!(heard(&items(&runner.committed(), &scope)), ["b", "a"], "the command is not given twice");
    instance.kill();
}

fn heard(items: &[Stamped<Incident>]) -> Vec<String> {
    let incidents = items.iter().filter_map(|stamped| match &stamped.flow {
        Flow::Item(incident) => incident.members.first(),
        _ => None,
    });
    incidents.map(|member| member.entity.name.to_string()).collect()
}

/// An abort after any record leaves no trace: neither in the output nor in the tables.
pub fn undoes_at_every_record<R: RunnerUnderTest>(make: &mut Make<'_, R>) {
    let inputs = inputs();
    let wanted = undisturbed(make, 2, &inputs);
    let mut runner = make(2);
    runner.append(&inputs);
    let mut instance = start(&mut runner);
    // An abort goes back to the first record that is held back, so that a commit must go further than what is.
    let mut commits = 0;
    while instance.feed(1) > 0 {
        instance.abort();
        for more in 2..=HELD_AT_MOST + 2 {
            instance.feed(more);
            instance.abort();
        }
        assert!(instance.feed(HELD_AT_MOST + 1) > 0, "after an abort the same records come again");
        instance.commit().expect("the only owner is not fenced");
        commits += 1;
        assert!(commits < 200, "no end in sight");
    }
    instance.release().expect("the only owner is not fenced");
    assert_same(&runner.committed(), &wanted, "aborted at every record");
}

/// An instance that begins where another one committed goes on as if it had been there from the beginning.
pub fn restores_at_every_commit<R: RunnerUnderTest>(make: &mut Make<'_, R>) {
    disturbed(make, "restored at every commit", |runner, mut instance, step| {
        for _ in 0..=HELD_AT_MOST + step % 3 {
            instance.feed(1);
            instance.commit().expect("the only owner is not fenced");
        }
        instance.kill();
        start(runner)
    });
}

/// Partitions that are given up in an orderly way go on elsewhere.
pub fn hands_over_at_every_record<R: RunnerUnderTest>(make: &mut Make<'_, R>) {
    disturbed(make, "handed over at every record", |runner, mut instance, step| {
        for _ in 0..=HELD_AT_MOST + step % 3 {
            instance.feed(1);
        }
        instance.release().expect("the only owner is not fenced");
        start(runner)
    });
}

/// An instance that dies with uncommitted records has done nothing about them.
pub fn survives_death_at_every_record<R: RunnerUnderTest>(make: &mut Make<'_, R>) {
    disturbed(make, "killed at every record", |runner, mut instance, step| {
        for _ in 0..step % 11 {
            instance.feed(1);
        }
        instance.kill();
        let mut instance = start(runner);
        instance.feed(HELD_AT_MOST + 1);
        instance.commit().expect("the only owner is not fenced");
        instance.feed(step % 5);
        instance.kill();
        start(runner)
    });
}

/// More records of [`inputs`] than are ever between the oldest that is held back and the newest, so that an instance
/// that begins with the oldest one and takes in one more than this gets ahead.
const HELD_AT_MOST: usize = 24;

/// Runs to the end with a disturbance at every step.
fn disturbed<R: RunnerUnderTest>(
    make: &mut Make<'_, R>,
    what: &str,
    mut disturb: impl FnMut(&mut R, R::Instance, usize) -> R::Instance,
) {
    let inputs = inputs();
    for partitions in [1, 3] {
        let wanted = undisturbed(make, partitions, &inputs);
        let mut runner = make(partitions);
        runner.append(&inputs);
        let mut instance = start(&mut runner);
        let mut step = 0;
        // The end is reached when nothing is left to read, which also forgets what was read to find that out.
        while instance.feed(1) > 0 {
            instance.abort();
            instance = disturb(&mut runner, instance, step);
            step += 1;
            assert!(step < 200, "{what}: no end in sight");
        }
        instance.release().expect("the only owner is not fenced");
        assert_same(&runner.committed(), &wanted, &format!("{what}, {partitions} partitions"));
    }
}

/// Two instances never both commit: the second one is refused, or the first one's next commit fails.
pub fn fences_a_second_owner<R: RunnerUnderTest>(make: &mut Make<'_, R>) {
    let inputs = inputs();
    let wanted = undisturbed(make, 2, &inputs);
    let mut runner = make(2);
    runner.append(&inputs);
    let mut first = start(&mut runner);
    first.feed(5);
    first.commit().expect("the only owner is not fenced");
    first.feed(5);
    match runner.start() {
        None => {
            first.commit().expect("the second one was refused, so that the first one owns the partitions");
            run(&mut first, 5);
            first.release().expect("the only owner is not fenced");
        }
        Some(mut second) => {
            second.feed(5);
            second.commit().expect("the second one took over");
            assert_eq!(first.commit(), Err(Fenced), "the first one must not commit any more");
            first.kill();
            run(&mut second, 5);
            second.release().expect("the only owner is not fenced");
        }
    }
    assert_same(&runner.committed(), &wanted, "after two owners");
}

/// A record that cannot be read leaves one letter, in the commit that passes it by, and nothing else.
pub fn commits_dead_letters_with_the_position<R: RunnerUnderTest>(make: &mut Make<'_, R>) {
    let mut runner = make(1);
    let scope = scope(0);
    let garbage = |n: u8| Input::Garbage(scope.clone(), vec![n; 9]);
    runner.append(&[Input::Fact(event(&scope, "a", 10_000, 0)), garbage(1), garbage(2)]);
    let mut instance = start(&mut runner);
    instance.feed(2);
    assert_eq!(runner.committed().dead_letters, [], "nothing is committed");
    instance.abort();
    instance.feed(2);
    instance.commit().expect("the only owner is not fenced");
    assert_eq!(runner.committed().dead_letters, [Letter::Garbage(vec![1; 9])]);
    instance.feed(1);
    instance.kill();
    assert_eq!(runner.committed().dead_letters.len(), 1, "the second letter died with the instance");
    // The fact is held back, so that the garbage behind it comes again: its letter is written already.
    let mut instance = start(&mut runner);
    run(&mut instance, 1);
    instance.kill();
    let mut instance = start(&mut runner);
    run(&mut instance, usize::MAX);
    assert_eq!(runner.committed().dead_letters, [Letter::Garbage(vec![1; 9]), Letter::Garbage(vec![2; 9])]);
    instance.kill();
}

/// What the stage rejects leaves one letter with the fact's id, however often the instance dies.
pub fn rejects_once<R: RunnerUnderTest>(make: &mut Make<'_, R>) {
    let mut runner = make(1);
    let scope = scope(0);
    let bad = event_to_reject(&scope, "a", 10_000, 0);
    runner.append(&[Input::Fact(bad.clone()), Input::Fact(event(&scope, "b", 12_500, 1))]);
    for _ in 0..3 {
        let mut instance = start(&mut runner);
        instance.feed(10);
        instance.abort();
        run(&mut instance, 10);
        instance.kill();
        assert_eq!(runner.committed().dead_letters, [Letter::Rejected(bad.id)]);
    }
}

/// Tables that are bounded stay bounded in the changelog too: rows that go are deleted there.
pub fn keeps_tables_bounded<R: RunnerUnderTest>(make: &mut Make<'_, R>) {
    let mut runner = make(1);
    let scope = scope(0);
    let few = OBJECTS_MAX as i64;
    let facts = |from: i64, to: i64| -> Vec<Input> {
        (from..to).map(|n| Input::Fact(event(&scope, &format!("pod-{n}"), n * 10, n as u64))).collect()
    };
    runner.append(&facts(0, 600));
    let mut instance = start(&mut runner);
    run(&mut instance, 50);
    let full = runner.state_rows();
    runner.append(&facts(600, 3_000));
    run(&mut instance, 50);
    assert_eq!(runner.state_rows(), full, "2,400 objects later there are as many rows as before");
    let quiet_ms = QUIET.0 / 1_000;
    runner.append(&[Input::Fact(Fact::end_of_recording(scope.clone(), at(30_000 + 2 * quiet_ms)))]);
    run(&mut instance, 50);
    let gone = full - runner.state_rows();
    assert_eq!(gone, 3 * few as usize, "each object that went quiet took its three rows along");
    instance.kill();
    let resolved = items(&runner.committed(), &scope).into_iter().filter(|stamped| match &stamped.flow {
        Flow::Item(incident) => incident.changes == [Change::Resolved],
        _ => false,
    });
    assert_eq!(resolved.count() as i64, few, "only the remembered ones went quiet");
}

/// A reader of committed records sees nothing of a batch before its commit, and all of it after.
pub fn shows_nothing_before_the_commit<R: RunnerUnderTest>(make: &mut Make<'_, R>) {
    let inputs = inputs();
    let mut runner = make(2);
    runner.append(&inputs);
    let mut instance = start(&mut runner);
    while instance.feed(7) > 0 {
        let before = runner.committed();
        instance.feed(2);
        assert_eq!(runner.committed(), before, "nothing was committed in between");
        instance.commit().expect("the only owner is not fenced");
    }
    instance.release().expect("the only owner is not fenced");
    hold_against(&runner.committed(), &inputs, "read between commits");
}

/// Offsets that nothing stands at are passed by, in front, between and behind.
pub fn passes_by_gaps<R: RunnerUnderTest>(make: &mut Make<'_, R>) {
    let gap = || Input::Gap(scope(0));
    let fact = |ms: i64, n: u64| Input::Fact(event(&scope(0), "a", ms, n));
    let end = Input::Fact(Fact::end_of_recording(scope(0), at(90_000)));
    let inputs = [gap(), gap(), fact(1_000, 0), gap(), fact(4_000, 1), gap(), gap(), fact(3_500, 2), end, gap(), gap()];
    undisturbed(make, 1, &inputs);
    let mut runner = make(1);
    let mut instance = start(&mut runner);
    for input in &inputs {
        runner.append(std::slice::from_ref(input));
        run(&mut instance, 1);
        instance.kill();
        instance = start(&mut runner);
    }
    instance.kill();
    hold_against(&runner.committed(), &inputs, "a gap at a time");
}

/// The bytes per scope are the same for every batch size and every number of partitions.
pub fn writes_the_same_whatever_the_batches_and_partitions<R: RunnerUnderTest>(make: &mut Make<'_, R>) {
    let inputs = inputs();
    let wanted = undisturbed(make, 1, &inputs);
    for (partitions, batch) in [(1, 1), (1, 7), (2, 1), (3, 4), (5, 100)] {
        let mut runner = make(partitions);
        // In several appends, so that the log's own batches differ too.
        let mut instance = start(&mut runner);
        for part in inputs.chunks(batch * 2 + 1) {
            runner.append(part);
            while instance.feed(batch) > 0 {
                instance.commit().expect("the only owner is not fenced");
            }
        }
        instance.release().expect("the only owner is not fenced");
        assert_same(&runner.committed(), &wanted, &format!("{partitions} partitions, batches of {batch}"));
    }
}

/// A deadline that was set before a restart fires after it, at its own moment.
pub fn fires_timers_after_a_restore<R: RunnerUnderTest>(make: &mut Make<'_, R>) {
    let mut runner = make(1);
    let scope = scope(0);
    runner.append(&[
        Input::Fact(event(&scope, "a", 1_000, 0)),
        Input::Fact(Fact::tick(scope.clone(), Source::Events, at(5_000))),
    ]);
    let mut instance = start(&mut runner);
    run(&mut instance, 10);
    instance.kill();
    runner.append(&[Input::Fact(Fact::tick(scope.clone(), Source::Events, at(60_000)))]);
    let mut instance = start(&mut runner);
    run(&mut instance, 10);
    instance.kill();
    let last = items(&runner.committed(), &scope).pop().unwrap_or_else(|| panic!("the object went quiet"));
    assert_eq!(last.at, at(1_000) + QUIET, "at the deadline, not at the tick that brought it");
}

/// An instance that comes and goes, or aborts and commits, before it has read what was held back, leaves it there.
pub fn loses_nothing_when_nothing_was_read<R: RunnerUnderTest>(make: &mut Make<'_, R>) {
    let inputs = inputs();
    let wanted = undisturbed(make, 1, &inputs);
    for between in 0..4 {
        let mut runner = make(1);
        runner.append(&inputs);
        let mut instance = start(&mut runner);
        instance.feed(15);
        instance.commit().expect("the only owner is not fenced");
        if between == 0 {
            instance.abort();
            instance.commit().expect("the only owner is not fenced");
        }
        instance.release().expect("the only owner is not fenced");
        let mut instance = start(&mut runner);
        match between {
            0 => {}
            1 => instance.commit().expect("the only owner is not fenced"),
            2 => {
                instance.release().expect("the only owner is not fenced");
                instance = start(&mut runner);
            }
            _ => {
                instance.feed(1);
                instance.commit().expect("the only owner is not fenced");
                instance.kill();
                instance = start(&mut runner);
            }
        }
        run(&mut instance, 3);
        instance.release().expect("the only owner is not fenced");
        assert_same(&runner.committed(), &wanted, &format!("nothing was read in between ({between})"));
    }
}
