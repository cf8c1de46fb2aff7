//! The store itself: a file, and the batches applied to it.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};
use twine_engine::message::{MessageId, MessageRecord, OrderKey};
use twine_engine::store_ops::{Batch, EventCursor, Events, Snapshot, StoreOps, Stored};
use twine_proto::{E164, Peer, SessionNo};

use crate::error::StoreError;
use crate::ops::{self, Turn};
use crate::rows::{Columns, PeerKey};
use crate::{connection, migrate, salvage, sql};

/// Messages, lanes and events in one SQLite file, owned by this process alone
/// while it is open.
pub struct SqliteStore {
    pub(crate) connection: Connection,
    pub(crate) path: PathBuf,
    /// Kept here so that a batch need not look for it.
    pub(crate) latest_event: u64,
    /// The same: how many messages are open.
    outbox: u64,
}

impl SqliteStore {
    /// Opens the store, or makes an empty one; its folder has to exist. Brings
    /// an older schema up to date. Looks at the header, the schema and the root
    /// of every table, not at every page: damage that lies deeper shows when it
    /// is read, as [`StoreError::Corrupt`] as well.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        salvage::finish(path)?;
        let mut connection = connection::open(path)?;
        migrate::run(&mut connection, migrate::MIGRATIONS)?;
        connection::look(&connection)?;
        let mut store = Self {
            connection,
            path: path.to_owned(),
            latest_event: 0,
            outbox: 0,
        };
        let snapshot = store.snapshot()?;
        store.latest_event = snapshot.latest_event.0;
        store.outbox = snapshot.outbox;
        Ok(store)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn apply_in_transaction(&mut self, batch: &Batch) -> Result<Stored, StoreError> {
        // Takes the right to write first: what cannot be written fails here.
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut turn = Turn::new(&transaction, batch.wall, self.latest_event);
        let mut outcomes = Vec::with_capacity(batch.ops.len());
        for op in &batch.ops {
            outcomes.push(turn.apply(op)?);
        }
        let due = turn.next_due()?;
        let latest_event = turn.latest_event();
        let outbox = self.outbox.saturating_add_signed(turn.outbox_grew_by());
        // On an error here SQLite undoes the batch, and what it wrote to the log
        // is written over by the next try. Dropping the transaction undoes it
        // in all other cases.
        transaction.commit()?;
        self.latest_event = latest_event;
        self.outbox = outbox;
        Ok(Stored {
            id: batch.id,
            outcomes,
            latest_event: EventCursor(latest_event),
            outbox,
            due,
        })
    }
}

impl StoreOps for SqliteStore {
    type Error = StoreError;

    fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let mut statement = self.connection.prepare_cached(sql::SNAPSHOT)?;
        let [
            session_no,
            highest_message,
            latest_event,
            sms_waiting,
            sms_handed,
        ] = statement.query_row((), |row| {
            let mut found = [0; 5];
            for (at, counter) in found.iter_mut().enumerate() {
                *counter = row.unsigned(at)?;
            }
            Ok(found)
        })?;
        let outbox = self
            .connection
            .prepare_cached(sql::OUTBOX_COUNT)?
            .query_row((), |row| row.unsigned(0))?;
        Ok(Snapshot {
            identities: ops::identities(&self.connection)?,
            next_message: highest_message + 1,
            session_no: SessionNo(session_no),
            latest_event: EventCursor(latest_event),
            outbox,
            settings: ops::setting(&self.connection, 0, PeerKey(0))?,
            handed: ops::handed_lately(&self.connection)?,
            sms_waiting,
            sms_handed,
            memos: ops::memos(&self.connection)?,
        })
    }

    fn apply(&mut self, batch: &Batch) -> Result<Stored, StoreError> {
        if !self.connection.is_autocommit() {
            // An earlier batch could not even be undone, for example because the
            // disk was gone.
            self.connection.execute_batch("ROLLBACK")?;
        }
        self.apply_in_transaction(batch)
    }

    fn message(&self, id: MessageId) -> Result<Option<MessageRecord>, StoreError> {
        self.read_message(id)
    }

    fn history(
        &self,
        own: E164,
        peer: Peer,
        before: Option<OrderKey>,
        limit: usize,
    ) -> Result<Vec<MessageRecord>, StoreError> {
        Ok(self
            .read_history(own, peer, before, limit, usize::MAX)?
            .messages)
    }

    fn outbox(&self, after: MessageId, limit: usize) -> Result<Vec<MessageRecord>, StoreError> {
        Ok(self.read_outbox(after, limit, usize::MAX)?.messages)
    }

    fn events(&self, after: EventCursor, limit: usize) -> Result<Events, StoreError> {
        self.read_events(after, limit)
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
