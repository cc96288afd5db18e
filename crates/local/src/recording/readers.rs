//! Threads that read parts of a source ahead of its decoder.

use bellbuoy_core::object::Scope;
use bellbuoy_wire::recording::{Ahead, Layout};
use std::num::NonZero;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Threads at the most: beyond it, the one that takes in what they read is the slowest.
const READERS_MAX: usize = 4;

/// Parts that wait for one reader, beside the one that it reads.
const WAITING_MAX: usize = 2;

/// Readers, begun when the first part is to be read ahead. They end with this.
#[derive(Default)]
pub(super) struct Readers {
    /// Parts for each reader, which come in turns.
    jobs: Option<Vec<SyncSender<Job>>>,
    next: usize,
}

struct Job {
    layout: Layout,
    scope: Scope,
    part: Arc<Vec<u8>>,
    offset: u64,
    reply: SyncSender<Ahead>,
}

/// A part of a source, and what will have been read ahead of it.
pub(super) struct Part {
    pub(super) bytes: Arc<Vec<u8>>,
    reply: Option<Receiver<Ahead>>,
}

impl Part {
    /// What was read ahead, once it is read; nothing where nobody does so.
    pub(super) fn ahead(&self) -> Ahead {
        self.reply.as_ref().and_then(|reply| reply.recv().ok()).unwrap_or_default()
    }
}

impl Readers {
    /// How many parts can be under way; none on a machine with one core.
    pub(super) fn parts_max(&mut self) -> usize {
        self.jobs().len() * (WAITING_MAX + 1)
    }

    /// Has a part read ahead, which stands in its source at an offset. Waits where too many are under way.
    pub(super) fn read(&mut self, layout: Option<&Layout>, scope: &Scope, bytes: Vec<u8>, offset: u64) -> Part {
        let (bytes, next) = (Arc::new(bytes), self.next);
        let Some((layout, jobs)) = layout.zip(Some(self.jobs())).filter(|(_, jobs)| !jobs.is_empty()) else {
            return Part { bytes, reply: None };
        };
        let (reply, answer) = sync_channel(1);
        let job = Job { layout: layout.clone(), scope: scope.clone(), part: bytes.clone(), offset, reply };
        // A reader that is gone answers nothing, and its parts are read in their turn.
        let reply = jobs[next % jobs.len()].send(job).is_ok().then_some(answer);
        self.next = next.wrapping_add(1);
        Part { bytes, reply }
    }

    fn jobs(&mut self) -> &[SyncSender<Job>] {
        self.jobs.get_or_insert_with(|| {
            let cores = thread::available_parallelism().map_or(1, NonZero::get);
            let readers = if cores > 1 { cores.min(READERS_MAX) } else { 0 };
            (0..readers).filter_map(|_| begin()).collect()
        })
    }
}

fn begin() -> Option<SyncSender<Job>> {
    let (jobs, waiting) = sync_channel::<Job>(WAITING_MAX);
    let read = move || {
        for Job { layout, scope, part, offset, reply } in waiting {
            let ahead = layout.read_ahead(&scope, &part, offset);
            // Given back first, so that the bytes can be overwritten once they are taken in.
            drop(part);
            // Whoever gave the source up waits for nothing.
            let _ = reply.send(ahead);
        }
    };
    thread::Builder::new().name("reader".to_owned()).spawn(read).ok().map(|_| jobs)
}
