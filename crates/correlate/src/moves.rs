//! Corrections of an episode's identity and onset, when facts tell more than those before them.

use crate::episode::{Edge, Episode, EpisodeKey, Standing, Symptom};
use crate::state::Timer;
use crate::turn::Turn;
use bellbuoy_core::incident::{Change, IncidentId};
use bellbuoy_core::intern::EntityId;
use bellbuoy_core::time::Time;

impl Turn<'_, '_> {
    /// An episode began earlier than was known, by its emitter's own word.
    pub(crate) fn began_by(&mut self, key: EpisodeKey, object: EntityId, first: Time, is_of_list: bool) {
        let Some(episode) = self.state.episodes.get(&key).filter(|episode| episode.is_live()) else { return };
        if first >= episode.began.from || episode.ended_at.is_some() {
            return;
        }
        self.state.touch_episode(key, |episode| {
            episode.began.from = first;
            episode.began.to = episode.began.to.max(first);
        });
        if let Some(symptom) = self.state.symptoms.get(&(key, object)).cloned() {
            let told = (symptom.told.0.min(first), symptom.told.1);
            self.state.put_symptom(key, object, Symptom { told, ..symptom });
        }
        self.grace_shortened(key, is_of_list);
    }

    fn grace_shortened(&mut self, key: EpisodeKey, is_of_list: bool) {
        let Some(due) = self.state.timers.get(&Timer::Open(key)) else { return };
        let Some(rule) = self.catalogue.rule(&self.state.code(key.signal)) else { return };
        let Some(episode) = self.state.episodes.get(&key) else { return };
        let lasted = self.told_for(key, rule, episode) >= rule.grace;
        let ends = (episode.began.from + rule.grace).max(self.soonest(is_of_list));
        match lasted {
            true => self.ripen(key, is_of_list),
            false => self.state.timers.set(Timer::Open(key), due.min(ends)),
        }
    }

    /// Moves an episode to another key: its symptoms, its incident and what it explains go with it.
    pub(crate) fn move_episode(&mut self, old: EpisodeKey, new: EpisodeKey) {
        let Some(episode) = self.state.episodes.get(&old).cloned() else { return };
        let children: Vec<_> = self.state.explained_by(old).collect();
        let due: Vec<_> = [Timer::Open as fn(EpisodeKey) -> Timer, Timer::Heal, Timer::Quiet, Timer::Purge]
            .into_iter()
            .filter_map(|timer| Some((timer, self.state.timers.get(&timer(old))?)))
            .collect();
        let known = self.state.episodes.get(&new).cloned();
        for object in self.state.objects_of(old) {
            let symptom = self.state.symptoms.get(&(old, object)).cloned();
            if let Some(symptom) = symptom.filter(|_| !self.state.symptoms.contains(&(new, object))) {
                self.state.put_symptom(new, object, symptom);
            }
        }
        let is_alone = known.is_none();
        let former = known.as_ref().and_then(|known| known.incident);
        let mut one = known.map_or_else(|| episode.clone(), |known| united(&episode, known));
        let objects = self.state.objects_of(new);
        let fails = |object: &&EntityId| self.state.symptoms.get(&(new, **object)).is_some_and(|s| s.failing);
        one.failing = u32::try_from(objects.iter().filter(fails).count()).unwrap_or(u32::MAX);
        one.objects = one.objects.max(u32::try_from(objects.len()).unwrap_or(u32::MAX));
        let standing = one.standing;
        self.state.put_episode(new, one);
        for child in children {
            if let Some(mut row) = self.state.episodes.get(&child).cloned() {
                let edge = row.explained_by.take();
                row.explained_by = edge.map(|edge| Edge { cause: new, ..edge }).filter(|edge| edge.cause != child);
                self.state.put_episode(child, row);
            }
        }
        self.state.remove_episode(old);
        if let Some(incident) = episode.incident {
            self.state.members.insert((incident, new), ());
            self.state.cases.get_mut(&incident).filter(|case| case.cause == Some(old)).into_iter().for_each(|case| {
                case.cause = Some(new);
            });
        }
        match (episode.incident, former) {
            (Some(a), Some(b)) if a != b => self.merge(a, b),
            (Some(a), None) => self.state.touch_episode(new, |row| row.incident = Some(a)),
            _ => {}
        }
        if let Some(incident) = self.state.episodes.get(&new).and_then(|row| row.incident) {
            self.recount(incident);
            self.change_case(incident, Change::Grew);
        }
        for (timer, at) in due.into_iter().filter(|_| is_alone) {
            self.state.timers.set(timer(new), at);
        }
        if standing == Standing::Open {
            self.state.timers.clear(&Timer::Purge(new));
            self.state.timers.clear(&Timer::Open(new));
        }
    }

    /// Counts the live members of an incident anew.
    fn recount(&mut self, incident: IncidentId) {
        let keys = self.state.members_of(incident);
        let open = |key: &&EpisodeKey| {
            let row = self.state.episodes.get(*key);
            row.is_some_and(|row| row.standing == Standing::Open)
        };
        let live = u32::try_from(keys.iter().filter(open).count()).unwrap_or(u32::MAX);
        if let Some(case) = self.state.cases.get_mut(&incident) {
            case.live = live;
        }
    }
}

/// What two episodes of one signal were together, when they turn out to be one. The livelier one tells where it stands.
fn united(a: &Episode, b: Episode) -> Episode {
    let liveliness = |episode: &Episode| match episode.standing {
        Standing::Open => 0,
        Standing::Pending => 1,
        Standing::Ended => 2,
    };
    let (first, second) = if liveliness(a) < liveliness(&b) { (a, &b) } else { (&b, a) };
    let mut one = first.clone();
    if second.began.from < one.began.from {
        one.began = second.began;
    }
    one.last_seen = a.last_seen.max(b.last_seen);
    one.last_claimed = a.last_claimed.max(b.last_claimed);
    one.repeats += second.repeats;
    one.severity = a.severity.min(b.severity);
    one.late |= second.late;
    second.evidence.iter().for_each(|evidence| one.note(*evidence));
    second.sources.iter().for_each(|source| one.heard_from(*source));
    second.hubs.iter().for_each(|hub| one.share(*hub));
    one.named = first.named.or(second.named.filter(|named| one.hubs.iter().any(|(_, hub)| hub == named)));
    one.incident = b.incident.or(a.incident);
    one.explained_by = first.explained_by.clone().or_else(|| second.explained_by.clone());
    one
}
