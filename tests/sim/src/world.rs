//! The world: virtual time, one queue of events, handsets, links, a gateway,
//! and everything that breaks them.
//!
//! Runs the real engine and the real gateway core. The same seed gives the same
//! world on every machine: there is no clock, no thread and no hash order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use twine_engine::input::DownReason;
use twine_engine::message::{MessageRecord, Shown};
use twine_engine::output::Output;
use twine_engine::store_ops::{EventKind, StoreOps};
use twine_engine::{ChannelEvent, Command, Config, ConnId, Input, Reply, TransportKind};
use twine_gateway_core as gw;
use twine_proto::E164;
use twine_proto::limits::WINDOW;

use crate::faults::Faults;
use crate::handset::{Asked, Handset, Outgoing, WALL_START_MS, client};
use crate::model::{Broken, Model};
use crate::net::{HandsetNo, Link, Net, Packet, RESET, Way};
use crate::rng::Rng;

/// Faults stop; how long the world may take to come to rest.
const SETTLE_MS: u64 = 30 * 60 * 1000;
/// Events a world may take for one simulated second: a livelock is a finding.
const MAX_EVENTS_PER_S: u64 = 20_000;

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
    model: Model,
    summary: Summary,
    story: Option<Vec<String>>,
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
        let handsets = (0..faults.handsets)
            .map(|index| {
                let number = number_of(index);
                provision(&mut gateway_store, number, index);
                let link = |rng: &mut Rng, wifi: bool| {
                    let slow = faults.slow_links && !wifi;
                    Link {
                        up: true,
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
            model: Model::default(),
            summary: Summary::default(),
            story: tell.then(Vec::new),
        }
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
        let budget = (end + SETTLE_MS) / 1000 * MAX_EVENTS_PER_S;
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
            if self.calm && self.summary.events.is_multiple_of(64) && self.at_rest() {
                break;
            }
        }
        self.summary.world_ms = self.now;
        self.finish().map_err(|what| self.failure(what))?;
        (self.summary.confirmed, self.summary.received) = self.model.totals();
        Ok(self.summary)
    }

    /// What happened, if it was asked for.
    pub fn story(&self) -> &[String] {
        self.story.as_deref().unwrap_or_default()
    }

    fn failure(&self, what: Broken) -> Failure {
        Failure {
            seed: self.seed,
            at_ms: self.now,
            what,
        }
    }

    fn tell(&mut self, line: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(story) = &mut self.story {
            story.push(format!("{:>9}.{:03}  {}", now / 1000, now % 1000, line()));
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

    // -- faults ---------------------------------------------------------------

    fn plan_all_faults(&mut self) {
        let f = self.faults.clone();
        for handset in 0..self.handsets.len() {
            for link in 0..self.handsets[handset].links.len() {
                let fault = Fault::LinkFlap { handset, link };
                self.pause_then(Event::Fault(fault), f.link_flap_ms);
            }
            self.pause_then(Event::Fault(Fault::Kill { handset }), f.kill_ms);
            self.pause_then(Event::Fault(Fault::Suspend { handset }), f.suspend_ms);
            self.pause_then(Event::Fault(Fault::AppDeath { handset }), f.app_death_ms);
        }
        self.pause_then(Event::Fault(Fault::Reset), f.reset_ms);
        self.pause_then(Event::Fault(Fault::GatewayKill), f.gateway_kill_ms);
        self.pause_then(Event::Fault(Fault::GatewayBackup), f.gateway_restore_ms);
    }

    fn fault(&mut self, fault: Fault) -> Result<(), Broken> {
        if self.calm {
            return Ok(());
        }
        let f = &self.faults;
        let mean = match fault {
            Fault::LinkFlap { .. } => f.link_flap_ms,
            Fault::Reset => f.reset_ms,
            Fault::Kill { .. } => f.kill_ms,
            Fault::GatewayKill => f.gateway_kill_ms,
            Fault::GatewayBackup => f.gateway_restore_ms,
            Fault::Suspend { .. } => f.suspend_ms,
            Fault::AppDeath { .. } => f.app_death_ms,
        };
        match fault {
            Fault::LinkFlap { handset, link } => {
                let up = !self.handsets[handset].links[link].up;
                self.set_link(handset, link, up)?;
                if !up {
                    // The next change brings it back.
                    let most = self.faults.link_down_max_ms;
                    let at = self.now + self.rng.range(100, most.max(101));
                    self.at(at, Event::Fault(fault));
                    return Ok(());
                }
            }
            Fault::Reset => {
                let ids = self.net.ids();
                if !ids.is_empty() {
                    let pick = usize::try_from(self.rng.next()).unwrap_or(0) % ids.len();
                    self.reset(ids[pick]);
                }
            }
            Fault::Kill { handset } => self.kill(handset),
            Fault::GatewayKill => self.kill_gateway(),
            Fault::GatewayBackup => match self.backup.take() {
                None => {
                    self.backup = Some(self.gateway_store.clone());
                    let at = self.now + self.rng.range(100, 60_000);
                    self.at(at, Event::Fault(fault));
                    return Ok(());
                }
                Some(backup) => {
                    self.kill_gateway();
                    self.tell(|| "gateway restored from a backup".into());
                    self.gateway_store = backup;
                    self.model.gateway_restored();
                }
            },
            Fault::Suspend { handset } => {
                self.handsets[handset].paused = true;
                let at = self.now + self.rng.range(100, 120_000);
                self.tell(|| format!("h{handset} sleeps"));
                self.at(at, Event::Resume { handset });
            }
            Fault::AppDeath { handset } => {
                self.handsets[handset].app.alive = false;
                let at = self.now + self.rng.range(100, 60_000);
                self.at(at, Event::AppStart { handset });
            }
        }
        self.pause_then(Event::Fault(fault), mean);
        Ok(())
    }

    fn stop_faults(&mut self) -> Result<(), Broken> {
        self.calm = true;
        self.tell(|| "faults stop".into());
        for handset in 0..self.handsets.len() {
            for link in 0..self.handsets[handset].links.len() {
                self.handsets[handset].links[link].udp_blocked = false;
                self.set_link(handset, link, true)?;
            }
        }
        Ok(())
    }

    fn set_link(&mut self, handset: HandsetNo, link: usize, up: bool) -> Result<(), Broken> {
        if self.handsets[handset].links[link].up == up {
            return Ok(());
        }
        self.handsets[handset].links[link].up = up;
        self.tell(|| format!("h{handset} link {link} {}", if up { "up" } else { "down" }));
        if up {
            for conn in self.net.ids() {
                let same = self
                    .net
                    .get(conn)
                    .is_some_and(|c| c.handset == handset && c.link == link);
                if same {
                    self.unpark(conn);
                }
            }
        }
        let report = self.handsets[handset].link_report(link);
        self.input(handset, report)
    }

    fn unpark(&mut self, conn: u64) {
        for way in [Way::Up, Way::Down] {
            for (no, packet) in self.net.take_parked(conn, way) {
                self.transmit_numbered(conn, way, no, packet);
            }
        }
    }

    /// Both ends hear of it, each in its own time.
    fn reset(&mut self, conn: u64) {
        let Some(c) = self.net.get(conn) else { return };
        if !c.established {
            return;
        }
        let (handset, run, engine_conn) = (c.handset, c.run, c.engine_conn);
        c.handset_open = false;
        self.tell(|| format!("h{handset} connection {} reset", engine_conn.0));
        let (first, second) = (self.rng.range(0, 2_000), self.rng.range(0, 2_000));
        let input = Input::Channel {
            conn: engine_conn,
            event: ChannelEvent::Down(DownReason::Closed("reset".into())),
        };
        self.at(
            self.now + first,
            Event::Input {
                handset,
                run,
                input,
            },
        );
        self.at(self.now + second, Event::GatewayLost { conn });
    }

    fn kill(&mut self, handset: HandsetNo) {
        if self.handsets[handset].engine.is_none() {
            return;
        }
        self.tell(|| format!("h{handset} daemon killed"));
        // A batch on its way is on disk or it is not.
        if let Some(batch) = self.handsets[handset].storing.take()
            && self.rng.percent(50)
        {
            let Ok(_) = self.handsets[handset].store.apply(&batch);
        }
        self.handsets[handset].stop();
        for conn in self.net.ids() {
            let Some(c) = self.net.get(conn) else {
                continue;
            };
            if c.handset == handset && c.handset_open {
                c.handset_open = false;
                // A dead process says nothing; a dead TCP peer is reset.
                if self.rng.percent(50) {
                    let at = self.now + self.rng.range(0, 3_000);
                    self.at(at, Event::GatewayLost { conn });
                }
            }
        }
        if self.rng.one_in(self.faults.reboot_one_in) && !self.calm {
            let now = self.now;
            self.handsets[handset].reboot(now);
        }
        let at = self.now + self.rng.range(50, 20_000);
        self.at(at, Event::Start { handset });
    }

    fn kill_gateway(&mut self) {
        if self.gateway.take().is_none() {
            return;
        }
        self.tell(|| "gateway killed".into());
        self.gateway_tick = None;
        for conn in self.net.ids() {
            let Some(c) = self.net.get(conn) else {
                continue;
            };
            c.gateway_open = false;
            if self.rng.percent(70) {
                let at = self.now + self.rng.range(0, 2_000);
                self.at(
                    at,
                    Event::Packet {
                        conn,
                        way: Way::Down,
                        no: RESET,
                        packet: Packet::Fin,
                    },
                );
            }
        }
        let at = self.now + self.rng.range(100, 30_000);
        self.at(at, Event::GatewayStart);
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
            Event::GatewayStart => {
                self.gateway = Some(gw::Core::new(gw::Config::default()));
                self.tell(|| "gateway starts".into());
                self.gateway(gw::Input::Tick)
            }
            Event::Start { handset } => {
                if self.handsets[handset].engine.is_some() {
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
            Event::StopFaults => self.stop_faults(),
        }
    }

    // -- the app -----------------------------------------------------------------

    fn app_connects(&mut self, handset: HandsetNo) {
        let h = &mut self.handsets[handset];
        if !h.app.alive || h.engine.is_none() {
            return;
        }
        if !h.app.subscribed {
            h.app.subscribed = true;
            let open = Command::OpenClient {
                client: client(),
                from_now: false,
            };
            h.ask(Asked::Other, open);
        }
        for outgoing in std::mem::take(&mut h.app.unknown) {
            h.send(outgoing);
        }
    }

    fn app_sends(&mut self, handset: HandsetNo) -> Result<(), Broken> {
        if self.calm {
            return Ok(());
        }
        self.pause_then(Event::Send { handset }, self.faults.send_every_ms);
        let h = &self.handsets[handset];
        if !h.app.alive || h.engine.is_none() {
            return Ok(());
        }
        let others = self.handsets.len() as u64 - 1;
        let mut to = usize::try_from(self.rng.next() % others).unwrap_or(0);
        if to >= handset {
            to += 1;
        }
        let valid_for_s = self
            .rng
            .one_in(self.faults.validity_one_in)
            .then(|| self.rng.range(1, 120));
        let number = self.handsets[to].number;
        let h = &mut self.handsets[handset];
        h.app.sent += 1;
        let text = format!("h{handset}m{}", h.app.sent);
        self.model.sending(&text, handset, to);
        self.tell(|| format!("h{handset} app sends {text} to h{to}"));
        self.handsets[handset].send(Outgoing {
            to: number,
            text,
            valid_for_s,
        });
        self.turn(handset)
    }

    fn app_asks(&mut self, handset: HandsetNo, asked: Asked) -> Result<(), Broken> {
        let h = &mut self.handsets[handset];
        if h.engine.is_none() {
            return Ok(());
        }
        let command = match &asked {
            Asked::Cancel(id) => Command::Cancel(*id),
            Asked::Retry(id) => {
                // Asked is enough: the reply may be lost in a crash.
                self.model.retried(handset, *id);
                Command::Retry(*id)
            }
            Asked::Read(id) => Command::MarkRead(*id),
            Asked::Send(_) | Asked::Other => return Ok(()),
        };
        h.ask(asked.clone(), command);
        self.tell(|| format!("h{handset} app asks {asked:?}"));
        self.turn(handset)
    }

    fn replied(&mut self, handset: HandsetNo, request: u64, reply: Reply) -> Result<(), Broken> {
        let Some(asked) = self.handsets[handset].app.open.remove(&request) else {
            return Ok(());
        };
        match (asked, reply) {
            (Asked::Send(outgoing), Reply::Sent { id, .. }) => {
                self.model.confirmed(&outgoing.text, id)?;
                if self.rng.one_in(self.faults.cancel_one_in) && !self.calm {
                    let at = self.now + self.rng.range(0, 5_000);
                    let asked = Asked::Cancel(id);
                    self.at(at, Event::Ask { handset, asked });
                }
            }
            (Asked::Send(outgoing), Reply::Error(_)) => {
                // Refused for now: an app asks again later, same token.
                self.handsets[handset].app.unknown.push(outgoing);
                let at = self.now + 1_000;
                self.at(at, Event::AppStart { handset });
            }
            (Asked::Read(id), Reply::Done) => {
                let store = &self.handsets[handset].store;
                let Ok(record) = store.message(id);
                if let Some(record) = record {
                    self.model.read(handset, store, &record);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The app reads the event log from its cursor on.
    fn read_events(&mut self, handset: HandsetNo) -> Result<(), Broken> {
        loop {
            let h = &self.handsets[handset];
            if !h.app.alive || h.engine.is_none() {
                return Ok(());
            }
            let Ok(page) = h.store.events(h.app.cursor, 64);
            if page.events.is_empty() {
                return Ok(());
            }
            for event in page.events {
                self.handsets[handset].app.cursor = event.cursor;
                let Ok(Some(record)) = self.handsets[handset].store.message(event.message) else {
                    return Err(Broken {
                        promise: "an event refers to history",
                        text: format!("{:?}", event.message),
                    });
                };
                self.app_event(handset, event.kind, event.shown, &record)?;
            }
        }
    }

    fn app_event(
        &mut self,
        handset: HandsetNo,
        kind: EventKind,
        shown: Shown,
        record: &MessageRecord,
    ) -> Result<(), Broken> {
        let text = record.text.as_ref().map(|t| t.expose().clone());
        self.tell(|| format!("h{handset} app sees {kind:?} {shown:?} {text:?}"));
        if kind == EventKind::Received {
            let handsets = &self.handsets;
            self.model.received(handset, record, |from, id| {
                let Ok(record) = handsets[from].store.message(id);
                record.map(|record| record.shown)
            })?;
            if self.rng.one_in(self.faults.read_one_in) {
                let at = self.now + self.rng.range(0, 10_000);
                let asked = Asked::Read(record.id);
                self.at(at, Event::Ask { handset, asked });
            }
            return Ok(());
        }
        let handsets = &self.handsets;
        self.model.told(handset, record, shown, |to, record| {
            record
                .name
                .is_some_and(|name| handsets[to].store.at_place(&name).is_some())
        })?;
        let retry = matches!(shown, Shown::Failed(_)) && record.shown == shown;
        if retry && self.rng.one_in(self.faults.retry_one_in) && !self.calm {
            let at = self.now + self.rng.range(100, 20_000);
            let asked = Asked::Retry(record.id);
            self.at(at, Event::Ask { handset, asked });
        }
        Ok(())
    }

    // -- a handset's turn ----------------------------------------------------------

    fn input(&mut self, handset: HandsetNo, input: Input) -> Result<(), Broken> {
        self.handsets[handset].waiting.push_back(input);
        self.turn(handset)
    }

    /// One turn of the daemon's loop: all that is readable, then the outputs.
    fn turn(&mut self, handset: HandsetNo) -> Result<(), Broken> {
        let h = &mut self.handsets[handset];
        if h.paused {
            return Ok(());
        }
        let now = h.now(self.now);
        let Some(engine) = &mut h.engine else {
            h.waiting.clear();
            return Ok(());
        };
        let mut due = false;
        for input in h.waiting.drain(..) {
            match input {
                Input::Timeout => due = true,
                input => engine.handle(now, input),
            }
        }
        if due {
            engine.handle(now, Input::Timeout);
        }
        while let Some(engine) = &mut self.handsets[handset].engine {
            let Some(output) = engine.poll_output(now) else {
                break;
            };
            self.output(handset, output)?;
            let crash = self.rng.one_in(self.faults.crash_at_output_one_in);
            if crash && !self.calm {
                self.kill(handset);
                return Ok(());
            }
        }
        self.set_timer(handset)
    }

    fn set_timer(&mut self, handset: HandsetNo) -> Result<(), Broken> {
        let h = &self.handsets[handset];
        let Some(engine) = &h.engine else {
            return Ok(());
        };
        let status = engine.status_brief();
        if status.in_flight > WINDOW {
            return Err(Broken {
                promise: "the in-flight window is bounded",
                text: format!("h{handset}: {}", status.in_flight),
            });
        }
        let Some((at, _)) = engine.poll_timeout() else {
            return Ok(());
        };
        let at = h.world_time(at).max(self.now + 1);
        if h.timer.is_some_and(|set| set == at) {
            return Ok(());
        }
        let run = h.run;
        self.handsets[handset].timer = Some(at);
        self.at(at, Event::Timer { handset, run, at });
        Ok(())
    }

    fn output(&mut self, handset: HandsetNo, output: Output) -> Result<(), Broken> {
        let run = self.handsets[handset].run;
        match output {
            Output::Commit(batch) => {
                if self.handsets[handset].storing.replace(batch).is_some() {
                    return Err(Broken {
                        promise: "one batch is in flight",
                        text: format!("h{handset}"),
                    });
                }
                let slow = if self.calm {
                    30
                } else {
                    self.faults.slow_store_ms
                };
                let at = self.now + self.rng.range(1, slow.max(2));
                self.at(at, Event::Stored { handset, run });
            }
            Output::Send { conn, frame } => {
                let frame = frame.into_inner();
                self.tell(|| format!("h{handset} → {frame:?}"));
                if let Some(conn) = self.net.find(handset, run, conn) {
                    self.transmit(conn, Way::Up, Packet::Frame(frame));
                }
            }
            Output::Reply { to, reply } => {
                self.replied(handset, to.request, reply.into_inner())?;
            }
            Output::Events(_) => self.read_events(handset)?,
            Output::Connect {
                conn,
                link,
                transport,
            } => {
                let link = Handset::link_index(&link);
                self.connect(handset, conn, link, transport);
            }
            Output::Move { conn, link } => {
                let link = Handset::link_index(&link);
                self.move_to(handset, conn, link);
            }
            Output::Close { conn } => self.close(handset, conn),
            Output::Trace(record) => self.tell(|| format!("h{handset} decides {record:?}")),
            Output::Notice(_) => {}
        }
        Ok(())
    }

    // -- connections -----------------------------------------------------------------

    fn connect(
        &mut self,
        handset: HandsetNo,
        engine_conn: ConnId,
        link: usize,
        transport: TransportKind,
    ) {
        let run = self.handsets[handset].run;
        self.summary.connections += 1;
        self.net.sweep();
        let conn = self.net.open(handset, run, engine_conn, transport, link);
        let round_trips = if transport == TransportKind::Quic {
            1
        } else {
            2
        };
        let delay = self.handsets[handset].links[link].delay_ms * 2 * round_trips;
        let at = self.now + delay + self.rng.range(1, 20);
        self.at(at, Event::Connected { conn });
    }

    fn connected(&mut self, conn: u64) -> Result<(), Broken> {
        let gateway_up = self.gateway.is_some();
        let Some(c) = self.net.get(conn) else {
            return Ok(());
        };
        if !c.handset_open || c.established {
            return Ok(());
        }
        let (handset, run, engine_conn) = (c.handset, c.run, c.engine_conn);
        let (index, transport) = (c.link, c.transport);
        let link = &self.handsets[handset].links[index];
        let eaten = link.udp_blocked && transport == TransportKind::Quic;
        if !link.up || eaten {
            // Silence: the engine's own time-out has to find out.
            return Ok(());
        }
        let channel = |event| Event::Input {
            handset,
            run,
            input: Input::Channel {
                conn: engine_conn,
                event,
            },
        };
        if !gateway_up {
            let refused = DownReason::Unreachable("refused".into());
            c.handset_open = false;
            self.at(self.now, channel(ChannelEvent::Down(refused)));
            return Ok(());
        }
        c.established = true;
        c.gateway_open = true;
        let rtt = std::time::Duration::from_millis(link.delay_ms * 2);
        self.at(self.now, channel(ChannelEvent::Up { rtt: Some(rtt) }));
        self.gateway(gw::Input::Connected {
            conn: gw::ConnId(conn),
            device: key_of(handset),
        })
    }

    fn move_to(&mut self, handset: HandsetNo, engine_conn: ConnId, link: usize) {
        let run = self.handsets[handset].run;
        let Some(conn) = self.net.find(handset, run, engine_conn) else {
            return;
        };
        if let Some(c) = self.net.get(conn) {
            c.link = link;
        }
        let input = Input::Channel {
            conn: engine_conn,
            event: ChannelEvent::Moved,
        };
        self.at(
            self.now,
            Event::Input {
                handset,
                run,
                input,
            },
        );
        if self.handsets[handset].links[link].up {
            self.unpark(conn);
        }
    }

    /// The handset closes its end; the gateway may never hear of it.
    fn close(&mut self, handset: HandsetNo, engine_conn: ConnId) {
        let run = self.handsets[handset].run;
        let Some(conn) = self.net.find(handset, run, engine_conn) else {
            return;
        };
        let Some(c) = self.net.get(conn) else { return };
        // What its driver has read already may still come.
        let late = self.rng.percent(20);
        c.handset_open = late;
        let link = c.link;
        if late {
            let at = self.now + self.rng.range(0, 1_000);
            self.at(at, Event::HandsetEnd { conn });
        }
        if self.handsets[handset].links[link].up && self.rng.percent(70) {
            self.transmit(conn, Way::Up, Packet::Fin);
        }
    }

    fn transmit(&mut self, conn: u64, way: Way, packet: Packet) {
        let no = self.net.number(conn, way);
        self.transmit_numbered(conn, way, no, packet);
    }

    fn transmit_numbered(&mut self, conn: u64, way: Way, no: u64, packet: Packet) {
        let Some(c) = self.net.get(conn) else { return };
        let link = self.handsets[c.handset].links[c.link].clone();
        let loss = if self.calm {
            0
        } else {
            self.faults.loss_one_in
        };
        let at = self.now + link.travel_ms(&packet, loss, &mut self.rng);
        let sent = self.net.send(conn, way, (no, packet), link.up, at);
        if let Some((at, packet)) = sent {
            let event = Event::Packet {
                conn,
                way,
                no,
                packet,
            };
            self.at(at, event);
        }
    }

    fn arrived(&mut self, conn: u64, way: Way, no: u64, packet: Packet) -> Result<(), Broken> {
        let Some(c) = self.net.get(conn) else {
            return Ok(());
        };
        let up = self.handsets[c.handset].links[c.link].up;
        for packet in self.net.arrive(conn, way, (no, packet), up) {
            self.hand_on(conn, way, packet)?;
        }
        Ok(())
    }

    fn hand_on(&mut self, conn: u64, way: Way, packet: Packet) -> Result<(), Broken> {
        let Some(c) = self.net.get(conn) else {
            return Ok(());
        };
        let (handset, run, engine_conn) = (c.handset, c.run, c.engine_conn);
        match (way, packet) {
            (Way::Up, Packet::Frame(frame)) => self.gateway(gw::Input::Frame {
                conn: gw::ConnId(conn),
                frame,
            }),
            (Way::Up, Packet::Fin) => self.step(Event::GatewayLost { conn }),
            (Way::Down, packet) => {
                let event = match packet {
                    Packet::Frame(frame) => {
                        self.tell(|| format!("h{handset} ← {frame:?}"));
                        ChannelEvent::Frame(frame)
                    }
                    Packet::Fin => {
                        if let Some(c) = self.net.get(conn) {
                            c.handset_open = false;
                        }
                        ChannelEvent::Down(DownReason::Closed("closed".into()))
                    }
                };
                if self.handsets[handset].run != run {
                    return Ok(());
                }
                let conn = engine_conn;
                self.input(handset, Input::Channel { conn, event })
            }
        }
    }

    // -- the gateway -------------------------------------------------------------------

    fn gateway(&mut self, input: gw::Input) -> Result<(), Broken> {
        let Some(core) = &mut self.gateway else {
            return Ok(());
        };
        if !self.calm && self.rng.one_in(self.faults.gateway_commit_one_in) {
            let fault = if self.rng.percent(50) {
                gw::memory::CommitFault::Lost
            } else {
                gw::memory::CommitFault::Kept
            };
            self.gateway_store.plan_fault(0, fault);
        }
        let now = gw::Now {
            instant_ms: self.now,
            unix_s: (WALL_START_MS + self.now) / 1000,
        };
        match core.turn(&mut self.gateway_store, now, [input]) {
            Ok(outputs) => {
                for output in outputs {
                    match output {
                        gw::Output::Send { conn, frame } => {
                            self.transmit(conn.0, Way::Down, Packet::Frame(frame));
                        }
                        gw::Output::Close { conn } => self.gateway_closes(conn.0),
                    }
                }
            }
            Err(_) => {
                for conn in core.take_lost_connections() {
                    self.gateway_closes(conn.0);
                }
            }
        }
        let tick = self.gateway.as_ref().and_then(gw::Core::poll_timeout);
        if let Some(at) = tick
            && self.gateway_tick.is_none_or(|set| at < set)
        {
            let at = at.max(self.now + 1);
            self.gateway_tick = Some(at);
            self.at(at, Event::GatewayTick);
        }
        Ok(())
    }

    fn gateway_closes(&mut self, conn: u64) {
        self.transmit(conn, Way::Down, Packet::Fin);
        if let Some(c) = self.net.get(conn) {
            c.gateway_open = false;
        }
    }

    // -- the end -----------------------------------------------------------------------

    fn at_rest(&self) -> bool {
        self.gateway.is_some()
            && self.handsets.iter().all(|h| {
                let quiet = h.storing.is_none()
                    && h.waiting.is_empty()
                    && h.app.alive
                    && h.app.open.is_empty()
                    && h.app.unknown.is_empty();
                let open = h.engine.as_ref().map(|engine| engine.status_brief());
                quiet && open.is_some_and(|status| status.outbox == 0 && status.live)
            })
            && self.model_at_rest().is_ok()
    }

    fn model_at_rest(&self) -> Result<(), Broken> {
        let stores: Vec<_> = self.handsets.iter().map(|h| &h.store).collect();
        let owner = |record: &MessageRecord| {
            self.handsets
                .iter()
                .position(|h| h.number == record.own)
                .unwrap_or(usize::MAX)
        };
        self.model.at_rest(&stores, owner)
    }

    fn finish(&mut self) -> Result<(), Broken> {
        for handset in 0..self.handsets.len() {
            self.read_events(handset)?;
        }
        self.model_at_rest()
    }
}

/// The number of a handset.
fn number_of(index: usize) -> E164 {
    match E164::new(254_700_000_000 + index as u64) {
        Ok(number) => number,
        Err(_) => unreachable!("twelve digits"),
    }
}

fn key_of(index: usize) -> gw::DeviceKey {
    gw::DeviceKey([u8::try_from(index + 1).unwrap_or(0); 32])
}

fn provision(storage: &mut gw::MemoryStorage, number: E164, index: usize) {
    use gw::{Storage, Tx};
    let done = storage.begin().and_then(|mut tx| {
        gw::provision(&mut tx, number, key_of(index))?;
        tx.commit()
    });
    debug_assert!(done.is_ok(), "an empty storage takes a number");
}

fn livelock() -> Broken {
    Broken {
        promise: "the world does not spin",
        text: String::new(),
    }
}
