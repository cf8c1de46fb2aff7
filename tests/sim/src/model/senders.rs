//! Whose an SMS is (DELIVERY 27): the number that the home plan of the receiving card
//! makes of its sender, or a name; and that nothing is merged across conversations.

use std::collections::{BTreeMap, BTreeSet};

use twine_engine::message::{Channel, MessageRecord};
use twine_engine::store_ops::StoreOps;
use twine_proto::{E164, Peer};

use super::{Broken, Model, sms, text_of};
use crate::sms::framework::Whole;
use crate::store::MemoryStore;

/// One SMS: to this number, with this text.
type Key = (E164, String);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Senders {
    /// Whose conversations it may stand in.
    owed: BTreeMap<Key, BTreeSet<Peer>>,
    /// The same, of those that only say what another said.
    echoes: BTreeMap<Key, BTreeSet<Peer>>,
}

fn key_of(whole: &Whole) -> Key {
    (whole.to, sms::original(&whole.text))
}

impl Model {
    /// A phone spools an SMS that belongs to this peer.
    pub fn is_owed(&mut self, whole: &Whole, peer: Option<Peer>) {
        let owed = self.senders.owed.entry(key_of(whole)).or_default();
        owed.extend(peer);
    }

    /// The same, of one that only says what another said.
    pub fn echoed(&mut self, whole: &Whole, peer: Option<Peer>) {
        let echoes = self.senders.echoes.entry(key_of(whole)).or_default();
        echoes.extend(peer);
    }

    /// Whether this is no message of the world, but another that says the same.
    pub(super) fn is_echo(&self, record: &MessageRecord) -> bool {
        let key = (record.own, text_of(record));
        record.came_by == Channel::Sms
            && holds(&self.senders.echoes, &key, record.peer)
            && !holds(&self.senders.owed, &key, record.peer)
    }

    /// An app got it.
    pub(super) fn has_sender(&self, record: &MessageRecord) -> Result<(), Broken> {
        if record.came_by != Channel::Sms || self.is_echo(record) {
            return Ok(());
        }
        let key = (record.own, text_of(record));
        let its = holds(&self.senders.owed, &key, record.peer);
        let promise = "an SMS belongs to whom its card's home plan makes of its sender";
        self.cases.expect(promise, its, &key.1)
    }

    /// Copies stand in one conversation with a number.
    pub(super) fn merged_within(
        &self,
        store: &MemoryStore,
        record: &MessageRecord,
    ) -> Result<(), Broken> {
        let Some(root) = record.copy_of else {
            return Ok(());
        };
        let Ok(root) = store.message(root);
        let of_one = |root: MessageRecord| {
            (root.own, root.peer) == (record.own, record.peer) && root.peer.number().is_some()
        };
        let promise = "nothing is merged across senders, names or own numbers";
        let holds = root.is_some_and(of_one);
        self.cases.expect(promise, holds, text_of(record))
    }
}

fn holds(of: &BTreeMap<Key, BTreeSet<Peer>>, key: &Key, peer: Peer) -> bool {
    of.get(key).is_some_and(|peers| peers.contains(&peer))
}
