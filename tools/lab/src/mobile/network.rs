//! The mobile networks as a task: the machine with a clock, and a line to each
//! phone's apps.
//!
//! Owns what waits for apps. A message is kept until its broadcast is finished;
//! results and reports die with the process that asked for them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use super::plan::{Coverage, OperatorPlan, PhonePlan};
use super::{Call, CallId, Mobile, MobileCounts, SentSms, Told};
use crate::journal::{Journal, Topic};
use crate::limits::MAX_BROADCASTS;

/// The running networks. Clones are the same networks; they end with the last.
#[derive(Debug, Clone)]
pub struct Network {
    shared: Arc<Shared>,
    _task: Arc<Task>,
}

#[derive(Debug)]
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Debug)]
struct Shared {
    started: Instant,
    state: Mutex<State>,
    /// The machine has something to do.
    due: Notify,
    /// By phone: its apps have something to hear.
    told: Vec<Notify>,
}

#[derive(Debug)]
struct State {
    mobile: Mobile,
    waiting: Vec<VecDeque<Told>>,
    dropped: u64,
    journal: Option<Journal>,
}

impl Network {
    /// Starts them; needs a tokio runtime.
    #[must_use]
    pub fn start(operators: &[OperatorPlan], phones: &[PhonePlan], seed: u64) -> Self {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let wall_s = wall.map_or(0, |wall| wall.as_secs() as i64);
        let shared = Arc::new(Shared {
            started: Instant::now(),
            state: Mutex::new(State {
                mobile: Mobile::new(operators.to_vec(), phones, seed, wall_s),
                waiting: phones.iter().map(|_| VecDeque::new()).collect(),
                dropped: 0,
                journal: None,
            }),
            due: Notify::new(),
            told: phones.iter().map(|_| Notify::new()).collect(),
        });
        let task = tokio::spawn(drive(Arc::clone(&shared)));
        Self {
            shared,
            _task: Arc::new(Task(task.abort_handle())),
        }
    }

    /// From now on, what happens is written there.
    pub fn set_journal(&self, journal: Journal) {
        self.lock().journal = Some(journal);
    }

    /// Where what happens is written, if anywhere yet.
    pub(crate) fn journal(&self) -> Option<Journal> {
        self.lock().journal.clone()
    }

    /// When time began for the networks.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.shared.started
    }

    /// The apps' side of a phone.
    #[must_use]
    pub fn line(&self, phone: usize) -> Line {
        Line {
            network: self.clone(),
            phone,
        }
    }

    /// Every call of SmsManager so far; times count from [`started`](Self::started).
    #[must_use]
    pub fn sent(&self) -> Vec<SentSms> {
        self.lock().mobile.sent().to_vec()
    }

    /// The counts so far.
    #[must_use]
    pub fn counts(&self) -> MobileCounts {
        let state = self.lock();
        let mut counts = state.mobile.counts();
        counts.dropped += state.dropped;
        counts
    }

    /// The radio of a slot gets better or worse.
    pub fn set_coverage(&self, phone: usize, slot: usize, coverage: Coverage) {
        self.change(|mobile, now| mobile.set_coverage(now, phone, slot, coverage));
    }

    /// The user turns a phone's radio off or on.
    pub fn set_flight_mode(&self, phone: usize, on: bool) {
        self.change(|mobile, now| mobile.set_flight_mode(now, phone, on));
    }

    /// A card is put into a slot of a phone, or taken out.
    pub fn move_card(&self, iccid: &str, to: Option<(usize, usize)>) {
        self.change(|mobile, now| mobile.move_card(now, iccid, to));
    }

    /// A card's balance, in millionths; `None`: it never runs out.
    pub fn set_balance(&self, iccid: &str, micros: Option<u64>) {
        self.change(|mobile, _| mobile.set_balance(iccid, micros));
    }

    /// Looks at the machine.
    pub fn look<R>(&self, look: impl FnOnce(&Mobile) -> R) -> R {
        look(&self.lock().mobile)
    }

    fn change<R>(&self, change: impl FnOnce(&mut Mobile, Duration) -> R) -> R {
        let now = self.shared.started.elapsed();
        let result = change(&mut self.lock().mobile, now);
        self.shared.due.notify_one();
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.shared)
    }
}

/// What the apps of one phone have of its framework. One app at a time listens.
#[derive(Debug, Clone)]
pub struct Line {
    network: Network,
    phone: usize,
}

impl Line {
    /// `sendMultipartTextMessage` of the subscription with this card.
    pub fn send(&self, id: CallId, iccid: &str, to: &str, parts: &[String]) {
        let call = Call {
            phone: self.phone,
            id,
            iccid,
            to,
            parts,
        };
        self.network.change(|mobile, now| mobile.send(now, call));
    }

    /// What is told next; told again until it is [`finished`](Self::finish).
    pub async fn next(&self) -> Told {
        loop {
            let told = &self.network.shared.told[self.phone];
            if let Some(next) = self.next_now() {
                return next;
            }
            // A permit is kept if it came in between.
            told.notified().await;
        }
    }

    /// What would be told next, if there is something already.
    #[must_use]
    pub fn next_now(&self) -> Option<Told> {
        self.network.lock().waiting[self.phone].front().cloned()
    }

    /// The broadcast that [`next`](Self::next) returned is finished.
    pub fn finish(&self) {
        self.network.lock().waiting[self.phone].pop_front();
    }

    /// The app's process is gone: results and reports that it waited for are told
    /// to nobody. Messages are kept for the next one.
    pub fn forget_calls(&self) {
        self.network
            .change(|mobile, _| mobile.forget_calls(self.phone));
        self.network.lock().waiting[self.phone].retain(|told| matches!(told, Told::Message(_)));
    }
}

async fn drive(shared: Arc<Shared>) {
    loop {
        let next = {
            let mut state = lock(&shared);
            let now = shared.started.elapsed();
            while let Some((phone, told)) = state.mobile.poll(now) {
                if state.waiting[phone].len() >= MAX_BROADCASTS {
                    state.dropped += 1;
                    continue;
                }
                state.waiting[phone].push_back(told);
                shared.told[phone].notify_one();
            }
            while let Some(happening) = state.mobile.poll_happening() {
                if let Some(journal) = &state.journal {
                    journal.note(Topic::Sms, &happening.who, happening.what);
                }
            }
            state.mobile.poll_timeout()
        };
        match next {
            Some(at) => {
                tokio::select! {
                    () = sleep_until(shared.started + at) => {}
                    () = shared.due.notified() => {}
                }
            }
            None => shared.due.notified().await,
        }
    }
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    // No change under this lock can stop half-way.
    shared.state.lock().unwrap_or_else(PoisonError::into_inner)
}
