//! Who forgot which time, and until when he does not know it.
//!
//! A phone that is put back to a copy forgets what it did since the copy was taken; of two
//! phones with one store neither knows what the other does. A restored gateway forgets
//! what came after its backup. Where a phone and the gateway forgot the same time, nobody
//! can tell the phone that it gives its names once more.

use std::collections::BTreeMap;

use super::Model;
use crate::net::HandsetNo;

/// A time that was forgotten, by the world's clock.
#[derive(Debug, Clone, Copy)]
struct Span {
    from_ms: u64,
    /// `None`: it has no session yet that could tell it so.
    until_ms: Option<u64>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Forgotten {
    /// When the copy was taken to which a phone may be put back.
    copied_ms: BTreeMap<HandsetNo, u64>,
    phones: BTreeMap<HandsetNo, Vec<Span>>,
    /// How many messages had been written when a phone was told so last.
    told: BTreeMap<HandsetNo, u64>,
    /// How many messages had been written when a phone was alone again; `u64::MAX`: it
    /// lives beside its twin.
    alone: BTreeMap<HandsetNo, u64>,
    backed_up_ms: u64,
    /// From the backup to the restore.
    gateway: Vec<(u64, u64)>,
}

impl Forgotten {
    pub(super) const fn backed_up(&mut self, now_ms: u64) {
        self.backed_up_ms = now_ms;
    }

    pub(super) fn restored(&mut self, now_ms: u64) {
        self.gateway.push((self.backed_up_ms, now_ms));
    }

    pub(super) fn put_back(&mut self, handset: HandsetNo) {
        let from_ms = self.copied_ms.get(&handset).copied().unwrap_or(0);
        self.forgets_from(handset, from_ms);
    }

    pub(super) fn copied_to(&mut self, handset: HandsetNo, twin: HandsetNo, now_ms: u64) {
        self.forgets_from(handset, now_ms);
        let spans = self.phones.get(&handset).cloned().unwrap_or_default();
        self.phones.insert(twin, spans);
        self.alone.extend([(handset, u64::MAX), (twin, u64::MAX)]);
    }

    /// What one of two phones sent is the other's now.
    pub(super) fn joined(&mut self, goes: HandsetNo, stays: HandsetNo, no: u64) {
        let spans = self.phones.get(&goes).cloned().unwrap_or_default();
        self.phones.entry(stays).or_default().extend(spans);
        self.alone.extend([(goes, no), (stays, no)]);
    }

    fn forgets_from(&mut self, handset: HandsetNo, from_ms: u64) {
        let span = Span {
            from_ms,
            until_ms: None,
        };
        self.phones.entry(handset).or_default().push(span);
    }

    /// The gateway has told it all that it knows.
    fn is_told(&mut self, handset: HandsetNo, no: u64, now_ms: u64) {
        if self.alone.get(&handset) == Some(&u64::MAX) {
            return;
        }
        let spans = self.phones.get_mut(&handset).into_iter().flatten();
        for span in spans.filter(|span| span.until_ms.is_none()) {
            span.until_ms = Some(now_ms);
            self.told.insert(handset, no);
        }
    }

    /// Whether the gateway forgot a time that this phone forgot as well.
    pub(super) fn the_same(&self, handset: HandsetNo) -> bool {
        let spans = self.phones.get(&handset);
        spans.into_iter().flatten().any(|span| {
            let until_ms = span.until_ms.unwrap_or(u64::MAX);
            let overlaps = |(from, until): &(u64, u64)| span.from_ms < *until && *from < until_ms;
            self.gateway.iter().any(overlaps)
        })
    }

    /// Whether it did not know yet that it had forgotten when so many messages had been
    /// written.
    pub(super) fn is_unaware(&self, handset: HandsetNo, no: u64) -> bool {
        let spans = self.phones.get(&handset);
        let untold = |span: &Span| span.until_ms.is_none();
        spans.into_iter().flatten().any(untold)
            || self.told.get(&handset).is_some_and(|told| no < *told)
    }

    pub(super) fn lived_twice_until(&self, handset: HandsetNo) -> Option<u64> {
        self.alone.get(&handset).copied()
    }
}

impl Model {
    /// A copy of a phone is taken, to which it may be put back.
    pub fn copied(&mut self, handset: HandsetNo, now_ms: u64) {
        self.forgotten.copied_ms.insert(handset, now_ms);
    }

    /// A phone's daemon has a session: the gateway has told it what it knows.
    pub(super) fn hears_of_itself(&mut self, handset: HandsetNo, now_ms: u64) {
        let no = self.messages.len() as u64;
        self.forgotten.is_told(handset, no, now_ms);
    }
}
