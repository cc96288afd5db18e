//! What complaints quote of a piece, and where in it.

use crate::recording::rejected::as_shown;

/// The last key before a position: the place that a reader can look for.
pub(super) fn near(text: &[u8], at: usize) -> String {
    let before = &text[..at.min(text.len())];
    let Some(colon) = memchr::memmem::rfind(before, b"\":") else { return String::new() };
    let key = memchr::memrchr(b'"', &before[..colon]).map(|quote| &before[quote + 1..colon]);
    key.map_or_else(String::new, |key| format!(" at {:?}", as_shown(String::from_utf8_lossy(key))))
}

/// The byte of a line and column as serde_json counts them.
pub(super) fn position(text: &str, line: usize, column: usize) -> usize {
    let start = match line {
        0 | 1 => 0,
        line => memchr::memchr_iter(b'\n', text.as_bytes()).nth(line - 2).map_or(0, |newline| newline + 1),
    };
    start.saturating_add(column).min(text.len())
}
