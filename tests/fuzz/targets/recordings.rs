//! Recordings in any outside format: sniffed, cut, decoded, settled, and replayed.

use super::compiled::{Under, task};
use super::promises::Promises;
use bellbuoy_core::fact::Fact;
use bellbuoy_core::object::Scope;
use bellbuoy_wire::record::Wire;
use bellbuoy_wire::recording::rejected::EXCERPT_BYTES_MAX;
use bellbuoy_wire::recording::{Census, Dated, Decoder, Draft, Horizon, Ignored, Item, Reason, Rejected};

/// Characters of a rejection's words: a complaint of the parser and some of the text around it.
const DETAIL_CHARS_MAX: usize = 1_000;

/// What a recording of one source holds.
#[derive(Debug, Default)]
struct Read {
    facts: Vec<Fact>,
    rejected: Vec<Rejected>,
    ignored: Vec<Ignored>,
    foreign: Option<&'static str>,
}

/// Any bytes as a recording. How it is cut into chunks decides nothing, what comes out of it is bounded by what went
/// in, its facts survive the journal, and a replay of them ends.
pub(crate) fn recording(data: &[u8]) {
    let whole = read(data, usize::MAX);
    // A size that a change of the input changes too, without a byte of the input that would say it.
    let size = data.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte))) % 61 + 1;
    let parts = read(data, size);
    assert_eq!(whole.facts, parts.facts, "facts, in chunks of {size}");
    assert_eq!(whole.ignored, parts.ignored, "left out, in chunks of {size}");
    assert_eq!(whole.foreign, parts.foreign, "foreign, in chunks of {size}");
    assert_eq!(places(&whole), places(&parts), "rejections, in chunks of {size}");
    let pieces = whole.facts.len() / 2 + whole.rejected.len() + whole.ignored.len();
    assert!(pieces <= 16 * data.len() + 16, "{pieces} pieces of {} bytes", data.len());
    for rejected in &whole.rejected {
        assert!(rejected.excerpt.len() <= EXCERPT_BYTES_MAX, "{rejected:?}");
        assert!(rejected.detail.chars().count() <= DETAIL_CHARS_MAX, "{rejected:?}");
        assert!(rejected.offset <= data.len() as u64, "{rejected:?}");
    }
    replay(&whole.facts);
}

fn places(read: &Read) -> Vec<(u64, u64, Reason)> {
    read.rejected.iter().map(|rejected| (rejected.line, rejected.offset, rejected.reason)).collect()
}

fn read(bytes: &[u8], size: usize) -> Read {
    let mut read = Read::default();
    let mut drafts: Vec<Box<Draft>> = Vec::new();
    let mut decoder = Decoder::new(Scope::cluster("cluster"));
    let mut take = |item| match item {
        Item::Draft(draft) => drafts.push(draft),
        Item::Rejected(rejected) => read.rejected.push(rejected),
        Item::Ignored(ignored) => read.ignored.push(ignored),
    };
    for chunk in bytes.chunks(size) {
        decoder.feed(chunk, &mut take);
    }
    decoder.finish(&mut take);
    read.foreign = decoder.foreign();
    let mut census = Census::default();
    drafts.iter().for_each(|draft| census.count(draft));
    let mut horizon = Horizon::new(census, None);
    if horizon.must_recount() {
        drafts.iter().for_each(|draft| horizon.recount(draft));
    }
    let mut dated = Vec::new();
    for draft in drafts {
        horizon.settle(0, draft, &mut dated, |rejected| read.rejected.push(rejected));
    }
    read.facts = dated.into_iter().map(Dated::into_fact).collect();
    read.facts.sort_by_key(|fact| (fact.observed_at, fact.id));
    read.facts.extend(horizon.end_records());
    read
}

/// The facts of a text that is one recording.
pub(crate) fn facts_of(text: &str) -> Vec<Fact> {
    read(text.as_bytes(), usize::MAX).facts
}

/// Folds facts through the journal's bytes and the correlator.
pub(crate) fn replay(facts: &[Fact]) {
    let mut task = task(Under::Whole);
    let mut promises = Promises::under(Under::Whole);
    for (offset, fact) in (0..).zip(facts) {
        let bytes = Wire::encode(fact);
        let read = <Fact as Wire>::decode(&bytes).expect("what was encoded can be decoded");
        assert_eq!(&read, fact);
        task.feed(offset, read);
        promises.hold(&task.commit().effects);
    }
}
