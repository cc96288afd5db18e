//! Topology: which object belongs to what, as far as facts have told, and what a person would call it.

use bellbuoy_core::Text;
use bellbuoy_core::fact::FactId;
use bellbuoy_core::intern::{EntityId, Names};
use bellbuoy_core::object::{Entity, ObjectRef};
use bellbuoy_core::report::{ContainerState, Endpoints, Label, ObjectReport, Replicas};
use bellbuoy_core::table::{Ledger, OrderedTable, Table};
use bellbuoy_core::time::Time;
use borsh::{BorshDeserialize, BorshSerialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// How far an owner chain is followed: Pod → ReplicaSet → Deployment → its operator's object, and one more.
const OWNER_CHAIN_MAX: usize = 4;

/// Reports of one object that are told from others. A watcher's second copy comes within seconds of the first.
const RECENT_MAX: usize = 12;

/// Enough of a fact's id to tell apart a dozen reports of one object.
fn short(fact: FactId) -> u64 {
    fact.0[..8].iter().fold(0, |short, byte| (short << 8) | u64::from(*byte))
}

/// Guesses remembered for pods whose state is not seen yet. At the limit the one that was given out first goes: it was
/// for the oldest name, whose pods have been seen since.
const ALIASES_MAX: usize = 10_000;

/// Kinds of which every namespace in use has some.
const NAMESPACED: [&str; 6] = ["Pod", "Service", "Deployment", "ServiceAccount", "ConfigMap", "StatefulSet"];

/// What is remembered of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct ObjectRow {
    /// Its uid, where known.
    pub uid: Text,
    /// When it was heard of last.
    pub seen_at: Time,
    /// The latest reports of its state, so that one that comes again does not turn it back.
    pub recent: Vec<u64>,
    /// It is gone. What it was is kept, because events outlive their objects.
    pub is_gone: bool,
    /// Whether its state was seen, and not only events that speak of it.
    pub has_state: bool,
    /// When its present state was observed.
    pub stated_at: Time,
    /// Its controlling owner.
    pub owner: Option<EntityId>,
    /// The node of a pod.
    pub node: Option<EntityId>,
    /// Images of a pod.
    pub images: Vec<EntityId>,
    /// Objects that it needs.
    pub references: Vec<EntityId>,
    /// The Service of an EndpointSlice.
    pub service: Option<EntityId>,
    /// Labels of a pod.
    pub labels: Vec<Label>,
    /// Selector of a Service.
    pub selector: Vec<Label>,
    /// Endpoints of an EndpointSlice or of Endpoints.
    pub endpoints: Option<Endpoints>,
    /// Replicas of a workload.
    pub replicas: Option<Replicas>,
    /// Signals that its state shows now.
    pub problems: Vec<EntityId>,
    /// Whether it is ready: all of a pod's containers run and are ready, or it has completed.
    pub is_ready: bool,
    /// Since when, as far as it says so.
    pub ready_since: Option<Time>,
    /// Registries that its images come from.
    pub registries: Vec<EntityId>,
    /// The longest start that one of its startup probes grants, in seconds.
    pub startup_secs: u32,
}

impl ObjectRow {
    /// Notes a report, so that it is known when it comes again.
    pub(crate) fn remember(&mut self, fact: FactId) {
        if self.recent.len() == RECENT_MAX {
            self.recent.remove(0);
        }
        self.recent.push(short(fact));
    }

    /// Whether a report was noted.
    pub(crate) fn knows(&self, fact: FactId) -> bool {
        self.recent.contains(&short(fact))
    }

    fn links(&self) -> impl Iterator<Item = EntityId> + '_ {
        let single = [self.owner, self.node, self.service].into_iter().flatten();
        let many = [&self.images, &self.registries, &self.references];
        single.chain(many.into_iter().flatten().copied())
    }

    fn uses(&self) -> impl Iterator<Item = EntityId> + '_ {
        self.links().chain(self.problems.iter().copied())
    }
}

/// The objects of a scope and how they hang together.
#[derive(Debug, Default)]
pub(crate) struct Topology {
    /// Numbers of entities and of signals.
    pub names: Names,
    objects: Table<EntityId, ObjectRow>,
    /// Workloads that were first known by a guess from a pod's name.
    aliases: OrderedTable<EntityId, EntityId>,
    /// Derived: (what is linked to, who links).
    links: BTreeSet<(EntityId, EntityId)>,
    /// Derived: Services by namespace.
    services: BTreeMap<Text, BTreeSet<EntityId>>,
    /// Derived: how many objects of a kind have shown their state in a namespace, gone or not.
    seen: BTreeMap<(Text, Text), u32>,
    /// Derived: one entry per object, at or before the time that it was heard of last.
    recency: BinaryHeap<Reverse<(Time, EntityId)>>,
}

