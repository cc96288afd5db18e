//! What the status of some kinds tells elsewhere than in its phase and conditions: it is taken for one of these.

use crate::kubernetes::conditions::read_condition;
use crate::kubernetes::raw::RawCondition;
use crate::lenient::{Items, Pairs, Scalar, capped, or_default};
use crate::recording::field::Field;
use crate::recording::times::Times;
use bellbuoy_core::report::{Condition, ObjectReport};
use bellbuoy_core::time::Time;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Reads what a kind has of its own; a status of another shape says nothing.
pub(crate) fn read(report: &mut ObjectReport, kind: &str, status: &RawValue, times: &mut Times) {
    match kind {
        "HTTPRoute" | "GRPCRoute" | "TLSRoute" | "TCPRoute" | "UDPRoute" => {
            let status: RawRoute<'_> = of(status);
            read_parts(report, &status.parents, times);
        }
        "Gateway" => {
            let status: RawGateway<'_> = of(status);
            read_parts(report, &status.listeners, times);
        }
        "VolumeAttachment" | "VolumeSnapshot" | "VolumeSnapshotContent" => {
            let status: RawErrors<'_> = of(status);
            // The time of an error is that of its last repetition: what is tried has been tried since it was asked for.
            let errors = [
                ("AttachError", status.attach_error, report.created_at),
                ("DetachError", status.detach_error, report.deleting_at),
                ("Error", status.error, report.created_at),
            ];
            for (name, error, since) in errors {
                if !error.message.as_str().is_empty() {
                    times.observed(Field::ConditionProbe, &error.time);
                    report.conditions.push(holds(name, "", error.message.as_str(), since));
                }
            }
        }
        "PersistentVolumeClaim" => {
            let status: RawClaim<'_> = of(status);
            let stuck = status.allocated_resource_statuses.labels();
            let stuck = stuck.iter().filter(|(_, state)| state.ends_with("Infeasible"));
            report.conditions.extend(stuck.map(|(_, state)| holds("ResizeInfeasible", state, "", None)));
        }
        "Application" => read_application(report, status, times),
        "Volume" => {
            let status: RawVolume<'_> = of(status);
            read_phase(report, &status.robustness);
        }
        "CephCluster" => {
            let status: RawCephCluster<'_> = of(status);
            read_phase(report, &status.ceph.health);
        }
        "Elasticsearch" => {
            let status: RawElasticsearch<'_> = of(status);
            read_phase(report, &status.health);
        }
        _ => {}
    }
}

fn read_phase(report: &mut ObjectReport, phase: &Scalar<'_>) {
    if !phase.as_str().is_empty() {
        report.phase = capped(phase.as_str());
    }
}

fn of<'a, T: Default + Deserialize<'a>>(status: &'a RawValue) -> T {
    serde_json::from_str(status.get()).unwrap_or_default()
}

/// A condition that holds.
fn holds(name: &str, reason: &str, message: &str, since: Option<Time>) -> Condition {
    Condition { kind: name.into(), status: "True".into(), reason: capped(reason), message: capped(message), since }
}

/// Conditions that stand for each parent of a route or each listener of a gateway: of each type, what is not true stands
/// for all.
fn read_parts(report: &mut ObjectReport, parts: &Items<RawPart<'_>>, times: &mut Times) {
    for raw in parts.0.iter().flat_map(|part| &part.conditions.0) {
        let condition = read_condition(raw, times);
        match report.conditions.iter_mut().find(|known| known.kind == condition.kind) {
            Some(known) if &*known.status == "True" => *known = condition,
            Some(_) => {}
            None => report.conditions.push(condition),
        }
    }
}

/// An Application of Argo CD: its health is its phase, and the end of its last operation a condition.
fn read_application(report: &mut ObjectReport, status: &RawValue, times: &mut Times) {
    let status: RawApplication<'_> = of(status);
    read_phase(report, &status.health.status);
    report.message = capped(status.health.message.as_str());
    if matches!(status.operation_state.phase.as_str(), "Failed" | "Error") {
        let since = times.observed(Field::ConditionTransition, &status.operation_state.finished_at);
        let message = status.operation_state.message.as_str();
        report.conditions.push(holds("OperationError", status.operation_state.phase.as_str(), message, since));
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawRoute<'a> {
    #[serde(borrow)]
    parents: Items<RawPart<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawGateway<'a> {
    #[serde(borrow)]
    listeners: Items<RawPart<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawPart<'a> {
    #[serde(borrow)]
    conditions: Items<RawCondition<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawErrors<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    attach_error: RawError<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    detach_error: RawError<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    error: RawError<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawError<'a> {
    #[serde(borrow)]
    message: Scalar<'a>,
    #[serde(borrow)]
    time: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawClaim<'a> {
    #[serde(borrow)]
    allocated_resource_statuses: Pairs<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawApplication<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    health: RawHealth<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    operation_state: RawOperation<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawHealth<'a> {
    #[serde(borrow)]
    status: Scalar<'a>,
    #[serde(borrow)]
    message: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawOperation<'a> {
    #[serde(borrow)]
    phase: Scalar<'a>,
    #[serde(borrow)]
    message: Scalar<'a>,
    #[serde(borrow)]
    finished_at: Scalar<'a>,
}

/// A Volume of Longhorn.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RawVolume<'a> {
    #[serde(borrow)]
    robustness: Scalar<'a>,
}

/// A CephCluster of Rook.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RawCephCluster<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    ceph: RawCeph<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawCeph<'a> {
    #[serde(borrow)]
    health: Scalar<'a>,
}

/// An Elasticsearch of Elastic's operator.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RawElasticsearch<'a> {
    #[serde(borrow)]
    health: Scalar<'a>,
}
