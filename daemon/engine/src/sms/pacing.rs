//! How fast SMS may leave: below Android's limits, so that no dialog appears and
//! nothing is refused (SmsUsageMonitor: 30 parts a minute and package).

use std::collections::VecDeque;
use std::time::Duration;

use twine_proto::{E164, Peer};

use crate::limits::{EQUAL_SMS_GAP, SMS_LEFT_AFTER, SMS_PARTS_PER_WINDOW, SMS_WINDOW};
use crate::time::Instant;

/// What left lately.
#[derive(Debug, Default)]
pub(super) struct Pacing {
    left: VecDeque<(Instant, u8, Option<Text>)>,
    texts: VecDeque<(Instant, Text)>,
    /// Of what is being stored, to leave then: at most as many as may be handed over
    /// at once.
    leaving: Vec<Text>,
}

/// What Android's duplicate test compares, as far as the sender decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Text {
    pub(super) own: E164,
    pub(super) peer: Peer,
    /// Of the text as it leaves.
    pub(super) hash: u64,
}

impl Pacing {
    /// What was handed over before this run of the daemon, in this boot. It left when
    /// that was on disk, or when an agent was there for it: nobody knows when, so it
    /// counts from now, unless it is long ago.
    pub(super) fn restored(handed: impl IntoIterator<Item = (Instant, u8)>, now: Instant) -> Self {
        Self {
            left: handed
                .into_iter()
                .filter(|(at, _)| now.since(*at) < SMS_LEFT_AFTER)
                .map(|(_, parts)| (now, parts, None))
                .collect(),
            texts: VecDeque::new(),
            leaving: Vec::new(),
        }
    }

    /// From when on a message of so many parts may leave; `None`: not before an equal
    /// text that is being stored has left. One that is longer than the window allows
    /// goes when the window is empty: the user agreed to it.
    pub(super) fn may_leave_at(&mut self, now: Instant, parts: u8, text: Text) -> Option<Instant> {
        self.forget(now);
        if self.leaving.contains(&text) {
            return None;
        }
        let equal = self.equal_may_leave_at(now, text);
        let mut room = SMS_PARTS_PER_WINDOW.saturating_sub(self.parts());
        let mut at = now;
        for &(left, parts_left, _) in &self.left {
            if room >= usize::from(parts) {
                break;
            }
            room += usize::from(parts_left);
            at = left + SMS_WINDOW;
        }
        Some(at.max(equal))
    }

    /// From when on it may leave as far as equal texts go. One that is being stored leaves
    /// after that at the soonest, and is waited for by then.
    pub(super) fn equal_may_leave_at(&mut self, now: Instant, text: Text) -> Instant {
        self.forget(now);
        if self.leaving.contains(&text) {
            return now + EQUAL_SMS_GAP;
        }
        let last = self.texts.iter().rev().find(|(_, other)| *other == text);
        last.map_or(now, |(at, _)| *at + EQUAL_SMS_GAP)
    }

    /// It left: the agent has it.
    pub(super) fn left(&mut self, now: Instant, parts: u8, text: Text) {
        self.left.push_back((now, parts, Some(text)));
        self.texts.push_back((now, text));
    }

    /// It leaves as soon as that is stored, see [`Self::leaves`].
    pub(super) fn stores(&mut self, now: Instant, parts: u8, text: Text) {
        self.left.push_back((now, parts, Some(text)));
        self.leaving.push(text);
    }

    /// It leaves now, because it is stored only now: a slow disk must not push what
    /// two minutes may see into one, nor equal texts into two seconds.
    pub(super) fn leaves(&mut self, now: Instant, text: Text) {
        self.leaving.retain(|leaving| *leaving != text);
        self.texts.push_back((now, text));
        for (at, _, known) in self.left.iter_mut().rev() {
            if *known == Some(text) {
                *at = now;
                break;
            }
        }
        self.left.make_contiguous().sort_by_key(|&(at, ..)| at);
    }

    fn parts(&self) -> usize {
        self.left
            .iter()
            .map(|&(_, parts, _)| usize::from(parts))
            .sum()
    }

