//! Whether a message in the queue of IP may leave now, with the reason.

/// What is known about a message at the moment of choosing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    /// Some link is up. A session may outlive its link and wait for the next;
    /// a message must not wait with it, because it may yet take another channel.
    pub(crate) link_up: bool,
    /// The identity's numbering is agreed with the gateway on a live session.
    pub(crate) session_ready: bool,
    /// The in-flight window has room for it.
    pub(crate) window_open: bool,
}

/// What to do with it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Give it to IP.
    Ip,
    /// Keep it in the queue.
    Wait,
}

/// Chooses, and says why.
pub(crate) fn choose(facts: Facts) -> (Choice, &'static [&'static str]) {
    match facts {
        Facts { link_up: false, .. } => (Choice::Wait, &["no link is up"]),
        Facts {
            session_ready: false,
            ..
        } => (Choice::Wait, &["the gateway is not reachable"]),
        Facts {
            window_open: false, ..
        } => (Choice::Wait, &["enough is in flight"]),
        Facts { .. } => (Choice::Ip, &["the gateway is reachable"]),
    }
}
