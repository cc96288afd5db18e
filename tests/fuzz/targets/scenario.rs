//! Facts from arbitrary bytes: few kinds, names, namespaces and labels, so that they meet; times that jump.

use super::compiled::{NOTHING, TIGHT, some_rules};
use bellbuoy_core::Text;
use bellbuoy_core::fact::{Body, Fact, Source};
use bellbuoy_core::object::{ObjectRef, Scope};
use bellbuoy_core::report::{
    Action, AlertReport, Command, Condition, Container, ContainerState, Endpoints, EventReport, Label, ObjectReport,
    OwnerRef, Quota, Reference, Replicas, Termination,
};
use bellbuoy_core::rules::{Limits, RuleSet};
use bellbuoy_core::spec::{Address, Backend, ContainerPort, Probe, ServicePort, Storage};
use bellbuoy_core::time::{Interval, Span, Time};
use std::sync::{Arc, LazyLock};

const KINDS: [&str; 20] = [
    "Pod",
    "ReplicaSet",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "Node",
    "Service",
    "EndpointSlice",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "StorageClass",
    "ConfigMap",
    "Secret",
    "ResourceQuota",
    "Lease",
    "Ingress",
    "NetworkPolicy",
    "Namespace",
    "ValidatingWebhookConfiguration",
];
const NAMESPACES: [&str; 5] = ["shop", "kube-system", "kube-node-lease", "", "other"];
/// Names that generated ones belong to, names of components, and names that say nothing.
const NAMES: [&str; 14] = [
    "cart",
    "cart-7d9c5b4f68",
    "cart-7d9c5b4f68-x2x8k",
    "cart-7d9c5b4f68-b4b4b",
    "cart-x2x8k",
    "front",
    "front-0",
    "coredns",
    "worker-1",
    "worker-2",
    "standard",
    "",
    "kube-scheduler",
    "cart-tls",
];
const LABELS: [(&str, &str); 3] = [("app", "cart"), ("app", "front"), ("tier", "web")];
/// Reasons with the messages that go with them.
const EVENTS: [(&str, &str); 26] = [
    ("BackOff", "Back-off restarting failed container main in pod cart-7d9c5b4f68-x2x8k_shop(0b1c)"),
    ("BackOff", "Back-off pulling image \"registry.example/shop/cart:1\""),
    ("Failed", "Failed to pull image \"registry.example/shop/cart:1\": not found"),
    ("Failed", "Error: configmap \"settings\" not found"),
    ("Failed", "Error: secret \"cart-tls\" not found"),
    ("Unhealthy", "Readiness probe failed: dial tcp 10.0.0.7:8080: connect: connection refused"),
    ("Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 503"),
    ("FailedMount", "MountVolume.SetUp failed for volume \"tls\" : secret \"cart-tls\" not found"),
    ("FailedScheduling", "0/3 nodes are available: 3 Insufficient memory."),
    ("FailedScheduling", "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims."),
    ("FailedScheduling", "persistentvolumeclaim \"cart\" not found"),
    (
        "FailedCreate",
        "pods \"cart-\" is forbidden: exceeded quota: compute, requested: cpu=1, used: cpu=2, limited: cpu=2",
    ),
    ("FailedCreate", "error looking up service account shop/cart: serviceaccount \"cart\" not found"),
    ("ProvisioningFailed", "storageclass.storage.k8s.io \"standard\" not found"),
    ("NodeNotReady", "Node worker-1 status is now: NodeNotReady"),
    ("NodeReady", "Node worker-1 status is now: NodeReady"),
    ("Evicted", "The node was low on resource: memory."),
    ("TaintManagerEviction", "Marking for deletion Pod shop/cart-7d9c5b4f68-x2x8k"),
    (
        "FailedCreatePodSandBox",
        "Failed to create pod sandbox: plugin type=\"calico\" failed: dial tcp 10.96.0.1:443: i/o timeout",
    ),
    ("Started", "Started container main"),
    ("Pulled", "Successfully pulled image"),
    ("Scheduled", "Successfully assigned shop/cart-7d9c5b4f68-x2x8k to worker-1"),
    ("Killing", "Stopping container main"),
    ("DeadlineExceeded", "Job was active longer than specified deadline"),
    ("DNSConfigForming", "lookup cart.shop.svc.cluster.local: no such host"),
    ("", ""),
];
const CONDITIONS: [(&str, &str, &str); 9] = [
    ("Ready", "False", "KubeletNotReady"),
    ("Ready", "Unknown", "NodeStatusUnknown"),
    ("Ready", "True", "KubeletReady"),
    ("MemoryPressure", "True", "KubeletHasInsufficientMemory"),
    ("PodScheduled", "False", "Unschedulable"),
    ("Available", "False", "MinimumReplicasUnavailable"),
    ("Progressing", "False", "ProgressDeadlineExceeded"),
    ("Complete", "True", ""),
    ("Failed", "True", "BackoffLimitExceeded"),
];
const WAITING: [&str; 6] =
    ["CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "ContainerCreating", "CreateContainerConfigError", ""];
const ENDED: [(&str, i32); 4] = [("OOMKilled", 137), ("Error", 1), ("Completed", 0), ("StartError", 128)];
const PHASES: [&str; 8] = ["Running", "Pending", "Failed", "Succeeded", "Bound", "Lost", "Terminating", ""];
const IMAGES: [&str; 3] = ["registry.example/shop/cart:1", "busybox", ""];
const ALERTS: [&str; 10] = [
    "KubePodCrashLooping",
    "KubeNodeNotReady",
    "KubeDeploymentReplicasMismatch",
    "TargetDown",
    "Watchdog",
    "InfoInhibitor",
    "CPUThrottlingHigh",
    "KubePersistentVolumeFillingUp",
    "SomethingOfTheirOwn",
    "",
];
const SCHEMES: [&str; 4] = ["http", "https", "", "grpc"];
/// How far time moves, in microseconds; back too, as far as facts are waited for and beyond it.
const STEPS: [i64; 16] = [
    0,
    1,
    1_000,
    200_000,
    1_000_000,
    2_000_000,
    10_000_000,
    60_000_000,
    300_000_000,
    600_000_000,
    1_800_000_000,
    3_600_000_000,
    86_400_000_000,
    -1_000_000,
    -5_000_000,
    -60_000_000,
];

/// 2026-11-21T03:00:00Z, in microseconds.
const BEGIN: i64 = 1_795_230_000_000_000;

/// Reads an endless row of numbers from bytes: behind the last one stands 0.
pub(crate) struct Bytes<'d>(&'d [u8]);

