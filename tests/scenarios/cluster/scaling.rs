//! Autoscaling of pods by metrics, and of nodes by pending pods.

use super::Cluster;
use super::event::{Emitter, normal, warning};
use super::id::Id;
use super::moment::stamp;
use super::node::{NODE_CPU_MILLI, NODE_MEMORY_MIB};
use serde_json::json;

/// What the cluster autoscaler can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Autoscaler {
    /// There is none.
    Absent,
    /// It adds nodes.
    Grows,
    /// Its groups are at their maximum.
    AtMaximum,
    /// The cloud refuses.
    Refused,
}

impl Cluster {
    /// An autoscaler of a Deployment by CPU.
    pub(crate) fn add_autoscaler(&mut self, target: &Id, minimum: i64, maximum: i64) {
        let id = target.as_kind("HorizontalPodAutoscaler");
        let current = self.workloads.get(target).map_or(1, |workload| workload.replicas);
        let since = stamp(self.ago(86_400));
        let condition = |kind: &str, status: &str, reason: &str, message: &str| json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since});
        self.put(&id, json!({"metadata": {}, "spec": {"minReplicas": minimum, "maxReplicas": maximum,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target.name},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}]},
            "status": {"currentReplicas": current, "desiredReplicas": current, "conditions": [
                condition("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size"),
                condition("ScalingActive", "True", "ValidMetricFound", "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)"),
                condition("ScalingLimited", "False", "DesiredWithinRange", "the desired count is within the acceptable range")]}}));
    }

    /// The load has changed, and the autoscaler follows.
    pub(crate) fn rescale(&mut self, target: &Id, replicas: i64) {
        let id = target.as_kind("HorizontalPodAutoscaler");
        let Some(before) = self.workloads.get(target).map(|workload| workload.replicas) else { return };
        let why = match replicas > before {
            true => "cpu resource utilization (percentage of request) above target",
            false => "All metrics below target",
        };
        let uid = self.uid_of(&id);
        let emitter = Emitter::controller("horizontal-pod-autoscaler");
        self.event(&emitter, &id, &uid, normal("SuccessfulRescale", format!("New size: {replicas}; reason: {why}")));
        let now = stamp(self.now);
        self.change(&id, |hpa| {
            hpa["status"]["desiredReplicas"] = json!(replicas);
            hpa["status"]["lastScaleTime"] = json!(now);
        });
        self.scale(target, replicas);
        let id = id.clone();
        self.after(30, move |cluster| cluster.change(&id, |hpa| hpa["status"]["currentReplicas"] = json!(replicas)));
    }

    /// Autoscalers ask for metrics every 15 s.
    pub(crate) fn start_metrics(&mut self) {
        self.look_at_metrics(0);
    }

    fn look_at_metrics(&mut self, silent: i64) {
        let answers = self.ready_backends("kube-system", "metrics-server") > 0;
        let silent = if answers { 0 } else { silent + 1 };
        let api = Id::new("APIService", "", "v1beta1.metrics.k8s.io");
        let known = self.others.get(&api).is_some_and(|api| api["status"]["conditions"][0]["status"] == "True");
        if self.others.contains_key(&api) && known != answers {
            self.show_metrics_api(answers);
        }
        if silent > 1 && !self.stopped.contains("controllers") {
            let scalers: Vec<Id> =
                self.others.keys().filter(|id| id.kind == "HorizontalPodAutoscaler").cloned().collect();
            for id in scalers {
                let words = "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server is currently unable to handle the request (get pods.metrics.k8s.io)";
                let (emitter, uid) = (Emitter::controller("horizontal-pod-autoscaler"), self.uid_of(&id));
                self.event(&emitter, &id, &uid, warning("FailedGetResourceMetric", words));
                let message = format!(
                    "invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: {words}"
                );
                self.event(&emitter, &id, &uid, warning("FailedComputeMetricsReplicas", message));
                self.set_scaling_active(
                    &id,
                    "False",
                    "FailedGetResourceMetric",
                    &format!("the HPA was unable to compute the replica count: {words}"),
                );
            }
        }
        self.after(15, move |cluster| cluster.look_at_metrics(silent));
    }

    fn set_scaling_active(&mut self, id: &Id, status: &str, reason: &str, message: &str) {
        let now = stamp(self.now);
        if self.others.get(id).is_some_and(|hpa| hpa["status"]["conditions"][1]["reason"] != reason) {
            self.change(id, |hpa| {
                hpa["status"]["conditions"][1] = json!({"type": "ScalingActive", "status": status, "reason": reason,
                    "message": message, "lastTransitionTime": now});
            });
        }
    }

    /// The aggregated API of the metrics server.
    pub(crate) fn show_metrics_api(&mut self, answers: bool) {
        let (status, reason, message) = match answers {
            true => ("True", "Passed", "all checks passed"),
            false => (
                "False",
                "MissingEndpoints",
                "endpoints for service/metrics-server in \"kube-system\" have no addresses with port name \"https\"",
            ),
        };
        let now = stamp(self.now);
        self.put(&Id::new("APIService", "", "v1beta1.metrics.k8s.io"), json!({"metadata": {},
            "spec": {"group": "metrics.k8s.io", "version": "v1beta1", "service": {"name": "metrics-server", "namespace": "kube-system", "port": 443}},
            "status": {"conditions": [{"type": "Available", "status": status, "reason": reason, "message": message, "lastTransitionTime": now}]}}));
    }

    /// The cluster autoscaler looks at a pod that no node takes.
    pub(crate) fn note_unschedulable(&mut self, id: &Id) {
        if self.autoscaler != Autoscaler::Absent {
            let id = id.clone();
            self.after(11, move |cluster| cluster.help_pending(&id));
        }
    }

    fn help_pending(&mut self, id: &Id) {
        let Some(pod) = self.pods.get(id) else { return };
        let (Some((_, words)), uid) = (&pod.unschedulable, pod.uid.clone()) else { return };
        let emitter = Emitter::controller("cluster-autoscaler");
        let capacity = words.contains("Insufficient cpu") || words.contains("Insufficient memory");
        let too_large = pod.template.cpu_milli() > NODE_CPU_MILLI || pod.template.memory_mib() > NODE_MEMORY_MIB;
        let status = Id::new("ConfigMap", "kube-system", "cluster-autoscaler-status");
        let group = "workers-eu-central-1";
        if !capacity || too_large || self.autoscaler == Autoscaler::AtMaximum {
            let why = match (capacity, too_large) {
                (true, true) => "1 Insufficient cpu, 1 Insufficient memory",
                (true, false) => "1 max node group size reached",
                _ => "1 node(s) didn't match Pod's node affinity/selector",
            };
            self.event(&emitter, id, &uid, normal("NotTriggerScaleUp", format!("pod didn't trigger scale-up: {why}")));
        } else {
            let size = self.nodes.len();
            let message = format!("pod triggered scale-up: [{{{group} {size}->{} (max: {})}}]", size + 1, size + 20);
            self.event(&emitter, id, &uid, normal("TriggeredScaleUp", message));
            let holder = self.uid_of(&status);
            if self.autoscaler == Autoscaler::Refused {
                let message = format!(
                    "Scale-up failed for group {group}: InsufficientInstanceCapacity: We currently do not have sufficient m6i.4xlarge capacity in the Availability Zone you requested"
                );
                self.event(&emitter, &status, &holder, warning("FailedToScaleUpGroup", message));
            } else {
                let message = format!(
                    "Scale-up: setting group {group} size to {} instead of {size} (max: {})",
                    size + 1,
                    size + 20
                );
                self.event(&emitter, &status, &holder, normal("ScaledUpGroup", message));
                let name = format!("worker-{}", self.random.suffix(5));
                let wait = self.random.range(35, 50);
                return self.after(wait, move |cluster| cluster.join_node(&name));
            }
        }
        let id = id.clone();
        self.after(60, move |cluster| cluster.help_pending(&id));
    }

    /// A new node registers, gets its daemons, and becomes ready.
    pub(crate) fn join_node(&mut self, name: &str) {
        self.add_node(name, false);
        self.with_node(name, |node, now| {
            node.set("Ready", "False", "KubeletNotReady", "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized", now);
            node.taint("node.kubernetes.io/not-ready", "NoSchedule");
        });
        for (reason, message) in [
            ("Starting", "Starting kubelet.".to_owned()),
            ("NodeHasSufficientMemory", format!("Node {name} status is now: NodeHasSufficientMemory")),
            ("NodeHasNoDiskPressure", format!("Node {name} status is now: NodeHasNoDiskPressure")),
            ("NodeAllocatableEnforced", "Updated Node Allocatable limit across pods".to_owned()),
        ] {
            self.node_event("kubelet", name, normal(reason, message));
        }
        self.node_event("kubelet", name, warning("InvalidDiskCapacity", "invalid capacity 0 on image filesystem"));
        self.node_event(
            "node-controller",
            name,
            normal("RegisteredNode", format!("Node {name} event: Registered Node {name} in Controller")),
        );
        let node = name.to_owned();
        self.after_ms(300, move |cluster| cluster.renew_new(&node));
        for id in self.workloads.keys().filter(|id| id.kind == "DaemonSet").cloned().collect::<Vec<_>>() {
            self.touch(&id);
        }
        let (name, wait) = (name.to_owned(), self.random.range(12, 25));
        self.after(wait, move |cluster| {
            cluster.with_node(&name, |node, now| {
                node.set("Ready", "True", "KubeletReady", "kubelet is posting ready status", now);
                node.untaint("node.kubernetes.io/not-ready");
            });
            cluster.node_event("kubelet", &name, normal("NodeReady", format!("Node {name} status is now: NodeReady")));
            cluster.capacity_changed();
        });
    }
}
