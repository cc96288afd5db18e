//! What only alerts show.

use super::Kind;
use crate::cluster::alerts::{Alert, alert};
use crate::cluster::id::Id;
use crate::stage::{Fault, Stage};

pub(super) const KINDS: &[Kind] = &[
    Kind::new("alert_etcd_slow", 20, etcd_slow),
    Kind::new("alert_api_error_budget", 20, api_errors),
    Kind::new("alert_volume_filling_up", 20, volume_filling),
    Kind::new("alert_node_file_system_filling_up", 20, file_system),
    Kind::new("alert_target_down", 20, target_down),
    Kind::new("alert_of_a_users_own_rule", 20, own_rule),
    Kind::new("alert_node_clock", 20, clock),
    Kind::new("alert_autoscaler_at_its_bound", 25, maxed_out),
];

fn fire(stage: &mut Stage, alert: Alert) {
    stage.cluster.alerting.absent = false;
    stage.cluster.outside_alerts.push(alert);
}

fn cluster_wide() -> Vec<Id> {
    let names = ["etcd", "kube-apiserver", "apiserver"];
    let mut ids = vec![
        Id::new("Cluster", "", "cluster"),
        Id::new("Namespace", "", "kube-system"),
        Id::new("Namespace", "", "default"),
    ];
    for kind in ["Component", "ControlPlane", "Workload", "Service", "Pod", "Job"] {
        ids.extend(names.iter().flat_map(|name| {
            [Id::new(kind, "", name), Id::new(kind, "kube-system", name), Id::new(kind, "default", name)]
        }));
    }
    ids
}

fn etcd_slow(stage: &mut Stage) -> Fault {
    let labels = [
        ("job", "etcd"),
        ("instance", "10.0.0.10:2381"),
        ("namespace", "kube-system"),
        ("pod", "etcd-control-plane-0"),
        ("service", "etcd"),
    ];
    fire(
        stage,
        alert(
            "etcdHighFsyncDurations",
            "critical",
            300,
            &labels,
            "etcd cluster 99th percentile fsync durations are too high.",
        ),
    );
    let mut fault = Fault::of(&[&Id::new("Pod", "kube-system", "etcd-control-plane-0")], &["etcd", "fsync", "alert"]);
    fault.entities.extend(cluster_wide());
    fault
}

fn api_errors(stage: &mut Stage) -> Fault {
    let labels = [("long", "1h"), ("short", "5m")];
    fire(
        stage,
        alert("KubeAPIErrorBudgetBurn", "critical", 120, &labels, "The API server is burning too much error budget."),
    );
    let mut fault = Fault::of(&[], &["api", "alert"]);
    fault.entities = cluster_wide();
    fault
}

fn volume_filling(stage: &mut Stage) -> Fault {
    let id = stage.stateful();
    let claim = Id::new("PersistentVolumeClaim", &id.namespace, &format!("data-{}-0", id.name));
    let labels = [
        ("namespace", claim.namespace.as_str()),
        ("persistentvolumeclaim", claim.name.as_str()),
        ("job", "kubelet"),
        ("metrics_path", "/metrics"),
    ];
    fire(stage, alert("KubePersistentVolumeFillingUp", "critical", 60, &labels, "PersistentVolume is filling up."));
    Fault::of(&[&claim, &id], &["volume", "filling", "full", "storage", "alert"])
}

fn file_system(stage: &mut Stage) -> Fault {
    let (node, _) = stage.worker();
    let at = format!("{node}:9100");
    let labels = [
        ("job", "node-exporter"),
        ("instance", at.as_str()),
        ("device", "/dev/nvme0n1p1"),
        ("fstype", "ext4"),
        ("mountpoint", "/"),
        ("namespace", "monitoring"),
        ("pod", "node-exporter-x8vq2"),
    ];
    fire(
        stage,
        alert("NodeFilesystemAlmostOutOfSpace", "critical", 300, &labels, "Filesystem has less than 3% space left."),
    );
    Fault::of(&[&Id::new("Node", "", &node)], &["filesystem", "disk", "space", "alert", "node"])
}

fn target_down(stage: &mut Stage) -> Fault {
    let id = stage.victim();
    let labels = [("job", id.name.as_str()), ("namespace", id.namespace.as_str()), ("service", id.name.as_str())];
    fire(stage, alert("TargetDown", "warning", 600, &labels, "100% of the targets are down."));
    Fault::of(&[&id.as_kind("Service"), &id], &["target", "down", "alert"])
}

/// A rule that a user has written, with labels that name a Deployment.
fn own_rule(stage: &mut Stage) -> Fault {
    let id = stage.victim();
    let labels = [("namespace", id.namespace.as_str()), ("deployment", id.name.as_str()), ("team", "checkout")];
    fire(stage, alert("OrderLatencyHigh", "critical", 120, &labels, "99th percentile of order latency over 2 s."));
    Fault::of(&[&id], &["alert", "latency"])
}

/// An autoscaler has reached its bound, and the load goes on.
fn maxed_out(stage: &mut Stage) -> Fault {
    let scaled = |id: &&Id| stage.cluster.has("HorizontalPodAutoscaler", &id.namespace, &id.name);
    let Some(id) = stage.apps.deployments.iter().find(scaled).cloned() else { panic!("nothing is scaled") };
    let bound = stage.cluster.workloads.get(&id).map_or(4, |workload| workload.replicas + 4);
    stage.cluster.rescale(&id, bound);
    let hpa = id.as_kind("HorizontalPodAutoscaler");
    let at = crate::cluster::moment::stamp(stage.cluster.now);
    stage.cluster.change(&hpa, |hpa| {
        hpa["status"]["conditions"][2] = serde_json::json!({"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas",
            "message": "the desired replica count is more than the maximum replica count", "lastTransitionTime": at});
    });
    let labels = [("namespace", id.namespace.as_str()), ("horizontalpodautoscaler", id.name.as_str())];
    fire(
        stage,
        alert(
            "KubeHpaMaxedOut",
            "warning",
            900,
            &labels,
            "HPA has been running at max replicas for longer than 15 minutes.",
        ),
    );
    Fault::of(&[&hpa, &id], &["hpa", "maxed", "scal", "replicas", "limit"])
}

fn clock(stage: &mut Stage) -> Fault {
    let (node, _) = stage.worker();
    let at = format!("{node}:9100");
    let labels = [
        ("job", "node-exporter"),
        ("instance", at.as_str()),
        ("namespace", "monitoring"),
        ("pod", "node-exporter-x8vq2"),
    ];
    fire(stage, alert("NodeClockNotSynchronising", "warning", 600, &labels, "Clock not synchronising."));
    Fault::of(&[&Id::new("Node", "", &node)], &["clock", "time", "node", "alert"])
}
