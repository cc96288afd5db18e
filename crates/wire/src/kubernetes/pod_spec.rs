//! What a pod is made of and what it needs: its own `spec`, or that of a workload's template.

use crate::kubernetes::environment;
use crate::kubernetes::settings::Settings;
use crate::lenient::{Flag, Items, List, Number, Pairs, Part, Scalar, Str, count};
use bellbuoy_core::Text;
use bellbuoy_core::report::{Container, ObjectReport, Reference};
use bellbuoy_core::spec::{ContainerPort, Probe};
use serde::Deserialize;

/// Declared ports of one container that are kept.
const PORTS_MAX: usize = 256;

/// References of one object that are kept. A pod of a hundred variables by key is large, and one of a thousand generated.
const REFERENCES_MAX: usize = 1_024;

/// `spec` of a pod.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RawPodSpec<'a> {
    #[serde(borrow)]
    pub(crate) node_name: Str<'a>,
    #[serde(borrow)]
    service_account_name: Str<'a>,
    #[serde(borrow)]
    priority_class_name: Str<'a>,
    #[serde(borrow)]
    runtime_class_name: Str<'a>,
    #[serde(borrow)]
    image_pull_secrets: List<Part<RawSource<'a>>>,
    #[serde(borrow)]
    volumes: List<Part<RawVolume<'a>>>,
    #[serde(borrow)]
    init_containers: Items<RawContainer<'a>>,
    #[serde(borrow)]
    containers: Items<RawContainer<'a>>,
}

impl RawPodSpec<'_> {
    /// Fills in the containers, what they need, and the addresses that they are told.
    pub(crate) fn read(&self, report: &mut ObjectReport) {
        let init = self.init_containers.0.iter().map(|raw| raw.container(true));
        report.containers = init.chain(self.containers.0.iter().map(|raw| raw.container(false))).collect();
        report.references = self.references();
        let mut settings = Settings::default();
        for container in self.containers() {
            environment::read(&mut settings, container.env.parts().map(|variable| variable.plain()));
        }
        report.addresses = settings.addresses();
    }

    fn containers(&self) -> impl Iterator<Item = &RawContainer<'_>> {
        self.init_containers.0.iter().chain(&self.containers.0)
    }

    fn references(&self) -> Vec<Reference> {
        let mut needs = Needs(Vec::new());
        needs.whole("ServiceAccount", self.service_account_name.as_str(), false);
        needs.whole("PriorityClass", self.priority_class_name.as_str(), false);
        needs.whole("RuntimeClass", self.runtime_class_name.as_str(), false);
        self.image_pull_secrets.parts().for_each(|secret| needs.source("Secret", Some(secret)));
        for volume in self.volumes.parts() {
            needs.source("ConfigMap", volume.config_map.get());
            if let Some(secret) = volume.secret.get() {
                needs.whole("Secret", secret.secret_name.as_str(), secret.optional.0);
            }
            if let Some(claim) = volume.persistent_volume_claim.get() {
                needs.whole("PersistentVolumeClaim", claim.claim_name.as_str(), false);
            }
            for source in volume.projected.get().into_iter().flat_map(|projected| projected.sources.parts()) {
                needs.source("ConfigMap", source.config_map.get());
                needs.source("Secret", source.secret.get());
            }
            needs.source("Secret", volume.csi.get().and_then(|csi| csi.node_publish_secret_ref.get()));
        }
        for container in self.containers() {
            for source in container.env_from.parts() {
                needs.source("ConfigMap", source.config_map_ref.get());
                needs.source("Secret", source.secret_ref.get());
            }
            for source in container.env.parts().filter_map(|variable| variable.value_from.get()) {
                needs.key("ConfigMap", source.config_map_key_ref.get());
                needs.key("Secret", source.secret_key_ref.get());
            }
        }
        needs.sorted()
    }
}

