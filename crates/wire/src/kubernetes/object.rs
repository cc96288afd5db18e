//! The state of an object, slimmed by its kind.

use crate::kubernetes::raw::{RawMetadata, RawPiece};
use crate::kubernetes::{conditions, endpoints, node, pod, quota, workload};
use crate::lenient::capped;
use crate::recording::field::Field;
use crate::recording::times::Times;
use bellbuoy_core::object::ObjectRef;
use bellbuoy_core::report::{ObjectReport, OwnerRef};

/// The label by which an EndpointSlice names its Service.
const SERVICE_NAME_LABEL: &str = "kubernetes.io/service-name";

/// Kinds without a namespace, among those that emitters nevertheless put into one.
const CLUSTER_SCOPED_KINDS: [&str; 12] = [
    "APIService",
    "CertificateSigningRequest",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "IngressClass",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "StorageClass",
    "VolumeAttachment",
];

/// A reference whose namespace is empty for the kinds that have none.
pub(crate) fn reference(kind: &str, namespace: &str, name: &str, uid: &str) -> ObjectRef {
    let namespace = if CLUSTER_SCOPED_KINDS.contains(&kind) { "" } else { namespace };
    ObjectRef { kind: capped(kind), namespace: capped(namespace), name: capped(name), uid: capped(uid) }
}

/// Whether this is what somebody applied rather than what a cluster said: the API server gives every object that it
/// stores a uid and a time of creation.
pub(crate) fn is_manifest(piece: &RawPiece<'_>) -> bool {
    piece.metadata.uid.is_empty() && piece.status.is_none() && piece.metadata.creation_timestamp.as_str().is_empty()
}

/// Reads an object of that kind. Data of config maps and secrets is not even looked at.
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
        resource_version: capped(metadata.resource_version.as_str()),
        created_at: times.observed(Field::Creation, &metadata.creation_timestamp),
        deleting_at: times.other("metadata.deletionTimestamp", &metadata.deletion_timestamp),
        owner: owner(metadata),
        labels: metadata.labels.labels(),
        ..ObjectReport::default()
    };
    if let Some(status) = status {
        conditions::read(&mut report, status, times);
    }
    match kind {
        "Pod" => {
            if let Some(spec) = spec {
                pod::read_spec(&mut report, spec)?;
            }
            if let Some(status) = status {
                pod::read_status(&mut report, status, times)?;
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
            workload::read_service(&mut report, spec)?;
        }
        "PersistentVolumeClaim" | "PersistentVolume" => workload::read_volume(&mut report, spec)?,
        "Lease" => workload::read_lease(spec, times)?,
        "ResourceQuota" => quota::read(&mut report, spec, status)?,
        "EndpointSlice" => {
            report.service = capped(metadata.labels.get(SERVICE_NAME_LABEL));
            report.endpoints = Some(endpoints::of_slice(piece.endpoints)?);
        }
        "Endpoints" => {
            report.service = metadata.name.text();
            report.endpoints = Some(endpoints::of_subsets(piece.subsets)?);
        }
        _ => {}
    }
    let object = reference(kind, metadata.namespace.as_str(), metadata.name.as_str(), metadata.uid.as_str());
    Ok((object, report))
}

/// The controlling owner; the only owner, where dumps leave `controller` out.
fn owner(metadata: &RawMetadata<'_>) -> Option<OwnerRef> {
    let owners = &metadata.owner_references.0;
    let owner =
        owners.iter().find(|owner| owner.controller).or_else(|| owners.first().filter(|_| owners.len() == 1))?;
    Some(OwnerRef { kind: owner.kind.text(), name: owner.name.text(), uid: owner.uid.text() })
}
