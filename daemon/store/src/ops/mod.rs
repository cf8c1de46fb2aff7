//! One batch: its operations, in order, inside one transaction.
//!
//! Owns the rules of DELIVERY as far as they are about what is kept. Opens and
//! commits nothing: [`crate::SqliteStore`] does.

mod change;
mod clients;
mod conversations;
mod deadlines;
mod deciding;
mod identities;
mod incoming;
mod merging;
mod notes;
mod outcomes;
mod receipts;
mod sending;
mod short_messages;
mod sms;
mod taking_back;
mod upkeep;

pub(crate) use clients::before_oldest;
pub(crate) use conversations::{peer_key, setting};
pub(crate) use identities::{identities, memos};
pub(crate) use incoming::{seen_columns, seen_places};
pub(crate) use sms::handed_lately;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row};
use twine_engine::message::{MessageId, Shown};
use twine_engine::store_ops::{Because, EventKind, Op, Outcome};
use twine_engine::time::{Instant, WallTime};
use twine_proto::{E164, Epoch, Seq};

use crate::error::StoreError;
use crate::rows::{self, Attempts, Columns};
use crate::story::Step;
use crate::{codes, sql};

pub(crate) type Result<T> = std::result::Result<T, StoreError>;

/// A batch being applied.
pub(crate) struct Turn<'a> {
    db: &'a Connection,
    wall: WallTime,
    latest_event: u64,
    /// Messages that became open, less those that ended.
    outbox_grew_by: i64,
    /// What the operation that is being applied leaves to do.
    follows: Follows,
}

/// What an operation leaves to do.
#[derive(Debug, Default, Clone, Copy)]
struct Follows {
    /// The earliest look it set.
    look: Option<Instant>,
    unblocked: bool,
    note_due: bool,
}

impl Follows {
    fn look(&mut self, at: Instant) {
        self.look = Some(self.look.map_or(at, |earlier| earlier.min(at)));
    }
}

impl<'a> Turn<'a> {
    /// `db` is inside a transaction; `latest_event` is the newest in the log.
    pub(crate) fn new(db: &'a Connection, wall: WallTime, latest_event: u64) -> Self {
        Self {
            db,
            wall,
            latest_event,
            outbox_grew_by: 0,
            follows: Follows::default(),
        }
    }

    /// The newest event after what was applied so far.
    pub(crate) const fn latest_event(&self) -> u64 {
        self.latest_event
    }

    /// How many more messages are open than before.
    pub(crate) const fn outbox_grew_by(&self) -> i64 {
        self.outbox_grew_by
    }

