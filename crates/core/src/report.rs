//! What the sources report: Kubernetes Events, object states, alerts, and people's commands.

use crate::Text;
use crate::spec::{Address, Backend, ContainerPort, Probe, ServicePort, Storage};
use crate::time::Time;
use borsh::{BorshDeserialize, BorshSerialize};

/// A Kubernetes Event, the same for core/v1 and events.k8s.io/v1.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EventReport {
    /// uid of the Event object: repeats of one event share it.
    pub uid: Text,
    /// The machine-readable reason; not unique without component and message.
    pub reason: Text,
    /// The text.
    pub message: Text,
    /// `Normal` or `Warning` (an open set, and neither harm nor harmlessness).
    pub kind: Text,
    /// `reportingController`, else `source.component`.
    pub component: Text,
    /// `source.host`, else `reportingInstance`.
    pub host: Text,
    /// `involvedObject.fieldPath`, which names the container.
    pub field_path: Text,
    /// max(count, series.count, 1).
    pub repeats: u32,
    /// The first time that the emitter claims, where it claims one.
    pub first_at: Option<Time>,
    /// The last time that the emitter claims.
    pub last_at: Option<Time>,
    /// Which of the two ends this fact is: a dumped Event with a first and a last time is two facts.
    pub is_first: bool,
}

/// A key and a value of labels, selectors or annotations.
pub type Label = (Text, Text);

/// The state of an object, slimmed to what decisions read. Fields that a kind does not have are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ObjectReport {
    /// The object is gone; the other fields are its last known state, where known.
    pub deleted: bool,
    /// `metadata.resourceVersion`: opaque, compared for equality only.
    pub resource_version: Text,
    /// `metadata.creationTimestamp`.
    pub created_at: Option<Time>,
    /// `metadata.deletionTimestamp`.
    pub deleting_at: Option<Time>,
    /// The controlling owner.
    pub owner: Option<OwnerRef>,
    /// Labels, sorted by key.
    pub labels: Vec<Label>,
    /// `status.conditions`, in the object's order.
    pub conditions: Vec<Condition>,
    /// `status.phase`.
    pub phase: Text,
    /// `status.reason`.
    pub reason: Text,
    /// `status.message`.
    pub message: Text,
    /// The node of a pod.
    pub node: Text,
    /// Containers of a pod or of a workload's template, init containers first.
    pub containers: Vec<Container>,
    /// Replica counts of a workload.
    pub replicas: Option<Replicas>,
    /// The selector of a Service, sorted by key.
    pub selector: Vec<Label>,
    /// The Service of an EndpointSlice.
    pub service: Text,
    /// Ready and not ready endpoints of an EndpointSlice or of Endpoints.
    pub endpoints: Option<Endpoints>,
    /// Other objects that this one needs: config maps, secrets, claims, service accounts, classes, volumes.
    pub references: Vec<Reference>,
    /// Taints of a node, as `key=value:effect`.
    pub taints: Vec<Text>,
    /// `spec.unschedulable` of a node.
    pub unschedulable: bool,
    /// Limits of a ResourceQuota.
    pub quotas: Vec<Quota>,
    /// Labels that a workload gives its pods, or that a network policy selects pods by, sorted by key.
    pub pod_labels: Vec<Label>,
    /// Ports of a Service.
    pub ports: Vec<ServicePort>,
    /// `spec.type` of a Service; `Headless` for one without an address of its own.
    pub service_type: Text,
    /// Addresses at which a load balancer answers.
    pub external_addresses: u32,
    /// Addresses that a pod, the pods of a workload or the readers of a config map are told.
    pub addresses: Vec<Address>,
    /// The keys of a config map or a secret, never the values.
    pub keys: Vec<Text>,
    /// What a claim asks for, or what a volume or a class offers.
    pub storage: Option<Storage>,
    /// Services that this sends to.
    pub backends: Vec<Backend>,
    /// Directions that a network policy closes altogether: `Ingress`, `Egress`.
    pub denies: Vec<Text>,
    /// `metadata.generation`; 0 where unknown.
    pub generation: u64,
    /// `status.observedGeneration`; 0 where unknown.
    pub observed_generation: u64,
    /// `metadata.finalizers`.
    pub finalizers: Vec<Text>,
    /// `spec.paused` of a Deployment, `spec.suspend` of a Job or CronJob.
    pub paused: bool,
    /// When the holder of a Lease renewed it last.
    pub renewed_at: Option<Time>,
    /// How long a Lease holds, in seconds.
    pub lease_secs: u32,
}

