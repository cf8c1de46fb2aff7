//! The world: virtual time, one queue of events, handsets, links, a gateway,
//! and everything that breaks them.
//!
//! Runs the real engine and the real gateway core. The same seed gives the same
//! world on every machine: there is no clock, no thread and no hash order.

mod app;
mod attendance;
mod cards;
mod data;
mod faults;
mod gateway;
mod outcome;
mod phones;
mod probe;
mod queue;
mod rest;
mod sms;
pub mod story;
mod transition;
mod turn;
mod wire;

use std::collections::BTreeSet;
use std::sync::Arc;

use twine_engine::links::Bundle;
use twine_engine::message::{MessageId, WaitsFor};
use twine_engine::store_ops::{Batch, Op, StoreOps};
use twine_engine::{Config, Input};
use twine_gateway_core as gw;

use crate::coverage::Coverage;
use crate::faults::Faults;
use crate::handset::{Handset, second_number_of};
use crate::link::{Link, Radio};
use crate::model::{Broken, Model};
use crate::net::{HandsetNo, Net};
use crate::panics;
use crate::progress::Progress;
use crate::rng::Rng;
use crate::sms::plan::HERE;
use attendance::Attendance;
use gateway::{number_of, provision};
use outcome::PANIC;
pub use outcome::{Failure, Summary};
use queue::Queue;
use story::{Line, Story};
use transition::Transition;

/// More are refused by the command line.
pub const MAX_HANDSETS: u64 = 200;
/// The same: about two years.
pub const MAX_MINUTES: u64 = 1_000_000;
/// Faults stop; how long the world may take to come to rest.
const SETTLE_MS: u64 = 30 * 60 * 1000;
/// The same, while parts of SMS still leave at their pace, or one after the other when each
/// was in doubt for its time: a burst takes hours.
const SETTLE_WITH_SMS_MS: u64 = 12 * 60 * 60 * 1000;
/// Events a world may take for one simulated second: a livelock is a finding.
const MAX_EVENTS_PER_S_AND_HANDSET: u64 = 10_000;
/// Whether the world is at rest is looked at so often.
const REST_CHECK_MS: u64 = 1_000;

/// One world.
pub struct World {
    seed: u64,
    now: u64,
    rng: Rng,
    faults: Faults,
    calm: bool,
    config: Config,
    queue: Queue,
    handsets: Vec<Handset>,
    net: Net,
    gateway: Option<gw::Core>,
    gateway_store: gw::MemoryStorage,
    backup: Option<gw::MemoryStorage>,
    gateway_tick: Option<u64>,
    /// The gateway has two addresses: the first answers from here on, the second
    /// when it was drained to it.
    first_address_from: u64,
    second_address: bool,
    /// Inputs that gather while the gateway's disk is busy.
    gathered: Vec<gw::Input>,
    model: Model,
    attendance: Attendance,
    summary: Summary,
    coverage: Coverage,
    story: Option<Story>,
    /// Numbers that apps write to, by the index of their first phone.
    numbers: usize,
    /// Choices so far, and those left out.
    choice_no: u64,
    left_out: BTreeSet<u64>,
    rest_checked_ms: u64,
    /// When the last part of an SMS left.
    last_part_ms: u64,
    /// Parts that the radio or the operator has, for cards that there are.
    sms_under_way: u64,
    /// Who wants to know how far it is, and the minutes that were told.
    watched: Option<(Arc<Progress>, u64)>,
}

impl World {
    /// A world with the mix of faults its seed draws.
    pub fn new(seed: u64, tell: bool) -> Self {
        let mut rng = Rng::new(seed);
        let faults = Faults::draw(&mut rng);
        Self::with_faults(seed, faults, tell)
    }

