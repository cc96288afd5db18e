//! What an operator can set about Kafka, and the librdkafka properties that follow from it.

use crate::context::Logged;
use crate::error::Error;
use crate::security::Security;
use rdkafka::ClientConfig;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

/// How to reach a cluster.
#[derive(Clone, Default)]
pub struct Connection {
    /// `host:port`, several with commas.
    pub bootstrap_servers: String,
    /// Encryption and authentication.
    pub security: Security,
    /// Further librdkafka properties, for every client. Those that the pipeline's promises hang on are refused.
    pub properties: BTreeMap<String, String>,
}

impl fmt::Debug for Connection {
    /// Names the further properties and hides their values, some of which may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("security", &self.security)
            .field("properties", &self.properties.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// Properties that cannot be set from outside, and what depends on each.
const OWN_PROPERTIES: [(&str, &str); 17] = [
    ("acks", "a record counts as written when every replica in sync has it"),
    ("auto.offset.reset", "a lost position is an error or the beginning, never silently the end"),
    ("bootstrap.servers", "it has a setting of its own"),
    ("enable.auto.commit", "positions are committed with what was made of the records before them"),
    ("enable.auto.offset.store", "positions are committed with what was made of the records before them"),
    ("enable.idempotence", "a retried record must not be written twice"),
    ("enable.partition.eof", "the end of a changelog is found by it"),
    ("group.id", "it follows from prefix and stage"),
    ("group.instance.id", "it is the member id"),
    ("group.protocol", "static membership with cooperative rebalancing is what is tested"),
    ("isolation.level", "what was aborted must not be read"),
    ("partition.assignment.strategy", "partitions move without stopping the others"),
    ("request.required.acks", "a record counts as written when every replica in sync has it"),
    ("security.protocol", "it follows from tls and sasl"),
    ("session.timeout.ms", "it has a setting of its own"),
    ("transaction.timeout.ms", "it has a setting of its own"),
    ("transactional.id", "it follows from prefix, stage and member id"),
];

/// How long a broker may keep a fetch open: latency of an idle pipeline against requests per second.
const FETCH_WAIT_MS_MAX: &str = "20";

/// How long one try to reach the cluster takes.
const REACH_STEP: Duration = Duration::from_millis(500);

/// How long the client's own events are waited for between two questions.
const EVENTS_STEP: Duration = Duration::from_millis(20);

/// librdkafka's default of `message.max.bytes`.
const RECORD_BYTES_MAX: usize = 1_000_000;

impl Connection {
    /// A connection without security.
    pub fn to(bootstrap_servers: impl Into<String>) -> Self {
        Self { bootstrap_servers: bootstrap_servers.into(), ..Self::default() }
    }

    /// What every client has.
    fn client(&self) -> Result<ClientConfig, Error> {
        let mut client = ClientConfig::new();
        for (name, value) in &self.properties {
            if let Some((_, reason)) = OWN_PROPERTIES.iter().find(|(own, _)| own == name) {
                return Err(Error::OwnProperty { name: name.clone(), reason });
            }
            client.set(name, value);
        }
        client.set("bootstrap.servers", &self.bootstrap_servers).set("client.id", "bellbuoy");
        client.set_log_level(RDKafkaLogLevel::Info);
        self.security.apply(&mut client);
        Ok(client)
    }

    /// The largest record that the client sends: `message.max.bytes`, where it is set.
    pub(crate) fn record_bytes_max(&self) -> usize {
        let set = self.properties.get("message.max.bytes").and_then(|value| value.parse().ok());
        set.unwrap_or(RECORD_BYTES_MAX)
    }

    /// A client that asks, and neither reads nor writes records.
    pub(crate) fn inquirer(&self) -> Result<ClientConfig, Error> {
        let mut client = self.client()?;
        // Ends of partitions are then those of the last record, committed or not.
        client.set("isolation.level", "read_uncommitted");
        Ok(client)
    }

    /// Waits until the cluster answers.
    ///
    /// # Errors
    /// [`Error::Refused`] as soon as one side turns the other away, [`Error::Cluster`] when nobody answers in time.
    pub(crate) fn reach(&self, timeout: Duration) -> Result<BaseConsumer<Logged>, Error> {
        let client: BaseConsumer<Logged> = create(&self.inquirer()?)?;
        let began = Instant::now();
        loop {
            let Err(error) = client.fetch_metadata(None, REACH_STEP.min(timeout)) else { return Ok(client) };
            // The reasons come as events of their own, behind all lines of the log. A poll without any time takes one of them.
            while client.poll(EVENTS_STEP).is_some() {}
            let servers = &self.bootstrap_servers;
            if let Some(reason) = client.context().refusal() {
                return Err(Error::Refused { servers: servers.clone(), reason });
            }
            if began.elapsed() >= timeout {
                return Err(Error::cluster(format!("reach {servers}"))(error));
            }
        }
    }

    /// A client that reads assigned partitions to their end, outside of any group.
    pub(crate) fn reader(&self, name: &str) -> Result<ClientConfig, Error> {
        let mut client = self.client()?;
        client
            // librdkafka asks for a name; nothing joins or commits under it.
            .set("group.id", name)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "error")
            .set("fetch.wait.max.ms", FETCH_WAIT_MS_MAX);
        Ok(client)
    }

    /// A client that appends and is never in doubt about it.
    pub(crate) fn idempotent_writer(&self) -> Result<ClientConfig, Error> {
        let mut client = self.client()?;
        client.set("enable.idempotence", "true").set("acks", "all");
        Ok(client)
    }
}

/// How one process runs one stage.
#[derive(Clone, Debug)]
pub struct Config {
    /// The cluster.
    pub connection: Connection,
    /// In front of every topic, group and transactional id: `bellbuoy.`.
    pub prefix: String,
    /// The name of this process among those that run the stage. It must be the same after a restart (a StatefulSet's
    /// pod name, say) and no other process's.
    pub member_id: String,
    /// When a commit is due.
    pub commit: Cadence,
    /// How long the broker lets a transaction be open before it aborts it. A process that died in one holds its
    /// successor up for as long.
    pub transaction_timeout: Duration,
    /// How long a process may be silent before its partitions go to others.
    pub session_timeout: Duration,
    /// How long a request may take before it counts as failed.
    pub request_timeout: Duration,
}

/// When a commit is due: whichever comes first.
#[derive(Clone, Copy, Debug)]
pub struct Cadence {
    /// Since the first record after the last commit.
    pub interval: Duration,
    /// Input records.
    pub records_max: usize,
    /// Bytes of input records.
    pub bytes_max: usize,
}

impl Default for Cadence {
    fn default() -> Self {
        Self { interval: Duration::from_millis(100), records_max: 50_000, bytes_max: 32 * 1024 * 1024 }
    }
}

impl Config {
    /// The usual settings: prefix `bellbuoy.`, a commit each 100 ms, transactions of at most 10 s.
    pub fn new(connection: Connection, member_id: impl Into<String>) -> Self {
        Self {
            connection,
            prefix: "bellbuoy.".into(),
            member_id: member_id.into(),
            commit: Cadence::default(),
            transaction_timeout: Duration::from_secs(10),
            session_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(10),
        }
    }

