//! What objects ask of others and offer to others, as far as one can contradict another, and who calls whom.

use bellbuoy_core::Text;
use bellbuoy_core::incident::Evidence;
use bellbuoy_core::intern::{EntityId, Names};
use bellbuoy_core::report::{Container, Label, ObjectReport, Reference};
use bellbuoy_core::spec::{Address, Backend, ContainerPort, Probe, ServicePort, Storage};
use bellbuoy_core::table::{Ledger, OrderedTable, Table};
use bellbuoy_core::time::Time;
use borsh::{BorshDeserialize, BorshSerialize, io};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::LazyLock;

/// Kinds that make pods.
pub(crate) const WORKLOADS: [&str; 7] =
    ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet", "ReplicationController"];

/// Callers that are looked at again when a Service changes; the others follow when they change themselves.
const CALLERS_MAX: usize = 1_000;

/// What an object asks for and offers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Asks {
    /// Who reported it: the object itself, or a pod that stands for its workload while that was not seen.
    pub by: EntityId,
    /// The fact that told it first, for evidence.
    pub evidence: Evidence,
    /// When it last began to ask for or to offer something else, if it was seen to.
    pub changed_at: Option<Time>,
    /// When the object was made.
    pub created_at: Option<Time>,
    /// `status.phase`, of claims and volumes.
    pub phase: Text,
    /// Labels of its pods, or by which it selects pods.
    pub pod_labels: Vec<Label>,
    /// Containers of its pods.
    pub containers: Vec<Serving>,
    /// Objects that it needs.
    pub references: Vec<Reference>,
    /// Where it asks for or offers any of this. Most objects are workloads that do not.
    offered: Option<Box<Offered>>,
}

/// What Services, claims, configuration, routes and policies offer and ask for, and callers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Offered {
    /// Ports of a Service.
    pub ports: Vec<ServicePort>,
    /// Its type, of a Service.
    pub service_type: Text,
    /// Addresses that its pods are told, or that a config map holds.
    pub addresses: Vec<Address>,
    /// Keys of a config map or a secret.
    pub keys: Vec<Text>,
    /// What a claim asks for, or a volume or a class offers.
    pub storage: Option<Storage>,
    /// Services that it sends to.
    pub backends: Vec<Backend>,
    /// Directions that a network policy closes.
    pub denies: Vec<Text>,
}

impl Offered {
    fn boxed(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }
}

impl Deref for Asks {
    type Target = Offered;

    fn deref(&self) -> &Offered {
        static NOTHING: LazyLock<Offered> = LazyLock::new(Offered::default);
        self.offered.as_deref().unwrap_or(&NOTHING)
    }
}

impl BorshSerialize for Asks {
    /// The image of one structure, however it is kept.
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        let Self { by, evidence, changed_at, created_at, phase, pod_labels, containers, references, .. } = self;
        let Offered { ports, service_type, addresses, keys, storage, backends, denies } = &**self;
        (by, evidence, changed_at, created_at, phase, pod_labels, containers).serialize(writer)?;
        (ports, service_type, addresses, references, keys, storage, backends, denies).serialize(writer)
    }
}

impl BorshDeserialize for Asks {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let (by, evidence, changed_at, created_at, phase, pod_labels, containers) =
            BorshDeserialize::deserialize_reader(reader)?;
        let (ports, service_type, addresses, references, keys, storage, backends, denies) =
            BorshDeserialize::deserialize_reader(reader)?;
        let offered = Offered { ports, service_type, addresses, keys, storage, backends, denies }.boxed();
        Ok(Self { by, evidence, changed_at, created_at, phase, pod_labels, containers, references, offered })
    }
}

/// What a container serves, and where it is probed.
#[derive(Clone, Debug, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Serving {
    pub name: Text,
    pub ports: Vec<ContainerPort>,
    pub probes: Vec<Probe>,
}

impl Asks {
    /// Whether a report neither asks for nor offers anything.
    pub(crate) fn is_silent(report: &ObjectReport) -> bool {
        report.pod_labels.is_empty()
            && report.containers.is_empty()
            && report.ports.is_empty()
            && report.addresses.is_empty()
            && report.references.is_empty()
            && report.keys.is_empty()
            && report.storage.is_none()
            && report.backends.is_empty()
            && report.denies.is_empty()
    }

    /// What a report asks for and offers.
    fn of(report: &ObjectReport, by: EntityId, evidence: Evidence) -> Self {
        let containers = report.containers.iter().map(|container| Serving {
            name: container.name.clone(),
            ports: container.ports.clone(),
            probes: container.probes.clone(),
        });
        let offered = Offered {
            ports: report.ports.clone(),
            service_type: report.service_type.clone(),
            addresses: report.addresses.clone(),
            keys: report.keys.clone(),
            storage: report.storage.clone(),
            backends: report.backends.clone(),
            denies: report.denies.clone(),
        };
        Self {
            by,
            evidence,
            changed_at: None,
            created_at: report.created_at,
            phase: report.phase.clone(),
            pod_labels: report.pod_labels.clone(),
            containers: containers.collect(),
            references: report.references.clone(),
            offered: offered.boxed(),
        }
    }

