//! The store's thread: one batch at a time, patience, and what it says of itself.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use twine_engine::message::{MessageId, MessageRecord, OrderKey};
use twine_engine::store_ops::{
    Batch, BatchId, EventCursor, Events, NextDue, Op, Outcome, Snapshot, StoreOps, Stored,
};
use twine_engine::time::WallTime;
use twine_proto::{E164, Peer};
use twine_store::{Busy, Patience, StoreError, StoreHealth, StoreThread, Trouble, limits};

use crate::common::{EPOCH, new_message, own, peer};

/// Nothing here takes long; a test that waits for this has failed.
const LONG: Duration = Duration::from_secs(20);

const IMPATIENT: Patience = Patience {
    first: Duration::from_millis(1),
    longest: Duration::from_millis(2),
};

/// A store that does as it is told: answers with what is in its script, then
/// stores.
struct Scripted {
    script: VecDeque<StoreError>,
    applied: Arc<Mutex<Vec<u64>>>,
    /// Waits for a word before each batch.
    gate: Option<Receiver<()>>,
    damaged: bool,
}

impl Scripted {
    fn new(script: impl IntoIterator<Item = StoreError>) -> Self {
        Self {
            script: script.into_iter().collect(),
            applied: Arc::default(),
            gate: None,
            damaged: false,
        }
    }

    fn gated() -> (Self, Sender<()>) {
        let (open, gate) = channel();
        let store = Self {
            gate: Some(gate),
            ..Self::new([])
        };
        (store, open)
    }
}

impl StoreOps for Scripted {
    type Error = StoreError;

    fn snapshot(&self) -> Result<Snapshot, StoreError> {
        if self.damaged {
            return Err(StoreError::Corrupt {
                what: "a page".to_owned(),
            });
        }
        Ok(Snapshot::default())
    }

    fn apply(&mut self, batch: &Batch) -> Result<Stored, StoreError> {
        if let Some(gate) = &self.gate {
            gate.recv_timeout(LONG).unwrap();
        }
        if let Some(error) = self.script.pop_front() {
            return Err(error);
        }
        self.applied.lock().unwrap().push(batch.id.0);
        Ok(Stored {
            id: batch.id,
            outcomes: Vec::new(),
            latest_event: EventCursor(0),
            outbox: 0,
            due: NextDue::default(),
        })
    }

    fn message(&self, _: MessageId) -> Result<Option<MessageRecord>, StoreError> {
        Ok(None)
    }

    fn history(
        &self,
        _: E164,
        _: Peer,
        _: Option<OrderKey>,
        _: usize,
    ) -> Result<Vec<MessageRecord>, StoreError> {
        Ok(Vec::new())
    }

    fn outbox(&self, _: MessageId, _: usize) -> Result<Vec<MessageRecord>, StoreError> {
        Ok(Vec::new())
    }

    fn events(&self, _: EventCursor, _: usize) -> Result<Events, StoreError> {
        Ok(Events {
            resync_from: None,
            events: Vec::new(),
        })
    }
}

fn trouble(trouble: Trouble) -> StoreError {
    StoreError::Unavailable {
        trouble,
        source: rusqlite::Error::InvalidQuery,
    }
}

fn batch(id: u64) -> Batch {
    Batch {
        id: BatchId(id),
        wall: WallTime(1),
        ops: Vec::new(),
    }
}

/// A callback and where its words arrive.
fn ear<T: Send + 'static>() -> (impl Fn(T) + Send + Clone + 'static, Receiver<T>) {
    let (mouth, ear) = channel();
    // Who does not listen any more need not be told.
    (move |word| drop(mouth.send(word)), ear)
}

#[test]
fn one_batch_is_in_flight() {
    let (store, open) = Scripted::gated();
    let thread = StoreThread::start(store, IMPATIENT, |_| ()).unwrap();
    let (reply, answers) = ear();
    thread.submit(batch(1), reply.clone()).unwrap();
    let refused = thread.submit(batch(2), reply.clone()).unwrap_err();
    assert_eq!(refused.0.id, BatchId(2), "it comes back");
    open.send(()).unwrap();
    let stored = answers.recv_timeout(LONG).unwrap().unwrap();
    assert_eq!(stored.id, BatchId(1));
    open.send(()).unwrap();
    thread.submit(refused.0, reply).unwrap();
    let stored = answers.recv_timeout(LONG).unwrap().unwrap();
    assert_eq!(stored.id, BatchId(2));
}

