//! Recordings in any outside format, from bytes to incidents.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bellbuoy_fuzz::run("recording", data));
