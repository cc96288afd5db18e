//! A fact: what somebody reported about an object, never what we think of it.

use crate::Text;
use crate::object::{ObjectRef, Scope};
use crate::report::{AlertReport, Command, EventReport, ObjectReport};
use crate::rules::RuleSet;
use crate::time::{Interval, Time};
use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;
use std::sync::Arc;

/// The name of a fact, derived from what it reports: the same report twice is the same fact.
///
/// 128 bits of BLAKE3, because object names are chosen by strangers and a collision would lose a fact.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct FactId(pub [u8; 16]);

impl FactId {
    /// The id of anything that has a canonical image.
    pub fn of(parts: &impl BorshSerialize) -> Self {
        let mut writer = HashWriter { hasher: None, buffer: [0; HASHED_BYTES], filled: 0 };
        // A hasher takes every byte that it is given, so that this cannot fail.
        let _ = parts.serialize(&mut writer);
        let hash = match &mut writer.hasher {
            Some(hasher) => hasher.update(&writer.buffer[..writer.filled]).finalize(),
            None => blake3::hash(&writer.buffer[..writer.filled]),
        };
        let mut id = [0; 16];
        id.copy_from_slice(&hash.as_bytes()[..16]);
        Self(id)
    }
}

impl FactId {
    /// The id of a text: the first 128 bits of its BLAKE3 hash.
    pub fn of_text(text: &str) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
        Self(id)
    }
}

/// Bytes that are hashed at once. An image is written in pieces of a few bytes, and each call of the hasher costs as
/// much as dozens of bytes; a chunk of BLAKE3 has 1,024.
const HASHED_BYTES: usize = 2_048;

struct HashWriter {
    /// For what is longer than the buffer: it is larger than most images, and making one costs as much as hashing them.
    hasher: Option<blake3::Hasher>,
    buffer: [u8; HASHED_BYTES],
    filled: usize,
}

impl HashWriter {
    fn hash(&mut self) -> &mut blake3::Hasher {
        let hasher = self.hasher.get_or_insert_with(blake3::Hasher::new);
        hasher.update(&self.buffer[..self.filled]);
        self.filled = 0;
        hasher
    }
}

impl borsh::io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> borsh::io::Result<usize> {
        if bytes.len() > HASHED_BYTES - self.filled {
            self.hash();
        }
        match self.buffer.get_mut(self.filled..self.filled + bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.filled += bytes.len();
            }
            None => {
                self.hash().update(bytes);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> borsh::io::Result<()> {
        Ok(())
    }
}

impl fmt::Display for FactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for FactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for FactId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut id = [0; 16];
        if text.len() != 32 || !text.is_ascii() {
            return Err(());
        }
        for (byte, pair) in id.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| ())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| ())?;
        }
        Ok(Self(id))
    }
}

/// Who speaks. Absence and quiet count only as far as the source that would have spoken has observed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum Source {
    /// The Event interface of the Kubernetes API.
    #[default]
    Events,
    /// Object states of the Kubernetes API.
    Objects,
    /// Alertmanager and the clouds' alerting.
    Alerts,
    /// Log anomalies.
    Logs,
    /// Metric breaches.
    Metrics,
    /// People: acknowledgements, resolutions, notes.
    People,
    /// Bellbuoy itself: rule sets, ends of recordings.
    Bellbuoy,
}

/// One report, as it stands in the journal.
#[derive(Clone, Debug, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct Fact {
    /// Derived from everything but `observed_at` and `sequence`.
    pub id: FactId,
    /// Where it is decided.
    pub scope: Scope,
    /// Who reported it.
    pub source: Source,
    /// What it is about.
    pub object: ObjectRef,
    /// When the source says that it happened.
    pub occurred: Interval,
    /// When our ingest saw it, or when the recording says that it was seen. Moves stream time.
    pub observed_at: Time,
    /// Counts the facts of one object, as stamped by ingest; 0 in recordings.
    pub sequence: u64,
    /// The report itself.
    pub body: Body,
}

/// What a fact reports.
#[derive(Clone, Debug, PartialEq, BorshSerialize, BorshDeserialize)]
pub enum Body {
    /// A Kubernetes Event about the object.
    Event(EventReport),
    /// The object's state, slimmed.
    Object(Box<ObjectReport>),
    /// An alert whose labels name the object.
    Alert(AlertReport),
    /// A person's command.
    Command(Command),
    /// From here on decide by this rule set.
    Rules(Arc<RuleSet>),
    /// A full list of one kind begins.
    SnapshotBegin {
        /// The kind that is listed.
        kind: Text,
    },
    /// A full list of one kind ends; what of the kind it lacked is gone.
    SnapshotEnd {
        /// The kind that was listed.
        kind: Text,
    },
    /// A source has observed everything up to here.
    Tick {
        /// The last moment that the source has observed.
        observed_through: Time,
    },
    /// A recording ends. What is open then is open; nothing heals by it.
    EndOfRecording,
}

impl Fact {
    /// A fact with its id derived from what it reports.
    pub fn new(
        scope: Scope,
        source: Source,
        object: ObjectRef,
        occurred: Interval,
        observed_at: Time,
        body: Body,
    ) -> Self {
        let id = Self::id_of(&scope, source, &object, occurred, &body);
        Self { id, scope, source, object, occurred, observed_at, sequence: 0, body }
    }

    /// The id of a fact that reports this.
    pub fn id_of(scope: &Scope, source: Source, object: &ObjectRef, occurred: Interval, body: &Body) -> FactId {
        FactId::of(&(scope, source, object, occurred, body))
    }

    /// A source's word that it has observed everything up to `at`.
    pub fn tick(scope: Scope, source: Source, at: Time) -> Self {
        let body = Body::Tick { observed_through: at };
        Self::new(scope, source, ObjectRef::default(), Interval::at(at), at, body)
    }

    /// The end of a recording at `at`.
    pub fn end_of_recording(scope: Scope, at: Time) -> Self {
        Self::new(scope, Source::Bellbuoy, ObjectRef::default(), Interval::at(at), at, Body::EndOfRecording)
    }

    /// The activation of a rule set at `at`.
    pub fn rules(scope: Scope, rules: Arc<RuleSet>, at: Time) -> Self {
        Self::new(scope, Source::Bellbuoy, ObjectRef::default(), Interval::at(at), at, Body::Rules(rules))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The hash of the whole image at once is the model.
        #[test]
        fn an_id_is_the_hash_of_the_image(
            parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..3_000), 0..6)
        ) {
            let image = borsh::to_vec(&parts).unwrap();
            let model = blake3::hash(&image);
            prop_assert_eq!(&FactId::of(&parts).0[..], &model.as_bytes()[..16]);
        }
    }
}
