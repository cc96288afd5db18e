//! The data directory: one owner at a time, and a format that says which version may read it.
//!
//! It holds `lock` (locked while a process owns the directory, with the owner's process number in it) and `log/`, which
//! holds `format` (two lines of text) and `store/`. `log/` is made under another name and then renamed, so that a
//! process that dies while it makes one leaves nothing half done.

use crate::log::Error;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The format of the data directory: layout, keys and frames. Raised by any change that an older version cannot read.
pub const FORMAT: u32 = 1;

/// A data directory that this process owns until the value is dropped.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    partitions: u32,
    /// Held for its lock, which the operating system releases with the process, however it ends.
    _lock: File,
}

impl Directory {
    /// Takes a directory into possession. One that does not hold a log yet is made, by `create` for what is in the
    /// store: it gets the path where the store is to be, and must leave nothing open there.
    pub fn open(path: &Path, partitions: u32, create: impl FnOnce(&Path) -> Result<(), Error>) -> Result<Self, Error> {
        fs::create_dir_all(path).map_err(|source| failed("create", path, source))?;
        let path = path.canonicalize().map_err(|source| failed("resolve", path, source))?;
        let lock = lock(&path)?;
        let directory = Self { partitions, _lock: lock, path };
        if !exists(&directory.log())? {
            directory.make(create)?;
        }
        directory.check()?;
        Ok(directory)
    }

    /// The directory's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the store is.
    pub fn store(&self) -> PathBuf {
        self.log().join("store")
    }

    fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    fn make(&self, create: impl FnOnce(&Path) -> Result<(), Error>) -> Result<(), Error> {
        let draft = self.path.join("log.creating");
        if exists(&draft)? {
            fs::remove_dir_all(&draft).map_err(|source| failed("remove", &draft, source))?;
        }
        fs::create_dir(&draft).map_err(|source| failed("create", &draft, source))?;
        create(&draft.join("store"))?;
        let format = draft.join("format");
        let write = |path: &Path| {
            let mut file = File::create_new(path)?;
            write!(file, "format {FORMAT}\npartitions {}\n", self.partitions)?;
            file.sync_all()
        };
        write(&format).map_err(|source| failed("write", &format, source))?;
        sync_directory(&draft)?;
        fs::rename(&draft, self.log()).map_err(|source| failed("rename", &draft, source))?;
        sync_directory(&self.path)
    }

    fn check(&self) -> Result<(), Error> {
        let path = self.log().join("format");
        let damaged =
            |reason: String| Error::Damaged { directory: self.path.clone(), place: "log/format".to_owned(), reason };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(damaged("the file is missing".to_owned()));
            }
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                return Err(damaged("expected text".to_owned()));
            }
            Err(source) => return Err(failed("read", &path, source)),
        };
        let number = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse::<u32>().ok());
            value.ok_or_else(|| damaged(format!("expected a line `{name} NUMBER`")))
        };
        let found = number("format")?;
        if found > FORMAT {
            return Err(Error::NewerFormat { directory: self.path.clone(), found, newest: FORMAT });
        }
        let found = number("partitions")?;
        if found != self.partitions {
            return Err(Error::Partitions { directory: self.path.clone(), found, wanted: self.partitions });
        }
        if !exists(&self.store())? {
            return Err(Error::Damaged {
                directory: self.path.clone(),
                place: "log/store".to_owned(),
                reason: "the directory is missing".to_owned(),
            });
        }
        Ok(())
    }
}

/// Locks the directory and leaves our process number for others to read.
fn lock(directory: &Path) -> Result<File, Error> {
    let path = directory.join("lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|source| failed("open", &path, source))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            // The owner may be about to write its number: an absent or torn one is only left out of the message.
            let mut text = String::new();
            let pid = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
            return Err(Error::InUse { directory: directory.to_owned(), pid });
        }
        Err(TryLockError::Error(source)) => return Err(failed("lock", &path, source)),
    }
    let sign = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    sign(&mut file).map_err(|source| failed("write", &path, source))?;
    Ok(file)
}

fn exists(path: &Path) -> Result<bool, Error> {
    path.try_exists().map_err(|source| failed("look for", path, source))
}

/// Makes names in a directory survive a loss of power, where the system can do that.
fn sync_directory(path: &Path) -> Result<(), Error> {
    if cfg!(unix) {
        File::open(path).and_then(|file| file.sync_all()).map_err(|source| failed("sync", path, source))?;
    }
    Ok(())
}

fn failed(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    match source.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            Error::DiskFull { directory: path.parent().unwrap_or(path).to_owned() }
        }
        _ => Error::Io { action, path: path.to_owned(), source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path, partitions: u32) -> Result<Directory, Error> {
        Directory::open(path, partitions, |store| fs::create_dir(store).map_err(|e| failed("create", store, e)))
    }

    #[test]
    fn a_second_owner_is_told_who_the_first_one_is() {
        let home = tempfile::tempdir().unwrap();
        let first = open(home.path(), 2).unwrap();
        let error = open(home.path(), 2).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::InUse { pid: Some(pid), .. } if pid == std::process::id()), "{text}");
        assert!(text.contains(&first.path().display().to_string()), "{text}");
        drop(first);
        open(home.path(), 2).unwrap();
    }

    #[test]
    fn a_newer_format_is_refused() {
        let home = tempfile::tempdir().unwrap();
        drop(open(home.path(), 2).unwrap());
        fs::write(home.path().join("log/format"), "format 2\nsomething else\n").unwrap();
        assert!(matches!(open(home.path(), 2), Err(Error::NewerFormat { found: 2, newest: 1, .. })));
    }

    #[test]
    fn another_number_of_partitions_is_refused() {
        let home = tempfile::tempdir().unwrap();
        drop(open(home.path(), 2).unwrap());
        assert!(matches!(open(home.path(), 3), Err(Error::Partitions { found: 2, wanted: 3, .. })));
    }

    #[test]
    fn what_is_missing_or_unreadable_is_named() {
        let home = tempfile::tempdir().unwrap();
        drop(open(home.path(), 2).unwrap());
        let format = home.path().join("log/format");
        for content in [&b"\xff\xfe"[..], b"", b"format one\npartitions 2\n", b"format 1\n"] {
            fs::write(&format, content).unwrap();
            assert!(matches!(open(home.path(), 2), Err(Error::Damaged { .. })), "{content:?}");
        }
        fs::remove_file(&format).unwrap();
        assert!(matches!(open(home.path(), 2), Err(Error::Damaged { .. })));
        fs::write(&format, "format 1\npartitions 2\n").unwrap();
        fs::remove_dir_all(home.path().join("log/store")).unwrap();
        assert!(matches!(open(home.path(), 2), Err(Error::Damaged { .. })));
    }

    #[test]
    fn what_a_dead_process_left_half_made_is_made_anew() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("log.creating/store/half")).unwrap();
        let directory = open(home.path(), 2).unwrap();
        assert!(!directory.store().join("half").exists());
    }
}
