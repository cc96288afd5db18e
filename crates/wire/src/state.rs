//! Rows of a stage's tables as records of its changelog.

use crate::avro::Codec;
use crate::avro::twin::{Maybe, Octets, Twin};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// All versions of the schema of the changelogs, the newest last.
pub(crate) const SCHEMAS: &[&str] = &[include_str!("../../../schemas/state/v1.avsc")];

static CODEC: LazyLock<Codec> = LazyLock::new(|| Codec::new(SCHEMAS));

#[derive(Serialize)]
struct StateRow<'a> {
    format: i32,
    row: Option<Bytes<'a>>,
}

/// Bytes as Avro bytes, where serde would make an array of numbers.
struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

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
pub fn encode_state(format: u16, row: Option<&[u8]>) -> Vec<u8> {
    CODEC.encode(&StateRow { format: i32::from(format), row: row.map(Bytes) })
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
