//! Raw recordings as clusters give them, made up: Events of core/v1, and pods as a watch reports them.

use bellbuoy_tests::chaos::Seed;
use std::fmt::Write;

/// How many pods the recording is about.
const PODS: usize = 3_000;

/// JSON lines of about so many bytes: four Events to one watch notification of a pod, with `managedFields` and all that
/// an API server writes of them.
pub fn json_lines(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 8_192);
    let mut seed = Seed(0x0be1_1b01);
    let mut number = 0_usize;
    while text.len() < bytes {
        let pod = seed.below(PODS);
        match number % 5 {
            4 => pod_notification(&mut text, number, pod),
            _ => event(&mut text, number, pod, seed.below(20)),
        }
        text.push('\n');
        number += 1;
    }
    text
}

/// When an object was seen: ten of them a second, from the beginning of 2026 on.
fn time(number: usize) -> String {
    let seconds = number / 10;
    format!(
        "2026-01-{:02}T{:02}:{:02}:{:02}Z",
        1 + seconds / 86_400 % 28,
        seconds / 3_600 % 24,
        seconds / 60 % 60,
        seconds % 60
    )
}

fn name(pod: usize) -> String {
    format!("app-{}-7d9c5b4f68-{:05x}", pod / 3, pod)
}

fn event(text: &mut String, number: usize, pod: usize, which: usize) {
    let (name, namespace, time) = (name(pod), format!("team-{}", pod % 40), time(number));
    let (kind, reason, message) = match which {
        0 => (
            "Warning",
            "Unhealthy",
            "Readiness probe failed: Get \\\"http://10.244.3.17:8080/ready\\\": context deadline exceeded \
             (Client.Timeout exceeded while awaiting headers)"
                .to_owned(),
        ),
        1 if pod < 6 => (
            "Warning",
            "BackOff",
            format!(
                "Back-off restarting failed container main in pod {name}_{namespace}(5f0c3a52-0000-4000-8000-{pod:012x})"
            ),
        ),
        n if n % 3 == 0 => {
            let image = format!("registry.acme.dev/team/app-{}:1.27.0", pod / 3);
            ("Normal", "Pulled", format!("Container image \\\"{image}\\\" already present on machine"))
        }
        n if n % 3 == 1 => ("Normal", "Created", "Created container: main".to_owned()),
        _ => ("Normal", "Started", "Started container main".to_owned()),
    };
    // Writing to memory cannot fail.
    let _ = write!(
        text,
        r#"{{"kind":"Event","apiVersion":"v1","metadata":{{"name":"{name}.{number:016x}","namespace":"{namespace}","uid":"8c8f0c95-0000-4000-8000-{number:012x}","resourceVersion":"{number}","creationTimestamp":"{time}","managedFields":[{{"manager":"kubelet","operation":"Update","apiVersion":"v1","time":"{time}","fieldsType":"FieldsV1","fieldsV1":{{"f:count":{{}},"f:firstTimestamp":{{}},"f:involvedObject":{{}},"f:lastTimestamp":{{}},"f:message":{{}},"f:reason":{{}},"f:reportingComponent":{{}},"f:reportingInstance":{{}},"f:source":{{"f:component":{{}},"f:host":{{}}}},"f:type":{{}}}}}}]}},"involvedObject":{{"kind":"Pod","namespace":"{namespace}","name":"{name}","uid":"5f0c3a52-0000-4000-8000-{pod:012x}","apiVersion":"v1","resourceVersion":"{number}","fieldPath":"spec.containers{{main}}"}},"reason":"{reason}","message":"{message}","source":{{"component":"kubelet","host":"worker-{node}"}},"firstTimestamp":"{time}","lastTimestamp":"{time}","count":1,"type":"{kind}","eventTime":null,"reportingComponent":"kubelet","reportingInstance":"worker-{node}"}}"#,
        node = pod % 100,
    );
}

