//! Golden bytes: what a version of a schema wrote once is written the same and read the same for ever.
//!
//! `BELLBUOY_GOLDEN=write` writes the files that are missing, after a new version or a new record; it never changes one.

use crate::samples;
use bellbuoy_wire::record::Wire;
use bellbuoy_wire::schemas;
use bellbuoy_wire::state::{decode_state, encode_state};
use bellbuoy_wire::topic::Topic;
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The stored records of a topic: version, name and bytes.
pub(crate) fn stored(topic: &str) -> Vec<(usize, String, Vec<u8>)> {
    let mut stored = Vec::new();
    for version in 1.. {
        let Ok(entries) = fs::read_dir(directory().join(topic).join(format!("v{version}"))) else { break };
        for entry in entries {
            let path = entry.expect("a directory can be listed").path();
            let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
            stored.push((version, name, read(&path)));
        }
    }
    stored.sort();
    stored
}

fn read(path: &Path) -> Vec<u8> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("failed to read {}: {error}", path.display()));
    let digits: Vec<u32> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).expect("a hexadecimal digit")).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).expect("two digits are a byte")).collect()
}

/// Compares bytes with the golden file of the newest version.
fn hold(topic: &str, version: usize, name: &str, bytes: &[u8]) {
    let path = directory().join(topic).join(format!("v{version}")).join(format!("{name}.hex"));
    if !path.exists() && std::env::var("BELLBUOY_GOLDEN").is_ok_and(|value| value == "write") {
        let lines: Vec<String> =
            bytes.chunks(40).map(|chunk| chunk.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
        fs::create_dir_all(path.parent().expect("a file has a directory")).expect("the directory can be made");
        fs::write(&path, lines.join("\n") + "\n").expect("the golden file can be written");
    }
    assert_eq!(read(&path), bytes, "{} does not hold what is written today", path.display());
}

/// Holds the samples to the newest version, and everything that was ever written to what it said: `before` has the
/// samples that were others up to a version.
fn check<T: Wire + PartialEq + Debug>(samples: &[(&'static str, T)], before: &[(usize, Vec<(&'static str, T)>)]) {
    let (topic, version) = (T::TOPIC.to_string(), schemas::of(T::TOPIC).len());
    for (name, sample) in samples {
        hold(&topic, version, name, &sample.encode());
    }
    let stored = stored(&topic);
    assert!(stored.len() >= samples.len(), "{} golden files for {} samples", stored.len(), samples.len());
    for (version, name, bytes) in stored {
        let read = T::decode(&bytes).unwrap_or_else(|error| panic!("{topic}/v{version}/{name}: {error}"));
        let is_it = |(sample, _): &&(&str, T)| *sample == name;
        let before =
            before.iter().filter(|(until, _)| version <= *until).find_map(|(_, samples)| samples.iter().find(is_it));
        let (_, sample) = before.or_else(|| samples.iter().find(is_it)).expect("a golden file has its sample");
        assert_eq!(&read, sample, "{topic}/v{version}/{name}");
    }
}

#[test]
fn facts() {
    check(&samples::facts(), &[(1, samples::facts_of_version_1())]);
}

#[test]
fn incidents() {
    check(&samples::incidents(), &[]);
}

#[test]
fn triaged() {
    check(&samples::triaged(), &[]);
}

#[test]
fn pages() {
    check(&samples::pages(), &[]);
}

#[test]
fn dead_letters() {
    check(&samples::dead_letters(), &[]);
}

#[test]
fn state() {
    let version = schemas::of(Topic::State("any")).len();
    for (name, row) in [("row", Some(&b"image"[..])), ("gone", None)] {
        hold("state", version, name, &encode_state(3, row));
    }
    for (version, name, bytes) in stored("state") {
        let row = decode_state(&bytes, 3).unwrap_or_else(|error| panic!("state/v{version}/{name}: {error}"));
        assert_eq!(row.as_deref(), (name == "row").then_some(&b"image"[..]), "state/v{version}/{name}");
    }
}
