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
//! While an SMS is open for a message, a negative end leaves it undecided, with a
//! look at once. "Accepted" and "delivered" recall an SMS that still waits in our
//! own queue (DELIVERY 16).
//!
//! Rejected is a fact as well, and the more precise one: a receiver acknowledges
//! what it rejects (DELIVERY 12), so "delivered" tells nothing new of it.

use twine_engine::message::{Channel, IpAttempt, SentAs, SmsAttempt, TakeBack};
use twine_engine::settings::{Mode, Reach};
use twine_engine::store_ops::{AcceptedLooks, BootStamp, Look, Outcome};
use twine_proto::frame::{Disposition, Refusal, RevokeOutcome, SentState};
use twine_proto::{E164, Epoch, Seq};

use super::change::NextLook;
use super::{Result, Turn, setting};
use crate::limits::STEP;
use crate::rows::{self, Attempts, Columns, PeerKey};
use crate::story::Step;
use crate::{codes, sql};

/// Above every seq.
const END: Seq = Seq(u64::MAX);
/// Behind the columns of [`Attempts`] in [`sql::OPEN_BY_SEQ`].
const MORE: usize = Attempts::COLUMNS;

/// What applying a report changed.
#[derive(Debug, Default)]
struct Tally {
    settled: u64,
    requeued: u64,
}

/// An unsettled message, and what else is known with it.
struct Open {
    before: Attempts,
    reach: Option<Reach>,
    /// Something in its lane waits for what is before it.
    awaited: bool,
}

