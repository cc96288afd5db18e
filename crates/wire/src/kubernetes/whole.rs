//! A piece read in one pass: what a notification carries, and the parts of Events and pods, where they stand.
//!
//! The careful way leaves these parts as text until the kind is known, and reads them again then: it can say what is
//! wrong with which of them. Most pieces name their kind first and hold nothing wrong. Whoever reads a whole reads the
//! piece the careful way if this way fails, so that both must find the same in what both can read.

use crate::kubernetes::pod::{RawPodStatus, RawWholeStatus};
use crate::kubernetes::pod_spec::RawPodSpec;
use crate::kubernetes::raw::{RawEmitter, RawPiece, RawStatus};
use crate::lenient::{Part, Str};
use serde::de::value::{CowStrDeserializer, MapAccessDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, de};
use std::borrow::Cow;
use std::fmt;

/// Parts of a piece that were read where they stood; none of them stands in the piece as text too.
#[derive(Debug, Default)]
pub(crate) struct Parts<'a> {
    /// The object of a notification.
    pub(crate) object: Option<Box<RawPiece<'a>>>,
    /// `source` of an Event.
    pub(crate) emitter: Option<RawEmitter<'a>>,
    /// `spec` of a pod.
    pub(crate) pod_spec: Option<Box<RawPodSpec<'a>>>,
    /// `status` of a pod.
    pub(crate) pod_status: Option<Box<(RawStatus<'a>, RawPodStatus<'a>)>>,
}

/// A piece with its parts.
#[derive(Debug)]
pub(crate) struct Whole<'a>(pub(crate) RawPiece<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Whole<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WholeVisitor;
        impl<'de> Visitor<'de> for WholeVisitor {
            type Value = Whole<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Whole<'de>, A::Error> {
                let mut found = Found::default();
                let fields = Fields { map, found: &mut found, given: None };
                let mut piece = RawPiece::deserialize(MapAccessDeserializer::new(fields))?;
                piece.parts = found.parts;
                Ok(Whole(piece))
            }
        }
        deserializer.deserialize_map(WholeVisitor)
    }
}

/// What was found so far.
#[derive(Default)]
struct Found<'a> {
    kind: Cow<'a, str>,
    parts: Parts<'a>,
    /// Keys that were taken, so that none is taken twice.
    taken: [bool; 4],
}

/// The fields of a piece, without those that are taken on the way.
struct Fields<'f, 'de, A> {
    map: A,
    found: &'f mut Found<'de>,
    /// The value of the last key, where it was read already.
    given: Option<Cow<'de, str>>,
}

impl<'de, A: MapAccess<'de>> Fields<'_, 'de, A> {
    /// Reads the value of a key, if it is one of those that can be read where they stand.
    fn take(&mut self, key: &str) -> Result<bool, A::Error> {
        let number = match (key, &*self.found.kind) {
            ("object", _) => 0,
            ("source", "Event") => 1,
            ("spec", "Pod") => 2,
            ("status", "Pod") => 3,
            _ => return Ok(false),
        };
        if std::mem::replace(&mut self.found.taken[number], true) {
            return Err(A::Error::custom("the same key twice"));
        }
        let parts = &mut self.found.parts;
        match number {
            0 => parts.object = self.map.next_value::<Part<Whole<'de>>>()?.0.map(|object| Box::new(object.0)),
            1 => parts.emitter = self.map.next_value()?,
            2 => parts.pod_spec = self.map.next_value()?,
            _ => {
                let status = self.map.next_value::<Option<RawWholeStatus<'de>>>()?;
                parts.pod_status = status.map(|status| Box::new(status.into_both()));
            }
        }
        Ok(true)
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Fields<'_, 'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.map.next_key::<Str<'de>>()? {
            let key = key.into_cow();
            if self.take(&key)? {
                continue;
            }
            if key == "kind" {
                let kind = self.map.next_value::<Str<'de>>()?.into_cow();
                self.found.kind = kind.clone();
                self.given = Some(kind);
            }
            return seed.deserialize(CowStrDeserializer::new(key)).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        match self.given.take() {
            Some(Cow::Borrowed(text)) => seed.deserialize(de::value::BorrowedStrDeserializer::new(text)),
            Some(text) => seed.deserialize(CowStrDeserializer::new(text)),
            None => self.map.next_value_seed(seed),
        }
    }
}
