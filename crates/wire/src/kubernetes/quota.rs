//! Resource quotas: limits and what is used of them.

use crate::lenient::Pairs;
use bellbuoy_core::report::{ObjectReport, Quota};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Reads `spec` and `status` of a ResourceQuota. `status.hard` is what is enforced; `spec.hard` stands in for it until
/// the controller has seen the quota.
pub(crate) fn read(
    report: &mut ObjectReport,
    spec: Option<&RawValue>,
    status: Option<&RawValue>,
) -> Result<(), serde_json::Error> {
    let spec: RawQuota<'_> = spec.map(|spec| serde_json::from_str(spec.get())).transpose()?.unwrap_or_default();
    let status: RawQuota<'_> = status.map(|status| serde_json::from_str(status.get())).transpose()?.unwrap_or_default();
    let hard = if status.hard.is_empty() { &spec.hard } else { &status.hard };
    let used = status.used.labels();
    let quota = |(resource, hard)| {
        let position = used.binary_search_by(|(name, _)| name.cmp(&resource));
        Quota { used: position.map_or_else(|_| "".into(), |at| used[at].1.clone()), resource, hard }
    };
    report.quotas = hard.labels().into_iter().map(quota).collect();
    Ok(())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawQuota<'a> {
    #[serde(borrow)]
    hard: Pairs<'a>,
    #[serde(borrow)]
    used: Pairs<'a>,
}
