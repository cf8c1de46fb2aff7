//! What the daemon knows, in the words of the control protocol.
//!
//! Owns the difference between who may see numbers and texts and who may not.
//! Decides nothing else.

mod choices;
mod data;

use twine_engine::link::{LinkKind, Vpn};
use twine_engine::message::{
    Channel, Direction, IpAttempt, MessageRecord, OrderKey, SentAs, Shown, SmsAttempt, WaitsFor,
};
use twine_engine::status::{IdentityView, LinkView, SessionView, SimView, StatusView};
use twine_engine::store_ops::{EventKind, EventRecord};
use twine_engine::time::{Instant, Now};
use twine_engine::{CommandError, Notice, Reply, TransportKind};
use twine_proto::control_pb::{self as pb, ErrorCode, reply};
use twine_proto::{E164, MessageName, Peer, Redacted};

pub(super) use self::choices::order;
use self::choices::{previewed, settings};
use super::story;
use crate::clock::millis;
use crate::limits::MAX_PAGE_BYTES;
use crate::reads::{Conversation, Page};

/// Who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// The user's own app: everything.
    Full,
    /// A technician: no texts, card numbers or tokens, masked numbers and names.
    Masked,
}

impl View {
    fn number(self, number: E164) -> String {
        match self {
            Self::Full => number.expose(),
            Self::Masked => format!("{number:?}"),
        }
    }

    fn peer(self, peer: Peer) -> String {
        match (self, peer) {
            (_, Peer::Number(number)) => self.number(number),
            (Self::Full, Peer::Name(name)) => name.expose().to_owned(),
            (Self::Masked, Peer::Name(name)) => format!("{name:?}"),
        }
    }

    fn name(self, name: MessageName) -> String {
        match self {
            Self::Full => name.expose(),
            Self::Masked => format!(
                "{:?}.{}>{:?}#{}",
                name.from, name.epoch, name.to, name.lane_seq
            ),
        }
    }

    fn secret(self, text: Option<&Redacted<String>>) -> String {
        match self {
            Self::Full => text.map(|text| text.expose().clone()).unwrap_or_default(),
            Self::Masked => String::new(),
        }
    }

    /// A message.
    #[must_use]
    pub(super) fn message(self, record: &MessageRecord) -> pb::Message {
        pb::Message {
            message_id: record.id.0,
            direction: match record.direction {
                Direction::Outgoing => pb::Direction::Outgoing,
                Direction::Incoming => pb::Direction::Incoming,
            }
            .into(),
            own: self.number(record.own),
            peer: self.peer(record.peer),
            text: self.secret(record.text.as_ref()),
            state: state(record.shown).into(),
            order: Some(order_key(record.order)),
            name: record.name.map(|name| self.name(name)).unwrap_or_default(),
            created_wall_ms: record.created.0,
            changed_wall_ms: record.changed.0,
            failure: match record.shown {
                Shown::Failed(failure) => failure.word().to_owned(),
                _ => String::new(),
            },
            ip: match record.direction {
                Direction::Outgoing => Some(ip_attempt(record)),
                Direction::Incoming => None,
            },
            age_s: record.age_s,
            sms: self.sms_attempt(record),
            waits_for: record.waits_for.map_or("", WaitsFor::word).to_owned(),
            copy_of: record.copy_of.map_or(0, |root| root.0),
            came_by: match record.direction {
                Direction::Outgoing => pb::Channel::Unspecified,
                Direction::Incoming => channel(record.came_by),
            }
            .into(),
            late: record.late,
        }
    }

    /// Of outgoing messages that took it or may, and of incoming ones that came
    /// by it.
    fn sms_attempt(self, record: &MessageRecord) -> Option<pb::SmsAttempt> {
        let sms = &record.sms;
        if record.direction == Direction::Incoming && record.came_by == Channel::Ip {
            return None;
        }
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Some(pb::SmsAttempt {
            state: match (record.direction, sms.state) {
                (Direction::Incoming, _) => "",
                (_, SmsAttempt::None) => "none",
                (_, SmsAttempt::NotUsed) => "not_used",
                (_, SmsAttempt::Waiting) => "waiting",
                (_, SmsAttempt::Handed) => "handed",
                (_, SmsAttempt::Sent) => "sent",
                (_, SmsAttempt::Delivered) => "delivered",
                (_, SmsAttempt::Unconfirmed) => "unconfirmed",
                (_, SmsAttempt::Failed) => "failed",
            }
            .to_owned(),
            parts: count(sms.parts.len()),
            parts_sent: count(sms.parts.sent()),
            parts_delivered: count(sms.parts.delivered()),
            iccid: self.secret(sms.iccid.as_ref()),
            marked: sms.marked,
            code: sms.code.unwrap_or(0),
            scts_ms: sms.scts_ms,
        })
    }

