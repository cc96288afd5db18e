//! What is remembered of one object: what it is.

use crate::image::registry_of;
use crate::problems::Problem;
use crate::workload::{WORKLOAD, static_pod};
use bellbuoy_core::Text;
use bellbuoy_core::intern::{EntityId, Names};
use bellbuoy_core::object::ObjectRef;
use bellbuoy_core::report::{ContainerState, Endpoints, Label, ObjectReport, Reference, Replicas};
use bellbuoy_core::time::{Span, Time};
use borsh::{BorshDeserialize, BorshSerialize};
use std::hash::{Hash, Hasher};

/// How long a new node may take to be ready for the first time: its agents are pulled and started meanwhile, which takes a
/// minute or three. Fixed by judgement; an autoscaler gives up on it after fifteen minutes.
const NODE_START_SECS: u32 = 300;

/// A node that is not ready since this long after it was made, or sooner, has not been ready yet.
const NODE_REGISTERS: Span = Span::from_secs(60);

/// What an object is, by its latest report.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct ObjectRow {
    /// Its uid, where known.
    pub uid: Text,
    /// It is gone. What it was is kept, because events outlive their objects.
    pub is_gone: bool,
    /// Whether its state was seen, and not only events that speak of it.
    pub has_state: bool,
    /// Its controlling owner.
    pub owner: Option<EntityId>,
    /// The node of a pod.
    pub node: Option<EntityId>,
    /// Images of a pod.
    pub images: Vec<EntityId>,
    /// Objects that it needs.
    pub references: Vec<EntityId>,
    /// The Service of an EndpointSlice.
    pub service: Option<EntityId>,
    /// Labels of a pod.
    pub labels: Vec<Label>,
    /// Selector of a Service.
    pub selector: Vec<Label>,
    /// Endpoints of an EndpointSlice or of Endpoints.
    pub endpoints: Option<Endpoints>,
    /// Replicas of a workload.
    pub replicas: Option<Replicas>,
    /// Signals that its state shows now.
    pub problems: Vec<EntityId>,
    /// Whether it is ready: all of a pod's containers run and are ready, or it has completed.
    pub is_ready: bool,
    /// Since when, as far as it says so.
    pub ready_since: Option<Time>,
    /// Since when a pod has not been ready, by its condition.
    pub unready_since: Option<Time>,
    /// Registries that its images come from.
    pub registries: Vec<EntityId>,
    /// The longest start that is granted, in seconds: by its startup probes; to a node that has never been ready.
    pub startup_secs: u32,
    /// The report that it was made of.
    #[borsh(skip)]
    said: Said,
}

/// The hash of all that a row takes of a report, as long as the row is what the report made of it: not after a change,
/// and not when it was read back from its image. Most reports say what is known, and to compare them name by name would
/// look up a dozen places all over memory.
#[derive(Clone, Copy, Debug, Default)]
struct Said(Option<u64>);

impl PartialEq for Said {
    /// Rows are the same whatever they were made of.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Said {}

/// What an object belongs to: its controlling owner or, for a pod that a kubelet runs by itself, what its siblings on
/// other nodes are called.
fn owner_of<'a>(object: &'a ObjectRef, report: &'a ObjectReport) -> Option<(&'a str, &'a str)> {
    let told = report.owner.as_ref().map(|owner| (&*owner.kind, &*owner.name));
    told.or_else(|| Some((WORKLOAD, static_pod(&object.kind, &object.name, &report.node)?)))
}

