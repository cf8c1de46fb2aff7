//! One direction of one link: a queue in front of a bottleneck, then a delay.
//!
//! Owns what is on its way and when it arrives. Pure: time comes in as an
//! argument, measured from any fixed start, and never runs backwards; loss is
//! drawn from a seed. Knows nothing of sockets.
//!
//! A packet waits in the queue (first in, first out), crosses the bottleneck
//! (its size over the rate, or the opportunities of a recorded trace), and
//! flies for the delay. Packets never overtake each other, also when a change
//! of profile shortens the delay.

use std::collections::VecDeque;
use std::time::Duration;

use crate::profile::{Bottleneck, Shape};
use crate::rng::Rng;
use crate::trace::Cursor;

/// Time since the relay started.
pub type Now = Duration;

/// What a packet is made of: it decides what a cut does to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// A datagram: can be lost.
    Datagram,
    /// A part of a TCP stream: its kernel would send it again, so that it is
    /// held where a datagram is lost.
    Stream,
}

/// Whether the link carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// It carries.
    Open,
    /// Nothing crosses the bottleneck, nothing is lost but what the queue
    /// cannot hold: a radio that is busy elsewhere.
    Stalled,
    /// Datagrams vanish, those on their way as well; streams are held.
    Cut,
}

/// What became of a packet handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is on its way.
    Queued,
    /// Lost by the profile's loss.
    Lost,
    /// The queue was full.
    TailDropped,
    /// The link is cut.
    Vanished,
}

struct Packet<T> {
    item: T,
    bytes: usize,
    nature: Nature,
    arrived: Now,
}

/// One direction of one link.
pub struct Pipe<T> {
    shape: Shape,
    gate: Gate,
    queue: VecDeque<Packet<T>>,
    queued_bytes: usize,
    /// Past the bottleneck; in the order of arrival at the far end.
    flying: VecDeque<(Now, Packet<T>)>,
    /// The bottleneck has finished what it did at this time.
    free_at: Now,
    last_arrival: Now,
    trace: Cursor,
    rng: Rng,
}

impl<T> Pipe<T> {
    /// An open, empty pipe.
    #[must_use]
    pub fn new(shape: Shape, seed: u64) -> Self {
        Self {
            shape,
            gate: Gate::Open,
            queue: VecDeque::new(),
            queued_bytes: 0,
            flying: VecDeque::new(),
            free_at: Duration::ZERO,
            last_arrival: Duration::ZERO,
            trace: Cursor::default(),
            rng: Rng::new(seed),
        }
    }

    /// A packet enters. Bounded for datagrams by the queue of the shape, for
    /// streams by their windows, which the caller keeps.
    pub fn push(&mut self, now: Now, item: T, bytes: usize, nature: Nature) -> Taken {
        self.advance(now);
        if nature == Nature::Datagram {
            if self.gate == Gate::Cut {
                return Taken::Vanished;
            }
            if self.rng.chance(self.shape.loss) {
                return Taken::Lost;
            }
            if self.queued_bytes + bytes > self.shape.queue_bytes {
                return Taken::TailDropped;
            }
        }
        self.queued_bytes += bytes;
        self.queue.push_back(Packet {
            item,
            bytes,
            nature,
            arrived: now,
        });
        Taken::Queued
    }

    /// The next packet that has arrived at the far end, if any.
    pub fn pop(&mut self, now: Now) -> Option<T> {
        self.advance(now);
        if self.gate == Gate::Cut || self.flying.front()?.0 > now {
            return None;
        }
        self.flying.pop_front().map(|(_, packet)| packet.item)
    }

    /// When [`pop`](Self::pop) is worth calling again, if nothing else comes
    /// in before.
    #[must_use]
    pub fn next_at(&self) -> Option<Now> {
        if self.gate == Gate::Cut {
            return None;
        }
        let arrival = self.flying.front().map(|(at, _)| *at);
        let crossed = match self.gate {
            Gate::Open => self.head_finish().map(|(at, _)| at),
            Gate::Stalled | Gate::Cut => None,
        };
        [arrival, crossed].into_iter().flatten().min()
    }

    /// Another shape from now on; what waits in the queue is subject to it.
    pub fn set_shape(&mut self, now: Now, shape: Shape) {
        self.advance(now);
        self.shape = shape;
        self.trace = Cursor::default();
        self.free_at = self.free_at.max(now);
    }

