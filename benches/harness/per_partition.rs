//! `correlate` for the Kafka runner, which clones its stage for each partition.

use bellbuoy_core::fact::Fact;
use bellbuoy_core::incident::Incident;
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::stage::{Ctx, Stage, Timed};
use bellbuoy_core::time::{Span, Time};
use bellbuoy_correlate::Correlate;
use std::sync::Arc;

/// The stage, made anew from the rules for each partition, as the binary does it.
#[derive(Debug)]
pub struct PerPartition {
    rules: Arc<RuleSet>,
    stage: Correlate,
}

impl PerPartition {
    /// The stage by these rules.
    pub fn new(rules: Arc<RuleSet>) -> Self {
        Self { stage: Correlate::new(rules.clone()), rules }
    }
}

impl Clone for PerPartition {
    fn clone(&self) -> Self {
        Self::new(self.rules.clone())
    }
}

impl Stage for PerPartition {
    const NAME: &'static str = Correlate::NAME;
    const STATE_FORMAT: u16 = Correlate::STATE_FORMAT;
    const LATENESS: Span = Correlate::LATENESS;
    const FORWARDS: bool = Correlate::FORWARDS;
    type In = Fact;
    type Out = Incident;
    type State = <Correlate as Stage>::State;

    fn on_record(&self, state: &mut Self::State, record: Timed<Fact>, ctx: &mut Ctx<'_, Incident>) {
        self.stage.on_record(state, record, ctx);
    }

    fn on_time(&self, state: &mut Self::State, now: Time, ctx: &mut Ctx<'_, Incident>) {
        self.stage.on_time(state, now, ctx);
    }
}
