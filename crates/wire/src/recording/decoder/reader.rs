//! What one piece of a source is, and what comes of it.

use super::words::{near, position};
use super::{Ignored, Item};
use crate::alertmanager::{self, RawAlert};
use crate::kubernetes::raw::RawPiece;
use crate::kubernetes::whole::Whole;
use crate::kubernetes::{event, object, shape};
use crate::recording::dated;
use crate::recording::draft::{Draft, Manner};
use crate::recording::envelope::{self, Content};
use crate::recording::field::Field;
use crate::recording::rejected::{Reason, Rejected, as_shown, excerpt};
use crate::recording::sniff::SNIFF_BYTES;
use crate::recording::splitter::{Fault, PIECE_BYTES_MAX};
use crate::recording::table::TableCutter;
use crate::recording::times::Times;
use crate::recording::yaml::to_json;
use bellbuoy_core::fact::{Body, Source};
use bellbuoy_core::object::Scope;
use bellbuoy_core::report::ObjectReport;
use serde_json::value::RawValue;

/// How deep lists may hold lists and notifications.
const NESTING_MAX: u32 = 4;

/// Where a piece stands, and what is known of it from outside.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    pub(super) line: u64,
    pub(super) offset: u64,
    /// The kind that its list gives.
    pub(super) kind: &'p str,
    /// The time of arrival that was written around it.
    pub(super) arrival: Option<&'p str>,
    pub(super) nesting: u32,
    pub(super) notification: Notification,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Notification {
    None,
    Added,
    Modified,
    Deleted,
}

impl<'p> Place<'p> {
    pub(super) fn outermost(line: u64, offset: u64, kind: &'p str) -> Self {
        Self { line, offset, kind, arrival: None, nesting: 0, notification: Notification::None }
    }
}

/// Reads pieces.
pub(super) struct Reader<'r> {
    pub(super) scope: &'r Scope,
    pub(super) claims: &'r mut u64,
    pub(super) sink: &'r mut dyn FnMut(Item),
}

