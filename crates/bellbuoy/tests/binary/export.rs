//! `export`: an archive is replayed like the recording that it was made from.

use crate::program::{hour, run};
use crate::replay::{incidents, lines};

#[test]
fn an_archive_replays_to_the_same_incidents() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("hour.avro");
    let (archive, hour) = (archive.to_str().unwrap(), hour());
    let told = run(&["export", hour.to_str().unwrap(), "--cluster", "shop-eu-1", "-o", archive]).ended(0).err;
    assert!(told.contains("facts of 1 cluster"), "{told}");
    assert!(std::fs::read(archive).unwrap().starts_with(b"Obj\x01"), "no Avro object container file");
    let replayed = run(&["replay", archive, "--format", "json"]).ended(0);
    assert_eq!(lines(&replayed), incidents());
}

#[test]
fn a_range_of_time_is_all_that_is_exported() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("quarter.avro");
    let (archive, hour) = (archive.to_str().unwrap(), hour());
    let range = ["--from", "2026-03-17T09:15:00Z", "--to", "2026-03-17T09:30:00Z"];
    run(&[&["export", hour.to_str().unwrap(), "--cluster", "shop-eu-1", "-o", archive][..], &range].concat()).ended(0);
    let text = run(&["replay", archive]).ended(0).out;
    assert!(text.contains("observed from 2026-03-17 09:15:"), "{text}");
    assert!(text.contains("to 09:29:59"), "{text}");
}

#[test]
fn a_failed_export_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("none.avro");
    run(&["export", "/no/such/recording", "-o", archive.to_str().unwrap()]).ended(1);
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}
