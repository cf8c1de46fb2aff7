//! All clients of the control socket: what each may do, what it waits for,
//! where it stands in the event log.

use std::collections::{BTreeMap, VecDeque};
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::AbortHandle;
use twine_engine::status::StatusView;
use twine_engine::store_ops::{ClientName, EventCursor};
use twine_engine::time::Now;
use twine_engine::{Command, Notice, Reply, ReplyTo, TelephonyEvent};
use twine_proto::control::{CONTROL_VERSION, ClientMessage, ServerMessage, parse_client_name};
use twine_proto::control_pb::{self as pb, ErrorCode, reply};

use super::client::{Client, Greeted, Slow, Subscription};
use super::connection::{self, ClientId, Raw, closed, turn_away};
use super::present;
use super::queue::SendQueue;
use super::reports::{self, Told};
use super::requests::{self, Action};
use super::roles::{Roles, may_ask, request_name};
use crate::config::RoleUids;
#[cfg(doc)]
use crate::limits::CLOSE_TIMEOUT;
use crate::limits::{CONTROL_QUEUE, EVENTS_PER_READ, MAX_OPEN_REQUESTS};
use crate::reads::{Page, Read};

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
    unused_report_logged: bool,
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
            unused_report_logged: false,
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

    /// What was read.
    pub fn page(&mut self, now: Now, ticket: ReadTicket, page: &Page) {
        let Some(client) = self.clients.get_mut(&ticket.client) else {
            return;
        };
        client.reading = false;
        match (ticket.purpose, page) {
            (Purpose::Request(request), page) => {
                let kind = client.view().page(page);
                let to = ReplyTo {
                    client: ticket.client,
                    request,
                };
                self.answer(now, to, kind);
            }
            (Purpose::Events { subscription }, Page::Events { .. })
                if client
                    .subscription
                    .is_some_and(|it| it.serial == subscription) =>
            {
                if let Err(slow) = push_events(client, now, page, self.latest) {
                    self.close_slow(ticket.client, slow);
                }
            }
            // For an earlier subscription of this connection.
            (Purpose::Events { .. }, _) => {}
        }
        self.pump(ticket.client);
    }

    /// The store could not read it.
    pub fn read_failed(&mut self, now: Now, ticket: ReadTicket, reason: &str) {
        let Some(client) = self.clients.get_mut(&ticket.client) else {
            return;
        };
        client.reading = false;
        match ticket.purpose {
            Purpose::Request(request) => {
                let to = ReplyTo {
                    client: ticket.client,
                    request,
                };
                let message = format!("the store cannot be read: {reason}");
                self.answer(now, to, present::error(ErrorCode::Storage, message));
                self.pump(ticket.client);
            }
            // A client that waited for events and gets none could not tell this
            // from silence: it has to connect and subscribe again.
            Purpose::Events { .. } => {
                let message = format!("the event log cannot be read: {reason}");
                self.close(ticket.client, ErrorCode::Storage, message);
            }
        }
    }

    /// The event log reaches up to here.
    pub fn events(&mut self, now: Now, latest: EventCursor) {
        self.latest = self.latest.max(latest);
        let subscribers: Vec<_> = self.subscribers().collect();
        for id in subscribers {
            self.pump(id);
            self.check_pace(now, id);
        }
    }

    /// A passing event, for all subscribers.
    pub fn notice(&mut self, now: Now, notice: &Notice) {
        let subscribers: Vec<_> = self.subscribers().collect();
        for id in subscribers {
            let Some(client) = self.clients.get_mut(&id) else {
                continue;
            };
            // Not worth a place behind a backlog: it would be stale.
            if client.is_behind() {
                self.check_pace(now, id);
                continue;
            }
            let event = ServerMessage::Event(client.view().notice(notice, now));
            if let Err(slow) = client.push(now.instant, &event) {
                self.close_slow(id, slow);
            }
        }
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
            (ClientMessage::OrderResult(_), Some(_)) => {
                self.unused_report("an order's result, though none was given");
            }
        }
    }

    fn connect(&mut self, now: Now, id: ClientId, connect: &pb::Connect) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        let greeted = match greet(connect, client.allowed) {
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

    fn report(&mut self, id: ClientId, greeted: &Greeted, report: pb::Report) {
        if !greeted.roles.any_of(Roles::TELEPHONY) {
            let message = format!(
                "reports need the role telephony; this connection has {}",
                greeted.roles
            );
            return self.close(id, ErrorCode::PermissionDenied, message);
        }
        let told = match reports::parse(report) {
            Ok(told) => told,
            Err(error) => {
                log::warn!("closed the telephony agent because of its report: {error}");
                self.counters.broken += 1;
                return self.close(id, ErrorCode::InvalidArgument, error.to_string());
            }
        };
        match told {
            Told::Unused(what) => self.unused_report(what),
            Told::Event(event) => {
                if self.agent != Some(id) && !self.new_agent(id, &event) {
                    return;
                }
                self.wishes.push_back(Wish::Telephony(event));
            }
        }
    }

    /// Whether this connection is the agent from now on: the newest one wins,
    /// because the old one may be a ghost of a process that was killed.
    fn new_agent(&mut self, id: ClientId, first: &TelephonyEvent) -> bool {
        if !matches!(first, TelephonyEvent::State { .. }) {
            let message = "an agent's first report has to be its full state".to_owned();
            self.close(id, ErrorCode::FailedPrecondition, message);
            return false;
        }
        // Without "agent gone": the state of the new one replaces everything.
        if let Some(old) = self.agent.replace(id) {
            let message = "another telephony agent has taken over".to_owned();
            self.close(old, ErrorCode::FailedPrecondition, message);
        }
        true
    }

    fn unused_report(&mut self, what: &str) {
        if !std::mem::replace(&mut self.unused_report_logged, true) {
            log::warn!("ignored from the telephony agent, this once logged: {what}");
        }
    }

    // -- events -------------------------------------------------------------------

    fn subscribers(&self) -> impl Iterator<Item = ClientId> {
        self.clients
            .iter()
            .filter(|(_, client)| client.subscription.is_some())
            .map(|(&id, _)| id)
    }

    fn subscribe(&mut self, now: Now, id: ClientId, cursor: EventCursor, latest: EventCursor) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        self.last_subscription += 1;
        client.subscription = Some(Subscription {
            sent: cursor,
            exhausted: EventCursor::default(),
            serial: self.last_subscription,
        });
        let name = client.greeted.as_ref().map(|greeted| greeted.name.clone());
        let older = self.clients.iter().find(|&(&other, client)| {
            other != id
                && client.subscription.is_some()
                && client.greeted.as_ref().map(|greeted| &greeted.name) == name.as_ref()
        });
        if let Some((&older, _)) = older {
            let message = "a newer connection of this client subscribed to its events".to_owned();
            self.close(older, ErrorCode::FailedPrecondition, message);
        }
        self.latest = self.latest.max(latest);
        self.pump(id);
        self.check_pace(now, id);
    }

    /// Starts the next read for a client, if it has room for the answer: pages
    /// it asked for first, then events.
    fn pump(&mut self, id: ClientId) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        let events = client
            .subscription
            .filter(|it| it.sent.max(it.exhausted) < self.latest);
        if (client.reads.is_empty() && events.is_none()) || !client.may_read() {
            return;
        }
        let (purpose, read) = match (client.reads.pop_front(), events) {
            (Some((request, read)), _) => (Purpose::Request(request), read),
            (None, Some(Subscription { sent, serial, .. })) => (
                Purpose::Events {
                    subscription: serial,
                },
                Read::Events {
                    after: sent,
                    limit: EVENTS_PER_READ,
                },
            ),
            (None, None) => return,
        };
        client.reading = true;
        self.reads.push_back((
            ReadTicket {
                client: id,
                purpose,
            },
            read,
        ));
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

