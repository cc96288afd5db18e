//! Pod templates: what a workload asks for, and what its program will really do.

use serde_json::{Map, Value, json};

/// What a port speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
    /// Anything else over TCP.
    Tcp,
}

/// A declared port of a container.
#[derive(Clone, Debug)]
pub(crate) struct Port {
    pub name: String,
    pub number: u16,
    pub scheme: Scheme,
}

/// A probe; over TCP where `scheme` is [`Scheme::Tcp`].
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    pub port: u16,
    pub scheme: Scheme,
    pub path: String,
    pub initial_secs: i64,
    pub period_secs: i64,
    pub failures: i64,
}

/// Where the value of an environment variable comes from.
#[derive(Clone, Debug)]
pub(crate) enum EnvValue {
    Plain(String),
    ConfigKey(String, String),
    SecretKey(String, String),
}

/// A container.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    pub name: String,
    pub image: String,
    pub command: Vec<String>,
    pub env: Vec<(String, EnvValue)>,
    pub env_from_config: Vec<String>,
    pub ports: Vec<Port>,
    pub readiness: Option<Probe>,
    pub liveness: Option<Probe>,
    pub startup: Option<Probe>,
    /// Requested millicores.
    pub cpu_milli: i64,
    /// Requested and allowed mebibytes.
    pub memory_mib: i64,
    /// Requests beyond CPU and memory, with the quantity as it is written.
    pub other_requests: Vec<(String, String, i64)>,
    pub pull_policy: &'static str,
}

/// A volume of a pod.
#[derive(Clone, Debug)]
pub(crate) enum Volume {
    ConfigMap(String),
    Secret(String),
    Claim(String),
    HostPath(String),
}

impl Volume {
    /// The volume's name in the pod.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::ConfigMap(_) => "config".to_owned(),
            Self::Secret(_) => "credentials".to_owned(),
            Self::Claim(_) => "data".to_owned(),
            Self::HostPath(path) => path.trim_matches('/').replace('/', "-"),
        }
    }
}

/// What the program in the main container does once it runs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fate {
    /// It serves.
    Serves,
    /// It ends after some seconds.
    Exits { code: i32, reason: &'static str, after_secs: i64 },
    /// Its readiness probe fails with these words.
    NeverReady(String),
    /// Its liveness probe fails with these words, so that it is killed.
    FailsLiveness(String),
    /// Its startup probe fails with these words, so that it is killed.
    FailsStartup(String),
    /// The runtime cannot start it.
    CannotStart { code: i32, message: String },
    /// The kubelet refuses to create it.
    Refused { reason: &'static str, message: String },
    /// It does its work and ends well after some seconds.
    Completes(i64),
    /// It is evicted for its own use of disk after some seconds, with these words.
    FillsDisk { after_secs: i64, message: String },
    /// Its hook after the start fails.
    FailsHook(String),
}

/// What a workload does when something that it calls does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temper {
    /// It answers errors and stays ready.
    Patient,
    /// Its readiness probe says so.
    Honest,
    /// It ends with exit code 1.
    Brittle,
}

/// The template of a workload's pods.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub labels: Vec<(String, String)>,
    pub init: Vec<(Container, Fate)>,
    pub containers: Vec<Container>,
    pub volumes: Vec<Volume>,
    pub service_account: String,
    pub pull_secret: Option<String>,
    pub node_selector: Vec<(String, String)>,
    pub affinity: Option<Value>,
    pub tolerates_everything: bool,
    pub host_network: bool,
    pub priority_class: String,
    pub restart_policy: &'static str,
    pub grace_secs: i64,
    pub fate: Fate,
    pub temper: Temper,
    /// Seconds until it serves.
    pub start_secs: i64,
}

impl Template {
    /// The main container.
    pub(crate) fn main(&mut self) -> &mut Container {
        &mut self.containers[0]
    }

    /// Requested millicores of all containers.
    pub(crate) fn cpu_milli(&self) -> i64 {
        self.containers.iter().map(|container| container.cpu_milli).sum()
    }

    /// Requested mebibytes of all containers.
    pub(crate) fn memory_mib(&self) -> i64 {
        self.containers.iter().map(|container| container.memory_mib).sum()
    }

    /// `metadata.labels` of the pods.
    pub(crate) fn labels_json(&self) -> Map<String, Value> {
        self.labels.iter().map(|(key, value)| (key.clone(), json!(value))).collect()
    }

