//! The parts of a long message, put together.
//!
//! Owns waiting parts, under named limits. Does no decoding: it is generic over
//! what a part holds, decoded text or raw user data. Reads no clock: time is an
//! argument, a `Duration` since any fixed start that never goes back.
//!
//! # Which parts belong together
//!
//! TS 23.040 9.2.3.24.1: same originator, same reference of the same size, same
//! count. References repeat, after 256 messages or less, so:
//!
//! - a part that is there already with the same content is a duplicate, and
//!   changes nothing;
//! - a part that is there already with other content is of another message: the
//!   old one is given up, the new one starts with it;
//! - a message of which no new part came for [`PARTIAL_AGE`] is given up.
//!
//! Who is given up is told to the caller, with the parts that came.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::limits::{MAX_PARTIAL_BYTES, MAX_PARTIAL_MESSAGES, PARTIAL_AGE};
use crate::segment::ReferenceSize;

/// What a part holds.
pub trait Content: PartialEq {
    /// Bytes that it costs to keep.
    fn bytes(&self) -> usize;
}

impl Content for String {
    fn bytes(&self) -> usize {
        self.len()
    }
}

/// Which part of which message something is, as the header says (TS 23.040
/// 9.2.3.24.1 and 9.2.3.24.8). Always possible: 1 ≤ index ≤ count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Concatenation {
    size: ReferenceSize,
    reference: u16,
    count: u8,
    index: u8,
}

impl Concatenation {
    /// `None` if the standard wants it ignored: no parts, or an index that is 0
    /// or above the count. An 8-bit reference above 255 is none either.
    #[must_use]
    pub const fn new(size: ReferenceSize, reference: u16, count: u8, index: u8) -> Option<Self> {
        let fits = matches!(size, ReferenceSize::Bits16) || reference <= 0xff;
        if !fits || index == 0 || index > count {
            return None;
        }
        Some(Self {
            size,
            reference,
            count,
            index,
        })
    }

    /// Size of the reference.
    #[must_use]
    pub const fn size(self) -> ReferenceSize {
        self.size
    }

    /// What the parts of one message share.
    #[must_use]
    pub const fn reference(self) -> u16 {
        self.reference
    }

    /// Parts of the message, 1 to 255.
    #[must_use]
    pub const fn count(self) -> u8 {
        self.count
    }

    /// This part, 1 to [`count`](Self::count).
    #[must_use]
    pub const fn index(self) -> u8 {
        self.index
    }
}

/// What parts of one message have in common. `Debug` leaves the originator out.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageKey<O> {
    /// Who sent it; with two SIMs, and to which.
    pub originator: O,
    /// Size of the reference.
    pub size: ReferenceSize,
    /// The reference.
    pub reference: u16,
    /// Parts of the message.
    pub count: u8,
}

impl<O> fmt::Debug for MessageKey<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageKey")
            .field("size", &self.size)
            .field("reference", &self.reference)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

/// What became of a part.
#[derive(Debug, PartialEq, Eq)]
pub struct Inserted<O, P> {
    /// Of its own message.
    pub outcome: Outcome<P>,
    /// Messages that were given up for it.
    pub given_up: Vec<GivenUp<O, P>>,
}

/// What became of a part's message.
#[derive(PartialEq, Eq)]
pub enum Outcome<P> {
    /// It was the last that was missing: all parts, in order.
    Complete(Vec<P>),
    /// Parts are missing.
    Waiting {
        /// How many.
        missing: u8,
    },
    /// It had come before.
    Duplicate,
    /// It alone is larger than [`MAX_PARTIAL_BYTES`], and was not kept.
    TooLarge,
}

/// An incomplete message that is no longer waited for.
#[derive(PartialEq, Eq)]
pub struct GivenUp<O, P> {
    /// Which message.
    pub key: MessageKey<O>,
    /// Why.
    pub reason: Reason,
    /// The parts that came, with their indices, in order.
    pub parts: Vec<(u8, P)>,
}

/// Why a message is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// No new part for [`PARTIAL_AGE`].
    Expired,
    /// A part came that contradicts one that was there.
    Contradicted,
    /// More than [`MAX_PARTIAL_MESSAGES`] or [`MAX_PARTIAL_BYTES`].
    Overflow,
}

impl<P> fmt::Debug for Outcome<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete(parts) => write!(f, "Complete([{} parts])", parts.len()),
            Self::Waiting { missing } => write!(f, "Waiting {{ missing: {missing} }}"),
            Self::Duplicate => f.write_str("Duplicate"),
            Self::TooLarge => f.write_str("TooLarge"),
        }
    }
}

impl<O, P> fmt::Debug for GivenUp<O, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GivenUp")
            .field("key", &self.key)
            .field("reason", &self.reason)
            .field("parts", &self.parts.len())
            .finish()
    }
}

