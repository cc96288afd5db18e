//! Every figure and every kind of mistake, with incidents made by hand.

use super::*;
use bellbuoy_core::incident::{Explanation, Member};

const PODS: &str = "Deployment shop/cart";

fn entity(text: &str) -> Entity {
    let (kind, name) = text.split_once(' ').unwrap();
    let (namespace, name) = name.split_once('/').unwrap_or(("", name));
    Entity::new(kind, namespace, name)
}

/// Minutes after the beginning.
fn minute(at: i64) -> Time {
    Time::from_secs(1_773_738_000 + 60 * at)
}

/// An incident of the given causes (`signal on entity`, the first one first), opened two minutes after it began.
fn incident(id: u64, severity: Severity, from: i64, to: i64, causes: &[&str]) -> Triaged {
    let causes = causes.iter().map(|cause| {
        let (signal, name) = cause.split_once(" on ").unwrap();
        Cause { entity: entity(name), signal: signal.into(), ..Cause::default() }
    });
    let causes: Vec<_> = causes.collect();
    let members = causes.iter().map(|cause| Member {
        entity: cause.entity.clone(),
        signal: cause.signal.clone(),
        ..Member::default()
    });
    let incident = Incident {
        id: IncidentId(id),
        status: Status::Resolved,
        began_at: minute(from),
        opened_at: minute(from + 2),
        last_seen_at: minute(to),
        resolved_at: Some(minute(to + 1)),
        members: members.collect(),
        causes,
        ..Incident::default()
    };
    Triaged { incident, severity, ..Triaged::default() }
}

/// A failure between two minutes.
fn failure(name: &str, signal: &str, from: i64, to: i64) -> Label {
    Label { from: Some(minute(from)), to: Some(minute(to)), ..Label::failure(entity(name), signal) }
}

fn scope() -> Scope {
    Scope::cluster("prod")
}

fn score(labels: &[Label], incidents: &[Triaged]) -> Score {
    let scope = scope();
    Score::of(labels, incidents.iter().map(|incident| (&scope, incident)))
}

fn ratio(part: usize, whole: usize) -> Ratio {
    Ratio { part, whole }
}

/// The mistakes, each as its kind and the incidents that it names.
fn faults(score: &Score) -> Vec<(Fault, Vec<u64>)> {
    let ids = |mistake: &Mistake| mistake.incidents.iter().map(|id| id.0).collect();
    score.mistakes.iter().map(|mistake| (mistake.fault, ids(mistake))).collect()
}

#[test]
fn what_is_right_makes_no_mistakes() {
    let oom =
        incident(1, Severity::P2, 10, 40, &["OOMKilled on Deployment shop/cart", "NotReady on Service shop/cart"]);
    let score = score(&[failure(PODS, "OOMKilled", 9, 38)], &[oom]);
    let expect = Score {
        detected: ratio(1, 1),
        precision: ratio(1, 1),
        incidents_per_failure: ratio(1, 1),
        top1: CauseRatio { entity: ratio(1, 1), entity_and_signal: ratio(1, 1) },
        top3: CauseRatio { entity: ratio(1, 1), entity_and_signal: ratio(1, 1) },
        ..Score::default()
    };
    assert_eq!(score.times_to_detect.percentile(50), Some(Span::from_secs(180)));
    assert_eq!(score.severities.of(Severity::P2), 1);
    let (times_to_detect, severities) = (score.times_to_detect.clone(), score.severities);
    assert_eq!(score, Score { times_to_detect, severities, ..expect });
}

#[test]
fn a_missed_failure_is_told_with_what_was_said_instead() {
    let other = incident(7, Severity::P3, 20, 30, &["NodeNotReady on Node worker-1"]);
    let label = Label { name: "the cart".into(), ..failure(PODS, "OOMKilled", 9, 38) };
    let score = score(&[label, failure("Node worker-1", "", 20, 30)], &[other]);
    assert_eq!((score.detected, score.only_noted), (ratio(1, 2), 0));
    assert_eq!(score.top1.entity, ratio(1, 2));
    assert_eq!(score.top1.entity_and_signal, ratio(0, 1));
    assert_eq!(faults(&score), [(Fault::Missed, vec![7])]);
    assert_eq!(
        score.mistakes[0].to_string(),
        "missed        the cart (OOMKilled on Deployment shop/cart): no incident holds it between \
         2026-03-17T09:09:00Z and 2026-03-17T09:38:00Z; said around then: P3 inc-0000000000000007 NodeNotReady on \
         Node worker-1 (from 2026-03-17T09:20:00Z, to 2026-03-17T09:31:00Z)"
    );
}

