//! Each source alone: what events, object states or alerts alone show of a failure must do to find it.

use super::floors::ALONE_PERCENT;
use super::settings::{chosen_kinds, chosen_seeds, is_partial};
use crate::cluster::recording::{Line, Source};
use crate::outcome::judge;
use crate::scenario::record;
use crate::table::Table;

/// Seeds of each kind in the default run.
const SEEDS: u64 = 1;

/// Every so many kinds in the default run.
const STEP: usize = 2;

/// What a source says of objects that are at fault or suffer, after the failure began: whether it shows it at all.
fn holds(source: Source, lines: &[Line], healthy: &[Line], words: &[String]) -> bool {
    let of = |line: &&Line| line.source == source && words.iter().any(|word| line.text.contains(word.as_str()));
    let abnormal = |line: &&Line| match source {
        Source::Events => line.text.contains(r#""type":"Warning""#) || line.text.contains("NodeNotReady"),
        Source::Alerts => {
            line.text.contains(r#""severity":"warning""#) || line.text.contains(r#""severity":"critical""#)
        }
        Source::Objects => true,
    };
    match source {
        // An object that is as it was before the failure shows nothing.
        Source::Objects => lines.iter().filter(of).count() > healthy.iter().filter(of).count(),
        _ => lines.iter().filter(of).any(|line| abnormal(&line)),
    }
}

#[test]
fn each_source_alone_does() {
    let mut tables = ALONE_PERCENT.map(|(source, floor)| (source, floor, Table::default()));
    let step = if is_partial() { 1 } else { STEP };
    for kind in chosen_kinds().into_iter().step_by(step) {
        for seed in chosen_seeds(SEEDS) {
            let scenario = record(kind, seed);
            let words: Vec<String> =
                scenario.truth.entities.iter().map(|entity| format!("\"{}", entity.name)).collect();
            let (before, after): (Vec<Line>, Vec<Line>) =
                scenario.lines.iter().cloned().partition(|line| line.at < scenario.truth.from);
            for (source, _, table) in &mut tables {
                if !holds(*source, &after, &before, &words) {
                    continue;
                }
                let lines: Vec<Line> = scenario.lines.iter().filter(|line| line.source == *source).cloned().collect();
                let outcome = judge(&lines, &scenario.truth);
                if !outcome.first || outcome.incidents != 1 || outcome.false_alarms > 0 {
                    println!("{} seed {seed} by {source:?} alone; said was\n{}", kind.name, outcome.told);
                }
                table.add(kind.name, &outcome);
            }
        }
    }
    for (source, floor, table) in tables {
        println!("{source:?} alone\n{table}");
        let found = table.total().detected_percent();
        assert!(
            is_partial() || found >= floor,
            "{source:?} alone finds {found:.1} % of what it holds; expected {floor} %"
        );
    }
}
