//! The account of a run: the last word of each incident and all of its pages, worst first.

use bellbuoy_core::incident::{IncidentId, Stamped, Status};
use bellbuoy_core::object::Scope;
use bellbuoy_core::page::Page;
use bellbuoy_core::severity::Severity;
use bellbuoy_core::time::Time;
use bellbuoy_core::triage::Triaged;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What the stages said in the end about every incident.
///
/// It holds one record per incident, however many were written; a record holds at most `members_shown` members.
#[derive(Debug, Default)]
pub(crate) struct Account {
    entries: BTreeMap<(Scope, IncidentId), Entry>,
    /// Pages whose incident has not been seen: there are none unless the range that was read begins behind it.
    pub(crate) pages_without_incident: u64,
    /// How many pages there were.
    pub(crate) pages: u64,
}

/// What the stages said in the end about one incident.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Where it was.
    pub(crate) scope: Scope,
    /// Its last record.
    pub(crate) triaged: Triaged,
    /// The worst severity that a record of it had.
    pub(crate) worst: Severity,
    /// Its pages, in the order of their decisions.
    pub(crate) pages: Vec<Page>,
    /// How far stream time had come with the last record.
    pub(crate) at: Time,
}

impl Entry {
    /// Whether it goes on.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.triaged.incident.status, Status::Open | Status::Acknowledged)
    }

    /// Whether it turned out to be part of another one.
    pub(crate) fn is_merged(&self) -> bool {
        self.triaged.incident.status == Status::Merged
    }

    /// Open before resolved, then the worst, then the latest.
    fn rank(&self) -> (bool, bool, Severity, Reverse<Time>, IncidentId) {
        let incident = &self.triaged.incident;
        (self.is_merged(), !self.is_open(), self.triaged.severity, Reverse(incident.last_seen_at), incident.id)
    }
}

impl Account {
    /// Takes a record of an incident in; the last one stands.
    pub(crate) fn triaged(&mut self, scope: &Scope, at: Time, triaged: Triaged) {
        let key = (scope.clone(), triaged.incident.id);
        match self.entries.get_mut(&key) {
            Some(entry) => {
                entry.worst = triaged.severity.min(entry.worst);
                entry.triaged = triaged;
                entry.at = at;
            }
            None => {
                let worst = triaged.severity;
                self.entries.insert(key, Entry { scope: scope.clone(), triaged, worst, pages: Vec::new(), at });
            }
        }
    }

    /// Takes a page in.
    pub(crate) fn page(&mut self, page: Stamped<Page>) {
        let bellbuoy_core::incident::Flow::Item(item) = page.flow else { return };
        self.pages += 1;
        match self.entries.get_mut(&(page.scope, item.key.incident)) {
            Some(entry) => entry.pages.push(item),
            None => self.pages_without_incident += 1,
        }
    }

    /// All incidents, those that go on before those that are over, the worst first; merged ones last.
    pub(crate) fn ranked(&self) -> Vec<&Entry> {
        let mut entries: Vec<_> = self.entries.values().collect();
        entries.sort_by_key(|entry| entry.rank());
        entries
    }

    /// The one incident whose id begins like this.
    ///
    /// # Errors
    /// [`NotOne`] when there is none, or several.
    pub(crate) fn find(&self, beginning: &str) -> Result<&Entry, NotOne> {
        let wanted = beginning.trim().to_ascii_lowercase();
        let bare = wanted.strip_prefix("inc-").unwrap_or(&wanted).to_owned();
        let fits = |entry: &&Entry| entry.triaged.incident.id.to_string()["inc-".len()..].starts_with(&bare);
        let fitting: Vec<_> = self.entries.values().filter(fits).collect();
        match fitting.as_slice() {
            [entry] => Ok(entry),
            [] => Err(NotOne::None { wanted, known: self.names(None) }),
            _ => Err(NotOne::Several { wanted, known: self.names(Some(&bare)) }),
        }
    }

    /// The ids of incidents, those that go on first, at most ten.
    fn names(&self, beginning: Option<&str>) -> String {
        let ids = self.ranked().into_iter().map(|entry| entry.triaged.incident.id.to_string());
        let mut ids: Vec<_> =
            ids.filter(|id| beginning.is_none_or(|bare| id["inc-".len()..].starts_with(bare))).collect();
        let more = ids.len().saturating_sub(10);
        ids.truncate(10);
        match (ids.is_empty(), more) {
            (true, _) => "no incidents".to_owned(),
            (_, 0) => ids.join(", "),
            _ => format!("{} and {more} more", ids.join(", ")),
        }
    }
}

