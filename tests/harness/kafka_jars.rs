//! The jars of the Kafka server: resolved once by Maven, kept in cargo's target directory.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const POM: &str = include_str!("kafka-server/pom.xml");

/// The folder with all jars of `kafka-server/pom.xml`. Test binaries that run side by side wait for the first one.
pub(crate) fn folder() -> io::Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    POM.hash(&mut hasher);
    let cache = target_folder()?.join("kafka-server");
    fs::create_dir_all(&cache)?;
    let jars = cache.join(format!("{:016x}", hasher.finish()));
    let lock = File::create(cache.join("lock"))?;
    lock.lock()?;
    let complete = jars.join("complete");
    if !complete.exists() {
        resolve(&jars)?;
        File::create(complete)?;
    }
    Ok(jars)
}

fn resolve(jars: &Path) -> io::Result<()> {
    let pom = Path::new(env!("CARGO_MANIFEST_DIR")).join("harness/kafka-server/pom.xml");
    let output = Command::new("mvn")
        .args(["-q", "-B", "-f"])
        .arg(&pom)
        .args(["dependency:copy-dependencies", "-DincludeScope=runtime"])
        .arg(format!("-DoutputDirectory={}", jars.display()))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| io::Error::other(format!("failed to run mvn, which the Kafka tests need: {error}")))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!(
            "mvn could not resolve {}: {}",
            pom.display(),
            String::from_utf8_lossy(&output.stdout)
        ))),
    }
}

/// Cargo marks its target directory for backup programs; the running test lies somewhere below it.
fn target_folder() -> io::Result<PathBuf> {
    let test = std::env::current_exe()?;
    test.ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").exists())
        .map(Path::to_path_buf)
        .ok_or_else(|| io::Error::other(format!("{} lies in no cargo target directory", test.display())))
}
