//! Rows of a changelog, and a stage that is restored from them.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bellbuoy_fuzz::run("state", data));
