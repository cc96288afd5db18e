//! The correlator with rule sets that are compiled once, because that takes longer than most inputs.

use bellbuoy_core::fact::Fact;
use bellbuoy_core::incident::Incident;
use bellbuoy_core::rules::{Limits, RuleSet};
use bellbuoy_core::stage::{Ctx, Stage, Timed};
use bellbuoy_core::task::Task;
use bellbuoy_core::time::{Span, Time};
use bellbuoy_correlate::{Correlate, Tables};
use bellbuoy_wire::rules::Config;
use std::sync::{Arc, LazyLock};

/// Limits that a few facts reach.
pub(crate) const TIGHT: Limits = Limits {
    objects_max: 6,
    episodes_max: 4,
    ended_incidents_max: 2,
    members_shown: 2,
    timeline_max: 3,
    reopen_within: Span::from_secs(60),
    update_every: Span::from_secs(5),
    infer_from: 2,
};

/// The least that any document can say: nothing remembered, nothing shown.
pub(crate) const NOTHING: Limits = Limits {
    objects_max: 0,
    episodes_max: 0,
    ended_incidents_max: 0,
    members_shown: 0,
    timeline_max: 0,
    reopen_within: Span::ZERO,
    update_every: Span::ZERO,
    infer_from: 0,
};

/// The rule set that comes with Bellbuoy, under these limits.
pub(crate) fn rules_under(limits: Limits) -> Arc<RuleSet> {
    Arc::new(RuleSet { limits, ..Config::default().rule_set() })
}

static DEFAULT: LazyLock<Correlate> = LazyLock::new(|| Correlate::new(rules_under(Limits::default())));
static TIGHTLY: LazyLock<Correlate> = LazyLock::new(|| Correlate::new(rules_under(TIGHT)));
static HARDLY: LazyLock<Correlate> = LazyLock::new(|| Correlate::new(rules_under(NOTHING)));

/// The limits that a task begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Under {
    /// Those that come with Bellbuoy.
    Default,
    /// [`TIGHT`].
    Tight,
    /// [`NOTHING`].
    Nothing,
}

/// The correlator, borrowed from its static.
pub(crate) struct Compiled(&'static Correlate);

/// A task of the correlator that has seen nothing.
pub(crate) fn task(under: Under) -> Task<Compiled> {
    Task::new(Compiled(match under {
        Under::Default => &DEFAULT,
        Under::Tight => &TIGHTLY,
        Under::Nothing => &HARDLY,
    }))
}

impl Stage for Compiled {
    const NAME: &'static str = Correlate::NAME;
    const STATE_FORMAT: u16 = Correlate::STATE_FORMAT;
    const LATENESS: Span = Correlate::LATENESS;
    const FORWARDS: bool = Correlate::FORWARDS;
    type In = Fact;
    type Out = Incident;
    type State = Tables;

    fn on_record(&self, state: &mut Tables, record: Timed<Fact>, ctx: &mut Ctx<'_, Incident>) {
        self.0.on_record(state, record, ctx);
    }

    fn on_time(&self, state: &mut Tables, now: Time, ctx: &mut Ctx<'_, Incident>) {
        self.0.on_time(state, now, ctx);
    }
}
