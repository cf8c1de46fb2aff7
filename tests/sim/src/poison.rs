//! Messages from a future version: nobody in the world can read them.
//!
//! Whether a message is one is written at the end of its text, so that each
//! time it travels it is changed in the same way. The sender's engine knows
//! nothing of it: the content is changed between handset and gateway.

use bytes::Bytes;
use twine_proto::frame::UnreadableDeliver;
use twine_proto::{Content, Frame, OpaqueContent};

/// What is wrong with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poison {
    /// Its content cannot be read; its name can.
    Content,
    /// Not even its name can be read.
    Envelope,
}

/// Starts no valid content, as no field has the number 0.
const CONTENT: u8 = 0x00;
const ENVELOPE: u8 = 0x01;

impl Poison {
    /// To be put at the end of a text.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Content => "!content",
            Self::Envelope => "!envelope",
        }
    }
}

/// What is wrong with a message of this text.
pub fn of(text: &str) -> Option<Poison> {
    [Poison::Content, Poison::Envelope]
        .into_iter()
        .find(|poison| text.ends_with(poison.suffix()))
}

/// On its way to the gateway.
pub fn up(frame: Frame) -> Frame {
    let Frame::Submit(mut submit) = frame else {
        return frame;
    };
    let text = text_of(&submit.content).unwrap_or_default();
    let first = match of(&text) {
        None => return Frame::Submit(submit),
        Some(Poison::Content) => CONTENT,
        Some(Poison::Envelope) => ENVELOPE,
    };
    let mut bytes = vec![first];
    bytes.extend_from_slice(text.as_bytes());
    if let Ok(content) = OpaqueContent::new(Bytes::from(bytes)) {
        submit.content = content;
    }
    Frame::Submit(submit)
}

/// On its way to the handset: what its decoder makes of it.
pub fn down(frame: Frame) -> Frame {
    match frame {
        Frame::Deliver(deliver) if deliver.content.as_bytes().first() == Some(&ENVELOPE) => {
            Frame::UnreadableDeliver(UnreadableDeliver {
                slot: deliver.slot,
                cursor: deliver.cursor,
            })
        }
        frame => frame,
    }
}

/// The text in a content, also in a changed one.
pub fn text_of(content: &OpaqueContent) -> Option<String> {
    match content.as_bytes().first()? {
        &CONTENT | &ENVELOPE => {
            let bytes = content.as_bytes().slice(1..);
            String::from_utf8(bytes.to_vec()).ok()
        }
        _ => Some(Content::decode(content).ok()?.text?.expose().clone()),
    }
}
