//! Recordings of real clusters: every report is decoded, and nothing is lost unsaid.

use bellbuoy_core::fact::{Body, Fact};
use bellbuoy_core::report::ContainerState;
use bellbuoy_local::recording::{Options, Recording, Report};
use std::path::PathBuf;

type Failure = Box<dyn std::error::Error>;
type Checked = Result<(), Failure>;

/// Where the recordings are, if they are there: they belong to others and are not part of this repository.
fn data(path: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = std::env::var_os("BELLBUOY_DATA").map_or_else(beside, PathBuf::from).join(path);
    if !path.exists() {
        eprintln!("SKIPPED: {} is not there; BELLBUOY_DATA names the folder of real recordings", path.display());
        return None;
    }
    Some(path)
}

/// Reads a recording, checks the order of its facts, and shows each in a line.
fn read(path: PathBuf) -> Result<(Report, Vec<Fact>, Vec<String>), Failure> {
    let recording = Recording::open(&[path], &Options::default(), &mut |_| {})?;
    let facts: Vec<Fact> = recording.facts()?.collect::<Result<_, _>>()?;
    assert!(facts.is_sorted_by_key(|fact| fact.observed_at), "facts are in order");
    let ends = facts.iter().filter(|fact| matches!(fact.body, Body::EndOfRecording)).count();
    assert_eq!(ends, recording.report().as_of.len(), "every scope ends once");
    let lines = facts.iter().map(show).collect();
    Ok((recording.report().clone(), facts, lines))
}

fn show(fact: &Fact) -> String {
    let about = fact.object.entity();
    match &fact.body {
        Body::Event(event) => format!("{about}: event {}", event.reason),
        Body::Alert(alert) => format!("{about}: alert {}", alert.name),
        Body::Object(object) => {
            let containers = object.containers.iter().map(|container| match (&container.state, &container.last) {
                (ContainerState::Waiting { reason, .. }, _) => format!(" {} waits: {reason}", container.name),
                (ContainerState::Terminated(ended), _) => format!(" {} ended: {}", container.name, ended.reason),
                _ => String::new(),
            });
            format!("{about}: state {}{}", object.phase, containers.collect::<String>())
        }
        body => format!("{body:?}"),
    }
}

/// Checks that a recording holds a line with all these words, and rejects nothing.
fn check(path: &str, words: &[&str]) -> Checked {
    let Some(path) = data(path) else { return Ok(()) };
    let (report, _, lines) = read(path)?;
    assert_eq!(report.rejected_total(), 0, "{:?}", report.rejections);
    assert!(lines.iter().any(|line| words.iter().all(|word| line.contains(word))), "{words:?} in {lines:#?}");
    Ok(())
}

#[test]
fn recorded_failures_are_all_there() -> Checked {
    let pods = "k8s-events-verbatim/troubleshoot/pods";
    check(&format!("{pods}/message-oomkill-pod.json"), &["Pod message-oomkill-pod/", "OOMKilled"])?;
    check(&format!("{pods}/message-pod-crashloop-backoff.json"), &["waits: CrashLoopBackOff"])?;
    check(&format!("{pods}/message-image-pull-fail.json"), &["waits: ErrImagePull"])?;
    check(&format!("{pods}/message-pending-pod-resources.json"), &["state Pending"])?;
    check(&format!("{pods}/message-container-creating-failed-mount.json"), &["waits: ContainerCreating"])?;
    let events = "k8s-events-verbatim/troubleshoot/events";
    check(&format!("{events}/message-container-creating-failed-mount.json"), &["event FailedMount"])?;
    check(&format!("{events}/message-image-pull-fail.json"), &["event Failed"])?;
    check("k8s-events-verbatim/troubleshoot/nodes.json", &["Node "])
}

#[test]
fn a_stream_keeps_its_times_of_arrival() -> Checked {
    let Some(path) = data("k8s-events-verbatim/kspan") else { return Ok(()) };
    let (report, facts, _) = read(path)?;
    assert_eq!((report.facts_total(), report.rejected_total()), (26, 0));
    assert_eq!(facts[0].observed_at.0, 1_621_417_378_640_117, "2021-05-19T09:42:58.640117Z");
    assert_eq!(report.skipped.values().sum::<u64>(), 1, "the licence");
    Ok(())
}

#[test]
fn support_bundles_are_walked_and_their_logs_passed_by() -> Checked {
    for (bundle, logs) in [("supportbundle-k3s", 19), ("supportbundle-baseline", 3)] {
        let Some(path) = data(&format!("k8s-events-verbatim/troubleshoot/{bundle}")) else { return Ok(()) };
        let (report, ..) = read(path)?;
        assert_eq!(report.rejected_total(), 0, "{:?}", report.rejections);
        assert_eq!(report.skipped.get("not a recording of objects"), Some(&logs), "{:#?}", report.skipped_files);
        assert!(report.skipped_files.iter().all(|file| file.source.ends_with(".log")), "{:#?}", report.skipped_files);
        for kind in ["Event", "Pod", "Node"] {
            assert!(report.facts.get(kind).is_some_and(|count| *count > 0), "{kind} in {:?}", report.facts);
        }
    }
    Ok(())
}

#[test]
fn alerts_and_compact_events() -> Checked {
    let Some(path) = data("k8s-events-verbatim/openshift-insights") else { return Ok(()) };
    let (report, _, lines) = read(path)?;
    assert_eq!((report.facts.get("Alert"), report.facts.get("Event")), (Some(&11), Some(&2)));
    assert!(lines.iter().any(|line| line == "Namespace openshift-machine-api: event FailedUpdate"), "{lines:#?}");
    assert!(lines.iter().any(|line| line == "Service openshift-monitoring/telemeter-client: alert TargetDown"));
    Ok(())
}

#[test]
fn scenarios_hold_events_beside_text_and_manifests() -> Checked {
    let Some(path) = data("holmesgpt") else { return Ok(()) };
    let (report, ..) = read(path)?;
    assert!(report.facts.get("Event").is_some_and(|count| *count > 150), "{:?}", report.facts);
    assert!(report.skipped.get("a manifest, not an observation").is_some_and(|count| *count >= 9));
    assert_eq!(report.rejected_total(), 0, "{:#?}", report.rejections);
    Ok(())
}

#[test]
fn folders_of_other_things_are_passed_by() -> Checked {
    let Some(path) = data("loghub-2k") else { return Ok(()) };
    let (report, facts, _) = read(path)?;
    assert_eq!((facts.len(), report.rejected_total()), (0, 0));
    assert!(report.skipped.values().sum::<u64>() > 7);
    Ok(())
}
