//! What a sender notes of the places of a lane (DELIVERY 18). Pure; both stores
//! ask it when they make a note.

use std::collections::VecDeque;

use twine_proto::limits::MAX_NOTE_ENTRIES;
use twine_proto::{Filled, LaneSeq, NoteEntry};

use crate::message::{IpAttempt, SmsAttempt};

/// A place of an outgoing lane that is not known closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which.
    pub lane_seq: LaneSeq,
    /// The attempt by IP.
    pub ip: IpAttempt,
    /// The attempt by SMS.
    pub sms: SmsAttempt,
    /// An SMS with it may have left the phone by an earlier attempt.
    pub left_before: bool,
    /// A part of this attempt may have left the phone.
    pub left_now: bool,
    /// Hash of its folded text.
    pub hash: u16,
}

/// What filled a place, as far as this device knows; `None`: not decided.
#[must_use]
pub const fn filled(place: &Place) -> Option<Filled> {
    let by_ip = matches!(
        place.ip,
        IpAttempt::InFlight(_) | IpAttempt::Accepted(_) | IpAttempt::Delivered(_)
    );
    let now = place.left_now
        || matches!(
            place.sms,
            SmsAttempt::Handed | SmsAttempt::Sent | SmsAttempt::Delivered | SmsAttempt::Unconfirmed
        );
    let (by_sms, again) = (place.left_before || now, place.left_before && now);
    match (by_ip, by_sms) {
        (true, true) if again => Some(Filled::BothAgain(place.hash)),
        (true, true) => Some(Filled::Both(place.hash)),
        (true, false) => Some(Filled::Ip),
        (false, true) if again => Some(Filled::SmsAgain(place.hash)),
        (false, true) => Some(Filled::Sms(place.hash)),
        (false, false) => match place.sms {
            SmsAttempt::NotUsed | SmsAttempt::Failed if place.ip.is_negative() => {
                Some(Filled::Void)
            }
            _ => None,
        },
    }
}

/// Whether a place needs no note (any more): delivered by IP, and by nothing
/// else.
#[must_use]
pub const fn is_closed(place: &Place) -> bool {
    matches!(place.ip, IpAttempt::Delivered(_)) && matches!(filled(place), Some(Filled::Ip))
}

/// The note for places not known closed, which are added in order of place, each with
/// what is its message. Empty where nothing left IP: a lane that never did costs
/// nothing. If there are more than [`MAX_NOTE_ENTRIES`], the lowest, but those that left
/// IP are never kept out by others before them.
#[derive(Debug, Clone)]
pub struct Note<T> {
    entries: VecDeque<(NoteEntry, T)>,
    left_ip: bool,
}

impl<T> Default for Note<T> {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            left_ip: false,
        }
    }
}

impl<T> Note<T> {
    /// Adds a place; one that is not decided is not named.
    pub fn add(&mut self, place: &Place, message: T) {
        let Some(filled) = filled(place) else {
            return;
        };
        if self.is_full() {
            return;
        }
        if self.entries.len() == MAX_NOTE_ENTRIES {
            self.entries.pop_front();
        }
        self.left_ip |= filled.hash().is_some();
        let lane_seq = place.lane_seq;
        self.entries
            .push_back((NoteEntry { lane_seq, filled }, message));
    }

    /// Nothing more has room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.left_ip && self.entries.len() == MAX_NOTE_ENTRIES
    }

    /// What it names.
    pub fn into_entries(self) -> impl Iterator<Item = (NoteEntry, T)> {
        self.entries.into_iter().filter(move |_| self.left_ip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: u16 = 7;

    fn places(from: u64, to: u64, sms: SmsAttempt) -> impl Iterator<Item = Place> {
        (from..to).map(move |seq| Place {
            lane_seq: LaneSeq(seq),
            ip: IpAttempt::Expired,
            sms,
            left_before: false,
            left_now: false,
            hash: HASH,
        })
    }

    fn note(places: impl Iterator<Item = Place>) -> Vec<u64> {
        let mut note = Note::default();
        for place in places {
            note.add(&place, ());
        }
        let entries = note.into_entries();
        entries.map(|(entry, ())| entry.lane_seq.get()).collect()
    }

    #[test]
    fn a_lane_that_never_left_ip_has_no_note() {
        assert!(note(places(1, 200, SmsAttempt::NotUsed)).is_empty());
    }

    #[test]
    fn a_full_note_names_the_lowest_places() {
        let all = places(1, 200, SmsAttempt::Sent);
        let most = MAX_NOTE_ENTRIES as u64;
        assert_eq!(note(all), (1..=most).collect::<Vec<_>>());
    }

    #[test]
    fn what_left_ip_is_named_however_many_stayed_before_it() {
        let before = places(1, 200, SmsAttempt::NotUsed);
        let all = before.chain(places(200, 400, SmsAttempt::Sent));
        let most = MAX_NOTE_ENTRIES as u64;
        assert_eq!(note(all), (201 - most..=200).collect::<Vec<_>>());
    }
}