    /// The consumer group of a stage.
    pub fn group(&self, stage: &str) -> String {
        format!("{}{stage}", self.prefix)
    }

    /// The transactional id of this process for a stage.
    pub fn transactional_id(&self, stage: &str) -> String {
        format!("{}{stage}.{}", self.prefix, self.member_id)
    }

    /// The group member that reads a stage's input.
    pub(crate) fn member(&self, stage: &str) -> Result<ClientConfig, Error> {
        let mut client = self.connection.client()?;
        client
            .set("group.id", self.group(stage))
            .set("group.instance.id", &self.member_id)
            .set("session.timeout.ms", millis(self.session_timeout))
            .set("heartbeat.interval.ms", millis(self.session_timeout / 10))
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("fetch.wait.max.ms", FETCH_WAIT_MS_MAX)
            // Ends of partitions come with the statistics; lag is measured by them.
            .set("statistics.interval.ms", "1000");
        Ok(client)
    }

    /// The transactional producer of this process.
    pub(crate) fn transactional_writer(&self, stage: &str) -> Result<ClientConfig, Error> {
        let mut client = self.connection.idempotent_writer()?;
        client
            .set("transactional.id", self.transactional_id(stage))
            .set("transaction.timeout.ms", millis(self.transaction_timeout))
            // A commit writes in one burst and waits for it: nothing is gained by waiting for more.
            .set("linger.ms", "0")
            // A burst is at most what one commit holds; the queue must take all of it.
            .set("queue.buffering.max.messages", "0")
            .set("queue.buffering.max.kbytes", "1048576");
        Ok(client)
    }
}

/// Makes a client, with its log going to `tracing`.
pub(crate) fn create<T: FromClientConfigAndContext<Logged>>(client: &ClientConfig) -> Result<T, Error> {
    client.create_with_context(Logged::default()).map_err(Error::client)
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(name: &str, value: &str) -> Connection {
        let properties = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        Connection { properties, ..Connection::to("127.0.0.1:1") }
    }

    #[test]
    fn what_promises_hang_on_cannot_be_set() {
        for (name, _) in OWN_PROPERTIES {
            let error = connection(name, "x").inquirer().unwrap_err();
            assert!(error.to_string().starts_with(&format!("client property {name} cannot be set")), "{error}");
        }
    }

    #[test]
    fn a_refused_value_is_not_repeated() {
        let error =
            create::<BaseConsumer<Logged>>(&connection("retries", "hunter2").inquirer().unwrap()).err().unwrap();
        let text = format!("{error} {error:?}");
        assert!(text.contains("retries") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn values_of_properties_are_not_printed() {
        let text = format!("{:?}", Config::new(connection("ssl.keystore.password", "hunter2"), "m"));
        assert!(text.contains("ssl.keystore.password") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn librdkafka_knows_every_property() {
        let config = Config::new(Connection::to("127.0.0.1:1"), "m-0");
        let clients = [
            config.connection.inquirer(),
            config.connection.reader("r"),
            config.connection.idempotent_writer(),
            config.member("s"),
            config.transactional_writer("s"),
        ];
        for client in clients {
            client.unwrap().create_native_config().unwrap();
        }
    }
}
