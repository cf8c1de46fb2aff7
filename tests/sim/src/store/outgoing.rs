//! From the app to the gateway: the queue of IP and what is in flight.

use twine_engine::message::{
    IpAttempt, LaneUse, MessageId, SentAs, SmsAttempt, WaitsFor, content_of, shown,
};
use twine_engine::parts::PartStates;
use twine_engine::store_ops::{
    BootStamp, EventKind, Look, NewOutgoing, Outcome, QueuedMessage, Released, ResumeItem,
};
use twine_engine::time::WallTime;
use twine_proto::{E164, Epoch, LaneSeq, Peer, Seq};

use super::MemoryStore;
use super::records::{END, LookAt, Outgoing, order_of_outgoing};

impl MemoryStore {
    pub(super) fn enqueue(&mut self, new: &NewOutgoing, wall: WallTime) -> Outcome {
        let key = (new.client.clone(), new.token.clone());
        if let Some(id) = self.tokens.get(&key) {
            return Outcome::Repeated { id: *id };
        }
        let id = new.id;
        let own = self.own(&new.sender, new.peer);
        self.tokens.insert(key, id);
        let message = Outgoing {
            text: Some(new.text.clone()),
            hash: twine_sms::fold::hash(new.text.expose()),
            shown: shown(IpAttempt::None, new.sms, false),
            sms: new.sms,
            wish: new.wish,
            undecided: !new.queue_for_ip,
            look: new.look.map(LookAt::from),
            valid_for: new.valid_for,
            deadline: new
                .valid_for
                .map(|valid| (new.boot.boot, new.boot.at + valid)),
            ..Outgoing::empty(own, new.peer, new.boot, wall)
        };
        self.add(id, message);
        self.show(own, new.peer, order_of_outgoing(id), id);
        self.event(EventKind::StateChanged, id, None, wall);
        Outcome::Enqueued { id }
    }

    pub(super) fn queue_for_ip(&mut self, id: MessageId, look: Look, wall: WallTime) -> Outcome {
        let free = |m: &Outgoing| {
            let in_pacing = m.ip == IpAttempt::None && m.sms == SmsAttempt::Waiting;
            m.is_queued() || in_pacing
        };
        if self.outgoing.get(&id).is_some_and(free) {
            self.change(id, wall, |m| {
                if m.sms == SmsAttempt::Waiting {
                    m.leave_pacing(SmsAttempt::None);
                }
                m.undecided = false;
                m.waits_for = None;
                m.look = Some(look.into());
            });
        }
        self.looks()
    }

    pub(super) fn release(
        &mut self,
        id: MessageId,
        look: Option<Look>,
        boot: BootStamp,
        wall: WallTime,
    ) -> Outcome {
        let Some(message) = self.outgoing.get(&id) else {
            return Outcome::NotQueued;
        };
        if !message.is_queued_for_ip() {
            return Outcome::NotQueued;
        }
        let (own, peer, place) = (message.own, message.peer, message.place);
        let to = match peer {
            Peer::Number(to) if !self.speaks_against_ip(message, boot) => to,
            _ => {
                self.change(id, wall, |m| {
                    m.undecided = true;
                    m.look_at_once();
                });
                return Outcome::NotByIp {
                    look: self.after.look,
                };
            }
        };
        let before = self.before(own, peer, id);
        if before >= LaneUse::QueuedForIp {
            return Outcome::NotByIp { look: None };
        }
        let Some(epoch) = self.held_epoch(own) else {
            return Outcome::NotQueued;
        };
        let sent = SentAs {
            epoch,
            seq: self.take_seq(own),
        };
        let lane_seq = self.take_place(own, peer, epoch, place);
        self.places_out.insert((own, to, epoch, lane_seq), id);
        self.released_as.insert((own, epoch, sent.seq), id);
        // If the receiver has it already, its note would not be read.
        let again = place.is_some_and(|(of, _)| of == epoch);
        let note = if again {
            Vec::new()
        } else {
            self.write_note(own, to, sent, lane_seq)
        };
        self.change(id, wall, |m| {
            m.place = Some((epoch, lane_seq));
            m.ip = IpAttempt::InFlight(sent);
            m.note = note;
            m.look = look.map(LookAt::from);
            m.waits_for = None;
            m.in_doubt = false;
            m.away = false;
        });
        self.released(id)
            .map_or(Outcome::NotQueued, Outcome::Released)
    }

