//! Where log lines go: logcat on Android, elsewhere standard error with the
//! time since boot in front.
//!
//! The level is the configuration's, unless a system property of Android says
//! otherwise: `log.tag.twined` (until the next boot), `persist.log.tag.twined`,
//! or `debug.twine.log`, the first that is set, as a name or a letter that
//! Android or we know (`DEBUG`, `D`, `trace`, `S` for silence). They are read at
//! the start and whenever somebody asks for the status, so that a technician
//! needs no restart: `setprop log.tag.twined D; twinectl status`.
//!
//! Owns the sink, the level and the panic hook. Redacts nothing by itself:
//! numbers, texts and tokens travel in types whose `Debug` does not show them.

use std::any::Any;
use std::io::Write;
use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use log::LevelFilter;

/// Sends log lines to their place. Call once, before anything else.
pub fn install(level: LevelFilter) {
    #[cfg(target_os = "android")]
    android_logger::init_once(
        android_logger::Config::default()
            .with_tag("twined")
            .with_max_level(LevelFilter::Trace),
    );
    #[cfg(not(target_os = "android"))]
    // A second call finds the same logger in place.
    let _ = log::set_logger(&stderr::Stderr);
    set_level(level);
    panic::set_hook(Box::new(report_panic));
}

/// As configured: what holds where no property says otherwise.
static CONFIGURED: AtomicUsize = AtomicUsize::new(LevelFilter::Info as usize);

/// Changes what is logged, unless a property says otherwise.
pub fn set_level(level: LevelFilter) {
    CONFIGURED.store(level as usize, Ordering::Relaxed);
    follow_properties();
}

/// Reads the properties again.
pub fn follow_properties() {
    let configured = CONFIGURED.load(Ordering::Relaxed);
    let configured = LevelFilter::iter().find(|&level| level as usize == configured);
    let level = property_level().or(configured);
    log::set_max_level(level.unwrap_or(LevelFilter::Info));
}

#[cfg(target_os = "android")]
fn property_level() -> Option<LevelFilter> {
    [
        c"log.tag.twined",
        c"persist.log.tag.twined",
        c"debug.twine.log",
    ]
    .into_iter()
    .find_map(|name| parse_level(&crate::android::property(name)?))
}

#[cfg(not(target_os = "android"))]
const fn property_level() -> Option<LevelFilter> {
    None
}

/// A level by Android's words (`liblog`: the first letter decides) and ours.
#[cfg(any(target_os = "android", test))]
fn parse_level(word: &str) -> Option<LevelFilter> {
    let first = word.trim().bytes().next()?.to_ascii_lowercase();
    Some(match first {
        // `verbose`, `trace`
        b'v' | b't' => LevelFilter::Trace,
        b'd' => LevelFilter::Debug,
        b'i' => LevelFilter::Info,
        b'w' => LevelFilter::Warn,
        // `error`, `fatal`, `assert`
        b'e' | b'f' | b'a' => LevelFilter::Error,
        // `silent`, `suppress`, `off`
        b's' | b'o' => LevelFilter::Off,
        _ => return None,
    })
}

/// Logs a panic once and ends the process: a daemon that lost a task would be
/// half dead, and init starts a whole one. Being killed at any moment is safe.
fn report_panic(info: &PanicHookInfo<'_>) {
    static REPORTED: AtomicBool = AtomicBool::new(false);
    if !REPORTED.swap(true, Ordering::Relaxed) {
        let at = info
            .location()
            .map_or_else(String::new, ToString::to_string);
        log::error!("panic at {at}: {}", panic_message(info.payload()));
        log::logger().flush();
        // In a panic nothing is left to do about a broken pipe.
        let _ = std::io::stderr().flush();
    }
    std::process::abort();
}

/// The message of a panic, if it cannot hold data. A formatted one can: the
/// standard library's for a string cut at the wrong byte quotes the string,
/// which may be a user's text.
fn panic_message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("[message withheld: it may quote data]")
}

#[cfg(not(target_os = "android"))]
mod stderr {
    use std::fmt::{self, Write as _};
    use std::io::Write as _;

    use log::{Log, Metadata, Record};

    use crate::clock;

    /// One line for each record.
    pub(super) struct Stderr;

    impl Log for Stderr {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.level() <= log::max_level()
        }

        fn log(&self, record: &Record<'_>) {
            if !self.enabled(record.metadata()) {
                return;
            }
            let mut line = OneLine(String::with_capacity(128));
            // Writing to a string cannot fail.
            let _ = write!(
                line,
                "[{:>11}] {:5} {}: {}",
                clock::boot_time().to_string(),
                record.level(),
                record.target(),
                record.args()
            );
            line.0.push('\n');
            // Nobody could be told that nobody can be told.
            let _ = std::io::stderr().lock().write_all(line.0.as_bytes());
        }

        fn flush(&self) {
            let _ = std::io::stderr().flush();
        }
    }

    /// Keeps a record on its line: what an agent or a gateway named must not
    /// be able to write lines of its own, or move the terminal's cursor.
    pub(super) struct OneLine(pub(super) String);

    impl fmt::Write for OneLine {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            for c in text.chars() {
                if c.is_control() {
                    self.0.extend(c.escape_default());
                } else {
                    self.0.push(c);
                }
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::stderr::OneLine;
    use super::*;

    #[test]
    fn a_level_is_known_by_android_s_words_and_ours() {
        for (word, level) in [
            ("V", LevelFilter::Trace),
            ("trace", LevelFilter::Trace),
            ("DEBUG", LevelFilter::Debug),
            (" i", LevelFilter::Info),
            ("Warn", LevelFilter::Warn),
            ("ASSERT", LevelFilter::Error),
            ("SUPPRESS", LevelFilter::Off),
            ("off", LevelFilter::Off),
        ] {
            assert_eq!(parse_level(word), Some(level), "{word}");
        }
        assert_eq!(parse_level(""), None);
        assert_eq!(parse_level("7"), None);
    }

    #[test]
    fn a_record_stays_on_its_line() {
        let mut line = OneLine(String::new());
        let (link, said) = ("a\nb", "c\r\nINFO forged\u{1b}[2J é");
        write!(line, "link {link:?} says {said}").unwrap();
        assert!(!line.0.contains(['\n', '\r', '\u{1b}']), "{}", line.0);
        assert!(line.0.contains("\\r\\nINFO forged") && line.0.ends_with('é'));
    }

    #[test]
    fn a_panic_that_quotes_a_text_is_logged_without_it() {
        let text = String::from("a secret");
        let told = panic::catch_unwind(|| panic!("cannot read {text}")).unwrap_err();
        assert!(told.downcast_ref::<String>().unwrap().contains("secret"));
        assert!(!panic_message(&*told).contains("secret"));

        let plain = panic::catch_unwind(|| panic!("a plain reason")).unwrap_err();
        assert_eq!(panic_message(&*plain), "a plain reason");
    }
}
