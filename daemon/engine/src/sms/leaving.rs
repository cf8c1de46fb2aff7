//! What an SMS is when it leaves: its text, its parts, and the order for the agent.

use std::hash::{DefaultHasher, Hash, Hasher};

use twine_proto::Redacted;
use twine_sms::mark;
use twine_sms::segment::{ReferenceSize, split};

use super::pacing::Text;
use crate::output::Order;
use crate::sims::Sims;
use crate::store_ops::{HandedSms, SmsJob};

/// What the agent is asked to send.
pub(super) fn order(HandedSms { attempt, job }: HandedSms, sims: &Sims) -> Order {
    let text = leaving(&job, sims);
    let parts = match split(&text, &sims.tables(), ReferenceSize::Bits8) {
        Ok(split) => split
            .parts()
            .map(|part| Redacted::new(part.to_owned()))
            .collect(),
        Err(_) => vec![Redacted::new(text)],
    };
    Order::SendSms {
        attempt,
        iccid: job.iccid,
        to: job.peer,
        parts,
    }
}

/// The text as it leaves: with the mark of an uncertain copy, or without
/// trailing spaces (DELIVERY 17).
pub(super) fn leaving(job: &SmsJob, sims: &Sims) -> String {
    let text = job.text.expose();
    job.lane_seq
        .filter(|_| job.marked)
        .and_then(|lane_seq| mark::mark(text, lane_seq.get(), &sims.tables()))
        .unwrap_or_else(|| mark::plain(text).to_owned())
}

/// It was counted before it was released. If the phone's tables have changed since
/// and it is too long, the agent cannot send it.
pub(super) fn parts_of(text: &str, sims: &Sims) -> u8 {
    match split(text, &sims.tables(), ReferenceSize::Bits8) {
        Ok(split) => split.segments().count,
        Err(_) => u8::MAX,
    }
}

impl Text {
    pub(super) fn of(job: &SmsJob, text: &str) -> Self {
        // For comparing within this run only.
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Self {
            own: job.own,
            peer: job.peer,
            hash: hasher.finish(),
        }
    }
}
