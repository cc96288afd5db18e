//! Who calls whom, as the environment of the callers says, and what becomes of a caller that is not answered.

use super::Cluster;
use super::id::Id;
use super::pod::Pod;
use super::service::{Target, named_port};
use super::template::{EnvValue, Scheme, Temper, Template};

/// An address as programs read it from their environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub scheme: Option<Scheme>,
    pub host: String,
    pub port: Option<u16>,
}

impl Address {
    /// Reads `http://cart:8080/x`, `cart:8080`, `cart.shop.svc.cluster.local:80`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = match text.split_once("://") {
            Some(("http", rest)) => (Some(Scheme::Http), rest),
            Some(("https", rest)) => (Some(Scheme::Https), rest),
            Some((_, rest)) => (None, rest.rsplit_once('@').map_or(rest, |(_, rest)| rest)),
            None => (None, text),
        };
        let authority = rest.split('/').next().unwrap_or_default();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (authority, None),
        };
        let named =
            !host.is_empty() && host.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c));
        (named && (port.is_some() || scheme.is_some())).then(|| Self { scheme, host: host.to_owned(), port })
    }

    /// The Service that it names; none for hosts outside of the cluster.
    pub(crate) fn service(&self, namespace: &str) -> Option<Id> {
        let host = self.host.strip_suffix(".cluster.local").unwrap_or(&self.host);
        let parts: Vec<&str> = host.split('.').collect();
        match parts[..] {
            [name] => Some(Id::new("Service", namespace, name)),
            [name, namespace] | [name, namespace, "svc"] if !matches!(namespace, "com" | "io" | "org" | "net") => {
                Some(Id::new("Service", namespace, name))
            }
            _ => None,
        }
    }

    fn port(&self) -> u16 {
        self.port.unwrap_or(if self.scheme == Some(Scheme::Https) { 443 } else { 80 })
    }
}

impl Cluster {
    /// The addresses in the environment of a template's main container.
    pub(crate) fn addresses(&self, namespace: &str, template: &Template) -> Vec<Address> {
        let value = |value: &EnvValue| match value {
            EnvValue::Plain(text) => Some(text.clone()),
            EnvValue::ConfigKey(map, key) => {
                let map = self.others.get(&Id::new("ConfigMap", namespace, map))?;
                Some(map["data"][key].as_str()?.to_owned())
            }
            EnvValue::SecretKey(..) => None,
        };
        let env = &template.containers[0].env;
        env.iter().filter_map(|(_, of)| Address::parse(&value(of)?)).collect()
    }

    /// Whether requests to an address are answered; why not.
    pub(crate) fn reach(&self, namespace: &str, address: &Address) -> Result<(), &'static str> {
        let Some(id) = address.service(namespace) else { return Ok(()) };
        if self.ready_backends("kube-system", "kube-dns") == 0 {
            return Err("no such host");
        }
        let Some(service) = self.services.get(&id) else { return Err("no such host") };
        let Some(port) = service.ports.iter().find(|port| port.port == address.port()) else {
            return Err("i/o timeout");
        };
        let ready: Vec<&Pod> = self.backends(&id).into_iter().filter(|pod| pod.serves()).collect();
        let Some(pod) = ready.first() else { return Err("connection refused") };
        let number = match &port.target {
            Target::Number(number) => Some(*number),
            Target::Name(name) => named_port(pod, name),
        };
        let ports = pod.template.containers.iter().flat_map(|container| &container.ports);
        let Some(open) = ports.into_iter().find(|open| Some(open.number) == number) else {
            return Err("connection refused");
        };
        match (address.scheme, open.scheme) {
            (Some(asked), spoken) if asked != spoken => Err("http: server gave HTTP response to HTTPS client"),
            _ => Ok(()),
        }
    }

    /// A program reads its environment when it starts.
    pub(crate) fn note_calls(&mut self, id: &Id) {
        let Some(template) = self.pods.get(id).map(|pod| pod.template.clone()) else { return };
        let calls = self.addresses(&id.namespace, &template);
        if let Some(pod) = self.pods.get_mut(id) {
            pod.calls = calls;
        }
    }

    /// Programs look at what they call every few seconds.
    pub(crate) fn start_callers(&mut self) {
        for id in self.workloads.keys().cloned().collect::<Vec<_>>() {
            let calls = self
                .workloads
                .get(&id)
                .is_some_and(|workload| !workload.template().containers[0].env.is_empty() && id.kind != "Job");
            if calls {
                let wait = self.random.range(0, 10_000);
                self.after_ms(wait, move |cluster| cluster.look_at_calls(&id));
            }
        }
    }

    fn look_at_calls(&mut self, id: &Id) {
        for key in self.pods_of(id) {
            let Some(pod) = self.pods.get(&key).filter(|pod| pod.template.temper != Temper::Patient) else { continue };
            if pod.phase != "Running" {
                let calls = self.addresses(&id.namespace, &pod.template);
                let answered = calls.iter().all(|address| self.reach(&id.namespace, address).is_ok());
                if let Some(pod) = self.pods.get_mut(&key) {
                    pod.complaint = (!answered).then(|| "HTTP probe failed with statuscode: 503".to_owned());
                }
                continue;
            }
            let broken = pod.calls.iter().any(|address| self.reach(&id.namespace, address).is_err());
            let alive = self.nodes.get(&pod.node).is_some_and(|node| node.is_alive);
            if alive {
                self.complain(&key, broken.then(|| "HTTP probe failed with statuscode: 503".to_owned()));
            }
        }
        let id = id.clone();
        self.after(10, move |cluster| cluster.look_at_calls(&id));
    }

    /// Workloads in whose environment a Service stands.
    pub(crate) fn direct_callers(&self, service: &Id) -> Vec<Id> {
        let calls = |(id, workload): &(&Id, &super::workload::Workload)| {
            let addresses = self.addresses(&id.namespace, workload.template());
            addresses.iter().filter_map(|address| address.service(&id.namespace)).any(|called| called == *service)
        };
        self.workloads.iter().filter(calls).map(|(id, _)| id.clone()).collect()
    }

    /// Workloads that notice when a Service does not answer, and those that notice them.
    pub(crate) fn callers(&self, service: &Id) -> Vec<Id> {
        let mut found: Vec<Id> = Vec::new();
        let mut silent = vec![service.clone()];
        while let Some(service) = silent.pop() {
            for id in self.direct_callers(&service) {
                if found.contains(&id) {
                    continue;
                }
                let patient = self.workloads.get(&id).is_some_and(|of| of.template().temper == Temper::Patient);
                if !patient {
                    silent.push(id.as_kind("Service"));
                }
                found.push(id);
            }
        }
        found
    }
}

#[test]
fn addresses_are_read_as_programs_read_them() {
    let read = |text: &str| Address::parse(text).and_then(|address| address.service("shop"));
    for (text, name) in [
        ("http://cart:8080", "Service shop/cart"),
        ("cart:8080", "Service shop/cart"),
        ("cart.media.svc.cluster.local:80", "Service media/cart"),
        ("postgres://app@db:5432/orders", "Service shop/db"),
    ] {
        assert_eq!(read(text).map(|id| id.to_string()).as_deref(), Some(name), "{text}");
    }
    assert_eq!(read("https://api.example.com"), None);
    assert_eq!(read("production"), None);
}
