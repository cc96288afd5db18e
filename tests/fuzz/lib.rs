//! What is fuzzed, for the programs in `fuzz_targets`; `regressions.rs` runs the same functions in every test run.

mod targets;

/// Runs the target of that name on an input.
///
/// # Panics
/// When there is none, or when the input makes it break a promise.
pub fn run(name: &str, data: &[u8]) {
    targets::run(name, data);
}
