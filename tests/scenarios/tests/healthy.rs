//! Hours in which nothing fails, with all the noise there is.

use super::floors::HEALTHY_PER_100_HOURS_MAX;
use super::settings::{dump, healthy_hours};
use crate::outcome::judge;
use crate::scenario::record_healthy;

/// Hours of one recording.
const HOURS: i64 = 4;

/// Hours in the default run.
const DEFAULT_HOURS: u64 = 8;

#[test]
fn nothing_is_said_of_healthy_hours() {
    let hours = healthy_hours(DEFAULT_HOURS);
    let mut alarms = 0;
    for seed in 0..hours.div_ceil(HOURS as u64) {
        let scenario = record_healthy(seed, HOURS);
        dump(&scenario);
        let outcome = judge(&scenario.lines, &scenario.truth);
        if outcome.false_alarms > 0 {
            println!("healthy seed {seed}: {} false alarms\n{}", outcome.false_alarms, outcome.told);
        }
        assert_eq!(outcome.rejected, 0, "the reader rejected what the generator wrote");
        alarms += outcome.false_alarms;
    }
    println!("{alarms} incidents above P5 in {hours} healthy hours");
    assert!(100.0 * alarms as f64 / hours as f64 <= HEALTHY_PER_100_HOURS_MAX, "{alarms} in {hours} hours");
}