impl<'d> Bytes<'d> {
    /// The numbers of these bytes.
    pub(crate) fn new(data: &'d [u8]) -> Self {
        Self(data)
    }

    /// Whether nothing is left.
    pub(crate) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn wide(&mut self) -> u16 {
        u16::from_le_bytes([self.next(), self.next()])
    }

    /// Whether one of so many cases is there.
    fn one_in(&mut self, cases: u8) -> bool {
        self.next().is_multiple_of(cases)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let at = usize::from(self.next()) % from.len();
        from[at]
    }

    fn text(&mut self, from: &[&str]) -> Text {
        self.pick(from).into()
    }
}

/// Rule sets that may be activated: without any entry, with a few, and under tight limits. Few entries, because each
/// activation compiles them.
static ACTIVATED: LazyLock<[Arc<RuleSet>; 4]> = LazyLock::new(|| {
    let few = |from: usize, limits: Limits| {
        let some = some_rules(limits);
        let catalogue = some.catalogue.iter().skip(from).step_by(4).cloned().collect();
        let causality = some.causality.iter().skip(from).step_by(4).cloned().collect();
        Arc::new(RuleSet { catalogue, causality, components: Vec::new(), ..some })
    };
    [Arc::new(RuleSet::default()), few(0, TIGHT), few(1, NOTHING), few(2, Limits::default())]
});

/// Makes facts of two clusters, one after the other, each at its own time.
pub(crate) struct Scenario {
    now: [Time; 2],
    /// Whether another rule set was activated.
    pub(crate) is_changed: bool,
}

impl Default for Scenario {
    fn default() -> Self {
        Self { now: [Time(BEGIN); 2], is_changed: false }
    }
}

