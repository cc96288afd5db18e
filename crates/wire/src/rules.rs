//! Rule sets as bytes: the canonical document that names one, and the YAML file that people write.

pub mod document;

pub use document::{RulesError, from_document, to_document};
