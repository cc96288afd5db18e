//! Names of objects.

use bellbuoy_core::object::Entity;
use std::fmt;

/// An object by kind, namespace (empty for cluster-scoped kinds) and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id {
    /// `Pod`, `Deployment`, …
    pub kind: String,
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl Id {
    /// An object.
    pub(crate) fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self { kind: kind.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// Another object of the same name and namespace.
    pub(crate) fn as_kind(&self, kind: &str) -> Self {
        Self::new(kind, &self.namespace, &self.name)
    }

    /// As the product names it.
    pub(crate) fn entity(&self) -> Entity {
        Entity::new(&self.kind, &self.namespace, &self.name)
    }

    /// The group and version of the kind.
    pub(crate) fn api_version(&self) -> &'static str {
        api_version(&self.kind)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entity().fmt(f)
    }
}

/// The group and version of a kind.
pub(crate) fn api_version(kind: &str) -> &'static str {
    match kind {
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" => "apps/v1",
        "Job" | "CronJob" => "batch/v1",
        "EndpointSlice" => "discovery.k8s.io/v1",
        "Lease" => "coordination.k8s.io/v1",
        "Ingress" => "networking.k8s.io/v1",
        "HorizontalPodAutoscaler" => "autoscaling/v2",
        "PodDisruptionBudget" => "policy/v1",
        "StorageClass" | "VolumeAttachment" => "storage.k8s.io/v1",
        "ValidatingWebhookConfiguration" => "admissionregistration.k8s.io/v1",
        "APIService" => "apiregistration.k8s.io/v1",
        "Certificate" | "CertificateRequest" | "ClusterIssuer" | "Issuer" => "cert-manager.io/v1",
        "HTTPRoute" => "gateway.networking.k8s.io/v1",
        "HelmRelease" => "helm.toolkit.fluxcd.io/v2",
        "Kustomization" => "kustomize.toolkit.fluxcd.io/v1",
        "GitRepository" => "source.toolkit.fluxcd.io/v1",
        "Application" => "argoproj.io/v1alpha1",
        "ClusterServiceVersion" => "operators.coreos.com/v1alpha1",
        "Cluster" => "postgresql.cnpg.io/v1",
        "Kafka" => "kafka.strimzi.io/v1beta2",
        _ => "v1",
    }
}
