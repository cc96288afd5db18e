//! Rows of tables and the objects that they become.

use super::*;
use proptest::prelude::*;

/// The objects of all rows, or what is wrong with them.
fn rows(text: &str) -> Vec<Result<Value, String>> {
    let mut cutter = TableCutter::default();
    let mut rows = Vec::new();
    while let Step::Cut(cut) = cutter.step(text.as_bytes(), true) {
        let row = cutter.to_json(&text[cut.begin..cut.end]);
        rows.push(row.map(|json| serde_json::from_str(&json).unwrap()));
    }
    rows
}

#[track_caller]
fn check(text: &str, pointers: &[(&str, Value)]) {
    let rows = rows(text);
    let [Ok(row)] = &rows[..] else { panic!("{text}\n{rows:?}") };
    for (pointer, expect) in pointers {
        assert_eq!(row.pointer(pointer).unwrap_or(&Value::Null), expect, "{pointer} of {row}");
    }
}

#[test]
fn events_of_every_version() {
    let expect = [
        ("/involvedObject/kind", json!("Pod")),
        ("/involvedObject/name", json!("cart-1")),
        ("/reason", json!("BackOff")),
        ("/message", json!("Back-off  restarting failed container")),
        ("/lastTimestamp", json!("-293s")),
    ];
    let newer = "\
$ kubectl get events -n shop
NAMESPACE   LAST SEEN               TYPE      REASON    OBJECT       MESSAGE
shop        4m53s (x72 over 20m)    Warning   BackOff   pod/cart-1   Back-off  restarting failed container
";
    check(newer, &expect);
    let of_newer =
        [("/count", json!(72)), ("/firstTimestamp", json!("-1200s")), ("/metadata/namespace", json!("shop"))];
    check(newer, &of_newer);
    let wide = "\
LAST SEEN   TYPE      REASON    OBJECT       SUBOBJECT                SOURCE              MESSAGE                                 FIRST SEEN   COUNT   NAME
4m53s       Warning   BackOff   Pod/cart-1   spec.containers{cart}    kubelet, worker-1   Back-off  restarting failed container   20m          72      cart-1.17a
";
    check(wide, &expect);
    let of_wide = [("/source/component", json!("kubelet")), ("/source/host", json!("worker-1")), ("/count", json!(72))];
    check(wide, &of_wide);
    let older = "\
LASTSEEN   FIRSTSEEN   COUNT     NAME      KIND      SUBOBJECT   TYPE      REASON    SOURCE               MESSAGE
4m53s      20m         72        cart-1    Pod                   Warning   BackOff   {kubelet worker-1}   Back-off  restarting failed container
";
    check(older, &expect);
    check(older, &[("/source/host", json!("worker-1")), ("/firstTimestamp", json!("-1200s"))]);
}

#[test]
fn events_below_the_description_of_their_object() {
    let text = "\
Name:         cart-1
Namespace:    shop
Node:         worker-1/10.0.0.4
Labels:       app=cart
Containers:
  cart:
    State:          Waiting
Conditions:
  Type              Status
  Ready             False
Events:
  Type     Reason   Age                   From               Message
  ----     ------   ----                  ----               -------
  Warning  BackOff  4m53s (x72 over 20m)  kubelet, worker-1  Back-off  restarting failed container


Name:               worker-1
Roles:              <none>
Events:
  FirstSeen  LastSeen  Count  From               SubObjectPath  Type     Reason                Message
  ---------  --------  -----  ----               -------------  ----     ------                -------
  4h         19s       564    kubelet, worker-1                 Warning  EvictionThresholdMet  Attempting to reclaim nodefs
";
    let rows: Vec<Value> = rows(text).into_iter().map(Result::unwrap).collect();
    let subjects: Vec<_> = rows.iter().map(|row| row["involvedObject"].clone()).collect();
    let cart = json!({"kind": "Pod", "namespace": "shop", "name": "cart-1"});
    assert_eq!(subjects, [cart, json!({"kind": "Node", "namespace": "", "name": "worker-1"})]);
    let counts: Vec<_> = rows.iter().map(|row| row["count"].clone()).collect();
    assert_eq!(counts, [72, 564]);
    assert_eq!(rows[0]["firstTimestamp"], "-1200s");
    assert_eq!(rows[0]["message"], "Back-off  restarting failed container");
    assert_eq!(rows[1]["reason"], "EvictionThresholdMet");
}

