//! Messages of which something is to be decided, and the decisions that begin no
//! attempt.

use twine_engine::message::{IpAttempt, LaneUse, MessageId, SmsAttempt, TakeBack, WaitsFor};
use twine_engine::settings::Settings;
use twine_engine::store_ops::{BootStamp, Considered, Look, Outcome, Unsettled};
use twine_engine::time::{Instant, WallTime};
use twine_proto::{E164, Redacted};

use super::MemoryStore;
use super::records::{LookAt, Outgoing};

impl MemoryStore {
    pub(super) fn load_due(&self, boot: BootStamp, limit: usize) -> Outcome {
        let mut due = self.found.looks.iter();
        let messages = due
            .by_ref()
            .take_while(|(at, _)| *at <= boot.at)
            .take(limit)
            .filter_map(|(_, id)| self.considered(*id, boot))
            .collect::<Vec<_>>();
        // What ends the page may have been taken from the iterator: ask again.
        let next = self
            .found
            .looks
            .iter()
            .nth(messages.len())
            .map(|(at, _)| *at);
        Outcome::Due { messages, next }
    }

    fn considered(&self, id: MessageId, boot: BootStamp) -> Option<Considered> {
        let message = self.outgoing.get(&id)?;
        let (own, peer) = (message.own, message.peer);
        Some(Considered {
            id,
            own,
            peer,
            text: message.text.clone()?,
            ip: message.ip,
            sms: message.sms,
            take_back: message.take_back,
            in_doubt: message.in_doubt,
            away: message.away,
            sms_left_before: message.left_before,
            wish: message.wish,
            waits_for: message.waits_for,
            born: message.born.at,
            before: self.before(own, peer, id),
            conversation: self.conversation_facts(own, peer, boot),
        })
    }

    pub(super) fn wake(&mut self, waits: WaitsFor, own: Option<E164>, wall: WallTime) -> Outcome {
        let waiting: Vec<MessageId> = match own {
            Some(own) => self
                .found
                .waiting_for
                .range((waits, own, MessageId(0))..=(waits, own, MessageId(u64::MAX)))
                .map(|(.., id)| *id)
                .collect(),
            None => self
                .found
                .waiting_for
                .iter()
                .filter(|(what, ..)| *what == waits)
                .map(|(.., id)| *id)
                .collect(),
        };
        for id in waiting {
            self.change(id, wall, Outgoing::look_at_once);
        }
        self.looks()
    }

    pub(super) fn wait(
        &mut self,
        id: MessageId,
        seen: (IpAttempt, SmsAttempt),
        (waits, look): (Option<WaitsFor>, Option<Look>),
        wall: WallTime,
    ) -> Outcome {
        if self.is_as_seen(id, seen) {
            let at_once = waits.is_none()
                && look.is_none()
                && seen.1 == SmsAttempt::None
                && self.outgoing.get(&id).is_some_and(|m| {
                    let before = self.before(m.own, m.peer, id);
                    m.may_be_looked_at() && before == LaneUse::Free
                });
            self.change(id, wall, |m| {
                m.waits_for = waits;
                m.look = look.map(LookAt::from);
                if at_once {
                    m.look_at_once();
                }
            });
            if at_once {
                self.nominated(Some(Instant(0)));
            }
        }
        self.looks()
    }

    /// Nothing happened to its attempts since they were read.
    pub(super) fn is_as_seen(&self, id: MessageId, seen: (IpAttempt, SmsAttempt)) -> bool {
        self.outgoing
            .get(&id)
            .is_some_and(|m| !m.is_note() && (m.ip, m.sms) == seen)
    }

    pub(super) fn rule_out_sms(&mut self, id: MessageId, wall: WallTime) -> Outcome {
        if self
            .outgoing
            .get(&id)
            .is_some_and(|m| !m.is_note() && m.sms == SmsAttempt::None)
        {
            self.change(id, wall, |m| {
                // Not on IP: it goes into the queue of IP; what was asked back to go by
                // SMS once more.
                m.sms = SmsAttempt::NotUsed;
                if m.ip == IpAttempt::Revoked(TakeBack::BySms) {
                    m.ip = IpAttempt::None;
                }
                m.waits_for = None;
                m.look = None;
            });
        }
        self.looks()
    }

    pub(super) fn ask_back(&mut self, id: MessageId, look: Look, wall: WallTime) -> Outcome {
        let open = self
            .outgoing
            .get(&id)
            .filter(|m| !m.is_note())
            .and_then(|m| Some((m.own, m.ip.unsettled()?)));
        let Some((number, sent)) = open else {
            return self.looks();
        };
        self.change(id, wall, |m| {
            if m.take_back.is_none() {
                m.take_back = Some(TakeBack::BySms);
            }
            m.waits_for = None;
            m.look = Some(look.into());
        });
        Outcome::MustRevoke(Unsettled {
            number,
            epoch: sent.epoch,
            seq: sent.seq,
        })
    }

    pub(super) fn release_sms(
        &mut self,
        id: MessageId,
        seen: (IpAttempt, SmsAttempt),
        (iccid, marked): (&Redacted<String>, bool),
        settings: &Settings,
        wall: WallTime,
    ) -> Outcome {
        let Some(message) = self.outgoing.get(&id) else {
            return self.looks();
        };
        let (own, peer, place, ip) = (message.own, message.peer, message.place, message.ip);
        if !self.is_as_seen(id, seen)
            || message.sms != SmsAttempt::None
            || !message.is_open()
            || !message.is_wanted()
        {
            return self.looks();
        }
        if self.set_for(own, peer) != *settings {
            self.change(id, wall, Outgoing::look_at_once);
            return self.looks();
        }
        if self.before(own, peer, id) != LaneUse::Free {
            self.change(id, wall, |m| m.look = None);
            return self.looks();
        }
        // A copy by IP that may still arrive keeps its name.
        let place = match (self.held_epoch(own), peer.number()) {
            (Some(epoch), Some(to)) if ip.unsettled().is_none() => {
                let lane_seq = self.take_place(own, peer, epoch, place);
                self.places_out.insert((own, to, epoch, lane_seq), id);
                Some((epoch, lane_seq))
            }
            _ => place,
        };
        self.change(id, wall, |m| {
            m.place = place;
            m.undecided = true;
            m.wait_in_pacing(None);
            m.iccid = Some(iccid.clone());
            m.marked = marked;
            m.look = None;
            if m.ip.unsettled().is_some() {
                m.take_back = Some(TakeBack::BySms);
            }
        });
        Outcome::SmsQueued {
            lane_seq: place.map(|(_, lane_seq)| lane_seq),
        }
    }
}
