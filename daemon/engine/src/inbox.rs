//! Deliveries: taken once, in the order they come, acknowledged after commit.
//!
//! Owns what is on its way into the store on the present connection and the
//! acknowledgements that follow. Whether a delivery was taken before, the store
//! decides inside the transaction that would take it (DELIVERY 10), so there is
//! nothing to remember here.
//!
//! What cannot be read is taken all the same, as a placeholder, and reported:
//! a poisoned message must not stop the mailbox (DELIVERY 12). Until the gateway
//! has stored the report, the identity's cursor stays before that entry: the
//! cursor of the next `Hello` would otherwise call it delivered. It is then
//! delivered once more, and reported once more.

use std::collections::{BTreeMap, BTreeSet};

use twine_proto::frame::{
    Ack, Deliver, ReadMark, Receipt, ReceiptKind, RejectReason, UnreadableDeliver,
};
use twine_proto::{Content, Cursor, Digest, E164, Frame, LaneSeq, MessageName, NoteEntry, Slot};

use crate::ctx::{Ctx, Route};
use crate::gate::{Committed, Effect};
use crate::input::ConnId;
use crate::limits::MAX_UNCOMMITTED_DELIVERIES;
use crate::message::MessageId;
use crate::store_ops::{Incoming, IncomingBody, Op, Outcome};
use crate::trace::Decision;

/// The incoming side of the present connection.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// Deliveries on their way through the store.
    uncommitted: usize,
    /// Acknowledgements to go out when the outcomes of a batch are handled.
    acks: BTreeMap<Slot, Cursor>,
    conn: Option<ConnId>,
    /// Slots on which something came that was taken before: read marks may have
    /// to be told again.
    repeated: BTreeSet<Slot>,
    /// Rejections the gateway is not known to have stored: the cursor waits.
    rejections: usize,
}

/// What follows an operation of this part.
#[derive(Debug)]
pub(crate) enum Then {
    /// A message; if it was not readable, the sender is told.
    Taken {
        route: Route,
        cursor: Cursor,
        unreadable: bool,
    },
    /// An entry that holds no message.
    Passed { route: Route, cursor: Cursor },
}

/// What the rest of the engine has to know.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum InboxEvent {
    /// The gateway does what the protocol does not allow.
    Violation(&'static str),
    /// A receipt frame went out on this connection.
    RejectedSent,
}

impl Inbox {
    /// A new connection delivers; what was on its way for the old one is
    /// committed but acknowledged to nobody.
    pub(crate) fn connected(&mut self, conn: ConnId) {
        self.conn = Some(conn);
        self.acks.clear();
        self.repeated.clear();
        self.uncommitted = 0;
        self.rejections = 0;
    }

    pub(crate) fn disconnected(&mut self) {
        self.conn = None;
        self.acks.clear();
        self.uncommitted = 0;
    }

    /// The gateway has stored so many more rejections of this connection.
    pub(crate) fn rejections_stored(&mut self, count: usize) {
        self.rejections = self.rejections.saturating_sub(count);
    }

    /// A check of 0 keeps the cursor where it is.
    fn check(&self, check: u32) -> u32 {
        if self.rejections > 0 { 0 } else { check }
    }

    pub(crate) fn deliver(
        &mut self,
        ctx: &mut Ctx<'_>,
        own: E164,
        route: Route,
        id: MessageId,
        deliver: Deliver,
    ) -> Option<InboxEvent> {
        if self.is_full() {
            return Some(InboxEvent::Violation("more deliveries than acknowledged"));
        }
        let name = MessageName {
            from: deliver.from,
            epoch: deliver.epoch,
            to: own,
            lane_seq: deliver.lane_seq,
        };
        let digest = |content: &[u8]| Digest::of(own, deliver.lane_seq, content);
        let (cursor, check) = (deliver.cursor, name.cursor_check());
        let (body, note) = match Content::decode(&deliver.content) {
            // A lane note alone has no place in the lane and is no message.
            Ok(Content { text: None, note }) => {
                self.note(ctx, own, route, &deliver, note, check);
                return None;
            }
            Ok(Content {
                text: Some(text),
                note,
            }) if deliver.lane_seq != LaneSeq(0) => {
                // Of the text alone: what is sent again in its place may come with
                // another note, and is the same message.
                let digest = digest(text.expose().as_bytes());
                (IncomingBody::Text { name, digest, text }, note)
            }
            Ok(_) | Err(_) if deliver.lane_seq == LaneSeq(0) => (IncomingBody::Unnamed, Vec::new()),
            Ok(_) | Err(_) => {
                let digest = digest(deliver.content.as_bytes());
                (IncomingBody::Unreadable { name, digest }, Vec::new())
            }
        };
        let unreadable = !matches!(body, IncomingBody::Text { .. });
        self.take(
            ctx,
            route,
            unreadable,
            Incoming {
                id,
                own,
                cursor,
                check,
                body,
                age_s: deliver.age_s,
                note,
                maybe_by_sms: deliver.maybe_by_sms,
                boot: ctx.stamp(),
            },
        );
        None
    }

