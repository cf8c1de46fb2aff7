//! What the apps know: who sent what when, what was confirmed, what arrived.
//!
//! Owns facts, judges none of them: see [`crate::verdict`]. All times count
//! from the start of the run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use twine_control::pb::{self, Channel, MessageState};

use crate::texts::Mark;

/// The profile of a message that was sent while no link was up.
pub const OFFLINE: &str = "offline";

/// One message, from the sender's side.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SentMessage {
    /// The sending party.
    pub from: usize,
    /// The receiving party.
    pub to: usize,
    /// All of it, with the mark.
    pub text: String,
    /// The sender's link when it was sent; `None`: no link was up.
    pub link: Option<String>,
    /// That link's profile, or [`OFFLINE`].
    pub profile: String,
    /// When the app asked first.
    pub requested: Duration,
    /// When the daemon said that it is stored.
    pub confirmed: Option<Duration>,
    /// How often the app repeated the request, not knowing its result.
    pub repeats: u32,
    /// The daemon said no, for good.
    pub refused: Option<String>,
    /// The sender's device-local id.
    pub message_id: u64,
    /// When the sender's app was told that the receiver has it.
    pub told_delivered: Option<Duration>,
    /// The sender's app was told that it failed, and nothing else since.
    pub told_failed: Option<String>,
    /// What it waits for, as the sender's app was told last; empty: nothing
    /// special.
    pub waits_for: String,
    /// The sender's app was told that all its parts left by SMS: no more may come,
    /// for operators need not report.
    pub sent_by_sms: bool,
}

impl SentMessage {
    /// Nothing more need be told of it.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        self.told_delivered.is_some() || self.sent_by_sms
    }

    /// It failed, or waits for its user to decide. What waits for a card or a
    /// network goes on by itself.
    #[must_use]
    pub fn may_be_retried(&self) -> bool {
        self.told_delivered.is_none() && (self.told_failed.is_some() || self.waits_for == "user")
    }
}

/// One "message received" event that an app took as a new message, or a message
/// in the inbox of a plain phone.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// The receiving party.
    pub to: usize,
    /// Its mark, if its text is one of ours, unchanged but for spaces at the end.
    pub mark: Option<Mark>,
    /// On the receiver's device.
    pub message_id: u64,
    /// When the event came.
    pub at: Duration,
    /// How it came.
    pub came_by: Channel,
    /// It turned out to be a copy of this message: one of them is shown.
    pub copy_of: Option<u64>,
}

/// The user had a conversation's SMS leave by one card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// When it was asked for.
    pub at: Duration,
    /// Index of the handset.
    pub handset: usize,
    /// The peer's number.
    pub peer: String,
    /// The card.
    pub iccid: String,
}

/// All facts of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// By mark.
    pub sent: BTreeMap<Mark, SentMessage>,
    /// In the order of their events.
    pub arrivals: Vec<Arrival>,
    /// Events that came again after a break, as they may.
    pub events_repeated: u64,
    /// Times an app was told that it missed events.
    pub resyncs: u64,
    /// Events "merged".
    pub merged: u64,
    /// Events "unmerged".
    pub unmerged: u64,
    /// Events "reordered".
    pub reordered: u64,
    /// In the order of time.
    pub pinned: Vec<Pinned>,
}

impl Facts {
    /// Messages that a receiver is shown twice now.
    #[must_use]
    pub fn shown_twice(&self) -> usize {
        let shown = self.arrivals.iter().filter(|one| one.copy_of.is_none());
        let mut shown: Vec<_> = shown.filter_map(|one| one.mark.as_ref()).collect();
        let all = shown.len();
        shown.sort_unstable();
        shown.dedup();
        all - shown.len()
    }
}

/// Running counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Asked for.
    pub requested: usize,
    /// Stored by the sender's daemon.
    pub confirmed: usize,
    /// Received by the receiver's app.
    pub received: usize,
    /// The sender's app knows.
    pub told: usize,
    /// Refused for good.
    pub refused: usize,
    /// Shown twice to their receivers now.
    pub twice: usize,
}

impl Counts {
    /// Confirmed and not received.
    #[must_use]
    pub const fn on_the_way(self) -> usize {
        self.confirmed.saturating_sub(self.received)
    }
}

/// The facts, shared by the apps.
#[derive(Debug, Clone)]
pub struct Ledger {
    started: Instant,
    facts: Arc<Mutex<Facts>>,
}

