//! Numbers, texts, tokens and card numbers stay out of `Debug`, whatever is
//! printed and however deep it lies.

use prost::Message;
use twine_proto::codec;
use twine_proto::control::{ClientMessage, ServerMessage};
use twine_proto::frame::{Frame, ReadMark, Receipt, ReceiptKind, Submit};
use twine_proto::framing::{Decoder, RawFrame};
use twine_proto::{Content, E164, Epoch, LaneSeq, Seq, Slot, control_pb as control, wire_pb};

const NUMBER: &str = "+254712345678";
const SECRET: &str = "Habari yako";

fn assert_hidden(debug: &str) {
    for secret in ["712345678", SECRET, "8901", "72, 97, 98"] {
        assert!(!debug.contains(secret), "{secret:?} is in {debug}");
    }
}

fn message() -> control::Message {
    control::Message {
        message_id: 9,
        own: NUMBER.to_owned(),
        peer: NUMBER.to_owned(),
        text: SECRET.to_owned(),
        name: "254712345678.690>254712345678#57".to_owned(),
        failure: SECRET.to_owned(),
        ..control::Message::default()
    }
}

#[test]
fn requests_and_reports_show_no_user_data() {
    use control::{report, request};
    let number = || NUMBER.to_owned();
    let kinds = [
        request::Kind::Send(control::Send {
            from: number(),
            to: number(),
            text: SECRET.to_owned(),
            token: SECRET.to_owned(),
            valid_for_s: 60,
            ..control::Send::default()
        }),
        request::Kind::Typing(control::SetTyping {
            from: number(),
            to: number(),
            stopped: true,
        }),
        request::Kind::History(control::GetHistory {
            own: number(),
            peer: number(),
            before: None,
            limit: 3,
        }),
        request::Kind::Register(control::Register {
            number: number(),
            iccid: "8901".to_owned(),
            consent: true,
        }),
        request::Kind::Lookup(control::LookupPeers {
            numbers: vec![number()],
        }),
    ];
    for kind in kinds {
        let request = control::Request {
            id: 7,
            kind: Some(kind),
        };
        let debug = format!("{:?}", ClientMessage::Request(request));
        assert_hidden(&debug);
        assert!(debug.contains("id: 7") && debug.contains(".."), "{debug}");
    }
    let result = control::OrderResult {
        detail: SECRET.to_owned(),
        ..control::OrderResult::default()
    };
    assert_hidden(&format!("{:?}", ClientMessage::OrderResult(result)));
    let state = control::TelephonyState {
        sims: vec![control::Sim {
            iccid: "8901".to_owned(),
            number: number(),
            ..control::Sim::default()
        }],
        links: Vec::new(),
        ..control::TelephonyState::default()
    };
    let sms = control::SmsReceived {
        spool_id: SECRET.to_owned(),
        from: number(),
        text: SECRET.to_owned(),
        ..control::SmsReceived::default()
    };
    for kind in [report::Kind::State(state), report::Kind::SmsReceived(sms)] {
        let report = control::Report { kind: Some(kind) };
        assert_hidden(&format!("{:?}", ClientMessage::Report(report)));
    }
}

#[test]
fn replies_events_and_orders_show_no_user_data() {
    use control::{order, reply};
    let number = || NUMBER.to_owned();
    let kinds = [
        reply::Kind::Message(message()),
        reply::Kind::Messages(control::Messages {
            messages: vec![message()],
            more: false,
        }),
        reply::Kind::Conversations(control::Conversations {
            conversations: vec![control::Conversation {
                own: number(),
                peer: number(),
                last: Some(message()),
                count: 1,
            }],
        }),
        reply::Kind::Registered(control::Registered {
            number: number(),
            epoch: 690,
            device_key: SECRET.to_owned(),
        }),
        reply::Kind::Peers(control::Peers {
            peers: vec![control::Peer {
                number: number(),
                ..control::Peer::default()
            }],
        }),
        reply::Kind::Status(control::Status {
            identities: vec![control::IdentityStatus {
                number: number(),
                iccid: "8901".to_owned(),
                ..control::IdentityStatus::default()
            }],
            ..control::Status::default()
        }),
    ];
    for kind in kinds {
        let reply = control::Reply {
            id: 7,
            kind: Some(kind),
        };
        assert_hidden(&format!("{:?}", ServerMessage::Reply(reply)));
    }
    let event = control::Event {
        message: Some(message()),
        own: number(),
        peer: number(),
        detail: SECRET.to_owned(),
        ..control::Event::default()
    };
    assert_hidden(&format!("{:?}", ServerMessage::Event(event)));
    let order = control::Order {
        id: 1,
        kind: Some(order::Kind::SendSms(control::SendSms {
            iccid: "8901".to_owned(),
            to: number(),
            parts: vec![SECRET.to_owned()],
            ..control::SendSms::default()
        })),
    };
    assert_hidden(&format!("{:?}", ServerMessage::Order(order)));
}