impl Scenario {
    /// The next fact. `incident` is one that was told of, for commands.
    pub(crate) fn fact(&mut self, bytes: &mut Bytes<'_>, incident: &str) -> Fact {
        let what = bytes.next();
        let cluster = usize::from(what >> 7);
        let step = STEPS[usize::from(bytes.next()) % STEPS.len()];
        self.now[cluster] = self.now[cluster] + Span(step);
        let now = self.now[cluster];
        let scope = Scope::cluster(["prod", "test"][cluster]);
        match (what & 0x7F) % 32 {
            0..=11 => object_fact(bytes, scope, now),
            12..=20 => event_fact(bytes, scope, now),
            21..=24 => alert_fact(bytes, scope, now),
            25 => {
                let kind = bytes.text(&KINDS);
                let body = match bytes.next() % 2 {
                    0 => Body::SnapshotBegin { kind },
                    _ => Body::SnapshotEnd { kind },
                };
                Fact::new(scope, Source::Objects, ObjectRef::default(), Interval::at(now), now, body)
            }
            26 | 27 => Fact::tick(scope, bytes.pick(&[Source::Events, Source::Objects, Source::Alerts]), now),
            28 | 29 => {
                let action = match bytes.next() % 3 {
                    0 => Action::Acknowledge,
                    1 => Action::Resolve,
                    _ => Action::Note { text: "rolled back".into() },
                };
                let incident = if bytes.one_in(2) { incident } else { "inc-unknown" };
                let body = Body::Command(Command { by: "ines".into(), incident: incident.into(), action });
                Fact::new(scope, Source::People, object(bytes), Interval::at(now), now, body)
            }
            30 => {
                self.is_changed = true;
                let rules = ACTIVATED[usize::from(bytes.next()) % ACTIVATED.len()].clone();
                Fact::rules(scope, rules, now)
            }
            _ => Fact::end_of_recording(scope, now),
        }
    }
}

fn object(bytes: &mut Bytes<'_>) -> ObjectRef {
    let kind = bytes.text(&KINDS);
    let namespace = bytes.text(&NAMESPACES);
    let name = bytes.next();
    let name = match NAMES.get(usize::from(name)) {
        Some(name) => (*name).into(),
        // Many names: of pods of one workload, and of anything.
        None if name < 128 => format!("cart-7d9c5b4f68-{}", generated(name)).into(),
        None => format!("thing-{name}").into(),
    };
    let uid = match bytes.next() % 4 {
        0 => "".into(),
        uid => format!("uid-{uid}").into(),
    };
    ObjectRef { kind, namespace, name, uid }
}

/// Five characters as Kubernetes generates them.
fn generated(number: u8) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let at = |shift: u8| char::from(ALPHABET[usize::from(number.wrapping_mul(shift)) % ALPHABET.len()]);
    [at(1), at(3), at(5), at(7), at(11)].iter().collect()
}

/// When a source claims that something was: now, before, after, or never.
fn claim(bytes: &mut Bytes<'_>, now: Time) -> Option<Time> {
    match bytes.next() {
        0 => None,
        1 => Some(Time::MIN),
        2 => Some(Time::MAX),
        step => Some(now - Span(STEPS[usize::from(step) % STEPS.len()])),
    }
}

fn occurred(bytes: &mut Bytes<'_>, now: Time) -> Interval {
    match claim(bytes, now) {
        Some(to) => Interval { from: claim(bytes, to).unwrap_or(to).min(to), to },
        None => Interval::at(now),
    }
}

fn event_fact(bytes: &mut Bytes<'_>, scope: Scope, now: Time) -> Fact {
    let (reason, message) = bytes.pick(&EVENTS);
    let first_at = claim(bytes, now);
    let event = EventReport {
        uid: format!("event-{}", bytes.next() % 16).into(),
        reason: reason.into(),
        message: message.into(),
        kind: bytes.text(&["Warning", "Normal"]),
        component: bytes.text(&["kubelet", "default-scheduler", "node-controller", ""]),
        host: bytes.text(&["worker-1", "worker-2", ""]),
        field_path: "".into(),
        repeats: match bytes.next() {
            255 => u32::MAX,
            repeats => u32::from(repeats),
        },
        first_at,
        last_at: first_at.map(|first| first.max(now)),
        is_first: bytes.one_in(8),
    };
    let object = object(bytes);
    Fact::new(scope, Source::Events, object, occurred(bytes, now), now, Body::Event(event))
}

