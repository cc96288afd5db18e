//! What objects ask for and what they offer: ports, probes, addresses, storage, backends.
//!
//! None of it says that anything is wrong. Two objects beside each other may: a Service that sends to a port which no
//! container serves, a program that is told an address which no Service has.

use crate::Text;
use borsh::{BorshDeserialize, BorshSerialize};

/// A port that a container declares. A declaration opens nothing: a program may listen on ports that it does not name.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ContainerPort {
    /// Its name; empty for none.
    pub name: Text,
    /// Its number.
    pub number: u16,
}

/// A probe of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Probe {
    /// `liveness`, `readiness` or `startup`.
    pub kind: Text,
    /// `HTTP`, `HTTPS`, `TCP`, `GRPC`; `EXEC` for a command.
    pub scheme: Text,
    /// Number or name of the port; empty for a command.
    pub port: Text,
}

/// A port of a Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ServicePort {
    /// Its name; empty for none.
    pub name: Text,
    /// The number that callers use.
    pub number: u16,
    /// Number or name of the port of the pods that it sends to.
    pub target: Text,
    /// `appProtocol`; empty for none.
    pub protocol: Text,
}

/// An address that a program is told, in its environment or in a config map.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Address {
    /// The name of the variable, or the key of the config map.
    pub key: Text,
    /// `http`, `grpc`, `postgres`, … in lower case; empty for none.
    pub scheme: Text,
    /// The host: a Service's name, alone or with its namespace and cluster domain, or any other host.
    pub host: Text,
    /// The port; 0 where none is named.
    pub port: u16,
}

/// What a claim asks for, or what a volume or a class offers.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Storage {
    /// The storage class; none where the field is absent, empty where it says that there is none.
    pub class: Option<Text>,
    /// Requested or offered bytes; 0 where unknown.
    pub bytes: u64,
    /// `ReadWriteOnce`, …
    pub modes: Vec<Text>,
    /// `Filesystem` or `Block`; empty for the default.
    pub volume_mode: Text,
    /// The provisioner of a class.
    pub provisioner: Text,
    /// `Immediate` or `WaitForFirstConsumer`, of a class.
    pub binding: Text,
    /// Whether a class is the default of its cluster.
    pub is_default: bool,
}

/// A Service that an Ingress, a route, a webhook or an aggregated API sends to.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Backend {
    /// The namespace of the Service.
    pub namespace: Text,
    /// The Service.
    pub service: Text,
    /// Number or name of its port; empty where none is named.
    pub port: Text,
    /// Whether requests fail while it does not answer: `failurePolicy: Fail` of a webhook.
    pub is_required: bool,
}
