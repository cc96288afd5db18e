//! What kind of text a source holds, from its first bytes.

use crate::recording::described::is_description;
use crate::recording::table::is_heading;

/// Bytes that are looked at.
pub(crate) const SNIFF_BYTES: usize = 4096;

/// What a source holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// JSON: one value, several, or one a line.
    Json,
    /// YAML documents.
    Yaml,
    /// Tables that kubectl prints, alone or below what it describes.
    Table,
    /// Nothing that is read here, and why.
    Foreign(&'static str),
}

/// Keys at the beginning of a line that speak of an object in YAML.
const YAML_KEYS: [&str; 6] = ["apiVersion:", "kind:", "items:", "metadata:", "- apiVersion:", "- kind:"];

/// Recognises the format from the first [`SNIFF_BYTES`] of a source, or from all of it.
pub(crate) fn sniff(head: &[u8]) -> Format {
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return Format::Foreign("UTF-16 text; expected UTF-8");
    }
    let head = head.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(head);
    if head.contains(&0) {
        return Format::Foreign("binary");
    }
    match head.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return Format::Foreign("empty"),
        Some(b'{' | b'[' | 0x1e) => return Format::Json,
        Some(_) => {}
    }
    let mut lines = head.split(|byte| *byte == b'\n');
    let has_key = |line: &[u8]| YAML_KEYS.iter().any(|key| line.starts_with(key.as_bytes()));
    let has_heading = |line: &[u8]| std::str::from_utf8(line).is_ok_and(is_heading);
    let known = lines.find_map(|line| match line {
        line if has_key(line) => Some(Format::Yaml),
        line if begins_json(line) => Some(Format::Json),
        line if has_heading(line) => Some(Format::Table),
        _ => None,
    });
    let describes = || is_description(&String::from_utf8_lossy(head)).then_some(Format::Table);
    known.or_else(describes).unwrap_or(Format::Foreign("not a recording of objects"))
}

/// Whether JSON of an object begins in a line, below a prompt or what a person wrote: logs hold lines in brackets too.
fn begins_json(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let names = |key: &[u8]| memchr::memmem::find(line, key).is_some();
    line == b"{" || line.starts_with(b"{\"") && (names(b"\"apiVersion\"") || names(b"\"involvedObject\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_recognised_by_their_first_bytes() {
        let foreign = Format::Foreign("not a recording of objects");
        for (head, expect) in [
            ("{\"kind\":\"Pod\"}", Format::Json),
            ("\u{feff}\n [", Format::Json),
            ("---\n# x\napiVersion: v1\n", Format::Yaml),
            ("kind: Pod\n", Format::Yaml),
            ("$ kubectl get events\nLAST SEEN   TYPE   REASON   OBJECT   MESSAGE\n", Format::Table),
            ("NAME   STATUS   AGE\n", foreign),
            ("$ kubectl get pod cart -o json\n{\n    \"apiVersion\": \"v1\"\n", Format::Json),
            ("My pod:\n```json\n{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}\n```\n", Format::Json),
            ("INFO start\n{\"level\":\"info\"}\n", foreign),
            ("Name:         cart\nNamespace:    shop\nEvents:       <none>\n", Format::Table),
            ("Name:\t\tcart\nLabels:\t\t<none>\nEvents:\n", Format::Table),
            ("NAME   STATUS     AGE   VERSION\n", Format::Table),
            ("2026-11-21T10:00:00Z error\n", foreign),
            ("Name: x\n  kind: Pod\n", foreign),
            ("  \n", Format::Foreign("empty")),
            ("a\0b", Format::Foreign("binary")),
        ] {
            assert_eq!(sniff(head.as_bytes()), expect, "{head:?}");
        }
        assert!(matches!(sniff(&[0xff, 0xfe, b'{', 0]), Format::Foreign(why) if why.contains("UTF-16")));
    }
}
