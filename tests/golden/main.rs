//! One golden file for every way to run: whole, interrupted and restored, embedded and on Kafka.
//!
//! `golden.txt` holds a line per record that the stages write about one small story. Where a decision has changed on
//! purpose, `BELLBUOY_BLESS=1 cargo test -p bellbuoy-tests --test golden` writes it anew from the whole embedded run;
//! the difference then belongs into the review.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panics, in their helpers too")]

mod embedded;
mod kafka;
mod story;

use bellbuoy_local::memory::MemoryLog;
use bellbuoy_tests::fold::default_rules;
use bellbuoy_tests::oracle;
use bellbuoy_tests::output::{OUTPUT_TOPICS, Output};
use std::path::PathBuf;
use std::sync::OnceLock;

/// Partitions of every run: fewer than clusters, so that two share one.
const PARTITIONS: u32 = 2;

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/golden.txt")
}

/// The golden lines. The first test that asks writes them anew, where that is wanted.
fn golden() -> &'static str {
    static GOLDEN: OnceLock<String> = OnceLock::new();
    GOLDEN.get_or_init(|| {
        if std::env::var_os("BELLBUOY_BLESS").is_some_and(|bless| bless == "1") {
            let (output, _) = oracle::run(MemoryLog::new(PARTITIONS), &default_rules(), &story::journal());
            std::fs::write(path(), output.lines()).unwrap();
        }
        std::fs::read_to_string(path()).unwrap()
    })
}

/// Holds a run against the golden file.
fn check(output: &Output, run: &str) {
    let found = output.lines();
    let differs = golden().lines().zip(found.lines()).position(|(golden, found)| golden != found);
    if let Some(at) = differs {
        let line = |text: &str| text.lines().nth(at).unwrap_or_default().to_owned();
        let name = path();
        panic!(
            "the {run} run differs from {}:{}\n  golden {}\n  found  {}",
            name.display(),
            at + 1,
            line(golden()),
            line(&found)
        );
    }
    assert_eq!(found.lines().count(), golden().lines().count(), "lines of the {run} run");
}

#[test]
fn the_story_reaches_every_topic() {
    let (output, _) = oracle::run(MemoryLog::new(PARTITIONS), &default_rules(), &story::journal());
    for topic in OUTPUT_TOPICS {
        assert!(output.count(topic) > 0, "nothing comes to {topic}");
    }
    for word in ["OOMKilled on Deployment shop/cart", "NodeNotReady on Node worker-1", "Acknowledged", "Resolve"] {
        assert!(golden().contains(word), "the golden file tells nothing of {word}");
    }
}
