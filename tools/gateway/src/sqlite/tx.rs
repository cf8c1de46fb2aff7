//! The operations, each one prepared statement.

use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row, params};
use twine_gateway_core::DeviceKey;
use twine_gateway_core::storage::{
    ALL_DOUBTED, Entry, EntryBody, Mailbox, NumberRecord, Restored, Sent, Stream, StreamKey, Tx,
};
use twine_proto::{Cursor, Digest, E164, Epoch, LaneSeq, OpaqueContent, Seq, SessionNo};

use super::SqliteError;
use super::codes::{self, FateColumns, integer};

type Result<T> = std::result::Result<T, SqliteError>;

/// A transaction. Rolled back when it is dropped without `commit`.
#[derive(Debug)]
pub struct SqliteTx<'a> {
    db: &'a Connection,
    open: bool,
}

impl<'a> SqliteTx<'a> {
    pub(super) fn begin(db: &'a Connection) -> Result<Self> {
        let tx = Self { db, open: false };
        // Immediate: a transaction that reads first and then has to wait for
        // another writer would have to be given up.
        tx.run("begin a transaction", "BEGIN IMMEDIATE", [])?;
        Ok(Self { open: true, ..tx })
    }

    fn prepare(&self, doing: &'static str, sql: &'static str) -> Result<CachedStatement<'a>> {
        let prepared = self.db.prepare_cached(sql);
        prepared.map_err(|source| SqliteError::Failed { doing, source })
    }

    fn run(&self, doing: &'static str, sql: &'static str, params: impl Params) -> Result<()> {
        let mut statement = self.prepare(doing, sql)?;
        statement
            .execute(params)
            .map_err(|source| SqliteError::Failed { doing, source })?;
        Ok(())
    }

    /// The first row, if there is one.
    fn first<R>(
        &self,
        doing: &'static str,
        sql: &'static str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<R>,
    ) -> Result<Option<R>> {
        let mut statement = self.prepare(doing, sql)?;
        let found = statement.query_row(params, read).optional();
        found.map_err(|source| SqliteError::Failed { doing, source })
    }

    /// Rows until `take` has enough.
    fn each(
        &self,
        doing: &'static str,
        sql: &'static str,
        params: impl Params,
        mut take: impl FnMut(&Row<'_>) -> Result<bool>,
    ) -> Result<()> {
        let failed = |source| SqliteError::Failed { doing, source };
        let mut statement = self.prepare(doing, sql)?;
        let mut rows = statement.query(params).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            if !take(row)? {
                break;
            }
        }
        Ok(())
    }
}

impl Drop for SqliteTx<'_> {
    fn drop(&mut self) {
        if self.open
            && let Err(error) = self.run("roll back", "ROLLBACK", [])
        {
            // SQLite rolls back by itself after a full disk or an I/O error.
            log::debug!("rollback: {error}");
        }
    }
}

fn stream_params(key: StreamKey) -> (i64, u32) {
    (integer(key.number.get()), key.epoch.get())
}

fn own(number: E164) -> i64 {
    integer(number.get())
}

/// Reads a column; a wrong type is a damaged database.
fn column<V: rusqlite::types::FromSql>(
    row: &Row<'_>,
    index: usize,
    name: &'static str,
) -> Result<V> {
    row.get(index)
        .map_err(|_| SqliteError::Corrupt { column: name })
}

fn read_sent(row: &Row<'_>, first: usize) -> Result<Sent> {
    let digest: Option<i64> = column(row, first, "sent.digest")?;
    let columns = FateColumns {
        code: column(row, first + 1, "sent.fate")?,
        handed: column(row, first + 2, "sent.handed")?,
        recipient: column(row, first + 3, "sent.recipient")?,
        cursor: column(row, first + 4, "sent.cursor")?,
    };
    Ok(Sent {
        digest: digest.map(|bits| Digest(bits.cast_unsigned())),
        fate: codes::to_fate(&columns)?,
    })
}

