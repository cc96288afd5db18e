//! What the benches run over: an ordinary estate, chaos, and the storm of one dead node.

mod ordinary;

use bellbuoy_core::fact::Fact;
use bellbuoy_core::object::Scope;
use bellbuoy_core::time::Time;
use bellbuoy_tests::chaos;
use bellbuoy_tests::estate::{Estate, Pod};
use ordinary::Ordinary;
use std::collections::BTreeMap;

/// Facts of a journal, in its order.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Its name.
    pub name: &'static str,
    /// What it is like.
    pub about: String,
    /// The facts.
    pub facts: Vec<Fact>,
}

/// Facts of one kind alone, behind an estate in which they make sense.
#[derive(Clone, Debug)]
pub struct Kind {
    /// What they are.
    pub name: &'static str,
    /// What the estate says before.
    pub before: Vec<Fact>,
    /// The facts themselves.
    pub facts: Vec<Fact>,
}

/// A name, and how an estate reports one fact of the kind.
type Reporting = (&'static str, fn(&mut Ordinary));

/// Kinds of facts whose cost is told apart.
const KINDS: [Reporting; 7] = [
    ("event that no rule reads", Ordinary::normal_event),
    ("event of a failing pod", Ordinary::failing_event),
    ("event of a probe, once", Ordinary::probe_event),
    ("state of a healthy pod", Ordinary::healthy_state),
    ("state of a failing pod", Ordinary::failing_state),
    ("state of a healthy node", Ordinary::node_state),
    ("tick", Ordinary::one_tick),
];

/// All workloads come from this seed: the same at the same commit.
const SEED: u64 = 0x0be1_1b00;

/// Mostly Normal events and healthy states, and a few failures, over so many workloads of three pods in each cluster:
/// a hundred reports a second, and a tick of each source every 200 ms.
pub fn ordinary(clusters: usize, workloads: usize, facts: usize) -> Workload {
    let of_each = facts.div_ceil(clusters.max(1));
    let estates = (0..clusters).map(|n| {
        let mut estate = Ordinary::new(&format!("cluster-{n}"), workloads, SEED + n as u64);
        while estate.reported() < of_each {
            estate.step();
        }
        estate.facts()
    });
    let mut all: Vec<Fact> = estates.flatten().collect();
    all.sort_by_key(|fact| (fact.observed_at, fact.id));
    all.truncate(facts);
    let about = format!("{workloads} workloads in each of {clusters} clusters, mostly healthy");
    Workload { name: "ordinary", about, facts: all }
}

/// Estates in which everything happens, about so many facts of them.
pub fn chaos(clusters: usize, facts: usize) -> Workload {
    // A step is one report, and in a third of the cases two ticks.
    let mut all = chaos::journal(SEED, clusters, facts * 2 / (3 * clusters.max(1)));
    all.truncate(facts);
    Workload { name: "chaos", about: format!("{clusters} clusters of 12 pods, in which everything fails"), facts: all }
}

/// One node dies with all its pods, in 50 namespaces.
pub fn storm(pods: usize) -> Workload {
    let mut estate = Estate::new("storm");
    let pods: Vec<Pod> = (0..pods)
        .map(|n| Pod::new(&format!("team-{}", n % 50), &format!("app-{}", n / 5), n, "worker-1", "acme/app:1"))
        .collect();
    estate.node("worker-1", "True");
    for pod in &pods {
        estate.deployment(pod, 1, 1).healthy(pod);
    }
    estate.wait(60).tick().node("worker-1", "Unknown");
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
    estate.watch(30);
    let about = format!("one dead node with {} pods in 50 namespaces", pods.len());
    Workload { name: "storm", about, facts: estate.facts() }
}

/// So many facts of each kind, behind an estate of so many workloads.
pub fn kinds(workloads: usize, facts: usize) -> Vec<Kind> {
    let of = |(name, report): Reporting| {
        let mut estate = Ordinary::new("kinds", workloads, SEED);
        let before = estate.reported();
        for _ in 0..facts {
            report(&mut estate);
            estate.wait();
        }
        let mut before_and_facts = estate.facts();
        let facts = before_and_facts.split_off(before);
        Kind { name, before: before_and_facts, facts }
    };
    KINDS.into_iter().map(of).collect()
}

/// So many facts of an ordinary day, behind the estate that reports them: so many nodes with ten workloads each.
pub fn of_nodes(nodes: usize, facts: usize) -> Kind {
    let mut estate = Ordinary::new("nodes", nodes * ordinary::WORKLOADS_OF_A_NODE, SEED);
    let before = estate.reported();
    while estate.reported() < before + facts {
        estate.step();
    }
    let mut before_and_facts = estate.facts();
    let facts = before_and_facts.split_off(before);
    Kind { name: "ordinary", before: before_and_facts, facts }
}

impl Workload {
    /// The workload with the end of a recording behind it in every scope, so that nothing is held back at its end.
    #[must_use]
    pub fn ended(mut self) -> Self {
        let mut ends: BTreeMap<Scope, Time> = BTreeMap::new();
        for fact in &self.facts {
            let end = ends.entry(fact.scope.clone()).or_insert(fact.observed_at);
            *end = fact.observed_at.max(*end);
        }
        self.facts.extend(ends.into_iter().map(|(scope, at)| Fact::end_of_recording(scope, at)));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellbuoy_core::fact::Body;
    use bellbuoy_tests::fold::decide;

    #[test]
    fn an_ordinary_estate_is_mostly_healthy_and_a_little_broken() {
        let workload = ordinary(2, 300, 20_000).ended();
        assert_eq!(workload.facts.len(), 20_002);
        let normal = |fact: &&Fact| matches!(&fact.body, Body::Event(event) if &*event.kind == "Normal");
        assert!(workload.facts.iter().filter(normal).count() > 5_000, "Normal events are the most frequent kind");
        let told = decide(&workload.facts).told();
        assert!(told.contains("ImagePullBackOff"), "{told}");
        assert!(told.contains("CrashLoopBackOff"), "{told}");
        assert!((2..=20).contains(&told.lines().count()), "a few failures in a healthy estate:\n{told}");
    }

    #[test]
    fn a_storm_is_one_incident() {
        assert_eq!(decide(&storm(200).ended().facts).incidents().len(), 1);
    }

    #[test]
    fn kinds_are_what_their_names_say() {
        // Half a minute: longer than the grace of a missing image, shorter than that of a probe.
        for Kind { name, before, facts } in kinds(50, 3_000) {
            assert_eq!(facts.len(), 3_000, "{name}");
            let all: Vec<Fact> = before.into_iter().chain(facts).collect();
            let incidents = decide(&all).incidents().len();
            assert_eq!(incidents > 0, name.contains("failing"), "{name}: {incidents} incidents");
        }
    }

    #[test]
    fn estates_have_as_many_nodes_as_asked_for() {
        let Kind { before, facts, .. } = of_nodes(7, 500);
        let nodes = before.iter().filter(|fact| &*fact.object.kind == "Node").count();
        assert_eq!((nodes, before.len() > 7 * 10 * 6), (7, true), "{} facts tell of the estate", before.len());
        assert!((500..503).contains(&facts.len()), "{} facts of an ordinary day", facts.len());
    }

    #[test]
    fn the_same_workload_comes_every_time() {
        assert_eq!(ordinary(2, 30, 1_000).facts, ordinary(2, 30, 1_000).facts);
        assert_eq!(chaos(2, 500).facts.len(), 500);
    }
}
