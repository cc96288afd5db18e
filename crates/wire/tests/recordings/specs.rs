//! What objects ask for and offer, in the shapes of the Kubernetes API: ports, probes, addresses, storage, backends.

use super::support::{only, read};
use bellbuoy_core::fact::Body;
use bellbuoy_core::object::ObjectRef;
use bellbuoy_core::report::{ObjectReport, Reference};
use bellbuoy_core::spec::{Address, Backend, Probe};

fn fact(api_version: &str, kind: &str, rest: &str) -> (ObjectRef, ObjectReport) {
    let text = format!(
        r#"{{"apiVersion":"{api_version}","kind":"{kind}","metadata":{{"name":"cart","namespace":"shop","uid":"u","creationTimestamp":"2026-11-21T09:00:00Z"}},{rest}}}"#
    );
    let fact = only(&text);
    match fact.body {
        Body::Object(object) => (fact.object, *object),
        other => unreachable!("expected an object, found {other:?}"),
    }
}

fn of(api_version: &str, kind: &str, rest: &str) -> ObjectReport {
    fact(api_version, kind, rest).1
}

fn needs(report: &ObjectReport) -> Vec<String> {
    let show = |reference: &Reference| {
        let key = if reference.key.is_empty() { String::new() } else { format!("/{}", reference.key) };
        let optional = if reference.optional { "?" } else { "" };
        format!("{} {}{key}{optional}", reference.kind, reference.name)
    };
    report.references.iter().map(show).collect()
}

fn told(report: &ObjectReport) -> Vec<String> {
    let show = |address: &Address| format!("{} {}|{}|{}", address.key, address.scheme, address.host, address.port);
    report.addresses.iter().map(show).collect()
}

fn sends(report: &ObjectReport) -> Vec<String> {
    let show = |backend: &Backend| {
        let required = if backend.is_required { "!" } else { "" };
        format!("{}/{}:{}{required}", backend.namespace, backend.service, backend.port)
    };
    report.backends.iter().map(show).collect()
}

