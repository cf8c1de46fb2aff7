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
    let sim = pb::Sim {
        slot: 1,
        iccid: "8925402".to_owned(),
        number: "+254712345678".to_owned(),
        mcc_mnc: "63902".to_owned(),
        ready: true,
        subscription_id: -1,
        operator: "Lab".to_owned(),
        in_service: true,
        roaming: true,
        default_sms: true,
        radio_off: true,
        data_allowance: pb::DataAllowance::DataRoamingToo.into(),
        data_in_service: true,
        generation: pb::Generation::G4.into(),
        signal_level: 5,
        data_bundle: pb::DataBundle::DataSpent.into(),
        default_data: true,
        ..pb::Sim::default()
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
            "request-send-spaced",
            request(pb::request::Kind::Send(pb::Send {
                to: " +254712345678".to_owned(),
                channel: 2,
                ..Default::default()
            })),
        ),
        (
            "request-retry",
            request(pb::request::Kind::Retry(pb::Retry {
                message_id: 57,
                channel: 2,
            })),
        ),
        (
            "request-preview",
            request(pb::request::Kind::Preview(pb::Preview {
                to: "MPESA".to_owned(),
                text: "Salio".to_owned(),
                channel: 1,
                ..Default::default()
            })),
        ),
        (
            "request-get-settings",
            request(pb::request::Kind::GetSettings(pb::GetSettings {
                own: "+254712345678".to_owned(),
                peer: "40404".to_owned(),
            })),
        ),
        (
            "request-set-settings",
            request(pb::request::Kind::SetSettings(pb::SetSettings {
                own: "+254712345678".to_owned(),
                peer: "+2348031234567".to_owned(),
                mode: 3,
                fallback: 2,
                iccid: "8925402".to_owned(),
            })),
        ),
        (
            "request-explain",
            request(pb::request::Kind::Explain(pb::Explain { message_id: 57 })),
        ),
        (
            "request-status",
            request(pb::request::Kind::Status(pb::GetStatus {})),
        ),
        (
            "report-state",
            ClientMessage::Report(pb::Report {
                kind: Some(pb::report::Kind::State(pb::TelephonyState {
                    sims: vec![sim.clone()],
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
            "report-sim",
            ClientMessage::Report(pb::Report {
                kind: Some(pb::report::Kind::Sim(sim)),
            }),
        ),
        (
            "report-sms-part",
            ClientMessage::Report(pb::Report {
                kind: Some(pb::report::Kind::SmsPart(pb::SmsPartResult {
                    attempt: u64::MAX,
                    part: 254,
                    state: 2,
                    code: -1,
                })),
            }),
        ),
        (
            "report-sms-received",
            ClientMessage::Report(pb::Report {
                kind: Some(pb::report::Kind::SmsReceived(pb::SmsReceived {
                    spool_id: "1735689600-1".to_owned(),
                    sim_slot: 1,
                    from: "0712345678".to_owned(),
                    text: "Nzuri  ".to_owned(),
                    scts_ms: 1_735_689_600_000,
                    iccid: "8925402".to_owned(),
                    from_e164: "+254712345678".to_owned(),
                    to: String::new(),
                })),
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
            "reply-previewed",
            ServerMessage::Reply(pb::Reply {
                id: 7,
                kind: Some(pb::reply::Kind::Previewed(pb::Previewed {
                    channel: 2,
                    reasons: vec!["the peer is not on IP".to_owned()],
                    sms: Some(pb::SmsCost {
                        encoding: "ucs2".to_owned(),
                        parts: 2,
                        sim_slot: -1,
                        ..Default::default()
                    }),
                    waits_for: "sim".to_owned(),
                    ..Default::default()
                })),
            }),
        ),
        (
            "reply-settings",
            ServerMessage::Reply(pb::Reply {
                id: 7,
                kind: Some(pb::reply::Kind::Settings(pb::Settings {
                    mode: 1,
                    fallback: 4,
                    peer_on_ip: "yes".to_owned(),
                    ..Default::default()
                })),
            }),
        ),
        (
            "reply-story",
            ServerMessage::Reply(pb::Reply {
                id: 7,
                kind: Some(pb::reply::Kind::Story(pb::Story {
                    message: Some(pb::Message {
                        sms: Some(pb::SmsAttempt {
                            state: "handed".to_owned(),
                            parts: 3,
                            code: -1,
                            ..Default::default()
                        }),
                        waits_for: "radio".to_owned(),
                        copy_of: 56,
                        came_by: 2,
                        late: true,
                        ..Default::default()
                    }),
                    lines: vec![pb::StoryLine {
                        wall_ms: 1,
                        step: "by_sms".to_owned(),
                        text: "goes by SMS".to_owned(),
                        reasons: vec!["the peer is not on IP".to_owned()],
                    }],
                })),
            }),
        ),
        (
            "event-merged",
            ServerMessage::Event(pb::Event {
                cursor: 301,
                kind: 6,
                into: 57,
                ..pb::Event::default()
            }),
        ),
        (
            "order-sms-taken",
            ServerMessage::Order(pb::Order {
                id: 2,
                kind: Some(pb::order::Kind::SmsTaken(pb::SmsTaken {
                    spool_id: "1735689600-1".to_owned(),
                })),
            }),
        ),
        (
            "order-sms-part-taken",
            ServerMessage::Order(pb::Order {
                id: 3,
                kind: Some(pb::order::Kind::SmsPartTaken(pb::SmsPartTaken {
                    attempt: u64::MAX,
                    part: 254,
                    state: 4,
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
