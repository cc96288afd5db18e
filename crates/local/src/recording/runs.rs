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
    facts: Vec<Option<Fact>>,
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
        self.facts.push(Some(fact));
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
            let Some(Some(fact)) = self.facts.get(place as usize) else { continue };
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
        for placed in Merge::new(&self.files, std::iter::empty())? {
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
    /// None where a fact was taken out for the last time.
    facts: Vec<Option<Fact>>,
    index: Vec<(Order, u32)>,
    files: Vec<NamedTempFile>,
}

impl Runs {
    /// Copies of the facts, in order; one that was recorded twice comes once.
    pub(super) fn read(&self) -> Result<impl Iterator<Item = Result<Fact, Error>>, Error> {
        let in_memory = self.index.iter().filter_map(|(order, place)| {
            let fact = self.facts.get(*place as usize)?.clone()?;
            Some(Placed { order: *order, fact })
        });
        Sorted::new(&self.files, in_memory)
    }

    /// The facts themselves, in the same order.
    pub(super) fn into_facts(self) -> Result<impl Iterator<Item = Result<Fact, Error>>, Error> {
        let Self { mut facts, index, files } = self;
        let in_memory = index.into_iter().filter_map(move |(order, place)| {
            let fact = facts.get_mut(place as usize)?.take()?;
            Some(Placed { order, fact })
        });
        // A file that is open can be read when its name is gone.
        Sorted::new(&files, in_memory)
    }
}

/// Facts in order, each once.
struct Sorted<M: Iterator<Item = Placed>> {
    runs: InOrder<M>,
    last: Option<(Time, FactId)>,
}

/// Facts in order, some of them more than once.
enum InOrder<M: Iterator<Item = Placed>> {
    /// All of them lie in memory.
    Memory(M),
    /// They lie in several runs.
    Merge(Merge<M>),
}

impl<M: Iterator<Item = Placed>> Sorted<M> {
    fn new(files: &[NamedTempFile], in_memory: M) -> Result<Self, Error> {
        let runs = match files.is_empty() {
            true => InOrder::Memory(in_memory),
            false => InOrder::Merge(Merge::new(files, in_memory).map_err(Error::spill)?),
        };
        Ok(Self { runs, last: None })
    }
}

impl<M: Iterator<Item = Placed>> Iterator for Sorted<M> {
    type Item = Result<Fact, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let fact = match &mut self.runs {
                InOrder::Memory(facts) => facts.next()?.fact,
                InOrder::Merge(merge) => match merge.next()? {
                    Ok(placed) => placed.fact,
                    Err(error) => return Some(Err(Error::spill(error))),
                },
            };
            let name = Some((fact.observed_at, fact.id));
            if std::mem::replace(&mut self.last, name) != name {
                return Some(Ok(fact));
            }
        }
    }
}

/// Merges sorted runs.
struct Merge<M> {
    runs: Vec<Run<M>>,
    /// What was read last from a file.
    frame: Vec<u8>,
    /// The next fact of each run, the earliest on top.
    heads: BinaryHeap<Reverse<Head>>,
    failed: Option<std::io::Error>,
}

enum Run<M> {
    File(BufReader<File>),
    Memory(M),
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

impl<M: Iterator<Item = Placed>> Merge<M> {
    fn new(files: &[NamedTempFile], in_memory: M) -> std::io::Result<Self> {
        let mut runs = Vec::with_capacity(files.len() + 1);
        for file in files {
            runs.push(Run::File(BufReader::with_capacity(256 << 10, file.reopen()?)));
        }
        runs.push(Run::Memory(in_memory));
        let mut merge = Self { runs, frame: Vec::new(), heads: BinaryHeap::new(), failed: None };
        for run in 0..merge.runs.len() {
            merge.advance(run);
        }
        Ok(merge)
    }

    fn advance(&mut self, run: usize) {
        let read = match &mut self.runs[run] {
            Run::File(file) => read_framed(file, &mut self.frame),
            Run::Memory(facts) => Ok(facts.next()),
        };
        match read {
            Ok(Some(placed)) => self.heads.push(Reverse(Head { run, placed })),
            Ok(None) => {}
            Err(error) => self.failed = Some(error),
        }
    }
}

impl<M: Iterator<Item = Placed>> Iterator for Merge<M> {
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
