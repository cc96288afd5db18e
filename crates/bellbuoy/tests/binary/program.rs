//! The real binary, run as a user runs it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What a run has left behind.
#[derive(Debug)]
pub(crate) struct Run {
    /// The exit code; none after a signal.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

/// The binary, without anything of the tester's own environment that it would read.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bellbuoy"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("BELLBUOY_") || name.starts_with("KAFKA_")) {
        command.env_remove(name);
    }
    command.env_remove("NO_COLOR");
    command
}

/// Runs the binary with nothing on standard input.
pub(crate) fn run(args: &[&str]) -> Run {
    finished(command().args(args).stdin(Stdio::null()).output().unwrap())
}

/// Runs the binary with this on standard input.
pub(crate) fn feed(args: &[&str], input: &[u8]) -> Run {
    let mut child =
        command().args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // On a thread of its own, because the binary may answer before it has read all.
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    finished(output)
}

fn finished(output: Output) -> Run {
    let text = |bytes| String::from_utf8(bytes).expect("the binary writes UTF-8");
    Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

impl Run {
    /// Asserts that it ended with this code.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "standard output:\n{}\nstandard error:\n{}", self.out, self.err);
        self
    }
}

/// The recording of the demo.
pub(crate) fn hour() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/one-bad-hour.jsonl")
}
