//! SMS: orders of the daemon to its agent, parts on their way, and what comes in.
//!
//! Decides nothing: what is sent is the engine's, what becomes of it is
//! [`crate::sms`]'s, and what was promised is the [`model`](crate::model)'s.

use twine_engine::store_ops::StoreOps;
use twine_engine::{Input, Order, TelephonyEvent};
use twine_proto::{E164, Peer};
use twine_sms::TableSet;
use twine_sms::mark;

use super::transition::Transition;
use super::{World, story};
use crate::coverage::Group;
use crate::handset::WALL_START_MS;
use crate::model::{Broken, Ordered, WORDS};
use crate::net::HandsetNo;
use crate::sms::centre::{self, FromCentre};
use crate::sms::framework::{Call, Ended, Offer, Whole};
use crate::sms::plan::{self, Country};
use crate::sms::{Arrival, Later, SmsFaults};

/// From the daemon to its agent and back; in order, because it is one socket.
const SOCKET_MS: u64 = 2;

impl World {
    /// What goes wrong with SMS now.
    pub(super) fn sms_faults(&self) -> SmsFaults {
        let f = &self.faults;
        if self.calm {
            return SmsFaults::default();
        }
        SmsFaults {
            lost_one_in: f.sms_lost_one_in,
            twice_one_in: f.sms_twice_one_in,
            twice_later_one_in: f.sms_twice_later_one_in,
            delay_max_ms: f.sms_delay_max_ms,
            no_report_one_in: f.no_report_one_in,
            trimmed_one_in: f.trimmed_one_in,
            no_break_one_in: f.no_break_one_in,
            advert_one_in: f.advert_one_in,
            part_refused_one_in: f.part_refused_one_in,
            no_result_one_in: f.no_result_one_in,
            radio_max_ms: f.sms_radio_max_ms,
            national_one_in: f.national_one_in,
        }
    }

    /// The daemon gives an order.
    pub(super) fn ordered(&mut self, handset: HandsetNo, order: Order) -> Result<(), Broken> {
        self.tell_order(handset, &order);
        if let Order::PreferDataSim { slot, .. } = order {
            return self.data_wanted(handset, slot);
        }
        if let Order::SendSms {
            attempt,
            iccid,
            parts,
            ..
        } = &order
        {
            let text: String = parts.iter().map(|part| part.expose().as_str()).collect();
            let store = &self.handsets[handset].store;
            let Some(id) = store.attempted(*attempt) else {
                if self.model.sender_of(*attempt).is_some() {
                    // It was refused in the batch that read what the agent had.
                    return self.reaches_agent(handset, order);
                }
                let promise = "an order is stored before it is given";
                return self.model.cases.expect(promise, false, text);
            };
            self.model
                .cases
                .count("an order is stored before it is given");
            let Ok(Some(record)) = store.message(id) else {
                return Ok(());
            };
            let by_ip = record
                .name
                .zip(record.text.as_ref())
                .is_some_and(|(name, text)| self.is_read_by_ip(&name, text));
            let card = self.card_number(iccid.expose());
            let marked = record.name.and_then(|name| {
                let body = record.text.as_ref().map_or("", |text| text.expose());
                mark::mark(body, name.lane_seq.get(), &TableSet::default())
            });
            let ordered = Ordered {
                handset,
                attempt: *attempt,
                record: &record,
                parts: parts.len(),
                // Where a mark would add a part, none is owed.
                is_plain: marked.as_ref().is_some_and(|marked| *marked != text),
                is_marked: marked.as_ref() == Some(&text),
                card,
                stored_by_ip: by_ip,
            };
            self.model.ordered(&ordered)?;
        }
        self.reaches_agent(handset, order)
    }

    fn reaches_agent(&mut self, handset: HandsetNo, order: Order) -> Result<(), Broken> {
        let Some(phone) = &self.handsets[handset].phone else {
            return Ok(());
        };
        if !phone.agent_alive {
            self.coverage.count(Group::Fault, "order without an agent");
            return Ok(());
        }
        let life = phone.agent_life;
        let order = Box::new(order);
        self.at(
            self.now + SOCKET_MS,
            Transition::Order {
                handset,
                life,
                order,
            },
        );
        Ok(())
    }