impl Topology {
    /// The number of an object.
    pub(crate) fn id(&mut self, object: &ObjectRef) -> EntityId {
        self.names.intern(&object.entity())
    }

    /// What is remembered of an object.
    pub(crate) fn object(&self, id: EntityId) -> Option<&ObjectRow> {
        self.objects.get(&id)
    }

    /// How many objects are remembered.
    pub(crate) fn len(&self) -> usize {
        self.objects.len()
    }

    /// Replaces what is remembered of an object.
    pub(crate) fn put(&mut self, id: EntityId, row: ObjectRow) {
        self.names.retain(id);
        row.uses().collect::<Vec<_>>().into_iter().for_each(|used| self.names.retain(used));
        self.links.extend(row.links().map(|parent| (parent, id)));
        if !row.selector.is_empty() {
            let namespace = self.names.name(id).namespace;
            self.services.entry(namespace).or_default().insert(id);
        }
        let (is_known, had_state) = self.objects.get(&id).map_or((false, false), |old| (true, old.has_state));
        match is_known {
            false => self.recency.push(Reverse((row.seen_at, id))),
            true => self.unlink(id, Some(&row)),
        }
        if row.has_state && !had_state {
            self.note_seen(id, true);
        } else if had_state && !row.has_state {
            self.note_seen(id, false);
        }
        self.objects.insert(id, row);
    }

    /// Changes what is remembered of an object, making a row where there is none.
    pub(crate) fn change(&mut self, id: EntityId, now: Time, change: impl FnOnce(&mut ObjectRow)) {
        let mut row = self.objects.get(&id).cloned().unwrap_or_default();
        row.seen_at = row.seen_at.max(now);
        change(&mut row);
        self.put(id, row);
    }

    /// Marks an object as gone: it links to nothing but its owner, and shows nothing.
    pub(crate) fn bury(&mut self, id: EntityId, now: Time) {
        let Some(row) = self.objects.get(&id) else { return };
        let kept = ObjectRow {
            uid: row.uid.clone(),
            seen_at: row.seen_at.max(now),
            recent: row.recent.clone(),
            is_gone: true,
            has_state: row.has_state,
            stated_at: row.stated_at,
            owner: row.owner,
            ..ObjectRow::default()
        };
        self.put(id, kept);
    }

    /// Forgets an object.
    pub(crate) fn remove(&mut self, id: EntityId) -> Option<ObjectRow> {
        if self.objects.get(&id)?.has_state {
            self.note_seen(id, false);
        }
        self.unlink(id, None);
        self.objects.remove(&id)
    }

    fn note_seen(&mut self, id: EntityId, present: bool) {
        let Some(name) = self.names.peek(id) else { return };
        let place = (name.kind.clone(), name.namespace.clone());
        let count = self.seen.entry(place.clone()).or_insert(0);
        *count = if present { *count + 1 } else { count.saturating_sub(1) };
        if *count == 0 {
            self.seen.remove(&place);
        }
    }

    /// Whether an object of a kind would be known if it were there: its kind was seen in that namespace, or in two
    /// others, so that all namespaces were looked at.
    pub(crate) fn has_seen(&self, kind: &str, namespace: &str) -> bool {
        let kind: Text = kind.into();
        if self.seen.contains_key(&(kind.clone(), namespace.into())) {
            return true;
        }
        let least = (kind.clone(), Text::from(""));
        !namespace.is_empty() && self.seen.range(least..).take_while(|((of, _), _)| *of == kind).take(2).count() == 2
    }

    /// Whether anything was seen in a namespace, or the namespace itself.
    pub(crate) fn has_namespace(&self, namespace: &str) -> bool {
        let itself = self.names.get(&Entity::new("Namespace", "", namespace));
        let is_there = itself.and_then(|id| self.objects.get(&id)).is_some_and(|row| !row.is_gone);
        is_there || NAMESPACED.iter().any(|kind| self.seen.contains_key(&((*kind).into(), namespace.into())))
    }

    /// Takes back what the present row of an object has linked and used, save what its successor links too.
    fn unlink(&mut self, id: EntityId, successor: Option<&ObjectRow>) {
        let Some(old) = self.objects.get(&id) else { return };
        let kept: BTreeSet<_> = successor.into_iter().flat_map(ObjectRow::links).collect();
        let gone: Vec<_> = old.links().filter(|parent| !kept.contains(parent)).collect();
        let used: Vec<_> = old.uses().collect();
        let was_service = !old.selector.is_empty() && successor.is_none_or(|row| row.selector.is_empty());
        for parent in gone {
            self.links.remove(&(parent, id));
        }
        if was_service {
            let namespace = self.names.name(id).namespace;
            if let Some(services) = self.services.get_mut(&namespace) {
                services.remove(&id);
                if services.is_empty() {
                    self.services.remove(&namespace);
                }
            }
        }
        used.into_iter().for_each(|used| self.names.release(used));
        self.names.release(id);
    }