    pub(crate) fn apply(&mut self, op: &Op) -> Result<Outcome> {
        self.follows = Follows::default();
        match op {
            Op::Register { number, iccid } => self.register(*number, iccid.as_ref()),
            Op::BeginSession { at_least } => self.begin_session(*at_least),
            Op::CloseEpoch {
                number,
                epoch,
                contested_from,
            } => self.close_epoch(*number, *epoch, *contested_from),
            Op::BindEpoch { number, epoch } => self.bind_epoch(*number, *epoch),
            Op::Remember { memo, bytes } => self.remember(*memo, bytes),
            Op::NoteSim { number, iccid } => self.note_sim(*number, iccid),
            Op::Set {
                conversation,
                settings,
            } => self.set(*conversation, settings),
            Op::SetReach { peer, reach, boot } => self.set_reach(*peer, *reach, *boot),
            Op::LoadConversation { sender, peer, boot } => {
                self.load_conversation(sender, *peer, *boot)
            }
            Op::Enqueue(message) => self.enqueue(message),
            Op::Release { id, look, boot } => self.release(*id, *look, *boot),
            Op::QueueForIp { id, look } => self.queue_for_ip(*id, *look),
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
                away,
                looks,
            } => self.apply_sent(*number, *epoch, state, (away, *looks)),
            Op::ApplyClosed {
                number,
                epoch,
                state,
                look,
            } => self.apply_closed(*number, *epoch, state, *look),
            Op::ApplyRevoked {
                number,
                epoch,
                results,
                look,
            } => self.apply_revoked(*number, *epoch, results, *look),
            Op::Cancel { id } => self.cancel(*id),
            Op::Retry { id, by, boot } => self.retry(*id, *by, *boot),
            Op::RearmDeadlines { boot } => self.rearm_deadlines(*boot),
            Op::ExpireDue { boot, limit } => self.expire_due(*boot, *limit),
            Op::LoadDue { boot, limit } => self.load_due(*boot, *limit),
            Op::Wake { waits, own } => self.wake(*waits, *own),
            Op::WakeSmsQueue { own } => self.wake_sms_queue(*own),
            Op::HoldSms { iccid } => self.hold_sms(iccid),
            Op::Wait {
                id,
                seen,
                waits,
                look,
                because,
            } => self.wait(*id, *seen, *waits, *look, because),
            Op::RuleOutSms { id, because } => self.rule_out_sms(*id, because),
            Op::AskBack { id, look, because } => self.ask_back(*id, *look, because),
            Op::ReleaseSms {
                id,
                seen,
                iccid,
                marked,
                settings,
                because,
            } => self.release_sms(*id, *seen, (iccid, *marked), (settings, because)),
            Op::LoadSms { after, limit } => self.load_sms(*after, *limit),
            Op::HandSms {
                id,
                attempt,
                parts,
                boot,
                look,
            } => self.hand_sms(*id, *attempt, *parts, (*boot, *look)),
            Op::LoadHanded { after, limit } => self.load_handed(*after, *limit),
            Op::ApplySmsPart {
                attempt,
                part,
                state,
                code,
                refusal,
                look,
                because,
            } => self.apply_sms_part(
                *attempt,
                (*part, *state),
                (*code, because),
                (*refusal, *look),
            ),
            Op::SettleUnknown { id } => self.settle_unknown(*id),
            Op::ReleaseNote { number, id } => self.release_note(*number, *id),
            Op::InsertSms(sms) => self.insert_sms(sms),
            Op::InsertIncoming(incoming) => self.insert_incoming(incoming),
            Op::ApplyNote {
                number,
                from,
                epoch,
                note,
                cursor,
                check,
                boot,
            } => {
                self.move_cursor(*number, *cursor, *check)?;
                if !note.is_empty() {
                    self.read_note(*number, *from, *epoch, note, *boot)?;
                }
                Ok(Outcome::Done)
            }
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

    /// The answer of operations that decide about messages.
    const fn looks(&self) -> Outcome {
        Outcome::Looks {
            look: self.follows.look,
            unblocked: self.follows.unblocked,
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
        self.log_with(kind, message, shown, None)
    }

    /// The same, with the other message of a merge.
    fn log_with(
        &mut self,
        kind: EventKind,
        message: MessageId,
        shown: Shown,
        other: Option<MessageId>,
    ) -> Result<()> {
        self.latest_event += 1;
        self.execute(
            sql::EVENT_ADD,
            (
                rows::int(self.latest_event),
                codes::event_code(kind),
                rows::int(message.0),
                codes::shown_code(shown),
                rows::wall(self.wall),
                other.map(|other| rows::int(other.0)),
            ),
        )?;
        Ok(())
    }

    /// Appends an event if the user sees something else than before, and says
    /// when that was, for `changed_ms`. Nobody sees a note.
    fn log_change(&mut self, before: &Attempts, after: &Attempts) -> Result<Option<i64>> {
        if before.is_note || (before.shown() == after.shown() && before.waits == after.waits) {
            return Ok(None);
        }
        self.log(EventKind::StateChanged, after.id, after.shown())?;
        Ok(Some(rows::wall(self.wall)))
    }

    /// Writes a line of a message's story.
    fn tell(&self, id: MessageId, step: Step, detail: Option<i64>, because: Because) -> Result<()> {
        self.execute(
            sql::STORY_ADD,
            (
                rows::int(id.0),
                rows::wall(self.wall),
                step as i64,
                detail,
                (!because.is_empty()).then(|| because.join("\n")),
            ),
        )?;
        Ok(())
    }

    /// The epoch an identity holds and its lowest unsettled seq.
    fn position(&self, number: E164) -> Result<Option<(Epoch, Seq)>> {
        self.one(sql::POSITION, (rows::number(number),), |row| {
            Ok((row.epoch(0)?, Seq(row.unsigned(1)?)))
        })
    }
}
