//! What parsing a raw recording costs a program that keeps what it reads: each line into structures of everything in it.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::hint::black_box;

/// Parses each line into structures that own all that the line holds, by the types of the Kubernetes API; where these
/// leave the form open, as `fieldsV1` does, so do we.
///
/// # Errors
/// At the first line that is no object of the recording, or holds what its structure does not.
pub fn parse_lines(text: &str) -> Result<usize, serde_json::Error> {
    let mut objects = 0;
    for line in text.lines() {
        match line.starts_with(r#"{"type""#) {
            true => drop(black_box(serde_json::from_str::<Notification>(line)?)),
            false => drop(black_box(serde_json::from_str::<Event>(line)?)),
        }
        objects += 1;
    }
    Ok(objects)
}

type Labels = BTreeMap<String, String>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Notification {
    #[serde(rename = "type")]
    verb: String,
    object: Pod,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Event {
    kind: String,
    api_version: String,
    metadata: Metadata,
    involved_object: Reference,
    reason: String,
    message: String,
    source: Emitter,
    first_timestamp: Option<String>,
    last_timestamp: Option<String>,
    count: u32,
    #[serde(rename = "type")]
    type_name: String,
    event_time: Option<String>,
    reporting_component: String,
    reporting_instance: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Metadata {
    name: String,
    generate_name: Option<String>,
    namespace: String,
    uid: String,
    resource_version: String,
    creation_timestamp: String,
    labels: Labels,
    owner_references: Vec<Owner>,
    managed_fields: Vec<ManagedFields>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct ManagedFields {
    manager: String,
    operation: String,
    api_version: String,
    time: Option<String>,
    fields_type: String,
    #[serde(rename = "fieldsV1")]
    fields: serde_json::Value,
    subresource: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Owner {
    api_version: String,
    kind: String,
    name: String,
    uid: String,
    controller: Option<bool>,
    block_owner_deletion: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Reference {
    kind: String,
    namespace: String,
    name: String,
    uid: String,
    api_version: String,
    resource_version: String,
    field_path: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Emitter {
    component: String,
    host: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Pod {
    kind: String,
    api_version: String,
    metadata: Metadata,
    spec: Spec,
    status: Status,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Spec {
    volumes: Vec<Volume>,
    containers: Vec<Container>,
    restart_policy: String,
    termination_grace_period_seconds: u32,
    dns_policy: String,
    service_account_name: String,
    node_name: String,
    scheduler_name: String,
    tolerations: Vec<Toleration>,
    priority: i32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Volume {
    name: String,
    projected: Projected,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Projected {
    sources: Vec<ProjectedSource>,
    default_mode: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct ProjectedSource {
    service_account_token: Option<Token>,
    config_map: Option<ConfigMap>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Token {
    expiration_seconds: u64,
    path: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct ConfigMap {
    name: String,
    items: Vec<Labels>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Container {
    name: String,
    image: String,
    resources: BTreeMap<String, Labels>,
    volume_mounts: Vec<VolumeMount>,
    termination_message_path: String,
    termination_message_policy: String,
    image_pull_policy: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct VolumeMount {
    name: String,
    read_only: Option<bool>,
    mount_path: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Toleration {
    key: String,
    operator: String,
    effect: String,
    toleration_seconds: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Status {
    phase: String,
    conditions: Vec<Condition>,
    #[serde(rename = "hostIP")]
    host_ip: String,
    #[serde(rename = "podIP")]
    pod_ip: String,
    #[serde(rename = "startTime")]
    start_time: Option<String>,
    #[serde(rename = "containerStatuses")]
    container_statuses: Vec<ContainerStatus>,
    #[serde(rename = "qosClass")]
    qos_class: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    last_probe_time: Option<String>,
    last_transition_time: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct ContainerStatus {
    name: String,
    state: State,
    last_state: State,
    ready: bool,
    restart_count: u32,
    image: String,
    #[serde(rename = "containerID")]
    container_id: String,
    started: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct State {
    running: Option<Running>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are what is parsed; nothing is done with them")]
struct Running {
    started_at: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw_recording::json_lines;

    #[test]
    fn the_structures_hold_all_that_the_recording_holds() {
        let text = json_lines(100_000);
        assert_eq!(parse_lines(&text).unwrap(), text.lines().count());
        assert!(parse_lines(&text.replace("\"reason\"", "\"reasons\"")).is_err());
    }
}
