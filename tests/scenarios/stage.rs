//! A healthy cluster on which something is going to happen.

use crate::cluster::Cluster;
use crate::cluster::apps::Apps;
use crate::cluster::id::Id;
use crate::cluster::scaling::Autoscaler;
use crate::cluster::template::Temper;

/// A cluster, and what its users run on it.
pub(crate) struct Stage {
    pub cluster: Cluster,
    pub apps: Apps,
}

/// What was done to a cluster, for those who judge what is said of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fault {
    /// What is at fault; any of them may be named.
    pub entities: Vec<Id>,
    /// Words one of which the signal should hold, in lower case and without separators.
    pub words: &'static [&'static str],
    /// What suffers beside.
    pub affected: Vec<Id>,
    /// Everything may suffer.
    pub everywhere: bool,
}

impl Fault {
    /// Something is at fault.
    pub(crate) fn of(entities: &[&Id], words: &'static [&'static str]) -> Self {
        Self { entities: entities.iter().map(|id| (*id).clone()).collect(), words, ..Self::default() }
    }

    /// Others suffer.
    pub(crate) fn hurting(mut self, affected: impl IntoIterator<Item = Id>) -> Self {
        self.affected.extend(affected);
        self
    }

    /// Everything may suffer.
    pub(crate) fn everywhere(mut self) -> Self {
        self.everywhere = true;
        self
    }
}

impl Stage {
    /// A cluster in which nothing is wrong. Every tenth seed has tens of nodes; `BELLBUOY_SCENARIO_NODES` asks for more.
    pub(crate) fn new(seed: u64) -> Self {
        let mut cluster = Cluster::new(seed);
        let asked = std::env::var("BELLBUOY_SCENARIO_NODES").ok().and_then(|text| text.parse::<i64>().ok());
        let nodes = asked.unwrap_or_else(|| match seed % 10 {
            0..=6 => cluster.random.range(5, 9),
            7 | 8 => cluster.random.range(10, 20),
            _ => cluster.random.range(30, 60),
        });
        let masters = if nodes > 9 { 3 } else { 1 };
        for at in 0..masters {
            cluster.add_node(&format!("control-plane-{at}"), true);
        }
        let style = cluster.random.range(0, 3);
        for at in 0..nodes - masters {
            let name = match style {
                0 => format!("worker-{at}"),
                1 => format!("ip-10-0-{}-{}.eu-central-1.compute.internal", at / 200, at % 200 + 7),
                _ => format!("gke-prod-pool-{}-{}", cluster.random.hex(8), cluster.random.suffix(4)),
            };
            cluster.add_node(&name, false);
        }
        cluster.add_system();
        if cluster.random.chance(40) {
            cluster.autoscaler = Autoscaler::Grows;
        }
        let namespaces = usize::try_from((nodes / 6).clamp(2, 400)).unwrap_or(2) + 1;
        let apps = cluster.add_apps(namespaces);
        Self { cluster, apps }
    }

    /// One of the workloads to which something may be done.
    pub(crate) fn victim(&mut self) -> Id {
        self.cluster.random.pick(&self.apps.deployments).clone()
    }

    /// One of them with a single caller that suffers with it or does not.
    pub(crate) fn called(&mut self) -> Id {
        let called: Vec<Id> = self
            .apps
            .deployments
            .iter()
            .filter(|id| !self.cluster.callers(&id.as_kind("Service")).is_empty())
            .cloned()
            .collect();
        self.cluster.random.pick(&called).clone()
    }

    /// One of them that calls others, and fails when it is not answered.
    pub(crate) fn caller(&mut self) -> Id {
        let calls = |id: &&Id| {
            let Some(workload) = self.cluster.workloads.get(id) else { return false };
            let addresses = self.cluster.addresses(&id.namespace, workload.template());
            addresses.iter().any(|address| address.port != Some(5432))
        };
        let callers: Vec<Id> = self.apps.deployments.iter().filter(calls).cloned().collect();
        let caller = self.cluster.random.pick(&callers).clone();
        self.make_sensitive(&caller);
        caller
    }

    /// A workload fails when what it calls does not answer.
    pub(crate) fn make_sensitive(&mut self, id: &Id) {
        let temper = *self.cluster.random.pick(&[Temper::Honest, Temper::Brittle]);
        self.cluster.befall(id, |template| template.temper = temper);
    }

    /// Everything that calls a workload's Service, near and far, and the objects that go with them.
    pub(crate) fn callers(&self, id: &Id) -> Vec<Id> {
        self.cluster.callers(&id.as_kind("Service"))
    }

    /// A database, its claims and those who call it.
    pub(crate) fn stateful(&mut self) -> Id {
        self.cluster.random.pick(&self.apps.stateful_sets).clone()
    }

    /// A node that runs workloads, and what runs on it.
    pub(crate) fn worker(&mut self) -> (String, Vec<Id>) {
        let workers = self.cluster.workers();
        let node = self.cluster.random.pick(&workers).clone();
        let on: Vec<Id> =
            self.cluster.pods.values().filter(|pod| pod.node == node).map(|pod| pod.workload.clone()).collect();
        let callers: Vec<Id> = on.iter().flat_map(|id| self.callers(id)).collect();
        (node, on.into_iter().chain(callers).collect())
    }
}
