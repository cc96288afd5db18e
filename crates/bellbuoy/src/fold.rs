//! The fold: facts in, through all stages over one log, incidents and pages out.

use crate::account::Account;
use crate::observed::Observed;
use anyhow::Context;
use bellbuoy_classify::Classify;
use bellbuoy_core::fact::Fact;
use bellbuoy_core::incident::{Flow, Stamped};
use bellbuoy_core::page::Page;
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::triage::Triaged;
use bellbuoy_correlate::Correlate;
use bellbuoy_escalate::Escalate;
use bellbuoy_local::log::Log;
use bellbuoy_local::pipeline::{Event, Limits, Pipeline};
use bellbuoy_wire::dead_letters::DeadLetter;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Facts that are appended to the journal in one go.
const BATCH_FACTS_MAX: usize = 2_000;
/// Reasons of dead letters that are told apart; further ones are counted together.
const REASONS_MAX: usize = 100;

/// All stages over one log.
///
/// There is nothing behind the topic of pages: this type cannot send one to anybody.
pub(crate) struct Fold<L> {
    pipeline: Pipeline<L>,
    batch: Vec<Fact>,
    /// What was read.
    pub(crate) observed: Observed,
    /// What the stages said.
    pub(crate) account: Account,
    /// What the stages could not use, by reason.
    pub(crate) rejected: BTreeMap<String, u64>,
}

/// Something that a stage has just said.
pub(crate) enum Said<'a> {
    /// An incident has changed.
    Triaged(&'a Stamped<Triaged>),
    /// Somebody is to be told.
    Page(&'a Stamped<Page>),
    /// A fact could not be used.
    DeadLetter(&'a DeadLetter),
}

impl<L: Log> Fold<L> {
    /// All stages over a log, which decide by these rules until the journal names others.
    pub(crate) fn new(log: L, rules: &Arc<RuleSet>) -> anyhow::Result<Self> {
        let mut pipeline = Pipeline::new(log, Limits::default());
        let correlate = Correlate::new(rules.clone());
        let (for_classify, for_escalate) = (rules.clone(), rules.clone());
        pipeline.add(move || correlate.clone())?;
        pipeline.add(move || Classify::new(for_classify.clone()))?;
        pipeline.add(move || Escalate::new(for_escalate.clone()))?;
        let (observed, account) = (Observed::default(), Account::default());
        Ok(Self { pipeline, batch: Vec::with_capacity(BATCH_FACTS_MAX), observed, account, rejected: BTreeMap::new() })
    }

    /// Takes a fact in. What comes of it is seen at the latest after [`Fold::settle`].
    pub(crate) fn feed(&mut self, fact: Fact, watch: impl FnMut(Said<'_>)) -> anyhow::Result<()> {
        self.observed.note(&fact);
        self.batch.push(fact);
        match self.batch.len() < BATCH_FACTS_MAX {
            true => Ok(()),
            false => self.settle(watch),
        }
    }

    /// Runs all stages until they have nothing left to do.
    pub(crate) fn settle(&mut self, mut watch: impl FnMut(Said<'_>)) -> anyhow::Result<()> {
        self.pipeline.append(&self.batch).context("failed to append to the journal")?;
        self.batch.clear();
        let (account, rejected) = (&mut self.account, &mut self.rejected);
        let mut damaged = None;
        let run = self.pipeline.run_until_idle(|event| {
            if let Err(error) = take(&event, account, rejected, &mut watch) {
                damaged.get_or_insert_with(|| {
                    error.context(format!("failed to read what was written to {}", event.topic))
                });
            }
        });
        run.context("failed to run the stages")?;
        damaged.map_or(Ok(()), Err)
    }

    /// Ends what was read: every cluster whose journal does not end by itself ends where it was observed last.
    pub(crate) fn end(&mut self, mut watch: impl FnMut(Said<'_>)) -> anyhow::Result<()> {
        for (scope, at) in self.observed.unended() {
            self.feed(Fact::end_of_recording(scope, at), &mut watch)?;
        }
        self.settle(watch)
    }
}

/// Enters what a stage has said into the account.
fn take(
    event: &Event<'_>,
    account: &mut Account,
    rejected: &mut BTreeMap<String, u64>,
    watch: &mut impl FnMut(Said<'_>),
) -> anyhow::Result<()> {
    if let Some(triaged) = event.value::<Stamped<Triaged>>() {
        let triaged = triaged?;
        watch(Said::Triaged(&triaged));
        let Stamped { scope, at, flow } = triaged;
        if let Flow::Item(triaged) = flow {
            account.triaged(&scope, at, triaged);
        }
    } else if let Some(page) = event.value::<Stamped<Page>>() {
        let page = page?;
        watch(Said::Page(&page));
        account.page(page);
    } else if let Some(letter) = event.value::<DeadLetter>() {
        let letter = letter?;
        watch(Said::DeadLetter(&letter));
        count(rejected, letter.reason());
    }
    Ok(())
}

fn count(rejected: &mut BTreeMap<String, u64>, reason: &str) {
    let is_known = rejected.contains_key(reason);
    let reason = if is_known || rejected.len() < REASONS_MAX { reason } else { "other reasons" };
    *rejected.entry(reason.to_owned()).or_default() += 1;
}
