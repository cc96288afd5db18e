//! How much is run, by the environment; and where recordings are written for looking at.

use crate::failures::{Kind, kinds};
use crate::scenario::Scenario;
use std::path::PathBuf;

/// Seeds of each kind: `BELLBUOY_SCENARIO_SEEDS`, else `default`.
pub(super) fn seeds(default: u64) -> std::ops::Range<u64> {
    0..number("BELLBUOY_SCENARIO_SEEDS").unwrap_or(default)
}

/// The seed from which on to run: `BELLBUOY_SCENARIO_SEED` runs that one only.
pub(super) fn chosen_seeds(default: u64) -> Vec<u64> {
    match number("BELLBUOY_SCENARIO_SEED") {
        Some(seed) => vec![seed],
        None => seeds(default).collect(),
    }
}

/// Healthy hours: `BELLBUOY_HEALTHY_HOURS`, else `default`.
pub(super) fn healthy_hours(default: u64) -> u64 {
    number("BELLBUOY_HEALTHY_HOURS").unwrap_or(default)
}

/// Kinds whose name holds `BELLBUOY_SCENARIO_KIND`; else all.
pub(super) fn chosen_kinds() -> Vec<&'static Kind> {
    let wanted = std::env::var("BELLBUOY_SCENARIO_KIND").unwrap_or_default();
    let chosen: Vec<_> = kinds().filter(|kind| kind.name.contains(&wanted)).collect();
    assert!(!chosen.is_empty(), "BELLBUOY_SCENARIO_KIND is {wanted:?}; expected a part of the name of a kind");
    chosen
}

/// Whether the environment asks for other than the default run: floors for all kinds do not apply to a part of them, and
/// nothing is left out to save time.
pub(super) fn is_partial() -> bool {
    ["BELLBUOY_SCENARIO_KIND", "BELLBUOY_SCENARIO_SEED"].iter().any(|name| std::env::var_os(name).is_some())
}

/// Writes a recording into the folder `BELLBUOY_SCENARIO_DUMP`, if it is given.
pub(super) fn dump(scenario: &Scenario) {
    let Some(folder) = std::env::var_os("BELLBUOY_SCENARIO_DUMP").map(PathBuf::from) else { return };
    std::fs::create_dir_all(&folder).unwrap();
    let lines: String = scenario.lines.iter().map(|line| line.text.clone() + "\n").collect();
    std::fs::write(folder.join(format!("{}-{}.jsonl", scenario.kind, scenario.seed)), lines).unwrap();
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}; expected a number")))
}
