//! The phone: one modem with data on one card at a time, Android's validation,
//! and the price of a move. The same for every policy.

use super::radio::ticks;
use super::world::{Rat, TICK_MS, Tick, World};
use crate::rng::Rng;

/// The system validates a new network within this time, or a move has failed.
const VALIDATION_TICKS: usize = ticks(5);
/// A validated network that is dead is noticed after a minute (data stall
/// detection), if the probe fails, too; an unvalidated one is looked at again
/// every half a minute.
const STALL_TICKS: usize = ticks(60);
const LOOK_AGAIN_TICKS: usize = ticks(30);
/// So long after connecting it is looked at every second.
const NEW_TICKS: usize = ticks(5);
/// Who is asked to look at once finds a dead network dead after this: the probe's time-out.
const PROBE_TICKS: usize = ticks(10);
/// A move takes 1 to 7 s.
const MOVE_TICKS: (u64, u64) = (2, 14);

/// What a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// The Wi-Fi.
    Wifi,
    /// Data of a card: 0 or 1.
    Card(usize),
}

/// What Android tells of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardView {
    /// In service.
    pub registered: bool,
    /// In a foreign network.
    pub roaming: bool,
    /// The user agreed to its data there.
    pub may_roam: bool,
    /// Technology.
    pub rat: Rat,
    /// Level, 0 to 4.
    pub level: u8,
    /// The bundle is known to be used up.
    pub spent: bool,
}

/// What Android tells of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkView {
    /// Which.
    pub via: Via,
    /// `NET_CAPABILITY_VALIDATED`.
    pub validated: bool,
    /// Grows with each new connection: another network handle.
    pub handle: u64,
}

/// The end of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoveResult {
    /// To which card it was.
    pub card: usize,
    /// It worked; if not, data are back.
    pub confirmed: bool,
}

/// All that a policy sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The moment.
    pub tick: usize,
    /// Both cards.
    pub cards: [CardView; 2],
    /// Where data are, or were before the move under way.
    pub data_card: usize,
    /// A move is under way.
    pub moving: bool,
    /// One ended just now.
    pub moved: Option<MoveResult>,
    /// Networks that are up.
    pub links: Vec<LinkView>,
}

impl Observation {
    /// Android's default network: validated Wi-Fi, or else mobile data, or else
    /// whatever is up.
    #[must_use]
    pub fn default_network(&self) -> Option<Via> {
        let wifi = self.links.iter().find(|link| link.via == Via::Wifi);
        let cell = self.links.iter().find(|link| link.via != Via::Wifi);
        match (wifi, cell) {
            (Some(wifi), _) if wifi.validated => Some(Via::Wifi),
            (_, Some(cell)) => Some(cell.via),
            (wifi, None) => wifi.map(|wifi| wifi.via),
        }
    }
}

/// The phone's state.
#[derive(Debug)]
pub struct Phone {
    seed: u64,
    data_card: usize,
    moving: Option<Moving>,
    moved: Option<MoveResult>,
    cell: Option<Network>,
    wifi: Option<Network>,
    last_handle: u64,
    switches: Vec<(usize, usize)>,
}

#[derive(Debug, Clone, Copy)]
struct Moving {
    to: usize,
    /// The other card's network can be up from here on.
    from_tick: usize,
    /// Validated by then, or failed.
    deadline: usize,
    /// Not to be validated: done as soon as it can be.
    unvalidated: bool,
}

#[derive(Debug, Clone, Copy)]
struct Network {
    handle: u64,
    up_since: usize,
    validated: bool,
    /// Its probe has had the same result for so long.
    stale_ticks: usize,
    /// A probe that was asked for runs since.
    asked: Option<usize>,
}

