//! How handsets come back to a gateway that was away: not all at once.
//!
//! Many engines with live sessions and stores of their own, one gateway that stops in one
//! of several ways and is there again after a while. Counted are the connections that
//! handsets open, second by second: that is what a gateway has to stand. A few users
//! write meanwhile; they should not wait for the sake of the gateway.
//!
//! The gateway here only counts and greets; the network costs a round trip. What the
//! engine does about it: `Session` in `daemon/engine`, "A gateway that restarts".
//!
//! A process that is killed is noticed at once by TCP only: its kernel resets the
//! connections. QUIC's are gone without a word. Who says something, or whose heartbeat is
//! due, is answered by a stateless reset once the next process is there (`net/quic` of the
//! gateway, one a millisecond), and by nobody before. Sessions are three hours old when the
//! gateway stops, and their heartbeats learned, so an idle one may find out half an hour
//! later; whoever writes to that handset meanwhile waits as long. Four handsets in five
//! hold their session by QUIC, as many as a large app could keep on it in emerging markets;
//! the others' networks eat UDP. The worst case is beside it: all by TCP, all reset at once.
//!
//! 10,000 handsets, seed 1; arrivals in a second while the gateway is there, mean until 99 %
//! are back:
//!
//! | | peak | mean | 50 % back | all | who was told | who writes |
//! |---|---|---|---|---|---|---|
//! | killed, back after 2 s | 161 | 5.9 | 540 s | 28 min | 33 s | 6 s |
//! | killed, back after 30 s | 180 | 6.0 | 512 s | 28 min | 40 s | 31 s |
//! | killed, back after 10 min | 248 | 9.2 | 191 s | 18 min | 321 s | 251 s |
//! | killed, all by TCP, back after 2 s | 458 | 333 | 15 s | 33 s | 33 s | 4 s |
//! | killed, all by TCP, back after 30 s | 760 | 310 | 11 s | 43 s | 43 s | 33 s |
//! | drained, pause of 5 s, back after 5 s | 450 | 319 | 16 s | 32 s | 32 s | 4 s |
//!
//! So a gateway should be drained, not killed: that tells all, also by QUIC.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use twine_engine::TransportKind;
use twine_proto::frame::{
    Accepted, Goodbye, GoodbyeReason, SentState, SlotStatus, Welcome, WelcomeSlot,
};
use twine_proto::{Epoch, Frame, SessionNo};

use crate::heartbeat_eval::client::{Act, Client as _, ConnNo, Packet, Seen};
use crate::heartbeat_eval::twine::Twine;
use crate::rng::Rng;

/// How the gateway stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The process dies: every TCP connection is reset at once, no QUIC connection is.
    Killed,
    /// It says goodbye, and asks for a pause of so many seconds.
    Drained(u32),
}

/// One case.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// For people.
    pub name: &'static str,
    /// How it stops.
    pub stop: Stop,
    /// It is there again after so many seconds.
    pub away_s: u64,
    /// Of a hundred handsets so many are on networks that let UDP through.
    pub quic_percent: u64,
}

/// See the module.
const QUIC_PERCENT: u64 = 80;

/// All that are compared.
pub const CASES: [Case; 6] = [
    Case {
        name: "killed, back after 2 s",
        stop: Stop::Killed,
        away_s: 2,
        quic_percent: QUIC_PERCENT,
    },
    Case {
        name: "killed, back after 30 s",
        stop: Stop::Killed,
        away_s: 30,
        quic_percent: QUIC_PERCENT,
    },
    Case {
        name: "killed, back after 10 min",
        stop: Stop::Killed,
        away_s: 600,
        quic_percent: QUIC_PERCENT,
    },
    Case {
        name: "killed, all by TCP, back after 2 s",
        stop: Stop::Killed,
        away_s: 2,
        quic_percent: 0,
    },
    Case {
        name: "killed, all by TCP, back after 30 s",
        stop: Stop::Killed,
        away_s: 30,
        quic_percent: 0,
    },
    Case {
        name: "drained, pause of 5 s, back after 5 s",
        stop: Stop::Drained(5),
        away_s: 5,
        quic_percent: QUIC_PERCENT,
    },
];

/// What came of one.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The case.
    pub case: Case,
    /// Handsets.
    pub handsets: usize,
    /// Connections opened in each second after the stop, while the gateway is there.
    pub arrivals: Vec<u32>,
    /// The same, while nobody is there to take them.
    pub refused: Vec<u32>,
    /// Seconds after the gateway's return until the session of each was back, sorted.
    pub back: Vec<f64>,
    /// The same, of those whose users wrote in the first seconds.
    pub writers: Vec<f64>,
    /// The same, of those who were told when the gateway stopped.
    pub told: Vec<f64>,
}

