//! Strategies for records of every kind, with texts, times and numbers from the whole range of their types.

use bellbuoy_core::Text;
use bellbuoy_core::fact::{Body, Fact, FactId, Source};
use bellbuoy_core::incident::{
    Because, Cause, Change, Evidence, Explanation, Flow, Incident, IncidentId, Member, SignalCount, Stamped, Status,
    TimelineEntry,
};
use bellbuoy_core::object::{Entity, ObjectRef, Scope};
use bellbuoy_core::page::{Page, PageKey, PageKind};
use bellbuoy_core::report::{
    Action, AlertReport, Command, Condition, Container, ContainerState, Endpoints, EventReport, Label, ObjectReport,
    OwnerRef, Quota, Reference, Replicas, Termination,
};
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::severity::Severity;
use bellbuoy_core::spec::{Address, Backend, ContainerPort, Probe, ServicePort, Storage};
use bellbuoy_core::time::{Interval, Time};
use bellbuoy_core::triage::{Factor, Triaged};
use bellbuoy_wire::dead_letters::{DeadLetter, Origin};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::sync::Arc;

fn text() -> impl Strategy<Value = Text> {
    prop_oneof![Just(Text::default()), ".{0,12}".prop_map(Text::from), Just(Text::from("x".repeat(300)))]
}

fn time() -> impl Strategy<Value = Time> {
    prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), Just(0)].prop_map(Time)
}

fn some_time() -> impl Strategy<Value = Option<Time>> {
    option::of(time())
}

fn scope() -> impl Strategy<Value = Scope> {
    text().prop_map(Scope)
}

fn rules() -> impl Strategy<Value = Arc<RuleSet>> {
    text().prop_map(|default_owner| Arc::new(RuleSet { default_owner, ..RuleSet::default() }))
}

fn object_ref() -> impl Strategy<Value = ObjectRef> {
    (text(), text(), text(), text()).prop_map(|(kind, namespace, name, uid)| ObjectRef { kind, namespace, name, uid })
}

fn event() -> impl Strategy<Value = EventReport> {
    let texts = (text(), text(), text(), text(), text(), text(), text());
    let texts = texts.prop_map(|(uid, reason, message, kind, component, host, field_path)| EventReport {
        uid,
        reason,
        message,
        kind,
        component,
        host,
        field_path,
        ..EventReport::default()
    });
    (texts, any::<u32>(), some_time(), some_time(), any::<bool>()).prop_map(
        |(texts, repeats, first_at, last_at, is_first)| EventReport { repeats, first_at, last_at, is_first, ..texts },
    )
}

fn label() -> impl Strategy<Value = Label> {
    (text(), text())
}

fn termination() -> impl Strategy<Value = Termination> {
    (text(), text(), any::<i32>(), some_time()).prop_map(|(reason, message, exit_code, finished_at)| Termination {
        reason,
        message,
        exit_code,
        finished_at,
    })
}

fn container() -> impl Strategy<Value = Container> {
    let state = prop_oneof![
        Just(ContainerState::Unknown),
        (text(), text()).prop_map(|(reason, message)| ContainerState::Waiting { reason, message }),
        some_time().prop_map(|since| ContainerState::Running { since }),
        termination().prop_map(ContainerState::Terminated),
    ];
    let rest = (any::<bool>(), any::<bool>(), any::<u32>(), any::<u32>());
    let port = (text(), any::<u16>()).prop_map(|(name, number)| ContainerPort { name, number });
    let probe = (text(), text(), text()).prop_map(|(kind, scheme, port)| Probe { kind, scheme, port });
    let spec = (vec(port, 0..3), vec(probe, 0..3), text());
    (text(), text(), rest, state, option::of(termination()), spec).prop_map(
        |(name, image, (init, ready, restarts, startup_secs), state, last, (ports, probes, memory_limit))| Container {
            name,
            image,
            init,
            ready,
            restarts,
            state,
            last,
            startup_secs,
            ports,
            probes,
            memory_limit,
        },
    )
}

