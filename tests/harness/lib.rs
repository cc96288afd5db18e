//! What the tests share.

pub mod chaos;
pub mod conformance;
pub mod conformance_duties;
pub mod conformance_facts;
pub mod conformance_paper;
pub mod conformance_probe;
pub mod data;
pub mod estate;
pub mod fold;
mod kafka_jars;
pub mod kafka_runner;
pub mod kafka_server;
pub mod kafka_topics;
pub mod on_kafka;
pub mod oracle;
pub mod output;
pub mod processes;
pub mod program;
pub mod progress;