impl Outcome {
    /// The busiest second of the gateway.
    #[must_use]
    pub fn peak(&self) -> u32 {
        self.arrivals.iter().copied().max().unwrap_or(0)
    }

    /// Arrivals in a second, on an average from the gateway's return until 99 % are back.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.handsets as f64 * 0.99 / self.back_by(0.99).max(1.0)
    }

    /// The busiest second while it was away.
    #[must_use]
    pub fn refused_peak(&self) -> u32 {
        self.refused.iter().copied().max().unwrap_or(0)
    }

    /// This share of all handsets, 0 to 1, was back by then.
    #[must_use]
    pub fn back_by(&self, share: f64) -> f64 {
        quantile(&self.back, share)
    }

    /// The same of those who were told when the gateway stopped.
    #[must_use]
    pub fn told_by(&self, share: f64) -> f64 {
        quantile(&self.told, share)
    }

    /// The same of those whose users wrote.
    #[must_use]
    pub fn writers_by(&self, share: f64) -> f64 {
        quantile(&self.writers, share)
    }
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len().saturating_sub(1) as f64 * share) as usize;
    // Nobody is late where nobody is.
    sorted.get(at).copied().unwrap_or(0.0)
}

/// The busiest second may see this share of all handsets: three times as many as if they
/// came evenly over the time they are spread over.
const MOST_IN_A_SECOND: f64 = 0.1;
/// After an outage all who were told of it are back within this and its length.
const TOLD_BACK_S: f64 = 60.0;
/// The others a minute after their heartbeat is due, at the latest: its ceiling.
const ALL_BACK_S: f64 = 1_760.0;
/// A user who writes waits for this and, since waits double, another outage at most.
const WRITER_BACK_S: f64 = 5.0;

/// What does not hold.
#[must_use]
pub fn failures(outcomes: &[Outcome]) -> Vec<String> {
    let mut failures = Vec::new();
    for outcome in outcomes {
        let name = outcome.case.name;
        let away = outcome.case.away_s as f64;
        let most = outcome.handsets as f64 * MOST_IN_A_SECOND;
        if f64::from(outcome.peak()) > most {
            failures.push(format!(
                "{name}: {} handsets in one second, more than {most:.0}",
                outcome.peak()
            ));
        }
        for (who, by, most) in [
            ("all", outcome.back_by(1.0), ALL_BACK_S + away),
            ("told", outcome.told_by(1.0), TOLD_BACK_S + away),
            ("writers", outcome.writers_by(1.0), WRITER_BACK_S + away),
        ] {
            if by > most {
                failures.push(format!(
                    "{name}: {who} back after {by:.1} s, more than {most:.0}"
                ));
            }
        }
    }
    failures
}

const SECOND: u64 = 1000;
const ONE_WAY_MS: u64 = 75;
/// They begin spread over this time,
const BEGIN_MS: u64 = 1_800 * SECOND;
/// and are live and idle by then, with heartbeats that are learned.
const STOP_MS: u64 = 3 * 3_600 * SECOND;
/// One user in so many writes within [`WRITING_MS`] of the stop.
const WRITER_ONE_IN: u64 = 50;
const WRITING_MS: u64 = 2 * SECOND;
/// Nobody is awaited for longer after the gateway's return.
const PATIENCE_MS: u64 = 3_600 * SECOND;
/// QUIC sends again what is not answered, so long after it was sent first: doubling from
/// a second, about what its loss detection makes of a first guess of 200 to 350 ms.
const AGAIN_MS: [u64; 3] = [SECOND, 3 * SECOND, 7 * SECOND];
/// The gateway's stateless resets, all clients together.
const RESET_EVERY_MS: u64 = 1;

/// Runs a case.
#[must_use]
pub fn run(case: Case, handsets: usize, seed: u64) -> Outcome {
    World::new(case, handsets, seed).run()
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: u64,
    no: u64,
    handset: usize,
    what: What,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Begin,
    Wake,
    /// The first packet of a connection is with the gateway; whether it is TCP's.
    Arrives(ConnNo, bool),
    /// The user writes.
    Writes,
    /// A frame is with the gateway; an index into `frames`.
    Said(ConnNo, usize),
    /// The handset sees this; an index into `seen`.
    Sees(usize),
    Stop,
}

struct Handset {
    twine: Twine,
    /// Its network lets UDP through.
    udp: bool,
    /// It was told that the gateway stopped.
    told: bool,
    /// The connection the gateway holds, and whether it is TCP.
    conn: Option<(ConnNo, bool)>,
    granted: bool,
    writes: bool,
    back_at: Option<u64>,
    high_water: twine_proto::Seq,
    wake: Option<u64>,
}

