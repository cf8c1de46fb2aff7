//! What was promised of SMS, and what the phones and the operator did.
//!
//! The ledger knows what no daemon knows: what really left, what the operator
//! lost, and what reached a phone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use twine_engine::message::{IpAttempt, MessageRecord, TakeBack};
use twine_engine::parts::{AttemptId, PartState};
use twine_proto::E164;
use twine_sms::fold::hash;

use super::{Broken, Model, talk, text_of};
use crate::net::HandsetNo;
use crate::sms::centre::{ADVERT, FromCentre};
use crate::sms::framework::Call;
use crate::sms::{Later, Part};

/// Android asks the user above so many parts a minute (SmsUsageMonitor).
const PARTS_A_MINUTE: usize = 30;
const MINUTE_MS: u64 = 60_000;
/// One that is longer leaves alone, when the minute is empty.
const LONGEST_PACED: usize = 25;

/// An order to send, with what the world knows of it.
#[derive(Debug)]
pub struct Ordered<'a> {
    /// By this phone's daemon.
    pub handset: HandsetNo,
    /// Under this name.
    pub attempt: AttemptId,
    /// The message, as it is stored now.
    pub record: &'a MessageRecord,
    /// In so many parts.
    pub parts: usize,
    /// It bears no mark, though one would add no part.
    pub is_plain: bool,
    /// It bears one.
    pub is_marked: bool,
    /// The number on the card it leaves by.
    pub card: Option<E164>,
    /// A phone of the recipient has it by IP.
    pub stored_by_ip: bool,
}

/// One attempt.
#[derive(Debug, Clone)]
struct Attempt {
    handset: HandsetNo,
    text: String,
    to: E164,
    parts: usize,
    is_plain: bool,
    /// How often each phone handed it to Android: one, and its twin knows of no other's.
    calls: BTreeMap<HandsetNo, u32>,
    left: BTreeSet<u8>,
    /// The operator lost a part.
    lost: bool,
    /// Phones that took a part: of one message they may be in two.
    taken_by: BTreeSet<HandsetNo>,
    /// A phone had it whole.
    spooled: bool,
    /// Phones that have it whole, and were not replaced or put back since.
    spooled_on: BTreeSet<HandsetNo>,
}

/// What is known of one message.
#[derive(Debug, Clone, Default)]
struct Fate {
    /// An agent wrote it down: it may call SmsManager, or have called it.
    journalled: bool,
    /// A part was refused by phone or network, or the operator gave it up.
    failed: bool,
    /// A part of an attempt without a mark left.
    left_plain: bool,
    /// Attempts of which a part left.
    left: u32,
    /// All parts of an attempt left.
    left_whole: bool,
    /// Parts of one attempt came to different phones.
    split: bool,
    /// The operator changed it so that no note finds it.
    altered: bool,
    /// It came with two SCTS.
    twice: bool,
    /// A phone had it by SMS.
    spooled: bool,
    /// One of these was replaced or put back since.
    forgotten: bool,
    /// How often each phone made a whole of its parts.
    came: BTreeMap<HandsetNo, u32>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    attempts: BTreeMap<AttemptId, Attempt>,
    /// Given back by the gateway before they were handed to an agent.
    given_back: BTreeSet<String>,
    by_text: BTreeMap<String, Fate>,
    /// Parts for which SmsManager was called.
    called: BTreeMap<(HandsetNo, u64), VecDeque<(u64, usize)>>,
    /// The first promise that a step broke which cannot say so itself.
    broken: Option<Broken>,
}

impl Ledger {
    fn fate_of(&mut self, attempt: AttemptId) -> Option<&mut Fate> {
        let attempt = self.attempts.get(&attempt)?;
        self.by_text.get_mut(&attempt.text)
    }

    /// A daemon ordered an SMS with it.
    pub(super) fn was_ordered(&self, text: &str) -> bool {
        self.by_text.contains_key(text)
    }

    /// An agent wrote down that it is to be sent.
    pub(super) fn was_journalled(&self, text: &str) -> bool {
        self.by_text.get(text).is_some_and(|fate| fate.journalled)
    }

    /// A part of it left.
    pub(super) fn has_left(&self, text: &str) -> bool {
        self.by_text.get(text).is_some_and(|fate| fate.left > 0)
    }

