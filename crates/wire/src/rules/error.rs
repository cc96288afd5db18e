//! What is wrong with a file that people write: every problem at once, each with its place and with what would have been right.

use std::fmt;

/// A place in a file, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as the caller named it.
    pub file: String,
    /// Where.
    pub at: Position,
    /// Which key, from the top: `policy.tiers[0].ack_timeout`; empty where the file as a whole is meant.
    pub path: String,
    /// What is wrong, and what would have been right.
    pub text: String,
}

impl Problem {
    pub(crate) fn new(at: Position, path: &str, text: impl Into<String>) -> Self {
        Self { file: String::new(), at, path: path.to_owned(), text: text.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.at.line, self.at.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.text)
    }
}

/// A configuration, or a list of labels, that cannot be used. Nothing of it is: a half-applied configuration decides what
/// nobody wrote, and half of the labels measure something else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError {
    /// What is wrong, in the order of the file; never empty.
    pub problems: Vec<Problem>,
}
