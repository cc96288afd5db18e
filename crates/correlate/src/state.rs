//! The tables of a scope: topology, episodes, incidents, timers.

use crate::asks::Asking;
use crate::catalogue::Catalogue;
use crate::episode::{Episode, EpisodeKey, Symptom};
use crate::lease::Lease;
use crate::topology::Topology;
use bellbuoy_core::Text;
use bellbuoy_core::fact::Source;
use bellbuoy_core::incident::{Change, IncidentId, Status, TimelineEntry};
use bellbuoy_core::intern::EntityId;
use bellbuoy_core::rules::{Relation, RuleSet};
use bellbuoy_core::stage::State;
use bellbuoy_core::table::{Ledger, OrderedTable, Table};
use bellbuoy_core::time::Time;
use bellbuoy_core::timers::Timers;
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What `correlate` remembers of a scope.
#[derive(Debug, Default)]
pub struct Tables {
    pub(crate) rules: Table<(), Arc<RuleSet>>,
    pub(crate) topology: Topology,
    pub(crate) asking: Asking,
    pub(crate) episodes: Table<EpisodeKey, Episode>,
    pub(crate) symptoms: OrderedTable<(EpisodeKey, EntityId), Symptom>,
    pub(crate) cases: Table<IncidentId, Case>,
    pub(crate) members: OrderedTable<(IncidentId, EpisodeKey), ()>,
    /// Ended incidents by the time of their end.
    pub(crate) ended: OrderedTable<(Time, IncidentId), ()>,
    /// How far each source has observed.
    pub(crate) sources: OrderedTable<Source, Time>,
    /// Leases of nodes and of the control plane.
    pub(crate) leases: Table<EntityId, Lease>,
    /// The newest renewal of any Lease.
    pub(crate) newest_renewal: Table<(), Time>,
    /// Recoveries that were told of long after they happened: what they end may be told of after them.
    pub(crate) recoveries: OrderedTable<(EntityId, Text), Time>,
    /// Lists that have begun, by kind.
    pub(crate) brackets: OrderedTable<Text, Time>,
    pub(crate) timers: Timers<Timer>,
    /// Derived: the active rule set, compiled when it is first needed.
    pub(crate) catalogue: Option<Arc<Catalogue>>,
    /// Derived: live episodes by what they share, how, and their signal and entity. An episode shares its own entity with
    /// itself.
    by_hub: BTreeSet<(EntityId, Relation, EntityId, EntityId)>,
    /// Derived: (what explains, what it explains).
    pub(crate) children: BTreeSet<(EpisodeKey, EpisodeKey)>,
    /// Incidents to write at the end of the turn.
    pub(crate) dirty: BTreeSet<IncidentId>,
}

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub(crate) enum Timer {
    /// The grace of an episode is over.
    Open(EpisodeKey),
    /// The healthy state has lasted long enough.
    Heal(EpisodeKey),
    /// The emitter would have spoken again by now.
    Quiet(EpisodeKey),
    /// An episode need not be remembered any longer.
    Purge(EpisodeKey),
    /// A record of an incident was held back to keep them apart.
    Write(IncidentId),
    /// Objects have changed that may contradict others.
    Judge,
    /// A Lease has not been renewed by now.
    Lease(EntityId),
    /// What was told late has been told.
    Recoveries,
}

/// What is remembered of an incident beside its members.
#[derive(Clone, Debug, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Case {
    pub(crate) status: Status,
    pub(crate) opened_at: Time,
    pub(crate) acknowledged_at: Option<Time>,
    pub(crate) acknowledged_by: Text,
    pub(crate) resolved_at: Option<Time>,
    pub(crate) merged_into: Option<IncidentId>,
    pub(crate) revision: u32,
    pub(crate) written_at: Option<Time>,
    pub(crate) changes: Vec<Change>,
    pub(crate) timeline: Vec<TimelineEntry>,
    /// Live members.
    pub(crate) live: u32,
    /// The first cause when it was written last.
    pub(crate) cause: Option<EpisodeKey>,
    /// Incidents that a part of it went to, or came from: they are known to be others.
    pub(crate) apart: Vec<IncidentId>,
}

/// Objects of an episode that are looked at where a few of them say enough.
pub(crate) const SOME_OBJECTS: usize = 8;

/// Others that an incident is known to be apart from; the newest count.
const APART_MAX: usize = 16;

