//! Claims that do not bind.

use super::Kind;
use crate::cluster::apps::{container, template};
use crate::cluster::id::Id;
use crate::cluster::template::{Fate, Port, Scheme, Volume};
use crate::cluster::workload::ClaimTemplate;
use crate::stage::{Fault, Stage};

pub(super) const KINDS: &[Kind] = &[
    Kind::new("storage_class_missing", 20, |stage| stateful(stage, "ultra-fast", 20, "ReadWriteOnce")),
    Kind::new("no_volume_and_no_class", 20, |stage| stateful(stage, "", 20, "ReadWriteOnce")),
    Kind::prepared("volumes_too_small", 20, static_volumes, |stage| stateful(stage, "manual", 500, "ReadWriteOnce")),
    Kind::prepared("volumes_of_another_mode", 20, static_volumes, |stage| {
        stateful(stage, "manual", 5, "ReadWriteMany")
    }),
    Kind::prepared("volumes_of_another_class", 20, static_volumes, |stage| {
        stateful(stage, "manual-ssd", 5, "ReadWriteOnce")
    }),
    Kind::new("claim_missing", 20, claim_missing),
    Kind::new("provisioning_refused_by_backend", 22, backend_full),
    Kind::new("provisioner_down", 25, provisioner_down),
];

const WORDS: &[&str] = &["claim", "pvc", "volume", "storage", "class", "provision", "binding", "unbound", "schedul"];

fn static_volumes(stage: &mut Stage) {
    for at in 0..3 {
        stage.cluster.add_static_volume(&format!("nfs-{at}"), "manual", 10, "ReadWriteOnce");
    }
    stage.cluster.add_class("manual", "kubernetes.io/no-provisioner", false);
    stage.cluster.add_class("manual-ssd", "kubernetes.io/no-provisioner", false);
}

/// Somebody deploys a database whose claims ask for what is not there.
fn stateful(stage: &mut Stage, class: &str, size_gib: i64, mode: &'static str) -> Fault {
    let namespace = stage.victim().namespace;
    let id = Id::new("StatefulSet", &namespace, "warehouse");
    let mut main = container("warehouse", "docker.io/bitnami/clickhouse:24.8.0", 9000);
    main.ports = vec![Port { name: "tcp".to_owned(), number: 9000, scheme: Scheme::Tcp }];
    let mut of = template("warehouse", main);
    of.volumes.push(Volume::Claim("data".to_owned()));
    stage.cluster.add_workload(id.clone(), 1, of);
    if let Some(workload) = stage.cluster.workloads.get_mut(&id) {
        workload.claims.push(ClaimTemplate { name: "data".to_owned(), class: class.to_owned(), size_gib, mode });
    }
    let claim = Id::new("PersistentVolumeClaim", &namespace, "data-warehouse-0");
    let mut fault = Fault::of(&[&claim, &id], WORDS);
    if !class.is_empty() {
        fault.entities.push(Id::new("StorageClass", "", class));
    }
    fault
}

fn claim_missing(stage: &mut Stage) -> Fault {
    let id = stage.victim();
    let name = format!("{}-uploads", id.name);
    stage.cluster.apply(&id, |template| template.volumes.push(Volume::Claim(name.clone())));
    let claim = Id::new("PersistentVolumeClaim", &id.namespace, &name);
    Fault::of(&[&claim, &id], WORDS).hurting(stage.callers(&id))
}

fn backend_full(stage: &mut Stage) -> Fault {
    let mut fault = stateful(stage, "fast", 40, "ReadWriteOnce");
    if let Some(claim) = fault.entities.first() {
        let words = "rpc error: code = ResourceExhausted desc = volume quota exceeded: MaxStorageLimitExceeded: The maximum storage limit of 50 TiB has been reached";
        stage.cluster.volume_faults.insert(claim.clone(), words.to_owned());
    }
    fault.entities.push(Id::new("StorageClass", "", "fast"));
    fault
}

/// The controller of the storage driver crashes; claims made then wait.
fn provisioner_down(stage: &mut Stage) -> Fault {
    let id = Id::new("Deployment", "kube-system", "ebs-csi-controller");
    stage.cluster.befall(&id, |template| template.fate = Fate::Exits { code: 1, reason: "Error", after_secs: 5 });
    for pod in stage.cluster.pods_of(&id) {
        stage.cluster.after(3, move |cluster| cluster.end(&pod, 1, "Error", String::new()));
    }
    let namespace = stage.victim().namespace;
    stage.cluster.after(60, move |cluster| {
        for at in 0..2 {
            let name = format!("archive-{at}");
            let claim =
                ClaimTemplate { name: name.clone(), class: "fast".to_owned(), size_gib: 5, mode: "ReadWriteOnce" };
            cluster.add_claim(&Id::new("PersistentVolumeClaim", &namespace, &name), &claim);
            let mut of = template(&name, container(&name, "ghcr.io/acme/archive:1.2.0", 8080));
            of.volumes.push(Volume::Claim(name.clone()));
            cluster.add_workload(Id::new("Deployment", &namespace, &name), 1, of);
        }
    });
    Fault::of(&[&id], &["crash", "backoff", "csi", "provision", "replicas", "storage", "volume"]).everywhere()
}
