//! A journal on Kafka, to read: `kafka://host:port/topic`.

use crate::kafka_settings;
use crate::place::Place;
use crate::progress::Progress;
use crate::reading::{Each, Reading};
use anyhow::Context;
use bellbuoy_core::fact::Fact;
use bellbuoy_core::time::Time;
use bellbuoy_kafka::config::Connection;
use bellbuoy_kafka::range::{Address, Range, read_range};
use bellbuoy_wire::record::Wire;
use bellbuoy_wire::rules::settings;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// How many unreadable records are shown in full; all are counted.
const SHOWN_MAX: usize = 20;

/// A topic of a cluster.
pub(crate) struct Source {
    connection: Connection,
    topic: Arc<str>,
    silence_max: Duration,
}

impl Source {
    /// The topic of an address; how to be let in says the configuration.
    ///
    /// # Errors
    /// When the address or the security settings are wrong.
    pub(crate) fn of(address: &str, kafka: &settings::Kafka) -> anyhow::Result<Self> {
        let address: Address = address.parse()?;
        let mut connection = kafka_settings::connection(kafka)?;
        connection.bootstrap_servers = address.bootstrap_servers;
        let silence_max = kafka_settings::duration(kafka.request_timeout);
        Ok(Self { connection, topic: address.topic.into(), silence_max })
    }

    /// Reads the facts that were observed in a range of time.
    ///
    /// # Errors
    /// When the cluster cannot be read, and those of `each`.
    pub(crate) fn read(
        &self,
        range: (Option<Time>, Option<Time>),
        progress: &mut Progress,
        each: &mut Each<'_>,
    ) -> anyhow::Result<Reading> {
        let mut reading = Reading::default();
        let mut failed = None;
        let on_record = |record: bellbuoy_kafka::range::Record<'_>| {
            let partition = u32::try_from(record.partition).unwrap_or(0);
            let place = || Place::Log { topic: self.topic.clone(), partition, offset: record.offset };
            let Some(value) = record.value else { return ControlFlow::Continue(()) };
            match Fact::decode(value) {
                Ok(fact) => each(fact, &place).unwrap_or_else(|error| {
                    failed = Some(error);
                    ControlFlow::Break(())
                }),
                Err(error) => {
                    reading.reject(format!("{}: {error}", place()), SHOWN_MAX);
                    ControlFlow::Continue(())
                }
            }
        };
        let (from, to) = range;
        let on_progress = |at: bellbuoy_kafka::range::Progress| progress.at(at.offsets, Some(at.offsets_total));
        read_range(&self.connection, &self.topic, Range { from, to }, self.silence_max, on_record, on_progress)
            .with_context(|| format!("failed to read topic {} of {}", self.topic, self.connection.bootstrap_servers))?;
        failed.map_or(Ok(reading), Err)
    }
}
