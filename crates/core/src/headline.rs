//! The headline of an incident: what is wrong with what, in a sentence for people.

use crate::incident::{Incident, Member, NAMED};
use crate::object::Entity;
use crate::rules::RuleSet;

/// What is wrong with what, by the first cause, else by the first member: `Node worker-3 is not ready`.
///
/// None when the incident has neither: the record of a merged one has no members any more.
pub fn headline(incident: &Incident, rules: &RuleSet) -> Option<String> {
    let (entity, signal) = subject(incident)?;
    let says = says(signal, rules);
    let tellers = tellers(incident, entity, signal);
    let Some(first) = tellers.first() else { return Some(format!("{entity} {says}")) };
    // A sentence begins with whom it hurts: what a signal says, it says of them.
    let others = match tellers.len() - 1 {
        0 => String::new(),
        _ if incident.members_hidden() > 0 => "; others too".to_owned(),
        1 => "; 1 other too".to_owned(),
        others => format!("; {others} others too"),
    };
    Some(format!("{first} {says} ({entity}{others})"))
}

/// What an incident is about: its first cause, else its first member.
pub fn subject(incident: &Incident) -> Option<(&Entity, &str)> {
    let cause = incident.causes.first().map(|cause| (&cause.entity, &*cause.signal));
    cause.or_else(|| incident.members.first().map(|member| (&member.entity, &*member.signal)))
}

/// Whose messages name an entity, where that is why it counts as the cause; in the order of the members, each once.
pub fn tellers<'i>(incident: &'i Incident, entity: &Entity, signal: &str) -> Vec<&'i Entity> {
    let tells = |member: &&Member| {
        let by = member.explained_by.as_ref();
        *member.signal == *signal && by.is_some_and(|by| &*by.rule == NAMED && by.entity == *entity)
    };
    let mut tellers: Vec<&Entity> = Vec::new();
    for teller in incident.members.iter().filter(tells).map(|member| &member.entity) {
        if !tellers.contains(&teller) {
            tellers.push(teller);
        }
    }
    tellers
}

/// What a signal says of an entity, to finish the sentence that the entity begins.
pub fn says(signal: &str, rules: &RuleSet) -> String {
    match rules.signal(signal).map(|rule| &*rule.says) {
        Some(says) if !says.is_empty() => says.to_owned(),
        _ => format!("reports {signal}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::{Cause, Explanation};
    use crate::rules::SignalRule;

    fn rules() -> RuleSet {
        let rule = |code: &str, says: &str| SignalRule { code: code.into(), says: says.into(), ..Default::default() };
        let catalogue = vec![rule("NodeNotReady", "is not ready"), rule("KeyMissing", "refers to a missing key")];
        RuleSet { catalogue, ..RuleSet::default() }
    }

    fn teller(name: &str, rule: &str) -> Member {
        let entity = Entity::new("Secret", "shop", "db");
        let by = Explanation { entity, signal: "KeyMissing".into(), rule: rule.into(), ..Explanation::default() };
        let entity = Entity::new("Deployment", "shop", name);
        Member { entity, signal: "KeyMissing".into(), explained_by: Some(by), ..Member::default() }
    }

    fn named(members: Vec<Member>) -> Incident {
        let entity = Entity::new("Secret", "shop", "db");
        let causes = vec![Cause { entity, signal: "KeyMissing".into(), ..Cause::default() }];
        Incident { causes, member_count: u32::try_from(members.len()).unwrap(), members, ..Incident::default() }
    }

    #[track_caller]
    fn check(incident: &Incident, expect: &str) {
        assert_eq!(headline(incident, &rules()).unwrap(), expect);
    }

    #[test]
    fn the_first_cause_comes_before_the_first_member() {
        let entity = Entity::new("Node", "", "worker-3");
        let cause = Cause { entity, signal: "NodeNotReady".into(), ..Cause::default() };
        let members = vec![teller("cart", NAMED)];
        let incident = Incident { causes: vec![cause], members, ..Incident::default() };
        check(&incident, "Node worker-3 is not ready");
        check(&Incident { causes: Vec::new(), ..incident }, "Deployment shop/cart refers to a missing key");
        assert_eq!(headline(&Incident::default(), &rules()), None);
    }

    #[test]
    fn what_a_message_names_stands_behind_whom_it_hurts() {
        let cart = || teller("cart", NAMED);
        check(&named(vec![cart()]), "Deployment shop/cart refers to a missing key (Secret shop/db)");
        check(&named(vec![cart(), cart()]), "Deployment shop/cart refers to a missing key (Secret shop/db)");
        let two = vec![cart(), teller("pay", NAMED)];
        check(&named(two.clone()), "Deployment shop/cart refers to a missing key (Secret shop/db; 1 other too)");
        let three = vec![cart(), teller("pay", NAMED), teller("mail", NAMED)];
        check(&named(three), "Deployment shop/cart refers to a missing key (Secret shop/db; 2 others too)");
        let cut = Incident { member_count: 101, ..named(two) };
        check(&cut, "Deployment shop/cart refers to a missing key (Secret shop/db; others too)");
        check(&named(vec![teller("cart", "another-rule")]), "Secret shop/db refers to a missing key");
    }

    #[test]
    fn a_signal_that_no_rule_knows_is_told_by_its_code() {
        assert_eq!(says("Strange", &rules()), "reports Strange");
    }
}