    /// It left with all its parts.
    pub(super) fn left_whole(&self, text: &str) -> bool {
        self.by_text.get(text).is_some_and(|fate| fate.left_whole)
    }

    /// Parts of an attempt came to different phones, as its card or its number did.
    pub(super) fn is_split(&self, text: &str) -> bool {
        self.by_text.get(text).is_some_and(|fate| fate.split)
    }

    /// A phone that had it by SMS was replaced or put back: what lay in its spool, or
    /// came since its copy, went with it.
    pub(super) fn was_forgotten(&self, text: &str) -> bool {
        self.by_text.get(text).is_some_and(|fate| fate.forgotten)
    }

    /// How often this phone got it by SMS.
    pub(super) fn came(&self, text: &str, handset: HandsetNo) -> u32 {
        let fate = self.by_text.get(text);
        fate.and_then(|fate| fate.came.get(&handset).copied())
            .unwrap_or(0)
    }

    /// A phone was replaced or put back.
    pub(super) fn forgotten_by(&mut self, handset: HandsetNo) {
        for attempt in self.attempts.values_mut() {
            if attempt.spooled_on.remove(&handset)
                && let Some(fate) = self.by_text.get_mut(&attempt.text)
            {
                fate.forgotten = true;
            }
        }
    }

    /// A phone was copied, with its spool.
    pub(super) fn copied(&mut self, handset: HandsetNo, twin: HandsetNo) {
        for fate in self.by_text.values_mut() {
            if let Some(times) = fate.came.get(&handset).copied() {
                fate.came.insert(twin, times);
            }
        }
    }

    /// It left without a mark.
    pub(super) fn left_plain(&self, text: &str) -> bool {
        self.by_text.get(text).is_some_and(|fate| fate.left_plain)
    }

    pub(super) fn has_arrived(&self, text: &str) -> bool {
        self.by_text.get(text).is_some_and(|fate| fate.spooled)
    }

    /// A part of it was not sent, or not delivered, and its phone was told so.
    pub(super) fn has_failed(&self, text: &str) -> bool {
        self.by_text.get(text).is_some_and(|fate| fate.failed)
    }

    /// No note and no mark can show that copies of it are one.
    pub(super) fn is_beyond_merging(&self, text: &str) -> bool {
        self.by_text
            .get(text)
            .is_some_and(|fate| fate.altered || fate.twice)
    }
}

/// The text as it was written, whatever an operator did to it.
pub(super) fn original(text: &str) -> String {
    let text = text.replace('\u{a0}', " ").replace(ADVERT, "");
    text.trim_end_matches(' ').to_owned()
}

impl Model {
    /// A daemon decides to hand an SMS to its agent: the gateway may give the message back
    /// while that is being stored, and then it has its mark.
    pub fn hands(&mut self, record: &MessageRecord) {
        if record.ip == IpAttempt::Revoked(TakeBack::BySms) {
            self.sms.given_back.insert(text_of(record));
        }
    }