/// The beginning of an id names not exactly one incident.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotOne {
    /// It names none.
    None {
        /// What was asked for.
        wanted: String,
        /// What there is.
        known: String,
    },
    /// It names several.
    Several {
        /// What was asked for.
        wanted: String,
        /// Which fit.
        known: String,
    },
}

impl std::fmt::Display for NotOne {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None { wanted, known } => {
                write!(f, "no incident's id begins with {wanted:?}; the journal gives {known}")
            }
            Self::Several { wanted, known } => {
                write!(f, "several incidents' ids begin with {wanted:?}: {known}; add a digit")
            }
        }
    }
}

impl std::error::Error for NotOne {}

#[cfg(test)]
mod tests {
    use super::*;
    use bellbuoy_core::incident::{Flow, Incident};
    use bellbuoy_core::page::PageKey;

    fn account(incidents: &[(u64, Status, Severity, i64)]) -> Account {
        let mut account = Account::default();
        for (id, status, severity, seen) in incidents {
            let incident = Incident {
                id: IncidentId(*id),
                status: *status,
                last_seen_at: Time::from_secs(*seen),
                ..Incident::default()
            };
            let triaged = Triaged { incident, severity: *severity, ..Triaged::default() };
            account.triaged(&Scope::cluster("test"), Time::from_secs(*seen), triaged);
        }
        account
    }

    #[test]
    fn open_comes_before_resolved_and_worse_before_milder_and_later_before_earlier() {
        let account = account(&[
            (1, Status::Resolved, Severity::P1, 9),
            (2, Status::Open, Severity::P3, 5),
            (3, Status::Merged, Severity::P1, 9),
            (4, Status::Acknowledged, Severity::P2, 1),
            (5, Status::Open, Severity::P3, 7),
        ]);
        let order: Vec<_> = account.ranked().iter().map(|entry| entry.triaged.incident.id.0).collect();
        assert_eq!(order, [4, 5, 2, 1, 3]);
    }

    #[test]
    fn an_incident_is_found_by_any_beginning_that_fits_only_one() {
        let account = account(&[
            (0xabcd_0000_0000_0001, Status::Open, Severity::P1, 1),
            (0xabce_0000_0000_0001, Status::Open, Severity::P1, 1),
        ]);
        for beginning in ["inc-abcd", "abcd", "ABCD0000", "inc-abcd000000000001"] {
            assert_eq!(account.find(beginning).unwrap().triaged.incident.id.0, 0xabcd_0000_0000_0001, "{beginning}");
        }
        let several = account.find("abc").unwrap_err().to_string();
        assert!(several.contains("inc-abcd000000000001") && several.contains("inc-abce000000000001"), "{several}");
        let none = account.find("ff").unwrap_err().to_string();
        assert!(none.contains("\"ff\"") && none.contains("inc-abcd000000000001"), "{none}");
    }

    #[test]
    fn the_last_record_stands_and_pages_are_kept_in_order() {
        let mut account = account(&[(1, Status::Open, Severity::P2, 1), (1, Status::Resolved, Severity::P2, 8)]);
        for epoch in [1, 2] {
            let key = PageKey { incident: IncidentId(1), epoch, ..PageKey::default() };
            let flow = Flow::Item(Page { key, ..Page::default() });
            account.page(Stamped { scope: Scope::cluster("test"), at: Time::default(), flow });
        }
        account.triaged(
            &Scope::cluster("test"),
            Time::from_secs(9),
            Triaged {
                incident: Incident { id: IncidentId(1), status: Status::Resolved, ..Incident::default() },
                severity: Severity::P4,
                ..Triaged::default()
            },
        );
        let entry = account.find("0").unwrap();
        assert!(!entry.is_open());
        assert_eq!((entry.triaged.severity, entry.worst), (Severity::P4, Severity::P2));
        assert_eq!(entry.pages.iter().map(|page| page.key.epoch).collect::<Vec<_>>(), [1, 2]);
    }
}
