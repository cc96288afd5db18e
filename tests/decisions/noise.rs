//! What happens in every healthy cluster opens nothing.

use super::check;
use bellbuoy_core::fact::{Body, Source};
use bellbuoy_core::object::ObjectRef;
use bellbuoy_core::report::{Condition, Endpoints, ObjectReport, Replicas};
use bellbuoy_tests::estate::{Estate, Pod};

fn cart() -> Pod {
    Pod::new("shop", "cart", 1, "worker-1", "acme/cart:2")
}

#[test]
fn probes_that_fail_while_a_pod_starts() {
    let mut estate = Estate::new("test");
    let pod = cart().object();
    for round in 0..6 {
        let message = "Readiness probe failed: dial tcp 10.0.0.7:8080: connect: connection refused";
        estate.repeated(&pod, "kubelet", "Unhealthy", message, "e1", 1 + round, i64::from(round) * 10).wait(10);
    }
    estate.healthy(&cart()).watch(900);
    check(&estate.recording(), "");
}

#[test]
fn a_service_account_that_comes_a_second_late() {
    let mut estate = Estate::new("test");
    let set = ObjectRef::new("ReplicaSet", "shop", "cart-7d9c5b4f68");
    let message = "Error creating: pods \"cart-\" is forbidden: error looking up service account shop/cart: serviceaccount \"cart\" not found";
    estate.event(&set, "replicaset-controller", "FailedCreate", message).wait(1);
    estate.event(&set, "replicaset-controller", "SuccessfulCreate", "Created pod: cart-7d9c5b4f68-x2x8k").watch(120);
    check(&estate.recording(), "");
}

/// A node whose network agent takes two minutes to be pulled and started.
#[test]
fn a_node_that_is_new() {
    let mut estate = Estate::new("test");
    let created = estate.now();
    let says = |estate: &mut Estate, status: &str| {
        let (kind, reason) = ("Ready".into(), if status == "True" { "KubeletReady" } else { "KubeletNotReady" }.into());
        let message = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized".into();
        let since = Some(if status == "True" { estate.now() } else { created });
        let conditions = vec![Condition { kind, status: status.into(), reason, message, since }];
        let report = ObjectReport { conditions, created_at: Some(created), ..ObjectReport::default() };
        let node = ObjectRef::new("Node", "", "worker-9");
        estate.report(Source::Objects, node, Body::Object(Box::new(report)));
    };
    says(&mut estate, "False");
    let mut lost = estate.clone();
    estate.watch(120);
    says(&mut estate, "True");
    estate.watch(600);
    check(&estate.facts(), "");
    lost.watch(600);
    check(&lost.facts(), "P2 open: NodeNotReady/Network on Node worker-9; 1 members");
}

/// A DaemonSet of two hundred nodes that replaces its pods one by one: one of them is always missing.
fn rolling(steps: u32) -> Estate {
    let mut estate = Estate::new("test");
    for updated in 0..steps {
        let replicas = Some(Replicas { desired: 200, ready: 199, updated });
        let report = ObjectReport { replicas, ..ObjectReport::default() };
        let agent = ObjectRef::new("DaemonSet", "kube-system", "agent");
        estate.report(Source::Objects, agent, Body::Object(Box::new(report))).watch(20);
    }
    estate
}

#[test]
fn a_rollout_from_node_to_node() {
    check(&rolling(60).recording(), "");
}

#[test]
fn a_rollout_that_stands_still_is_none() {
    let mut estate = rolling(60);
    estate.watch(700);
    check(&estate.facts(), "P3 open: ReplicasShort on DaemonSet kube-system/agent; 1 members");
}

#[test]
fn a_pod_that_waits_a_moment_for_a_node() {
    let mut estate = Estate::new("test");
    let pod = cart().object();
    let message = "0/3 nodes are available: 3 Insufficient cpu.";
    estate.event(&pod, "default-scheduler", "FailedScheduling", message).wait(45);
    estate.event(&pod, "default-scheduler", "Scheduled", "Successfully assigned shop/cart to worker-1").watch(300);
    check(&estate.recording(), "");
}

/// A pod that wants a kind of node that its autoscaler makes, four minutes later.
fn waiting_for_a_machine() -> Estate {
    let mut estate = Estate::new("test");
    let message = "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.";
    estate.event(&cart().object(), "default-scheduler", "FailedScheduling", message).wait(10);
    let message = "pod triggered scale-up: [{workers-gpu 0->1 (max: 4)}]";
    estate.event(&cart().object(), "cluster-autoscaler", "TriggeredScaleUp", message).wait(240);
    estate
}

