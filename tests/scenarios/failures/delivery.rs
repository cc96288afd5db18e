//! Custom resources whose operators say that something is wrong.

use super::Kind;
use crate::cluster::event::{Emitter, warning};
use crate::cluster::id::Id;
use crate::cluster::moment::stamp;
use crate::stage::{Fault, Stage};
use serde_json::{Value, json};

pub(super) const KINDS: &[Kind] = &[
    Kind::new("certificate_not_ready", 25, certificate),
    Kind::new("issuer_not_ready", 25, issuer),
    Kind::new("helm_release_fails", 25, helm_release),
    Kind::new("kustomization_fails", 25, kustomization),
    Kind::new("argo_application_degraded", 25, application),
    Kind::new("operator_resource_not_ready", 25, custom_resource),
    Kind::new("finalizer_never_removed", 30, finalizer),
    Kind::new("autoscaler_target_gone", 22, scaler_target),
    Kind::new("route_to_no_service", 22, route),
];

const WORDS: &[&str] = &[
    "certificate",
    "issuer",
    "helm",
    "release",
    "upgrade",
    "kustomization",
    "application",
    "argo",
    "degraded",
    "ready",
    "finalizer",
    "reconcil",
    "custom",
    "deleting",
    "scale",
    "hpa",
    "terminating",
    "stuck",
    "sync",
    "operator",
    "health",
];

fn condition(stage: &Stage, kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!([{"type": kind, "status": status, "reason": reason, "message": message, "observedGeneration": 2,
        "lastTransitionTime": stamp(stage.cluster.now)}])
}

/// Puts a custom resource whose condition says what is wrong, and its operator's event, again and again.
fn say(
    stage: &mut Stage,
    id: &Id,
    spec: Value,
    conditions: Value,
    operator: &'static str,
    reason: &'static str,
    message: &str,
) {
    let object = json!({"metadata": {"generation": 2}, "spec": spec, "status": {"conditions": conditions, "observedGeneration": 2}});
    stage.cluster.put(id, object);
    for at in [1, 20, 61, 180, 420, 840] {
        let (id, message) = (id.clone(), message.to_owned());
        stage.cluster.after(at, move |cluster| {
            let uid = cluster.uid_of(&id);
            cluster.event(&Emitter::controller(operator), &id, &uid, warning(reason, message));
        });
    }
}

fn namespace(stage: &mut Stage) -> (String, Id) {
    let victim = stage.victim();
    (victim.namespace.clone(), victim)
}

fn certificate(stage: &mut Stage) -> Fault {
    let (namespace, _) = namespace(stage);
    let id = Id::new("Certificate", &namespace, "public-tls");
    let conditions =
        condition(stage, "Ready", "False", "Expired", "Certificate expired on Sun, 22 Nov 2026 00:00:00 UTC");
    let message =
        "Failed to create CertificateRequest: admission webhook refused: the issuer does not sign for this name";
    let spec = json!({"secretName": "public-tls", "issuerRef": {"name": "letsencrypt", "kind": "ClusterIssuer"}});
    say(stage, &id, spec, conditions, "cert-manager-certificates-request-manager", "RequestFailed", message);
    Fault::of(&[&id], WORDS)
}

fn issuer(stage: &mut Stage) -> Fault {
    let id = Id::new("ClusterIssuer", "", "letsencrypt");
    let words = "Failed to register ACME account: Get \"https://acme-v02.api.letsencrypt.org/directory\": dial tcp: i/o timeout";
    let conditions = condition(stage, "Ready", "False", "ErrRegisterACMEAccount", words);
    say(
        stage,
        &id,
        json!({"acme": {"server": "https://acme-v02.api.letsencrypt.org/directory"}}),
        conditions,
        "cert-manager-clusterissuers",
        "ErrRegisterACMEAccount",
        words,
    );
    Fault::of(&[&id], WORDS)
}

fn helm_release(stage: &mut Stage) -> Fault {
    let (namespace, _) = namespace(stage);
    let id = Id::new("HelmRelease", &namespace, "platform");
    let words = format!(
        "Helm upgrade failed for release {namespace}/platform with chart platform@4.2.0: YAML parse error on platform/templates/deployment.yaml: error converting YAML to JSON: yaml: line 31: mapping values are not allowed in this context"
    );
    let conditions = condition(stage, "Ready", "False", "UpgradeFailed", &words);
    say(
        stage,
        &id,
        json!({"chart": {"spec": {"chart": "platform"}}, "interval": "10m"}),
        conditions,
        "helm-controller",
        "UpgradeFailed",
        &words,
    );
    Fault::of(&[&id], WORDS)
}