    /// The agent has the order in its hands.
    pub(super) fn agent_takes(&mut self, handset: HandsetNo, life: u64, order: &Order) {
        let dies = !self.calm && self.rng.one_in(self.faults.agent_dies_at_order_one_in);
        let when = if dies { self.rng.range(0, 2) } else { 3 };
        let Some(phone) = &mut self.handsets[handset].phone else {
            return;
        };
        if phone.agent_life != life {
            self.coverage.count(Group::Fault, "order lost");
            return;
        }
        // It may die before it has written anything down, before it has called
        // SmsManager, or after.
        if when > 0 {
            let call = phone.agent.order(order);
            if let Order::SendSms { attempt, .. } = order {
                self.model.journalled(*attempt);
            }
            if when > 1
                && let Some(call) = call
            {
                self.call(handset, &call);
            }
        }
        if dies {
            self.coverage.count(Group::Fault, "agent dies at an order");
            self.agent_dies(handset);
        } else {
            self.agent_tells(handset);
        }
    }

    /// SmsManager is called.
    fn call(&mut self, handset: HandsetNo, call: &Call) {
        let (now, faults) = (self.now, self.sms_faults());
        let Some(phone) = &mut self.handsets[handset].phone else {
            return;
        };
        let boot = phone.boot;
        let ends = phone.framework.send(now, call, &faults, &mut self.rng);
        self.tell_attempt(handset, call.attempt, |attempt| {
            format!("calls SmsManager for {attempt} = {:?}", call.parts.concat())
        });
        self.model.called((handset, boot), call, now);
        for Later { at_ms, what } in ends {
            if let Some(name) = what.fault {
                self.coverage.count(Group::Fault, name);
            }
            self.sms_under_way += 1;
            self.at(
                at_ms,
                Transition::PartEnded {
                    handset,
                    boot,
                    ended: what,
                },
            );
        }
    }

    /// The radio is done with a part.
    pub(super) fn part_ended(&mut self, handset: HandsetNo, boot: u64, ended: Ended) {
        self.sms_under_way -= 1;
        let same_boot = match &mut self.handsets[handset].phone {
            Some(phone) if phone.boot == boot => {
                phone.framework.ended(&ended);
                true
            }
            _ => false,
        };
        // A phone that went down in between may have sent it, and tells nobody.
        let left = same_boot || self.rng.percent(50);
        let (attempt, no) = ended.sent_as;
        self.tell_attempt(handset, attempt, |attempt| {
            let leaves = match left && ended.left.is_some() {
                true => "leaves",
                false => "does not leave",
            };
            let told = match ended.result.filter(|_| same_boot) {
                Some((state, code)) => format!("the agent is told: {}", story::result(state, code)),
                None => "the agent is told nothing".to_owned(),
            };
            format!("{} of {attempt} {leaves}; {told}", story::nth(no))
        });
        if let Some(part) = ended.left.filter(|_| left) {
            let faults = self.sms_faults();
            let scts_s = (WALL_START_MS + self.now) / 1000;
            let follows = centre::take(self.now, scts_s, &part, &faults, &mut self.rng);
            self.model.left(&part, &follows);
            if follows.is_empty() {
                self.model.word_is_gone(part.to, &part.text);
            }
            for name in centre::faults_of(&part, &follows) {
                self.coverage.count(Group::Fault, name);
            }
            self.summary.sms_parts += 1;
            self.last_part_ms = self.now;
            self.follow_centre(follows);
        }
        if same_boot && let Some((state, code)) = ended.result {
            if let Some(phone) = &mut self.handsets[handset].phone {
                phone.agent.result(attempt, no, state, code);
            }
            self.model.resulted(attempt, state);
            self.agent_tells(handset);
        }
    }

    fn follow_centre(&mut self, follows: impl IntoIterator<Item = Later<FromCentre>>) {
        for Later { at_ms, what } in follows {
            if self.is_owed(&what) {
                self.sms_under_way += 1;
            }
            self.at(at_ms, Transition::Centre(Box::new(what)));
        }
    }

