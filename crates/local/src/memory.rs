//! A log in memory, without anything that every reader has passed: what a log on a disk is held against.

use crate::log::{Error, Log, Place, Position, Stored, Transaction, Visitor};
use bellbuoy_core::task::Offset;
use bellbuoy_core::time::Time;
use bellbuoy_wire::topic::Topic;
use std::collections::{BTreeMap, VecDeque};

/// A log in memory.
#[derive(Clone, Debug)]
pub struct MemoryLog {
    partitions: u32,
    records: BTreeMap<Place, VecDeque<Stored>>,
    ends: BTreeMap<Place, Offset>,
    latest: BTreeMap<Place, BTreeMap<Vec<u8>, Vec<u8>>>,
    positions: BTreeMap<(&'static str, u32), Position>,
}

impl MemoryLog {
    /// An empty log with so many partitions per topic.
    pub fn new(partitions: u32) -> Self {
        Self {
            partitions: partitions.max(1),
            records: BTreeMap::new(),
            ends: BTreeMap::new(),
            latest: BTreeMap::new(),
            positions: BTreeMap::new(),
        }
    }

    /// How many records are in memory.
    pub fn len(&self) -> usize {
        self.records.values().map(VecDeque::len).sum()
    }

    /// Whether no record is in memory.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn drop_before(&mut self, place: Place, offset: Offset) {
        let Some(records) = self.records.get_mut(&place) else { return };
        let passed = records.partition_point(|stored| stored.offset < offset);
        records.drain(..passed);
    }
}

impl Log for MemoryLog {
    fn partitions(&self) -> u32 {
        self.partitions
    }

    fn commit(&mut self, transaction: &Transaction) -> Result<(), Error> {
        for (place, appends) in &transaction.appends {
            let end = self.ends.entry(*place).or_default();
            let records = self.records.entry(*place).or_default();
            for record in appends {
                records.extend(record.clone().map(|record| Stored { offset: *end, record }));
                *end += 1;
            }
        }
        for (place, rows) in &transaction.latest {
            let latest = self.latest.entry(*place).or_default();
            for (key, value) in rows {
                match value {
                    Some(value) => drop(latest.insert(key.clone(), value.clone())),
                    None => drop(latest.remove(key)),
                }
            }
        }
        self.positions.extend(&transaction.positions);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn read(&self, topic: Topic, partition: u32, from: Offset, bytes_max: usize) -> Result<Vec<Stored>, Error> {
        let Some(records) = self.records.get(&(topic, partition)) else { return Ok(Vec::new()) };
        let first = records.partition_point(|stored| stored.offset < from);
        let mut bytes = 0;
        let fits = records.range(first..).take_while(|stored| {
            let had = bytes;
            bytes += stored.record.key.len() + stored.record.value.len() + 1;
            had == 0 || bytes <= bytes_max
        });
        Ok(fits.cloned().collect())
    }

    fn end(&self, topic: Topic, partition: u32) -> Offset {
        self.ends.get(&(topic, partition)).copied().unwrap_or(0)
    }

    fn visit_latest(&self, topic: Topic, partition: u32, visit: &mut Visitor<'_>) -> Result<(), Error> {
        for (key, value) in self.latest.get(&(topic, partition)).into_iter().flatten() {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn position(&self, stage: &'static str, partition: u32) -> Result<Option<Position>, Error> {
        Ok(self.positions.get(&(stage, partition)).copied())
    }

    fn passed(&mut self, topic: Topic, partition: u32, offset: Offset) {
        self.drop_before((topic, partition), offset);
    }

    fn prune(&mut self, topic: Topic, partition: u32, horizon: Time, keep_from: Offset) -> Result<u64, Error> {
        let Some(records) = self.records.get_mut(&(topic, partition)) else { return Ok(0) };
        let old =
            records.iter().take_while(|stored| stored.offset < keep_from && stored.record.timestamp < horizon).count();
        records.drain(..old);
        Ok(old as u64)
    }
}
