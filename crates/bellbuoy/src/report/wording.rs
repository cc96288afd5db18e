//! Wording: what an incident is about, in a sentence that a person understands at 3 a.m.

use crate::account::Entry;
use crate::moment;
use crate::style::one_line;
use bellbuoy_core::fact::{Body, Fact};
use bellbuoy_core::headline::tellers;
use bellbuoy_core::incident::{Because, Cause, Incident, Status};
use bellbuoy_core::object::Entity;
use bellbuoy_core::page::PageKind;
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::time::Time;

/// Reasons for a cause that say what the lines around them say, or what matters to whoever writes rules: all of them
/// stand in `explain` and in the JSON.
const SAID_ALREADY: [&str; 3] = ["unexplained", "explained", "role"];

/// What is wrong with what: the first cause and what its signal says of it.
pub(crate) fn headline(incident: &Incident, rules: &RuleSet) -> String {
    match bellbuoy_core::headline::headline(incident, rules) {
        Some(headline) => one_line(&headline, 600),
        None => "nothing is known about it any more".to_owned(),
    }
}

/// A signal on an entity, as a sentence with the signal's code: `Node worker-3 is not ready (NodeNotReady)`. Of what
/// others' messages name it says the name only, because what the signal says, it says of those others.
pub(crate) fn sentence(incident: &Incident, entity: &Entity, signal: &str, rules: &RuleSet) -> String {
    let (subject, code) = (name(entity), one_line(signal, 80));
    let is_told_of = !tellers(incident, entity, signal).is_empty();
    match is_told_of || rules.signal(signal).is_none() {
        true => format!("{subject} ({code})"),
        false => format!("{subject} {} ({code})", says(signal, rules)),
    }
}

/// An entity, made fit for a terminal.
pub(crate) fn name(entity: &Entity) -> String {
    one_line(&entity.to_string(), 300)
}

/// What a signal says of an entity, to finish the sentence that the entity begins.
pub(crate) fn says(signal: &str, rules: &RuleSet) -> String {
    one_line(&bellbuoy_core::headline::says(signal, rules), 300)
}

/// What speaks for a cause, without what its own sentence says.
pub(crate) fn reasons(cause: &Cause) -> impl Iterator<Item = &Because> {
    cause.because.iter().filter(|because| !SAID_ALREADY.contains(&&*because.rule))
}

/// `open`, `acknowledged by ann`, `resolved`, `part of inc-…`.
pub(crate) fn status(incident: &Incident) -> String {
    match incident.status {
        Status::Open => "open".to_owned(),
        Status::Acknowledged if incident.acknowledged_by.is_empty() => "acknowledged".to_owned(),
        Status::Acknowledged => format!("acknowledged by {}", one_line(&incident.acknowledged_by, 60)),
        Status::Resolved => "resolved".to_owned(),
        Status::Merged => match incident.merged_into {
            Some(into) => format!("part of {into}"),
            None => "part of another one".to_owned(),
        },
    }
}

/// Since when, and how long: `since 2026-03-17 09:15:08 UTC, for 44m52s`, or `09:09:14 to 09:31:02 …, 21m48s`.
pub(crate) fn when(entry: &Entry, observed_to: Option<Time>) -> String {
    let incident = &entry.triaged.incident;
    let from = incident.began_at;
    match incident.resolved_at {
        Some(to) if !entry.is_open() => format!(
            "from {} to {} UTC, {}",
            moment::date_and_time(from),
            moment::beside(to, from),
            moment::length(from, to)
        ),
        _ => {
            let to = observed_to.unwrap_or(entry.at).max(entry.at);
            format!("since {} UTC, for {}", moment::date_and_time(from), moment::length(from, to))
        }
    }
}

/// `3 objects in 2 namespaces`.
pub(crate) fn extent(incident: &Incident) -> String {
    let objects = counted(u64::from(incident.object_count), "object", "objects");
    match incident.namespace_count {
        0 => objects,
        namespaces => format!("{objects} in {}", counted(u64::from(namespaces), "namespace", "namespaces")),
    }
}

/// `1 incident`, `2 incidents`, `12,345 facts`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped} {}", if count == 1 { one } else { many })
}

/// What a page is for, as the JSON names it.
pub(crate) fn page_kind(kind: PageKind) -> &'static str {
    match kind {
        PageKind::Trigger => "trigger",
        PageKind::Escalate => "escalate",
        PageKind::Worse => "worse",
        PageKind::Resolve => "resolve",
    }
}

/// What a page is for, in the words of whoever gets it.
pub(crate) fn page_purpose(kind: PageKind) -> &'static str {
    match kind {
        PageKind::Trigger => "first page",
        PageKind::Escalate => "escalated",
        PageKind::Worse => "worse",
        PageKind::Resolve => "over",
    }
}

