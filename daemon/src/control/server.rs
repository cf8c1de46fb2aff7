//! All clients of the control socket: what each may do, what it waits for,
//! where it stands in the event log.

mod agent;
mod events;
mod greeting;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::AbortHandle;
use twine_engine::status::StatusView;
use twine_engine::store_ops::{ClientName, EventCursor};
use twine_engine::time::Now;
use twine_engine::{Command, Reply, ReplyTo, TelephonyEvent};
use twine_proto::control::{CONTROL_VERSION, ClientMessage, ServerMessage};
use twine_proto::control_pb::{self as pb, ErrorCode, reply};

use super::client::{Client, Greeted, Slow};
use super::connection::{self, ClientId, Raw, closed, turn_away};
use super::present;
use super::queue::SendQueue;
use super::requests::{self, Action};
use super::roles::{Roles, may_ask, request_name};
use crate::config::RoleUids;
#[cfg(doc)]
use crate::limits::CLOSE_TIMEOUT;
use crate::limits::{CONTROL_QUEUE, MAX_OPEN_REQUESTS};
use crate::reads::Read;

/// What the daemon says of itself.
#[derive(Debug, Clone)]
pub struct About {
    /// Version of the program.
    pub version: &'static str,
    /// When it started, by the wall clock.
    pub started: Now,
    /// The device's public key in hex.
    pub device_key: String,
}

/// Something for the driver to do.
#[derive(Debug)]
pub enum Wish {
    /// Hand this to the engine.
    Command {
        /// Where the answer goes.
        to: ReplyTo,
        /// What.
        command: Command,
    },
    /// Hand this to the engine.
    Telephony(TelephonyEvent),
    /// Answer with [`Control::status`].
    Status(ReplyTo),
    /// Answer with [`Control::links`].
    Links(ReplyTo),
}

/// For whom something is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadTicket {
    client: ClientId,
    purpose: Purpose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Request(u64),
    Events { subscription: u64 },
}

/// What only the daemon knows of its state.
#[derive(Debug, Clone, Default)]
pub struct DaemonStatus {
    /// The store.
    pub storage: pb::StorageStatus,
    /// Counters beside the engine's.
    pub counters: Vec<(&'static str, u64)>,
}

/// Counted since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ControlCounters {
    /// Connections taken.
    pub connected: u64,
    /// Connections refused by UID, role, version or name.
    pub refused: u64,
    /// Clients disconnected because they did not read.
    pub slow: u64,
    /// Clients disconnected because of what they sent.
    pub broken: u64,
    /// Requests refused by role, field or limit.
    pub requests_refused: u64,
    /// Orders given to the telephony agent.
    pub orders: u64,
    /// Orders that no agent was there to take; the next is given them again.
    pub orders_dropped: u64,
}

/// The control socket.
#[derive(Debug)]
pub struct Control {
    about: About,
    role_uids: RoleUids,
    raw: mpsc::Receiver<Raw>,
    to_loop: mpsc::Sender<Raw>,
    accept: AbortHandle,
    /// One for each connection, given back when its last byte is written.
    places: Arc<Semaphore>,
    max_clients: u32,
    clients: BTreeMap<ClientId, Client>,
    last_client: ClientId,
    last_subscription: u64,
    /// The connection that reports as telephony agent.
    agent: Option<ClientId>,
    /// The newest event.
    latest: EventCursor,
    /// At most what one `Raw` brings.
    wishes: VecDeque<Wish>,
    /// At most one for each client.
    reads: VecDeque<(ReadTicket, Read)>,
    counters: ControlCounters,
    /// Orders given in this run: their ids.
    last_order: u64,
    /// The last order to move mobile data, while its result is missing: its id
    /// and the card's slot.
    data_order: Option<(u64, u8)>,
    /// What was odd in reports and is logged already.
    oddities: BTreeSet<&'static str>,
}

