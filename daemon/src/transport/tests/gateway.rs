//! A gateway for tests: real sockets on loopback, real certificates, no rules.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use quinn::crypto::rustls::QuicServerConfig;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer, UnixTime,
};
use rustls::server::StoresServerSessions;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use twine_engine::TransportKind;
use twine_proto::framing::Decoder;
use twine_proto::{Frame, codec};

use crate::transport::{DeviceKey, TransportConfig};

/// The name in the gateway's certificate.
pub(super) const NAME: &str = "gateway.test";

/// Both listeners.
pub(super) struct Gateway {
    quic: quinn::Endpoint,
    tcp: TcpListener,
    acceptor: TlsAcceptor,
    root: CertificateDer<'static>,
    sessions: Arc<Sessions>,
    /// Size of the certificate that the gateway shows.
    pub(super) certificate_bytes: usize,
}

/// What to have otherwise.
#[derive(Default)]
pub(super) struct Options {
    /// ALPN protocols; default: the right one.
    pub(super) alpn: Option<Vec<Vec<u8>>>,
    /// What a handset may have under way on QUIC; default: quinn's.
    pub(super) receive_window: Option<u32>,
    /// What the gateway does with device keys; default: takes any.
    pub(super) refuse_keys: bool,
}

impl Gateway {
    pub(super) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub(super) async fn with(options: Options) -> Self {
        let (root, chain, key) = certificates();
        let certificate_bytes = chain[0].len();
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_protocol_versions(&[&rustls::version::TLS13])
                .unwrap()
                .with_client_cert_verifier(Arc::new(RawKeys {
                    refuse: options.refuse_keys,
                }))
                .with_single_cert(chain, key)
                .unwrap();
        config.alpn_protocols = options
            .alpn
            .unwrap_or_else(|| vec![twine_proto::ALPN.to_vec()]);
        let sessions = Arc::new(Sessions {
            kept: rustls::server::ServerSessionMemoryCache::new(16),
            resumed: AtomicU64::new(0),
        });
        config.session_storage = Arc::clone(&sessions) as _;
        let config = Arc::new(config);
        let quic = QuicServerConfig::try_from(Arc::clone(&config)).unwrap();
        let mut quic = quinn::ServerConfig::with_crypto(Arc::new(quic));
        if let Some(window) = options.receive_window {
            let mut transport = quinn::TransportConfig::default();
            transport.receive_window(window.into());
            quic.transport_config(Arc::new(transport));
        }
        let loopback: SocketAddr = "127.0.0.1:0".parse().unwrap();
        Self {
            quic: quinn::Endpoint::server(quic, loopback).unwrap(),
            tcp: TcpListener::bind(loopback).await.unwrap(),
            acceptor: TlsAcceptor::from(config),
            root,
            sessions,
            certificate_bytes,
        }
    }

    /// How many sessions were resumed.
    pub(super) fn resumed(&self) -> u64 {
        self.sessions.resumed.load(Ordering::Relaxed)
    }

    /// How a handset reaches it.
    pub(super) fn config(&self) -> TransportConfig {
        TransportConfig::new(
            "127.0.0.1".into(),
            self.quic.local_addr().unwrap().port(),
            self.tcp.local_addr().unwrap().port(),
            NAME.into(),
            vec![self.root.clone()],
        )
    }

    /// The next connection of that kind, after its handshake. QUIC streams
    /// begin with their first bytes, so with QUIC the handset must send.
    pub(super) async fn accept(&self, kind: TransportKind) -> io::Result<Peer> {
        match kind {
            TransportKind::Quic => self.accept_quic().await,
            TransportKind::Tls => self.accept_tls().await,
        }
    }

    async fn accept_quic(&self) -> io::Result<Peer> {
        let connection = self.quic_handshake().await?;
        let (writer, reader) = connection.accept_bi().await?;
        let identity = connection.peer_identity().unwrap();
        let chain = identity.downcast::<Vec<CertificateDer<'static>>>().unwrap();
        Ok(Peer {
            key: raw_key(&chain),
            reader: Box::new(reader),
            writer: Box::new(writer),
            decoder: Decoder::wire(),
            quic: Some(connection),
            bytes: Arc::default(),
        })
    }

