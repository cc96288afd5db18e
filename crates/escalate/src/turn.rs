//! One record or one timer of one incident: who is told now.

use crate::state::{Case, Phase, Tables};
use crate::tiers::next_tier;
use crate::words;
use bellbuoy_core::Text;
use bellbuoy_core::incident::{Change, IncidentId, Status};
use bellbuoy_core::page::{Page, PageKey, PageKind};
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::stage::Ctx;
use bellbuoy_core::time::Time;
use bellbuoy_core::triage::Triaged;
use std::collections::BTreeMap;

/// What a decision may touch.
pub(crate) struct Turn<'a, 'c> {
    pub(crate) state: &'a mut Tables,
    pub(crate) rules: &'a RuleSet,
    pub(crate) now: Time,
    pub(crate) ctx: &'a mut Ctx<'c, Page>,
}

impl Turn<'_, '_> {
    /// A new record of an incident.
    pub(crate) fn triaged(&mut self, triaged: &Triaged) {
        let incident = &triaged.incident;
        let id = incident.id;
        let is_over = matches!(incident.status, Status::Resolved | Status::Merged);
        let known = self.state.cases.get(&id).cloned();
        let mut case = match known {
            Some(case) => case,
            // Nobody was told, so that nobody needs to hear of the end.
            None if is_over => return,
            None => {
                let limits = &self.rules.limits;
                let max = limits.episodes_max.saturating_add(limits.ended_incidents_max);
                if !self.state.make_room(usize::try_from(max).unwrap_or(usize::MAX)) {
                    let text = format!("{id} pages nobody: {max} incidents are open, and that is the limit");
                    self.ctx.reject(None, text);
                    return;
                }
                let came_back = incident.changes.contains(&Change::Reopened);
                Case { since: if came_back { self.now } else { incident.opened_at }, ..Case::default() }
            }
        };
        case.severity = triaged.severity;
        case.owner = triaged.owner.clone();
        // The record of a merging has neither cause nor members: who was told knows it by its former title.
        if let Some(title) = words::title(incident, self.rules) {
            case.title = title;
            case.extent = words::extent(incident);
        } else if case.title.is_empty() {
            case.title = id.to_string().into();
        }
        match incident.status {
            Status::Open => self.open(id, &mut case),
            Status::Acknowledged => self.acknowledged(id, &mut case),
            Status::Resolved => self.over(id, &mut case, "resolved", "the incident is resolved".to_owned()),
            Status::Merged => {
                let other = incident.merged_into.map_or_else(|| "another one".to_owned(), |other| other.to_string());
                self.over(id, &mut case, "merged", format!("part of {other}"));
            }
        }
        self.state.put(id, case);
    }

    /// The deadline of an incident has come.
    pub(crate) fn due(&mut self, id: IncidentId) {
        let Some(mut case) = self.state.cases.get(&id).cloned() else { return };
        match case.phase {
            Phase::Settling if self.pages(&case) => self.first_page(id, &mut case),
            Phase::Told => {
                let told: Vec<_> = case.told.iter().map(|told| &*told.receiver).collect();
                let why = format!("nobody has acknowledged it in time; told so far: {}", told.join(", "));
                self.tell_next(id, &mut case, PageKind::Escalate, "ack-timeout", why);
            }
            Phase::Settling | Phase::Acknowledged | Phase::Ended => {}
        }
        self.state.put(id, case);
    }

    fn open(&mut self, id: IncidentId, case: &mut Case) {
        match case.phase {
            Phase::Ended => {
                (case.phase, case.since, case.forget_at) = (Phase::Settling, self.now, None);
                self.settle(id, case);
            }
            Phase::Settling => self.settle(id, case),
            Phase::Told => self.worse(id, case),
            // It ended and came back within one record: the acknowledgement is gone, and who was told still knows.
            Phase::Acknowledged => {
                case.phase = if case.told.is_empty() { Phase::Settling } else { Phase::Told };
                case.since = self.now;
                match case.phase {
                    Phase::Told => {
                        self.state.timers.set(id, self.now + self.rules.policy.settle);
                        self.worse(id, case);
                    }
                    _ => self.settle(id, case),
                }
            }
        }
    }

    /// Arms the first page, for as long as the severity asks for one; sends it when the time to settle is over already.
    fn settle(&mut self, id: IncidentId, case: &mut Case) {
        let due = case.since + self.rules.policy.settle;
        if !self.pages(case) {
            self.state.timers.clear(&id);
        } else if due <= self.now {
            self.first_page(id, case);
        } else {
            self.state.timers.set(id, due);
        }
    }

