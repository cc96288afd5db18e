//! What object states say: topology, and the signals that a state shows.

use crate::catalogue::registry_of;
use crate::episode::EpisodeKey;
use crate::problems::{Problem, problems};
use crate::topology::{ObjectRow, is_ready};
use crate::turn::{Report, Turn};
use bellbuoy_core::Text;
use bellbuoy_core::fact::{Fact, Source};
use bellbuoy_core::incident::Evidence;
use bellbuoy_core::intern::EntityId;
use bellbuoy_core::object::Entity;
use bellbuoy_core::report::{Condition, ContainerState, ObjectReport, Replicas};
use bellbuoy_core::rules::{Match, Relation};
use bellbuoy_core::sign::NO_REPLICAS;
use bellbuoy_core::time::{Interval, Time};

impl Turn<'_, '_> {
    /// Takes an object's state in.
    pub(crate) fn object(&mut self, fact: &Fact, report: &ObjectReport) {
        let id = self.state.topology.id(&fact.object);
        let before = self.state.topology.object(id).cloned().unwrap_or_default();
        if before.knows(fact.id) {
            // It is there, which is what a list wants to know; it has nothing new to say.
            self.state.topology.touch(id, self.now);
            return;
        }
        let is_other = !before.uid.is_empty() && !fact.object.uid.is_empty() && before.uid != fact.object.uid;
        if self.late && before.stated_at > fact.observed_at || report.deleted && is_other && !before.is_gone {
            // What is newer is known already, or another object of the same name has taken its place.
            return;
        }
        if report.deleted {
            let service = before.service;
            let asker = self.state.topology.asker_of(id);
            self.gone(id);
            self.asks_no_more(id, asker);
            self.lease_gone(id);
            let now = self.now;
            self.state.topology.change(id, now, |row| {
                row.is_gone = true;
                row.uid = fact.object.uid.clone();
                row.remember(fact.id);
            });
            if let Some(service) = service {
                self.judge_endpoints(service);
            }
            self.bound_objects();
            return;
        }
        let kind = &*fact.object.kind;
        let catalogue = self.catalogue.clone();
        let entity = fact.object.entity();
        let problems = problems(&catalogue, &entity, report, self.now);
        if is_other {
            // The same name, another object: what the former one showed went with it.
            self.gone(id);
        }
        let before_has_state = before.has_state && !before.is_gone;
        let mut row = self.row(fact, report, &problems);
        row.recent = before.recent.clone();
        row.remember(fact.id);
        let (owner_known, row_ready) = (row.owner.is_some(), row.is_ready);
        let was = self.state.topology.workload_of(id);
        self.state.topology.put(id, row);
        let workload = self.state.topology.workload_of(id);
        self.renamed(id, was, workload);
        self.take_asks(id, fact, report);
        if !before_has_state || self.wants_other_replicas(&before, report) {
            self.judge_with_dependents(id);
        }
        if kind == "Pod" && owner_known {
            self.state.topology.learn_owner(&fact.object.entity(), workload);
        }
        let still: Vec<Text> = problems.iter().map(|problem| problem.rule.code.clone()).collect();
        let evidence = Evidence { fact: fact.id, observed_at: fact.observed_at };
        for problem in &problems {
            let since = problem.since.filter(|since| *since <= fact.observed_at);
            let occurred =
                since.map_or(fact.occurred, |since| Interval { from: since, to: fact.occurred.to.max(since) });
            let hubs = self.registry_of(problem);
            self.report(Report {
                object: id,
                code: problem.rule.code.clone(),
                rule: problem.rule,
                severity: problem.rule.severity,
                occurred,
                message: &problem.message,
                source: Source::Objects,
                evidence,
                repeats: None,
                lasted: problem.lasted,
                names: problem.names.clone(),
                hubs,
            });
            if let Some(since) = problem.runs_since.filter(|_| row_ready) {
                let signal = self.state.signal(&problem.rule.code);
                self.heal(EpisodeKey { entity: workload, signal }, id, since);
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
                self.heal(EpisodeKey { entity: workload, signal }, id, self.now);
            }
        }
        if kind == "Pod" && row_ready {
            let since = ready_since(report).unwrap_or(self.now);
            self.well(id, workload, since, &still);
            self.has_a_replica(workload, since);
        }
        let has_completed = |c: &Condition| &*c.kind == "Complete" && &*c.status == "True";
        // A ReplicaSet of a Deployment says nothing of the whole; one that stands alone has no revisions to count.
        let is_set = matches!(kind, "ReplicaSet" | "ReplicationController");
        let replicas = report.replicas.filter(|_| !(is_set && owner_known));
        let has_all = replicas.is_some_and(|r| r.ready >= r.desired);
        let is_newest = is_set || replicas.is_some_and(|r| r.updated >= r.desired);
        if has_all && is_newest || kind == "Job" && report.conditions.iter().any(has_completed) {
            self.workload_complete(id, &still);
        } else if has_all {
            self.replaced(id);
        }
        match kind {
            "Service" | "EndpointSlice" | "Endpoints" => self.endpoints_changed(id, fact, report, !before_has_state),
            "Lease" => self.lease_renewed(id, fact, report),
            _ => {}
        }
        self.bound_objects();
    }

