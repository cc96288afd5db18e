//! Objects of the Kubernetes API in JSON: Events and object states, slimmed to what decisions read.

pub(crate) mod conditions;
pub(crate) mod endpoints;
pub(crate) mod event;
pub(crate) mod node;
pub(crate) mod object;
pub(crate) mod pod;
pub(crate) mod quota;
pub(crate) mod raw;
pub(crate) mod workload;
