//! What the transports are told: where the gateway is, whom to trust, how long
//! to wait. Read from the daemon's configuration; nothing here is per link.

use std::time::Duration;

use rustls::pki_types::CertificateDer;

/// Where the gateway is and how to reach it.
#[derive(Debug, Clone)]
pub struct TransportConfig {
    /// Name or IP literal of the gateway.
    pub host: String,
    /// UDP port of QUIC.
    pub port_quic: u16,
    /// TCP port of TLS.
    pub port_tls: u16,
    /// The name that the gateway's certificate must carry; often `host`.
    pub server_name: String,
    /// The only roots trusted, never empty. The system's roots are not.
    pub roots: Vec<CertificateDer<'static>>,
    /// Look-up and handshake together, over all addresses of the gateway.
    /// Default 15 s.
    pub connect_timeout: Duration,
    /// QUIC: silence after which both sides forget the connection; the shorter
    /// of this and the gateway's holds. Runs on the monotonic clock, which
    /// stands still in suspend, while the gateway's goes on: it clears up what
    /// is dead, the engine's heartbeat is what detects it. Zero: only the
    /// gateway's holds. Default 35 min: more than the longest heartbeat that is learned.
    pub idle_timeout: Duration,
    /// TCP: sent bytes may stay unacknowledged that long (`TCP_USER_TIMEOUT`).
    /// Default 60 s; the kernel's own is about 15 min.
    pub unacked_timeout: Duration,
}

impl TransportConfig {
    /// The given gateway, and defaults for all times.
    #[must_use]
    pub fn new(
        host: String,
        port_quic: u16,
        port_tls: u16,
        server_name: String,
        roots: Vec<CertificateDer<'static>>,
    ) -> Self {
        Self {
            host,
            port_quic,
            port_tls,
            server_name,
            roots,
            connect_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(35 * 60),
            unacked_timeout: Duration::from_secs(60),
        }
    }
}

/// Why the transports cannot be set up. Every one is a mistake in the
/// configuration.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// No name.
    #[error("the gateway's host is empty; give a name or an IP address")]
    NoHost,
    /// Nobody would be trusted.
    #[error("there is no root certificate; without one no gateway can be trusted")]
    NoRoots,
    /// Not a certificate that can be a root.
    #[error(
        "root certificate number {number} cannot be used: give X.509 certificates of authorities"
    )]
    Root {
        /// Its place in the list, from 1.
        number: usize,
        /// What is wrong with it.
        #[source]
        source: rustls::Error,
    },
    /// Neither a DNS name nor an address.
    #[error("the gateway's server name is neither a DNS name nor an IP address")]
    ServerName,
    /// Over what QUIC can say.
    #[error("idle_timeout is longer than QUIC allows (2^62 ms)")]
    IdleTimeout,
    /// TLS does not accept the rest.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}
