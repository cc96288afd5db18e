//! Labels: what people know to have failed, or to have been well, so that a replay can be scored against it.

use crate::rules::ConfigError;
use crate::rules::config::in_file;
use crate::rules::error::Problem;
use crate::rules::node::Value;
use crate::rules::section::{Section, read_list};
use bellbuoy_core::Text;
use bellbuoy_core::object::{Entity, Scope};
use bellbuoy_core::time::Time;
use std::fmt;

/// One thing that people know about a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// What people call it; empty where they call it nothing.
    pub name: Text,
    /// The cluster that it speaks of; none means every one.
    pub scope: Option<Scope>,
    /// What a replay ought to say.
    pub expected: Expected,
    /// When it began; none means before anything that was observed.
    pub from: Option<Time>,
    /// When it was over; none means never.
    pub to: Option<Time>,
}

/// What a replay ought to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Nothing above P5.
    Healthy,
    /// This failure.
    Failure(Failure),
}

/// What failed, in the words of an incident's cause.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// The entity at fault.
    pub entity: Entity,
    /// Entities that are right as well.
    pub accept: Vec<Entity>,
    /// Signals that are right: codes of the catalogue, or what stands before the slash of some. Empty means any.
    pub signals: Vec<Text>,
}

impl Label {
    /// A failure of an entity, at any time of any cluster; an empty signal means any.
    pub fn failure(entity: Entity, signal: &str) -> Self {
        let signals = if signal.is_empty() { Vec::new() } else { vec![signal.into()] };
        let failure = Failure { entity, signals, ..Failure::default() };
        Self { expected: Expected::Failure(failure), ..Self::healthy() }
    }

    /// Nothing failed, at any time in any cluster.
    pub fn healthy() -> Self {
        Self { name: "".into(), scope: None, expected: Expected::Healthy, from: None, to: None }
    }

    /// Reads a list of labels. `file_name` is what complaints call it.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong, in the order of the file.
    pub fn load(text: &str, file_name: &str) -> Result<Vec<Self>, ConfigError> {
        let (mut labels, mut problems) = (Vec::new(), Vec::new());
        in_file(text, file_name, &mut problems, |root, problems| {
            if matches!(&root.value, Value::List(items) if items.is_empty()) {
                problems.push(Problem::new(root.at, "", "expected a list of labels, found an empty one"));
            }
            read_list(root, problems, |section| labels.push(read(section)));
        });
        if problems.is_empty() { Ok(labels) } else { Err(ConfigError { problems }) }
    }
}

impl fmt::Display for Label {
    /// Its name; else `OOMKilled on Deployment shop/cart`, `healthy`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.name.is_empty() {
            return f.write_str(&self.name);
        }
        match &self.expected {
            Expected::Healthy => f.write_str("healthy"),
            Expected::Failure(Failure { entity, signals, .. }) => match signals.first() {
                Some(signal) => write!(f, "{signal} on {entity}"),
                None => write!(f, "{entity}"),
            },
        }
    }
}

fn read(section: &mut Section<'_>) -> Label {
    let mut label = Label::healthy();
    section.name("name", &mut label.name);
    let mut cluster: Text = "".into();
    section.name("cluster", &mut cluster);
    label.scope = (!cluster.is_empty()).then_some(Scope(cluster));
    let failure = read_failure(section);
    let mut healthy = true;
    section.flag("healthy", &mut healthy);
    match section.has("healthy") {
        true if !healthy => section.complain("healthy", "expected true: a failure does without this key"),
        true => {
            for key in ["entity", "signal", "accept", "signals"] {
                if section.has(key) {
                    section.complain(key, "expected nothing here: a healthy time has no failure");
                }
            }
        }
        false if !section.has("entity") => section.complain("", "expected the key entity, or healthy: true"),
        false => label.expected = Expected::Failure(failure),
    }
    section.scalar("from", &mut label.from, moment);
    section.scalar("to", &mut label.to, moment);
    if let (Some(from), Some(to)) = (label.from, label.to)
        && from >= to
    {
        section.complain("to", "expected a time after from");
    }
    label
}

fn read_failure(section: &mut Section<'_>) -> Failure {
    let mut failure = Failure::default();
    section.section("entity", |fields| failure.entity = read_entity(fields));
    section.list("accept", |fields| failure.accept.push(read_entity(fields)));
    let mut signal: Text = "".into();
    section.name("signal", &mut signal);
    failure.signals.extend((!signal.is_empty()).then_some(signal));
    for (signal, at) in section.texts("signals").unwrap_or_default() {
        match signal.is_empty() {
            true => section.complain_at(at, "signals", "expected a signal such as OOMKilled, found \"\""),
            false => failure.signals.push(signal),
        }
    }
    failure
}

fn read_entity(section: &mut Section<'_>) -> Entity {
    let mut entity = Entity::default();
    section.scalar("kind", &mut entity.kind, |text| {
        // Kinds are compared as they are written, so that a plural or a small letter would never match.
        match text.chars().next().is_some_and(|first| first.is_ascii_uppercase()) {
            true => Ok(text.into()),
            false => Err("a kind as Kubernetes writes it, such as Deployment".to_owned()),
        }
    });
    section.name("namespace", &mut entity.namespace);
    section.name("name", &mut entity.name);
    section.require(&["kind", "name"]);
    entity
}

