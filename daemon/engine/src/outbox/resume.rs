//! Filling in again, after a resume, what the gateway has not taken
//! (DELIVERY 8).
//!
//! Between the gateway's mark and this sender's next seq every number has to be
//! filled, in order, because the gateway takes only the next one:
//!
//! | the message under a seq | is filled in by |
//! |---|---|
//! | in flight | `Submit`, the same again |
//! | in flight and being taken back | `Revoke` |
//! | settled | `Revoke`: it needs nothing more, but its number is in the way |
//!
//! The last line happens only after a gateway was restored from a backup and
//! lost what it had taken (found by the simulator: without it the sender is told
//! for ever that it left a seq out).

use twine_proto::{Epoch, Seq};

use crate::ctx::Route;
use crate::store_ops::{Released, ResumeItem};

/// An identity on the present session, from its `Welcome` on. Answers and
/// receipts count at once; new messages follow when all is filled in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resume {
    pub(super) route: Route,
    pub(super) epoch: Epoch,
    /// The next number to fill, and the first that was never given.
    next: Seq,
    end: Seq,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A page is being read.
    Reading,
    /// The rest follows when there is room.
    Waiting,
    /// All went out.
    Filled,
}

/// What goes out to fill numbers in.
#[derive(Debug)]
pub(super) enum Fill {
    Submit(Released),
    Revoke(Vec<Seq>),
}

impl Resume {
    pub(super) fn new(route: Route, epoch: Epoch, high_water: Seq, end: Seq) -> Self {
        Self {
            route,
            epoch,
            next: high_water.next(),
            end,
            state: State::Reading,
        }
    }

    pub(super) fn is_filled(&self) -> bool {
        self.state == State::Filled
    }

    /// If a page is due: the seq behind which it starts. It counts as being
    /// read from now on.
    pub(super) fn take_turn(&mut self) -> Option<Seq> {
        if self.state != State::Waiting {
            return None;
        }
        self.state = State::Reading;
        Some(Seq(self.next.0.saturating_sub(1)))
    }

    /// A page of in-flight messages, by seq; what goes out for it.
    pub(super) fn page(&mut self, items: Vec<ResumeItem>, more: bool) -> Vec<Fill> {
        let mut fills = Vec::new();
        for item in items {
            let seq = item.released.seq;
            self.fill_settled(seq, &mut fills);
            fills.push(if item.take_back {
                Fill::Revoke(vec![seq])
            } else {
                Fill::Submit(item.released)
            });
            self.next = seq.next();
        }
        if more {
            self.state = State::Waiting;
        } else {
            self.fill_settled(self.end, &mut fills);
            self.state = State::Filled;
        }
        fills
    }

    /// Fills the numbers before `upto`: no message in flight bears them.
    fn fill_settled(&mut self, upto: Seq, fills: &mut Vec<Fill>) {
        if self.next < upto {
            fills.push(Fill::Revoke((self.next.0..upto.0).map(Seq).collect()));
            self.next = upto;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::ConnId;
    use crate::message::MessageId;
    use twine_proto::{Content, E164, LaneSeq, Slot};

    fn item(seq: u64, take_back: bool) -> ResumeItem {
        let number = E164::new(254_712_345_678).unwrap();
        ResumeItem {
            released: Released {
                id: MessageId(seq),
                own: number,
                peer: number,
                epoch: Epoch(1),
                seq: Seq(seq),
                lane_seq: LaneSeq(seq),
                content: Content::text("x".to_owned()).unwrap().encode(),
            },
            take_back,
        }
    }

    fn resume(high_water: u64, end: u64) -> Resume {
        let route = Route {
            conn: ConnId(1),
            slot: Slot(0),
        };
        Resume::new(route, Epoch(1), Seq(high_water), Seq(end))
    }

    fn told(fills: Vec<Fill>) -> Vec<String> {
        fills
            .into_iter()
            .map(|fill| match fill {
                Fill::Submit(released) => format!("submit {}", released.seq),
                Fill::Revoke(seqs) => format!("revoke {:?}", seqs.iter().map(|s| s.0)),
            })
            .map(|line| line.replace("Map { iter: Iter(", "").replace(") }", ""))
            .collect()
    }

    #[test]
    fn every_number_between_the_mark_and_the_end_is_filled_in_order() {
        let mut resume = resume(55, 63);
        let fills = resume.page(vec![item(57, false), item(59, true)], true);
        assert_eq!(fills.len(), 4, "{:?}", told(fills));
        assert!(!resume.is_filled());
        assert_eq!(resume.take_turn(), Some(Seq(59)));
        assert_eq!(resume.take_turn(), None);
        let fills = resume.page(vec![item(60, false)], false);
        let [Fill::Submit(_), Fill::Revoke(rest)] = &fills[..] else {
            panic!("{:?}", told(fills));
        };
        assert_eq!(rest[..], [Seq(61), Seq(62)]);
        assert!(resume.is_filled());
    }

    #[test]
    fn nothing_is_filled_where_nothing_is_open() {
        let mut resume = resume(7, 8);
        assert!(resume.page(Vec::new(), false).is_empty());
        assert!(resume.is_filled());
    }
}
