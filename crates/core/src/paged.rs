//! A map from numbers that are given out in order: neighbours stand side by side, and no place is kept for a hash.

use crate::map::Map;
use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// Values of one page. What goes together comes together, so that pages are left whole: few of them hold but one value
/// for long.
const PAGE: u32 = 16;

/// Values by number.
#[derive(Debug)]
pub struct Paged<V> {
    pages: HashMap<u32, Box<Page<V>>, RandomState>,
    len: usize,
}

#[derive(Debug)]
struct Page<V> {
    /// With their numbers, so that these can be shown.
    values: [Option<(u32, V)>; PAGE as usize],
    /// How many there are.
    held: u32,
}

impl<V> Default for Paged<V> {
    fn default() -> Self {
        Self { pages: HashMap::default(), len: 0 }
    }
}

fn place(key: u32) -> (u32, usize) {
    (key / PAGE, (key % PAGE) as usize)
}

impl<V> Map<u32, V> for Paged<V> {
    fn get(&self, key: &u32) -> Option<&V> {
        let (page, at) = place(*key);
        self.pages.get(&page)?.values[at].as_ref().map(|(_, value)| value)
    }

    fn get_mut(&mut self, key: &u32) -> Option<&mut V> {
        let (page, at) = place(*key);
        self.pages.get_mut(&page)?.values[at].as_mut().map(|(_, value)| value)
    }

    fn insert(&mut self, key: u32, value: V) -> Option<V> {
        let (page, at) = place(key);
        let new = || Box::new(Page { values: std::array::from_fn(|_| None), held: 0 });
        let page = self.pages.entry(page).or_insert_with(new);
        let old = page.values[at].replace((key, value));
        if old.is_none() {
            page.held += 1;
            self.len += 1;
        }
        old.map(|(_, value)| value)
    }

    fn remove(&mut self, key: &u32) -> Option<V> {
        let (number, at) = place(*key);
        let page = self.pages.get_mut(&number)?;
        let (_, old) = page.values[at].take()?;
        page.held -= 1;
        self.len -= 1;
        if page.held == 0 {
            self.pages.remove(&number);
        }
        Some(old)
    }

    fn len(&self) -> usize {
        self.len
    }

    fn sorted(&self) -> Vec<(&u32, &V)> {
        let mut pages: Vec<_> = self.pages.iter().collect();
        pages.sort_unstable_by_key(|(number, _)| **number);
        pages.into_iter().flat_map(|(_, page)| page.values.iter().flatten()).map(|(key, value)| (key, value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// A plain map is the model.
        #[test]
        fn behaves_like_a_map(ops in proptest::collection::vec((0..4_u8, 0..100_u32, any::<u8>()), 0..300)) {
            let (mut paged, mut model) = (Paged::default(), BTreeMap::new());
            for (op, key, value) in ops {
                match op {
                    0 | 1 => prop_assert_eq!(paged.insert(key, value), model.insert(key, value)),
                    2 => prop_assert_eq!(paged.remove(&key), model.remove(&key)),
                    _ => prop_assert_eq!(paged.get_mut(&key), model.get_mut(&key)),
                }
                prop_assert_eq!(paged.get(&key), model.get(&key));
                prop_assert_eq!(paged.len(), model.len());
            }
            prop_assert_eq!(paged.sorted(), model.iter().collect::<Vec<_>>());
            let held: u32 = paged.pages.values().map(|page| page.held).sum();
            prop_assert_eq!(held as usize, model.len());
            prop_assert!(paged.pages.values().all(|page| page.held > 0), "what is empty goes");
        }
    }
}
