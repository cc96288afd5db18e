//! JSON text of any layout cut into its objects: one value, several, one a line, and the elements of lists.
//!
//! Cutting needs no stack and no copy: it counts brackets and looks into nothing but the keys of the outermost object,
//! to find `items` and `alerts`. What is wrong inside of a piece is the parser's to say; what is wrong with the brackets
//! ends the piece, and reading goes on with the next object that begins where one may.

use crate::recording::rejected::EXCERPT_BYTES_MAX;
use memchr::memchr3;

/// Bytes of one piece. The API server stores objects of at most 1.5 MiB; messages of strangers may be longer.
pub(crate) const PIECE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Nesting of one piece, the same as the parser's.
const DEPTH_MAX: u32 = 127;

/// A piece of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) begin: usize,
    pub(crate) end: usize,
}

/// What a cutter found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A complete piece.
    Cut(Cut),
    /// A piece that cannot be read, and why.
    Bad(Cut, Fault),
    /// A list of objects that has none.
    Empty,
    /// Nothing more in this buffer.
    More,
    /// Nothing more at all.
    End,
}

/// What is wrong with a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The text ends inside of it.
    EndOfText,
    /// Another object begins inside of it, where none may.
    Overrun,
    /// A line ends inside of a string.
    OpenString,
    /// More than [`PIECE_BYTES_MAX`].
    TooLarge,
    /// Nested deeper than any object.
    TooDeep,
    /// No object at all.
    NotAnObject,
}

/// Cuts JSON text into its objects.
#[derive(Debug)]
pub(crate) struct JsonCutter {
    /// The next byte to look at.
    at: usize,
    /// Lists that are being read, from the outermost.
    lists: Vec<List>,
    value: Option<Value>,
    /// Looking for the next object after a fault.
    lost: Option<Lost>,
    /// The kind that the outermost list gives its elements.
    kind: Option<Box<str>>,
    /// The column, if only blanks stand before it.
    indent: Option<usize>,
    /// The list that is being read has no element yet.
    is_empty: bool,
}

impl Default for JsonCutter {
    fn default() -> Self {
        Self { at: 0, lists: Vec::new(), value: None, lost: None, kind: None, indent: Some(0), is_empty: false }
    }
}

/// A list whose elements are pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    /// An array.
    Array,
    /// The rest of an object after its list.
    Rest,
}

/// The value that is being read.
#[derive(Debug)]
struct Value {
    begin: usize,
    /// The column at which it begins, if only blanks stand before it.
    indent: Option<usize>,
    depth: u32,
    /// For each depth, whether it is an array.
    arrays: u128,
    in_string: bool,
    /// The last byte outside of strings that is not blank; a quote after a string.
    previous: u8,
    /// Where the string began.
    string: usize,
    /// The last key of the outermost object.
    key: Key,
    outermost: bool,
    deepest: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    List,
    Kind,
    Other,
}

#[derive(Debug)]
struct Lost {
    indent: Option<usize>,
    line_start: bool,
    begin: usize,
}

impl JsonCutter {
    /// The kind of the list that the elements come from, without its `List`.
    pub(crate) fn kind(&self) -> Option<&str> {
        self.kind.as_deref().filter(|_| !self.lists.is_empty())
    }

    /// Where the first byte stands that is still needed.
    pub(crate) fn needed_from(&self) -> usize {
        match (&self.value, &self.lost) {
            (Some(value), _) => value.begin,
            (None, Some(lost)) => lost.begin,
            (None, None) => self.at,
        }
    }

    /// The buffer has lost its first bytes.
    pub(crate) fn shift(&mut self, bytes: usize) {
        self.at -= bytes;
        if let Some(value) = &mut self.value {
            value.begin -= bytes;
            value.string = value.string.saturating_sub(bytes);
        }
        if let Some(lost) = &mut self.lost {
            lost.begin -= bytes;
        }
    }

