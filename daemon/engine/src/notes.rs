//! What a sender notes of the places of a lane (DELIVERY 18). Pure; both stores
//! ask it when they make a note.

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

/// The note for places not known closed, in order of place. Empty where nothing
/// left IP: a lane that never did costs nothing.
#[must_use]
pub fn note(places: impl IntoIterator<Item = Place>) -> Vec<NoteEntry> {
    let entries: Vec<NoteEntry> = places
        .into_iter()
        .filter_map(|place| {
            Some(NoteEntry {
                lane_seq: place.lane_seq,
                filled: filled(&place)?,
            })
        })
        .take(MAX_NOTE_ENTRIES)
        .collect();
    let left_ip = entries.iter().any(|entry| entry.filled.hash().is_some());
    if left_ip { entries } else { Vec::new() }
}
