//! Bad input is a value: named, counted, and harmless to what stands beside it.

use super::support::{check_bad, read, read_in_chunks};
use bellbuoy_core::fact::Body;
use bellbuoy_wire::recording::{Ignored, Reason};

const GOOD: &str = r#"{"kind":"Event","reason":"R","involvedObject":{"kind":"Node","name":"w1"},"lastTimestamp":"2026-11-21T10:00:00Z"}"#;
const FACT: &str = "10:00:00 Node w1: R ×1";

#[test]
fn truncated_json() {
    for end in 1..GOOD.len() - 1 {
        let text = format!("{}\n{GOOD}\n", &GOOD[..end]);
        let read = read(&text);
        // Where a value may begin at the break, the next line is taken for it.
        assert!(read.facts.len() <= 1 && !read.rejected.is_empty(), "{text}");
        let text = format!("{GOOD}\n{}", &GOOD[..end]);
        check_bad(text.as_bytes(), &[FACT], &["truncated"]);
    }
    check_bad(format!("{}\n{GOOD}", &GOOD[..40]).as_bytes(), &[FACT], &["truncated: "]);
    check_bad(format!(r#"{{"kind":"EventList","items":[{GOOD},{GOOD}"#).as_bytes(), &[FACT, FACT], &["truncated"]);
}

#[test]
fn one_bad_item_does_not_cost_the_list() {
    for (bad, words) in [
        (r#"{"kind":"Event","count":"five"}"#, "wrong type: invalid type: string \"five\", expected i64 at \"count\""),
        (r#"{"kind":"Event","metadata":7}"#, "at \"metadata\""),
        (r#"{"kind":["Pod"]}"#, "expected a string at \"kind\""),
        (
            r#"{"kind":"Pod","metadata":{"name":"a","uid":"u"},"spec":{"containers":"none"}}"#,
            "Pod a: invalid type: string \"none\", expected a list",
        ),
        (r#"{"kind":"Pod","kind":"Pod"}"#, "duplicate field `kind`"),
        (r#"{"kind":"Event", broken}"#, "malformed"),
        (r#"{"kind":"Pod","metadata":{}}"#, "metadata.name of a Pod is empty"),
        (r#"{"kind":"Event","reason":"R"}"#, "no involvedObject.name"),
        (r#"{"some":"thing"}"#, "expected an object of Kubernetes or an alert"),
        ("{}", "expected an object of Kubernetes or an alert"),
        ("17", "expected an object that begins with {"),
    ] {
        let text = format!("{{\"kind\":\"List\",\"items\":[\n{GOOD},\n{bad},\n{GOOD}]}}");
        if bad == "17" {
            check_bad(text.as_bytes(), &[FACT, FACT], &[words]);
            continue;
        }
        check_bad(text.as_bytes(), &[FACT, FACT], &[words]);
        check_bad(format!("{GOOD}\n{bad}\n{GOOD}").as_bytes(), &[FACT, FACT], &[words]);
        check_bad(format!("[{GOOD},{bad},{GOOD}]").as_bytes(), &[FACT, FACT], &[words]);
    }
}

#[test]
fn nulls_in_every_field() {
    let keys = [
        "kind",
        "apiVersion",
        "metadata",
        "spec",
        "status",
        "items",
        "alerts",
        "type",
        "object",
        "time",
        "observedAt",
        "involvedObject",
        "regarding",
        "reason",
        "message",
        "note",
        "firstTimestamp",
        "lastTimestamp",
        "eventTime",
        "count",
        "series",
        "reportingController",
        "reportingComponent",
        "reportingInstance",
        "source",
        "deprecatedSource",
        "namespace",
        "labels",
        "annotations",
        "startsAt",
        "endsAt",
        "updatedAt",
        "activeAt",
        "fingerprint",
        "_source",
        "hits",
        "verb",
        "event",
        "jsonPayload",
        "line",
        "endpoints",
        "subsets",
        "data",
        "binaryData",
        "webhooks",
        "provisioner",
        "volumeBindingMode",
    ];
    for key in keys {
        let text =
            format!(r#"{{"{key}":null,{}"#, &GOOD.replace(&format!("\"{key}\""), &format!("\"not-{key}\""))[1..]);
        let read = read(&text);
        assert_eq!(read.facts.len() + read.rejected.len(), 1, "{text}\n{read:#?}");
    }
    let pod = r#"{"kind":"Pod","metadata":{"name":"a","namespace":null,"uid":"u","labels":null,"ownerReferences":null,"creationTimestamp":"2026-11-21T10:00:00Z"},"spec":{"nodeName":null,"containers":[null,{"name":null,"image":null,"env":null,"envFrom":[null],"startupProbe":null}],"volumes":[null,{"configMap":null}],"imagePullSecrets":null},"status":{"phase":null,"conditions":[null,{"type":null,"status":null,"lastTransitionTime":null}],"containerStatuses":[{"name":null,"ready":null,"restartCount":null,"state":null,"lastState":{"terminated":null}}]}}"#;
    check_bad(pod.as_bytes(), &["10:00:00 Pod a: state"], &[]);
    for kind in [
        "Node",
        "Deployment",
        "DaemonSet",
        "Job",
        "CronJob",
        "Service",
        "EndpointSlice",
        "Endpoints",
        "PersistentVolumeClaim",
        "ResourceQuota",
        "Lease",
        "Secret",
        "ConfigMap",
        "PersistentVolume",
        "StorageClass",
        "Ingress",
        "HTTPRoute",
        "Route",
        "VirtualService",
        "APIService",
        "ValidatingWebhookConfiguration",
        "CustomResourceDefinition",
        "HorizontalPodAutoscaler",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Anything",
    ] {
        for rest in [
            r#""spec":null,"status":null"#,
            r#""spec":{},"status":{}"#,
            r#""spec":{"replicas":null,"template":null,"selector":null,"hard":null,"renewTime":null,"claimRef":null,"taints":null,"jobTemplate":null},"status":{"used":null,"conditions":null}"#,
        ] {
            let text = format!(
                r#"{{"kind":"{kind}","metadata":{{"name":"a","uid":"u","creationTimestamp":"2026-11-21T10:00:00Z"}},{rest}}}"#
            );
            let read = read(&text);
            assert_eq!((read.facts.len(), read.rejected.len()), (1, 0), "{text}");
        }
    }
}

#[test]
fn invalid_utf8_costs_its_object_only() {
    let mut text = format!("{GOOD}\n").into_bytes();
    let bad = GOOD.replace("\"R\"", "\"\u{1}\"").into_bytes();
    text.extend(bad.iter().map(|byte| if *byte == 1 { 0xff } else { *byte }));
    text.extend(format!("\n{GOOD}").as_bytes());
    check_bad(&text, &[FACT, FACT], &["byte 0xff at 26 of the object at \"reason\"; expected UTF-8"]);
    assert_eq!(read_in_chunks(&text, None, 5).rejected[0].line, 2);
}

#[test]
fn messages_of_ten_megabytes_are_cut() {
    let long = "x".repeat(10 << 20);
    let text = GOOD.replace("\"reason\":\"R\"", &format!("\"reason\":\"R\",\"message\":\"{long}\""));
    let read = read_in_chunks(text.as_bytes(), None, 1 << 16);
    let Body::Event(event) = &read.facts[0].body else { panic!() };
    assert!(event.message.len() <= 65_536 && event.message.ends_with("[cut, 10485760 bytes in all]"));
}

#[test]
fn objects_without_an_end_are_given_up() {
    let mut text = GOOD.replace('}', "").into_bytes();
    text.extend(std::iter::repeat_n(b' ', 40 << 20));
    text.extend(format!("\n{GOOD}\n").as_bytes());
    let read = read_in_chunks(&text, None, 1 << 18);
    assert_eq!(read.facts.len(), 1);
    assert_eq!(read.rejected[0].reason, Reason::TooLarge);
}

#[test]
fn depth_bombs() {
    let bomb = format!(
        r#"{{"kind":"Pod","metadata":{{"name":"a","uid":"u"}},"spec":{}{}}}"#,
        "[".repeat(20_000),
        "]".repeat(20_000)
    );
    check_bad(format!("{bomb}\n{GOOD}").as_bytes(), &[FACT], &["too deeply nested"]);
    let mut lists = GOOD.to_owned();
    for _ in 0..60 {
        lists = format!(r#"{{"object":{lists}}}"#);
    }
    check_bad(format!("{lists}\n{GOOD}").as_bytes(), &[FACT], &["too deeply nested"]);
}

#[test]
fn yaml_recovers_at_the_next_document_or_item() {
    let good =
        "kind: Event\nreason: R\ninvolvedObject: {kind: Node, name: w1}\nlastTimestamp: \"2026-11-21T10:00:00Z\"\n";
    check_bad(
        format!("{good}---\nkind: Pod\nmetadata: [\n---\n{good}").as_bytes(),
        &[FACT, FACT],
        &["malformed: expected YAML"],
    );
    let item = |text: &str| format!("- {}", text.trim_end().replace('\n', "\n  ")) + "\n";
    let list = format!("kind: List\nitems:\n{}{}{}", item(good), item("kind: Event\ncount: five"), item(good));
    check_bad(list.as_bytes(), &[FACT, FACT], &["expected i64"]);
    let anchors = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nkind: Pod\n";
    assert_eq!(read(anchors).rejected.len(), 1);
}

#[test]
fn foreign_text_is_told_from_broken_recordings() {
    for text in [
        "",
        "hello\n",
        "{\"level\":\"info\",\"msg\":\"x\"}\n{\"level\":\"warn\"}\n",
        "[INFO] started\n",
        "user_prompt: x\nexpected_output: y\n",
    ] {
        assert!(read(text).foreign.is_some(), "{text}");
    }
    for text in [&GOOD[..60], "{\"kind\":\"PodList\",\"items\":[]}", GOOD] {
        assert_eq!(read(text).foreign, None, "{text}");
    }
    assert_eq!(read("{\"kind\":\"PodList\",\"items\":[]}").ignored, [Ignored::EmptyList]);
    assert_eq!(
        read(r#"{"kind":"Status","status":"Failure","message":"forbidden","code":403}"#).ignored,
        [Ignored::Status]
    );
}
