//! Signs: what an object's own state, or two objects beside each other, can show. The catalogue says what each means.

/// A Service with a selector whose endpoints are known, and none of them is ready.
pub const NO_READY_ENDPOINTS: &str = "no-ready-endpoints";
/// A Service whose selector matches no pod and no workload's template.
pub const SELECTOR_MATCHES_NOTHING: &str = "selector-matches-nothing";
/// A Service that sends to a port which no container of its pods has.
pub const TARGET_PORT_UNSERVED: &str = "target-port-unserved";
/// A workload that is told an address of a Service which does not exist.
pub const ADDRESS_WITHOUT_SERVICE: &str = "address-without-service";
/// A workload that is told a port which its Service does not have.
pub const ADDRESS_WITHOUT_PORT: &str = "address-without-port";
/// A workload that is told to speak another scheme than the one that the port serves.
pub const ADDRESS_SCHEME: &str = "address-scheme";
/// A reference to an object that does not exist: config map, secret, claim, service account, class, scale target.
pub const REFERENCE_MISSING: &str = "reference-missing";
/// A reference to a key that its config map or secret does not have.
pub const KEY_MISSING: &str = "key-missing";
/// A probe at a port that its container does not have.
pub const PROBE_PORT_UNSERVED: &str = "probe-port-unserved";
/// A probe in another scheme than the other probes of the same port.
pub const PROBE_SCHEME: &str = "probe-scheme";
/// A claim for a class, a size or a mode that no volume offers and nothing provisions.
pub const VOLUME_NOT_OFFERED: &str = "volume-not-offered";
/// A workload without replicas that something calls.
pub const SCALED_TO_ZERO: &str = "scaled-to-zero";
/// An Ingress, route, webhook or aggregated API that sends to a Service, or a port of it, which does not exist.
pub const BACKEND_MISSING: &str = "backend-missing";
/// A network policy that lets nothing in or out of pods which something calls.
pub const POLICY_DENIES: &str = "policy-denies";
/// A Lease whose holder has not renewed it in its time.
pub const LEASE_STALE: &str = "lease-stale";
/// An object that is being deleted, with finalizers that hold it.
pub const DELETING: &str = "deleting";
/// An object whose controller has not seen its newest generation.
pub const NOT_RECONCILED: &str = "not-reconciled";
/// A Service of type LoadBalancer without an address.
pub const WITHOUT_ADDRESS: &str = "without-address";
/// A workload with fewer ready replicas than it should have.
pub const SHORT_OF_REPLICAS: &str = "short-of-replicas";
/// A workload that should have replicas and has none ready.
pub const NO_REPLICAS: &str = "no-replicas";
/// A node that takes no new pods because somebody said so.
pub const CORDONED: &str = "cordoned";
/// A node with a taint; the message is the taint.
pub const TAINTED: &str = "tainted";
/// A quota that is used up; the message names the resource.
pub const QUOTA_FULL: &str = "quota-full";
/// A pod that no scheduler has looked at.
pub const NOT_LOOKED_AT: &str = "not-looked-at";

/// All signs. A catalogue that names another one is refused.
pub const ALL: [&str; 24] = [
    NO_READY_ENDPOINTS,
    SELECTOR_MATCHES_NOTHING,
    TARGET_PORT_UNSERVED,
    ADDRESS_WITHOUT_SERVICE,
    ADDRESS_WITHOUT_PORT,
    ADDRESS_SCHEME,
    REFERENCE_MISSING,
    KEY_MISSING,
    PROBE_PORT_UNSERVED,
    PROBE_SCHEME,
    VOLUME_NOT_OFFERED,
    SCALED_TO_ZERO,
    BACKEND_MISSING,
    POLICY_DENIES,
    LEASE_STALE,
    DELETING,
    NOT_RECONCILED,
    WITHOUT_ADDRESS,
    SHORT_OF_REPLICAS,
    NO_REPLICAS,
    CORDONED,
    TAINTED,
    QUOTA_FULL,
    NOT_LOOKED_AT,
];
