//! Pieces that were read before their turn, so that another thread can read them.
//!
//! What is read of a piece in one pass depends on its bytes, on the kind that its list gives, and on nothing before it.
//! So a part of a source can be read by a guess where pieces begin in it, and a decoder that comes to a piece takes what
//! was read exactly there. A wrong guess costs time and changes nothing.

use super::Item;
use super::reader::{Place, Reader};
use bellbuoy_core::object::Scope;
use std::collections::VecDeque;

/// Guesses in one part that may lead to nothing. Each takes no longer than to read the part.
const FAILURES_MAX: u32 = 8;

/// How the pieces of a source lie in it, as its decoder has seen it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The kind that the list of the pieces gives them; empty where it gives none.
    pub(super) kind: Box<str>,
    /// The column at which pieces begin, with only blanks before it.
    pub(super) indent: usize,
}

/// What was read ahead of a part of a source, in its order.
#[derive(Debug, Default)]
pub struct Ahead {
    kind: Box<str>,
    pieces: VecDeque<Piece>,
    /// How many the decoder came to.
    pub(super) taken: usize,
}

#[derive(Debug)]
struct Piece {
    /// Where it begins in the source.
    offset: u64,
    length: usize,
    item: Item,
    claims: u64,
}

impl Layout {
    /// Reads a part of a source that begins at an offset.
    pub fn read_ahead(&self, scope: &Scope, part: &[u8], offset: u64) -> Ahead {
        let mut ahead = Ahead { kind: self.kind.clone(), ..Ahead::default() };
        let text = match std::str::from_utf8(part) {
            Ok(text) => text,
            // A part may end inside of a character. What is no UTF-8 is not read ahead.
            Err(error) => std::str::from_utf8(&part[..error.valid_up_to()]).unwrap_or_default(),
        };
        let (mut from, mut failures) = (0, 0);
        while failures < FAILURES_MAX
            && let Some(mut begin) = self.next_line(text.as_bytes(), from)
        {
            let pieces = ahead.len();
            while let Some(length) = ahead.read(scope, &text[begin..], offset + begin as u64) {
                begin += length;
                begin += blanks(&text.as_bytes()[begin..]);
            }
            failures += u32::from(ahead.len() == pieces);
            from = begin;
        }
        ahead
    }

    /// Where the next line begins with an object at that column.
    fn next_line(&self, part: &[u8], from: usize) -> Option<usize> {
        memchr::memchr_iter(b'\n', &part[from..]).map(|newline| from + newline + 1).find_map(|line| {
            let blanks = part[line..].iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
            (blanks == self.indent && part.get(line + blanks) == Some(&b'{')).then_some(line + blanks)
        })
    }
}

/// Bytes that may stand between two pieces.
fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | 0x1e)).count()
}

impl Ahead {
    /// How many pieces were read.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Reads the piece at the beginning of a text and returns its length.
    fn read(&mut self, scope: &Scope, text: &str, offset: u64) -> Option<usize> {
        if !text.starts_with('{') {
            return None;
        }
        let (mut claims, mut found) = (0, None);
        let mut sink = |item| found = Some(item);
        let mut reader = Reader { scope, claims: &mut claims, sink: &mut sink };
        let length = reader.at_once(text, Place::outermost(0, offset, &self.kind))?;
        self.pieces.push_back(Piece { offset, length, item: found?, claims });
        Some(length)
    }

    /// Hands the piece at a place to its reader, if it was read ahead, and returns its length. Places come in order.
    pub(super) fn take(&mut self, place: Place<'_>, reader: &mut Reader<'_>) -> Option<usize> {
        while self.pieces.pop_front_if(|piece| piece.offset < place.offset).is_some() {}
        let piece = self.pieces.pop_front_if(|piece| piece.offset == place.offset && *self.kind == *place.kind)?;
        let item = match piece.item {
            Item::Draft(mut draft) => {
                // Whoever read ahead did not know how many lines stand before the part.
                draft.line = place.line;
                Item::Draft(draft)
            }
            item => item,
        };
        self.taken += 1;
        *reader.claims += piece.claims;
        (reader.sink)(item);
        Some(piece.length)
    }
}
