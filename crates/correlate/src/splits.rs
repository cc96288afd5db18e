//! Splits: a part of an incident that turns out to follow from something else leaves it, and the two are two from then on.

use crate::episode::{Episode, EpisodeKey, Standing};
use crate::turn::Turn;
use bellbuoy_core::incident::{Change, IncidentId};

/// Episodes that may leave an incident at once. A larger part is no part.
const LEAVING_MAX: usize = 100;

/// What an edge must be worth to join what was split before: a lost or starving node, a registry, a missing object.
const CERTAIN_STRENGTH: i32 = 80;

/// What leaves an incident for another one: an episode with all that it explains.
#[derive(Debug, Default)]
pub(crate) struct Leaving {
    from: Option<IncidentId>,
    keys: Vec<EpisodeKey>,
}

impl Leaving {
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl Turn<'_, '_> {
    /// What leaves its incident when a better cause is found for an episode in it. Nothing does if the episode was not
    /// explained so far, for it takes its whole incident along then; nor if its former cause would be left without
    /// anything that follows from it; nor if signals of one object would come to stand in two incidents.
    pub(crate) fn leaving(&self, key: EpisodeKey, episode: &Episode, cause: EpisodeKey) -> Leaving {
        let part = || -> Option<Leaving> {
            let from = episode.incident.filter(|from| !self.is_over(*from))?;
            let former = episode.explained_by.as_ref()?.cause;
            let is_there = |key: &EpisodeKey| self.is_open_in(*key, from);
            if is_there(&cause) || !is_there(&former) {
                return None;
            }
            self.state.explained_by(former).find(|other| *other != key && is_there(other))?;
            // What the entity itself suffers from takes along whatever else was thought to follow from elsewhere.
            let is_own = cause.entity == key.entity;
            let others =
                self.state.on_entity(key.entity).into_iter().filter(|at| is_own && *at != cause && is_there(at));
            let keys = self.descendants([key].into_iter().chain(others).collect())?;
            let stays = |at: &EpisodeKey| self.is_open_in(*at, from) && !keys.contains(at);
            let is_torn = keys.iter().any(|at| self.state.on_entity(at.entity).iter().any(stays));
            let takes_cause_along = keys.contains(&cause) || keys.contains(&former);
            (!is_torn && !takes_cause_along).then_some(Leaving { from: Some(from), keys })
        };
        part().unwrap_or_default()
    }

    fn is_open_in(&self, key: EpisodeKey, incident: IncidentId) -> bool {
        let row = self.state.episodes.get(&key);
        row.is_some_and(|row| row.standing == Standing::Open && row.incident == Some(incident))
    }

    /// Episodes and all that follows from them; none if that is too much.
    fn descendants(&self, mut keys: Vec<EpisodeKey>) -> Option<Vec<EpisodeKey>> {
        keys.sort_unstable();
        keys.dedup();
        let mut at = 0;
        while let Some(next) = keys.get(at).copied() {
            for child in self.state.explained_by(next) {
                if keys.len() == LEAVING_MAX {
                    return None;
                }
                if !keys.contains(&child) {
                    keys.push(child);
                }
            }
            at += 1;
        }
        Some(keys)
    }

    /// What left an incident comes to that of its cause.
    pub(crate) fn settle(&mut self, leaving: Leaving, cause: EpisodeKey) {
        let Some(from) = leaving.from else { return };
        let to = self.state.episodes.get(&cause).and_then(|row| row.incident).unwrap_or(from);
        // The cause may have turned out to belong to the same incident when it opened.
        if to == from {
            self.change_case(from, Change::Grew);
            return;
        }
        let mut moved = 0;
        for key in leaving.keys.iter().copied() {
            let row = self.state.episodes.get(&key).filter(|row| row.incident == Some(from));
            let Some(mut row) = row.cloned() else { continue };
            let live = u32::from(row.standing == Standing::Open);
            moved += 1;
            row.incident = Some(to);
            row.explained_by =
                row.explained_by.filter(|edge| edge.cause == cause || leaving.keys.contains(&edge.cause));
            self.state.put_episode(key, row);
            self.state.members.remove(&(from, key));
            self.state.members.insert((to, key), ());
            self.state.cases.get_mut(&from).into_iter().for_each(|case| case.live = case.live.saturating_sub(live));
            self.state.cases.get_mut(&to).into_iter().for_each(|case| case.live += live);
        }
        let name = self.state.topology.names.name(cause.entity);
        let code = self.state.code(cause.signal);
        self.tell(from, format!("split: {moved} signals follow from {code} on {name} and moved to {to}"));
        self.tell(to, format!("split: {moved} signals moved here from {from}"));
        self.change_case(from, Change::Split);
        self.change_case(to, Change::Grew);
        self.state.cases.get_mut(&from).into_iter().for_each(|case| case.keep_apart(to));
        self.state.cases.get_mut(&to).into_iter().for_each(|case| case.keep_apart(from));
    }

    /// Whether two incidents are known to be two: a part of one went to the other.
    pub(crate) fn are_apart(&self, a: Option<IncidentId>, b: Option<IncidentId>) -> bool {
        let (Some(a), Some(b)) = (a, b) else { return false };
        let knows = |one: IncidentId, other: IncidentId| {
            let case = self.state.cases.get(&one);
            case.is_some_and(|case| case.apart.iter().any(|known| self.survivor(*known) == other))
        };
        a != b && (knows(a, b) || knows(b, a))
    }

    /// Lets an episode's incident become one with that of its cause, and tells whether it may. What was split stays so,
    /// unless all of it turns out to follow from what was thought to be something else: then the split is taken back.
    pub(crate) fn let_join(
        &mut self,
        key: EpisodeKey,
        strength: i32,
        (own, other): (Option<IncidentId>, Option<IncidentId>),
    ) -> bool {
        if !self.are_apart(own, other) {
            return true;
        }
        if strength < CERTAIN_STRENGTH || !self.is_only_root(key, own) {
            return false;
        }
        for (one, other) in own.zip(other).into_iter().flat_map(|(a, b)| [(a, b), (b, a)]) {
            let Some(mut apart) = self.state.cases.get(&one).map(|case| case.apart.clone()) else { continue };
            apart.retain(|known| self.survivor(*known) != other);
            self.state.cases.get_mut(&one).into_iter().for_each(|case| case.apart.clone_from(&apart));
        }
        true
    }

    /// Whether everything that is live in an incident follows from one episode.
    fn is_only_root(&self, key: EpisodeKey, incident: Option<IncidentId>) -> bool {
        let members = incident.map(|incident| self.state.members_of(incident)).unwrap_or_default();
        let follows = |row: &Episode| !row.is_live() || row.explained_by.is_some();
        members.into_iter().all(|at| at == key || self.state.episodes.get(&at).is_none_or(follows))
    }

    /// The incident that another one has become a part of, or itself.
    pub(crate) fn survivor(&self, incident: IncidentId) -> IncidentId {
        let mut at = incident;
        while let Some(into) = self.state.cases.get(&at).and_then(|case| case.merged_into) {
            at = into;
        }
        at
    }
}
