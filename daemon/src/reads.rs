//! What control clients read from the store past the engine, in pages.

use twine_engine::message::{MessageId, MessageRecord, OrderKey};
use twine_engine::store_ops::{EventCursor, EventRecord};
use twine_proto::{E164, Peer};
use twine_store::StoryLine;

/// One read. Limits are of the reader's, not of the page's bytes: a page may
/// be cut shorter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// One message. → `Page::Message`
    Message(MessageId),
    /// A conversation, newest first, strictly before `before`.
    /// → `Page::Messages`
    History {
        /// This device's number.
        own: E164,
        /// The other side.
        peer: Peer,
        /// From the page before.
        before: Option<OrderKey>,
        /// At most so many.
        limit: usize,
    },
    /// Queued and unsettled outgoing messages, oldest first, above `after`.
    /// → `Page::Messages`
    Outbox {
        /// From the page before.
        after: MessageId,
        /// At most so many.
        limit: usize,
    },
    /// Why a message went the way it went. → `Page::Story`
    Story(MessageId),
    /// Conversations, newest activity first. → `Page::Conversations`
    Conversations {
        /// Skip so many.
        offset: usize,
        /// At most so many.
        limit: usize,
    },
    /// Events behind a cursor, oldest first, each with its message as it is
    /// now. → `Page::Events`
    Events {
        /// Behind this one.
        after: EventCursor,
        /// At most so many.
        limit: usize,
    },
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// One message, if there is such.
    Message(Option<Box<MessageRecord>>),
    /// Messages, and whether there are more behind these.
    Messages {
        /// In the order of the read.
        messages: Vec<MessageRecord>,
        /// Whether there are more.
        more: bool,
    },
    /// A message and its story, if there is such.
    Story(Option<Box<Story>>),
    /// Conversations.
    Conversations(Vec<Conversation>),
    /// Events.
    Events {
        /// What was asked for lies behind the retention limit: the log goes on
        /// behind this one.
        resync_from: Option<EventCursor>,
        /// In order, without holes.
        events: Vec<(EventRecord, Option<MessageRecord>)>,
    },
}

/// A message, and what happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// As it is now.
    pub message: MessageRecord,
    /// Oldest first.
    pub lines: Vec<StoryLine>,
}

/// One conversation in brief.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Its newest message; tells both numbers.
    pub last: MessageRecord,
    /// Messages in it.
    pub count: u64,
}
