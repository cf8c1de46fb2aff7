//! The client for callers that have protobuf classes of their own: bodies of
//! frames go in and come out as bytes, only ids and refusals are read.
//!
//! No runtime and no thread of its own: any number of threads ask through a
//! [`Requester`], and one thread, which belongs to the caller, runs the
//! [`Reader`], which brings the replies to those who wait for them.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;
use prost::encoding::{encode_varint, encoded_len_varint};
use socket2::{Domain, SockAddr, Socket, Type};
use twine_proto::control::{ControlError, ServerMessage};
use twine_proto::framing::{Decoder, RawFrame};
use twine_proto::limits::MAX_CONTROL_FRAME_BYTES;

use crate::error::{ClientError, ConnectError, Disconnected, Ending, RequestId};
use crate::greeting::{connect_frame, judge, refusal};
use crate::limits::{LONGEST_WAIT, MAX_OPEN_REQUESTS, READ_CHUNK_BYTES, WRITE_TIMEOUT};
use crate::pb::{self, ControlType};

/// What is read of a request: which fields there are else is the daemon's
/// business.
#[derive(Clone, PartialEq, Message)]
struct RequestHead {
    #[prost(uint64, tag = "1")]
    id: u64,
}

/// What is read of a reply.
#[derive(Clone, PartialEq, Message)]
struct ReplyHead {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(message, optional, tag = "2")]
    error: Option<pb::Error>,
}

/// What the daemon says on its own account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// The body of an `Event`.
    Event(Bytes),
    /// The body of an `Order`, for the telephony agent.
    Order(Bytes),
}

/// Asks and reports. Cheap to clone; all clones share one connection.
#[derive(Clone)]
pub struct Requester {
    shared: Arc<Shared>,
}

/// Reads the connection. Dropped, it ends the connection.
pub struct Reader {
    shared: Arc<Shared>,
    decoder: Decoder,
    chunk: Box<[u8; READ_CHUNK_BYTES]>,
}

struct Shared {
    stream: UnixStream,
    /// Held while a frame is written.
    writing: Mutex<()>,
    state: Mutex<State>,
    /// A request is no longer open.
    fewer_open: Condvar,
}

#[derive(Default)]
struct State {
    open: HashMap<RequestId, SyncSender<Bytes>>,
    ended: Option<Arc<Disconnected>>,
}

/// Connects under a durable name, asks for roles, and waits for the daemon's
/// greeting. `timeout` limits the greeting.
/// `started` is given the socket before anything is waited for, so that
/// another thread can end the wait by shutting it down.
pub fn connect(
    path: impl AsRef<Path>,
    client: &str,
    roles: &[pb::Role],
    timeout: Duration,
    started: impl FnOnce(&UnixStream),
) -> Result<(Requester, Reader, pb::Connected), ConnectError> {
    let greeting = connect_frame(client, roles)?;
    let path = path.as_ref();
    let unreachable = |source| ConnectError::Unreachable {
        path: path.to_owned(),
        source,
    };
    let mut stream = open(path).map_err(unreachable)?;
    started(&stream);
    // If the daemon refused and closed at once, its reason can still be read.
    let written = stream.write_all(&greeting);
    let mut decoder = Decoder::control();
    let mut chunk = Box::new([0; READ_CHUNK_BYTES]);
    let deadline = Instant::now() + timeout.min(LONGEST_WAIT);
    let connected = loop {
        if let Some(raw) = decoder
            .next_frame()
            .map_err(|error| ConnectError::Ended(Ending::Framing(error)))?
        {
            if let Some(message) = first_message(raw).map_err(ConnectError::Ended)? {
                break judge(message)?;
            }
            continue;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ConnectError::TimedOut);
        }
        match stream
            .set_read_timeout(Some(left.max(Duration::from_millis(1))))
            .and_then(|()| stream.read(&mut chunk[..]))
        {
            Ok(0) => {
                return Err(ConnectError::Ended(match written {
                    Ok(()) => Ending::Eof,
                    Err(error) => Ending::Io(error),
                }));
            }
            Ok(read) => decoder.extend(&chunk[..read]),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut
                ) => {}
            Err(error) => return Err(ConnectError::Ended(Ending::Io(error))),
        }
    };
    stream
        .set_read_timeout(None)
        .map_err(|error| ConnectError::Ended(Ending::Io(error)))?;
    let shared = Arc::new(Shared {
        stream,
        writing: Mutex::new(()),
        state: Mutex::default(),
        fewer_open: Condvar::new(),
    });
    let reader = Reader {
        shared: Arc::clone(&shared),
        decoder,
        chunk,
    };
    Ok((Requester { shared }, reader, connected))
}

