//! The outgoing side of the simulated store.

use twine_engine::message::{
    Direction, IpAttempt, MessageId, OrderKey, SentAs, Shown, SmsAttempt, TakeBack, content_of,
    shown,
};
use twine_engine::store_ops::{
    BootStamp, EventKind, NewOutgoing, Outcome, QueuedMessage, Released, ResumeItem, Unsettled,
};
use twine_engine::time::{Instant, WallTime};
use twine_proto::frame::{ReadMark, RevokeOutcome, SentState};
use twine_proto::{E164, Epoch, LaneSeq, Seq};

use super::{MemoryStore, Message};

impl MemoryStore {
    pub(super) fn enqueue(&mut self, new: &NewOutgoing, wall: WallTime) -> Outcome {
        let key = (new.client.clone(), new.token.clone());
        if let Some(id) = self.tokens.get(&key) {
            return Outcome::Repeated { id: *id };
        }
        let id = new.id;
        self.next_message = self.next_message.max(id.0 + 1);
        self.tokens.insert(key, id);
        let order = OrderKey {
            position: id.0,
            epoch: Epoch(0),
            lane_seq: LaneSeq(0),
        };
        let deadline = new
            .valid_for
            .map(|valid| (new.boot.boot, new.boot.at + valid));
        let message = Message {
            direction: Direction::Outgoing,
            own: new.own,
            peer: new.peer,
            text: Some(new.text.clone()),
            place: None,
            digest: None,
            ip: IpAttempt::None,
            take_back: None,
            read: false,
            shown: shown(IpAttempt::None, SmsAttempt::None, false),
            order,
            created: wall,
            changed: wall,
            age_s: 0,
            valid_for: new.valid_for,
            deadline,
            rejected: None,
        };
        self.event(EventKind::StateChanged, id, message.shown, wall);
        self.queued.insert((new.own, id));
        if let Some((_, at)) = deadline {
            self.deadlines.insert((at, id));
        }
        self.conversations
            .entry((new.own, new.peer))
            .or_default()
            .insert(order, id);
        self.messages.insert(id, message);
        Outcome::Enqueued { id }
    }

    pub(super) fn release(&mut self, id: MessageId, wall: WallTime) -> Outcome {
        let Some(message) = self.messages.get(&id) else {
            return Outcome::NotQueued;
        };
        let (own, peer, place) = (message.own, message.peer, message.place);
        if message.direction != Direction::Outgoing || message.ip != IpAttempt::None {
            return Outcome::NotQueued;
        }
        let Some(identity) = self.identity(own) else {
            return Outcome::NotQueued;
        };
        let Some(epoch) = identity.epoch else {
            return Outcome::NotQueued;
        };
        let seq = identity.next_seq;
        identity.next_seq = seq.next();
        let lane_seq = match place {
            Some((placed, lane_seq)) if placed == epoch => lane_seq,
            _ => {
                let lane = self
                    .lanes_out
                    .entry((own, peer))
                    .or_insert((epoch, LaneSeq(0)));
                if lane.0 != epoch {
                    *lane = (epoch, LaneSeq(0));
                }
                lane.1 = lane.1.next();
                lane.1
            }
        };
        self.places_out.insert((own, peer, epoch, lane_seq), id);
        self.released_as.insert((own, epoch, seq), id);
        self.change(id, wall, |message| {
            message.place = Some((epoch, lane_seq));
            message.ip = IpAttempt::InFlight(SentAs { epoch, seq });
        });
        self.released(id)
            .map_or(Outcome::NotQueued, Outcome::Released)
    }

    fn released(&self, id: MessageId) -> Option<Released> {
        let message = self.messages.get(&id)?;
        let sent = message.sent_as()?;
        Some(Released {
            id,
            own: message.own,
            peer: message.peer,
            epoch: sent.epoch,
            seq: sent.seq,
            lane_seq: message.place?.1,
            content: content_of(message.text.as_ref()?.expose()).encode(),
        })
    }

