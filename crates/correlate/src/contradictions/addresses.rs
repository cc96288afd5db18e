//! Addresses that programs are told: of Services that do not exist, of ports they do not have, in schemes they do not speak.

use super::probes::speaks_tls;
use super::{Estate, Finding};
use crate::asks::Asks;
use bellbuoy_core::Text;
use bellbuoy_core::intern::EntityId;
use bellbuoy_core::object::Entity;
use bellbuoy_core::rules::Relation;
use bellbuoy_core::sign::{ADDRESS_SCHEME, ADDRESS_WITHOUT_PORT, ADDRESS_WITHOUT_SERVICE, SCALED_TO_ZERO};
use bellbuoy_core::spec::{Address, ServicePort};

/// An address that a workload is told, and by whom.
pub(crate) struct Told<'a> {
    address: &'a Address,
    /// The config map that holds it, if it does not stand in the pod itself.
    by: Option<EntityId>,
}

impl Told<'_> {
    /// `PAYMENT_ADDR`, or `PAYMENT_ADDR of ConfigMap shop/settings`.
    fn place(&self, estate: &Estate<'_>) -> String {
        match self.by {
            None => self.address.key.to_string(),
            Some(by) => format!("{} of {}", self.address.key, estate.topology.names.name(by)),
        }
    }
}

