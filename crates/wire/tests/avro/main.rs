//! The records of the topics as bytes: golden files, round trips, evolution of the schemas, bad input, archives.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod archives;
mod bad_input;
mod evolution;
mod generated;
mod golden;
mod places;
mod round_trips;
mod samples;