    pub(super) fn load_queued(&self, number: E164, limit: usize, max_bytes: usize) -> Outcome {
        let mut messages = Vec::new();
        let mut bytes = 0;
        let mut more = false;
        for (_, id) in self
            .queued
            .range((number, MessageId(0))..=(number, MessageId(u64::MAX)))
        {
            if messages.len() >= limit || bytes >= max_bytes && !messages.is_empty() {
                more = true;
                break;
            }
            let message = &self.messages[id];
            let text = message.text.as_ref().map_or("", |text| text.expose());
            let content_bytes = content_of(text).encode().as_bytes().len();
            bytes += content_bytes;
            messages.push(QueuedMessage {
                id: *id,
                peer: message.peer,
                content_bytes,
                deadline: message.deadline.map(|(_, at)| at),
            });
        }
        Outcome::Queued { messages, more }
    }

    pub(super) fn load_resume(&self, number: E164, after: Seq, limit: usize) -> Outcome {
        let held = self
            .identities
            .iter()
            .find(|identity| identity.number == number)
            .and_then(|identity| identity.epoch);
        let (mut in_flight, mut taking_back, mut more) = (Vec::new(), Vec::new(), false);
        for ((_, epoch, seq), id) in self
            .unsettled
            .range((number, Epoch(0), Seq(0))..=(number, Epoch(u32::MAX), Seq(u64::MAX)))
        {
            let message = &self.messages[id];
            match message.ip {
                IpAttempt::InFlight(_) if Some(*epoch) == held && *seq > after => {
                    if in_flight.len() == limit {
                        more = true;
                        continue;
                    }
                    if let Some(released) = self.released(*id) {
                        in_flight.push(ResumeItem {
                            released,
                            take_back: message.take_back.is_some(),
                        });
                    }
                }
                IpAttempt::Accepted(_) if message.take_back.is_some() && after == Seq(0) => {
                    taking_back.push((*epoch, *seq));
                }
                _ => {}
            }
        }
        Outcome::Resume {
            in_flight,
            more,
            taking_back,
        }
    }

    pub(super) fn unaccept(
        &mut self,
        number: E164,
        epoch: Epoch,
        high_water: Seq,
        wall: WallTime,
    ) -> Outcome {
        let lost: Vec<(Seq, MessageId)> = self
            .unsettled
            .range((number, epoch, high_water.next())..=(number, epoch, Seq(u64::MAX)))
            .map(|((_, _, seq), id)| (*seq, *id))
            .collect();
        for (seq, id) in lost {
            let sent = SentAs { epoch, seq };
            self.change(id, wall, |m| m.ip = IpAttempt::InFlight(sent));
        }
        Outcome::Done
    }

    pub(super) fn apply_sent(
        &mut self,
        number: E164,
        epoch: Epoch,
        state: &SentState,
        closed: bool,
        wall: WallTime,
    ) -> Outcome {
        let (mut settled, mut requeued) = (0, 0);
        for (seq, disposition) in &state.dispositions {
            if let Some(id) = self.unsettled.get(&(number, epoch, *seq)).copied() {
                self.change(id, wall, |m| {
                    m.ip = IpAttempt::after(*disposition, m.take_back);
                });
                settled += 1;
            }
        }
        for seq in &state.delivered {
            settled += u64::from(self.deliver(number, SentAs { epoch, seq: *seq }, wall));
        }
        let open: Vec<(Seq, MessageId)> = self
            .unsettled
            .range((number, epoch, Seq(0))..=(number, epoch, Seq(u64::MAX)))
            .map(|((_, _, seq), id)| (*seq, *id))
            .collect();
        for (seq, id) in open {
            if !matches!(self.messages[&id].ip, IpAttempt::InFlight(_)) {
                continue;
            }
            if seq <= state.high_water {
                let sent = SentAs { epoch, seq };
                self.change(id, wall, |m| m.ip = IpAttempt::Accepted(sent));
            } else if closed {
                if self.give_up(id, SentAs { epoch, seq }, wall) {
                    requeued += 1;
                } else {
                    settled += 1;
                }
            }
        }
        self.applied(number, settled, requeued)
    }

