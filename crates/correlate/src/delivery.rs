//! How Events reach us: how late, and at what pace their emitters let them through.

use bellbuoy_core::rules::SignalRule;
use bellbuoy_core::time::{Span, Time};

/// An event that happened so long before it was observed was told of by a list. Live ones come within seconds.
const BACKFILLED: Span = Span::from_secs(10);

/// Events about one object that an emitter lets through at once; after them one in [`SPAM_REFILL`]
/// (`facts/events-api.md`).
const SPAM_BURST: u32 = 25;

/// How often an emitter lets another Event about the same object through.
const SPAM_REFILL: Span = Span::from_secs(300);

/// Whether what happened was observed so long after that a list must have told of it, which has no order.
pub(crate) fn is_backfilled(observed_at: Time, occurred: Time) -> bool {
    observed_at.since(occurred) > BACKFILLED
}

/// How far apart two reports of an object may be that tell of one trouble, when it has been reported so often.
pub(crate) fn gap_max(rule: &SignalRule, repeats: u32) -> Span {
    match rule.every {
        Span::ZERO => rule.quiet.max(rule.grace),
        every if repeats < SPAM_BURST => every,
        every => every.max(SPAM_REFILL),
    }
}