/// What a fact reports, in a line.
pub(crate) fn fact(fact: &Fact) -> String {
    let entity = name(&fact.object.entity());
    match &fact.body {
        Body::Event(event) => {
            let times = if event.repeats > 1 { format!(" ×{}", event.repeats) } else { String::new() };
            let from = if event.component.is_empty() { "?" } else { &event.component };
            let message = one_line(&event.message, 200);
            format!("event {}{times} on {entity}, from {}: {message}", one_line(&event.reason, 60), one_line(from, 60))
        }
        Body::Object(object) if object.deleted => format!("{entity} was deleted"),
        Body::Object(object) => format!("state of {entity}: {}", state(object, &fact.object.kind)),
        Body::Alert(alert) => format!(
            "alert {} {}: {}",
            one_line(&alert.name, 80),
            if alert.firing { "fires" } else { "is resolved" },
            one_line(&alert.summary, 200)
        ),
        Body::Command(command) => {
            format!("{} gave a command for {}", one_line(&command.by, 60), one_line(&command.incident, 60))
        }
        Body::Rules(rules) => format!("rule set {} became active", bellbuoy_wire::rules::hash(rules)),
        Body::SnapshotBegin { kind } => format!("a full list of {} begins", one_line(kind, 60)),
        Body::SnapshotEnd { kind } => format!("a full list of {} ends", one_line(kind, 60)),
        Body::Tick { observed_through } => format!("observed up to {}", moment::rfc3339(*observed_through)),
        Body::EndOfRecording => "the recording ends".to_owned(),
    }
}

/// What of an object's state a person would look at: what is not as it should be, else its phase and counts.
fn state(object: &bellbuoy_core::report::ObjectReport, kind: &str) -> String {
    use bellbuoy_core::report::ContainerState;
    let mut parts = Vec::new();
    let phase = [&object.phase, &object.reason, &object.message];
    parts.extend(phase.into_iter().filter(|text| !text.is_empty()).map(|text| one_line(text, 120)));
    for container in &object.containers {
        let name = one_line(&container.name, 60);
        match &container.state {
            ContainerState::Waiting { reason, message } => {
                parts.push(format!("{name} waits: {} {}", one_line(reason, 60), one_line(message, 160)));
            }
            ContainerState::Terminated(end) => parts.push(format!("{name} ended: {}", termination(end))),
            // The containers of a template are nowhere, and neither ready nor not.
            ContainerState::Running { .. } | ContainerState::Unknown if !container.ready && kind == "Pod" => {
                parts.push(format!("{name} is not ready"));
            }
            ContainerState::Running { .. } | ContainerState::Unknown => {}
        }
        if let Some(last) = &container.last {
            parts.push(format!("{name} ended before: {}, {} restarts", termination(last), container.restarts));
        }
    }
    for condition in object.conditions.iter().filter(|condition| is_unwell(condition, kind)) {
        let text = format!("{} is {} {} {}", condition.kind, condition.status, condition.reason, condition.message);
        parts.push(one_line(&text, 160));
    }
    if let Some(replicas) = object.replicas {
        parts.push(format!("{} of {} replicas ready", replicas.ready, replicas.desired));
    }
    if let Some(endpoints) = object.endpoints {
        parts.push(format!("{} ready endpoints, {} not ready", endpoints.ready, endpoints.not_ready));
    }
    let quotas = object.quotas.iter().map(|quota| format!("{} {} of {}", quota.resource, quota.used, quota.hard));
    parts.extend(quotas.map(|quota| one_line(&quota, 100)));
    match parts.is_empty() {
        true => "as it should be".to_owned(),
        false => parts.join("; "),
    }
}

/// Whether a condition is not as it should be. Most are well when they are true. Some name a trouble, and are well when
/// they are false; of a node, all but its readiness do, because problem detectors add theirs.
fn is_unwell(condition: &bellbuoy_core::report::Condition, kind: &str) -> bool {
    const TROUBLES: [&str; 4] = ["ReplicaFailure", "DisruptionTarget", "PodResizePending", "PodResizeInProgress"];
    let names_trouble = TROUBLES.contains(&&*condition.kind) || kind == "Node" && &*condition.kind != "Ready";
    // ContainersReady says nothing that Ready does not.
    &*condition.kind != "ContainersReady" && &*condition.status != if names_trouble { "False" } else { "True" }
}

fn termination(end: &bellbuoy_core::report::Termination) -> String {
    one_line(&format!("{} with exit code {} {}", end.reason, end.exit_code, end.message), 160)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellbuoy_core::report::Condition;

    #[test]
    fn pressure_is_bad_when_true_and_readiness_when_not() {
        for (object, kind, status, unwell) in [
            ("Node", "Ready", "True", false),
            ("Node", "Ready", "Unknown", true),
            ("Node", "MemoryPressure", "False", false),
            ("Node", "MemoryPressure", "Unknown", true),
            ("Node", "KernelDeadlock", "False", false),
            ("Node", "FrequentKubeletRestart", "True", true),
            ("Pod", "Ready", "False", true),
            ("ReplicaSet", "ReplicaFailure", "True", true),
        ] {
            let condition = Condition { kind: kind.into(), status: status.into(), ..Condition::default() };
            assert_eq!(is_unwell(&condition, object), unwell, "{object} {kind} {status}");
        }
    }

    #[test]
    fn counts_are_grouped_and_agree() {
        for (count, text) in
            [(0, "0 facts"), (1, "1 fact"), (999, "999 facts"), (1_000, "1,000 facts"), (1_234_567, "1,234,567 facts")]
        {
            assert_eq!(counted(count, "fact", "facts"), text);
        }
    }
}
