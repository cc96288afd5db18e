//! The tree of explanations: which episode follows from which, and which causes are inferred.

use crate::edges::Edge;
use crate::episode::{self, Episode, EpisodeKey, Standing};
use crate::hubs::{ANY_COMPONENT, LEANING, component_id, leaning_on, some_node, somewhere};
use crate::splits::Leaving;
use crate::state::SOME_OBJECTS;
use crate::turn::Turn;
use crate::workload::WORKLOAD;
use bellbuoy_core::Text;
use bellbuoy_core::incident::Change;
use bellbuoy_core::intern::EntityId;
use bellbuoy_core::rules::{Class, Relation, Role};
use bellbuoy_core::severity::Severity;
use bellbuoy_core::time::{Span, Time};
use std::cmp::Reverse;

/// The rule that joins signals of one entity where no causal rule does.
pub(crate) const SAME_ENTITY: &str = "same-entity";
/// What an edge between signals of one entity is worth: less than any causal rule.
pub(crate) const SAME_ENTITY_STRENGTH: i32 = 1;
/// What an edge must be worth for an effect to join its cause before it has lasted. A vague rule foresees nothing.
const FORESEEN_STRENGTH: i32 = 40;
/// How deep an explanation may go: node → workload → Service → caller → its callers, each of them two or three signals
/// deep, and chains of eight callers are known.
pub(crate) const DEPTH_MAX: usize = 24;
/// Live episodes looked at per shared thing when a cause looks for its effects; more join when they report again.
pub(crate) const EFFECTS_MAX: usize = 100_000;

/// For how long an agent must fail on a node before anything follows from it: a new version takes half a minute to be
/// ready, on one node after another. What it hurts meanwhile joins when it has failed for longer.
const AGENT_STARTS: Span = Span::from_secs(60);

/// Whether a cause's entity belongs to one of the components that a rule names, if it names any.
fn is_of_component(cause: &Episode, rule: &Edge) -> bool {
    rule.components.is_empty() || rule.components.contains(&cause.component)
}

/// Whether an episode is a note by itself: it opens no incident that anybody need look at.
fn is_note(episode: &Episode) -> bool {
    episode.severity == Severity::P5
}

impl Turn<'_, '_> {
    /// Whether an open cause explains a pending episode: then it joins at once, for it opens nothing by itself. What is
    /// better explained by something that is no more than suspected waits with it.
    pub(crate) fn is_foreseen(&self, key: EpisodeKey) -> bool {
        let edge = self.best_edge(key, |cause| !is_note(cause)).filter(|edge| edge.strength >= FORESEEN_STRENGTH);
        let cause = edge.and_then(|edge| self.state.episodes.get(&edge.cause));
        cause.is_some_and(|cause| cause.standing == Standing::Open)
    }

    /// What would explain a pending episode if it opened now.
    pub(crate) fn likely_cause(&self, key: EpisodeKey) -> Option<EpisodeKey> {
        self.best_edge(key, Episode::is_live).map(|edge| edge.cause)
    }

    /// Opens an episode: finds what explains it, what it explains, and its incident.
    pub(crate) fn open(&mut self, key: EpisodeKey) {
        let Some(mut episode) = self.state.episodes.get(&key).cloned() else { return };
        if episode.standing == Standing::Open {
            return;
        }
        episode.standing = Standing::Open;
        episode.is_ripe = false;
        episode.healing_since = None;
        self.state.put_episode(key, episode);
        self.state.timers.clear(&crate::state::Timer::Open(key));
        self.state.timers.clear(&crate::state::Timer::Purge(key));
        self.refresh_services(key);
        self.name_cause(key);
        let inferred = self.infer_causes(key);
        self.explain(key);
        for cause in inferred {
            let is_pending = self.state.episodes.get(&cause).is_some_and(|row| row.standing == Standing::Pending);
            if is_pending && self.state.explained_by(cause).next().is_none() {
                self.state.remove_episode(cause);
            }
        }
        self.enrol(key);
        self.adopt(key);
    }

