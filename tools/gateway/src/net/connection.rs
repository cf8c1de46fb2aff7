//! One connection, whatever carries it: frames from the socket to the core, and
//! from the queue to the socket.
//!
//! Everything a client sends ends as a frame for the core, as nothing (a frame of
//! a newer version), or as the end of its connection.

use std::future::pending;
use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use twine_gateway_core::{ConnId, DeviceKey};
use twine_proto::frame::{Goodbye, GoodbyeReason};
use twine_proto::framing::Decoder;
use twine_proto::limits::MAX_GOODBYE_TEXT_BYTES;
use twine_proto::{Frame, SessionNo, codec};

use super::Service;
use super::outlet::{Inlet, Outlet, Waiting, queue};
use crate::limits::{READ_CHUNK_BYTES, WRITE_BATCH_BYTES};

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Everything is sent: close it in order.
    Flushed,
    /// The client has gone, or nothing can be sent any more.
    Broken,
}

/// Serves a connection to its end.
pub(super) async fn exchange<R, W>(
    service: &Service,
    device: DeviceKey,
    reader: &mut R,
    writer: &mut W,
) -> Ended
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let conn = service.name();
    let (outlet, mut inlet) = queue();
    log::debug!("conn={} event=connected device={device:?}", conn.0);
    if service
        .hub
        .connected(conn, device, outlet.clone())
        .await
        .is_err()
    {
        return Ended::Broken;
    }
    let killed = inlet.killed();
    let ended = {
        let mut write = pin!(write_frames(&mut inlet, writer, service.net.stall_timeout));
        let read = async {
            match read_frames(service, conn, reader).await {
                Err(Unreadable(detail)) => {
                    log::debug!("conn={} event=unreadable detail=\"{detail}\"", conn.0);
                    say_goodbye(&outlet, detail);
                    // The writer ends the connection.
                    pending().await
                }
                Ok(why) => why,
            }
        };
        tokio::select! {
            biased;
            () = killed => Ended::Broken,
            ended = &mut write => ended,
            why = read => {
                log::debug!("conn={} event=gone why=\"{why}\"", conn.0);
                Ended::Broken
            }
        }
    };
    // If the core is gone, so is everything.
    let _ = service.hub.gone(conn).await;
    ended
}

/// What came cannot be read. In words for the client's log, without user data.
struct Unreadable(String);

/// Reads until the client ends it; says why.
async fn read_frames<R: AsyncRead + Unpin>(
    service: &Service,
    conn: ConnId,
    reader: &mut R,
) -> Result<&'static str, Unreadable> {
    let mut decoder = Decoder::wire();
    let mut chunk = vec![0; READ_CHUNK_BYTES];
    loop {
        match reader.read(&mut chunk).await {
            Ok(0) => return Ok("the client ended it"),
            Ok(size) => decoder.extend(&chunk[..size]),
            Err(_) => return Ok("the connection broke"),
        }
        while let Some(raw) = decoder
            .next_frame()
            .map_err(|e| Unreadable(e.to_string()))?
        {
            let frame = codec::decode(raw).map_err(|e| Unreadable(e.to_string()))?;
            // None: of a newer version.
            if let Some(frame) = frame
                && service.hub.frame(conn, frame).await.is_err()
            {
                return Ok("the core has stopped");
            }
        }
    }
}

fn say_goodbye(outlet: &Outlet, mut detail: String) {
    let mut end = detail.len().min(MAX_GOODBYE_TEXT_BYTES);
    while !detail.is_char_boundary(end) {
        end -= 1;
    }
    detail.truncate(end);
    let goodbye = Goodbye {
        reason: GoodbyeReason::ProtocolError,
        retry_after_s: 0,
        redirect: String::new(),
        session_no: SessionNo(0),
        detail,
    };
    // A full queue kills the connection, which is as well.
    let _ = outlet.push(Frame::Goodbye(goodbye));
    let _ = outlet.close();
}

/// Writes until the core closes; what waits goes out in one write.
async fn write_frames<W: AsyncWrite + Unpin>(
    inlet: &mut Inlet,
    writer: &mut W,
    stall: Duration,
) -> Ended {
    let mut batch = BytesMut::new();
    let mut closing = false;
    while !closing {
        let Some(frame) = inlet.next().await else {
            break;
        };
        codec::encode(&frame, &mut batch);
        while batch.len() < WRITE_BATCH_BYTES {
            match inlet.try_next() {
                Waiting::Frame(frame) => codec::encode(&frame, &mut batch),
                Waiting::Nothing => break,
                Waiting::Close => {
                    closing = true;
                    break;
                }
            }
        }
        if write_all(writer, &mut batch, stall).await.is_err() {
            return Ended::Broken;
        }
        if batch.capacity() > 2 * WRITE_BATCH_BYTES {
            // One large frame does not fatten an idle connection for hours.
            batch = BytesMut::new();
        }
    }
    Ended::Flushed
}

/// Each step has to make progress within `stall`.
async fn write_all<W: AsyncWrite + Unpin>(
    writer: &mut W,
    batch: &mut BytesMut,
    stall: Duration,
) -> io::Result<()> {
    let stalled = |_| io::Error::from(io::ErrorKind::TimedOut);
    while !batch.is_empty() {
        let written = timeout(stall, writer.write_buf(batch))
            .await
            .map_err(stalled)??;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
    }
    timeout(stall, writer.flush()).await.map_err(stalled)?
}
