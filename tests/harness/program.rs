//! The program that the tests start: the one of this checkout, built where it is missing or older than its sources.

#![expect(clippy::panic, reason = "a test's tool fails the test that uses it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::SystemTime;

/// Names another program to test, such as one that was built for release.
const OVERRIDE: &str = "BELLBUOY_PROGRAM";

/// The path of `bellbuoy`: that of `BELLBUOY_PROGRAM`, else the one that lies beside the running test's folder.
///
/// `cargo test --workspace` has built it before any test runs, because its own package has tests that start it. A run
/// of single tests may find it missing or stale; then it is built as the tests were, with the same profile.
///
/// # Panics
/// Panics when it cannot be built.
pub fn bellbuoy() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| match std::env::var_os(OVERRIDE) {
        Some(path) => PathBuf::from(path),
        None => find().unwrap_or_else(|failure| panic!("failed to get the program under test: {failure}")),
    })
}

fn find() -> Result<PathBuf, String> {
    let test = std::env::current_exe().map_err(|error| format!("failed to find the running test: {error}"))?;
    // target/<profile>/deps/<test>
    let folder = test.ancestors().nth(2).ok_or_else(|| format!("{} lies in no cargo folder", test.display()))?;
    let program = folder.join(format!("bellbuoy{}", std::env::consts::EXE_SUFFIX));
    if !is_fresh(&program) {
        build(folder)?;
    }
    match program.exists() {
        true => Ok(program),
        false => Err(format!("cargo has built it, but not as {}", program.display())),
    }
}

/// Whether the program is newer than every source that cargo's list beside it names.
fn is_fresh(program: &Path) -> bool {
    let (Ok(list), Some(built)) = (fs::read_to_string(program.with_extension("d")), modified(program)) else {
        return false;
    };
    let Some((_, sources)) = list.split_once(": ") else { return false };
    // A space within a path is written with a backslash; such a path is not found, and the program is built anew.
    sources.split_whitespace().all(|source| modified(Path::new(source)).is_some_and(|changed| changed <= built))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

fn build(folder: &Path) -> Result<(), String> {
    // The folder of the profile `dev` is called `debug`.
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let target = folder.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    let target = target.ok_or_else(|| format!("{} lies in no cargo target directory", folder.display()))?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let output = Command::new(cargo)
        .args(["build", "--package", "bellbuoy", "--bin", "bellbuoy", "--profile", profile, "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("failed to run cargo: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}
