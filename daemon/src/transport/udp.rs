//! The UDP socket under QUIC, as lean as a phone needs it.
//!
//! quinn's own would let the kernel join received datagrams (GRO) and set
//! aside 3 MB for it, and would use ECN, whose counters make every
//! acknowledgement three bytes longer. A handset receives a datagram now and
//! then: one at a time, 38 KiB of buffer for each connection.
//!
//! Errors that a socket reports while its link comes and goes do not end a
//! connection: packets are lost, and QUIC sends again, perhaps from the next
//! link. Whether a link is dead is for the engine to say.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

/// Errors in a row after which a socket is taken for broken. The kernel reports
/// each passing one once.
const MAX_ERRORS_IN_A_ROW: usize = 8;

/// A UDP socket of one connection.
#[derive(Debug)]
pub(super) struct LeanSocket(UdpSocket);

impl LeanSocket {
    /// Takes a socket that does not block.
    pub(super) fn new(socket: std::net::UdpSocket) -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self(UdpSocket::from_std(socket)?)))
    }
}

impl AsyncUdpSocket for LeanSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Writable(self))
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        match self.0.try_send_to(transmit.contents, transmit.destination) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(error),
            // Sent, or lost.
            _ => Ok(()),
        }
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let (Some(buffer), Some(meta)) = (buffers.first_mut(), metas.first_mut()) else {
            return Poll::Ready(Ok(0));
        };
        let mut errors = 0;
        loop {
            let mut read = ReadBuf::new(buffer);
            match ready!(self.0.poll_recv_from(cx, &mut read)) {
                Ok(addr) => {
                    let len = read.filled().len();
                    *meta = RecvMeta {
                        addr,
                        len,
                        stride: len,
                        ecn: None,
                        dst_ip: None,
                    };
                    return Poll::Ready(Ok(1));
                }
                Err(error) => {
                    errors += 1;
                    if errors == MAX_ERRORS_IN_A_ROW {
                        return Poll::Ready(Err(error));
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Waits until the socket can send. One connection, so one waiter.
#[derive(Debug)]
struct Writable(Arc<LeanSocket>);

impl UdpPoller for Writable {
    fn poll_writable(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.0.poll_send_ready(cx)
    }
}