#[test]
fn the_container_before_a_message_is_no_part_of_it() {
    for (written, message) in [
        ("spec.containers{cart}: Back-off pulling image \"a\"", "Back-off pulling image \"a\""),
        ("spec.initContainers{wait-for-db}: Error: ErrImagePull", "Error: ErrImagePull"),
        ("spec.containers{a b}: odd", "spec.containers{a b}: odd"),
        ("Killing {x}: y", "Killing {x}: y"),
    ] {
        let text = format!(
            "Name:         cart-1\nNamespace:    shop\nEvents:\n  Type     Reason   Age  From     Message\n  Warning  BackOff  5s   kubelet  {written}\n"
        );
        check(&text, &[("/message", json!(message))]);
    }
}

#[test]
fn what_is_shown_without_an_age_is_there_now() {
    for age in ["<unknown>", "<invalid>", "<invalid> (x8 over <invalid>)"] {
        let text = format!(
            "LAST SEEN   TYPE      REASON             OBJECT       MESSAGE\n{age}   Warning   FailedScheduling   pod/cart-1   0/3 nodes are available\n"
        );
        check(&text, &[("/lastTimestamp", json!("-0s")), ("/reason", json!("FailedScheduling"))]);
    }
}

#[test]
fn pods_and_their_states() {
    let table = |row: &str| format!("NAME     READY   STATUS    RESTARTS        AGE    IP    NODE\n{row}\n");
    let crashing = table("cart-1   1/2     CrashLoopBackOff   12 (30s ago)   5d   10.0.0.7   worker-1");
    let expect = [
        ("/kind", json!("Pod")),
        ("/metadata/namespace", json!("default")),
        ("/metadata/creationTimestamp", json!("-432000s")),
        ("/spec/nodeName", json!("worker-1")),
        ("/status/containerStatuses/0/ready", json!(true)),
        ("/status/containerStatuses/1/ready", json!(false)),
        ("/status/containerStatuses/1/restartCount", json!(12)),
        ("/status/containerStatuses/1/state/waiting/reason", json!("CrashLoopBackOff")),
        ("/status/containerStatuses/1/lastState", Value::Null),
    ];
    check(&crashing, &expect);
    let running = table("cart-1   1/1     Running   12 (30s ago)   5d   10.0.0.7   worker-1");
    let expect = [
        ("/status/containerStatuses/0/restartCount", json!(12)),
        ("/status/containerStatuses/0/state/running/startedAt", json!("-30s")),
        ("/status/containerStatuses/0/lastState/terminated/finishedAt", json!("-30s")),
    ];
    check(&running, &expect);
    let init = table("cart-1   0/1     Init:Error   3   5m   <none>   <none>");
    let expect = [
        ("/spec/nodeName", Value::Null),
        ("/status/initContainerStatuses/0/state/terminated/reason", json!("Error")),
        ("/status/containerStatuses/0/state/waiting/reason", json!("PodInitializing")),
    ];
    check(&init, &expect);
    let of_a_set = table("cart-7d9c5b4f68-x2x8k   1/1   Running   0   5m   10.0.0.7   w1");
    check(&of_a_set, &[("/metadata/ownerReferences/0/name", json!("cart-7d9c5b4f68"))]);
    for (pod, kind) in [
        ("cart-7d9c5b4f68-x2x8k", json!("ReplicaSet")),
        ("report-29272467-x2x8k", json!("Job")),
        ("node-exporter-x2x8k", json!("Workload")),
        ("kube-apiserver-mango", Value::Null),
        ("cart-1", Value::Null),
    ] {
        let row = table(&format!("{pod}   1/1   Running   0   5m   10.0.0.7   w1"));
        check(&row, &[("/metadata/ownerReferences/0/kind", kind)]);
    }
    // What is made for a pod is made on its node, which only a wide table shows.
    for (status, is_scheduled) in [("ContainerCreating", json!("True")), ("Pending", json!("False"))] {
        let row = table(&format!("cart-1   0/1   {status}   0   5m   <none>   <none>"));
        check(&row, &[("/status/conditions/0/status", is_scheduled)]);
    }
    // Out of line, as people shorten what they paste.
    check(&table("cart-1   0/1   Evicted   0   5m   <none>   w1"), &[("/status/reason", json!("Evicted"))]);
    check(&table("cart-1   1/1   Running   0   5m   10.0.0.7   w1"), &[("/status/phase", json!("Running"))]);
}

