//! Reads past the engine: history, outbox, events, and how much there is. Every
//! one returns a page; none loads what it does not return.

use rusqlite::{OptionalExtension, Params};
use twine_engine::message::{MessageId, MessageRecord, OrderKey};
use twine_engine::store_ops::{EventCursor, EventRecord, Events, IdentityPosition};
use twine_engine::time::WallTime;
use twine_proto::{E164, Epoch, LaneSeq, Peer};

use crate::error::StoreError;
use crate::limits::{MAX_PAGE_CONVERSATIONS, MAX_PAGE_EVENTS, MAX_PAGE_MESSAGES};
use crate::rows::{self, Columns, PeerKey};
use crate::store::SqliteStore;
use crate::{codes, ops, sql};

type Result<T> = std::result::Result<T, StoreError>;

/// Before everything: the newest page.
const END: OrderKey = OrderKey {
    position: u64::MAX,
    epoch: Epoch(u32::MAX),
    lane_seq: LaneSeq(u64::MAX),
};

/// Some messages in order, and whether there are more behind the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagePage {
    /// At most [`MAX_PAGE_MESSAGES`], and as much text as was asked for.
    pub messages: Vec<MessageRecord>,
    /// There are more.
    pub more: bool,
}

/// A pair of numbers that have written to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// This device's number.
    pub own: E164,
    /// The other side.
    pub peer: Peer,
    /// Its newest message.
    pub last: MessageRecord,
    /// How many messages it holds.
    pub count: u64,
}

/// How much the store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Of both directions.
    pub messages: u64,
    /// In the log.
    pub events: u64,
    /// Remembered for repeats.
    pub tokens: u64,
    /// Known by name.
    pub clients: u64,
    /// The file and its log.
    pub bytes: u64,
}

impl SqliteStore {
    /// Where every identity stands, in the order of registration.
    pub fn identities(&self) -> Result<Vec<IdentityPosition>> {
        ops::identities(&self.connection)
    }

    pub(crate) fn read_message(&self, id: MessageId) -> Result<Option<MessageRecord>> {
        Ok(self
            .connection
            .prepare_cached(sql::MESSAGE)?
            .query_row((rows::int(id.0),), rows::message)
            .optional()?)
    }

    /// A page of a conversation, newest first, strictly before `before`. Ends
    /// early behind the message with which its texts reach `max_text_bytes`.
    pub fn read_history(
        &self,
        own: E164,
        peer: Peer,
        before: Option<OrderKey>,
        limit: usize,
        max_text_bytes: usize,
    ) -> Result<MessagePage> {
        let Some(key) = ops::peer_key(&self.connection, peer)? else {
            return Ok(MessagePage {
                messages: Vec::new(),
                more: false,
            });
        };
        self.history_page(own, key, before, limit, max_text_bytes)
    }

    fn history_page(
        &self,
        own: E164,
        peer: PeerKey,
        before: Option<OrderKey>,
        limit: usize,
        max_text_bytes: usize,
    ) -> Result<MessagePage> {
        let before = before.unwrap_or(END);
        let limit = limit.min(MAX_PAGE_MESSAGES);
        let params = (
            rows::number(own),
            peer,
            rows::int(before.position),
            before.epoch.get(),
            rows::int(before.lane_seq.get()),
            rows::size(limit + 1),
        );
        self.page(sql::HISTORY, params, limit, max_text_bytes)
    }

    /// Queued and unsettled outgoing messages, oldest first, above `after`. Ends
    /// early like [`SqliteStore::read_history`].
    pub fn read_outbox(
        &self,
        after: MessageId,
        limit: usize,
        max_text_bytes: usize,
    ) -> Result<MessagePage> {
        let limit = limit.min(MAX_PAGE_MESSAGES);
        let params = (rows::int(after.0), rows::size(limit + 1));
        self.page(sql::OUTBOX, params, limit, max_text_bytes)
    }

