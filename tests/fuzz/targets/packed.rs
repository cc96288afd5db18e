//! Recordings as they lie on disk: packed, in archives, larger than the memory that they may have.

use bellbuoy_core::time::Time;
use bellbuoy_local::recording::{Options, Recording};
use std::io::Write;

/// So little memory that a few reports spill into temporary files.
const MEMORY_BYTES_MAX: u64 = 16 << 10;

/// Any bytes as a file. It is read, told of, and its facts come in order.
pub(crate) fn packed(data: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(data).expect("room for a temporary file");
    let options = Options { memory_bytes_max: MEMORY_BYTES_MAX, ..Options::default() };
    let recording = Recording::open(&[file.path().to_owned()], &options, &mut |_| {}).expect("the file is there");
    let facts = recording.facts().expect("temporary files can be read back");
    let mut last = Time::MIN;
    let mut count = 0_u64;
    for fact in facts {
        let fact = fact.expect("temporary files can be read back");
        count += 1;
        last = last.max(fact.observed_at);
    }
    let report = recording.report();
    // What was recorded twice comes once, and each cluster's end is one more.
    let ends = report.as_of.len() as u64;
    assert!(count <= report.facts_total() + ends, "{count} facts, {} counted", report.facts_total());
    assert!(count <= ends || last > Time::MIN, "facts without a time");
}