    /// The object that was not heard of for longest. Its entry in the queue is put right on the way.
    pub(crate) fn stalest(&mut self) -> Option<EntityId> {
        while let Some(Reverse((at, id))) = self.recency.pop() {
            match self.objects.get(&id) {
                None => {}
                Some(row) if row.seen_at == at => {
                    self.recency.push(Reverse((at, id)));
                    return Some(id);
                }
                Some(row) => self.recency.push(Reverse((row.seen_at, id))),
            }
        }
        None
    }

    /// Marks an object as just heard of, so that it is not the stalest.
    pub(crate) fn touch(&mut self, id: EntityId, now: Time) {
        if let Some(row) = self.objects.get_mut(&id) {
            row.seen_at = row.seen_at.max(now);
        }
    }

    /// Objects that link to this one: pods of a node, of an image, of an owner; slices of a Service.
    pub(crate) fn linked_to(&self, id: EntityId) -> impl Iterator<Item = EntityId> + '_ {
        self.links.range((id, EntityId(0))..=(id, EntityId(u32::MAX))).map(|(_, child)| *child)
    }

    /// Services whose selector matches a pod.
    pub(crate) fn services_of(&self, pod: EntityId) -> Vec<EntityId> {
        let (Some(name), Some(row)) = (self.names.peek(pod), self.objects.get(&pod)) else { return Vec::new() };
        let services = self.services.get(&name.namespace).into_iter().flatten();
        let selects = |service: &&EntityId| {
            let service = self.objects.get(*service);
            service.is_some_and(|service| service.selector.iter().all(|label| row.labels.contains(label)))
        };
        services.filter(selects).copied().collect()
    }

    /// Endpoints of a Service, over all of its slices; none where no slice is known.
    pub(crate) fn endpoints_of(&self, service: EntityId) -> Option<Endpoints> {
        let slices = self.linked_to(service).chain([service]);
        let known = slices.filter_map(|slice| self.objects.get(&slice)?.endpoints);
        known.reduce(|a, b| Endpoints {
            ready: a.ready.saturating_add(b.ready),
            not_ready: a.not_ready.saturating_add(b.not_ready),
        })
    }

    /// What a person would call an object: its owner workload, or itself where it has none.
    pub(crate) fn workload_of(&mut self, object: EntityId) -> EntityId {
        let mut id = self.resolve(object);
        for _ in 0..OWNER_CHAIN_MAX {
            match self.objects.get(&id).and_then(|row| row.owner) {
                Some(owner) if owner != id => id = self.resolve(owner),
                _ => break,
            }
        }
        let is_known = self.objects.get(&id).is_some_and(|row| row.has_state);
        let name = self.names.name(id);
        match guessed_owner(&name, is_known) {
            Some(owner) => {
                let owner = self.names.intern(&owner);
                self.resolve(owner)
            }
            None => id,
        }
    }

    /// What makes an object, as far up as things make pods: it says what its pods ask for and offer.
    pub(crate) fn asker_of(&mut self, object: EntityId) -> EntityId {
        let mut id = self.resolve(object);
        for _ in 0..OWNER_CHAIN_MAX {
            let owner = self.objects.get(&id).and_then(|row| row.owner).filter(|owner| *owner != id);
            let makes_pods = |owner: &EntityId| {
                self.names.peek(*owner).is_some_and(|name| crate::asks::WORKLOADS.contains(&&*name.kind))
            };
            match owner.filter(makes_pods) {
                Some(owner) => id = self.resolve(owner),
                None => break,
            }
        }
        let is_known = self.objects.get(&id).is_some_and(|row| row.has_state && row.owner.is_none());
        match guessed_owner(&self.names.name(id), is_known) {
            Some(owner) => {
                let owner = self.names.intern(&owner);
                self.resolve(owner)
            }
            None => id,
        }
    }

    /// Follows an alias.
    pub(crate) fn resolve(&self, id: EntityId) -> EntityId {
        self.aliases.get(&id).copied().unwrap_or(id)
    }

    /// Notes that what would be guessed from a pod's name is this workload: its siblings may be heard of before seen.
    pub(crate) fn learn_owner(&mut self, pod: &Entity, workload: EntityId) {
        let Some(guess) = guessed_owner(pod, false).and_then(|guess| self.names.get(&guess)) else { return };
        if guess == workload || self.objects.contains(&guess) || self.aliases.get(&guess) == Some(&workload) {
            return;
        }
        if self.aliases.len() >= ALIASES_MAX
            && let Some((old, workload)) = self.aliases.first().map(|(old, workload)| (*old, *workload))
        {
            self.aliases.remove(&old);
            self.names.release(old);
            self.names.release(workload);
        }
        self.names.retain(guess);
        self.names.retain(workload);
        if let Some(former) = self.aliases.get(&guess).copied() {
            self.names.release(guess);
            self.names.release(former);
        }
        self.aliases.insert(guess, workload);
    }

    /// All objects of a kind, in the order of their numbers.
    pub(crate) fn of_kind(&self, kind: &str) -> Vec<(EntityId, Time)> {
        let rows = self.objects.sorted().into_iter();
        rows.filter(|(id, row)| !row.is_gone && self.names.peek(**id).is_some_and(|name| &*name.kind == kind))
            .map(|(id, row)| (*id, row.seen_at))
            .collect()
    }

    /// The tables behind it, always in one order.
    pub(crate) fn ledgers(&mut self) -> [&mut dyn Ledger; 3] {
        [&mut self.names, &mut self.objects, &mut self.aliases]
    }

    /// Rebuilds what is derived; counts the uses of names.
    pub(crate) fn rebuild(&mut self) {
        self.names.rebuild();
        self.links.clear();
        self.services.clear();
        self.seen.clear();
        self.recency.clear();
        let rows: Vec<_> = self.objects.sorted().into_iter().map(|(id, row)| (*id, row.clone())).collect();
        for (id, row) in rows {
            self.names.retain(id);
            row.uses().for_each(|used| self.names.retain(used));
            self.links.extend(row.links().map(|parent| (parent, id)));
            if !row.selector.is_empty() {
                let namespace = self.names.name(id).namespace;
                self.services.entry(namespace).or_default().insert(id);
            }
            if row.has_state {
                self.note_seen(id, true);
            }
            self.recency.push(Reverse((row.seen_at, id)));
        }
        let aliases: Vec<_> = self.aliases.iter().map(|(a, b)| (*a, *b)).collect();
        for (guess, workload) in aliases {
            self.names.retain(guess);
            self.names.retain(workload);
        }
    }
}