    /// A daemon orders an SMS.
    pub fn ordered(&mut self, ordered: &Ordered<'_>) -> Result<(), Broken> {
        let Ordered {
            handset,
            attempt,
            record,
            ..
        } = *ordered;
        let text = text_of(record);
        if self.sms.attempts.contains_key(&attempt) {
            // Once more: the agent's journal knows.
            return Ok(());
        }
        if talk::word(&text).is_some() {
            self.sms.by_text.entry(text.clone()).or_default();
            if let Some(to) = record.peer.number() {
                self.sms.begin(ordered, text, to);
            }
            return Ok(());
        }
        let sent = self.messages.get(&text);
        let promise = "what leaves by SMS was sent";
        self.cases.expect(promise, sent.is_some(), &text)?;
        let Some(sent) = sent else { return Ok(()) };
        let its_card = ordered.card == Some(record.own);
        let promise = "an SMS leaves by the card of its conversation";
        self.cases.expect(promise, its_card, &text)?;
        // A phone that was put back gives a place once more until it hears of it; what it
        // says of its own attempt holds all the same.
        let forgot = sent.doubted
            || sent.is_older_than(self.restored_at)
            || self.names_may_repeat(handset)
            || self.forgotten.is_unaware(handset, sent.no);
        let says_so =
            record.ip.unsettled().is_some() || matches!(record.ip, IpAttempt::Delivered(_));
        let is_there = ordered.stored_by_ip && !forgot;
        if ordered.is_plain {
            let promise = "only what was revoked leaves as a plain SMS";
            self.cases.expect(promise, !says_so && !is_there, &text)?;
        }
        // An attempt before it may have left, or arrived and expired all the same.
        let expired = self.expired.has(&text);
        let is_first = !self.sms.was_ordered(&text) && !sent.doubted && !expired;
        if is_first && self.sms.given_back.contains(&text) {
            let promise = "only an uncertain copy leaves marked";
            self.cases.expect(promise, !ordered.is_marked, &text)?;
        }
        let fate = self.sms.by_text.entry(text.clone()).or_default();
        if fate.left > 0 {
            let promise = "what may have left is not sent again unasked";
            let asked = fate.left <= sent.asked_again + sent.doubts;
            self.cases.expect(promise, asked, &text)?;
            if !sent.doubted {
                let promise = "what left by SMS before leaves marked";
                self.cases.expect(promise, !ordered.is_plain, &text)?;
            }
        }
        let to = sent.to;
        self.sms.begin(ordered, text, to);
        Ok(())
    }

    /// SmsManager is called, in this boot: Android's monitor starts anew with each.
    pub fn called(&mut self, (handset, boot): (HandsetNo, u64), call: &Call, now_ms: u64) {
        let Some(attempt) = self.sms.attempts.get_mut(&call.attempt) else {
            return;
        };
        *attempt.calls.entry(handset).or_default() += 1;
        let text = attempt.text.clone();
        let promise = "an attempt is handed to the phone's SMS at most once";
        if let Err(broken) = self
            .cases
            .expect(promise, attempt.calls[&handset] == 1, &text)
        {
            self.sms.breaks(broken);
            return;
        }
        let window = self.sms.called.entry((handset, boot)).or_default();
        while window
            .front()
            .is_some_and(|(at, _)| at + MINUTE_MS <= now_ms)
        {
            window.pop_front();
        }
        window.push_back((now_ms, call.parts.len()));
        let parts: usize = window.iter().map(|(_, parts)| parts).sum();
        let few = parts <= PARTS_A_MINUTE || call.parts.len() > LONGEST_PACED;
        let promise = "no more than 30 parts leave in a minute";
        if let Err(broken) = self.cases.expect(promise, few, &text) {
            self.sms.breaks(broken);
        }
    }

    /// A part left, and this is what the operator makes of it.
    pub fn left(&mut self, part: &Part, follows: &[Later<FromCentre>]) {
        let (id, no) = part.sent_as;
        let Some(attempt) = self.sms.attempts.get_mut(&id) else {
            return;
        };
        let fate = self.sms.by_text.entry(attempt.text.clone()).or_default();
        fate.left += u32::from(attempt.left.is_empty());
        attempt.left.insert(no);
        // Of two phones with one store each may send parts of one attempt: no phone can
        // make a whole of them.
        attempt.lost |= follows.is_empty() || attempt.calls.len() > 1;
        fate.left_whole |= attempt.left.len() == attempt.parts;
        fate.left_plain |= attempt.is_plain;
        let mut times = BTreeSet::new();
        for later in follows {
            if let FromCentre::Offered(arrival) = &later.what {
                fate.altered |= arrival.part.text.contains(ADVERT);
                times.insert(arrival.scts_s);
            }
        }
        fate.twice |= times.len() > 1;
    }

    /// An agent has an order, and wrote it down.
    pub fn journalled(&mut self, attempt: AttemptId) {
        if let Some(fate) = self.sms.fate_of(attempt) {
            fate.journalled = true;
        }
    }

    /// The phone of an attempt was told what became of a part.
    pub fn resulted(&mut self, attempt: AttemptId, state: PartState) {
        if let Some(fate) = self.sms.fate_of(attempt) {
            fate.failed |= matches!(state, PartState::Refused | PartState::Undeliverable);
        }
    }