#[test]
fn what_is_only_noted_is_not_detected() {
    let note = incident(1, Severity::P5, 10, 40, &["OOMKilled on Deployment shop/cart"]);
    let score = score(&[failure(PODS, "OOMKilled", 9, 38)], &[note]);
    assert_eq!((score.detected, score.only_noted), (ratio(0, 1), 1));
    assert_eq!((score.precision, score.incidents_per_failure), (ratio(0, 0), ratio(0, 0)));
    assert_eq!(score.times_to_detect.count(), 0);
    assert_eq!(faults(&score), [(Fault::OnlyNoted, vec![1])]);
}

#[test]
fn the_worst_severity_of_all_records_counts_and_the_last_record_stands() {
    let first = incident(1, Severity::P3, 10, 40, &["NotReady on Service shop/cart"]);
    let last = incident(1, Severity::P5, 10, 40, &["OOMKilled on Deployment shop/cart"]);
    let score = score(&[failure(PODS, "OOMKilled", 9, 38)], &[first, last]);
    assert_eq!((score.detected, score.top1.entity), (ratio(1, 1), ratio(1, 1)));
    assert_eq!((score.severities.of(Severity::P3), score.severities.of(Severity::P5)), (1, 0));
}

#[test]
fn a_wrong_first_cause_is_told_with_the_rank_of_the_right_one() {
    let causes =
        ["NotReady on Service shop/cart", "Unhealthy on Service shop/web", "OOMKilled on Deployment shop/cart"];
    let third = incident(1, Severity::P2, 10, 40, &causes);
    let found = score(&[failure(PODS, "OOMKilled", 9, 38)], &[third]);
    assert_eq!((found.top1.entity, found.top1.entity_and_signal), (ratio(0, 1), ratio(0, 1)));
    assert_eq!((found.top3.entity, found.top3.entity_and_signal), (ratio(1, 1), ratio(1, 1)));
    assert_eq!(faults(&found), [(Fault::WrongCause, vec![1])]);
    assert!(found.mistakes[0].text.contains("said P2 inc-0000000000000001 NotReady on Service shop/cart"));
    assert!(found.mistakes[0].text.ends_with("the right cause is its no. 3"));

    let causes = ["A on Node a", "A on Node b", "A on Node c", "OOMKilled on Deployment shop/cart"];
    let fourth = incident(1, Severity::P2, 10, 40, &causes);
    let found = score(&[failure(PODS, "OOMKilled", 9, 38)], &[fourth]);
    assert_eq!(found.top3.entity, ratio(0, 1));

    let mut member = incident(1, Severity::P2, 10, 40, &["NodeNotReady on Node worker-1"]);
    member.incident.members.push(Member { entity: entity(PODS), ..Member::default() });
    let found = score(&[failure(PODS, "OOMKilled", 9, 38)], &[member]);
    assert_eq!((found.detected, found.top3.entity), (ratio(1, 1), ratio(0, 1)));
    assert!(found.mistakes[0].text.ends_with("the right cause is not among its causes"));
}

#[test]
fn a_wrong_signal_of_the_right_entity_is_told() {
    let loops = incident(
        1,
        Severity::P2,
        10,
        40,
        &["CrashLoopBackOff on Deployment shop/cart", "OOMKilled on Deployment shop/cart"],
    );
    let label = failure(PODS, "OOMKilled", 9, 38);
    let found = score(std::slice::from_ref(&label), std::slice::from_ref(&loops));
    assert_eq!((found.top1.entity, found.top1.entity_and_signal), (ratio(1, 1), ratio(0, 1)));
    assert_eq!(found.top3.entity_and_signal, ratio(1, 1));
    assert_eq!(faults(&found), [(Fault::WrongSignal, vec![1])]);
    assert!(found.mistakes[0].text.ends_with("where the signal should be OOMKilled"));
    // A label that accepts it, and one that names none, are content.
    for signals in [vec!["OOMKilled".into(), "CrashLoopBackOff".into()], Vec::new()] {
        let mut label = label.clone();
        let Expected::Failure(failure) = &mut label.expected else { unreachable!() };
        failure.signals = signals;
        assert_eq!(score(&[label], std::slice::from_ref(&loops)).mistakes, []);
    }
}

