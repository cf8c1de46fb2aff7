//! The links of a handset: what each lets through, how soon, and what it loses.

use twine_engine::TransportKind;
use twine_engine::link::Generation;
use twine_engine::links::{Allowance, Bundle, Service, SimData};
use twine_proto::Frame;

use crate::net::{Packet, Way};
use crate::rng::Rng;

/// A link of a handset.
#[derive(Debug, Clone)]
pub struct Link {
    /// There is a network, or an access point.
    pub up: bool,
    /// Cellular: the phone's data is on this SIM. One SIM has it at a time, or
    /// none while it moves.
    pub has_data: bool,
    /// A captive portal stands before the internet: nothing passes.
    pub captive: bool,
    /// One way, milliseconds.
    pub delay_ms: u64,
    /// Bytes per second.
    pub bytes_per_s: u64,
    /// Eats UDP.
    pub udp_blocked: bool,
    /// Loses frames, in worlds where some links do.
    pub lossy: bool,
    /// A NAT behind it forgets what is silent.
    pub nat: bool,
    /// Its data are counted, as on another phone's hotspot. Cellular links are.
    pub metered: bool,
    /// Nothing passes, and nobody is told.
    pub stalled: bool,
    /// When what was sent over it has left, each way.
    pub busy_until: [u64; 2],
    /// Cellular: what the agent tells of the radio.
    pub radio: Radio,
    /// Cellular: whether its data are paid for.
    pub bundle: Bundle,
}

/// What a phone knows of its radio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Radio {
    /// Of the cell.
    pub generation: Generation,
    /// Received, dBm.
    pub signal_dbm: i32,
}

impl Radio {
    /// As worlds begin.
    pub const LTE: Self = Self {
        generation: Generation::G4,
        signal_dbm: -95,
    };

    /// Android's signal level, roughly.
    const fn level(self) -> u8 {
        match self.signal_dbm {
            -84.. => 4,
            -94..=-85 => 3,
            -104..=-95 => 2,
            -114..=-105 => 1,
            _ => 0,
        }
    }

    /// Any radio of the field.
    pub fn draw(rng: &mut Rng) -> Self {
        let generation = match rng.range(0, 3) {
            0 => Generation::G2,
            1 => Generation::G2_5,
            2 => Generation::G3,
            _ => Generation::G4,
        };
        let below = i32::try_from(rng.range(60, 118)).unwrap_or(118);
        Self {
            generation,
            signal_dbm: -below,
        }
    }
}

impl Link {
    /// Another radio, with the delay and the rate of its generation (the link
    /// profiles of the lab), worse where the signal is weak.
    pub const fn retune(&mut self, radio: Radio) {
        let (delay_ms, bytes_per_s) = match radio.generation {
            Generation::G2 | Generation::Unknown => (650, 2_250),
            Generation::G2_5 => (440, 25_000),
            Generation::G3 => (100, 41_000),
            Generation::G4 | Generation::G5 => (40, 100_000),
        };
        let weak = radio.signal_dbm < -105;
        self.delay_ms = if weak { delay_ms * 2 } else { delay_ms };
        self.bytes_per_s = if weak { bytes_per_s / 2 } else { bytes_per_s };
        self.radio = radio;
    }
}

impl Link {
    /// Whether it carries anything at all.
    pub const fn carries(&self) -> bool {
        self.is_up() && !self.captive && !self.stalled
    }

    /// Whether it carries this.
    pub fn carries_by(&self, transport: TransportKind) -> bool {
        self.carries() && !(self.udp_blocked && transport == TransportKind::Quic)
    }

    /// Cellular: what the agent tells of the data of the card in this slot.
    pub const fn data(&self, slot: u8) -> SimData {
        SimData {
            slot,
            service: if self.up {
                Service::Home
            } else {
                Service::None
            },
            generation: self.radio.generation,
            signal_level: Some(self.radio.level()),
            allowance: Allowance::AtHome,
            bundle: self.bundle,
            default_data: slot == 0,
            carries_data: self.has_data,
        }
    }

    /// Whether it has an address.
    pub const fn is_up(&self) -> bool {
        self.up && self.has_data
    }

    /// How long a packet takes: one in `loss_one_in` is lost, and repeated.
    pub fn travel(&self, packet: &Packet, loss_one_in: u64, rng: &mut Rng) -> Travel {
        let mut travel = self.delay_ms + bytes_of(packet) * 1000 / self.bytes_per_s;
        travel += rng.range(0, 3);
        let at_once = travel;
        while rng.one_in(if self.lossy { loss_one_in } else { 0 }) {
            travel += self.repeat_ms();
        }
        Travel {
            ms: travel,
            lost: travel > at_once,
            overflowed: false,
        }
    }

    /// The same behind what waits already: of a queue longer than `queue_ms` the last is
    /// dropped, and repeated.
    pub fn queue(
        &mut self,
        travel: Travel,
        way: Way,
        (now, queue_ms): (u64, u64),
        packet: &Packet,
    ) -> Travel {
        let repeat = self.repeat_ms();
        let busy = &mut self.busy_until[way as usize];
        let mut begin = now;
        while *busy > begin + queue_ms {
            begin += repeat;
        }
        let waits = busy.saturating_sub(begin);
        *busy = begin + waits + bytes_of(packet) * 1000 / self.bytes_per_s;
        Travel {
            ms: travel.ms + (begin - now) + waits,
            overflowed: begin > now,
            ..travel
        }
    }

    /// After what time a transport repeats what it misses.
    const fn repeat_ms(&self) -> u64 {
        3 * self.delay_ms + 200
    }
}

/// The way of one packet.
#[derive(Debug, Clone, Copy)]
pub struct Travel {
    /// How long it takes.
    pub ms: u64,
    /// It was lost once, or more often.
    pub lost: bool,
    /// A queue had no place for it at first.
    pub overflowed: bool,
}

fn bytes_of(packet: &Packet) -> u64 {
    match packet {
        Packet::Frame(frame) => about_bytes(frame) + 40,
        Packet::Fin => 40,
    }
}

/// Close enough for pacing, and cheap.
fn about_bytes(frame: &Frame) -> u64 {
    match frame {
        Frame::Submit(submit) => submit.content.as_bytes().len() as u64 + 18,
        Frame::Deliver(deliver) => deliver.content.as_bytes().len() as u64 + 23,
        _ => 12,
    }
}