impl Case {
    /// Notes that another incident is another failure.
    pub(crate) fn keep_apart(&mut self, other: IncidentId) {
        if !self.apart.contains(&other) {
            self.apart.push(other);
        }
        if self.apart.len() > APART_MAX {
            self.apart.remove(0);
        }
    }
}

impl Tables {
    /// The number of a signal's code.
    pub(crate) fn signal(&mut self, code: &str) -> EntityId {
        self.topology.names.intern_parts("Signal", "", code)
    }

    /// The number of a signal's code, if any episode shows it.
    pub(crate) fn known_signal(&self, code: &str) -> Option<EntityId> {
        self.topology.names.find("Signal", "", code)
    }

    /// A signal's code.
    pub(crate) fn code(&self, signal: EntityId) -> Text {
        self.topology.names.name(signal).name
    }

    /// Live episodes that share an entity in this way, by signal.
    pub(crate) fn sharing(&self, hub: EntityId, relation: Relation) -> impl Iterator<Item = EpisodeKey> + '_ {
        let first = (hub, relation, EntityId(0), EntityId(0));
        let last = (hub, relation, EntityId(u32::MAX), EntityId(u32::MAX));
        self.by_hub.range(first..=last).map(|(_, _, signal, entity)| EpisodeKey { entity: *entity, signal: *signal })
    }

    /// Live episodes on an entity.
    pub(crate) fn on_entity(&self, entity: EntityId) -> Vec<EpisodeKey> {
        self.sharing(entity, Relation::Same).collect()
    }

    /// A signal's code, to look at.
    pub(crate) fn peek_code(&self, signal: EntityId) -> &str {
        self.topology.names.peek(signal).map_or("", |name| &name.name)
    }

    /// Episodes that an episode explains.
    pub(crate) fn explained_by(&self, cause: EpisodeKey) -> impl Iterator<Item = EpisodeKey> + '_ {
        let least = EpisodeKey { entity: EntityId(0), signal: EntityId(0) };
        self.children.range((cause, least)..).take_while(move |(at, _)| *at == cause).map(|(_, key)| *key)
    }

    /// Members of an incident.
    pub(crate) fn members_of(&self, incident: IncidentId) -> Vec<EpisodeKey> {
        let least = EpisodeKey { entity: EntityId(0), signal: EntityId(0) };
        let rows = self.members.range_from((incident, least));
        rows.take_while(|((at, _), ())| *at == incident).map(|((_, key), ())| *key).collect()
    }

    /// Whether an incident has members.
    pub(crate) fn has_members(&self, incident: IncidentId) -> bool {
        let least = EpisodeKey { entity: EntityId(0), signal: EntityId(0) };
        self.members.range_from((incident, least)).next().is_some_and(|((at, _), ())| *at == incident)
    }

    /// Objects of an episode.
    pub(crate) fn objects_of(&self, key: EpisodeKey) -> Vec<EntityId> {
        let rows = self.symptoms.range_from((key, EntityId(0)));
        rows.take_while(|((at, _), _)| *at == key).map(|((_, object), _)| *object).collect()
    }

    /// A few objects of an episode: enough to ask what is the same for all of them.
    pub(crate) fn some_objects_of(&self, key: EpisodeKey) -> Vec<EntityId> {
        let rows = self.symptoms.range_from((key, EntityId(0)));
        rows.take_while(|((at, _), _)| *at == key).take(SOME_OBJECTS).map(|((_, object), _)| *object).collect()
    }

    /// Whether any object of an episode shows it by its state.
    pub(crate) fn shows_by_state(&self, key: EpisodeKey) -> bool {
        let rows = self.symptoms.range_from((key, EntityId(0)));
        rows.take_while(|((at, _), _)| *at == key).any(|(_, symptom)| symptom.failing && symptom.by_state)
    }

    /// Writes an episode; its uses of names and its derived rows follow.
    pub(crate) fn put_episode(&mut self, key: EpisodeKey, episode: Episode) {
        let old = self.episodes.get(&key);
        if old.is_some_and(|old| old.hangs_together_as(&episode)) {
            self.episodes.insert(key, episode);
            return;
        }
        let old = old.cloned();
        let names = &mut self.topology.names;
        names.retain(key.entity);
        names.retain(key.signal);
        episode.hubs.iter().for_each(|(_, hub)| names.retain(*hub));
        self.derive_episode(key, &episode, true);
        if let Some(old) = old {
            self.release_episode(key, &old, Some(&episode))
        }
        self.episodes.insert(key, episode);
    }

    /// Changes an episode in place where neither its hubs, its standing nor its cause change.
    pub(crate) fn touch_episode(&mut self, key: EpisodeKey, change: impl FnOnce(&mut Episode)) {
        if let Some(episode) = self.episodes.get_mut(&key) {
            change(episode);
        }
    }

    /// Forgets an episode with its symptoms and timers.
    pub(crate) fn remove_episode(&mut self, key: EpisodeKey) -> Option<Episode> {
        let old = self.episodes.get(&key).cloned()?;
        for object in self.objects_of(key) {
            self.symptoms.remove(&(key, object));
            self.topology.names.release(object);
        }
        for timer in [Timer::Open(key), Timer::Heal(key), Timer::Quiet(key), Timer::Purge(key)] {
            self.timers.clear(&timer);
        }
        if let Some(incident) = old.incident {
            self.members.remove(&(incident, key));
        }
        self.episodes.remove(&key);
        self.release_episode(key, &old, None);
        Some(old)
    }

    /// Writes a symptom.
    pub(crate) fn put_symptom(&mut self, key: EpisodeKey, object: EntityId, symptom: Symptom) {
        if !self.symptoms.contains(&(key, object)) {
            self.topology.names.retain(object);
        }
        self.symptoms.insert((key, object), symptom);
    }

    fn derive_episode(&mut self, key: EpisodeKey, episode: &Episode, present: bool) {
        let hubs = episode.hubs.iter().copied().chain([(Relation::Same, key.entity)]);
        for (relation, hub) in hubs {
            let row = (hub, relation, key.signal, key.entity);
            match present && episode.is_live() {
                true => self.by_hub.insert(row),
                false => self.by_hub.remove(&row),
            };
        }
        if let Some(edge) = &episode.explained_by {
            match present {
                true => self.children.insert((edge.cause, key)),
                false => self.children.remove(&(edge.cause, key)),
            };
        }
    }

    fn release_episode(&mut self, key: EpisodeKey, old: &Episode, new: Option<&Episode>) {
        self.derive_episode(key, old, false);
        if let Some(new) = new {
            self.derive_episode(key, new, true);
        }
        let names = &mut self.topology.names;
        old.hubs.iter().for_each(|(_, hub)| names.release(*hub));
        names.release(key.entity);
        names.release(key.signal);
    }
}

