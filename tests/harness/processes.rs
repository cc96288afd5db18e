//! Stages as processes of their own: the real program, started, killed, and told to stop.

#![expect(clippy::expect_used, clippy::panic, reason = "a test's tool fails the test that uses it")]

use crate::kafka_server::KafkaServer;
use crate::kafka_topics::Topics;
use crate::program;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What the processes of one pipeline share.
pub struct Site {
    servers: String,
    prefix: String,
    /// Configuration and logs; gone when the site is.
    folder: tempfile::TempDir,
}

/// A stage that runs as a process of its own; killed when dropped, and when the test's process ends in any way.
pub struct StageProcess {
    name: String,
    guard: Child,
    /// Closing it kills the stage.
    input: Option<ChildStdin>,
    log: PathBuf,
}

/// How long a stage may take to commit what it read and leave.
const STOP_DEADLINE: Duration = Duration::from_secs(60);

/// Lines of a log that a failure shows.
const LOG_LINES_SHOWN: usize = 40;

/// What a shell says of a process that SIGKILL has ended.
const KILLED: i32 = 128 + 9;

/// Waits for the stage and ends as it does. The word `stop` on the input becomes SIGTERM, and the input's end SIGKILL:
/// it is a pipe that nobody but the test's process holds, so that no stage outlives its test. What reads it must not
/// itself be ended by a signal to the whole terminal.
const GUARD: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- &
stage=$!
{
    trap '' INT TERM HUP
    read -r word <&3
    if [ "$word" = stop ]; then
        kill -TERM "$stage"
        read -r word <&3
    fi
    kill -KILL "$stage"
} 2>/dev/null &
reader=$!
exec 3<&-
wait "$stage"
code=$?
kill -KILL "$reader" 2>/dev/null
exit "$code"
"#;

impl Site {
    /// A site on the server, under the prefix of the topics, with a configuration beside the default one.
    pub fn new(server: &KafkaServer, topics: &Topics, configuration: &str) -> Site {
        let folder = tempfile::Builder::new().prefix("bellbuoy-site-").tempdir().expect("a folder can be made");
        fs::write(folder.path().join("bellbuoy.yaml"), configuration).expect("the folder can be written");
        Site { servers: server.bootstrap_servers.clone(), prefix: topics.prefix.clone(), folder }
    }

    /// Starts a copy of a stage: `bellbuoy run STAGE`.
    pub fn start(&self, stage: &str, member_id: &str) -> StageProcess {
        let log = self.folder.path().join(format!("{stage}-{member_id}.log"));
        let said = OpenOptions::new().create(true).append(true).open(&log).expect("the folder can be written");
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "stage-guard"]).arg(program::bellbuoy()).args(["run", stage, "--config"]);
        guard.arg(self.folder.path().join("bellbuoy.yaml")).args(["--bootstrap-servers", &self.servers]);
        guard.args(["--topic-prefix", &self.prefix, "--member-id", member_id]);
        let mut guard =
            guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(said).spawn().expect("sh can be started");
        let input = guard.stdin.take();
        StageProcess { name: format!("{stage} {member_id}"), guard, input, log }
    }
}

impl Drop for Site {
    /// What a failed test leaves behind tells why.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.folder.disable_cleanup(true);
            eprintln!("configuration and logs of the stages are in {}", self.folder.path().display());
        }
    }
}

impl StageProcess {
    /// Which stage and which copy of it this is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Kills it with SIGKILL.
    ///
    /// # Panics
    /// Panics when it had ended by itself.
    pub fn kill(mut self) {
        self.assert_runs();
        self.input.take();
        let status = self.guard.wait().expect("the guard is our child");
        assert_eq!(status.code(), Some(KILLED), "{} ended by itself; its log:\n{}", self.name, self.log());
    }

    /// Tells it to stop and waits until it has committed what it read.
    ///
    /// # Panics
    /// Panics when it does not end, or ends with an error.
    pub fn stop(mut self) {
        self.assert_runs();
        let input = self.input.as_mut().expect("only kill closes it");
        input.write_all(b"stop\n").expect("the guard listens");
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.ended() {
                break status;
            }
            let log = || self.log();
            assert!(began.elapsed() < STOP_DEADLINE, "{} did not stop within {STOP_DEADLINE:?}:\n{}", self.name, log());
            std::thread::sleep(Duration::from_millis(5));
        };
        assert!(status.success(), "{} stopped with {status}; its log:\n{}", self.name, self.log());
    }

    /// Fails the test when the process has ended by itself.
    pub fn assert_runs(&mut self) {
        if let Some(status) = self.ended() {
            panic!("{} ended by itself with {status}; its log:\n{}", self.name, self.log());
        }
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        self.guard.try_wait().expect("the guard is our child")
    }

    /// The end of its log, over all starts of this copy.
    fn log(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_else(|error| format!("{}: {error}", self.log.display()));
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n")
    }
}

impl Drop for StageProcess {
    fn drop(&mut self) {
        self.input.take();
        // It may have ended already.
        let _ = self.guard.wait();
    }
}
