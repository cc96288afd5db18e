//! What a stage is: a total function of its input and of its tables, in stream time.

use crate::Text;
use crate::fact::{Body, Fact, FactId};
use crate::incident::{Flow, Stamped};
use crate::object::Scope;
use crate::rules::RuleSet;
use crate::table::Ledger;
use crate::time::{Span, Time};
use std::sync::Arc;

/// One step of the pipeline. No I/O, no clock, no log: it sees its record, its tables and stream time, and nothing else.
pub trait Stage {
    /// Its name, which also names its consumer group and its changelog.
    const NAME: &'static str;
    /// The version of its tables' image. State of a newer version is refused, of an older one rebuilt.
    const STATE_FORMAT: u16;
    /// How long records are held back so that they can be handed over in the order of their time. Zero hands over at
    /// once, for inputs that a stage before has put in order.
    const LATENESS: Span;
    /// Whether stream time and rule sets go on to the topic behind it.
    const FORWARDS: bool;
    /// What it reads.
    type In: Record;
    /// What it decides.
    type Out;
    /// Its tables, one set per scope.
    type State: State;

    /// Takes a record in.
    fn on_record(&self, state: &mut Self::State, record: Timed<Self::In>, ctx: &mut Ctx<'_, Self::Out>);

    /// Stream time has reached a deadline of the tables.
    fn on_time(&self, state: &mut Self::State, now: Time, ctx: &mut Ctx<'_, Self::Out>);
}

/// A record, with stream time at its hand-over.
#[derive(Debug)]
pub struct Timed<T> {
    /// Stream time of the scope: the record's own time, or later if it came late.
    pub now: Time,
    /// Whether it came after the time that records are waited for.
    pub late: bool,
    /// The record.
    pub record: T,
}

/// What the kernel must know of a record to put it in order.
pub trait Record {
    /// Where it is decided.
    fn scope(&self) -> &Scope;
    /// The time that moves stream time.
    fn observed_at(&self) -> Time;
    /// What tells it from others of the same time.
    fn id(&self) -> FactId;
    /// What it means to the kernel.
    fn pace(&self) -> Pace;
    /// The rule set that it activates.
    fn activates(&self) -> Option<&Arc<RuleSet>>;
}

/// What a record means to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Held back and put in order.
    Held,
    /// Handed over at once: people do not wait.
    AtOnce,
    /// Moves stream time; goes on as a watermark.
    Tick,
    /// Moves stream time past everything that is held.
    End,
}

impl Record for Fact {
    fn scope(&self) -> &Scope {
        &self.scope
    }
    fn observed_at(&self) -> Time {
        self.observed_at
    }
    fn id(&self) -> FactId {
        self.id
    }
    fn pace(&self) -> Pace {
        match self.body {
            Body::Command(_) => Pace::AtOnce,
            Body::Tick { .. } => Pace::Tick,
            Body::EndOfRecording => Pace::End,
            _ => Pace::Held,
        }
    }
    fn activates(&self) -> Option<&Arc<RuleSet>> {
        match &self.body {
            Body::Rules(rules) => Some(rules),
            _ => None,
        }
    }
}

impl<T> Record for Stamped<T> {
    fn scope(&self) -> &Scope {
        &self.scope
    }
    fn observed_at(&self) -> Time {
        self.at
    }
    fn id(&self) -> FactId {
        FactId::default()
    }
    fn pace(&self) -> Pace {
        match self.flow {
            Flow::Watermark => Pace::Tick,
            _ => Pace::AtOnce,
        }
    }
    fn activates(&self) -> Option<&Arc<RuleSet>> {
        match &self.flow {
            Flow::Rules(rules) => Some(rules),
            _ => None,
        }
    }
}

/// The tables of a stage in one scope.
pub trait State: Default {
    /// All tables, always in the same order: the position of a table is its name in the changelog.
    fn ledgers(&mut self) -> Vec<&mut dyn Ledger>;
    /// The earliest deadline.
    fn next_due(&mut self) -> Option<Time>;
    /// Rebuilds what is derived from the tables, after a restore or an abort.
    fn rebuild(&mut self) {}
}

/// What a stage may do beside changing its tables.
#[derive(Debug)]
pub struct Ctx<'a, Out> {
    pub(crate) scope: &'a Scope,
    pub(crate) now: Time,
    pub(crate) effects: &'a mut Vec<Effect<Out>>,
}

impl<'a, Out> Ctx<'a, Out> {
    /// A context outside of a task, for benches and tests of a stage alone.
    pub fn new(scope: &'a Scope, now: Time, effects: &'a mut Vec<Effect<Out>>) -> Self {
        Self { scope, now, effects }
    }

    /// Stream time.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The scope.
    pub fn scope(&self) -> &Scope {
        self.scope
    }

    /// Writes to the topic behind the stage.
    pub fn emit(&mut self, out: Out) {
        let stamped = Stamped { scope: self.scope.clone(), at: self.now, flow: Flow::Item(out) };
        self.effects.push(Effect::Emit(stamped));
    }

    /// Tells the stages behind that they decide by this rule set from here on.
    pub fn activate(&mut self, rules: Arc<RuleSet>) {
        let stamped = Stamped { scope: self.scope.clone(), at: self.now, flow: Flow::Rules(rules) };
        self.effects.push(Effect::Emit(stamped));
    }

    /// Tells the stages behind that stream time has come this far.
    pub fn pass_time(&mut self, to: Time) {
        self.effects.push(Effect::Emit(Stamped { scope: self.scope.clone(), at: to, flow: Flow::Watermark }));
    }

    /// Writes to the dead letters.
    pub fn reject(&mut self, fact: Option<FactId>, reason: impl Into<Text>) {
        let (scope, at) = (self.scope.clone(), self.now);
        self.effects.push(Effect::Reject(Rejected { scope, at, fact, reason: reason.into() }));
    }
}

/// Everything that a stage can do to the world. A runner carries effects out in the commit that carries the position.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect<Out> {
    /// To the topic behind the stage.
    Emit(Stamped<Out>),
    /// To the dead letters.
    Reject(Rejected),
}

/// A record that a stage could not use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Where.
    pub scope: Scope,
    /// Stream time.
    pub at: Time,
    /// Which fact, if it is one.
    pub fact: Option<FactId>,
    /// What was wrong with it.
    pub reason: Text,
}
