//! Files that people write, and documents of rules in the journal.

use bellbuoy_correlate::Catalogue;
use bellbuoy_wire::labels::Label;
use bellbuoy_wire::rules::{Config, ConfigError, from_document, hash, to_document};
use std::sync::Arc;

/// How long complaints may be about a text of any length, and in all for each of its bytes: a complaint that lists what
/// would have been right may stand at each key of one letter.
const COMPLAINTS_BYTES_MAX: usize = 8_192;
const COMPLAINT_BYTES_PER_BYTE_MAX: usize = 1_024;

/// Any text as a configuration. What is accepted can be journalled and compiled; what is not is told with its place.
pub(crate) fn configuration(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Config::load(&text, "fuzz.yaml") {
        Ok(config) => {
            let rules = config.rule_set();
            let again = from_document(&to_document(&rules)).expect("what was written can be read");
            assert_eq!(again, rules);
            Catalogue::new(Arc::new(rules));
        }
        Err(error) => told(&error, &text),
    }
}

/// Any text as labels of known failures.
pub(crate) fn labels(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Label::load(&text, "fuzz.yaml") {
        Ok(labels) => assert!(labels.len() <= text.len(), "{} labels of {} bytes", labels.len(), text.len()),
        Err(error) => told(&error, &text),
    }
}

/// A complaint has a place within the text, or none.
fn told(error: &ConfigError, text: &str) {
    assert!(!error.problems.is_empty(), "refused without a reason: {text}");
    let words = error.to_string();
    assert!(!words.is_empty(), "refused without a word: {text}");
    let max = COMPLAINTS_BYTES_MAX + COMPLAINT_BYTES_PER_BYTE_MAX * text.len();
    assert!(words.len() <= max, "{} bytes of complaints on {text:?}: {words}", words.len());
}

/// Any text as a rule set of the journal. What can be read has one name, and can be compiled.
pub(crate) fn rules(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(rules) = from_document(&text) else { return };
    let document = to_document(&rules);
    let again = from_document(&document).expect("what was written can be read");
    assert_eq!(again, rules);
    assert_eq!(to_document(&again), document);
    assert_eq!(hash(&again), hash(&rules));
    Catalogue::new(Arc::new(rules));
}
