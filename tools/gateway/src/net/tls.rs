//! TLS of both transports: 1.3 only, ring, the server's certificate from files,
//! devices by raw public key, ALPN.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ring::hmac;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use rustls::server::StoresServerSessions;
use rustls::{ServerConfig, version};
use thiserror::Error;
use twine_gateway_core::DeviceKey;

use super::device_auth::{RawKeyVerifier, device_key_of};

/// Why TLS cannot be set up.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The certificate file.
    #[error("cannot read the certificate chain (PEM) from {path}")]
    Cert {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: pem::Error,
    },
    /// No certificate in it.
    #[error("there is no certificate in {path}; it must be a PEM file, the server's own first")]
    NoCert {
        /// Where.
        path: PathBuf,
    },
    /// The key file.
    #[error("cannot read the private key (PEM) from {path}")]
    Key {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: pem::Error,
    },
    /// They do not fit together.
    #[error("the certificate in {cert} and the key in {key} cannot be used together")]
    Unusable {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
}

/// What both listeners need.
pub(crate) struct ServerTls {
    pub(crate) config: ServerConfig,
    secret: hmac::Key,
}

impl ServerTls {
    /// Lets devices resume the sessions of this store. A resumed session proves the same
    /// device key as the one it resumes.
    pub(crate) fn keep_sessions(&mut self, sessions: Arc<dyn StoresServerSessions>) {
        self.config.session_storage = sessions;
    }

    /// A secret for another purpose, the same as long as the private key is.
    pub(crate) fn derive_key(&self, purpose: &[u8]) -> [u8; 32] {
        let derived = hmac::sign(&self.secret, purpose);
        let mut key = [0; 32];
        key.copy_from_slice(derived.as_ref());
        key
    }
}

/// The configuration of both listeners. Early data is off: nothing is delivered,
/// and nobody displaced, before the handshake is finished (DELIVERY 30), and a `Hello` that
/// waits for that is answered no sooner than one that comes with the handshake's end.
pub(crate) fn server_tls(cert: &Path, key: &Path) -> Result<ServerTls, TlsError> {
    let cert_error = |source| TlsError::Cert {
        path: cert.to_owned(),
        source,
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(cert)
        .map_err(cert_error)?
        .collect::<Result<_, _>>()
        .map_err(cert_error)?;
    if chain.is_empty() {
        return Err(TlsError::NoCert {
            path: cert.to_owned(),
        });
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::Key {
        path: key.to_owned(),
        source,
    })?;
    let unusable = |source| TlsError::Unusable {
        cert: cert.to_owned(),
        key: key.to_owned(),
        source,
    };
    let derive = hmac::Key::new(hmac::HMAC_SHA256, secret.secret_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&version::TLS13])
        .map_err(unusable)?
        .with_client_cert_verifier(Arc::new(RawKeyVerifier::new(provider)))
        .with_single_cert(chain, secret)
        .map_err(unusable)?;
    config.alpn_protocols = vec![twine_proto::ALPN.to_vec()];
    Ok(ServerTls {
        config,
        secret: derive,
    })
}

/// The device that a finished handshake has proved.
pub(super) fn device_of(certificates: &[CertificateDer<'_>]) -> Option<DeviceKey> {
    certificates.first().and_then(|key| device_key_of(key))
}
