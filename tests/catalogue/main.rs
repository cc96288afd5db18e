//! What the built-in catalogue makes of what Kubernetes and its tools say: each meaning found, what is harmless left alone.

#![expect(clippy::unwrap_used, reason = "tests fail by panics, in their helpers too")]

use bellbuoy_correlate::Catalogue;
use bellbuoy_wire::rules::Config;
use std::sync::Arc;

#[test]
fn timing() {
    let t = std::time::Instant::now();
    let rules = Config::default().rule_set();
    println!("load {:?} signals {}", t.elapsed(), rules.catalogue.len());
    let t = std::time::Instant::now();
    let _ = Catalogue::new(Arc::new(rules));
    println!("compile {:?}", t.elapsed());
    let _ = Some(1).unwrap();
}
