//! Reads a stretch of a topic by time, for replay: no group, no commits, only what is committed.

use crate::config::{Connection, create};
use crate::context::Logged;
use crate::destinations::partition_count;
use crate::error::{Error, Kind};
use bellbuoy_core::task::Offset;
use bellbuoy_core::time::{Span, Time};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset as Place, TopicPartitionList};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// How far behind its place a record may lie in time. Timestamps are when facts were observed, and ingest writes within
/// seconds; what lies further back than this is not looked for behind the end of the stretch.
pub const DISORDER_MAX: Span = Span::from_secs(3_600);

/// Records between two reports of progress.
const PROGRESS_RECORDS: u64 = 1_000;

/// Where a topic is: `kafka://host:port[,host:port…]/topic`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// `host:port`, several with commas.
    pub bootstrap_servers: String,
    /// The topic's full name.
    pub topic: String,
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(address: &str) -> Result<Self, Error> {
        let wrong = || Error::Address { address: address.to_owned() };
        let (servers, topic) =
            address.strip_prefix("kafka://").and_then(|rest| rest.split_once('/')).ok_or_else(wrong)?;
        let is_server = |server: &str| {
            server.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        };
        let is_topic = topic.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if topic.is_empty() || !is_topic || !servers.split(',').all(is_server) {
            return Err(wrong());
        }
        Ok(Self { bootstrap_servers: servers.to_owned(), topic: topic.to_owned() })
    }
}

/// A stretch of time, by record timestamps, which are whole milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// The first moment; none begins with the oldest record.
    pub from: Option<Time>,
    /// The first moment behind; none ends with what was committed when the reading began.
    pub to: Option<Time>,
}

/// A record of the stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its partition. Order is kept within one, and partitions come in turns.
    pub partition: i32,
    /// Its offset.
    pub offset: Offset,
    /// Its timestamp.
    pub timestamp: Time,
    /// Its key.
    pub key: &'a [u8],
    /// Its value; none is a tombstone.
    pub value: Option<&'a [u8]>,
}

/// How far the reading has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Records handed over.
    pub records: u64,
    /// Offsets passed, with those of records outside the stretch and of transaction markers.
    pub offsets: u64,
    /// Offsets to pass.
    pub offsets_total: u64,
}

/// What is left of a partition.
struct Remaining {
    next: Offset,
    end: Offset,
}

/// Reads all records of a topic whose timestamps lie in `range` and hands them to `on_record`, which may break off.
/// Blocks. `timeout` is the longest that the cluster may be silent.
///
/// # Errors
/// [`Error::NoTopic`], [`Error::Refused`] and [`Error::Cluster`] when the cluster refuses, [`Error::Deadline`] when it is silent.
pub fn read_range(
    connection: &Connection,
    topic: &str,
    range: Range,
    timeout: Duration,
    mut on_record: impl FnMut(Record<'_>) -> ControlFlow<()>,
    mut on_progress: impl FnMut(Progress),
) -> Result<Progress, Error> {
    connection.reach(timeout)?;
    let reader: BaseConsumer<Logged> = create(&connection.reader("bellbuoy-replay")?)?;
    let mut remaining = bounds(&reader, topic, range, timeout)?;
    let offsets_total = remaining.values().map(|left| (left.end - left.next).unsigned_abs()).sum();
    let mut progress = Progress { offsets_total, ..Progress::default() };
    let mut list = TopicPartitionList::new();
    for (partition, left) in &remaining {
        list.add_partition_offset(topic, *partition, Place::Offset(left.next))
            .map_err(Error::cluster(format!("name {topic} partition {partition}")))?;
    }
    reader.assign(&list).map_err(Error::cluster(format!("read {topic}")))?;
    let mut heard = Instant::now();
    while !remaining.is_empty() {
        match reader.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                heard = Instant::now();
                let (partition, offset) = (message.partition(), message.offset());
                let Some(left) = remaining.get_mut(&partition) else { continue };
                progress.offsets += (offset.saturating_add(1).min(left.end) - left.next).max(0).unsigned_abs();
                left.next = offset + 1;
                let timestamp = Time(message.timestamp().to_millis().unwrap_or(0).saturating_mul(1_000));
                if offset < left.end && range.contains(timestamp) {
                    progress.records += 1;
                    let (key, value) = (message.key().unwrap_or_default(), message.payload());
                    if on_record(Record { partition, offset, timestamp, key, value }).is_break() {
                        break;
                    }
                    if progress.records.is_multiple_of(PROGRESS_RECORDS) {
                        on_progress(progress);
                    }
                }
                if left.next >= left.end {
                    finish(&reader, topic, partition, &mut remaining)?;
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                heard = Instant::now();
                if let Some(left) = remaining.get(&partition) {
                    // What is left are markers, which are no records.
                    progress.offsets += (left.end - left.next).max(0).unsigned_abs();
                    finish(&reader, topic, partition, &mut remaining)?;
                }
            }
            Some(Err(error)) => {
                let error = Error::cluster(format!("read {topic}"))(error);
                if error.kind() == Kind::Fatal {
                    return Err(error);
                }
                tracing::debug!(%error, "reading goes on when the cluster answers");
            }
            None => {}
        }
        if heard.elapsed() > timeout {
            return Err(Error::Deadline { doing: format!("read on in {topic}"), waited: timeout });
        }
    }
    on_progress(progress);
    Ok(progress)
}

