//! The passes over a journal that are compared: decoding alone, `correlate` alone, and both with all encoding.

use crate::Failure;
use crate::bare_rows::BareRows;
use crate::rounds::{Sample, on_thread};
use bellbuoy_core::fact::Fact;
use bellbuoy_core::incident::Stamped;
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::stage::{Effect, Stage};
use bellbuoy_core::task::{Commit, Offset, Row, Task};
use bellbuoy_correlate::Correlate;
use bellbuoy_wire::dead_letters::{DeadLetter, Origin};
use bellbuoy_wire::record::{DecodeError, Wire};
use bellbuoy_wire::state::encode_state;
use bellbuoy_wire::topic::Topic;
use std::hint::black_box;
use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Duration;

/// Facts of one commit.
pub const COMMIT_FACTS: usize = 1_000;

/// Facts that are decoded before they are fed, where only the feeding is measured: few enough to be in the cache still,
/// and so many that asking for the time does not count.
const DECODED_AHEAD: usize = 50;

/// What a pass has written, for the tables and so that it is not optimised away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Records to the topic behind.
    pub records: usize,
    /// Rows of the changelog.
    pub rows: usize,
    /// Dead letters.
    pub dead_letters: usize,
    /// Bytes of all of them, keys included.
    pub bytes: usize,
}

/// CPU time of the parts of a pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parts {
    /// Avro to facts.
    pub decode: Duration,
    /// Holding back, ordering, and the stage itself.
    pub feed: Duration,
    /// Notes of the tables to rows of a changelog.
    pub commit: Duration,
    /// Records behind the stage to Avro.
    pub encode_records: Duration,
    /// Rows to Avro.
    pub encode_rows: Duration,
}

