//! The users' part of a cluster: namespaces with workloads that call each other.

use super::Cluster;
use super::id::Id;
use super::service::{ServicePort, Target};
use super::template::{Container, EnvValue, Fate, Port, Probe, Scheme, Temper, Template, Volume};
use super::workload::ClaimTemplate;
use serde_json::json;

/// Names of namespaces. No other word of a recording is one of these, so that they can be exchanged.
pub(crate) const NAMESPACES: [&str; 8] =
    ["bazaar", "payments", "media", "logistics", "identity", "analytics", "loyalty", "pricing"];

/// Names of workloads, as above.
pub(crate) const APPS: [&str; 24] = [
    "storefront",
    "checkout",
    "cart",
    "catalogue",
    "orders",
    "shipping",
    "ledger",
    "invoices",
    "reviews",
    "recommender",
    "notifier",
    "accounts",
    "sessions",
    "inventory",
    "thumbnailer",
    "transcoder",
    "feeds",
    "mailer",
    "quotes",
    "rates",
    "vouchers",
    "tracker",
    "profiles",
    "basket",
];

/// Names of databases, as above.
pub(crate) const DATABASES: [&str; 4] = ["postgres", "redis", "kafka", "rabbitmq"];

/// The users' part of a cluster, for those who break it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Apps {
    pub namespaces: Vec<String>,
    /// Deployments with a Service of the same name, a config map and a secret; those that call stand before the called.
    pub deployments: Vec<Id>,
    pub stateful_sets: Vec<Id>,
    pub cron_jobs: Vec<Id>,
    /// What nothing is done to but noise.
    pub bystanders: Vec<Id>,
    pub bystander_cron_jobs: Vec<Id>,
}

/// A container as a chart would render it, serving HTTP on a port.
pub(crate) fn container(name: &str, image: &str, port: u16) -> Container {
    let probe = |path: &str, failures| {
        let path = path.to_owned();
        Some(Probe { port, scheme: Scheme::Http, path, initial_secs: 0, period_secs: 10, failures })
    };
    Container {
        name: name.to_owned(),
        image: image.to_owned(),
        command: Vec::new(),
        env: vec![("LOG_LEVEL".to_owned(), EnvValue::Plain("info".to_owned()))],
        env_from_config: Vec::new(),
        ports: vec![Port { name: "http".to_owned(), number: port, scheme: Scheme::Http }],
        readiness: probe("/readyz", 3),
        liveness: probe("/healthz", 3),
        startup: None,
        cpu_milli: 100,
        memory_mib: 256,
        other_requests: Vec::new(),
        pull_policy: "IfNotPresent",
    }
}

/// A template with one container.
pub(crate) fn template(name: &str, container: Container) -> Template {
    Template {
        labels: vec![("app".to_owned(), name.to_owned())],
        init: Vec::new(),
        containers: vec![container],
        volumes: Vec::new(),
        service_account: "default".to_owned(),
        pull_secret: None,
        node_selector: Vec::new(),
        affinity: None,
        tolerates_everything: false,
        host_network: false,
        priority_class: String::new(),
        restart_policy: "Always",
        grace_secs: 30,
        fate: Fate::Serves,
        temper: Temper::Patient,
        start_secs: 3,
    }
}

impl Cluster {
    /// Puts namespaces with workloads up. The last namespace is that of the bystanders.
    pub(crate) fn add_apps(&mut self, namespaces: usize) -> Apps {
        let mut apps = Apps::default();
        let mut names = NAMESPACES.to_vec();
        self.random.shuffle(&mut names);
        for at in 0..namespaces {
            let round = at / names.len();
            let name = match round {
                0 => names[at].to_owned(),
                _ => format!("{}-{round}", names[at % names.len()]),
            };
            self.add_namespace(&name);
            self.add_namespace_apps(&name, &mut apps, at + 1 == namespaces);
            apps.namespaces.push(name);
        }
        apps
    }

