//! The signals that an object's state shows: of its containers, its conditions, its phase.

use crate::catalogue::{Catalogue, Reading};
use bellbuoy_core::Text;
use bellbuoy_core::object::Entity;
use bellbuoy_core::report::{Container, ContainerState, ObjectReport};
use bellbuoy_core::rules::SignalRule;
use bellbuoy_core::time::{Span, Time};

/// Restarts of a container that make a crash loop (`facts/classes.csv`: three within ten minutes), and the time within
/// which they must lie on the average: kubelet forgets its back-off after ten minutes of running.
const CRASH_LOOP_RESTARTS: u32 = 3;
const CRASH_LOOP_PER_RESTART: Span = Span::from_secs(600);

/// A signal that a state shows.
pub(crate) struct Problem {
    pub(crate) rule: SignalRule,
    /// The object that the message names as missing or exhausted.
    pub(crate) names: Option<Entity>,
    pub(crate) message: Text,
    /// Since when, where the state tells.
    pub(crate) since: Option<Time>,
    /// The object's own counters say that it has gone on for long enough.
    pub(crate) lasted: bool,
    /// The image of the container that shows it.
    pub(crate) image: Text,
    /// Since when the container has run again: Kubernetes keeps telling how it ended before.
    pub(crate) runs_since: Option<Time>,
}

/// Collects the signals of one state; each once.
struct Reader<'a> {
    catalogue: &'a Catalogue,
    entity: &'a Entity,
    now: Time,
    problems: Vec<Problem>,
}

/// The signals that the state of an object shows.
pub(crate) fn problems(catalogue: &Catalogue, entity: &Entity, report: &ObjectReport, now: Time) -> Vec<Problem> {
    let mut reader = Reader { catalogue, entity, now, problems: Vec::new() };
    if report.deleting_at.is_none() {
        report.containers.iter().for_each(|container| reader.container(container, report.created_at));
        // What a pod that has ended says of its readiness is no news.
        if !matches!(&*report.phase, "Succeeded" | "Failed") {
            for condition in &report.conditions {
                if let Some(reading) = catalogue.read_condition(&entity.kind, condition) {
                    reader.add(reading, condition.message.clone(), condition.since);
                }
            }
        }
    }
    if let Some(reading) = catalogue.read_phase(&entity.kind, report) {
        reader.add(reading, report.message.clone(), None);
    }
    reader.problems
}

impl Reader<'_> {
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
        let lasted = container.restarts >= CRASH_LOOP_RESTARTS
            && age.0 <= CRASH_LOOP_PER_RESTART.0.saturating_mul(i64::from(container.restarts));
        for problem in &mut self.problems[first..] {
            problem.lasted = lasted;
            problem.image = container.image.clone();
            problem.runs_since = runs_since;
        }
    }

    fn add(&mut self, reading: Reading<'_>, message: Text, since: Option<Time>) {
        if self.problems.iter().any(|known| known.rule.code == reading.rule.code) {
            return;
        }
        let names = reading.names.map(|(kind, name)| Entity::new(kind, &self.entity.namespace, &name));
        let (rule, image) = (reading.rule.clone(), "".into());
        self.problems.push(Problem { rule, names, message, since, lasted: false, image, runs_since: None });
    }
}

fn ended_text(container: &Container, reason: &str, message: &str, exit_code: i32) -> Text {
    let colon = if message.is_empty() { "" } else { ": " };
    format!("container {} ended with {reason}, exit code {exit_code}{colon}{message}", container.name).into()
}
