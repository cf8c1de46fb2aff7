//! When two incoming copies are one message, and which place an SMS has
//! (DELIVERY 7, 17, 18, 20). Pure: both stores hand in what they hold of a
//! conversation and apply the [`Change`]s that come out.
//!
//! Two kinds of evidence:
//!
//! - the **mark**: an SMS that ends in `1 + (lane_seq mod 4)` spaces may be a copy
//!   of a message in a place of that residue. Taken only if nothing else fits
//!   ([`pair_on_mark`]);
//! - the **note**, by IP: which places were filled by SMS, with a hash of the
//!   folded text ([`read_note`]). It is the proof: it confirms a merge made on the
//!   mark, or undoes it.
//!
//! A merge links: one copy stays in the conversation (the *root*, whichever was
//! shown first), the other refers to it. Nothing is deleted. An entry of a note
//! whose SMS has not come yet is kept ([`Reading::pending`]) and asked again when
//! an SMS comes.

mod lane;

use std::collections::BTreeSet;
use std::time::Duration;

use twine_proto::{Epoch, LaneSeq, NoteEntry};
use twine_sms::fold;

use crate::message::{Channel, MessageId};
use crate::store_ops::BootStamp;

pub use lane::read_note;

/// How far back a mark may look: root messages of the conversation.
pub const MARK_CANDIDATES: usize = 16;
/// SMS of the conversation with one hash that a note may speak of, newest first.
pub const NOTE_CANDIDATES: usize = 16;
/// A mark is believed, and an SMS moved to its place, within this time; between
/// boots no time is known to have passed (DELIVERY 24).
pub const MERGE_WITHIN: Duration = Duration::from_secs(24 * 3600);

/// One incoming copy, as a store holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copy {
    /// Its message.
    pub id: MessageId,
    /// How it came.
    pub came_by: Channel,
    /// Its place: of a message by IP its name's; of an SMS what a note gave it.
    pub place: Option<(Epoch, LaneSeq)>,
    /// The mark of an SMS.
    pub residue: Option<u8>,
    /// Its folded text, by 64 bits ([`twine_sms::fold::digest`]); a note names the
    /// lowest 16 of them.
    pub digest: u64,
    /// By IP, and a copy by SMS without a mark may exist (DELIVERY 7).
    pub maybe_by_sms: bool,
    /// It has a text; otherwise it stands for what this version cannot read.
    pub readable: bool,
    /// It refers to this root.
    pub copy_of: Option<MessageId>,
    /// A note said so; otherwise the mark.
    pub by_note: bool,
    /// When it came.
    pub arrived: BootStamp,
}

/// What a store has to do, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// `copy`, and all that refer to it, refer to `root` from now on. An event
    /// `Merged`, unless it is only confirmed.
    Link {
        /// Not shown by itself any more.
        copy: MessageId,
        /// Stays.
        root: MessageId,
        /// See [`Copy::by_note`].
        by_note: bool,
    },
    /// `copy` is a message of its own. An event `Unmerged`.
    Unlink {
        /// Shown again.
        copy: MessageId,
        /// What it referred to.
        root: MessageId,
    },
    /// An SMS has this place. Unless `late`, its position follows the place
    /// ([`position`]); an event `Reordered` if that moves it.
    Place {
        /// Which.
        sms: MessageId,
        /// Its place; `None`: it lost the one it had.
        place: Option<(Epoch, LaneSeq)>,
        /// More than [`MERGE_WITHIN`] after it came: it stays where it is.
        late: bool,
    },
}

/// What reading a note comes to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// In order.
    pub changes: Vec<Change>,
    /// Entries whose SMS is not here (yet).
    pub pending: Vec<NoteEntry>,
}

/// `lane_seq mod 4`, as in the mark.
#[must_use]
pub const fn residue(lane_seq: LaneSeq) -> u8 {
    (lane_seq.0 % 4) as u8
}

/// Whether so much time has passed that nothing is moved or merged any more.
#[must_use]
pub fn too_late(arrived: BootStamp, now: BootStamp) -> bool {
    arrived.boot == now.boot && now.at.since(arrived.at) > MERGE_WITHIN
}

/// The root that `arrival` is a copy of, by the mark alone: exactly one unpaired
/// candidate among `recent`. `recent`: the last [`MARK_CANDIDATES`] other roots of
/// the same own number and peer, each with whether its text is equal (trailing
/// spaces apart) and whether it has a copy already.
#[must_use]
pub fn pair_on_mark(
    arrival: &Copy,
    heard: HeardByIp,
    recent: impl IntoIterator<Item = (Copy, SameText, HasCopy)>,
) -> Option<MessageId> {
    let mut fitting = recent
        .into_iter()
        .take(MARK_CANDIDATES)
        .filter(|(candidate, same_text, has_copy)| {
            same_text.0
                && !has_copy.0
                && candidate.copy_of.is_none()
                && !too_late(candidate.arrived, arrival.arrived)
                && may_be_one(arrival, candidate, heard)
        })
        .map(|(candidate, ..)| candidate.id);
    let only = fitting.next()?;
    fitting.next().is_none().then_some(only)
}

/// The texts are equal, trailing spaces apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SameText(pub bool);

/// The peer has sent a message by IP to this number: keyboards and plain phones put
/// spaces at the end of a text as well, and no note would ever part what they seem to mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeardByIp(pub bool);

/// Another copy refers to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HasCopy(pub bool);

fn may_be_one(a: &Copy, b: &Copy, heard: HeardByIp) -> bool {
    let marked_for = |sms: &Copy, place: Option<(Epoch, LaneSeq)>| {
        sms.residue.is_some() && sms.residue == place.map(|(_, lane_seq)| residue(lane_seq))
    };
    match (a.came_by, b.came_by) {
        (Channel::Sms, Channel::Ip) => {
            a.place.is_none() && (marked_for(a, b.place) || b.maybe_by_sms)
        }
        (Channel::Ip, Channel::Sms) => {
            b.place.is_none() && (marked_for(b, a.place) || a.maybe_by_sms)
        }
        (Channel::Sms, Channel::Sms) => match (a.place, b.place) {
            (None, None) => heard.0 && a.residue.is_some() && a.residue == b.residue,
            // A note gave one its place: it tells of more than one SMS itself.
            (Some(_), _) | (_, Some(_)) => false,
        },
        (Channel::Ip, Channel::Ip) => false,
    }
}

/// What an SMS may have of which these entries speak, each once.
#[must_use]
pub fn hashes_of(entries: &[NoteEntry]) -> BTreeSet<u16> {
    let hashes = entries.iter().filter_map(|entry| entry.filled.hash());
    hashes.collect()
}

/// The position of an SMS that got a place: where it came, unless that lies
/// before a position of an earlier place (`before`: the highest) or behind one
/// of a later place (`behind`: the lowest).
#[must_use]
pub const fn position(arrived: u64, before: Option<u64>, behind: Option<u64>) -> u64 {
    match (before, behind) {
        (Some(before), _) if before > arrived => before,
        (_, Some(behind)) if behind < arrived => behind,
        _ => arrived,
    }
}

impl Copy {
    const fn hash(&self) -> u16 {
        fold::hash_of(self.digest)
    }

    /// Whether this SMS can be a copy of a message by IP: one text in 65,536 has the
    /// hash of another, and would be hidden behind it.
    fn has_text_of(&self, ip: Option<&Self>) -> bool {
        ip.is_none_or(|ip| !ip.readable || ip.digest == self.digest)
    }
}

#[cfg(test)]
mod tests;
