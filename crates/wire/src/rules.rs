//! Rule sets as bytes: the canonical document that names one, and the YAML file that people write.

pub mod config;
pub mod document;
pub mod error;
pub mod settings;

mod components;
mod edges;
pub(crate) mod node;
mod scalar;
pub(crate) mod section;
mod signals;

pub use config::{Config, DEFAULT_YAML};
pub use document::{RulesError, from_document, hash, to_document};
pub use error::ConfigError;

#[cfg(test)]
mod tests;