impl Ledger {
    /// An empty one; time starts now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            facts: Arc::default(),
        }
    }

    /// Time since the start.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// When it started.
    #[must_use]
    pub const fn started(&self) -> Instant {
        self.started
    }

    /// An app asks its daemon to send.
    pub fn requested(&self, mark: &Mark, message: SentMessage) {
        self.lock().sent.insert(mark.clone(), message);
    }

    /// The result of a request is not known; it will be repeated.
    pub fn repeated(&self, mark: &Mark) {
        self.change(mark, |message| message.repeats += 1);
    }

    /// The daemon has stored it, under this id.
    pub fn confirmed(&self, mark: &Mark, message_id: u64) {
        let now = self.now();
        self.change(mark, |message| {
            message.confirmed = Some(now);
            message.message_id = message_id;
        });
    }

    /// The daemon said no.
    pub fn refused(&self, mark: &Mark, why: String) {
        self.change(mark, |message| message.refused = Some(why));
    }

    /// The sender's app was told a new state of a message.
    pub fn told(&self, mark: &Mark, state: MessageState, as_now: &pb::Message) {
        let now = self.now();
        let sms = as_now.sms.as_ref().map_or("", |sms| sms.state.as_str());
        self.change(mark, |message| {
            message.message_id = as_now.message_id;
            message.waits_for.clone_from(&as_now.waits_for);
            message.sent_by_sms = matches!(sms, "sent" | "delivered" | "unconfirmed");
            message.told_failed = None;
            match state {
                MessageState::Delivered | MessageState::Read => {
                    message.told_delivered.get_or_insert(now);
                }
                MessageState::Failed => message.told_failed = Some(as_now.failure.clone()),
                _ => {}
            }
        });
    }

    /// An app took a message as new.
    pub fn arrived(&self, to: usize, text: &str, message_id: u64, came_by: Channel) {
        let at = self.now();
        let mut facts = self.lock();
        let text = text.trim_end_matches(' ');
        let mark = Mark::find(text).filter(|mark| {
            let sent = facts.sent.get(mark);
            sent.is_some_and(|sent| sent.text == text)
        });
        facts.arrivals.push(Arrival {
            to,
            mark,
            message_id,
            at,
            came_by,
            copy_of: None,
        });
    }

    /// A message turned out to be a copy of another.
    pub fn merged(&self, to: usize, message_id: u64, into: u64) {
        let mut facts = self.lock();
        facts.merged += 1;
        link(&mut facts, to, message_id, Some(into));
    }

    /// It is a message of its own after all.
    pub fn unmerged(&self, to: usize, message_id: u64) {
        let mut facts = self.lock();
        facts.unmerged += 1;
        link(&mut facts, to, message_id, None);
    }

    /// A message got another place.
    pub fn reordered(&self) {
        self.lock().reordered += 1;
    }

    /// The user has a conversation's SMS leave by this card.
    pub fn pinned(&self, handset: usize, peer: &str, iccid: &str) {
        let at = self.now();
        self.lock().pinned.push(Pinned {
            at,
            handset,
            peer: peer.to_owned(),
            iccid: iccid.to_owned(),
        });
    }

    /// Messages from one party to another for whose fate the user may decide.
    #[must_use]
    pub fn to_decide(&self, from: usize, to: usize) -> Vec<(Mark, u64)> {
        let facts = self.lock();
        let between = facts
            .sent
            .iter()
            .filter(|(_, sent)| (sent.from, sent.to) == (from, to) && sent.may_be_retried());
        between
            .map(|(mark, sent)| (mark.clone(), sent.message_id))
            .collect()
    }

    /// An event came again.
    pub fn event_repeated(&self) {
        self.lock().events_repeated += 1;
    }

    /// An app missed events.
    pub fn resync(&self) {
        self.lock().resyncs += 1;
    }

    /// All facts up to now.
    #[must_use]
    pub fn facts(&self) -> Facts {
        self.lock().clone()
    }

    /// How far it is.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let facts = self.lock();
        let mut received: Vec<_> = facts
            .arrivals
            .iter()
            .filter_map(|arrival| arrival.mark.as_ref())
            .collect();
        received.sort_unstable();
        received.dedup();
        let count = |wanted: fn(&SentMessage) -> bool| {
            facts
                .sent
                .values()
                .filter(|message| wanted(message))
                .count()
        };
        Counts {
            requested: facts.sent.len(),
            confirmed: count(|message| message.confirmed.is_some()),
            received: received.len(),
            told: count(SentMessage::is_told),
            refused: count(|message| message.refused.is_some()),
            twice: facts.shown_twice(),
        }
    }

    fn change(&self, mark: &Mark, change: impl FnOnce(&mut SentMessage)) {
        if let Some(message) = self.lock().sent.get_mut(mark) {
            change(message);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Facts> {
        // No change under this lock can stop half-way.
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Linked copies: whoever referred to the copy refers to the other now.
fn link(facts: &mut Facts, to: usize, message_id: u64, into: Option<u64>) {
    let arrivals = facts.arrivals.iter_mut().filter(|one| one.to == to);
    for arrival in arrivals {
        let is_it = arrival.message_id == message_id;
        if is_it || (into.is_some() && arrival.copy_of == Some(message_id)) {
            arrival.copy_of = into;
        }
    }
}
