//! One record of every kind, with every field set to something that is not its default.

use bellbuoy_core::Text;
use bellbuoy_core::fact::{Body, Fact, FactId, Source};
use bellbuoy_core::incident::{
    Because, Cause, Change, Evidence, Explanation, Flow, Incident, IncidentId, Member, SignalCount, Stamped, Status,
    TimelineEntry,
};
use bellbuoy_core::object::{Entity, ObjectRef, Scope};
use bellbuoy_core::page::{Page, PageKey, PageKind};
use bellbuoy_core::report::{
    Action, AlertReport, Command, Condition, Container, ContainerState, Endpoints, EventReport, ObjectReport, OwnerRef,
    Quota, Reference, Replicas, Termination,
};
use bellbuoy_core::rules::{Policy, RuleSet};
use bellbuoy_core::severity::Severity;
use bellbuoy_core::spec::{Address, Backend, ContainerPort, Probe, ServicePort, Storage};
use bellbuoy_core::stage::Rejected;
use bellbuoy_core::time::{Interval, Time};
use bellbuoy_core::triage::{Factor, Triaged};
use bellbuoy_wire::dead_letters::{DeadLetter, Origin};
use std::sync::Arc;

/// 2026-11-21T03:00:00Z.
const NIGHT: i64 = 1_795_230_000;

fn at(secs: i64) -> Time {
    Time::from_secs(NIGHT + secs)
}

fn text(text: &str) -> Text {
    text.into()
}

fn scope() -> Scope {
    Scope::cluster("prod-eu-1")
}

fn rule_set() -> Arc<RuleSet> {
    let policy = Policy { name: text("default"), page_from: Severity::P3, ..Policy::default() };
    Arc::new(RuleSet { default_owner: text("sre"), policy, ..RuleSet::default() })
}

fn fact(source: Source, object: ObjectRef, body: Body) -> Fact {
    let occurred = Interval { from: at(0), to: at(1) };
    Fact { sequence: 7, ..Fact::new(scope(), source, object, occurred, at(2), body) }
}

fn pod() -> ObjectRef {
    ObjectRef { uid: text("0b1c1a52-6f0e-4f5a-9d0d-2a2d2f1f9f11"), ..ObjectRef::new("Pod", "shop", "cart-7c9d-x2x4z") }
}

pub(crate) fn event() -> Fact {
    let event = EventReport {
        uid: text("5f2f7a0e-3d0a-4f0e-8a57-1c9a0c7b5d21"),
        reason: text("BackOff"),
        message: text("Back-off restarting failed container cart in pod cart-7c9d-x2x4z_shop(0b1c1a52)"),
        kind: text("Warning"),
        component: text("kubelet"),
        host: text("worker-3"),
        field_path: text("spec.containers{cart}"),
        repeats: 12,
        first_at: Some(at(-300)),
        last_at: Some(at(0)),
        is_first: true,
    };
    fact(Source::Events, pod(), Body::Event(event))
}

fn termination() -> Termination {
    Termination {
        reason: text("OOMKilled"),
        message: text("ate its memory"),
        exit_code: 137,
        finished_at: Some(at(-10)),
    }
}

/// A fact under an id of its own: the id that its content gives is another one whenever the core learns a new field, and
/// a record keeps the id that it was written with.
fn named(id: u128, fact: Fact) -> Fact {
    Fact { id: FactId(id.to_be_bytes()), ..fact }
}

/// The facts that had other fields or ids in version 1 of the journal.
pub(crate) fn facts_of_version_1() -> Vec<(&'static str, Fact)> {
    let object = fact(Source::Objects, pod(), Body::Object(Box::new(report_of_version_1())));
    vec![
        ("object", named(0x450f_74d1_e470_f87f_0d4b_51ae_ee26_57a2, object)),
        ("rules", named(0xae40_39c9_5636_31ba_d5eb_c84a_85f7_28ee, rules())),
    ]
}

fn rules() -> Fact {
    fact(Source::Bellbuoy, ObjectRef::default(), Body::Rules(rule_set()))
}

