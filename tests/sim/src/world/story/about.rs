//! The lines of a story that concern one message, wherever it has another name: the id
//! that each phone gave it, attempts by SMS, seqs, entries of mailboxes.

use std::collections::{BTreeMap, BTreeSet};

use twine_engine::ConnId;
use twine_engine::message::MessageId;
use twine_engine::parts::AttemptId;
use twine_proto::frame::{
    Accepted, Binding, Deliver, Hello, Receipt, ReceiptKind, SlotStatus, Submit, Welcome,
};
use twine_proto::{Cursor, E164, Epoch, Frame, LaneSeq, Seq, Slot};

use super::{Line, Told, name_of};
use crate::net::HandsetNo;

/// The lines that concern a message, and faults of the phones concerned or of the
/// gateway between the first and the last of these. The message may be quoted whole, or
/// by the beginning of its text, which is its name in the world: `h0m5`.
pub fn about(story: &[Line], message: &str) -> Vec<Line> {
    let mut followed = Followed::new(name_of(message).unwrap_or(message));
    let concerned: Vec<bool> = story.iter().map(|line| followed.is_in(line)).collect();
    let Some(first) = concerned.iter().position(|concerned| *concerned) else {
        return Vec::new();
    };
    let last = concerned.iter().rposition(|concerned| *concerned);
    let between = first..=last.unwrap_or(first);
    let handsets: BTreeSet<&str> = story
        .iter()
        .zip(&concerned)
        .filter_map(|(line, concerned)| handset_of(&line.text).filter(|_| *concerned))
        .collect();
    let is_near = |line: &Line| handset_of(&line.text).is_none_or(|h| handsets.contains(h));
    story
        .iter()
        .enumerate()
        .filter(|(at, line)| concerned[*at] || line.fault && between.contains(at) && is_near(line))
        .map(|(_, line)| line.clone())
        .collect()
}

/// The phone that a line begins with: `h0`.
fn handset_of(line: &str) -> Option<&str> {
    let word = line.split(' ').next()?;
    let digits = word.strip_prefix('h')?;
    let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    is_number.then_some(word)
}

/// Whether a name stands there: as a word of its own, unlike in `h0m51`. What makes a
/// text long, a letter or more, may follow.
fn mentions(line: &str, word: &str) -> bool {
    !word.is_empty()
        && line.match_indices(word).any(|(at, _)| {
            let before = line[..at].ends_with(char::is_alphanumeric);
            let after = line[at + word.len()..].starts_with(|c: char| c.is_ascii_digit());
            !before && !after
        })
}

/// A connection of a phone.
type Session = (HandsetNo, ConnId);

/// Under what a message was sent by IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct SentAs {
    handset: HandsetNo,
    from: E164,
    epoch: Epoch,
    seq: Seq,
    to: E164,
    place: LaneSeq,
}

/// What is known of the message at one line of the story.
struct Followed<'a> {
    name: &'a str,
    ids: BTreeSet<(HandsetNo, MessageId)>,
    attempts: BTreeSet<(HandsetNo, AttemptId)>,
    /// Of each connection its numbers and their epochs, by slot.
    sessions: BTreeMap<Session, Vec<(E164, Option<Epoch>)>>,
    sent: BTreeSet<SentAs>,
    /// Submitted, and not accepted since.
    open: BTreeSet<SentAs>,
    /// Delivered on a connection, and not acknowledged on it.
    entries: BTreeSet<(Session, Slot, Cursor)>,
    /// Up to where it was told as read, by whom.
    read_upto: BTreeMap<HandsetNo, LaneSeq>,
}

impl<'a> Followed<'a> {
    const fn new(name: &'a str) -> Self {
        Self {
            name,
            ids: BTreeSet::new(),
            attempts: BTreeSet::new(),
            sessions: BTreeMap::new(),
            sent: BTreeSet::new(),
            open: BTreeSet::new(),
            entries: BTreeSet::new(),
            read_upto: BTreeMap::new(),
        }
    }

