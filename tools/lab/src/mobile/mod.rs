//! A country's mobile networks: operators with their SMS centres, cards, and
//! phones as Android's telephony framework makes them.
//!
//! A pure machine: time comes in as an argument, randomness from a seed, and what
//! is due is asked for ([`Mobile::poll`], [`Mobile::poll_timeout`]). It knows
//! nothing of Twine: it carries PDUs of TS 23.040, made and read by `twine-sms`.
//!
//! | module | owns |
//! |---|---|
//! | [`plan`] | what a scenario says of them |
//! | `sending` | one call of SmsManager: limits, the modem, the framework's retries |
//! | `centre` | store and forward: delay, loss, doubles, status reports |
//! | `receiving` | reassembly and Android's duplicate rule |
//! | [`codes`] | result codes |
//! | [`network`] | the machine as a task, with a clock |

mod centre;
mod clock;
pub mod codes;
pub mod network;
pub mod plan;
mod receiving;
mod sending;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::rng::Rng;
use centre::{Parcel, ParcelId};
use plan::{Coverage, OperatorPlan, PhonePlan, SLOTS};
use receiving::Receiving;
pub use sending::Call;
use sending::{Part, Sending};

/// Names one call of SmsManager. Chosen by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// A whole message that came in, as the framework's broadcast has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortMessage {
    /// The receiving slot.
    pub slot: usize,
    /// The receiving card.
    pub iccid: String,
    /// The originator as it came.
    pub from: String,
    /// All parts.
    pub text: String,
    /// The service centre's time, milliseconds since 1970.
    pub scts_ms: u64,
}

/// What a phone's framework tells its apps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The "sent" intent of a part.
    Sent {
        /// Which call.
        call: CallId,
        /// From 0.
        part: u32,
        /// See [`codes`].
        code: i32,
    },
    /// The "delivery" intent of a part: the operator's status report.
    Report {
        /// Which call.
        call: CallId,
        /// From 0.
        part: u32,
        /// Delivered; otherwise the operator gave up.
        delivered: bool,
    },
    /// A message came.
    Message(ShortMessage),
}

/// Something for the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// When.
    pub at: Duration,
    /// Phone, or the operator whose centre it is.
    pub who: String,
    /// In words.
    pub what: String,
}

/// One call of SmsManager, for the score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentSms {
    /// When it was called.
    pub at: Duration,
    /// Index of the phone.
    pub phone: usize,
    /// The card that was asked for.
    pub iccid: String,
    /// That card's number.
    pub from: Option<String>,
    /// As dialled.
    pub to: String,
    /// All parts, as they were given.
    pub text: String,
    /// Parts of the message.
    pub parts: u32,
    /// Parts that the network took, and charged.
    pub taken: u32,
    /// What they cost.
    pub cost_micros: u64,
}

/// Running counts of what networks and frameworks did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MobileCounts {
    /// Parts that a centre took.
    pub parts: u64,
    /// Parts that a centre lost.
    pub lost: u64,
    /// Parts that a centre delivered twice.
    pub doubled: u64,
    /// Parts that a centre held back.
    pub held: u64,
    /// Status reports that a centre did not send.
    pub reports_withheld: u64,
    /// Parts that Android's rule recognised as duplicates.
    pub duplicates_dropped: u64,
    /// Times that Android asked a user because an app sent too many: a daemon
    /// that paces itself never causes one.
    pub dialogs: u64,
    /// Results, reports and partial messages that were dropped at a limit.
    pub dropped: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Mobile {
    operators: Vec<OperatorPlan>,
    cards: Vec<Card>,
    phones: Vec<Phone>,
    parcels: BTreeMap<ParcelId, Parcel>,
    next_parcel: u64,
    events: BTreeMap<(Duration, u64), Event>,
    next_event: u64,
    told: VecDeque<(usize, Told)>,
    happenings: VecDeque<Happening>,
    sent: Vec<SentSms>,
    counts: MobileCounts,
    rng: Rng,
    /// Wall clock of time zero, seconds since 1970.
    wall_start_s: i64,
    now: Duration,
}

#[derive(Debug)]
struct Card {
    plan: plan::CardPlan,
    balance_micros: Option<u64>,
    at: Option<Place>,
}

/// A slot of a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    phone: usize,
    slot: usize,
}

#[derive(Debug)]
struct Phone {
    name: String,
    flight_mode: bool,
    coverage: [Coverage; SLOTS],
    sending: Sending,
    receiving: Receiving,
}

/// What is due at a time.
#[derive(Debug)]
enum Event {
    /// The part on the air has been sent, or not.
    OnAir { phone: usize },
    /// The framework tries a part again.
    TryAgain { phone: usize, part: Box<Part> },
    /// A centre delivers.
    Deliver(ParcelId),
}

/// What a slot can do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotState<'a> {
    /// Its card.
    pub card: Option<&'a plan::CardPlan>,
    /// Its network.
    pub coverage: Coverage,
    /// The radio is off.
    pub flight_mode: bool,
}

impl SlotState<'_> {
    /// A card, a radio and a network.
    #[must_use]
    pub fn in_service(&self) -> bool {
        self.card.is_some() && !self.flight_mode && self.coverage != Coverage::None
    }
}

