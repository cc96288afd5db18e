//! Where to look first: the one kubectl command that shows most of what an incident is about.

use bellbuoy_core::headline::{subject, tellers};
use bellbuoy_core::incident::Incident;
use bellbuoy_core::object::Entity;
use bellbuoy_core::rules::{Match, RuleSet, SignalRule};
use bellbuoy_core::sign::{REFERENCE_MISSING, VOLUME_NOT_OFFERED};

/// Kinds that own pods, and whose own description says little of them.
const WORKLOADS: [&str; 6] = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"];

/// Kinds that are no objects of Kubernetes: what is known of them stands with whoever told of them.
const NO_OBJECTS: [&str; 3] = ["Image", "Registry", "Component"];

/// Reasons for the end of a container that had run, so that it may have written why; the empty one stands for any.
const RAN: [&str; 3] = ["", "Error", "OOMKilled"];

/// The command, ready to be pasted into a shell; none when nothing is known, or a name is not fit for a shell.
pub(crate) fn first_command(incident: &Incident, rules: &RuleSet) -> Option<String> {
    let (entity, signal) = subject(incident)?;
    let entity = match NO_OBJECTS.contains(&&*entity.kind) {
        true => told_of(incident, entity, signal)?,
        false => entity,
    };
    let is_safe = [&entity.kind, &entity.namespace, &entity.name].into_iter().all(|name| is_plain(name));
    let rule = rules.signal(signal);
    let is_missing = rule.is_some_and(tells_of_the_missing) && !tellers(incident, entity, signal).is_empty();
    let pod = named_pod(incident, entity);
    is_safe.then(|| if is_missing { list(entity) } else { command(entity, rule, pod) })
}

/// The pod of an owner that a message names, as kubelet writes it: `cart-5d9c7b-x2_shop(0b1f…)`. Of several pods it is the
/// one that fails, where the owner's name alone may lead to one that is well.
fn named_pod<'i>(incident: &'i Incident, entity: &Entity) -> Option<&'i str> {
    let end = format!("_{}(", entity.namespace);
    let start = format!("{}-", entity.name);
    let named = |message: &'i str| {
        let before = &message[..message.find(&end)?];
        let pod = before.rsplit(|each: char| !each.is_ascii_alphanumeric() && each != '-' && each != '.').next()?;
        pod.starts_with(&start).then_some(pod)
    };
    incident.members.iter().filter(|member| member.entity == *entity).find_map(|member| named(&member.message))
}

/// What there is in place of what is missing: mostly the name is merely written wrong.
fn list(entity: &Entity) -> String {
    format!("kubectl get{} {}", inside(entity), entity.kind.to_lowercase())
}

fn inside(entity: &Entity) -> String {
    if entity.namespace.is_empty() { String::new() } else { format!(" -n {}", entity.namespace) }
}

/// Who told of what is no object: whose message names it, or what follows from it.
fn told_of<'i>(incident: &'i Incident, entity: &Entity, signal: &str) -> Option<&'i Entity> {
    let follows = || {
        let by = |entity: &Entity| NO_OBJECTS.contains(&&*entity.kind);
        incident.members.iter().map(|member| &member.entity).find(|entity| !by(entity))
    };
    tellers(incident, entity, signal).first().copied().or_else(follows)
}

fn command(entity: &Entity, rule: Option<&SignalRule>, pod: Option<&str>) -> String {
    let (namespace, name) = (&entity.namespace, &entity.name);
    let (kind, inside) = (entity.kind.to_lowercase(), inside(entity));
    let owns_pods = WORKLOADS.contains(&&*entity.kind);
    match &*entity.kind {
        _ if (owns_pods || &*entity.kind == "Pod") && rule.is_some_and(has_run) => {
            // A Job's next try is another pod; everybody else's is the same container again.
            let previous = if &*entity.kind == "Job" { "" } else { " --previous" };
            match pod {
                Some(pod) => format!("kubectl logs{inside} {pod} --all-containers{previous} --tail=50"),
                // Any of its pods would be asked, and those on most nodes are well.
                None if &*entity.kind == "DaemonSet" => format!("kubectl get pods{inside} -o wide | grep {name}"),
                None => format!("kubectl logs{inside} {kind}/{name} --all-containers{previous} --tail=50"),
            }
        }
        _ if owns_pods && rule.is_some_and(is_probed) => {
            format!("kubectl logs{inside} {kind}/{name} --all-containers --tail=50")
        }
        // Events are told of pods, whose names begin with that of their owner. What is wrong in its own configuration,
        // its description shows.
        _ if owns_pods && !rule.is_some_and(is_of_state) => {
            format!("kubectl get events{inside} --sort-by=.lastTimestamp | grep {name}")
        }
        "Cluster" if namespace.is_empty() => "kubectl get events -A --sort-by=.lastTimestamp".to_owned(),
        "Workload" => format!("kubectl get pods{inside} -o wide | grep {name}"),
        "Webhook" => {
            format!("kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations -o yaml | grep {name}")
        }
        _ => format!("kubectl describe{inside} {kind} {name}"),
    }
}