impl Control {
    /// Takes connections from now on. Call it within a tokio runtime with I/O
    /// and time. `latest`: the newest event in the log.
    pub fn new(
        listener: UnixListener,
        max_clients: u16,
        role_uids: RoleUids,
        about: About,
        latest: EventCursor,
    ) -> std::io::Result<Self> {
        let (to_loop, raw) = mpsc::channel(CONTROL_QUEUE);
        let listener = tokio::net::UnixListener::from_std(listener)?;
        let places = Arc::new(Semaphore::new(max_clients.into()));
        let accepting = connection::accept(listener, Arc::clone(&places), to_loop.clone());
        let accept = tokio::spawn(accepting);
        Ok(Self {
            about,
            role_uids,
            raw,
            to_loop,
            accept: accept.abort_handle(),
            places,
            max_clients: max_clients.into(),
            clients: BTreeMap::new(),
            last_client: 0,
            last_subscription: 0,
            agent: None,
            latest,
            wishes: VecDeque::new(),
            reads: VecDeque::new(),
            counters: ControlCounters::default(),
            last_order: 0,
            data_order: None,
            oddities: BTreeSet::new(),
        })
    }

    /// Waits for something from the clients and takes it. Safe to give up.
    /// What follows from it: [`next_wish`](Self::next_wish),
    /// [`next_read`](Self::next_read).
    pub async fn wait(&mut self, now: impl Fn() -> Now) {
        // The sender in here keeps the queue open.
        if let Some(raw) = self.raw.recv().await {
            self.take(now(), raw);
        }
    }

    /// Takes one thing that is here already; whether there was one.
    pub fn take_ready(&mut self, now: Now) -> bool {
        match self.raw.try_recv() {
            Ok(raw) => {
                self.take(now, raw);
                true
            }
            Err(_) => false,
        }
    }

    /// The next thing to do.
    pub fn next_wish(&mut self) -> Option<Wish> {
        self.wishes.pop_front()
    }

    /// The next thing to read, to be answered with
    /// [`page`](Self::page) or [`read_failed`](Self::read_failed).
    pub fn next_read(&mut self) -> Option<(ReadTicket, Read)> {
        self.reads.pop_front()
    }

    /// Counted since the start.
    #[must_use]
    pub const fn counters(&self) -> ControlCounters {
        self.counters
    }

