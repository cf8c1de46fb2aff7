//! Connections to the gateway: QUIC, or TLS 1.3 over TCP, each on the link that
//! it is told.
//!
//! Owns sockets, handshakes, flow control and the cutting of bytes into frames.
//! Never decides when to connect, where to move, or what a frame means: the
//! engine does, and the main loop carries it here.
//!
//! ```text
//!  main loop                       one task for each connection
//!  send ───────► Outbox ──────────► write ─► QUIC stream
//!  move_to ────► a short queue ───► rebind   or
//!  next_event ◄─ one queue for all ◄─ read ◄── TLS over TCP
//! ```
//!
//! Everything is bounded, see [`limits`]. A main loop that is slow stops the
//! reading, not the writing. A gateway that is slow fills the outbox; when that
//! is full the connection ends. Nothing here wakes a phone in suspend: there is no
//! keep-alive and no polling; the one timer of an idle QUIC connection is its
//! idle time-out, on a clock that does not run in suspend.
//!
//! # What it costs
//!
//! Measured on loopback over IPv4, against a gateway of quinn and rustls with
//! their defaults and an ECDSA P-256 certificate of 358 bytes directly under
//! its root; `tests/cost.rs` says how. Up and down are bytes above UDP or TCP,
//! the rest is what the network carries, IP headers included, both ways. A few
//! bytes vary from run to run with the length of signatures and counters.
//!
//! | what | up | down | packets | bytes |
//! |---|---|---|---|---|
//! | QUIC: set up, a ping, an exchange | 2,528 | 1,479 | 11 | 4,315 |
//! | the same, resumed | 2,528 | 1,479 | 11 | 4,315 |
//! | TLS: set up, a ping, an exchange | 498 | 911 | 18 | 2,361 |
//! | the same, resumed | 464 | 448 | 18 | 1,864 |
//! | QUIC: one exchange (`Ping`, `Pong`, acknowledgement) | 72 | 31 | 3 | 187 |
//! | TLS: one exchange | 26 | 26 | 3 | 208 |
//! | QUIC: move to another link, and an exchange | 1,301 | 2,459 | 7 | 3,956 |
//! | QUIC: close | | | 4 | 232 |
//! | TLS: close | | | 4 | 232 |
//!
//! So QUIC pays for its one round trip less with twice the bytes, nearly all of
//! it padding that RFC 9000 asks for: both flights of a client that hold an
//! Initial packet have 1200 bytes, which is why resuming saves no bytes there
//! (it saves the signatures). A move costs the gateway's challenge of the old
//! and of the new path and our answer, 1200 bytes each, and no handshake.
//! Once up, QUIC is the cheaper one by its smaller headers.
//!
//! Memory, seen once as the growth of `RssAnon` in a release build on 64-bit
//! Linux (glibc), up to six connections one after the other; no test watches
//! it: QUIC 44 to 60 KiB for each after the first (140 KiB, with what is set up
//! once), TLS 20 KiB or less.
//!
//! Wake-ups, seen once by the context switches of the thread: none in 40 s of an
//! idle TLS connection, none in 27 s of an idle QUIC one, which the test's
//! gateway then let go. Longer was not watched. By how tokio keeps timers, the
//! idle time-out of QUIC should wake the thread now and then before it is due, a
//! few times in each such time; never a phone in suspend.

mod binding;
mod config;
mod connection;
mod credentials;
mod down;
mod events;
mod key;
pub mod limits;
mod outbox;
mod quic;
mod resolve;
mod tcp_info;
mod tls;
mod udp;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, timeout, timeout_at};
use twine_engine::link::Binding;
use twine_engine::{ChannelEvent, ConnId, DownReason, TransportKind};
use twine_proto::Frame;
use twine_proto::frame::host_and_port;

pub use self::config::{SetupError, TransportConfig};
pub use self::key::{DeviceKey, DeviceKeyError};

use self::connection::{Carrier, Ends, Established};
use self::credentials::Credentials;
use self::events::{EventSource, Queued, Serial};
use self::limits::{MAX_CLOSING, MAX_CONNECTIONS, MAX_LOOKUPS, MAX_MOVES, SHUTDOWN_TIMEOUT};
use self::outbox::Outbox;

/// All connections of the daemon.
///
/// Of each connection: `Up` comes first if at all, `Down` comes once and last,
/// unless [`close`](Self::close) was first; then nothing comes. Calls that name a
/// connection that is over do nothing.
///
/// Dropping it cuts all connections; [`shutdown`](Self::shutdown) ends them in
/// order.
pub struct Transports {
    settings: Arc<Settings>,
    open: BTreeMap<ConnId, Open>,
    /// Connections that flush, oldest first; at most [`MAX_CLOSING`].
    closing: VecDeque<AbortHandle>,
    tasks: JoinSet<()>,
    last_serial: Serial,
    source: EventSource,
    events: Receiver<Queued>,
    /// Connections that ended in here; at most one entry for each `connect`.
    ended: VecDeque<(ConnId, DownReason)>,
}

