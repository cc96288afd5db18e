//! References to objects that do not exist, or that lack the key that is wanted of them.

use super::{Estate, Finding};
use crate::asks::Asks;
use bellbuoy_core::object::Entity;
use bellbuoy_core::report::Reference;
use bellbuoy_core::sign::{KEY_MISSING, REFERENCE_MISSING};

/// Kinds that are referred to and have no namespace.
const CLUSTER_SCOPED: [&str; 5] = ["StorageClass", "PersistentVolume", "PriorityClass", "RuntimeClass", "Node"];

/// Names that controllers fill in everywhere, and that slimmed dumps leave out.
const EVERYWHERE: [(&str, &str); 4] = [
    ("ServiceAccount", "default"),
    ("ConfigMap", "kube-root-ca.crt"),
    ("PriorityClass", "system-node-critical"),
    ("PriorityClass", "system-cluster-critical"),
];

impl Estate<'_> {
    /// Objects that are needed and absent.
    pub(super) fn missing_references(&self, name: &Entity, asks: &Asks, found: &mut Vec<Finding>) {
        for wanted in asks.references.iter().filter(|wanted| !wanted.optional) {
            if EVERYWHERE.contains(&(&*wanted.kind, &*wanted.name)) {
                continue;
            }
            let namespace = if CLUSTER_SCOPED.contains(&&*wanted.kind) { "" } else { &*name.namespace };
            match self.exists(&wanted.kind, namespace, &wanted.name) {
                true => found.extend(self.missing_key(name, namespace, wanted, asks)),
                false => found.extend(self.missing_object(namespace, wanted, asks)),
            }
        }
    }

    fn missing_object(&self, namespace: &str, wanted: &Reference, asks: &Asks) -> Option<Finding> {
        let Reference { kind, name, .. } = wanted;
        if !self.covers(kind, namespace) {
            return None;
        }
        let message = format!("{kind} {name:?} does not exist");
        let mut finding = Finding::new(REFERENCE_MISSING, message, asks);
        finding.has_gone = self.was_there(kind, namespace, name);
        finding.names = Some(Entity::new(kind, namespace, name));
        Some(finding)
    }

    fn missing_key(&self, name: &Entity, namespace: &str, wanted: &Reference, asks: &Asks) -> Option<Finding> {
        if wanted.key.is_empty() {
            return None;
        }
        let referred = Entity::new(&wanted.kind, namespace, &wanted.name);
        let offered = self.asking.of(self.topology.names.get(&referred)?)?;
        // Keys that were not told are not missing.
        if offered.keys.is_empty() || offered.keys.contains(&wanted.key) {
            return None;
        }
        let near = offered.keys.iter().take(5).map(|key| &**key).collect::<Vec<_>>().join(", ");
        let message = format!("{referred} has no key {:?} that {} wants; it has {near}", wanted.key, name.name);
        let mut finding = Finding::new(KEY_MISSING, message, asks);
        finding.evidence.push(offered.evidence);
        finding.names = Some(referred);
        Some(finding)
    }
}
