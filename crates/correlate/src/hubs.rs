//! What episodes share with others, as the topology of their moment has it: that is what explanations go by.

use crate::edges::Edge;
use crate::episode::{Episode, HUBS_MAX};
use crate::turn::{Report, Turn};
use bellbuoy_core::fact::Source;
use bellbuoy_core::intern::EntityId;
use bellbuoy_core::object::Entity;
use bellbuoy_core::rules::Relation;
use bellbuoy_core::severity::Severity;

/// The kind of what stands for leaning on a component.
pub(crate) const LEANING: &str = "Leaning";

/// The kind of a whole cluster.
pub(crate) const CLUSTER: &str = "Cluster";

/// What is shared by causes that speak of one part of the cluster by themselves, and by what may follow from them.
pub(crate) const ANY_COMPONENT: &str = "";

impl Turn<'_, '_> {
    /// Adds what an episode shares with others, as the topology of this moment has it.
    pub(crate) fn add_hubs(
        &mut self,
        episode: &mut Episode,
        report: &Report<'_>,
        first_on: Option<EntityId>,
        speaks_anew: bool,
    ) {
        let topology = &self.state.topology;
        let mut hubs = report.hubs.clone();
        if let Some(row) = topology.object(report.object) {
            hubs.extend(row.node.map(|node| (Relation::Node, node)));
            hubs.extend(row.images.iter().map(|image| (Relation::Image, *image)));
            hubs.extend(row.references.iter().map(|needed| (Relation::Reference, *needed)));
            hubs.extend(topology.services_of(report.object).into_iter().map(|s| (Relation::ServiceBackend, s)));
        }
        let asker = self.state.topology.asker_of(report.object);
        hubs.extend(self.state.asking.calls_of(asker).iter().map(|service| (Relation::Call, *service)));
        if speaks_anew {
            hubs.extend(self.leans_on(report));
            hubs.extend(self.served_by_sidecars(report));
        }
        hubs.extend(self.beside(report));
        hubs.extend(self.within(report));
        if let Some(entity) = first_on.and_then(|entity| self.state.topology.names.peek(entity))
            && let Some(component) = self.catalogue.component_of(entity)
        {
            let (part, severity) = (component_id(&component.name), component.severity);
            episode.component = component.name.clone();
            hubs.insert(0, (Relation::Cluster, self.state.topology.names.intern(&part)));
            if episode.severity < Severity::P5 {
                episode.severity = episode.severity.min(severity);
            }
        }
        let is_any = |rule: &Edge| rule.relation == Relation::Cluster && rule.components.is_empty();
        if first_on.is_some() && self.catalogue.effects_of(&report.code).any(is_any) {
            hubs.push((Relation::Cluster, self.state.topology.names.intern(&component_id(ANY_COMPONENT))));
        }
        hubs.extend(self.somewhere(report, &hubs));
        if self.catalogue.causes_of(&report.code).any(|rule| rule.relation == Relation::Cluster && rule.infer) {
            let cluster = self.ctx.scope().0.clone();
            hubs.push((Relation::Cluster, self.state.topology.names.intern_parts(CLUSTER, "", &cluster)));
        }
        if let Some(named) = &report.names {
            let named = self.state.topology.names.intern(named);
            let hub = (Relation::Reference, named);
            episode.named = Some(named);
            episode.hubs.retain(|known| *known != hub);
            episode.hubs.insert(0, hub);
            episode.hubs.truncate(HUBS_MAX);
        }
        hubs.into_iter().for_each(|hub| episode.share(hub));
    }

    /// Components that a report's message speaks of, as causal rules read it.
    fn leans_on(&mut self, report: &Report<'_>) -> Vec<(Relation, EntityId)> {
        let catalogue = self.catalogue.clone();
        let rules = catalogue.causes_of(&report.code).filter(|rule| rule.relation == Relation::Cluster);
        let mut parts: Vec<&str> = Vec::new();
        for rule in rules.filter(|rule| rule.takes(report.message)) {
            match rule.components.is_empty() {
                true => parts.push(ANY_COMPONENT),
                false => parts.extend(rule.components.iter().map(|name| &**name)),
            }
        }
        parts.sort_unstable();
        parts.dedup();
        parts.into_iter().map(|name| (Relation::Cluster, self.state.topology.names.intern(&leaning_on(name)))).collect()
    }

