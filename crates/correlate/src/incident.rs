//! Incidents: opened by an episode that nothing explains, joined, merged, ended, taken.

use crate::episode::{Episode, EpisodeKey};
use crate::state::{Case, Timer};
use crate::turn::Turn;
use bellbuoy_core::fact::FactId;
use bellbuoy_core::incident::{Change, IncidentId, Status, TimelineEntry};
use bellbuoy_core::report::{Action, Command};
use bellbuoy_core::time::{Span, Time};

/// Members per second by which the records of a large incident are spread out further.
const MEMBERS_PER_UPDATE_STEP: usize = 1_000;

impl Turn<'_, '_> {
    /// Gives an open episode its incident: that of what explains it, its former one, or a new one.
    pub(crate) fn enrol(&mut self, key: EpisodeKey) {
        let Some(episode) = self.state.episodes.get(&key) else { return };
        let cause = episode.explained_by.as_ref().map(|edge| edge.cause);
        let joined = cause.and_then(|cause| self.state.episodes.get(&cause)?.incident);
        let joined = joined.filter(|incident| self.state.cases.contains(incident));
        let former = episode.incident.filter(|incident| self.state.cases.contains(incident));
        // A child may have been enrolled before its cause: its incident is the cause's too.
        let child = self.state.explained_by(key).find_map(|child| self.state.episodes.get(&child)?.incident);
        match joined.or(former).or(child) {
            Some(incident) => self.join(key, incident),
            None => {
                let incident = self.found(key);
                self.join(key, incident);
            }
        }
        self.gather(key);
    }

    /// What an episode explains belongs to its incident: a cause that comes back may have left its effects behind in
    /// another one.
    fn gather(&mut self, key: EpisodeKey) {
        let children: Vec<_> = self.state.explained_by(key).collect();
        for child in children {
            let incident = |at| self.state.episodes.get(&at).filter(|row| row.is_live()).and_then(|row| row.incident);
            if let (Some(a), Some(b)) = (incident(key), incident(child)) {
                let edge = self.state.episodes.get(&child).and_then(|row| row.explained_by.as_ref());
                let strength = edge.map_or(0, |edge| edge.strength);
                if self.let_join(child, strength, (Some(b), Some(a))) {
                    self.merge_live(a, b);
                }
            }
        }
    }

