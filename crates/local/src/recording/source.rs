//! Where bytes come from: files and folders in the order of their names, standard input, and what is packed in them.

use crate::recording::{Error, STDIN};
use bellbuoy_core::time::Time;
use bellbuoy_wire::recording::field::{EARLIEST, LATEST};
use std::fs;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Folders within folders.
const FOLDERS_DEEP_MAX: usize = 64;

/// Bytes that tell what is packed: a tar archive says so at byte 257.
const MAGIC_BYTES: usize = 512;

/// A file to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Its size, where that is known.
    pub(super) bytes: Option<u64>,
    /// Whether it was named, and not just found in a folder.
    pub(super) named: bool,
}

/// A file or folder that was found and cannot be read, and why.
pub(super) type Unreadable = (PathBuf, String);

/// All files of the sources, those of a folder in the order of their names.
pub(super) fn find(sources: &[PathBuf], unreadable: &mut Vec<Unreadable>) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    for path in sources {
        if path == Path::new(STDIN) {
            found.push(Found { path: path.clone(), bytes: None, named: true });
            continue;
        }
        let metadata = fs::metadata(path).map_err(|error| Error::open(path, error))?;
        if metadata.is_dir() {
            // That the folder itself cannot be listed is not a note but an error.
            fs::read_dir(path).map_err(|error| Error::open(path, error))?;
            walk(path, 0, &mut found, unreadable);
        } else {
            let bytes = metadata.is_file().then_some(metadata.len());
            found.push(Found { path: path.clone(), bytes, named: true });
        }
    }
    Ok(found)
}

fn walk(folder: &Path, deep: usize, found: &mut Vec<Found>, unreadable: &mut Vec<Unreadable>) {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return unreadable.push((folder.to_owned(), error.to_string())),
    };
    if deep > FOLDERS_DEEP_MAX {
        return unreadable.push((folder.to_owned(), format!("more than {FOLDERS_DEEP_MAX} folders deep")));
    }
    let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        // Links to files are followed; links to folders may lead in circles.
        let link = fs::symlink_metadata(&path).map(|metadata| metadata.is_symlink()).unwrap_or_default();
        match fs::metadata(&path) {
            Err(error) => unreadable.push((path, error.to_string())),
            Ok(metadata) if metadata.is_dir() && link => unreadable.push((path, "a link to a folder".to_owned())),
            Ok(metadata) if metadata.is_dir() => walk(&path, deep + 1, found, unreadable),
            Ok(metadata) if metadata.is_file() => found.push(Found { path, bytes: Some(metadata.len()), named: false }),
            Ok(_) => unreadable.push((path, "neither a file nor a folder".to_owned())),
        }
    }
}

/// Opens a file or standard input.
pub(super) fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    match path == Path::new(STDIN) {
        true => Ok(Box::new(io::stdin().lock())),
        false => Ok(Box::new(fs::File::open(path)?)),
    }
}

/// When a file was last written; none where nobody knows, and for standard input.
pub(super) fn written(path: &Path) -> Option<Time> {
    let metadata = fs::metadata(path).ok().filter(|metadata| metadata.is_file())?;
    let since_epoch = metadata.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    of_epoch(since_epoch.as_secs())
}

/// A time in seconds since 1970, as far as it can be one of an observation.
pub(super) fn of_epoch(seconds: u64) -> Option<Time> {
    let micros = i64::try_from(seconds).ok()?.checked_mul(1_000_000)?;
    Some(Time(micros)).filter(|time| (EARLIEST..LATEST).contains(time))
}

/// What is in a stream of bytes, after decompression.
pub(super) enum Contents<'r> {
    /// Text, or anything else that is not packed.
    Plain(Box<dyn Read + 'r>),
    /// A tar archive.
    Tar(Box<dyn Read + 'r>),
    /// A journal of our own.
    Journal(Box<dyn Read + 'r>),
}

/// Looks into a stream: gzip, xz and zstd are taken off, once.
pub(super) fn unpack<'r>(input: impl Read + 'r) -> io::Result<Contents<'r>> {
    let (head, input) = peek(input)?;
    let unpacked: Box<dyn Read + 'r> = if head.starts_with(&[0x1f, 0x8b]) {
        Box::new(flate2::read::MultiGzDecoder::new(input))
    } else if head.starts_with(b"\xfd7zXZ\0") {
        Box::new(liblzma::read::XzDecoder::new_multi_decoder(input))
    } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Box::new(zstd::stream::read::Decoder::new(input)?)
    } else {
        return Ok(tell(&head, Box::new(input)));
    };
    let (head, input) = peek(unpacked)?;
    Ok(tell(&head, Box::new(input)))
}

fn tell<'r>(head: &[u8], input: Box<dyn Read + 'r>) -> Contents<'r> {
    if head.starts_with(b"Obj\x01") {
        Contents::Journal(input)
    } else if head.get(257..262) == Some(b"ustar") {
        Contents::Tar(input)
    } else {
        Contents::Plain(input)
    }
}

fn peek<'r>(mut input: impl Read + 'r) -> io::Result<(Vec<u8>, impl Read + 'r)> {
    let mut head = Vec::with_capacity(MAGIC_BYTES);
    input.by_ref().take(MAGIC_BYTES as u64).read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(input)))
}