    /// Finds the best explanation of an open episode, if it is better than the one that it has.
    pub(crate) fn explain(&mut self, key: EpisodeKey) {
        let Some(edge) = self.best_edge(key, Episode::is_live) else { return };
        if !self.is_better(key, (edge.cause, edge.strength)) {
            return;
        }
        let cause = edge.cause;
        let row = |key| self.state.episodes.get(&key);
        if row(key).is_some_and(is_note) && row(cause).is_some_and(|cause| cause.standing == Standing::Pending) {
            // What hurts nobody makes no suspicion more than that.
            return;
        }
        let Some(leaving) = self.attach(key, edge) else { return };
        // A cause that hurts something is more than a suspicion.
        self.open(cause);
        self.settle(leaving, cause);
        // It may have had to go back to an incident of its own first.
        let incident = |at| self.state.episodes.get(&at).filter(|row| row.is_live()).and_then(|row| row.incident);
        if let (Some(a), Some(b)) = (incident(key), incident(cause)) {
            self.merge_live(a, b);
        }
    }

    /// Services may have been seen after the pods that stand behind them.
    fn refresh_services(&mut self, key: EpisodeKey) {
        let mut services = Vec::new();
        for object in self.state.some_objects_of(key) {
            services.extend(self.state.topology.services_of(object));
        }
        let Some(mut episode) = self.state.episodes.get(&key).cloned() else { return };
        let known = episode.hubs.len();
        services.into_iter().for_each(|service| episode.share((Relation::ServiceBackend, service)));
        if episode.hubs.len() > known {
            self.state.put_episode(key, episode);
        }
    }

    /// Writes an edge, and joins the incidents on its two sides, unless they are known to be two. What leaves its incident
    /// for the cause's is returned: it settles there when the cause has an incident.
    pub(crate) fn attach(&mut self, key: EpisodeKey, edge: episode::Edge) -> Option<Leaving> {
        let cause = edge.cause;
        let mut episode = self.state.episodes.get(&key).cloned()?;
        let other = self.state.episodes.get(&cause).and_then(|cause| cause.incident);
        let leaving = self.leaving(key, &episode, cause);
        if leaving.is_empty() && !self.let_join(key, edge.strength, (episode.incident, other)) {
            return None;
        }
        let former = episode.explained_by.replace(edge).map(|edge| edge.cause).filter(|former| *former != cause);
        let incident = episode.incident;
        self.state.put_episode(key, episode);
        match (incident, other) {
            _ if !leaving.is_empty() => {}
            (Some(a), Some(b)) if a != b => self.merge_live(a, b),
            // Whether another cause comes first now is seen when the record is made.
            (Some(a), Some(_)) => self.change_case(a, Change::Grew),
            _ => {}
        }
        if let Some(former) = former.filter(|_| leaving.is_empty()) {
            self.end_if_inferred(former);
        }
        Some(leaving)
    }

