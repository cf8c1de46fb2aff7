//! QUIC. One bidirectional stream, opened by the client, carries frames both
//! ways. Clients may move to another address.
//!
//! TCP's kernel tells a client at once that its gateway has restarted; QUIC has
//! stateless resets for that (RFC 9000, 10.3). Their keys come from the TLS key, so
//! that the next process, or another gateway with the same certificate, can send
//! what the last one has promised. Otherwise a handset notices only when an
//! answer is missing for too long.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{
    Connection, ConnectionId, ConnectionIdGenerator, Endpoint, EndpointConfig, Incoming,
    ServerConfig, TokioRuntime, TransportConfig, VarInt,
};
use ring::hmac;
use ring::rand::SystemRandom;
use rustls::pki_types::CertificateDer;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::Service;
use super::connection::{Ended, exchange};
use super::tls::{self, ServerTls};
use crate::limits::{LINGER, MAX_HANDSHAKES, RETRY_FROM_HANDSHAKES};

/// What a client may send before the core has read it.
const RECEIVE_WINDOW_BYTES: u32 = 256 * 1024;
/// What may be sent and not acknowledged, kept for retransmission.
const SEND_WINDOW_BYTES: u64 = 512 * 1024;
/// The core ends silent connections and says so; QUIC itself only later.
const IDLE_MARGIN: Duration = Duration::from_secs(60);
/// Every packet of a handset carries one.
const CONNECTION_ID_BYTES: usize = 8;
/// Between two stateless resets, for all clients together. Each is smaller than
/// the packet it answers.
const MIN_RESET_INTERVAL: Duration = Duration::from_millis(1);
/// The application error code of an orderly end.
const DONE: VarInt = VarInt::from_u32(0);

#[derive(Debug, Clone)]
pub(crate) struct QuicListener {
    endpoint: Endpoint,
    handshakes: Arc<Semaphore>,
}

impl QuicListener {
    /// Inside a runtime.
    pub(crate) fn bind(
        address: SocketAddr,
        tls: &ServerTls,
        idle_limit: Duration,
    ) -> io::Result<Self> {
        let crypto = QuicServerConfig::try_from(tls.config.clone()).map_err(io::Error::other)?;
        let mut config = ServerConfig::with_crypto(Arc::new(crypto));
        config.transport_config(Arc::new(transport(idle_limit)));
        let socket = UdpSocket::bind(address)?;
        let endpoint = Endpoint::new(
            endpoint_config(&tls.derive_key(b"twine gateway: QUIC stateless reset"))?,
            Some(config),
            socket,
            Arc::new(TokioRuntime),
        )?;
        Ok(Self {
            endpoint,
            handshakes: Arc::new(Semaphore::new(MAX_HANDSHAKES)),
        })
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// Accepts until cancelled; what was accepted goes on.
    pub(crate) async fn run(self, service: Service) {
        while let Some(incoming) = self.endpoint.accept().await {
            self.admit(&service, incoming);
        }
    }

    fn admit(&self, service: &Service, incoming: Incoming) {
        let free = self.handshakes.available_permits();
        if MAX_HANDSHAKES - free >= RETRY_FROM_HANDSHAKES && incoming.may_retry() {
            // Under load a client first shows that its address is its own.
            if incoming.retry().is_err() {
                log::debug!("event=retry_failed");
            }
            return;
        }
        let handshake = Arc::clone(&self.handshakes).try_acquire_owned();
        let (Ok(handshake), Some(place)) = (handshake, service.place()) else {
            incoming.refuse();
            return;
        };
        let service = service.clone();
        tokio::spawn(async move {
            serve(&service, incoming, handshake).await;
            drop(place);
        });
    }

    /// Says farewell to what is left and waits for it, a moment.
    pub(crate) async fn close(&self) {
        self.endpoint.close(DONE, b"");
        let _ = timeout(LINGER, self.endpoint.wait_idle()).await;
    }
}

fn endpoint_config(reset_secret: &[u8; 32]) -> io::Result<EndpointConfig> {
    let reset_key = hmac::Key::new(hmac::HMAC_SHA256, reset_secret);
    let mut config = EndpointConfig::new(Arc::new(reset_key));
    let ids = ConnectionIds::new()?;
    config.cid_generator(move || Box::new(ids.clone()));
    config.min_reset_interval(MIN_RESET_INTERVAL);
    Ok(config)
}

/// Connection ids that nobody can foresee. quinn's own are signed with a key of
/// this process, and a packet with one of the process before would be dropped
/// without the reset that it should get.
#[derive(Clone)]
struct ConnectionIds {
    key: hmac::Key,
    /// Shared by the clones, so that no id is given twice.
    given: Arc<AtomicU64>,
}

impl ConnectionIds {
    fn new() -> io::Result<Self> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .map_err(|_| io::Error::other("the system gave no random numbers"))?;
        Ok(Self {
            key,
            given: Arc::default(),
        })
    }
}

impl ConnectionIdGenerator for ConnectionIds {
    fn generate_cid(&mut self) -> ConnectionId {
        let given = self.given.fetch_add(1, Ordering::Relaxed);
        let tag = hmac::sign(&self.key, &given.to_le_bytes());
        ConnectionId::new(&tag.as_ref()[..CONNECTION_ID_BYTES])
    }

    fn cid_len(&self) -> usize {
        CONNECTION_ID_BYTES
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

fn transport(idle_limit: Duration) -> TransportConfig {
    let mut config = TransportConfig::default();
    config.max_concurrent_bidi_streams(VarInt::from_u32(1));
    config.max_concurrent_uni_streams(VarInt::from_u32(0));
    config.datagram_receive_buffer_size(None);
    config.stream_receive_window(VarInt::from_u32(RECEIVE_WINDOW_BYTES));
    config.receive_window(VarInt::from_u32(RECEIVE_WINDOW_BYTES));
    config.send_window(SEND_WINDOW_BYTES);
    // The handset knows when to wake its radio; the gateway never does.
    config.keep_alive_interval(None);
    config.max_idle_timeout((idle_limit + IDLE_MARGIN).try_into().ok());
    config
}

async fn serve(service: &Service, incoming: Incoming, handshake: OwnedSemaphorePermit) {
    let established = timeout(service.net.handshake_timeout, async {
        let connection = incoming.accept()?.await?;
        let streams = connection.accept_bi().await?;
        Ok::<_, quinn::ConnectionError>((connection, streams))
    });
    let (connection, (mut writer, mut reader)) = match established.await {
        Ok(Ok(established)) => established,
        Ok(Err(error)) => {
            log::debug!("transport=quic event=handshake_failed error=\"{error}\"");
            return;
        }
        Err(_) => {
            log::debug!("transport=quic event=handshake_timeout");
            return;
        }
    };
    drop(handshake);
    let Some(device) = device_of(&connection) else {
        connection.close(DONE, b"no device key");
        return;
    };
    let ended = exchange(service, device, &mut reader, &mut writer).await;
    // Closing drops what is not acknowledged; so wait for that.
    if ended == Ended::Flushed && writer.finish().is_ok() {
        let _ = timeout(LINGER, writer.stopped()).await;
    }
    connection.close(DONE, b"");
}

fn device_of(connection: &Connection) -> Option<twine_gateway_core::DeviceKey> {
    let identity = connection.peer_identity()?;
    let certificates = identity.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    tls::device_of(&certificates)
}
