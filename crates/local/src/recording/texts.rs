//! Texts of a recording, each kept once: names, namespaces, images and words recur in thousands of reports.
//!
//! Reports that share their texts take little more memory than their bytes do, and whoever reads them in the order of
//! time finds the texts in the cache.

use bellbuoy_core::Text;
use bellbuoy_core::fact::Body;
use bellbuoy_core::object::ObjectRef;
use bellbuoy_core::report::{
    AlertReport, Condition, Container, ContainerState, EventReport, ObjectReport, OwnerRef, Quota, Reference,
    Termination,
};
use bellbuoy_core::spec::{Address, Backend, ContainerPort, Probe, ServicePort, Storage};
use foldhash::fast::RandomState;
use std::collections::HashSet;

/// Texts that are told apart. Beyond it, those that are not known yet are kept as often as they come.
const TEXTS_MAX: usize = 1 << 20;

/// Bytes of the longest text that is looked for. What is longer hardly ever comes again.
const TEXT_BYTES_MAX: usize = 512;

/// What a text takes beside its bytes: two counts, what the allocator adds, and its place among the known.
const TEXT_COST_BYTES: usize = 56;

/// Texts of a recording.
#[derive(Debug, Default)]
pub(super) struct Texts {
    known: HashSet<Text, RandomState>,
    /// Memory that texts and lists took since it was asked for.
    bytes: usize,
}

impl Texts {
    /// Shares the texts of a report. Returns the memory that it takes beside its own size, as a rule no less than it
    /// does.
    pub(super) fn share(&mut self, object: &mut ObjectRef, body: &mut Body) -> usize {
        self.bytes = 0;
        let ObjectRef { kind, namespace, name, uid } = object;
        [kind, namespace, name, uid].into_iter().for_each(|text| self.text(text));
        match body {
            Body::Event(report) => self.event(report),
            Body::Object(report) => self.object(report),
            Body::Alert(report) => self.alert(report),
            // People, rule sets and ticks are few.
            _ => {}
        }
        self.bytes
    }

    fn text(&mut self, text: &mut Text) {
        if text.is_empty() {
            return;
        }
        if text.len() <= TEXT_BYTES_MAX {
            if let Some(known) = self.known.get(&**text) {
                *text = known.clone();
                return;
            }
            if self.known.len() < TEXTS_MAX {
                self.known.insert(text.clone());
            }
        }
        self.bytes += text.len() + TEXT_COST_BYTES;
    }

    fn list<T>(&mut self, list: &mut Vec<T>, mut each: impl FnMut(&mut Self, &mut T)) {
        self.bytes += list.capacity() * size_of::<T>();
        list.iter_mut().for_each(|item| each(self, item));
    }

    fn labels(&mut self, labels: &mut Vec<(Text, Text)>) {
        self.list(labels, |texts, (key, value)| [key, value].into_iter().for_each(|text| texts.text(text)));
    }

    fn event(&mut self, report: &mut EventReport) {
        let EventReport { uid, reason, message, kind, component, host, field_path, .. } = report;
        // The name of the Event itself comes again only with its repeats.
        self.bytes += uid.len() + TEXT_COST_BYTES;
        [reason, message, kind, component, host, field_path].into_iter().for_each(|text| self.text(text));
    }

    fn alert(&mut self, report: &mut AlertReport) {
        let AlertReport { name, fingerprint, labels, summary, .. } = report;
        [name, fingerprint, summary].into_iter().for_each(|text| self.text(text));
        self.labels(labels);
    }

