//! What object states say: topology, and the signals that a state shows.

use crate::episode::EpisodeKey;
use crate::image::{image_in, registry_of};
use crate::object_row::{ObjectRow, is_ready, ready_since};
use crate::problems::{Problem, problems};
use crate::turn::{Report, Turn};
use bellbuoy_core::Text;
use bellbuoy_core::fact::{Fact, Source};
use bellbuoy_core::incident::Evidence;
use bellbuoy_core::intern::EntityId;
use bellbuoy_core::report::{Condition, ObjectReport, Replicas};
use bellbuoy_core::rules::{Class, Match, Relation};
use bellbuoy_core::severity::Severity;
use bellbuoy_core::sign::NO_REPLICAS;
use bellbuoy_core::time::{Interval, Time};

/// The phase of a claim that has its volume.
const BOUND: &str = "Bound";

/// The reason of the Event that tells of a volume that was made for a claim.
const PROVISIONED: &str = "ProvisioningSucceeded";

impl Turn<'_, '_> {
    /// Takes an object's state in.
    pub(crate) fn object(&mut self, fact: &Fact, report: &ObjectReport) {
        self.stands_for_itself(&fact.object.kind, &fact.object.namespace, &fact.object.name);
        let topology = &mut self.state.topology;
        let id = topology.id(&fact.object);
        let (before, heard) = (topology.object(id), topology.heard(id));
        if heard.is_some_and(|heard| heard.knows(fact.id)) {
            // It is there, which is what a list wants to know; it has nothing new to say.
            topology.touch(id, self.now);
            return;
        }
        let uid = before.map_or("", |row| &*row.uid);
        let is_other = !uid.is_empty() && !fact.object.uid.is_empty() && *uid != *fact.object.uid;
        let is_gone = before.is_some_and(|row| row.is_gone);
        let is_older = self.late && heard.is_some_and(|heard| heard.stated_at > fact.observed_at);
        if is_older || report.deleted && is_other && !is_gone {
            // What is newer is known already, or another object of the same name has taken its place.
            return;
        }
        if report.deleted {
            self.deleted(id, fact);
            return;
        }
        let kind = &*fact.object.kind;
        let catalogue = self.catalogue.clone();
        let problems = problems(&catalogue, &fact.object, report, self.now);
        let is_same = before.is_some_and(|row| row.is_said_by(&topology.names, &fact.object, report, &problems));
        let before = Before::of(before);
        if is_other {
            // The same name, another object: what the former one showed went with it.
            self.gone(id);
        }
        let (owner_known, row_ready) = (report.owner.is_some(), is_ready(report));
        let workload =
            if is_same { self.state.topology.workload_of(id) } else { self.restated(id, fact, report, &problems) };
        self.state.topology.hear(id, self.now, |heard| {
            heard.stated_at = fact.observed_at;
            heard.remember(fact.id);
        });
        self.take_asks(id, fact, report);
        if !before.is_there || before.replicas.map(wants) != report.replicas.map(wants) {
            self.judge_with_dependents(id);
        }
        if kind == "Pod" && owner_known {
            self.state.topology.learn_owner(id, workload);
        }
        let still: Vec<Text> = problems.iter().map(|problem| problem.rule.code.clone()).collect();
        let evidence = Evidence { fact: fact.id, observed_at: fact.observed_at };
        let anew = before.replicas.zip(report.replicas).is_some_and(rolls_on);
        for problem in &problems {
            let since = problem.since.filter(|since| *since <= fact.observed_at);
            let occurred =
                since.map_or(fact.occurred, |since| Interval { from: since, to: fact.occurred.to.max(since) });
            let hubs = self.registry_of(problem);
            self.report(Report {
                object: id,
                code: problem.rule.code.clone(),
                rule: problem.rule,
                severity: self.severity_of(id, workload, report, problem),
                occurred,
                message: &problem.message,
                source: Source::Objects,
                evidence,
                repeats: None,
                lasted: problem.lasted,
                anew,
                names: problem.names.clone(),
                hubs,
            });
            if let Some(since) = problem.runs_since.filter(|_| row_ready) {
                let signal = self.state.signal(&problem.rule.code);
                let key = EpisodeKey { entity: workload, signal };
                match problem.flaps {
                    true => self.heals_if_it_runs_on(key, since),
                    false => self.heal(key, id, since),
                }
            }
        }
        if kind == "Pod" && &*report.phase == "Failed" && self.has_its_replicas(workload) {
            // It stays as a record of its end; its workload has gone on without it.
            self.state.on_entity(workload).into_iter().for_each(|key| self.heal(key, id, self.now));
        }
        for signal in before.problems {
            let code = self.state.code(signal);
            // A container that waits for another reason than before is not well: only a condition tells its own end.
            if !still.contains(&code) && (kind != "Pod" || self.is_told_by_condition(&code)) {
                self.shown_no_more(EpisodeKey { entity: workload, signal }, id, &still);
            }
        }
        // Most pods are ready where nothing was wrong.
        if kind == "Pod" && row_ready && self.state.sharing(workload, Relation::Same).next().is_some() {
            let since = ready_since(report).unwrap_or(self.now);
            self.well(id, workload, since, &still);
            self.has_a_replica(workload, since);
        }
        let has_completed = |c: &Condition| &*c.kind == "Complete" && &*c.status == "True";
        // A ReplicaSet of a Deployment says nothing of the whole; one that stands alone has no revisions to count.
        let is_set = matches!(kind, "ReplicaSet" | "ReplicationController");
        let replicas = report.replicas.filter(|_| !(is_set && owner_known));
        let has_all = replicas.is_some_and(|r| r.ready >= r.desired);
        // With one replica to be, the new pod that waits counts as updated and the old one as ready.
        let rolls = |c: &Condition| &*c.kind == "Progressing" && &*c.reason != "NewReplicaSetAvailable";
        let is_rolling = kind == "Deployment" && report.conditions.iter().any(rolls);
        let is_newest = is_set || replicas.is_some_and(|r| r.updated >= r.desired) && !is_rolling;
        if has_all && is_newest || kind == "Job" && report.conditions.iter().any(has_completed) {
            self.workload_complete(id, &still);
        } else if has_all {
            self.replaced(id);
        }
        match kind {
            "Service" | "EndpointSlice" | "Endpoints" => self.endpoints_changed(id, fact, report, !before.is_there),
            "Lease" => self.lease_renewed(id, fact, report),
            "Node" if is_ready_node(report) => self.node_speaks(&fact.object.name),
            "PersistentVolumeClaim" if &*report.phase == BOUND => self.has_its_volume(id),
            _ => {}
        }
        self.bound_objects();
    }

