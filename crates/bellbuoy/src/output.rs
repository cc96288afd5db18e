//! Standard output: buffered, and without complaint when its reader has seen enough.

use std::fmt;
use std::io::{self, BufWriter, StdoutLock, Write};

/// The reader of standard output has gone, as `head` does. No failure.
#[derive(Debug)]
pub(crate) struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the reader of standard output has gone")
    }
}

impl std::error::Error for Closed {}

/// Standard output, buffered.
pub(crate) type Stdout = BufWriter<Marking<StdoutLock<'static>>>;

/// Locks standard output. It must be flushed before the program ends, because only then errors can be seen.
pub(crate) fn stdout() -> Stdout {
    BufWriter::with_capacity(64 << 10, Marking(io::stdout().lock()))
}

/// Whether an error says nothing but that the reader of standard output has gone.
pub(crate) fn is_closed(error: &anyhow::Error) -> bool {
    let marked = |cause: &(dyn std::error::Error + 'static)| {
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inner.is_some_and(|inner| inner.is::<Closed>())
    };
    error.chain().any(marked)
}

/// Marks broken pipes of this stream, so that they are told from those of other streams.
#[derive(Debug)]
pub(crate) struct Marking<W>(W);

impl<W: Write> Write for Marking<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(marked)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(marked)
    }
}

fn marked(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => io::Error::new(io::ErrorKind::BrokenPipe, Closed),
        _ => error,
    }
}
