//! Building blocks for reading JSON of strangers: null is absent, and text is borrowed and cut at a maximum.

use bellbuoy_core::Text;
use bellbuoy_core::report::Label;
use serde::Deserialize;
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

/// Text of a fact: at most [`TEXT_BYTES_MAX`] bytes, and marked if it was longer.
pub(crate) fn capped(text: &str) -> Text {
    if text.len() <= TEXT_BYTES_MAX {
        return text.into();
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
}

impl<'a> From<&'a str> for Scalar<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;
        impl<'de> Visitor<'de> for ScalarVisitor {
            type Value = Scalar<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
                Ok(Scalar(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
                Ok(Scalar(Cow::Owned(text.to_owned())))
            }
            fn visit_string<E>(self, text: String) -> Result<Scalar<'de>, E> {
                Ok(Scalar(Cow::Owned(text)))
            }
            fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
                Ok(Scalar::default())
            }
            fn visit_bool<E>(self, value: bool) -> Result<Scalar<'de>, E> {
                Ok(Scalar(Cow::Owned(value.to_string())))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Scalar<'de>, E> {
                Ok(Scalar(Cow::Owned(value.to_string())))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Scalar<'de>, E> {
                Ok(Scalar(Cow::Owned(value.to_string())))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Scalar<'de>, E> {
                Ok(Scalar(Cow::Owned(value.to_string())))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar<'de>, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar(Cow::Borrowed("[…]")))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar(Cow::Borrowed("{…}")))
            }
        }
        deserializer.deserialize_any(ScalarVisitor)
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

    /// As labels of a fact: sorted by key, each key once.
    pub(crate) fn labels(&self) -> Vec<Label> {
        let scalars = self.0.iter().filter(|(_, value)| !matches!(value.as_str(), "{…}" | "[…]"));
        let mut labels: Vec<Label> = scalars.map(|(key, value)| (key.text(), capped(value.as_str()))).collect();
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
    fn labels_are_sorted_and_scalars_become_text() {
        let pairs: Pairs<'_> = serde_json::from_str(r#"{"b":true,"a":"x","c":{"d":1},"e":null,"a":"y"}"#).unwrap();
        let labels: Vec<_> = pairs.labels().iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(labels, ["a=x", "b=true", "e="]);
    }
}
