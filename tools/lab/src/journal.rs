//! The live timeline on the terminal, and what of it is kept for the report.
//!
//! A line is a time, who, and what; words alone carry the meaning, colour only
//! helps. On a terminal the running counts stand in the last line and are
//! rewritten; elsewhere they are a line of their own, when they changed.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::ledger::Counts;
use crate::limits::MAX_JOURNAL;

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// A link changed.
    Link,
    /// A process was killed, started, stopped.
    Process,
    /// A session came or went, as the daemon tells.
    Session,
    /// A card, a network or an SMS centre.
    Sms,
    /// Why a message goes the way it goes, as the daemon tells.
    Decision,
    /// Anything else.
    Note,
}

impl Topic {
    /// A stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Process => "process",
            Self::Session => "session",
            Self::Sms => "sms",
            Self::Decision => "decision",
            Self::Note => "note",
        }
    }

    const fn colour(self) -> &'static str {
        match self {
            Self::Link => "\x1b[36m",
            Self::Process => "\x1b[31m",
            Self::Session => "\x1b[32m",
            Self::Sms => "\x1b[33m",
            Self::Decision => "\x1b[35m",
            Self::Note => "",
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Since the start of the run.
    pub at: Duration,
    /// What it is about.
    pub topic: Topic,
    /// Handset, or "gateway", or "lab".
    pub who: String,
    /// In words.
    pub what: String,
}

/// The journal of a run. Clones are the same journal.
#[derive(Debug, Clone)]
pub struct Journal {
    started: Instant,
    style: Style,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Clone, Copy)]
struct Style {
    quiet: bool,
    terminal: bool,
    colour: bool,
}

#[derive(Debug, Default)]
struct Inner {
    entries: Vec<Entry>,
    not_kept: usize,
    last_counts: Counts,
    counts_stand: bool,
}

impl Journal {
    /// Prints to stdout; `quiet`: only keeps.
    #[must_use]
    pub fn start(started: Instant, quiet: bool) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            started,
            style: Style {
                quiet,
                terminal,
                colour: terminal && !no_colour,
            },
            inner: Arc::default(),
        }
    }

    /// Something happened.
    pub fn note(&self, topic: Topic, who: &str, what: impl Into<String>) {
        let entry = Entry {
            at: self.started.elapsed(),
            topic,
            who: who.to_owned(),
            what: what.into(),
        };
        let mut inner = self.lock();
        let (on, off) = if self.style.colour && !topic.colour().is_empty() {
            (topic.colour(), "\x1b[0m")
        } else {
            ("", "")
        };
        self.print(
            &mut inner,
            &format!(
                "{:>6.1} s  {:<8} {on}{}{off}",
                entry.at.as_secs_f64(),
                entry.who,
                entry.what
            ),
        );
        if inner.entries.len() < MAX_JOURNAL {
            inner.entries.push(entry);
        } else {
            inner.not_kept += 1;
        }
    }

    /// How far it is; once a second.
    pub fn counts(&self, counts: Counts) {
        let mut inner = self.lock();
        if inner.last_counts == counts || self.style.quiet {
            return;
        }
        inner.last_counts = counts;
        let line = format!(
            "{:>6.1} s  {:<8} sent {}, received {}, on the way {}",
            self.started.elapsed().as_secs_f64(),
            "counts",
            counts.confirmed,
            counts.received,
            counts.on_the_way(),
        );
        self.print(&mut inner, &line);
        if self.style.terminal {
            // Stands in the last line until the next one takes its place.
            put("\x1b[1A");
            inner.counts_stand = true;
        }
    }

    /// Everything that was kept, and how much was not.
    #[must_use]
    pub fn entries(&self) -> (Vec<Entry>, usize) {
        let inner = self.lock();
        (inner.entries.clone(), inner.not_kept)
    }

    fn print(&self, inner: &mut Inner, line: &str) {
        if self.style.quiet {
            return;
        }
        let clear = if std::mem::take(&mut inner.counts_stand) {
            "\x1b[2K"
        } else {
            ""
        };
        put(&format!("{clear}{line}\n"));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // What comes next starts below the counts.
        if self.counts_stand {
            put("\n");
        }
    }
}

/// To stdout; nobody reading it is no reason to stop.
fn put(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
