//! `config activate`: writes a rule set into the journal, so that the log decides by it.

use crate::cli::ActivateArgs;
use crate::kafka_settings;
use anyhow::Context;
use bellbuoy_core::fact::Fact;
use bellbuoy_core::object::Scope;
use bellbuoy_core::time::Time;
use bellbuoy_kafka::journal::JournalWriter;
use bellbuoy_wire::rules::{Config, hash};
use std::fmt::Write;
use std::sync::Arc;
use std::time::SystemTime;

/// Appends an activation for each cluster. Returns what to tell the person.
///
/// # Errors
/// When the cluster cannot be reached or the journal's topic is not there.
pub(crate) fn run(args: &ActivateArgs, config: &Config) -> anyhow::Result<String> {
    let kafka = kafka_settings::named(&config.kafka, args.bootstrap_servers.as_deref(), args.topic_prefix.as_deref());
    let connection = kafka_settings::connection(&kafka)?;
    let timeout = kafka_settings::duration(kafka.request_timeout);
    let mut journal = JournalWriter::open(&connection, &kafka.topic_prefix, timeout)?;
    let rules = Arc::new(config.rule_set());
    let since_epoch =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("the clock stands before 1970")?;
    let now = Time(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX));
    let mut told = String::new();
    for cluster in &args.clusters {
        journal.append(&Fact::rules(Scope::cluster(cluster), rules.clone(), now))?;
        writeln!(told, "{cluster} is decided by rule set {} from now on", hash(&rules))?;
    }
    journal.flush()?;
    Ok(told)
}
