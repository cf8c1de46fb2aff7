//! What waits to be written to one client: bounded by whoever fills it, and
//! written by one task.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use tokio::sync::Notify;

/// Small frames go out together up to this size.
const WRITE_TOGETHER_BYTES: usize = 16 * 1024;

/// Frames on their way to one client.
#[derive(Debug, Default)]
pub(super) struct SendQueue {
    state: Mutex<State>,
    /// Something was put in, or the end was set.
    filled: Notify,
    /// The end was set.
    closing: Notify,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<Bytes>,
    /// Of the frames, and of what is being written.
    bytes: usize,
    closing: bool,
    /// Tell when fewer bytes than this wait.
    tell_below: Option<usize>,
    /// Something was written since it was asked last.
    progress: bool,
}

impl SendQueue {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes that wait.
    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Whether anything was written since the last call.
    pub(super) fn take_progress(&self) -> bool {
        std::mem::take(&mut self.lock().progress)
    }

    /// Adds a frame; the caller has looked at the limit.
    pub(super) fn push(&self, frame: Bytes) {
        let mut state = self.lock();
        if !state.closing {
            state.bytes += frame.len();
            state.frames.push_back(frame);
            drop(state);
            self.filled.notify_one();
        }
    }

    /// Asks for one notice as soon as fewer bytes wait; whether they do
    /// already (then there will be none).
    pub(super) fn tell_below(&self, bytes: usize) -> bool {
        let mut state = self.lock();
        let below = state.bytes < bytes;
        state.tell_below = (!below).then_some(bytes);
        below
    }

    /// Nothing follows but this. What was not begun to be written is dropped.
    pub(super) fn close(&self, last: Option<Bytes>) {
        self.end(last, true);
    }

    /// Nothing follows but this, behind what waits.
    pub(super) fn finish(&self, last: Bytes) {
        self.end(Some(last), false);
    }

    fn end(&self, last: Option<Bytes>, drop_the_rest: bool) {
        let mut state = self.lock();
        if state.closing {
            return;
        }
        state.closing = true;
        state.tell_below = None;
        if drop_the_rest {
            state.frames.clear();
        }
        state.frames.extend(last);
        drop(state);
        self.filled.notify_one();
        self.closing.notify_one();
    }

    /// Waits for the end to be set. One task at a time.
    pub(super) async fn closed(&self) {
        self.closing.notified().await;
    }

    /// The next bytes to write; `None` after the last ones. One task at a time.
    pub(super) async fn next(&self) -> Option<Bytes> {
        loop {
            {
                let mut state = self.lock();
                if let Some(chunk) = take_chunk(&mut state.frames) {
                    return Some(chunk);
                }
                if state.closing {
                    return None;
                }
            }
            self.filled.notified().await;
        }
    }

    /// So many bytes of the last chunk were written; whether that is to be
    /// told.
    pub(super) fn written(&self, bytes: usize) -> bool {
        let mut state = self.lock();
        state.bytes = state.bytes.saturating_sub(bytes);
        state.progress = true;
        let tell = state.tell_below.is_some_and(|mark| state.bytes < mark);
        if tell {
            state.tell_below = None;
        }
        tell
    }
}

fn take_chunk(frames: &mut VecDeque<Bytes>) -> Option<Bytes> {
    let first = frames.pop_front()?;
    let fits = |chunk: usize, next: Option<&Bytes>| {
        next.is_some_and(|next| chunk + next.len() <= WRITE_TOGETHER_BYTES)
    };
    if !fits(first.len(), frames.front()) {
        return Some(first);
    }
    let mut chunk = BytesMut::from(&*first);
    while fits(chunk.len(), frames.front()) {
        if let Some(frame) = frames.pop_front() {
            chunk.extend_from_slice(&frame);
        }
    }
    // Room for queued bytes that were let go must not stay with the queue.
    if frames.is_empty() {
        frames.shrink_to(4);
    }
    Some(chunk.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn small_frames_are_written_together_and_the_last_word_comes_last() {
        let queue = SendQueue::default();
        for frame in ["a", "b", "c"] {
            queue.push(Bytes::from_static(frame.as_bytes()));
        }
        queue.push(Bytes::from(vec![0; WRITE_TOGETHER_BYTES]));
        assert_eq!(queue.next().await.unwrap(), "abc");
        queue.push(Bytes::from_static(b"dropped"));
        queue.close(Some(Bytes::from_static(b"closed")));
        queue.push(Bytes::from_static(b"too late"));
        assert_eq!(queue.next().await.unwrap(), "closed");
        assert_eq!(queue.next().await, None);
    }

    #[tokio::test]
    async fn the_mark_is_told_once() {
        let queue = SendQueue::default();
        assert!(queue.tell_below(10));
        queue.push(Bytes::from(vec![0; 20]));
        assert!(!queue.tell_below(10));
        assert!(!queue.written(10));
        assert!(queue.written(1));
        assert!(!queue.written(1));
        assert!(queue.take_progress());
        assert!(!queue.take_progress());
        assert_eq!(queue.bytes(), 8);
    }
}
