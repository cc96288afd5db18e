//! A Kubernetes cluster in miniature: objects, the controllers that keep them, and what a watch of it would show.
//!
//! It knows nothing of how Bellbuoy decides. Its controllers follow what those of Kubernetes do and say.

pub(crate) mod admission;
pub(crate) mod agenda;
pub(crate) mod alerts;
pub(crate) mod apps;
pub(crate) mod calls;
pub(crate) mod daemons;
pub(crate) mod deployments;
pub(crate) mod event;
pub(crate) mod id;
pub(crate) mod image;
pub(crate) mod jobs;
pub(crate) mod moment;
pub(crate) mod node;
pub(crate) mod node_life;
pub(crate) mod parts;
pub(crate) mod pod;
pub(crate) mod pod_life;
pub(crate) mod probing;
pub(crate) mod random;
pub(crate) mod recording;
pub(crate) mod running;
pub(crate) mod scaling;
pub(crate) mod scheduler;
pub(crate) mod service;
pub(crate) mod stateful;
pub(crate) mod storage;
pub(crate) mod system;
pub(crate) mod template;
pub(crate) mod workload;
pub(crate) mod workload_json;

use agenda::Agenda;
use event::Recorders;
use id::Id;
use moment::{SECOND, stamp};
use node::Node;
use pod::Pod;
use random::Random;
use recording::{Line, Notice, Source};
use serde_json::{Value, json};
use service::Service;
use std::collections::{BTreeMap, BTreeSet};
use workload::Workload;

/// A cluster.
pub(crate) struct Cluster {
    pub random: Random,
    pub now: i64,
    /// Whether somebody watches; before, the cluster is being put up.
    pub recording: bool,
    pub lines: Vec<Line>,
    pub agenda: Agenda,
    pub recorders: Recorders,
    pub nodes: BTreeMap<String, Node>,
    pub workloads: BTreeMap<Id, Workload>,
    pub pods: BTreeMap<Id, Pod>,
    pub services: BTreeMap<Id, Service>,
    /// Objects without a behaviour of their own, as the API server shows them.
    pub others: BTreeMap<Id, Value>,
    /// Registry hosts that do not give images, and the words of containerd.
    pub registries: BTreeMap<String, String>,
    /// Images that cannot be pulled, and the words of containerd.
    pub images: BTreeMap<String, String>,
    /// Volumes that cannot be attached, claims that cannot be provisioned or mounted, and the words of the driver.
    pub volume_faults: BTreeMap<Id, String>,
    /// Leases, as the API server shows them.
    pub leases: BTreeMap<Id, Value>,
    /// Workloads whose pods break a policy, and the words of who enforces it.
    pub denials: BTreeMap<Id, String>,
    /// The node that the scheduler likes best.
    pub favourite: String,
    /// The node to which each volume is attached.
    pub attached: BTreeMap<String, String>,
    /// CronJobs: minutes between runs, and the template of their pods.
    pub crons: BTreeMap<Id, (i64, template::Template)>,
    /// All memory is taken for a moment.
    pub is_full: bool,
    /// What the cluster autoscaler can do.
    pub autoscaler: scaling::Autoscaler,
    /// Control loops that do nothing: `scheduler`, `controllers`, `cloud`.
    pub stopped: BTreeSet<&'static str>,
    /// DaemonSets whose pods are replaced only by hand: their update strategy is `OnDelete`.
    pub on_delete: BTreeSet<Id>,
    /// Alerts that something outside of object states makes: name, labels, severity, summary.
    pub outside_alerts: Vec<alerts::Alert>,
    pub alerting: alerts::Alerting,
    /// Every pod that ever was, with its workload.
    pub census: BTreeMap<Id, Id>,
    version: u64,
}

