//! The words of a page: what a person at three in the morning has to understand at a glance.

use crate::state::Case;
use bellbuoy_core::Text;
use bellbuoy_core::headline::headline;
use bellbuoy_core::incident::Incident;
use bellbuoy_core::rules::RuleSet;

/// What is wrong with what: `Node worker-3 is not ready`; none when the record does not say.
pub(crate) fn title(incident: &Incident, rules: &RuleSet) -> Option<Text> {
    headline(incident, rules).map(Text::from)
}

/// How much is affected: `412 objects in 50 namespaces`; empty for a single object.
pub(crate) fn extent(incident: &Incident) -> Text {
    let (objects, namespaces) = (incident.object_count, incident.namespace_count);
    match (objects, namespaces) {
        (0 | 1, _) => "".into(),
        (_, 0 | 1) => format!("{objects} objects").into(),
        _ => format!("{objects} objects in {namespaces} namespaces").into(),
    }
}

/// One line: `[P2] Node worker-3 is not ready; 412 objects in 50 namespaces`.
pub(crate) fn summary(case: &Case) -> Text {
    line(case, &case.extent)
}

/// One line for the end: `[P2] Node worker-3 is not ready; over after 25m`.
pub(crate) fn line(case: &Case, what: &str) -> Text {
    let Case { severity, title, .. } = case;
    match what {
        "" => format!("[{severity}] {title}").into(),
        _ => format!("[{severity}] {title}; {what}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellbuoy_core::incident::{Cause, Member};
    use bellbuoy_core::object::Entity;
    use bellbuoy_core::rules::SignalRule;
    use bellbuoy_core::severity::Severity;

    #[track_caller]
    fn check(incident: &Incident, expect: &str) {
        let rule = SignalRule { code: "NodeNotReady".into(), says: "is not ready".into(), ..SignalRule::default() };
        let rules = RuleSet { catalogue: vec![rule], ..RuleSet::default() };
        let title = title(incident, &rules).unwrap();
        let case = Case { severity: Severity::P2, title, extent: extent(incident), ..Case::default() };
        assert_eq!(&*summary(&case), expect);
    }

    #[test]
    fn a_summary_is_one_line() {
        let entity = Entity::new("Node", "", "worker-3");
        let cause = Cause { entity, signal: "NodeNotReady".into(), ..Cause::default() };
        let node = Incident { causes: vec![cause], object_count: 412, namespace_count: 50, ..Incident::default() };
        check(&node, "[P2] Node worker-3 is not ready; 412 objects in 50 namespaces");
        check(&Incident { namespace_count: 1, ..node.clone() }, "[P2] Node worker-3 is not ready; 412 objects");
        check(&Incident { object_count: 1, ..node.clone() }, "[P2] Node worker-3 is not ready");
        let entity = Entity::new("Deployment", "shop", "cart");
        let members = vec![Member { entity, signal: "OOMKilled".into(), ..Member::default() }];
        check(&Incident { members, ..Incident::default() }, "[P2] Deployment shop/cart reports OOMKilled");
    }
}
