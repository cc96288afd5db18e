//! A real Kafka server for tests: one process in KRaft mode on free ports, gone when its owner is gone.

#![expect(clippy::panic, reason = "a test's tool fails the test that uses it")]

use crate::kafka_jars;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A cluster to test against.
pub struct KafkaServer {
    /// Where clients connect without any security.
    pub bootstrap_servers: String,
    /// Where clients connect as [`Setup::listener`] says; empty without one.
    pub secured_servers: String,
    process: Option<Process>,
}

/// What a server shall be besides the usual.
#[derive(Default)]
pub struct Setup {
    /// The security protocol of a second listener, named `SECURED`: `SSL`, `SASL_PLAINTEXT`, `SASL_SSL`.
    pub listener: Option<&'static str>,
    /// Lines of the server's properties.
    pub properties: Vec<(String, String)>,
    /// SCRAM users: mechanism, name, password.
    pub scram: Vec<(&'static str, &'static str, &'static str)>,
}

/// How long a server may take to answer: a start takes two seconds on an idle machine.
const START_DEADLINE: Duration = Duration::from_secs(90);

/// A start can lose its ports to another process between their choice and their use.
const START_TRIES: u32 = 3;

/// Waits for its input to end and then kills the server. The input is a pipe that nobody but the test process holds,
/// so that it ends however that process ends. A signal to the whole terminal must not end the guard before the server.
const GUARD: &str = r#"
trap '' INT TERM HUP
folder=$1; shift
"$@" >"$folder/server.log" 2>&1 </dev/null &
server=$!
echo "$server" >"$folder/server.pid"
read -r nothing
kill -KILL "$server"
wait "$server" 2>/dev/null
rm -rf "$folder"
"#;

impl KafkaServer {
    /// The cluster that all tests of this binary share: that of `KAFKA_BOOTSTRAP_SERVERS`, or a server of our own.
    pub fn shared() -> &'static KafkaServer {
        static SHARED: OnceLock<KafkaServer> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var("KAFKA_BOOTSTRAP_SERVERS") {
            Ok(bootstrap_servers) => KafkaServer { bootstrap_servers, secured_servers: String::new(), process: None },
            Err(_) => KafkaServer::start(&Setup::default()),
        })
    }

    /// Starts a server; it is stopped and its folder removed when the value is dropped or the process ends.
    ///
    /// # Panics
    /// Panics with the server's log when it does not come up.
    pub fn start(setup: &Setup) -> KafkaServer {
        let mut failures = Vec::new();
        for _ in 0..START_TRIES {
            match try_start(setup) {
                Ok(server) => return server,
                Err(failure) => failures.push(failure.to_string()),
            }
        }
        panic!("failed to start Kafka {START_TRIES} times:\n{}", failures.join("\n"));
    }
}

impl KafkaServer {
    /// Freezes a server of our own: it keeps its connections and answers nothing.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets a frozen server go on.
    pub fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let Some(process) = &self.process else { panic!("only a server of our own can be frozen") };
        let path = process.folder.join("server.pid");
        let id = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let status = Command::new("kill").arg(format!("-{signal}")).arg(id.trim()).status();
        assert!(status.is_ok_and(|status| status.success()), "failed to send {signal} to the server");
    }
}

struct Process {
    guard: Child,
    /// Closing it tells the guard to end the server.
    input: Option<ChildStdin>,
    folder: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.input.take();
        // The guard ends by itself; a failure to wait for it leaves nothing behind but its exit code.
        let _ = self.guard.wait();
    }
}

fn try_start(setup: &Setup) -> io::Result<KafkaServer> {
    let jars = kafka_jars::folder()?;
    let folder = tempfile::Builder::new().prefix("bellbuoy-kafka-").tempdir()?.keep();
    let [plain, controller, secured] = free_ports()?;
    let configuration = folder.join("server.properties");
    fs::write(&configuration, properties(setup, &folder, plain, controller, secured))?;
    if let Err(failure) = format_storage(&jars, &configuration, setup) {
        fs::remove_dir_all(&folder)?;
        return Err(failure);
    }
    let mut process = spawn(&jars, &configuration, folder)?;
    let bootstrap_servers = format!("127.0.0.1:{plain}");
    match wait_until_ready(&bootstrap_servers, &mut process) {
        Ok(()) => Ok(KafkaServer {
            bootstrap_servers,
            secured_servers: setup.listener.map_or(String::new(), |_| format!("localhost:{secured}")),
            process: Some(process),
        }),
        Err(failure) => {
            let log = fs::read_to_string(process.folder.join("server.log")).unwrap_or_default();
            Err(io::Error::other(format!("{failure}; the server's log:\n{log}")))
        }
    }
}

