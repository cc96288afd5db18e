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
    pub(super) rank: u128,
}

/// Takes facts in any order.
#[derive(Debug)]
pub(super) struct Sorter {
    facts: Vec<Fact>,
    /// Orders, and places among the facts.
    index: Vec<(Order, u32)>,
    memory_bytes: usize,
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
        Self { facts: Vec::new(), index: Vec::new(), memory_bytes: 0, memory_bytes_max, files: Vec::new() }
    }

    /// Takes a fact that takes so many bytes of memory.
    pub(super) fn push(&mut self, order: Order, fact: Fact, bytes: u32) -> Result<(), Error> {
        let place = u32::try_from(self.facts.len()).map_err(|error| Error::spill(std::io::Error::other(error)))?;
        self.memory_bytes += size_of::<(Order, u32)>() + bytes as usize;
        self.facts.push(fact);
        self.index.push((order, place));
        if self.memory_bytes > self.memory_bytes_max {
            self.spill().map_err(Error::spill)?;
        }
        Ok(())
    }

    fn spill(&mut self) -> std::io::Result<()> {
        self.index.sort_unstable();
        let file = NamedTempFile::new()?;
        let mut out = std::io::BufWriter::with_capacity(1 << 20, file);
        let mut frame = Vec::new();
        for (order, place) in self.index.drain(..) {
            let Some(fact) = self.facts.get(place as usize) else { continue };
            frame.clear();
            write_framed(&mut frame, &PlacedRef { order, fact })?;
            out.write_all(&frame)?;
        }
        self.files.push(out.into_inner()?);
        self.facts.clear();
        self.memory_bytes = 0;
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
        Ok(Runs { facts: self.facts, index: self.index, files: self.files })
    }
}

/// Facts in order, to be read as often as needed.
#[derive(Debug)]
pub(super) struct Runs {
    facts: Vec<Fact>,
    index: Vec<(Order, u32)>,
    files: Vec<NamedTempFile>,
}

impl Runs {
    pub(super) fn read<'r>(&'r self, ends: &'r [Fact]) -> Result<Facts<'r>, Error> {
        let sorted = match self.files.is_empty() {
            true => Sorted::Memory { facts: &self.facts, index: self.index.iter() },
            false => Sorted::Merge(Merge::new(&self.files, &self.facts, &self.index).map_err(Error::spill)?),
        };
        Ok(Facts { sorted, ends: ends.iter(), last: None })
    }
}

/// The facts of a recording, in order; a fact that was recorded twice comes once.
pub struct Facts<'r> {
    sorted: Sorted<'r>,
    ends: std::slice::Iter<'r, Fact>,
    last: Option<(Time, FactId)>,
}

/// Facts in order, some of them more than once.
enum Sorted<'r> {
    /// All of them lie in memory.
    Memory { facts: &'r [Fact], index: std::slice::Iter<'r, (Order, u32)> },
    /// They lie in several runs.
    Merge(Merge<'r>),
}

impl Facts<'_> {
    /// Whether that fact was not the last one.
    fn is_new(last: &mut Option<(Time, FactId)>, fact: &Fact) -> bool {
        let name = Some((fact.observed_at, fact.id));
        std::mem::replace(last, name) != name
    }
}

impl Iterator for Facts<'_> {
    type Item = Result<Fact, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let last = &mut self.last;
        let next = match &mut self.sorted {
            Sorted::Memory { facts, index } => {
                let mut all = index.filter_map(|(_, place)| facts.get(*place as usize));
                all.find(|fact| Self::is_new(last, fact)).cloned().map(Ok)
            }
            Sorted::Merge(merge) => merge.find_map(|placed| match placed {
                Ok(Placed { fact, .. }) => Self::is_new(last, &fact).then_some(Ok(fact)),
                Err(error) => Some(Err(Error::spill(error))),
            }),
        };
        next.or_else(|| self.ends.next().cloned().map(Ok))
    }
}

/// Merges sorted runs.
struct Merge<'r> {
    runs: Vec<Run<'r>>,
    /// What was read last from a file.
    frame: Vec<u8>,
    /// The next fact of each run, the earliest on top.
    heads: BinaryHeap<Reverse<Head>>,
    failed: Option<std::io::Error>,
}

enum Run<'r> {
    File(BufReader<File>),
    Memory { facts: &'r [Fact], index: std::slice::Iter<'r, (Order, u32)> },
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
    fn new(files: &[NamedTempFile], facts: &'r [Fact], index: &'r [(Order, u32)]) -> std::io::Result<Self> {
        let mut runs = Vec::with_capacity(files.len() + 1);
        for file in files {
            runs.push(Run::File(BufReader::with_capacity(256 << 10, file.reopen()?)));
        }
        runs.push(Run::Memory { facts, index: index.iter() });
        let mut merge = Self { runs, frame: Vec::new(), heads: BinaryHeap::new(), failed: None };
        for run in 0..merge.runs.len() {
            merge.advance(run);
        }
        Ok(merge)
    }

    fn advance(&mut self, run: usize) {
        let read = match &mut self.runs[run] {
            Run::File(file) => read_framed(file, &mut self.frame),
            Run::Memory { facts, index } => {
                let placed = |(order, place): &(Order, u32)| {
                    Some(Placed { order: *order, fact: facts.get(*place as usize)?.clone() })
                };
                Ok(index.next().and_then(placed))
            }
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
