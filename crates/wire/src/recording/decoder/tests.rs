//! The two ways to read a piece, held against each other.

use super::*;

/// What was found, and how much of it looks like a recording.
type Found = (Vec<Item>, u64);

/// What both ways find in a piece: in one pass, with its length, if that succeeds, and with care.
fn both(text: &str) -> (Option<(usize, Found)>, Found) {
    let scope = Scope::cluster("cluster");
    let read = |read: &mut dyn FnMut(&mut Reader<'_>)| {
        let (mut found, mut claims) = (Vec::new(), 0);
        read(&mut Reader { scope: &scope, claims: &mut claims, sink: &mut |item| found.push(item) });
        (found, claims)
    };
    let mut length = None;
    let at_once = read(&mut |reader| length = reader.at_once(text, Place::outermost(1, 0, "")));
    let careful = read(&mut |reader| reader.text(text, Place::outermost(1, 0, "")));
    (length.map(|length| (length, at_once)), careful)
}

/// The piece is read in one pass, and as with care.
fn check(text: &str) {
    let (at_once, careful) = both(text);
    assert_eq!(at_once, Some((text.len(), careful)), "{text}");
    let behind = format!("{text},{{\"kind\"");
    assert_eq!(both(&behind).0.map(|(length, _)| length), Some(text.len()), "what stands behind does not matter");
}

const META: &str = r#""metadata":{"name":"a","namespace":"s","uid":"u","creationTimestamp":"2026-11-21T10:00:00Z"}"#;
const SPEC: &str =
    r#""spec":{"nodeName":"w1","containers":[{"name":"main","image":"i:1","startupProbe":{"httpGet":{"port":80}}}]}"#;
const STATUS: &str = r#""status":{"phase":"Running","reason":7,"conditions":[{"type":"Ready","status":"False","lastTransitionTime":"2026-11-21T10:00:01Z"}],"startTime":"2026-11-21T10:00:02Z","containerStatuses":[{"name":"main","ready":true,"state":{"running":{"startedAt":"2026-11-21T10:00:03Z"}}}],"observedGeneration":3}"#;

