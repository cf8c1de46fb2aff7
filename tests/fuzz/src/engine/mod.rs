//! One engine, and a gateway, an app, a telephony agent and a store that do
//! whatever the input says, in any order.
//!
//! Keeps to what the driver guarantees and nothing else: frames come decoded, on
//! connections that are up, and allowed in their direction; the store answers
//! the one batch it has; time does not go back.

mod phone;
mod says;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use twine_engine::limits::WINDOW;
use twine_engine::message::{Channel, MessageId};
use twine_engine::parts::{AttemptId, PartState};
use twine_engine::store_ops::{Batch, StoreOps};
use twine_engine::time::{BootId, Instant, Now, WallTime};
use twine_engine::{
    ChannelEvent, Command, Config, ConnId, DownReason, Engine, Input, Order, Output, ReplyTo,
    TelephonyEvent,
};
use twine_proto::framing::Decoder;
use twine_proto::limits::MAX_READ_CHUNK_BYTES;
use twine_proto::{Direction, E164, Epoch, Frame, codec};
use twine_sim::store::MemoryStore;
use twine_sms::TableSet;

use self::phone::{choice, part_state, received, sim};
use self::says::{down_reason, link, question, send, small_frame, welcome};
use crate::reader::Reader;
use crate::wire::{over_the_wire, read};

/// What the first byte of a step says, modulo [`op::COUNT`]; the bytes behind
/// it are named in brackets.
pub mod op {
    /// \[a\] Time passes: 10 ms × a below 128, above it 2^(a mod 24) ms.
    pub const PASS: u8 = 0;
    /// \[a\] A link: bit 0 Wi-Fi, bit 1 up, bit 2 validated, bit 3 the whole state.
    pub const LINK: u8 = 1;
    /// \[a\] The connection is up, with a round trip of 16 ms × a.
    pub const UP: u8 = 2;
    /// \[a\] It is down; a: why.
    pub const DOWN: u8 = 3;
    /// \[a\] It moved (even), or has a new round trip (odd).
    pub const PATH: u8 = 4;
    /// \[block\] The gateway sends these bytes.
    pub const BYTES: u8 = 5;
    /// \[status, high-water\] The gateway answers the last `Hello`.
    pub const WELCOME: u8 = 6;
    /// \[kind, a, b\] The gateway sends a small frame.
    pub const FRAME: u8 = 7;
    /// \[a, b\] The app sends: token a, to, length, validity and channel by b.
    pub const SEND: u8 = 8;
    /// \[kind, id\] The app cancels, retries (as Twine chooses, by SMS, by IP) or
    /// has read.
    pub const CHANGE: u8 = 9;
    /// \[kind, a\] The app types, registers, looks up, opens, acknowledges.
    pub const ASK: u8 = 10;
    /// \[a\] The store answers late (odd), or what it owes and at once (even).
    pub const HOLD: u8 = 11;
    /// \[a\] The daemon dies; odd: the phone, too.
    pub const CRASH: u8 = 12;
    /// \[a\] A card: bits ready, in service, roaming, default, radio off, without
    /// a number, second slot, and the whole state.
    pub const SIM: u8 = 13;
    /// \[which, part, state\] The agent tells what became of a part of the last
    /// (0) attempt or one before.
    pub const PART: u8 = 14;
    /// \[a, b\] An SMS came: spooled and worded by a, from and marked by b.
    pub const SMS: u8 = 15;
    /// \[kind, a\] The app previews, reads settings, sets them.
    pub const CHOOSE: u8 = 16;
    /// How many there are.
    pub const COUNT: u8 = 17;
}

/// The first epoch that the gateway grants, if asked to.
pub const EPOCH: Epoch = Epoch(690);

/// What one turn may make the driver do; above it the engine runs in circles.
const MAX_OUTPUTS_PER_TURN: usize = 20_000;
/// Attempts that the agent remembers.
const MAX_ATTEMPTS: usize = 8;
/// Time-outs at one moment until the next one lies ahead.
const MAX_TIMEOUTS_AT_ONCE: usize = 300;

/// Steps as in [`op`].
///
/// # Panics
///
/// If a promise is broken.
pub fn desk(input: &[u8]) {
    let mut desk = Desk::on(MemoryStore::new(), BootId(1), 10_000);
    let mut steps = Reader::new(input);
    while !steps.is_empty() {
        desk.step(&mut steps);
    }
    desk.hold = false;
    desk.answer_held();
    desk.turn();
}

/// An own number.
#[must_use]
pub fn own(n: u8) -> E164 {
    number(254_712_345_600 + u64::from(n))
}

/// A peer's number.
#[must_use]
pub fn peer(n: u8) -> E164 {
    number(2_348_031_234_500 + u64::from(n))
}

fn number(number: u64) -> E164 {
    E164::new(number).unwrap_or_else(|error| panic!("{error}"))
}

/// How far a connection is, as the transport knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Connecting,
    Up,
    Down,
}

