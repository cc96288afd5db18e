//! Folds facts through the pure stages, without a runner: what the pipeline decides.

use bellbuoy_classify::Classify;
use bellbuoy_core::fact::Fact;
use bellbuoy_core::incident::{Flow, Incident, IncidentId, Stamped, Status};
use bellbuoy_core::page::{Page, PageKind};
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::stage::{Effect, Rejected, Stage};
use bellbuoy_core::task::Task;
use bellbuoy_core::triage::Triaged;
use bellbuoy_correlate::Correlate;
use bellbuoy_escalate::Escalate;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

/// Everything that the pipeline decided.
#[derive(Debug, Default)]
pub struct Decided {
    /// Records of incidents, in order.
    pub records: Vec<Stamped<Incident>>,
    /// Classified records, in order.
    pub triaged: Vec<Triaged>,
    /// Pages, in order.
    pub pages: Vec<Page>,
    /// What a stage could not use.
    pub rejected: Vec<Rejected>,
}

/// The rule set that comes with Bellbuoy.
pub fn default_rules() -> Arc<RuleSet> {
    Arc::new(bellbuoy_wire::rules::Config::default().rule_set())
}

/// Folds facts through all pure stages under the rule set that comes with Bellbuoy.
pub fn decide(facts: &[Fact]) -> Decided {
    let rules = default_rules();
    let mut correlate = Task::new(Correlate::new(rules.clone()));
    let mut classify = Task::new(Classify::new(rules.clone()));
    let mut escalate = Task::new(Escalate::new(rules));
    let mut decided = Decided::default();
    let (mut incidents, mut triaged) = (0, 0);
    for (offset, fact) in facts.iter().enumerate() {
        correlate.feed(i64::try_from(offset).unwrap_or(i64::MAX), fact.clone());
        for record in emitted(&mut correlate, &mut decided.rejected) {
            decided.records.push(record.clone());
            classify.feed(incidents, record);
            incidents += 1;
            for record in emitted(&mut classify, &mut decided.rejected) {
                if let Flow::Item(item) = &record.flow {
                    decided.triaged.push(item.clone());
                }
                escalate.feed(triaged, record);
                triaged += 1;
                for page in emitted(&mut escalate, &mut decided.rejected) {
                    if let Flow::Item(page) = page.flow {
                        decided.pages.push(page);
                    }
                }
            }
        }
    }
    decided
}

fn emitted<S: Stage>(task: &mut Task<S>, rejected: &mut Vec<Rejected>) -> Vec<Stamped<S::Out>> {
    let mut out = Vec::new();
    for effect in task.commit().effects {
        match effect {
            Effect::Emit(record) => out.push(record),
            Effect::Reject(what) => rejected.push(what),
        }
    }
    out
}

impl Decided {
    /// The last record of each incident that is not part of another one, in the order of their opening.
    pub fn incidents(&self) -> Vec<&Triaged> {
        let mut last: BTreeMap<IncidentId, &Triaged> = BTreeMap::new();
        for record in &self.triaged {
            last.insert(record.incident.id, record);
        }
        let mut last: Vec<_> = last.into_values().filter(|t| t.incident.status != Status::Merged).collect();
        last.sort_by_key(|triaged| (triaged.incident.opened_at, triaged.incident.id));
        last
    }

    /// Pages that tell somebody of something new, per incident that is not part of another one.
    pub fn triggers(&self) -> usize {
        self.pages.iter().filter(|page| page.kind == PageKind::Trigger).count()
    }

    /// What a person would say of it: a line per incident, in the order of their opening.
    pub fn told(&self) -> String {
        let mut text = String::new();
        for Triaged { incident, severity, .. } in self.incidents() {
            let cause = incident.causes.first().map(|cause| format!("{} on {}", cause.signal, cause.entity));
            let status = match incident.status {
                Status::Open => "open",
                Status::Acknowledged => "acknowledged",
                Status::Resolved => "resolved",
                Status::Merged => "merged",
            };
            let cause = cause.unwrap_or_else(|| "nothing".to_owned());
            let _ = writeln!(text, "{severity} {status}: {cause}; {} members", incident.member_count);
        }
        text
    }
}
