//! The tree of explanations: which episode follows from which, and which causes are inferred.

use crate::episode::{Edge, Episode, EpisodeKey, Standing};
use crate::turn::Turn;
use bellbuoy_core::Text;
use bellbuoy_core::incident::{Change, Severity};
use bellbuoy_core::intern::EntityId;
use bellbuoy_core::rules::{CausalityRule, Class, Relation, Role};
use bellbuoy_core::time::Time;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// The rule that joins signals of one entity where no causal rule does.
pub(crate) const SAME_ENTITY: &str = "same-entity";
/// The rule that makes an object a cause because a message names it as missing or exhausted.
pub(crate) const NAMED: &str = "named-in-message";
/// What an edge between signals of one entity is worth: less than any causal rule.
const SAME_ENTITY_STRENGTH: i32 = 1;
/// What an edge to an object that a message names is worth: more than any causal rule, for nothing is more specific.
const NAMED_STRENGTH: i32 = 1_000;
/// How deep an explanation may go: node → workload → Service → caller → its callers, and some more.
const DEPTH_MAX: usize = 12;
/// Live episodes looked at per shared thing when a cause looks for its effects; more join when they report again.
const EFFECTS_MAX: usize = 100_000;

impl Turn<'_, '_> {
    /// Whether an open cause explains a pending episode: then it joins at once, for it opens nothing by itself.
    pub(crate) fn is_foreseen(&self, key: EpisodeKey) -> bool {
        let edge = self.best_edge(key, |cause| cause.standing == Standing::Open);
        edge.is_some_and(|edge| edge.strength > SAME_ENTITY_STRENGTH)
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
        let has = self.state.episodes.get(&key).and_then(|episode| episode.explained_by.as_ref());
        if has.is_some_and(|has| has.strength >= edge.strength) {
            return;
        }
        let cause = edge.cause;
        self.attach(key, edge);
        // A cause that hurts something is more than a suspicion.
        self.open(cause);
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

    /// Writes an edge, and joins the incidents on its two sides.
    fn attach(&mut self, key: EpisodeKey, edge: Edge) {
        let cause = edge.cause;
        let Some(mut episode) = self.state.episodes.get(&key).cloned() else { return };
        episode.explained_by = Some(edge);
        let incident = episode.incident;
        self.state.put_episode(key, episode);
        let other = self.state.episodes.get(&cause).and_then(|cause| cause.incident);
        match (incident, other) {
            (Some(a), Some(b)) if a != b => self.merge_live(a, b),
            (Some(a), Some(_)) => self.change_case(a, Change::Cause),
            _ => {}
        }
    }

    /// The best admissible edge to an episode: strongest rule, then the cause that began first, then by name.
    fn best_edge(&self, key: EpisodeKey, admits: impl Fn(&Episode) -> bool) -> Option<Edge> {
        let episode = self.state.episodes.get(&key)?;
        let code = self.state.code(key.signal);
        let mut best: Option<(Reverse<i32>, Time, String, Edge)> = None;
        let mut offer = |cause: EpisodeKey, rule: &str, relation: Relation, strength: i32, row: &Episode| {
            let name = self.state.topology.names.name(cause.entity).to_string();
            let edge = Edge { cause, rule: rule.into(), relation, strength };
            let offered = (Reverse(strength), row.began.from, name, edge);
            if best.as_ref().is_none_or(|best| (&offered.0, offered.1, &offered.2) < (&best.0, best.1, &best.2)) {
                best = Some(offered);
            }
        };
        for rule in self.catalogue.causes_of(&code) {
            for cause in self.candidates(key, episode, rule) {
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
            let is_deeper = self.depth_of(cause, row) < self.depth_of(key, episode);
            if is_deeper && admits(row) && !self.follows_from(cause, key) {
                offer(cause, SAME_ENTITY, Relation::Same, SAME_ENTITY_STRENGTH, row);
            }
        }
        best.map(|(_, _, _, edge)| edge)
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
    fn candidates(&self, key: EpisodeKey, episode: &Episode, rule: &CausalityRule) -> Vec<EpisodeKey> {
        let codes: Vec<_> = rule.causes.iter().filter_map(|code| self.state.known_signal(code)).collect();
        let on = |entity: EntityId| codes.iter().map(move |signal| EpisodeKey { entity, signal: *signal });
        match rule.relation {
            Relation::Same => on(key.entity).filter(|cause| *cause != key).collect(),
            Relation::ServiceBackend => {
                let backs = |cause: &EpisodeKey| {
                    let row = self.state.episodes.get(cause);
                    row.is_some_and(|row| row.hubs.contains(&(Relation::ServiceBackend, key.entity)))
                };
                let sharing = self.state.sharing(key.entity);
                sharing.filter(|cause| codes.contains(&cause.signal) && backs(cause)).collect()
            }
            relation => {
                let hubs = episode.hubs.iter().filter(|(shared, _)| *shared == relation);
                hubs.flat_map(|(_, hub)| on(*hub)).filter(|cause| *cause != key).collect()
            }
        }
    }

    /// Whether the onsets allow that one follows from the other.
    fn is_in_time(&self, cause: &Episode, effect: &Episode, rule: &CausalityRule) -> bool {
        // What still fails, or stands on what still fails, has lasted until now, though nobody repeats it.
        let lasts_until = match cause.failing > 0 || cause.inferred {
            true => self.now,
            false => cause.last_seen.max(cause.began.to),
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
            let effects: BTreeSet<_> = rule.effects.iter().filter_map(|code| self.state.known_signal(code)).collect();
            let found: Vec<EpisodeKey> = match rule.relation {
                Relation::Same => self.state.on_entity(key.entity),
                Relation::ServiceBackend => {
                    let services = cause.hubs.iter().filter(|(relation, _)| *relation == Relation::ServiceBackend);
                    services.flat_map(|(_, service)| self.state.on_entity(*service)).collect()
                }
                _ => self.state.sharing(key.entity).take(EFFECTS_MAX).collect(),
            };
            for effect in found {
                if effect == key || !effects.contains(&effect.signal) {
                    continue;
                }
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

    fn adopt_one(&mut self, key: EpisodeKey, effect: EpisodeKey, rule: &CausalityRule) {
        let (Some(cause), Some(row)) = (self.state.episodes.get(&key), self.state.episodes.get(&effect)) else {
            return;
        };
        let is_planned = self.catalogue.rule(&self.state.code(effect.signal)).is_none_or(|r| r.class == Class::Planned);
        let is_related = match rule.relation {
            Relation::Same | Relation::ServiceBackend => true,
            relation => row.hubs.contains(&(relation, key.entity)),
        };
        let is_better = row.explained_by.as_ref().is_none_or(|edge| edge.strength < rule.strength);
        if is_planned || !row.is_live() || !is_related || !is_better || row.failing == 0 {
            return;
        }
        if !self.is_in_time(cause, row, rule) || self.follows_from(key, effect) {
            return;
        }
        let (relation, strength) = (rule.relation, rule.strength);
        self.attach(effect, Edge { cause: key, rule: rule.name.clone(), relation, strength });
        self.open(effect);
    }

    /// An object that the message names as missing or exhausted is the cause; what reported it is affected.
    fn name_cause(&mut self, key: EpisodeKey) {
        let Some(episode) = self.state.episodes.get(&key).cloned() else { return };
        let Some(hub) = episode.named.filter(|_| !episode.inferred) else { return };
        let cause = EpisodeKey { entity: hub, signal: key.signal };
        if cause == key {
            return;
        }
        self.ensure_inferred(cause, &episode);
        let edge = Edge { cause, rule: NAMED.into(), relation: Relation::Reference, strength: NAMED_STRENGTH };
        self.attach(key, edge);
        self.open(cause);
    }

    /// Infers a cause at a shared thing when enough owners show the effect through it, and most of what uses it does.
    fn infer_causes(&mut self, key: EpisodeKey) -> Vec<EpisodeKey> {
        let mut inferred = Vec::new();
        let Some(episode) = self.state.episodes.get(&key).cloned() else { return inferred };
        let code = self.state.code(key.signal);
        let catalogue = self.catalogue.clone();
        for rule in catalogue.causes_of(&code).filter(|rule| rule.infer) {
            let Some(first) = rule.causes.first() else { continue };
            let effects: BTreeSet<_> = rule.effects.iter().filter_map(|code| self.state.known_signal(code)).collect();
            for (_, hub) in episode.hubs.iter().filter(|(relation, _)| *relation == rule.relation) {
                let signal = self.state.signal(first);
                let cause = EpisodeKey { entity: *hub, signal };
                if self.state.episodes.get(&cause).is_some_and(Episode::is_live) {
                    continue;
                }
                let shows = |at: &EpisodeKey| {
                    let row = self.state.episodes.get(at);
                    effects.contains(&at.signal) && row.is_some_and(|row| row.standing == Standing::Open)
                };
                let mut owners: Vec<_> = self.state.sharing(*hub).filter(shows).map(|at| at.entity).collect();
                owners.dedup();
                let enough = owners.len() >= self.limits().infer_from as usize;
                if enough && self.is_mostly_failing(*hub, &effects) {
                    self.ensure_inferred(cause, &episode);
                    inferred.push(cause);
                }
            }
        }
        inferred
    }

    /// Contrast: most of what uses a shared thing shows the effect. What stands healthy under it speaks against it.
    fn is_mostly_failing(&self, hub: EntityId, effects: &BTreeSet<EntityId>) -> bool {
        let mut healthy = BTreeSet::new();
        for object in self.state.topology.linked_to(hub).take(1_000) {
            let Some(row) = self.state.topology.object(object) else { continue };
            if row.is_ready {
                healthy.insert(row.owner.unwrap_or(object));
            }
        }
        let failing: BTreeSet<_> =
            self.state.sharing(hub).filter(|at| effects.contains(&at.signal)).map(|at| at.entity).collect();
        failing.len() > healthy.len()
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
        let rule = self.catalogue.rule(&self.state.code(key.signal));
        let severity = rule.map_or(Severity::P5, |rule| rule.severity);
        let inferred = Episode {
            began: from.began,
            last_seen: from.last_seen,
            last_claimed: from.last_claimed,
            severity: severity.min(from.severity),
            message: from.message.clone(),
            evidence: from.evidence.clone(),
            late: from.late,
            inferred: true,
            sources: from.sources.clone(),
            ..Episode::default()
        };
        self.state.put_episode(key, inferred);
    }
}
