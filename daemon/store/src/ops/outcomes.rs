//! What the gateway says of what was sent, and what the user takes back or tries
//! again (DELIVERY 5, 8, 14, 16).
//!
//! An attempt only ever moves forward:
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

use twine_engine::message::{IpAttempt, MessageId, SentAs, Shown, TakeBack};
use twine_engine::store_ops::{BootStamp, Outcome, Unsettled};
use twine_proto::frame::{Disposition, RevokeOutcome, SentState};
use twine_proto::{E164, Epoch, Seq};

use super::{Result, Turn};
use crate::error::StoreError;
use crate::rows::{self, Attempts, Columns};
use crate::{codes, sql};

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
                RevokeOutcome::AlreadyDelivered => self.deliver(number, sent, &mut tally)?,
                // It stays marked and is asked for again (DELIVERY 15).
                RevokeOutcome::InDoubt | RevokeOutcome::Forgotten => {}
            }
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
        // As many as the window holds.
        let taken = self.all(
            sql::IN_FLIGHT_UPTO,
            by_seq(number, epoch, high_water),
            Attempts::from_row,
        )?;
        for before in taken {
            let IpAttempt::InFlight(sent) = before.ip else {
                continue;
            };
            let after = Attempts {
                ip: IpAttempt::Accepted(sent),
                ..before
            };
            let changed = self.log_change(&before, &after)?;
            self.execute(sql::ACCEPT, (rows::int(after.id.0), changed))?;
        }
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

    fn settle(&mut self, before: &Attempts, ip: IpAttempt) -> Result<()> {
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
        let untaken = self.all(
            sql::IN_FLIGHT_ABOVE,
            by_seq(number, epoch, high_water),
            Attempts::from_row,
        )?;
        for before in untaken {
            if let Some(reason) = before.take_back {
                tally.settled += 1;
                self.settle(&before, IpAttempt::Revoked(reason))?;
                continue;
            }
            tally.requeued += 1;
            let after = Attempts {
                ip: IpAttempt::None,
                ..before
            };
            let changed = self.log_change(&before, &after)?;
            self.execute(sql::REQUEUE, (rows::int(after.id.0), changed))?;
        }
        Ok(())
    }

    pub(super) fn cancel(&mut self, id: MessageId) -> Result<Outcome> {
        let Some(before) = self.attempts(id)? else {
            return self.not_outgoing(id);
        };
        if let Some(sent) = before.ip.unsettled() {
            // The user's wish stands above an expiry already under way.
            let own = self.mark_take_back(id, TakeBack::Cancelled)?;
            return Ok(Outcome::MustRevoke(Unsettled {
                number: own,
                epoch: sent.epoch,
                seq: sent.seq,
            }));
        }
        match before.shown() {
            Shown::Queued => {
                self.settle(&before, IpAttempt::Revoked(TakeBack::Cancelled))?;
                Ok(Outcome::TakenBack)
            }
            Shown::Failed(_) => {
                self.settle(&before, IpAttempt::Revoked(TakeBack::Cancelled))?;
                Ok(Outcome::Done)
            }
            Shown::Cancelled => Ok(Outcome::Done),
            shown => Ok(Outcome::TooLate { shown: Some(shown) }),
        }
    }

    pub(super) fn retry(&mut self, id: MessageId, boot: BootStamp) -> Result<Outcome> {
        let Some(before) = self.attempts(id)? else {
            return self.not_outgoing(id);
        };
        if !matches!(before.shown(), Shown::Failed(_) | Shown::Cancelled) {
            return Ok(Outcome::TooLate {
                shown: Some(before.shown()),
            });
        }
        let after = Attempts {
            ip: IpAttempt::None,
            ..before
        };
        self.log_change(&before, &after)?;
        self.execute(
            sql::RETRY,
            (
                rows::int(id.0),
                rows::boot(boot.boot),
                rows::instant(boot.at),
                rows::wall(self.wall),
            ),
        )?;
        Ok(Outcome::Done)
    }

    /// An incoming message exists, but its state allows neither cancel nor retry.
    fn not_outgoing(&self, id: MessageId) -> Result<Outcome> {
        let message = self.one(sql::MESSAGE, (rows::int(id.0),), rows::message)?;
        Ok(match message {
            Some(message) => Outcome::TooLate {
                shown: Some(message.shown),
            },
            None => Outcome::NotFound,
        })
    }

    pub(super) fn mark_take_back(&self, id: MessageId, reason: TakeBack) -> Result<E164> {
        self.one(
            sql::TAKE_BACK,
            (rows::int(id.0), codes::take_back_code(reason)),
            |row| row.number(0),
        )?
        .ok_or_else(|| StoreError::corrupt("a message vanished while it was changed"))
    }

    /// Gives up a queued message whose validity is over.
    pub(super) fn drop_queued(&mut self, before: &Attempts) -> Result<()> {
        self.settle(before, IpAttempt::Revoked(TakeBack::Expired))
    }
}

fn by_seq(number: E164, epoch: Epoch, seq: Seq) -> (i64, u32, i64) {
    (rows::number(number), epoch.get(), rows::int(seq.get()))
}
