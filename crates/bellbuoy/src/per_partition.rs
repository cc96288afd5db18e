//! A stage for every partition: what the Kafka runner clones is made anew from the rules.

use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::stage::{Ctx, Stage, Timed};
use bellbuoy_core::time::{Span, Time};
use std::sync::Arc;

/// A stage that can be cloned, though what it keeps for speed (compiled patterns, say) cannot.
pub(crate) struct PerPartition<S> {
    make: fn(Arc<RuleSet>) -> S,
    rules: Arc<RuleSet>,
    stage: S,
}

impl<S> PerPartition<S> {
    /// Makes the stage by these rules, and as many more of it as there are partitions.
    pub(crate) fn new(make: fn(Arc<RuleSet>) -> S, rules: Arc<RuleSet>) -> Self {
        let stage = make(rules.clone());
        Self { make, rules, stage }
    }
}

impl<S> Clone for PerPartition<S> {
    fn clone(&self) -> Self {
        Self::new(self.make, self.rules.clone())
    }
}

impl<S: Stage> Stage for PerPartition<S> {
    const NAME: &'static str = S::NAME;
    const STATE_FORMAT: u16 = S::STATE_FORMAT;
    const LATENESS: Span = S::LATENESS;
    const FORWARDS: bool = S::FORWARDS;
    type In = S::In;
    type Out = S::Out;
    type State = S::State;

    fn on_record(&self, state: &mut S::State, record: Timed<S::In>, ctx: &mut Ctx<'_, S::Out>) {
        self.stage.on_record(state, record, ctx);
    }

    fn on_time(&self, state: &mut S::State, now: Time, ctx: &mut Ctx<'_, S::Out>) {
        self.stage.on_time(state, now, ctx);
    }
}
