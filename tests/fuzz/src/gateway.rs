//! The gateway's core, and a few handsets that send whatever the input says, on
//! a disk that fails.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use twine_gateway_core::memory::CommitFault;
use twine_gateway_core::{
    Config, ConnId, Core, DeviceKey, Input, MemoryStorage, Now, Output, Storage, Tx, provision,
};
use twine_proto::frame::{
    Ack, Binding, EpochPosition, Hello, HelloSlot, Lookup, ReadMark, Receipt, ReceiptKind,
    RejectReason, Revoke, RevokeOutcome, SlotStatus, Submit, Typing, Welcome,
};
use twine_proto::framing::Decoder;
use twine_proto::limits::{MAX_CONTENT_BYTES, MAX_READ_CHUNK_BYTES};
use twine_proto::{
    Cursor, Direction, E164, Epoch, Frame, LaneSeq, OpaqueContent, Seq, SessionNo, Slot, codec,
};

use crate::reader::Reader;
use crate::wire::{over_the_wire, read};

/// What the first byte of a step says, modulo [`op::COUNT`]; the bytes behind
/// it are named in brackets. `at` names one of four places for a connection.
pub mod op {
    /// \[at, device\] A handset connects.
    pub const CONNECT: u8 = 0;
    /// \[at\] Its connection is gone.
    pub const DISCONNECT: u8 = 1;
    /// \[at, block\] It sends these bytes.
    pub const BYTES: u8 = 2;
    /// \[at, how, epoch\] It says `Hello` for its own numbers; how: bit 0 holds
    /// that epoch, bit 1 an old session number, bit 2 one number of somebody else.
    pub const HELLO: u8 = 3;
    /// \[at, seq, to\] It submits.
    pub const SUBMIT: u8 = 4;
    /// \[at, cursor, unsettled\] It acknowledges.
    pub const ACK: u8 = 5;
    /// \[at, seq, how\] It takes back; how: low bits how many, bit 7 the epoch before.
    pub const REVOKE: u8 = 6;
    /// \[at, kind, a\] It sends something else.
    pub const OTHER: u8 = 7;
    /// \[a\] Time passes: a seconds below 128, above it 2^(a mod 24) seconds.
    pub const PASS: u8 = 8;
    /// \[a\] A commit fails soon: bits 0 and 1 how soon, bit 2 as if it had not.
    pub const FAULT: u8 = 9;
    /// The gateway dies and starts again.
    pub const RESTART: u8 = 10;
    /// \[number, device\] A number moves to a device.
    pub const PROVISION: u8 = 11;
    /// \[a\] Inputs gather for one turn (odd), or have each its own (even).
    pub const GATHER: u8 = 12;
    /// \[a\] If a is 255: the gateway drains.
    pub const DRAIN: u8 = 13;
    /// How many there are.
    pub const COUNT: u8 = 14;
}

/// 2025-01-01 and 690 days: the first epoch granted is 690.
const START_UNIX_S: u64 = 1_735_689_600 + 690 * 86_400;
/// Places for connections.
const PLACES: usize = 4;
/// Devices with a number; one more has none.
const DEVICES: u8 = 3;
/// Ticks at one moment until the next one lies ahead.
const MAX_TICKS_AT_ONCE: usize = 100;
/// In front of each content, so that a delivery tells its seq.
const SEQ_BYTES: usize = size_of::<u64>();

/// Steps as in [`op`].
///
/// # Panics
///
/// If a promise is broken.
pub fn core(input: &[u8]) {
    let mut world = World::new();
    let mut steps = Reader::new(input);
    while !steps.is_empty() {
        world.step(&mut steps);
    }
    world.turn();
}

/// A number; the first four are bound.
#[must_use]
pub fn number(n: u8) -> E164 {
    E164::new(254_700_000_000 + u64::from(n)).unwrap_or_else(|error| panic!("{error}"))
}

const fn device(id: u8) -> DeviceKey {
    DeviceKey([id; 32])
}

