//! A simulated handset: the real engine, a simulated store, links, and an app
//! that does what an app may do: send, repeat, cancel, retry, read, die.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use twine_engine::link::{Binding, Link as EngineLink, LinkId, LinkKind, Sim, Vpn};
use twine_engine::message::{Channel, MessageId, MessageRecord, Shown, WaitsFor};
use twine_engine::store_ops::{Batch, ClientName, EventCursor, StoreOps, Token};
use twine_engine::time::{BootId, Instant, Now, WallTime};
use twine_engine::{Command, Config, Engine, Input, ReplyTo, TelephonyEvent};
use twine_proto::{E164, Peer, Redacted};
use twine_sms::TableSet;

use crate::faults::Faults;
use crate::link::Link;
use crate::net::HandsetNo;
use crate::rng::Rng;
use crate::sms::framework::Framework;
use crate::sms::phone::{Phone, card, sim};
use crate::sms::plan::{ABROAD, Country, HERE};
use crate::store::MemoryStore;

/// 2026-01-01, so that epochs have a floor.
pub const WALL_START_MS: u64 = 1_767_225_600_000;

/// Place of the Wi-Fi among the links of a handset.
pub const WIFI: usize = 0;
/// Place of the first SIM's data.
pub const SIM1: usize = 1;
/// Place of the second SIM's data, if there is one.
pub const SIM2: usize = 2;

/// One handset.
#[derive(Debug)]
pub struct Handset {
    /// Its number.
    pub number: E164,
    /// Which key it shows to the gateway: its own, or that of the phone whose twin
    /// it is.
    pub device: usize,
    /// It was copied from this one, and both live.
    pub twin_of: Option<HandsetNo>,
    /// The number of its second card.
    pub second: Option<E164>,
    /// That one is on IP as well.
    pub second_on_ip: bool,
    /// Its telephony, in worlds with SMS.
    pub phone: Option<Phone>,
    /// The flash: survives everything.
    pub store: MemoryStore,
    /// The daemon, while it runs.
    pub engine: Option<Engine>,
    /// Which run of the daemon this is.
    pub run: u64,
    /// The batch handed to the store and not answered.
    pub storing: Option<Batch>,
    /// Links, in the order of their index.
    pub links: Vec<Link>,
    /// The process is paused: input waits.
    pub paused: bool,
    /// Input that waits.
    pub waiting: VecDeque<Input>,
    /// The app.
    pub app: App,
    /// When the present timer fires; older timers are ignored.
    pub timer: Option<u64>,
    /// Its wall clock is so far off; decides nothing (DELIVERY 24).
    pub clock_off_ms: i64,
    /// Another phone has its number now.
    pub retired: bool,
    /// It is lost, with all it holds: it never starts again.
    pub gone: bool,
    /// Its agent tells of its cards' data, and moves them for the engine.
    pub data_policy: bool,
    /// It was put back to an old copy: some messages may never come to an end.
    pub put_back: bool,
    /// Store and cursor of the app as they were some time ago.
    pub copy: Option<(MemoryStore, EventCursor)>,
    /// How many copies were taken.
    pub copies: usize,
    boot: BootId,
    boot_at: u64,
    /// When the daemon's beginning in this boot was stored.
    pub began_ms: Option<u64>,
}

/// The messaging app.
#[derive(Debug, Default)]
pub struct App {
    /// It runs.
    pub alive: bool,
    /// Requests without reply: request → what was asked.
    pub open: BTreeMap<u64, Asked>,
    /// Sends whose result is unknown, to be repeated with the same token.
    pub unknown: Vec<Outgoing>,
    /// How it last saw each message.
    pub seen: BTreeMap<MessageId, Shown>,
    /// All events up to here are handled, durably.
    pub cursor: EventCursor,
    /// Whether the daemon knows this client.
    pub subscribed: bool,
    /// It will read events soon.
    pub reads_soon: bool,
    last_request: u64,
    /// Numbers this app's messages.
    pub sent: u64,
}

