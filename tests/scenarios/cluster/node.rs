//! Nodes: what they offer, what their kubelet says, and what is wrong with them.

use super::Cluster;
use super::moment::{SECOND, stamp};
use super::recording::{Notice, Source};
use serde_json::{Value, json};

/// Millicores of a node.
pub(crate) const NODE_CPU_MILLI: i64 = 16_000;
/// Mebibytes of a node.
pub(crate) const NODE_MEMORY_MIB: i64 = 64_000;

/// A condition of a node.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub kind: String,
    pub status: &'static str,
    pub reason: String,
    pub message: String,
    pub since: i64,
}

/// A node.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub name: String,
    pub uid: String,
    pub created: i64,
    pub labels: Vec<(String, String)>,
    /// Key, value and effect.
    pub taints: Vec<(String, String, &'static str)>,
    pub unschedulable: bool,
    pub conditions: Vec<Condition>,
    pub cpu_milli: i64,
    pub memory_mib: i64,
    pub ephemeral_gib: i64,
    pub gpus: i64,
    pub is_control_plane: bool,
    /// The kubelet runs and reaches the API server.
    pub is_alive: bool,
    /// The node controller has given it up.
    pub is_lost: bool,
    /// Why no sandbox can be made on it.
    pub sandbox_fault: Option<String>,
    /// Why no image can be pulled on it.
    pub pull_fault: Option<String>,
    /// No CSI driver is registered on it.
    pub lacks_driver: bool,
    /// Its kubelet rejects new pods: reason and message.
    pub rejects: Option<(&'static str, String)>,
    pub renewed: i64,
}

impl Node {
    /// A condition's status.
    pub(crate) fn is(&self, kind: &str) -> &'static str {
        self.conditions.iter().find(|condition| condition.kind == kind).map_or("", |condition| condition.status)
    }

    /// Sets a condition.
    pub(crate) fn set(&mut self, kind: &str, status: &'static str, reason: &str, message: &str, now: i64) {
        let known = self.conditions.iter_mut().find(|condition| condition.kind == kind);
        match known {
            Some(known) => {
                if known.status != status {
                    known.since = now;
                }
                (known.status, known.reason, known.message) = (status, reason.to_owned(), message.to_owned());
            }
            None => self.conditions.push(Condition {
                kind: kind.to_owned(),
                status,
                reason: reason.to_owned(),
                message: message.to_owned(),
                since: now,
            }),
        }
    }

    /// Adds a taint once.
    pub(crate) fn taint(&mut self, key: &str, effect: &'static str) {
        let taint = (key.to_owned(), String::new(), effect);
        if !self.taints.contains(&taint) {
            self.taints.push(taint);
        }
    }

    /// Removes a taint.
    pub(crate) fn untaint(&mut self, key: &str) {
        self.taints.retain(|(taint, ..)| taint != key);
    }

    fn json(&self, now: i64) -> Value {
        let labels: serde_json::Map<_, _> = self.labels.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
        let beat = if self.is_alive { now } else { self.renewed };
        let conditions: Vec<Value> = self
            .conditions
            .iter()
            .map(|of| {
                json!({"type": of.kind, "status": of.status, "reason": of.reason, "message": of.message,
                    "lastHeartbeatTime": stamp(beat.max(of.since - 40 * SECOND)), "lastTransitionTime": stamp(of.since)})
            })
            .collect();
        let mut spec =
            json!({"providerID": format!("aws:///eu-central-1a/i-{}", &self.uid[..8]), "podCIDR": "10.244.0.0/24"});
        if self.unschedulable {
            spec["unschedulable"] = json!(true);
        }
        if !self.taints.is_empty() {
            let taints = self.taints.iter().map(|(key, value, effect)| match value.is_empty() {
                true => json!({"key": key, "effect": effect}),
                false => json!({"key": key, "value": value, "effect": effect}),
            });
            spec["taints"] = taints.collect();
        }
        let mut capacity = json!({"cpu": (self.cpu_milli / 1000).to_string(), "memory": format!("{}Ki", self.memory_mib * 1024),
            "ephemeral-storage": format!("{}Ki", self.ephemeral_gib * 1024 * 1024), "pods": "110"});
        if self.gpus > 0 {
            capacity["nvidia.com/gpu"] = json!(self.gpus.to_string());
        }
        json!({"apiVersion": "v1", "kind": "Node",
            "metadata": {"name": self.name, "uid": self.uid, "labels": labels, "creationTimestamp": stamp(self.created),
                "annotations": {"node.alpha.kubernetes.io/ttl": "0"}},
            "spec": spec,
            "status": {"capacity": capacity, "allocatable": capacity, "conditions": conditions,
                "addresses": [{"type": "Hostname", "address": self.name}],
                "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
                "nodeInfo": {"kubeletVersion": "v1.31.4", "containerRuntimeVersion": "containerd://1.7.22",
                    "kernelVersion": "6.1.112", "osImage": "Ubuntu 22.04.5 LTS", "operatingSystem": "linux",
                    "architecture": "amd64", "machineID": self.uid, "systemUUID": self.uid, "bootID": self.uid,
                    "kubeProxyVersion": "v1.31.4"}}})
    }
}

