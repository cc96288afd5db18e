//! Stages on Apache Kafka, against a real server that all tests of this binary share.

#![expect(clippy::unwrap_used, reason = "tests fail by panics, in their helpers too")]

mod activate;
mod conformance;
mod harness;
mod journal;
mod processes;
mod runner;
mod security;
mod work;
