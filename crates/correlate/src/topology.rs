//! Topology: which object belongs to what, as far as facts have told, and what a person would call it.

use crate::heard::Heard;
use crate::object_row::ObjectRow;
use crate::workload::{MAKE_PODS, WORKLOAD, guessed_owner, is_ordinal};
use bellbuoy_core::Text;
use bellbuoy_core::intern::{EntityId, Names};
use bellbuoy_core::object::{Entity, ObjectRef};
use bellbuoy_core::report::{Endpoints, Label};
use bellbuoy_core::table::{Ledger, OrderedTable, Table};
use bellbuoy_core::time::Time;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// How far an owner chain is followed: Pod → ReplicaSet → Deployment → its operator's object, and one more.
const OWNER_CHAIN_MAX: usize = 4;

/// Guesses remembered for pods whose state is not seen yet. At the limit the one that was given out first goes: it was
/// for the oldest name, whose pods have been seen since.
const ALIASES_MAX: usize = 10_000;

/// Pods of a StatefulSet that are looked for by their names, when it is heard of after them.
const ORDINALS: u8 = 10;

/// Kinds of which every namespace in use has some.
const NAMESPACED: [&str; 6] = ["Pod", "Service", "Deployment", "ServiceAccount", "ConfigMap", "StatefulSet"];

/// The objects of a scope and how they hang together.
#[derive(Debug, Default)]
pub(crate) struct Topology {
    /// Numbers of entities and of signals.
    pub names: Names,
    objects: Table<EntityId, ObjectRow>,
    /// A row for each of the objects.
    heard: Table<EntityId, Heard>,
    /// Workloads that were first known by a guess from a pod's name.
    aliases: OrderedTable<EntityId, EntityId>,
    /// Derived: (what is linked to, who links).
    links: BTreeSet<(EntityId, EntityId)>,
    /// Derived: Services by namespace and by the first label that they select by.
    services: BTreeMap<Text, BTreeMap<Label, BTreeSet<EntityId>>>,
    /// Derived: how many objects of a kind have shown their state in a namespace, gone or not.
    seen: BTreeMap<(Text, Text), u32>,
    /// Derived: one entry per object, at or before the time that it was heard of last.
    recency: BinaryHeap<Reverse<(Time, EntityId)>>,
}

impl Topology {
    /// The number of an object.
    pub(crate) fn id(&mut self, object: &ObjectRef) -> EntityId {
        self.names.intern_object(object)
    }

    /// The number of an object that was heard of before.
    pub(crate) fn number_of(&self, object: &ObjectRef) -> Option<EntityId> {
        self.names.find(&object.kind, &object.namespace, &object.name)
    }

    /// What is remembered of an object.
    pub(crate) fn object(&self, id: EntityId) -> Option<&ObjectRow> {
        self.objects.get(&id)
    }

    /// When an object was heard of, and by which reports.
    pub(crate) fn heard(&self, id: EntityId) -> Option<&Heard> {
        self.heard.get(&id)
    }

    /// Notes when an object was heard of.
    pub(crate) fn hear(&mut self, id: EntityId, now: Time, note: impl FnOnce(&mut Heard)) {
        match self.heard.get_mut(&id) {
            Some(heard) => {
                heard.seen_at = heard.seen_at.max(now);
                note(heard);
            }
            None => {
                let mut heard = Heard::at(now);
                note(&mut heard);
                self.heard.insert(id, heard);
                self.recency.push(Reverse((now, id)));
            }
        }
    }

    /// How many objects are remembered.
    pub(crate) fn len(&self) -> usize {
        self.objects.len()
    }