    fn page(
        &self,
        sql: &str,
        params: impl Params,
        limit: usize,
        max_text_bytes: usize,
    ) -> Result<MessagePage> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut found = statement.query(params)?;
        let mut page = MessagePage {
            messages: Vec::new(),
            more: false,
        };
        let mut text_bytes = 0usize;
        while let Some(row) = found.next()? {
            let full = text_bytes >= max_text_bytes && !page.messages.is_empty();
            if full || page.messages.len() == limit {
                page.more = true;
                break;
            }
            let message = rows::message(row)?;
            text_bytes += message.text.as_ref().map_or(0, |text| text.expose().len());
            page.messages.push(message);
        }
        Ok(page)
    }

    /// A page of conversations, those with the newest messages first.
    pub fn conversations(&self, offset: usize, limit: usize) -> Result<Vec<Conversation>> {
        let limit = limit.min(MAX_PAGE_CONVERSATIONS);
        let mut statement = self.connection.prepare_cached(sql::CONVERSATIONS)?;
        let pairs = statement
            .query_map((rows::size(limit), rows::size(offset)), |row| {
                Ok((row.number(0)?, PeerKey(row.get(1)?)))
            })?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        let mut conversations = Vec::with_capacity(pairs.len());
        for (own, peer) in pairs {
            let newest = self.history_page(own, peer, None, 1, usize::MAX)?;
            let Some(last) = newest.messages.into_iter().next() else {
                continue;
            };
            let count = self
                .connection
                .prepare_cached(sql::CONVERSATION_COUNT)?
                .query_row((rows::number(own), peer), |row| row.unsigned(0))?;
            conversations.push(Conversation {
                own,
                peer: last.peer,
                last,
                count,
            });
        }
        Ok(conversations)
    }

    pub(crate) fn read_events(&self, after: EventCursor, limit: usize) -> Result<Events> {
        let before_oldest = ops::before_oldest(&self.connection, self.latest_event)?;
        let resync_from = (after < before_oldest).then_some(before_oldest);
        let after = resync_from.unwrap_or(after);
        let mut statement = self.connection.prepare_cached(sql::EVENTS)?;
        let events = statement
            .query_map(
                (rows::int(after.0), rows::size(limit.min(MAX_PAGE_EVENTS))),
                |row| {
                    Ok(EventRecord {
                        cursor: EventCursor(row.unsigned(0)?),
                        kind: row.code(1, codes::event_from)?,
                        message: MessageId(row.unsigned(2)?),
                        shown: row.code(3, codes::shown_from)?,
                        into: row.maybe_unsigned(5)?.map(MessageId),
                        wall: WallTime(row.unsigned(4)?),
                    })
                },
            )?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(Events {
            resync_from,
            events,
        })
    }

    /// Size of the file and its log, bytes.
    pub fn size_bytes(&self) -> Result<u64> {
        let pages: u64 = self
            .connection
            .pragma_query_value(None, "page_count", |row| row.unsigned(0))?;
        let page_bytes: u64 = self
            .connection
            .pragma_query_value(None, "page_size", |row| row.unsigned(0))?;
        let log = crate::files::with_suffix(&self.path, "-wal");
        let log_bytes = match std::fs::metadata(&log) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => return Err(StoreError::file("look at", &log)(error)),
        };
        Ok(pages * page_bytes + log_bytes)
    }

    /// How much there is. Walks through indexes: for a person who asks, not for
    /// every turn.
    pub fn counts(&self) -> Result<Counts> {
        let bytes = self.size_bytes()?;
        Ok(self
            .connection
            .prepare_cached(sql::COUNTS)?
            .query_row((), |row| {
                Ok(Counts {
                    messages: row.unsigned(0)?,
                    events: row.unsigned(1)?,
                    tokens: row.unsigned(2)?,
                    clients: row.unsigned(3)?,
                    bytes,
                })
            })?)
    }
}
