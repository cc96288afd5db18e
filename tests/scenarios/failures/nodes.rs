//! Nodes that die, or run short of something.

use super::Kind;
use crate::cluster::event::warning;
use crate::cluster::id::Id;
use crate::stage::{Fault, Stage};

pub(super) const KINDS: &[Kind] = &[
    Kind::new("node_dies", 25, dies),
    Kind::new("two_nodes_die", 22, two_die),
    Kind::new("node_reboots", 20, reboots),
    Kind::new("container_runtime_down", 22, |stage| unready(stage, RUNTIME)),
    Kind::new("pleg_unhealthy", 22, |stage| unready(stage, PLEG)),
    Kind::new("node_network_not_ready", 22, |stage| unready(stage, NETWORK)),
    Kind::new("node_disk_pressure", 22, |stage| pressure(stage, "DiskPressure")),
    Kind::new("node_memory_pressure", 22, |stage| pressure(stage, "MemoryPressure")),
    Kind::new("node_pid_pressure", 22, |stage| pressure(stage, "PIDPressure")),
    Kind::new("node_kernel_deadlock", 20, |stage| {
        problem(stage, "KernelDeadlock", "DockerHung", "task dockerd:2031 blocked for more than 120 seconds.")
    }),
    Kind::new("node_file_system_read_only", 20, |stage| {
        problem(stage, "ReadonlyFilesystem", "FilesystemIsReadOnly", "Filesystem is read-only")
    }),
    Kind::new("node_hardware_error", 20, |stage| {
        problem(stage, "CperHardwareErrorFatal", "CperHardwareErrorFatal", "[Hardware Error]: event severity: fatal")
    }),
    Kind::new("node_image_disk_full", 22, image_disk_full),
    Kind::new("node_route_missing", 20, route_missing),
    Kind::new("node_kubelet_restarts", 20, |stage| {
        problem(
            stage,
            "FrequentKubeletRestart",
            "FrequentKubeletRestart",
            "Found 6 matching logs, which meets the threshold of 5",
        )
    }),
    Kind::new("node_conntrack_full", 20, |stage| {
        only_said(stage, "network-custom-plugin-monitor", "ConntrackFull", "Conntrack table full")
    }),
    Kind::new("node_out_of_memory", 20, system_oom),
];

const RUNTIME: &str = "container runtime is down";
const PLEG: &str = "PLEG is not healthy: pleg was last seen active 3m14.211882571s ago; threshold is 3m0s";
const NETWORK: &str = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized";

const WORDS: &[&str] = &[
    "node",
    "ready",
    "lease",
    "kubelet",
    "runtime",
    "pressure",
    "disk",
    "memory",
    "pid",
    "kernel",
    "hardware",
    "reboot",
    "readonly",
    "filesystem",
    "network",
    "unreachable",
    "evict",
];

fn fault(node: &str, hurt: Vec<Id>) -> Fault {
    Fault::of(&[&Id::new("Node", "", node)], WORDS).hurting(hurt)
}

/// Those whose pods may come to hang on a node's volumes and daemons.
fn dies(stage: &mut Stage) -> Fault {
    let (node, hurt) = stage.worker();
    stage.cluster.kill_node(&node);
    fault(&node, hurt)
}

fn two_die(stage: &mut Stage) -> Fault {
    let (first, hurt) = stage.worker();
    let second = stage.cluster.workers().into_iter().find(|node| *node != first).unwrap_or_default();
    let more: Vec<Id> =
        stage.cluster.pods.values().filter(|pod| pod.node == second).map(|pod| pod.workload.clone()).collect();
    stage.cluster.kill_node(&first);
    let wait = stage.cluster.random.range(0, 4);
    let of = second.clone();
    stage.cluster.after(wait, move |cluster| cluster.kill_node(&of));
    let mut fault = fault(&first, hurt).hurting(more).everywhere();
    fault.entities.push(Id::new("Node", "", &second));
    fault
}

fn reboots(stage: &mut Stage) -> Fault {
    let (node, hurt) = stage.worker();
    stage.cluster.kill_node(&node);
    let (of, wait) = (node.clone(), stage.cluster.random.range(100, 240));
    stage.cluster.after(wait, move |cluster| cluster.revive_node(&of, true));
    fault(&node, hurt)
}

/// The kubelet says itself that something under it does not work; new pods cannot be started there.
fn unready(stage: &mut Stage, message: &str) -> Fault {
    let (node, hurt) = stage.worker();
    let sandbox = match message {
        NETWORK => {
            "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox \"{sandbox}\": plugin type=\"calico\" failed (add): stat /var/lib/calico/nodename: no such file or directory: check that the calico/node container is running and has mounted /var/lib/calico/"
        }
        _ => "Failed to create pod sandbox: rpc error: code = DeadlineExceeded desc = context deadline exceeded",
    };
    if let Some(of) = stage.cluster.nodes.get_mut(&node) {
        of.sandbox_fault = Some(sandbox.to_owned());
    }
    stage.cluster.unready_node(&node, message);
    fault(&node, hurt)
}

