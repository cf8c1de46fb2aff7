//! The long link of Tencent's Mars, by its description: one connection by TCP.
//!
//! - A `noop` after each connect, then after each interval without anything sent. One that
//!   is not answered in 8 s ends the connection; a message in 15 s.
//! - The first three intervals of a connection are 210 s, then what was learned: from 210 s,
//!   60 s more after five successes, up to 580 s; after two failures 80 s less, and stable.
//!   Failures at 210 s do not count. A stable interval that fails twice: from the start. A
//!   stable one is tried 20 s longer after 7 days.
//! - It connects again at once after a connection that is older than the wait, and when
//!   the network changes; else after 15, 30, 120, 300 and 600 s. A connect takes at most
//!   10 s.
//!
//! Left out: that an app in use keeps 210 s, and the alarms of one maker's phones.

use std::collections::BTreeMap;

use twine_engine::TransportKind;

use super::client::{Act, Client, ConnNo, Packet, Seen};
use super::world::{DAY, SECOND};

const MIN: u64 = 210 * SECOND;
const MAX: u64 = 580 * SECOND;
const STEP: u64 = 60 * SECOND;
const SUCCESS_STEP: u64 = 20 * SECOND;
const SUCCESSES_TO_GROW: u32 = 5;
const FAILURES_TO_SHRINK: u32 = 2;
/// Successes of a connection before what was learned is used.
const STEADY_AFTER: u32 = 3;
const PROBE_AFTER: u64 = 7 * DAY;
const NOOP_TIMEOUT: u64 = 8 * SECOND;
const MESSAGE_TIMEOUT: u64 = 15 * SECOND;
const CONNECT_TIMEOUT: u64 = 10 * SECOND;
const WAITS: [u64; 5] = [
    15 * SECOND,
    30 * SECOND,
    120 * SECOND,
    300 * SECOND,
    600 * SECOND,
];

/// See the module.
#[derive(Debug)]
pub struct Mars {
    heart: Heart,
    state: State,
    network: bool,
    last_conn: ConnNo,
    last_request: u64,
    connect_began: u64,
    failures: usize,
    unsent: u64,
    heartbeats: u64,
}

#[derive(Debug)]
enum State {
    Off,
    Waiting { until: u64 },
    Connecting { until: u64 },
    Up(Up),
}

#[derive(Debug)]
struct Up {
    noop_at: u64,
    /// Request and when it is given up.
    noop: Option<(u64, u64)>,
    messages: BTreeMap<u64, u64>,
}

/// What is learned.
#[derive(Debug)]
struct Heart {
    interval: u64,
    last: u64,
    stable: bool,
    /// Successes of this connection.
    steady: u32,
    successes: u32,
    failures: u32,
    changed: u64,
}

impl Default for Mars {
    fn default() -> Self {
        Self {
            heart: Heart {
                interval: MIN,
                last: MIN,
                stable: false,
                steady: 0,
                successes: 0,
                failures: 0,
                changed: 0,
            },
            state: State::Off,
            network: false,
            last_conn: 0,
            last_request: 0,
            connect_began: 0,
            failures: 0,
            unsent: 0,
            heartbeats: 0,
        }
    }
}

impl Heart {
    fn next(&mut self) -> u64 {
        self.last = if self.steady < STEADY_AFTER {
            MIN
        } else {
            self.interval
        };
        self.last
    }

    fn succeeded(&mut self, now: u64) {
        self.steady += 1;
        if self.stable {
            let old = now - self.changed >= PROBE_AFTER;
            if old && self.steady >= STEADY_AFTER && self.interval < MAX - SUCCESS_STEP {
                self.interval += SUCCESS_STEP;
                self.successes = 0;
                self.failures = 0;
                self.stable = false;
                self.changed = now;
            }
            return;
        }
        if self.last != self.interval || self.steady < STEADY_AFTER {
            return;
        }
        self.failures = 0;
        self.successes += 1;
        if self.interval >= MAX {
            self.interval = MAX - SUCCESS_STEP;
            self.successes = 0;
            self.stable = true;
            self.changed = now;
        } else if self.successes >= SUCCESSES_TO_GROW {
            self.interval = (self.interval + STEP).min(MAX);
            self.successes = 0;
            self.changed = now;
        }
    }

    fn failed(&mut self, now: u64) {
        if self.last != self.interval || self.steady < STEADY_AFTER || self.last == MIN {
            return;
        }
        self.failures += 1;
        if self.failures < FAILURES_TO_SHRINK {
            return;
        }
        if self.stable {
            self.interval = MIN;
            self.stable = false;
        } else {
            self.interval = (self.interval - STEP - SUCCESS_STEP).max(MIN);
            self.stable = true;
        }
        self.failures = 0;
        self.successes = 0;
        self.changed = now;
    }
}

