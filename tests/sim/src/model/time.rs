//! What time may do, and when (DELIVERY 23, 25).

use std::collections::{BTreeMap, BTreeSet};

use twine_engine::message::MessageRecord;

use super::{Broken, Model, text_of};
use crate::net::HandsetNo;

/// After a reconnect no deadline acts for so long at least (DELIVERY 23).
const GRACE_MS: u64 = 3_000;
/// What is older leaves as an uncertain copy only if its user says so (DELIVERY 25).
pub(super) const ASK_AFTER_MS: u64 = 3_600_000;
/// By which the user has said so before.
const WISHES: [&str; 2] = ["the user wished for SMS", "the setting is SMS only"];

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Timing {
    /// When the present run of each phone's daemon was welcomed last.
    live_since: BTreeMap<HandsetNo, (u64, u64)>,
    /// When a daemon stored a message first.
    stored: BTreeMap<String, u64>,
    /// When its user wrote it: it may lie before a slow disk.
    asked: BTreeMap<String, u64>,
    /// What its user wished to go by SMS, at its first decision: later ones do not say
    /// so again.
    wished: BTreeSet<String>,
}

impl Timing {
    /// When its user wrote it: its age is from then, or later.
    pub(super) fn asked_ms(&self, text: &str) -> Option<u64> {
        self.asked.get(text).copied()
    }
}

impl Model {
    /// This run of a phone's daemon has a session.
    pub fn live(&mut self, handset: HandsetNo, run: u64, now_ms: u64) {
        self.timing.live_since.insert(handset, (run, now_ms));
        self.hears_of_itself(handset, now_ms);
    }

    /// A user writes a message.
    pub fn writes(&mut self, text: &str, now_ms: u64) {
        if !self.timing.asked.contains_key(text) {
            self.timing.asked.insert(text.to_owned(), now_ms);
        }
    }

    /// A daemon has stored a message.
    pub fn stored(&mut self, text: &str, now_ms: u64) {
        if !self.timing.stored.contains_key(text) {
            self.timing.stored.insert(text.to_owned(), now_ms);
        }
    }

    /// A daemon decides that an SMS leaves, or that a message is asked back for one.
    pub fn deadline_acts(
        &self,
        handset: HandsetNo,
        run: u64,
        now_ms: u64,
        what: impl std::fmt::Display,
    ) -> Result<(), Broken> {
        let Some((of, since)) = self.timing.live_since.get(&handset) else {
            return Ok(());
        };
        if *of != run {
            return Ok(());
        }
        let promise = "no deadline acts in the grace after a reconnect";
        self.cases.expect(promise, now_ms >= since + GRACE_MS, what)
    }

    /// A daemon decides that a message is to go by SMS, and this is how it stands.
    pub fn goes_by_sms(
        &mut self,
        record: &MessageRecord,
        because: &[&str],
        began_ms: u64,
        now_ms: u64,
    ) -> Result<(), Broken> {
        let text = text_of(record);
        let (Some(sent), Some(stored)) = (self.messages.get(&text), self.timing.stored.get(&text))
        else {
            return Ok(());
        };
        if record.ip.unsettled().is_none() || sent.doubted {
            return Ok(());
        }
        // Ages start again with each boot, when the daemon begins in it (DELIVERY 24).
        let age_ms = now_ms.saturating_sub(began_ms.max(*stored));
        if because.iter().any(|why| WISHES.contains(why)) {
            self.timing.wished.insert(text.clone());
        }
        let asked = self.timing.wished.contains(&text) || sent.asked_again > 0;
        let promise = "after an hour only the user makes an uncertain copy";
        self.cases
            .expect(promise, age_ms <= ASK_AFTER_MS || asked, text)
    }
}
