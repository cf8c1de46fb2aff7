//! The reference model: what was promised, in the simplest words, and the
//! checks against it.
//!
//! Every text in the world is unique, so a message is its text. The model knows
//! nothing of seqs, cursors or channels: only what an app was told.
//!
//! # What takes a promise back
//!
//! | what happened | what is promised no more |
//! |---|---|
//! | the gateway was restored from a backup | that what was taken back stays away; read marks it had taken; one copy only, where the sender took a new epoch |
//! | the gateway keeps mail for a short time | that what failed or was taken back has not arrived: it may have been handed over, expired, and been repeated or dismissed by the user; read marks |
//! | a phone was put back to an old copy | messages confirmed or received after the copy; of those it had sent before: one copy only, their order, that one taken back stays away, and an end beyond "sent" (the gateway may have forgotten the outcome); read marks from and to it so far; that nothing is shown as taken back but by its user (the copy does not know why the gateway calls it revoked) |
//! | both of these at once | that a name is given once: the second message of a name is shown as conflicting, and fails |
//! | a phone was replaced | an end for what it had not brought to one; reads on it; what it had received and not shown, if it is gone |
//!
//! What holds in spite of everything: an app gets only what was sent to its
//! number; a universal name is one message on a phone; nothing is shown as delivered
//! that no phone of that number ever stored; lanes keep their order.

mod sms;

use std::collections::{BTreeMap, BTreeSet};

use twine_engine::message::{
    Channel, Direction, Failure, MessageId, MessageRecord, Shown, WaitsFor,
};
use twine_engine::store_ops::StoreOps;
use twine_proto::frame::RejectReason;
use twine_proto::{E164, MessageName};

use crate::net::HandsetNo;
use crate::poison;
use crate::store::MemoryStore;
pub use sms::Ordered;

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
    to: E164,
    /// The app was told that it is stored, under this id.
    confirmed: Option<MessageId>,
    /// How many messages had been written in this world before it.
    no: u64,
    /// It has a validity.
    expires: bool,
    /// The user sent it again: its place among the others may change.
    retried: bool,
    /// As which messages it reached receiving apps; more than one only where
    /// that is allowed.
    received: Vec<Copy>,
    /// The receiver's user has read it, or a later one.
    read: bool,
    /// A phone that had received it was lost or put back to an old copy.
    lost: bool,
    /// Its sender was put back to an old copy since.
    doubted: bool,
    /// It waited for its user, and was in nobody's way.
    passed: bool,
}

/// A message as one phone shows it.
#[derive(Debug, Clone, Copy)]
struct Copy {
    on: HandsetNo,
    name: Option<MessageName>,
    id: MessageId,
    by_ip: bool,
}

/// All promises of one world.
#[derive(Debug, Default)]
pub struct Model {
    messages: BTreeMap<String, Sent>,
    by_id: BTreeMap<(HandsetNo, MessageId), String>,
    by_recipient: BTreeMap<E164, Vec<String>>,
    gateway_restored: bool,
    mail_expires: bool,
    /// Names that a phone held and lost.
    lost_names: BTreeSet<MessageName>,
    /// Phones that were put back to an old copy.
    put_back: BTreeSet<HandsetNo>,
    /// Phones that were replaced, and how many messages had been written then.
    retired: BTreeMap<HandsetNo, u64>,
    /// What users took back.
    taken_back: BTreeSet<(HandsetNo, MessageId)>,
    /// Numbers of cards.
    cards: BTreeSet<E164>,
    /// Numbers whose phone was replaced or put back.
    moved: BTreeSet<E164>,
    /// Cards that were in two phones: parts of one message may be as well.
    lent: BTreeSet<E164>,
    sms: sms::Ledger,
}

impl Model {
    /// A phone has a card of this number.
    pub fn has_card(&mut self, number: E164) {
        self.cards.insert(number);
    }

    fn has_phone(&self, number: E164) -> bool {
        self.cards.contains(&number)
    }