    /// A world with a given mix.
    pub fn with_faults(seed: u64, faults: Faults, tell: bool) -> Self {
        let mut rng = Rng::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let faults = faults.stretched();
        let mut gateway_store = gw::MemoryStorage::new();
        let numbers = usize::try_from(faults.handsets.clamp(2, MAX_HANDSETS)).unwrap_or(2);
        let mut model = Model::default();
        if faults.mailbox_entries > 0 {
            model.mailboxes_are_small();
        }
        if let Ok(bytes @ 1..) = usize::try_from(faults.content_bytes) {
            model.contents_are_short(bytes);
        }
        let mut handsets: Vec<Handset> = (0..numbers)
            .map(|index| {
                let number = number_of(index);
                let link = |rng: &mut Rng, wifi: bool| {
                    let slow = faults.slow_links > 0 && !wifi;
                    Link {
                        up: true,
                        has_data: true,
                        captive: false,
                        delay_ms: if slow {
                            rng.range(300, 900)
                        } else {
                            rng.range(5, 120)
                        },
                        bytes_per_s: if slow { 2_500 } else { 100_000 },
                        udp_blocked: rng.one_in(faults.udp_blocked_one_in),
                        lossy: all_or_one_in(rng, faults.lossy_links_one_in),
                        nat: all_or_one_in(rng, faults.nat_links_one_in),
                        metered: !wifi || rng.one_in(faults.hotspot_one_in),
                        stalled: false,
                        busy_until: [0, 0],
                        radio: Radio::LTE,
                        bundle: Bundle::Unknown,
                    }
                };
                let mut links = vec![link(&mut rng, true), link(&mut rng, false)];
                if faults.move_data_ms > 0 {
                    links.push(Link {
                        has_data: false,
                        ..link(&mut rng, false)
                    });
                }
                let mut h = Handset::new(number, index, links, 0);
                h.data_policy = faults.data_policy > 0;
                h
            })
            .collect();
        let config = if faults.sms > 0 {
            for (index, h) in handsets.iter_mut().enumerate() {
                h.insert_cards(index, &faults, &mut rng);
                model.has_card(h.number);
                if let Some(second) = h.second {
                    model.has_card(second);
                }
            }
            impatient(faults.patience_percent)
        } else {
            // Phones without SMS: what IP promises, by itself.
            for (index, h) in handsets.iter_mut().enumerate() {
                h.second_on_ip = rng.one_in(faults.second_on_ip_one_in);
                h.second = h.second_on_ip.then(|| second_number_of(index, HERE));
            }
            Config {
                sms: false,
                ..Config::default()
            }
        };
        for h in &handsets {
            for number in h.numbers_on_ip() {
                provision(&mut gateway_store, number, h.device);
                model.bound(number);
            }
        }
        Self {
            seed,
            now: 0,
            rng,
            faults,
            calm: false,
            config,
            queue: Queue::default(),
            handsets,
            net: Net::default(),
            gateway: None,
            gateway_store,
            backup: None,
            gateway_tick: None,
            first_address_from: 0,
            second_address: false,
            gathered: Vec::new(),
            model,
            attendance: Attendance::default(),
            summary: Summary::default(),
            coverage: Coverage::default(),
            story: tell.then(Story::default),
            numbers,
            choice_no: 0,
            left_out: BTreeSet::new(),
            rest_checked_ms: 0,
            last_part_ms: 0,
            sms_under_way: 0,
            watched: None,
        }
    }

    /// Counts there how many minutes it has lived.
    pub fn watched_by(&mut self, progress: &Arc<Progress>) {
        self.watched = Some((progress.clone(), 0));
    }

    /// Leaves out these choices (faults, and what users do), by their place among
    /// all that come due.
    pub fn leave_out(&mut self, choices: BTreeSet<u64>) {
        self.left_out = choices;
    }

    /// How many choices came due, those left out included.
    pub const fn choices_due(&self) -> u64 {
        self.choice_no
    }

