//! The record of an incident: true counts, the first members, the ranked causes.

use crate::episode::{Episode, EpisodeKey};
use crate::explanation::{DEPTH_MAX, SAME_ENTITY};
use crate::turn::Turn;
use bellbuoy_core::Text;
use bellbuoy_core::incident::{
    Because, Cause, Evidence, Explanation, Incident, IncidentId, Member, NAMED, SignalCount,
};
use bellbuoy_core::object::Entity;
use bellbuoy_core::rules::{Class, Relation, Role};
use bellbuoy_core::severity::Severity;
use bellbuoy_core::time::Span;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Causes shown.
const CAUSES_SHOWN: usize = 5;

/// What speaks for a cause, in points. They order the causes of one incident and mean nothing between incidents: an
/// unexplained episode comes before any that something explains; then reach; then what the signal says of itself.
const UNEXPLAINED: i32 = 100;
const REACH_PER_DOUBLING: i32 = 10;
const REACH_MAX: i32 = 80;
const NAMED_BY_MESSAGE: i32 = 40;
const CAUSE_BY_ROLE: i32 = 30;
const EITHER_BY_ROLE: i32 = 15;
const CANNOT_HEAL: i32 = 10;
const FIRST_ONSET: i32 = 10;
const PER_FURTHER_SOURCE: i32 = 5;
const CHANGED: i32 = 10;

/// What follows a change within this time may follow from it: a rollout is given ten minutes to make progress, and its
/// pods some to show what they are (`facts/causality.csv`).
const CHANGED_WITHIN: Span = Span::from_secs(900);

impl Turn<'_, '_> {
    /// Builds the record of an incident. Costs as much as it has members.
    pub(crate) fn record(&mut self, id: IncidentId) -> Option<Incident> {
        let case = self.state.cases.get(&id)?.clone();
        let keys = self.state.members_of(id);
        let rows: Vec<(EpisodeKey, &Episode)> =
            keys.iter().filter_map(|key| Some((*key, self.state.episodes.get(key)?))).collect();
        let reach = reach(&rows);
        let names = |key: EpisodeKey| self.state.topology.names.name(key.entity);
        let mut counts: BTreeMap<Text, (u32, Text)> = BTreeMap::new();
        let mut namespaces: BTreeSet<Text> = BTreeSet::new();
        let mut objects = Vec::new();
        let mut open = 0_u32;
        let mut weight = Severity::P5;
        let mut worst_ever = Severity::P5;
        for (key, row) in &rows {
            let code = self.state.code(key.signal);
            let area = self.area_of(*key, &code);
            counts.entry(code).or_insert((0, area)).0 += 1;
            let namespace = self.state.topology.names.peek(key.entity).map(|name| name.namespace.clone());
            namespaces.extend(namespace.filter(|namespace| !namespace.is_empty()));
            objects.extend(self.state.objects_of(*key));
            open += u32::from(row.is_live());
            worst_ever = worst_ever.min(row.severity);
            if row.is_live() {
                weight = weight.min(row.severity);
            }
        }
        // One pod that shows three signals is one object.
        objects.sort_unstable();
        objects.dedup();
        let mut ranked = self.rank(&rows, &reach);
        let first = ranked.first().map(|(key, _)| *key);
        if let Some(first) = first
            && let Some((_, area)) = counts.get_mut(&self.state.code(first.signal))
        {
            // The area of an incident is that of its cause, whoever else shows the same signal.
            *area = self.area_of(first, &self.state.code(first.signal));
        }
        let mut signals: Vec<_> =
            counts.into_iter().map(|(signal, (count, area))| SignalCount { signal, area, count }).collect();
        signals.sort_by_key(|count| Reverse(count.count));
        ranked.truncate(CAUSES_SHOWN);
        let causes = ranked.into_iter().map(|(_, cause)| cause).collect();
        let mut order = rows.clone();
        order.sort_by_cached_key(|(key, row)| {
            (row.explained_by.is_some(), row.began.from, names(*key), self.state.code(key.signal))
        });
        let shown = order.iter().take(self.limits().members_shown as usize);
        let members = shown.map(|(key, row)| self.member(*key, row)).collect();
        let began_at = rows.iter().map(|(_, row)| row.began.from).min().unwrap_or(case.opened_at);
        let last_seen_at = rows.iter().map(|(_, row)| row.last_seen).max().unwrap_or(case.opened_at);
        let mut changes = case.changes.clone();
        if case.revision > 0 && first != case.cause && first.is_some() {
            let cause = bellbuoy_core::incident::Change::Cause;
            if !changes.contains(&cause) {
                changes.push(cause);
            }
        }
        if let (Some(case), Some(first)) = (self.state.cases.get(&id), first)
            && case.cause != Some(first)
        {
            let text = format!("most probable cause: {} on {}", self.state.code(first.signal), names(first));
            self.tell(id, text);
        }
        let timeline = self.state.cases.get(&id).map(|case| case.timeline.clone()).unwrap_or_default();
        if let Some(case) = self.state.cases.get_mut(&id) {
            case.cause = first.or(case.cause);
        }
        changes.sort_unstable();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Some(Incident {
            id,
            revision: case.revision + 1,
            status: case.status,
            began_at,
            opened_at: case.opened_at,
            last_seen_at,
            acknowledged_at: case.acknowledged_at,
            acknowledged_by: case.acknowledged_by,
            resolved_at: case.resolved_at,
            merged_into: case.merged_into,
            causes,
            // An ended incident keeps the weight that it had.
            weight: if open > 0 { weight } else { worst_ever },
            signals,
            members,
            member_count: count(keys.len()),
            open_count: open,
            object_count: count(objects.len()),
            namespace_count: count(namespaces.len()),
            timeline,
            changes,
        })
    }

