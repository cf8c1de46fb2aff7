//! The trap of DELIVERY 23 in a real process: a phone wakes, its deadline has
//! passed, and the answer it waited for lies in its socket.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    DigitallySignedStruct, DistinguishedName, ServerConfig, ServerConnection, SignatureScheme,
    StreamOwned,
};
use twine_control::pb;
use twine_proto::frame::{SentState, SlotStatus, Welcome, WelcomeSlot};
use twine_proto::framing::Decoder;
use twine_proto::{Epoch, Frame, codec};

use self::common::{Phone, register};

/// The engine waits for an answer at least this long: four of its shortest
/// retransmission time-outs.
const LONGER_THAN_PATIENCE: Duration = Duration::from_millis(2500);

/// Played by a thread: greets, and answers a `Ping` when it is told to.
struct Gateway {
    pinged: Receiver<()>,
    may_answer: Sender<()>,
    answered: Receiver<()>,
}

impl Gateway {
    /// Also returns its port and root.
    fn start() -> (Self, u16, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root = rcgen::CertifiedIssuer::self_signed(params, key).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let leaf = rcgen::CertificateParams::new(vec!["gateway.test".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &root).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_client_cert_verifier(Arc::new(AnyDevice))
            .with_single_cert(vec![leaf.der().clone()], key)
            .unwrap();
        config.alpn_protocols = vec![twine_proto::ALPN.to_vec()];

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (to_test, pinged) = channel();
        let (may_answer, told) = channel();
        let (has_answered, answered) = channel();
        thread::spawn(move || {
            let config = Arc::new(config);
            while let Ok((stream, _)) = listener.accept() {
                serve(stream, &config, &to_test, &told, &has_answered);
            }
        });
        let gateway = Self {
            pinged,
            may_answer,
            answered,
        };
        (gateway, port, root.pem())
    }
}

fn serve(
    stream: TcpStream,
    config: &Arc<ServerConfig>,
    pinged: &Sender<()>,
    may_answer: &Receiver<()>,
    answered: &Sender<()>,
) {
    let connection = ServerConnection::new(Arc::clone(config)).unwrap();
    let mut stream = StreamOwned::new(connection, stream);
    let mut decoder = Decoder::wire();
    let mut chunk = [0; 4096];
    loop {
        while let Some(raw) = decoder.next_frame().unwrap() {
            let answer = match codec::decode(raw).unwrap() {
                Some(Frame::Hello(hello)) => Frame::Welcome(welcome(hello.slots.len())),
                Some(Frame::Ping(nonce)) => {
                    if pinged.send(()).is_err() || may_answer.recv().is_err() {
                        return;
                    }
                    Frame::Pong(nonce)
                }
                _ => continue,
            };
            stream.write_all(&codec::encode_to_bytes(&answer)).unwrap();
            stream.flush().unwrap();
            if matches!(answer, Frame::Pong(_)) {
                answered.send(()).unwrap();
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(read) => decoder.extend(&chunk[..read]),
        }
    }
}

fn welcome(slots: usize) -> Welcome {
    let slot = WelcomeSlot {
        status: SlotStatus::Granted(Epoch(690)),
        state: SentState::default(),
        old: Vec::new(),
    };
    Welcome {
        time_s: 1_800_000_000,
        slots: vec![slot; slots],
        idle_limit_s: 0,
        since: Vec::new(),
    }
}

/// Takes any device key; the test is not about trust.
#[derive(Debug)]
struct AnyDevice;

impl ClientCertVerifier for AnyDevice {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.3 only".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

#[test]
fn an_answer_that_waits_in_the_socket_beats_the_deadline_that_passed_in_sleep() {
    let (gateway, port, root) = Gateway::start();
    let phone = Phone::new(&format!(
        "port_tls = {port}\nserver_name = \"gateway.test\"\n\
         [engine]\ntransports = [\"tls\"]\nheartbeat_ms = 1000\nanswer_timeout_ms = 100\n"
    ));
    std::fs::write(phone.path("root.pem"), root).unwrap();
    let mut daemon = phone.start();
    let mut client = phone.connect("all", &[pb::Role::App, pb::Role::Telephony]);
    client.ask(register()).unwrap();
    let wifi = pb::Link {
        id: "wifi".to_owned(),
        kind: pb::LinkKind::Wifi.into(),
        up: true,
        validated: true,
        ..Default::default()
    };
    let state = pb::TelephonyState {
        sims: Vec::new(),
        links: vec![wifi],
        ..Default::default()
    };
    client.report(pb::report::Kind::State(state)).unwrap();
    daemon.wait_for_log("Live");
    let before = client.ask(pb::GetStatus {}).unwrap().session.unwrap();

    gateway.pinged.recv().unwrap();
    daemon.signal(Signal::SIGSTOP);
    gateway.may_answer.send(()).unwrap();
    gateway.answered.recv().unwrap();
    // Not to wait for something, but to let the deadline pass.
    thread::sleep(LONGER_THAN_PATIENCE);
    daemon.signal(Signal::SIGCONT);

    // Alive at the next heartbeat, on the same session.
    let heartbeat = gateway.pinged.recv_timeout(Duration::from_secs(20));
    let session = client.ask(pb::GetStatus {}).unwrap().session.unwrap();
    assert!(heartbeat.is_ok(), "{session:?}");
    assert_eq!(
        (session.state.as_str(), session.session_no),
        ("live", before.session_no),
        "{}",
        session.reason
    );
}
