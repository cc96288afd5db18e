//! `run`: one stage on Apache Kafka, until it is told to stop.

use crate::cli::{RunArgs, StageName};
use crate::kafka_settings;
use crate::per_partition::PerPartition;
use crate::telemetry::Metrics;
use anyhow::{Context, anyhow, bail};
use bellbuoy_classify::Classify;
use bellbuoy_core::incident::Stamped;
use bellbuoy_core::stage::Stage;
use bellbuoy_correlate::Correlate;
use bellbuoy_escalate::Escalate;
use bellbuoy_kafka::config::Config as RunnerConfig;
use bellbuoy_kafka::error::Error;
use bellbuoy_kafka::runner::Runner;
use bellbuoy_kafka::status::Status;
use bellbuoy_kafka::topics::{Shape, ensure_topics};
use bellbuoy_wire::record::Wire;
use bellbuoy_wire::rules::Config;
use bellbuoy_wire::topic::Topic;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tracing::info;

/// Between two looks for a topic.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Runs a stage.
///
/// # Errors
/// When the cluster cannot be reached or refuses, when another process runs under the same member id, or when the state
/// cannot be read.
pub(crate) fn run(args: &RunArgs, config: &Config) -> anyhow::Result<()> {
    let endpoint = &config.telemetry.otlp_endpoint;
    if !endpoint.is_empty() {
        bail!("telemetry.otlp_endpoint is {endpoint}: this program writes its metrics to the log only, leave it empty");
    }
    let stop = stop_on_signals()?;
    let kafka = kafka_settings::named(&config.kafka, args.bootstrap_servers.as_deref(), args.topic_prefix.as_deref());
    let member_id = match &args.member_id {
        Some(member_id) => member_id.clone(),
        None if !kafka.instance.is_empty() => kafka.instance.to_string(),
        None => host_name()?,
    };
    let connection = kafka_settings::connection(&kafka)?;
    let shape = Shape {
        partitions: kafka.partitions,
        replication: (kafka.replication_factor > 0).then_some(kafka.replication_factor),
        request_timeout: kafka_settings::duration(kafka.request_timeout),
    };
    let runner = kafka_settings::runner(&kafka, connection, member_id);
    let rules = Arc::new(config.rule_set());
    info!(rules = %bellbuoy_wire::rules::hash(&rules), "rules until the journal names others");
    let metrics = Metrics::start(kafka_settings::duration(config.telemetry.metrics_every));
    let done = match args.stage {
        StageName::Correlate => {
            work(PerPartition::new(Correlate::new, rules), runner, &shape, &[Topic::IncidentsCurrent], &stop)
        }
        StageName::Classify => work(PerPartition::new(Classify::new, rules), runner, &shape, &[], &stop),
        StageName::Escalate => work(PerPartition::new(Escalate::new, rules), runner, &shape, &[], &stop),
    };
    metrics.finish();
    done
}

fn work<S>(stage: S, config: RunnerConfig, shape: &Shape, copies: &[Topic], stop: &AtomicBool) -> anyhow::Result<()>
where
    S: Stage + Clone,
    S::In: Wire,
    Stamped<S::Out>: Wire,
{
    let servers = config.connection.bootstrap_servers.clone();
    let member_id = config.member_id.clone();
    let mut topics = vec![S::In::TOPIC, Stamped::<S::Out>::TOPIC, Topic::DeadLetters, Topic::State(S::NAME)];
    topics.extend(copies);
    let patience = shape.request_timeout;
    patiently(patience, stop, || ensure_topics(&config.connection, &config.prefix, &topics, shape))
        .with_context(|| format!("failed to find or create the topics of stage {} on {servers}", S::NAME))?;
    let status = Arc::new(Status::default());
    let meter = opentelemetry::global::meter("bellbuoy");
    info!(stage = S::NAME, member_id, servers, prefix = config.prefix, "stage {} starts as {member_id}", S::NAME);
    let start = || Runner::start(stage.clone(), config.clone(), status.clone(), &meter, stop);
    let started = patiently(patience, stop, start);
    let runner = started.with_context(|| format!("failed to start stage {} on {servers}", S::NAME))?;
    runner.run(stop).with_context(|| format!("stage {} cannot go on", S::NAME))?;
    info!(stage = S::NAME, commits = status.commits(), "stage {} has committed what it read, and left", S::NAME);
    Ok(())
}

/// Tries again while a topic is missing: one that was created a moment ago, by us or by another stage that starts at
/// the same time, is not known to every broker at once.
fn patiently<T>(
    patience: Duration,
    stop: &AtomicBool,
    mut attempt: impl FnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    let began = Instant::now();
    loop {
        match attempt() {
            Err(Error::NoTopic { .. }) if began.elapsed() < patience && !stop.load(Ordering::Relaxed) => {
                std::thread::sleep(RETRY_PAUSE);
            }
            done => return done,
        }
    }
}

/// A flag that SIGTERM and SIGINT raise. A second one of them ends the process at once, as it would without us.
fn stop_on_signals() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        // In this order: the first signal finds the flag down and raises it, the second finds it up.
        signal_hook::flag::register_conditional_default(signal, stop.clone())
            .and_then(|_| signal_hook::flag::register(signal, stop.clone()))
            .with_context(|| format!("failed to listen for signal {signal}"))?;
    }
    Ok(stop)
}

/// The host's name, which a StatefulSet keeps over restarts.
fn host_name() -> anyhow::Result<String> {
    let unknown = || anyhow!("the host's name is not known: name this copy with --member-id");
    let name =
        std::fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| std::fs::read_to_string("/etc/hostname"));
    let name = name.ok().or_else(|| std::env::var("HOSTNAME").ok()).ok_or_else(unknown)?;
    let name = name.trim();
    if name.is_empty() {
        bail!(unknown());
    }
    Ok(name.to_owned())
}
