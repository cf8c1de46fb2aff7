//! What the gateway says of what was sent (DELIVERY 5, 7, 8, 14, 16).
//!
//! But for a gateway that has lost its history, an attempt only moves forward:
//!
//! ```text
//!   in flight → accepted → rejected
//!                        → delivered
//!                        → refused | revoked | expired → delivered
//! ```
//!
//! The last arrow is the one exception from "what is settled stays settled".
//! Refused, revoked and expired are conclusions of the gateway: this attempt
//! *can* not deliver any more. "Delivered" is a fact: the receiver has
//! committed it. They contradict each other when a mailbox entry that was
//! handed over expires while the receiver's acknowledgement is on its way.
//! DELIVERY 16 says delivered if either attempt is, and failed only if *finally*
//! negative; a message shown as failed while the peer reads it would be sent
//! again by its user. So the fact wins, whichever comes first, and the same
//! reports in another order end in the same state.
//!
//! Rejected is a fact as well, and the more precise one: a receiver acknowledges
//! what it rejects (DELIVERY 12), so "delivered" tells nothing new of it.

use twine_engine::message::{IpAttempt, SentAs, SmsAttempt, TakeBack};
use twine_engine::settings::Reach;
use twine_engine::store_ops::{AcceptedLooks, Outcome};
use twine_proto::frame::{Disposition, Refusal, RevokeOutcome, SentState};
use twine_proto::{E164, Epoch, Seq};

use super::{Result, Turn};
use crate::limits::STEP;
use crate::rows::{self, Attempts, LookAt};
use crate::sql;
use crate::story::Step;

/// Above every seq.
const END: Seq = Seq(u64::MAX);

/// What applying a report changed.
#[derive(Debug, Default)]
struct Tally {
    settled: u64,
    requeued: u64,
}

