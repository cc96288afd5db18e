//! The kind of an object that does not say it, told from parts that no other kind has.
//!
//! Programs that write objects with the typed clients of Kubernetes lose `kind` and `apiVersion`: the archives of several
//! support tools consist of such objects, one a file or in lists of no name.

use crate::kubernetes::raw::RawPiece;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// Parts of `spec` and `status` whose presence tells kinds apart.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Shape {
    access_modes: Option<IgnoredAny>,
    backoff_limit: Option<IgnoredAny>,
    #[serde(rename = "clusterIP")]
    cluster_ip: Option<IgnoredAny>,
    container_statuses: Option<IgnoredAny>,
    containers: Option<IgnoredAny>,
    current_number_scheduled: Option<IgnoredAny>,
    job_template: Option<IgnoredAny>,
    max_replicas: Option<IgnoredAny>,
    node_info: Option<IgnoredAny>,
    persistent_volume_reclaim_policy: Option<IgnoredAny>,
    related_objects: Option<IgnoredAny>,
    replicas: Option<IgnoredAny>,
    scale_target_ref: Option<IgnoredAny>,
    schedule: Option<IgnoredAny>,
    service_name: Option<IgnoredAny>,
    session_affinity: Option<IgnoredAny>,
    strategy: Option<IgnoredAny>,
    template: Option<IgnoredAny>,
    update_strategy: Option<IgnoredAny>,
    versions: Option<IgnoredAny>,
}

impl Shape {
    fn of(part: Option<&RawValue>) -> Self {
        part.and_then(|part| serde_json::from_str(part.get()).ok()).unwrap_or_default()
    }
}

/// The kind of a named object, where its parts leave no doubt.
pub(crate) fn kind_of(piece: &RawPiece<'_>) -> Option<&'static str> {
    let (spec, status) = (Shape::of(piece.spec), Shape::of(piece.status));
    let has_template = spec.template.is_some();
    let kind = if spec.containers.is_some() || status.container_statuses.is_some() {
        "Pod"
    } else if status.node_info.is_some() {
        "Node"
    } else if spec.job_template.is_some() && spec.schedule.is_some() {
        "CronJob"
    } else if has_template && spec.backoff_limit.is_some() {
        "Job"
    } else if has_template && status.current_number_scheduled.is_some() {
        "DaemonSet"
    } else if has_template && spec.service_name.is_some() && spec.update_strategy.is_some() {
        "StatefulSet"
    } else if has_template && spec.strategy.is_some() {
        "Deployment"
    } else if has_template && spec.replicas.is_some() && spec.update_strategy.is_none() {
        "ReplicaSet"
    } else if spec.cluster_ip.is_some() && spec.session_affinity.is_some() {
        "Service"
    } else if spec.persistent_volume_reclaim_policy.is_some() {
        "PersistentVolume"
    } else if spec.access_modes.is_some() {
        "PersistentVolumeClaim"
    } else if spec.scale_target_ref.is_some() && spec.max_replicas.is_some() {
        "HorizontalPodAutoscaler"
    } else if status.related_objects.is_some() && status.versions.is_some() {
        "ClusterOperator"
    } else {
        return None;
    };
    Some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(spec: &str, status: &str, expect: Option<&str>) {
        let text = format!(r#"{{"metadata":{{"name":"cart","uid":"0b"}},"spec":{spec},"status":{status}}}"#);
        let piece: RawPiece<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!(kind_of(&piece), expect, "{text}");
    }

    #[test]
    fn parts_tell_the_kind() {
        let template = r#""template":{"spec":{"containers":[]}}"#;
        check(r#"{"containers":[{"name":"app"}]}"#, r#"{"phase":"Running"}"#, Some("Pod"));
        check("{}", r#"{"containerStatuses":[]}"#, Some("Pod"));
        check(r#"{"podCIDR":"10.0.0.0/24"}"#, r#"{"nodeInfo":{}}"#, Some("Node"));
        check(&format!(r#"{{"replicas":1,"strategy":{{}},{template}}}"#), "{}", Some("Deployment"));
        check(&format!(r#"{{"replicas":1,{template}}}"#), "{}", Some("ReplicaSet"));
        let set = format!(r#"{{"replicas":1,"serviceName":"db","updateStrategy":{{}},{template}}}"#);
        check(&set, "{}", Some("StatefulSet"));
        let daemons = format!(r#"{{"updateStrategy":{{}},{template}}}"#);
        check(&daemons, r#"{"currentNumberScheduled":3}"#, Some("DaemonSet"));
        check(&format!(r#"{{"backoffLimit":6,{template}}}"#), "{}", Some("Job"));
        check(r#"{"schedule":"@daily","jobTemplate":{}}"#, "{}", Some("CronJob"));
        check(r#"{"clusterIP":"None","sessionAffinity":"None"}"#, "{}", Some("Service"));
        check(r#"{"accessModes":["ReadWriteOnce"],"volumeName":"pv"}"#, "{}", Some("PersistentVolumeClaim"));
        let volume = r#"{"accessModes":[],"persistentVolumeReclaimPolicy":"Delete"}"#;
        check(volume, "{}", Some("PersistentVolume"));
        check(r#"{"scaleTargetRef":{},"maxReplicas":3}"#, "{}", Some("HorizontalPodAutoscaler"));
        check("{}", r#"{"versions":[],"relatedObjects":[]}"#, Some("ClusterOperator"));
    }

    #[test]
    fn what_could_be_anything_is_nothing() {
        check("{}", "{}", None);
        check("[]", "7", None);
        check(r#"{"replicas":3}"#, r#"{"conditions":[]}"#, None);
        check(r#"{"scaleTargetRef":{},"maxReplicaCount":3}"#, "{}", None);
    }
}
