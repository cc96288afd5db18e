//! EndpointSlices and Endpoints: how many backends of a Service take traffic.

use crate::lenient::{Items, or_default};
use bellbuoy_core::report::Endpoints;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// Counts `endpoints` of an EndpointSlice. An endpoint without a `ready` condition is ready, as the API defines.
pub(crate) fn of_slice(endpoints: Option<&RawValue>) -> Result<Endpoints, serde_json::Error> {
    let endpoints: Items<RawEndpoint> =
        endpoints.map(|endpoints| serde_json::from_str(endpoints.get())).transpose()?.unwrap_or_default();
    let mut counts = Endpoints::default();
    for endpoint in endpoints.0 {
        // One endpoint is one backend, whatever the number of its addresses.
        match endpoint.conditions.ready {
            Some(false) => counts.not_ready = counts.not_ready.saturating_add(1),
            Some(true) | None => counts.ready = counts.ready.saturating_add(1),
        }
    }
    Ok(counts)
}

/// Counts `subsets` of Endpoints.
pub(crate) fn of_subsets(subsets: Option<&RawValue>) -> Result<Endpoints, serde_json::Error> {
    let subsets: Items<RawSubset> =
        subsets.map(|subsets| serde_json::from_str(subsets.get())).transpose()?.unwrap_or_default();
    let mut counts = Endpoints::default();
    let number = |items: &Items<IgnoredAny>| u32::try_from(items.0.len()).unwrap_or(u32::MAX);
    for subset in subsets.0 {
        counts.ready = counts.ready.saturating_add(number(&subset.addresses));
        counts.not_ready = counts.not_ready.saturating_add(number(&subset.not_ready_addresses));
    }
    Ok(counts)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawEndpoint {
    #[serde(deserialize_with = "or_default")]
    conditions: RawEndpointConditions,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawEndpointConditions {
    ready: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawSubset {
    addresses: Items<IgnoredAny>,
    not_ready_addresses: Items<IgnoredAny>,
}
