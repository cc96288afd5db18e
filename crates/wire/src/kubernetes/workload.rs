//! Workloads, Services, volumes and leases: replica counts, selectors, and what they need.

use crate::kubernetes::pod::{RawTemplate, template_references};
use crate::lenient::{Pairs, Scalar, Str, count, or_default};
use crate::recording::field::Field;
use crate::recording::times::Times;
use bellbuoy_core::report::{ObjectReport, Reference, Replicas};
use serde::Deserialize;
use serde_json::value::RawValue;

fn parse<'a, T: Deserialize<'a> + Default>(raw: Option<&'a RawValue>) -> Result<T, serde_json::Error> {
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
    report.references = template_references(&spec.template);
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
    report.references = template_references(&spec.template);
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
    report.references = template_references(&spec.template);
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
    report.references = template_references(&spec.job_template.spec.template);
    Ok(())
}

/// Reads a Service.
pub(crate) fn read_service(report: &mut ObjectReport, spec: Option<&RawValue>) -> Result<(), serde_json::Error> {
    let spec: RawServiceSpec<'_> = parse(spec)?;
    report.selector = spec.selector.labels();
    Ok(())
}

/// Reads a PersistentVolumeClaim or a PersistentVolume.
pub(crate) fn read_volume(report: &mut ObjectReport, spec: Option<&RawValue>) -> Result<(), serde_json::Error> {
    let spec: RawVolumeSpec<'_> = parse(spec)?;
    let needed = [
        ("PersistentVolume", &spec.volume_name),
        ("PersistentVolumeClaim", &spec.claim_ref.name),
        ("StorageClass", &spec.storage_class_name),
    ];
    let needed = needed.into_iter().filter(|(_, name)| !name.is_empty());
    report.references =
        needed.map(|(kind, name)| Reference { kind: kind.into(), name: name.text(), ..Reference::default() }).collect();
    Ok(())
}

/// Reads a Lease.
pub(crate) fn read_lease(spec: Option<&RawValue>, times: &mut Times) -> Result<(), serde_json::Error> {
    let spec: RawLeaseSpec<'_> = parse(spec)?;
    times.observed(Field::LeaseRenewal, &spec.renew_time);
    Ok(())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawWorkloadSpec<'a> {
    replicas: Option<i64>,
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
    #[serde(borrow, deserialize_with = "or_default")]
    job_template: RawJobTemplate<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawJobTemplate<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    spec: RawWorkloadSpec<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawServiceSpec<'a> {
    #[serde(borrow)]
    selector: Pairs<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawVolumeSpec<'a> {
    #[serde(borrow)]
    volume_name: Str<'a>,
    #[serde(borrow)]
    storage_class_name: Str<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    claim_ref: RawClaim<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawClaim<'a> {
    #[serde(borrow)]
    name: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawLeaseSpec<'a> {
    #[serde(borrow)]
    renew_time: Scalar<'a>,
}
