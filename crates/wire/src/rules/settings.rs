//! Settings that decide nothing: where Kafka is, where files lie, what is told about the process itself.

use super::node::Value;
use super::scalar;
use super::section::Section;
use bellbuoy_core::Text;
use bellbuoy_core::time::Span;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// How to reach Apache Kafka, and how large a commit may be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kafka {
    /// `host:port` of some brokers; they name the others.
    pub bootstrap_servers: Vec<Text>,
    /// What every topic's name begins with.
    pub topic_prefix: Text,
    /// Partitions of a topic that is created; an existing one keeps its own.
    pub partitions: u32,
    /// Copies of each partition of a topic that is created; 0: what the brokers have for a default.
    pub replication_factor: u32,
    /// The name of this process among its copies, unique and steady; empty: the host's name.
    pub instance: Text,
    /// A transaction is committed after so long at the latest.
    pub commit_every: Span,
    /// A transaction holds at most so many input records.
    pub commit_records_max: u32,
    /// A transaction holds at most so many bytes of input records.
    pub commit_bytes_max: u64,
    /// The broker aborts a transaction that is open for longer, so that a hung process does not block readers.
    pub transaction_timeout: Span,
    /// The partitions of a process that is silent for longer go to others.
    pub session_timeout: Span,
    /// A request that takes longer has failed.
    pub request_timeout: Span,
    /// Encryption and identity.
    pub security: Security,
    /// Further properties of librdkafka, as they are.
    pub properties: BTreeMap<String, String>,
}

/// Encryption and identity towards Kafka.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Security {
    /// Whether to encrypt, and whether to say who one is.
    pub protocol: Protocol,
    /// For the protocols with encryption.
    pub tls: Tls,
    /// For the protocols with identity.
    pub sasl: Sasl,
}

/// The security protocol, in Kafka's own words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// Neither encryption nor identity.
    #[default]
    Plaintext,
    /// Encryption; identity by client certificate, if one is given.
    Ssl,
    /// Identity without encryption.
    SaslPlaintext,
    /// Both.
    SaslSsl,
}

impl Protocol {
    const WORDS: [(&str, Self); 4] = [
        ("plaintext", Self::Plaintext),
        ("ssl", Self::Ssl),
        ("sasl_plaintext", Self::SaslPlaintext),
        ("sasl_ssl", Self::SaslSsl),
    ];

    /// librdkafka's value of `security.protocol`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }
}

/// TLS towards Kafka.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// PEM file of the authorities to trust; none: those of the system.
    pub ca_file: Option<PathBuf>,
    /// PEM file of the client's certificate.
    pub certificate_file: Option<PathBuf>,
    /// PEM file of the client's key.
    pub key_file: Option<PathBuf>,
    /// What the key file is locked with.
    pub key_password: Secret,
    /// Whether the broker's certificate must name its host.
    pub verify_hostname: bool,
}

/// SASL towards Kafka.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sasl {
    /// How identity is proven.
    pub mechanism: Mechanism,
    /// For PLAIN and SCRAM.
    pub username: Text,
    /// For PLAIN and SCRAM.
    pub password: Secret,
    /// For OAUTHBEARER: where tokens are given out (OpenID Connect, client credentials).
    pub token_url: Text,
    /// For OAUTHBEARER.
    pub client_id: Text,
    /// For OAUTHBEARER.
    pub client_secret: Secret,
    /// For OAUTHBEARER; empty: none is asked for.
    pub scope: Text,
    /// For OAUTHBEARER: SASL extensions as `key=value`, with commas between; empty: none.
    pub extensions: Text,
}

/// A SASL mechanism.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mechanism {
    /// Name and password as they are.
    Plain,
    /// Challenge and response over SHA-256.
    ScramSha256,
    /// Challenge and response over SHA-512.
    #[default]
    ScramSha512,
    /// A token of an OpenID provider.
    OauthBearer,
}

impl Mechanism {
    const WORDS: [(&str, Self); 4] = [
        ("PLAIN", Self::Plain),
        ("SCRAM-SHA-256", Self::ScramSha256),
        ("SCRAM-SHA-512", Self::ScramSha512),
        ("OAUTHBEARER", Self::OauthBearer),
    ];

    /// librdkafka's value of `sasl.mechanism`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }
}

/// Where a secret is to be found. It never stands in the configuration itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Secret {
    /// There is none.
    #[default]
    None,
    /// In a file; a line end at its end does not belong to it.
    File(PathBuf),
    /// In an environment variable of this name.
    Env(String),
}

/// The embedded runner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Embedded {
    /// Where its log lies.
    pub data_dir: PathBuf,
    /// How often what was written is forced to disk; zero: with every commit.
    pub sync_every: Span,
    /// Memory for its cache, in bytes.
    pub cache_bytes_max: u64,
}