struct Desk {
    engine: Engine,
    store: MemoryStore,
    boot: BootId,
    now_ms: u64,
    /// The batch that the store owes an answer.
    held: Option<Batch>,
    hold: bool,
    conns: BTreeMap<ConnId, Stage>,
    conn: Option<ConnId>,
    /// Slots of the last `Hello`.
    slots: usize,
    requests: u64,
    /// What the agent was asked to send, the last first.
    attempts: VecDeque<AttemptId>,
}

impl Desk {
    fn on(store: MemoryStore, boot: BootId, now_ms: u64) -> Self {
        let Ok(snapshot) = store.snapshot();
        let now = Now {
            instant: Instant(now_ms),
            wall: WallTime(now_ms),
        };
        let mut desk = Self {
            engine: Engine::new(Config::default(), 7, boot, now, snapshot),
            store,
            boot,
            now_ms,
            held: None,
            hold: false,
            conns: BTreeMap::new(),
            conn: None,
            slots: 0,
            requests: 0,
            attempts: VecDeque::new(),
        };
        desk.turn();
        desk
    }

    const fn now(&self) -> Now {
        Now {
            instant: Instant(self.now_ms),
            wall: WallTime(self.now_ms),
        }
    }

    fn input(&mut self, input: Input) {
        self.engine.handle(self.now(), input);
        self.turn();
    }

    // -- what the driver does ---------------------------------------------------

