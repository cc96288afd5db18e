//! How much memory the embedded pipeline takes with many episodes open: all three stages over a store on disk.
//!
//! `cargo bench -p bellbuoy-benches --bench memory -- --help`.

use bellbuoy_benches::Failure;
use bellbuoy_benches::resident::resident_bytes;
use bellbuoy_benches::table::count;
use bellbuoy_classify::Classify;
use bellbuoy_core::fact::Fact;
use bellbuoy_core::incident::{Flow, Incident, IncidentId, Stamped};
use bellbuoy_correlate::Correlate;
use bellbuoy_escalate::Escalate;
use bellbuoy_local::disk::{DiskLog, Settings};
use bellbuoy_local::pipeline::{Event, Limits, Pipeline};
use bellbuoy_tests::estate::{Estate, Pod};
use bellbuoy_tests::fold::default_rules;
use clap::Parser;
use std::collections::HashMap;

/// Resident memory with 100,000 open episodes, the store's cache capped at 64 MiB.
const RESIDENT_BYTES_MAX: u64 = 500_000_000;
const CACHE_BYTES_MAX: u64 = 64 << 20;

/// Pods that are reported together.
const PODS_AT_ONCE: usize = 1_000;

/// Workloads of a namespace, and pods of a node.
const WORKLOADS_OF_A_NAMESPACE: usize = 100;
const PODS_OF_A_NODE: usize = 30;

/// Opens one episode on each of many workloads, each an incident of its own, through all stages and a store on disk,
/// and says how much memory the process has resident then.
#[derive(Debug, Parser)]
#[command(name = "memory")]
struct Arguments {
    /// Episodes, at most 100,000: more are not remembered.
    #[arg(long, default_value_t = 100_000)]
    episodes: usize,
    /// Memory in MiB for what was written and not yet sorted onto disk; by default what the store takes by itself.
    #[arg(long)]
    unsorted_mib: Option<u64>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<(), Failure> {
    let mut arguments = Arguments::parse();
    if !arguments.bench {
        println!("run by cargo bench, this measures; now it only tries whether everything runs");
        arguments.episodes = 1_000;
    }
    let folder = tempfile::Builder::new().prefix("bellbuoy-bench-").tempdir()?;
    let mut settings = Settings { cache_bytes_max: CACHE_BYTES_MAX, ..Settings::default() };
    if let Some(mib) = arguments.unsorted_mib {
        settings.unsorted_bytes_max = mib << 20;
    }
    let rules = default_rules();
    let mut pipeline = Pipeline::new(DiskLog::open(folder.path(), settings)?, Limits::default());
    let correlate = Correlate::new(rules.clone());
    let (for_classify, for_escalate) = (rules.clone(), rules);
    pipeline.add(move || correlate.clone())?;
    pipeline.add(move || Classify::new(for_classify.clone()))?;
    pipeline.add(move || Escalate::new(for_escalate.clone()))?;
    let before = resident_bytes()?;
    let mut open: HashMap<IncidentId, u32> = HashMap::new();
    for facts in batches(arguments.episodes) {
        pipeline.append(&facts)?;
        let mut failed = None;
        pipeline.run_until_idle(|event| failed = note(&event, &mut open).err().or(failed.take()))?;
        failed.map_or(Ok(()), Err)?;
    }
    let episodes: u64 = open.values().map(|episodes| u64::from(*episodes)).sum();
    let incidents = open.values().filter(|episodes| **episodes > 0).count();
    // What the bench itself keeps to count them does not belong to the pipeline.
    drop(open);
    let after = resident_bytes()?;
    println!(
        "{} open episodes in {} incidents: {} MB resident, {} MB before; at most {} MB with a cache of {} MiB: {}",
        count(usize::try_from(episodes)?),
        count(incidents),
        after / 1_000_000,
        before / 1_000_000,
        RESIDENT_BYTES_MAX / 1_000_000,
        CACHE_BYTES_MAX >> 20,
        if after <= RESIDENT_BYTES_MAX { "kept" } else { "MISSED" },
    );
    match episodes >= arguments.episodes as u64 {
        true => Ok(()),
        false => Err(format!("expected {} episodes to be open, found {episodes}", arguments.episodes).into()),
    }
}

/// Notes how many episodes of an incident are open.
fn note(event: &Event<'_>, open: &mut HashMap<IncidentId, u32>) -> Result<(), Failure> {
    if let Some(record) = event.value::<Stamped<Incident>>()
        && let Flow::Item(incident) = record?.flow
    {
        open.insert(incident.id, incident.open_count);
    }
    Ok(())
}

/// Pods that crash again and again, each of a workload of its own, and two minutes in which they go on.
fn batches(pods: usize) -> impl Iterator<Item = Vec<Fact>> {
    let batches = pods.div_ceil(PODS_AT_ONCE);
    let failing = (0..batches).map(move |batch| {
        let mut estate = Estate::new("memory");
        estate.wait(i64::try_from(batch).unwrap_or(i64::MAX));
        for n in batch * PODS_AT_ONCE..pods.min((batch + 1) * PODS_AT_ONCE) {
            let namespace = format!("team-{}", n / WORKLOADS_OF_A_NAMESPACE);
            let (workload, node) = (format!("app-{n}"), format!("worker-{}", n / PODS_OF_A_NODE));
            let pod = Pod::new(&namespace, &workload, n, &node, &format!("registry.acme.dev/{workload}:1.0"));
            let message = format!("back-off 5m0s restarting failed container=main pod={}", pod.name);
            estate.waiting(&pod, "CrashLoopBackOff", &message, 9);
        }
        estate.tick();
        estate.facts()
    });
    let mut end = Estate::new("memory");
    end.wait(i64::try_from(batches).unwrap_or(i64::MAX)).watch(120);
    failing.chain([end.facts()])
}
