//! Facts in order: sorted in memory as far as it goes, in sorted temporary files beyond it, merged as they are read.

use crate::recording::Error;
use crate::recording::spool::{read_framed, write_framed};
use bellbuoy_core::fact::{Fact, FactId};
use bellbuoy_core::time::Time;
use bellbuoy_wire::recording::Dated;
use borsh::{BorshDeserialize, BorshSerialize};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::iter::Peekable;
use tempfile::NamedTempFile;

/// Sorted files at the most; at the limit they are merged into one.
const RUNS_MAX: usize = 64;

/// Where a fact stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
struct Order {
    /// Stream time.
    at: Time,
    /// Among facts of one time: the id, or the place in a journal of our own.
    rank: u128,
}

/// A fact that waits for its turn. One of a draft is made when it comes: the thread that does so need not be the one that
/// reads.
#[derive(Clone, Debug)]
pub(super) enum Waiting {
    /// What a draft reports. Among those of one time, ids decide.
    Dated(Dated),
    /// A fact of a journal of our own, with its place there.
    Settled(Box<Fact>, u64),
}

impl Waiting {
    fn placed(self, at: Time) -> Placed {
        let (fact, rank) = match self {
            Self::Dated(dated) => {
                let fact = dated.into_fact();
                let rank = u128::from_be_bytes(fact.id.0);
                (fact, rank)
            }
            Self::Settled(fact, place) => (*fact, place.into()),
        };
        Placed { order: Order { at, rank }, fact }
    }
}

/// Takes facts in any order.
#[derive(Debug)]
pub(super) struct Sorter {
    runs: Runs,
    memory_bytes: usize,
    memory_bytes_max: usize,
}

/// A fact with its place.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
struct Placed {
    order: Order,
    fact: Fact,
}

impl Sorter {
    pub(super) fn new(memory_bytes_max: usize) -> Self {
        Self { runs: Runs::default(), memory_bytes: 0, memory_bytes_max }
    }

    /// Takes a fact of that stream time, which takes so many bytes of memory.
    pub(super) fn push(&mut self, at: Time, fact: Waiting, bytes: u32) -> Result<(), Error> {
        let Runs { facts, index, .. } = &mut self.runs;
        let place = u32::try_from(facts.len()).map_err(|error| Error::spill(std::io::Error::other(error)))?;
        self.memory_bytes += size_of::<(Time, u32)>() + bytes as usize;
        facts.push(Some(fact));
        index.push((at, place));
        if self.memory_bytes > self.memory_bytes_max {
            self.spill().map_err(Error::spill)?;
        }
        Ok(())
    }

    fn spill(&mut self) -> std::io::Result<()> {
        let Runs { facts, index, files } = &mut self.runs;
        index.sort_unstable();
        let mut out = RunWriter::new()?;
        for placed in InMemory::new(index.drain(..), |place| facts.get_mut(place)?.take()) {
            out.write(&placed)?;
        }
        facts.clear();
        files.push(out.finish()?);
        self.memory_bytes = 0;
        if files.len() >= RUNS_MAX {
            let mut out = RunWriter::new()?;
            for placed in Merge::new(files, std::iter::empty())? {
                out.write(&placed?)?;
            }
            *files = vec![out.finish()?];
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Runs {
        self.runs.index.sort_unstable();
        self.runs
    }
}

/// Writes a sorted temporary file.
struct RunWriter {
    out: BufWriter<NamedTempFile>,
    frame: Vec<u8>,
}

impl RunWriter {
    fn new() -> std::io::Result<Self> {
        Ok(Self { out: BufWriter::with_capacity(1 << 20, NamedTempFile::new()?), frame: Vec::new() })
    }

    fn write(&mut self, placed: &Placed) -> std::io::Result<()> {
        self.frame.clear();
        write_framed(&mut self.frame, placed)?;
        self.out.write_all(&self.frame)
    }

    fn finish(self) -> std::io::Result<NamedTempFile> {
        Ok(self.out.into_inner()?)
    }
}

/// Facts in order, to be read as often as needed.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// None where a fact was taken out for the last time.
    facts: Vec<Option<Waiting>>,
    /// Stream times, and places among the facts.
    index: Vec<(Time, u32)>,
    files: Vec<NamedTempFile>,
}

impl Runs {
    /// Copies of the facts, in order; one that was recorded twice comes once.
    pub(super) fn read(&self) -> Result<impl Iterator<Item = Result<Fact, Error>>, Error> {
        Sorted::new(&self.files, InMemory::new(self.index.iter().copied(), |place| self.facts.get(place)?.clone()))
    }

    /// The facts themselves, in the same order.
    pub(super) fn into_facts(self) -> Result<impl Iterator<Item = Result<Fact, Error>> + use<>, Error> {
        let Self { mut facts, index, files } = self;
        // A file that is open can be read when its name is gone.
        Sorted::new(&files, InMemory::new(index.into_iter(), move |place| facts.get_mut(place)?.take()))
    }
}

/// Facts that lie in memory, in order. Those of one time are made together.
struct InMemory<I: Iterator<Item = (Time, u32)>, F> {
    index: Peekable<I>,
    take: F,
    /// Of the same time, in order from the last to the first.
    same: Vec<Placed>,
}

impl<I: Iterator<Item = (Time, u32)>, F: FnMut(usize) -> Option<Waiting>> InMemory<I, F> {
    fn new(index: I, take: F) -> Self {
        Self { index: index.peekable(), take, same: Vec::new() }
    }
}

impl<I: Iterator<Item = (Time, u32)>, F: FnMut(usize) -> Option<Waiting>> Iterator for InMemory<I, F> {
    type Item = Placed;

    fn next(&mut self) -> Option<Placed> {
        if let Some(placed) = self.same.pop() {
            return Some(placed);
        }
        let (at, place) = self.index.next()?;
        let first = (self.take)(place as usize)?.placed(at);
        if self.index.peek().is_none_or(|(next, _)| *next != at) {
            return Some(first);
        }
        self.same.push(first);
        while let Some((_, place)) = self.index.next_if(|(next, _)| *next == at) {
            self.same.extend((self.take)(place as usize).map(|fact| fact.placed(at)));
        }
        self.same.sort_unstable_by_key(|placed| Reverse(placed.order));
        self.same.pop()
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
