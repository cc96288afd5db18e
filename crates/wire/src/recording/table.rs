//! Tables as kubectl prints them: events, pods, nodes, workloads and claims, and the Events below what it describes, a row
//! at a time, turned into the JSON of their objects.
//!
//! A table says how long ago something was and not when: ages go on as times that begin with a minus, in seconds, and
//! are settled against the time of the dump.

use crate::recording::described::Described;
use crate::recording::splitter::{Cut, Step};
use serde_json::{Value, json};

mod cells;
mod conditions;
mod workloads;

use cells::{Cells, Header};

/// The namespace of what is listed without one: kubectl leaves the column out for the namespace that one works in.
const OWN_NAMESPACE: &str = "default";

/// The kind of what owns a pod, where its name does not tell more: a DaemonSet, a Job, a ReplicationController.
const WORKLOAD: &str = "Workload";

/// For how many seconds a node is taken to be unready whose table does not say since when: somebody saw it and asked for
/// the table. One that has just been made is on its way.
const UNREADY_FOR: i64 = 60;

/// Reasons that a pod's STATUS may have in the place of a phase, and that are those of a container that waits.
const WAITING: [&str; 14] = [
    "ContainerCreating",
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImageInspectError",
    "ImagePullBackOff",
    "InvalidImageName",
    "PodInitializing",
    "PostStartHookError",
    "PreStartHookError",
    "RegistryUnavailable",
    "RunContainerError",
];

/// Reasons that a container's end has, with an exit code that goes with them.
const ENDED: [(&str, i32); 5] =
    [("ContainerCannotRun", 128), ("Error", 1), ("OOMKilled", 137), ("StartError", 128), ("DeadlineExceeded", 143)];

/// Kinds whose name is more than the resource with a capital letter.
const KINDS: [&str; 22] = [
    "ClusterOperator",
    "ClusterVersion",
    "ConfigMap",
    "CronJob",
    "DaemonSet",
    "DeploymentConfig",
    "EndpointSlice",
    "HelmRelease",
    "HorizontalPodAutoscaler",
    "MachineConfigPool",
    "MachineSet",
    "NodeClaim",
    "NodePool",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "PodDisruptionBudget",
    "ReplicaSet",
    "ReplicationController",
    "ResourceQuota",
    "ServiceAccount",
    "StatefulSet",
    "VolumeSnapshot",
];

/// Cuts tables into rows; a heading begins another table.
#[derive(Debug, Default)]
pub(crate) struct TableCutter {
    /// Where the next line begins.
    at: usize,
    header: Option<Header>,
    /// What the Events of a description are about.
    described: Described,
}

impl TableCutter {
    /// Takes the next row from the buffer; positions are relative to it. What stands before the first heading is passed over.
    pub(crate) fn step(&mut self, buffer: &[u8], eof: bool) -> Step {
        loop {
            let rest = &buffer[self.at..];
            let length = match memchr::memchr(b'\n', rest) {
                Some(newline) => newline + 1,
                None if eof && !rest.is_empty() => rest.len(),
                None => return if eof { Step::End } else { Step::More },
            };
            let begin = self.at;
            self.at += length;
            let line = std::str::from_utf8(&rest[..length]).unwrap_or_default();
            let is_below = line.starts_with(char::is_whitespace);
            if !is_below && self.header.as_ref().is_none_or(Header::is_indented) {
                self.header = None;
                self.described.take(line.trim_end());
            }
            let is_rule =
                !line.trim().is_empty() && line.trim().chars().all(|letter| matches!(letter, '-' | ' ' | '\t'));
            match Header::read(line) {
                Some(header) => self.header = Some(header),
                // Services and the like, as between the tables of `kubectl get all`.
                None if Header::begins_one(line) => self.header = None,
                None if is_rule => {}
                None if line.trim().is_empty() && std::str::from_utf8(&rest[..length]).is_ok() => {}
                None if self.header.as_ref().is_some_and(Header::is_of_conditions) => {
                    // One object tells them all.
                    let Some(end) = end_of_rows(&buffer[begin..], eof) else {
                        self.at = begin;
                        return Step::More;
                    };
                    self.at = begin + end;
                    return Step::Cut(Cut { begin, end: self.at });
                }
                None if self.header.is_some() => return Step::Cut(Cut { begin, end: self.at }),
                None => {}
            }
        }
    }

    /// Where the first byte stands that is still needed.
    pub(crate) fn needed_from(&self) -> usize {
        self.at
    }

