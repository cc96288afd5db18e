//! Archives of the journal: Avro object container files, written by `export` and read by `replay`.
//!
//! The container is read and written here and not by the Avro library: its writer loses bytes on short writes, its
//! blocks carry no checksum, and its reader neither says where a file is damaged nor goes on behind the damage.

mod container;

use crate::avro::twin::{By, Own};
use crate::avro::{self, ALLOCATION_BYTES_MAX};
use crate::journal::{CODEC, JournalFact};
use bellbuoy_core::fact::{Fact, FactId};
use bellbuoy_core::object::Scope;
use container::{Count, Header};
use std::collections::VecDeque;
use std::io::{self, Read, Write};

/// The version of what an archive means beyond its schema.
pub const FORMAT: u32 = 1;

/// The metadata key of [`FORMAT`].
const FORMAT_KEY: &str = "bellbuoy.format";

/// The metadata key of the scopes, a JSON array of their names.
const SCOPES_KEY: &str = "bellbuoy.scopes";

/// A block is written when it holds so many bytes before compression: enough for the compressor, and little enough that
/// a damaged block costs few facts.
const BLOCK_BYTES: usize = 256 << 10;

/// How hard the compressor works; its own default.
const COMPRESSION_LEVEL: i32 = 3;

/// Writes an archive.
///
/// Call [`ArchiveWriter::finish`]: what is not yet a full block is lost without it.
pub struct ArchiveWriter<W: Write> {
    out: W,
    sync: [u8; 16],
    block: Vec<u8>,
    facts: i64,
}

impl<W: Write> ArchiveWriter<W> {
    /// Begins an archive of the facts of these scopes.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(mut out: W, scopes: &[Scope]) -> io::Result<Self> {
        let names: Vec<&str> = scopes.iter().map(|scope| &*scope.0).collect();
        // The marker between blocks is derived and not drawn by lot, so that one journal has one archive.
        let FactId(sync) = FactId::of(&("archive", FORMAT, scopes));
        let header = Header {
            meta: vec![
                ("avro.schema".to_owned(), CODEC.schema_text().as_bytes().to_vec()),
                ("avro.codec".to_owned(), b"zstandard".to_vec()),
                (FORMAT_KEY.to_owned(), FORMAT.to_string().into_bytes()),
                (SCOPES_KEY.to_owned(), serde_json::Value::from(names).to_string().into_bytes()),
            ],
            sync,
        };
        out.write_all(&header.to_bytes())?;
        Ok(Self { out, sync, block: Vec::with_capacity(BLOCK_BYTES + BLOCK_BYTES / 4), facts: 0 })
    }

    /// Appends a fact.
    ///
    /// # Errors
    /// Those of the output, when a block is full.
    pub fn append(&mut self, fact: &Fact) -> io::Result<()> {
        CODEC.write(&By::<JournalFact>(fact), &mut self.block);
        self.facts += 1;
        match self.block.len() >= BLOCK_BYTES {
            true => self.write_block(),
            false => Ok(()),
        }
    }

    /// Writes what is left, and gives the output back.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(mut self) -> io::Result<W> {
        if self.facts > 0 {
            self.write_block()?;
        }
        self.out.flush()?;
        Ok(self.out)
    }

    fn write_block(&mut self) -> io::Result<()> {
        let mut encoder = zstd::Encoder::new(Vec::new(), COMPRESSION_LEVEL)?;
        // Avro's blocks have no checksum of their own; a zstandard frame can have one, and every reader takes it.
        encoder.include_checksum(true)?;
        encoder.write_all(&self.block)?;
        let packed = encoder.finish()?;
        let mut head = Vec::with_capacity(20);
        container::put_long(&mut head, self.facts);
        container::put_long(&mut head, i64::try_from(packed.len()).map_err(io::Error::other)?);
        self.out.write_all(&head)?;
        self.out.write_all(&packed)?;
        self.out.write_all(&self.sync)?;
        self.block.clear();
        self.facts = 0;
        Ok(())
    }
}

/// An archive cannot be read, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It is none.
    #[error("expected an Avro object container file (it begins with `Obj` and a byte 1), found {found:02x?}")]
    NotAnArchive {
        /// The first bytes.
        found: Vec<u8>,
    },
    /// Its header is not one of ours.
    #[error("failed to read the header of an archive: {reason}")]
    Header {
        /// What did not fit.
        reason: String,
    },
    /// It means something that this version does not know.
    #[error("archive of format {found} is newer than format {FORMAT}, which this version knows")]
    Newer {
        /// The format of the archive.
        found: u32,
    },
    /// It ends in the middle of a block. Everything before was read.
    #[error("archive ends in the middle of the block at byte {at}, after {facts} facts")]
    Truncated {
        /// Where the block begins.
        at: u64,
        /// How many facts were read before.
        facts: u64,
    },
    /// A block is damaged. The next call goes on behind it, if its end can be found.
    #[error("archive is damaged in the block at byte {at}, after {facts} facts: {reason}")]
    Damaged {
        /// Where the block begins.
        at: u64,
        /// How many facts were read before.
        facts: u64,
        /// What did not fit.
        reason: String,
    },
    /// The input cannot be read.
    #[error("failed to read an archive at byte {at}: {source}")]
    Io {
        /// How far it was read.
        at: u64,
        /// Why.
        source: io::Error,
    },
}

