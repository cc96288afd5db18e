//! Rounds in turns: what is compared runs side by side, so that a slow phase of the machine hits all of it.

use crate::{Failure, cpu};
use std::time::{Duration, Instant};

/// Fewer rounds than this say nothing on a machine with phases.
pub const ROUNDS_MIN: usize = 5;

/// What one run used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// CPU time.
    pub cpu: Duration,
    /// Time on the wall clock.
    pub wall: Duration,
}

/// What a run of one side is.
pub type Run<'a> = dyn FnMut() -> Result<Sample, Failure> + 'a;

/// Measures work on the calling thread.
pub fn on_thread<T>(work: impl FnOnce() -> T) -> (T, Sample) {
    let (began, cpu) = (Instant::now(), cpu::of_thread());
    let result = work();
    (result, Sample { cpu: cpu::of_thread().saturating_sub(cpu), wall: began.elapsed() })
}

/// Measures work on all threads of the process.
pub fn on_process<T>(work: impl FnOnce() -> T) -> (T, Sample) {
    let (began, cpu) = (Instant::now(), cpu::of_process());
    let result = work();
    (result, Sample { cpu: cpu::of_process().saturating_sub(cpu), wall: began.elapsed() })
}

/// Runs all sides `rounds` times in turns, after one round that does not count. Every other round runs backwards, so
/// that nobody always runs first. The samples come by side, then by round.
///
/// # Errors
/// The first one that a run returns.
pub fn in_turns(rounds: usize, sides: &mut [&mut Run<'_>]) -> Result<Vec<Vec<Sample>>, Failure> {
    let mut samples = vec![Vec::with_capacity(rounds); sides.len()];
    for round in 0..=rounds {
        for turn in 0..sides.len() {
            let side = if round % 2 == 0 { turn } else { sides.len() - 1 - turn };
            let sample = sides[side]()?;
            if round > 0 {
                samples[side].push(sample);
            }
        }
    }
    Ok(samples)
}

/// The middle, the least and the greatest of some figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The median: the upper of the two in the middle of an even number.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// The spread of some figures; not a number where there are none.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let at = |place: usize| figures.get(place).copied().unwrap_or(f64::NAN);
        Self { median: at(figures.len() / 2), min: at(0), max: at(figures.len().saturating_sub(1)) }
    }

    /// CPU time for each of so many items, in microseconds.
    pub fn cpu_us_each(samples: &[Sample], items: usize) -> Self {
        Self::of(samples.iter().map(|sample| sample.cpu.as_secs_f64() * 1e6 / items as f64))
    }

    /// CPU time of one side for each second of the other's in the same round.
    pub fn cpu_ratio(samples: &[Sample], base: &[Sample]) -> Self {
        Self::of(samples.iter().zip(base).map(|(one, other)| one.cpu.as_secs_f64() / other.cpu.as_secs_f64()))
    }

    /// Time on the wall of one side for each second of the other's in the same round.
    pub fn wall_ratio(samples: &[Sample], base: &[Sample]) -> Self {
        Self::of(samples.iter().zip(base).map(|(one, other)| one.wall.as_secs_f64() / other.wall.as_secs_f64()))
    }
}

/// The figure below which a share of the figures lies, by the nearest rank; not a number where there are none.
pub fn percentile(figures: &[f64], share: f64) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    let rank = (figures.len() as f64 * share).ceil() as usize;
    figures.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn sides_take_turns_and_the_first_round_does_not_count() {
        let order = RefCell::new(String::new());
        let sample = |ms| Sample { cpu: Duration::from_millis(ms), wall: Duration::ZERO };
        let mut one = || {
            order.borrow_mut().push('a');
            Ok(sample(order.borrow().len() as u64))
        };
        let mut other = || {
            order.borrow_mut().push('b');
            Ok(sample(order.borrow().len() as u64))
        };
        let samples = in_turns(3, &mut [&mut one, &mut other]).unwrap();
        assert_eq!(*order.borrow(), "abbaabba");
        assert_eq!(samples, [[sample(4), sample(5), sample(8)], [sample(3), sample(6), sample(7)]]);
    }

    #[test]
    fn an_error_ends_the_rounds() {
        let mut runs = 0;
        let mut failing = || {
            runs += 1;
            Err("broken".into())
        };
        assert_eq!(in_turns(5, &mut [&mut failing]).unwrap_err().to_string(), "broken");
        assert_eq!(runs, 1);
    }

    #[test]
    fn spreads_and_percentiles_are_of_sorted_figures() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert!(Spread::of([]).median.is_nan());
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!((percentile(&hundred, 0.5), percentile(&hundred, 0.99)), (50.0, 99.0));
        assert_eq!(percentile(&[7.0], 0.99), 7.0);
        assert!(percentile(&[], 0.5).is_nan());
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let of = |cpu, wall| Sample { cpu: Duration::from_secs(cpu), wall: Duration::from_secs(wall) };
        let (one, base) = ([of(4, 1), of(12, 1)], [of(2, 2), of(4, 4)]);
        assert_eq!(Spread::cpu_ratio(&one, &base), Spread { median: 3.0, min: 2.0, max: 3.0 });
        assert_eq!(Spread::wall_ratio(&one, &base), Spread { median: 0.5, min: 0.25, max: 0.5 });
        assert_eq!(Spread::cpu_us_each(&one[..1], 2).median, 2e6);
    }
}
