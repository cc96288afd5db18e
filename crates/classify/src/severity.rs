//! The severity of an incident, step by step: its own weight first, then what raises it.

use bellbuoy_core::Text;
use bellbuoy_core::incident::Incident;
use bellbuoy_core::object::Entity;
use bellbuoy_core::rules::{Match, RuleSet};
use bellbuoy_core::severity::Severity;
use bellbuoy_core::sign::NO_READY_ENDPOINTS;
use bellbuoy_core::time::{Span, Time};
use bellbuoy_core::triage::Factor;

/// So many objects, members or namespaces make a failure a wide one. Fixed by judgement, not measured: a deployment of
/// ten that crashes is not wide, a rack or a base image is.
const WIDE_OBJECTS: u32 = 100;
const WIDE_MEMBERS: u32 = 50;
const WIDE_NAMESPACES: u32 = 5;

/// What has been open for so long does not go away by itself.
const LONG: Span = Span::from_secs(4 * 3_600);

/// The namespace of the cluster's own add-ons.
const SYSTEM_NAMESPACE: &str = "kube-system";

/// Areas (DESIGN §9) whose failure leaves the cluster without control of itself.
const CONTROL_PLANE: [&str; 6] =
    ["etcd", "kube-apiserver", "kube-scheduler", "kube-controller-manager", "cloud-controller-manager", "DNS"];

/// The severity by the rules below, without memory, and each step to it.
pub(crate) fn assess(incident: &Incident, category: &str, rules: &RuleSet, now: Time) -> (Severity, Vec<Factor>) {
    let mut factors = vec![weight(incident, rules)];
    if incident.weight == Severity::P5 {
        // A note about one thing must not grow into a page because there are many of it.
        factors.push(factor("note", 0, "a note stays a note, however many there are"));
        return (Severity::P5, factors);
    }
    let cause = incident.causes.first().map(|cause| &cause.entity);
    let control_plane = cause.and_then(|cause| of_control_plane(cause, category));
    let services_down = services_down(incident, rules);
    factors.extend(wide(incident));
    factors.extend(control_plane.clone());
    if control_plane.is_none() {
        factors.extend(
            cause
                .filter(|cause| &*cause.kind == "Node")
                .map(|cause| factor("node", 1, format!("the cause is {cause}: everything on it is affected"))),
        );
    }
    if services_down > 0 {
        // P2 says that a service is down, so that from there on it is said already.
        let steps = i32::from(incident.weight > Severity::P2);
        let services =
            if services_down == 1 { "1 Service has".to_owned() } else { format!("{services_down} Services have") };
        factors.push(factor("service-down", steps, format!("{services} no endpoint left")));
    }
    let open_for = now.since(incident.opened_at);
    if open_for >= LONG && incident.resolved_at.is_none() {
        factors.push(factor("long", 1, format!("it has been open for {open_for}, longer than {LONG}")));
    }
    let raised = incident.weight.raised(factors.iter().map(|factor| factor.steps).sum());
    let has_impact = services_down > 0 || control_plane.is_some() || incident.weight == Severity::P1;
    if raised == Severity::P1 && !has_impact {
        let text = "size alone makes no P1: no Service has lost all endpoints, and the control plane is not at fault";
        let steps = factors.iter().map(|factor| factor.steps).sum::<i32>();
        let needed = i32::from(incident.weight as u8) - i32::from(Severity::P2 as u8);
        factors.push(factor("size-alone", needed - steps, text));
        return (Severity::P2, factors);
    }
    (raised, factors)
}

/// A factor.
pub(crate) fn factor(rule: &str, steps: i32, text: impl Into<Text>) -> Factor {
    Factor { rule: rule.into(), steps, text: text.into() }
}

fn weight(incident: &Incident, rules: &RuleSet) -> Factor {
    let weight = incident.weight;
    let named = incident.signals.iter().find(|count| rules.signal(&count.signal).is_some_and(|r| r.severity == weight));
    match named {
        Some(count) => factor("weight", 0, format!("{} counts as {weight}", count.signal)),
        None => factor("weight", 0, format!("its worst symptom counts as {weight}")),
    }
}

