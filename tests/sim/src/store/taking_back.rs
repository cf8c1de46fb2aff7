//! What the user takes back or tries again, and what runs out of time.

use twine_engine::message::{Channel, IpAttempt, MessageId, Shown, SmsAttempt, TakeBack};
use twine_engine::parts::PartStates;
use twine_engine::store_ops::{BootStamp, Outcome, Unsettled};
use twine_engine::time::{Instant, WallTime};

use super::MemoryStore;
use super::records::Outgoing;

impl MemoryStore {
    /// An SMS that was handed to the agent cannot be stopped: then it is too
    /// late, whatever became of the attempt by IP. Of one that failed the attempt
    /// by IP may still be called off.
    pub(super) fn cancel(&mut self, id: MessageId, wall: WallTime) -> Outcome {
        let Some(message) = self.writable(id) else {
            return self.not_writable(id);
        };
        let (ip, sms, shown) = (message.ip, message.sms, message.shown);
        if let SmsAttempt::Handed
        | SmsAttempt::Sent
        | SmsAttempt::Delivered
        | SmsAttempt::Unconfirmed = sms
        {
            return Outcome::TooLate { shown: Some(shown) };
        }
        if let Some(sent) = ip.unsettled() {
            let number = message.own;
            self.change(id, wall, |m| m.take_back(TakeBack::Cancelled));
            return Outcome::MustRevoke(Unsettled {
                number,
                epoch: sent.epoch,
                seq: sent.seq,
            });
        }
        match shown {
            Shown::Queued | Shown::Sending => {
                self.change(id, wall, |m| m.taken_back(TakeBack::Cancelled));
                match ip {
                    IpAttempt::None => Outcome::TakenBack,
                    // It was out of the queue already.
                    _ => Outcome::Done,
                }
            }
            Shown::Failed(_) => {
                self.change(id, wall, |m| m.taken_back(TakeBack::Cancelled));
                Outcome::Done
            }
            Shown::Cancelled => Outcome::Done,
            _ => Outcome::TooLate { shown: Some(shown) },
        }
    }

    pub(super) fn retry(
        &mut self,
        id: MessageId,
        by: Option<Channel>,
        boot: BootStamp,
        wall: WallTime,
    ) -> Outcome {
        let Some(message) = self.writable(id) else {
            return self.not_writable(id);
        };
        let unconfirmed = message.sms == SmsAttempt::Unconfirmed
            && (message.ip == IpAttempt::None || message.ip.is_negative());
        let ended = unconfirmed || matches!(message.shown, Shown::Failed(_) | Shown::Cancelled);
        let asked = message.waits_for.is_some();
        // In the queue of IP or on its way, and the user would rather have it by SMS.
        let rather_sms = by == Some(Channel::Sms)
            && (message.ip.unsettled().is_some() || message.ip == IpAttempt::None)
            && matches!(message.take_back, None | Some(TakeBack::BySms))
            && matches!(message.sms, SmsAttempt::None | SmsAttempt::NotUsed);
        if !ended && !asked && !rather_sms {
            return Outcome::TooLate {
                shown: Some(message.shown),
            };
        }
        self.change(id, wall, |m| {
            m.left_before |= m.parts.may_be_there() || unconfirmed || m.ip == IpAttempt::Expired;
            m.leave_pacing(match by {
                Some(Channel::Ip) => SmsAttempt::NotUsed,
                _ => SmsAttempt::None,
            });
            m.attempt = None;
            m.parts = PartStates::default();
            m.code = None;
            if m.ip.is_negative() {
                m.ip = IpAttempt::None;
            }
            if m.ip == IpAttempt::None || by == Some(Channel::Ip) {
                m.take_back = None;
                m.in_doubt = false;
            }
            m.wish = by;
            m.undecided = by != Some(Channel::Ip);
            m.look_at_once();
            m.born = boot;
            m.deadline = m.valid_for.map(|valid| (boot.boot, boot.at + valid));
        });
        Outcome::Retried {
            had_ended: ended,
            look: self.after.look,
        }
    }

