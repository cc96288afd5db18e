//! Alerts as Alertmanager sends, lists and takes them, and the object that an alert's labels name.

use crate::kubernetes::object::reference;
use crate::kubernetes::raw::RawPiece;
use crate::lenient::{Pairs, Scalar, Str, capped, or_default};
use crate::recording::draft::Manner;
use crate::recording::field::Field;
use crate::recording::times::Times;
use bellbuoy_core::fact::FactId;
use bellbuoy_core::object::{ObjectRef, Scope};
use bellbuoy_core::report::{AlertReport, Label};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Labels that name an object, with its kind; the first one that an alert has decides. A pod stands before its owner,
/// because topology leads from it to the owner, and a claim before the node that reports on it.
const OBJECT_LABELS: [(&str, &str); 19] = [
    ("pod", "Pod"),
    ("pod_name", "Pod"),
    ("job_name", "Job"),
    ("cronjob", "CronJob"),
    ("deployment", "Deployment"),
    ("statefulset", "StatefulSet"),
    ("daemonset", "DaemonSet"),
    ("replicaset", "ReplicaSet"),
    ("horizontalpodautoscaler", "HorizontalPodAutoscaler"),
    ("poddisruptionbudget", "PodDisruptionBudget"),
    ("persistentvolumeclaim", "PersistentVolumeClaim"),
    ("persistentvolume", "PersistentVolume"),
    // Longhorn calls its volumes as the persistent volumes are called.
    ("volume", "PersistentVolume"),
    ("resourcequota", "ResourceQuota"),
    ("node", "Node"),
    ("nodename", "Node"),
    ("kubernetes_node", "Node"),
    ("ingress", "Ingress"),
    ("service", "Service"),
];

/// Exporters that speak of other objects than themselves. Their own `pod`, `service` and `instance` labels say where
/// the numbers came from, and not what they are about.
const EXPORTERS: [&str; 6] =
    ["kube-state-metrics", "node-exporter", "blackbox-exporter", "prometheus-operator", "alertmanager", "longhorn"];

/// Scrape jobs of controllers that tell of one kind of object, which they name in the label `name`.
const TELLERS: [(&str, &str); 5] = [
    ("cluster-version-operator", "ClusterOperator"),
    ("argocd-metrics", "Application"),
    ("argocd-application-controller", "Application"),
    ("cert-manager", "Certificate"),
    ("machine-api", "Machine"),
];

/// Labels that say which cluster an alert is of; the first one that it has decides. Prometheus and its operators put
/// `cluster`, Rancher, OpenShift's fleet manager and OpenTelemetry the others.
const CLUSTER_LABELS: [&str; 6] =
    ["cluster", "cluster_name", "clusterName", "k8s_cluster_name", "cluster_id", "clusterID"];

/// Ports that exporters of nodes listen on: node_exporter and windows_exporter.
const NODE_EXPORTER_PORTS: [&str; 2] = ["9100", "9182"];

/// Whether labels of its own make a piece an alert: entries of logs and series of metrics have some too.
pub(crate) fn is_alert(piece: &RawPiece<'_>) -> bool {
    let times = [&piece.starts_at, &piece.active_at];
    piece.labels.is_some_and(|labels| {
        labels.get().contains("\"alertname\"")
            || labels.get().contains("\"alert_name\"")
            || times.iter().any(|time| !time.as_str().is_empty())
            || (piece.annotations.is_some() && piece.status.is_some())
    })
}

/// An alert of any of the four forms: sent to receivers, listed, sent to Alertmanager, listed by Prometheus.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RawAlert<'a> {
    #[serde(borrow)]
    pub(crate) labels: Pairs<'a>,
    #[serde(borrow)]
    pub(crate) annotations: Pairs<'a>,
    #[serde(borrow, alias = "starts_at")]
    pub(crate) starts_at: Scalar<'a>,
    #[serde(borrow, alias = "ends_at")]
    pub(crate) ends_at: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) updated_at: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) fingerprint: Str<'a>,
    /// Since when the condition holds, and whether it has held long enough, in lists of Prometheus.
    #[serde(borrow)]
    pub(crate) active_at: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) state: Scalar<'a>,
    /// `firing` or `resolved` in webhook bodies, an object in lists, absent from what is sent to Alertmanager.
    #[serde(borrow)]
    pub(crate) status: Option<&'a RawValue>,
}

impl RawAlert<'_> {
    /// Whether Prometheus lists it, and it does not fire yet.
    pub(crate) fn is_pending(&self) -> bool {
        matches!(self.state.as_str(), "pending" | "inactive")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawListedStatus<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    state: Str<'a>,
}

