//! Interned entities: a number for each name within one scope.
//!
//! A look-up by string costs five times one by number. Numbers never leave the scope's state: output is ordered by
//! name. Whether a name is still needed is counted, and the counts are derived from the tables that use it.

use crate::Text;
use crate::object::{Entity, ObjectRef};
use crate::table::{Corrupt, Ledger, NumberedTable, Sink, Table};
use borsh::{BorshDeserialize, BorshSerialize};
use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet, HashTable};
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

/// Kinds and namespaces that are kept before those are looked for that nothing has any more.
const WORDS_MIN: usize = 1_024;

/// The number of an entity within its scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct EntityId(pub u32);

/// The names of a scope, and how many were ever given out.
#[derive(Debug, Default)]
pub struct Names {
    names: NumberedTable<Entity>,
    given: Table<(), u32>,
    numbers: Numbers,
    uses: HashMap<EntityId, u32, RandomState>,
    /// Given out since the last sweep.
    fresh: Vec<EntityId>,
    /// Kinds and namespaces, each once: many names have them.
    words: HashSet<Text, RandomState>,
    /// How many words there may be before those that nothing has any more are looked for.
    words_max: usize,
}

/// Numbers by name. The names themselves stand in their table; a second copy would take more memory than all else.
#[derive(Debug, Default)]
struct Numbers {
    /// With the hash of the name.
    table: HashTable<(u32, EntityId)>,
    hasher: RandomState,
}

impl Numbers {
    fn hash(&self, kind: &str, namespace: &str, name: &str) -> u32 {
        // Half of the bits tell a thousand times as many names apart as a scope has.
        self.hasher.hash_one((name, namespace, kind)) as u32
    }

    /// Both ends of the hash choose a place in the table.
    fn spread(hash: u32) -> u64 {
        u64::from(hash) | u64::from(hash) << 32
    }

    fn insert(&mut self, name: &Entity, id: EntityId) {
        let hash = self.hash(&name.kind, &name.namespace, &name.name);
        self.table.insert_unique(Self::spread(hash), (hash, id), |(hash, _)| Self::spread(*hash));
    }

    fn find(&self, names: &NumberedTable<Entity>, kind: &str, namespace: &str, name: &str) -> Option<EntityId> {
        let hash = self.hash(kind, namespace, name);
        let is_it = |(known, id): &(u32, EntityId)| {
            // Names differ more often than namespaces and kinds.
            let is_named = |of: &Entity| *name == *of.name && *namespace == *of.namespace && *kind == *of.kind;
            *known == hash && names.get(&id.0).is_some_and(is_named)
        };
        self.table.find(Self::spread(hash), is_it).map(|(_, id)| *id)
    }

    fn remove(&mut self, name: &Entity, id: EntityId) {
        let hash = self.hash(&name.kind, &name.namespace, &name.name);
        if let Ok(entry) = self.table.find_entry(Self::spread(hash), |(_, known)| *known == id) {
            entry.remove();
        }
    }
}

impl Names {
    /// The number of a name, given out at its first use.
    pub fn intern(&mut self, entity: &Entity) -> EntityId {
        match self.get(entity) {
            Some(id) => id,
            None => self.give(entity.clone()),
        }
    }

    /// The number of a name in parts, given out at its first use.
    pub fn intern_parts(&mut self, kind: &str, namespace: &str, name: &str) -> EntityId {
        match self.find(kind, namespace, name) {
            Some(id) => id,
            None => self.give(Entity::new(kind, namespace, name)),
        }
    }

    /// The number of an object's entity, given out at its first use.
    pub fn intern_object(&mut self, object: &ObjectRef) -> EntityId {
        match self.find(&object.kind, &object.namespace, &object.name) {
            Some(id) => id,
            None => self.give(object.entity()),
        }
    }

    fn give(&mut self, entity: Entity) -> EntityId {
        let id = EntityId(self.given.get(&()).copied().unwrap_or(0));
        self.given.insert((), id.0 + 1);
        self.numbers.insert(&entity, id);
        let Entity { kind, namespace, name } = entity;
        let entity = Entity { kind: self.word(&kind), namespace: self.word(&namespace), name };
        self.names.insert(id.0, entity);
        self.fresh.push(id);
        id
    }

    /// A word that many have, such as a kind, a namespace or the key of a label: one text for all of them.
    pub fn word(&mut self, word: &Text) -> Text {
        if let Some(known) = self.words.get(word) {
            return known.clone();
        }
        if self.words.len() >= self.words_max.max(WORDS_MIN) {
            self.words.retain(|word| Arc::strong_count(word) > 1);
            self.words_max = 2 * self.words.len();
        }
        self.words.insert(word.clone());
        word.clone()
    }

    /// The number of a name that was used before.
    pub fn get(&self, entity: &Entity) -> Option<EntityId> {
        self.find(&entity.kind, &entity.namespace, &entity.name)
    }

    /// The number of a name in parts that was used before.
    pub fn find(&self, kind: &str, namespace: &str, name: &str) -> Option<EntityId> {
        self.numbers.find(&self.names, kind, namespace, name)
    }

    /// The name behind a number. A number that was let go has an empty name.
    pub fn name(&self, id: EntityId) -> Entity {
        self.names.get(&id.0).cloned().unwrap_or_default()
    }

    /// The name behind a number, to look at.
    pub fn peek(&self, id: EntityId) -> Option<&Entity> {
        self.names.get(&id.0)
    }

    /// A row uses the number from now on.
    pub fn retain(&mut self, id: EntityId) {
        *self.uses.entry(id).or_insert(0) += 1;
    }

