//! Archives of the journal: what is written is read back, also by others, and damage costs no more than its block.

use crate::{generated, samples};
use apache_avro::types::Value;
use bellbuoy_core::fact::{Fact, FactId};
use bellbuoy_core::object::Scope;
use bellbuoy_core::time::Time;
use bellbuoy_wire::archive::{ArchiveError, ArchiveReader, ArchiveWriter};
use bellbuoy_wire::schemas;
use bellbuoy_wire::topic::Topic;
use proptest::prelude::*;
use std::io::{self, Read, Write};

fn write(facts: &[Fact]) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Vec::new(), &[Scope::cluster("prod-eu-1")]).expect("a vector takes it");
    facts.iter().for_each(|fact| writer.append(fact).expect("a vector takes it"));
    writer.finish().expect("a vector takes it")
}

fn read(bytes: &[u8]) -> Vec<Result<Fact, ArchiveError>> {
    ArchiveReader::new(bytes).expect("an archive").collect()
}

/// Facts for several blocks, with ids that no compressor makes smaller.
fn many() -> Vec<Fact> {
    let event = samples::event();
    let id = |n: i64| FactId::of(&n);
    (0..4_000).map(|n| Fact { id: id(n), observed_at: Time(n), sequence: n.unsigned_abs(), ..event.clone() }).collect()
}

#[test]
fn facts_of_every_kind_come_back() {
    let facts: Vec<Fact> = samples::facts().into_iter().map(|(_, fact)| fact).collect();
    let bytes = write(&facts);
    let reader = ArchiveReader::new(bytes.as_slice()).expect("an archive");
    assert_eq!(reader.scopes(), [Scope::cluster("prod-eu-1")]);
    assert_eq!(reader.collect::<Result<Vec<_>, _>>().expect("no damage"), facts);
    assert_eq!(write(&facts), bytes, "the same journal has the same archive");
}

#[test]
fn an_empty_archive_has_no_facts() {
    assert!(read(&write(&[])).is_empty());
}

