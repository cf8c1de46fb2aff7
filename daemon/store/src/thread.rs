//! The thread a store lives on.
//!
//! Owns the store, at most one batch and a bounded queue of reads, and the
//! patience with a disk that fails: the same batch is tried again until it is
//! stored, so that nothing is lost, reordered or stored twice. It answers by
//! calling back on its own thread; what is called must not block.

use std::collections::VecDeque;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use thiserror::Error;
use twine_engine::message::{MessageId, MessageRecord, OrderKey};
use twine_engine::store_ops::{
    Batch, EventCursor, Events, IdentityPosition, Snapshot, StoreOps, Stored,
};
use twine_proto::{E164, Peer};

use crate::error::{StoreError, Trouble};
use crate::limits::{MAX_PAGE_TEXT_BYTES, MAX_WAITING_READS, RETRY_FIRST, RETRY_LONGEST};
use crate::reads::{Conversation, Counts, MessagePage};
use crate::store::SqliteStore;

/// The thread's name, as tools show it.
const NAME: &str = "twine-store";

/// How the store is doing. Told when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreHealth {
    /// Batches are stored.
    Healthy,
    /// A batch cannot be stored at present and is tried again and again.
    Failing {
        /// Since when.
        since: Instant,
        /// What stands in the way.
        trouble: Trouble,
    },
    /// The store is damaged, or the daemon has a bug. No batch is taken any more;
    /// close the store, and salvage it if it is damaged.
    Broken {
        /// What was found.
        reason: String,
    },
}

/// A batch is in flight already: the next one may come when that is answered.
#[derive(Debug, Error)]
#[error("a batch is in flight; submit the next one after its answer")]
pub struct InFlight(
    /// The one that was not taken.
    pub Batch,
);

/// As many reads wait as may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{MAX_WAITING_READS} reads wait for the store; try again later")]
pub struct Busy;

/// How long to wait before a batch that could not be stored is tried again: twice
/// as long each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// The first time.
    pub first: Duration,
    /// At most.
    pub longest: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first: RETRY_FIRST,
            longest: RETRY_LONGEST,
        }
    }
}

type BatchReply = Box<dyn FnOnce(Result<Stored, StoreError>) + Send>;
/// Answers its asker itself; returns what was damaged, if it found damage.
type Read<S> = Box<dyn FnOnce(&S) -> Option<String> + Send>;

/// A store on a thread of its own. Closing it (dropping it) waits for the batch
/// being written; one that cannot be stored by then is given up unanswered, as in
/// a crash.
pub struct StoreThread<S = SqliteStore> {
    desk: Arc<Desk<S>>,
    thread: Option<JoinHandle<()>>,
}

/// Where work is left for the thread.
struct Desk<S> {
    work: Mutex<Work<S>>,
    changed: Condvar,
}

struct Work<S> {
    batch: Option<(Batch, BatchReply)>,
    /// From submit to answer.
    in_flight: bool,
    reads: VecDeque<Read<S>>,
    closed: bool,
}

impl StoreThread {
    /// Opens the store here, then moves it to its thread. Also returns where the
    /// engine starts.
    pub fn open(
        path: impl AsRef<Path>,
        on_health: impl FnMut(StoreHealth) + Send + 'static,
    ) -> Result<(Self, Snapshot), StoreError> {
        let store = SqliteStore::open(path)?;
        let snapshot = store.snapshot()?;
        let thread = Self::start(store, Patience::default(), on_health)?;
        Ok((thread, snapshot))
    }

    /// Reads a page of a conversation, newest first, strictly before `before`.
    pub fn history(
        &self,
        own: E164,
        peer: Peer,
        before: Option<OrderKey>,
        limit: usize,
        reply: impl FnOnce(Result<MessagePage, StoreError>) + Send + 'static,
    ) -> Result<(), Busy> {
        self.read(
            move |store| store.read_history(own, peer, before, limit, MAX_PAGE_TEXT_BYTES),
            reply,
        )
    }

    /// Reads queued and unsettled messages, oldest first, above `after`.
    pub fn outbox(
        &self,
        after: MessageId,
        limit: usize,
        reply: impl FnOnce(Result<MessagePage, StoreError>) + Send + 'static,
    ) -> Result<(), Busy> {
        self.read(
            move |store| store.read_outbox(after, limit, MAX_PAGE_TEXT_BYTES),
            reply,
        )
    }

    /// Reads one message.
    pub fn message(
        &self,
        id: MessageId,
        reply: impl FnOnce(Result<Option<MessageRecord>, StoreError>) + Send + 'static,
    ) -> Result<(), Busy> {
        self.read(move |store| store.message(id), reply)
    }

