//! When an object was heard of, and by which reports.

use bellbuoy_core::fact::FactId;
use bellbuoy_core::time::Time;
use borsh::{BorshDeserialize, BorshSerialize, io};

/// Reports of one object that are told from others. A watcher's second copy comes within seconds of the first.
const RECENT_MAX: usize = 12;

/// When an object was heard of, and by which reports. Kept apart from what it is: most reports say that nothing has
/// changed, and they change only this.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Heard {
    /// When it was heard of last.
    pub seen_at: Time,
    /// When its present state was observed.
    pub stated_at: Time,
    /// The latest reports of its state, so that one that comes again does not turn it back.
    recent: Recent,
}

impl Heard {
    /// Whether it was reported more than once.
    pub(crate) fn has_changed(&self) -> bool {
        self.recent.count > 1
    }

    /// Heard of for the first time.
    pub(crate) fn at(now: Time) -> Self {
        Self { seen_at: now, ..Self::default() }
    }

    /// Notes a report, so that it is known when it comes again.
    pub(crate) fn remember(&mut self, fact: FactId) {
        self.recent.push(short(fact));
    }

    /// Whether a report was noted.
    pub(crate) fn knows(&self, fact: FactId) -> bool {
        self.recent.as_slice().contains(&short(fact))
    }
}

/// A few reports by their short names, the oldest first. In place, because the row is copied with every commit that it
/// changes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Recent {
    reports: [u64; RECENT_MAX],
    count: u8,
}

impl Recent {
    fn as_slice(&self) -> &[u64] {
        &self.reports[..usize::from(self.count)]
    }

    fn push(&mut self, report: u64) {
        let count = usize::from(self.count);
        if count == RECENT_MAX {
            self.reports.copy_within(1.., 0);
            self.reports[RECENT_MAX - 1] = report;
        } else {
            self.reports[count] = report;
            self.count += 1;
        }
    }
}

impl BorshSerialize for Recent {
    /// The image of a list: only what is there.
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        self.count.serialize(writer)?;
        self.as_slice().iter().try_for_each(|report| report.serialize(writer))
    }
}

impl BorshDeserialize for Recent {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let count = u8::deserialize_reader(reader)?;
        if usize::from(count) > RECENT_MAX {
            let found = format!("expected at most {RECENT_MAX} reports of an object, found {count}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, found));
        }
        let mut recent = Self::default();
        for _ in 0..count {
            recent.push(u64::deserialize_reader(reader)?);
        }
        Ok(recent)
    }
}

/// Enough of a fact's id to tell apart a dozen reports of one object.
fn short(fact: FactId) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = fact.0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_reports_are_known_and_come_back() {
        let fact = |n: u8| FactId([n; 16]);
        let mut heard = Heard::default();
        for n in 1..=RECENT_MAX as u8 + 3 {
            heard.remember(fact(n));
            let image = borsh::to_vec(&heard).unwrap();
            assert_eq!(borsh::from_slice::<Heard>(&image).unwrap(), heard);
        }
        let known: Vec<u8> = (0..20).filter(|n| heard.knows(fact(*n))).collect();
        assert_eq!(known, (4..=RECENT_MAX as u8 + 3).collect::<Vec<_>>());
        assert_eq!(borsh::to_vec(&Recent::default()).unwrap(), [0]);
        assert!(borsh::from_slice::<Recent>(&[RECENT_MAX as u8 + 1]).is_err());
    }
}
