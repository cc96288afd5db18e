//! Config maps and secrets: the names of their keys, and of config maps the addresses that they tell.

use crate::kubernetes::document;
use crate::kubernetes::raw::RawPiece;
use crate::kubernetes::settings::{Place, Settings};
use crate::lenient::{Pairs, Part};
use bellbuoy_core::Text;
use bellbuoy_core::report::ObjectReport;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Keys of one object that are kept. Generated config maps of hundreds of files exist.
const KEYS_MAX: usize = 1_024;

/// Bytes of the values of one config map that are read for addresses; all together may have 1 MiB.
const VALUES_BYTES_MAX: usize = 256 * 1_024;

/// Reads a ConfigMap.
pub(crate) fn read_config_map(report: &mut ObjectReport, piece: &RawPiece<'_>) {
    read_keys(report, piece);
    let data = piece.data.and_then(|data| serde_json::from_str::<Part<Pairs<'_>>>(data.get()).ok());
    let data = data.and_then(|data| data.0).unwrap_or_default();
    let mut settings = Settings::default();
    let section = settings.section();
    let mut left = VALUES_BYTES_MAX;
    for (key, value) in data.iter() {
        left = left.saturating_sub(value.len());
        if left == 0 {
            break;
        }
        match value.trim().contains('\n') || value.starts_with('{') {
            true => document::read(&mut settings, key, value),
            // A key becomes a variable as often as a file.
            false => settings.take(Place { section, key, is_line: true }, key, value),
        }
    }
    report.addresses = settings.addresses();
}

/// Reads a Secret, of which no value is looked at.
pub(crate) fn read_keys(report: &mut ObjectReport, piece: &RawPiece<'_>) {
    let keys = [piece.data, piece.binary_data].into_iter().flatten().filter_map(keys_of).flatten();
    let mut keys: Vec<Text> = keys.collect();
    keys.sort();
    keys.dedup();
    keys.truncate(KEYS_MAX);
    report.keys = keys;
}

fn keys_of(data: &RawValue) -> Option<Vec<Text>> {
    serde_json::from_str::<Part<Keys>>(data.get()).ok()?.0.map(|keys| keys.0)
}

/// The keys of a map whose values are passed over.
struct Keys(Vec<Text>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeysVisitor;
        impl<'de> Visitor<'de> for KeysVisitor {
            type Value = Keys;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, IgnoredAny)) = map.next_entry::<crate::lenient::Str<'de>, _>()? {
                    keys.push(key.text());
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(KeysVisitor)
    }
}