/// A request of the app.
#[derive(Debug, Clone)]
pub enum Asked {
    /// Send this.
    Send(Outgoing),
    /// Send this, though the app was told that it is stored: it forgot.
    Repeat(Outgoing),
    /// Take this back.
    Cancel(MessageId),
    /// Send this again.
    Retry(MessageId),
    /// What waits for the user goes by this channel.
    Decide(MessageId, Channel),
    /// This was read, and with it these texts, which the app shows above it.
    Read(MessageId, Vec<String>),
    /// Are these reachable by IP? The first is bound to a phone, the others are
    /// not.
    Lookup(Vec<E164>),
    /// Anything without consequence here.
    Other,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(outgoing) => write!(f, "sends {}", outgoing.text),
            Self::Repeat(outgoing) => write!(f, "sends {} once more", outgoing.text),
            Self::Cancel(MessageId(id)) => write!(f, "takes back message {id}"),
            Self::Retry(MessageId(id)) => write!(f, "tries message {id} again"),
            Self::Decide(MessageId(id), Channel::Sms) => write!(f, "decides: message {id} by SMS"),
            Self::Decide(MessageId(id), Channel::Ip) => write!(f, "decides: message {id} by IP"),
            Self::Read(MessageId(id), above) => {
                write!(f, "has read message {id} and {} above it", above.len())
            }
            Self::Lookup(numbers) => write!(f, "asks who of {} is on IP", numbers.len()),
            Self::Other => write!(f, "asks something else"),
        }
    }
}

/// A message the app wants to send.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Whose; `None`: the phone's only number.
    pub from: Option<E164>,
    /// To whom, as the user dials it.
    pub to: Peer,
    /// Unique in the world but for what is said several times.
    pub text: String,
    /// Unique in the world.
    pub token: String,
    /// Give up after.
    pub valid_for_s: Option<u64>,
    /// The user's wish.
    pub by: Option<Channel>,
}

impl Outgoing {
    /// The request: the same each time, so that a repetition is one.
    pub fn command(&self) -> Command {
        Command::Send {
            client: client(),
            token: Token(self.token.clone().into_bytes()),
            from: self.from,
            to: self.to,
            text: Redacted::new(self.text.clone()),
            valid_for: self.valid_for_s.map(std::time::Duration::from_secs),
            by: self.by,
        }
    }
}

/// The card of a number.
pub fn iccid_of(number: E164) -> Redacted<String> {
    Redacted::new(card(number, 0).iccid)
}

/// The number of the second card of a phone. Abroad it is written as the first number of
/// a phone here.
pub fn second_number_of(index: usize, country: Country) -> E164 {
    let first = if country == ABROAD {
        700_000_000
    } else {
        710_000_000
    };
    match country.number(first + index as u64) {
        Some(number) => number,
        None => unreachable!("twelve digits"),
    }
}

/// The app's durable name.
pub fn client() -> ClientName {
    ClientName("org.example.messages".into())
}

impl Handset {
    /// A handset with empty flash, switched on at `now`.
    pub fn new(number: E164, device: usize, links: Vec<Link>, now: u64) -> Self {
        Self {
            number,
            device,
            twin_of: None,
            second: None,
            second_on_ip: false,
            phone: None,
            store: MemoryStore::new(),
            engine: None,
            run: 0,
            storing: None,
            links,
            paused: false,
            waiting: VecDeque::new(),
            app: App {
                alive: true,
                ..App::default()
            },
            timer: None,
            clock_off_ms: 0,
            retired: false,
            gone: false,
            data_policy: false,
            put_back: false,
            copy: None,
            copies: 0,
            boot: BootId(number.get()),
            boot_at: now,
            began_ms: None,
        }
    }

    /// A second phone with all that is on the flash of this one, and none of its
    /// cards, switched on at `now`.
    pub fn twin(&self, now: u64) -> Self {
        let mut twin = Self {
            store: self.store.clone(),
            boot: self.boot,
            clock_off_ms: self.clock_off_ms,
            data_policy: self.data_policy,
            phone: self.phone.clone(),
            second: self.second.filter(|_| self.second_on_ip),
            second_on_ip: self.second_on_ip,
            ..Self::new(self.number, self.device, self.links.clone(), now)
        };
        twin.app.cursor = self.app.cursor;
        if let Some(phone) = &mut twin.phone {
            let reference = phone.framework.next_phones_reference();
            phone.framework = Framework::new(Vec::new(), reference);
        }
        twin.reboot(now);
        twin
    }

    /// World time as this handset sees it.
    pub fn now(&self, world_ms: u64) -> Now {
        Now {
            // No clock starts at zero.
            instant: Instant(world_ms - self.boot_at + 1_000),
            wall: WallTime((WALL_START_MS + world_ms).saturating_add_signed(self.clock_off_ms)),
        }
    }

    /// World time of an instant of this boot.
    pub fn world_time(&self, instant: Instant) -> u64 {
        (instant.0 + self.boot_at).saturating_sub(1_000)
    }

