//! The sending side of a phone: SmsManager, the framework's dispatcher, the modem
//! (frameworks/opt/telephony: SMSDispatcher, SmsUsageMonitor, GsmSMSDispatcher).
//!
//! Owns limits, the order on the air, and what each part's result is.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use twine_sms::pdu::{Address, Pdu, ProtocolId, Submit, UserData, ValidityPeriod};
use twine_sms::reassembly::Concatenation;
use twine_sms::segment::{ReferenceSize, segments};
use twine_sms::{Encoding, TableSet};

use super::plan::Coverage;
use super::{CallId, Event, Mobile, SentSms, Told, codes};
use crate::limits::{
    FRAMEWORK_MAX_PENDING, FRAMEWORK_PARTS_PER_WINDOW, FRAMEWORK_RETRIES, FRAMEWORK_RETRY_DELAY,
    FRAMEWORK_WINDOW, MAX_AWAITED_REPORTS,
};

/// SmsManager's default, three days (`SMSDispatcher`: not set, the network's own).
const VALIDITY_S: u32 = 3 * 24 * 3600;

/// What a phone has to send.
#[derive(Debug)]
pub(super) struct Sending {
    /// Shared by the parts of one message; 8 bits in Android.
    reference: u8,
    /// TP-MR: names a part towards its status report.
    message_reference: u8,
    /// When parts were handed in lately.
    recent: VecDeque<Duration>,
    /// Calls with parts that have no result.
    pending: BTreeMap<CallId, u32>,
    waiting: VecDeque<Part>,
    on_air: Option<Part>,
    /// Parts that the operator is to report on.
    awaited: VecDeque<Awaited>,
}

/// One part on its way to the centre.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Index in `Mobile::sent`.
    sent: usize,
    /// `None`: the process that called is gone; nobody hears of it.
    call: Option<CallId>,
    part: u32,
    card: usize,
    to: Address,
    user_data: UserData,
    retries: u32,
}

#[derive(Debug)]
struct Awaited {
    message_reference: u8,
    to: String,
    call: CallId,
    part: u32,
}

/// One call of SmsManager.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Index of the phone.
    pub phone: usize,
    /// Its name.
    pub id: CallId,
    /// The subscription's card.
    pub iccid: &'a str,
    /// As dialled.
    pub to: &'a str,
    /// In order; joined they are the text.
    pub parts: &'a [String],
}

impl Sending {
    pub(super) fn new(reference: u8, message_reference: u8) -> Self {
        Self {
            reference,
            message_reference,
            recent: VecDeque::new(),
            pending: BTreeMap::new(),
            waiting: VecDeque::new(),
            on_air: None,
            awaited: VecDeque::new(),
        }
    }

    /// Whom a status report is about.
    pub(super) fn reported(&mut self, message_reference: u8, to: &str) -> Option<(CallId, u32)> {
        let found = self
            .awaited
            .iter()
            .position(|one| one.message_reference == message_reference && one.to == to)?;
        let awaited = self.awaited.remove(found)?;
        Some((awaited.call, awaited.part))
    }
}

impl Mobile {
    /// `sendMultipartTextMessage`, with sent and delivery intents for each part.
    /// Each part has its result in time ([`Told::Sent`]).
    pub fn send(&mut self, now: Duration, call: Call<'_>) {
        self.now = self.now.max(now);
        let text = call.parts.concat();
        let card = self.card_index(call.iccid);
        let number = card.and_then(|card| self.cards[card].plan.number);
        let count = call.parts.len() as u32;
        self.sent.push(SentSms {
            at: self.now,
            phone: call.phone,
            iccid: call.iccid.to_owned(),
            from: number.map(twine_proto::E164::expose),
            to: call.to.to_owned(),
            text: text.clone(),
            parts: count,
            taken: 0,
            cost_micros: 0,
        });
        let sent = self.sent.len() - 1;
        let Some(card) = card.filter(|card| self.is_in(*card, call.phone)) else {
            return self.refuse_all(call, codes::SIM_ABSENT);
        };
        if let Err(code) = self.within_limits(call) {
            return self.refuse_all(call, code);
        }
        let Ok(to) = Address::dialled(call.to) else {
            return self.refuse_all(call, codes::INVALID_ARGUMENTS);
        };
        let phone = &mut self.phones[call.phone];
        phone.sending.reference = phone.sending.reference.wrapping_add(1);
        let Some(data) = encode(&text, call.parts, phone.sending.reference) else {
            return self.refuse_all(call, codes::ENCODING_ERROR);
        };
        let sending = &mut phone.sending;
        sending.pending.insert(call.id, count);
        for (user_data, part) in data.into_iter().zip(0..) {
            sending.recent.push_back(now);
            sending.waiting.push_back(Part {
                sent,
                call: Some(call.id),
                part,
                card,
                to: to.clone(),
                user_data,
                retries: 0,
            });
        }
        self.next_on_air(call.phone);
    }

