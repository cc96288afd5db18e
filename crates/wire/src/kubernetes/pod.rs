//! Pods: node, containers with their states, and what the pod needs; and pod templates of workloads.

use crate::lenient::{Items, Scalar, Str, count, or_default};
use crate::recording::field::Field;
use crate::recording::times::Times;
use bellbuoy_core::report::{Container, ContainerState, ObjectReport, Reference, Termination};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Reads `spec` of a pod.
pub(crate) fn read_spec(report: &mut ObjectReport, spec: &RawValue) -> Result<(), serde_json::Error> {
    let spec: RawPodSpec<'_> = serde_json::from_str(spec.get())?;
    report.node = spec.node_name.text();
    report.references = references(&spec);
    let container = |raw: &RawContainer<'_>, init| Container {
        name: raw.name.text(),
        image: raw.image.text(),
        init,
        startup_secs: raw.startup_probe.as_ref().map_or(0, RawProbe::grants_secs),
        ..Container::default()
    };
    let init = spec.init_containers.0.iter().map(|raw| container(raw, true));
    report.containers = init.chain(spec.containers.0.iter().map(|raw| container(raw, false))).collect();
    Ok(())
}

/// Reads `status` of a pod, after its `spec`.
pub(crate) fn read_status(
    report: &mut ObjectReport,
    status: &RawValue,
    times: &mut Times,
) -> Result<(), serde_json::Error> {
    let status: RawPodStatus<'_> = serde_json::from_str(status.get())?;
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
    Ok(())
}

/// Reads `spec.template.spec` of a workload: what its pods will need.
pub(crate) fn template_references(template: &RawTemplate<'_>) -> Vec<Reference> {
    template.spec.as_ref().map(references).unwrap_or_default()
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

fn references(spec: &RawPodSpec<'_>) -> Vec<Reference> {
    let mut found = Vec::new();
    let mut add = |kind: &str, name: &Str<'_>| {
        if !name.is_empty() {
            found.push(Reference { kind: kind.into(), name: name.text(), ..Reference::default() });
        }
    };
    add("ServiceAccount", &spec.service_account_name);
    add("PriorityClass", &spec.priority_class_name);
    add("RuntimeClass", &spec.runtime_class_name);
    spec.image_pull_secrets.0.iter().for_each(|secret| add("Secret", &secret.name));
    for volume in &spec.volumes.0 {
        add("ConfigMap", &volume.config_map.name);
        add("Secret", &volume.secret.secret_name);
        add("PersistentVolumeClaim", &volume.persistent_volume_claim.claim_name);
        for source in &volume.projected.sources.0 {
            add("ConfigMap", &source.config_map.name);
            add("Secret", &source.secret.name);
        }
    }
    for container in spec.init_containers.0.iter().chain(&spec.containers.0) {
        for source in &container.env_from.0 {
            add("ConfigMap", &source.config_map_ref.name);
            add("Secret", &source.secret_ref.name);
        }
        for variable in &container.env.0 {
            add("ConfigMap", &variable.value_from.config_map_key_ref.name);
            add("Secret", &variable.value_from.secret_key_ref.name);
        }
    }
    found.sort();
    found.dedup();
    found
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawPodSpec<'a> {
    #[serde(borrow)]
    node_name: Str<'a>,
    #[serde(borrow)]
    service_account_name: Str<'a>,
    #[serde(borrow)]
    priority_class_name: Str<'a>,
    #[serde(borrow)]
    runtime_class_name: Str<'a>,
    #[serde(borrow)]
    image_pull_secrets: Items<Named<'a>>,
    #[serde(borrow)]
    volumes: Items<RawVolume<'a>>,
    #[serde(borrow)]
    init_containers: Items<RawContainer<'a>>,
    #[serde(borrow)]
    containers: Items<RawContainer<'a>>,
}

/// The template of a workload's pods.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawTemplate<'a> {
    #[serde(borrow)]
    spec: Option<RawPodSpec<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named<'a> {
    #[serde(borrow)]
    name: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawVolume<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    config_map: Named<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    secret: RawSecretVolume<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    persistent_volume_claim: RawClaimVolume<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    projected: RawProjectedVolume<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawSecretVolume<'a> {
    #[serde(borrow)]
    secret_name: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawClaimVolume<'a> {
    #[serde(borrow)]
    claim_name: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawProjectedVolume<'a> {
    #[serde(borrow)]
    sources: Items<RawProjection<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawProjection<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    config_map: Named<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    secret: Named<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawContainer<'a> {
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    image: Str<'a>,
    startup_probe: Option<RawProbe>,
    #[serde(borrow)]
    env_from: Items<RawEnvFrom<'a>>,
    #[serde(borrow)]
    env: Items<RawEnv<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawProbe {
    #[serde(deserialize_with = "or_default")]
    initial_delay_seconds: i64,
    period_seconds: Option<i64>,
    failure_threshold: Option<i64>,
}

impl RawProbe {
    /// What the probe grants, with the defaults of Kubernetes: every 10 s, 3 failures.
    fn grants_secs(&self) -> u32 {
        let failures =
            self.period_seconds.unwrap_or(10).max(1).saturating_mul(self.failure_threshold.unwrap_or(3).max(1));
        count(self.initial_delay_seconds.max(0).saturating_add(failures))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawEnvFrom<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    config_map_ref: Named<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    secret_ref: Named<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawEnv<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    value_from: RawEnvSource<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawEnvSource<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    config_map_key_ref: Named<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    secret_key_ref: Named<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawPodStatus<'a> {
    #[serde(borrow)]
    start_time: Scalar<'a>,
    #[serde(borrow)]
    init_container_statuses: Items<RawContainerStatus<'a>>,
    #[serde(borrow)]
    container_statuses: Items<RawContainerStatus<'a>>,
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
