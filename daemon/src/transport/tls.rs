//! TLS 1.3 over TCP.
//!
//! Cheaper than QUIC to set up in bytes, one round trip longer, lives through
//! networks that eat UDP, and its NAT entries live for hours where those of
//! UDP live for half a minute. It cannot move to another link.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::client::TlsStream;
use twine_engine::DownReason;
use twine_engine::link::Binding;

use super::binding;
use super::connection::{Carrier, Established};
use super::credentials::Credentials;
use super::limits::{READ_CHUNK_BYTES, TLS_BUFFER_BYTES};
use super::{down, tcp_info};

/// A TLS connection that is up.
pub(super) struct Tls {
    /// The socket again, to ask it for its round trip: the stream itself is
    /// split between the reader and the writer.
    socket: std::net::TcpStream,
}

/// Opens a connection to one address.
pub(super) async fn connect(
    credentials: &Credentials,
    remote: SocketAddr,
    binding: &Binding,
    unacked_timeout: Duration,
) -> Result<Established<Tls>, DownReason> {
    let local = |error: io::Error| DownReason::Local(down::words(&error));
    let socket = binding::tcp_socket(binding, remote.ip(), unacked_timeout)?;
    let stream = TcpSocket::from_std_stream(socket.into())
        .connect(remote)
        .await
        .map_err(|error| down::unreachable("cannot connect", &error))?;
    let socket = SockRef::from(&stream).try_clone().map_err(local)?;
    let stream = credentials
        .tls
        .connect_with(credentials.server_name.clone(), stream, |session| {
            session.set_buffer_limit(Some(TLS_BUFFER_BYTES));
        })
        .await
        .map_err(|error| match down::tls(&error) {
            DownReason::Closed(text) => DownReason::Closed(format!("in the handshake: {text}")),
            reason => reason,
        })?;
    // QUIC insists on a common protocol; TLS leaves it to us.
    if stream.get_ref().1.alpn_protocol() != Some(twine_proto::ALPN) {
        return Err(DownReason::Handshake(
            "the gateway does not speak this protocol".into(),
        ));
    }
    let (reader, writer) = tokio::io::split(stream);
    Ok(Established {
        carrier: Tls {
            socket: socket.into(),
        },
        reader,
        writer,
    })
}

impl Carrier for Tls {
    type Reader = ReadHalf<TlsStream<TcpStream>>;
    type Writer = WriteHalf<TlsStream<TcpStream>>;

    fn rtt(&self) -> Option<Duration> {
        tcp_info::smoothed_rtt(&self.socket)
    }

    fn validations(&self) -> u64 {
        0
    }

    fn move_to(&self, _binding: &Binding) -> Result<(), DownReason> {
        Err(DownReason::Local("TCP cannot move to another link".into()))
    }

    fn reason(&self, error: &io::Error) -> DownReason {
        down::tls(error)
    }

    async fn finish(&self, mut reader: Self::Reader, mut writer: Self::Writer) {
        if writer.shutdown().await.is_err() {
            return;
        }
        // Closing a socket with bytes unread would reset it, and the reset may
        // overtake what we sent. So read to the gateway's own end.
        let mut unread = vec![0; READ_CHUNK_BYTES];
        while matches!(reader.read(&mut unread).await, Ok(size) if size > 0) {}
    }
}
