//! The numbers of sessions, and which of them this store began (DELIVERY 6).
//!
//! Each is above all that this device is known to have used, by a step that is drawn.
//! So of two phones that hold copies of one store each begins others. `Hello` says in
//! which session this store was welcomed last, and `Welcome` which ones were served since: if
//! one was begun by somebody else, the other used the epochs of this store, and what
//! is known of their seqs is not to be trusted (DELIVERY 4).
//!
//! Kept, in the batch that begins a session: the last number that was welcomed, and
//! what was begun since. The gateway may have served any of those, and its answer was
//! lost. A welcome is kept when the next session begins, which costs no write of its own;
//! at once if it tells of another, with the epoch that follows from it, or if many were
//! not kept.

use twine_proto::SessionNo;
use twine_proto::limits::MAX_SESSIONS_SINCE;

use crate::memo::Unreadable;
use crate::rng::Rng;

/// The largest step. Two copies begin the same number once in so many times.
const MAX_STEP: u64 = 1 << 16;
/// Numbers that are remembered behind the first. If more are begun without a welcome, what
/// was served before them is not asked about any more.
const MAX_BEGUN: usize = MAX_SESSIONS_SINCE;

/// Welcomes that need not be kept at once: a daemon that dies in each of its sessions keeps
/// one in so many.
const MAX_UNSAVED: usize = 4;

/// See the module.
#[derive(Debug)]
pub(crate) struct Numbers {
    /// The highest known to be used.
    last: SessionNo,
    /// The last that was welcomed, or a later one; then, ascending, what was begun since.
    ours: Vec<SessionNo>,
    unsaved: bool,
}

impl Numbers {
    /// Of a store that kept nothing yet, or nothing of use: it has begun all there are.
    pub(crate) fn all_up_to(last: SessionNo) -> Self {
        Self::of(last, vec![last])
    }

    /// From what was kept.
    pub(crate) fn read(last: SessionNo, kept: &[u8]) -> Result<Self, Unreadable> {
        if kept.is_empty() {
            return Ok(Self::all_up_to(last));
        }
        let (numbers, rest) = kept.as_chunks::<8>();
        let ours: Vec<_> = numbers
            .iter()
            .map(|bytes| SessionNo(u64::from_le_bytes(*bytes)))
            .collect();
        if !rest.is_empty() || ours.len() > MAX_BEGUN + 1 {
            return Err(Unreadable::Length);
        }
        if !ours.is_sorted_by(|a, b| a < b) || ours.last().is_some_and(|newest| *newest > last) {
            return Err(Unreadable::Value);
        }
        Ok(Self::of(last, ours))
    }

    const fn of(last: SessionNo, ours: Vec<SessionNo>) -> Self {
        let unsaved = false;
        Self {
            last,
            ours,
            unsaved,
        }
    }

    /// The next number is one above this, in a store that knows no higher one.
    pub(crate) fn begin(&mut self, rng: &mut Rng) -> SessionNo {
        let below = SessionNo(self.last.get() + rng.next() % MAX_STEP);
        self.last = below.next();
        if self.ours.len() > MAX_BEGUN {
            self.ours.remove(0);
        }
        self.ours.push(self.last);
        below
    }

    /// What is to be kept with the session that begins.
    pub(crate) fn bytes(&mut self) -> Vec<u8> {
        self.unsaved = false;
        let numbers = self.ours.iter();
        numbers.flat_map(|no| no.get().to_le_bytes()).collect()
    }

    /// What is to be kept at once.
    pub(crate) fn take_unsaved(&mut self) -> Option<Vec<u8>> {
        self.unsaved.then(|| self.bytes())
    }

    /// The gateway knows this one of this device.
    pub(crate) fn used(&mut self, no: SessionNo) {
        self.last = self.last.max(no);
    }

    /// What was served after this one is asked about.
    pub(crate) fn after(&self) -> SessionNo {
        self.ours.first().copied().unwrap_or_default()
    }

