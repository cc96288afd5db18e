//! An estate on an ordinary day: what it mostly says is that all is well.

use bellbuoy_core::fact::{Body, Fact, Source};
use bellbuoy_core::object::ObjectRef;
use bellbuoy_core::report::{Condition, ContainerState, EventReport, ObjectReport, Reference};
use bellbuoy_tests::chaos::Seed;
use bellbuoy_tests::estate::{BEGIN, Estate, Pod};

/// Pods of a workload.
const PODS_EACH: usize = 3;
/// Pods of a node.
const PODS_OF_A_NODE: usize = 30;
/// Workloads of a node.
pub(super) const WORKLOADS_OF_A_NODE: usize = PODS_OF_A_NODE / PODS_EACH;
/// Between two reports: a hundred a second.
const STEP_MS: i64 = 10;
/// Reports between two ticks: a tick every 200 ms.
const STEPS_OF_A_TICK: usize = 20;
/// Every so many workloads one fails for good.
const FAILING_EVERY: usize = 250;

/// One cluster.
pub(super) struct Ordinary {
    estate: Estate,
    pods: Vec<Pod>,
    /// Pods of the workloads that fail.
    failing: Vec<Pod>,
    nodes: usize,
    seed: Seed,
    steps: usize,
    reported: usize,
}

impl Ordinary {
    /// A cluster that has reported all its objects, and that they are well.
    pub(super) fn new(name: &str, workloads: usize, seed: u64) -> Self {
        let nodes = (workloads * PODS_EACH).div_ceil(PODS_OF_A_NODE);
        let all = (0..workloads * PODS_EACH).map(|n| {
            let workload = n / PODS_EACH;
            let (namespace, deployment) = (format!("team-{}", workload % 40), format!("app-{workload}"));
            let (node, image) = (format!("worker-{}", n % nodes), format!("registry.acme.dev/{deployment}:1.{n}"));
            (workload, Pod::new(&namespace, &deployment, n, &node, &image))
        });
        let (failing, pods): (Vec<_>, Vec<_>) = all.partition(|(workload, _)| workload % FAILING_EVERY == 0);
        let bare = |pods: Vec<(usize, Pod)>| pods.into_iter().map(|(_, pod)| pod).collect::<Vec<_>>();
        let (failing, pods) = (bare(failing), bare(pods));
        let estate = Estate::new(name);
        let mut ordinary = Self { estate, pods, failing, nodes, seed: Seed(seed), steps: 0, reported: 0 };
        for node in 0..nodes {
            ordinary.estate.node(&format!("worker-{node}"), "True");
            ordinary.reported += 1;
        }
        let pods: Vec<Pod> = ordinary.pods.iter().chain(&ordinary.failing).cloned().collect();
        for (n, pod) in pods.iter().enumerate() {
            if n % PODS_EACH == 0 {
                ordinary.estate.deployment(pod, 3, 3).service(&pod.namespace, &pod.deployment, &pod.deployment);
                ordinary.reported += 3;
            }
            ordinary.running(pod);
        }
        // A minute of quiet, so that the opening counts as long past.
        ordinary.estate.wait(60).tick();
        ordinary.reported += 2;
        ordinary
    }

    /// How many facts it has reported.
    pub(super) fn reported(&self) -> usize {
        self.reported
    }

    /// Everything reported.
    pub(super) fn facts(self) -> Vec<Fact> {
        self.estate.facts()
    }

    /// Lets the usual time pass between two reports.
    pub(super) fn wait(&mut self) {
        self.estate.wait_ms(STEP_MS);
    }

    /// One report, of what an ordinary day brings, and the ticks that are due.
    pub(super) fn step(&mut self) {
        match self.seed.below(1_000) {
            0..420 => self.normal_event(),
            420..760 => self.healthy_state(),
            760..850 => self.workload_state(),
            850..900 => self.node_state(),
            900..950 => self.endpoints_state(),
            950..985 => self.probe_event(),
            985..992 => self.failing_event(),
            _ => self.failing_state(),
        }
        self.wait();
        self.steps += 1;
        if self.steps.is_multiple_of(STEPS_OF_A_TICK) {
            self.estate.tick();
            self.reported += 2;
        }
    }

    /// An event that says that something went as it should.
    pub(super) fn normal_event(&mut self) {
        let pod = self.any_pod();
        let (component, reason, message) = match self.seed.below(4) {
            0 => ("kubelet", "Pulled", format!("Container image \"{}\" already present on machine", pod.image)),
            1 => ("kubelet", "Created", "Created container: main".to_owned()),
            2 => ("kubelet", "Started", "Started container main".to_owned()),
            _ => {
                let message = format!("Successfully assigned {}/{} to {}", pod.namespace, pod.name, pod.node);
                ("default-scheduler", "Scheduled", message)
            }
        };
        self.event(&pod, "Normal", component, reason, message);
    }

