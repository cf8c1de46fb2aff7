//! The life of one connection, whatever carries it.
//!
//! A task for each: it opens the [`Carrier`], then reads, writes and moves at
//! the same time until one of them ends it or the main loop closes it. Owns the
//! order of events: `Up` first, `Down` once and last. Never decides anything
//! about frames but whether they are frames at all and may come from a
//! gateway.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout, timeout_at};
use twine_engine::link::Binding;
use twine_engine::{ChannelEvent, DownReason};
use twine_proto::codec;
use twine_proto::framing::{Decoder, RawFrame};
use twine_proto::{Direction, Frame};

use super::down::shorten;
use super::events::Events;
use super::limits::{CLOSE_TIMEOUT, DRAIN_TIMEOUT, READ_CHUNK_BYTES, RTT_CHANGE_PERCENT};
use super::outbox::Outbox;

/// What QUIC and TLS do differently once the connection is up.
pub(super) trait Carrier: Send + Sync {
    /// Bytes from the gateway.
    type Reader: AsyncRead + Unpin + Send;
    /// Bytes to the gateway.
    type Writer: AsyncWrite + Unpin + Send;

    /// The present estimate of the round trip, if there is one.
    fn rtt(&self) -> Option<Duration>;

    /// How often the gateway has validated our path: after a move, or because a NAT
    /// gave us another address.
    fn validations(&self) -> u64;

    /// Uses a socket on that link from now on.
    fn move_to(&self, binding: &Binding) -> Result<(), DownReason>;

    /// Why reading or writing failed.
    fn reason(&self, error: &io::Error) -> DownReason;

    /// Ends the connection in order, after everything was written. Returns
    /// when the gateway has it, or never will.
    fn finish(&self, reader: Self::Reader, writer: Self::Writer)
    -> impl Future<Output = ()> + Send;
}

/// A connection whose handshake is done.
pub(super) struct Established<C: Carrier> {
    pub(super) carrier: C,
    pub(super) reader: C::Reader,
    pub(super) writer: C::Writer,
}

/// The main loop's side of a connection, as its task sees it.
pub(super) struct Ends {
    pub(super) events: Events,
    pub(super) outbox: Arc<Outbox>,
    pub(super) moves: Receiver<Binding>,
}

/// The whole life of a connection.
pub(super) async fn run<C: Carrier>(
    open: impl Future<Output = Result<Established<C>, DownReason>>,
    mut ends: Ends,
) {
    let opened = tokio::select! {
        biased;
        // What was sent before `Up` is not worth waiting for.
        () = ends.outbox.closing() => return,
        opened = open => opened,
    };
    let reason = match opened {
        Ok(established) => serve(established, &mut ends).await,
        Err(reason) => Some(reason),
    };
    if let Some(reason) = reason {
        ends.events.other(ChannelEvent::Down(reason)).await;
    }
}

/// From up to the end. `None`: closed by the main loop, which wants no event.
async fn serve<C: Carrier>(established: Established<C>, ends: &mut Ends) -> Option<DownReason> {
    let Established {
        carrier,
        mut reader,
        mut writer,
    } = established;
    let deadline;
    {
        let mut write = pin!(write(&carrier, &mut writer, &ends.outbox));
        let mut read = pin!(read(&carrier, &mut reader, &ends.events));
        // Reading stops while the main loop is slow; writing, moving and
        // closing do not.
        let written = tokio::select! {
            biased;
            () = ends.outbox.closing() => None,
            written = &mut write => Some(written),
            reason = carry_out_moves(&carrier, &mut ends.moves, &ends.events) => return Some(reason),
            reason = &mut read => return Some(reason),
        };
        deadline = Instant::now() + CLOSE_TIMEOUT;
        let written = match written {
            Some(Err(reason)) => {
                // What the gateway said before it hung up, for example
                // `Goodbye`, may still be here.
                let _ = timeout(DRAIN_TIMEOUT, &mut read).await;
                return Some(reason);
            }
            Some(Ok(())) => Ok(Ok(())),
            None => timeout_at(deadline, write).await,
        };
        let Ok(Ok(())) = written else {
            return None;
        };
    }
    // Too late: dropping cuts the connection.
    let _ = timeout_at(deadline, carrier.finish(reader, writer)).await;
    None
}

/// Writes what the outbox holds, all of it at once, until it is closed.
async fn write<C: Carrier>(
    carrier: &C,
    writer: &mut C::Writer,
    outbox: &Outbox,
) -> Result<(), DownReason> {
    while let Some(bytes) = outbox.next().await {
        let written = async {
            writer.write_all(&bytes).await?;
            writer.flush().await
        };
        written.await.map_err(|error| carrier.reason(&error))?;
    }
    Ok(())
}

async fn carry_out_moves<C: Carrier>(
    carrier: &C,
    moves: &mut Receiver<Binding>,
    events: &Events,
) -> DownReason {
    while let Some(binding) = moves.recv().await {
        if let Err(reason) = carrier.move_to(&binding) {
            return reason;
        }
        events.other(ChannelEvent::Moved).await;
    }
    // The main loop let go of the connection; `closing` ends it.
    std::future::pending().await
}