struct World {
    case: Case,
    handsets: Vec<Handset>,
    due: BinaryHeap<Reverse<Due>>,
    seen: Vec<Option<Seen>>,
    frames: Vec<Option<Frame>>,
    last: u64,
    arrivals: Vec<u32>,
    refused: Vec<u32>,
    missing: usize,
    /// No stateless reset leaves before.
    next_reset: u64,
}

impl World {
    fn new(case: Case, handsets: usize, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let mut world = Self {
            case,
            handsets: Vec::with_capacity(handsets),
            due: BinaryHeap::new(),
            seen: Vec::new(),
            frames: Vec::new(),
            last: 0,
            arrivals: Vec::new(),
            refused: Vec::new(),
            missing: handsets,
            next_reset: 0,
        };
        for handset in 0..handsets {
            let writes = rng.one_in(WRITER_ONE_IN);
            world.handsets.push(Handset {
                twine: Twine::one_of_many(seed.wrapping_add(handset as u64)),
                udp: rng.range(0, 99) < case.quic_percent,
                told: false,
                conn: None,
                granted: false,
                writes,
                back_at: None,
                high_water: twine_proto::Seq(0),
                wake: None,
            });
            world.at(rng.range(0, BEGIN_MS), handset, What::Begin);
            if writes {
                let at = STOP_MS + rng.range(0, WRITING_MS);
                world.at(at, handset, What::Writes);
            }
            world.at(STOP_MS, handset, What::Stop);
        }
        world
    }

    fn run(mut self) -> Outcome {
        let returns = STOP_MS + self.case.away_s * SECOND;
        while let Some(Reverse(due)) = self.due.pop() {
            if self.missing == 0 || due.at > returns + PATIENCE_MS {
                break;
            }
            self.happens(due);
        }
        let after = |at: u64| at.saturating_sub(returns) as f64 / SECOND as f64;
        let times = |wanted: &dyn Fn(&Handset) -> bool| {
            let all = self.handsets.iter().filter(|one| wanted(one));
            let mut times: Vec<f64> = all
                .map(|one| one.back_at.map_or(f64::INFINITY, after))
                .collect();
            times.sort_by(f64::total_cmp);
            times
        };
        Outcome {
            case: self.case,
            handsets: self.handsets.len(),
            back: times(&|_| true),
            writers: times(&|one| one.writes),
            told: times(&|one| one.told),
            arrivals: self.arrivals,
            refused: self.refused,
        }
    }

    fn at(&mut self, at: u64, handset: usize, what: What) {
        self.last += 1;
        let no = self.last;
        self.due.push(Reverse(Due {
            at,
            no,
            handset,
            what,
        }));
    }

    fn is_up(&self, now: u64) -> bool {
        !(STOP_MS..STOP_MS + self.case.away_s * SECOND).contains(&now)
    }

    fn happens(&mut self, due: Due) {
        let (now, handset) = (due.at, due.handset);
        match due.what {
            What::Begin => self.sees(now, handset, Seen::NetworkCame),
            What::Wake => {
                // Of an earlier plan: there is a later one.
                if self.handsets[handset].wake == Some(now) {
                    self.handsets[handset].wake = None;
                    self.sees(now, handset, Seen::Time);
                }
            }
            What::Writes => self.sees(now, handset, Seen::Write),
            What::Sees(index) => {
                if let Some(seen) = self.seen[index].take() {
                    self.sees(now, handset, seen);
                }
            }
            What::Stop => self.stops(now, handset),
            What::Arrives(conn, tcp) => self.arrives(now, handset, conn, tcp),
            What::Said(conn, index) => {
                if let Some(frame) = self.frames[index].take() {
                    self.said(now, handset, conn, frame);
                }
            }
        }
    }

    fn stops(&mut self, now: u64, handset: usize) {
        let one = &mut self.handsets[handset];
        let Some((conn, tcp)) = one.conn.take() else {
            return;
        };
        one.told = tcp || self.case.stop != Stop::Killed;
        match self.case.stop {
            Stop::Killed if tcp => self.tell(now, handset, Seen::Broken(conn)),
            Stop::Killed => {}
            Stop::Drained(pause) => {
                let goodbye = Frame::Goodbye(Goodbye {
                    reason: GoodbyeReason::Draining,
                    retry_after_s: pause,
                    redirect: String::new(),
                    session_no: SessionNo(0),
                    detail: String::new(),
                });
                self.tell(now, handset, Seen::Came(conn, Packet::Frame(goodbye)));
            }
        }
    }

