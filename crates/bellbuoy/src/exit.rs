//! Exit codes, as `bellbuoy --help` documents them.

use std::process::ExitCode;

/// How a run ended. A wrong command line ends with 2 before anything is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// Done; whether incidents were found makes no difference.
    Done = 0,
    /// Failed, and the last line on standard error says why.
    Failed = 1,
    /// The command line was wrong in a way that only showed later.
    Usage = 2,
    /// Done, but input was rejected and `--strict` was given.
    Rejected = 3,
    /// Done, but the score is below what `--fail-under` asked for.
    Below = 4,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        ExitCode::from(code as u8)
    }
}
