//! Sources of every packing; order, spilling, journals of our own, and what is passed by.

use bellbuoy_core::fact::{Body, Fact};
use bellbuoy_core::object::Scope;
use bellbuoy_core::time::{Span, Time};
use bellbuoy_local::recording::{Error, Options, Progress, Recording, Report};
use bellbuoy_wire::archive::ArchiveWriter;
use bellbuoy_wire::recording::Reason;
use std::io::Write;
use std::path::Path;
use tempfile::TempDir;

type Checked = Result<(), Box<dyn std::error::Error>>;

fn read(path: &Path, options: &Options) -> Result<(Report, Vec<Fact>), Error> {
    let recording = Recording::open(&[path.to_owned()], options, &mut |_| {})?;
    let facts = recording.facts()?.collect::<Result<_, _>>()?;
    Ok((recording.report().clone(), facts))
}

/// Events of so many seconds, out of order.
fn events(number: u64) -> String {
    let event = |at: u64| {
        let (minute, second) = (at / 60 % 60, at % 60);
        format!(
            r#"{{"kind":"Event","reason":"R","involvedObject":{{"kind":"Node","name":"w{at}"}},"lastTimestamp":"2026-11-21T10:{minute:02}:{second:02}Z"}}"#
        ) + "\n"
    };
    (0..number).map(|n| event(n * 7 % number)).collect()
}

fn names(facts: &[Fact]) -> Vec<String> {
    facts.iter().map(|fact| fact.object.name.to_string()).collect()
}

#[test]
fn packed_sources_hold_what_plain_ones_hold() -> Checked {
    let folder = TempDir::new()?;
    let text = events(50);
    let plain = folder.path().join("plain");
    std::fs::write(&plain, &text)?;
    let (_, expect) = read(&plain, &Options::default())?;
    assert_eq!(expect.len(), 51);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes())?;
    let gzip = gzip.finish()?;
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
    xz.write_all(text.as_bytes())?;
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(gzip.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    tar.append_data(&mut header, "bundle/events.json.gz", gzip.as_slice())?;
    let tar = tar.into_inner()?;
    let zstd = |bytes: &[u8]| zstd::stream::encode_all(bytes, 1);
    for (name, bytes) in [
        ("gzip", gzip.clone()),
        ("xz", xz.finish()?),
        ("zstd", zstd(text.as_bytes())?),
        ("tar.zst", zstd(&tar)?),
        ("tar", tar.clone()),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, &bytes)?;
        let (report, facts) = read(&path, &Options::default())?;
        assert_eq!(facts, expect, "{name}");
        assert_eq!((report.sources, report.rejected_total()), (1, 0), "{name}");
        // Cut in the middle of the events: what came before it stands, and the cut is named.
        let cut = if name == "tar" { 512 + gzip.len() / 2 } else { bytes.len() / 2 };
        std::fs::write(&path, &bytes[..cut])?;
        let (report, facts) = read(&path, &Options::default())?;
        assert!(facts.len() < expect.len(), "{name}");
        assert!(report.rejected.contains_key(&Reason::Truncated), "{name}: {:?}", report.rejected);
    }
    Ok(())
}