    /// Where the next piece begins, if it is not begun yet, and its column, if only blanks stand before it: whoever can
    /// read it from there need not have it cut.
    pub(crate) fn ahead(&mut self, buffer: &[u8]) -> Option<(usize, Option<usize>)> {
        if self.lost.is_some() || self.value.is_some() || self.skip_blanks(buffer) != Some(b'{') {
            return None;
        }
        Some((self.at, self.indent))
    }

    /// The next piece was read without being cut; what is behind it begins there.
    pub(crate) fn pass(&mut self, end: usize) {
        if self.lists.is_empty() {
            self.kind = None;
        }
        (self.at, self.indent, self.is_empty) = (end, None, false);
    }

    /// Takes the next piece from the buffer; positions are relative to it.
    pub(crate) fn step(&mut self, buffer: &[u8], eof: bool) -> Step {
        loop {
            let step = if self.lost.is_some() {
                self.find(buffer, eof)
            } else if self.value.is_some() {
                self.read(buffer, eof)
            } else {
                self.between(buffer, eof)
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    /// Goes to the first byte of the next value, if it is there.
    fn skip_blanks(&mut self, buffer: &[u8]) -> Option<u8> {
        loop {
            match buffer.get(self.at)? {
                b'\n' => self.indent = Some(0),
                b' ' | b'\t' | b'\r' => self.indent = self.indent.map(|indent| indent + 1),
                b',' | 0x1e => self.indent = None,
                first => return Some(*first),
            }
            self.at += 1;
        }
    }

    /// Between values: at the outermost level or inside of a list.
    fn between(&mut self, buffer: &[u8], eof: bool) -> Option<Step> {
        if self.skip_blanks(buffer).is_none() {
            return Some(self.finish(eof));
        }
        let begin = self.at;
        let indent = self.indent.take();
        match (buffer[begin], self.lists.last()) {
            (b'{', list) => {
                if list.is_none() {
                    self.kind = None;
                }
                self.is_empty = false;
                self.value = Some(Value::new(begin, indent, self.lists.is_empty()));
                None
            }
            (b'[', None) => {
                self.lists.push(List::Array);
                self.kind = None;
                self.at += 1;
                None
            }
            (b']', Some(List::Array)) => {
                self.at += 1;
                self.lists.pop();
                if self.lists.last() == Some(&List::Rest) {
                    // The rest of the object: read on to its closing bracket as if it had just been opened.
                    let mut value = Value::new(self.at, None, false);
                    (value.depth, value.deepest, value.previous) = (1, 1, b']');
                    self.value = Some(value);
                    if std::mem::take(&mut self.is_empty) {
                        return Some(Step::Empty);
                    }
                }
                None
            }
            // A null element says nothing.
            (b'n', Some(List::Array)) if buffer[begin..].starts_with(b"null") => {
                self.at += 4;
                None
            }
            (b'n', Some(List::Array)) if !eof && b"null".starts_with(&buffer[begin..]) => Some(Step::More),
            (b'}' | b']', None) => {
                // What is left of an object that was given up.
                self.at += 1;
                None
            }
            _ => {
                self.lose(buffer, begin, begin + 1, None);
                Some(Step::Bad(Cut { begin, end: buffer.len().min(begin + EXCERPT_BYTES_MAX) }, Fault::NotAnObject))
            }
        }
    }

    fn finish(&mut self, eof: bool) -> Step {
        if !eof {
            return Step::More;
        }
        if self.lists.is_empty() {
            return Step::End;
        }
        self.lists.clear();
        Step::Bad(Cut { begin: self.at, end: self.at }, Fault::EndOfText)
    }

    /// Gives a piece up at `at`, and looks for the next one from there.
    fn lose(&mut self, buffer: &[u8], begin: usize, at: usize, indent: Option<usize>) {
        self.value = None;
        self.at = at;
        let line_start = at == 0 || buffer.get(at - 1) == Some(&b'\n');
        self.lost = Some(Lost { indent, line_start, begin });
    }

    /// After a fault: the next object at the beginning of a line, as deep as the lost one or at the outermost level.
    fn find(&mut self, buffer: &[u8], eof: bool) -> Option<Step> {
        let lost = self.lost.as_mut()?;
        loop {
            if lost.line_start {
                let line = &buffer[self.at..];
                let indent = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
                match line.get(indent) {
                    None if !eof && line.len() < 4096 => return Some(Step::More),
                    Some(b'{') if indent == 0 || Some(indent) == lost.indent => {
                        if indent == 0 && lost.indent != Some(0) {
                            self.lists.clear();
                        }
                        self.at += indent;
                        self.indent = Some(indent);
                        self.lost = None;
                        return None;
                    }
                    _ => lost.line_start = false,
                }
            }
            match memchr::memchr(b'\n', &buffer[self.at..]) {
                Some(newline) => {
                    self.at += newline + 1;
                    // Garbage is dropped line by line, so that it is never kept in memory.
                    (lost.line_start, lost.begin) = (true, self.at);
                }
                None => {
                    self.at = buffer.len();
                    lost.begin = self.at;
                    if eof {
                        self.lost = None;
                        self.lists.clear();
                    }
                    return Some(if eof { Step::End } else { Step::More });
                }
            }
        }
    }

    /// Inside of a value.
    fn read(&mut self, buffer: &[u8], eof: bool) -> Option<Step> {
        let value = self.value.as_mut()?;
        let begin = value.begin;
        let fault = loop {
            if self.at - begin > PIECE_BYTES_MAX {
                break Fault::TooLarge;
            }
            if value.in_string {
                match memchr3(b'"', b'\\', b'\n', &buffer[self.at..]).map(|found| found + self.at) {
                    None => {
                        self.at = buffer.len();
                        if eof {
                            break Fault::EndOfText;
                        }
                        return Some(Step::More);
                    }
                    Some(found) if buffer[found] == b'"' => {
                        value.in_string = false;
                        if value.depth == 1 && value.outermost {
                            value.end_string(&buffer[value.string..found], &mut self.kind);
                        }
                        value.previous = b'"';
                        self.at = found + 1;
                    }
                    Some(found) if buffer[found] == b'\\' => {
                        if found + 1 >= buffer.len() {
                            self.at = found;
                            if eof {
                                break Fault::EndOfText;
                            }
                            return Some(Step::More);
                        }
                        self.at = found + 2;
                    }
                    Some(found) => {
                        self.at = found + 1;
                        break Fault::OpenString;
                    }
                }
                continue;
            }
            let Some(&byte) = buffer.get(self.at) else {
                if eof {
                    break Fault::EndOfText;
                }
                return Some(Step::More);
            };
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => {
                    self.at += 1;
                    continue;
                }
                b'"' => {
                    value.in_string = true;
                    value.string = self.at + 1;
                    // A key of the outermost object, unless a colon stands before it.
                }
                b'{' => {
                    if !value.may_open() {
                        break Fault::Overrun;
                    }
                    value.open(false);
                }
                b'[' => {
                    if value.depth == 1 && value.outermost && value.previous == b':' && value.key == Key::List {
                        self.at += 1;
                        self.value = None;
                        self.lists.push(List::Rest);
                        self.lists.push(List::Array);
                        self.is_empty = true;
                        return None;
                    }
                    value.open(true);
                }
                b'}' | b']' => {
                    value.depth -= 1;
                    if value.depth == 0 {
                        self.at += 1;
                        let deep = value.deepest > DEPTH_MAX;
                        let cut = Cut { begin, end: self.at };
                        self.value = None;
                        if self.lists.last() == Some(&List::Rest) {
                            self.lists.pop();
                            self.kind = None;
                            return None;
                        }
                        return Some(if deep { Step::Bad(cut, Fault::TooDeep) } else { Step::Cut(cut) });
                    }
                }
                _ => {}
            }
            if byte != b'"' {
                value.previous = byte;
            }
            self.at += 1;
        };
        let (indent, end) = (value.indent, self.at);
        let rest = self.lists.last() == Some(&List::Rest);
        match fault {
            Fault::EndOfText => {
                self.value = None;
                self.lists.clear();
            }
            // The object that stands in the way may be the next one.
            Fault::Overrun => {
                let line = memchr::memrchr(b'\n', &buffer[begin..end]).map_or(begin, |newline| begin + newline + 1);
                let own_line = line > begin && buffer[line..end].iter().all(|byte| matches!(byte, b' ' | b'\t'));
                self.lose(buffer, begin, if own_line { line } else { end + 1 }, indent);
                if !own_line && self.lists.is_empty() {
                    // Two objects on one line: the second one begins here.
                    self.lost = None;
                    self.at = end;
                }
            }
            _ => self.lose(buffer, begin, end, indent),
        }
        if rest {
            self.lists.clear();
        }
        Some(Step::Bad(Cut { begin, end }, fault))
    }
}

impl Value {
    fn new(begin: usize, indent: Option<usize>, outermost: bool) -> Self {
        Self {
            begin,
            indent,
            depth: 0,
            arrays: 0,
            in_string: false,
            previous: 0,
            string: 0,
            key: Key::Other,
            outermost,
            deepest: 0,
        }
    }

    fn open(&mut self, array: bool) {
        if self.depth < 128 {
            let bit = 1_u128 << self.depth;
            self.arrays = if array { self.arrays | bit } else { self.arrays & !bit };
        }
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
    }

    /// Whether an object may begin here: first, after a colon, or as an element.
    fn may_open(&self) -> bool {
        let in_array = self.depth.checked_sub(1).is_some_and(|level| level < 128 && self.arrays >> level & 1 == 1);
        self.depth == 0
            || self.depth >= 128
            || self.previous == b':'
            || (in_array && matches!(self.previous, b'[' | b','))
    }

    /// A string of the outermost object ends.
    fn end_string(&mut self, text: &[u8], kind: &mut Option<Box<str>>) {
        if self.previous != b':' {
            self.key = match text {
                b"items" | b"alerts" => Key::List,
                b"kind" => Key::Kind,
                _ => Key::Other,
            };
        } else if self.key == Key::Kind {
            let text = std::str::from_utf8(text).ok().and_then(|text| text.strip_suffix("List"));
            *kind = text.filter(|text| !text.is_empty()).map(Into::into);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cuts the text, fed in steps of every given size, and shows pieces and faults.
    fn check(text: &str, expect: &[&str]) {
        for size in [1, 2, 3, 7, usize::MAX] {
            assert_eq!(cut(text.as_bytes(), size), expect, "in steps of {size}: {text}");
        }
    }

    fn cut(text: &[u8], size: usize) -> Vec<String> {
        let (mut cutter, mut buffer, mut fed, mut found) = (JsonCutter::default(), Vec::new(), 0, Vec::new());
        loop {
            let next = fed + size.min(text.len() - fed);
            buffer.extend_from_slice(&text[fed..next]);
            fed = next;
            loop {
                match cutter.step(&buffer, fed == text.len()) {
                    Step::Cut(cut) => {
                        let kind = cutter.kind().map_or(String::new(), |kind| format!("{kind}:"));
                        found.push(format!("{kind}{}", String::from_utf8_lossy(&buffer[cut.begin..cut.end])));
                    }
                    Step::Bad(_, fault) => found.push(format!("{fault:?}")),
                    Step::Empty => found.push("Empty".to_owned()),
                    Step::More => break,
                    Step::End => return found,
                }
            }
            let from = cutter.needed_from();
            buffer.drain(..from);
            cutter.shift(from);
        }
    }

    #[test]
    fn objects_of_any_layout_are_cut_apart() {
        check("", &[]);
        check(r#"{"a":1}"#, &[r#"{"a":1}"#]);
        check(
            "{\"a\":{\n\"b\":[1,{}]}}\n{\"c\":\"}{\\\"\\\\\"}",
            &["{\"a\":{\n\"b\":[1,{}]}}", "{\"c\":\"}{\\\"\\\\\"}"],
        );
        check(r#"{"a":1}{"b":2}"#, &[r#"{"a":1}"#, r#"{"b":2}"#]);
        check(r#"[{"a":1}, {"b":2} ]"#, &[r#"{"a":1}"#, r#"{"b":2}"#]);
        check("\u{1e}{\"a\":1}\n\u{1e}{\"b\":2}\n", &[r#"{"a":1}"#, r#"{"b":2}"#]);
    }

    #[test]
    fn elements_of_lists_are_cut_apart() {
        check(
            r#"{"kind":"PodList","metadata":{"a":[]},"items":[{"a":1},null,{"b":[]}],"x":{"items":[{}]}} {"c":3}"#,
            &[r#"Pod:{"a":1}"#, r#"Pod:{"b":[]}"#, r#"{"c":3}"#],
        );
        check(r#"{"version":"4","alerts":[{"a":1}],"status":"firing"}"#, &[r#"{"a":1}"#]);
        check(r#"{"items":[]}"#, &["Empty"]);
        check(r#"{"kind":"PodList","items":[ ],"metadata":{}} {"a":1}"#, &["Empty", r#"{"a":1}"#]);
        check(r#"{"items":null}"#, &[r#"{"items":null}"#]);
        check(r#"{"x":{"items":[{}]}}"#, &[r#"{"x":{"items":[{}]}}"#]);
        check(r#"{"key":"items","value":[{}]}"#, &[r#"{"key":"items","value":[{}]}"#]);
    }

    #[test]
    fn one_bad_piece_does_not_cost_the_others() {
        check("{\"a\":1\n{\"b\":2}\n", &["Overrun", r#"{"b":2}"#]);
        check("{\"a\":{\"x\":1}\n{\"b\":2}\n{\"c\":3}\n", &["Overrun", r#"{"b":2}"#, r#"{"c":3}"#]);
        check("{\"a\":\"x\n{\"b\":2}\n", &["OpenString", r#"{"b":2}"#]);
        check("{\"a\":1", &["EndOfText"]);
        check("{\"items\":[{\"a\":1},{\"b\":", &[r#"{"a":1}"#, "EndOfText"]);
        check("{\"items\":[{\"a\":1}", &[r#"{"a":1}"#, "EndOfText"]);
        check(
            "{\n \"items\": [\n  {\n   \"a\": \"x\n  },\n  {\n   \"b\": 2\n  }\n ]\n}\n",
            &["OpenString", "{\n   \"b\": 2\n  }"],
        );
        check("garbage\n{\"a\":1}\nmore {\n", &["NotAnObject", r#"{"a":1}"#, "NotAnObject"]);
        check("[1, 2, \"x\"\n{\"a\":1}", &["NotAnObject", r#"{"a":1}"#]);
        check("}}]{\"a\":1}", &[r#"{"a":1}"#]);
    }

    #[test]
    fn depth_bombs_are_counted_and_not_followed() {
        let bomb = format!("{{\"a\":{}1{}}}\n{{\"b\":2}}", "[".repeat(5_000), "]".repeat(5_000));
        assert_eq!(cut(bomb.as_bytes(), usize::MAX), ["TooDeep", r#"{"b":2}"#]);
        let open = "[".repeat(100_000);
        assert_eq!(cut(open.as_bytes(), usize::MAX), ["NotAnObject"]);
        let objects = "{\"a\":".repeat(100_000);
        assert_eq!(cut(objects.as_bytes(), usize::MAX), ["EndOfText"]);
    }
}