#[test]
fn a_signal_is_a_code_or_what_stands_before_its_slash() {
    let pull = incident(1, Severity::P3, 10, 40, &["ImagePullBackOff/NotFound on Deployment shop/cart"]);
    for (signal, right) in [
        ("ImagePullBackOff", true),
        ("ImagePullBackOff/NotFound", true),
        ("ImagePullBackOff/Unauthorized", false),
        ("imagepullbackoff", false),
        ("ImagePull", false),
    ] {
        let found = score(&[failure(PODS, signal, 9, 38)], std::slice::from_ref(&pull));
        assert_eq!(found.top1.entity_and_signal, ratio(usize::from(right), 1), "{signal}");
    }
}

#[test]
fn an_entity_that_the_label_accepts_is_right_too() {
    let service = incident(1, Severity::P2, 10, 40, &["NotReady on Service shop/cart"]);
    let mut label = failure(PODS, "NotReady", 9, 38);
    assert_eq!(score(std::slice::from_ref(&label), std::slice::from_ref(&service)).detected, ratio(0, 1));
    let Expected::Failure(failure) = &mut label.expected else { unreachable!() };
    failure.accept.push(entity("Service shop/cart"));
    assert_eq!(score(&[label], &[service]).top1.entity_and_signal, ratio(1, 1));
}

#[test]
fn a_missing_object_and_its_referrer_are_each_right_for_the_other() {
    let mut missing = incident(1, Severity::P3, 10, 40, &["FailedMount on Secret shop/db"]);
    let explained_by = Some(Explanation { entity: entity("Secret shop/db"), ..Explanation::default() });
    missing.incident.members.push(Member { entity: entity(PODS), explained_by, ..Member::default() });
    let found = score(&[failure(PODS, "FailedMount", 9, 38)], std::slice::from_ref(&missing));
    assert_eq!(found.top1.entity_and_signal, ratio(1, 1));
    missing.incident.causes[0].entity = entity(PODS);
    let found = score(&[failure("Secret shop/db", "FailedMount", 9, 38)], &[missing]);
    assert_eq!(found.top1.entity_and_signal, ratio(1, 1));
}

#[test]
fn one_failure_in_several_incidents_is_split() {
    let cart = ["OOMKilled on Deployment shop/cart"];
    let incidents = [
        incident(1, Severity::P3, 10, 20, &cart),
        incident(2, Severity::P2, 22, 40, &cart),
        incident(3, Severity::P5, 10, 40, &cart),
    ];
    let found = score(&[failure(PODS, "OOMKilled", 9, 38)], &incidents);
    assert_eq!((found.detected, found.incidents_per_failure), (ratio(1, 1), ratio(2, 1)));
    // The worst comes first, the note counts for nothing.
    assert_eq!(faults(&found), [(Fault::Split, vec![2, 1])]);
    // The time to detect is that of the first, not of the worst.
    assert_eq!(found.times_to_detect.percentile(100), Some(Span::from_secs(180)));
}

#[test]
fn what_was_merged_is_no_further_incident() {
    let cart = ["OOMKilled on Deployment shop/cart"];
    let mut merged = incident(2, Severity::P2, 10, 40, &cart);
    merged.incident.status = Status::Merged;
    let found = score(&[failure(PODS, "OOMKilled", 9, 38)], &[incident(1, Severity::P3, 10, 20, &cart), merged]);
    assert_eq!((found.incidents_per_failure, found.precision), (ratio(1, 1), ratio(1, 1)));
    assert_eq!((found.merged, found.severities.of(Severity::P2)), (1, 0));
    assert_eq!(found.mistakes, []);
}

