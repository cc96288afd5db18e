//! Who sends to which Service: Ingresses, routes, webhooks, aggregated APIs, meshes.

use crate::kubernetes::raw::RawPiece;
use crate::kubernetes::workload::parse;
use crate::lenient::{List, Number, Part, Scalar, capped};
use bellbuoy_core::Text;
use bellbuoy_core::report::{ObjectReport, Reference};
use bellbuoy_core::spec::Backend;
use serde::Deserialize;

/// Backends of one object that are kept, each once.
const BACKENDS_MAX: usize = 256;

/// The port of webhooks and aggregated APIs that name none.
const HTTPS_PORT: &str = "443";

/// Reads an Ingress, of networking.k8s.io/v1 or of the versions before it.
pub(crate) fn read_ingress(report: &mut ObjectReport, piece: &RawPiece<'_>) {
    let spec: RawIngressSpec<'_> = spec(piece);
    let paths = spec.rules.parts().filter_map(|rule| rule.http.get()).flat_map(|http| http.paths.parts());
    let backends = paths.filter_map(|path| path.backend.get());
    let backends = spec.default_backend.get().into_iter().chain(spec.backend.get()).chain(backends);
    let namespace = piece.metadata.namespace.text();
    take(report, backends.map(|backend| backend.read(&namespace)));
    let mut needs: Vec<Reference> = spec.tls.parts().map(|tls| needed("Secret", &tls.secret_name)).collect();
    needs.push(needed("IngressClass", &spec.ingress_class_name));
    needs.retain(|reference| !reference.name.is_empty());
    needs.sort();
    needs.dedup();
    needs.truncate(BACKENDS_MAX);
    report.references = needs;
}

/// Reads a route of the Gateway API: HTTPRoute, GRPCRoute, TLSRoute, TCPRoute or UDPRoute.
pub(crate) fn read_route(report: &mut ObjectReport, piece: &RawPiece<'_>) {
    let spec: RawRouteSpec<'_> = spec(piece);
    let own = piece.metadata.namespace.text();
    let backends = spec.rules.parts().flat_map(|rule| rule.backend_refs.parts());
    let backends = backends.filter(|backend| {
        matches!(backend.kind.as_str(), "" | "Service") && matches!(backend.group.as_str(), "" | "core")
    });
    take(report, backends.map(|backend| backend.read(&own, "")));
}

/// Reads a Route of OpenShift.
pub(crate) fn read_open_shift_route(report: &mut ObjectReport, piece: &RawPiece<'_>) {
    let spec: RawOpenShiftSpec<'_> = spec(piece);
    let own = piece.metadata.namespace.text();
    let port = spec.port.get().map_or_else(Text::default, |port| port.target_port.text());
    let backends = spec.to.get().into_iter().chain(spec.alternate_backends.parts());
    let backends = backends.filter(|backend| matches!(backend.kind.as_str(), "" | "Service"));
    take(report, backends.map(|backend| Backend { port: port.clone(), ..backend.read(&own, "") }));
}

/// Reads a ValidatingWebhookConfiguration or a MutatingWebhookConfiguration.
pub(crate) fn read_webhooks(report: &mut ObjectReport, piece: &RawPiece<'_>) {
    let webhooks: List<Part<RawWebhook<'_>>> =
        piece.webhooks.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    // Version 1 fails where nothing else is asked for; the version before let requests through.
    let fails_by_default = !piece.api_version.as_str().ends_with("/v1beta1");
    let backends = webhooks.parts().filter_map(|webhook| {
        let service = webhook.client_config.get()?.service.get()?;
        let is_required = match webhook.failure_policy.as_str() {
            "" => fails_by_default,
            policy => policy == "Fail",
        };
        Some(Backend { is_required, ..service.read("", HTTPS_PORT) })
    });
    take(report, backends);
}

/// Reads an APIService: requests for what it serves fail while its Service does not answer.
pub(crate) fn read_api_service(report: &mut ObjectReport, piece: &RawPiece<'_>) {
    let spec: RawApiServiceSpec<'_> = spec(piece);
    let service = spec.service.get();
    take(report, service.map(|service| Backend { is_required: true, ..service.read("", HTTPS_PORT) }));
}

/// Reads a CustomResourceDefinition: its objects cannot be read while the webhook that converts them does not answer.
pub(crate) fn read_definition(report: &mut ObjectReport, piece: &RawPiece<'_>) {
    let spec: RawDefinitionSpec<'_> = spec(piece);
    let conversion = spec.conversion.get().filter(|conversion| conversion.strategy.as_str() == "Webhook");
    let client = conversion.and_then(|conversion| conversion.webhook.get()?.client_config.get());
    let service = client.and_then(|client| client.service.get());
    take(report, service.map(|service| Backend { is_required: true, ..service.read("", HTTPS_PORT) }));
}

/// Reads a VirtualService of Istio. A host is a Service of its own namespace, or one by its full name; others may be
/// anywhere.
pub(crate) fn read_virtual_service(report: &mut ObjectReport, piece: &RawPiece<'_>) {
    let spec: RawVirtualServiceSpec<'_> = spec(piece);
    let own = piece.metadata.namespace.text();
    let routes = [&spec.http, &spec.tcp, &spec.tls].into_iter().flat_map(List::parts);
    let destinations = routes.flat_map(|route| route.route.parts()).filter_map(|weighted| weighted.destination.get());
    let backends = destinations.filter_map(|destination| {
        let mut labels = destination.host.as_str().split('.');
        let service = labels.next().filter(|service| !service.is_empty() && *service != "*")?;
        let namespace = match (labels.next(), labels.next()) {
            (None, _) => own.clone(),
            (Some(namespace), Some("svc")) => capped(namespace),
            _ => return None,
        };
        let port = destination.port.get().and_then(|port| port.number.port());
        let port = port.map_or_else(Text::default, |port| port.to_string().into());
        Some(Backend { namespace, service: capped(service), port, is_required: false })
    });
    take(report, backends);
}

