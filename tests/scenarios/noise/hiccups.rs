//! Trouble that is over before anybody could look.

use crate::cluster::Cluster;
use crate::cluster::alerts::alert;
use crate::cluster::apps::{Apps, container, template};
use crate::cluster::event::{Emitter, normal, warning};
use crate::cluster::id::Id;
use crate::cluster::template::{Fate, Volume};
use crate::cluster::workload::ClaimTemplate;
use serde_json::json;

fn running(cluster: &mut Cluster, apps: &Apps) -> Option<Id> {
    // Each pod has its share of trouble once.
    let fresh = |pod: &crate::cluster::pod::Pod| pod.serves() && pod.containers.iter().all(|run| run.restarts == 0);
    let of = |pod: &&crate::cluster::pod::Pod| apps.bystanders.contains(&pod.workload) && fresh(pod);
    let pods: Vec<Id> = cluster.pods.values().filter(of).map(|pod| pod.id.clone()).collect();
    (!pods.is_empty()).then(|| cluster.random.pick(&pods).clone())
}

/// A program ends once and runs on.
pub(crate) fn crash_once(cluster: &mut Cluster, apps: &Apps) {
    if let Some(pod) = running(cluster, apps) {
        cluster.end(&pod, 1, "Error", String::new());
    }
}

/// A probe times out once.
pub(crate) fn probe_blip(cluster: &mut Cluster, apps: &Apps) {
    let Some(pod) = running(cluster, apps) else { return };
    let Some((ip, main)) = cluster.pods.get(&pod).map(|pod| (pod.ip.clone(), pod.template.containers[0].clone()))
    else {
        return;
    };
    let port = main.ports[0].number;
    let message = format!(
        "Readiness probe failed: Get \"http://{ip}:{port}/readyz\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    );
    cluster.kubelet_event(&pod, warning("Unhealthy", message).of_container(&main.name));
}

/// The controller manager elects a leader, which registers all nodes.
pub(crate) fn controllers_elect(cluster: &mut Cluster, _: &Apps) {
    let lease = Id::new("Lease", "kube-system", "kube-controller-manager");
    let emitter = Emitter::controller("kube-controller-manager");
    let message = format!("control-plane-0_{} became leader", cluster.random.uid());
    cluster.event(&emitter, &lease, "1ea5e000-0000-4000-8000-00000002c8f1", normal("LeaderElection", message));
    for node in cluster.nodes.keys().cloned().collect::<Vec<_>>() {
        let message = format!("Node {node} event: Registered Node {node} in Controller");
        cluster.node_event("node-controller", &node, normal("RegisteredNode", message));
    }
}

/// A pod finds no room until another one has left.
pub(crate) fn short_of_memory(cluster: &mut Cluster, apps: &Apps) {
    let Some(pod) = running(cluster, apps) else { return };
    cluster.is_full = true;
    cluster.delete_pod(&pod);
    let wait = cluster.random.range(15, 45);
    cluster.after(wait, |cluster| {
        cluster.is_full = false;
        cluster.capacity_changed();
    });
}

/// A pod is there before its config map.
pub(crate) fn config_comes_late(cluster: &mut Cluster, apps: &Apps) {
    let namespace = apps.bystanders[0].namespace.clone();
    let name = format!("preview-{}", cluster.random.suffix(4));
    let mut of = template(&name, container(&name, "ghcr.io/acme/preview:0.9.1", 8080));
    of.volumes.push(Volume::ConfigMap(format!("{name}-config")));
    cluster.add_workload(Id::new("Deployment", &namespace, &name), 1, of);
    let map = Id::new("ConfigMap", &namespace, &format!("{name}-config"));
    let wait = cluster.random.range(1_000, 6_000);
    cluster.after_ms(wait, move |cluster| cluster.put(&map, json!({"metadata": {}, "data": {"REGION": "eu"}})));
}

/// A claim waits for the pod that will use it.
pub(crate) fn claim_waits(cluster: &mut Cluster, apps: &Apps) {
    let namespace = apps.bystanders[0].namespace.clone();
    let name = format!("scratch-{}", cluster.random.suffix(4));
    let claim = Id::new("PersistentVolumeClaim", &namespace, &name);
    let of = ClaimTemplate { name: name.clone(), class: "gp3".to_owned(), size_gib: 5, mode: "ReadWriteOnce" };
    cluster.add_claim(&claim, &of);
    let wait = cluster.random.range(60, 400);
    cluster.after(wait, move |cluster| {
        let mut main = container(&name, "ghcr.io/acme/backfill:2.0.0", 8080);
        (main.ports, main.readiness, main.liveness) = (Vec::new(), None, None);
        let mut of = template(&name, main);
        of.fate = Fate::Completes(30);
        of.volumes.push(Volume::Claim(name.clone()));
        cluster.start_job(&Id::new("Job", &namespace, &name), of, None);
    });
}

/// A job fails once and is done at the second try.
pub(crate) fn job_retries(cluster: &mut Cluster, apps: &Apps) {
    let namespace = apps.bystanders[0].namespace.clone();
    let name = format!("import-{}", cluster.random.suffix(4));
    let mut main = container(&name, "ghcr.io/acme/import:1.0.3", 8080);
    (main.ports, main.readiness, main.liveness) = (Vec::new(), None, None);
    let mut of = template(&name, main);
    of.fate = Fate::Exits { code: 1, reason: "Error", after_secs: 4 };
    let id = Id::new("Job", &namespace, &name);
    cluster.start_job(&id, of, None);
    cluster.after(12, move |cluster| cluster.befall(&id, |template| template.fate = Fate::Completes(8)));
}

/// An alert that only informs.
pub(crate) fn information_alert(cluster: &mut Cluster, apps: &Apps) {
    let id = cluster.random.pick(&apps.bystanders).clone();
    let labels = [("namespace", id.namespace.as_str()), ("container", id.name.as_str())];
    let summary = "Processes experience elevated CPU throttling.";
    cluster.outside_alerts.push(alert("CPUThrottlingHigh", "info", 0, &labels, summary));
    let wait = cluster.random.range(200, 500);
    cluster.after(wait, |cluster| cluster.outside_alerts.retain(|alert| alert.name != "CPUThrottlingHigh"));
}
