//! The processes of `bellbuoy run` on a Kafka server: whole, stopped in the middle, and killed in the middle.

use crate::{PARTITIONS, check, story};
use bellbuoy_tests::kafka_runner::create;
use bellbuoy_tests::kafka_server::KafkaServer;
use bellbuoy_tests::kafka_topics::Topics;
use bellbuoy_tests::on_kafka::{Appender, read_output};
use bellbuoy_tests::oracle;
use bellbuoy_tests::output::Output;
use bellbuoy_tests::processes::{Site, StageProcess};
use bellbuoy_tests::progress::{Progress, STAGES, TOPICS, wait_until};
use bellbuoy_wire::topic::Topic;

const CONFIGURATION: &str = "
kafka:
  partitions: 2
  replication_factor: 1
  session_timeout: 1s
  transaction_timeout: 2s
";

/// How the processes end in the middle of the journal, before others take their places.
enum Middle {
    Passed,
    Stopped,
    Killed,
}

#[test]
fn whole() {
    check(&run(&Middle::Passed), "whole Kafka");
}

#[test]
fn stopped_in_the_middle() {
    check(&run(&Middle::Stopped), "stopped Kafka");
}

#[test]
fn killed_in_the_middle() {
    check(&run(&Middle::Killed), "killed Kafka");
}

fn run(middle: &Middle) -> Output {
    let server = KafkaServer::shared();
    let topics = Topics::of(server, "golden");
    create(server, &topics, &TOPICS, PARTITIONS);
    let (site, progress) =
        (Site::new(server, &topics, CONFIGURATION), Progress::new(server, &topics, PARTITIONS.cast_signed()));
    let start = || STAGES.map(|(stage, _)| site.start(stage, "only"));
    let journal = story::journal();
    let (first, second) = journal.split_at(journal.len() / 2);
    let mut processes = start();
    let mut appender = Appender::open(server, &topics);
    appender.append(first);
    if !matches!(middle, Middle::Passed) {
        wait_until("the last stage has written a page", || {
            processes.iter_mut().for_each(StageProcess::assert_runs);
            let pages = topics.read_committed(&Topic::Pages.to_string());
            if pages.values().all(Vec::is_empty) { Err("there is none".to_owned()) } else { Ok(()) }
        });
        let end = match middle {
            Middle::Killed => StageProcess::kill,
            _ => StageProcess::stop,
        };
        processes.into_iter().for_each(end);
        processes = start();
    }
    appender.append(second);
    progress.wait_until_drained(&oracle::ends(&journal, PARTITIONS), || {
        processes.iter_mut().for_each(StageProcess::assert_runs);
    });
    processes.into_iter().for_each(StageProcess::stop);
    read_output(&topics)
}
