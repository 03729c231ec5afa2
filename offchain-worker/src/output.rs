//! Standard output and standard error, whose readers may go away: `sabha-worker … | head -1` is no error, and no panic.

use std::{
    fmt,
    io::{self, Write},
};

/// Standard output, locked. When its reader has gone, writing fails with an error that [`is_closed`] knows.
#[derive(Debug)]
pub struct Output(io::StdoutLock<'static>);

/// Nobody reads standard output any more.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads standard output any more")]
struct Closed;

impl Output {
    /// Locks standard output.
    pub fn lock() -> Self {
        Self(io::stdout().lock())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(marked)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(marked)
    }
}

/// Broken connections are broken pipes too: only those of standard output are marked.
fn marked(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        io::Error::new(io::ErrorKind::BrokenPipe, Closed)
    } else {
        error
    }
}

/// Whether an error says that nobody reads standard output any more.
pub fn is_closed(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|error| error.get_ref().is_some_and(|inner| inner.is::<Closed>()))
}

/// Writes a line to standard error, if anybody reads it.
pub fn tell(line: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn only_a_closed_standard_output_is_one() {
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        let error = |error: io::Error| Err::<(), _>(error).context("printing").unwrap_err();
        assert!(is_closed(&error(marked(broken()))));
        assert!(!is_closed(&error(broken())), "a connection");
        assert!(!is_closed(&error(marked(io::Error::from(io::ErrorKind::StorageFull)))));
    }
}