#[test]
fn nodes_and_their_states() {
    let table =
        |status: &str| format!("NAME   STATUS   ROLES   AGE   VERSION\nw1   {status}   <none>   9d   v1.34.0\n");
    let ready = |status: &str| ("/status/conditions/0/status", json!(status));
    check(&table("Ready"), &[ready("True"), ("/spec/unschedulable", json!(false))]);
    check(&table("NotReady,SchedulingDisabled"), &[ready("Unknown"), ("/spec/unschedulable", json!(true))]);
    let older = "NAME   STATUS     AGE   VERSION\nw1     NotReady   10d   v1.7.2\n";
    check(older, &[ready("Unknown"), ("/kind", json!("Node"))]);
    assert!(rows("NAME   STATUS   AGE   VERSION   PHASE\nx      y        1d    1         z\n").is_empty());
}

#[test]
fn tabs_leave_cells_empty_too() {
    let text = "\
Name:\t\tcart-1
Namespace:\tshop
Containers:
Events:
  FirstSeen\tLastSeen\tCount\tFrom\t\t\tSubobjectPath\t\tType\t\tReason\t\tMessage
  ---------\t--------\t-----\t----\t\t\t-------------\t\t--------\t------\t\t-------
  6m\t\t4m\t\t3\t{kubelet worker-1}\t\t\t\tWarning\t\tFailedMount\tUnable to mount volumes
";
    let expect = [
        ("/involvedObject/name", json!("cart-1")),
        ("/type", json!("Warning")),
        ("/reason", json!("FailedMount")),
        ("/lastTimestamp", json!("-240s")),
        ("/count", json!(3)),
    ];
    check(text, &expect);
}

#[test]
fn conditions_below_the_description_of_their_node() {
    let newer = "\
Name:               w1
Roles:              worker
CreationTimestamp:  Wed, 16 Sep 2020 15:54:14 -0300
Unschedulable:      true
Conditions:
  Type            Status    LastHeartbeatTime                 LastTransitionTime                Reason              Message
  ----            ------    -----------------                 ------------------                ------              -------
  DiskPressure    False     Wed, 16 Sep 2020 16:54:14 -0300   Wed, 16 Sep 2020 15:54:24 -0300   KubeletHasNoDisk    kubelet has no disk pressure
  Ready           Unknown   Wed, 16 Sep 2020 16:54:14 -0300   Wed, 16 Sep 2020 16:55:04 -0300   NodeStatusUnknown   Kubelet stopped posting node status.
Addresses:
  Hostname:  w1
";
    let expect = [
        ("/kind", json!("Node")),
        ("/metadata/name", json!("w1")),
        ("/metadata/creationTimestamp", json!("2020-09-16T15:54:14-03:00")),
        ("/spec/unschedulable", json!(true)),
        ("/status/conditions/0/status", json!("False")),
        ("/status/conditions/1/lastTransitionTime", json!("2020-09-16T16:55:04-03:00")),
        ("/status/conditions/1/message", json!("Kubelet stopped posting node status.")),
    ];
    check(newer, &expect);
    let older = "\
Name:\t\t\tw1
Conditions:
  Type\t\tStatus\tLastHeartbeatTime\t\t\tLastTransitionTime\t\tReason\t\tMessage
  ----\t\t------\t-----------------\t\t\t------------------\t\t------\t\t-------
  NetworkUnavailable \tFalse \tMon, 01 Jan 0001 00:00:00 +0000 \tWed, 07 Sep 2016 18:15:18 -0700 \tRouteCreated \tRouteController created a route
  Ready \t\tUnknown \tSat, 10 Sep 2016 10:38:41 -0700 \tSat, 10 Sep 2016 10:39:26 -0700 \tNodeStatusUnknown \tKubelet stopped posting node status.
";
    let expect = [
        ("/status/conditions/0/lastHeartbeatTime", Value::Null),
        ("/status/conditions/1/type", json!("Ready")),
        ("/status/conditions/1/reason", json!("NodeStatusUnknown")),
    ];
    check(older, &expect);
}