    /// The buffer has lost its first bytes.
    pub(crate) fn shift(&mut self, bytes: usize) {
        self.at -= bytes;
    }

    /// Gives the current line up. Returns where the next one begins.
    pub(crate) fn skip(&mut self, to: usize) -> usize {
        self.at = to;
        self.at
    }

    /// A row as the JSON of its object.
    ///
    /// # Errors
    /// What the row lacks.
    pub(crate) fn to_json(&self, row: &str) -> Result<String, String> {
        let header = self.header.as_ref().ok_or("expected a heading before it")?;
        if header.is_of_conditions() {
            let node = conditions::node(header, row, &self.described);
            return node.map(|node| node.to_string()).ok_or_else(|| "expected the conditions of a node".to_owned());
        }
        let cells = header.cells(row).ok_or_else(|| format!("expected the {} columns of its heading", header.len()))?;
        let object = if cells.has("From") {
            event_below(&cells, &self.described)
        } else if cells.has("REASON") {
            event(&cells)
        } else if cells.has("RESTARTS") {
            pod(&cells)
        } else if cells.has("ROLES") || cells.has("VERSION") {
            node(&cells)
        } else {
            workloads::workload(&cells)
        };
        object.map(|object| object.to_string()).ok_or_else(|| "expected a name, and an age such as 5m10s".to_owned())
    }
}

/// Where the rows end that a text begins with, each of them indented. None where more of them may come.
fn end_of_rows(text: &[u8], eof: bool) -> Option<usize> {
    let mut end = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if !line.first().is_some_and(u8::is_ascii_whitespace) || line.trim_ascii().is_empty() {
            return Some(end);
        }
        end += line.len();
    }
    eof.then_some(end)
}

/// An Event below the description of its object.
fn event_below(cells: &Cells<'_>, of: &Described) -> Option<Value> {
    let last_seen = [cells.get("Age"), cells.get("LastSeen")].into_iter().find(|cell| !cell.is_empty())?;
    let (last, first, count) = seen(last_seen);
    let first = [first, cells.get("FirstSeen"), last].into_iter().find(|cell| !cell.is_empty())?;
    let count = cells.get("Count").parse().unwrap_or(count);
    if of.name.is_empty() {
        return None;
    }
    let subject = json!({"kind": of.kind, "namespace": of.namespace, "name": of.name});
    let texts = [cells.get("Type"), cells.get("Reason"), cells.get("Message"), cells.get("From")];
    told(&of.namespace, &subject, texts, [first, last], count)
}

/// The last sight in a table, the first where it tells that too, and how often: newer versions write
/// `4m53s (x72 over 20m)`.
fn seen(cell: &str) -> (&str, &str, i64) {
    let (last, repeats) = cell.split_once(" (x").unwrap_or((cell, ""));
    let (count, first) = repeats.trim_end_matches(')').split_once(" over ").unwrap_or_default();
    (last, first, count.parse().unwrap_or(1))
}

fn told(namespace: &str, subject: &Value, texts: [&str; 4], seen: [&str; 2], count: i64) -> Option<Value> {
    let ([kind, reason, message, source], [first, last]) = (texts, seen);
    let message = without_place(message);
    // "kubelet, worker-1", or "{kubelet worker-1}" from older versions.
    let source = source.trim_matches(['{', '}']).trim();
    let (component, host) = source.split_once([',', ' ']).unwrap_or((source, ""));
    Some(json!({
        "kind": "Event",
        "metadata": {"namespace": namespace},
        "involvedObject": subject,
        "type": kind,
        "reason": reason,
        "message": message,
        "source": {"component": component, "host": host.trim()},
        "count": count,
        "firstTimestamp": ago(first),
        "lastTimestamp": ago(last).or_else(|| shown_only(last))?,
    }))
}

/// A message without the container that newer versions of `kubectl describe` put before it: `spec.containers{cart}: `.
fn without_place(message: &str) -> &str {
    let place = message.split_once("}: ").filter(|(place, _)| place.split_once("ontainers{").is_some_and(is_container));
    place.map_or(message, |(_, rest)| rest)
}

/// Whether the two sides of a bracket are a place in a pod and the name of a container.
fn is_container((place, name): (&str, &str)) -> bool {
    matches!(place, "spec.c" | "spec.initC" | "spec.ephemeralC") && name.bytes().all(|byte| byte != b' ')
}

/// Whether a line is the heading of a table that is read here.
pub(crate) fn is_heading(line: &str) -> bool {
    Header::read(line).is_some()
}