    /// An unsettled message as it travels, the same each time.
    pub(super) fn released(&self, id: MessageId) -> Option<Released> {
        let message = self.outgoing.get(&id)?;
        let sent = message.ip.unsettled()?;
        let text = message.text.as_ref().map_or("", |text| text.expose());
        Some(Released {
            id,
            own: message.own,
            peer: message.peer.number()?,
            epoch: sent.epoch,
            seq: sent.seq,
            lane_seq: message.place.map_or(LaneSeq(0), |(_, lane_seq)| lane_seq),
            content: content_of(text, message.note.clone()).encode(),
        })
    }

    pub(super) fn load_queued(&self, number: E164, limit: usize, max_bytes: usize) -> Outcome {
        let mut messages = Vec::new();
        let mut bytes = 0;
        let mut more = false;
        for (_, id) in self
            .found
            .for_ip
            .range((number, MessageId(0))..=(number, MessageId(u64::MAX)))
        {
            let Some(message) = self.outgoing.get(id) else {
                continue;
            };
            if self.before(number, message.peer, *id) == LaneUse::Blocks {
                continue;
            }
            // Its user knows that IP does not reach a name.
            if message.peer.number().is_none() && message.waits_for == Some(WaitsFor::User) {
                continue;
            }
            if messages.len() >= limit || bytes >= max_bytes && !messages.is_empty() {
                more = true;
                break;
            }
            let text = message.text.as_ref().map_or("", |text| text.expose());
            let content_bytes = content_of(text, Vec::new()).encode().as_bytes().len();
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
        let unsettled = &self.found.unsettled;
        let mut in_flight = Vec::new();
        let mut more = false;
        if let Some(epoch) = self.held_epoch(number) {
            for id in unsettled
                .range((number, epoch, after.next())..=(number, epoch, END))
                .map(|(_, id)| *id)
            {
                let Some(message) = self.outgoing.get(&id) else {
                    continue;
                };
                if !matches!(message.ip, IpAttempt::InFlight(_)) {
                    continue;
                }
                if in_flight.len() == limit {
                    more = true;
                    break;
                }
                let take_back = message.take_back.is_some();
                in_flight.extend(self.released(id).map(|released| ResumeItem {
                    released,
                    take_back,
                }));
            }
        }
        let mut taking_back = Vec::new();
        if after == Seq(0) {
            let all = (number, Epoch(0), Seq(0))..=(number, Epoch(u32::MAX), END);
            for (&(_, epoch, seq), id) in unsettled.range(all) {
                let asked = self.outgoing.get(id).is_some_and(|message| {
                    matches!(message.ip, IpAttempt::Accepted(_)) && message.take_back.is_some()
                });
                if asked {
                    taking_back.push((epoch, seq));
                }
            }
        }
        Outcome::Resume {
            in_flight,
            more,
            taking_back,
        }
    }
}

impl Outgoing {
    /// In no attempt, open for both, without a wish.
    pub(super) fn empty(own: E164, peer: Peer, born: BootStamp, wall: WallTime) -> Self {
        Self {
            own,
            peer,
            text: None,
            hash: 0,
            created: wall,
            changed: wall,
            shown: shown(IpAttempt::None, SmsAttempt::None, false),
            read: false,
            place: None,
            ip: IpAttempt::None,
            take_back: None,
            lane_ended: false,
            in_doubt: false,
            away: false,
            note: Vec::new(),
            noted: None,
            closed_as: None,
            sms: SmsAttempt::None,
            iccid: None,
            marked: false,
            attempt: None,
            parts: PartStates::default(),
            code: None,
            left_before: false,
            wish: None,
            waits_for: None,
            undecided: false,
            look: None,
            born,
            valid_for: None,
            deadline: None,
        }
    }

    /// Neither channel has it.
    pub(super) fn is_queued(&self) -> bool {
        !self.is_note()
            && self.ip == IpAttempt::None
            && matches!(self.sms, SmsAttempt::None | SmsAttempt::NotUsed)
    }

    /// The pacing queue gives it back.
    pub(super) fn leave_pacing(&mut self, sms: SmsAttempt) {
        self.sms = sms;
        self.iccid = None;
        self.marked = false;
        self.waits_for = None;
    }

    /// Waits in the pacing queue for this.
    pub(super) fn wait_in_pacing(&mut self, waits: Option<WaitsFor>) {
        self.sms = SmsAttempt::Waiting;
        self.attempt = None;
        self.parts = PartStates::default();
        self.waits_for = waits;
    }
}
