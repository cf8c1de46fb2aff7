//! From a request's fields to types: a command for the engine, a read, or what
//! is wrong with which field.
//!
//! Knows nothing of roles and connections. Every text and number that a client
//! chose is checked here and nowhere else.

use std::time::Duration;

use thiserror::Error;
use twine_engine::Command;
use twine_engine::message::{Channel, MessageId, OrderKey};
use twine_engine::settings::{Fallback, Mode, Settings};
use twine_engine::store_ops::{ClientName, EventCursor, Token};
use twine_proto::control::parse_token;
use twine_proto::control_pb::{self as pb, ErrorCode, request};
use twine_proto::{Content, E164, Epoch, LaneSeq, Peer, Redacted};

use crate::limits::{DEFAULT_PAGE, MAX_ICCID_BYTES, MAX_LOOKUP_NUMBERS, MAX_PAGE};
use crate::reads::Read;

/// What a request asks for.
#[derive(Debug)]
pub(super) enum Action {
    /// The engine decides.
    Command(Command),
    /// The store knows.
    Read(Read),
    /// A view of the engine.
    Status,
    /// A view of the links.
    Links,
}

/// Why a request cannot be carried out as it is.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum RequestError {
    /// A field does not hold what it has to.
    #[error("{field}: {reason}")]
    Field {
        /// With its request, as in `control.proto`.
        field: &'static str,
        /// What is wrong and what is allowed; never the value itself.
        reason: String,
    },
    /// Binding a number costs money and tells the gateway about the user.
    #[error("register.consent: the user has to agree before a number is bound to this device")]
    NoConsent,
}

impl RequestError {
    /// What is wrong, without the field.
    #[must_use]
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Field { reason, .. } => reason.clone(),
            Self::NoConsent => self.to_string(),
        }
    }

    /// The code for programs.
    #[must_use]
    pub(super) const fn code(&self) -> ErrorCode {
        match self {
            Self::Field { .. } => ErrorCode::InvalidArgument,
            Self::NoConsent => ErrorCode::FailedPrecondition,
        }
    }
}

/// Checks a request of this client.
pub(super) fn parse(kind: request::Kind, client: &ClientName) -> Result<Action, RequestError> {
    use request::Kind;
    let action = match kind {
        Kind::Send(send) => Action::Command(parse_send(send, client)?),
        Kind::Cancel(pb::Cancel { message_id }) => {
            Action::Command(Command::Cancel(message("cancel.message_id", message_id)?))
        }
        Kind::Retry(retry) => Action::Command(Command::Retry {
            id: message("retry.message_id", retry.message_id)?,
            by: channel("retry.channel", retry.channel)?,
        }),
        Kind::MarkRead(pb::MarkRead { message_id }) => Action::Command(Command::MarkRead(message(
            "mark_read.message_id",
            message_id,
        )?)),
        Kind::Typing(typing) => Action::Command(Command::Typing {
            from: own_number("typing.from", &typing.from)?,
            to: number("typing.to", &typing.to)?,
            stopped: typing.stopped,
        }),
        Kind::History(history) => Action::Read(Read::History {
            own: number("history.own", &history.own)?,
            peer: peer("history.peer", &history.peer)?,
            before: history.before.as_ref().map(order_key),
            limit: page("history.limit", history.limit)?,
        }),
        Kind::Show(pb::GetMessage { message_id }) => {
            Action::Read(Read::Message(message("show.message_id", message_id)?))
        }
        Kind::Outbox(outbox) => Action::Read(Read::Outbox {
            after: MessageId(outbox.after),
            limit: page("outbox.limit", outbox.limit)?,
        }),
        Kind::Status(pb::GetStatus {}) => Action::Status,
        Kind::Links(pb::GetLinks {}) => Action::Links,
        Kind::Subscribe(pb::Subscribe { from_now }) => Action::Command(Command::OpenClient {
            client: client.clone(),
            from_now,
        }),
        Kind::AckEvents(pb::AckEvents { cursor }) => Action::Command(Command::AckEvents {
            client: client.clone(),
            cursor: EventCursor(cursor),
        }),
        Kind::Register(register) => Action::Command(parse_register(register)?),
        Kind::Lookup(lookup) => Action::Command(parse_lookup(&lookup)?),
        Kind::Conversations(conversations) => Action::Read(Read::Conversations {
            offset: conversations.offset as usize,
            limit: page("conversations.limit", conversations.limit)?,
        }),
        Kind::Preview(preview) => Action::Command(parse_preview(preview)?),
        Kind::GetSettings(pb::GetSettings { own, peer }) => Action::Command(Command::GetSettings(
            conversation(["get_settings.own", "get_settings.peer"], &own, &peer)?,
        )),
        Kind::SetSettings(settings) => Action::Command(parse_settings(settings)?),
        Kind::Explain(pb::Explain { message_id }) => {
            Action::Read(Read::Story(message("explain.message_id", message_id)?))
        }
    };
    Ok(action)
}

