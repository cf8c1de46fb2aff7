//! What was promised of SMS, and what the phones and the operator did.
//!
//! The ledger knows what no daemon knows: what really left, what the operator
//! lost, and what reached a phone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use twine_engine::message::{IpAttempt, MessageRecord};
use twine_engine::parts::{AttemptId, PartState};
use twine_proto::E164;
use twine_sms::fold::hash;

use super::{Broken, Model, text_of};
use crate::net::HandsetNo;
use crate::sms::centre::FromCentre;
use crate::sms::framework::Call;
use crate::sms::{Later, Part};

/// Android asks the user above so many parts a minute (SmsUsageMonitor).
const PARTS_A_MINUTE: usize = 30;
const MINUTE_MS: u64 = 60_000;
/// One that is longer leaves alone, when the minute is empty.
const LONGEST_PACED: usize = 25;
/// What operators put behind texts.
const ADVERT: &str = "\nDial *100# for more";

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
    /// A part was refused by phone or network, or the operator gave it up.
    failed: bool,
    /// A phone has it whole.
    spooled: bool,
}

/// What is known of one message.
#[derive(Debug, Clone, Default)]
struct Fate {
    /// A part of an attempt without a mark left.
    left_plain: bool,
    /// A part of it left.
    left: bool,
    /// The operator changed it so that no note finds it.
    altered: bool,
    /// It came with two SCTS.
    twice: bool,
    /// A phone has it by SMS.
    spooled: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    attempts: BTreeMap<AttemptId, Attempt>,
    by_text: BTreeMap<String, Fate>,
    /// Parts for which SmsManager was called.
    called: BTreeMap<(HandsetNo, u64), VecDeque<(u64, usize)>>,
    /// The first promise that a step broke which cannot say so itself.
    broken: Option<Broken>,
}

impl Ledger {
    fn fate(&self, text: &str) -> Fate {
        self.by_text.get(text).cloned().unwrap_or_default()
    }

    /// An SMS with it may have left.
    pub(super) fn may_have_left(&self, text: &str) -> bool {
        self.by_text.contains_key(text)
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
        let mut attempts = self.attempts.values();
        attempts.any(|attempt| attempt.failed && attempt.text == text)
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
        let sent = self.messages.get(&text);
        let promise = "what leaves by SMS was sent";
        self.cases.expect(promise, sent.is_some(), &text)?;
        let Some(sent) = sent else { return Ok(()) };
        let its_card = ordered.card == Some(record.own);
        let promise = "an SMS leaves by the card of its conversation";
        self.cases.expect(promise, its_card, &text)?;
        // A phone that was put back gives a place once more until it hears of it.
        let forgot = sent.doubted || self.gateway_restored || self.put_back.contains(&handset);
        let may_be_there = record.ip.unsettled().is_some()
            || matches!(record.ip, IpAttempt::Delivered(_))
            || ordered.stored_by_ip && !self.mail_expires && !sent.retried;
        if ordered.is_plain && !forgot {
            let promise = "only what was revoked leaves as a plain SMS";
            self.cases.expect(promise, !may_be_there, &text)?;
        }
        let fate = self.sms.by_text.entry(text.clone()).or_default();
        if fate.left {
            let asked = sent.retried || sent.doubted;
            let promise = "what may have left is not sent again unasked";
            self.cases.expect(promise, asked, &text)?;
        }
        let to = sent.to;
        self.sms.attempts.insert(
            attempt,
            Attempt {
                handset,
                text,
                to,
                parts: ordered.parts,
                is_plain: ordered.is_plain,
                calls: BTreeMap::new(),
                left: BTreeSet::new(),
                lost: false,
                failed: false,
                spooled: false,
            },
        );
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
        attempt.left.insert(no);
        attempt.lost |= follows.is_empty();
        let fate = self.sms.by_text.entry(attempt.text.clone()).or_default();
        fate.left = true;
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

    /// The phone of an attempt was told what became of a part.
    pub fn resulted(&mut self, attempt: AttemptId, state: PartState) {
        if let Some(attempt) = self.sms.attempts.get_mut(&attempt) {
            attempt.failed |= matches!(state, PartState::Refused | PartState::Undeliverable);
        }
    }

    /// A phone has it whole.
    pub fn spooled(&mut self, attempt: AttemptId) {
        if let Some(attempt) = self.sms.attempts.get_mut(&attempt) {
            attempt.spooled = true;
            let fate = self.sms.by_text.entry(attempt.text.clone()).or_default();
            fate.spooled = true;
        }
    }

    /// Which phone made an attempt.
    pub fn sender_of(&self, attempt: AttemptId) -> Option<HandsetNo> {
        self.sms.attempts.get(&attempt).map(|known| known.handset)
    }

    /// By SMS, and another message of its lane has the same hash: those have 16 bits, so
    /// that it may take the place that a note gives to the other (DELIVERY 18, 20).
    pub(super) fn collides(&self, text: &str) -> bool {
        let Some(sent) = self.messages.get(text) else {
            return false;
        };
        let is_other = |other: &str| other != text && hash(other) == hash(text);
        self.sms.may_have_left(text)
            && self
                .messages
                .iter()
                .any(|(other, o)| (o.from, o.to) == (sent.from, sent.to) && is_other(other))
    }

    /// Messages that left by SMS to a number on IP, and those of them that IP
    /// delivered as well.
    pub fn fallbacks(&self, on_ip: impl Fn(E164) -> bool) -> (u64, u64) {
        let fell = self
            .messages
            .iter()
            .filter(|(text, sent)| on_ip(sent.to) && self.sms.fate(text).left);
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
            let moved =
                sent.lost || self.retired_any(attempt.to) || self.lent.contains(&attempt.to);
            // A phone that was put back sends it again; of two that the operator takes
            // within one second Android drops one as a repeat (DELIVERY 22).
            let repeat = sent.doubted && self.sms.has_arrived(&attempt.text);
            let owed = whole && !moved && (attempt.spooled || !repeat);
            if owed && self.has_phone(attempt.to) {
                let promise = "what left whole reaches a phone";
                self.cases.expect(promise, attempt.spooled, &attempt.text)?;
            }
            if attempt.spooled && !moved {
                let received = !sent.received.is_empty();
                let promise = "what is spooled reaches the app";
                self.cases.expect(promise, received, &attempt.text)?;
            }
        }
        Ok(())
    }
}

impl Ledger {
    fn breaks(&mut self, broken: Broken) {
        self.broken.get_or_insert(broken);
    }
}
