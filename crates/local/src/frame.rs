//! The image of a batch of records: what stands in the durable log under one key.
//!
//! A version, the number of records, then each record: offset behind the batch's first, timestamp behind the first
//! record's, key and value with their lengths. Numbers are little-endian base-128 (timestamps zigzag), because most of
//! them are small. The store beneath checks the bytes with a checksum of its own.

use crate::log::{Record, Stored};
use bellbuoy_core::task::Offset;
use bellbuoy_core::time::Time;

/// The version of this image.
const VERSION: u8 = 1;

/// Bytes of keys and values after which a batch is cut and another one begun. Readers hold a batch in memory as a
/// whole; a single larger record makes a batch of its own.
pub const FRAME_BYTES_MAX: usize = 1 << 20;

/// A frame could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The version is unknown.
    #[error("batch has version {0}, expected {VERSION}")]
    Version(u8),
    /// The bytes end too early, or do not end where they should.
    #[error("batch of {bytes} bytes does not hold the {records} records that it announces")]
    Length {
        /// Length of the frame.
        bytes: usize,
        /// How many records it announces.
        records: u64,
    },
}

/// Writes records that stand at or after `base`, in order of their offsets.
pub fn encode<'a>(base: Offset, records: impl ExactSizeIterator<Item = (Offset, &'a Record)> + Clone) -> Vec<u8> {
    let bytes: usize = records.clone().map(|(_, record)| record.key.len() + record.value.len() + 16).sum();
    let mut frame = Vec::with_capacity(bytes + 16);
    frame.push(VERSION);
    put(&mut frame, records.len() as u64);
    let mut before = (base, Time::default());
    for (offset, record) in records {
        put(&mut frame, offset.abs_diff(before.0));
        put(&mut frame, zigzag(record.timestamp.0.wrapping_sub(before.1.0)));
        put(&mut frame, record.key.len() as u64);
        frame.extend_from_slice(&record.key);
        put(&mut frame, record.value.len() as u64);
        frame.extend_from_slice(&record.value);
        before = (offset, record.timestamp);
    }
    frame
}

/// Reads the records of a frame that stand at or after `from` onto the end of `into`.
pub fn decode(base: Offset, frame: &[u8], from: Offset, into: &mut Vec<Stored>) -> Result<(), Error> {
    let (version, mut rest) = frame.split_first().ok_or(Error::Length { bytes: 0, records: 0 })?;
    if *version != VERSION {
        return Err(Error::Version(*version));
    }
    let mut records = 0;
    let read = (|| {
        records = take(&mut rest)?;
        let (mut offset, mut timestamp) = (base, Time::default());
        for _ in 0..records {
            offset = offset.checked_add_unsigned(take(&mut rest)?)?;
            timestamp = Time(timestamp.0.wrapping_add(unzigzag(take(&mut rest)?)));
            let key = take_bytes(&mut rest)?;
            let value = take_bytes(&mut rest)?;
            if offset >= from {
                into.push(Stored { offset, record: Record { key: key.to_vec(), timestamp, value: value.to_vec() } });
            }
        }
        rest.is_empty().then_some(())
    })();
    read.ok_or(Error::Length { bytes: frame.len(), records })
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

fn put(frame: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        frame.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    frame.push(number as u8);
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn take_bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take(rest)?).ok()?;
    let (bytes, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn batch() -> impl Strategy<Value = (Offset, Vec<Stored>)> {
        let record = (0..5_i64, any::<i64>(), any::<Vec<u8>>(), any::<Vec<u8>>());
        (0..i64::MAX / 2, proptest::collection::vec(record, 0..20)).prop_map(|(base, records)| {
            let mut next = base;
            let stored = records.into_iter().map(|(gap, timestamp, key, value)| {
                let offset = next + gap;
                next = offset + 1;
                Stored { offset, record: Record { key, timestamp: Time(timestamp), value } }
            });
            (base, stored.collect())
        })
    }

    fn image(base: Offset, batch: &[Stored]) -> Vec<u8> {
        encode(base, batch.iter().map(|stored| (stored.offset, &stored.record)))
    }

    proptest! {
        #[test]
        fn what_is_written_is_read((base, batch) in batch(), skip in 0..10_i64) {
            let mut read = Vec::new();
            decode(base, &image(base, &batch), base + skip, &mut read).unwrap();
            let wanted: Vec<_> = batch.into_iter().filter(|stored| stored.offset >= base + skip).collect();
            prop_assert_eq!(read, wanted);
        }

        #[test]
        fn a_frame_cut_anywhere_is_refused((base, batch) in batch(), cut in any::<prop::sample::Index>()) {
            let frame = image(base, &batch);
            let cut = cut.index(frame.len());
            prop_assert!(decode(base, &frame[..cut], 0, &mut Vec::new()).is_err());
        }

        #[test]
        fn any_bytes_are_read_or_refused(frame in any::<Vec<u8>>()) {
            let _ = decode(0, &frame, 0, &mut Vec::new());
        }
    }

    #[test]
    fn another_version_is_refused() {
        let mut frame = image(0, &[]);
        frame[0] = 2;
        assert_eq!(decode(0, &frame, 0, &mut Vec::new()), Err(Error::Version(2)));
    }
}
