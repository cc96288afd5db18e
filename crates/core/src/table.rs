//! Tables with undo: the only state a stage has.
//!
//! Each first write to a key within a transaction notes the value from before it. Commit turns the notes into the
//! changelog, abort puts the old values back. A table never shows its keys in hash order, so that the order cannot
//! reach a decision; what needs an order is an [`OrderedTable`].

use crate::map::{Key, Map};
use crate::paged::Paged;
use borsh::{BorshDeserialize, BorshSerialize};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::BTreeMap;

/// Notes that keep their room from one transaction to the next. One that touches everything must not keep as much memory
/// again as the table has.
const NOTES_KEPT: usize = 1_024;

/// What a value of a table must be able to do.
pub trait Value: Clone + BorshSerialize + BorshDeserialize {}
impl<T: Clone + BorshSerialize + BorshDeserialize> Value for T {}

/// Where the changelog of a commit goes: key and value in their state image; no value deletes the key.
pub type Sink<'a> = dyn FnMut(Vec<u8>, Option<Vec<u8>>) + 'a;

/// A row of a changelog could not be read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt;

/// What the kernel asks of every table, whatever is in it.
pub trait Ledger {
    /// Ends the transaction: what changed goes to the sink, in key order.
    fn commit(&mut self, sink: &mut Sink<'_>);
    /// Ends the transaction where nobody keeps what changed.
    fn settle(&mut self);
    /// Ends the transaction: everything is as before it.
    fn abort(&mut self);
    /// Takes a row of a changelog in.
    fn restore(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), Corrupt>;
    /// All rows, in key order: what a restored table must equal.
    fn dump(&self, sink: &mut Sink<'_>);
    /// How many rows there are.
    fn rows(&self) -> usize;
}

/// A table kept in a map of one kind or the other.
#[derive(Debug)]
pub struct TableIn<M, K, V> {
    rows: M,
    /// The value of each touched key before the transaction.
    notes: HashMap<K, Option<V>, RandomState>,
}

/// A table for looking up.
pub type Table<K, V> = TableIn<HashMap<K, V, RandomState>, K, V>;

/// A table for looking up by numbers that are given out in order.
pub type NumberedTable<V> = TableIn<Paged<V>, u32, V>;

/// A table for walking in key order.
pub type OrderedTable<K, V> = TableIn<BTreeMap<K, V>, K, V>;

impl<M: Default, K, V> Default for TableIn<M, K, V> {
    fn default() -> Self {
        Self { rows: M::default(), notes: HashMap::default() }
    }
}

impl<M: Map<K, V>, K: Key, V: Value> TableIn<M, K, V> {
    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    /// Whether a key is there.
    pub fn contains(&self, key: &K) -> bool {
        self.rows.get(key).is_some()
    }

    /// Sets the value of a key.
    pub fn insert(&mut self, key: K, value: V) {
        let old = self.rows.insert(key.clone(), value);
        self.notes.entry(key).or_insert(old);
    }

    /// The value of a key, to change; notes the old one.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let value = self.rows.get_mut(key)?;
        self.notes.entry(key.clone()).or_insert_with(|| Some(value.clone()));
        Some(value)
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let old = self.rows.remove(key)?;
        self.notes.entry(key.clone()).or_insert_with(|| Some(old.clone()));
        Some(old)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All rows, in key order. Sorts a [`Table`]: not for the hot path.
    pub fn sorted(&self) -> Vec<(&K, &V)> {
        self.rows.sorted()
    }

    /// The keys touched in this transaction, with what they held before it.
    pub(crate) fn touched(&self) -> impl Iterator<Item = (&K, Option<&V>)> {
        self.notes.iter().map(|(key, old)| (key, old.as_ref()))
    }
}

impl<K: Key, V: Value> OrderedTable<K, V> {
    /// The rows from `from` on, in key order.
    pub fn range_from(&self, from: K) -> impl Iterator<Item = (&K, &V)> {
        self.rows.range(from..)
    }

    /// All rows in key order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.rows.iter()
    }

    /// The first row.
    pub fn first(&self) -> Option<(&K, &V)> {
        self.rows.first_key_value()
    }
}

impl<M: Map<K, V>, K: Key, V: Value> Ledger for TableIn<M, K, V> {
    fn commit(&mut self, sink: &mut Sink<'_>) {
        let mut touched: Vec<_> = self.notes.drain().collect();
        self.notes.shrink_to(NOTES_KEPT);
        touched.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for (key, old) in touched {
            match self.rows.get(&key) {
                Some(value) => sink(image(&key), Some(image(value))),
                None if old.is_some() => sink(image(&key), None),
                // Came and went within one transaction: nobody ever saw it.
                None => {}
            }
        }
    }

