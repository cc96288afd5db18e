//! Packed recordings: gzip, xz, zstd, tar and archives of our own, read from a file.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bellbuoy_fuzz::run("packed", data));
