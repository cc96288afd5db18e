//! Appends the journal while stages die: a share per round, in small steps.

use bellbuoy_kafka::config::Connection;
use bellbuoy_kafka::journal::JournalWriter;
use bellbuoy_tests::chaos::Seed;
use bellbuoy_tests::kafka_server::KafkaServer;
use bellbuoy_tests::kafka_topics::Topics;
use bellbuoy_tests::oracle::Entry;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// Nothing that works takes as long.
const TIMEOUT: Duration = Duration::from_secs(60);

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
    let connection = Connection::to(server.bootstrap_servers.clone());
    let mut writer = JournalWriter::open(&connection, &topics.prefix, TIMEOUT).unwrap();
    let mut raw = topics.journal("journal");
    let mut send = |entries: &[Entry]| {
        for entry in entries {
            match entry {
                Entry::Fact(fact) => writer.append(fact).unwrap(),
                Entry::Garbage(partition, bytes) => {
                    // Two writers: the order between them is that of their flushes.
                    writer.flush().unwrap();
                    raw.send(partition.cast_signed(), b"", bytes);
                    raw.flush();
                }
            }
        }
        writer.flush().unwrap();
    };
    let mut shares = journal.chunks(share);
    while next.recv().is_ok() {
        for step in shares.next().unwrap_or_default().chunks(share.div_ceil(STEPS)) {
            send(step);
            std::thread::sleep(Duration::from_millis(random.below(PAUSE_MS_MAX) as u64));
        }
    }
    shares.for_each(send);
}
