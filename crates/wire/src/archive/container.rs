//! The frame of an Avro object container file: its header, and its blocks between sync markers.

use super::ArchiveError;
use crate::avro::ALLOCATION_BYTES_MAX;
use std::io::{self, BufReader, Read};

/// What every container file begins with.
const MAGIC: [u8; 4] = *b"Obj\x01";

/// How many entries the metadata of a header may have. Ours has four.
const META_ENTRIES_MAX: u64 = 1_000;

/// Reads and counts the bytes, so that an error can name its place.
pub(super) struct Count<R> {
    input: BufReader<R>,
    at: u64,
}

impl<R: Read> Count<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input: BufReader::new(input), at: 0 }
    }

    /// How many bytes were read.
    pub(super) fn at(&self) -> u64 {
        self.at
    }
}

impl<R: Read> Read for Count<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.at += u64::try_from(read).unwrap_or(0);
        Ok(read)
    }
}

/// The head of a container file.
pub(super) struct Header {
    /// Keys and values.
    pub(super) meta: Vec<(String, Vec<u8>)>,
    /// What stands behind every block.
    pub(super) sync: [u8; 16],
}

impl Header {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        put_long(&mut bytes, length(self.meta.len()));
        for (key, value) in &self.meta {
            put_long(&mut bytes, length(key.len()));
            bytes.extend_from_slice(key.as_bytes());
            put_long(&mut bytes, length(value.len()));
            bytes.extend_from_slice(value);
        }
        put_long(&mut bytes, 0);
        bytes.extend_from_slice(&self.sync);
        bytes
    }

    pub(super) fn read(input: &mut Count<impl Read>) -> Result<Self, ArchiveError> {
        let mut magic = Vec::new();
        let read = input.by_ref().take(4).read_to_end(&mut magic);
        read.map_err(|source| ArchiveError::Io { at: input.at(), source })?;
        if magic != MAGIC {
            return Err(ArchiveError::NotAnArchive { found: magic });
        }
        Self::read_meta(input).map_err(|error| match error {
            BlockError::Ends => ArchiveError::Header { reason: format!("the file ends at byte {}", input.at()) },
            BlockError::Broken(reason) => ArchiveError::Header { reason },
            BlockError::Io(source) => ArchiveError::Io { at: input.at(), source },
        })
    }

    fn read_meta(input: &mut impl Read) -> Result<Self, BlockError> {
        let mut meta = Vec::new();
        loop {
            let count = get_long(input)?.ok_or(BlockError::Ends)?;
            if count == 0 {
                break;
            }
            if count < 0 {
                // A negative count is followed by the size of the entries in bytes.
                get_long(input)?.ok_or(BlockError::Ends)?;
            }
            for _ in 0..count.unsigned_abs() {
                if length(meta.len()).unsigned_abs() == META_ENTRIES_MAX {
                    return Err(BlockError::Broken(format!("expected at most {META_ENTRIES_MAX} metadata entries")));
                }
                let key = String::from_utf8(get_bytes(input)?)
                    .map_err(|error| BlockError::Broken(format!("a metadata key is no text: {error}")))?;
                meta.push((key, get_bytes(input)?));
            }
        }
        let mut sync = [0; 16];
        input.read_exact(&mut sync)?;
        Ok(Self { meta, sync })
    }

    /// A metadata value that is text.
    pub(super) fn text(&self, key: &str) -> Result<Option<&str>, ArchiveError> {
        let Some((_, value)) = self.meta.iter().find(|(found, _)| found == key) else { return Ok(None) };
        let text = std::str::from_utf8(value);
        text.map(Some).map_err(|error| ArchiveError::Header { reason: format!("`{key}` is no text: {error}") })
    }
}

/// Why a block could not be read.
pub(super) enum BlockError {
    /// The file ends in it.
    Ends,
    /// It is damaged.
    Broken(String),
    /// The input fails.
    Io(io::Error),
}

impl From<io::Error> for BlockError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Ends,
            _ => Self::Io(error),
        }
    }
}

/// The next block: how many records it has, and its bytes as they stand there. `None` at the end of the file.
pub(super) fn read_block(input: &mut impl Read, sync: &[u8; 16]) -> Result<Option<(u64, Vec<u8>)>, BlockError> {
    let Some(count) = get_long(input)? else { return Ok(None) };
    let count =
        u64::try_from(count).map_err(|_| BlockError::Broken(format!("expected a count of records, found {count}")))?;
    let bytes = get_bytes(input)?;
    let mut found = [0; 16];
    input.read_exact(&mut found)?;
    match found == *sync {
        true => Ok(Some((count, bytes))),
        false => Err(BlockError::Broken(format!("expected the sync marker {sync:02x?}, found {found:02x?}"))),
    }
}

/// Reads on behind the next sync marker; false if there is none.
pub(super) fn skip_to(input: &mut impl Read, sync: &[u8; 16]) -> io::Result<bool> {
    let mut window = [0; 16];
    match input.read_exact(&mut window) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        other => other?,
    }
    let mut byte = [0];
    while window != *sync {
        match input.read_exact(&mut byte) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            other => other?,
        }
        window.rotate_left(1);
        window[15] = byte[0];
    }
    Ok(true)
}

/// A length as Avro writes it. Nothing in memory is longer than that.
fn length(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

/// Appends a number as Avro writes it: zig-zag, seven bits a byte, the lowest first.
pub(super) fn put_long(bytes: &mut Vec<u8>, number: i64) {
    let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
    while rest > 0x7F {
        bytes.push((rest & 0x7F) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

/// Reads a number; `None` if the file ends before it.
fn get_long(input: &mut impl Read) -> Result<Option<i64>, BlockError> {
    let mut bits = 0_u64;
    for place in 0..10 {
        let mut byte = [0];
        match input.read_exact(&mut byte) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && place == 0 => return Ok(None),
            other => other?,
        }
        bits |= u64::from(byte[0] & 0x7F) << (7 * place);
        if byte[0] & 0x80 == 0 {
            return Ok(Some((bits >> 1).cast_signed() ^ -(bits & 1).cast_signed()));
        }
    }
    Err(BlockError::Broken("expected a number of at most 10 bytes".to_owned()))
}

/// Reads bytes behind their length, without making room for more than there are.
fn get_bytes(input: &mut impl Read) -> Result<Vec<u8>, BlockError> {
    let found = get_long(input)?.ok_or(BlockError::Ends)?;
    let length = u64::try_from(found)
        .ok()
        .filter(|length| usize::try_from(*length).is_ok_and(|length| length <= ALLOCATION_BYTES_MAX));
    let length = length.ok_or_else(|| {
        BlockError::Broken(format!("expected a length of 0 to {ALLOCATION_BYTES_MAX} bytes, found {found}"))
    })?;
    let mut bytes = Vec::new();
    let read = input.by_ref().take(length).read_to_end(&mut bytes)?;
    match u64::try_from(read) == Ok(length) {
        true => Ok(bytes),
        false => Err(BlockError::Ends),
    }
}