    /// The namespace, for signals that a causal rule joins by it, where nothing tells what the object needs.
    fn beside(&mut self, report: &Report<'_>) -> Option<(Relation, EntityId)> {
        let is_known = self.state.topology.object(report.object).is_some_and(|row| row.has_state);
        if is_known && report.source != Source::Alerts || !self.catalogue.joins_by_namespace(&report.code) {
            return None;
        }
        let name = self.state.topology.names.peek(report.object)?;
        let namespace = Entity::new("Namespace", "", &name.namespace);
        let is_one = !name.namespace.is_empty();
        is_one.then(|| (Relation::Namespace, self.state.topology.names.intern(&namespace)))
    }

    /// Components whose sidecars an object runs, for signals that a causal rule joins by them.
    fn served_by_sidecars(&mut self, report: &Report<'_>) -> Vec<(Relation, EntityId)> {
        if !self.catalogue.causes_of(&report.code).any(|rule| rule.relation == Relation::Sidecar) {
            return Vec::new();
        }
        let catalogue = self.catalogue.clone();
        let names = &self.state.topology.names;
        let row = self.state.topology.object(report.object);
        let images = row.into_iter().flat_map(|row| &row.images).filter_map(|image| names.peek(*image));
        let mut parts: Vec<&str> =
            images.flat_map(|image| catalogue.served_by(&image.name)).map(|component| &*component.name).collect();
        parts.sort_unstable();
        parts.dedup();
        let parts: Vec<_> = parts.into_iter().map(component_id).collect();
        parts.iter().map(|part| (Relation::Sidecar, self.state.topology.names.intern(part))).collect()
    }

    /// The namespace that an object is in, for signals from which something follows for all of it.
    fn within(&mut self, report: &Report<'_>) -> Option<(Relation, EntityId)> {
        if !self.catalogue.effects_of(&report.code).any(|rule| rule.relation == Relation::Within) {
            return None;
        }
        let names = &mut self.state.topology.names;
        let namespace = names.peek(report.object)?.namespace.clone();
        (!namespace.is_empty()).then(|| (Relation::Within, names.intern_parts("Namespace", "", &namespace)))
    }

    /// What nodes have in common, and what runs nobody knows where, for signals that a causal rule joins by it.
    fn somewhere(&mut self, report: &Report<'_>, hubs: &[(Relation, EntityId)]) -> Option<(Relation, EntityId)> {
        let name = self.state.topology.names.peek(report.object)?;
        let is_placed = hubs.iter().any(|(relation, _)| *relation == Relation::Node);
        let joins = |rule: &Edge| rule.relation == Relation::SomeNode;
        let has_state = || self.state.topology.object(report.object).is_some_and(|row| row.has_state);
        let hub = match &*name.kind {
            "Node" if self.catalogue.effects_of(&report.code).any(joins) => some_node(),
            "Node" => return None,
            _ if !is_placed && self.catalogue.causes_of(&report.code).any(joins) && !has_state() => somewhere(),
            _ => return None,
        };
        Some((Relation::SomeNode, self.state.topology.names.intern(&hub)))
    }
}

/// What stands for leaning on a component among the things that episodes share. What goes on at the component itself is
/// found by another name, because there is little of it.
pub(crate) fn leaning_on(name: &str) -> Entity {
    Entity::new(LEANING, "", name)
}

/// What nodes share with each other, of which any may be the one that runs what nobody knows the place of.
pub(crate) fn some_node() -> Entity {
    Entity::new("Node", "", "")
}

/// What everything shares that runs nobody knows where.
pub(crate) fn somewhere() -> Entity {
    Entity::new("Pod", "", "")
}

/// What stands for a component among the things that episodes share.
pub(crate) fn component_id(name: &str) -> Entity {
    Entity::new("Component", "", name)
}
