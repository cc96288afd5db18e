//! `bellbuoy config activate`: the rules of a running estate change at a place in the journal.

use bellbuoy_core::fact::{Body, Fact};
use bellbuoy_tests::kafka_runner::create;
use bellbuoy_tests::kafka_server::KafkaServer;
use bellbuoy_tests::kafka_topics::Topics;
use bellbuoy_tests::program::bellbuoy;
use bellbuoy_wire::record::Wire;
use bellbuoy_wire::rules::{Config, hash};
use bellbuoy_wire::topic::Topic;
use std::process::Command;

#[test]
fn an_activation_stands_in_the_journal_of_each_cluster() {
    let server = KafkaServer::shared();
    let topics = Topics::of(server, "activate");
    create(server, &topics, &[Topic::Journal], 3);
    let output = Command::new(bellbuoy())
        .args(["config", "activate", "prod-eu", "prod-us"])
        .args(["--bootstrap-servers", &server.bootstrap_servers, "--topic-prefix", &topics.prefix])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    let rules = hash(&Config::default().rule_set());
    assert!(told.contains(&format!("prod-eu is decided by rule set {rules}")), "{told}");
    let journal = topics.read_committed("journal");
    let mut clusters: Vec<String> = journal
        .values()
        .flatten()
        .map(|record| {
            let fact = Fact::decode(record.value.as_deref().unwrap()).unwrap();
            assert!(matches!(&fact.body, Body::Rules(found) if hash(found) == rules), "{:?}", fact.body);
            fact.scope.to_string()
        })
        .collect();
    clusters.sort();
    assert_eq!(clusters, ["prod-eu", "prod-us"]);
}
