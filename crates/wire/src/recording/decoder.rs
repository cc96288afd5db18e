//! From the bytes of one source to drafts: cut into pieces, read each, and name what cannot be used.

use crate::recording::draft::Draft;
use crate::recording::rejected::Rejected;
use crate::recording::sniff::{Format, SNIFF_BYTES, sniff};
use crate::recording::splitter::{Fault, JsonCutter, PIECE_BYTES_MAX, Step};
use crate::recording::table::TableCutter;
use crate::recording::yaml::YamlCutter;
use bellbuoy_core::object::Scope;
use reader::{Place, Reader};
use utf8::Utf8;

mod ahead;
mod reader;
mod utf8;
mod words;

pub use ahead::{Ahead, Layout};

/// Bytes of a source that are read in search of the first object before it counts as foreign.
const SEARCH_BYTES_MAX: u64 = 1024 * 1024;

/// What a source held.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A report.
    Draft(Box<Draft>),
    /// A piece, or a time in one, that could not be used.
    Rejected(Rejected),
    /// A piece that is left out on purpose.
    Ignored(Ignored),
}

/// What is left out on purpose, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ignored {
    /// A DELETED notification of an Event: its time to live is over, and nothing has recovered.
    ExpiredEvent,
    /// A BOOKMARK notification.
    Bookmark,
    /// An ERROR notification, or a Status: the words of an API server about a request.
    Status,
    /// What somebody applied, and not what a cluster said.
    Manifest,
    /// The frame of a list, or a list without items.
    EmptyList,
    /// An alert of Prometheus whose condition has not held for its time yet.
    PendingAlert,
}

impl Ignored {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExpiredEvent => "an Event whose time to live is over",
            Self::Bookmark => "a bookmark",
            Self::Status => "a Status of an API server",
            Self::Manifest => "a manifest, not an observation",
            Self::EmptyList => "a list without items",
            Self::PendingAlert => "an alert that does not fire yet",
        }
    }
}

/// Reads one source, fed in chunks of any size.
#[derive(Debug)]
pub struct Decoder {
    scope: Scope,
    buffer: Vec<u8>,
    /// Offset of the buffer in the source.
    base: u64,
    /// Newlines before `counted`.
    line: u64,
    /// Position in the buffer up to which lines were counted.
    counted: usize,
    cutter: Option<Cutter>,
    foreign: Option<&'static str>,
    /// Pieces that look like a recording, well-formed or not.
    claims: u64,
    layout: Option<Layout>,
    ahead: Ahead,
}

#[derive(Debug)]
enum Cutter {
    Json(JsonCutter),
    Yaml(YamlCutter),
    Table(TableCutter),
}

impl Decoder {
    /// A decoder of one source, for the scope of what names no cluster of its own.
    pub fn new(scope: Scope) -> Self {
        let (layout, ahead) = (None, Ahead::default());
        Self {
            scope,
            buffer: Vec::new(),
            base: 0,
            line: 0,
            counted: 0,
            cutter: None,
            foreign: None,
            claims: 0,
            layout,
            ahead,
        }
    }

