//! The main job on real recordings: the failure that each holds is named first, and healthy ones raise nothing.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panics, in their helpers too")]

mod labelled;
mod metamorphic;
mod truth;

use bellbuoy_core::severity::Severity;
use bellbuoy_core::triage::Triaged;
use bellbuoy_local::recording::{Options, Recording};
use bellbuoy_tests::data::recorded;
use bellbuoy_tests::fold::{Decided, decide};
use std::path::PathBuf;

/// Replays files of a folder; none where the data is not there.
fn replay(folder: &str, files: &[&str]) -> Option<Decided> {
    let folder = recorded(folder)?;
    let sources: Vec<PathBuf> = files.iter().map(|file| folder.join(file)).collect();
    let recording = Recording::open(&sources, &Options::default(), &mut |_| {}).unwrap();
    let facts: Vec<_> = recording.facts().unwrap().map(Result::unwrap).collect();
    assert!(!facts.is_empty(), "{files:?} holds no facts");
    Some(decide(&facts))
}

/// The worst first, as `replay` prints them.
fn first(decided: &Decided) -> &Triaged {
    let mut incidents = decided.incidents();
    incidents.sort_by_key(|t| (t.severity, std::cmp::Reverse(t.incident.last_seen_at)));
    incidents.first().copied().unwrap_or_else(|| panic!("nothing was found"))
}

/// A folder's files hold a failure of this entity, named by this signal (or a reason of it).
fn check(files: &[&str], kind: &str, name: &str, signal: &str) {
    let Some(decided) = replay("k8s-events-verbatim/troubleshoot", files) else { return };
    let first = first(&decided);
    let cause = &first.incident.causes[0];
    assert_eq!((&*cause.entity.kind, &*cause.entity.name), (kind, name), "{files:?}:\n{}", decided.told());
    assert_eq!(cause.signal.split('/').next(), Some(signal), "{files:?}:\n{}", decided.told());
    assert!(first.severity < Severity::P5, "{files:?}");
}

#[test]
fn a_crash_loop() {
    check(&["pods/message-pod-crashloop-backoff.json"], "Pod", "init-demo", "StartError");
}

#[test]
fn a_crash_loop_of_an_init_container() {
    check(&["pods/message-pod-init-crashloop-backoff.json"], "Pod", "init-demo2", "StartError");
}

#[test]
fn an_image_that_cannot_be_pulled() {
    check(&["pods/message-image-pull-fail.json"], "Deployment", "no-image-deployment", "ImagePullBackOff");
    check(&["events/message-image-pull-fail.json"], "Deployment", "no-image-deployment", "ImagePullBackOff");
}

#[test]
fn a_mount_that_fails() {
    let both =
        ["pods/message-container-creating-failed-mount.json", "events/message-container-creating-failed-mount.json"];
    check(&both, "DaemonSet", "troubleshoot-copyfromhost-4m79m", "FailedMount");
}

#[test]
fn a_container_out_of_memory() {
    check(&["pods/message-oomkill-pod.json"], "Job", "oom-kill-job3", "OOMKilled");
}

#[test]
fn pods_that_find_no_node() {
    check(&["pods/message-pending-pod-resources.json"], "Deployment", "pending-pod-resources", "FailedScheduling");
    check(&["pods/message-pending-node-affinity.json"], "Deployment", "kotsadm", "FailedScheduling");
}

/// A table tells how long ago, and its file when that was.
#[test]
fn tables_are_recordings_too() {
    let folder = tempfile::tempdir().unwrap();
    let events = "\
NAMESPACE   LAST SEEN               TYPE      REASON    OBJECT                         MESSAGE
shop        20m                     Normal    Started   pod/cart-7d9c5b4f68-x2x8k      Started container cart
shop        4m53s (x72 over 20m)    Warning   BackOff   pod/cart-7d9c5b4f68-x2x8k      Back-off restarting failed container cart
";
    std::fs::write(folder.path().join("events.txt"), events).unwrap();
    let pods = "NAME                    READY   STATUS    RESTARTS   AGE\nweb-6c8b4d5f7-2x9zk   1/1     Running   0          5d\n";
    std::fs::write(folder.path().join("pods.txt"), pods).unwrap();
    let facts = labelled::facts_of(&[folder.path().to_owned()]);
    assert_eq!(decide(&facts).told(), "P3 open: CrashLoopBackOff on Deployment shop/cart; 1 members\n");
}

#[test]
fn tables_of_pods_tell_of_their_owners_restarts_and_network() {
    for (rows, expect) in [
        // They are well since the power came back, three hours ago.
        (
            "\
kube-system   kube-apiserver-w1                1/1   Running   18 (3h1m ago)   26h
kube-system   node-exporter-x2x8k              1/1   Running   18 (3h2m ago)   26h
",
            "",
        ),
        // No container is made without a network; the scheduler has done its part.
        (
            "\
kube-system   kube-flannel-ds-c8w9v            0/1   CrashLoopBackOff    53   4h10m
kube-system   kube-flannel-ds-drxcj            0/1   CrashLoopBackOff    53   4h10m
shop          cart-7d9c5b4f68-x2x8k            0/1   ContainerCreating   0    51m
",
            "P1 open: CrashLoopBackOff on Workload kube-system/kube-flannel-ds; 2 members\n",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let table = format!("NAMESPACE     NAME     READY   STATUS   RESTARTS   AGE\n{rows}");
        std::fs::write(folder.path().join("pods.txt"), table).unwrap();
        let facts = labelled::facts_of(&[folder.path().to_owned()]);
        assert_eq!(decide(&facts).told(), expect);
    }
}

#[test]
fn a_table_of_nodes_tells_of_one_that_is_not_ready() {
    let rows = |status: &str, age: &str| {
        let folder = tempfile::tempdir().unwrap();
        let table = format!(
            "NAME  STATUS  ROLES  AGE  VERSION\nw1  Ready  <none>  45d  v1.34.1\nw2  {status}  <none>  {age}  v1.34.1\n"
        );
        std::fs::write(folder.path().join("nodes.txt"), table).unwrap();
        decide(&labelled::facts_of(&[folder.path().to_owned()])).told()
    };
    assert_eq!(rows("NotReady", "45d"), "P2 open: NodeNotReady on Node w2; 1 members\n");
    assert_eq!(rows("NotReady", "20s"), "", "it is being made");
    assert_eq!(rows("Ready,SchedulingDisabled", "45d"), "");
}

fn healthy(folder: &str, files: &[&str]) {
    let Some(decided) = replay(folder, files) else { return };
    let worst = decided.triaged.iter().map(|triaged| triaged.severity).min();
    assert!(worst.is_none_or(|worst| worst == Severity::P5), "{}", decided.told());
    assert_eq!(decided.pages.len(), 0);
}

#[test]
fn a_healthy_rollout_raises_nothing() {
    healthy("k8s-events-verbatim/kspan", &["deployment-2-pods.yaml"]);
}

#[test]
fn two_healthy_clusters_raise_nothing() {
    healthy("k8s-events-verbatim/troubleshoot", &["supportbundle-k3s"]);
    healthy("k8s-events-verbatim/troubleshoot", &["supportbundle-baseline"]);
}