/// Messages of which parts are missing.
pub struct Reassembler<O, P> {
    waiting: BTreeMap<MessageKey<O>, Partial<P>>,
    bytes: usize,
    /// Grows with each new part; says who waited longest among equals.
    arrivals: u64,
}

struct Partial<P> {
    parts: BTreeMap<u8, P>,
    bytes: usize,
    /// When the last new part came, and its arrival number.
    last: (Duration, u64),
}

impl<O, P> Default for Reassembler<O, P> {
    fn default() -> Self {
        Self {
            waiting: BTreeMap::new(),
            bytes: 0,
            arrivals: 0,
        }
    }
}

impl<O, P> fmt::Debug for Reassembler<O, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reassembler")
            .field("waiting", &self.waiting.len())
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl<O: Ord + Clone, P: Content> Reassembler<O, P> {
    /// Nothing waits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Incomplete messages that wait, at most [`MAX_PARTIAL_MESSAGES`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Bytes of all parts that wait, at most [`MAX_PARTIAL_BYTES`].
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// When the next message will have waited too long: time to call
    /// [`expire`](Self::expire).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let oldest = self.waiting.values().map(|partial| partial.last).min();
        oldest.map(|(at, _)| at.saturating_add(PARTIAL_AGE))
    }

    /// Gives up what waited too long.
    pub fn expire(&mut self, now: Duration) -> Vec<GivenUp<O, P>> {
        let due = |partial: &Partial<P>| partial.last.0.saturating_add(PARTIAL_AGE) <= now;
        let keys: Vec<_> = self
            .waiting
            .iter()
            .filter(|(_, partial)| due(partial))
            .map(|(key, _)| key.clone())
            .collect();
        keys.into_iter()
            .filter_map(|key| self.give_up(key, Reason::Expired))
            .collect()
    }

    /// A part came. A message of one part is complete at once.
    pub fn insert(
        &mut self,
        now: Duration,
        originator: O,
        place: Concatenation,
        part: P,
    ) -> Inserted<O, P> {
        let mut given_up = self.expire(now);
        if part.bytes() > MAX_PARTIAL_BYTES {
            return Inserted {
                outcome: Outcome::TooLarge,
                given_up,
            };
        }
        let key = MessageKey {
            originator,
            size: place.size,
            reference: place.reference,
            count: place.count,
        };
        let known = self.waiting.get(&key);
        match known.and_then(|partial| partial.parts.get(&place.index)) {
            Some(there) if *there == part => {
                return Inserted {
                    outcome: Outcome::Duplicate,
                    given_up,
                };
            }
            Some(_) => given_up.extend(self.give_up(key.clone(), Reason::Contradicted)),
            None => {}
        }
        self.arrivals += 1;
        let last = (now, self.arrivals);
        let bytes = part.bytes();
        let partial = self.waiting.entry(key.clone()).or_insert_with(|| Partial {
            parts: BTreeMap::new(),
            bytes: 0,
            last,
        });
        partial.parts.insert(place.index, part);
        partial.bytes += bytes;
        partial.last = last;
        self.bytes += bytes;
        // As many different indices as there are parts: all of them.
        let there = partial.parts.len();
        if there == usize::from(place.count) {
            let parts = self.remove(&key).map(|partial| partial.parts);
            let parts = parts.unwrap_or_default().into_values().collect();
            return Inserted {
                outcome: Outcome::Complete(parts),
                given_up,
            };
        }
        given_up.extend(self.make_room(&key));
        Inserted {
            outcome: Outcome::Waiting {
                missing: place.count - there as u8,
            },
            given_up,
        }
    }

    /// Gives up whoever waited longest until the limits hold, last of all the
    /// message that just got a part.
    fn make_room(&mut self, newest: &MessageKey<O>) -> Vec<GivenUp<O, P>> {
        let mut given_up = Vec::new();
        while self.waiting.len() > MAX_PARTIAL_MESSAGES || self.bytes > MAX_PARTIAL_BYTES {
            let others = self.waiting.iter().filter(|(key, _)| *key != newest);
            let oldest = others.min_by_key(|(_, partial)| partial.last);
            let key = oldest.map_or_else(|| newest.clone(), |(key, _)| key.clone());
            given_up.extend(self.give_up(key, Reason::Overflow));
        }
        given_up
    }

    fn give_up(&mut self, key: MessageKey<O>, reason: Reason) -> Option<GivenUp<O, P>> {
        let partial = self.remove(&key)?;
        Some(GivenUp {
            key,
            reason,
            parts: partial.parts.into_iter().collect(),
        })
    }

    fn remove(&mut self, key: &MessageKey<O>) -> Option<Partial<P>> {
        let partial = self.waiting.remove(key)?;
        self.bytes -= partial.bytes;
        Some(partial)
    }
}
