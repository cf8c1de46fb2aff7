//! The asynchronous client: one reading and one writing task for each
//! connection, and handles that share them.
//!
//! ```text
//!   request() ─► write queue ─► writer task ─► socket
//!   request() ◄─ open requests ◄┐
//!                               ├─ reader task ◄─ socket
//!   next_event() ◄─ events ◄────┤
//!   next_order() ◄─ orders ◄────┘
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::AbortHandle;
use twine_proto::control::ServerMessage;
use twine_proto::framing::Decoder;

use crate::ask::{Ask, known, report_frame, request_frame, result_frame};
use crate::error::{ClientError, ConnectError, Disconnected, Ending, RequestId};
use crate::greeting::{connect_frame, judge, next_message, refusal};
use crate::limits::{
    EVENT_QUEUE_BYTES, MAX_EVENT_QUEUE_BYTES, MAX_OPEN_REQUESTS, READ_CHUNK_BYTES, WRITE_QUEUE,
};
use crate::order::Order;
use crate::pb;

/// A connection to the daemon. Clones share it; it ends with the last one.
///
/// Events and orders are handed out once: with several tasks in
/// [`next_event`](Self::next_event) each event goes to one of them.
#[derive(Clone)]
pub struct Client {
    handle: Arc<Handle>,
}

/// What the clones share. Dropped with the last one, and the tasks with it.
struct Handle {
    connected: pb::Connected,
    shared: Arc<Shared>,
    write: mpsc::Sender<Bytes>,
    open: Arc<Semaphore>,
    reader: AbortHandle,
}

impl Drop for Handle {
    fn drop(&mut self) {
        // The writer sees its queue closed, writes what is left, and ends.
        self.reader.abort();
    }
}

/// What handles and tasks share.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// An event or an order came, or the connection ended.
    arrived: Notify,
    /// One was taken or a request opened: the reader may go on.
    wanted: Notify,
}

#[derive(Default)]
struct State {
    last_id: RequestId,
    open: BTreeMap<RequestId, OpenRequest>,
    events: VecDeque<(pb::Event, usize)>,
    orders: VecDeque<(Order, usize)>,
    /// Of the events and orders.
    queued_bytes: usize,
    ended: Option<Arc<Disconnected>>,
}

/// Which of the queues.
type Queue<T> = fn(&mut State) -> &mut VecDeque<(T, usize)>;

struct OpenRequest {
    reply: oneshot::Sender<Option<pb::reply::Kind>>,
    /// Kept here and not in the request's future: a request given up by its
    /// caller is still open at the daemon.
    _permit: OwnedSemaphorePermit,
}

impl Client {
    /// Connects under a durable name (tokens and the event cursor are kept
    /// under it) and asks for roles. Must be called in a tokio runtime with
    /// I/O. Has no time-out of its own.
    pub async fn connect(
        path: impl AsRef<Path>,
        client: &str,
        roles: &[pb::Role],
    ) -> Result<Self, ConnectError> {
        let greeting = connect_frame(client, roles)?;
        let path = path.as_ref();
        let mut stream =
            UnixStream::connect(path)
                .await
                .map_err(|source| ConnectError::Unreachable {
                    path: path.to_owned(),
                    source,
                })?;
        // If the daemon refused and closed at once, its reason can still be read.
        let written = stream.write_all(&greeting).await;
        let mut decoder = Decoder::control();
        let first = read_first(&mut stream, &mut decoder).await;
        let connected = match (first, written) {
            (Ok(message), _) => judge(message)?,
            (Err(_), Err(error)) => return Err(ConnectError::Ended(Ending::Io(error))),
            (Err(ending), Ok(())) => return Err(ConnectError::Ended(ending)),
        };

        let (read, write) = stream.into_split();
        let shared = Arc::new(Shared::default());
        let open = Arc::new(Semaphore::new(MAX_OPEN_REQUESTS));
        let (to_writer, frames) = mpsc::channel(WRITE_QUEUE);
        tokio::spawn(write_frames(write, frames));
        let reader = tokio::spawn({
            let shared = Arc::clone(&shared);
            let open = Arc::clone(&open);
            async move {
                let ending = shared.read_all(read, decoder).await;
                shared.end(ending, &open);
            }
        });
        Ok(Self {
            handle: Arc::new(Handle {
                connected,
                shared,
                write: to_writer,
                open,
                reader: reader.abort_handle(),
            }),
        })
    }