impl Parts {
    /// The parts with their names, in the order in which a fact meets them.
    pub fn named(&self) -> [(&'static str, Duration); 5] {
        [
            ("decode facts", self.decode),
            ("hold back, order, correlate", self.feed),
            ("commit: tables to rows", self.commit),
            ("encode incidents", self.encode_records),
            ("encode changelog rows", self.encode_rows),
        ]
    }
}

impl AddAssign for Written {
    fn add_assign(&mut self, other: Self) {
        self.records += other.records;
        self.rows += other.rows;
        self.dead_letters += other.dead_letters;
        self.bytes += other.bytes;
    }
}

/// The facts as records of the journal.
pub fn encoded(facts: &[Fact]) -> Vec<Vec<u8>> {
    facts.iter().map(Wire::encode).collect()
}

/// A task of `correlate` that has seen nothing.
pub fn new_task(rules: &Arc<RuleSet>) -> Task<Correlate> {
    Task::new(Correlate::new(rules.clone()))
}

/// Decodes all records and does nothing with them.
///
/// # Errors
/// When a record is none of ours.
pub fn decode_only(records: &[Vec<u8>]) -> Result<(), DecodeError> {
    records.iter().try_for_each(|record| Fact::decode(record).map(|fact| drop(black_box(fact))))
}

/// Feeds facts from `from` on, with a commit behind every [`COMMIT_FACTS`]. What comes of it is dropped.
pub fn correlate(task: &mut Task<Correlate>, from: Offset, facts: Vec<Fact>) {
    let mut fed = 0;
    for (offset, fact) in (from..).zip(facts) {
        task.feed(offset, fact);
        fed += 1;
        if fed % COMMIT_FACTS == 0 {
            black_box(task.commit());
        }
    }
    black_box(task.commit());
}

/// Decodes, feeds, commits and encodes everything, as a runner does.
///
/// # Errors
/// When a record is none of ours.
pub fn correlate_records(task: &mut Task<Correlate>, records: &[Vec<u8>]) -> Result<Written, DecodeError> {
    let mut written = Written::default();
    for (offset, record) in (0..).zip(records) {
        task.feed(offset, Fact::decode(record)?);
        if (offset + 1) % COMMIT_FACTS as Offset == 0 {
            written += encode(task.commit());
        }
    }
    written += encode(task.commit());
    Ok(written)
}

/// The same, one part of a batch after the other, so that each can be measured. Facts of a batch stand in memory
/// between decoding and feeding, which a runner spares itself: the sum of the parts is an upper bound.
///
/// # Errors
/// When a record is none of ours.
pub fn correlate_by_parts(task: &mut Task<Correlate>, records: &[Vec<u8>]) -> Result<Parts, DecodeError> {
    let mut parts = Parts::default();
    let mut offset = 0;
    for batch in records.chunks(COMMIT_FACTS) {
        let decoded: Result<Vec<Fact>, DecodeError> =
            timed(&mut parts.decode, || batch.iter().map(|record| Fact::decode(record)).collect());
        let facts = decoded?;
        timed(&mut parts.feed, || {
            for fact in facts {
                task.feed(offset, fact);
                offset += 1;
            }
        });
        let Commit { effects, changelog, .. } = timed(&mut parts.commit, || task.commit());
        timed(&mut parts.encode_records, || black_box(encode_effects(effects)));
        timed(&mut parts.encode_rows, || black_box(encode_rows(changelog)));
    }
    Ok(parts)
}

/// Decodes facts and feeds them behind others that are not measured: CPU time of the feeding and of the commits. A fact is
/// fed as it comes from the decoder, with texts of its own and these in the cache of the processor.
///
/// # Errors
/// When a record is none of ours.
pub fn correlate_kind(rules: &Arc<RuleSet>, before: &[Vec<u8>], records: &[Vec<u8>]) -> Result<Parts, DecodeError> {
    let mut task = new_task(rules);
    let mut offset = 0;
    let mut feed = |task: &mut Task<Correlate>, fact| {
        task.feed(offset, fact);
        offset += 1;
    };
    for batch in before.chunks(COMMIT_FACTS) {
        batch.iter().try_for_each(|record| Fact::decode(record).map(|fact| feed(&mut task, fact)))?;
        black_box(task.commit());
    }
    let mut parts = Parts::default();
    for batch in records.chunks(COMMIT_FACTS) {
        parts.feed += just_decoded(batch, |fact| feed(&mut task, fact))?;
        black_box(timed(&mut parts.commit, || task.commit()));
    }
    Ok(parts)
}

/// The same facts into bare rows: CPU time of those behind.
///
/// # Errors
/// When a record is none of ours.
pub fn bare_rows(before: &[Vec<u8>], records: &[Vec<u8>]) -> Result<Duration, DecodeError> {
    let mut rows = BareRows::default();
    before.iter().try_for_each(|record| Fact::decode(record).map(|fact| rows.take(fact)))?;
    let time = just_decoded(records, |fact| rows.take(fact));
    black_box(rows.facts());
    time
}

/// CPU time of taking facts in that were decoded a moment ago.
fn just_decoded(records: &[Vec<u8>], mut take: impl FnMut(Fact)) -> Result<Duration, DecodeError> {
    let mut time = Duration::ZERO;
    for few in records.chunks(DECODED_AHEAD) {
        let facts: Vec<Fact> = few.iter().map(|record| Fact::decode(record)).collect::<Result<_, _>>()?;
        timed(&mut time, || facts.into_iter().for_each(&mut take));
    }
    Ok(time)
}

/// Runs a pass and measures it; what it needs is made before.
///
/// # Errors
/// That of the pass.
pub fn measured<T, R, E: Into<Failure>>(
    prepare: impl FnOnce() -> T,
    pass: impl FnOnce(T) -> Result<R, E>,
) -> Result<(R, Sample), Failure> {
    let prepared = prepare();
    let (result, sample) = on_thread(|| pass(prepared));
    Ok((result.map_err(Into::into)?, sample))
}

fn timed<T>(part: &mut Duration, work: impl FnOnce() -> T) -> T {
    let (result, sample) = on_thread(work);
    *part += sample.cpu;
    result
}

fn encode<Out>(commit: Commit<Out>) -> Written
where
    Stamped<Out>: Wire,
{
    let mut written = encode_effects(commit.effects);
    written += encode_rows(commit.changelog);
    written
}

fn encode_effects<Out>(effects: Vec<Effect<Out>>) -> Written
where
    Stamped<Out>: Wire,
{
    let mut written = Written::default();
    for effect in effects {
        let (key, value) = match effect {
            Effect::Emit(stamped) => {
                written.records += 1;
                (stamped.key(), stamped.encode())
            }
            Effect::Reject(rejected) => {
                let origin = Origin { topic: Topic::Journal.to_string().into(), partition: 0, offset: 0 };
                let letter = DeadLetter::rejected(origin, rejected, &[]);
                written.dead_letters += 1;
                (letter.key(), letter.encode())
            }
        };
        written.bytes += black_box(&key).len() + black_box(&value).len();
    }
    written
}

fn encode_rows(rows: Vec<Row>) -> Written {
    let mut written = Written { rows: rows.len(), ..Written::default() };
    for row in rows {
        let value = row.value.as_deref().map(|image| encode_state(Correlate::STATE_FORMAT, Some(image)));
        written.bytes += row.key.len() + black_box(&value).as_ref().map_or(0, Vec::len);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload;
    use bellbuoy_tests::fold::default_rules;

    #[test]
    fn all_passes_do_the_same_work() {
        let (workload, rules) = (workload::chaos(2, 2_500).ended(), default_rules());
        let records = encoded(&workload.facts);
        decode_only(&records).unwrap();
        let (mut one, mut two, mut three) = (new_task(&rules), new_task(&rules), new_task(&rules));
        correlate(&mut one, 0, workload.facts.clone());
        let written = correlate_records(&mut two, &records).unwrap();
        let parts = correlate_by_parts(&mut three, &records).unwrap();
        assert!(written.records > 100 && written.rows > 1_000, "{written:?}");
        assert!(parts.named().iter().all(|(_, time)| !time.is_zero()), "{parts:?}");
        assert_eq!(one.dump(), two.dump());
        assert_eq!(one.dump(), three.dump());
        assert_eq!(one.held(), 0, "the ends of the recordings have released everything");
    }

    #[test]
    fn what_is_no_record_is_an_error() {
        assert!(decode_only(&[vec![1, 2, 3]]).is_err());
        assert!(correlate_records(&mut new_task(&default_rules()), &[vec![1, 2, 3]]).is_err());
    }
}