    /// World time at which the daemon began in this boot: ages of what is from before
    /// count from then (DELIVERY 24).
    pub fn began_ms(&self) -> u64 {
        self.began_ms.unwrap_or(self.boot_at)
    }

    /// A new boot: instants start anew.
    pub fn reboot(&mut self, now: u64) {
        self.boot = BootId(self.boot.0.wrapping_add(0x9e37_79b9));
        self.boot_at = now;
        self.began_ms = None;
        if let Some(phone) = &mut self.phone {
            phone.reboot();
        }
    }

    /// Gives it one card or two, and an agent.
    pub fn insert_cards(&mut self, index: usize, faults: &Faults, rng: &mut Rng) {
        let mut cards = vec![card(self.number, faults.balance_parts)];
        if rng.one_in(faults.second_card_one_in) {
            let abroad = rng.one_in(faults.card_abroad_one_in);
            let number = second_number_of(index, if abroad { ABROAD } else { HERE });
            self.second = Some(number);
            self.second_on_ip = rng.one_in(faults.second_on_ip_one_in);
            cards.push(card(number, faults.balance_parts));
        }
        self.phone = Some(Phone::new(cards, 0));
    }

    /// Its numbers.
    pub fn numbers(&self) -> Vec<E164> {
        std::iter::once(self.number).chain(self.second).collect()
    }

    /// Those that are on IP.
    pub fn numbers_on_ip(&self) -> impl Iterator<Item = E164> {
        let second = self.second.filter(|_| self.second_on_ip);
        std::iter::once(self.number).chain(second)
    }

    /// Whether this number of its is on IP.
    pub fn is_on_ip(&self, number: E164) -> bool {
        self.numbers_on_ip().any(|own| own == number)
    }

    /// The number, or one's only one, has its card in this phone; one that has no slots
    /// has a number all the same.
    pub fn has_card_of(&self, number: Option<E164>) -> bool {
        let number = number.unwrap_or(self.number);
        self.phone.as_ref().is_none_or(|phone| {
            let mut cards = phone.framework.cards.iter();
            cards.any(|card| card.present && card.number == number)
        })
    }

    /// What keeps it from being at rest, in words.
    pub fn unrest(&self) -> Option<String> {
        let Some(engine) = &self.engine else {
            return Some("is not running".into());
        };
        let status = engine.status_brief();
        let spooled = self.phone.as_ref().map_or(0, |phone| phone.agent.spooled());
        Some(if self.storing.is_some() || !self.waiting.is_empty() {
            "has input".to_owned()
        } else if !self.app.alive || !self.app.open.is_empty() || !self.app.unknown.is_empty() {
            let open = self.app.open.values().next();
            format!("waits for an answer to {open:?}")
        } else if spooled > 0 {
            format!("has {spooled} messages in its spool")
        } else if !status.live {
            "has no session".to_owned()
        } else if status.outbox != self.for_the_user() && !self.put_back {
            let user = self.for_the_user();
            let Ok(open) = self.store.outbox(MessageId(0), usize::MAX);
            let (said, open) = (status.outbox, open.len());
            format!("has {open} open messages, {user} for its user, and says {said}")
        } else {
            return None;
        })
    }

    /// How many open messages wait for the user: they are at rest.
    pub fn for_the_user(&self) -> u64 {
        let Ok(open) = self.store.outbox(MessageId(0), usize::MAX);
        let waits = |record: &&MessageRecord| record.waits_for == Some(WaitsFor::User);
        open.iter().filter(waits).count() as u64
    }

    /// Somebody is there who tells of links and cards.
    pub fn has_agent(&self) -> bool {
        self.phone.as_ref().is_none_or(|phone| phone.agent_alive)
    }

    /// Starts the daemon from what the flash holds.
    pub fn start(&mut self, world_ms: u64, seed: u64, config: Config) {
        let Ok(snapshot) = self.store.snapshot();
        let now = self.now(world_ms);
        self.run += 1;
        self.engine = Some(Engine::new(config, seed, self.boot, now, snapshot));
        self.timer = None;
        self.waiting.clear();
        if self.has_agent() {
            let links = self.links_report();
            self.waiting.push_back(links);
        }
        if let Some(phone) = &mut self.phone
            && phone.agent_alive
        {
            phone.agent.connect();
        }
        let has_cards = self.phone.is_some();
        let numbers: Vec<E164> = self.numbers_on_ip().collect();
        for number in numbers {
            let iccid = has_cards.then(|| iccid_of(number));
            self.ask(Asked::Other, Command::Register { number, iccid });
        }
    }

