//! One gateway, handsets with their daemons and agents, and the relay between
//! them: everything real but the radio and the people.
//!
//! Owns the processes and the folder they live in. Knows nothing of messages.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;
use tokio::time::{Instant, sleep};
use twine_control::{Client, ClientError, pb};

use crate::agent::{self, Agent};
use crate::binaries::Binaries;
use crate::daemon::{Daemon, DaemonError, GatewayAccess};
use crate::gateway::{Gateway, GatewayError};
use crate::limits::{LOOK_AGAIN, READY_TIMEOUT};
use crate::profile::Profile;
use crate::relay::{LinkHandle, LinkSpec, LinkState, Relay, Upstream};
use crate::scenario::{HandsetPlan, Process};

/// Why the world does not stand, or what broke in it.
#[derive(Debug, Error)]
pub enum WorldError {
    /// The relay's sockets.
    #[error("cannot open the relay's sockets on loopback")]
    Relay(#[source] std::io::Error),
    /// The gateway.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// A daemon.
    #[error(transparent)]
    Daemon(#[from] DaemonError),
    /// A process.
    #[error(transparent)]
    Process(#[from] crate::process::ProcessError),
    /// A daemon answered what it should not.
    #[error("the daemon of {name} does not do its part")]
    Request {
        /// Whose.
        name: String,
        /// Why.
        #[source]
        source: ClientError,
    },
    /// No number granted.
    #[error("the number of {name} was not granted in time; its session: {session}")]
    NotGranted {
        /// Whose.
        name: String,
        /// What the daemon says of its session.
        session: String,
    },
}

/// What stands in a world.
#[derive(Debug)]
pub struct WorldPlan<'a> {
    /// The programs.
    pub binaries: &'a Binaries,
    /// An existing, empty folder.
    pub directory: &'a Path,
    /// The handsets.
    pub handsets: &'a [HandsetPlan],
    /// Further configuration of every daemon.
    pub daemon_config: &'a toml::Table,
    /// Decides which datagrams are lost.
    pub seed: u64,
}

/// Everything that runs. Ends when dropped.
#[derive(Debug)]
pub struct World {
    gateway: Gateway,
    relay: Relay,
    handsets: Vec<Handset>,
}

/// One handset.
#[derive(Debug)]
pub struct Handset {
    plan: HandsetPlan,
    daemon: Daemon,
    agent: Agent,
    links: Vec<LinkHandle>,
}

impl World {
    /// Starts everything, without registering anybody.
    pub async fn start(plan: WorldPlan<'_>) -> Result<Self, WorldError> {
        let mut gateway =
            Gateway::prepare(&plan.binaries.gateway, &plan.directory.join("gateway")).await?;
        let upstream = gateway.start().await?;
        let relay = Relay::start(&link_specs(plan.handsets), plan.seed)
            .await
            .map_err(WorldError::Relay)?;
        relay.set_upstream(upstream);
        let access = GatewayAccess {
            port_quic: relay.quic().port(),
            port_tls: relay.tls().port(),
            root: gateway.root(),
        };
        let mut links = relay.links().iter().cloned();
        let mut handsets = Vec::new();
        for (index, handset) in plan.handsets.iter().enumerate() {
            let mut daemon = Daemon::prepare(
                &plan.binaries.twined,
                &handset.name,
                &plan.directory.join(&handset.name),
                &access,
                plan.daemon_config,
            )?;
            daemon.start().await?;
            let sources: Vec<_> = (0..handset.links.len())
                .map(|link| source_address(index, link))
                .collect();
            let agent = Agent::start(daemon.socket(), agent::state(handset, &sources));
            handsets.push(Handset {
                plan: handset.clone(),
                daemon,
                agent,
                links: links.by_ref().take(handset.links.len()).collect(),
            });
        }
        Ok(Self {
            gateway,
            relay,
            handsets,
        })
    }

    /// Has every handset's number provisioned, registers it, and waits until
    /// the gateway granted it.
    pub async fn register_all(&mut self) -> Result<(), WorldError> {
        for handset in &mut self.handsets {
            let client = handset
                .connect("lab.setup", &[pb::Role::App, pb::Role::Diagnostics])
                .await?;
            let status = handset.ask(&client, pb::GetStatus {}).await?;
            self.gateway
                .provision(handset.plan.number, &status.device_key)
                .await?;
            let register = pb::Register {
                number: handset.plan.number.expose(),
                iccid: String::new(),
                consent: true,
            };
            handset.ask(&client, register).await?;
        }
        for handset in &mut self.handsets {
            handset.wait_until_granted().await?;
        }
        Ok(())
    }

    /// The handsets, in the order of the plan.
    #[must_use]
    pub fn handsets(&self) -> &[Handset] {
        &self.handsets
    }

    /// A handset, to be changed.
    pub fn handset(&mut self, index: usize) -> &mut Handset {
        &mut self.handsets[index]
    }

    /// The gateway.
    pub const fn gateway(&mut self) -> &mut Gateway {
        &mut self.gateway
    }

    /// SIGKILL.
    pub async fn kill(&mut self, process: Process) -> Result<(), WorldError> {
        if process == Process::Gateway {
            self.relay.set_upstream(Upstream::default());
        }
        Ok(self.process(process).kill().await?)
    }

    /// Starts what was killed. For the gateway, waits until it listens.
    pub async fn start_again(&mut self, process: Process) -> Result<(), WorldError> {
        match process {
            Process::Daemon(handset) => self.handsets[handset].daemon.start().await?,
            Process::Gateway => {
                let upstream = self.gateway.start().await?;
                self.relay.set_upstream(upstream);
            }
        }
        Ok(())
    }

    /// SIGSTOP.
    pub fn pause(&mut self, process: Process) -> Result<(), WorldError> {
        Ok(self.process(process).pause()?)
    }

    /// SIGCONT.
    pub fn resume(&mut self, process: Process) -> Result<(), WorldError> {
        Ok(self.process(process).resume()?)
    }

    /// An error if a process has ended that nobody killed.
    pub fn check(&mut self) -> Result<(), WorldError> {
        self.gateway.process().check()?;
        for handset in &mut self.handsets {
            handset.daemon.process().check()?;
        }
        Ok(())
    }

    /// Ends everything in order, for logs that say so; dropping ends it, too.
    /// Returns what the logs tell of errors.
    pub async fn stop(mut self) -> Result<Vec<String>, WorldError> {
        for handset in &mut self.handsets {
            handset.daemon.process().stop().await?;
        }
        self.gateway.process().stop().await?;
        let mut errors = self.gateway.process().log_errors();
        for handset in &mut self.handsets {
            errors.extend(handset.daemon.process().log_errors());
        }
        Ok(errors)
    }

    fn process(&mut self, process: Process) -> &mut crate::process::Process {
        match process {
            Process::Daemon(handset) => self.handsets[handset].daemon.process(),
            Process::Gateway => self.gateway.process(),
        }
    }
}

impl Handset {
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

    /// Changes the state of a link. The daemon hears of `up` and `down`.
    pub async fn set_link(&self, link: usize, state: LinkState) {
        self.links[link].set_state(state).await;
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

    async fn ask<A: twine_control::Ask>(
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

/// Each link of each handset has a loopback address of its own.
fn source_address(handset: usize, link: usize) -> Ipv4Addr {
    address(64, handset, link)
}

fn address(second: u8, handset: usize, link: usize) -> Ipv4Addr {
    // Both fit: see MAX_HANDSETS and MAX_LINKS.
    Ipv4Addr::new(127, second, handset as u8, link as u8 + 1)
}

fn link_specs(handsets: &[HandsetPlan]) -> Vec<LinkSpec> {
    let mut specs = Vec::new();
    for (handset, plan) in handsets.iter().enumerate() {
        for (link, plan) in plan.links.iter().enumerate() {
            specs.push(LinkSpec {
                source: source_address(handset, link),
                upstream: address(96, handset, link),
                profile: plan.profile.clone(),
                state: plan.state,
            });
        }
    }
    specs
}