const POD_SPEC: &str = r#"{"serviceAccountName":"cart","priorityClassName":"high","runtimeClassName":"gvisor",
    "imagePullSecrets":[{"name":"registry"}],
    "volumes":[{"name":"a","configMap":{"name":"settings","items":[{"key":"a.yaml","path":"a"}]}},
      {"configMap":{"name":"extra","optional":true}},
      {"secret":{"secretName":"tls","optional":true}},{"secret":{"secretName":"key"}},
      {"persistentVolumeClaim":{"claimName":"data"}},
      {"projected":{"sources":[{"configMap":{"name":"kube-root-ca.crt"}},{"secret":{"name":"more","optional":true}},{"serviceAccountToken":{"path":"token"}}]}},
      {"csi":{"driver":"d","nodePublishSecretRef":{"name":"vault"}}},{"emptyDir":{}},{"ephemeral":{"volumeClaimTemplate":{}}}],
    "initContainers":[{"name":"migrate","image":"m:1","env":[{"name":"DB_HOST","value":"pg"},{"name":"DB_PORT","value":"5432"}]}],
    "containers":[{"name":"cart","image":"cart:2",
      "ports":[{"name":"http","containerPort":8080,"protocol":"TCP"},{"containerPort":9090}],
      "resources":{"limits":{"memory":"256Mi","cpu":"1"},"requests":{"memory":"64Mi"}},
      "livenessProbe":{"httpGet":{"path":"/live","port":8080,"scheme":"https"}},
      "readinessProbe":{"tcpSocket":{"port":"http"}},
      "startupProbe":{"exec":{"command":["true"]},"initialDelaySeconds":5,"failureThreshold":30},
      "envFrom":[{"configMapRef":{"name":"env"}},{"secretRef":{"name":"env-secret","optional":true}}],
      "env":[{"name":"NS","value":"shop"},
        {"name":"PAY_URL","value":"http://user:hush@pay.$(NS):81/v1?token=hush"},
        {"name":"PASSWORD","valueFrom":{"secretKeyRef":{"name":"password","key":"p"}}},
        {"name":"FLAG","valueFrom":{"configMapKeyRef":{"name":"flags","key":"f","optional":true}}},
        {"name":"FLAG2","valueFrom":{"configMapKeyRef":{"name":"flags","key":"f"}}},
        {"name":"IP","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}}]},
     {"name":"side","image":"s:1","livenessProbe":{"grpc":{"port":7070}},"readinessProbe":{"httpGet":{"port":"admin"}}}]}"#;

fn check_pod_spec(report: &ObjectReport) {
    assert_eq!(
        needs(report),
        [
            "ConfigMap env",
            "ConfigMap extra?",
            "ConfigMap flags/f",
            "ConfigMap kube-root-ca.crt",
            "ConfigMap settings",
            "PersistentVolumeClaim data",
            "PriorityClass high",
            "RuntimeClass gvisor",
            "Secret env-secret?",
            "Secret key",
            "Secret more?",
            "Secret password/p",
            "Secret registry",
            "Secret tls?",
            "Secret vault",
            "ServiceAccount cart",
        ]
    );
    assert_eq!(told(report), ["DB_HOST |pg|5432", "PAY_URL http|pay.shop|81"]);
    assert!(!format!("{report:?}").contains("hush"));
    let [migrate, cart, side] = &report.containers[..] else { unreachable!("{:?}", report.containers) };
    assert!(migrate.init && !cart.init);
    assert_eq!((&*cart.image, &*cart.memory_limit, &*side.memory_limit), ("cart:2", "256Mi", ""));
    let ports: Vec<_> = cart.ports.iter().map(|port| (&*port.name, port.number)).collect();
    assert_eq!(ports, [("http", 8080), ("", 9090)]);
    let probes = |probes: &[Probe]| -> Vec<String> {
        probes.iter().map(|probe| format!("{} {} {}", probe.kind, probe.scheme, probe.port)).collect()
    };
    assert_eq!(probes(&cart.probes), ["liveness HTTPS 8080", "readiness TCP http", "startup EXEC "]);
    assert_eq!(probes(&side.probes), ["liveness GRPC 7070", "readiness HTTP admin"]);
    assert_eq!(cart.startup_secs, 305);
}

#[test]
fn pods_and_the_templates_of_workloads_say_the_same() {
    check_pod_spec(&of("v1", "Pod", &format!(r#""spec":{POD_SPEC}"#)));
    let template = format!(r#"{{"metadata":{{"labels":{{"tier":"x","app":"cart"}}}},"spec":{POD_SPEC}}}"#);
    for kind in ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController"] {
        let claims = r#""volumeClaimTemplates":[{"metadata":{"name":"own"},"spec":{"storageClassName":"fast"}}]"#;
        let report = of("apps/v1", kind, &format!(r#""spec":{{"template":{template},{claims}}}"#));
        check_pod_spec(&report);
        let labels: Vec<_> = report.pod_labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(labels, ["app=cart", "tier=x"], "{kind}");
    }
    let cron = of("batch/v1", "CronJob", &format!(r#""spec":{{"jobTemplate":{{"spec":{{"template":{template}}}}}}}"#));
    check_pod_spec(&cron);
    assert_eq!(cron.pod_labels.len(), 2);
}

#[test]
fn a_field_of_a_wrong_type_costs_itself_alone() {
    let pod = of(
        "v1",
        "Pod",
        r#""spec":{"imagePullSecrets":"x","volumes":{"a":1},"containers":[{"name":"cart","image":"cart:2","ports":[80,{"containerPort":"8080"},{"containerPort":99999},{"containerPort":{}}],
        "env":[7,null,{"name":5,"value":{"a":1}},{"name":"A_URL","value":"http://a"},{"name":"B_PORT","value":80}],"envFrom":{"x":[]},"livenessProbe":"none","readinessProbe":{"httpGet":{"port":[]}},"startupProbe":5,
        "resources":[1]}]}"#,
    );
    let cart = &pod.containers[0];
    assert_eq!((&*cart.image, cart.startup_secs, cart.ports.len(), cart.probes.len()), ("cart:2", 0, 1, 1));
    assert_eq!((cart.ports[0].number, &*cart.probes[0].port), (8080, ""));
    assert_eq!(told(&pod), ["A_URL http|a|0"]);
    for wrong in ["7", "\"x\"", "[]", "true", "{\"rules\":7,\"podSelector\":[]}", "null"] {
        for (version, kind) in [
            ("networking.k8s.io/v1", "Ingress"),
            ("gateway.networking.k8s.io/v1", "HTTPRoute"),
            ("apiregistration.k8s.io/v1", "APIService"),
            ("networking.istio.io/v1", "VirtualService"),
            ("autoscaling/v2", "HorizontalPodAutoscaler"),
            ("networking.k8s.io/v1", "NetworkPolicy"),
            ("policy/v1", "PodDisruptionBudget"),
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
            ("route.openshift.io/v1", "Route"),
        ] {
            let report = of(version, kind, &format!(r#""spec":{wrong}"#));
            assert_eq!((report.backends, report.denies), (vec![], vec![]), "{kind} {wrong}");
        }
        for (version, kind) in
            [("v1", "ConfigMap"), ("v1", "Secret"), ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration")]
        {
            let rest = format!(
                r#""data":{wrong},"binaryData":7,"webhooks":{wrong},"provisioner":[],"volumeBindingMode":{{}}"#
            );
            assert_eq!(of(version, kind, &rest).backends, []);
        }
    }
}

#[test]
fn services_have_ports_a_type_and_what_a_load_balancer_gives() {
    let service = of(
        "v1",
        "Service",
        r#""spec":{"type":"LoadBalancer","selector":{"app":"cart"},"ports":[{"name":"http","port":80,"targetPort":"web","appProtocol":"http"},{"port":443,"targetPort":8443},{"port":9090},{"port":0}]},"status":{"loadBalancer":{"ingress":[{"ip":"1.2.3.4"},{"hostname":"x"}]}}"#,
    );
    let ports: Vec<_> =
        service.ports.iter().map(|p| format!("{} {} {} {}", p.name, p.number, p.target, p.protocol)).collect();
    assert_eq!(ports, ["http 80 web http", " 443 8443 ", " 9090 9090 "]);
    assert_eq!((&*service.service_type, service.external_addresses, service.selector.len()), ("LoadBalancer", 2, 1));
    let waiting = of("v1", "Service", r#""spec":{"type":"LoadBalancer"},"status":{"loadBalancer":{}}"#);
    assert_eq!(waiting.external_addresses, 0);
    let knative = of("serving.knative.dev/v1", "Service", r#""spec":{"ports":[{"port":80}]}"#);
    assert_eq!(knative.ports, []);
}

#[test]
fn config_maps_name_their_keys_and_tell_addresses_and_secrets_name_their_keys_alone() {
    let data = r#""data":{"REDIS_HOST":"redis","REDIS_PORT":"6379","app.yaml":"cart:\n  url: http://user:hush@cart:8080/x\n","note":"hush"},"binaryData":{"blob":"aHVzaA=="}"#;
    let map = of("v1", "ConfigMap", data);
    let keys: Vec<_> = map.keys.iter().map(|key| &**key).collect();
    assert_eq!(keys, ["REDIS_HOST", "REDIS_PORT", "app.yaml", "blob", "note"]);
    assert_eq!(told(&map), ["REDIS_HOST |redis|6379", "app.yaml http|cart|8080"]);
    assert!(!format!("{map:?}").contains("hush") && !format!("{map:?}").contains("aHVzaA"));
    let secret = of("v1", "Secret", &format!(r#"{data},"stringData":{{"x":"hush"}},"type":"Opaque""#));
    assert_eq!((secret.keys, secret.addresses), (map.keys, vec![]));
    assert_eq!(of("v1", "ConfigMap", r#""data":null"#).keys, []);
}

#[test]
fn claims_volumes_and_classes() {
    let claim = of(
        "v1",
        "PersistentVolumeClaim",
        r#""spec":{"accessModes":["ReadWriteMany"],"resources":{"requests":{"storage":"1.5Gi"}},"storageClassName":"fast","volumeMode":"Filesystem"},"status":{"phase":"Pending"}"#,
    );
    let storage = claim.storage.as_ref().expect("storage");
    assert_eq!((storage.bytes, &*storage.modes[0], storage.class.as_deref()), (3 << 29, "ReadWriteMany", Some("fast")));
    assert_eq!(needs(&claim), ["StorageClass fast"]);
    let (volume, report) = fact(
        "v1",
        "PersistentVolume",
        r#""spec":{"capacity":{"storage":"5Gi"},"claimRef":{"namespace":"shop","name":"data"},"storageClassName":""}"#,
    );
    assert_eq!(&*volume.namespace, "", "a volume has no namespace, whatever somebody writes there");
    assert_eq!(needs(&report), ["PersistentVolumeClaim data"]);
    assert_eq!(report.storage.map(|storage| (storage.bytes, storage.class)), Some((5 << 30, Some("".into()))));
    let class = of("storage.k8s.io/v1", "StorageClass", r#""provisioner":"p","volumeBindingMode":"Immediate""#);
    let storage = class.storage.expect("storage");
    assert_eq!((&*storage.provisioner, &*storage.binding, storage.is_default), ("p", "Immediate", false));
}

#[test]
fn ingresses_and_routes_send_to_services() {
    let ingress = of(
        "networking.k8s.io/v1",
        "Ingress",
        r#""spec":{"ingressClassName":"nginx","tls":[{"hosts":["x"],"secretName":"tls"}],"defaultBackend":{"service":{"name":"web","port":{"name":"http"}}},
        "rules":[{"host":"x","http":{"paths":[{"path":"/","backend":{"service":{"name":"cart","port":{"number":80}}}},{"backend":{"resource":{"kind":"Bucket","name":"b"}}},{"backend":{"service":{"name":"cart","port":{"number":80}}}}]}},{"host":"y"}]}"#,
    );
    assert_eq!(sends(&ingress), ["shop/cart:80", "shop/web:http"]);
    assert_eq!(needs(&ingress), ["IngressClass nginx", "Secret tls"]);
    let old = r#""spec":{"backend":{"serviceName":"web","servicePort":"http"},"rules":[{"http":{"paths":[{"backend":{"serviceName":"cart","servicePort":80}}]}}]}"#;
    for version in ["networking.k8s.io/v1beta1", "extensions/v1beta1", ""] {
        assert_eq!(sends(&of(version, "Ingress", old)), ["shop/cart:80", "shop/web:http"], "{version}");
    }
    assert_eq!(sends(&of("config.openshift.io/v1", "Ingress", old)), [""; 0]);
    let rules = r#""spec":{"rules":[{"backendRefs":[{"name":"cart","port":80},{"name":"pay","namespace":"money","port":81,"kind":"Service","group":""},{"name":"b","kind":"Bucket","group":"x"}]},{}]}"#;
    for kind in ["HTTPRoute", "GRPCRoute", "TLSRoute"] {
        assert_eq!(sends(&of("gateway.networking.k8s.io/v1", kind, rules)), ["money/pay:81", "shop/cart:80"]);
    }
    let route = r#""spec":{"to":{"kind":"Service","name":"cart","weight":100},"port":{"targetPort":"http"}}"#;
    assert_eq!(sends(&of("route.openshift.io/v1", "Route", route)), ["shop/cart:http"]);
    assert_eq!(sends(&of("serving.knative.dev/v1", "Route", route)), [""; 0]);
    let mesh = r#""spec":{"http":[{"route":[{"destination":{"host":"cart","port":{"number":80}}},{"destination":{"host":"pay.money.svc.cluster.local"}},{"destination":{"host":"api.example.com"}},{"destination":{"host":"pay.money"}}]}],"tcp":[{"route":[{"destination":{"host":"db"}}]}]}"#;
    assert_eq!(
        sends(&of("networking.istio.io/v1beta1", "VirtualService", mesh)),
        ["money/pay:", "shop/cart:80", "shop/db:"]
    );
}

#[test]
fn webhooks_and_aggregated_apis_are_asked_before_others_are_answered() {
    let webhooks = r#""webhooks":[{"name":"a","clientConfig":{"service":{"namespace":"sys","name":"a","path":"/x"}}},{"clientConfig":{"service":{"namespace":"sys","name":"b","port":8443}},"failurePolicy":"Ignore"},{"clientConfig":{"service":{"namespace":"sys","name":"c"}},"failurePolicy":"Fail"},{"clientConfig":{"url":"https://x"}}]"#;
    for kind in ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"] {
        let (object, report) = fact("admissionregistration.k8s.io/v1", kind, webhooks);
        assert_eq!(sends(&report), ["sys/a:443!", "sys/b:8443", "sys/c:443!"]);
        assert_eq!(&*object.namespace, "");
    }
    let before = of("admissionregistration.k8s.io/v1beta1", "ValidatingWebhookConfiguration", webhooks);
    assert_eq!(sends(&before), ["sys/a:443", "sys/b:8443", "sys/c:443!"]);
    let api = of(
        "apiregistration.k8s.io/v1",
        "APIService",
        r#""spec":{"service":{"namespace":"kube-system","name":"metrics-server","port":4443}}"#,
    );
    assert_eq!(sends(&api), ["kube-system/metrics-server:4443!"]);
    assert_eq!(sends(&of("apiregistration.k8s.io/v1", "APIService", r#""spec":{"service":null}"#)), [""; 0]);
    let conversion = |strategy: &str| {
        let rest = format!(
            r#""spec":{{"conversion":{{"strategy":"{strategy}","webhook":{{"clientConfig":{{"service":{{"namespace":"sys","name":"conv"}}}}}}}}}}"#
        );
        sends(&of("apiextensions.k8s.io/v1", "CustomResourceDefinition", &rest))
    };
    assert_eq!((conversion("Webhook"), conversion("None")), (vec!["sys/conv:443!".to_owned()], vec![]));
}

#[test]
fn autoscalers_policies_and_budgets() {
    let scaler = of(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        r#""spec":{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"cart"},"maxReplicas":5}"#,
    );
    assert_eq!(needs(&scaler), ["Deployment cart"]);
    for (spec, labels, denies) in [
        (r#"{"podSelector":{}}"#, 0, &["Ingress"][..]),
        (
            r#"{"podSelector":{"matchLabels":{"app":"cart"}},"policyTypes":["Ingress","Egress"]}"#,
            1,
            &["Ingress", "Egress"],
        ),
        (r#"{"podSelector":{"matchLabels":{"app":"cart"}},"policyTypes":["Egress"],"egress":[]}"#, 1, &["Egress"]),
        (r#"{"podSelector":{},"policyTypes":["Ingress"],"ingress":[{}]}"#, 0, &[]),
        (r#"{"podSelector":{},"egress":[{"to":[]}],"ingress":[]}"#, 0, &["Ingress"]),
        (r#"{"podSelector":{"matchLabels":{"a":"b"},"matchExpressions":[{"key":"c","operator":"Exists"}]}}"#, 0, &[]),
        ("{}", 0, &[]),
    ] {
        let policy = of("networking.k8s.io/v1", "NetworkPolicy", &format!(r#""spec":{spec}"#));
        let found: Vec<_> = policy.denies.iter().map(|direction| &**direction).collect();
        assert_eq!((policy.pod_labels.len(), &found[..]), (labels, denies), "{spec}");
    }
    let budget = of(
        "policy/v1",
        "PodDisruptionBudget",
        r#""spec":{"minAvailable":1,"selector":{"matchLabels":{"app":"cart"}}}"#,
    );
    assert_eq!(&*budget.pod_labels[0].1, "cart");
}

#[test]
fn leases_generations_finalizers_and_pauses() {
    let lease = of(
        "coordination.k8s.io/v1",
        "Lease",
        r#""spec":{"renewTime":"2026-11-21T09:40:00.123456Z","leaseDurationSeconds":40,"holderIdentity":"w1"}"#,
    );
    assert_eq!(lease.renewed_at.map(|time| time.0), Some(1_795_254_000_123_456));
    assert_eq!(lease.lease_secs, 40);
    let text = r#"{"apiVersion":"x/v1","kind":"Anything","metadata":{"name":"a","uid":"u","creationTimestamp":"2026-11-21T09:00:00Z","generation":7,"finalizers":["a/b",null,5]},"status":{"observedGeneration":6}}"#;
    let Body::Object(report) = only(text).body else { unreachable!("expected an object") };
    assert_eq!((report.generation, report.observed_generation), (7, 6));
    assert_eq!(report.finalizers.iter().map(|f| &**f).collect::<Vec<_>>(), ["a/b", "5"]);
    assert!(of("apps/v1", "Deployment", r#""spec":{"paused":true}"#).paused);
    assert!(of("batch/v1", "Job", r#""spec":{"suspend":true}"#).paused);
    assert!(of("batch/v1", "CronJob", r#""spec":{"suspend":true}"#).paused);
    assert!(!of("apps/v1", "Deployment", r#""spec":{"paused":"yes"}"#).paused);
}

#[test]
fn the_same_in_yaml_and_in_lists() {
    let yaml = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: c\n    namespace: shop\n    uid: u\n    creationTimestamp: \"2026-11-21T09:00:00Z\"\n  data:\n    app.yaml: |\n      items:\n      - url: http://cart:80\n- apiVersion: networking.k8s.io/v1\n  kind: Ingress\n  metadata:\n    name: i\n    namespace: shop\n    uid: v\n    creationTimestamp: \"2026-11-21T09:00:00Z\"\n  spec:\n    defaultBackend:\n      service:\n        name: cart\n        port:\n          number: 80\n";
    let read_yaml = read(yaml);
    assert_eq!((read_yaml.facts.len(), read_yaml.rejected.len()), (2, 0), "{read_yaml:#?}");
    let objects: Vec<_> = read_yaml
        .facts
        .iter()
        .map(|fact| match &fact.body {
            Body::Object(object) => (told(object), sends(object)),
            other => unreachable!("expected an object, found {other:?}"),
        })
        .collect();
    assert_eq!(objects[0].0, ["app.yaml http|cart|80"]);
    assert_eq!(objects[1].1, ["shop/cart:80"]);
    let list = r#"{"kind":"IngressList","apiVersion":"networking.k8s.io/v1","items":[{"metadata":{"name":"i","namespace":"shop","uid":"v","creationTimestamp":"2026-11-21T09:00:00Z"},"spec":{"defaultBackend":{"service":{"name":"cart","port":{"number":80}}}}}]}"#;
    let Body::Object(report) = only(list).body else { unreachable!("expected an object") };
    assert_eq!(sends(&report), ["shop/cart:80"]);
}
