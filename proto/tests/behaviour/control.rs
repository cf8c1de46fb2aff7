//! The control socket's messages and the names in them.

use bytes::Bytes;
use proptest::prelude::*;
use twine_proto::control::{
    CONTROL_VERSION, ClientMessage, ClientNameError, ControlError, ServerMessage, TokenError,
    parse_client_name, parse_token,
};
use twine_proto::control_pb as pb;
use twine_proto::framing::{Decoder, RawFrame};

use crate::config;

fn raw(bytes: &[u8]) -> RawFrame {
    let mut decoder = Decoder::control();
    decoder.extend(bytes);
    decoder.next_frame().unwrap().expect("a whole frame")
}

#[test]
fn a_client_s_messages_come_back() {
    let connect = pb::Connect {
        version: CONTROL_VERSION,
        client: "com.example.messaging".to_owned(),
        roles: vec![pb::Role::App.into()],
    };
    let send = pb::Send {
        to: "+254712345678".to_owned(),
        text: "Habari".to_owned(),
        token: "t-1".to_owned(),
        ..pb::Send::default()
    };
    for (message, type_byte, name) in [
        (ClientMessage::Connect(connect), 1, "Connect"),
        (
            ClientMessage::Request(pb::Request {
                id: 7,
                kind: Some(pb::request::Kind::Send(send)),
            }),
            3,
            "Request",
        ),
        (ClientMessage::Report(pb::Report::default()), 6, "Report"),
        (
            ClientMessage::OrderResult(pb::OrderResult::default()),
            8,
            "OrderResult",
        ),
    ] {
        let raw = raw(&message.encode_to_bytes());
        assert_eq!((raw.type_byte, message.name()), (type_byte, name));
        assert!(matches!(
            ServerMessage::decode(raw.clone()),
            Err(ControlError::WrongDirection { message, .. }) if message == name
        ));
        assert_eq!(ClientMessage::decode(raw), Ok(Some(message)));
    }
}

#[test]
fn the_daemon_s_messages_come_back() {
    for (message, type_byte, name) in [
        (
            ServerMessage::Connected(pb::Connected::default()),
            2,
            "Connected",
        ),
        (
            ServerMessage::Reply(pb::Reply {
                id: 7,
                kind: Some(pb::reply::Kind::Done(pb::Done {})),
            }),
            4,
            "Reply",
        ),
        (ServerMessage::Event(pb::Event::default()), 5, "Event"),
        (ServerMessage::Order(pb::Order::default()), 7, "Order"),
        (ServerMessage::Closed(pb::Closed::default()), 9, "Closed"),
    ] {
        let raw = raw(&message.encode_to_bytes());
        assert_eq!((raw.type_byte, message.name()), (type_byte, name));
        assert!(matches!(
            ClientMessage::decode(raw.clone()),
            Err(ControlError::WrongDirection { message, .. }) if message == name
        ));
        assert_eq!(ServerMessage::decode(raw), Ok(Some(message)));
    }
}

#[test]
fn messages_and_requests_of_the_future_are_not_errors() {
    let unknown = RawFrame {
        type_byte: 77,
        body: Bytes::from_static(b"\xff"),
    };
    assert_eq!(ClientMessage::decode(unknown.clone()), Ok(None));
    assert_eq!(ServerMessage::decode(unknown), Ok(None));
    // Request 7 of kind 99: the daemon can still answer "unsupported" to 7.
    let later = RawFrame {
        type_byte: 3,
        body: Bytes::from_static(&[0x08, 7, 0x9a, 0x06, 0]),
    };
    let request = pb::Request { id: 7, kind: None };
    assert_eq!(
        ClientMessage::decode(later),
        Ok(Some(ClientMessage::Request(request)))
    );
}

#[test]
fn a_broken_body_names_its_message() {
    let raw = RawFrame {
        type_byte: 3,
        body: Bytes::from_static(b"\xff"),
    };
    assert_eq!(
        ClientMessage::decode(raw).unwrap_err().to_string(),
        "Request: the body is not a readable protobuf message of this type"
    );
    let raw = RawFrame {
        type_byte: 9,
        body: Bytes::new(),
    };
    assert_eq!(
        ClientMessage::decode(raw).unwrap_err().to_string(),
        "Closed travels only from the daemon"
    );
}

#[test]
fn client_names() {
    let name = parse_client_name("com.Example-2_x").unwrap();
    assert_eq!(name.as_str(), "com.Example-2_x");
    assert_eq!(name.to_string(), "com.Example-2_x");
    assert!(parse_client_name(&"x".repeat(64)).is_ok());
    assert_eq!(
        parse_client_name(&"x".repeat(65)),
        Err(ClientNameError::TooLong { bytes: 65 })
    );
    assert_eq!(parse_client_name(""), Err(ClientNameError::Empty));
    for text in ["a b", "a/b", "../a", "a\0", "a\n", "ä"] {
        assert_eq!(
            parse_client_name(text),
            Err(ClientNameError::BadCharacter),
            "{text:?}"
        );
    }
}

#[test]
fn tokens() {
    assert_eq!(parse_token(""), Err(TokenError::Empty));
    assert_eq!(parse_token("t-1").unwrap().as_str(), "t-1");
    assert!(parse_token(&"é".repeat(32)).is_ok());
    assert_eq!(
        parse_token(&"é".repeat(33)),
        Err(TokenError::TooLong { bytes: 66 })
    );
    assert_eq!(
        format!("{:?}", parse_token("+254712345678").unwrap()),
        "Token([redacted])"
    );
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn garbage_never_panics(
        type_byte in 0..12u8,
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let raw = RawFrame { type_byte, body: body.into() };
        let _ = ClientMessage::decode(raw.clone());
        let _ = ServerMessage::decode(raw);
    }
}