impl State for Tables {
    fn ledgers(&mut self) -> Vec<&mut dyn Ledger> {
        let Self {
            rules,
            topology,
            asking,
            episodes,
            symptoms,
            cases,
            members,
            ended,
            sources,
            leases,
            newest_renewal,
            recoveries,
            brackets,
            timers,
            ..
        } = self;
        let mut ledgers: Vec<&mut dyn Ledger> = vec![rules];
        ledgers.extend(topology.ledgers());
        ledgers.extend(asking.ledgers());
        ledgers.extend([episodes as &mut dyn Ledger, symptoms, cases, members, ended, sources]);
        ledgers.extend([leases as &mut dyn Ledger, newest_renewal, recoveries, brackets, timers]);
        ledgers
    }

    fn next_due(&mut self) -> Option<Time> {
        self.timers.next_due()
    }

    fn rebuild(&mut self) {
        let rules = self.rules.get(&());
        self.catalogue = self.catalogue.take().filter(|compiled| Some(compiled.rules()) == rules);
        self.topology.rebuild();
        self.asking.rebuild(&mut self.topology.names);
        self.by_hub.clear();
        self.children.clear();
        self.dirty.clear();
        let episodes: Vec<_> = self.episodes.sorted().into_iter().map(|(key, row)| (*key, row.clone())).collect();
        for (key, episode) in episodes {
            let names = &mut self.topology.names;
            names.retain(key.entity);
            names.retain(key.signal);
            episode.hubs.iter().for_each(|(_, hub)| names.retain(*hub));
            self.derive_episode(key, &episode, true);
        }
        let objects: Vec<_> = self.symptoms.iter().map(|((_, object), _)| *object).collect();
        objects.into_iter().for_each(|object| self.topology.names.retain(object));
        self.leases.sorted().into_iter().for_each(|(id, _)| self.topology.names.retain(*id));
        self.recoveries.iter().for_each(|((id, _), _)| self.topology.names.retain(*id));
    }
}
