//! How long IP may take before a message falls back: from the network's
//! generation and the measured round trip, never one constant.

use std::time::Duration;

use crate::config::Config;
use crate::priors::Class;

/// Round trips that an acceptance may take beyond the base: a loss, its repeat,
/// and a queue in the network.
const ROUND_TRIPS: u32 = 4;
/// A measured round trip counts up to this: one stall must not make a message
/// wait for minutes.
const LONGEST_ROUND_TRIP: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    /// In the queue without a link.
    pub(crate) no_link: Duration,
    /// From release to acceptance; in the queue with a link and no session.
    pub(crate) accept: Duration,
    /// From acceptance to delivery.
    pub(crate) delivery: Duration,
    /// Until the gateway says what became of one that most likely arrived.
    pub(crate) doubt: Duration,
    /// From asking a message back to the answer.
    pub(crate) answer: Duration,
}

impl Patience {
    /// On this kind of link, with this retransmission time-out (RFC 6298).
    pub(crate) fn of(config: &Config, link: Option<Class>, rto: Duration) -> Self {
        let measured = rto.min(LONGEST_ROUND_TRIP) * ROUND_TRIPS;
        // What a radio needs beyond the base: waking up, and what queues before a
        // message. GPRS queues tens of seconds under load.
        let radio = link
            .map(|class| class.priors().acceptance)
            .unwrap_or_default();
        let accept = config.accept_patience + radio + measured;
        Self {
            no_link: config.no_link_patience,
            accept,
            delivery: config.delivery_patience,
            doubt: config.doubt_patience,
            answer: accept,
        }
    }
}
