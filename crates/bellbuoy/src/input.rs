//! What a journal is read from: recordings, a topic of Kafka, or the embedded log; as often as needed.

use crate::cli::{Misuse, SourceArgs};
use crate::embedded::Embedded;
use crate::kafka_source;
use crate::place::Place;
use crate::progress::Progress;
use crate::reading::{Each, Reading};
use crate::recordings::Recordings;
use bellbuoy_core::fact::{Body, Fact};
use bellbuoy_core::time::Time;
use bellbuoy_wire::rules::Config;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a journal is read from.
pub(crate) struct Input {
    origin: Origin,
    from: Option<Time>,
    to: Option<Time>,
}

enum Origin {
    Recordings(Recordings),
    Kafka(kafka_source::Source),
    Embedded(Box<Embedded>),
}

impl Input {
    /// The sources of a command line.
    ///
    /// # Errors
    /// [`Misuse`] when there are none or they do not go together; else when they cannot be found.
    pub(crate) fn of(args: &SourceArgs, config: &Config) -> anyhow::Result<Self> {
        if let (Some(from), Some(to)) = (args.from, args.to)
            && from >= to
        {
            return Err(Misuse("--from is not before --to: nothing lies between them".to_owned()).into());
        }
        let is_kafka = |source: &&String| source.starts_with("kafka://");
        let origin = match args.sources.as_slice() {
            [] => return Err(Misuse(NO_SOURCE.to_owned()).into()),
            [address] if is_kafka(&address) => Origin::Kafka(kafka_source::Source::of(address, &config.kafka)?),
            sources => {
                if let Some(address) = sources.iter().find(is_kafka) {
                    let rest = "a topic has an order of its own: replay it alone, or `bellbuoy export` it first";
                    return Err(Misuse(format!("{address} stands beside other sources; {rest}")).into());
                }
                let cluster = args.cluster.clone().unwrap_or_else(|| config.cluster.to_string());
                let sources: Vec<_> = sources.iter().map(PathBuf::from).collect();
                Origin::Recordings(Recordings::open(&sources, cluster, args.as_of)?)
            }
        };
        Ok(Self { origin, from: args.from, to: args.to })
    }

    /// The sources of a command line, or the data directory that it names instead.
    ///
    /// # Errors
    /// Those of [`Input::of`], and when the data directory cannot be opened.
    pub(crate) fn of_either(args: &SourceArgs, data_dir: Option<&Path>, config: &Config) -> anyhow::Result<Self> {
        let Some(data_dir) = data_dir else { return Self::of(args, config) };
        let origin = Origin::Embedded(Box::new(Embedded::open(data_dir)?));
        Ok(Self { origin, from: args.from, to: args.to })
    }

    /// One file, all of it.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(crate) fn of_file(file: PathBuf, cluster: &str) -> anyhow::Result<Self> {
        let origin = Origin::Recordings(Recordings::open(&[file], cluster.to_owned(), None)?);
        Ok(Self { origin, from: None, to: None })
    }

    /// The embedded log, where it is one.
    pub(crate) fn embedded(&self) -> Option<&Embedded> {
        match &self.origin {
            Origin::Embedded(embedded) => Some(embedded),
            Origin::Recordings(_) | Origin::Kafka(_) => None,
        }
    }

    /// Reads the facts of the range, in an order that keeps each cluster's own, until `each` says stop.
    ///
    /// # Errors
    /// When the input cannot be read, and those of `each`.
    pub(crate) fn read(
        &self,
        doing: &'static str,
        mut each: impl FnMut(Fact, &dyn Fn() -> Place) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<Reading> {
        let mut each = within(self.from, self.to, &mut each);
        match &self.origin {
            Origin::Recordings(recordings) => recordings.read(&mut Progress::records(doing), &mut each),
            Origin::Kafka(topic) => topic.read((self.from, self.to), &mut Progress::records(doing), &mut each),
            Origin::Embedded(embedded) => {
                let topic: Arc<str> = bellbuoy_wire::topic::Topic::Journal.to_string().into();
                let mut progress = Progress::records(doing);
                let mut read = 0;
                embedded.each::<Fact>(|fact, partition, offset| {
                    read += 1;
                    progress.at(read, None);
                    each(fact, &|| Place::Log { topic: topic.clone(), partition, offset })
                })?;
                Ok(Reading::default())
            }
        }
    }

    /// Reads the same facts for the last time, which is faster.
    ///
    /// # Errors
    /// Those of [`Input::read`].
    pub(crate) fn read_last(self, doing: &'static str, each: &mut Each<'_>) -> anyhow::Result<Reading> {
        match self.origin {
            Origin::Recordings(recordings) => {
                recordings.read_last(&mut Progress::records(doing), &mut within(self.from, self.to, each))
            }
            Origin::Kafka(_) | Origin::Embedded(_) => self.read(doing, each),
        }
    }
}

const NO_SOURCE: &str = "no SOURCE is named: a file, a folder, `-` for standard input, or kafka://HOST:PORT/TOPIC";

/// Passes the facts of a range on.
fn within(
    from: Option<Time>,
    to: Option<Time>,
    each: &mut Each<'_>,
) -> impl FnMut(Fact, &dyn Fn() -> Place) -> anyhow::Result<ControlFlow<()>> {
    move |fact, place| match cut(fact, from, to) {
        Some(fact) => each(fact, place),
        None => Ok(ControlFlow::Continue(())),
    }
}

/// A fact, if it lies in the range. A recording that ends behind the range ends with it; which rules hold is no matter
/// of the range.
fn cut(fact: Fact, from: Option<Time>, to: Option<Time>) -> Option<Fact> {
    let at = fact.observed_at;
    match (&fact.body, to) {
        (Body::EndOfRecording, Some(to)) if at >= to => {
            let last = Time(to.0.saturating_sub(1));
            from.is_none_or(|from| last >= from).then(|| Fact::end_of_recording(fact.scope, last))
        }
        (Body::Rules(_), to) => to.is_none_or(|to| at < to).then_some(fact),
        (_, to) => (from.is_none_or(|from| at >= from) && to.is_none_or(|to| at < to)).then_some(fact),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellbuoy_core::fact::Source;
    use bellbuoy_core::object::Scope;

    #[test]
    fn a_range_holds_its_beginning_and_not_its_end_and_ends_the_recording_with_it() {
        let (from, to) = (Some(Time(10)), Some(Time(20)));
        let tick = |at| Fact::tick(Scope::cluster("test"), Source::Events, Time(at));
        for (at, is_in) in [(9, false), (10, true), (19, true), (20, false)] {
            assert_eq!(cut(tick(at), from, to).is_some(), is_in, "{at}");
        }
        let end = cut(Fact::end_of_recording(Scope::cluster("test"), Time(99)), from, to).unwrap();
        assert_eq!(end.observed_at, Time(19));
        let rules = Fact::rules(Scope::cluster("test"), Arc::default(), Time(1));
        assert!(cut(rules, from, to).is_some(), "rules from before the range hold in it");
    }
}