fn object() -> impl Strategy<Value = ObjectReport> {
    let owner = (text(), text(), text()).prop_map(|(kind, name, uid)| OwnerRef { kind, name, uid });
    let condition = (text(), text(), text(), text(), some_time())
        .prop_map(|(kind, status, reason, message, since)| Condition { kind, status, reason, message, since });
    let replicas = any::<(u32, u32, u32)>().prop_map(|(desired, ready, updated)| Replicas { desired, ready, updated });
    let endpoints = any::<(u32, u32)>().prop_map(|(ready, not_ready)| Endpoints { ready, not_ready });
    let reference = (text(), text(), text(), any::<bool>()).prop_map(|(kind, name, key, optional)| Reference {
        kind,
        name,
        key,
        optional,
    });
    let quota = (text(), text(), text()).prop_map(|(resource, hard, used)| Quota { resource, hard, used });
    let texts = (text(), text(), text(), text(), text(), text()).prop_map(
        |(resource_version, phase, reason, message, node, service)| ObjectReport {
            resource_version,
            phase,
            reason,
            message,
            node,
            service,
            ..ObjectReport::default()
        },
    );
    let lists = (
        vec(label(), 0..4),
        vec(condition, 0..4),
        vec(container(), 0..4),
        vec(label(), 0..3),
        vec(reference, 0..3),
        vec(text(), 0..3),
        vec(quota, 0..3),
    );
    let options = (some_time(), some_time(), option::of(owner), option::of(replicas), option::of(endpoints));
    let state = (texts, lists, options, any::<bool>(), any::<bool>());
    let state = state.prop_map(|(texts, lists, options, deleted, unschedulable)| {
        let (labels, conditions, containers, selector, references, taints, quotas) = lists;
        let (created_at, deleting_at, owner, replicas, endpoints) = options;
        ObjectReport {
            deleted,
            created_at,
            deleting_at,
            owner,
            labels,
            conditions,
            containers,
            replicas,
            selector,
            endpoints,
            references,
            taints,
            unschedulable,
            quotas,
            ..texts
        }
    });
    (state, spec()).prop_map(|(state, spec)| ObjectReport {
        deleted: state.deleted,
        resource_version: state.resource_version,
        created_at: state.created_at,
        deleting_at: state.deleting_at,
        owner: state.owner,
        labels: state.labels,
        conditions: state.conditions,
        phase: state.phase,
        reason: state.reason,
        message: state.message,
        node: state.node,
        containers: state.containers,
        replicas: state.replicas,
        selector: state.selector,
        service: state.service,
        endpoints: state.endpoints,
        references: state.references,
        taints: state.taints,
        unschedulable: state.unschedulable,
        quotas: state.quotas,
        ..spec
    })
}

/// What objects ask for and offer.
fn spec() -> impl Strategy<Value = ObjectReport> {
    let port = (text(), any::<u16>(), text(), text()).prop_map(|(name, number, target, protocol)| ServicePort {
        name,
        number,
        target,
        protocol,
    });
    let address = (text(), text(), text(), any::<u16>()).prop_map(|(key, scheme, host, port)| Address {
        key,
        scheme,
        host,
        port,
    });
    let backend = (text(), text(), text(), any::<bool>()).prop_map(|(namespace, service, port, is_required)| Backend {
        namespace,
        service,
        port,
        is_required,
    });
    let storage = (option::of(text()), any::<u64>(), vec(text(), 0..3), text(), text(), text(), any::<bool>())
        .prop_map(|(class, bytes, modes, volume_mode, provisioner, binding, is_default)| Storage {
            class,
            bytes,
            modes,
            volume_mode,
            provisioner,
            binding,
            is_default,
        });
    let lists = (
        vec(label(), 0..3),
        vec(port, 0..3),
        vec(address, 0..3),
        vec(text(), 0..3),
        vec(backend, 0..3),
        vec(text(), 0..3),
        vec(text(), 0..3),
    );
    let numbers = (any::<u32>(), any::<u64>(), any::<u64>(), any::<u32>(), any::<bool>());
    (lists, numbers, text(), option::of(storage), some_time()).prop_map(
        |(lists, numbers, service_type, storage, renewed_at)| {
            let (pod_labels, ports, addresses, keys, backends, denies, finalizers) = lists;
            let (external_addresses, generation, observed_generation, lease_secs, paused) = numbers;
            ObjectReport {
                pod_labels,
                ports,
                service_type,
                external_addresses,
                addresses,
                keys,
                storage,
                backends,
                denies,
                generation,
                observed_generation,
                finalizers,
                paused,
                renewed_at,
                lease_secs,
                ..ObjectReport::default()
            }
        },
    )
}