/// What may come first; `None`: of a newer version. Messages that may not come
/// are not read, and so this client has no code for them: it has to be small.
fn first_message(raw: RawFrame) -> Result<Option<ServerMessage>, Ending> {
    let malformed =
        |message| move |source| Ending::Frame(ControlError::Malformed { message, source });
    match ControlType::try_from(i32::from(raw.type_byte)) {
        Ok(ControlType::Connected) => pb::Connected::decode(raw.body)
            .map(|connected| Some(ServerMessage::Connected(connected)))
            .map_err(malformed("Connected")),
        Ok(ControlType::Closed) => pb::Closed::decode(raw.body)
            .map(|closed| Some(ServerMessage::Closed(closed)))
            .map_err(malformed("Closed")),
        Ok(ControlType::Unspecified) | Err(_) => Ok(None),
        Ok(_) => Err(Ending::Unexpected("a message before its greeting")),
    }
}

/// A socket whose connecting is limited too: where init listens, the queue of
/// a daemon that does not run can be full.
fn open(path: &Path) -> io::Result<UnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_write_timeout(Some(WRITE_TIMEOUT))?;
    socket.connect(&SockAddr::unix(path)?)?;
    Ok(OwnedFd::from(socket).into())
}

impl Requester {
    /// Sends the body of a `Request` and waits for the body of its `Reply`. The
    /// request's id is the caller's choice: not 0, and not one that is open.
    /// An error reply of the daemon comes as [`ClientError::Refused`].
    ///
    /// Beyond [`MAX_OPEN_REQUESTS`] it waits for its turn. After `timeout` the
    /// result is [`ClientError::TimedOut`], or [`ClientError::NoRoom`] if its
    /// turn did not come and the daemon never saw it. Waits for ever if nobody
    /// runs the [`Reader`].
    pub fn request(&self, body: &[u8], timeout: Duration) -> Result<Bytes, ClientError> {
        let frame = frame(ControlType::Request, body)?;
        let RequestHead { id } = RequestHead::decode(body).map_err(|_| ClientError::NoRequest {
            why: "is no readable protobuf message",
        })?;
        if id == 0 {
            return Err(ClientError::NoRequest { why: "has no id" });
        }
        let deadline = Instant::now() + timeout.min(LONGEST_WAIT);
        let (sender, reply) = sync_channel(1);
        {
            let mut state = self.shared.lock();
            loop {
                if let Some(ended) = &state.ended {
                    return Err(ClientError::NotSent(Arc::clone(ended)));
                }
                if state.open.len() < MAX_OPEN_REQUESTS {
                    break;
                }
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(ClientError::NoRoom);
                }
                state = self
                    .shared
                    .fewer_open
                    .wait_timeout(state, left)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
            if state.open.contains_key(&id) {
                return Err(ClientError::NoRequest {
                    why: "has the id of an open one",
                });
            }
            state.open.insert(id, sender);
        }
        // If this fails the reader sees the end too, and says how it came.
        self.shared.write(&frame);
        match reply.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(body) => answer(body),
            Err(RecvTimeoutError::Timeout) => {
                self.shared.close_request(id);
                // It may have come just before it was given up.
                reply.try_recv().map_or(Err(ClientError::TimedOut), answer)
            }
            Err(RecvTimeoutError::Disconnected) => {
                Err(ClientError::ResultUnknown(self.shared.ending()))
            }
        }
    }

    /// Sends the body of a `Report`; there is no answer.
    pub fn report(&self, body: &[u8]) -> Result<(), ClientError> {
        self.tell(ControlType::Report, body)
    }

    /// Sends the body of an `OrderResult`; there is no answer.
    pub fn order_result(&self, body: &[u8]) -> Result<(), ClientError> {
        self.tell(ControlType::OrderResult, body)
    }

    /// Ends the connection. The reader returns, open requests have an unknown
    /// result.
    pub fn shut_down(&self) {
        self.shared.shut_down();
    }

    fn tell(&self, kind: ControlType, body: &[u8]) -> Result<(), ClientError> {
        let frame = frame(kind, body)?;
        if let Some(ended) = &self.shared.lock().ended {
            return Err(ClientError::NotSent(Arc::clone(ended)));
        }
        if self.shared.write(&frame) {
            Ok(())
        } else {
            Err(ClientError::ResultUnknown(self.shared.ending()))
        }
    }
}