    /// A QUIC connection of which the handset has said nothing yet.
    pub(super) async fn quic_handshake(&self) -> io::Result<quinn::Connection> {
        Ok(self.quic.accept().await.unwrap().await?)
    }

    async fn accept_tls(&self) -> io::Result<Peer> {
        let (stream, _) = self.tcp.accept().await?;
        let bytes = Arc::new(Counters::default());
        let counted = Counted {
            stream,
            counters: Arc::clone(&bytes),
        };
        let stream = self.acceptor.accept(counted).await?;
        let chain = stream.get_ref().1.peer_certificates().unwrap().to_vec();
        let (reader, writer) = tokio::io::split(stream);
        Ok(Peer {
            key: raw_key(&chain),
            reader: Box::new(reader),
            writer: Box::new(writer),
            decoder: Decoder::wire(),
            quic: None,
            bytes,
        })
    }
}

/// A handset as the gateway sees it.
pub(super) struct Peer {
    pub(super) key: [u8; 32],
    pub(super) reader: Box<dyn AsyncRead + Unpin + Send>,
    pub(super) writer: Box<dyn AsyncWrite + Unpin + Send>,
    decoder: Decoder,
    pub(super) quic: Option<quinn::Connection>,
    pub(super) bytes: Arc<Counters>,
}

impl Peer {
    /// The next frame; `None` at the end.
    pub(super) async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(raw) = self.decoder.next_frame().unwrap() {
                return Some(codec::decode(raw).unwrap().unwrap());
            }
            let mut chunk = [0; 4096];
            match self.reader.read(&mut chunk).await {
                Ok(0) | Err(_) => return None,
                Ok(size) => self.decoder.extend(&chunk[..size]),
            }
        }
    }

    pub(super) async fn send(&mut self, frame: &Frame) {
        self.write(&codec::encode_to_bytes(frame)).await;
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).await.unwrap();
        self.writer.flush().await.unwrap();
    }
}

pub(super) fn device_key(directory: &Path) -> DeviceKey {
    DeviceKey::load_or_create(directory.join("device.key")).unwrap()
}

/// A root, the gateway's chain under it, and its key.
fn certificates() -> (
    CertificateDer<'static>,
    Vec<CertificateDer<'static>>,
    PrivateKeyDer<'static>,
) {
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![NAME.to_owned()])
        .unwrap()
        .signed_by(&key, &root)
        .unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    (
        root.der().clone(),
        vec![leaf.der().clone()],
        PrivateKeyDer::from(key),
    )
}

fn raw_key(chain: &[CertificateDer<'_>]) -> [u8; 32] {
    chain[0].as_ref()[12..].try_into().unwrap()
}

/// Takes any raw Ed25519 key, but only from who holds it.
#[derive(Debug)]
struct RawKeys {
    refuse: bool,
}

impl ClientCertVerifier for RawKeys {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if self.refuse {
            return Err(rustls::Error::InvalidCertificate(
                rustls::CertificateError::ApplicationVerificationFailure,
            ));
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.3 only".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let provider = rustls::crypto::ring::default_provider();
        rustls::crypto::verify_tls13_signature_with_raw_key(
            message,
            &SubjectPublicKeyInfoDer::from(cert.as_ref()),
            dss,
            &provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

/// Counts the sessions that come back.
#[derive(Debug)]
struct Sessions {
    kept: Arc<rustls::server::ServerSessionMemoryCache>,
    resumed: AtomicU64,
}

impl StoresServerSessions for Sessions {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.kept.put(key, value)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.kept.get(key)
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        let session = self.kept.take(key);
        if session.is_some() {
            self.resumed.fetch_add(1, Ordering::Relaxed);
        }
        session
    }

    fn can_cache(&self) -> bool {
        true
    }
}

/// Bytes of one TCP connection above TCP, from the handset's view.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) up: AtomicU64,
    pub(super) down: AtomicU64,
}

struct Counted {
    stream: TcpStream,
    counters: Arc<Counters>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let read = buffer.filled().len() - before;
        self.counters.up.fetch_add(read as u64, Ordering::Relaxed);
        result
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if let Poll::Ready(Ok(written)) = result {
            self.counters
                .down
                .fetch_add(written as u64, Ordering::Relaxed);
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
