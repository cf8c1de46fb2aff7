//! A connection that comes back: one thread connects, reads, and connects
//! again when the daemon was restarted. What it repeats is the greeting, never
//! a request; the owner learns of each break, with the requests whose result is
//! not known.

use std::collections::VecDeque;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::Bytes;
use prost::Message;
use twine_control::limits::{EVENT_QUEUE_BYTES, LONGEST_WAIT, MAX_EVENT_QUEUE_BYTES};
use twine_control::raw::{self, Incoming, Reader, Requester};
use twine_control::{ConnectError, Disconnected, RequestId, pb};

use crate::failure::Failure;
use crate::limits::{FIRST_PAUSE, GREETING_TIMEOUT, LONGEST_PAUSE, MAX_UNKNOWN_NAMED, STACK_BYTES};

/// Where to connect, and as whom.
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    pub(crate) client: String,
    pub(crate) roles: Vec<pb::Role>,
}

/// What the owner takes one after the other.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// A connection is there: the body of its `Connected`. Subscriptions and
    /// reports have to be made anew.
    Connected(Vec<u8>),
    /// The body of an `Event`.
    Event(Bytes),
    /// The body of an `Order`.
    Order(Bytes),
    /// It broke. What follows belongs to another connection.
    Lost(Lost),
}

/// A break.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) code: i32,
    pub(crate) message: String,
    /// Requests that may or may not have been carried out.
    pub(crate) unknown: Vec<RequestId>,
}

pub(crate) struct Link {
    shared: Arc<Shared>,
    worker: Option<JoinHandle<()>>,
}

struct Shared {
    target: Target,
    state: Mutex<State>,
    /// Anything in `state` changed.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The socket in use, from the first greeting on.
    socket: Option<UnixStream>,
    requester: Option<Requester>,
    /// Why the last attempt to connect failed; `None` while one may succeed.
    failed: Option<ConnectError>,
    notices: VecDeque<Notice>,
    /// Bytes of the events and orders among them.
    waiting_bytes: usize,
    /// Requests that wait for their reply.
    asking: usize,
    closed: bool,
    /// The worker is gone though nobody closed it.
    worker_died: bool,
}

impl Link {
    /// Starts to connect; fails only if there can be no thread.
    pub(crate) fn open(target: Target) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            target,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let worker = Worker(Arc::clone(&shared));
        let worker = thread::Builder::new()
            .name("twine-link".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || worker.run())?;
        Ok(Self {
            shared,
            worker: Some(worker),
        })
    }

    /// Sends the body of a request and waits for the body of its reply. Without
    /// a connection it waits for one, unless the daemon refused the last one.
    pub(crate) fn request(&self, body: &[u8], timeout: Duration) -> Result<Bytes, Failure> {
        let deadline = Instant::now() + timeout.min(LONGEST_WAIT);
        let requester = self.shared.requester(deadline)?;
        let left = deadline.saturating_duration_since(Instant::now());
        let _asking = Asking::new(&self.shared);
        Ok(requester.request(body, left)?)
    }

    /// Sends the body of a report, if there is a connection.
    pub(crate) fn report(&self, body: &[u8]) -> Result<(), Failure> {
        Ok(self.shared.requester(Instant::now())?.report(body)?)
    }

    /// Sends the body of an order's result, if there is a connection.
    pub(crate) fn order_result(&self, body: &[u8]) -> Result<(), Failure> {
        Ok(self.shared.requester(Instant::now())?.order_result(body)?)
    }

    /// The next notice; `None`: none in time.
    pub(crate) fn next(&self, timeout: Duration) -> Result<Option<Notice>, Failure> {
        let deadline = Instant::now() + timeout.min(LONGEST_WAIT);
        let mut state = self.shared.lock();
        loop {
            state.check()?;
            if let Some(notice) = state.notices.pop_front() {
                if let Notice::Event(body) | Notice::Order(body) = &notice {
                    state.waiting_bytes -= body.len();
                    self.shared.changed.notify_all();
                }
                return Ok(Some(notice));
            }
            // What came before is told; nothing more will come.
            state.check_worker()?;
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            state = self.shared.wait(state, left);
        }
    }

    /// Every call that waits, and every later one, fails with
    /// [`Failure::Closed`].
    pub(crate) fn close(&self) {
        let mut state = self.shared.lock();
        state.closed = true;
        state.shut_down();
        drop(state);
        self.shared.changed.notify_all();
    }
}

impl Drop for Link {
    /// Waits for the thread: the library may be unloaded after this.
    fn drop(&mut self) {
        self.close();
        if let Some(worker) = self.worker.take() {
            // If it panicked there is nobody left to tell.
            let _ = worker.join();
        }
    }
}

impl State {
    const fn check(&self) -> Result<(), Failure> {
        if self.closed {
            Err(Failure::Closed)
        } else {
            Ok(())
        }
    }

    fn check_worker(&self) -> Result<(), Failure> {
        if self.worker_died {
            Err(Failure::Panicked(
                "the thread of this connection is gone; open a new one".to_owned(),
            ))
        } else {
            Ok(())
        }
    }

