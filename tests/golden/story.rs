//! The story of the golden file: a crash loop, a dead node and a full quota in one cluster, and another cluster beside.

use bellbuoy_core::fact::{Body, Fact, Source};
use bellbuoy_core::incident::{Change, Flow, IncidentId};
use bellbuoy_core::object::ObjectRef;
use bellbuoy_core::report::{Action, Command};
use bellbuoy_tests::estate::{Estate, Pod};
use bellbuoy_tests::fold::decide;
use bellbuoy_tests::oracle::Entry;

/// The cluster of the crash loop.
const LEAKING: &str = "production";

/// The journal: all clusters in the order of observation.
pub(crate) fn journal() -> Vec<Entry> {
    // Who acknowledges names the incident as it was seen, so that the story is first told up to there.
    let seen = decide(&facts(None)).records;
    let opened = seen.iter().find_map(|record| match &record.flow {
        Flow::Item(incident) if &*record.scope.0 == LEAKING && incident.changes.contains(&Change::Opened) => {
            Some(incident.id)
        }
        _ => None,
    });
    let mut entries: Vec<Entry> = facts(opened).into_iter().map(|fact| Entry::Fact(Box::new(fact))).collect();
    entries.insert(entries.len() / 2, Entry::Garbage(0, b"no fact at all".into()));
    entries
}

fn facts(opened: Option<IncidentId>) -> Vec<Fact> {
    let mut facts = [production(opened), staging(), edge()].concat();
    facts.sort_by_key(|fact| (fact.observed_at, fact.id));
    facts
}

/// A memory leak that somebody takes, then a node that dies with its pods and comes back, then a quota.
fn production(opened: Option<IncidentId>) -> Vec<Fact> {
    let mut estate = Estate::new(LEAKING);
    let cart = Pod::new("shop", "cart", 1, "worker-2", "registry.acme.dev/shop/cart:2.4.1");
    let pods: Vec<Pod> = (0..4)
        .map(|n| Pod::new("pay", &format!("ledger-{}", n / 2), n, "worker-1", "registry.acme.dev/pay/ledger:7"))
        .collect();
    estate.deployment(&cart, 1, 1).service("shop", "cart", "cart").healthy(&cart).endpoints("shop", "cart", 1, 0);
    for pod in &pods {
        estate.deployment(pod, 2, 2).healthy(pod);
    }
    estate.node("worker-1", "True").node("worker-2", "True").wait(30).tick();
    for restarts in 1..5 {
        estate.oom_killed(&cart, restarts).endpoints("shop", "cart", 0, 1).wait(40).tick();
    }
    acknowledge(&mut estate, opened);
    estate.wait(5).node("worker-1", "Unknown");
    for pod in &pods {
        estate.wait_ms(120).lost(pod);
    }
    estate.wait(60).tick().wait(300).tick();
    let set = ObjectRef::new("ReplicaSet", "batch", "nightly-7d9c5b4f68");
    let quota = "Error creating: pods \"nightly-7d9c5b4f68-x2x4p\" is forbidden: exceeded quota: compute, \
                 requested: pods=1, used: pods=20, limited: pods=20";
    for _ in 0..3 {
        estate.event(&set, "replicaset-controller", "FailedCreate", quota).wait(20).tick();
    }
    estate.node("worker-1", "True");
    for pod in &pods {
        estate.wait_ms(80).healthy(pod);
    }
    estate.healthy(&cart).endpoints("shop", "cart", 1, 0);
    for _ in 0..15 {
        estate.wait(60).tick();
    }
    estate.recording()
}

fn acknowledge(estate: &mut Estate, opened: Option<IncidentId>) {
    let known = opened.map_or_else(|| "inc-0000000000000000".to_owned(), |id| id.to_string());
    for incident in [known.as_str(), "inc-ffffffffffffffff"] {
        let command = Command { by: "mara".into(), incident: incident.into(), action: Action::Acknowledge };
        let nothing = ObjectRef::new("Deployment", "nowhere", "nothing");
        estate.wait_ms(700).report(Source::People, nothing, Body::Command(command));
    }
}

/// An image that is not there.
fn staging() -> Vec<Fact> {
    let mut estate = Estate::new("staging");
    let web = Pod::new("web", "front", 0, "node-a", "registry.acme.dev/web/front:9");
    estate.wait_ms(333).deployment(&web, 1, 0);
    for _ in 0..4 {
        let message = "registry.acme.dev/web/front:9: not found";
        estate.waiting(&web, "ImagePullBackOff", message, 0).wait(50).tick();
    }
    estate.wait(300).tick();
    estate.recording()
}

/// Nothing but health.
fn edge() -> Vec<Fact> {
    let mut estate = Estate::new("edge");
    let proxy = Pod::new("net", "proxy", 0, "edge-1", "registry.acme.dev/net/proxy:1");
    estate.wait_ms(555).deployment(&proxy, 1, 1).healthy(&proxy).wait(100).tick().wait(100).tick();
    estate.recording()
}
