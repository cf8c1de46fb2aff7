//! Which reply belongs to which request, checked by the compiler.

use bytes::Bytes;
use prost::Message;
use twine_proto::control::ClientMessage;
use twine_proto::limits::MAX_CONTROL_FRAME_BYTES;

use crate::error::{ClientError, RequestId};
use crate::pb;

/// A request whose reply type is known, for `ask`.
pub trait Ask {
    /// What the daemon answers if it does what was asked.
    type Reply;

    /// Puts the request into its envelope.
    fn request(self) -> pb::request::Kind;

    /// Takes the reply out of its envelope.
    fn reply(kind: pb::reply::Kind) -> Result<Self::Reply, ClientError>;
}

macro_rules! asks {
    ($($request:ident as $kind:ident => $reply:ident;)*) => {
        $(
            impl Ask for pb::$request {
                type Reply = pb::$reply;

                fn request(self) -> pb::request::Kind {
                    pb::request::Kind::$kind(self)
                }

                fn reply(kind: pb::reply::Kind) -> Result<Self::Reply, ClientError> {
                    match kind {
                        pb::reply::Kind::$reply(reply) => Ok(reply),
                        pb::reply::Kind::Error(error) => Err(ClientError::Refused(error.into())),
                        other => Err(ClientError::Unfitting {
                            request: stringify!($kind),
                            reply: reply_name(&other),
                        }),
                    }
                }
            }
        )*
    };
}

asks! {
    Send as Send => Sent;
    Cancel as Cancel => Done;
    Retry as Retry => Done;
    MarkRead as MarkRead => Done;
    SetTyping as Typing => Done;
    GetHistory as History => Messages;
    GetMessage as Show => Message;
    GetOutbox as Outbox => Messages;
    GetStatus as Status => Status;
    GetLinks as Links => Links;
    Subscribe as Subscribe => Subscribed;
    AckEvents as AckEvents => Done;
    Register as Register => Registered;
    LookupPeers as Lookup => Peers;
    GetConversations as Conversations => Conversations;
    Preview as Preview => Previewed;
    GetSettings as GetSettings => Settings;
    SetSettings as SetSettings => Done;
    Explain as Explain => Story;
}

fn reply_name(kind: &pb::reply::Kind) -> &'static str {
    use pb::reply::Kind;
    match kind {
        Kind::Error(_) => "error",
        Kind::Done(_) => "done",
        Kind::Sent(_) => "sent",
        Kind::Messages(_) => "messages",
        Kind::Message(_) => "message",
        Kind::Status(_) => "status",
        Kind::Links(_) => "links",
        Kind::Subscribed(_) => "subscribed",
        Kind::Registered(_) => "registered",
        Kind::Peers(_) => "peers",
        Kind::Conversations(_) => "conversations",
        Kind::Previewed(_) => "previewed",
        Kind::Settings(_) => "settings",
        Kind::Story(_) => "story",
    }
}

/// A reply without a kind comes from a newer daemon: nothing this client can
/// read.
pub(crate) fn known(kind: Option<pb::reply::Kind>) -> Result<pb::reply::Kind, ClientError> {
    match kind {
        Some(pb::reply::Kind::Error(error)) => Err(ClientError::Refused(error.into())),
        Some(kind) => Ok(kind),
        None => Err(ClientError::Unfitting {
            request: "a request",
            reply: "reply of a kind that this version does not know",
        }),
    }
}

/// The frame of a request, within the limit.
pub(crate) fn request_frame(id: RequestId, kind: pb::request::Kind) -> Result<Bytes, ClientError> {
    within_limit(ClientMessage::Request(pb::Request {
        id,
        kind: Some(kind),
    }))
}

/// The frame of a report, within the limit.
pub(crate) fn report_frame(kind: pb::report::Kind) -> Result<Bytes, ClientError> {
    within_limit(ClientMessage::Report(pb::Report { kind: Some(kind) }))
}

/// The frame of an order's result, within the limit.
pub(crate) fn result_frame(result: pb::OrderResult) -> Result<Bytes, ClientError> {
    within_limit(ClientMessage::OrderResult(result))
}

fn within_limit(message: ClientMessage) -> Result<Bytes, ClientError> {
    let bytes = 1 + match &message {
        ClientMessage::Connect(body) => body.encoded_len(),
        ClientMessage::Request(body) => body.encoded_len(),
        ClientMessage::Report(body) => body.encoded_len(),
        ClientMessage::OrderResult(body) => body.encoded_len(),
    };
    if bytes > MAX_CONTROL_FRAME_BYTES {
        return Err(ClientError::TooLarge {
            bytes,
            limit: MAX_CONTROL_FRAME_BYTES,
        });
    }
    Ok(message.encode_to_bytes())
}
