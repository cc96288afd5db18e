//! A thread that runs an iterator ahead of whoever reads it.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};

/// Items that are handed over at once: a hand-over may wake a thread, which costs as much as deciding on a few facts.
const BATCH: usize = 128;

/// Batches that wait to be read: few, so that they are still in the processor's caches when they are.
const WAITING_MAX: usize = 2;

/// The items of an iterator, in their order, made on a thread of their own where there is a second core.
pub(super) enum MadeAhead<I: Iterator> {
    /// On the thread that reads them.
    Here(I),
    /// On one of their own.
    There {
        /// What is read of the batch that came last.
        batch: std::vec::IntoIter<I::Item>,
        batches: Receiver<Vec<I::Item>>,
        /// None once it has ended.
        maker: Option<JoinHandle<()>>,
    },
}

impl<I: Iterator<Item: Send> + Send + 'static> MadeAhead<I> {
    /// Begins at once.
    pub(super) fn of(items: I) -> Self {
        if thread::available_parallelism().map_or(1, NonZero::get) == 1 {
            return Self::Here(items);
        }
        let (sender, batches) = sync_channel(WAITING_MAX);
        // Given when the thread is there: where there can be none, they are made here.
        let (give, given) = sync_channel::<I>(1);
        let make = move || {
            let Ok(mut items) = given.recv() else { return };
            loop {
                let batch: Vec<_> = items.by_ref().take(BATCH).collect();
                // Whoever gave the rest up waits for nothing.
                if batch.is_empty() || sender.send(batch).is_err() {
                    return;
                }
            }
        };
        let Ok(maker) = thread::Builder::new().name("maker".to_owned()).spawn(make) else { return Self::Here(items) };
        // A maker that is gone tells why when it is joined.
        let _ = give.send(items);
        Self::There { batch: Vec::new().into_iter(), batches, maker: Some(maker) }
    }
}

impl<I: Iterator> Iterator for MadeAhead<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let (batch, batches, maker) = match self {
            Self::Here(items) => return items.next(),
            Self::There { batch, batches, maker } => (batch, batches, maker),
        };
        if let Some(item) = batch.next() {
            return Some(item);
        }
        match batches.recv() {
            Ok(next) => {
                *batch = next.into_iter();
                batch.next()
            }
            Err(_) => {
                // The end, unless the maker panicked: what is missing must not pass for it.
                if let Some(Err(panic)) = maker.take().map(JoinHandle::join) {
                    resume_unwind(panic);
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_items_come_in_their_order() {
        for count in [0, 1, BATCH, 10 * BATCH + 1] {
            assert!(MadeAhead::of(0..count).eq(0..count), "{count} items");
        }
        let mut given_up = MadeAhead::of(0_u64..);
        assert_eq!((given_up.next(), given_up.next()), (Some(0), Some(1)));
    }

    #[test]
    #[should_panic(expected = "broken")]
    fn a_panic_is_no_end() {
        MadeAhead::of((0..1_000).map(|item| assert!(item < 700, "broken"))).for_each(drop);
    }
}
