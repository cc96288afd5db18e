//! A turn: one fact or one deadline, with everything that it sets in motion in one scope.

use crate::catalogue::Catalogue;
use crate::edges::Edge;
use crate::episode::{Episode, EpisodeKey, HUBS_MAX, Standing, Symptom, shorten};
use crate::state::{Tables, Timer};
use bellbuoy_core::Text;
use bellbuoy_core::fact::Source;
use bellbuoy_core::incident::{Change, Evidence, Incident, Severity};
use bellbuoy_core::intern::EntityId;
use bellbuoy_core::object::Entity;
use bellbuoy_core::rules::{Class, Limits, Match, Relation, SignalRule};
use bellbuoy_core::stage::Ctx;
use bellbuoy_core::time::{Interval, Span, Time};
use std::sync::Arc;

/// How long an episode that never opened is remembered after its last report, beyond its grace.
const PENDING_KEPT: Span = Span::from_secs(900);

/// The kind of what stands for leaning on a component.
pub(crate) const LEANING: &str = "Leaning";

/// The kind of a whole cluster.
pub(crate) const CLUSTER: &str = "Cluster";

/// What is shared by causes that speak of one part of the cluster by themselves, and by what may follow from them.
pub(crate) const ANY_COMPONENT: &str = "";

/// An event that happened so long before it was observed was told of by a list, which has no order. Live ones come within
/// seconds.
pub(crate) const BACKFILLED: Span = Span::from_secs(10);

/// How long planned work may keep what leans on it from being well: as long as a rollout may seem to stand still.
const PLANNED_TAKES: Span = Span::from_secs(600);

/// How far from planned work its consequences may be: node → pods → Service → callers, and one more.
const PLANNED_DEPTH: usize = 5;

/// How long a list takes to be told.
const LIST_TOLD: Span = Span::from_secs(2);

/// Reports of what opens by its repeats that count as "again" at the end of a recording: two are no accident.
const REPEATED: u64 = 2;

/// One fact or one deadline.
pub(crate) struct Turn<'a, 'c> {
    pub(crate) state: &'a mut Tables,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) ctx: &'a mut Ctx<'c, Incident>,
    pub(crate) now: Time,
    pub(crate) late: bool,
}

/// A report of a signal on an object.
#[derive(Clone, Debug)]
pub(crate) struct Report<'a> {
    pub(crate) object: EntityId,
    /// The signal's code: the rule's, or the alert's own name.
    pub(crate) code: Text,
    pub(crate) rule: &'a SignalRule,
    pub(crate) severity: Severity,
    pub(crate) occurred: Interval,
    pub(crate) message: &'a str,
    pub(crate) source: Source,
    pub(crate) evidence: Evidence,
    /// What tells repeats apart: an Event object or an alert, and how often it was reported. None for states.
    pub(crate) repeats: Option<(u64, u32)>,
    /// The object's own counters say that it has gone on for long enough.
    pub(crate) lasted: bool,
    /// The object that the message names as missing or exhausted.
    pub(crate) names: Option<Entity>,
    /// Shared things that only this report knows of.
    pub(crate) hubs: Vec<(Relation, EntityId)>,
}

impl Turn<'_, '_> {
    pub(crate) fn limits(&self) -> Limits {
        self.catalogue.rules().limits
    }