    /// Reads events behind a cursor.
    pub fn events(
        &self,
        after: EventCursor,
        limit: usize,
        reply: impl FnOnce(Result<Events, StoreError>) + Send + 'static,
    ) -> Result<(), Busy> {
        self.read(move |store| store.events(after, limit), reply)
    }

    /// Reads a page of conversations, newest activity first.
    pub fn conversations(
        &self,
        offset: usize,
        limit: usize,
        reply: impl FnOnce(Result<Vec<Conversation>, StoreError>) + Send + 'static,
    ) -> Result<(), Busy> {
        self.read(move |store| store.conversations(offset, limit), reply)
    }

    /// Reads where every identity stands.
    pub fn identities(
        &self,
        reply: impl FnOnce(Result<Vec<IdentityPosition>, StoreError>) + Send + 'static,
    ) -> Result<(), Busy> {
        self.read(SqliteStore::identities, reply)
    }

    /// Reads how much there is.
    pub fn counts(
        &self,
        reply: impl FnOnce(Result<Counts, StoreError>) + Send + 'static,
    ) -> Result<(), Busy> {
        self.read(SqliteStore::counts, reply)
    }
}

impl<S> StoreThread<S>
where
    S: StoreOps<Error = StoreError> + Send + 'static,
{
    /// Starts a thread for a store that is open.
    pub fn start(
        store: S,
        patience: Patience,
        on_health: impl FnMut(StoreHealth) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let desk = Arc::new(Desk {
            work: Mutex::new(Work {
                batch: None,
                in_flight: false,
                reads: VecDeque::new(),
                closed: false,
            }),
            changed: Condvar::new(),
        });
        let worker = Worker {
            store,
            desk: Arc::clone(&desk),
            patience,
            health: StoreHealth::Healthy,
            on_health: Box::new(on_health),
        };
        let thread = thread::Builder::new()
            .name(NAME.to_owned())
            .spawn(move || worker.run())
            .map_err(StoreError::NoThread)?;
        Ok(Self {
            desk,
            thread: Some(thread),
        })
    }

    /// Hands in the next batch. `reply` is called once: when it is on the disk,
    /// or with the error that ends all batches ([`StoreHealth::Broken`]). While
    /// the disk fails it is not called at all, and reads go on.
    pub fn submit(
        &self,
        batch: Batch,
        reply: impl FnOnce(Result<Stored, StoreError>) + Send + 'static,
    ) -> Result<(), InFlight> {
        let mut work = self.desk.lock();
        if work.in_flight {
            return Err(InFlight(batch));
        }
        work.in_flight = true;
        work.batch = Some((batch, Box::new(reply)));
        drop(work);
        self.desk.changed.notify_one();
        Ok(())
    }

    /// Runs any read between batches, in the order they come.
    pub fn read<T: 'static>(
        &self,
        ask: impl FnOnce(&S) -> Result<T, StoreError> + Send + 'static,
        reply: impl FnOnce(Result<T, StoreError>) + Send + 'static,
    ) -> Result<(), Busy> {
        let mut work = self.desk.lock();
        if work.reads.len() >= MAX_WAITING_READS {
            return Err(Busy);
        }
        work.reads.push_back(Box::new(move |store| {
            let answer = ask(store);
            let damage = match &answer {
                Err(error @ StoreError::Corrupt { .. }) => Some(error.to_string()),
                _ => None,
            };
            reply(answer);
            damage
        }));
        drop(work);
        self.desk.changed.notify_one();
        Ok(())
    }
}

impl<S> Drop for StoreThread<S> {
    fn drop(&mut self) {
        self.desk.lock().closed = true;
        self.desk.changed.notify_one();
        if let Some(thread) = self.thread.take()
            // Dropped by a reply: the thread ends by itself behind it.
            && thread.thread().id() != thread::current().id()
        {
            // It panics only if a reply did, and that was reported there.
            let _ = thread.join();
        }
    }
}

impl<S> fmt::Debug for StoreThread<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let work = self.desk.lock();
        f.debug_struct("StoreThread")
            .field("in_flight", &work.in_flight)
            .field("waiting_reads", &work.reads.len())
            .finish_non_exhaustive()
    }
}