impl Turn<'_> {
    pub(super) fn apply_sent(
        &mut self,
        number: E164,
        epoch: Epoch,
        state: &SentState,
        (away, looks): (&[Seq], AcceptedLooks),
    ) -> Result<Outcome> {
        let mut tally = Tally::default();
        let now = Some(looks.here.boot);
        self.apply_state(number, epoch, state, now, &mut tally)?;
        self.accept_upto(number, epoch, state.high_water, |before, sent| {
            let away = away.contains(&sent.seq);
            // What is to be looked at at once still is.
            let look = match before.look_ms {
                Some(0) => NextLook::Keep,
                _ if away => NextLook::At(looks.away),
                _ => NextLook::At(looks.here),
            };
            (away, look)
        })?;
        self.applied(number, &tally)
    }

    /// A refusal of a closed epoch says nothing of the peer now: it may be old.
    /// And acceptance is not news: what it has is looked at when it was to be, if it was.
    pub(super) fn apply_closed(
        &mut self,
        number: E164,
        epoch: Epoch,
        state: &SentState,
        look: Look,
    ) -> Result<Outcome> {
        let mut tally = Tally::default();
        self.apply_state(number, epoch, state, None, &mut tally)?;
        self.accept_upto(number, epoch, state.high_water, |before, _| {
            let look = match before.look_ms {
                Some(_) => NextLook::Keep,
                None => NextLook::At(look),
            };
            (false, look)
        })?;
        // Of an epoch that is still held nothing may go back: its seqs keep
        // their meaning (DELIVERY 2).
        if self.held_epoch(number)? != Some(epoch) {
            self.give_up_above(number, epoch, state.high_water, &mut tally)?;
            // What stays in this lane is in nobody's way in the next.
            let all = (Seq(0), END);
            self.each_between(
                sql::ACCEPTED_BETWEEN,
                number,
                epoch,
                all,
                |turn, before| match before.sms {
                    _ if before.is_note => Ok(()),
                    SmsAttempt::NotUsed | SmsAttempt::Failed => {
                        turn.save(&before, before.clone(), NextLook::Keep)
                    }
                    _ => Ok(()),
                },
            )?;
        }
        self.applied(number, &tally)
    }

    pub(super) fn apply_revoked(
        &mut self,
        number: E164,
        epoch: Epoch,
        results: &[(Seq, RevokeOutcome)],
        look: Look,
    ) -> Result<Outcome> {
        let mut tally = Tally::default();
        for &(seq, outcome) in results {
            let sent = SentAs { epoch, seq };
            match outcome {
                RevokeOutcome::Revoked => {
                    let now = Some(look.boot);
                    self.dispose(number, sent, Disposition::Revoked, now, &mut tally)?;
                }
                RevokeOutcome::AlreadyDelivered => self.deliver_open(number, sent, &mut tally)?,
                // It stays marked and is asked for again (DELIVERY 15).
                RevokeOutcome::InDoubt => self.doubt(number, sent, true, look)?,
                RevokeOutcome::Forgotten => self.doubt(number, sent, false, look)?,
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
            look: self.follows.look,
            unblocked: self.follows.unblocked,
            note_due: self.follows.note_due,
        })
    }

    pub(super) fn held_epoch(&self, number: E164) -> Result<Option<Epoch>> {
        let held = self.one(sql::HELD_EPOCH, (rows::number(number),), |row| {
            row.get::<_, Option<u32>>(0)
        })?;
        Ok(held.flatten().map(Epoch))
    }

    /// All but what is accepted.
    fn apply_state(
        &mut self,
        number: E164,
        epoch: Epoch,
        state: &SentState,
        now: Option<BootStamp>,
        tally: &mut Tally,
    ) -> Result<()> {
        // Dispositions first: of a seq in both lists the rejection holds.
        for &(seq, disposition) in &state.dispositions {
            self.dispose(number, SentAs { epoch, seq }, disposition, now, tally)?;
        }
        for &seq in &state.delivered {
            self.deliver(number, SentAs { epoch, seq }, tally)?;
        }
        Ok(())
    }

    fn accept_upto(
        &mut self,
        number: E164,
        epoch: Epoch,
        high_water: Seq,
        news: impl Fn(&Attempts, SentAs) -> (bool, NextLook),
    ) -> Result<()> {
        let taken = (Seq(0), high_water);
        self.each_between(
            sql::IN_FLIGHT_BETWEEN,
            number,
            epoch,
            taken,
            |turn, before| turn.accept(before, &news),
        )
    }

    fn accept(
        &mut self,
        before: Attempts,
        news: impl Fn(&Attempts, SentAs) -> (bool, NextLook),
    ) -> Result<()> {
        let Some(sent) = before.ip.unsettled() else {
            return Ok(());
        };
        let (away, look) = news(&before, sent);
        let after = Attempts {
            ip: IpAttempt::Accepted(sent),
            ..before.clone()
        };
        match before.sms {
            // Recalled, and not asked back any more.
            SmsAttempt::Waiting => {
                self.away(&before, away)?;
                let after = Attempts {
                    sms: SmsAttempt::None,
                    take_back: before.take_back.filter(|why| *why != TakeBack::BySms),
                    waits: None,
                    ..after
                };
                self.save(&before, after, look)
            }
            // The answer to the revoke is looked for at its own time.
            SmsAttempt::None if before.take_back.is_none() && !before.is_note => {
                let Some(at) = look.at() else {
                    return self.reopen(&before, &after);
                };
                self.follows.look(at);
                let changed = self.log_change(&before, &after)?;
                let (look_boot, look_ms, look_after_ms) = look.columns();
                let (code, _) = codes::ip_code(after.ip);
                self.execute(
                    sql::SET_OPEN_LOOK,
                    (
                        rows::int(after.id.0),
                        code,
                        changed,
                        away,
                        look_boot,
                        look_ms,
                        look_after_ms,
                    ),
                )?;
                Ok(())
            }
            _ => self.reopen(&before, &after),
        }
    }

    fn away(&self, before: &Attempts, away: bool) -> Result<()> {
        if away {
            self.execute(sql::AWAY, (rows::int(before.id.0),))?;
        }
        Ok(())
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
            |turn, before| {
                let Some(sent) = before.ip.unsettled() else {
                    return Ok(());
                };
                let after = Attempts {
                    ip: IpAttempt::InFlight(sent),
                    ..before.clone()
                };
                turn.reopen(&before, &after)
            },
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

    /// Between in flight and accepted: nothing else depends on which.
    fn reopen(&mut self, before: &Attempts, after: &Attempts) -> Result<()> {
        let changed = self.log_change(before, after)?;
        let (code, _) = codes::ip_code(after.ip);
        self.execute(sql::SET_OPEN, (rows::int(after.id.0), code, changed))?;
        Ok(())
    }

    fn open_by_seq(&self, number: E164, sent: SentAs) -> Result<Option<Open>> {
        self.one(sql::OPEN_BY_SEQ, by_seq(number, sent), |row| {
            Ok(Open {
                before: Attempts::from_row(row)?,
                reach: row.maybe_code(MORE, codes::reach_from)?,
                awaited: row.get(MORE + 1)?,
            })
        })
    }

    fn deliver(&mut self, number: E164, sent: SentAs, tally: &mut Tally) -> Result<()> {
        let open = match self.open_by_seq(number, sent)? {
            Some(open) => open,
            // The fact wins over the conclusion; see the top of this file.
            None => {
                let concluded = self.one(
                    sql::CONCLUDED_BY_SEQ,
                    by_seq(number, sent),
                    Attempts::from_row,
                )?;
                let Some(before) = concluded else {
                    return Ok(());
                };
                Open {
                    before,
                    reach: None,
                    awaited: true,
                }
            }
        };
        self.delivered(sent, open, tally)
    }

    fn delivered(&mut self, sent: SentAs, open: Open, tally: &mut Tally) -> Result<()> {
        let before = open.before;
        if before.carries_note {
            self.close_noted(&before, sent)?;
        }
        self.believe_on_ip(before.peer, open.reach)?;
        if before.is_note {
            return self.forget_note(&before);
        }
        let after = Attempts {
            ip: IpAttempt::Delivered(sent),
            sms: match before.sms {
                SmsAttempt::Waiting => SmsAttempt::NotUsed,
                sms => sms,
            },
            take_back: None,
            waits: None,
            ..before.clone()
        };
        let plain = before.ip.unsettled().is_some()
            && before.sms == after.sms
            && matches!(before.sms, SmsAttempt::None | SmsAttempt::NotUsed)
            && before.waits.is_none()
            && before.take_back != Some(TakeBack::BySms)
            && !before.held
            && !before.may_have_left()
            && !before.unclosed
            && !open.awaited;
        tally.settled += u64::from(before.ip.unsettled().is_some());
        if plain {
            let changed = self.log_change(&before, &after)?;
            self.outbox_grew_by -= 1;
            self.execute(sql::SETTLE, (rows::int(after.id.0), changed))?;
            return Ok(());
        }
        self.save(&before, after, NextLook::Keep)
    }

    /// The answer to a revoke speaks of an attempt that was open. One that was
    /// settled since got its outcome from the same gateway, before this answer and
    /// more exact: of a message that the receiver rejected, and that the user has
    /// dismissed, the answer is "already delivered" as well.
    fn deliver_open(&mut self, number: E164, sent: SentAs, tally: &mut Tally) -> Result<()> {
        match self.open_by_seq(number, sent)? {
            Some(open) => self.delivered(sent, open, tally),
            None => Ok(()),
        }
    }

    fn dispose(
        &mut self,
        number: E164,
        sent: SentAs,
        disposition: Disposition,
        now: Option<BootStamp>,
        tally: &mut Tally,
    ) -> Result<()> {
        let Some(open) = self.open_by_seq(number, sent)? else {
            return Ok(());
        };
        let before = open.before;
        if let (Disposition::Refused(Refusal::UnknownRecipient), Some(now)) = (disposition, now) {
            self.believe_refused(before.peer, now)?;
        }
        if before.is_note {
            // Should it not have arrived, the next message tells the same: a gateway
            // that refuses notes is not asked again and again. One that lay there until
            // its time was over is sent once more, so once in the life of mail; one that
            // found the mailbox full with the next session, so once in each.
            match disposition {
                Disposition::Expired => self.lose_noted(&before, sent)?,
                Disposition::Refused(Refusal::MailboxFull) => {
                    self.lose_noted_for_now(&before, sent)?;
                }
                _ => {}
            }
            return self.forget_note(&before);
        }
        if before.carries_note {
            self.lose_noted(&before, sent)?;
        }
        let ip = IpAttempt::after(disposition, before.take_back);
        if ip == IpAttempt::Revoked(TakeBack::BySms) {
            self.if_silent(&before, now)?;
        }
        self.end(&before, ip, tally)
    }

    /// It was accepted, and its delivery deadline had passed (DELIVERY 15). What a
    /// closed epoch tells (without `now`) is too old to say anything; nor does what its
    /// user asked back to have it by SMS.
    fn if_silent(&self, before: &Attempts, now: Option<BootStamp>) -> Result<()> {
        match (before.ip, now) {
            (IpAttempt::Accepted(_), Some(now)) if !self.is_to_go_by_sms(before)? => {
                self.believe_silent(before.peer, now)
            }
            _ => Ok(()),
        }
    }

    fn is_to_go_by_sms(&self, before: &Attempts) -> Result<bool> {
        let set = setting(self.db, rows::number(before.own), before.peer)?;
        let set = set.over(&setting(self.db, 0, PeerKey(0))?);
        Ok(before.wish == Some(Channel::Sms) || set.mode == Mode::SmsOnly)
    }

    /// IP has ended negatively: while SMS is open, that is to be decided about; and again
    /// if SMS was ruled out after it was asked back for that.
    fn end(&mut self, before: &Attempts, ip: IpAttempt, tally: &mut Tally) -> Result<()> {
        let sms = match (ip, before.take_back, before.sms) {
            (IpAttempt::Revoked(_), Some(TakeBack::BySms), SmsAttempt::NotUsed) => SmsAttempt::None,
            (.., sms) => sms,
        };
        let after = Attempts {
            ip,
            sms,
            take_back: None,
            waits: match before.sms {
                SmsAttempt::Waiting => before.waits,
                _ => None,
            },
            ..before.clone()
        };
        tally.settled += 1;
        let look = if after.waits_for_a_channel() {
            NextLook::AtOnce
        } else {
            NextLook::Keep
        };
        self.save(before, after, look)
    }

    fn doubt(&mut self, number: E164, sent: SentAs, may_be_handed: bool, look: Look) -> Result<()> {
        let Some(open) = self.open_by_seq(number, sent)? else {
            return Ok(());
        };
        let before = open.before;
        if before.take_back != Some(TakeBack::BySms) {
            return Ok(());
        }
        if may_be_handed {
            self.if_silent(&before, Some(look.boot))?;
        }
        let first = before.sms == SmsAttempt::None
            && self.execute(sql::IN_DOUBT, (rows::int(before.id.0),))? > 0;
        if first {
            self.tell(before.id, Step::InDoubt, None, &[])?;
            self.save(&before, before.clone(), NextLook::At(look))?;
        }
        Ok(())
    }

    /// What a note told is known to have arrived, or will be told again.
    fn forget_note(&self, note: &Attempts) -> Result<()> {
        self.execute(sql::NOTE_DELETE, (rows::int(note.id.0),))?;
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
                if before.is_note {
                    return turn.forget_note(&before);
                }
                if before.carries_note {
                    turn.execute(sql::NOTE_DROP, (rows::int(before.id.0),))?;
                }
                let left_ip = !matches!(before.sms, SmsAttempt::None | SmsAttempt::NotUsed);
                if let Some(reason) = before.take_back.or(left_ip.then_some(TakeBack::BySms)) {
                    turn.end(&before, IpAttempt::Revoked(reason), tally)?;
                    // What is told of its seq from now on is not told of it.
                    turn.execute(sql::SEQ_DROP, (rows::int(before.id.0),))?;
                    return Ok(());
                }
                tally.requeued += 1;
                let after = Attempts {
                    ip: IpAttempt::None,
                    place: None,
                    queued: true,
                    ..before.clone()
                };
                turn.save(&before, after, NextLook::Keep)
            },
        )
    }
}

fn by_seq(number: E164, sent: SentAs) -> (i64, u32, i64) {
    (
        rows::number(number),
        sent.epoch.get(),
        rows::int(sent.seq.get()),
    )
}
