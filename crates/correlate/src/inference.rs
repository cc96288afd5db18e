//! Causes that nobody reports: what a message names, and what enough others show through one shared thing.

use crate::edges::Edge;
use crate::episode::{self, Episode, EpisodeKey, Standing};
use crate::explanation::{EFFECTS_MAX, SAME_ENTITY_STRENGTH};
use crate::hubs::{CLUSTER, LEANING};
use crate::turn::Turn;
use bellbuoy_core::incident::NAMED;
use bellbuoy_core::intern::EntityId;
use bellbuoy_core::object::Entity;
use bellbuoy_core::rules::{Relation, Role};
use bellbuoy_core::severity::Severity;
use std::collections::BTreeSet;

/// What an edge to an object that a message names is worth: more than any causal rule, for nothing is more specific.
const NAMED_STRENGTH: i32 = 1_000;
/// Users of a shared thing that are asked whether they stand healthy.
const CONTRAST_MAX: usize = 1_000;

impl Turn<'_, '_> {
    /// An object that the message names as missing or exhausted is the cause; what reported it is affected.
    pub(crate) fn name_cause(&mut self, key: EpisodeKey) {
        let Some(episode) = self.state.episodes.get(&key).cloned() else { return };
        let Some(hub) = episode.named.filter(|_| !episode.inferred) else { return };
        let cause = EpisodeKey { entity: hub, signal: key.signal };
        if cause == key || self.is_symptom_of_its_own(key) {
            return;
        }
        self.ensure_inferred(cause, &episode);
        let edge = episode::Edge { cause, rule: NAMED.into(), relation: Relation::Reference, strength: NAMED_STRENGTH };
        let Some(leaving) = self.attach(key, edge) else { return };
        self.open(cause);
        self.settle(leaving, cause);
    }

    /// Whether a mere symptom follows from what its entity itself suffers from: what it names is at no fault then.
    fn is_symptom_of_its_own(&self, key: EpisodeKey) -> bool {
        let rule = self.catalogue.rule(self.state.peek_code(key.signal));
        let is_symptom = rule.is_some_and(|rule| rule.role == Role::Symptom);
        let edge = self.best_edge(key, Episode::is_live).filter(|_| is_symptom);
        edge.is_some_and(|edge| edge.cause.entity == key.entity && edge.strength > SAME_ENTITY_STRENGTH)
    }

    /// Infers a cause at a shared thing when enough owners show the effect through it, and most of what uses it does.
    pub(crate) fn infer_causes(&mut self, key: EpisodeKey) -> Vec<EpisodeKey> {
        let mut inferred = Vec::new();
        let Some(episode) = self.state.episodes.get(&key).cloned() else { return inferred };
        let code = self.state.code(key.signal);
        let catalogue = self.catalogue.clone();
        for rule in catalogue.causes_of(&code).filter(|rule| rule.infer && rule.takes(&episode.message)) {
            let Some(first) = rule.causes.first() else { continue };
            let infer_from = if rule.infer_from > 0 { rule.infer_from } else { self.limits().infer_from } as usize;
            for (_, hub) in episode.hubs.iter().filter(|(relation, _)| *relation == rule.relation) {
                if rule.relation == Relation::Cluster && !self.is_whole_cluster(*hub) {
                    continue;
                }
                let signal = self.state.signal(first);
                let cause = EpisodeKey { entity: *hub, signal };
                if self.state.episodes.get(&cause).is_some_and(Episode::is_live) {
                    continue;
                }
                let together = rule.delay_max.max(rule.lead_max);
                // What was inferred from others says nothing that they have not said.
                let is_open = |at: &EpisodeKey| {
                    let row = self.state.episodes.get(at).filter(|_| rule.has_effect(self.state.peek_code(at.signal)));
                    let began = |row: &Episode| row.began.from.since(episode.began.from).0.unsigned_abs();
                    row.is_some_and(|row| {
                        row.standing == Standing::Open
                            && !row.inferred
                            && began(row) <= together.0.unsigned_abs()
                            && at.entity != *hub
                    })
                };
                let sharing = self.state.sharing(*hub, rule.relation).take(EFFECTS_MAX);
                let mut owners = BTreeSet::new();
                let mut nodes = BTreeSet::new();
                for at in sharing.filter(is_open) {
                    nodes.extend(self.nodes_of(at));
                    // The pods of one component are one owner, whatever each of them is called.
                    let component = self.state.episodes.get(&at).map(|row| row.component.clone()).unwrap_or_default();
                    let owner = if component.is_empty() { at.entity } else { EntityId::default() };
                    owners.insert((component, owner));
                    if owners.len() >= infer_from && nodes.len() > 1 {
                        break;
                    }
                }
                // What shows on one node only is that node's matter.
                let is_spread = rule.relation != Relation::Cluster || nodes.len() > 1;
                let enough = owners.len() >= infer_from && is_spread;
                if enough && self.is_mostly_failing(*hub, rule) {
                    self.ensure_inferred(cause, &episode);
                    inferred.push(cause);
                }
            }
        }
        inferred
    }