    /// What was reached.
    pub const fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// Lets the world live for so long, then stops the faults and waits until
    /// it is at rest.
    pub fn run(&mut self, minutes: u64) -> Result<Summary, Failure> {
        // A panic is a broken promise like any other: it has a seed.
        let lived = panics::caught(|| self.live(minutes));
        let what = lived.as_ref().err().map_or("", String::as_str);
        let calm = self.model.cases.expect(PANIC, lived.is_ok(), what);
        let result = match calm {
            Ok(()) => lived.unwrap_or(Ok(self.summary)),
            Err(panic) => Err(self.failure(panic)),
        };
        self.coverage.promises(self.model.cases.take());
        result
    }

    fn live(&mut self, minutes: u64) -> Result<Summary, Failure> {
        let end = minutes * 60_000 * self.faults.stretch.max(1);
        self.at(0, Transition::GatewayStart);
        for handset in 0..self.handsets.len() {
            let at = self.rng.range(0, 500);
            self.at(at, Transition::Start { handset });
            self.pause_then(Transition::Send { handset }, self.faults.send_every_ms);
        }
        self.plan_all_faults();
        self.at(end, Transition::StopFaults);
        let budget = (end + SETTLE_MS) / 1000 * MAX_EVENTS_PER_S_AND_HANDSET * self.numbers as u64;
        while let Some((at, transition)) = self.queue.pop() {
            self.now = at;
            self.summary.events += 1;
            if let Some((progress, told)) = &mut self.watched
                && let minutes @ 1.. = at / 60_000 - *told
            {
                *told += minutes;
                progress.lived(minutes);
            }
            if self.summary.events > budget {
                break;
            }
            let settles = (self.last_part_ms + SETTLE_MS).min(end + SETTLE_WITH_SMS_MS);
            if self.now > settles.max(end + SETTLE_MS) {
                break;
            }
            self.step(transition).map_err(|what| self.failure(what))?;
            if self.calm && self.now >= self.rest_checked_ms + REST_CHECK_MS {
                self.rest_checked_ms = self.now;
                if self.at_rest() {
                    break;
                }
            }
        }
        self.summary.world_ms = self.now;
        let spins = self.summary.events > budget;
        let of = format_args!("{budget} events");
        let promise = "the world does not spin";
        let sound = self.model.cases.expect(promise, !spins, of);
        sound.map_err(|what| self.failure(what))?;
        self.finish().map_err(|what| self.failure(what))?;
        (self.summary.confirmed, self.summary.received) = self.model.totals();
        let on_ip = |number| self.handsets.iter().any(|h| h.is_on_ip(number));
        (self.summary.fell_back, self.summary.wasted) = self.model.fallbacks(on_ip);
        self.probe().map_err(|what| self.failure(what))?;
        Ok(self.summary)
    }

    /// What happened, if it was asked for.
    pub fn story(&self) -> &[Line] {
        self.story.as_ref().map_or(&[], |story| &story.lines)
    }

    /// Also what is on disk when a daemon dies, which told nobody of it.
    fn note_what_is_stored(&mut self, handset: HandsetNo, batch: &Batch) {
        let begins = |op: &Op| matches!(op, Op::RearmDeadlines { .. });
        if batch.ops.iter().any(begins) {
            let now = self.now;
            self.handsets[handset].began_ms.get_or_insert(now);
        }
        for text in batch.ops.iter().filter_map(enqueued) {
            self.model.stored(text, self.now);
        }
    }

    /// What waits for its user is in nobody's way from now on, whether its app, which
    /// may be dead, is told or not.
    fn note_who_waits(&mut self, handset: HandsetNo, batch: &Batch) {
        let store = &self.handsets[handset].store;
        for (id, _) in batch.ops.iter().filter_map(asks_the_user) {
            if let Ok(Some(record)) = store.message(id)
                && record.waits_for == Some(WaitsFor::User)
            {
                self.model.waits_for_user(&record);
            }
        }
    }

    /// Whoever is asked is asked for a reason.
    fn users_are_asked_for_a_cause(&self, handset: HandsetNo, batch: &Batch) -> Result<(), Broken> {
        let h = &self.handsets[handset];
        for (id, because) in batch.ops.iter().filter_map(asks_the_user) {
            if let Ok(Some(record)) = h.store.message(id) {
                let whose = (h.number, h.is_on_ip(record.own));
                let now = (&self.config, self.now);
                self.model.asks_its_user(whose, &record, because, now)?;
            }
        }
        Ok(())
    }

