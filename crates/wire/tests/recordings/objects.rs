//! States of objects, slimmed; what they need, and when they count as observed.

use super::support::{check, only, read};
use bellbuoy_core::fact::Body;
use bellbuoy_core::report::{ContainerState, Endpoints, ObjectReport, Replicas};
use bellbuoy_wire::recording::Ignored;

fn object(text: &str) -> ObjectReport {
    match only(text).body {
        Body::Object(object) => *object,
        other => unreachable!("expected an object, found {other:?}"),
    }
}

const META: &str =
    r#""metadata":{"name":"cart","namespace":"shop","uid":"u","creationTimestamp":"2026-11-21T09:00:00Z"}"#;

#[test]
fn a_pod_is_slimmed_to_what_decisions_read() {
    let pod = object(
        r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"cart-1","namespace":"shop","uid":"u","resourceVersion":"77","creationTimestamp":"2026-11-21T09:00:00Z","labels":{"b":"2","a":"1"},"annotations":{"x":"y"},
        "ownerReferences":[{"kind":"Other","name":"o"},{"kind":"ReplicaSet","name":"cart-5d","uid":"r","controller":true}]},
        "spec":{"nodeName":"w1","serviceAccountName":"cart","imagePullSecrets":[{"name":"registry"}],
          "volumes":[{"name":"a","configMap":{"name":"settings"}},{"secret":{"secretName":"key"}},{"persistentVolumeClaim":{"claimName":"data"}},{"projected":{"sources":[{"configMap":{"name":"kube-root-ca.crt"}},{"secret":{"name":"tls"}}]}},{"emptyDir":{}}],
          "initContainers":[{"name":"migrate","image":"m:1"}],
          "containers":[{"name":"cart","image":"cart:2","envFrom":[{"configMapRef":{"name":"env"}},{"secretRef":{"name":"env-secret"}}],"env":[{"name":"A","value":"1"},{"name":"B","valueFrom":{"secretKeyRef":{"name":"password","key":"p"}}},{"name":"C","valueFrom":{"configMapKeyRef":{"name":"flags","key":"f"}}}],
            "startupProbe":{"initialDelaySeconds":5,"periodSeconds":10,"failureThreshold":30}}]},
        "status":{"phase":"Running","startTime":"2026-11-21T09:00:01Z","conditions":[{"type":"Ready","status":"False","reason":"ContainersNotReady","message":"m","lastTransitionTime":"2026-11-21T09:30:00Z","lastProbeTime":null}],
          "initContainerStatuses":[{"name":"migrate","ready":true,"restartCount":0,"state":{"terminated":{"exitCode":0,"reason":"Completed","startedAt":"2026-11-21T09:00:02Z","finishedAt":"2026-11-21T09:00:03Z"}}}],
          "containerStatuses":[{"name":"cart","image":"other","ready":false,"restartCount":4,"state":{"waiting":{"reason":"CrashLoopBackOff","message":"back-off 1m20s"}},"lastState":{"terminated":{"exitCode":137,"reason":"OOMKilled","finishedAt":"2026-11-21T09:29:59Z"}}}]}}"#,
    );
    assert_eq!(pod.labels.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>(), ["a=1", "b=2"]);
    assert_eq!(pod.owner.as_ref().map(|owner| &*owner.name), Some("cart-5d"));
    assert_eq!((&*pod.node, &*pod.phase, &*pod.resource_version), ("w1", "Running", "77"));
    assert_eq!((&*pod.conditions[0].kind, &*pod.conditions[0].status), ("Ready", "False"));
    assert!(pod.containers[0].init && !pod.containers[1].init);
    let cart = &pod.containers[1];
    assert_eq!((&*cart.image, cart.restarts, cart.ready, cart.startup_secs), ("cart:2", 4, false, 305));
    assert!(matches!(&cart.state, ContainerState::Waiting { reason, .. } if &**reason == "CrashLoopBackOff"));
    assert!(cart.last.as_ref().is_some_and(|last| last.exit_code == 137 && &*last.reason == "OOMKilled"));
    let needs: Vec<_> = pod.references.iter().map(|needed| format!("{} {}", needed.kind, needed.name)).collect();
    assert_eq!(
        needs,
        [
            "ConfigMap env",
            "ConfigMap flags",
            "ConfigMap kube-root-ca.crt",
            "ConfigMap settings",
            "PersistentVolumeClaim data",
            "Secret env-secret",
            "Secret key",
            "Secret password",
            "Secret registry",
            "Secret tls",
            "ServiceAccount cart",
        ]
    );
}

