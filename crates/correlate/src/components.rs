//! Parts of the cluster that everything else leans on, told by kind, namespace and name.

use crate::object_row::WORKLOAD;
use bellbuoy_core::object::Entity;
use bellbuoy_core::rules::{ComponentRule, RuleSet};
use regex::Regex;

/// The component rules of a rule set, compiled.
#[derive(Debug, Default)]
pub(crate) struct Components {
    rules: Vec<Compiled>,
}

#[derive(Debug)]
struct Compiled {
    rule: ComponentRule,
    namespace: Option<Regex>,
    names: Option<Regex>,
}

impl Components {
    /// Compiles the component rules. A pattern that is no regular expression matches nothing: the configuration's loader
    /// refuses it with its place.
    pub(crate) fn new(rules: &RuleSet) -> Self {
        let compiled = rules.components.iter().filter_map(|rule| {
            let whole = |pattern: &str| match pattern.is_empty() {
                true => Some(None),
                false => Regex::new(&format!("^(?:{pattern})$")).ok().map(Some),
            };
            Some(Compiled { rule: rule.clone(), namespace: whole(&rule.namespace)?, names: whole(&rule.names)? })
        });
        Self { rules: compiled.collect() }
    }

    /// The component that an object belongs to; the first rule that matches decides.
    pub(crate) fn of(&self, entity: &Entity) -> Option<&ComponentRule> {
        let fits = |pattern: &Option<Regex>, text: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(text));
        let is_of = |row: &&Compiled| {
            // What was guessed from a pod's name may be any of the kinds that make pods.
            let is_guessed = &*entity.kind == WORKLOAD && row.rule.kinds.iter().any(|kind| &**kind == "Pod");
            (row.rule.kinds.is_empty() || row.rule.kinds.contains(&entity.kind) || is_guessed)
                && fits(&row.namespace, &entity.namespace)
                && fits(&row.names, &entity.name)
        };
        self.rules.iter().find(is_of).map(|row| &row.rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_told_by_kind_namespace_and_name() {
        let dns = ComponentRule {
            name: "dns".into(),
            kinds: vec!["Deployment".into()],
            namespace: "kube-system".into(),
            names: "coredns|kube-dns".into(),
            ..ComponentRule::default()
        };
        let components = Components::new(&RuleSet { components: vec![dns], ..RuleSet::default() });
        let is_one = |kind: &str, namespace: &str, name: &str| {
            components.of(&Entity::new(kind, namespace, name)).map(|rule| &*rule.name) == Some("dns")
        };
        assert!(is_one("Deployment", "kube-system", "coredns"));
        assert!(!is_one("Deployment", "kube-system", "coredns-autoscaler"));
        assert!(!is_one("Deployment", "shop", "coredns"));
        assert!(!is_one("ConfigMap", "kube-system", "coredns"));
    }
}
