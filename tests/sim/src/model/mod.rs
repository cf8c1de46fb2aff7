//! The reference model: what was promised, in the simplest words, and what takes it
//! back. The checks against it: `arrival`, `told`, `rest`; each counts the cases
//! it was put to ([`Cases`]).
//!
//! Every text in the world is unique, so a message is its text; but for what is said several
//! times (`talk`). The model knows
//! nothing of seqs, cursors or channels: only what an app was told.
//!
//! # What takes a promise back
//!
//! | what happened | what is promised no more |
//! |---|---|
//! | the gateway was restored from a backup | of what was written before: that what was taken back stays away; read marks it had taken; one copy only, where the sender took a new epoch |
//! | a message lay at the gateway until its time was over | that it has not arrived, if it failed or was taken back: it may have been handed over, and been repeated or dismissed by the user; of a read mark: that it is told |
//! | a phone was put back to an old copy | messages confirmed or received after the copy; of those it had sent before: one copy only, their order, that one taken back stays away, and an end beyond "sent" (the gateway may have forgotten the outcome); read marks from and to it so far |
//! | both forgot one and the same time | that a name is given once: the second message of a name is shown as conflicting, and fails |
//! | the gateway was restored, and nobody told it so | of what was written before and lay there until its time was over: that it arrived, if it is shown as delivered |
//! | a note found a mailbox full | one copy only, until the next session or message by IP tells the note's places |
//! | a phone that lives twice, and a gateway that was restored | of what was sent from and to its number: an end, arrival, order |
//! | a phone that lives twice, and was put back itself | the same of what it sent |
//! | a phone lives twice, until one of the two is thrown away | the same as of one that was put back; that what was taken back has not arrived at one of them; what the other sent and received, as far as the one that stays does not hold it |
//! | a phone was replaced | an end for what it had not brought to one; reads on it; what it had received and not shown, if it is gone |
//!
//! Each holds for messages that were written before it was over, and no longer.
//!
//! What holds in spite of everything: an app gets only what was sent to its
//! number; a universal name is one message on a phone; nothing is shown as delivered
//! that no phone of that number ever stored; lanes keep their order.

mod arrival;
mod asking;
mod cases;
mod causes;
mod expiry;
mod forgot;
mod rest;
mod senders;
mod sms;
mod talk;
mod time;
mod told;

use std::collections::{BTreeMap, BTreeSet};

use twine_engine::message::{Channel, Direction, MessageId, MessageRecord};
use twine_engine::store_ops::StoreOps;
use twine_proto::{E164, MessageName};

use crate::net::HandsetNo;
use crate::store::MemoryStore;
use arrival::Copy;
pub use cases::{Broken, Cases};
use causes::Refusable;
use expiry::Expired;
use forgot::Forgotten;
pub use sms::Ordered;
pub use talk::WORDS;
use time::Timing;

/// One message as its app knows it.
#[derive(Debug, Clone)]
struct Sent {
    from: HandsetNo,
    to: E164,
    /// The app was told that it is stored, under this id.
    confirmed: Option<MessageId>,
    /// How many messages had been written in this world before it.
    no: u64,
    /// Until when it is valid, by the world's clock: from when it was written.
    valid_until_ms: Option<u64>,
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
    waited_for_user: bool,
    /// How often its user asked for it to be sent again.
    asked_again: u32,
    /// How often its sender may have forgotten what became of it.
    doubts: u32,
    /// It is addressed in a form that only SMS knows.
    by_sms_alone: bool,
    /// By which its user wished it to go.
    wished: Option<Channel>,
}

impl Sent {
    /// The gateway may have forgotten it, or what became of it: it was written before
    /// this many messages were, at which it was restored last.
    fn is_older_than(&self, restored_at: Option<u64>) -> bool {
        restored_at.is_some_and(|no| self.no < no)
    }

    /// Its sender may have forgotten what became of it.
    const fn doubt(&mut self) {
        self.doubted = true;
        self.doubts += 1;
        self.retried = true;
        self.read = false;
    }
}

