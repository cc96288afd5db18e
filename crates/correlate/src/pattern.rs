//! A pattern of the rule set, compiled when it is first asked: most of a catalogue is never needed by one cluster.

use bellbuoy_core::Text;
use regex::{Captures, Regex};
use std::sync::{Arc, OnceLock};

/// A regular expression; one that is none matches nothing. Clones share what was compiled.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Arc<Lazy>);

#[derive(Debug)]
struct Lazy {
    text: Text,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub(crate) fn new(text: Text) -> Self {
        Self(Arc::new(Lazy { text, compiled: OnceLock::new() }))
    }

    fn regex(&self) -> Option<&Regex> {
        self.0.compiled.get_or_init(|| Regex::new(&self.0.text).ok()).as_ref()
    }

    /// Whether it matches anywhere in a text.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(text))
    }

    /// What its groups hold, where it has any and matches.
    pub(crate) fn groups<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        self.regex().filter(|regex| regex.captures_len() > 1)?.captures(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_compiled_once_for_all_of_its_clones() {
        let pattern = Pattern::new("image \"(?<image>[^\"]+)\"".into());
        let other = pattern.clone();
        assert!(pattern.0.compiled.get().is_none());
        assert!(other.is_match("pulling image \"cart:1\"") && !other.is_match("image cart:1"));
        assert!(pattern.0.compiled.get().is_some());
        assert_eq!(&pattern.groups("image \"cart:1\"").unwrap()["image"], "cart:1");
        assert!(Pattern::new("image".into()).groups("image").is_none());
    }

    #[test]
    fn what_is_no_pattern_matches_nothing() {
        let broken = Pattern::new("(".into());
        assert!(!broken.is_match("(") && !broken.is_match("") && broken.groups("(").is_none());
    }
}