fn pressure(stage: &mut Stage, kind: &'static str) -> Fault {
    let (node, hurt) = stage.worker();
    stage.cluster.press_node(&node, kind);
    // What is evicted may be started anew on any node, and find no room.
    fault(&node, hurt)
}

/// The node problem detector finds something in the kernel's log.
fn problem(stage: &mut Stage, condition: &'static str, reason: &'static str, words: &'static str) -> Fault {
    let (node, hurt) = stage.worker();
    let monitor = match condition {
        "ReadonlyFilesystem" => "readonly-monitor",
        "FrequentKubeletRestart" => "systemd-monitor",
        _ => "kernel-monitor",
    };
    stage.cluster.node_event(monitor, &node, warning(reason, words));
    let message = format!("Node condition {condition} is now: True, reason: {reason}, message: \"{words}\"");
    stage.cluster.node_event(monitor, &node, warning(reason, message));
    stage.cluster.with_node(&node, |node, now| node.set(condition, "True", reason, words, now));
    if monitor == "kernel-monitor" {
        // Sooner or later the kubelet stands still too.
        let (of, wait) = (node.clone(), stage.cluster.random.range(120, 400));
        stage.cluster.after(wait, move |cluster| cluster.kill_node(&of));
    }
    fault(&node, hurt)
}

/// The node problem detector tells something that is no condition, again and again.
fn only_said(stage: &mut Stage, monitor: &'static str, reason: &'static str, words: &'static str) -> Fault {
    let (node, hurt) = stage.worker();
    for at in 0..15 {
        let of = node.clone();
        stage.cluster.after(at * 60, move |cluster| cluster.node_event(monitor, &of, warning(reason, words)));
    }
    let mut fault = fault(&node, hurt);
    fault.words = &["conntrack", "network", "node"];
    fault
}

/// The cloud does not make a route to the pods of a node.
fn route_missing(stage: &mut Stage) -> Fault {
    let (node, hurt) = stage.worker();
    stage.cluster.with_node(&node, |node, now| {
        node.set("NetworkUnavailable", "True", "NoRouteCreated", "Node created without a route", now);
        node.taint("node.kubernetes.io/network-unavailable", "NoSchedule");
    });
    for at in [2, 12, 32, 72, 152, 312, 632, 1000] {
        let of = node.clone();
        stage.cluster.after(at, move |cluster| {
            let words = "Could not create route 4f2a1c 10.244.3.0/24 for node after 1.2s: googleapi: Error 403: Quota 'ROUTES' exceeded. Limit: 200.0 globally., quotaExceeded";
            cluster.node_event("route_controller", &of, warning("FailedToCreateRoute", words));
        });
    }
    fault(&node, hurt)
}

/// The kernel of a node runs out of memory and kills what it finds.
fn system_oom(stage: &mut Stage) -> Fault {
    let (node, hurt) = stage.worker();
    let words = "System OOM encountered, victim process: java, pid: 31337";
    stage.cluster.node_event("kubelet", &node, warning("SystemOOM", words));
    let users =
        |pod: &&crate::cluster::pod::Pod| pod.node == node && pod.template.priority_class.is_empty() && pod.serves();
    let pods: Vec<Id> = stage.cluster.pods.values().filter(users).map(|pod| pod.id.clone()).take(2).collect();
    for (at, pod) in pods.into_iter().enumerate() {
        stage.cluster.after(2 + at as i64 * 40, move |cluster| cluster.end(&pod, 137, "OOMKilled", String::new()));
    }
    let of = node.clone();
    stage.cluster.after(45, move |cluster| cluster.press_node(&of, "MemoryPressure"));
    let mut fault = fault(&node, hurt);
    fault.words = &["oom", "memory", "pressure", "evict", "node"];
    fault
}

fn image_disk_full(stage: &mut Stage) -> Fault {
    let (node, hurt) = stage.worker();
    if let Some(of) = stage.cluster.nodes.get_mut(&node) {
        of.pull_fault = Some("rpc error: code = Unknown desc = failed to pull and unpack image \"{image}\": failed to extract layer sha256:1b2c3d: write /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/812/fs/usr/lib/x.so: no space left on device: unknown".to_owned());
    }
    stage.cluster.press_node(&node, "DiskPressure");
    fault(&node, hurt)
}
