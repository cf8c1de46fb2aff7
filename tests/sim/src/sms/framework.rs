//! Android's telephony on one phone: cards, radio, the dispatcher that sends, and
//! the handler that receives.
//!
//! Sources: AOSP `SmsUsageMonitor` (30 parts a minute, then a dialog that nobody
//! answers here), `SMSDispatcher` (five messages at a time, result codes),
//! `InboundSmsHandler` (repeats within one SCTS, parts put together).

use std::collections::{BTreeMap, VecDeque};

use twine_engine::parts::{AttemptId, PartState};
use twine_proto::{E164, Peer};

use super::plan::{Country, national};
use super::{Arrival, Later, Part, SmsFaults};
use crate::rng::Rng;

/// Parts that an app may send in [`WINDOW_MS`] (SmsUsageMonitor).
pub const PARTS_PER_WINDOW: usize = 30;
/// See [`PARTS_PER_WINDOW`].
pub const WINDOW_MS: u64 = 60_000;
/// Messages that wait for the radio (SMSDispatcher).
pub const MAX_PENDING: usize = 5;
/// Messages in which repeats are looked for.
const REMEMBERED: usize = 64;
/// The radio needs this for a part at least.
const RADIO_MIN_MS: u64 = 300;

/// `SmsManager.RESULT_ERROR_GENERIC_FAILURE`: with many operators, no balance.
pub const GENERIC_FAILURE: i32 = 1;
/// `SmsManager.RESULT_ERROR_RADIO_OFF`.
pub const RADIO_OFF: i32 = 2;
/// `SmsManager.RESULT_ERROR_NO_SERVICE`.
pub const NO_SERVICE: i32 = 4;
/// `SmsManager.RESULT_ERROR_LIMIT_EXCEEDED`.
pub const LIMIT_EXCEEDED: i32 = 5;
/// `SmsManager.RESULT_RIL_SIM_ABSENT`.
pub const SIM_ABSENT: i32 = 120;

/// Codes that SmsManager documents, and one it does not. Those that only the radio layer's
/// rare faults tell are left to the engine's own tests.
pub const RESULT_CODES: [i32; 51] = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 28, 29,
    30, 31, 32, 33, 100, 101, 102, 103, 106, 112, 116, 117, 119, 120, 121, 122, 123, 124, 128, 130,
    132, 135, 136, 137, 999,
];

/// A card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Its number on the card.
    pub iccid: String,
    /// Its MSISDN.
    pub number: E164,
    /// In the phone.
    pub present: bool,
    /// Registered in a network that carries SMS.
    pub in_service: bool,
    /// That network is a foreign one.
    pub roaming: bool,
    /// Parts that are paid for; `None`: as many as one likes.
    pub balance: Option<u64>,
}

/// One call of `sendMultipartTextMessage`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What the results are told for.
    pub attempt: AttemptId,
    /// By this card.
    pub iccid: String,
    /// As it was dialled.
    pub to: Peer,
    /// Joined they are the text.
    pub parts: Vec<String>,
}

/// A part came to its end in this phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub sent_as: (AttemptId, u8),
    /// What goes to the centre.
    pub left: Option<Part>,
    /// What the app is told, and the code of a refusal; `None`: nothing, ever.
    pub result: Option<(PartState, Option<i32>)>,
    /// The last part of its message.
    pub is_last: bool,
    /// What went wrong with it, as coverage names it.
    pub fault: Option<&'static str>,
}

/// A whole message that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// By this card.
    pub iccid: String,
    /// Its number.
    pub to: E164,
    /// Whose, as it came.
    pub from: String,
    /// Its text.
    pub text: String,
    /// SCTS of its first part, milliseconds since 1970.
    pub scts_ms: u64,
}

/// What a phone says to a part it is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// It is off, without service, or the card is not in it.
    NotThere,
    /// Taken; with the message if this was its last missing part.
    Taken(Option<Whole>),
    /// Taken for a repeat, and dropped.
    Repeat,
}

