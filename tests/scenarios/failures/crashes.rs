//! Programs that end, hang or are killed.

use super::Kind;
use crate::cluster::apps::container;
use crate::cluster::id::Id;
use crate::cluster::template::{Fate, Template};
use crate::stage::{Fault, Stage};

pub(super) const KINDS: &[Kind] = &[
    Kind::new("crash_exit_1", 22, |stage| bad_version(stage, exits(1, "Error", 3), CRASH)),
    Kind::new("crash_exit_2_on_bad_flag", 22, |stage| bad_version(stage, exits(2, "Error", 1), CRASH)),
    Kind::new("crash_segmentation_fault", 22, |stage| bad_version(stage, exits(139, "Error", 5), CRASH)),
    Kind::new("crash_abort", 22, |stage| bad_version(stage, exits(134, "Error", 5), CRASH)),
    Kind::new("crash_command_not_found", 22, command_not_found),
    Kind::new("crash_wrong_architecture", 22, wrong_architecture),
    Kind::new("crash_exits_well_again_and_again", 22, |stage| bad_version(stage, exits(0, "Completed", 2), CRASH)),
    Kind::new("crash_of_all_replicas", 22, all_replicas_crash),
    Kind::new("out_of_memory", 25, out_of_memory),
    Kind::new("out_of_memory_new_version", 22, |stage| bad_version(stage, exits(137, "OOMKilled", 20), OOM)),
    Kind::new("out_of_memory_database", 25, database_out_of_memory),
    Kind::new("init_container_crashes", 22, init_crashes),
    Kind::new("init_container_waits_forever", 25, init_waits),
    Kind::new("liveness_fails", 25, liveness_fails),
    Kind::new("startup_fails", 25, startup_fails),
    Kind::new("hook_fails", 22, hook_fails),
    Kind::new("runs_as_root", 22, runs_as_root),
    Kind::new("ephemeral_limit_exceeded", 25, fills_disk),
];

const CRASH: &[&str] = &["crash", "backoff", "exit", "terminated", "error", "restart"];
const OOM: &[&str] = &["oom", "memory", "crash", "backoff"];

fn exits(code: i32, reason: &'static str, after_secs: i64) -> Fate {
    Fate::Exits { code, reason, after_secs }
}

/// A new version that does not live.
fn bad_version(stage: &mut Stage, fate: Fate, words: &'static [&'static str]) -> Fault {
    let id = stage.victim();
    stage.cluster.apply(&id, |template| {
        template.main().image.push_str("-next");
        template.fate = fate;
    });
    Fault::of(&[&id], words).hurting(stage.callers(&id))
}

/// The running programs of a workload begin to fail, without any change.
fn begins(stage: &mut Stage, id: &Id, fate: &Fate, code: i32, reason: &'static str) {
    stage.cluster.befall(id, |template: &mut Template| template.fate = fate.clone());
    for (at, pod) in stage.cluster.pods_of(id).into_iter().enumerate() {
        let wait = stage.cluster.random.range(1, 20) + at as i64 * 15;
        stage.cluster.after(wait, move |cluster| cluster.end(&pod, code, reason, String::new()));
    }
}

fn all_replicas_crash(stage: &mut Stage) -> Fault {
    let id = stage.called();
    begins(stage, &id, &exits(1, "Error", 4), 1, "Error");
    Fault::of(&[&id], CRASH).hurting(stage.callers(&id))
}

fn out_of_memory(stage: &mut Stage) -> Fault {
    let id = stage.victim();
    begins(stage, &id, &exits(137, "OOMKilled", 45), 137, "OOMKilled");
    Fault::of(&[&id], OOM).hurting(stage.callers(&id))
}

fn database_out_of_memory(stage: &mut Stage) -> Fault {
    let id = stage.stateful();
    begins(stage, &id, &exits(137, "OOMKilled", 30), 137, "OOMKilled");
    Fault::of(&[&id], OOM).hurting(stage.callers(&id))
}

fn command_not_found(stage: &mut Stage) -> Fault {
    let message = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: \"/app/serve\": stat /app/serve: no such file or directory: unknown";
    let fate = Fate::CannotStart { code: 128, message: message.to_owned() };
    bad_version(stage, fate, &["start", "run", "create", "command", "crash", "backoff", "entrypoint"])
}

