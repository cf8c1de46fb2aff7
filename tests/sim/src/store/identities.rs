//! Own numbers: their cards, epochs and mailbox cursors.

use twine_engine::message::MessageId;
use twine_engine::store_ops::{IdentityPosition, Outcome};
use twine_proto::frame::EpochPosition;
use twine_proto::limits::MAX_OLD_EPOCHS;
use twine_proto::{Cursor, E164, Epoch, Redacted, Seq, SessionNo};

use super::MemoryStore;
use super::records::END;

#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) number: E164,
    pub(super) iccid: Option<Redacted<String>>,
    pub(super) consented: bool,
    pub(super) epoch: Option<Epoch>,
    pub(super) last_epoch: Epoch,
    pub(super) next_seq: Seq,
    pub(super) cursor: Cursor,
    pub(super) check: u32,
}

impl MemoryStore {
    pub(super) fn identity(&self, number: E164) -> Option<&Identity> {
        self.identities
            .iter()
            .find(|identity| identity.number == number)
    }

    pub(super) fn identity_mut(&mut self, number: E164) -> Option<&mut Identity> {
        self.identities
            .iter_mut()
            .find(|identity| identity.number == number)
    }

    pub(super) fn held_epoch(&self, number: E164) -> Option<Epoch> {
        self.identity(number).and_then(|identity| identity.epoch)
    }

    /// The identity's next seq.
    pub(super) fn take_seq(&mut self, number: E164) -> Seq {
        self.identity_mut(number).map_or(Seq(0), |identity| {
            let seq = identity.next_seq;
            identity.next_seq = seq.next();
            seq
        })
    }

    /// `consented`: the user agreed to use IP with it.
    pub(super) fn note_number(
        &mut self,
        number: E164,
        iccid: Option<&Redacted<String>>,
        consented: bool,
    ) -> Outcome {
        match self.identity_mut(number) {
            Some(known) => {
                known.consented |= consented;
                if iccid.is_some() {
                    known.iccid = iccid.cloned();
                }
            }
            None => self.identities.push(Identity {
                number,
                iccid: iccid.cloned(),
                consented,
                epoch: None,
                last_epoch: Epoch(0),
                next_seq: Seq(1),
                cursor: Cursor(0),
                check: 0,
            }),
        }
        Outcome::Done
    }

    pub(super) fn begin_session(&mut self, at_least: SessionNo) -> Outcome {
        self.session_no = self.session_no.max(at_least).next();
        Outcome::SessionBegun {
            session_no: self.session_no,
            identities: self.positions(),
        }
    }

    pub(super) fn bind_epoch(&mut self, number: E164, epoch: Epoch) -> Outcome {
        if let Some(identity) = self.identity_mut(number)
            && epoch > identity.last_epoch
        {
            identity.epoch = Some(epoch);
            identity.last_epoch = epoch;
            identity.next_seq = Seq(1);
            self.forget_notes_due(number);
        }
        Outcome::Done
    }

    /// A note speaks of the epoch it is sent in.
    pub(super) fn forget_notes_due(&mut self, number: E164) {
        self.notes_due.retain(|(own, _)| *own != number);
    }

    pub(super) fn pass_cursor(&mut self, number: E164, cursor: Cursor, check: u32) {
        if let Some(identity) = self.identity_mut(number)
            && cursor > identity.cursor
            && check != 0
        {
            identity.cursor = cursor;
            identity.check = check;
        }
    }

    pub(super) fn positions(&self) -> Vec<IdentityPosition> {
        self.identities
            .iter()
            .map(|identity| self.position(identity))
            .collect()
    }

    fn position(&self, identity: &Identity) -> IdentityPosition {
        let number = identity.number;
        IdentityPosition {
            number,
            iccid: identity.iccid.clone(),
            consented: identity.consented,
            held: identity.epoch.map(|epoch| EpochPosition {
                epoch,
                next_seq: identity.next_seq,
                lowest_unsettled: self
                    .lowest_unsettled(number, epoch)
                    .unwrap_or(identity.next_seq),
            }),
            last_epoch: identity.last_epoch,
            cursor: identity.cursor,
            cursor_check: identity.check,
            old: self.old_epochs(identity),
            queued: self.found.queued.get(&number).copied().unwrap_or(0),
            note_due: self.has_note_due(number),
        }
    }

    fn lowest_unsettled(&self, number: E164, epoch: Epoch) -> Option<Seq> {
        self.found
            .unsettled
            .range((number, epoch, Seq(0))..=(number, epoch, END))
            .next()
            .map(|((.., seq), _)| *seq)
    }

    fn old_epochs(&self, identity: &Identity) -> Vec<EpochPosition> {
        let number = identity.number;
        let mut old: Vec<EpochPosition> = Vec::new();
        let mut from = Epoch(0);
        while old.len() < MAX_OLD_EPOCHS {
            let lowest = self
                .found
                .unsettled
                .range((number, from, Seq(0))..=(number, Epoch(u32::MAX), END))
                .next();
            let Some((&(_, epoch, lowest_unsettled), _)) = lowest else {
                break;
            };
            if identity.epoch != Some(epoch) {
                let highest = self
                    .found
                    .unsettled
                    .range((number, epoch, Seq(0))..=(number, epoch, END))
                    .next_back();
                old.push(EpochPosition {
                    epoch,
                    next_seq: highest
                        .map_or(lowest_unsettled, |((.., seq), _)| *seq)
                        .next(),
                    lowest_unsettled,
                });
            }
            if epoch == Epoch(u32::MAX) {
                break;
            }
            from = epoch.next();
        }
        old
    }

    /// The answer to what changed unsettled messages of an identity.
    pub(super) fn applied(&self, number: E164, settled: u64, requeued: u64) -> Outcome {
        let identity = self.identity(number);
        let lowest_unsettled = identity
            .and_then(|identity| {
                let lowest = self.lowest_unsettled(number, identity.epoch?);
                Some(lowest.unwrap_or(identity.next_seq))
            })
            // Without an epoch: where the next one begins.
            .unwrap_or(Seq(1));
        Outcome::Applied {
            settled,
            requeued,
            lowest_unsettled,
            look: self.after.look,
            unblocked: self.after.unblocked,
            note_due: self.after.note_due,
        }
    }

    pub(super) fn looks(&self) -> Outcome {
        Outcome::Looks {
            look: self.after.look,
            unblocked: self.after.unblocked,
        }
    }

    pub(super) fn unsettled_at(&self, number: E164, epoch: Epoch, seq: Seq) -> Option<MessageId> {
        self.found.unsettled.get(&(number, epoch, seq)).copied()
    }
}
