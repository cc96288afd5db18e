//! `status` of any object: phase, reason, message and conditions.

use crate::kubernetes::raw::{RawCondition, RawStatus};
use crate::lenient::{Scalar, capped, or_default};
use crate::recording::field::Field;
use crate::recording::times::Times;
use bellbuoy_core::report::{Condition, ObjectReport};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Reads what every status may have. A status of another shape, which any operator may define, says nothing.
pub(crate) fn read(report: &mut ObjectReport, kind: &str, status: &RawValue, times: &mut Times) {
    read_health(report, kind, status);
    let Ok(status) = serde_json::from_str::<RawStatus<'_>>(status.get()) else { return };
    if report.phase.is_empty() {
        report.phase = capped(status.phase.as_str());
    }
    report.reason = capped(status.reason.as_str());
    if report.message.is_empty() {
        report.message = capped(status.message.as_str());
    }
    report.observed_generation = status.observed_generation.0.map_or(0, |number| u64::try_from(number).unwrap_or(0));
    report.conditions = status.conditions.0.iter().map(|condition| read_condition(condition, times)).collect();
}

/// The `status` of an Application of Argo CD.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RawApplication<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    health: RawHealth<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawHealth<'a> {
    #[serde(borrow)]
    status: Scalar<'a>,
    #[serde(borrow)]
    message: Scalar<'a>,
}

/// The `status` of a Volume of Longhorn.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RawVolume<'a> {
    #[serde(borrow)]
    robustness: Scalar<'a>,
}

/// Some kinds have a word for their state that stands elsewhere than in `phase`: it is taken for the phase.
fn read_health(report: &mut ObjectReport, kind: &str, status: &RawValue) {
    match kind {
        "Application" => {
            let status: RawApplication<'_> = serde_json::from_str(status.get()).unwrap_or_default();
            report.phase = capped(status.health.status.as_str());
            report.message = capped(status.health.message.as_str());
        }
        "Volume" => {
            let status: RawVolume<'_> = serde_json::from_str(status.get()).unwrap_or_default();
            report.phase = capped(status.robustness.as_str());
        }
        _ => {}
    }
}

fn read_condition(raw: &RawCondition<'_>, times: &mut Times) -> Condition {
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