#[test]
fn workloads_and_their_replicas() {
    let replicas = |desired: i64, ready: i64, updated: i64| {
        [
            ("/spec/replicas", json!(desired)),
            ("/status/readyReplicas", json!(ready)),
            ("/status/updatedReplicas", json!(updated)),
        ]
    };
    let of = |kind: &str, name: &str| [("/kind", json!(kind)), ("/metadata/name", json!(name))];
    let deployment = "NAMESPACE   NAME   READY   UP-TO-DATE   AVAILABLE   AGE\nshop        cart   1/3     2            1           5d\n";
    check(deployment, &of("Deployment", "cart"));
    check(deployment, &replicas(3, 1, 2));
    check(deployment, &[("/metadata/creationTimestamp", json!("-432000s")), ("/metadata/namespace", json!("shop"))]);
    let older = "NAME   DESIRED   CURRENT   UP-TO-DATE   AVAILABLE   AGE\ncart   3         3         2            1           5d\n";
    check(older, &of("Deployment", "cart"));
    check(older, &replicas(3, 1, 2));
    let set = "NAME                              DESIRED   CURRENT   READY   AGE\nreplicaset.apps/cart-7d9c5b4f68   3         3         1       5d\n";
    check(set, &of("ReplicaSet", "cart-7d9c5b4f68"));
    check(set, &[("/metadata/ownerReferences/0/name", json!("cart")), ("/status/readyReplicas", json!(1))]);
    let stateful = "NAME                  READY   AGE\nstatefulset.apps/db   2/3     5d\n";
    check(stateful, &of("StatefulSet", "db"));
    check(stateful, &replicas(3, 2, 3));
    let daemons = "NAME    DESIRED   CURRENT   READY   UP-TO-DATE   AVAILABLE   NODE SELECTOR   AGE\nagent   5         5         4       3            4           <none>          5d\n";
    check(daemons, &of("DaemonSet", "agent"));
    check(daemons, &[("/status/desiredNumberScheduled", json!(5)), ("/status/numberReady", json!(4))]);
    let job = |status: &str| {
        format!("NAME   STATUS     COMPLETIONS   DURATION   AGE\ntidy   {status}   0/1           5m         5m\n")
    };
    check(&job("Failed"), &[("/status/conditions/0/type", json!("Failed"))]);
    check(&job("Running"), &[("/status/conditions", json!([]))]);
}

#[test]
fn claims_and_their_volumes() {
    let table = "NAME   STATUS    VOLUME   CAPACITY   ACCESS MODES   STORAGECLASS   AGE\ndb-0   Pending                                        fast           5m\n";
    check(table, &[("/kind", json!("PersistentVolumeClaim")), ("/status/phase", json!("Pending"))]);
    check(table, &[("/spec/volumeName", Value::Null), ("/spec/storageClassName", json!("fast"))]);
}

