//! The report of a replay, or of its score: for a person, or for a program.

pub(crate) mod json;
pub(crate) mod look;
pub(crate) mod score;
pub(crate) mod text;
pub(crate) mod wording;

use crate::account::{Account, Entry};
use crate::observed::Observed;
use bellbuoy_core::rules::RuleSet;

/// Everything that a report is made of.
pub(crate) struct Report<'a> {
    /// What the stages said.
    pub(crate) account: &'a Account,
    /// What was read.
    pub(crate) observed: &'a Observed,
    /// The rules that it was decided by.
    pub(crate) rules: &'a RuleSet,
    /// Whether merged incidents are shown too.
    pub(crate) all: bool,
}

impl<'a> Report<'a> {
    /// The incidents to show, the worst first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &'a Entry> {
        let all = self.all;
        self.account.ranked().into_iter().filter(move |entry| all || !entry.is_merged())
    }
}
