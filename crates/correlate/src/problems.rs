//! The signals that an object's state shows: of its containers, its conditions, its phase.

use crate::catalogue::{Catalogue, Reading};
use bellbuoy_core::Text;
use bellbuoy_core::object::{Entity, ObjectRef};
use bellbuoy_core::report::{Container, ContainerState, ObjectReport};
use bellbuoy_core::rules::SignalRule;
use bellbuoy_core::sign;
use bellbuoy_core::time::{Span, Time};

/// Ends of a container that make a crash loop (`facts/classes.csv`: three within ten minutes), and the time within
/// which they must lie on the average: kubelet forgets its back-off after ten minutes of running.
const CRASH_LOOP_ENDS: u32 = 3;
const CRASH_LOOP_PER_END: Span = Span::from_secs(600);

/// So many ends, as close together, are no start that took several attempts: kubelet's back-off of ten seconds, doubled up
/// to five minutes, makes them last for half an hour at the least.
const FLAPPING_ENDS: u32 = 10;

/// A signal that a state shows.
pub(crate) struct Problem<'a> {
    pub(crate) rule: &'a SignalRule,
    /// The object that the message names as missing or exhausted.
    pub(crate) names: Option<Entity>,
    pub(crate) message: Text,
    /// Since when, where the state tells.
    pub(crate) since: Option<Time>,
    /// The object's own counters say that it has gone on for long enough.
    pub(crate) lasted: bool,
    /// It has gone on for so long that a run of some minutes is part of it.
    pub(crate) flaps: bool,
    /// The image of the container that shows it.
    pub(crate) image: Text,
    /// Since when the container has run again: Kubernetes keeps telling how it ended before.
    pub(crate) runs_since: Option<Time>,
}

/// Collects the signals of one state; each once.
struct Reader<'a> {
    catalogue: &'a Catalogue,
    entity: &'a ObjectRef,
    now: Time,
    problems: Vec<Problem<'a>>,
}

/// The signals that the state of an object shows.
pub(crate) fn problems<'a>(
    catalogue: &'a Catalogue,
    entity: &'a ObjectRef,
    report: &ObjectReport,
    now: Time,
) -> Vec<Problem<'a>> {
    let mut reader = Reader { catalogue, entity, now, problems: Vec::new() };
    let is_deleting = report.deleting_at.is_some();
    if !is_deleting {
        report.containers.iter().for_each(|container| reader.container(container, report.created_at));
    }
    // What a pod says of its readiness that has ended, or is about to, is no news. Other kinds tell why they cannot end.
    let has_ended = is_deleting || matches!(&*report.phase, "Succeeded" | "Failed");
    if &*entity.kind != "Pod" || !has_ended {
        for condition in &report.conditions {
            if let Some(reading) = catalogue.read_condition(&entity.kind, condition) {
                reader.add(reading, condition.message.clone(), condition.since);
            }
        }
    }
    if let Some(reading) = catalogue.read_phase(&entity.kind, report) {
        reader.add(reading, report.message.clone(), None);
    }
    reader.signs(report);
    reader.problems
}

impl<'a> Reader<'a> {
    fn container(&mut self, container: &Container, created_at: Option<Time>) {
        let catalogue = self.catalogue;
        let first = self.problems.len();
        match &container.state {
            ContainerState::Waiting { reason, message } => {
                if let Some(reading) = catalogue.read_waiting(reason, message) {
                    let since = container.last.as_ref().and_then(|end| end.finished_at).or(created_at);
                    self.add(reading, message.clone(), since);
                }
            }
            ContainerState::Terminated(end) => {
                if let Some(reading) = catalogue.read_terminated(end) {
                    self.add(reading, ended_text(container, &end.reason, &end.message, end.exit_code), end.finished_at);
                }
            }
            ContainerState::Running { .. } | ContainerState::Unknown => {}
        }
        let runs_since = match &container.state {
            ContainerState::Running { since } => *since,
            _ => None,
        };
        if let Some(end) = &container.last
            && let Some(reading) = catalogue.read_terminated(end)
        {
            // What ended it before counts until it has run for long enough since.
            let is_over = runs_since.is_some_and(|since| self.now.since(since) >= reading.rule.heals_after);
            if !is_over {
                self.add(reading, ended_text(container, &end.reason, &end.message, end.exit_code), end.finished_at);
            }
        }
        let age = created_at.map_or(Span::ZERO, |created| self.now.since(created));
        // Each restart follows an end; what does not run now has ended once more.
        let is_down = matches!(container.state, ContainerState::Terminated(_) | ContainerState::Waiting { .. });
        let ends = container.restarts.saturating_add(u32::from(is_down));
        let is_dense = age.0 <= CRASH_LOOP_PER_END.0.saturating_mul(i64::from(ends));
        for problem in &mut self.problems[first..] {
            problem.lasted = is_dense && ends >= CRASH_LOOP_ENDS;
            problem.flaps = is_dense && ends >= FLAPPING_ENDS;
            problem.image = container.image.clone();
            problem.runs_since = runs_since;
        }
    }

