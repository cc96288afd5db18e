//! Names of things: the scope whose decisions are made together, and the objects in it.

use crate::Text;
use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;

/// The part of an estate that is decided in one place and in one order: today a cluster.
///
/// A type and not a string, because it may later be a tenant's share of a cluster. State, stream time and order are
/// kept per scope; a partition merely holds several of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Scope(pub Text);

impl Scope {
    /// The scope of a cluster, by the name that its operators gave it.
    pub fn cluster(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An object as Kubernetes names it. `namespace` is empty for cluster-scoped kinds, `uid` where none is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct ObjectRef {
    /// `Pod`, `Node`, `Deployment`, …
    pub kind: Text,
    /// The namespace; empty for cluster-scoped kinds.
    pub namespace: Text,
    /// The object's name.
    pub name: Text,
    /// The object's uid; empty where unknown or where the emitter wrote something else there (kubelets write node names).
    pub uid: Text,
}

impl ObjectRef {
    /// An object without a known uid.
    pub fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self { kind: kind.into(), namespace: namespace.into(), name: name.into(), uid: "".into() }
    }

    /// The thing without its incarnation.
    pub fn entity(&self) -> Entity {
        Entity { kind: self.kind.clone(), namespace: self.namespace.clone(), name: self.name.clone() }
    }
}

/// A thing that a person would name: an object without its uid.
///
/// An incident speaks of entities only, and of owners rather than of their pods. Two kinds do not exist in Kubernetes:
/// `Image` (named by its reference) and `Registry` (named by its host).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Entity {
    /// `Deployment`, `Node`, `Image`, …
    pub kind: Text,
    /// The namespace; empty for cluster-scoped kinds.
    pub namespace: Text,
    /// The name.
    pub name: Text,
}

impl Entity {
    /// An entity by kind, namespace and name.
    pub fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self { kind: kind.into(), namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for Entity {
    /// `Deployment shop/cart`, `Node worker-3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.is_empty() {
            true => write!(f, "{} {}", self.kind, self.name),
            false => write!(f, "{} {}/{}", self.kind, self.namespace, self.name),
        }
    }
}