    pub(super) fn rearm(&mut self, boot: BootStamp) -> Outcome {
        for stamp in self.handed_lately.iter_mut().map(|(stamp, _)| stamp) {
            if stamp.boot != boot.boot {
                *stamp = boot;
            }
        }
        for stamp in self
            .reach
            .values_mut()
            .filter_map(|(_, stamp)| stamp.as_mut())
        {
            if stamp.boot != boot.boot {
                *stamp = boot;
            }
        }
        let open: Vec<MessageId> = self.found.open.iter().copied().collect();
        for id in open {
            // No one sees any of these: the wall clock does not count.
            self.change(id, WallTime(0), |m| m.start_again(boot));
        }
        Outcome::Deadline {
            validity: self.next_deadline(),
            look: self.next_look(),
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.found.deadlines.first().map(|(at, _)| *at)
    }

    pub(super) fn next_look(&self) -> Option<Instant> {
        self.found.looks.first().map(|(at, _)| *at)
    }

    pub(super) fn expire(&mut self, boot: BootStamp, limit: usize, wall: WallTime) -> Outcome {
        let due: Vec<MessageId> = self
            .found
            .deadlines
            .iter()
            .take_while(|(at, _)| *at <= boot.at)
            .take(limit)
            .map(|(_, id)| *id)
            .collect();
        let (mut revoke, mut dropped) = (Vec::new(), 0);
        for id in due {
            let Some(message) = self.outgoing.get(&id) else {
                continue;
            };
            if let Some(sent) = message.ip.unsettled() {
                revoke.push(Unsettled {
                    number: message.own,
                    epoch: sent.epoch,
                    seq: sent.seq,
                });
                self.change(id, wall, |m| m.take_back(TakeBack::Expired));
            } else {
                // What was refused by IP is out of the queue already.
                dropped += usize::from(message.ip == IpAttempt::None);
                self.change(id, wall, |m| m.taken_back(TakeBack::Expired));
            }
        }
        Outcome::Expired {
            revoke,
            dropped,
            next: self.next_deadline(),
        }
    }

    fn writable(&self, id: MessageId) -> Option<&Outgoing> {
        self.outgoing.get(&id).filter(|message| !message.is_note())
    }

    /// An incoming message exists, but its state allows neither cancel nor retry.
    fn not_writable(&self, id: MessageId) -> Outcome {
        match self.shown(id) {
            Some(shown) => Outcome::TooLate { shown: Some(shown) },
            None => Outcome::NotFound,
        }
    }
}

impl Outgoing {
    /// An SMS that did not leave yet does not.
    fn recall_sms(&mut self) {
        if let SmsAttempt::None | SmsAttempt::Waiting = self.sms {
            self.leave_pacing(SmsAttempt::NotUsed);
        }
    }

    /// The gateway is asked.
    fn take_back(&mut self, reason: TakeBack) {
        self.recall_sms();
        self.take_back = Some(reason);
    }

    /// It is in nobody's hands.
    fn taken_back(&mut self, reason: TakeBack) {
        self.recall_sms();
        self.take_back = None;
        self.left_before |= self.ip == IpAttempt::Expired;
        self.ip = IpAttempt::Revoked(reason);
    }

    /// Another boot: nothing becomes shorter (DELIVERY 24).
    fn start_again(&mut self, boot: BootStamp) {
        if let Some(look) = &mut self.look
            && look.boot != boot.boot
        {
            look.boot = boot.boot;
            look.at = boot.at + look.after;
        }
        if self.born.boot != boot.boot {
            self.born = boot;
        }
        if let (Some(valid), Some((known, _))) = (self.valid_for, self.deadline)
            && known != boot.boot
        {
            self.deadline = Some((boot.boot, boot.at + valid));
        }
    }
}