impl Network {
    /// Android looks: at once and every second after connecting, then seldom.
    fn look(&mut self, probe_passes: bool, at: usize) {
        if self.validated == probe_passes {
            self.stale_ticks = 0;
            self.asked = None;
            return;
        }
        self.stale_ticks += 1;
        let asked = self.asked.map_or(0, |since| at - since);
        let due = match (self.validated, at - self.up_since) {
            (true, _) => self.stale_ticks >= STALL_TICKS || asked >= PROBE_TICKS,
            (false, 0..=NEW_TICKS) => self.stale_ticks.is_multiple_of(ticks(1)),
            (false, age) => age.is_multiple_of(LOOK_AGAIN_TICKS),
        };
        if due {
            self.validated = probe_passes;
            self.stale_ticks = 0;
            self.asked = None;
        }
    }
}

impl Phone {
    /// Data on the first card, the user's.
    #[must_use]
    pub const fn new(world: &World) -> Self {
        Self {
            seed: world.seed,
            data_card: 0,
            moving: None,
            moved: None,
            cell: None,
            wifi: None,
            last_handle: 0,
            switches: Vec::new(),
        }
    }

    /// Time goes on; what Android tells now.
    pub fn observe(&mut self, at: usize, tick: &Tick) -> Observation {
        self.moved = None;
        self.go_on_moving(at, tick);
        self.keep_networks(at, tick);
        let mut links = Vec::new();
        if let Some(wifi) = self.wifi {
            links.push(LinkView {
                via: Via::Wifi,
                validated: wifi.validated,
                handle: wifi.handle,
            });
        }
        if let Some(cell) = self.cell {
            links.push(LinkView {
                via: Via::Card(self.data_card),
                validated: cell.validated,
                handle: cell.handle,
            });
        }
        Observation {
            tick: at,
            cards: tick.sims.map(|sim| CardView {
                registered: sim.registered,
                roaming: sim.roaming,
                may_roam: sim.may_roam,
                rat: sim.rat,
                level: if sim.registered { sim.level } else { 0 },
                spent: sim.spent,
            }),
            data_card: self.data_card,
            moving: self.moving.is_some(),
            moved: self.moved,
            links,
        }
    }

    /// `setPreferredDataSubscriptionId`, with validation unless it is `unvalidated`. Ignored
    /// while one is under way.
    pub fn move_data(&mut self, at: usize, card: usize, unvalidated: bool) {
        if self.moving.is_some() || card == self.data_card {
            return;
        }
        // The same moment has the same price, whoever asks.
        let mut dice = Rng::new(self.seed ^ (at as u64 / 20).wrapping_mul(0x9e37_79b9));
        let takes = dice.range(MOVE_TICKS.0, MOVE_TICKS.1) as usize;
        self.moving = Some(Moving {
            to: card,
            from_tick: at + takes,
            deadline: at + takes + VALIDATION_TICKS,
            unvalidated,
        });
        self.cell = None;
    }

    fn go_on_moving(&mut self, at: usize, tick: &Tick) {
        let Some(moving) = self.moving else {
            return;
        };
        let passes = tick.sims[moving.to].passes();
        let confirmed = at >= moving.from_tick && (passes || moving.unvalidated);
        if !confirmed && at < moving.deadline {
            return;
        }
        self.moving = None;
        if confirmed {
            self.data_card = moving.to;
            self.switches.push((at, moving.to));
            self.cell = Some(self.network(at, passes));
        }
        self.moved = Some(MoveResult {
            card: moving.to,
            confirmed,
        });
    }

    fn network(&mut self, at: usize, validated: bool) -> Network {
        self.last_handle += 1;
        Network {
            handle: self.last_handle,
            up_since: at,
            validated,
            stale_ticks: 0,
            asked: None,
        }
    }

    /// `ConnectivityManager.reportNetworkConnectivity`: the system doubts its validation.
    pub const fn look_again(&mut self, at: usize, via: Via) {
        let network = match via {
            Via::Wifi => &mut self.wifi,
            Via::Card(_) => &mut self.cell,
        };
        if let Some(network) = network {
            network.asked = Some(at);
        }
    }