#[test]
fn the_avro_library_reads_our_archives() {
    let facts = many();
    let bytes = write(&facts);
    let reader = apache_avro::Reader::new(bytes.as_slice()).expect("an Avro container");
    assert_eq!(reader.user_metadata()["bellbuoy.format"], b"1");
    assert_eq!(reader.user_metadata()["bellbuoy.scopes"], br#"["prod-eu-1"]"#);
    let sequences = reader.map(|value| match value.expect("a record") {
        Value::Record(fields) => fields.into_iter().find(|(name, _)| name == "sequence").expect("the field").1,
        other => panic!("expected a record, found {other:?}"),
    });
    assert!(sequences.eq((0..4_000).map(Value::Long)));
}

#[test]
fn archives_of_the_avro_library_are_read() {
    let schema =
        apache_avro::Schema::parse_str(schemas::of(Topic::Journal).last().expect("a schema")).expect("our schema");
    let facts = many();
    let ours = write(&facts);
    let values = apache_avro::Reader::new(ours.as_slice()).expect("an Avro container");
    for codec in [apache_avro::Codec::Null, apache_avro::Codec::Zstandard(Default::default())] {
        let mut writer = apache_avro::Writer::with_codec(&schema, Vec::new(), codec).expect("a writer");
        let values = apache_avro::Reader::new(ours.as_slice()).expect("an Avro container");
        writer.extend(values.map(|value| value.expect("a record"))).expect("a vector takes it");
        let theirs = writer.into_inner().expect("a vector takes it");
        let read = ArchiveReader::new(theirs.as_slice()).expect("an archive").collect::<Result<Vec<_>, _>>();
        assert_eq!(read.expect("no damage"), facts);
    }
    assert_eq!(values.count(), facts.len());
}

#[test]
fn a_truncated_archive_gives_what_stands_before() {
    let facts = many();
    let bytes = write(&facts);
    let mut lengths = Vec::new();
    for end in (bytes.len() - 40..bytes.len()).chain([bytes.len() / 2, bytes.len() / 3]) {
        let mut items = read(&bytes[..end]);
        let last = items.pop().expect("an error at the end");
        assert!(matches!(last, Err(ArchiveError::Truncated { .. })), "{last:?}");
        let before: Vec<Fact> = items.into_iter().map(|item| item.expect("no damage before")).collect();
        assert_eq!(before, facts[..before.len()]);
        lengths.push(before.len());
    }
    assert!(lengths[0] > 0 && lengths[0] < facts.len(), "there are several blocks");
    assert!(lengths[40] < lengths[0]);
}

#[test]
fn a_truncated_header_is_named() {
    let bytes = write(&many());
    for (end, expect) in [
        (0, "expected an Avro object container file (it begins with `Obj` and a byte 1), found []"),
        (3, "expected an Avro object container file (it begins with `Obj` and a byte 1), found [4f, 62, 6a]"),
        (100, "failed to read the header of an archive: the file ends at byte 100"),
    ] {
        let error = ArchiveReader::new(&bytes[..end]).err().expect("no archive");
        assert_eq!(error.to_string(), expect);
    }
}

#[test]
fn a_damaged_block_is_named_and_the_rest_is_read() {
    let facts = many();
    let clean = write(&facts);
    // The first block begins behind the header's sync marker, which stands again at the very end.
    let sync = &clean[clean.len() - 16..];
    let first = clean.windows(16).position(|window| window == sync).expect("the header's marker") + 16;
    let mut missing = Vec::new();
    for (place, value) in [(first + 40, 0x55), (first + 2_000, 0x00)] {
        let mut bytes = clean.clone();
        bytes[place] ^= value | 1;
        let (whole, errors): (Vec<_>, Vec<_>) = read(&bytes).into_iter().partition(Result::is_ok);
        let whole: Vec<Fact> = whole.into_iter().flatten().collect();
        assert_eq!(errors.len(), 1);
        let error = errors[0].as_ref().expect_err("an error").to_string();
        assert!(
            error.starts_with(&format!("archive is damaged in the block at byte {first}, after 0 facts:")),
            "{error}"
        );
        assert_eq!(whole, facts[facts.len() - whole.len()..]);
        missing.push(facts.len() - whole.len());
    }
    assert!(missing[0] > 0 && missing[0] < facts.len() && missing[0] == missing[1], "{missing:?}");
}

#[test]
fn a_damaged_frame_is_skipped_to_the_next_marker() {
    let facts = many();
    let mut bytes = write(&facts);
    let sync: [u8; 16] = bytes[bytes.len() - 16..].try_into().expect("16 bytes");
    let ends: Vec<usize> =
        (0..bytes.len() - 15).filter(|at| bytes[*at..].starts_with(&sync)).map(|at| at + 16).collect();
    // A record count that is a number of eleven bytes.
    bytes[ends[0]..ends[0] + 11].fill(0xFF);
    let items = read(&bytes);
    let error = items[0].as_ref().expect_err("the first block is damaged").to_string();
    assert!(error.ends_with("expected a number of at most 10 bytes"), "{error}");
    let rest: Vec<&Fact> = items[1..].iter().map(|item| item.as_ref().expect("the rest is whole")).collect();
    assert!(!rest.is_empty() && rest.len() < facts.len());
}

#[test]
fn foreign_containers_are_refused_by_name() {
    let check = |meta: &[(&str, &[u8])], expect: &str| {
        let mut bytes = b"Obj\x01".to_vec();
        bytes.push(u8::try_from(meta.len()).expect("few entries") * 2);
        for part in meta.iter().flat_map(|(key, value)| [key.as_bytes(), value]) {
            let length = part.len() * 2;
            bytes.extend(match length < 128 {
                true => vec![length as u8],
                false => vec![(length % 128) as u8 | 128, (length / 128 % 128) as u8 | 128, (length / 16_384) as u8],
            });
            bytes.extend(part);
        }
        bytes.extend([0; 17]);
        let error = ArchiveReader::new(bytes.as_slice()).err().expect("not ours").to_string();
        assert!(error.contains(expect), "{error}");
    };
    let schema = schemas::of(Topic::Journal)[0].as_bytes();
    check(&[], "it has no `avro.schema`");
    check(&[("avro.schema", b"{")], "`avro.schema`: ");
    check(&[("avro.schema", b"\"string\"")], "unknown schema fingerprint");
    check(&[("avro.schema", schema), ("avro.codec", b"xz")], "expected the codec `zstandard` or `null`, found `xz`");
    check(&[("avro.schema", schema), ("bellbuoy.format", b"2")], "archive of format 2 is newer than format 1");
    check(&[("avro.schema", schema), ("bellbuoy.format", b"one")], "expected a number as `bellbuoy.format`");
    check(&[("avro.schema", schema), ("bellbuoy.scopes", b"{}")], "`bellbuoy.scopes`: ");
}

/// Takes and gives one byte at a time, as pipes may.
struct Drip<T>(T);

impl<W: Write> Write for Drip<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(&bytes[..bytes.len().min(1)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<R: Read> Read for Drip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let end = buffer.len().min(1);
        self.0.read(&mut buffer[..end])
    }
}

#[test]
fn short_writes_and_reads_lose_nothing() {
    let facts = many();
    let mut writer = ArchiveWriter::new(Drip(Vec::new()), &[Scope::cluster("prod-eu-1")]).expect("a vector takes it");
    facts.iter().for_each(|fact| writer.append(fact).expect("a vector takes it"));
    let bytes = writer.finish().expect("a vector takes it").0;
    assert_eq!(bytes, write(&facts));
    let read: Result<Vec<Fact>, _> = ArchiveReader::new(Drip(bytes.as_slice())).expect("an archive").collect();
    assert_eq!(read.expect("no damage"), facts);
}

#[test]
fn a_block_that_unpacks_to_too_much_is_an_error() {
    let bytes = write(&samples::facts().into_iter().map(|(_, fact)| fact).collect::<Vec<_>>());
    let sync = bytes[bytes.len() - 16..].to_vec();
    let head = bytes.windows(16).position(|window| window == sync).expect("the header's marker") + 16;
    let bomb = zstd::encode_all(io::repeat(0).take(200 << 20), 3).expect("zeros are packed");
    let length = bomb.len() * 2;
    let number = [(length % 128) as u8 | 128, (length / 128 % 128) as u8 | 128, (length / 16_384) as u8];
    let bytes = [&bytes[..head], &[2], &number, &bomb, &sync].concat();
    let items = read(&bytes);
    let error = items[0].as_ref().expect_err("a bomb").to_string();
    assert!(error.ends_with("expected at most 33554432 bytes unpacked, found more"), "{error}");
    assert_eq!(items.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_facts_come_back(facts in prop::collection::vec(generated::fact(), 0..50)) {
        let read: Result<Vec<Fact>, _> = read(&write(&facts)).into_iter().collect();
        prop_assert_eq!(read.expect("no damage"), facts);
    }

    #[test]
    fn damaged_archives_end(at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let mut bytes = write(&samples::facts().into_iter().map(|(_, fact)| fact).collect::<Vec<_>>());
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes.truncate(cut.index(bytes.len()));
        if let Ok(reader) = ArchiveReader::new(bytes.as_slice()) {
            prop_assert!(reader.count() <= samples::facts().len() + 1);
        }
    }
}
