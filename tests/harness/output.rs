//! What the topics behind the stages hold, in the terms in which two runs must be equal.
//!
//! Per scope, and within it per partition key (pages go by their receiver), the sequence of keys and values. Offsets,
//! timestamps, headers and the order between scopes are outside; so is the place at which a dead letter's record stood
//! behind a topic that transactions write, because their markers take offsets.

#![expect(clippy::expect_used, clippy::panic, reason = "a test's tool fails the test that uses it")]

use bellbuoy_core::fact::FactId;
use bellbuoy_core::incident::{Flow, Incident, Stamped};
use bellbuoy_core::page::Page;
use bellbuoy_core::triage::Triaged;
use bellbuoy_wire::dead_letters::DeadLetter;
use bellbuoy_wire::record::Wire;
use bellbuoy_wire::topic::Topic;
use std::collections::BTreeMap;
use std::fmt;

/// The topics that are compared.
pub const OUTPUT_TOPICS: [Topic; 5] =
    [Topic::Incidents, Topic::IncidentsCurrent, Topic::Triaged, Topic::Pages, Topic::DeadLetters];

/// Everything that a pipeline wrote.
#[derive(Debug, Default)]
pub struct Output {
    lanes: BTreeMap<Lane, Vec<Pair>>,
    /// The latest value of each key of `incidents-current`.
    current: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// Records that stand in one order wherever they are written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Lane {
    topic: Topic,
    scope: String,
    partition_key: String,
}

/// A record.
#[derive(Clone, PartialEq, Eq)]
struct Pair {
    key: String,
    value: Vec<u8>,
    /// What it says, for people.
    says: String,
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} ({} bytes, {})", self.key, self.says, self.value.len(), FactId::of(&self.value))
    }
}

/// Records around a difference that a failure shows.
const SHOWN: usize = 2;

impl Output {
    /// Takes a record in; those of one lane in their order.
    ///
    /// # Panics
    /// Panics when the record cannot be read, or when nobody writes to that topic.
    pub fn add(&mut self, topic: Topic, key: &[u8], value: &[u8]) {
        match topic {
            Topic::Incidents => self.add_stamped::<Incident>(key, value, incident),
            Topic::Triaged => self.add_stamped::<Triaged>(key, value, triaged),
            Topic::Pages => self.add_stamped::<Page>(key, value, page),
            Topic::DeadLetters => self.add_letter(value),
            Topic::IncidentsCurrent => drop(self.current.insert(key.to_vec(), value.to_vec())),
            Topic::Journal | Topic::State(_) => panic!("{topic} is not what a pipeline tells"),
        }
    }

    fn add_stamped<T>(&mut self, key: &[u8], value: &[u8], says: fn(&T) -> String)
    where
        Stamped<T>: Wire,
    {
        let stamped = Stamped::<T>::decode(value).expect("a runner writes what can be read");
        let says = match &stamped.flow {
            Flow::Item(item) => says(item),
            Flow::Rules(rules) => format!("rules {}", bellbuoy_wire::rules::hash(rules)),
            Flow::Watermark => "watermark".to_owned(),
        };
        let pair = Pair { key: text(key), value: value.to_vec(), says: format!("at {}: {says}", stamped.at.0) };
        self.push(Stamped::<T>::TOPIC, &stamped.scope.0, stamped.partition_key(), pair);
    }

    fn add_letter(&mut self, value: &[u8]) {
        let letter = DeadLetter::decode(value).expect("a runner writes what can be read");
        let origin = letter.origin();
        let (scope, key) = match letter.scope() {
            Some(scope) => (&*scope.0, letter.fact().map(|fact| fact.to_string()).unwrap_or_default()),
            // The journal is written without transactions: what cannot be read stands at the same offset everywhere.
            None => ("", text(&letter.key())),
        };
        let at = letter.scope().map(|_| letter.timestamp().0);
        let says = format!("{} of {} bytes: {}", at.unwrap_or_default(), letter.length(), letter.reason());
        let pair = Pair { key, value: letter.bytes().to_vec(), says };
        // Letters of different stages, and of different partitions, come in any order.
        let lane = match letter.scope() {
            Some(_) => origin.topic.to_string(),
            None => format!("{}/{}", origin.topic, origin.partition),
        };
        self.push(Topic::DeadLetters, scope, lane.as_bytes(), pair);
    }

