//! The gateway: turns of the real core over a simulated storage.

use twine_gateway_core as gw;
use twine_proto::E164;

use super::World;
use super::transition::Transition;
use crate::coverage::Group;
use crate::handset::WALL_START_MS;
use crate::model::Broken;
use crate::net::{Packet, Way};

impl World {
    /// Hands an input to the gateway: at once, or when its disk is ready for
    /// it and all that came meanwhile.
    pub(super) fn gateway(&mut self, input: gw::Input) -> Result<(), Broken> {
        if self.gateway.is_none() {
            return Ok(());
        }
        self.gathered.push(input);
        let slow = if self.calm {
            0
        } else {
            self.faults.gateway_slow_ms
        };
        if slow == 0 {
            return self.gateway_turn();
        }
        if self.gathered.len() == 1 {
            let at = self.now + self.rng.range(1, slow);
            self.at(at, Transition::GatewayTurn);
        }
        Ok(())
    }

    /// One turn of the core with all that gathered.
    pub(super) fn gateway_turn(&mut self) -> Result<(), Broken> {
        let inputs = std::mem::take(&mut self.gathered);
        let Some(core) = &mut self.gateway else {
            return Ok(());
        };
        if inputs.len() > 1 {
            self.coverage.count(Group::Fault, "gateway turn of several");
        }
        if !self.calm && self.rng.one_in(self.faults.gateway_commit_one_in) {
            let (fault, name) = if self.rng.percent(50) {
                (gw::memory::CommitFault::Lost, "gateway commit lost")
            } else {
                (gw::memory::CommitFault::Kept, "gateway commit kept")
            };
            self.gateway_store.plan_fault(0, fault);
            self.coverage.count(Group::Fault, name);
        }
        let now = gw::Now {
            instant_ms: self.now,
            unix_s: (WALL_START_MS + self.now) / 1000,
        };
        match core.turn(&mut self.gateway_store, now, inputs) {
            Ok(outputs) => {
                for output in outputs {
                    match output {
                        gw::Output::Send { conn, frame } => {
                            self.transmit(conn.0, Way::Down, Packet::Frame(frame));
                        }
                        gw::Output::Close { conn } => self.gateway_closes(conn.0),
                    }
                }
            }
            Err(_) => {
                for conn in core.take_lost_connections() {
                    self.gateway_closes(conn.0);
                }
            }
        }
        let tick = self.gateway.as_ref().and_then(gw::Core::poll_timeout);
        if let Some(at) = tick
            && self.gateway_tick.is_none_or(|set| at < set)
        {
            let at = at.max(self.now + 1);
            self.gateway_tick = Some(at);
            self.at(at, Transition::GatewayTick);
        }
        Ok(())
    }

    /// Small limits in some worlds, until the faults stop.
    pub(super) fn gateway_config(&self) -> gw::Config {
        let mut config = gw::Config::default();
        let f = &self.faults;
        if self.calm {
            return config;
        }
        if f.mailbox_entries > 0 {
            config.mailbox_entries = u32::try_from(f.mailbox_entries).unwrap_or(u32::MAX);
        }
        if f.content_bytes > 0 {
            config.max_content_bytes = usize::try_from(f.content_bytes).unwrap_or(usize::MAX);
        }
        if f.mail_ttl_s > 0 {
            config.mail_ttl_s = f.mail_ttl_s;
            config.expiry_check_s = 5;
        }
        if f.connections_tenths > 0 {
            let most = self.numbers as u64 * f.connections_tenths / 10;
            config.max_connections = usize::try_from(most.max(1)).unwrap_or(usize::MAX);
            config.overload_retry_s = 5;
        }
        config
    }

    /// Whoever restores a backup says so.
    pub(super) fn gateway_was_restored(&mut self) {
        use gw::{Storage, Tx};
        let done = self.gateway_store.begin().and_then(|mut tx| {
            gw::restored(&mut tx)?;
            tx.commit()
        });
        debug_assert!(done.is_ok(), "the storage takes a mark");
    }

    pub(super) fn gateway_closes(&mut self, conn: u64) {
        self.transmit(conn, Way::Down, Packet::Fin);
        if let Some(c) = self.net.get(conn) {
            c.gateway_open = false;
        }
    }
}

/// The number of a handset.
pub(super) fn number_of(index: usize) -> E164 {
    match E164::new(254_700_000_000 + index as u64) {
        Ok(number) => number,
        Err(_) => unreachable!("twelve digits"),
    }
}

pub(super) fn key_of(index: usize) -> gw::DeviceKey {
    let mut key = [1; 32];
    key[..8].copy_from_slice(&(index as u64).to_be_bytes());
    gw::DeviceKey(key)
}

/// A number no phone has.
pub(super) fn nobody() -> E164 {
    number_of(999_999)
}

/// Binds a number to the phone of this index.
pub(super) fn provision(storage: &mut gw::MemoryStorage, number: E164, index: usize) {
    use gw::{Storage, Tx};
    let done = storage.begin().and_then(|mut tx| {
        gw::provision(&mut tx, number, key_of(index))?;
        tx.commit()
    });
    debug_assert!(done.is_ok(), "the storage takes a number");
}