    /// An object is not what it was. What it belongs to now.
    fn restated(&mut self, id: EntityId, fact: &Fact, report: &ObjectReport, problems: &[Problem<'_>]) -> EntityId {
        let was = self.state.topology.workload_of(id);
        if let Some(owner) = &report.owner {
            self.stands_for_itself(&owner.kind, &fact.object.namespace, &owner.name);
        }
        let row = ObjectRow::of(&mut self.state.topology.names, &fact.object, report, problems);
        self.state.topology.put(id, row, self.now);
        let is = self.state.topology.workload_of(id);
        self.renamed(id, was, is);
        is
    }

    fn deleted(&mut self, id: EntityId, fact: &Fact) {
        let service = self.state.topology.object(id).and_then(|row| row.service);
        let asker = self.state.topology.asker_of(id);
        self.gone(id);
        self.asks_no_more(id, asker);
        self.lease_gone(id);
        self.state.topology.change(id, self.now, |row| {
            row.is_gone = true;
            row.uid = fact.object.uid.clone();
        });
        self.state.topology.hear(id, self.now, |heard| heard.remember(fact.id));
        if let Some(service) = service {
            self.judge_endpoints(service);
        }
        self.bound_objects();
    }

    /// A Job tries again when a pod of it ends badly: the first that does so is a note, unless it tells of what will
    /// not be better the next time.
    fn severity_of(&self, pod: EntityId, workload: EntityId, report: &ObjectReport, problem: &Problem<'_>) -> Severity {
        let is_of_job = report.owner.as_ref().is_some_and(|owner| &*owner.kind == "Job");
        let may_pass = problem.rule.class == Class::Converging && &*report.phase == "Failed";
        let signal = self.state.known_signal(&problem.rule.code);
        let others = signal.map_or(0, |signal| {
            let key = EpisodeKey { entity: workload, signal };
            let others = self.state.some_objects_of(key).into_iter().filter(|other| *other != pod);
            others
                .filter(|other| self.state.symptoms.get(&(key, *other)).is_some_and(|symptom| symptom.failing))
                .count()
        });
        if is_of_job && may_pass && others == 0 { Severity::P5 } else { problem.rule.severity }
    }

    /// The registry of the image of the container that shows a problem.
    fn registry_of(&mut self, problem: &Problem) -> Vec<(Relation, EntityId)> {
        let named = image_in(&problem.message);
        let registry = registry_of(named.unwrap_or(&problem.image));
        let names = &mut self.state.topology.names;
        registry.iter().map(|registry| (Relation::Registry, names.intern_parts("Registry", "", registry))).collect()
    }

    fn has_its_replicas(&self, workload: EntityId) -> bool {
        self.state.topology.object(workload).and_then(|row| row.replicas).is_some_and(|r| r.ready >= r.desired)
    }

    /// A pod is ready: whatever it showed by events or state has been well since then, save what its state still shows.
    fn well(&mut self, pod: EntityId, workload: EntityId, since: Time, still: &[Text]) {
        for key in self.state.on_entity(workload) {
            if !still.contains(&self.state.code(key.signal)) && !self.is_told_by_alerts_only(key) {
                self.heal(key, pod, since);
            }
        }
    }

    /// A claim has its volume: whatever kept it from one is over, though no event may have told so.
    fn has_its_volume(&mut self, claim: EntityId) {
        let catalogue = self.catalogue.clone();
        for rule in catalogue.healed_by(PROVISIONED) {
            if let Some(signal) = self.state.known_signal(&rule.code) {
                self.heal(EpisodeKey { entity: claim, signal }, claim, self.now);
            }
        }
    }

    /// A pod that is ready is a replica, whatever its workload said before.
    fn has_a_replica(&mut self, workload: EntityId, since: Time) {
        let catalogue = self.catalogue.clone();
        let Some(kind) = self.state.topology.names.peek(workload).map(|name| name.kind.clone()) else { return };
        let Some(reading) = catalogue.read_sign(NO_REPLICAS, &kind, "") else { return };
        if let Some(signal) = self.state.known_signal(&reading.rule.code) {
            self.heal(EpisodeKey { entity: workload, signal }, workload, since);
        }
    }

    /// A workload has all of its replicas, of its newest revision: what its pods showed is over, also what pods showed
    /// that stay as records of their failure.
    fn workload_complete(&mut self, id: EntityId, still: &[Text]) {
        let workload = self.state.topology.workload_of(id);
        for key in self.state.on_entity(workload) {
            if still.contains(&self.state.code(key.signal)) || self.is_told_by_alerts_only(key) {
                continue;
            }
            for object in self.state.objects_of(key) {
                if !self.is_found(object, key.signal) {
                    self.heal(key, object, self.now);
                }
            }
        }
        self.replaced(id);
    }

    /// A workload has as many ready replicas as it should: what it showed through pods that are gone is over.
    fn replaced(&mut self, id: EntityId) {
        let workload = self.state.topology.workload_of(id);
        for key in self.state.on_entity(workload) {
            let row = self.state.episodes.get(&key);
            if row.is_some_and(|row| row.failing == 0 && row.healing_since.is_none() && !row.inferred) {
                self.begin_healing(key, self.now);
            }
        }
    }

    /// Whether only alerts tell of an episode: they alone tell its end then.
    fn is_told_by_alerts_only(&self, key: EpisodeKey) -> bool {
        self.state.episodes.get(&key).is_some_and(|row| row.sources == [Source::Alerts])
    }

    /// A state shows a signal no longer. What a condition tells is over when the condition is: as long as it goes on for
    /// another reason, as what a pod waits for changes with what is free, nothing is well; unless that reason is told only
    /// of who is past the former one.
    fn shown_no_more(&mut self, key: EpisodeKey, object: EntityId, still: &[Text]) {
        let catalogue = self.catalogue.clone();
        let code = self.state.code(key.signal);
        let goes_on = |other: &str| catalogue.share_condition(&code, other) && !catalogue.is_past(&code, other);
        if still.iter().any(|other| goes_on(other)) {
            return;
        }
        for other in self.state.on_entity(key.entity) {
            let shown = self.state.peek_code(other.signal);
            if other == key || goes_on(shown) {
                self.heal(other, object, self.now);
            }
        }
    }

    fn is_told_by_condition(&self, code: &str) -> bool {
        let rule = self.catalogue.rule(code);
        rule.is_some_and(|rule| rule.matches.iter().any(|m| matches!(m, Match::Condition { .. } | Match::State { .. })))
    }

    /// An object is gone, and speaks no more.
    pub(crate) fn gone(&mut self, id: EntityId) {
        let workload = self.state.topology.workload_of(id);
        let lacks_replicas = workload != id
            && self.state.topology.object(workload).and_then(|row| row.replicas).is_some_and(|r| r.ready < r.desired);
        for key in self.state.on_entity(workload) {
            let Some(symptom) = self.state.symptoms.get(&(key, id)).filter(|symptom| symptom.failing) else { continue };
            let mut healed = symptom.clone();
            healed.failing = false;
            healed.by_state = false;
            self.state.put_symptom(key, id, healed);
            self.state.touch_episode(key, |episode| episode.failing = episode.failing.saturating_sub(1));
            let is_last = self.state.episodes.get(&key).is_some_and(|episode| episode.failing == 0);
            if is_last && !lacks_replicas {
                self.end(key);
            }
        }
        if workload == id {
            self.state.on_entity(id).into_iter().for_each(|key| self.end(key));
        }
        self.state.topology.bury(id, self.now);
    }

    /// A list has ended: objects of its kind that it lacked are gone.
    pub(crate) fn list_ended(&mut self, kind: &Text) {
        let Some(begun) = self.state.brackets.get(kind).copied() else { return };
        for (id, seen_at) in self.state.topology.of_kind(kind) {
            if seen_at < begun {
                self.gone(id);
            }
        }
        self.state.brackets.remove(kind);
    }

    /// Forgets an object, with what it asked for and its Lease.
    fn forget(&mut self, id: EntityId) {
        let asker = self.state.topology.asker_of(id);
        for asking in [asker, id] {
            if self.state.asking.of(asking).is_some_and(|asks| asks.by == id) {
                self.state.asking.forget(&mut self.state.topology.names, asking);
            }
        }
        self.lease_gone(id);
        self.state.topology.remove(id);
    }

    /// Forgets what was not heard of for longest, beyond the limit; what shows a signal is kept.
    pub(crate) fn bound_objects(&mut self) {
        let max = self.limits().objects_max as usize;
        let mut kept = 0;
        while self.state.topology.len() > max && kept < 64 {
            let Some(id) = self.state.topology.stalest() else { return };
            let workload = self.state.topology.workload_of(id);
            match self.state.on_entity(workload).is_empty() {
                true => self.forget(id),
                false => {
                    self.state.topology.touch(id, self.now);
                    kept += 1;
                }
            }
        }
    }

    /// What makes pods is heard of: what only they had told of goes to it.
    pub(crate) fn stands_for_itself(&mut self, kind: &str, namespace: &str, name: &str) {
        for stand_in in self.state.topology.stand_ins(kind, namespace, name) {
            if !self.state.on_entity(stand_in).is_empty() {
                let is = self.state.topology.names.intern_parts(kind, namespace, name);
                self.renamed(stand_in, stand_in, is);
            }
        }
    }

    /// An object belongs to something else than was thought: what was told of it by then moves there.
    pub(crate) fn renamed(&mut self, id: EntityId, was: EntityId, is: EntityId) {
        let is_guess = !self.state.topology.object(was).is_some_and(|row| row.has_state);
        if was == is || !(was == id || is_guess) {
            return;
        }
        for old in self.state.on_entity(was) {
            self.move_episode(old, EpisodeKey { entity: is, signal: old.signal });
        }
    }
}

/// What has to be known of an object as it was before a report.
struct Before {
    /// Whether its state was known, and it was not gone.
    is_there: bool,
    replicas: Option<Replicas>,
    problems: Vec<EntityId>,
}

impl Before {
    fn of(row: Option<&ObjectRow>) -> Self {
        let is_there = row.is_some_and(|row| row.has_state && !row.is_gone);
        let problems = row.map(|row| row.problems.clone()).unwrap_or_default();
        Self { is_there, replicas: row.and_then(|row| row.replicas), problems }
    }
}

/// Whether a workload is meant to run.
fn wants(replicas: Replicas) -> bool {
    replicas.desired > 0
}

/// Whether a rollout made a step. A thousand nodes take an hour, and one of them always lacks its pod: kubernetes-mixin
/// too speaks of a rollout only where the count of updated replicas stands still (`facts/alerts.csv`).
fn rolls_on((before, now): (Replicas, Replicas)) -> bool {
    before.updated != now.updated
}

/// Whether a node says that it is ready.
fn is_ready_node(report: &ObjectReport) -> bool {
    report.conditions.iter().any(|condition| &*condition.kind == "Ready" && &*condition.status == "True")
}