    /// The daemon's greeting: its version, its start, the roles granted.
    #[must_use]
    pub fn connected(&self) -> &pb::Connected {
        &self.handle.connected
    }

    /// Asks, and waits for the reply. An error reply of the daemon comes as
    /// [`ClientError::Refused`]. Dropping the future does not recall the
    /// request.
    pub async fn request(&self, kind: pb::request::Kind) -> Result<pb::reply::Kind, ClientError> {
        let handle = &*self.handle;
        let Ok(permit) = Arc::clone(&handle.open).acquire_owned().await else {
            return Err(ClientError::NotSent(handle.shared.ending()));
        };
        // A place in the queue first: from the entry among the open requests
        // to the hand-over nothing waits, so nothing can be given up between.
        let Ok(place) = handle.write.reserve().await else {
            return Err(ClientError::NotSent(handle.shared.ending()));
        };
        let reply = {
            let mut state = handle.shared.lock();
            if let Some(ended) = &state.ended {
                return Err(ClientError::NotSent(Arc::clone(ended)));
            }
            let id = state.last_id + 1;
            let frame = request_frame(id, kind)?;
            state.last_id = id;
            let (sender, reply) = oneshot::channel();
            let request = OpenRequest {
                reply: sender,
                _permit: permit,
            };
            state.open.insert(id, request);
            place.send(frame);
            reply
        };
        handle.shared.wanted.notify_one();
        match reply.await {
            Ok(kind) => known(kind),
            Err(_) => Err(ClientError::ResultUnknown(handle.shared.ending())),
        }
    }

    /// As [`request`](Self::request), with the reply of the fitting type.
    pub async fn ask<A: Ask>(&self, request: A) -> Result<A::Reply, ClientError> {
        A::reply(self.request(request.request()).await?)
    }

    /// Reports as the telephony agent. Returns when the report is in the
    /// queue; there is no answer.
    pub async fn report(&self, kind: pb::report::Kind) -> Result<(), ClientError> {
        let frame = report_frame(kind)?;
        if self.handle.write.send(frame).await.is_err() {
            return Err(ClientError::NotSent(self.handle.shared.ending()));
        }
        Ok(())
    }

    /// Tells what became of an order that has no report of its own. Returns as
    /// [`report`](Self::report) does.
    pub async fn order_result(&self, result: pb::OrderResult) -> Result<(), ClientError> {
        let frame = result_frame(result)?;
        if self.handle.write.send(frame).await.is_err() {
            return Err(ClientError::NotSent(self.handle.shared.ending()));
        }
        Ok(())
    }

    /// The next event, in the daemon's order; after the last one before a break
    /// the error. Nothing comes before `Subscribe`. Safe to give up and call
    /// again: no event is lost.
    pub async fn next_event(&self) -> Result<pb::Event, ClientError> {
        self.handle.shared.next(|state| &mut state.events).await
    }

    /// An event that is here already.
    #[must_use]
    pub fn try_next_event(&self) -> Option<pb::Event> {
        self.handle.shared.take(|state| &mut state.events)?.ok()
    }

    /// The next order for the telephony agent, otherwise as
    /// [`next_event`](Self::next_event). Nothing comes before the agent reported
    /// its full state.
    pub async fn next_order(&self) -> Result<Order, ClientError> {
        self.handle.shared.next(|state| &mut state.orders).await
    }

    /// An order that is here already.
    #[must_use]
    pub fn try_next_order(&self) -> Option<Order> {
        self.handle.shared.take(|state| &mut state.orders)?.ok()
    }

