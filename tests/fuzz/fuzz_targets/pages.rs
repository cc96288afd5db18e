//! Records of `pages`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bellbuoy_fuzz::run("pages", data));
