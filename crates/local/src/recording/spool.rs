//! Reports in the order of their sources: kept in memory up to a limit, as bytes in a temporary file beyond it.

use crate::recording::Error;
use crate::recording::weight::weight;
use bellbuoy_core::fact::Fact;
use bellbuoy_wire::recording::Draft;
use bellbuoy_wire::recording::field::Stamp;
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
    /// The memory that it takes.
    fn memory_bytes(&self) -> usize {
        let held = match self {
            Self::Draft { draft, .. } => {
                size_of::<Draft>() + draft.stamps.capacity() * size_of::<Stamp>() + weight(&draft.object, &draft.body)
            }
            Self::Fact(fact) => size_of::<Fact>() + weight(&fact.object, &fact.body),
        };
        size_of::<Self>() + held
    }
}

/// Reports, in order.
#[derive(Debug)]
pub(super) struct Spool {
    /// With the memory that each takes, in bytes.
    memory: Vec<(Entry, u32)>,
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
        let bytes = entry.memory_bytes();
        self.memory_bytes += bytes;
        self.memory.push((entry, u32::try_from(bytes).unwrap_or(u32::MAX)));
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
        for (entry, _) in self.memory.drain(..) {
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
        self.memory.iter().for_each(|(entry, _)| visit(entry));
        Ok(())
    }

    /// Takes all of them out, with the memory that each takes, in bytes.
    pub(super) fn into_entries(mut self) -> Result<impl Iterator<Item = Result<(Entry, u32), Error>>, Error> {
        let memory = std::mem::take(&mut self.memory);
        let spilled = self.spilled()?.map(|entry| {
            let entry = entry?;
            let bytes = entry.memory_bytes();
            Ok((entry, u32::try_from(bytes).unwrap_or(u32::MAX)))
        });
        Ok(spilled.chain(memory.into_iter().map(Ok)))
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
