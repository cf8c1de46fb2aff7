//! What must hold at the end, when all faults have stopped and the world is quiet.

use std::collections::{BTreeMap, BTreeSet};

use twine_engine::message::{
    Channel, Direction, IpAttempt, MessageId, Shown, SmsAttempt, WaitsFor,
};
use twine_engine::store_ops::StoreOps;

use super::{Broken, Model, holds, talk, text_of};
use crate::net::HandsetNo;
use crate::store::MemoryStore;

impl Model {
    /// Every message has come to its end, is shown once, and stands in its place.
    pub fn at_rest(&self, stores: &[&MemoryStore]) -> Result<(), Broken> {
        for text in self.messages.keys() {
            self.has_ended(text, stores)?;
        }
        self.sms_at_rest()?;
        self.talk_at_rest(stores)?;
        self.received_is_kept(stores)?;
        self.shown_once(stores)?;
        self.in_order(stores)
    }

    fn has_ended(&self, text: &str, stores: &[&MemoryStore]) -> Result<(), Broken> {
        let Some(sent) = self.messages.get(text) else {
            return Ok(());
        };
        let Some(id) = sent.confirmed else {
            return Ok(());
        };
        let Ok(record) = stores[sent.from].message(id);
        let promise = "what was confirmed is never lost (sender)";
        self.cases.expect(promise, record.is_some(), text)?;
        let Some(record) = record else { return Ok(()) };
        self.failed_for_a_cause(text, sent, &record)?;
        let retired = self.retired.contains_key(&sent.from);
        let arrived = !sent.received.is_empty();
        let comes_to_an_end = "every confirmed message comes to an end";
        match record.shown {
            Shown::Delivered | Shown::Read => {
                self.cases.count(comes_to_an_end);
                // What lay in a phone's spool goes with the phone, and parts may have come
                // to two; IP has delivered it, or not.
                let gone = (self.sms.is_split(text) || self.sms.was_forgotten(text))
                    && !matches!(record.ip, IpAttempt::Delivered(_));
                let settled = self.is_settled_by_a_later_cursor(text, sent);
                if !sent.lost && !gone && !settled && !self.is_beyond_knowing(sent) {
                    let promise = "what was confirmed reaches the receiving app";
                    self.cases.expect(promise, arrived, text)?;
                }
                // Of what was rejected, and came by SMS, nobody tells that it was read.
                let rejected = matches!(record.ip, IpAttempt::Rejected(_));
                let kept = !rejected
                    && !sent.is_older_than(self.restored_at)
                    && !self.expired.has(text)
                    && !self.expired.has_mark_for(record.own)
                    && !retired;
                if sent.read && kept && !sent.doubted {
                    let told = record.shown == Shown::Read;
                    let promise = "what was read is shown as read at last";
                    self.cases.expect(promise, told, text)?;
                }
                Ok(())
            }
            shown @ (Shown::Cancelled | Shown::Failed(_)) => {
                self.cases.count(comes_to_an_end);
                // Of a name that was given twice, or may have been, it is beside another.
                let rejected =
                    matches!(record.ip, IpAttempt::Rejected(_)) || self.names_may_repeat(sent.from);
                if self.is_taken_back(text, shown) && !rejected {
                    let promise = "what was taken back is never delivered";
                    self.cases.expect(promise, !arrived, text)?;
                }
                Ok(())
            }
            Shown::Sent if sent.doubted => Ok(()),
            _ if self.is_beyond_knowing(sent) => Ok(()),
            _ if retired => Ok(()),
            // The operator has it, or may have it, and IP does not any more.
            Shown::Sent if record.ip.unsettled().is_none() && self.sms.was_ordered(text) => {
                self.cases.count(comes_to_an_end);
                let left = match record.sms.state {
                    SmsAttempt::Unconfirmed => self.sms.was_journalled(text),
                    _ => self.sms.left_whole(text),
                };
                let promise = "what is shown as sent by SMS left the phone";
                self.cases.expect(promise, left, text)
            }
            _ if record.waits_for == Some(WaitsFor::User) => Ok(()),
            _ => self.cases.expect(comes_to_an_end, false, text),
        }
    }

    /// What the model knows to be lost with a phone's store is not among what its app
    /// received any more.
    fn received_is_kept(&self, stores: &[&MemoryStore]) -> Result<(), Broken> {
        for (text, sent) in &self.messages {
            for copy in &sent.received {
                let kept = holds(stores[copy.on], copy.id, text);
                let promise = "what was received is never lost (receiver)";
                self.cases.expect(promise, kept, text)?;
            }
        }
        Ok(())
    }

