//! The simulated network: connections as reliable, ordered streams of frames
//! over links that come, go, delay and die.
//!
//! A frame on a link that is down waits, as a transport would repeat it; it
//! goes on when the link is back or the connection has moved. What is on its
//! way when a connection ends is lost. An end that is closed in silence is not
//! noticed by the other.

use std::collections::{BTreeMap, BTreeSet};

use twine_engine::{ConnId, TransportKind};
use twine_proto::Frame;

/// Index of a handset.
pub type HandsetNo = usize;

/// The place of a packet that does not wait its turn: a reset.
pub const RESET: u64 = u64::MAX;

/// Which way a frame goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To the gateway.
    Up,
    /// To the handset.
    Down,
}

/// What travels.
#[derive(Debug, Clone)]
pub enum Packet {
    /// A frame.
    Frame(Frame),
    /// The end.
    Fin,
}

/// One connection, from its request to its end.
#[derive(Debug)]
pub struct Conn {
    /// Whose.
    pub handset: HandsetNo,
    /// In which run of the daemon.
    pub run: u64,
    /// The engine's name for it.
    pub engine_conn: ConnId,
    /// How.
    pub transport: TransportKind,
    /// Over which of the handset's links.
    pub link: usize,
    /// The handset's end is open.
    pub handset_open: bool,
    /// The gateway's end is open (in the present run of the gateway).
    pub gateway_open: bool,
    /// To the gateway's second address, which a `Goodbye` has named.
    pub to_second: bool,
    /// The handshake is done.
    pub established: bool,
    /// When something was last sent on it.
    pub used_at: u64,
    /// A NAT on the way forgot it: nothing passes until it moves.
    pub forgotten: bool,
    /// … or until the handset sends something.
    pub maps_anew: bool,
    busy_until: [u64; 2],
    /// Place of the next packet in its stream.
    next_no: [u64; 2],
    /// Place of the last packet handed on.
    arrived_no: [u64; 2],
    /// Packets that overtook one that had to wait.
    early: [BTreeMap<u64, Packet>; 2],
    parked: [BTreeMap<u64, Packet>; 2],
}

/// All connections.
#[derive(Debug, Default)]
pub struct Net {
    conns: BTreeMap<u64, Conn>,
    by_handset: BTreeMap<HandsetNo, BTreeSet<u64>>,
    last: u64,
}

impl Net {
    /// A new connection is asked for.
    pub fn open(
        &mut self,
        handset: HandsetNo,
        run: u64,
        engine_conn: ConnId,
        transport: TransportKind,
        link: usize,
    ) -> u64 {
        self.last += 1;
        self.by_handset
            .entry(handset)
            .or_default()
            .insert(self.last);
        self.conns.insert(
            self.last,
            Conn {
                handset,
                run,
                engine_conn,
                transport,
                link,
                handset_open: true,
                gateway_open: false,
                to_second: false,
                established: false,
                used_at: 0,
                forgotten: false,
                maps_anew: false,
                busy_until: [0, 0],
                next_no: [0, 0],
                arrived_no: [0, 0],
                early: [BTreeMap::new(), BTreeMap::new()],
                parked: [BTreeMap::new(), BTreeMap::new()],
            },
        );
        self.last
    }

    /// A connection by its number.
    pub fn get(&mut self, id: u64) -> Option<&mut Conn> {
        self.conns.get_mut(&id)
    }

    /// The connection that a daemon's engine knows by this name.
    pub fn find(&self, handset: HandsetNo, run: u64, engine_conn: ConnId) -> Option<u64> {
        let of_handset = self.by_handset.get(&handset)?;
        of_handset.iter().rev().copied().find(|id| {
            self.conns
                .get(id)
                .is_some_and(|conn| conn.run == run && conn.engine_conn == engine_conn)
        })
    }

    /// All connections' numbers.
    pub fn ids(&self) -> Vec<u64> {
        self.conns.keys().copied().collect()
    }

    /// The numbers of a handset's connections.
    pub fn ids_of(&self, handset: HandsetNo) -> Vec<u64> {
        let ids = self.by_handset.get(&handset);
        ids.into_iter().flatten().copied().collect()
    }

    /// Forgets connections of a handset of which no end is open.
    pub fn sweep(&mut self, handset: HandsetNo) {
        let Some(ids) = self.by_handset.get_mut(&handset) else {
            return;
        };
        ids.retain(|id| {
            let open = |conn: &Conn| conn.handset_open || conn.gateway_open;
            let keep = self.conns.get(id).is_some_and(open);
            if !keep {
                self.conns.remove(id);
            }
            keep
        });
    }

    /// The place of a new packet in its stream.
    pub fn number(&mut self, id: u64, way: Way) -> u64 {
        let Some(conn) = self.conns.get_mut(&id) else {
            return 0;
        };
        conn.next_no[way as usize] += 1;
        conn.next_no[way as usize]
    }

    /// When a packet arrives that would arrive at `at` if nothing were before
    /// it; `None`: it waits for the link.
    pub fn send(
        &mut self,
        id: u64,
        way: Way,
        (no, packet): (u64, Packet),
        passes: bool,
        at: u64,
    ) -> Option<(u64, Packet)> {
        let conn = self.conns.get_mut(&id)?;
        let side = way as usize;
        if !passes || !conn.parked[side].is_empty() {
            conn.parked[side].insert(no, packet);
            return None;
        }
        // A stream keeps its order, and a queue its pace.
        let at = at.max(conn.busy_until[side]);
        conn.busy_until[side] = at;
        Some((at, packet))
    }

    /// A packet has arrived. Returns what can be handed on, in the order of the
    /// stream: nothing if nothing passes now (it waits), if one before it
    /// has not arrived, or if nobody is there.
    pub fn arrive(
        &mut self,
        id: u64,
        way: Way,
        (no, packet): (u64, Packet),
        passes: bool,
    ) -> Vec<Packet> {
        let Some(conn) = self.conns.get_mut(&id) else {
            return Vec::new();
        };
        let side = way as usize;
        let open = match way {
            Way::Up => conn.gateway_open,
            Way::Down => conn.handset_open,
        };
        if !open {
            return Vec::new();
        }
        if no == RESET {
            return vec![packet];
        }
        if !passes {
            conn.parked[side].insert(no, packet);
            return Vec::new();
        }
        conn.early[side].insert(no, packet);
        let mut in_order = Vec::new();
        while let Some(packet) = conn.early[side].remove(&(conn.arrived_no[side] + 1)) {
            conn.arrived_no[side] += 1;
            in_order.push(packet);
        }
        in_order
    }

    /// What waited for the link, in order.
    pub fn take_parked(&mut self, id: u64, way: Way) -> Vec<(u64, Packet)> {
        self.conns
            .get_mut(&id)
            .map(|conn| std::mem::take(&mut conn.parked[way as usize]))
            .unwrap_or_default()
            .into_iter()
            .collect()
    }
}