/// Tells that the connection is up, then reads until it ends.
async fn read<C: Carrier>(carrier: &C, reader: &mut C::Reader, events: &Events) -> DownReason {
    let mut reported = carrier.rtt();
    events.other(ChannelEvent::Up { rtt: reported }).await;
    let mut validated = carrier.validations();
    let mut decoder = Decoder::wire();
    let mut chunk = vec![0; READ_CHUNK_BYTES];
    loop {
        match reader.read(&mut chunk).await {
            Ok(0) => return DownReason::Closed("by the gateway".into()),
            Ok(size) => decoder.extend(&chunk[..size]),
            Err(error) => return carrier.reason(&error),
        }
        let validations = carrier.validations();
        if validations > validated {
            validated = validations;
            events.other(ChannelEvent::PathValidated).await;
        }
        if let Err(reason) = take_frames(&mut decoder, events).await {
            return reason;
        }
        // Only here, where the processor is awake anyway.
        let rtt = carrier.rtt();
        if let Some(rtt) = rtt.filter(|rtt| is_news(reported, *rtt)) {
            reported = Some(rtt);
            events.other(ChannelEvent::Rtt(rtt)).await;
        }
    }
}

async fn take_frames(decoder: &mut Decoder, events: &Events) -> Result<(), DownReason> {
    let protocol = |text: &str| DownReason::Protocol(shorten(text));
    loop {
        let raw = match decoder.next_frame() {
            Ok(Some(raw)) => raw,
            Ok(None) => return Ok(()),
            Err(error) => return Err(protocol(&error.to_string())),
        };
        let size = wire_size(&raw);
        match codec::decode(raw) {
            Ok(Some(frame)) if frame.allowed(Direction::ToHandset) => {
                events.frame(frame, size).await;
            }
            Ok(Some(frame)) => return Err(misdirected(&frame)),
            // Of a newer version.
            Ok(None) => {}
            Err(error) => return Err(protocol(&error.to_string())),
        }
    }
}

fn misdirected(frame: &Frame) -> DownReason {
    DownReason::Protocol(format!("{} may not come from a gateway", frame.name()))
}

/// Its type byte and body; the length prefix does not stay.
fn wire_size(raw: &RawFrame) -> usize {
    1 + raw.body.len()
}

/// Whether it moved enough to be told.
fn is_news(reported: Option<Duration>, rtt: Duration) -> bool {
    let Some(reported) = reported else {
        return true;
    };
    rtt.abs_diff(reported) * 100 > reported * RTT_CHANGE_PERCENT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::events;
    use crate::transport::limits::{EVENT_QUEUE, EVENT_QUEUE_BYTES};
    use tokio::io::{DuplexStream, ReadHalf, WriteHalf};
    use twine_engine::ConnId;
    use twine_proto::frame::Deliver;
    use twine_proto::{Cursor, E164, Epoch, LaneSeq, OpaqueContent, Slot};

    /// A pipe.
    struct Pipe;

    impl Carrier for Pipe {
        type Reader = ReadHalf<DuplexStream>;
        type Writer = WriteHalf<DuplexStream>;

        fn rtt(&self) -> Option<Duration> {
            None
        }

        fn validations(&self) -> u64 {
            0
        }

        fn move_to(&self, _binding: &Binding) -> Result<(), DownReason> {
            Ok(())
        }

        fn reason(&self, _error: &io::Error) -> DownReason {
            DownReason::Closed("pipe".into())
        }

        async fn finish(&self, _reader: Self::Reader, _writer: Self::Writer) {}
    }

    /// Offers many of this frame to a reader whose events nobody takes, and
    /// returns how many events it took in before it stopped.
    async fn taken_in(frame: &Frame, offered: usize) -> usize {
        let bytes = codec::encode_to_bytes(frame);
        let (ours, mut theirs) = tokio::io::duplex(bytes.len() * offered);
        for _ in 0..offered {
            theirs.write_all(&bytes).await.unwrap();
        }
        let (mut reader, _writer) = tokio::io::split(ours);
        let (source, queue) = events::queue();
        let events = source.of(ConnId(1), 1);
        let mut read = pin!(read(&Pipe, &mut reader, &events));
        // Far more turns than it could use.
        for _ in 0..10 * offered {
            tokio::select! {
                biased;
                reason = &mut read => panic!("{reason:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
        queue.len()
    }

    #[tokio::test]
    async fn reading_stops_at_the_number_of_events() {
        let taken = taken_in(&Frame::Pong(1), 4 * EVENT_QUEUE).await;
        assert_eq!(taken, EVENT_QUEUE);
    }

    #[tokio::test]
    async fn reading_stops_at_the_bytes_of_events() {
        let content = 30 * 1024;
        let frame = Frame::Deliver(Deliver {
            slot: Slot(0),
            cursor: Cursor(1),
            from: E164::new(254_700_000_001).unwrap(),
            epoch: Epoch(1),
            lane_seq: LaneSeq(1),
            age_s: 0,
            content: OpaqueContent::new(vec![7; content].into()).unwrap(),
            maybe_by_sms: false,
        });
        let taken = taken_in(&frame, EVENT_QUEUE).await;
        // And `Up`.
        assert_eq!(taken, EVENT_QUEUE_BYTES / content + 1);
    }

    #[test]
    fn a_round_trip_is_news_when_it_moved_by_a_quarter() {
        let ms = Duration::from_millis;
        assert!(is_news(None, ms(1)));
        assert!(!is_news(Some(ms(100)), ms(125)));
        assert!(is_news(Some(ms(100)), ms(126)));
        assert!(!is_news(Some(ms(100)), ms(75)));
        assert!(is_news(Some(ms(100)), ms(74)));
    }
}
