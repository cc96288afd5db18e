//! Addresses in a program's environment that lead nowhere.

use super::Kind;
use crate::cluster::calls::Address;
use crate::cluster::id::Id;
use crate::cluster::template::{EnvValue, Scheme};
use crate::stage::{Fault, Stage};
use serde_json::json;

pub(super) const KINDS: &[Kind] = &[
    Kind::new("address_of_no_service", 22, |stage| wrong(stage, no_service, false)),
    Kind::new("address_of_no_service_by_config_map", 22, |stage| wrong(stage, no_service, true)),
    Kind::new("address_with_wrong_port", 22, |stage| wrong(stage, wrong_port, false)),
    Kind::new("address_with_wrong_port_by_config_map", 22, |stage| wrong(stage, wrong_port, true)),
    Kind::new("address_with_wrong_scheme", 22, |stage| wrong(stage, wrong_scheme, false)),
    Kind::new("address_in_wrong_namespace", 22, |stage| wrong(stage, wrong_namespace, false)),
];

const WORDS: &[&str] =
    &["address", "service", "port", "scheme", "call", "env", "reference", "resolve", "dependency", "endpoint"];

fn no_service(address: &Address) -> String {
    let (name, rest) =
        address.host.split_once('.').map_or((address.host.as_str(), String::new()), |(n, r)| (n, format!(".{r}")));
    format!("http://{name}-svc{rest}:{}", address.port.unwrap_or(80))
}

fn wrong_port(address: &Address) -> String {
    format!("http://{}:{}", address.host, 8999)
}

fn wrong_scheme(address: &Address) -> String {
    format!("https://{}:{}", address.host, address.port.unwrap_or(80))
}

fn wrong_namespace(address: &Address) -> String {
    let name = address.host.split('.').next().unwrap_or_default();
    format!("http://{name}.staging.svc.cluster.local:{}", address.port.unwrap_or(80))
}

/// A workload is rolled out with a wrong address of another, in plain or by its config map.
fn wrong(stage: &mut Stage, change: fn(&Address) -> String, by_config_map: bool) -> Fault {
    let id = stage.caller();
    let Some(template) = stage.cluster.workloads.get(&id).map(|workload| workload.template().clone()) else {
        panic!("{id} is gone")
    };
    let map = Id::new("ConfigMap", &id.namespace, &format!("{}-config", id.name));
    let value = |value: &EnvValue| match value {
        EnvValue::Plain(text) => Some(text.clone()),
        EnvValue::ConfigKey(_, key) => stage.cluster.others.get(&map)?["data"][key].as_str().map(str::to_owned),
        EnvValue::SecretKey(..) => None,
    };
    let env = &template.containers[0].env;
    let of = |at: usize| Address::parse(&value(&env[at].1)?).filter(|address| address.port != Some(5432));
    let Some((at, address)) = (0..env.len()).find_map(|at| Some((at, of(at)?))) else { panic!("{id} calls nobody") };
    let (key, text) = (env[at].0.clone(), change(&address));
    if by_config_map {
        stage.cluster.change(&map, |map| map["data"][&key] = json!(text));
    }
    stage.cluster.apply(&id, |template| {
        template.main().env[at].1 = match by_config_map {
            true => EnvValue::ConfigKey(map.name.clone(), key.clone()),
            false => EnvValue::Plain(text.clone()),
        };
        template.main().env.push(("RELEASE".to_owned(), EnvValue::Plain("2".to_owned())));
    });
    // The address is in both revisions where it stands in the config map, so that every pod that starts is hit.
    let called = address.service(&id.namespace);
    let named = Address::parse(&text).and_then(|address| address.service(&id.namespace));
    let mut fault = Fault::of(&[&id], WORDS).hurting(stage.callers(&id));
    if by_config_map {
        fault.entities.push(map);
    }
    debug_assert!(address.scheme != Some(Scheme::Tcp));
    fault.entities.extend(named.filter(|named| Some(named) != called.as_ref()));
    fault.affected.extend(called);
    fault
}
