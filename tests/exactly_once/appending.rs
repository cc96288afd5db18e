//! Appends the journal while stages die: a share per round, in small steps.

use bellbuoy_tests::chaos::Seed;
use bellbuoy_tests::kafka_server::KafkaServer;
use bellbuoy_tests::kafka_topics::Topics;
use bellbuoy_tests::on_kafka::Appender;
use bellbuoy_tests::oracle::Entry;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// Into so many steps a share is cut.
const STEPS: usize = 20;

/// The longest pause between two steps: a share then flows for about as long as a round lasts.
const PAUSE_MS_MAX: usize = 120;

/// Appends one share whenever it is told to, and what is left when nobody is there to tell it any more.
pub(crate) fn append(
    server: &KafkaServer,
    topics: &Topics,
    journal: &[Entry],
    share: usize,
    next: &Receiver<()>,
    mut random: Seed,
) {
    let mut appender = Appender::open(server, topics);
    let mut shares = journal.chunks(share);
    while next.recv().is_ok() {
        for step in shares.next().unwrap_or_default().chunks(share.div_ceil(STEPS)) {
            appender.append(step);
            std::thread::sleep(Duration::from_millis(random.below(PAUSE_MS_MAX) as u64));
        }
    }
    shares.for_each(|share| appender.append(share));
}