    fn push(&mut self, topic: Topic, scope: &str, partition_key: &[u8], pair: Pair) {
        let lane = Lane { topic, scope: scope.to_owned(), partition_key: text(partition_key) };
        self.lanes.entry(lane).or_default().push(pair);
    }

    /// How many records of a topic there are; of `incidents-current`, how many keys.
    pub fn count(&self, topic: Topic) -> usize {
        match topic {
            Topic::IncidentsCurrent => self.current.len(),
            _ => self.lanes.iter().filter(|(lane, _)| lane.topic == topic).map(|(_, pairs)| pairs.len()).sum(),
        }
    }

    /// Fails with the first difference in each lane that has one.
    ///
    /// # Panics
    /// Panics when the two differ.
    pub fn assert_same(&self, found: &Output, what: &str) {
        let mut differences = Vec::new();
        let lanes: std::collections::BTreeSet<&Lane> = self.lanes.keys().chain(found.lanes.keys()).collect();
        for lane in lanes {
            let none = Vec::new();
            let (expect, found) = (self.lanes.get(lane).unwrap_or(&none), found.lanes.get(lane).unwrap_or(&none));
            if let Some(difference) = difference(expect, found) {
                differences.push(format!("{lane:?}: {difference}"));
            }
        }
        for key in self.current.keys().chain(found.current.keys()) {
            if self.current.get(key) != found.current.get(key) {
                differences.push(format!("the latest record of {} differs", text(key)));
            }
        }
        let (count, shown) = (differences.len(), differences.iter().take(5).cloned().collect::<Vec<_>>().join("\n"));
        assert!(differences.is_empty(), "{what}: {count} differences, the first of them:\n{shown}");
    }

    /// A line per record: topic, scope, partition key, key, what it says, and the hash of its value.
    pub fn lines(&self) -> String {
        let mut lines = String::new();
        let mut line = |words: fmt::Arguments<'_>| {
            lines.push_str(&words.to_string());
            lines.push('\n');
        };
        for (Lane { topic, scope, partition_key }, pairs) in &self.lanes {
            let by = if scope == partition_key { String::new() } else { format!(", by {partition_key}") };
            line(format_args!("# {topic} of {scope:?}{by}"));
            for Pair { key, value, says } in pairs {
                line(format_args!("{key} {} {says}", FactId::of(value)));
            }
        }
        line(format_args!("# {}", Topic::IncidentsCurrent));
        for (key, value) in &self.current {
            line(format_args!("{} {}", text(key), FactId::of(value)));
        }
        lines
    }
}

/// Says where two sequences part, with what stands there.
fn difference(expect: &[Pair], found: &[Pair]) -> Option<String> {
    let same = |at: &usize| expect.get(*at).is_some() && expect.get(*at) == found.get(*at);
    let at = (0..).find(|at| !same(at))?;
    if at == expect.len() && at == found.len() {
        return None;
    }
    let around = |pairs: &[Pair]| {
        let (from, to) = (at.saturating_sub(SHOWN).min(pairs.len()), (at + SHOWN).min(pairs.len()));
        pairs[from..to].iter().map(|pair| format!("\n    {pair:?}")).collect::<String>()
    };
    let seen = found.get(at).and_then(|pair| expect[..at].iter().rposition(|earlier| earlier == pair));
    let doubled = seen.map_or(String::new(), |seen| format!("; what is found there stood at {seen} already"));
    Some(format!(
        "differs at {at} of {} expected and {} found{doubled}\n  expected{}\n  found{}",
        expect.len(),
        found.len(),
        around(expect),
        around(found)
    ))
}

fn incident(incident: &Incident) -> String {
    let cause = incident.causes.first();
    let cause = cause.map_or("no cause".to_owned(), |cause| format!("{} on {}", cause.signal, cause.entity));
    let Incident { revision, status, open_count, member_count, changes, .. } = incident;
    format!("revision {revision} {status:?}, {cause}, {open_count} of {member_count} open, {changes:?}")
}

fn triaged(triaged: &Triaged) -> String {
    let Triaged { incident: of, severity, category, owner, .. } = triaged;
    format!("revision {} {:?}, {severity}, {category}, {owner}", of.revision, of.status)
}

fn page(page: &Page) -> String {
    let Page { kind, channel, tier, severity, summary, rule, .. } = page;
    format!("{kind:?} tier {tier} by {channel}, {severity}, rule {rule}: {summary}")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