fn alert() -> impl Strategy<Value = AlertReport> {
    let flags = any::<(bool, bool)>();
    (text(), text(), flags, vec(label(), 0..4), text(), some_time(), some_time()).prop_map(
        |(name, fingerprint, (firing, suppressed), labels, summary, starts_at, ends_at)| AlertReport {
            name,
            fingerprint,
            firing,
            suppressed,
            labels,
            summary,
            starts_at,
            ends_at,
        },
    )
}

fn command() -> impl Strategy<Value = Command> {
    let action =
        prop_oneof![Just(Action::Acknowledge), Just(Action::Resolve), text().prop_map(|text| Action::Note { text })];
    (text(), text(), action).prop_map(|(by, incident, action)| Command { by, incident, action })
}

pub(crate) fn fact() -> impl Strategy<Value = Fact> {
    let body = prop_oneof![
        event().prop_map(Body::Event),
        object().prop_map(|report| Body::Object(Box::new(report))),
        alert().prop_map(Body::Alert),
        command().prop_map(Body::Command),
        rules().prop_map(Body::Rules),
        text().prop_map(|kind| Body::SnapshotBegin { kind }),
        text().prop_map(|kind| Body::SnapshotEnd { kind }),
        time().prop_map(|observed_through| Body::Tick { observed_through }),
        Just(Body::EndOfRecording),
    ];
    let source = prop::sample::select(vec![
        Source::Events,
        Source::Objects,
        Source::Alerts,
        Source::Logs,
        Source::Metrics,
        Source::People,
        Source::Bellbuoy,
    ]);
    let interval = (time(), time()).prop_map(|(from, to)| Interval { from, to });
    // The id is carried and not computed again, so that any will do.
    (any::<[u8; 16]>(), scope(), source, object_ref(), interval, time(), any::<u64>(), body).prop_map(
        |(id, scope, source, object, occurred, observed_at, sequence, body)| Fact {
            id: FactId(id),
            scope,
            source,
            object,
            occurred,
            observed_at,
            sequence,
            body,
        },
    )
}

fn stamped<T: Clone + std::fmt::Debug>(item: impl Strategy<Value = T>) -> impl Strategy<Value = Stamped<T>> {
    let flow =
        prop_oneof![8 => item.prop_map(Flow::Item), 1 => rules().prop_map(Flow::Rules), 1 => Just(Flow::Watermark)];
    (scope(), time(), flow).prop_map(|(scope, at, flow)| Stamped { scope, at, flow })
}

fn entity() -> impl Strategy<Value = Entity> {
    (text(), text(), text()).prop_map(|(kind, namespace, name)| Entity { kind, namespace, name })
}

fn evidence() -> impl Strategy<Value = Evidence> {
    (any::<[u8; 16]>(), time()).prop_map(|(fact, observed_at)| Evidence { fact: FactId(fact), observed_at })
}

fn severity() -> impl Strategy<Value = Severity> {
    prop::sample::select(Severity::ALL.to_vec())
}

fn cause() -> impl Strategy<Value = Cause> {
    let because = (text(), any::<i32>(), text(), vec(evidence(), 0..4))
        .prop_map(|(rule, points, text, facts)| Because { rule, points, text, facts });
    (entity(), text(), any::<i32>(), vec(because, 0..3)).prop_map(|(entity, signal, score, because)| Cause {
        entity,
        signal,
        score,
        because,
    })
}

fn member() -> impl Strategy<Value = Member> {
    let explanation = (entity(), text(), text(), text()).prop_map(|(entity, signal, rule, relation)| Explanation {
        entity,
        signal,
        rule,
        relation,
    });
    let times = (time(), time(), some_time());
    let counts = any::<(u64, u32, bool)>();
    (entity(), text(), text(), times, counts, option::of(explanation), vec(evidence(), 0..4)).prop_map(
        |(entity, signal, message, times, (repeats, objects, late), explained_by, evidence)| {
            let (began_at, last_seen_at, ended_at) = times;
            Member {
                entity,
                signal,
                message,
                began_at,
                last_seen_at,
                ended_at,
                repeats,
                objects,
                late,
                explained_by,
                evidence,
            }
        },
    )
}

