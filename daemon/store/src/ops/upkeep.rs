//! Removing what no promise covers any more. Messages are never removed.

use twine_engine::limits::{EVENTS_KEPT, STORY_LINES_KEPT, TOKEN_AGE, TOKENS_KEPT};
use twine_engine::store_ops::Outcome;

use super::{Result, Turn};
use crate::rows;
use crate::sql;

impl Turn<'_> {
    pub(super) fn prune(&self) -> Result<Outcome> {
        self.execute(
            sql::EVENTS_PRUNE,
            (rows::int(self.latest_event.saturating_sub(EVENTS_KEPT)),),
        )?;
        // Both conditions: a wall clock that jumps ahead makes tokens look old,
        // and the newest of them are the ones that may still be repeated.
        let oldest_wall = rows::wall(self.wall) - rows::duration(TOKEN_AGE);
        self.execute(sql::TOKENS_PRUNE, (oldest_wall, rows::int(TOKENS_KEPT)))?;
        self.execute(sql::STORY_PRUNE, (rows::int(STORY_LINES_KEPT),))?;
        self.execute(sql::EPOCHS_PRUNE, ())?;
        Ok(Outcome::Done)
    }
}