    /// Whose message names the entity of an inferred episode, if any does: the one who told of it first.
    fn told_by(&self, key: EpisodeKey, row: &Episode) -> Option<Entity> {
        let tells = |child: EpisodeKey| {
            let teller = self.state.episodes.get(&child)?;
            let is_by_name = teller.explained_by.as_ref().is_some_and(|edge| &*edge.rule == NAMED);
            is_by_name.then(|| (teller.began.from, self.state.topology.names.name(child.entity)))
        };
        let tellers = self.state.explained_by(key).filter(|_| row.inferred).filter_map(tells);
        tellers.min().map(|(_, teller)| teller)
    }

    /// Why a cause is inferred that no message names.
    fn inferred_text(&self, key: EpisodeKey) -> &'static str {
        let mut owners: Vec<_> = self.state.explained_by(key).map(|child| child.entity).collect();
        owners.dedup();
        match owners.len() {
            0 | 1 => "inferred: such a failure is never the fault of what reports it",
            _ => "inferred: several workloads fail in the same way through it, and most of what uses it fails",
        }
    }

    /// Orders what may have caused the rest: everything that explains something, or that nothing explains.
    fn rank(&self, rows: &[(EpisodeKey, &Episode)], reach: &HashMap<EpisodeKey, u32>) -> Vec<(EpisodeKey, Cause)> {
        let others = u32::try_from(rows.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let first_to = rows.iter().map(|(_, row)| row.began.to).min();
        let mut ranked: Vec<(EpisodeKey, i64, Cause)> = Vec::new();
        for (key, row) in rows {
            let explained = row.explained_by.is_some();
            let explains = reach.get(key).copied().unwrap_or(0);
            if explained && explains == 0 {
                continue;
            }
            let entity = self.state.topology.names.name(key.entity);
            let code = self.state.code(key.signal);
            let rule = self.catalogue.rule(&code);
            let says = rule.map_or_else(|| "shows it".into(), |rule| rule.says.clone());
            let teller = self.told_by(*key, row);
            let mut because = Vec::new();
            let mut add = |name: &str, points: i32, text: String, with_facts: bool| {
                let facts = if with_facts { row.evidence.iter().take(3).copied().collect() } else { Vec::new() };
                because.push(Because { rule: name.into(), points, text: text.into(), facts });
            };
            // What a signal says, it says of whoever tells of what the message names.
            let sentence = match &teller {
                Some(teller) => format!("{teller} {says} ({entity})"),
                None => format!("{entity} {says}"),
            };
            match &row.explained_by {
                None if row.message.is_empty() => add("unexplained", UNEXPLAINED, sentence, true),
                None => add("unexplained", UNEXPLAINED, format!("{sentence}: {}", row.message), true),
                Some(edge) => {
                    let cause = self.state.topology.names.name(edge.cause.entity);
                    let how = self.state.code(edge.cause.signal);
                    add("explained", 0, format!("{sentence}, which follows from {how} on {cause}"), true);
                }
            }
            if explains > 0 {
                let doublings = i32::try_from(explains.ilog2() + 1).unwrap_or(i32::MAX);
                let points = doublings.saturating_mul(REACH_PER_DOUBLING).min(REACH_MAX);
                let which = match others {
                    1 => "the one other symptom".to_owned(),
                    2 if explains == 2 => "both other symptoms".to_owned(),
                    _ if explains == others => format!("all {others} other symptoms"),
                    _ => format!("{explains} of the {others} other symptoms"),
                };
                add("reach", points, format!("explains {which} here"), false);
            }
            if row.inferred {
                match teller.is_some() {
                    true => add(NAMED, NAMED_BY_MESSAGE, "the message names it".to_owned(), false),
                    false => add("inferred", 0, self.inferred_text(*key).to_owned(), false),
                }
            }
            match rule.map(|rule| rule.role) {
                Some(Role::Cause) => {
                    add("role", CAUSE_BY_ROLE, format!("{code} is a cause and no mere symptom"), false)
                }
                Some(Role::Both) => add("role", EITHER_BY_ROLE, format!("{code} can be a cause by itself"), false),
                _ => {}
            }
            if rule.is_some_and(|rule| rule.class == Class::Fixed) {
                add("class", CANNOT_HEAL, format!("{code} does not heal without a change"), false);
            }
            let is_first = rows.len() > 1 && first_to.is_some_and(|to| row.began.from <= to);
            if is_first {
                add("onset", FIRST_ONSET, "nothing else here began before it".to_owned(), false);
            }
            let further = row.sources.len().saturating_sub(1);
            if further > 0 {
                let points = PER_FURTHER_SOURCE * i32::try_from(further).unwrap_or(0);
                add("corroborated", points, format!("{} sources report it", further + 1), false);
            }
            if let Some(evidence) = self.changed_before(*key, row) {
                let text = format!("{entity} was changed shortly before").into();
                because.push(Because { rule: "changed".into(), points: CHANGED, text, facts: vec![evidence] });
            }
            let score = because.iter().map(|because| because.points).sum();
            let cause = Cause { entity, signal: code, score, because };
            ranked.push((*key, row.began.from.0, cause));
        }
        ranked.sort_by(|a, b| {
            (Reverse(a.2.score), a.1, &a.2.entity, &a.2.signal).cmp(&(
                Reverse(b.2.score),
                b.1,
                &b.2.entity,
                &b.2.signal,
            ))
        });
        ranked.into_iter().map(|(key, _, cause)| (key, cause)).collect()
    }

    /// The area of a signal: that of the component that shows it, if it is one.
    fn area_of(&self, key: EpisodeKey, code: &str) -> Text {
        let entity = self.state.topology.names.peek(key.entity);
        let component = entity.and_then(|entity| self.catalogue.component_of(entity));
        match component {
            Some(component) => component.area.clone(),
            None => self.catalogue.rule(code).map_or_else(|| "".into(), |rule| rule.area.clone()),
        }
    }

    /// The fact that told of a change of the entity shortly before its trouble began.
    fn changed_before(&self, key: EpisodeKey, row: &Episode) -> Option<Evidence> {
        let asks = self.state.asking.of(key.entity)?;
        let changed_at = asks.changed_at?;
        let is_before = changed_at <= row.began.to && row.began.from.since(changed_at) <= CHANGED_WITHIN;
        is_before.then_some(asks.evidence)
    }

    /// How two entities hang together, and what the rule says of that.
    fn related(&self, relation: Relation, rule: &str) -> Text {
        let how = relation_text(relation, rule);
        let known = self.catalogue.rules().causality.iter().find(|known| *known.name == *rule);
        known.map_or_else(|| how.into(), |known| format!("{how}: {}", known.says).into())
    }

    fn member(&self, key: EpisodeKey, row: &Episode) -> Member {
        let explained_by = row.explained_by.as_ref().map(|edge| Explanation {
            entity: self.state.topology.names.name(edge.cause.entity),
            signal: self.state.code(edge.cause.signal),
            rule: edge.rule.clone(),
            relation: self.related(edge.relation, &edge.rule),
        });
        Member {
            entity: self.state.topology.names.name(key.entity),
            signal: self.state.code(key.signal),
            message: row.message.clone(),
            began_at: row.began.from,
            last_seen_at: row.last_seen,
            ended_at: row.ended_at,
            repeats: row.repeats,
            objects: row.objects,
            late: row.late,
            explained_by,
            evidence: row.evidence.clone(),
        }
    }
}

