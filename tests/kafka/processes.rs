//! Runners as processes of their own, that are killed and frozen.

use crate::work::{Running, Work, wait_for};
use bellbuoy_kafka::config::{Config, Connection};
use bellbuoy_tests::kafka_server::KafkaServer;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PROCESS: &str = "BELLBUOY_TEST_PROCESS";

/// The other process: runs the probe until it is killed.
#[test]
#[ignore = "started by other tests as a process of its own"]
fn process() {
    let settings = std::env::var(PROCESS).expect("servers, prefix and member id from the test that starts it");
    let [servers, prefix, member_id] = settings.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let config = Config {
        prefix: prefix.into(),
        session_timeout: Duration::from_secs(1),
        transaction_timeout: Duration::from_secs(2),
        ..Config::new(Connection::to(servers), member_id)
    };
    Running::start(config).ended().unwrap();
}

/// A process that is killed when the test ends.
struct Process(Child);

impl Process {
    fn start(config: &Config) -> Self {
        let settings = format!("{} {} {}", config.connection.bootstrap_servers, config.prefix, config.member_id);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "processes::process", "--ignored"]).env(PROCESS, settings);
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").arg(format!("-{signal}")).arg(self.0.id().to_string()).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn processes_killed_at_any_moment_lose_and_double_nothing() {
    let mut work = Work::new(KafkaServer::shared(), "killed", 3);
    for n in 0..6_u64 {
        let process = Process::start(&work.config("a"));
        let before = work.output_count();
        for _ in 0..20 {
            work.append(100);
        }
        wait_for("the process commits", || work.output_count() > before);
        // Each time at another moment of its work.
        std::thread::sleep(Duration::from_millis(n * 37));
        drop(process);
    }
    work.finish();
    let runner = work.start("a");
    work.wait_until_read(&[&runner]);
    runner.stop().unwrap();
    work.hold_against_expected();
}

#[test]
fn a_frozen_process_commits_nothing_after_its_partitions_went_to_another() {
    let mut work = Work::new(KafkaServer::shared(), "frozen", 2);
    let process = Process::start(&work.config("a"));
    work.append(1_000);
    wait_for("the process commits", || work.output_count() > 0);
    work.append(5_000);
    process.signal("STOP");
    let runner = work.start("b");
    wait_for("the other one owns all partitions", || runner.running() == 2);
    work.append(500);
    work.wait_until_read(&[&runner]);
    process.signal("CONT");
    // The one that was frozen comes back as a member; with or without partitions, it must undo what it had read.
    work.append(500);
    wait_for("partitions are shared again", || runner.running() == 1);
    drop(process);
    wait_for("the other one owns all partitions again", || runner.running() == 2);
    work.finish();
    work.wait_until_read(&[&runner]);
    runner.stop().unwrap();
    work.hold_against_expected();
}