    fn turn(&mut self) {
        let mut outputs = 0;
        while let Some(output) = self.engine.poll_output(self.now()) {
            outputs += 1;
            assert!(outputs < MAX_OUTPUTS_PER_TURN, "a turn without end");
            self.output(output);
        }
        let status = self.engine.status();
        let most = (status.identities.len() * WINDOW) as u64;
        assert!(
            status.in_flight <= most,
            "{} in flight, {most} allowed",
            status.in_flight
        );
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Commit(batch) => {
                assert!(self.held.is_none(), "two batches in flight");
                self.held = Some(batch);
                if !self.hold {
                    self.answer_held();
                }
            }
            Output::Send { conn, frame } => {
                let frame = frame.into_inner();
                let stage = self.conns.get(&conn);
                assert!(
                    matches!(stage, Some(Stage::Up | Stage::Down)),
                    "{} on a connection that is not up",
                    frame.name()
                );
                assert!(frame.allowed(Direction::ToGateway), "{}", frame.name());
                assert_eq!(over_the_wire(&frame), frame);
                if let Frame::Hello(hello) = frame {
                    self.slots = hello.slots.len();
                }
            }
            Output::Connect { conn, .. } => {
                let known = self.conns.insert(conn, Stage::Connecting);
                assert_eq!(known, None, "a connection's name was used twice");
                self.conn = Some(conn);
            }
            Output::Move { conn, .. } | Output::Close { conn } => {
                assert!(self.conns.contains_key(&conn), "nobody knows {conn:?}");
            }
            Output::Order(order) => self.order(order.into_inner()),
            Output::Reply { .. } | Output::Events(_) | Output::Notice(_) | Output::Trace(_) => {}
        }
    }

    fn order(&mut self, order: Order) {
        if let Order::SendSms { attempt, parts, .. } = order {
            assert!((1..=usize::from(u8::MAX)).contains(&parts.len()));
            assert!(parts.iter().any(|part| !part.expose().trim().is_empty()));
            self.attempts.retain(|&known| known != attempt);
            self.attempts.push_front(attempt);
            self.attempts.truncate(MAX_ATTEMPTS);
        }
    }

    /// Within a turn: hands in the store's answer, and no more.
    fn answer_held(&mut self) {
        if let Some(batch) = self.held.take() {
            let Ok(stored) = self.store.apply(&batch);
            self.engine.handle(self.now(), Input::Stored(stored));
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        for _ in 0..MAX_TIMEOUTS_AT_ONCE {
            match self.engine.poll_timeout() {
                Some((at, _)) if at.0 <= self.now_ms => self.input(Input::Timeout),
                _ => return,
            }
            if self.held.is_some() {
                // What is due may wait for the store.
                return;
            }
        }
        panic!("{:?} stays due", self.engine.poll_timeout());
    }

    // -- steps ------------------------------------------------------------------

    fn step(&mut self, steps: &mut Reader<'_>) {
        match steps.byte() % op::COUNT {
            op::PASS => {
                let a = steps.byte();
                self.pass(if a < 128 {
                    u64::from(a) * 10
                } else {
                    1 << (a % 24)
                });
            }
            op::LINK => self.telephony(steps.byte()),
            op::UP => {
                let rtt = Some(Duration::from_millis(16 * steps.count()));
                if let Some(conn) = self.at(Stage::Connecting) {
                    self.conns.insert(conn, Stage::Up);
                    self.channel(conn, ChannelEvent::Up { rtt });
                }
            }
            op::DOWN => {
                let why = steps.byte();
                if let Some(conn) = self.at(Stage::Up).or(self.at(Stage::Connecting)) {
                    self.down(conn, down_reason(why));
                }
            }
            op::PATH => {
                let a = steps.byte();
                let event = if a.is_multiple_of(2) {
                    ChannelEvent::Moved
                } else {
                    ChannelEvent::Rtt(Duration::from_millis(1 << (a % 32)))
                };
                if let Some(conn) = self.at(Stage::Up) {
                    self.channel(conn, event);
                }
            }
            op::BYTES => self.bytes(steps.block()),
            op::WELCOME => {
                let (status, high_water) = (steps.byte(), steps.count());
                self.frame(welcome(self.slots, status, high_water));
            }
            op::FRAME => {
                let frame = small_frame(steps);
                self.frame(frame);
            }
            op::SEND => {
                let (token, how) = (steps.byte(), steps.byte());
                self.command(send(token, how));
            }
            op::CHANGE => {
                let (kind, id) = (steps.byte(), MessageId(steps.count()));
                let retry = |by| Command::Retry { id, by };
                self.command(match kind % 5 {
                    0 => Command::Cancel(id),
                    1 => retry(None),
                    2 => Command::MarkRead(id),
                    3 => retry(Some(Channel::Sms)),
                    _ => retry(Some(Channel::Ip)),
                });
            }
            op::ASK => {
                let (kind, a) = (steps.byte(), steps.byte());
                self.command(question(kind, a));
            }
            op::HOLD => {
                self.hold = !steps.byte().is_multiple_of(2);
                if !self.hold {
                    self.answer_held();
                    self.turn();
                }
            }
            op::SIM => {
                let a = steps.byte();
                let sim = sim(a);
                self.input(Input::Telephony(if a & 128 == 0 {
                    TelephonyEvent::Sim(sim)
                } else {
                    TelephonyEvent::State {
                        sims: vec![sim],
                        links: vec![link(6)],
                        tables: TableSet::ALL,
                    }
                }));
            }
            op::PART => {
                let (which, part, state) = (steps.byte(), steps.byte(), steps.byte());
                // One that nobody gave is told, too.
                let attempt = self.attempts.get(usize::from(which));
                let state = part_state(state);
                self.input(Input::Telephony(TelephonyEvent::SmsPart {
                    attempt: attempt.copied().unwrap_or(AttemptId(which.into())),
                    part,
                    state,
                    code: (state == PartState::Refused).then_some(i32::from(which)),
                }));
            }
            op::SMS => {
                let (a, b) = (steps.byte(), steps.byte());
                let sms = TelephonyEvent::SmsReceived(received(a, b));
                self.input(Input::Telephony(sms));
            }
            op::CHOOSE => {
                let (kind, a) = (steps.byte(), steps.byte());
                self.command(choice(kind, a));
            }
            _ => {
                let reboot = !steps.byte().is_multiple_of(2);
                self.crash(reboot);
            }
        }
    }

    /// The present connection, if it has come so far.
    fn at(&self, stage: Stage) -> Option<ConnId> {
        self.conn
            .filter(|conn| self.conns.get(conn) == Some(&stage))
    }

    fn channel(&mut self, conn: ConnId, event: ChannelEvent) {
        self.input(Input::Channel { conn, event });
    }

    fn down(&mut self, conn: ConnId, why: DownReason) {
        self.conns.insert(conn, Stage::Down);
        self.channel(conn, ChannelEvent::Down(why));
    }

    /// As the transport does it: what is no frame, or not allowed, ends the
    /// connection.
    fn bytes(&mut self, stream: &[u8]) {
        let Some(conn) = self.at(Stage::Up) else {
            return;
        };
        let (frames, error) = read(Decoder::wire(), stream.chunks(MAX_READ_CHUNK_BYTES));
        let mut broken = error.map(|error| error.to_string());
        for raw in frames {
            match codec::decode(raw) {
                Ok(Some(frame)) if frame.allowed(Direction::ToHandset) => {
                    self.channel(conn, ChannelEvent::Frame(frame));
                }
                Ok(None) => {}
                Ok(Some(frame)) => {
                    broken = Some(format!("{} is not allowed", frame.name()));
                    break;
                }
                Err(error) => {
                    broken = Some(error.to_string());
                    break;
                }
            }
        }
        if let Some(why) = broken {
            self.down(conn, DownReason::Protocol(why));
        }
    }

    fn frame(&mut self, frame: Frame) {
        if let Some(conn) = self.at(Stage::Up) {
            let frame = over_the_wire(&frame);
            self.channel(conn, ChannelEvent::Frame(frame));
        }
    }

    fn command(&mut self, command: Command) {
        self.requests += 1;
        let to = ReplyTo {
            client: 1,
            request: self.requests,
        };
        self.input(Input::Command { to, command });
    }

    fn telephony(&mut self, a: u8) {
        let link = link(a);
        let event = match a >> 3 {
            0 => TelephonyEvent::Link(link),
            1 => TelephonyEvent::State {
                sims: Vec::new(),
                links: vec![link],
                tables: TableSet::NONE,
            },
            _ => TelephonyEvent::AgentGone,
        };
        self.input(Input::Telephony(event));
    }

    /// What the store had not answered is lost.
    fn crash(&mut self, reboot: bool) {
        let store = std::mem::take(&mut self.store);
        let (boot, now_ms) = if reboot {
            (BootId(self.boot.0 + 1), 5_000)
        } else {
            (self.boot, self.now_ms + 1_000)
        };
        *self = Self::on(store, boot, now_ms);
    }
}
