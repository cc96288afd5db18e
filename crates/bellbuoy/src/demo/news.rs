//! News: of all records that the stages write, what a person who watches wants to be told.

use crate::demo::fold::Said;
use crate::report::wording;
use crate::style::one_line;
use bellbuoy_core::incident::{Change, Flow, Incident, IncidentId};
use bellbuoy_core::object::Entity;
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::time::Time;
use bellbuoy_core::triage::Triaged;
use std::collections::BTreeMap;

/// One piece of news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// When, in stream time.
    pub(super) at: Time,
    /// What kind of news.
    pub(super) topic: Topic,
    /// The news.
    pub(super) text: String,
}

/// What kind of news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    /// An incident opened, or came back.
    Opened,
    /// It is larger than before.
    Grew,
    /// Another cause is the most probable now.
    Cause,
    /// It became part of another one.
    Merged,
    /// It is over.
    Resolved,
    /// Somebody was told.
    Page,
    /// A fact could not be used.
    Rejected,
}

impl Topic {
    /// Its name, at most eight letters.
    pub(super) fn name(self) -> &'static str {
        match self {
            Topic::Opened => "opened",
            Topic::Grew => "grew",
            Topic::Cause => "cause",
            Topic::Merged => "merged",
            Topic::Resolved => "resolved",
            Topic::Page => "page",
            Topic::Rejected => "rejected",
        }
    }
}

/// Remembers what was told of each incident, so that only news are told.
#[derive(Debug, Default)]
pub(super) struct Newsroom {
    told: BTreeMap<IncidentId, Told>,
}

#[derive(Debug, Default)]
struct Told {
    /// What it was about: a record of its merging has no members any more.
    headline: String,
    cause: Option<Entity>,
    /// Members when its growth was told last; the next time is when they have doubled.
    members: u32,
}

impl Newsroom {
    /// What is new in a record, if anything.
    pub(super) fn item(&mut self, said: &Said<'_>, rules: &RuleSet) -> Vec<Item> {
        match said {
            Said::Triaged(record) => match &record.flow {
                Flow::Item(triaged) => self.triaged(record.at, triaged, rules),
                Flow::Rules(_) | Flow::Watermark => Vec::new(),
            },
            Said::Page(record) => match &record.flow {
                Flow::Item(page) => {
                    let (kind, receiver) = (wording::page_purpose(page.kind), one_line(&page.key.receiver, 60));
                    let text = format!("{receiver}, {kind}: {}", one_line(&page.summary, 200));
                    vec![Item { at: record.at, topic: Topic::Page, text }]
                }
                Flow::Rules(_) | Flow::Watermark => Vec::new(),
            },
            Said::DeadLetter(letter) => {
                use bellbuoy_wire::record::Wire;
                vec![Item { at: letter.timestamp(), topic: Topic::Rejected, text: one_line(letter.reason(), 200) }]
            }
        }
    }

    fn triaged(&mut self, at: Time, triaged: &Triaged, rules: &RuleSet) -> Vec<Item> {
        let incident = &triaged.incident;
        let told = self.told.entry(incident.id).or_default();
        let headline = wording::headline(incident, rules);
        let mut items = Vec::new();
        let mut tell = |topic, text| items.push(Item { at, topic, text });
        let cause = incident.causes.first().map(|cause| cause.entity.clone());
        let has = |change| incident.changes.contains(&change);
        if has(Change::Merged) {
            let into = incident.merged_into.map_or_else(|| "another one".to_owned(), |into| into.to_string());
            let headline = if told.headline.is_empty() { incident.id.to_string() } else { told.headline.clone() };
            tell(Topic::Merged, format!("{headline}; it is part of {into}"));
            return items;
        }
        if has(Change::Opened) || has(Change::Reopened) {
            let again = if has(Change::Reopened) { ", again" } else { "" };
            tell(Topic::Opened, format!("{} {headline}{again}", triaged.severity));
            *told = Told { headline, cause, members: incident.member_count };
            return items;
        }
        if has(Change::Resolved) {
            let lasted = incident.resolved_at.unwrap_or(at).since(incident.began_at);
            tell(Topic::Resolved, format!("{headline}: over after {lasted}"));
            return items;
        }
        if cause != told.cause {
            tell(Topic::Cause, format!("now: {headline}{}", because(incident)));
            told.cause = cause;
        }
        if incident.member_count >= told.members.saturating_mul(2).max(told.members + 1) {
            tell(Topic::Grew, format!("{headline}: {}", wording::extent(incident)));
            told.members = incident.member_count;
        }
        told.headline = headline;
        items
    }
}

/// The strongest reason for the first cause.
fn because(incident: &Incident) -> String {
    let reasons = incident.causes.first().into_iter().flat_map(wording::reasons);
    match reasons.max_by_key(|because| because.points) {
        Some(because) => format!("; {}", one_line(&because.text, 160)),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellbuoy_core::incident::{Cause, Stamped};
    use bellbuoy_core::object::Scope;

    fn told(newsroom: &mut Newsroom, cause: &str, members: u32, changes: &[Change]) -> Vec<Topic> {
        let causes = vec![Cause { entity: Entity::new("Node", "", cause), ..Cause::default() }];
        let incident = Incident { causes, member_count: members, changes: changes.to_vec(), ..Incident::default() };
        let flow = Flow::Item(Triaged { incident, ..Triaged::default() });
        let record = Stamped { scope: Scope::cluster("test"), at: Time::default(), flow };
        newsroom.item(&Said::Triaged(&record), &RuleSet::default()).iter().map(|item| item.topic).collect()
    }

    #[test]
    fn only_news_are_told() {
        let mut newsroom = Newsroom::default();
        assert_eq!(told(&mut newsroom, "a", 1, &[Change::Opened]), [Topic::Opened]);
        assert_eq!(told(&mut newsroom, "a", 1, &[Change::Grew]), []);
        assert_eq!(told(&mut newsroom, "a", 2, &[Change::Grew]), [Topic::Grew]);
        assert_eq!(told(&mut newsroom, "a", 3, &[Change::Grew]), []);
        assert_eq!(told(&mut newsroom, "b", 4, &[Change::Cause, Change::Grew]), [Topic::Cause, Topic::Grew]);
        assert_eq!(told(&mut newsroom, "b", 4, &[Change::Resolved]), [Topic::Resolved]);
        assert_eq!(told(&mut newsroom, "b", 4, &[Change::Reopened]), [Topic::Opened]);
        assert_eq!(told(&mut newsroom, "b", 4, &[Change::Merged]), [Topic::Merged]);
    }
}