    /// The best admissible edge to an episode: strongest rule, then the cause that began first, then by name.
    pub(crate) fn best_edge(&self, key: EpisodeKey, admits: impl Fn(&Episode) -> bool) -> Option<episode::Edge> {
        let episode = self.state.episodes.get(&key)?;
        let code = self.state.code(key.signal);
        let mut best: Option<(bool, Reverse<i32>, Time, String, episode::Edge)> = None;
        let mut offer = |cause: EpisodeKey, rule: &str, relation: Relation, strength: i32, row: &Episode| {
            let name = self.state.topology.names.name(cause.entity).to_string();
            // What the entity itself suffers from comes first: what that follows from is asked of it.
            let is_elsewhere = !self.is_own(key, cause, row, strength);
            let edge = episode::Edge { cause, rule: rule.into(), relation, strength };
            let offered = (is_elsewhere, Reverse(strength), row.began.from, name, edge);
            if best
                .as_ref()
                .is_none_or(|best| (offered.0, &offered.1, offered.2, &offered.3) < (best.0, &best.1, best.2, &best.3))
            {
                best = Some(offered);
            }
        };
        for rule in self.catalogue.causes_of(&code) {
            let candidates = self.candidates(key, episode, rule);
            if candidates.is_empty() || !rule.takes(&episode.message) {
                continue;
            }
            // That everything leans on a part of the cluster tells nothing about that part itself.
            let is_elsewhere = |cause: &EpisodeKey| rule.relation != Relation::Cluster || cause.entity != key.entity;
            for cause in candidates.into_iter().filter(is_elsewhere) {
                let Some(row) = self.state.episodes.get(&cause).filter(|row| row.is_live() && admits(row)) else {
                    continue;
                };
                if self.is_in_time(row, episode, rule) && !self.follows_from(cause, key) {
                    offer(cause, &rule.name, rule.relation, rule.strength, row);
                }
            }
        }
        for cause in self.state.on_entity(key.entity) {
            let Some(row) =
                self.state.episodes.get(&cause).filter(|row| cause != key && row.standing == Standing::Open)
            else {
                continue;
            };
            // A note explains what a rule says it does, and nothing merely because it stands on the same entity.
            if is_note(row) || is_note(episode) {
                continue;
            }
            let is_deeper = self.depth_of(cause, row) < self.depth_of(key, episode);
            if is_deeper && admits(row) && !self.follows_from(cause, key) {
                offer(cause, SAME_ENTITY, Relation::Same, SAME_ENTITY_STRENGTH, row);
            }
        }
        best.map(|(_, _, _, _, edge)| edge)
    }

    /// Whether a cause is what the entity itself suffers from, by a rule: while it does, nothing from elsewhere explains
    /// what follows from that.
    fn is_own(&self, key: EpisodeKey, cause: EpisodeKey, row: &Episode, strength: i32) -> bool {
        let suffers = row.standing == Standing::Open && row.failing > 0 && !is_note(row);
        cause.entity == key.entity && strength > SAME_ENTITY_STRENGTH && suffers
    }

    /// Whether an edge is worth more than the one that an episode has.
    fn is_better(&self, key: EpisodeKey, edge: (EpisodeKey, i32)) -> bool {
        let has = self.state.episodes.get(&key).and_then(|episode| episode.explained_by.as_ref());
        let Some(has) = has else { return true };
        let is_own = |(cause, strength): (EpisodeKey, i32)| {
            self.state.episodes.get(&cause).is_some_and(|row| self.is_own(key, cause, row, strength))
        };
        (is_own(edge), edge.1) > (is_own((has.cause, has.strength)), has.strength)
    }

    /// Among signals of one entity the cause comes first, then what began first.
    fn depth_of(&self, key: EpisodeKey, episode: &Episode) -> (u8, Time, Text) {
        let code = self.state.code(key.signal);
        let rule = self.catalogue.rule(&code);
        let role = match rule.map(|rule| rule.role) {
            Some(Role::Cause) => 0,
            Some(Role::Both) => 1,
            _ => 2,
        };
        (role, episode.began.from, code)
    }

