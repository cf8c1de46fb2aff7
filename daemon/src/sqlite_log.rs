//! SQLite's own error log, into ours.
//!
//! It tells of a recovered log file, a damaged page or an I/O error with more
//! detail than the error code that comes back. It names tables and SQL with
//! its placeholders, never values.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::catch_unwind;

use rusqlite::ffi;

/// Sends SQLite's messages to the log. Call it before the first use of SQLite,
/// while there is only one thread; later it has no effect.
#[expect(unsafe_code, reason = "SQLite's configuration is global and in C")]
pub(crate) fn install() {
    // SAFETY: the callback has the signature that SQLITE_CONFIG_LOG asks for, may
    // be called from any thread, calls nothing of SQLite, and uses no argument
    // of ours, so null will do. SQLite checks itself whether it is too late.
    let code = unsafe {
        ffi::sqlite3_config(
            ffi::SQLITE_CONFIG_LOG,
            log as unsafe extern "C" fn(*mut c_void, c_int, *const c_char),
            std::ptr::null_mut::<c_void>(),
        )
    };
    if code != ffi::SQLITE_OK {
        log::warn!("SQLite does not say what it finds wrong: code {code}");
    }
}

#[expect(unsafe_code, reason = "called from C")]
unsafe extern "C" fn log(_: *mut c_void, code: c_int, message: *const c_char) {
    if message.is_null() {
        return;
    }
    // SAFETY: not null, and SQLite passes a text that ends with a zero and lives
    // until this returns.
    let message = unsafe { CStr::from_ptr(message) }.to_string_lossy();
    // A panic must not unwind into C.
    let _ = catch_unwind(|| match code & 0xff {
        ffi::SQLITE_NOTICE => log::info!("sqlite: {message} ({code})"),
        _ => log::warn!("sqlite: {message} ({code})"),
    });
}
