//! The part of a cluster that its operators run: control plane, node agents, add-ons.

use super::Cluster;
use super::apps::{container, template};
use super::id::Id;
use super::pod::{Pod, Run, State};
use super::service::{ServicePort, Target};
use super::template::{Scheme, Template, Volume};
use serde_json::json;

impl Cluster {
    /// A pod that has run for long; before anybody watches.
    pub(crate) fn settle_pod(&mut self, id: &Id, node: &str) {
        let born = self.ago(self.random.clone().range(1, 9) * 86_400);
        let ip = format!("10.244.{}.{}", self.random.range(0, 250), self.random.range(2, 250));
        let Some(pod) = self.pods.get_mut(id) else { return };
        (pod.created, pod.scheduled, pod.started) = (born, Some(born), Some(born));
        (pod.sandbox, pod.initialized, pod.ready, pod.ready_since) = (Some(born), Some(born), true, born);
        (pod.phase, pod.mounted) = ("Running", true);
        pod.node = node.to_owned();
        pod.ip = ip;
        for run in &mut pod.containers {
            *run = Run { state: State::Running(born), last: None, restarts: 0, ready: true };
        }
        for run in &mut pod.init {
            run.ready = true;
        }
        let pod = pod.clone();
        self.note_calls(id);
        for claim in super::scheduler::claims(&pod) {
            let claim = self.others.get(&Id::new("PersistentVolumeClaim", &id.namespace, claim));
            if let Some(volume) = claim.and_then(|claim| claim["spec"]["volumeName"].as_str()) {
                self.attached.insert(volume.to_owned(), node.to_owned());
            }
        }
    }

