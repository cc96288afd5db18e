//! Nodes: taints and whether pods may be scheduled.

use crate::lenient::{Items, Scalar, Str, capped, or_default};
use bellbuoy_core::Text;
use bellbuoy_core::report::ObjectReport;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Reads `spec` of a node.
pub(crate) fn read_spec(report: &mut ObjectReport, spec: &RawValue) -> Result<(), serde_json::Error> {
    let spec: RawNodeSpec<'_> = serde_json::from_str(spec.get())?;
    report.unschedulable = spec.unschedulable;
    report.taints = spec.taints.0.iter().map(taint).collect();
    Ok(())
}

/// As `key=value:effect`, or `key:effect` without a value, as kubectl prints it.
fn taint(raw: &RawTaint<'_>) -> Text {
    match raw.value.as_str() {
        "" => capped(&format!("{}:{}", raw.key.as_str(), raw.effect.as_str())),
        value => capped(&format!("{}={value}:{}", raw.key.as_str(), raw.effect.as_str())),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawNodeSpec<'a> {
    #[serde(deserialize_with = "or_default")]
    unschedulable: bool,
    #[serde(borrow)]
    taints: Items<RawTaint<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawTaint<'a> {
    #[serde(borrow)]
    key: Str<'a>,
    #[serde(borrow)]
    value: Scalar<'a>,
    #[serde(borrow)]
    effect: Str<'a>,
}
