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

use twine_engine::message::{IpAttempt, SentAs};
use twine_engine::store_ops::Outcome;
use twine_proto::frame::{Disposition, RevokeOutcome, SentState};
use twine_proto::{E164, Epoch, Seq};

use super::{Result, Turn};
use crate::limits::STEP;
use crate::rows::{self, Attempts};
use crate::{codes, sql};

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
    ) -> Result<Outcome> {
        let mut tally = Tally::default();
        self.apply_state(number, epoch, state, &mut tally)?;
        self.applied(number, &tally)
    }

    pub(super) fn apply_closed(
        &mut self,
        number: E164,
        epoch: Epoch,
        state: &SentState,
    ) -> Result<Outcome> {
        let mut tally = Tally::default();
        self.apply_state(number, epoch, state, &mut tally)?;
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
                RevokeOutcome::AlreadyDelivered => self.deliver_open(number, sent, &mut tally)?,
                // It stays marked and is asked for again (DELIVERY 15).
                RevokeOutcome::InDoubt | RevokeOutcome::Forgotten => {}
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

    fn applied(&self, number: E164, tally: &Tally) -> Result<Outcome> {
        let lowest = self.position(number)?.map(|(_, lowest)| lowest);
        Ok(Outcome::Applied {
            settled: tally.settled,
            requeued: tally.requeued,
            // Without an epoch: where the next one begins.
            lowest_unsettled: lowest.unwrap_or(Seq(1)),
        })
    }

    fn held_epoch(&self, number: E164) -> Result<Option<Epoch>> {
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
        tally: &mut Tally,
    ) -> Result<()> {
        // Dispositions first: of a seq in both lists the rejection holds.
        for &(seq, disposition) in &state.dispositions {
            self.dispose(number, SentAs { epoch, seq }, disposition, tally)?;
        }
        for &seq in &state.delivered {
            self.deliver(number, SentAs { epoch, seq }, tally)?;
        }
        self.accept_upto(number, epoch, state.high_water)
    }

    fn accept_upto(&mut self, number: E164, epoch: Epoch, high_water: Seq) -> Result<()> {
        let taken = (Seq(0), high_water);
        self.each_between(
            sql::IN_FLIGHT_BETWEEN,
            number,
            epoch,
            taken,
            |turn, before| turn.reopen(&before, IpAttempt::Accepted),
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

    /// Between in flight and accepted.
    fn reopen(&mut self, before: &Attempts, ip: impl FnOnce(SentAs) -> IpAttempt) -> Result<()> {
        let Some(sent) = before.ip.unsettled() else {
            return Ok(());
        };
        let after = Attempts {
            ip: ip(sent),
            ..*before
        };
        let changed = self.log_change(before, &after)?;
        let (code, _) = codes::ip_code(after.ip);
        self.execute(sql::SET_OPEN, (rows::int(after.id.0), code, changed))?;
        Ok(())
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
        match before {
            Some(before) => self.settle(&before, IpAttempt::Delivered(sent)),
            None => Ok(()),
        }
    }

    /// The answer to a revoke speaks of an attempt that was open. One that was
    /// settled since got its outcome from the same gateway, before this answer and
    /// more exact: of a message that the receiver rejected, and that the user has
    /// dismissed, the answer is "already delivered" as well.
    fn deliver_open(&mut self, number: E164, sent: SentAs, tally: &mut Tally) -> Result<()> {
        let key = by_seq(number, sent.epoch, sent.seq);
        let Some(before) = self.one(sql::OPEN_BY_SEQ, key, Attempts::from_row)? else {
            return Ok(());
        };
        tally.settled += 1;
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
        self.settle(&before, IpAttempt::after(disposition, before.take_back))
    }

    pub(super) fn settle(&mut self, before: &Attempts, ip: IpAttempt) -> Result<()> {
        let after = Attempts {
            ip,
            take_back: None,
            ..*before
        };
        let changed = self.log_change(before, &after)?;
        let (code, detail) = codes::ip_code(ip);
        self.execute(sql::SETTLE, (rows::int(after.id.0), code, detail, changed))?;
        Ok(())
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
                let changed = turn.log_change(&before, &after)?;
                turn.execute(sql::REQUEUE, (rows::int(after.id.0), changed))?;
                Ok(())
            },
        )
    }
}

fn by_seq(number: E164, epoch: Epoch, seq: Seq) -> (i64, u32, i64) {
    (rows::number(number), epoch.get(), rows::int(seq.get()))
}
