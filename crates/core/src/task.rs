//! The task: one stage on one partition, and the only caller of its stage.
//!
//! It keeps stream time per scope, holds records back, hands them over by (observed_at, id) with due timers before
//! them, and turns a batch into one commit: effects, changelog, position. Every runner, replay, test and bench drives
//! this same task.

use crate::fact::FactId;
use crate::incident::{Flow, Stamped};
use crate::object::Scope;
use crate::stage::{Ctx, Effect, Pace, Record, Stage, State, Timed};
use crate::table::{Corrupt, Ledger, OrderedTable};
use crate::time::{Span, Time};
use std::collections::BTreeMap;

/// An offset in the input partition. Offsets have gaps: transaction markers take some.
pub type Offset = i64;

/// Records held back per scope at the most. Beyond it stream time moves on to the oldest of them as if the lateness
/// were over: order within the lateness is then given up, facts are not. Per scope and not per partition, so that a
/// neighbour cannot enter a decision. A burst of 10,000 facts/s fills a tenth of it in two seconds.
pub const HELD_RECORDS_MAX: usize = 200_000;

/// One stage on one partition.
pub struct Task<S: Stage> {
    stage: S,
    scopes: BTreeMap<Scope, Slot<S>>,
    /// The position of the last commit.
    position: OrderedTable<(), Position>,
    /// Stream time at the last commit: a row per scope, so that the changelog alone tells what was handed over.
    clocks: OrderedTable<Scope, Clock>,
    /// The first offset that was never read.
    read_to: Offset,
    effects: Vec<Effect<S::Out>>,
    /// How far this instance has read, again or for the first time: below `read_to`, what was held is not back yet.
    reread_to: Offset,
    late: u64,
}

/// Records that wait for others that may come before them. Boxed, because a map moves what stands in it.
type Held<T> = BTreeMap<(Time, FactId), Box<(Offset, T)>>;

struct Slot<S: Stage> {
    scope: Scope,
    /// Stream time.
    clock: Option<Time>,
    held: Held<S::In>,
    state: S::State,
}

/// How far the input was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, borsh::BorshSerialize, borsh::BorshDeserialize)]
struct Position {
    /// The first offset that was never read.
    read_to: Offset,
    /// The first offset that was held back or unread at the last commit.
    resume_at: Offset,
}

/// Stream time of a scope: everything up to here was handed over, and what comes for it now comes late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, borsh::BorshSerialize, borsh::BorshDeserialize)]
struct Clock(Time);

/// What a commit must make durable, all of it or nothing.
#[derive(Debug)]
pub struct Commit<Out> {
    /// What the stage did.
    pub effects: Vec<Effect<Out>>,
    /// Changed rows of its tables, each key once.
    pub changelog: Vec<Row>,
    /// Where a successor must begin to read: the first offset that is held back or unread.
    pub resume_at: Offset,
}

/// A row of a changelog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Scope, table and key.
    pub key: Vec<u8>,
    /// The row's image; none deletes it.
    pub value: Option<Vec<u8>>,
}

const POSITION: u8 = 0;
const CLOCKS: u8 = 1;
const FIRST_OF_STATE: u8 = 2;

impl<S: Stage> Task<S> {
    /// A task that has seen nothing.
    pub fn new(stage: S) -> Self {
        Self {
            stage,
            scopes: BTreeMap::new(),
            position: OrderedTable::default(),
            clocks: OrderedTable::default(),
            read_to: 0,
            effects: Vec::new(),
            reread_to: 0,
            late: 0,
        }
    }

    /// Takes the next record in. Records of offsets that were read before are expected after a restore: those that
    /// had been handed over are passed by, those that had been held back are held again.
    pub fn feed(&mut self, offset: Offset, record: S::In) {
        let seen = offset < self.read_to;
        self.advance(offset);
        let at = record.observed_at();
        let mut open = match self.scopes.get_mut(record.scope()) {
            Some(slot) => Open { stage: &self.stage, slot, effects: &mut self.effects },
            None => {
                let slot = self.scopes.entry(record.scope().clone()).or_insert_with_key(Slot::new);
                Open { stage: &self.stage, slot, effects: &mut self.effects }
            }
        };
        let released = open.slot.clock;
        let is_late = released.is_some_and(|released| at <= released);
        if seen && (is_late || record.pace() != Pace::Held && record.pace() != Pace::Tick) {
            return;
        }
        match record.pace() {
            // Where time is kept by what is held back, a person's clock does not move it.
            Pace::AtOnce if S::LATENESS > Span::ZERO => open.hand_over(released.unwrap_or(at), false, record),
            Pace::AtOnce => {
                let now = released.map_or(at, |released| released.max(at));
                open.turn_to(now);
                open.hand_over(now, false, record);
            }
            Pace::End => {
                // Also what claims to be newer than the end: held beyond it, it would move time when it is read again.
                let newest = open.slot.held.last_key_value().map_or(at, |((newest, _), _)| at.max(*newest));
                open.release(newest);
                let now = open.slot.clock.map_or(at, |clock| clock.max(at));
                open.turn_to(now);
                open.hand_over(now, false, record);
                open.forward(now, Flow::Watermark);
            }
            // A source that lags has still observed what it says, though stream time is beyond it.
            Pace::Held | Pace::Tick if is_late => {
                self.late += u64::from(record.pace() == Pace::Held);
                open.hand_over(released.unwrap_or(at), true, record);
            }
            Pace::Held | Pace::Tick => {
                let held = &mut open.slot.held;
                held.entry((at, record.id())).or_insert_with(|| Box::new((offset, record)));
                // The newest record is always held, so that what is held tells how far stream time has come.
                let newest = held.last_key_value().map_or(at, |((newest, _), _)| *newest);
                let oldest = held.first_key_value().map_or(at, |((oldest, _), _)| *oldest);
                let is_full = held.len() > HELD_RECORDS_MAX;
                open.release(if is_full { oldest.max(newest - S::LATENESS) } else { newest - S::LATENESS });
            }
        }
    }

