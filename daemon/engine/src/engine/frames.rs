//! What the session and the gateway bring.

use super::*;

impl Engine {
    pub(super) fn session_event(&mut self, now: Now, event: Option<SessionEvent>) {
        match event {
            // `Begun` needs proof of its commit: see `stored`.
            None | Some(SessionEvent::Begun(_)) => {}
            Some(SessionEvent::Lost) => self.lost(now),
            Some(SessionEvent::StoreIsOld) => {
                self.lost(now);
                let held: Vec<_> = self
                    .registration
                    .consented()
                    .filter_map(|identity| {
                        Some((identity.position.number, identity.position.held?.epoch))
                    })
                    .collect();
                for (number, epoch) in held {
                    self.another_has_its_epoch(now, number, epoch, "the store is an old copy");
                }
            }
            Some(SessionEvent::Welcomed { welcome, alone }) => {
                self.welcomed(now, welcome, alone);
            }
            Some(SessionEvent::Frame(frame)) => self.frame(now, frame),
        }
    }

    pub(super) fn lost(&mut self, now: Now) {
        self.outbox.session_lost();
        self.inbox.disconnected();
        self.lookups.session_lost(&mut ctx!(self, now));
    }

    /// Ends the session because the gateway or the numbering cannot be trusted.
    pub(super) fn give_up(&mut self, now: Now, why: &'static str) {
        let mut ctx = ctx!(self, now);
        let event = self.session.fail(&mut ctx, &mut self.rng, why);
        self.session_event(now, event);
    }

    pub(super) fn frame(&mut self, now: Now, frame: Frame) {
        match frame {
            Frame::Accepted(accepted) => {
                let Some((_, route)) = self.session.owner(accepted.slot) else {
                    return;
                };
                let mut ctx = ctx!(self, now);
                let rejections = self.receipts.confirmed(&mut ctx, accepted.receipts);
                let event = self.outbox.accepted(&mut ctx, route, accepted);
                match rejections {
                    Some(rejections) => {
                        self.inbox.rejections_stored(rejections);
                        self.outbox_event(now, event);
                    }
                    None => {
                        self.give_up(now, "the gateway confirms receipts that were not sent");
                    }
                }
            }
            Frame::Deliver(deliver) => self.deliver(now, deliver),
            Frame::UnreadableDeliver(deliver) => self.deliver_unreadable(now, deliver),
            Frame::Receipt(receipt) => {
                let Some((own, route)) = self.session.owner(receipt.slot) else {
                    return;
                };
                let mut ctx = ctx!(self, now);
                match receipt.kind {
                    ReceiptKind::Outcomes {
                        epoch,
                        delivered,
                        dispositions,
                    } => self
                        .outbox
                        .outcomes(&mut ctx, route, epoch, delivered, dispositions),
                    ReceiptKind::ReadBy { cursor, mark } => {
                        let event = self.inbox.read_by(&mut ctx, own, route, cursor, mark);
                        self.inbox_event(now, event);
                    }
                    // Not allowed in this direction; the decoder refuses them.
                    ReceiptKind::Read(_) | ReceiptKind::Rejected { .. } => {}
                }
            }
            Frame::Revoked(revoked) => {
                if let Some((_, route)) = self.session.owner(revoked.slot) {
                    let doubt = self.session.config().doubt_patience;
                    let mut ctx = ctx!(self, now);
                    self.outbox.revoked(&mut ctx, route, revoked, doubt);
                }
            }
            Frame::Capabilities(capabilities) => {
                let mut ctx = ctx!(self, now);
                for entry in &capabilities.entries {
                    ctx.op(
                        Op::SetReach {
                            peer: entry.number,
                            reach: if entry.reachable {
                                Reach::Unknown
                            } else {
                                Reach::Refused
                            },
                            boot: ctx.stamp(),
                        },
                        Then::Nothing,
                    );
                }
                self.lookups.answered(&mut ctx, capabilities);
            }
            Frame::Typing(typing) => {
                if let Some((own, _)) = self.session.owner(typing.slot) {
                    let notice = Notice::PeerTyping { own, typing };
                    ctx!(self, now).at_once(Fleeting::Notice(notice));
                }
            }
            // The session's own, or not allowed in this direction.
            Frame::Hello(_)
            | Frame::Welcome(_)
            | Frame::Submit(_)
            | Frame::Ack(_)
            | Frame::Revoke(_)
            | Frame::Lookup(_)
            | Frame::Ping(_)
            | Frame::Pong(_)
            | Frame::Goodbye(_) => {}
        }
    }

    pub(super) fn deliver(&mut self, now: Now, deliver: Deliver) {
        let Some((own, route)) = self.session.owner(deliver.slot) else {
            return;
        };
        let id = self.message_id();
        let mut ctx = ctx!(self, now);
        let event = self.inbox.deliver(&mut ctx, own, route, id, deliver);
        self.inbox_event(now, event);
    }

    pub(super) fn deliver_unreadable(&mut self, now: Now, deliver: UnreadableDeliver) {
        let Some((own, route)) = self.session.owner(deliver.slot) else {
            return;
        };
        let id = self.message_id();
        let mut ctx = ctx!(self, now);
        let event = self
            .inbox
            .deliver_unreadable(&mut ctx, own, route, id, deliver);
        self.inbox_event(now, event);
    }

    pub(super) fn inbox_event(&mut self, now: Now, event: Option<InboxEvent>) {
        match event {
            None => {}
            Some(InboxEvent::Violation(why)) => self.give_up(now, why),
            Some(InboxEvent::RejectedSent) => self.receipts.rejected_sent(),
        }
    }

    pub(super) fn outbox_event(&mut self, now: Now, event: Option<OutboxEvent>) {
        match event {
            None => {}
            Some(OutboxEvent::AnswerExpected) => self.session.answer_expected(now.instant),
            Some(OutboxEvent::NumberingLost(NumberingLost {
                number,
                contested_from,
            })) => {
                let held = self
                    .registration
                    .get(number)
                    .and_then(|identity| identity.position.held);
                if let Some(held) = held {
                    let why = "a seq is held with other content";
                    self.close_epoch(now, number, held.epoch, contested_from, why);
                }
                self.give_up(now, "an identity needs a new epoch");
            }
        }
    }
}
