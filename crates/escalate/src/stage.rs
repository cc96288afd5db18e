//! The stage: triaged incidents of a scope in, pages out.

use crate::state::Tables;
use crate::turn::Turn;
use bellbuoy_core::incident::{Flow, Stamped};
use bellbuoy_core::page::Page;
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::stage::{Ctx, Stage, Timed};
use bellbuoy_core::time::{Span, Time};
use bellbuoy_core::triage::Triaged;
use std::sync::Arc;

/// From triaged incidents to pages, by the one policy of the rule set.
///
/// - The first page goes out when an incident has been open for `settle`, nobody has it, it is no part of another one
///   and its severity is `page_from` or worse; at once when the severity rises that far later on.
/// - Without an acknowledgement within a tier's `ack_timeout` the next tier is told. Tiers that nobody fills are passed
///   by at once. After the last tier it is not repeated.
/// - When the severity rises, everybody who was told hears of it, acknowledged or not.
/// - When the incident ends, or turns out to be part of another one, everybody who was told hears that, and nobody else.
/// - An incident that comes back is paged anew, from the first tier, after `settle`.
///
/// Every moment that says something has an epoch of its own: one page per incident, receiver and epoch at the most.
#[derive(Debug)]
pub struct Escalate {
    initial: Arc<RuleSet>,
}

impl Escalate {
    /// The stage, with the rule set for scopes whose log names none yet. From the first rule set in the log on, that
    /// one decides; `initial` must be the same in every run over a log that begins without one.
    pub fn new(initial: Arc<RuleSet>) -> Self {
        Self { initial }
    }

    fn rules(&self, state: &Tables) -> Arc<RuleSet> {
        state.rules.get(&()).unwrap_or(&self.initial).clone()
    }
}

impl Stage for Escalate {
    const NAME: &'static str = "escalate";
    const STATE_FORMAT: u16 = 1;
    const LATENESS: Span = Span::ZERO;
    const FORWARDS: bool = false;
    type In = Stamped<Triaged>;
    type Out = Page;
    type State = Tables;

    fn on_record(&self, state: &mut Tables, record: Timed<Stamped<Triaged>>, ctx: &mut Ctx<'_, Page>) {
        match record.record.flow {
            Flow::Item(triaged) => {
                let rules = self.rules(state);
                Turn { state, rules: &rules, now: record.now, ctx }.triaged(&triaged);
            }
            Flow::Rules(rules) => state.rules.insert((), rules),
            Flow::Watermark => {}
        }
    }

    fn on_time(&self, state: &mut Tables, now: Time, ctx: &mut Ctx<'_, Page>) {
        let rules = self.rules(state);
        state.forget_until(now);
        while let Some((_, id)) = state.timers.pop_due(now) {
            Turn { state, rules: &rules, now, ctx }.due(id);
        }
    }
}
