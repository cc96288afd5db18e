//! Generated clusters: each kind of failure is injected into healthy ones, and what is said of it is counted.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panics, in their helpers too"
)]

mod cluster;
mod failures;
mod noise;
mod outcome;
mod scenario;
mod stage;
mod table;
mod tests;
