//! Services and their endpoint slices.

use super::Cluster;
use super::event::{Emitter, normal};
use super::id::Id;
use super::moment::{SECOND, stamp};
use super::pod::Pod;
use super::recording::{Notice, Source};
use serde_json::{Value, json};

/// Where a port of a Service leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Number(u16),
    Name(String),
}

/// A port of a Service.
#[derive(Clone, Debug)]
pub(crate) struct ServicePort {
    pub name: String,
    pub port: u16,
    pub target: Target,
}

/// A Service.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub id: Id,
    pub uid: String,
    pub created: i64,
    pub selector: Vec<(String, String)>,
    pub ports: Vec<ServicePort>,
    pub kind: &'static str,
    /// The address of its load balancer, if it got one.
    pub address: Option<String>,
    pub slice: String,
    /// Ready endpoints.
    ready: usize,
    queued: bool,
    shown_slice: String,
    ip: String,
}

impl Service {
    fn selects(&self, labels: &[(String, String)]) -> bool {
        !self.selector.is_empty() && self.selector.iter().all(|pair| labels.contains(pair))
    }

    fn json(&self) -> Value {
        let ports: Vec<Value> = self
            .ports
            .iter()
            .map(|port| {
                let target = match &port.target {
                    Target::Number(number) => json!(number),
                    Target::Name(name) => json!(name),
                };
                json!({"name": port.name, "protocol": "TCP", "port": port.port, "targetPort": target})
            })
            .collect();
        let selector: serde_json::Map<_, _> = self.selector.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
        let balancer =
            self.address.as_ref().map_or_else(|| json!({}), |address| json!({"ingress": [{"hostname": address}]}));
        json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": self.id.name, "namespace": self.id.namespace, "uid": self.uid,
                "creationTimestamp": stamp(self.created), "labels": {"app.kubernetes.io/name": self.id.name}},
            "spec": {"type": self.kind, "clusterIP": self.ip, "clusterIPs": [self.ip], "ports": ports, "selector": selector,
                "sessionAffinity": "None", "internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"},
            "status": {"loadBalancer": balancer}})
    }
}

impl Cluster {
    /// A Service in front of pods with these labels.
    pub(crate) fn add_service(
        &mut self,
        id: Id,
        selector: Vec<(String, String)>,
        ports: Vec<ServicePort>,
        kind: &'static str,
    ) {
        let created = if self.recording { self.now } else { self.now - self.random.range(2, 40) * 86_400 * SECOND };
        let address = (kind == "LoadBalancer" && !self.recording)
            .then(|| format!("a{}.elb.eu-central-1.amazonaws.com", self.random.hex(12)));
        let service = Service {
            uid: self.random.uid(),
            created,
            selector,
            ports,
            kind,
            address,
            slice: format!("{}-{}", id.name, self.random.suffix(5)),
            ready: 0,
            queued: false,
            shown_slice: String::new(),
            ip: format!("10.96.{}.{}", self.random.range(0, 250), self.random.range(2, 250)),
            id: id.clone(),
        };
        self.services.insert(id.clone(), service);
        if self.recording {
            self.show_service(&id, Notice::Added);
            if kind == "LoadBalancer" {
                let (emitter, uid) = (Emitter::controller("service-controller"), self.services[&id].uid.clone());
                self.event(&emitter, &id, &uid, normal("EnsuringLoadBalancer", "Ensuring load balancer"));
            }
        }
    }

    /// Changes a Service; its endpoints follow.
    pub(crate) fn with_service(&mut self, id: &Id, change: impl FnOnce(&mut Service)) {
        if let Some(service) = self.services.get_mut(id) {
            change(service);
            let mut json = service.json();
            json["metadata"]["resourceVersion"] = self.next_version().into();
            self.notice(Source::Objects, Notice::Modified, &json, 20);
            self.touch_service(id);
        }
    }

    /// Shows a Service and its endpoints.
    pub(crate) fn show_service(&mut self, id: &Id, notice: Notice) {
        let Some(service) = self.services.get(id) else { return };
        let json = service.json();
        self.show_json(json, notice);
        if let Some(service) = self.services.get_mut(id) {
            service.shown_slice.clear();
        }
        self.turn_slice(id);
    }

