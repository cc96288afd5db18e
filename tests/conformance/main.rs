//! Every runner is held to what it owes a stage.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's tools fail the test that uses them")]

mod embedded;
mod kernel;
mod paper;