fn alert_fact(bytes: &mut Bytes<'_>, scope: Scope, now: Time) -> Fact {
    let mut labels: Vec<Label> = LABELS.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    labels.truncate(usize::from(bytes.next() % 4));
    labels.push(("severity".into(), bytes.text(&["critical", "warning", "info", "none", ""])));
    let alert = AlertReport {
        name: bytes.text(&ALERTS),
        fingerprint: format!("{}", bytes.next() % 8).into(),
        firing: !bytes.one_in(4),
        suppressed: bytes.one_in(8),
        labels,
        summary: bytes.text(&["", "something is wrong with cart"]),
        starts_at: claim(bytes, now),
        ends_at: claim(bytes, now),
    };
    let object = object(bytes);
    Fact::new(scope, Source::Alerts, object, occurred(bytes, now), now, Body::Alert(alert))
}

fn object_fact(bytes: &mut Bytes<'_>, scope: Scope, now: Time) -> Fact {
    let object = object(bytes);
    let report = report(bytes, now);
    Fact::new(scope, Source::Objects, object, occurred(bytes, now), now, Body::Object(Box::new(report)))
}

/// A state of any kind, with the fields that two numbers ask for: kinds have fields here that they have nowhere else.
fn report(bytes: &mut Bytes<'_>, now: Time) -> ObjectReport {
    let (has, flags) = (bytes.wide(), bytes.next());
    let mut report = ObjectReport { created_at: Some(now - Span::from_secs(3_600)), ..ObjectReport::default() };
    let wants = |bit: u32| has & 1 << bit != 0;
    report.deleted = flags & 7 == 7;
    report.unschedulable = flags & 8 != 0;
    report.paused = flags & 16 != 0;
    if flags & 0x60 == 0x60 {
        report.deleting_at = claim(bytes, now);
        report.finalizers = vec!["example.com/hold".into()];
    }
    if flags & 0x80 != 0 {
        (report.generation, report.observed_generation) = (u64::from(bytes.next() % 4), u64::from(bytes.next() % 4));
    }
    if wants(0) {
        report.owner = Some(OwnerRef { kind: bytes.text(&KINDS), name: bytes.text(&NAMES), uid: "".into() });
    }
    if wants(1) {
        report.labels = labels(bytes);
        report.pod_labels = labels(bytes);
    }
    if wants(2) {
        let count = bytes.next() % 3 + 1;
        report.conditions = (0..count).map(|_| condition(bytes, now)).collect();
    }
    if wants(3) {
        report.phase = bytes.text(&PHASES);
        report.reason = bytes.text(&["", "Evicted", "DeadlineExceeded"]);
    }
    if wants(4) {
        report.node = bytes.text(&["worker-1", "worker-2", ""]);
    }
    if wants(5) {
        let count = bytes.next() % 3 + 1;
        report.containers = (0..count).map(|_| container(bytes, now)).collect();
    }
    if wants(6) {
        let mut number = || u32::from(bytes.next() % 4);
        report.replicas = Some(Replicas { desired: number(), ready: number(), updated: number() });
    }
    if wants(7) {
        report.selector = labels(bytes);
        report.ports = vec![ServicePort { name: "".into(), number: 80, target: port(bytes), protocol: "".into() }];
        report.service_type = bytes.text(&["ClusterIP", "LoadBalancer", "ExternalName"]);
    }
    if wants(8) {
        report.service = bytes.text(&NAMES);
        report.endpoints = Some(Endpoints { ready: u32::from(bytes.next() % 2), not_ready: u32::from(bytes.next()) });
    }
    if wants(9) {
        let count = bytes.next() % 3 + 1;
        report.references = (0..count).map(|_| reference(bytes)).collect();
    }
    if wants(10) {
        report.taints = vec![bytes.text(&["node.kubernetes.io/unreachable=:NoExecute", "dedicated=x:NoSchedule"])];
    }
    if wants(11) {
        let mut quantity = || bytes.text(&["10", "1Gi", "500m", "", "99999999999999999999999999999999999999Ei", "1e3"]);
        report.quotas = vec![Quota { resource: "cpu".into(), hard: quantity(), used: quantity() }];
    }
    if wants(12) {
        let count = bytes.next() % 3 + 1;
        report.addresses = (0..count).map(|_| address(bytes)).collect();
    }
    if wants(13) {
        report.keys = vec![bytes.text(&["url", "password", ""])];
        report.storage = Some(storage(bytes));
    }
    if wants(14) {
        report.backends = vec![Backend {
            namespace: bytes.text(&NAMESPACES),
            service: bytes.text(&NAMES),
            port: port(bytes),
            is_required: bytes.one_in(2),
        }];
        report.denies = vec![bytes.text(&["Ingress", "Egress"])];
    }
    if wants(15) {
        report.renewed_at = claim(bytes, now);
        report.lease_secs = bytes.pick(&[0, 15, 40, 1, u32::MAX]);
    }
    report
}

