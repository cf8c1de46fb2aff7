//! One client as the loop holds it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use tokio::task::AbortHandle;
use twine_engine::store_ops::{ClientName, EventCursor};
use twine_engine::time::Instant;
use twine_proto::control::ServerMessage;

use super::present::View;
use super::queue::SendQueue;
use super::roles::Roles;
use crate::limits::{MAX_SEND_QUEUE_BYTES, READ_AHEAD_BYTES, SLOW_AFTER};
use crate::reads::Read;

/// One connection.
#[derive(Debug)]
pub(super) struct Client {
    /// The roles its UID may ask for.
    pub(super) allowed: Roles,
    /// After its greeting.
    pub(super) greeted: Option<Greeted>,
    /// Requests without reply.
    pub(super) open: BTreeSet<u64>,
    /// Pages it asked for, read one at a time.
    pub(super) reads: VecDeque<(u64, Read)>,
    /// A page or events for it are being read.
    pub(super) reading: bool,
    /// Its place in the event log, if it subscribed.
    pub(super) subscription: Option<Subscription>,
    queue: Arc<SendQueue>,
    reader: AbortHandle,
    /// Since when something waits, or when last something was taken.
    waiting_since: Instant,
}

/// Who it says it is, and what it may do.
#[derive(Debug, Clone)]
pub(super) struct Greeted {
    pub(super) name: ClientName,
    pub(super) roles: Roles,
}

/// Where a subscriber's event stream stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subscription {
    /// The last event queued for it.
    pub(super) sent: EventCursor,
    /// Up to here the log had nothing for it. Without this a log that is
    /// shorter than it says would be read for ever.
    pub(super) exhausted: EventCursor,
    /// Which subscription of the daemon's run this is: pages read for an
    /// earlier one are not for it.
    pub(super) serial: u64,
}

/// The client does not take what it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slow(pub(super) &'static str);

impl Client {
    pub(super) const fn new(
        allowed: Roles,
        queue: Arc<SendQueue>,
        reader: AbortHandle,
        now: Instant,
    ) -> Self {
        Self {
            allowed,
            greeted: None,
            open: BTreeSet::new(),
            reads: VecDeque::new(),
            reading: false,
            subscription: None,
            queue,
            reader,
            waiting_since: now,
        }
    }

    pub(super) fn roles(&self) -> Roles {
        self.greeted
            .as_ref()
            .map_or(Roles::NONE, |greeted| greeted.roles)
    }

    /// Only the user's own app sees numbers and texts.
    pub(super) fn view(&self) -> View {
        if self.roles().any_of(Roles::APP) {
            View::Full
        } else {
            View::Masked
        }
    }

    /// Queues a message for it, unless it is slow.
    pub(super) fn push(&mut self, now: Instant, message: &ServerMessage) -> Result<(), Slow> {
        self.check_pace(now)?;
        let frame = message.encode_to_bytes();
        if self.queue.bytes() + frame.len() > MAX_SEND_QUEUE_BYTES {
            return Err(Slow(
                "too much waits for this client: read what it asks for",
            ));
        }
        self.queue.push(frame);
        Ok(())
    }

    /// Whether it takes what waits for it. Asked only when there is more to
    /// tell, so that a slow client costs no timer.
    pub(super) fn check_pace(&mut self, now: Instant) -> Result<(), Slow> {
        if self.queue.take_progress() || self.queue.bytes() == 0 {
            self.waiting_since = now;
            return Ok(());
        }
        if now.since(self.waiting_since) > SLOW_AFTER {
            return Err(Slow("this client has read nothing for too long"));
        }
        Ok(())
    }

    /// Whether a page may be read for it now. If not, and only because of
    /// what waits, its writer will say when.
    pub(super) fn may_read(&self) -> bool {
        !self.reading && self.queue.tell_below(READ_AHEAD_BYTES)
    }

    /// Whether more than a page waits for it.
    pub(super) fn is_behind(&self) -> bool {
        self.queue.bytes() >= READ_AHEAD_BYTES
    }

    /// Ends the connection, with a last word.
    pub(super) fn close(&self, last: Option<&ServerMessage>) {
        self.reader.abort();
        self.queue.close(last.map(ServerMessage::encode_to_bytes));
    }

    /// Ends the connection after what waits for it, with a last word.
    pub(super) fn finish(&self, last: &ServerMessage) {
        self.reader.abort();
        self.queue.finish(last.encode_to_bytes());
    }
}