    fn arrives(&mut self, now: u64, handset: usize, conn: ConnNo, tcp: bool) {
        if now >= STOP_MS {
            let second = ((now - STOP_MS) / SECOND) as usize;
            let up = self.is_up(now);
            for (counts, count) in [(&mut self.arrivals, up), (&mut self.refused, !up)] {
                counts.resize(counts.len().max(second + 1), 0);
                counts[second] += u32::from(count);
            }
        }
        if self.is_up(now) {
            self.handsets[handset].conn = Some((conn, tcp));
            self.tell(now, handset, Seen::Connected(conn));
        } else if tcp {
            // The machine is there, and nobody listens.
            self.tell(now, handset, Seen::Broken(conn));
        } else if let Some(at) = self.again(now) {
            self.at(at, handset, What::Arrives(conn, false));
        }
    }

    /// When a packet of QUIC that went into the void reaches the gateway that is back, if
    /// it is sent again as late as that.
    fn again(&self, now: u64) -> Option<u64> {
        let again = AGAIN_MS.into_iter().map(|after| now + after);
        again.into_iter().find(|at| self.is_up(*at))
    }

    /// A packet of a connection that this process does not know.
    fn unknown(&mut self, now: u64, handset: usize, conn: ConnNo) {
        let at = if self.is_up(now) {
            Some(now)
        } else {
            self.again(now)
        };
        if let Some(at) = at.filter(|at| *at >= self.next_reset) {
            self.next_reset = at + RESET_EVERY_MS;
            self.tell(at, handset, Seen::Broken(conn));
        }
    }

    fn said(&mut self, now: u64, handset: usize, conn: ConnNo, frame: Frame) {
        let one = &mut self.handsets[handset];
        if one.conn.is_none_or(|(held, _)| held != conn) {
            return self.unknown(now, handset, conn);
        }
        let answer = match frame {
            Frame::Hello(hello) => {
                let status = if std::mem::replace(&mut one.granted, true) {
                    SlotStatus::Ok
                } else {
                    SlotStatus::Granted(Epoch(690))
                };
                let state = SentState {
                    high_water: one.high_water,
                    ..SentState::default()
                };
                let slot = WelcomeSlot {
                    status,
                    state,
                    old: Vec::new(),
                };
                if now >= STOP_MS && one.back_at.is_none() {
                    one.back_at = Some(now + ONE_WAY_MS);
                    self.missing -= 1;
                }
                Frame::Welcome(Welcome {
                    time_s: 0,
                    slots: vec![slot; hello.slots.len()],
                    idle_limit_s: 0,
                    since: Vec::new(),
                })
            }
            Frame::Ping(nonce) => Frame::Pong(nonce),
            Frame::Submit(submit) => {
                one.high_water = one.high_water.max(submit.seq);
                Frame::Accepted(Accepted {
                    slot: submit.slot,
                    upto: one.high_water,
                    ..Accepted::default()
                })
            }
            _ => return,
        };
        self.tell(now, handset, Seen::Came(conn, Packet::Frame(answer)));
    }

    /// The handset sees it after a one-way delay.
    fn tell(&mut self, now: u64, handset: usize, seen: Seen) {
        self.seen.push(Some(seen));
        let index = self.seen.len() - 1;
        self.at(now + ONE_WAY_MS, handset, What::Sees(index));
    }

    fn sees(&mut self, now: u64, handset: usize, seen: Seen) {
        let acts = self.handsets[handset].twine.handle(now, seen);
        for act in acts {
            match act {
                Act::Connect(_, TransportKind::Quic) if !self.handsets[handset].udp => {}
                Act::Connect(conn, transport) => {
                    let tcp = transport == TransportKind::Tls;
                    self.at(now + ONE_WAY_MS, handset, What::Arrives(conn, tcp));
                }
                Act::Send(conn, Packet::Frame(frame)) => {
                    self.frames.push(Some(frame));
                    let index = self.frames.len() - 1;
                    self.at(now + ONE_WAY_MS, handset, What::Said(conn, index));
                }
                Act::Close(conn) => {
                    let one = &mut self.handsets[handset];
                    one.conn = one.conn.filter(|(held, _)| *held != conn);
                }
                Act::Send(..) | Act::Move(_) => {}
            }
        }
        let one = &mut self.handsets[handset];
        let wake = one.twine.wake_at().map(|at| at.max(now + 1));
        if wake != one.wake {
            one.wake = wake;
            if let Some(at) = wake {
                self.at(at, handset, What::Wake);
            }
        }
    }
}