/// An alert as it was read, before its times are believed.
pub(crate) struct Alert {
    pub(crate) scope: Option<Scope>,
    pub(crate) object: ObjectRef,
    pub(crate) manner: Manner,
    pub(crate) report: AlertReport,
}

/// Reads an alert; an error says what is missing.
pub(crate) fn read(raw: &RawAlert<'_>, times: &mut Times) -> Result<Alert, &'static str> {
    let mut labels = raw.labels.labels();
    // An empty label is an absent one.
    labels.retain(|(_, value)| !value.is_empty());
    if labels.is_empty() {
        return Err("labels are missing or empty; expected at least alertname");
    }
    let (manner, firing, suppressed) = match raw.status.map(|status| status.get().trim_start()) {
        Some(status) if status.starts_with('"') => {
            let status: Str<'_> = serde_json::from_str(status).unwrap_or_default();
            match status.as_str() {
                "firing" => (Manner::Streamed, true, false),
                "resolved" => (Manner::Streamed, false, false),
                // What tools keep of a list's `status.state`.
                "active" | "unprocessed" => (Manner::Dumped, true, false),
                "suppressed" => (Manner::Dumped, true, true),
                _ => return Err("status is neither firing, resolved, active nor suppressed"),
            }
        }
        Some(status) if status.starts_with('{') => {
            let status: RawListedStatus<'_> =
                serde_json::from_str(status).map_err(|_| "status.state is not a string such as active")?;
            (Manner::Dumped, true, status.state.as_str() == "suppressed")
        }
        _ if raw.state.as_str() == "firing" => (Manner::Dumped, true, false),
        _ => (Manner::Sent, true, false),
    };
    let started = if raw.starts_at.as_str().is_empty() { &raw.active_at } else { &raw.starts_at };
    let starts_at = times.observed(Field::AlertStart, started);
    times.observed(Field::AlertUpdate, &raw.updated_at);
    let ends_at = match manner {
        Manner::Streamed if !firing => times.observed(Field::AlertEnd, &raw.ends_at),
        _ => times.other("endsAt", &raw.ends_at),
    };
    let label = |key: &'static str| value(&labels, key);
    let texts = ["summary", "description", "message"].map(|key| raw.annotations.get(key));
    let report = AlertReport {
        // Rancher's alerting had a word of its own for it.
        name: capped(
            ["alertname", "alert_name"].map(label).into_iter().find(|name| !name.is_empty()).unwrap_or_default(),
        ),
        fingerprint: match raw.fingerprint.as_str() {
            "" => fingerprint(&labels).into(),
            given => capped(given),
        },
        firing,
        suppressed,
        summary: capped(texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()),
        starts_at,
        // What is to be done with the time at which a firing alert will be given up is decided at the end.
        ends_at: ends_at.filter(|_| !firing || manner == Manner::Sent),
        labels: Vec::new(),
    };
    let scope = cluster_of(&labels).map(Scope::cluster);
    let object = object(&labels, &texts);
    Ok(Alert { scope, object, manner, report: AlertReport { labels, ..report } })
}

fn value<'l>(labels: &'l [Label], key: &str) -> &'l str {
    labels.binary_search_by(|(name, _)| (**name).cmp(key)).map_or("", |at| &labels[at].1)
}

/// The cluster that the labels name.
fn cluster_of(labels: &[Label]) -> Option<&str> {
    CLUSTER_LABELS.into_iter().map(|key| value(labels, key)).find(|name| !name.is_empty())
}

/// A stand-in for Alertmanager's own fingerprint: 16 hex digits of a hash of the sorted labels.
fn fingerprint(labels: &[Label]) -> String {
    FactId::of(&labels).to_string()[..16].to_owned()
}