impl Turn<'_> {
    pub(super) fn apply_sent(
        &mut self,
        number: E164,
        epoch: Epoch,
        state: &SentState,
        away: &[Seq],
        looks: AcceptedLooks,
    ) -> Result<Outcome> {
        let mut tally = Tally::default();
        let looks = Some((away, looks));
        self.apply_state(number, epoch, state, looks, &mut tally)?;
        self.applied(number, &tally)
    }

    pub(super) fn apply_closed(
        &mut self,
        number: E164,
        epoch: Epoch,
        state: &SentState,
    ) -> Result<Outcome> {
        let mut tally = Tally::default();
        self.apply_state(number, epoch, state, None, &mut tally)?;
        // Of an epoch that is still held nothing may go back: its seqs keep
        // their meaning (DELIVERY 2).
        if self.held_epoch(number)? != Some(epoch) {
            self.give_up_above(number, epoch, state.high_water, &mut tally)?;
        }
        self.applied(number, &tally)
    }

    pub(super) fn apply_revoked(
        &mut self,
        number: E164,
        epoch: Epoch,
        results: &[(Seq, RevokeOutcome)],
    ) -> Result<Outcome> {
        let mut tally = Tally::default();
        for &(seq, outcome) in results {
            let sent = SentAs { epoch, seq };
            match outcome {
                RevokeOutcome::Revoked => {
                    self.dispose(number, sent, Disposition::Revoked, &mut tally)?;
                }
                RevokeOutcome::AlreadyDelivered => self.deliver(number, sent, &mut tally)?,
                // It stays marked and is asked for again (DELIVERY 15).
                RevokeOutcome::InDoubt | RevokeOutcome::Forgotten => self.doubt(number, sent)?,
            }
        }
        self.applied(number, &tally)
    }

    /// Under these seqs the gateway holds other messages: ours go back to the
    /// queue before it can be asked what became of them (DELIVERY 4, 8).
    pub(super) fn give_up_contested(
        &mut self,
        number: E164,
        epoch: Epoch,
        contested_from: Option<Seq>,
    ) -> Result<Outcome> {
        let mut tally = Tally::default();
        if let Some(from) = contested_from
            && self.held_epoch(number)? != Some(epoch)
        {
            let below = Seq(from.get().saturating_sub(1));
            self.give_up_above(number, epoch, below, &mut tally)?;
        }
        self.applied(number, &tally)
    }

    fn applied(&mut self, number: E164, tally: &Tally) -> Result<Outcome> {
        let lowest = self.position(number)?.map(|(_, lowest)| lowest);
        let follows = self.follows();
        Ok(Outcome::Applied {
            look: follows.look,
            unblocked: follows.unblocked,
            note_due: follows.note_due,
            settled: tally.settled,
            requeued: tally.requeued,
            // Without an epoch: where the next one begins.
            lowest_unsettled: lowest.unwrap_or(Seq(1)),
        })
    }

    pub(super) fn held_epoch(&self, number: E164) -> Result<Option<Epoch>> {
        let held = self.one(sql::HELD_EPOCH, (rows::number(number),), |row| {
            row.get::<_, Option<u32>>(0)
        })?;
        Ok(held.flatten().map(Epoch))
    }

    fn apply_state(
        &mut self,
        number: E164,
        epoch: Epoch,
        state: &SentState,
        looks: Option<(&[Seq], AcceptedLooks)>,
        tally: &mut Tally,
    ) -> Result<()> {
        // Dispositions first: of a seq in both lists the rejection holds.
        for &(seq, disposition) in &state.dispositions {
            self.dispose(number, SentAs { epoch, seq }, disposition, tally)?;
        }
        for &seq in &state.delivered {
            self.deliver(number, SentAs { epoch, seq }, tally)?;
        }
        self.accept_upto(number, epoch, state.high_water, looks)
    }

    fn accept_upto(
        &mut self,
        number: E164,
        epoch: Epoch,
        high_water: Seq,
        looks: Option<(&[Seq], AcceptedLooks)>,
    ) -> Result<()> {
        let taken = (Seq(0), high_water);
        self.each_between(
            sql::IN_FLIGHT_BETWEEN,
            number,
            epoch,
            taken,
            |turn, before| turn.accept(&before, looks),
        )
    }

    pub(super) fn unaccept(
        &mut self,
        number: E164,
        epoch: Epoch,
        high_water: Seq,
    ) -> Result<Outcome> {
        let lost = (high_water, END);
        self.each_between(
            sql::ACCEPTED_BETWEEN,
            number,
            epoch,
            lost,
            |turn, before| turn.reopen(&before, IpAttempt::InFlight),
        )?;
        Ok(Outcome::Done)
    }

    /// Hands every message that `sql` finds above the first and up to the second
    /// seq to `change`, which makes it one that `sql` does not find.
    fn each_between(
        &mut self,
        sql: &str,
        number: E164,
        epoch: Epoch,
        (mut above, upto): (Seq, Seq),
        mut change: impl FnMut(&mut Self, Attempts) -> Result<()>,
    ) -> Result<()> {
        loop {
            let step = self.all(
                sql,
                (
                    rows::number(number),
                    epoch.get(),
                    rows::int(above.get()),
                    rows::int(upto.get()),
                    rows::size(STEP),
                ),
                Attempts::from_row,
            )?;
            let full = step.len() == STEP;
            for before in step {
                if let Some(sent) = before.ip.unsettled() {
                    above = sent.seq;
                }
                change(self, before)?;
            }
            if !full {
                return Ok(());
            }
        }
    }

    /// The gateway has it. An SMS that still waits in our own queue is recalled
    /// (DELIVERY 16), and what was asked back for its sake stays.
    fn accept(&mut self, before: &Attempts, looks: Option<(&[Seq], AcceptedLooks)>) -> Result<()> {
        let Some(sent) = before.ip.unsettled() else {
            return Ok(());
        };
        let mut after = Attempts {
            ip: IpAttempt::Accepted(sent),
            ..*before
        };
        if before.sms == SmsAttempt::Waiting {
            self.tell(before.id, Step::Recalled, None, &["the gateway has it"])?;
            after.sms = SmsAttempt::None;
            after.waits = None;
            after.take_back = before.take_back.filter(|reason| *reason != TakeBack::BySms);
        } else if before.sms_left || before.take_back.is_some() {
            self.tell(before.id, Step::Accepted, None, &[])?;
        }
        if let Some((away, looks)) = looks
            && after.sms == SmsAttempt::None
            && after.take_back.is_none()
        {
            after.away = away.contains(&sent.seq);
            let look = if after.away { looks.away } else { looks.here };
            after.look = Some(LookAt::of(look));
        }
        self.change(before, after)
    }

    /// Between in flight and accepted.
    fn reopen(&mut self, before: &Attempts, ip: impl FnOnce(SentAs) -> IpAttempt) -> Result<()> {
        let Some(sent) = before.ip.unsettled() else {
            return Ok(());
        };
        let after = Attempts {
            ip: ip(sent),
            ..*before
        };
        self.change(before, after)
    }

    fn deliver(&mut self, number: E164, sent: SentAs, tally: &mut Tally) -> Result<()> {
        let key = by_seq(number, sent.epoch, sent.seq);
        let open = self.one(sql::OPEN_BY_SEQ, key, Attempts::from_row)?;
        if open.is_some() {
            tally.settled += 1;
        }
        let before = match open {
            Some(before) => Some(before),
            // The fact wins over the conclusion; see the top of this file.
            None => self.one(sql::CONCLUDED_BY_SEQ, key, Attempts::from_row)?,
        };
        let Some(before) = before else {
            return Ok(());
        };
        self.alive(before.peer)?;
        self.close_noted(number, sent.epoch, sent.seq)?;
        self.settle(&before, IpAttempt::Delivered(sent))
    }

    fn dispose(
        &mut self,
        number: E164,
        sent: SentAs,
        disposition: Disposition,
        tally: &mut Tally,
    ) -> Result<()> {
        let key = by_seq(number, sent.epoch, sent.seq);
        let Some(before) = self.one(sql::OPEN_BY_SEQ, key, Attempts::from_row)? else {
            return Ok(());
        };
        tally.settled += 1;
        match disposition {
            Disposition::Refused(Refusal::UnknownRecipient) => {
                self.believe(before.peer, Reach::Refused)?;
            }
            Disposition::Revoked => self.gave_no_sign(&before)?,
            _ => {}
        }
        self.settle(&before, IpAttempt::after(disposition, before.take_back))
    }

    /// The gateway cannot tell whether it arrived: what was asked back for an SMS
    /// may only go as an uncertain copy (DELIVERY 15).
    fn doubt(&mut self, number: E164, sent: SentAs) -> Result<()> {
        let key = by_seq(number, sent.epoch, sent.seq);
        let Some(before) = self.one(sql::OPEN_BY_SEQ, key, Attempts::from_row)? else {
            return Ok(());
        };
        self.gave_no_sign(&before)?;
        if before.take_back != Some(TakeBack::BySms) || before.sms != SmsAttempt::None {
            return Ok(());
        }
        self.tell(before.id, Step::InDoubt, None, &[])?;
        let after = Attempts {
            in_doubt: true,
            look: Some(LookAt::AT_ONCE),
            ..before
        };
        self.change(&before, after)
    }

    /// A delivery deadline had passed, and the message was not delivered: the peer
    /// counts as not on IP until a sign of life (DELIVERY 15).
    fn gave_no_sign(&self, message: &Attempts) -> Result<()> {
        let deadline_passed = matches!(message.ip, IpAttempt::Accepted(_))
            && message.take_back == Some(TakeBack::BySms);
        if deadline_passed {
            self.believe(message.peer, Reach::Silent)?;
        }
        Ok(())
    }

    pub(super) fn settle(&mut self, before: &Attempts, ip: IpAttempt) -> Result<()> {
        let delivered = matches!(ip, IpAttempt::Delivered(_));
        let mut after = Attempts {
            ip,
            take_back: None,
            in_doubt: false,
            ..*before
        };
        if delivered && before.sms == SmsAttempt::Waiting {
            self.tell(before.id, Step::Recalled, None, &["IP delivered it"])?;
            after.sms = SmsAttempt::NotUsed;
        }
        if delivered && before.closed == Some(false) && !before.sms_left {
            after.closed = Some(true);
        }
        if before.take_back.is_some() || before.sms_left {
            let step = match ip {
                IpAttempt::Delivered(_) if before.take_back.is_some() => Step::DeliveredAlready,
                IpAttempt::Delivered(_) => Step::Delivered,
                IpAttempt::Revoked(_) => Step::Revoked,
                _ => Step::IpFailed,
            };
            self.tell(before.id, step, None, &[])?;
        } else if ip.is_negative() && before.sms == SmsAttempt::None {
            self.tell(before.id, Step::IpFailed, None, &[])?;
        }
        self.change(before, after)
    }

    /// The gateway never took what lies above its mark in a closed epoch.
    fn give_up_above(
        &mut self,
        number: E164,
        epoch: Epoch,
        high_water: Seq,
        tally: &mut Tally,
    ) -> Result<()> {
        let untaken = (high_water, END);
        self.each_between(
            sql::IN_FLIGHT_BETWEEN,
            number,
            epoch,
            untaken,
            |turn, before| {
                if let Some(reason) = before.take_back {
                    tally.settled += 1;
                    return turn.settle(&before, IpAttempt::Revoked(reason));
                }
                tally.requeued += 1;
                let after = Attempts {
                    ip: IpAttempt::None,
                    ..before
                };
                turn.change(&before, after)?;
                turn.execute(sql::REQUEUE, (rows::int(after.id.0),))?;
                Ok(())
            },
        )
    }
}

fn by_seq(number: E164, epoch: Epoch, seq: Seq) -> (i64, u32, i64) {
    (rows::number(number), epoch.get(), rows::int(seq.get()))
}