    fn object(&mut self, report: &mut ObjectReport) {
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
        // A version comes once.
        self.bytes += resource_version.len() + TEXT_COST_BYTES;
        if let Some(OwnerRef { kind, name, uid }) = owner {
            [kind, name, uid].into_iter().for_each(|text| self.text(text));
        }
        [phase, reason, message, node, service, service_type].into_iter().for_each(|text| self.text(text));
        [labels, selector, pod_labels].into_iter().for_each(|labels| self.labels(labels));
        [taints, keys, denies, finalizers].into_iter().for_each(|list| self.list(list, Self::text));
        self.list(conditions, |texts, Condition { kind, status, reason, message, since: _ }| {
            [kind, status, reason, message].into_iter().for_each(|text| texts.text(text));
        });
        self.list(containers, Self::container);
        self.list(references, |texts, Reference { kind, name, key, optional: _ }| {
            [kind, name, key].into_iter().for_each(|text| texts.text(text));
        });
        self.list(quotas, |texts, Quota { resource, hard, used }| {
            [resource, hard, used].into_iter().for_each(|text| texts.text(text));
        });
        self.list(ports, |texts, ServicePort { name, number: _, target, protocol }| {
            [name, target, protocol].into_iter().for_each(|text| texts.text(text));
        });
        self.list(addresses, |texts, Address { key, scheme, host, port: _ }| {
            [key, scheme, host].into_iter().for_each(|text| texts.text(text));
        });
        self.list(backends, |texts, Backend { namespace, service, port, is_required: _ }| {
            [namespace, service, port].into_iter().for_each(|text| texts.text(text));
        });
        if let Some(Storage { class, bytes: _, modes, volume_mode, provisioner, binding, is_default: _ }) = storage {
            class.iter_mut().chain([volume_mode, provisioner, binding]).for_each(|text| self.text(text));
            self.list(modes, Self::text);
        }
    }

    fn container(&mut self, container: &mut Container) {
        let Container { name, image, state, last, ports, probes, memory_limit, .. } = container;
        [name, image, memory_limit].into_iter().for_each(|text| self.text(text));
        match state {
            ContainerState::Waiting { reason, message } => {
                [reason, message].into_iter().for_each(|text| self.text(text));
            }
            ContainerState::Terminated(ended) => self.termination(ended),
            ContainerState::Unknown | ContainerState::Running { .. } => {}
        }
        last.iter_mut().for_each(|ended| self.termination(ended));
        self.list(ports, |texts, ContainerPort { name, number: _ }| texts.text(name));
        self.list(probes, |texts, Probe { kind, scheme, port }| {
            [kind, scheme, port].into_iter().for_each(|text| texts.text(text));
        });
    }

    fn termination(&mut self, Termination { reason, message, .. }: &mut Termination) {
        [reason, message].into_iter().for_each(|text| self.text(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn event(name: &str) -> (ObjectRef, Body) {
        let report = EventReport { uid: name.into(), reason: "BackOff".into(), ..EventReport::default() };
        (ObjectRef::new("Pod", "shop", name), Body::Event(report))
    }

    #[test]
    fn a_text_that_comes_again_is_the_same_one() {
        let mut texts = Texts::default();
        let (mut one, mut other) = (event("cart-1"), event("cart-2"));
        let (first, second) = (texts.share(&mut one.0, &mut one.1), texts.share(&mut other.0, &mut other.1));
        assert!(Arc::ptr_eq(&one.0.kind, &other.0.kind) && Arc::ptr_eq(&one.0.namespace, &other.0.namespace));
        assert_eq!((&*other.0.name, &*other.0.uid), ("cart-2", ""));
        assert!(first > second && second > 0, "{first} and {second} bytes");
        assert_eq!(other.1, event("cart-2").1, "what is said stays the same");
    }

    #[test]
    fn what_a_report_takes_grows_with_its_lists() {
        let container = Container { name: "main".into(), image: "cart:1".into(), ..Container::default() };
        let pod = |containers: usize| {
            let report = ObjectReport { containers: vec![container.clone(); containers], ..ObjectReport::default() };
            Texts::default().share(&mut ObjectRef::new("Pod", "shop", "cart"), &mut Body::Object(Box::new(report)))
        };
        assert_eq!(pod(5) - pod(1), 4 * size_of::<Container>());
    }
}