    /// The world is not at rest before this has come to an end: what is offered to
    /// a card that there is.
    fn is_owed(&self, what: &FromCentre) -> bool {
        match what {
            FromCentre::Offered(arrival) => self.is_a_card(arrival.part.to),
            FromCentre::Reported { .. } => true,
        }
    }

    fn is_a_card(&self, number: E164) -> bool {
        let mut cards = self.handsets.iter().flat_map(|h| &h.phone);
        cards.any(|phone| {
            let mut cards = phone.framework.cards.iter();
            cards.any(|card| card.number == number)
        })
    }

    /// The number on a card, wherever it is.
    fn card_number(&self, iccid: &str) -> Option<E164> {
        let mut cards = self
            .handsets
            .iter()
            .flat_map(|h| &h.phone)
            .flat_map(|phone| &phone.framework.cards);
        cards
            .find(|card| card.iccid == iccid)
            .map(|card| card.number)
    }

    /// The centre does something.
    pub(super) fn centre(&mut self, what: FromCentre) {
        if self.is_owed(&what) {
            self.sms_under_way -= 1;
        }
        match what {
            FromCentre::Offered(arrival) => self.offered(arrival),
            FromCentre::Reported { part, delivered } => {
                let (attempt, no) = part.sent_as;
                let Some(sender) = self.model.sender_of(attempt) else {
                    return;
                };
                let state = if delivered {
                    twine_engine::parts::PartState::Delivered
                } else {
                    twine_engine::parts::PartState::Undeliverable
                };
                let h = &mut self.handsets[sender];
                if h.gone {
                    return;
                }
                if let Some(phone) = &mut h.phone {
                    phone.agent.result(attempt, no, state, None);
                }
                self.model.resulted(attempt, state);
                self.agent_tells(sender);
            }
        }
    }

    fn offered(&mut self, arrival: Arrival) {
        let (number, attempt) = (arrival.part.to, arrival.part.sent_as.0);
        let has = |h: &crate::handset::Handset| {
            !h.gone && h.phone.as_ref().is_some_and(|phone| phone.has(number))
        };
        let at = self.handsets.iter().position(has);
        let (from, text) = (arrival.part.from, arrival.part.text.clone());
        let offer = match at.and_then(|at| self.handsets[at].phone.as_mut()) {
            None => Offer::NotThere,
            Some(phone) => phone.framework.offered(&arrival),
        };
        let taken = offer != Offer::NotThere;
        let faults = self.sms_faults();
        let follows = centre::answered(self.now, arrival, taken, &faults, &mut self.rng);
        if follows.is_none() {
            self.coverage.count(Group::Fault, "report missing");
        }
        if offer == Offer::Repeat {
            self.model.word_is_gone(number, &text);
            self.coverage.count(Group::Fault, "repeat dropped");
        }
        self.follow_centre(follows);
        let (Some(at), Offer::Taken(whole)) = (at, offer) else {
            return;
        };
        self.model.part_came(at, attempt);
        let Some(whole) = whole else { return };
        self.model
            .word_came((from, number), &whole.text, whole.scts_ms);
        self.tell(|| format!("h{at} spools SMS from {} {:?}", whole.from, whole.text));
        self.model.spooled(at, attempt);
        let home = self.home_of(&whole);
        self.model.is_owed(&whole, owner(&whole, home));
        let dies = !self.calm && self.rng.one_in(self.faults.agent_dies_at_receipt_one_in);
        if let Some(phone) = &mut self.handsets[at].phone {
            if dies {
                // The broadcast was not finished: it comes once more.
                phone.agent.received(whole.clone(), home);
            }
            phone.agent.received(whole.clone(), home);
        }
        self.echo(at, &whole);
        if dies {
            self.coverage.count(Group::Fault, "agent dies at a receipt");
            self.agent_dies(at);
        } else {
            self.agent_tells(at);
        }
    }

