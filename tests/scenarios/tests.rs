//! The suites: every kind of failure, healthy hours, each source alone, and changes that change no verdict.

mod failures;
mod healthy;
mod metamorphic;
mod settings;
mod sources;
