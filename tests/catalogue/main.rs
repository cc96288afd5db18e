//! What the built-in catalogue makes of what Kubernetes and its tools say: each meaning found, what is harmless left alone.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panics, in their helpers too")]

use bellbuoy_core::report::{AlertReport, Condition, EventReport, ObjectReport, Termination};
use bellbuoy_core::rules::{Class, RuleSet};
use bellbuoy_core::severity::Severity;
use bellbuoy_core::sign;
use bellbuoy_correlate::{Catalogue, Reading};
use bellbuoy_wire::rules::Config;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Areas of an estate that signals may speak of, and the two that are about telling itself.
const AREAS: [&str; 28] = [
    "compute",
    "network",
    "storage node disk",
    "ephemeral storage",
    "PV/PVC",
    "end-user experience",
    "application diagnostics",
    "synthetic checks",
    "application logs",
    "etcd",
    "kube-apiserver",
    "kube-scheduler",
    "kube-controller-manager",
    "cloud-controller-manager",
    "kubelet",
    "kube-proxy",
    "container runtime",
    "DNS",
    "web UI",
    "load balancer/ingress",
    "operators",
    "service mesh",
    "container registry",
    "deployment tools",
    "insufficient CPU/memory + eviction",
    "service not accessible",
    "monitoring",
    "alerts",
];

/// Areas that no event, state or alert speaks of: logs are read by a room of later work.
const AREAS_OF_LATER_WORK: [&str; 1] = ["application logs"];

fn catalogue() -> Catalogue {
    Catalogue::new(Arc::new(Config::default().rule_set()))
}

/// Lines with what is expected of each: the code, and the object that the message names.
fn rows(text: &'static str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut code = "";
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix("== ") {
            Some(header) => code = header,
            None => {
                let (line, named) = line.split_once(" => ").map_or((line, None), |(line, named)| (line, Some(named)));
                rows.push((code, line, named));
            }
        }
    }
    rows
}

