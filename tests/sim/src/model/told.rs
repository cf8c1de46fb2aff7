//! What a sending app may be told of its message.

use twine_engine::message::{Direction, Failure, IpAttempt, MessageRecord, Shown, SmsAttempt};
use twine_proto::MessageName;
use twine_proto::frame::RejectReason;

use super::{Broken, Model, talk, text_of};
use crate::net::HandsetNo;
use crate::poison;

impl Model {
    /// The sending app was told a new state; `stored`: a phone of the
    /// recipient's number has it.
    pub fn told(
        &mut self,
        handset: HandsetNo,
        record: &MessageRecord,
        shown: Shown,
        now_ms: u64,
        stored: impl Fn(&MessageName) -> bool,
    ) -> Result<(), Broken> {
        if record.direction != Direction::Outgoing {
            return Ok(());
        }
        let text = text_of(record);
        if talk::word(&text).is_some() {
            return Ok(());
        }
        let sent = self.messages.get(&text);
        let promise = "an event belongs to a message";
        self.cases.expect(promise, sent.is_some(), &text)?;
        let Some(sent) = sent else { return Ok(()) };
        if self.are_twins(handset, sent.from) {
            // Each shows what it knows of what both had sent.
            return Ok(());
        }
        let promise = "an event reaches the sender's app";
        self.cases.expect(promise, sent.from == handset, &text)?;
        self.by_id.insert((handset, record.id), text.clone());
        let (to, valid_until_ms, doubted) = (sent.to, sent.valid_until_ms, sent.doubted);
        // The operator may have brought its parts to two phones; IP did not.
        let by_ip = matches!(record.ip, IpAttempt::Delivered(_));
        let split = self.sms.is_split(&text) && self.sms.left_whole(&text) && !by_ip;
        let by_sms = split || self.sms.has_arrived(&text);
        // A phone that was put back gives a place again; before it hears of a new epoch, by
        // SMS alone.
        let by_name = record.ip != IpAttempt::None;
        let confirmed = matches!(record.ip, IpAttempt::Delivered(_))
            || record.sms.state == SmsAttempt::Delivered;
        if confirmed && record.shown == shown {
            let promise = "what arrived by either way is shown as delivered";
            let so = matches!(shown, Shown::Delivered | Shown::Read);
            self.cases.expect(promise, so, &text)?;
        }
        if shown == Shown::Read {
            let promise = "read means that its receiver read in this conversation";
            let read = self.read_of.contains(&(record.own, to)) || self.may_read_all.contains(&to);
            self.cases.expect(promise, read, &text)?;
        }
        let there = by_sms || by_name && record.name.is_some_and(|name| stored(&name));
        let was_there = record
            .name
            .is_some_and(|name| self.lost_names.contains(&name));
        let poisoned = poison::of(&text).is_some();
        let delivered = matches!(shown, Shown::Delivered | Shown::Read);
        let settled = self.is_settled_by_a_later_cursor(&text, sent);
        if poisoned && !by_sms && !settled && !self.is_beyond_knowing(sent) {
            let promise = "what cannot be read is not shown as delivered";
            self.cases.expect(promise, !delivered, &text)?;
        }
        // A phone that was put back shows what its copy knew of an earlier name.
        if delivered && !was_there && !doubted && !settled {
            let promise = "delivered means that the receiver has stored it";
            self.cases.expect(promise, there, &text)?;
        }
        if shown == Shown::Cancelled {
            let by_user = self.taken_back.contains(&(handset, record.id));
            let promise = "only what its user took back is shown as such";
            self.cases.expect(promise, by_user, &text)?;
        }
        if shown == Shown::Failed(Failure::ValidityOver) {
            let promise = "only what has a validity is given up";
            self.cases
                .expect(promise, valid_until_ms.is_some(), &text)?;
            // DELIVERY 24.
            let promise = "a validity is never shorter than it was set";
            let over = valid_until_ms.is_none_or(|until| now_ms >= until);
            self.cases.expect(promise, over, &text)?;
        }
        // Where somebody forgot a name, it would be given again.
        let forgot = self.is_gateway_restored() || !self.put_back.is_empty();
        let both_forgot = self.names_may_repeat(sent.from);
        let conflict = shown == Shown::Failed(Failure::Rejected(RejectReason::Conflict));
        if (forgot || conflict) && !both_forgot {
            let promise = "no two messages have one name";
            self.cases.expect(promise, !conflict, &text)?;
        }
        if shown == Shown::Failed(Failure::Rejected(RejectReason::Unreadable)) {
            let promise = "what can be read is not rejected";
            self.cases.expect(promise, poisoned, &text)?;
        }
        // Of a name that was given twice another message may be there; what was rejected
        // is, as a placeholder or beside another.
        let rejected = matches!(record.ip, IpAttempt::Rejected(_));
        let taken_back = record.shown == shown && self.is_taken_back(&text, shown);
        if taken_back && !both_forgot && !rejected {
            // A phone's copy gives the places of the other until it hears of a new epoch.
            let is_there = match self.had_twin(sent.from) {
                true => by_sms || sent.received.iter().any(|copy| copy.by_ip),
                false => there,
            };
            let promise = "what was taken back is never delivered";
            self.cases.expect(promise, !is_there, &text)?;
        }
        Ok(())
    }
}