fn event(cells: &Cells<'_>) -> Option<Value> {
    let (kind, name) = match cells.get("OBJECT").split_once('/') {
        Some((resource, name)) => (kind_of(resource), name),
        None => (kind_of(cells.get("KIND")), cells.get("NAME")),
    };
    let last_seen = [cells.get("LAST SEEN"), cells.get("LASTSEEN")].into_iter().find(|cell| !cell.is_empty())?;
    let (last, first, count) = seen(last_seen);
    let first = [first, cells.get("FIRST SEEN"), cells.get("FIRSTSEEN"), last];
    let first = first.into_iter().find(|cell| !cell.is_empty())?;
    let count = cells.get("COUNT").parse().unwrap_or(count);
    if name.is_empty() {
        return None;
    }
    let subject = json!({"kind": kind, "namespace": namespace(cells), "name": name});
    let texts = [cells.get("TYPE"), cells.get("REASON"), cells.get("MESSAGE"), cells.get("SOURCE")];
    told(namespace(cells), &subject, texts, [first, last], count)
}

fn pod(cells: &Cells<'_>) -> Option<Value> {
    let (ready, all) = cells.get("READY").split_once('/')?;
    let (ready, all) = (ready.parse::<usize>().ok()?, all.parse::<usize>().ok()?.min(100));
    let (restarts, restarted) = cells.get("RESTARTS").split_once(" (").unwrap_or((cells.get("RESTARTS"), ""));
    let restarts = restarts.parse::<i64>().ok()?;
    let restarted = restarted.strip_suffix(" ago)").and_then(ago);
    let runs = json!({"running": {"startedAt": restarted}});
    let status = cells.get("STATUS");
    let (is_init, reason) = match status.strip_prefix("Init:") {
        // "Init:0/2" counts the containers that have ended.
        Some(reason) if reason.contains('/') => (false, "PodInitializing"),
        Some(reason) => (true, reason),
        None => (false, status),
    };
    let ended = ENDED.iter().find(|(known, _)| *known == reason);
    let (phase, pod_reason, state) = match (reason, ended) {
        ("Running" | "NotReady" | "Terminating", _) => ("Running", "", runs.clone()),
        ("Pending", _) => ("Pending", "", json!({})),
        ("Completed" | "Succeeded", _) => ("Succeeded", "", json!({"terminated": {"reason": "Completed"}})),
        ("Unknown", _) => ("Unknown", "", json!({})),
        (reason, Some((_, code))) => ("Running", "", json!({"terminated": {"reason": reason, "exitCode": code}})),
        (reason, _) if WAITING.contains(&reason) => ("Pending", "", json!({"waiting": {"reason": reason}})),
        // Evicted, NodeLost, UnexpectedAdmissionError: the reason of a pod that has failed as a whole.
        (reason, _) => ("Failed", reason, json!({})),
    };
    let container = |number: usize, is_ready: bool, state: &Value| {
        let is_last = number + 1 == all || all == 0;
        let restarts = if is_last { restarts } else { 0 };
        // A table says when the last of them ended, and not how.
        let ended = restarted
            .as_ref()
            .filter(|_| is_last && *state == runs)
            .map(|at| json!({"terminated": {"reason": "Error", "exitCode": 1, "finishedAt": at}}));
        let name = format!("container {}", number + 1);
        json!({"name": name, "ready": is_ready, "restartCount": restarts, "state": state, "lastState": ended})
    };
    // Which of them are ready, a table does not tell: those that are come first.
    let statuses: Vec<Value> = (0..all)
        .map(|number| match (number < ready, is_init) {
            (true, _) => container(number, true, &runs),
            (false, true) => container(number, false, &json!({"waiting": {"reason": "PodInitializing"}})),
            (false, false) => container(number, false, &state),
        })
        .collect();
    let init: Vec<Value> = is_init.then(|| container(0, false, &state)).into_iter().collect();
    let name = name(cells)?;
    let node = non_empty(cells.get("NODE")).filter(|node| *node != "<none>");
    // What has no node is pending, and no containers are made for it. Why it has none a table does not tell.
    let scheduled = match status {
        "Pending" if node.is_none() => json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}),
        _ => json!({"type": "PodScheduled", "status": "True"}),
    };
    Some(json!({
        "kind": "Pod",
        "metadata": {
            "namespace": namespace(cells),
            "name": name,
            "creationTimestamp": ago(cells.get("AGE"))?,
            "ownerReferences": owner_of(name).map(|(kind, name)| json!([{"kind": kind, "name": name, "controller": true}])),
        },
        "spec": {"nodeName": node},
        "status": {
            "phase": phase,
            "reason": pod_reason,
            "conditions": [scheduled],
            "initContainerStatuses": init,
            "containerStatuses": statuses,
        },
    }))
}