impl Cluster {
    /// A new, ready node.
    pub(crate) fn add_node(&mut self, name: &str, is_control_plane: bool) {
        let created = if self.recording { self.now } else { self.now - self.random.range(10, 90) * 86_400 * SECOND };
        let zone = *self.random.pick(&["eu-central-1a", "eu-central-1b", "eu-central-1c"]);
        let mut labels = vec![
            ("kubernetes.io/hostname".to_owned(), name.to_owned()),
            ("kubernetes.io/os".to_owned(), "linux".to_owned()),
            ("kubernetes.io/arch".to_owned(), "amd64".to_owned()),
            ("topology.kubernetes.io/zone".to_owned(), zone.to_owned()),
        ];
        if is_control_plane {
            labels.push(("node-role.kubernetes.io/control-plane".to_owned(), String::new()));
        }
        let mut node = Node {
            name: name.to_owned(),
            uid: self.random.uid(),
            created,
            labels,
            taints: Vec::new(),
            unschedulable: false,
            conditions: Vec::new(),
            cpu_milli: NODE_CPU_MILLI,
            memory_mib: NODE_MEMORY_MIB,
            ephemeral_gib: 200,
            gpus: 0,
            is_control_plane,
            is_alive: true,
            is_lost: false,
            sandbox_fault: None,
            pull_fault: None,
            lacks_driver: false,
            rejects: None,
            renewed: self.now,
        };
        if is_control_plane {
            node.taint("node-role.kubernetes.io/control-plane", "NoSchedule");
        }
        for (kind, status, reason, message) in [
            ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            ("NetworkUnavailable", "False", "RouteCreated", "RouteController created a route"),
            ("KernelDeadlock", "False", "KernelHasNoDeadlock", "kernel has no deadlock"),
            ("ReadonlyFilesystem", "False", "FilesystemIsNotReadOnly", "Filesystem is not read-only"),
            ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ] {
            node.set(kind, status, reason, message, created);
        }
        self.nodes.insert(name.to_owned(), node);
        if self.recording {
            self.show_node(name, Notice::Added);
        }
    }

    /// Shows a node.
    pub(crate) fn show_node(&mut self, name: &str, notice: Notice) {
        let Some(node) = self.nodes.get(name) else { return };
        let mut json = node.json(self.now);
        json["metadata"]["resourceVersion"] = self.next_version().into();
        self.notice(Source::Objects, notice, &json, 20);
    }

    /// Changes a node and shows it.
    pub(crate) fn with_node(&mut self, name: &str, change: impl FnOnce(&mut Node, i64)) {
        let now = self.now;
        if let Some(node) = self.nodes.get_mut(name) {
            change(node, now);
            self.show_node(name, Notice::Modified);
        }
    }

    /// Nodes that run workloads, by name.
    pub(crate) fn workers(&self) -> Vec<String> {
        self.nodes
            .values()
            .filter(|node| !node.is_control_plane && node.is_alive)
            .map(|node| node.name.clone())
            .collect()
    }
}
