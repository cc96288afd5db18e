//! Rows about workloads and claims: how many replicas there are of how many, and whether a claim has its volume.

use super::cells::Cells;
use super::{ago, deployment_of, name, namespace, non_empty};
use serde_json::{Value, json};

/// A workload or a claim, by the columns of its table.
pub(super) fn workload(cells: &Cells<'_>) -> Option<Value> {
    if cells.has("COMPLETIONS") {
        job(cells)
    } else if cells.has("ACCESS MODES") {
        claim(cells)
    } else if !cells.has("DESIRED") {
        let kind = if cells.has("AVAILABLE") { "Deployment" } else { "StatefulSet" };
        let (ready, desired) = cells.get("READY").split_once('/')?;
        let updated = if cells.has("UP-TO-DATE") { cells.get("UP-TO-DATE") } else { desired };
        replicated(cells, kind, [desired, ready, updated])
    } else if !cells.has("AVAILABLE") {
        replicated(cells, "ReplicaSet", ["DESIRED", "READY", "CURRENT"].map(|column| cells.get(column)))
    } else if !cells.has("READY") {
        replicated(cells, "Deployment", ["DESIRED", "AVAILABLE", "UP-TO-DATE"].map(|column| cells.get(column)))
    } else {
        daemon_set(cells)
    }
}

fn metadata(cells: &Cells<'_>) -> Option<Value> {
    Some(json!({
        "namespace": namespace(cells),
        "name": name(cells)?,
        "creationTimestamp": ago(cells.get("AGE"))?,
    }))
}

/// What counts its replicas: as many as there should be, those that are ready, and those that are as they should be.
fn replicated(cells: &Cells<'_>, kind: &str, counts: [&str; 3]) -> Option<Value> {
    let [desired, ready, updated] = counts.map(number);
    let mut metadata = metadata(cells)?;
    if kind == "ReplicaSet"
        && let Some(deployment) = deployment_of(name(cells)?)
    {
        // A table has no column for owners, and tells of the sets of former revisions too.
        metadata["ownerReferences"] = json!([{"kind": "Deployment", "name": deployment, "controller": true}]);
    }
    Some(json!({
        "kind": kind,
        "metadata": metadata,
        "spec": {"replicas": desired?},
        "status": {"readyReplicas": ready?, "updatedReplicas": updated?},
    }))
}

fn daemon_set(cells: &Cells<'_>) -> Option<Value> {
    let [desired, ready, updated] = ["DESIRED", "READY", "UP-TO-DATE"].map(|column| number(cells.get(column)));
    Some(json!({
        "kind": "DaemonSet",
        "metadata": metadata(cells)?,
        "status": {"desiredNumberScheduled": desired?, "numberReady": ready?, "updatedNumberScheduled": updated?},
    }))
}

fn job(cells: &Cells<'_>) -> Option<Value> {
    let condition = non_empty(cells.get("STATUS")).filter(|status| matches!(*status, "Complete" | "Failed"));
    let conditions: Vec<_> = condition.into_iter().map(|kind| json!({"type": kind, "status": "True"})).collect();
    Some(json!({"kind": "Job", "metadata": metadata(cells)?, "status": {"conditions": conditions}}))
}

fn claim(cells: &Cells<'_>) -> Option<Value> {
    Some(json!({
        "kind": "PersistentVolumeClaim",
        "metadata": metadata(cells)?,
        "spec": {"volumeName": non_empty(cells.get("VOLUME")), "storageClassName": non_empty(cells.get("STORAGECLASS"))},
        "status": {"phase": cells.get("STATUS")},
    }))
}

fn number(cell: &str) -> Option<i64> {
    cell.parse().ok()
}
