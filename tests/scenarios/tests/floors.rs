//! What must at least be reached, in one place; raised as detection improves.

use crate::cluster::recording::Source;

/// Floors of the run over all kinds. The aim is 98 % named first over all, no kind under 90 %, 1.1 incidents each.
pub(super) struct Floors {
    pub(super) detected_percent: f64,
    pub(super) first_percent: f64,
    /// Of a hundred failures of one kind.
    pub(super) first_percent_of_kind: f64,
    pub(super) incidents_each_max: f64,
    pub(super) false_alarms_each_max: f64,
}

/// All kinds.
pub(super) const FAILURES: Floors = Floors {
    detected_percent: 99.0,
    first_percent: 99.0,
    first_percent_of_kind: 90.0,
    incidents_each_max: 1.05,
    false_alarms_each_max: 0.03,
};

/// Of a hundred failures that a source holds, how many it must find alone.
pub(super) const ALONE_PERCENT: [(Source, f64); 3] =
    [(Source::Events, 95.0), (Source::Objects, 90.0), (Source::Alerts, 98.0)];

/// Of a hundred verdicts, how many must stay as they are under a change that changes nothing; the aim is all.
pub(super) const SAME_PERCENT: f64 = 95.0;

/// Incidents above P5 that are borne in a hundred healthy hours; the aim is none in a thousand.
pub(super) const HEALTHY_PER_100_HOURS_MAX: f64 = 1.0;
