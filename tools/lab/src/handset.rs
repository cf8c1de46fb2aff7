//! One handset: its daemon, its agent, its links and its radio.
//!
//! Owns that links follow the radio: without a card, a network or the radio, a
//! cellular link is down whatever else was said of it.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use twine_control::{Client, pb};

use crate::agent::{self, Agent, AgentPlan};
use crate::daemon::Daemon;
use crate::limits::{LOOK_AGAIN, READY_TIMEOUT};
use crate::mobile::network::Network;
use crate::profile::Profile;
use crate::relay::{LinkHandle, LinkState};
use crate::scenario::HandsetPlan;
use crate::world::WorldError;

/// One handset.
#[derive(Debug)]
pub struct Handset {
    plan: HandsetPlan,
    daemon: Daemon,
    agent: Agent,
    links: Vec<LinkHandle>,
    /// What was said of each link; what it is depends on the radio, too.
    wanted: Mutex<Vec<LinkState>>,
    /// Its index in the network.
    phone: usize,
    network: Network,
}

impl Handset {
    /// A handset whose daemon was started. `phone`: its index in the network.
    pub(crate) fn new(
        plan: HandsetPlan,
        daemon: Daemon,
        (phone, network): (usize, &Network),
        sources: &[Ipv4Addr],
        links: Vec<LinkHandle>,
    ) -> Self {
        let agent = AgentPlan {
            socket: daemon.socket(),
            directory: daemon.directory().join("agent"),
            line: network.line(phone),
        };
        let state = network.look(|mobile| agent::state(&plan, sources, phone, mobile));
        Self {
            agent: Agent::start(agent, state),
            wanted: Mutex::new(plan.links.iter().map(|link| link.state).collect()),
            plan,
            daemon,
            links,
            phone,
            network: network.clone(),
        }
    }

    /// What was planned.
    #[must_use]
    pub const fn plan(&self) -> &HandsetPlan {
        &self.plan
    }

    /// The control socket of its daemon.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.daemon.socket()
    }

    /// Its daemon.
    pub const fn daemon(&mut self) -> &mut Daemon {
        &mut self.daemon
    }

    /// Its telephony agent.
    pub const fn agent(&mut self) -> &mut Agent {
        &mut self.agent
    }

    /// An error if its daemon or its agent has ended by itself.
    pub(crate) fn check(&mut self) -> Result<(), WorldError> {
        self.daemon.process().check()?;
        match self.agent.failure() {
            Some(source) => Err(WorldError::Agent {
                name: self.plan.name.clone(),
                source,
            }),
            None => Ok(()),
        }
    }

    /// Its links, in the order of the plan.
    #[must_use]
    pub fn links(&self) -> &[LinkHandle] {
        &self.links
    }

    /// Its links, to be watched from elsewhere.
    #[must_use]
    pub fn radio(&self) -> Radio {
        let ids = self.plan.links.iter().map(|link| link.id.clone());
        Radio {
            links: ids.zip(self.links.iter().cloned()).collect(),
        }
    }

    /// Connects to the daemon as soon as it listens.
    pub async fn connect(
        &mut self,
        client: &str,
        roles: &[pb::Role],
    ) -> Result<Client, WorldError> {
        Ok(self.daemon.connect(client, roles).await?)
    }

    /// Changes the state of a link, as far as its radio allows. The daemon hears of
    /// `up` and `down`.
    pub async fn set_link(&self, link: usize, state: LinkState) {
        lock(&self.wanted)[link] = state;
        self.apply(link).await;
    }

    /// The radio or the cards changed: agent and cellular links follow.
    pub(crate) async fn follow_radio(&self) {
        let sims = self
            .network
            .look(|mobile| agent::sims(&self.plan, self.phone, mobile));
        self.agent.set_sims(sims);
        for link in 0..self.links.len() {
            self.apply(link).await;
        }
    }

    async fn apply(&self, link: usize) {
        let wanted = lock(&self.wanted)[link];
        let plan = &self.plan.links[link];
        let cellular = plan.kind == pb::LinkKind::Cellular;
        let slot = plan.sim_slot as usize;
        let on_air = self
            .network
            .look(|mobile| mobile.slot(self.phone, slot).in_service());
        let state = if cellular && !on_air {
            LinkState::Down
        } else {
            wanted
        };
        if self.links[link].state() != state {
            self.links[link].set_state(state).await;
        }
        match state {
            LinkState::Up => self.agent.set_up(link, true),
            LinkState::Down => self.agent.set_up(link, false),
            LinkState::Stalled | LinkState::Cut => {}
        }
    }

    /// Changes the shape of a link. The daemon hears of the generation.
    pub async fn set_profile(&self, link: usize, profile: &Profile) {
        self.links[link].set_profile(profile).await;
        self.agent.set_profile(link, profile);
    }

    /// Waits until the gateway has granted the handset's number.
    pub async fn wait_until_granted(&mut self) -> Result<(), WorldError> {
        let client = self.connect("lab.setup", &[pb::Role::Diagnostics]).await?;
        let give_up = Instant::now() + READY_TIMEOUT.max(GRANT_TIMEOUT);
        loop {
            let status = self.ask(&client, pb::GetStatus {}).await?;
            if status.identities.iter().any(|identity| identity.epoch > 0) {
                return Ok(());
            }
            self.daemon.process().check()?;
            if Instant::now() >= give_up {
                let session = status.session.unwrap_or_default();
                return Err(WorldError::NotGranted {
                    name: self.plan.name.clone(),
                    session: format!("{}, {}", session.state, session.reason),
                });
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    pub(crate) async fn ask<A: twine_control::Ask>(
        &self,
        client: &Client,
        request: A,
    ) -> Result<A::Reply, WorldError> {
        client
            .ask(request)
            .await
            .map_err(|source| WorldError::Request {
                name: self.plan.name.clone(),
                source,
            })
    }
}

/// The links of a handset, as seen from the air.
#[derive(Debug, Clone)]
pub struct Radio {
    links: Vec<(String, LinkHandle)>,
}

impl Radio {
    /// The link that the handset uses, and its profile: of those that are up
    /// the one over which it sent last, or the first if it has not sent yet.
    /// `None`: no link is up. Links that are cut or stalled count as up: the
    /// handset does not know.
    #[must_use]
    pub fn active(&self) -> Option<(&str, String)> {
        self.links
            .iter()
            .filter(|(_, link)| link.state() != LinkState::Down)
            // The first of equals.
            .rev()
            .max_by_key(|(_, link)| link.last_sent())
            .map(|(id, link)| (id.as_str(), link.profile()))
    }
}

/// On 2G a handshake alone takes several seconds.
const GRANT_TIMEOUT: Duration = Duration::from_secs(30);

fn lock(wanted: &Mutex<Vec<LinkState>>) -> MutexGuard<'_, Vec<LinkState>> {
    wanted.lock().unwrap_or_else(PoisonError::into_inner)
}
