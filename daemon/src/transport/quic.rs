//! QUIC: one endpoint, one UDP socket, one connection, one stream.
//!
//! An endpoint for each connection, so that one can move to another link
//! without the others. The stream is opened by us and carries frames both
//! ways; the gateway may open none.
//!
//! # Connection ids
//!
//! Ours is empty. We have one connection on each socket, so its port says
//! enough, and the server's address does not change: quinn finds the
//! connection by it. Saves eight bytes on each packet to us and seven
//! `NEW_CONNECTION_ID` frames after the handshake. Moving works because the
//! *gateway's* ids are not empty: it recognises us by them, whatever address
//! we come from. The price is that we keep one spare id of the gateway's: of
//! two moves within one round trip the second is made under the same id, which somebody
//! who sees both links could use to tell that they are one phone.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::{
    ClientConfig, Connection, ConnectionId, ConnectionIdGenerator, Endpoint, EndpointConfig,
    IdleTimeout, RecvStream, SendStream, TokioRuntime, TransportConfig as QuicTransportConfig,
    VarInt,
};
use twine_engine::DownReason;
use twine_engine::link::Binding;

use super::binding;
use super::config::{SetupError, TransportConfig};
use super::connection::{Carrier, Established};
use super::credentials::Credentials;
use super::down;
use super::limits::{QUIC_PAYLOAD_BYTES, QUIC_RECEIVE_WINDOW, QUIC_SEND_WINDOW};
use super::udp::LeanSocket;

/// The application's close code: nothing went wrong.
const NO_ERROR: VarInt = VarInt::from_u32(0);

/// Whether what is configured can be said in QUIC.
pub(super) fn check(config: &TransportConfig) -> Result<(), SetupError> {
    idle_timeout(config.idle_timeout).map(drop)
}

/// How QUIC behaves with this round trip as a first guess.
pub(super) fn client_config(
    credentials: &Credentials,
    config: &TransportConfig,
    initial_rtt: Duration,
) -> Result<ClientConfig, SetupError> {
    let mut transport = QuicTransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(VarInt::from_u32(QUIC_RECEIVE_WINDOW))
        .receive_window(VarInt::from_u32(QUIC_RECEIVE_WINDOW))
        .send_window(QUIC_SEND_WINDOW)
        .initial_rtt(initial_rtt)
        // Probing for a larger MTU costs packets of that size again and again,
        // and small messages gain nothing.
        .initial_mtu(QUIC_PAYLOAD_BYTES)
        .mtu_discovery_config(None)
        .enable_segmentation_offload(false)
        // The engine sends `Ping` when it has learned that it must.
        .keep_alive_interval(None)
        .max_idle_timeout(idle_timeout(config.idle_timeout)?);
    let mut client = ClientConfig::new(Arc::clone(&credentials.quic) as _);
    client.transport_config(Arc::new(transport));
    Ok(client)
}

fn idle_timeout(timeout: Duration) -> Result<Option<IdleTimeout>, SetupError> {
    if timeout.is_zero() {
        return Ok(None);
    }
    IdleTimeout::try_from(timeout)
        .map(Some)
        .map_err(|_| SetupError::IdleTimeout)
}

/// A QUIC connection that is up.
pub(super) struct Quic {
    connection: Connection,
    endpoint: Endpoint,
}

/// Opens a connection to one address.
pub(super) async fn connect(
    config: ClientConfig,
    server_name: &str,
    remote: SocketAddr,
    binding: &Binding,
) -> Result<Established<Quic>, DownReason> {
    binding::check_route(binding, remote)?;
    let socket = socket(binding, remote)?;
    let endpoint = Endpoint::new_with_abstract_socket(
        endpoint_config()?,
        None,
        socket,
        Arc::new(TokioRuntime),
    )
    .map_err(|error| DownReason::Local(down::words(&error)))?;
    let connection = endpoint
        .connect_with(config, remote, server_name)
        .map_err(|error| DownReason::Local(down::shorten(&error.to_string())))?
        .await
        .map_err(|error| down::quic(&error))?;
    let (writer, reader) = connection
        .open_bi()
        .await
        .map_err(|error| down::quic(&error))?;
    Ok(Established {
        carrier: Quic {
            connection,
            endpoint,
        },
        reader,
        writer,
    })
}

fn endpoint_config() -> Result<EndpointConfig, DownReason> {
    let mut config = EndpointConfig::default();
    config
        .cid_generator(|| Box::new(NoId))
        .max_udp_payload_size(QUIC_PAYLOAD_BYTES)
        .map_err(|error| DownReason::Local(error.to_string()))?;
    Ok(config)
}

/// Gives out the empty connection id.
struct NoId;

impl ConnectionIdGenerator for NoId {
    fn generate_cid(&mut self) -> ConnectionId {
        ConnectionId::new(&[])
    }

    fn cid_len(&self) -> usize {
        0
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

fn socket(binding: &Binding, remote: SocketAddr) -> Result<Arc<LeanSocket>, DownReason> {
    let socket = binding::udp_socket(binding, remote.ip())?;
    LeanSocket::new(socket).map_err(|error| DownReason::Local(down::words(&error)))
}

impl Carrier for Quic {
    type Reader = RecvStream;
    type Writer = SendStream;

    fn rtt(&self) -> Option<Duration> {
        Some(self.connection.rtt())
    }

    fn validations(&self) -> u64 {
        self.connection.stats().frame_rx.path_challenge
    }

    /// quinn sends a packet from the new socket at once; the gateway then
    /// challenges both paths and sends nothing more than three times what it
    /// got until the new one has answered.
    fn move_to(&self, binding: &Binding) -> Result<(), DownReason> {
        let socket = socket(binding, self.connection.remote_address())?;
        self.endpoint
            .rebind_abstract(socket)
            .map_err(|error| DownReason::Local(down::words(&error)))
    }

    fn reason(&self, _error: &io::Error) -> DownReason {
        match self.connection.close_reason() {
            Some(reason) => down::quic(&reason),
            None => DownReason::Closed("the gateway gave up the stream".into()),
        }
    }

    async fn finish(&self, _reader: RecvStream, mut writer: SendStream) {
        if writer.finish().is_ok() {
            // When the gateway has acknowledged everything.
            let _ = writer.stopped().await;
        }
        self.connection.close(NO_ERROR, b"");
    }
}
