//! The tasks of one client's connection: one that reads frames, one that
//! writes what is queued. And the task that accepts connections.
//!
//! They know bytes and frames; what these mean, `server.rs` knows.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, sleep, timeout_at};
use twine_proto::control::{ClientMessage, ServerMessage};
use twine_proto::control_pb::{self as pb, ErrorCode};
use twine_proto::framing::Decoder;

use super::queue::SendQueue;
use crate::limits::{ACCEPT_RETRY, CLOSE_TIMEOUT, CONTROL_READ_BYTES, GREETING_TIMEOUT};

/// Names a connection in this run of the daemon; never reused.
pub(super) type ClientId = u64;

/// What the tasks tell the loop.
#[derive(Debug)]
pub(super) enum Raw {
    /// Somebody connected.
    Accepted {
        stream: UnixStream,
        uid: u32,
        /// Its place among the connections, until it is written off.
        place: OwnedSemaphorePermit,
    },
    /// A frame that can be read.
    Message {
        client: ClientId,
        message: ClientMessage,
    },
    /// What came is no frame, or the greeting did not come in time.
    Broken { client: ClientId, why: String },
    /// The client closed.
    Gone { client: ClientId },
    /// Less waits for it than the mark that was set.
    Drained { client: ClientId },
}

/// The frame that ends a connection.
pub(super) fn closed(code: ErrorCode, message: String) -> ServerMessage {
    ServerMessage::Closed(pb::Closed {
        error: Some(pb::Error {
            code: code.into(),
            message,
        }),
    })
}

/// Writes the reason, as far as the socket takes it, and closes. For
/// connections that have nothing queued before: the frame fits their buffer.
pub(super) fn turn_away(stream: &UnixStream, code: ErrorCode, message: String) {
    // If it does not fit after all the client sees a closed connection.
    let _ = stream.try_write(&closed(code, message).encode_to_bytes());
}

/// Accepts connections for ever.
pub(super) async fn accept(listener: UnixListener, places: Arc<Semaphore>, to: mpsc::Sender<Raw>) {
    loop {
        let accepted = listener.accept().await.and_then(|(stream, _)| {
            let uid = stream.peer_cred()?.uid();
            Ok((stream, uid))
        });
        let (stream, uid) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_about_one_connection(&error) => continue,
            Err(error) => {
                log::error!("cannot accept on the control socket, trying again: {error}");
                sleep(ACCEPT_RETRY).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            let message = "too many connections to the control socket; close some".to_owned();
            turn_away(&stream, ErrorCode::Busy, message);
            continue;
        };
        if to.send(Raw::Accepted { stream, uid, place }).await.is_err() {
            return;
        }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::NotConnected
            | io::ErrorKind::Interrupted
    )
}

/// Reads frames until the client closes or breaks the protocol.
pub(super) async fn read(client: ClientId, mut socket: OwnedReadHalf, to: mpsc::Sender<Raw>) {
    let mut decoder = Decoder::control();
    let mut chunk = vec![0; CONTROL_READ_BYTES];
    let mut greeting = Some(Instant::now() + GREETING_TIMEOUT);
    let end = loop {
        match next_message(&mut decoder) {
            Ok(Some(message)) => {
                greeting = None;
                // Waits while the loop has enough to do: the client's bytes
                // stay in its socket.
                if to.send(Raw::Message { client, message }).await.is_err() {
                    return;
                }
                continue;
            }
            Ok(None) => {}
            Err(why) => break Raw::Broken { client, why },
        }
        let read = match greeting {
            None => socket.read(&mut chunk).await,
            Some(until) => match timeout_at(until, socket.read(&mut chunk)).await {
                Ok(read) => read,
                Err(_) => {
                    let why = "no greeting came in time".to_owned();
                    break Raw::Broken { client, why };
                }
            },
        };
        match read {
            Ok(0) | Err(_) => break Raw::Gone { client },
            Ok(read) => decoder.extend(&chunk[..read]),
        }
    };
    // If the loop has stopped, nobody is interested.
    let _ = to.send(end).await;
}

fn next_message(decoder: &mut Decoder) -> Result<Option<ClientMessage>, String> {
    while let Some(raw) = decoder.next_frame().map_err(|error| error.to_string())? {
        // A frame type of a newer version is ignored.
        if let Some(message) = ClientMessage::decode(raw).map_err(|error| error.to_string())? {
            return Ok(Some(message));
        }
    }
    Ok(None)
}

/// Writes what is queued until the end is set and the rest is written, or the
/// time for that is over.
pub(super) async fn write(
    client: ClientId,
    mut socket: OwnedWriteHalf,
    queue: Arc<SendQueue>,
    to: mpsc::Sender<Raw>,
    place: OwnedSemaphorePermit,
) {
    let write_all = async {
        while let Some(mut chunk) = queue.next().await {
            while !chunk.is_empty() {
                match socket.write(&chunk).await {
                    // A closed connection is the reader's to report.
                    Ok(0) | Err(_) => return,
                    Ok(written) => {
                        let _ = chunk.split_to(written);
                        if queue.written(written) {
                            let _ = to.send(Raw::Drained { client }).await;
                        }
                    }
                }
            }
        }
    };
    let give_up = async {
        queue.closed().await;
        sleep(CLOSE_TIMEOUT).await;
    };
    tokio::select! {
        () = write_all => {}
        () = give_up => {}
    }
    drop(place);
}