    /// A row uses the number no longer; the last use lets the name go.
    pub fn release(&mut self, id: EntityId) {
        if let Some(uses) = self.uses.get_mut(&id) {
            *uses -= 1;
            if *uses == 0 {
                self.uses.remove(&id);
                self.forget(id);
            }
        }
    }

    /// Lets the names go that were given out since the last sweep and that no row uses.
    pub fn sweep(&mut self) {
        let mut fresh = std::mem::take(&mut self.fresh);
        for id in fresh.drain(..) {
            if !self.uses.contains_key(&id) {
                self.forget(id);
            }
        }
        // Its room is for the next ones.
        self.fresh = fresh;
    }

    /// For short names of what is said in many words. It is keyed anew in every process: nobody can choose words that get
    /// the same, and what it gives must not leave the process.
    pub fn hasher(&self) -> impl Hasher + use<> {
        self.numbers.hasher.build_hasher()
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Rebuilds what is derived: numbers by name, and the uses, which the caller counts anew with [`Names::retain`].
    pub fn rebuild(&mut self) {
        self.numbers.table.clear();
        self.uses.clear();
        self.fresh.clear();
        for (id, name) in self.names.sorted() {
            self.numbers.insert(name, EntityId(*id));
        }
    }

    fn forget(&mut self, id: EntityId) {
        if let Some(name) = self.names.remove(&id.0) {
            self.numbers.remove(&name, id);
        }
    }
}

impl Ledger for Names {
    fn commit(&mut self, sink: &mut Sink<'_>) {
        self.names.commit(&mut |key, value| sink([&[0][..], &key].concat(), value));
        self.given.commit(&mut |key, value| sink([&[1][..], &key].concat(), value));
    }

    fn settle(&mut self) {
        self.names.settle();
        self.given.settle();
    }

    fn abort(&mut self) {
        self.names.abort();
        self.given.abort();
    }

    fn restore(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), Corrupt> {
        match key.split_first() {
            Some((0, key)) => self.names.restore(key, value),
            Some((1, key)) => self.given.restore(key, value),
            _ => Err(Corrupt),
        }
    }

    fn dump(&self, sink: &mut Sink<'_>) {
        self.names.dump(&mut |key, value| sink([&[0][..], &key].concat(), value));
        self.given.dump(&mut |key, value| sink([&[1][..], &key].concat(), value));
    }

    fn rows(&self) -> usize {
        self.names.rows()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_lives_as_long_as_a_row_uses_it() {
        let mut names = Names::default();
        let cart = Entity::new("Deployment", "shop", "cart");
        let id = names.intern(&cart);
        names.retain(id);
        names.retain(id);
        names.release(id);
        assert_eq!((names.get(&cart), names.len()), (Some(id), 1));
        names.release(id);
        assert_eq!((names.get(&cart), names.len()), (None, 0));
        assert_ne!(names.intern(&cart), id, "numbers are not given out twice");
    }

    #[test]
    fn many_names_come_and_go() {
        let mut names = Names::default();
        let entity = |n: usize| Entity::new("Pod", &format!("team-{}", n / 3), &format!("cart-{n}"));
        let ids: Vec<_> = (0..5_000).map(|n| names.intern(&entity(n))).collect();
        for (n, id) in ids.iter().enumerate() {
            assert_eq!((names.get(&entity(n)), names.name(*id)), (Some(*id), entity(n)));
            if n % 2 == 0 {
                names.retain(*id);
            }
        }
        names.sweep();
        for (n, id) in ids.iter().enumerate() {
            assert_eq!(names.get(&entity(n)), (n % 2 == 0).then_some(*id));
        }
        assert_eq!((names.len(), names.numbers.table.len()), (2_500, 2_500));
    }

    #[test]
    fn a_word_is_one_text_for_as_long_as_anything_has_it() {
        let mut names = Names::default();
        let (one, other) = (names.word(&"shop".into()), names.word(&"shop".into()));
        assert!(Arc::ptr_eq(&one, &other));
        (0..10 * WORDS_MIN).for_each(|n| drop(names.word(&format!("team-{n}").into())));
        assert!(names.words.len() <= WORDS_MIN + 1, "{} words", names.words.len());
        assert!(Arc::ptr_eq(&one, &names.word(&"shop".into())));
    }

    #[test]
    fn a_name_in_parts_is_the_same_name() {
        let mut names = Names::default();
        let cart = names.intern(&Entity::new("Deployment", "shop", "cart"));
        assert_eq!(names.find("Deployment", "shop", "cart"), Some(cart));
        assert_eq!(names.intern_object(&ObjectRef::new("Deployment", "shop", "cart")), cart);
        let other = names.intern_parts("Deployment", "shop", "carts");
        assert_eq!(names.get(&Entity::new("Deployment", "shop", "carts")), Some(other));
        assert_eq!(names.find("Deployments", "hop", "cart"), None);
        assert_eq!(names.find("Pod", "shop", "cart"), None);
    }

    #[test]
    fn an_abort_takes_names_back_and_a_restore_brings_them() {
        let mut names = Names::default();
        let (cart, node) = (Entity::new("Deployment", "shop", "cart"), Entity::new("Node", "", "worker-1"));
        let first = names.intern(&cart);
        let mut rows = Vec::new();
        names.commit(&mut |key, value| rows.push((key, value)));
        names.intern(&node);
        names.abort();
        names.rebuild();
        assert_eq!((names.get(&cart), names.get(&node)), (Some(first), None));
        let mut restored = Names::default();
        rows.iter().for_each(|(key, value)| restored.restore(key, value.as_deref()).unwrap());
        restored.rebuild();
        assert_eq!(restored.name(first), cart);
        assert_eq!(restored.intern(&node), EntityId(1));
    }
}
