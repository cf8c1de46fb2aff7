//! The control socket: messages of clients and of the daemon.

use bytes::Bytes;
use twine_proto::Peer;
use twine_proto::control::{ClientMessage, ServerMessage, parse_client_name, parse_token};
use twine_proto::control_pb::{report, request};
use twine_proto::framing::{Decoder, RawFrame};
use twine_proto::limits::MAX_READ_CHUNK_BYTES;

use crate::wire::{pieces, read};

/// The first byte says how the rest, a stream, is cut, as in
/// [`wire::frames`](crate::wire::frames).
///
/// # Panics
///
/// If a promise is broken.
pub fn messages(input: &[u8]) {
    let Some((&most, stream)) = input.split_first() else {
        return;
    };
    let (raw, error) = read(Decoder::control(), stream.chunks(MAX_READ_CHUNK_BYTES));
    let cut = read(Decoder::control(), pieces(stream, most));
    assert_eq!(
        (&raw, error),
        (&cut.0, cut.1),
        "it matters where a stream is cut"
    );
    for raw in raw {
        let from_client = ClientMessage::decode(raw.clone());
        let from_daemon = ServerMessage::decode(raw);
        assert!(
            !matches!((&from_client, &from_daemon), (Ok(Some(_)), Ok(Some(_)))),
            "a message that travels both ways: {from_client:?}"
        );
        match from_client {
            Ok(Some(message)) => {
                let _ = format!("{message:?}");
                names(&message);
                let again = ClientMessage::decode(alone(&message.encode_to_bytes()));
                assert_eq!(again, Ok(Some(message)));
            }
            Ok(None) => {}
            Err(error) => drop(error.to_string()),
        }
        match from_daemon {
            Ok(Some(message)) => {
                let _ = format!("{message:?}");
                let again = ServerMessage::decode(alone(&message.encode_to_bytes()));
                assert_eq!(again, Ok(Some(message)));
            }
            Ok(None) => {}
            Err(error) => drop(error.to_string()),
        }
    }
}

/// The texts in a message that become types.
fn names(message: &ClientMessage) {
    match message {
        ClientMessage::Connect(connect) => match parse_client_name(&connect.client) {
            Ok(name) => assert_eq!(name.as_str(), connect.client),
            Err(error) => drop(error.to_string()),
        },
        ClientMessage::Request(request) => {
            if let Some(request::Kind::Send(send)) = &request.kind {
                peer(&send.to);
                match parse_token(&send.token) {
                    Ok(token) => assert_eq!(token.as_str(), send.token),
                    Err(error) => drop(error.to_string()),
                }
            }
        }
        ClientMessage::Report(report) => {
            if let Some(report::Kind::SmsReceived(received)) = &report.kind {
                peer(&received.from);
            }
        }
        ClientMessage::OrderResult(_) => {}
    }
}

/// A peer is the same when it is read back as it was shown.
fn peer(text: &str) {
    match text.parse::<Peer>() {
        Ok(peer) => assert_eq!(peer.expose().parse(), Ok(peer)),
        Err(error) => drop(error.to_string()),
    }
}

fn alone(bytes: &Bytes) -> RawFrame {
    let (raw, error) = read(Decoder::control(), bytes.chunks(MAX_READ_CHUNK_BYTES));
    assert_eq!((raw.len(), error), (1, None), "not one frame");
    raw.into_iter()
        .next()
        .unwrap_or_else(|| panic!("there is one"))
}