    /// Notes that everything before `offset` was read, though no record came of it: markers, dead letters.
    pub fn skip_to(&mut self, offset: Offset) {
        self.advance(offset - 1);
    }

    /// Ends the batch: everything in it is to be made durable.
    pub fn commit(&mut self) -> Commit<S::Out> {
        self.write_down();
        let resume_at = self.resume_at();
        let mut changelog = Vec::new();
        let mut table = |scope: Option<&Scope>, table: u8, ledger: &mut dyn Ledger| {
            ledger.commit(&mut |key, value| changelog.push(Row { key: row_key(scope, table, &key), value }));
        };
        table(None, POSITION, &mut self.position);
        table(None, CLOCKS, &mut self.clocks);
        for (scope, slot) in &mut self.scopes {
            for (number, ledger) in (FIRST_OF_STATE..).zip(slot.state.ledgers()) {
                table(Some(scope), number, ledger);
            }
        }
        Commit { effects: std::mem::take(&mut self.effects), changelog, resume_at }
    }

    /// Ends the batch where nothing is made durable: in a process that decides and is done. What was fed can no longer be
    /// aborted.
    pub fn settle(&mut self) -> Vec<Effect<S::Out>> {
        for slot in self.scopes.values_mut() {
            slot.state.ledgers().into_iter().for_each(Ledger::settle);
        }
        std::mem::take(&mut self.effects)
    }

    /// Puts position and stream time into their tables.
    fn write_down(&mut self) {
        let position = Position { read_to: self.read_to, resume_at: self.resume_at() };
        if self.position.get(&()).copied().unwrap_or_default() != position {
            self.position.insert((), position);
        }
        for slot in self.scopes.values() {
            if let Some(clock) = slot.clock.filter(|clock| self.clocks.get(&slot.scope) != Some(&Clock(*clock))) {
                self.clocks.insert(slot.scope.clone(), Clock(clock));
            }
        }
    }

    /// Forgets the batch. The runner must feed again from [`Task::resume_at`].
    pub fn abort(&mut self) {
        self.effects.clear();
        Ledger::abort(&mut self.position);
        Ledger::abort(&mut self.clocks);
        self.take_up_position();
        for slot in self.scopes.values_mut() {
            slot.clock = self.clocks.get(&slot.scope).map(|clock| clock.0);
            slot.held.clear();
            slot.state.ledgers().into_iter().for_each(Ledger::abort);
            slot.state.rebuild();
        }
    }

    /// Takes a row of the changelog in, before the first record.
    pub fn restore(&mut self, row: &Row) -> Result<(), Corrupt> {
        let (scope, table, key) = split_key(&row.key).ok_or(Corrupt)?;
        let value = row.value.as_deref();
        match (scope, table) {
            (None, POSITION) => self.position.restore(key, value),
            (None, CLOCKS) => self.clocks.restore(key, value),
            (Some(scope), FIRST_OF_STATE..) => {
                let slot = self.scopes.entry(scope).or_insert_with_key(Slot::new);
                let mut ledgers = slot.state.ledgers();
                let ledger = ledgers.get_mut(usize::from(table - FIRST_OF_STATE)).ok_or(Corrupt)?;
                ledger.restore(key, value)
            }
            _ => Err(Corrupt),
        }
    }

    /// Ends a restore: everything that is derived from the tables is rebuilt.
    pub fn restored(&mut self) {
        self.take_up_position();
        for (scope, clock) in self.clocks.iter() {
            self.scopes.entry(scope.clone()).or_insert_with_key(Slot::new).clock = Some(clock.0);
        }
        self.scopes.values_mut().for_each(|slot| slot.state.rebuild());
    }

    fn take_up_position(&mut self) {
        let Position { read_to, resume_at } = self.position.get(&()).copied().unwrap_or_default();
        (self.read_to, self.reread_to) = (read_to, resume_at);
    }

