//! Arbitrary facts through the correlator, with commits, aborts and restores.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bellbuoy_fuzz::run("correlate", data));
