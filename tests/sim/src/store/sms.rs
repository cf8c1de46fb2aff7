//! From the pacing queue to the agent, and what became of the parts.

use twine_engine::limits::SMS_PARTS_PER_WINDOW;
use twine_engine::message::{IpAttempt, MessageId, SmsAttempt, TakeBack, WaitsFor};
use twine_engine::parts::{AfterRefusal, AttemptId, PartState, PartStates};
use twine_engine::store_ops::{BootStamp, HandedSms, Look, Outcome, SmsJob};
use twine_engine::stricter_refusal;
use twine_engine::time::WallTime;
use twine_proto::{E164, Redacted};

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
            ip: message.ip,
            born: message.born,
        })
    }

    fn handed(&self, id: MessageId) -> Option<HandedSms> {
        Some(HandedSms {
            attempt: self.outgoing.get(&id)?.attempt?,
            job: self.job(id)?,
        })
    }

    pub(super) fn wake_sms_queue(&mut self, own: E164, wall: WallTime) -> Outcome {
        let queued: Vec<MessageId> = self.found.pacing.iter().copied().collect();
        for id in queued {
            if self.outgoing.get(&id).is_some_and(|m| m.own == own) {
                self.change(id, wall, |m| m.look_at_once());
            }
        }
        self.looks()
    }

    pub(super) fn hold_sms(&mut self, iccid: &Redacted<String>, wall: WallTime) -> Outcome {
        let queued: Vec<MessageId> = self.found.pacing.iter().copied().collect();
        for id in queued {
            let found = self.outgoing.get(&id);
            if found.is_some_and(|m| m.iccid.as_ref() == Some(iccid)) {
                self.change(id, wall, |m| {
                    m.waits_for = Some(WaitsFor::Home);
                    m.look_at_once();
                });
            }
        }
        self.looks()
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
                .filter(|id| self.is_with_agent(**id))
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
        let was_with_agent = id.is_some_and(|id| self.is_with_agent(id));
        if let Some(id) = id {
            self.change(id, wall, |m| {
                if !m.parts.take(part, state) {
                    return;
                }
                let (refusal, code) = stricter_refusal(m.code, (refusal, code));
                m.code = code.or(m.code);
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
                        } else if matches!(m.ip, IpAttempt::Accepted(_)) {
                            m.leave_pacing(SmsAttempt::None);
                            m.in_doubt = false;
                            m.take_back = m.take_back.filter(|why| *why != TakeBack::BySms);
                        }
                    }
                    Some(state) => m.sms = state,
                }
            });
        }
        self.sms_part(id, was_with_agent)
    }

    pub(super) fn settle_unknown(&mut self, id: MessageId, wall: WallTime) -> Outcome {
        let was_with_agent = self.is_with_agent(id);
        if self.found.handed.contains(&id) {
            self.change(id, wall, |m| m.sms = m.parts.overdue());
        }
        let known = self.outgoing.get(&id).is_some_and(|m| !m.is_note());
        self.sms_part(known.then_some(id), was_with_agent)
    }

    /// It has not told what became of each part.
    pub(super) fn is_with_agent(&self, id: MessageId) -> bool {
        let told = self.outgoing.get(&id).is_none_or(|m| m.parts.all_told());
        self.found.handed.contains(&id) && !told
    }

    fn sms_part(&self, id: Option<MessageId>, was_with_agent: bool) -> Outcome {
        let is_with_agent = id.is_some_and(|id| self.is_with_agent(id));
        let message = id.and_then(|id| self.outgoing.get(&id));
        let (ip, state) = message.map_or((IpAttempt::None, SmsAttempt::None), |m| (m.ip, m.sms));
        Outcome::SmsPart {
            id,
            state,
            ip,
            left_agent: was_with_agent && !is_with_agent,
            look: self.after.look,
            unblocked: self.after.unblocked,
        }
    }
}