    /// Replaces what is remembered of an object that was heard of at `now`.
    pub(crate) fn put(&mut self, id: EntityId, row: ObjectRow, now: Time) {
        self.hear(id, now, |_| ());
        self.names.retain(id);
        row.uses().for_each(|used| self.names.retain(used));
        self.links.extend(row.links().map(|parent| (parent, id)));
        let old = self.objects.get(&id).cloned();
        let had_state = old.as_ref().is_some_and(|old| old.has_state);
        let (has_state, selector) = (row.has_state, row.selector.first().cloned());
        self.objects.insert(id, row);
        if let Some(old) = old {
            self.unlink(id, &old);
        }
        if let Some(label) = selector {
            let namespace = self.names.name(id).namespace;
            self.services.entry(namespace).or_default().entry(label).or_default().insert(id);
        }
        if has_state != had_state {
            self.note_seen(id, has_state);
        }
    }

    /// Changes what is remembered of an object, making a row where there is none.
    pub(crate) fn change(&mut self, id: EntityId, now: Time, change: impl FnOnce(&mut ObjectRow)) {
        let row = self.objects.get(&id).cloned().unwrap_or_default();
        self.put(id, row.changed(change), now);
    }

    /// Marks an object as gone: it links to nothing but its owner, and shows nothing.
    pub(crate) fn bury(&mut self, id: EntityId, now: Time) {
        let Some(row) = self.objects.get(&id) else { return };
        let kept = row.buried();
        self.put(id, kept, now);
    }

    /// Forgets an object.
    pub(crate) fn remove(&mut self, id: EntityId) {
        let Some(old) = self.objects.remove(&id) else { return };
        self.heard.remove(&id);
        if old.has_state {
            self.note_seen(id, false);
        }
        self.unlink(id, &old);
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

    /// Takes back what a former row of an object has linked and used, save what the present one links too.
    fn unlink(&mut self, id: EntityId, old: &ObjectRow) {
        let present = self.objects.get(&id);
        for parent in old.links() {
            if !present.is_some_and(|row| row.links().any(|kept| kept == parent)) {
                self.links.remove(&(parent, id));
            }
        }
        if let Some(label) = old.selector.first() {
            self.deselect(id, label);
        }
        old.uses().for_each(|used| self.names.release(used));
        self.names.release(id);
    }

    fn deselect(&mut self, id: EntityId, label: &Label) {
        let Some(name) = self.names.peek(id) else { return };
        let Some(in_namespace) = self.services.get_mut(&name.namespace) else { return };
        if let Some(services) = in_namespace.get_mut(label) {
            services.remove(&id);
            if services.is_empty() {
                in_namespace.remove(label);
            }
        }
        if in_namespace.is_empty() {
            self.services.remove(&name.namespace);
        }
    }

    /// The object that was not heard of for longest. Its entry in the queue is put right on the way.
    pub(crate) fn stalest(&mut self) -> Option<EntityId> {
        while let Some(Reverse((at, id))) = self.recency.pop() {
            match self.heard.get(&id) {
                None => {}
                Some(heard) if heard.seen_at == at => {
                    self.recency.push(Reverse((at, id)));
                    return Some(id);
                }
                Some(heard) => self.recency.push(Reverse((heard.seen_at, id))),
            }
        }
        None
    }

    /// Marks an object as just heard of, so that it is not the stalest.
    pub(crate) fn touch(&mut self, id: EntityId, now: Time) {
        if self.heard.contains(&id) {
            self.hear(id, now, |_| ());
        }
    }

    /// Objects that link to this one: pods of a node, of an image, of an owner; slices of a Service.
    pub(crate) fn linked_to(&self, id: EntityId) -> impl Iterator<Item = EntityId> + '_ {
        self.links.range((id, EntityId(0))..=(id, EntityId(u32::MAX))).map(|(_, child)| *child)
    }