    /// The gateway welcomed `no`, and had served these since the last one. Returns
    /// whether all of them were begun here.
    pub(crate) fn welcomed(&mut self, no: SessionNo, since: &[SessionNo]) -> bool {
        let are_ours = since.iter().all(|no| self.ours.contains(no));
        self.unsaved = !are_ours || self.ours.len() > MAX_UNSAVED;
        self.ours = vec![no];
        are_ours
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(numbers: &mut Numbers) -> Numbers {
        let read = Numbers::read(numbers.last, &numbers.bytes()).unwrap();
        assert_eq!(read.ours, numbers.ours);
        read
    }

    fn begin(numbers: &mut Numbers, rng: &mut Rng) -> SessionNo {
        numbers.begin(rng).next()
    }

    #[test]
    fn whatever_was_begun_since_the_last_welcome_is_ours() {
        let rng = &mut Rng::new(1);
        let mut numbers = Numbers::all_up_to(SessionNo(0));
        let first = begin(&mut numbers, rng);
        assert!(numbers.welcomed(first, &[]));
        let mut begun = first;
        for _ in 0..3 {
            begun = begin(&mut numbers, rng);
        }
        let mut numbers = kept(&mut numbers);
        let last = begin(&mut numbers, rng);
        assert!(
            numbers.welcomed(last, &[begun]),
            "the answer to it was lost"
        );
        assert_eq!(numbers.after(), last);
    }

    #[test]
    fn what_a_copy_of_the_store_began_is_not_ours() {
        let mut numbers = Numbers::all_up_to(SessionNo(0));
        let first = begin(&mut numbers, &mut Rng::new(1));
        assert!(numbers.welcomed(first, &[]));
        let (mut one, mut other) = (kept(&mut numbers), kept(&mut numbers));
        let theirs = begin(&mut other, &mut Rng::new(2));
        assert!(other.welcomed(theirs, &[]), "nobody was there meanwhile");
        let rng = &mut Rng::new(3);
        let lost = begin(&mut one, rng);
        let ours = begin(&mut one, rng);
        assert!(!one.welcomed(ours, &[theirs, lost]));
    }

    #[test]
    fn a_daemon_that_dies_in_each_session_knows_them_all() {
        let rng = &mut Rng::new(1);
        let mut numbers = Numbers::all_up_to(SessionNo(0));
        let mut served: Vec<SessionNo> = Vec::new();
        for _ in 0..100 {
            let no = begin(&mut numbers, rng);
            let mut disk = kept(&mut numbers);
            served.retain(|other| *other > numbers.after());
            assert!(served.len() < MAX_SESSIONS_SINCE, "{served:?}");
            assert!(numbers.welcomed(no, &served));
            served.push(no);
            if let Some(bytes) = numbers.take_unsaved() {
                disk = Numbers::read(no, &bytes).unwrap();
            }
            numbers = disk;
        }
    }

    #[test]
    fn so_many_are_remembered_and_no_more() {
        let rng = &mut Rng::new(1);
        let mut numbers = Numbers::all_up_to(SessionNo(0));
        let begun: Vec<_> = (0..100).map(|_| begin(&mut numbers, rng)).collect();
        assert_eq!(numbers.bytes().len(), 8 * (MAX_BEGUN + 1));
        let mut numbers = kept(&mut numbers);
        assert_eq!(numbers.after(), begun[99 - MAX_BEGUN]);
        assert!(numbers.welcomed(begun[99], &begun[100 - MAX_BEGUN..99]));
    }

    #[test]
    fn a_store_that_kept_nothing_began_all_there_are() {
        let mut numbers = Numbers::read(SessionNo(57), &[]).unwrap();
        assert!(numbers.welcomed(SessionNo(60), &[SessionNo(57)]));
    }

    #[test]
    fn what_cannot_be_read_is_said_so() {
        let two = |a: u64, b: u64| [a.to_le_bytes(), b.to_le_bytes()].concat();
        let error = |bytes: &[u8]| Numbers::read(SessionNo(57), bytes).map(drop).unwrap_err();
        assert_eq!(error(&[1; 9]), Unreadable::Length);
        assert_eq!(error(&[0; 8 * 18]), Unreadable::Length);
        assert_eq!(error(&two(5, 5)), Unreadable::Value);
        assert_eq!(error(&two(1, 58)), Unreadable::Value);
    }
}
