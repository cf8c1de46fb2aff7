//! Connections: asked for, established, moved, closed; and what travels on them.

use twine_engine::input::DownReason;
use twine_engine::{ChannelEvent, ConnId, Input, TransportKind};
use twine_gateway_core as gw;
use twine_proto::Frame;
use twine_proto::frame::GoodbyeReason;

use super::World;
use super::gateway::key_of;
use super::transition::Transition;
use crate::coverage::Group;
use crate::model::Broken;
use crate::net::{HandsetNo, Packet, Way};
use crate::poison;

impl World {
    pub(super) fn connect(
        &mut self,
        handset: HandsetNo,
        engine_conn: ConnId,
        (link, transport): (usize, TransportKind),
        target: Option<String>,
    ) {
        let run = self.handsets[handset].run;
        self.summary.connections += 1;
        self.net.sweep(handset);
        let conn = self.net.open(handset, run, engine_conn, transport, link);
        if let Some(c) = self.net.get(conn) {
            c.to_second = target.is_some();
        }
        let round_trips = if transport == TransportKind::Quic {
            1
        } else {
            2
        };
        let delay = self.handsets[handset].links[link].delay_ms * 2 * round_trips;
        let at = self.now + delay + self.rng.range(1, 20);
        self.at(at, Transition::Connected { conn });
    }

    pub(super) fn connected(&mut self, conn: u64) -> Result<(), Broken> {
        let (first, second) = self.gateway_addresses();
        let Some(c) = self.net.get(conn) else {
            return Ok(());
        };
        let gateway_up = if c.to_second { second } else { first };
        if !c.handset_open || c.established {
            return Ok(());
        }
        let (handset, run, engine_conn) = (c.handset, c.run, c.engine_conn);
        let (index, transport) = (c.link, c.transport);
        let link = &self.handsets[handset].links[index];
        if link.carries() && !link.carries_by(transport) {
            self.coverage.count(Group::Fault, "udp eaten");
        }
        if !link.carries_by(transport) {
            // Silence: the engine's own time-out has to find out.
            return Ok(());
        }
        let channel = |event| Transition::Input {
            handset,
            run,
            input: Input::Channel {
                conn: engine_conn,
                event,
            },
        };
        if !gateway_up {
            let refused = DownReason::Unreachable("refused".into());
            c.handset_open = false;
            self.coverage.count(Group::Fault, "connection refused");
            self.at(self.now, channel(ChannelEvent::Down(refused)));
            return Ok(());
        }
        c.established = true;
        c.used_at = self.now;
        c.gateway_open = true;
        let rtt = std::time::Duration::from_millis(link.delay_ms * 2);
        self.at(self.now, channel(ChannelEvent::Up { rtt: Some(rtt) }));
        self.gateway(gw::Input::Connected {
            conn: gw::ConnId(conn),
            device: key_of(self.handsets[handset].device),
        })
    }

    pub(super) fn move_to(&mut self, handset: HandsetNo, engine_conn: ConnId, link: usize) {
        let run = self.handsets[handset].run;
        let Some(conn) = self.net.find(handset, run, engine_conn) else {
            return;
        };
        if let Some(c) = self.net.get(conn) {
            c.link = link;
            // Another path: whatever forgot the connection is not on it.
            c.forgotten = false;
            c.used_at = self.now;
        }
        let input = Input::Channel {
            conn: engine_conn,
            event: ChannelEvent::Moved,
        };
        self.at(
            self.now,
            Transition::Input {
                handset,
                run,
                input,
            },
        );
        if self.handsets[handset].links[link].carries() {
            self.unpark(conn);
        }
    }

    /// The handset closes its end; the gateway may never hear of it.
    pub(super) fn close(&mut self, handset: HandsetNo, engine_conn: ConnId) {
        let run = self.handsets[handset].run;
        let Some(conn) = self.net.find(handset, run, engine_conn) else {
            return;
        };
        let Some(c) = self.net.get(conn) else { return };
        // What its driver has read already may still come.
        let late = self.rng.percent(20);
        c.handset_open = late;
        let link = c.link;
        if late {
            let at = self.now + self.rng.range(0, 1_000);
            self.at(at, Transition::HandsetEnd { conn });
        }
        if self.handsets[handset].links[link].carries() && self.rng.percent(70) {
            self.transmit(conn, Way::Up, Packet::Fin);
        }
    }

    pub(super) fn transmit(&mut self, conn: u64, way: Way, packet: Packet) {
        let no = self.net.number(conn, way);
        self.transmit_numbered(conn, way, no, packet);
    }

