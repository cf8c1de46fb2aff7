//! The blocking client: one thread, one request at a time, no runtime.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use twine_proto::control::ServerMessage;
use twine_proto::framing::Decoder;

use crate::ask::{Ask, known, report_frame, request_frame, result_frame};
use crate::error::{ClientError, ConnectError, Disconnected, Ending, RequestId};
use crate::greeting::{connect_frame, judge, next_message, refusal};
use crate::limits::{MAX_EVENT_QUEUE_BYTES, READ_CHUNK_BYTES};
use crate::order::Order;
use crate::pb;

/// A connection to the daemon.
pub struct Client {
    stream: UnixStream,
    decoder: Decoder,
    connected: pb::Connected,
    timeout: Option<Duration>,
    last_id: RequestId,
    /// Events that came while something else was awaited.
    events: VecDeque<(pb::Event, usize)>,
    /// The same, of orders.
    orders: VecDeque<(Order, usize)>,
    /// Of both.
    queued_bytes: usize,
    ended: Option<Arc<Disconnected>>,
}

/// Which of the queues.
type Queue<T> = fn(&mut Client) -> &mut VecDeque<(T, usize)>;

/// Why no message could be read.
enum ReadError {
    TimedOut,
    Ended(Ending),
}

impl Client {
    /// Connects under a durable name and asks for roles. `timeout` limits the
    /// greeting and every later request; `None` waits for ever.
    pub fn connect(
        path: impl AsRef<Path>,
        client: &str,
        roles: &[pb::Role],
        timeout: Option<Duration>,
    ) -> Result<Self, ConnectError> {
        let greeting = connect_frame(client, roles)?;
        let path = path.as_ref();
        let unreachable = |source| ConnectError::Unreachable {
            path: path.to_owned(),
            source,
        };
        let mut stream = UnixStream::connect(path).map_err(unreachable)?;
        stream.set_write_timeout(timeout).map_err(unreachable)?;
        let deadline = deadline(timeout);
        // If the daemon refused and closed at once, its reason can still be read.
        let written = stream.write_all(&greeting);
        let mut decoder = Decoder::control();
        let connected = match (read_message(&mut stream, &mut decoder, deadline), written) {
            (Ok((message, _)), _) => judge(message)?,
            (Err(ReadError::TimedOut), _) => return Err(ConnectError::TimedOut),
            (Err(_), Err(error)) => return Err(ConnectError::Ended(Ending::Io(error))),
            (Err(ReadError::Ended(ending)), Ok(())) => return Err(ConnectError::Ended(ending)),
        };
        Ok(Self {
            stream,
            decoder,
            connected,
            timeout,
            last_id: 0,
            events: VecDeque::new(),
            orders: VecDeque::new(),
            queued_bytes: 0,
            ended: None,
        })
    }

    /// The daemon's greeting: its version, its start, the roles granted.
    #[must_use]
    pub fn connected(&self) -> &pb::Connected {
        &self.connected
    }

    /// Asks, and waits for the reply. An error reply of the daemon comes as
    /// [`ClientError::Refused`]. Events that come meanwhile are kept for
    /// [`next_event`](Self::next_event).
    pub fn request(&mut self, kind: pb::request::Kind) -> Result<pb::reply::Kind, ClientError> {
        let id = self.last_id + 1;
        let frame = request_frame(id, kind)?;
        if let Some(ended) = &self.ended {
            return Err(ClientError::NotSent(Arc::clone(ended)));
        }
        self.last_id = id;
        let deadline = deadline(self.timeout);
        if let Err(error) = self.stream.write_all(&frame) {
            // Part of it may be written: no further frame can follow it.
            let ending = self.last_words().unwrap_or(Ending::Io(error));
            return Err(ClientError::ResultUnknown(self.end(ending, vec![id])));
        }
        loop {
            match read_message(&mut self.stream, &mut self.decoder, deadline) {
                Ok((ServerMessage::Reply(reply), _)) if reply.id == id => {
                    return known(reply.kind);
                }
                Ok((message, bytes)) => {
                    if let Err(ending) = self.keep(message, bytes) {
                        return Err(ClientError::ResultUnknown(self.end(ending, vec![id])));
                    }
                }
                Err(ReadError::TimedOut) => return Err(ClientError::TimedOut),
                Err(ReadError::Ended(ending)) => {
                    return Err(ClientError::ResultUnknown(self.end(ending, vec![id])));
                }
            }
        }
    }

    /// As [`request`](Self::request), with the reply of the fitting type.
    pub fn ask<A: Ask>(&mut self, request: A) -> Result<A::Reply, ClientError> {
        A::reply(self.request(request.request())?)
    }

    /// Reports as the telephony agent; there is no answer.
    pub fn report(&mut self, kind: pb::report::Kind) -> Result<(), ClientError> {
        self.tell(report_frame(kind)?)
    }

