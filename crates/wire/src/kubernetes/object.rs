//! The state of an object, slimmed by its kind.

use crate::kubernetes::raw::{RawMetadata, RawPiece};
use crate::kubernetes::{
    backend, conditions, configuration, endpoints, lease, node, pod, policy, quota, service, storage, workload,
};
use crate::lenient::{List, Scalar, capped, capped_once};
use crate::recording::field::Field;
use crate::recording::times::Times;
use bellbuoy_core::object::ObjectRef;
use bellbuoy_core::report::{ObjectReport, OwnerRef};
use serde::Deserialize;

/// The label by which an EndpointSlice names its Service.
const SERVICE_NAME_LABEL: &str = "kubernetes.io/service-name";

/// Kinds without a namespace, among those that emitters nevertheless put into one; sorted.
const CLUSTER_SCOPED_KINDS: [&str; 50] = [
    "APIService",
    "AdminNetworkPolicy",
    "BaselineAdminNetworkPolicy",
    "CSIDriver",
    "CSINode",
    "CertificateSigningRequest",
    "CiliumClusterwideNetworkPolicy",
    "CiliumNode",
    "ClusterExternalSecret",
    "ClusterIssuer",
    "ClusterOperator",
    "ClusterPolicy",
    "ClusterRole",
    "ClusterRoleBinding",
    "ClusterSecretStore",
    "ClusterTrustBundle",
    "ClusterVersion",
    "CustomResourceDefinition",
    "DeviceClass",
    "EC2NodeClass",
    "FlowSchema",
    "GatewayClass",
    "IPAddress",
    "IngressClass",
    "MachineConfig",
    "MachineConfigPool",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "Namespace",
    "Node",
    "NodeClaim",
    "NodeOverlay",
    "NodePool",
    "PersistentVolume",
    "PodSecurityPolicy",
    "PriorityClass",
    "PriorityLevelConfiguration",
    "ResourceSlice",
    "RuntimeClass",
    "ServiceCIDR",
    "StorageClass",
    "StorageVersion",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
    "VolumeAttachment",
    "VolumeAttributesClass",
    "VolumeSnapshotClass",
    "VolumeSnapshotContent",
];

/// The labels by which a pod names its Job: that of 1.27 and later, and the older one.
const JOB_NAME_LABELS: [&str; 2] = ["batch.kubernetes.io/job-name", "job-name"];

/// Letters that a controller puts behind its own name to name a pod (`k8s.io/apiserver/pkg/storage/names`).
const GENERATED_SUFFIX: usize = 5;

/// Finalizers of one object that are kept.
const FINALIZERS_MAX: usize = 64;

/// A reference whose namespace is empty for the kinds that have none.
pub(crate) fn reference(kind: &str, namespace: &str, name: &str, uid: &str) -> ObjectRef {
    let namespace = if CLUSTER_SCOPED_KINDS.binary_search(&kind).is_ok() { "" } else { namespace };
    ObjectRef { kind: capped(kind), namespace: capped(namespace), name: capped(name), uid: capped(uid) }
}

/// Whether this is what somebody applied rather than what a cluster said: the API server gives every object that it
/// stores a uid and a time of creation.
pub(crate) fn is_manifest(piece: &RawPiece<'_>) -> bool {
    piece.metadata.uid.is_empty()
        && piece.status.is_none()
        && piece.parts.pod_status.is_none()
        && piece.metadata.creation_timestamp.as_str().is_empty()
}

