//! What the configuration takes, what it refuses, and in which words.

use super::config::{Config, DEFAULT_YAML};
use super::settings::{LogFormat, Mechanism, Protocol, Secret};
use super::{from_document, hash, to_document};
use bellbuoy_core::rules::{Class, ComponentRule, Limits, Match, Relation, Role, SignalRule};
use bellbuoy_core::severity::Severity;
use bellbuoy_core::time::Span;
use regex::Regex;

fn load(text: &str) -> Config {
    Config::load(text, "test.yaml").unwrap_or_else(|error| panic!("{text}\n{error}"))
}

/// The whole complaint, one problem a line.
#[track_caller]
fn refuse(text: &str, expect: &[&str]) {
    let error = Config::load(text, "t").expect_err(text).to_string();
    assert_eq!(error.lines().collect::<Vec<_>>(), expect, "{text}");
}

#[test]
fn the_embedded_files_are_valid_and_complete() {
    // Loading an empty file reports everything that is wrong with the embedded ones, missing keys included.
    let empty = load("");
    assert_eq!(empty, Config::default());
    assert!(!empty.catalogue.is_empty() && !empty.causality.is_empty() && !empty.owners.is_empty());
    assert_eq!(empty.policy.tiers.first().map(|tier| &*tier.receiver), Some("owner"));
}

#[test]
fn the_default_is_its_own_fixed_point() {
    assert_eq!(load(DEFAULT_YAML), Config::default());
}

#[test]
fn the_limits_of_the_file_are_those_of_the_code() {
    assert_eq!(Config::default().limits, Limits::default());
}

#[test]
fn the_examples_in_the_default_are_valid() {
    // What is commented out under the last three sections is a user's template: without the marks it must load.
    let (_, examples) = DEFAULT_YAML.split_once("# catalogue:\n").unwrap();
    let (catalogue, rest) = examples.split_once("# components:\n").unwrap();
    let (components, causality) = rest.split_once("# causality:\n").unwrap();
    let uncomment = |text: &str| {
        let lines = text.lines().filter_map(|line| line.strip_prefix("#   ").map(|rest| format!("  {rest}\n")));
        lines.collect::<String>()
    };
    let text =
        ["catalogue:\n", &uncomment(catalogue), "components:\n", &uncomment(components), "causality:\n"].concat();
    let text = text + &uncomment(causality);
    let config = load(&text);
    assert_eq!(config.catalogue[0].matches.len(), 7);
    assert_eq!(config.rule_set().signal("CrashLoopBackOff").unwrap().severity, Severity::P2);
    assert!(config.causality.iter().any(|rule| &*rule.name == "no licence, no start"));
    assert_eq!(config.components.last().map(|component| &*component.name), Some("licence-server"));
}

