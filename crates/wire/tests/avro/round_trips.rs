//! What is written is read back, whatever it is.

use crate::{generated, samples};
use bellbuoy_core::fact::{Body, Fact};
use bellbuoy_wire::dead_letters::{DeadLetter, KEPT_BYTES_MAX, Origin};
use bellbuoy_wire::record::Wire;
use bellbuoy_wire::state::{StateError, decode_state, encode_state};
use proptest::prelude::*;
use std::fmt::Debug;

fn check<T: Wire + PartialEq + Debug>(record: &T) {
    let bytes = record.encode();
    let read = T::decode(&bytes).expect("what is written can be read");
    assert_eq!(&read, record);
    assert_eq!(read.encode(), bytes, "the same record has the same bytes");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn facts(fact in generated::fact()) {
        check(&fact);
    }

    #[test]
    fn incidents(record in generated::stamped_incident()) {
        check(&record);
    }

    #[test]
    fn triaged(record in generated::stamped_triaged()) {
        check(&record);
    }

    #[test]
    fn pages(record in generated::stamped_page()) {
        check(&record);
    }

    #[test]
    fn dead_letters(record in generated::dead_letter()) {
        check(&record);
    }

    #[test]
    fn rows_of_state(format: u16, row in prop::option::of(prop::collection::vec(any::<u8>(), 0..200))) {
        let bytes = encode_state(format, row.as_deref());
        prop_assert_eq!(decode_state(&bytes, format).expect("what is written can be read"), row);
    }
}

#[test]
fn what_an_object_does_not_have_costs_a_byte_a_field() {
    let full = samples::object();
    let bare = Fact { body: Body::Object(Box::default()), ..full };
    let without = Fact { body: Body::EndOfRecording, ..bare.clone() };
    assert_eq!(bare.encode().len() - without.encode().len(), 35, "a report has 35 fields");
    check(&bare);
}

#[test]
fn state_of_another_format_is_told_apart() {
    let bytes = encode_state(3, Some(b"image"));
    assert!(matches!(decode_state(&bytes, 2), Err(StateError::Newer { found: 3, known: 2 })));
    assert!(matches!(decode_state(&bytes, 4), Err(StateError::Older { found: 3, known: 4 })));
}

#[test]
fn a_dead_letter_keeps_what_fits_and_says_how_much_there_was() {
    let origin = || Origin { topic: "journal".into(), partition: 0, offset: 1 };
    let letter = |length| DeadLetter::unreadable(origin(), &vec![7; length], "too long", Default::default());
    let (whole, cut) = (letter(KEPT_BYTES_MAX), letter(10 << 20));
    assert_eq!((whole.bytes().len(), whole.length(), whole.is_cut()), (65_536, 65_536, false));
    assert_eq!((cut.bytes().len(), cut.length(), cut.is_cut()), (65_536, 10_485_760, true));
    check(&cut);
    assert!(cut.encode().len() < 70_000);
}
