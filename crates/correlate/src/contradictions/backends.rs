//! Ingresses, routes, webhooks and aggregated APIs that send to a Service, or a port of it, which does not exist.

use super::{Estate, Finding};
use crate::asks::Asks;
use bellbuoy_core::object::Entity;
use bellbuoy_core::sign::BACKEND_MISSING;

impl Estate<'_> {
    pub(super) fn at_sender(&self, asks: &Asks, found: &mut Vec<Finding>) {
        for backend in &asks.backends {
            let service = Entity::new("Service", &backend.namespace, &backend.service);
            if !self.exists("Service", &service.namespace, &service.name) {
                if self.covers("Service", &service.namespace) {
                    let message = format!("it sends to {service}, which does not exist");
                    let mut finding = Finding::new(BACKEND_MISSING, message, asks);
                    finding.has_gone = self.was_there("Service", &service.namespace, &service.name);
                    found.push(finding);
                }
                continue;
            }
            let offered = self.topology.names.get(&service).and_then(|id| self.asking.of(id));
            let Some(offered) = offered.filter(|offered| !offered.ports.is_empty() && !backend.port.is_empty()) else {
                continue;
            };
            let has = |port: &bellbuoy_core::spec::ServicePort| {
                port.name == backend.port || backend.port.parse() == Ok(port.number)
            };
            if !offered.ports.iter().any(has) {
                let numbers: Vec<_> = offered.ports.iter().take(8).map(|port| port.number.to_string()).collect();
                let message =
                    format!("it sends to port {} of {service}, which has {}", backend.port, numbers.join(", "));
                let mut finding = Finding::new(BACKEND_MISSING, message, asks);
                finding.evidence.push(offered.evidence);
                found.push(finding);
            }
        }
    }
}
