//! What is applied to other objects: autoscalers, network policies, disruption budgets.

use crate::kubernetes::workload::parse;
use crate::lenient::{List, Pairs, Part, Scalar};
use bellbuoy_core::Text;
use bellbuoy_core::report::{Label, ObjectReport, Reference};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// Reads a HorizontalPodAutoscaler.
pub(crate) fn read_autoscaler(report: &mut ObjectReport, spec: Option<&RawValue>) -> Result<(), serde_json::Error> {
    let spec: Part<RawAutoscalerSpec<'_>> = parse(spec)?;
    let target = spec.0.and_then(|spec| spec.scale_target_ref.0).unwrap_or_default();
    let (kind, name) = (target.kind.text(), target.name.text());
    if !kind.is_empty() && !name.is_empty() {
        report.references = vec![Reference { kind, name, ..Reference::default() }];
    }
    Ok(())
}

/// Reads a NetworkPolicy. One that selects its pods by expressions is not followed: its labels alone would be those of
/// too many pods.
pub(crate) fn read_network_policy(report: &mut ObjectReport, spec: Option<&RawValue>) -> Result<(), serde_json::Error> {
    let spec: Part<RawPolicySpec<'_>> = parse(spec)?;
    let Some(spec) = spec.0 else { return Ok(()) };
    let Some(labels) = spec.pod_selector.get().and_then(RawSelector::labels) else { return Ok(()) };
    report.pod_labels = labels;
    let named = spec.policy_types.texts(2);
    // Without a word a policy is about what comes in, and about what goes out as far as it has rules for it.
    let applies = |direction: &str, rules: &List<IgnoredAny>, by_default: bool| {
        let is_meant = if named.is_empty() { by_default } else { named.iter().any(|name| **name == *direction) };
        (is_meant && rules.0.is_empty()).then(|| Text::from(direction))
    };
    let closed = [applies("Ingress", &spec.ingress, true), applies("Egress", &spec.egress, false)];
    report.denies = closed.into_iter().flatten().collect();
    Ok(())
}

/// Reads a PodDisruptionBudget.
pub(crate) fn read_budget(report: &mut ObjectReport, spec: Option<&RawValue>) -> Result<(), serde_json::Error> {
    let spec: Part<RawBudgetSpec<'_>> = parse(spec)?;
    let selector = spec.0.and_then(|spec| spec.selector.0);
    report.pod_labels = selector.and_then(|selector| selector.labels()).unwrap_or_default();
    Ok(())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawAutoscalerSpec<'a> {
    #[serde(borrow)]
    scale_target_ref: Part<RawTarget<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawTarget<'a> {
    #[serde(borrow)]
    kind: Scalar<'a>,
    #[serde(borrow)]
    name: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawPolicySpec<'a> {
    #[serde(borrow)]
    pod_selector: Part<RawSelector<'a>>,
    #[serde(borrow)]
    policy_types: List<Scalar<'a>>,
    ingress: List<IgnoredAny>,
    egress: List<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawBudgetSpec<'a> {
    #[serde(borrow)]
    selector: Part<RawSelector<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawSelector<'a> {
    #[serde(borrow)]
    match_labels: Part<Pairs<'a>>,
    match_expressions: List<IgnoredAny>,
}

impl RawSelector<'_> {
    /// The labels that it asks for, where that is all that it asks for.
    fn labels(&self) -> Option<Vec<Label>> {
        self.match_expressions.0.is_empty().then(|| self.match_labels.get().map(Pairs::labels).unwrap_or_default())
    }
}
