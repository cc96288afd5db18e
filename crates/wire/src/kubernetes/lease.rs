//! Leases: when the holder renewed it, and how long that holds.

use crate::kubernetes::workload::parse;
use crate::lenient::{Number, Scalar};
use crate::recording::field::Field;
use crate::recording::times::Times;
use bellbuoy_core::report::ObjectReport;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Reads `spec` of a Lease.
pub(crate) fn read(
    report: &mut ObjectReport,
    spec: Option<&RawValue>,
    times: &mut Times,
) -> Result<(), serde_json::Error> {
    let spec: RawLeaseSpec<'_> = parse(spec)?;
    report.renewed_at = times.observed(Field::LeaseRenewal, &spec.renew_time);
    report.lease_secs = spec.lease_duration_seconds.count();
    Ok(())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawLeaseSpec<'a> {
    #[serde(borrow)]
    renew_time: Scalar<'a>,
    lease_duration_seconds: Number,
}
