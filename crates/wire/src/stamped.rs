//! The envelope of the topics between two stages: an item, a rule set, or stream time alone.

use crate::avro::twin::{By, Own, Rules, Twin};
use bellbuoy_core::incident::{Flow, Stamped};
use bellbuoy_core::object::Scope;
use bellbuoy_core::time::Time;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::marker::PhantomData;

/// The key of rule sets.
pub(crate) const RULES_KEY: &[u8] = b"~rules";
/// The key of watermarks.
pub(crate) const WATERMARK_KEY: &[u8] = b"~watermark";

/// The twin of [`Stamped`], for items with the twin `T`.
pub(crate) struct Envelope<T>(PhantomData<T>);

#[derive(Serialize)]
#[serde(bound = "")]
struct Row<'a, T: Twin> {
    scope: &'a str,
    at: i64,
    kind: Kind,
    item: Option<By<'a, T>>,
    rules: Option<By<'a, Rules>>,
}

#[derive(Deserialize)]
#[serde(rename = "Stamped", bound = "")]
struct Read<T: Twin> {
    scope: String,
    at: i64,
    kind: Kind,
    item: Option<Own<T>>,
    rules: Option<Own<Rules>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Kind {
    Unknown,
    Item,
    Rules,
    Watermark,
}

impl<T: Twin> Twin for Envelope<T> {
    type Core = Stamped<T::Core>;

    fn serialize<S: Serializer>(stamped: &Self::Core, serializer: S) -> Result<S::Ok, S::Error> {
        let (kind, item, rules) = match &stamped.flow {
            Flow::Item(item) => (Kind::Item, Some(By(item)), None),
            Flow::Rules(rules) => (Kind::Rules, None, Some(By(rules))),
            Flow::Watermark => (Kind::Watermark, None, None),
        };
        Row::<T> { scope: &stamped.scope.0, at: stamped.at.0, kind, item, rules }.serialize(serializer)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self::Core, D::Error> {
        let Read { scope, at, kind, item, rules } = Read::<T>::deserialize(deserializer)?;
        let flow = match (kind, item, rules) {
            (Kind::Unknown, ..) => return Err(D::Error::custom("a record of a kind that only a later version knows")),
            (Kind::Item, Some(item), _) => Flow::Item(item.0),
            (Kind::Rules, _, Some(rules)) => Flow::Rules(rules.0),
            (Kind::Watermark, ..) => Flow::Watermark,
            (Kind::Item, None, _) => return Err(D::Error::custom("expected the field `item`, found null")),
            (Kind::Rules, _, None) => return Err(D::Error::custom("expected the field `rules`, found null")),
        };
        Ok(Stamped { scope: Scope::cluster(&scope), at: Time(at), flow })
    }
}

/// The key of what is no item; `None` for items.
pub(crate) fn control_key<T>(flow: &Flow<T>) -> Option<Vec<u8>> {
    match flow {
        Flow::Item(_) => None,
        Flow::Rules(_) => Some(RULES_KEY.to_vec()),
        Flow::Watermark => Some(WATERMARK_KEY.to_vec()),
    }
}