#[test]
fn the_example_in_the_readme_is_valid() {
    let readme = include_str!("../../../../README.md");
    let examples = readme.split("```yaml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    let config = load(examples.into_iter().find(|example| example.contains("catalogue:")).unwrap());
    assert_eq!(&*config.catalogue[0].code, "LicenceExpired");
    assert!(config.rule_set().signal("CPUThrottlingHigh").unwrap().matches.is_empty());
}

#[test]
fn the_default_rule_set_goes_through_its_document() {
    let rules = Config::default().rule_set();
    assert_eq!(from_document(&to_document(&rules)).unwrap(), rules);
}

#[test]
fn a_file_changes_what_it_names_and_nothing_else() {
    let config = load("policy: {settle: 2m, page_from: P2}\nlimits:\n  reopen_within: 1h\ncluster: prod-eu\n");
    let mut expect = Config::default();
    expect.policy.settle = Span::from_secs(120);
    expect.policy.page_from = Severity::P2;
    expect.limits.reopen_within = Span::from_secs(3_600);
    expect.cluster = "prod-eu".into();
    assert_eq!(config, expect);
    assert_ne!(hash(&config.rule_set()), hash(&Config::default().rule_set()));
}

#[test]
fn settings_that_decide_nothing_leave_the_rule_set_as_it_is() {
    let config = load("embedded: {data_dir: /var/lib/bellbuoy}\ntelemetry: {log_format: json}\n");
    assert_eq!(config.telemetry.log_format, LogFormat::Json);
    assert_eq!(hash(&config.rule_set()), hash(&Config::default().rule_set()));
}

#[test]
fn lists_are_replaced_as_a_whole() {
    let config = load("policy:\n  tiers:\n  - {receiver: me, channel: mail, ack_timeout: 1h}\nowners: []\n");
    assert_eq!(config.policy.tiers.len(), 1);
    assert!(config.owners.is_empty());
}

#[test]
fn sections_and_lists_that_are_commented_out_are_as_good_as_none() {
    assert_eq!(load("policy:\n  # settle: 1m\ncatalogue:\ncausality:\nkafka:\n  properties:\n"), Config::default());
}

#[test]
fn kafka_with_tls_and_sasl() {
    let text = "
kafka:
  bootstrap_servers: ['a:9093', 'b:9093']
  security:
    protocol: sasl_ssl
    tls: {ca_file: /ca.pem, verify_hostname: false}
    sasl: {mechanism: SCRAM-SHA-256, username: bell, password: {file: /run/secrets/kafka}}
  properties: {socket.keepalive.enable: true, client.rack: '7'}
";
    let kafka = load(text).kafka;
    assert_eq!(kafka.bootstrap_servers.len(), 2);
    assert_eq!(kafka.security.protocol, Protocol::SaslSsl);
    assert_eq!(kafka.security.tls.ca_file, Some("/ca.pem".into()));
    assert_eq!((kafka.security.tls.verify_hostname, kafka.security.tls.key_file), (false, None));
    assert_eq!(kafka.security.sasl.mechanism, Mechanism::ScramSha256);
    assert_eq!(kafka.security.sasl.password, Secret::File("/run/secrets/kafka".into()));
    assert_eq!(kafka.properties.get("socket.keepalive.enable").map(String::as_str), Some("true"));
    let oauth = "{mechanism: OAUTHBEARER, token_url: 'https://id/token', client_id: b, client_secret: {env: SECRET}}";
    let kafka = load(&format!("kafka: {{security: {{protocol: sasl_plaintext, sasl: {oauth}}}}}")).kafka;
    assert_eq!(kafka.security.sasl.client_secret, Secret::Env("SECRET".into()));
}

#[test]
fn unknown_keys() {
    refuse("polcy: {}\n", &["t:1:1: polcy: unknown key \"polcy\"; did you mean policy?"]);
    refuse(
        "policy:\n  settle: 1m\n  setle: 2m\n",
        &["t:3:3: policy.setle: unknown key \"setle\"; did you mean settle?"],
    );
    refuse(
        "policy: {tiers: [{receiver: a, channel: b, ack_timeout: 1m, ack_timout: 1m}]}\n",
        &["t:1:61: policy.tiers[0].ack_timout: unknown key \"ack_timout\"; did you mean ack_timeout?"],
    );
    refuse(
        "embedded:\n  zzz: 1\n",
        &["t:2:3: embedded.zzz: unknown key \"zzz\"; known here: data_dir, sync_every, cache_bytes_max"],
    );
    refuse(
        "kafka: {security: {sasl: {pasword: {}}}}\n",
        &["t:1:27: kafka.security.sasl.pasword: unknown key \"pasword\"; did you mean password?"],
    );
}

#[test]
fn wrong_values_say_what_would_have_been_right() {
    let check = |text: &str, expect: &str| refuse(text, &[expect]);
    check(
        "policy:\n  settle: 5 minutes\n",
        "t:2:11: policy.settle: expected a duration such as 500ms, 30s, 5m, 2h or 1d, found \"5 minutes\"",
    );
    check("policy: {page_from: high}", "t:1:21: policy.page_from: expected one of P1, P2, P3, P4, P5, found \"high\"");
    check(
        "limits: {objects_max: 5}",
        "t:1:23: limits.objects_max: expected a whole number from 1000 to 100000000, found \"5\"",
    );
    check(
        "limits: {objects_max: [5]}",
        "t:1:23: limits.objects_max: expected a whole number from 1000 to 100000000, found a list",
    );
    check("limits: 7", "t:1:9: limits: expected a mapping, found \"7\"");
    check("- 7", "t:1:1: expected a mapping, found a list");
    check("cluster: a b", "t:1:10: cluster: expected a name of 1 to 253 bytes without blanks, found \"a b\"");
    check("cluster:", "t:1:8: cluster: expected a name of 1 to 253 bytes without blanks, found nothing");
    check("default_owner: ''", "t:1:16: default_owner: expected a text, found \"\"");
    check(
        "embedded: {cache_bytes_max: 64MB}",
        "t:1:29: embedded.cache_bytes_max: expected a number of bytes such as 4096, 64KiB, 256MiB or 2GiB, found \"64MB\"",
    );
    check(
        "kafka: {bootstrap_servers: [broker]}",
        "t:1:29: kafka.bootstrap_servers: expected host:port, found \"broker\"",
    );
    check(
        "kafka: {bootstrap_servers: broker:9092}",
        "t:1:28: kafka.bootstrap_servers: expected a list, found \"broker:9092\"",
    );
    check(
        "kafka: {commit_every: 10s}",
        "t:1:23: kafka.commit_every: expected a commit_every (10s) shorter than transaction_timeout (10s)",
    );
    check(
        "telemetry: {otlp_endpoint: localhost}",
        "t:1:28: telemetry.otlp_endpoint: expected an address that begins with http:// or https://, found \"localhost\"",
    );
    check("a: [", "t:1:4: expected YAML: unclosed bracket '['");
}

#[test]
fn every_problem_is_told_at_once_in_the_order_of_the_file() {
    refuse(
        "telemetry: {lok: info}\npolicy:\n  settle: x\n",
        &[
            "t:1:13: telemetry.lok: unknown key \"lok\"; did you mean log?",
            "t:3:11: policy.settle: expected a duration such as 500ms, 30s, 5m, 2h or 1d, found \"x\"",
        ],
    );
}

#[test]
fn a_policy_that_tells_nobody_is_refused() {
    let text = "expected at least one tier with a receiver: otherwise nobody is ever paged";
    refuse("policy:\n  tiers: []\n", &[&format!("t:2:10: policy.tiers: {text}")]);
    refuse(
        "policy:\n  tiers:\n  - {receiver: '', channel: pager, ack_timeout: 5m}\n",
        &[&format!("t:3:5: policy.tiers: {text}")],
    );
    let tier = "{receiver: a, channel: b, ack_timeout: 1m}";
    load(&format!("policy: {{tiers: [{}]}}", [tier; 20].join(", ")));
    refuse(
        &format!("policy: {{tiers: [{}]}}", [tier; 21].join(", ")),
        &["t:1:17: policy.tiers: expected at most 20 tiers, found 21"],
    );
    refuse("policy:\n  tiers:\n", &["t:2:8: policy.tiers: expected a list, found nothing"]);
    refuse(
        "policy: {tiers: [{receiver: a, channel: pager}]}",
        &["t:1:18: policy.tiers[0]: expected the key ack_timeout"],
    );
}

#[test]
fn secrets_do_not_stand_in_the_file_nor_in_a_complaint() {
    let text = "expected {file: PATH} or {env: NAME}: secrets do not stand in this file";
    refuse(
        "kafka: {security: {sasl: {password: hunter2}}}",
        &[&format!("t:1:37: kafka.security.sasl.password: {text}")],
    );
    refuse(
        "kafka: {security: {sasl: {password: {file: a, env: b}}}}",
        &["t:1:37: kafka.security.sasl.password: expected either file or env, found both"],
    );
    refuse(
        "kafka:\n  security:\n    protocol: sasl_ssl\n",
        &["t:3:15: kafka.security.protocol: expected username and password under sasl, as SCRAM-SHA-512 needs them"],
    );
    refuse(
        "kafka: {security: {tls: {ca_file: a}}}",
        &["t:1:25: kafka.security.tls: expected protocol ssl or sasl_ssl: with the present one nothing is encrypted"],
    );
    refuse(
        "kafka: {properties: {isolation.level: read_uncommitted}}",
        &[
            "t:1:22: kafka.properties: isolation.level is Bellbuoy's own: exactly-once rests on it, so that it cannot be set",
        ],
    );
    let error = Config::load("kafka: {properties: {sasl.password: hunter2}}", "t").unwrap_err().to_string();
    assert!(error.contains("sasl.password is Bellbuoy's own") && !error.contains("hunter2"), "{error}");
}

const LICENCE: &str = "
catalogue:
- code: LicenceExpired
  area: application diagnostics
  says: has no valid licence
  severity: P2
  matches:
  - event: {reason: LicenceCheckFailed, pattern: 'licence .* expired'}
  test: 'licence of tenant 7 expired'
";

#[test]
fn a_signal_of_ones_own_comes_first_with_its_defaults() {
    let config = load(LICENCE);
    let expect = SignalRule {
        code: "LicenceExpired".into(),
        area: "application diagnostics".into(),
        says: "has no valid licence".into(),
        role: Role::Symptom,
        class: Class::Converging,
        severity: Severity::P2,
        grace: Span::from_secs(300),
        heals_after: Span::from_secs(60),
        matches: vec![Match::Event {
            kind: "".into(),
            reason: "LicenceCheckFailed".into(),
            component: "".into(),
            pattern: "licence .* expired".into(),
        }],
        ..SignalRule::default()
    };
    assert_eq!(config.catalogue[0], expect);
    assert_eq!(config.catalogue[1..], Config::default().catalogue);
}

#[test]
fn an_entry_of_a_built_in_code_changes_the_fields_that_it_names() {
    let config = load("catalogue:\n- {code: NodeNotReady, severity: P1, matches: []}\n");
    let mut expect = Config::default();
    let rule = expect.catalogue.iter_mut().find(|rule| &*rule.code == "NodeNotReady").unwrap();
    (rule.severity, rule.matches) = (Severity::P1, Vec::new());
    assert_eq!(config, expect);
}

#[test]
fn signals_that_are_refused() {
    let check = |from: &str, to: &str, expect: &[&str]| {
        let text = LICENCE.replace(from, to);
        assert_ne!(text, LICENCE);
        refuse(&text, expect);
    };
    check(
        "'licence .* expired'",
        "'licence ( expired'",
        &["t:8:50: catalogue[0].matches[0].event.pattern: expected a regular expression (unclosed group), \
         found \"licence ( expired\""],
    );
    check("  severity: P2\n", "", &["t:3:3: catalogue[0]: expected the key severity"]);
    check(
        "severity: P2",
        "severty: P2",
        &[
            "t:3:3: catalogue[0]: expected the key severity",
            "t:6:3: catalogue[0].severty: unknown key \"severty\"; did you mean severity?",
        ],
    );
    check(
        "licence of tenant 7 expired",
        "licence lost",
        &["t:9:9: catalogue[0].test: no pattern of this entry matches the message \"licence lost\""],
    );
    check(
        "  test: 'licence of tenant 7 expired'\n",
        "",
        &["t:3:3: catalogue[0]: expected the key test with a message that a pattern of this entry matches"],
    );
    check(
        "- event: {reason: LicenceCheckFailed, pattern: 'licence .* expired'}",
        "- event: {kind: Pod}\n  - waiting: {reason: A, pattern: licence}",
        &["t:8:12: catalogue[0].matches[0].event: expected a value for reason or pattern"],
    );
    check(
        "  test:",
        "  - {}\n  test:",
        &["t:9:5: catalogue[0].matches[1]: expected one of event, waiting, terminated, condition, phase, \
         state, alert"],
    );
    check(
        "  test:",
        "  - evnt: {reason: a}\n  test:",
        &[
            "t:9:5: catalogue[0].matches[1]: expected one of event, waiting, terminated, condition, phase, \
             state, alert",
            "t:9:5: catalogue[0].matches[1].evnt: unknown key \"evnt\"; did you mean event?",
        ],
    );
    check(
        "  test:",
        "  - alert: {name: 'a['}\n  test:",
        &["t:9:19: catalogue[0].matches[1].alert.name: expected a regular expression (unclosed character class), \
         found \"a[\""],
    );
}

#[test]
fn a_list_of_words_stands_for_each_of_them() {
    let text = "catalogue:\n- {code: NodeNotReady, matches: [event: {kind: [Node, Pod], reason: [A, B]}, terminated: \
                {exit_code: ['126', '127']}]}\n";
    let rule = load(text).rule_set().signal("NodeNotReady").unwrap().clone();
    let words: Vec<_> = rule
        .matches
        .iter()
        .map(|one| match one {
            Match::Event { kind, reason, .. } => format!("{kind} {reason}"),
            Match::Terminated { exit_code, .. } => exit_code.to_string(),
            _ => String::new(),
        })
        .collect();
    assert_eq!(words, ["Node A", "Node B", "Pod A", "Pod B", "126", "127"]);
    refuse(
        &text.replace("[A, B]", "[]"),
        &["t:2:41: catalogue[0].matches[0].event: expected a value for reason or pattern"],
    );
}

#[test]
fn a_message_is_tried_against_the_patterns_and_no_pattern_takes_any() {
    let entry = |fields: &str| format!("catalogue:\n- {{code: NodeNotReady, {fields}}}\n");
    load(&entry("matches: [event: {reason: A}], test: [x, y]"));
    load(&entry("matches: [event: {reason: A, pattern: x}, waiting: {reason: B, pattern: y}], test: [x1, y1]"));
    load(&entry("matches: [alert: {name: A}]"));
    refuse(
        &entry("matches: [alert: {name: x}], test: x"),
        &["t:2:59: catalogue[0].test: no pattern of this entry matches the message \"x\""],
    );
}

#[test]
fn a_code_that_stands_twice_is_refused() {
    refuse(
        "catalogue:\n- {code: NodeNotReady, severity: P1}\n- {code: NodeNotReady, severity: P2}\n",
        &["t:3:10: catalogue[1].code: the code \"NodeNotReady\" stands in this list a second time"],
    );
}

#[test]
fn an_edge_of_ones_own() {
    let text = "causality:\n- name: mine\n  causes: [LicenceExpired]\n  effects: [CrashLoopBackOff]\n  relation: \
                service-backend\n  infer: true\n  infer_from: 1\n  says: so it goes\n";
    let config = load(&format!("{LICENCE}{text}"));
    let rule = config.causality.last().unwrap();
    assert_eq!((rule.relation, rule.strength, rule.infer, rule.infer_from), (Relation::ServiceBackend, 50, true, 1));
    assert_eq!((rule.delay_max, rule.lead_max), (Span::from_secs(600), Span::from_secs(120)));
    refuse(
        &text.replace("LicenceExpired", "NodeNotRedy"),
        &["t:3:12: causality[0].causes: the catalogue has no signal \"NodeNotRedy\"; did you mean NodeNotReady?"],
    );
    let text = text.replace("LicenceExpired", "NodeNotReady");
    refuse(
        &text.replace("service-backend", "servicebackend"),
        &["t:5:13: causality[0].relation: expected one of same, node, service-backend, image, registry, namespace, \
           reference, referrer, call, node-agent, cluster, some-node, within, sidecar (did you mean service-backend?), found \"servicebackend\""],
    );
    refuse(
        &text.replace("infer: true", "infer: yes"),
        &["t:6:10: causality[0].infer: expected true or false, found \"yes\""],
    );
    refuse(&text.replace("  says: so it goes\n", ""), &["t:2:3: causality[0]: expected the key says"]);
}

#[test]
fn groups_and_reasons_stand_for_their_signals() {
    let edge = |causes: &str, more: &str| {
        format!(
            "causality:\n- {{name: mine, causes: [{causes}], effects: [NotReady], relation: same, says: so{more}}}\n"
        )
    };
    let causes = |text: &str| load(text).causality.pop().unwrap().causes;
    let failing = causes(&edge("'@pod-fails'", ""));
    assert!(failing.iter().any(|code| &**code == "ImagePullBackOff/NotFound"), "{failing:?}");
    assert_eq!(causes(&edge("'@pod-fails', CrashLoopBackOff", "")), failing, "each signal once");
    let pressure = causes(&edge("'NodePressure/*'", ""));
    assert!(pressure.len() > 1 && pressure.iter().all(|code| code.starts_with("NodePressure/")), "{pressure:?}");
    refuse(
        &edge("'@pod-fail'", ""),
        &["t:2:25: causality[0].causes: there is no group \"@pod-fail\"; did you mean @pod-fails?"],
    );
    refuse(
        &edge("'Nothing/*'", ""),
        &["t:2:25: causality[0].causes: the catalogue has no signal that begins with \"Nothing/\""],
    );
}

#[test]
fn an_edge_across_the_cluster_says_what_of() {
    let edge = |more: &str| {
        format!(
            "causality:\n- {{name: mine, causes: [NotReady], effects: [Unhealthy], says: so, relation: cluster{more}}}\n"
        )
    };
    let rule = load(&edge(", components: [dns], pattern: 'no such host'")).causality.pop().unwrap();
    assert_eq!((rule.relation, &*rule.components[0], &*rule.pattern), (Relation::Cluster, "dns", "no such host"));
    load(&edge(", pattern: 'no such host'"));
    refuse(
        &edge(""),
        &["t:2:78: causality[0].relation: expected components or a pattern beside cluster, which reaches everything"],
    );
    refuse(
        &edge(", components: [dnss]"),
        &["t:2:100: causality[0].components: there is no component \"dnss\"; did you mean dns?"],
    );
    refuse(
        &edge(", pattern: 'a('"),
        &["t:2:96: causality[0].pattern: expected a regular expression (unclosed group), found \"a(\""],
    );
}

#[test]
fn a_component_of_ones_own() {
    let text = "components:\n- {name: ledger, area: application diagnostics, severity: P2, names: 'ledger(-.*)?'}\n- \
                {name: dns, severity: P2}\n";
    let config = load(text);
    let component = config.components.last().unwrap();
    assert_eq!((&*component.name, component.severity, &*component.names), ("ledger", Severity::P2, "ledger(-.*)?"));
    let dns = |config: &Config| config.components.iter().find(|one| &*one.name == "dns").cloned().unwrap();
    assert_eq!(dns(&config), ComponentRule { severity: Severity::P2, ..dns(&Config::default()) });
    assert_eq!(config.rule_set().components, config.components);
    refuse(&text.replace(", names: 'ledger(-.*)?'", ""), &["t:2:3: components[0]: expected the key names"]);
    refuse(&text.replace("ledger(-.*)?", ""), &["t:2:70: components[0].names: expected a pattern for the whole name"]);
    refuse(
        &text.replace("ledger(-.*)?", "ledger("),
        &["t:2:70: components[0].names: expected a regular expression (unclosed group), found \"ledger(\""],
    );
}

#[test]
fn components_take_in_what_clusters_call_them() {
    let components = Config::default().components;
    let whole = |pattern: &str| Regex::new(&format!("^(?:{pattern})$")).unwrap();
    let compiled: Vec<_> = components.iter().map(|one| (one, whole(&one.namespace), whole(&one.names))).collect();
    let check = |kind: &str, namespace: &str, name: &str, expect: &str| {
        let fits = compiled.iter().find(|(one, namespaces, names)| {
            (one.kinds.is_empty() || one.kinds.iter().any(|known| **known == *kind))
                && (one.namespace.is_empty() || namespaces.is_match(namespace))
                && names.is_match(name)
        });
        let found = fits.map_or("", |(one, ..)| &*one.name);
        assert_eq!(found, expect, "{kind} {namespace}/{name}");
    };
    check("Pod", "kube-system", "etcd-master-1", "etcd");
    check("Pod", "kube-system", "kube-apiserver-master-1", "kube-apiserver");
    check("Service", "default", "kubernetes", "kube-apiserver");
    check("Lease", "kube-system", "kube-scheduler", "kube-scheduler");
    check("Pod", "kube-system", "kube-scheduler-master-1", "kube-scheduler");
    check("Lease", "kube-system", "kube-controller-manager", "kube-controller-manager");
    check("Deployment", "kube-system", "aws-cloud-controller-manager", "cloud-controller-manager");
    check("Deployment", "kube-system", "coredns", "dns");
    check("Service", "kube-system", "kube-dns", "dns");
    check("DaemonSet", "kube-system", "node-local-dns", "dns");
    check("DaemonSet", "openshift-dns", "dns-default", "dns");
    check("Deployment", "kube-system", "rke2-coredns-rke2-coredns", "dns");
    check("DaemonSet", "kube-system", "kube-proxy", "kube-proxy");
    check("DaemonSet", "calico-system", "calico-node", "cni");
    check("DaemonSet", "kube-system", "cilium", "cni");
    check("DaemonSet", "kube-flannel", "kube-flannel-ds", "cni");
    check("DaemonSet", "kube-system", "aws-node", "cni");
    check("DaemonSet", "kube-system", "kindnet", "cni");
    check("Deployment", "ingress-nginx", "ingress-nginx-controller", "ingress");
    check("Deployment", "kube-system", "traefik", "ingress");
    check("Deployment", "istio-system", "istio-ingressgateway", "ingress");
    check("Deployment", "istio-system", "istiod", "mesh");
    check("Deployment", "linkerd", "linkerd-destination", "mesh");
    check("DaemonSet", "kube-system", "ebs-csi-node", "csi");
    check("Deployment", "kube-system", "local-path-provisioner", "csi");
    check("Deployment", "kube-system", "metrics-server", "metrics-server");
    check("APIService", "", "v1beta1.metrics.k8s.io", "metrics-server");
    check("Deployment", "cert-manager", "cert-manager-webhook", "cert-manager");
    check("Deployment", "kube-system", "cluster-autoscaler", "autoscaler");
    check("Deployment", "karpenter", "karpenter", "autoscaler");
    check("Deployment", "harbor", "harbor-core", "registry");
    check("Deployment", "auth", "dex", "identity");
    check("Deployment", "kubernetes-dashboard", "kubernetes-dashboard", "dashboard");
    check("Deployment", "argocd", "argocd-repo-server", "deploy");
    check("Deployment", "kyverno", "kyverno-admission-controller", "policy");
    check("StatefulSet", "monitoring", "prometheus-k8s", "monitoring");
    check("DaemonSet", "gpu-operator", "nvidia-device-plugin-daemonset", "devices");
    check("Deployment", "databases", "postgres-operator", "operators");
    check("Deployment", "metallb-system", "controller", "load-balancer");
    // What anybody may run.
    for name in ["cart", "checkout-gateway", "orders-db", "frontend", "registration", "dexterity", "etcdish"] {
        check("Deployment", "shop", name, "");
    }
}

#[test]
fn owners_that_are_refused() {
    refuse("owners: [{name: a}]", &["t:1:10: owners[0]: expected the key owner"]);
    refuse(
        "owners: [{name: a, owner: b, signal: NodeNotRead}]",
        &["t:1:38: owners[0].signal: the catalogue has no signal \"NodeNotRead\"; did you mean NodeNotReady?"],
    );
    refuse(
        "owners: [{name: a, owner: b, namespace: '*-prod'}]",
        &["t:1:41: owners[0].namespace: expected a namespace or a prefix and *, found \"*-prod\""],
    );
}

#[test]
fn whatever_the_bytes_there_is_an_answer() {
    for text in ["\u{0}", "\u{feff}cluster: x", "a: &a [*a]", "%YAML 9.9\n---\n", "\t", "? ", "!!binary x", "'", "|"] {
        let _ = Config::load(text, "t");
    }
}