/// All promises of one world.
#[derive(Debug, Default)]
pub struct Model {
    messages: BTreeMap<String, Sent>,
    by_id: BTreeMap<(HandsetNo, MessageId), String>,
    by_recipient: BTreeMap<E164, Vec<String>>,
    /// How many messages had been written when the gateway was restored last.
    restored_at: Option<u64>,
    /// Nobody tells a restored gateway what it is.
    restores_are_untold: bool,
    expired: Expired,
    timing: Timing,
    refusable: Refusable,
    forgotten: Forgotten,
    chosen: asking::Chosen,
    /// Names that a phone held and lost.
    lost_names: BTreeSet<MessageName>,
    /// Phones that were put back to an old copy, or copied to a twin.
    put_back: BTreeSet<HandsetNo>,
    /// From whom to whom something was read.
    read_of: BTreeSet<(E164, E164)>,
    /// Numbers whose app marks as read what it does not know.
    may_read_all: BTreeSet<E164>,
    /// Of these, those that were put back, and how many messages had been written then.
    from_copies: BTreeMap<HandsetNo, u64>,
    /// Phones that were replaced, and how many messages had been written then.
    retired: BTreeMap<HandsetNo, u64>,
    /// What users took back.
    taken_back: BTreeSet<(HandsetNo, MessageId)>,
    /// Numbers that had two phones at a time, and how many messages had been written when
    /// one of the two was gone.
    twins: BTreeMap<E164, u64>,
    /// Phones that have or had a twin, and the first of all whose copies they are.
    first_of: BTreeMap<HandsetNo, HandsetNo>,
    /// Phones that live beside their twin.
    live_twice: BTreeSet<HandsetNo>,
    /// Numbers of cards.
    cards: BTreeSet<E164>,
    /// Numbers whose phone was replaced, put back or copied, or whose twin is gone, and
    /// how many messages had been written then.
    moved: BTreeMap<E164, u64>,
    sms: sms::Ledger,
    senders: senders::Senders,
    talk: talk::Talk,
    /// How often each promise was put to the test.
    pub cases: Cases,
}

impl Model {
    /// A phone has a card of this number.
    pub fn has_card(&mut self, number: E164) {
        self.cards.insert(number);
    }

    fn has_phone(&self, number: E164) -> bool {
        self.cards.contains(&number)
    }

    /// Whether its recipient's phone was replaced, put back or copied since it was
    /// written.
    fn is_from_before_a_move(&self, sent: &Sent) -> bool {
        self.moved.get(&sent.to).is_some_and(|no| sent.no < *no)
    }

    /// The phone of this number was replaced, put back to an old copy or copied.
    fn forgot(&mut self, number: E164) {
        self.moved.insert(number, self.messages.len() as u64);
    }

    /// The gateway is backed up: it may be put back to this.
    pub const fn gateway_backed_up(&mut self, now_ms: u64) {
        self.forgotten.backed_up(now_ms);
    }

    /// The gateway forgets what it did since its last backup.
    pub fn gateway_restored(&mut self, is_told: bool, now_ms: u64) {
        self.restored_at = Some(self.messages.len() as u64);
        self.restores_are_untold = !is_told;
        self.forgotten.restored(now_ms);
    }

    /// It expired, and a gateway that does not know that it was restored has it again: the
    /// cursor of a phone that came further meanwhile is taken for an acknowledgement.
    fn is_settled_by_a_later_cursor(&self, text: &str, sent: &Sent) -> bool {
        let is_old = sent.is_older_than(self.restored_at);
        self.restores_are_untold && is_old && self.expired.has(text)
    }

    /// Whether it has forgotten anything.
    pub const fn is_gateway_restored(&self) -> bool {
        self.restored_at.is_some()
    }

    /// A phone gives its numbers to a new one; `gone`: with all it holds.
    pub fn replaced(&mut self, handset: HandsetNo, numbers: &[E164], gone: Option<&MemoryStore>) {
        self.retired.insert(handset, self.messages.len() as u64);
        self.sms.forgotten_by(handset);
        for number in numbers {
            self.forget_reads_of(*number);
            self.forgot(*number);
        }
        if let Some(store) = gone {
            self.lose(store.incoming());
        }
    }

