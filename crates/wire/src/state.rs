//! Rows of a stage's tables as records of its changelog.

use crate::avro::Codec;
use crate::avro::twin::{Maybe, Octets, Twin};
use serde::Deserialize;
use std::sync::LazyLock;

/// All versions of the schema of the changelogs, the newest last.
pub(crate) const SCHEMAS: &[&str] = &[include_str!("../../../schemas/state/v1.avsc")];

static CODEC: LazyLock<Codec> = LazyLock::new(|| Codec::new(SCHEMAS));

#[derive(Deserialize)]
#[serde(rename = "StateRow")]
struct ReadStateRow {
    format: i32,
    #[serde(with = "Maybe::<Octets>")]
    row: Option<Vec<u8>>,
}

/// A row of a changelog cannot be taken in.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A newer version wrote it: this process must not touch it.
    #[error(
        "state of format {found} is newer than format {known}, which this version knows: update this process first"
    )]
    Newer {
        /// The format of the row.
        found: u16,
        /// The format of the stage.
        known: u16,
    },
    /// An older version wrote it: it is to be rebuilt from the journal.
    #[error("state of format {found} is older than format {known}, which this version knows: to be rebuilt")]
    Older {
        /// The format of the row.
        found: u16,
        /// The format of the stage.
        known: u16,
    },
    /// It is no row of a changelog.
    #[error("failed to read a row of a changelog: {0}")]
    Unreadable(crate::avro::Error),
    /// The format is no number that a stage can have.
    #[error("expected a state format between 0 and 65535, found {found}")]
    NoFormat {
        /// What the row says.
        found: i32,
    },
}

/// A row of a changelog: the image that a stage of this format gives it, or none for a row that is gone.
///
/// Written by hand, because changelogs have more records than all other topics together, and each of them is a number
/// and bytes that are there already.
pub fn encode_state(format: u16, row: Option<&[u8]>) -> Vec<u8> {
    let header = CODEC.header();
    let mut bytes = Vec::with_capacity(header.len() + 2 * LONG_BYTES_MAX + 1 + row.map_or(0, <[u8]>::len));
    bytes.extend_from_slice(header);
    write_long(&mut bytes, u64::from(format));
    match row {
        None => write_long(&mut bytes, NULL),
        Some(row) => {
            write_long(&mut bytes, BYTES);
            write_long(&mut bytes, row.len() as u64);
            bytes.extend_from_slice(row);
        }
    }
    bytes
}

/// The branches of the union of a row.
const NULL: u64 = 0;
const BYTES: u64 = 1;

/// The most bytes that a number takes.
const LONG_BYTES_MAX: usize = 10;

/// A number as Avro has it: zigzag, so that negative ones are short too, seven bits a byte, the lowest first. None of
/// ours is negative, and none has more than 63 bits.
fn write_long(bytes: &mut Vec<u8>, number: u64) {
    let mut rest = number << 1;
    while rest > 0x7f {
        bytes.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

/// Reads a row of a changelog back, for a stage of the format `known`.
///
/// # Errors
/// [`StateError::Newer`] and [`StateError::Older`] when another version of the stage wrote it, the others when nobody
/// did.
pub fn decode_state(bytes: &[u8], known: u16) -> Result<Option<Vec<u8>>, StateError> {
    let ReadStateRow { format, row } = CODEC.decode(bytes).map_err(StateError::Unreadable)?;
    let found = u16::try_from(format).map_err(|_| StateError::NoFormat { found: format })?;
    match found.cmp(&known) {
        std::cmp::Ordering::Equal => Ok(row),
        std::cmp::Ordering::Greater => Err(StateError::Newer { found, known }),
        std::cmp::Ordering::Less => Err(StateError::Older { found, known }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::{Serialize, Serializer};

    /// The row as the codec of all other topics writes it.
    #[derive(Serialize)]
    struct StateRow<'a> {
        format: i32,
        row: Option<Bytes<'a>>,
    }

    struct Bytes<'a>(&'a [u8]);

    impl Serialize for Bytes<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(self.0)
        }
    }

    proptest! {
        /// The codec is the model.
        #[test]
        fn rows_are_written_as_the_codec_writes_them(
            format in any::<u16>(),
            row in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..300)),
        ) {
            let bytes = encode_state(format, row.as_deref());
            let model = StateRow { format: i32::from(format), row: row.as_deref().map(Bytes) };
            prop_assert_eq!(&bytes, &CODEC.encode(&model));
            prop_assert_eq!(decode_state(&bytes, format).unwrap(), row);
        }
    }

    #[test]
    fn long_rows_come_back() {
        let row = vec![7; 3 << 20];
        assert_eq!(decode_state(&encode_state(1, Some(&row)), 1).unwrap().as_deref(), Some(&row[..]));
    }
}