#[test]
fn a_large_source_holds_what_its_parts_hold() -> Checked {
    // Large enough for its parts to be read by several threads; each of the small ones is read by one.
    let folder = TempDir::new()?;
    let (events, bad) = (events(20_000), r#"{"kind":"Event","reason":"broken","count":[]}"#);
    let events: Vec<&str> = events.lines().collect();
    let parts: Vec<String> = events.chunks(500).map(|part| format!("{bad}\n{}\n", part.join("\n"))).collect();
    let (large, small) = (folder.path().join("large"), folder.path().join("small"));
    std::fs::write(&large, parts.concat())?;
    assert!(std::fs::metadata(&large)?.len() > 2 << 20);
    std::fs::create_dir(&small)?;
    for (number, part) in parts.iter().enumerate() {
        std::fs::write(small.join(format!("{number:02}")), part)?;
    }
    let (of_small, expect) = read(&small, &Options::default())?;
    let (of_large, facts) = read(&large, &Options::default())?;
    assert_eq!(facts.len(), 20_001);
    assert!(facts == expect);
    assert_eq!(of_large.rejected, of_small.rejected);
    assert_eq!(of_large.rejected_total(), 40);
    let lines: Vec<u64> = of_large.rejections.iter().map(|rejection| rejection.rejected.line).collect();
    assert_eq!(lines, (0..).map(|part| part * 501 + 1).take(lines.len()).collect::<Vec<_>>());
    assert_eq!(of_large.bytes, of_small.bytes);
    Ok(())
}

#[test]
fn facts_are_in_order_however_little_memory_there_is() -> Checked {
    let folder = TempDir::new()?;
    let path = folder.path().join("events");
    std::fs::write(&path, events(3_000))?;
    let (_, expect) = read(&path, &Options::default())?;
    assert_eq!(expect.len(), 3_001);
    assert!(expect.is_sorted_by_key(|fact| fact.observed_at));
    assert!(matches!(expect[3_000].body, Body::EndOfRecording));
    // Some 200 sorted files, merged on the way.
    for memory_bytes_max in [0, 8 << 10, 64 << 10, 1 << 20] {
        let options = Options { memory_bytes_max, ..Options::default() };
        let recording = Recording::open(std::slice::from_ref(&path), &options, &mut |_| {})?;
        for _ in 0..2 {
            let facts: Vec<Fact> = recording.facts()?.collect::<Result<_, _>>()?;
            assert!(facts == expect, "with {memory_bytes_max} bytes of memory");
        }
    }
    Ok(())
}

#[test]
fn a_fact_that_was_recorded_twice_comes_once_and_the_last_dump_wins() -> Checked {
    let folder = TempDir::new()?;
    std::fs::write(folder.path().join("a.json"), events(5))?;
    std::fs::write(folder.path().join("b.json"), events(5))?;
    let pod = |phase: &str| {
        format!(
            r#"{{"kind":"Pod","metadata":{{"name":"p","namespace":"n","uid":"u","creationTimestamp":"2026-11-21T09:00:00Z"}},"status":{{"phase":"{phase}"}}}}"#
        )
    };
    std::fs::write(folder.path().join("c.json"), format!("[{},{}]", pod("Pending"), pod("Running")))?;
    let (report, facts) = read(folder.path(), &Options::default())?;
    assert_eq!((facts.len(), report.replaced), (5 + 1 + 1, 1));
    let pods: Vec<_> = facts.iter().filter(|fact| &*fact.object.kind == "Pod").collect();
    assert!(matches!(&pods[0].body, Body::Object(pod) if &*pod.phase == "Running"));
    assert_eq!(pods[0].observed_at, facts[0].observed_at + Span::from_secs(4), "as of the latest event");
    Ok(())
}

#[test]
fn journals_of_our_own_keep_their_order_and_their_times() -> Checked {
    let folder = TempDir::new()?;
    let raw = folder.path().join("raw");
    std::fs::write(&raw, events(40))?;
    let (_, mut facts) = read(&raw, &Options::default())?;
    // A fact that came late: it stays where it came.
    let late = facts.remove(3);
    facts.insert(20, late);
    let path = folder.path().join("journal.avro");
    let mut archive = ArchiveWriter::new(std::fs::File::create(&path)?, &[Scope::cluster("cluster")])?;
    for fact in &facts {
        archive.append(fact)?;
    }
    archive.finish()?;
    let (report, read_back) = read(&path, &Options::default())?;
    assert_eq!(names(&read_back), names(&facts));
    assert_eq!(read_back, facts);
    assert_eq!(report.rejected_total(), 0);
    let bytes = std::fs::read(&path)?;
    std::fs::write(&path, &bytes[..bytes.len() - 20])?;
    let (report, _) = read(&path, &Options::default())?;
    assert_eq!(report.rejected_total(), 1, "{:?}", report.rejections);
    Ok(())
}

#[test]
fn options_name_the_cluster_and_the_time_of_dumps() -> Checked {
    let folder = TempDir::new()?;
    let path = folder.path().join("pod.json");
    std::fs::write(
        &path,
        r#"{"kind":"Pod","metadata":{"name":"p","namespace":"n","uid":"u","creationTimestamp":"2026-11-21T09:00:00Z"}}"#,
    )?;
    let as_of = Time(1_795_255_200_000_000);
    let options = Options { cluster: "eu-1".to_owned(), as_of: Some(as_of), ..Options::default() };
    let (report, facts) = read(&path, &options)?;
    assert_eq!((&*facts[0].scope.0, facts[0].observed_at, facts[1].observed_at), ("eu-1", as_of, as_of));
    assert_eq!(report.as_of.values().flatten().next().map(|as_of| as_of.field), Some(None));
    let (report, _) = read(&path, &Options::default())?;
    let field = report.as_of.values().flatten().next().and_then(|as_of| as_of.field);
    assert_eq!(field.map(bellbuoy_wire::recording::Field::name), Some("metadata.creationTimestamp"));
    Ok(())
}

#[test]
fn folders_are_walked_in_order_and_what_is_foreign_is_named() -> Checked {
    let folder = TempDir::new()?;
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(path("b/c"))?;
    std::fs::write(path("b/c/events.json"), events(2))?;
    std::fs::write(path("a.log"), "started\n")?;
    std::fs::write(path("binary"), [0, 1, 2, 3])?;
    std::fs::write(path("deployment.yaml"), "kind: Deployment\nmetadata:\n  name: cart\n")?;
    std::fs::write(path("empty.json"), r#"{"kind":"PodList","items":[]}"#)?;
    let (report, facts) = read(folder.path(), &Options::default())?;
    assert_eq!(facts.len(), 3);
    let skipped: Vec<String> = report.skipped.iter().map(|(why, count)| format!("{count} {why}")).collect();
    assert_eq!(skipped, ["1 a manifest, not an observation", "1 binary", "1 not a recording of objects"]);
    assert_eq!((report.sources, report.rejected_total()), (2, 0));
    Ok(())
}

#[test]
fn what_is_wrong_is_named_with_its_source_and_counted() -> Checked {
    let folder = TempDir::new()?;
    let bad: String = (0..50).map(|_| "{\"kind\":\"Event\",\"count\":\"x\"}\n").collect();
    std::fs::write(folder.path().join("mixed.json"), events(2) + &bad)?;
    let (report, facts) = read(folder.path(), &Options::default())?;
    assert_eq!((facts.len(), report.rejected.get(&Reason::WrongType)), (3, Some(&50)));
    assert_eq!(report.rejections.len(), 20);
    assert!(report.rejections[0].to_string().contains("mixed.json: line 3"), "{}", report.rejections[0]);
    let missing = Recording::open(&[folder.path().join("nothing")], &Options::default(), &mut |_| {});
    assert!(missing.is_err_and(|error| error.to_string().contains("nothing")));
    Ok(())
}

#[test]
fn progress_reaches_its_end() -> Checked {
    let folder = TempDir::new()?;
    std::fs::write(folder.path().join("events"), events(100))?;
    std::fs::write(folder.path().join("other"), vec![b'x'; 9_000_000])?;
    let mut last = None;
    let mut sorted = 0;
    Recording::open(&[folder.path().to_owned()], &Options::default(), &mut |progress| match progress {
        Progress::Reading { bytes, total } => last = Some((bytes, total)),
        Progress::Sorting { reports, .. } => sorted = reports,
    })?;
    let (bytes, total) = last.ok_or("progress is told")?;
    assert_eq!((Some(bytes), sorted), (total, 100));
    Ok(())
}
