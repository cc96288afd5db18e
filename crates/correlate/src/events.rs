//! What Events and alerts say: signals, recovery, and topology in passing.

use crate::catalogue::ANY_ALERT;
use crate::delivery::{gap_max, is_backfilled};
use crate::episode::EpisodeKey;
use crate::image::{image_in, registry_of};
use crate::state::Timer;
use crate::turn::{Report, Turn};
use crate::workload::{WORKLOAD, static_pod};
use bellbuoy_core::fact::{Fact, FactId, Source};
use bellbuoy_core::incident::Evidence;
use bellbuoy_core::intern::EntityId;
use bellbuoy_core::object::Entity;
use bellbuoy_core::report::{AlertReport, EventReport};
use bellbuoy_core::rules::{Relation, SignalRule};
use bellbuoy_core::severity::Severity;
use bellbuoy_core::time::{Span, Time};

/// How long recoveries of a list are remembered: until the list has been told.
const BACKFILL_KEPT: Span = Span::from_secs(60);

impl Turn<'_, '_> {
    /// Takes a Kubernetes Event in.
    pub(crate) fn event(&mut self, fact: &Fact, event: &EventReport) {
        self.learn(fact, event);
        let catalogue = self.catalogue.clone();
        let reading = catalogue.read_event(&fact.object.kind, event);
        // A reason that tells of good ends and bad ones, as that of a finished job, is no recovery from what it tells.
        if !reading.as_ref().is_some_and(|reading| reading.rule.healed_by.contains(&event.reason)) {
            self.recover(fact, event);
        }
        let Some(reading) = reading else { return };
        self.stands_for_itself(&fact.object.kind, &fact.object.namespace, &fact.object.name);
        let object = self.state.topology.id(&fact.object);
        let names = reading.named(&fact.object.namespace);
        let registry = image_in(&event.message).and_then(registry_of);
        let mut hubs = Vec::new();
        if let Some(registry) = registry {
            hubs.push((Relation::Registry, self.state.topology.names.intern_parts("Registry", "", registry)));
        }
        if let Some(image) = image_in(&event.message) {
            hubs.push((Relation::Image, self.state.topology.names.intern_parts("Image", "", image)));
        }
        if &*event.component == "kubelet" && !event.host.is_empty() && &*fact.object.kind == "Pod" {
            hubs.push((Relation::Node, self.state.topology.names.intern_parts("Node", "", &event.host)));
        }
        let is_news = self.report(Report {
            object,
            code: reading.rule.code.clone(),
            rule: reading.rule,
            severity: reading.rule.severity,
            occurred: fact.occurred,
            message: &event.message,
            source: Source::Events,
            evidence: Evidence { fact: fact.id, observed_at: fact.observed_at },
            repeats: Some((uid_hash(&event.uid, fact.id), event.repeats.max(1))),
            lasted: false,
            anew: false,
            names,
            hubs,
        });
        if !is_news {
            return;
        }
        let (entity, signal) = (self.state.topology.workload_of(object), self.state.signal(&reading.rule.code));
        let key = EpisodeKey { entity, signal };
        if let Some(first) =
            event.first_at.filter(|first| !event.is_first && is_dense(event, *first, fact, reading.rule))
        {
            // Its own word for how long it has gone on: age comes from the observation too. A pod that is ready, or was in
            // the meantime, had another trouble before.
            let row = self.state.topology.object(object).filter(|row| row.has_state && reading.rule.every > Span::ZERO);
            let well_until =
                row.and_then(|row| if row.is_ready { Some(fact.occurred.from) } else { row.unready_since });
            let first = well_until.map_or(first, |since| first.max(since));
            self.began_by(key, object, first, is_backfilled(fact.observed_at, fact.occurred.to));
        }
        if is_backfilled(fact.observed_at, fact.occurred.to)
            && let Some(since) = self.recovered(object, fact, reading.rule)
        {
            self.heal(key, object, since.min(self.now));
            return;
        }
        match self.state.topology.object(object).map(|row| (row.is_gone, row.has_state && row.is_ready)) {
            // The last words of something that is gone.
            Some((true, _)) => self.heal(key, object, self.now),
            // It is ready for all that: if nothing more is told, it was a moment's trouble. What has lasted is not.
            Some((_, true)) if !self.state.episodes.get(&key).is_some_and(|episode| episode.is_ripe) => {
                self.heal(key, object, fact.occurred.to.min(self.now));
            }
            _ => {}
        }
    }

