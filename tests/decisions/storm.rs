//! P1: ten thousand symptoms of one failure are one incident, with the failure first, and one page.

use bellbuoy_core::page::PageKind;
use bellbuoy_tests::estate::{Estate, Pod};
use bellbuoy_tests::fold::decide;
use std::collections::BTreeSet;

const PODS: usize = 10_000;

#[test]
fn ten_thousand_pods_of_one_dead_node_in_fifty_namespaces() {
    let mut estate = Estate::new("storm");
    let pods: Vec<_> = (0..PODS)
        .map(|n| Pod::new(&format!("team-{}", n % 50), &format!("app-{}", n / 5), n, "worker-1", "acme/app:1"))
        .collect();
    estate.node("worker-1", "True");
    for pod in &pods {
        estate.deployment(pod, 1, 1).healthy(pod);
    }
    estate.wait(60).node("worker-1", "Unknown");
    for (n, pod) in pods.iter().enumerate() {
        estate.lost(pod);
        if n % 100 == 0 {
            estate.wait_ms(500).tick();
        }
    }
    estate.watch(120);
    for pod in &pods {
        let message = format!("Marking for deletion Pod {}/{}", pod.namespace, pod.name);
        estate.event(&pod.object(), "taint-eviction-controller", "TaintManagerEviction", &message);
    }
    let decided = decide(&estate.watch(30).wait(0).tick_and_end());
    assert_one(&decided, "NodeNotReady on Node worker-1");
    let last = decided.incidents()[0];
    assert_eq!(last.incident.namespace_count, 50);
    assert!(last.incident.members.len() <= 100, "records stay bounded: {} members", last.incident.members.len());
}

#[test]
fn ten_thousand_crash_loops_of_one_bad_image() {
    let mut estate = Estate::new("storm");
    let pods: Vec<_> = (0..PODS)
        .map(|n| {
            Pod::new(&format!("team-{}", n % 50), &format!("app-{n}"), n, &format!("worker-{}", n % 200), "acme/bad:7")
        })
        .collect();
    for pod in &pods {
        estate.deployment(pod, 1, 0);
    }
    for restarts in 1..5 {
        for (n, pod) in pods.iter().enumerate() {
            estate.waiting(pod, "CrashLoopBackOff", "back-off 40s restarting failed container", restarts);
            if n % 500 == 0 {
                estate.wait_ms(200).tick();
            }
        }
        estate.watch(45);
    }
    let decided = decide(&estate.tick_and_end());
    assert_one(&decided, "ImageFailing on Image acme/bad:7");
}

fn assert_one(decided: &bellbuoy_tests::fold::Decided, cause: &str) {
    let incidents = decided.incidents();
    assert_eq!(incidents.len(), 1, "{}", decided.told().lines().take(10).collect::<Vec<_>>().join("\n"));
    let incident = &incidents[0].incident;
    let first = &incident.causes[0];
    assert_eq!(format!("{} on {}", first.signal, first.entity), cause);
    assert!(incident.object_count as usize >= PODS, "true counts: {}", incident.object_count);
    let told: BTreeSet<_> =
        decided.pages.iter().filter(|page| page.kind == PageKind::Trigger).map(|page| page.key.clone()).collect();
    assert_eq!(told.len(), 1, "one page: {told:?}");
    assert!(decided.records.len() < 1_000, "{} records", decided.records.len());
    assert!(decided.rejected.is_empty(), "{:?}", decided.rejected.first());
}

trait End {
    fn tick_and_end(&mut self) -> Vec<bellbuoy_core::fact::Fact>;
}

impl End for Estate {
    fn tick_and_end(&mut self) -> Vec<bellbuoy_core::fact::Fact> {
        self.tick();
        std::mem::replace(self, Estate::new("done")).recording()
    }
}
