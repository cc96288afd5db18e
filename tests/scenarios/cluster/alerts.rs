//! Prometheus and Alertmanager in miniature: the rules of kubernetes-mixin over the state of the cluster.

use super::Cluster;
use super::id::Id;
use super::moment::{SECOND, stamp};
use super::pod::{Pod, State};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An alert that is pending or fires.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Alert {
    pub name: &'static str,
    pub labels: Vec<(&'static str, String)>,
    pub severity: &'static str,
    pub for_secs: i64,
    pub summary: String,
}

/// What Prometheus and Alertmanager remember.
#[derive(Default)]
pub(crate) struct Alerting {
    /// When each alert became active, and since when it fires.
    active: BTreeMap<Alert, (i64, Option<i64>)>,
    /// How many replicas of each workload were of its newest revision, and when that count changed last.
    updated: BTreeMap<Id, (usize, i64)>,
    /// Whether the cluster has monitoring at all.
    pub absent: bool,
}

/// An alert of a rule.
pub(crate) fn alert(
    name: &'static str,
    severity: &'static str,
    for_secs: i64,
    labels: &[(&'static str, &str)],
    summary: &str,
) -> Alert {
    let labels = labels.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    Alert { name, labels, severity, for_secs, summary: summary.to_owned() }
}

impl Cluster {
    /// Rules are evaluated every minute.
    pub(crate) fn start_alerting(&mut self) {
        if !self.alerting.absent {
            self.outside_alerts.push(alert(
                "Watchdog",
                "none",
                0,
                &[],
                "An alert that should always be firing to certify that Alertmanager is working properly.",
            ));
            let wait = self.random.range(5, 60);
            self.after(wait, Self::evaluate);
        }
    }

    fn evaluate(&mut self) {
        let now = self.now;
        self.watch_rollouts();
        let mut found = self.outside_alerts.clone();
        self.pod_rules(&mut found);
        self.workload_rules(&mut found);
        self.node_rules(&mut found);
        self.control_plane_rules(&mut found);
        let mut changed: BTreeMap<&'static str, (Vec<Value>, Vec<Value>)> = BTreeMap::new();
        let gone: Vec<Alert> = self.alerting.active.keys().filter(|alert| !found.contains(alert)).cloned().collect();
        for alert in gone {
            if let Some((_, Some(since))) = self.alerting.active.remove(&alert) {
                changed.entry(alert.name).or_default().1.push(show(&alert, since, Some(now)));
            }
        }
        for alert in found {
            let (active, fires) = self.alerting.active.entry(alert.clone()).or_insert((now, None));
            if fires.is_none() && now - *active >= alert.for_secs * SECOND {
                *fires = Some(now);
                changed.entry(alert.name).or_default().0.push(show(&alert, now, None));
            }
        }
        for (_, (firing, resolved)) in changed {
            if !resolved.is_empty() {
                self.webhook("default", "resolved", &resolved);
            }
            if !firing.is_empty() {
                self.webhook("default", "firing", &firing);
            }
        }
        self.after(60, Self::evaluate);
    }

    fn pod_rules(&self, found: &mut Vec<Alert>) {
        for pod in self.pods.values() {
            let (namespace, name) = (pod.id.namespace.as_str(), pod.id.name.as_str());
            let of_job = pod.workload.kind == "Job";
            if let (false, false) = (pod.ready, of_job) {
                let summary =
                    format!("Pod {namespace}/{name} has been in a non-ready state for longer than 15 minutes.");
                found.push(alert(
                    "KubePodNotReady",
                    "warning",
                    900,
                    &[("namespace", namespace), ("pod", name)],
                    &summary,
                ));
            }
            for (container, run) in pod.template.containers.iter().zip(&pod.containers) {
                let labels = |reason: &str| {
                    [
                        ("container", container.name.clone()),
                        ("namespace", namespace.to_owned()),
                        ("pod", name.to_owned()),
                        ("reason", reason.to_owned()),
                    ]
                };
                let looping =
                    matches!(run.state, State::Waiting("CrashLoopBackOff", _)) || recently_looped(pod, self.now);
                if looping {
                    let summary = format!(
                        "Pod {namespace}/{name} ({}) is in waiting state (reason: \"CrashLoopBackOff\").",
                        container.name
                    );
                    let labels = labels("CrashLoopBackOff").to_vec();
                    found.push(Alert {
                        name: "KubePodCrashLooping",
                        labels,
                        severity: "warning",
                        for_secs: 900,
                        summary,
                    });
                } else if let State::Waiting(reason, _) = &run.state {
                    let summary =
                        format!("Pod {namespace}/{name} container {} waiting longer than 1 hour", container.name);
                    found.push(Alert {
                        name: "KubeContainerWaiting",
                        labels: labels(reason).to_vec(),
                        severity: "warning",
                        for_secs: 3600,
                        summary,
                    });
                }
            }
        }
    }

    /// The rules on replicas do not speak while the count of updated ones changes.
    fn watch_rollouts(&mut self) {
        let mut updated: BTreeMap<&Id, usize> = self.workloads.keys().map(|id| (id, 0)).collect();
        for pod in self.pods.values().filter(|pod| pod.is_active()) {
            let newest = self.workloads.get(&pod.workload).is_some_and(|workload| workload.current().hash == pod.hash);
            if let Some(count) = updated.get_mut(&pod.workload).filter(|_| newest) {
                *count += 1;
            }
        }
        let now = self.now;
        let known = &self.alerting.updated;
        let seen = updated.into_iter().map(|(id, count)| match known.get(id) {
            Some((before, at)) if *before == count => (id.clone(), (count, *at)),
            Some(_) => (id.clone(), (count, now)),
            // What was so before anybody looked has not changed.
            None => (id.clone(), (count, i64::MIN)),
        });
        self.alerting.updated = seen.collect();
    }

    /// Whether a rollout has made no step for so many seconds.
    fn stands_still(&self, id: &Id, secs: i64) -> bool {
        self.alerting.updated.get(id).is_none_or(|(_, at)| self.now.saturating_sub(*at) > secs * SECOND)
    }

    fn workload_rules(&self, found: &mut Vec<Alert>) {
        for workload in self.workloads.values() {
            let (namespace, name) = (workload.id.namespace.as_str(), workload.id.name.as_str());
            let ready =
                || self.pods_in(namespace).filter(|pod| pod.workload == workload.id && pod.serves()).count() as i64;
            match workload.id.kind.as_str() {
                "Deployment" => {
                    let labels = [("deployment", name), ("namespace", namespace)];
                    if ready() < workload.replicas && self.stands_still(&workload.id, 600) {
                        found.push(alert("KubeDeploymentReplicasMismatch", "warning", 900, &labels, &format!("Deployment {namespace}/{name} has not matched the expected number of replicas for longer than 15 minutes.")));
                    }
                    if workload.stalled {
                        found.push(alert("KubeDeploymentRolloutStuck", "warning", 900, &labels, &format!("Rollout of deployment {namespace}/{name} is not progressing for longer than 15 minutes.")));
                    }
                }
                "StatefulSet" if ready() < workload.replicas && self.stands_still(&workload.id, 600) => {
                    let labels = [("statefulset", name), ("namespace", namespace)];
                    found.push(alert("KubeStatefulSetReplicasMismatch", "warning", 900, &labels, &format!("StatefulSet {namespace}/{name} has not matched the expected number of replicas for longer than 15 minutes.")));
                }
                "DaemonSet"
                    if ready() < self.daemon_nodes(&workload.id).len() as i64
                        && self.stands_still(&workload.id, 300) =>
                {
                    let labels = [("daemonset", name), ("namespace", namespace)];
                    found.push(alert(
                        "KubeDaemonSetRolloutStuck",
                        "warning",
                        900,
                        &labels,
                        &format!("DaemonSet {namespace}/{name} has not finished or progressed for at least 15m."),
                    ));
                }
                "Job" if workload.finished.is_some_and(|(how, _)| how != "Complete") => {
                    let labels = [("job_name", name), ("namespace", namespace), ("condition", "true")];
                    found.push(alert("KubeJobFailed", "warning", 900, &labels, &format!("Job {namespace}/{name} failed to complete. Removing failed job after investigation should clear this alert.")));
                }
                _ => {}
            }
        }
    }

    fn node_rules(&self, found: &mut Vec<Alert>) {
        for node in self.nodes.values().filter(|node| !node.unschedulable) {
            let labels = [("node", node.name.as_str()), ("condition", "Ready"), ("status", "true")];
            if node.is("Ready") != "True" {
                found.push(alert(
                    "KubeNodeNotReady",
                    "warning",
                    900,
                    &labels,
                    &format!("{} has been unready for more than 15 minutes.", node.name),
                ));
            }
            if node.taints.iter().any(|(key, ..)| key == "node.kubernetes.io/unreachable") {
                let labels =
                    [("node", node.name.as_str()), ("key", "node.kubernetes.io/unreachable"), ("effect", "NoSchedule")];
                found.push(alert(
                    "KubeNodeUnreachable",
                    "warning",
                    900,
                    &labels,
                    &format!("{} is unreachable and some workloads may be rescheduled.", node.name),
                ));
            }
            for kind in ["MemoryPressure", "DiskPressure", "PIDPressure"] {
                if node.is(kind) == "True" {
                    let labels = [("node", node.name.as_str()), ("condition", kind), ("status", "true")];
                    found.push(alert(
                        "KubeNodePressure",
                        "info",
                        600,
                        &labels,
                        &format!("{} has active Condition {kind}.", node.name),
                    ));
                }
            }
        }
    }

    fn control_plane_rules(&self, found: &mut Vec<Alert>) {
        for (part, name, job) in [
            ("scheduler", "KubeSchedulerDown", "kube-scheduler"),
            ("controllers", "KubeControllerManagerDown", "kube-controller-manager"),
        ] {
            if self.stopped.contains(part) {
                found.push(alert(
                    name,
                    "critical",
                    900,
                    &[],
                    &format!("{job} has disappeared from Prometheus target discovery."),
                ));
            }
        }
        let dns = Id::new("Deployment", "kube-system", "coredns");
        if self.workloads.contains_key(&dns) && self.ready_backends("kube-system", "kube-dns") == 0 {
            found.push(alert(
                "CoreDNSDown",
                "critical",
                900,
                &[],
                "CoreDNS has disappeared from Prometheus target discovery.",
            ));
        }
        let apis = self.others.iter().filter(|(id, _)| id.kind == "APIService");
        for (id, _) in apis.filter(|(_, api)| api["status"]["conditions"][0]["status"] == "False") {
            let labels = [("name", id.name.as_str()), ("namespace", "default")];
            found.push(alert(
                "KubeAggregatedAPIDown",
                "warning",
                300,
                &labels,
                &format!("Kubernetes aggregated API {}/default has been only 0% available over the last 10m.", id.name),
            ));
        }
        for (id, quota) in self.others.iter().filter(|(id, _)| id.kind == "ResourceQuota") {
            let full = quota["status"]["hard"].as_object().is_some_and(|hard| {
                hard.iter().any(|(key, value)| !value.is_null() && quota["status"]["used"][key] == *value)
            });
            if full {
                let labels =
                    [("namespace", id.namespace.as_str()), ("resourcequota", id.name.as_str()), ("resource", "pods")];
                found.push(alert(
                    "KubeQuotaFullyUsed",
                    "info",
                    900,
                    &labels,
                    &format!("Namespace {} is using 100% of its pods quota.", id.namespace),
                ));
            }
        }
    }
}

/// The rule looks back five minutes.
fn recently_looped(pod: &Pod, now: i64) -> bool {
    let recent = |run: &super::pod::Run| {
        run.restarts > 2 && run.last.as_ref().is_some_and(|last| now - last.finished < 300 * SECOND)
    };
    pod.phase == "Running" && pod.containers.iter().any(recent)
}

fn show(alert: &Alert, since: i64, until: Option<i64>) -> Value {
    let mut labels: serde_json::Map<String, Value> =
        alert.labels.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect();
    labels.insert("alertname".to_owned(), json!(alert.name));
    labels.insert("severity".to_owned(), json!(alert.severity));
    labels.insert("prometheus".to_owned(), json!("monitoring/k8s"));
    if alert.name.starts_with("Kube") && !alert.labels.is_empty() {
        labels.insert("job".to_owned(), json!("kube-state-metrics"));
        labels.insert("instance".to_owned(), json!("10.244.1.17:8443"));
    }
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in serde_json::to_string(&labels).unwrap_or_default().bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    json!({"status": if until.is_some() { "resolved" } else { "firing" }, "labels": labels,
        "annotations": {"summary": alert.summary, "description": alert.summary,
            "runbook_url": format!("https://runbooks.prometheus-operator.dev/runbooks/kubernetes/{}", alert.name.to_lowercase())},
        "startsAt": stamp(since), "endsAt": until.map_or("0001-01-01T00:00:00Z".to_owned(), stamp),
        "generatorURL": "http://prometheus.monitoring:9090/graph", "fingerprint": format!("{hash:016x}")})
}