fn labels(bytes: &mut Bytes<'_>) -> Vec<Label> {
    let which = bytes.next();
    let mut labels: Vec<Label> = Vec::new();
    for (bit, (key, value)) in (0..).zip(LABELS) {
        // A map has each key once.
        if which & 1 << bit != 0 && labels.iter().all(|(known, _)| &**known != key) {
            labels.push((key.into(), value.into()));
        }
    }
    labels
}

fn condition(bytes: &mut Bytes<'_>, now: Time) -> Condition {
    let (kind, status, reason) = bytes.pick(&CONDITIONS);
    let message = bytes.pick(&EVENTS).1.into();
    Condition { kind: kind.into(), status: status.into(), reason: reason.into(), message, since: claim(bytes, now) }
}

fn termination(bytes: &mut Bytes<'_>, now: Time) -> Termination {
    let (reason, exit_code) = bytes.pick(&ENDED);
    Termination { reason: reason.into(), message: "".into(), exit_code, finished_at: claim(bytes, now) }
}

fn container(bytes: &mut Bytes<'_>, now: Time) -> Container {
    let state = match bytes.next() % 4 {
        0 => ContainerState::Running { since: claim(bytes, now) },
        1 => ContainerState::Waiting { reason: bytes.text(&WAITING), message: bytes.pick(&EVENTS).1.into() },
        2 => ContainerState::Terminated(termination(bytes, now)),
        _ => ContainerState::Unknown,
    };
    let flags = bytes.next();
    Container {
        name: "main".into(),
        image: bytes.text(&IMAGES),
        init: flags & 1 != 0,
        ready: flags & 2 != 0,
        restarts: if flags & 4 != 0 { u32::MAX } else { u32::from(bytes.next()) },
        state,
        last: (flags & 8 != 0).then(|| termination(bytes, now)),
        startup_secs: if flags & 16 != 0 { u32::MAX } else { u32::from(bytes.next()) },
        ports: vec![ContainerPort { name: "web".into(), number: 8080 }],
        probes: vec![Probe {
            kind: "readiness".into(),
            scheme: bytes.text(&["HTTP", "HTTPS", "TCP", "EXEC"]),
            port: port(bytes),
        }],
        memory_limit: bytes.text(&["", "128Mi"]),
    }
}

fn port(bytes: &mut Bytes<'_>) -> Text {
    bytes.text(&["web", "8080", "9090", "", "65536"])
}

fn reference(bytes: &mut Bytes<'_>) -> Reference {
    Reference {
        kind: bytes.text(&KINDS),
        name: bytes.text(&NAMES),
        key: bytes.text(&["", "url"]),
        optional: bytes.one_in(4),
    }
}

fn address(bytes: &mut Bytes<'_>) -> Address {
    let host = match bytes.next() % 4 {
        0 => "cart.shop.svc.cluster.local".into(),
        1 => "cart.shop".into(),
        _ => bytes.text(&NAMES),
    };
    Address { key: "URL".into(), scheme: bytes.text(&SCHEMES), host, port: bytes.pick(&[0, 80, 8080, 9090]) }
}

fn storage(bytes: &mut Bytes<'_>) -> Storage {
    Storage {
        class: match bytes.next() % 3 {
            0 => None,
            1 => Some("".into()),
            _ => Some("standard".into()),
        },
        bytes: bytes.pick(&[0, 1 << 30, u64::MAX]),
        modes: vec![bytes.text(&["ReadWriteOnce", "ReadWriteMany"])],
        volume_mode: bytes.text(&["", "Block"]),
        provisioner: bytes.text(&["", "kubernetes.io/no-provisioner", "ebs.csi.aws.com"]),
        binding: bytes.text(&["Immediate", "WaitForFirstConsumer"]),
        is_default: bytes.one_in(2),
    }
}