impl Cluster {
    /// A cluster without anything.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        // A moment of 2026.
        let now = (1_772_000_000 + random.range(0, 15_000_000)) * SECOND + random.range(0, SECOND);
        Self {
            random,
            now,
            recording: false,
            lines: Vec::new(),
            agenda: Agenda::default(),
            recorders: Recorders::default(),
            nodes: BTreeMap::new(),
            workloads: BTreeMap::new(),
            pods: BTreeMap::new(),
            services: BTreeMap::new(),
            others: BTreeMap::new(),
            registries: BTreeMap::new(),
            images: BTreeMap::new(),
            volume_faults: BTreeMap::new(),
            leases: BTreeMap::new(),
            denials: BTreeMap::new(),
            favourite: String::new(),
            attached: BTreeMap::new(),
            crons: BTreeMap::new(),
            is_full: false,
            autoscaler: scaling::Autoscaler::Absent,
            stopped: BTreeSet::new(),
            on_delete: BTreeSet::new(),
            outside_alerts: Vec::new(),
            alerting: alerts::Alerting::default(),
            census: BTreeMap::new(),
            version: 48_000_000,
        }
    }

    /// The next resource version.
    pub(crate) fn next_version(&mut self) -> String {
        self.version += 1;
        self.version.to_string()
    }

    /// Plans something, some seconds from now.
    pub(crate) fn after(&mut self, secs: i64, deed: impl FnOnce(&mut Cluster) + 'static) {
        self.after_ms(secs * 1000, deed);
    }

    /// Plans something, some milliseconds from now.
    pub(crate) fn after_ms(&mut self, ms: i64, deed: impl FnOnce(&mut Cluster) + 'static) {
        self.agenda.plan(self.now + ms * 1000, Box::new(deed));
    }

    /// Lets everything happen up to a moment.
    pub(crate) fn run_until(&mut self, until: i64) {
        while let Some((at, deed)) = self.agenda.next_before(until) {
            self.now = self.now.max(at);
            deed(self);
        }
        self.now = until;
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, secs: i64) {
        self.run_until(self.now + secs * SECOND);
    }

    /// The clockwork starts.
    pub(crate) fn start(&mut self) {
        self.recording = true;
        self.start_services();
        self.start_leases();
        self.start_callers();
        self.start_cron_jobs();
        self.start_metrics();
        self.start_alerting();
    }

    /// Somebody begins to watch: what was before is forgotten, but for what the API server still holds, which is listed.
    /// That includes the events of the last hour.
    pub(crate) fn list(&mut self) {
        self.lines.clear();
        // Somebody lists one kind after the other, in any order.
        let events_first = self.random.chance(50);
        if events_first {
            self.list_events();
        }
        for name in self.nodes.keys().cloned().collect::<Vec<_>>() {
            self.show_node(&name, Notice::Added);
        }
        let others: Vec<Value> = self.others.values().chain(self.leases.values()).cloned().collect();
        for object in others {
            self.notice(Source::Objects, Notice::Added, &object, 1);
        }
        for workload in self.workloads.values_mut() {
            workload.shown.clear();
            workload.revisions.iter_mut().for_each(|revision| revision.shown.clear());
        }
        for id in self.workloads.keys().cloned().collect::<Vec<_>>() {
            self.show_workload(&id, Notice::Added);
        }
        for id in self.services.keys().cloned().collect::<Vec<_>>() {
            self.show_service(&id, Notice::Added);
        }
        for id in self.pods.keys().cloned().collect::<Vec<_>>() {
            self.show_pod(&id, Notice::Added);
        }
        if !events_first {
            self.list_events();
        }
    }

    fn list_events(&mut self) {
        for event in self.recorders.events() {
            self.notice(Source::Events, Notice::Added, &event, 1);
        }
    }

    /// Puts an object that has no behaviour of its own, or changes it.
    pub(crate) fn put(&mut self, id: &Id, mut object: Value) {
        let known = self.others.get(id);
        let notice = if known.is_some() { Notice::Modified } else { Notice::Added };
        let uid = known.map_or_else(|| json!(self.random.uid()), |known| known["metadata"]["uid"].clone());
        let known = self.others.get(id);
        let created = known.map_or_else(
            || json!(stamp(if self.recording { self.now } else { self.now - 20 * 86_400 * SECOND })),
            |known| known["metadata"]["creationTimestamp"].clone(),
        );
        object["apiVersion"] = json!(id.api_version());
        object["kind"] = json!(id.kind);
        let metadata = &mut object["metadata"];
        metadata["name"] = json!(id.name);
        if !id.namespace.is_empty() {
            metadata["namespace"] = json!(id.namespace);
        }
        (metadata["uid"], metadata["creationTimestamp"]) = (uid, created);
        metadata["resourceVersion"] = json!(self.next_version());
        self.notice(Source::Objects, notice, &object, 100);
        self.others.insert(id.clone(), object);
    }

    /// Changes an object that has no behaviour of its own; nothing where there is none.
    pub(crate) fn change(&mut self, id: &Id, change: impl FnOnce(&mut Value)) {
        if let Some(mut object) = self.others.get(id).cloned() {
            change(&mut object);
            self.put(id, object);
        }
    }

    /// Deletes an object that has no behaviour of its own.
    pub(crate) fn delete(&mut self, id: &Id) {
        if let Some(mut object) = self.others.remove(id) {
            object["metadata"]["resourceVersion"] = json!(self.next_version());
            self.notice(Source::Objects, Notice::Deleted, &object, 100);
        }
    }

    /// The uid of an object that has no behaviour of its own.
    pub(crate) fn uid_of(&self, id: &Id) -> String {
        self.others.get(id).and_then(|object| object["metadata"]["uid"].as_str()).unwrap_or_default().to_owned()
    }

    /// Whether an object that has no behaviour of its own is there.
    pub(crate) fn has(&self, kind: &str, namespace: &str, name: &str) -> bool {
        self.others.contains_key(&Id::new(kind, namespace, name))
    }
}