impl Range {
    fn contains(&self, timestamp: Time) -> bool {
        // A record's time was cut to milliseconds, and so must the beginning be.
        let from = self.from.map(|from| from.0.div_euclid(1_000) * 1_000);
        from.is_none_or(|from| timestamp.0 >= from) && self.to.is_none_or(|to| timestamp < to)
    }
}

fn finish(
    reader: &BaseConsumer<Logged>,
    topic: &str,
    partition: i32,
    remaining: &mut BTreeMap<i32, Remaining>,
) -> Result<(), Error> {
    remaining.remove(&partition);
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, partition);
    reader.pause(&list).map_err(Error::cluster(format!("end reading {topic} partition {partition}")))
}

/// Where to begin and to end in each partition that has anything to read.
fn bounds(
    reader: &BaseConsumer<Logged>,
    topic: &str,
    range: Range,
    timeout: Duration,
) -> Result<BTreeMap<i32, Remaining>, Error> {
    let partitions = partition_count(reader.client(), topic, timeout)?;
    let partitions: Vec<i32> = (0..i32::try_from(partitions).unwrap_or(i32::MAX)).collect();
    let starts = match range.from {
        Some(from) => first_at(reader, topic, &partitions, from, timeout)?,
        None => BTreeMap::new(),
    };
    let ends = match range.to {
        Some(to) => first_at(reader, topic, &partitions, to + DISORDER_MAX, timeout)?,
        None => BTreeMap::new(),
    };
    let mut bounds = BTreeMap::new();
    for partition in partitions {
        let (low, high) = reader
            .fetch_watermarks(topic, partition, timeout)
            .map_err(Error::cluster(format!("find the ends of {topic} partition {partition}")))?;
        // No record at or after the beginning: nothing to read. None after the end: read to the end.
        let next = match (range.from, starts.get(&partition)) {
            (None, _) => low,
            (Some(_), Some(start)) => (*start).max(low),
            (Some(_), None) => high,
        };
        let end = ends.get(&partition).map_or(high, |end| (*end).min(high));
        if next < end {
            bounds.insert(partition, Remaining { next, end });
        }
    }
    Ok(bounds)
}

/// The first offset at or after a time, for the partitions that have one.
fn first_at(
    reader: &BaseConsumer<Logged>,
    topic: &str,
    partitions: &[i32],
    time: Time,
    timeout: Duration,
) -> Result<BTreeMap<i32, Offset>, Error> {
    let mut list = TopicPartitionList::new();
    let doing = || format!("find a time in {topic}");
    for partition in partitions {
        // Negative numbers have other meanings in this request.
        let millis = time.0.div_euclid(1_000).max(0);
        list.add_partition_offset(topic, *partition, Place::Offset(millis)).map_err(Error::cluster(doing()))?;
    }
    let found = reader.offsets_for_times(list, timeout).map_err(Error::cluster(doing()))?;
    let mut offsets = BTreeMap::new();
    for element in found.elements() {
        element.error().map_err(Error::cluster(doing()))?;
        if let Place::Offset(offset) = element.offset() {
            offsets.insert(element.partition(), offset);
        }
    }
    Ok(offsets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let read = |text: &str| text.parse::<Address>().map(|address| (address.bootstrap_servers, address.topic)).ok();
        assert_eq!(read("kafka://a:9092/bellbuoy.journal"), Some(("a:9092".into(), "bellbuoy.journal".into())));
        assert_eq!(read("kafka://a:1,[::1]:2/t"), Some(("a:1,[::1]:2".into(), "t".into())));
        for wrong in
            ["a:9092/t", "kafka://a/t", "kafka://a:9092", "kafka://a:9092/", "kafka://a:x/t", "kafka://a:1/t/u"]
        {
            let error = wrong.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains(wrong) && error.contains("kafka://host:port"), "{error}");
        }
    }

    #[test]
    fn a_range_is_cut_to_milliseconds() {
        let range = Range { from: Some(Time(5_700)), to: Some(Time(9_000)) };
        let inside: Vec<i64> = (4..11).filter(|ms| range.contains(Time(ms * 1_000))).collect();
        assert_eq!(inside, [5, 6, 7, 8]);
        assert!(Range::default().contains(Time::MIN) && Range::default().contains(Time::MAX));
    }
}