    fn add_namespace_apps(&mut self, namespace: &str, apps: &mut Apps, bystanders: bool) {
        let mut names = APPS.to_vec();
        self.random.shuffle(&mut names);
        let count = self.random.range(4, 7) as usize;
        let names = &names[..count];
        let database = *self.random.pick(&DATABASES);
        self.add_database(namespace, database);
        let port = *self.random.pick(&[8080, 3000, 9000]);
        let service_port = *self.random.pick(&[80, 8080, port]);
        let registry = *self.random.pick(&["registry.acme.io", "ghcr.io/acme", "quay.io/acme", "acme"]);
        for (at, name) in names.iter().enumerate() {
            let id = Id::new("Deployment", namespace, name);
            let version =
                format!("{}.{}.{}", self.random.range(1, 5), self.random.range(0, 30), self.random.range(0, 9));
            let mut main = container(name, &format!("{registry}/{name}:{version}"), port);
            let mut called: Vec<(&str, u16)> =
                names[at + 1..].iter().take(2).map(|name| (*name, service_port)).collect();
            if at + 2 >= count {
                called.push((database, 5432));
            }
            let mut config = json!({"FEATURE_FLAGS": "fast-lane", "REGION": "eu"});
            for (called, port) in called {
                let key = format!("{}_ADDR", called.to_uppercase());
                let host = match self.random.range(0, 3) {
                    0 => called.to_owned(),
                    1 => format!("{called}.{namespace}"),
                    _ => format!("{called}.{namespace}.svc.cluster.local"),
                };
                let (key, value) = match called == database || self.random.chance(30) {
                    true => (key, format!("{host}:{port}")),
                    false => (key.replace("_ADDR", "_URL"), format!("http://{host}:{port}")),
                };
                if self.random.chance(30) {
                    config[&key] = json!(value);
                    main.env.push((key.clone(), EnvValue::ConfigKey(format!("{name}-config"), key)));
                } else {
                    main.env.push((key, EnvValue::Plain(value)));
                }
            }
            self.put(
                &Id::new("ConfigMap", namespace, &format!("{name}-config")),
                json!({"metadata": {}, "data": config}),
            );
            let secret = format!("{name}-credentials");
            self.put(
                &Id::new("Secret", namespace, &secret),
                json!({"metadata": {}, "type": "Opaque", "data": {"password": null}}),
            );
            main.env.push(("PASSWORD".to_owned(), EnvValue::SecretKey(secret, "password".to_owned())));
            main.env.push(("REGION".to_owned(), EnvValue::ConfigKey(format!("{name}-config"), "REGION".to_owned())));
            main.cpu_milli = self.random.range(1, 5) * 100;
            main.memory_mib = self.random.range(1, 5) * 128;
            if self.random.chance(30) {
                main.liveness = None;
            }
            let mut template = template(name, main);
            template.start_secs = self.random.range(1, 12);
            template.temper = *self.random.pick(&[Temper::Patient, Temper::Patient, Temper::Honest, Temper::Brittle]);
            if self.random.chance(40) {
                template.service_account = (*name).to_owned();
                self.put(&Id::new("ServiceAccount", namespace, name), json!({"metadata": {}}));
            }
            if self.random.chance(25) {
                template.volumes.push(Volume::ConfigMap(format!("{name}-config")));
            }
            // Who is to sleep through a drained node runs two.
            let replicas = self.random.range(if bystanders { 2 } else { 1 }, 4);
            let selector = template.labels.clone();
            self.add_workload(id.clone(), replicas, template);
            let target = if self.random.chance(50) { Target::Name("http".to_owned()) } else { Target::Number(port) };
            let ports = vec![ServicePort { name: "http".to_owned(), port: service_port, target }];
            self.add_service(id.as_kind("Service"), selector, ports, "ClusterIP");
            self.settle(&id);
            if at % 3 == 1 {
                self.add_autoscaler(&id, replicas, replicas + 4);
            }
            if bystanders { apps.bystanders.push(id) } else { apps.deployments.push(id) }
        }
        if bystanders {
            self.add_harmless(namespace);
        } else {
            apps.stateful_sets.push(Id::new("StatefulSet", namespace, database));
        }
        self.add_nightly(
            namespace,
            registry,
            if bystanders { &mut apps.bystander_cron_jobs } else { &mut apps.cron_jobs },
        );
        let front = names[0];
        let rule = json!({"host": format!("{front}.acme.io"), "http": {"paths": [{"path": "/", "pathType": "Prefix",
            "backend": {"service": {"name": front, "port": {"number": service_port}}}}]}});
        self.put(
            &Id::new("Ingress", namespace, front),
            json!({"metadata": {}, "spec": {"ingressClassName": "nginx", "rules": [rule]},
            "status": {"loadBalancer": {"ingress": [{"hostname": "lb.acme.io"}]}}}),
        );
        self.put(
            &Id::new("ResourceQuota", namespace, "compute"),
            json!({"metadata": {}, "spec": {"hard": {"pods": "60"}},
            "status": {"hard": {"pods": "60"}, "used": {"pods": (count + 3).to_string()}}}),
        );
    }