    /// Takes a report in: opens, extends or revives the episode that it belongs to. Whether it said anything new of what
    /// is going on now.
    pub(crate) fn report(&mut self, report: Report<'_>) -> bool {
        let entity = self.state.topology.workload_of(report.object);
        let signal = self.state.signal(&report.code);
        let key = EpisodeKey { entity, signal };
        let known = self.state.episodes.get(&key);
        if known.is_none() && self.state.episodes.len() >= self.limits().episodes_max as usize {
            let name = self.state.topology.names.name(entity);
            let max = self.limits().episodes_max;
            let reason =
                format!("{} on {name}: {max} episodes are remembered already (limits.episodes_max)", report.code);
            self.ctx.reject(Some(report.evidence.fact), reason);
            return false;
        }
        let ended_at = known.and_then(|episode| episode.ended_at);
        let symptom = self.state.symptoms.get(&(key, report.object));
        let (is_new_object, showed) = (symptom.is_none(), symptom.is_some_and(|symptom| symptom.failing));
        let mut counted = symptom.cloned().unwrap_or_default();
        let new = match report.repeats {
            Some((uid, repeats)) => match counted.count(uid, repeats) {
                Some(new) => new,
                // Counted before: the same report again adds nothing, not even that it was seen.
                None => return false,
            },
            None => u32::from(is_new_object),
        };
        if let Some(ended_at) = ended_at
            && report.occurred.to <= ended_at
        {
            // It speaks of what is over: it joins, and changes nothing else.
            self.state.put_symptom(key, report.object, counted);
            self.note_late(key, &report, new);
            return false;
        }
        let was_failing = ended_at.is_none() && showed;
        if report.occurred.from.since(counted.told.1) > gap_max(report.rule, counted.repeats()) {
            counted.told = (report.occurred.from, report.occurred.to);
        }
        counted.told.0 = counted.told.0.min(report.occurred.from);
        counted.told.1 = counted.told.1.max(report.occurred.to.min(self.now));
        counted.failing = true;
        counted.by_state |= report.source == Source::Objects;
        self.state.put_symptom(key, report.object, counted);
        let mut episode = self.state.episodes.get(&key).cloned().unwrap_or_default();
        if ended_at.is_some() {
            self.revive(key, &mut episode, &report);
        }
        let is_first = episode.repeats == 0;
        // What was well in the meantime, before anybody was told, begins anew.
        if is_first || episode.standing == Standing::Pending && episode.healing_since.is_some() {
            episode.began = report.occurred;
        }
        if report.occurred.from < episode.began.from {
            episode.began = report.occurred;
        }
        episode.last_seen = episode.last_seen.max(report.evidence.observed_at);
        episode.last_claimed = episode.last_claimed.max(report.occurred.to.min(self.now));
        episode.repeats += u64::from(new);
        episode.objects += u32::from(is_new_object);
        episode.failing += u32::from(!was_failing);
        episode.severity = episode.severity.min(report.severity);
        if new > 0 || episode.message.is_empty() {
            episode.message = shorten(report.message);
        }
        episode.note(report.evidence);
        episode.late |= self.late;
        episode.healing_since = None;
        episode.heard_from(report.source);
        let known_hubs = episode.hubs.len();
        self.add_hubs(&mut episode, &report, is_first.then_some(entity));
        let has_new_hubs = episode.hubs.len() > known_hubs;
        self.state.timers.clear(&Timer::Heal(key));
        let standing = episode.standing;
        self.state.put_episode(key, episode);
        self.arm_quiet(key, report.rule);
        match standing {
            Standing::Open => {
                if has_new_hubs {
                    self.explain(key);
                }
                if new > 0 || is_new_object || !was_failing {
                    self.change(key, Change::Grew);
                }
            }
            _ => self.consider(key, &report),
        }
        true
    }

    fn note_late(&mut self, key: EpisodeKey, report: &Report<'_>, new: u32) {
        let evidence = report.evidence;
        self.state.touch_episode(key, |episode| {
            episode.repeats += u64::from(new);
            episode.late = true;
            episode.note(evidence);
        });
        self.change(key, Change::Grew);
    }

    /// Brings an ended episode back. What explained it then need not explain it now: only what stood by itself comes
    /// back to its incident.
    fn revive(&mut self, key: EpisodeKey, episode: &mut Episode, report: &Report<'_>) {
        self.state.timers.clear(&Timer::Purge(key));
        let had_cause = episode.explained_by.take().is_some();
        if let Some(incident) = episode.incident.filter(|_| had_cause) {
            episode.incident = None;
            self.state.members.remove(&(incident, key));
        }
        episode.standing = Standing::Pending;
        episode.ended_at = None;
        episode.is_ripe = false;
        episode.healing_since = None;
        episode.failing = 0;
        episode.began = report.occurred;
        for object in self.state.objects_of(key) {
            let symptom = self.state.symptoms.get(&(key, object)).filter(|_| object != report.object);
            if let Some(symptom) = symptom.cloned() {
                self.state.put_symptom(key, object, Symptom { failing: false, ..symptom });
            }
        }
    }

