//! The world: virtual time, one queue of events, handsets, links, a gateway,
//! and everything that breaks them.
//!
//! Runs the real engine and the real gateway core. The same seed gives the same
//! world on every machine: there is no clock, no thread and no hash order.

mod app;
mod faults;
mod gateway;
mod phones;
pub mod story;
mod turn;
mod wire;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use twine_engine::store_ops::StoreOps;
use twine_engine::{Config, Input};
use twine_gateway_core as gw;

use crate::coverage::Coverage;
use crate::faults::Faults;
use crate::handset::{Asked, Handset};
use crate::model::{Broken, Model};
use crate::net::{HandsetNo, Link, Net, Packet, Way};
use crate::rng::Rng;
use gateway::{number_of, provision};
use story::Line;

/// More are refused by the command line.
pub const MAX_HANDSETS: u64 = 200;
/// Faults stop; how long the world may take to come to rest.
const SETTLE_MS: u64 = 30 * 60 * 1000;
/// Events a world may take for one simulated second: a livelock is a finding.
const MAX_EVENTS_PER_S_AND_HANDSET: u64 = 10_000;
/// Whether the world is at rest is looked at so often.
const REST_CHECK_MS: u64 = 1_000;

/// Why a world failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Which seed.
    pub seed: u64,
    /// When, world milliseconds.
    pub at_ms: u64,
    /// What.
    pub what: Broken,
}

/// What a world did.
#[derive(Debug, Clone, Copy, Default)]
pub struct Summary {
    /// Messages confirmed to apps.
    pub confirmed: u64,
    /// Messages that reached apps.
    pub received: u64,
    /// Runs of daemons.
    pub runs: u64,
    /// Connections asked for.
    pub connections: u64,
    /// Events handled.
    pub events: u64,
    /// World milliseconds until it was at rest.
    pub world_ms: u64,
}

impl Summary {
    /// Adds another world's.
    pub fn add(&mut self, other: &Self) {
        self.confirmed += other.confirmed;
        self.received += other.received;
        self.runs += other.runs;
        self.connections += other.connections;
        self.events += other.events;
        self.world_ms += other.world_ms;
    }
}

#[derive(Debug)]
enum Event {
    Timer {
        handset: HandsetNo,
        run: u64,
        at: u64,
    },
    Stored {
        handset: HandsetNo,
        run: u64,
    },
    Input {
        handset: HandsetNo,
        run: u64,
        input: Input,
    },
    Connected {
        conn: u64,
    },
    Packet {
        conn: u64,
        way: Way,
        no: u64,
        packet: Packet,
    },
    GatewayLost {
        conn: u64,
    },
    HandsetEnd {
        conn: u64,
    },
    GatewayTick,
    /// The gateway's disk is ready for the inputs that gathered.
    GatewayTurn,
    GatewayStart,
    Start {
        handset: HandsetNo,
    },
    Send {
        handset: HandsetNo,
    },
    Resume {
        handset: HandsetNo,
    },
    AppStart {
        handset: HandsetNo,
    },
    Ask {
        handset: HandsetNo,
        asked: Asked,
    },
    Fault(Fault),
    /// A captive portal lets the handset through.
    CaptiveEnd {
        handset: HandsetNo,
    },
    /// All links are back.
    FlightEnd {
        handset: HandsetNo,
    },
    /// The gateway stops, as it had announced.
    DrainEnd,
    /// The phone's copy of some time ago is put back.
    PutBack {
        handset: HandsetNo,
    },
    StopFaults,
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    LinkFlap { handset: HandsetNo, link: usize },
    Reset,
    Kill { handset: HandsetNo },
    GatewayKill,
    GatewayBackup,
    Suspend { handset: HandsetNo },
    AppDeath { handset: HandsetNo },
    Drain,
    Captive { handset: HandsetNo },
    Flight { handset: HandsetNo },
    ClockJump { handset: HandsetNo },
    Replace { handset: HandsetNo },
    Copy { handset: HandsetNo },
    Clumsy { handset: HandsetNo },
}

struct Queued {
    at: u64,
    no: u64,
    event: Event,
}

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.no) == (other.at, other.no)
    }
}
impl Eq for Queued {}
impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Queued {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.no).cmp(&(other.at, other.no))
    }
}

