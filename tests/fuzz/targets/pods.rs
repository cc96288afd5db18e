//! What pods are told of others: addresses in their environment and in config maps.

use super::recordings::{facts_of, replay};
use serde_json::{Map, Value, json};

/// One setting per line: its name, `=`, its value. All of them stand in the environment of a Deployment, of its pod,
/// and in a config map that it reads; some of what they may name stands beside it.
pub(crate) fn addresses(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let settings: Vec<(&str, &str)> = text.lines().map(|line| line.split_once('=').unwrap_or(("ADDR", line))).collect();
    let env: Vec<Value> = settings.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let map: Map<String, Value> =
        settings.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    let spec = json!({"containers": [{
        "name": "main", "image": "registry.example/shop/front:1", "env": env,
        "envFrom": [{"configMapRef": {"name": "settings"}}],
        "command": [text], "ports": [{"name": "web", "containerPort": 8080}],
    }]});
    let meta = |name: &str| json!({"name": name, "namespace": "shop", "creationTimestamp": "2026-11-21T03:00:00Z"});
    let labels = json!({"app": "front"});
    let items = json!([
        {"kind": "ConfigMap", "metadata": meta("settings"), "data": map},
        {"kind": "Deployment", "metadata": meta("front"), "spec": {
            "replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec},
        }, "status": {"replicas": 1}},
        {"kind": "Pod", "metadata": {
            "name": "front-0", "namespace": "shop", "labels": labels, "creationTimestamp": "2026-11-21T03:00:00Z",
        }, "spec": spec, "status": {"phase": "Running"}},
        {"kind": "Service", "metadata": meta("cart"), "spec": {
            "selector": {"app": "cart"}, "ports": [{"name": "http", "port": 80, "targetPort": "web"}],
        }},
        {"kind": "Service", "metadata": meta("front"), "spec": {"selector": labels, "ports": [{"port": 8080}]}},
    ]);
    let list = json!({"kind": "List", "apiVersion": "v1", "items": items});
    let facts = facts_of(&list.to_string());
    assert!(facts.len() >= 5, "a recording of five objects gave {} facts", facts.len());
    replay(&facts);
}
