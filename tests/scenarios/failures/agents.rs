//! Node agents and add-ons that fail: network, DNS, proxies, drivers, mesh.

use super::Kind;

use crate::cluster::id::Id;
use crate::cluster::template::{Fate, Probe, Scheme};
use crate::stage::{Fault, Stage};

pub(super) const KINDS: &[Kind] = &[
    Kind::new("network_agent_down_on_a_node", 22, network_agent_down),
    Kind::new("pod_addresses_exhausted", 22, addresses_exhausted),
    Kind::new("dns_down", 22, dns_down),
    Kind::new("proxy_down_on_a_node", 22, proxy_down),
    Kind::new("storage_agent_down_on_a_node", 24, storage_agent_down),
    Kind::new("mesh_control_plane_down", 24, mesh_down),
    Kind::new("metrics_server_down", 22, metrics_server_down),
    Kind::new("agent_rolled_out_broken", 22, agent_rollout),
];

const WORDS: &[&str] = &[
    "cni",
    "network",
    "dns",
    "proxy",
    "csi",
    "mesh",
    "istio",
    "metrics",
    "daemon",
    "agent",
    "crash",
    "containerfailed",
    "backoff",
    "sandbox",
    "endpoint",
    "ready",
    "aggregated",
    "apiservice",
    "address",
    "storage",
    "replicas",
    "rollout",
];

/// The DaemonSet that brings the pod network.
fn network(stage: &Stage) -> Id {
    let names = ["calico-node", "cilium", "kube-flannel-ds", "aws-node"];
    let of = |id: &&Id| id.kind == "DaemonSet" && names.contains(&id.name.as_str());
    stage.cluster.workloads.keys().find(of).cloned().expect("every cluster has a network")
}

/// The agent of one node ends again and again.
fn crash_on(stage: &mut Stage, agent: &Id, node: &str) {
    // No new version may heal it on the way.
    stage.cluster.on_delete.insert(agent.clone());
    let pods = stage.cluster.pods.values_mut().filter(|pod| pod.workload == *agent && pod.node == node);
    for pod in pods {
        pod.template.fate = Fate::Exits { code: 1, reason: "Error", after_secs: 4 };
        let id = pod.id.clone();
        stage
            .cluster
            .agenda
            .plan(stage.cluster.now + 1_000_000, Box::new(move |cluster| cluster.end(&id, 1, "Error", String::new())));
    }
}

/// Restarts what runs on a node and in user namespaces, so that it meets what is wrong there.
fn restart_on(stage: &mut Stage, node: &str, count: usize) {
    let of = |pod: &&crate::cluster::pod::Pod| pod.node == node && matches!(pod.workload.kind.as_str(), "Deployment");
    let pods: Vec<Id> = stage.cluster.pods.values().filter(of).map(|pod| pod.id.clone()).take(count).collect();
    for (at, pod) in pods.into_iter().enumerate() {
        stage.cluster.after(45 + at as i64 * 30, move |cluster| cluster.delete_pod(&pod));
    }
}

fn network_agent_down(stage: &mut Stage) -> Fault {
    let agent = network(stage);
    let (node, hurt) = stage.worker();
    crash_on(stage, &agent, &node);
    let words = match agent.name.as_str() {
        "calico-node" => {
            "plugin type=\"calico\" failed (add): stat /var/lib/calico/nodename: no such file or directory: check that the calico/node container is running and has mounted /var/lib/calico/"
        }
        "cilium" => {
            "plugin type=\"cilium-cni\" name=\"cilium\" failed (add): unable to connect to Cilium agent: failed to create cilium agent client after 30.000000 seconds timeout: Get \"http://localhost/v1/config\": dial unix /var/run/cilium/cilium.sock: connect: no such file or directory"
        }
        "aws-node" => {
            "plugin type=\"aws-cni\" name=\"aws-cni\" failed (add): add cmd: Error received from AddNetwork gRPC call: rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: dial tcp 127.0.0.1:50051: connect: connection refused\""
        }
        _ => {
            "plugin type=\"flannel\" failed (add): loadFlannelSubnetEnv failed: open /run/flannel/subnet.env: no such file or directory"
        }
    };
    if let Some(of) = stage.cluster.nodes.get_mut(&node) {
        of.sandbox_fault = Some(format!(
            "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox \"{{sandbox}}\": {words}"
        ));
    }
    stage.cluster.favourite.clone_from(&node);
    restart_on(stage, &node, 4);
    Fault::of(&[&agent, &Id::new("Node", "", &node)], WORDS).hurting(hurt).everywhere()
}

/// The address range of the pods is used up; new pods get none, on any node.
fn addresses_exhausted(stage: &mut Stage) -> Fault {
    let agent = network(stage);
    let words = "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox \"{sandbox}\": plugin type=\"aws-cni\" name=\"aws-cni\" failed (add): add cmd: failed to assign an IP address to container";
    for node in stage.cluster.nodes.values_mut() {
        node.sandbox_fault = Some(words.to_owned());
    }
    for at in 0..4 {
        let id = stage.victim();
        stage
            .cluster
            .after(at * 25, move |cluster| cluster.apply(&id, |template| template.main().image.push_str("-next")));
    }
    let mut fault = Fault::of(&[&agent, &Id::new("Cluster", "", "cluster")], WORDS).everywhere();
    fault.entities.extend(stage.cluster.workers().iter().map(|node| Id::new("Node", "", node)));
    fault.words = &["ip", "address", "sandbox", "network", "cni"];
    fault
}

