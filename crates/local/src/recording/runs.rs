//! Facts in order: sorted in memory as far as it goes, in sorted temporary files beyond it, merged as they are read.

use crate::recording::Error;
use crate::recording::spool::{read_framed, write_framed};
use bellbuoy_core::fact::{Fact, FactId};
use bellbuoy_core::time::Time;
use borsh::{BorshDeserialize, BorshSerialize};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, Write};
use tempfile::NamedTempFile;

/// Sorted files at the most; at the limit they are merged into one.
const RUNS_MAX: usize = 64;

/// Where a fact stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub(super) struct Order {
    /// Stream time.
    pub(super) at: Time,
    /// Among facts of one time: the id, or the place in a journal of our own.
    pub(super) rank: [u8; 16],
}

/// Takes facts in any order.
#[derive(Debug)]
pub(super) struct Sorter {
    bytes: Vec<u8>,
    index: Vec<(Order, u32)>,
    memory_bytes_max: usize,
    files: Vec<NamedTempFile>,
}

/// A fact with its place.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
struct Placed {
    order: Order,
    fact: Fact,
}

/// A fact with its place, borrowed: the same image as [`Placed`].
#[derive(BorshSerialize)]
struct PlacedRef<'f> {
    order: Order,
    fact: &'f Fact,
}

impl Sorter {
    pub(super) fn new(memory_bytes_max: usize) -> Self {
        // Positions within memory are 32 bits wide.
        let memory_bytes_max = memory_bytes_max.min(1 << 31);
        Self { bytes: Vec::new(), index: Vec::new(), memory_bytes_max, files: Vec::new() }
    }

    pub(super) fn push(&mut self, order: Order, fact: &Fact) -> Result<(), Error> {
        let begin = u32::try_from(self.bytes.len()).map_err(|error| Error::spill(std::io::Error::other(error)))?;
        write_framed(&mut self.bytes, &PlacedRef { order, fact }).map_err(Error::spill)?;
        self.index.push((order, begin));
        if self.bytes.len() + self.index.len() * size_of::<(Order, u32)>() > self.memory_bytes_max {
            self.spill().map_err(Error::spill)?;
        }
        Ok(())
    }

    fn spill(&mut self) -> std::io::Result<()> {
        self.index.sort_unstable();
        let file = NamedTempFile::new()?;
        let mut out = std::io::BufWriter::with_capacity(1 << 20, file);
        for (_, begin) in &self.index {
            out.write_all(frame_at(&self.bytes, *begin))?;
        }
        self.files.push(out.into_inner()?);
        self.index.clear();
        self.bytes.clear();
        if self.files.len() >= RUNS_MAX {
            self.merge()?;
        }
        Ok(())
    }

    fn merge(&mut self) -> std::io::Result<()> {
        let mut out = std::io::BufWriter::with_capacity(1 << 20, NamedTempFile::new()?);
        let mut frame = Vec::new();
        for placed in Merge::new(&self.files, &[], &[])? {
            frame.clear();
            write_framed(&mut frame, &placed?)?;
            out.write_all(&frame)?;
        }
        self.files = vec![out.into_inner()?];
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Runs, Error> {
        self.index.sort_unstable();
        Ok(Runs { bytes: self.bytes, index: self.index, files: self.files })
    }
}

/// The frame that begins there.
fn frame_at(bytes: &[u8], begin: u32) -> &[u8] {
    let begin = begin as usize;
    let length = bytes[begin..].first_chunk().map_or(0, |length| u32::from_le_bytes(*length)) as usize;
    &bytes[begin..begin + 4 + length]
}

/// Facts in order, to be read as often as needed.
#[derive(Debug)]
pub(super) struct Runs {
    bytes: Vec<u8>,
    index: Vec<(Order, u32)>,
    files: Vec<NamedTempFile>,
}

impl Runs {
    pub(super) fn read<'r>(&'r self, ends: &'r [Fact]) -> Result<Facts<'r>, Error> {
        let merge = Merge::new(&self.files, &self.bytes, &self.index).map_err(Error::spill)?;
        Ok(Facts { merge, ends: ends.iter(), last: None })
    }
}

/// The facts of a recording, in order; a fact that was recorded twice comes once.
pub struct Facts<'r> {
    merge: Merge<'r>,
    ends: std::slice::Iter<'r, Fact>,
    last: Option<(Time, FactId)>,
}

impl Iterator for Facts<'_> {
    type Item = Result<Fact, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        for placed in self.merge.by_ref() {
            let fact = match placed {
                Ok(placed) => placed.fact,
                Err(error) => return Some(Err(Error::spill(error))),
            };
            let name = Some((fact.observed_at, fact.id));
            if name != self.last {
                self.last = name;
                return Some(Ok(fact));
            }
        }
        self.ends.next().cloned().map(Ok)
    }
}

/// Merges sorted runs.
struct Merge<'r> {
    runs: Vec<Run<'r>>,
    /// The next fact of each run, the earliest on top.
    heads: BinaryHeap<Reverse<Head>>,
    failed: Option<std::io::Error>,
}

enum Run<'r> {
    File(BufReader<File>),
    Memory { bytes: &'r [u8], index: std::slice::Iter<'r, (Order, u32)> },
}

struct Head {
    run: usize,
    placed: Placed,
}

impl Head {
    fn key(&self) -> (Order, usize) {
        (self.placed.order, self.run)
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Head {}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl<'r> Merge<'r> {
    fn new(files: &[NamedTempFile], bytes: &'r [u8], index: &'r [(Order, u32)]) -> std::io::Result<Self> {
        let mut runs = Vec::with_capacity(files.len() + 1);
        for file in files {
            runs.push(Run::File(BufReader::with_capacity(256 << 10, file.reopen()?)));
        }
        runs.push(Run::Memory { bytes, index: index.iter() });
        let mut merge = Self { runs, heads: BinaryHeap::new(), failed: None };
        for run in 0..merge.runs.len() {
            merge.advance(run);
        }
        Ok(merge)
    }

    fn advance(&mut self, run: usize) {
        let mut frame = Vec::new();
        let read = match &mut self.runs[run] {
            Run::File(file) => read_framed(file, &mut frame),
            Run::Memory { bytes, index } => match index.next() {
                Some((_, begin)) => read_framed(&mut frame_at(bytes, *begin), &mut frame),
                None => Ok(None),
            },
        };
        match read {
            Ok(Some(placed)) => self.heads.push(Reverse(Head { run, placed })),
            Ok(None) => {}
            Err(error) => self.failed = Some(error),
        }
    }
}

impl Iterator for Merge<'_> {
    type Item = std::io::Result<Placed>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            // Without one of its runs the rest would have holes.
            self.heads.clear();
            return Some(Err(error));
        }
        let Reverse(head) = self.heads.pop()?;
        self.advance(head.run);
        Some(Ok(head.placed))
    }
}