/// What all connections share.
struct Settings {
    config: TransportConfig,
    credentials: Credentials,
    lookups: Arc<Semaphore>,
}

/// A connection as the main loop holds it.
struct Open {
    serial: Serial,
    outbox: Arc<Outbox>,
    moves: Sender<Binding>,
    task: AbortHandle,
}

impl Transports {
    /// Checks the configuration; opens nothing yet.
    pub fn new(config: TransportConfig, device_key: &DeviceKey) -> Result<Self, SetupError> {
        if config.host.is_empty() {
            return Err(SetupError::NoHost);
        }
        let credentials = Credentials::new(&config, device_key)?;
        quic::check(&config)?;
        let (source, events) = events::queue();
        Ok(Self {
            settings: Arc::new(Settings {
                config,
                credentials,
                lookups: Arc::new(Semaphore::new(MAX_LOOKUPS)),
            }),
            open: BTreeMap::new(),
            closing: VecDeque::new(),
            tasks: JoinSet::new(),
            last_serial: 0,
            source,
            events,
            ended: VecDeque::new(),
        })
    }

    /// Opens a connection; `Up` or `Down` will tell. Call it within a tokio
    /// runtime with I/O and time.
    ///
    /// `target` is `"host:port"` instead of the configured address. The certificate
    /// is checked for the configured server name all the same, against the
    /// configured roots: a gateway can send handsets only to one that the operator
    /// gave the same name, never to somebody who merely has a name of their own.
    ///
    /// `round_trip` is what QUIC takes for it before it has measured one: a lost first packet
    /// is sent again after three of them. Too low, and every handshake on 2G sends 1200 bytes
    /// twice (half a second of its uplink); too high, and a loss on 4G costs that much.
    pub fn connect(
        &mut self,
        conn: ConnId,
        kind: TransportKind,
        binding: Binding,
        target: Option<String>,
        round_trip: Duration,
    ) {
        self.reap();
        // Names are given once; an old bearer of this one can only be stale.
        self.cut(conn);
        if self.open.len() >= MAX_CONNECTIONS {
            let reason = DownReason::Local("too many connections are open".into());
            self.ended.push_back((conn, reason));
            return;
        }
        self.last_serial += 1;
        let serial = self.last_serial;
        let outbox = Arc::new(Outbox::default());
        let (moves, moves_in) = mpsc::channel(MAX_MOVES);
        let ends = Ends {
            events: self.source.of(conn, serial),
            outbox: Arc::clone(&outbox),
            moves: moves_in,
        };
        let settings = Arc::clone(&self.settings);
        let task = match kind {
            TransportKind::Quic => self.tasks.spawn(connection::run(
                open_quic(settings, binding, target, round_trip),
                ends,
            )),
            TransportKind::Tls => self
                .tasks
                .spawn(connection::run(open_tls(settings, binding, target), ends)),
        };
        let open = Open {
            serial,
            outbox,
            moves,
            task,
        };
        self.open.insert(conn, open);
    }

    /// Queues a frame; never blocks. A full queue
    /// ([`limits::SEND_QUEUE_BYTES`]) ends the connection with `Down(Local)`.
    pub fn send(&mut self, conn: ConnId, frame: Frame) {
        let Some(open) = self.open.get(&conn) else {
            return;
        };
        if open.outbox.push(&frame).is_err() {
            self.end(conn, "the gateway takes frames too slowly");
        }
    }

    /// Moves a connection that is up to another link's socket. QUIC: `Moved`
    /// comes when packets leave from there. TLS cannot move: `Down`.
    pub fn move_to(&mut self, conn: ConnId, binding: Binding) {
        let Some(open) = self.open.get(&conn) else {
            return;
        };
        // A closed queue: the connection is over, and its `Down` is under way.
        if let Err(mpsc::error::TrySendError::Full(_)) = open.moves.try_send(binding) {
            self.end(conn, "moved again before the last moves were done");
        }
    }

    /// Ends a connection in order: what was sent goes out first, within
    /// [`limits::CLOSE_TIMEOUT`]. No event of it comes any more.
    pub fn close(&mut self, conn: ConnId) {
        self.reap();
        self.ended.retain(|(ended, _)| *ended != conn);
        let Some(open) = self.open.remove(&conn) else {
            return;
        };
        open.outbox.close();
        if self.closing.len() >= MAX_CLOSING
            && let Some(oldest) = self.closing.pop_front()
        {
            oldest.abort();
        }
        self.closing.push_back(open.task);
    }

    /// Waits for the next event. Can be dropped at any time without losing
    /// one.
    pub async fn next_event(&mut self) -> (ConnId, ChannelEvent) {
        loop {
            if let Some((conn, reason)) = self.ended.pop_front() {
                return (conn, ChannelEvent::Down(reason));
            }
            match self.events.recv().await {
                Some(queued) => {
                    if let Some(event) = self.admit(queued) {
                        return event;
                    }
                }
                // Cannot be: `source` keeps the queue open.
                None => std::future::pending().await,
            }
        }
    }