/// Judges a greeting.
fn greet(connect: &pb::Connect, allowed: Roles) -> Result<Greeted, (ErrorCode, String)> {
    if connect.version != CONTROL_VERSION {
        let message = format!(
            "version {} of the control protocol is not spoken here, only {CONTROL_VERSION}",
            connect.version
        );
        return Err((ErrorCode::Unsupported, message));
    }
    let name = parse_client_name(&connect.client)
        .map_err(|error| (ErrorCode::InvalidArgument, error.to_string()))?;
    let mut roles = Roles::NONE;
    for &number in &connect.roles {
        match pb::Role::try_from(number) {
            Ok(role) if role != pb::Role::Unspecified => roles = roles.with(Roles::of(role)),
            _ => {
                let message = format!("there is no role number {number}");
                return Err((ErrorCode::InvalidArgument, message));
            }
        }
    }
    if roles == Roles::NONE {
        let message = format!("a connection needs a role; this uid may have {allowed}");
        return Err((ErrorCode::InvalidArgument, message));
    }
    let denied = roles.without(allowed);
    if denied != Roles::NONE {
        let message = format!("this uid may not be {denied}; it may have {allowed}");
        return Err((ErrorCode::PermissionDenied, message));
    }
    Ok(Greeted {
        name: ClientName(name.as_str().to_owned()),
        roles,
    })
}

/// Queues events until enough wait; the rest of the page is read again later,
/// with the messages as they are then.
fn push_events(
    client: &mut Client,
    now: Now,
    page: &Page,
    latest: EventCursor,
) -> Result<(), Slow> {
    let view = client.view();
    let Page::Events {
        resync_from,
        events,
    } = page
    else {
        return Ok(());
    };
    let mut sent = None;
    if let Some(EventCursor(from)) = *resync_from {
        client.push(
            now.instant,
            &ServerMessage::Event(present::resync(from, now)),
        )?;
        sent = Some(EventCursor(from));
    }
    for (event, message) in events {
        if client.is_behind() {
            break;
        }
        let pushed = ServerMessage::Event(view.event(event, message.as_ref()));
        client.push(now.instant, &pushed)?;
        sent = Some(event.cursor);
    }
    if let Some(subscription) = &mut client.subscription {
        subscription.sent = sent.unwrap_or(subscription.sent);
        if resync_from.is_none() && events.is_empty() {
            subscription.exhausted = latest;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
