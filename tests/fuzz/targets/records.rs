//! Avro: the records of the topics, and the rows of a changelog with the stage that they restore.

use super::compiled::{Under, task};
use bellbuoy_core::fact::{Fact, Source};
use bellbuoy_core::incident::{Flow, Stamped};
use bellbuoy_core::object::Scope;
use bellbuoy_core::stage::Stage;
use bellbuoy_core::task::Row;
use bellbuoy_core::time::Time;
use bellbuoy_correlate::Correlate;
use bellbuoy_wire::dead_letters::{DeadLetter, Origin};
use bellbuoy_wire::record::Wire;
use bellbuoy_wire::state::{decode_state, encode_state};
use std::fmt::Debug;

/// The two bytes that single-object encoding begins with; the fingerprint of the schema follows.
const MARKER: [u8; 2] = [0xC3, 0x01];

/// The marker and the fingerprint.
const HEADER_BYTES: usize = 10;

/// How long a complaint about bytes may be: a reason of 300 characters and some words around it.
const COMPLAINT_BYTES_MAX: usize = 2_048;

/// A value of a topic, with one that is easily made: its encoding begins with the header of the newest schema.
pub(crate) trait Sample: Wire {
    /// Some value.
    fn sample() -> Self;
}

impl Sample for Fact {
    fn sample() -> Self {
        Fact::end_of_recording(Scope::cluster("prod"), Time(0))
    }
}

impl<T> Sample for Stamped<T>
where
    Stamped<T>: Wire,
{
    fn sample() -> Self {
        Stamped { scope: Scope::cluster("prod"), at: Time(0), flow: Flow::Watermark }
    }
}

impl Sample for DeadLetter {
    fn sample() -> Self {
        let origin = Origin { topic: "journal".into(), partition: 0, offset: 0 };
        DeadLetter::unreadable(origin, b"", "unknown", Time(0))
    }
}

/// Any bytes as a value of a topic. What can be read is written and read again as the same. Input without the marker
/// is given the header of the newest schema: a schema that changes does not make the inputs worthless.
pub(crate) fn record<T: Sample + PartialEq + Debug>(data: &[u8]) {
    let newest = T::sample().encode();
    let header = if data.starts_with(&MARKER) { &[][..] } else { &newest[..HEADER_BYTES] };
    match T::decode(&[header, data].concat()) {
        Ok(record) => {
            let again = T::decode(&record.encode()).expect("what was encoded can be decoded");
            assert_eq!(again, record);
            assert_eq!(again.key(), record.key());
            assert_eq!(again.partition_key(), record.partition_key());
            assert_eq!(again.timestamp(), record.timestamp());
        }
        Err(error) => assert!(error.to_string().len() <= COMPLAINT_BYTES_MAX, "{error}"),
    }
}

/// Any bytes as rows of a changelog: for each, the length of its key (two bytes), the key, the length of its value (two
/// bytes), the value without the header of the encoding. A stage takes in what it can read, refuses the rest, and goes
/// on with facts: a changelog that somebody has damaged stops nothing but itself.
pub(crate) fn state(data: &[u8]) {
    let known = Correlate::STATE_FORMAT;
    let mut rest = data;
    let mut task = task(Under::Tight);
    while let Some((key, value)) = cut(&mut rest).zip(cut(&mut rest)) {
        let bytes = [&encode_state(known, None)[..HEADER_BYTES], value].concat();
        let Ok(row) = decode_state(&bytes, known) else { continue };
        let again = decode_state(&encode_state(known, row.as_deref()), known).expect("what was encoded can be decoded");
        assert_eq!(again, row);
        // A row that is refused may have left nothing behind.
        let _ = task.restore(&Row { key: key.to_vec(), value: row });
    }
    task.restored();
    let dump = task.dump();
    task.abort();
    assert_eq!(task.dump(), dump, "a restore is no batch that can be undone");
    let scope = Scope::cluster("prod");
    let at = task.stream_time(&scope).unwrap_or(Time(0));
    // A position at the end of all numbers has no next record.
    if let Some(next) = task.read_to().checked_add(1).filter(|next| *next < i64::MAX - 1 && *next >= 0) {
        task.feed(next, Fact::tick(scope.clone(), Source::Events, at));
        task.feed(next + 1, Fact::end_of_recording(scope, at));
        task.commit();
    }
}

/// The next bytes, with their length before them; none at the end.
fn cut<'d>(rest: &mut &'d [u8]) -> Option<&'d [u8]> {
    let (length, behind) = rest.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_le_bytes(*length)).min(behind.len());
    let (cut, behind) = behind.split_at(length);
    *rest = behind;
    Some(cut)
}
