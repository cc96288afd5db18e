//! Texts that were made lately on this thread: one that comes again is shared and not made again.
//!
//! Kinds, namespaces, names and reasons recur in thousands of reports. Whether two equal texts are one shows in nothing
//! but time and memory.

use bellbuoy_core::Text;
use foldhash::fast::FixedState;
use std::cell::RefCell;
use std::hash::BuildHasher;

/// Texts that are remembered. Each has one place, by its hash, and a newer one takes it.
const PLACES: usize = 1 << 15;

/// Bytes of the longest text that is remembered. What is longer hardly ever comes again.
const TEXT_BYTES_MAX: usize = 256;

thread_local! {
    static LATELY: RefCell<Vec<Option<Text>>> = const { RefCell::new(Vec::new()) };
}

/// A text of a fact, shared with an equal one that was made lately.
pub(crate) fn shared(text: &str) -> Text {
    if text.len() > TEXT_BYTES_MAX {
        return text.into();
    }
    let place = FixedState::default().hash_one(text) as usize % PLACES;
    LATELY.with_borrow_mut(|lately| {
        if lately.is_empty() {
            lately.resize(PLACES, None);
        }
        match &mut lately[place] {
            Some(known) if **known == *text => known.clone(),
            other => other.insert(text.into()).clone(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_text_that_comes_again_is_the_same_one() {
        let (one, other) = (shared("kube-system"), shared("kube-system"));
        assert!(Arc::ptr_eq(&one, &other));
        assert_eq!(&*shared("kube-public"), "kube-public");
        let long = "x".repeat(TEXT_BYTES_MAX + 1);
        assert!(!Arc::ptr_eq(&shared(&long), &shared(&long)));
    }

    #[test]
    fn many_texts_keep_their_words() {
        for round in 0..2 {
            for number in 0..3 * PLACES {
                assert_eq!(*shared(&number.to_string()), *number.to_string(), "round {round}");
            }
        }
    }
}
