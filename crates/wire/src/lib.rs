//! Bytes ⇄ core: Avro schemas, the JSON and YAML of the outside formats, the topic table, the rules file.
//!
//! The only crate that knows a byte format of the domain; it reads and writes memory and does no I/O.

pub mod record;
pub mod rules;
pub mod topic;
