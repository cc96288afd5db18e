//! A runner on paper: the smallest one that does its duty, and one per way of failing in it.
//!
//! It shows that the suite can be passed without a store, and that it notices what goes wrong in real runners.

use crate::conformance::{Committed, Fenced, Input, Instance, Letter, RunnerUnderTest, Written};
use crate::conformance_probe::Probe;
use bellbuoy_core::fact::Fact;
use bellbuoy_core::incident::{Flow, Incident};
use bellbuoy_core::object::Scope;
use bellbuoy_core::stage::Effect;
use bellbuoy_core::task::{Commit, Offset, Row, Task};
use bellbuoy_wire::topic::partition_of;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What the runner does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It commits how far it has read, where it must commit what is held back.
    CommitsWhatWasRead,
    /// After an abort it goes on behind what it has read.
    GoesOnAfterAbort,
    /// An abort leaves the tables as they are.
    KeepsTablesAtAbort,
    /// An abort leaves the letters of the batch.
    KeepsLettersAtAbort,
    /// It writes outputs when they are made.
    WritesBeforeCommit,
    /// It writes letters when it reads.
    WritesLettersBeforeCommit,
    /// It writes the letter of what cannot be read each time that it reads it.
    WritesLettersAgain,
    /// It forgets what the stage rejects.
    DropsRejects,
    /// It does not delete rows.
    KeepsDeletedRows,
    /// It takes the next record to stand at offset + 1, and the end to be there if none does.
    StopsAtGaps,
    /// It does not look whether another one owns the partitions.
    IgnoresOwner,
    /// It does not read its tables back.
    RestoresNothing,
    /// It hands partitions over without committing.
    ReleasesWithoutCommit,
}

impl Fault {
    /// Every fault that the suite must find.
    pub const ALL: [Fault; 13] = [
        Fault::CommitsWhatWasRead,
        Fault::GoesOnAfterAbort,
        Fault::KeepsTablesAtAbort,
        Fault::KeepsLettersAtAbort,
        Fault::WritesBeforeCommit,
        Fault::WritesLettersBeforeCommit,
        Fault::WritesLettersAgain,
        Fault::DropsRejects,
        Fault::KeepsDeletedRows,
        Fault::StopsAtGaps,
        Fault::IgnoresOwner,
        Fault::RestoresNothing,
        Fault::ReleasesWithoutCommit,
    ];
}

/// A journal on paper.
pub struct PaperRunner {
    paper: Rc<RefCell<Paper>>,
    fault: Fault,
}

#[derive(Default)]
struct Paper {
    partitions: Vec<Partition>,
    output: BTreeMap<Scope, Vec<Written>>,
    letters: Vec<Letter>,
    owner: u64,
}

#[derive(Default)]
struct Partition {
    /// Facts in their state image, garbage, and offsets that nothing stands at.
    journal: Vec<Option<Vec<u8>>>,
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    resume_at: Offset,
}

impl PaperRunner {
    /// A runner with an empty journal.
    pub fn new(partitions: u32, fault: Fault) -> Self {
        let mut paper = Paper::default();
        paper.partitions.resize_with(partitions as usize, Partition::default);
        Self { paper: Rc::new(RefCell::new(paper)), fault }
    }
}

/// A running instance.
pub struct PaperInstance {
    paper: Rc<RefCell<Paper>>,
    fault: Fault,
    owner: u64,
    desks: Vec<Desk>,
}

struct Desk {
    task: Task<Probe>,
    next: Offset,
    letters: Vec<Letter>,
    /// Whether it took something in since the last commit. Until then the task does not know what is held back, and
    /// where it stands must not be committed.
    moved: bool,
}

impl RunnerUnderTest for PaperRunner {
    type Instance = PaperInstance;

    fn append(&mut self, inputs: &[Input]) {
        let mut paper = self.paper.borrow_mut();
        for input in inputs {
            let (scope, bytes) = match input {
                Input::Fact(fact) => (&fact.scope, borsh::to_vec(fact).ok()),
                Input::Garbage(scope, bytes) => (scope, Some(bytes.clone())),
                Input::Gap(scope) => (scope, None),
            };
            let at = partition_of(scope.0.as_bytes(), paper.partitions.len() as u32);
            paper.partitions[at as usize].journal.push(bytes);
        }
    }

    fn start(&mut self) -> Option<PaperInstance> {
        let mut paper = self.paper.borrow_mut();
        paper.owner += 1;
        let desks = paper.partitions.iter().map(|partition| {
            let mut task = Task::new(Probe);
            for (key, value) in partition.rows.iter().filter(|_| self.fault != Fault::RestoresNothing) {
                task.restore(&Row { key: key.clone(), value: Some(value.clone()) }).ok()?;
            }
            task.restored();
            Some(Desk { task, next: partition.resume_at, letters: Vec::new(), moved: false })
        });
        let desks = desks.collect::<Option<_>>()?;
        Some(PaperInstance { paper: self.paper.clone(), fault: self.fault, owner: paper.owner, desks })
    }

