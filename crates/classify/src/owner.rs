//! What an incident is about, and whose it is.

use crate::severity::factor;
use bellbuoy_core::Text;
use bellbuoy_core::incident::Incident;
use bellbuoy_core::object::Entity;
use bellbuoy_core::rules::{OwnerRule, RuleSet};
use bellbuoy_core::triage::Factor;

/// The category of an incident whose cause no signal of the rule set names.
pub const UNKNOWN_AREA: &str = "unknown";

/// The area of the most probable cause's signal, else that of the most numerous signal.
pub(crate) fn category(incident: &Incident, rules: &RuleSet) -> Text {
    let counted = |code: Option<&str>| {
        // Rules may have changed since the record was written; it names the areas that it was written under.
        let count = incident.signals.iter().find(|count| code.is_none_or(|code| &*count.signal == code));
        count.map(|count| count.area.clone())
    };
    let cause = incident.causes.first().map(|cause| &*cause.signal);
    let by_rule = cause.and_then(|code| rules.signal(code)).map(|rule| rule.area.clone());
    // The record knows which component shows the signal; the rule does not.
    let area = counted(cause).filter(|area| !area.is_empty()).or(by_rule).or_else(|| counted(None));
    area.filter(|area| !area.is_empty()).unwrap_or_else(|| UNKNOWN_AREA.into())
}

/// Where to read what to do about the most probable cause.
pub(crate) fn runbook(incident: &Incident, rules: &RuleSet) -> Text {
    let rule = incident.causes.first().and_then(|cause| rules.signal(&cause.signal));
    rule.map_or_else(|| "".into(), |rule| rule.runbook.clone())
}

/// The team that has to act, and the rule that says so.
pub(crate) fn owner(incident: &Incident, category: &str, rules: &RuleSet) -> (Text, Factor) {
    let nothing = Entity::default();
    let (entity, signal) = incident.causes.first().map_or((&nothing, ""), |cause| (&cause.entity, &*cause.signal));
    match rules.owners.iter().find(|rule| applies(rule, category, entity, signal)) {
        Some(rule) => {
            let text = format!("{} owns it by the rule {:?}: {}", rule.owner, rule.name, terms(rule));
            (rule.owner.clone(), factor("owner", 0, text))
        }
        None => {
            let text = format!("{} owns what no owner rule matches", rules.default_owner);
            (rules.default_owner.clone(), factor("owner", 0, text))
        }
    }
}

fn applies(rule: &OwnerRule, category: &str, entity: &Entity, signal: &str) -> bool {
    let fits = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
    let in_namespace = match rule.namespace.strip_suffix('*') {
        Some(prefix) => entity.namespace.starts_with(prefix),
        None => fits(&rule.namespace, &entity.namespace),
    };
    in_namespace && fits(&rule.area, category) && fits(&rule.kind, &entity.kind) && fits(&rule.signal, signal)
}

/// What a rule asks for.
fn terms(rule: &OwnerRule) -> String {
    let terms = [("area", &rule.area), ("namespace", &rule.namespace), ("kind", &rule.kind), ("signal", &rule.signal)];
    let terms: Vec<_> = terms
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    if terms.is_empty() { "it matches everything".to_owned() } else { terms.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellbuoy_core::incident::{Cause, SignalCount};
    use bellbuoy_core::rules::SignalRule;

    fn rules() -> RuleSet {
        let owner = |name: &str, area: &str, namespace: &str, kind: &str, signal: &str| OwnerRule {
            name: name.into(),
            area: area.into(),
            namespace: namespace.into(),
            kind: kind.into(),
            signal: signal.into(),
            owner: name.into(),
        };
        RuleSet {
            catalogue: vec![SignalRule {
                code: "ImagePullBackOff".into(),
                area: "container registry".into(),
                runbook: "https://wiki/pull".into(),
                ..SignalRule::default()
            }],
            owners: vec![
                owner("team-a", "", "a-*", "", ""),
                owner("system", "", "kube-system", "", ""),
                owner("nodes", "", "", "Node", ""),
                owner("oom", "", "", "Deployment", "OOMKilled"),
                owner("devops", "container registry", "", "", ""),
            ],
            default_owner: "sre".into(),
            ..RuleSet::default()
        }
    }

    fn incident(kind: &str, namespace: &str, signal: &str) -> Incident {
        let cause = Cause { entity: Entity::new(kind, namespace, "x"), signal: signal.into(), ..Cause::default() };
        let signals = vec![SignalCount { signal: "Unhealthy".into(), area: "end-user".into(), count: 3 }];
        Incident { causes: vec![cause], signals, ..Incident::default() }
    }

    #[track_caller]
    fn check(incident: &Incident, expect_category: &str, expect_owner: &str, expect_text: &str) {
        let category = category(incident, &rules());
        let (owner, factor) = owner(incident, &category, &rules());
        assert_eq!((&*category, &*owner, &*factor.text), (expect_category, expect_owner, expect_text));
        assert_eq!(factor.steps, 0);
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let team_a = "team-a owns it by the rule \"team-a\": namespace a-*";
        check(&incident("Deployment", "a-shop", "ImagePullBackOff"), "container registry", "team-a", team_a);
        let devops = "devops owns it by the rule \"devops\": area container registry";
        check(&incident("Deployment", "b", "ImagePullBackOff"), "container registry", "devops", devops);
        let oom = "oom owns it by the rule \"oom\": kind Deployment, signal OOMKilled";
        check(&incident("Deployment", "b", "OOMKilled"), "end-user", "oom", oom);
        check(&incident("Node", "", "X"), "end-user", "nodes", "nodes owns it by the rule \"nodes\": kind Node");
        let system = "system owns it by the rule \"system\": namespace kube-system";
        check(&incident("Pod", "kube-system", "X"), "end-user", "system", system);
        check(&incident("Pod", "kube-system-2", "X"), "end-user", "sre", "sre owns what no owner rule matches");
    }

    #[test]
    fn without_a_cause_the_most_numerous_signal_tells_the_area() {
        let causes = Vec::new();
        let none = Incident { causes, ..incident("Node", "", "") };
        check(&none, "end-user", "sre", "sre owns what no owner rule matches");
        check(&Incident::default(), UNKNOWN_AREA, "sre", "sre owns what no owner rule matches");
    }

    #[test]
    fn the_runbook_is_the_causes() {
        assert_eq!(&*runbook(&incident("Pod", "b", "ImagePullBackOff"), &rules()), "https://wiki/pull");
        assert_eq!(&*runbook(&incident("Pod", "b", "OOMKilled"), &rules()), "");
    }
}