#[test]
fn an_incident_that_names_another_failure_first_is_counted_for_that_one() {
    let mut node = incident(1, Severity::P1, 10, 40, &["NodeNotReady on Node worker-1"]);
    node.incident.members.push(Member { entity: entity(PODS), ..Member::default() });
    let cart = incident(2, Severity::P3, 10, 40, &["OOMKilled on Deployment shop/cart"]);
    let labels = [failure("Node worker-1", "", 9, 38), failure(PODS, "", 9, 38)];
    let found = score(&labels, &[node.clone(), cart]);
    assert_eq!((found.incidents_per_failure, found.top1.entity), (ratio(2, 2), ratio(2, 2)));
    assert_eq!(found.mistakes, []);
    // Without one of its own the failure is in the other one's incident: found, but not named.
    let found = score(&labels, &[node]);
    assert_eq!((found.detected, found.incidents_per_failure), (ratio(2, 2), ratio(2, 2)));
    assert_eq!(found.top1.entity, ratio(1, 2));
    assert_eq!(faults(&found), [(Fault::WrongCause, vec![1])]);
}

#[test]
fn a_failure_that_is_only_in_incidents_of_others_is_in_the_worst_of_them() {
    let node = |id, severity, name: &str| {
        let mut node = incident(id, severity, 10, 40, &[&format!("NodeNotReady on Node {name}")]);
        node.incident.members.push(Member { entity: entity(PODS), ..Member::default() });
        node
    };
    let labels = ["Node a", "Node b", PODS].map(|name| failure(name, "", 9, 38));
    let found = score(&labels, &[node(1, Severity::P3, "a"), node(2, Severity::P2, "b")]);
    assert_eq!((found.detected, found.incidents_per_failure), (ratio(3, 3), ratio(3, 3)));
    assert_eq!(faults(&found), [(Fault::WrongCause, vec![2])]);
}

#[test]
fn what_explains_a_member_is_in_the_incident_though_the_record_does_not_show_it() {
    let mut wide = incident(1, Severity::P2, 10, 40, &["NotReady on Service shop/cart"]);
    let explained_by = Some(Explanation { entity: entity("Node worker-1"), ..Explanation::default() });
    wide.incident.members.push(Member { entity: entity(PODS), explained_by, ..Member::default() });
    let found = score(&[failure("Node worker-1", "", 9, 38)], &[wide]);
    assert_eq!((found.detected, found.top1.entity), (ratio(1, 1), ratio(0, 1)));
}

#[test]
fn times_must_overlap_with_ten_minutes_of_grace_after_the_end() {
    let cart = ["OOMKilled on Deployment shop/cart"];
    for (from, to, detected) in [(0, 99, 1), (0, 19, 0), (0, 20, 1), (50, 60, 1), (51, 60, 0)] {
        let found = score(&[failure(PODS, "", 20, 40)], &[incident(1, Severity::P3, from, to, &cart)]);
        assert_eq!(found.detected, ratio(detected, 1), "{from} to {to}");
    }
    let always = Label::failure(entity(PODS), "");
    let found = score(&[always], &[incident(1, Severity::P3, 10, 20, &cart)]);
    assert_eq!((found.detected, found.times_to_detect.count()), (ratio(1, 1), 0));
}

#[test]
fn clusters_and_namespaces_are_told_apart() {
    let cart = incident(1, Severity::P3, 10, 40, &["OOMKilled on Deployment shop/cart"]);
    for (cluster, name, detected) in [
        (Some("prod"), PODS, 1),
        (Some("test"), PODS, 0),
        (None, PODS, 1),
        (None, "Deployment cart", 0),
        (None, "Deployment other/cart", 0),
    ] {
        let label = Label { scope: cluster.map(Scope::cluster), ..failure(name, "", 9, 38) };
        let found = score(&[label], std::slice::from_ref(&cart));
        assert_eq!(found.detected, ratio(detected, 1), "{cluster:?} {name}");
    }
}

#[test]
fn the_same_number_in_two_clusters_is_two_incidents() {
    let (prod, test) = (Scope::cluster("prod"), Scope::cluster("test"));
    let cart = incident(1, Severity::P3, 10, 40, &["OOMKilled on Deployment shop/cart"]);
    let labels = ["prod", "test"].map(|name| Label { scope: Some(Scope::cluster(name)), ..failure(PODS, "", 9, 38) });
    let found = Score::of(&labels, [(&test, &cart), (&prod, &cart)]);
    assert_eq!((found.detected, found.incidents_per_failure), (ratio(2, 2), ratio(2, 2)));
}