    /// Pods with these labels have changed.
    pub(crate) fn touch_services(&mut self, namespace: &str, labels: &[(String, String)]) {
        let of = |service: &&Service| service.id.namespace == namespace && service.selects(labels);
        for id in self.services.values().filter(of).map(|service| service.id.clone()).collect::<Vec<_>>() {
            self.touch_service(&id);
        }
    }

    fn touch_service(&mut self, id: &Id) {
        if self.stopped.contains("controllers") || !self.recording {
            return;
        }
        let Some(service) = self.services.get_mut(id) else { return };
        if !service.queued {
            service.queued = true;
            let id = id.clone();
            let wait = self.random.range(100, 900);
            self.after_ms(wait, move |cluster| cluster.turn_slice(&id));
        }
    }

    /// The pods behind a Service.
    pub(crate) fn backends(&self, id: &Id) -> Vec<&Pod> {
        self.services.get(id).map_or_else(Vec::new, |service| self.pods_behind(service).collect())
    }

    fn pods_behind<'c>(&'c self, service: &'c Service) -> impl Iterator<Item = &'c Pod> {
        let selects = |pod: &&Pod| service.selector.iter().all(|(key, value)| pod.has_label(key, value));
        self.pods_in(&service.id.namespace).filter(|_| !service.selector.is_empty()).filter(selects)
    }

    /// How many pods take requests of a Service, as its endpoints say.
    pub(crate) fn ready_backends(&self, namespace: &str, name: &str) -> usize {
        self.services.get(&Id::new("Service", namespace, name)).map_or(0, |service| service.ready)
    }

    /// The endpoints of all Services are written.
    pub(crate) fn start_services(&mut self) {
        for id in self.services.keys().cloned().collect::<Vec<_>>() {
            self.turn_slice(&id);
        }
    }

    fn turn_slice(&mut self, id: &Id) {
        if let Some(service) = self.services.get_mut(id) {
            service.queued = false;
        }
        let Some(service) = self.services.get(id).cloned() else { return };
        if service.selector.is_empty() {
            return;
        }
        let with_ip = |pod: &&&Pod| !pod.ip.is_empty() && !matches!(pod.phase, "Failed" | "Succeeded");
        let backends = self.backends(id);
        let ready = backends.iter().filter(|pod| pod.serves()).count();
        let endpoints: Vec<Value> = backends
            .iter()
            .filter(with_ip)
            .map(|pod| {
                json!({"addresses": [pod.ip], "nodeName": pod.node,
                    "conditions": {"ready": pod.serves(), "serving": pod.ready, "terminating": pod.deleting.is_some()},
                    "targetRef": {"kind": "Pod", "namespace": pod.id.namespace, "name": pod.id.name, "uid": pod.uid}})
            })
            .collect();
        let ports: Vec<Value> = service
            .ports
            .iter()
            .filter_map(|port| {
                let number = match &port.target {
                    Target::Number(number) => *number,
                    Target::Name(name) => named_port(backends.first()?, name)?,
                };
                Some(json!({"name": port.name, "port": number, "protocol": "TCP"}))
            })
            .collect();
        let json = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": service.slice, "namespace": id.namespace, "uid": format!("e{}", &service.uid[1..]),
                "creationTimestamp": stamp(service.created), "generateName": format!("{}-", id.name),
                "labels": {"kubernetes.io/service-name": id.name,
                    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"},
                "ownerReferences": [{"apiVersion": "v1", "kind": "Service", "name": id.name, "uid": service.uid,
                    "controller": true, "blockOwnerDeletion": true}]},
            "addressType": "IPv4", "endpoints": endpoints, "ports": ports});
        let text = json.to_string();
        if let Some(service) = self.services.get_mut(id) {
            service.ready = ready;
        }
        if text != service.shown_slice {
            let notice = if service.shown_slice.is_empty() { Notice::Added } else { Notice::Modified };
            if let Some(service) = self.services.get_mut(id) {
                service.shown_slice = text;
            }
            self.show_json(json, notice);
        }
    }
}

/// The number of a named port.
pub(crate) fn named_port(pod: &Pod, name: &str) -> Option<u16> {
    let ports = pod.template.containers.iter().flat_map(|container| &container.ports);
    ports.into_iter().find(|port| port.name == name).map(|port| port.number)
}
