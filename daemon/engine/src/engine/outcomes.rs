//! The store's answers, handed to the parts they are for.

use super::*;

impl Engine {
    pub(super) fn stored(&mut self, now: Now, stored: Stored) {
        let (outbox, due) = (stored.outbox, stored.due);
        let Some((proof, outcomes)) = self.gate.stored(stored) else {
            return;
        };
        self.outbox.open_total(outbox);
        self.outbox.next_validity_is(due.validity);
        self.deciding.next_look_is(due.look);
        for (then, outcome) in outcomes {
            self.outcome(now, &proof, then, outcome);
        }
        self.acknowledge(now, &proof);
        let mut ctx = ctx!(self, now);
        for slot in self.inbox.take_repeated() {
            if let Some((own, _)) = self.session.owner(slot) {
                self.receipts.acknowledged_again(&mut ctx, own);
            }
        }
    }

    /// Acknowledges what is on disk by the outcomes handled so far.
    fn acknowledge(&mut self, now: Now, proof: &Committed) {
        let due = self.inbox.due_acks();
        let mut ctx = ctx!(self, now);
        for (route, cursor) in due {
            let lowest_unsettled = self.outbox.unsettled_to_tell(route, TELL_UNSETTLED_EVERY);
            let ack = Ack {
                slot: route.slot,
                cursor,
                lowest_unsettled,
            };
            inbox::send_ack(&mut ctx, proof, route, ack);
        }
    }

    pub(super) fn outcome(&mut self, now: Now, proof: &Committed, then: Then, outcome: Outcome) {
        let mut ctx = ctx!(self, now);
        match then {
            Then::Nothing => {}
            Then::Outbox(then) => {
                let event = self.outbox.stored(&mut ctx, proof, then, outcome);
                self.outbox_event(now, event);
            }
            Then::Inbox(then) => {
                let event = self.inbox.stored(&mut ctx, proof, then, outcome);
                self.inbox_event(now, event);
            }
            Then::Deciding(then) => {
                let followed = self.with_surroundings(now, |deciding, ctx, around| {
                    deciding.stored(ctx, proof, around, then, outcome)
                });
                self.decided(now, proof, followed);
            }
            Then::Sms(then) => {
                let sms::Settled { unblocked, left } =
                    self.sms.stored(&mut ctx, proof, &self.sims, then, outcome);
                self.outbox.left(left);
                if unblocked {
                    self.outbox.unblocked();
                }
            }
            Then::Receipts(then) => {
                // A mark must not overtake the acknowledgement of what it covers.
                self.acknowledge(now, proof);
                let mut ctx = ctx!(self, now);
                let outbox = &self.outbox;
                let route = |own| outbox.route(own);
                if self.receipts.stored(&mut ctx, proof, then, outcome, route) {
                    self.session.answer_expected(now.instant);
                }
            }
            Then::Session(then) => {
                if let Some(SessionEvent::Begun(positions)) = self.session.stored(&then, outcome) {
                    let queued = positions.iter().map(|position| position.queued).sum();
                    self.outbox.queued_total(queued);
                    for position in positions.iter().filter(|position| position.note_due) {
                        self.outbox.note_due(position.number);
                    }
                    self.registration.refresh(positions);
                    let mut ctx = ctx!(self, now);
                    self.session
                        .hello(&mut ctx, proof, self.registration.consented());
                }
            }
            Then::Registered { to, number } => {
                let epoch = self
                    .registration
                    .get(number)
                    .and_then(|identity| identity.position.held)
                    .map(|held| held.epoch);
                let reply = Reply::Registered { number, epoch };
                ctx.clear(proof, Effect::Reply { to, reply });
                if epoch.is_none() {
                    let event = self.session.identities_changed(&mut ctx);
                    self.session_event(now, event);
                }
            }
            Then::Client { to, what } => {
                let reply = match outcome {
                    Outcome::ClientOpen { cursor, latest } => Reply::ClientOpen { cursor, latest },
                    Outcome::Done => Reply::Done,
                    Outcome::TooManyClients => Reply::Error(CommandError::Busy(
                        "the number of clients that subscribed to events",
                    )),
                    Outcome::TooLate { .. } => Reply::Error(CommandError::Invalid(
                        "the cursor lies beyond the newest event",
                    )),
                    _ => Reply::Error(CommandError::NotFound(what)),
                };
                ctx.clear(proof, Effect::Reply { to, reply });
            }
        }
    }

    /// What follows from a decision.
    fn decided(&mut self, now: Now, proof: &Committed, followed: Followed) {
        let mut ctx = ctx!(self, now);
        for id in followed.unknown {
            self.sms.unknown(&mut ctx, id);
        }
        if followed.sms_queued {
            self.sms.queue_grew();
        }
        if followed.unblocked {
            self.outbox.unblocked();
        }
        if let Some(unsettled) = followed.revoke
            && self.outbox.ask_back(&mut ctx, proof, unsettled)
        {
            self.session.answer_expected(now.instant);
        }
    }
}
