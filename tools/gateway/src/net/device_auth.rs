//! Who a device is: its Ed25519 key, proved in the TLS handshake as a raw public
//! key (RFC 7250; DELIVERY 30).
//!
//! Any key may connect. Which numbers it holds, the core asks of the storage at
//! each `Hello` and each frame, also after a resumption.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerIncompatible,
    SignatureScheme,
};
use twine_gateway_core::DeviceKey;

/// A SubjectPublicKeyInfo of an Ed25519 key up to the key itself (RFC 8410,
/// section 4). DER has one form of it.
const ED25519_SPKI_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// The device key in a raw public key; `None`: not Ed25519.
#[must_use]
pub fn device_key_of(spki: &[u8]) -> Option<DeviceKey> {
    let key = spki.strip_prefix(&ED25519_SPKI_PREFIX)?;
    key.try_into().ok().map(DeviceKey)
}

/// Takes any Ed25519 raw public key whose holder signs the handshake.
#[derive(Debug)]
pub(super) struct RawKeyVerifier {
    provider: Arc<CryptoProvider>,
}

impl RawKeyVerifier {
    pub(super) fn new(provider: Arc<CryptoProvider>) -> Self {
        Self { provider }
    }
}

impl ClientCertVerifier for RawKeyVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match device_key_of(end_entity) {
            Some(_) => Ok(ClientCertVerified::assertion()),
            None => Err(CertificateError::BadEncoding.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::Tls13RequiredForQuic.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature_with_raw_key(
            message,
            &SubjectPublicKeyInfoDer::from(cert.as_ref()),
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_ed25519_key_in_its_one_form_is_a_device() {
        let mut spki = ED25519_SPKI_PREFIX.to_vec();
        spki.extend([7; 32]);
        assert_eq!(device_key_of(&spki), Some(DeviceKey([7; 32])));
        spki.push(0);
        assert_eq!(device_key_of(&spki), None);
        spki.truncate(43);
        assert_eq!(device_key_of(&spki), None);
        assert_eq!(device_key_of(&[0x30; 44]), None);
    }
}
