//! What breaks the world, and when: links, connections, processes, disks.

use twine_engine::input::DownReason;
use twine_engine::store_ops::StoreOps;
use twine_engine::{ChannelEvent, Input, TelephonyEvent};
use twine_gateway_core as gw;

use super::World;
use super::gateway::provision;
use super::transition::{Fault, Transition};
use crate::handset::SIM1;
use crate::link::Radio;
use crate::model::Broken;
use crate::net::{HandsetNo, Packet, RESET, Way};

const YEAR_MS: i64 = 365 * 24 * 3_600_000;

impl World {
    pub(super) fn plan_all_faults(&mut self) {
        for handset in 0..self.handsets.len() {
            self.plan_faults_of(handset);
        }
        for fault in [
            Fault::Reset,
            Fault::GatewayKill,
            Fault::GatewayBackup,
            Fault::Drain,
        ] {
            self.plan(fault);
        }
    }

    pub(super) fn plan_faults_of(&mut self, handset: HandsetNo) {
        for link in 0..self.handsets[handset].links.len() {
            self.plan(Fault::LinkFlap { handset, link });
            self.plan(Fault::Stall { handset, link });
        }
        for fault in [
            Fault::Kill { handset },
            Fault::Suspend { handset },
            Fault::AppDeath { handset },
            Fault::Captive { handset },
            Fault::Flight { handset },
            Fault::ClockJump { handset },
            Fault::MoveData { handset },
            Fault::Bundle { handset },
            Fault::Replace { handset },
            Fault::Copy { handset },
            Fault::Twin { handset },
            Fault::Clumsy { handset },
            Fault::Radio { handset },
            Fault::AgentDeath { handset },
            Fault::Service { handset },
            Fault::Cards { handset },
            Fault::Settings { handset },
        ] {
            self.plan(fault);
        }
    }

    pub(super) fn plan(&mut self, fault: Fault) {
        let mean = fault.mean_ms(&self.faults);
        self.pause_then(Transition::Fault(fault), mean);
    }

    /// A fault is due: it happens, and the next of its kind is planned.
    pub(super) fn fault(&mut self, fault: Fault) -> Result<(), Broken> {
        if self.calm {
            return Ok(());
        }
        match fault {
            Fault::LinkFlap { handset, link } => {
                let up = !self.handsets[handset].links[link].up;
                self.set_link(handset, link, up)?;
                if !up {
                    // The next change brings it back.
                    let most = self.faults.link_down_max_ms;
                    let at = self.now + self.rng.range(100, most.max(101));
                    self.at(at, Transition::Fault(fault));
                    return Ok(());
                }
            }
            Fault::Stall { handset, link } => {
                self.handsets[handset].links[link].stalled = true;
                self.broke("stall", || format!("h{handset} link {link} stalls"));
                let at = self.now + self.lasts(500, 60_000);
                self.at(at, Transition::StallEnd { handset, link });
            }
            Fault::Reset => {
                let ids = self.net.ids();
                if !ids.is_empty() {
                    // The same on machines of 32 and of 64 bits.
                    let pick = self.rng.next() % ids.len() as u64;
                    let pick = usize::try_from(pick).unwrap_or(0);
                    self.reset(ids[pick]);
                }
            }
            Fault::Kill { handset } => self.kill(handset),
            Fault::GatewayKill => self.kill_gateway(),
            Fault::GatewayBackup => {
                if self.restore_or_back_up() {
                    let oldest = age_or_minute(self.faults.backup_age_ms);
                    let at = self.now + self.rng.range(100, oldest);
                    self.at(at, Transition::Fault(fault));
                    return Ok(());
                }
            }
            Fault::Suspend { handset } => {
                self.handsets[handset].paused = true;
                let at = self.now + self.lasts(100, 120_000);
                self.broke("suspend", || format!("h{handset} sleeps"));
                self.at(at, Transition::Resume { handset });
            }
            Fault::AppDeath { handset } => {
                self.handsets[handset].app.alive = false;
                let at = self.now + self.lasts(100, 60_000);
                self.broke("app death", || format!("h{handset} app dies"));
                self.at(at, Transition::AppStart { handset });
            }
            Fault::Drain => {
                self.broke("gateway drained", || "gateway drains".into());
                let at = self.now + self.rng.range(100, 5_000);
                self.at(at, Transition::DrainEnd);
                self.gateway(gw::Input::Drain { retry_after_s: 3 })?;
            }
            Fault::Captive { handset } => {
                let at = self.now + self.lasts(1_000, 60_000);
                self.at(at, Transition::CaptiveEnd { handset });
                self.set_captive(handset, true)?;
            }
            Fault::Flight { handset } => {
                self.broke("flight", || format!("h{handset} flies"));
                let at = self.now + self.lasts(1_000, 120_000);
                self.at(at, Transition::FlightEnd { handset });
                self.set_all_links(handset, false)?;
            }
            Fault::MoveData { handset } => self.move_data(handset)?,
            Fault::Radio { handset } => self.change_radio(handset)?,
            Fault::Bundle { handset } => self.change_bundle(handset)?,
            Fault::ClockJump { handset } => {
                let (unit, unit_ms) = self.clock_unit();
                let by = i64::try_from(self.rng.range(0, 20)).unwrap_or(0) - 10;
                self.handsets[handset].clock_off_ms = by * unit_ms;
                self.broke("clock jump", || {
                    format!("h{handset} wall clock is {by} {unit} off")
                });
            }
            Fault::Replace { handset } => self.replace_phone(handset)?,
            Fault::Copy { handset } => self.copy_phone(handset),
            Fault::Twin { handset } => self.make_twin(handset),
            Fault::Clumsy { handset } => self.clumsy_request(handset)?,
            Fault::AgentDeath { handset } => self.agent_dies(handset),
            Fault::Service { handset } => self.change_service(handset)?,
            Fault::Cards { handset } => self.move_cards(handset)?,
            Fault::Settings { handset } => self.change_settings(handset)?,
        }
        self.plan(fault);
        Ok(())
    }

