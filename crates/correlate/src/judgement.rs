//! When contradictions are looked for, and what becomes of those that are found.

use crate::asks::{Asks, WORKLOADS};
use crate::contradictions::{Estate, Finding};
use crate::episode::EpisodeKey;
use crate::state::Timer;
use crate::turn::{Report, Turn};
use bellbuoy_core::fact::{Fact, Source};
use bellbuoy_core::incident::Evidence;
use bellbuoy_core::intern::EntityId;
use bellbuoy_core::object::Entity;
use bellbuoy_core::report::ObjectReport;
use bellbuoy_core::time::{Interval, Span};

/// How long is waited for what was made together to be seen together: a Deployment comes before its Service, a pod before
/// its service account. Changes that follow each other are looked at once.
const JUDGE_AFTER: Span = Span::from_secs(10);

/// A change that a contradiction follows so soon is what made it: judged after a pause, and once more of it for clocks.
const JUST_NOW: Span = Span::from_secs(20);

/// Objects that are looked at again because another one has changed.
const DEPENDENTS_MAX: usize = 1_000;

/// Kinds whose absence others feel.
const REFERRED: [&str; 9] = [
    "ConfigMap",
    "Secret",
    "ServiceAccount",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "StorageClass",
    "PriorityClass",
    "RuntimeClass",
    "Deployment",
];

impl Turn<'_, '_> {
    /// Takes in what an object asks for and offers.
    pub(crate) fn take_asks(&mut self, id: EntityId, fact: &Fact, report: &ObjectReport) {
        let kind = &*fact.object.kind;
        let asker = match kind == "Pod" || WORKLOADS.contains(&kind) {
            true => self.state.topology.asker_of(id),
            false => id,
        };
        let stands_for_another = asker != id;
        let is_spare = report.replicas.is_some_and(|replicas| replicas.desired == 0);
        let speaks_itself = self.state.topology.object(asker).is_some_and(|row| row.has_state && !row.is_gone);
        if stands_for_another && (speaks_itself || is_spare) {
            return;
        }
        let evidence = Evidence { fact: fact.id, observed_at: fact.observed_at };
        let (asking, names) = (&mut self.state.asking, &mut self.state.topology.names);
        let is_news = match Asks::is_silent(report) {
            false => asking.put(names, asker, report, id, evidence),
            true => asking.remove(names, asker),
        };
        if is_news {
            self.judge_with_dependents(asker);
        }
    }

    /// An object is gone, with what it asked for and offered.
    pub(crate) fn asks_no_more(&mut self, id: EntityId, asker: EntityId) {
        if self.state.asking.of(asker).is_some_and(|asks| asks.by == id) {
            self.state.asking.remove(&mut self.state.topology.names, asker);
            self.judge_with_dependents(asker);
        } else {
            self.judge_dependents(id);
        }
    }

    /// An object's standing has changed: others may be in want of it, or no longer be.
    pub(crate) fn judge_with_dependents(&mut self, id: EntityId) {
        self.judge_later(id);
        self.judge_dependents(id);
    }

    fn judge_dependents(&mut self, id: EntityId) {
        let name = self.state.topology.names.name(id);
        let kind = &*name.kind;
        let mut dependents = Vec::new();
        if kind == "Service" {
            dependents.extend(self.state.asking.callers_of(id));
        } else if kind == "Pod" || kind == "Workload" || WORKLOADS.contains(&kind) {
            // What a Service leads to, a policy closes and a caller calls is read from the workloads of its namespace.
            let namespace = Entity::new("Namespace", "", &name.namespace);
            dependents.push(self.state.topology.names.intern(&namespace));
        }
        if REFERRED.contains(&kind) {
            let users: Vec<_> = self.state.topology.linked_to(id).take(DEPENDENTS_MAX).collect();
            dependents.extend(users.into_iter().map(|user| self.state.topology.asker_of(user)));
        }
        if matches!(kind, "PersistentVolume" | "StorageClass") {
            dependents.push(self.state.topology.names.intern(&Entity::new("StorageClass", "", "")));
        }
        dependents.sort_unstable();
        dependents.dedup();
        dependents.into_iter().for_each(|dependent| self.judge_later(dependent));
    }

    fn judge_later(&mut self, id: EntityId) {
        if self.state.asking.judge_later(&mut self.state.topology.names, id) {
            self.state.timers.set(Timer::Judge, self.now + JUDGE_AFTER);
        }
    }

    /// Looks at everything that has changed, and at what depends on it.
    pub(crate) fn judge_all(&mut self) {
        self.state.timers.clear(&Timer::Judge);
        while let Some(id) = self.state.asking.next_to_judge() {
            let name = self.state.topology.names.name(id);
            match (&*name.kind, &*name.name) {
                ("Namespace", namespace) => {
                    let services = self.state.asking.in_place("Service", namespace);
                    let policies = self.state.asking.in_place("NetworkPolicy", namespace);
                    let idle = self.state.asking.workloads_in(namespace).map(|(id, _)| id).filter(|id| !self.runs(*id));
                    let all: Vec<_> = services.chain(policies).chain(idle).collect();
                    all.into_iter().for_each(|id| self.judge(id));
                }
                // Every claim that waits, whatever its class.
                ("StorageClass", "") => self.waiting_claims().into_iter().for_each(|claim| self.judge(claim)),
                _ => self.judge(id),
            }
            self.state.topology.names.release(id);
        }
    }

