//! One batch: its operations, in order, inside one transaction.
//!
//! Owns the rules of DELIVERY as far as they are about what is kept. Opens and
//! commits nothing: [`crate::SqliteStore`] does.

mod clients;
mod deadlines;
mod identities;
mod incoming;
mod outcomes;
mod receipts;
mod sending;
mod taking_back;
mod upkeep;

pub(crate) use clients::before_oldest;
pub(crate) use identities::identities;
pub(crate) use incoming::{seen_columns, seen_places};

use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row};
use twine_engine::message::{MessageId, Shown};
use twine_engine::store_ops::{EventKind, Op, Outcome};
use twine_engine::time::WallTime;
use twine_proto::{E164, Epoch, Seq};

use crate::error::StoreError;
use crate::rows::{self, Attempts, Columns};
use crate::{codes, sql};

pub(crate) type Result<T> = std::result::Result<T, StoreError>;

/// A batch being applied.
pub(crate) struct Turn<'a> {
    db: &'a Connection,
    wall: WallTime,
    latest_event: u64,
}

impl<'a> Turn<'a> {
    /// `db` is inside a transaction; `latest_event` is the newest in the log.
    pub(crate) const fn new(db: &'a Connection, wall: WallTime, latest_event: u64) -> Self {
        Self {
            db,
            wall,
            latest_event,
        }
    }

    /// The newest event after what was applied so far.
    pub(crate) const fn latest_event(&self) -> u64 {
        self.latest_event
    }

    pub(crate) fn apply(&mut self, op: &Op) -> Result<Outcome> {
        match op {
            Op::Register { number, iccid } => self.register(*number, iccid.as_ref()),
            Op::BeginSession { at_least } => self.begin_session(*at_least),
            Op::CloseEpoch {
                number,
                epoch,
                contested_from,
            } => self.close_epoch(*number, *epoch, *contested_from),
            Op::BindEpoch { number, epoch } => self.bind_epoch(*number, *epoch),
            Op::Enqueue(message) => self.enqueue(message),
            Op::Release { id } => self.release(*id),
            Op::LoadQueued {
                number,
                limit,
                max_bytes,
            } => self.load_queued(*number, *limit, *max_bytes),
            Op::LoadResume {
                number,
                after,
                limit,
            } => self.load_resume(*number, *after, *limit),
            Op::Unaccept {
                number,
                epoch,
                high_water,
            } => self.unaccept(*number, *epoch, *high_water),
            Op::ApplySent {
                number,
                epoch,
                state,
            } => self.apply_sent(*number, *epoch, state),
            Op::ApplyClosed {
                number,
                epoch,
                state,
            } => self.apply_closed(*number, *epoch, state),
            Op::ApplyRevoked {
                number,
                epoch,
                results,
            } => self.apply_revoked(*number, *epoch, results),
            Op::Cancel { id } => self.cancel(*id),
            Op::Retry { id, boot } => self.retry(*id, *boot),
            Op::RearmDeadlines { boot } => self.rearm_deadlines(*boot),
            Op::ExpireDue { boot, limit } => self.expire_due(*boot, *limit),
            Op::InsertIncoming(incoming) => self.insert_incoming(incoming),
            Op::PassCursor {
                number,
                cursor,
                check,
            } => self.pass_cursor(*number, *cursor, *check),
            Op::MarkRead { id } => self.mark_read(*id),
            Op::LoadReadMarks { number, limit } => self.load_read_marks(*number, *limit),
            Op::ReadConfirmed { number, mark } => self.read_confirmed(*number, *mark),
            Op::ApplyReadBy {
                number,
                mark,
                cursor,
                check,
            } => self.apply_read_by(*number, *mark, *cursor, *check),
            Op::OpenClient { client, from_now } => self.open_client(client, *from_now),
            Op::AckEvents { client, cursor } => self.ack_events(client, *cursor),
            Op::Prune => self.prune(),
        }
    }

    /// A statement, prepared once for the life of the store.
    fn statement(&self, sql: &str) -> Result<CachedStatement<'a>> {
        Ok(self.db.prepare_cached(sql)?)
    }

    /// Runs a statement that returns nothing; how many rows it changed.
    fn execute(&self, sql: &str, params: impl Params) -> Result<usize> {
        Ok(self.statement(sql)?.execute(params)?)
    }

    /// The one row of a query, if there is one.
    fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.statement(sql)?.query_row(params, read).optional()?)
    }

    /// All rows of a query that is bounded by its nature or by a limit.
    fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.statement(sql)?;
        let rows = statement.query_map(params, read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The attempts of an outgoing message.
    fn attempts(&self, id: MessageId) -> Result<Option<Attempts>> {
        self.one(sql::ATTEMPTS, (rows::int(id.0),), Attempts::from_row)
    }

    /// Appends to the event log.
    fn log(&mut self, kind: EventKind, message: MessageId, shown: Shown) -> Result<()> {
        self.latest_event += 1;
        self.execute(
            sql::EVENT_ADD,
            (
                rows::int(self.latest_event),
                codes::event_code(kind),
                rows::int(message.0),
                codes::shown_code(shown),
                rows::wall(self.wall),
            ),
        )?;
        Ok(())
    }

    /// Appends an event if the user sees something else than before, and says
    /// when that was, for `changed_ms`.
    fn log_change(&mut self, before: &Attempts, after: &Attempts) -> Result<Option<i64>> {
        if before.shown() == after.shown() {
            return Ok(None);
        }
        self.log(EventKind::StateChanged, after.id, after.shown())?;
        Ok(Some(rows::wall(self.wall)))
    }

    /// The epoch an identity holds and its lowest unsettled seq.
    fn position(&self, number: E164) -> Result<Option<(Epoch, Seq)>> {
        self.one(sql::POSITION, (rows::number(number),), |row| {
            Ok((row.epoch(0)?, Seq(row.unsigned(1)?)))
        })
    }
}
