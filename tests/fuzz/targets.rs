//! What is fuzzed: a function of bytes for each decoder and for the correlator, which panics where a promise is broken.

mod alerts;
mod archives;
mod compiled;
mod correlator;
mod documents;
mod packed;
mod pods;
mod promises;
mod recordings;
mod records;
mod scenario;

use bellbuoy_core::incident::{Incident, Stamped};
use bellbuoy_core::page::Page;
use bellbuoy_core::triage::Triaged;
use bellbuoy_wire::dead_letters::DeadLetter;

/// A function that takes any bytes, and panics where a promise is broken.
pub(crate) type Target = fn(&[u8]);

/// All targets, by the name of their program and of their corpus.
pub(crate) const ALL: [(&str, Target); 15] = [
    ("recording", recordings::recording),
    ("packed", packed::packed),
    ("alert_labels", alerts::alert_labels),
    ("addresses", pods::addresses),
    ("journal", records::record::<bellbuoy_core::fact::Fact>),
    ("incidents", records::record::<Stamped<Incident>>),
    ("triaged", records::record::<Stamped<Triaged>>),
    ("pages", records::record::<Stamped<Page>>),
    ("dead_letters", records::record::<DeadLetter>),
    ("state", records::state),
    ("archive", archives::archive),
    ("configuration", documents::configuration),
    ("labels", documents::labels),
    ("rules", documents::rules),
    ("correlate", correlator::correlate),
];

/// Runs the target of that name.
///
/// # Panics
/// When there is none, or when a promise is broken.
pub(crate) fn run(name: &str, data: &[u8]) {
    let target = ALL.iter().find(|(known, _)| *known == name);
    let (_, target) = target.unwrap_or_else(|| panic!("{name} is no target; expected one of {:?}", ALL.map(|t| t.0)));
    target(data);
}