/// One world.
pub struct World {
    seed: u64,
    now: u64,
    rng: Rng,
    faults: Faults,
    calm: bool,
    config: Config,
    queue: BinaryHeap<Reverse<Queued>>,
    queued_no: u64,
    handsets: Vec<Handset>,
    net: Net,
    gateway: Option<gw::Core>,
    gateway_store: gw::MemoryStorage,
    backup: Option<gw::MemoryStorage>,
    gateway_tick: Option<u64>,
    /// Inputs that gather while the gateway's disk is busy.
    gathered: Vec<gw::Input>,
    model: Model,
    summary: Summary,
    coverage: Coverage,
    story: Option<Vec<Line>>,
    /// Numbers that apps write to, by the index of their first phone.
    numbers: usize,
    /// Faults so far, and those left out.
    fault_no: u64,
    left_out: BTreeSet<u64>,
    rest_checked_ms: u64,
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
        let mut gateway_store = gw::MemoryStorage::new();
        let numbers = usize::try_from(faults.handsets.clamp(2, MAX_HANDSETS)).unwrap_or(2);
        let mut model = Model::default();
        if faults.mail_ttl_s > 0 {
            model.mail_expires();
        }
        let handsets: Vec<Handset> = (0..numbers)
            .map(|index| {
                let number = number_of(index);
                provision(&mut gateway_store, number, index);
                let link = |rng: &mut Rng, wifi: bool| {
                    let slow = faults.slow_links > 0 && !wifi;
                    Link {
                        up: true,
                        captive: false,
                        delay_ms: if slow {
                            rng.range(300, 900)
                        } else {
                            rng.range(5, 120)
                        },
                        bytes_per_s: if slow { 2_500 } else { 100_000 },
                        udp_blocked: rng.one_in(faults.udp_blocked_one_in),
                    }
                };
                let links = vec![link(&mut rng, true), link(&mut rng, false)];
                Handset::new(number, links, 0)
            })
            .collect();
        Self {
            seed,
            now: 0,
            rng,
            faults,
            calm: false,
            config: Config::default(),
            queue: BinaryHeap::new(),
            queued_no: 0,
            handsets,
            net: Net::default(),
            gateway: None,
            gateway_store,
            backup: None,
            gateway_tick: None,
            gathered: Vec::new(),
            model,
            summary: Summary::default(),
            coverage: Coverage::default(),
            story: tell.then(Vec::new),
            numbers,
            fault_no: 0,
            left_out: BTreeSet::new(),
            rest_checked_ms: 0,
        }
    }

    /// Leaves out these faults, by their place among all that come due.
    pub fn leave_out(&mut self, faults: BTreeSet<u64>) {
        self.left_out = faults;
    }

    /// How many faults came due, those left out included.
    pub const fn faults_due(&self) -> u64 {
        self.fault_no
    }

    /// What was reached.
    pub const fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// Lets the world live for so long, then stops the faults and waits until
    /// it is at rest.
    pub fn run(&mut self, minutes: u64) -> Result<Summary, Failure> {
        let end = minutes * 60_000;
        self.at(0, Event::GatewayStart);
        for handset in 0..self.handsets.len() {
            let at = self.rng.range(0, 500);
            self.at(at, Event::Start { handset });
            self.pause_then(Event::Send { handset }, self.faults.send_every_ms);
        }
        self.plan_all_faults();
        self.at(end, Event::StopFaults);
        let budget = (end + SETTLE_MS) / 1000 * MAX_EVENTS_PER_S_AND_HANDSET * self.numbers as u64;
        while let Some(Reverse(queued)) = self.queue.pop() {
            self.now = queued.at;
            self.summary.events += 1;
            if self.summary.events > budget {
                return Err(self.failure(livelock()));
            }
            if self.now > end + SETTLE_MS {
                break;
            }
            self.step(queued.event).map_err(|what| self.failure(what))?;
            if self.calm && self.now >= self.rest_checked_ms + REST_CHECK_MS {
                self.rest_checked_ms = self.now;
                if self.at_rest() {
                    break;
                }
            }
        }
        self.summary.world_ms = self.now;
        self.finish().map_err(|what| self.failure(what))?;
        (self.summary.confirmed, self.summary.received) = self.model.totals();
        Ok(self.summary)
    }

    /// What happened, if it was asked for.
    pub fn story(&self) -> &[Line] {
        self.story.as_deref().unwrap_or_default()
    }

    fn failure(&self, what: Broken) -> Failure {
        Failure {
            seed: self.seed,
            at_ms: self.now,
            what,
        }
    }

    fn at(&mut self, at: u64, event: Event) {
        self.queued_no += 1;
        self.queue.push(Reverse(Queued {
            at,
            no: self.queued_no,
            event,
        }));
    }

    /// Some time around the mean from now; never for a mean of 0.
    fn pause_then(&mut self, event: Event, mean_ms: u64) {
        if mean_ms > 0 {
            let at = self.now + self.rng.range(mean_ms / 4, mean_ms * 7 / 4);
            self.at(at, event);
        }
    }

    // -- one step ---------------------------------------------------------------

    fn step(&mut self, event: Event) -> Result<(), Broken> {
        match event {
            Event::Timer { handset, run, at } => {
                let h = &mut self.handsets[handset];
                if h.run == run && h.timer == Some(at) {
                    h.timer = None;
                    return self.input(handset, Input::Timeout);
                }
                Ok(())
            }
            Event::Stored { handset, run } => {
                let h = &mut self.handsets[handset];
                if h.run != run {
                    return Ok(());
                }
                let Some(batch) = h.storing.take() else {
                    return Ok(());
                };
                let Ok(stored) = h.store.apply(&batch);
                for outcome in &stored.outcomes {
                    self.coverage.outcome(outcome);
                }
                self.input(handset, Input::Stored(stored))
            }
            Event::Input {
                handset,
                run,
                input,
            } => {
                if self.handsets[handset].run == run {
                    return self.input(handset, input);
                }
                Ok(())
            }
            Event::Connected { conn } => self.connected(conn),
            Event::Packet {
                conn,
                way,
                no,
                packet,
            } => self.arrived(conn, way, no, packet),
            Event::GatewayLost { conn } => {
                if let Some(c) = self.net.get(conn)
                    && std::mem::take(&mut c.gateway_open)
                {
                    let conn = gw::ConnId(conn);
                    return self.gateway(gw::Input::Disconnected { conn });
                }
                Ok(())
            }
            Event::HandsetEnd { conn } => {
                if let Some(c) = self.net.get(conn) {
                    c.handset_open = false;
                }
                Ok(())
            }
            Event::GatewayTick => {
                if self.gateway_tick.is_some_and(|at| at <= self.now) {
                    self.gateway_tick = None;
                    return self.gateway(gw::Input::Tick);
                }
                Ok(())
            }
            Event::GatewayTurn => self.gateway_turn(),
            Event::GatewayStart => {
                self.gateway = Some(gw::Core::new(self.gateway_config()));
                self.tell(|| "gateway starts".into());
                self.gateway(gw::Input::Tick)
            }
            Event::Start { handset } => {
                if self.handsets[handset].engine.is_some() || self.handsets[handset].gone {
                    return Ok(());
                }
                let (now, seed, config) = (self.now, self.rng.next(), self.config.clone());
                self.summary.runs += 1;
                self.tell(|| format!("h{handset} daemon starts"));
                self.handsets[handset].start(now, seed, config);
                self.app_connects(handset);
                self.read_events(handset)?;
                self.turn(handset)
            }
            Event::Send { handset } => self.app_sends(handset),
            Event::Resume { handset } => {
                self.tell(|| format!("h{handset} wakes"));
                self.handsets[handset].paused = false;
                // A timer that passed meanwhile fires after what is readable.
                self.handsets[handset].waiting.push_back(Input::Timeout);
                self.turn(handset)
            }
            Event::AppStart { handset } => {
                self.handsets[handset].app.alive = true;
                self.app_connects(handset);
                self.read_events(handset)?;
                self.turn(handset)
            }
            Event::Ask { handset, asked } => self.app_asks(handset, asked),
            Event::Fault(fault) => self.fault(fault),
            Event::CaptiveEnd { handset } => self.set_captive(handset, false),
            Event::FlightEnd { handset } => self.set_all_links(handset, true),
            Event::DrainEnd => {
                self.kill_gateway();
                Ok(())
            }
            Event::PutBack { handset } => {
                self.put_back(handset);
                Ok(())
            }
            Event::StopFaults => self.stop_faults(),
        }
    }

    // -- the end -----------------------------------------------------------------------

    fn at_rest(&self) -> bool {
        self.gateway.is_some()
            && self.handsets.iter().filter(|h| !h.retired).all(|h| {
                let quiet = h.storing.is_none()
                    && h.waiting.is_empty()
                    && h.app.alive
                    && h.app.open.is_empty()
                    && h.app.unknown.is_empty();
                let open = h.engine.as_ref().map(|engine| engine.status_brief());
                quiet
                    && open.is_some_and(|status| (status.outbox == 0 || h.put_back) && status.live)
            })
            && self.model_at_rest().is_ok()
    }

    fn model_at_rest(&self) -> Result<(), Broken> {
        let stores: Vec<_> = self.handsets.iter().map(|h| &h.store).collect();
        self.model.at_rest(&stores)?;
        self.placeholders_were_poisoned()
    }

    fn finish(&mut self) -> Result<(), Broken> {
        for handset in 0..self.handsets.len() {
            self.read_events(handset)?;
        }
        self.model_at_rest()
    }
}

fn livelock() -> Broken {
    Broken {
        promise: "the world does not spin",
        text: String::new(),
    }
}
