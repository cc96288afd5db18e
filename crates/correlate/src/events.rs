//! What Events and alerts say: signals, recovery, and topology in passing.

use crate::catalogue::{ANY_ALERT, image_in, registry_of};
use crate::episode::EpisodeKey;
use crate::turn::{Report, Turn};
use bellbuoy_core::fact::{Fact, FactId, Source};
use bellbuoy_core::incident::{Evidence, Severity};
use bellbuoy_core::object::Entity;
use bellbuoy_core::report::{AlertReport, EventReport};
use bellbuoy_core::rules::Relation;

impl Turn<'_, '_> {
    /// Takes a Kubernetes Event in.
    pub(crate) fn event(&mut self, fact: &Fact, event: &EventReport) {
        self.learn(fact, event);
        self.recover(fact, event);
        let catalogue = self.catalogue.clone();
        let Some(reading) = catalogue.read_event(&fact.object.kind, event) else { return };
        let object = self.state.topology.id(&fact.object);
        let names = reading.names.map(|(kind, name)| Entity::new(kind, &fact.object.namespace, &name));
        let registry = image_in(&event.message).and_then(registry_of);
        let mut hubs = Vec::new();
        if let Some(registry) = registry {
            hubs.push((Relation::Registry, self.state.topology.names.intern(&registry)));
        }
        if let Some(image) = image_in(&event.message) {
            hubs.push((Relation::Image, self.state.topology.names.intern(&Entity::new("Image", "", image))));
        }
        if &*event.component == "kubelet" && !event.host.is_empty() && &*fact.object.kind == "Pod" {
            hubs.push((Relation::Node, self.state.topology.names.intern(&Entity::new("Node", "", &event.host))));
        }
        self.report(Report {
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
            names,
            hubs,
        });
        if let Some(first) = event.first_at.filter(|_| !event.is_first) {
            // Its own word for how long it has gone on: age comes from the observation too.
            let object_key = self.state.topology.workload_of(object);
            let signal = self.state.signal(&reading.rule.code);
            self.began_by(EpisodeKey { entity: object_key, signal }, first);
        }
    }

    /// What an Event tells of topology in passing: where a pod went, who made it, who is gone.
    fn learn(&mut self, fact: &Fact, event: &EventReport) {
        let namespace = &fact.object.namespace;
        let now = self.now;
        let words = |text: &str, marker: &str| -> Option<String> {
            let (_, rest) = text.split_once(marker)?;
            Some(rest.split_whitespace().next()?.trim_end_matches(['.', ',']).to_owned())
        };
        match (&*event.reason, &*fact.object.kind) {
            ("Scheduled", "Pod") => {
                let Some(node) = words(&event.message, " to ") else { return };
                let pod = self.state.topology.id(&fact.object);
                let node = self.state.topology.names.intern(&Entity::new("Node", "", &node));
                if !self.state.topology.object(pod).is_some_and(|row| row.has_state) {
                    self.state.topology.change(pod, now, |row| row.node = Some(node));
                }
            }
            ("SuccessfulCreate", _) => {
                let Some(pod) = words(&event.message, "Created pod: ") else { return };
                self.owned(&Entity::new("Pod", namespace, &pod), fact);
            }
            ("ScalingReplicaSet", "Deployment") => {
                let Some(set) = words(&event.message, "replica set ") else { return };
                self.owned(&Entity::new("ReplicaSet", namespace, &set), fact);
            }
            ("SuccessfulDelete", _) => {
                let Some(pod) = words(&event.message, "Deleted pod: ") else { return };
                if let Some(pod) = self.state.topology.names.get(&Entity::new("Pod", namespace, &pod)) {
                    self.gone(pod);
                }
            }
            ("FailedScheduling", "Pod") if event.message.starts_with("skip schedule deleting pod") => {
                if let Some(pod) = self.state.topology.names.get(&fact.object.entity()) {
                    self.gone(pod);
                }
            }
            _ => {}
        }
    }

    fn owned(&mut self, child: &Entity, fact: &Fact) {
        let now = self.now;
        let child = self.state.topology.names.intern(child);
        let owner = self.state.topology.id(&fact.object);
        if !self.state.topology.object(child).is_some_and(|row| row.has_state) {
            self.state.topology.change(child, now, |row| row.owner = Some(owner));
            self.bound_objects();
        }
    }

    /// Signals on the same object that this Event speaks the end of.
    fn recover(&mut self, fact: &Fact, event: &EventReport) {
        let Some(object) = self.state.topology.names.get(&fact.object.entity()) else { return };
        let catalogue = self.catalogue.clone();
        for rule in catalogue.healed_by(&event.reason) {
            let Some(signal) = self.state.known_signal(&rule.code) else { continue };
            let entity = self.state.topology.workload_of(object);
            let key = EpisodeKey { entity, signal };
            let began = self.state.episodes.get(&key).map(|episode| episode.began.from);
            if began.is_some_and(|began| began <= fact.occurred.to) {
                self.heal(key, object, fact.occurred.to.min(self.now));
            }
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
        let code = if is_any { alert.name.clone() } else { rule.code.clone() };
        let object = self.state.topology.id(&fact.object);
        let fingerprint = uid_hash(&alert.fingerprint, fact.id);
        if !alert.firing || alert.suppressed {
            let entity = self.state.topology.workload_of(object);
            if let Some(signal) = self.state.known_signal(&code) {
                self.heal(EpisodeKey { entity, signal }, object, fact.occurred.to.min(self.now));
            }
            return;
        }
        // A firing is counted by its start, so that re-sends of one alert are one report.
        let start = alert.starts_at.unwrap_or(fact.occurred.from);
        let uid = fingerprint ^ start.0.cast_unsigned().rotate_left(17);
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
            lasted: false,
            names: None,
            hubs: Vec::new(),
        });
    }
}

/// A short name for an Event object or an alert; what has none goes by its fact.
fn uid_hash(uid: &str, fact: FactId) -> u64 {
    let bytes = if uid.is_empty() { &fact.0[..] } else { uid.as_bytes() };
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}