    fn found(&mut self, key: EpisodeKey) -> IncidentId {
        let name = self.state.topology.names.name(key.entity);
        let code = self.state.code(key.signal);
        let mut salt = 0_u32;
        let id = loop {
            let FactId(hash) = FactId::of(&(self.ctx.scope(), &name, &code, self.now, salt));
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&hash[..8]);
            let id = IncidentId(u64::from_be_bytes(bytes));
            if !self.state.cases.contains(&id) {
                break id;
            }
            salt += 1;
        };
        let case = Case { opened_at: self.now, ..Case::default() };
        self.state.cases.insert(id, case);
        self.change_case(id, Change::Opened);
        self.tell(id, format!("opened: {} on {name}", code));
        id
    }

    fn join(&mut self, key: EpisodeKey, incident: IncidentId) {
        let Some(mut episode) = self.state.episodes.get(&key).cloned() else { return };
        if self.state.members.contains(&(incident, key)) && episode.incident == Some(incident) {
            self.reopen(incident);
            self.state.cases.get_mut(&incident).into_iter().for_each(|case| case.live += 1);
            self.change_case(incident, Change::Grew);
            return;
        }
        if let Some(old) = episode.incident {
            self.state.members.remove(&(old, key));
        }
        episode.incident = Some(incident);
        self.state.put_episode(key, episode);
        self.state.members.insert((incident, key), ());
        self.reopen(incident);
        self.state.cases.get_mut(&incident).into_iter().for_each(|case| case.live += 1);
        self.change_case(incident, Change::Grew);
    }

    fn reopen(&mut self, incident: IncidentId) {
        let Some(case) = self.state.cases.get_mut(&incident).filter(|case| case.status == Status::Resolved) else {
            return;
        };
        let ended = case.resolved_at.take();
        case.status = Status::Open;
        case.acknowledged_at = None;
        case.acknowledged_by = "".into();
        if let Some(ended) = ended {
            self.state.ended.remove(&(ended, incident));
        }
        self.change_case(incident, Change::Reopened);
        self.tell(incident, "came back".to_owned());
    }

    /// Whether an incident has ended.
    pub(crate) fn is_over(&self, incident: IncidentId) -> bool {
        self.state.cases.get(&incident).is_none_or(|case| case.status == Status::Resolved)
    }

    /// Folds two incidents into one, if they are two and both go on. What is over stays what it was: only the episode
    /// goes where it belongs now, when it is enrolled.
    pub(crate) fn merge_live(&mut self, a: IncidentId, b: IncidentId) {
        if a != b && !self.is_over(a) && !self.is_over(b) && !self.are_apart(Some(a), Some(b)) {
            self.merge(a, b);
        }
    }

    /// Folds one incident into another: the one that opened first survives.
    pub(crate) fn merge(&mut self, a: IncidentId, b: IncidentId) {
        let opened = |id| self.state.cases.get(&id).map(|case| (case.opened_at, id));
        let (Some(first), Some(second)) = (opened(a), opened(b)) else { return };
        let (survivor, absorbed) = if first <= second { (a, b) } else { (b, a) };
        let moved = self.state.cases.get(&absorbed).map_or(0, |case| case.live);
        self.close_merged(absorbed, survivor);
        for key in self.state.members_of(absorbed) {
            self.state.members.remove(&(absorbed, key));
            self.state.members.insert((survivor, key), ());
            self.state.touch_episode(key, |episode| episode.incident = Some(survivor));
        }
        let apart = self.state.cases.get(&absorbed).map(|case| case.apart.clone()).unwrap_or_default();
        self.state.cases.get_mut(&survivor).into_iter().for_each(|case| {
            case.live += moved;
            apart.iter().for_each(|other| case.keep_apart(*other));
        });
        if self.state.cases.get(&absorbed).is_some_and(|case| case.revision == 0) {
            self.state.cases.remove(&absorbed);
            self.state.dirty.remove(&absorbed);
            self.change_case(survivor, Change::Grew);
            return;
        }
        self.tell(survivor, format!("merged {absorbed} into this one"));
        self.change_case(survivor, Change::Absorbed);
        self.bound_ended();
    }

    /// Writes the last record of an incident that is part of another one, while it still has its members. One that
    /// nobody has heard of goes without a word.
    fn close_merged(&mut self, absorbed: IncidentId, survivor: IncidentId) {
        let now = self.now;
        let Some(case) = self.state.cases.get_mut(&absorbed) else { return };
        if case.revision == 0 {
            return;
        }
        case.status = Status::Merged;
        case.merged_into = Some(survivor);
        case.resolved_at = Some(now);
        self.tell(absorbed, format!("merged into {survivor}"));
        self.change_case(absorbed, Change::Merged);
        self.write(absorbed);
        self.state.dirty.remove(&absorbed);
        self.state.cases.get_mut(&absorbed).into_iter().for_each(|case| case.live = 0);
        self.state.ended.insert((now, absorbed), ());
    }

    /// A member ended: the incident ends with its last.
    pub(crate) fn member_ended(&mut self, key: EpisodeKey) {
        let Some(incident) = self.state.episodes.get(&key).and_then(|episode| episode.incident) else { return };
        let now = self.now;
        let Some(case) = self.state.cases.get_mut(&incident) else { return };
        case.live = case.live.saturating_sub(1);
        if case.live > 0 {
            self.change_case(incident, Change::Shrank);
            return;
        }
        self.resolve(incident, now, "everything in it has been well for long enough".to_owned());
    }

    fn resolve(&mut self, incident: IncidentId, now: Time, why: String) {
        let Some(case) = self.state.cases.get_mut(&incident) else { return };
        case.status = Status::Resolved;
        case.resolved_at = Some(now);
        self.state.ended.insert((now, incident), ());
        self.tell(incident, format!("resolved: {why}"));
        self.change_case(incident, Change::Resolved);
        self.bound_ended();
    }

    /// Forgets the oldest ended incidents beyond the limit, with their episodes.
    fn bound_ended(&mut self) {
        let max = self.limits().ended_incidents_max as usize;
        while self.state.ended.len() > max {
            let Some(((at, incident), ())) = self.state.ended.first().map(|(key, ())| (*key, ())) else { return };
            self.state.ended.remove(&(at, incident));
            // Its last record tells of its members, and is written before they are forgotten.
            if self.state.dirty.remove(&incident) {
                self.write(incident);
            }
            for key in self.state.members_of(incident) {
                self.purge(key);
            }
            self.state.cases.remove(&incident);
            self.state.timers.clear(&Timer::Write(incident));
        }
    }

    /// An incident whose episodes are all forgotten need not be remembered either.
    pub(crate) fn forget_if_empty(&mut self, incident: IncidentId) {
        if self.state.has_members(incident) || self.state.dirty.contains(&incident) {
            return;
        }
        if let Some(case) = self.state.cases.get(&incident) {
            let ended = case.resolved_at;
            if let Some(at) = ended {
                self.state.ended.remove(&(at, incident));
            }
            self.state.cases.remove(&incident);
            self.state.timers.clear(&Timer::Write(incident));
        }
    }

    /// Carries out a person's command.
    pub(crate) fn command(&mut self, command: &Command, fact: FactId, object: &bellbuoy_core::object::ObjectRef) {
        let by_id = command.incident.parse().ok().filter(|id| self.state.cases.contains(id));
        let by_object = || {
            let id = self.state.topology.names.get(&object.entity())?;
            self.state.on_entity(id).into_iter().find_map(|key| self.state.episodes.get(&key)?.incident)
        };
        let Some(mut incident) = by_id.or_else(by_object) else {
            let reason = format!(
                "no incident {:?} and none about {} is remembered; expected an id such as inc-0123456789abcdef",
                command.incident,
                object.entity()
            );
            self.ctx.reject(Some(fact), reason);
            return;
        };
        // What somebody says of a part holds for the whole.
        incident = self.survivor(incident);
        let now = self.now;
        match &command.action {
            Action::Acknowledge => {
                let Some(case) = self.state.cases.get_mut(&incident).filter(|case| case.status == Status::Open) else {
                    return;
                };
                case.status = Status::Acknowledged;
                case.acknowledged_at = Some(now);
                case.acknowledged_by = command.by.clone();
                self.tell(incident, format!("acknowledged by {}", command.by));
                self.change_case(incident, Change::Acknowledged);
            }
            Action::Resolve => {
                for key in self.state.members_of(incident) {
                    if self.state.episodes.get(&key).is_some_and(Episode::is_live) {
                        self.end(key);
                    }
                }
                self.tell(incident, format!("resolved by {}", command.by));
            }
            Action::Note { text } => {
                self.tell(incident, format!("{}: {text}", command.by));
                self.change_case(incident, Change::Noted);
            }
        }
    }

    /// Writes into the timeline.
    pub(crate) fn tell(&mut self, incident: IncidentId, text: String) {
        // A rule set of another hand may name any limit: the first entry stays.
        let max = (self.limits().timeline_max as usize).max(1);
        let at = self.now;
        if let Some(case) = self.state.cases.get_mut(&incident) {
            case.timeline.push(TimelineEntry { at, text: text.into() });
            if case.timeline.len() > max {
                // The first entry tells how it began; the newest tell where it stands.
                case.timeline.remove(1);
            }
        }
    }

    /// Notes that a member's incident has changed.
    pub(crate) fn change(&mut self, key: EpisodeKey, change: Change) {
        if let Some(incident) = self.state.episodes.get(&key).and_then(|episode| episode.incident) {
            self.change_case(incident, change);
        }
    }

    /// Notes that an incident has changed.
    pub(crate) fn change_case(&mut self, incident: IncidentId, change: Change) {
        if let Some(case) = self.state.cases.get_mut(&incident) {
            if !case.changes.contains(&change) {
                case.changes.push(change);
            }
            self.state.dirty.insert(incident);
        }
    }

    /// Ends the turn: incidents that changed are written, growth at most once per `update_every`.
    pub(crate) fn finish(&mut self) {
        for incident in std::mem::take(&mut self.state.dirty) {
            let Some(case) = self.state.cases.get(&incident) else { continue };
            let can_wait = case.changes.iter().all(|change| matches!(change, Change::Grew | Change::Shrank));
            let due = case.written_at.map(|at| at + self.update_every(case.live as usize));
            match due.filter(|due| can_wait && *due > self.now) {
                Some(due) => self.state.timers.set(Timer::Write(incident), due),
                None => self.write(incident),
            }
        }
        self.state.topology.names.sweep();
    }

    /// Records of one incident are at least so far apart. The larger it is, the further: a record costs as much as the
    /// incident has members, and ten thousand of them change little in a second.
    fn update_every(&self, live: usize) -> Span {
        let steps = i64::try_from(live / MEMBERS_PER_UPDATE_STEP).unwrap_or(0);
        Span(self.limits().update_every.0.saturating_mul(1 + steps))
    }

    /// Writes an incident's record.
    pub(crate) fn write(&mut self, incident: IncidentId) {
        self.state.timers.clear(&Timer::Write(incident));
        let Some(record) = self.record(incident) else { return };
        let now = self.now;
        if let Some(case) = self.state.cases.get_mut(&incident) {
            case.revision = record.revision;
            case.written_at = Some(now);
            case.changes.clear();
        }
        self.ctx.emit(record);
    }
}