    /// What contradicts itself and hurts nobody, as every old cluster holds it.
    fn add_harmless(&mut self, namespace: &str) {
        if self.random.chance(50) {
            let ports = vec![ServicePort { name: "http".to_owned(), port: 80, target: Target::Number(8080) }];
            let selector = vec![("app".to_owned(), "long-gone".to_owned())];
            self.add_service(Id::new("Service", namespace, "long-gone"), selector, ports, "ClusterIP");
        }
        if self.random.chance(50) {
            let id = Id::new("Deployment", namespace, "asleep");
            let of = template("asleep", container("asleep", "ghcr.io/acme/asleep:1.0.0", 8080));
            self.add_workload(id, 0, of);
        }
    }

    fn add_database(&mut self, namespace: &str, name: &str) {
        let id = Id::new("StatefulSet", namespace, name);
        let mut main = container(name, &format!("docker.io/bitnami/{name}:16.4.0"), 5432);
        main.ports = vec![Port { name: "tcp".to_owned(), number: 5432, scheme: Scheme::Tcp }];
        let probe = Probe {
            port: 5432,
            scheme: Scheme::Tcp,
            path: String::new(),
            initial_secs: 5,
            period_secs: 10,
            failures: 6,
        };
        (main.readiness, main.liveness) = (Some(probe.clone()), Some(probe));
        (main.cpu_milli, main.memory_mib) = (500, 1024);
        let mut template = template(name, main);
        template.volumes.push(Volume::Claim("data".to_owned()));
        template.start_secs = 8;
        let selector = template.labels.clone();
        let replicas = self.random.range(1, 3);
        self.add_workload(id.clone(), replicas, template);
        if let Some(workload) = self.workloads.get_mut(&id) {
            workload.claims.push(ClaimTemplate {
                name: "data".to_owned(),
                class: "gp3".to_owned(),
                size_gib: 20,
                mode: "ReadWriteOnce",
            });
        }
        let ports = vec![ServicePort { name: "tcp".to_owned(), port: 5432, target: Target::Name("tcp".to_owned()) }];
        self.add_service(id.as_kind("Service"), selector, ports, "ClusterIP");
        self.settle(&id);
    }

    fn add_nightly(&mut self, namespace: &str, registry: &str, into: &mut Vec<Id>) {
        let name = *self.random.pick(&["nightly-report", "cleanup", "reindex"]);
        let id = Id::new("CronJob", namespace, name);
        let mut main = container(name, &format!("{registry}/jobs:3.1.0"), 8080);
        (main.ports, main.readiness, main.liveness) = (Vec::new(), None, None);
        main.command = vec!["/bin/run".to_owned(), name.to_owned()];
        let mut template = template(name, main);
        template.fate = Fate::Completes(self.random.range(5, 40));
        let minutes = *self.random.pick(&[5, 10, 15]);
        self.add_cron_job(&id, minutes, template);
        into.push(id);
    }
}
