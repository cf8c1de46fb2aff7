//! Connections through the NAT, and the gateway behind it: it answers, and holds
//! messages that do not arrive until the phone is heard again.

use std::collections::BTreeMap;

use twine_engine::TransportKind;
use twine_proto::frame::{Accepted, Deliver, SentState, SlotStatus, Welcome, WelcomeSlot};
use twine_proto::{Content, Cursor, E164, Epoch, Frame, LaneSeq, Seq, Slot};

use super::client::{Act, ConnNo, Packet, Seen};
use super::world::{SECOND, World};

/// The phone's number.
pub const OWN: u64 = 254_712_345_678;
/// Who writes to it.
pub const PEER: u64 = 254_700_000_001;

const EPOCH: Epoch = Epoch(690);
/// The gateway's default.
const IDLE_LIMIT_S: u32 = 1_800;
const ONE_WAY: u64 = 75;
/// A lost packet is sent again so long after it was sent first.
const AGAIN: [u64; 7] = [
    0,
    SECOND,
    3 * SECOND,
    7 * SECOND,
    15 * SECOND,
    31 * SECOND,
    63 * SECOND,
];

/// Measured on loopback, both ways, IP headers included: `daemon/src/transport`.
const EXCHANGE_BYTES: [u64; 2] = [187, 208];
const CONNECT_BYTES: [u64; 2] = [4_315, 2_361];
const VALIDATE_BYTES: u64 = 3_956 - 187;

/// What happens on the way.
#[derive(Debug, Clone)]
pub enum Event {
    /// A handshake is done.
    Handshake(ConnNo),
    /// A packet reaches the NAT from the phone.
    Up(ConnNo, Packet),
    /// … from the gateway.
    Down(ConnNo, Packet),
    /// The gateway tries what it holds.
    Flush,
    /// The client sees something.
    Tell(Seen),
}

#[derive(Debug)]
struct Conn {
    transport: TransportKind,
    phone_open: bool,
    established: bool,
    /// Speaks Twine's frames.
    frames: bool,
    /// When something passed the NAT last.
    last: u64,
    /// The NAT has seen it from where the phone is now.
    mapped: bool,
    /// Streams keep their order.
    busy: [u64; 2],
}