    fn forget(&mut self, now: Instant) {
        let older = |at: Instant, than: Duration| now.since(at) >= than;
        while self
            .left
            .front()
            .is_some_and(|&(at, ..)| older(at, SMS_WINDOW))
        {
            self.left.pop_front();
        }
        while self
            .texts
            .front()
            .is_some_and(|&(at, _)| older(at, EQUAL_SMS_GAP))
        {
            self.texts.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(hash: u64) -> Text {
        let own = E164::new(254_712_345_678).unwrap();
        Text {
            own,
            peer: own.into(),
            hash,
        }
    }

    #[test]
    fn a_minute_never_sees_more_parts_than_its_limit() {
        let mut pacing = Pacing::default();
        let mut now = Instant(0);
        let mut sent: Vec<(Instant, u8)> = Vec::new();
        for hash in 0..40 {
            let parts = 1 + (hash % 7) as u8;
            now = now.max(pacing.may_leave_at(now, parts, text(hash)).unwrap());
            pacing.left(now, parts, text(hash));
            sent.push((now, parts));
        }
        for &(from, _) in &sent {
            let in_window: usize = sent
                .iter()
                .filter(|(at, _)| *at >= from && at.since(from) < SMS_WINDOW)
                .map(|&(_, parts)| usize::from(parts))
                .sum();
            assert!(in_window <= SMS_PARTS_PER_WINDOW, "{in_window} from {from}");
        }
    }

    #[test]
    fn what_an_earlier_run_handed_over_counts_from_the_start_of_this_one() {
        let handed = [(Instant(0), 20), (Instant(400_000), 25)];
        let mut pacing = Pacing::restored(handed, Instant(410_000));
        assert_eq!(
            pacing.may_leave_at(Instant(410_000), 1, text(1)),
            Some(Instant(470_000))
        );
        let mut pacing = Pacing::restored(handed, Instant(700_000));
        assert_eq!(
            pacing.may_leave_at(Instant(700_000), 1, text(1)),
            Some(Instant(700_000))
        );
    }

    #[test]
    fn what_was_stored_late_leaves_late() {
        let mut pacing = Pacing::default();
        pacing.stores(Instant(0), 25, text(1));
        pacing.leaves(Instant(5_000), text(1));
        assert_eq!(
            pacing.may_leave_at(Instant(60_000), 1, text(2)),
            Some(Instant(65_000))
        );
    }

    #[test]
    fn equal_texts_leave_two_seconds_apart() {
        let mut pacing = Pacing::default();
        pacing.left(Instant(1_000), 1, text(1));
        assert_eq!(
            pacing.may_leave_at(Instant(1_500), 1, text(2)),
            Some(Instant(1_500))
        );
        assert_eq!(
            pacing.may_leave_at(Instant(1_500), 1, text(1)),
            Some(Instant(3_000))
        );
    }

    /// Trap: both are stored at once, three seconds late.
    #[test]
    fn equal_texts_leave_two_seconds_apart_on_a_slow_disk() {
        let mut pacing = Pacing::default();
        pacing.stores(Instant(0), 1, text(1));
        for late in [10, 2_500] {
            assert_eq!(pacing.may_leave_at(Instant(late), 1, text(1)), None);
            let other = pacing.may_leave_at(Instant(late), 1, text(2));
            assert_eq!(other, Some(Instant(late)));
        }
        pacing.leaves(Instant(3_000), text(1));
        assert_eq!(
            pacing.may_leave_at(Instant(3_010), 1, text(1)),
            Some(Instant(5_000))
        );
    }

    #[test]
    fn what_is_longer_than_the_window_goes_when_it_is_empty() {
        let mut pacing = Pacing::default();
        pacing.left(Instant(0), 3, text(1));
        assert_eq!(
            pacing.may_leave_at(Instant(10), 200, text(2)),
            Some(Instant(60_000))
        );
        assert_eq!(
            pacing.may_leave_at(Instant(60_000), 200, text(2)),
            Some(Instant(60_000))
        );
    }
}
