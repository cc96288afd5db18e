//! Creates the topics of the pipeline where they are missing, and checks those that are there.

use crate::config::{Connection, create};
use crate::context::Logged;
use crate::destinations::partition_count;
use crate::error::Error;
use bellbuoy_wire::topic::{Cleanup, Topic};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use std::future::Future;
use std::time::{Duration, Instant};

/// What topics are created with.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Partitions of every topic; state is co-partitioned with its input. It cannot be changed later without moving
    /// scopes away from their state.
    pub partitions: u32,
    /// Copies of each partition; none takes the cluster's default.
    pub replication: Option<u32>,
    /// How long a request may take.
    pub request_timeout: Duration,
}

/// The cluster's default replication, in the protocol's words.
const DEFAULT_REPLICATION: i32 = -1;

/// How often a new topic is looked for.
const VISIBILITY_STEP: Duration = Duration::from_millis(20);

const DAY_MS: i64 = 24 * 3_600 * 1_000;

/// Creates the topics that are missing. Existing topics are checked and left as they are. Blocks.
///
/// # Errors
/// [`Error::Topic`] when an existing topic has another number of partitions or another clean-up; [`Error::Refused`]
/// and [`Error::Cluster`] when the cluster refuses or does not answer.
pub fn ensure_topics(connection: &Connection, prefix: &str, topics: &[Topic], shape: &Shape) -> Result<(), Error> {
    connection.reach(shape.request_timeout)?;
    let admin: AdminClient<Logged> = create(&connection.inquirer()?)?;
    let options =
        AdminOptions::new().request_timeout(Some(shape.request_timeout)).operation_timeout(Some(shape.request_timeout));
    for topic in topics {
        let name = topic.name(prefix);
        if !create_one(&admin, &options, &name, *topic, shape)? {
            check(&admin, &options, &name, *topic, shape)?;
        }
    }
    Ok(())
}

/// Creates a topic; false when it is there.
fn create_one(
    admin: &AdminClient<Logged>,
    options: &AdminOptions,
    name: &str,
    topic: Topic,
    shape: &Shape,
) -> Result<bool, Error> {
    let replication = shape.replication.map_or(DEFAULT_REPLICATION, |copies| i32::try_from(copies).unwrap_or(i32::MAX));
    let partitions = i32::try_from(shape.partitions).unwrap_or(i32::MAX);
    let retention = retention_ms(topic).to_string();
    let new = NewTopic::new(name, partitions, TopicReplication::Fixed(replication))
        .set("cleanup.policy", cleanup_policy(topic))
        .set("retention.ms", &retention)
        // Record timestamps are stream time; a recording may lie in the past, a clock of a cluster in the future.
        .set("message.timestamp.type", "CreateTime")
        .set("message.timestamp.before.max.ms", "9223372036854775807")
        .set("message.timestamp.after.max.ms", "9223372036854775807");
    let refused = |source| Error::cluster(format!("create topic {name}"))(source);
    let results = wait(admin.create_topics(&[new], options))?.map_err(refused)?;
    match results.into_iter().next() {
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(false),
        Some(Err((_, code))) => Err(refused(KafkaError::AdminOp(code))),
        Some(Ok(_)) | None => become_visible(admin, name, shape.request_timeout).map(|()| true),
    }
}

/// A broker answers for its controller, and hears of a new topic a little later.
fn become_visible(admin: &AdminClient<Logged>, name: &str, timeout: Duration) -> Result<(), Error> {
    let began = Instant::now();
    loop {
        match partition_count(admin.inner(), name, timeout) {
            Err(Error::NoTopic { .. }) if began.elapsed() < timeout => std::thread::sleep(VISIBILITY_STEP),
            seen => return seen.map(drop),
        }
    }
}

fn check(
    admin: &AdminClient<Logged>,
    options: &AdminOptions,
    name: &str,
    topic: Topic,
    shape: &Shape,
) -> Result<(), Error> {
    let differs =
        |what, found: String, expected: String| Err(Error::Topic { topic: name.to_owned(), what, found, expected });
    let partitions = partition_count(admin.inner(), name, shape.request_timeout)?;
    if partitions != shape.partitions {
        return differs("partitions", partitions.to_string(), shape.partitions.to_string());
    }
    let refused = |source| Error::cluster(format!("read the settings of topic {name}"))(source);
    let described = wait(admin.describe_configs(&[ResourceSpecifier::Topic(name)], options))?.map_err(refused)?;
    let settings = match described.into_iter().next() {
        Some(Ok(settings)) => settings,
        Some(Err(code)) => return Err(refused(KafkaError::AdminOp(code))),
        None => return Ok(()),
    };
    let value = |setting: &str| settings.get(setting).and_then(|entry| entry.value.clone()).unwrap_or_default();
    let (found, expected) = (value("cleanup.policy"), cleanup_policy(topic));
    if found != expected {
        return differs("cleanup.policy", found, expected.to_owned());
    }
    let retention = value("retention.ms").parse().ok().filter(|found: &i64| *found >= 0);
    if let (Cleanup::DeleteAfterDays(days), Some(found)) = (topic.cleanup(), retention)
        && found < retention_ms(topic)
    {
        tracing::warn!(topic = name, retention_ms = found, days, "the topic keeps less than the pipeline can replay");
    }
    Ok(())
}

fn cleanup_policy(topic: Topic) -> &'static str {
    match topic.cleanup() {
        Cleanup::DeleteAfterDays(_) => "delete",
        Cleanup::Compact => "compact",
    }
}

fn retention_ms(topic: Topic) -> i64 {
    match topic.cleanup() {
        Cleanup::DeleteAfterDays(days) => i64::from(days) * DAY_MS,
        Cleanup::Compact => -1,
    }
}

/// Waits for the admin client, which answers from a thread of its own. On a thread of its own, too, because the caller
/// may be inside a runtime that forbids waiting.
fn wait<T: Send>(future: impl Future<Output = KafkaResult<T>> + Send) -> Result<KafkaResult<T>, Error> {
    let waited = std::thread::scope(|scope| {
        let thread = scope.spawn(|| Ok(tokio::runtime::Builder::new_current_thread().build()?.block_on(future)));
        thread.join().unwrap_or_else(|_| Err(std::io::Error::other("the waiting thread panicked")))
    });
    waited.map_err(|error: std::io::Error| Error::Client { reason: error.to_string() })
}
