//! The fold: facts in, through all stages in memory, incidents and pages out.

use crate::tally::Tally;
use bellbuoy_classify::Classify;
use bellbuoy_core::fact::Fact;
use bellbuoy_core::incident::Stamped;
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::stage::{Effect, Stage};
use bellbuoy_core::task::{Offset, Task};
use bellbuoy_correlate::Correlate;
use bellbuoy_escalate::Escalate;
use std::sync::Arc;

/// Facts that the first stage takes in before the next ones hear of it.
const BATCH_FACTS_MAX: usize = 2_000;

/// All stages, each handing what it decides to the next. Nothing is written down on the way: the journal is at hand to
/// be read again, and a fold ends with its process.
///
/// There is nothing behind the pages: this type cannot send one to anybody.
pub(crate) struct Fold {
    correlate: Link<Correlate>,
    classify: Link<Classify>,
    escalate: Link<Escalate>,
    fed: usize,
    tally: Tally,
}

impl Fold {
    /// All stages, which decide by these rules until the journal names others.
    pub(crate) fn new(rules: &Arc<RuleSet>) -> Self {
        Self {
            correlate: Link::new(Correlate::new(rules.clone())),
            classify: Link::new(Classify::new(rules.clone())),
            escalate: Link::new(Escalate::new(rules.clone())),
            fed: 0,
            tally: Tally::default(),
        }
    }

    /// Takes a fact in.
    pub(crate) fn feed(&mut self, fact: Fact) {
        self.tally.observed.note(&fact);
        self.correlate.feed(fact);
        self.fed += 1;
        if self.fed.is_multiple_of(BATCH_FACTS_MAX) {
            self.settle();
        }
    }

    /// Ends what was read: every cluster whose journal does not end by itself ends where it was observed last.
    pub(crate) fn end(mut self) -> Tally {
        for (scope, at) in self.tally.observed.unended() {
            self.feed(Fact::end_of_recording(scope, at));
        }
        self.settle();
        self.tally
    }

    /// Hands on what the stages have to say.
    fn settle(&mut self) {
        let Self { correlate, classify, escalate, tally, .. } = self;
        correlate.settle(tally, |_, record| classify.feed(record));
        classify.settle(tally, |tally, record| {
            escalate.feed(record.clone());
            tally.triaged(record);
        });
        escalate.settle(tally, Tally::page);
    }
}

/// A stage, with the place of the next record in what it reads.
struct Link<S: Stage> {
    task: Task<S>,
    offset: Offset,
}

impl<S: Stage> Link<S> {
    fn new(stage: S) -> Self {
        Self { task: Task::new(stage), offset: 0 }
    }

    fn feed(&mut self, record: S::In) {
        self.task.feed(self.offset, record);
        self.offset += 1;
    }

    fn settle(&mut self, tally: &mut Tally, mut hand_on: impl FnMut(&mut Tally, Stamped<S::Out>)) {
        for effect in self.task.settle() {
            match effect {
                Effect::Emit(record) => hand_on(tally, record),
                Effect::Reject(rejected) => tally.reject(&rejected.reason),
            }
        }
    }
}
