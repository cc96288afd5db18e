//! Network policies that let nothing in to pods which something calls.

use super::{Estate, Finding};
use crate::asks::Asks;
use bellbuoy_core::object::Entity;
use bellbuoy_core::rules::Relation;
use bellbuoy_core::sign::POLICY_DENIES;

impl Estate<'_> {
    pub(super) fn at_policy(&self, name: &Entity, asks: &Asks, found: &mut Vec<Finding>) {
        if asks.denies.is_empty() {
            return;
        }
        let mut hubs = Vec::new();
        let mut hurt = None;
        let selected = self
            .asking
            .workloads_in(&name.namespace)
            .filter(|(_, workload)| asks.pod_labels.iter().all(|label| workload.pod_labels.contains(label)));
        for (id, workload) in selected {
            let Some(workload_name) = self.topology.names.peek(id) else { continue };
            if self.is_allowed_by_another(name, asks, workload) {
                continue;
            }
            if asks.denies.iter().any(|direction| &**direction == "Ingress") {
                for service in self.services_selecting(workload_name, workload) {
                    if self.asking.callers_of(service).any(|caller| caller != id && self.runs(caller)) {
                        hubs.push((Relation::ServiceBackend, service));
                        hurt.get_or_insert((id, "in to"));
                    }
                }
            }
            if asks.denies.iter().any(|direction| &**direction == "Egress") && !self.asking.calls_of(id).is_empty() {
                hubs.push((Relation::Reference, id));
                hurt.get_or_insert((id, "out of"));
            }
        }
        let Some((id, direction)) = hurt else { return };
        let message = format!("it lets nothing {direction} the pods of {}", self.topology.names.name(id));
        let mut finding = Finding::new(POLICY_DENIES, message, asks);
        hubs.sort_unstable();
        hubs.dedup();
        finding.hubs = hubs;
        found.push(finding);
    }

    /// Policies add up: what one of them lets through passes.
    fn is_allowed_by_another(&self, name: &Entity, asks: &Asks, workload: &Asks) -> bool {
        let policies = self.asking.in_place("NetworkPolicy", &name.namespace).filter_map(|id| self.asking.of(id));
        let mut others = policies.filter(|other| other.by != asks.by);
        others.any(|other| {
            let selects = other.pod_labels.iter().all(|label| workload.pod_labels.contains(label));
            selects && !asks.denies.iter().all(|direction| other.denies.contains(direction))
        })
    }
}
