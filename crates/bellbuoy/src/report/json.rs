//! The report for a program: one JSON object per incident and line, as `schemas/incident-report.schema.json` says.

use super::Report;
use super::wording;
use crate::account::Entry;
use crate::moment::rfc3339;
use bellbuoy_core::incident::{Because, Cause, Evidence, Member, Status};
use bellbuoy_core::object::Entity;
use bellbuoy_core::page::Page;
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::triage::Factor;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Writes the report.
///
/// # Errors
/// When the stream cannot be written.
pub(crate) fn write(out: &mut impl Write, report: &Report<'_>) -> io::Result<()> {
    for entry in report.entries() {
        serde_json::to_writer(&mut *out, &incident(entry, report.rules)).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// An incident with everything that is known of it.
pub(crate) fn incident(entry: &Entry, rules: &RuleSet) -> Value {
    let triaged = &entry.triaged;
    let incident = &triaged.incident;
    json!({
        "incident_id": incident.id.to_string(),
        "cluster": *entry.scope.0,
        "title": wording::headline(incident, rules),
        "status": status(incident.status),
        "severity": triaged.severity.to_string(),
        "category": *triaged.category,
        "owner": *triaged.owner,
        "runbook": *triaged.runbook,
        "began_at": rfc3339(incident.began_at),
        "opened_at": rfc3339(incident.opened_at),
        "acknowledged_at": incident.acknowledged_at.map(rfc3339),
        "acknowledged_by": text_or_null(&incident.acknowledged_by),
        "resolved_at": incident.resolved_at.map(rfc3339),
        "last_seen_at": rfc3339(incident.last_seen_at),
        "merged_into": incident.merged_into.map(|id| id.to_string()),
        "revision": incident.revision,
        "causes": (1u32..).zip(&incident.causes).map(|(rank, each)| cause(rank, each)).collect::<Vec<_>>(),
        "severity_because": triaged.factors.iter().map(factor).collect::<Vec<_>>(),
        "affected": {
            "objects": incident.object_count,
            "namespaces": incident.namespace_count,
            "members": incident.member_count,
            "open_members": incident.open_count,
        },
        "entities": entities(entry).into_iter().map(entity).collect::<Vec<_>>(),
        "members": incident.members.iter().map(member).collect::<Vec<_>>(),
        "signals": incident.signals.iter().map(|count| json!({
            "signal": *count.signal,
            "area": *count.area,
            "count": count.count,
        })).collect::<Vec<_>>(),
        "pages": entry.pages.iter().map(page).collect::<Vec<_>>(),
        "timeline": incident.timeline.iter().map(|moment| json!({
            "at": rfc3339(moment.at),
            "text": *moment.text,
        })).collect::<Vec<_>>(),
    })
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Open => "open",
        Status::Acknowledged => "acknowledged",
        Status::Resolved => "resolved",
        Status::Merged => "merged",
    }
}

/// What is shown of the incident: causes first, then members, each once, at most as many as the record holds.
fn entities(entry: &Entry) -> Vec<&Entity> {
    let incident = &entry.triaged.incident;
    let all =
        incident.causes.iter().map(|cause| &cause.entity).chain(incident.members.iter().map(|member| &member.entity));
    let mut seen = BTreeSet::new();
    all.filter(|entity| seen.insert(*entity)).collect()
}

fn entity(entity: &Entity) -> Value {
    json!({ "kind": *entity.kind, "namespace": text_or_null(&entity.namespace), "name": *entity.name })
}

fn cause(rank: u32, cause: &Cause) -> Value {
    json!({
        "rank": rank,
        "score": cause.score,
        "kind": *cause.entity.kind,
        "namespace": text_or_null(&cause.entity.namespace),
        "name": *cause.entity.name,
        "signal": *cause.signal,
        "because": cause.because.iter().map(because).collect::<Vec<_>>(),
    })
}

fn because(because: &Because) -> Value {
    json!({
        "rule": *because.rule,
        "points": because.points,
        "text": *because.text,
        "facts": because.facts.iter().map(evidence).collect::<Vec<_>>(),
    })
}

fn factor(factor: &Factor) -> Value {
    json!({ "rule": *factor.rule, "steps": factor.steps, "text": *factor.text })
}

fn member(member: &Member) -> Value {
    let explained_by = member.explained_by.as_ref().map(|by| {
        json!({
            "kind": *by.entity.kind,
            "namespace": text_or_null(&by.entity.namespace),
            "name": *by.entity.name,
            "signal": *by.signal,
            "rule": *by.rule,
            "relation": *by.relation,
        })
    });
    json!({
        "kind": *member.entity.kind,
        "namespace": text_or_null(&member.entity.namespace),
        "name": *member.entity.name,
        "signal": *member.signal,
        "message": *member.message,
        "began_at": rfc3339(member.began_at),
        "last_seen_at": rfc3339(member.last_seen_at),
        "ended_at": member.ended_at.map(rfc3339),
        "repeats": member.repeats,
        "objects": member.objects,
        "late": member.late,
        "explained_by": explained_by,
        "facts": member.evidence.iter().map(evidence).collect::<Vec<_>>(),
    })
}

fn page(page: &Page) -> Value {
    json!({
        "key": page.key.to_string(),
        "at": rfc3339(page.at),
        "kind": wording::page_kind(page.kind),
        "receiver": *page.key.receiver,
        "channel": *page.channel,
        "tier": page.tier,
        "severity": page.severity.to_string(),
        "summary": *page.summary,
        "reason": *page.reason,
        "rule": *page.rule,
    })
}

fn evidence(evidence: &Evidence) -> Value {
    json!({ "fact": evidence.fact.to_string(), "observed_at": rfc3339(evidence.observed_at) })
}

/// Where there is nothing to say, JSON says null.
fn text_or_null(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