/// The widest of objects, members and namespaces decides; they count the same failure.
fn wide(incident: &Incident) -> Option<Factor> {
    let (objects, namespaces) = (incident.object_count, incident.namespace_count);
    let is_wide = objects >= WIDE_OBJECTS || incident.member_count >= WIDE_MEMBERS || namespaces >= WIDE_NAMESPACES;
    let text = || {
        format!("{objects} objects in {namespaces} namespaces are affected, with {} symptoms", incident.member_count)
    };
    is_wide.then(|| factor("wide", 1, text()))
}

fn of_control_plane(cause: &Entity, category: &str) -> Option<Factor> {
    // A workload that the scheduler cannot place says nothing against the scheduler.
    let is_workload = !cause.namespace.is_empty() && !cause.namespace.starts_with("kube-");
    if CONTROL_PLANE.contains(&category) && !is_workload {
        return Some(factor("control-plane", 1, format!("the cause is in the control plane: {category}")));
    }
    let is_addon =
        &*cause.namespace == SYSTEM_NAMESPACE || &*cause.kind == "Namespace" && &*cause.name == SYSTEM_NAMESPACE;
    is_addon.then(|| factor("control-plane", 1, format!("the cause is {cause}: the cluster itself needs it")))
}

/// How many members are Services without endpoints, by what their signals match and not by a name.
fn services_down(incident: &Incident, rules: &RuleSet) -> u32 {
    let speaks_of_endpoints = |code: &str| {
        rules.signal(code).is_some_and(|rule| {
            rule.matches.iter().any(|one| matches!(one, Match::State { sign, .. } if &**sign == NO_READY_ENDPOINTS))
        })
    };
    incident.signals.iter().filter(|count| speaks_of_endpoints(&count.signal)).map(|count| count.count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellbuoy_core::incident::{Cause, SignalCount};
    use bellbuoy_core::rules::SignalRule;

    fn rules() -> RuleSet {
        let signal =
            |code: &str, severity, matches| SignalRule { code: code.into(), severity, matches, ..Default::default() };
        RuleSet {
            catalogue: vec![
                signal("CrashLoopBackOff", Severity::P3, vec![]),
                signal(
                    "ServiceDown",
                    Severity::P3,
                    vec![Match::State { sign: NO_READY_ENDPOINTS.into(), kind: "".into(), pattern: "".into() }],
                ),
            ],
            ..RuleSet::default()
        }
    }

    fn incident(weight: Severity, kind: &str, namespace: &str) -> Incident {
        let cause = Cause { entity: Entity::new(kind, namespace, "x"), ..Cause::default() };
        Incident {
            weight,
            causes: vec![cause],
            object_count: 1,
            member_count: 1,
            namespace_count: 1,
            ..Incident::default()
        }
    }

    /// Checks the severity, and the rules with their steps.
    #[track_caller]
    fn check(incident: &Incident, category: &str, expect: &str) {
        let (severity, factors) = assess(incident, category, &rules(), Time::from_secs(0));
        let steps = factors.iter().map(|factor| format!(" {}{:+}", factor.rule, factor.steps)).collect::<String>();
        assert_eq!(format!("{severity}:{steps}"), expect);
        assert_eq!(incident.weight.raised(factors.iter().map(|factor| factor.steps).sum()), severity, "steps add up");
    }

    #[test]
    fn one_crashing_deployment_keeps_its_weight() {
        check(&incident(Severity::P3, "Deployment", "shop"), "application diagnostics", "P3: weight+0");
    }

    #[test]
    fn the_weight_names_its_signal() {
        let signals = vec![SignalCount { signal: "CrashLoopBackOff".into(), area: "".into(), count: 1 }];
        let incident = Incident { signals, ..incident(Severity::P3, "Deployment", "shop") };
        let (_, factors) = assess(&incident, "", &rules(), Time(0));
        assert_eq!(&*factors[0].text, "CrashLoopBackOff counts as P3");
    }

    #[test]
    fn width_raises_once_whichever_measure_shows_it() {
        let base = incident(Severity::P3, "Deployment", "shop");
        check(&Incident { object_count: 99, member_count: 49, namespace_count: 4, ..base.clone() }, "", "P3: weight+0");
        check(&Incident { object_count: 100, ..base.clone() }, "", "P2: weight+0 wide+1");
        check(&Incident { member_count: 50, ..base.clone() }, "", "P2: weight+0 wide+1");
        check(&Incident { namespace_count: 5, ..base.clone() }, "", "P2: weight+0 wide+1");
        check(&Incident { object_count: 10_000, namespace_count: 50, ..base }, "", "P2: weight+0 wide+1");
    }

    #[test]
    fn a_node_raises_but_not_to_p1_by_size() {
        check(&incident(Severity::P3, "Node", ""), "compute", "P2: weight+0 node+1");
        let wide = Incident { object_count: 10_000, ..incident(Severity::P2, "Node", "") };
        check(&wide, "compute", "P2: weight+0 wide+1 node+1 size-alone-2");
        let wide = Incident { object_count: 10_000, ..incident(Severity::P3, "Node", "") };
        check(&wide, "compute", "P2: weight+0 wide+1 node+1 size-alone-1");
    }

    #[test]
    fn the_control_plane_and_the_add_ons_raise() {
        check(&incident(Severity::P2, "Lease", "kube-node-lease"), "kube-scheduler", "P1: weight+0 control-plane+1");
        check(
            &incident(Severity::P3, "Deployment", "kube-system"),
            "application diagnostics",
            "P2: weight+0 control-plane+1",
        );
        check(&incident(Severity::P3, "Namespace", ""), "", "P3: weight+0");
        check(&incident(Severity::P3, "Deployment", "shop"), "kube-scheduler", "P3: weight+0");
    }

    #[test]
    fn a_service_without_endpoints_raises_up_to_p2_and_opens_the_way_to_p1() {
        let with_service = |weight| Incident {
            signals: vec![SignalCount { signal: "ServiceDown".into(), area: "".into(), count: 2 }],
            ..incident(weight, "Deployment", "shop")
        };
        check(&with_service(Severity::P4), "", "P3: weight+0 service-down+1");
        check(&with_service(Severity::P3), "", "P2: weight+0 service-down+1");
        check(&with_service(Severity::P2), "", "P2: weight+0 service-down+0");
        check(&Incident { namespace_count: 9, ..with_service(Severity::P3) }, "", "P1: weight+0 wide+1 service-down+1");
    }

    #[test]
    fn a_long_time_raises() {
        let open_since =
            |secs: i64| Incident { opened_at: Time::from_secs(-secs), ..incident(Severity::P4, "Deployment", "shop") };
        check(&open_since(4 * 3_600 - 1), "", "P4: weight+0");
        check(&open_since(4 * 3_600), "", "P3: weight+0 long+1");
        check(&Incident { resolved_at: Some(Time(0)), ..open_since(90_000) }, "", "P4: weight+0");
    }

    #[test]
    fn a_note_stays_a_note() {
        let many = Incident { object_count: 10_000, namespace_count: 50, ..incident(Severity::P5, "Node", "") };
        check(&many, "etcd", "P5: weight+0 note+0");
    }

    #[test]
    fn p1_stays_p1() {
        check(&incident(Severity::P1, "Node", ""), "compute", "P1: weight+0 node+1");
    }

    #[test]
    fn an_incident_without_a_cause_is_assessed_by_what_it_shows() {
        let causes = Vec::new();
        check(&Incident { causes, ..incident(Severity::P3, "Node", "") }, "", "P3: weight+0");
    }
}
