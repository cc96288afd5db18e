//! The twins of objects' states.

use crate::avro::twin::{Bits, By, Many, Maybe, Micros, Own, Str, Twin, twin};
use crate::journal::reports::Label;
use crate::journal::specs::{Address, Backend, ContainerPort, Probe, ServicePort, Storage};
use bellbuoy_core::Text;
use bellbuoy_core::report;
use bellbuoy_core::spec;
use bellbuoy_core::time::Time;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(remote = "report::ObjectReport")]
pub(crate) struct ObjectReport {
    deleted: bool,
    #[serde(with = "Str")]
    resource_version: Text,
    #[serde(with = "Maybe::<Micros>")]
    created_at: Option<Time>,
    #[serde(with = "Maybe::<Micros>")]
    deleting_at: Option<Time>,
    #[serde(with = "Maybe::<OwnerRef>")]
    owner: Option<report::OwnerRef>,
    #[serde(with = "Many::<Label>")]
    labels: Vec<report::Label>,
    #[serde(with = "Many::<Condition>")]
    conditions: Vec<report::Condition>,
    #[serde(with = "Str")]
    phase: Text,
    #[serde(with = "Str")]
    reason: Text,
    #[serde(with = "Str")]
    message: Text,
    #[serde(with = "Str")]
    node: Text,
    #[serde(with = "Many::<Container>")]
    containers: Vec<report::Container>,
    #[serde(with = "Maybe::<Replicas>")]
    replicas: Option<report::Replicas>,
    #[serde(with = "Many::<Label>")]
    selector: Vec<report::Label>,
    #[serde(with = "Str")]
    service: Text,
    #[serde(with = "Maybe::<Endpoints>")]
    endpoints: Option<report::Endpoints>,
    #[serde(with = "Many::<Reference>")]
    references: Vec<report::Reference>,
    #[serde(with = "Many::<Str>")]
    taints: Vec<Text>,
    unschedulable: bool,
    #[serde(with = "Many::<Quota>")]
    quotas: Vec<report::Quota>,
    #[serde(with = "Many::<Label>")]
    pod_labels: Vec<report::Label>,
    #[serde(with = "Many::<ServicePort>")]
    ports: Vec<spec::ServicePort>,
    #[serde(with = "Str")]
    service_type: Text,
    external_addresses: u32,
    #[serde(with = "Many::<Address>")]
    addresses: Vec<spec::Address>,
    #[serde(with = "Many::<Str>")]
    keys: Vec<Text>,
    #[serde(with = "Maybe::<Storage>")]
    storage: Option<spec::Storage>,
    #[serde(with = "Many::<Backend>")]
    backends: Vec<spec::Backend>,
    #[serde(with = "Many::<Str>")]
    denies: Vec<Text>,
    #[serde(with = "Bits")]
    generation: u64,
    #[serde(with = "Bits")]
    observed_generation: u64,
    #[serde(with = "Many::<Str>")]
    finalizers: Vec<Text>,
    paused: bool,
    #[serde(with = "Maybe::<Micros>")]
    renewed_at: Option<Time>,
    lease_secs: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "report::OwnerRef")]
struct OwnerRef {
    #[serde(with = "Str")]
    kind: Text,
    #[serde(with = "Str")]
    name: Text,
    #[serde(with = "Str")]
    uid: Text,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "report::Condition")]
struct Condition {
    #[serde(with = "Str")]
    kind: Text,
    #[serde(with = "Str")]
    status: Text,
    #[serde(with = "Str")]
    reason: Text,
    #[serde(with = "Str")]
    message: Text,
    #[serde(with = "Maybe::<Micros>")]
    since: Option<Time>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "report::Container")]
struct Container {
    #[serde(with = "Str")]
    name: Text,
    #[serde(with = "Str")]
    image: Text,
    init: bool,
    ready: bool,
    restarts: u32,
    #[serde(with = "ContainerState")]
    state: report::ContainerState,
    #[serde(with = "Maybe::<Termination>")]
    last: Option<report::Termination>,
    startup_secs: u32,
    #[serde(with = "Many::<ContainerPort>")]
    ports: Vec<spec::ContainerPort>,
    #[serde(with = "Many::<Probe>")]
    probes: Vec<spec::Probe>,
    #[serde(with = "Str")]
    memory_limit: Text,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "report::Termination")]