    /// A probe that fails once on some pod.
    pub(super) fn probe_event(&mut self) {
        let pod = self.any_pod();
        let message = "Readiness probe failed: HTTP probe failed with statuscode: 503".to_owned();
        self.event(&pod, "Warning", "kubelet", "Unhealthy", message);
    }

    /// An event about a pod that fails.
    pub(super) fn failing_event(&mut self) {
        let pod = self.failing_pod();
        let (reason, message) = match is_without_image(&pod) {
            true => {
                let image = &pod.image;
                ("Failed", format!("Failed to pull image \"{image}\": {}", without_image(image)))
            }
            false => {
                let place = format!("{}_{}({})", pod.name, pod.namespace, pod.object().uid);
                ("BackOff", format!("Back-off restarting failed container main in pod {place}"))
            }
        };
        self.event(&pod, "Warning", "kubelet", reason, message);
    }

    /// A pod that is as well as it was.
    pub(super) fn healthy_state(&mut self) {
        let pod = self.any_pod();
        self.running(&pod);
    }

    /// A pod that fails, still.
    pub(super) fn failing_state(&mut self) {
        let pod = self.failing_pod();
        let restarts = u32::try_from(self.steps / 1_000).unwrap_or(u32::MAX);
        match is_without_image(&pod) {
            true => self.estate.waiting(&pod, "ErrImagePull", &without_image(&pod.image), 0),
            false => {
                let message = "back-off 5m0s restarting failed container=main";
                self.estate.waiting(&pod, "CrashLoopBackOff", message, restarts)
            }
        };
        self.reported += 1;
    }

    /// A node that is ready.
    pub(super) fn node_state(&mut self) {
        let node = self.seed.below(self.nodes);
        self.estate.node(&format!("worker-{node}"), "True");
        self.reported += 1;
    }

    /// A source's word that it has observed everything until now.
    pub(super) fn one_tick(&mut self) {
        let (scope, now) = (self.estate.scope().clone(), self.estate.now());
        self.estate.report(Source::Events, ObjectRef::default(), Fact::tick(scope, Source::Events, now).body);
        self.reported += 1;
    }

    fn workload_state(&mut self) {
        let pod = self.any_pod();
        self.estate.deployment(&pod, 3, 3);
        self.reported += 2;
    }

    fn endpoints_state(&mut self) {
        let pod = self.any_pod();
        self.estate.endpoints(&pod.namespace, &pod.deployment, 3, 0);
        self.reported += 1;
    }

    fn running(&mut self, pod: &Pod) {
        let version = self.reported.to_string();
        self.estate.pod(pod, |report| describe(report, &version));
        self.reported += 1;
    }

    fn event(&mut self, pod: &Pod, kind: &str, component: &str, reason: &str, message: String) {
        let now = self.estate.now();
        let event = EventReport {
            uid: format!("0be11b00-0000-4000-8000-{:012x}", self.reported).into(),
            reason: reason.into(),
            message: message.into(),
            kind: kind.into(),
            component: component.into(),
            host: if component == "kubelet" { pod.node.as_str().into() } else { "".into() },
            field_path: if component == "kubelet" { "spec.containers{main}".into() } else { "".into() },
            repeats: 1,
            first_at: Some(now),
            last_at: Some(now),
            ..EventReport::default()
        };
        self.estate.report(Source::Events, pod.object(), Body::Event(event));
        self.reported += 1;
    }

    fn any_pod(&mut self) -> Pod {
        let n = self.seed.below(self.pods.len());
        self.pods[n].clone()
    }

    fn failing_pod(&mut self) -> Pod {
        let n = self.seed.below(self.failing.len());
        self.failing[n].clone()
    }
}

/// Workloads that fail do so in one of two ways: every other one lacks its image.
fn is_without_image(pod: &Pod) -> bool {
    let number: usize = pod.deployment.trim_start_matches("app-").parse().unwrap_or(0);
    (number / FAILING_EVERY).is_multiple_of(2)
}

fn without_image(image: &str) -> String {
    format!("rpc error: code = NotFound desc = failed to resolve reference \"{image}\": {image}: not found")
}

/// What a pod that runs says of itself beside the least.
fn describe(report: &mut ObjectReport, version: &str) {
    let condition =
        |kind: &str| Condition { kind: kind.into(), status: "True".into(), since: Some(BEGIN), ..Condition::default() };
    let reference = |kind: &str, name: &str| Reference { kind: kind.into(), name: name.into(), ..Reference::default() };
    report.resource_version = version.into();
    report.conditions =
        ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"].map(condition).into();
    report.labels.push(("pod-template-hash".into(), "7d9c5b4f68".into()));
    report.references = vec![
        reference("ConfigMap", "kube-root-ca.crt"),
        reference("Secret", "database"),
        reference("ServiceAccount", "default"),
    ];
    for container in &mut report.containers {
        container.state = ContainerState::Running { since: Some(BEGIN) };
    }
}
