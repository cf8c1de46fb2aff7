//! What travels inside `content`, from handset to handset; the gateway never
//! looks into it.

use bytes::Bytes;
use prost::Message;
use thiserror::Error;

use crate::ids::LaneSeq;
use crate::limits::{MAX_CONTENT_BYTES, MAX_COUNTER, MAX_NOTE_ENTRIES, MAX_TEXT_BYTES};
use crate::redacted::Redacted;
use crate::wire_pb as pb;

/// Encoded content, at most [`crate::limits::MAX_CONTENT_BYTES`]. Not shown by
/// `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct OpaqueContent(Bytes);

impl OpaqueContent {
    /// Takes bytes as they came.
    pub fn new(bytes: Bytes) -> Result<Self, ContentError> {
        if bytes.len() > MAX_CONTENT_BYTES {
            return Err(ContentError::TooLong { bytes: bytes.len() });
        }
        Ok(Self(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }
}

impl std::fmt::Debug for OpaqueContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

/// A message's content, readable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// The text, if there is one; never empty when present.
    pub text: Option<Redacted<String>>,
    /// Which channel filled earlier places (DELIVERY 18); empty: none.
    pub note: Vec<NoteEntry>,
}

impl Content {
    /// A message of text alone.
    pub fn text(text: String) -> Result<Self, ContentError> {
        if text.is_empty() {
            return Err(ContentError::Empty);
        }
        check_text(&text)?;
        Ok(Self {
            text: Some(Redacted::new(text)),
            note: Vec::new(),
        })
    }

    /// The form in which it travels. The text came through [`Content::text`]
    /// or [`Content::decode`], and whoever wrote the note kept to
    /// [`MAX_NOTE_ENTRIES`].
    #[must_use]
    pub fn encode(&self) -> OpaqueContent {
        let text = self.text.as_ref().map(Redacted::expose);
        let message = pb::Content {
            text: text.cloned().unwrap_or_default(),
            note: (!self.note.is_empty()).then(|| pb::LaneNote {
                entries: self.note.iter().copied().map(NoteEntry::to_pb).collect(),
            }),
        };
        let bytes = message.encode_to_vec();
        debug_assert!(
            bytes.len() <= MAX_CONTENT_BYTES && self.note.len() <= MAX_NOTE_ENTRIES,
            "content over its limit: {} bytes, {} note entries",
            bytes.len(),
            self.note.len(),
        );
        OpaqueContent(bytes.into())
    }

    /// Reads content as it came. Errors are for the placeholder and the
    /// rejection (DELIVERY 12).
    pub fn decode(content: &OpaqueContent) -> Result<Self, ContentError> {
        let message =
            pb::Content::decode(content.0.clone()).map_err(|_| ContentError::Malformed)?;
        check_text(&message.text)?;
        let entries = message.note.map_or_else(Vec::new, |note| note.entries);
        if entries.len() > MAX_NOTE_ENTRIES {
            return Err(ContentError::BadNote("too many entries"));
        }
        let mut note = Vec::with_capacity(entries.len());
        for entry in &entries {
            note.extend(NoteEntry::from_pb(entry)?);
        }
        let text = (!message.text.is_empty()).then(|| Redacted::new(message.text));
        if text.is_none() && note.is_empty() {
            return Err(ContentError::Empty);
        }
        Ok(Self { text, note })
    }
}

fn check_text(text: &str) -> Result<(), ContentError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(ContentError::TextTooLong { bytes: text.len() });
    }
    Ok(())
}

/// One line of a lane note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoteEntry {
    /// The place.
    pub lane_seq: LaneSeq,
    /// What filled it.
    pub filled: Filled,
}

impl NoteEntry {
    fn to_pb(self) -> pb::NoteEntry {
        let channel = match self.filled {
            Filled::Ip => pb::NoteChannel::Ip,
            Filled::Sms(_) | Filled::SmsAgain(_) => pb::NoteChannel::Sms,
            Filled::Both(_) | Filled::BothAgain(_) => pb::NoteChannel::Both,
            Filled::Void => pb::NoteChannel::Void,
        };
        pb::NoteEntry {
            lane_seq: self.lane_seq.get(),
            channel: channel.into(),
            text_hash: self.filled.hash().unwrap_or(0).into(),
            resent: self.filled.is_resent(),
        }
    }

    /// `None`: a channel this version does not know. Left out, the place stays
    /// a hole, and holes delay nothing (DELIVERY 19).
    fn from_pb(entry: &pb::NoteEntry) -> Result<Option<Self>, ContentError> {
        if !(1..=MAX_COUNTER).contains(&entry.lane_seq) {
            return Err(ContentError::BadNote("lane_seq is out of range"));
        }
        let hash = || {
            u16::try_from(entry.text_hash)
                .map_err(|_| ContentError::BadNote("text_hash has more than 16 bits"))
        };
        let filled = match pb::NoteChannel::try_from(entry.channel) {
            Ok(pb::NoteChannel::Ip) => Filled::Ip,
            Ok(pb::NoteChannel::Sms) if entry.resent => Filled::SmsAgain(hash()?),
            Ok(pb::NoteChannel::Sms) => Filled::Sms(hash()?),
            Ok(pb::NoteChannel::Both) if entry.resent => Filled::BothAgain(hash()?),
            Ok(pb::NoteChannel::Both) => Filled::Both(hash()?),
            Ok(pb::NoteChannel::Void) => Filled::Void,
            Err(_) => return Ok(None),
        };
        Ok(Some(Self {
            lane_seq: LaneSeq(entry.lane_seq),
            filled,
        }))
    }
}

/// What filled a place in a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// A message by IP.
    Ip,
    /// An SMS whose folded text has this hash.
    Sms(u16),
    /// Both, the same text.
    Both(u16),
    /// An SMS that may have left more than once; all but the first bear the mark.
    SmsAgain(u16),
    /// Both, and its SMS may have left more than once.
    BothAgain(u16),
    /// Nothing: cancelled or given up.
    Void,
}

impl Filled {
    /// Of the folded text of its SMS, if it left by SMS.
    #[must_use]
    pub const fn hash(self) -> Option<u16> {
        match self {
            Self::Sms(hash) | Self::Both(hash) | Self::SmsAgain(hash) | Self::BothAgain(hash) => {
                Some(hash)
            }
            Self::Ip | Self::Void => None,
        }
    }

    /// It left by IP, too.
    #[must_use]
    pub const fn is_both(self) -> bool {
        matches!(self, Self::Both(_) | Self::BothAgain(_))
    }

    /// Its SMS may have left more than once.
    #[must_use]
    pub const fn is_resent(self) -> bool {
        matches!(self, Self::SmsAgain(_) | Self::BothAgain(_))
    }
}

/// Why content cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ContentError {
    /// Larger than the limit.
    #[error(
        "content of {bytes} bytes is over the limit of {} bytes",
        MAX_CONTENT_BYTES
    )]
    TooLong {
        /// Its size.
        bytes: usize,
    },
    /// The text alone is larger than the limit.
    #[error("text of {bytes} bytes is over the limit of {} bytes", MAX_TEXT_BYTES)]
    TextTooLong {
        /// Its size.
        bytes: usize,
    },
    /// Not a `Content` message.
    #[error("content is not readable as a message of this version")]
    Malformed,
    /// Neither text nor note nor anything else this version knows.
    #[error("content holds nothing this version knows")]
    Empty,
    /// A note entry is out of range, or there are too many.
    #[error("the lane note is malformed: {0}")]
    BadNote(&'static str),
}
