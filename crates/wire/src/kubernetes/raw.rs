//! The outermost shape of everything that a recording may hold: objects, watch notifications, alerts and lists of them.

use crate::kubernetes::whole::Parts;
use crate::lenient::{Items, List, Number, Pairs, Scalar, Str, or_default};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// One piece of a recording. `spec` and `status` stay unread until the kind is known; metadata's `managedFields`, most
/// of many objects, are passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RawPiece<'a> {
    #[serde(borrow)]
    pub(crate) kind: Str<'a>,
    #[serde(borrow)]
    pub(crate) api_version: Str<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub(crate) metadata: RawMetadata<'a>,
    #[serde(borrow)]
    pub(crate) spec: Option<&'a RawValue>,
    /// An object of Kubernetes objects and of `GET /api/v2/alerts`, a string in webhook bodies.
    #[serde(borrow)]
    pub(crate) status: Option<&'a RawValue>,

    /// Whether its keys are spelt as the Python client spells them: `api_version`, with or without a value.
    #[serde(rename = "api_version", deserialize_with = "is_there")]
    pub(crate) has_snake_keys: bool,

    // Lists.
    #[serde(borrow)]
    pub(crate) items: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) alerts: Option<&'a RawValue>,

    // Watch notifications; `type` is also that of an Event and of a Secret.
    #[serde(borrow, rename = "type")]
    pub(crate) type_name: Str<'a>,
    #[serde(borrow)]
    pub(crate) object: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) time: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) observed_at: Scalar<'a>,

    // Events of core/v1 and events.k8s.io/v1.
    #[serde(borrow)]
    pub(crate) involved_object: Option<RawReference<'a>>,
    #[serde(borrow)]
    pub(crate) regarding: Option<RawReference<'a>>,
    #[serde(borrow)]
    pub(crate) reason: Str<'a>,
    #[serde(borrow)]
    pub(crate) message: Str<'a>,
    #[serde(borrow)]
    pub(crate) note: Str<'a>,
    #[serde(borrow)]
    pub(crate) first_timestamp: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) deprecated_first_timestamp: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) last_timestamp: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) deprecated_last_timestamp: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) event_time: Scalar<'a>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) count: i64,
    #[serde(deserialize_with = "or_default")]
    pub(crate) deprecated_count: i64,
    #[serde(borrow)]
    pub(crate) series: Option<RawSeries<'a>>,
    #[serde(borrow)]
    pub(crate) reporting_controller: Str<'a>,
    #[serde(borrow)]
    pub(crate) reporting_component: Str<'a>,
    #[serde(borrow)]
    pub(crate) reporting_instance: Str<'a>,
    /// An object of Events; other kinds write what they like.
    #[serde(borrow)]
    pub(crate) source: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) deprecated_source: Option<&'a RawValue>,
    /// Namespace of a compact event, as some support archives hold them.
    #[serde(borrow)]
    pub(crate) namespace: Str<'a>,

    // Alerts.
    #[serde(borrow)]
    pub(crate) labels: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) annotations: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) starts_at: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) ends_at: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) updated_at: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) active_at: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) fingerprint: Str<'a>,

    // Envelopes of other tools.
    #[serde(borrow, rename = "_source")]
    pub(crate) source_document: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) hits: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) verb: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) event: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) json_payload: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) line: Option<&'a RawValue>,

    // EndpointSlice and Endpoints.
    #[serde(borrow)]
    pub(crate) endpoints: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) subsets: Option<&'a RawValue>,

    // ConfigMap and Secret; what an API answers with.
    #[serde(borrow)]
    pub(crate) data: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) binary_data: Option<&'a RawValue>,

    // ValidatingWebhookConfiguration and MutatingWebhookConfiguration.
    #[serde(borrow)]
    pub(crate) webhooks: Option<&'a RawValue>,

    // StorageClass.
    #[serde(borrow)]
    pub(crate) provisioner: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) volume_binding_mode: Scalar<'a>,

    /// What was read where it stood.
    #[serde(skip)]
    pub(crate) parts: Parts<'a>,
}

impl RawPiece<'_> {
    /// The time of arrival that a recorder has written beside an object.
    pub(crate) fn arrival(&self) -> Option<&str> {
        [self.observed_at.as_str(), self.time.as_str()].into_iter().find(|time| !time.is_empty())
    }
}

/// A key that is there, whatever its value.
fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// `metadata` of an object.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RawMetadata<'a> {
    #[serde(borrow)]
    pub(crate) name: Str<'a>,
    #[serde(borrow)]
    pub(crate) namespace: Str<'a>,
    #[serde(borrow)]
    pub(crate) uid: Str<'a>,
    #[serde(borrow)]
    pub(crate) resource_version: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) creation_timestamp: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) deletion_timestamp: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) labels: Pairs<'a>,
    /// Unread but for the few kinds whose annotations matter: they hold whole manifests.
    #[serde(borrow)]
    pub(crate) annotations: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) owner_references: Items<RawOwner<'a>>,
    pub(crate) generation: Number,
    #[serde(borrow)]
    pub(crate) finalizers: List<Scalar<'a>>,
}

/// An owner reference.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawOwner<'a> {
    #[serde(borrow)]
    pub(crate) kind: Str<'a>,
    #[serde(borrow)]
    pub(crate) name: Str<'a>,
    #[serde(borrow)]
    pub(crate) uid: Str<'a>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) controller: bool,
}

/// A reference to an object.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RawReference<'a> {
    #[serde(borrow)]
    pub(crate) kind: Str<'a>,
    #[serde(borrow)]
    pub(crate) namespace: Str<'a>,
    #[serde(borrow)]
    pub(crate) name: Str<'a>,
    #[serde(borrow)]
    pub(crate) uid: Str<'a>,
    #[serde(borrow)]
    pub(crate) field_path: Str<'a>,
}

/// A series of Events.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RawSeries<'a> {
    #[serde(deserialize_with = "or_default")]
    pub(crate) count: i64,
    #[serde(borrow)]
    pub(crate) last_observed_time: Scalar<'a>,
}

/// The emitter of an Event.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawEmitter<'a> {
    #[serde(borrow)]
    pub(crate) component: Str<'a>,
    #[serde(borrow)]
    pub(crate) host: Str<'a>,
}

/// A condition.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RawCondition<'a> {
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Str<'a>,
    #[serde(borrow)]
    pub(crate) status: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) reason: Str<'a>,
    #[serde(borrow)]
    pub(crate) message: Str<'a>,
    #[serde(borrow)]
    pub(crate) last_transition_time: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) last_probe_time: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) last_heartbeat_time: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) last_update_time: Scalar<'a>,
}

/// What every status may have.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RawStatus<'a> {
    #[serde(borrow)]
    pub(crate) phase: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) reason: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) message: Scalar<'a>,
    #[serde(borrow)]
    pub(crate) conditions: Items<RawCondition<'a>>,
    pub(crate) observed_generation: Number,
}