#[test]
fn a_pod_that_waits_for_a_node_that_is_on_its_way() {
    let mut estate = waiting_for_a_machine();
    let message = "0/4 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }, 3 node(s) didn't match Pod's node affinity/selector.";
    estate.event(&cart().object(), "default-scheduler", "FailedScheduling", message).wait(40);
    let message = "Successfully assigned shop/cart to worker-9";
    estate.event(&cart().object(), "default-scheduler", "Scheduled", message).watch(900);
    check(&estate.recording(), "");
}

#[test]
fn a_recording_that_ends_while_a_node_is_on_its_way() {
    check(&waiting_for_a_machine().recording(), "");
}

#[test]
fn a_node_that_misses_one_heartbeat() {
    let mut estate = Estate::new("test");
    estate.node("worker-1", "True").wait(10).node("worker-1", "Unknown").watch(10).node("worker-1", "True").watch(90);
    check(&estate.facts(), "");
}

#[test]
fn alerts_that_are_no_harm_by_their_own_word() {
    let mut estate = Estate::new("test");
    estate.alert(&ObjectRef::new("Cluster", "", "test"), "Watchdog", "none", true);
    estate.alert(&ObjectRef::new("Namespace", "", "shop"), "InfoInhibitor", "none", true).wait(600);
    estate.alert(&ObjectRef::new("Pod", "shop", "cart-0"), "CPUThrottlingHigh", "info", true).wait(600);
    check(&estate.recording(), "");
}

#[test]
fn a_probe_that_fails_once_in_an_hour() {
    let mut estate = Estate::new("test");
    let pod = cart().object();
    estate.deployment(&cart(), 1, 1).healthy(&cart()).wait(10);
    let message = "Readiness probe failed: Get http://10.0.0.7:8080: context deadline exceeded";
    estate.repeated(&pod, "kubelet", "Unhealthy", message, "e1", 1, 0).watch(3_600);
    estate.repeated(&pod, "kubelet", "Unhealthy", message, "e1", 2, 3_600).watch(900);
    check(&estate.recording(), "");
}

#[test]
fn a_second_slice_that_holds_the_ready_endpoints() {
    let mut estate = Estate::new("test");
    estate.service("shop", "cart", "cart").endpoints("shop", "cart", 0, 0);
    let endpoints = Some(Endpoints { ready: 2, not_ready: 0 });
    let report = ObjectReport { service: "cart".into(), endpoints, ..ObjectReport::default() };
    estate.report(Source::Objects, ObjectRef::new("EndpointSlice", "shop", "cart-v6"), Body::Object(Box::new(report)));
    check(&estate.recording(), "");
}

#[test]
fn a_node_that_an_autoscaler_takes_out() {
    let mut estate = Estate::new("test");
    let node = ObjectRef::new("Node", "", "worker-1");
    let event = |estate: &mut Estate, component: &str, reason: &str, message: &str| {
        estate.event(&node, component, reason, message).watch(20);
    };
    event(&mut estate, "karpenter", "DisruptionTerminating", "Disrupting Node: Underutilized/Delete");
    event(&mut estate, "karpenter", "FailedDraining", "Failed to drain node, 3 pods are waiting to be evicted");
    event(&mut estate, "node-controller", "NodeNotReady", "Node worker-1 status is now: NodeNotReady");
    let removed = "Node worker-1 event: Removing Node worker-1 from Controller";
    event(&mut estate, "node-controller", "RemovingNode", removed);
    estate.watch(1_800);
    check(&estate.recording(), "");
}

#[test]
fn an_autoscaler_whose_target_comes_after_it() {
    let mut estate = Estate::new("test");
    let scaler = ObjectRef::new("HorizontalPodAutoscaler", "shop", "cart");
    for round in 0..4 {
        let message = "deployments/scale.apps \"cart\" not found";
        estate.repeated(&scaler, "horizontal-pod-autoscaler", "FailedGetScale", message, "e1", 1 + round, 15).wait(15);
    }
    estate.watch(120);
    check(&estate.recording(), "");
}

#[test]
fn a_pod_that_failed_its_probe_once_and_was_started_again() {
    let mut estate = Estate::new("test");
    let pod = cart().object();
    let killed = "Container main failed liveness probe, will be restarted";
    estate.event(&pod, "kubelet", "Killing", killed).wait(2);
    estate.event(&pod, "kubelet", "Started", "Started container main").watch(1_200);
    check(&estate.recording(), "");
}