fn kustomization(stage: &mut Stage) -> Fault {
    let id = Id::new("Kustomization", "flux-system", "apps");
    let words = "kustomize build failed: accumulating resources: accumulation err='accumulating resources from 'web.yaml': open /tmp/kustomization/web.yaml: no such file or directory'";
    let conditions = condition(stage, "Ready", "False", "BuildFailed", words);
    say(
        stage,
        &id,
        json!({"path": "./apps", "interval": "10m"}),
        conditions,
        "kustomize-controller",
        "BuildFailed",
        words,
    );
    Fault::of(&[&id], WORDS)
}

fn application(stage: &mut Stage) -> Fault {
    let id = Id::new("Application", "argocd", "platform");
    let words = "Sync operation to 4f1c2d9 failed: one or more objects failed to apply, reason: CustomResourceDefinition.apiextensions.k8s.io \"gateways\" is invalid";
    let object = json!({"metadata": {"generation": 9}, "spec": {"project": "default", "destination": {"namespace": "default"}},
        "status": {"health": {"status": "Degraded"}, "sync": {"status": "OutOfSync"},
            "operationState": {"phase": "Failed", "message": words, "finishedAt": stamp(stage.cluster.now)},
            "conditions": [{"type": "SyncError", "message": words, "lastTransitionTime": stamp(stage.cluster.now)}]}});
    stage.cluster.put(&id, object);
    for at in [1, 190, 380, 700, 1000] {
        let id = id.clone();
        stage.cluster.after(at, move |cluster| {
            let uid = cluster.uid_of(&id);
            let emitter = Emitter::controller("argocd-application-controller");
            cluster.event(&emitter, &id, &uid, warning("OperationCompleted", words));
        });
    }
    Fault::of(&[&id], WORDS)
}

fn custom_resource(stage: &mut Stage) -> Fault {
    let (namespace, _) = namespace(stage);
    let id = Id::new("Cluster", &namespace, "orders-db");
    let words = "unable to reconcile: primary instance is not reachable, waiting for the failover to complete";
    let conditions = condition(stage, "Ready", "False", "ClusterIsNotReady", words);
    say(stage, &id, json!({"instances": 3}), conditions, "cloudnative-pg", "ReconcileError", words);
    Fault::of(&[&id], WORDS)
}

/// A route of the Gateway API leads to a Service that is not there.
fn route(stage: &mut Stage) -> Fault {
    let (namespace, _) = namespace(stage);
    let id = Id::new("HTTPRoute", &namespace, "public");
    let backend = Id::new("Service", &namespace, "web-v2");
    let at = stamp(stage.cluster.now);
    let condition = |kind: &str, status: &str, reason: &str, message: &str| json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": at, "observedGeneration": 1});
    stage.cluster.put(&id, json!({"metadata": {"generation": 1}, "spec": {"rules": [{"backendRefs": [{"name": backend.name, "port": 80}]}]},
        "status": {"parents": [{"controllerName": "istio.io/gateway-controller", "parentRef": {"name": "public"}, "conditions": [
            condition("Accepted", "True", "Accepted", "Route was valid"),
            condition("ResolvedRefs", "False", "BackendNotFound", "backend(web-v2) not found")]}]}}));
    Fault::of(&[&id, &backend], &["route", "backend", "ref", "service"])
}

/// Something is deleted, and the operator that should let go of it is gone.
fn finalizer(stage: &mut Stage) -> Fault {
    let (namespace, _) = namespace(stage);
    let id = Id::new("Kafka", &namespace, "events");
    stage.cluster.put(
        &id,
        json!({"metadata": {"finalizers": ["strimzi.io/cleanup"]}, "spec": {"kafka": {"replicas": 3}}, "status": {}}),
    );
    let of = id.clone();
    stage.cluster.after(30, move |cluster| {
        let at = stamp(cluster.now);
        cluster.change(&of, |thing| thing["metadata"]["deletionTimestamp"] = json!(at));
    });
    Fault::of(&[&id], WORDS)
}

/// An autoscaler is left behind that scales what is no more.
fn scaler_target(stage: &mut Stage) -> Fault {
    let (namespace, _) = namespace(stage);
    let target = Id::new("Deployment", &namespace, "legacy-api");
    let id = target.as_kind("HorizontalPodAutoscaler");
    stage.cluster.add_autoscaler(&target, 1, 4);
    let words =
        "the HPA controller was unable to get the target's current scale: deployments.apps \"legacy-api\" not found";
    let at = stamp(stage.cluster.now);
    stage.cluster.change(&id, |hpa| {
        hpa["status"]["conditions"] = json!([{"type": "AbleToScale", "status": "False", "reason": "FailedGetScale", "message": words, "lastTransitionTime": at}]);
    });
    for at in 0..60 {
        let id = id.clone();
        stage.cluster.after(at * 15, move |cluster| {
            let uid = cluster.uid_of(&id);
            let said = warning("FailedGetScale", "deployments.apps \"legacy-api\" not found");
            cluster.event(&Emitter::controller("horizontal-pod-autoscaler"), &id, &uid, said);
        });
    }
    Fault::of(&[&id, &target], WORDS)
}
