//! Everything that can happen in a world, faults included: one vocabulary for
//! the queue, for the steps, for the story and for the search for a smaller world.
//!
//! A transition is what comes *to* a part of the world at its time; what follows
//! from it is queued as further transitions. Those of which
//! [`Transition::is_choice`] holds were chosen by the dice or by a user, not
//! caused by another: they can be left out, and the world goes on without.
//!
//! A channel or a fault that is new has its variants here, its step in
//! [`World::step`](super::World), and if it is a fault its dial in
//! [`Fault::mean_ms`].

use twine_engine::{Input, Order};
use twine_proto::E164;

use crate::faults::Faults;
use crate::handset::Asked;
use crate::net::{HandsetNo, Packet, Way};
use crate::sms::centre::FromCentre;
use crate::sms::framework::Ended;

/// One thing that happens. `conn` is the network's number of a connection, `run`
/// the run of a daemon: what is meant for an earlier run meets nobody.
#[derive(Debug)]
pub(super) enum Transition {
    // -- a handset's daemon
    /// The daemon starts from what its flash holds.
    Start { handset: HandsetNo },
    /// The daemon's timer, set for `at`, fires.
    Timer {
        handset: HandsetNo,
        run: u64,
        at: u64,
    },
    /// The store has the batch on disk.
    Stored { handset: HandsetNo, run: u64 },
    /// The daemon's driver has something for the engine.
    Input {
        handset: HandsetNo,
        run: u64,
        input: Input,
    },

    // -- the network
    /// A connection's handshake would be done now, if its link carries it.
    Connected { conn: u64 },
    /// A packet arrives; `no` is its place in its stream.
    Packet {
        conn: u64,
        way: Way,
        no: u64,
        packet: Packet,
    },
    /// The gateway notices the end of a connection.
    GatewayLost { conn: u64 },
    /// The handset's driver stops reading a connection that was closed.
    HandsetEnd { conn: u64 },

    // -- SMS
    /// An order of the daemon's reaches this life of its agent.
    Order {
        handset: HandsetNo,
        life: u64,
        order: Box<Order>,
    },
    /// The radio is done with a part, in this boot of the phone.
    PartEnded {
        handset: HandsetNo,
        boot: u64,
        ended: Ended,
    },
    /// The operator's SMS centre does something.
    Centre(Box<FromCentre>),
    /// The agent starts.
    AgentStart { handset: HandsetNo },

    // -- the gateway
    /// The gateway's process starts.
    GatewayStart,
    /// Its timer fires.
    GatewayTick,
    /// Its disk is ready for the inputs that gathered.
    GatewayTurn,

    // -- apps and their users
    /// The app starts, or looks again after something it has to repeat.
    AppStart { handset: HandsetNo },
    /// A slow app reads its events.
    AppReads { handset: HandsetNo },
    /// The user writes a message.
    Send { handset: HandsetNo },
    /// The user says a word once more, between these numbers: to and from.
    Say {
        handset: HandsetNo,
        between: (E164, Option<E164>),
        word: &'static str,
    },
    /// The app asks something about a message.
    Ask { handset: HandsetNo, asked: Asked },

    // -- what breaks, and what mends
    /// Something breaks.
    Fault(Fault),
    /// A process that was suspended goes on.
    Resume { handset: HandsetNo },
    /// What is sent over a link passes again.
    StallEnd { handset: HandsetNo, link: usize },
    /// A captive portal lets the handset through.
    CaptiveEnd { handset: HandsetNo },
    /// All links are back.
    FlightEnd { handset: HandsetNo },
    /// The phone's data is on this SIM now.
    DataMoved { handset: HandsetNo, link: usize },
    /// What became of the engine's request for this SIM's data; `from`: where they are
    /// moved away from, unless it is refused.
    DataAsked {
        handset: HandsetNo,
        link: usize,
        from: Option<usize>,
    },
    /// The gateway stops, as it had announced.
    DrainEnd,
    /// A phone loses its power.
    PowerLoss { handset: HandsetNo },
    /// The phone's copy of some time ago is put back; or, with the same effect
    /// and another reason, its store broke and was salvaged without its newest rows.
    PutBack { handset: HandsetNo },
    /// Of a phone and its twin one is thrown away.
    TwinEnd { twin: HandsetNo },
    /// No faults from now on: the world has to come to rest.
    StopFaults,
}

