//! Numbers and the devices they are bound to: binding, look-up, and what is
//! passed on to a peer without being stored.
//!
//! Never says to which device a number is bound.

use twine_proto::frame::{Capabilities, Capability, Lookup, Typing};
use twine_proto::{E164, Epoch, Frame};

use crate::storage::{NumberRecord, Tx};
use crate::turn::Turn;
use crate::types::{ConnId, DeviceKey};

/// Bit 0 of `Capability::features`: texts.
const FEATURE_TEXT: u32 = 1;

/// What [`provision`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provisioned {
    /// The number was not bound.
    Bound,
    /// It was bound to this device already.
    Unchanged,
    /// It was bound to another device, which no longer has it. Its mail waits
    /// for the new one; the new one asks for an epoch of its own.
    Moved,
}

/// Binds a number to a device. Works beside a running core: each frame is
/// checked against the binding as it is in the transaction.
pub fn provision<T: Tx>(
    tx: &mut T,
    number: E164,
    device: DeviceKey,
) -> Result<Provisioned, T::Error> {
    let record = tx.number(number)?;
    let done = match record.and_then(|record| record.device) {
        Some(bound) if bound == device => return Ok(Provisioned::Unchanged),
        Some(_) => Provisioned::Moved,
        None => Provisioned::Bound,
    };
    let record = NumberRecord {
        device: Some(device),
        // Never goes back, so that no epoch is granted twice.
        epoch: record.map_or(Epoch(0), |record| record.epoch),
    };
    tx.put_number(number, &record)?;
    Ok(done)
}

/// Takes a number from its device; `false`: it was not bound. Mail that waits
/// stays until it expires or the number is bound again.
pub fn unprovision<T: Tx>(tx: &mut T, number: E164) -> Result<bool, T::Error> {
    let Some(record) = tx.number(number)? else {
        return Ok(false);
    };
    if record.device.is_none() {
        return Ok(false);
    }
    let record = NumberRecord {
        device: None,
        ..record
    };
    tx.put_number(number, &record)?;
    Ok(true)
}

impl<T: Tx> Turn<'_, T> {
    pub(crate) fn lookup(&mut self, conn: ConnId, lookup: Lookup) -> Result<(), T::Error> {
        let mut entries = Vec::with_capacity(lookup.numbers.len());
        for number in lookup.numbers {
            let record = self.db.number(number)?;
            let reachable = record.is_some_and(|record| record.device.is_some());
            let config = &self.core.config;
            entries.push(Capability {
                number,
                reachable,
                features: if reachable { FEATURE_TEXT } else { 0 },
                valid_s: if reachable {
                    config.reachable_valid_s
                } else {
                    config.unreachable_valid_s
                },
            });
        }
        let answer = Capabilities {
            id: lookup.id,
            entries,
        };
        self.out.send(conn, Frame::Capabilities(answer));
        Ok(())
    }

    /// Passed on to a peer who is here; otherwise gone.
    pub(crate) fn typing(&mut self, conn: ConnId, typing: Typing) -> Result<(), T::Error> {
        let Some(identity) = self.identity(conn, typing.slot)? else {
            return Ok(());
        };
        if let Some((peer, slot)) = self.live(typing.peer)? {
            let typing = Typing {
                slot,
                peer: identity.number,
                stopped: typing.stopped,
            };
            self.out.send(peer, Frame::Typing(typing));
        }
        Ok(())
    }
}