    fn failure(&self, what: Broken) -> Failure {
        Failure {
            seed: self.seed,
            at_ms: self.now,
            what,
        }
    }

    fn at(&mut self, at: u64, transition: Transition) {
        self.queue.push(at, transition);
    }

    /// Some time around the mean from now; never for a mean of 0.
    fn pause_then(&mut self, transition: Transition, mean_ms: u64) {
        if mean_ms > 0 {
            let at = self.now + self.rng.range(mean_ms / 4, mean_ms * 7 / 4);
            self.at(at, transition);
        }
    }

    /// How long something lasts: longer in a slow world.
    fn lasts(&mut self, low_ms: u64, high_ms: u64) -> u64 {
        self.rng.range(low_ms, high_ms * self.faults.stretch.max(1))
    }

    // -- one step ---------------------------------------------------------------

    fn step(&mut self, transition: Transition) -> Result<(), Broken> {
        if transition.is_choice() && self.is_left_out() {
            self.plan_next(&transition);
            return Ok(());
        }
        match transition {
            Transition::Timer { handset, run, at } => {
                let h = &mut self.handsets[handset];
                if h.run == run && h.timer == Some(at) {
                    h.timer = None;
                    return self.input(handset, Input::Timeout);
                }
                Ok(())
            }
            Transition::Stored { handset, run } => {
                let h = &mut self.handsets[handset];
                if h.run != run {
                    return Ok(());
                }
                let Some(batch) = h.storing.take() else {
                    return Ok(());
                };
                let Ok(stored) = h.store.apply(&batch);
                self.note_who_waits(handset, &batch);
                self.users_are_asked_for_a_cause(handset, &batch)?;
                self.note_what_is_stored(handset, &batch);
                for op in &batch.ops {
                    self.coverage.op(op);
                }
                for outcome in &stored.outcomes {
                    self.coverage.outcome(outcome);
                }
                self.input(handset, Input::Stored(stored))
            }
            Transition::Input {
                handset,
                run,
                input,
            } => {
                let h = &self.handsets[handset];
                if h.run != run {
                    return Ok(());
                }
                self.input(handset, h.with_links_of_now(input))
            }
            Transition::Connected { conn } => self.connected(conn),
            Transition::Packet {
                conn,
                way,
                no,
                packet,
            } => self.arrived(conn, way, no, packet),
            Transition::GatewayLost { conn } => {
                if let Some(c) = self.net.get(conn)
                    && std::mem::take(&mut c.gateway_open)
                {
                    let conn = gw::ConnId(conn);
                    return self.gateway(gw::Input::Disconnected { conn });
                }
                Ok(())
            }
            Transition::HandsetEnd { conn } => {
                if let Some(c) = self.net.get(conn) {
                    c.handset_open = false;
                }
                Ok(())
            }
            Transition::GatewayTick => {
                if self.gateway_tick.is_some_and(|at| at <= self.now) {
                    self.gateway_tick = None;
                    return self.gateway(gw::Input::Tick);
                }
                Ok(())
            }
            Transition::GatewayTurn => self.gateway_turn(),
            Transition::GatewayStart if self.gateway.is_some() => Ok(()),
            Transition::GatewayStart => {
                self.gateway = Some(gw::Core::new(self.gateway_config()));
                self.tell(|| "gateway starts".into());
                self.gateway(gw::Input::Tick)
            }
            Transition::Start { handset } => {
                if self.handsets[handset].engine.is_some() || self.handsets[handset].gone {
                    return Ok(());
                }
                let (now, seed, config) = (self.now, self.rng.next(), self.config.clone());
                self.summary.runs += 1;
                self.tell(|| format!("h{handset} daemon starts"));
                self.handsets[handset].start(now, seed, config);
                self.app_connects(handset);
                self.read_events(handset)?;
                self.agent_tells(handset);
                self.turn(handset)
            }
            Transition::Order {
                handset,
                life,
                order,
            } => {
                self.agent_takes(handset, life, &order);
                Ok(())
            }
            Transition::PartEnded {
                handset,
                boot,
                ended,
            } => {
                self.part_ended(handset, boot, ended);
                Ok(())
            }
            Transition::Centre(what) => {
                self.centre(*what);
                Ok(())
            }
            Transition::AgentStart { handset } => {
                self.agent_starts(handset);
                Ok(())
            }
            Transition::Send { handset } => self.app_sends(handset),
            Transition::Say {
                handset,
                between,
                word,
            } => self.app_says(handset, between, word),
            Transition::Resume { handset } => {
                self.tell(|| format!("h{handset} wakes"));
                self.handsets[handset].paused = false;
                // A timer that passed meanwhile fires after what is readable.
                self.handsets[handset].waiting.push_back(Input::Timeout);
                self.turn(handset)
            }
            Transition::AppStart { handset } => {
                self.handsets[handset].app.alive = true;
                self.app_connects(handset);
                self.read_events(handset)?;
                self.turn(handset)
            }
            Transition::AppReads { handset } => {
                self.handsets[handset].app.reads_soon = false;
                self.read_events(handset)
            }
            Transition::Ask { handset, asked } => self.app_asks(handset, asked),
            Transition::Fault(fault) => self.fault(fault),
            Transition::StallEnd { handset, link } => {
                self.stall_ends(handset, link);
                Ok(())
            }
            Transition::CaptiveEnd { handset } => self.set_captive(handset, false),
            Transition::FlightEnd { handset } => self.set_all_links(handset, true),
            Transition::DataMoved { handset, link } => self.set_data(handset, link, true),
            Transition::DataAsked {
                handset,
                link,
                from,
            } => self.data_asked(handset, link, from),
            Transition::DrainEnd => {
                self.end_drain();
                Ok(())
            }
            Transition::PowerLoss { handset } => {
                self.power_fails(handset);
                Ok(())
            }
            Transition::PutBack { handset } => {
                self.put_back(handset);
                Ok(())
            }
            Transition::TwinEnd { twin } => self.twin_ends(twin),
            Transition::StopFaults => self.stop_faults(),
        }
    }