#[test]
fn frames_raw_or_read_show_no_user_data() {
    let number: E164 = NUMBER.parse().unwrap();
    let submit = Frame::Submit(Submit {
        slot: Slot(0),
        seq: Seq(1),
        to: number,
        lane_seq: LaneSeq(1),
        content: Content::text(SECRET.to_owned()).unwrap().encode(),
    });
    let receipt = Frame::Receipt(Receipt {
        slot: Slot(0),
        kind: ReceiptKind::Read(ReadMark {
            peer: number,
            epoch: Epoch(690),
            upto: LaneSeq(4),
        }),
    });
    for frame in [submit, receipt] {
        assert_hidden(&format!("{frame:?}"));
        let mut decoder = Decoder::wire();
        decoder.extend(&codec::encode_to_bytes(&frame));
        assert_hidden(&format!("{decoder:?}"));
        assert_hidden(&format!("{:?}", decoder.next_frame()));
    }
    assert_hidden(&format!("{:?}", Content::text(SECRET.to_owned())));
    let hello = wire_pb::Hello {
        session_no: 1,
        after: 0,
        slots: vec![wire_pb::HelloSlot {
            number: number.get(),
            ..wire_pb::HelloSlot::default()
        }],
    };
    assert_hidden(&format!("{hello:?}"));
}

#[test]
fn errors_show_no_user_data() {
    // A number with one digit too many, and a text that is not UTF-8.
    let submit = wire_pb::Submit {
        seq: 1,
        to: 7_123_456_780_000_000,
        ..wire_pb::Submit::default()
    };
    let error = codec::decode(RawFrame {
        type_byte: 3,
        body: submit.encode_to_vec().into(),
    })
    .unwrap_err();
    assert!(
        !format!("{error} {error:?}").contains("712345678"),
        "{error:?}"
    );
    let detail = [b"\x2a\x0c\xff".as_slice(), SECRET.as_bytes()].concat();
    let error = codec::decode(RawFrame {
        type_byte: 15,
        body: detail.into(),
    })
    .unwrap_err();
    assert_hidden(&format!("{error} {error:?}"));
}

/// A message added to a .proto file with such a field needs a line in
/// `build.rs` and one in `debug.rs`.
#[test]
fn every_message_with_a_telling_field_is_on_the_list() {
    const TELLING: [&str; 16] = [
        "number",
        "numbers",
        "own",
        "peer",
        "from",
        "to",
        "text",
        "token",
        "iccid",
        "name",
        "content",
        "parts",
        "reasons",
        "from_e164",
        "spool_id",
        "detail",
    ];
    // What only looks like it.
    const HARMLESS: [&str; 3] = [".Counter", ".StorageStatus", ".Goodbye"];
    let list = include_str!("../../build.rs");
    let mut found = 0;
    for (package, proto) in [
        ("wire", include_str!("../../proto/twine/wire/v1/wire.proto")),
        (
            "control",
            include_str!("../../proto/twine/control/v1/control.proto"),
        ),
    ] {
        let mut current = "";
        for line in proto.lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix("message ") {
                current = rest.split_whitespace().next().unwrap();
            }
            let Some((declaration, _)) = line.split_once(" = ") else {
                continue;
            };
            let field = declaration.split_whitespace().last().unwrap();
            let path = format!(".twine.{package}.v1.{current}");
            let harmless = HARMLESS.iter().any(|message| path.ends_with(message));
            if TELLING.contains(&field) && declaration.contains(' ') && !harmless {
                found += 1;
                assert!(
                    list.contains(&format!("\"{path}\"")),
                    "{path} has `{field}`"
                );
            }
        }
    }
    assert!(
        found > 30,
        "only {found} such fields: does the search still work?"
    );
}