fn java(jars: &Path) -> Command {
    let mut java = Command::new("java");
    java.args(["-Xms64m", "-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true"]);
    java.args(["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true"]);
    java.arg("-cp").arg(jars.join("*"));
    java
}

fn format_storage(jars: &Path, configuration: &Path, setup: &Setup) -> io::Result<()> {
    let mut format = java(jars);
    // Any 16 bytes in base64 name a cluster; nothing else ever joins this one.
    format.args(["kafka.tools.StorageTool", "format", "-t", "QmVsbGJ1b3ktdGVzdHMtMQ", "-c"]).arg(configuration);
    for (mechanism, name, password) in &setup.scram {
        format.arg("--add-scram").arg(format!("{mechanism}=[name={name},password={password}]"));
    }
    let output = format.stdin(Stdio::null()).output()?;
    match output.status.success() {
        true => Ok(()),
        false => {
            Err(io::Error::other(format!("failed to format storage: {}", String::from_utf8_lossy(&output.stderr))))
        }
    }
}

fn spawn(jars: &Path, configuration: &Path, folder: PathBuf) -> io::Result<Process> {
    let mut server = java(jars);
    server.arg("kafka.Kafka").arg(configuration);
    let mut guard = Command::new("sh");
    guard.arg("-c").arg(GUARD).arg("kafka-guard").arg(&folder).arg(server.get_program()).args(server.get_args());
    let log = File::create(folder.join("guard.log"))?;
    let mut guard = guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).spawn()?;
    let input = guard.stdin.take();
    Ok(Process { guard, input, folder })
}

fn wait_until_ready(bootstrap_servers: &str, process: &mut Process) -> io::Result<()> {
    let client: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap_servers)
        .set("log_level", "0")
        .create()
        .map_err(io::Error::other)?;
    let began = Instant::now();
    loop {
        match client.fetch_metadata(None, Duration::from_millis(250)) {
            Ok(metadata) if !metadata.brokers().is_empty() => return Ok(()),
            _ if began.elapsed() > START_DEADLINE => {
                return Err(io::Error::other(format!("no answer within {START_DEADLINE:?}")));
            }
            _ => {}
        }
        let log = fs::read_to_string(process.folder.join("server.log")).unwrap_or_default();
        if log.contains("Exiting Kafka") || log.contains("Could not create the Java Virtual Machine") {
            return Err(io::Error::other("the server ended"));
        }
    }
}

fn free_ports() -> io::Result<[u16; 3]> {
    let listeners =
        [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
    let mut ports = [0; 3];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}

fn properties(setup: &Setup, folder: &Path, plain: u16, controller: u16, secured: u16) -> String {
    let (mut listeners, mut protocols) = (
        format!("PLAINTEXT://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{controller}"),
        "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned(),
    );
    let mut advertised = format!("PLAINTEXT://127.0.0.1:{plain}");
    if let Some(protocol) = setup.listener {
        listeners.push_str(&format!(",SECURED://127.0.0.1:{secured}"));
        advertised.push_str(&format!(",SECURED://localhost:{secured}"));
        protocols.push_str(&format!(",SECURED:{protocol}"));
    }
    let data = folder.join("data").display().to_string();
    let voters = format!("1@127.0.0.1:{controller}");
    let fixed = [
        ("process.roles", "broker,controller"),
        ("node.id", "1"),
        ("controller.quorum.voters", &voters),
        ("controller.listener.names", "CONTROLLER"),
        ("inter.broker.listener.name", "PLAINTEXT"),
        ("listeners", &listeners),
        ("advertised.listeners", &advertised),
        ("listener.security.protocol.map", &protocols),
        ("log.dirs", &data),
        ("auto.create.topics.enable", "false"),
        // One server holds everything; few partitions of its own topics start fast.
        ("offsets.topic.replication.factor", "1"),
        ("offsets.topic.num.partitions", "1"),
        ("transaction.state.log.replication.factor", "1"),
        ("transaction.state.log.min.isr", "1"),
        ("transaction.state.log.num.partitions", "1"),
        ("log.cleaner.dedupe.buffer.size", "2097152"),
        // Facts of tests are years old, and retention goes by their time: it would take them away within a minute.
        ("log.initial.task.delay.ms", "86400000"),
        ("log.retention.check.interval.ms", "86400000"),
        // Tests do not wait: groups form at once, dead members and their transactions are found soon.
        ("group.initial.rebalance.delay.ms", "0"),
        ("group.min.session.timeout.ms", "500"),
        ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "200"),
    ];
    let fixed = fixed.iter().map(|(name, value)| (*name, *value));
    let own = setup.properties.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    fixed.chain(own).map(|(name, value)| format!("{name}={value}\n")).collect()
}