/// Whether a pod is ready: all of its containers run and are ready, or it has completed.
pub(crate) fn is_ready(report: &ObjectReport) -> bool {
    let main = || report.containers.iter().filter(|container| !container.init);
    let runs = |state: &ContainerState| matches!(state, ContainerState::Running { .. });
    // The node controller takes the condition away from pods of a lost node, whose containers it cannot ask.
    let is_denied = report.conditions.iter().any(|c| &*c.kind == "Ready" && &*c.status != "True");
    &*report.phase == "Succeeded" || !is_denied && main().count() > 0 && main().all(|c| c.ready && runs(&c.state))
}

/// The alphabet of generated names (`k8s.io/apimachinery/pkg/util/rand`): no vowels, no 0, 1, 3.
const GENERATED: &str = "bcdfghjklmnpqrstvwxz2456789";

/// The workload that a pod's or ReplicaSet's name speaks of, where no owner is known.
///
/// `cart-7d9c5b4f68-x2x8k` is a pod of Deployment `cart`; `cart-x2x8k` belongs to something called `cart` of unknown
/// kind. A pod whose state is known to have no owner is what it is.
fn guessed_owner(name: &Entity, is_known: bool) -> Option<Entity> {
    if is_known {
        return None;
    }
    let generated = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&text.len()) && text.chars().all(|c| GENERATED.contains(c))
    };
    match &*name.kind {
        "Pod" => {
            let (base, suffix) = name.name.rsplit_once('-').filter(|(_, suffix)| generated(suffix, 5..=5))?;
            match base.rsplit_once('-') {
                Some((base, hash)) if generated(hash, 8..=10) => Some(Entity::new("Deployment", &name.namespace, base)),
                _ if suffix.is_empty() => None,
                _ => Some(Entity::new("Workload", &name.namespace, base)),
            }
        }
        "ReplicaSet" => {
            let (base, _) = name.name.rsplit_once('-').filter(|(_, hash)| generated(hash, 8..=10))?;
            Some(Entity::new("Deployment", &name.namespace, base))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(kind: &str, name: &str) -> Option<String> {
        guessed_owner(&Entity::new(kind, "shop", name), false).map(|owner| owner.to_string())
    }

    #[test]
    fn owners_are_guessed_from_generated_names_only() {
        assert_eq!(guess("Pod", "cart-7d9c5b4f68-x2x8k").as_deref(), Some("Deployment shop/cart"));
        assert_eq!(guess("Pod", "node-agent-x2x8k").as_deref(), Some("Workload shop/node-agent"));
        assert_eq!(guess("Pod", "web-frontend"), None);
        assert_eq!(guess("Pod", "redis-0"), None);
        assert_eq!(guess("ReplicaSet", "cart-7d9c5b4f68").as_deref(), Some("Deployment shop/cart"));
        assert_eq!(guess("Node", "pool-7d9c5b4f68-x2x8k"), None);
    }
}
