//! Clients and their places in the event log (DELIVERY 29).

use rusqlite::Connection;
use twine_engine::limits::MAX_CLIENTS;
use twine_engine::store_ops::{ClientName, EventCursor, Outcome};

use super::{Result, Turn};
use crate::rows::{self, Columns};
use crate::sql;

impl Turn<'_> {
    pub(super) fn open_client(&self, client: &ClientName, from_now: bool) -> Result<Outcome> {
        let latest = EventCursor(self.latest_event);
        if let Some(cursor) = self.client_cursor(client)? {
            return Ok(Outcome::ClientOpen { cursor, latest });
        }
        let open = self.one(sql::CLIENT_COUNT, (), |row| row.unsigned(0))?;
        if open.unwrap_or(0) >= MAX_CLIENTS {
            return Ok(Outcome::TooManyClients);
        }
        let cursor = if from_now {
            latest
        } else {
            before_oldest(self.db, self.latest_event)?
        };
        self.execute(sql::CLIENT_OPEN, (&client.0, rows::int(cursor.0)))?;
        Ok(Outcome::ClientOpen { cursor, latest })
    }

    pub(super) fn ack_events(&self, client: &ClientName, cursor: EventCursor) -> Result<Outcome> {
        if self.client_cursor(client)?.is_none() {
            return Ok(Outcome::NotFound);
        }
        if cursor.0 > self.latest_event {
            return Ok(Outcome::TooLate { shown: None });
        }
        self.execute(sql::CLIENT_ACK, (&client.0, rows::int(cursor.0)))?;
        Ok(Outcome::Done)
    }

    fn client_cursor(&self, client: &ClientName) -> Result<Option<EventCursor>> {
        let cursor = self.one(sql::CLIENT_CURSOR, (&client.0,), |row| {
            row.maybe_unsigned(0)
        })?;
        Ok(cursor.flatten().map(EventCursor))
    }
}

/// The place before the oldest event that is kept.
pub(crate) fn before_oldest(db: &Connection, latest_event: u64) -> Result<EventCursor> {
    let oldest = db
        .prepare_cached(sql::OLDEST_EVENT)?
        .query_row((), |row| row.maybe_unsigned(0))?;
    Ok(EventCursor(
        oldest.map_or(latest_event, |oldest| oldest.saturating_sub(1)),
    ))
}
