//! The maps a table can be kept in: what all of them can do.

use borsh::{BorshDeserialize, BorshSerialize};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::BTreeMap;
use std::hash::Hash;

/// What a key of a table must be able to do.
pub trait Key: Clone + Ord + Hash + BorshSerialize + BorshDeserialize {}
impl<T: Clone + Ord + Hash + BorshSerialize + BorshDeserialize> Key for T {}

/// What a map of a table can do.
pub trait Map<K, V>: Default {
    /// The value of a key.
    fn get(&self, key: &K) -> Option<&V>;
    /// The value of a key, to change.
    fn get_mut(&mut self, key: &K) -> Option<&mut V>;
    /// Sets the value of a key.
    fn insert(&mut self, key: K, value: V) -> Option<V>;
    /// Removes a key.
    fn remove(&mut self, key: &K) -> Option<V>;
    /// How many keys there are.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// All pairs, in key order.
    fn sorted(&self) -> Vec<(&K, &V)>;
}

impl<K: Key, V> Map<K, V> for HashMap<K, V, RandomState> {
    fn get(&self, key: &K) -> Option<&V> {
        self.get(key)
    }
    fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.get_mut(key)
    }
    fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.insert(key, value)
    }
    fn remove(&mut self, key: &K) -> Option<V> {
        self.remove(key)
    }
    fn len(&self) -> usize {
        self.len()
    }
    fn sorted(&self) -> Vec<(&K, &V)> {
        let mut pairs: Vec<_> = self.iter().collect();
        pairs.sort_unstable_by_key(|(key, _)| *key);
        pairs
    }
}

impl<K: Key, V> Map<K, V> for BTreeMap<K, V> {
    fn get(&self, key: &K) -> Option<&V> {
        self.get(key)
    }
    fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.get_mut(key)
    }
    fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.insert(key, value)
    }
    fn remove(&mut self, key: &K) -> Option<V> {
        self.remove(key)
    }
    fn len(&self) -> usize {
        self.len()
    }
    fn sorted(&self) -> Vec<(&K, &V)> {
        self.iter().collect()
    }
}