    /// The process that called is gone: its intents reach nobody. What it handed
    /// in is sent all the same.
    pub fn forget_calls(&mut self, phone: usize) {
        let sending = &mut self.phones[phone].sending;
        sending.pending.clear();
        sending.awaited.clear();
        let parts = sending.waiting.iter_mut().chain(&mut sending.on_air);
        parts.for_each(|part| part.call = None);
        for event in self.events.values_mut() {
            if let Event::TryAgain { phone: of, part } = event
                && *of == phone
            {
                part.call = None;
            }
        }
        let nobodys = |told: &Told| matches!(told, Told::Sent { .. } | Told::Report { .. });
        self.told
            .retain(|(of, told)| *of != phone || !nobodys(told));
    }

    fn is_in(&self, card: usize, phone: usize) -> bool {
        self.cards[card]
            .at
            .is_some_and(|place| place.phone == phone)
    }

    /// The queue's length (`MO_MSG_QUEUE_LIMIT`), then the user's dialog, in
    /// which nobody of this country says yes.
    fn within_limits(&mut self, call: Call<'_>) -> Result<(), i32> {
        let now = self.now;
        let sending = &mut self.phones[call.phone].sending;
        while sending
            .recent
            .front()
            .is_some_and(|at| now.saturating_sub(*at) >= FRAMEWORK_WINDOW)
        {
            sending.recent.pop_front();
        }
        if sending.pending.len() >= FRAMEWORK_MAX_PENDING {
            return Err(codes::LIMIT_EXCEEDED);
        }
        if sending.recent.len() + call.parts.len() > FRAMEWORK_PARTS_PER_WINDOW {
            self.counts.dialogs += 1;
            let who = self.phones[call.phone].name.clone();
            self.happened(who, "Android asks the user: an app sends very many SMS");
            return Err(codes::LIMIT_EXCEEDED);
        }
        Ok(())
    }

    fn refuse_all(&mut self, call: Call<'_>, code: i32) {
        for part in 0..call.parts.len() as u32 {
            let told = Told::Sent {
                call: call.id,
                part,
                code,
            };
            self.tell(call.phone, told);
        }
    }

    fn next_on_air(&mut self, phone: usize) {
        let sending = &mut self.phones[phone].sending;
        if sending.on_air.is_some() {
            return;
        }
        let Some(part) = sending.waiting.pop_front() else {
            return;
        };
        let card = &self.cards[part.card];
        let coverage = card.at.map_or(Coverage::None, |place| {
            self.phones[phone].coverage[place.slot]
        });
        let send_time = self.operators[card.plan.operator].centre.send_time;
        self.phones[phone].sending.on_air = Some(part);
        self.at(send_time * coverage.slowness(), Event::OnAir { phone });
    }

    pub(super) fn try_again(&mut self, phone: usize, part: Part) {
        self.phones[phone].sending.waiting.push_back(part);
        self.next_on_air(phone);
    }

