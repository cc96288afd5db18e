//! The StatefulSet controller: pods in order, one after the other.

use super::Cluster;
use super::event::{Emitter, warning};
use super::id::Id;

impl Cluster {
    /// Makes the next pod, or replaces one of an old revision.
    pub(crate) fn turn_stateful_set(&mut self, id: &Id) {
        let Some(workload) = self.workloads.get(id).cloned() else { return };
        let revision = workload.current().clone();
        let emitter = Emitter::controller("statefulset-controller");
        for ordinal in 0..workload.replicas {
            let name = format!("{}-{ordinal}", id.name);
            let key = Id::new("Pod", &id.namespace, &name);
            match self.pods.get(&key) {
                None => {
                    self.claim_for(&workload, &name);
                    if let Err(why) = self.admit(&id.namespace, &name, &id.name, &revision.template) {
                        let message = format!("create Pod {name} in StatefulSet {} failed error: {why}", id.name);
                        self.event(&emitter, id, &workload.uid, warning("FailedCreate", message));
                        let again = id.clone();
                        return self.after(20, move |cluster| cluster.touch(&again));
                    }
                    self.create_pod(&workload, &revision, &name);
                    return;
                }
                Some(pod) if pod.phase == "Failed" && pod.deleting.is_none() => {
                    let message = format!("StatefulSet {}/{} is recreating failed Pod {name}", id.namespace, id.name);
                    self.event(&emitter, id, &workload.uid, warning("RecreatingFailedPod", message));
                    return self.delete_pod(&key);
                }
                Some(pod) if !pod.serves() => return,
                Some(_) => {}
            }
        }
        let surplus = self.pods_of(id).into_iter().filter(|pod| ordinal(&pod.name) >= workload.replicas);
        if let Some(pod) = surplus.max_by_key(|pod| ordinal(&pod.name)) {
            return self.delete_pod(&pod);
        }
        let old = self.pods_in(&id.namespace).filter(|pod| pod.workload == *id && pod.hash != revision.hash);
        let old = old.map(|pod| pod.id.clone()).max_by_key(|pod| ordinal(&pod.name));
        match old {
            Some(pod) => self.delete_pod(&pod),
            None => {
                if let Some(workload) = self.workloads.get_mut(id) {
                    workload.complete = true;
                }
            }
        }
    }
}

fn ordinal(name: &str) -> i64 {
    name.rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}