impl ObjectRow {
    /// What a report says that an object is. Names are given numbers.
    pub(crate) fn of(names: &mut Names, object: &ObjectRef, report: &ObjectReport, problems: &[Problem<'_>]) -> Self {
        let namespace = &*object.namespace;
        let said = said(names, object, report, problems);
        let owner = owner_of(object, report).map(|(kind, name)| names.intern_parts(kind, namespace, name));
        let node = (!report.node.is_empty()).then(|| names.intern_parts("Node", "", &report.node));
        let mut images: Vec<_> = images(report).map(|image| names.intern_parts("Image", "", image)).collect();
        images.dedup();
        let registries = registries(&object.kind, report);
        let registries = registries.iter().map(|registry| names.intern_parts("Registry", "", registry)).collect();
        let references = needed(report).map(|of| names.intern_parts(&of.kind, namespace, &of.name)).collect();
        let service = (!report.service.is_empty()).then(|| names.intern_parts("Service", namespace, &report.service));
        let problems = problems.iter().map(|problem| names.intern_parts("Signal", "", &problem.rule.code)).collect();
        let labels = labels(&object.kind, report).iter().map(|(key, value)| (names.word(key), value.clone()));
        Self {
            uid: object.uid.clone(),
            is_gone: false,
            has_state: true,
            owner,
            node,
            images,
            references,
            service,
            labels: labels.collect(),
            selector: report.selector.clone(),
            endpoints: report.endpoints,
            replicas: report.replicas,
            problems,
            is_ready: is_ready(report),
            ready_since: ready_since(report),
            unready_since: unready_since(report),
            registries,
            startup_secs: startup_secs(&object.kind, report),
            said,
        }
    }

    /// Changed otherwise than by a report of its state.
    pub(crate) fn changed(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self.said = Said(None);
        self
    }

    /// What is kept of it when it is gone.
    pub(crate) fn buried(&self) -> Self {
        let (uid, has_state, owner) = (self.uid.clone(), self.has_state, self.owner);
        Self { uid, is_gone: true, has_state, owner, ..Self::default() }
    }

    /// Whether a report says what is known: whether [`ObjectRow::of`] would make an equal row of it.
    pub(crate) fn is_said_by(
        &self,
        names: &Names,
        object: &ObjectRef,
        report: &ObjectReport,
        problems: &[Problem<'_>],
    ) -> bool {
        self.said.0.is_some() && self.said.0 == said(names, object, report, problems).0
            || self.is_made_of(names, object, report, problems)
    }

    fn is_made_of(&self, names: &Names, object: &ObjectRef, report: &ObjectReport, problems: &[Problem<'_>]) -> bool {
        let is = |id: EntityId, kind: &str, namespace: &str, name: &str| {
            let known = names.peek(id);
            known.is_some_and(|of| *of.name == *name && *of.namespace == *namespace && *of.kind == *kind)
        };
        let namespace = &*object.namespace;
        let is_one = |id: Option<EntityId>, kind: &str, namespace: &str, name: &str| match id {
            Some(id) => !name.is_empty() && is(id, kind, namespace, name),
            None => name.is_empty(),
        };
        let has_owner = match (self.owner, owner_of(object, report)) {
            (Some(id), Some((kind, name))) => is(id, kind, namespace, name),
            (None, None) => true,
            _ => false,
        };
        // Its registries are those of its images.
        let mut images = images(report).peekable();
        let has_images = self.images.iter().all(|id| {
            let is_next = images.next().is_some_and(|image| is(*id, "Image", "", image));
            while images.next_if(|image| is(*id, "Image", "", image)).is_some() {}
            is_next
        });
        let mut needed = needed(report);
        let has_references =
            self.references.iter().all(|id| needed.next().is_some_and(|of| is(*id, &of.kind, namespace, &of.name)));
        let mut problems = problems.iter();
        let has_problems = self
            .problems
            .iter()
            .all(|id| problems.next().is_some_and(|problem| is(*id, "Signal", "", &problem.rule.code)));
        self.has_state
            && !self.is_gone
            && self.uid == object.uid
            && has_owner
            && is_one(self.node, "Node", "", &report.node)
            && (has_images && images.next().is_none())
            && (has_references && needed.next().is_none())
            && is_one(self.service, "Service", namespace, &report.service)
            && self.labels == labels(&object.kind, report)
            && self.selector == report.selector
            && self.endpoints == report.endpoints
            && self.replicas == report.replicas
            && (has_problems && problems.next().is_none())
            && self.is_ready == is_ready(report)
            && self.ready_since == ready_since(report)
            && self.unready_since == unready_since(report)
            && self.startup_secs == startup_secs(&object.kind, report)
    }

    /// What it hangs together with.
    pub(crate) fn links(&self) -> impl Iterator<Item = EntityId> + '_ {
        let single = [self.owner, self.node, self.service].into_iter().flatten();
        let many = [&self.images, &self.registries, &self.references];
        single.chain(many.into_iter().flatten().copied())
    }

    /// Everything that it names.
    pub(crate) fn uses(&self) -> impl Iterator<Item = EntityId> + '_ {
        self.links().chain(self.problems.iter().copied())
    }
}

/// The hash of all that [`ObjectRow::of`] looks at.
fn said(names: &Names, object: &ObjectRef, report: &ObjectReport, problems: &[Problem<'_>]) -> Said {
    let mut hasher = names.hasher();
    object.kind.hash(&mut hasher);
    object.uid.hash(&mut hasher);
    owner_of(object, report).hash(&mut hasher);
    report.node.hash(&mut hasher);
    report.service.hash(&mut hasher);
    for image in images(report) {
        image.hash(&mut hasher);
    }
    for of in needed(report) {
        (&of.kind, &of.name).hash(&mut hasher);
    }
    labels(&object.kind, report).hash(&mut hasher);
    report.selector.hash(&mut hasher);
    let endpoints = report.endpoints.map(|endpoints| (endpoints.ready, endpoints.not_ready));
    let replicas = report.replicas.map(|replicas| (replicas.desired, replicas.ready, replicas.updated));
    (endpoints, replicas).hash(&mut hasher);
    for problem in problems {
        problem.rule.code.hash(&mut hasher);
    }
    // How many there are of each stands behind them, so that no list can pass for another.
    (report.containers.len(), report.references.len(), problems.len()).hash(&mut hasher);
    (is_ready(report), ready_since(report), unready_since(report), startup_secs(&object.kind, report))
        .hash(&mut hasher);
    Said(Some(hasher.finish()))
}

fn images(report: &ObjectReport) -> impl Iterator<Item = &str> {
    report.containers.iter().map(|container| &*container.image).filter(|image| !image.is_empty())
}

/// Registries matter for pods only: what pulls.
fn registries<'r>(kind: &str, report: &'r ObjectReport) -> Vec<&'r str> {
    if kind != "Pod" {
        return Vec::new();
    }
    let mut registries: Vec<_> = images(report).filter_map(registry_of).collect();
    registries.sort_unstable();
    registries.dedup();
    registries
}

