//! Out to stdout. A reader that went away (`twinectl tail | head`) is no
//! failure.

use std::io::{self, Write};

use crate::exit::Failure;

/// Writes text as it is.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    match write(text) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Failure::output(&error)),
        Ok(()) => Ok(()),
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