    /// In which unit a wall clock jumps.
    const fn clock_unit(&mut self) -> (&'static str, i64) {
        if !self.rng.one_in(self.faults.clock_step_one_in) {
            return ("years", YEAR_MS);
        }
        match self.rng.range(0, 2) {
            0 => ("minutes", 60_000),
            1 => ("hours", 3_600_000),
            _ => ("days", 24 * 3_600_000),
        }
    }

    pub(super) fn stop_faults(&mut self) -> Result<(), Broken> {
        let redirected = self.gateway_config();
        self.calm = true;
        // It comes back without its small limits; without any, sessions live on.
        let same = gw::Config {
            drain_redirect: redirected.drain_redirect.clone(),
            ..self.gateway_config()
        };
        if redirected != same {
            self.kill_gateway();
        }
        self.first_address_from = self.now;
        self.tell(|| "faults stop".into());
        for handset in 0..self.handsets.len() {
            for link in &mut self.handsets[handset].links {
                link.udp_blocked = false;
                link.stalled = false;
            }
            self.set_captive(handset, false)?;
            self.set_all_links(handset, true)?;
            for link in 0..self.handsets[handset].links.len() {
                self.unpark_link(handset, link);
            }
            if self.faults.stretch > 1 {
                // Whoever would be away for hours is back.
                self.at(self.now, Transition::Resume { handset });
                self.at(self.now, Transition::Start { handset });
                self.at(self.now, Transition::AppStart { handset });
            }
        }
        if self.faults.stretch > 1 {
            self.at(self.now, Transition::GatewayStart);
        }
        // What is told of cards tells of links as well: they are up now.
        for twin in 0..self.handsets.len() {
            self.twin_ends(twin)?;
        }
        self.mend_telephony()
    }

    fn set_link(&mut self, handset: HandsetNo, link: usize, up: bool) -> Result<(), Broken> {
        if self.handsets[handset].links[link].up == up {
            return Ok(());
        }
        self.handsets[handset].links[link].up = up;
        let (name, word) = if up {
            ("link up", "up")
        } else {
            ("link down", "down")
        };
        self.broke(name, || format!("h{handset} link {link} {word}"));
        self.link_changed(handset, link)
    }

