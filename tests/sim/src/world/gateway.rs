//! The gateway: turns of the real core over a simulated storage.

use twine_gateway_core as gw;
use twine_proto::frame::Refusal;
use twine_proto::{E164, Frame};

use super::World;
use super::transition::Transition;
use crate::coverage::Group;
use crate::handset::{Handset, WALL_START_MS};
use crate::model::Broken;
use crate::net::{Packet, Way};
use crate::poison;

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
        self.note_what_expires();
        let unix_s = self.unix_s();
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
        self.attendance.heard(&inputs);
        let now = gw::Now {
            instant_ms: self.now,
            unix_s,
        };
        match core.turn(&mut self.gateway_store, now, inputs) {
            Ok(outputs) => {
                for output in outputs {
                    match output {
                        gw::Output::Send { conn, frame } => {
                            self.attendance.said(conn.0, &frame, &self.model.cases)?;
                            self.note_what_found_full(conn.0, &frame);
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
        self.mailboxes_are_bounded()?;
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

    /// What the gateway refuses because a mailbox is full.
    fn note_what_found_full(&mut self, conn: u64, frame: &Frame) {
        let Frame::Accepted(accepted) = frame else {
            return;
        };
        let Some(own) = self.attendance.number_of(conn, accepted.slot) else {
            return;
        };
        for (seq, refusal) in &accepted.refused {
            if *refusal == Refusal::MailboxFull {
                self.model.found_full(own, *seq);
            }
        }
    }

    /// What is too old when a turn begins may expire in it.
    fn note_what_expires(&mut self) {
        let ttl_s = self.gateway_config().mail_ttl_s;
        let Some(too_old_s) = (self.now / 1000).checked_sub(ttl_s) else {
            return;
        };
        let too_old_s = WALL_START_MS / 1000 + too_old_s;
        for owner in self.handsets.iter().flat_map(Handset::numbers_on_ip) {
            for (_, entry) in self.gateway_store.entries(owner) {
                if entry.taken_s > too_old_s {
                    continue;
                }
                match &entry.body {
                    gw::storage::EntryBody::ReadBy { .. } => self.model.mark_expires(owner),
                    gw::storage::EntryBody::Message { content, .. } => {
                        if let Some(text) = poison::text_of(content) {
                            self.model.expires(&text);
                        }
                    }
                }
            }
        }
    }

    /// The gateway's settings when nothing is made small. Worlds are shorter than an
    /// hour, so mail of senders that were not seen is held for a shorter time.
    pub(super) fn generous() -> gw::Config {
        gw::Config {
            hold_unseen_s: 45,
            expiry_check_s: 5,
            ..gw::Config::default()
        }
    }

    const fn unix_s(&self) -> u64 {
        (WALL_START_MS + self.now) / 1000
    }

    /// Small limits in some worlds, until the faults stop.
    pub(super) fn gateway_config(&self) -> gw::Config {
        let mut config = Self::generous();
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
        if f.redirect > 0 {
            config.drain_redirect = "second.example:443".into();
        }
        if f.connections_tenths > 0 {
            let most = self.numbers as u64 * f.connections_tenths / 10;
            config.max_connections = usize::try_from(most.max(1)).unwrap_or(usize::MAX);
            config.overload_retry_s = 5;
        }
        config
    }

    /// Whether each of its two addresses answers.
    pub(super) const fn gateway_addresses(&self) -> (bool, bool) {
        let up = self.gateway.is_some();
        let first = self.now >= self.first_address_from;
        (up && first, up && self.second_address)
    }

    /// The drained process ends. Where it has named another address, the next one
    /// answers there soon, and at the first one later; or it is not there at all.
    pub(super) fn end_drain(&mut self) {
        let redirects = self.gateway.is_some() && !self.gateway_config().drain_redirect.is_empty();
        if !redirects {
            return self.kill_gateway();
        }
        self.second_address = self.rng.percent(70);
        if !self.second_address {
            return self.kill_gateway();
        }
        self.broke("gateway redirected", || {
            "gateway goes on at its second address".into()
        });
        self.kill_gateway();
        self.at(self.now + 20, Transition::GatewayStart);
        self.first_address_from = self.now + self.rng.range(1_000, 60_000);
    }

    /// Whoever restores a backup says so.
    pub(super) fn gateway_was_restored(&mut self) {
        use gw::{Storage, Tx};
        let unix_s = self.unix_s();
        let done = self.gateway_store.begin().and_then(|mut tx| {
            gw::restored(&mut tx, unix_s)?;
            tx.commit()
        });
        debug_assert!(done.is_ok(), "the storage takes a mark");
    }

    fn mailboxes_are_bounded(&self) -> Result<(), Broken> {
        let most = self.faults.mailbox_entries;
        if most == 0 || self.calm {
            return Ok(());
        }
        for number in self.handsets.iter().flat_map(Handset::numbers_on_ip) {
            let waiting = self.gateway_store.mailbox(number).messages;
            if waiting > 0 {
                self.model.cases.expect(
                    "a mailbox is bounded",
                    u64::from(waiting) <= most,
                    format_args!("{waiting} messages"),
                )?;
            }
        }
        Ok(())
    }

    pub(super) fn gateway_closes(&mut self, conn: u64) {
        self.attendance.gone(conn);
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
