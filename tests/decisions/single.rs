//! One failure of one workload or node: found, named, ended.

use super::check;
use bellbuoy_core::fact::{Body, Source};
use bellbuoy_core::object::ObjectRef;
use bellbuoy_core::report::{Condition, ContainerState, ObjectReport, OwnerRef, Termination};
use bellbuoy_core::time::Span;
use bellbuoy_tests::estate::{Estate, Pod};
use bellbuoy_tests::fold::decide;

fn cart() -> Pod {
    Pod::new("shop", "cart", 1, "worker-1", "acme/cart:2")
}

#[test]
fn a_crash_loop_opens_when_it_has_lasted() {
    let mut estate = Estate::new("test");
    let pod = cart().object();
    let message = "Back-off restarting failed container main in pod cart";
    for round in 0..20 {
        estate.repeated(&pod, "kubelet", "BackOff", message, "e1", 1 + round, i64::from(round) * 15).wait(15);
    }
    check(&estate.recording(), "P3 open: CrashLoopBackOff on Deployment shop/cart; 1 members");
}

#[test]
fn an_oom_kill_explains_the_crash_loop() {
    let mut estate = Estate::new("test");
    estate.deployment(&cart(), 1, 0).healthy(&cart()).wait(60);
    for restarts in 1..6 {
        estate.oom_killed(&cart(), restarts).wait(60);
    }
    check(&estate.recording(), "P3 open: OOMKilled on Deployment shop/cart; 2 members");
}

#[test]
fn an_oom_kill_is_over_after_ten_minutes_of_running() {
    let mut estate = Estate::new("test");
    estate.deployment(&cart(), 1, 0).oom_killed(&cart(), 1).wait(40).healthy(&cart()).watch(700);
    check(&estate.facts(), "P3 resolved: OOMKilled on Deployment shop/cart; 3 members");
}

#[test]
fn a_node_that_was_on_its_way_and_never_came() {
    let mut estate = Estate::new("test");
    let pod = cart().object();
    let lacks = "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.";
    estate.event(&pod, "default-scheduler", "FailedScheduling", lacks).wait(10);
    let coming = "pod triggered scale-up: [{workers-gpu 0->1 (max: 4)}]";
    estate.event(&pod, "cluster-autoscaler", "TriggeredScaleUp", coming).wait(300);
    estate.event(&pod, "default-scheduler", "FailedScheduling", lacks).watch(600);
    check(&estate.facts(), "P3 open: FailedScheduling/NoNodeMatches on Deployment shop/cart; 1 members");
}

#[test]
fn a_pod_that_waits_for_another_thing_than_before_still_waits() {
    let mut estate = Estate::new("test");
    let began = estate.now();
    let lacks = |estate: &mut Estate, what: &str| {
        estate.pod(&cart(), |report| {
            (report.phase, report.node, report.containers) = ("Pending".into(), "".into(), Vec::new());
            report.conditions = vec![Condition {
                kind: "PodScheduled".into(),
                status: "False".into(),
                reason: "Unschedulable".into(),
                message: format!("0/3 nodes are available: 3 Insufficient {what}.").into(),
                since: Some(began),
            }];
        });
    };
    for what in ["nvidia.com/gpu", "memory", "nvidia.com/gpu"] {
        lacks(&mut estate, what);
        estate.watch(240);
    }
    let decided = decide(&estate.recording());
    assert_eq!(decided.told(), "P3 open: FailedScheduling/InsufficientDevices on Deployment shop/cart; 2 members\n");
    assert_eq!(decided.triggers(), 1);
}

#[test]
fn a_quota_that_is_used_up_is_the_cause_and_the_workload_is_affected() {
    let mut estate = Estate::new("test");
    let set = ObjectRef::new("ReplicaSet", "shop", "cart-7d9c5b4f68");
    let message = "Error creating: pods \"cart-7d9c5b4f68-x2x8k\" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=10, limited: pods=10";
    estate.event(&set, "replicaset-controller", "FailedCreate", message).wait(40).tick().wait(5).tick();
    let decided = decide(&estate.recording());
    assert_eq!(decided.told(), "P3 open: FailedCreate/QuotaExceeded on ResourceQuota shop/compute; 2 members\n");
    let incident = &decided.incidents()[0].incident;
    assert!(incident.members.iter().any(|member| &*member.entity.name == "cart"), "{:?}", incident.members);
}

