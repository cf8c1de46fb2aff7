//! One gateway, handsets with their daemons and agents, and the relay between
//! them: everything real but the radio and the people.
//!
//! Owns the processes and the folder they live in. Knows nothing of messages.

use std::net::Ipv4Addr;
use std::path::Path;

use thiserror::Error;
use twine_control::{ClientError, pb};

use crate::binaries::Binaries;
use crate::daemon::{Daemon, DaemonError, GatewayAccess};
use crate::gateway::{Gateway, GatewayError};
use crate::handset::Handset;
use crate::mobile::network::Network;
use crate::mobile::plan::{Coverage, OperatorPlan};
use crate::relay::{LinkSpec, Relay, Upstream};
use crate::scenario::{HandsetPlan, PlainPlan, Process, phones};

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
    /// The folder of an agent failed it.
    #[error("the telephony agent of {name} cannot keep its journal")]
    Agent {
        /// Whose.
        name: String,
        /// Why.
        #[source]
        source: std::io::Error,
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
    /// The operators.
    pub operators: &'a [OperatorPlan],
    /// The handsets.
    pub handsets: &'a [HandsetPlan],
    /// Phones without Twine.
    pub plain: &'a [PlainPlan],
    /// Further configuration of every daemon.
    pub daemon_config: &'a toml::Table,
    /// Decides which datagrams and SMS are lost.
    pub seed: u64,
}

/// Everything that runs. Ends when dropped.
#[derive(Debug)]
pub struct World {
    gateway: Gateway,
    relay: Relay,
    handsets: Vec<Handset>,
    network: Network,
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
        let everybody = phones(plan.handsets, plan.plain);
        let network = Network::start(plan.operators, &everybody, plan.seed);
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
            let links = links.by_ref().take(handset.links.len()).collect();
            let phone = (index, &network);
            let handset = Handset::new(handset.clone(), daemon, phone, &sources, links);
            // A slot may have no card, or no network, from the start.
            handset.radio().follow().await;
            handsets.push(handset);
        }
        Ok(Self {
            gateway,
            relay,
            handsets,
            network,
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
                .provision(handset.plan().number, &status.device_key)
                .await?;
            let register = pb::Register {
                number: handset.plan().number.expose(),
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

    /// The mobile networks. Phones are counted as parties are.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// What of a network reaches a slot of a party's phone.
    pub async fn set_coverage(&mut self, party: usize, slot: usize, coverage: Coverage) {
        self.network.set_coverage(party, slot, coverage);
        self.follow(party).await;
    }

    /// The user turns the radio of a party's phone off or on.
    pub async fn set_flight_mode(&mut self, party: usize, on: bool) {
        self.network.set_flight_mode(party, on);
        self.follow(party).await;
    }

    /// A card of a handset is put into one of its slots, or taken out.
    pub async fn move_card(&mut self, handset: usize, card: usize, slot: Option<usize>) {
        let iccid = &self.handsets[handset].plan().cards[card].plan.iccid;
        self.network
            .move_card(iccid, slot.map(|slot| (handset, slot)));
        self.follow(handset).await;
    }

    /// The cards of a handset's slots change places.
    pub async fn swap_cards(&mut self, handset: usize) {
        let cards = self.network.look(|mobile| {
            [0, 1].map(|slot| {
                mobile
                    .slot(handset, slot)
                    .card
                    .map(|card| card.iccid.clone())
            })
        });
        for iccid in cards.iter().flatten() {
            self.network.move_card(iccid, None);
        }
        for (iccid, slot) in cards.iter().zip([1, 0]) {
            if let Some(iccid) = iccid {
                self.network.move_card(iccid, Some((handset, slot)));
            }
        }
        self.follow(handset).await;
    }

    /// Links and agent of a handset follow its radio and its cards.
    async fn follow(&self, party: usize) {
        if let Some(handset) = self.handsets.get(party) {
            handset.radio().follow().await;
        }
    }

    /// SIGKILL.
    pub async fn kill(&mut self, process: Process) -> Result<(), WorldError> {
        match process {
            Process::Agent(handset) => self.handsets[handset].agent().kill(),
            Process::Daemon(handset) => self.handsets[handset].daemon().process().kill().await?,
            Process::Gateway => {
                self.relay.set_upstream(Upstream::default());
                self.gateway.process().kill().await?;
            }
        }
        Ok(())
    }

    /// Starts what was killed. For the gateway, waits until it listens.
    pub async fn start_again(&mut self, process: Process) -> Result<(), WorldError> {
        match process {
            Process::Agent(handset) => self.handsets[handset].agent().start_again(),
            Process::Daemon(handset) => self.handsets[handset].daemon().start().await?,
            Process::Gateway => {
                let upstream = self.gateway.start().await?;
                self.relay.set_upstream(upstream);
            }
        }
        Ok(())
    }

    /// SIGSTOP. An agent has no process to be stopped.
    pub fn pause(&mut self, process: Process) -> Result<(), WorldError> {
        match self.process(process) {
            Some(process) => Ok(process.pause()?),
            None => Ok(()),
        }
    }

    /// SIGCONT.
    pub fn resume(&mut self, process: Process) -> Result<(), WorldError> {
        match self.process(process) {
            Some(process) => Ok(process.resume()?),
            None => Ok(()),
        }
    }

    /// An error if a process has ended that nobody killed.
    pub fn check(&mut self) -> Result<(), WorldError> {
        self.gateway.process().check()?;
        for handset in &mut self.handsets {
            handset.check()?;
        }
        Ok(())
    }

    /// Ends everything in order, for logs that say so; dropping ends it, too.
    /// Returns what the logs tell of errors.
    pub async fn stop(mut self) -> Result<Vec<String>, WorldError> {
        for handset in &mut self.handsets {
            handset.daemon().process().stop().await?;
        }
        self.gateway.process().stop().await?;
        let mut errors = self.gateway.process().log_errors();
        for handset in &mut self.handsets {
            errors.extend(handset.daemon().process().log_errors());
        }
        Ok(errors)
    }

    fn process(&mut self, process: Process) -> Option<&mut crate::process::Process> {
        match process {
            Process::Daemon(handset) => Some(self.handsets[handset].daemon().process()),
            Process::Agent(_) => None,
            Process::Gateway => Some(self.gateway.process()),
        }
    }
}

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
