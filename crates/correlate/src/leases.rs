//! Leases: who holds one renews it, and is in trouble when it does not.

use crate::episode::EpisodeKey;
use crate::lease::Lease;
use crate::state::Timer;
use crate::turn::{Report, Turn};
use bellbuoy_core::fact::{Fact, Source};
use bellbuoy_core::incident::Evidence;
use bellbuoy_core::intern::EntityId;
use bellbuoy_core::object::Entity;
use bellbuoy_core::report::ObjectReport;
use bellbuoy_core::sign::LEASE_STALE;
use bellbuoy_core::time::{Interval, Span, Time};

/// The namespace of the Leases of nodes.
const NODE_LEASES: &str = "kube-node-lease";

/// Ingest conflates what it is told of nodes' Leases to one fact in this time (DESIGN §2).
const CONFLATED: Span = Span::from_secs(30);

/// A Lease is stale when it was not renewed for twice its duration: once is what its holder may lose without harm.
const DURATIONS: i64 = 2;

/// What a Lease holds for where it does not say: 15 s are the default of the control plane's leader elections, and 40 s
/// of kubelets (`facts/conditions.csv`).
const LEADER_SECS: u32 = 15;
const NODE_SECS: u32 = 40;

/// How old a dumped Lease may be without another one to compare it with. Dumps are taken one kind after the other.
const ALONE: Span = Span::from_secs(300);

impl Turn<'_, '_> {
    /// A Lease was seen.
    pub(crate) fn lease_renewed(&mut self, id: EntityId, fact: &Fact, report: &ObjectReport) {
        let namespace = &*fact.object.namespace;
        let Some(renewed_at) = report.renewed_at.filter(|at| *at <= fact.observed_at + CONFLATED) else { return };
        if namespace != NODE_LEASES && namespace != "kube-system" {
            // Elections of other programs: whether anybody stands for them is not known.
            return;
        }
        let by_default = if namespace == NODE_LEASES { NODE_SECS } else { LEADER_SECS };
        let duration_secs = if report.lease_secs == 0 { by_default } else { report.lease_secs };
        let evidence = Evidence { fact: fact.id, observed_at: fact.observed_at };
        let known = self.state.leases.get(&id).map(|lease| lease.renewed_at);
        if known.is_none() {
            self.state.topology.names.retain(id);
        }
        self.state.leases.insert(id, Lease { renewed_at, duration_secs, evidence });
        if known.is_some_and(|known| known < renewed_at) {
            self.lease_is_well(id, renewed_at);
        }
        let newest = self.state.newest_renewal.get(&()).copied();
        if newest.is_none_or(|newest| newest < renewed_at) {
            self.state.newest_renewal.insert((), renewed_at);
        }
        self.state.timers.set(Timer::Lease(id), self.now.max(renewed_at) + self.patience(id));
    }

    /// A node that says that it is ready has a kubelet that reports, whether its Lease was seen to be renewed or not.
    pub(crate) fn node_speaks(&mut self, node: &str) {
        let Some(id) = self.state.topology.names.get(&Entity::new("Lease", NODE_LEASES, node)) else { return };
        let now = self.now;
        let Some(lease) = self.state.leases.get_mut(&id) else { return };
        lease.renewed_at = lease.renewed_at.max(now);
        self.lease_is_well(id, now);
    }

    /// A Lease is gone with its holder.
    pub(crate) fn lease_gone(&mut self, id: EntityId) {
        if self.state.leases.remove(&id).is_some() {
            self.state.topology.names.release(id);
            self.state.timers.clear(&Timer::Lease(id));
            self.lease_is_well(id, self.now);
        }
    }

    fn patience(&self, id: EntityId) -> Span {
        let secs = self.state.leases.get(&id).map_or(NODE_SECS, |lease| lease.duration_secs);
        let is_node = self.state.topology.names.peek(id).is_some_and(|name| &*name.namespace == NODE_LEASES);
        let conflated = if is_node { CONFLATED } else { Span::ZERO };
        Span(Span::from_secs(i64::from(secs) * DURATIONS).0 + conflated.0)
    }

    /// A Lease should have been renewed by now.
    pub(crate) fn lease_due(&mut self, id: EntityId) {
        let Some(lease) = self.state.leases.get(&id).cloned() else { return };
        let patience = self.patience(id);
        // Absence counts as far as others were seen to renew theirs: where nobody is, it is we who see nothing.
        let newest = self.state.newest_renewal.get(&()).copied().unwrap_or(lease.renewed_at);
        if newest.since(lease.renewed_at) > patience {
            self.lease_is_stale(id, &lease);
        } else {
            self.state.timers.set(Timer::Lease(id), self.now + patience);
        }
    }

    /// The end of a recording: what others had renewed by then, and what is too old by any measure.
    pub(crate) fn judge_leases(&mut self) {
        let newest = self.state.newest_renewal.get(&()).copied();
        let leases: Vec<_> = self.state.leases.sorted().into_iter().map(|(id, lease)| (*id, lease.clone())).collect();
        let is_alone = leases.len() < 2;
        for (id, lease) in leases {
            let patience = self.patience(id);
            let behind = newest.is_some_and(|newest| newest.since(lease.renewed_at) > patience);
            if behind || is_alone && self.now.since(lease.renewed_at) > ALONE.max(patience) {
                self.lease_is_stale(id, &lease);
            }
        }
    }

    /// What a Lease is about: a node, or itself.
    fn lease_holder(&mut self, id: EntityId) -> EntityId {
        let name = self.state.topology.names.name(id);
        match &*name.namespace {
            NODE_LEASES => self.state.topology.names.intern(&Entity::new("Node", "", &name.name)),
            _ => id,
        }
    }

    fn lease_is_stale(&mut self, id: EntityId, lease: &Lease) {
        let name = self.state.topology.names.name(id);
        let catalogue = self.catalogue.clone();
        let message = format!("{name} holds for {} s and was not renewed for twice that time", lease.duration_secs);
        let Some(reading) = catalogue.read_sign(LEASE_STALE, "Lease", &message) else { return };
        let holder = self.lease_holder(id);
        // A node that was taken away takes its time to lose its Lease.
        if self.state.topology.object(holder).is_some_and(|row| row.is_gone) {
            return;
        }
        let signal = self.state.signal(&reading.rule.code);
        let shows = self.state.symptoms.get(&(EpisodeKey { entity: holder, signal }, holder));
        if shows.is_some_and(|symptom| symptom.failing) {
            return;
        }
        let expected = lease.renewed_at + Span::from_secs(i64::from(lease.duration_secs));
        self.report(Report {
            object: holder,
            code: reading.rule.code.clone(),
            rule: reading.rule,
            severity: reading.rule.severity,
            occurred: Interval { from: lease.renewed_at, to: expected.max(lease.renewed_at) },
            message: &message,
            source: Source::Objects,
            evidence: lease.evidence,
            repeats: None,
            lasted: true,
            anew: false,
            names: None,
            hubs: Vec::new(),
        });
    }

    fn lease_is_well(&mut self, id: EntityId, since: Time) {
        let catalogue = self.catalogue.clone();
        let name = self.state.topology.names.name(id);
        let Some(reading) = catalogue.read_sign(LEASE_STALE, "Lease", &format!("{name} ")) else { return };
        let holder = self.lease_holder(id);
        if let Some(signal) = self.state.known_signal(&reading.rule.code) {
            self.heal(EpisodeKey { entity: holder, signal }, holder, since);
        }
    }
}