    /// A logged event with its message.
    #[must_use]
    pub(super) fn event(self, event: &EventRecord, message: Option<&MessageRecord>) -> pb::Event {
        pb::Event {
            cursor: event.cursor.0,
            kind: match event.kind {
                EventKind::Received => pb::EventKind::MessageReceived,
                EventKind::StateChanged => pb::EventKind::MessageStateChanged,
                EventKind::Merged => pb::EventKind::Merged,
                EventKind::Unmerged => pb::EventKind::Unmerged,
                EventKind::Reordered => pb::EventKind::Reordered,
            }
            .into(),
            into: event.into.map_or(0, |other| other.0),
            message: message.map(|record| self.message(record)),
            state: state(event.shown).into(),
            wall_ms: event.wall.0,
            ..Default::default()
        }
    }

    /// A passing event.
    #[must_use]
    pub(super) fn notice(self, notice: &Notice, now: Now) -> pb::Event {
        let mut event = pb::Event {
            wall_ms: now.wall.0,
            ..Default::default()
        };
        match notice {
            Notice::PeerTyping { own, typing } => {
                event.set_kind(pb::EventKind::PeerTyping);
                event.own = self.number(*own);
                event.peer = self.number(typing.peer);
                event.stopped = typing.stopped;
            }
            Notice::Identity { number, state } => {
                event.set_kind(pb::EventKind::IdentityChanged);
                event.own = self.number(*number);
                event.detail = (*state).to_owned();
            }
        }
        event
    }

    /// A page, cut to fit a frame.
    #[must_use]
    pub(super) fn page(self, page: &Page) -> reply::Kind {
        match page {
            Page::Message(Some(record)) => reply::Kind::Message(self.message(record)),
            Page::Message(None) => error(ErrorCode::NotFound, "no such message".to_owned()),
            Page::Messages { messages, more } => {
                let (messages, cut) = fitting(messages, |record| self.message(record));
                reply::Kind::Messages(pb::Messages {
                    messages,
                    more: *more || cut,
                })
            }
            Page::Story(Some(story)) => reply::Kind::Story(pb::Story {
                message: Some(self.message(&story.message)),
                lines: story::lines(story),
            }),
            Page::Story(None) => error(ErrorCode::NotFound, "no such message".to_owned()),
            Page::Conversations(conversations) => {
                let (conversations, _) = fitting(conversations, |one| self.conversation(one));
                reply::Kind::Conversations(pb::Conversations { conversations })
            }
            // Events are pushed, never a reply.
            Page::Events { .. } => error(ErrorCode::Internal, "events are no reply".to_owned()),
        }
    }

    fn conversation(self, conversation: &Conversation) -> pb::Conversation {
        pb::Conversation {
            own: self.number(conversation.last.own),
            peer: self.peer(conversation.last.peer),
            last: Some(self.message(&conversation.last)),
            count: conversation.count,
        }
    }

    fn identity(self, view: &IdentityView) -> pb::IdentityStatus {
        pb::IdentityStatus {
            number: self.number(view.number),
            epoch: view.epoch.map_or(0, |epoch| epoch.0),
            state: view.state.to_owned(),
            next_seq: view.next_seq.0,
            // The store keeps it; the engine's view does not carry it.
            lowest_unsettled: 0,
            cursor: view.cursor.0,
            iccid: self.secret(view.iccid.as_ref()),
        }
    }

    fn sim(self, view: &SimView, now: Instant) -> pb::SimStatus {
        let sim = &view.sim;
        pb::SimStatus {
            sim: Some(pb::Sim {
                slot: sim.slot.into(),
                iccid: self.secret(Some(&sim.iccid)),
                number: sim
                    .number
                    .map(|number| self.number(number))
                    .unwrap_or_default(),
                mcc_mnc: sim.mcc_mnc.to_string(),
                ready: sim.ready,
                subscription_id: sim.subscription_id,
                operator: sim.operator.to_string(),
                in_service: sim.in_service,
                roaming: sim.roaming,
                default_sms: sim.default_sms,
                radio_off: sim.radio_off,
                ..data::of(sim.data)
            }),
            age_ms: millis(now.since(view.reported)),
        }
    }