type Row = (&'static str, &'static str, Option<&'static str>);

fn events() -> Vec<Row> {
    [rows(include_str!("events_of_pods_and_volumes.txt")), rows(include_str!("events_of_controllers_and_nodes.txt"))]
        .concat()
}

fn states() -> Vec<Row> {
    [rows(include_str!("states.txt")), rows(include_str!("alerts.txt"))].concat()
}

/// A word of a line; `-` stands for none.
fn word(text: &str) -> &str {
    if text == "-" { "" } else { text }
}

fn event(line: &str) -> (&str, EventReport) {
    let (head, message) = line.split_once(": ").unwrap();
    let words: Vec<_> = head.split(' ').collect();
    let [kind, reason, component] = words[..] else { panic!("{line}: expected a kind, a reason and a component") };
    let (reason, component) = (reason.into(), component.into());
    (kind, EventReport { reason, component, message: message.into(), ..EventReport::default() })
}

/// Code and named object of what one line shows, as they stand in the file.
fn told(reading: Option<Reading<'_>>) -> (String, Option<String>) {
    let named = reading.as_ref().and_then(|reading| reading.named("shop"));
    let code = reading.map_or_else(String::new, |reading| reading.rule.code.to_string());
    (code, named.map(|entity| format!("{} {}", entity.kind, entity.name)))
}

fn read_state(catalogue: &Catalogue, line: &str) -> (String, Option<String>) {
    let (head, message) = line.split_once(": ").map_or((line, ""), |(head, message)| (head, word(message)));
    let words: Vec<_> = head.split(' ').map(word).collect();
    match words[..] {
        ["waiting", reason] => told(catalogue.read_waiting(reason, message)),
        ["terminated", reason, exit_code] => {
            let (reason, exit_code) = (reason.into(), exit_code.parse().unwrap());
            let end = Termination { reason, exit_code, message: message.into(), ..Termination::default() };
            told(catalogue.read_terminated(&end))
        }
        ["condition", object, kind, status, reason] => {
            let (kind, status, reason, message) = (kind.into(), status.into(), reason.into(), message.into());
            told(catalogue.read_condition(object, &Condition { kind, status, reason, message, since: None }))
        }
        ["phase", object, phase, reason] => {
            let (phase, reason, message) = (phase.into(), reason.into(), message.into());
            told(catalogue.read_phase(object, &ObjectReport { phase, reason, message, ..ObjectReport::default() }))
        }
        ["sign", shown, object] => {
            assert!(sign::ALL.contains(&shown), "{line}: there is no such sign");
            told(catalogue.read_sign(shown, object, message))
        }
        ["alert", name] => {
            let rule = catalogue.read_alert(&AlertReport { name: name.into(), ..AlertReport::default() });
            (rule.unwrap().code.to_string(), None)
        }
        _ => panic!("{line}: expected waiting, terminated, condition, phase, sign or alert"),
    }
}

/// Complains of every line that is read otherwise, all at once.
fn check(rows: &[(&str, &str, Option<&str>)], read: impl Fn(&str) -> (String, Option<String>)) {
    let mut wrong = Vec::new();
    for (code, line, named) in rows {
        let (found, found_named) = read(line);
        if found != word(code) || found_named.as_deref() != *named {
            wrong.push(format!("{line}\n    expected {code} {named:?}, found {found:?} {found_named:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} lines:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn events_are_read_for_what_they_mean() {
    let (catalogue, rows) = (catalogue(), events());
    check(&rows, |line| {
        let (kind, event) = event(line);
        told(catalogue.read_event(kind, &event))
    });
}

#[test]
fn states_signs_and_alerts_are_read_for_what_they_mean() {
    let catalogue = catalogue();
    check(&states(), |line| read_state(&catalogue, line));
}

#[test]
fn what_goes_well_is_no_signal() {
    let catalogue = catalogue();
    let rows: Vec<_> =
        rows(include_str!("benign.txt")).into_iter().map(|(_, line, named)| ("-", line, named)).collect();
    check(&rows, |line| {
        let (kind, event) = event(line);
        told(catalogue.read_event(kind, &event))
    });
}

/// What is told while nodes are drained, restarted or replaced, and of set-ups that are merely unusual.
#[test]
fn what_is_meant_or_merely_noteworthy_never_pages() {
    let rules = Config::default().rule_set();
    for code in [
        "Preempted",
        "PodDisrupted",
        "NodeScaleDown",
        "NodeShutdown",
        "Cordoned",
        "NodeTainted",
        "FailedCreate/NamespaceTerminating",
        "PodRejected/NodeShutdown",
        "NodeNotice",
        "VolumeReleased",
        "DisruptionNotAllowed",
        "AlwaysFiring",
        "RecreatingTerminatedPod",
    ] {
        assert_eq!(rules.signal(code).unwrap().class, Class::Planned, "{code}");
    }
    for code in
        ["DNSConfigForming", "AlreadyMountedVolume", "NodeRebooted", "ClaimPending", "PodInitializing", "QuotaFull"]
    {
        assert_eq!(rules.signal(code).unwrap().severity, Severity::P5, "{code}");
    }
}

/// Two objects that contradict each other hurt nobody by that alone.
#[test]
fn contradictions_are_notes() {
    let rules = Config::default().rule_set();
    for code in [
        "ServiceSelectorMismatch",
        "TargetPortMismatch",
        "AddressWithoutService",
        "AddressWithoutPort",
        "AddressSchemeMismatch",
        "ReferenceMissing",
        "KeyMissing",
        "ProbePortMismatch",
        "ProbeSchemeMismatch",
        "VolumeNotOffered",
        "ScaledToZero",
        "BackendMissing",
        "NetworkPolicyDenies",
    ] {
        let rule = rules.signal(code).unwrap();
        assert_eq!((rule.severity, rule.class), (Severity::P5, Class::Fixed), "{code}");
        assert!(
            rules.causality.iter().any(|edge| edge.causes.iter().any(|cause| **cause == *code)),
            "{code} explains nothing"
        );
    }
}

#[test]
fn every_area_has_signals_and_every_signal_has_an_area_and_a_runbook() {
    let rules = Config::default().rule_set();
    let found: BTreeSet<&str> = rules.catalogue.iter().map(|rule| &*rule.area).collect();
    let known: BTreeSet<&str> = AREAS.into_iter().collect();
    let expected: BTreeSet<&str> = known.iter().copied().filter(|area| !AREAS_OF_LATER_WORK.contains(area)).collect();
    assert_eq!(found, expected);
    for rule in rules.catalogue.iter().filter(|rule| &*rule.code != "Alert") {
        assert!(rule.runbook.starts_with("https://"), "{} has no runbook", rule.code);
    }
    for component in &rules.components {
        assert!(known.contains(&*component.area), "component {}: {}", component.name, component.area);
    }
}

#[test]
fn every_sign_has_a_signal() {
    let catalogue = catalogue();
    for shown in sign::ALL {
        for kind in ["Service", "Deployment", "Node", "Lease", "Pod"] {
            // Only Services lack endpoints.
            if shown != sign::NO_READY_ENDPOINTS || kind == "Service" {
                assert!(catalogue.read_sign(shown, kind, "-").is_some(), "{shown} of a {kind}");
            }
        }
    }
}

/// Codes that nothing reports: they are inferred.
const INFERRED: [&str; 2] = ["RegistryFailing", "ImageFailing"];

#[test]
fn every_signal_can_be_reported_and_is_tried() {
    let rules: RuleSet = Config::default().rule_set();
    let tried: BTreeSet<&str> = [events(), states()].concat().iter().map(|row| row.0).collect();
    let mut untried = Vec::new();
    for rule in &rules.catalogue {
        assert_eq!(rule.matches.is_empty(), INFERRED.contains(&&*rule.code), "{}", rule.code);
        let speaks_in_alerts_only =
            rule.matches.iter().all(|one| matches!(one, bellbuoy_core::rules::Match::Alert { .. }));
        if !speaks_in_alerts_only && !tried.contains(&*rule.code) {
            untried.push(&*rule.code);
        }
    }
    assert!(untried.is_empty(), "no line tries {untried:?}");
}

#[test]
fn what_is_named_stands_where_it_belongs() {
    let catalogue = catalogue();
    let named = |shown: &str, message: &str| {
        let entity = catalogue.read_sign(shown, "Deployment", message).unwrap().named("shop").unwrap();
        entity.to_string()
    };
    assert_eq!(named("reference-missing", "refers to Secret db, which does not exist"), "Secret shop/db");
    assert_eq!(named("reference-missing", "refers to Secret vault/db."), "Secret vault/db");
    assert_eq!(named("reference-missing", "refers to StorageClass fast."), "StorageClass fast");
    assert_eq!(named("address-without-service", "there is no Service cache/redis"), "Service cache/redis");
}
