//! The engine, with a store of its own.

use std::time::Duration;

use twine_engine::link::{Binding, Generation, Link, LinkId, LinkKind, Vpn};
use twine_engine::store_ops::{ClientName, StoreOps, Token};
use twine_engine::time::{BootId, Instant, Now, WallTime};
use twine_engine::{
    ChannelEvent, Command, Config, ConnId, DownReason, Engine, Input, Output, ReplyTo,
    TelephonyEvent, TransportKind,
};
use twine_proto::{E164, Redacted};

use super::client::{Act, Client, ConnNo, Packet, Seen};
use super::path::{OWN, PEER};
use crate::handset::WALL_START_MS;
use crate::store::MemoryStore;

/// No clock starts at zero.
const BOOT_MS: u64 = 1_000;
/// What the transports measure.
const RTT: Duration = Duration::from_millis(150);

/// See the module.
#[derive(Debug)]
pub struct Twine {
    config: Config,
    engine: Option<Engine>,
    store: MemoryStore,
    seed: u64,
    requests: u64,
}

impl Twine {
    /// As it ships.
    #[must_use]
    pub fn learning() -> Self {
        Self::with(Config::default())
    }

    /// With a heartbeat of 60 s, by TCP.
    #[must_use]
    pub fn fixed() -> Self {
        Self::with(Config {
            heartbeat: Duration::from_secs(60),
            transports: vec![TransportKind::Tls],
            ..Config::default()
        })
    }

    /// As it ships, one of many.
    #[must_use]
    pub fn one_of_many(seed: u64) -> Self {
        Self {
            seed,
            ..Self::learning()
        }
    }

    fn with(config: Config) -> Self {
        Self {
            seed: 1,
            config: Config {
                sms: false,
                ..config
            },
            engine: None,
            store: MemoryStore::new(),
            requests: 0,
        }
    }

    fn command(&mut self, command: Command) -> Input {
        self.requests += 1;
        let to = ReplyTo {
            client: 1,
            request: self.requests,
        };
        Input::Command { to, command }
    }

    fn start(&mut self, now: Now) -> Vec<Input> {
        let Ok(snapshot) = self.store.snapshot();
        self.engine = Some(Engine::new(
            self.config.clone(),
            self.seed,
            BootId(1),
            now,
            snapshot,
        ));
        let (number, iccid) = (number(OWN), None);
        vec![self.command(Command::Register { number, iccid })]
    }
}

fn number(digits: u64) -> E164 {
    match E164::new(digits) {
        Ok(number) => number,
        Err(_) => unreachable!("a number of twelve digits"),
    }
}

fn link(up: bool) -> Input {
    Input::Telephony(TelephonyEvent::Link(Link {
        id: LinkId("lte".into()),
        kind: LinkKind::Cellular { sim_slot: 0 },
        up,
        validated: true,
        metered: true,
        roaming: false,
        generation: Generation::G4,
        network: "63902".into(),
        binding: Binding::default(),
        signal_dbm: None,
        vpn: Vpn::None,
    }))
}

fn now_at(now: u64) -> Now {
    Now {
        instant: Instant(now + BOOT_MS),
        wall: WallTime(WALL_START_MS + now),
    }
}

fn channel(conn: ConnNo, event: ChannelEvent) -> Input {
    Input::Channel {
        conn: ConnId(conn),
        event,
    }
}

impl Client for Twine {
    fn handle(&mut self, now: u64, seen: Seen) -> Vec<Act> {
        let now = now_at(now);
        let mut inputs = match self.engine {
            None => self.start(now),
            Some(_) => Vec::new(),
        };
        inputs.push(match seen {
            Seen::NetworkCame => link(true),
            Seen::NetworkWent => link(false),
            Seen::Connected(conn) => channel(conn, ChannelEvent::Up { rtt: Some(RTT) }),
            Seen::Broken(conn) => {
                let reason = DownReason::Closed("reset".to_owned());
                channel(conn, ChannelEvent::Down(reason))
            }
            Seen::Came(conn, Packet::Frame(frame)) => channel(conn, ChannelEvent::Frame(frame)),
            Seen::Came(..) => return Vec::new(),
            Seen::Validated(conn) => channel(conn, ChannelEvent::PathValidated),
            Seen::Moved(conn) => channel(conn, ChannelEvent::Moved),
            Seen::Write => {
                let text = format!("message {}", self.requests);
                self.command(Command::Send {
                    client: ClientName("app".to_owned()),
                    token: Token(text.clone().into_bytes()),
                    from: None,
                    to: number(PEER).into(),
                    text: Redacted::new(text),
                    valid_for: None,
                    by: None,
                })
            }
            Seen::Time => Input::Timeout,
        });
        let mut acts = Vec::new();
        for input in inputs {
            self.turn(now, input, &mut acts);
        }
        acts
    }

    fn wake_at(&self) -> Option<u64> {
        let (at, _) = self.engine.as_ref()?.poll_timeout()?;
        Some(at.0.saturating_sub(BOOT_MS))
    }

    fn heartbeats(&self) -> u64 {
        let counters = self.engine.as_ref().map(|engine| engine.status().counters);
        let heartbeats = |(name, _): &&(&str, u64)| *name == "heartbeats";
        let counters = counters.unwrap_or_default();
        counters.iter().find(heartbeats).map_or(0, |(_, n)| *n)
    }

    fn idle_ms(&self) -> u64 {
        let heartbeat = self
            .engine
            .as_ref()
            .and_then(|engine| engine.status().session.heartbeat);
        heartbeat.map_or(0, |heartbeat| heartbeat.interval.as_millis() as u64)
    }
}

impl Twine {
    fn turn(&mut self, now: Now, input: Input, acts: &mut Vec<Act>) {
        let Some(engine) = &mut self.engine else {
            return;
        };
        engine.handle(now, input);
        while let Some(output) = engine.poll_output(now) {
            match output {
                Output::Commit(batch) => {
                    let Ok(stored) = self.store.apply(&batch);
                    engine.handle(now, Input::Stored(stored));
                }
                Output::Send { conn, frame } => {
                    acts.push(Act::Send(conn.0, Packet::Frame(frame.into_inner())));
                }
                Output::Connect {
                    conn, transport, ..
                } => acts.push(Act::Connect(conn.0, transport)),
                Output::Move { conn, .. } => acts.push(Act::Move(conn.0)),
                Output::Close { conn } => acts.push(Act::Close(conn.0)),
                _ => {}
            }
        }
    }
}
