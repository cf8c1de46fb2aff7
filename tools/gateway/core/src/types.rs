//! What goes into a turn and what comes out of it.
//!
//! Owns no behaviour.

use std::fmt;

use twine_proto::Frame;

/// The time of a turn, an argument because the core reads no clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Monotonic, milliseconds from any start.
    pub instant_ms: u64,
    /// Wall clock, unix seconds: for the age and the expiry of mail, and for
    /// the floor of new epochs. Decides no order.
    pub unix_s: u64,
}

/// Names a connection; the driver never uses a number twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// The Ed25519 public key a device authenticated with (DELIVERY 30).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceKey(pub [u8; 32]);

impl fmt::Debug for DeviceKey {
    /// Enough to tell devices apart in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in &self.0[..4] {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("…")
    }
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Input {
    /// A connection finished its handshake.
    Connected {
        /// Its name from now on.
        conn: ConnId,
        /// Whom the handshake proved.
        device: DeviceKey,
    },
    /// A frame came in.
    Frame {
        /// On which connection.
        conn: ConnId,
        /// What it says.
        frame: Frame,
    },
    /// A connection is gone, whoever ended it.
    Disconnected {
        /// Which.
        conn: ConnId,
    },
    /// The gateway is about to stop: everybody is sent away, and whoever
    /// connects from now on as well.
    Drain {
        /// Come back not earlier, seconds.
        retry_after_s: u32,
    },
    /// The time of [`Core::poll_timeout`](crate::Core::poll_timeout) has come.
    Tick,
}

/// What to do, in this order, now that the turn is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send a frame.
    Send {
        /// On which connection.
        conn: ConnId,
        /// Which.
        frame: Frame,
    },
    /// Close after what was sent before is flushed. The core has forgotten the
    /// connection already.
    Close {
        /// Which.
        conn: ConnId,
    },
}
