//! Services: which pods they send to, on which ports, and whether a load balancer answers for them.

use crate::kubernetes::workload::parse;
use crate::lenient::{List, Number, Pairs, Part, Scalar};
use bellbuoy_core::report::ObjectReport;
use bellbuoy_core::spec::ServicePort;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// Ports of one Service that are kept. Services of hundreds of ports exist, for media servers.
const PORTS_MAX: usize = 256;

/// Reads a Service.
pub(crate) fn read(
    report: &mut ObjectReport,
    spec: Option<&RawValue>,
    status: Option<&RawValue>,
) -> Result<(), serde_json::Error> {
    let spec: RawServiceSpec<'_> = parse(spec)?;
    report.selector = spec.selector.labels();
    // A Service without an address of its own leads its callers to the pods themselves, at any port of theirs.
    report.service_type = if spec.cluster_ip.as_str() == "None" { "Headless".into() } else { spec.type_name.text() };
    report.ports = spec.ports.parts().filter_map(port).take(PORTS_MAX).collect();
    let status: Part<RawServiceStatus> = parse(status)?;
    let balancer = status.0.and_then(|status| status.load_balancer.0);
    report.external_addresses =
        balancer.map_or(0, |balancer| u32::try_from(balancer.ingress.0.len()).unwrap_or(u32::MAX));
    Ok(())
}

fn port(raw: &RawServicePort<'_>) -> Option<ServicePort> {
    let number = raw.port.port()?;
    // The API server sends to the same number where none is named, and 0 says the same.
    let target = match raw.target_port.as_str() {
        "" | "0" => number.to_string().into(),
        _ => raw.target_port.text(),
    };
    Some(ServicePort { name: raw.name.text(), number, target, protocol: raw.app_protocol.text() })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawServiceSpec<'a> {
    #[serde(borrow)]
    selector: Pairs<'a>,
    #[serde(borrow, rename = "type")]
    type_name: Scalar<'a>,
    #[serde(borrow, rename = "clusterIP")]
    cluster_ip: Scalar<'a>,
    #[serde(borrow)]
    ports: List<Part<RawServicePort<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawServicePort<'a> {
    #[serde(borrow)]
    name: Scalar<'a>,
    port: Number,
    #[serde(borrow)]
    target_port: Scalar<'a>,
    #[serde(borrow)]
    app_protocol: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawServiceStatus {
    load_balancer: Part<RawLoadBalancer>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawLoadBalancer {
    ingress: List<IgnoredAny>,
}