fn dns_down(stage: &mut Stage) -> Fault {
    let id = Id::new("Deployment", "kube-system", "coredns");
    for caller in stage.apps.deployments.clone() {
        if stage.cluster.random.chance(50) {
            stage.make_sensitive(&caller);
        }
    }
    stage.cluster.befall(&id, |template| template.fate = Fate::Exits { code: 1, reason: "Error", after_secs: 2 });
    for pod in stage.cluster.pods_of(&id) {
        stage.cluster.after(2, move |cluster| cluster.end(&pod, 1, "Error", String::new()));
    }
    Fault::of(&[&id, &Id::new("Service", "kube-system", "kube-dns")], WORDS).everywhere()
}

fn proxy_down(stage: &mut Stage) -> Fault {
    let agent = Id::new("DaemonSet", "kube-system", "kube-proxy");
    let (node, hurt) = stage.worker();
    crash_on(stage, &agent, &node);
    Fault::of(&[&agent], WORDS).hurting(hurt).hurting([Id::new("Node", "", &node)])
}

fn storage_agent_down(stage: &mut Stage) -> Fault {
    let agent = Id::new("DaemonSet", "kube-system", "ebs-csi-node");
    let database = stage.stateful();
    let pod = Id::new("Pod", &database.namespace, &format!("{}-0", database.name));
    let node = stage.cluster.pods.get(&pod).map(|pod| pod.node.clone()).unwrap_or_default();
    crash_on(stage, &agent, &node);
    if let Some(of) = stage.cluster.nodes.get_mut(&node) {
        of.lacks_driver = true;
    }
    stage.cluster.favourite.clone_from(&node);
    stage.cluster.after(60, move |cluster| cluster.delete_pod(&pod));
    Fault::of(&[&agent, &Id::new("Node", "", &node)], WORDS)
        .hurting(stage.callers(&database))
        .hurting([database])
        .everywhere()
}

/// New pods wait for the mesh in vain; those that run go on.
fn mesh_down(stage: &mut Stage) -> Fault {
    let id = Id::new("Deployment", "istio-system", "istiod");
    stage
        .cluster
        .befall(&id, |template| template.fate = Fate::Exits { code: 137, reason: "OOMKilled", after_secs: 15 });
    for pod in stage.cluster.pods_of(&id) {
        stage.cluster.after(2, move |cluster| cluster.end(&pod, 137, "OOMKilled", String::new()));
    }
    let mut hurt = Vec::new();
    for at in 0..3 {
        let victim = stage.victim();
        hurt.extend(stage.callers(&victim));
        hurt.push(victim.clone());
        stage.cluster.after(50 + at * 30, move |cluster| {
            cluster.apply(&victim, |template| {
                let mut proxy =
                    crate::cluster::apps::container("istio-proxy", "docker.io/istio/proxyv2:1.24.1", 15_090);
                let path = "/healthz/ready".to_owned();
                proxy.readiness = Some(Probe {
                    port: 15_021,
                    scheme: Scheme::Http,
                    path,
                    initial_secs: 0,
                    period_secs: 15,
                    failures: 4,
                });
                (proxy.liveness, proxy.env) = (None, Vec::new());
                let app = std::mem::replace(template.main(), proxy);
                template.containers.push(app);
                template.fate = Fate::NeverReady("HTTP probe failed with statuscode: 503".to_owned());
            });
        });
    }
    let mut fault = Fault::of(&[&id, &id.as_kind("Service")], WORDS).hurting(hurt);
    fault.words = &["mesh", "istio", "oom", "memory", "crash", "backoff", "endpoint", "replicas"];
    fault
}

fn metrics_server_down(stage: &mut Stage) -> Fault {
    let id = Id::new("Deployment", "kube-system", "metrics-server");
    stage.cluster.befall(&id, |template| {
        template.fate = Fate::NeverReady("HTTP probe failed with statuscode: 500".to_owned());
    });
    for pod in stage.cluster.pods_of(&id) {
        stage.cluster.deadlock(&pod);
    }
    let affected = Id::new("Namespace", "", "default");
    let scalers: Vec<Id> =
        stage.cluster.others.keys().filter(|id| id.kind == "HorizontalPodAutoscaler").cloned().collect();
    let api = Id::new("APIService", "", "v1beta1.metrics.k8s.io");
    Fault::of(&[&id, &id.as_kind("Service"), &api], WORDS).hurting(scalers).hurting([affected])
}

/// A new version of an agent comes node by node, and stops at the first.
fn agent_rollout(stage: &mut Stage) -> Fault {
    let id = Id::new("DaemonSet", "monitoring", "node-exporter");
    stage.cluster.apply(&id, |template| {
        template.main().image.push_str("-broken");
        template.fate = Fate::Exits { code: 2, reason: "Error", after_secs: 1 };
    });
    Fault::of(&[&id], WORDS)
}
