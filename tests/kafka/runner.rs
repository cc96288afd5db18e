//! Runners that work by themselves: several at once, one after the other, and through a broker that does not answer.

use crate::work::{Work, wait_for};
use bellbuoy_kafka::error::Error;
use bellbuoy_kafka::status::Phase;
use bellbuoy_tests::conformance_facts::{at, event, scope};
use bellbuoy_tests::kafka_runner::{PROBE_TOPICS, config, create, start};
use bellbuoy_tests::kafka_server::{KafkaServer, Setup};
use bellbuoy_tests::kafka_topics::Topics;
use bellbuoy_wire::record::Wire;
use bellbuoy_wire::state::encode_state;
use bellbuoy_wire::topic::Topic;

#[test]
fn members_share_partitions_and_take_over_from_each_other() {
    let mut work = Work::new(KafkaServer::shared(), "members", 4);
    work.append(300);
    let first = work.start("a");
    wait_for("the first owns all partitions", || first.running() == 4);
    let second = work.start("b");
    wait_for("both own partitions", || first.running() == 2 && second.running() == 2);
    work.append(300);
    work.wait_until_read(&[&first, &second]);
    first.stop().unwrap();
    wait_for("the second owns all partitions", || second.running() == 4);
    work.append(300);
    work.finish();
    work.wait_until_read(&[&second]);
    second.stop().unwrap();
    work.hold_against_expected();
}

#[test]
fn a_process_with_a_taken_member_id_fences_the_other() {
    let mut work = Work::new(KafkaServer::shared(), "fenced", 2);
    work.append(100);
    let first = work.start("same");
    wait_for("the first runs", || first.running() == 2);
    let second = work.start("same");
    wait_for("the second runs", || second.running() == 2);
    work.append(100);
    work.finish();
    work.wait_until_read(&[&second]);
    let error = first.ended().unwrap_err();
    assert!(matches!(error, Error::Fenced { .. }), "{error}");
    assert!(error.to_string().contains("another process runs under member id same"), "{error}");
    second.stop().unwrap();
    work.hold_against_expected();
}

#[test]
fn a_broker_that_does_not_answer_in_time_costs_nothing_but_time() {
    let server = KafkaServer::start(&Setup::default());
    let mut work = Work::new(&server, "doubt", 2);
    let runner = work.start("a");
    wait_for("the runner runs", || runner.running() == 2);
    for _ in 0..2 {
        let (commits, failures) = (runner.status.commits(), runner.status.failures());
        work.append(2_000);
        wait_for("the runner commits", || runner.status.commits() > commits);
        work.append(2_000);
        server.pause();
        // Longer than a transaction may be open; the runner must see its commit fail.
        wait_for("a transaction fails", || runner.status.failures() > failures);
        server.go_on();
        wait_for("the runner runs again", || runner.running() == 2);
    }
    work.finish();
    work.wait_until_read(&[&runner]);
    runner.stop().unwrap();
    work.hold_against_expected();
}

#[test]
fn what_cannot_be_read_leaves_one_letter_across_restarts() {
    let mut work = Work::new(KafkaServer::shared(), "letters", 1);
    for n in 0..3 {
        // Held back, so that the garbage behind it is read again after a restart.
        work.append(5);
        work.append_bytes(0, format!("garbage {n}").as_bytes());
        let runner = work.start("a");
        work.wait_until_read(&[&runner]);
        runner.stop().unwrap();
    }
    work.finish();
    let runner = work.start("a");
    work.wait_until_read(&[&runner]);
    runner.stop().unwrap();
    assert_eq!(work.letters(), [b"garbage 0", b"garbage 1", b"garbage 2"]);
    work.hold_against_expected();
}

#[test]
fn records_say_what_they_are() {
    let mut work = Work::new(KafkaServer::shared(), "headers", 1);
    work.append(1);
    work.finish();
    let runner = work.start("a");
    work.wait_until_read(&[&runner]);
    let partitions = runner.status.partitions();
    assert_eq!(partitions[&0].phase, Phase::Running);
    runner.stop().unwrap();
    let incidents = work.topics.read_committed("incidents").remove(&0).unwrap();
    let first = &incidents[0];
    let header = |name: &str| String::from_utf8(first.headers[name].clone()).unwrap();
    assert_eq!(header("ce_specversion"), "1.0");
    assert_eq!(header("ce_type"), "bellbuoy.incidents");
    assert_eq!(header("ce_source"), "/bellbuoy/probe");
    assert_eq!(header("content-type"), "avro/binary");
    let ids: std::collections::BTreeSet<_> = incidents.iter().map(|record| record.headers["ce_id"].clone()).collect();
    assert_eq!(ids.len(), incidents.len(), "ids are unique");
    assert_eq!(first.timestamp, Some(at(1_000).0 / 1_000));
    let current = work.topics.read_committed("incidents-current").remove(&0).unwrap();
    assert!(current.iter().all(|record| record.key.starts_with(b"inc-")) && !current.is_empty());
}

#[test]
fn topics_that_do_not_fit_are_refused() {
    let server = KafkaServer::shared();
    let topics = Topics::of(server, "misfit");
    let error = start(config(server, &topics, "a")).err().unwrap();
    assert!(matches!(&error, Error::NoTopic { topic } if *topic == topics.name("journal")), "{error}");
    create(server, &topics, &PROBE_TOPICS[..4], 2);
    create(server, &topics, &PROBE_TOPICS[4..], 3);
    let error = start(config(server, &topics, "a")).err().unwrap();
    assert!(matches!(error, Error::Copartition { input_partitions: 2, state_partitions: 3, .. }), "{error}");
}

#[test]
fn state_of_a_newer_format_is_refused() {
    let mut work = Work::new(KafkaServer::shared(), "newer", 1);
    work.append(10);
    work.topics.produce("probe-state", 0, &[(b"key", &encode_state(2, Some(b"row")))]);
    let error = work.start("a").ended().unwrap_err().to_string();
    assert!(error.contains("probe-state partition 0 at offset 0") && error.contains("update this process"), "{error}");
}

#[test]
fn state_that_is_gone_is_not_taken_for_none() {
    let mut work = Work::new(KafkaServer::shared(), "gone", 1);
    work.append(50);
    work.finish();
    let runner = work.start("a");
    work.wait_until_read(&[&runner]);
    runner.stop().unwrap();
    work.topics.delete("probe-state");
    create(KafkaServer::shared(), &work.topics, &[Topic::State("probe")], 1);
    let error = work.start("a").ended().unwrap_err();
    assert!(matches!(error, Error::StateLost { read_to: 0, .. }), "{error}");
}

#[test]
fn times_before_1970_and_far_ahead_pass() {
    let mut work = Work::new(KafkaServer::shared(), "times", 1);
    for ms in [-3_000_000_000_000, 200_000_000_000_000] {
        let fact = event(&scope(0), "pod", ms, ms.unsigned_abs());
        assert_eq!(fact.timestamp(), at(ms));
        work.append_fact(fact);
    }
    work.finish();
    let runner = work.start("a");
    work.wait_until_read(&[&runner]);
    runner.stop().unwrap();
    let incidents = work.topics.read_committed("incidents").remove(&0).unwrap();
    assert_eq!(incidents.first().unwrap().timestamp, Some(1));
    assert!(incidents.iter().any(|record| record.timestamp == Some(at(200_000_000_000_000).0 / 1_000)));
}