impl Mars {
    fn connect(&mut self, now: u64) -> Vec<Act> {
        if !self.network {
            self.state = State::Off;
            return Vec::new();
        }
        self.last_conn += 1;
        self.connect_began = now;
        self.state = State::Connecting {
            until: now + CONNECT_TIMEOUT,
        };
        vec![Act::Connect(self.last_conn, TransportKind::Tls)]
    }

    fn lost(&mut self, now: u64) -> Vec<Act> {
        let mut acts = vec![Act::Close(self.last_conn)];
        match &self.state {
            State::Up(up) => {
                if up.noop.is_some() {
                    self.heart.failed(now);
                }
                self.unsent += up.messages.len() as u64;
                self.failures = 0;
            }
            _ => self.failures += 1,
        }
        self.heart.steady = 0;
        let wait = WAITS[self.failures.min(WAITS.len() - 1)];
        if now >= self.connect_began + wait {
            acts.extend(self.connect(now));
        } else {
            self.state = State::Waiting {
                until: self.connect_began + wait,
            };
        }
        acts
    }

    fn request(&mut self) -> u64 {
        self.last_request += 1;
        self.last_request
    }

    fn noop(&mut self, now: u64) -> Vec<Act> {
        let (request, next) = (self.request(), self.heart.next());
        let State::Up(up) = &mut self.state else {
            return Vec::new();
        };
        up.noop = Some((request, now + NOOP_TIMEOUT));
        up.noop_at = now + next;
        vec![Act::Send(self.last_conn, Packet::Request(request))]
    }

    fn send(&mut self, now: u64) -> Vec<Act> {
        let (request, next) = (self.request(), self.heart.next());
        let State::Up(up) = &mut self.state else {
            self.unsent += 1;
            return Vec::new();
        };
        up.messages.insert(request, now + MESSAGE_TIMEOUT);
        up.noop_at = now + next;
        vec![Act::Send(self.last_conn, Packet::Text(request))]
    }

    fn time(&mut self, now: u64) -> Vec<Act> {
        match &self.state {
            State::Off => Vec::new(),
            State::Waiting { until } if *until <= now => self.connect(now),
            State::Connecting { until } if *until <= now => self.lost(now),
            State::Waiting { .. } | State::Connecting { .. } => Vec::new(),
            State::Up(up) => {
                let noop = up.noop.map(|(_, until)| until);
                let late = up.messages.values().copied().chain(noop).any(|t| t <= now);
                if late {
                    self.lost(now)
                } else if up.noop_at <= now {
                    self.heartbeats += 1;
                    self.noop(now)
                } else {
                    Vec::new()
                }
            }
        }
    }
}

impl Client for Mars {
    fn handle(&mut self, now: u64, seen: Seen) -> Vec<Act> {
        match seen {
            Seen::NetworkCame => {
                self.network = true;
                self.failures = 0;
                self.connect(now)
            }
            Seen::NetworkWent => {
                self.network = false;
                let acts = self.lost(now);
                self.state = State::Off;
                acts
            }
            Seen::Connected(conn) if conn == self.last_conn => {
                self.state = State::Up(Up {
                    noop_at: now,
                    noop: None,
                    messages: BTreeMap::new(),
                });
                let mut acts = self.noop(now);
                for _ in 0..std::mem::take(&mut self.unsent) {
                    acts.extend(self.send(now));
                }
                acts
            }
            Seen::Broken(conn) if conn == self.last_conn => self.lost(now),
            Seen::Came(conn, Packet::Answer(request)) if conn == self.last_conn => {
                if let State::Up(up) = &mut self.state {
                    up.messages.remove(&request);
                    if up.noop.is_some_and(|(noop, _)| noop == request) {
                        up.noop = None;
                        self.heart.succeeded(now);
                    }
                }
                Vec::new()
            }
            Seen::Write => self.send(now),
            Seen::Time => self.time(now),
            _ => Vec::new(),
        }
    }

    fn wake_at(&self) -> Option<u64> {
        match &self.state {
            State::Off => None,
            State::Waiting { until } | State::Connecting { until } => Some(*until),
            State::Up(up) => {
                let noop = up.noop.map(|(_, until)| until);
                let until = up.messages.values().copied().chain(noop).min();
                Some(until.map_or(up.noop_at, |until| until.min(up.noop_at)))
            }
        }
    }

    fn heartbeats(&self) -> u64 {
        self.heartbeats
    }

    fn idle_ms(&self) -> u64 {
        match self.state {
            State::Up(_) => self.heart.last,
            _ => 0,
        }
    }
}
