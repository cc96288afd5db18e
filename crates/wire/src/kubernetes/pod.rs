//! Pods: their node, and their containers with their states.

use crate::kubernetes::pod_spec::RawPodSpec;
use crate::kubernetes::raw::{RawCondition, RawStatus};
use crate::lenient::{Items, Number, Scalar, Str, count, or_default};
use crate::recording::field::Field;
use crate::recording::times::Times;
use bellbuoy_core::report::{Container, ContainerState, ObjectReport, Termination};
use serde::Deserialize;

/// Reads `spec` of a pod.
pub(crate) fn read_spec(report: &mut ObjectReport, spec: &RawPodSpec<'_>) {
    report.node = spec.node_name.text();
    spec.read(report);
}

/// Reads `status` of a pod, after its `spec` and what every status has.
pub(crate) fn read_status(report: &mut ObjectReport, status: &RawPodStatus<'_>, times: &mut Times) {
    times.observed(Field::PodStart, &status.start_time);
    let init = status.init_container_statuses.0.iter().map(|raw| (raw, true));
    for (raw, init) in init.chain(status.container_statuses.0.iter().map(|raw| (raw, false))) {
        let known = report.containers.iter().position(|container| *container.name == *raw.name.as_str());
        let position = known.unwrap_or_else(|| {
            // A status without a spec, as slimmed dumps have it.
            let container = Container { name: raw.name.text(), image: raw.image.text(), init, ..Container::default() };
            report.containers.push(container);
            report.containers.len() - 1
        });
        let container = &mut report.containers[position];
        container.ready = raw.ready;
        container.restarts = count(raw.restart_count);
        container.state = read_state(&raw.state, times);
        container.last = raw.last_state.terminated.as_ref().map(|ended| read_termination(ended, times));
    }
}

fn read_state(raw: &RawState<'_>, times: &mut Times) -> ContainerState {
    if let Some(ended) = &raw.terminated {
        return ContainerState::Terminated(read_termination(ended, times));
    }
    if let Some(running) = &raw.running {
        return ContainerState::Running { since: times.observed(Field::ContainerStart, &running.started_at) };
    }
    raw.waiting.as_ref().map_or(ContainerState::Unknown, |waiting| ContainerState::Waiting {
        reason: waiting.reason.text(),
        message: waiting.message.text(),
    })
}

fn read_termination(raw: &RawTerminated<'_>, times: &mut Times) -> Termination {
    times.observed(Field::ContainerStart, &raw.started_at);
    Termination {
        reason: raw.reason.text(),
        message: raw.message.text(),
        exit_code: i32::try_from(raw.exit_code).unwrap_or(if raw.exit_code < 0 { i32::MIN } else { i32::MAX }),
        finished_at: times.observed(Field::ContainerFinish, &raw.finished_at),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RawPodStatus<'a> {
    #[serde(borrow)]
    start_time: Scalar<'a>,
    #[serde(borrow)]
    init_container_statuses: Items<RawContainerStatus<'a>>,
    #[serde(borrow)]
    container_statuses: Items<RawContainerStatus<'a>>,
}

/// `status` of a pod with what every status may have: both of its readings in one pass.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RawWholeStatus<'a> {
    #[serde(borrow)]
    phase: Scalar<'a>,
    #[serde(borrow)]
    reason: Scalar<'a>,
    #[serde(borrow)]
    message: Scalar<'a>,
    #[serde(borrow)]
    conditions: Items<RawCondition<'a>>,
    observed_generation: Number,
    #[serde(borrow)]
    start_time: Scalar<'a>,
    #[serde(borrow)]
    init_container_statuses: Items<RawContainerStatus<'a>>,
    #[serde(borrow)]
    container_statuses: Items<RawContainerStatus<'a>>,
}

impl<'a> RawWholeStatus<'a> {
    /// What every status may have, and what that of a pod has.
    pub(crate) fn into_both(self) -> (RawStatus<'a>, RawPodStatus<'a>) {
        let Self { phase, reason, message, conditions, observed_generation, .. } = self;
        let Self { start_time, init_container_statuses, container_statuses, .. } = self;
        (
            RawStatus { phase, reason, message, conditions, observed_generation },
            RawPodStatus { start_time, init_container_statuses, container_statuses },
        )
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawContainerStatus<'a> {
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    image: Str<'a>,
    #[serde(deserialize_with = "or_default")]
    ready: bool,
    #[serde(deserialize_with = "or_default")]
    restart_count: i64,
    #[serde(borrow, deserialize_with = "or_default")]
    state: RawState<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    last_state: RawState<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawState<'a> {
    #[serde(borrow)]
    waiting: Option<RawWaiting<'a>>,
    #[serde(borrow)]
    running: Option<RawRunning<'a>>,
    #[serde(borrow)]
    terminated: Option<RawTerminated<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawWaiting<'a> {
    #[serde(borrow)]
    reason: Str<'a>,
    #[serde(borrow)]
    message: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawRunning<'a> {
    #[serde(borrow)]
    started_at: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawTerminated<'a> {
    #[serde(borrow)]
    reason: Str<'a>,
    #[serde(borrow)]
    message: Str<'a>,
    #[serde(deserialize_with = "or_default")]
    exit_code: i64,
    #[serde(borrow)]
    started_at: Scalar<'a>,
    #[serde(borrow)]
    finished_at: Scalar<'a>,
}
