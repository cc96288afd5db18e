//! Labels of alerts, from a webhook to an incident.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bellbuoy_fuzz::run("alert_labels", data));
