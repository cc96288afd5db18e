//! YAML documents and lists, cut into pieces of one object each, and turned into JSON.

use crate::recording::splitter::{Cut, Step};

/// Cuts YAML text into documents, and documents that hold `items:` into their items, so that one bad item does not
/// cost the others and a long list does not have to fit into memory.
#[derive(Debug, Default)]
pub(crate) struct YamlCutter {
    /// Where the next line begins.
    at: usize,
    /// Where the piece began.
    begin: usize,
    /// The column of the dashes of the list that is being read.
    list: Option<usize>,
    /// The line before was `items:`.
    items_next: bool,
}

impl YamlCutter {
    /// Takes the next piece from the buffer; positions are relative to it.
    pub(crate) fn step(&mut self, buffer: &[u8], eof: bool) -> Step {
        loop {
            let Some(length) = line_length(&buffer[self.at..], eof) else { return self.end(buffer, eof) };
            let line = buffer[self.at..self.at + length].trim_ascii_end();
            let (begin, here) = (self.begin, self.at);
            self.at += length;
            if line == b"---" || line.starts_with(b"--- ") || line == b"..." {
                (self.begin, self.list, self.items_next) = (self.at, None, false);
                if !is_blank(&buffer[begin..here]) {
                    return Step::Cut(Cut { begin, end: here });
                }
                continue;
            }
            let indent = line.iter().take_while(|byte| **byte == b' ').count();
            let dashed = line[indent..].starts_with(b"- ") || &line[indent..] == b"-";
            match self.list {
                None if self.items_next && dashed => {
                    // What stood before the items says what kind of list it is, and nothing else.
                    (self.list, self.items_next, self.begin) = (Some(indent), false, here);
                }
                None => self.items_next = line == b"items:" || (self.items_next && line.is_empty()),
                Some(column) if indent == column && dashed => {
                    self.begin = here;
                    return Step::Cut(Cut { begin, end: here });
                }
                // A key of the list itself: its items are over.
                Some(column) if !line.is_empty() && !line.starts_with(b"#") && indent <= column => {
                    (self.list, self.begin) = (None, here);
                    return Step::Cut(Cut { begin, end: here });
                }
                Some(_) => {}
            }
        }
    }

    fn end(&mut self, buffer: &[u8], eof: bool) -> Step {
        let begin = self.begin;
        match eof {
            true if !is_blank(&buffer[begin..]) => {
                self.begin = buffer.len();
                Step::Cut(Cut { begin, end: buffer.len() })
            }
            true => Step::End,
            false => Step::More,
        }
    }

    /// Where the first byte stands that is still needed.
    pub(crate) fn needed_from(&self) -> usize {
        self.begin
    }

    /// The buffer has lost its first bytes.
    pub(crate) fn shift(&mut self, bytes: usize) {
        self.at -= bytes;
        self.begin -= bytes;
    }

    /// Gives the current piece up. Returns where the next one begins.
    pub(crate) fn skip(&mut self) -> usize {
        self.begin = self.at;
        self.begin
    }
}

fn line_length(rest: &[u8], eof: bool) -> Option<usize> {
    match memchr::memchr(b'\n', rest) {
        Some(at) => Some(at + 1),
        None => Some(rest.len()).filter(|length| eof && *length > 0),
    }
}

/// Whether a document holds nothing but comments and blank lines.
fn is_blank(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').all(|line| {
        let line = line.trim_ascii();
        line.is_empty() || line.starts_with(b"#")
    })
}

/// A piece as JSON, with the JSON comment before it, if there is one. An item of a list loses its dash.
pub(crate) fn to_json(piece: &str) -> Result<(String, Option<&str>), String> {
    let comment = piece.lines().map_while(|line| line.trim_start().strip_prefix('#'));
    let comment = comment.map(str::trim).find(|comment| comment.starts_with('{'));
    let mut own = piece.to_owned();
    let first = piece.find(|letter: char| !letter.is_whitespace());
    if let Some(dash) = first.filter(|at| piece[*at..].starts_with("- ")) {
        own.replace_range(dash..=dash, " ");
    }
    let value: serde_json::Value = serde_saphyr::from_str(&own).map_err(|error| first_line(&error.to_string()))?;
    Ok((value.to_string(), comment))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[&str]) {
        let mut cutter = YamlCutter::default();
        let mut pieces = Vec::new();
        while let Step::Cut(cut) = cutter.step(text.as_bytes(), true) {
            pieces.push(&text[cut.begin..cut.end]);
        }
        assert_eq!(pieces, expect);
    }

    #[test]
    fn documents_are_cut_apart() {
        check("a: 1\n---\nb: 2\n", &["a: 1\n", "b: 2\n"]);
        check("---\n# only a comment\n---\nb: 2", &["b: 2"]);
        check("# {}\nb: 2\n...\n", &["# {}\nb: 2\n"]);
    }

    #[test]
    fn lists_are_cut_into_items() {
        check(
            "kind: List\nitems:\n- a: 1\n  l:\n  - x\n- b: 2\nmetadata: {}\n",
            &["- a: 1\n  l:\n  - x\n", "- b: 2\n", "metadata: {}\n"],
        );
        check("items:\n  - a: 1\n  - b: 2\n---\nc: 3\n", &["  - a: 1\n", "  - b: 2\n", "c: 3\n"]);
    }

    #[test]
    fn pieces_become_json() {
        let (json, comment) = to_json("# {\"time\":\"x\"}\na: \"1\"\nb: 2026-11-21T10:00:00Z\n").unwrap();
        assert_eq!(json, r#"{"a":"1","b":"2026-11-21T10:00:00Z"}"#);
        assert_eq!(comment, Some("{\"time\":\"x\"}"));
        assert_eq!(to_json("- a: 1\n  b: [x]\n").unwrap().0, r#"{"a":1,"b":["x"]}"#);
        assert!(to_json("a: [1,\n").is_err());
    }
}