#[test]
fn both_ways_find_the_same() {
    let pods = [
        format!(r#"{{"kind":"Pod",{META},{SPEC},{STATUS}}}"#),
        format!(r#"{{{META},{SPEC},"kind":"Pod",{STATUS}}}"#),
        format!(r#"{{{STATUS},{SPEC},{META},"kind":"P\u006fd"}}"#),
        format!(r#"{{"kind":"Pod",{META},"spec":null,"status":null}}"#),
        format!(r#"{{"kind":"Deployment",{META},"spec":{{"replicas":3,"template":{{}}}},{STATUS}}}"#),
    ];
    for pod in &pods {
        check(pod);
        for notice in ["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"] {
            check(&format!(r#"{{"type":"{notice}","object":{pod}}}"#));
            check(&format!(r#"{{"time":"2026-11-21T10:00:09Z","object":{{"object":{pod},"type":"{notice}"}}}}"#));
        }
    }
    for pod in [pods[0].replace(r#""kind":"Pod","#, ""), pods[4].replace("Deployment", "")] {
        check(&pod);
        check(&format!(r#"{{"type":"ADDED","object":{pod}}}"#));
    }
    let event = r#"{"kind":"Event","reason":"R","involvedObject":{"kind":"Node","name":"w1"},"source":{"component":"kubelet","host":"w1"},"lastTimestamp":"2026-11-21T10:00:00Z"}"#;
    check(event);
    check(&event.replace(r#""kind":"Event","#, ""));
    check(&event.replace(r#"{"component":"kubelet","host":"w1"}"#, "null"));
    check(&format!(r#"{{"kind":"Event","object":7,{}"#, &event[16..]));
    check(r#"{"labels":{"alertname":"A"},"startsAt":"2026-11-21T10:00:00Z"}"#);
}

#[test]
fn an_object_without_a_kind_is_what_its_parts_say() {
    let pod = format!(r#"{{{META},{SPEC},{STATUS}}}"#);
    for text in [pod.clone(), format!(r#"[{pod}]"#), format!(r#"{{"items":[{pod}]}}"#)] {
        let mut decoder = Decoder::new(Scope::cluster("cluster"));
        let mut found = Vec::new();
        decoder.feed(text.as_bytes(), |item| found.push(item));
        decoder.finish(|item| found.push(item));
        let [Item::Draft(draft)] = &found[..] else { panic!("{text}: {found:?}") };
        assert_eq!(draft.object.entity().to_string(), "Pod s/a", "{text}");
    }
}

#[test]
fn what_takes_a_closer_look_gets_it() {
    let pod = format!(r#"{{"kind":"Pod",{META},{SPEC},{STATUS}}}"#);
    for text in [
        pod.replace("\"Running\"", "}"),
        pod.replace("10:00:01Z", "late"),
        pod.replace(SPEC, &format!("{SPEC},{SPEC}")),
        pod.replace("[{\"type\"", "[7,{\"type\""),
        pod.replace("\"w1\"", "{}"),
        format!(r#"{{"kind":"PodList","items":[{pod}]}}"#),
        format!(r#"{{"type":"ADDED","object":{{"kind":"PodList","items":[{pod},{pod}]}}}}"#),
        pod[..pod.len() - 1].to_owned(),
        r#"{"kind":"Pod","metadata":{}}"#.to_owned(),
        "7".to_owned(),
    ] {
        assert_eq!(both(&text).0, None, "{text}");
    }
}

#[test]
fn particulars_of_kinds_are_the_same_both_ways() {
    let part = r#"[{"conditions":[{"type":"Accepted","status":"False","reason":"R","message":"no such service","lastTransitionTime":"2026-11-21T10:00:05Z"}]}]"#;
    let error = r#"{"message":"could not","time":"2026-11-21T10:00:06Z"}"#;
    let kinds = [
        ("HTTPRoute", format!(r#"{{"parents":{part}}}"#), "no such service"),
        ("GRPCRoute", format!(r#"{{"parents":{part}}}"#), "no such service"),
        ("TLSRoute", format!(r#"{{"parents":{part}}}"#), "no such service"),
        ("TCPRoute", format!(r#"{{"parents":{part}}}"#), "no such service"),
        ("UDPRoute", format!(r#"{{"parents":{part}}}"#), "no such service"),
        ("Gateway", format!(r#"{{"listeners":{part}}}"#), "no such service"),
        ("VolumeAttachment", format!(r#"{{"attachError":{error}}}"#), "could not"),
        ("VolumeAttachment", format!(r#"{{"detachError":{error}}}"#), "could not"),
        ("VolumeSnapshot", format!(r#"{{"error":{error}}}"#), "could not"),
        ("VolumeSnapshotContent", format!(r#"{{"error":{error}}}"#), "could not"),
        (
            "PersistentVolumeClaim",
            r#"{"phase":"Bound","allocatedResourceStatuses":{"storage":"NodeResizeInfeasible"}}"#.to_owned(),
            "NodeResizeInfeasible",
        ),
        (
            "Application",
            r#"{"health":{"status":"Degraded","message":"m"},"operationState":{"phase":"Failed","message":"one object failed","finishedAt":"2026-11-21T10:00:07Z"}}"#
                .to_owned(),
            "one object failed",
        ),
        ("Volume", r#"{"robustness":"faulted"}"#.to_owned(), "faulted"),
        ("CephCluster", r#"{"phase":"Ready","ceph":{"health":"HEALTH_ERR"}}"#.to_owned(), "HEALTH_ERR"),
        ("Elasticsearch", r#"{"phase":"Ready","health":"red"}"#.to_owned(), "red"),
    ];
    for (kind, status, words) in &kinds {
        let object = format!(r#"{{"kind":"{kind}",{META},"status":{status}}}"#);
        for text in [
            object.clone(),
            format!(r#"{{{META},"status":{status},"kind":"{kind}"}}"#),
            format!(r#"{{"type":"MODIFIED","object":{object}}}"#),
        ] {
            check(&text);
            let (items, _) = both(&text).1;
            assert!(format!("{items:?}").contains(words), "{kind}: expected {words:?} in {items:?}");
        }
    }
    check(&format!(
        r#"{{"kind":"Namespace",{META},"spec":{{"finalizers":["kubernetes"]}},"status":{{"phase":"Terminating"}}}}"#
    ));
    // Pods have nothing of the kind, whatever their status holds.
    check(&format!(r#"{{"kind":"Pod",{META},"status":{{"phase":"Running","error":{error},"health":"red"}}}}"#));
}

#[test]
fn envelopes_of_one_piece_hold_the_same_both_ways() {
    let event = r#"{"reason":"R","involvedObject":{"kind":"Node","name":"w1"},"source":{"component":"kubelet"},"eventTime":"2026-11-21T10:00:00.000001Z"}"#;
    check(&format!(r#"{{"_id":"x","_source":{event}}}"#));
    check(&format!(r#"{{"insertId":"x","jsonPayload":{event}}}"#));
    check(&format!(r#"{{"verb":"ADDED","event":{event}}}"#));
    check(&format!(r#"{{"verb":"DELETED","event":{event}}}"#));
    check(&format!(r#"{{"labels":{{"app":"events"}},"line":{event:?}}}"#));
    check(r#"{"labels":{"alertname":"A"},"state":"pending","activeAt":"2026-11-21T10:00:00Z"}"#);
    check(r#"{"apiVersion":"troubleshoot.sh/v1beta2","kind":"SupportBundle","spec":{}}"#);
    for text in [
        format!(r#"{{"hits":{{"hits":[{{"_source":{event}}}]}}}}"#),
        format!(r#"{{"status":"success","data":[{event}]}}"#),
        format!(r#"{{"status":"success","data":{{"result":[{{"values":[["1",{event:?}]]}}]}}}}"#),
        r#"{"status":"success","data":{"alerts":[]}}"#.to_owned(),
        r#"{"labels":{"app":"cart"},"line":"GET / 200"}"#.to_owned(),
        r#"{"labels":{"app":"cart"},"msg":"started"}"#.to_owned(),
    ] {
        assert_eq!(both(&text).0, None, "{text}");
    }
}

/// What a decoder finds in a source that comes in parts of that size, with what can be read ahead of each part and
/// without. Returns the number of pieces that were read ahead too.
fn with_and_without_reading_ahead(source: &[u8], part: usize) -> (Vec<Item>, Vec<Item>, usize) {
    let scope = Scope::cluster("cluster");
    let read = |is_ahead: bool| {
        let (mut decoder, mut found, mut offset, mut taken) = (Decoder::new(scope.clone()), Vec::new(), 0, 0);
        for bytes in source.chunks(part) {
            let layout = decoder.layout().filter(|_| is_ahead);
            let ahead = layout.map(|layout| layout.read_ahead(&scope, bytes, offset)).unwrap_or_default();
            taken += ahead.len();
            decoder.feed_ahead(bytes, ahead, |item| found.push(item));
            offset += bytes.len() as u64;
        }
        decoder.finish(|item| found.push(item));
        (found, decoder.claims, decoder.foreign(), taken)
    };
    let (ahead, claims, foreign, taken) = read(true);
    let plain = read(false);
    assert_eq!((claims, foreign), (plain.1, plain.2));
    (ahead, plain.0, taken)
}

#[test]
fn what_is_read_ahead_is_what_comes() {
    let pod =
        |n: usize| format!(r#"{{"kind":"Pod",{},{SPEC},{STATUS}}}"#, META.replace("\"a\"", &format!("\"a-{n}\"")));
    let pods: Vec<String> = (0..200).map(pod).collect();
    let bad =
        ["7", "{\"kind\":\"Pod\"", "{\"kind\":\"Pod\",\"metadata\":{}}", "}", "{\"type\":\"é", "[", "{\n{\n", "]"];
    let with_bad: Vec<String> =
        (0..).zip(&pods).flat_map(|(n, pod)| [pod.clone(), bad[n / 8 % 8].to_owned()]).collect();
    let item = |pod: &String| pod.replace(r#""kind":"Pod","#, "");
    let pretty = |pod: &String| pod.replace(",\"", ",\n            \"").replace("{\"kind\"", "        {\"kind\"");
    let list = |items: Vec<String>, with: &str| items.join(with);
    let sources = [
        (pods.join("\n"), true),
        (format!("[\n{}\n]", pods.join(",\n")), true),
        (format!("{{\"items\":[\n{}],\"kind\":\"PodList\"}}", list(pods.iter().map(pretty).collect(), ",\n")), true),
        (
            format!(
                "{{\"kind\":\"PodList\",\"items\":[\n{}]}}\n{}",
                list(pods.iter().map(item).collect(), ",\n"),
                list(pods.iter().map(item).collect(), "\n"),
            ),
            true,
        ),
        (with_bad.join("\n"), true),
        (pods.concat(), false),
        (pods.join("\n---\n"), true),
    ];
    for (number, (source, is_ahead)) in sources.iter().enumerate() {
        let mut most = 0;
        for part in [1_000, 4_097, 10_000, 65_536] {
            let (ahead, plain, taken) = with_and_without_reading_ahead(source.as_bytes(), part);
            assert_eq!(ahead, plain, "source {number} in parts of {part}");
            assert!(plain.len() >= 200, "source {number}: {}", plain.len());
            most = most.max(taken);
        }
        assert_eq!(most >= 40, *is_ahead, "source {number}: {most} pieces were read ahead");
    }
}