    fn keep_networks(&mut self, at: usize, tick: &Tick) {
        let sim = tick.sims[self.data_card];
        if self.moving.is_some() || !sim.may_have_link() {
            self.cell = None;
        } else if self.cell.is_none() {
            self.cell = Some(self.network(at, sim.passes()));
        }
        if !tick.wifi.connected {
            self.wifi = None;
        } else if self.wifi.is_none() {
            self.wifi = Some(self.network(at, tick.wifi.probe_passes));
        }
        if let Some(cell) = &mut self.cell {
            cell.look(sim.passes(), at);
        }
        if let Some(wifi) = &mut self.wifi {
            wifi.look(tick.wifi.probe_passes, at);
        }
    }

    /// Whether a packet gets through over this link now.
    #[must_use]
    pub fn carries(&self, via: Via, tick: &Tick) -> bool {
        match via {
            Via::Wifi => tick.wifi.connected && tick.wifi.open,
            Via::Card(card) => {
                self.moving.is_none() && self.data_card == card && tick.sims[card].passes()
            }
        }
    }

    /// Every switch of the data card: when, and where to.
    #[must_use]
    pub fn switches(&self) -> &[(usize, usize)] {
        &self.switches
    }

    /// Where data are, unless they move.
    #[must_use]
    pub fn data_card(&self) -> Option<usize> {
        self.moving.is_none().then_some(self.data_card)
    }
}

/// Ticks in milliseconds of boot time.
#[must_use]
pub const fn boot_ms(tick: usize) -> u64 {
    tick as u64 * TICK_MS
}

#[cfg(test)]
mod tests {
    use super::super::world::{SimTick, WifiTick};
    use super::*;

    const NOWHERE: SimTick = SimTick {
        covered: false,
        registered: false,
        roaming: false,
        may_roam: false,
        attached: false,
        open: false,
        rat: Rat::Lte,
        level: 0,
        rtt_ms: 0,
        bytes_per_s: 0,
        loss_permille: 0,
        spent: false,
    };
    const CARRYING: SimTick = SimTick {
        covered: true,
        registered: true,
        attached: true,
        open: true,
        level: 4,
        ..NOWHERE
    };

    fn phone() -> Phone {
        Phone::new(&World {
            name: String::new(),
            about: String::new(),
            seed: 0,
            ticks: Vec::new(),
            messages: Vec::new(),
        })
    }

    fn wifi(connected: bool, probe_passes: bool) -> Tick {
        Tick {
            sims: [NOWHERE; 2],
            wifi: WifiTick {
                connected,
                open: probe_passes,
                probe_passes,
                loss_permille: 0,
            },
            gateway: true,
        }
    }

    /// From where on the Wi-Fi is validated that is up at `up` and works two and a half seconds later.
    fn validated_at(up: usize) -> Option<usize> {
        let mut phone = phone();
        (0..up + ticks(600)).find(|&at| {
            let tick = wifi(at >= up, at >= up + 5);
            let seen = phone.observe(at, &tick);
            seen.links.iter().any(|link| link.validated)
        })
    }

    #[test]
    fn a_move_that_is_not_validated_needs_no_coverage() {
        for (there, unvalidated, confirmed) in [
            (NOWHERE, true, true),
            (NOWHERE, false, false),
            (CARRYING, false, true),
        ] {
            let tick = Tick {
                sims: [CARRYING, there],
                ..wifi(false, false)
            };
            let mut phone = phone();
            phone.move_data(0, 1, unvalidated);
            let seen = (0..ticks(20)).map(|at| phone.observe(at, &tick));
            let results: Vec<bool> = seen.filter_map(|s| Some(s.moved?.confirmed)).collect();
            assert_eq!(results, [confirmed]);
            assert_eq!(phone.data_card(), Some(usize::from(confirmed)));
        }
    }

    #[test]
    fn a_network_that_comes_up_is_looked_at_every_second_whenever_that_is() {
        for up in [0, ticks(3), ticks(1_000), ticks(1_017)] {
            let at = validated_at(up);
            assert!(at.is_some_and(|at| at <= up + 5 + ticks(1)), "{up}: {at:?}");
        }
    }
}
