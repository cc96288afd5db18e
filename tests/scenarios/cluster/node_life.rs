//! Heartbeats of nodes and control planes, and what the node controllers do when they stop.

use super::Cluster;
use super::event::{Emitter, Said, normal, warning};
use super::id::Id;
use super::moment::{SECOND, micro, stamp};
use super::pod::{Ended, State};
use super::recording::{Notice, Source};
use serde_json::json;

/// How long the node controller waits for a heartbeat (`--node-monitor-grace-period`).
const GRACE_SECS: i64 = 40;
/// `tolerationSeconds` that the API server gives every pod.
const TOLERATION_SECS: i64 = 300;
/// The recorder keeps one lease of a node per 30 s.
const NODE_LEASE_SECS: i64 = 30;
/// And leases of control planes as it gets them, every few seconds.
const LEADER_LEASE_SECS: i64 = 5;

/// Components that hold a lease in `kube-system`.
const LEADERS: [(&str, &str); 3] = [
    ("kube-scheduler", "scheduler"),
    ("kube-controller-manager", "controllers"),
    ("cloud-controller-manager", "cloud"),
];

impl Cluster {
    /// An event about a node; kubelets write the node's name where its uid belongs.
    pub(crate) fn node_event(&mut self, component: &str, node: &str, said: Said<'_>) {
        let id = Id::new("Node", "", node);
        let (emitter, uid) = match component {
            "kubelet" => (Emitter::kubelet(node), node.to_owned()),
            "node-controller" => {
                let uid = self.nodes.get(node).map_or(String::new(), |node| node.uid.clone());
                (Emitter::controller(component), uid)
            }
            other => (Emitter { component: other.to_owned(), host: node.to_owned() }, node.to_owned()),
        };
        self.event(&emitter, &id, &uid, said);
    }

    /// Heartbeats begin.
    pub(crate) fn start_leases(&mut self) {
        for node in self.nodes.keys().cloned().collect::<Vec<_>>() {
            let wait = self.random.range(0, NODE_LEASE_SECS * 1000);
            let name = node.clone();
            self.after_ms(wait, move |cluster| cluster.renew_node(&name, true));
            let wait = self.random.range(0, 300);
            self.after(wait, move |cluster| cluster.beat(&node));
        }
        for (name, loop_name) in LEADERS {
            if name != "cloud-controller-manager" || !self.random.chance(30) {
                self.renew_leader(name, loop_name, true);
            }
        }
    }

