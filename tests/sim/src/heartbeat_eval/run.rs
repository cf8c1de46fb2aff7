//! One client in one world, and the score.

use std::collections::BTreeMap;

use super::client::{Name, Seen};
use super::path::{Event, Path};
use super::world::{MINUTE, SECOND, World};

/// The system notices a hole, and its end, so late.
const NOTICED_AFTER: u64 = 3 * SECOND;
/// See [`NOTICED_AFTER`].
const END_NOTICED_AFTER: u64 = SECOND;
/// For the plot.
const SAMPLE: u64 = 10 * MINUTE;

/// How a client did in one world.
#[derive(Debug, Clone)]
pub struct Score {
    /// Which client.
    pub name: Name,
    /// Seconds in which the gateway could not have reached the phone, holes apart.
    pub unreachable_s: f64,
    /// Heartbeats.
    pub heartbeats: u64,
    /// Handshakes.
    pub connects: u64,
    /// On the network, messages apart.
    pub bytes: u64,
    /// The idle time it let pass, seconds, each ten minutes; 0: no session.
    pub idle: Vec<u32>,
}

struct Queue {
    events: BTreeMap<(u64, u64), Event>,
    last: u64,
}

impl Queue {
    fn put(&mut self, at: u64, event: Event) {
        self.last += 1;
        self.events.insert((at, self.last), event);
    }
}

/// Runs one client in one world.
#[must_use]
pub fn run(name: Name, world: &World) -> Score {
    let mut client = name.client();
    let mut path = Path::new(world);
    let mut queue = Queue {
        events: BTreeMap::new(),
        last: 0,
    };
    queue.put(0, Event::Tell(Seen::NetworkCame));
    for (hole, noticed) in &world.holes {
        let notices = hole.start + NOTICED_AFTER;
        if *noticed && notices < hole.end {
            queue.put(notices, Event::Tell(Seen::NetworkWent));
            let back = hole.end + END_NOTICED_AFTER;
            queue.put(back, Event::Tell(Seen::NetworkCame));
        }
        // The gateway repeats what it sent into the hole.
        queue.put(hole.end + SECOND, Event::Flush);
    }
    let mut messages = world.messages.iter().peekable();
    let mut idle = Vec::new();
    loop {
        let event_at = queue.events.first_key_value().map(|((at, _), _)| *at);
        let message_at = messages.peek().map(|(at, _)| *at);
        let Some(now) = [event_at, message_at, client.wake_at()]
            .into_iter()
            .flatten()
            .min()
            .filter(|at| *at < world.end())
        else {
            break;
        };
        path.account(now);
        while idle.len() as u64 * SAMPLE < now {
            idle.push(u32::try_from(client.idle_ms() / 1000).unwrap_or(u32::MAX));
        }
        let seen = if event_at == Some(now) {
            match queue.events.pop_first() {
                Some((_, Event::Tell(seen))) => Some(seen),
                Some((_, event)) => {
                    for (at, event) in path.happens(now, event) {
                        queue.put(at, event);
                    }
                    None
                }
                None => None,
            }
        } else if message_at == Some(now) {
            match messages.next() {
                Some((_, true)) => {
                    for (at, event) in path.message(now) {
                        queue.put(at, event);
                    }
                    None
                }
                _ => Some(Seen::Write),
            }
        } else {
            Some(Seen::Time)
        };
        let acts = seen.map(|seen| client.handle(now, seen));
        for act in acts.into_iter().flatten() {
            for (at, event) in path.act(now, act) {
                queue.put(at, event);
            }
        }
    }
    path.account(world.end());
    Score {
        name,
        unreachable_s: path.unreachable as f64 / 1000.0,
        heartbeats: client.heartbeats(),
        connects: path.connects,
        bytes: path.bytes,
        idle,
    }
}