    /// Tells what became of an order that has no report of its own.
    pub fn order_result(&mut self, result: pb::OrderResult) -> Result<(), ClientError> {
        self.tell(result_frame(result)?)
    }

    fn tell(&mut self, frame: Bytes) -> Result<(), ClientError> {
        if let Some(ended) = &self.ended {
            return Err(ClientError::NotSent(Arc::clone(ended)));
        }
        self.stream.write_all(&frame).map_err(|error| {
            let ending = self.last_words().unwrap_or(Ending::Io(error));
            ClientError::ResultUnknown(self.end(ending, Vec::new()))
        })
    }

    /// The next event; `None` if none came in `wait` (`None`: for ever).
    /// Nothing comes before `Subscribe`.
    pub fn next_event(&mut self, wait: Option<Duration>) -> Result<Option<pb::Event>, ClientError> {
        self.next(wait, |client| &mut client.events)
    }

    /// The next order for the telephony agent, otherwise as
    /// [`next_event`](Self::next_event). Nothing comes before the agent reported
    /// its full state.
    pub fn next_order(&mut self, wait: Option<Duration>) -> Result<Option<Order>, ClientError> {
        self.next(wait, |client| &mut client.orders)
    }

    fn next<T>(
        &mut self,
        wait: Option<Duration>,
        queue: Queue<T>,
    ) -> Result<Option<T>, ClientError> {
        let deadline = deadline(wait);
        loop {
            if let Some((taken, bytes)) = queue(self).pop_front() {
                self.queued_bytes -= bytes;
                return Ok(Some(taken));
            }
            if let Some(ended) = &self.ended {
                return Err(ClientError::NotSent(Arc::clone(ended)));
            }
            let ending = match read_message(&mut self.stream, &mut self.decoder, deadline) {
                Ok((message, bytes)) => match self.keep(message, bytes) {
                    Ok(()) => continue,
                    Err(ending) => ending,
                },
                Err(ReadError::TimedOut) => return Ok(None),
                Err(ReadError::Ended(ending)) => ending,
            };
            return Err(ClientError::NotSent(self.end(ending, Vec::new())));
        }
    }

    /// Takes what is not the awaited reply.
    fn keep(&mut self, message: ServerMessage, bytes: usize) -> Result<(), Ending> {
        match message {
            ServerMessage::Event(_) | ServerMessage::Order(_)
                if self.queued_bytes + bytes > MAX_EVENT_QUEUE_BYTES =>
            {
                Err(Ending::EventsNotTaken)
            }
            ServerMessage::Event(event) => {
                self.queued_bytes += bytes;
                self.events.push_back((event, bytes));
                Ok(())
            }
            ServerMessage::Order(order) => {
                if let Some(order) = Order::known(order) {
                    self.queued_bytes += bytes;
                    self.orders.push_back((order, bytes));
                }
                Ok(())
            }
            ServerMessage::Closed(closed) => Err(Ending::Closed(refusal(closed))),
            ServerMessage::Connected(_) => Err(Ending::Unexpected("a second greeting")),
            // A late reply to a request that timed out.
            ServerMessage::Reply(_) => Ok(()),
        }
    }

    /// Why the daemon closed, if it said so before the socket broke.
    fn last_words(&mut self) -> Option<Ending> {
        let deadline = deadline(Some(Duration::ZERO));
        loop {
            match read_message(&mut self.stream, &mut self.decoder, deadline) {
                Ok((ServerMessage::Closed(closed), _)) => {
                    return Some(Ending::Closed(refusal(closed)));
                }
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    fn end(&mut self, ending: Ending, unknown: Vec<RequestId>) -> Arc<Disconnected> {
        let ended = Arc::new(Disconnected { ending, unknown });
        self.ended = Some(Arc::clone(&ended));
        ended
    }
}

fn deadline(timeout: Option<Duration>) -> Option<Instant> {
    timeout.and_then(|timeout| Instant::now().checked_add(timeout))
}

/// Reads until there is a message. A deadline in the past still takes what is
/// here already.
fn read_message(
    stream: &mut UnixStream,
    decoder: &mut Decoder,
    deadline: Option<Instant>,
) -> Result<(ServerMessage, usize), ReadError> {
    loop {
        if let Some(message) = next_message(decoder).map_err(ReadError::Ended)? {
            return Ok(message);
        }
        let wait = deadline.map(|at| {
            // Zero would mean "for ever" to the system.
            at.saturating_duration_since(Instant::now())
                .max(Duration::from_millis(1))
        });
        let mut chunk = [0; READ_CHUNK_BYTES];
        match stream
            .set_read_timeout(wait)
            .and_then(|()| stream.read(&mut chunk))
        {
            Ok(0) => return Err(ReadError::Ended(Ending::Eof)),
            Ok(read) => decoder.extend(&chunk[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) =>
            {
                return Err(ReadError::TimedOut);
            }
            Err(error) => return Err(ReadError::Ended(Ending::Io(error))),
        }
    }
}
