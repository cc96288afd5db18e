//! Volumes that are bound and cannot be used.

use super::Kind;
use crate::cluster::alerts::alert;
use crate::cluster::id::Id;
use crate::cluster::template::Fate;
use crate::stage::{Fault, Stage};
use serde_json::json;

pub(super) const KINDS: &[Kind] = &[
    Kind::new("volume_attached_elsewhere", 28, attached_elsewhere),
    Kind::new("volume_attach_fails", 22, attach_fails),
    Kind::new("volume_mount_fails", 22, mount_fails),
    Kind::new("volume_in_another_zone", 22, another_zone),
    Kind::new("volume_lost", 22, lost),
    Kind::new("volume_full", 25, full),
    Kind::new("volume_resize_fails", 20, resize_fails),
];

const WORDS: &[&str] = &[
    "volume", "attach", "mount", "claim", "pvc", "storage", "lost", "disk", "crash", "backoff", "affinity", "schedul",
];

/// A database with its first claim and the volume behind it.
struct Database {
    id: Id,
    claim: Id,
    volume: Id,
    pod: Id,
}

fn database(stage: &mut Stage) -> Database {
    let id = stage.stateful();
    let claim = Id::new("PersistentVolumeClaim", &id.namespace, &format!("data-{}-0", id.name));
    let name =
        stage.cluster.others.get(&claim).and_then(|claim| claim["spec"]["volumeName"].as_str()).unwrap_or_default();
    let volume = Id::new("PersistentVolume", "", name);
    let pod = Id::new("Pod", &id.namespace, &format!("{}-0", id.name));
    Database { id, claim, volume, pod }
}

fn fault(stage: &Stage, database: &Database) -> Fault {
    Fault::of(&[&database.id, &database.claim, &database.volume], WORDS).hurting(stage.callers(&database.id))
}

/// The pod is started anew somewhere else.
fn move_pod(stage: &mut Stage, database: &Database) {
    let pod = database.pod.clone();
    stage.cluster.after(3, move |cluster| cluster.delete_pod(&pod));
}

/// A Deployment with a claim that one node only may have, and two pods on two nodes.
fn attached_elsewhere(stage: &mut Stage) -> Fault {
    use crate::cluster::apps::{container, template};
    use crate::cluster::template::Volume;
    use crate::cluster::workload::ClaimTemplate;
    let namespace = stage.victim().namespace;
    let id = Id::new("Deployment", &namespace, "wiki");
    let claim = Id::new("PersistentVolumeClaim", &namespace, "wiki-data");
    let of =
        ClaimTemplate { name: "wiki-data".to_owned(), class: "gp3".to_owned(), size_gib: 10, mode: "ReadWriteOnce" };
    stage.cluster.add_claim(&claim, &of);
    let mut pods = template("wiki", container("wiki", "ghcr.io/acme/wiki:2.3.0", 8080));
    pods.volumes.push(Volume::Claim("wiki-data".to_owned()));
    stage.cluster.add_workload(id.clone(), 1, pods);
    let of = id.clone();
    stage.cluster.after(180, move |cluster| cluster.apply(&of, |template| template.main().image.push_str("-next")));
    Fault::of(&[&id, &claim], WORDS)
}

fn attach_fails(stage: &mut Stage) -> Fault {
    let database = database(stage);
    let words = "rpc error: code = Internal desc = Could not attach volume \"vol-0d1f2a\" to node \"i-07ab3\": could not attach volume: api error UnauthorizedOperation: You are not authorized to perform this operation";
    stage.cluster.volume_faults.insert(database.volume.clone(), words.to_owned());
    if let Some(name) = stage.cluster.attached.get_mut(&database.volume.name) {
        name.clear();
    }
    move_pod(stage, &database);
    fault(stage, &database)
}

fn mount_fails(stage: &mut Stage) -> Fault {
    let database = database(stage);
    let words = "rpc error: code = Internal desc = could not format \"/dev/nvme1n1\" and mount it at \"/var/lib/kubelet/plugins/kubernetes.io/csi\": mount failed: exit status 32: wrong fs type, bad option, bad superblock on /dev/nvme1n1, missing codepage or helper program, or other error.";
    stage.cluster.volume_faults.insert(database.claim.clone(), words.to_owned());
    move_pod(stage, &database);
    fault(stage, &database)
}

/// The nodes of a zone are replaced by ones in others, and the volume stays behind.
fn another_zone(stage: &mut Stage) -> Fault {
    let database = database(stage);
    stage.cluster.change(&database.volume, |volume| {
        volume["spec"]["nodeAffinity"] = json!({"required": {"nodeSelectorTerms": [{"matchExpressions":
            [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["eu-central-1d"]}]}]}});
    });
    move_pod(stage, &database);
    fault(stage, &database)
}

/// Somebody deletes the volume under a claim.
fn lost(stage: &mut Stage) -> Fault {
    use crate::cluster::event::{Emitter, warning};
    let database = database(stage);
    stage.cluster.delete(&database.volume);
    stage.cluster.change(&database.claim, |claim| claim["status"]["phase"] = json!("Lost"));
    let uid = stage.cluster.uid_of(&database.claim);
    let said = warning("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
    stage.cluster.event(&Emitter::controller("persistentvolume-controller"), &database.claim, &uid, said);
    fault(stage, &database)
}

/// A claim is to grow, and the backend refuses.
fn resize_fails(stage: &mut Stage) -> Fault {
    use crate::cluster::event::{Emitter, warning};
    let database = database(stage);
    let at = crate::cluster::moment::stamp(stage.cluster.now);
    let words = "resize volume \"pvc\" by resizer \"ebs.csi.aws.com\" failed: rpc error: code = Internal desc = Could not resize volume: VolumeModificationRateExceeded: You've reached the maximum modification rate per volume limit";
    stage.cluster.change(&database.claim, |claim| {
        claim["spec"]["resources"]["requests"]["storage"] = json!("80Gi");
        claim["status"]["conditions"] = json!([{"type": "ControllerResizeError", "status": "True", "reason": "", "message": words,
            "lastProbeTime": null, "lastTransitionTime": at}]);
    });
    for at in [2, 10, 30, 90, 200, 420, 840] {
        let claim = database.claim.clone();
        stage.cluster.after(at, move |cluster| {
            let uid = cluster.uid_of(&claim);
            cluster.event(
                &Emitter::controller("external-resizer ebs.csi.aws.com"),
                &claim,
                &uid,
                warning("VolumeResizeFailed", words),
            );
        });
    }
    let mut fault = fault(stage, &database);
    fault.words = &["resize", "volume", "storage", "claim"];
    fault
}

/// A volume fills up: the alert comes first, and then the database ends when it writes.
fn full(stage: &mut Stage) -> Fault {
    let database = database(stage);
    let labels =
        [("namespace", database.claim.namespace.as_str()), ("persistentvolumeclaim", database.claim.name.as_str())];
    let summary = "PersistentVolume is filling up: 1.2% free.";
    stage.cluster.outside_alerts.push(alert("KubePersistentVolumeFillingUp", "critical", 60, &labels, summary));
    let (id, pod) = (database.id.clone(), database.pod.clone());
    stage.cluster.after(240, move |cluster| {
        cluster.befall(&id, |template| template.fate = Fate::Exits { code: 1, reason: "Error", after_secs: 9 });
        cluster.end(&pod, 1, "Error", String::new());
    });
    fault(stage, &database)
}
