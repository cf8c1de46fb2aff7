//! What the apps know: who sent what when, what was confirmed, what arrived.
//!
//! Owns facts, judges none of them: see [`crate::verdict`]. All times count
//! from the start of the run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use twine_control::pb::MessageState;

use crate::texts::Mark;

/// The profile of a message that was sent while no link was up.
pub const OFFLINE: &str = "offline";

/// One message, from the sender's side.
#[derive(Debug, Clone, PartialEq)]
pub struct SentMessage {
    /// Index of the sender.
    pub from: usize,
    /// Index of the receiver.
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
    /// When the sender's app was told that the receiver has it.
    pub told_delivered: Option<Duration>,
    /// The sender's app was told that it failed.
    pub told_failed: Option<String>,
}

/// One "message received" event that an app took as a new message.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// Index of the receiver.
    pub to: usize,
    /// Its mark, if its text is one of ours, unchanged.
    pub mark: Option<Mark>,
    /// On the receiver's device.
    pub message_id: u64,
    /// When the event came.
    pub at: Duration,
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

    /// The daemon has stored it.
    pub fn confirmed(&self, mark: &Mark) {
        let now = self.now();
        self.change(mark, |message| message.confirmed = Some(now));
    }

    /// The daemon said no.
    pub fn refused(&self, mark: &Mark, why: String) {
        self.change(mark, |message| message.refused = Some(why));
    }

    /// The sender's app was told a new state.
    pub fn told(&self, mark: &Mark, state: MessageState, failure: &str) {
        let now = self.now();
        self.change(mark, |message| match state {
            MessageState::Delivered | MessageState::Read => {
                message.told_delivered.get_or_insert(now);
            }
            MessageState::Failed => message.told_failed = Some(failure.to_owned()),
            _ => {}
        });
    }

    /// An app took a message as new.
    pub fn arrived(&self, to: usize, text: &str, message_id: u64) {
        let at = self.now();
        let mut facts = self.lock();
        let mark = Mark::find(text)
            .filter(|mark| facts.sent.get(mark).is_some_and(|sent| sent.text == text));
        facts.arrivals.push(Arrival {
            to,
            mark,
            message_id,
            at,
        });
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
            told: count(|message| message.told_delivered.is_some()),
            refused: count(|message| message.refused.is_some()),
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