fn pod_notification(text: &mut String, number: usize, pod: usize) {
    let (name, namespace, app, time) = (name(pod), format!("team-{}", pod % 40), pod / 3, time(number));
    let _ = write!(
        text,
        r#"{{"type":"MODIFIED","object":{{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"{name}","generateName":"app-{app}-7d9c5b4f68-","namespace":"{namespace}","uid":"5f0c3a52-0000-4000-8000-{pod:012x}","resourceVersion":"{number}","creationTimestamp":"2026-01-01T00:00:00Z","labels":{{"app.kubernetes.io/name":"app-{app}","pod-template-hash":"7d9c5b4f68"}},"ownerReferences":[{{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"app-{app}-7d9c5b4f68","uid":"794592d2-0000-4000-8000-{app:012x}","controller":true,"blockOwnerDeletion":true}}],"managedFields":[{{"manager":"kubelet","operation":"Update","apiVersion":"v1","time":"{time}","fieldsType":"FieldsV1","fieldsV1":{{"f:status":{{"f:conditions":{{"k:{{\"type\":\"ContainersReady\"}}":{{".":{{}},"f:lastProbeTime":{{}},"f:lastTransitionTime":{{}},"f:status":{{}},"f:type":{{}}}},"k:{{\"type\":\"Ready\"}}":{{".":{{}},"f:lastProbeTime":{{}},"f:lastTransitionTime":{{}},"f:status":{{}},"f:type":{{}}}}}},"f:containerStatuses":{{}},"f:hostIP":{{}},"f:phase":{{}},"f:podIP":{{}},"f:startTime":{{}}}}}},"subresource":"status"}}]}},"spec":{{"volumes":[{{"name":"kube-api-access","projected":{{"sources":[{{"serviceAccountToken":{{"expirationSeconds":3607,"path":"token"}}}},{{"configMap":{{"name":"kube-root-ca.crt","items":[{{"key":"ca.crt","path":"ca.crt"}}]}}}}],"defaultMode":420}}}}],"containers":[{{"name":"main","image":"registry.acme.dev/team/app-{app}:1.27.0","resources":{{"requests":{{"cpu":"100m","memory":"128Mi"}}}},"volumeMounts":[{{"name":"kube-api-access","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}}],"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"default","nodeName":"worker-{node}","schedulerName":"default-scheduler","tolerations":[{{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}}],"priority":0}},"status":{{"phase":"Running","conditions":[{{"type":"Initialized","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-01-01T00:00:00Z"}},{{"type":"Ready","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-01-01T00:00:04Z"}},{{"type":"ContainersReady","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-01-01T00:00:04Z"}},{{"type":"PodScheduled","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-01-01T00:00:00Z"}}],"hostIP":"172.18.0.2","podIP":"10.244.0.5","startTime":"2026-01-01T00:00:00Z","containerStatuses":[{{"name":"main","state":{{"running":{{"startedAt":"2026-01-01T00:00:03Z"}}}},"lastState":{{}},"ready":true,"restartCount":0,"image":"registry.acme.dev/team/app-{app}:1.27.0","containerID":"containerd://58e668ba55950e6d08340f496f5e7f33f3d92cbfcbf366ce5e5f5c50a3926c71","started":true}}],"qosClass":"Burstable"}}}}}}"#,
        node = pod % 100,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw_object::parse_lines;

    #[test]
    fn every_line_is_one_object() {
        let text = json_lines(200_000);
        assert!((200_000..210_000).contains(&text.len()), "{} bytes", text.len());
        let parsed = parse_lines(&text).unwrap();
        assert_eq!(parsed.objects, text.lines().count());
        assert_eq!(parsed.pods, parsed.objects / 5);
        assert_eq!(parsed.events, parsed.objects - parsed.pods);
        let bytes_each = text.len() / parsed.objects;
        assert!((1_000..2_500).contains(&bytes_each), "{bytes_each} bytes an object, as real ones have");
    }
}
