//! The least that anything does which remembers each object: one look-up by name and one change for each fact.
//!
//! More objects take more memory than the caches of a processor hold, whatever is done with them. How much that alone
//! makes a fact dearer in a larger estate is measured here, so that what grows for other reasons can be told from it.

use bellbuoy_core::Text;
use bellbuoy_core::fact::Fact;
use bellbuoy_core::object::Entity;
use bellbuoy_core::time::Time;
use foldhash::fast::RandomState;
use std::collections::HashMap;

/// Rows by name.
#[derive(Debug, Default)]
pub struct BareRows {
    rows: HashMap<Entity, Row, RandomState>,
}

/// As large as what `correlate` remembers of one object, without what hangs on it.
#[derive(Debug)]
struct Row {
    uid: Text,
    seen_at: Time,
    facts: u64,
    /// Room for the rest.
    _rest: [u64; 44],
}

impl BareRows {
    /// Takes a fact in, and lets it go.
    pub fn take(&mut self, fact: Fact) {
        let new = || Row { uid: fact.object.uid.clone(), seen_at: fact.observed_at, facts: 0, _rest: [0; 44] };
        let row = self.rows.entry(fact.object.entity()).or_insert_with(new);
        if row.uid != fact.object.uid {
            row.uid = fact.object.uid.clone();
        }
        row.seen_at = row.seen_at.max(fact.observed_at);
        row.facts += 1;
    }

    /// How many facts were taken in.
    pub fn facts(&self) -> u64 {
        self.rows.values().map(|row| row.facts).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::of_nodes;

    #[test]
    fn every_fact_finds_its_row() {
        let kind = of_nodes(2, 500);
        let (mut rows, all) = (BareRows::default(), kind.before.len() + kind.facts.len());
        let objects: std::collections::BTreeSet<_> =
            kind.before.iter().chain(&kind.facts).map(|fact| fact.object.entity()).collect();
        kind.before.into_iter().chain(kind.facts).for_each(|fact| rows.take(fact));
        assert_eq!((rows.facts(), rows.rows.len()), (all as u64, objects.len()));
    }
}
