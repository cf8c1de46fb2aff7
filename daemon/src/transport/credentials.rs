//! Who the gateway must be, and who we are: one rustls configuration for each
//! transport.
//!
//! TLS 1.3 only, ring only. The gateway shows an X.509 certificate for the
//! configured name, issued under one of the configured roots; there is no
//! other way to be trusted, and no switch to turn that off. The handset shows
//! the bare Ed25519 device key (RFC 7250, 44 bytes instead of some 300 for
//! a self-signed certificate).
//!
//! Tickets for resumption are kept in memory, apart for QUIC and TLS because
//! they hold transport parameters: the first connection after a start is a
//! full handshake, later ones save the certificates, also with a gateway that was
//! restarted meanwhile: it keeps its side of them.
//!
//! # Why no early data
//!
//! Counted in round trips from the first packet until the gateway has the first message, with a
//! session on the other side whose `Hello` is acted on when the handshake is finished
//! (DELIVERY 30), as long as a message waits for `Welcome`:
//!
//! | | handshake done here | `Hello` acted on | `Welcome` here | message there |
//! |---|---|---|---|---|
//! | QUIC | 1 | 1.5 | 2 | 2.5 |
//! | QUIC, `Hello` as early data | 1 | 1.5 | 2 | 2.5 |
//! | TLS over TCP | 2 | 2.5 | 3 | 3.5 |
//! | a session that moves (QUIC) | | | | 0.5 |
//!
//! `Hello` leaves together with the client's `Finished`, and early data is acted on when that
//! is there: no sooner. It would pay if messages did not wait for `Welcome`.
//!
//! # Why no message before `Welcome`
//!
//! The first `Submit` right behind `Hello` would be at the gateway a round trip earlier: after 1.5
//! instead of 2.5 by QUIC, after 2.5 instead of 3.5 by TLS. That is 70 ms on LTE, 0.2 s on 3G, 0.8 s
//! on EDGE and 1.3 s on GPRS, once for each new connection; a session that moves has nothing
//! to gain. But `Welcome` is what tells whether the numbers are still good: where a copy of this
//! store was served meanwhile (`since`), the epoch is not to be trusted (DELIVERY 4, 6). A message
//! that left before could be taken under that epoch, with a place in its lane that the copy gave to
//! another: two messages of one name, which the receiver can show as a conflict and no more. So it
//! would take a session in which only messages that were submitted before may go ahead, and
//! those are few: what waits for a session has no number yet.

use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use rustls::client::{AlwaysResolvesClientRawPublicKeys, Resumption};
use rustls::crypto::{CryptoProvider, KeyProvider};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::config::{SetupError, TransportConfig};
use super::key::DeviceKey;
use super::limits::{TLS_RECORD_BYTES, TLS_SESSIONS};

/// What both transports need to trust and to be trusted.
pub(super) struct Credentials {
    pub(super) server_name: ServerName<'static>,
    pub(super) quic: Arc<QuicClientConfig>,
    pub(super) tls: TlsConnector,
}

impl Credentials {
    pub(super) fn new(config: &TransportConfig, key: &DeviceKey) -> Result<Self, SetupError> {
        let server_name =
            ServerName::try_from(config.server_name.clone()).map_err(|_| SetupError::ServerName)?;
        let roots = Arc::new(roots(config)?);
        let key = key.raw_public_key().map_err(SetupError::Tls)?;
        let for_quic = client_config(&roots, &key)?;
        let mut for_tls = client_config(&roots, &key)?;
        for_tls.max_fragment_size = Some(TLS_RECORD_BYTES);
        let quic = QuicClientConfig::try_from(for_quic)
            .map_err(|error| SetupError::Tls(rustls::Error::General(error.to_string())))?;
        Ok(Self {
            server_name,
            quic: Arc::new(quic),
            tls: TlsConnector::from(Arc::new(for_tls)),
        })
    }
}

fn roots(config: &TransportConfig) -> Result<RootCertStore, SetupError> {
    let mut roots = RootCertStore::empty();
    for (index, root) in config.roots.iter().enumerate() {
        roots.add(root.clone()).map_err(|source| SetupError::Root {
            number: index + 1,
            source,
        })?;
    }
    if roots.is_empty() {
        return Err(SetupError::NoRoots);
    }
    Ok(roots)
}

fn client_config(
    roots: &Arc<RootCertStore>,
    key: &Arc<CertifiedKey>,
) -> Result<ClientConfig, SetupError> {
    let provider = CryptoProvider {
        key_provider: &OnlyTheDeviceKey,
        ..rustls::crypto::ring::default_provider()
    };
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(SetupError::Tls)?
        .with_root_certificates(Arc::clone(roots))
        .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(
            Arc::clone(key),
        )));
    config.alpn_protocols = vec![twine_proto::ALPN.to_vec()];
    config.resumption = Resumption::in_memory_sessions(TLS_SESSIONS);
    Ok(config)
}

/// Reads no private keys: the device key is given as it is. So the code for keys of RSA and
/// ECDSA does not go into the phone.
#[derive(Debug)]
struct OnlyTheDeviceKey;

impl KeyProvider for OnlyTheDeviceKey {
    fn load_private_key(
        &self,
        _key: PrivateKeyDer<'static>,
    ) -> Result<Arc<dyn SigningKey>, rustls::Error> {
        Err(rustls::Error::General(
            "there is no private key but the device key".into(),
        ))
    }
}
