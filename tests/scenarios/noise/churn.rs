//! Changes that somebody wants: rollouts, scaling, drains, new nodes, jobs.

use crate::cluster::Cluster;
use crate::cluster::apps::{Apps, container, template};
use crate::cluster::event::normal;
use crate::cluster::id::Id;
use crate::cluster::pod::Pod;
use crate::cluster::template::{Fate, Probe, Scheme};
use serde_json::json;

fn bystander(cluster: &mut Cluster, apps: &Apps) -> Id {
    cluster.random.pick(&apps.bystanders).clone()
}

/// A new version that needs a while to start.
pub(crate) fn rollout(cluster: &mut Cluster, apps: &Apps) {
    let id = bystander(cluster, apps);
    let (patch, start) = (cluster.random.range(10, 99), cluster.random.range(2, 35));
    let by_startup = cluster.random.chance(40);
    cluster.apply(&id, |template| {
        let image = template.main().image.clone();
        let stem = image.rsplit_once('.').map_or(image.as_str(), |(stem, _)| stem);
        template.main().image = format!("{stem}.{patch}");
        template.start_secs = start;
        let port = template.main().ports[0].number;
        if by_startup || start > 25 {
            let path = "/healthz".to_owned();
            let probe = Probe { port, scheme: Scheme::Http, path, initial_secs: 0, period_secs: 5, failures: 30 };
            template.main().startup = Some(probe);
        }
    });
}

/// A new version of an agent, node by node.
pub(crate) fn daemon_set_rollout(cluster: &mut Cluster, _: &Apps) {
    let is_agent = |id: &&Id| id.kind == "DaemonSet";
    let agents: Vec<Id> = cluster.workloads.keys().filter(is_agent).cloned().collect();
    let id = cluster.random.pick(&agents).clone();
    let start = cluster.random.range(3, 30);
    cluster.apply(&id, |template| {
        template.main().image.push_str("-r1");
        template.start_secs = start;
    });
}

/// A chart is applied, and the Deployment comes before its service account.
pub(crate) fn new_workload_before_its_account(cluster: &mut Cluster, apps: &Apps) {
    let namespace = apps.bystanders[0].namespace.clone();
    let name = format!("preview-{}", cluster.random.suffix(4));
    let mut of = template(&name, container(&name, "ghcr.io/acme/preview:0.9.1", 8080));
    of.service_account = name.clone();
    let id = cluster.add_workload(Id::new("Deployment", &namespace, &name), 1, of);
    let account = Id::new("ServiceAccount", &namespace, &name);
    let wait = cluster.random.range(700, 2500);
    cluster.after_ms(wait, move |cluster| {
        cluster.put(&account, json!({"metadata": {}}));
        cluster.touch(&id);
    });
}

/// Load comes and goes.
pub(crate) fn scale_out_and_in(cluster: &mut Cluster, apps: &Apps) {
    let scaled = |id: &&Id| cluster.has("HorizontalPodAutoscaler", &id.namespace, &id.name);
    let Some(id) = apps.bystanders.iter().find(scaled).cloned() else { return };
    let Some(before) = cluster.workloads.get(&id).map(|workload| workload.replicas) else { return };
    cluster.rescale(&id, before + 2);
    let wait = cluster.random.range(360, 700);
    cluster.after(wait, move |cluster| cluster.rescale(&id, before));
}

/// Somebody runs a job by hand.
pub(crate) fn one_off_job(cluster: &mut Cluster, apps: &Apps) {
    let namespace = apps.bystanders[0].namespace.clone();
    let name = format!("backfill-{}", cluster.random.suffix(5));
    let mut main = container(&name, "ghcr.io/acme/backfill:2.0.0", 8080);
    (main.ports, main.readiness, main.liveness) = (Vec::new(), None, None);
    let mut of = template(&name, main);
    of.fate = Fate::Completes(cluster.random.range(10, 90));
    cluster.start_job(&Id::new("Job", &namespace, &name), of, None);
}

/// A node is drained for maintenance and comes back.
pub(crate) fn drain(cluster: &mut Cluster, _: &Apps) {
    let workers = cluster.workers();
    let node = cluster.random.pick(&workers).clone();
    if cluster.nodes.get(&node).is_some_and(|node| node.unschedulable) || workers.len() < 3 {
        return;
    }
    cluster.with_node(&node, |node, _| {
        node.unschedulable = true;
        node.taint("node.kubernetes.io/unschedulable", "NoSchedule");
    });
    cluster.node_event(
        "kubelet",
        &node,
        normal("NodeNotSchedulable", format!("Node {node} status is now: NodeNotSchedulable")),
    );
    let pods: Vec<Id> = cluster.pods_on(&node);
    let evictable = |cluster: &Cluster, id: &Id| {
        cluster.pods.get(id).is_some_and(|pod| matches!(pod.workload.kind.as_str(), "Deployment" | "StatefulSet"))
    };
    let pods: Vec<Id> = pods.into_iter().filter(|id| evictable(cluster, id)).collect();
    for (at, id) in pods.into_iter().enumerate() {
        cluster.after(5 + at as i64 * 8, move |cluster| {
            // Budgets keep the last replica that serves: who has none falls with his node, and his callers tell of it.
            let workload = cluster.pods.get(&id).map(|pod| pod.workload.clone());
            let serves = |pod: &&Pod| Some(&pod.workload) == workload.as_ref() && pod.id != id && pod.serves();
            if cluster.pods.values().find(serves).is_none() {
                return;
            }
            if let Some(pod) = cluster.pods.get_mut(&id) {
                pod.disrupted = Some(("EvictionByEvictionAPI", "Eviction API: evicting".to_owned(), cluster.now));
            }
            cluster.delete_pod(&id);
        });
    }
    let wait = cluster.random.range(400, 900);
    cluster.after(wait, move |cluster| {
        cluster.with_node(&node, |node, _| {
            node.unschedulable = false;
            node.untaint("node.kubernetes.io/unschedulable");
        });
        cluster.node_event(
            "kubelet",
            &node,
            normal("NodeSchedulable", format!("Node {node} status is now: NodeSchedulable")),
        );
        cluster.capacity_changed();
    });
}

/// The autoscaler adds a node.
pub(crate) fn grow_by_a_node(cluster: &mut Cluster, _: &Apps) {
    let name = format!("worker-{}", cluster.random.suffix(5));
    cluster.join_node(&name);
}

/// Somebody parks a workload that nobody calls.
pub(crate) fn park(cluster: &mut Cluster, apps: &Apps) {
    let namespace = apps.bystanders[0].namespace.clone();
    let name = format!("sandbox-{}", cluster.random.suffix(4));
    let of = template(&name, container(&name, "ghcr.io/acme/sandbox:0.1.0", 8080));
    let id = cluster.add_workload(Id::new("Deployment", &namespace, &name), 2, of);
    cluster.after(200, move |cluster| cluster.scale(&id, 0));
}