/// Reads an archive, fact after fact.
///
/// An error about one block is an item, and reading goes on behind the block; after an error without a way on there are
/// no more items.
pub struct ArchiveReader<R: Read> {
    input: Count<R>,
    fingerprint: u64,
    is_packed: bool,
    sync: [u8; 16],
    scopes: Vec<Scope>,
    ready: VecDeque<Result<Fact, ArchiveError>>,
    facts: u64,
    is_over: bool,
}

impl<R: Read> ArchiveReader<R> {
    /// Reads the header of an archive.
    ///
    /// # Errors
    /// When it is none, or one that this version does not know.
    pub fn new(input: R) -> Result<Self, ArchiveError> {
        let mut input = Count::new(input);
        let header = Header::read(&mut input)?;
        let fail = |reason: String| ArchiveError::Header { reason };
        let schema = header.text("avro.schema")?.ok_or_else(|| fail("it has no `avro.schema`".to_owned()))?;
        let schema = apache_avro::Schema::parse_str(schema).map_err(|error| fail(format!("`avro.schema`: {error}")))?;
        let fingerprint = avro::fingerprint(&schema);
        if !CODEC.knows(fingerprint) {
            return Err(fail(avro::Error::UnknownSchema { fingerprint }.to_string()));
        }
        let is_packed = match header.text("avro.codec")? {
            None | Some("null") => false,
            Some("zstandard") => true,
            Some(codec) => return Err(fail(format!("expected the codec `zstandard` or `null`, found `{codec}`"))),
        };
        // Both keys are missing from journals that another program has copied into a container file.
        if let Some(text) = header.text(FORMAT_KEY)? {
            let found =
                text.parse().map_err(|_| fail(format!("expected a number as `{FORMAT_KEY}`, found `{text}`")))?;
            if found > FORMAT {
                return Err(ArchiveError::Newer { found });
            }
        }
        let scopes: Vec<String> = match header.text(SCOPES_KEY)? {
            None => Vec::new(),
            Some(text) => serde_json::from_str(text).map_err(|error| fail(format!("`{SCOPES_KEY}`: {error}")))?,
        };
        let scopes = scopes.iter().map(|name| Scope::cluster(name)).collect();
        let (sync, ready) = (header.sync, VecDeque::new());
        Ok(Self { input, fingerprint, is_packed, sync, scopes, ready, facts: 0, is_over: false })
    }

    /// The scopes of the facts, as the archive names them.
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Takes the next block in.
    fn read_block(&mut self) {
        let (at, facts) = (self.input.at(), self.facts);
        match container::read_block(&mut self.input, &self.sync) {
            Ok(None) => self.is_over = true,
            Ok(Some((count, bytes))) => {
                if let Err(reason) = self.read_facts(count, &bytes) {
                    self.ready.push_back(Err(ArchiveError::Damaged { at, facts: self.facts, reason }));
                }
            }
            Err(container::BlockError::Ends) => self.stop(ArchiveError::Truncated { at, facts }),
            Err(container::BlockError::Io(source)) => {
                let at = self.input.at();
                self.stop(ArchiveError::Io { at, source });
            }
            Err(container::BlockError::Broken(reason)) => {
                self.ready.push_back(Err(ArchiveError::Damaged { at, facts, reason }));
                match container::skip_to(&mut self.input, &self.sync) {
                    Ok(true) => {}
                    Ok(false) => self.is_over = true,
                    Err(source) => {
                        let at = self.input.at();
                        self.stop(ArchiveError::Io { at, source });
                    }
                }
            }
        }
    }

    fn stop(&mut self, error: ArchiveError) {
        self.is_over = true;
        self.ready.push_back(Err(error));
    }

    /// Reads the facts of a block.
    fn read_facts(&mut self, count: u64, packed: &[u8]) -> Result<(), String> {
        let unpacked = match self.is_packed {
            true => unpack(packed)?,
            false => packed.to_vec(),
        };
        let mut rest = unpacked.as_slice();
        for _ in 0..count {
            let read: Result<Own<JournalFact>, _> = CODEC.read(self.fingerprint, &mut rest);
            self.ready.push_back(Ok(read.map_err(|error| error.to_string())?.0));
            self.facts += 1;
        }
        match rest.len() {
            0 => Ok(()),
            more => Err(format!("expected the end of the block after {count} facts, found {more} more bytes")),
        }
    }
}

/// Unpacks a block, up to the size that a reader makes room for.
fn unpack(packed: &[u8]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(ALLOCATION_BYTES_MAX).unwrap_or(u64::MAX);
    let decoder = zstd::Decoder::new(packed).map_err(|error| error.to_string())?;
    decoder.take(limit + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    match bytes.len() > ALLOCATION_BYTES_MAX {
        true => Err(format!("expected at most {ALLOCATION_BYTES_MAX} bytes unpacked, found more")),
        false => Ok(bytes),
    }
}

impl<R: Read> Iterator for ArchiveReader<R> {
    type Item = Result<Fact, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            if self.is_over {
                return None;
            }
            self.read_block();
        }
    }
}