fn parse_send(send: pb::Send, client: &ClientName) -> Result<Command, RequestError> {
    let token = parse_token(&send.token).map_err(wrong("send.token"))?;
    let text = Redacted::new(send.text);
    // What could not be framed must not be stored for sending.
    if text.expose().is_empty() {
        return Err(RequestError::Field {
            field: "send.text",
            reason: "the text is empty: a message has at least one character".to_owned(),
        });
    }
    Content::text(text.expose().clone()).map_err(wrong("send.text"))?;
    Ok(Command::Send {
        client: client.clone(),
        token: Token(token.as_str().as_bytes().to_vec()),
        from: own_number("send.from", &send.from)?,
        to: peer("send.to", &send.to)?,
        text,
        valid_for: (send.valid_for_s > 0).then(|| Duration::from_secs(send.valid_for_s.into())),
        by: channel("send.channel", send.channel)?,
    })
}

fn parse_preview(preview: pb::Preview) -> Result<Command, RequestError> {
    let text = Redacted::new(preview.text);
    if !text.expose().is_empty() {
        Content::text(text.expose().clone()).map_err(wrong("preview.text"))?;
    }
    Ok(Command::Preview {
        from: own_number("preview.from", &preview.from)?,
        to: peer("preview.to", &preview.to)?,
        text,
        by: channel("preview.channel", preview.channel)?,
    })
}

fn parse_settings(settings: pb::SetSettings) -> Result<Command, RequestError> {
    let conversation = conversation(
        ["set_settings.own", "set_settings.peer"],
        &settings.own,
        &settings.peer,
    )?;
    let iccid = iccid("set_settings.iccid", settings.iccid)?;
    if let Some(iccid) = &iccid {
        is_like_an_iccid(iccid.expose())?;
    }
    if conversation.is_none() && iccid.is_some() {
        return Err(RequestError::Field {
            field: "set_settings.iccid",
            reason: "a card is chosen for a conversation: give own and peer".to_owned(),
        });
    }
    Ok(Command::Set {
        conversation,
        settings: Settings {
            mode: mode(settings.mode)?,
            fallback: fallback(settings.fallback)?,
            iccid,
        },
    })
}