    /// Whether a pending episode opens now, or when.
    fn consider(&mut self, key: EpisodeKey, report: &Report<'_>) {
        let Some(episode) = self.state.episodes.get(&key) else { return };
        let (began, last_claimed) = (episode.began.from, episode.last_claimed);
        let grace = self.grace_of(key, report.rule);
        if report.rule.class == Class::Planned {
            self.state.timers.set(Timer::Purge(key), self.now + PENDING_KEPT);
            return;
        }
        let symptom = self.state.symptoms.get(&(key, report.object));
        let age = match (report.rule.every, symptom) {
            // Several objects that were in trouble for a moment, one after another, are a rollout.
            (every, Some(symptom)) if every > Span::ZERO && !symptom.by_state => symptom.told.1.since(symptom.told.0),
            _ => last_claimed.max(self.since_by_state(key)).since(began),
        };
        // Three pods that crash three times each have crashed three times.
        let repeats = symptom.map_or(0, Symptom::repeats);
        let often = report.lasted || report.rule.repeats > 0 && repeats >= report.rule.repeats;
        // What a list tells of has no order, and takes a moment to be told: its end may come behind it.
        let is_of_list = report.evidence.observed_at.since(report.occurred.to) > BACKFILLED;
        if age >= grace || often || self.is_foreseen(key) {
            self.ripen(key, is_of_list);
            return;
        }
        self.state.timers.set(Timer::Open(key), (began + grace).max(self.soonest(is_of_list)));
        self.state.timers.set(Timer::Purge(key), self.now + grace + PENDING_KEPT);
    }

    /// An episode opens when everything of this moment has been taken in: what a dump tells at one time has no order.
    pub(crate) fn ripen(&mut self, key: EpisodeKey, is_of_list: bool) {
        self.state.touch_episode(key, |episode| episode.is_ripe = true);
        self.state.timers.clear(&Timer::Purge(key));
        self.state.timers.set(Timer::Open(key), self.soonest(is_of_list).max(self.now + Span(1)));
    }

    /// When something may open that is told of now: what a list tells of waits until all of the list is told.
    pub(crate) fn soonest(&self, is_of_list: bool) -> Time {
        if is_of_list { self.now + LIST_TOLD } else { self.now }
    }

    /// What an object's state shows lasts until now; what an event showed lasted until its last report.
    fn since_by_state(&self, key: EpisodeKey) -> Time {
        match self.state.shows_by_state(key) {
            true => self.now,
            false => Time::MIN,
        }
    }

    /// The grace of a signal on an entity: what a startup probe grants counts, if it is more.
    fn grace_of(&self, key: EpisodeKey, rule: &SignalRule) -> Span {
        if rule.class != Class::Converging || rule.grace == Span::ZERO {
            return rule.grace;
        }
        let objects = self.state.some_objects_of(key);
        let promised = objects.iter().filter_map(|object| self.state.topology.object(*object));
        let promised = promised.map(|row| row.startup_secs).max().unwrap_or(0);
        rule.grace.max(Span::from_secs(i64::from(promised)))
    }

    /// The grace of a pending episode is over.
    pub(crate) fn grace_over(&mut self, key: EpisodeKey) {
        let Some(episode) = self.state.episodes.get(&key) else { return };
        if episode.standing != Standing::Pending || episode.failing == 0 {
            return;
        }
        if !episode.is_ripe && !self.persists(key) {
            return;
        }
        match self.planned_until(key, PLANNED_DEPTH).filter(|until| *until > self.now) {
            Some(until) => self.state.timers.set(Timer::Open(key), until),
            None => self.open(key),
        }
    }

    /// Until when what a converging signal shows is what somebody wanted: a drained node's pods move, and who calls them
    /// waits for them.
    fn planned_until(&self, key: EpisodeKey, depth: usize) -> Option<Time> {
        let class = |key: EpisodeKey| self.catalogue.rule(self.state.peek_code(key.signal)).map(|rule| rule.class);
        if depth == 0 || class(key)? != Class::Converging {
            return None;
        }
        let cause = self.likely_cause(key)?;
        match class(cause)? {
            Class::Planned => self.state.episodes.get(&cause).map(|row| row.last_claimed + PLANNED_TAKES),
            _ => self.planned_until(cause, depth - 1),
        }
    }

    /// Whether what a pending episode reported still holds: its object's state shows it, or its end would have been
    /// told by an event, or it was told of for as long as its grace.
    fn persists(&self, key: EpisodeKey) -> bool {
        let Some(episode) = self.state.episodes.get(&key) else { return false };
        let Some(rule) = self.catalogue.rule(&self.state.code(key.signal)) else { return false };
        // An end that would have been told only counts as long as its emitter would not have spoken again either.
        let is_silent = rule.quiet > Span::ZERO && self.now.since(episode.last_claimed) > rule.quiet;
        self.state.shows_by_state(key)
            || !rule.healed_by.is_empty() && !is_silent
            || rule.class == Class::Fixed
            || self.told_for(key, rule, episode) >= self.grace_of(key, rule)
    }

