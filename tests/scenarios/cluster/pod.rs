//! A pod: its state, and how the API server shows it.

use super::id::Id;
use super::moment::stamp;
use super::template::Template;
use serde_json::{Value, json};

/// How a container ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub code: i32,
    pub reason: &'static str,
    pub message: String,
    pub started: i64,
    pub finished: i64,
}

/// What a container does.
#[derive(Clone, Debug)]
pub(crate) enum State {
    Waiting(&'static str, String),
    Running(i64),
    Ended(Ended),
}

/// A container of a pod.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub state: State,
    pub last: Option<Ended>,
    pub restarts: i64,
    pub ready: bool,
}

impl Run {
    /// A container that does not run yet.
    pub(crate) fn waiting(reason: &'static str) -> Self {
        Self { state: State::Waiting(reason, String::new()), last: None, restarts: 0, ready: false }
    }
}

/// A pod.
#[derive(Clone, Debug)]
pub(crate) struct Pod {
    pub id: Id,
    pub uid: String,
    pub created: i64,
    /// The direct owner: a ReplicaSet, StatefulSet, DaemonSet, Job or Node; none for naked pods.
    pub owner: Option<(Id, String)>,
    /// The workload that a person would name.
    pub workload: Id,
    pub hash: String,
    pub template: Template,
    pub node: String,
    pub ip: String,
    pub phase: &'static str,
    pub reason: &'static str,
    pub message: String,
    /// Why the scheduler found no node.
    pub unschedulable: Option<(i64, String)>,
    pub scheduled: Option<i64>,
    pub started: Option<i64>,
    pub sandbox: Option<i64>,
    pub initialized: Option<i64>,
    pub ready: bool,
    pub ready_since: i64,
    pub containers: Vec<Run>,
    pub init: Vec<Run>,
    pub deleting: Option<i64>,
    /// Set when something disrupts the pod: the reason and the message of its condition.
    pub disrupted: Option<(&'static str, String, i64)>,
    /// Counts the turns of its life; what was planned for an older turn does not happen.
    pub turn: u64,
    /// Restart back-off in seconds.
    pub backoff_secs: i64,
    /// What its program says of its own health: an unready reason, else healthy.
    pub complaint: Option<String>,
    /// The addresses that its environment held when it was started.
    pub calls: Vec<super::calls::Address>,
    /// The volumes are mounted.
    pub mounted: bool,
}

impl Pod {
    /// `metadata.labels`.
    pub(crate) fn labels(&self) -> Vec<(String, String)> {
        let mut labels = self.template.labels.clone();
        if !self.hash.is_empty() {
            let key = match self.workload.kind.as_str() {
                "Deployment" => "pod-template-hash",
                "StatefulSet" | "DaemonSet" => "controller-revision-hash",
                _ => "controller-uid",
            };
            labels.push((key.to_owned(), self.hash.clone()));
        }
        if self.workload.kind == "StatefulSet" {
            labels.push(("statefulset.kubernetes.io/pod-name".to_owned(), self.id.name.clone()));
        }
        labels
    }

    /// Whether it carries a label.
    pub(crate) fn has_label(&self, key: &str, value: &str) -> bool {
        let own = self.template.labels.iter().any(|(k, v)| k == key && v == value);
        own || (key == "pod-template-hash" && value == self.hash)
    }

    /// Whether it counts as a replica: it neither goes nor has failed.
    pub(crate) fn is_active(&self) -> bool {
        self.deleting.is_none() && !matches!(self.phase, "Failed" | "Succeeded")
    }

    /// Whether requests may reach it.
    pub(crate) fn serves(&self) -> bool {
        self.ready && self.deleting.is_none()
    }

    fn condition(kind: &str, since: Option<i64>, otherwise: i64, reason: &str, message: &str) -> Value {
        let mut json = json!({"type": kind, "status": if since.is_some() { "True" } else { "False" },
            "lastProbeTime": null, "lastTransitionTime": stamp(since.unwrap_or(otherwise))});
        if since.is_none() {
            json["reason"] = json!(reason);
            json["message"] = json!(message);
        }
        json
    }

