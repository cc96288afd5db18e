//! Workloads: replica counts, what their pods will be, and whether they are held still.

use crate::kubernetes::pod_spec::RawTemplate;
use crate::lenient::{Flag, Scalar, count, or_default};
use crate::recording::field::Field;
use crate::recording::times::Times;
use bellbuoy_core::report::{ObjectReport, Replicas};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Reads a part of an object; one that is absent or null is empty.
pub(crate) fn parse<'a, T: Deserialize<'a> + Default>(raw: Option<&'a RawValue>) -> Result<T, serde_json::Error> {
    raw.map_or_else(
        || Ok(T::default()),
        |raw| serde_json::from_str::<Option<T>>(raw.get()).map(Option::unwrap_or_default),
    )
}

/// Reads a Deployment, ReplicaSet, StatefulSet or ReplicationController.
pub(crate) fn read_replicated(
    report: &mut ObjectReport,
    spec: Option<&RawValue>,
    status: Option<&RawValue>,
) -> Result<(), serde_json::Error> {
    let spec: RawWorkloadSpec<'_> = parse(spec)?;
    let status: RawWorkloadStatus = parse(status)?;
    report.replicas = Some(Replicas {
        // The API server fills one replica in where none is asked for.
        desired: count(spec.replicas.unwrap_or(1)),
        ready: count(status.ready_replicas),
        updated: count(status.updated_replicas),
    });
    report.paused = spec.paused.0;
    spec.template.read(report);
    Ok(())
}

/// Reads a DaemonSet.
pub(crate) fn read_daemon_set(
    report: &mut ObjectReport,
    spec: Option<&RawValue>,
    status: Option<&RawValue>,
) -> Result<(), serde_json::Error> {
    let spec: RawWorkloadSpec<'_> = parse(spec)?;
    let status: RawWorkloadStatus = parse(status)?;
    report.replicas = Some(Replicas {
        desired: count(status.desired_number_scheduled),
        ready: count(status.number_ready),
        updated: count(status.updated_number_scheduled),
    });
    spec.template.read(report);
    Ok(())
}

/// Reads a Job.
pub(crate) fn read_job(
    report: &mut ObjectReport,
    spec: Option<&RawValue>,
    status: Option<&RawValue>,
    times: &mut Times,
) -> Result<(), serde_json::Error> {
    let spec: RawWorkloadSpec<'_> = parse(spec)?;
    let status: RawJobStatus<'_> = parse(status)?;
    times.observed(Field::JobStart, &status.start_time);
    times.observed(Field::JobCompletion, &status.completion_time);
    report.paused = spec.suspend.0;
    spec.template.read(report);
    Ok(())
}

/// Reads a CronJob.
pub(crate) fn read_cron_job(
    report: &mut ObjectReport,
    spec: Option<&RawValue>,
    status: Option<&RawValue>,
    times: &mut Times,
) -> Result<(), serde_json::Error> {
    let spec: RawCronJobSpec<'_> = parse(spec)?;
    let status: RawJobStatus<'_> = parse(status)?;
    times.observed(Field::CronJobSchedule, &status.last_schedule_time);
    times.observed(Field::CronJobSuccess, &status.last_successful_time);
    report.paused = spec.suspend.0;
    spec.job_template.spec.template.read(report);
    Ok(())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawWorkloadSpec<'a> {
    replicas: Option<i64>,
    paused: Flag,
    suspend: Flag,
    #[serde(borrow, deserialize_with = "or_default")]
    template: RawTemplate<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawWorkloadStatus {
    #[serde(deserialize_with = "or_default")]
    ready_replicas: i64,
    #[serde(deserialize_with = "or_default")]
    updated_replicas: i64,
    #[serde(deserialize_with = "or_default")]
    desired_number_scheduled: i64,
    #[serde(deserialize_with = "or_default")]
    number_ready: i64,
    #[serde(deserialize_with = "or_default")]
    updated_number_scheduled: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawJobStatus<'a> {
    #[serde(borrow)]
    start_time: Scalar<'a>,
    #[serde(borrow)]
    completion_time: Scalar<'a>,
    #[serde(borrow)]
    last_schedule_time: Scalar<'a>,
    #[serde(borrow)]
    last_successful_time: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawCronJobSpec<'a> {
    suspend: Flag,
    #[serde(borrow, deserialize_with = "or_default")]
    job_template: RawJobTemplate<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawJobTemplate<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    spec: RawWorkloadSpec<'a>,
}
