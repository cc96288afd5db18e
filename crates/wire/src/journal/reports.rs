//! The twins of what the sources report, save for the states of objects.

use crate::avro::twin::{Many, Maybe, Micros, Str, Twin, twin};
use bellbuoy_core::Text;
use bellbuoy_core::report;
use bellbuoy_core::time::Time;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(remote = "report::EventReport")]
pub(crate) struct EventReport {
    #[serde(with = "Str")]
    uid: Text,
    #[serde(with = "Str")]
    reason: Text,
    #[serde(with = "Str")]
    message: Text,
    #[serde(with = "Str")]
    kind: Text,
    #[serde(with = "Str")]
    component: Text,
    #[serde(with = "Str")]
    host: Text,
    #[serde(with = "Str")]
    field_path: Text,
    repeats: u32,
    #[serde(with = "Maybe::<Micros>")]
    first_at: Option<Time>,
    #[serde(with = "Maybe::<Micros>")]
    last_at: Option<Time>,
    is_first: bool,
}

/// A key and its value.
pub(crate) struct Label;

#[derive(Serialize)]
struct LabelRow<'a> {
    key: &'a str,
    value: &'a str,
}

#[derive(Deserialize)]
#[serde(rename = "Label")]
struct ReadLabel {
    #[serde(with = "Str")]
    key: Text,
    #[serde(with = "Str")]
    value: Text,
}

impl Twin for Label {
    type Core = report::Label;

    fn serialize<S: Serializer>((key, value): &report::Label, serializer: S) -> Result<S::Ok, S::Error> {
        LabelRow { key, value }.serialize(serializer)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<report::Label, D::Error> {
        let ReadLabel { key, value } = ReadLabel::deserialize(deserializer)?;
        Ok((key, value))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "report::AlertReport")]
pub(crate) struct AlertReport {
    #[serde(with = "Str")]
    name: Text,
    #[serde(with = "Str")]
    fingerprint: Text,
    firing: bool,
    suppressed: bool,
    #[serde(with = "Many::<Label>")]
    labels: Vec<report::Label>,
    #[serde(with = "Str")]
    summary: Text,
    #[serde(with = "Maybe::<Micros>")]
    starts_at: Option<Time>,
    #[serde(with = "Maybe::<Micros>")]
    ends_at: Option<Time>,
}

/// A person's command.
pub(crate) struct Command;

#[derive(Serialize)]
struct CommandRow<'a> {
    by: &'a str,
    incident: &'a str,
    action: Action,
    note: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename = "Command")]
struct ReadCommand {
    #[serde(with = "Str")]
    by: Text,
    #[serde(with = "Str")]
    incident: Text,
    action: Action,
    #[serde(with = "Maybe::<Str>")]
    note: Option<Text>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Action {
    Unknown,
    Acknowledge,
    Resolve,
    Note,
}

impl Twin for Command {
    type Core = report::Command;

    fn serialize<S: Serializer>(command: &report::Command, serializer: S) -> Result<S::Ok, S::Error> {
        let (action, note) = match &command.action {
            report::Action::Acknowledge => (Action::Acknowledge, None),
            report::Action::Resolve => (Action::Resolve, None),
            report::Action::Note { text } => (Action::Note, Some(&**text)),
        };
        CommandRow { by: &command.by, incident: &command.incident, action, note }.serialize(serializer)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<report::Command, D::Error> {
        let ReadCommand { by, incident, action, note } = ReadCommand::deserialize(deserializer)?;
        let action = match (action, note) {
            (Action::Unknown, _) => return Err(D::Error::custom("a command that only a later version knows")),
            (Action::Acknowledge, _) => report::Action::Acknowledge,
            (Action::Resolve, _) => report::Action::Resolve,
            (Action::Note, Some(text)) => report::Action::Note { text },
            (Action::Note, None) => return Err(D::Error::custom("expected the text of a note, found null")),
        };
        Ok(report::Command { by, incident, action })
    }
}

twin!(EventReport = report::EventReport, AlertReport = report::AlertReport);
