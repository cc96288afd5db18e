//! Reports in the order of their sources: kept in memory up to a limit, as bytes in a temporary file beyond it.

use crate::recording::Error;
use bellbuoy_core::fact::{Body, Fact};
use bellbuoy_core::report::ObjectReport;
use bellbuoy_wire::recording::Draft;
use borsh::{BorshDeserialize, BorshSerialize};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use tempfile::NamedTempFile;

/// A report that was read.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub(super) enum Entry {
    /// One whose times are not yet believed.
    Draft {
        /// The source.
        stream: u32,
        /// The report.
        draft: Box<Draft>,
    },
    /// A fact of a journal of our own.
    Fact(Box<Fact>),
}

impl Entry {
    fn memory_bytes(&self) -> std::io::Result<usize> {
        let held = match self {
            Self::Draft { draft, .. } => size_of::<Draft>() + boxed_bytes(&draft.body),
            Self::Fact(fact) => size_of::<Fact>() + boxed_bytes(&fact.body),
        };
        Ok(size_of::<Self>() + held + TEXT_FACTOR * borsh::object_length(self)?)
    }
}

/// How much memory a text takes for each byte of its image: four bytes of length become a pointer, two counts and what
/// the allocator adds. The text itself does not grow, so that this is an estimate from above for all but the shortest.
const TEXT_FACTOR: usize = 3;

/// How much memory a fact takes, as a rule no less than it does.
pub(super) fn memory_bytes(fact: &Fact) -> std::io::Result<usize> {
    Ok(size_of::<Fact>() + boxed_bytes(&fact.body) + TEXT_FACTOR * borsh::object_length(fact)?)
}

fn boxed_bytes(body: &Body) -> usize {
    match body {
        Body::Object(_) => size_of::<ObjectReport>(),
        _ => 0,
    }
}

/// Reports, in order.
#[derive(Debug)]
pub(super) struct Spool {
    memory: Vec<Entry>,
    memory_bytes: usize,
    memory_bytes_max: usize,
    file: Option<BufWriter<NamedTempFile>>,
    entries: u64,
}

impl Spool {
    pub(super) fn new(memory_bytes_max: usize) -> Self {
        Self { memory: Vec::new(), memory_bytes: 0, memory_bytes_max, file: None, entries: 0 }
    }

    /// How many there are.
    pub(super) fn len(&self) -> u64 {
        self.entries
    }

    pub(super) fn push(&mut self, entry: Entry) -> Result<(), Error> {
        self.memory_bytes += entry.memory_bytes().map_err(Error::spill)?;
        self.memory.push(entry);
        self.entries += 1;
        if self.memory_bytes > self.memory_bytes_max {
            self.spill().map_err(Error::spill)?;
        }
        Ok(())
    }

    fn spill(&mut self) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(BufWriter::with_capacity(1 << 20, NamedTempFile::new()?)),
        };
        let mut frame = Vec::new();
        for entry in self.memory.drain(..) {
            frame.clear();
            write_framed(&mut frame, &entry)?;
            file.write_all(&frame)?;
        }
        file.flush()?;
        self.memory_bytes = 0;
        Ok(())
    }

    /// Looks at all of them.
    pub(super) fn visit(&self, mut visit: impl FnMut(&Entry)) -> Result<(), Error> {
        for entry in self.spilled()? {
            visit(&entry?);
        }
        self.memory.iter().for_each(visit);
        Ok(())
    }

    /// Takes all of them out, with their numbers from 0.
    pub(super) fn into_entries(mut self) -> Result<impl Iterator<Item = Result<(u64, Entry), Error>>, Error> {
        let memory = std::mem::take(&mut self.memory);
        let all = self.spilled()?.chain(memory.into_iter().map(Ok));
        Ok((0..).zip(all).map(|(number, entry)| Ok((number, entry?))))
    }

    fn spilled(&self) -> Result<impl Iterator<Item = Result<Entry, Error>> + use<>, Error> {
        // An open file outlives its name.
        let file = self.file.as_ref().map(|file| file.get_ref().reopen()).transpose().map_err(Error::spill)?;
        let mut file: Option<BufReader<File>> = file.map(|file| BufReader::with_capacity(1 << 20, file));
        let mut frame = Vec::new();
        Ok(std::iter::from_fn(move || read_framed(file.as_mut()?, &mut frame).map_err(Error::spill).transpose()))
    }
}

/// Writes a value with its length before it.
pub(super) fn write_framed(out: &mut Vec<u8>, value: &impl BorshSerialize) -> std::io::Result<()> {
    let begin = out.len();
    out.extend_from_slice(&[0; 4]);
    value.serialize(out)?;
    let length = u32::try_from(out.len() - begin - 4).map_err(std::io::Error::other)?;
    out[begin..begin + 4].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

/// Reads what [`write_framed`] wrote; nothing at the end.
pub(super) fn read_framed<T: BorshDeserialize>(
    input: &mut impl Read,
    frame: &mut Vec<u8>,
) -> std::io::Result<Option<T>> {
    let mut length = [0; 4];
    let mut filled = 0;
    while filled < 4 {
        match input.read(&mut length[filled..])? {
            0 if filled == 0 => return Ok(None),
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => filled += read,
        }
    }
    // Grown by what is there, and not by what a damaged length claims.
    frame.clear();
    let length = u64::from(u32::from_le_bytes(length));
    input.take(length).read_to_end(frame)?;
    T::try_from_slice(frame).map(Some)
}