impl Estate<'_> {
    /// The addresses that a workload is told: in its own environment, and by the config maps that it uses.
    pub(crate) fn told<'a>(&'a self, name: &'a Entity, asks: &'a Asks) -> impl Iterator<Item = Told<'a>> {
        let own = asks.addresses.iter().map(|address| Told { address, by: None });
        let maps = asks.references.iter().filter(|wanted| &*wanted.kind == "ConfigMap").filter_map(|wanted| {
            let id = self.topology.names.get(&Entity::new("ConfigMap", &name.namespace, &wanted.name))?;
            Some((wanted, id, self.asking.of(id)?))
        });
        let theirs = maps.flat_map(|(wanted, id, map)| {
            let told = move |address: &&Address| wanted.key.is_empty() || wanted.key == address.key;
            map.addresses.iter().filter(told).map(move |address| Told { address, by: Some(id) })
        });
        own.chain(theirs)
    }

    /// The Service that an address names, whether it exists or not; none for hosts outside the cluster.
    pub(crate) fn service_named(&self, host: &str, namespace: &str) -> Option<Entity> {
        let labels: Vec<&str> = host.trim_end_matches('.').split('.').collect();
        let is_service = |name: &str, namespace: &str| self.exists("Service", namespace, name);
        if let Some(at) = labels.iter().position(|label| *label == "svc").filter(|at| *at >= 2) {
            return Some(Entity::new("Service", labels[at - 1], labels[at - 2]));
        }
        match labels[..] {
            [name] => Some(Entity::new("Service", namespace, name)),
            [first, second] if is_service(first, second) => Some(Entity::new("Service", second, first)),
            // A pod of a headless Service.
            [_, service] if is_service(service, namespace) => Some(Entity::new("Service", namespace, service)),
            [first, second] if self.topology.has_namespace(second) => Some(Entity::new("Service", second, first)),
            [_, service, other] if is_service(service, other) => Some(Entity::new("Service", other, service)),
            _ => None,
        }
    }

    /// The Services that a workload is told of, or that something sends to.
    pub(crate) fn called(&self, name: &Entity, asks: &Asks) -> Vec<Entity> {
        let told = self.told(name, asks).filter_map(|told| self.service_named(&told.address.host, &name.namespace));
        let backends = asks.backends.iter().map(|to| Entity::new("Service", &to.namespace, &to.service));
        let mut called: Vec<_> = told.chain(backends).collect();
        called.sort();
        called.dedup();
        called
    }

    /// Addresses that nothing can answer.
    pub(super) fn at_addresses(&self, name: &Entity, asks: &Asks, found: &mut Vec<Finding>) {
        for told in self.told(name, asks) {
            let Some(service) = self.service_named(&told.address.host, &name.namespace) else { continue };
            found.extend(match self.exists("Service", &service.namespace, &service.name) {
                false => self.without_service(name, &told, &service, asks),
                true => self.without_port(&told, &service, asks).or_else(|| self.other_scheme(&told, &service, asks)),
            });
        }
    }

    fn without_service(&self, name: &Entity, told: &Told<'_>, service: &Entity, asks: &Asks) -> Option<Finding> {
        let host = &told.address.host;
        let is_other = self.exists("Node", "", host) || self.exists("Pod", &name.namespace, host);
        if is_other || **host == *name.name || !self.covers("Service", &service.namespace) {
            return None;
        }
        let mut message = format!("{} says {}, but there is no {service}", told.place(self), written(told.address));
        let known: Vec<Text> = self
            .asking
            .in_place("Service", &service.namespace)
            .filter_map(|id| Some(self.topology.names.peek(id)?.name.clone()))
            .collect();
        if let Some(near) = nearest(&service.name, &known) {
            message.push_str(&format!("; there is {near}"));
        }
        let mut finding = Finding::new(ADDRESS_WITHOUT_SERVICE, message, asks);
        finding.has_gone = self.was_there("Service", &service.namespace, &service.name);
        self.told_by(told, &mut finding);
        // Who is told of what never was is told wrongly; what was there and has gone is what is missing.
        if finding.has_gone {
            finding.names = Some(service.clone());
        }
        finding.hubs.extend(self.topology.names.get(service).map(|service| (Relation::Call, service)));
        Some(finding)
    }

    fn without_port(&self, told: &Told<'_>, service: &Entity, asks: &Asks) -> Option<Finding> {
        let id = self.topology.names.get(service)?;
        let offered = self.asking.of(id)?;
        let port = told.address.port;
        // A headless Service leads to the pods themselves, which serve what they serve.
        if port == 0 || offered.ports.is_empty() || matches!(&*offered.service_type, "Headless" | "ExternalName") {
            return None;
        }
        if offered.ports.iter().any(|offer| offer.number == port) {
            return None;
        }
        let numbers: Vec<_> = offered.ports.iter().take(8).map(written_port).collect();
        let message = format!(
            "{} says {}, but {service} has no port {port}; it has {}",
            told.place(self),
            written(told.address),
            numbers.join(", ")
        );
        let mut finding = Finding::new(ADDRESS_WITHOUT_PORT, message, asks);
        finding.evidence.push(offered.evidence);
        self.told_by(told, &mut finding);
        finding.hubs.push((Relation::Call, id));
        Some(finding)
    }

    fn other_scheme(&self, told: &Told<'_>, service: &Entity, asks: &Asks) -> Option<Finding> {
        let wants_tls = match &*told.address.scheme {
            "http" | "ws" => false,
            "https" | "wss" => true,
            _ => return None,
        };
        let id = self.topology.names.get(service)?;
        let offered = self.asking.of(id)?;
        let number = match (told.address.port, wants_tls) {
            (0, true) => 443,
            (0, false) => 80,
            (number, _) => number,
        };
        let port = offered.ports.iter().find(|port| port.number == number)?;
        let (speaks, because) = self.speaks(service, id, port)?;
        if speaks == wants_tls {
            return None;
        }
        let message = format!("{} says {}, but {because}", told.place(self), written(told.address));
        let mut finding = Finding::new(ADDRESS_SCHEME, message, asks);
        finding.evidence.push(offered.evidence);
        self.told_by(told, &mut finding);
        finding.hubs.push((Relation::Call, id));
        Some(finding)
    }

    /// Whether a port of a Service speaks TLS, and how one can tell.
    fn speaks(&self, service: &Entity, id: EntityId, port: &ServicePort) -> Option<(bool, String)> {
        let by_name = speaks_tls(&port.protocol).or_else(|| speaks_tls(&port.name));
        if let Some(tls) = by_name {
            let called = if port.protocol.is_empty() { &port.name } else { &port.protocol };
            return Some((tls, format!("port {} of {service} is called {called}", port.number)));
        }
        let selector = &self.topology.object(id)?.selector;
        let probes = self
            .asking
            .workloads_in(&service.namespace)
            .filter(|(_, asks)| !selector.is_empty() && selector.iter().all(|label| asks.pod_labels.contains(label)));
        let mut schemes = probes.flat_map(|(_, asks)| &asks.containers).flat_map(|container| {
            let target = container.ports.iter().find(|of| super::probes::is_port(of, &port.target));
            let is_target = move |probed: &Text| {
                *probed == port.target || target.is_some_and(|target| super::probes::is_port(target, probed))
            };
            let at_target = container.probes.iter().filter(move |probe| is_target(&probe.port));
            at_target.filter(|probe| matches!(&*probe.scheme, "HTTP" | "HTTPS")).map(|probe| &*probe.scheme)
        });
        let first = schemes.next()?;
        // Probes that differ among themselves tell nothing.
        if schemes.any(|scheme| scheme != first) {
            return None;
        }
        Some((first == "HTTPS", format!("port {} of {service} is probed in {first}", port.number)))
    }

    /// What a config map says wrongly is the config map's, and hurts who reads it.
    fn told_by(&self, told: &Told<'_>, finding: &mut Finding) {
        let Some(map) = told.by else { return };
        finding.names = Some(self.topology.names.name(map));
        finding.evidence.extend(self.asking.of(map).map(|map| map.evidence));
    }

    /// A workload without replicas is as it was meant to be, unless something calls it.
    pub(super) fn at_nothing(&self, id: EntityId, name: &Entity, asks: &Asks, found: &mut Vec<Finding>) {
        let mut hubs = Vec::new();
        let mut caller = None;
        for service in self.services_selecting(name, asks) {
            let called_by = self.asking.callers_of(service).find(|caller| *caller != id && self.runs(*caller));
            if let Some(called_by) = called_by {
                hubs.push((Relation::ServiceBackend, service));
                caller.get_or_insert((called_by, service));
            }
        }
        let Some((caller, service)) = caller else { return };
        let names = |id| self.topology.names.name(id);
        let message = format!("it is scaled to zero, but {} calls {}", names(caller), names(service));
        let mut finding = Finding::new(SCALED_TO_ZERO, message, asks);
        finding.evidence.extend(self.asking.of(caller).map(|caller| caller.evidence));
        finding.hubs = hubs;
        found.push(finding);
    }

    /// Whether an object is there and is meant to do something.
    pub(crate) fn runs(&self, id: EntityId) -> bool {
        self.asking.of(id).is_some() && self.desired(id) != Some(0)
    }
}

