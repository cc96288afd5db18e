//! The twins of what objects ask for and offer.

use crate::avro::twin::{Bits, Many, Maybe, Port, Str, Twin, twin};
use bellbuoy_core::Text;
use bellbuoy_core::spec;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(remote = "spec::ContainerPort")]
pub(crate) struct ContainerPort {
    #[serde(with = "Str")]
    name: Text,
    #[serde(with = "Port")]
    number: u16,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "spec::Probe")]
pub(crate) struct Probe {
    #[serde(with = "Str")]
    kind: Text,
    #[serde(with = "Str")]
    scheme: Text,
    #[serde(with = "Str")]
    port: Text,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "spec::ServicePort")]
pub(crate) struct ServicePort {
    #[serde(with = "Str")]
    name: Text,
    #[serde(with = "Port")]
    number: u16,
    #[serde(with = "Str")]
    target: Text,
    #[serde(with = "Str")]
    protocol: Text,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "spec::Address")]
pub(crate) struct Address {
    #[serde(with = "Str")]
    key: Text,
    #[serde(with = "Str")]
    scheme: Text,
    #[serde(with = "Str")]
    host: Text,
    #[serde(with = "Port")]
    port: u16,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "spec::Storage")]
pub(crate) struct Storage {
    #[serde(with = "Maybe::<Str>")]
    class: Option<Text>,
    #[serde(with = "Bits")]
    bytes: u64,
    #[serde(with = "Many::<Str>")]
    modes: Vec<Text>,
    #[serde(with = "Str")]
    volume_mode: Text,
    #[serde(with = "Str")]
    provisioner: Text,
    #[serde(with = "Str")]
    binding: Text,
    is_default: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "spec::Backend")]
pub(crate) struct Backend {
    #[serde(with = "Str")]
    namespace: Text,
    #[serde(with = "Str")]
    service: Text,
    #[serde(with = "Str")]
    port: Text,
    is_required: bool,
}

twin!(
    ContainerPort = spec::ContainerPort,
    Probe = spec::Probe,
    ServicePort = spec::ServicePort,
    Address = spec::Address,
    Storage = spec::Storage,
    Backend = spec::Backend,
);