#[test]
fn everything_at_once() {
    let text = "\
NAME                        READY   STATUS    RESTARTS   AGE
pod/cart-7d9c5b4f68-x2x8k   1/1     Running   0          5m

NAME           TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE
service/cart   ClusterIP   10.0.0.9     <none>        80/TCP    5d

NAME                   READY   UP-TO-DATE   AVAILABLE   AGE
deployment.apps/cart   1/1     1            1           5d
";
    let found: Vec<_> = rows(text).into_iter().map(Result::unwrap).collect();
    let names: Vec<_> = found.iter().map(|row| (row["kind"].clone(), row["metadata"]["name"].clone())).collect();
    assert_eq!(names, [(json!("Pod"), json!("cart-7d9c5b4f68-x2x8k")), (json!("Deployment"), json!("cart"))]);
}

#[test]
fn a_table_with_more_columns_than_those_of_stateful_sets_is_of_another_kind() {
    assert_eq!(rows("NAME   READY   SECRET   AGE\ncart   True    cart     5d\n"), []);
}

#[test]
fn another_heading_begins_another_table() {
    let text = "\
NAME   STATUS   ROLES    AGE   VERSION
w1     Ready    <none>   9d    v1.34.0

NAME     READY   STATUS    RESTARTS   AGE
cart-1   1/1     Running   0          5m
";
    let kinds: Vec<_> = rows(text).into_iter().map(|row| row.unwrap()["kind"].clone()).collect();
    assert_eq!(kinds, ["Node", "Pod"]);
}

#[test]
fn rows_that_are_none_say_so() {
    let text = "NAME   STATUS   ROLES    AGE   VERSION\nerror: the server is gone\n";
    let found = rows(text);
    assert!(matches!(&found[..], [Err(why)] if why.contains("expected")), "{found:?}");
    assert_eq!(rows("NAME   DATA   AGE\na   1   5m\n"), [], "a table of another kind");
}

#[test]
fn ages_become_seconds() {
    for (age, expect) in
        [("4m53s", Some("-293s")), ("1y30d", Some("-34128000s")), ("0s", Some("-0s")), ("3h", Some("-10800s"))]
    {
        assert_eq!(ago(age).as_deref(), expect, "{age}");
    }
    for no_age in ["<unknown>", "", "5", "m", "99999999999999999999d", "<invalid>"] {
        assert_eq!(ago(no_age), None, "{no_age}");
    }
}

proptest! {
    #[test]
    fn whatever_the_bytes_there_is_an_answer(
        heading in prop_oneof![
            Just("NAMESPACE   LAST SEEN   TYPE   REASON   OBJECT   MESSAGE"),
            Just("NAME   READY   STATUS   RESTARTS   AGE"),
            Just("NAME   STATUS   ROLES   AGE"),
            Just("NAME   READY   UP-TO-DATE   AVAILABLE   AGE"),
            Just("NAME   DESIRED   CURRENT   READY   AGE"),
            Just("NAME   STATUS   VOLUME   CAPACITY   ACCESS MODES   STORAGECLASS   AGE"),
            Just("Name:   a\nNamespace:   b\n  Type   Reason   Age   From   Message"),
        ],
        row in "( ?[a-zäé0-9/()<>{},:-]{0,9}[ \t]{0,4}){0,9}",
        bytes in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut text = format!("{heading}\n{row}\n").into_bytes();
        text.extend(bytes);
        let mut cutter = TableCutter::default();
        let mut end = 0;
        while let Step::Cut(cut) = cutter.step(&text, true) {
            prop_assert!(end <= cut.begin && cut.begin < cut.end);
            end = cut.end;
            if let Ok(row) = std::str::from_utf8(&text[cut.begin..cut.end])
                && let Ok(json) = cutter.to_json(row)
            {
                prop_assert!(serde_json::from_str::<Value>(&json).is_ok(), "{json}");
            }
        }
        prop_assert_eq!(cutter.needed_from(), text.len());
    }
}
