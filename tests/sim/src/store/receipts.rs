//! Read marks, ours and the peers' (DELIVERY 11).

use twine_engine::message::MessageId;
use twine_engine::store_ops::{Outcome, UntoldMark};
use twine_engine::time::WallTime;
use twine_proto::frame::ReadMark;
use twine_proto::{E164, LaneSeq};

use super::{MemoryStore, PlaceKey};

/// How far the user has read in an incoming lane, and how far the gateway
/// knows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    upto: LaneSeq,
    version: u64,
    untold: bool,
}

impl Mark {
    /// It has to be told to the gateway, once more if it was.
    pub(super) fn tell_again(&mut self) {
        self.version += 1;
        self.untold = true;
    }
}

impl MemoryStore {
    pub(super) fn mark_read(&mut self, id: MessageId) -> Outcome {
        let Some(message) = self.incoming.get(&id) else {
            return Outcome::NotFound;
        };
        let Some(peer) = message.peer.number() else {
            return Outcome::Done;
        };
        let own = message.own;
        let Some((epoch, place)) = self.place_to_read(id) else {
            return Outcome::Done;
        };
        let first = ((own, peer, epoch, LaneSeq(0)), MessageId(0));
        let last = ((own, peer, epoch, place), MessageId(u64::MAX));
        let read: Vec<(PlaceKey, MessageId)> = self.unread.range(first..=last).copied().collect();
        let mark = self.marks.entry((own, peer, epoch)).or_default();
        if read.is_empty() {
            return Outcome::Done;
        }
        mark.upto = mark.upto.max(place);
        mark.tell_again();
        let mark = *mark;
        for key in read {
            self.unread.remove(&key);
            if let Some(message) = self.incoming.get_mut(&key.1) {
                message.read = true;
            }
        }
        Outcome::ReadTo {
            number: own,
            mark: UntoldMark {
                mark: ReadMark {
                    peer,
                    epoch,
                    upto: mark.upto,
                },
                version: mark.version,
            },
        }
    }

    pub(super) fn load_read_marks(&self, number: E164, limit: usize) -> Outcome {
        Outcome::ReadMarks(
            self.marks
                .iter()
                .filter(|((own, ..), mark)| *own == number && mark.untold)
                .take(limit)
                .map(|((_, peer, epoch), mark)| UntoldMark {
                    mark: ReadMark {
                        peer: *peer,
                        epoch: *epoch,
                        upto: mark.upto,
                    },
                    version: mark.version,
                })
                .collect(),
        )
    }

    pub(super) fn read_confirmed(&mut self, number: E164, told: &UntoldMark) -> Outcome {
        let key = (number, told.mark.peer, told.mark.epoch);
        if let Some(known) = self.marks.get_mut(&key)
            && known.version == told.version
        {
            known.untold = false;
        }
        Outcome::Done
    }

    pub(super) fn apply_read_by(&mut self, number: E164, mark: ReadMark, wall: WallTime) {
        self.is_alive(mark.peer);
        let lane = |lane_seq| (number, mark.peer, mark.epoch, lane_seq);
        let read: Vec<MessageId> = self
            .found
            .unread
            .range(lane(LaneSeq(0))..=lane(mark.upto))
            .filter_map(|place| self.places_out.get(place).copied())
            .collect();
        for id in read {
            self.change(id, wall, |m| m.read = true);
        }
    }
}