    /// How the connection ended, if it has.
    #[must_use]
    pub fn ended(&self) -> Option<Arc<Disconnected>> {
        self.handle.shared.lock().ended.clone()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ending(&self) -> Arc<Disconnected> {
        self.lock().ended.clone().unwrap_or_else(|| {
            // The tasks were stopped with their runtime.
            Arc::new(Disconnected {
                ending: Ending::Eof,
                unknown: Vec::new(),
            })
        })
    }

    async fn next<T>(&self, queue: Queue<T>) -> Result<T, ClientError> {
        loop {
            let arrived = self.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            if let Some(taken) = self.take(queue) {
                return taken;
            }
            arrived.await;
        }
    }

    fn take<T>(&self, queue: Queue<T>) -> Option<Result<T, ClientError>> {
        let mut state = self.lock();
        if let Some((taken, bytes)) = queue(&mut state).pop_front() {
            state.queued_bytes -= bytes;
            drop(state);
            self.wanted.notify_one();
            return Some(Ok(taken));
        }
        let ended = state.ended.as_ref()?;
        Some(Err(ClientError::NotSent(Arc::clone(ended))))
    }

    fn put<T>(&self, queue: Queue<T>, message: T, bytes: usize) -> Result<(), Ending> {
        let mut state = self.lock();
        if state.queued_bytes + bytes > MAX_EVENT_QUEUE_BYTES {
            return Err(Ending::EventsNotTaken);
        }
        state.queued_bytes += bytes;
        queue(&mut state).push_back((message, bytes));
        drop(state);
        self.arrived.notify_waiters();
        Ok(())
    }

    async fn read_all(&self, mut socket: OwnedReadHalf, mut decoder: Decoder) -> Ending {
        let mut chunk = vec![0; READ_CHUNK_BYTES];
        loop {
            // What came with the greeting is in the decoder already.
            if let Err(ending) = self.take_frames(&mut decoder) {
                return ending;
            }
            self.room().await;
            match socket.read(&mut chunk).await {
                Ok(0) => return Ending::Eof,
                Ok(read) => decoder.extend(&chunk[..read]),
                Err(error) => return Ending::Io(error),
            }
        }
    }

    /// Waits while too much waits to be taken and nobody waits for a reply, which
    /// may lie behind further events in the socket.
    async fn room(&self) {
        loop {
            {
                let state = self.lock();
                if state.queued_bytes < EVENT_QUEUE_BYTES || !state.open.is_empty() {
                    return;
                }
            }
            self.wanted.notified().await;
        }
    }

    fn take_frames(&self, decoder: &mut Decoder) -> Result<(), Ending> {
        while let Some((message, bytes)) = next_message(decoder)? {
            match message {
                ServerMessage::Reply(reply) => {
                    // One without an open request was given up, or is forged.
                    if let Some(open) = self.lock().open.remove(&reply.id) {
                        let _ = open.reply.send(reply.kind);
                    }
                }
                ServerMessage::Event(event) => {
                    self.put(|state| &mut state.events, event, bytes)?;
                }
                ServerMessage::Order(order) => {
                    if let Some(order) = Order::known(order) {
                        self.put(|state| &mut state.orders, order, bytes)?;
                    }
                }
                ServerMessage::Closed(closed) => return Err(Ending::Closed(refusal(closed))),
                ServerMessage::Connected(_) => return Err(Ending::Unexpected("a second greeting")),
            }
        }
        Ok(())
    }

    fn end(&self, ending: Ending, open: &Semaphore) {
        let mut state = self.lock();
        let requests = std::mem::take(&mut state.open);
        state.ended = Some(Arc::new(Disconnected {
            ending,
            unknown: requests.keys().copied().collect(),
        }));
        drop(state);
        open.close();
        // Wakes those who wait for a reply.
        drop(requests);
        self.arrived.notify_waiters();
    }
}

async fn read_first(
    stream: &mut UnixStream,
    decoder: &mut Decoder,
) -> Result<ServerMessage, Ending> {
    let mut chunk = vec![0; READ_CHUNK_BYTES];
    loop {
        if let Some((message, _)) = next_message(decoder)? {
            return Ok(message);
        }
        match stream.read(&mut chunk).await {
            Ok(0) => return Err(Ending::Eof),
            Ok(read) => decoder.extend(&chunk[..read]),
            Err(error) => return Err(Ending::Io(error)),
        }
    }
}

/// Writes until the last handle is gone. If the socket fails, the reader sees
/// it too and says why; this task only takes no more.
async fn write_frames(mut socket: OwnedWriteHalf, mut frames: mpsc::Receiver<Bytes>) {
    while let Some(frame) = frames.recv().await {
        if socket.write_all(&frame).await.is_err() {
            return;
        }
    }
}