/// Device 0 has two numbers, like a phone with two SIMs.
const fn numbers_of(device: u8) -> &'static [u8] {
    match device {
        0 => &[0, 1],
        1 => &[2],
        2 => &[3],
        _ => &[9],
    }
}

/// A message as the gateway numbers it.
type Sent = (E164, Epoch, Seq);

/// A connection as the harness sees it.
#[derive(Debug, Default)]
struct Conn {
    device: u8,
    /// Numbers of its `Hello`, and the epoch each holds.
    hello: Vec<(E164, Option<Epoch>)>,
    /// Epochs served, by slot.
    epochs: Vec<Option<Epoch>>,
    /// The last cursor, by slot.
    cursors: BTreeMap<Slot, Cursor>,
    unacked: BTreeSet<(Slot, Cursor)>,
    closed: bool,
}

struct World {
    core: Core,
    config: Config,
    storage: MemoryStorage,
    now: Now,
    places: [Option<ConnId>; PLACES],
    conns: BTreeMap<ConnId, Conn>,
    session_nos: [u64; DEVICES as usize + 1],
    gathered: Vec<Input>,
    gather: bool,
    revoked: BTreeSet<Sent>,
    delivered: BTreeSet<Sent>,
}

/// Small enough that an input reaches every limit.
fn config() -> Config {
    Config {
        max_connections: 6,
        mailbox_entries: 12,
        mailbox_bytes: 4096,
        max_unacked_entries: 4,
        max_unacked_bytes: 2048,
        max_content_bytes: 1024,
        mail_ttl_s: 600,
        ..Config::default()
    }
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            core: Core::new(config()),
            config: config(),
            storage: MemoryStorage::new(),
            now: Now {
                instant_ms: 0,
                unix_s: START_UNIX_S,
            },
            places: [None; PLACES],
            conns: BTreeMap::new(),
            session_nos: [0; DEVICES as usize + 1],
            gathered: Vec::new(),
            gather: false,
            revoked: BTreeSet::new(),
            delivered: BTreeSet::new(),
        };
        for id in 0..DEVICES {
            for n in numbers_of(id) {
                world.provision(*n, id);
            }
        }
        world
    }

    /// A fault that is planned for the next commit may take this one.
    fn provision(&mut self, n: u8, id: u8) {
        let tx = self.storage.begin();
        let _ = tx.and_then(|mut tx| {
            provision(&mut tx, number(n), device(id))?;
            tx.commit()
        });
    }

    // -- turns ------------------------------------------------------------------

    fn input(&mut self, input: Input) {
        self.gathered.push(input);
        if !self.gather {
            self.turn();
        }
    }

    fn turn(&mut self) {
        let inputs = std::mem::take(&mut self.gathered);
        match self.core.turn(&mut self.storage, self.now, inputs) {
            Ok(outputs) => {
                for output in outputs {
                    self.output(output);
                }
            }
            Err(_) => {
                for conn in self.core.take_lost_connections() {
                    self.conns.entry(conn).or_default().closed = true;
                }
            }
        }
        for conn in self.conns.values() {
            let most = self.config.max_unacked_entries;
            assert!(conn.unacked.len() <= most, "more delivered than allowed");
        }
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Close { conn } => {
                let known = self.conns.entry(conn).or_default();
                assert!(!known.closed, "closed twice");
                known.closed = true;
            }
            Output::Send { conn, frame } => {
                assert!(frame.allowed(Direction::ToHandset), "{}", frame.name());
                assert_eq!(over_the_wire(&frame), frame);
                let Some(known) = self.conns.get_mut(&conn) else {
                    panic!("{} for nobody", frame.name());
                };
                assert!(!known.closed, "{} after Close", frame.name());
                match frame {
                    Frame::Welcome(welcome) => known.welcomed(&welcome),
                    Frame::Deliver(deliver) => {
                        known.delivered(deliver.slot, deliver.cursor);
                        let seq = seq_of(&deliver.content);
                        let sent = (deliver.from, deliver.epoch, seq);
                        assert!(
                            !self.revoked.contains(&sent),
                            "{sent:?} is delivered after it was revoked"
                        );
                        self.delivered.insert(sent);
                    }
                    Frame::Receipt(Receipt {
                        slot,
                        kind: ReceiptKind::ReadBy { cursor, .. },
                    }) => known.delivered(slot, cursor),
                    Frame::Revoked(revoked) => {
                        let (number, current) = known.slot(revoked.slot);
                        let Some(epoch) = revoked.epoch.or(current) else {
                            panic!("an answer for a slot that is not served");
                        };
                        for (seq, outcome) in revoked.results {
                            let sent = (number, epoch, seq);
                            if outcome == RevokeOutcome::Revoked {
                                assert!(
                                    !self.delivered.contains(&sent),
                                    "{sent:?} is revoked after it was delivered"
                                );
                                self.revoked.insert(sent);
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    fn pass(&mut self, seconds: u64) {
        self.turn();
        self.now.instant_ms += seconds * 1000;
        self.now.unix_s += seconds;
        for _ in 0..MAX_TICKS_AT_ONCE {
            match self.core.poll_timeout() {
                Some(at_ms) if at_ms <= self.now.instant_ms => {
                    self.gathered.push(Input::Tick);
                    self.turn();
                }
                _ => return,
            }
        }
        panic!("{:?} stays due", self.core.poll_timeout());
    }

    // -- steps ------------------------------------------------------------------

    fn step(&mut self, steps: &mut Reader<'_>) {
        match steps.byte() % op::COUNT {
            op::CONNECT => {
                let (at, id) = (steps.byte(), steps.byte());
                self.connect(at, id % (DEVICES + 1));
            }
            op::DISCONNECT => {
                let at = usize::from(steps.byte()) % PLACES;
                if let Some(conn) = self.places[at].take() {
                    self.disconnect(conn);
                }
            }
            op::BYTES => {
                let (at, stream) = (steps.byte(), steps.block());
                self.bytes(at, stream);
            }
            op::HELLO => {
                let (at, how, epoch) = (steps.byte(), steps.byte(), steps.byte());
                self.hello(at, how, epoch);
            }
            op::SUBMIT => {
                let (at, seq, to) = (steps.byte(), steps.count(), steps.byte());
                let content = OpaqueContent::new(Bytes::from(vec![to; usize::from(to)]));
                self.say(
                    at,
                    Frame::Submit(Submit {
                        slot: Slot(u32::from(to >> 7)),
                        seq: Seq(seq.max(1)),
                        to: number(to % 6),
                        lane_seq: LaneSeq(seq),
                        content: content.unwrap_or_else(|error| panic!("{error}")),
                    }),
                );
            }
            op::ACK => {
                let (at, cursor, unsettled) = (steps.byte(), steps.byte(), steps.byte());
                self.say(
                    at,
                    Frame::Ack(Ack {
                        slot: Slot(u32::from(cursor >> 7)),
                        cursor: Cursor(u64::from(cursor & 127)),
                        lowest_unsettled: (unsettled != 0).then_some(Seq(unsettled.into())),
                    }),
                );
            }
            op::REVOKE => {
                let (at, first, how) = (steps.byte(), steps.count().max(1), steps.byte());
                self.say(
                    at,
                    Frame::Revoke(Revoke {
                        slot: Slot(u32::from(how >> 6 & 1)),
                        epoch: (how & 128 != 0).then_some(Epoch(690)),
                        seqs: (first..=first + u64::from(how & 7)).map(Seq).collect(),
                    }),
                );
            }
            op::OTHER => {
                let (at, kind, a) = (steps.byte(), steps.byte(), steps.byte());
                self.say(at, other(kind, a));
            }
            op::PASS => {
                let a = steps.byte();
                self.pass(if a < 128 { a.into() } else { 1 << (a % 24) });
            }
            op::FAULT => {
                let a = steps.byte();
                let fault = if a & 4 == 0 {
                    CommitFault::Lost
                } else {
                    CommitFault::Kept
                };
                self.storage.plan_fault(u64::from(a & 3), fault);
            }
            op::RESTART => {
                self.core = Core::new(self.config.clone());
                self.gathered.clear();
                self.places = [None; PLACES];
                for conn in self.conns.values_mut() {
                    conn.closed = true;
                }
            }
            op::PROVISION => {
                let (n, id) = (steps.byte(), steps.byte());
                self.provision(n % 5, id % DEVICES);
            }
            op::GATHER => {
                self.gather = !steps.byte().is_multiple_of(2);
                self.turn();
            }
            _ => {
                if steps.byte() == u8::MAX {
                    self.input(Input::Drain { retry_after_s: 5 });
                }
            }
        }
    }

    /// What was gathered before is answered before.
    fn disconnect(&mut self, conn: ConnId) {
        self.turn();
        self.conns.entry(conn).or_default().closed = true;
        self.gathered.push(Input::Disconnected { conn });
        self.turn();
    }

    fn connect(&mut self, at: u8, id: u8) {
        let conn = ConnId(self.conns.len() as u64 + 1);
        self.places[usize::from(at) % PLACES] = Some(conn);
        self.conns.insert(
            conn,
            Conn {
                device: id,
                ..Conn::default()
            },
        );
        self.input(Input::Connected {
            conn,
            device: device(id),
        });
    }

    /// The connection at a place, if the gateway has not closed it.
    fn at(&self, at: u8) -> Option<ConnId> {
        self.places[usize::from(at) % PLACES].filter(|conn| !self.conns[conn].closed)
    }

    fn bytes(&mut self, at: u8, stream: &[u8]) {
        let Some(conn) = self.at(at) else {
            return;
        };
        let (frames, error) = read(Decoder::wire(), stream.chunks(MAX_READ_CHUNK_BYTES));
        let mut broken = error.is_some();
        for raw in frames {
            match codec::decode(raw) {
                Ok(Some(frame)) => self.feed(conn, frame),
                Ok(None) => {}
                Err(_) => {
                    broken = true;
                    break;
                }
            }
        }
        if broken {
            self.disconnect(conn);
        }
    }

    fn hello(&mut self, at: u8, how: u8, epoch: u8) {
        let Some(conn) = self.at(at) else {
            return;
        };
        let id = self.conns[&conn].device;
        let mut numbers = numbers_of(id).to_vec();
        if how & 4 != 0 {
            numbers.push(4);
        }
        let slots = numbers.into_iter().map(|n| {
            let held = EpochPosition {
                epoch: Epoch(690 + u32::from(epoch & 7)),
                next_seq: Seq(1 + u64::from(epoch >> 3)),
                lowest_unsettled: Seq(1 + u64::from(epoch >> 4)),
            };
            HelloSlot {
                number: number(n),
                binding: if how & 1 != 0 {
                    Binding::Held(held)
                } else {
                    Binding::Wanted { last: Epoch(0) }
                },
                cursor: Cursor(u64::from(how >> 4)),
                cursor_check: 0,
                old: (how & 8 != 0).then_some(held).into_iter().collect(),
            }
        });
        let slots = slots.collect();
        let session_no = &mut self.session_nos[usize::from(id)];
        *session_no += u64::from(how & 2 == 0);
        let session_no = SessionNo(*session_no);
        self.say(
            at,
            Frame::Hello(Hello {
                session_no,
                after: SessionNo(0),
                slots,
            }),
        );
    }

    fn say(&mut self, at: u8, frame: Frame) {
        if let Some(conn) = self.at(at) {
            self.feed(conn, over_the_wire(&frame));
        }
    }

    fn feed(&mut self, conn: ConnId, mut frame: Frame) {
        let known = self.conns.entry(conn).or_default();
        match &mut frame {
            // The first counts; a second ends the connection.
            Frame::Hello(hello) if known.hello.is_empty() => {
                known.hello = hello.slots.iter().map(greeting).collect();
            }
            Frame::Submit(submit) => submit.content = with_seq(submit),
            Frame::Ack(ack) => {
                let covered = |at: &(Slot, Cursor)| at.0 == ack.slot && at.1 <= ack.cursor;
                known.unacked.retain(|at| !covered(at));
            }
            _ => {}
        }
        self.input(Input::Frame { conn, frame });
    }
}

impl Conn {
    fn welcomed(&mut self, welcome: &Welcome) {
        assert_eq!(welcome.slots.len(), self.hello.len(), "one answer a slot");
        let answers = welcome.slots.iter().zip(&self.hello);
        self.epochs = answers
            .map(|(slot, (_, held))| match slot.status {
                SlotStatus::Granted(epoch) => Some(epoch),
                SlotStatus::Ok => *held,
                SlotStatus::NotBound | SlotStatus::EpochClosed => None,
            })
            .collect();
    }

    /// The number of a slot, and its epoch if it is served.
    fn slot(&self, slot: Slot) -> (E164, Option<Epoch>) {
        let index = slot.get() as usize;
        let Some((number, _)) = self.hello.get(index) else {
            panic!("slot {slot} is none of this connection's");
        };
        (*number, self.epochs.get(index).copied().flatten())
    }

    fn delivered(&mut self, slot: Slot, cursor: Cursor) {
        let (_, epoch) = self.slot(slot);
        assert!(epoch.is_some(), "delivered on a slot that is not served");
        let before = self.cursors.insert(slot, cursor);
        assert!(before < Some(cursor), "cursors go back");
        self.unacked.insert((slot, cursor));
    }
}

fn greeting(slot: &HelloSlot) -> (E164, Option<Epoch>) {
    let held = match slot.binding {
        Binding::Held(position) => Some(position.epoch),
        Binding::Wanted { .. } => None,
    };
    (slot.number, held)
}

/// Content that begins with its seq. The same submission stays the same.
fn with_seq(submit: &Submit) -> OpaqueContent {
    let mut bytes = submit.seq.get().to_le_bytes().to_vec();
    bytes.extend_from_slice(submit.content.as_bytes());
    bytes.truncate(MAX_CONTENT_BYTES);
    OpaqueContent::new(bytes.into()).unwrap_or_else(|error| panic!("{error}"))
}

fn seq_of(content: &OpaqueContent) -> Seq {
    let Some(bytes) = content.as_bytes().first_chunk::<SEQ_BYTES>() else {
        panic!("content that nobody sent");
    };
    Seq(u64::from_le_bytes(*bytes))
}

fn other(kind: u8, a: u8) -> Frame {
    let slot = Slot(u32::from(a >> 7));
    let mark = ReadMark {
        peer: number(a & 3),
        epoch: Epoch(690 + u32::from(a >> 2 & 3)),
        upto: LaneSeq(u64::from(a >> 4)),
    };
    match kind % 7 {
        0 => Frame::Receipt(Receipt {
            slot,
            kind: ReceiptKind::Read(mark),
        }),
        1 => Frame::Receipt(Receipt {
            slot,
            kind: ReceiptKind::Rejected {
                cursor: Cursor(u64::from(a & 127).max(1)),
                reason: RejectReason::Unreadable,
            },
        }),
        2 => Frame::Lookup(Lookup {
            id: a.into(),
            numbers: (0..a % 65).map(number).collect(),
        }),
        3 => Frame::Typing(Typing {
            slot,
            peer: number(a & 7),
            stopped: false,
        }),
        4 => Frame::Ping(a.into()),
        // Travels the other way only.
        5 => Frame::Welcome(Welcome {
            time_s: 0,
            slots: Vec::new(),
            idle_limit_s: 0,
            since: Vec::new(),
        }),
        _ => Frame::Goodbye(twine_proto::frame::Goodbye {
            reason: twine_proto::frame::GoodbyeReason::Closing,
            retry_after_s: 0,
            redirect: String::new(),
            session_no: SessionNo(0),
            detail: String::new(),
        }),
    }
}