fn incident() -> impl Strategy<Value = Incident> {
    let status = prop::sample::select(vec![Status::Open, Status::Acknowledged, Status::Resolved, Status::Merged]);
    let change = prop::sample::select(vec![
        Change::Opened,
        Change::Grew,
        Change::Shrank,
        Change::Cause,
        Change::Absorbed,
        Change::Merged,
        Change::Acknowledged,
        Change::Resolved,
        Change::Reopened,
        Change::Noted,
        Change::Split,
    ]);
    let signal = (text(), text(), any::<u32>()).prop_map(|(signal, area, count)| SignalCount { signal, area, count });
    let entry = (time(), text()).prop_map(|(at, text)| TimelineEntry { at, text });
    let head = (any::<u64>(), any::<u32>(), status, severity(), option::of(any::<u64>()));
    let times = (time(), time(), time(), some_time(), text(), some_time());
    let lists = (vec(cause(), 0..3), vec(signal, 0..3), vec(member(), 0..4), vec(entry, 0..3), vec(change, 0..4));
    (head, times, lists, any::<[u32; 4]>()).prop_map(|(head, times, lists, counts)| {
        let (id, revision, status, weight, merged_into) = head;
        let (began_at, opened_at, last_seen_at, acknowledged_at, acknowledged_by, resolved_at) = times;
        let (causes, signals, members, timeline, changes) = lists;
        let [member_count, open_count, object_count, namespace_count] = counts;
        Incident {
            id: IncidentId(id),
            revision,
            status,
            began_at,
            opened_at,
            last_seen_at,
            acknowledged_at,
            acknowledged_by,
            resolved_at,
            merged_into: merged_into.map(IncidentId),
            causes,
            weight,
            signals,
            members,
            member_count,
            open_count,
            object_count,
            namespace_count,
            timeline,
            changes,
        }
    })
}

pub(crate) fn stamped_incident() -> impl Strategy<Value = Stamped<Incident>> {
    stamped(incident())
}

pub(crate) fn stamped_triaged() -> impl Strategy<Value = Stamped<Triaged>> {
    let factor = (text(), any::<i32>(), text()).prop_map(|(rule, steps, text)| Factor { rule, steps, text });
    stamped((incident(), severity(), text(), text(), text(), vec(factor, 0..4)).prop_map(
        |(incident, severity, category, owner, runbook, factors)| Triaged {
            incident,
            severity,
            category,
            owner,
            runbook,
            factors,
        },
    ))
}

pub(crate) fn stamped_page() -> impl Strategy<Value = Stamped<Page>> {
    let key = (any::<u64>(), text(), any::<u32>()).prop_map(|(incident, receiver, epoch)| PageKey {
        incident: IncidentId(incident),
        receiver,
        epoch,
    });
    let kind = prop::sample::select(vec![PageKind::Trigger, PageKind::Escalate, PageKind::Worse, PageKind::Resolve]);
    let texts = (text(), text(), text(), text());
    stamped((key, time(), kind, any::<u32>(), severity(), texts).prop_map(|(key, at, kind, tier, severity, texts)| {
        let (channel, summary, reason, rule) = texts;
        Page { key, at, kind, channel, tier, severity, summary, reason, rule }
    }))
}

pub(crate) fn dead_letter() -> impl Strategy<Value = DeadLetter> {
    let origin =
        (text(), any::<i32>(), any::<i64>()).prop_map(|(topic, partition, offset)| Origin { topic, partition, offset });
    let rejected = (scope(), option::of(any::<[u8; 16]>()), text());
    (origin, option::of(rejected), vec(any::<u8>(), 0..200), text(), time()).prop_map(
        |(origin, rejected, bytes, reason, at)| match rejected {
            None => DeadLetter::unreadable(origin, &bytes, reason, at),
            Some((scope, fact, reason)) => {
                let fact = fact.map(FactId);
                DeadLetter::rejected(origin, bellbuoy_core::stage::Rejected { scope, at, fact, reason }, &bytes)
            }
        },
    )
}
