//! A made-up estate that reports facts: pods, nodes, Services, events, in the order in which things happen.

use bellbuoy_core::Text;
use bellbuoy_core::fact::{Body, Fact, Source};
use bellbuoy_core::object::{ObjectRef, Scope};
use bellbuoy_core::report::{
    AlertReport, Condition, Container, ContainerState, Endpoints, EventReport, ObjectReport, OwnerRef, Replicas,
    Termination,
};
use bellbuoy_core::time::{Interval, Span, Time};

/// 2026-01-01T00:00:00Z: when every made-up estate begins.
pub const BEGIN: Time = Time::from_secs(1_767_225_600);

/// One cluster and its clock.
#[derive(Clone)]
pub struct Estate {
    scope: Scope,
    now: Time,
    facts: Vec<Fact>,
    events: u64,
}

/// A pod of a workload.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its Deployment.
    pub deployment: String,
    /// Its name.
    pub name: String,
    /// Its node.
    pub node: String,
    /// Its image.
    pub image: String,
}

impl Pod {
    /// The `number`th pod of a Deployment.
    pub fn new(namespace: &str, deployment: &str, number: usize, node: &str, image: &str) -> Self {
        let name = format!("{deployment}-7d9c5b4f68-{}", suffix(number));
        let text = str::to_owned;
        Self { namespace: text(namespace), deployment: text(deployment), name, node: text(node), image: text(image) }
    }

    /// The pod as an object.
    pub fn object(&self) -> ObjectRef {
        let uid = format!("uid-{}-{}", self.namespace, self.name);
        ObjectRef { uid: uid.into(), ..ObjectRef::new("Pod", &self.namespace, &self.name) }
    }

    fn replica_set(&self) -> String {
        format!("{}-7d9c5b4f68", self.deployment)
    }
}

/// Five characters as Kubernetes generates them.
fn suffix(number: usize) -> String {
    let alphabet = b"bcdfghjklmnpqrstvwxz2456789";
    let digit = |power: u32| char::from(alphabet[number / alphabet.len().pow(power) % alphabet.len()]);
    (0..5).rev().map(digit).collect()
}

impl Estate {
    /// An estate that has reported nothing.
    pub fn new(cluster: &str) -> Self {
        Self { scope: Scope::cluster(cluster), now: BEGIN, facts: Vec::new(), events: 0 }
    }

    /// Lets time pass.
    pub fn wait(&mut self, secs: i64) -> &mut Self {
        self.now = self.now + Span::from_secs(secs);
        self
    }

    /// Lets time pass, in milliseconds.
    pub fn wait_ms(&mut self, ms: i64) -> &mut Self {
        self.now = self.now + Span::from_millis(ms);
        self
    }

    /// The present.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The scope.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Everything reported, with the end of the recording behind it.
    pub fn recording(mut self) -> Vec<Fact> {
        self.facts.push(Fact::end_of_recording(self.scope.clone(), self.now));
        self.facts
    }

    /// Everything reported so far.
    pub fn facts(self) -> Vec<Fact> {
        self.facts
    }

    /// Reports anything.
    pub fn report(&mut self, source: Source, object: ObjectRef, body: Body) -> &mut Self {
        let fact = Fact::new(self.scope.clone(), source, object, Interval::at(self.now), self.now, body);
        self.facts.push(fact);
        self
    }

    /// All sources say that they have observed everything until now.
    pub fn tick(&mut self) -> &mut Self {
        for source in [Source::Events, Source::Objects] {
            self.facts.push(Fact::tick(self.scope.clone(), source, self.now));
        }
        self
    }

    /// Lets time pass with a tick every second.
    pub fn watch(&mut self, secs: i64) -> &mut Self {
        (0..secs).for_each(|_| {
            self.wait(1).tick();
        });
        self
    }

    /// An event that is reported once.
    pub fn event(&mut self, object: &ObjectRef, component: &str, reason: &str, message: &str) -> &mut Self {
        self.events += 1;
        let uid = format!("event-{}", self.events);
        self.repeated(object, component, reason, message, &uid, 1, 0)
    }

    /// An event that has been repeated: the same uid with a higher count.
    #[expect(clippy::too_many_arguments, reason = "an Event has as many fields")]
    pub fn repeated(
        &mut self,
        object: &ObjectRef,
        component: &str,
        reason: &str,
        message: &str,
        uid: &str,
        count: u32,
        since_secs: i64,
    ) -> &mut Self {
        let event = EventReport {
            uid: uid.into(),
            reason: reason.into(),
            message: message.into(),
            kind: "Warning".into(),
            component: component.into(),
            repeats: count,
            first_at: Some(self.now - Span::from_secs(since_secs)),
            last_at: Some(self.now),
            ..EventReport::default()
        };
        self.report(Source::Events, object.clone(), Body::Event(event))
    }

    /// A pod's state.
    pub fn pod(&mut self, pod: &Pod, change: impl FnOnce(&mut ObjectReport)) -> &mut Self {
        let replica_set = pod.replica_set();
        let owner = OwnerRef { kind: "ReplicaSet".into(), name: replica_set.as_str().into(), uid: "".into() };
        let mut report = ObjectReport {
            owner: Some(owner),
            phase: "Running".into(),
            node: pod.node.as_str().into(),
            created_at: Some(BEGIN),
            labels: vec![label("app", &pod.deployment)],
            containers: vec![Container {
                name: "main".into(),
                image: pod.image.as_str().into(),
                ready: true,
                state: ContainerState::Running { since: Some(self.now) },
                ..Container::default()
            }],
            ..ObjectReport::default()
        };
        change(&mut report);
        self.report(Source::Objects, pod.object(), Body::Object(Box::new(report)))
    }