fn needed(report: &ObjectReport) -> impl Iterator<Item = &Reference> {
    report.references.iter().take(crate::episode::HUBS_MAX)
}

fn labels<'r>(kind: &str, report: &'r ObjectReport) -> &'r [Label] {
    if kind == "Pod" { &report.labels } else { &[] }
}

fn startup_secs(kind: &str, report: &ObjectReport) -> u32 {
    let granted = report.containers.iter().map(|container| container.startup_secs).max().unwrap_or(0);
    if kind == "Node" && was_never_ready(report) { NODE_START_SECS } else { granted }
}

/// Whether a node has not been ready since it was made, by its condition.
fn was_never_ready(report: &ObjectReport) -> bool {
    let unready =
        report.conditions.iter().find(|condition| &*condition.kind == "Ready" && &*condition.status != "True");
    let since = unready.and_then(|condition| condition.since);
    since.zip(report.created_at).is_some_and(|(since, created)| since <= created + NODE_REGISTERS)
}

/// Whether a pod is ready: all of its containers run and are ready, or it has completed.
pub(crate) fn is_ready(report: &ObjectReport) -> bool {
    let main = || report.containers.iter().filter(|container| !container.init);
    let runs = |state: &ContainerState| matches!(state, ContainerState::Running { .. });
    // The node controller takes the condition away from pods of a lost node, whose containers it cannot ask.
    let is_denied = report.conditions.iter().any(|c| &*c.kind == "Ready" && &*c.status != "True");
    &*report.phase == "Succeeded" || !is_denied && main().count() > 0 && main().all(|c| c.ready && runs(&c.state))
}