    fn committed(&mut self) -> Committed {
        let paper = self.paper.borrow();
        Committed { output: paper.output.clone(), dead_letters: paper.letters.clone() }
    }

    fn state_rows(&mut self) -> usize {
        self.paper.borrow().partitions.iter().map(|partition| partition.rows.len()).sum()
    }
}

impl Instance for PaperInstance {
    fn feed(&mut self, records_max: usize) -> usize {
        let mut fed = 0;
        for at in 0..self.desks.len() {
            let mut here = 0;
            while here < records_max && self.take(at) {
                here += 1;
            }
            fed += here;
        }
        if self.fault == Fault::WritesBeforeCommit {
            let commits: Vec<_> = self.desks.iter_mut().map(|desk| desk.task.commit()).collect();
            let mut paper = self.paper.borrow_mut();
            for commit in commits {
                paper.carry_out(commit.effects, self.fault);
            }
        }
        fed
    }

    fn commit(&mut self) -> Result<(), Fenced> {
        let mut paper = self.paper.borrow_mut();
        if paper.owner != self.owner && self.fault != Fault::IgnoresOwner {
            return Err(Fenced);
        }
        for (at, desk) in self.desks.iter_mut().enumerate() {
            let Commit { effects, changelog, resume_at } = desk.task.commit();
            paper.letters.append(&mut desk.letters);
            paper.carry_out(effects, self.fault);
            if !std::mem::take(&mut desk.moved) {
                continue;
            }
            let partition = &mut paper.partitions[at];
            for Row { key, value } in changelog {
                match value {
                    Some(value) => drop(partition.rows.insert(key, value)),
                    None if self.fault == Fault::KeepsDeletedRows => {}
                    None => drop(partition.rows.remove(&key)),
                }
            }
            let reads_on = self.fault == Fault::CommitsWhatWasRead;
            partition.resume_at = if reads_on { desk.task.read_to() } else { resume_at };
        }
        Ok(())
    }

    fn abort(&mut self) {
        let paper = self.paper.borrow();
        for (desk, partition) in self.desks.iter_mut().zip(&paper.partitions) {
            if self.fault != Fault::KeepsTablesAtAbort {
                desk.task.abort();
            }
            if self.fault != Fault::KeepsLettersAtAbort {
                desk.letters.clear();
            }
            let goes_on = self.fault == Fault::GoesOnAfterAbort;
            desk.moved = false;
            desk.next = if goes_on { desk.next } else { partition.resume_at };
        }
    }

    fn release(mut self) -> Result<(), Fenced> {
        if self.fault == Fault::ReleasesWithoutCommit { Ok(()) } else { self.commit() }
    }

    fn kill(self) {}
}

impl PaperInstance {
    /// Takes in the next record of a partition, if there is one.
    fn take(&mut self, at: usize) -> bool {
        let desk = &mut self.desks[at];
        let mut paper = self.paper.borrow_mut();
        let partition = &paper.partitions[at];
        let from = usize::try_from(desk.next).unwrap_or_default();
        let mut rest = partition.journal.iter().enumerate().skip(from);
        let found = match self.fault {
            Fault::StopsAtGaps => rest.next().and_then(|(offset, bytes)| Some((offset, bytes.clone()?))),
            _ => rest.find_map(|(offset, bytes)| Some((offset, bytes.clone()?))),
        };
        let Some((offset, bytes)) = found else {
            let end = partition.journal.len() as Offset;
            if self.fault != Fault::StopsAtGaps && desk.task.read_to() < end {
                desk.task.skip_to(end);
                desk.moved = true;
            }
            return false;
        };
        let offset = offset as Offset;
        match borsh::from_slice::<Fact>(&bytes) {
            Ok(fact) => desk.task.feed(offset, fact),
            Err(_) => {
                if offset >= desk.task.read_to() || self.fault == Fault::WritesLettersAgain {
                    match self.fault {
                        Fault::WritesLettersBeforeCommit => paper.letters.push(Letter::Garbage(bytes)),
                        _ => desk.letters.push(Letter::Garbage(bytes)),
                    }
                }
                desk.task.skip_to(offset + 1);
            }
        }
        desk.next = offset + 1;
        desk.moved = true;
        true
    }
}

impl Paper {
    fn carry_out(&mut self, effects: Vec<Effect<Incident>>, fault: Fault) {
        for effect in effects {
            match effect {
                Effect::Emit(stamped) => {
                    let key = match &stamped.flow {
                        Flow::Item(incident) => incident.id.to_string().into_bytes(),
                        _ => Vec::new(),
                    };
                    let value = borsh::to_vec(&stamped).unwrap_or_default();
                    self.output.entry(stamped.scope.clone()).or_default().push((key, value, stamped));
                }
                Effect::Reject(_) if fault == Fault::DropsRejects => {}
                Effect::Reject(rejected) => self.letters.extend(rejected.fact.map(Letter::Rejected)),
            }
        }
    }
}
