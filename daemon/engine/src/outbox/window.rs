//! The in-flight window of one identity: bounded in messages and bytes.

use std::collections::VecDeque;

use twine_proto::Seq;

use crate::limits::{WINDOW, WINDOW_BYTES};

/// What was released and is not accepted yet.
#[derive(Debug)]
pub(crate) struct Window {
    /// Bytes that may be in it.
    limit_bytes: usize,
    sent: VecDeque<(Seq, usize)>,
    sent_bytes: usize,
    /// Releases on their way through the store: they hold room already.
    reserved: usize,
    reserved_bytes: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            limit_bytes: WINDOW_BYTES,
            sent: VecDeque::new(),
            sent_bytes: 0,
            reserved: 0,
            reserved_bytes: 0,
        }
    }
}

impl Window {
    /// The present network takes so many bytes at once, at most [`WINDOW_BYTES`].
    pub(crate) fn limit(&mut self, bytes: usize) {
        self.limit_bytes = bytes.min(WINDOW_BYTES);
    }

    /// Whether a message of this size may be released. An empty window takes
    /// any size: a long text must not wait for ever.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        let count = self.sent.len() + self.reserved;
        count == 0
            || (count < WINDOW && self.sent_bytes + self.reserved_bytes + bytes <= self.limit_bytes)
    }

    /// How many more messages, at most.
    pub(crate) fn room(&self) -> usize {
        WINDOW.saturating_sub(self.sent.len() + self.reserved)
    }

    /// How many more bytes, at most.
    pub(crate) fn room_bytes(&self) -> usize {
        self.limit_bytes
            .saturating_sub(self.sent_bytes + self.reserved_bytes)
    }

    /// Holds room for a release that is being stored.
    pub(crate) fn reserve(&mut self, bytes: usize) {
        self.reserved += 1;
        self.reserved_bytes += bytes;
    }

    /// The release came to nothing, or became [`Window::push`].
    pub(crate) fn unreserve(&mut self, bytes: usize) {
        self.reserved = self.reserved.saturating_sub(1);
        self.reserved_bytes = self.reserved_bytes.saturating_sub(bytes);
    }

    /// It went out.
    pub(crate) fn push(&mut self, seq: Seq, bytes: usize) {
        self.sent.push_back((seq, bytes));
        self.sent_bytes += bytes;
    }

    /// All up to `upto` have their answer.
    pub(crate) fn accepted(&mut self, upto: Seq) {
        while let Some(&(seq, bytes)) = self.sent.front() {
            if seq > upto {
                break;
            }
            self.sent.pop_front();
            self.sent_bytes -= bytes;
        }
    }

    /// This one has its answer.
    pub(crate) fn answered(&mut self, answered: Seq) {
        if let Some(at) = self.sent.iter().position(|&(seq, _)| seq == answered)
            && let Some((_, bytes)) = self.sent.remove(at)
        {
            self.sent_bytes -= bytes;
        }
    }

    /// The connection is gone: what was sent will be filled in again.
    pub(crate) fn clear(&mut self) {
        self.sent.clear();
        self.sent_bytes = 0;
    }

    pub(crate) fn len(&self) -> usize {
        self.sent.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.sent_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_bounded_in_messages_and_bytes_but_takes_one_of_any_size() {
        let mut window = Window::default();
        assert!(window.has_room(10 * WINDOW_BYTES));
        window.push(Seq(1), WINDOW_BYTES);
        assert!(!window.has_room(1));
        window.accepted(Seq(1));
        for seq in 2..2 + WINDOW as u64 {
            assert!(window.has_room(1));
            window.push(Seq(seq), 1);
        }
        assert!(!window.has_room(1));
        window.answered(Seq(5));
        assert!(window.has_room(1));
        window.reserve(1);
        assert!(!window.has_room(1));
    }

    #[test]
    fn a_slow_network_has_a_smaller_one() {
        let mut window = Window::default();
        window.limit(4096);
        assert!(window.has_room(WINDOW_BYTES), "one of any size");
        window.push(Seq(1), 4000);
        assert!(window.has_room(96));
        assert!(!window.has_room(97));
        assert_eq!(window.room_bytes(), 96);
        // Back on a fast one.
        window.limit(usize::MAX);
        assert!(window.has_room(WINDOW_BYTES - 4000));
        assert!(!window.has_room(WINDOW_BYTES - 3999));
    }
}
