//! What fails has a cause: whoever says that a message failed must be right about why.
//!
//! Looked for in both attempt records, not only in what the app is shown: a refusal
//! without a cause is one also where an SMS made good for it.

use std::collections::{BTreeMap, BTreeSet};

use twine_engine::message::{Failure, IpAttempt, MessageRecord, Shown, SmsAttempt, TakeBack};
use twine_engine::store_ops::StoreOps;
use twine_proto::frame::{Refusal, RejectReason};
use twine_proto::{E164, Seq};

use super::{Broken, Model, Sent};
use crate::poison;
use crate::store::MemoryStore;

/// A note of all its entries, and the envelope, take so many bytes at most.
const BESIDE_THE_TEXT: usize = 400;

/// What the gateway of this world may refuse.
#[derive(Debug, Default)]
pub(super) struct Refusable {
    /// Numbers that are bound to a phone, and how many messages had been written when
    /// they first were.
    bound: BTreeMap<E164, u64>,
    /// Its mailboxes are small.
    small_mailboxes: bool,
    /// Numbers and what they sent under these seqs, which found a mailbox full.
    found_full: BTreeSet<(E164, Seq)>,
    /// The longest content it takes, if that is not what a frame holds.
    content_bytes: Option<usize>,
}

impl Refusable {
    /// A note may be refused, and what it tells with it.
    pub(super) fn may_refuse_notes(&self) -> bool {
        self.small_mailboxes || !self.found_full.is_empty()
    }
}

impl Model {
    /// The gateway knows a phone of this number from now on.
    pub fn bound(&mut self, number: E164) {
        let no = self.messages.len() as u64;
        self.refusable.bound.entry(number).or_insert(no);
    }

    /// A mailbox of its gateway holds few messages.
    pub fn mailboxes_are_small(&mut self) {
        self.refusable.small_mailboxes = true;
    }

    /// What this number sent under a seq found a mailbox full.
    pub fn found_full(&mut self, own: E164, seq: Seq) {
        self.refusable.found_full.insert((own, seq));
    }

    /// The last note that named it was refused: no other leaves for its sake alone before
    /// the next session, as a gateway that refuses notes is not asked again and again.
    pub(super) fn is_in_a_refused_note(&self, sent: &Sent, stores: &[&MemoryStore]) -> bool {
        let store = stores[sent.from];
        let Some((own, noted)) = sent.confirmed.and_then(|id| {
            let Ok(record) = store.message(id);
            Some((record?.own, store.noted_last(id)?))
        }) else {
            return false;
        };
        self.refusable.found_full.contains(&(own, noted.seq))
    }

    /// Its gateway takes contents of so many bytes.
    pub fn contents_are_short(&mut self, bytes: usize) {
        self.refusable.content_bytes = Some(bytes);
    }

    /// Of a message at rest.
    pub(super) fn failed_for_a_cause(
        &self,
        text: &str,
        sent: &Sent,
        record: &MessageRecord,
    ) -> Result<(), Broken> {
        let promise = "what fails has a cause";
        let by_ip = match record.ip {
            // Of two phones with one store either is told what the other's became.
            IpAttempt::Refused(refusal) => {
                Some(self.may_refuse(refusal, text, sent) || self.is_beyond_knowing(sent))
            }
            IpAttempt::Expired => Some(self.expired.has(text)),
            IpAttempt::Rejected(RejectReason::Unreadable) => Some(poison::of(text).is_some()),
            // Names that are given twice are another promise's.
            IpAttempt::Rejected(RejectReason::Conflict) => Some(self.names_may_repeat(sent.from)),
            IpAttempt::Revoked(TakeBack::Expired) => Some(sent.valid_until_ms.is_some()),
            IpAttempt::None
            | IpAttempt::InFlight(_)
            | IpAttempt::Accepted(_)
            | IpAttempt::Delivered(_)
            | IpAttempt::Revoked(TakeBack::Cancelled | TakeBack::BySms) => None,
        };
        if let Some(has_cause) = by_ip {
            self.cases.expect(promise, has_cause, text)?;
        }
        if record.sms.state == SmsAttempt::Failed {
            let has_cause = self.sms.has_failed(text);
            self.cases.expect(promise, has_cause, text)?;
        }
        if record.shown == Shown::Failed(Failure::SmsFailed) {
            // A phone that was put back forgot why it had asked it back.
            let tried = record.sms.state == SmsAttempt::Failed || sent.doubted;
            self.cases.expect(promise, tried, text)?;
        }
        Ok(())
    }

    fn may_refuse(&self, refusal: Refusal, text: &str, sent: &Sent) -> bool {
        let Refusable {
            bound,
            small_mailboxes,
            content_bytes,
            ..
        } = &self.refusable;
        match refusal {
            Refusal::UnknownRecipient => bound.get(&sent.to).is_none_or(|no| sent.no < *no),
            Refusal::MailboxFull => *small_mailboxes,
            Refusal::TooLarge => {
                content_bytes.is_some_and(|most| text.len() + BESIDE_THE_TEXT > most)
            }
            // Its core has no policy.
            Refusal::Policy => false,
        }
    }
}