    /// A message that the gateway never took goes back to the queue, without a
    /// number; `false`: it was being taken back, and is.
    fn give_up(&mut self, id: MessageId, sent: SentAs, wall: WallTime) -> bool {
        if let Some(reason) = self.messages[&id].take_back {
            self.change(id, wall, |m| m.ip = IpAttempt::Revoked(reason));
            return false;
        }
        let message = &self.messages[&id];
        let (own, peer) = (message.own, message.peer);
        if let Some((epoch, lane_seq)) = message.place {
            self.places_out.remove(&(own, peer, epoch, lane_seq));
        }
        self.released_as.remove(&(own, sent.epoch, sent.seq));
        self.change(id, wall, |m| {
            m.ip = IpAttempt::None;
            m.place = None;
        });
        true
    }

    pub(super) fn close_epoch(
        &mut self,
        number: E164,
        epoch: Epoch,
        contested_from: Option<Seq>,
        wall: WallTime,
    ) -> Outcome {
        let (mut settled, mut requeued) = (0, 0);
        if let Some(identity) = self.identity(number)
            && identity.epoch == Some(epoch)
        {
            identity.epoch = None;
            let contested: Vec<(Seq, MessageId)> = contested_from
                .map(|from| {
                    self.unsettled
                        .range((number, epoch, from)..=(number, epoch, Seq(u64::MAX)))
                        .map(|((_, _, seq), id)| (*seq, *id))
                        .filter(|(_, id)| matches!(self.messages[id].ip, IpAttempt::InFlight(_)))
                        .collect()
                })
                .unwrap_or_default();
            for (seq, id) in contested {
                if self.give_up(id, SentAs { epoch, seq }, wall) {
                    requeued += 1;
                } else {
                    settled += 1;
                }
            }
        }
        self.applied(number, settled, requeued)
    }

    /// The receiver has it: that is a fact, and outweighs what the gateway
    /// concluded before, except that the receiver rejected it. Whether it was
    /// unsettled.
    fn deliver(&mut self, number: E164, sent: SentAs, wall: WallTime) -> bool {
        let key = (number, sent.epoch, sent.seq);
        if let Some(id) = self.unsettled.get(&key).copied() {
            self.change(id, wall, |m| m.ip = IpAttempt::Delivered(sent));
            return true;
        }
        let Some(id) = self.released_as.get(&key).copied() else {
            return false;
        };
        let concluded = self
            .messages
            .get(&id)
            .is_some_and(|m| m.ip.is_negative() && !matches!(m.ip, IpAttempt::Rejected(_)));
        if concluded {
            self.change(id, wall, |m| m.ip = IpAttempt::Delivered(sent));
        }
        false
    }

    fn applied(&self, number: E164, settled: u64, requeued: u64) -> Outcome {
        let lowest_unsettled = self
            .identities
            .iter()
            .find(|identity| identity.number == number)
            .and_then(|identity| self.position(identity).held)
            .map_or(Seq(1), |held| held.lowest_unsettled);
        Outcome::Applied {
            settled,
            requeued,
            lowest_unsettled,
        }
    }

    pub(super) fn apply_revoked(
        &mut self,
        number: E164,
        epoch: Epoch,
        results: &[(Seq, RevokeOutcome)],
        wall: WallTime,
    ) -> Outcome {
        let mut settled = 0;
        for (seq, outcome) in results {
            let sent = SentAs { epoch, seq: *seq };
            match outcome {
                // Of what was settled since, the outcome that came before this
                // answer is the more exact one.
                RevokeOutcome::AlreadyDelivered => {
                    let is_open = self.unsettled.contains_key(&(number, epoch, *seq));
                    if is_open && self.deliver(number, sent, wall) {
                        settled += 1;
                    }
                }
                RevokeOutcome::Revoked => {
                    if let Some(id) = self.unsettled.get(&(number, epoch, *seq)).copied() {
                        self.change(id, wall, |m| {
                            let reason = m.take_back.unwrap_or(TakeBack::Cancelled);
                            m.ip = IpAttempt::Revoked(reason);
                        });
                        settled += 1;
                    }
                }
                RevokeOutcome::InDoubt | RevokeOutcome::Forgotten => {}
            }
        }
        self.applied(number, settled, 0)
    }

