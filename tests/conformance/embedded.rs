//! The embedded runner is held to its duties, on disk and in memory.

use bellbuoy_core::fact::Fact;
use bellbuoy_core::incident::{Incident, Stamped};
use bellbuoy_core::stage::Stage;
use bellbuoy_local::disk::{DiskLog, Settings};
use bellbuoy_local::log::{Log, Record, Stored, Transaction};
use bellbuoy_local::memory::MemoryLog;
use bellbuoy_local::pipeline::{Limits, Pipeline};
use bellbuoy_tests::conformance::{Committed, Fenced, Input, Instance, Letter, RunnerUnderTest, check};
use bellbuoy_tests::conformance_probe::Probe;
use bellbuoy_wire::dead_letters::DeadLetter;
use bellbuoy_wire::record::Wire;
use bellbuoy_wire::topic::{Topic, partition_of};
use std::cell::RefCell;
use std::ops::ControlFlow;
use std::rc::Rc;
use tempfile::TempDir;

/// What an open log is to the suite.
trait Shelf {
    type Log: Log;
    /// Opens the log as a new process would; none while another one has it.
    fn open(&mut self) -> Option<Self::Log>;
    /// The process that had it is gone.
    fn close(&mut self, log: Self::Log);
    /// Whether readers see the log only through the events of its owner.
    const SEEN_BY_EVENTS_ONLY: bool;
}

struct OnDisk {
    home: TempDir,
    settings: Settings,
}

impl Shelf for OnDisk {
    type Log = DiskLog;
    const SEEN_BY_EVENTS_ONLY: bool = false;