    /// The engine's state; what only the daemon knows is left out.
    #[must_use]
    pub(super) fn status(self, view: &StatusView, now: Instant) -> pb::Status {
        pb::Status {
            identities: view
                .identities
                .iter()
                .map(|one| self.identity(one))
                .collect(),
            session: Some(session(&view.session, &view.links, now)),
            queued: view.queued,
            in_flight: view.in_flight,
            undelivered: view.outbox,
            sims: view.sims.iter().map(|one| self.sim(one, now)).collect(),
            agent: view.agent,
            sms_handed: view.sms_handed,
            counters: view
                .counters
                .iter()
                .map(|&(name, value)| pb::Counter {
                    name: name.to_owned(),
                    value,
                })
                .collect(),
            ..Default::default()
        }
    }
}

/// Converts until a page's bytes are reached; whether something was cut off.
fn fitting<T, M: prost::Message>(items: &[T], convert: impl Fn(&T) -> M) -> (Vec<M>, bool) {
    let mut bytes = 0;
    let mut page = Vec::with_capacity(items.len());
    for item in items {
        if bytes >= MAX_PAGE_BYTES {
            return (page, true);
        }
        let item = convert(item);
        bytes += item.encoded_len();
        page.push(item);
    }
    (page, false)
}

/// The log goes on behind `resync_from`. Acknowledging this event, like any
/// other, moves the client to where the oldest event kept is the next.
#[must_use]
pub(super) fn resync(resync_from: u64, now: Now) -> pb::Event {
    pb::Event {
        cursor: resync_from,
        kind: pb::EventKind::Resync.into(),
        resync_from,
        wall_ms: now.wall.0,
        ..Default::default()
    }
}

/// The links as last reported.
#[must_use]
pub(super) fn links(view: &StatusView, now: Instant) -> pb::Links {
    pb::Links {
        links: view.links.iter().map(|one| link(one, now)).collect(),
    }
}

/// The engine's answer. `device_key`: what a number has to be provisioned for.
/// `ClientOpen` is not among them: see `server.rs`.
#[must_use]
pub(super) fn reply(reply: Reply, device_key: &str) -> reply::Kind {
    match reply {
        Reply::Done => reply::Kind::Done(pb::Done {}),
        Reply::Sent { id, repeated } => reply::Kind::Sent(pb::Sent {
            message_id: id.0,
            repeated,
        }),
        Reply::Registered { number, epoch } => reply::Kind::Registered(pb::Registered {
            number: number.expose(),
            epoch: epoch.map_or(0, |epoch| epoch.0),
            device_key: device_key.to_owned(),
        }),
        Reply::Peers(peers) => reply::Kind::Peers(pb::Peers {
            peers: peers
                .into_iter()
                .map(|peer| pb::Peer {
                    number: peer.number.expose(),
                    reachable: peer.reachable,
                    features: peer.features,
                    valid_s: peer.valid_s,
                })
                .collect(),
        }),
        Reply::Previewed(preview) => reply::Kind::Previewed(previewed(&preview)),
        Reply::Settings {
            set,
            effective,
            reach,
            sim_number,
        } => reply::Kind::Settings(settings(&set, &effective, reach, sim_number)),
        Reply::ClientOpen { cursor, latest } => reply::Kind::Subscribed(pb::Subscribed {
            cursor: cursor.0,
            latest: latest.0,
        }),
        Reply::Error(command_error) => {
            let code = match command_error {
                CommandError::Busy(_) | CommandError::NotYet(_) => ErrorCode::Busy,
                CommandError::NotFound(_) => ErrorCode::NotFound,
                CommandError::NoIdentity(_) | CommandError::TooLate(_) | CommandError::Offline => {
                    ErrorCode::FailedPrecondition
                }
                CommandError::Invalid(_) => ErrorCode::InvalidArgument,
            };
            error(code, command_error.to_string())
        }
    }
}

/// An error as reply.
#[must_use]
pub(super) fn error(code: ErrorCode, message: String) -> reply::Kind {
    reply::Kind::Error(pb::Error {
        code: code.into(),
        message,
    })
}

const fn state(shown: Shown) -> pb::MessageState {
    match shown {
        Shown::Queued => pb::MessageState::Queued,
        Shown::Sending => pb::MessageState::Sending,
        Shown::Sent => pb::MessageState::Sent,
        Shown::Delivered => pb::MessageState::Delivered,
        Shown::Read => pb::MessageState::Read,
        Shown::Failed(_) => pb::MessageState::Failed,
        Shown::Cancelled => pb::MessageState::Cancelled,
        Shown::Received => pb::MessageState::Received,
        Shown::Unreadable => pb::MessageState::Unreadable,
        Shown::Conflicting => pb::MessageState::Conflicting,
    }
}

