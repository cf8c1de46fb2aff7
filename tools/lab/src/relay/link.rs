//! A link: two pipes, the tasks that empty them, and the handle that changes
//! its state.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::LinkSpec;
use super::pipe::{Gate, Nature, Pipe, Taken};
use crate::limits::{PIPE_INPUTS, TCP_HEADER_BYTES, UDP_HEADER_BYTES};
use crate::profile::{Profile, Shape};

/// What a link does at present. The table in [`super`] says what that means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// It carries.
    Up,
    /// The handset has no address on it, and knows.
    Down,
    /// It holds everything; nobody is told.
    Stalled,
    /// It loses everything; nobody is told.
    Cut,
}

impl LinkState {
    const fn gate(self) -> Gate {
        match self {
            Self::Up => Gate::Open,
            Self::Stalled => Gate::Stalled,
            Self::Cut | Self::Down => Gate::Cut,
        }
    }
}

/// What a TCP stream consists of.
pub(super) enum Part {
    Data(Bytes),
    /// It ends in order.
    End,
    /// It breaks off.
    Reset,
}

impl Part {
    pub(super) const fn len(&self) -> usize {
        match self {
            Self::Data(data) => data.len(),
            Self::End | Self::Reset => 0,
        }
    }
}

/// One part of a TCP stream, with its place in the window.
pub(super) struct Chunk {
    pub(super) part: Part,
    /// Given back when the far side has taken the chunk.
    pub(super) _room: OwnedSemaphorePermit,
}

/// What travels through a pipe.
pub(super) enum Packet {
    Datagram {
        by: Arc<UdpSocket>,
        to: Destination,
        data: Bytes,
    },
    Chunk {
        to: mpsc::Sender<Chunk>,
        chunk: Chunk,
    },
}

/// Where a datagram goes when it arrives.
pub(super) enum Destination {
    Handset(SocketAddr),
    /// Wherever the gateway listens by then.
    Gateway(watch::Receiver<super::Upstream>),
}

enum Input {
    Packet(Packet),
    Shape(Shape),
    Gate(Gate),
}

/// What a link has carried since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkCounters {
    /// Towards the gateway, with IP, UDP and TCP headers.
    pub bytes_up: u64,
    /// Towards the handset, with IP, UDP and TCP headers.
    pub bytes_down: u64,
    /// Datagrams lost by the profile's loss.
    pub lost: u64,
    /// Datagrams that found the queue full.
    pub tail_dropped: u64,
    /// Datagrams that vanished in a cut or a link that was down.
    pub vanished: u64,
}

#[derive(Debug, Default)]
struct Counters {
    bytes_up: AtomicU64,
    bytes_down: AtomicU64,
    lost: AtomicU64,
    tail_dropped: AtomicU64,
    vanished: AtomicU64,
    /// Milliseconds after the relay's start, plus one; 0: never.
    last_up: AtomicU64,
}

/// Changes a link and feeds its pipes. Clones are the same link.
#[derive(Debug, Clone)]
pub struct LinkHandle {
    pub(super) upstream: Ipv4Addr,
    up: mpsc::Sender<Input>,
    down: mpsc::Sender<Input>,
    state: Arc<watch::Sender<LinkState>>,
    profile: Arc<watch::Sender<String>>,
    counters: Arc<Counters>,
    started: Instant,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
}

impl LinkHandle {
    pub(super) fn start(
        spec: &LinkSpec,
        seed: u64,
        started: Instant,
        tasks: &mut JoinSet<()>,
    ) -> Self {
        let counters = Arc::new(Counters::default());
        let mut pipe = |shape: &Shape, seed, way| {
            let (inputs, taken) = mpsc::channel(PIPE_INPUTS);
            let mut pipe = Pipe::new(shape.clone(), seed);
            pipe.set_gate(Duration::ZERO, spec.state.gate());
            let carrier = Carrier {
                pipe,
                way,
                started,
                counters: Arc::clone(&counters),
            };
            tasks.spawn(carrier.run(taken));
            inputs
        };
        let up = pipe(&spec.profile.up, seed, Way::Up);
        let down = pipe(&spec.profile.down, seed.wrapping_add(1), Way::Down);
        Self {
            upstream: spec.upstream,
            up,
            down,
            state: Arc::new(watch::Sender::new(spec.state)),
            profile: Arc::new(watch::Sender::new(spec.profile.id.clone())),
            counters,
            started,
        }
    }

    /// Shapes it like this from now on.
    pub async fn set_profile(&self, profile: &Profile) {
        // A send fails only when the relay has ended.
        let _ = self.up.send(Input::Shape(profile.up.clone())).await;
        let _ = self.down.send(Input::Shape(profile.down.clone())).await;
        self.profile.send_replace(profile.id.clone());
    }

    /// The id of its profile.
    #[must_use]
    pub fn profile(&self) -> String {
        self.profile.borrow().clone()
    }

    /// Puts it into this state.
    pub async fn set_state(&self, state: LinkState) {
        let _ = self.up.send(Input::Gate(state.gate())).await;
        let _ = self.down.send(Input::Gate(state.gate())).await;
        self.state.send_replace(state);
    }