    /// What an Event tells of topology in passing: where a pod went, who made it, who is gone.
    fn learn(&mut self, fact: &Fact, event: &EventReport) {
        let namespace = &fact.object.namespace;
        let now = self.now;
        fn words<'t>(text: &'t str, marker: &str) -> Option<&'t str> {
            let (_, rest) = text.split_once(marker)?;
            Some(rest.split_whitespace().next()?.trim_end_matches(['.', ',']))
        }
        match (&*event.reason, &*fact.object.kind) {
            ("Scheduled", "Pod") => {
                let Some(node) = words(&event.message, " to ") else { return };
                let pod = self.state.topology.id(&fact.object);
                let node = self.state.topology.names.intern_parts("Node", "", node);
                if !self.state.topology.object(pod).is_some_and(|row| row.has_state) {
                    self.state.topology.change(pod, now, |row| row.node = Some(node));
                }
            }
            ("SuccessfulCreate", _) => {
                // ReplicaSets, DaemonSets and Jobs; StatefulSets; CronJobs.
                let forms = [("Pod", "Created pod: "), ("Pod", "create Pod "), ("Job", "Created job ")];
                let child = forms.iter().find_map(|(kind, form)| Some((*kind, words(&event.message, form)?)));
                if let Some((kind, child)) = child {
                    self.owned(&Entity::new(kind, namespace, child), fact);
                }
            }
            ("ScalingReplicaSet", "Deployment") => {
                let Some(set) = words(&event.message, "replica set ") else { return };
                self.owned(&Entity::new("ReplicaSet", namespace, set), fact);
            }
            ("SuccessfulDelete", _) => {
                let forms = ["Deleted pod: ", "delete Pod "];
                let Some(pod) = forms.iter().find_map(|form| words(&event.message, form)) else { return };
                if let Some(pod) = self.state.topology.names.find("Pod", namespace, pod) {
                    self.gone(pod);
                }
            }
            ("RemovingNode", "Node") => self.removed(fact),
            ("RegisteredNode", "Node") => {
                if let Some(node) = self.state.topology.number_of(&fact.object)
                    && self.state.topology.object(node).is_some_and(|row| row.is_gone && !row.has_state)
                {
                    self.state.topology.change(node, now, |row| row.is_gone = false);
                }
            }
            ("FailedScheduling", "Pod") if event.message.starts_with("skip schedule deleting pod") => {
                if let Some(pod) = self.state.topology.number_of(&fact.object) {
                    self.gone(pod);
                }
            }
            (_, "Pod") if &*event.component == "kubelet" && !event.host.is_empty() => self.runs_on(fact, &event.host),
            _ => {}
        }
    }

    /// The controller of nodes lets go of a node that has been deleted: whatever was wrong with it ends with it.
    fn removed(&mut self, fact: &Fact) {
        let node = self.state.topology.id(&fact.object);
        if self.state.topology.object(node).is_some_and(|row| row.has_state && !row.is_gone) {
            // Its state was told of: then its deletion is told too.
            return;
        }
        self.gone(node);
        self.state.topology.change(node, self.now, |row| row.is_gone = true);
    }

    /// A kubelet speaks of the pods of its own node.
    fn runs_on(&mut self, fact: &Fact, host: &str) {
        let known = self.state.topology.number_of(&fact.object);
        if known.and_then(|pod| self.state.topology.object(pod)).is_some_and(|row| row.has_state) {
            return;
        }
        let pod = self.state.topology.id(&fact.object);
        let node = self.state.topology.names.intern_parts("Node", "", host);
        if self.state.topology.object(pod).is_some_and(|row| row.node == Some(node)) {
            return;
        }
        self.state.topology.change(pod, self.now, |row| row.node = Some(node));
        if let Some(name) = static_pod(&fact.object.kind, &fact.object.name, host) {
            let owner = Entity::new(WORKLOAD, &fact.object.namespace, name);
            let owner = self.state.topology.names.intern(&owner);
            self.owned_by(pod, owner);
        }
        self.bound_objects();
    }

    fn owned(&mut self, child: &Entity, fact: &Fact) {
        let child = self.state.topology.names.intern(child);
        let owner = self.state.topology.id(&fact.object);
        if !self.state.topology.object(child).is_some_and(|row| row.has_state) {
            self.owned_by(child, owner);
            self.bound_objects();
        }
    }

    fn owned_by(&mut self, child: EntityId, owner: EntityId) {
        let was = self.state.topology.workload_of(child);
        self.state.topology.change(child, self.now, |row| row.owner = Some(owner));
        let is = self.state.topology.workload_of(child);
        self.renamed(child, was, is);
    }

    /// Signals on the same object that this Event speaks the end of.
    fn recover(&mut self, fact: &Fact, event: &EventReport) {
        let catalogue = self.catalogue.clone();
        let mut healed = catalogue.healed_by(&event.reason).peekable();
        if healed.peek().is_none() {
            return;
        }
        if is_backfilled(fact.observed_at, fact.occurred.to) {
            self.note_recovery(fact, event);
        }
        let Some(object) = self.state.topology.number_of(&fact.object) else { return };
        let entity = self.state.topology.workload_of(object);
        // Most of what goes well goes well where nothing was wrong.
        if self.state.sharing(entity, Relation::Same).next().is_none() {
            return;
        }
        for rule in healed {
            let Some(signal) = self.state.known_signal(&rule.code) else { continue };
            let key = EpisodeKey { entity, signal };
            let claimed = self.state.episodes.get(&key).map(|episode| episode.last_claimed);
            if claimed.is_some_and(|claimed| claimed <= fact.occurred.to) {
                self.heal(key, object, fact.occurred.to.min(self.now));
            }
        }
    }

    /// A list tells of an hour at once, in any order: what speaks of recovery may come before what was recovered from.
    fn note_recovery(&mut self, fact: &Fact, event: &EventReport) {
        let object = self.state.topology.id(&fact.object);
        let row = (object, event.reason.clone());
        let at = fact.occurred.to;
        match self.state.recoveries.get(&row).copied() {
            Some(known) if known >= at => return,
            Some(_) => {}
            None => self.state.topology.names.retain(object),
        }
        self.state.recoveries.insert(row, at);
        self.state.timers.set(Timer::Recoveries, self.now + BACKFILL_KEPT);
    }

    /// When an object recovered from what a backfilled event tells of, if that was told before.
    fn recovered(&self, object: EntityId, fact: &Fact, rule: &SignalRule) -> Option<Time> {
        let told = rule.healed_by.iter().filter_map(|reason| self.state.recoveries.get(&(object, reason.clone())));
        told.copied().filter(|at| *at >= fact.occurred.to).max()
    }

    /// A list has been told.
    pub(crate) fn forget_recoveries(&mut self) {
        while let Some(row) = self.state.recoveries.first().map(|(row, _)| row.clone()) {
            self.state.topology.names.release(row.0);
            self.state.recoveries.remove(&row);
        }
    }

    /// One alert of a signal has ended: the signal ends on its object with the last of them, unless something else than
    /// alerts tells of it.
    fn alert_ended(&mut self, key: EpisodeKey, object: EntityId, uid: u64, since: Time) {
        let Some(mut symptom) = self.state.symptoms.get(&(key, object)).cloned() else { return };
        symptom.uids.retain(|(known, _)| *known != uid);
        let is_last = symptom.uids.is_empty() && !symptom.by_state;
        self.state.put_symptom(key, object, symptom);
        if is_last {
            self.heal(key, object, since);
        }
    }

    /// Takes an alert in.
    pub(crate) fn alert(&mut self, fact: &Fact, alert: &AlertReport) {
        let catalogue = self.catalogue.clone();
        let Some(rule) = catalogue.read_alert(alert) else { return };
        let label = |name: &str| alert.labels.iter().find(|(key, _)| &**key == name).map(|(_, value)| &**value);
        let severity = match label("severity") {
            Some("critical" | "page" | "error" | "emergency") => Severity::P2,
            Some("none" | "info" | "debug") => Severity::P5,
            Some(_) | None => Severity::P3,
        };
        // Alerts that say of themselves that they are no harm (Watchdog, InfoInhibitor) open nothing.
        if severity == Severity::P5 {
            return;
        }
        let is_any = &*rule.code == ANY_ALERT;
        // An alert need not have a name, an incident must: then it goes by the entry's.
        let code = if is_any && !alert.name.is_empty() { alert.name.clone() } else { rule.code.clone() };
        self.stands_for_itself(&fact.object.kind, &fact.object.namespace, &fact.object.name);
        let object = self.state.topology.id(&fact.object);
        // A firing is counted by its start, so that re-sends of one alert are one report.
        let start = alert.starts_at.unwrap_or(fact.occurred.from);
        let uid = uid_hash(&alert.fingerprint, fact.id) ^ start.0.cast_unsigned().rotate_left(17);
        if !alert.firing || alert.suppressed {
            let entity = self.state.topology.workload_of(object);
            if let Some(signal) = self.state.known_signal(&code) {
                self.alert_ended(EpisodeKey { entity, signal }, object, uid, fact.occurred.to.min(self.now));
            }
            return;
        }
        self.report(Report {
            object,
            code,
            rule,
            severity: if is_any { severity } else { rule.severity },
            occurred: fact.occurred,
            message: if alert.summary.is_empty() { &alert.name } else { &alert.summary },
            source: Source::Alerts,
            evidence: Evidence { fact: fact.id, observed_at: fact.observed_at },
            repeats: Some((uid, 1)),
            // It has waited its `for` where it was made.
            lasted: true,
            anew: false,
            names: None,
            hubs: Vec::new(),
        });
    }
}

/// Whether an Event's repeats are so close that it has gone on from the first to the last: the same moment's trouble
/// twice within an hour has not lasted for an hour.
fn is_dense(event: &EventReport, first: Time, fact: &Fact, rule: &SignalRule) -> bool {
    let gaps = i64::from(event.repeats.max(2) - 1);
    let gap = Span(fact.occurred.to.since(first).0 / gaps);
    gap <= gap_max(rule, event.repeats)
}

/// A short name for an Event object or an alert; what has none goes by its fact.
fn uid_hash(uid: &str, fact: FactId) -> u64 {
    let bytes = if uid.is_empty() { &fact.0[..] } else { uid.as_bytes() };
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}