    /// A phone is put back from `before` to an old copy.
    pub fn put_back(
        &mut self,
        handset: HandsetNo,
        numbers: &[E164],
        before: &MemoryStore,
        copy: &MemoryStore,
    ) {
        self.put_back.insert(handset);
        let no = self.messages.len() as u64;
        self.from_copies.insert(handset, no);
        self.forgotten.put_back(handset);
        self.sms.forgotten_by(handset);
        for number in numbers {
            self.forgot(*number);
            self.forget_reads_of(*number);
        }
        let first = self.first_of.get(&handset);
        let is_twin = |of| first.is_some() && self.first_of.get(&of) == first;
        for (text, sent) in &mut self.messages {
            if sent.from != handset && is_twin(sent.from) {
                // Of what both had sent either may send it again.
                sent.doubt();
            }
            if sent.from == handset {
                sent.doubt();
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
        self.lose_all_but(before, copy);
    }

    /// A second phone was made of all that is in `store`, and both live.
    pub fn has_twin(
        &mut self,
        handset: HandsetNo,
        twin: HandsetNo,
        numbers: &[E164],
        store: &MemoryStore,
        now_ms: u64,
    ) {
        self.put_back.extend([handset, twin]);
        self.live_twice.extend([handset, twin]);
        self.forgotten.copied_to(handset, twin, now_ms);
        let first = *self.first_of.entry(handset).or_insert(handset);
        self.first_of.insert(twin, first);
        self.sms.copied(handset, twin);
        for number in numbers {
            self.twins.insert(*number, u64::MAX);
            self.forgot(*number);
            self.forget_reads_of(*number);
        }
        for (text, sent) in &mut self.messages {
            if sent.from == handset {
                sent.doubt();
            }
            let on_both = |one: &&Copy| one.on == handset && holds(store, one.id, text);
            let copied = sent.received.iter().find(on_both).copied();
            sent.received
                .extend(copied.map(|one| Copy { on: twin, ..one }));
        }
    }

    /// Of two phones `goes` is thrown away, with what only its `lost` store holds.
    pub fn twin_gone(
        &mut self,
        goes: HandsetNo,
        stays: HandsetNo,
        numbers: &[E164],
        lost: &MemoryStore,
        kept: &MemoryStore,
    ) {
        self.live_twice.remove(&goes);
        self.live_twice.remove(&stays);
        let no = self.messages.len() as u64;
        self.retired.insert(goes, no);
        self.forgotten.joined(goes, stays, no);
        for number in numbers {
            self.twins.insert(*number, no);
            self.forgot(*number);
        }
        self.sms.forgotten_by(goes);
        for (text, sent) in &mut self.messages {
            let confirmed = sent.confirmed.filter(|_| sent.from == goes);
            if let Some(id) = confirmed.filter(|id| sent_by(kept, *id, text)) {
                // It is a message of the phone that stays as well.
                sent.from = stays;
                self.by_id.insert((stays, id), text.clone());
                if self.taken_back.contains(&(goes, id)) {
                    self.taken_back.insert((stays, id));
                }
            }
        }
        self.lose_all_but(lost, kept);
    }

    /// Whether it lives, or lived, beside a copy of itself.
    pub fn had_twin(&self, handset: HandsetNo) -> bool {
        self.first_of.contains_key(&handset)
    }

    /// A gateway that has forgotten gives what is left of an epoch to one of two phones,
    /// and the other cannot know; nor can one that forgot that it has a twin.
    fn is_beyond_knowing(&self, sent: &Sent) -> bool {
        let put_back = self.from_copies.get(&sent.from).copied();
        let later = self.restored_at.max(put_back);
        let own = (self.twin_of_sender(sent))
            .is_some_and(|until| later.is_some_and(|forgot| sent.no < until.max(forgot)));
        let other = self.twins.get(&sent.to).is_some_and(|until| {
            (self.restored_at).is_some_and(|restored| sent.no < (*until).max(restored))
        });
        own || other
    }

    /// Its sender had a twin until so many messages had been written.
    fn twin_of_sender(&self, sent: &Sent) -> Option<u64> {
        self.forgotten.lived_twice_until(sent.from)
    }

    /// Its recipient's number had two phones after it was written: the gateway asks one of
    /// the two whether it has it.
    fn is_for_twins(&self, sent: &Sent) -> bool {
        self.twins
            .get(&sent.to)
            .is_some_and(|until| sent.no < *until)
    }

    /// Sender and gateway forgot the same time: what the phone sends from then on may get
    /// the names of what it had sent in it.
    pub fn names_may_repeat(&self, sender: HandsetNo) -> bool {
        self.forgotten.the_same(sender)
    }

    /// Whether one of these phones is the other's second life.
    fn are_twins(&self, one: HandsetNo, other: HandsetNo) -> bool {
        let first = self.first_of.get(&one);
        one != other && first.is_some() && first == self.first_of.get(&other)
    }

    /// What was received is lost, but for what is in another store as well.
    fn lose_all_but(&mut self, lost: &MemoryStore, kept: &MemoryStore) {
        let kept: BTreeSet<MessageName> = kept.incoming().filter_map(|r| r.name).collect();
        let is_lost = |r: &MessageRecord| r.name.is_none_or(|name| !kept.contains(&name));
        self.lose(lost.incoming().filter(is_lost));
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
    pub fn sending(
        &mut self,
        text: &str,
        (from, to): (HandsetNo, E164),
        valid_until_ms: Option<u64>,
        (by_sms_alone, wished): (bool, Option<Channel>),
    ) {
        let no = self.messages.len() as u64;
        let twice = self.live_twice.contains(&from);
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
                valid_until_ms,
                retried: twice,
                received: Vec::new(),
                read: false,
                lost: false,
                doubted: twice,
                waited_for_user: false,
                asked_again: 0,
                doubts: u32::from(twice),
                by_sms_alone,
                wished,
            },
        );
    }

    /// The app was told that it is stored.
    pub fn confirmed(&mut self, text: &str, id: MessageId) -> Result<(), Broken> {
        if self.said(text, id) {
            return Ok(());
        }
        let sent = self.messages.get_mut(text);
        let promise = "a reply belongs to a request";
        self.cases.expect(promise, sent.is_some(), text)?;
        let Some(sent) = sent else { return Ok(()) };
        if let Some(known) = sent.confirmed {
            let promise = "a token names one message";
            self.cases.expect(promise, known == id, text)?;
        }
        sent.confirmed = Some(id);
        self.by_id.insert((sent.from, id), text.to_owned());
        Ok(())
    }

    /// A daemon's store says that this one waits for its user now.
    pub fn waits_for_user(&mut self, record: &MessageRecord) {
        if let Some(sent) = self.messages.get_mut(&text_of(record)) {
            sent.waited_for_user = true;
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
            sent.asked_again += 1;
        }
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

    /// A user asks for a message to be marked as read.
    pub fn reads(&mut self, record: &MessageRecord) {
        if let Some(from) = record.peer.number() {
            self.read_of.insert((from, record.own));
        }
    }

    /// An app asks that of a message which may be there by then.
    pub fn may_read(&mut self, numbers: &[E164]) {
        self.may_read_all.extend(numbers);
    }

    /// The user of `handset` has read these, and the app was told that it is
    /// stored.
    pub fn read(&mut self, handset: HandsetNo, texts: &[String]) {
        if self.retired.contains_key(&handset) || self.had_twin(handset) {
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

    /// As which message its app knows a text.
    pub fn confirmed_as(&self, text: &str) -> Option<MessageId> {
        self.messages.get(text)?.confirmed
    }

    /// Whether the app of this phone has it, by IP.
    pub fn is_received_by(&self, handset: HandsetNo, text: &str) -> bool {
        let has = |copy: &Copy| copy.on == handset && copy.by_ip;
        (self.messages.get(text)).is_some_and(|sent| sent.received.iter().any(has))
    }

    /// Messages confirmed, and messages received.
    pub fn totals(&self) -> (u64, u64) {
        let confirmed = self.messages.values().filter(|s| s.confirmed.is_some());
        let received = self.messages.values().filter(|s| !s.received.is_empty());
        (confirmed.count() as u64, received.count() as u64)
    }
}

fn holds(store: &MemoryStore, id: MessageId, text: &str) -> bool {
    let Ok(record) = store.message(id);
    record.is_some_and(|record| text_of(&record) == text)
}

/// Whether a phone sent it: its twin may have sent it this message, too, by SMS.
fn sent_by(store: &MemoryStore, id: MessageId, text: &str) -> bool {
    let Ok(record) = store.message(id);
    let is_it = |r: MessageRecord| r.direction == Direction::Outgoing && text_of(&r) == text;
    record.is_some_and(is_it)
}

fn text_of(record: &MessageRecord) -> String {
    record
        .text
        .as_ref()
        .map_or_else(String::new, |text| sms::original(text.expose()))
}