    pub(super) fn cancel(&mut self, id: MessageId, wall: WallTime) -> Outcome {
        let Some(message) = self.messages.get(&id) else {
            return Outcome::NotFound;
        };
        let shown_now = Some(message.shown);
        if message.direction == Direction::Incoming {
            return Outcome::TooLate { shown: shown_now };
        }
        let cancelled = |m: &mut Message| m.take_back = Some(TakeBack::Cancelled);
        let revoked = IpAttempt::Revoked(TakeBack::Cancelled);
        match (message.ip, message.shown) {
            (IpAttempt::None, _) => {
                self.change(id, wall, |m| {
                    cancelled(m);
                    m.ip = revoked;
                });
                Outcome::TakenBack
            }
            (_, Shown::Failed(_)) => {
                self.change(id, wall, |m| {
                    cancelled(m);
                    m.ip = revoked;
                });
                Outcome::Done
            }
            (
                IpAttempt::InFlight(sent) | IpAttempt::Accepted(sent),
                Shown::Sending | Shown::Sent,
            ) => {
                let number = message.own;
                self.change(id, wall, cancelled);
                Outcome::MustRevoke(Unsettled {
                    number,
                    epoch: sent.epoch,
                    seq: sent.seq,
                })
            }
            _ => Outcome::TooLate { shown: shown_now },
        }
    }

    pub(super) fn retry(&mut self, id: MessageId, boot: BootStamp, wall: WallTime) -> Outcome {
        let Some(message) = self.messages.get(&id) else {
            return Outcome::NotFound;
        };
        if message.direction == Direction::Incoming
            || !matches!(message.shown, Shown::Failed(_) | Shown::Cancelled)
        {
            return Outcome::TooLate {
                shown: Some(message.shown),
            };
        }
        self.change(id, wall, |m| {
            m.ip = IpAttempt::None;
            m.take_back = None;
            m.deadline = m.valid_for.map(|valid| (boot.boot, boot.at + valid));
        });
        Outcome::Done
    }

    pub(super) fn rearm(&mut self, boot: BootStamp) -> Outcome {
        self.deadlines.clear();
        for (id, message) in &mut self.messages {
            let open = message.ip == IpAttempt::None || message.ip.unsettled().is_some();
            if message.direction != Direction::Outgoing || !open || message.take_back.is_some() {
                continue;
            }
            if let (Some(valid), Some((known, at))) = (message.valid_for, message.deadline) {
                let at = if known == boot.boot {
                    at
                } else {
                    boot.at + valid
                };
                message.deadline = Some((boot.boot, at));
                self.deadlines.insert((at, *id));
            }
        }
        Outcome::Deadline(self.next_deadline())
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    pub(super) fn expire(&mut self, boot: BootStamp, limit: usize, wall: WallTime) -> Outcome {
        let due: Vec<MessageId> = self
            .deadlines
            .iter()
            .take_while(|(at, _)| *at <= boot.at)
            .take(limit)
            .map(|(_, id)| *id)
            .collect();
        let (mut revoke, mut dropped) = (Vec::new(), 0);
        for id in due {
            let message = &self.messages[&id];
            let (own, sent) = (message.own, message.sent_as());
            self.change(id, wall, |m| {
                m.take_back = Some(TakeBack::Expired);
                if sent.is_none() {
                    m.ip = IpAttempt::Revoked(TakeBack::Expired);
                }
            });
            match sent {
                None => dropped += 1,
                Some(sent) => revoke.push(Unsettled {
                    number: own,
                    epoch: sent.epoch,
                    seq: sent.seq,
                }),
            }
        }
        Outcome::Expired {
            revoke,
            dropped,
            next: self.next_deadline(),
        }
    }

    pub(super) fn apply_read_by(&mut self, number: E164, mark: ReadMark, wall: WallTime) {
        let ids: Vec<MessageId> = self
            .places_out
            .range(
                (number, mark.peer, mark.epoch, LaneSeq(0))
                    ..=(number, mark.peer, mark.epoch, mark.upto),
            )
            .map(|(_, id)| *id)
            .filter(|id| {
                self.messages
                    .get(id)
                    .is_some_and(|m| !m.read && matches!(m.ip, IpAttempt::Delivered(_)))
            })
            .collect();
        for id in ids {
            self.change(id, wall, |m| m.read = true);
        }
    }
}
