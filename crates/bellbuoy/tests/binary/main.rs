//! The real binary on real input, judged by what it prints and by its exit code.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod demo;
mod expect;
mod explain;
mod export;
mod help;
mod misuse;
mod program;
mod replay;