/// Both sides, or neither: then it is about all conversations.
fn conversation(
    fields: [&'static str; 2],
    own: &str,
    other: &str,
) -> Result<Option<(E164, Peer)>, RequestError> {
    match (own, other) {
        ("", "") => Ok(None),
        ("", _) | (_, "") => Err(RequestError::Field {
            field: fields[usize::from(other.is_empty())],
            reason: "a conversation has an own number and a peer: give both, or neither".to_owned(),
        }),
        _ => Ok(Some((number(fields[0], own)?, peer(fields[1], other)?))),
    }
}

fn channel(field: &'static str, value: i32) -> Result<Option<Channel>, RequestError> {
    match pb::Channel::try_from(value) {
        Ok(pb::Channel::Unspecified) => Ok(None),
        Ok(pb::Channel::Ip) => Ok(Some(Channel::Ip)),
        Ok(pb::Channel::Sms) => Ok(Some(Channel::Sms)),
        Err(_) => Err(RequestError::Field {
            field,
            reason: "IP and SMS are allowed, or nothing".to_owned(),
        }),
    }
}

fn mode(value: i32) -> Result<Option<Mode>, RequestError> {
    match pb::Mode::try_from(value) {
        Ok(pb::Mode::Unspecified) => Ok(None),
        Ok(pb::Mode::Auto) => Ok(Some(Mode::Auto)),
        Ok(pb::Mode::IpOnly) => Ok(Some(Mode::IpOnly)),
        Ok(pb::Mode::SmsOnly) => Ok(Some(Mode::SmsOnly)),
        Err(_) => Err(RequestError::Field {
            field: "set_settings.mode",
            reason: "AUTO, IP_ONLY and SMS_ONLY are allowed, or nothing".to_owned(),
        }),
    }
}

fn fallback(value: i32) -> Result<Option<Fallback>, RequestError> {
    match pb::Fallback::try_from(value) {
        Ok(pb::Fallback::Unspecified) => Ok(None),
        Ok(pb::Fallback::Always) => Ok(Some(Fallback::Always)),
        Ok(pb::Fallback::NotWhenRoaming) => Ok(Some(Fallback::NotWhenRoaming)),
        Ok(pb::Fallback::Ask) => Ok(Some(Fallback::Ask)),
        Ok(pb::Fallback::Never) => Ok(Some(Fallback::Never)),
        Err(_) => Err(RequestError::Field {
            field: "set_settings.fallback",
            reason: "ALWAYS, NOT_WHEN_ROAMING, ASK and NEVER are allowed, or nothing".to_owned(),
        }),
    }
}

fn parse_register(register: pb::Register) -> Result<Command, RequestError> {
    let number = number("register.number", &register.number)?;
    if !register.consent {
        return Err(RequestError::NoConsent);
    }
    Ok(Command::Register {
        number,
        iccid: iccid("register.iccid", register.iccid)?,
    })
}

fn parse_lookup(lookup: &pb::LookupPeers) -> Result<Command, RequestError> {
    let count = lookup.numbers.len();
    if count == 0 || count > MAX_LOOKUP_NUMBERS {
        return Err(RequestError::Field {
            field: "lookup.numbers",
            reason: format!("{count} numbers; 1 to {MAX_LOOKUP_NUMBERS} are allowed"),
        });
    }
    let numbers: Result<_, _> = lookup
        .numbers
        .iter()
        .map(|text| number("lookup.numbers", text))
        .collect();
    Ok(Command::Lookup(numbers?))
}

/// A card number; empty: not known.
pub(super) fn iccid(
    field: &'static str,
    text: String,
) -> Result<Option<Redacted<String>>, RequestError> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > MAX_ICCID_BYTES || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(RequestError::Field {
            field,
            reason: format!("1 to {MAX_ICCID_BYTES} ASCII letters and digits are allowed"),
        });
    }
    Ok(Some(Redacted::new(text)))
}

/// What a user types may be anything, and messages would wait for that card for ever. 18 to
/// 20 digits are common (ITU-T E.118 has 19 at most, cards store 20), some cards have letters
/// up to F among them.
fn is_like_an_iccid(text: &str) -> Result<(), RequestError> {
    const DIGITS: std::ops::RangeInclusive<usize> = 15..=22;
    if DIGITS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(RequestError::Field {
        field: "set_settings.iccid",
        reason: "a card's number (ICCID) has 18 to 20 digits; the status shows those of the cards \
                 in the phone"
            .to_owned(),
    })
}

fn wrong<E: ToString>(field: &'static str) -> impl Fn(E) -> RequestError {
    move |error| RequestError::Field {
        field,
        reason: error.to_string(),
    }
}

fn number(field: &'static str, text: &str) -> Result<E164, RequestError> {
    text.parse().map_err(wrong(field))
}

/// A number, a short code or a name.
fn peer(field: &'static str, text: &str) -> Result<Peer, RequestError> {
    text.parse().map_err(wrong(field))
}

/// Empty: the only identity there is, which the engine knows.
fn own_number(field: &'static str, text: &str) -> Result<Option<E164>, RequestError> {
    if text.is_empty() {
        Ok(None)
    } else {
        number(field, text).map(Some)
    }
}

fn message(field: &'static str, id: u64) -> Result<MessageId, RequestError> {
    if id == 0 {
        return Err(RequestError::Field {
            field,
            reason: "a message id is at least 1".to_owned(),
        });
    }
    Ok(MessageId(id))
}

fn page(field: &'static str, limit: u32) -> Result<usize, RequestError> {
    match limit as usize {
        0 => Ok(DEFAULT_PAGE),
        limit if limit <= MAX_PAGE => Ok(limit),
        limit => Err(RequestError::Field {
            field,
            reason: format!("{limit} is over the limit of {MAX_PAGE}; 0 stands for {DEFAULT_PAGE}"),
        }),
    }
}

const fn order_key(key: &pb::OrderKey) -> OrderKey {
    OrderKey {
        position: key.position,
        epoch: Epoch(key.epoch),
        lane_seq: LaneSeq(key.lane_seq),
    }
}

#[cfg(test)]
mod tests;