    pub(crate) fn is_whole_cluster(&self, hub: EntityId) -> bool {
        self.state.topology.names.peek(hub).is_some_and(|name| &*name.kind == CLUSTER)
    }

    fn nodes_of(&self, key: EpisodeKey) -> impl Iterator<Item = EntityId> + '_ {
        let hubs = self.state.episodes.get(&key).into_iter().flat_map(|row| row.hubs.iter());
        let itself = self.state.topology.names.peek(key.entity).filter(|name| &*name.kind == "Node");
        hubs.filter(|(relation, _)| *relation == Relation::Node)
            .map(|(_, node)| *node)
            .chain(itself.map(|_| key.entity))
    }

    /// Contrast: most of what uses a shared thing shows the effect. What stands healthy under it speaks against it: for
    /// an image at any time, because an image does not break by itself, and many workloads run one base image, each with
    /// a command of its own, so that one of them clears it; for a node or a registry if it became ready after the trouble
    /// began, because what runs already needs neither.
    fn is_mostly_failing(&self, hub: EntityId, rule: &Edge) -> bool {
        let sharing = || {
            let shows = |at: &EpisodeKey| rule.has_effect(self.state.peek_code(at.signal));
            self.state.sharing(hub, rule.relation).filter(shows).take(CONTRAST_MAX)
        };
        let onset = sharing().filter_map(|at| Some(self.state.episodes.get(&at)?.began.from)).min();
        let onset = onset.unwrap_or(self.now);
        let mut healthy = BTreeSet::new();
        for object in self.state.topology.linked_to(hub).take(CONTRAST_MAX) {
            let Some(row) = self.state.topology.object(object) else { continue };
            let speaks = rule.relation == Relation::Image || row.ready_since.is_some_and(|since| since > onset);
            if row.is_ready && speaks {
                healthy.insert(row.owner.unwrap_or(object));
            }
        }
        if rule.relation == Relation::Image && !healthy.is_empty() {
            return false;
        }
        let mut failing = BTreeSet::new();
        for at in sharing() {
            failing.insert(at.entity);
            if failing.len() > healthy.len() {
                return true;
            }
        }
        false
    }

    /// Makes an episode that stands on what others show.
    fn ensure_inferred(&mut self, key: EpisodeKey, from: &Episode) {
        if self.state.episodes.get(&key).is_some_and(|row| row.is_live()) {
            return;
        }
        if let Some(old) = self.state.episodes.get(&key).cloned() {
            let revived =
                Episode { standing: Standing::Pending, ended_at: None, inferred: true, began: from.began, ..old };
            self.state.timers.clear(&crate::state::Timer::Purge(key));
            self.state.put_episode(key, revived);
            return;
        }
        let entity = self.state.topology.names.name(key.entity);
        let component = self.catalogue.component_of(&entity);
        let rule = self.catalogue.rule(&self.state.code(key.signal));
        let severity = rule.map_or(Severity::P5, |rule| rule.severity);
        // What a message names leans on what the message speaks of; what no namespace has is missed on a node; and what
        // holds for the whole cluster holds for its parts.
        let is_of_node = entity.namespace.is_empty() && from.named == Some(key.entity);
        let is_hub = |name: &Entity| matches!(&*name.kind, LEANING | CLUSTER);
        let hubs = from.hubs.iter().filter(|(relation, hub)| match relation {
            Relation::Cluster => *hub != key.entity && self.state.topology.names.peek(*hub).is_some_and(is_hub),
            Relation::Node => is_of_node,
            _ => false,
        });
        let inferred = Episode {
            began: from.began,
            last_seen: from.last_seen,
            last_claimed: from.last_claimed,
            severity: severity.min(from.severity),
            message: from.message.clone(),
            evidence: from.evidence.clone(),
            late: from.late,
            inferred: true,
            component: component.map_or_else(|| "".into(), |component| component.name.clone()),
            sources: from.sources.clone(),
            hubs: hubs.copied().collect(),
            ..Episode::default()
        };
        self.state.put_episode(key, inferred);
    }
}