/// Since when a pod has been ready: its containers run, and its condition says so.
pub(crate) fn ready_since(report: &ObjectReport) -> Option<Time> {
    let mut runs = None;
    for container in report.containers.iter().filter(|container| !container.init) {
        let ContainerState::Running { since } = &container.state else { return None };
        runs = runs.max(Some((*since)?));
    }
    let ready = report.conditions.iter().find(|condition| &*condition.kind == "Ready").and_then(|ready| ready.since);
    runs.max(ready)
}

/// Since when a pod has not been ready, as its condition says.
fn unready_since(report: &ObjectReport) -> Option<Time> {
    let ready = report.conditions.iter().find(|condition| &*condition.kind == "Ready");
    ready.filter(|ready| &*ready.status == "False").and_then(|ready| ready.since)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellbuoy_core::report::{Condition, Container, OwnerRef};
    use proptest::prelude::*;

    fn text() -> impl Strategy<Value = Text> {
        prop_oneof![Just(""), Just("a"), Just("b/a:1"), Just("x.io/a")].prop_map(Text::from)
    }

    prop_compose! {
        fn container()(
            image in text(),
            init in any::<bool>(),
            ready in any::<bool>(),
            since in proptest::option::of(proptest::option::of(0..3_i64)),
            startup_secs in 0..2_u32,
        ) -> Container {
            let state = match since {
                Some(since) => ContainerState::Running { since: since.map(Time) },
                None => ContainerState::Unknown,
            };
            Container { image, init, ready, state, startup_secs, ..Container::default() }
        }
    }

    prop_compose! {
        fn report()(
            owner in proptest::option::of((text(), text())),
            node in text(),
            service in text(),
            containers in proptest::collection::vec(container(), 0..4),
            references in proptest::collection::vec((text(), text()), 0..3),
            labels in proptest::collection::vec((text(), text()), 0..2),
            selector in proptest::collection::vec((text(), text()), 0..2),
            ready in proptest::option::of((any::<bool>(), proptest::option::of(0..3_i64))),
            desired in proptest::option::of(0..2_u32),
        ) -> ObjectReport {
            let reference = |(kind, name)| Reference { kind, name, ..Reference::default() };
            let condition = |(ready, since): (bool, Option<i64>)| Condition {
                kind: "Ready".into(),
                status: if ready { "True" } else { "False" }.into(),
                since: since.map(Time),
                ..Condition::default()
            };
            ObjectReport {
                owner: owner.map(|(kind, name)| OwnerRef { kind, name, uid: "".into() }),
                node,
                service,
                containers,
                references: references.into_iter().map(reference).collect(),
                labels,
                selector,
                conditions: ready.map(condition).into_iter().collect(),
                replicas: desired.map(|desired| Replicas { desired, ready: 1, updated: 1 }),
                ..ObjectReport::default()
            }
        }
    }

    proptest! {
        /// The row that would be made is the model: a report says what is known exactly when its row is the same.
        #[test]
        fn a_report_says_what_is_known_when_it_makes_the_same_row(
            first in report(), other in report(), is_pod in any::<bool>(), changed in 0..10
        ) {
            let object = ObjectRef::new(if is_pod { "Pod" } else { "Job" }, "shop", "cart");
            let mut second = first.clone();
            match changed {
                0 => second.owner = other.owner,
                1 => second.node = other.node,
                2 => second.service = other.service,
                3 => second.containers = other.containers,
                4 => second.references = other.references,
                5 => second.labels = other.labels,
                6 => second.selector = other.selector,
                7 => second.conditions = other.conditions,
                8 => second.replicas = other.replicas,
                _ => second.resource_version = "another".into(),
            }
            let mut names = Names::default();
            let row = ObjectRow::of(&mut names, &object, &first, &[]);
            let says = row.is_said_by(&names, &object, &second, &[]);
            let read_back: ObjectRow = borsh::from_slice(&borsh::to_vec(&row).unwrap()).unwrap();
            prop_assert_eq!(says, read_back.is_said_by(&names, &object, &second, &[]));
            prop_assert_eq!(says, ObjectRow::of(&mut names, &object, &second, &[]) == row);
            let changed = row.changed(|row| row.is_gone = true);
            prop_assert!(!changed.is_said_by(&names, &object, &first, &[]));
        }
    }
}
