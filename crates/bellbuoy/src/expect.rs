//! `--expect`: what people know of the time that is replayed, and the least share of it that a replay must get right.

use crate::account::Account;
use crate::moment::rfc3339;
use crate::observed::Observed;
use crate::style::one_line;
use anyhow::Context;
use bellbuoy_local::score::{Finding, Ratio, Score, holds};
use bellbuoy_wire::labels::Expected::Healthy;
use bellbuoy_wire::labels::Label;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The labels of a file.
#[derive(Debug)]
pub(crate) struct Expected {
    file: PathBuf,
    labels: Vec<Label>,
}

/// A score, and what it does not speak of.
#[derive(Debug)]
pub(crate) struct Scored {
    /// The score against the labels of what was read.
    pub(crate) score: Score,
    /// Labels of clusters and times of which nothing was read.
    pub(crate) left_out: Vec<Label>,
}

impl Expected {
    /// Reads a file of labels.
    ///
    /// # Errors
    /// When it cannot be read, or says what it must not; with file, line and what would have been right.
    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        let name = file.display();
        let text = std::fs::read(file).with_context(|| format!("failed to read the labels {name}"))?;
        let text = String::from_utf8(text).with_context(|| format!("the labels {name} are not UTF-8 text"))?;
        Ok(Self { file: file.to_owned(), labels: Label::load(&text, &name.to_string())? })
    }

    /// Scores a replay against the labels of the clusters and times that it has read.
    ///
    /// # Errors
    /// When there are none of these: such a score would say nothing.
    pub(crate) fn score(self, account: &Account, observed: &Observed) -> anyhow::Result<Scored> {
        let entries = account.ranked();
        let findings: Vec<_> = entries
            .iter()
            .map(|e| Finding { scope: &e.scope, incident: &e.triaged.incident, severity: e.worst })
            .collect();
        // States tell of times before they were observed: a failure that was found there was read of.
        let is_found = |label: &Label| label.expected != Healthy && findings.iter().any(|f| holds(*f, label));
        let is_read = |label: &Label| is_observed(label, observed) || is_found(label);
        let (labels, left_out): (Vec<_>, Vec<_>) = self.labels.into_iter().partition(is_read);
        if labels.is_empty() {
            let read = observed.scopes.iter().map(|(scope, (from, to))| {
                format!("cluster {} from {} to {}", one_line(&scope.to_string(), 100), rfc3339(*from), rfc3339(*to))
            });
            let read = read.collect::<Vec<_>>().join(", ");
            let read = if read.is_empty() { "nothing at all".to_owned() } else { read };
            let file = self.file.display();
            anyhow::bail!("no label of {file} speaks of what was read: that is {read}");
        }
        Ok(Scored { score: Score::of(&labels, findings), left_out })
    }
}

fn is_observed(label: &Label, observed: &Observed) -> bool {
    observed.scopes.iter().any(|(scope, (first, last))| {
        label.scope.as_ref().is_none_or(|named| named == scope)
            && label.from.is_none_or(|from| from <= *last)
            && label.to.is_none_or(|to| to >= *first)
    })
}

/// A share of a score.
type Share = fn(&Score) -> Ratio;

/// The least that a share of the score must be: `top1=0.95`.
#[derive(Clone, Debug)]
pub(crate) struct Floor {
    name: &'static str,
    share: Share,
    least: f64,
}

const SHARES: [(&str, Share); 6] = [
    ("detected", |score| score.detected),
    ("precision", |score| score.precision),
    ("top1", |score| score.top1.entity),
    ("top3", |score| score.top3.entity),
    ("top1-signal", |score| score.top1.entity_and_signal),
    ("top3-signal", |score| score.top3.entity_and_signal),
];

impl FromStr for Floor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, least) = text.split_once('=').unwrap_or((text, ""));
        let known = SHARES.iter().find(|(known, _)| *known == name);
        let least = least.parse().ok().filter(|least| (0.0..=1.0).contains(least));
        match (known, least) {
            (Some((name, share)), Some(least)) => Ok(Self { name, share: *share, least }),
            (Some((name, _)), None) => Err(format!("expected a share from 0 to 1, as {name}=0.95")),
            (None, _) => {
                let names = SHARES.map(|(name, _)| name).join(", ");
                Err(format!("expected one of {names}, and a share from 0 to 1, as top1=0.95"))
            }
        }
    }
}

/// The shares that are below what they must be, a line each. A share of nothing is not.
pub(crate) fn below(floors: &[Floor], score: &Score) -> Vec<String> {
    let is_below = |floor: &&Floor| (floor.share)(score).value().is_some_and(|share| share < floor.least);
    let line = |floor: &Floor| format!("{}: {} is below {}", floor.name, (floor.share)(score), floor.least);
    floors.iter().filter(is_below).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellbuoy_core::object::{Entity, Scope};
    use bellbuoy_core::time::Time;

    #[test]
    fn floors_are_read_and_refused_with_what_would_have_been_right() {
        let floor: Floor = "top1=0.95".parse().unwrap();
        assert_eq!((floor.name, floor.least), ("top1", 0.95));
        assert_eq!("top1".parse::<Floor>().unwrap_err(), "expected a share from 0 to 1, as top1=0.95");
        assert_eq!("detected=98".parse::<Floor>().unwrap_err(), "expected a share from 0 to 1, as detected=0.95");
        assert!("recall=1".parse::<Floor>().unwrap_err().contains("detected, precision, top1"));
        assert!("top1=NaN".parse::<Floor>().is_err());
    }

    #[test]
    fn a_share_is_below_when_it_is_less() {
        let score = Score { top1: Default::default(), detected: Ratio { part: 9, whole: 10 }, ..Score::default() };
        let below = |text: &str| below(&[text.parse().unwrap()], &score);
        assert_eq!(below("detected=0.91"), ["detected: 9 of 10 (90.0%) is below 0.91"]);
        assert_eq!(below("detected=0.9"), [""; 0]);
        assert_eq!(below("top1=1"), [""; 0], "nothing was measured");
    }

    #[test]
    fn labels_of_other_clusters_and_times_are_told_from_those_that_were_read() {
        let mut observed = Observed::default();
        observed.scopes.insert(Scope::cluster("prod"), (Time::from_secs(100), Time::from_secs(200)));
        let at = |from: Option<i64>, to: Option<i64>, cluster: Option<&str>| Label {
            from: from.map(Time::from_secs),
            to: to.map(Time::from_secs),
            scope: cluster.map(Scope::cluster),
            ..Label::failure(Entity::new("Node", "", "a"), "")
        };
        for (label, expect) in [
            (at(None, None, None), true),
            (at(Some(200), None, Some("prod")), true),
            (at(Some(201), None, None), false),
            (at(None, Some(100), None), true),
            (at(None, Some(99), None), false),
            (at(None, None, Some("test")), false),
        ] {
            assert_eq!(is_observed(&label, &observed), expect, "{label:?}");
        }
    }
}
