//! Where recorded data lies that is not part of the repository.

use std::path::{Path, PathBuf};

/// The folder of recorded data: `BELLBUOY_DATA`, else `../shared/data` beside the checkout. None, said aloud, where
/// there is none: the test that asks then checks nothing.
pub fn recorded(folder: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let root = std::env::var_os("BELLBUOY_DATA").map_or(root, PathBuf::from);
    let path = root.join(folder);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: no recorded data at {} (set BELLBUOY_DATA to where it lies)", path.display());
    None
}
