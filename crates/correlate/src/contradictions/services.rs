//! Services whose selector matches nothing, or that send to a port which no container of their pods has.

use super::probes::{is_port, listed};
use super::{Estate, Finding};
use crate::asks::Asks;
use bellbuoy_core::intern::EntityId;
use bellbuoy_core::object::Entity;
use bellbuoy_core::report::Label;
use bellbuoy_core::sign::{SELECTOR_MATCHES_NOTHING, TARGET_PORT_UNSERVED};
use bellbuoy_core::spec::ContainerPort;

impl Estate<'_> {
    pub(super) fn at_service(&self, id: EntityId, name: &Entity, asks: &Asks, found: &mut Vec<Finding>) {
        let Some(row) = self.topology.object(id).filter(|row| !row.is_gone && !row.selector.is_empty()) else { return };
        let selector = &row.selector;
        let matched: Vec<_> = self.matched(&name.namespace, selector).collect();
        if matched.is_empty() {
            found.extend(self.matches_nothing(id, name, selector, asks));
            return;
        }
        for port in &asks.ports {
            // A port that any of the matched workloads serves is served.
            let serving = matched.iter().map(|(at, backend)| (*at, backend, served(backend)));
            let mut unserved = None;
            let is_served = serving.into_iter().any(|(at, backend, ports)| {
                let is_number = port.target.parse::<u16>().is_ok();
                let serves = ports.iter().any(|of| is_port(of, &port.target)) || is_number && ports.is_empty();
                if !serves {
                    unserved = Some((at, backend.evidence, ports));
                }
                serves
            });
            let Some((at, evidence, ports)) = unserved.filter(|_| !is_served) else { continue };
            let message = format!(
                "port {} leads to {} of {}, which has {}",
                port.number,
                port.target,
                self.topology.names.name(at),
                listed(&ports)
            );
            let mut finding = Finding::new(TARGET_PORT_UNSERVED, message, asks);
            finding.evidence.push(evidence);
            found.push(finding);
        }
    }

    /// Whatever makes pods that a selector matches.
    fn matched<'a>(
        &'a self,
        namespace: &str,
        selector: &'a [Label],
    ) -> impl Iterator<Item = (EntityId, &'a Asks)> + 'a {
        let matches = move |asks: &Asks| selector.iter().all(|label| asks.pod_labels.contains(label));
        self.asking.workloads_in(namespace).filter(move |(_, asks)| matches(asks))
    }

    fn matches_nothing(&self, id: EntityId, name: &Entity, selector: &[Label], asks: &Asks) -> Option<Finding> {
        let mut there = self.asking.workloads_in(&name.namespace).peekable();
        // Where nothing that makes pods was seen, nothing can be said; nor where the Service has endpoints for all that.
        there.peek()?;
        if self.topology.endpoints_of(id).is_some_and(|endpoints| endpoints.ready + endpoints.not_ready > 0) {
            return None;
        }
        let wanted = selector.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",");
        let mut message = format!("no pod and no workload has the labels {wanted} that it selects by");
        let mut finding_evidence = None;
        if let Some((near, of)) = self.meant(name, selector) {
            let has = of.pod_labels.iter().filter(|(key, _)| selector.iter().any(|(wanted, _)| wanted == key));
            let has = has.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",");
            message.push_str(&format!("; the pods of {} have {has}", self.topology.names.name(near)));
            finding_evidence = Some(of.evidence);
        }
        let mut finding = Finding::new(SELECTOR_MATCHES_NOTHING, message, asks);
        finding.evidence.extend(finding_evidence);
        Some(finding)
    }

    /// The workload that a selector was meant for, by all appearances: it has the Service's name, or shares some of the
    /// labels, and no other Service selects it.
    pub(crate) fn meant(&self, name: &Entity, selector: &[Label]) -> Option<(EntityId, &Asks)> {
        let candidates = self.asking.workloads_in(&name.namespace).filter(|(id, asks)| {
            let workload = self.topology.names.peek(*id);
            let is_namesake = workload.is_some_and(|workload| workload.name == name.name);
            let shares = selector.len() > 1 && selector.iter().any(|label| asks.pod_labels.contains(label));
            (is_namesake || shares) && self.desired(*id) != Some(0)
        });
        let mut free = candidates.filter(|(id, asks)| {
            self.topology.names.peek(*id).is_some_and(|name| self.services_selecting(name, asks).is_empty())
        });
        free.next()
    }

    /// Services that select the pods of a workload.
    pub(crate) fn services_selecting(&self, name: &Entity, asks: &Asks) -> Vec<EntityId> {
        let services = self.asking.in_place("Service", &name.namespace);
        let selects = |service: &EntityId| {
            let row = self.topology.object(*service).filter(|row| !row.is_gone && !row.selector.is_empty());
            row.is_some_and(|row| row.selector.iter().all(|label| asks.pod_labels.contains(label)))
        };
        services.filter(selects).collect()
    }

    /// Whether a Service without endpoints hurts somebody, and what it stands before: something that runs, or is meant to.
    pub(crate) fn is_missed(&self, service: EntityId) -> bool {
        let Some(name) = self.topology.names.peek(service) else { return true };
        let Some(row) = self.topology.object(service) else { return true };
        let is_called = self.asking.callers_of(service).any(|caller| self.runs(caller));
        let mut matched = self.matched(&name.namespace, &row.selector).peekable();
        if matched.peek().is_some() {
            return is_called || matched.any(|(id, _)| self.desired(id) != Some(0));
        }
        is_called || self.meant(name, &row.selector).is_some()
    }
}

/// Ports that the containers declare or are probed at.
fn served(asks: &Asks) -> Vec<ContainerPort> {
    let mut ports: Vec<_> = asks.containers.iter().flat_map(|container| container.ports.iter().cloned()).collect();
    if ports.is_empty() {
        return ports;
    }
    for probe in asks.containers.iter().flat_map(|container| &container.probes) {
        if let Ok(number) = probe.port.parse::<u16>()
            && !ports.iter().any(|port| port.number == number)
        {
            ports.push(ContainerPort { name: "".into(), number });
        }
    }
    ports
}