    /// For how long an episode was told of: by one object, where each of them repeats itself.
    pub(crate) fn told_for(&self, key: EpisodeKey, rule: &SignalRule, episode: &Episode) -> Span {
        if rule.every == Span::ZERO {
            return episode.last_claimed.since(episode.began.from);
        }
        let failing = |object| self.state.symptoms.get(&(key, object)).filter(|symptom| symptom.failing);
        let told = self.state.some_objects_of(key).into_iter().filter_map(failing);
        told.map(|symptom| symptom.told.1.since(symptom.told.0)).max().unwrap_or(Span::ZERO)
    }

    /// The end of a recording decides what is open: what cannot heal, and what has lasted for its grace.
    pub(crate) fn end_of_recording(&mut self) {
        self.judge_all();
        self.judge_leases();
        let rows = self.state.episodes.sorted().into_iter();
        let pending = rows.filter(|(_, episode)| episode.standing == Standing::Pending && episode.failing > 0);
        let mut pending: Vec<_> = pending.map(|(key, episode)| (episode.began, *key)).collect();
        pending.sort_unstable();
        for (began, key) in pending {
            let Some(rule) = self.catalogue.rule(&self.state.code(key.signal)).cloned() else { continue };
            let lasted = self.now.since(began.from) >= self.grace_of(key, &rule);
            let is_ripe = self.state.episodes.get(&key).is_some_and(|episode| episode.is_ripe);
            let repeats = self.state.episodes.get(&key).map_or(0, |episode| episode.repeats);
            let opens = match rule.class {
                Class::Converging if is_ripe => true,
                // The last word is that it happened again: nothing tells that it will not go on.
                Class::Converging if rule.repeats > 0 && repeats >= REPEATED => true,
                Class::Fixed => true,
                Class::Converging => lasted && self.persists(key),
                Class::Planned => false,
            };
            let is_pending = self.state.episodes.get(&key).is_some_and(|e| e.standing == Standing::Pending);
            if opens && is_pending {
                self.open(key);
            }
        }
    }

