//! The in-flight window of one identity: bounded in messages and bytes.

use std::collections::VecDeque;

use twine_proto::Seq;

use crate::limits::{WINDOW, WINDOW_BYTES};

/// What was released and is not accepted yet.
#[derive(Debug, Default)]
pub(crate) struct Window {
    sent: VecDeque<(Seq, usize)>,
    sent_bytes: usize,
    /// Releases on their way through the store: they hold room already.
    reserved: usize,
    reserved_bytes: usize,
}

impl Window {
    /// Whether a message of this size may be released. An empty window takes
    /// any size: a long text must not wait for ever.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        let count = self.sent.len() + self.reserved;
        count == 0
            || (count < WINDOW && self.sent_bytes + self.reserved_bytes + bytes <= WINDOW_BYTES)
    }

    /// How many more messages, at most.
    pub(crate) fn room(&self) -> usize {
        WINDOW.saturating_sub(self.sent.len() + self.reserved)
    }

    /// How many more bytes, at most.
    pub(crate) fn room_bytes(&self) -> usize {
        WINDOW_BYTES.saturating_sub(self.sent_bytes + self.reserved_bytes)
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
}
