//! Recorded traces of cellular links, in mahimahi's format: a line is a time in
//! milliseconds at which one packet of 1500 bytes can cross; a repeated time
//! means more than one; at the end the trace starts again.
//!
//! Owns the format and the walk along it. Traces are read by path and are no
//! part of this project.

use std::path::Path;
use std::time::Duration;

use thiserror::Error;

use crate::limits::MAX_TRACE_BYTES;

/// What crosses with one opportunity.
const OPPORTUNITY_BYTES: usize = 1500;

/// Why a file is no trace.
#[derive(Debug, Error)]
pub enum TraceError {
    /// Cannot be read.
    #[error("cannot read the trace {path}")]
    Unreadable {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Over the limit.
    #[error("the trace {path} has {bytes} bytes; at most {MAX_TRACE_BYTES} are read")]
    TooLarge {
        /// Which file.
        path: String,
        /// Its size.
        bytes: u64,
    },
    /// Not a number.
    #[error("line {line} is not a time in whole milliseconds")]
    NotANumber {
        /// From 1.
        line: usize,
    },
    /// Earlier than the line before.
    #[error("line {line} is earlier than the line before it; times must not decrease")]
    Backwards {
        /// From 1.
        line: usize,
    },
    /// No time, or only 0.
    #[error("the trace lasts 0 ms; it needs at least one time above 0")]
    NoLength,
}

/// Opportunities to cross, by time.
#[derive(Debug, PartialEq, Eq)]
pub struct Trace {
    /// Milliseconds, never decreasing, not empty.
    times: Vec<u32>,
    period: Duration,
}

/// Where a link is in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    /// Opportunities used, counted over all rounds; the last may be half used.
    used: u64,
    /// Bytes left of the last one.
    left: usize,
}

impl Trace {
    /// Reads a trace from a file.
    pub fn load(path: &Path) -> Result<Self, TraceError> {
        let unreadable = |source| TraceError::Unreadable {
            path: path.display().to_string(),
            source,
        };
        let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
        if bytes > MAX_TRACE_BYTES {
            return Err(TraceError::TooLarge {
                path: path.display().to_string(),
                bytes,
            });
        }
        Self::parse(&std::fs::read_to_string(path).map_err(unreadable)?)
    }

    /// Reads a trace from text. Empty lines are skipped.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        let mut times = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let (line, text) = (index + 1, line.trim());
            if text.is_empty() {
                continue;
            }
            let time: u32 = text.parse().map_err(|_| TraceError::NotANumber { line })?;
            if times.last().is_some_and(|last| time < *last) {
                return Err(TraceError::Backwards { line });
            }
            times.push(time);
        }
        match times.last() {
            Some(&last) if last > 0 => Ok(Self {
                period: Duration::from_millis(u64::from(last)),
                times,
            }),
            _ => Err(TraceError::NoLength),
        }
    }

    /// Mean rate over the whole trace, for people.
    #[must_use]
    pub fn mean_kbit_s(&self) -> u64 {
        let bits = self.times.len() as f64 * OPPORTUNITY_BYTES as f64 * 8.0;
        (bits / self.period.as_secs_f64() / 1000.0) as u64
    }

    /// When `bytes` that start at `start` have crossed, and where the trace is
    /// then. What is left of an opportunity serves whoever is waiting at that
    /// moment; nothing is saved for later.
    #[must_use]
    pub fn cross(&self, mut cursor: Cursor, start: Duration, bytes: usize) -> (Duration, Cursor) {
        let mut missing = bytes;
        let mut at = start;
        if cursor.left > 0 && self.time_of(cursor.used.saturating_sub(1)) >= start {
            let taken = cursor.left.min(missing);
            cursor.left -= taken;
            missing -= taken;
            at = at.max(self.time_of(cursor.used.saturating_sub(1)));
        }
        while missing > 0 {
            cursor.used = cursor.used.max(self.first_at_or_after(start));
            at = at.max(self.time_of(cursor.used));
            cursor.used += 1;
            let taken = OPPORTUNITY_BYTES.min(missing);
            cursor.left = OPPORTUNITY_BYTES - taken;
            missing -= taken;
        }
        (at, cursor)
    }

    /// The time of an opportunity, counted over all rounds.
    fn time_of(&self, number: u64) -> Duration {
        let (round, index) = self.split(number);
        self.period.saturating_mul(round) + Duration::from_millis(u64::from(self.times[index]))
    }

    fn split(&self, number: u64) -> (u32, usize) {
        let count = self.times.len() as u64;
        let round = u32::try_from(number / count).unwrap_or(u32::MAX);
        (round, (number % count) as usize)
    }

    fn first_at_or_after(&self, time: Duration) -> u64 {
        let period_us = self.period.as_micros();
        let round = (time.as_micros() / period_us) as u64;
        let within_us = time.as_micros() % period_us;
        let index = self
            .times
            .partition_point(|at| u128::from(*at) * 1000 < within_us);
        round * self.times.len() as u64 + index as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    #[test]
    fn small_packets_share_an_opportunity_if_they_are_there() {
        let trace = Trace::parse("10\n20\n").unwrap();
        let (at, cursor) = trace.cross(Cursor::default(), ms(0), 700);
        assert_eq!(at, ms(10));
        let (at, cursor) = trace.cross(cursor, ms(10), 700);
        assert_eq!(at, ms(10));
        let (at, _) = trace.cross(cursor, ms(10), 700);
        assert_eq!(at, ms(20), "100 bytes at 10, the rest at 20");
    }

    #[test]
    fn an_opportunity_that_nobody_used_is_gone() {
        let trace = Trace::parse("10\n20\n").unwrap();
        let (_, cursor) = trace.cross(Cursor::default(), ms(0), 100);
        assert_eq!(trace.cross(cursor, ms(11), 100).0, ms(20));
    }

    #[test]
    fn a_trace_starts_again_at_its_end() {
        let trace = Trace::parse("10\n20\n").unwrap();
        assert_eq!(trace.cross(Cursor::default(), ms(25), 1500).0, ms(30));
        assert_eq!(trace.cross(Cursor::default(), ms(1005), 3000).0, ms(1020));
    }

    #[test]
    fn errors_name_the_line() {
        let error = |text: &str| Trace::parse(text).unwrap_err().to_string();
        assert_eq!(
            error("1\nx\n"),
            "line 2 is not a time in whole milliseconds"
        );
        assert!(error("5\n4\n").starts_with("line 2 is earlier"));
        assert!(error("").starts_with("the trace lasts 0 ms"));
        assert!(error("0\n0\n").starts_with("the trace lasts 0 ms"));
    }
}
