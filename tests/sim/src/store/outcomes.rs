//! What the gateway says of what was sent (DELIVERY 5, 7, 8, 14, 15, 16).
//!
//! "Delivered" is a fact about the receiver and outweighs what the gateway
//! concluded; a rejection is the more precise fact.

use twine_engine::message::{IpAttempt, MessageId, SentAs, SmsAttempt, TakeBack};
use twine_engine::settings::Reach;
use twine_engine::store_ops::{AcceptedLooks, BootStamp, Look, Outcome};
use twine_engine::time::WallTime;
use twine_proto::frame::{Disposition, Refusal, RevokeOutcome, SentState};
use twine_proto::{E164, Epoch, Seq};

use super::MemoryStore;
use super::records::{END, LookAt, Outgoing};

/// What applying a report changed: attempts by IP that it settled, and messages
/// that it put back into the queue of IP.
#[derive(Debug, Default)]
struct Tally {
    settled: u64,
    requeued: u64,
}

impl MemoryStore {
    pub(super) fn apply_sent(
        &mut self,
        number: E164,
        epoch: Epoch,
        state: &SentState,
        (away, looks): (&[Seq], &AcceptedLooks),
        wall: WallTime,
    ) -> Outcome {
        let mut tally = Tally::default();
        let now = Some(looks.here.boot);
        self.settle_all(number, epoch, state, now, &mut tally, wall);
        for (seq, id) in self.in_flight(number, epoch, (Seq(1), state.high_water)) {
            let away = away.contains(&seq);
            let look = if away { looks.away } else { looks.here };
            self.accept(id, SentAs { epoch, seq }, wall, |m| {
                m.away = away;
                if m.look != Some(LookAt::ONCE) {
                    m.look = Some(look.into());
                }
            });
        }
        self.applied(number, tally.settled, tally.requeued)
    }

    pub(super) fn apply_closed(
        &mut self,
        number: E164,
        epoch: Epoch,
        state: &SentState,
        look: Look,
        wall: WallTime,
    ) -> Outcome {
        let mut tally = Tally::default();
        self.settle_all(number, epoch, state, None, &mut tally, wall);
        for (seq, id) in self.in_flight(number, epoch, (Seq(1), state.high_water)) {
            self.accept(id, SentAs { epoch, seq }, wall, |m| {
                m.look = m.look.or(Some(look.into()));
            });
        }
        // Of an epoch that is still held nothing may go back (DELIVERY 2).
        if self.held_epoch(number) != Some(epoch) {
            for (seq, id) in self.in_flight(number, epoch, (state.high_water.next(), END)) {
                self.give_up(id, SentAs { epoch, seq }, &mut tally, wall);
            }
            // What stays in this lane is in nobody's way in the next.
            for (_, id) in self.unsettled_in(number, epoch, (Seq(1), END)) {
                self.change(id, wall, |_| {});
            }
        }
        self.applied(number, tally.settled, tally.requeued)
    }

    pub(super) fn apply_revoked(
        &mut self,
        number: E164,
        epoch: Epoch,
        results: &[(Seq, RevokeOutcome)],
        look: Look,
        wall: WallTime,
    ) -> Outcome {
        let mut tally = Tally::default();
        for (seq, outcome) in results {
            let sent = SentAs { epoch, seq: *seq };
            match outcome {
                // Of what was settled since, the outcome that came before this
                // answer is the more exact one.
                RevokeOutcome::AlreadyDelivered => {
                    if self.unsettled_at(number, epoch, *seq).is_some() {
                        self.deliver(number, sent, &mut tally, wall);
                    }
                }
                RevokeOutcome::Revoked => {
                    let now = Some(look.boot);
                    self.dispose(number, sent, Disposition::Revoked, now, &mut tally, wall);
                }
                RevokeOutcome::InDoubt => self.doubt(number, sent, (true, look), wall),
                RevokeOutcome::Forgotten => self.doubt(number, sent, (false, look), wall),
            }
        }
        self.applied(number, tally.settled, tally.requeued)
    }

    pub(super) fn close_epoch(
        &mut self,
        number: E164,
        epoch: Epoch,
        contested_from: Option<Seq>,
        wall: WallTime,
    ) -> Outcome {
        let mut tally = Tally::default();
        if let Some(identity) = self.identity_mut(number)
            && identity.epoch == Some(epoch)
        {
            identity.epoch = None;
            self.forget_notes_due(number);
        }
        if let Some(from) = contested_from
            && self.held_epoch(number) != Some(epoch)
        {
            for (seq, id) in self.in_flight(number, epoch, (from, END)) {
                self.give_up(id, SentAs { epoch, seq }, &mut tally, wall);
            }
        }
        self.applied(number, tally.settled, tally.requeued)
    }