const fn channel(channel: Channel) -> pb::Channel {
    match channel {
        Channel::Ip => pb::Channel::Ip,
        Channel::Sms => pb::Channel::Sms,
    }
}

const fn order_key(key: OrderKey) -> pb::OrderKey {
    pb::OrderKey {
        position: key.position,
        epoch: key.epoch.0,
        lane_seq: key.lane_seq.0,
    }
}

fn ip_attempt(record: &MessageRecord) -> pb::IpAttempt {
    let (state, sent) = match record.ip {
        IpAttempt::None => ("none", None),
        IpAttempt::InFlight(sent) => ("in_flight", Some(sent)),
        IpAttempt::Accepted(sent) => ("accepted", Some(sent)),
        IpAttempt::Delivered(sent) => ("delivered", Some(sent)),
        IpAttempt::Refused(_) => ("refused", None),
        IpAttempt::Revoked(_) => ("revoked", None),
        IpAttempt::Expired => ("expired", None),
        IpAttempt::Rejected(_) => ("rejected", None),
    };
    pb::IpAttempt {
        state: state.to_owned(),
        seq: sent.map_or(0, |SentAs { seq, .. }| seq.0),
        epoch: sent.map_or(0, |SentAs { epoch, .. }| epoch.0),
        revoking: record.take_back.is_some() && record.ip.unsettled().is_some(),
    }
}

fn session(view: &SessionView, links: &[LinkView], now: Instant) -> pb::SessionStatus {
    let network = links
        .iter()
        .find(|one| view.link.as_ref() == Some(&one.link.id))
        .map(|one| one.link.network.to_string());
    pb::SessionStatus {
        state: view.state.to_owned(),
        transport: match view.transport {
            Some(TransportKind::Quic) => "quic",
            Some(TransportKind::Tls) => "tls",
            None => "",
        }
        .to_owned(),
        link: view
            .link
            .as_ref()
            .map(|link| link.0.to_string())
            .unwrap_or_default(),
        session_no: view.session_no.0,
        since_ms: millis(now.since(view.since)),
        rtt_ms: view.rtt.map_or(0, millis),
        reason: view.reason.to_owned(),
        next_attempt_ms: view.next_attempt.map_or(0, |at| millis(at.since(now))),
        heartbeat: view.heartbeat.map(|heartbeat| pb::HeartbeatStatus {
            interval_ms: millis(heartbeat.interval),
            survived_ms: heartbeat.survived.map_or(0, millis),
            failed_ms: heartbeat.failed.map_or(0, millis),
            reason: heartbeat.reason.to_owned(),
            network: network.unwrap_or_default(),
        }),
    }
}

fn link(view: &LinkView, now: Instant) -> pb::LinkStatus {
    let link = &view.link;
    let (kind, sim_slot) = match link.kind {
        LinkKind::Wifi => (pb::LinkKind::Wifi, 0),
        LinkKind::Ethernet => (pb::LinkKind::Ethernet, 0),
        LinkKind::Cellular { sim_slot } => (pb::LinkKind::Cellular, sim_slot),
    };
    let generation = data::generation(link.generation);
    let vpn = match link.vpn {
        Vpn::None => pb::Vpn::None,
        Vpn::Tunnel => pb::Vpn::Tunnel,
        Vpn::LockedOut => pb::Vpn::LockedOut,
    };
    pb::LinkStatus {
        link: Some(pb::Link {
            id: link.id.0.to_string(),
            kind: kind.into(),
            sim_slot: sim_slot.into(),
            up: link.up,
            validated: link.validated,
            metered: link.metered,
            roaming: link.roaming,
            generation: generation.into(),
            network: link.network.to_string(),
            network_handle: link.binding.network_handle.unwrap_or(0),
            source_address: link
                .binding
                .source_address
                .map(|address| address.to_string())
                .unwrap_or_default(),
            interface: link
                .binding
                .interface
                .as_deref()
                .unwrap_or_default()
                .to_owned(),
            signal_dbm: link.signal_dbm.unwrap_or(0),
            vpn: vpn.into(),
        }),
        carries_session: view.carries_session,
        reason: view.reason.to_owned(),
        age_ms: millis(now.since(view.reported)),
    }
}

#[cfg(test)]
mod tests;