/// What breaks again and again, each kind after a pause of its own.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    /// A link goes, or comes back.
    LinkFlap { handset: HandsetNo, link: usize },
    /// A link lets nothing through, and does not say so.
    Stall { handset: HandsetNo, link: usize },
    /// A live connection is reset.
    Reset,
    /// A daemon is killed.
    Kill { handset: HandsetNo },
    /// The gateway is killed.
    GatewayKill,
    /// The gateway is backed up, or restored from its backup.
    GatewayBackup,
    /// A handset's process is suspended.
    Suspend { handset: HandsetNo },
    /// The app dies.
    AppDeath { handset: HandsetNo },
    /// The gateway announces its end.
    Drain,
    /// A captive portal closes the first link.
    Captive { handset: HandsetNo },
    /// All links of a handset go at once.
    Flight { handset: HandsetNo },
    /// The telephony agent moves the phone's data to the other SIM.
    MoveData { handset: HandsetNo },
    /// A bundle is used up, or paid for.
    Bundle { handset: HandsetNo },
    /// The radio of a cellular link changes: generation, signal, delay and rate.
    Radio { handset: HandsetNo },
    /// The wall clock jumps by years.
    ClockJump { handset: HandsetNo },
    /// A phone is replaced by a new one of its number.
    Replace { handset: HandsetNo },
    /// A phone is copied, to be put back later.
    Copy { handset: HandsetNo },
    /// A phone is copied to a second one, and both live.
    Twin { handset: HandsetNo },
    /// An app asks something that makes no sense.
    Clumsy { handset: HandsetNo },
    /// The telephony agent dies.
    AgentDeath { handset: HandsetNo },
    /// Network, roaming or radio of the cards change.
    Service { handset: HandsetNo },
    /// A card moves.
    Cards { handset: HandsetNo },
    /// The user sets something.
    Settings { handset: HandsetNo },
}

impl Transition {
    /// Chosen, not caused: the world is whole without it.
    pub(super) const fn is_choice(&self) -> bool {
        matches!(
            self,
            Self::Fault(_) | Self::Send { .. } | Self::Say { .. } | Self::Ask { .. }
        )
    }
}

impl Fault {
    /// Mean pause between two of the kind, milliseconds; 0: never.
    pub(super) const fn mean_ms(self, faults: &Faults) -> u64 {
        match self {
            Self::LinkFlap { .. } => faults.link_flap_ms,
            Self::Stall { .. } => faults.stall_ms,
            Self::Reset => faults.reset_ms,
            Self::Kill { .. } => faults.kill_ms,
            Self::GatewayKill => faults.gateway_kill_ms,
            Self::GatewayBackup => faults.gateway_restore_ms,
            Self::Suspend { .. } => faults.suspend_ms,
            Self::AppDeath { .. } => faults.app_death_ms,
            Self::Drain => faults.drain_ms,
            Self::Captive { .. } => faults.captive_ms,
            Self::Flight { .. } => faults.flight_ms,
            Self::MoveData { .. } if faults.data_policy == 2 => 0,
            Self::MoveData { .. } => faults.move_data_ms,
            Self::Bundle { .. } => faults.bundle_ms,
            Self::Radio { .. } => faults.radio_ms,
            Self::ClockJump { .. } => faults.clock_jump_ms,
            Self::Replace { .. } => faults.replace_ms,
            Self::Copy { .. } => faults.put_back_ms,
            Self::Twin { .. } => faults.twin_ms,
            Self::Clumsy { .. } => faults.clumsy_ms,
            _ if faults.sms == 0 => 0,
            Self::AgentDeath { .. } => faults.agent_death_ms,
            Self::Service { .. } => faults.service_ms,
            Self::Cards { .. } => faults.cards_ms,
            Self::Settings { .. } => faults.settings_ms,
        }
    }
}
