//! The embedded log of a data directory, to read: what `explain` and `export` look at.

use anyhow::{Context, bail};
use bellbuoy_local::disk::{DiskLog, Settings};
use bellbuoy_local::log::{Error, Log};
use bellbuoy_wire::record::Wire;
use std::ops::ControlFlow;
use std::path::Path;

/// Bytes that are read ahead.
const FETCH_BYTES_MAX: usize = 4 << 20;

/// The log of a data directory.
#[derive(Debug)]
pub(crate) struct Embedded(DiskLog);

impl Embedded {
    /// Opens a data directory that is there; none is made.
    ///
    /// # Errors
    /// When there is none, when another process has it, or when it cannot be read.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        if !path.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
            bail!("there is no data directory at {}: name the one that was given to --data-dir before", path.display());
        }
        let with = |partitions| DiskLog::open(path, Settings { partitions, ..Settings::default() });
        // Only the directory knows how many partitions it has.
        let opened = match with(1) {
            Err(Error::Partitions { found, .. }) => with(found),
            opened => opened,
        };
        Ok(Self(opened?))
    }

    /// Shows every record of a topic with its partition and offset, partition after partition, until told to stop.
    ///
    /// # Errors
    /// When the log or a record cannot be read, and those of `each`.
    pub(crate) fn each<T: Wire>(
        &self,
        mut each: impl FnMut(T, u32, i64) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<()> {
        for partition in 0..self.0.partitions() {
            let end = self.0.end(T::TOPIC, partition);
            let mut from = 0;
            while from < end {
                let records = self.0.read(T::TOPIC, partition, from, FETCH_BYTES_MAX)?;
                if records.is_empty() {
                    break;
                }
                for stored in records {
                    from = stored.offset + 1;
                    let place = || format!("topic {}, partition {partition}, offset {}", T::TOPIC, stored.offset);
                    let value =
                        T::decode(&stored.record.value).with_context(|| format!("failed to read {}", place()))?;
                    if each(value, partition, stored.offset)?.is_break() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}
