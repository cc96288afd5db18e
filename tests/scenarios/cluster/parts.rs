//! Pods as parts of a workload: made, shown, taken away.

use super::Cluster;
use super::event::{Emitter, normal};
use super::id::Id;
use super::moment::SECOND;
use super::pod::{Pod, Run, State};
use super::recording::{Notice, Source};
use super::template::Volume;
use super::workload::{Revision, Workload};

impl Cluster {
    /// A pod that does not exist yet.
    pub(crate) fn new_pod(&mut self, workload: &Workload, revision: &Revision, name: &str) -> Pod {
        let mut template = revision.template.clone();
        for volume in &mut template.volumes {
            if let Volume::Claim(claim) = volume
                && workload.claims.iter().any(|of| of.name == *claim)
            {
                *claim = format!("{claim}-{name}");
            }
        }
        let id = Id::new("Pod", &workload.id.namespace, name);
        self.census.insert(id.clone(), workload.parent.as_ref().map_or(&workload.id, |(parent, _)| parent).clone());
        let waiting = if template.init.is_empty() { "ContainerCreating" } else { "PodInitializing" };
        Pod {
            uid: self.random.uid(),
            created: self.now,
            owner: Some(workload.pod_owner(revision)),
            workload: workload.id.clone(),
            hash: revision.hash.clone(),
            node: String::new(),
            ip: String::new(),
            phase: "Pending",
            reason: "",
            message: String::new(),
            unschedulable: None,
            scheduled: None,
            started: None,
            sandbox: None,
            initialized: None,
            ready: false,
            ready_since: self.now,
            containers: template.containers.iter().map(|_| Run::waiting(waiting)).collect(),
            init: template.init.iter().map(|_| Run::waiting("PodInitializing")).collect(),
            deleting: None,
            disrupted: None,
            turn: 0,
            backoff_secs: 10,
            complaint: None,
            calls: Vec::new(),
            mounted: false,
            template,
            id,
        }
    }

    /// Makes a pod for real: the API server takes it, and the scheduler looks at it.
    pub(crate) fn create_pod(&mut self, workload: &Workload, revision: &Revision, name: &str) -> Id {
        let pod = self.new_pod(workload, revision, name);
        let id = pod.id.clone();
        self.pods.insert(id.clone(), pod);
        self.show_pod(&id, Notice::Added);
        let (controller, message) = match workload.id.kind.as_str() {
            "Deployment" => ("replicaset-controller", format!("Created pod: {name}")),
            "DaemonSet" => ("daemonset-controller", format!("Created pod: {name}")),
            "Job" => ("job-controller", format!("Created pod: {name}")),
            _ => {
                let set = &workload.id.name;
                ("statefulset-controller", format!("create Pod {name} in StatefulSet {set} successful"))
            }
        };
        let (owner, uid) = workload.pod_owner(revision);
        self.event(&Emitter::controller(controller), &owner, &uid, normal("SuccessfulCreate", message));
        let key = id.clone();
        self.after_ms(60, move |cluster| cluster.schedule(&key));
        id
    }

    /// Shows a pod to whoever watches.
    pub(crate) fn show_pod(&mut self, id: &Id, notice: Notice) {
        if !self.recording {
            return;
        }
        let Some(pod) = self.pods.get(id) else { return };
        let mut json = pod.json();
        json["metadata"]["resourceVersion"] = self.next_version().into();
        self.notice(Source::Objects, notice, &json, 20);
    }

    /// A pod has changed: it is shown, and its workload and Services take notice.
    pub(crate) fn pod_changed(&mut self, id: &Id) {
        self.show_pod(id, Notice::Modified);
        let Some(pod) = self.pods.get(id) else { return };
        let (workload, labels) = (pod.workload.clone(), pod.labels());
        self.touch(&workload);
        self.touch_services(&id.namespace.clone(), &labels);
    }

    /// Asks for a pod to go: its kubelet stops it in some seconds, unless nobody is there to do it.
    pub(crate) fn delete_pod(&mut self, id: &Id) {
        let now = self.now;
        let Some(pod) = self.pods.get_mut(id) else { return };
        if pod.deleting.is_some() {
            return;
        }
        let (node, uid, ran) = (pod.node.clone(), pod.uid.clone(), pod.started.is_some());
        let finished = matches!(pod.phase, "Failed" | "Succeeded");
        pod.deleting = Some(now + pod.template.grace_secs * SECOND);
        pod.turn += 1;
        let name = pod.template.containers[0].name.clone();
        let running = pod.containers.iter().any(|run| matches!(run.state, State::Running(_)));
        self.pod_changed(id);
        if node.is_empty() || finished || !ran {
            let id = id.clone();
            return self.after_ms(400, move |cluster| cluster.remove_pod(&id));
        }
        if !self.nodes.get(&node).is_some_and(|node| node.is_alive) {
            return;
        }
        if running {
            let said = normal("Killing", format!("Stopping container {name}")).of_container(&name);
            self.event(&Emitter::kubelet(&node), id, &uid, said);
        }
        let (id, secs) = (id.clone(), self.random.range(1, 5));
        self.after(secs, move |cluster| cluster.remove_pod(&id));
    }

    /// A pod is gone.
    pub(crate) fn remove_pod(&mut self, id: &Id) {
        let Some(pod) = self.pods.remove(id) else { return };
        let mut json = pod.json();
        json["metadata"]["resourceVersion"] = self.next_version().into();
        self.notice(Source::Objects, Notice::Deleted, &json, 20);
        self.touch(&pod.workload);
        self.touch_services(&id.namespace, &pod.labels());
        self.capacity_changed();
    }

    /// The pods of a namespace.
    pub(crate) fn pods_in<'c>(&'c self, namespace: &'c str) -> impl Iterator<Item = &'c Pod> + use<'c> {
        let from = Id::new("Pod", namespace, "");
        self.pods.range(from..).map(|(_, pod)| pod).take_while(move |pod| pod.id.namespace == namespace)
    }

    /// The pods of a workload.
    pub(crate) fn pods_of(&self, workload: &Id) -> Vec<Id> {
        self.pods_in(&workload.namespace).filter(|pod| pod.workload == *workload).map(|pod| pod.id.clone()).collect()
    }

    /// The pods on a node.
    pub(crate) fn pods_on(&self, node: &str) -> Vec<Id> {
        self.pods.values().filter(|pod| pod.node == node).map(|pod| pod.id.clone()).collect()
    }
}