    /// Its state.
    #[must_use]
    pub fn state(&self) -> LinkState {
        *self.state.borrow()
    }

    /// What it has carried.
    #[must_use]
    pub fn counters(&self) -> LinkCounters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LinkCounters {
            bytes_up: read(&self.counters.bytes_up),
            bytes_down: read(&self.counters.bytes_down),
            lost: read(&self.counters.lost),
            tail_dropped: read(&self.counters.tail_dropped),
            vanished: read(&self.counters.vanished),
        }
    }

    /// When the handset last sent something over it, counted from the relay's
    /// start.
    #[must_use]
    pub fn last_sent(&self) -> Option<Duration> {
        let stamp = self.counters.last_up.load(Ordering::Relaxed);
        stamp.checked_sub(1).map(Duration::from_millis)
    }

    pub(super) fn watch_state(&self) -> watch::Receiver<LinkState> {
        self.state.subscribe()
    }

    /// The handset has just sent something over it.
    pub(super) fn touch(&self) {
        let stamp = self.started.elapsed().as_millis() as u64 + 1;
        self.counters.last_up.store(stamp, Ordering::Relaxed);
    }

    /// Hands over a datagram; dropped if too many wait to enter the pipe.
    pub(super) fn datagram(&self, way: Way, by: Arc<UdpSocket>, to: Destination, data: Bytes) {
        let packet = Packet::Datagram { by, to, data };
        if self.inputs(way).try_send(Input::Packet(packet)).is_err() {
            self.counters.tail_dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Hands over a part of a stream. `false`: the relay has ended.
    pub(super) async fn chunk(&self, way: Way, to: mpsc::Sender<Chunk>, chunk: Chunk) -> bool {
        let packet = Packet::Chunk { to, chunk };
        self.inputs(way).send(Input::Packet(packet)).await.is_ok()
    }

    const fn inputs(&self, way: Way) -> &mpsc::Sender<Input> {
        match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        }
    }
}

/// Moves packets into one pipe and out of it again.
struct Carrier {
    pipe: Pipe<Packet>,
    way: Way,
    started: Instant,
    counters: Arc<Counters>,
}

impl Carrier {
    async fn run(mut self, mut inputs: mpsc::Receiver<Input>) {
        loop {
            let now = self.started.elapsed();
            while let Some(packet) = self.pipe.pop(now) {
                deliver(packet).await;
            }
            let wake = self.pipe.next_at().map(|at| self.started + at);
            tokio::select! {
                biased;
                input = inputs.recv() => {
                    let Some(input) = input else { return };
                    self.take(input);
                    while let Ok(input) = inputs.try_recv() {
                        self.take(input);
                    }
                }
                () = sleep_until(wake.unwrap_or(self.started)), if wake.is_some() => {}
            }
        }
    }

    fn take(&mut self, input: Input) {
        let now = self.started.elapsed();
        match input {
            Input::Shape(shape) => self.pipe.set_shape(now, shape),
            Input::Gate(gate) => {
                let vanished = self.pipe.set_gate(now, gate);
                let counter = &self.counters.vanished;
                counter.fetch_add(vanished as u64, Ordering::Relaxed);
            }
            Input::Packet(packet) => {
                let (nature, bytes) = match &packet {
                    Packet::Datagram { data, .. } => {
                        (Nature::Datagram, data.len() + UDP_HEADER_BYTES)
                    }
                    Packet::Chunk { chunk, .. } => {
                        (Nature::Stream, chunk.part.len() + TCP_HEADER_BYTES)
                    }
                };
                let taken = self.pipe.push(now, packet, bytes, nature);
                self.count(taken, bytes);
            }
        }
    }

    fn count(&self, taken: Taken, bytes: usize) {
        let carried = match self.way {
            Way::Up => &self.counters.bytes_up,
            Way::Down => &self.counters.bytes_down,
        };
        let add = |counter: &AtomicU64, by: usize| {
            counter.fetch_add(by as u64, Ordering::Relaxed);
        };
        match taken {
            Taken::Queued => add(carried, bytes),
            Taken::Lost => {
                // It was on the air.
                add(carried, bytes);
                add(&self.counters.lost, 1);
            }
            Taken::TailDropped => add(&self.counters.tail_dropped, 1),
            Taken::Vanished => add(&self.counters.vanished, 1),
        }
    }
}

/// At the far end. A datagram that cannot be sent is lost, as on any socket.
async fn deliver(packet: Packet) {
    match packet {
        Packet::Datagram { by, to, data } => {
            let to = match to {
                Destination::Handset(address) => Some(address),
                Destination::Gateway(upstream) => upstream.borrow().quic,
            };
            if let Some(to) = to {
                let _ = by.send_to(&data, to).await;
            }
        }
        // Never full: the window bounds the chunks. Closed: the connection is
        // gone.
        Packet::Chunk { to, chunk } => {
            let _ = to.try_send(chunk);
        }
    }
}