#[test]
fn a_missing_service_account_is_named() {
    let mut estate = Estate::new("test");
    let set = ObjectRef::new("ReplicaSet", "shop", "cart-7d9c5b4f68");
    let message = "Error creating: pods \"cart-7d9c5b4f68-\" is forbidden: error looking up service account shop/robot: serviceaccount \"robot\" not found";
    estate.event(&set, "replicaset-controller", "FailedCreate", message).wait(40).tick();
    check(&estate.recording(), "P3 open: FailedCreate/ServiceAccountMissing on ServiceAccount shop/robot; 2 members");
}

#[test]
fn a_service_that_loses_its_endpoints_opens_and_ends() {
    let mut estate = Estate::new("test");
    estate.service("shop", "cart", "cart").endpoints("shop", "cart", 2, 0).wait(10);
    estate.endpoints("shop", "cart", 0, 2).watch(90).endpoints("shop", "cart", 2, 0).watch(60);
    check(&estate.facts(), "P2 resolved: ServiceWithoutEndpoints on Service shop/cart; 1 members");
}

#[test]
fn a_node_that_dies_and_comes_back() {
    let mut estate = Estate::new("test");
    estate.node("worker-1", "True").wait(10).node("worker-1", "Unknown").watch(60).node("worker-1", "True").watch(90);
    check(&estate.facts(), "P2 resolved: NodeNotReady on Node worker-1; 1 members");
}

#[test]
fn a_node_whose_pods_alone_tell_that_it_is_lost() {
    let mut estate = Estate::new("test");
    let pod = cart().object();
    estate.event(&pod, "default-scheduler", "Scheduled", "Successfully assigned shop/cart to worker-1").wait(60);
    estate.event(&pod, "kubelet", "Started", "Started container main").wait(300);
    estate.event(&pod, "node-controller", "NodeNotReady", "Node is not ready").watch(120);
    check(&estate.facts(), "P2 open: NodeNotReady on Node worker-1; 2 members");
}

#[test]
fn an_alert_of_any_name_is_a_symptom_on_what_its_labels_name() {
    let mut estate = Estate::new("test");
    let object = ObjectRef::new("Service", "shop", "checkout");
    estate.alert(&object, "CheckoutErrorsHigh", "critical", true).wait(300);
    check(&estate.recording(), "P2 open: CheckoutErrorsHigh on Service shop/checkout; 1 members");
}

#[test]
fn an_alert_ends_when_its_sender_says_so() {
    let mut estate = Estate::new("test");
    let object = ObjectRef::new("Service", "shop", "checkout");
    estate.alert(&object, "CheckoutErrorsHigh", "warning", true).wait(60);
    estate.alert(&object, "CheckoutErrorsHigh", "warning", false).wait(60).tick();
    check(&estate.facts(), "P3 resolved: CheckoutErrorsHigh on Service shop/checkout; 1 members");
}

#[test]
fn an_oom_kill_that_the_state_keeps_telling_of_is_over_after_ten_minutes_too() {
    let mut estate = Estate::new("test");
    estate.deployment(&cart(), 1, 0).oom_killed(&cart(), 1).wait(40);
    let began = estate.now();
    estate.pod(&cart(), |report| {
        let reason = "OOMKilled".into();
        let end = Termination { reason, exit_code: 137, finished_at: Some(began), ..Termination::default() };
        report.containers[0].last = Some(end);
    });
    estate.watch(700);
    check(&estate.facts(), "P3 resolved: OOMKilled on Deployment shop/cart; 3 members");
}

/// A pod that runs again since two minutes, after `restarts` ends in so many hours.
fn runs_again(restarts: u32, hours: i64) -> Estate {
    let mut estate = Estate::new("test");
    estate.wait(hours * 3_600);
    let (created, ended) = (estate.now() - Span::from_secs(hours * 3_600), estate.now() - Span::from_secs(150));
    estate.pod(&cart(), |report| {
        report.created_at = Some(created);
        let container = &mut report.containers[0];
        container.restarts = restarts;
        container.state = ContainerState::Running { since: Some(ended + Span::from_secs(30)) };
        let reason = "Error".into();
        container.last = Some(Termination { reason, exit_code: 1, finished_at: Some(ended), ..Termination::default() });
    });
    estate
}