    /// All rows of all tables, in order: what a restored task must equal.
    pub fn dump(&mut self) -> Vec<Row> {
        self.write_down();
        let mut rows = Vec::new();
        let mut table = |scope: Option<&Scope>, table: u8, ledger: &dyn Ledger| {
            ledger.dump(&mut |key, value| rows.push(Row { key: row_key(scope, table, &key), value }));
        };
        table(None, POSITION, &self.position);
        table(None, CLOCKS, &self.clocks);
        for (scope, slot) in &mut self.scopes {
            for (number, ledger) in (FIRST_OF_STATE..).zip(slot.state.ledgers()) {
                table(Some(scope), number, ledger);
            }
        }
        rows
    }

    /// Where to read on if a commit were made now, and after an abort or a restore: the first offset that is held back
    /// or unread. While what was held before is not read again yet, that is where the last commit said.
    pub fn resume_at(&self) -> Offset {
        if self.reread_to < self.read_to {
            return self.position.get(&()).map_or(0, |position| position.resume_at);
        }
        let held = self.scopes.values().flat_map(|slot| slot.held.values()).map(|held| held.0);
        held.min().unwrap_or(self.read_to)
    }

    /// The first offset that was never read.
    pub fn read_to(&self) -> Offset {
        self.read_to
    }

    /// Stream time of a scope.
    pub fn stream_time(&self, scope: &Scope) -> Option<Time> {
        self.scopes.get(scope).and_then(|slot| slot.clock)
    }

    /// How many records are held back.
    pub fn held(&self) -> usize {
        self.scopes.values().map(|slot| slot.held.len()).sum()
    }

    /// How many records came late since the task began.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// The tables of a scope, to look at.
    pub fn state_mut(&mut self, scope: &Scope) -> Option<&mut S::State> {
        self.scopes.get_mut(scope).map(|slot| &mut slot.state)
    }

    /// Effects that no commit has taken yet.
    pub fn pending(&self) -> &[Effect<S::Out>] {
        &self.effects
    }

    fn advance(&mut self, offset: Offset) {
        self.reread_to = self.reread_to.max(offset + 1);
        self.read_to = self.read_to.max(offset + 1);
    }
}

/// A scope while something goes on in it.
struct Open<'t, S: Stage> {
    stage: &'t S,
    slot: &'t mut Slot<S>,
    effects: &'t mut Vec<Effect<S::Out>>,
}

impl<S: Stage> Open<'_, S> {
    /// Hands over what is held up to `to`, timers first, and moves stream time there.
    fn release(&mut self, to: Time) {
        while let Some(entry) = self.slot.held.first_entry().filter(|entry| entry.key().0 <= to) {
            let ((at, _), held) = entry.remove_entry();
            let (_, record) = *held;
            self.turn_to(at);
            self.hand_over(at, false, record);
        }
        if self.slot.clock.is_some_and(|clock| clock < to) {
            self.turn_to(to);
        }
    }

    /// Moves stream time to `to`, firing what comes due on the way, each at its own moment.
    fn turn_to(&mut self, to: Time) {
        let Slot { scope, state, clock, .. } = &mut *self.slot;
        while let Some(due) = state.next_due().filter(|due| *due <= to) {
            let mut ctx = Ctx { scope, now: due, effects: self.effects };
            self.stage.on_time(state, due, &mut ctx);
        }
        // No clock is before any.
        *clock = (*clock).max(Some(to));
    }

    fn hand_over(&mut self, now: Time, late: bool, record: S::In) {
        if let Some(rules) = record.activates() {
            let rules = rules.clone();
            self.forward(now, Flow::Rules(rules));
        }
        let is_tick = record.pace() == Pace::Tick && !late;
        let Slot { scope, state, .. } = &mut *self.slot;
        let mut ctx = Ctx { scope, now, effects: self.effects };
        self.stage.on_record(state, Timed { now, late, record }, &mut ctx);
        if is_tick {
            self.forward(now, Flow::Watermark);
        }
    }

    fn forward(&mut self, at: Time, flow: Flow<S::Out>) {
        if S::FORWARDS {
            self.effects.push(Effect::Emit(Stamped { scope: self.slot.scope.clone(), at, flow }));
        }
    }
}

impl<S: Stage> Slot<S> {
    fn new(scope: &Scope) -> Self {
        Self { scope: scope.clone(), clock: None, held: BTreeMap::new(), state: S::State::default() }
    }
}

/// Scope length, scope, table, key: rows of one scope stand together. A scope's name is at most 65,535 bytes by its
/// length prefix; ingest refuses names far shorter than that.
fn row_key(scope: Option<&Scope>, table: u8, key: &[u8]) -> Vec<u8> {
    let name = scope.map_or(&b""[..], |scope| scope.0.as_bytes());
    let mut bytes = Vec::with_capacity(3 + name.len() + key.len());
    bytes.extend_from_slice(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes());
    bytes.extend_from_slice(&name[..name.len().min(usize::from(u16::MAX))]);
    bytes.push(table);
    bytes.extend_from_slice(key);
    bytes
}

fn split_key(bytes: &[u8]) -> Option<(Option<Scope>, u8, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    let (name, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let (table, key) = rest.split_first()?;
    let scope = (!name.is_empty()).then(|| std::str::from_utf8(name).ok().map(Scope::cluster));
    match scope {
        Some(None) => None,
        Some(scope) => Some((scope, *table, key)),
        None => Some((None, *table, key)),
    }
}