#[test]
fn an_answer_may_submit_the_next() {
    let thread = Arc::new(StoreThread::start(Scripted::new([]), IMPATIENT, |_| ()).unwrap());
    let (done, finished) = ear();
    let again = Arc::downgrade(&thread);
    thread
        .submit(batch(1), move |stored| {
            stored.unwrap();
            let thread = again.upgrade().unwrap();
            thread.submit(batch(2), done).unwrap();
        })
        .unwrap();
    let stored: Result<Stored, StoreError> = finished.recv_timeout(LONG).unwrap();
    assert_eq!(stored.unwrap().id, BatchId(2));
}

#[test]
fn a_failing_disk_is_tried_again_and_reported_once_each_way() {
    let store = Scripted::new([
        trouble(Trouble::DiskFull),
        trouble(Trouble::DiskFull),
        trouble(Trouble::Io),
        trouble(Trouble::Locked),
    ]);
    let applied = Arc::clone(&store.applied);
    let (on_health, health) = ear();
    let thread = StoreThread::start(store, IMPATIENT, on_health).unwrap();
    let (reply, answers) = ear();
    for id in 1..=2 {
        thread.submit(batch(id), reply.clone()).unwrap();
        let stored: Stored = answers.recv_timeout(LONG).unwrap().unwrap();
        assert_eq!(stored.id, BatchId(id));
    }
    drop(thread);
    assert_eq!(*applied.lock().unwrap(), [1, 2], "in order, each once");
    let told: Vec<StoreHealth> = health.iter().collect();
    let StoreHealth::Failing { since: first, .. } = told[0] else {
        panic!("{told:?}");
    };
    let failing = |trouble| StoreHealth::Failing {
        since: first,
        trouble,
    };
    assert_eq!(
        told,
        [
            failing(Trouble::DiskFull),
            failing(Trouble::Io),
            failing(Trouble::Locked),
            StoreHealth::Healthy,
        ]
    );
}

#[test]
fn reads_go_on_while_the_disk_fails() {
    let store = Scripted::new([trouble(Trouble::DiskFull)]);
    let (on_health, health) = ear();
    // Its pause outlasts the test.
    let patient = Patience {
        first: LONG * 100,
        longest: LONG * 100,
    };
    let thread = StoreThread::start(store, patient, on_health).unwrap();
    thread
        .submit(batch(1), |_| panic!("it was never stored"))
        .unwrap();
    assert!(matches!(
        health.recv_timeout(LONG).unwrap(),
        StoreHealth::Failing { .. }
    ));
    let (reply, answers) = ear();
    thread.read(StoreOps::snapshot, reply).unwrap();
    assert_eq!(
        answers.recv_timeout(LONG).unwrap().unwrap(),
        Snapshot::default()
    );
    // Closing gives the batch up at once.
    drop(thread);
}

#[test]
fn what_cannot_be_mended_ends_all_batches() {
    let store = Scripted::new([StoreError::Corrupt {
        what: "a page".to_owned(),
    }]);
    let applied = Arc::clone(&store.applied);
    let (on_health, health) = ear();
    let thread = StoreThread::start(store, IMPATIENT, on_health).unwrap();
    let (reply, answers) = ear();
    for id in 1..=2 {
        thread.submit(batch(id), reply.clone()).unwrap();
        let refused: Result<Stored, StoreError> = answers.recv_timeout(LONG).unwrap();
        let refused = refused.unwrap_err();
        assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused}");
    }
    drop(thread);
    assert_eq!(*applied.lock().unwrap(), [], "nothing behind the damage");
    let told: Vec<StoreHealth> = health.iter().collect();
    assert!(
        matches!(&told[..], [StoreHealth::Broken { reason }] if reason.contains("a page")),
        "{told:?}"
    );
}