    fn retired_any(&self, number: E164) -> bool {
        self.moved.contains(&number)
    }

    /// A card went to another phone.
    pub fn lent(&mut self, number: E164) {
        self.lent.insert(number);
    }

    /// The phone with the card of this number was replaced, or put back to an old
    /// copy.
    pub fn forgot(&mut self, number: E164) {
        self.moved.insert(number);
    }

    /// The gateway forgets what it did since its last backup.
    pub fn gateway_restored(&mut self) {
        self.gateway_restored = true;
    }

    /// Whether it has forgotten anything.
    pub const fn is_gateway_restored(&self) -> bool {
        self.gateway_restored
    }

    /// The gateway keeps mail for a short time only.
    pub fn mail_expires(&mut self) {
        self.mail_expires = true;
    }

    /// A phone gives its number to a new one; `gone`: with all it holds.
    pub fn replaced(&mut self, handset: HandsetNo, number: E164, gone: Option<&MemoryStore>) {
        self.retired.insert(handset, self.messages.len() as u64);
        self.forget_reads_of(number);
        self.forgot(number);
        if let Some(store) = gone {
            self.lose(store.incoming());
        }
    }

    /// A phone is put back from `before` to an old copy.
    pub fn put_back(
        &mut self,
        handset: HandsetNo,
        number: E164,
        before: &MemoryStore,
        copy: &MemoryStore,
    ) {
        self.put_back.insert(handset);
        self.forgot(number);
        self.forget_reads_of(number);
        for (text, sent) in &mut self.messages {
            if sent.from == handset {
                sent.doubted = true;
                sent.retried = true;
                sent.read = false;
                if let Some(id) = sent.confirmed
                    && !holds(copy, id, text)
                {
                    sent.confirmed = None;
                    self.by_id.remove(&(handset, id));
                }
            }
            let known = sent.received.len();
            sent.received
                .retain(|one| one.on != handset || holds(copy, one.id, text));
            sent.lost |= sent.received.len() < known;
        }
        let kept: BTreeSet<MessageName> = copy.incoming().filter_map(|r| r.name).collect();
        let is_lost = |r: &MessageRecord| r.name.is_none_or(|name| !kept.contains(&name));
        self.lose(before.incoming().filter(is_lost));
    }

    fn lose(&mut self, records: impl Iterator<Item = MessageRecord>) {
        for record in records {
            self.lost_names.extend(record.name);
            if let Some(sent) = self.messages.get_mut(&text_of(&record)) {
                sent.lost = true;
            }
        }
    }

    fn forget_reads_of(&mut self, number: E164) {
        for text in self.by_recipient.get(&number).into_iter().flatten() {
            if let Some(sent) = self.messages.get_mut(text) {
                sent.read = false;
            }
        }
    }