    fn open(&mut self) -> Option<DiskLog> {
        use bellbuoy_local::log::Error;
        match DiskLog::open(self.home.path(), self.settings) {
            Ok(log) => Some(log),
            Err(Error::InUse { directory, .. }) => {
                assert_eq!(directory, self.home.path().canonicalize().unwrap());
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn close(&mut self, log: DiskLog) {
        drop(log);
    }
}

/// A log in memory, which whoever closes it leaves to the next one.
struct InMemory(Option<MemoryLog>);

impl Shelf for InMemory {
    type Log = MemoryLog;
    const SEEN_BY_EVENTS_ONLY: bool = true;

    fn open(&mut self) -> Option<MemoryLog> {
        self.0.take()
    }

    fn close(&mut self, log: MemoryLog) {
        self.0 = Some(log);
    }
}

/// The log, on its shelf or in the running instance: the suite reads and writes beside the instance, while the
/// embedded log has one owner, which then does both for it.
struct Room<S: Shelf> {
    shelf: S,
    running: Option<Pipeline<S::Log>>,
    seen: Vec<(Topic, Vec<u8>, Vec<u8>)>,
}

struct Embedded<S: Shelf>(Rc<RefCell<Room<S>>>);
struct Running<S: Shelf>(Rc<RefCell<Room<S>>>);

impl<S: Shelf> Embedded<S> {
    fn new(shelf: S) -> Self {
        Self(Rc::new(RefCell::new(Room { shelf, running: None, seen: Vec::new() })))
    }
}

impl<S: Shelf> Room<S> {
    fn with_pipeline<T>(&mut self, act: impl FnOnce(&mut Pipeline<S::Log>) -> T) -> T {
        match &mut self.running {
            Some(pipeline) => act(pipeline),
            None => {
                let log = self.shelf.open().unwrap();
                let mut pipeline = Pipeline::new(log, Limits::default());
                let result = act(&mut pipeline);
                self.shelf.close(pipeline.into_log());
                result
            }
        }
    }

    fn commit(&mut self) {
        let (seen, running) = (&mut self.seen, self.running.as_mut().unwrap());
        running.commit(|event| seen.push((event.topic, event.record.key.clone(), event.record.value.clone()))).unwrap();
    }

    fn close(&mut self) {
        let pipeline = self.running.take().unwrap();
        self.shelf.close(pipeline.into_log());
    }
}

impl<S: Shelf> RunnerUnderTest for Embedded<S> {
    type Instance = Running<S>;

    fn append(&mut self, inputs: &[Input]) {
        self.0.borrow_mut().with_pipeline(|pipeline| {
            let mut transaction = Transaction::new();
            for input in inputs {
                let (Input::Fact(Fact { scope, .. }) | Input::Garbage(scope, _) | Input::Gap(scope)) = input;
                let partition = partition_of(scope.0.as_bytes(), pipeline.log().partitions());
                match input {
                    Input::Fact(fact) => {
                        let record = Record { key: fact.key(), timestamp: fact.timestamp(), value: fact.encode() };
                        transaction.append(Topic::Journal, partition, record);
                    }
                    Input::Garbage(_, bytes) => {
                        let record = Record { value: bytes.clone(), ..Record::default() };
                        transaction.append(Topic::Journal, partition, record);
                    }
                    Input::Gap(_) => transaction.leave_gap(Topic::Journal, partition, 1),
                }
            }
            pipeline.append_records(&transaction).unwrap();
        });
    }

    fn start(&mut self) -> Option<Running<S>> {
        let mut room = self.0.borrow_mut();
        let log = room.shelf.open()?;
        let mut pipeline = Pipeline::new(log, Limits::default());
        pipeline.add(|| Probe).unwrap();
        room.running = Some(pipeline);
        Some(Running(self.0.clone()))
    }

    fn committed(&mut self) -> Committed {
        let mut room = self.0.borrow_mut();
        let records = if S::SEEN_BY_EVENTS_ONLY {
            room.seen.clone()
        } else {
            room.with_pipeline(|pipeline| {
                let mut records = read_all(pipeline.log(), Topic::Incidents);
                records.extend(read_all(pipeline.log(), Topic::DeadLetters));
                records
            })
        };
        let mut committed = Committed::default();
        for (topic, key, value) in records {
            match topic {
                Topic::Incidents => {
                    let stamped = Stamped::<Incident>::decode(&value).unwrap();
                    committed.output.entry(stamped.scope.clone()).or_default().push((key, value, stamped));
                }
                Topic::DeadLetters => {
                    let letter = DeadLetter::decode(&value).unwrap();
                    committed.dead_letters.push(match letter.fact() {
                        Some(fact) => Letter::Rejected(fact),
                        None => Letter::Garbage(letter.bytes().to_vec()),
                    });
                }
                topic => panic!("the probe does not write to {topic}"),
            }
        }
        committed
    }

    fn state_rows(&mut self) -> usize {
        self.0.borrow_mut().with_pipeline(|pipeline| {
            let mut rows = 0;
            let mut count = |_: &[u8], _: &[u8]| {
                rows += 1;
                ControlFlow::Continue(())
            };
            for partition in 0..pipeline.log().partitions() {
                pipeline.log().visit_latest(Topic::State(Probe::NAME), partition, &mut count).unwrap();
            }
            rows
        })
    }
}

fn read_all(log: &impl Log, topic: Topic) -> Vec<(Topic, Vec<u8>, Vec<u8>)> {
    let mut all = Vec::new();
    for partition in 0..log.partitions() {
        let mut from = 0;
        loop {
            // So few bytes that each batch is read for itself.
            let read = log.read(topic, partition, from, 1).unwrap();
            let Some(last) = read.last() else { break };
            from = last.offset + 1;
            all.extend(read.into_iter().map(|Stored { record, .. }| (topic, record.key, record.value)));
        }
    }
    all
}

impl<S: Shelf> Instance for Running<S> {
    fn feed(&mut self, records_max: usize) -> usize {
        let mut room = self.0.borrow_mut();
        let pipeline = room.running.as_mut().unwrap();
        pipeline.set_batch_records_max(records_max);
        pipeline.feed().unwrap().0
    }

    fn commit(&mut self) -> Result<(), Fenced> {
        self.0.borrow_mut().commit();
        Ok(())
    }

    fn abort(&mut self) {
        self.0.borrow_mut().running.as_mut().unwrap().abort();
    }

    fn release(self) -> Result<(), Fenced> {
        let mut room = self.0.borrow_mut();
        room.commit();
        room.close();
        Ok(())
    }

    fn kill(self) {
        self.0.borrow_mut().close();
    }
}

#[test]
fn the_runner_on_disk_does_its_duty() {
    let failures = check(&mut |partitions| {
        let settings = Settings { partitions, sync_every_commits: 1_000, ..Settings::default() };
        Embedded::new(OnDisk { home: tempfile::tempdir().unwrap(), settings })
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_runner_in_memory_does_its_duty() {
    let failures = check(&mut |partitions| Embedded::new(InMemory(Some(MemoryLog::new(partitions)))));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