impl Reader<'_> {
    fn reject(&mut self, place: Place<'_>, reason: Reason, detail: String, piece: &[u8]) {
        let Place { line, offset, .. } = place;
        (self.sink)(Item::Rejected(Rejected { line, offset, reason, detail, excerpt: excerpt(piece) }));
    }

    fn ignore(&mut self, ignored: Ignored) {
        (self.sink)(Item::Ignored(ignored));
    }

    /// Whether broken text looks like a piece of a recording, so that the source is one.
    fn claim_if_it_looks_so(&mut self, piece: &[u8]) {
        let head = &piece[..piece.len().min(SNIFF_BYTES)];
        let keys =
            ["\"apiVersion\"", "\"kind\"", "\"involvedObject\"", "\"metadata\"", "\"labels\"", "apiVersion:", "kind:"];
        if keys.iter().any(|key| memchr::memmem::find(head, key.as_bytes()).is_some()) {
            *self.claims += 1;
        }
    }

    pub(super) fn fault(&mut self, piece: &[u8], place: Place<'_>, fault: Fault) {
        if fault != Fault::NotAnObject {
            self.claim_if_it_looks_so(piece);
        }
        let length = piece.len();
        let (reason, detail) = match fault {
            Fault::EndOfText => (
                Reason::Truncated,
                format!("the text ends after {length} bytes; expected the rest of the object or list"),
            ),
            Fault::Overrun => (
                Reason::Truncated,
                format!("another object begins after {length} bytes; expected the rest of this one"),
            ),
            Fault::OpenString => (
                Reason::Truncated,
                format!("a line ends inside of a string after {length} bytes; expected a closing quote"),
            ),
            Fault::TooLarge => {
                (Reason::TooLarge, format!("{length} bytes without an end; expected at most {PIECE_BYTES_MAX}"))
            }
            Fault::TooDeep => (Reason::TooDeep, "nested more than 127 levels; no object is".to_owned()),
            Fault::NotAnObject => {
                let found: String = String::from_utf8_lossy(piece).chars().take(20).collect();
                (Reason::Unrecognised, format!("found {found:?}; expected an object that begins with {{"))
            }
        };
        self.reject(place, reason, detail, piece);
    }

    /// Reads the piece at the beginning of a text in one pass, wherever it ends, and returns its length. Nothing comes
    /// of a piece with anything wrong, and of a list: what these are takes a closer look, at the piece alone.
    pub(super) fn at_once(&mut self, text: &str, place: Place<'_>) -> Option<usize> {
        let mut pieces = serde_json::Deserializer::from_str(text).into_iter::<Whole<'_>>();
        let Whole(piece) = pieces.next()?.ok()?;
        let length = pieces.byte_offset();
        let has_list = [piece.items, piece.alerts].into_iter().flatten().any(|list| list.get().starts_with('['));
        // What a search engine or the API of Prometheus answers with: a list in an envelope.
        let is_answer = piece.kind.is_empty() && place.kind.is_empty() && piece.hits.or(piece.data).is_some();
        if has_list || is_answer || length > PIECE_BYTES_MAX {
            return None;
        }
        let (mut found, mut claims, mut is_wrong) = (None, *self.claims, false);
        let mut sink = |item| match (item, &found) {
            (Item::Rejected(_), _) | (_, Some(_)) => is_wrong = true,
            (item, None) => found = Some(item),
        };
        let mut reader = Reader { scope: self.scope, claims: &mut claims, sink: &mut sink };
        reader.piece(&text[..length], &piece, place);
        let item = found.filter(|_| !is_wrong)?;
        *self.claims = claims;
        (self.sink)(item);
        Some(length)
    }

    pub(super) fn json(&mut self, piece: &[u8], place: Place<'_>) {
        match std::str::from_utf8(piece) {
            Ok(text) if self.at_once(text, place).is_some() => {}
            Ok(text) => self.text(text, place),
            Err(error) => self.not_utf8(piece, place, error),
        }
    }

    fn not_utf8(&mut self, piece: &[u8], place: Place<'_>, error: std::str::Utf8Error) {
        self.claim_if_it_looks_so(piece);
        let at = error.valid_up_to();
        let byte = piece.get(at).copied().unwrap_or_default();
        let detail = format!("byte {byte:#04x} at {at} of the object{}; expected UTF-8", near(piece, at));
        self.reject(place, Reason::Encoding, detail, piece);
    }

    pub(super) fn yaml(&mut self, piece: &[u8], place: Place<'_>) {
        let text = match std::str::from_utf8(piece) {
            Ok(text) => text,
            Err(error) => return self.not_utf8(piece, place, error),
        };
        match to_json(text) {
            Ok((json, comment)) => {
                // A recorder that keeps objects as they are writes the time of arrival into a comment before them.
                let comment = comment.and_then(|comment| serde_json::from_str::<RawPiece<'_>>(comment).ok());
                let arrival = comment.as_ref().map(RawPiece::arrival);
                self.text(&json, Place { arrival: arrival.flatten(), ..place });
            }
            Err(error) => {
                self.claim_if_it_looks_so(piece);
                self.reject(place, Reason::Malformed, format!("expected YAML of an object: {error}"), piece);
            }
        }
    }

    /// A row of a table.
    pub(super) fn row(&mut self, row: &[u8], table: &TableCutter, place: Place<'_>) {
        *self.claims += 1;
        match std::str::from_utf8(row).map(|text| table.to_json(text)) {
            Ok(Ok(json)) => self.text(&json, place),
            Ok(Err(expected)) => self.reject(place, Reason::Malformed, format!("a row of a table: {expected}"), row),
            Err(error) => self.not_utf8(row, place, error),
        }
    }

    pub(super) fn text(&mut self, text: &str, place: Place<'_>) {
        match serde_json::from_str::<RawPiece<'_>>(text) {
            Ok(piece) => self.piece(text, &piece, place),
            Err(error) => self.wrong(text, text, place, &error),
        }
    }

    /// A piece, or a part of one, that the parser refused.
    fn wrong(&mut self, text: &str, part: &str, place: Place<'_>, error: &serde_json::Error) {
        self.claim_if_it_looks_so(text.as_bytes());
        let at = position(part, error.line(), error.column());
        let reason = match error.classify() {
            serde_json::error::Category::Data => Reason::WrongType,
            serde_json::error::Category::Eof => Reason::Truncated,
            _ if error.to_string().starts_with("recursion limit") => Reason::TooDeep,
            _ => Reason::Malformed,
        };
        let words = error.to_string();
        let words = words.split(" at line ").next().unwrap_or_default();
        let detail: String = format!("{words}{}", near(part.as_bytes(), at)).chars().take(400).collect();
        self.reject(place, reason, detail, text.as_bytes());
    }

    fn piece(&mut self, text: &str, piece: &RawPiece<'_>, place: Place<'_>) {
        if place.nesting > NESTING_MAX {
            let detail = format!("a list in a list, {NESTING_MAX} times over; expected an object");
            return self.reject(place, Reason::TooDeep, detail, text.as_bytes());
        }
        let inner = Place { arrival: place.arrival.or_else(|| piece.arrival()), nesting: place.nesting + 1, ..place };
        if let Some(object) = &piece.parts.object {
            if let Some(place) = self.notification(piece.type_name.as_str(), text, inner) {
                self.piece(text, object, place);
            }
            return;
        }
        if let Some(object) = piece.object.map(RawValue::get).filter(|object| object.starts_with('{')) {
            if let Some(place) = self.notification(piece.type_name.as_str(), object, inner) {
                self.text(object, place);
            }
            return;
        }
        if let Some(items) = piece.items.or(piece.alerts).filter(|items| items.get().starts_with('[')) {
            let kind = piece.kind.as_str().strip_suffix("List").unwrap_or_default();
            return self.items(text, items, Place { kind, ..inner });
        }
        if let Some(content) = envelope::open(piece, text) {
            return self.content(text, content, inner);
        }
        // An alert has labels of its own; objects have theirs in `metadata`.
        if piece.metadata.name.is_empty() && piece.kind.is_empty() && alertmanager::is_alert(piece) {
            return self.alert(text, inner);
        }
        let kind = if piece.kind.is_empty() { place.kind } else { piece.kind.as_str() };
        if event::is_event(piece, kind) {
            return self.event(text, piece, inner);
        }
        let is_nameless = piece.metadata.name.is_empty() || !kind.is_empty();
        let kind = if is_nameless { kind } else { shape::kind_of(piece).unwrap_or_default() };
        match kind {
            "Status" => {
                *self.claims += 1;
                self.ignore(Ignored::Status);
            }
            _ if kind.ends_with("List") && piece.metadata.name.is_empty() => {
                *self.claims += 1;
                self.ignore(Ignored::EmptyList);
            }
            "" => {
                let detail = "no kind, no involvedObject, and no labels of an alert; expected an object of Kubernetes or an alert";
                self.reject(place, Reason::Unrecognised, detail.to_owned(), text.as_bytes());
            }
            // Settings of programs have a kind and no name.
            _ if piece.metadata.name.is_empty() && object::is_manifest(piece) && !piece.api_version.is_empty() => {
                self.ignore(Ignored::Manifest);
            }
            _ if piece.metadata.name.is_empty() => {
                self.claim_if_it_looks_so(text.as_bytes());
                let detail = format!("metadata.name of a {} is empty; expected the object's name", as_shown(kind));
                self.reject(place, Reason::NoObject, detail, text.as_bytes());
            }
            _ if object::is_manifest(piece) && inner.arrival.is_none() && place.notification == Notification::None => {
                self.ignore(Ignored::Manifest);
            }
            kind => self.object(text, piece, kind, inner),
        }
    }

    /// What stands in an envelope of another tool.
    fn content(&mut self, text: &str, content: Content<'_>, place: Place<'_>) {
        match content {
            Content::Notification(verb, event) => {
                if let Some(place) = self.notification(verb, event.get(), place) {
                    self.text(event.get(), place);
                }
            }
            Content::Pieces(pieces) => self.pieces(text, pieces.into_iter().map(Some), place),
            Content::Respelt(piece) => self.text(&piece, place),
            Content::Lines(lines) => lines.iter().for_each(|line| match line.as_str().trim() {
                line if line.starts_with('{') => self.text(line, place),
                line => {
                    let detail = "a line of a log that is no JSON; expected an Event of Kubernetes".to_owned();
                    self.reject(place, Reason::Unrecognised, detail, line.as_bytes());
                }
            }),
        }
    }

    /// The place of what a notification carries, if it carries the state of an object.
    fn notification<'p>(&mut self, verb: &str, object: &str, place: Place<'p>) -> Option<Place<'p>> {
        *self.claims += 1;
        let notification = match verb {
            "ADDED" => Notification::Added,
            "DELETED" => Notification::Deleted,
            "BOOKMARK" => {
                self.ignore(Ignored::Bookmark);
                return None;
            }
            "ERROR" => {
                self.ignore(Ignored::Status);
                return None;
            }
            // Recorders that leave the type out mean the object as it is now.
            "MODIFIED" | "" => Notification::Modified,
            other => {
                let other = as_shown(other);
                let detail = format!("type is {other:?}; expected ADDED, MODIFIED, DELETED, BOOKMARK or ERROR");
                self.reject(place, Reason::Unrecognised, detail, object.as_bytes());
                return None;
            }
        };
        Some(Place { notification, ..place })
    }

    fn items(&mut self, text: &str, items: &RawValue, place: Place<'_>) {
        match serde_json::from_str::<Vec<Option<&RawValue>>>(items.get()) {
            Ok(items) => self.pieces(text, items.into_iter(), place),
            Err(error) => self.wrong(text, items.get(), place, &error),
        }
    }

    fn pieces<'i>(&mut self, text: &str, items: impl ExactSizeIterator<Item = Option<&'i RawValue>>, place: Place<'_>) {
        if items.len() == 0 {
            *self.claims += 1;
            return self.ignore(Ignored::EmptyList);
        }
        for item in items.flatten() {
            let offset = (item.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize) as u64;
            self.text(item.get(), Place { offset: place.offset + offset, ..place });
        }
    }

    fn alert(&mut self, text: &str, place: Place<'_>) {
        let raw: RawAlert<'_> = match serde_json::from_str(text) {
            Ok(raw) => raw,
            Err(error) => return self.wrong(text, text, place, &error),
        };
        if raw.is_pending() {
            *self.claims += 1;
            return self.ignore(Ignored::PendingAlert);
        }
        let mut times = Times::default();
        match alertmanager::read(&raw, &mut times) {
            Ok(alert) => {
                *self.claims += 1;
                let scope = alert.scope.unwrap_or_else(|| self.scope.clone());
                let mut object = alert.object;
                if &*object.kind == "Cluster" {
                    object.name = scope.0.clone();
                }
                let draft = Draft {
                    id: None,
                    scope,
                    source: Source::Alerts,
                    object,
                    manner: alert.manner,
                    stamps: Vec::new(),
                    ages: Vec::new(),
                    body: Body::Alert(alert.report),
                    line: place.line,
                    offset: place.offset,
                };
                self.draft(text, draft, times, place);
            }
            Err(why) => self.reject(place, Reason::Unrecognised, format!("an alert: {why}"), text.as_bytes()),
        }
    }

    fn event(&mut self, text: &str, piece: &RawPiece<'_>, place: Place<'_>) {
        *self.claims += 1;
        if place.notification == Notification::Deleted {
            return self.ignore(Ignored::ExpiredEvent);
        }
        let mut times = Times::default();
        let Some((object, report)) = event::read(piece, &mut times) else {
            let reason = as_shown(piece.reason.as_str());
            let detail =
                format!("an Event with reason {reason:?} has no involvedObject.name, regarding.name or namespace");
            return self.reject(place, Reason::NoObject, detail, text.as_bytes());
        };
        // The first notification of an Event tells its past as a list would; later ones tell what is new.
        let manner = match place.notification {
            Notification::Modified => Manner::Streamed,
            _ => Manner::Dumped,
        };
        let draft = Draft {
            id: None,
            scope: self.scope.clone(),
            source: Source::Events,
            object,
            manner,
            stamps: Vec::new(),
            ages: Vec::new(),
            body: Body::Event(report),
            line: place.line,
            offset: place.offset,
        };
        self.draft(text, draft, times, place);
    }

    fn object(&mut self, text: &str, piece: &RawPiece<'_>, kind: &str, place: Place<'_>) {
        *self.claims += 1;
        let mut times = Times::default();
        let deleted = place.notification == Notification::Deleted;
        let (object, report): (_, ObjectReport) = match object::read(piece, kind, deleted, &mut times) {
            Ok(read) => read,
            Err(error) => {
                let name = as_shown(piece.metadata.name.as_str());
                let words = error.to_string();
                let words = words.split(" at line ").next().unwrap_or_default();
                let detail = format!("{} {name}: {words}", as_shown(kind));
                return self.reject(place, Reason::WrongType, detail, text.as_bytes());
            }
        };
        let draft = Draft {
            id: None,
            scope: self.scope.clone(),
            source: Source::Objects,
            object,
            manner: if place.notification == Notification::None { Manner::Dumped } else { Manner::Streamed },
            stamps: Vec::new(),
            ages: Vec::new(),
            body: Body::Object(Box::new(report)),
            line: place.line,
            offset: place.offset,
        };
        self.draft(text, draft, times, place);
    }

    fn draft(&mut self, text: &str, mut draft: Draft, mut times: Times, place: Place<'_>) {
        if let Some(arrival) = place.arrival {
            times.arrived(arrival);
        }
        for wrong in &times.wrong {
            let detail = format!("{}: {wrong}", as_shown(draft.object.entity()));
            self.reject(place, Reason::ImplausibleTime, detail, text.as_bytes());
        }
        (draft.stamps, draft.ages) = (times.stamps, times.ages);
        dated::name(&mut draft);
        debug_assert!(draft.stamps.iter().filter(|stamp| stamp.field == Field::Arrival).count() <= 1);
        (self.sink)(Item::Draft(Box::new(draft)));
    }
}