    pub(super) fn unaccept(
        &mut self,
        number: E164,
        epoch: Epoch,
        high_water: Seq,
        wall: WallTime,
    ) -> Outcome {
        for (seq, id) in self.unsettled_in(number, epoch, (high_water.next(), END)) {
            let sent = SentAs { epoch, seq };
            self.change(id, wall, |m| m.ip = IpAttempt::InFlight(sent));
        }
        Outcome::Done
    }

    fn unsettled_in(
        &self,
        number: E164,
        epoch: Epoch,
        (from, upto): (Seq, Seq),
    ) -> Vec<(Seq, MessageId)> {
        if from > upto {
            return Vec::new();
        }
        self.found
            .unsettled
            .range((number, epoch, from)..=(number, epoch, upto))
            .map(|((.., seq), id)| (*seq, *id))
            .collect()
    }

    fn in_flight(&self, number: E164, epoch: Epoch, seqs: (Seq, Seq)) -> Vec<(Seq, MessageId)> {
        let mut open = self.unsettled_in(number, epoch, seqs);
        open.retain(|(_, id)| {
            self.outgoing
                .get(id)
                .is_some_and(|m| matches!(m.ip, IpAttempt::InFlight(_)))
        });
        open
    }

    fn settle_all(
        &mut self,
        number: E164,
        epoch: Epoch,
        state: &SentState,
        now: Option<BootStamp>,
        tally: &mut Tally,
        wall: WallTime,
    ) {
        // Dispositions first: of a seq in both lists the rejection holds.
        for &(seq, disposition) in &state.dispositions {
            let sent = SentAs { epoch, seq };
            self.dispose(number, sent, disposition, now, tally, wall);
        }
        for &seq in &state.delivered {
            self.deliver(number, SentAs { epoch, seq }, tally, wall);
        }
    }

    /// The gateway has it: an SMS that still waits is not needed (DELIVERY 16).
    fn accept(
        &mut self,
        id: MessageId,
        sent: SentAs,
        wall: WallTime,
        news: impl FnOnce(&mut Outgoing),
    ) {
        self.change(id, wall, |m| {
            m.ip = IpAttempt::Accepted(sent);
            if m.sms == SmsAttempt::Waiting {
                m.leave_pacing(SmsAttempt::None);
                m.in_doubt = false;
                m.take_back = m.take_back.filter(|why| *why != TakeBack::BySms);
            }
            // The answer to a revoke is looked for at its own time.
            if m.sms != SmsAttempt::None || m.take_back.is_some() {
                return;
            }
            m.waits_for = None;
            news(m);
        });
    }

    /// The receiver has it.
    fn deliver(&mut self, number: E164, sent: SentAs, tally: &mut Tally, wall: WallTime) {
        let key = (number, sent.epoch, sent.seq);
        let id = match self.found.unsettled.get(&key) {
            Some(id) => *id,
            None => {
                let Some(id) = self.released_as.get(&key).copied() else {
                    return;
                };
                let concluded = self
                    .outgoing
                    .get(&id)
                    .is_some_and(|m| m.ip.is_negative() && !matches!(m.ip, IpAttempt::Rejected(_)));
                if !concluded {
                    return;
                }
                id
            }
        };
        let Some(message) = self.outgoing.get(&id) else {
            return;
        };
        let peer = message.peer.number();
        self.close_noted(id, sent);
        if let Some(peer) = peer {
            self.reach.insert(peer, (Reach::OnIp, None));
        }
        self.settle(id, IpAttempt::Delivered(sent), tally, wall);
    }

    /// What the gateway concluded of an open seq.
    fn dispose(
        &mut self,
        number: E164,
        sent: SentAs,
        disposition: Disposition,
        now: Option<BootStamp>,
        tally: &mut Tally,
        wall: WallTime,
    ) {
        let Some(id) = self.unsettled_at(number, sent.epoch, sent.seq) else {
            return;
        };
        let Some(message) = self.outgoing.get(&id) else {
            return;
        };
        let ip = IpAttempt::after(disposition, message.take_back);
        if let (Some(peer), Some(now)) = (message.peer.number(), now)
            && disposition == Disposition::Refused(Refusal::UnknownRecipient)
        {
            self.reach.insert(peer, (Reach::Refused, Some(now)));
        }
        if ip == IpAttempt::Revoked(TakeBack::BySms) {
            self.fell_silent(number, sent, now);
        }
        self.settle(id, ip, tally, wall);
    }