/// What the process tells about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Telemetry {
    /// Which log lines are written: `info`, or a level per part, such as `warn,bellbuoy=debug`.
    pub log: Text,
    /// How they are written.
    pub log_format: LogFormat,
    /// Where metrics go by OTLP; empty: nowhere.
    pub otlp_endpoint: Text,
    /// How often metrics go there.
    pub metrics_every: Span,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Properties that Bellbuoy sets itself: its promises rest on them, or a key of this file sets them.
const RESERVED: [(&str, &str); 23] = [
    ("bootstrap.servers", "set kafka.bootstrap_servers instead"),
    ("metadata.broker.list", "set kafka.bootstrap_servers instead"),
    ("group.instance.id", "set kafka.instance instead"),
    ("security.protocol", "set kafka.security.protocol instead"),
    ("sasl.mechanism", "set kafka.security.sasl.mechanism instead"),
    ("sasl.mechanisms", "set kafka.security.sasl.mechanism instead"),
    ("sasl.username", "set kafka.security.sasl.username instead"),
    ("sasl.password", "set kafka.security.sasl.password instead: secrets do not stand in this file"),
    ("ssl.key.password", "set kafka.security.tls.key_password instead: secrets do not stand in this file"),
    ("transaction.timeout.ms", "set kafka.transaction_timeout instead"),
    ("session.timeout.ms", "set kafka.session_timeout instead"),
    (
        "sasl.oauthbearer.client.secret",
        "set kafka.security.sasl.client_secret instead: secrets do not stand in this file",
    ),
    ("auto.offset.reset", "a lost position must be an error and never silently the end"),
    ("enable.auto.offset.store", "exactly-once rests on it, so that it cannot be set"),
    ("enable.partition.eof", "the end of a changelog is found by it, so that it cannot be set"),
    ("partition.assignment.strategy", "partitions move without stopping the others, so that it cannot be set"),
    ("transactional.id", "exactly-once rests on it, so that it cannot be set"),
    ("enable.idempotence", "exactly-once rests on it, so that it cannot be set"),
    ("acks", "exactly-once rests on it, so that it cannot be set"),
    ("request.required.acks", "exactly-once rests on it, so that it cannot be set"),
    ("isolation.level", "exactly-once rests on it, so that it cannot be set"),
    ("enable.auto.commit", "exactly-once rests on it, so that it cannot be set"),
    ("group.id", "the stage's name is its group, so that it cannot be set"),
];

impl Kafka {
    pub(crate) fn read(&mut self, section: &mut Section<'_>) {
        if let Some(servers) = section.texts("bootstrap_servers") {
            for (server, at) in &servers {
                let port = server
                    .rsplit_once(':')
                    .and_then(|(host, port)| port.parse::<u16>().ok().filter(|_| !host.is_empty()));
                if port.is_none() {
                    section.complain_at(*at, "bootstrap_servers", format!("expected host:port, found {server:?}"));
                }
            }
            if servers.is_empty() {
                section.complain("bootstrap_servers", "expected at least one host:port");
            }
            self.bootstrap_servers = servers.into_iter().map(|(server, _)| server).collect();
        }
        section.scalar("topic_prefix", &mut self.topic_prefix, |text| {
            let fits = text.len() <= 100 && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
            if fits {
                Ok(text.into())
            } else {
                Err("at most 100 letters, digits, dots, underscores or hyphens".to_owned())
            }
        });
        section.count("partitions", 1, 10_000, &mut self.partitions);
        section.count("replication_factor", 0, 100, &mut self.replication_factor);
        section.text("instance", &mut self.instance);
        section.positive_duration("commit_every", &mut self.commit_every);
        section.count("commit_records_max", 1, 1_000_000, &mut self.commit_records_max);
        section.bytes("commit_bytes_max", &mut self.commit_bytes_max);
        section.positive_duration("transaction_timeout", &mut self.transaction_timeout);
        section.positive_duration("session_timeout", &mut self.session_timeout);
        section.positive_duration("request_timeout", &mut self.request_timeout);
        if self.commit_every >= self.transaction_timeout {
            let text = format!(
                "expected a commit_every ({}) shorter than transaction_timeout ({})",
                self.commit_every, self.transaction_timeout
            );
            section.complain("commit_every", text);
        }
        section.section("security", |security| self.security.read(security));
        for (key, node) in section.free_map("properties") {
            let reserved = RESERVED.iter().find(|(name, _)| *name == key.name);
            if let Some((name, why)) = reserved {
                section.complain_at(key.at, "properties", format!("{name} is Bellbuoy's own: {why}"));
                continue;
            }
            match &node.value {
                Value::Scalar(value) => drop(self.properties.insert(key.name.clone(), value.clone())),
                _ => section.complain_at(
                    node.at,
                    &format!("properties.{}", key.name),
                    format!("expected a text, found {}", node.found()),
                ),
            }
        }
    }
}

