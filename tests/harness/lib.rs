//! What the tests share.

mod kafka_jars;
pub mod kafka_server;
pub mod kafka_topics;
