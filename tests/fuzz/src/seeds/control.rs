//! Streams of the control socket.

use twine_proto::control::{CONTROL_VERSION, ClientMessage, ServerMessage};
use twine_proto::control_pb as pb;
use twine_proto::limits::{MAX_CONTROL_FRAME_BYTES, MAX_FRAME_BYTES};

use super::Seed;

/// For [`crate::control::messages`].
#[must_use]
pub fn messages() -> Vec<Seed> {
    let mut seeds: Vec<Seed> = Vec::new();
    let mut all = vec![0];
    for (name, message) in from_clients() {
        let bytes = message.encode_to_bytes();
        all.extend_from_slice(&bytes);
        seeds.push((name, [&[0], &*bytes].concat()));
    }
    for (name, message) in from_daemon() {
        let bytes = message.encode_to_bytes();
        all.extend_from_slice(&bytes);
        seeds.push((name, [&[0], &*bytes].concat()));
    }
    let mut cut = all.clone();
    cut[0] = 5;
    let mut truncated = all.clone();
    truncated.truncate(all.len() / 2);
    seeds.extend([
        ("all-whole", all),
        ("all-in-pieces", cut),
        ("all-truncated", truncated),
        ("length-zero", vec![0, 0]),
        // Between the two protocols' limits, and above both.
        ("length-of-a-large-reply", announced(MAX_FRAME_BYTES + 1)),
        (
            "length-above-the-limit",
            announced(MAX_CONTROL_FRAME_BYTES + 1),
        ),
        ("unknown-type", vec![0, 2, 0xee, 0]),
        // A request of a kind that no version has yet.
        (
            "unknown-request",
            vec![0, 6, pb::ControlType::Request as u8, 8, 1, 0xfa, 7, 0],
        ),
        (
            "name-no-utf8",
            vec![0, 4, pb::ControlType::Connect as u8, 0x12, 1, 0xff],
        ),
        ("role-negative", {
            let mut bytes = vec![0, 12, pb::ControlType::Connect as u8, 0x18];
            bytes.extend([0xff; 9]);
            bytes.push(1);
            bytes
        }),
    ]);
    seeds
}

/// A length of three bytes, and one byte of the frame.
fn announced(length: usize) -> Vec<u8> {
    let digit = |at: usize| (length >> (7 * at)) as u8 & 0x7f;
    vec![0, digit(0) | 0x80, digit(1) | 0x80, digit(2), 1]
}

fn from_clients() -> Vec<(&'static str, ClientMessage)> {
    let request = |kind| {
        ClientMessage::Request(pb::Request {
            id: 7,
            kind: Some(kind),
        })
    };
    let link = pb::Link {
        id: "rmnet0".to_owned(),
        up: true,
        ..pb::Link::default()
    };
    vec![
        (
            "connect",
            ClientMessage::Connect(pb::Connect {
                version: CONTROL_VERSION,
                client: "org.example.messages".to_owned(),
                roles: vec![1, 2],
            }),
        ),
        (
            "request-send",
            request(pb::request::Kind::Send(pb::Send {
                from: "+254712345678".to_owned(),
                to: "+2348031234567".to_owned(),
                text: "Habari?".to_owned(),
                token: "1f0c".to_owned(),
                valid_for_s: 3600,
                ..Default::default()
            })),
        ),
        (
            "request-status",
            request(pb::request::Kind::Status(pb::GetStatus {})),
        ),
        (
            "report-state",
            ClientMessage::Report(pb::Report {
                kind: Some(pb::report::Kind::State(pb::TelephonyState {
                    sims: vec![pb::Sim::default()],
                    links: vec![link.clone()],
                    locking_tables: vec![1],
                    single_shift_tables: vec![1, 2],
                })),
            }),
        ),
        (
            "report-link",
            ClientMessage::Report(pb::Report {
                kind: Some(pb::report::Kind::Link(link)),
            }),
        ),
        (
            "order-result",
            ClientMessage::OrderResult(pb::OrderResult {
                id: 1,
                code: -1,
                detail: "no service".to_owned(),
            }),
        ),
    ]
}

fn from_daemon() -> Vec<(&'static str, ServerMessage)> {
    let error = pb::Error {
        code: pb::ErrorCode::NotFound as i32,
        message: "no such message".to_owned(),
    };
    vec![
        (
            "connected",
            ServerMessage::Connected(pb::Connected {
                version: CONTROL_VERSION,
                roles: vec![1],
                daemon_version: "0.1.0".to_owned(),
                daemon_start_wall_ms: u64::MAX,
            }),
        ),
        (
            "reply-error",
            ServerMessage::Reply(pb::Reply {
                id: 7,
                kind: Some(pb::reply::Kind::Error(error.clone())),
            }),
        ),
        (
            "reply-sent",
            ServerMessage::Reply(pb::Reply {
                id: 7,
                kind: Some(pb::reply::Kind::Sent(pb::Sent {
                    message_id: 57,
                    repeated: true,
                })),
            }),
        ),
        (
            "event",
            ServerMessage::Event(pb::Event {
                cursor: 300,
                kind: 1,
                message: Some(pb::Message {
                    text: "Nzuri".to_owned(),
                    ..pb::Message::default()
                }),
                ..pb::Event::default()
            }),
        ),
        (
            "order",
            ServerMessage::Order(pb::Order {
                id: 1,
                kind: Some(pb::order::Kind::SendSms(pb::SendSms {
                    attempt: u64::MAX,
                    to: "+254712345678".to_owned(),
                    parts: vec!["Habari ".to_owned(), "yako?".to_owned()],
                    ..pb::SendSms::default()
                })),
            }),
        ),
        (
            "closed",
            ServerMessage::Closed(pb::Closed { error: Some(error) }),
        ),
    ]
}