impl Mobile {
    /// A country. Indices of phones are those of `phones`; operators that cards
    /// name are indices of `operators`.
    #[must_use]
    pub fn new(
        operators: Vec<OperatorPlan>,
        phones: &[PhonePlan],
        seed: u64,
        wall_start_s: i64,
    ) -> Self {
        let mut rng = Rng::new(seed);
        let mut cards = Vec::new();
        for (phone, plan) in phones.iter().enumerate() {
            cards.extend(plan.cards.iter().map(|card| Card {
                plan: card.clone(),
                balance_micros: card.balance_micros,
                at: card.slot.map(|slot| Place { phone, slot }),
            }));
        }
        let phones = phones
            .iter()
            .map(|plan| Phone {
                name: plan.name.clone(),
                flight_mode: false,
                coverage: plan.coverage,
                // Android's references start at random values.
                sending: Sending::new(rng.next_u64() as u8, rng.next_u64() as u8),
                receiving: Receiving::default(),
            })
            .collect();
        Self {
            operators,
            cards,
            phones,
            parcels: BTreeMap::new(),
            next_parcel: 0,
            events: BTreeMap::new(),
            next_event: 0,
            told: VecDeque::new(),
            happenings: VecDeque::new(),
            sent: Vec::new(),
            counts: MobileCounts::default(),
            rng,
            wall_start_s,
            now: Duration::ZERO,
        }
    }

    /// When the next thing is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.events.keys().next().map(|(at, _)| *at)
    }

    /// Does what is due, and returns what a phone is told: its index, and what.
    /// Call until `None`.
    #[must_use]
    pub fn poll(&mut self, now: Duration) -> Option<(usize, Told)> {
        while self.told.is_empty() && self.poll_timeout().is_some_and(|due| due <= now) {
            let Some(((at, _), event)) = self.events.pop_first() else {
                break;
            };
            self.now = self.now.max(at);
            match event {
                Event::OnAir { phone } => self.on_air(phone),
                Event::TryAgain { phone, part } => self.try_again(phone, *part),
                Event::Deliver(parcel) => self.deliver(parcel),
            }
        }
        self.now = self.now.max(now);
        self.told.pop_front()
    }

    /// The next thing for the timeline.
    pub fn poll_happening(&mut self) -> Option<Happening> {
        self.happenings.pop_front()
    }

    /// Every call of SmsManager so far.
    #[must_use]
    pub fn sent(&self) -> &[SentSms] {
        &self.sent
    }

    /// The counts so far.
    #[must_use]
    pub const fn counts(&self) -> MobileCounts {
        self.counts
    }

    /// A slot of a phone; of one that is not there: an empty slot.
    #[must_use]
    pub fn slot(&self, phone: usize, slot: usize) -> SlotState<'_> {
        let place = Place { phone, slot };
        let card = self.cards.iter().find(|card| card.at == Some(place));
        let found = self.phones.get(phone);
        SlotState {
            card: card.map(|card| &card.plan),
            coverage: found
                .and_then(|phone| phone.coverage.get(slot).copied())
                .unwrap_or(Coverage::None),
            flight_mode: found.is_some_and(|phone| phone.flight_mode),
        }
    }

    /// The operator of a card.
    #[must_use]
    pub fn operator(&self, card: &plan::CardPlan) -> Option<&OperatorPlan> {
        self.operators.get(card.operator)
    }

    /// The radio gets better or worse.
    pub fn set_coverage(&mut self, now: Duration, phone: usize, slot: usize, coverage: Coverage) {
        self.now = self.now.max(now);
        let found = self.phones.get_mut(phone);
        if let Some(was) = found.and_then(|phone| phone.coverage.get_mut(slot)) {
            *was = coverage;
        }
        self.alert();
    }

    /// The user turns the radio off or on.
    pub fn set_flight_mode(&mut self, now: Duration, phone: usize, on: bool) {
        self.now = self.now.max(now);
        if let Some(phone) = self.phones.get_mut(phone) {
            phone.flight_mode = on;
        }
        self.alert();
    }

    /// A card is put into a slot (what was there is put aside), or taken out.
    pub fn move_card(&mut self, now: Duration, iccid: &str, to: Option<(usize, usize)>) {
        self.now = self.now.max(now);
        let to = to.map(|(phone, slot)| Place { phone, slot });
        for card in &mut self.cards {
            if card.plan.iccid == iccid {
                card.at = to;
            } else if to.is_some() && card.at == to {
                card.at = None;
            }
        }
        self.alert();
    }

    /// The card's balance is this from now on; `None`: it never runs out.
    pub fn set_balance(&mut self, iccid: &str, micros: Option<u64>) {
        let card = self.cards.iter_mut().find(|card| card.plan.iccid == iccid);
        if let Some(card) = card {
            card.balance_micros = micros;
        }
    }

    fn at(&mut self, after: Duration, event: Event) {
        self.next_event += 1;
        self.events
            .insert((self.now + after, self.next_event), event);
    }

    fn tell(&mut self, phone: usize, told: Told) {
        self.told.push_back((phone, told));
    }

    fn happened(&mut self, who: String, what: &str) {
        let happening = Happening {
            at: self.now,
            who,
            what: what.to_owned(),
        };
        self.happenings.push_back(happening);
    }

    fn card_index(&self, iccid: &str) -> Option<usize> {
        self.cards.iter().position(|card| card.plan.iccid == iccid)
    }

    /// The card with this number, in international form.
    fn card_of_number(&self, number: &str) -> Option<usize> {
        let number: twine_proto::E164 = number.parse().ok()?;
        self.cards
            .iter()
            .position(|card| card.plan.number == Some(number))
    }

    /// Where the card can be reached now.
    fn reachable(&self, card: usize) -> Option<Place> {
        let place = self.cards.get(card)?.at?;
        self.slot(place.phone, place.slot)
            .in_service()
            .then_some(place)
    }
}
