//! Events on their way to the main loop: one bounded queue for all
//! connections.
//!
//! Bounded in number and in bytes. A task that finds no room waits, and while it
//! waits it does not read its socket: the gateway is slowed down by the
//! transport's own flow control. Filters out what a connection said that is
//! over by now.

use std::sync::Arc;

use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use twine_engine::{ChannelEvent, ConnId};
use twine_proto::Frame;

use super::limits::{EVENT_QUEUE, EVENT_QUEUE_BYTES};

/// Tells two connections apart that were given the same [`ConnId`].
pub(super) type Serial = u64;

/// One event, and the room that it takes up.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) conn: ConnId,
    pub(super) serial: Serial,
    pub(super) event: ChannelEvent,
    _room: Option<OwnedSemaphorePermit>,
}

/// Makes the queue.
pub(super) fn queue() -> (EventSource, Receiver<Queued>) {
    let (queue, receiver) = mpsc::channel(EVENT_QUEUE);
    let source = EventSource {
        queue,
        room: Arc::new(Semaphore::new(EVENT_QUEUE_BYTES)),
    };
    (source, receiver)
}

/// Where events come from.
#[derive(Debug, Clone)]
pub(super) struct EventSource {
    queue: Sender<Queued>,
    room: Arc<Semaphore>,
}

impl EventSource {
    /// The events of one connection.
    pub(super) fn of(&self, conn: ConnId, serial: Serial) -> Events {
        Events {
            source: self.clone(),
            conn,
            serial,
        }
    }
}

/// One connection's events.
#[derive(Debug)]
pub(super) struct Events {
    source: EventSource,
    conn: ConnId,
    serial: Serial,
}

impl Events {
    /// Waits for room, then queues a frame that had this size on the wire.
    pub(super) async fn frame(&self, frame: Frame, size: usize) {
        let permits = u32::try_from(size.min(EVENT_QUEUE_BYTES)).unwrap_or(u32::MAX);
        // Never closed, so there is always a permit in the end.
        let room = Arc::clone(&self.source.room)
            .acquire_many_owned(permits)
            .await
            .ok();
        self.queue(ChannelEvent::Frame(frame), room).await;
    }

    /// Waits for room, then queues anything but a frame.
    pub(super) async fn other(&self, event: ChannelEvent) {
        self.queue(event, None).await;
    }

    async fn queue(&self, event: ChannelEvent, room: Option<OwnedSemaphorePermit>) {
        let queued = Queued {
            conn: self.conn,
            serial: self.serial,
            event,
            _room: room,
        };
        // It fails only when nobody is interested any more.
        let _ = self.source.queue.send(queued).await;
    }
}