/// Whether the signal tells of a container that ran and ended.
fn has_run(rule: &SignalRule) -> bool {
    rule.matches.iter().any(|one| match one {
        Match::Terminated { reason, .. } => RAN.contains(&&**reason),
        Match::Waiting { reason, .. } => &**reason == "CrashLoopBackOff",
        Match::Condition { kind, condition, .. } => &**kind == "Job" && &**condition == "Failed",
        _ => false,
    })
}

/// Whether the signal tells of a container that runs and fails its probes.
fn is_probed(rule: &SignalRule) -> bool {
    rule.matches.iter().any(|one| matches!(one, Match::Event { reason, .. } if &**reason == "Unhealthy"))
}

/// Whether the signal tells of what stands in the object's own configuration or state.
fn is_of_state(rule: &SignalRule) -> bool {
    rule.matches.iter().any(|one| matches!(one, Match::State { .. }))
}

/// Whether the signal tells of an object that does not exist.
fn tells_of_the_missing(rule: &SignalRule) -> bool {
    rule.matches.iter().any(|one| match one {
        Match::State { sign, .. } => [REFERENCE_MISSING, VOLUME_NOT_OFFERED].contains(&&**sign),
        Match::Event { pattern, .. } | Match::Waiting { pattern, .. } => pattern.contains("not found"),
        _ => false,
    })
}