impl<S> Desk<S> {
    /// No work is ever half changed, so a panic elsewhere leaves it usable.
    fn lock(&self) -> MutexGuard<'_, Work<S>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's side.
struct Worker<S> {
    store: S,
    desk: Arc<Desk<S>>,
    patience: Patience,
    health: StoreHealth,
    on_health: Box<dyn FnMut(StoreHealth) + Send>,
}

impl<S: StoreOps<Error = StoreError>> Worker<S> {
    fn run(mut self) {
        loop {
            let (read, batch) = {
                let mut work = self.desk.lock();
                while work.batch.is_none() && work.reads.is_empty() {
                    if work.closed {
                        return;
                    }
                    work = self
                        .desk
                        .changed
                        .wait(work)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                (work.reads.pop_front(), work.batch.take())
            };
            // By turns, so that neither starves the other.
            if let Some(read) = read {
                self.read(read);
            }
            if let Some((batch, reply)) = batch {
                let Some(answer) = self.store(&batch) else {
                    return;
                };
                // Before the reply, which may submit the next one.
                self.desk.lock().in_flight = false;
                reply(answer);
            }
        }
    }

    fn read(&mut self, read: Read<S>) {
        if let Some(reason) = read(&self.store) {
            self.report(StoreHealth::Broken { reason });
        }
    }

    /// Until it is stored or cannot be any more. `None`: closed meanwhile.
    fn store(&mut self, batch: &Batch) -> Option<Result<Stored, StoreError>> {
        let mut pause = self.patience.first;
        loop {
            if let StoreHealth::Broken { reason } = &self.health {
                return Some(Err(StoreError::corrupt(reason.clone())));
            }
            let error = match self.store.apply(batch) {
                Ok(stored) => {
                    self.report(StoreHealth::Healthy);
                    return Some(Ok(stored));
                }
                Err(error) => error,
            };
            let Some(trouble) = error.trouble() else {
                self.report(StoreHealth::Broken {
                    reason: error.to_string(),
                });
                return Some(Err(error));
            };
            let since = match self.health {
                StoreHealth::Failing { since, .. } => since,
                _ => Instant::now(),
            };
            self.report(StoreHealth::Failing { since, trouble });
            if !self.pause(pause) {
                return None;
            }
            pause = (pause * 2).min(self.patience.longest);
        }
    }

    /// Waits, and reads for others meanwhile. `false`: closed.
    fn pause(&mut self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        loop {
            let read = {
                let mut work = self.desk.lock();
                loop {
                    if work.closed {
                        return false;
                    }
                    if let Some(read) = work.reads.pop_front() {
                        break read;
                    }
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return true;
                    }
                    work = self
                        .desk
                        .changed
                        .wait_timeout(work, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0;
                }
            };
            self.read(read);
        }
    }

    fn report(&mut self, health: StoreHealth) {
        // What is broken stays broken until it is opened anew.
        if self.health == health || matches!(self.health, StoreHealth::Broken { .. }) {
            return;
        }
        self.health = health.clone();
        (self.on_health)(health);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use twine_engine::store_ops::{
        BatchId, BootStamp, ClientName, NewOutgoing, Op, Outcome, Token,
    };
    use twine_engine::time::{BootId, WallTime};
    use twine_proto::Redacted;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn large_message() -> Batch {
        Batch {
            id: BatchId(1),
            wall: WallTime(1),
            ops: vec![Op::Enqueue(NewOutgoing {
                id: MessageId(1),
                client: ClientName("app".to_owned()),
                token: Token(vec![1]),
                sender: E164::new(254_712_345_678).unwrap().into(),
                peer: E164::new(254_712_345_679).unwrap().into(),
                text: Redacted::new("x".repeat(50_000)),
                valid_for: None,
                boot: BootStamp {
                    boot: BootId(1),
                    at: twine_engine::time::Instant(0),
                },
                wish: None,
                sms: twine_engine::message::SmsAttempt::NotUsed,
                queue_for_ip: true,
                look: None,
                because: &[],
            })],
        }
    }

    /// What SQLite does when a file must not grow is what it does when the disk
    /// is full.
    #[test]
    fn a_full_disk_delays_a_batch_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("store.db")).unwrap();
        store
            .connection
            .pragma_update(None, "max_page_count", 1)
            .unwrap();
        let (told, health) = channel();
        let patience = Patience {
            first: Duration::from_millis(1),
            longest: Duration::from_millis(1),
        };
        let thread =
            StoreThread::start(store, patience, move |health| told.send(health).unwrap()).unwrap();
        let (answer, answers) = channel();
        thread
            .submit(large_message(), move |stored| answer.send(stored).unwrap())
            .unwrap();
        assert!(matches!(
            health.recv_timeout(LONG).unwrap(),
            StoreHealth::Failing {
                trouble: Trouble::DiskFull,
                ..
            }
        ));
        assert!(answers.try_recv().is_err(), "nothing is said of it");
        // Space is freed.
        thread
            .read(
                |store| {
                    Ok(store
                        .connection
                        .pragma_update(None, "max_page_count", 100_000)?)
                },
                |done| done.unwrap(),
            )
            .unwrap();
        let stored = answers.recv_timeout(LONG).unwrap().unwrap();
        assert!(matches!(stored.outcomes[..], [Outcome::Enqueued { .. }]));
        assert_eq!(health.recv_timeout(LONG).unwrap(), StoreHealth::Healthy);
    }
}