fn wrong_architecture(stage: &mut Stage) -> Fault {
    let message = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec /app/serve: exec format error: unknown";
    let fate = Fate::CannotStart { code: 128, message: message.to_owned() };
    bad_version(stage, fate, &["start", "run", "create", "format", "architecture", "crash", "backoff", "entrypoint"])
}

/// An init container that waits for what never comes.
fn init_waits(stage: &mut Stage) -> Fault {
    let id = stage.victim();
    stage.cluster.apply(&id, |template| {
        let mut wait = container("wait-for-schema", "docker.io/library/busybox:1.36", 8080);
        (wait.ports, wait.readiness, wait.liveness) = (Vec::new(), None, None);
        wait.command = ["sh", "-c", "until nslookup schema; do sleep 2; done"].map(str::to_owned).to_vec();
        template.init.push((wait, Fate::NeverReady(String::new())));
    });
    Fault::of(&[&id], &["init", "ready", "waiting", "rollout", "progress", "creating", "stuck"])
        .hurting(stage.callers(&id))
}

fn init_crashes(stage: &mut Stage) -> Fault {
    let id = stage.victim();
    stage.cluster.apply(&id, |template| {
        let mut migrate = container("migrate", &template.main().image.clone(), 8080);
        (migrate.ports, migrate.readiness, migrate.liveness) = (Vec::new(), None, None);
        migrate.command = vec!["/app/migrate".to_owned(), "up".to_owned()];
        template.init.push((migrate, exits(1, "Error", 4)));
    });
    Fault::of(&[&id], CRASH).hurting(stage.callers(&id))
}

fn liveness_fails(stage: &mut Stage) -> Fault {
    let id = stage.victim();
    let words = "HTTP probe failed with statuscode: 500".to_owned();
    begin_unhealthy(stage, &id, &Fate::FailsLiveness(words));
    Fault::of(&[&id], &["liveness", "probe", "unhealthy", "crash", "backoff", "killing", "restart"])
        .hurting(stage.callers(&id))
}

/// The program deadlocks, and does so again after each start.
fn begin_unhealthy(stage: &mut Stage, id: &Id, fate: &Fate) {
    stage.cluster.befall(id, |template| {
        template.fate = fate.clone();
        if template.main().liveness.is_none() {
            template.main().liveness = template.main().readiness.clone();
        }
    });
    for pod in stage.cluster.pods_of(id) {
        stage.cluster.deadlock(&pod);
    }
}

fn startup_fails(stage: &mut Stage) -> Fault {
    let id = stage.victim();
    stage.cluster.apply(&id, |template| {
        let main = template.main();
        main.image.push_str("-next");
        main.startup = main.readiness.clone();
        template.fate = Fate::FailsStartup("HTTP probe failed with statuscode: 503".to_owned());
    });
    Fault::of(&[&id], &["startup", "probe", "unhealthy", "crash", "backoff", "killing"]).hurting(stage.callers(&id))
}

fn hook_fails(stage: &mut Stage) -> Fault {
    let words = "Exec lifecycle hook ([/bin/sh -c /app/warm-up]) for Container \"app\" failed - error: command '/bin/sh -c /app/warm-up' exited with 1: , message: \"PostStartHook failed\"";
    bad_version(stage, Fate::FailsHook(words.to_owned()), &["hook", "crash", "backoff"])
}

fn runs_as_root(stage: &mut Stage) -> Fault {
    let message = "container has runAsNonRoot and image will run as root (pod: \"app\", container: app)".to_owned();
    let fate = Fate::Refused { reason: "CreateContainerConfigError", message };
    bad_version(stage, fate, &["config", "root", "create", "security"])
}

fn fills_disk(stage: &mut Stage) -> Fault {
    let id = stage.victim();
    let name = id.name.clone();
    let message = format!("Container {name} exceeded its local ephemeral storage limit \"1Gi\". ");
    stage.cluster.apply(&id, |template| {
        template.main().image.push_str("-next");
        template.fate = Fate::FillsDisk { after_secs: 90, message };
    });
    Fault::of(&[&id], &["evict", "ephemeral", "storage", "disk"]).hurting(stage.callers(&id))
}
