//! Workloads as the API server shows them.

use super::Cluster;
use super::id::Id;
use super::moment::stamp;
use super::pod::Pod;
use super::recording::{Notice, Source};
use super::workload::{Revision, Workload};
use serde_json::{Value, json};

struct Counts {
    all: i64,
    ready: i64,
    updated: i64,
}

impl Cluster {
    /// Shows a workload, and the ReplicaSets of a Deployment, where they have changed.
    pub(crate) fn show_workload(&mut self, id: &Id, notice: Notice) {
        if !self.recording {
            return;
        }
        let Some(workload) = self.workloads.get(id).cloned() else { return };
        let newest = workload.current().hash.clone();
        let counts = |hash: Option<&str>| {
            let mut counts = Counts { all: 0, ready: 0, updated: 0 };
            let of = |pod: &&Pod| pod.workload == *id && pod.is_active() && hash.is_none_or(|hash| pod.hash == hash);
            for pod in self.pods_in(&id.namespace).filter(of) {
                counts.all += 1;
                counts.ready += i64::from(pod.serves());
                counts.updated += i64::from(pod.hash == newest);
            }
            counts
        };
        let all = counts(None);
        let sets: Vec<Value> = match id.kind.as_str() {
            "Deployment" => workload
                .revisions
                .iter()
                .map(|revision| replica_set(&workload, revision, &counts(Some(&revision.hash))))
                .collect(),
            _ => Vec::new(),
        };
        let misscheduled = self.daemon_nodes(id).len() as i64;
        let json = match id.kind.as_str() {
            "Deployment" => deployment(&workload, &all, self.now),
            "StatefulSet" => stateful_set(&workload, &all),
            "DaemonSet" => daemon_set(&workload, &all, misscheduled),
            _ => self.job(&workload),
        };
        for (at, set) in sets.into_iter().enumerate() {
            let text = set.to_string();
            let before = std::mem::replace(&mut self.revision_mut(id, at).shown, text.clone());
            if before != text {
                let notice = if before.is_empty() { Notice::Added } else { Notice::Modified };
                self.show_json(set, notice);
            }
        }
        let text = json.to_string();
        if workload.shown != text {
            let notice = if workload.shown.is_empty() { Notice::Added } else { notice };
            if let Some(workload) = self.workloads.get_mut(id) {
                workload.shown = text;
            }
            self.show_json(json, notice);
        }
    }

    fn revision_mut(&mut self, id: &Id, at: usize) -> &mut Revision {
        &mut self.workloads.get_mut(id).expect("the workload is there").revisions[at]
    }

    /// Shows an object under a new resource version.
    pub(crate) fn show_json(&mut self, mut json: Value, notice: Notice) {
        json["metadata"]["resourceVersion"] = self.next_version().into();
        self.notice(Source::Objects, notice, &json, 20);
    }
}

fn metadata(workload: &Workload) -> Value {
    let labels: serde_json::Map<_, _> = workload.labels.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
    json!({"name": workload.id.name, "namespace": workload.id.namespace, "uid": workload.uid, "labels": labels,
        "generation": workload.generation, "creationTimestamp": stamp(workload.created)})
}

fn selector(workload: &Workload) -> Value {
    json!({"matchLabels": workload.template().labels_json()})
}

fn template(revision: &Revision) -> Value {
    json!({"metadata": {"labels": revision.template.labels_json(), "creationTimestamp": null},
        "spec": revision.template.spec()})
}

fn deployment(workload: &Workload, counts: &Counts, now: i64) -> Value {
    let set = format!("{}-{}", workload.id.name, workload.current().hash);
    let available = workload.unavailable_since.is_none();
    let since = workload.unavailable_since.unwrap_or(workload.created);
    let mut conditions = vec![json!({"type": "Available", "status": if available { "True" } else { "False" },
        "reason": if available { "MinimumReplicasAvailable" } else { "MinimumReplicasUnavailable" },
        "message": if available { "Deployment has minimum availability." } else { "Deployment does not have minimum availability." },
        "lastUpdateTime": stamp(since), "lastTransitionTime": stamp(since)})];
    let (status, reason, message) = match (workload.stalled, workload.complete) {
        (true, _) => ("False", "ProgressDeadlineExceeded", format!("ReplicaSet \"{set}\" has timed out progressing.")),
        (_, true) => ("True", "NewReplicaSetAvailable", format!("ReplicaSet \"{set}\" has successfully progressed.")),
        _ => ("True", "ReplicaSetUpdated", format!("ReplicaSet \"{set}\" is progressing.")),
    };
    let at = if workload.stalled { workload.progressed + 600_000_000 } else { workload.progressed.min(now) };
    let moved = if workload.stalled { at } else { workload.created };
    conditions.push(json!({"type": "Progressing", "status": status, "reason": reason, "message": message,
        "lastUpdateTime": stamp(at), "lastTransitionTime": stamp(moved)}));
    if let Some(why) = &workload.current().failure {
        conditions.push(json!({"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": why,
            "lastUpdateTime": stamp(workload.progressed), "lastTransitionTime": stamp(workload.progressed)}));
    }
    let mut status = json!({"observedGeneration": workload.generation, "conditions": conditions});
    if counts.all > 0 {
        status["replicas"] = json!(counts.all);
        status["updatedReplicas"] = json!(counts.updated);
    }
    if counts.ready > 0 {
        (status["readyReplicas"], status["availableReplicas"]) = (json!(counts.ready), json!(counts.ready));
    }
    if workload.replicas > counts.ready {
        status["unavailableReplicas"] = json!(workload.replicas - counts.ready);
    }
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(workload),
        "spec": {"replicas": workload.replicas, "selector": selector(workload), "template": template(workload.current()),
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
            "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600},
        "status": status})
}