    /// It was asked back because its delivery deadline had passed: the peer is
    /// not on IP until a sign of life, or for a while (DELIVERY 15). A closed epoch
    /// tells no time, and nothing of now; nor does what its user asked back to have it
    /// by SMS.
    fn fell_silent(&mut self, number: E164, sent: SentAs, now: Option<BootStamp>) {
        if let Some(now) = now
            && let Some(id) = self.unsettled_at(number, sent.epoch, sent.seq)
            && let Some(message) = self.outgoing.get(&id)
            && matches!(message.ip, IpAttempt::Accepted(_))
            && !self.is_to_go_by_sms(message)
            && let Some(peer) = message.peer.number()
        {
            self.reach.insert(peer, (Reach::Silent, Some(now)));
        }
    }

    /// `known`: the gateway had it. The look is that of the first doubt.
    fn doubt(&mut self, number: E164, sent: SentAs, (known, look): (bool, Look), wall: WallTime) {
        let Some(id) = self.unsettled_at(number, sent.epoch, sent.seq) else {
            return;
        };
        let for_sms = self
            .outgoing
            .get(&id)
            .is_some_and(|m| m.take_back == Some(TakeBack::BySms));
        if !for_sms {
            return;
        }
        if known {
            self.fell_silent(number, sent, Some(look.boot));
        }
        self.change(id, wall, |m| {
            if m.sms == SmsAttempt::None && !m.in_doubt {
                m.in_doubt = true;
                m.look = Some(look.into());
            }
        });
    }

    /// The attempt by IP ends like this.
    fn settle(&mut self, id: MessageId, ip: IpAttempt, tally: &mut Tally, wall: WallTime) {
        let Some(message) = self.outgoing.get(&id) else {
            return;
        };
        if message.is_note() {
            // Should it not have arrived, the next message tells the same: a gateway
            // that refuses notes is not asked again and again. One that lay there until
            // its time was over is sent once more, one that found the mailbox full with
            // the next session.
            match (message.ip.unsettled(), ip) {
                (Some(sent), IpAttempt::Expired) => self.lose_noted(id, sent),
                (Some(sent), IpAttempt::Refused(Refusal::MailboxFull)) => {
                    self.lose_noted_for_now(id, sent);
                }
                _ => {}
            }
            self.remove_note(id);
            return;
        }
        if let Some(sent) = message.ip.unsettled().filter(|_| ip.is_negative()) {
            self.lose_noted(id, sent);
        }
        let Some(message) = self.outgoing.get(&id) else {
            return;
        };
        tally.settled += u64::from(message.ip.unsettled().is_some());
        self.change(id, wall, |m| {
            let for_sms = m.take_back == Some(TakeBack::BySms);
            m.ip = ip;
            m.take_back = None;
            m.in_doubt = false;
            match (ip, m.sms) {
                (IpAttempt::Delivered(_), SmsAttempt::Waiting) => {
                    m.leave_pacing(SmsAttempt::NotUsed);
                }
                (IpAttempt::Delivered(_), _) => {}
                (IpAttempt::Revoked(TakeBack::Cancelled | TakeBack::Expired), _) => {}
                // SMS was ruled out after it was asked back for that.
                (IpAttempt::Revoked(_), SmsAttempt::NotUsed) if for_sms => {
                    m.sms = SmsAttempt::None;
                    m.undecided = true;
                    m.waits_for = None;
                    m.look_at_once();
                }
                (_, SmsAttempt::None) => {
                    m.undecided = true;
                    m.waits_for = None;
                    m.look_at_once();
                }
                _ => {}
            }
        });
    }

    /// A message that the gateway never took goes back to the queue, without a
    /// number and a place; one that is being taken back is.
    fn give_up(&mut self, id: MessageId, sent: SentAs, tally: &mut Tally, wall: WallTime) {
        let Some(message) = self.outgoing.get(&id) else {
            return;
        };
        if message.is_note() {
            self.remove_note(id);
            return;
        }
        // What is told of its seq from now on is not told of it.
        self.released_as
            .remove(&(message.own, sent.epoch, sent.seq));
        if let Some(reason) = message.take_back {
            self.settle(id, IpAttempt::Revoked(reason), tally, wall);
            return;
        }
        if let (Some((epoch, lane_seq)), Some(to)) = (message.place, message.peer.number()) {
            self.places_out.remove(&(message.own, to, epoch, lane_seq));
        }
        tally.requeued += 1;
        self.change(id, wall, |m| {
            m.ip = IpAttempt::None;
            m.place = None;
            m.in_doubt = false;
            m.undecided = false;
        });
    }
}