#[test]
fn what_is_open_in_a_healthy_time_is_a_false_alarm() {
    let healthy = Label { name: "quiet".into(), from: Some(minute(10)), to: Some(minute(20)), ..Label::healthy() };
    // Opened two minutes after the beginning, resolved one minute after the end.
    for (from, to, alarms) in [(0, 8, 0), (0, 9, 0), (0, 10, 1), (12, 13, 1), (17, 30, 1), (18, 30, 0)] {
        let node = incident(1, Severity::P4, from, to, &["NodeNotReady on Node worker-1"]);
        let found = score(std::slice::from_ref(&healthy), &[node]);
        assert_eq!((found.healthy_times, found.false_alarms), (1, alarms), "{from} to {to}");
        // Outside of it, the incident belongs to nothing that anybody knows of all the same.
        assert_eq!((found.precision, faults(&found)), (ratio(0, 1), vec![(Fault::FalseAlarm, vec![1])]));
        assert_eq!(found.mistakes[0].text.ends_with("was open in a healthy time (quiet)"), alarms == 1);
        assert_eq!(found.mistakes[0].label.is_some(), alarms == 1);
    }
    let mut open = incident(1, Severity::P4, 0, 5, &["NodeNotReady on Node worker-1"]);
    open.incident.resolved_at = None;
    assert_eq!(score(std::slice::from_ref(&healthy), &[open]).false_alarms, 1);
    let note = incident(1, Severity::P5, 12, 13, &["NodeNotReady on Node worker-1"]);
    let found = score(std::slice::from_ref(&healthy), &[note]);
    assert_eq!((found.false_alarms, found.mistakes), (0, Vec::new()));
    // What a label knows of is no false alarm, though it may still be open.
    let known = incident(1, Severity::P4, 0, 13, &["NodeNotReady on Node worker-1"]);
    assert_eq!(score(&[healthy, failure("Node worker-1", "", 0, 9)], &[known]).false_alarms, 0);
}

#[test]
fn scores_add_up() {
    let cart = incident(1, Severity::P2, 10, 40, &["OOMKilled on Deployment shop/cart"]);
    let node = incident(2, Severity::P3, 60, 90, &["NodeNotReady on Node worker-1"]);
    let labels = [failure(PODS, "OOMKilled", 9, 38), failure("Node worker-2", "", 55, 80)];
    let mut sum = score(&labels[..1], std::slice::from_ref(&cart));
    sum += score(&labels[1..], std::slice::from_ref(&node));
    assert_eq!(sum, score(&labels, &[cart, node]));
    assert_eq!((sum.detected, sum.precision, sum.mistakes.len()), (ratio(1, 2), ratio(1, 2), 2));
}

#[test]
fn the_text_has_a_line_for_each_figure_and_each_mistake() {
    let cart = incident(1, Severity::P2, 10, 40, &["OOMKilled on Deployment shop/cart"]);
    let labels = [failure(PODS, "OOMKilled", 9, 38), failure("Node worker-1", "", 9, 38), Label::healthy()];
    let text = score(&labels, &[cart]).to_string();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[..8],
        [
            "detected            1 of 2 (50.0%)",
            "precision           1 of 1 (100.0%)",
            "incidents/failure   1.00 (1 for 1 detected)",
            "first cause right   1 of 2 (50.0%); with its signal 1 of 1 (100.0%)",
            "in the first three  1 of 2 (50.0%); with its signal 1 of 1 (100.0%)",
            "time to detect      median 3m, p90 3m, longest 3m, of 1",
            "false alarms        0 (healthy times labelled: 1)",
            "incidents           P1 0, P2 1, P3 0, P4 0, P5 0; 0 merged into others",
        ]
    );
    assert!(lines[8].starts_with("missed        Node worker-1: no incident holds it"), "{text}");
    assert_eq!(lines.len(), 9);
    assert!(score(&[], &[]).to_string().contains("time to detect      nothing to measure"));
}