fn replica_set(workload: &Workload, revision: &Revision, counts: &Counts) -> Value {
    let name = format!("{}-{}", workload.id.name, revision.hash);
    let mut labels = revision.template.labels_json();
    labels.insert("pod-template-hash".to_owned(), json!(revision.hash));
    let mut status = json!({"replicas": counts.all, "observedGeneration": 1});
    if counts.all > 0 {
        status["fullyLabeledReplicas"] = json!(counts.all);
    }
    if counts.ready > 0 {
        (status["readyReplicas"], status["availableReplicas"]) = (json!(counts.ready), json!(counts.ready));
    }
    if let Some(why) = &revision.failure {
        status["conditions"] = json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
            "message": why, "lastTransitionTime": stamp(workload.progressed)}]);
    }
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": workload.id.namespace, "uid": revision.uid, "labels": labels,
            "creationTimestamp": stamp(revision.created), "generation": 1,
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": workload.id.name,
                "uid": workload.uid, "controller": true, "blockOwnerDeletion": true}]},
        "spec": {"replicas": revision.desired, "selector": {"matchLabels": labels}, "template": template(revision)},
        "status": status})
}

fn stateful_set(workload: &Workload, counts: &Counts) -> Value {
    let (current, update) = match workload.complete {
        true => (workload.current().hash.clone(), workload.current().hash.clone()),
        false => (workload.revisions[0].hash.clone(), workload.current().hash.clone()),
    };
    let claims: Vec<Value> = workload
        .claims
        .iter()
        .map(|claim| {
            let mut spec = json!({"accessModes": [claim.mode], "volumeMode": "Filesystem",
                "resources": {"requests": {"storage": format!("{}Gi", claim.size_gib)}}});
            if !claim.class.is_empty() {
                spec["storageClassName"] = json!(claim.class);
            }
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": claim.name},
                "spec": spec, "status": {"phase": "Pending"}})
        })
        .collect();
    // The claims of a StatefulSet stand beside its template; the volumes that use them are written into its pods.
    let mut pods = template(workload.current());
    if let Some(volumes) = pods["spec"]["volumes"].as_array_mut() {
        volumes.retain(|volume| volume.get("persistentVolumeClaim").is_none());
    }
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata(workload),
        "spec": {"replicas": workload.replicas, "selector": selector(workload), "template": pods,
            "serviceName": workload.id.name, "podManagementPolicy": "OrderedReady", "volumeClaimTemplates": claims,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}},
        "status": {"replicas": counts.all, "readyReplicas": counts.ready, "availableReplicas": counts.ready,
            "currentReplicas": counts.all - counts.updated, "updatedReplicas": counts.updated,
            "currentRevision": format!("{}-{current}", workload.id.name),
            "updateRevision": format!("{}-{update}", workload.id.name),
            "observedGeneration": workload.generation, "collisionCount": 0}})
}

fn daemon_set(workload: &Workload, counts: &Counts, desired: i64) -> Value {
    let mut status = json!({"currentNumberScheduled": counts.all, "desiredNumberScheduled": desired,
        "numberMisscheduled": 0, "numberReady": counts.ready, "updatedNumberScheduled": counts.updated,
        "observedGeneration": workload.generation});
    if counts.ready > 0 {
        status["numberAvailable"] = json!(counts.ready);
    }
    if desired > counts.ready {
        status["numberUnavailable"] = json!(desired - counts.ready);
    }
    json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata(workload),
        "spec": {"selector": selector(workload), "template": template(workload.current()), "revisionHistoryLimit": 10,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}},
        "status": status})
}

impl Cluster {
    fn job(&self, workload: &Workload) -> Value {
        let pods = || self.pods_in(&workload.id.namespace).filter(|pod| pod.workload == workload.id);
        let mut metadata = metadata(workload);
        if let Some((parent, uid)) = &workload.parent {
            metadata["ownerReferences"] = json!([{"apiVersion": "batch/v1", "kind": "CronJob", "name": parent.name,
                "uid": uid, "controller": true, "blockOwnerDeletion": true}]);
        }
        let mut status = json!({"startTime": stamp(workload.created), "ready": pods().filter(|pod| pod.serves()).count(),
            "uncountedTerminatedPods": {}});
        let active = pods().filter(|pod| pod.is_active()).count();
        if active > 0 {
            status["active"] = json!(active);
        }
        if workload.failures > 0 {
            status["failed"] = json!(workload.failures);
        }
        match workload.finished {
            Some(("Complete", at)) => {
                status["succeeded"] = json!(1);
                status["completionTime"] = json!(stamp(at));
                status["conditions"] = json!([{"type": "Complete", "status": "True", "lastProbeTime": stamp(at),
                    "lastTransitionTime": stamp(at), "reason": "CompletionsReached",
                    "message": "Reached expected number of succeeded pods"}]);
            }
            Some((reason, at)) => {
                let message = match reason {
                    "DeadlineExceeded" => "Job was active longer than specified deadline",
                    _ => "Job has reached the specified backoff limit",
                };
                let condition = |kind: &str| {
                    json!({"type": kind, "status": "True", "lastProbeTime": stamp(at),
                    "lastTransitionTime": stamp(at), "reason": reason, "message": message})
                };
                status["conditions"] = json!([condition("FailureTarget"), condition("Failed")]);
            }
            None => {}
        }
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata,
            "spec": {"parallelism": 1, "completions": 1, "backoffLimit": workload.backoff_limit, "completionMode": "NonIndexed",
                "suspend": false, "template": template(workload.current())},
            "status": status})
    }
}
