//! Records of `dead-letters`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bellbuoy_fuzz::run("dead_letters", data));
