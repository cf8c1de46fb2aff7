//! Errors of sockets, TLS and QUIC as short reasons that a technician can
//! read.
//!
//! A reason is made of our own libraries' words and error numbers; text that
//! the other side chose never gets into it, nor numbers or texts of a user.

use std::io;

use rustls::AlertDescription;
use twine_engine::DownReason;

use super::limits::MAX_REASON_CHARS;

/// What the kernel says.
pub(super) fn words(error: &io::Error) -> String {
    let text = if error.raw_os_error().is_some() {
        error.to_string()
    } else {
        error.kind().to_string()
    };
    shorten(&text)
}

/// A socket that could not be made, bound or connected.
pub(super) fn unreachable(what: &str, error: &io::Error) -> DownReason {
    DownReason::Unreachable(format!("{what}: {}", words(error)))
}

/// An error of a TLS connection over TCP, which reaches us inside an
/// [`io::Error`].
pub(super) fn tls(error: &io::Error) -> DownReason {
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    {
        Some(error) => rustls_error(error),
        None => DownReason::Closed(words(error)),
    }
}

fn rustls_error(error: &rustls::Error) -> DownReason {
    use rustls::Error as E;
    match error {
        E::AlertReceived(alert) => refused(*alert),
        E::InvalidCertificate(_)
        | E::NoCertificatesPresented
        | E::UnsupportedNameType
        | E::PeerIncompatible(_)
        | E::NoApplicationProtocol => DownReason::Handshake(shorten(&error.to_string())),
        E::FailedToGetCurrentTime | E::FailedToGetRandomBytes | E::General(_) | E::Other(_) => {
            DownReason::Local(shorten(&error.to_string()))
        }
        _ => DownReason::Protocol(shorten(&error.to_string())),
    }
}

/// The gateway ended TLS with an alert. With TLS 1.3 that may come after our
/// side of the handshake was done: the gateway judges the device key last.
fn refused(alert: AlertDescription) -> DownReason {
    DownReason::Handshake(format!("the gateway refused: {alert:?}"))
}

/// Why a QUIC connection ended.
pub(super) fn quic(error: &quinn::ConnectionError) -> DownReason {
    use quinn::ConnectionError as E;
    match error {
        E::VersionMismatch => {
            DownReason::Handshake("the gateway speaks no version of QUIC that we do".into())
        }
        // Found by our side, and worded by our libraries.
        E::TransportError(error) => {
            let text = shorten(if error.reason.is_empty() {
                "QUIC error"
            } else {
                &error.reason
            });
            if alert_of(error.code).is_some() {
                DownReason::Handshake(text)
            } else {
                DownReason::Protocol(text)
            }
        }
        E::ConnectionClosed(close) => match alert_of(close.error_code) {
            Some(alert) => refused(alert),
            None => DownReason::Closed(format!(
                "by the gateway's QUIC, code {:#x}",
                u64::from(close.error_code)
            )),
        },
        E::ApplicationClosed(close) => {
            DownReason::Closed(format!("by the gateway, code {}", close.error_code))
        }
        E::Reset => DownReason::Closed("the gateway does not know this connection".into()),
        E::TimedOut => DownReason::Closed("silent for too long".into()),
        E::LocallyClosed => DownReason::Local("closed by this side".into()),
        E::CidsExhausted => DownReason::Local("no connection id is free".into()),
    }
}

/// QUIC carries TLS alerts as its error codes 0x100 to 0x1ff (RFC 9001, 4.8).
fn alert_of(code: quinn::TransportErrorCode) -> Option<AlertDescription> {
    let code = u64::from(code);
    (code >> 8 == 1).then(|| AlertDescription::from((code & 0xff) as u8))
}

pub(super) fn shorten(text: &str) -> String {
    text.chars().take(MAX_REASON_CHARS).collect()
}