    /// The country of the card it came by, if the phone knows it.
    fn home_of(&mut self, whole: &Whole) -> Option<Country> {
        let home = Country::of(whole.to);
        if whole.from.starts_with('+') {
            return Some(home);
        }
        if !self.calm && self.rng.one_in(self.faults.home_unknown_one_in) {
            self.coverage.count(Group::Fault, "home of a card unknown");
            return None;
        }
        self.coverage.count(Group::Fault, "sender in national form");
        Some(home)
    }

    /// Others say the same, to this number or, the same sender, to the phone's other one:
    /// each stays a message of its own (DELIVERY 27).
    fn echo(&mut self, at: HandsetNo, whole: &Whole) {
        if self.calm || talk_of(whole) || !self.rng.one_in(self.faults.echo_one_in) {
            return;
        }
        self.coverage.count(Group::Fault, "echo");
        let mut echoes: Vec<Whole> = (1..=2)
            .map(|no| Whole {
                from: "BANK".to_owned(),
                scts_ms: whole.scts_ms + no * 1_000,
                ..whole.clone()
            })
            .collect();
        let Some(phone) = &mut self.handsets[at].phone else {
            return;
        };
        let cards = &phone.framework.cards;
        let other = cards
            .iter()
            .find(|card| card.present && card.number != whole.to);
        echoes.extend(other.map(|card| Whole {
            iccid: card.iccid.clone(),
            to: card.number,
            ..whole.clone()
        }));
        for echo in echoes {
            let home = Some(Country::of(echo.to));
            self.model.echoed(&echo, owner(&echo, home));
            phone.agent.received(echo, home);
        }
    }

    // -- the agent ----------------------------------------------------------------

    /// The agent tells the daemon what it does not know.
    pub(super) fn agent_tells(&mut self, handset: HandsetNo) {
        let h = &mut self.handsets[handset];
        if h.engine.is_none() {
            return;
        }
        let Some(phone) = &mut h.phone else { return };
        if !phone.agent_alive {
            return;
        }
        for event in phone.agent.tell() {
            self.agent_says(handset, Input::Telephony(event));
        }
    }

    /// Behind what the agent said before: its socket keeps the order.
    pub(super) fn agent_says(&mut self, handset: HandsetNo, input: Input) {
        let run = self.handsets[handset].run;
        self.at(
            self.now + SOCKET_MS,
            Transition::Input {
                handset,
                run,
                input,
            },
        );
    }

    pub(super) fn agent_dies(&mut self, handset: HandsetNo) {
        let Some(phone) = &mut self.handsets[handset].phone else {
            return;
        };
        if !phone.agent_alive {
            return;
        }
        phone.agent_dies();
        self.broke("agent death", || format!("h{handset} agent dies"));
        self.agent_says(handset, Input::Telephony(TelephonyEvent::AgentGone));
        let most = if self.calm { 1_000 } else { 30_000 };
        let at = self.now + self.rng.range(SOCKET_MS + 1, most);
        self.at(at, Transition::AgentStart { handset });
    }

    /// The agent starts, and connects to the daemon if that runs.
    pub(super) fn agent_starts(&mut self, handset: HandsetNo) {
        let h = &mut self.handsets[handset];
        let Some(phone) = &mut h.phone else { return };
        if phone.agent_alive || h.gone {
            return;
        }
        phone.agent_alive = true;
        self.tell(|| format!("h{handset} agent starts"));
        self.agent_connects(handset);
    }

    fn agent_connects(&mut self, handset: HandsetNo) {
        let h = &mut self.handsets[handset];
        if h.engine.is_none() {
            return;
        }
        let state = h.links_report();
        if let Some(phone) = &mut h.phone {
            phone.agent.connect();
        }
        self.agent_says(handset, state);
        self.agent_tells(handset);
    }
}

/// What is said several times has no echo: nobody could tell the two apart.
fn talk_of(whole: &Whole) -> bool {
    WORDS.contains(&whole.text.trim_end_matches([' ', '\u{a0}']))
}

/// Whose conversation it belongs to: the number that its card's home plan makes of its
/// sender, or what came.
fn owner(whole: &Whole, home: Option<Country>) -> Option<Peer> {
    let number: Option<E164> = plan::resolve(&whole.from, home).parse().ok();
    number.map(Peer::from).or_else(|| whole.from.parse().ok())
}