    /// Why this source is no recording, if it is none: foreign by its first bytes, or without a single object.
    pub fn foreign(&self) -> Option<&'static str> {
        self.foreign.or_else(|| (self.claims == 0).then_some("not a recording of objects"))
    }

    /// Whether reading on is in vain.
    pub fn is_hopeless(&self) -> bool {
        self.foreign.is_some() || (self.claims == 0 && self.base > SEARCH_BYTES_MAX)
    }

    /// Takes the next bytes of the source.
    pub fn feed(&mut self, bytes: &[u8], mut sink: impl FnMut(Item)) {
        if self.foreign.is_some() {
            return;
        }
        self.buffer.extend_from_slice(bytes);
        if self.cutter.is_some() || self.buffer.len() >= SNIFF_BYTES {
            self.run(false, &mut sink);
        }
    }

    /// How the pieces that came last lie in the source, if they can be read ahead.
    pub fn layout(&self) -> Option<&Layout> {
        self.layout.as_ref()
    }

    /// Takes the next bytes of the source, with what was read ahead of them. A layout that led to nothing is forgotten.
    pub fn feed_ahead(&mut self, bytes: &[u8], ahead: Ahead, sink: impl FnMut(Item)) {
        let pieces = ahead.len();
        self.ahead = ahead;
        self.feed(bytes, sink);
        if std::mem::take(&mut self.ahead).taken == 0 && pieces > 0 {
            self.layout = None;
        }
    }

    /// The source ends.
    pub fn finish(&mut self, mut sink: impl FnMut(Item)) {
        if self.foreign.is_none() {
            self.run(true, &mut sink);
        }
    }

    fn run(&mut self, eof: bool, sink: &mut dyn FnMut(Item)) {
        if self.cutter.is_none() {
            let head = &self.buffer[..self.buffer.len().min(SNIFF_BYTES)];
            self.cutter = match sniff(head) {
                Format::Json => Some(Cutter::Json(JsonCutter::default())),
                Format::Yaml => Some(Cutter::Yaml(YamlCutter::default())),
                Format::Table => Some(Cutter::Table(TableCutter::default())),
                Format::Foreign(why) => {
                    (self.foreign, self.buffer) = (Some(why), Vec::new());
                    return;
                }
            };
            if self.buffer.starts_with(&[0xef, 0xbb, 0xbf]) {
                self.buffer.drain(..3);
                self.base = 3;
            }
        }
        let Some(mut cutter) = self.cutter.take() else { return };
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut text = Utf8::default();
        loop {
            if let Cutter::Json(json) = &mut cutter
                && let Some((begin, indent)) = json.ahead(&buffer)
            {
                let place = self.place(&buffer, begin, &cutter);
                let mut reader = Reader { scope: &self.scope, claims: &mut self.claims, sink };
                let length = self.ahead.take(place, &mut reader);
                let length = length.or_else(|| reader.at_once(text.behind(&buffer, begin)?, place));
                if let Some(length) = length {
                    if self.layout.is_none() {
                        self.layout = indent.map(|indent| Layout { kind: place.kind.into(), indent });
                    }
                    if let Cutter::Json(json) = &mut cutter {
                        json.pass(begin + length);
                    }
                    continue;
                }
            }
            let step = match &mut cutter {
                Cutter::Json(json) => json.step(&buffer, eof),
                Cutter::Yaml(yaml) => yaml.step(&buffer, eof),
                Cutter::Table(table) => table.step(&buffer, eof),
            };
            match step {
                Step::Cut(cut) => {
                    let place = self.place(&buffer, cut.begin, &cutter);
                    let piece = &buffer[cut.begin..cut.end];
                    let mut reader = Reader { scope: &self.scope, claims: &mut self.claims, sink };
                    match &cutter {
                        Cutter::Json(_) => reader.json(piece, place),
                        Cutter::Yaml(_) => reader.yaml(piece, place),
                        Cutter::Table(table) => reader.row(piece, table, place),
                    }
                }
                Step::Bad(cut, fault) => {
                    let place = self.place(&buffer, cut.begin, &cutter);
                    let piece = &buffer[cut.begin..cut.end];
                    let mut reader = Reader { scope: &self.scope, claims: &mut self.claims, sink };
                    // What is nested deeply where nobody looks does no harm.
                    let is_read = fault == Fault::TooDeep
                        && std::str::from_utf8(piece).is_ok_and(|text| reader.at_once(text, place).is_some());
                    if !is_read {
                        reader.fault(piece, place, fault);
                    }
                }
                Step::Empty => {
                    self.claims += 1;
                    sink(Item::Ignored(Ignored::EmptyList));
                }
                Step::More | Step::End => break,
            }
        }
        let mut from = match &cutter {
            Cutter::Json(json) => json.needed_from(),
            Cutter::Yaml(yaml) => yaml.needed_from(),
            Cutter::Table(table) => table.needed_from(),
        };
        if !matches!(cutter, Cutter::Json(_)) && buffer.len() - from > PIECE_BYTES_MAX {
            let begin = from;
            from = match &mut cutter {
                Cutter::Json(_) => from,
                Cutter::Yaml(yaml) => yaml.skip(),
                Cutter::Table(table) => table.skip(buffer.len()),
            };
            let place = self.place(&buffer, begin, &cutter);
            let mut reader = Reader { scope: &self.scope, claims: &mut self.claims, sink };
            reader.fault(&buffer[begin..], place, Fault::TooLarge);
        }
        self.count_lines(&buffer, from);
        buffer.drain(..from);
        (self.base, self.counted) = (self.base + from as u64, 0);
        match &mut cutter {
            Cutter::Json(json) => json.shift(from),
            Cutter::Yaml(yaml) => yaml.shift(from),
            Cutter::Table(table) => table.shift(from),
        }
        (self.cutter, self.buffer) = (Some(cutter), buffer);
    }

    fn count_lines(&mut self, buffer: &[u8], to: usize) {
        if to > self.counted {
            self.line += memchr::memchr_iter(b'\n', &buffer[self.counted..to]).count() as u64;
            self.counted = to;
        }
    }

    fn place<'c>(&mut self, buffer: &[u8], begin: usize, cutter: &'c Cutter) -> Place<'c> {
        self.count_lines(buffer, begin);
        let kind = match cutter {
            Cutter::Json(json) => json.kind().unwrap_or_default(),
            Cutter::Yaml(_) | Cutter::Table(_) => "",
        };
        Place::outermost(self.line + 1, self.base + begin as u64, kind)
    }
}

#[cfg(test)]
mod tests;
