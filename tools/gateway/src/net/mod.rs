//! Connections: listeners, handshakes, frames in and out.
//!
//! Owns sockets and the queues in front of them. Knows of frames only their
//! size; what they mean is the core's.

mod connection;
mod device_auth;
mod outlet;
mod quic;
mod tcp;
pub mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use twine_gateway_core::ConnId;

pub use self::device_auth::device_key_of;
pub(crate) use self::outlet::Outlet;
pub(crate) use self::quic::QuicListener;
pub(crate) use self::tcp::TcpListener;

use crate::limits::OVERLOAD_HEADROOM;
use crate::worker::Hub;

/// Settings of the network side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetConfig {
    /// A handshake, and the first stream of a QUIC connection, within this.
    pub handshake_timeout: Duration,
    /// A client that takes nothing of what is sent to it for so long is closed.
    pub stall_timeout: Duration,
}

impl Default for NetConfig {
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(15),
            stall_timeout: Duration::from_secs(60),
        }
    }
}

/// What every connection task needs.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) hub: Hub,
    pub(crate) net: NetConfig,
    next_conn: Arc<AtomicU64>,
    /// Bounds the tasks: the core bounds what it serves a little lower, so that
    /// those above can be told.
    places: Arc<Semaphore>,
    all_places: u32,
}

impl Service {
    pub(crate) fn new(hub: Hub, net: NetConfig, max_connections: usize) -> Self {
        let places = max_connections.saturating_add(OVERLOAD_HEADROOM);
        let places = places.min(Semaphore::MAX_PERMITS);
        let all_places = u32::try_from(places).unwrap_or(u32::MAX);
        Self {
            hub,
            net,
            next_conn: Arc::new(AtomicU64::new(1)),
            places: Arc::new(Semaphore::new(all_places as usize)),
            all_places,
        }
    }

    fn name(&self) -> ConnId {
        ConnId(self.next_conn.fetch_add(1, Ordering::Relaxed))
    }

    /// A place for one more connection; held until it is gone.
    fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Resolves when no connection is left.
    pub(crate) async fn idle(&self) {
        let _ = self.places.acquire_many(self.all_places).await;
    }
}
