//! The thread that runs the core: gathers what waits into one turn, commits it,
//! and hands the answers to the connections' queues.
//!
//! Owns the core, the storage and the clock. While a commit waits for the disk the
//! next turn's inputs gather, so the slower the disk the larger the turns. Never
//! waits for a client.

use std::collections::HashMap;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio::time::Instant;
use twine_gateway_core::{Config, ConnId, Core, Counters, DeviceKey, Input, Now, Output};
use twine_proto::Frame;

use crate::limits::{MAX_INPUTS_PER_TURN, MAX_WAITING_INPUTS};
use crate::net::Outlet;
use crate::sqlite::SqliteStorage;

/// A failing storage fails every turn; it is said this often.
const COMPLAIN_EVERY: Duration = Duration::from_secs(5);

/// What comes to the core.
#[derive(Debug)]
enum Event {
    Connected {
        conn: ConnId,
        device: DeviceKey,
        outlet: Outlet,
    },
    Frame {
        conn: ConnId,
        frame: Frame,
    },
    Gone {
        conn: ConnId,
    },
    Drain {
        retry_after_s: u32,
    },
}

/// The way to the core. The thread ends when the last one is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Hub {
    events: mpsc::Sender<Event>,
}

/// The core's thread is gone; nothing can be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CoreStopped;

impl Hub {
    pub(crate) async fn connected(
        &self,
        conn: ConnId,
        device: DeviceKey,
        outlet: Outlet,
    ) -> Result<(), CoreStopped> {
        self.tell(Event::Connected {
            conn,
            device,
            outlet,
        })
        .await
    }

    /// Waits while the core is behind, so that the caller stops reading.
    pub(crate) async fn frame(&self, conn: ConnId, frame: Frame) -> Result<(), CoreStopped> {
        self.tell(Event::Frame { conn, frame }).await
    }

    pub(crate) async fn gone(&self, conn: ConnId) -> Result<(), CoreStopped> {
        self.tell(Event::Gone { conn }).await
    }

    pub(crate) async fn drain(&self, retry_after_s: u32) -> Result<(), CoreStopped> {
        self.tell(Event::Drain { retry_after_s }).await
    }

    /// Resolves when the core's thread has ended.
    pub(crate) async fn stopped(&self) {
        self.events.closed().await;
    }

    async fn tell(&self, event: Event) -> Result<(), CoreStopped> {
        self.events.send(event).await.map_err(|_| CoreStopped)
    }
}

/// Starts the thread. It returns the core's counters when all [`Hub`]s are gone.
pub(crate) fn spawn(
    config: Config,
    storage: SqliteStorage,
) -> std::io::Result<(Hub, JoinHandle<Counters>)> {
    let (sender, events) = mpsc::channel(MAX_WAITING_INPUTS);
    // A runtime of its own, for one timer; commits may block it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let thread = std::thread::Builder::new()
        .name("twine-core".into())
        .spawn(move || runtime.block_on(Worker::new(config, storage, events).run()))?;
    Ok((Hub { events: sender }, thread))
}

struct Worker {
    core: Core,
    storage: SqliteStorage,
    events: mpsc::Receiver<Event>,
    outlets: HashMap<ConnId, Outlet>,
    started: Instant,
    complained: Option<Instant>,
}

impl Worker {
    fn new(config: Config, storage: SqliteStorage, events: mpsc::Receiver<Event>) -> Self {
        Self {
            core: Core::new(config),
            storage,
            events,
            outlets: HashMap::new(),
            started: Instant::now(),
            complained: None,
        }
    }

    async fn run(mut self) -> Counters {
        loop {
            let due = self
                .core
                .poll_timeout()
                .map(|at_ms| self.started + Duration::from_millis(at_ms));
            let mut inputs = Vec::new();
            tokio::select! {
                biased;
                event = self.events.recv() => match event {
                    Some(event) => inputs.push(self.take(event)),
                    None => return self.core.counters(),
                },
                () = sleep_until(due) => {}
            }
            while inputs.len() < MAX_INPUTS_PER_TURN
                && let Ok(event) = self.events.try_recv()
            {
                inputs.push(self.take(event));
            }
            if due.is_some_and(|due| due <= Instant::now()) {
                inputs.push(Input::Tick);
            }
            self.turn(inputs);
        }
    }

    fn take(&mut self, event: Event) -> Input {
        match event {
            Event::Connected {
                conn,
                device,
                outlet,
            } => {
                self.outlets.insert(conn, outlet);
                Input::Connected { conn, device }
            }
            Event::Frame { conn, frame } => Input::Frame { conn, frame },
            Event::Gone { conn } => {
                self.outlets.remove(&conn);
                Input::Disconnected { conn }
            }
            Event::Drain { retry_after_s } => Input::Drain { retry_after_s },
        }
    }

    fn turn(&mut self, inputs: Vec<Input>) {
        let draining = inputs
            .iter()
            .any(|input| matches!(input, Input::Drain { .. }));
        let now = Now {
            instant_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            unix_s: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs()),
        };
        match self.core.turn(&mut self.storage, now, inputs) {
            Ok(outputs) => self.send(outputs),
            Err(error) => {
                self.complain(&error);
                for conn in self.core.take_lost_connections() {
                    self.kill(conn, "the storage failed");
                }
                if draining {
                    // Nobody could be told; going is what matters.
                    self.outlets.drain().for_each(|(_, outlet)| outlet.kill());
                }
            }
        }
    }

    fn send(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Send { conn, frame } => {
                    let full = self
                        .outlets
                        .get(&conn)
                        .is_some_and(|outlet| outlet.push(frame).is_err());
                    if full {
                        self.kill(conn, "the client reads too slowly");
                    }
                }
                Output::Close { conn } => {
                    let full = self
                        .outlets
                        .remove(&conn)
                        .is_some_and(|outlet| outlet.close().is_err());
                    if full {
                        log::debug!("conn={} event=killed why=\"queue full\"", conn.0);
                    }
                }
            }
        }
    }

    /// Ends a connection without a word. Its task reports `Gone`.
    fn kill(&mut self, conn: ConnId, why: &str) {
        if let Some(outlet) = self.outlets.remove(&conn) {
            log::debug!("conn={} event=killed why=\"{why}\"", conn.0);
            outlet.kill();
        }
    }

    fn complain(&mut self, error: &crate::sqlite::SqliteError) {
        let now = Instant::now();
        if self
            .complained
            .is_none_or(|last| now - last >= COMPLAIN_EVERY)
        {
            self.complained = Some(now);
            let error = crate::logging::chain(error);
            log::error!("event=turn_failed error=\"{error}\"");
        }
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
