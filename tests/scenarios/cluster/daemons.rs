//! The DaemonSet controller: one pod on each node.

use super::Cluster;
use super::event::{Emitter, normal, warning};
use super::id::Id;
use serde_json::json;
use std::collections::BTreeSet;

impl Cluster {
    /// The nodes on which a DaemonSet's pods belong.
    pub(crate) fn daemon_nodes(&self, id: &Id) -> Vec<String> {
        let Some(workload) = self.workloads.get(id).filter(|_| id.kind == "DaemonSet") else { return Vec::new() };
        let tolerant = workload.template().tolerates_everything;
        let fits = |node: &&super::node::Node| tolerant || (node.taints.is_empty() && !node.unschedulable);
        self.nodes.values().filter(fits).map(|node| node.name.clone()).collect()
    }

    /// Makes what is missing, and replaces one pod of an old revision at a time.
    pub(crate) fn turn_daemon_set(&mut self, id: &Id) {
        let Some(workload) = self.workloads.get(id).cloned() else { return };
        let revision = workload.current().clone();
        let emitter = Emitter::controller("daemonset-controller");
        let wanted = self.daemon_nodes(id);
        let place = |pod: &super::pod::Pod| match pod.node.is_empty() {
            true => pod.template.affinity.as_ref().map_or(String::new(), node_of),
            false => pod.node.clone(),
        };
        let failed = self
            .pods_in(&id.namespace)
            .find(|pod| pod.workload == *id && pod.phase == "Failed" && pod.deleting.is_none());
        if let Some(pod) = failed.map(|pod| pod.id.clone()) {
            let message =
                format!("Found failed daemon pod {}/{} on node, will try to kill it", pod.namespace, pod.name);
            self.event(&emitter, id, &workload.uid, warning("FailedDaemonPod", message));
            self.delete_pod(&pod);
        }
        let have: BTreeSet<String> = self.pods_in(&id.namespace).filter(|pod| pod.workload == *id).map(place).collect();
        for node in wanted.iter().filter(|node| !have.contains(*node)) {
            let name = self.free_pod_name(&id.namespace, &id.name);
            let mut revision = revision.clone();
            if let Err(why) = self.admit(&id.namespace, &name, &id.name, &revision.template) {
                self.event(&emitter, id, &workload.uid, warning("FailedCreate", format!("Error creating: {why}")));
                let again = id.clone();
                return self.after(30, move |cluster| cluster.touch(&again));
            }
            revision.template.affinity = Some(
                json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
                {"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}]}}}),
            );
            self.create_pod(&workload, &revision, &name);
        }
        if self.on_delete.contains(id) {
            return;
        }
        // At most one node may be without a pod that serves; what does not serve anyhow is replaced first.
        let serving: BTreeSet<String> =
            self.pods_in(&id.namespace).filter(|pod| pod.workload == *id && pod.serves()).map(place).collect();
        let busy = wanted.iter().any(|node| !serving.contains(node));
        let is_old = |pod: &&super::pod::Pod| pod.workload == *id && pod.hash != revision.hash && pod.is_active();
        let idle = self.pods_in(&id.namespace).filter(is_old).find(|pod| !pod.serves());
        let old = idle.or_else(|| self.pods_in(&id.namespace).find(is_old).filter(|_| !busy));
        let is_complete = !self.pods_in(&id.namespace).any(|pod| is_old(&pod));
        match old.map(|pod| pod.id.clone()) {
            Some(pod) => {
                let message = format!("Deleted pod: {}", pod.name);
                self.event(&emitter, id, &workload.uid, normal("SuccessfulDelete", message));
                self.delete_pod(&pod);
            }
            None => {
                if let Some(workload) = self.workloads.get_mut(id).filter(|_| is_complete) {
                    workload.complete = true;
                }
            }
        }
    }
}

fn node_of(affinity: &serde_json::Value) -> String {
    let terms = &affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"];
    terms[0]["matchFields"][0]["values"][0].as_str().unwrap_or_default().to_owned()
}
