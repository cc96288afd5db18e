//! The map of the house, held against the house: which crate may know which, and what each may not know at all.

#![expect(clippy::unwrap_used, reason = "tests fail by panics, in their helpers too")]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// Who may know whom, as `README.md` draws it. A crate that is not here has no room in the house.
const ARROWS: [(&str, &[&str]); 8] = [
    ("bellbuoy-core", &[]),
    ("bellbuoy-correlate", &["bellbuoy-core"]),
    ("bellbuoy-classify", &["bellbuoy-core"]),
    ("bellbuoy-escalate", &["bellbuoy-core"]),
    ("bellbuoy-wire", &["bellbuoy-core"]),
    ("bellbuoy-local", &["bellbuoy-core", "bellbuoy-wire"]),
    ("bellbuoy-kafka", &["bellbuoy-core", "bellbuoy-wire"]),
    (
        "bellbuoy",
        &[
            "bellbuoy-core",
            "bellbuoy-correlate",
            "bellbuoy-classify",
            "bellbuoy-escalate",
            "bellbuoy-wire",
            "bellbuoy-local",
            "bellbuoy-kafka",
        ],
    ),
];

/// Outside crates that exactly these crates may know.
const ONLY: [(&str, &[&str]); 7] = [
    ("rdkafka", &["bellbuoy-kafka"]),
    ("fjall", &["bellbuoy-local"]),
    ("serde", &["bellbuoy-wire", "bellbuoy"]),
    ("apache-avro", &["bellbuoy-wire"]),
    ("serde-saphyr", &["bellbuoy-wire"]),
    ("dashmap", &["bellbuoy-kafka", "bellbuoy-local", "bellbuoy"]),
    ("anyhow", &["bellbuoy"]),
];

/// Everything that the pure crates may know beside each other.
const PURE: [(&str, &[&str]); 4] = [
    ("bellbuoy-core", &["blake3", "borsh", "foldhash", "hashbrown"]),
    ("bellbuoy-correlate", &["borsh", "regex"]),
    ("bellbuoy-classify", &["borsh"]),
    ("bellbuoy-escalate", &["borsh"]),
];

/// Crates of the product, with the names of their normal dependencies.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--locked", "--offline"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut crates = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = text(&package["name"]);
        if matches!(name.as_str(), "bellbuoy-tests" | "bellbuoy-benches") {
            continue;
        }
        let normal =
            package["dependencies"].as_array().unwrap().iter().filter(|dependency| dependency["kind"].is_null());
        crates.insert(name, normal.map(|dependency| text(&dependency["name"])).collect());
    }
    crates
}

#[test]
fn arrows_point_the_way_that_the_map_says() {
    let allowed: BTreeMap<_, _> = ARROWS.into_iter().collect();
    for (name, dependencies) in dependencies() {
        let allowed =
            allowed.get(name.as_str()).unwrap_or_else(|| panic!("{name} has no room in the map of the house"));
        for inner in dependencies.iter().filter(|dependency| dependency.starts_with("bellbuoy")) {
            assert!(allowed.contains(&inner.as_str()), "{name} may not know {inner}");
        }
    }
}

#[test]
fn each_outside_thing_is_known_to_its_room_only() {
    for (name, dependencies) in dependencies() {
        for (outside, rooms) in ONLY {
            assert!(!dependencies.contains(outside) || rooms.contains(&name.as_str()), "{name} may not know {outside}");
        }
    }
}

#[test]
fn pure_crates_know_nothing_of_the_world() {
    let crates = dependencies();
    for (name, allowed) in PURE {
        for outside in crates[name].iter().filter(|dependency| !dependency.starts_with("bellbuoy")) {
            assert!(allowed.contains(&outside.as_str()), "{name} is pure and may not know {outside}");
        }
    }
}

#[test]
fn the_house_has_twelve_rooms_at_most() {
    assert!(dependencies().len() <= 12, "merge crates that turned out thin: {:?}", dependencies().keys());
}

#[test]
fn the_map_in_the_readme_names_every_room() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    for name in dependencies().keys() {
        let room = format!("crates/{}", name.strip_prefix("bellbuoy-").unwrap_or(name));
        assert!(readme.contains(&room), "README.md does not tell of {room}");
    }
}

#[test]
fn every_file_says_what_its_room_is_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    walk(&root.join("crates"), &mut files);
    walk(&root.join("tests"), &mut files);
    walk(&root.join("benches"), &mut files);
    assert!(files.len() > 50, "{} files found", files.len());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//! "), "{} does not open with a sentence on what it is for", file.display());
        assert!(text.lines().count() <= 700, "{} holds more than one noun", file.display());
    }
}

fn walk(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true if path.ends_with("target") => {}
            true => walk(&path, files),
            false if path.extension().is_some_and(|extension| extension == "rs") => files.push(path),
            false => {}
        }
    }
}