#[test]
fn a_crash_loop_that_happens_to_run_goes_on() {
    check(&runs_again(394, 26).recording(), "P4 open: ContainerFailed on Deployment shop/cart; 1 members");
    // It is over when it has run for as long as kubelet remembers its back-off.
    let mut estate = runs_again(394, 26);
    estate.watch(600);
    check(&estate.facts(), "P4 resolved: ContainerFailed on Deployment shop/cart; 1 members");
}

#[test]
fn a_start_that_took_some_attempts_and_restarts_of_long_ago_are_none() {
    check(&runs_again(4, 1).recording(), "");
    check(&runs_again(18, 26).recording(), "");
}

#[test]
fn an_old_replica_set_heals_nothing() {
    let mut estate = Estate::new("test");
    let message = "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.";
    estate.event(&cart().object(), "default-scheduler", "FailedScheduling", message).wait(5);
    estate.deployment(&cart(), 1, 0).replica_set_of(&cart(), 0).wait(60).tick();
    check(&estate.recording(), "P3 open: FailedScheduling/NoNodeMatches on Deployment shop/cart; 2 members");
}

#[test]
fn an_alert_outlives_the_health_of_the_pods() {
    let mut estate = Estate::new("test");
    let object = ObjectRef::new("Deployment", "shop", "cart");
    estate.alert(&object, "CheckoutErrorsHigh", "critical", true).wait(60);
    estate.healthy(&cart()).deployment(&cart(), 1, 1).wait(60).tick();
    check(&estate.recording(), "P2 open: CheckoutErrorsHigh on Deployment shop/cart; 1 members");
}

#[test]
fn an_alert_alone_that_the_catalogue_knows_opens() {
    let mut estate = Estate::new("test");
    estate.alert(&cart().object(), "KubePodCrashLooping", "warning", true).wait(5);
    check(&estate.recording(), "P3 open: CrashLoopBackOff on Deployment shop/cart; 1 members");
}

#[test]
fn a_stateful_set_is_named_though_its_pod_was_heard_of_first() {
    let mut estate = Estate::new("test");
    let pod = ObjectRef::new("Pod", "shop", "redis-0");
    let message = "Back-off restarting failed container redis in pod redis-0";
    for round in 0..12 {
        estate.repeated(&pod, "kubelet", "BackOff", message, "e1", 1 + round, i64::from(round) * 15).wait(15);
    }
    let owner = Some(OwnerRef { kind: "StatefulSet".into(), name: "redis".into(), uid: "".into() });
    let report = ObjectReport { owner, ..ObjectReport::default() };
    estate.report(Source::Objects, pod, Body::Object(Box::new(report))).wait(5);
    check(&estate.recording(), "P3 open: CrashLoopBackOff on StatefulSet shop/redis; 1 members");
}

#[test]
fn what_events_tell_for_long_opens_though_the_pod_looks_ready() {
    let mut estate = Estate::new("test");
    let pod = cart().object();
    estate.deployment(&cart(), 1, 1).healthy(&cart()).wait(10);
    for round in 0..40 {
        let message = "Liveness probe failed: Get http://10.0.0.7:8080: context deadline exceeded";
        estate.repeated(&pod, "kubelet", "Unhealthy", message, "e1", 1 + round, i64::from(round) * 10).watch(10);
    }
    check(&estate.recording(), "P3 open: Unhealthy on Deployment shop/cart; 1 members");
}