/// The template of a workload's pods.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawTemplate<'a> {
    #[serde(borrow)]
    metadata: Part<RawTemplateMetadata<'a>>,
    #[serde(borrow)]
    spec: Option<RawPodSpec<'a>>,
}

impl RawTemplate<'_> {
    /// Fills in what the pods will be.
    pub(crate) fn read(&self, report: &mut ObjectReport) {
        if let Some(labels) = self.metadata.get().and_then(|metadata| metadata.labels.get()) {
            report.pod_labels = labels.labels();
        }
        if let Some(spec) = &self.spec {
            spec.read(report);
        }
    }
}

/// Gathers references.
struct Needs(Vec<Reference>);

impl Needs {
    fn add(&mut self, kind: &str, name: &str, key: Text, optional: bool) {
        if !name.is_empty() && self.0.len() < REFERENCES_MAX {
            self.0.push(Reference { kind: kind.into(), name: crate::lenient::capped(name), key, optional });
        }
    }

    /// All of an object, or none of its keys in particular.
    fn whole(&mut self, kind: &str, name: &str, optional: bool) {
        self.add(kind, name, Text::default(), optional);
    }

    fn source(&mut self, kind: &str, source: Option<&RawSource<'_>>) {
        if let Some(source) = source {
            self.whole(kind, source.name.as_str(), source.optional.0);
        }
    }

    /// One key of an object.
    fn key(&mut self, kind: &str, source: Option<&RawSource<'_>>) {
        if let Some(source) = source {
            self.add(kind, source.name.as_str(), source.key.text(), source.optional.0);
        }
    }

    /// In order, each once. What is needed in one place is not optional for being so in another.
    fn sorted(mut self) -> Vec<Reference> {
        self.0.sort();
        self.0.dedup_by(|next, kept| (&next.kind, &next.name, &next.key) == (&kept.kind, &kept.name, &kept.key));
        self.0
    }
}

/// A config map or a secret, all of it or a key.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawSource<'a> {
    #[serde(borrow)]
    name: Scalar<'a>,
    #[serde(borrow)]
    key: Scalar<'a>,
    optional: Flag,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawTemplateMetadata<'a> {
    #[serde(borrow)]
    labels: Part<Pairs<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawVolume<'a> {
    #[serde(borrow)]
    config_map: Part<RawSource<'a>>,
    #[serde(borrow)]
    secret: Part<RawSecretVolume<'a>>,
    #[serde(borrow)]
    persistent_volume_claim: Part<RawClaimVolume<'a>>,
    #[serde(borrow)]
    projected: Part<RawProjectedVolume<'a>>,
    #[serde(borrow)]
    csi: Part<RawCsiVolume<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawSecretVolume<'a> {
    #[serde(borrow)]
    secret_name: Scalar<'a>,
    optional: Flag,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawClaimVolume<'a> {
    #[serde(borrow)]
    claim_name: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawProjectedVolume<'a> {
    #[serde(borrow)]
    sources: List<Part<RawProjection<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawProjection<'a> {
    #[serde(borrow)]
    config_map: Part<RawSource<'a>>,
    #[serde(borrow)]
    secret: Part<RawSource<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawCsiVolume<'a> {
    #[serde(borrow)]
    node_publish_secret_ref: Part<RawSource<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawContainer<'a> {
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    image: Str<'a>,
    #[serde(borrow)]
    ports: List<Part<RawContainerPort<'a>>>,
    #[serde(borrow)]
    liveness_probe: Part<RawProbe<'a>>,
    #[serde(borrow)]
    readiness_probe: Part<RawProbe<'a>>,
    #[serde(borrow)]
    startup_probe: Part<RawProbe<'a>>,
    #[serde(borrow)]
    resources: Part<RawResources<'a>>,
    #[serde(borrow)]
    env_from: List<Part<RawEnvFrom<'a>>>,
    #[serde(borrow)]
    env: List<Part<RawEnv<'a>>>,
}

