//! The least that reads a raw recording: each line into a typed structure that borrows from it, and no more.

use serde::Deserialize;
use std::borrow::Cow;
use std::hint::black_box;

/// What was parsed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// Lines with an object.
    pub objects: usize,
    /// Events among them.
    pub events: usize,
    /// Notifications of pods among them.
    pub pods: usize,
}

/// Parses each line into the fields that decisions read. Escaped text is copied, all other is borrowed.
///
/// # Errors
/// At the first line that is no object of the recording.
pub fn parse_lines(text: &str) -> Result<Parsed, serde_json::Error> {
    let mut parsed = Parsed::default();
    for line in text.lines() {
        let object: Object<'_> = serde_json::from_str(line)?;
        parsed.objects += 1;
        parsed.events += usize::from(object.involved_object.is_some());
        parsed.pods += usize::from(object.object.is_some());
        black_box(&object);
    }
    Ok(parsed)
}

type Str<'a> = Option<Cow<'a, str>>;

/// An Event, or a notification about a pod.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Object<'a> {
    #[serde(borrow)]
    kind: Str<'a>,
    #[serde(borrow)]
    metadata: Option<Metadata<'a>>,
    #[serde(borrow)]
    involved_object: Option<Reference<'a>>,
    #[serde(borrow)]
    reason: Str<'a>,
    #[serde(borrow)]
    message: Str<'a>,
    #[serde(borrow)]
    source: Option<Emitter<'a>>,
    #[serde(borrow)]
    first_timestamp: Str<'a>,
    #[serde(borrow)]
    last_timestamp: Str<'a>,
    #[serde(borrow)]
    event_time: Str<'a>,
    count: Option<u32>,
    #[serde(borrow, rename = "type")]
    type_name: Str<'a>,
    #[serde(borrow)]
    reporting_component: Str<'a>,
    #[serde(borrow)]
    object: Option<Pod<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Metadata<'a> {
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    namespace: Str<'a>,
    #[serde(borrow)]
    uid: Str<'a>,
    #[serde(borrow)]
    resource_version: Str<'a>,
    #[serde(borrow)]
    creation_timestamp: Str<'a>,
    #[serde(borrow, default)]
    owner_references: Vec<Reference<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Reference<'a> {
    #[serde(borrow)]
    kind: Str<'a>,
    #[serde(borrow)]
    namespace: Str<'a>,
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    uid: Str<'a>,
    #[serde(borrow)]
    field_path: Str<'a>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Emitter<'a> {
    #[serde(borrow)]
    component: Str<'a>,
    #[serde(borrow)]
    host: Str<'a>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Pod<'a> {
    #[serde(borrow)]
    metadata: Option<Metadata<'a>>,
    #[serde(borrow)]
    spec: Option<Spec<'a>>,
    #[serde(borrow)]
    status: Option<Status<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Spec<'a> {
    #[serde(borrow)]
    node_name: Str<'a>,
    #[serde(borrow)]
    service_account_name: Str<'a>,
    #[serde(borrow, default)]
    containers: Vec<Container<'a>>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Container<'a> {
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    image: Str<'a>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Status<'a> {
    #[serde(borrow)]
    phase: Str<'a>,
    #[serde(borrow, default)]
    conditions: Vec<Condition<'a>>,
    #[serde(borrow, default)]
    container_statuses: Vec<ContainerStatus<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Condition<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow)]
    status: Str<'a>,
    #[serde(borrow)]
    last_transition_time: Str<'a>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct ContainerStatus<'a> {
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    image: Str<'a>,
    ready: Option<bool>,
    restart_count: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_is_an_error() {
        assert_eq!(parse_lines("{}\n{}\n").unwrap().objects, 2);
        assert!(parse_lines("{\"kind\":\n").is_err());
    }
}
