//! Numbers, their epochs, and where each stands (DELIVERY 3, 6, 8).

use std::collections::BTreeMap;

use rusqlite::Connection;
use twine_engine::store_ops::{IdentityPosition, Memo, Outcome};
use twine_proto::frame::EpochPosition;
use twine_proto::limits::MAX_OLD_EPOCHS;
use twine_proto::{Cursor, E164, Epoch, Redacted, Seq, SessionNo};

use super::{Result, Turn};
use crate::error::StoreError;
use crate::rows::{self, Columns};
use crate::sql;

impl Turn<'_> {
    pub(super) fn register(
        &self,
        number: E164,
        iccid: Option<&Redacted<String>>,
    ) -> Result<Outcome> {
        self.execute(
            sql::REGISTER,
            (rows::number(number), iccid.map(Redacted::expose)),
        )?;
        Ok(Outcome::Done)
    }

    pub(super) fn remember(&self, memo: Memo, bytes: &[u8]) -> Result<Outcome> {
        self.execute(sql::MEMO_SET, (memo as u8, bytes))?;
        Ok(Outcome::Done)
    }

    pub(super) fn begin_session(&self, at_least: SessionNo) -> Result<Outcome> {
        let session_no = self
            .one(sql::BEGIN_SESSION, (rows::int(at_least.get()),), |row| {
                row.unsigned(0)
            })?
            .ok_or_else(|| StoreError::corrupt("the device's row is missing"))?;
        Ok(Outcome::SessionBegun {
            session_no: SessionNo(session_no),
            identities: identities(self.db)?,
        })
    }

    pub(super) fn close_epoch(
        &mut self,
        number: E164,
        epoch: Epoch,
        contested_from: Option<Seq>,
    ) -> Result<Outcome> {
        self.execute(sql::CLOSE_EPOCH, (rows::number(number), epoch.get()))?;
        self.give_up_contested(number, epoch, contested_from)
    }

    pub(super) fn bind_epoch(&self, number: E164, epoch: Epoch) -> Result<Outcome> {
        let key = (rows::number(number), epoch.get());
        if self.execute(sql::BIND_EPOCH, key)? == 1 {
            self.execute(sql::EPOCH_ADD, key)?;
            self.execute(sql::LANES_FORGET, key)?;
        }
        Ok(Outcome::Done)
    }
}

/// What was learned. A kind that is not known is a later version's.
pub(crate) fn memos(db: &Connection) -> Result<BTreeMap<Memo, Vec<u8>>> {
    let mut statement = db.prepare_cached(sql::MEMOS)?;
    let mut memos = BTreeMap::new();
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        if let Some(memo) = Memo::from_code(row.get(0)?) {
            memos.insert(memo, row.get(1)?);
        }
    }
    Ok(memos)
}

/// Where every identity stands, in the order of registration.
pub(crate) fn identities(db: &Connection) -> Result<Vec<IdentityPosition>> {
    let mut statement = db.prepare_cached(sql::IDENTITIES)?;
    let mut found = Vec::new();
    let mut positions = statement.query(())?;
    while let Some(row) = positions.next()? {
        let number = row.number(0)?;
        let held = match row.maybe_epoch(6)? {
            Some(epoch) => Some(EpochPosition {
                epoch,
                next_seq: Seq(row.unsigned(7)?),
                lowest_unsettled: Seq(row.unsigned(8)?),
            }),
            None => None,
        };
        found.push(IdentityPosition {
            number,
            iccid: row.text(1)?,
            held,
            last_epoch: row.epoch(2)?,
            cursor: Cursor(row.unsigned(3)?),
            cursor_check: row.get(4)?,
            old: old_epochs(db, number, held)?,
            queued: row.unsigned(5)?,
            consented: row.get(9)?,
            note_due: row.get(10)?,
        });
    }
    Ok(found)
}

fn old_epochs(
    db: &Connection,
    number: E164,
    held: Option<EpochPosition>,
) -> Result<Vec<EpochPosition>> {
    let held = held.map_or(0, |position| position.epoch.get());
    let mut statement = db.prepare_cached(sql::OLD_EPOCHS)?;
    let old = statement.query_map(
        (rows::number(number), held, rows::size(MAX_OLD_EPOCHS)),
        |row| {
            Ok(EpochPosition {
                epoch: row.epoch(0)?,
                next_seq: Seq(row.unsigned(1)?),
                lowest_unsettled: Seq(row.unsigned(2)?),
            })
        },
    )?;
    Ok(old.collect::<rusqlite::Result<_>>()?)
}
