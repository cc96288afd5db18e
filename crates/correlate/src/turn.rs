//! A turn: one fact or one deadline, with everything that it sets in motion in one scope.

use crate::catalogue::Catalogue;
use crate::delivery::gap_max;
use crate::episode::{Episode, EpisodeKey, Standing, Symptom, shorten};
use crate::state::{Tables, Timer};
use bellbuoy_core::Text;
use bellbuoy_core::fact::Source;
use bellbuoy_core::incident::{Change, Evidence, Incident};
use bellbuoy_core::intern::EntityId;
use bellbuoy_core::object::Entity;
use bellbuoy_core::rules::{Class, Limits, Match, Relation, SignalRule};
use bellbuoy_core::severity::Severity;
use bellbuoy_core::stage::Ctx;
use bellbuoy_core::time::{Interval, Span, Time};
use std::sync::Arc;

/// How long an episode that never opened is remembered after its last report, beyond its grace.
pub(crate) const PENDING_KEPT: Span = Span::from_secs(900);

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
    /// What it tells of has come nearer to its end since it was told last: how long it lasts counts from now.
    pub(crate) anew: bool,
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
        counted.repeats = counted.repeats.saturating_add(new);
        if report.occurred.from.since(counted.told.1) > gap_max(report.rule, counted.repeats) {
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
        // What was well or came nearer in the meantime, before anybody was told, begins anew.
        let may_pass = episode.standing == Standing::Pending && report.rule.class == Class::Converging;
        if is_first || may_pass && (report.anew || episode.healing_since.is_some()) {
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
        let mut speaks_anew = is_first;
        if new > 0 || episode.message.is_empty() {
            let message = shorten(report.message);
            speaks_anew |= message != episode.message;
            episode.message = message;
        }
        episode.note(report.evidence);
        episode.late |= self.late;
        episode.healing_since = None;
        episode.heard_from(report.source);
        let known_hubs = episode.hubs.len();
        self.add_hubs(&mut episode, &report, is_first.then_some(entity), speaks_anew);
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

    /// What shows an episode runs since then, as it did before it ended the last ten times: it is well when it has run for
    /// long enough, and not a moment before.
    pub(crate) fn heals_if_it_runs_on(&mut self, key: EpisodeKey, since: Time) {
        let Some(rule) = self.catalogue.rule(&self.state.code(key.signal)) else { return };
        let due = since + rule.heals_after;
        if self.state.episodes.get(&key).is_some_and(|episode| episode.failing <= 1 && episode.is_live()) {
            self.state.timers.set(Timer::Heal(key), due);
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
    pub(crate) fn end_if_inferred(&mut self, cause: EpisodeKey) {
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