    /// Whether a report asks for and offers this, whoever told it first and when.
    fn are_said_by(&self, report: &ObjectReport) -> bool {
        let Self {
            by: _,
            evidence: _,
            changed_at: _,
            created_at,
            phase,
            pod_labels,
            containers,
            references,
            offered: _,
        } = self;
        let Offered { ports, service_type, addresses, keys, storage, backends, denies } = &**self;
        let serves = |(known, container): (&Serving, &Container)| {
            known.name == container.name && known.ports == container.ports && known.probes == container.probes
        };
        *created_at == report.created_at
            && *phase == report.phase
            && *pod_labels == report.pod_labels
            && containers.len() == report.containers.len()
            && containers.iter().zip(&report.containers).all(serves)
            && *ports == report.ports
            && *service_type == report.service_type
            && *addresses == report.addresses
            && *references == report.references
            && *keys == report.keys
            && *storage == report.storage
            && *backends == report.backends
            && *denies == report.denies
    }
}

/// What all objects of a scope ask for and offer.
#[derive(Debug, Default)]
pub(crate) struct Asking {
    asks: Table<EntityId, Asks>,
    /// Services that each calls, by name, whether they exist or not.
    calls: Table<EntityId, Vec<EntityId>>,
    /// Contradictions found at each, by the number of the signal.
    found: Table<EntityId, Vec<EntityId>>,
    /// Objects to look at again.
    pub to_judge: OrderedTable<EntityId, ()>,
    /// Derived: (kind, namespace) of all that ask or offer.
    places: BTreeMap<(Text, Text), BTreeSet<EntityId>>,
    /// Derived: (Service, who calls it).
    callers: BTreeSet<(EntityId, EntityId)>,
}

impl Asking {
    /// What an object asks for and offers.
    pub(crate) fn of(&self, id: EntityId) -> Option<&Asks> {
        self.asks.get(&id)
    }

    /// Takes in what an object asks for and offers, as `by` reports it. Whether that is news.
    pub(crate) fn put(
        &mut self,
        names: &mut Names,
        id: EntityId,
        report: &ObjectReport,
        by: EntityId,
        evidence: Evidence,
    ) -> bool {
        let known = self.asks.get(&id);
        if known.is_some_and(|known| known.are_said_by(report)) {
            if known.is_some_and(|known| known.by != by)
                && let Some(known) = self.asks.get_mut(&id)
            {
                let former = std::mem::replace(&mut known.by, by);
                names.retain(by);
                names.release(former);
            }
            return false;
        }
        names.retain(id);
        names.retain(by);
        self.place(names, id, true);
        let mut asks = Asks::of(report, by, evidence);
        if let Some(old) = self.asks.get(&id) {
            asks.changed_at = Some(asks.evidence.observed_at);
            names.release(old.by);
            names.release(id);
        }
        self.asks.insert(id, asks);
        true
    }

    /// Forgets everything of an object.
    pub(crate) fn forget(&mut self, names: &mut Names, id: EntityId) {
        self.remove(names, id);
        self.set_found(names, id, Vec::new());
    }

    /// Forgets what an object asks for. Whether anything was known.
    pub(crate) fn remove(&mut self, names: &mut Names, id: EntityId) -> bool {
        self.set_calls(names, id, Vec::new());
        let Some(old) = self.asks.remove(&id) else { return false };
        self.place(names, id, false);
        names.release(old.by);
        names.release(id);
        true
    }

    fn place(&mut self, names: &Names, id: EntityId, present: bool) {
        let Some(name) = names.peek(id) else { return };
        let place = (name.kind.clone(), name.namespace.clone());
        match present {
            true => drop(self.places.entry(place).or_default().insert(id)),
            false => {
                if let Some(at) = self.places.get_mut(&place) {
                    at.remove(&id);
                    if at.is_empty() {
                        self.places.remove(&place);
                    }
                }
            }
        }
    }

