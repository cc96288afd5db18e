//! Every committed input of the fuzzers, through the function that it was found for: on any toolchain, in every test run.

#![expect(clippy::expect_used, clippy::panic, reason = "tests fail by panics, in their helpers too")]

mod targets;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// An input that takes longer is one that does not end soon enough; most take a few milliseconds.
const PER_INPUT_MAX: Duration = Duration::from_secs(20);

#[test]
fn every_committed_input_passes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, _) in targets::ALL {
        let folder = root.join(name);
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut paths: Vec<_> =
            entries.map(|entry| entry.expect("a file in a folder that was listed").path()).collect();
        paths.sort();
        assert!(!paths.is_empty(), "{name} has no input");
        for path in paths {
            let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            // A panic shows itself; the path tells of which input it is.
            println!("{}", path.display());
            let begun = Instant::now();
            targets::run(name, &bytes);
            let took = begun.elapsed();
            assert!(took < PER_INPUT_MAX, "{} took {took:?}", path.display());
        }
    }
}

#[test]
fn every_target_has_its_program_and_nothing_else_has_inputs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let names = |folder: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(root.join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
        let stem = |entry: fs::DirEntry| entry.path().file_stem().map(|stem| stem.to_string_lossy().into_owned());
        entries.filter_map(|entry| stem(entry.expect("an entry of a folder that was listed"))).collect()
    };
    let known: BTreeSet<String> = targets::ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("fuzz_targets"), known);
    assert_eq!(names("corpus"), known);
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("the manifest of the fuzzers");
    for name in known {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is no program of {}", root.display());
    }
}