/// The object that the labels name, and the texts; the cluster where the labels name none.
fn object(labels: &[Label], texts: &[&str]) -> ObjectRef {
    let label = |key: &str| value(labels, key);
    let exported = |key: &str| value(labels, &format!("exported_{key}"));
    let namespace = [exported("namespace"), label("namespace"), label("kubernetes_namespace")];
    let namespace = namespace.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    // What was renamed to make room for the exporter's own labels is what the alert is about.
    let renamed = OBJECT_LABELS.iter().find(|(key, _)| !exported(key).is_empty());
    if let Some((key, kind)) = renamed {
        return reference(kind, namespace, exported(key), "");
    }
    // Controllers tell of what they control, by kind and name.
    let job = label("job");
    let name = [exported("name"), label("name")].into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    let told = TELLERS.iter().find(|(teller, _)| job.contains(teller)).map(|(_, kind)| *kind);
    let kind = [label("customresource_kind"), label("kind")].into_iter().find(|kind| is_kind(kind)).or(told);
    if let Some(kind) = kind.filter(|_| !name.is_empty()) {
        return reference(kind, namespace, name, "");
    }
    // An exporter's pod is where the numbers came from if that exporter's job told them; what another one tells of it is
    // about it. A uid is that of the pod told of.
    let of_exporter = |name: &str| {
        EXPORTERS.iter().any(|exporter| name.contains(exporter) && (job.is_empty() || job.contains(exporter)))
    };
    let is_told = |key: &str| !label(key).is_empty();
    // Unless the alert speaks of that very pod, which a printed list of all labels does not.
    let speaks_of = |pod: &str| texts.iter().any(|text| text.split("map[").next().is_some_and(|t| t.contains(pod)));
    let of_origin = |key: &str| match key {
        "pod" | "pod_name" => of_exporter(label(key)) && !is_told("uid") && !speaks_of(label(key)),
        "service" => of_exporter(label(key)) && !is_told("uid"),
        _ => false,
    };
    let named = OBJECT_LABELS.iter().find(|(key, _)| is_told(key) && !of_origin(key));
    // Prometheus names every origin by `instance` too: whoever has dropped that and kept the pod means the pod.
    let itself = || OBJECT_LABELS.iter().find(|(key, _)| is_told(key) && !is_told("instance"));
    if let Some((key, kind)) = named.or_else(itself) {
        return reference(kind, namespace, label(key), "");
    }
    // Alerts on aggregated APIs name one by its version and group, and a namespace that it is not in.
    if is_api(name) {
        return reference("APIService", "", name, "");
    }
    // A check from outside names what it looks at by a URL.
    let instance = label("instance");
    if let Some((_, address)) = instance.split_once("://") {
        let host = address.split(['/', '?', '#']).next().unwrap_or_default();
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        return reference("Host", "", host, "");
    }
    // Exporters of nodes name the node by their address only.
    let (host, port) = instance.rsplit_once(':').unwrap_or((instance, ""));
    let of_node = ["node-exporter", "node_exporter", "windows-exporter"].iter().any(|exporter| job.contains(exporter))
        || NODE_EXPORTER_PORTS.contains(&port);
    if of_node && !host.is_empty() {
        return reference("Node", "", host, "");
    }
    match namespace {
        "" => reference("Cluster", "", cluster_of(labels).unwrap_or_default(), ""),
        namespace => reference("Namespace", "", namespace, ""),
    }
}

/// Whether a name is that of an APIService: `v1beta1.metrics.k8s.io`.
fn is_api(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_version = |version: &str| match version.split_once("alpha").or_else(|| version.split_once("beta")) {
        Some((major, minor)) => digits(major) && digits(minor),
        None => digits(version),
    };
    let parts = name.strip_prefix('v').and_then(|rest| rest.split_once('.'));
    parts.is_some_and(|(version, group)| is_version(version) && group.contains('.'))
}

