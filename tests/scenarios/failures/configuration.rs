//! What a pod refers to, and is not there.

use super::Kind;
use crate::cluster::id::Id;
use crate::cluster::template::{EnvValue, Volume};
use crate::stage::{Fault, Stage};

pub(super) const KINDS: &[Kind] = &[
    Kind::new("config_map_missing", 20, |stage| missing(stage, "ConfigMap", false)),
    Kind::new("config_map_missing_volume", 20, |stage| missing(stage, "ConfigMap", true)),
    Kind::new("secret_missing", 20, |stage| missing(stage, "Secret", false)),
    Kind::new("secret_missing_volume", 20, |stage| missing(stage, "Secret", true)),
    Kind::new("config_key_missing", 20, |stage| key_missing(stage, "ConfigMap")),
    Kind::new("secret_key_missing", 20, |stage| key_missing(stage, "Secret")),
    Kind::new("config_map_deleted", 20, deleted),
    Kind::new("service_account_missing", 20, account_missing),
];

const WORDS: &[&str] = &["config", "secret", "mount", "reference", "missing", "notfound", "absent"];

fn missing(stage: &mut Stage, kind: &str, as_volume: bool) -> Fault {
    let id = stage.victim();
    let name = format!("{}-runtime", id.name);
    stage.cluster.apply(&id, |template| match (kind, as_volume) {
        ("ConfigMap", true) => template.volumes.push(Volume::ConfigMap(name.clone())),
        ("ConfigMap", false) => {
            let value = EnvValue::ConfigKey(name.clone(), "MODE".to_owned());
            template.main().env.push(("MODE".to_owned(), value));
        }
        (_, true) => template.volumes.push(Volume::Secret(name.clone())),
        (_, false) => {
            let value = EnvValue::SecretKey(name.clone(), "token".to_owned());
            template.main().env.push(("TOKEN".to_owned(), value));
        }
    });
    Fault::of(&[&Id::new(kind, &id.namespace, &name), &id], WORDS).hurting(stage.callers(&id))
}

fn key_missing(stage: &mut Stage, kind: &str) -> Fault {
    let id = stage.victim();
    let name = format!("{}-{}", id.name, if kind == "Secret" { "credentials" } else { "config" });
    stage.cluster.apply(&id, |template| {
        let value = match kind {
            "Secret" => EnvValue::SecretKey(name.clone(), "signing-key".to_owned()),
            _ => EnvValue::ConfigKey(name.clone(), "SIGNING_MODE".to_owned()),
        };
        template.main().env.push(("SIGNING".to_owned(), value));
    });
    Fault::of(&[&Id::new(kind, &id.namespace, &name), &id], &["config", "key", "secret"]).hurting(stage.callers(&id))
}

/// A config map is deleted; it hurts when the pods are started again.
fn deleted(stage: &mut Stage) -> Fault {
    let id = stage.called();
    let map = Id::new("ConfigMap", &id.namespace, &format!("{}-config", id.name));
    stage.cluster.delete(&map);
    for pod in stage.cluster.pods_of(&id) {
        let wait = stage.cluster.random.range(20, 60);
        stage.cluster.after(wait, move |cluster| cluster.delete_pod(&pod));
    }
    Fault::of(&[&map, &id], WORDS).hurting(stage.callers(&id))
}

fn account_missing(stage: &mut Stage) -> Fault {
    let id = stage.victim();
    let name = format!("{}-robot", id.name);
    stage.cluster.apply(&id, |template| template.service_account = name.clone());
    let account = Id::new("ServiceAccount", &id.namespace, &name);
    Fault::of(&[&account, &id], &["account", "create", "missing"]).hurting(stage.callers(&id))
}
