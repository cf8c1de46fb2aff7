//! What is true at each moment of a world.

/// Length of a tick.
pub const TICK_MS: u64 = 500;

/// A card's radio access technology, as Android's tables name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rat {
    /// GPRS.
    Gsm,
    /// EDGE.
    Edge,
    /// UMTS.
    Umts,
    /// HSPA.
    Hspa,
    /// LTE.
    Lte,
}

/// What is true of one card's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimTick {
    /// There is coverage.
    pub covered: bool,
    /// The modem says so; late, both ways.
    pub registered: bool,
    /// In a foreign network, where it is registered.
    pub roaming: bool,
    /// The user agreed to its data there.
    pub may_roam: bool,
    /// The network holds a data session for it: without one there is no link, though
    /// the card is registered.
    pub attached: bool,
    /// Data get through: not blocked, not stalled.
    pub open: bool,
    /// Of the cell.
    pub rat: Rat,
    /// Android's signal level, 0 to 4.
    pub level: u8,
    /// Round trip, milliseconds.
    pub rtt_ms: u32,
    /// The slower direction, bytes per second.
    pub bytes_per_s: u32,
    /// Lost packets, in a thousand.
    pub loss_permille: u16,
    /// The bundle is used up, and the phone knows.
    pub spent: bool,
}

impl SimTick {
    /// A packet would get through.
    #[must_use]
    pub const fn passes(&self) -> bool {
        self.covered && self.may_have_link() && self.open
    }

    /// Android has a network over it, if data are there.
    #[must_use]
    pub const fn may_have_link(&self) -> bool {
        self.registered && self.attached && (!self.roaming || self.may_roam)
    }
}

/// What is true of the Wi-Fi.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WifiTick {
    /// The phone is connected to an access point.
    pub connected: bool,
    /// Data get through.
    pub open: bool,
    /// The system's probe gets through, whatever else does not.
    pub probe_passes: bool,
    /// Lost packets, in a thousand.
    pub loss_permille: u16,
}

/// One moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// Both cards.
    pub sims: [SimTick; 2],
    /// The Wi-Fi.
    pub wifi: WifiTick,
    /// The gateway is there. All else can be reached without it.
    pub gateway: bool,
}

impl Tick {
    fn any_carries(&self, card: impl Fn(&SimTick) -> bool) -> bool {
        (self.wifi.connected && self.wifi.open) || self.sims.iter().any(card)
    }

    /// Nothing but a card whose bundle is spent would carry anything: not to use it is the
    /// user's wish (`network.spent_bundle`, as shipped), and no fault.
    #[must_use]
    pub fn is_declined(&self) -> bool {
        self.any_carries(SimTick::passes) && !self.any_carries(|sim| sim.passes() && !sim.spent)
    }
}

/// One world, with everything that happens in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    /// Its name, the same for all seeds.
    pub name: String,
    /// What it is, in a line.
    pub about: String,
    /// Its seed.
    pub seed: u64,
    /// Every moment.
    pub ticks: Vec<Tick>,
    /// When messages are written, ticks, in order.
    pub messages: Vec<usize>,
}

impl World {
    /// How long it lasts.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.ticks.len() as f64 * TICK_MS as f64 / 1000.0
    }

    /// Time in which nothing carries anything, whoever decides: seconds.
    #[must_use]
    pub fn hopeless_s(&self) -> f64 {
        self.time_s(|tick| !tick.any_carries(SimTick::passes))
    }

    /// Time in which only data of a card whose bundle is spent were to be had: seconds.
    #[must_use]
    pub fn declined_s(&self) -> f64 {
        self.time_s(Tick::is_declined)
    }

    fn time_s(&self, counts: impl Fn(&Tick) -> bool) -> f64 {
        let count = self.ticks.iter().filter(|tick| counts(tick)).count();
        count as f64 * TICK_MS as f64 / 1000.0
    }
}