/// The ReplicaSet or other workload that a pod's name speaks of. A table has no column for owners, and many pods of one
/// Deployment are not many Deployments.
fn owner_of(pod: &str) -> Option<(&str, &str)> {
    let (base, _) = pod.rsplit_once('-').filter(|(_, suffix)| suffix.len() == 5 && is_generated(suffix))?;
    let time = base.rsplit_once('-').map_or("", |(_, time)| time);
    // Minutes, seconds or milliseconds; old hashes of templates have digits alone too.
    let is_time = match (time.len(), time.parse::<u64>()) {
        (8, Ok(_)) => true,
        (10 | 13, Ok(_)) => time.starts_with('1'),
        _ => false,
    };
    Some(match deployment_of(base) {
        Some(_) => ("ReplicaSet", base),
        None if is_time => ("Job", base),
        None => (WORKLOAD, base),
    })
}

/// The Deployment that a ReplicaSet's name speaks of.
fn deployment_of(set: &str) -> Option<&str> {
    let (deployment, hash) = set.rsplit_once('-').filter(|(_, hash)| is_generated(hash))?;
    // Digits alone are the time of a CronJob.
    let is_hash = (8..=10).contains(&hash.len()) && hash.bytes().any(|byte| byte.is_ascii_alphabetic());
    is_hash.then_some(deployment)
}

/// Whether a text is of the alphabet of generated names (`k8s.io/apimachinery/pkg/util/rand`).
fn is_generated(text: &str) -> bool {
    text.chars().all(|letter| "bcdfghjklmnpqrstvwxz2456789".contains(letter))
}

fn node(cells: &Cells<'_>) -> Option<Value> {
    let mut words = cells.get("STATUS").split(',');
    let is_ready = words.next()? == "Ready";
    let age = seconds(cells.get("AGE"))?;
    let since = (!is_ready).then(|| format!("-{}s", age.min(UNREADY_FOR)));
    let ready = if is_ready { "True" } else { "Unknown" };
    Some(json!({
        "kind": "Node",
        "metadata": {"name": name(cells)?, "creationTimestamp": format!("-{age}s")},
        "spec": {"unschedulable": words.any(|word| word == "SchedulingDisabled")},
        "status": {"conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": since}]},
    }))
}

/// The name of what a row is about: with its resource before it, `pod/cart-1`, where a command asked for several.
fn name<'c>(cells: &Cells<'c>) -> Option<&'c str> {
    let cell = cells.get("NAME");
    non_empty(cell.split_once('/').map_or(cell, |(_, name)| name))
}

fn namespace<'c>(cells: &Cells<'c>) -> &'c str {
    non_empty(cells.get("NAMESPACE")).unwrap_or(OWN_NAMESPACE)
}

fn non_empty(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// The kind of a resource as tables name it: `pod`, `replicaset.apps`.
fn kind_of(resource: &str) -> String {
    let resource = resource.split('.').next().unwrap_or_default();
    if let Some(kind) = KINDS.iter().find(|kind| kind.eq_ignore_ascii_case(resource)) {
        return (*kind).to_owned();
    }
    let mut letters = resource.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// An age as a time before the dump: `-293s` for `4m53s`. None for what is no age, such as `<unknown>`.
fn ago(age: &str) -> Option<String> {
    seconds(age).map(|seconds| format!("-{seconds}s"))
}

fn seconds(age: &str) -> Option<i64> {
    let (mut seconds, mut number) = (0_i64, None::<i64>);
    for letter in age.chars() {
        if let Some(digit) = letter.to_digit(10) {
            number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(i64::from(digit))?);
            continue;
        }
        let unit = match letter {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'y' => 365 * 86_400,
            _ => return None,
        };
        seconds = seconds.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    (number.is_none() && !age.is_empty()).then_some(seconds)
}

/// The age of what is shown without one. kubectl writes `<unknown>` where an Event has no time of the old kind, and
/// `<invalid>` where the clock of its emitter is ahead: both are there when the table is made.
fn shown_only(age: &str) -> Option<String> {
    matches!(age, "<unknown>" | "<invalid>").then(|| "-0s".to_owned())
}

#[cfg(test)]
mod tests;