    /// Episodes from which a signal may follow by a rule.
    fn candidates(&self, key: EpisodeKey, episode: &Episode, rule: &Edge) -> Vec<EpisodeKey> {
        let through = |hub: EntityId, relation: Relation| self.state.sharing(hub, relation);
        let on = |entity: EntityId| self.state.sharing(entity, Relation::Same);
        let hubs = |relation: Relation| {
            episode.hubs.iter().filter(move |(shared, _)| *shared == relation).map(|(_, hub)| *hub)
        };
        let found: Vec<EpisodeKey> = match rule.relation {
            Relation::Same => on(key.entity).collect(),
            Relation::ServiceBackend => through(key.entity, Relation::ServiceBackend).collect(),
            Relation::Referrer => through(key.entity, Relation::Reference).collect(),
            Relation::Call => {
                hubs(Relation::Call).flat_map(|to| on(to).chain(through(to, Relation::ServiceBackend))).collect()
            }
            // What a node says of itself may follow from its own agents.
            Relation::NodeAgent => self.agents(rule, hubs(Relation::Node).chain([key.entity]).collect(), episode),
            Relation::Cluster => {
                let whole = hubs(Relation::Cluster).filter(|hub| self.is_whole_cluster(*hub)).flat_map(on);
                match rule.infer {
                    // What is inferred of a cluster is its own matter, and not one part's at another.
                    true => whole.collect(),
                    false => whole.chain(self.components_of(rule, hubs(Relation::Cluster))).collect(),
                }
            }
            Relation::SomeNode => {
                let nodes =
                    self.state.topology.names.get(&some_node()).filter(|_| hubs(Relation::SomeNode).count() > 0);
                nodes.into_iter().flat_map(|nodes| self.state.sharing(nodes, Relation::SomeNode)).collect()
            }
            Relation::Within => through(key.entity, Relation::Within).collect(),
            Relation::Sidecar => hubs(Relation::Sidecar).flat_map(|part| through(part, Relation::Cluster)).collect(),
            Relation::Namespace => {
                hubs(Relation::Namespace).flat_map(|at| on(at).chain(through(at, Relation::Namespace))).collect()
            }
            relation => hubs(relation).flat_map(on).collect(),
        };
        let is_there = |cause: &EpisodeKey| {
            let is_one = *cause != key && rule.has_cause(self.state.peek_code(cause.signal));
            let row = self.state.episodes.get(cause).filter(|_| is_one);
            let is_of_rule = row.is_some_and(|row| is_of_component(row, rule) && self.hurts(*cause, key, rule));
            // Of a workload on many nodes it is the pods on this one that suffer.
            is_of_rule && (rule.relation != Relation::Node || self.fails_on(key, cause.entity, Time::MAX))
        };
        found.into_iter().filter(is_there).collect()
    }

    /// What goes on at the components that an effect leans on and that a rule names.
    fn components_of(&self, rule: &Edge, hubs: impl Iterator<Item = EntityId>) -> Vec<EpisodeKey> {
        let names = &self.state.topology.names;
        let leans =
            |hub: &EntityId| names.peek(*hub).filter(|name| &*name.kind == LEANING).map(|name| name.name.clone());
        let is_named = |part: &Text| match rule.components.is_empty() {
            true => &**part == ANY_COMPONENT,
            false => rule.components.contains(part),
        };
        let parts = hubs.filter_map(|hub| leans(&hub)).filter(is_named);
        let parts = parts.filter_map(|part| names.get(&component_id(&part)));
        parts.flat_map(|part| self.state.sharing(part, Relation::Cluster)).collect()
    }

    /// What goes on at the agents of some nodes, and at the nodes. Components are few, and what runs on a node is not.
    fn agents(&self, rule: &Edge, nodes: Vec<EntityId>, effect: &Episode) -> Vec<EpisodeKey> {
        let until = (effect.began.to + rule.lead_max).min(self.now - AGENT_STARTS);
        let mut found: Vec<_> = nodes.iter().flat_map(|node| self.state.sharing(*node, Relation::Same)).collect();
        for name in &rule.components {
            let Some(part) = self.state.topology.names.get(&component_id(name)) else { continue };
            found.extend(self.state.sharing(part, Relation::Cluster).filter(|agent| {
                let row = self.state.episodes.get(agent);
                let speaks_of = |node: &EntityId| row.is_some_and(|row| row.hubs.contains(&(Relation::Node, *node)));
                nodes.iter().any(|node| speaks_of(node) && self.fails_on(*agent, *node, until))
            }));
        }
        found
    }

    /// Whether what fails of a workload fails on a node and did so by a time, as far as is known where it runs: a new version
    /// that goes from node to node is not ready on one of them at a time.
    fn fails_on(&self, key: EpisodeKey, node: EntityId, until: Time) -> bool {
        let shows = |object: EntityId| {
            let symptom = self.state.symptoms.get(&(key, object));
            symptom.is_some_and(|symptom| symptom.failing && symptom.told.0 <= until)
        };
        let place = |object: EntityId| self.state.topology.object(object).and_then(|row| row.node);
        let known = self.state.some_objects_of(key);
        let mut failing = known.iter().filter(|object| shows(**object)).map(|object| place(*object)).peekable();
        let is_unknown = failing.peek().is_none() && known.len() < SOME_OBJECTS;
        is_unknown
            || failing.any(|at| at.is_none_or(|at| at == node))
            // It may be one of the many others.
            || known.len() == SOME_OBJECTS && self.state.topology.linked_to(node).any(shows)
    }