    pub(super) fn transmit_numbered(&mut self, conn: u64, way: Way, no: u64, packet: Packet) {
        self.let_nat_forget(conn);
        if way == Way::Up {
            self.map_anew(conn);
        }
        let passes = self.passes(conn);
        let Some(c) = self.net.get(conn) else { return };
        c.used_at = self.now;
        let link = &mut self.handsets[c.handset].links[c.link];
        let (loss, queue) = if self.calm {
            (0, 0)
        } else {
            (self.faults.loss_one_in, self.faults.queue_ms)
        };
        let mut travel = link.travel(&packet, loss, &mut self.rng);
        if queue > 0 && passes {
            travel = link.queue(travel, way, (self.now, queue), &packet);
        }
        if travel.lost {
            self.coverage.count(Group::Fault, "frame lost");
        }
        if travel.overflowed {
            self.coverage.count(Group::Fault, "queue overflow");
        }
        let at = self.now + travel.ms;
        let sent = self.net.send(conn, way, (no, packet), passes, at);
        if let Some((at, packet)) = sent {
            let event = Transition::Packet {
                conn,
                way,
                no,
                packet,
            };
            self.at(at, event);
        }
    }

    /// Whether anything passes on a connection now.
    fn passes(&mut self, conn: u64) -> bool {
        let Some(c) = self.net.get(conn) else {
            return false;
        };
        !c.forgotten && self.handsets[c.handset].links[c.link].carries_by(c.transport)
    }

    /// QUIC: what the handset sends through a NAT that forgot it reaches the gateway
    /// from another address, which the gateway validates. Some NATs let nothing
    /// through any more.
    fn map_anew(&mut self, conn: u64) {
        let Some(c) = self.net.get(conn) else { return };
        let (handset, run, link) = (c.handset, c.run, &self.handsets[c.handset].links[c.link]);
        if !c.forgotten || !c.maps_anew || !link.carries() {
            return;
        }
        c.forgotten = false;
        let engine_conn = c.engine_conn;
        let at = self.now + 2 * link.delay_ms;
        let input = Input::Channel {
            conn: engine_conn,
            event: ChannelEvent::PathValidated,
        };
        let validated = Transition::Input {
            handset,
            run,
            input,
        };
        self.at(at, validated);
        self.unpark(conn);
    }

    /// What was silent for too long is forgotten by the network: from now on
    /// what is sent on it vanishes, until it moves to another link, or the handset
    /// is seen anew.
    fn let_nat_forget(&mut self, conn: u64) {
        let Some(c) = self.net.get(conn) else { return };
        let limit = match c.transport {
            TransportKind::Quic => self.faults.nat_udp_ms,
            TransportKind::Tls => self.faults.nat_tcp_ms,
        };
        let nat = self.handsets[c.handset].links[c.link].nat;
        if self.calm || !nat || limit == 0 || c.forgotten || self.now - c.used_at < limit {
            return;
        }
        c.forgotten = true;
        c.maps_anew = c.transport == TransportKind::Quic && self.rng.percent(50);
        let (handset, engine_conn) = (c.handset, c.engine_conn);
        self.broke("nat forgot", || {
            format!("h{handset} connection {} forgotten by a NAT", engine_conn.0)
        });
    }

    pub(super) fn arrived(
        &mut self,
        conn: u64,
        way: Way,
        no: u64,
        packet: Packet,
    ) -> Result<(), Broken> {
        let passes = self.passes(conn);
        for packet in self.net.arrive(conn, way, (no, packet), passes) {
            self.hand_on(conn, way, packet)?;
        }
        Ok(())
    }

    pub(super) fn hand_on(&mut self, conn: u64, way: Way, packet: Packet) -> Result<(), Broken> {
        let Some(c) = self.net.get(conn) else {
            return Ok(());
        };
        let (handset, run, engine_conn) = (c.handset, c.run, c.engine_conn);
        match (way, packet) {
            (Way::Up, Packet::Frame(frame)) => {
                self.coverage.frame(way, &frame);
                self.gateway(gw::Input::Frame {
                    conn: gw::ConnId(conn),
                    frame: poison::up(frame),
                })
            }
            (Way::Up, Packet::Fin) => self.step(Transition::GatewayLost { conn }),
            (Way::Down, packet) => {
                let event = match packet {
                    Packet::Frame(frame) => {
                        let frame = poison::down(frame);
                        self.coverage.frame(way, &frame);
                        self.tell_frame((handset, engine_conn), '←', &frame);
                        self.nobody_errs(handset, &frame)?;
                        ChannelEvent::Frame(frame)
                    }
                    Packet::Fin => {
                        if let Some(c) = self.net.get(conn) {
                            c.handset_open = false;
                        }
                        ChannelEvent::Down(DownReason::Closed("closed".into()))
                    }
                };
                if self.handsets[handset].run != run {
                    return Ok(());
                }
                let conn = engine_conn;
                self.input(handset, Input::Channel { conn, event })
            }
        }
    }

    /// Both sides speak the protocol, whatever happens between them.
    fn nobody_errs(&self, handset: HandsetNo, frame: &Frame) -> Result<(), Broken> {
        let Frame::Goodbye(goodbye) = frame else {
            return Ok(());
        };
        self.model.cases.expect(
            "nobody breaks the protocol",
            goodbye.reason != GoodbyeReason::ProtocolError,
            format_args!("h{handset}: {}", goodbye.detail),
        )
    }
}