    /// A phone took a part.
    pub fn part_came(&mut self, handset: HandsetNo, attempt: AttemptId) {
        if let Some(attempt) = self.sms.attempts.get_mut(&attempt) {
            attempt.taken_by.insert(handset);
            let fate = self.sms.by_text.entry(attempt.text.clone()).or_default();
            fate.split |= attempt.taken_by.len() > 1;
        }
    }

    /// A phone has it whole.
    pub fn spooled(&mut self, handset: HandsetNo, attempt: AttemptId) {
        if let Some(attempt) = self.sms.attempts.get_mut(&attempt) {
            attempt.spooled = true;
            attempt.spooled_on.insert(handset);
            let fate = self.sms.by_text.entry(attempt.text.clone()).or_default();
            fate.spooled = true;
            *fate.came.entry(handset).or_default() += 1;
        }
    }

    /// Which phone made an attempt.
    pub fn sender_of(&self, attempt: AttemptId) -> Option<HandsetNo> {
        self.sms.attempts.get(&attempt).map(|known| known.handset)
    }

    /// By SMS, and another message of its sender has the same hash: those have 16 bits, so
    /// that it may take the place that a note gives to the other (DELIVERY 18, 20), also of
    /// another lane, where somebody else sends the text of one once more. An operator may
    /// have added its own words.
    pub(super) fn collides(&self, text: &str) -> bool {
        let Some(sent) = self.messages.get(text) else {
            return false;
        };
        let came_as = [hash(text), hash(&format!("{text}{ADVERT}"))];
        let is_other = |other: &str| {
            let others = [hash(other), hash(&format!("{other}{ADVERT}"))];
            other != text && others.iter().any(|other| came_as.contains(other))
        };
        self.sms.was_ordered(text)
            && self
                .messages
                .iter()
                .any(|(other, o)| o.from == sent.from && is_other(other))
    }

    /// Messages that left by SMS to a number on IP, and those of them that IP
    /// delivered as well.
    pub fn fallbacks(&self, on_ip: impl Fn(E164) -> bool) -> (u64, u64) {
        let fell = self
            .messages
            .iter()
            .filter(|(_, sent)| on_ip(sent.to) && !sent.by_sms_alone)
            .filter(|(text, _)| self.sms.has_left(text));
        fell.fold((0, 0), |(fell, wasted), (_, sent)| {
            let by_ip = sent.received.iter().any(|copy| copy.by_ip);
            (fell + 1, wasted + u64::from(by_ip))
        })
    }

    /// When all is quiet: what the operator has not lost was received.
    pub(super) fn sms_at_rest(&self) -> Result<(), Broken> {
        if let Some(broken) = &self.sms.broken {
            return Err(broken.clone());
        }
        for attempt in self.sms.attempts.values() {
            let Some(sent) = self.messages.get(&attempt.text) else {
                continue;
            };
            let whole = attempt.left.len() == attempt.parts && !attempt.lost;
            let is_split = attempt.taken_by.len() > 1;
            // A phone that was put back sends it again; of two that the operator takes
            // within one second Android drops one as a repeat (DELIVERY 22).
            let repeat = sent.doubted && self.sms.has_arrived(&attempt.text);
            let owed = whole && !is_split && (attempt.spooled || !repeat);
            if owed && self.has_phone(attempt.to) {
                let promise = "what left whole reaches a phone";
                self.cases.expect(promise, attempt.spooled, &attempt.text)?;
            }
            for handset in &attempt.spooled_on {
                let received = sent.received.iter().any(|copy| copy.on == *handset);
                let promise = "what is spooled reaches the app";
                self.cases.expect(promise, received, &attempt.text)?;
            }
        }
        Ok(())
    }
}

impl Ledger {
    fn begin(&mut self, ordered: &Ordered<'_>, text: String, to: E164) {
        let attempt = Attempt {
            handset: ordered.handset,
            text,
            to,
            parts: ordered.parts,
            is_plain: ordered.is_plain,
            calls: BTreeMap::new(),
            left: BTreeSet::new(),
            lost: false,
            taken_by: BTreeSet::new(),
            spooled: false,
            spooled_on: BTreeSet::new(),
        };
        self.attempts.insert(ordered.attempt, attempt);
    }

    fn breaks(&mut self, broken: Broken) {
        self.broken.get_or_insert(broken);
    }
}