    /// Objects of a kind in a namespace.
    pub(crate) fn in_place(&self, kind: &str, namespace: &str) -> impl Iterator<Item = EntityId> + '_ {
        let place = (Text::from(kind), Text::from(namespace));
        self.places.get(&place).into_iter().flatten().copied()
    }

    /// Everything in a namespace that makes pods, and pods that nothing made.
    pub(crate) fn workloads_in(&self, namespace: &str) -> impl Iterator<Item = (EntityId, &Asks)> + '_ {
        let namespace: Text = namespace.into();
        let kinds = WORKLOADS.iter().chain(&["Pod", "Workload"]);
        let ids = kinds.flat_map(move |kind| self.places.get(&(Text::from(*kind), namespace.clone())));
        ids.flatten().filter_map(|id| Some((*id, self.asks.get(id)?)))
    }

    /// Says which Services an object calls.
    pub(crate) fn set_calls(&mut self, names: &mut Names, id: EntityId, calls: Vec<EntityId>) {
        let old = self.calls.get(&id).cloned().unwrap_or_default();
        if old == calls {
            return;
        }
        for service in &calls {
            names.retain(*service);
            self.callers.insert((*service, id));
        }
        if !calls.is_empty() {
            names.retain(id);
        }
        for service in old.iter().filter(|service| !calls.contains(service)) {
            self.callers.remove(&(*service, id));
        }
        old.iter().for_each(|service| names.release(*service));
        if !old.is_empty() {
            names.release(id);
        }
        match calls.is_empty() {
            true => drop(self.calls.remove(&id)),
            false => self.calls.insert(id, calls),
        }
    }

    /// Services that an object calls.
    pub(crate) fn calls_of(&self, id: EntityId) -> &[EntityId] {
        self.calls.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Who calls a Service.
    pub(crate) fn callers_of(&self, service: EntityId) -> impl Iterator<Item = EntityId> + '_ {
        let least = (service, EntityId(0));
        let rows = self.callers.range(least..).take_while(move |(at, _)| *at == service);
        rows.take(CALLERS_MAX).map(|(_, caller)| *caller)
    }

    /// Contradictions found at an object.
    pub(crate) fn found_at(&self, id: EntityId) -> &[EntityId] {
        self.found.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Says which contradictions there are at an object.
    pub(crate) fn set_found(&mut self, names: &mut Names, id: EntityId, signals: Vec<EntityId>) {
        let old = self.found.get(&id).cloned().unwrap_or_default();
        if old == signals {
            return;
        }
        signals.iter().for_each(|signal| names.retain(*signal));
        if !signals.is_empty() {
            names.retain(id);
        }
        old.iter().for_each(|signal| names.release(*signal));
        if !old.is_empty() {
            names.release(id);
        }
        match signals.is_empty() {
            true => drop(self.found.remove(&id)),
            false => self.found.insert(id, signals),
        }
    }

    /// Notes that an object is to be looked at again. Whether it is the first one.
    pub(crate) fn judge_later(&mut self, names: &mut Names, id: EntityId) -> bool {
        let is_first = self.to_judge.is_empty();
        if !self.to_judge.contains(&id) {
            names.retain(id);
            self.to_judge.insert(id, ());
        }
        is_first
    }

    /// The next object to look at.
    pub(crate) fn next_to_judge(&mut self) -> Option<EntityId> {
        let id = *self.to_judge.first()?.0;
        self.to_judge.remove(&id);
        Some(id)
    }

    /// The tables behind it, always in one order.
    pub(crate) fn ledgers(&mut self) -> [&mut dyn Ledger; 4] {
        [&mut self.asks, &mut self.calls, &mut self.found, &mut self.to_judge]
    }

    /// Rebuilds what is derived; counts the uses of names.
    pub(crate) fn rebuild(&mut self, names: &mut Names) {
        self.places.clear();
        self.callers.clear();
        let asks: Vec<_> = self.asks.sorted().into_iter().map(|(id, row)| (*id, row.by)).collect();
        for (id, by) in asks {
            names.retain(id);
            names.retain(by);
            self.place(names, id, true);
        }
        for (id, calls) in self.calls.sorted() {
            names.retain(*id);
            calls.iter().for_each(|service| names.retain(*service));
            self.callers.extend(calls.iter().map(|service| (*service, *id)));
        }
        for (id, signals) in self.found.sorted() {
            names.retain(*id);
            signals.iter().for_each(|signal| names.retain(*signal));
        }
        self.to_judge.iter().for_each(|(id, ())| names.retain(*id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_comes_back_whether_it_offers_anything_or_not() {
        let evidence = Evidence::default();
        let workload = ObjectReport { phase: "Running".into(), ..ObjectReport::default() };
        let service = ObjectReport { service_type: "ClusterIP".into(), keys: vec!["a".into()], ..workload.clone() };
        for (report, offers) in [(workload, false), (service, true)] {
            let asks = Asks::of(&report, EntityId(7), evidence);
            assert!(asks.are_said_by(&report) && asks.offered.is_some() == offers);
            let image = borsh::to_vec(&asks).unwrap();
            assert_eq!(borsh::from_slice::<Asks>(&image).unwrap(), asks);
        }
    }
}
