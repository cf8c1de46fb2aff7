//! The first frame of each side, and the reading of frames; shared by all
//! clients.

use bytes::Bytes;
use twine_proto::control::{CONTROL_VERSION, ClientMessage, ServerMessage, parse_client_name};

use crate::error::{ConnectError, Ending, Refusal};
use crate::pb;

/// The greeting of a client of this name, or what is wrong with the name.
pub(crate) fn connect_frame(client: &str, roles: &[pb::Role]) -> Result<Bytes, ConnectError> {
    let client = parse_client_name(client)?;
    let connect = pb::Connect {
        version: CONTROL_VERSION,
        client: client.as_str().to_owned(),
        roles: roles.iter().map(|&role| role as i32).collect(),
    };
    Ok(ClientMessage::Connect(connect).encode_to_bytes())
}

/// Judges the daemon's first message.
pub(crate) fn judge(first: ServerMessage) -> Result<pb::Connected, ConnectError> {
    match first {
        ServerMessage::Connected(connected) if connected.version == CONTROL_VERSION => {
            Ok(connected)
        }
        ServerMessage::Connected(connected) => Err(ConnectError::Version {
            theirs: connected.version,
            ours: CONTROL_VERSION,
        }),
        ServerMessage::Closed(closed) => Err(ConnectError::Refused(refusal(closed))),
        other => Err(ConnectError::Ended(Ending::Unexpected(other.name()))),
    }
}

/// Why the daemon closes.
pub(crate) fn refusal(closed: pb::Closed) -> Refusal {
    closed.error.unwrap_or_default().into()
}

/// The next message this version knows, and its size; `None`: read on.
#[cfg(any(feature = "async", feature = "blocking"))]
pub(crate) fn next_message(
    decoder: &mut twine_proto::framing::Decoder,
) -> Result<Option<(ServerMessage, usize)>, Ending> {
    while let Some(raw) = decoder.next_frame().map_err(Ending::Framing)? {
        let bytes = raw.body.len();
        if let Some(message) = ServerMessage::decode(raw).map_err(Ending::Frame)? {
            return Ok(Some((message, bytes)));
        }
    }
    Ok(None)
}
