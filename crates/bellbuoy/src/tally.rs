//! What a run has read, and what the stages said of it.

use crate::account::Account;
use crate::observed::Observed;
use bellbuoy_core::incident::{Flow, Stamped};
use bellbuoy_core::page::Page;
use bellbuoy_core::triage::Triaged;
use std::collections::BTreeMap;

/// Reasons of rejections that are told apart; further ones are counted together.
const REASONS_MAX: usize = 100;

/// What a run has read, and what the stages said of it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// What was read.
    pub(crate) observed: Observed,
    /// What the stages said.
    pub(crate) account: Account,
    /// What the stages could not use, by reason.
    pub(crate) rejected: BTreeMap<String, u64>,
}

impl Tally {
    /// Takes a record of an incident in.
    pub(crate) fn triaged(&mut self, record: Stamped<Triaged>) {
        if let Flow::Item(triaged) = record.flow {
            self.account.triaged(&record.scope, record.at, triaged);
        }
    }

    /// Takes a page in.
    pub(crate) fn page(&mut self, page: Stamped<Page>) {
        self.account.page(page);
    }

    /// Counts a fact that a stage could not use.
    pub(crate) fn reject(&mut self, reason: &str) {
        let is_known = self.rejected.contains_key(reason);
        let reason = if is_known || self.rejected.len() < REASONS_MAX { reason } else { "other reasons" };
        *self.rejected.entry(reason.to_owned()).or_default() += 1;
    }
}