impl Security {
    fn read(&mut self, section: &mut Section<'_>) {
        section.choice("protocol", &Protocol::WORDS, &mut self.protocol);
        let encrypts = matches!(self.protocol, Protocol::Ssl | Protocol::SaslSsl);
        let identifies = matches!(self.protocol, Protocol::SaslPlaintext | Protocol::SaslSsl);
        section.section("tls", |section| {
            let tls = &mut self.tls;
            section.file("ca_file", &mut tls.ca_file);
            section.file("certificate_file", &mut tls.certificate_file);
            section.file("key_file", &mut tls.key_file);
            section.secret("key_password", &mut tls.key_password);
            section.flag("verify_hostname", &mut tls.verify_hostname);
            if tls.certificate_file.is_some() != tls.key_file.is_some() {
                section.complain("", "expected certificate_file and key_file, or neither");
            }
            if !encrypts && (tls.ca_file.is_some() || tls.certificate_file.is_some()) {
                section.complain("", "expected protocol ssl or sasl_ssl: with the present one nothing is encrypted");
            }
        });
        section.section("sasl", |section| {
            let sasl = &mut self.sasl;
            section.choice("mechanism", &Mechanism::WORDS, &mut sasl.mechanism);
            section.text("username", &mut sasl.username);
            section.secret("password", &mut sasl.password);
            section.text("token_url", &mut sasl.token_url);
            section.text("client_id", &mut sasl.client_id);
            section.secret("client_secret", &mut sasl.client_secret);
            section.text("scope", &mut sasl.scope);
            section.text("extensions", &mut sasl.extensions);
        });
        let sasl = &self.sasl;
        let complete = match sasl.mechanism {
            Mechanism::OauthBearer => {
                !sasl.token_url.is_empty() && !sasl.client_id.is_empty() && sasl.client_secret != Secret::None
            }
            _ => !sasl.username.is_empty() && sasl.password != Secret::None,
        };
        if identifies && !complete {
            let wants = match sasl.mechanism {
                Mechanism::OauthBearer => "token_url, client_id and client_secret",
                _ => "username and password",
            };
            section
                .complain("protocol", format!("expected {wants} under sasl, as {} needs them", sasl.mechanism.word()));
        }
    }
}

impl Embedded {
    pub(crate) fn read(&mut self, section: &mut Section<'_>) {
        section.scalar("data_dir", &mut self.data_dir, |text| match text {
            "" => Err("a directory".to_owned()),
            _ => Ok(text.into()),
        });
        section.duration("sync_every", &mut self.sync_every);
        section.bytes("cache_bytes_max", &mut self.cache_bytes_max);
    }
}

impl Telemetry {
    pub(crate) fn read(&mut self, section: &mut Section<'_>) {
        section.name("log", &mut self.log);
        section.choice("log_format", &[("text", LogFormat::Text), ("json", LogFormat::Json)], &mut self.log_format);
        section.scalar("otlp_endpoint", &mut self.otlp_endpoint, |text| {
            let fits = text.is_empty() || text.starts_with("http://") || text.starts_with("https://");
            if fits { Ok(text.into()) } else { Err("an address that begins with http:// or https://".to_owned()) }
        });
        section.positive_duration("metrics_every", &mut self.metrics_every);
    }
}

impl Section<'_> {
    fn bytes(&mut self, key: &'static str, target: &mut u64) {
        self.scalar(key, target, |text| match scalar::bytes(text)? {
            0 => Err("a number of bytes above 0".to_owned()),
            bytes => Ok(bytes),
        });
    }

    /// Reads a path; an empty one is none.
    fn file(&mut self, key: &'static str, target: &mut Option<PathBuf>) {
        self.scalar(key, target, |text| Ok(Some(text).filter(|text| !text.is_empty()).map(PathBuf::from)));
    }

    /// Reads where a secret is to be found: `{file: …}` or `{env: …}`; an empty mapping is none.
    fn secret(&mut self, key: &'static str, target: &mut Secret) {
        if let Some(node) = self.peek(key)
            && let Value::Scalar(_) = node.value
        {
            // The value is not shown: it may be the secret.
            self.complain(key, "expected {file: PATH} or {env: NAME}: secrets do not stand in this file");
            self.get(key);
            return;
        }
        self.section(key, |section| {
            let (mut file, mut env): (Text, Text) = ("".into(), "".into());
            section.one_key_suffices();
            section.name("file", &mut file);
            section.name("env", &mut env);
            match (file.is_empty(), env.is_empty()) {
                (true, true) => {}
                (false, true) => *target = Secret::File(file.to_string().into()),
                (true, false) => *target = Secret::Env(env.to_string()),
                (false, false) => section.complain("", "expected either file or env, found both"),
            }
        });
    }
}
