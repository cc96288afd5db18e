//! What exporters, search engines, log stores, clients and the APIs of Prometheus wrap Events, objects and alerts into.

use crate::kubernetes::raw::RawPiece;
use crate::lenient::Str;
use crate::recording::snake::in_api_spelling;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What was found in an envelope.
pub(crate) enum Content<'a> {
    /// A notification of a watch, by the verb of Kubernetes' event router.
    Notification(&'static str, &'a RawValue),
    /// Pieces, or envelopes again.
    Pieces(Vec<&'a RawValue>),
    /// Lines of a log, each of which may be a piece.
    Lines(Vec<Str<'a>>),
    /// The piece itself, in the spelling of the API.
    Respelt(String),
}

/// What the API of Prometheus, or of Loki, answers with.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RawAnswer<'a> {
    #[serde(borrow)]
    alerts: Vec<&'a RawValue>,
    #[serde(borrow)]
    groups: Vec<RawGroup<'a>>,
    #[serde(borrow)]
    result: Vec<RawStream<'a>>,
}

/// A group of rules.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RawGroup<'a> {
    #[serde(borrow)]
    rules: Vec<RawRule<'a>>,
}

/// A rule, with the alerts that it has raised.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RawRule<'a> {
    #[serde(borrow)]
    alerts: Vec<&'a RawValue>,
}

/// Lines of one stream of a log, each with its time.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RawStream<'a> {
    #[serde(borrow)]
    values: Vec<Vec<&'a RawValue>>,
}

/// What a search engine has found.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RawHits<'a> {
    #[serde(borrow)]
    hits: Vec<&'a RawValue>,
}

/// Opens an envelope; none where the piece is none. Objects of Kubernetes and alerts are never taken for one.
pub(crate) fn open<'a>(piece: &RawPiece<'a>, text: &str) -> Option<Content<'a>> {
    if piece.has_snake_keys {
        return in_api_spelling(text).map(Content::Respelt);
    }
    if !piece.kind.is_empty() || !piece.metadata.name.is_empty() || piece.involved_object.is_some() {
        return None;
    }
    let begins = |value: Option<&'a RawValue>, with: char| value.filter(|value| value.get().starts_with(with));
    // kubernetes-event-exporter and its like, in an index of Elasticsearch or OpenSearch; events in Google Cloud Logging.
    if let Some(object) = begins(piece.source_document, '{').or_else(|| begins(piece.json_payload, '{')) {
        return Some(Content::Pieces(vec![object]));
    }
    if let Some(found) = begins(piece.hits, '{') {
        let found: RawHits<'_> = serde_json::from_str(found.get()).ok()?;
        return Some(Content::Pieces(found.hits));
    }
    if let Some(event) = begins(piece.event, '{').filter(|_| !piece.verb.as_str().is_empty()) {
        let notification = match piece.verb.as_str() {
            "ADDED" => "ADDED",
            "DELETED" => "DELETED",
            _ => "MODIFIED",
        };
        return Some(Content::Notification(notification, event));
    }
    // One line of `logcli --output=jsonl`.
    if let Some(line) = begins(piece.line, '"') {
        return Some(Content::Lines(vec![serde_json::from_str(line.get()).ok()?]));
    }
    if let Some(answers) = begins(piece.data, '[') {
        return Some(Content::Pieces(serde_json::from_str(answers.get()).ok()?));
    }
    let answer =
        begins(piece.data, '{').filter(|_| piece.status.is_some_and(|status| status.get() == "\"success\""))?;
    let answer: RawAnswer<'_> = serde_json::from_str(answer.get()).ok()?;
    if !answer.result.is_empty() {
        let lines = answer.result.iter().flat_map(|stream| &stream.values).filter_map(|value| value.get(1));
        return Some(Content::Lines(lines.filter_map(|line| serde_json::from_str(line.get()).ok()).collect()));
    }
    let of_rules = answer.groups.into_iter().flat_map(|group| group.rules).flat_map(|rule| rule.alerts);
    Some(Content::Pieces(answer.alerts.into_iter().chain(of_rules).collect()))
}