struct Termination {
    #[serde(with = "Str")]
    reason: Text,
    #[serde(with = "Str")]
    message: Text,
    exit_code: i32,
    #[serde(with = "Maybe::<Micros>")]
    finished_at: Option<Time>,
}

/// What a container does now: the kind says which of the fields behind it is set.
struct ContainerState;

#[derive(Serialize)]
struct ContainerStateRow<'a> {
    kind: ContainerStateKind,
    waiting: Option<WaitingRow<'a>>,
    running: Option<RunningRow<'a>>,
    terminated: Option<By<'a, Termination>>,
}

#[derive(Serialize)]
struct WaitingRow<'a> {
    reason: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct RunningRow<'a> {
    since: By<'a, Maybe<Micros>>,
}

#[derive(Deserialize)]
#[serde(rename = "ContainerState")]
struct ReadContainerState {
    kind: ContainerStateKind,
    waiting: Option<Waiting>,
    running: Option<Running>,
    terminated: Option<Own<Termination>>,
}

#[derive(Deserialize)]
struct Waiting {
    #[serde(with = "Str")]
    reason: Text,
    #[serde(with = "Str")]
    message: Text,
}

#[derive(Deserialize)]
struct Running {
    #[serde(with = "Maybe::<Micros>")]
    since: Option<Time>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum ContainerStateKind {
    Unknown,
    Unreported,
    Waiting,
    Running,
    Terminated,
}

impl Twin for ContainerState {
    type Core = report::ContainerState;

    fn serialize<S: Serializer>(state: &report::ContainerState, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row =
            ContainerStateRow { kind: ContainerStateKind::Unreported, waiting: None, running: None, terminated: None };
        match state {
            report::ContainerState::Unknown => {}
            report::ContainerState::Waiting { reason, message } => {
                (row.kind, row.waiting) = (ContainerStateKind::Waiting, Some(WaitingRow { reason, message }));
            }
            report::ContainerState::Running { since } => {
                (row.kind, row.running) = (ContainerStateKind::Running, Some(RunningRow { since: By(since) }));
            }
            report::ContainerState::Terminated(termination) => {
                (row.kind, row.terminated) = (ContainerStateKind::Terminated, Some(By(termination)));
            }
        }
        row.serialize(serializer)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<report::ContainerState, D::Error> {
        let read = ReadContainerState::deserialize(deserializer)?;
        let lacks =
            |field| D::Error::custom(format!("expected the field `{field}` in a container's state, found null"));
        Ok(match read.kind {
            // A state of a later version is no reason to lose the rest of the pod.
            ContainerStateKind::Unknown | ContainerStateKind::Unreported => report::ContainerState::Unknown,
            ContainerStateKind::Waiting => {
                let Waiting { reason, message } = read.waiting.ok_or_else(|| lacks("waiting"))?;
                report::ContainerState::Waiting { reason, message }
            }
            ContainerStateKind::Running => {
                report::ContainerState::Running { since: read.running.ok_or_else(|| lacks("running"))?.since }
            }
            ContainerStateKind::Terminated => {
                report::ContainerState::Terminated(read.terminated.ok_or_else(|| lacks("terminated"))?.0)
            }
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "report::Replicas")]
struct Replicas {
    desired: u32,
    ready: u32,
    updated: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "report::Endpoints")]
struct Endpoints {
    ready: u32,
    not_ready: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "report::Reference")]
struct Reference {
    #[serde(with = "Str")]
    kind: Text,
    #[serde(with = "Str")]
    name: Text,
    #[serde(with = "Str")]
    key: Text,
    optional: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "report::Quota")]
struct Quota {
    #[serde(with = "Str")]
    resource: Text,
    #[serde(with = "Str")]
    hard: Text,
    #[serde(with = "Str")]
    used: Text,
}

twin!(
    ObjectReport = report::ObjectReport,
    OwnerRef = report::OwnerRef,
    Condition = report::Condition,
    Container = report::Container,
    Termination = report::Termination,
    Replicas = report::Replicas,
    Endpoints = report::Endpoints,
    Reference = report::Reference,
    Quota = report::Quota,
);