#[test]
fn damage_that_a_reader_finds_counts() {
    let mut store = Scripted::new([]);
    store.damaged = true;
    let (on_health, health) = ear();
    let thread = StoreThread::start(store, IMPATIENT, on_health).unwrap();
    let (reply, answers) = ear();
    thread.read(StoreOps::snapshot, reply).unwrap();
    assert!(answers.recv_timeout(LONG).unwrap().is_err());
    assert!(matches!(
        health.recv_timeout(LONG).unwrap(),
        StoreHealth::Broken { .. }
    ));
    let (reply, answers) = ear();
    thread.submit(batch(1), reply).unwrap();
    assert!(answers.recv_timeout(LONG).unwrap().is_err());
}

#[test]
fn waiting_reads_are_limited() {
    let (store, open) = Scripted::gated();
    let thread = StoreThread::start(store, IMPATIENT, |_| ()).unwrap();
    // Held up in the middle of a batch; how far the thread is does not matter.
    thread.submit(batch(1), |_| ()).unwrap();
    let (started, running) = ear();
    let (go, wait) = channel();
    open.send(()).unwrap();
    thread
        .read(
            move |_| {
                started(());
                wait.recv_timeout(LONG).unwrap();
                Ok(())
            },
            |_| (),
        )
        .unwrap();
    running.recv_timeout(LONG).unwrap();
    let (reply, answers) = ear();
    for _ in 0..limits::MAX_WAITING_READS {
        thread.read(StoreOps::snapshot, reply.clone()).unwrap();
    }
    assert_eq!(
        thread.read(StoreOps::snapshot, reply.clone()),
        Err(Busy),
        "one too many"
    );
    drop(reply);
    go.send(()).unwrap();
    drop(thread);
    assert_eq!(
        answers.iter().count(),
        limits::MAX_WAITING_READS,
        "all others are answered, also when the store is closed"
    );
}

#[test]
fn a_real_store_answers_from_its_thread() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let (on_health, health) = ear::<StoreHealth>();
    let (thread, snapshot) = StoreThread::open(&path, on_health).unwrap();
    assert_eq!(snapshot.next_message, 1);
    let (reply, answers) = ear();
    let mut first = batch(1);
    first.ops = vec![
        Op::Register {
            number: own(),
            iccid: None,
        },
        Op::BindEpoch {
            number: own(),
            epoch: EPOCH,
        },
        Op::Enqueue(new_message(1, "hello")),
    ];
    thread.submit(first, reply).unwrap();
    let stored: Stored = answers.recv_timeout(LONG).unwrap().unwrap();
    assert!(matches!(stored.outcomes[2], Outcome::Enqueued { .. }));

    let (reply, answers) = ear();
    thread
        .history(own(), peer().into(), None, 10, reply)
        .unwrap();
    let page = answers.recv_timeout(LONG).unwrap().unwrap();
    assert_eq!((page.messages.len(), page.more), (1, false));
    let (reply, answers) = ear();
    thread.outbox(MessageId(0), 10, reply).unwrap();
    assert_eq!(answers.recv_timeout(LONG).unwrap().unwrap(), page);
    let (reply, answers) = ear();
    thread.message(MessageId(1), reply).unwrap();
    let message = answers.recv_timeout(LONG).unwrap().unwrap();
    assert_eq!(message.as_ref(), page.messages.first());
    let (reply, answers) = ear();
    thread.events(EventCursor(0), 10, reply).unwrap();
    assert_eq!(answers.recv_timeout(LONG).unwrap().unwrap().events.len(), 1);
    let (reply, answers) = ear();
    thread.conversations(0, 10, reply).unwrap();
    assert_eq!(answers.recv_timeout(LONG).unwrap().unwrap()[0].count, 1);
    let (reply, answers) = ear();
    thread.identities(reply).unwrap();
    assert_eq!(answers.recv_timeout(LONG).unwrap().unwrap()[0].queued, 1);
    let (reply, answers) = ear();
    thread.counts(reply).unwrap();
    assert_eq!(answers.recv_timeout(LONG).unwrap().unwrap().messages, 1);

    // Closing lets go of the file.
    drop(thread);
    let (_thread, snapshot) = StoreThread::open(&path, |_| ()).unwrap();
    assert_eq!(snapshot.next_message, 2);
    assert_eq!(health.iter().count(), 0, "it was healthy all the time");
}