    /// Puts control plane, node agents and add-ons up.
    pub(crate) fn add_system(&mut self) {
        for namespace in [
            "default",
            "kube-system",
            "ingress-nginx",
            "monitoring",
            "policy",
            "cert-manager",
            "istio-system",
            "flux-system",
        ] {
            self.add_namespace(namespace);
        }
        self.add_class("gp3", super::storage::DRIVER, true);
        self.add_class("fast", super::storage::DRIVER, false);
        for part in ["etcd", "kube-apiserver", "kube-scheduler", "kube-controller-manager"] {
            for node in self
                .nodes
                .values()
                .filter(|node| node.is_control_plane)
                .map(|node| node.name.clone())
                .collect::<Vec<_>>()
            {
                self.add_static_pod(part, &node);
            }
        }
        let network = *self.random.pick(&["calico-node", "cilium", "kube-flannel-ds", "aws-node"]);
        self.agent("kube-system", network, &format!("quay.io/networking/{network}:v3.28.1"));
        self.agent("kube-system", "kube-proxy", "registry.k8s.io/kube-proxy:v1.31.4");
        self.agent("kube-system", "ebs-csi-node", "public.ecr.aws/ebs-csi-driver/aws-ebs-csi-driver:v1.38.1");
        self.agent("monitoring", "node-exporter", "quay.io/prometheus/node-exporter:v1.8.2");
        self.add_on(
            "kube-system",
            "coredns",
            "registry.k8s.io/coredns/coredns:v1.11.3",
            2,
            Some(("kube-dns", 53, 8080)),
        );
        self.add_on(
            "kube-system",
            "metrics-server",
            "registry.k8s.io/metrics-server/metrics-server:v0.7.2",
            1,
            Some(("metrics-server", 443, 10250)),
        );
        self.add_on(
            "kube-system",
            "ebs-csi-controller",
            "public.ecr.aws/ebs-csi-driver/aws-ebs-csi-driver:v1.38.1",
            2,
            None,
        );
        self.add_on(
            "ingress-nginx",
            "ingress-nginx-controller",
            "registry.k8s.io/ingress-nginx/controller:v1.11.3",
            2,
            Some(("ingress-nginx-controller", 80, 8080)),
        );
        self.add_on(
            "monitoring",
            "kube-state-metrics",
            "registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.13.0",
            1,
            Some(("kube-state-metrics", 8443, 8080)),
        );
        self.add_on(
            "policy",
            "policy-webhook",
            "ghcr.io/policies/admission:v1.13.2",
            2,
            Some(("policy-webhook", 443, 9443)),
        );
        self.add_on("cert-manager", "cert-manager", "quay.io/jetstack/cert-manager-controller:v1.16.2", 1, None);
        self.add_on("istio-system", "istiod", "docker.io/istio/pilot:1.24.1", 1, Some(("istiod", 15012, 15012)));
        self.add_on("flux-system", "helm-controller", "ghcr.io/fluxcd/helm-controller:v1.1.0", 1, None);
        self.show_metrics_api(true);
        self.put(&Id::new("ValidatingWebhookConfiguration", "", "policy-webhook"), json!({"metadata": {}, "webhooks": [{
            "name": "validate.policy.acme.io", "failurePolicy": "Fail", "sideEffects": "None", "timeoutSeconds": 10,
            "clientConfig": {"service": {"namespace": "policy", "name": "policy-webhook", "path": "/validate", "port": 443}},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]}]}));
        self.put(
            &Id::new("ConfigMap", "kube-system", "cluster-autoscaler-status"),
            json!({"metadata": {}, "data": {"status": "Health: Healthy"}}),
        );
        let balancer = Id::new("Service", "ingress-nginx", "ingress-nginx-controller");
        if let Some(service) = self.services.get_mut(&balancer) {
            service.kind = "LoadBalancer";
            service.address = Some("lb.acme.io".to_owned());
        }
    }

    fn add_static_pod(&mut self, part: &str, node: &str) {
        let name = format!("{part}-{node}");
        let id = Id::new("Pod", "kube-system", &name);
        let mut main = container(part, &format!("registry.k8s.io/{part}:v1.31.4"), 10_250);
        main.ports.clear();
        main.ports.push(super::template::Port { name: "probe".to_owned(), number: 10_250, scheme: Scheme::Https });
        for probe in [&mut main.readiness, &mut main.liveness].into_iter().flatten() {
            (probe.scheme, probe.failures) = (Scheme::Https, 8);
        }
        let mut of = template(part, main);
        of.labels = vec![("component".to_owned(), part.to_owned()), ("tier".to_owned(), "control-plane".to_owned())];
        (of.host_network, of.tolerates_everything) = (true, true);
        of.priority_class = "system-node-critical".to_owned();
        let uid = self.nodes.get(node).map_or(String::new(), |node| node.uid.clone());
        let pod = Pod {
            uid: self.random.uid(),
            created: self.now,
            owner: Some((Id::new("Node", "", node), uid)),
            workload: id.clone(),
            hash: String::new(),
            node: node.to_owned(),
            ip: "10.0.0.10".to_owned(),
            phase: "Running",
            reason: "",
            message: String::new(),
            unschedulable: None,
            scheduled: None,
            started: None,
            sandbox: None,
            initialized: None,
            ready: true,
            ready_since: self.now,
            containers: vec![Run::waiting("")],
            init: Vec::new(),
            deleting: None,
            disrupted: None,
            turn: 0,
            backoff_secs: 10,
            complaint: None,
            calls: Vec::new(),
            mounted: true,
            template: of,
            id: id.clone(),
        };
        self.census.insert(id.clone(), id.clone());
        self.pods.insert(id.clone(), pod);
        self.settle_pod(&id, node);
    }

    fn agent(&mut self, namespace: &str, name: &str, image: &str) {
        let mut main = container(name, image, 9_100);
        (main.cpu_milli, main.memory_mib) = (50, 64);
        let mut of = self.system_template(name, main);
        (of.host_network, of.tolerates_everything) = (true, true);
        of.volumes.push(Volume::HostPath("/lib/modules".to_owned()));
        let id = Id::new("DaemonSet", namespace, name);
        self.put(&Id::new("ServiceAccount", namespace, name), json!({"metadata": {}}));
        self.add_workload(id.clone(), 0, of);
        self.settle(&id);
    }

    fn system_template(&mut self, name: &str, main: super::template::Container) -> Template {
        let mut of = template(name, main);
        of.labels = vec![("k8s-app".to_owned(), name.to_owned())];
        of.service_account = name.to_owned();
        of.priority_class = "system-cluster-critical".to_owned();
        of
    }

    fn add_on(&mut self, namespace: &str, name: &str, image: &str, replicas: i64, service: Option<(&str, u16, u16)>) {
        let port = service.map_or(8080, |(.., target)| target);
        let mut main = container(name, image, port);
        (main.cpu_milli, main.memory_mib) = (100, 128);
        let of = self.system_template(name, main);
        let selector = of.labels.clone();
        let id = Id::new("Deployment", namespace, name);
        self.put(&Id::new("ServiceAccount", namespace, name), json!({"metadata": {}}));
        self.add_workload(id.clone(), replicas, of);
        if let Some((service, port, target)) = service {
            let ports = vec![ServicePort { name: "main".to_owned(), port, target: Target::Number(target) }];
            self.add_service(Id::new("Service", namespace, service), selector, ports, "ClusterIP");
        }
        self.settle(&id);
    }
}
