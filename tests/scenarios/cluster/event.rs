//! Events as Kubernetes' recorders write them: counted, combined, and dropped when an emitter says too much.

use super::id::Id;
use super::moment::{SECOND, micro, stamp};
use super::recording::Source;
use super::{Cluster, recording::Notice};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Events of one emitter about one object before its filter drops them (client-go's `defaultSpamBurst`).
const BURST: f64 = 25.0;
/// Tokens per second of that filter: one in five minutes.
const REFILL: f64 = 1.0 / 300.0;
/// Similar events within ten minutes before they are combined (client-go's `defaultAggregateMaxEvents`).
const COMBINE_FROM: usize = 10;

/// An emitter: `source.component` and `source.host`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Emitter {
    pub component: String,
    pub host: String,
}

impl Emitter {
    /// A controller, which has no host.
    pub(crate) fn controller(component: &str) -> Self {
        Self { component: component.to_owned(), host: String::new() }
    }

    /// The kubelet of a node.
    pub(crate) fn kubelet(node: &str) -> Self {
        Self { component: "kubelet".to_owned(), host: node.to_owned() }
    }
}

/// What is to be said.
#[derive(Clone, Debug)]
pub(crate) struct Said<'s> {
    pub kind: &'static str,
    pub reason: &'s str,
    pub message: String,
    pub field_path: String,
}

/// What the recorders remember.
#[derive(Default)]
pub(crate) struct Recorders {
    tokens: BTreeMap<(Emitter, Id), (f64, i64)>,
    similar: BTreeMap<(Emitter, Id, String), (Vec<String>, i64)>,
    known: BTreeMap<Key, Known>,
}

struct Known {
    name: String,
    uid: String,
    count: i64,
    first: i64,
    /// As the API server holds it.
    shown: Value,
}

/// Emitter, subject, reason, and message with field path.
type Key = (Emitter, Id, String, String);

impl Recorders {
    fn remember(&mut self, key: &Key, json: Value) {
        if let Some(known) = self.known.get_mut(key) {
            known.shown = json;
        }
    }

    /// The events that the API server holds.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.known.values().map(|known| known.shown.clone()).filter(|json| !json.is_null()).collect()
    }
}

/// `Normal` events.
pub(crate) fn normal(reason: &str, message: impl Into<String>) -> Said<'_> {
    Said { kind: "Normal", reason, message: message.into(), field_path: String::new() }
}

/// `Warning` events.
pub(crate) fn warning(reason: &str, message: impl Into<String>) -> Said<'_> {
    Said { kind: "Warning", reason, message: message.into(), field_path: String::new() }
}

impl Said<'_> {
    /// About a container of a pod.
    pub(crate) fn of_container(mut self, name: &str) -> Self {
        self.field_path = format!("spec.containers{{{name}}}");
        self
    }

    /// About an init container of a pod.
    pub(crate) fn of_init(mut self, name: &str) -> Self {
        self.field_path = format!("spec.initContainers{{{name}}}");
        self
    }
}

