//! Parts of the cluster that everything else leans on, told by kind, namespace and name.

use crate::image::untagged;
use crate::pattern::Pattern;
use crate::workload::WORKLOAD;
use bellbuoy_core::object::Entity;
use bellbuoy_core::rules::{ComponentRule, RuleSet};

/// The component rules of a rule set, compiled.
#[derive(Debug, Default)]
pub(crate) struct Components {
    rules: Vec<Compiled>,
}

#[derive(Debug)]
struct Compiled {
    rule: ComponentRule,
    namespace: Option<Pattern>,
    names: Option<Pattern>,
    sidecars: Option<Pattern>,
}

impl Components {
    /// Takes the component rules. A pattern that is no regular expression matches nothing: the configuration's loader
    /// refuses it with its place.
    pub(crate) fn new(rules: &RuleSet) -> Self {
        let whole = |pattern: &str| (!pattern.is_empty()).then(|| Pattern::new(format!("^(?:{pattern})$").into()));
        let compiled = rules.components.iter().map(|rule| Compiled {
            rule: rule.clone(),
            namespace: whole(&rule.namespace),
            names: whole(&rule.names),
            sidecars: whole(&rule.sidecars),
        });
        Self { rules: compiled.collect() }
    }

    /// The component that an object belongs to; the first rule that matches decides.
    pub(crate) fn of(&self, entity: &Entity) -> Option<&ComponentRule> {
        let fits =
            |pattern: &Option<Pattern>, text: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(text));
        let is_of = |row: &&Compiled| {
            // What was guessed from a pod's name may be any of the kinds that make pods.
            let is_guessed = &*entity.kind == WORKLOAD && row.rule.kinds.iter().any(|kind| &**kind == "Pod");
            (row.rule.kinds.is_empty() || row.rule.kinds.contains(&entity.kind) || is_guessed)
                && fits(&row.namespace, &entity.namespace)
                && fits(&row.names, &entity.name)
        };
        self.rules.iter().find(is_of).map(|row| &row.rule)
    }

    /// Components of which an image is the sidecar that their users run.
    pub(crate) fn served_by<'s>(&'s self, image: &'s str) -> impl Iterator<Item = &'s ComponentRule> {
        let image = untagged(image);
        let is_one = move |row: &&Compiled| row.sidecars.as_ref().is_some_and(|pattern| pattern.is_match(image));
        self.rules.iter().filter(is_one).map(|row| &row.rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_of_a_component_are_told_by_their_sidecar() {
        let mesh = ComponentRule {
            name: "mesh".into(),
            names: "istiod".into(),
            sidecars: "(.*/)?proxyv2".into(),
            ..ComponentRule::default()
        };
        let dns = ComponentRule { name: "dns".into(), names: "coredns".into(), ..ComponentRule::default() };
        let components = Components::new(&RuleSet { components: vec![dns, mesh], ..RuleSet::default() });
        for image in ["docker.io/istio/proxyv2:1.24.1", "hub:5000/proxyv2", "proxyv2:1@sha256:00", "proxyv2"] {
            let served: Vec<_> = components.served_by(image).map(|rule| &*rule.name).collect();
            assert_eq!(served, ["mesh"], "{image}");
        }
        assert_eq!(components.served_by("acme/proxyv2-exporter:1").count(), 0);
        assert_eq!(components.served_by("").count(), 0);
    }

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
