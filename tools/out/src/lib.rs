//! Standard output and standard error of the command lines that run on a workstation.
//!
//! What cannot be written ends the program with a reason, and what nobody reads
//! any more without one; never with a panic, as `println!` and `eprintln!` do. Whoever
//! closed standard error wants to know nothing: the program goes on.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

/// Exit code when the reader is gone (`| head -1`): as a shell says of a
/// program that SIGPIPE ended.
pub const READER_GONE: i32 = 141;
/// Exit code when it cannot be written (`EX_IOERR` of sysexits.h).
pub const CANNOT_WRITE: i32 = 74;

/// Writes all of it, or ends the program. Use [`say!`] and [`sayln!`].
pub fn write(text: Arguments<'_>) {
    let mut out = io::stdout().lock();
    let Err(error) = out.write_fmt(text).and_then(|()| out.flush()) else {
        return;
    };
    if error.kind() == ErrorKind::BrokenPipe {
        std::process::exit(READER_GONE);
    }
    let program = std::env::args_os().next().unwrap_or_default();
    let program = Path::new(&program).file_name().unwrap_or_default();
    errln!(
        "{}: cannot write to standard output: {error}",
        program.display()
    );
    std::process::exit(CANNOT_WRITE);
}

/// Writes to standard error what it takes. Use [`errln!`].
pub fn write_error(text: Arguments<'_>) {
    // There is nobody left who could be told.
    let _ = io::stderr().lock().write_fmt(text);
}

/// As `print!`, but see [`write()`].
#[macro_export]
macro_rules! say {
    ($($text:tt)*) => { $crate::write(::std::format_args!($($text)*)) };
}

/// As `println!`, but see [`write()`].
#[macro_export]
macro_rules! sayln {
    ($($text:tt)*) => { $crate::write(::std::format_args!("{}\n", ::std::format_args!($($text)*))) };
}

/// As `eprintln!`, but see [`write_error()`].
#[macro_export]
macro_rules! errln {
    ($($text:tt)*) => { $crate::write_error(::std::format_args!("{}\n", ::std::format_args!($($text)*))) };
}
