//! What a report takes in memory: its lists, and the texts that it shares with no other.

use bellbuoy_core::Text;
use bellbuoy_core::fact::Body;
use bellbuoy_core::object::ObjectRef;
use bellbuoy_core::report::{
    AlertReport, Condition, Container, ContainerState, EventReport, ObjectReport, OwnerRef, Quota, Reference,
    Termination,
};
use bellbuoy_core::spec::{Address, Backend, ContainerPort, Probe, ServicePort, Storage};
use std::sync::Arc;

/// What a text takes beside its bytes: two counts, and what the allocator adds.
const TEXT_COST_BYTES: usize = 40;

/// Who holds a text that one report alone has: the report, and whoever made it, to share it.
const OWN_HOLDERS_MAX: usize = 2;

/// The memory that a report takes beside its own size, in bytes, as a rule no less than it does. A text that is shared
/// counts for the first of those that share it.
pub(super) fn weight(object: &ObjectRef, body: &Body) -> usize {
    let mut weight = Weight { bytes: 0 };
    let ObjectRef { kind, namespace, name, uid } = object;
    weight.texts([kind, namespace, name, uid]);
    match body {
        Body::Event(report) => weight.event(report),
        Body::Object(report) => weight.object(report),
        Body::Alert(report) => weight.alert(report),
        // People, rule sets and ticks are few.
        _ => {}
    }
    weight.bytes
}

struct Weight {
    bytes: usize,
}

impl Weight {
    fn text(&mut self, text: &Text) {
        if Arc::strong_count(text) <= OWN_HOLDERS_MAX {
            self.bytes += text.len() + TEXT_COST_BYTES;
        }
    }

    fn texts<'t>(&mut self, texts: impl IntoIterator<Item = &'t Text>) {
        texts.into_iter().for_each(|text| self.text(text));
    }

    fn list<T>(&mut self, list: &Vec<T>, each: impl Fn(&mut Self, &T)) {
        self.bytes += list.capacity() * size_of::<T>();
        list.iter().for_each(|item| each(self, item));
    }

    fn labels(&mut self, labels: &Vec<(Text, Text)>) {
        self.list(labels, |weight, (key, value)| weight.texts([key, value]));
    }

    fn event(&mut self, report: &EventReport) {
        let EventReport { uid, reason, message, kind, component, host, field_path, .. } = report;
        self.texts([uid, reason, message, kind, component, host, field_path]);
    }

    fn alert(&mut self, report: &AlertReport) {
        let AlertReport { name, fingerprint, labels, summary, .. } = report;
        self.texts([name, fingerprint, summary]);
        self.labels(labels);
    }

    fn object(&mut self, report: &ObjectReport) {
        self.bytes += size_of::<ObjectReport>();
        let ObjectReport {
            deleted: _,
            resource_version,
            created_at: _,
            deleting_at: _,
            owner,
            labels,
            conditions,
            phase,
            reason,
            message,
            node,
            containers,
            replicas: _,
            selector,
            service,
            endpoints: _,
            references,
            taints,
            unschedulable: _,
            quotas,
            pod_labels,
            ports,
            service_type,
            external_addresses: _,
            addresses,
            keys,
            storage,
            backends,
            denies,
            generation: _,
            observed_generation: _,
            finalizers,
            paused: _,
            renewed_at: _,
            lease_secs: _,
        } = report;
        if let Some(OwnerRef { kind, name, uid }) = owner {
            self.texts([kind, name, uid]);
        }
        self.texts([resource_version, phase, reason, message, node, service, service_type]);
        [labels, selector, pod_labels].into_iter().for_each(|labels| self.labels(labels));
        [taints, keys, denies, finalizers].into_iter().for_each(|list| self.list(list, Self::text));
        self.list(conditions, |weight, Condition { kind, status, reason, message, since: _ }| {
            weight.texts([kind, status, reason, message]);
        });
        self.list(containers, Self::container);
        self.list(references, |weight, Reference { kind, name, key, optional: _ }| {
            weight.texts([kind, name, key]);
        });
        self.list(quotas, |weight, Quota { resource, hard, used }| {
            weight.texts([resource, hard, used]);
        });
        self.list(ports, |weight, ServicePort { name, number: _, target, protocol }| {
            weight.texts([name, target, protocol]);
        });
        self.list(addresses, |weight, Address { key, scheme, host, port: _ }| {
            weight.texts([key, scheme, host]);
        });
        self.list(backends, |weight, Backend { namespace, service, port, is_required: _ }| {
            weight.texts([namespace, service, port]);
        });
        if let Some(Storage { class, bytes: _, modes, volume_mode, provisioner, binding, is_default: _ }) = storage {
            self.texts(class.iter().chain([volume_mode, provisioner, binding]));
            self.list(modes, Self::text);
        }
    }

    fn container(&mut self, container: &Container) {
        let Container { name, image, state, last, ports, probes, memory_limit, .. } = container;
        self.texts([name, image, memory_limit]);
        match state {
            ContainerState::Waiting { reason, message } => {
                self.texts([reason, message]);
            }
            ContainerState::Terminated(ended) => self.termination(ended),
            ContainerState::Unknown | ContainerState::Running { .. } => {}
        }
        last.iter().for_each(|ended| self.termination(ended));
        self.list(ports, |weight, ContainerPort { name, number: _ }| weight.text(name));
        self.list(probes, |weight, Probe { kind, scheme, port }| {
            weight.texts([kind, scheme, port]);
        });
    }

    fn termination(&mut self, Termination { reason, message, .. }: &Termination) {
        self.texts([reason, message]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_counts_for_those_that_do_not_share_it() {
        let report = |reason: &Text| Body::Event(EventReport { reason: reason.clone(), ..EventReport::default() });
        let object = ObjectRef::default();
        let none = weight(&object, &report(&Text::default()));
        let own = weight(&object, &report(&"BackOff".into()));
        assert_eq!(own - none, "BackOff".len() + TEXT_COST_BYTES);
        let shared: Text = "BackOff".into();
        let (_one, other) = (report(&shared), report(&shared));
        assert_eq!(weight(&object, &other), none);
    }

    #[test]
    fn what_a_report_takes_grows_with_its_lists() {
        let pod = |containers: usize| {
            let containers = (0..containers).map(|_| Container { name: "main".into(), ..Container::default() });
            let report = ObjectReport { containers: containers.collect(), ..ObjectReport::default() };
            weight(&ObjectRef::default(), &Body::Object(Box::new(report)))
        };
        assert!(pod(5) - pod(1) >= 4 * (size_of::<Container>() + TEXT_COST_BYTES));
    }
}