impl Cluster {
    /// Events of the classic recorder: kubelets, controllers, most operators.
    pub(crate) fn event(&mut self, emitter: &Emitter, about: &Id, uid: &str, said: Said<'_>) {
        if !self.recording {
            return;
        }
        let now = self.now;
        let tokens = self.recorders.tokens.entry((emitter.clone(), about.clone())).or_insert((BURST, now));
        *tokens = ((tokens.0 + (now - tokens.1) as f64 / SECOND as f64 * REFILL).min(BURST), now);
        if tokens.0 < 1.0 {
            return;
        }
        tokens.0 -= 1.0;
        let mut message = said.message;
        let group = (emitter.clone(), about.clone(), said.reason.to_owned());
        let (similar, last) = self.recorders.similar.entry(group).or_insert((Vec::new(), now));
        if now - *last > 600 * SECOND {
            similar.clear();
        }
        *last = now;
        if !similar.contains(&message) {
            similar.push(message.clone());
        }
        let mut key = message.clone() + &said.field_path;
        if similar.len() >= COMBINE_FROM {
            key = "(combined)".to_owned();
            message = format!("(combined from similar events): {message}");
        }
        let key = (emitter.clone(), about.clone(), said.reason.to_owned(), key);
        let fresh = !self.recorders.known.contains_key(&key);
        let (name, new_uid) = (format!("{}.{:x}", about.name, (now * 1000) as u64), self.random.uid());
        let known = self.recorders.known.entry(key.clone()).or_insert(Known {
            name,
            uid: new_uid,
            count: 0,
            first: now,
            shown: Value::Null,
        });
        known.count += 1;
        let (name, event_uid, count, first) = (known.name.clone(), known.uid.clone(), known.count, known.first);
        let source = match emitter.host.is_empty() {
            true => json!({"component": emitter.component}),
            false => json!({"component": emitter.component, "host": emitter.host}),
        };
        let version = self.next_version();
        let json = json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"name": name, "namespace": event_namespace(about), "uid": event_uid,
                "resourceVersion": version, "creationTimestamp": stamp(first)},
            "involvedObject": involved(about, uid, &said.field_path, &version),
            "reason": said.reason, "message": message, "source": source,
            "firstTimestamp": stamp(first), "lastTimestamp": stamp(now), "count": count, "type": said.kind,
            "eventTime": null, "reportingComponent": emitter.component, "reportingInstance": emitter.host,
        });
        self.notice(Source::Events, if fresh { Notice::Added } else { Notice::Modified }, &json, 300);
        self.recorders.remember(&key, json);
    }

    /// Events of the newer recorder, as the scheduler writes them: the second occurrence begins a series, and later ones
    /// only count in memory for half an hour.
    pub(crate) fn scheduler_event(&mut self, about: &Id, uid: &str, action: &str, said: Said<'_>) {
        if !self.recording {
            return;
        }
        let emitter = Emitter::controller("default-scheduler");
        let key = (emitter, about.clone(), said.reason.to_owned(), said.message.clone());
        let now = self.now;
        let (name, new_uid) = (format!("{}.{:x}", about.name, (now * 1000) as u64), self.random.uid());
        let known = self.recorders.known.entry(key.clone()).or_insert(Known {
            name,
            uid: new_uid,
            count: 0,
            first: now,
            shown: Value::Null,
        });
        known.count += 1;
        if known.count > 2 {
            return;
        }
        let (name, event_uid, count, first) = (known.name.clone(), known.uid.clone(), known.count, known.first);
        let version = self.next_version();
        let mut json = json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"name": name, "namespace": event_namespace(about), "uid": event_uid,
                "resourceVersion": version, "creationTimestamp": stamp(first)},
            "involvedObject": involved(about, uid, "", &version),
            "reason": said.reason, "message": said.message, "source": {},
            "firstTimestamp": null, "lastTimestamp": null, "type": said.kind, "eventTime": micro(first), "action": action,
            "reportingComponent": "default-scheduler", "reportingInstance": "default-scheduler-control-plane-0",
        });
        if count == 2 {
            json["series"] = json!({"count": 2, "lastObservedTime": micro(now)});
        }
        self.notice(Source::Events, if count == 1 { Notice::Added } else { Notice::Modified }, &json, 300);
        self.recorders.remember(&key, json);
    }
}

/// Events of objects without a namespace are kept in `default`.
fn event_namespace(about: &Id) -> &str {
    if about.namespace.is_empty() { "default" } else { &about.namespace }
}

fn involved(about: &Id, uid: &str, field_path: &str, version: &str) -> Value {
    let mut json = json!({"kind": about.kind, "name": about.name, "uid": uid, "apiVersion": about.api_version()});
    if !about.namespace.is_empty() {
        json["namespace"] = json!(about.namespace);
        json["resourceVersion"] = json!(version);
    }
    if !field_path.is_empty() {
        json["fieldPath"] = json!(field_path);
    }
    json
}
