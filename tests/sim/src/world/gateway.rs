//! The gateway: turns of the real core over a simulated storage.

use twine_gateway_core as gw;
use twine_proto::E164;

use super::{Event, World};
use crate::handset::WALL_START_MS;
use crate::model::Broken;
use crate::net::{Packet, Way};

impl World {
    pub(super) fn gateway(&mut self, input: gw::Input) -> Result<(), Broken> {
        let Some(core) = &mut self.gateway else {
            return Ok(());
        };
        if !self.calm && self.rng.one_in(self.faults.gateway_commit_one_in) {
            let fault = if self.rng.percent(50) {
                gw::memory::CommitFault::Lost
            } else {
                gw::memory::CommitFault::Kept
            };
            self.gateway_store.plan_fault(0, fault);
        }
        let now = gw::Now {
            instant_ms: self.now,
            unix_s: (WALL_START_MS + self.now) / 1000,
        };
        match core.turn(&mut self.gateway_store, now, [input]) {
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
            self.at(at, Event::GatewayTick);
        }
        Ok(())
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
    gw::DeviceKey([u8::try_from(index + 1).unwrap_or(0); 32])
}

pub(super) fn provision(storage: &mut gw::MemoryStorage, number: E164, index: usize) {
    use gw::{Storage, Tx};
    let done = storage.begin().and_then(|mut tx| {
        gw::provision(&mut tx, number, key_of(index))?;
        tx.commit()
    });
    debug_assert!(done.is_ok(), "an empty storage takes a number");
}