    /// `spec` of the pods, as the API server completes it.
    pub(crate) fn spec(&self) -> Value {
        let containers: Vec<Value> = self.containers.iter().map(|container| self.container(container)).collect();
        let mut volumes: Vec<Value> = self.volumes.iter().map(volume).collect();
        volumes.push(json!({"name": "kube-api-access-x7k2p", "projected": {"defaultMode": 420, "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}]}}));
        let mut tolerations = vec![
            json!({"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}),
            json!({"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}),
        ];
        if self.tolerates_everything {
            tolerations = vec![json!({"operator": "Exists"})];
        }
        let mut spec = json!({
            "containers": containers, "volumes": volumes, "restartPolicy": self.restart_policy,
            "terminationGracePeriodSeconds": self.grace_secs, "dnsPolicy": "ClusterFirst",
            "serviceAccountName": self.service_account, "serviceAccount": self.service_account,
            "securityContext": {}, "schedulerName": "default-scheduler", "tolerations": tolerations,
            "enableServiceLinks": true, "preemptionPolicy": "PreemptLowerPriority",
        });
        if !self.init.is_empty() {
            let init: Vec<Value> = self.init.iter().map(|(container, _)| self.container(container)).collect();
            spec["initContainers"] = json!(init);
        }
        if !self.node_selector.is_empty() {
            let pairs = self.node_selector.iter().map(|(key, value)| (key.clone(), json!(value)));
            spec["nodeSelector"] = Value::Object(pairs.collect());
        }
        if let Some(affinity) = &self.affinity {
            spec["affinity"] = affinity.clone();
        }
        if let Some(secret) = &self.pull_secret {
            spec["imagePullSecrets"] = json!([{"name": secret}]);
        }
        if self.host_network {
            spec["hostNetwork"] = json!(true);
        }
        if !self.priority_class.is_empty() {
            spec["priorityClassName"] = json!(self.priority_class);
        }
        spec
    }

    fn container(&self, container: &Container) -> Value {
        let env: Vec<Value> = container.env.iter().map(|(name, value)| env(name, value)).collect();
        let ports: Vec<Value> = container
            .ports
            .iter()
            .map(|port| match port.name.is_empty() {
                true => json!({"containerPort": port.number, "protocol": "TCP"}),
                false => json!({"name": port.name, "containerPort": port.number, "protocol": "TCP"}),
            })
            .collect();
        let mut requests =
            json!({"cpu": format!("{}m", container.cpu_milli), "memory": format!("{}Mi", container.memory_mib)});
        let mut limits = json!({"memory": format!("{}Mi", container.memory_mib)});
        for (resource, quantity, _) in &container.other_requests {
            (requests[resource], limits[resource]) = (json!(quantity), json!(quantity));
        }
        let mut mounts: Vec<Value> =
            self.volumes.iter().map(|v| json!({"name": v.name(), "mountPath": format!("/mnt/{}", v.name())})).collect();
        mounts.push(json!({"name": "kube-api-access-x7k2p", "readOnly": true,
            "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}));
        let mut json = json!({
            "name": container.name, "image": container.image, "imagePullPolicy": container.pull_policy,
            "resources": {"requests": requests, "limits": limits}, "volumeMounts": mounts,
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
        });
        if !container.command.is_empty() {
            json["command"] = json!(container.command);
        }
        if !env.is_empty() {
            json["env"] = json!(env);
        }
        if !container.env_from_config.is_empty() {
            let from = container.env_from_config.iter().map(|name| json!({"configMapRef": {"name": name}}));
            json["envFrom"] = from.collect();
        }
        if !ports.is_empty() {
            json["ports"] = json!(ports);
        }
        for (key, value) in [
            ("readinessProbe", &container.readiness),
            ("livenessProbe", &container.liveness),
            ("startupProbe", &container.startup),
        ] {
            if let Some(value) = value {
                json[key] = probe(value);
            }
        }
        json
    }
}

fn env(name: &str, value: &EnvValue) -> Value {
    match value {
        EnvValue::Plain(value) => json!({"name": name, "value": value}),
        EnvValue::ConfigKey(map, key) => {
            json!({"name": name, "valueFrom": {"configMapKeyRef": {"name": map, "key": key}}})
        }
        EnvValue::SecretKey(secret, key) => {
            json!({"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}})
        }
    }
}

fn probe(probe: &Probe) -> Value {
    let mut json = json!({"timeoutSeconds": 1, "periodSeconds": probe.period_secs, "successThreshold": 1,
        "failureThreshold": probe.failures});
    if probe.initial_secs > 0 {
        json["initialDelaySeconds"] = json!(probe.initial_secs);
    }
    match probe.scheme {
        Scheme::Tcp => json["tcpSocket"] = json!({"port": probe.port}),
        scheme => {
            let scheme = if scheme == Scheme::Https { "HTTPS" } else { "HTTP" };
            json["httpGet"] = json!({"path": probe.path, "port": probe.port, "scheme": scheme});
        }
    }
    json
}

fn volume(volume: &Volume) -> Value {
    let name = volume.name();
    match volume {
        Volume::ConfigMap(map) => json!({"name": name, "configMap": {"name": map, "defaultMode": 420}}),
        Volume::Secret(secret) => json!({"name": name, "secret": {"secretName": secret, "defaultMode": 420}}),
        Volume::Claim(claim) => json!({"name": name, "persistentVolumeClaim": {"claimName": claim}}),
        Volume::HostPath(path) => json!({"name": name, "hostPath": {"path": path, "type": ""}}),
    }
}