    /// Connections at this moment.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.clients.len()
    }

    // -- answers ----------------------------------------------------------------

    /// The engine's answer to a command.
    pub fn reply(&mut self, now: Now, to: ReplyTo, reply: Reply) {
        let opened = match reply {
            Reply::ClientOpen { cursor, latest } => Some((cursor, latest)),
            _ => None,
        };
        let kind = present::reply(reply, &self.about.device_key);
        self.answer(now, to, kind);
        if let Some((cursor, latest)) = opened {
            self.subscribe(now, to.client, cursor, latest);
        }
    }

    /// The answer to [`Wish::Status`].
    pub fn status(&mut self, now: Now, to: ReplyTo, engine: &StatusView, daemon: DaemonStatus) {
        let Some(client) = self.clients.get(&to.client) else {
            return;
        };
        let mut status = client.view().status(engine, now.instant);
        status.daemon_version = self.about.version.to_owned();
        status.uptime_ms = now.instant.0.saturating_sub(self.about.started.instant.0);
        status.device_key = self.about.device_key.clone();
        status.storage = Some(daemon.storage);
        let own = self.counters;
        let own = [
            ("control_connected", own.connected),
            ("control_refused", own.refused),
            ("control_slow", own.slow),
            ("control_broken", own.broken),
            ("control_requests_refused", own.requests_refused),
            ("control_orders", own.orders),
            ("control_orders_dropped", own.orders_dropped),
        ];
        for (name, value) in daemon.counters.into_iter().chain(own) {
            let name = name.to_owned();
            status.counters.push(pb::Counter { name, value });
        }
        self.answer(now, to, reply::Kind::Status(status));
    }

    /// The answer to [`Wish::Links`].
    pub fn links(&mut self, now: Now, to: ReplyTo, engine: &StatusView) {
        self.answer(
            now,
            to,
            reply::Kind::Links(present::links(engine, now.instant)),
        );
    }

    /// The daemon stops: everybody gets what waits for him and is told. Returns
    /// when it is written, or [`CLOSE_TIMEOUT`] is over.
    pub async fn stop(&mut self) {
        self.accept.abort();
        let message = "the daemon is stopping; connect again later".to_owned();
        let last = closed(ErrorCode::FailedPrecondition, message);
        for client in self.clients.values() {
            client.finish(&last);
        }
        self.clients.clear();
        self.agent = None;
        // Each writer gives its place back when it is done, in time by itself.
        let _ = self.places.acquire_many(self.max_clients).await;
    }

    // -- what clients send --------------------------------------------------------

    fn take(&mut self, now: Now, raw: Raw) {
        match raw {
            Raw::Accepted { stream, uid, place } => self.accepted(now, stream, uid, place),
            Raw::Message { client, message } => self.message(now, client, message),
            Raw::Broken { client, why } => self.broken(client, &why),
            Raw::Gone { client } => self.forget(client),
            Raw::Drained { client } => self.pump(client),
        }
    }

    fn accepted(&mut self, now: Now, stream: UnixStream, uid: u32, place: OwnedSemaphorePermit) {
        let allowed = Roles::of_uid(uid, &self.role_uids);
        if allowed == Roles::NONE {
            self.counters.refused += 1;
            log::warn!("refused a connection to the control socket from uid {uid}");
            let message = format!("uid {uid} has no role here; the configuration lists them");
            turn_away(&stream, ErrorCode::PermissionDenied, message);
            return;
        }
        self.last_client += 1;
        let id = self.last_client;
        let (read, write) = stream.into_split();
        let queue = Arc::new(SendQueue::default());
        let to_loop = self.to_loop.clone();
        tokio::spawn(connection::write(
            id,
            write,
            Arc::clone(&queue),
            to_loop,
            place,
        ));
        let reader = tokio::spawn(connection::read(id, read, self.to_loop.clone()));
        let client = Client::new(allowed, queue, reader.abort_handle(), now.instant);
        self.clients.insert(id, client);
        self.counters.connected += 1;
    }

    fn message(&mut self, now: Now, id: ClientId, message: ClientMessage) {
        let Some(client) = self.clients.get(&id) else {
            return;
        };
        match (message, client.greeted.clone()) {
            (ClientMessage::Connect(connect), None) => self.connect(now, id, &connect),
            (_, None) => self.broken(id, "the first message has to be Connect"),
            (ClientMessage::Connect(_), Some(_)) => self.broken(id, "a second Connect"),
            (ClientMessage::Request(request), Some(client)) => {
                self.request(now, id, &client, request);
            }
            (ClientMessage::Report(report), Some(client)) => self.report(id, &client, report),
            (ClientMessage::OrderResult(result), Some(_)) => self.order_result(id, &result),
        }
    }

    fn connect(&mut self, now: Now, id: ClientId, connect: &pb::Connect) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        let greeted = match greeting::greet(connect, client.allowed) {
            Ok(greeted) => greeted,
            Err((code, message)) => {
                self.counters.refused += 1;
                log::warn!("refused a client of the control socket: {message}");
                return self.close(id, code, message);
            }
        };
        let ClientName(name) = &greeted.name;
        log::debug!("client {id} is {name}, with roles {}", greeted.roles);
        let connected = ServerMessage::Connected(pb::Connected {
            version: CONTROL_VERSION,
            roles: greeted.roles.iter().map(Into::into).collect(),
            daemon_version: self.about.version.to_owned(),
            daemon_start_wall_ms: self.about.started.wall.0,
        });
        client.greeted = Some(greeted);
        if let Err(slow) = client.push(now.instant, &connected) {
            self.close_slow(id, slow);
        }
    }

    fn request(&mut self, now: Now, id: ClientId, greeted: &Greeted, request: pb::Request) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        let to = ReplyTo {
            client: id,
            request: request.id,
        };
        if client.open.len() >= MAX_OPEN_REQUESTS {
            let message =
                format!("{MAX_OPEN_REQUESTS} requests wait for their reply; wait for one");
            return self.refuse(now, to, ErrorCode::Busy, message);
        }
        if !client.open.insert(request.id) {
            return self.broken(id, "a request has the id of another one that is still open");
        }
        let Some(kind) = request.kind else {
            let message = "this version of the daemon does not know that request".to_owned();
            return self.refuse(now, to, ErrorCode::Unsupported, message);
        };
        let needed = may_ask(&kind);
        if !greeted.roles.any_of(needed) {
            let name = request_name(&kind);
            let message = format!(
                "{name} needs one of the roles {needed}; this connection has {}",
                greeted.roles
            );
            return self.refuse(now, to, ErrorCode::PermissionDenied, message);
        }
        match requests::parse(kind, &greeted.name) {
            Ok(Action::Command(command)) => self.wishes.push_back(Wish::Command { to, command }),
            Ok(Action::Status) => self.wishes.push_back(Wish::Status(to)),
            Ok(Action::Links) => self.wishes.push_back(Wish::Links(to)),
            Ok(Action::Read(read)) => {
                client.reads.push_back((request.id, read));
                self.pump(id);
            }
            Err(error) => self.refuse(now, to, error.code(), error.to_string()),
        }
    }

    // -- endings ------------------------------------------------------------------

    /// Answers an open request; one that is not open was given up with its
    /// connection.
    fn answer(&mut self, now: Now, to: ReplyTo, kind: reply::Kind) {
        let Some(client) = self.clients.get_mut(&to.client) else {
            return;
        };
        if client.open.remove(&to.request) {
            self.send_reply(now, to, kind);
        }
    }

    /// Answers no to a request, open or beyond the limit.
    fn refuse(&mut self, now: Now, to: ReplyTo, code: ErrorCode, message: String) {
        self.counters.requests_refused += 1;
        if let Some(client) = self.clients.get_mut(&to.client) {
            // One beyond the limit is not among the open ones; another of its
            // id must stay there.
            if code != ErrorCode::Busy {
                client.open.remove(&to.request);
            }
        }
        self.send_reply(now, to, present::error(code, message));
    }

    fn send_reply(&mut self, now: Now, to: ReplyTo, kind: reply::Kind) {
        let Some(client) = self.clients.get_mut(&to.client) else {
            return;
        };
        let reply = ServerMessage::Reply(pb::Reply {
            id: to.request,
            kind: Some(kind),
        });
        if let Err(slow) = client.push(now.instant, &reply) {
            self.close_slow(to.client, slow);
        }
    }

    fn check_pace(&mut self, now: Now, id: ClientId) {
        let pace = self
            .clients
            .get_mut(&id)
            .map(|client| client.check_pace(now.instant));
        if let Some(Err(slow)) = pace {
            self.close_slow(id, slow);
        }
    }

    fn close_slow(&mut self, id: ClientId, Slow(why): Slow) {
        self.counters.slow += 1;
        log::warn!("disconnected client {id} of the control socket: {why}");
        self.close(id, ErrorCode::SlowClient, why.to_owned());
    }

    fn broken(&mut self, id: ClientId, why: &str) {
        self.counters.broken += 1;
        log::warn!("disconnected client {id} of the control socket: {why}");
        self.close(id, ErrorCode::Protocol, why.to_owned());
    }

    fn close(&mut self, id: ClientId, code: ErrorCode, message: String) {
        if let Some(client) = self.clients.get(&id) {
            client.close(Some(&closed(code, message)));
        }
        self.forget(id);
    }

    fn forget(&mut self, id: ClientId) {
        if let Some(client) = self.clients.remove(&id) {
            client.close(None);
            self.reads.retain(|(ticket, _)| ticket.client != id);
        }
        if self.agent == Some(id) {
            self.agent = None;
            self.wishes
                .push_back(Wish::Telephony(TelephonyEvent::AgentGone));
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

#[cfg(test)]
mod tests;