    /// Whether what has a pod on every node fails on less than half of them, as far as is known: that hurts what runs on
    /// these, and not the cluster.
    fn fails_on_few_nodes(&self, cause: EpisodeKey, row: &Episode) -> bool {
        let topology = &self.state.topology;
        let is_agent =
            topology.names.peek(cause.entity).is_some_and(|name| matches!(&*name.kind, "DaemonSet" | WORKLOAD));
        if !is_agent {
            return false;
        }
        if let Some(replicas) = topology.object(cause.entity).and_then(|row| row.replicas) {
            return replicas.ready > replicas.desired / 2;
        }
        let is_ready = |pod: &EntityId| topology.object(*pod).is_some_and(|row| row.is_ready && !row.is_gone);
        let failing = row.failing as usize;
        topology.linked_to(cause.entity).filter(is_ready).take(failing + 1).count() > failing
    }

    /// Contrast between a caller and one of many backends: as long as most of a Service's endpoints are ready, a failing
    /// backend of it hurts nobody that does not say so. The same goes for a component that an effect does not speak of.
    fn hurts(&self, cause: EpisodeKey, effect: EpisodeKey, rule: &Edge) -> bool {
        let (Some(row), Some(hurt)) = (self.state.episodes.get(&cause), self.state.episodes.get(&effect)) else {
            return false;
        };
        let shared = row.hubs.iter().filter(|(relation, _)| *relation == Relation::ServiceBackend);
        let mut services = shared.map(|(_, service)| *service).chain([cause.entity]);
        let mostly_fails = |service: EntityId| {
            self.endpoints_of(service).is_none_or(|endpoints| endpoints.ready <= endpoints.not_ready)
        };
        match rule.relation {
            Relation::Call if is_note(row) => true,
            Relation::Call => {
                services.any(|service| hurt.hubs.contains(&(Relation::Call, service)) && mostly_fails(service))
            }
            Relation::Cluster if self.fails_on_few_nodes(cause, row) => false,
            Relation::Cluster if rule.takes_anything() => services.all(mostly_fails),
            Relation::Sidecar => services.all(mostly_fails),
            _ => true,
        }
    }

    /// Whether the onsets allow that one follows from the other.
    fn is_in_time(&self, cause: &Episode, effect: &Episode, rule: &Edge) -> bool {
        // What still fails, or stands on what still fails, has lasted until now, though nobody repeats it. A contradiction
        // has hurt when it began, or it never will.
        let lasts_until = match (is_note(cause), cause.failing > 0 || cause.inferred) {
            (true, _) => cause.began.to,
            (false, true) => self.now,
            (false, false) => cause.last_seen.max(cause.began.to),
        };
        cause.began.from <= effect.began.to + rule.lead_max && effect.began.from <= lasts_until + rule.delay_max
    }

    /// Whether an episode follows from another one, directly or not; a chain that is too deep counts as if it did.
    fn follows_from(&self, key: EpisodeKey, ancestor: EpisodeKey) -> bool {
        let mut at = key;
        for _ in 0..DEPTH_MAX {
            if at == ancestor {
                return true;
            }
            match self.state.episodes.get(&at).and_then(|episode| episode.explained_by.as_ref()) {
                Some(edge) => at = edge.cause,
                None => return false,
            }
        }
        true
    }