impl Reader {
    /// Waits for the next event or order, and hands out replies meanwhile. An
    /// error is the end of the connection.
    pub fn read(&mut self) -> Result<Incoming, Arc<Disconnected>> {
        loop {
            match self.decoder.next_frame() {
                Ok(Some(raw)) => match self.take(raw) {
                    Ok(Some(incoming)) => return Ok(incoming),
                    Ok(None) => continue,
                    Err(ending) => return Err(self.shared.end(ending)),
                },
                Ok(None) => {}
                Err(error) => return Err(self.shared.end(Ending::Framing(error))),
            }
            match (&self.shared.stream).read(&mut self.chunk[..]) {
                Ok(0) => return Err(self.shared.end(Ending::Eof)),
                Ok(read) => self.decoder.extend(&self.chunk[..read]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.shared.end(Ending::Io(error))),
            }
        }
    }

    fn take(&self, raw: RawFrame) -> Result<Option<Incoming>, Ending> {
        let kind = ControlType::try_from(i32::from(raw.type_byte));
        match kind {
            Ok(ControlType::Reply) => {
                let head = ReplyHead::decode(raw.body.clone()).map_err(|source| {
                    Ending::Frame(ControlError::Malformed {
                        message: "Reply",
                        source,
                    })
                })?;
                // One without an open request was given up, or is forged.
                if let Some(waiting) = self.shared.close_request(head.id) {
                    let _ = waiting.try_send(raw.body);
                }
                Ok(None)
            }
            Ok(ControlType::Event) => Ok(Some(Incoming::Event(raw.body))),
            Ok(ControlType::Order) => Ok(Some(Incoming::Order(raw.body))),
            Ok(ControlType::Closed) => Err(Ending::Closed(match pb::Closed::decode(raw.body) {
                Ok(closed) => refusal(closed),
                Err(_) => refusal(pb::Closed::default()),
            })),
            Ok(ControlType::Connected) => Err(Ending::Unexpected("a second greeting")),
            Ok(
                ControlType::Connect
                | ControlType::Request
                | ControlType::Report
                | ControlType::OrderResult,
            ) => Err(Ending::Unexpected("a message of a client")),
            // Of a newer version.
            Ok(ControlType::Unspecified) | Err(_) => Ok(None),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.shared.end(Ending::Eof);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether all of it was written. If not, nothing can follow it, so the
    /// connection is ended.
    fn write(&self, frame: &[u8]) -> bool {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let written = (&self.stream).write_all(frame).is_ok();
        if !written {
            self.shut_down();
        }
        written
    }

    fn shut_down(&self) {
        // Fails only if it is shut down already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    fn close_request(&self, id: RequestId) -> Option<SyncSender<Bytes>> {
        let waiting = self.lock().open.remove(&id);
        if waiting.is_some() {
            self.fewer_open.notify_one();
        }
        waiting
    }

    /// The first end counts.
    fn end(&self, ending: Ending) -> Arc<Disconnected> {
        let mut state = self.lock();
        if let Some(ended) = &state.ended {
            return Arc::clone(ended);
        }
        // Wakes those who wait for a reply, when it is dropped.
        let requests = std::mem::take(&mut state.open);
        let mut unknown: Vec<RequestId> = requests.keys().copied().collect();
        unknown.sort_unstable();
        let ended = Arc::new(Disconnected { ending, unknown });
        state.ended = Some(Arc::clone(&ended));
        drop(state);
        drop(requests);
        self.fewer_open.notify_all();
        self.shut_down();
        ended
    }

    /// How it ended, for one who knows that it does: the reader may not have
    /// seen it yet.
    fn ending(&self) -> Arc<Disconnected> {
        self.lock().ended.clone().unwrap_or_else(|| {
            Arc::new(Disconnected {
                ending: Ending::Eof,
                unknown: Vec::new(),
            })
        })
    }
}

fn answer(body: Bytes) -> Result<Bytes, ClientError> {
    match ReplyHead::decode(body.clone()) {
        Ok(ReplyHead {
            error: Some(error), ..
        }) => Err(ClientError::Refused(error.into())),
        // Readable: the reader found its id.
        _ => Ok(body),
    }
}

fn frame(kind: ControlType, body: &[u8]) -> Result<Bytes, ClientError> {
    let bytes = 1 + body.len();
    if bytes > MAX_CONTROL_FRAME_BYTES {
        return Err(ClientError::TooLarge {
            bytes,
            limit: MAX_CONTROL_FRAME_BYTES,
        });
    }
    let mut frame = BytesMut::with_capacity(encoded_len_varint(bytes as u64) + bytes);
    encode_varint(bytes as u64, &mut frame);
    frame.put_u8(kind as u8);
    frame.put_slice(body);
    Ok(frame.freeze())
}