    fn row(&mut self, fact: &Fact, report: &ObjectReport, problems: &[Problem]) -> ObjectRow {
        let names = &mut self.state.topology.names;
        let namespace = &fact.object.namespace;
        let owner = report.owner.as_ref().map(|owner| names.intern(&Entity::new(&owner.kind, namespace, &owner.name)));
        let node = (!report.node.is_empty()).then(|| names.intern(&Entity::new("Node", "", &report.node)));
        let mut images: Vec<_> =
            report.containers.iter().filter(|c| !c.image.is_empty()).map(|c| names.intern(&image(&c.image))).collect();
        images.dedup();
        let mut registries: Vec<_> = report.containers.iter().filter_map(|c| registry_of(&c.image)).collect();
        registries.sort();
        registries.dedup();
        let registries = match &*fact.object.kind {
            "Pod" => registries.iter().map(|registry| names.intern(registry)).collect(),
            _ => Vec::new(),
        };
        let referred = report.references.iter().take(crate::episode::HUBS_MAX);
        let references = referred.map(|r| names.intern(&Entity::new(&r.kind, namespace, &r.name))).collect();
        let service =
            (!report.service.is_empty()).then(|| names.intern(&Entity::new("Service", namespace, &report.service)));
        let problems = problems.iter().map(|problem| names.intern(&Entity::new("Signal", "", &problem.rule.code)));
        ObjectRow {
            uid: fact.object.uid.clone(),
            seen_at: self.now,
            recent: Vec::new(),
            is_gone: false,
            has_state: true,
            stated_at: fact.observed_at,
            owner,
            node,
            images,
            references,
            service,
            labels: if &*fact.object.kind == "Pod" { report.labels.clone() } else { Vec::new() },
            selector: report.selector.clone(),
            endpoints: report.endpoints,
            replicas: report.replicas,
            problems: problems.collect(),
            is_ready: is_ready(report),
            ready_since: ready_since(report),
            registries,
            startup_secs: report.containers.iter().map(|container| container.startup_secs).max().unwrap_or(0),
        }
    }

    /// The registry of the image of the container that shows a problem.
    fn registry_of(&mut self, problem: &Problem) -> Vec<(Relation, EntityId)> {
        let named = crate::catalogue::image_in(&problem.message);
        let registry = registry_of(named.unwrap_or(&problem.image));
        let names = &mut self.state.topology.names;
        registry.iter().map(|registry| (Relation::Registry, names.intern(registry))).collect()
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

    /// Whether a workload begins or ceases to be meant to run.
    fn wants_other_replicas(&self, before: &ObjectRow, report: &ObjectReport) -> bool {
        let wants = |replicas: Option<Replicas>| replicas.map(|replicas| replicas.desired > 0);
        wants(before.replicas) != wants(report.replicas)
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

    fn is_told_by_condition(&self, code: &str) -> bool {
        let rule = self.catalogue.rule(code);
        rule.is_some_and(|rule| rule.matches.iter().any(|m| matches!(m, Match::Condition { .. })))
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

    /// Forgets what was not heard of for longest, beyond the limit; what shows a signal is kept.
    pub(crate) fn bound_objects(&mut self) {
        let max = self.limits().objects_max as usize;
        let mut kept = 0;
        while self.state.topology.len() > max && kept < 64 {
            let Some(id) = self.state.topology.stalest() else { return };
            let workload = self.state.topology.workload_of(id);
            match self.state.on_entity(workload).is_empty() {
                true => drop(self.state.topology.remove(id)),
                false => {
                    self.state.topology.touch(id, self.now);
                    kept += 1;
                }
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

fn image(reference: &str) -> Entity {
    Entity::new("Image", "", reference)
}

/// Since when a pod has been ready: its containers run, and its condition says so.
fn ready_since(report: &ObjectReport) -> Option<Time> {
    let main = report.containers.iter().filter(|container| !container.init);
    let runs = main.map(|container| match &container.state {
        ContainerState::Running { since } => *since,
        _ => None,
    });
    let runs = runs.collect::<Option<Vec<_>>>()?.into_iter().max();
    let ready = report.conditions.iter().find(|condition| &*condition.kind == "Ready").and_then(|ready| ready.since);
    runs.max(ready)
}
