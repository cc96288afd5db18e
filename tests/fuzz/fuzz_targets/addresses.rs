//! Addresses in the environment of a pod and in a config map, from the objects to contradictions.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bellbuoy_fuzz::run("addresses", data));
