//! Runs stages on Apache Kafka, and reads and writes the journal there.
//!
//! The only crate that knows rdkafka. Nothing in it decides: it carries records to a `Task` and what comes of them
//! back, in one transaction per commit. All calls block; each [`runner::Runner`] wants a thread of its own.

pub mod by_hand;
mod changelog;
pub mod config;
mod context;
mod destinations;
pub mod error;
mod headers;
mod instruments;
pub mod journal;
mod member;
mod outbox;
pub mod range;
mod recovery;
pub mod runner;
mod seat;
pub mod security;
pub mod status;
pub mod topics;
mod transactions;
