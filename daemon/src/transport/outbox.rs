//! Frames on their way out of one connection, and the wish to close it.
//!
//! The only thing that the main loop and a connection's task share. Frames are
//! encoded when they are handed in, so what waits is counted in real bytes, and
//! everything that came while a write was under way goes out in the next one.
//! Never blocks: what does not fit is refused.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use tokio::sync::Notify;
use twine_proto::Frame;
use twine_proto::codec;

use super::limits::SEND_QUEUE_BYTES;

/// The queue holds [`SEND_QUEUE_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct QueueFull;

/// One connection's way out.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    /// For the writer: more to write, or nothing will come any more.
    filled: Notify,
    /// For the task: the connection is to be closed.
    closing: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: BytesMut,
    /// Taken by the writer and perhaps not yet written.
    writing: usize,
    closing: bool,
}

impl Outbox {
    /// Appends a frame.
    pub(super) fn push(&self, frame: &Frame) -> Result<(), QueueFull> {
        let mut state = self.lock();
        codec::encode(frame, &mut state.waiting);
        if state.waiting.len() + state.writing > SEND_QUEUE_BYTES {
            return Err(QueueFull);
        }
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Nothing more will be pushed; end when everything is written.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.filled.notify_one();
        self.closing.notify_one();
    }

    /// Waits for [`close`](Self::close). For one waiter, once.
    pub(super) async fn closing(&self) {
        self.closing.notified().await;
    }

    /// Everything to be written; what was returned before is written. `None`:
    /// closed and empty. For one waiter.
    pub(super) async fn next(&self) -> Option<BytesMut> {
        self.lock().writing = 0;
        loop {
            {
                let mut state = self.lock();
                if !state.waiting.is_empty() {
                    // The buffer goes along: an idle connection keeps none.
                    let bytes = std::mem::take(&mut state.waiting);
                    state.writing = bytes.len();
                    return Some(bytes);
                }
                if state.closing {
                    return None;
                }
            }
            self.filled.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that runs under the lock leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(frames: &[Frame]) -> BytesMut {
        let mut bytes = BytesMut::new();
        for frame in frames {
            codec::encode(frame, &mut bytes);
        }
        bytes
    }

    #[tokio::test]
    async fn what_waits_goes_out_together() {
        let outbox = Outbox::default();
        outbox.push(&Frame::Ping(1)).unwrap();
        outbox.push(&Frame::Ping(2)).unwrap();
        let expected = encoded(&[Frame::Ping(1), Frame::Ping(2)]);
        assert_eq!(outbox.next().await, Some(expected));
        outbox.push(&Frame::Ping(3)).unwrap();
        assert_eq!(outbox.next().await, Some(encoded(&[Frame::Ping(3)])));
    }

    #[tokio::test]
    async fn closing_comes_after_everything() {
        let outbox = Outbox::default();
        outbox.push(&Frame::Ping(1)).unwrap();
        outbox.close();
        assert!(outbox.next().await.is_some());
        assert_eq!(outbox.next().await, None);
        outbox.closing().await;
    }

    #[tokio::test]
    async fn what_is_being_written_counts() {
        let outbox = Outbox::default();
        let size = encoded(&[Frame::Ping(7)]).len();
        let half = SEND_QUEUE_BYTES / size / 2;
        for _ in 0..half {
            outbox.push(&Frame::Ping(7)).unwrap();
        }
        let taken = outbox.next().await.unwrap();
        let mut pushed = 0;
        while outbox.push(&Frame::Ping(7)).is_ok() {
            pushed += 1;
        }
        assert_eq!(
            (taken.len() + pushed * size) / size,
            SEND_QUEUE_BYTES / size
        );
    }
}