    /// Folds what is already there under a cause that has just opened.
    fn adopt(&mut self, key: EpisodeKey) {
        let Some(cause) = self.state.episodes.get(&key).cloned() else { return };
        let code = self.state.code(key.signal);
        let catalogue = self.catalogue.clone();
        for rule in catalogue.effects_of(&code) {
            if !is_of_component(&cause, rule) {
                continue;
            }
            let hubs = |wanted: Relation| {
                cause.hubs.iter().filter(move |(relation, _)| *relation == wanted).map(|(_, hub)| *hub)
            };
            let sharing = |hub: EntityId, relation: Relation| self.state.sharing(hub, relation).take(EFFECTS_MAX);
            let found: Vec<EpisodeKey> = match rule.relation {
                Relation::Same => self.state.on_entity(key.entity),
                Relation::ServiceBackend => {
                    hubs(Relation::ServiceBackend).flat_map(|service| self.state.on_entity(service)).collect()
                }
                Relation::Referrer => {
                    hubs(Relation::Reference).flat_map(|needed| self.state.on_entity(needed)).collect()
                }
                Relation::Call => {
                    let services = hubs(Relation::ServiceBackend).chain([key.entity]);
                    services.flat_map(|service| sharing(service, Relation::Call)).collect()
                }
                Relation::NodeAgent => {
                    let nodes = hubs(Relation::Node).chain([key.entity]);
                    nodes.flat_map(|node| sharing(node, Relation::Node).chain(sharing(node, Relation::Same))).collect()
                }
                Relation::Cluster => {
                    let part = if rule.components.is_empty() { ANY_COMPONENT } else { &*cause.component };
                    let leaning = self.state.topology.names.get(&leaning_on(part));
                    leaning.into_iter().chain([key.entity]).flat_map(|hub| sharing(hub, Relation::Cluster)).collect()
                }
                Relation::SomeNode => {
                    let somewhere = self.state.topology.names.get(&somewhere());
                    somewhere.into_iter().flat_map(|hub| sharing(hub, Relation::SomeNode)).collect()
                }
                Relation::Within => {
                    hubs(Relation::Within).flat_map(|namespace| self.state.on_entity(namespace)).collect()
                }
                Relation::Sidecar => {
                    let part = self.state.topology.names.get(&component_id(&cause.component));
                    part.into_iter().flat_map(|part| sharing(part, Relation::Sidecar)).collect()
                }
                Relation::Namespace => {
                    let namespaces = hubs(Relation::Namespace).chain([key.entity]);
                    namespaces.flat_map(|namespace| sharing(namespace, Relation::Namespace)).collect()
                }
                relation => sharing(key.entity, relation).collect(),
            };
            let is_effect = |at: &EpisodeKey| *at != key && rule.has_effect(self.state.peek_code(at.signal));
            let mut found: Vec<_> = found.into_iter().filter(is_effect).collect();
            // What was inferred from others comes along with all of them: they need not leave it one by one.
            let is_reported = |at: &EpisodeKey| self.state.episodes.get(at).is_some_and(|row| !row.inferred);
            found.sort_unstable_by_key(|at| (is_reported(at), *at));
            found.dedup();
            for effect in found {
                self.adopt_one(key, effect, rule);
            }
        }
        for effect in self.state.on_entity(key.entity) {
            let is_open = self.state.episodes.get(&effect).is_some_and(|row| row.standing == Standing::Open);
            if effect != key && is_open {
                self.explain(effect);
            }
        }
    }

    fn adopt_one(&mut self, key: EpisodeKey, effect: EpisodeKey, rule: &Edge) {
        let (Some(cause), Some(row)) = (self.state.episodes.get(&key), self.state.episodes.get(&effect)) else {
            return;
        };
        let is_planned = self.catalogue.rule(&self.state.code(effect.signal)).is_none_or(|r| r.class == Class::Planned);
        let is_related = rule.takes(&row.message) && self.candidates(effect, row, rule).contains(&key);
        let is_better = self.is_better(effect, (key, rule.strength));
        // A note waits for what it explains to open by itself.
        if is_note(cause) && row.standing != Standing::Open {
            return;
        }
        if is_planned || !row.is_live() || !is_related || !is_better || row.failing == 0 && !row.inferred {
            return;
        }
        if !self.is_in_time(cause, row, rule) || self.follows_from(key, effect) {
            return;
        }
        let (relation, strength) = (rule.relation, rule.strength);
        let edge = episode::Edge { cause: key, rule: rule.name.clone(), relation, strength };
        let Some(leaving) = self.attach(effect, edge) else { return };
        self.settle(leaving, key);
        self.open(effect);
    }
}