    /// An app hands a message in.
    pub fn sending(&mut self, text: &str, from: HandsetNo, to: E164, expires: bool) {
        let no = self.messages.len() as u64;
        self.by_recipient
            .entry(to)
            .or_default()
            .push(text.to_owned());
        self.messages.insert(
            text.to_owned(),
            Sent {
                from,
                to,
                confirmed: None,
                no,
                expires,
                retried: false,
                received: Vec::new(),
                read: false,
                lost: false,
                doubted: false,
                passed: false,
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

    /// The user takes a message back.
    pub fn taken_back(&mut self, handset: HandsetNo, id: MessageId) {
        self.taken_back.insert((handset, id));
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
        if record.text.is_none() {
            // A placeholder: judged at the end, when its sender is known.
            return Ok(());
        }
        let text = text_of(record);
        let Some(sent) = self.messages.get_mut(&text) else {
            return broken("what is received was sent", &text);
        };
        if sent.to != record.own {
            return broken("a message reaches whom it was sent to", &text);
        }
        let by_ip = record.came_by == Channel::Ip;
        if poison::of(&text).is_some() && by_ip {
            return broken("what cannot be read is not shown as a text", &text);
        }
        let replaced = self.retired.get(&handset);
        if replaced.is_some_and(|before| sent.no >= *before) {
            return broken("mail goes to the phone that has the number", &text);
        }
        let copy = Copy {
            on: handset,
            name: record.name,
            id: record.id,
            by_ip,
        };
        let may = match (sent.doubted, self.gateway_restored) {
            (false, false) => MayRepeat::Never,
            (true, true) => MayRepeat::InAnotherPlace,
            _ => MayRepeat::InAnotherEpoch,
        };
        // Copies by SMS are judged at the end, when notes have told of them.
        let repeats = |known: &Copy| by_ip && known.by_ip && copy.repeats(known, may);
        if sent.received.iter().any(repeats) {
            return broken("a message reaches the app exactly once", &text);
        }
        if !sent
            .received
            .iter()
            .any(|known| known.id == copy.id && known.on == handset)
        {
            sent.received.push(copy);
        }
        let forgot = sent.doubted || sent.retried || sent.lost || self.gateway_restored;
        if by_ip && self.sms.left_plain(&text) && !forgot && !self.mail_expires {
            return broken("a plain SMS is the only copy", &text);
        }
        match sent.confirmed.and_then(|id| state(sent.from, id)) {
            Some(shown) if self.is_taken_back(&text, shown) => {
                broken("what was taken back is never delivered", &text)
            }
            _ => Ok(()),
        }
    }

    /// Whether this state promises that the message will not arrive.
    fn is_taken_back(&self, text: &str, shown: Shown) -> bool {
        let doubted = self.messages.get(text).is_none_or(|sent| sent.doubted);
        let says_so = match shown {
            Shown::Cancelled => true,
            // It may have been handed over before; or it is there, as a
            // placeholder or beside another.
            Shown::Failed(Failure::ExpiredAtGateway | Failure::Rejected(_)) => false,
            Shown::Failed(_) => true,
            _ => false,
        };
        // What expired may be there, and so may a placeholder; the user may have
        // dismissed or repeated either.
        let may_be_there =
            self.mail_expires || poison::of(text).is_some() || self.sms.may_have_left(text);
        says_so && !doubted && !may_be_there && !self.gateway_restored
    }

    /// The texts that the app of `handset` shows up to this message of a lane.
    pub fn shown_above(&self, handset: HandsetNo, record: &MessageRecord) -> Vec<String> {
        let Some(name) = record.name else {
            return Vec::new();
        };
        let is_above = |other: MessageName| {
            (other.from, other.epoch) == (name.from, name.epoch) && other.lane_seq <= name.lane_seq
        };
        let texts = self.by_recipient.get(&record.own).into_iter().flatten();
        texts
            .filter(|text| {
                self.messages.get(*text).is_some_and(|sent| {
                    sent.received
                        .iter()
                        .any(|copy| copy.on == handset && copy.name.is_some_and(is_above))
                })
            })
            .cloned()
            .collect()
    }

    /// The user of `handset` has read these, and the app was told that it is
    /// stored.
    pub fn read(&mut self, handset: HandsetNo, texts: &[String]) {
        if self.retired.contains_key(&handset) {
            return;
        }
        for text in texts {
            if let Some(sent) = self.messages.get_mut(text) {
                // Of what came by SMS alone nobody is told.
                let is_it = |copy: &Copy| copy.on == handset && copy.by_ip;
                sent.read |= sent.received.iter().any(is_it);
            }
        }
    }

    /// The sending app was told a new state; `stored`: a phone of the
    /// recipient's number has it.
    pub fn told(
        &mut self,
        handset: HandsetNo,
        record: &MessageRecord,
        shown: Shown,
        stored: impl Fn(&MessageName) -> bool,
    ) -> Result<(), Broken> {
        if record.direction != Direction::Outgoing {
            return Ok(());
        }
        let text = text_of(record);
        let Some(sent) = self.messages.get(&text) else {
            return broken("an event belongs to a message", &text);
        };
        if sent.from != handset {
            return broken("an event reaches the sender's app", &text);
        }
        self.by_id.insert((handset, record.id), text.clone());
        if record.waits_for == Some(WaitsFor::User)
            && let Some(sent) = self.messages.get_mut(&text)
        {
            sent.passed = true;
        }
        let Some(sent) = self.messages.get(&text) else {
            return Ok(());
        };
        let split = self.sms.may_have_left(&text)
            && (self.lent.contains(&sent.to) || self.moved.contains(&sent.to));
        let there =
            split || record.name.is_some_and(|name| stored(&name)) || self.sms.has_arrived(&text);
        let was_there = record
            .name
            .is_some_and(|name| self.lost_names.contains(&name));
        // A phone that was put back shows what its copy knew of an earlier name.
        let doubted = sent.doubted;
        match shown {
            Shown::Delivered | Shown::Read
                if poison::of(&text).is_some() && !split && !self.sms.has_arrived(&text) =>
            {
                broken("what cannot be read is not shown as delivered", &text)
            }
            Shown::Delivered | Shown::Read if !there && !was_there && !doubted => {
                broken("delivered means that the receiver has stored it", &text)
            }
            Shown::Cancelled if !self.taken_back.contains(&(handset, record.id)) && !doubted => {
                broken("only what its user took back is shown as such", &text)
            }
            Shown::Failed(Failure::ValidityOver) if !sent.expires => {
                broken("only what has a validity is given up", &text)
            }
            Shown::Failed(Failure::Rejected(RejectReason::Conflict))
                if !self.gateway_restored || self.put_back.is_empty() =>
            {
                broken("no two messages have one name", &text)
            }
            Shown::Failed(Failure::Rejected(RejectReason::Unreadable))
                if poison::of(&text).is_none() =>
            {
                broken("what can be read is not rejected", &text)
            }
            _ if there && record.shown == shown && self.is_taken_back(&text, shown) => {
                broken("what was taken back is never delivered", &text)
            }
            _ => Ok(()),
        }
    }

    /// At the end, when all faults have stopped and the world is quiet.
    pub fn at_rest(&self, stores: &[&MemoryStore]) -> Result<(), Broken> {
        for (text, sent) in &self.messages {
            let Some(id) = sent.confirmed else { continue };
            let Ok(Some(record)) = stores[sent.from].message(id) else {
                return broken("what was confirmed is never lost (sender)", text);
            };
            let retired = self.retired.contains_key(&sent.from);
            let arrived = !sent.received.is_empty();
            match record.shown {
                Shown::Delivered | Shown::Read => {
                    // What lay in a phone's spool goes with the phone.
                    let gone = self.sms.may_have_left(text)
                        && (self.moved.contains(&sent.to) || self.lent.contains(&sent.to));
                    if !arrived && !sent.lost && !gone {
                        return broken("what was confirmed reaches the receiving app", text);
                    }
                    let told = record.shown == Shown::Read;
                    let kept = !self.gateway_restored && !self.mail_expires && !retired;
                    if sent.read && !told && kept && !sent.doubted {
                        return broken("what was read is shown as read at last", text);
                    }
                }
                shown @ (Shown::Cancelled | Shown::Failed(_)) => {
                    if arrived && self.is_taken_back(text, shown) {
                        return broken("what was taken back is never delivered", text);
                    }
                }
                Shown::Sent if sent.doubted => {}
                _ if retired => {}
                // The operator has it, or may have it, and IP does not any more.
                Shown::Sent if record.ip.unsettled().is_none() && self.sms.may_have_left(text) => {}
                _ if record.waits_for == Some(WaitsFor::User) => {}
                _ => return broken("every confirmed message comes to an end", text),
            }
        }
        self.sms_at_rest()?;
        self.shown_once(stores)?;
        self.in_order(stores)
    }

    /// Each message stands once in its conversation, and copies are of one text.
    fn shown_once(&self, stores: &[&MemoryStore]) -> Result<(), Broken> {
        for store in stores {
            let mut seen = BTreeSet::new();
            for record in store.incoming().filter(|record| record.text.is_some()) {
                let text = text_of(&record);
                if let Some(root) = record.copy_of {
                    let Ok(root) = store.message(root);
                    if root.is_none_or(|root| text_of(&root) != text) {
                        return broken("only copies are merged", &text);
                    }
                    continue;
                }
                let may_repeat = self.messages.get(&text).is_none_or(|sent| {
                    // Whose phone is gone tells no note.
                    let untold = self.retired.contains_key(&sent.from);
                    let changed = sent.retried || sent.doubted || sent.lost;
                    untold || changed || self.moved.contains(&sent.to)
                }) || self.gateway_restored
                    || self.mail_expires
                    || self.sms.is_beyond_merging(&text);
                if !seen.insert(text.clone()) && !may_repeat {
                    return broken("copies of a message are merged at last", &text);
                }
            }
        }
        Ok(())
    }

    /// Sorted by order key, a lane's messages stand as they were sent.
    fn in_order(&self, stores: &[&MemoryStore]) -> Result<(), Broken> {
        for store in stores {
            for (own, peer) in store.conversation_list() {
                let mut last: BTreeMap<HandsetNo, MessageId> = BTreeMap::new();
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
                    let Some(sent) = self.messages.get(&text) else {
                        return broken("what is received was sent", &text);
                    };
                    let place = record.name.map(|name| (name.epoch, name.lane_seq));
                    if place.is_none() && record.came_by == Channel::Sms {
                        // No note has told its place: it stands where it came.
                        continue;
                    }
                    if last_place.is_some_and(|last| last >= place) {
                        return broken("order keys sort a lane by its places", &text);
                    }
                    last_place = Some(place);
                    let Some(id) = sent.confirmed.filter(|_| !sent.retried && !sent.passed) else {
                        continue;
                    };
                    if last.insert(sent.from, id).is_some_and(|last| last > id) {
                        return broken("a lane keeps its order", &text);
                    }
                }
            }
        }
        Ok(())
    }

    /// Messages confirmed, and messages received.
    pub fn totals(&self) -> (u64, u64) {
        let confirmed = self.messages.values().filter(|s| s.confirmed.is_some());
        let received = self.messages.values().filter(|s| !s.received.is_empty());
        (confirmed.count() as u64, received.count() as u64)
    }
}

/// When a phone may show a message that it shows already.
#[derive(Debug, Clone, Copy)]
enum MayRepeat {
    Never,
    /// Its sender has a new epoch, because sender or gateway forgot.
    InAnotherEpoch,
    /// Sender and gateway forgot the same time: nobody can know of the first.
    InAnotherPlace,
}

impl Copy {
    /// Whether the app of one phone shows one message twice, and may not.
    fn repeats(&self, known: &Self, may: MayRepeat) -> bool {
        if self.on != known.on || self.id == known.id {
            return false;
        }
        let epoch = |copy: &Self| copy.name.map(|name| name.epoch);
        match may {
            MayRepeat::Never => true,
            MayRepeat::InAnotherEpoch => epoch(self) == epoch(known),
            MayRepeat::InAnotherPlace => self.name == known.name,
        }
    }
}

fn holds(store: &MemoryStore, id: MessageId, text: &str) -> bool {
    let Ok(record) = store.message(id);
    record.is_some_and(|record| text_of(&record) == text)
}

fn text_of(record: &MessageRecord) -> String {
    record
        .text
        .as_ref()
        .map_or_else(String::new, |text| sms::original(text.expose()))
}

fn broken(promise: &'static str, text: &str) -> Result<(), Broken> {
    Err(Broken {
        promise,
        text: text.to_owned(),
    })
}