    /// Whether a line concerns it; learns from the line.
    fn is_in(&mut self, line: &Line) -> bool {
        let named = mentions(&line.text, self.name);
        match &line.told {
            Told::Plain => named || self.is_meant(&line.text),
            Told::Attempt(handset, attempt) if named => {
                self.attempts.insert((*handset, *attempt));
                true
            }
            Told::Attempt(handset, attempt) => self.attempts.contains(&(*handset, *attempt)),
            Told::Message(handset, id) if named => {
                self.ids.insert((*handset, *id));
                true
            }
            // A phone that was put back gives an id again.
            Told::Message(handset, id) => {
                self.ids.remove(&(*handset, *id));
                false
            }
            Told::Frame(handset, conn, frame) => self.is_in_frame((*handset, *conn), frame, named),
        }
    }

    /// By another name.
    fn is_meant(&self, line: &str) -> bool {
        let of_phone = |handset: HandsetNo| handset_of(line) == Some(&format!("h{handset}"));
        let by_id = |(handset, id): &(HandsetNo, MessageId)| {
            of_phone(*handset) && mentions(line, &format!("message {}", id.0))
        };
        self.ids.iter().any(by_id)
    }

    fn is_in_frame(&mut self, session: Session, frame: &Frame, named: bool) -> bool {
        match frame {
            Frame::Hello(hello) => self.hello(session, hello),
            Frame::Welcome(welcome) => self.welcome(session, welcome),
            Frame::Submit(submit) => named && self.submit(session, submit),
            Frame::Accepted(accepted) => self.accepted(session, accepted),
            Frame::Deliver(deliver) => self.deliver(session, deliver, named),
            Frame::UnreadableDeliver(deliver) => {
                self.entries
                    .contains(&(session, deliver.slot, deliver.cursor))
            }
            Frame::Ack(ack) => {
                let before = self.entries.len();
                self.entries.retain(|(on, slot, cursor)| {
                    (*on, *slot) != (session, ack.slot) || *cursor > ack.cursor
                });
                self.entries.len() < before
            }
            Frame::Receipt(receipt) => self.receipt(session, receipt),
            Frame::Revoke(revoke) => {
                self.has_seq(session, revoke.slot, revoke.epoch, revoke.seqs.iter())
            }
            Frame::Revoked(revoked) => {
                let seqs = revoked.results.iter().map(|(seq, _)| seq);
                self.has_seq(session, revoked.slot, revoked.epoch, seqs)
            }
            _ => false,
        }
    }

    /// The sender asks what became of it.
    fn hello(&mut self, session: Session, hello: &Hello) -> bool {
        let of_slot = |slot: &twine_proto::frame::HelloSlot| match slot.binding {
            Binding::Held(held) => (slot.number, Some(held.epoch)),
            Binding::Wanted { .. } => (slot.number, None),
        };
        let slots = hello.slots.iter().map(of_slot).collect();
        self.sessions.insert(session, slots);
        self.sent.iter().any(|sent| {
            let mut positions = hello.slots.iter().flat_map(|slot| {
                let held = match &slot.binding {
                    Binding::Held(held) => Some(held),
                    Binding::Wanted { .. } => None,
                };
                let all = held.into_iter().chain(&slot.old);
                all.map(|position| (slot.number, position))
            });
            positions.any(|(number, held)| {
                let open = held.lowest_unsettled..held.next_seq;
                let is_its = (sent.handset, sent.from, sent.epoch);
                is_its == (session.0, number, held.epoch) && open.contains(&sent.seq)
            })
        })
    }

    /// The gateway tells what became of it, or that it was never there.
    fn welcome(&mut self, session: Session, welcome: &Welcome) -> bool {
        let slots = self.sessions.entry(session).or_default();
        for (slot, said) in slots.iter_mut().zip(&welcome.slots) {
            match said.status {
                SlotStatus::Granted(epoch) => slot.1 = Some(epoch),
                SlotStatus::NotBound | SlotStatus::EpochClosed => slot.1 = None,
                SlotStatus::Ok => {}
            }
        }
        let said = slots.iter().zip(&welcome.slots);
        let states = said.flat_map(|((number, epoch), said)| {
            let now = epoch.map(|epoch| (*number, epoch, &said.state));
            let old = said.old.iter().map(|(epoch, state)| (epoch, state));
            let old = old.map(|(epoch, state)| (*number, *epoch, state));
            now.into_iter().chain(old)
        });
        states.into_iter().any(|(number, epoch, state)| {
            self.sent.iter().any(|sent| {
                let is_its = (sent.handset, sent.from, sent.epoch) == (session.0, number, epoch);
                let mut others = state.dispositions.iter().map(|(seq, _)| seq);
                is_its
                    && (self.open.contains(sent)
                        || state.delivered.contains(&sent.seq)
                        || others.any(|seq| *seq == sent.seq))
            })
        })
    }