    fn estate(&self) -> Estate<'_> {
        Estate { topology: &self.state.topology, asking: &self.state.asking }
    }

    fn runs(&self, id: EntityId) -> bool {
        self.estate().runs(id)
    }

    /// Whether a Service that has no endpoints leaves anybody alone.
    pub(crate) fn is_missed(&self, service: EntityId) -> bool {
        self.estate().is_missed(service)
    }

    fn waiting_claims(&self) -> Vec<EntityId> {
        let claims = self.state.topology.of_kind("PersistentVolumeClaim").into_iter().map(|(id, _)| id);
        let waits = |id: &EntityId| self.state.asking.of(*id).is_some_and(|asks| &*asks.phase == "Pending");
        claims.filter(waits).take(DEPENDENTS_MAX).collect()
    }

    /// Looks for contradictions at one object.
    fn judge(&mut self, id: EntityId) {
        self.learn_calls(id);
        let found = self.estate().contradictions(id);
        let name = self.state.topology.names.name(id);
        let catalogue = self.catalogue.clone();
        let entity = self.state.topology.workload_of(id);
        let mut signals = Vec::new();
        for finding in &found {
            let Some(reading) = catalogue.read_sign(finding.sign, &name.kind, &finding.message) else { continue };
            let signal = self.state.signal(&reading.rule.code);
            if signals.contains(&signal) {
                continue;
            }
            signals.push(signal);
            if self.state.asking.found_at(id).contains(&signal) {
                continue;
            }
            let occurred = self.onset(id, finding);
            self.report(Report {
                object: id,
                code: reading.rule.code.clone(),
                rule: reading.rule,
                severity: reading.rule.severity,
                occurred,
                message: &finding.message,
                source: Source::Objects,
                evidence: finding.evidence[0],
                repeats: None,
                lasted: false,
                anew: false,
                names: finding.names.clone(),
                hubs: finding.hubs.clone(),
            });
            self.state.touch_episode(EpisodeKey { entity, signal }, |episode| {
                finding.evidence.iter().for_each(|evidence| episode.note(*evidence));
            });
        }
        for signal in self.state.asking.found_at(id).to_vec() {
            if !signals.contains(&signal) {
                self.heal(EpisodeKey { entity, signal }, id, self.now);
            }
        }
        self.state.asking.set_found(&mut self.state.topology.names, id, signals);
        if &*name.kind == "Service" {
            self.judge_endpoints(id);
        }
    }

    /// Since when a contradiction has stood, as far as one can tell: not before the object was made or changed, and, where
    /// all is well for all that, not since anything else changed.
    fn onset(&self, id: EntityId, finding: &Finding) -> Interval {
        let created = self.state.asking.of(id).and_then(|asks| asks.created_at);
        let from = created.filter(|created| *created <= self.now).unwrap_or(self.now);
        let estate = self.estate();
        let callers = self.state.asking.callers_of(id);
        let is_well = estate.is_complete(id) || {
            let mut callers = callers.peekable();
            callers.peek().is_some() && callers.all(|id| estate.is_complete(id))
        };
        let heard = self.state.topology.heard(id);
        let has_changed = heard.is_some_and(|heard| heard.has_changed() && self.now.since(heard.stated_at) <= JUST_NOW);
        match (finding.has_gone || has_changed, is_well) {
            (true, _) => Interval::at(self.now),
            (false, true) => Interval::at(from),
            (false, false) => Interval { from, to: self.now },
        }
    }

    /// Whom an object calls. Services that are called, or no longer called, are looked at again.
    fn learn_calls(&mut self, id: EntityId) {
        let name = self.state.topology.names.name(id);
        let called = match self.state.asking.of(id) {
            Some(asks) => self.estate().called(&name, asks),
            None => Vec::new(),
        };
        let called: Vec<_> = called.iter().map(|service| self.state.topology.names.intern(service)).collect();
        let before = self.state.asking.calls_of(id).to_vec();
        if before == called {
            return;
        }
        let changed = called.iter().filter(|service| !before.contains(service));
        let changed: Vec<_> =
            changed.chain(before.iter().filter(|service| !called.contains(service))).copied().collect();
        self.state.asking.set_calls(&mut self.state.topology.names, id, called);
        for service in changed {
            self.state.asking.judge_later(&mut self.state.topology.names, service);
        }
    }

    /// Whether a signal on an entity is a contradiction that stands: nothing but its end ends it.
    pub(crate) fn is_found(&self, object: EntityId, signal: EntityId) -> bool {
        self.state.asking.found_at(object).contains(&signal)
    }
}