/// The controlling owner of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OwnerRef {
    /// Kind of the owner.
    pub kind: Text,
    /// Name of the owner, in the same namespace.
    pub name: Text,
    /// uid of the owner.
    pub uid: Text,
}

/// A condition in an object's status.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Condition {
    /// `Ready`, `PodScheduled`, …
    pub kind: Text,
    /// `True`, `False` or `Unknown`.
    pub status: Text,
    /// The machine-readable reason.
    pub reason: Text,
    /// The text.
    pub message: Text,
    /// `lastTransitionTime`.
    pub since: Option<Time>,
}

/// A container of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Container {
    /// Its name.
    pub name: Text,
    /// Its image, as the pod asks for it.
    pub image: Text,
    /// Whether it is an init container.
    pub init: bool,
    /// Whether it is ready.
    pub ready: bool,
    /// How often it was restarted.
    pub restarts: u32,
    /// What it does now.
    pub state: ContainerState,
    /// How it ended the last time, if it did.
    pub last: Option<Termination>,
    /// What its startup probe grants, in seconds: initial delay + period × failure threshold; 0 without one.
    pub startup_secs: u32,
    /// Ports that it declares.
    pub ports: Vec<ContainerPort>,
    /// Its probes.
    pub probes: Vec<Probe>,
    /// Its memory limit, as Kubernetes prints it; empty for none.
    pub memory_limit: Text,
}

/// What a container does now.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum ContainerState {
    /// Nothing is reported.
    #[default]
    Unknown,
    /// It waits.
    Waiting {
        /// `CrashLoopBackOff`, `ContainerCreating`, …
        reason: Text,
        /// The text.
        message: Text,
    },
    /// It runs.
    Running {
        /// `startedAt`.
        since: Option<Time>,
    },
    /// It has ended.
    Terminated(Termination),
}

/// How a container ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Termination {
    /// `OOMKilled`, `Error`, `Completed`, …
    pub reason: Text,
    /// The text.
    pub message: Text,
    /// The exit code.
    pub exit_code: i32,
    /// `finishedAt`.
    pub finished_at: Option<Time>,
}

/// Replica counts of a workload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Replicas {
    /// How many there should be.
    pub desired: u32,
    /// How many are ready.
    pub ready: u32,
    /// How many are of the newest revision.
    pub updated: u32,
}

/// Endpoint counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Endpoints {
    /// Endpoints that take traffic.
    pub ready: u32,
    /// Endpoints that do not.
    pub not_ready: u32,
}

/// An object that another one needs, in the same namespace unless the kind has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Reference {
    /// `ConfigMap`, `Secret`, `PersistentVolumeClaim`, `ServiceAccount`, …
    pub kind: Text,
    /// Its name.
    pub name: Text,
    /// The key that is wanted of it; empty where all or none are.
    pub key: Text,
    /// Whether it may be absent.
    pub optional: bool,
}

/// One limit of a ResourceQuota, in the quantities that Kubernetes prints.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Quota {
    /// `pods`, `requests.cpu`, …
    pub resource: Text,
    /// The limit.
    pub hard: Text,
    /// What is used.
    pub used: Text,
}

/// An alert of Alertmanager or of a cloud.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AlertReport {
    /// The label `alertname`.
    pub name: Text,
    /// The identity of the alert at its sender: the hash of its label set.
    pub fingerprint: Text,
    /// Whether it fires; otherwise it is resolved.
    pub firing: bool,
    /// Whether the sender has silenced or inhibited it.
    pub suppressed: bool,
    /// All labels, sorted by key.
    pub labels: Vec<Label>,
    /// The annotation `summary`, else `description`, else `message`.
    pub summary: Text,
    /// `startsAt`.
    pub starts_at: Option<Time>,
    /// `endsAt`, unless it lies in the future of a firing alert.
    pub ends_at: Option<Time>,
}

/// A person's command. It names scope, object and time beside the incident, so that it lands under other rules too.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Command {
    /// Who gave it.
    pub by: Text,
    /// The incident as the person saw it; may be unknown under other rules.
    pub incident: Text,
    /// What is to be done.
    pub action: Action,
}

/// What a person can tell the pipeline to do.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Action {
    /// Somebody has it: stop escalating.
    Acknowledge,
    /// It is over.
    Resolve,
    /// Write this into the timeline.
    Note {
        /// The text.
        text: Text,
    },
}