    fn submit(&mut self, session: Session, submit: &Submit) -> bool {
        if let Some((from, Some(epoch))) = self.slot(session, submit.slot) {
            let sent = SentAs {
                handset: session.0,
                from,
                epoch,
                seq: submit.seq,
                to: submit.to,
                place: submit.lane_seq,
            };
            self.sent.insert(sent);
            self.open.insert(sent);
        }
        true
    }

    fn accepted(&mut self, session: Session, accepted: &Accepted) -> bool {
        let Some((from, Some(epoch))) = self.slot(session, accepted.slot) else {
            return false;
        };
        let is_its =
            |sent: &SentAs| (sent.handset, sent.from, sent.epoch) == (session.0, from, epoch);
        let before = self.open.len();
        self.open
            .retain(|sent| !is_its(sent) || sent.seq > accepted.upto);
        let is_first = self.open.len() < before;
        let refused = accepted.refused.iter().map(|(seq, _)| seq);
        let mut named = refused.chain(&accepted.away).chain(&accepted.conflict);
        is_first
            || named.any(|seq| {
                self.sent
                    .iter()
                    .any(|sent| is_its(sent) && sent.seq == *seq)
            })
    }

    fn deliver(&mut self, session: Session, deliver: &Deliver, named: bool) -> bool {
        let to = self.slot(session, deliver.slot).map(|(number, _)| number);
        let is_it = named
            || self.sent.iter().any(|sent| {
                (sent.from, sent.epoch, sent.place)
                    == (deliver.from, deliver.epoch, deliver.lane_seq)
                    && Some(sent.to) == to
                    && sent.place.get() > 0
            });
        if is_it {
            self.entries.insert((session, deliver.slot, deliver.cursor));
        }
        is_it
    }

    fn receipt(&mut self, session: Session, receipt: &Receipt) -> bool {
        let own = self.slot(session, receipt.slot).map(|(number, _)| number);
        match &receipt.kind {
            ReceiptKind::Outcomes {
                epoch,
                delivered,
                dispositions,
            } => {
                let others = dispositions.iter().map(|(seq, _)| seq);
                let seqs = delivered.iter().chain(others);
                self.has_seq(session, receipt.slot, *epoch, seqs)
            }
            ReceiptKind::ReadBy { mark, .. } => {
                let its = |sent: &SentAs| {
                    let lane = (Some(sent.from), sent.to, sent.epoch);
                    lane == (own, mark.peer, mark.epoch) && sent.place <= mark.upto
                };
                self.sent.iter().any(its) && self.is_read(session.0, mark.upto)
            }
            ReceiptKind::Read(mark) => {
                let its = |sent: &SentAs| {
                    let lane = (sent.from, Some(sent.to), sent.epoch);
                    lane == (mark.peer, own, mark.epoch) && sent.place <= mark.upto
                };
                self.sent.iter().any(its) && self.is_read(session.0, mark.upto)
            }
            ReceiptKind::Rejected { cursor, .. } => {
                self.entries.contains(&(session, receipt.slot, *cursor))
            }
        }
    }

    /// Later marks, which are for other messages, are left out.
    fn is_read(&mut self, by: HandsetNo, upto: LaneSeq) -> bool {
        *self.read_upto.entry(by).or_insert(upto) == upto
    }

    fn has_seq<'s>(
        &self,
        session: Session,
        slot: Slot,
        epoch: Option<Epoch>,
        mut seqs: impl Iterator<Item = &'s Seq>,
    ) -> bool {
        let Some((number, current)) = self.slot(session, slot) else {
            return false;
        };
        let epoch = epoch.or(current);
        let of_it = |sent: &SentAs, seq: Seq| {
            (sent.handset, sent.from, Some(sent.epoch), sent.seq) == (session.0, number, epoch, seq)
        };
        seqs.any(|seq| self.sent.iter().any(|sent| of_it(sent, *seq)))
    }

    /// The number of a slot, and its epoch.
    fn slot(&self, session: Session, slot: Slot) -> Option<(E164, Option<Epoch>)> {
        let slots = self.sessions.get(&session)?;
        slots.get(usize::try_from(slot.get()).ok()?).copied()
    }
}
