//! When a pending episode opens: what has lasted, what was repeated, what cannot heal; and what has to wait.

use crate::delivery::{gap_max, is_backfilled};
use crate::episode::{Episode, EpisodeKey, Standing, Symptom};
use crate::state::Timer;
use crate::turn::{PENDING_KEPT, Report, Turn};
use bellbuoy_core::rules::{Class, SignalRule};
use bellbuoy_core::time::{Span, Time};

/// How long planned work may keep what leans on it from being well: as long as a rollout may seem to stand still.
const PLANNED_TAKES: Span = Span::from_secs(600);

/// How far from planned work its consequences may be: node → pods → Service → callers, and one more.
const PLANNED_DEPTH: usize = 5;

/// How long a list takes to be told.
const LIST_TOLD: Span = Span::from_secs(2);

/// Which part of the reports that open an episode at once counts as "again and again" at the end of a recording: a fifth,
/// and two at the least, which are no accident.
const REPEATED_PART: u32 = 5;

impl Turn<'_, '_> {
    /// Whether a pending episode opens now, or when.
    pub(crate) fn consider(&mut self, key: EpisodeKey, report: &Report<'_>) {
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
        let repeats = symptom.map_or(0, |symptom| symptom.repeats);
        let often = report.lasted || report.rule.repeats > 0 && repeats >= report.rule.repeats;
        // What a list tells of has no order, and takes a moment to be told: its end may come behind it.
        let is_of_list = is_backfilled(report.evidence.observed_at, report.occurred.to);
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
        if let Some(until) = self.answered_until(key) {
            return Some(until);
        }
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

    /// Until when somebody is at work on just this: planned work on the same entity that is over with the same event as the
    /// trouble, as a node that is on its way and a pod that waits for one both are when the pod is scheduled.
    fn answered_until(&self, key: EpisodeKey) -> Option<Time> {
        let rule = |key: EpisodeKey| self.catalogue.rule(self.state.peek_code(key.signal));
        let ends = &rule(key)?.healed_by;
        let is_answer = |at: &EpisodeKey| {
            rule(*at).is_some_and(|work| {
                work.class == Class::Planned && work.healed_by.iter().any(|reason| ends.contains(reason))
            })
        };
        let work = self.state.on_entity(key.entity).into_iter().filter(is_answer);
        let rows = work.filter_map(|at| self.state.episodes.get(&at));
        rows.filter(|row| row.is_live() && row.failing > 0).map(|row| row.last_claimed + PLANNED_TAKES).max()
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
        let told = self.failing_symptoms(key).map(|symptom| symptom.told.1.since(symptom.told.0));
        told.max().unwrap_or(Span::ZERO)
    }

    /// What a few objects show of an episode.
    fn failing_symptoms(&self, key: EpisodeKey) -> impl Iterator<Item = &Symptom> {
        let symptoms = self.state.some_objects_of(key).into_iter();
        symptoms.filter_map(move |object| self.state.symptoms.get(&(key, object))).filter(|symptom| symptom.failing)
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
            let opens = match rule.class {
                Class::Converging | Class::Fixed if self.answered_until(key).is_some_and(|until| until > self.now) => {
                    false
                }
                Class::Converging if is_ripe => true,
                // The last word is that it happened again: nothing tells that it will not go on.
                Class::Converging if self.goes_on(key, &rule) => true,
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

    /// Whether an episode was reported again and again, and its emitter has not fallen silent since.
    fn goes_on(&self, key: EpisodeKey, rule: &SignalRule) -> bool {
        let Some(episode) = self.state.episodes.get(&key).filter(|_| rule.repeats > 0) else { return false };
        let repeats = match rule.every > Span::ZERO {
            // Several objects that were in trouble for a moment, one after another, are a rollout.
            true => self.failing_symptoms(key).map(|symptom| symptom.repeats).max().unwrap_or(0),
            false => u32::try_from(episode.repeats).unwrap_or(u32::MAX),
        };
        repeats >= rule.repeats.div_ceil(REPEATED_PART).max(2)
            && self.now.since(episode.last_claimed) <= gap_max(rule, repeats)
    }
}
