//! Contradictions: two objects beside each other that cannot both be right.
//!
//! A contradiction that hurts nobody is a note. One that explains a symptom becomes its cause.

mod addresses;
mod backends;
mod policies;
mod probes;
mod references;
mod services;
mod storage;

use crate::asks::{Asking, Asks, WORKLOADS};
use crate::topology::Topology;
use bellbuoy_core::incident::Evidence;
use bellbuoy_core::intern::EntityId;
use bellbuoy_core::object::Entity;
use bellbuoy_core::rules::Relation;

/// One contradiction at an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    /// One of [`bellbuoy_core::sign`].
    pub sign: &'static str,
    /// What contradicts what.
    pub message: String,
    /// The object that is missing or exhausted, which is the cause then.
    pub names: Option<Entity>,
    /// What it shares with what it may hurt.
    pub hubs: Vec<(Relation, EntityId)>,
    /// The facts that contradict each other.
    pub evidence: Vec<Evidence>,
    /// Whether the other side was there once and has gone, so that it began when that was seen.
    pub has_gone: bool,
}

impl Finding {
    fn new(sign: &'static str, message: String, asks: &Asks) -> Self {
        let evidence = vec![asks.evidence];
        Self { sign, message, names: None, hubs: Vec::new(), evidence, has_gone: false }
    }
}

/// What contradictions are read from.
pub(crate) struct Estate<'a> {
    pub topology: &'a Topology,
    pub asking: &'a Asking,
}

impl Estate<'_> {
    /// The contradictions at an object.
    pub(crate) fn contradictions(&self, id: EntityId) -> Vec<Finding> {
        let (Some(name), Some(asks)) = (self.topology.names.peek(id), self.asking.of(id)) else { return Vec::new() };
        let mut found = Vec::new();
        match &*name.kind {
            "Service" => self.at_service(id, name, asks, &mut found),
            "PersistentVolumeClaim" => self.at_claim(name, asks, &mut found),
            "NetworkPolicy" => self.at_policy(name, asks, &mut found),
            "HorizontalPodAutoscaler" => self.missing_references(name, asks, &mut found),
            "Ingress"
            | "HTTPRoute"
            | "GRPCRoute"
            | "TLSRoute"
            | "TCPRoute"
            | "VirtualService"
            | "ValidatingWebhookConfiguration"
            | "MutatingWebhookConfiguration"
            | "APIService" => {
                self.at_sender(asks, &mut found);
            }
            "Pod" | "Workload" => self.at_workload(id, name, asks, &mut found),
            kind if WORKLOADS.contains(&kind) => self.at_workload(id, name, asks, &mut found),
            _ => {}
        }
        found
    }

    fn at_workload(&self, id: EntityId, name: &Entity, asks: &Asks, found: &mut Vec<Finding>) {
        if self.desired(id) == Some(0) {
            self.at_nothing(id, name, asks, found);
            return;
        }
        self.missing_references(name, asks, found);
        self.at_probes(asks, found);
        self.at_addresses(name, asks, found);
    }

    /// How many replicas a workload should have, where that is known.
    fn desired(&self, id: EntityId) -> Option<u32> {
        Some(self.topology.object(id).filter(|row| !row.is_gone)?.replicas?.desired)
    }

    /// Whether all of a workload's replicas are ready, of its newest revision.
    pub(crate) fn is_complete(&self, id: EntityId) -> bool {
        let Some(row) = self.topology.object(id) else { return false };
        match row.replicas {
            Some(replicas) => {
                replicas.desired > 0 && replicas.ready >= replicas.desired && replicas.updated >= replicas.desired
            }
            None => row.is_ready,
        }
    }

    /// Whether an object of a kind would be known if it were there: its kind has been seen in this place, or in so many
    /// places that the whole cluster was looked at.
    fn covers(&self, kind: &str, namespace: &str) -> bool {
        self.topology.has_seen(kind, namespace)
    }

    fn exists(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let id = self.topology.names.get(&Entity::new(kind, namespace, name));
        id.and_then(|id| self.topology.object(id)).is_some_and(|row| row.has_state && !row.is_gone)
    }

    /// Whether an object was there once and is gone.
    fn was_there(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let id = self.topology.names.get(&Entity::new(kind, namespace, name));
        id.and_then(|id| self.topology.object(id)).is_some_and(|row| row.has_state && row.is_gone)
    }
}
