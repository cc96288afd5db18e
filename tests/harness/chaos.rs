//! Journals of estates in which everything happens, made from a seed.

use crate::estate::{Estate, Pod};
use bellbuoy_core::fact::Fact;
use bellbuoy_core::object::ObjectRef;
use bellbuoy_core::time::Time;

/// A small generator of numbers (SplitMix64): a seed and a commit reproduce a failure exactly.
#[derive(Clone, Debug)]
pub struct Seed(pub u64);

impl Seed {
    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.draw() % bound.max(1) as u64).unwrap_or(0)
    }

    /// Puts items in any order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}

/// The stamped facts of several clusters, in the order of their observation, about `steps` steps of each.
pub fn journal(seed: u64, clusters: usize, steps: usize) -> Vec<Fact> {
    let mut facts: Vec<Fact> = (0..clusters)
        .flat_map(|n| {
            let mut seed = Seed(seed ^ (n as u64).wrapping_mul(0x5851_f42d_4c95_7f2d));
            cluster(&format!("cluster-{n}"), &mut seed, steps)
        })
        .collect();
    facts.sort_by_key(|fact| (fact.observed_at, fact.id));
    facts
}

/// Facts written in another order, none further from its place than the time that facts are waited for.
pub fn disordered(facts: &[Fact], seed: &mut Seed, lateness_us: u64) -> Vec<Fact> {
    let mut placed: Vec<(Time, u64, Fact)> = facts
        .iter()
        .map(|fact| {
            let delay = i64::try_from(seed.draw() % lateness_us).unwrap_or(0);
            (Time(fact.observed_at.0 + delay), seed.draw(), fact.clone())
        })
        .collect();
    placed.sort_by_key(|(at, tie, _)| (*at, *tie));
    placed.into_iter().map(|(_, _, fact)| fact).collect()
}

fn cluster(name: &str, seed: &mut Seed, steps: usize) -> Vec<Fact> {
    let mut estate = Estate::new(name);
    let pods: Vec<Pod> = (0..12)
        .map(|n| {
            let (namespace, image) = (format!("team-{}", n % 3), format!("registry.acme.dev/app-{}:1", n % 5));
            Pod::new(&namespace, &format!("app-{}", n / 2), n, &format!("worker-{}", n % 3), &image)
        })
        .collect();
    for pod in &pods {
        estate.deployment(pod, 2, 2).service(&pod.namespace, &pod.deployment, &pod.deployment).healthy(pod).wait_ms(7);
    }
    let mut restarts = 0;
    for _ in 0..steps {
        let pod = &pods[seed.below(pods.len())];
        let node = format!("worker-{}", seed.below(3));
        restarts += 1;
        match seed.below(20) {
            0 | 1 => estate.oom_killed(pod, restarts),
            2 | 3 => estate.waiting(pod, "CrashLoopBackOff", "back-off 40s restarting failed container", restarts),
            4 => estate.waiting(pod, "ErrImagePull", "unexpected status: 401 Unauthorized", 0),
            5 => estate.waiting(pod, "ImagePullBackOff", "Back-off pulling image \"registry.acme.dev/x:1\"", 0),
            6 | 7 => estate.healthy(pod),
            8 => estate.lost(pod),
            9 => estate.deleted(pod),
            10 => estate.node(&node, "Unknown"),
            11 | 12 => estate.node(&node, "True"),
            13 => estate.endpoints(&pod.namespace, &pod.deployment, 0, 2),
            14 => estate.endpoints(&pod.namespace, &pod.deployment, 2, 0),
            15 => {
                let set = ObjectRef::new("ReplicaSet", &pod.namespace, &format!("{}-7d9c5b4f68", pod.deployment));
                let quota = "Error creating: pods \"x\" is forbidden: exceeded quota: compute, requested: pods=1";
                estate.event(&set, "replicaset-controller", "FailedCreate", quota)
            }
            16 => {
                let count = 1 + u32::try_from(seed.below(30)).unwrap_or(0);
                let message = "Readiness probe failed: HTTP probe failed with statuscode: 503";
                let uid = format!("unhealthy-{}", pod.name);
                estate.repeated(&pod.object(), "kubelet", "Unhealthy", message, &uid, count, i64::from(count) * 20)
            }
            17 => estate.event(
                &pod.object(),
                "default-scheduler",
                "FailedScheduling",
                "0/3 nodes are available: 3 Insufficient cpu.",
            ),
            18 => estate.event(
                &pod.object(),
                "default-scheduler",
                "Scheduled",
                &format!("Successfully assigned a/b to {node}"),
            ),
            _ => {
                let firing = seed.below(2) == 0;
                let service = ObjectRef::new("Service", &pod.namespace, &pod.deployment);
                estate.alert(&service, "ErrorsHigh", "critical", firing)
            }
        };
        match seed.below(5) {
            0 => estate.wait(1 + i64::try_from(seed.below(120)).unwrap_or(0)),
            1 => estate.wait_ms(1 + i64::try_from(seed.below(3_000)).unwrap_or(0)),
            _ => estate.wait_ms(1 + i64::try_from(seed.below(50)).unwrap_or(0)),
        };
        if seed.below(3) == 0 {
            estate.tick();
        }
    }
    estate.wait(60).tick().wait(10).tick();
    estate.facts()
}
