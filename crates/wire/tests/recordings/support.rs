//! Text in, facts and rejections out, both in a line each.

use bellbuoy_core::fact::{Body, Fact};
use bellbuoy_core::object::Scope;
use bellbuoy_core::time::Time;
use bellbuoy_wire::recording::{Census, Dated, Decoder, Draft, Horizon, Ignored, Item, Rejected};

/// What a recording of one source holds.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) facts: Vec<Fact>,
    pub(crate) rejected: Vec<Rejected>,
    pub(crate) ignored: Vec<Ignored>,
    pub(crate) foreign: Option<&'static str>,
    pub(crate) as_of: Option<(Time, Option<&'static str>)>,
}

/// Reads one source, fed in chunks of that size.
pub(crate) fn read_in_chunks(text: &[u8], as_of: Option<Time>, size: usize) -> Read {
    let mut read = Read::default();
    let mut drafts: Vec<Box<Draft>> = Vec::new();
    let mut decoder = Decoder::new(Scope::cluster("cluster"));
    let mut take = |item| match item {
        Item::Draft(draft) => drafts.push(draft),
        Item::Rejected(rejected) => read.rejected.push(rejected),
        Item::Ignored(ignored) => read.ignored.push(ignored),
    };
    for chunk in text.chunks(size) {
        decoder.feed(chunk, &mut take);
    }
    decoder.finish(&mut take);
    read.foreign = decoder.foreign();
    let mut census = Census::default();
    drafts.iter().for_each(|draft| census.count(draft));
    let mut horizon = Horizon::new(census, as_of);
    if horizon.must_recount() {
        drafts.iter().for_each(|draft| horizon.recount(draft));
    }
    read.as_of = horizon.as_of(&Scope::cluster("cluster")).map(|as_of| (as_of.time, as_of.field.map(|f| f.name())));
    let mut dated = Vec::new();
    for draft in drafts {
        horizon.settle(0, draft, &mut dated, |rejected| read.rejected.push(rejected));
    }
    read.facts = dated.into_iter().map(Dated::into_fact).collect();
    read
}

pub(crate) fn read(text: &str) -> Read {
    read_in_chunks(text.as_bytes(), None, usize::MAX)
}

/// One line for a fact: when it was observed, what about, and what it says.
pub(crate) fn line(fact: &Fact) -> String {
    let says = match &fact.body {
        Body::Event(event) => {
            let first = if event.is_first { " first" } else { "" };
            format!("{} ×{}{first}", event.reason, event.repeats)
        }
        Body::Object(object) if object.deleted => "deleted".to_owned(),
        Body::Object(object) => format!("state {}", object.phase).trim_end().to_owned(),
        Body::Alert(alert) => format!("{} {}", alert.name, if alert.firing { "firing" } else { "resolved" }),
        body => format!("{body:?}"),
    };
    format!("{} {}: {says}", clock(fact.observed_at), fact.object.entity())
}

/// The time of day, with a fraction where there is one.
pub(crate) fn clock(time: Time) -> String {
    let day = time.0.rem_euclid(86_400_000_000);
    let (secs, micros) = (day / 1_000_000, day % 1_000_000);
    let clock = format!("{:02}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60);
    if micros == 0 { clock } else { format!("{clock}.{micros:06}") }
}

/// Checks the facts of a text, however it is fed, and that nothing is rejected.
pub(crate) fn check(text: &str, expect: &[&str]) {
    for size in [1, 13, usize::MAX] {
        let read = read_in_chunks(text.as_bytes(), None, size);
        let lines: Vec<String> = read.facts.iter().map(line).collect();
        assert_eq!(lines, expect, "fed in chunks of {size}: {text}\n{read:#?}");
        assert_eq!(read.rejected, [], "{text}");
    }
}

/// Checks what is left of a text, and that the rejections hold these words, one each.
pub(crate) fn check_bad(text: &[u8], facts: &[&str], rejections: &[&str]) {
    let read = read_in_chunks(text, None, usize::MAX);
    let lines: Vec<String> = read.facts.iter().map(line).collect();
    let shown = String::from_utf8_lossy(&text[..text.len().min(500)]);
    assert_eq!(lines, facts, "{shown}\n{read:#?}");
    let found: Vec<String> = read.rejected.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), rejections.len(), "{shown}\n{found:#?}");
    for (found, expect) in found.iter().zip(rejections) {
        assert!(found.contains(expect), "expected {expect:?} in {found:?}");
    }
}

/// The state that the only fact of a text reports.
pub(crate) fn only(text: &str) -> Fact {
    let mut read = read(text);
    assert_eq!(read.rejected, []);
    assert_eq!(read.facts.len(), 1, "{read:#?}");
    read.facts.remove(0)
}