fn moment(text: &str) -> Result<Option<Time>, String> {
    let moment = text.parse::<jiff::Timestamp>();
    moment
        .map(|moment| Some(Time(moment.as_microsecond())))
        .map_err(|_| "a time with its offset from UTC, such as 2026-03-17T10:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole complaint, one problem a line.
    #[track_caller]
    fn refuse(text: &str, expect: &[&str]) {
        let error = Label::load(text, "labels.yaml").expect_err(text).to_string();
        assert_eq!(error.lines().collect::<Vec<_>>(), expect, "{text}");
    }

    const ALL: &str = "
- name: payments out of memory
  cluster: prod-eu
  entity: {kind: Deployment, namespace: shop, name: cart}
  signal: OOMKilled
  accept: [{kind: Pod, namespace: shop, name: cart-abc}, {kind: Node, name: worker-1}]
  signals: [CrashLoopBackOff]
  from: 2026-03-17T10:00:00Z
  to: 2026-03-17T11:40:00+01:00
- entity:
    kind: Node
    name: worker-1
- {healthy: true, from: 2026-03-17T12:00:00Z}
";

    #[test]
    fn every_key_is_read_and_most_may_be_missing() {
        let labels = Label::load(ALL, "labels.yaml").unwrap();
        let ten = Time::from_secs(1_773_741_600);
        let failure = Failure {
            entity: Entity::new("Deployment", "shop", "cart"),
            accept: vec![Entity::new("Pod", "shop", "cart-abc"), Entity::new("Node", "", "worker-1")],
            signals: vec!["OOMKilled".into(), "CrashLoopBackOff".into()],
        };
        let full = Label {
            name: "payments out of memory".into(),
            scope: Some(Scope::cluster("prod-eu")),
            expected: Expected::Failure(failure),
            from: Some(ten),
            to: Some(Time::from_secs(1_773_741_600 + 2_400)),
        };
        let healthy = Label { from: Some(Time::from_secs(1_773_741_600 + 7_200)), ..Label::healthy() };
        assert_eq!(labels, [full, Label::failure(Entity::new("Node", "", "worker-1"), ""), healthy]);
    }

    #[test]
    fn a_label_without_a_name_is_called_by_what_it_says() {
        let names: Vec<_> = Label::load(ALL, "").unwrap().iter().map(Label::to_string).collect();
        assert_eq!(names, ["payments out of memory", "Node worker-1", "healthy"]);
        let oom = Label::failure(Entity::new("Deployment", "shop", "cart"), "OOMKilled");
        assert_eq!(oom.to_string(), "OOMKilled on Deployment shop/cart");
    }

    #[test]
    fn a_list_without_labels_measures_nothing() {
        refuse("", &["labels.yaml:1:1: expected a list, found nothing"]);
        refuse("[]\n", &["labels.yaml:1:1: expected a list of labels, found an empty one"]);
        refuse("entity: {kind: Node, name: a}\n", &["labels.yaml:1:1: expected a list, found a mapping"]);
        refuse("- Node\n", &["labels.yaml:1:3: [0]: expected a mapping, found \"Node\""]);
    }

    #[test]
    fn unknown_keys_are_refused_with_the_nearest_known_one() {
        refuse(
            "- entity: {kind: Node, nam: a}\n  singal: NodeNotReady\n",
            &[
                "labels.yaml:1:11: [0].entity: expected the key name",
                "labels.yaml:1:24: [0].entity.nam: unknown key \"nam\"; did you mean name?",
                "labels.yaml:2:3: [0].singal: unknown key \"singal\"; did you mean signal?",
            ],
        );
    }

    #[test]
    fn values_are_refused_with_what_would_have_been_right() {
        refuse(
            "- entity: {kind: pods, name: a}\n- entity: {kind: Pod, name: [a]}\n  from: yesterday\n  to: 2026-03-17\n",
            &[
                "labels.yaml:1:18: [0].entity.kind: expected a kind as Kubernetes writes it, such as Deployment, found \"pods\"",
                "labels.yaml:2:29: [1].entity.name: expected a text, found a list",
                "labels.yaml:3:9: [1].from: expected a time with its offset from UTC, such as 2026-03-17T10:00:00Z, found \"yesterday\"",
                "labels.yaml:4:7: [1].to: expected a time with its offset from UTC, such as 2026-03-17T10:00:00Z, found \"2026-03-17\"",
            ],
        );
        refuse(
            "- healthy: true\n  from: 2026-03-17T10:00:00Z\n  to: 2026-03-17T10:00:00Z\n",
            &["labels.yaml:3:7: [0].to: expected a time after from"],
        );
        refuse(
            "- entity: {kind: Pod, name: a}\n  signals: [\"\"]\n",
            &["labels.yaml:2:13: [0].signals: expected a signal such as OOMKilled, found \"\""],
        );
    }

    #[test]
    fn a_label_is_a_failure_or_healthy() {
        refuse("- signal: OOMKilled\n", &["labels.yaml:1:3: [0]: expected the key entity, or healthy: true"]);
        refuse(
            "- healthy: true\n  signal: OOMKilled\n",
            &["labels.yaml:2:11: [0].signal: expected nothing here: a healthy time has no failure"],
        );
        refuse(
            "- healthy: false\n  entity: {kind: Pod, name: a}\n",
            &["labels.yaml:1:12: [0].healthy: expected true: a failure does without this key"],
        );
        refuse("- healthy: yes\n", &["labels.yaml:1:12: [0].healthy: expected true or false, found \"yes\""]);
    }
}
