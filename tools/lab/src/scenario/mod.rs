//! Scenarios: which handsets there are, what they send, and what happens to
//! them, in TOML.
//!
//! Owns the format. Everything is checked before anything runs: an error says
//! file, line, what was found and what is allowed.

mod actions;
mod file;
mod read;

use std::time::Duration;

use twine_control::pb::LinkKind;
use twine_proto::E164;

use crate::profile::Profile;
use crate::relay::LinkState;

pub use read::{ScenarioError, load};

/// A checked scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// For people.
    pub name: String,
    /// Decides texts and losses.
    pub seed: u64,
    /// Everything must have arrived by then, counted from the first message's
    /// start; after it the run ends and counts what is missing.
    pub give_up: Duration,
    /// Further keys of the daemons' configuration, as TOML.
    pub daemon_config: toml::Table,
    /// At least one.
    pub handsets: Vec<HandsetPlan>,
    /// What is sent.
    pub traffic: Vec<Traffic>,
    /// What happens, in the order of time.
    pub actions: Vec<Action>,
}

/// A handset.
#[derive(Debug, Clone)]
pub struct HandsetPlan {
    /// Unique in its scenario.
    pub name: String,
    /// Unique in its scenario.
    pub number: E164,
    /// At least one.
    pub links: Vec<LinkPlan>,
}

/// A link of a handset.
#[derive(Debug, Clone)]
pub struct LinkPlan {
    /// Unique in its handset.
    pub id: String,
    /// What the telephony agent calls it.
    pub kind: LinkKind,
    /// With a cellular link.
    pub sim_slot: u32,
    /// Data cost money.
    pub metered: bool,
    /// At the start.
    pub profile: Profile,
    /// At the start.
    pub state: LinkState,
}

/// Messages in one direction.
#[derive(Debug, Clone, PartialEq)]
pub struct Traffic {
    /// Index of the sender.
    pub from: usize,
    /// Index of the receiver.
    pub to: usize,
    /// How many.
    pub count: u64,
    /// When the first is sent.
    pub start: Duration,
    /// Between bursts.
    pub every: Duration,
    /// Messages at once.
    pub burst: u64,
}

/// Something that happens.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// When.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// What happens.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A link changes its state. `up` and `down` are told to the daemon,
    /// `stalled` and `cut` are not.
    Link {
        /// Index of the handset.
        handset: usize,
        /// Index of its link.
        link: usize,
        /// From now on.
        state: LinkState,
    },
    /// A link changes its shape; the daemon hears of the generation.
    Profile {
        /// Index of the handset.
        handset: usize,
        /// Index of its link.
        link: usize,
        /// From now on.
        profile: Box<Profile>,
    },
    /// SIGKILL.
    Kill(Process),
    /// Starts it again.
    Start(Process),
    /// SIGSTOP.
    Pause(Process),
    /// SIGCONT.
    Resume(Process),
}

/// A process under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// The daemon of the handset of this index.
    Daemon(usize),
    /// The gateway.
    Gateway,
}

impl Scenario {
    /// Messages that will be sent.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.traffic.iter().map(|traffic| traffic.count).sum()
    }

    /// When the last message is sent or the last thing happens.
    #[must_use]
    pub fn planned_end(&self) -> Duration {
        let sent = self.traffic.iter().map(|traffic| {
            let bursts = traffic.count.div_ceil(traffic.burst);
            let pauses = u32::try_from(bursts.saturating_sub(1)).unwrap_or(u32::MAX);
            traffic.start + traffic.every.saturating_mul(pauses)
        });
        let done = self.actions.iter().map(|action| action.at);
        sent.chain(done).max().unwrap_or_default()
    }
}
