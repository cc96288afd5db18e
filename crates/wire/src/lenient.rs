//! Building blocks for reading JSON of strangers: null is absent, and text is borrowed and cut at a maximum.

use crate::texts::shared;
use bellbuoy_core::Text;
use bellbuoy_core::report::Label;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// Bytes of one text that are kept. Kubernetes cuts messages at 1 kB and pods' termination messages at 4 kB; operators
/// write more. What is longer is cut and marked.
pub(crate) const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Text, borrowed from the input where it has no escapes. Null reads as empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Str<'a>(Cow<'a, str>);

impl Str<'_> {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As text of a fact: at most [`TEXT_BYTES_MAX`] bytes, and marked if it was longer.
    pub(crate) fn text(&self) -> Text {
        capped(&self.0)
    }
}

impl<'a> Str<'a> {
    pub(crate) fn into_cow(self) -> Cow<'a, str> {
        self.0
    }
}

/// Text of a fact: at most [`TEXT_BYTES_MAX`] bytes, and marked if it was longer.
pub(crate) fn capped(text: &str) -> Text {
    kept(text, shared)
}

/// The same for what hardly ever comes again, such as versions.
pub(crate) fn capped_once(text: &str) -> Text {
    kept(text, |text| text.into())
}

fn kept(text: &str, keep: impl Fn(&str) -> Text) -> Text {
    if text.is_empty() {
        // The empty default is shared where a conversion would allocate.
        return Text::default();
    }
    if text.len() <= TEXT_BYTES_MAX {
        return keep(text);
    }
    let mark = format!(" … [cut, {} bytes in all]", text.len());
    let end = text.floor_char_boundary(TEXT_BYTES_MAX - mark.len());
    format!("{}{mark}", &text[..end]).into()
}

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StrVisitor;
        impl<'de> Visitor<'de> for StrVisitor {
            type Value = Str<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Owned(text.to_owned())))
            }
            fn visit_string<E>(self, text: String) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Owned(text)))
            }
            fn visit_unit<E>(self) -> Result<Str<'de>, E> {
                Ok(Str::default())
            }
        }
        deserializer.deserialize_any(StrVisitor)
    }
}

/// Any scalar as text, so that a wrong one can be named; what is no scalar reads as its description.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scalar<'a>(Cow<'a, str>);

impl Scalar<'_> {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// As text of a fact; empty for what is no scalar.
    pub(crate) fn text(&self) -> Text {
        match self.as_str() {
            LIST | MAP => Text::default(),
            text => capped(text),
        }
    }
}

impl<'a> From<&'a str> for Scalar<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Any::deserialize(deserializer)? {
            Any::Null => Cow::Borrowed(""),
            Any::Text(text) => text,
            Any::Bool(value) => Cow::Owned(value.to_string()),
            Any::Integer(value) => Cow::Owned(value.to_string()),
            Any::Float(value) => Cow::Owned(value.to_string()),
            Any::List => Cow::Borrowed(LIST),
            Any::Map => Cow::Borrowed(MAP),
        }))
    }
}

/// A whole number, also one in quotes; none where there is anything else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Number(pub(crate) Option<i64>);

impl Number {
    /// As a count: what is absent or negative is none.
    pub(crate) fn count(self) -> u32 {
        count(self.0.unwrap_or_default())
    }

    /// As a number of a port, if it can be one.
    pub(crate) fn port(self) -> Option<u16> {
        self.0.and_then(|number| u16::try_from(number).ok()).filter(|port| *port > 0)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Any::deserialize(deserializer)? {
            Any::Integer(value) => i64::try_from(value).ok(),
            Any::Text(text) => text.parse().ok(),
            _ => None,
        }))
    }
}

/// Whether something is set; what is no boolean is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flag(pub(crate) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(matches!(Any::deserialize(deserializer)?, Any::Bool(true))))
    }
}

/// What stands for a list and for a map where text is wanted.
const LIST: &str = "[…]";
const MAP: &str = "{…}";

/// Any value, without what is inside of it.
enum Any<'a> {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(Cow<'a, str>),
    List,
    Map,
}

impl<'de> Deserialize<'de> for Any<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyVisitor;
        impl<'de> Visitor<'de> for AnyVisitor {
            type Value = Any<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Any<'de>, E> {
                Ok(Any::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Any<'de>, E> {
                Ok(Any::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_string<E>(self, text: String) -> Result<Any<'de>, E> {
                Ok(Any::Text(Cow::Owned(text)))
            }
            fn visit_unit<E>(self) -> Result<Any<'de>, E> {
                Ok(Any::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Any<'de>, E> {
                Ok(Any::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Any<'de>, E> {
                Ok(Any::Integer(value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Any<'de>, E> {
                Ok(Any::Integer(value.into()))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Any<'de>, E> {
                Ok(Any::Float(value))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Any<'de>, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Any::List)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Any<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Any::Map)
            }
        }
        deserializer.deserialize_any(AnyVisitor)
    }
}

/// Visits of what is neither a list nor a map: it reads as nothing.
macro_rules! scalars_are_nothing {
    ($value:ty) => {
        fn visit_unit<E>(self) -> Result<$value, E> {
            Ok(<$value>::default())
        }
        fn visit_bool<E>(self, _: bool) -> Result<$value, E> {
            Ok(<$value>::default())
        }
        fn visit_i64<E>(self, _: i64) -> Result<$value, E> {
            Ok(<$value>::default())
        }
        fn visit_u64<E>(self, _: u64) -> Result<$value, E> {
            Ok(<$value>::default())
        }
        fn visit_f64<E>(self, _: f64) -> Result<$value, E> {
            Ok(<$value>::default())
        }
        fn visit_str<E>(self, _: &str) -> Result<$value, E> {
            Ok(<$value>::default())
        }
    };
}

/// A part of an object that is read where it is a map. Anything else reads as none, so that one field of a wrong type
/// does not cost the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part<T>(pub(crate) Option<T>);

impl<T> Default for Part<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Part<T> {
    pub(crate) fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Part<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PartVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for PartVisitor<T> {
            type Value = Part<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            scalars_are_nothing!(Part<T>);
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Part<T>, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Part(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Part<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|part| Part(Some(part)))
            }
        }
        deserializer.deserialize_any(PartVisitor(PhantomData))
    }
}

