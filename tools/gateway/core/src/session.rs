//! The connections: which device each serves, and how far it is with each
//! identity. All of it may be lost at any moment; what must not be is in the
//! storage.
//!
//! Owns the indexes by device and by number, and the deadlines of silence.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use twine_proto::{Cursor, E164, Epoch, Slot};

use crate::types::{ConnId, DeviceKey};

/// One connection.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) device: DeviceKey,
    /// `None` until `Hello`.
    pub(crate) served: Option<Served>,
    pub(crate) last_activity_ms: u64,
    /// Its place in `Sessions::deadlines`; may be earlier than the true
    /// deadline, which is computed when it comes.
    deadline_ms: u64,
}

/// What a connection has after `Hello`.
#[derive(Debug)]
pub(crate) struct Served {
    /// In the order of the `Hello`.
    pub(crate) slots: Vec<SlotState>,
    /// Receipt frames of this connection handled so far.
    pub(crate) receipts: u64,
    /// Where the next round of deliveries starts, so that one full mailbox
    /// does not starve the others.
    pub(crate) first_slot: usize,
}

/// One identity of a connection.
#[derive(Debug)]
pub(crate) struct SlotState {
    pub(crate) number: E164,
    /// The present epoch; `None`: not served here.
    pub(crate) epoch: Option<Epoch>,
    /// The last entry delivered on this connection.
    pub(crate) position: Cursor,
    /// Entries delivered on this connection and not acknowledged, with their
    /// cost. Bounded by the settings.
    pub(crate) unacked: VecDeque<(Cursor, u64)>,
}

impl SlotState {
    pub(crate) fn new(number: E164, epoch: Option<Epoch>) -> Self {
        Self {
            number,
            epoch,
            position: Cursor(0),
            unacked: VecDeque::new(),
        }
    }
}

impl Served {
    /// How many entries are not acknowledged, and what they cost.
    pub(crate) fn unacked(&self) -> (usize, u64) {
        let entries = self.slots.iter().flat_map(|slot| &slot.unacked);
        entries.fold((0, 0), |(count, cost), entry| (count + 1, cost + entry.1))
    }
}

/// All connections.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_conn: BTreeMap<ConnId, Session>,
    /// Served connections only.
    by_device: BTreeMap<DeviceKey, ConnId>,
    /// Served identities only.
    by_number: BTreeMap<E164, (ConnId, Slot)>,
    deadlines: BTreeSet<(u64, ConnId)>,
    /// Connections looked at for writing in this turn: lost if it fails.
    touched: BTreeSet<ConnId>,
}

impl Sessions {
    pub(crate) fn len(&self) -> usize {
        self.by_conn.len()
    }

    pub(crate) fn served(&self) -> usize {
        self.by_device.len()
    }

    pub(crate) fn conns(&self) -> Vec<ConnId> {
        self.by_conn.keys().copied().collect()
    }

    pub(crate) fn insert(&mut self, conn: ConnId, device: DeviceKey, now_ms: u64, limit_ms: u64) {
        // A driver that uses a name twice would mix two connections up.
        self.remove(conn);
        let deadline_ms = now_ms.saturating_add(limit_ms);
        self.by_conn.insert(
            conn,
            Session {
                device,
                served: None,
                last_activity_ms: now_ms,
                deadline_ms,
            },
        );
        self.deadlines.insert((deadline_ms, conn));
    }

    pub(crate) fn get(&self, conn: ConnId) -> Option<&Session> {
        self.by_conn.get(&conn)
    }

    pub(crate) fn get_mut(&mut self, conn: ConnId) -> Option<&mut Session> {
        self.touched.insert(conn);
        self.by_conn.get_mut(&conn)
    }

    pub(crate) fn served_mut(&mut self, conn: ConnId) -> Option<&mut Served> {
        self.get_mut(conn)?.served.as_mut()
    }

    /// Begins to serve a connection.
    pub(crate) fn serve(&mut self, conn: ConnId, slots: Vec<SlotState>) {
        for (index, slot) in slots.iter().enumerate() {
            if slot.epoch.is_some() {
                self.by_number
                    .insert(slot.number, (conn, Slot(index as u32)));
            }
        }
        if let Some(session) = self.get_mut(conn) {
            session.served = Some(Served {
                slots,
                receipts: 0,
                first_slot: 0,
            });
            let device = session.device;
            self.by_device.insert(device, conn);
        }
    }

    pub(crate) fn remove(&mut self, conn: ConnId) -> Option<Session> {
        self.touched.insert(conn);
        let session = self.by_conn.remove(&conn)?;
        self.deadlines.remove(&(session.deadline_ms, conn));
        if let Some(served) = &session.served {
            if self.by_device.get(&session.device) == Some(&conn) {
                self.by_device.remove(&session.device);
            }
            for slot in &served.slots {
                // Another device may serve the number by now.
                if self
                    .by_number
                    .get(&slot.number)
                    .is_some_and(|at| at.0 == conn)
                {
                    self.by_number.remove(&slot.number);
                }
            }
        }
        Some(session)
    }

    pub(crate) fn of_device(&self, device: &DeviceKey) -> Option<ConnId> {
        self.by_device.get(device).copied()
    }

    /// Who serves a number, as far as the connections know.
    pub(crate) fn of_number(&self, number: E164) -> Option<(ConnId, Slot)> {
        self.by_number.get(&number).copied()
    }

    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// The connections to look at now, at most `limit`.
    pub(crate) fn due(&self, now_ms: u64, limit: usize) -> Vec<ConnId> {
        let due = self.deadlines.iter().take_while(|(at, _)| *at <= now_ms);
        due.take(limit).map(|(_, conn)| *conn).collect()
    }

    pub(crate) fn set_deadline(&mut self, conn: ConnId, at_ms: u64) {
        if let Some(session) = self.by_conn.get_mut(&conn) {
            self.deadlines.remove(&(session.deadline_ms, conn));
            session.deadline_ms = at_ms;
            self.deadlines.insert((at_ms, conn));
        }
    }

    pub(crate) fn begin_turn(&mut self) {
        self.touched.clear();
    }

    pub(crate) fn touch(&mut self, conn: ConnId) {
        self.touched.insert(conn);
    }

    /// After a turn that failed: forgets every connection it touched.
    pub(crate) fn forget_touched(&mut self) -> BTreeSet<ConnId> {
        let lost = std::mem::take(&mut self.touched);
        for conn in &lost {
            self.remove(*conn);
        }
        self.touched.clear();
        lost
    }
}