    /// Numbers the choice that is due.
    fn is_left_out(&mut self) -> bool {
        if self.calm {
            return false;
        }
        let no = self.choice_no;
        self.choice_no += 1;
        self.left_out.contains(&no)
    }

    /// The next of a kind that comes again and again.
    fn plan_next(&mut self, transition: &Transition) {
        match transition {
            Transition::Fault(fault) => self.plan(*fault),
            Transition::Send { handset } => {
                let handset = *handset;
                self.pause_then(Transition::Send { handset }, self.faults.send_every_ms);
            }
            _ => {}
        }
    }
}

/// What holds for one in so many; 0: for all.
const fn all_or_one_in(rng: &mut Rng, n: u64) -> bool {
    n == 0 || rng.one_in(n)
}

const fn asks_the_user(op: &Op) -> Option<(MessageId, &'static [&'static str])> {
    match op {
        Op::Wait {
            id,
            waits: Some(WaitsFor::User),
            because,
            ..
        } => Some((*id, because)),
        _ => None,
    }
}

/// With the patience of the default, in percent.
fn impatient(percent: u64) -> Config {
    let base = Config::default();
    let percent = if percent == 0 { 100 } else { percent.min(100) };
    let percent = u32::try_from(percent).unwrap_or(100);
    let part = |patience: std::time::Duration| patience * percent / 100;
    Config {
        no_link_patience: part(base.no_link_patience),
        accept_patience: part(base.accept_patience),
        delivery_patience: part(base.delivery_patience),
        ..base
    }
}

/// The text of a message that is new.
fn enqueued(op: &Op) -> Option<&str> {
    match op {
        Op::Enqueue(outgoing) => Some(outgoing.text.expose()),
        _ => None,
    }
}
