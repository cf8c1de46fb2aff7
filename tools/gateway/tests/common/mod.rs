//! A tiny handset for both transports, and the files a gateway needs.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "each test file uses its own part; tests may panic"
)]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{AlwaysResolvesClientRawPublicKeys, WebPkiServerVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use twine_gateway::{GatewayConfig, dev_cert};
use twine_gateway_core::{DeviceKey, Storage, Tx, provision};
use twine_proto::frame::{
    Ack, Binding, Deliver, EpochPosition, Hello, HelloSlot, SlotStatus, Submit, Welcome,
};
use twine_proto::framing::Decoder;
use twine_proto::{Content, Cursor, E164, Epoch, Frame, LaneSeq, Seq, SessionNo, Slot, codec};

/// Longer than anything takes; only a hang reaches it.
const HANG: Duration = Duration::from_secs(60);

pub fn number(last: u64) -> E164 {
    E164::new(254_700_000_000 + last).unwrap()
}

/// A data directory with certificates and a configuration file.
pub struct Place {
    pub dir: tempfile::TempDir,
    pub config_file: PathBuf,
}

impl Place {
    /// Listens where it listened before.
    pub fn fix_ports(&self, quic: SocketAddr, tls: SocketAddr) {
        let text = std::fs::read_to_string(&self.config_file).unwrap();
        let text = text
            .replace(
                "listen_quic = \"127.0.0.1:0\"",
                &format!("listen_quic = \"{quic}\""),
            )
            .replace(
                "listen_tls = \"127.0.0.1:0\"",
                &format!("listen_tls = \"{tls}\""),
            );
        std::fs::write(&self.config_file, text).unwrap();
    }

    pub fn new(limits: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        dev_cert::write(dir.path(), vec!["localhost".into()]).unwrap();
        let config_file = dir.path().join("gateway.toml");
        let text = format!(
            "data_dir = \"data\"\nlisten_quic = \"127.0.0.1:0\"\nlisten_tls = \"127.0.0.1:0\"\n\
             cert = \"server.pem\"\nkey = \"server.key\"\nlog = \"debug\"\n[limits]\n{limits}\n"
        );
        std::fs::write(&config_file, text).unwrap();
        Self { dir, config_file }
    }

    pub fn config(&self) -> GatewayConfig {
        GatewayConfig::load(&self.config_file).unwrap()
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().join("root.pem")
    }

    pub fn bind(&self, number: E164, key: DeviceKey) {
        let data_dir = self.config().data_dir;
        std::fs::create_dir_all(&data_dir).unwrap();
        let mut storage = twine_gateway::SqliteStorage::create(&data_dir).unwrap();
        let mut tx = storage.begin().unwrap();
        provision(&mut tx, number, key).unwrap();
        tx.commit().unwrap();
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Quic,
    Tls,
}

/// A device: its key and what it remembers.
pub struct Device {
    pub key: DeviceKey,
    tls: ClientConfig,
    /// Certificates that were looked at: one in each full handshake, none when a session
    /// is resumed.
    certificates: Arc<AtomicU64>,
    session_no: u64,
}

impl Device {
    pub fn new(root: &Path) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let key = DeviceKey(pair.public_key().as_ref().try_into().unwrap());
        let secret = PrivatePkcs8KeyDer::from(pkcs8.as_ref());
        let signing = rustls::crypto::ring::sign::any_eddsa_type(&secret).unwrap();
        let spki = signing.public_key().unwrap();
        let raw = CertifiedKey::new(vec![CertificateDer::from(spki.as_ref().to_vec())], signing);
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(root).unwrap())
            .unwrap();
        let certificates = Arc::<AtomicU64>::default();
        let verifier = CountingVerifier {
            inner: WebPkiServerVerifier::builder_with_provider(
                Arc::new(roots),
                Arc::clone(&provider),
            )
            .build()
            .unwrap(),
            certificates: Arc::clone(&certificates),
        };
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(Arc::new(
                raw,
            ))));
        tls.alpn_protocols = vec![twine_proto::ALPN.to_vec()];
        Self {
            key,
            tls,
            certificates,
            session_no: 0,
        }
    }

    /// The TLS configuration, for tests that break it.
    pub fn tls_mut(&mut self) -> &mut ClientConfig {
        &mut self.tls
    }

    pub async fn connect(&self, transport: Transport, address: SocketAddr) -> Link {
        self.try_connect(transport, address)
            .await
            .expect("a connection")
    }

    pub async fn try_connect(&self, transport: Transport, address: SocketAddr) -> Option<Link> {
        let before = self.certificates.load(Ordering::SeqCst);
        let mut link = self.open(transport, address).await?;
        link.resumed = self.certificates.load(Ordering::SeqCst) == before;
        Some(link)
    }

    async fn open(&self, transport: Transport, address: SocketAddr) -> Option<Link> {
        match transport {
            Transport::Quic => {
                let crypto = QuicClientConfig::try_from(self.tls.clone()).unwrap();
                let mut config = quinn::ClientConfig::new(Arc::new(crypto));
                let mut transport = quinn::TransportConfig::default();
                transport.max_idle_timeout(None);
                config.transport_config(Arc::new(transport));
                let endpoint = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
                let connecting = endpoint.connect_with(config, address, "localhost").unwrap();
                let connection = connecting.await.ok()?;
                let (writer, reader) = connection.open_bi().await.ok()?;
                let mut link = Link::new(reader, writer);
                link.quic = Some((endpoint, connection));
                Some(link)
            }
            Transport::Tls => {
                let stream = TcpStream::connect(address).await.ok()?;
                let connector = tokio_rustls::TlsConnector::from(Arc::new(self.tls.clone()));
                let name = ServerName::try_from("localhost").unwrap();
                let stream = connector.connect(name, stream).await.ok()?;
                let (reader, writer) = tokio::io::split(stream);
                Some(Link::new(reader, writer))
            }
        }
    }

    /// Connects and greets with one identity.
    pub async fn hello(
        &mut self,
        transport: Transport,
        address: SocketAddr,
        slot: HelloSlot,
    ) -> (Link, Welcome) {
        let mut link = self.connect(transport, address).await;
        self.session_no += 1;
        link.send(Frame::Hello(Hello {
            session_no: SessionNo(self.session_no),
            after: SessionNo(0),
            slots: vec![slot],
        }))
        .await;
        match link.next().await {
            Some(Frame::Welcome(welcome)) => (link, welcome),
            other => panic!("no Welcome, but {other:?}"),
        }
    }

    /// As `hello`, for the first epoch.
    pub async fn join(
        &mut self,
        transport: Transport,
        address: SocketAddr,
        own: E164,
    ) -> (Link, Epoch) {
        let (link, welcome) = self.hello(transport, address, wanted(own)).await;
        match welcome.slots[0].status {
            SlotStatus::Granted(epoch) => (link, epoch),
            status => panic!("not granted, but {status:?}"),
        }
    }
}

