//! The control plane itself.

use super::Kind;
use crate::cluster::id::Id;
use crate::cluster::template::Fate;
use crate::stage::{Fault, Stage};
use serde_json::json;

pub(super) const KINDS: &[Kind] = &[
    Kind::new("scheduler_down", 20, |stage| stops(stage, "scheduler", "kube-scheduler", true)),
    Kind::new("scheduler_hangs", 20, |stage| stops(stage, "scheduler", "kube-scheduler", false)),
    Kind::new("controller_manager_down", 20, |stage| stops(stage, "controllers", "kube-controller-manager", true)),
    Kind::new("controller_manager_hangs", 20, |stage| stops(stage, "controllers", "kube-controller-manager", false)),
    Kind::new("etcd_member_crashes", 20, etcd),
    Kind::new("aggregated_api_absent", 20, aggregated_api),
    Kind::new("cloud_controller_down", 20, cloud_controller),
    Kind::new("namespace_stuck", 25, namespace_stuck),
];

const WORDS: &[&str] = &[
    "lease",
    "leader",
    "scheduler",
    "controller",
    "stale",
    "crash",
    "backoff",
    "etcd",
    "api",
    "aggregated",
    "ready",
    "taint",
    "uninitialized",
    "terminating",
    "deleting",
    "finalizer",
    "namespace",
    "schedul",
    "controlplane",
    "heartbeat",
];

/// The names under which a component of the control plane may be spoken of.
fn component(stage: &Stage, name: &str) -> Vec<Id> {
    let pods = stage.cluster.pods.keys().filter(|id| id.namespace == "kube-system" && id.name.starts_with(name));
    let mut names: Vec<Id> = pods.cloned().collect();
    // Alerts about them carry no label that names an object.
    names.push(Id::new("Cluster", "", "cluster"));
    for kind in ["Lease", "Component", "ControlPlane", "Workload"] {
        names.push(Id::new(kind, "kube-system", name));
        names.push(Id::new(kind, "", name));
    }
    names
}

/// A component stops working; its lease ends. It may crash, or just hang.
fn stops(stage: &mut Stage, part: &'static str, name: &str, crashes: bool) -> Fault {
    stage.cluster.stopped.insert(part);
    if crashes {
        let pods: Vec<Id> = component(stage, name).into_iter().filter(|id| id.kind == "Pod").collect();
        for pod in pods {
            if let Some(pod) = stage.cluster.pods.get_mut(&pod) {
                pod.template.fate = Fate::Exits { code: 255, reason: "Error", after_secs: 12 };
            }
            stage.cluster.end(&pod, 255, "Error", String::new());
        }
    }
    for at in 0..3 {
        let id = stage.victim();
        stage.cluster.after(30 + at * 60, move |cluster| match part {
            // Without controllers nothing follows a change.
            "controllers" => cluster.scale(&id, 5),
            _ => cluster.apply(&id, |template| template.main().image.push_str("-next")),
        });
    }
    let mut fault = Fault::of(&[], WORDS).everywhere();
    fault.entities = component(stage, name);
    fault
}

fn etcd(stage: &mut Stage) -> Fault {
    let pods: Vec<Id> = stage.cluster.pods.keys().filter(|id| id.name.starts_with("etcd-")).cloned().collect();
    let pod = stage.cluster.random.pick(&pods).clone();
    if let Some(pod) = stage.cluster.pods.get_mut(&pod) {
        pod.template.fate = Fate::Exits { code: 1, reason: "Error", after_secs: 7 };
    }
    stage.cluster.end(&pod, 1, "Error", String::new());
    let mut fault = Fault::of(&[&pod], WORDS).everywhere();
    fault.entities.extend(component(stage, "etcd"));
    fault
}

/// An adapter of metrics is removed, and its registration stays.
fn aggregated_api(stage: &mut Stage) -> Fault {
    let id = Id::new("APIService", "", "v1beta1.custom.metrics.k8s.io");
    let now = crate::cluster::moment::stamp(stage.cluster.now);
    stage.cluster.put(
        &id,
        json!({"metadata": {}, "spec": {"group": "custom.metrics.k8s.io", "version": "v1beta1",
        "service": {"name": "prometheus-adapter", "namespace": "monitoring", "port": 443}},
        "status": {"conditions": [{"type": "Available", "status": "False", "reason": "ServiceNotFound",
            "message": "service/prometheus-adapter in \"monitoring\" is not present", "lastTransitionTime": now}]}}),
    );
    let adapter = Id::new("Service", "monitoring", "prometheus-adapter");
    Fault::of(&[&id, &adapter], WORDS).hurting([Id::new("Namespace", "", "default")])
}

/// New nodes are never initialised, and pods wait for them.
fn cloud_controller(stage: &mut Stage) -> Fault {
    stage.cluster.stopped.insert("cloud");
    let name = "worker-late";
    stage.cluster.join_node(name);
    stage.cluster.with_node(name, |node, _| {
        node.taints.push((
            "node.cloudprovider.kubernetes.io/uninitialized".to_owned(),
            "true".to_owned(),
            "NoSchedule",
        ));
    });
    let mut fault = Fault::of(&[&Id::new("Node", "", name)], WORDS).everywhere();
    fault.entities.extend(component(stage, "cloud-controller-manager"));
    fault
}

/// A namespace is deleted, and an operator that is gone should have let go of what is in it.
fn namespace_stuck(stage: &mut Stage) -> Fault {
    let id = Id::new("Namespace", "", "playground");
    stage.cluster.add_namespace("playground");
    let thing = Id::new("Kafka", "playground", "events");
    let at = crate::cluster::moment::stamp(stage.cluster.now);
    stage.cluster.put(
        &thing,
        json!({"metadata": {"finalizers": ["strimzi.io/cleanup"], "deletionTimestamp": at}, "spec": {}, "status": {}}),
    );
    stage.cluster.change(&id, |namespace| {
        namespace["metadata"]["deletionTimestamp"] = json!(at);
        let condition = |kind: &str, status: &str, reason: &str, message: &str| {
            json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": at})
        };
        namespace["status"] = json!({"phase": "Terminating", "conditions": [
            condition("NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered", "All resources successfully discovered"),
            condition("NamespaceDeletionContentFailure", "False", "ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
            condition("NamespaceContentRemaining", "True", "SomeResourcesRemain", "Some resources are remaining: kafkas.kafka.strimzi.io has 1 resource instances"),
            condition("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", "Some content in the namespace has finalizers remaining: strimzi.io/cleanup in 1 resource instances")]});
    });
    Fault::of(&[&id, &thing], WORDS)
}
