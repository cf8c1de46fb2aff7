//! The reference model: what was promised, in the simplest words, and the
//! checks against it.
//!
//! Every text in the world is unique, so a message is its text. The model knows
//! nothing of seqs, epochs, cursors or channels: only what an app was told.

use std::collections::BTreeMap;

use twine_engine::message::{Direction, MessageId, MessageRecord, Shown};
use twine_engine::store_ops::StoreOps;

use crate::net::HandsetNo;
use crate::store::MemoryStore;

/// A promise was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Which, in plain words.
    pub promise: &'static str,
    /// The message concerned.
    pub text: String,
}

/// One message as its app knows it.
#[derive(Debug, Clone)]
struct Sent {
    from: HandsetNo,
    to: HandsetNo,
    /// The app was told that it is stored, under this id.
    confirmed: Option<MessageId>,
    /// The user sent it again: its place among the others may change.
    retried: bool,
    /// As which message it reached the receiving app.
    received: Option<MessageId>,
    /// The receiver's user has read it, or a later one.
    read: bool,
}

/// All promises of one world.
#[derive(Debug, Default)]
pub struct Model {
    messages: BTreeMap<String, Sent>,
    by_id: BTreeMap<(HandsetNo, MessageId), String>,
    /// The gateway was restored from a backup: it may have forgotten that it
    /// took a message back, and read marks it had taken. Everything else still
    /// holds.
    gateway_restored: bool,
}

impl Model {
    /// The gateway forgets what it did since its last backup.
    pub fn gateway_restored(&mut self) {
        self.gateway_restored = true;
    }

    /// An app hands a message in.
    pub fn sending(&mut self, text: &str, from: HandsetNo, to: HandsetNo) {
        self.messages.insert(
            text.to_owned(),
            Sent {
                from,
                to,
                confirmed: None,
                retried: false,
                received: None,
                read: false,
            },
        );
    }

    /// The app was told that it is stored.
    pub fn confirmed(&mut self, text: &str, id: MessageId) -> Result<(), Broken> {
        let Some(sent) = self.messages.get_mut(text) else {
            return broken("a reply belongs to a request", text);
        };
        match sent.confirmed {
            Some(known) if known != id => broken("a token names one message", text),
            _ => {
                sent.confirmed = Some(id);
                self.by_id.insert((sent.from, id), text.to_owned());
                Ok(())
            }
        }
    }

    /// The user sends a failed message again.
    pub fn retried(&mut self, handset: HandsetNo, id: MessageId) {
        if let Some(sent) = self
            .by_id
            .get(&(handset, id))
            .and_then(|text| self.messages.get_mut(text))
        {
            sent.retried = true;
        }
    }

    /// The receiving app got a message; `state` tells what the sender's store
    /// says of it.
    pub fn received(
        &mut self,
        handset: HandsetNo,
        record: &MessageRecord,
        state: impl Fn(HandsetNo, MessageId) -> Option<Shown>,
    ) -> Result<(), Broken> {
        let text = text_of(record);
        let Some(sent) = self.messages.get_mut(&text) else {
            return broken("what is received was sent", &text);
        };
        if sent.to != handset {
            return broken("a message reaches whom it was sent to", &text);
        }
        match sent.received {
            Some(known) if known != record.id => {
                return broken("a message reaches the app exactly once", &text);
            }
            _ => sent.received = Some(record.id),
        }
        match sent.confirmed.and_then(|id| state(sent.from, id)) {
            Some(Shown::Cancelled | Shown::Failed(_)) if !self.gateway_restored => {
                broken("what was taken back is never delivered", &text)
            }
            _ => Ok(()),
        }
    }

    /// The user of `handset` has read up to this message.
    pub fn read(&mut self, handset: HandsetNo, store: &MemoryStore, record: &MessageRecord) {
        let Some(name) = record.name else { return };
        for sent in self.messages.values_mut() {
            if sent.to != handset {
                continue;
            }
            let earlier = sent
                .received
                .and_then(|id| store.message(id).ok().flatten())
                .and_then(|other| other.name)
                .is_some_and(|other| {
                    (other.from, other.epoch) == (name.from, name.epoch)
                        && other.lane_seq <= name.lane_seq
                });
            sent.read |= earlier;
        }
    }

