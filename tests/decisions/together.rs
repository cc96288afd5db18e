//! Several signals at once: what belongs together is one incident, what does not is not.

use super::check;
use bellbuoy_core::object::ObjectRef;
use bellbuoy_core::report::{Condition, OwnerRef};
use bellbuoy_tests::estate::{Estate, Pod};
use bellbuoy_tests::fold::decide;

#[test]
fn two_unrelated_failures_in_one_namespace_are_two_incidents() {
    let mut estate = Estate::new("test");
    let cart = Pod::new("shop", "cart", 1, "worker-1", "acme/cart:2");
    let search = Pod::new("shop", "search", 1, "worker-1", "acme/search:9");
    estate.deployment(&cart, 1, 0).deployment(&search, 1, 0);
    for restarts in 1..6 {
        estate.oom_killed(&cart, restarts);
        let pull = "Back-off pulling image \"acme/search:9\": ErrImagePull: docker.io/acme/search:9: not found";
        estate.waiting(&search, "ImagePullBackOff", pull, 0).wait(60);
    }
    check(
        &estate.recording(),
        "P3 open: OOMKilled on Deployment shop/cart; 3 members
         P3 open: ImagePullBackOff/NotFound on Deployment shop/search; 2 members",
    );
}

/// A network agent is rolled out from node to node, and a program on worker-1 is not ready meanwhile. The agent's new pod
/// on `agent_fails_on` does not become ready.
fn beside_an_agent(agent_fails_on: &str) -> String {
    let mut estate = Estate::new("test");
    let cart = Pod::new("shop", "cart", 1, "worker-1", "acme/cart:2");
    let agents =
        ["worker-1", "worker-2", "worker-3"].map(|node| Pod::new("kube-system", "cilium", 9, node, "cilium:2"));
    let agent = |estate: &mut Estate, number: usize, ready: bool| {
        let name = format!("cilium-x{number}x8k");
        let pod = Pod { name, ..agents[number].clone() };
        let since = Some(estate.now());
        estate.pod(&pod, |report| {
            report.owner = Some(OwnerRef { kind: "DaemonSet".into(), name: "cilium".into(), uid: "".into() });
            report.containers[0].ready = ready;
            if !ready {
                let (kind, status) = ("Ready".into(), "False".into());
                let (reason, message) = ("ContainersNotReady".into(), "containers with unready status: [main]".into());
                report.conditions = vec![Condition { kind, status, reason, message, since }];
            }
        });
        if !ready {
            let refused = "Readiness probe failed: Get \"http://10.0.0.9:9879/healthz\": dial tcp 10.0.0.9:9879: connect: connection refused";
            estate.event(&pod.object(), "kubelet", "Unhealthy", refused);
        }
    };
    estate.deployment(&cart, 1, 0).pod(&cart, |report| report.containers[0].ready = false);
    // Every node has had its turn once.
    for number in 0..3 {
        agent(&mut estate, number, false);
        estate.wait(10);
        agent(&mut estate, number, true);
    }
    let failing = (0..3).filter(|number| agents[*number].node == agent_fails_on);
    failing.for_each(|number| agent(&mut estate, number, false));
    for round in 0..50 {
        let failed = "Readiness probe failed: HTTP probe failed with statuscode: 500";
        estate
            .repeated(&cart.object(), "kubelet", "Unhealthy", failed, "e1", 1 + round, i64::from(round) * 10)
            .wait(10);
    }
    decide(&estate.recording()).told()
}

#[test]
fn the_agent_of_another_node_is_no_cause() {
    let told = beside_an_agent("worker-2");
    assert!(told.contains("P3 open: Unhealthy on Deployment shop/cart"), "{told}");
    let told = beside_an_agent("worker-1");
    assert!(told.contains("on DaemonSet kube-system/cilium"), "{told}");
    assert!(!told.contains("on Deployment shop/cart"), "{told}");
}

#[test]
fn a_late_cause_folds_its_symptoms_in() {
    let mut estate = Estate::new("test");
    let pods: Vec<_> = (0..3).map(|n| Pod::new("shop", &format!("app-{n}"), n, "worker-1", "acme/app:1")).collect();
    for pod in &pods {
        estate.deployment(pod, 1, 1).healthy(pod).wait(1).lost(pod);
    }
    // Symptoms have opened by themselves before the node's own word comes.
    estate.watch(330).node_since("worker-1", "Unknown", 330).watch(40);
    let decided = decide(&estate.recording());
    assert_eq!(decided.told(), "P2 open: NodeNotReady on Node worker-1; 4 members\n");
}

#[test]
fn a_registry_that_refuses_several_workloads_is_one_incident() {
    let mut estate = Estate::new("test");
    for n in 0..5 {
        let pod = Pod::new("shop", &format!("app-{n}"), n, "worker-1", &format!("registry.acme.dev/shop/app-{n}:2"));
        let message = format!("Failed to pull image \"{}\": unexpected status: 401 Unauthorized", pod.image);
        estate.deployment(&pod, 1, 0).event(&pod.object(), "kubelet", "Failed", &message).wait(20);
        estate.waiting(&pod, "ErrImagePull", "unexpected status: 401 Unauthorized", 0).wait(20);
    }
    let decided = decide(&estate.recording());
    assert_eq!(decided.told(), "P2 open: RegistryFailing on Registry registry.acme.dev; 11 members\n");
}

#[test]
fn a_service_follows_from_its_pods() {
    let mut estate = Estate::new("test");
    let pod = Pod::new("shop", "cart", 1, "worker-1", "acme/cart:2");
    estate.deployment(&pod, 1, 1).service("shop", "cart-svc", "cart").healthy(&pod).endpoints("shop", "cart-svc", 1, 0);
    estate.wait(60);
    for restarts in 1..6 {
        estate.oom_killed(&pod, restarts).endpoints("shop", "cart-svc", 0, 1).watch(60);
    }
    check(&estate.recording(), "P2 open: OOMKilled on Deployment shop/cart; 3 members");
}

#[test]
fn the_same_failure_by_event_state_and_alert_is_one_member() {
    let mut estate = Estate::new("test");
    let pod = Pod::new("shop", "cart", 1, "worker-1", "acme/cart:2");
    estate.deployment(&pod, 1, 1);
    let message = "Back-off restarting failed container main in pod cart";
    for round in 1..8 {
        estate.waiting(&pod, "CrashLoopBackOff", "back-off 40s", round);
        estate.repeated(&pod.object(), "kubelet", "BackOff", message, "e1", round, i64::from(round) * 30).wait(30);
    }
    estate.alert(&ObjectRef::new("Pod", "shop", &pod.name), "KubePodCrashLooping", "warning", true).wait(5);
    check(&estate.recording(), "P3 open: CrashLoopBackOff on Deployment shop/cart; 1 members");
}
