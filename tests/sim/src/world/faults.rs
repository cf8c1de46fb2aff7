//! What breaks the world, and when: links, connections, processes, disks.

use twine_engine::input::DownReason;
use twine_engine::store_ops::StoreOps;
use twine_engine::{ChannelEvent, Input};

use super::{Event, Fault, World};
use crate::model::Broken;
use crate::net::{HandsetNo, Packet, RESET, Way};

impl World {
    pub(super) fn plan_all_faults(&mut self) {
        let f = self.faults.clone();
        for handset in 0..self.handsets.len() {
            for link in 0..self.handsets[handset].links.len() {
                let fault = Fault::LinkFlap { handset, link };
                self.pause_then(Event::Fault(fault), f.link_flap_ms);
            }
            self.pause_then(Event::Fault(Fault::Kill { handset }), f.kill_ms);
            self.pause_then(Event::Fault(Fault::Suspend { handset }), f.suspend_ms);
            self.pause_then(Event::Fault(Fault::AppDeath { handset }), f.app_death_ms);
        }
        self.pause_then(Event::Fault(Fault::Reset), f.reset_ms);
        self.pause_then(Event::Fault(Fault::GatewayKill), f.gateway_kill_ms);
        self.pause_then(Event::Fault(Fault::GatewayBackup), f.gateway_restore_ms);
    }

    pub(super) fn fault(&mut self, fault: Fault) -> Result<(), Broken> {
        if self.calm {
            return Ok(());
        }
        let f = &self.faults;
        let mean = match fault {
            Fault::LinkFlap { .. } => f.link_flap_ms,
            Fault::Reset => f.reset_ms,
            Fault::Kill { .. } => f.kill_ms,
            Fault::GatewayKill => f.gateway_kill_ms,
            Fault::GatewayBackup => f.gateway_restore_ms,
            Fault::Suspend { .. } => f.suspend_ms,
            Fault::AppDeath { .. } => f.app_death_ms,
        };
        match fault {
            Fault::LinkFlap { handset, link } => {
                let up = !self.handsets[handset].links[link].up;
                self.set_link(handset, link, up)?;
                if !up {
                    // The next change brings it back.
                    let most = self.faults.link_down_max_ms;
                    let at = self.now + self.rng.range(100, most.max(101));
                    self.at(at, Event::Fault(fault));
                    return Ok(());
                }
            }
            Fault::Reset => {
                let ids = self.net.ids();
                if !ids.is_empty() {
                    let pick = usize::try_from(self.rng.next()).unwrap_or(0) % ids.len();
                    self.reset(ids[pick]);
                }
            }
            Fault::Kill { handset } => self.kill(handset),
            Fault::GatewayKill => self.kill_gateway(),
            Fault::GatewayBackup => match self.backup.take() {
                None => {
                    self.backup = Some(self.gateway_store.clone());
                    let at = self.now + self.rng.range(100, 60_000);
                    self.at(at, Event::Fault(fault));
                    return Ok(());
                }
                Some(backup) => {
                    self.kill_gateway();
                    self.tell(|| "gateway restored from a backup".into());
                    self.gateway_store = backup;
                    self.model.gateway_restored();
                }
            },
            Fault::Suspend { handset } => {
                self.handsets[handset].paused = true;
                let at = self.now + self.rng.range(100, 120_000);
                self.tell(|| format!("h{handset} sleeps"));
                self.at(at, Event::Resume { handset });
            }
            Fault::AppDeath { handset } => {
                self.handsets[handset].app.alive = false;
                let at = self.now + self.rng.range(100, 60_000);
                self.at(at, Event::AppStart { handset });
            }
        }
        self.pause_then(Event::Fault(fault), mean);
        Ok(())
    }

    pub(super) fn stop_faults(&mut self) -> Result<(), Broken> {
        self.calm = true;
        self.tell(|| "faults stop".into());
        for handset in 0..self.handsets.len() {
            for link in 0..self.handsets[handset].links.len() {
                self.handsets[handset].links[link].udp_blocked = false;
                self.set_link(handset, link, true)?;
            }
        }
        Ok(())
    }

    pub(super) fn set_link(
        &mut self,
        handset: HandsetNo,
        link: usize,
        up: bool,
    ) -> Result<(), Broken> {
        if self.handsets[handset].links[link].up == up {
            return Ok(());
        }
        self.handsets[handset].links[link].up = up;
        self.tell(|| format!("h{handset} link {link} {}", if up { "up" } else { "down" }));
        if up {
            for conn in self.net.ids() {
                let same = self
                    .net
                    .get(conn)
                    .is_some_and(|c| c.handset == handset && c.link == link);
                if same {
                    self.unpark(conn);
                }
            }
        }
        let report = self.handsets[handset].link_report(link);
        self.input(handset, report)
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
        self.tell(|| format!("h{handset} connection {} reset", engine_conn.0));
        let (first, second) = (self.rng.range(0, 2_000), self.rng.range(0, 2_000));
        let input = Input::Channel {
            conn: engine_conn,
            event: ChannelEvent::Down(DownReason::Closed("reset".into())),
        };
        self.at(
            self.now + first,
            Event::Input {
                handset,
                run,
                input,
            },
        );
        self.at(self.now + second, Event::GatewayLost { conn });
    }

    pub(super) fn kill(&mut self, handset: HandsetNo) {
        if self.handsets[handset].engine.is_none() {
            return;
        }
        self.tell(|| format!("h{handset} daemon killed"));
        // A batch on its way is on disk or it is not.
        if let Some(batch) = self.handsets[handset].storing.take()
            && self.rng.percent(50)
        {
            let Ok(_) = self.handsets[handset].store.apply(&batch);
        }
        self.handsets[handset].stop();
        for conn in self.net.ids() {
            let Some(c) = self.net.get(conn) else {
                continue;
            };
            if c.handset == handset && c.handset_open {
                c.handset_open = false;
                // A dead process says nothing; a dead TCP peer is reset.
                if self.rng.percent(50) {
                    let at = self.now + self.rng.range(0, 3_000);
                    self.at(at, Event::GatewayLost { conn });
                }
            }
        }
        if self.rng.one_in(self.faults.reboot_one_in) && !self.calm {
            let now = self.now;
            self.handsets[handset].reboot(now);
        }
        let at = self.now + self.rng.range(50, 20_000);
        self.at(at, Event::Start { handset });
    }

    pub(super) fn kill_gateway(&mut self) {
        if self.gateway.take().is_none() {
            return;
        }
        self.tell(|| "gateway killed".into());
        self.gateway_tick = None;
        for conn in self.net.ids() {
            let Some(c) = self.net.get(conn) else {
                continue;
            };
            c.gateway_open = false;
            if self.rng.percent(70) {
                let at = self.now + self.rng.range(0, 2_000);
                self.at(
                    at,
                    Event::Packet {
                        conn,
                        way: Way::Down,
                        no: RESET,
                        packet: Packet::Fin,
                    },
                );
            }
        }
        let at = self.now + self.rng.range(100, 30_000);
        self.at(at, Event::GatewayStart);
    }
}