    pub(super) fn set_all_links(&mut self, handset: HandsetNo, up: bool) -> Result<(), Broken> {
        for link in 0..self.handsets[handset].links.len() {
            self.set_link(handset, link, up)?;
        }
        Ok(())
    }

    /// The phone moves under another cell.
    fn change_radio(&mut self, handset: HandsetNo) -> Result<(), Broken> {
        let links = &self.handsets[handset].links;
        let Some(link) = (SIM1..links.len()).find(|link| links[*link].has_data) else {
            return Ok(());
        };
        let radio = Radio::draw(&mut self.rng);
        let (generation, signal_dbm) = (radio.generation, radio.signal_dbm);
        self.handsets[handset].links[link].retune(radio);
        self.broke("radio", || {
            format!("h{handset} link {link} is {generation:?} at {signal_dbm} dBm")
        });
        self.link_changed(handset, link)
    }

    pub(super) fn set_captive(&mut self, handset: HandsetNo, captive: bool) -> Result<(), Broken> {
        if self.handsets[handset].links[0].captive == captive {
            return Ok(());
        }
        self.handsets[handset].links[0].captive = captive;
        if captive {
            self.broke("captive portal", || format!("h{handset} link 0 captive"));
        } else {
            self.tell(|| format!("h{handset} link 0 free"));
        }
        self.link_changed(handset, 0)
    }

    pub(super) fn link_changed(&mut self, handset: HandsetNo, link: usize) -> Result<(), Broken> {
        self.unpark_link(handset, link);
        if !self.handsets[handset].has_agent() {
            // It tells of everything when it starts.
            return Ok(());
        }
        let h = &self.handsets[handset];
        let report = h.link_report(link);
        // What a phone knows of both cards it tells of both.
        let cards = if link >= SIM1 && h.tells_of_data() {
            h.sims()
        } else {
            Vec::new()
        };
        for sim in cards {
            self.handsets[handset]
                .waiting
                .push_back(Input::Telephony(TelephonyEvent::Sim(sim)));
        }
        self.input(handset, report)
    }

    pub(super) fn stall_ends(&mut self, handset: HandsetNo, link: usize) {
        self.tell(|| format!("h{handset} link {link} goes on"));
        self.handsets[handset].links[link].stalled = false;
        self.unpark_link(handset, link);
    }

    fn unpark_link(&mut self, handset: HandsetNo, link: usize) {
        if !self.handsets[handset].links[link].carries() {
            return;
        }
        for conn in self.net.ids_of(handset) {
            if self.net.get(conn).is_some_and(|c| c.link == link) {
                self.unpark(conn);
            }
        }
    }

    pub(super) fn unpark(&mut self, conn: u64) {
        for way in [Way::Up, Way::Down] {
            for (no, packet) in self.net.take_parked(conn, way) {
                self.transmit_numbered(conn, way, no, packet);
            }
        }
    }

    /// Both ends hear of it, each in its own time.
    pub(super) fn reset(&mut self, conn: u64) {
        let Some(c) = self.net.get(conn) else { return };
        if !c.established {
            return;
        }
        let (handset, run, engine_conn) = (c.handset, c.run, c.engine_conn);
        c.handset_open = false;
        self.broke("reset", || {
            format!("h{handset} connection {} reset", engine_conn.0)
        });
        let (first, second) = (self.rng.range(0, 2_000), self.rng.range(0, 2_000));
        let input = Input::Channel {
            conn: engine_conn,
            event: ChannelEvent::Down(DownReason::Closed("reset".into())),
        };
        self.at(
            self.now + first,
            Transition::Input {
                handset,
                run,
                input,
            },
        );
        self.at(self.now + second, Transition::GatewayLost { conn });
    }

