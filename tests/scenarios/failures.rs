//! What is done to healthy clusters: one function for each kind of failure.

pub(crate) mod addresses;
pub(crate) mod admission;
pub(crate) mod agents;
pub(crate) mod alerts;
pub(crate) mod claims;
pub(crate) mod configuration;
pub(crate) mod control_plane;
pub(crate) mod crashes;
pub(crate) mod delivery;
pub(crate) mod images;
pub(crate) mod jobs;
pub(crate) mod nodes;
pub(crate) mod probes;
pub(crate) mod scheduling;
pub(crate) mod services;
pub(crate) mod volumes;

use crate::stage::{Fault, Stage};

/// A kind of failure.
pub(crate) struct Kind {
    pub name: &'static str,
    /// How long it is watched.
    pub minutes: i64,
    /// What must be so before anybody watches.
    pub prepare: Option<fn(&mut Stage)>,
    pub inject: fn(&mut Stage) -> Fault,
}

impl Kind {
    const fn new(name: &'static str, minutes: i64, inject: fn(&mut Stage) -> Fault) -> Self {
        Self { name, minutes, prepare: None, inject }
    }

    const fn prepared(
        name: &'static str,
        minutes: i64,
        prepare: fn(&mut Stage),
        inject: fn(&mut Stage) -> Fault,
    ) -> Self {
        Self { name, minutes, prepare: Some(prepare), inject }
    }
}

/// All kinds.
pub(crate) fn kinds() -> impl Iterator<Item = &'static Kind> {
    [
        images::KINDS,
        crashes::KINDS,
        configuration::KINDS,
        probes::KINDS,
        scheduling::KINDS,
        admission::KINDS,
        services::KINDS,
        addresses::KINDS,
        claims::KINDS,
        volumes::KINDS,
        nodes::KINDS,
        agents::KINDS,
        control_plane::KINDS,
        jobs::KINDS,
        delivery::KINDS,
        alerts::KINDS,
    ]
    .into_iter()
    .flatten()
}
