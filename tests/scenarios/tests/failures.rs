//! Every kind of failure, in several clusters.

use super::floors::FAILURES;
use super::settings::{chosen_kinds, chosen_seeds, dump, is_partial};
use crate::outcome::judge;
use crate::scenario::record;
use crate::table::Table;

/// Seeds of each kind in the default run.
const SEEDS: u64 = 1;

#[test]
fn failures_are_found_and_named() {
    let mut table = Table::default();
    let mut rejected = 0;
    for kind in chosen_kinds() {
        for seed in chosen_seeds(SEEDS) {
            let scenario = record(kind, seed);
            dump(&scenario);
            let outcome = judge(&scenario.lines, &scenario.truth);
            if !outcome.first || outcome.incidents != 1 || outcome.false_alarms > 0 {
                let truth: Vec<String> = scenario.truth.entities.iter().take(4).map(ToString::to_string).collect();
                println!("{} seed {seed}: at fault is {}; said was\n{}", kind.name, truth.join(" or "), outcome.told);
            }
            rejected += outcome.rejected;
            table.add(kind.name, &outcome);
        }
    }
    println!("{table}");
    assert_eq!(rejected, 0, "the reader rejected what the generator wrote");
    if is_partial() {
        return;
    }
    let total = table.total();
    assert!(total.detected_percent() >= FAILURES.detected_percent, "{:.1} % are found", total.detected_percent());
    assert!(total.first_percent() >= FAILURES.first_percent, "{:.1} % are named first", total.first_percent());
    for (kind, row) in table.rows() {
        let percent = row.first_percent();
        assert!(percent >= FAILURES.first_percent_of_kind, "{percent:.1} % of {kind} are named first");
    }
    assert!(
        total.incidents_each() <= FAILURES.incidents_each_max,
        "{:.2} incidents for a failure",
        total.incidents_each()
    );
    assert!(
        total.false_alarms_each() <= FAILURES.false_alarms_each_max,
        "{:.2} false alarms",
        total.false_alarms_each()
    );
}
