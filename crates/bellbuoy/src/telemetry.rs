//! Telemetry: the log on standard error, and OpenTelemetry metrics written to it at regular intervals.

use crate::cli::LogFormat;
use anyhow::{Context, anyhow};
use opentelemetry::KeyValue;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider, Temporality};
use std::fmt;
use std::time::Duration;
use tracing::info;
use tracing_subscriber::EnvFilter;

/// Starts the log.
///
/// # Errors
/// When the filter cannot be read.
pub(crate) fn start_log(filter: &str, format: LogFormat) -> anyhow::Result<()> {
    let filter: EnvFilter = filter.parse().with_context(|| {
        format!("--log is {filter:?}, expected a level such as `info`, or levels by module such as `bellbuoy_kafka=debug,info`")
    })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => log.with_ansi(crate::style::Style::of(&std::io::stderr()).is_coloured()).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow!("failed to start the log: {error}"))
}

/// Metrics that are written to the log until this is dropped.
pub(crate) struct Metrics(SdkMeterProvider);

impl Metrics {
    /// Starts them for the whole process.
    pub(crate) fn start(every: Duration) -> Self {
        let reader = PeriodicReader::builder(ToLog).with_interval(every).build();
        let provider = SdkMeterProvider::builder().with_reader(reader).build();
        opentelemetry::global::set_meter_provider(provider.clone());
        Self(provider)
    }

    /// Writes them a last time and ends them.
    pub(crate) fn finish(self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "failed to write the last metrics");
        }
    }
}

/// Writes every metric as one line. The names, units and attributes are those that any other exporter would send.
#[derive(Debug)]
struct ToLog;

impl PushMetricExporter for ToLog {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        for metric in metrics.scope_metrics().flat_map(|scope| scope.metrics()) {
            let (name, unit) = (metric.name(), metric.unit());
            match metric.data() {
                AggregatedMetrics::F64(data) => write(name, unit, data),
                AggregatedMetrics::U64(data) => write(name, unit, data),
                AggregatedMetrics::I64(data) => write(name, unit, data),
            }
        }
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}

/// Writes a metric as one line: with `value`, or with `points` where it has one for each partition, say.
fn write<T: Copy + fmt::Display + fmt::Debug>(name: &str, unit: &str, data: &MetricData<T>) {
    let mut points: Vec<(String, String)> = match data {
        MetricData::Gauge(gauge) => {
            gauge.data_points().map(|point| (listed(point.attributes()), point.value().to_string())).collect()
        }
        MetricData::Sum(sum) => {
            sum.data_points().map(|point| (listed(point.attributes()), point.value().to_string())).collect()
        }
        MetricData::Histogram(histogram) => histogram
            .data_points()
            .map(|point| {
                let max = point.max().map(|max| format!(" max={max}")).unwrap_or_default();
                (listed(point.attributes()), format!("count={} sum={}{max}", point.count(), point.sum()))
            })
            .collect(),
        MetricData::ExponentialHistogram(histogram) => histogram
            .data_points()
            .map(|point| (listed(point.attributes()), format!("count={} sum={}", point.count(), point.sum())))
            .collect(),
    };
    points.sort();
    match points.as_slice() {
        [] => {}
        [(attributes, value)] => {
            info!(target: "metrics", metric = name, unit, attributes, value, "{name} is {value} {unit}");
        }
        many => {
            let each: Vec<_> = many.iter().map(|(attributes, value)| format!("{{{attributes}}} {value}")).collect();
            info!(target: "metrics", metric = name, unit, points = each.join("; "), "{name} has {} points", many.len());
        }
    }
}

/// Attributes in the order of their names.
fn listed<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> String {
    let mut listed: Vec<_> = attributes.map(|each| format!("{}={}", each.key, each.value)).collect();
    listed.sort();
    listed.join(",")
}
