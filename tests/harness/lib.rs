//! What the tests share.

pub mod conformance;
pub mod conformance_duties;
pub mod conformance_facts;
pub mod conformance_paper;
pub mod conformance_probe;
mod kafka_jars;
pub mod kafka_runner;
pub mod kafka_server;
pub mod kafka_topics;
pub mod estate;
pub mod fold;
