//! TLS 1.3 over TCP.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use socket2::{Domain, SockRef, Socket, Type};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::Service;
use super::connection::{Ended, exchange};
use super::tls::{self, ServerTls};
use crate::limits::{ACCEPT_PAUSE, LINGER, MAX_HANDSHAKES, READ_CHUNK_BYTES};

/// Connections that wait in the kernel.
const BACKLOG: i32 = 1024;

pub(crate) struct TcpListener {
    listener: tokio::net::TcpListener,
    acceptor: TlsAcceptor,
    handshakes: Arc<Semaphore>,
}

impl TcpListener {
    /// Inside a runtime.
    pub(crate) fn bind(address: SocketAddr, tls: &ServerTls) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        // A restarted gateway gets its port back at once.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(Self {
            listener: tokio::net::TcpListener::from_std(socket.into())?,
            acceptor: TlsAcceptor::from(Arc::new(tls.config.clone())),
            handshakes: Arc::new(Semaphore::new(MAX_HANDSHAKES)),
        })
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Accepts until cancelled; what was accepted goes on.
    pub(crate) async fn run(self, service: Service) {
        loop {
            let Ok(handshake) = Arc::clone(&self.handshakes).acquire_owned().await else {
                return;
            };
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    log::warn!("transport=tls event=accept_failed error=\"{error}\"");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Some(place) = service.place() else {
                continue;
            };
            let (service, acceptor) = (service.clone(), self.acceptor.clone());
            tokio::spawn(async move {
                serve(&service, &acceptor, stream, handshake).await;
                drop(place);
            });
        }
    }
}

async fn serve(
    service: &Service,
    acceptor: &TlsAcceptor,
    stream: TcpStream,
    handshake: OwnedSemaphorePermit,
) {
    // A dead path shows itself here, not after the kernel's fifteen minutes.
    let socket = SockRef::from(&stream);
    let set = stream
        .set_nodelay(true)
        .and_then(|()| socket.set_tcp_user_timeout(Some(service.net.stall_timeout)));
    if set.is_err() {
        return;
    }
    let stream = match timeout(service.net.handshake_timeout, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            log::debug!("transport=tls event=handshake_failed error=\"{error}\"");
            return;
        }
        Err(_) => {
            log::debug!("transport=tls event=handshake_timeout");
            return;
        }
    };
    drop(handshake);
    let session = stream.get_ref().1;
    // QUIC insists on a common protocol; TLS leaves it to us.
    if session.alpn_protocol() != Some(twine_proto::ALPN) {
        log::debug!("transport=tls event=no_common_protocol");
        return;
    }
    let Some(device) = session.peer_certificates().and_then(tls::device_of) else {
        return;
    };
    let (mut reader, mut writer) = tokio::io::split(stream);
    let ended = exchange(service, device, &mut reader, &mut writer).await;
    if ended == Ended::Flushed {
        let _ = timeout(LINGER, async {
            writer.shutdown().await?;
            drain(&mut reader).await
        })
        .await;
    }
}

/// Closing a socket with bytes unread would reset it, and the reset may overtake
/// what was sent. So read to the client's own end.
async fn drain<R: AsyncRead + Unpin>(reader: &mut R) -> io::Result<()> {
    let mut unread = vec![0; READ_CHUNK_BYTES];
    while reader.read(&mut unread).await? > 0 {}
    Ok(())
}
