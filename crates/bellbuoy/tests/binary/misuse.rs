//! Wrong command lines and inputs: the code, and an error that names value, place and what would have been right.

use crate::program::run;

/// The error and the exit code of a command line.
#[track_caller]
fn check(args: &[&str], code: i32, says: &[&str]) {
    let error = run(args).ended(code).err;
    for part in says {
        assert!(error.contains(part), "{args:?}: {part:?} is missing in:\n{error}");
    }
    assert!(!error.contains("panicked"), "{error}");
}

#[test]
fn a_source_that_is_not_there_is_named() {
    check(&["replay", "/no/such/file.json"], 1, &["/no/such/file.json"]);
    check(&["explain", "inc-1", "/no/such/file.json"], 1, &["/no/such/file.json"]);
}

#[test]
fn a_replay_of_nothing_is_a_wrong_command_line() {
    check(&["replay"], 2, &["SOURCE", "kafka://HOST:PORT/TOPIC"]);
    check(&["explain", "inc-1"], 2, &["SOURCE"]);
    check(&["export", "-o", "x.avro"], 2, &["SOURCE"]);
}

#[test]
fn a_topic_does_not_go_with_files() {
    check(&["replay", "a.json", "kafka://localhost:9092/bellbuoy.journal"], 2, &["kafka://localhost:9092", "export"]);
}

#[test]
fn an_address_of_kafka_must_be_one() {
    check(&["replay", "kafka://localhost/topic"], 1, &["kafka://localhost/topic", "port"]);
}

#[test]
fn times_are_checked() {
    check(&["replay", "x", "--from", "yesterday"], 2, &["yesterday", "2026-03-17T09:00:00Z", "2h"]);
    check(&["replay", "x", "--from", "2026-03-18", "--to", "2026-03-17"], 2, &["--from", "--to"]);
}

#[test]
fn words_are_checked() {
    check(&["replay", "x", "--format", "xml"], 2, &["xml", "text", "json"]);
    check(&["run", "correlat"], 2, &["correlat", "correlate"]);
    check(&["demo", "--speed", "warp"], 2, &["warp", "max", "120"]);
    check(&["demo", "--log", "=loud="], 1, &["--log", "=loud=", "info"]);
}

#[test]
fn a_data_directory_must_be_there_to_explain_and_must_not_be_to_play() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    check(&["explain", "inc-1", "--data-dir", path], 1, &[path, "--data-dir"]);
    std::fs::write(folder.path().join("mine.txt"), "mine").unwrap();
    check(&["demo", "--data-dir", path], 1, &[path, "not empty"]);
    check(&["explain", "inc-1", "x.json", "--data-dir", path], 2, &["--data-dir", "SOURCE"]);
}

#[test]
fn an_archive_is_not_overwritten_by_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("day.avro");
    std::fs::write(&archive, "precious").unwrap();
    let hour = crate::program::hour();
    check(&["export", hour.to_str().unwrap(), "-o", archive.to_str().unwrap()], 1, &["day.avro", "--force"]);
    assert_eq!(std::fs::read(&archive).unwrap(), b"precious");
}

#[test]
fn a_cluster_that_does_not_answer_is_named() {
    // Port 1 is in nobody's use; the connection is refused at once.
    check(
        &["run", "correlate", "--bootstrap-servers", "127.0.0.1:1", "--member-id", "test"],
        1,
        &["127.0.0.1:1", "correlate"],
    );
}
