//! Corrections of an episode's identity and onset, when facts tell more than those before them.

use crate::episode::{Edge, Episode, EpisodeKey};
use crate::state::Timer;
use crate::turn::Turn;
use bellbuoy_core::time::Time;

impl Turn<'_, '_> {
    /// An episode began earlier than was known, by its emitter's own word.
    pub(crate) fn began_by(&mut self, key: EpisodeKey, first: Time) {
        let Some(episode) = self.state.episodes.get(&key).filter(|episode| episode.is_live()) else { return };
        if first >= episode.began.from || episode.ended_at.is_some() {
            return;
        }
        self.state.touch_episode(key, |episode| {
            episode.began.from = first;
            episode.began.to = episode.began.to.max(first);
        });
        self.grace_shortened(key);
    }

    fn grace_shortened(&mut self, key: EpisodeKey) {
        let Some(due) = self.state.timers.get(&Timer::Open(key)) else { return };
        let Some(rule) = self.catalogue.rule(&self.state.code(key.signal)) else { return };
        let Some(episode) = self.state.episodes.get(&key) else { return };
        let lasted = episode.last_claimed.since(episode.began.from) >= rule.grace;
        match lasted {
            true => self.open(key),
            false => self.state.timers.set(Timer::Open(key), due.min((episode.began.from + rule.grace).max(self.now))),
        }
    }

    /// Moves an episode to another key: its symptoms, its incident and what it explains go with it.
    pub(crate) fn move_episode(&mut self, old: EpisodeKey, new: EpisodeKey) {
        let Some(episode) = self.state.episodes.get(&old).cloned() else { return };
        let symptoms: Vec<_> = self.state.objects_of(old).into_iter().collect();
        let children: Vec<_> = self.state.explained_by(old).collect();
        let due: Vec<_> = [Timer::Open as fn(EpisodeKey) -> Timer, Timer::Heal, Timer::Quiet, Timer::Purge]
            .into_iter()
            .filter_map(|timer| Some((timer, self.state.timers.get(&timer(old))?)))
            .collect();
        for object in symptoms {
            if let Some(symptom) = self.state.symptoms.get(&(old, object)).cloned()
                && !self.state.symptoms.contains(&(new, object))
            {
                self.state.put_symptom(new, object, symptom);
            }
        }
        let merged = match self.state.episodes.get(&new).cloned() {
            None => episode.clone(),
            Some(other) => united(&episode, other),
        };
        self.state.put_episode(new, merged);
        for child in children {
            if let Some(mut row) = self.state.episodes.get(&child).cloned() {
                let edge = row.explained_by.take();
                row.explained_by = edge.map(|edge| Edge { cause: new, ..edge }).filter(|edge| edge.cause != child);
                self.state.put_episode(child, row);
            }
        }
        if let Some(incident) = episode.incident {
            let other = self.state.episodes.get(&new).and_then(|row| row.incident);
            self.state.members.remove(&(incident, old));
            self.state.members.insert((incident, new), ());
            match other.filter(|other| *other != incident) {
                Some(other) => self.merge(incident, other),
                None => self.state.touch_episode(new, |row| row.incident = Some(incident)),
            }
            self.recount(incident);
            self.change_case(incident, bellbuoy_core::incident::Change::Grew);
        }
        self.state.remove_episode(old);
        for (timer, at) in due {
            self.state.timers.set(timer(new), at);
        }
        if let Some(case) = episode.incident.and_then(|incident| self.state.cases.get_mut(&incident))
            && case.cause == Some(old)
        {
            case.cause = Some(new);
        }
    }

    /// Counts the live members of an incident anew.
    fn recount(&mut self, incident: bellbuoy_core::incident::IncidentId) {
        let keys = self.state.members_of(incident);
        let open = |key: &&EpisodeKey| {
            let row = self.state.episodes.get(*key);
            row.is_some_and(|row| row.standing == crate::episode::Standing::Open)
        };
        let live = u32::try_from(keys.iter().filter(open).count()).unwrap_or(u32::MAX);
        if let Some(case) = self.state.cases.get_mut(&incident) {
            case.live = live;
        }
    }
}

/// What two episodes of one signal were together, when they turn out to be one.
fn united(a: &Episode, b: Episode) -> Episode {
    let mut one = b.clone();
    if a.began.from < b.began.from {
        one.began = a.began;
    }
    one.last_seen = a.last_seen.max(b.last_seen);
    one.last_claimed = a.last_claimed.max(b.last_claimed);
    one.repeats += a.repeats;
    one.objects += a.objects;
    one.failing += a.failing;
    one.severity = a.severity.min(b.severity);
    one.late |= a.late;
    a.evidence.iter().for_each(|evidence| one.note(*evidence));
    for source in &a.sources {
        if let Err(at) = one.sources.binary_search(source) {
            one.sources.insert(at, *source);
        }
    }
    for hub in &a.hubs {
        if !one.hubs.contains(hub) && one.hubs.len() < crate::episode::HUBS_MAX {
            one.hubs.push(*hub);
        }
    }
    one.named = b.named.or(a.named.filter(|named| one.hubs.iter().any(|(_, hub)| hub == named)));
    one.incident = b.incident.or(a.incident);
    one.explained_by = b.explained_by.or_else(|| a.explained_by.clone());
    one
}