/// Whether a word is a kind of Kubernetes, as they are written: many exporters have labels of that name.
fn is_kind(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_uppercase()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(labels: &[(&str, &str)], expect: &str) {
        check_told(labels, "", expect);
    }

    fn check_told(labels: &[(&str, &str)], text: &str, expect: &str) {
        let mut labels: Vec<Label> = labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        labels.sort();
        assert_eq!(object(&labels, &[text]).entity().to_string(), expect, "{labels:?} {text}");
    }

    #[test]
    fn an_exporter_may_be_what_the_alert_is_about() {
        let labels =
            [("namespace", "monitoring"), ("pod", "kube-state-metrics-7d9-x2x"), ("instance", "10.0.0.9:8080")];
        check(&labels, "Namespace monitoring");
        let text =
            "Pod monitoring/kube-state-metrics-7d9-x2x has been in a non-ready state for longer than 15 minutes.";
        check_told(&labels, text, "Pod monitoring/kube-state-metrics-7d9-x2x");
        let text = "VALUE = 1 LABELS = map[namespace:monitoring pod:kube-state-metrics-7d9-x2x]";
        check_told(&labels, text, "Namespace monitoring");
    }

    #[test]
    fn labels_name_the_object() {
        check(&[("namespace", "shop"), ("pod", "cart-1"), ("container", "cart")], "Pod shop/cart-1");
        check(&[("namespace", "shop"), ("deployment", "cart")], "Deployment shop/cart");
        check(&[("namespace", "shop"), ("statefulset", "db")], "StatefulSet shop/db");
        check(&[("namespace", "shop"), ("job_name", "nightly"), ("job", "kube-state-metrics")], "Job shop/nightly");
        check(&[("node", "worker-3"), ("namespace", "monitoring")], "Node worker-3");
        check(&[("namespace", "shop"), ("service", "cart"), ("job", "cart")], "Service shop/cart");
        check(&[("namespace", "shop")], "Namespace shop");
        check(&[("name", "v1beta1.metrics.k8s.io"), ("namespace", "default")], "APIService v1beta1.metrics.k8s.io");
        for name in ["vault.example.com", "v1", "v1.2", "v1gamma1.a.b", "metrics.k8s.io"] {
            check(&[("name", name), ("namespace", "shop")], "Namespace shop");
        }
        check(&[("alertname", "Watchdog")], "Cluster ");
        check(&[("alertname", "KubeAPIDown"), ("cluster_name", "prod-eu")], "Cluster prod-eu");
        check(&[("cluster_id", "c-x2x8k"), ("cluster", "prod-eu")], "Cluster prod-eu");
        check(
            &[("persistentvolumeclaim", "data-0"), ("namespace", "db"), ("node", "w1")],
            "PersistentVolumeClaim db/data-0",
        );
    }

    #[test]
    fn controllers_tell_of_what_they_control() {
        let operator = [
            ("job", "cluster-version-operator"),
            ("namespace", "openshift-cluster-version"),
            ("pod", "cluster-version-operator-64f9c8cf6d-77bnp"),
            ("name", "machine-config"),
        ];
        check(&operator, "ClusterOperator machine-config");
        let flux = [("kind", "Kustomization"), ("name", "apps"), ("exported_namespace", "flux-system"), ("pod", "x")];
        check(&flux, "Kustomization flux-system/apps");
        check(&[("job", "argocd-metrics"), ("namespace", "argocd"), ("name", "shop")], "Application argocd/shop");
        check(&[("poddisruptionbudget", "cart"), ("namespace", "shop")], "PodDisruptionBudget shop/cart");
        let longhorn = [
            ("job", "longhorn-backend"),
            ("namespace", "longhorn-system"),
            ("pod", "longhorn-manager-x2x8k"),
            ("node", "worker-3"),
            ("volume", "pvc-0b"),
        ];
        check(&longhorn, "PersistentVolume pvc-0b");
        // A label of another meaning.
        check(&[("kind", "read"), ("name", "x"), ("namespace", "shop")], "Namespace shop");
    }

    #[test]
    fn labels_of_the_exporter_are_not_the_object() {
        let exporter = [
            ("job", "kube-state-metrics"),
            ("pod", "kube-state-metrics-5d4f8-x"),
            ("service", "kube-state-metrics"),
            ("instance", "10.0.0.9:8080"),
        ];
        check(&[&exporter[..], &[("namespace", "shop"), ("deployment", "cart")]].concat(), "Deployment shop/cart");
        check(&[&exporter[..], &[("node", "worker-3")]].concat(), "Node worker-3");
        check(
            &[
                &exporter[..],
                &[("namespace", "monitoring"), ("exported_namespace", "shop"), ("exported_pod", "cart-1")],
            ]
            .concat(),
            "Pod shop/cart-1",
        );
        check(&[&exporter[..], &[("namespace", "shop")]].concat(), "Namespace shop");
        // What the exporter tells of its own pod: the uid is the pod's, or its own labels were summed away.
        let itself = [("job", "kube-state-metrics"), ("pod", "kube-state-metrics-5d4f8-x"), ("namespace", "mon")];
        check(&itself, "Pod mon/kube-state-metrics-5d4f8-x");
        check(&[&exporter[..], &[("namespace", "mon"), ("uid", "0b")]].concat(), "Pod mon/kube-state-metrics-5d4f8-x");
        check(
            &[
                ("job", "node-exporter"),
                ("instance", "worker-3:9100"),
                ("pod", "node-exporter-x"),
                ("namespace", "mon"),
            ],
            "Node worker-3",
        );
        check(&[("instance", "worker-3:9100"), ("mountpoint", "/")], "Node worker-3");
        check(&[("instance", "10.0.0.9:9182"), ("job", "windows")], "Node 10.0.0.9");
        check(&[("instance", "10.0.0.9:9090"), ("job", "cart")], "Cluster ");
        check(&[("instance", "https://shop.acme.dev:8443/login?x=1"), ("job", "blackbox")], "Host shop.acme.dev");
        // The job label is the scrape job, never a Job.
        check(&[("job", "cart"), ("namespace", "shop")], "Namespace shop");
    }
}