/// A list of what takes every value. What is no list reads as an empty one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> List<Part<T>> {
    /// The parts that are maps.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &T> {
        self.0.iter().filter_map(Part::get)
    }
}

impl List<Scalar<'_>> {
    /// The texts, without those that are empty or no text at all, and no more than `most`.
    pub(crate) fn texts(&self, most: usize) -> Vec<Text> {
        let texts = self.0.iter().map(Scalar::as_str).filter(|text| !matches!(*text, "" | LIST | MAP));
        texts.take(most).map(capped).collect()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
            type Value = List<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            scalars_are_nothing!(List<T>);
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(List(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<List<T>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(List::default())
            }
        }
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

/// A list whose null elements are left out. Null reads as empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Items<T>(pub(crate) Vec<T>);

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemsVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ItemsVisitor<T> {
            type Value = Items<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_unit<E>(self) -> Result<Items<T>, E> {
                Ok(Items::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Items<T>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element::<Option<T>>()? {
                    items.extend(item);
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_any(ItemsVisitor(PhantomData))
    }
}

/// A map of text to scalars, such as labels. Null reads as empty, and a value that is no scalar is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pairs<'a>(Vec<(Str<'a>, Scalar<'a>)>);

impl Pairs<'_> {
    pub(crate) fn get(&self, key: &str) -> &str {
        self.0.iter().find(|(name, _)| name.as_str() == key).map_or("", |(_, value)| value.as_str())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys and values that are scalars, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        pairs.filter(|(_, value)| !matches!(*value, LIST | MAP))
    }

    /// As labels of a fact: sorted by key, each key once.
    pub(crate) fn labels(&self) -> Vec<Label> {
        let mut labels: Vec<Label> = self.iter().map(|(key, value)| (capped(key), capped(value))).collect();
        labels.sort();
        labels.dedup_by(|a, b| a.0 == b.0);
        labels
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of strings")
            }
            fn visit_unit<E>(self) -> Result<Pairs<'de>, E> {
                Ok(Pairs::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_any(PairsVisitor)
    }
}

/// Reads null as the default.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A count: negative ones are none, and what is beyond the range is its end.
pub(crate) fn count(value: i64) -> u32 {
    u32::try_from(value.max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_and_marked() {
        let long = "é".repeat(5_000_000);
        let cut = capped(&long);
        assert!(cut.len() <= TEXT_BYTES_MAX && cut.ends_with("[cut, 10000000 bytes in all]"), "{}", cut.len());
        assert_eq!(&*capped("short"), "short");
    }

    #[test]
    fn null_is_absent() {
        assert_eq!(serde_json::from_str::<Str<'_>>("null").unwrap().as_str(), "");
        assert_eq!(serde_json::from_str::<Items<u32>>("null").unwrap().0, Vec::<u32>::new());
        assert_eq!(serde_json::from_str::<Items<u32>>("[1,null,2]").unwrap().0, vec![1, 2]);
        assert!(serde_json::from_str::<Pairs<'_>>("null").unwrap().is_empty());
    }

    #[test]
    fn what_is_of_a_wrong_type_reads_as_nothing() {
        for wrong in ["null", "true", "7", "-7", "0.5", "\"x\"", "[[1],{}]"] {
            assert_eq!(serde_json::from_str::<Part<Pairs<'_>>>(wrong).unwrap(), Part(None), "{wrong}");
        }
        for wrong in ["null", "true", "7", "-7", "0.5", "\"x\"", "{\"a\":[]}"] {
            assert_eq!(serde_json::from_str::<List<Number>>(wrong).unwrap(), List(Vec::new()), "{wrong}");
        }
        let numbers: List<Number> =
            serde_json::from_str(r#"[80,"81",0.5,true,{},[],null,99999999999999999999]"#).unwrap();
        assert_eq!(
            numbers.0.iter().map(|n| n.0).collect::<Vec<_>>(),
            [Some(80), Some(81), None, None, None, None, None, None]
        );
        let flags: List<Flag> = serde_json::from_str(r#"[true,false,1,"true",null]"#).unwrap();
        assert_eq!(flags.0.iter().map(|flag| flag.0).collect::<Vec<_>>(), [true, false, false, false, false]);
        let ports: List<Number> = serde_json::from_str("[0,1,65535,65536,-1]").unwrap();
        assert_eq!(ports.0.iter().map(|n| n.port()).collect::<Vec<_>>(), [None, Some(1), Some(65_535), None, None]);
        let texts: List<Scalar<'_>> = serde_json::from_str(r#"["a",1,{},[],null,"b"]"#).unwrap();
        assert_eq!(texts.texts(2), [Text::from("a"), "1".into()]);
    }

    #[test]
    fn labels_are_sorted_and_scalars_become_text() {
        let pairs: Pairs<'_> = serde_json::from_str(r#"{"b":true,"a":"x","c":{"d":1},"e":null,"a":"y"}"#).unwrap();
        let labels: Vec<_> = pairs.labels().iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(labels, ["a=x", "b=true", "e="]);
    }
}
