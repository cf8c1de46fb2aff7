//! `Submit` (DELIVERY 4, 5, 13, 25): takes the next seq, recognises a resend,
//! refuses for good.
//!
//! | seq | answer |
//! |---|---|
//! | high-water + 1 | taken, or refused: consumed either way |
//! | in the window, same digest | the same answer again |
//! | in the window, consumed by a revoke | taken for that message: `Accepted`, never delivered |
//! | in the window, other digest or no record | `conflict` |
//! | older than the window | `conflict` |
//! | beyond high-water + 1 | protocol error: there is one ordered stream |

use twine_proto::frame::{Disposition, Refusal, Submit};
use twine_proto::limits::WINDOW;
use twine_proto::{Digest, Seq};

use crate::limits::ENTRY_OVERHEAD_BYTES;
use crate::outbox::Note;
use crate::storage::{Entry, EntryBody, Fate, Sent, Stream, Tx};
use crate::turn::{Identity, Turn};
use crate::types::ConnId;

impl<T: Tx> Turn<'_, T> {
    pub(crate) fn submit(&mut self, conn: ConnId, submit: Submit) -> Result<(), T::Error> {
        let Some(identity) = self.identity(conn, submit.slot)? else {
            return Ok(());
        };
        let Some(stream) = self.db.stream(identity.stream())? else {
            self.protocol_error(conn, "there is no record of this epoch");
            return Ok(());
        };
        if submit.seq <= stream.high_water {
            self.taken_before(identity, stream, &submit)
        } else if submit.seq == stream.high_water.next() {
            self.take(identity, stream, submit)
        } else {
            self.protocol_error(conn, "a seq was left out");
            Ok(())
        }
    }

    fn take(
        &mut self,
        identity: Identity,
        mut stream: Stream,
        submit: Submit,
    ) -> Result<(), T::Error> {
        let seq = submit.seq;
        let digest = Digest::of(submit.to, submit.lane_seq, submit.content.as_bytes());
        let to = submit.to;
        let fate = match self.refusal(&submit)? {
            Some(refusal) => {
                self.tally.refused += 1;
                Fate::Ended {
                    how: Disposition::Refused(refusal),
                    handed: false,
                }
            }
            None => {
                self.tally.taken += 1;
                let entry = Entry {
                    taken_s: self.now.unix_s,
                    body: EntryBody::Message {
                        from: identity.number,
                        epoch: identity.epoch,
                        seq,
                        lane_seq: submit.lane_seq,
                        content: submit.content,
                    },
                };
                let cursor = self.db.append(to, &entry)?;
                Fate::Waiting { to, cursor }
            }
        };
        let sent = Sent {
            digest: Some(digest),
            fate,
        };
        self.db.tx.put_sent(identity.stream(), seq, &sent)?;
        stream.high_water = seq;
        self.db.put_stream(identity.stream(), stream);
        self.answer(identity, stream.high_water, seq, fate)
    }

    fn taken_before(
        &mut self,
        identity: Identity,
        stream: Stream,
        submit: &Submit,
    ) -> Result<(), T::Error> {
        let seq = submit.seq;
        let in_window = seq.get().saturating_add(WINDOW) > stream.high_water.get();
        let sent = if in_window {
            self.db.tx.sent(identity.stream(), seq)?
        } else {
            None
        };
        let digest = Digest::of(submit.to, submit.lane_seq, submit.content.as_bytes());
        match sent {
            Some(sent) if sent.digest.is_none_or(|kept| kept == digest) => {
                self.tally.resent += 1;
                self.answer(identity, stream.high_water, seq, sent.fate)
            }
            _ => {
                self.tally.conflicts += 1;
                self.note_accepted(identity, stream.high_water, Note::Conflict(seq));
                Ok(())
            }
        }
    }

    /// Why a message is not taken. Only what is final: passing trouble fails
    /// the turn, and the handset comes back (rule 5).
    fn refusal(&mut self, submit: &Submit) -> Result<Option<Refusal>, T::Error> {
        let bytes = submit.content.as_bytes().len();
        if bytes > self.core.config.max_content_bytes {
            return Ok(Some(Refusal::TooLarge));
        }
        let recipient = self.db.number(submit.to)?;
        if recipient.is_none_or(|record| record.device.is_none()) {
            return Ok(Some(Refusal::UnknownRecipient));
        }
        let mailbox = self.db.mailbox(submit.to)?;
        let room = self.core.config.mailbox_bytes.saturating_sub(mailbox.bytes);
        let cost = ENTRY_OVERHEAD_BYTES + bytes as u64;
        if mailbox.messages >= self.core.config.mailbox_entries || cost > room {
            return Ok(Some(Refusal::MailboxFull));
        }
        Ok(None)
    }

    fn answer(
        &mut self,
        identity: Identity,
        high_water: Seq,
        seq: Seq,
        fate: Fate,
    ) -> Result<(), T::Error> {
        let note = match fate {
            Fate::Ended {
                how: Disposition::Refused(refusal),
                ..
            } => Note::Refused(seq, refusal),
            Fate::Waiting { to, .. } => match self.live(to)? {
                Some((conn, _)) => {
                    self.woken.insert(conn);
                    Note::Plain
                }
                // Rule 25.
                None => Note::Away(seq),
            },
            Fate::Delivered | Fate::Ended { .. } => Note::Plain,
        };
        self.note_accepted(identity, high_water, note);
        Ok(())
    }
}