    /// Opens, stalls or cuts. Returns how many datagrams vanished.
    pub fn set_gate(&mut self, now: Now, gate: Gate) -> usize {
        self.advance(now);
        self.gate = gate;
        // The bottleneck stood still until now.
        self.free_at = self.free_at.max(now);
        if gate == Gate::Cut {
            self.drop_datagrams()
        } else {
            0
        }
    }

    /// Packets inside.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.len() + self.flying.len()
    }

    /// Nothing inside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lets the bottleneck work up to now.
    fn advance(&mut self, now: Now) {
        if self.gate != Gate::Open {
            return;
        }
        while let Some((finish, trace)) = self.head_finish() {
            if finish > now {
                break;
            }
            let Some(packet) = self.queue.pop_front() else {
                break;
            };
            self.trace = trace;
            self.free_at = finish;
            self.queued_bytes -= packet.bytes;
            self.last_arrival = self.last_arrival.max(finish + self.shape.delay);
            self.flying.push_back((self.last_arrival, packet));
        }
    }

    /// When the head of the queue has crossed, and where the trace is then.
    fn head_finish(&self) -> Option<(Now, Cursor)> {
        let head = self.queue.front()?;
        let start = self.free_at.max(head.arrived);
        Some(match &self.shape.bottleneck {
            Bottleneck::Rate { bits_per_s } => {
                let micros = (head.bytes as u64 * 8).saturating_mul(1_000_000) / bits_per_s;
                (start + Duration::from_micros(micros), self.trace)
            }
            Bottleneck::Trace(trace) => trace.cross(self.trace, start, head.bytes),
        })
    }

    /// What a cut does: datagrams are gone, stream parts in flight go back to
    /// the front of the queue and cross again, as retransmissions do.
    fn drop_datagrams(&mut self) -> usize {
        let before = self.len();
        let flying = std::mem::take(&mut self.flying);
        for (_, packet) in flying.into_iter().rev() {
            self.queue.push_front(packet);
        }
        self.queue.retain(|packet| packet.nature == Nature::Stream);
        self.queued_bytes = self.queue.iter().map(|packet| packet.bytes).sum();
        before - self.queue.len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::trace::Trace;

    const NOTHING: [u32; 0] = [];

    const fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    fn shape(kbit_s: u64, delay_ms: u64) -> Shape {
        Shape {
            bottleneck: Bottleneck::Rate {
                bits_per_s: kbit_s * 1000,
            },
            delay: ms(delay_ms),
            loss: 0.0,
            queue_bytes: 1000,
        }
    }

    fn drain(pipe: &mut Pipe<u32>, now: Now) -> Vec<u32> {
        std::iter::from_fn(|| pipe.pop(now)).collect()
    }

    #[test]
    fn a_packet_takes_its_size_over_the_rate_and_then_the_delay() {
        let mut pipe = Pipe::new(shape(8, 100), 1);
        assert_eq!(
            pipe.push(ms(0), 1, 100, Nature::Datagram),
            Taken::Queued,
            "100 bytes at 8 kbit/s cross in 100 ms"
        );
        assert_eq!(pipe.next_at(), Some(ms(100)));
        assert_eq!(drain(&mut pipe, ms(199)), NOTHING);
        assert_eq!(pipe.next_at(), Some(ms(200)));
        assert_eq!(drain(&mut pipe, ms(200)), [1]);
        assert_eq!(pipe.next_at(), None);
    }

    #[test]
    fn packets_wait_for_each_other_at_the_bottleneck_not_in_flight() {
        let mut pipe = Pipe::new(shape(8, 100), 1);
        for item in 0..3 {
            pipe.push(ms(0), item, 100, Nature::Datagram);
        }
        assert_eq!(drain(&mut pipe, ms(300)), [0, 1]);
        assert_eq!(drain(&mut pipe, ms(400)), [2]);
    }

    #[test]
    fn an_idle_bottleneck_saves_nothing_up() {
        let mut pipe = Pipe::new(shape(8, 0), 1);
        pipe.push(ms(5000), 1, 100, Nature::Datagram);
        assert_eq!(drain(&mut pipe, ms(5099)), NOTHING);
        assert_eq!(drain(&mut pipe, ms(5100)), [1]);
    }

    #[test]
    fn a_full_queue_drops_the_newest_datagram_but_holds_streams() {
        let mut pipe = Pipe::new(shape(8, 0), 1);
        for item in 0..10 {
            assert_eq!(pipe.push(ms(0), item, 100, Nature::Datagram), Taken::Queued);
        }
        assert_eq!(
            pipe.push(ms(0), 10, 100, Nature::Datagram),
            Taken::TailDropped
        );
        assert_eq!(pipe.push(ms(0), 11, 100, Nature::Stream), Taken::Queued);
        assert_eq!(
            pipe.push(ms(100), 12, 1, Nature::Datagram),
            Taken::TailDropped
        );
        assert_eq!(pipe.push(ms(200), 13, 1, Nature::Datagram), Taken::Queued);
    }

    #[test]
    fn a_stall_holds_and_delays_and_loses_nothing() {
        let mut pipe = Pipe::new(shape(8, 10), 1);
        pipe.push(ms(0), 1, 100, Nature::Datagram);
        pipe.set_gate(ms(50), Gate::Stalled);
        pipe.push(ms(60), 2, 100, Nature::Stream);
        assert_eq!(pipe.next_at(), None);
        assert_eq!(drain(&mut pipe, ms(10_000)), NOTHING);
        pipe.set_gate(ms(10_000), Gate::Open);
        assert_eq!(drain(&mut pipe, ms(10_110)), [1]);
        assert_eq!(drain(&mut pipe, ms(10_210)), [2]);
    }

    #[test]
    fn a_cut_loses_datagrams_also_in_flight_and_holds_streams_in_order() {
        let mut pipe = Pipe::new(shape(8, 1000), 1);
        pipe.push(ms(0), 1, 10, Nature::Stream);
        pipe.push(ms(0), 2, 10, Nature::Datagram);
        pipe.push(ms(0), 3, 10, Nature::Stream);
        // 1 and 2 are in flight, 3 waits.
        assert_eq!(pipe.set_gate(ms(25), Gate::Cut), 1);
        assert_eq!(pipe.push(ms(30), 4, 10, Nature::Datagram), Taken::Vanished);
        assert_eq!(pipe.push(ms(30), 5, 10, Nature::Stream), Taken::Queued);
        assert_eq!(drain(&mut pipe, ms(60_000)), NOTHING);
        pipe.set_gate(ms(60_000), Gate::Open);
        assert_eq!(drain(&mut pipe, ms(70_000)), [1, 3, 5]);
    }

    #[test]
    fn a_shorter_delay_never_lets_packets_overtake() {
        let mut pipe = Pipe::new(shape(800, 650), 1);
        pipe.push(ms(0), 1, 100, Nature::Datagram);
        pipe.set_shape(ms(10), shape(800, 10));
        pipe.push(ms(10), 2, 100, Nature::Datagram);
        assert_eq!(drain(&mut pipe, ms(100)), NOTHING);
        assert_eq!(drain(&mut pipe, ms(651)), [1, 2]);
    }

    #[test]
    fn loss_follows_its_rate_and_its_seed() {
        let lost = |seed| {
            let mut pipe = Pipe::new(
                Shape {
                    loss: 0.02,
                    queue_bytes: usize::MAX,
                    ..shape(1_000_000, 0)
                },
                seed,
            );
            (0..10_000u32)
                .filter(|item| pipe.push(ms(0), *item, 1, Nature::Datagram) == Taken::Lost)
                .collect::<Vec<_>>()
        };
        let first = lost(7);
        assert!(
            (120..280).contains(&first.len()),
            "{} of 10,000",
            first.len()
        );
        assert_eq!(first, lost(7));
        assert_ne!(first, lost(8));
    }

    #[test]
    fn a_trace_lets_one_full_packet_through_for_each_opportunity() {
        let trace = Arc::new(Trace::parse("0\n100\n100\n200\n").unwrap());
        let mut pipe = Pipe::new(
            Shape {
                bottleneck: Bottleneck::Trace(trace),
                queue_bytes: usize::MAX,
                ..shape(1, 0)
            },
            1,
        );
        for item in 0..4 {
            pipe.push(ms(1), item, 1500, Nature::Datagram);
        }
        assert_eq!(drain(&mut pipe, ms(99)), NOTHING);
        assert_eq!(drain(&mut pipe, ms(100)), [0, 1]);
        // The trace ends at 200 and starts again there.
        assert_eq!(drain(&mut pipe, ms(200)), [2, 3]);
    }
}