    /// A delivery of which only the cursor can be read.
    pub(crate) fn deliver_unreadable(
        &mut self,
        ctx: &mut Ctx<'_>,
        own: E164,
        route: Route,
        id: MessageId,
        deliver: UnreadableDeliver,
    ) -> Option<InboxEvent> {
        if self.is_full() {
            return Some(InboxEvent::Violation("more deliveries than acknowledged"));
        }
        let incoming = Incoming {
            id,
            own,
            cursor: deliver.cursor,
            check: 0,
            body: IncomingBody::Unnamed,
            age_s: 0,
            note: Vec::new(),
            maybe_by_sms: false,
            boot: ctx.stamp(),
        };
        self.take(ctx, route, true, incoming);
        None
    }

    /// The peer has read: an entry of the mailbox like any other.
    pub(crate) fn read_by(
        &mut self,
        ctx: &mut Ctx<'_>,
        own: E164,
        route: Route,
        cursor: Cursor,
        mark: ReadMark,
    ) -> Option<InboxEvent> {
        if self.is_full() {
            return Some(InboxEvent::Violation("more deliveries than acknowledged"));
        }
        self.uncommitted += 1;
        ctx.op(
            Op::ApplyReadBy {
                number: own,
                mark,
                cursor,
                check: 0,
            },
            Then::Passed { route, cursor },
        );
        None
    }

    fn take(&mut self, ctx: &mut Ctx<'_>, route: Route, unreadable: bool, mut incoming: Incoming) {
        self.uncommitted += 1;
        self.rejections += usize::from(unreadable);
        incoming.check = self.check(incoming.check);
        let cursor = incoming.cursor;
        ctx.op(
            Op::InsertIncoming(incoming),
            Then::Taken {
                route,
                cursor,
                unreadable,
            },
        );
    }

    fn note(
        &mut self,
        ctx: &mut Ctx<'_>,
        own: E164,
        route: Route,
        deliver: &Deliver,
        note: Vec<NoteEntry>,
        check: u32,
    ) {
        self.uncommitted += 1;
        let cursor = deliver.cursor;
        ctx.op(
            Op::ApplyNote {
                number: own,
                from: deliver.from,
                epoch: deliver.epoch,
                note,
                cursor,
                check: self.check(check),
                boot: ctx.stamp(),
            },
            Then::Passed { route, cursor },
        );
    }

    fn is_full(&self) -> bool {
        self.uncommitted >= MAX_UNCOMMITTED_DELIVERIES
    }

    pub(crate) fn stored(
        &mut self,
        ctx: &mut Ctx<'_>,
        proof: &Committed,
        then: Then,
        outcome: Outcome,
    ) -> Option<InboxEvent> {
        let mut repeated = false;
        let (route, cursor, expected, rejected) = match then {
            Then::Passed { route, cursor } => (route, cursor, false, None),
            Then::Taken {
                route,
                cursor,
                unreadable,
            } => {
                let rejected = match outcome {
                    Outcome::Inserted { .. } => {
                        ctx.counters.received += 1;
                        unreadable.then_some(RejectReason::Unreadable)
                    }
                    Outcome::Conflict { .. } => {
                        ctx.counters.conflicts += 1;
                        Some(RejectReason::Conflict)
                    }
                    Outcome::Duplicate { rejected } => {
                        ctx.counters.duplicates += 1;
                        repeated = true;
                        rejected
                    }
                    outcome => {
                        debug_assert!(false, "store answered {outcome:?} to a delivery");
                        None
                    }
                };
                (route, cursor, unreadable, rejected)
            }
        };
        if self.conn != Some(route.conn) {
            return None;
        }
        self.uncommitted = self.uncommitted.saturating_sub(1);
        if repeated {
            self.repeated.insert(route.slot);
        }
        let ack = self.acks.entry(route.slot).or_insert(cursor);
        *ack = cursor.max(*ack);
        match (expected, rejected) {
            // Known only by its outcome: another has its name.
            (false, Some(_)) => self.rejections += 1,
            // Nothing to tell after all: it is no longer in the history.
            (true, None) => self.rejections_stored(1),
            _ => {}
        }
        let reason = rejected?;
        ctx.counters.rejected += 1;
        ctx.trace(
            Decision::Rejected,
            &[match reason {
                RejectReason::Unreadable => "this version cannot read it",
                RejectReason::Conflict => "another message has its name",
            }],
        );
        // Before the Ack that covers it (DELIVERY 12).
        ctx.clear(
            proof,
            Effect::Send {
                conn: route.conn,
                frame: Frame::Receipt(Receipt {
                    slot: route.slot,
                    kind: ReceiptKind::Rejected { cursor, reason },
                }),
            },
        );
        Some(InboxEvent::RejectedSent)
    }

    /// The slots on which something came again since this was asked last.
    pub(crate) fn take_repeated(&mut self) -> BTreeSet<Slot> {
        std::mem::take(&mut self.repeated)
    }

    /// The slots whose acknowledgement is due, with the cursor.
    pub(crate) fn due_acks(&mut self) -> Vec<(Route, Cursor)> {
        let Some(conn) = self.conn else {
            return Vec::new();
        };
        std::mem::take(&mut self.acks)
            .into_iter()
            .map(|(slot, cursor)| (Route { conn, slot }, cursor))
            .collect()
    }
}

/// Sends an acknowledgement: everything up to the cursor is on disk.
pub(crate) fn send_ack(ctx: &mut Ctx<'_>, proof: &Committed, route: Route, ack: Ack) {
    ctx.clear(
        proof,
        Effect::Send {
            conn: route.conn,
            frame: Frame::Ack(ack),
        },
    );
}
