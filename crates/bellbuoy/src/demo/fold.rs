//! The pipeline of the demo: facts in, through all stages over the embedded log, incidents and pages out.

use crate::tally::Tally;
use anyhow::Context;
use bellbuoy_classify::Classify;
use bellbuoy_core::fact::Fact;
use bellbuoy_core::incident::Stamped;
use bellbuoy_core::page::Page;
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::triage::Triaged;
use bellbuoy_correlate::Correlate;
use bellbuoy_escalate::Escalate;
use bellbuoy_local::log::Log;
use bellbuoy_local::pipeline::{Event, Limits, Pipeline};
use bellbuoy_wire::dead_letters::DeadLetter;
use std::sync::Arc;

/// Facts that are appended to the journal in one go.
const BATCH_FACTS_MAX: usize = 2_000;

/// All stages over one log.
///
/// There is nothing behind the topic of pages: this type cannot send one to anybody.
pub(super) struct Fold<L> {
    pipeline: Pipeline<L>,
    batch: Vec<Fact>,
    /// What was read, and what the stages said.
    pub(super) tally: Tally,
}

/// Something that a stage has just said.
pub(super) enum Said<'a> {
    /// An incident has changed.
    Triaged(&'a Stamped<Triaged>),
    /// Somebody is to be told.
    Page(&'a Stamped<Page>),
    /// A fact could not be used.
    DeadLetter(&'a DeadLetter),
}

impl<L: Log> Fold<L> {
    /// All stages over a log, which decide by these rules until the journal names others.
    pub(super) fn new(log: L, rules: &Arc<RuleSet>) -> anyhow::Result<Self> {
        let mut pipeline = Pipeline::new(log, Limits::default());
        let correlate = Correlate::new(rules.clone());
        let (for_classify, for_escalate) = (rules.clone(), rules.clone());
        pipeline.add(move || correlate.clone())?;
        pipeline.add(move || Classify::new(for_classify.clone()))?;
        pipeline.add(move || Escalate::new(for_escalate.clone()))?;
        Ok(Self { pipeline, batch: Vec::with_capacity(BATCH_FACTS_MAX), tally: Tally::default() })
    }

    /// Takes a fact in. What comes of it is seen at the latest after [`Fold::settle`].
    pub(super) fn feed(&mut self, fact: Fact, watch: impl FnMut(Said<'_>)) -> anyhow::Result<()> {
        self.tally.observed.note(&fact);
        self.batch.push(fact);
        match self.batch.len() < BATCH_FACTS_MAX {
            true => Ok(()),
            false => self.settle(watch),
        }
    }

    /// Runs all stages until they have nothing left to do.
    pub(super) fn settle(&mut self, mut watch: impl FnMut(Said<'_>)) -> anyhow::Result<()> {
        self.pipeline.append(&self.batch).context("failed to append to the journal")?;
        self.batch.clear();
        let tally = &mut self.tally;
        let mut damaged = None;
        let run = self.pipeline.run_until_idle(|event| {
            if let Err(error) = take(&event, tally, &mut watch) {
                damaged.get_or_insert_with(|| {
                    error.context(format!("failed to read what was written to {}", event.topic))
                });
            }
        });
        run.context("failed to run the stages")?;
        damaged.map_or(Ok(()), Err)
    }
}

/// Enters what a stage has said into the tally.
fn take(event: &Event<'_>, tally: &mut Tally, watch: &mut impl FnMut(Said<'_>)) -> anyhow::Result<()> {
    if let Some(triaged) = event.value::<Stamped<Triaged>>() {
        let triaged = triaged?;
        watch(Said::Triaged(&triaged));
        tally.triaged(triaged);
    } else if let Some(page) = event.value::<Stamped<Page>>() {
        let page = page?;
        watch(Said::Page(&page));
        tally.page(page);
    } else if let Some(letter) = event.value::<DeadLetter>() {
        let letter = letter?;
        watch(Said::DeadLetter(&letter));
        tally.reject(letter.reason());
    }
    Ok(())
}