/// Reads an object of that kind. No value of a secret is looked at, and of config maps only what is an address.
pub(crate) fn read(
    piece: &RawPiece<'_>,
    kind: &str,
    deleted: bool,
    times: &mut Times,
) -> Result<(ObjectRef, ObjectReport), serde_json::Error> {
    let RawPiece { metadata, spec, status, .. } = piece;
    let (spec, status) = (*spec, *status);
    let mut report = ObjectReport {
        deleted,
        resource_version: capped_once(metadata.resource_version.as_str()),
        created_at: times.observed(Field::Creation, &metadata.creation_timestamp),
        deleting_at: times.other("metadata.deletionTimestamp", &metadata.deletion_timestamp),
        owner: owner(metadata).or_else(|| owner_by_labels(kind, metadata)),
        labels: metadata.labels.labels(),
        generation: metadata.generation.0.map_or(0, |number| u64::try_from(number).unwrap_or(0)),
        finalizers: metadata.finalizers.texts(FINALIZERS_MAX),
        ..ObjectReport::default()
    };
    if let Some(status) = status {
        conditions::read(&mut report, kind, status, times);
    }
    match kind {
        "Pod" => {
            if let Some(spec) = spec {
                pod::read_spec(&mut report, &serde_json::from_str(spec.get())?);
            }
            if let Some(status) = status {
                pod::read_status(&mut report, &serde_json::from_str(status.get())?, times);
            }
            if let Some((status, _)) = piece.parts.pod_status.as_deref() {
                conditions::take(&mut report, status, times);
            }
            if let Some(spec) = &piece.parts.pod_spec {
                pod::read_spec(&mut report, spec);
            }
            if let Some((_, status)) = piece.parts.pod_status.as_deref() {
                pod::read_status(&mut report, status, times);
            }
        }
        "Node" => {
            if let Some(spec) = spec {
                node::read_spec(&mut report, spec)?;
            }
        }
        "Deployment" | "ReplicaSet" | "StatefulSet" | "ReplicationController" => {
            workload::read_replicated(&mut report, spec, status)?;
        }
        "DaemonSet" => workload::read_daemon_set(&mut report, spec, status)?,
        "Job" => workload::read_job(&mut report, spec, status, times)?,
        "CronJob" => workload::read_cron_job(&mut report, spec, status, times)?,
        // Knative has a Service too, without a selector.
        "Service" if piece.api_version.as_str() == "v1" || piece.api_version.is_empty() => {
            service::read(&mut report, spec, status)?;
        }
        "PersistentVolumeClaim" | "PersistentVolume" => storage::read_volume(&mut report, piece)?,
        "StorageClass" => storage::read_class(&mut report, piece),
        "ConfigMap" => configuration::read_config_map(&mut report, piece),
        "Secret" => configuration::read_keys(&mut report, piece),
        "Lease" => lease::read(&mut report, spec, times)?,
        "ResourceQuota" => quota::read(&mut report, spec, status)?,
        "Namespace" => {
            // What holds a namespace stands in its spec.
            let spec: RawNamespaceSpec<'_> = workload::parse(spec)?;
            report.finalizers.extend(spec.finalizers.texts(FINALIZERS_MAX));
        }
        "EndpointSlice" => {
            report.service = capped(metadata.labels.get(SERVICE_NAME_LABEL));
            report.endpoints = Some(endpoints::of_slice(piece.endpoints)?);
        }
        "Endpoints" => {
            report.service = metadata.name.text();
            report.endpoints = Some(endpoints::of_subsets(piece.subsets)?);
        }
        // Other groups have kinds of some of these names too.
        "Ingress" if is_of(piece, &["networking.k8s.io", "extensions"]) => backend::read_ingress(&mut report, piece),
        "HTTPRoute" | "GRPCRoute" | "TLSRoute" | "TCPRoute" | "UDPRoute" => backend::read_route(&mut report, piece),
        "Route" if is_of(piece, &["route.openshift.io"]) => backend::read_open_shift_route(&mut report, piece),
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => backend::read_webhooks(&mut report, piece),
        "APIService" => backend::read_api_service(&mut report, piece),
        "CustomResourceDefinition" => backend::read_definition(&mut report, piece),
        "VirtualService" if is_of(piece, &["networking.istio.io"]) => backend::read_virtual_service(&mut report, piece),
        "HorizontalPodAutoscaler" => policy::read_autoscaler(&mut report, spec)?,
        "NetworkPolicy" if is_of(piece, &["networking.k8s.io", "extensions"]) => {
            policy::read_network_policy(&mut report, spec)?;
        }
        "PodDisruptionBudget" => policy::read_budget(&mut report, spec)?,
        _ => {}
    }
    let object = reference(kind, metadata.namespace.as_str(), metadata.name.as_str(), metadata.uid.as_str());
    Ok((object, report))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawNamespaceSpec<'a> {
    #[serde(borrow)]
    finalizers: List<Scalar<'a>>,
}

/// Whether an object is of one of these API groups; items of lists do not say, and are taken at their kind.
fn is_of(piece: &RawPiece<'_>, groups: &[&str]) -> bool {
    let version = piece.api_version.as_str();
    version.is_empty() || version.split_once('/').is_some_and(|(group, _)| groups.contains(&group))
}

/// The controlling owner; the only owner, where dumps leave `controller` out.
fn owner(metadata: &RawMetadata<'_>) -> Option<OwnerRef> {
    let owners = &metadata.owner_references.0;
    let owner =
        owners.iter().find(|owner| owner.controller).or_else(|| owners.first().filter(|_| owners.len() == 1))?;
    // A static pod belongs to its node, and is for all that what a person would name. What has no kind or no name
    // cannot be named at all.
    if matches!(owner.kind.as_str(), "Node" | "") || owner.name.as_str().is_empty() {
        return None;
    }
    Some(OwnerRef { kind: owner.kind.text(), name: owner.name.text(), uid: owner.uid.text() })
}

/// The controller of a pod by the labels that it gives each of its pods, where a slimmed dump leaves owner references out.
/// Without it every pod would count as a workload of its own.
fn owner_by_labels(kind: &str, metadata: &RawMetadata<'_>) -> Option<OwnerRef> {
    if kind != "Pod" || !metadata.owner_references.0.is_empty() {
        return None;
    }
    let (name, label) = (metadata.name.as_str(), |key: &str| metadata.labels.get(key));
    let of = |kind: &str, name: &str| {
        (!name.is_empty()).then(|| OwnerRef { kind: kind.into(), name: capped(name), uid: "".into() })
    };
    for key in JOB_NAME_LABELS {
        if let Some(job) = of("Job", label(key)) {
            return Some(job);
        }
    }
    let (base, suffix) = name.rsplit_once('-')?;
    let template = label("pod-template-hash");
    if !template.is_empty() {
        let ends_with_it = base.strip_suffix(template).is_some_and(|before| before.ends_with('-'));
        return of("ReplicaSet", base).filter(|_| ends_with_it);
    }
    // Both have a label that names their revision; only a StatefulSet tells its pods their own names.
    match label("controller-revision-hash") {
        "" => None,
        _ if label("statefulset.kubernetes.io/pod-name") == name => of("StatefulSet", base),
        _ if !label("pod-template-generation").is_empty() && suffix.len() == GENERATED_SUFFIX => of("DaemonSet", base),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_without_a_namespace_are_found_among_those_that_have_one() {
        assert!(CLUSTER_SCOPED_KINDS.is_sorted());
        assert_eq!(&*reference("Node", "default", "w1", "").namespace, "");
        assert_eq!(&*reference("ValidatingWebhookConfiguration", "default", "w", "").namespace, "");
        assert_eq!(&*reference("Pod", "shop", "cart", "").namespace, "shop");
    }
}
