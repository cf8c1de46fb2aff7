//! What may have lain at the gateway until its time was over (DELIVERY 13).

use std::collections::BTreeSet;

use twine_proto::E164;

use super::Model;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Expired {
    texts: BTreeSet<String>,
    /// Numbers to which a read mark was not told in time.
    marks_for: BTreeSet<E164>,
}

impl Expired {
    /// Whether this message did, under any of its numbers.
    pub(super) fn has(&self, text: &str) -> bool {
        self.texts.contains(text)
    }

    /// Whether a read mark for this sender did.
    pub(super) fn has_mark_for(&self, sender: E164) -> bool {
        self.marks_for.contains(&sender)
    }
}

impl Model {
    /// A message is too old for the gateway to keep.
    pub fn expires(&mut self, text: &str) {
        if !self.expired.has(text) {
            self.expired.texts.insert(text.to_owned());
        }
    }

    /// So is a read mark for this number.
    pub fn mark_expires(&mut self, sender: E164) {
        self.expired.marks_for.insert(sender);
    }
}