    fn settle(&mut self) {
        self.notes.clear();
        self.notes.shrink_to(NOTES_KEPT);
    }

    fn abort(&mut self) {
        for (key, old) in self.notes.drain() {
            match old {
                Some(value) => drop(self.rows.insert(key, value)),
                None => drop(self.rows.remove(&key)),
            }
        }
    }

    fn restore(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), Corrupt> {
        let key = K::try_from_slice(key).map_err(|_| Corrupt)?;
        match value {
            Some(value) => drop(self.rows.insert(key, V::try_from_slice(value).map_err(|_| Corrupt)?)),
            None => drop(self.rows.remove(&key)),
        }
        Ok(())
    }

    fn dump(&self, sink: &mut Sink<'_>) {
        for (key, value) in self.rows.sorted() {
            sink(image(key), Some(image(value)));
        }
    }

    fn rows(&self) -> usize {
        self.rows.len()
    }
}

/// The state image of a key or value. Private to the stage that owns the table: outside readers see topics, not state.
fn image(value: &impl BorshSerialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    // Writing to memory cannot fail, and no type in a table refuses to be written.
    let _ = value.serialize(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dump(ledger: &dyn Ledger) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let mut rows = Vec::new();
        ledger.dump(&mut |key, value| rows.push((key, value)));
        rows
    }

    #[derive(Clone, Debug)]
    enum Op {
        Insert(u8, u32),
        Change(u8, u32),
        Remove(u8),
        Commit,
        Abort,
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            (0..8u8, any::<u32>()).prop_map(|(k, v)| Op::Insert(k, v)),
            (0..8u8, any::<u32>()).prop_map(|(k, v)| Op::Change(k, v)),
            (0..8u8).prop_map(Op::Remove),
            Just(Op::Commit),
            Just(Op::Abort),
        ]
    }

    proptest! {
        /// A plain map with a copy taken at each commit is the model.
        #[test]
        fn behaves_like_a_map_that_is_copied_at_each_commit(ops in proptest::collection::vec(op(), 0..200)) {
            let mut table: Table<u8, u32> = Table::default();
            let mut replica: OrderedTable<u8, u32> = OrderedTable::default();
            let (mut now, mut committed) = (BTreeMap::new(), BTreeMap::new());
            for op in ops {
                match op {
                    Op::Insert(k, v) => { table.insert(k, v); now.insert(k, v); }
                    Op::Change(k, v) => {
                        if let Some(value) = table.get_mut(&k) { *value = v; }
                        now.entry(k).and_modify(|value| *value = v);
                    }
                    Op::Remove(k) => { prop_assert_eq!(table.remove(&k), now.remove(&k)); }
                    Op::Commit => {
                        table.commit(&mut |key, value| replica.restore(&key, value.as_deref()).unwrap());
                        committed = now.clone();
                        prop_assert_eq!(dump(&replica), dump(&table));
                    }
                    Op::Abort => { table.abort(); now = committed.clone(); }
                }
                let rows: BTreeMap<u8, u32> = table.sorted().into_iter().map(|(k, v)| (*k, *v)).collect();
                prop_assert_eq!(&rows, &now);
            }
        }
    }

    #[test]
    fn a_broken_row_is_refused() {
        let mut table: Table<u8, u32> = Table::default();
        assert_eq!(table.restore(&[1], Some(&[1, 2])), Err(Corrupt));
        assert_eq!(table.restore(&[], None), Err(Corrupt));
    }
}