    /// The sending app was told a new state.
    pub fn told(
        &mut self,
        handset: HandsetNo,
        record: &MessageRecord,
        shown: Shown,
        receiver: impl Fn(HandsetNo, &MessageRecord) -> bool,
    ) -> Result<(), Broken> {
        if record.direction != Direction::Outgoing {
            return Ok(());
        }
        let text = text_of(record);
        let Some(sent) = self.messages.get_mut(&text) else {
            return broken("an event belongs to a message", &text);
        };
        if sent.from != handset {
            return broken("an event reaches the sender's app", &text);
        }
        self.by_id.insert((handset, record.id), text.clone());
        let there = receiver(sent.to, record);
        match shown {
            Shown::Delivered | Shown::Read if !there => {
                broken("delivered means that the receiver has stored it", &text)
            }
            Shown::Cancelled | Shown::Failed(_)
                if there && record.shown == shown && !self.gateway_restored =>
            {
                broken("what was taken back is never delivered", &text)
            }
            _ => Ok(()),
        }
    }

    /// At the end, when all faults have stopped and the world is quiet.
    pub fn at_rest(
        &self,
        stores: &[&MemoryStore],
        handset_of: impl Fn(&MessageRecord) -> HandsetNo,
    ) -> Result<(), Broken> {
        for (text, sent) in &self.messages {
            let Some(id) = sent.confirmed else { continue };
            let Ok(Some(record)) = stores[sent.from].message(id) else {
                return broken("what was confirmed is never lost (sender)", text);
            };
            match record.shown {
                Shown::Delivered | Shown::Read => {
                    if sent.received.is_none() {
                        return broken("what was confirmed reaches the receiving app", text);
                    }
                    if sent.read && record.shown != Shown::Read && !self.gateway_restored {
                        return broken("what was read is shown as read at last", text);
                    }
                }
                Shown::Cancelled | Shown::Failed(_) => {
                    if sent.received.is_some() && !self.gateway_restored {
                        return broken("what was taken back is never delivered", text);
                    }
                }
                _ => return broken("every confirmed message comes to an end", text),
            }
        }
        self.in_order(stores, handset_of)
    }

    /// Sorted by order key, a lane's messages stand as they were sent.
    fn in_order(
        &self,
        stores: &[&MemoryStore],
        handset_of: impl Fn(&MessageRecord) -> HandsetNo,
    ) -> Result<(), Broken> {
        for store in stores {
            for (own, peer) in store.conversation_list() {
                let mut last: Option<MessageId> = None;
                let mut last_place = None;
                let Ok(mut page) = store.history(own, peer, None, usize::MAX);
                page.reverse();
                for record in page {
                    if record.direction != Direction::Incoming || record.text.is_none() {
                        continue;
                    }
                    let text = text_of(&record);
                    let Some(sent) = self.messages.get(&text) else {
                        return broken("what is received was sent", &text);
                    };
                    let place = record.name.map(|name| (name.epoch, name.lane_seq));
                    if last_place.is_some_and(|last| last >= place) {
                        return broken("order keys sort a lane by its places", &text);
                    }
                    last_place = Some(place);
                    debug_assert_eq!(sent.to, handset_of(&record));
                    let Some(id) = sent.confirmed.filter(|_| !sent.retried) else {
                        continue;
                    };
                    if last.is_some_and(|last| last > id) {
                        return broken("a lane keeps its order", &text);
                    }
                    last = Some(id);
                }
            }
        }
        Ok(())
    }

    /// Messages confirmed, and messages received.
    pub fn totals(&self) -> (u64, u64) {
        let confirmed = self.messages.values().filter(|s| s.confirmed.is_some());
        let received = self.messages.values().filter(|s| s.received.is_some());
        (confirmed.count() as u64, received.count() as u64)
    }
}

fn text_of(record: &MessageRecord) -> String {
    record
        .text
        .as_ref()
        .map_or_else(String::new, |text| text.expose().clone())
}

fn broken(promise: &'static str, text: &str) -> Result<(), Broken> {
    Err(Broken {
        promise,
        text: text.to_owned(),
    })
}