    /// The process is gone; the flash stays.
    pub fn stop(&mut self) {
        self.engine = None;
        self.waiting.clear();
        self.paused = false;
        if let Some(phone) = &mut self.phone {
            phone.agent.disconnect();
        }
        // The app does not know what became of its open requests.
        for asked in std::mem::take(&mut self.app.open).into_values() {
            if let Asked::Send(outgoing) = asked {
                self.app.unknown.push(outgoing);
            }
        }
        self.app.subscribed = false;
        self.app.reads_soon = false;
    }

    /// Queues a request of the app.
    pub fn ask(&mut self, asked: Asked, command: Command) {
        self.app.last_request += 1;
        let request = self.app.last_request;
        self.app.open.insert(request, asked);
        self.waiting.push_back(Input::Command {
            to: ReplyTo { client: 1, request },
            command,
        });
    }

    /// Queues a message.
    pub fn send(&mut self, outgoing: Outgoing) {
        let command = outgoing.command();
        self.ask(Asked::Send(outgoing), command);
    }

    /// One of its cards has data: that of the phone it comes after may be moving.
    pub fn settle_data(&mut self) {
        if !self.links.iter().skip(SIM1).any(|link| link.has_data) {
            self.links[SIM1].has_data = true;
        }
    }

    fn engine_link(&self, index: usize) -> EngineLink {
        let (name, kind, metered) = match index {
            WIFI => ("wifi", LinkKind::Wifi, self.links[WIFI].metered),
            SIM1 => ("sim1", LinkKind::Cellular { sim_slot: 0 }, true),
            _ => ("sim2", LinkKind::Cellular { sim_slot: 1 }, true),
        };
        EngineLink {
            id: LinkId(name.into()),
            kind,
            up: self.links[index].is_up(),
            validated: !self.links[index].captive,
            metered,
            roaming: false,
            generation: self.links[index].radio.generation,
            network: name.into(),
            binding: Binding::default(),
            signal_dbm: (index != WIFI).then_some(self.links[index].radio.signal_dbm),
            vpn: Vpn::None,
        }
    }

    /// Whether its agent tells of its cards' data: of a phone with two cards.
    pub fn tells_of_data(&self) -> bool {
        let two = |phone: &Phone| phone.framework.cards.len() == 2;
        self.data_policy && self.links.len() > SIM2 && self.phone.as_ref().is_none_or(two)
    }

    /// What the telephony agent says of the cards.
    pub fn sims(&self) -> Vec<Sim> {
        let mut sims = match &self.phone {
            Some(phone) => phone.sims(),
            None if self.tells_of_data() => {
                let second = Redacted::new(format!("892340{:013}", self.number.get() % 10_000));
                vec![
                    sim(0, iccid_of(self.number), Some(self.number)),
                    sim(1, second, None),
                ]
            }
            None => Vec::new(),
        };
        if self.tells_of_data() {
            for sim in &mut sims {
                let link = self.links.get(SIM1 + usize::from(sim.slot));
                sim.data = link.map(|link| link.data(sim.slot));
            }
        }
        sims
    }

    /// What it says when cards change: first which are gone.
    pub fn sim_reports(&self) -> Vec<Sim> {
        let gone = self.phone.as_ref().map_or_else(Vec::new, Phone::gone_sims);
        gone.into_iter().chain(self.sims()).collect()
    }

    /// What the telephony agent says when it connects.
    pub fn links_report(&self) -> Input {
        Input::Telephony(TelephonyEvent::State {
            sims: self.sims(),
            links: (0..self.links.len()).map(|i| self.engine_link(i)).collect(),
            tables: TableSet::default(),
        })
    }

    /// A full state that was on its way: what changed of links meanwhile was told at once,
    /// and does not come back.
    pub fn with_links_of_now(&self, mut input: Input) -> Input {
        if let Input::Telephony(TelephonyEvent::State { links, .. }) = &mut input {
            *links = (0..self.links.len()).map(|i| self.engine_link(i)).collect();
        }
        input
    }

    /// What the telephony agent says of one link.
    pub fn link_report(&self, index: usize) -> Input {
        Input::Telephony(TelephonyEvent::Link(self.engine_link(index)))
    }

    /// Which of its links has this name.
    pub fn link_index(id: &LinkId) -> usize {
        match &*id.0 {
            "wifi" => WIFI,
            "sim1" => SIM1,
            _ => SIM2,
        }
    }
}