/// Counts the certificates that it is shown.
#[derive(Debug)]
struct CountingVerifier {
    inner: Arc<WebPkiServerVerifier>,
    certificates: Arc<AtomicU64>,
}

impl ServerCertVerifier for CountingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.certificates.fetch_add(1, Ordering::SeqCst);
        self.inner
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// A connection that speaks frames.
pub struct Link {
    reader: Box<dyn AsyncRead + Send + Unpin>,
    writer: Box<dyn AsyncWrite + Send + Unpin>,
    decoder: Decoder,
    quic: Option<(quinn::Endpoint, quinn::Connection)>,
    /// An earlier TLS session was: nobody had to prove who it is.
    pub resumed: bool,
}

impl Link {
    fn new(
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        Self {
            reader: Box::new(reader),
            writer: Box::new(writer),
            decoder: Decoder::wire(),
            quic: None,
            resumed: false,
        }
    }

    pub async fn send(&mut self, frame: Frame) {
        self.send_raw(&codec::encode_to_bytes(&frame)).await;
    }

    pub async fn send_if_open(&mut self, frame: Frame) {
        let _ = self.writer.write_all(&codec::encode_to_bytes(&frame)).await;
        let _ = self.writer.flush().await;
    }

    pub async fn send_raw(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).await.unwrap();
        self.writer.flush().await.unwrap();
    }

    /// The next frame; `None`: the gateway has closed.
    pub async fn next(&mut self) -> Option<Frame> {
        timeout(HANG, async {
            let mut chunk = [0; 4096];
            loop {
                if let Some(raw) = self.decoder.next_frame().unwrap() {
                    return Some(codec::decode(raw).unwrap().expect("a known frame"));
                }
                match self.reader.read(&mut chunk).await {
                    Ok(0) | Err(_) => return None,
                    Ok(size) => self.decoder.extend(&chunk[..size]),
                }
            }
        })
        .await
        .expect("the gateway hangs")
    }

    /// Skips to the next delivery.
    pub async fn delivery(&mut self) -> Deliver {
        loop {
            match self.next().await {
                Some(Frame::Deliver(deliver)) => return deliver,
                Some(_) => {}
                None => panic!("closed before a delivery"),
            }
        }
    }

    /// Reads until all seqs up to `upto` are accepted.
    pub async fn accepted(&mut self, upto: u64) {
        loop {
            match self.next().await {
                Some(Frame::Accepted(accepted)) if accepted.upto >= Seq(upto) => return,
                Some(_) => {}
                None => panic!("closed before Accepted"),
            }
        }
    }

    /// Moves a QUIC connection to another local address.
    pub fn rebind(&self, local: &str) {
        let (endpoint, _) = self.quic.as_ref().unwrap();
        endpoint
            .rebind(std::net::UdpSocket::bind(local).unwrap())
            .unwrap();
    }

    /// Why a QUIC connection ended; it has no idle limit of its own here.
    pub async fn closed(&self) -> quinn::ConnectionError {
        let (_, connection) = self.quic.as_ref().unwrap();
        timeout(HANG, connection.closed())
            .await
            .expect("it is not told")
    }

    /// Closes, and waits until the gateway was told.
    pub async fn close(mut self) {
        if let Some((endpoint, connection)) = self.quic.take() {
            connection.close(0_u8.into(), b"");
            endpoint.wait_idle().await;
        }
    }

    /// Stops reading without closing.
    pub fn stop_reading(self) -> Box<dyn AsyncWrite + Send + Unpin> {
        std::mem::forget(self.reader);
        std::mem::forget(self.quic);
        self.writer
    }
}

pub fn wanted(own: E164) -> HelloSlot {
    HelloSlot {
        number: own,
        binding: Binding::Wanted { last: Epoch(0) },
        cursor: Cursor(0),
        cursor_check: 0,
        old: Vec::new(),
    }
}

pub fn held(own: E164, epoch: Epoch, next_seq: u64, lowest_unsettled: u64) -> HelloSlot {
    HelloSlot {
        binding: Binding::Held(EpochPosition {
            epoch,
            next_seq: Seq(next_seq),
            lowest_unsettled: Seq(lowest_unsettled),
        }),
        ..wanted(own)
    }
}

pub fn submit(seq: u64, to: E164, text: &str) -> Frame {
    Frame::Submit(Submit {
        slot: Slot(0),
        seq: Seq(seq),
        to,
        lane_seq: LaneSeq(seq),
        content: Content::text(text.to_owned()).unwrap().encode(),
    })
}

pub fn ack(cursor: Cursor) -> Frame {
    Frame::Ack(Ack {
        slot: Slot(0),
        cursor,
        lowest_unsettled: None,
    })
}

pub fn text_of(deliver: &Deliver) -> String {
    let content = Content::decode(&deliver.content).unwrap();
    content.text.unwrap().into_exposed()
}