    /// Services whose selector matches a pod.
    pub(crate) fn services_of(&self, pod: EntityId) -> Vec<EntityId> {
        let (Some(name), Some(row)) = (self.names.peek(pod), self.objects.get(&pod)) else { return Vec::new() };
        let Some(services) = self.services.get(&name.namespace).filter(|_| !row.labels.is_empty()) else {
            return Vec::new();
        };
        let selects = |service: &EntityId| {
            let service = self.objects.get(service);
            service.is_some_and(|service| service.selector.iter().all(|label| row.labels.contains(label)))
        };
        let candidates = row.labels.iter().filter_map(|label| services.get(label)).flatten();
        let mut selecting: Vec<_> = candidates.copied().filter(selects).collect();
        selecting.sort_unstable();
        selecting.dedup();
        selecting
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
        self.guessed_for(id, is_known)
    }

    /// What an object belongs to by its name, if it does: then that stands for it.
    fn guessed_for(&mut self, id: EntityId, is_known: bool) -> EntityId {
        if is_known {
            return id;
        }
        let Some(name) = self.names.peek(id) else { return id };
        let known = |kind: &str, owner: &str| self.names.find(kind, &name.namespace, owner);
        let Some((kind, owner)) = guessed_owner(name) else {
            let set = name.name.rsplit_once('-').filter(|(_, ordinal)| is_ordinal(ordinal) && &*name.kind == "Pod");
            return set.and_then(|(set, _)| known("StatefulSet", set)).unwrap_or(id);
        };
        let told = || MAKE_PODS.iter().find_map(|kind| known(kind, owner));
        let owner = match known(kind, owner).or_else(|| told().filter(|_| kind == WORKLOAD)) {
            Some(owner) => owner,
            None => {
                let owner = Entity::new(kind, &name.namespace, owner);
                self.names.intern(&owner)
            }
        };
        self.resolve(owner)
    }

    /// What stood for an object as long as only its pods had been heard of: a guess by their names, or they themselves.
    pub(crate) fn stand_ins(&self, kind: &str, namespace: &str, name: &str) -> Vec<EntityId> {
        let is_known = || self.names.find(kind, namespace, name).is_some();
        match kind {
            kind if MAKE_PODS.contains(&kind) => self.names.find(WORKLOAD, namespace, name).into_iter().collect(),
            "StatefulSet" if !is_known() => {
                let pods = (0..ORDINALS).map(|ordinal| format!("{name}-{ordinal}"));
                pods.filter_map(|pod| self.names.find("Pod", namespace, &pod)).collect()
            }
            _ => Vec::new(),
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
        self.guessed_for(id, is_known)
    }

    /// Follows an alias.
    pub(crate) fn resolve(&self, id: EntityId) -> EntityId {
        self.aliases.get(&id).copied().unwrap_or(id)
    }

    /// Notes that what would be guessed from a pod's name is this workload: its siblings may be heard of before seen.
    pub(crate) fn learn_owner(&mut self, pod: EntityId, workload: EntityId) {
        let Some(name) = self.names.peek(pod) else { return };
        let guess = guessed_owner(name).and_then(|(kind, owner)| self.names.find(kind, &name.namespace, owner));
        let Some(guess) = guess else { return };
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
            .filter_map(|(id, _)| Some((*id, self.heard.get(id)?.seen_at)))
            .collect()
    }

    /// The tables behind it, always in one order.
    pub(crate) fn ledgers(&mut self) -> [&mut dyn Ledger; 4] {
        [&mut self.names, &mut self.objects, &mut self.heard, &mut self.aliases]
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
            if let Some(label) = row.selector.first() {
                let namespace = self.names.name(id).namespace;
                self.services.entry(namespace).or_default().entry(label.clone()).or_default().insert(id);
            }
            if row.has_state {
                self.note_seen(id, true);
            }
        }
        self.recency.extend(self.heard.sorted().into_iter().map(|(id, heard)| Reverse((heard.seen_at, *id))));
        let aliases: Vec<_> = self.aliases.iter().map(|(a, b)| (*a, *b)).collect();
        for (guess, workload) in aliases {
            self.names.retain(guess);
            self.names.retain(workload);
        }
    }
}