#[test]
fn who_is_refused_by_a_webhook_has_its_service_account() {
    let mut estate = Estate::new("test");
    let set = ObjectRef::new("ReplicaSet", "shop", "cart-7d9c5b4f68");
    let missing = "Error creating: pods \"cart-7d9c5b4f68-\" is forbidden: error looking up service account shop/cart: serviceaccount \"cart\" not found";
    let refused = "Error creating: Internal error occurred: failed calling webhook \"pods.acme.dev\": failed to call webhook: Post \"https://policy.shop.svc:443/mutate\": dial tcp 10.96.0.7:443: connect: connection refused";
    // Its Deployment says the same of itself.
    let says = |estate: &mut Estate, message: &str| {
        let (kind, status) = ("ReplicaFailure".into(), "True".into());
        let reason = "FailedCreate".into();
        let conditions = vec![Condition { kind, status, reason, message: message.into(), since: None }];
        let report = ObjectReport { conditions, ..ObjectReport::default() };
        let deployment = ObjectRef::new("Deployment", "shop", "cart");
        estate.report(Source::Objects, deployment, Body::Object(Box::new(report)));
    };
    says(&mut estate, missing);
    estate.event(&set, "replicaset-controller", "FailedCreate", missing).wait(2);
    says(&mut estate, refused);
    for round in 0..8 {
        estate.repeated(&set, "replicaset-controller", "FailedCreate", refused, "e2", 1 + round, 0).watch(60);
    }
    check(&estate.facts(), "P2 open: FailedCreate/WebhookUnavailable on Webhook pods.acme.dev; 2 members");
}

/// A dump that ends in the midst of it says no less than one that goes on.
#[test]
fn what_was_told_again_and_again_until_the_end_goes_on() {
    let mut estate = Estate::new("test");
    let set = ObjectRef::new("ReplicaSet", "shop", "cart-7d9c5b4f68");
    let message = "Error creating: Internal error occurred: failed calling webhook \"pods.acme.dev\": failed to call webhook: Post \"https://policy.shop.svc:443/mutate\": x509: certificate signed by unknown authority";
    for round in 0..5 {
        let ago = i64::from(round) * 4;
        estate.repeated(&set, "replicaset-controller", "FailedCreate", message, "e1", 1 + round, ago).wait(4);
    }
    check(&estate.recording(), "P2 open: FailedCreate/WebhookUnavailable on Webhook pods.acme.dev; 2 members");
}

#[test]
fn a_container_that_its_kubelet_has_killed_and_not_started_again() {
    let mut estate = Estate::new("test");
    let killed = "Container main failed liveness probe, will be restarted";
    estate.event(&cart().object(), "kubelet", "Killing", killed).wait(2);
    check(&estate.recording(), "P3 open: Unhealthy/Restarted on Deployment shop/cart; 1 members");
}

#[test]
fn a_cron_job_whose_jobs_fail() {
    let mut estate = Estate::new("test");
    let cron = ObjectRef::new("CronJob", "shop", "report");
    let ended = |estate: &mut Estate, number: u32, how: &str| {
        let message = format!("Saw completed job: report-{number}, condition: {how}");
        estate.event(&cron, "cronjob-controller", "SawCompletedJob", &message).wait(60).tick();
    };
    ended(&mut estate, 1, "Complete");
    ended(&mut estate, 2, "Failed");
    ended(&mut estate, 3, "Failed");
    ended(&mut estate, 4, "Complete");
    check(&estate.recording(), "P4 resolved: JobFailed on CronJob shop/report; 1 members");
}

#[test]
fn a_node_that_was_not_ready_and_is_taken_out_of_the_cluster() {
    let mut estate = Estate::new("test");
    let node = ObjectRef::new("Node", "", "worker-1");
    let lost = "Node worker-1 status is now: NodeNotReady";
    estate.event(&node, "node-controller", "NodeNotReady", lost).wait(60).tick();
    let removed = "Node worker-1 event: Removing Node worker-1 from Controller";
    estate.event(&node, "node-controller", "RemovingNode", removed).watch(60);
    // Another machine under its name is another node.
    let registered = "Node worker-1 event: Registered Node worker-1 in Controller";
    estate.event(&node, "node-controller", "RegisteredNode", registered).wait(3_600).tick();
    estate.event(&node, "node-controller", "NodeNotReady", lost).wait(90).tick();
    let told = decide(&estate.recording()).told();
    assert!(told.contains("P2 resolved: NodeNotReady") && told.contains("P2 open: NodeNotReady"), "{told}");
}
