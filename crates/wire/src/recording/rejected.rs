//! What could not be used: a value like any other, which names what was found, where, and what would have been right.

use std::fmt;

/// Bytes of the input that are kept with a rejection.
pub const EXCERPT_BYTES_MAX: usize = 160;

/// Characters of a name that are shown: more than kind, namespace and name of an object have in Kubernetes (63 and 253).
const NAME_CHARS_MAX: usize = 400;

/// The name of an object, a kind or a key, as much of it as a detail shows: what is read need not be one.
pub(super) fn as_shown(name: impl fmt::Display) -> String {
    name.to_string().chars().take(NAME_CHARS_MAX).collect()
}

/// A piece of input, or a single time in it, that could not be used. The rest of the input is unharmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The line on which the piece begins, from 1; 0 where lines mean nothing.
    pub line: u64,
    /// The byte at which the piece begins, from 0, after decompression.
    pub offset: u64,
    /// What kind of trouble it is; counted by this.
    pub reason: Reason,
    /// The value, its place, and what would have been right.
    pub detail: String,
    /// The first bytes of the piece, at most [`EXCERPT_BYTES_MAX`].
    pub excerpt: Vec<u8>,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, byte {}: {}: {}", self.line, self.offset, self.reason, self.detail)
    }
}

/// Kinds of trouble with a piece of input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The input ends, or another object begins, before the piece is complete.
    Truncated,
    /// Not well-formed.
    Malformed,
    /// Well-formed, with a value of another type than Kubernetes or Alertmanager would write.
    WrongType,
    /// Not UTF-8.
    Encoding,
    /// Larger than a piece may be.
    TooLarge,
    /// Nested more deeply than any object is.
    TooDeep,
    /// A time that cannot be one of an observation.
    ImplausibleTime,
    /// Neither an object of Kubernetes nor an alert.
    Unrecognised,
    /// A report that does not say what it is about.
    NoObject,
    /// A report without any time, in a recording without any.
    NoTime,
    /// More clusters than a recording may have.
    TooManyScopes,
}

impl Reason {
    /// All of them.
    pub const ALL: [Reason; 11] = [
        Self::Truncated,
        Self::Malformed,
        Self::WrongType,
        Self::Encoding,
        Self::TooLarge,
        Self::TooDeep,
        Self::ImplausibleTime,
        Self::Unrecognised,
        Self::NoObject,
        Self::NoTime,
        Self::TooManyScopes,
    ];
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "truncated",
            Self::Malformed => "malformed",
            Self::WrongType => "wrong type",
            Self::Encoding => "not UTF-8",
            Self::TooLarge => "too large",
            Self::TooDeep => "too deeply nested",
            Self::ImplausibleTime => "implausible time",
            Self::Unrecognised => "not an object of Kubernetes or an alert",
            Self::NoObject => "names no object",
            Self::NoTime => "no time",
            Self::TooManyScopes => "too many clusters",
        })
    }
}

/// The first bytes of a piece.
pub(crate) fn excerpt(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len().min(EXCERPT_BYTES_MAX)].to_vec()
}