    fn lease(&mut self, namespace: &str, name: &str, holder: &str, secs: i64, first: bool) {
        let version = self.next_version();
        let json = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": name, "namespace": namespace, "uid": format!("1ea5e000-0000-4000-8000-{:012x}", name.len() * 7919),
                "resourceVersion": version, "creationTimestamp": stamp(self.now - self.now.rem_euclid(86_400 * SECOND) - 20 * 86_400 * SECOND)},
            "spec": {"holderIdentity": holder, "leaseDurationSeconds": secs, "renewTime": micro(self.now)}});
        self.notice(Source::Objects, if first { Notice::Added } else { Notice::Modified }, &json, 20);
        self.leases.insert(Id::new("Lease", namespace, name), json);
    }

    fn renew_node(&mut self, name: &str, first: bool) {
        let now = self.now;
        let Some(node) = self.nodes.get_mut(name) else { return };
        if node.is_alive {
            node.renewed = now;
            self.lease("kube-node-lease", name, name, 40, first);
        }
        let name = name.to_owned();
        self.after(NODE_LEASE_SECS, move |cluster| cluster.renew_node(&name, false));
    }

    /// A new node renews its lease for the first time.
    pub(crate) fn renew_new(&mut self, name: &str) {
        self.renew_node(name, true);
        let name = name.to_owned();
        self.after(300, move |cluster| cluster.beat(&name));
    }

    fn renew_leader(&mut self, name: &'static str, loop_name: &'static str, first: bool) {
        if !self.stopped.contains(loop_name) {
            let holder = format!("control-plane-0_{name}");
            self.lease("kube-system", name, &holder, 15, first);
        }
        self.after(LEADER_LEASE_SECS, move |cluster| cluster.renew_leader(name, loop_name, false));
    }

    /// A kubelet writes its status every five minutes, changed or not.
    fn beat(&mut self, name: &str) {
        let Some(node) = self.nodes.get(name) else { return };
        if node.is_alive {
            self.show_node(name, Notice::Modified);
        }
        let name = name.to_owned();
        self.after(300, move |cluster| cluster.beat(&name));
    }

    /// A node is gone from one moment to the next: power, network or kernel.
    pub(crate) fn kill_node(&mut self, name: &str) {
        let now = self.now;
        if let Some(node) = self.nodes.get_mut(name) {
            node.is_alive = false;
            node.renewed = node.renewed.max(now - 10 * SECOND);
        }
        let (name, wait) = (name.to_owned(), GRACE_SECS + self.random.range(0, 6));
        self.after(wait, move |cluster| cluster.give_up(&name, "unreachable"));
    }

    /// The kubelet lives and says that it is not ready.
    pub(crate) fn unready_node(&mut self, name: &str, message: &str) {
        self.with_node(name, |node, now| node.set("Ready", "False", "KubeletNotReady", message, now));
        self.node_event("kubelet", name, normal("NodeNotReady", format!("Node {name} status is now: NodeNotReady")));
        let name = name.to_owned();
        self.after(3, move |cluster| cluster.give_up(&name, "not-ready"));
    }

    fn give_up(&mut self, name: &str, why: &'static str) {
        let Some(node) = self.nodes.get(name) else { return };
        if self.stopped.contains("controllers") || (node.is_alive && node.is("Ready") == "True") {
            return;
        }
        let taint = format!("node.kubernetes.io/{why}");
        self.with_node(name, |node, now| {
            node.is_lost = true;
            if why == "unreachable" {
                for kind in ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"] {
                    node.set(kind, "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", now);
                }
            }
            node.taint(&taint, "NoSchedule");
        });
        let said = normal("NodeNotReady", format!("Node {name} status is now: NodeNotReady"));
        self.node_event("node-controller", name, said);
        for pod in self.pods_on(name) {
            let Some(uid) = self.pods.get(&pod).filter(|pod| pod.ready).map(|pod| pod.uid.clone()) else { continue };
            self.with_pod(&pod, |pod, now| (pod.ready, pod.ready_since) = (false, now));
            let emitter = Emitter::controller("node-controller");
            self.event(&emitter, &pod, &uid, warning("NodeNotReady", "Node is not ready"));
        }
        let name = name.to_owned();
        self.after(5, move |cluster| {
            cluster.with_node(&name, |node, _| node.taint(&taint, "NoExecute"));
            cluster.after(TOLERATION_SECS, move |cluster| cluster.evict_by_taint(&name));
        });
    }

    fn evict_by_taint(&mut self, node: &str) {
        if !self.nodes.get(node).is_some_and(|node| node.is_lost) || self.stopped.contains("controllers") {
            return;
        }
        for id in self.pods_on(node) {
            let Some(pod) = self.pods.get(&id) else { continue };
            if pod.template.tolerates_everything
                || pod.owner.as_ref().is_some_and(|(owner, _)| owner.kind == "Node")
                || !pod.is_active()
            {
                continue;
            }
            let emitter = Emitter::controller("taint-eviction-controller");
            let message = format!("Marking for deletion Pod {}/{}", id.namespace, id.name);
            self.event(&emitter, &id, "", normal("TaintManagerEviction", message));
            if let Some(pod) = self.pods.get_mut(&id) {
                let message = "Taint manager: deleting due to NoExecute taint".to_owned();
                pod.disrupted = Some(("DeletionByTaintManager", message, self.now));
            }
            self.delete_pod(&id);
        }
    }

    /// A node comes back: after a reboot its pods start anew, else they go on.
    pub(crate) fn revive_node(&mut self, name: &str, rebooted: bool) {
        self.with_node(name, |node, now| {
            (node.is_alive, node.is_lost, node.renewed) = (true, false, now);
            for (kind, reason, message) in [
                ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            ] {
                node.set(kind, "False", reason, message, now);
            }
            node.set("Ready", "True", "KubeletReady", "kubelet is posting ready status", now);
            for taint in ["unreachable", "not-ready"] {
                node.untaint(&format!("node.kubernetes.io/{taint}"));
            }
        });
        if rebooted {
            let boot = self.random.uid();
            self.node_event("kubelet", name, normal("Starting", "Starting kubelet."));
            self.node_event(
                "kubelet",
                name,
                warning("Rebooted", format!("Node {name} has been rebooted, boot id: {boot}")),
            );
        }
        self.node_event("kubelet", name, normal("NodeReady", format!("Node {name} status is now: NodeReady")));
        for id in self.pods_on(name) {
            let Some(pod) = self.pods.get(&id) else { continue };
            if pod.deleting.is_some() {
                let id = id.clone();
                self.after(2, move |cluster| cluster.remove_pod(&id));
                continue;
            }
            if !rebooted {
                self.pod_after(&id, 1500, |cluster, id| cluster.set_ready(id, true));
                continue;
            }
            self.kubelet_event(&id, normal("SandboxChanged", "Pod sandbox changed, it will be killed and re-created."));
            self.with_pod(&id, |pod, now| {
                pod.turn += 1;
                (pod.ready, pod.ready_since) = (false, now);
                for run in &mut pod.containers {
                    let started = if let State::Running(since) = run.state { since } else { now };
                    let ended = Ended { code: 255, reason: "Unknown", message: String::new(), started, finished: now };
                    (run.last, run.ready) = (Some(ended), false);
                    run.restarts += 1;
                    run.state = State::Waiting("ContainerCreating", String::new());
                }
            });
            let wait = self.random.range(3_000, 20_000);
            self.pod_after(&id, wait, |cluster, id| cluster.run_containers(id));
        }
        self.capacity_changed();
    }

    /// A kubelet runs short of something: it says so, evicts, and refuses new pods.
    pub(crate) fn press_node(&mut self, name: &str, kind: &'static str) {
        let (reason, message, resource, signal) = match kind {
            "MemoryPressure" => (
                "KubeletHasInsufficientMemory",
                "kubelet has insufficient memory available",
                "memory",
                "NodeHasInsufficientMemory",
            ),
            "DiskPressure" => {
                ("KubeletHasDiskPressure", "kubelet has disk pressure", "ephemeral-storage", "NodeHasDiskPressure")
            }
            _ => (
                "KubeletHasInsufficientPID",
                "kubelet has insufficient PID available",
                "pids",
                "NodeHasInsufficientPID",
            ),
        };
        let taint = match kind {
            "MemoryPressure" => "node.kubernetes.io/memory-pressure",
            "DiskPressure" => "node.kubernetes.io/disk-pressure",
            _ => "node.kubernetes.io/pid-pressure",
        };
        self.node_event("kubelet", name, warning("EvictionThresholdMet", format!("Attempting to reclaim {resource}")));
        self.with_node(name, |node, now| {
            node.set(kind, "True", reason, message, now);
            node.taint(taint, "NoSchedule");
        });
        self.node_event("kubelet", name, normal(signal, format!("Node {name} status is now: {signal}")));
        if kind == "DiskPressure" {
            let message = "Failed to garbage collect required amount of images. Attempted to free 6442450944 bytes, but only found 0 bytes eligible to free.";
            self.node_event("kubelet", name, warning("FreeDiskSpaceFailed", message));
        }
        let name = name.to_owned();
        for round in 0..3 {
            let name = name.clone();
            self.after(10 + round * 25, move |cluster| cluster.evict_one(&name, resource));
        }
    }

    fn evict_one(&mut self, node: &str, resource: &str) {
        // Critical pods are evicted last of all.
        let spared =
            |pod: &super::pod::Pod| !pod.template.priority_class.is_empty() || pod.workload.kind != "Deployment";
        let fits = |pod: &&super::pod::Pod| pod.node == node && pod.is_active() && !spared(pod);
        let Some(pod) = self.pods.values().find(fits).cloned() else { return };
        let name = &pod.template.containers[0].name;
        let usage = match resource {
            "memory" => "memory. Threshold quantity: 100Mi, available: 61480Ki".to_owned(),
            "pids" => "pids. Threshold quantity: 3276, available: 1204".to_owned(),
            other => format!("{other}. Threshold quantity: 21474836480, available: 11258999Ki"),
        };
        let message = format!(
            "The node was low on resource: {usage}. Container {name} was using 812Mi, request is 128Mi, has larger consumption of {resource}. "
        );
        self.kubelet_event(&pod.id, warning("Evicted", message.clone()));
        self.kubelet_event(&pod.id, normal("Killing", format!("Stopping container {name}")).of_container(name));
        self.with_pod(&pod.id, |pod, now| {
            pod.turn += 1;
            (pod.phase, pod.reason, pod.message) = ("Failed", "Evicted", message.clone());
            pod.disrupted = Some(("TerminationByKubelet", message, now));
            for run in &mut pod.containers {
                run.ready = false;
                run.state = State::Ended(Ended {
                    code: 137,
                    reason: "Error",
                    message: String::new(),
                    started: now,
                    finished: now,
                });
            }
            (pod.ready, pod.ready_since) = (false, now);
        });
    }
}