impl Conn {
    const fn kind(&self) -> usize {
        match self.transport {
            TransportKind::Quic => 0,
            TransportKind::Tls => 1,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Path<'a> {
    world: &'a World,
    conns: BTreeMap<ConnNo, Conn>,
    /// By which the gateway reaches the phone.
    session: Option<ConnNo>,
    mail: u64,
    high_water: Seq,
    granted: bool,
    delivered: u64,
    accounted: u64,
    /// Milliseconds.
    pub unreachable: u64,
    /// As far as they are counted.
    pub bytes: u64,
    /// Handshakes.
    pub connects: u64,
}

type Events = Vec<(u64, Event)>;

impl<'a> Path<'a> {
    /// Nothing connected yet.
    #[must_use]
    pub const fn new(world: &'a World) -> Self {
        Self {
            world,
            conns: BTreeMap::new(),
            session: None,
            mail: 0,
            high_water: Seq(0),
            granted: false,
            delivered: 0,
            accounted: 0,
            unreachable: 0,
            bytes: 0,
            connects: 0,
        }
    }

    /// Counts the time up to now, in which nothing has happened.
    pub fn account(&mut self, now: u64) {
        let from = std::mem::replace(&mut self.accounted, now);
        let lost_from = match self.reaches() {
            Some(conn) => self.world.forgotten_at(conn.kind(), conn.last).max(from),
            None => from,
        };
        if lost_from < now {
            self.unreachable += now - lost_from - self.world.hole_time(lost_from, now);
        }
    }

    /// The connection by which the gateway could reach the phone, if the NAT remembers.
    fn reaches(&self) -> Option<&Conn> {
        let conn = self.conns.get(&self.session?)?;
        (conn.phone_open && conn.established && conn.mapped).then_some(conn)
    }

    /// When what is sent now gets through.
    fn through(&self, now: u64) -> Option<u64> {
        let mut tries = AGAIN.iter().map(|later| now + later);
        tries.find(|at| self.world.hole_at(*at).is_none())
    }

    /// The client acts.
    #[must_use]
    pub fn act(&mut self, now: u64, act: Act) -> Events {
        match act {
            Act::Connect(conn, transport) => {
                self.conns.retain(|_, conn| conn.phone_open);
                self.conns.insert(
                    conn,
                    Conn {
                        transport,
                        phone_open: true,
                        established: false,
                        frames: false,
                        last: now,
                        mapped: true,
                        busy: [0; 2],
                    },
                );
                let trips = match transport {
                    TransportKind::Quic => 2,
                    TransportKind::Tls => 4,
                };
                let done = self.through(now).map(|at| at + trips * ONE_WAY);
                done.map(|at| (at, Event::Handshake(conn)))
                    .into_iter()
                    .collect()
            }
            Act::Send(conn, packet) => self.send(now, conn, packet, 0),
            Act::Move(conn) => {
                if let Some(conn) = self.conns.get_mut(&conn) {
                    conn.mapped = false;
                }
                vec![(now, Event::Tell(Seen::Moved(conn)))]
            }
            Act::Close(conn) => {
                if let Some(conn) = self.conns.get_mut(&conn) {
                    conn.phone_open = false;
                }
                Vec::new()
            }
        }
    }

    /// `way`: 0 up, 1 down.
    fn send(&mut self, now: u64, conn: ConnNo, packet: Packet, way: usize) -> Events {
        let Some(at) = self.through(now) else {
            return Vec::new();
        };
        let Some(state) = self.conns.get_mut(&conn) else {
            return Vec::new();
        };
        let at = (at + way as u64 * ONE_WAY).max(state.busy[way]);
        state.busy[way] = at;
        let event = match way {
            0 => Event::Up(conn, packet),
            _ => Event::Down(conn, packet),
        };
        vec![(at, event)]
    }

    /// Something happens on the way; `Tell` does not come here.
    #[must_use]
    pub fn happens(&mut self, now: u64, event: Event) -> Events {
        match event {
            Event::Handshake(conn) => {
                let Some(state) = self.conns.get_mut(&conn).filter(|c| c.phone_open) else {
                    return Vec::new();
                };
                state.established = true;
                state.last = now;
                self.connects += 1;
                self.bytes += CONNECT_BYTES[state.kind()];
                vec![(now, Event::Tell(Seen::Connected(conn)))]
            }
            Event::Up(conn, packet) => self.up(now, conn, packet),
            Event::Down(conn, packet) => self.down(now, conn, packet),
            Event::Flush => self.flush(now),
            Event::Tell(_) => Vec::new(),
        }
    }

    fn up(&mut self, now: u64, conn: ConnNo, packet: Packet) -> Events {
        let Some(state) = self.conns.get_mut(&conn) else {
            return Vec::new();
        };
        if !state.phone_open || !state.established {
            return Vec::new();
        }
        let kind = state.kind();
        let forgotten = self.world.forgotten_at(kind, state.last) <= now;
        let mut events = Vec::new();
        if forgotten && state.transport == TransportKind::Tls {
            if self.world.resets {
                events.push((now + 2 * ONE_WAY, Event::Tell(Seen::Broken(conn))));
            }
            return events;
        }
        if forgotten || !state.mapped {
            self.bytes += VALIDATE_BYTES;
            events.push((now + 2 * ONE_WAY, Event::Tell(Seen::Validated(conn))));
        }
        state.mapped = true;
        state.last = now;
        for answer in self.answers(conn, kind, packet) {
            events.extend(self.send(now + ONE_WAY, conn, answer, 1));
        }
        events.extend(self.flush(now + ONE_WAY));
        events
    }

    fn answers(&mut self, conn: ConnNo, kind: usize, packet: Packet) -> Vec<Packet> {
        let answer = match packet {
            Packet::Request(request) => {
                self.bytes += EXCHANGE_BYTES[kind];
                self.session = Some(conn);
                Packet::Answer(request)
            }
            Packet::Text(request) => Packet::Answer(request),
            Packet::Frame(Frame::Ping(nonce)) => {
                self.bytes += EXCHANGE_BYTES[kind];
                Packet::Frame(Frame::Pong(nonce))
            }
            Packet::Frame(Frame::Hello(hello)) => {
                self.session = Some(conn);
                if let Some(state) = self.conns.get_mut(&conn) {
                    state.frames = true;
                }
                let status = if std::mem::replace(&mut self.granted, true) {
                    SlotStatus::Ok
                } else {
                    SlotStatus::Granted(EPOCH)
                };
                let slot = WelcomeSlot {
                    status,
                    state: SentState {
                        high_water: self.high_water,
                        ..SentState::default()
                    },
                    old: Vec::new(),
                };
                Packet::Frame(Frame::Welcome(Welcome {
                    time_s: 0,
                    slots: vec![slot; hello.slots.len()],
                    idle_limit_s: IDLE_LIMIT_S,
                    since: Vec::new(),
                }))
            }
            Packet::Frame(Frame::Submit(submit)) => {
                self.high_water = self.high_water.max(submit.seq);
                Packet::Frame(Frame::Accepted(Accepted {
                    slot: submit.slot,
                    upto: self.high_water,
                    ..Accepted::default()
                }))
            }
            Packet::Frame(_) | Packet::Answer(_) | Packet::Push => return Vec::new(),
        };
        vec![answer]
    }

    fn down(&mut self, now: u64, conn: ConnNo, packet: Packet) -> Events {
        let arrives = self.conns.get_mut(&conn).is_some_and(|state| {
            let remembered = self.world.forgotten_at(state.kind(), state.last) > now;
            let arrives = state.phone_open && state.mapped && remembered;
            if arrives {
                state.last = now;
            }
            arrives
        });
        if arrives {
            return vec![(now, Event::Tell(Seen::Came(conn, packet)))];
        }
        if matches!(packet, Packet::Push | Packet::Frame(Frame::Deliver(_))) {
            self.mail += 1;
        }
        Vec::new()
    }

    /// Somebody writes to the phone.
    #[must_use]
    pub fn message(&mut self, now: u64) -> Events {
        self.mail += 1;
        self.flush(now)
    }

    fn flush(&mut self, now: u64) -> Events {
        let Some(conn) = self.session.filter(|_| {
            self.world.hole_at(now).is_none()
                && self
                    .reaches()
                    .is_some_and(|conn| self.world.forgotten_at(conn.kind(), conn.last) > now)
        }) else {
            return Vec::new();
        };
        let mut events = Vec::new();
        for _ in 0..std::mem::take(&mut self.mail) {
            let frames = self.conns.get(&conn).is_some_and(|conn| conn.frames);
            let packet = if frames {
                self.delivery()
            } else {
                Packet::Push
            };
            events.extend(self.send(now, conn, packet, 1));
        }
        events
    }

    fn delivery(&mut self) -> Packet {
        self.delivered += 1;
        let (Ok(from), Ok(content)) = (E164::new(PEER), Content::text("Habari".to_owned())) else {
            unreachable!("a number and a text");
        };
        Packet::Frame(Frame::Deliver(Deliver {
            slot: Slot(0),
            cursor: Cursor(self.delivered),
            from,
            epoch: EPOCH,
            lane_seq: LaneSeq(self.delivered),
            age_s: 0,
            content: content.encode(),
            maybe_by_sms: false,
        }))
    }
}