    pub(super) fn on_air(&mut self, phone: usize) {
        if let Some(mut part) = self.phones[phone].sending.on_air.take() {
            match self.transmit(phone, &part) {
                codes::SEND_FAIL_RETRY if part.retries < FRAMEWORK_RETRIES => {
                    part.retries += 1;
                    let part = Box::new(part);
                    self.at(FRAMEWORK_RETRY_DELAY, Event::TryAgain { phone, part });
                }
                code => self.result(phone, &part, code),
            }
        }
        self.next_on_air(phone);
    }

    /// What comes of a part on the air.
    fn transmit(&mut self, phone: usize, part: &Part) -> i32 {
        let Some(place) = self.cards[part.card].at.filter(|at| at.phone == phone) else {
            return codes::SIM_ABSENT;
        };
        if self.phones[phone].flight_mode {
            return codes::RADIO_OFF;
        }
        if self.phones[phone].coverage[place.slot] == Coverage::None {
            return codes::NO_SERVICE;
        }
        let operator = self.cards[part.card].plan.operator;
        let centre = self.operators[operator].centre;
        if self.rng.chance(centre.radio_retry) {
            return codes::SEND_FAIL_RETRY;
        }
        if self.rng.chance(centre.reject) {
            return codes::NETWORK_REJECT;
        }
        let price = self.price(part);
        let balance = &mut self.cards[part.card].balance_micros;
        match balance {
            Some(micros) if *micros < price => return codes::GENERIC_FAILURE,
            Some(micros) => *micros -= price,
            None => {}
        }
        let sent = &mut self.sent[part.sent];
        sent.taken += 1;
        sent.cost_micros += price;
        let message_reference = self.await_report(phone, part);
        let submit = Pdu::Submit(Submit {
            // As the framework does when it tries again.
            reject_duplicates: part.retries > 0,
            status_report: part.call.is_some(),
            reply_path: false,
            message_reference,
            destination: part.to.clone(),
            protocol: ProtocolId(0),
            validity: Some(ValidityPeriod::at_least(VALIDITY_S)),
            user_data: part.user_data.clone(),
        });
        self.submit(part.card, &submit.encode());
        codes::OK
    }

    fn price(&self, part: &Part) -> u64 {
        let own = self.cards[part.card].plan.operator;
        let peer = self.card_of_number(&part.to.text());
        let on_net = peer.is_some_and(|peer| self.cards[peer].plan.operator == own);
        let operator = &self.operators[own];
        if on_net {
            operator.on_net_micros
        } else {
            operator.off_net_micros
        }
    }

    fn await_report(&mut self, phone: usize, part: &Part) -> u8 {
        let sending = &mut self.phones[phone].sending;
        sending.message_reference = sending.message_reference.wrapping_add(1);
        if let Some(call) = part.call {
            if sending.awaited.len() >= MAX_AWAITED_REPORTS {
                sending.awaited.pop_front();
                self.counts.dropped += 1;
            }
            sending.awaited.push_back(Awaited {
                message_reference: sending.message_reference,
                to: part.to.text(),
                call,
                part: part.part,
            });
        }
        sending.message_reference
    }

    fn result(&mut self, phone: usize, part: &Part, code: i32) {
        let Some(call) = part.call else {
            return;
        };
        let pending = &mut self.phones[phone].sending.pending;
        if let Some(left) = pending.get_mut(&call) {
            *left -= 1;
            if *left == 0 {
                pending.remove(&call);
            }
        }
        let part = part.part;
        self.tell(phone, Told::Sent { call, part, code });
    }
}

/// The parts as user data, all in the encoding that the whole text takes, as
/// Android does.
fn encode(text: &str, parts: &[String], reference: u8) -> Option<Vec<UserData>> {
    let encoding: Encoding = segments(text, &TableSet::NONE).ok()?.encoding;
    let count = u8::try_from(parts.len()).ok()?;
    (1..=count)
        .zip(parts)
        .map(|(index, part)| {
            let place =
                Concatenation::new(ReferenceSize::Bits8, u16::from(reference), count, index)
                    .filter(|_| count > 1);
            UserData::of_text(part, encoding, place).ok()
        })
        .collect()
}