    pub(super) fn kill(&mut self, handset: HandsetNo) {
        if self.handsets[handset].engine.is_none() {
            return;
        }
        self.broke("daemon killed", || format!("h{handset} daemon killed"));
        // A batch on its way is on disk or it is not.
        if let Some(batch) = self.handsets[handset].storing.take()
            && self.rng.percent(50)
        {
            let Ok(_) = self.handsets[handset].store.apply(&batch);
            self.note_who_waits(handset, &batch);
            self.note_what_is_stored(handset, &batch);
        }
        self.handsets[handset].stop();
        for conn in self.net.ids_of(handset) {
            let Some(c) = self.net.get(conn) else {
                continue;
            };
            if c.handset_open {
                c.handset_open = false;
                // A dead process says nothing; a dead TCP peer is reset.
                if self.rng.percent(50) {
                    let at = self.now + self.rng.range(0, 3_000);
                    self.at(at, Transition::GatewayLost { conn });
                }
            }
        }
        if self.rng.one_in(self.faults.reboot_one_in) && !self.calm {
            let now = self.now;
            self.handsets[handset].reboot(now);
            self.broke("reboot", || format!("h{handset} boots anew"));
        }
        let at = self.now + self.lasts(50, 20_000);
        self.at(at, Transition::Start { handset });
    }

    /// A batch is written and cannot be synced: the store says nothing and tries again.
    /// What is in the page cache only may be lost with the power. Says how much later it
    /// is on disk.
    pub(super) fn sync_fails(&mut self, handset: HandsetNo) -> u64 {
        let later = self.rng.range(1_000, 20_000);
        let power_fails = self.rng.percent(50);
        self.broke("sync failed", || {
            format!("h{handset} store cannot sync, loses power: {power_fails}")
        });
        if power_fails {
            let at = self.now + self.rng.range(1, later);
            self.at(at, Transition::PowerLoss { handset });
        }
        later
    }

    /// A phone without power: the daemon is gone, and what is on disk is on disk.
    pub(super) fn power_fails(&mut self, handset: HandsetNo) {
        if self.calm || self.handsets[handset].engine.is_none() {
            return;
        }
        self.kill(handset);
        let now = self.now;
        self.handsets[handset].reboot(now);
        self.broke("reboot", || format!("h{handset} boots anew"));
    }

    /// Backs the gateway up, or restores what was backed up; `true`: the
    /// former, and the latter is due.
    fn restore_or_back_up(&mut self) -> bool {
        let Some(backup) = self.backup.take() else {
            self.backup = Some(self.gateway_store.clone());
            self.model.gateway_backed_up(self.now);
            return true;
        };
        self.kill_gateway();
        self.broke("gateway restored", || {
            "gateway restored from a backup".into()
        });
        self.gateway_store = backup;
        let is_told = self.faults.restore_is_told > 0;
        if is_told {
            self.gateway_was_restored();
        }
        self.model.gateway_restored(is_told, self.now);
        // Whose number is whose is known elsewhere, too.
        for handset in &self.handsets {
            for number in handset.numbers_on_ip().filter(|_| !handset.retired) {
                provision(&mut self.gateway_store, number, handset.device);
            }
        }
        false
    }

    pub(super) fn kill_gateway(&mut self) {
        if self.gateway.take().is_none() {
            return;
        }
        self.broke("gateway killed", || "gateway killed".into());
        self.gateway_tick = None;
        self.gathered.clear();
        self.attendance.all_gone();
        for conn in self.net.ids() {
            let Some(c) = self.net.get(conn) else {
                continue;
            };
            c.gateway_open = false;
            if self.rng.percent(70) {
                let at = self.now + self.rng.range(0, 2_000);
                self.at(
                    at,
                    Transition::Packet {
                        conn,
                        way: Way::Down,
                        no: RESET,
                        packet: Packet::Fin,
                    },
                );
            }
        }
        let at = self.now + self.lasts(100, 30_000);
        self.at(at, Transition::GatewayStart);
    }
}

/// How old a copy may be, where nothing says so: a minute.
pub(super) const fn age_or_minute(age_ms: u64) -> u64 {
    if age_ms == 0 { 60_000 } else { age_ms }
}
