//! Labels of alerts, which are named and filled by strangers.

use super::recordings::{facts_of, replay};
use serde_json::{Map, Value, json};

/// One alert per paragraph, one label per line: its name, `=`, its value. What is firing first is resolved later when
/// its paragraph ends with a line `resolved`.
pub(crate) fn alert_labels(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut alerts = Vec::new();
    for (number, paragraph) in text.split("\n\n").enumerate() {
        let mut labels = Map::new();
        let mut status = "firing";
        for line in paragraph.lines() {
            match line.split_once('=') {
                Some((name, value)) => drop(labels.insert(name.to_owned(), Value::from(value))),
                None if line == "resolved" => status = "resolved",
                None => drop(labels.insert("alertname".to_owned(), Value::from(line))),
            }
        }
        let at = format!("2026-11-21T03:{:02}:00Z", number % 60);
        alerts.push(json!({"status": status, "labels": labels, "startsAt": at, "endsAt": at}));
    }
    let webhook = json!({"version": "4", "status": "firing", "receiver": "bellbuoy", "alerts": alerts});
    replay(&facts_of(&webhook.to_string()));
}
