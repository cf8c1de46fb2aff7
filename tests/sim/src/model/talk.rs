//! Equal texts to one peer within seconds: "ok", "ok", "yes". No text tells them apart, so
//! they are counted: each comes to its end, and they are shown as often as they were sent,
//! once notes have told of all that left by SMS. Before that a mark may be believed that
//! another of them bears (DELIVERY 17).

use std::collections::{BTreeMap, BTreeSet};

use twine_engine::message::{Direction, MessageId, MessageRecord, Shown, WaitsFor};
use twine_engine::store_ops::StoreOps;
use twine_proto::E164;

use super::{Broken, Model, sms, text_of};
use crate::net::HandsetNo;
use crate::store::MemoryStore;

/// What people say several times.
pub const WORDS: [&str; 2] = ["ok", "yes"];

/// From one number to another.
type Lane = (E164, E164, &'static str);

/// One message.
#[derive(Debug)]
struct Said {
    by: HandsetNo,
    no: u64,
    confirmed: Option<MessageId>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Talk {
    /// By the token under which the app hands each in.
    said: BTreeMap<String, (Lane, Said)>,
    /// Words of which Android dropped one that came within the second of another, or the
    /// operator lost one: a note may give its place to the next.
    gone: BTreeSet<(E164, &'static str)>,
    /// What phones took: from whom to whom, in which second of SCTS.
    taken: BTreeSet<(E164, E164, &'static str, u64)>,
}

/// Which of the words it is, whatever an operator did to it.
pub(super) fn word(text: &str) -> Option<&'static str> {
    let text = sms::original(text);
    WORDS.into_iter().find(|word| *word == text)
}

impl Model {
    /// An app hands one in.
    pub fn saying(
        &mut self,
        token: &str,
        (by, own): (HandsetNo, E164),
        to: E164,
        word: &'static str,
    ) {
        let no = self.messages.len() as u64;
        let confirmed = None;
        let said = Said { by, no, confirmed };
        let lane = (own, to, word);
        self.talk.said.insert(token.to_owned(), (lane, said));
    }

    /// The app was told that it is stored; `false`: it is none of these.
    pub(super) fn said(&mut self, token: &str, id: MessageId) -> bool {
        let Some((_, said)) = self.talk.said.get_mut(token) else {
            return false;
        };
        said.confirmed = Some(id);
        true
    }

    /// One to this number is gone for good, and its sender does not know.
    pub fn word_is_gone(&mut self, to: E164, text: &str) {
        self.talk.gone.extend(word(text).map(|word| (to, word)));
    }

    /// A phone has one whole. The second of one second is a repeat to whoever resolves its
    /// sender, whatever form that came in.
    pub fn word_came(&mut self, (from, to): (E164, E164), text: &str, scts_ms: u64) {
        if let Some(word) = word(text)
            && !self.talk.taken.insert((from, to, word, scts_ms))
        {
            self.talk.gone.insert((to, word));
        }
    }

    /// At rest.
    pub(super) fn talk_at_rest(&self, stores: &[&MemoryStore]) -> Result<(), Broken> {
        let mut lanes: BTreeMap<Lane, Vec<&Said>> = BTreeMap::new();
        for (lane, said) in self.talk.said.values() {
            lanes.entry(*lane).or_default().push(said);
        }
        for (lane, said) in lanes {
            let mut delivered = 0;
            for one in &said {
                let shown = self.said_has_ended(lane, one, stores)?;
                let so = matches!(shown, Some(Shown::Delivered | Shown::Read));
                delivered += usize::from(so);
            }
            let (own, to, _) = lane;
            let untold = stores.iter().any(|store| store.has_untold_sms(own, to));
            if !untold && !self.somebody_forgot(lane, &said) {
                self.is_shown_as_often(lane, (delivered, said.len()), stores)?;
            }
        }
        Ok(())
    }

    fn said_has_ended(
        &self,
        (_, _, word): Lane,
        said: &Said,
        stores: &[&MemoryStore],
    ) -> Result<Option<Shown>, Broken> {
        let forgot = self.put_back.contains(&said.by) || self.retired.contains_key(&said.by);
        let Some(id) = said.confirmed.filter(|_| !forgot) else {
            return Ok(None);
        };
        let Ok(record) = stores[said.by].message(id);
        let promise = "what was confirmed is never lost (sender)";
        self.cases.expect(promise, record.is_some(), word)?;
        let Some(record) = record else {
            return Ok(None);
        };
        let ended = match record.shown {
            Shown::Delivered | Shown::Read | Shown::Cancelled | Shown::Failed(_) => true,
            Shown::Sent => record.ip.unsettled().is_none(),
            _ => record.waits_for == Some(WaitsFor::User),
        };
        let promise = "every confirmed message comes to an end";
        self.cases.expect(promise, ended, word)?;
        Ok(Some(record.shown))
    }

    /// Whoever forgot tells no note, or reads none; and what tells of copies may have been
    /// lost with the mail.
    fn somebody_forgot(&self, (own, to, word): Lane, said: &[&Said]) -> bool {
        let no = said.iter().map(|one| one.no).min().unwrap_or(0);
        let later = |at: Option<u64>| at.is_some_and(|at| no <= at);
        later(self.restored_at)
            || later(self.moved.get(&own).copied())
            || later(self.moved.get(&to).copied())
            || said
                .iter()
                .any(|one| self.put_back.contains(&one.by) || self.retired.contains_key(&one.by))
            || self.expired.has(word)
            || self.refusable.may_refuse_notes()
            || self.sms.is_beyond_merging(word)
            || self.sms.is_split(word)
    }

    fn is_shown_as_often(
        &self,
        (own, to, word): Lane,
        (delivered, said): (usize, usize),
        stores: &[&MemoryStore],
    ) -> Result<(), Broken> {
        let is_it = |record: &MessageRecord| {
            record.own == to
                && record.direction == Direction::Incoming
                && record.copy_of.is_none()
                && text_of(record) == word
        };
        let mut there = 0;
        // A card may have been lent: each phone shows what came to it.
        let mut most = 0;
        for store in stores {
            let mut of_it = 0;
            for record in store.incoming().filter(is_it) {
                of_it += usize::from(record.peer.number() == Some(own));
                // Whose sender could not be resolved stands by itself.
                there += usize::from(record.peer.number().is_none());
            }
            there += of_it;
            most = most.max(of_it);
        }
        let is_there = there >= delivered || self.talk.gone.contains(&(to, word));
        let promise = "equal texts are shown as often as they were sent";
        let (own, to) = (own.get(), to.get());
        let of = format_args!("{word} from {own} to {to}: {most} of {said}, {delivered} delivered");
        self.cases.expect(promise, most <= said && is_there, of)
    }
}