    fn shut_down(&mut self) {
        if let Some(socket) = self.socket.take() {
            // Fails only if it is shut down already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// Notices of connections in which nothing happened are merged, so that
    /// they don't pile up while nobody takes them.
    fn lost(&mut self, mut lost: Lost) {
        if let [.., Notice::Lost(_), Notice::Connected(_)] = self.notices.make_contiguous() {
            self.notices.pop_back();
            if let Some(Notice::Lost(earlier)) = self.notices.pop_back() {
                lost.unknown.splice(..0, earlier.unknown);
            }
        }
        let surplus = lost.unknown.len().saturating_sub(MAX_UNKNOWN_NAMED);
        lost.unknown.drain(..surplus);
        self.notices.push_back(Notice::Lost(lost));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, time: Duration) -> MutexGuard<'a, State> {
        self.changed
            .wait_timeout(state, time)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    fn requester(&self, deadline: Instant) -> Result<Requester, Failure> {
        let mut state = self.lock();
        loop {
            state.check()?;
            state.check_worker()?;
            if let Some(requester) = &state.requester {
                return Ok(requester.clone());
            }
            let failed = state.failed.as_ref().map(Failure::of_attempt);
            let left = deadline.saturating_duration_since(Instant::now());
            match failed {
                // Waiting does not help.
                Some(failure @ (Failure::Daemon(_) | Failure::Version(_))) => return Err(failure),
                Some(failure) if left.is_zero() => return Err(failure),
                None if left.is_zero() => {
                    return Err(Failure::NotConnected {
                        why: "the daemon has not greeted yet".to_owned(),
                    });
                }
                _ => state = self.wait(state, left),
            }
        }
    }
}

/// While this lives the reader does not stop for want of room.
struct Asking<'a>(&'a Shared);

impl<'a> Asking<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.lock().asking += 1;
        shared.changed.notify_all();
        Self(shared)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.lock().asking -= 1;
    }
}

/// The thread's side.
struct Worker(Arc<Shared>);

impl Worker {
    fn run(self) {
        let mut pause = FIRST_PAUSE;
        while !self.0.lock().closed {
            let target = &self.0.target;
            let connected = raw::connect(
                &target.path,
                &target.client,
                &target.roles,
                GREETING_TIMEOUT,
                |socket| self.hold(socket),
            );
            match connected {
                Ok((requester, reader, greeting)) => {
                    let began = Instant::now();
                    self.connected(&requester, &greeting);
                    let ended = self.read_all(&requester, reader);
                    self.lost(&ended);
                    if began.elapsed() >= LONGEST_PAUSE {
                        pause = FIRST_PAUSE;
                    }
                }
                Err(error) => self.failed(error),
            }
            self.rest(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// From now on `close` can end this socket.
    fn hold(&self, socket: &UnixStream) {
        let mut state = self.0.lock();
        // Without it (out of descriptors) closing waits for the greeting.
        state.socket = socket.try_clone().ok();
        if state.closed {
            state.shut_down();
        }
    }

    fn connected(&self, requester: &Requester, greeting: &pb::Connected) {
        let mut state = self.0.lock();
        state.failed = None;
        state.requester = Some(requester.clone());
        state
            .notices
            .push_back(Notice::Connected(greeting.encode_to_vec()));
        drop(state);
        self.0.changed.notify_all();
    }

    fn failed(&self, error: ConnectError) {
        let mut state = self.0.lock();
        state.socket = None;
        state.failed = Some(error);
        drop(state);
        self.0.changed.notify_all();
    }

    fn lost(&self, ended: &Disconnected) {
        let failure = Failure::of_end(ended);
        let mut state = self.0.lock();
        state.socket = None;
        state.requester = None;
        state.lost(Lost {
            code: failure.code(),
            message: failure.to_string(),
            unknown: ended.unknown.clone(),
        });
        drop(state);
        self.0.changed.notify_all();
    }

    fn read_all(&self, requester: &Requester, mut reader: Reader) -> Arc<Disconnected> {
        loop {
            match reader.read() {
                Ok(incoming) => self.take(incoming, requester),
                Err(ended) => return ended,
            }
        }
    }

    /// Queues it, then waits while too much is queued and nobody waits for a
    /// reply, which may lie behind further events in the socket.
    fn take(&self, incoming: Incoming, requester: &Requester) {
        let mut state = self.0.lock();
        let (notice, bytes) = match incoming {
            Incoming::Event(body) => (Notice::Event(body.clone()), body.len()),
            Incoming::Order(body) => (Notice::Order(body.clone()), body.len()),
        };
        state.waiting_bytes += bytes;
        state.notices.push_back(notice);
        if state.waiting_bytes > MAX_EVENT_QUEUE_BYTES {
            // Rather than filling the memory; events come again from the
            // cursor, orders are repeated.
            requester.shut_down();
        }
        self.0.changed.notify_all();
        while state.waiting_bytes >= EVENT_QUEUE_BYTES && state.asking == 0 && !state.closed {
            state = self.0.wait(state, LONGEST_WAIT);
        }
    }

    fn rest(&self, pause: Duration) {
        let end = Instant::now() + pause;
        let mut state = self.0.lock();
        while !state.closed {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.0.wait(state, left);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if thread::panicking() {
            let mut state = self.0.lock();
            state.worker_died = true;
            state.requester = None;
            drop(state);
            self.0.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests;