impl RawContainer<'_> {
    fn container(&self, init: bool) -> Container {
        let port = |raw: &RawContainerPort<'_>| {
            raw.container_port.port().map(|number| ContainerPort { name: raw.name.text(), number })
        };
        let probes = [
            ("liveness", &self.liveness_probe),
            ("readiness", &self.readiness_probe),
            ("startup", &self.startup_probe),
        ];
        let limits = self.resources.get().and_then(|resources| resources.limits.get());
        Container {
            name: self.name.text(),
            image: self.image.text(),
            init,
            startup_secs: self.startup_probe.get().map_or(0, RawProbe::grants_secs),
            ports: self.ports.parts().filter_map(port).take(PORTS_MAX).collect(),
            probes: probes.into_iter().filter_map(|(kind, raw)| raw.get()?.probe(kind)).collect(),
            memory_limit: limits.map_or_else(Text::default, |limits| limits.memory.text()),
            ..Container::default()
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawContainerPort<'a> {
    #[serde(borrow)]
    name: Scalar<'a>,
    container_port: Number,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawResources<'a> {
    #[serde(borrow)]
    limits: Part<RawLimits<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawLimits<'a> {
    #[serde(borrow)]
    memory: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawProbe<'a> {
    initial_delay_seconds: Number,
    period_seconds: Number,
    failure_threshold: Number,
    #[serde(borrow)]
    http_get: Part<RawProbed<'a>>,
    #[serde(borrow)]
    tcp_socket: Part<RawProbed<'a>>,
    #[serde(borrow)]
    grpc: Part<RawProbed<'a>>,
    #[serde(borrow)]
    exec: Part<RawProbed<'a>>,
}

impl RawProbe<'_> {
    /// What the probe grants, with the defaults of Kubernetes: every 10 s, 3 failures.
    fn grants_secs(&self) -> u32 {
        let failures =
            self.period_seconds.0.unwrap_or(10).max(1).saturating_mul(self.failure_threshold.0.unwrap_or(3).max(1));
        count(self.initial_delay_seconds.0.unwrap_or(0).max(0).saturating_add(failures))
    }

    /// What it asks, and at which port; none where it does not say.
    fn probe(&self, kind: &str) -> Option<Probe> {
        let (scheme, port) = if let Some(http) = self.http_get.get() {
            // HTTP is what the API server fills in.
            let scheme = http.scheme.as_str().to_ascii_uppercase();
            (if scheme.is_empty() { "HTTP".into() } else { crate::lenient::capped(&scheme) }, http.port.text())
        } else if let Some(tcp) = self.tcp_socket.get() {
            ("TCP".into(), tcp.port.text())
        } else if let Some(grpc) = self.grpc.get() {
            ("GRPC".into(), grpc.port.text())
        } else {
            self.exec.get().map(|_| ("EXEC".into(), Text::default()))?
        };
        Some(Probe { kind: kind.into(), scheme, port })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawProbed<'a> {
    #[serde(borrow)]
    scheme: Scalar<'a>,
    #[serde(borrow)]
    port: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawEnvFrom<'a> {
    #[serde(borrow)]
    config_map_ref: Part<RawSource<'a>>,
    #[serde(borrow)]
    secret_ref: Part<RawSource<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawEnv<'a> {
    #[serde(borrow)]
    name: Scalar<'a>,
    #[serde(borrow)]
    value: Scalar<'a>,
    #[serde(borrow)]
    value_from: Part<RawEnvSource<'a>>,
}

impl RawEnv<'_> {
    /// The name, and the value where it stands here and not in another object.
    fn plain(&self) -> (&str, Option<&str>) {
        (self.name.as_str(), self.value_from.get().is_none().then(|| self.value.as_str()))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawEnvSource<'a> {
    #[serde(borrow)]
    config_map_key_ref: Part<RawSource<'a>>,
    #[serde(borrow)]
    secret_key_ref: Part<RawSource<'a>>,
}
