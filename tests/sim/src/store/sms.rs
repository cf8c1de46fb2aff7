//! From the pacing queue to the agent, and what became of the parts.

use twine_engine::limits::SMS_PARTS_PER_WINDOW;
use twine_engine::message::{IpAttempt, MessageId, SmsAttempt};
use twine_engine::parts::{AfterRefusal, AttemptId, PartState, PartStates};
use twine_engine::store_ops::{BootStamp, HandedSms, Look, Outcome, SmsJob};
use twine_engine::time::WallTime;

use super::MemoryStore;
use super::records::LookAt;

impl MemoryStore {
    fn job(&self, id: MessageId) -> Option<SmsJob> {
        let message = self.outgoing.get(&id)?;
        Some(SmsJob {
            id,
            own: message.own,
            peer: message.peer,
            iccid: message.iccid.clone()?,
            lane_seq: message.place.map(|(_, lane_seq)| lane_seq),
            marked: message.marked,
            text: message.text.clone()?,
        })
    }

    fn handed(&self, id: MessageId) -> Option<HandedSms> {
        Some(HandedSms {
            attempt: self.outgoing.get(&id)?.attempt?,
            job: self.job(id)?,
        })
    }

    pub(super) fn load_sms(&self, after: MessageId, limit: usize) -> Outcome {
        Outcome::SmsQueue(
            self.found
                .pacing
                .range(MessageId(after.0.saturating_add(1))..)
                .take(limit)
                .filter_map(|id| self.job(*id))
                .collect(),
        )
    }

    pub(super) fn hand_sms(
        &mut self,
        id: MessageId,
        (attempt, parts): (AttemptId, u8),
        boot: BootStamp,
        look: Look,
        wall: WallTime,
    ) -> Outcome {
        if !self.found.pacing.contains(&id) {
            return Outcome::SmsHanded(Vec::new());
        }
        self.change(id, wall, |m| {
            m.sms = SmsAttempt::Handed;
            m.attempt = Some(attempt);
            m.parts = PartStates::open(parts);
            m.code = None;
            m.look = Some(look.into());
        });
        self.handed_lately.push_back((boot, parts));
        let mut sum: usize = self
            .handed_lately
            .iter()
            .map(|(_, parts)| usize::from(*parts))
            .sum();
        while sum > SMS_PARTS_PER_WINDOW {
            let Some((_, parts)) = self.handed_lately.pop_front() else {
                break;
            };
            sum -= usize::from(parts);
        }
        Outcome::SmsHanded(self.handed(id).into_iter().collect())
    }

    pub(super) fn load_handed(&self, after: MessageId, limit: usize) -> Outcome {
        Outcome::SmsHanded(
            self.found
                .handed
                .range(MessageId(after.0.saturating_add(1))..)
                .take(limit)
                .filter_map(|id| self.handed(*id))
                .collect(),
        )
    }

    pub(super) fn apply_part(
        &mut self,
        attempt: AttemptId,
        (part, state): (u8, PartState),
        code: Option<i32>,
        (refusal, look): (AfterRefusal, Option<Look>),
        wall: WallTime,
    ) -> Outcome {
        let id = self.found.attempts.get(&attempt).copied();
        if let Some(id) = id {
            self.change(id, wall, |m| {
                if !m.parts.take(part, state) {
                    return;
                }
                if state == PartState::Refused {
                    m.code = code;
                }
                match m.parts.attempt(m.sms, refusal) {
                    None => {}
                    Some(SmsAttempt::Waiting) => {
                        let waits = match refusal {
                            AfterRefusal::Wait(waits) => Some(waits),
                            AfterRefusal::Fail => None,
                        };
                        m.wait_in_pacing(waits);
                        m.look = look.map(LookAt::from);
                        // Recalled, or taken back, while the agent had it.
                        if matches!(m.ip, IpAttempt::Delivered(_)) || !m.is_wanted() {
                            m.leave_pacing(SmsAttempt::NotUsed);
                        }
                    }
                    Some(state) => m.sms = state,
                }
            });
        }
        Outcome::SmsPart {
            id,
            state: id
                .and_then(|id| self.outgoing.get(&id))
                .map_or(SmsAttempt::None, |m| m.sms),
            look: self.after.look,
            unblocked: self.after.unblocked,
        }
    }

    pub(super) fn settle_unknown(&mut self, id: MessageId, wall: WallTime) -> Outcome {
        if self.found.handed.contains(&id) {
            self.change(id, wall, |m| m.sms = SmsAttempt::Unconfirmed);
        }
        self.looks()
    }
}
