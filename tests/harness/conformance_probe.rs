//! The stage that shows what a runner does to stages: it counts facts per object, keeps timers, and tells everything.

use bellbuoy_core::Text;
use bellbuoy_core::fact::{Body, Fact, FactId};
use bellbuoy_core::incident::{Change, Evidence, Incident, IncidentId, Member};
use bellbuoy_core::object::{Entity, Scope};
use bellbuoy_core::stage::{Ctx, Stage, State, Timed};
use bellbuoy_core::table::{Ledger, OrderedTable, Table};
use bellbuoy_core::time::{Span, Time};
use bellbuoy_core::timers::Timers;
use borsh::{BorshDeserialize, BorshSerialize};

/// Objects remembered per scope. At the limit the one heard of longest ago is forgotten, and its timer with it.
pub const OBJECTS_MAX: usize = 8;
/// Fact ids remembered per scope, so that a duplicate is known. At the limit the oldest is forgotten.
pub const IDS_MAX: usize = 256;
/// After so much quiet of an object the probe says so.
pub const QUIET: Span = Span::from_secs(7);
/// The reason of an event that the probe rejects.
pub const REJECTED: &str = "RejectMe";

/// Counts facts per object.
#[derive(Clone, Copy, Debug, Default)]
pub struct Probe;

/// Tables of the probe: every kind of table that there is.
#[derive(Debug, Default)]
pub struct ProbeState {
    objects: Table<Text, Seen>,
    /// Objects by when they were heard of last, to find the oldest.
    by_age: OrderedTable<(Time, Text), ()>,
    quiet: Timers<Text>,
    ids: Table<FactId, ()>,
    /// Ids by their turn, to find the oldest.
    ids_by_age: OrderedTable<u64, FactId>,
}

#[derive(Clone, Debug, Default, PartialEq, BorshSerialize, BorshDeserialize)]
struct Seen {
    count: u32,
    heard_at: Time,
}

impl State for ProbeState {
    fn ledgers(&mut self) -> Vec<&mut dyn Ledger> {
        vec![&mut self.objects, &mut self.by_age, &mut self.quiet, &mut self.ids, &mut self.ids_by_age]
    }

    fn next_due(&mut self) -> Option<Time> {
        self.quiet.next_due()
    }
}

impl ProbeState {
    /// Notes an id; says whether it is new.
    fn note(&mut self, id: FactId) -> bool {
        if self.ids.contains(&id) {
            return false;
        }
        if let Some((turn, oldest)) =
            self.ids_by_age.first().map(|(turn, id)| (*turn, *id)).filter(|_| self.ids.len() == IDS_MAX)
        {
            self.ids_by_age.remove(&turn);
            self.ids.remove(&oldest);
        }
        let turn = self.ids_by_age.iter().next_back().map_or(0, |(turn, _)| turn + 1);
        self.ids_by_age.insert(turn, id);
        self.ids.insert(id, ());
        true
    }
}

impl Stage for Probe {
    const NAME: &'static str = "probe";
    const STATE_FORMAT: u16 = 1;
    const LATENESS: Span = Span::from_secs(2);
    const FORWARDS: bool = true;
    type In = Fact;
    type Out = Incident;
    type State = ProbeState;

    fn on_record(&self, state: &mut ProbeState, timed: Timed<Fact>, ctx: &mut Ctx<'_, Incident>) {
        let Timed { now, late, record: fact } = timed;
        let name = fact.object.name.clone();
        match &fact.body {
            Body::Event(event) if &*event.reason == REJECTED => {
                ctx.reject(Some(fact.id), format!("event of {name} asks to be rejected"));
                return;
            }
            Body::Event(_) | Body::Command(_) => {}
            _ => return,
        }
        if !state.note(fact.id) {
            return;
        }
        let mut seen = state.objects.get(&name).cloned().unwrap_or_default();
        if seen.count > 0 {
            state.by_age.remove(&(seen.heard_at, name.clone()));
        } else if state.objects.len() == OBJECTS_MAX
            && let Some(oldest) = state.by_age.first().map(|(oldest, ())| oldest.clone())
        {
            state.by_age.remove(&oldest);
            state.objects.remove(&oldest.1);
            state.quiet.clear(&oldest.1);
        }
        seen.count += 1;
        seen.heard_at = now;
        let change = if seen.count == 1 { Change::Opened } else { Change::Grew };
        ctx.emit(report(ctx.scope(), &name, seen.count, now, change, Some((&fact, late))));
        state.by_age.insert((now, name.clone()), ());
        state.quiet.set(name.clone(), now + QUIET);
        state.objects.insert(name, seen);
    }

    fn on_time(&self, state: &mut ProbeState, now: Time, ctx: &mut Ctx<'_, Incident>) {
        while let Some((_, name)) = state.quiet.pop_due(now) {
            let Some(seen) = state.objects.remove(&name) else { continue };
            state.by_age.remove(&(seen.heard_at, name.clone()));
            ctx.emit(report(ctx.scope(), &name, seen.count, now, Change::Resolved, None));
        }
    }
}

/// What the probe says of an object: every field that order, time, lateness or loss could change is in it.
pub fn report(
    scope: &Scope,
    name: &Text,
    count: u32,
    now: Time,
    change: Change,
    cause: Option<(&Fact, bool)>,
) -> Incident {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&FactId::of(&(&scope.0, name)).0[..8]);
    let members = cause.map(|(fact, late)| Member {
        entity: Entity::new("Pod", "", name),
        late,
        evidence: vec![Evidence { fact: fact.id, observed_at: fact.observed_at }],
        ..Member::default()
    });
    Incident {
        id: IncidentId(u64::from_be_bytes(bytes)),
        revision: count,
        last_seen_at: now,
        members: members.into_iter().collect(),
        changes: vec![change],
        ..Incident::default()
    }
}