/// An object's state with every field that version 1 has.
fn report_of_version_1() -> ObjectReport {
    let container = |name: &str, state| Container {
        name: text(name),
        image: text("registry.example/shop/cart:1.9.2"),
        init: name == "migrate",
        ready: name == "cart",
        restarts: 4,
        state,
        last: Some(termination()),
        startup_secs: 30,
        ..Container::default()
    };
    ObjectReport {
        deleted: true,
        resource_version: text("884213"),
        created_at: Some(at(-3_600)),
        deleting_at: Some(at(-5)),
        owner: Some(OwnerRef { kind: text("ReplicaSet"), name: text("cart-7c9d"), uid: text("9a7d") }),
        labels: vec![(text("app"), text("cart")), (text("tier"), text("front"))],
        conditions: vec![Condition {
            kind: text("Ready"),
            status: text("False"),
            reason: text("ContainersNotReady"),
            message: text("containers with unready status: [cart]"),
            since: Some(at(-20)),
        }],
        phase: text("Running"),
        reason: text("Evicted"),
        message: text("The node was low on resource: memory."),
        node: text("worker-3"),
        containers: vec![
            container("migrate", ContainerState::Terminated(termination())),
            container(
                "cart",
                ContainerState::Waiting { reason: text("CrashLoopBackOff"), message: text("back-off 5m0s") },
            ),
            container("proxy", ContainerState::Running { since: Some(at(-60)) }),
            container("log", ContainerState::Unknown),
        ],
        replicas: Some(Replicas { desired: 3, ready: 1, updated: 2 }),
        selector: vec![(text("app"), text("cart"))],
        service: text("cart"),
        endpoints: Some(Endpoints { ready: 1, not_ready: 2 }),
        references: vec![Reference { kind: text("Secret"), name: text("cart-tls"), ..Reference::default() }],
        taints: vec![text("node.kubernetes.io/unreachable=:NoExecute")],
        unschedulable: true,
        quotas: vec![Quota { resource: text("pods"), hard: text("10"), used: text("10") }],
        ..ObjectReport::default()
    }
}

/// An object's state with every field.
pub(crate) fn object() -> Fact {
    let mut report = report_of_version_1();
    for container in &mut report.containers {
        container.ports = vec![ContainerPort { name: text("http"), number: 8080 }];
        container.probes = vec![Probe { kind: text("readiness"), scheme: text("HTTPS"), port: text("http") }];
        container.memory_limit = text("256Mi");
    }
    for reference in &mut report.references {
        (reference.key, reference.optional) = (text("tls.crt"), true);
    }
    let report = ObjectReport {
        pod_labels: vec![(text("app"), text("cart"))],
        ports: vec![ServicePort {
            name: text("web"),
            number: u16::MAX,
            target: text("http"),
            protocol: text("kubernetes.io/h2c"),
        }],
        service_type: text("LoadBalancer"),
        external_addresses: 2,
        addresses: vec![Address {
            key: text("CHECKOUT_ADDR"),
            scheme: text("grpc"),
            host: text("checkout.shop.svc.cluster.local"),
            port: 5050,
        }],
        keys: vec![text("app.yaml"), text("tls.crt")],
        storage: Some(Storage {
            class: Some(text("")),
            bytes: u64::MAX,
            modes: vec![text("ReadWriteOnce")],
            volume_mode: text("Block"),
            provisioner: text("ebs.csi.aws.com"),
            binding: text("WaitForFirstConsumer"),
            is_default: true,
        }),
        backends: vec![Backend {
            namespace: text("shop"),
            service: text("cart"),
            port: text("http"),
            is_required: true,
        }],
        denies: vec![text("Ingress"), text("Egress")],
        generation: u64::MAX,
        observed_generation: 6,
        finalizers: vec![text("kubernetes.io/pvc-protection")],
        paused: true,
        renewed_at: Some(at(-7)),
        lease_secs: 15,
        ..report
    };
    named(2, fact(Source::Objects, pod(), Body::Object(Box::new(report))))
}

fn alert() -> Fact {
    let alert = AlertReport {
        name: text("KubePodCrashLooping"),
        fingerprint: text("a1b2c3d4e5f60718"),
        firing: true,
        suppressed: true,
        labels: vec![(text("alertname"), text("KubePodCrashLooping")), (text("namespace"), text("shop"))],
        summary: text("Pod is crash looping."),
        starts_at: Some(at(-900)),
        ends_at: Some(at(-1)),
    };
    fact(Source::Alerts, pod(), Body::Alert(alert))
}

fn command(action: Action) -> Fact {
    let command = Command { by: text("ines"), incident: text("inc-00000000000000ff"), action };
    fact(Source::People, pod(), Body::Command(command))
}

/// A fact of every kind, with the name of its golden file.
pub(crate) fn facts() -> Vec<(&'static str, Fact)> {
    let none = ObjectRef::default;
    vec![
        ("event", event()),
        ("object", object()),
        ("alert", alert()),
        ("acknowledge", command(Action::Acknowledge)),
        ("resolve", command(Action::Resolve)),
        ("note", command(Action::Note { text: text("rolled back, watching") })),
        ("rules", named(3, rules())),
        ("snapshot-begin", fact(Source::Objects, none(), Body::SnapshotBegin { kind: text("Pod") })),
        ("snapshot-end", fact(Source::Objects, none(), Body::SnapshotEnd { kind: text("Pod") })),
        ("tick", fact(Source::Metrics, none(), Body::Tick { observed_through: at(1) })),
        ("end-of-recording", fact(Source::Logs, none(), Body::EndOfRecording)),
    ]
}