/// Columns taken_s, peer, epoch, seq, lane_seq, content, upto.
fn read_entry(row: &Row<'_>, first: usize) -> Result<Entry> {
    let taken_s = codes::unsigned("entry.taken_s", column(row, first, "entry.taken_s")?)?;
    let peer = codes::number("entry.peer", column(row, first + 1, "entry.peer")?)?;
    let epoch = codes::epoch("entry.epoch", column(row, first + 2, "entry.epoch")?)?;
    let upto: Option<i64> = column(row, first + 6, "entry.upto")?;
    let body = if let Some(upto) = upto {
        EntryBody::ReadBy {
            reader: peer,
            epoch,
            upto: LaneSeq(codes::unsigned("entry.upto", upto)?),
        }
    } else {
        let seq = codes::unsigned("entry.seq", column(row, first + 3, "entry.seq")?)?;
        let lane_seq = column(row, first + 4, "entry.lane_seq")?;
        let content: Vec<u8> = column(row, first + 5, "entry.content")?;
        EntryBody::Message {
            from: peer,
            epoch,
            seq: Seq(seq),
            lane_seq: LaneSeq(codes::unsigned("entry.lane_seq", lane_seq)?),
            content: OpaqueContent::new(content.into()).map_err(|_| SqliteError::Corrupt {
                column: "entry.content",
            })?,
        }
    };
    Ok(Entry { taken_s, body })
}