    /// The next event, if one is there.
    pub fn try_next_event(&mut self) -> Option<(ConnId, ChannelEvent)> {
        if let Some((conn, reason)) = self.ended.pop_front() {
            return Some((conn, ChannelEvent::Down(reason)));
        }
        while let Ok(queued) = self.events.try_recv() {
            if let Some(event) = self.admit(queued) {
                return Some(event);
            }
        }
        None
    }

    /// Closes all connections in order, within [`SHUTDOWN_TIMEOUT`]; then cuts
    /// those that are left.
    pub async fn shutdown(&mut self) {
        let open: Vec<_> = std::mem::take(&mut self.open).into_values().collect();
        for open in &open {
            open.outbox.close();
        }
        self.ended.clear();
        self.closing.clear();
        let _ = timeout(SHUTDOWN_TIMEOUT, async {
            while self.tasks.join_next().await.is_some() {}
        })
        .await;
        self.tasks.shutdown().await;
        while self.events.try_recv().is_ok() {}
    }

    /// `None`: of a connection that is over.
    fn admit(&mut self, queued: Queued) -> Option<(ConnId, ChannelEvent)> {
        let open = self.open.get(&queued.conn)?;
        if open.serial != queued.serial {
            return None;
        }
        if matches!(queued.event, ChannelEvent::Down(_)) {
            self.open.remove(&queued.conn);
        }
        Some((queued.conn, queued.event))
    }

    /// Ends a connection from this side with `Down(Local)`. Nothing is
    /// flushed: what was sent may be lost, as with any `Down`.
    fn end(&mut self, conn: ConnId, why: &str) {
        self.cut(conn);
        self.ended.push_back((conn, DownReason::Local(why.into())));
    }

    fn cut(&mut self, conn: ConnId) {
        if let Some(open) = self.open.remove(&conn) {
            open.task.abort();
        }
    }

    /// Forgets tasks that are done.
    fn reap(&mut self) {
        while self.tasks.try_join_next().is_some() {}
        self.closing.retain(|task| !task.is_finished());
    }
}

async fn open_quic(
    settings: Arc<Settings>,
    binding: Binding,
    target: Option<String>,
    round_trip: Duration,
) -> Result<Established<quic::Quic>, DownReason> {
    let config = &settings.config;
    let quic = quic::client_config(&settings.credentials, config, round_trip)
        .map_err(|error| DownReason::Local(error.to_string()))?;
    let open = |remote| quic::connect(quic.clone(), &config.server_name, remote, &binding);
    let place = place(config, target.as_deref(), config.port_quic)?;
    over_addresses(&settings, place, &binding, open).await
}

async fn open_tls(
    settings: Arc<Settings>,
    binding: Binding,
    target: Option<String>,
) -> Result<Established<tls::Tls>, DownReason> {
    let config = &settings.config;
    let open = |remote| {
        tls::connect(
            &settings.credentials,
            remote,
            &binding,
            config.unacked_timeout,
        )
    };
    let place = place(config, target.as_deref(), config.port_tls)?;
    over_addresses(&settings, place, &binding, open).await
}

/// Host and port to go to.
fn place<'a>(
    config: &'a TransportConfig,
    target: Option<&'a str>,
    port: u16,
) -> Result<(&'a str, u16), DownReason> {
    match target {
        None => Ok((&config.host, port)),
        Some(target) => host_and_port(target).ok_or_else(|| {
            DownReason::Unreachable("the gateway named something that is no address".into())
        }),
    }
}

/// Tries the gateway's addresses one after the other, each with an equal share
/// of the time that is left, until one answers, be it with a refusal.
async fn over_addresses<C, F>(
    settings: &Settings,
    (host, port): (&str, u16),
    binding: &Binding,
    open: impl Fn(SocketAddr) -> F,
) -> Result<Established<C>, DownReason>
where
    C: Carrier,
    F: Future<Output = Result<Established<C>, DownReason>>,
{
    let config = &settings.config;
    let deadline = Instant::now() + config.connect_timeout;
    let found = resolve::resolve(host, port, binding, &settings.lookups);
    let addresses = timeout_at(deadline, found)
        .await
        .map_err(|_| DownReason::TimedOut)??;
    let mut failure = DownReason::TimedOut;
    let tries = (1u32..=addresses.len() as u32).rev();
    for (remote, tries_left) in addresses.into_iter().zip(tries) {
        let share = deadline.duration_since(Instant::now()) / tries_left;
        failure = match timeout(share, open(remote)).await {
            Ok(Err(reason @ (DownReason::Unreachable(_) | DownReason::Closed(_)))) => reason,
            Ok(answered) => return answered,
            Err(_) => DownReason::TimedOut,
        };
    }
    Err(failure)
}