    /// A Deployment with its ReplicaSet, so that pods find their owner.
    pub fn deployment(&mut self, pod: &Pod, desired: u32, ready: u32) -> &mut Self {
        let set = ObjectReport {
            owner: Some(OwnerRef { kind: "Deployment".into(), name: pod.deployment.as_str().into(), uid: "".into() }),
            replicas: Some(Replicas { desired, ready, updated: 0 }),
            ..ObjectReport::default()
        };
        let of = |kind: &str, name: &str| ObjectRef::new(kind, &pod.namespace, name);
        self.report(Source::Objects, of("ReplicaSet", &pod.replica_set()), Body::Object(Box::new(set)));
        let replicas = Some(Replicas { desired, ready, updated: desired });
        let report = ObjectReport { replicas, ..ObjectReport::default() };
        self.report(Source::Objects, of("Deployment", &pod.deployment), Body::Object(Box::new(report)))
    }

    /// An older ReplicaSet of a Deployment, scaled to so many.
    pub fn replica_set_of(&mut self, pod: &Pod, desired: u32) -> &mut Self {
        let owner = OwnerRef { kind: "Deployment".into(), name: pod.deployment.as_str().into(), uid: "".into() };
        let replicas = Some(Replicas { desired, ready: desired, updated: 0 });
        let report = ObjectReport { owner: Some(owner), replicas, ..ObjectReport::default() };
        let object = ObjectRef::new("ReplicaSet", &pod.namespace, &format!("{}-5b7f9c8d6x", pod.deployment));
        self.report(Source::Objects, object, Body::Object(Box::new(report)))
    }

    /// A pod that runs and is ready.
    pub fn healthy(&mut self, pod: &Pod) -> &mut Self {
        self.pod(pod, |_| {})
    }

    /// A pod whose container waits.
    pub fn waiting(&mut self, pod: &Pod, reason: &str, message: &str, restarts: u32) -> &mut Self {
        self.pod(pod, |report| {
            report.containers[0].ready = false;
            report.containers[0].restarts = restarts;
            report.containers[0].state = ContainerState::Waiting { reason: reason.into(), message: message.into() };
        })
    }

    /// A pod whose container was killed for its memory and waits to be restarted.
    pub fn oom_killed(&mut self, pod: &Pod, restarts: u32) -> &mut Self {
        let ended = self.now;
        self.pod(pod, |report| {
            let message = "back-off 40s restarting failed container";
            report.containers[0].ready = false;
            report.containers[0].restarts = restarts;
            report.containers[0].state =
                ContainerState::Waiting { reason: "CrashLoopBackOff".into(), message: message.into() };
            let reason = "OOMKilled".into();
            let end = Termination { reason, exit_code: 137, finished_at: Some(ended), ..Termination::default() };
            report.containers[0].last = Some(end);
        })
    }

    /// A pod that its node's death has made unready.
    pub fn lost(&mut self, pod: &Pod) -> &mut Self {
        let since = self.now;
        self.pod(pod, |report| {
            // Nobody can ask the containers: they stay as they were.
            report.conditions = vec![condition("Ready", "False", "", since)];
        })
    }

    /// A pod that is gone.
    pub fn deleted(&mut self, pod: &Pod) -> &mut Self {
        self.pod(pod, |report| report.deleted = true)
    }

    /// A node's Ready condition, as of now.
    pub fn node(&mut self, name: &str, ready: &str) -> &mut Self {
        self.node_since(name, ready, 0)
    }

    /// A node's Ready condition, as of some time ago.
    pub fn node_since(&mut self, name: &str, ready: &str, ago_secs: i64) -> &mut Self {
        let reason = if ready == "True" { "KubeletReady" } else { "NodeStatusUnknown" };
        let conditions = vec![condition("Ready", ready, reason, self.now - Span::from_secs(ago_secs))];
        let report = ObjectReport { conditions, ..ObjectReport::default() };
        self.report(Source::Objects, ObjectRef::new("Node", "", name), Body::Object(Box::new(report)))
    }

    /// A Service that selects a Deployment's pods.
    pub fn service(&mut self, namespace: &str, name: &str, deployment: &str) -> &mut Self {
        let report = ObjectReport { selector: vec![label("app", deployment)], ..ObjectReport::default() };
        self.report(Source::Objects, ObjectRef::new("Service", namespace, name), Body::Object(Box::new(report)))
    }

    /// The endpoints of a Service.
    pub fn endpoints(&mut self, namespace: &str, service: &str, ready: u32, not_ready: u32) -> &mut Self {
        let endpoints = Some(Endpoints { ready, not_ready });
        let report = ObjectReport { service: service.into(), endpoints, ..ObjectReport::default() };
        let object = ObjectRef::new("EndpointSlice", namespace, &format!("{service}-x7k2p"));
        self.report(Source::Objects, object, Body::Object(Box::new(report)))
    }

    /// An alert.
    pub fn alert(&mut self, object: &ObjectRef, name: &str, severity: &str, firing: bool) -> &mut Self {
        let alert = AlertReport {
            name: name.into(),
            fingerprint: format!("{name}-{}", object.name).into(),
            firing,
            labels: vec![label("alertname", name), label("severity", severity)],
            summary: format!("{name} fires").into(),
            starts_at: Some(BEGIN),
            ..AlertReport::default()
        };
        self.report(Source::Alerts, object.clone(), Body::Alert(alert))
    }
}

fn label(key: &str, value: &str) -> (Text, Text) {
    (key.into(), value.into())
}

fn condition(kind: &str, status: &str, reason: &str, since: Time) -> Condition {
    Condition {
        kind: kind.into(),
        status: status.into(),
        reason: reason.into(),
        message: "".into(),
        since: Some(since),
    }
}