/// An address as it was written, save what may be secret in it.
fn written(address: &Address) -> String {
    let scheme = if address.scheme.is_empty() { String::new() } else { format!("{}://", address.scheme) };
    let port = if address.port == 0 { String::new() } else { format!(":{}", address.port) };
    format!("{scheme}{}{port}", address.host)
}

fn written_port(port: &ServicePort) -> String {
    if port.name.is_empty() { port.number.to_string() } else { format!("{} ({})", port.number, port.name) }
}

/// The known name that differs from a word by the fewest characters, if they are few: at most a third of it.
fn nearest<'k>(word: &str, known: &'k [Text]) -> Option<&'k Text> {
    let scored = known.iter().map(|name| (distance(word, name), name));
    scored.filter(|(distance, _)| *distance * 3 <= word.len()).min().map(|(_, name)| name)
}

/// Edit distance (Levenshtein), over bytes: names of objects are ASCII.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.bytes().enumerate() {
            let change = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_a_typing_error_away() {
        let known: Vec<Text> = ["payment", "cart", "checkout"].map(Text::from).into();
        assert_eq!(nearest("paymnet", &known).map(|name| &**name), Some("payment"));
        assert_eq!(nearest("carts", &known).map(|name| &**name), Some("cart"));
        assert_eq!(nearest("redis", &known), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