    fn pages(&self, case: &Case) -> bool {
        case.severity <= self.rules.policy.page_from
    }

    fn first_page(&mut self, id: IncidentId, case: &mut Case) {
        let severity = case.severity;
        let open_for = self.now.since(case.since);
        let paged = match self.rules.policy.page_from {
            from if from == severity => format!("{severity} is paged"),
            from => format!("{severity} is paged, as {from} and worse are"),
        };
        let why = format!("{paged}, and nobody acknowledged it in the {open_for} since");
        let (rule, why) = match case.over_at {
            None => ("first-page", format!("{why} it opened")),
            Some(over_at) => {
                let gone_for = case.since.since(over_at);
                ("came-back", format!("it came back after {gone_for}; {why} then"))
            }
        };
        self.tell_next(id, case, PageKind::Trigger, rule, why);
    }

    fn acknowledged(&mut self, id: IncidentId, case: &mut Case) {
        (case.phase, case.forget_at) = (Phase::Acknowledged, None);
        self.state.timers.clear(&id);
        self.worse(id, case);
    }

    /// Who was told hears of a worse severity, acknowledged or not: they decide by what they were told.
    fn worse(&mut self, id: IncidentId, case: &mut Case) {
        if case.told.is_empty() || case.severity >= case.told_severity {
            return;
        }
        let why = format!("the severity rose from {} to {}", case.told_severity, case.severity);
        case.told_severity = case.severity;
        let summary = words::summary(case);
        self.tell_all(id, case, PageKind::Worse, "severity-rise", &summary, &why);
    }

    fn over(&mut self, id: IncidentId, case: &mut Case, rule: &str, why: String) {
        self.state.timers.clear(&id);
        if !case.told.is_empty() {
            let lasted = self.now.since(case.since);
            let what = if rule == "merged" { why.clone() } else { format!("over after {lasted}") };
            let summary = words::line(case, &what);
            self.tell_all(id, case, PageKind::Resolve, rule, &summary, &why);
            case.told.clear();
            case.over_at = Some(self.now);
        }
        (case.phase, case.next_tier, case.told_severity) = (Phase::Ended, 0, Case::default().told_severity);
        case.forget_at = Some(self.now + self.rules.limits.reopen_within);
    }

    /// Tells the next tier that has somebody. After the last one nobody is told: it is not repeated.
    fn tell_next(&mut self, id: IncidentId, case: &mut Case, kind: PageKind, rule: &str, why: String) {
        let Some(due) = next_tier(&self.rules.policy, case) else { return };
        let why = if due.passed_by.is_empty() { why } else { format!("{why} ({})", due.passed_by.join("; ")) };
        case.epoch += 1;
        case.phase = Phase::Told;
        case.next_tier = due.told.tier;
        case.told_severity = case.told_severity.min(case.severity);
        let summary = words::summary(case);
        let page = Page {
            key: PageKey { incident: id, receiver: due.told.receiver.clone(), epoch: case.epoch },
            at: self.now,
            kind,
            channel: due.told.channel.clone(),
            tier: due.told.tier,
            severity: case.severity,
            summary,
            reason: why.into(),
            rule: self.rule(rule),
        };
        self.ctx.emit(page);
        case.told.push(due.told);
        self.state.timers.set(id, self.now + due.ack_timeout);
    }

    /// Tells everybody who was told, each once, through the channel that reached them last.
    fn tell_all(&mut self, id: IncidentId, case: &mut Case, kind: PageKind, rule: &str, summary: &Text, why: &str) {
        case.epoch += 1;
        let last: BTreeMap<_, _> = case.told.iter().map(|told| (&told.receiver, told)).collect();
        for (receiver, told) in last {
            let page = Page {
                key: PageKey { incident: id, receiver: receiver.clone(), epoch: case.epoch },
                at: self.now,
                kind,
                channel: told.channel.clone(),
                tier: told.tier,
                severity: case.severity,
                summary: summary.clone(),
                reason: why.into(),
                rule: self.rule(rule),
            };
            self.ctx.emit(page);
        }
    }

    fn rule(&self, rule: &str) -> Text {
        format!("{}/{rule}", self.rules.policy.name).into()
    }
}
