//! The queue between the core and one connection, bounded in frames and bytes.
//!
//! The core never waits: a queue that is full means a client that reads too
//! slowly, and ends its connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, mpsc};
use twine_proto::Frame;
use twine_proto::frame::ReceiptKind;

use crate::limits::{MAX_QUEUED_BYTES, MAX_QUEUED_FRAMES};

/// A frame beside its lists and content, roughly.
const FRAME_BYTES: usize = 64;
/// One seq with its outcome.
const SEQ_BYTES: usize = 12;

/// The core's end.
#[derive(Debug, Clone)]
pub(crate) struct Outlet {
    queue: mpsc::Sender<Item>,
    shared: Arc<Shared>,
}

/// The connection's end.
#[derive(Debug)]
pub(crate) struct Inlet {
    queue: mpsc::Receiver<Item>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
enum Item {
    Frame(Frame),
    Close,
}

#[derive(Debug, Default)]
struct Shared {
    bytes: AtomicUsize,
    killed: Notify,
}

/// The queue is full; the connection was told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// A queue for one connection.
pub(crate) fn queue() -> (Outlet, Inlet) {
    let (sender, receiver) = mpsc::channel(MAX_QUEUED_FRAMES);
    let shared = Arc::new(Shared::default());
    let outlet = Outlet {
        queue: sender,
        shared: Arc::clone(&shared),
    };
    let inlet = Inlet {
        queue: receiver,
        shared,
    };
    (outlet, inlet)
}

impl Outlet {
    pub(crate) fn push(&self, frame: Frame) -> Result<(), Full> {
        let cost = cost(&frame);
        let queued = self.shared.bytes.fetch_add(cost, Ordering::Relaxed);
        // A queue that was empty takes any one frame.
        if queued > 0 && queued + cost > MAX_QUEUED_BYTES {
            self.kill();
            return Err(Full);
        }
        self.put(Item::Frame(frame))
    }

    /// Ends the connection once everything before is sent.
    pub(crate) fn close(&self) -> Result<(), Full> {
        self.put(Item::Close)
    }

    /// Ends the connection now.
    pub(crate) fn kill(&self) {
        self.shared.killed.notify_one();
    }

    fn put(&self, item: Item) -> Result<(), Full> {
        match self.queue.try_send(item) {
            // Closed: the connection is gone already and has said so.
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.kill();
                Err(Full)
            }
        }
    }
}

impl Inlet {
    /// Resolves when the core ends the connection without a word.
    pub(crate) fn killed(&self) -> impl Future<Output = ()> + use<> {
        let shared = Arc::clone(&self.shared);
        async move { shared.killed.notified().await }
    }

    /// The next frame; `None`: close.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let item = self.queue.recv().await?;
        self.frame(item)
    }

    /// What waits, without waiting for more.
    pub(crate) fn try_next(&mut self) -> Waiting {
        match self.queue.try_recv() {
            Ok(item) => self.frame(item).map_or(Waiting::Close, Waiting::Frame),
            Err(mpsc::error::TryRecvError::Empty) => Waiting::Nothing,
            Err(mpsc::error::TryRecvError::Disconnected) => Waiting::Close,
        }
    }

    fn frame(&self, item: Item) -> Option<Frame> {
        match item {
            Item::Frame(frame) => {
                self.shared.bytes.fetch_sub(cost(&frame), Ordering::Relaxed);
                Some(frame)
            }
            Item::Close => None,
        }
    }
}

/// What waits in a queue.
pub(crate) enum Waiting {
    Frame(Frame),
    Close,
    Nothing,
}

fn cost(frame: &Frame) -> usize {
    FRAME_BYTES
        + match frame {
            Frame::Deliver(deliver) => deliver.content.as_bytes().len(),
            Frame::Welcome(welcome) => {
                let seqs = |slot: &twine_proto::frame::WelcomeSlot| {
                    slot.state.dispositions.len() + slot.state.delivered.len()
                };
                SEQ_BYTES * welcome.slots.iter().map(seqs).sum::<usize>()
            }
            Frame::Accepted(accepted) => SEQ_BYTES * (accepted.refused.len() + accepted.away.len()),
            Frame::Revoked(revoked) => SEQ_BYTES * revoked.results.len(),
            Frame::Capabilities(capabilities) => 2 * SEQ_BYTES * capabilities.entries.len(),
            Frame::Receipt(receipt) => match &receipt.kind {
                ReceiptKind::Outcomes {
                    delivered,
                    dispositions,
                    ..
                } => SEQ_BYTES * (delivered.len() + dispositions.len()),
                _ => 0,
            },
            _ => 0,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use twine_proto::{Content, Cursor, E164, Epoch, LaneSeq, Slot};

    fn deliver(bytes: usize) -> Frame {
        Frame::Deliver(twine_proto::frame::Deliver {
            slot: Slot(0),
            cursor: Cursor(1),
            from: E164::new(254_700_000_001).unwrap(),
            epoch: Epoch(1),
            lane_seq: LaneSeq(1),
            age_s: 0,
            content: Content::text("x".repeat(bytes)).unwrap().encode(),
            maybe_by_sms: false,
        })
    }

    #[tokio::test]
    async fn a_queue_full_of_frames_kills_the_connection() {
        let (outlet, inlet) = queue();
        for _ in 0..MAX_QUEUED_FRAMES {
            outlet.push(Frame::Ping(1)).unwrap();
        }
        assert_eq!(outlet.push(Frame::Ping(1)), Err(Full));
        inlet.killed().await;
    }

    #[tokio::test]
    async fn a_queue_full_of_bytes_kills_the_connection_until_it_is_read() {
        let (outlet, mut inlet) = queue();
        let fits = MAX_QUEUED_BYTES / 80_000;
        for _ in 0..fits {
            outlet.push(deliver(79_000)).unwrap();
        }
        inlet.next().await.unwrap();
        outlet.push(deliver(79_000)).unwrap();
        assert_eq!(outlet.push(deliver(79_000)), Err(Full));
        inlet.killed().await;
    }

    #[tokio::test]
    async fn close_comes_after_what_was_sent() {
        let (outlet, mut inlet) = queue();
        outlet.push(Frame::Pong(1)).unwrap();
        outlet.close().unwrap();
        assert_eq!(inlet.next().await, Some(Frame::Pong(1)));
        assert_eq!(inlet.next().await, None);
    }
}