/// `spec`, or an empty one where it is of another shape.
fn spec<'a, T: Deserialize<'a> + Default>(piece: &RawPiece<'a>) -> T {
    parse::<Part<T>>(piece.spec).ok().and_then(|spec| spec.0).unwrap_or_default()
}

fn take(report: &mut ObjectReport, backends: impl IntoIterator<Item = Backend>) {
    let mut backends: Vec<Backend> = backends.into_iter().filter(|backend| !backend.service.is_empty()).collect();
    backends.sort();
    backends.dedup();
    backends.truncate(BACKENDS_MAX);
    report.backends = backends;
}

fn needed(kind: &str, name: &Scalar<'_>) -> Reference {
    Reference { kind: kind.into(), name: name.text(), ..Reference::default() }
}

/// A Service by its name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawServiceRef<'a> {
    #[serde(borrow)]
    group: Scalar<'a>,
    #[serde(borrow)]
    kind: Scalar<'a>,
    #[serde(borrow)]
    namespace: Scalar<'a>,
    #[serde(borrow)]
    name: Scalar<'a>,
    #[serde(borrow)]
    port: Scalar<'a>,
}

impl RawServiceRef<'_> {
    fn read(&self, own_namespace: &str, default_port: &str) -> Backend {
        let or = |text: Text, other: &str| if text.is_empty() { other.into() } else { text };
        Backend {
            namespace: or(self.namespace.text(), own_namespace),
            service: self.name.text(),
            port: or(self.port.text(), default_port),
            is_required: false,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawIngressSpec<'a> {
    #[serde(borrow)]
    ingress_class_name: Scalar<'a>,
    #[serde(borrow)]
    default_backend: Part<RawIngressBackend<'a>>,
    /// Before version 1.
    #[serde(borrow)]
    backend: Part<RawIngressBackend<'a>>,
    #[serde(borrow)]
    rules: List<Part<RawIngressRule<'a>>>,
    #[serde(borrow)]
    tls: List<Part<RawIngressTls<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawIngressRule<'a> {
    #[serde(borrow)]
    http: Part<RawIngressHttp<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawIngressHttp<'a> {
    #[serde(borrow)]
    paths: List<Part<RawIngressPath<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawIngressPath<'a> {
    #[serde(borrow)]
    backend: Part<RawIngressBackend<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawIngressTls<'a> {
    #[serde(borrow)]
    secret_name: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawIngressBackend<'a> {
    #[serde(borrow)]
    service: Part<RawIngressService<'a>>,
    /// Before version 1.
    #[serde(borrow)]
    service_name: Scalar<'a>,
    #[serde(borrow)]
    service_port: Scalar<'a>,
}

impl RawIngressBackend<'_> {
    fn read(&self, namespace: &Text) -> Backend {
        let (service, port) = match self.service.get() {
            Some(service) => {
                let port = service.port.get().map_or_else(Text::default, |port| match port.name.text() {
                    name if name.is_empty() => port.number.text(),
                    name => name,
                });
                (service.name.text(), port)
            }
            None => (self.service_name.text(), self.service_port.text()),
        };
        Backend { namespace: namespace.clone(), service, port, is_required: false }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawIngressService<'a> {
    #[serde(borrow)]
    name: Scalar<'a>,
    #[serde(borrow)]
    port: Part<RawIngressPort<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawIngressPort<'a> {
    #[serde(borrow)]
    name: Scalar<'a>,
    #[serde(borrow)]
    number: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawRouteSpec<'a> {
    #[serde(borrow)]
    rules: List<Part<RawRouteRule<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawRouteRule<'a> {
    #[serde(borrow)]
    backend_refs: List<Part<RawServiceRef<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawOpenShiftSpec<'a> {
    #[serde(borrow)]
    to: Part<RawServiceRef<'a>>,
    #[serde(borrow)]
    alternate_backends: List<Part<RawServiceRef<'a>>>,
    #[serde(borrow)]
    port: Part<RawOpenShiftPort<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawOpenShiftPort<'a> {
    #[serde(borrow)]
    target_port: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawWebhook<'a> {
    #[serde(borrow)]
    client_config: Part<RawClientConfig<'a>>,
    #[serde(borrow)]
    failure_policy: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawClientConfig<'a> {
    #[serde(borrow)]
    service: Part<RawServiceRef<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawApiServiceSpec<'a> {
    #[serde(borrow)]
    service: Part<RawServiceRef<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawDefinitionSpec<'a> {
    #[serde(borrow)]
    conversion: Part<RawConversion<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawConversion<'a> {
    #[serde(borrow)]
    strategy: Scalar<'a>,
    #[serde(borrow)]
    webhook: Part<RawConversionWebhook<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawConversionWebhook<'a> {
    #[serde(borrow)]
    client_config: Part<RawClientConfig<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawVirtualServiceSpec<'a> {
    #[serde(borrow)]
    http: List<Part<RawMeshRoute<'a>>>,
    #[serde(borrow)]
    tcp: List<Part<RawMeshRoute<'a>>>,
    #[serde(borrow)]
    tls: List<Part<RawMeshRoute<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawMeshRoute<'a> {
    #[serde(borrow)]
    route: List<Part<RawMeshWeighted<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawMeshWeighted<'a> {
    #[serde(borrow)]
    destination: Part<RawMeshDestination<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawMeshDestination<'a> {
    #[serde(borrow)]
    host: Scalar<'a>,
    port: Part<RawMeshPort>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawMeshPort {
    number: Number,
}