    /// Each message stands once in its conversation, and copies are of one text.
    fn shown_once(&self, stores: &[&MemoryStore]) -> Result<(), Broken> {
        let merged_at_last = "copies of a message are merged at last";
        for (handset, store) in stores.iter().enumerate() {
            let mut seen = BTreeSet::new();
            let mut by_sms: BTreeMap<String, u32> = BTreeMap::new();
            for record in store.incoming().filter(|record| record.text.is_some()) {
                let text = text_of(&record);
                self.merged_within(store, &record)?;
                if record.shown == Shown::Conflicting {
                    // Of a name that was given twice both are there.
                    continue;
                }
                if self.is_echo(&record) {
                    // A message of its own, and no copy but of itself, which came twice.
                    let alone = record.copy_of.is_none_or(|root| {
                        let Ok(root) = store.message(root);
                        root.is_some_and(|root| self.is_echo(&root))
                    });
                    let promise = "who says the same is not merged";
                    self.cases.expect(promise, alone, &text)?;
                    continue;
                }
                if record.came_by == Channel::Sms && talk::word(&text).is_none() {
                    let times = by_sms.entry(text.clone()).or_default();
                    *times += 1;
                    let promise = "an SMS is shown no more often than it came";
                    let came = self.sms.came(&text, handset);
                    self.cases.expect(promise, *times <= came, &text)?;
                }
                if let Some(root) = record.copy_of {
                    let Ok(root) = store.message(root);
                    let is_copy = root.is_some_and(|root| text_of(&root) == text);
                    let promise = "only copies are merged";
                    self.cases.expect(promise, is_copy, &text)?;
                    self.cases.count(merged_at_last);
                    continue;
                }
                let may_repeat = self.messages.get(&text).is_none_or(|sent| {
                    // Whose phone is gone tells no note.
                    let untold = self.retired.contains_key(&sent.from);
                    let changed = sent.doubted || sent.lost;
                    let forgot = sent.is_older_than(self.restored_at);
                    untold
                        || changed
                        || forgot
                        || self.is_from_before_a_move(sent)
                        || self.is_in_a_refused_note(sent, stores)
                }) || self.expired.has(&text)
                    || self.sms.is_beyond_merging(&text);
                // Whose sender could not be resolved stands by itself.
                let again = !seen.insert((record.peer, text.clone()));
                if again && !may_repeat && !self.collides(&text) {
                    return self.cases.expect(merged_at_last, false, &text);
                }
            }
        }
        Ok(())
    }

    /// Sorted by order key, a lane's messages stand as they were sent.
    fn in_order(&self, stores: &[&MemoryStore]) -> Result<(), Broken> {
        for store in stores {
            for (own, peer) in store.conversation_list() {
                let mut last: BTreeMap<HandsetNo, (MessageId, String)> = BTreeMap::new();
                let mut last_place = None;
                let Ok(mut page) = store.history(own, peer, None, usize::MAX);
                page.reverse();
                for record in page {
                    if record.direction != Direction::Incoming
                        || record.shown == Shown::Conflicting
                        || record.text.is_none()
                    {
                        continue;
                    }
                    let text = text_of(&record);
                    if talk::word(&text).is_some() {
                        continue;
                    }
                    let Some(sent) = self.messages.get(&text) else {
                        return self.cases.expect("what is received was sent", false, &text);
                    };
                    let place = record.name.map(|name| (name.epoch, name.lane_seq));
                    if place.is_none() && record.came_by == Channel::Sms {
                        // No note has told its place: it stands where it came.
                        continue;
                    }
                    // Where sender and gateway forgot the same time, places are given again.
                    if let Some(last) = last_place.filter(|_| !self.names_may_repeat(sent.from)) {
                        let promise = "order keys sort a lane by its places";
                        self.cases.expect(promise, last < place, &text)?;
                    }
                    last_place = Some(place);
                    let moves =
                        sent.retried || sent.waited_for_user || self.is_beyond_knowing(sent);
                    let Some(id) = sent.confirmed.filter(|_| !moves) else {
                        continue;
                    };
                    let before = last.insert(sent.from, (id, text.clone()));
                    if let Some((earlier, other)) = before {
                        let promise = "a lane keeps its order";
                        let holds = earlier <= id || self.collides(&text) || self.collides(&other);
                        let of = format_args!("{text} behind {other}");
                        self.cases.expect(promise, holds, of)?;
                    }
                }
            }
        }
        Ok(())
    }
}
