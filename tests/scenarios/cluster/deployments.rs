//! The Deployment and ReplicaSet controllers.

use super::Cluster;
use super::event::{Emitter, normal, warning};
use super::id::Id;
use super::moment::SECOND;
use super::workload::Workload;

/// `progressDeadlineSeconds`, as the API server fills it in.
const PROGRESS_DEADLINE_SECS: i64 = 600;

impl Cluster {
    /// Moves replicas from old revisions to the newest, and makes or takes pods.
    pub(crate) fn turn_deployment(&mut self, id: &Id) {
        let Some(mut workload) = self.workloads.get(id).cloned() else { return };
        self.move_replicas(&mut workload);
        self.workloads.insert(id.clone(), workload.clone());
        for at in 0..workload.revisions.len() {
            self.turn_replica_set(id, at);
        }
        self.note_progress(id);
    }

    fn move_replicas(&mut self, workload: &mut Workload) {
        let (replicas, last) = (workload.replicas, workload.revisions.len() - 1);
        let old: i64 = workload.revisions[..last].iter().map(|revision| revision.desired).sum();
        let of = &workload.id;
        let ready = |hash: &str| {
            let serves = |pod: &&super::pod::Pod| pod.workload == *of && pod.hash == hash && pod.serves();
            self.pods_in(&of.namespace).filter(serves).count() as i64
        };
        let ready: Vec<i64> = workload.revisions.iter().map(|revision| ready(&revision.hash)).collect();
        let before: Vec<i64> = workload.revisions.iter().map(|revision| revision.desired).collect();
        let surge = (replicas + 3) / 4;
        let room = if old == 0 {
            replicas
        } else {
            // An autoscaler may have taken replicas away in the meantime.
            (replicas + surge - old).clamp(workload.revisions[last].desired.min(replicas), replicas)
        };
        workload.revisions[last].desired = room.min(replicas);
        // Old revisions go as far as enough stays available; what is not ready goes first.
        let available: i64 = ready.iter().sum();
        let keep = replicas - replicas / 4;
        let missing = workload.revisions[last].desired - ready[last];
        let mut allowed = workload.revisions[last].desired + old - keep - missing;
        let mut spare = available - keep;
        for (revision, ready) in workload.revisions[..last].iter_mut().zip(&ready) {
            let unready = (revision.desired - ready).clamp(0, allowed.max(0));
            allowed -= unready;
            let more = (revision.desired - unready).min(allowed.max(0)).min(spare.max(0));
            (allowed, spare) = (allowed - more, spare - more);
            revision.desired -= (unready + more).min(revision.desired);
        }
        for (revision, before) in workload.revisions.iter().zip(before) {
            let way = if revision.desired > before { "up" } else { "down" };
            if revision.desired != before {
                let (name, to) = (format!("{}-{}", workload.id.name, revision.hash), revision.desired);
                let message = match before {
                    0 => format!("Scaled {way} replica set {name} to {to}"),
                    from => format!("Scaled {way} replica set {name} to {to} from {from}"),
                };
                let emitter = Emitter::controller("deployment-controller");
                self.event(&emitter, &workload.id, &workload.uid, normal("ScalingReplicaSet", message));
            }
        }
    }

    fn turn_replica_set(&mut self, id: &Id, at: usize) {
        let Some(workload) = self.workloads.get(id).cloned() else { return };
        let Some(revision) = workload.revisions.get(at).cloned() else { return };
        let of_set = |pod: &&super::pod::Pod| pod.workload == *id && pod.hash == revision.hash && pod.is_active();
        let mut pods: Vec<_> =
            self.pods_in(&id.namespace).filter(of_set).map(|pod| (pod.ready, -pod.created, pod.id.clone())).collect();
        pods.sort();
        let (owner, uid) = workload.pod_owner(&revision);
        let have = pods.len() as i64;
        let emitter = Emitter::controller("replicaset-controller");
        for (_, _, pod) in pods.iter().take((have - revision.desired).max(0) as usize) {
            let message = format!("Deleted pod: {}", pod.name);
            self.event(&emitter, &owner, &uid, normal("SuccessfulDelete", message));
            self.delete_pod(pod);
        }
        if have >= revision.desired {
            self.set_failure(id, at, None);
            return;
        }
        if self.now < revision.retry_at {
            return;
        }
        for _ in have..revision.desired {
            let name = self.free_pod_name(&id.namespace, &owner.name);
            match self.admit(&id.namespace, &name, &owner.name, &revision.template) {
                Ok(()) => {
                    self.create_pod(&workload, &revision, &name);
                    self.set_failure(id, at, None);
                }
                Err(why) => {
                    let message = format!("Error creating: {why}");
                    self.event(&emitter, &owner, &uid, warning("FailedCreate", message));
                    self.set_failure(id, at, Some(why));
                    let again = id.clone();
                    self.after(revision.retry_secs, move |cluster| cluster.touch(&again));
                    break;
                }
            }
        }
    }

    fn set_failure(&mut self, id: &Id, at: usize, failure: Option<String>) {
        let now = self.now;
        let Some(revision) = self.workloads.get_mut(id).and_then(|workload| workload.revisions.get_mut(at)) else {
            return;
        };
        match &failure {
            Some(_) => {
                revision.retry_at = now + revision.retry_secs * SECOND;
                revision.retry_secs = (revision.retry_secs * 2).min(1000);
            }
            None => revision.retry_secs = 1,
        }
        revision.failure = failure;
    }

    /// Whether the rollout moves, is done, or has missed its deadline.
    fn note_progress(&mut self, id: &Id) {
        let now = self.now;
        let Some(workload) = self.workloads.get(id) else { return };
        let newest = &workload.current().hash;
        let of_newest = |pod: &&super::pod::Pod| pod.workload == *id && pod.hash == *newest && pod.is_active();
        let updated = self.pods_in(&id.namespace).filter(of_newest).count() as i64;
        let ready = self.pods_in(&id.namespace).filter(of_newest).filter(|pod| pod.serves()).count() as i64;
        let old = self
            .pods_in(&id.namespace)
            .filter(|pod| pod.workload == *id && pod.hash != *newest && pod.is_active())
            .count();
        let all_ready = self.pods_in(&id.namespace).filter(|pod| pod.workload == *id && pod.serves()).count() as i64;
        let Some(workload) = self.workloads.get_mut(id) else { return };
        let keep = workload.replicas - workload.replicas / 4;
        workload.unavailable_since = match all_ready < keep {
            true => workload.unavailable_since.or(Some(now)),
            false => None,
        };
        if workload.complete {
            return;
        }
        if updated > workload.progress.0 || ready > workload.progress.1 {
            workload.progress = (updated.max(workload.progress.0), ready.max(workload.progress.1));
            workload.progressed = now;
            workload.stalled = false;
            let again = id.clone();
            self.after(PROGRESS_DEADLINE_SECS + 1, move |cluster| cluster.touch(&again));
        } else if now - workload.progressed > PROGRESS_DEADLINE_SECS * SECOND {
            workload.stalled = true;
        }
        if let Some(workload) = self.workloads.get_mut(id)
            && old == 0
            && ready >= workload.replicas
        {
            workload.complete = true;
            workload.stalled = false;
            workload.progressed = now;
        }
    }
}
