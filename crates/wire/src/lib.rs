//! Bytes ⇄ core: Avro schemas, the JSON and YAML of the outside formats, the topic table, the rules
//! file, the labels of known failures.
//!
//! The only crate that knows a byte format of the domain; it reads and writes memory and does no I/O.

mod alertmanager;
pub mod archive;
pub mod avro;
pub mod dead_letters;
pub mod incidents;
pub mod journal;
mod kubernetes;
pub mod labels;
mod lenient;
pub mod pages;
pub mod record;
pub mod recording;
pub mod rules;
pub mod schemas;
mod stamped;
pub mod state;
mod texts;
pub mod topic;
pub mod triaged;
