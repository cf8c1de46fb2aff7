//! What a phone's session sees and does, whoever decides.

use twine_engine::TransportKind;
use twine_proto::Frame;

use super::mars::Mars;
use super::twine::Twine;

/// Who decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// The engine.
    Twine,
    /// Tencent Mars.
    Mars,
    /// The engine with a fixed heartbeat of 60 s, by TCP.
    Fixed,
}

impl Name {
    /// In the order of tables.
    pub const ALL: [Self; 3] = [Self::Twine, Self::Mars, Self::Fixed];

    /// For tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Twine => "twine",
            Self::Mars => "mars",
            Self::Fixed => "fixed 60 s",
        }
    }

    /// A fresh one.
    #[must_use]
    pub fn client(self) -> Box<dyn Client> {
        match self {
            Self::Twine => Box::new(Twine::learning()),
            Self::Mars => Box::new(Mars::default()),
            Self::Fixed => Box::new(Twine::fixed()),
        }
    }
}

/// Names a connection; never used again.
pub type ConnNo = u64;

/// What travels.
#[derive(Debug, Clone)]
pub enum Packet {
    /// Of Twine.
    Frame(Frame),
    /// A heartbeat of the other, to be answered with the same number.
    Request(u64),
    /// A message of the other, answered likewise.
    Text(u64),
    /// The answer.
    Answer(u64),
    /// A message from the gateway.
    Push,
}

/// What happens to it.
#[derive(Debug, Clone)]
pub enum Seen {
    /// The system says that there is a network.
    NetworkCame,
    /// … or none.
    NetworkWent,
    /// The handshake is done.
    Connected(ConnNo),
    /// The connection is over.
    Broken(ConnNo),
    /// Something came.
    Came(ConnNo, Packet),
    /// QUIC: the gateway validated the path.
    Validated(ConnNo),
    /// QUIC: moved to the network that came.
    Moved(ConnNo),
    /// The user writes.
    Write,
    /// The time it asked for.
    Time,
}

/// What it does.
#[derive(Debug, Clone)]
pub enum Act {
    /// Open a connection.
    Connect(ConnNo, TransportKind),
    /// Send.
    Send(ConnNo, Packet),
    /// Move to the present network.
    Move(ConnNo),
    /// Close.
    Close(ConnNo),
}

/// A session's side of a phone.
pub trait Client {
    /// Something happened.
    fn handle(&mut self, now: u64, seen: Seen) -> Vec<Act>;
    /// When to say [`Seen::Time`].
    fn wake_at(&self) -> Option<u64>;
    /// How often it acted because nothing happened.
    fn heartbeats(&self) -> u64;
    /// The idle time it lets pass now, milliseconds; 0: it has no session.
    fn idle_ms(&self) -> u64;
}