    fn add(&mut self, reading: Reading<'a>, message: Text, since: Option<Time>) {
        if self.problems.iter().any(|known| known.rule.code == reading.rule.code) {
            return;
        }
        let names = reading.named(&self.entity.namespace);
        let (rule, image) = (reading.rule, "".into());
        let (lasted, flaps, runs_since) = (false, false, None);
        self.problems.push(Problem { rule, names, message, since, lasted, flaps, image, runs_since });
    }
}

impl Reader<'_> {
    /// Signs that one object shows by itself.
    fn signs(&mut self, report: &ObjectReport) {
        if let Some(deleting) = report.deleting_at {
            if !report.finalizers.is_empty() {
                let held = report.finalizers.iter().map(|name| &**name).collect::<Vec<_>>().join(", ");
                self.sign(sign::DELETING, &format!("is being deleted, held by {held}"), Some(deleting));
            }
            return;
        }
        match &*self.entity.kind {
            "Node" => self.node(report),
            "Service" if &*report.service_type == "LoadBalancer" && report.external_addresses == 0 => {
                self.sign(sign::WITHOUT_ADDRESS, "its load balancer has no address", report.created_at);
            }
            "ResourceQuota" => self.quotas(report),
            "Pod" => self.unseen(report),
            _ => {}
        }
        let is_behind = report.observed_generation > 0 && report.observed_generation < report.generation;
        if is_behind {
            let text = format!("generation {} of {} was seen", report.observed_generation, report.generation);
            self.sign(sign::NOT_RECONCILED, &text, None);
        }
        // A ReplicaSet says of its pods what its Deployment says of all.
        let speaks = report.owner.is_none() && !report.paused;
        if let Some(replicas) = report.replicas.filter(|replicas| speaks && replicas.ready < replicas.desired) {
            let text = format!("{} of {} replicas are ready", replicas.ready, replicas.desired);
            let available = report.conditions.iter().find(|c| &*c.kind == "Available" && &*c.status == "False");
            let since = available.and_then(|condition| condition.since);
            let sign = if replicas.ready == 0 { sign::NO_REPLICAS } else { sign::SHORT_OF_REPLICAS };
            self.sign(sign, &text, since);
        }
    }

    fn node(&mut self, report: &ObjectReport) {
        if report.unschedulable {
            self.sign(sign::CORDONED, "takes no new pods: it is cordoned", None);
        }
        for taint in &report.taints {
            self.sign(sign::TAINTED, taint, None);
        }
    }

    fn quotas(&mut self, report: &ObjectReport) {
        let full = report.quotas.iter().filter(|quota| {
            let (hard, used) = (quantity(&quota.hard), quantity(&quota.used));
            hard.zip(used).is_some_and(|(hard, used)| hard > 0 && used >= hard)
        });
        let full: Vec<_> = full.map(|quota| format!("{} {} of {}", quota.resource, quota.used, quota.hard)).collect();
        if !full.is_empty() {
            self.sign(sign::QUOTA_FULL, &format!("is used up: {}", full.join(", ")), None);
        }
    }

    /// A pod that no scheduler has looked at has no word about its place.
    fn unseen(&mut self, report: &ObjectReport) {
        let is_looked_at = report.conditions.iter().any(|condition| &*condition.kind == "PodScheduled");
        if &*report.phase == "Pending" && report.node.is_empty() && !is_looked_at {
            self.sign(sign::NOT_LOOKED_AT, "no scheduler has looked at it", report.created_at);
        }
    }

    fn sign(&mut self, sign: &str, message: &str, since: Option<Time>) {
        let catalogue = self.catalogue;
        if let Some(reading) = catalogue.read_sign(sign, &self.entity.kind, message) {
            // A state that does not say since when has been so since it was seen.
            self.add(reading, message.into(), since.or(Some(self.now)));
        }
    }
}

/// A Kubernetes quantity in thousandths, for comparing two of one resource; none where it is not one.
fn quantity(text: &str) -> Option<i128> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(split);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    let thousandths = whole.parse::<i128>().ok()?.checked_mul(1_000)?.checked_add(digits.parse().ok()?)?;
    let binary = |power: u32| thousandths.checked_mul(1_i128 << (10 * power));
    let decimal = |power: u32| thousandths.checked_mul(10_i128.pow(3 * power));
    match suffix {
        "" => Some(thousandths),
        "m" => Some(thousandths / 1_000),
        "k" => decimal(1),
        "M" => decimal(2),
        "G" => decimal(3),
        "T" => decimal(4),
        "P" => decimal(5),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        _ => None,
    }
}

fn ended_text(container: &Container, reason: &str, message: &str, exit_code: i32) -> Text {
    let colon = if message.is_empty() { "" } else { ": " };
    format!("container {} ended with {reason}, exit code {exit_code}{colon}{message}", container.name).into()
}
