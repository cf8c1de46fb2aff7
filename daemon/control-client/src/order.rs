//! What the daemon asks of the telephony agent.

use crate::pb;

/// One order. An order whose result the daemon does not have is given again, with
/// another id, whenever an agent reports its full state; an SMS is known by its
/// attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// Unique in a run of the daemon; for [`pb::OrderResult`].
    pub id: u64,
    /// What to do.
    pub kind: pb::order::Kind,
}

impl Order {
    /// `None`: an order of a newer daemon, which nobody here could carry out.
    pub(crate) fn known(order: pb::Order) -> Option<Self> {
        Some(Self {
            id: order.id,
            kind: order.kind?,
        })
    }
}
