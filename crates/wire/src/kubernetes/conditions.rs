//! `status` of any object: phase, reason, message and conditions.

use crate::kubernetes::particulars;
use crate::kubernetes::raw::{RawCondition, RawStatus};
use crate::lenient::capped;
use crate::recording::field::Field;
use crate::recording::times::Times;
use bellbuoy_core::report::{Condition, ObjectReport};
use serde_json::value::RawValue;

/// Reads what every status may have. A status of another shape, which any operator may define, says nothing.
pub(crate) fn read(report: &mut ObjectReport, kind: &str, status: &RawValue, times: &mut Times) {
    let Ok(common) = serde_json::from_str::<RawStatus<'_>>(status.get()) else { return };
    take(report, &common, times);
    particulars::read(report, kind, status, times);
}

/// Takes what every status may have, and no kind's particulars.
pub(crate) fn take(report: &mut ObjectReport, status: &RawStatus<'_>, times: &mut Times) {
    report.phase = capped(status.phase.as_str());
    report.reason = capped(status.reason.as_str());
    report.message = capped(status.message.as_str());
    report.observed_generation = status.observed_generation.0.map_or(0, |number| u64::try_from(number).unwrap_or(0));
    report.conditions = status.conditions.0.iter().map(|condition| read_condition(condition, times)).collect();
}

/// Reads a condition.
pub(crate) fn read_condition(raw: &RawCondition<'_>, times: &mut Times) -> Condition {
    times.observed(Field::ConditionProbe, &raw.last_probe_time);
    times.observed(Field::ConditionHeartbeat, &raw.last_heartbeat_time);
    times.observed(Field::ConditionUpdate, &raw.last_update_time);
    Condition {
        kind: raw.kind.text(),
        status: capped(raw.status.as_str()),
        reason: raw.reason.text(),
        message: raw.message.text(),
        since: times.observed(Field::ConditionTransition, &raw.last_transition_time),
    }
}
