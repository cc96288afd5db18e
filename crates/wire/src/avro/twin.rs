//! How a type of the core becomes Avro and comes back: serde for types that do not know serde.
//!
//! A twin stands for a core type and holds no data. Most are `#[serde(remote = …)]` derives, which the compiler holds
//! against the fields of the core type, and which read and write the core type itself, without a copy between.

use crate::texts::shared;
use bellbuoy_core::Text;
use bellbuoy_core::fact::FactId;
use bellbuoy_core::incident::IncidentId;
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::time::Time;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// Reads and writes a type of the core.
pub(crate) trait Twin {
    /// The type.
    type Core;

    /// Writes it.
    fn serialize<S: Serializer>(core: &Self::Core, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads it.
    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self::Core, D::Error>;
}

/// Makes a twin of a `#[serde(remote = …)]` derive.
macro_rules! twin {
    ($($twin:ident = $core:ty),+ $(,)?) => {$(
        impl $crate::avro::twin::Twin for $twin {
            type Core = $core;

            fn serialize<S: serde::Serializer>(core: &$core, serializer: S) -> Result<S::Ok, S::Error> {
                <$twin>::serialize(core, serializer)
            }

            fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<$core, D::Error> {
                <$twin>::deserialize(deserializer)
            }
        }
    )+};
}
pub(crate) use twin;

/// A borrowed value, to be written by its twin.
pub(crate) struct By<'a, T: Twin>(pub(crate) &'a T::Core);

impl<T: Twin> Serialize for By<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        T::serialize(self.0, serializer)
    }
}

/// A value that was read by its twin.
pub(crate) struct Own<T: Twin>(pub(crate) T::Core);

impl<'de, T: Twin> Deserialize<'de> for Own<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

/// A value that may be null.
pub(crate) struct Maybe<T>(PhantomData<T>);

impl<T: Twin> Twin for Maybe<T> {
    type Core = Option<T::Core>;

    fn serialize<S: Serializer>(core: &Self::Core, serializer: S) -> Result<S::Ok, S::Error> {
        core.as_ref().map(By::<T>).serialize(serializer)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self::Core, D::Error> {
        Ok(Option::<Own<T>>::deserialize(deserializer)?.map(|own| own.0))
    }
}

/// An array.
pub(crate) struct Many<T>(PhantomData<T>);

/// How many elements of an array get room before the first is read. The count before an array is a stranger's word.
const ELEMENTS_TRUSTED_MAX: usize = 256;

impl<T: Twin> Twin for Many<T> {
    type Core = Vec<T::Core>;

    fn serialize<S: Serializer>(core: &Self::Core, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(core.iter().map(By::<T>))
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self::Core, D::Error> {
        deserializer.deserialize_seq(Elements::<T>(PhantomData))
    }
}

struct Elements<T>(PhantomData<T>);

impl<'de, T: Twin> Visitor<'de> for Elements<T> {
    type Value = Vec<T::Core>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(ELEMENTS_TRUSTED_MAX));
        while let Some(Own(element)) = seq.next_element::<Own<T>>()? {
            elements.push(element);
        }
        Ok(elements)
    }
}

/// A text.
pub(crate) struct Str;

impl Twin for Str {
    type Core = Text;

    fn serialize<S: Serializer>(core: &Text, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(core)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text, E> {
        // Many fields of a slimmed object are empty, and the empty default is shared where a conversion would allocate.
        // Most others hold what the fact before held too; a state that keeps them keeps them once.
        Ok(if text.is_empty() { Text::default() } else { shared(text) })
    }
}

/// A time, in microseconds since the epoch.
pub(crate) struct Micros;

impl Twin for Micros {
    type Core = Time;

    fn serialize<S: Serializer>(core: &Time, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(core.0)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        i64::deserialize(deserializer).map(Time)
    }
}

/// 64 bits without sign, as the signed number of the same bits: Avro has no other.
pub(crate) struct Bits;

impl Twin for Bits {
    type Core = u64;

    fn serialize<S: Serializer>(core: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(core.cast_signed())
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        i64::deserialize(deserializer).map(i64::cast_unsigned)
    }
}

/// The number of a port. The library writes 16 bits as an `int` only, and a schema that says `long` has room to grow.
pub(crate) struct Port;

impl Twin for Port {
    type Core = u16;

    fn serialize<S: Serializer>(core: &u16, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(i64::from(*core))
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
        let number = i64::deserialize(deserializer)?;
        number.try_into().map_err(|_| D::Error::custom(format!("expected a port from 0 to 65535, found {number}")))
    }
}

/// A fact's id, as 16 fixed bytes.
pub(crate) struct Id;

impl Twin for Id {
    type Core = FactId;

    fn serialize<S: Serializer>(core: &FactId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&core.0)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FactId, D::Error> {
        deserializer.deserialize_bytes(IdVisitor)
    }
}

struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = FactId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("16 bytes")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<FactId, E> {
        bytes.try_into().map(FactId).map_err(|_| E::invalid_length(bytes.len(), &self))
    }
}

/// Bytes as Avro bytes, where serde would make an array of numbers.
pub(crate) struct Octets;

impl Twin for Octets {
    type Core = Vec<u8>;

    fn serialize<S: Serializer>(core: &Vec<u8>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(core)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        deserializer.deserialize_byte_buf(OctetsVisitor)
    }
}

struct OctetsVisitor;

impl Visitor<'_> for OctetsVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E: serde::de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }
}

/// The name of an incident, as a reader sees it everywhere.
pub(crate) struct Name;

impl Twin for Name {
    type Core = IncidentId;

    fn serialize<S: Serializer>(core: &IncidentId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(core)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IncidentId, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = IncidentId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an incident's name, `inc-` and 16 hexadecimal digits")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<IncidentId, E> {
        text.parse().map_err(|()| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}

/// A rule set, as its canonical document and the hash that it must have.
pub(crate) struct Rules;

#[derive(Serialize, Deserialize)]
#[serde(rename = "Rules")]
struct Document {
    hash: String,
    document: String,
}

impl Twin for Rules {
    type Core = Arc<RuleSet>;

    fn serialize<S: Serializer>(core: &Arc<RuleSet>, serializer: S) -> Result<S::Ok, S::Error> {
        let document = crate::rules::to_document(core);
        Document { hash: FactId::of_text(&document).to_string(), document }.serialize(serializer)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<RuleSet>, D::Error> {
        let Document { hash, document } = Document::deserialize(deserializer)?;
        let found = FactId::of_text(&document).to_string();
        if found != hash {
            return Err(D::Error::custom(format!("expected a rule set with hash {hash}, found one with {found}")));
        }
        let rules = crate::rules::from_document(&document);
        rules.map(Arc::new).map_err(|error| D::Error::custom(format!("rule set {hash}: {error}")))
    }
}