fn stamped<T>(items: Vec<(&'static str, T)>) -> Vec<(&'static str, Stamped<T>)> {
    let flows = items.into_iter().map(|(name, item)| (name, Flow::Item(item)));
    let flows = flows.chain([("rules", Flow::Rules(rule_set())), ("watermark", Flow::Watermark)]);
    flows.map(|(name, flow)| (name, Stamped { scope: scope(), at: at(5), flow })).collect()
}

fn evidence(byte: u8) -> Evidence {
    Evidence { fact: FactId([byte; 16]), observed_at: at(i64::from(byte)) }
}

fn incident() -> Incident {
    let node = Entity::new("Node", "", "worker-3");
    let explanation =
        Explanation { entity: node.clone(), signal: text("NodeNotReady"), rule: text("lost"), relation: text("node") };
    Incident {
        id: IncidentId(0xF0E1_D2C3_B4A5_9687),
        revision: 3,
        status: Status::Acknowledged,
        began_at: at(-60),
        opened_at: at(-30),
        last_seen_at: at(-1),
        acknowledged_at: Some(at(-2)),
        acknowledged_by: text("ines"),
        resolved_at: Some(at(0)),
        merged_into: Some(IncidentId(2)),
        causes: vec![Cause {
            entity: node,
            signal: text("NodeNotReady"),
            score: 130,
            because: vec![Because {
                rule: text("explains"),
                points: -5,
                text: text("pods of a dead node are lost with it"),
                facts: vec![evidence(1), evidence(2)],
            }],
        }],
        weight: Severity::P2,
        signals: vec![SignalCount { signal: text("Unhealthy"), area: text("compute"), count: 212 }],
        members: vec![Member {
            entity: Entity::new("Deployment", "shop", "cart"),
            signal: text("Unhealthy"),
            message: text("Readiness probe failed: dial tcp 10.0.0.7:8080: connect: connection refused"),
            began_at: at(-50),
            last_seen_at: at(-3),
            ended_at: Some(at(-2)),
            repeats: u64::MAX,
            objects: 3,
            late: true,
            explained_by: Some(explanation),
            evidence: vec![evidence(3)],
        }],
        member_count: 213,
        open_count: 200,
        object_count: u32::MAX,
        namespace_count: 50,
        timeline: vec![TimelineEntry { at: at(-30), text: text("opened by NodeNotReady of Node worker-3") }],
        changes: vec![
            Change::Opened,
            Change::Grew,
            Change::Shrank,
            Change::Cause,
            Change::Absorbed,
            Change::Merged,
            Change::Acknowledged,
            Change::Resolved,
            Change::Reopened,
            Change::Noted,
        ],
    }
}

/// Incidents of every status.
pub(crate) fn incidents() -> Vec<(&'static str, Stamped<Incident>)> {
    stamped(vec![
        ("acknowledged", incident()),
        ("open", Incident::default()),
        ("resolved", Incident { status: Status::Resolved, weight: Severity::P1, ..incident() }),
        ("merged", Incident { status: Status::Merged, weight: Severity::P3, ..incident() }),
        ("split", Incident { changes: vec![Change::Cause, Change::Split], ..Incident::default() }),
    ])
}

/// Classified incidents.
pub(crate) fn triaged() -> Vec<(&'static str, Stamped<Triaged>)> {
    let factors = vec![Factor { rule: text("blast-radius"), steps: -2, text: text("1 of 3 replicas is left") }];
    let (category, owner, runbook) = (text("node"), text("core-infrastructure"), text("runbooks/node-not-ready"));
    stamped(vec![
        ("node", Triaged { incident: incident(), severity: Severity::P1, category, owner, runbook, factors }),
        ("bare", Triaged { severity: Severity::P4, ..Triaged::default() }),
    ])
}

/// Pages of every kind.
pub(crate) fn pages() -> Vec<(&'static str, Stamped<Page>)> {
    let page = |kind, severity| Page {
        key: PageKey { incident: IncidentId(255), receiver: text("core-infrastructure"), epoch: 2 },
        at: at(4),
        kind,
        channel: text("pager"),
        tier: 1,
        severity,
        summary: text("Node worker-3 is not ready: 212 pods in 50 namespaces"),
        reason: text("nobody acknowledged it within 5m"),
        rule: text("default/tier-1"),
    };
    stamped(vec![
        ("trigger", page(PageKind::Trigger, Severity::P1)),
        ("escalate", page(PageKind::Escalate, Severity::P2)),
        ("worse", page(PageKind::Worse, Severity::P3)),
        ("resolve", page(PageKind::Resolve, Severity::P5)),
    ])
}

/// Dead letters.
pub(crate) fn dead_letters() -> Vec<(&'static str, DeadLetter)> {
    let origin = || Origin { topic: text("journal"), partition: 3, offset: 9_000_000_000 };
    let rejected =
        Rejected { scope: scope(), at: at(9), fact: Some(FactId([9; 16])), reason: text("100000 episodes are open") };
    vec![
        ("unreadable", DeadLetter::unreadable(origin(), &[0xC3, 0x01, 0xFF], "unknown schema fingerprint", at(8))),
        ("rejected", DeadLetter::rejected(origin(), rejected, b"")),
    ]
}
