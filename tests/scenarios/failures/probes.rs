//! Probes that cannot succeed, and programs that do not get ready.

use super::Kind;
use crate::cluster::template::{Fate, Probe, Scheme};
use crate::stage::{Fault, Stage};

pub(super) const KINDS: &[Kind] = &[
    Kind::new("readiness_on_closed_port", 22, |stage| probe(stage, |probe| probe.port = 9999, false)),
    Kind::new("readiness_in_wrong_scheme", 22, |stage| probe(stage, |probe| probe.scheme = Scheme::Https, false)),
    Kind::new("liveness_on_closed_port", 25, |stage| probe(stage, |probe| probe.port = 9999, true)),
    Kind::new("never_ready_new_version", 24, never_ready),
    Kind::new("rollout_stalls", 32, never_ready),
    Kind::new("readiness_lost", 22, readiness_lost),
];

const WORDS: &[&str] =
    &["probe", "ready", "unhealthy", "liveness", "crash", "backoff", "rollout", "progress", "deadline", "endpoint"];

fn probe(stage: &mut Stage, change: fn(&mut Probe), liveness: bool) -> Fault {
    let id = stage.victim();
    stage.cluster.apply(&id, |template| {
        let main = template.main();
        let mut changed = main.readiness.clone();
        if let Some(probe) = &mut changed {
            change(probe);
        }
        if liveness { main.liveness = changed } else { main.readiness = changed }
    });
    Fault::of(&[&id], WORDS).hurting(stage.callers(&id))
}

fn never_ready(stage: &mut Stage) -> Fault {
    let id = stage.victim();
    stage.cluster.apply(&id, |template| {
        template.main().image.push_str("-next");
        template.fate = Fate::NeverReady("HTTP probe failed with statuscode: 500".to_owned());
    });
    Fault::of(&[&id], WORDS).hurting(stage.callers(&id))
}

/// All replicas lose their readiness at once, without any change.
fn readiness_lost(stage: &mut Stage) -> Fault {
    let id = stage.called();
    let words =
        "Get \"http://{ip}:8080/readyz\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
    stage.cluster.befall(&id, |template| template.fate = Fate::NeverReady(words.to_owned()));
    for pod in stage.cluster.pods_of(&id) {
        stage.cluster.deadlock(&pod);
    }
    Fault::of(&[&id, &id.as_kind("Service")], WORDS).hurting(stage.callers(&id))
}