/// Whether a name may be pasted into a shell: names of Kubernetes are made of these characters, but whoever sends us
/// facts may write anything.
fn is_plain(name: &str) -> bool {
    !name.starts_with('-')
        && name.chars().all(|each| each.is_ascii_alphanumeric() || matches!(each, '-' | '.' | '_' | ':'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellbuoy_core::incident::{Cause, Explanation, Member, NAMED};

    fn rules() -> RuleSet {
        let rule = |code: &str, one| SignalRule { code: code.into(), matches: vec![one], ..SignalRule::default() };
        let ended =
            |reason: &str| Match::Terminated { reason: reason.into(), exit_code: "".into(), pattern: "".into() };
        let told = |reason: &str| Match::Event {
            kind: "Pod".into(),
            reason: reason.into(),
            component: "".into(),
            pattern: "".into(),
        };
        let found = |sign: &str| Match::State { sign: sign.into(), kind: "".into(), pattern: "".into() };
        let catalogue = vec![
            rule("OOMKilled", ended("OOMKilled")),
            rule("StartError", ended("StartError")),
            rule("Unhealthy", told("Unhealthy")),
            rule("FailedScheduling", told("FailedScheduling")),
            rule("ReferenceMissing", found(REFERENCE_MISSING)),
        ];
        RuleSet { catalogue, ..RuleSet::default() }
    }

    fn incident(entity: Entity, signal: &str) -> Incident {
        Incident { causes: vec![Cause { entity, signal: signal.into(), ..Cause::default() }], ..Incident::default() }
    }

    #[track_caller]
    fn check(kind: &str, namespace: &str, name: &str, signal: &str, expect: Option<&str>) {
        let incident = incident(Entity::new(kind, namespace, name), signal);
        assert_eq!(first_command(&incident, &rules()).as_deref(), expect);
    }

    #[test]
    fn what_ran_and_ended_is_asked_for_its_last_words() {
        let logs = "kubectl logs -n shop deployment/cart --all-containers --previous --tail=50";
        check("Deployment", "shop", "cart", "OOMKilled", Some(logs));
        let logs = "kubectl logs -n shop job/report --all-containers --tail=50";
        check("Job", "shop", "report", "OOMKilled", Some(logs));
        let logs = "kubectl logs -n shop deployment/cart --all-containers --tail=50";
        check("Deployment", "shop", "cart", "Unhealthy", Some(logs));
    }

    #[test]
    fn the_pod_that_fails_is_asked_where_a_message_names_it() {
        let cart = Entity::new("Deployment", "shop", "cart");
        let says = |message: &str| {
            let member = Member { entity: cart.clone(), message: message.into(), ..Member::default() };
            Incident { members: vec![member], ..incident(cart.clone(), "OOMKilled") }
        };
        let told = says("Back-off restarting failed container app in pod cart-5d9c7b-x2_shop(0b1f)");
        let logs = "kubectl logs -n shop cart-5d9c7b-x2 --all-containers --previous --tail=50";
        assert_eq!(first_command(&told, &rules()).as_deref(), Some(logs));
        for other in ["in pod basket-1_shop(0b1f)", "in pod cart-1_blog(0b1f)", "_shop(", ""] {
            let of_owner = "kubectl logs -n shop deployment/cart --all-containers --previous --tail=50";
            assert_eq!(first_command(&says(other), &rules()).as_deref(), Some(of_owner), "{other}");
        }
        let pods = "kubectl get pods -n shop -o wide | grep agent";
        check("DaemonSet", "shop", "agent", "OOMKilled", Some(pods));
    }

    #[test]
    fn what_never_ran_has_events_only() {
        let events = "kubectl get events -n shop --sort-by=.lastTimestamp | grep cart";
        check("Deployment", "shop", "cart", "StartError", Some(events));
        check("Deployment", "shop", "cart", "FailedScheduling", Some(events));
        check("Deployment", "shop", "cart", "NobodyKnowsIt", Some(events));
    }

    #[test]
    fn everything_else_is_described() {
        check("Node", "", "worker-3", "NodeNotReady", Some("kubectl describe node worker-3"));
        check("Service", "shop", "cart", "NoEndpoints", Some("kubectl describe -n shop service cart"));
        check("Pod", "shop", "cart-1", "FailedScheduling", Some("kubectl describe -n shop pod cart-1"));
    }

    #[test]
    fn of_what_is_missing_there_is_nothing_to_describe() {
        let secret = Entity::new("Secret", "shop", "db");
        let by = Explanation { entity: secret.clone(), rule: NAMED.into(), ..Explanation::default() };
        let entity = Entity::new("Deployment", "shop", "cart");
        let teller = Member { entity, signal: "ReferenceMissing".into(), explained_by: Some(by), ..Member::default() };
        let named = Incident { members: vec![teller], ..incident(secret, "ReferenceMissing") };
        assert_eq!(first_command(&named, &rules()).as_deref(), Some("kubectl get -n shop secret"));
        let described = "kubectl describe -n shop deployment cart";
        check("Deployment", "shop", "cart", "ReferenceMissing", Some(described));
    }

    #[test]
    fn names_of_strangers_are_kept_out_of_the_shell() {
        for name in ["x; rm -rf /", "$(reboot)", "a b", "--all", "x`id`", "x\ny", "a|b"] {
            check("Node", "", name, "NodeNotReady", None);
        }
    }

    #[test]
    fn a_registry_is_seen_through_whoever_pulls_from_it() {
        let registry = Entity::new("Registry", "", "quay.io");
        let by = Explanation { entity: registry.clone(), rule: NAMED.into(), ..Explanation::default() };
        let cart = Entity::new("Deployment", "shop", "cart");
        let member =
            |entity: &Entity, explained_by| Member { entity: entity.clone(), explained_by, ..Member::default() };
        let members = vec![member(&registry, None), member(&cart, Some(by))];
        let incident = Incident { members, ..incident(registry, "RegistryFailing") };
        let events = "kubectl get events -n shop --sort-by=.lastTimestamp | grep cart";
        assert_eq!(first_command(&incident, &rules()).as_deref(), Some(events));
        assert_eq!(first_command(&Incident::default(), &rules()), None);
    }
}
