//! The driver's end of the store's thread: one batch in flight, a few reads,
//! and one queue through which all answers come back.
//!
//! Owns the size of that queue: it holds everything that can be under way, so
//! that the store's thread never waits for the loop.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use twine_engine::store_ops::{Batch, Snapshot, StoreOps, Stored};
use twine_proto::control_pb as pb;
use twine_store::{MessagePage, SqliteStore, StoreError, StoreHealth, StoreThread};

use crate::control::ReadTicket;
use crate::limits::{MAX_PAGE_BYTES, MAX_READS};
use crate::reads::{Conversation, Page, Read, Story};

/// One batch, the reads, and one word that the store broke.
const ANSWERS: usize = 1 + MAX_READS + 1;

/// What the store says.
#[derive(Debug)]
pub enum Answer {
    /// The batch is on disk, or never will be.
    Stored(Result<Stored, StoreError>),
    /// A read is done.
    Page(ReadTicket, Result<Page, StoreError>),
    /// A read found damage.
    Broken(String),
}

/// The store's thread, and what is under way there.
#[derive(Debug)]
pub struct StoreLink {
    thread: StoreThread,
    path: PathBuf,
    to_loop: mpsc::Sender<Answer>,
    answers: mpsc::Receiver<Answer>,
    health: Arc<Mutex<StoreHealth>>,
    storing: bool,
    reading: usize,
}

impl StoreLink {
    /// Opens the store and returns where the engine starts.
    pub fn open(path: &Path) -> Result<(Self, Snapshot), StoreError> {
        let (to_loop, answers) = mpsc::channel(ANSWERS);
        let health = Arc::new(Mutex::new(StoreHealth::Healthy));
        let (thread, snapshot) = StoreThread::open(path, {
            let health = Arc::clone(&health);
            let to_loop = to_loop.clone();
            move |now| {
                log_health(&now);
                if let StoreHealth::Broken { reason } = &now {
                    // Told once in the store's life, so there is room.
                    let _ = to_loop.try_send(Answer::Broken(reason.clone()));
                }
                *health.lock().unwrap_or_else(PoisonError::into_inner) = now;
            }
        })?;
        let link = Self {
            thread,
            path: path.to_owned(),
            to_loop,
            answers,
            health,
            storing: false,
            reading: 0,
        };
        Ok((link, snapshot))
    }

    /// Hands a batch over. Only while [`is_storing`](Self::is_storing) is not.
    pub fn submit(&mut self, batch: Batch) {
        let to_loop = self.to_loop.clone();
        let submitted = self.thread.submit(batch, move |stored| {
            // There is always room for it; without the loop nobody asks.
            let _ = to_loop.try_send(Answer::Stored(stored));
        });
        match submitted {
            Ok(()) => self.storing = true,
            // The engine holds a batch back until the one before is answered.
            Err(in_flight) => log::error!("a batch came too early and is not stored: {in_flight}"),
        }
    }

    /// Whether a batch is not answered yet.
    #[must_use]
    pub const fn is_storing(&self) -> bool {
        self.storing
    }

    /// Whether one more read may be started.
    #[must_use]
    pub const fn may_read(&self) -> bool {
        self.reading < MAX_READS
    }

    /// Starts a read. Only while [`may_read`](Self::may_read).
    pub fn read(&mut self, ticket: ReadTicket, read: Read) {
        let to_loop = self.to_loop.clone();
        let started = self.thread.read(
            move |store| page(store, read),
            move |page| {
                // As for batches.
                let _ = to_loop.try_send(Answer::Page(ticket, page));
            },
        );
        match started {
            Ok(()) => self.reading += 1,
            // The store takes more reads than we start.
            Err(busy) => log::error!("a read came too early and is not answered: {busy}"),
        }
    }

    /// The next answer. Safe to give up.
    pub async fn answer(&mut self) -> Answer {
        match self.answers.recv().await {
            Some(answer) => self.count(answer),
            // Cannot be: `to_loop` keeps the queue open.
            None => std::future::pending().await,
        }
    }

    /// An answer that is here already.
    pub fn try_answer(&mut self) -> Option<Answer> {
        let answer = self.answers.try_recv().ok()?;
        Some(self.count(answer))
    }

    fn count(&mut self, answer: Answer) -> Answer {
        match &answer {
            Answer::Stored(_) => self.storing = false,
            Answer::Page(..) => self.reading -= 1,
            Answer::Broken(_) => {}
        }
        answer
    }

    /// How it is doing, asked without its thread, which may be stuck on a disk.
    #[must_use]
    pub fn status(&self) -> pb::StorageStatus {
        let health = self
            .health
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        pb::StorageStatus {
            healthy: health == StoreHealth::Healthy,
            detail: match health {
                StoreHealth::Healthy => String::new(),
                StoreHealth::Failing { since, trouble } => {
                    format!("failing for {} s: {trouble}", since.elapsed().as_secs())
                }
                StoreHealth::Broken { reason } => reason,
            },
            size_bytes: size(&self.path),
        }
    }
}

fn log_health(health: &StoreHealth) {
    match health {
        StoreHealth::Healthy => log::info!("the store works again"),
        StoreHealth::Failing { trouble, .. } => {
            log::warn!("the store cannot write and keeps trying: {trouble}");
        }
        StoreHealth::Broken { reason } => log::error!("the store is broken: {reason}"),
    }
}

/// The database and its log; what cannot be looked at counts as nothing.
fn size(path: &Path) -> u64 {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    [path, Path::new(&log)]
        .into_iter()
        .filter_map(|file| std::fs::metadata(file).ok())
        .map(|metadata| metadata.len())
        .sum()
}

/// Reads a page, on the store's thread.
fn page(store: &SqliteStore, read: Read) -> Result<Page, StoreError> {
    let messages = |MessagePage { messages, more }| Page::Messages { messages, more };
    Ok(match read {
        Read::Message(id) => Page::Message(store.message(id)?.map(Box::new)),
        Read::History {
            own,
            peer,
            before,
            limit,
        } => messages(store.read_history(own, peer, before, limit, MAX_PAGE_BYTES)?),
        Read::Outbox { after, limit } => {
            messages(store.read_outbox(after, limit, MAX_PAGE_BYTES)?)
        }
        Read::Story(id) => Page::Story(match store.message(id)? {
            None => None,
            Some(message) => Some(Box::new(Story {
                message,
                lines: store.story(id)?,
            })),
        }),
        Read::Conversations { offset, limit } => Page::Conversations(
            store
                .conversations(offset, limit)?
                .into_iter()
                .map(|found| Conversation {
                    last: found.last,
                    count: found.count,
                })
                .collect(),
        ),
        Read::Events { after, limit } => {
            let found = store.events(after, limit)?;
            let mut bytes = 0;
            let mut events = Vec::with_capacity(found.events.len());
            for event in found.events {
                let message = store.message(event.message)?;
                let text = message.as_ref().and_then(|message| message.text.as_ref());
                bytes += text.map_or(0, |text| text.expose().len());
                events.push((event, message));
                // The rest is read when these are taken.
                if bytes >= MAX_PAGE_BYTES {
                    break;
                }
            }
            Page::Events {
                resync_from: found.resync_from,
                events,
            }
        }
    })
}
