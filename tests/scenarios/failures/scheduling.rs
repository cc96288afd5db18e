//! Pods that no node takes.

use super::Kind;
use crate::cluster::id::Id;
use crate::cluster::scaling::Autoscaler;
use crate::cluster::template::Template;
use crate::stage::{Fault, Stage};
use serde_json::json;

pub(super) const KINDS: &[Kind] = &[
    Kind::new("insufficient_cpu", 20, |stage| unfit(stage, |template| template.main().cpu_milli = 64_000)),
    Kind::new("insufficient_memory", 20, |stage| unfit(stage, |template| template.main().memory_mib = 512_000)),
    Kind::new("insufficient_gpu", 20, |stage| unfit(stage, |template| ask(template, "nvidia.com/gpu", "2", 2))),
    Kind::new("insufficient_ephemeral", 20, |stage| {
        unfit(stage, |template| ask(template, "ephemeral-storage", "900Gi", 900))
    }),
    Kind::new("selector_matches_no_node", 20, |stage| unfit(stage, select)),
    Kind::new("affinity_matches_no_node", 20, |stage| unfit(stage, affine)),
    Kind::new("anti_affinity_needs_more_nodes", 20, anti_affinity),
    Kind::new("taint_not_tolerated", 20, taint),
    Kind::prepared(
        "autoscaler_at_maximum",
        20,
        |stage| stage.cluster.autoscaler = Autoscaler::AtMaximum,
        grows_too_far,
    ),
    Kind::prepared(
        "autoscaler_refused_by_cloud",
        20,
        |stage| stage.cluster.autoscaler = Autoscaler::Refused,
        grows_too_far,
    ),
];

const WORDS: &[&str] = &[
    "schedul",
    "insufficient",
    "pending",
    "affinity",
    "selector",
    "taint",
    "capacity",
    "cpu",
    "memory",
    "resource",
    "scaleup",
];

fn unfit(stage: &mut Stage, change: fn(&mut Template)) -> Fault {
    let id = stage.victim();
    stage.cluster.apply(&id, change);
    Fault::of(&[&id], WORDS).hurting(stage.callers(&id))
}

fn ask(template: &mut Template, resource: &str, quantity: &str, amount: i64) {
    template.main().other_requests.push((resource.to_owned(), quantity.to_owned(), amount));
}

fn select(template: &mut Template) {
    template.node_selector.push(("disktype".to_owned(), "nvme".to_owned()));
}

fn affine(template: &mut Template) {
    template.affinity = Some(
        json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms":
        [{"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["us-west-9z"]}]}]}}}),
    );
}

fn anti_affinity(stage: &mut Stage) -> Fault {
    let id = stage.victim();
    let nodes = stage.cluster.workers().len() as i64;
    stage.cluster.apply(&id, |template| {
        let labels = template.labels_json();
        template.affinity = Some(json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
            [{"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": labels}}]}}));
    });
    lift_quota(stage, &id.namespace);
    let of = id.clone();
    stage.cluster.after(5, move |cluster| cluster.scale(&of, nodes + 2));
    Fault::of(&[&id], WORDS).hurting(stage.callers(&id))
}

/// A pool of nodes is tainted for a special purpose, and a workload that belongs there does not tolerate it.
fn taint(stage: &mut Stage) -> Fault {
    let pool: Vec<String> = stage.cluster.workers().into_iter().step_by(2).collect();
    for node in &pool {
        stage.cluster.with_node(node, |node, _| {
            node.labels.push(("pool".to_owned(), "batch".to_owned()));
            node.taints.push(("dedicated".to_owned(), "batch".to_owned(), "NoSchedule"));
        });
    }
    let id = stage.victim();
    stage.cluster.apply(&id, |template| template.node_selector.push(("pool".to_owned(), "batch".to_owned())));
    let mut fault = Fault::of(&[&id], WORDS).hurting(stage.callers(&id));
    fault.entities.extend(pool.iter().map(|node| Id::new("Node", "", node)));
    fault
}

/// What grows with the number of nodes must not meet the quota of its namespace before it meets the end of the nodes.
fn lift_quota(stage: &mut Stage, namespace: &str) {
    stage.cluster.change(&Id::new("ResourceQuota", namespace, "compute"), |quota| {
        quota["spec"]["hard"]["pods"] = json!("100000");
        quota["status"]["hard"]["pods"] = json!("100000");
    });
}

/// Load drives a workload past what the nodes hold.
fn grows_too_far(stage: &mut Stage) -> Fault {
    let id = stage.victim();
    stage.cluster.apply(&id, |template| template.main().memory_mib = 20_000);
    let nodes = stage.cluster.workers().len() as i64;
    lift_quota(stage, &id.namespace);
    let of = id.clone();
    stage.cluster.after(60, move |cluster| cluster.scale(&of, nodes * 3 + 3));
    let status = Id::new("ConfigMap", "kube-system", "cluster-autoscaler-status");
    Fault::of(&[&id, &status], WORDS).hurting(stage.callers(&id)).everywhere()
}
