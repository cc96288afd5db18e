//! Objects of the Kubernetes API in JSON: Events and object states, slimmed to what decisions read.

pub(crate) mod address;
pub(crate) mod backend;
pub(crate) mod conditions;
pub(crate) mod configuration;
pub(crate) mod document;
pub(crate) mod endpoints;
pub(crate) mod environment;
pub(crate) mod event;
pub(crate) mod lease;
pub(crate) mod node;
pub(crate) mod object;
pub(crate) mod particulars;
pub(crate) mod pod;
pub(crate) mod pod_spec;
pub(crate) mod policy;
pub(crate) mod quantity;
pub(crate) mod quota;
pub(crate) mod raw;
pub(crate) mod service;
pub(crate) mod settings;
pub(crate) mod shape;
pub(crate) mod storage;
pub(crate) mod whole;
pub(crate) mod workload;
