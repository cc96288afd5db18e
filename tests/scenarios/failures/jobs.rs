//! Jobs that do not get done.

use super::Kind;
use crate::cluster::apps::{container, template};
use crate::cluster::event::{Emitter, warning};
use crate::cluster::id::Id;
use crate::cluster::template::Fate;
use crate::stage::{Fault, Stage};

pub(super) const KINDS: &[Kind] = &[
    Kind::new("job_fails", 25, job),
    Kind::new("cron_job_fails", 40, cron_job),
    Kind::new("job_image_not_found", 20, job_image),
    Kind::new("job_device_rejected", 22, job_device),
    Kind::new("cron_job_misses_its_hour", 20, missed),
];

const WORDS: &[&str] = &["job", "backofflimit", "failed", "exit", "error", "crash", "terminated", "image", "pull"];

fn one_job(stage: &mut Stage, fate: Fate) -> Id {
    let namespace = stage.victim().namespace;
    let name = format!("migrate-{}", stage.cluster.random.suffix(4));
    let id = Id::new("Job", &namespace, &name);
    let mut main = container("migrate", "registry.acme.io/migrate:7.0.1", 8080);
    (main.ports, main.readiness, main.liveness) = (Vec::new(), None, None);
    let mut of = template(&name, main);
    of.fate = fate;
    stage.cluster.start_job(&id, of, None);
    id
}

fn job(stage: &mut Stage) -> Fault {
    let id = one_job(stage, Fate::Exits { code: 1, reason: "Error", after_secs: 6 });
    Fault::of(&[&id], WORDS)
}

fn job_image(stage: &mut Stage) -> Fault {
    let image = "registry.acme.io/migrate:7.0.1";
    stage.cluster.images.insert(image.to_owned(), crate::cluster::image::NOT_FOUND.to_owned());
    let id = one_job(stage, Fate::Completes(5));
    Fault::of(&[&id, &Id::new("Image", "", image)], WORDS)
}

/// The kubelet of the node on which the devices are cannot give the one that a pod was promised: that is its fault, not
/// the pod's.
fn job_device(stage: &mut Stage) -> Fault {
    let (node, _) = stage.worker();
    if let Some(of) = stage.cluster.nodes.get_mut(&node) {
        let words = "Pod was rejected: Allocate failed due to no healthy devices present; cannot allocate unhealthy devices nvidia.com/gpu, which is unexpected";
        of.rejects = Some(("UnexpectedAdmissionError", words.to_owned()));
    }
    stage.cluster.favourite.clone_from(&node);
    let id = one_job(stage, Fate::Completes(5));
    // Only that job comes in the meantime: the devices are whole again before the next one.
    stage.cluster.crons.clear();
    stage.cluster.after(200, |cluster| cluster.nodes.values_mut().for_each(|node| node.rejects = None));
    let node = Id::new("Node", "", &node);
    Fault::of(&[&id, &node], &["admission", "device", "job", "backofflimit", "failed", "rejected"]).everywhere()
}

/// The start of a job is missed, because its controller was away for too long.
fn missed(stage: &mut Stage) -> Fault {
    let id = stage.cluster.random.pick(&stage.apps.cron_jobs).clone();
    stage.cluster.crons.remove(&id);
    for at in [5, 310, 620] {
        let id = id.clone();
        stage.cluster.after(at, move |cluster| {
            let (uid, hour) = (cluster.uid_of(&id), crate::cluster::moment::stamp(cluster.now));
            let words = format!("Missed scheduled time to start a job: {hour}");
            cluster.event(&Emitter::controller("cronjob-controller"), &id, &uid, warning("MissSchedule", words));
        });
    }
    Fault::of(&[&id], &["miss", "schedule", "cron", "job"])
}

fn cron_job(stage: &mut Stage) -> Fault {
    let id = stage.cluster.random.pick(&stage.apps.cron_jobs).clone();
    if let Some((_, template)) = stage.cluster.crons.get_mut(&id) {
        template.fate = Fate::Exits { code: 2, reason: "Error", after_secs: 5 };
    }
    let runs: Vec<Id> = stage
        .cluster
        .workloads
        .keys()
        .filter(|job| job.kind == "Job" && job.name.starts_with(&id.name))
        .cloned()
        .collect();
    Fault::of(&[&id], WORDS).hurting(runs)
}
