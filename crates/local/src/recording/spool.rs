//! Reports in the order of their sources, kept as bytes: in memory up to a limit, in a temporary file beyond it.

use crate::recording::Error;
use bellbuoy_core::fact::Fact;
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

/// Reports, in order.
#[derive(Debug)]
pub(super) struct Spool {
    memory: Vec<u8>,
    memory_bytes_max: usize,
    file: Option<BufWriter<NamedTempFile>>,
    entries: u64,
}

impl Spool {
    pub(super) fn new(memory_bytes_max: usize) -> Self {
        Self { memory: Vec::new(), memory_bytes_max, file: None, entries: 0 }
    }

    /// How many there are.
    pub(super) fn len(&self) -> u64 {
        self.entries
    }

    pub(super) fn push(&mut self, entry: &Entry) -> Result<(), Error> {
        write_framed(&mut self.memory, entry).map_err(Error::spill)?;
        self.entries += 1;
        if self.memory.len() > self.memory_bytes_max {
            self.spill().map_err(Error::spill)?;
        }
        Ok(())
    }

    fn spill(&mut self) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(BufWriter::new(NamedTempFile::new()?)),
        };
        file.write_all(&self.memory)?;
        file.flush()?;
        self.memory.clear();
        Ok(())
    }

    /// All of them with their numbers, from 0.
    pub(super) fn entries(&self) -> Result<impl Iterator<Item = Result<(u64, Entry), Error>> + '_, Error> {
        let file = self.file.as_ref().map(|file| file.get_ref().reopen()).transpose().map_err(Error::spill)?;
        let mut spilled: Option<BufReader<File>> = file.map(|file| BufReader::with_capacity(1 << 20, file));
        let mut memory = self.memory.as_slice();
        let mut frame = Vec::new();
        let mut number = 0;
        Ok(std::iter::from_fn(move || {
            let read = match &mut spilled {
                Some(file) => match read_framed(file, &mut frame) {
                    Ok(None) => {
                        spilled = None;
                        read_framed(&mut memory, &mut frame)
                    }
                    read => read,
                },
                None => read_framed(&mut memory, &mut frame),
            };
            let entry = read.map_err(Error::spill).transpose()?;
            number += 1;
            Some(entry.map(|entry| (number - 1, entry)))
        }))
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
