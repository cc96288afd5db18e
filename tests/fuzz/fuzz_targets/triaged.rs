//! Records of `triaged`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bellbuoy_fuzz::run("triaged", data));