/// The code of a refusal, and what went wrong, if it is more than a state of the phone.
type Refused = (i32, Option<&'static str>);

/// What the test for repeats compares: both numbers, SCTS, the text, and of a part
/// of several its reference and its place (`InboundSmsHandler`).
type Seen = (String, E164, u64, String, Option<(u16, u8)>);

/// See the module.
#[derive(Debug, Clone)]
pub struct Framework {
    /// In both slots.
    pub cards: Vec<Card>,
    /// Flight mode is off.
    pub radio_on: bool,
    sent: VecDeque<(u64, usize)>,
    pending: usize,
    reference: u16,
    parts: BTreeMap<(String, E164, u16, u8), BTreeMap<u8, Arrival>>,
    recent: VecDeque<Seen>,
}

impl Framework {
    /// A phone with these cards, switched on. Its messages of several parts count on
    /// from `reference`: Android draws it, so that those of two phones with one number
    /// are told apart.
    pub const fn new(cards: Vec<Card>, reference: u16) -> Self {
        Self {
            cards,
            radio_on: true,
            sent: VecDeque::new(),
            pending: 0,
            reference,
            parts: BTreeMap::new(),
            recent: VecDeque::new(),
        }
    }

    /// Where the messages of several parts begin that another phone sends from the
    /// cards of this one: far from its own.
    pub const fn next_phones_reference(&self) -> u16 {
        self.reference.wrapping_add(u16::MAX / 8)
    }

    /// The phone starts again. Parts that came stay: they lie in a provider.
    pub fn reboot(&mut self) {
        self.sent.clear();
        self.pending = 0;
    }

    /// Sends a message, and says how each part ends, in order.
    pub fn send(
        &mut self,
        now_ms: u64,
        call: &Call,
        faults: &SmsFaults,
        rng: &mut Rng,
    ) -> Vec<Later<Ended>> {
        let refusal = self.refusal(now_ms, call);
        self.pending += 1;
        if refusal.is_none() {
            self.sent.push_back((now_ms, call.parts.len()));
            self.reference = self.reference.wrapping_add(1);
        }
        let count = u8::try_from(call.parts.len()).unwrap_or(u8::MAX);
        let nationally = rng.one_in(faults.national_one_in);
        let mut at_ms = now_ms;
        let mut ends = Vec::new();
        for (no, text) in (0..count).zip(&call.parts) {
            at_ms += rng.range(RADIO_MIN_MS, faults.radio_max_ms.max(RADIO_MIN_MS));
            let refused = refusal.or_else(|| self.part_fails(call, faults, rng));
            let code = refused.map(|(code, _)| code);
            let left = if code.is_some() {
                None
            } else {
                self.part(call, (no, count), text, nationally)
            };
            let result = (PartState::Refused, code);
            let result = if code.is_none() {
                (PartState::Sent, None)
            } else {
                result
            };
            let never_told = code.is_none() && rng.one_in(faults.no_result_one_in);
            let fault = refused.and_then(|(_, fault)| fault);
            ends.push(Later {
                at_ms,
                what: Ended {
                    sent_as: (call.attempt, no),
                    left,
                    result: (!never_told).then_some(result),
                    is_last: no + 1 == count,
                    fault: fault.or(never_told.then_some("result missing")),
                },
            });
        }
        ends
    }

    /// A part came to its end: one message less waits.
    pub fn ended(&mut self, ended: &Ended) {
        if ended.is_last {
            self.pending = self.pending.saturating_sub(1);
        }
    }

    /// What speaks against the whole message: the code, and the limit that is reached.
    fn refusal(&mut self, now_ms: u64, call: &Call) -> Option<Refused> {
        while let Some((at_ms, _)) = self.sent.front()
            && at_ms + WINDOW_MS <= now_ms
        {
            self.sent.pop_front();
        }
        let lately: usize = self.sent.iter().map(|(_, parts)| parts).sum();
        match self.card(&call.iccid) {
            None => Some((SIM_ABSENT, None)),
            Some(_) if !self.radio_on => Some((RADIO_OFF, None)),
            Some(card) if !card.in_service => Some((NO_SERVICE, None)),
            Some(_) if self.pending >= MAX_PENDING => {
                Some((LIMIT_EXCEEDED, Some("messages wait for the radio")))
            }
            Some(_) if lately + call.parts.len() > PARTS_PER_WINDOW => {
                Some((LIMIT_EXCEEDED, Some("30 parts in a minute")))
            }
            Some(_) => None,
        }
    }

    fn card(&self, iccid: &str) -> Option<&Card> {
        self.cards
            .iter()
            .find(|card| card.present && card.iccid == iccid)
    }

    /// The network takes a part, if it is paid for.
    fn part_fails(&mut self, call: &Call, faults: &SmsFaults, rng: &mut Rng) -> Option<Refused> {
        if rng.one_in(faults.part_refused_one_in) {
            let pick = rng.next() % RESULT_CODES.len() as u64;
            let code = RESULT_CODES.get(usize::try_from(pick).unwrap_or(0));
            return code.map(|code| (*code, Some("part refused")));
        }
        let card = self
            .cards
            .iter_mut()
            .find(|card| card.iccid == call.iccid)?;
        match &mut card.balance {
            None => None,
            Some(0) => Some((GENERIC_FAILURE, Some("balance empty"))),
            Some(balance) => {
                *balance -= 1;
                None
            }
        }
    }

    /// What leaves, if somebody has this number. Only people of one country see each
    /// other's in national form.
    fn part(
        &self,
        call: &Call,
        (no, count): (u8, u8),
        text: &str,
        nationally: bool,
    ) -> Option<Part> {
        let from = self.card(&call.iccid)?.number;
        let to = Country::of(from).dials(call.to)?;
        let nationally = nationally && Country::of(from) == Country::of(to);
        Some(Part {
            from,
            originator: if nationally {
                national(from)
            } else {
                from.expose()
            },
            to,
            sent_as: (call.attempt, no),
            reference: self.reference,
            count,
            text: text.to_owned(),
        })
    }

    /// A part is offered by the network.
    pub fn offered(&mut self, arrival: &Arrival) -> Offer {
        let Part {
            originator: ref from,
            to,
            sent_as: (_, no),
            reference,
            count,
            ref text,
            ..
        } = arrival.part;
        let card = self
            .cards
            .iter()
            .find(|card| card.present && card.in_service && card.number == to);
        let Some(iccid) = card
            .filter(|_| self.radio_on)
            .map(|card| card.iccid.clone())
        else {
            return Offer::NotThere;
        };
        // What came within one second of SCTS with the same text is a repeat, also
        // if it is not (DELIVERY 22).
        let of_several = (count > 1).then_some((reference, no));
        let seen = (from.clone(), to, arrival.scts_s, text.clone(), of_several);
        if self.recent.contains(&seen) {
            return Offer::Repeat;
        }
        self.recent.push_back(seen);
        while self.recent.len() > REMEMBERED {
            self.recent.pop_front();
        }
        let key = (from.clone(), to, reference, count);
        let parts = self.parts.entry(key.clone()).or_default();
        parts.insert(no, arrival.clone());
        if parts.len() < usize::from(count) {
            return Offer::Taken(None);
        }
        let parts = self.parts.remove(&key).unwrap_or_default();
        let scts_s = parts.values().map(|part| part.scts_s).min().unwrap_or(0);
        Offer::Taken(Some(Whole {
            iccid,
            to,
            from: from.clone(),
            text: parts.values().map(|part| &*part.part.text).collect(),
            scts_ms: scts_s * 1000,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(last: u64) -> E164 {
        E164::new(254_700_000_000 + last).unwrap()
    }

    fn phone(last: u64) -> Framework {
        Framework::new(
            vec![Card {
                iccid: format!("card {last}"),
                number: number(last),
                present: true,
                in_service: true,
                roaming: false,
                balance: None,
            }],
            0,
        )
    }

    fn call(attempt: u64, parts: &[&str]) -> Call {
        Call {
            attempt: AttemptId(attempt),
            iccid: "card 1".to_owned(),
            to: number(2).into(),
            parts: parts.iter().map(|&part| part.to_owned()).collect(),
        }
    }

    fn ends(phone: &mut Framework, now_ms: u64, call: &Call, faults: &SmsFaults) -> Vec<Ended> {
        phone
            .send(now_ms, call, faults, &mut Rng::new(1))
            .into_iter()
            .map(|later| later.what)
            .collect()
    }

    /// The codes with which the parts of one message are refused.
    fn codes(phone: &mut Framework, now_ms: u64, parts: &[&str]) -> Vec<Option<i32>> {
        let ends = ends(phone, now_ms, &call(1, parts), &SmsFaults::default());
        ends.iter().for_each(|ended| phone.ended(ended));
        ends.iter()
            .map(|ended| ended.result.and_then(|(_, code)| code))
            .collect()
    }

    fn arrival(part: &Part, scts_s: u64) -> Arrival {
        Arrival {
            part: part.clone(),
            scts_s,
            until_ms: u64::MAX,
        }
    }

    fn left(phone: &mut Framework, call: &Call) -> Vec<Part> {
        ends(phone, 0, call, &SmsFaults::default())
            .into_iter()
            .filter_map(|ended| ended.left)
            .collect()
    }

    #[test]
    fn what_keeps_an_sms_in_the_phone() {
        let mut absent = phone(1);
        absent.cards[0].present = false;
        assert_eq!(codes(&mut absent, 0, &["a"]), [Some(SIM_ABSENT)]);
        let mut off = phone(1);
        off.radio_on = false;
        assert_eq!(codes(&mut off, 0, &["a"]), [Some(RADIO_OFF)]);
        let mut deaf = phone(1);
        deaf.cards[0].in_service = false;
        assert_eq!(codes(&mut deaf, 0, &["a", "b"]), [Some(NO_SERVICE); 2]);
        assert_eq!(codes(&mut phone(1), 0, &["a"]), [None]);
    }

    #[test]
    fn a_balance_may_end_between_two_parts() {
        let mut poor = phone(1);
        poor.cards[0].balance = Some(1);
        assert_eq!(
            codes(&mut poor, 0, &["a", "b"]),
            [None, Some(GENERIC_FAILURE)]
        );
    }

    #[test]
    fn thirty_parts_a_minute_and_no_more() {
        let mut phone = phone(1);
        for _ in 0..30 {
            assert_eq!(codes(&mut phone, 1_000, &["a"]), [None]);
        }
        assert_eq!(codes(&mut phone, 60_999, &["a"]), [Some(LIMIT_EXCEEDED)]);
        assert_eq!(codes(&mut phone, 61_000, &["a"]), [None]);
    }

    #[test]
    fn five_messages_at_a_time() {
        let mut phone = phone(1);
        let none = SmsFaults::default();
        let mut waiting = Vec::new();
        for attempt in 0..5 {
            waiting.extend(ends(&mut phone, 0, &call(attempt, &["a"]), &none));
        }
        assert!(waiting.iter().all(|ended| ended.left.is_some()));
        let refused = ends(&mut phone, 0, &call(5, &["a"]), &none);
        let limit = Some((PartState::Refused, Some(LIMIT_EXCEEDED)));
        assert_eq!(refused[0].result, limit);
        for ended in refused.iter().chain(&waiting) {
            phone.ended(ended);
        }
        let later = ends(&mut phone, 0, &call(6, &["a"]), &none);
        assert!(later[0].left.is_some());
    }

    #[test]
    fn a_result_may_never_come_though_the_part_left() {
        let silent = SmsFaults {
            no_result_one_in: 1,
            ..SmsFaults::default()
        };
        let ended = ends(&mut phone(1), 0, &call(1, &["a"]), &silent).remove(0);
        assert_eq!(ended.result, None);
        assert!(ended.left.is_some());
    }

    #[test]
    fn parts_are_put_together_in_any_order() {
        let parts = left(&mut phone(1), &call(1, &["one ", "two ", "three"]));
        let mut receiver = phone(2);
        for no in [2, 0] {
            let offer = receiver.offered(&arrival(&parts[no], 9));
            assert_eq!(offer, Offer::Taken(None));
        }
        let whole = Whole {
            iccid: "card 2".to_owned(),
            to: number(2),
            from: number(1).expose(),
            text: "one two three".to_owned(),
            scts_ms: 9_000,
        };
        assert_eq!(
            receiver.offered(&arrival(&parts[1], 10)),
            Offer::Taken(Some(whole))
        );
    }

    #[test]
    fn equal_texts_within_one_second_are_taken_for_one() {
        let mut sender = phone(1);
        let first = left(&mut sender, &call(1, &["yes"])).remove(0);
        let second = left(&mut sender, &call(2, &["yes"])).remove(0);
        let mut receiver = phone(2);
        let comes = |receiver: &mut Framework, part, scts_s| {
            matches!(
                receiver.offered(&arrival(part, scts_s)),
                Offer::Taken(Some(_))
            )
        };
        assert!(comes(&mut receiver, &first, 9));
        assert!(!comes(&mut receiver, &second, 9), "lost, for good");
        assert!(comes(&mut receiver, &second, 10));
    }

    #[test]
    fn who_is_dialled_and_shown_in_national_form_is_of_the_country() {
        let nationally = SmsFaults {
            national_one_in: 1,
            ..SmsFaults::default()
        };
        let left = |to: Peer| {
            let call = Call {
                to,
                ..call(1, &["a"])
            };
            let ended = ends(&mut phone(1), 0, &call, &nationally).remove(0);
            ended.left.map(|part| (part.to, part.originator))
        };
        let here = (number(2), "0700000001".to_owned());
        assert_eq!(left(number(2).into()), Some(here.clone()));
        assert_eq!(left("0700000002".parse().unwrap()), Some(here));
        let abroad = E164::new(255_700_000_002).unwrap();
        let other = (abroad, "+254700000001".to_owned());
        assert_eq!(left(abroad.into()), Some(other));
        assert_eq!(left("BANK".parse().unwrap()), None);
    }

    #[test]
    fn a_phone_without_service_is_not_there() {
        let part = left(&mut phone(1), &call(1, &["a"])).remove(0);
        let mut receiver = phone(2);
        receiver.radio_on = false;
        assert_eq!(receiver.offered(&arrival(&part, 9)), Offer::NotThere);
    }
}
