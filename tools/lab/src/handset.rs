//! One handset: its daemon, its agent and its radio.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use twine_control::{Client, pb};

use crate::agent::{Agent, AgentPlan};
use crate::daemon::Daemon;
use crate::limits::{LOOK_AGAIN, READY_TIMEOUT};
use crate::mobile::network::Network;
use crate::radio::Radio;
use crate::relay::LinkHandle;
use crate::scenario::HandsetPlan;
use crate::world::WorldError;

/// One handset.
#[derive(Debug)]
pub struct Handset {
    plan: HandsetPlan,
    daemon: Daemon,
    agent: Agent,
    radio: Arc<Radio>,
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
        let radio = Radio::new(plan.clone(), (phone, network), sources, links);
        let agent = AgentPlan {
            socket: daemon.socket(),
            directory: daemon.directory().join("agent"),
            line: network.line(phone),
            radio: Arc::clone(&radio),
        };
        Self {
            agent: Agent::start(agent),
            plan,
            daemon,
            radio,
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

    /// Its links and cards, to be watched or changed from elsewhere.
    #[must_use]
    pub const fn radio(&self) -> &Arc<Radio> {
        &self.radio
    }

    /// Connects to the daemon as soon as it listens.
    pub async fn connect(
        &mut self,
        client: &str,
        roles: &[pb::Role],
    ) -> Result<Client, WorldError> {
        Ok(self.daemon.connect(client, roles).await?)
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

/// On 2G a handshake alone takes several seconds.
const GRANT_TIMEOUT: Duration = Duration::from_secs(30);
