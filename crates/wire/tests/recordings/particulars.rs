//! Kinds whose trouble stands elsewhere than in phase and conditions.

use super::support::only;
use bellbuoy_core::fact::Body;

/// What is read of an object's status: its phase, and its conditions as `Type=Status: message`.
fn check(api: &str, kind: &str, status: &str, expect: &[&str]) {
    let text = format!(
        r#"{{"apiVersion":"{api}","kind":"{kind}","metadata":{{"name":"a","namespace":"shop","uid":"u","creationTimestamp":"2026-11-21T09:00:00Z"}},"status":{status}}}"#
    );
    let Body::Object(report) = only(&text).body else { unreachable!("{text}: expected an object") };
    let conditions = report.conditions.iter();
    let conditions = conditions.map(|c| format!("{}={} {}: {}", c.kind, c.status, c.reason, c.message));
    let found: Vec<String> = std::iter::once(report.phase.to_string()).chain(conditions).collect();
    assert_eq!(found, expect, "{text}");
}

#[test]
fn routes_and_gateways_have_conditions_for_each_part() {
    let condition = |name: &str, status: &str, message: &str| {
        format!(
            r#"{{"type":"{name}","status":"{status}","reason":"R","message":"{message}","lastTransitionTime":"2026-11-21T10:00:00Z"}}"#
        )
    };
    let parts = format!(
        r#"[{{"conditions":[{},{}]}},{{"conditions":[{}]}}]"#,
        condition("Accepted", "True", ""),
        condition("ResolvedRefs", "True", ""),
        condition("ResolvedRefs", "False", "no such service"),
    );
    let read = ["", "Accepted=True R: ", "ResolvedRefs=False R: no such service"];
    check("gateway.networking.k8s.io/v1", "HTTPRoute", &format!(r#"{{"parents":{parts}}}"#), &read);
    check("gateway.networking.k8s.io/v1", "Gateway", &format!(r#"{{"listeners":{parts}}}"#), &read);
}

#[test]
fn errors_of_volumes() {
    check(
        "storage.k8s.io/v1",
        "VolumeAttachment",
        r#"{"attached":false,"attachError":{"message":"could not attach","time":"2026-11-21T10:00:00Z"}}"#,
        &["", "AttachError=True : could not attach"],
    );
    check(
        "storage.k8s.io/v1",
        "VolumeAttachment",
        r#"{"attached":true,"detachError":{"message":"could not detach","time":"2026-11-21T10:00:00Z"},"attachError":null}"#,
        &["", "DetachError=True : could not detach"],
    );
    check(
        "snapshot.storage.k8s.io/v1",
        "VolumeSnapshot",
        r#"{"readyToUse":false,"error":{"message":"no such class","time":"2026-11-21T10:00:00Z"}}"#,
        &["", "Error=True : no such class"],
    );
    check("storage.k8s.io/v1", "VolumeAttachment", r#"{"attached":true}"#, &[""]);
    check(
        "v1",
        "PersistentVolumeClaim",
        r#"{"phase":"Bound","allocatedResourceStatuses":{"storage":"NodeResizeInfeasible"}}"#,
        &["Bound", "ResizeInfeasible=True NodeResizeInfeasible: "],
    );
}

#[test]
fn words_of_operators() {
    check(
        "argoproj.io/v1alpha1",
        "Application",
        r#"{"health":{"status":"Degraded"},"sync":{"status":"Synced"},"operationState":{"phase":"Failed","message":"one object failed","finishedAt":"2026-11-21T10:00:00Z"}}"#,
        &["Degraded", "OperationError=True Failed: one object failed"],
    );
    check("argoproj.io/v1alpha1", "Application", r#"{"operationState":{"phase":"Succeeded"}}"#, &[""]);
    check("longhorn.io/v1beta2", "Volume", r#"{"state":"attached","robustness":"faulted"}"#, &["faulted"]);
    check("ceph.rook.io/v1", "CephCluster", r#"{"phase":"Ready","ceph":{"health":"HEALTH_ERR"}}"#, &["HEALTH_ERR"]);
    check("elasticsearch.k8s.elastic.co/v1", "Elasticsearch", r#"{"phase":"Ready","health":"red"}"#, &["red"]);
    check("logging.openshift.io/v1", "Elasticsearch", r#"{"phase":"x"}"#, &["x"]);
    check("example.org/v1", "Volume", r#"{"phase":"Bound","robustness":null}"#, &["Bound"]);
}

#[test]
fn namespaces_are_held_by_their_spec() {
    let text = r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop","uid":"u","creationTimestamp":"2026-11-21T09:00:00Z","deletionTimestamp":"2026-11-21T10:00:00Z"},"spec":{"finalizers":["kubernetes"]},"status":{"phase":"Terminating"}}"#;
    let Body::Object(report) = only(text).body else { unreachable!("expected an object") };
    assert_eq!(report.finalizers.iter().map(|name| &**name).collect::<Vec<_>>(), ["kubernetes"]);
}
