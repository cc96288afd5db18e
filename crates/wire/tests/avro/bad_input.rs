//! Bytes that are no record: an error, whatever they are, and never a panic or memory that they do not fill.

use crate::samples;
use bellbuoy_core::fact::Fact;
use bellbuoy_core::incident::{Incident, Stamped};
use bellbuoy_core::page::Page;
use bellbuoy_core::triage::Triaged;
use bellbuoy_wire::dead_letters::DeadLetter;
use bellbuoy_wire::record::{DecodeError, Wire};
use bellbuoy_wire::state::decode_state;
use proptest::prelude::*;

/// Reads bytes as a record of every topic, and says how many took them.
fn readers_of(bytes: &[u8]) -> usize {
    let takers = [
        Fact::decode(bytes).is_ok(),
        <Stamped<Incident>>::decode(bytes).is_ok(),
        <Stamped<Triaged>>::decode(bytes).is_ok(),
        <Stamped<Page>>::decode(bytes).is_ok(),
        DeadLetter::decode(bytes).is_ok(),
        decode_state(bytes, 3).is_ok(),
    ];
    takers.iter().filter(|takes| **takes).count()
}

/// The bytes of every sample.
fn all() -> Vec<Vec<u8>> {
    fn bytes<T: Wire>(samples: Vec<(&str, T)>) -> impl Iterator<Item = Vec<u8>> {
        samples.into_iter().map(|(_, record)| record.encode())
    }
    bytes(samples::facts())
        .chain(bytes(samples::incidents()))
        .chain(bytes(samples::triaged()))
        .chain(bytes(samples::pages()))
        .chain(bytes(samples::dead_letters()))
        .collect()
}

#[test]
fn a_record_is_read_by_its_own_topic_alone() {
    for bytes in all() {
        assert_eq!(readers_of(&bytes), 1);
    }
}

#[test]
fn every_truncation_is_an_error() {
    for bytes in all() {
        for end in 0..bytes.len() {
            assert_eq!(readers_of(&bytes[..end]), 0, "{} of {} bytes", end, bytes.len());
        }
    }
}

#[test]
fn bytes_behind_the_record_are_an_error() {
    let bytes = [samples::event().encode(), vec![0]].concat();
    let error = Fact::decode(&bytes).expect_err("one byte too many");
    assert_eq!(error.to_string(), "failed to read a record of journal: expected the record's end, found 1 more bytes");
}

#[test]
fn an_error_names_what_was_found_and_what_would_have_been_right() {
    let check = |bytes: &[u8], expect: &str| {
        assert_eq!(Fact::decode(bytes).expect_err("no fact").to_string(), expect);
    };
    let wants = "expected Avro single-object encoding (bytes c3 01 and a schema fingerprint), found";
    check(b"", &format!("{wants} []"));
    check(b"{\"kind\":\"Event\"}", &format!("{wants} [7b, 22, 6b, 69, 6e, 64, 22, 3a, 22, 45]"));
    let unknown = [0xC3, 0x01, 1, 2, 3, 4, 5, 6, 7, 8, 0];
    check(&unknown, "unknown schema fingerprint 0807060504030201 for topic journal: written by a newer version?");
}

#[test]
fn a_fact_of_a_kind_without_its_report_is_an_error() {
    let tick = samples::facts().into_iter().find(|(name, _)| *name == "tick").expect("a tick").1.encode();
    // The record ends in the kind, six nulls, the index of the tick in its union, and the tick's five-digit number.
    let kind = tick.iter().rposition(|byte| *byte == 16).expect("the symbol TICK");
    let with_kind = |symbol: u8| {
        let mut bytes = tick.clone();
        bytes[kind] = symbol * 2;
        Fact::decode(&bytes)
    };
    assert!(with_kind(8).is_ok());
    for (symbol, expect) in [(0, "only a later version knows"), (1, "`event`"), (5, "`rules`"), (6, "`snapshot`")] {
        let error = with_kind(symbol).expect_err("a kind without its report").to_string();
        assert!(error.contains(expect), "{error}");
    }
    assert!(with_kind(10).is_err(), "there is no such symbol");
}

#[test]
fn a_rule_set_that_is_not_what_its_hash_says_is_an_error() {
    let rules = samples::facts().into_iter().find(|(name, _)| *name == "rules").expect("a rule set").1;
    let mut bytes = rules.encode();
    let at = bytes.windows(5).position(|window| window == b"\"sre\"").expect("the owner in the document");
    bytes[at + 1] = b'S';
    match Fact::decode(&bytes) {
        Err(DecodeError::Malformed { reason, .. }) => {
            assert!(reason.contains("expected a rule set with hash"), "{reason}")
        }
        other => panic!("expected a mismatch, found {other:?}"),
    }
}

#[test]
fn a_length_that_nothing_stands_behind_makes_no_room_for_it() {
    let event = samples::event().encode();
    let name = event.windows(9).position(|window| window == b"prod-eu-1").expect("the scope");
    for length in [i64::MAX, 1 << 40, (33 << 20), 31 << 20, -1] {
        let mut number = Vec::new();
        let mut rest = ((length << 1) ^ (length >> 63)).cast_unsigned();
        while rest > 127 {
            number.push((rest & 127) as u8 | 128);
            rest >>= 7;
        }
        number.push(rest as u8);
        let bytes = [&event[..name - 1], &number, &event[name..]].concat();
        assert!(Fact::decode(&bytes).is_err(), "{length}");
    }
}

#[test]
fn ten_megabytes_of_anything_are_an_error() {
    let header = &samples::event().encode()[..10];
    for byte in [0x00, 0x01, 0x02, 0x7F, 0x80, 0xFF] {
        let bytes = vec![byte; 10 << 20];
        assert_eq!(readers_of(&bytes), 0);
        assert_eq!(readers_of(&[header, &bytes].concat()), 0);
    }
}

#[test]
fn a_complaint_stays_short() {
    let mut bytes = samples::object().encode();
    let end = bytes.len();
    bytes[end - 200..].fill(0xFF);
    let error = Fact::decode(&bytes).expect_err("a damaged record").to_string();
    assert!(error.len() < 1_000, "{} bytes", error.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert_eq!(readers_of(&bytes), 0);
    }

    /// Behind a right header any bytes may happen to be a record; what counts is that reading ends.
    #[test]
    fn random_bytes_behind_a_right_header_end(
        sample: prop::sample::Index,
        bytes in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let all = all();
        let header = &sample.get(&all)[..10];
        prop_assert!(readers_of(&[header, &bytes].concat()) <= 1);
    }

    #[test]
    fn damaged_records_end(sample: prop::sample::Index, at: prop::sample::Index, byte: u8) {
        let all = all();
        let mut bytes = sample.get(&all).clone();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        prop_assert!(readers_of(&bytes) <= 1);
    }
}
