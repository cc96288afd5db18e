//! Services that have nobody to answer.

use crate::episode::EpisodeKey;
use crate::turn::{Report, Turn};
use bellbuoy_core::fact::{Fact, Source};
use bellbuoy_core::incident::Evidence;
use bellbuoy_core::intern::EntityId;
use bellbuoy_core::object::Entity;
use bellbuoy_core::report::{Endpoints, ObjectReport};
use bellbuoy_core::sign::NO_READY_ENDPOINTS;
use bellbuoy_core::time::{Interval, Span, Time};

impl Turn<'_, '_> {
    /// Endpoints of a Service may have changed.
    pub(crate) fn endpoints_changed(&mut self, id: EntityId, fact: &Fact, report: &ObjectReport, is_first_sight: bool) {
        let name = self.state.topology.names.name(id);
        let service = match &*name.kind {
            "Service" => id,
            "Endpoints" => self.state.topology.names.intern(&Entity::new("Service", &name.namespace, &name.name)),
            _ if report.service.is_empty() => return,
            _ => self.state.topology.names.intern(&Entity::new("Service", &name.namespace, &report.service)),
        };
        let evidence = Evidence { fact: fact.id, observed_at: fact.observed_at };
        let created = report.created_at.filter(|_| is_first_sight);
        self.told_of_endpoints(service, Some((evidence, created)));
    }

    /// Something else has changed that a Service's endpoints are read by.
    pub(crate) fn judge_endpoints(&mut self, service: EntityId) {
        self.told_of_endpoints(service, None);
    }

    /// `told` is what has just been told, and since when at the earliest it may have been so.
    fn told_of_endpoints(&mut self, service: EntityId, told: Option<(Evidence, Option<Time>)>) {
        let row = self.state.topology.object(service);
        let selects = row.is_some_and(|row| !row.is_gone && !row.selector.is_empty());
        let catalogue = self.catalogue.clone();
        let Some(rule) = catalogue.read_sign(NO_READY_ENDPOINTS, "Service", "").map(|reading| reading.rule) else {
            return;
        };
        let signal = self.state.signal(&rule.code);
        let shows =
            self.state.symptoms.get(&(EpisodeKey { entity: service, signal }, service)).is_some_and(|s| s.failing);
        let Some(endpoints) = self.endpoints_of(service) else { return };
        if !selects || endpoints.ready > 0 || endpoints.not_ready == 0 && !self.is_missed(service) {
            if shows {
                self.heal(EpisodeKey { entity: service, signal }, service, self.now);
            }
            return;
        }
        if shows && told.is_none() {
            return;
        }
        let by_service = || self.state.asking.of(service).map(|asks| (asks.evidence, asks.created_at));
        let Some((evidence, created)) = told.or_else(by_service) else { return };
        // Endpoints do not say since when. What was seen to change changed now; what is seen for the first time has
        // lasted for its grace, if it is as old as that.
        let age = created.map_or(Span::ZERO, |created| evidence.observed_at.since(created));
        let began = evidence.observed_at - age.min(rule.grace).max(Span::ZERO);
        let message = match endpoints.not_ready {
            0 => "no pod matches its selector".to_owned(),
            n => format!("{n} endpoints, none of them ready"),
        };
        self.report(Report {
            object: service,
            code: rule.code.clone(),
            rule,
            severity: rule.severity,
            occurred: Interval::at(began),
            message: &message,
            source: Source::Objects,
            evidence,
            repeats: None,
            lasted: false,
            anew: false,
            names: None,
            hubs: Vec::new(),
        });
    }

    /// Endpoints of a Service, over its slices, or as the older interface has them.
    pub(crate) fn endpoints_of(&self, service: EntityId) -> Option<Endpoints> {
        let name = self.state.topology.names.name(service);
        let legacy = self.state.topology.names.get(&Entity::new("Endpoints", &name.namespace, &name.name));
        let by_slices = self.state.topology.endpoints_of(service);
        by_slices.or_else(|| self.state.topology.object(legacy?)?.endpoints)
    }
}
