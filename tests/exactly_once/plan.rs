//! How much a run does, and the seed that everything random in it comes from.

use bellbuoy_tests::chaos::Seed;
use std::time::Duration;

/// A run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// What every random choice comes from.
    pub(crate) seed: u64,
    /// How often a process is killed, at least.
    pub(crate) kills: usize,
    /// Facts in the journal, commands and repeats among them.
    pub(crate) facts: usize,
}

/// When a victim is killed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    /// So long after the last round, whatever it does then: it may start, restore, wait or work.
    After(Duration),
    /// So long after its stage has committed something in this round.
    AtWork(Duration),
}

/// One round: more facts, and a death.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    /// The stage that is hit, as its place in the stream.
    pub(crate) stage: usize,
    /// Which copy of it; none hits all of them at once.
    pub(crate) copy: Option<usize>,
    /// When.
    pub(crate) moment: Moment,
    /// How long nobody starts it again. Longer than the session timeout, its partitions move to the other copy.
    pub(crate) down: Duration,
}

impl Plan {
    /// The run that the environment asks for; by default a short one.
    pub(crate) fn from_environment() -> Self {
        Self {
            seed: number("BELLBUOY_SEED").unwrap_or(20_261_121),
            kills: number("BELLBUOY_KILLS").map_or(6, |kills| usize::try_from(kills).unwrap()),
            facts: number("BELLBUOY_FACTS").map_or(6_000, |facts| usize::try_from(facts).unwrap()),
        }
    }

    /// The rounds, each stage hit as often as the others.
    pub(crate) fn rounds(self, stages: usize, copies: usize) -> Vec<Round> {
        let mut random = Seed(self.seed);
        let millis = |random: &mut Seed, bound: usize| Duration::from_millis(random.below(bound) as u64);
        let (mut rounds, mut kills) = (Vec::new(), 0);
        while kills < self.kills {
            let copy = (random.below(5) > 0).then(|| random.below(copies));
            let moment = match random.below(3) {
                0 => Moment::After(millis(&mut random, 1_500)),
                _ => Moment::AtWork(millis(&mut random, 400)),
            };
            let down = match random.below(2) {
                0 => Duration::ZERO,
                _ => millis(&mut random, 2_500),
            };
            rounds.push(Round { stage: rounds.len() % stages, copy, moment, down });
            kills += copy.map_or(copies, |_| 1);
        }
        rounds
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is {text:?}, expected a whole number")))
}

/// Says how to repeat a run when it fails.
pub(crate) struct Told(pub(crate) Plan);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Plan { seed, kills, facts } = self.0;
            eprintln!("to repeat: BELLBUOY_SEED={seed} BELLBUOY_KILLS={kills} BELLBUOY_FACTS={facts}");
        }
    }
}