/// How two entities hang together, to finish "explained by X: …".
fn relation_text(relation: Relation, rule: &str) -> &'static str {
    match relation {
        Relation::Same if rule == SAME_ENTITY => "it is about the same object, and says more of why",
        Relation::Same => "it is about the same object",
        Relation::Reference if rule == NAMED => "the message names it",
        Relation::Node => "its pods run there",
        Relation::ServiceBackend => "its pods are the Service's backends",
        Relation::Image => "its pods want that image",
        Relation::Registry => "its image comes from there",
        Relation::Namespace => "it lives in that namespace",
        Relation::Reference => "it needs that object",
        Relation::Referrer => "what is to use it waits itself",
        Relation::Call => "its pods call it",
        Relation::NodeAgent => "its pods run on nodes whose agent that is",
        Relation::Cluster => "everything in the cluster leans on it",
        Relation::Within => "it is the namespace of that",
        Relation::Sidecar => "its pods run a sidecar of it",
        Relation::SomeNode => "nobody has told where its pods run, and it began in the same moment",
    }
}

/// How many members follow from each, directly or not.
fn reach(rows: &[(EpisodeKey, &Episode)]) -> HashMap<EpisodeKey, u32> {
    let causes: HashMap<EpisodeKey, EpisodeKey> =
        rows.iter().filter_map(|(key, row)| Some((*key, row.explained_by.as_ref()?.cause))).collect();
    let mut reach = HashMap::new();
    for (key, _) in rows {
        let mut at = *key;
        for _ in 0..DEPTH_MAX {
            let Some(cause) = causes.get(&at) else { break };
            *reach.entry(*cause).or_insert(0) += 1;
            at = *cause;
        }
    }
    reach
}
