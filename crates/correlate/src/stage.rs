//! The stage: facts of a scope in, incidents out.

use crate::catalogue::Catalogue;
use crate::state::{Tables, Timer};
use crate::turn::Turn;
use bellbuoy_core::fact::{Body, Fact};
use bellbuoy_core::incident::Incident;
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::stage::{Ctx, Stage, Timed};
use bellbuoy_core::time::{Span, Time};
use std::sync::Arc;

/// How long facts are waited for, so that they can be put in order (DESIGN §2).
pub(crate) const LATENESS: Span = Span::from_secs(2);

/// From facts to incidents. A clone shares the compiled rule set: one for each partition costs no more than one.
#[derive(Clone, Debug)]
pub struct Correlate {
    initial: Arc<Catalogue>,
}

impl Correlate {
    /// The stage, with the rule set for scopes whose journal names none. A scope keeps the one that it began with, and
    /// the stages behind are told: a restart with another configuration does not change what is decided.
    pub fn new(initial: Arc<RuleSet>) -> Self {
        Self { initial: Arc::new(Catalogue::new(initial)) }
    }

    fn turn<'a, 'c>(
        &self,
        state: &'a mut Tables,
        ctx: &'a mut Ctx<'c, Incident>,
        now: Time,
        late: bool,
    ) -> Turn<'a, 'c> {
        let catalogue = match (&state.catalogue, state.rules.get(&())) {
            (Some(compiled), _) => compiled.clone(),
            (None, Some(rules)) if rules != self.initial.rules() => Arc::new(Catalogue::new(rules.clone())),
            (None, _) => self.initial.clone(),
        };
        state.catalogue = Some(catalogue.clone());
        Turn { state, catalogue, ctx, now, late }
    }
}

impl Stage for Correlate {
    const NAME: &'static str = "correlate";
    const STATE_FORMAT: u16 = 4;
    const LATENESS: Span = LATENESS;
    const FORWARDS: bool = true;
    type In = Fact;
    type Out = Incident;
    type State = Tables;

    fn on_record(&self, state: &mut Tables, record: Timed<Fact>, ctx: &mut Ctx<'_, Incident>) {
        let Timed { now, late, record: fact } = record;
        if state.rules.is_empty() && !matches!(fact.body, Body::Rules(_)) {
            state.rules.insert((), self.initial.rules().clone());
            ctx.activate(self.initial.rules().clone());
        }
        let mut turn = self.turn(state, ctx, now, late);
        match &fact.body {
            Body::Event(event) => turn.event(&fact, event),
            Body::Object(report) => turn.object(&fact, report),
            Body::Alert(alert) => turn.alert(&fact, alert),
            Body::Command(command) => turn.command(command, fact.id, &fact.object),
            Body::Rules(rules) => {
                turn.state.rules.insert((), rules.clone());
                turn.state.catalogue = None;
            }
            Body::SnapshotBegin { kind } => turn.state.brackets.insert(kind.clone(), now),
            Body::SnapshotEnd { kind } => turn.list_ended(kind),
            Body::Tick { observed_through } => {
                let known = turn.state.sources.get(&fact.source).copied();
                if known.is_none_or(|known| known < *observed_through) {
                    turn.state.sources.insert(fact.source, *observed_through);
                }
            }
            Body::EndOfRecording => turn.end_of_recording(),
        }
        let settle = turn.catalogue.rules().policy.settle;
        turn.finish();
        if fact.body == Body::EndOfRecording {
            // Nothing comes behind the end: what is open then stays open, and its first page is decided.
            ctx.pass_time(now + settle);
        }
    }

    fn on_time(&self, state: &mut Tables, now: Time, ctx: &mut Ctx<'_, Incident>) {
        while let Some((_, timer)) = state.timers.pop_due(now) {
            let mut turn = self.turn(state, ctx, now, false);
            match timer {
                Timer::Open(key) => turn.grace_over(key),
                Timer::Heal(key) => turn.end(key),
                Timer::Quiet(key) => turn.quiet(key),
                Timer::Purge(key) => turn.purge(key),
                Timer::Write(incident) => turn.write(incident),
                Timer::Judge => turn.judge_all(),
                Timer::Lease(lease) => turn.lease_due(lease),
                Timer::Recoveries => turn.forget_recoveries(),
            }
            turn.finish();
        }
    }
}