impl Tx for SqliteTx<'_> {
    type Error = SqliteError;

    fn sessions(&mut self, device: &DeviceKey) -> Result<Vec<SessionNo>> {
        let found: Option<(i64, Option<Vec<u8>>)> = self.first(
            "read a device",
            "SELECT session_no, served FROM device WHERE key = ?1",
            [device.0.as_slice()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        match found {
            None => Ok(Vec::new()),
            Some((_, Some(served))) => codes::sessions("device.served", &served),
            Some((last, None)) => Ok(vec![SessionNo(codes::unsigned("device.session_no", last)?)]),
        }
    }

    fn put_sessions(&mut self, device: &DeviceKey, sessions: &[SessionNo]) -> Result<()> {
        let last = sessions.last().copied().unwrap_or_default();
        let served: Vec<u8> = sessions
            .iter()
            .flat_map(|no| no.get().to_le_bytes())
            .collect();
        self.run(
            "write a device",
            "INSERT INTO device (key, session_no, served) VALUES (?1, ?2, ?3)
             ON CONFLICT (key) DO UPDATE SET session_no = ?2, served = ?3",
            params![device.0.as_slice(), integer(last.get()), served],
        )
    }

    fn has_number(&mut self, device: &DeviceKey) -> Result<bool> {
        let found = self.first(
            "look for a device's numbers",
            "SELECT 1 FROM number WHERE device = ?1 LIMIT 1",
            [device.0.as_slice()],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }

    fn number(&mut self, number: E164) -> Result<Option<NumberRecord>> {
        let found: Option<(Option<Vec<u8>>, i64)> = self.first(
            "read a number",
            "SELECT device, epoch FROM number WHERE number = ?1",
            [own(number)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let Some((device, epoch)) = found else {
            return Ok(None);
        };
        let device = device.map(|key| codes::device("number.device", &key));
        Ok(Some(NumberRecord {
            device: device.transpose()?,
            epoch: codes::epoch("number.epoch", epoch)?,
        }))
    }

    fn put_number(&mut self, number: E164, record: &NumberRecord) -> Result<()> {
        let device = record.device.as_ref().map(|key| key.0.as_slice());
        self.run(
            "write a number",
            "INSERT INTO number (number, device, epoch) VALUES (?1, ?2, ?3)
             ON CONFLICT (number) DO UPDATE SET device = ?2, epoch = ?3",
            params![own(number), device, record.epoch.get()],
        )
    }

    fn stream(&mut self, key: StreamKey) -> Result<Option<Stream>> {
        let (number, epoch) = stream_params(key);
        let mut found = None;
        self.each(
            "read an epoch",
            "SELECT owner, high_water, lowest_unsettled, pruned_to, doubted_upto FROM stream
             WHERE number = ?1 AND epoch = ?2",
            params![number, epoch],
            |row| {
                let owner: Vec<u8> = column(row, 0, "stream.owner")?;
                let seq = |index, name| codes::unsigned(name, column(row, index, name)?).map(Seq);
                found = Some(Stream {
                    owner: codes::device("stream.owner", &owner)?,
                    high_water: seq(1, "stream.high_water")?,
                    lowest_unsettled: seq(2, "stream.lowest_unsettled")?,
                    pruned_to: seq(3, "stream.pruned_to")?,
                    doubted_upto: seq(4, "stream.doubted_upto")?,
                });
                Ok(false)
            },
        )?;
        Ok(found)
    }

    fn put_stream(&mut self, key: StreamKey, stream: &Stream) -> Result<()> {
        let (number, epoch) = stream_params(key);
        self.run(
            "write an epoch",
            "INSERT INTO stream (number, epoch, owner, high_water, lowest_unsettled, pruned_to,
                doubted_upto)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (number, epoch) DO UPDATE SET owner = ?3, high_water = ?4,
                lowest_unsettled = ?5, pruned_to = ?6, doubted_upto = ?7",
            params![
                number,
                epoch,
                stream.owner.0.as_slice(),
                integer(stream.high_water.get()),
                integer(stream.lowest_unsettled.get()),
                integer(stream.pruned_to.get()),
                integer(stream.doubted_upto.get()),
            ],
        )
    }

    fn remove_stream(&mut self, key: StreamKey) -> Result<()> {
        self.forget_sent(key, Seq(0), Seq(u64::MAX), false)?;
        let (number, epoch) = stream_params(key);
        self.run(
            "remove an epoch",
            "DELETE FROM stream WHERE number = ?1 AND epoch = ?2",
            params![number, epoch],
        )
    }

    fn epochs(&mut self, number: E164) -> Result<Vec<Epoch>> {
        let mut found = Vec::new();
        self.each(
            "list epochs",
            "SELECT epoch FROM stream WHERE number = ?1 ORDER BY epoch",
            [own(number)],
            |row| {
                let epoch = column(row, 0, "stream.epoch")?;
                found.push(codes::epoch("stream.epoch", epoch)?);
                Ok(true)
            },
        )?;
        Ok(found)
    }

    fn sent(&mut self, key: StreamKey, seq: Seq) -> Result<Option<Sent>> {
        let (number, epoch) = stream_params(key);
        let mut found = None;
        self.each(
            "read what became of a seq",
            "SELECT digest, fate, handed, recipient, cursor FROM sent
             WHERE number = ?1 AND epoch = ?2 AND seq = ?3",
            params![number, epoch, integer(seq.get())],
            |row| {
                found = Some(read_sent(row, 0)?);
                Ok(false)
            },
        )?;
        Ok(found)
    }

    fn put_sent(&mut self, key: StreamKey, seq: Seq, sent: &Sent) -> Result<()> {
        let (number, epoch) = stream_params(key);
        let fate = codes::from_fate(sent.fate);
        self.run(
            "write what became of a seq",
            "INSERT INTO sent (number, epoch, seq, digest, fate, handed, recipient, cursor)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (number, epoch, seq) DO UPDATE SET
                digest = ?4, fate = ?5, handed = ?6, recipient = ?7, cursor = ?8",
            params![
                number,
                epoch,
                integer(seq.get()),
                sent.digest.map(|digest| digest.0.cast_signed()),
                fate.code,
                fate.handed,
                fate.recipient,
                fate.cursor,
            ],
        )
    }

    fn remove_sent(&mut self, key: StreamKey, seq: Seq) -> Result<()> {
        let (number, epoch) = stream_params(key);
        self.run(
            "forget a seq",
            "DELETE FROM sent WHERE number = ?1 AND epoch = ?2 AND seq = ?3",
            params![number, epoch, integer(seq.get())],
        )
    }

    fn sent_from(&mut self, key: StreamKey, from: Seq, limit: usize) -> Result<Vec<(Seq, Sent)>> {
        let (number, epoch) = stream_params(key);
        let mut found = Vec::new();
        self.each(
            "list what became of seqs",
            "SELECT seq, digest, fate, handed, recipient, cursor FROM sent
             WHERE number = ?1 AND epoch = ?2 AND seq >= ?3 ORDER BY seq LIMIT ?4",
            params![number, epoch, integer(from.get()), integer(limit as u64)],
            |row| {
                let seq = codes::unsigned("sent.seq", column(row, 0, "sent.seq")?)?;
                found.push((Seq(seq), read_sent(row, 1)?));
                Ok(true)
            },
        )?;
        Ok(found)
    }

    fn forget_sent(
        &mut self,
        key: StreamKey,
        from: Seq,
        below: Seq,
        only_ended: bool,
    ) -> Result<()> {
        let (number, epoch) = stream_params(key);
        self.run(
            "forget seqs",
            "DELETE FROM sent WHERE number = ?1 AND epoch = ?2 AND seq >= ?3 AND seq < ?4
             AND (fate <> 0 OR NOT ?5)",
            params![
                number,
                epoch,
                integer(from.get()),
                integer(below.get()),
                only_ended
            ],
        )
    }

    fn mailbox(&mut self, owner: E164) -> Result<Mailbox> {
        let mut found = Mailbox::default();
        self.each(
            "read a mailbox",
            "SELECT last_cursor, handed_upto, doubted_upto, messages, marks, bytes FROM mailbox
             WHERE owner = ?1",
            [own(owner)],
            |row| {
                let value = |index, name| codes::unsigned(name, column(row, index, name)?);
                found = Mailbox {
                    last_cursor: Cursor(value(0, "mailbox.last_cursor")?),
                    handed_upto: Cursor(value(1, "mailbox.handed_upto")?),
                    doubted_upto: Cursor(value(2, "mailbox.doubted_upto")?),
                    messages: column(row, 3, "mailbox.messages")?,
                    marks: column(row, 4, "mailbox.marks")?,
                    bytes: value(5, "mailbox.bytes")?,
                };
                Ok(false)
            },
        )?;
        Ok(found)
    }

    fn put_mailbox(&mut self, owner: E164, mailbox: &Mailbox) -> Result<()> {
        self.run(
            "write a mailbox",
            "INSERT INTO mailbox
                (owner, last_cursor, handed_upto, doubted_upto, messages, marks, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (owner) DO UPDATE SET last_cursor = ?2, handed_upto = ?3,
                doubted_upto = ?4, messages = ?5, marks = ?6, bytes = ?7",
            params![
                own(owner),
                integer(mailbox.last_cursor.get()),
                integer(mailbox.handed_upto.get()),
                integer(mailbox.doubted_upto.get()),
                mailbox.messages,
                mailbox.marks,
                integer(mailbox.bytes),
            ],
        )
    }

    fn last_restore(&mut self) -> Result<Option<Restored>> {
        let mut found = None;
        self.each(
            "read the last restore",
            "SELECT unix_s, epoch_floor FROM last_restore",
            [],
            |row| {
                let unix_s = "last_restore.unix_s";
                found = Some(Restored {
                    unix_s: codes::unsigned(unix_s, column(row, 0, unix_s)?)?,
                    epoch_floor: Epoch(column(row, 1, "last_restore.epoch_floor")?),
                });
                Ok(false)
            },
        )?;
        Ok(found)
    }

    fn put_last_restore(&mut self, restored: &Restored) -> Result<()> {
        self.run(
            "write the last restore",
            "INSERT INTO last_restore (one, unix_s, epoch_floor) VALUES (1, ?1, ?2)
             ON CONFLICT (one) DO UPDATE SET unix_s = ?1, epoch_floor = ?2",
            params![integer(restored.unix_s), restored.epoch_floor.get()],
        )
    }

    fn doubt_all(&mut self) -> Result<()> {
        self.run(
            "count all mail as handed over",
            "UPDATE mailbox SET handed_upto = last_cursor, doubted_upto = last_cursor",
            [],
        )?;
        self.run(
            "doubt all seqs",
            "UPDATE stream SET doubted_upto = ?1",
            [integer(ALL_DOUBTED.get())],
        )
    }

    fn entry(&mut self, owner: E164, cursor: Cursor) -> Result<Option<Entry>> {
        let mut found = None;
        self.each(
            "read an entry",
            "SELECT taken_s, peer, epoch, seq, lane_seq, content, upto FROM entry
             WHERE owner = ?1 AND cursor = ?2",
            params![own(owner), integer(cursor.get())],
            |row| {
                found = Some(read_entry(row, 0)?);
                Ok(false)
            },
        )?;
        Ok(found)
    }

    fn insert_entry(&mut self, owner: E164, cursor: Cursor, entry: &Entry) -> Result<()> {
        let (peer, epoch, seq, lane_seq, content, upto) = match &entry.body {
            EntryBody::Message {
                from,
                epoch,
                seq,
                lane_seq,
                content,
            } => (
                from,
                epoch,
                Some(integer(seq.get())),
                Some(integer(lane_seq.get())),
                Some(content.as_bytes().as_ref()),
                None,
            ),
            EntryBody::ReadBy {
                reader,
                epoch,
                upto,
            } => (reader, epoch, None, None, None, Some(integer(upto.get()))),
        };
        self.run(
            "add an entry",
            "INSERT INTO entry
                (owner, cursor, taken_s, peer, epoch, seq, lane_seq, content, upto)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                own(owner),
                integer(cursor.get()),
                integer(entry.taken_s),
                own(*peer),
                epoch.get(),
                seq,
                lane_seq,
                content,
                upto,
            ],
        )
    }

    fn remove_entry(&mut self, owner: E164, cursor: Cursor) -> Result<()> {
        self.run(
            "remove an entry",
            "DELETE FROM entry WHERE owner = ?1 AND cursor = ?2",
            params![own(owner), integer(cursor.get())],
        )
    }

    fn entries_after(
        &mut self,
        owner: E164,
        after: Cursor,
        limit: usize,
        max_cost: u64,
    ) -> Result<Vec<(Cursor, Entry)>> {
        let mut found = Vec::new();
        let mut cost = 0u64;
        self.each(
            "list entries",
            "SELECT cursor, taken_s, peer, epoch, seq, lane_seq, content, upto FROM entry
             WHERE owner = ?1 AND cursor > ?2 ORDER BY cursor LIMIT ?3",
            params![own(owner), integer(after.get()), integer(limit as u64)],
            |row| {
                let cursor = codes::cursor("entry.cursor", column(row, 0, "entry.cursor")?)?;
                let entry = read_entry(row, 1)?;
                cost = cost.saturating_add(entry.cost());
                let fits = cost <= max_cost || found.is_empty();
                if fits {
                    found.push((cursor, entry));
                }
                Ok(fits)
            },
        )?;
        Ok(found)
    }

    fn read_marks(&mut self, owner: E164, reader: E164) -> Result<Vec<(Epoch, Cursor, LaneSeq)>> {
        let mut found = Vec::new();
        self.each(
            "list read marks",
            "SELECT epoch, cursor, upto FROM entry
             WHERE owner = ?1 AND peer = ?2 AND upto IS NOT NULL ORDER BY epoch",
            params![own(owner), own(reader)],
            |row| {
                let upto = codes::unsigned("entry.upto", column(row, 2, "entry.upto")?)?;
                found.push((
                    codes::epoch("entry.epoch", column(row, 0, "entry.epoch")?)?,
                    codes::cursor("entry.cursor", column(row, 1, "entry.cursor")?)?,
                    LaneSeq(upto),
                ));
                Ok(true)
            },
        )?;
        Ok(found)
    }

    fn taken_until(&mut self, unix_s: u64, limit: usize) -> Result<Vec<(E164, Cursor)>> {
        let mut found = Vec::new();
        self.each(
            "look for old entries",
            "SELECT owner, cursor FROM entry WHERE taken_s <= ?1
             ORDER BY taken_s, owner, cursor LIMIT ?2",
            params![integer(unix_s), integer(limit as u64)],
            |row| {
                found.push((
                    codes::number("entry.owner", column(row, 0, "entry.owner")?)?,
                    codes::cursor("entry.cursor", column(row, 1, "entry.cursor")?)?,
                ));
                Ok(true)
            },
        )?;
        Ok(found)
    }

    fn commit(mut self) -> Result<()> {
        self.run("commit", "COMMIT", [])?;
        self.open = false;
        Ok(())
    }
}
