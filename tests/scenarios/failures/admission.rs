//! Pods that the API server does not accept.

use super::Kind;
use crate::cluster::id::Id;
use crate::cluster::template::Fate;
use crate::stage::{Fault, Stage};
use serde_json::json;

pub(super) const KINDS: &[Kind] = &[
    Kind::new("quota_full", 22, quota_full),
    Kind::new("webhook_backend_down", 22, webhook_down),
    Kind::new("webhook_denies", 22, webhook_denies),
    Kind::new("pod_security_violated", 22, pod_security),
    Kind::new("limit_range_violated", 22, limit_range),
];

const WORDS: &[&str] = &["quota", "create", "webhook", "policy", "security", "denied", "admission", "crash", "backoff"];

/// A namespace grows up to its quota.
fn quota_full(stage: &mut Stage) -> Fault {
    let id = stage.victim();
    let active = stage.cluster.pods.values().filter(|pod| pod.id.namespace == id.namespace && pod.is_active()).count();
    let quota = Id::new("ResourceQuota", &id.namespace, "compute");
    let (hard, used) = ((active + 1).to_string(), active.to_string());
    stage.cluster.change(&quota, |quota| {
        quota["spec"]["hard"]["pods"] = json!(hard);
        quota["status"] = json!({"hard": {"pods": hard}, "used": {"pods": used}});
    });
    let of = id.clone();
    stage.cluster.after(40, move |cluster| cluster.scale(&of, 6));
    let others: Vec<Id> = stage
        .apps
        .deployments
        .iter()
        .chain(&stage.apps.cron_jobs)
        .filter(|other| other.namespace == id.namespace)
        .cloned()
        .collect();
    let namespace = Id::new("Namespace", "", &id.namespace);
    Fault::of(&[&quota, &id, &namespace], WORDS).hurting(stage.callers(&id)).hurting(others)
}

/// The backend of a webhook that must be asked crashes; new pods are refused everywhere.
fn webhook_down(stage: &mut Stage) -> Fault {
    let backend = Id::new("Deployment", "policy", "policy-webhook");
    stage.cluster.befall(&backend, |template| template.fate = Fate::Exits { code: 1, reason: "Error", after_secs: 2 });
    for pod in stage.cluster.pods_of(&backend) {
        stage.cluster.after(2, move |cluster| cluster.end(&pod, 1, "Error", String::new()));
    }
    for at in 0..3 {
        let id = stage.victim();
        stage
            .cluster
            .after(60 + at * 30, move |cluster| cluster.apply(&id, |template| template.main().image.push_str("-next")));
    }
    let hook = Id::new("ValidatingWebhookConfiguration", "", "policy-webhook");
    Fault::of(&[&backend, &backend.as_kind("Service"), &hook], WORDS).everywhere()
}

fn webhook_denies(stage: &mut Stage) -> Fault {
    let id = stage.victim();
    let hook = Id::new("ValidatingWebhookConfiguration", "", "policy-webhook");
    let words = "admission webhook \"{webhook}\" denied the request: [require-owner-label] every pod must carry the label owner";
    stage.cluster.denials.insert(id.clone(), words.to_owned());
    stage.cluster.apply(&id, |template| template.main().image.push_str("-next"));
    Fault::of(&[&id, &hook, &Id::new("Deployment", "policy", "policy-webhook")], WORDS).hurting(stage.callers(&id))
}

fn limit_range(stage: &mut Stage) -> Fault {
    let id = stage.victim();
    let range = Id::new("LimitRange", &id.namespace, "limits");
    stage
        .cluster
        .put(&range, json!({"metadata": {}, "spec": {"limits": [{"type": "Container", "max": {"memory": "1Gi"}}]}}));
    let words =
        format!("pods \"{}-next\" is forbidden: maximum memory usage per Container is 1Gi, but limit is 4Gi", id.name);
    stage.cluster.denials.insert(id.clone(), words);
    stage.cluster.apply(&id, |template| template.main().memory_mib = 4096);
    Fault::of(&[&id, &range], &["limit", "create", "admission", "quota"]).hurting(stage.callers(&id))
}

fn pod_security(stage: &mut Stage) -> Fault {
    let id = stage.victim();
    let namespace = Id::new("Namespace", "", &id.namespace);
    // The jobs of the namespace rest, so that one workload alone meets it.
    stage.cluster.crons.retain(|cron, _| cron.namespace != id.namespace);
    stage.cluster.change(&namespace, |namespace| {
        namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = json!("restricted");
    });
    stage.cluster.apply(&id, |template| template.main().image.push_str("-next"));
    let others: Vec<Id> = stage
        .apps
        .deployments
        .iter()
        .chain(&stage.apps.cron_jobs)
        .filter(|other| other.namespace == id.namespace)
        .cloned()
        .collect();
    Fault::of(&[&id, &namespace], WORDS).hurting(stage.callers(&id)).hurting(others)
}
