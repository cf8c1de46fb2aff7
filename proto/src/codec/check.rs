//! The checks that fields have in common, each an error that names its place.

use bytes::Bytes;

use super::error::DecodeError;
use crate::content::OpaqueContent;
use crate::frame::{Disposition, Refusal, RejectReason};
use crate::ids::{Cursor, E164, Epoch, LaneSeq, Seq, Slot};
use crate::limits::{MAX_CONTENT_BYTES, MAX_COUNTER, MAX_SEQS_PER_FRAME, MAX_SLOTS};
use crate::wire_pb as pb;

/// Checks fields of one frame, and names that frame in errors.
#[derive(Clone, Copy)]
pub(super) struct Check(pub(super) &'static str);

type Result<T> = std::result::Result<T, DecodeError>;

impl Check {
    pub(super) fn range(self, field: &'static str, got: u64, min: u64, max: u64) -> Result<u64> {
        if (min..=max).contains(&got) {
            Ok(got)
        } else {
            Err(DecodeError::OutOfRange {
                frame: self.0,
                field,
                got,
                min,
                max,
            })
        }
    }

    /// A counter where 0 says "none".
    pub(super) fn counter(self, field: &'static str, got: u64) -> Result<u64> {
        self.range(field, got, 0, MAX_COUNTER)
    }

    pub(super) fn seq(self, field: &'static str, got: u64) -> Result<Seq> {
        self.range(field, got, 1, MAX_COUNTER).map(Seq)
    }

    pub(super) fn seqs(self, field: &'static str, got: &[u64]) -> Result<Vec<Seq>> {
        got.iter().map(|seq| self.seq(field, *seq)).collect()
    }

    /// A seq where 0 says "not told".
    pub(super) fn optional_seq(self, field: &'static str, got: u64) -> Result<Option<Seq>> {
        if got == 0 {
            Ok(None)
        } else {
            self.seq(field, got).map(Some)
        }
    }

    /// A cursor of an entry, so not 0.
    pub(super) fn cursor(self, field: &'static str, got: u64) -> Result<Cursor> {
        self.range(field, got, 1, MAX_COUNTER).map(Cursor)
    }

    /// The place of a message, or 0 for a note without one.
    pub(super) fn lane_seq(self, field: &'static str, got: u64) -> Result<LaneSeq> {
        self.counter(field, got).map(LaneSeq)
    }

    pub(super) fn epoch(self, field: &'static str, got: u32) -> Result<Epoch> {
        self.range(field, got.into(), 1, u32::MAX.into())?;
        Ok(Epoch(got))
    }

    pub(super) fn slot(self, field: &'static str, got: u32) -> Result<Slot> {
        self.range(field, got.into(), 0, MAX_SLOTS as u64 - 1)?;
        Ok(Slot(got))
    }

    pub(super) fn number(self, field: &'static str, got: u64) -> Result<E164> {
        E164::new(got).map_err(|source| DecodeError::Number {
            frame: self.0,
            field,
            source,
        })
    }

    pub(super) fn content(self, field: &'static str, got: Bytes) -> Result<OpaqueContent> {
        self.bytes(field, got.len(), MAX_CONTENT_BYTES)?;
        // The same limit again; named above with its place.
        OpaqueContent::new(got).map_err(|_| self.shape(field, "must be within the limit"))
    }

    /// Length of a text or content.
    pub(super) fn bytes(self, field: &'static str, got: usize, max: usize) -> Result<()> {
        if got <= max {
            Ok(())
        } else {
            Err(DecodeError::TooLong {
                frame: self.0,
                field,
                got,
                max,
            })
        }
    }

    /// Length of a list.
    pub(super) fn count(self, field: &'static str, got: usize, max: usize) -> Result<()> {
        if got <= max {
            Ok(())
        } else {
            Err(DecodeError::TooMany {
                frame: self.0,
                field,
                got,
                max,
            })
        }
    }

    /// Length of all lists of seqs in the frame together.
    pub(super) fn seq_count(self, field: &'static str, got: usize) -> Result<()> {
        self.count(field, got, MAX_SEQS_PER_FRAME)
    }

    /// Final outcomes by seq. An unknown code is an error: left out, the seq
    /// would never be settled.
    pub(super) fn dispositions(
        self,
        field: &'static str,
        got: &[pb::Disposition],
    ) -> Result<Vec<(Seq, Disposition)>> {
        got.iter()
            .map(|entry| {
                let outcome = disposition(entry.code).ok_or(DecodeError::Code {
                    frame: self.0,
                    field,
                    got: entry.code,
                    allowed: "REFUSED_*, WAS_REVOKED, EXPIRED, REJECTED_*",
                })?;
                Ok((self.seq(field, entry.seq)?, outcome))
            })
            .collect()
    }

    /// Refusals by seq. An unknown code is an error: left out, the seq would
    /// look accepted (DELIVERY 5).
    pub(super) fn refusals(
        self,
        field: &'static str,
        got: &[pb::Disposition],
    ) -> Result<Vec<(Seq, Refusal)>> {
        got.iter()
            .map(|entry| match disposition(entry.code) {
                Some(Disposition::Refused(refusal)) => Ok((self.seq(field, entry.seq)?, refusal)),
                _ => Err(DecodeError::Code {
                    frame: self.0,
                    field,
                    got: entry.code,
                    allowed: "REFUSED_*",
                }),
            })
            .collect()
    }

    pub(super) fn rejection(self, field: &'static str, got: i32) -> Result<RejectReason> {
        match disposition(got) {
            Some(Disposition::Rejected(reason)) => Ok(reason),
            _ => Err(DecodeError::Code {
                frame: self.0,
                field,
                got,
                allowed: "REJECTED_*",
            }),
        }
    }

    pub(super) fn shape(self, field: &'static str, allowed: &'static str) -> DecodeError {
        DecodeError::Shape {
            frame: self.0,
            field,
            allowed,
        }
    }
}

fn disposition(code: i32) -> Option<Disposition> {
    use pb::DispositionCode as Code;
    Some(match Code::try_from(code).ok()? {
        Code::DispositionUnspecified => return None,
        Code::RefusedUnknownRecipient => Disposition::Refused(Refusal::UnknownRecipient),
        Code::RefusedMailboxFull => Disposition::Refused(Refusal::MailboxFull),
        Code::RefusedTooLarge => Disposition::Refused(Refusal::TooLarge),
        Code::RefusedByPolicy => Disposition::Refused(Refusal::Policy),
        Code::WasRevoked => Disposition::Revoked,
        Code::Expired => Disposition::Expired,
        Code::RejectedUnreadable => Disposition::Rejected(RejectReason::Unreadable),
        Code::RejectedConflict => Disposition::Rejected(RejectReason::Conflict),
    })
}
