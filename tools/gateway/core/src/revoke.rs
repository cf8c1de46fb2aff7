//! `Revoke` (DELIVERY 14, 15), decided in the turn's one transaction.
//!
//! Only `Revoked` allows the sender a plain SMS, so it is said only of what was
//! never handed over and never will be.
//!
//! | what is known of the seq | outcome | why |
//! |---|---|---|
//! | high-water + 1, epoch present | `Revoked` | the seq is consumed; a `Submit` of it that comes later is answered as taken and never delivered |
//! | waits, not handed over | `Revoked` | removed in this transaction |
//! | waits, handed over or doubted | `InDoubt` | stays deliverable; the receiver's `Ack` or next `Hello` settles it |
//! | delivered | `AlreadyDelivered` | |
//! | revoked before | `Revoked` | the answer was lost |
//! | refused | `Revoked` | it was never in a mailbox |
//! | expired, never handed over | `Revoked` | it is gone from the mailbox |
//! | expired after it was handed over | `InDoubt` | the receiver may have it and never said so |
//! | rejected | `AlreadyDelivered`, after a receipt that says so | the receiver has shown a placeholder |
//! | no record (pruned, behind a raised mark, epoch unknown or another device's) | `Forgotten` | |
//! | beyond high-water + 1, or above the mark of a closed epoch | `Forgotten` | nothing is known, and nothing is consumed |
//!
//! # After a restore from a backup
//!
//! What waits in the backup, and what its sender submits again, may have been
//! handed over in the time that was lost: `Revoked` would be a lie, and a plain
//! SMS a second copy. After [`restored`](crate::restored) all of that answers `InDoubt` and stays
//! deliverable: receivers know what they have. For submissions this covers the
//! seqs that the sender had given by its first `Hello` after the restore, and the
//! same holds where such a `Hello` itself proves that history was lost.
//!
//! One lie remains: `Revoke` of a doubted high-water + 1 still answers `Revoked`.
//! To say anything else the gateway would need the message, so its sender has to
//! submit again, rather than take back, what it has reason to doubt.

use twine_proto::frame::{Disposition, Revoke, RevokeOutcome, Revoked};
use twine_proto::{Cursor, E164, Frame, Seq};

use crate::records::key;
use crate::storage::{EntryBody, Fate, Sent, StreamKey, Tx};
use crate::turn::{Identity, Turn};
use crate::types::ConnId;

const TAKEN_BACK: Fate = Fate::Ended {
    how: Disposition::Revoked,
    handed: false,
};

impl<T: Tx> Turn<'_, T> {
    pub(crate) fn revoke(&mut self, conn: ConnId, revoke: Revoke) -> Result<(), T::Error> {
        let Some(identity) = self.identity(conn, revoke.slot)? else {
            return Ok(());
        };
        let stream = key(identity.number, revoke.epoch.unwrap_or(identity.epoch));
        let mut results = Vec::with_capacity(revoke.seqs.len());
        for seq in revoke.seqs {
            let outcome = self.revoke_one(identity, stream, seq)?;
            match outcome {
                RevokeOutcome::Revoked => self.tally.revoked += 1,
                RevokeOutcome::InDoubt => self.tally.in_doubt += 1,
                RevokeOutcome::Forgotten => self.tally.forgotten += 1,
                RevokeOutcome::AlreadyDelivered => {}
            }
            results.push((seq, outcome));
        }
        // A rejection goes before the answer that it explains.
        let told = (stream.epoch != identity.epoch).then_some(stream.epoch);
        self.out.flush_outcomes(conn, revoke.slot, told);
        let revoked = Revoked {
            slot: revoke.slot,
            epoch: revoke.epoch,
            results,
        };
        self.out.send(conn, Frame::Revoked(revoked));
        Ok(())
    }

    fn revoke_one(
        &mut self,
        identity: Identity,
        key: StreamKey,
        seq: Seq,
    ) -> Result<RevokeOutcome, T::Error> {
        let Some(mut stream) = self.db.stream(key)? else {
            return Ok(RevokeOutcome::Forgotten);
        };
        if stream.owner != identity.device {
            return Ok(RevokeOutcome::Forgotten);
        }
        if key.epoch == identity.epoch && seq == stream.high_water.next() {
            let sent = Sent {
                digest: None,
                fate: TAKEN_BACK,
            };
            self.db.tx.put_sent(key, seq, &sent)?;
            stream.high_water = seq;
            self.db.put_stream(key, stream);
            return Ok(RevokeOutcome::Revoked);
        }
        let Some(sent) = self.db.tx.sent(key, seq)? else {
            return Ok(RevokeOutcome::Forgotten);
        };
        match sent.fate {
            Fate::Waiting { .. } if seq <= stream.doubted_upto => Ok(RevokeOutcome::InDoubt),
            Fate::Waiting { to, cursor } => {
                self.revoke_waiting(identity, key, seq, sent, to, cursor)
            }
            Fate::Delivered => Ok(RevokeOutcome::AlreadyDelivered),
            Fate::Ended { how, handed } => Ok(match how {
                Disposition::Revoked | Disposition::Refused(_) => RevokeOutcome::Revoked,
                Disposition::Expired if handed => RevokeOutcome::InDoubt,
                Disposition::Expired => RevokeOutcome::Revoked,
                Disposition::Rejected(_) => {
                    let told = (key.epoch != identity.epoch).then_some(key.epoch);
                    let outcomes = self.out.outcomes(identity.conn, identity.slot, told);
                    outcomes.add(seq, sent.fate);
                    RevokeOutcome::AlreadyDelivered
                }
            }),
        }
    }

    fn revoke_waiting(
        &mut self,
        identity: Identity,
        key: StreamKey,
        seq: Seq,
        sent: Sent,
        to: E164,
        cursor: Cursor,
    ) -> Result<RevokeOutcome, T::Error> {
        let Some(entry) = self.db.tx.entry(to, cursor)? else {
            return Ok(RevokeOutcome::Forgotten);
        };
        let same = matches!(
            entry.body,
            EntryBody::Message { from, epoch, seq: at, .. }
                if from == key.number && epoch == key.epoch && at == seq
        );
        if !same {
            return Ok(RevokeOutcome::Forgotten);
        }
        if cursor <= self.db.mailbox(to)?.handed_upto {
            return Ok(RevokeOutcome::InDoubt);
        }
        self.db.remove_entry(to, cursor, &entry)?;
        let sent = Sent {
            fate: TAKEN_BACK,
            ..sent
        };
        self.db.end_sent(key, seq, sent)?;
        self.out.not_away(identity.conn, identity.slot, seq);
        Ok(RevokeOutcome::Revoked)
    }
}