    fn conditions(&self) -> Vec<Value> {
        if let Some((since, message)) = &self.unschedulable {
            return vec![Self::condition("PodScheduled", None, *since, "Unschedulable", message)];
        }
        let (Some(scheduled), false) = (self.scheduled, self.reason == "Evicted" && self.started.is_none()) else {
            return Vec::new();
        };
        let mut conditions = Vec::new();
        if let Some((reason, message, since)) = &self.disrupted {
            conditions.push(json!({"type": "DisruptionTarget", "status": "True", "lastProbeTime": null,
                "lastTransitionTime": stamp(*since), "reason": reason, "message": message}));
        }
        let Some(started) = self.started else {
            conditions.push(Self::condition("PodScheduled", Some(scheduled), scheduled, "", ""));
            return conditions;
        };
        conditions.push(Self::condition("PodReadyToStartContainers", self.sandbox, started, "", ""));
        let not_initialized = self.template.init.iter().zip(&self.init).filter(|(_, run)| !run.ready);
        let names: Vec<&str> = not_initialized.map(|((container, _), _)| container.name.as_str()).collect();
        let incomplete = format!("containers with incomplete status: [{}]", names.join(" "));
        conditions.push(Self::condition(
            "Initialized",
            self.initialized,
            started,
            "ContainersNotInitialized",
            &incomplete,
        ));
        let ready = self.ready.then_some(self.ready_since);
        let unready = self.template.containers.iter().zip(&self.containers).filter(|(_, run)| !run.ready);
        let names: Vec<&str> = unready.map(|(container, _)| container.name.as_str()).collect();
        let (reason, message) = match self.phase {
            "Succeeded" => ("PodCompleted", String::new()),
            "Failed" => ("PodFailed", String::new()),
            _ => ("ContainersNotReady", format!("containers with unready status: [{}]", names.join(" "))),
        };
        // The node controller marks the pods of a lost node, and leaves the containers as they were.
        let lost = names.is_empty() && !self.ready && self.phase == "Running";
        if lost {
            conditions.push(json!({"type": "Ready", "status": "False", "lastProbeTime": null,
                "lastTransitionTime": stamp(self.ready_since)}));
            conditions.push(Self::condition("ContainersReady", Some(started), started, "", ""));
        } else {
            conditions.push(Self::condition("Ready", ready, self.ready_since, reason, &message));
            conditions.push(Self::condition("ContainersReady", ready, self.ready_since, reason, &message));
        }
        conditions.push(Self::condition("PodScheduled", Some(scheduled), scheduled, "", ""));
        conditions
    }

    fn status(&self) -> Value {
        let mut status = json!({"phase": self.phase, "conditions": self.conditions(), "qosClass": "Burstable"});
        if !self.reason.is_empty() {
            status["reason"] = json!(self.reason);
            status["message"] = json!(self.message);
        }
        if let Some(started) = self.started {
            status["hostIP"] = json!("10.0.0.10");
            status["startTime"] = json!(stamp(started));
            if self.sandbox.is_some() && !self.ip.is_empty() {
                status["podIP"] = json!(self.ip);
                status["podIPs"] = json!([{"ip": self.ip}]);
            }
            if !self.template.init.is_empty() {
                let init = self.template.init.iter().map(|(container, _)| container).zip(&self.init);
                status["initContainerStatuses"] =
                    init.map(|(container, run)| show(container, run, &self.uid)).collect();
            }
            let containers = self.template.containers.iter().zip(&self.containers);
            status["containerStatuses"] = containers.map(|(container, run)| show(container, run, &self.uid)).collect();
        }
        status
    }

    /// The whole object, without its resource version.
    pub(crate) fn json(&self) -> Value {
        let labels: serde_json::Map<_, _> = self.labels().into_iter().map(|(key, value)| (key, json!(value))).collect();
        let mut metadata = json!({"name": self.id.name, "namespace": self.id.namespace, "uid": self.uid,
            "creationTimestamp": stamp(self.created), "labels": labels});
        if let Some((owner, uid)) = &self.owner {
            metadata["ownerReferences"] = json!([{"apiVersion": owner.api_version(), "kind": owner.kind,
                "name": owner.name, "uid": uid, "controller": true, "blockOwnerDeletion": true}]);
            if matches!(owner.kind.as_str(), "ReplicaSet" | "DaemonSet" | "StatefulSet" | "Job") {
                metadata["generateName"] = json!(format!("{}-", owner.name));
            }
        }
        if let Some(deleting) = self.deleting {
            metadata["deletionTimestamp"] = json!(stamp(deleting));
            metadata["deletionGracePeriodSeconds"] = json!(self.template.grace_secs);
        }
        let mut spec = self.template.spec();
        if !self.node.is_empty() {
            spec["nodeName"] = json!(self.node);
        }
        if self.workload.kind == "StatefulSet" {
            spec["hostname"] = json!(self.id.name);
        }
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": self.status()})
    }
}

fn show(container: &super::template::Container, run: &Run, uid: &str) -> Value {
    let id = format!("containerd://{}{}{}", uid.replace('-', ""), run.restarts, container.name);
    let ended = |ended: &Ended| {
        let mut json = json!({"exitCode": ended.code, "reason": ended.reason, "startedAt": stamp(ended.started),
            "finishedAt": stamp(ended.finished), "containerID": id});
        if !ended.message.is_empty() {
            json["message"] = json!(ended.message);
        }
        json!({"terminated": json})
    };
    let state = match &run.state {
        State::Waiting(reason, message) if message.is_empty() => json!({"waiting": {"reason": reason}}),
        State::Waiting(reason, message) => json!({"waiting": {"reason": reason, "message": message}}),
        State::Running(since) => json!({"running": {"startedAt": stamp(*since)}}),
        State::Ended(how) => ended(how),
    };
    let runs = matches!(run.state, State::Running(_));
    json!({"name": container.name, "image": container.image, "imageID": if runs { container.image.as_str() } else { "" },
        "ready": run.ready, "started": runs, "restartCount": run.restarts, "state": state,
        "lastState": run.last.as_ref().map_or_else(|| json!({}), ended)})
}