    /// Adds what an episode shares with others, as the topology of this moment has it.
    fn add_hubs(&mut self, episode: &mut Episode, report: &Report<'_>, first_on: Option<EntityId>) {
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
        if first_on.is_some() || *episode.message != *report.message {
            hubs.extend(self.leans_on(report));
        }
        hubs.extend(self.beside(report));
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

    /// What nodes have in common, and what runs nobody knows where, for signals that a causal rule joins by it.
    fn somewhere(&mut self, report: &Report<'_>, hubs: &[(Relation, EntityId)]) -> Option<(Relation, EntityId)> {
        let name = self.state.topology.names.peek(report.object)?;
        let is_placed = hubs.iter().any(|(relation, _)| *relation == Relation::Node);
        let is_joined =
            |mut rules: Box<dyn Iterator<Item = &Edge> + '_>| rules.any(|r| r.relation == Relation::SomeNode);
        let has_state = || self.state.topology.object(report.object).is_some_and(|row| row.has_state);
        let (hub, is_so) = match &*name.kind {
            "Node" => (some_node(), is_joined(Box::new(self.catalogue.effects_of(&report.code)))),
            _ => {
                let is_effect = is_joined(Box::new(self.catalogue.causes_of(&report.code)));
                (somewhere(), !is_placed && is_effect && !has_state())
            }
        };
        is_so.then(|| (Relation::SomeNode, self.state.topology.names.intern(&hub)))
    }

    fn arm_quiet(&mut self, key: EpisodeKey, rule: &SignalRule) {
        if rule.quiet > Span::ZERO {
            self.state.timers.set(Timer::Quiet(key), self.now + rule.quiet);
        }
    }

    /// Marks a symptom as gone since then, or as never having been told.
    pub(crate) fn heal(&mut self, key: EpisodeKey, object: EntityId, since: Time) {
        let Some(symptom) = self.state.symptoms.get(&(key, object)).filter(|symptom| symptom.failing) else { return };
        let healed = Symptom { failing: false, ..symptom.clone() };
        self.state.put_symptom(key, object, healed);
        let is_last = self.state.episodes.get(&key).is_some_and(|episode| episode.failing <= 1 && episode.is_live());
        self.state.touch_episode(key, |episode| episode.failing = episode.failing.saturating_sub(1));
        if is_last {
            self.begin_healing(key, since);
        }
    }

    /// Everything about an episode has been well since then: it ends when that has lasted.
    pub(crate) fn begin_healing(&mut self, key: EpisodeKey, since: Time) {
        let Some(rule) = self.catalogue.rule(&self.state.code(key.signal)) else { return };
        let due = since + rule.heals_after;
        self.state.touch_episode(key, |episode| {
            episode.healing_since = Some(since);
            episode.is_ripe = false;
        });
        self.state.timers.clear(&Timer::Open(key));
        match due <= self.now {
            true => self.end(key),
            false => self.state.timers.set(Timer::Heal(key), due),
        }
    }

    /// Ends an episode.
    pub(crate) fn end(&mut self, key: EpisodeKey) {
        let Some(episode) = self.state.episodes.get(&key).cloned().filter(Episode::is_live) else { return };
        for timer in [Timer::Open(key), Timer::Heal(key), Timer::Quiet(key)] {
            self.state.timers.clear(&timer);
        }
        let cause = episode.explained_by.as_ref().map(|edge| edge.cause);
        let was_open = episode.standing == Standing::Open;
        let ended = Episode { standing: Standing::Ended, ended_at: Some(self.now), failing: 0, ..episode };
        self.state.put_episode(key, ended);
        // What never opened is remembered too: a second copy of its report must not begin it anew.
        let kept = if was_open { self.limits().reopen_within } else { PENDING_KEPT };
        self.state.timers.set(Timer::Purge(key), self.now + kept);
        if was_open {
            self.member_ended(key);
        }
        if let Some(cause) = cause {
            self.end_if_inferred(cause);
        }
    }

    /// What was inferred ends with the last of what it was inferred from.
    fn end_if_inferred(&mut self, cause: EpisodeKey) {
        let is_inferred = self.state.episodes.get(&cause).is_some_and(|row| row.inferred && row.is_live());
        if !is_inferred {
            return;
        }
        let has_live =
            self.state.explained_by(cause).any(|key| self.state.episodes.get(&key).is_some_and(Episode::is_live));
        if !has_live {
            self.end(cause);
        }
    }

    /// The emitter would have spoken again by now, if its source is alive and nothing shows the state itself.
    pub(crate) fn quiet(&mut self, key: EpisodeKey) {
        let rule = self.catalogue.rule(&self.state.code(key.signal)).cloned();
        // The rules may have changed since the timer was set: to look again at once would be to look for ever.
        let Some(rule) = rule.filter(|rule| rule.quiet > Span::ZERO) else { return };
        let Some(episode) = self.state.episodes.get(&key) else { return };
        let heard_through = self.state.sources.get(&Source::Events).copied().unwrap_or(Time::MIN);
        let has_state_form = rule.matches.iter().any(|form| !matches!(form, Match::Event { .. } | Match::Alert { .. }));
        let is_covered = has_state_form
            && self
                .state
                .objects_of(key)
                .iter()
                .any(|object| self.state.topology.object(*object).is_some_and(|row| row.has_state && !row.is_gone));
        // Blind or behind, silence says nothing; and what is covered ends by its state. To look again when as much time has
        // passed once more bounds the work of a recording with a gap of years.
        let again = self.now + rule.quiet.max(self.now.since(episode.last_seen));
        match heard_through < episode.last_seen + rule.quiet || is_covered {
            true => self.state.timers.set(Timer::Quiet(key), again),
            false => self.end(key),
        }
    }

    /// An episode need not be remembered any longer.
    pub(crate) fn purge(&mut self, key: EpisodeKey) {
        let children: Vec<_> = self.state.explained_by(key).collect();
        for child in children {
            if let Some(mut episode) = self.state.episodes.get(&child).cloned() {
                episode.explained_by = None;
                self.state.put_episode(child, episode);
            }
        }
        if let Some(episode) = self.state.remove_episode(key)
            && let Some(incident) = episode.incident
        {
            self.forget_if_empty(incident);
        }
    }
}

/// Events about one object that an emitter lets through at once; after them one in [`SPAM_REFILL`]
/// (`facts/events-api.md`).
const SPAM_BURST: u32 = 25;

/// How often an emitter lets another Event about the same object through.
const SPAM_REFILL: Span = Span::from_secs(300);

/// How far apart two reports of an object may be that tell of one trouble, when it has been reported so often.
pub(crate) fn gap_max(rule: &SignalRule, repeats: u32) -> Span {
    match rule.every {
        Span::ZERO => rule.quiet.max(rule.grace),
        every if repeats < SPAM_BURST => every,
        every => every.max(SPAM_REFILL),
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
