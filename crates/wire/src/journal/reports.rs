//! The twins of what the sources report.

use crate::avro::twin::{By, Many, Maybe, Micros, Own, Str, Twin, twin};
use bellbuoy_core::Text;
use bellbuoy_core::report;
use bellbuoy_core::spec;
use bellbuoy_core::time::Time;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(remote = "report::EventReport")]
pub(crate) struct EventReport {
    #[serde(with = "Str")]
    uid: Text,
    #[serde(with = "Str")]
    reason: Text,
    #[serde(with = "Str")]
    message: Text,
    #[serde(with = "Str")]
    kind: Text,
    #[serde(with = "Str")]
    component: Text,
    #[serde(with = "Str")]
    host: Text,
    #[serde(with = "Str")]
    field_path: Text,
    repeats: u32,
    #[serde(with = "Maybe::<Micros>")]
    first_at: Option<Time>,
    #[serde(with = "Maybe::<Micros>")]
    last_at: Option<Time>,
    is_first: bool,
}

/// A key and its value.
struct Label;

#[derive(Serialize)]
struct LabelRow<'a> {
    key: &'a str,
    value: &'a str,
}

#[derive(Deserialize)]
#[serde(rename = "Label")]
struct ReadLabel {
    #[serde(with = "Str")]
    key: Text,
    #[serde(with = "Str")]
    value: Text,
}

impl Twin for Label {
    type Core = report::Label;

    fn serialize<S: Serializer>((key, value): &report::Label, serializer: S) -> Result<S::Ok, S::Error> {
        LabelRow { key, value }.serialize(serializer)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<report::Label, D::Error> {
        let ReadLabel { key, value } = ReadLabel::deserialize(deserializer)?;
        Ok((key, value))
    }
}

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
    #[serde(skip)]
    pod_labels: Vec<report::Label>,
    #[serde(skip)]
    ports: Vec<spec::ServicePort>,
    #[serde(skip)]
    service_type: Text,
    #[serde(skip)]
    external_addresses: u32,
    #[serde(skip)]
    addresses: Vec<spec::Address>,
    #[serde(skip)]
    keys: Vec<Text>,
    #[serde(skip)]
    storage: Option<spec::Storage>,
    #[serde(skip)]
    backends: Vec<spec::Backend>,
    #[serde(skip)]
    denies: Vec<Text>,
    #[serde(skip)]
    generation: u64,
    #[serde(skip)]
    observed_generation: u64,
    #[serde(skip)]
    finalizers: Vec<Text>,
    #[serde(skip)]
    paused: bool,
    #[serde(skip)]
    renewed_at: Option<Time>,
    #[serde(skip)]
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
    #[serde(skip)]
    ports: Vec<spec::ContainerPort>,
    #[serde(skip)]
    probes: Vec<spec::Probe>,
    #[serde(skip)]
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
    #[serde(skip)]
    key: Text,
    #[serde(skip)]
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

#[derive(Serialize, Deserialize)]
#[serde(remote = "report::AlertReport")]
pub(crate) struct AlertReport {
    #[serde(with = "Str")]
    name: Text,
    #[serde(with = "Str")]
    fingerprint: Text,
    firing: bool,
    suppressed: bool,
    #[serde(with = "Many::<Label>")]
    labels: Vec<report::Label>,
    #[serde(with = "Str")]
    summary: Text,
    #[serde(with = "Maybe::<Micros>")]
    starts_at: Option<Time>,
    #[serde(with = "Maybe::<Micros>")]
    ends_at: Option<Time>,
}

/// A person's command.
pub(crate) struct Command;

#[derive(Serialize)]
struct CommandRow<'a> {
    by: &'a str,
    incident: &'a str,
    action: Action,
    note: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename = "Command")]
struct ReadCommand {
    #[serde(with = "Str")]
    by: Text,
    #[serde(with = "Str")]
    incident: Text,
    action: Action,
    #[serde(with = "Maybe::<Str>")]
    note: Option<Text>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Action {
    Unknown,
    Acknowledge,
    Resolve,
    Note,
}

impl Twin for Command {
    type Core = report::Command;

    fn serialize<S: Serializer>(command: &report::Command, serializer: S) -> Result<S::Ok, S::Error> {
        let (action, note) = match &command.action {
            report::Action::Acknowledge => (Action::Acknowledge, None),
            report::Action::Resolve => (Action::Resolve, None),
            report::Action::Note { text } => (Action::Note, Some(&**text)),
        };
        CommandRow { by: &command.by, incident: &command.incident, action, note }.serialize(serializer)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<report::Command, D::Error> {
        let ReadCommand { by, incident, action, note } = ReadCommand::deserialize(deserializer)?;
        let action = match (action, note) {
            (Action::Unknown, _) => return Err(D::Error::custom("a command that only a later version knows")),
            (Action::Acknowledge, _) => report::Action::Acknowledge,
            (Action::Resolve, _) => report::Action::Resolve,
            (Action::Note, Some(text)) => report::Action::Note { text },
            (Action::Note, None) => return Err(D::Error::custom("expected the text of a note, found null")),
        };
        Ok(report::Command { by, incident, action })
    }
}

twin!(
    EventReport = report::EventReport,
    ObjectReport = report::ObjectReport,
    OwnerRef = report::OwnerRef,
    Condition = report::Condition,
    Container = report::Container,
    Termination = report::Termination,
    Replicas = report::Replicas,
    Endpoints = report::Endpoints,
    Reference = report::Reference,
    Quota = report::Quota,
    AlertReport = report::AlertReport,
);