#[test]
fn workloads_count_replicas_and_name_what_their_pods_will_need() {
    let of = |kind: &str, rest: &str| object(&format!(r#"{{"kind":"{kind}",{META},{rest}}}"#));
    let deployment = of(
        "Deployment",
        r#""spec":{"replicas":5,"selector":{"matchLabels":{"a":"b"}},"template":{"spec":{"serviceAccountName":"cart"}}},"status":{"readyReplicas":2,"updatedReplicas":3}"#,
    );
    assert_eq!(deployment.replicas, Some(Replicas { desired: 5, ready: 2, updated: 3 }));
    assert_eq!(&*deployment.references[0].name, "cart");
    assert_eq!(of("StatefulSet", r#""spec":{},"status":{}"#).replicas.map(|r| r.desired), Some(1));
    let daemons =
        of("DaemonSet", r#""status":{"desiredNumberScheduled":3,"numberReady":2,"updatedNumberScheduled":1}"#);
    assert_eq!(daemons.replicas, Some(Replicas { desired: 3, ready: 2, updated: 1 }));
    assert_eq!(of("ReplicaSet", r#""spec":{"replicas":0}"#).replicas.map(|r| r.desired), Some(0));
    let cron =
        of("CronJob", r#""spec":{"jobTemplate":{"spec":{"template":{"spec":{"imagePullSecrets":[{"name":"s"}]}}}}}"#);
    assert_eq!(&*cron.references[0].kind, "Secret");
    assert_eq!(of("Job", r#""status":{"startTime":"2026-11-21T09:10:00Z"}"#).replicas, None);
}

#[test]
fn the_other_kinds() {
    let of = |kind: &str, rest: &str| object(&format!(r#"{{"kind":"{kind}",{META},{rest}}}"#));
    let node = of(
        "Node",
        r#""spec":{"unschedulable":true,"taints":[{"key":"k","value":"v","effect":"NoSchedule"},{"key":"node.kubernetes.io/unreachable","effect":"NoExecute"}]}"#,
    );
    assert!(node.unschedulable);
    assert_eq!(
        node.taints.iter().map(|t| &**t).collect::<Vec<_>>(),
        ["k=v:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"]
    );
    let service =
        object(&format!(r#"{{"kind":"Service","apiVersion":"v1",{META},"spec":{{"selector":{{"app":"cart"}}}}}}"#));
    assert_eq!(&*service.selector[0].1, "cart");
    let slice = object(
        r#"{"kind":"EndpointSlice","metadata":{"name":"cart-x","namespace":"shop","uid":"u","creationTimestamp":"2026-11-21T09:00:00Z","labels":{"kubernetes.io/service-name":"cart"}},"endpoints":[{"addresses":["1"],"conditions":{"ready":true}},{"addresses":["2"],"conditions":{"ready":false}},{"addresses":["3"]}]}"#,
    );
    assert_eq!((&*slice.service, slice.endpoints), ("cart", Some(Endpoints { ready: 2, not_ready: 1 })));
    let endpoints =
        of("Endpoints", r#""subsets":[{"addresses":[{"ip":"1"}],"notReadyAddresses":[{"ip":"2"},{"ip":"3"}]}]"#);
    assert_eq!((&*endpoints.service, endpoints.endpoints), ("cart", Some(Endpoints { ready: 1, not_ready: 2 })));
    assert_eq!(of("EndpointSlice", r#""endpoints":null"#).endpoints, Some(Endpoints::default()));
    let quota = of(
        "ResourceQuota",
        r#""spec":{"hard":{"pods":"9"}},"status":{"hard":{"pods":"10","cpu":2},"used":{"pods":"10"}}"#,
    );
    assert_eq!(
        quota.quotas.iter().map(|q| format!("{} {}/{}", q.resource, q.used, q.hard)).collect::<Vec<_>>(),
        ["cpu /2", "pods 10/10"]
    );
    let claim = of(
        "PersistentVolumeClaim",
        r#""spec":{"volumeName":"pv-1","storageClassName":"fast"},"status":{"phase":"Pending"}"#,
    );
    assert_eq!((&*claim.phase, claim.references.len()), ("Pending", 2));
    let unknown =
        of("Certificate", r#""spec":{"containers":5},"status":{"conditions":[{"type":"Ready","status":"False"}]}"#);
    assert_eq!(&*unknown.conditions[0].status, "False");
    assert_eq!(of("Rollout", r#""status":"done""#).phase, "".into());
}

#[test]
fn no_value_of_a_secret_or_a_config_map_is_carried() {
    for kind in ["Secret", "ConfigMap"] {
        let text = format!(
            r#"{{"kind":"{kind}",{META},"data":{{"password":"aHVzaA==","url":"http://ann:hush@cart/hush?hush"}},"stringData":{{"p":"hush"}},"type":"Opaque"}}"#
        );
        let shown = format!("{:?}", only(&text));
        assert!(!shown.contains("aHVzaA") && !shown.contains("hush") && !shown.contains("ann"), "{shown}");
    }
}

#[test]
fn dumps_count_as_observed_at_the_latest_field() {
    let pod = |name: &str, fields: &str| {
        format!(
            r#"{{"kind":"Pod","metadata":{{"name":"{name}","namespace":"n","uid":"u","creationTimestamp":"2026-11-21T09:00:00Z"}},"status":{{"phase":"Running"{fields}}}}}"#
        )
    };
    let expiry = r#","conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-11-21T09:20:00Z","expires":"2026-12-31T00:00:00Z"}]"#;
    let text = format!("[{},{}]", pod("a", ""), pod("b", expiry));
    check(&text, &["09:20:00 Pod n/a: state Running", "09:20:00 Pod n/b: state Running"]);
    assert_eq!(read(&text).as_of.unwrap().1, Some("status.conditions[].lastTransitionTime"));
    let lease = r#"{"kind":"Lease","metadata":{"name":"w1","namespace":"kube-node-lease","uid":"u"},"spec":{"renewTime":"2026-11-21T09:40:00.123456Z","holderIdentity":"w1"}}"#;
    check(lease, &["09:40:00.123456 Lease kube-node-lease/w1: state"]);
    let deleting = r#"{"kind":"Pod","metadata":{"name":"a","namespace":"n","uid":"u","creationTimestamp":"2026-11-21T09:00:00Z","deletionTimestamp":"2026-11-21T12:00:00Z"}}"#;
    check(deleting, &["09:00:00 Pod n/a: state"]);
}

#[test]
fn notifications_without_arrival_go_forward_only() {
    let note = |kind: &str, name: &str, at: &str| {
        format!(
            r#"{{"type":"{kind}","object":{{"kind":"Node","metadata":{{"name":"{name}","uid":"u"}},"status":{{"conditions":[{{"type":"Ready","status":"True","lastHeartbeatTime":"2026-11-21T{at}Z"}}]}}}}}}"#
        ) + "\n"
    };
    check(
        &(note("ADDED", "a", "10:00:05")
            + &note("ADDED", "b", "10:00:01")
            + &note("MODIFIED", "b", "10:00:09")
            + &note("DELETED", "a", "10:00:05")),
        &[
            "10:00:05 Node a: state",
            "10:00:05.000001 Node b: state",
            "10:00:09 Node b: state",
            "10:00:09.000001 Node a: deleted",
        ],
    );
}

#[test]
fn notifications_of_one_time_of_arrival_keep_their_order() {
    let note = |kind: &str, at: &str| {
        format!(
            r#"{{"type":"{kind}","time":"2026-11-21T{at}Z","object":{{"kind":"Node","metadata":{{"name":"a","uid":"u"}}}}}}"#
        ) + "\n"
    };
    check(
        &(note("ADDED", "10:00:05")
            + &note("DELETED", "10:00:05")
            + &note("ADDED", "10:00:05")
            + &note("ADDED", "09:00:00")),
        &[
            "10:00:05 Node a: state",
            "10:00:05.000001 Node a: deleted",
            "10:00:05.000002 Node a: state",
            "09:00:00 Node a: state",
        ],
    );
}

#[test]
fn manifests_are_no_observations() {
    let read = read(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: cart\nspec:\n  replicas: 1\n---\nkind: Service\nmetadata:\n  name: cart\n",
    );
    assert_eq!(read.ignored, [Ignored::Manifest, Ignored::Manifest]);
    assert_eq!((read.facts.len(), read.rejected.len()), (0, 0));
    assert!(read.foreign.is_some());
}

#[test]
fn an_owner_that_cannot_be_named_is_none() {
    for owner in [r#"{"name":"cart"}"#, r#"{"kind":"ReplicaSet"}"#, r#"{"kind":"ReplicaSet","name":""}"#] {
        let report = object(&format!(
            r#"{{"kind":"Pod","metadata":{{"name":"cart-0","namespace":"shop","creationTimestamp":"2026-11-21T10:00:00Z","ownerReferences":[{owner}]}},"status":{{"phase":"Running"}}}}"#
        ));
        assert_eq!(report.owner, None, "{owner}");
    }
}

#[test]
fn a_pod_without_owner_references_is_of_the_controller_that_its_labels_name() {
    let owner = |name: &str, labels: &str, references: &str| {
        let report = object(&format!(
            r#"{{"kind":"Pod","metadata":{{"name":"{name}","namespace":"shop","creationTimestamp":"2026-11-21T10:00:00Z","labels":{{{labels}}}{references}}},"status":{{"phase":"Running"}}}}"#
        ));
        report.owner.map(|owner| format!("{} {}", owner.kind, owner.name))
    };
    let cart = owner("cart-5d9c7b4f68-x2x8k", r#""pod-template-hash":"5d9c7b4f68""#, "");
    assert_eq!(cart.as_deref(), Some("ReplicaSet cart-5d9c7b4f68"));
    assert_eq!(owner("cart-other-x2x8k", r#""pod-template-hash":"5d9c7b4f68""#, ""), None, "another name");
    let job = owner("tidy-x2x8k", r#""controller-uid":"u","batch.kubernetes.io/job-name":"tidy""#, "");
    assert_eq!(job.as_deref(), Some("Job tidy"));
    let set = r#""controller-revision-hash":"db-7d","statefulset.kubernetes.io/pod-name":"db-0""#;
    assert_eq!(owner("db-0", set, "").as_deref(), Some("StatefulSet db"));
    let daemon = r#""controller-revision-hash":"7d","pod-template-generation":"1""#;
    assert_eq!(owner("agent-x2x8k", daemon, "").as_deref(), Some("DaemonSet agent"));
    assert_eq!(owner("bare", r#""app":"bare""#, ""), None);
    let other =
        owner("cart-5d-x", r#""pod-template-hash":"5d""#, r#","ownerReferences":[{"kind":"Rollout","name":"r"}]"#);
    assert_eq!(other.as_deref(), Some("Rollout r"), "references come before labels");
}
