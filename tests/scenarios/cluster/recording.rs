//! What somebody who watches the cluster writes down: a line per notification, with the time at which it came.

use super::Cluster;
use super::moment::micro;
use serde_json::{Value, json};

/// Which interface a line comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    Events,
    Objects,
    Alerts,
}

/// The type of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    Added,
    Modified,
    Deleted,
}

/// A line of a recording.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// When it came.
    pub at: i64,
    /// Where from.
    pub source: Source,
    /// One JSON object, without a newline.
    pub text: String,
}

impl Cluster {
    /// Writes a notification down, up to `latency_ms` after now.
    pub(crate) fn notice(&mut self, source: Source, notice: Notice, object: &Value, latency_ms: i64) {
        if !self.recording {
            return;
        }
        let notice = match notice {
            Notice::Added => "ADDED",
            Notice::Modified => "MODIFIED",
            Notice::Deleted => "DELETED",
        };
        let at = self.now + 2_000 + self.random.range(0, latency_ms * 1000);
        let text = format!(r#"{{"observedAt":"{}","type":"{notice}","object":{object}}}"#, micro(at));
        self.lines.push(Line { at, source, text });
    }

    /// Writes down what Alertmanager posts.
    pub(crate) fn webhook(&mut self, receiver: &str, status: &str, alerts: &[Value]) {
        if !self.recording {
            return;
        }
        let name = alerts.first().map_or(Value::Null, |alert| alert["labels"]["alertname"].clone());
        let body = json!({"version": "4", "groupKey": format!("{{}}:{{alertname={name}}}"), "truncatedAlerts": 0,
            "receiver": receiver, "status": status, "groupLabels": {"alertname": name}, "commonLabels": {"alertname": name},
            "commonAnnotations": {}, "externalURL": "http://alertmanager.monitoring:9093", "alerts": alerts});
        let at = self.now;
        self.lines.push(Line { at, source: Source::Alerts, text: body.to_string() });
    }

    /// The lines so far, by time.
    pub(crate) fn take_lines(&mut self) -> Vec<Line> {
        let mut lines = std::mem::take(&mut self.lines);
        lines.sort_by_key(|line| line.at);
        lines
    }
}
