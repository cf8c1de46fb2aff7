//! `Hello` and `Welcome` (DELIVERY 6, 7, 8): who is served, under which epoch,
//! and what both sides know of the messages between them.
//!
//! # Who is served
//!
//! | case | answer |
//! |---|---|
//! | no number is bound to the device key | `Welcome` with every slot `NotBound`, then `Goodbye UnknownDevice`; nothing is stored |
//! | `session_no` not above the highest of this device | `Goodbye Superseded` with the highest |
//! | above | served; the connection served before gets `Goodbye Superseded` |
//!
//! # The epoch of each slot
//!
//! | the device | the gateway | answer |
//! |---|---|---|
//! | any | number not bound to this key, or unknown | `NotBound`: the same for both, so that nothing is revealed |
//! | wants one, remembers `last` | recorded `e` | `Granted(max(e + 1, last + 1, days since 2025-01-01))`, after a restore at least what `restore` says, durable before it is said; `e` is closed for good (rule 3) |
//! | holds `e` | recorded `e`, granted to this key | `Ok` |
//! | holds `e` | recorded `e`, granted to another key | `EpochClosed` |
//! | holds less | recorded more | `EpochClosed` |
//! | holds more | recorded less | history was lost: taken over, `high_water = lowest_unsettled - 1` (rule 7), `Ok` |
//!
//! With `Ok` a high-water mark below `lowest_unsettled - 1` is raised to it (rule 7).
//!
//! # The receiver's cursor
//!
//! A cursor at which an entry lies that was handed over and has the same check
//! acknowledges everything handed over up to it: that settles what is in doubt.
//! Any other cursor settles nothing, and everything not acknowledged is delivered
//! again, as it is on each new connection.
//!
//! A gateway restored from a backup gives cursors a second time. The device
//! keeps the highest cursor it ever committed, so it repeats a cursor of the lost
//! history until the gateway's have passed it. Example: the device has committed
//! up to 80; the backup ends at 50; entry 80 comes into being again as the same
//! message, because its sender submits it again, but 60 is another message this
//! time. All are handed over, the connection dies before 60 arrives, and the
//! device says 80 with a matching check: message 60 would be lost. Therefore a
//! cursor that did not match is kept as `doubted_upto`, and cursors up to it
//! settle nothing from then on; `Ack` does. A forged one costs its own mailbox this
//! short cut, and nothing else.

use std::collections::BTreeSet;

use twine_proto::frame::{
    Binding, EpochPosition, Goodbye, GoodbyeReason, Hello, HelloSlot, SentState, SlotStatus,
    Welcome, WelcomeSlot,
};
use twine_proto::limits::{MAX_SEQS_PER_FRAME, MAX_SESSIONS_SINCE};
use twine_proto::{Cursor, E164, Epoch, Frame, Seq, SessionNo, Slot};

use crate::limits::{MAX_CLAIMED_EPOCH, PAGE};
use crate::outbox::Outcomes;
use crate::records::{key, new_stream};
use crate::session::SlotState;
use crate::storage::{ALL_DOUBTED, Fate, NumberRecord, Stream, Tx};
use crate::turn::{Turn, goodbye};
use crate::types::{ConnId, DeviceKey};

/// 2025-01-01T00:00:00Z (rule 3).
pub(crate) const EPOCH_DAY_ZERO_UNIX_S: u64 = 1_735_689_600;
const DAY_S: u64 = 24 * 3600;

/// What one slot of a `Hello` comes to.
struct Greeted {
    status: SlotStatus,
    /// The epoch served; `None`: the slot is not served.
    epoch: Option<Epoch>,
    high_water: Seq,
    known: Outcomes,
    old: Vec<(Epoch, Seq, Outcomes)>,
}

impl<T: Tx> Turn<'_, T> {
    pub(crate) fn hello(
        &mut self,
        conn: ConnId,
        device: DeviceKey,
        hello: Hello,
    ) -> Result<(), T::Error> {
        let numbers: BTreeSet<E164> = hello.slots.iter().map(|slot| slot.number).collect();
        if numbers.len() != hello.slots.len() {
            self.protocol_error(conn, "a number stands twice in Hello");
            return Ok(());
        }
        if !self.db.tx.has_number(&device)? {
            self.send_stranger_away(conn, hello.slots.len());
            return Ok(());
        }
        let mut sessions = self.db.tx.sessions(&device)?;
        let highest = sessions.last().copied().unwrap_or_default();
        if hello.session_no <= highest {
            self.tally.superseded += 1;
            let goodbye = Goodbye {
                session_no: highest,
                ..goodbye(GoodbyeReason::Superseded, 0, "")
            };
            self.end(conn, goodbye);
            return Ok(());
        }
        if !self.claims_are_sane(device, &hello)? {
            self.protocol_error(conn, "an epoch in Hello is out of range");
            return Ok(());
        }
        // What the device does not know to be welcomed in.
        sessions.retain(|no| *no > hello.after);
        let since = sessions.clone();
        sessions.push(hello.session_no);
        if sessions.len() > MAX_SESSIONS_SINCE {
            sessions.remove(0);
        }
        self.db.tx.put_sessions(&device, &sessions)?;
        if let Some(older) = self.core.sessions.of_device(&device) {
            self.tally.superseded += 1;
            let goodbye = Goodbye {
                session_no: hello.session_no,
                ..goodbye(GoodbyeReason::Superseded, 0, "")
            };
            self.end(older, goodbye);
        }
        self.serve(conn, device, since, hello.slots)
    }

    fn serve(
        &mut self,
        conn: ConnId,
        device: DeviceKey,
        since: Vec<SessionNo>,
        slots: Vec<HelloSlot>,
    ) -> Result<(), T::Error> {
        // First all cursors: what one identity of this device settles may have
        // been sent by another, whose outcomes are read next.
        for hello in &slots {
            if self.is_bound(hello.number, device)? {
                self.settle_by_cursor(hello.number, hello.cursor, hello.cursor_check)?;
            }
        }
        let mut states = Vec::with_capacity(slots.len());
        let mut welcome = Vec::with_capacity(slots.len());
        // Outcomes beyond what one frame holds follow as receipts.
        let mut room = MAX_SEQS_PER_FRAME;
        for (index, hello) in slots.into_iter().enumerate() {
            let slot = Slot(index as u32);
            let mut greeted = self.greet(device, &hello)?;
            let state = self.fit(
                conn,
                slot,
                None,
                greeted.high_water,
                &mut greeted.known,
                &mut room,
            );
            let mut old = Vec::with_capacity(greeted.old.len());
            for (epoch, high_water, mut known) in greeted.old {
                let state = self.fit(conn, slot, Some(epoch), high_water, &mut known, &mut room);
                old.push((epoch, state));
            }
            welcome.push(WelcomeSlot {
                status: greeted.status,
                state,
                old,
            });
            states.push(SlotState::new(hello.number, greeted.epoch));
        }
        self.core.sessions.serve(conn, states);
        let welcome = Welcome {
            time_s: self.now.unix_s,
            slots: welcome,
            idle_limit_s: self.core.config.idle_limit_s,
            since,
        };
        self.out.send(conn, Frame::Welcome(welcome));
        self.tally.hellos += 1;
        self.woken.insert(conn);
        Ok(())
    }

    fn is_bound(&mut self, number: E164, device: DeviceKey) -> Result<bool, T::Error> {
        let record = self.db.number(number)?;
        Ok(record.is_some_and(|record| record.device == Some(device)))
    }

    /// Takes as many outcomes as there is room for; the rest is gathered for
    /// receipts, which leave after the `Welcome`.
    fn fit(
        &mut self,
        conn: ConnId,
        slot: Slot,
        epoch: Option<Epoch>,
        high_water: Seq,
        known: &mut Outcomes,
        room: &mut usize,
    ) -> SentState {
        let some = known.dispositions.len().min(*room);
        let dispositions = known.dispositions.drain(..some).collect();
        *room -= some;
        let some = known.delivered.len().min(*room);
        let delivered = known.delivered.drain(..some).collect();
        *room -= some;
        if !known.dispositions.is_empty() || !known.delivered.is_empty() {
            let rest = self.out.outcomes(conn, slot, epoch);
            rest.dispositions.append(&mut known.dispositions);
            rest.delivered.append(&mut known.delivered);
        }
        SentState {
            high_water,
            dispositions,
            delivered,
        }
    }

    fn greet(&mut self, device: DeviceKey, hello: &HelloSlot) -> Result<Greeted, T::Error> {
        let number = hello.number;
        let not_bound = Greeted {
            status: SlotStatus::NotBound,
            epoch: None,
            high_water: Seq(0),
            known: Outcomes::default(),
            old: Vec::new(),
        };
        let Some(record) = self.db.number(number)? else {
            return Ok(not_bound);
        };
        if record.device != Some(device) {
            return Ok(not_bound);
        }
        let mut greeted = match hello.binding {
            Binding::Wanted { last } => self.grant(device, number, record, last)?,
            Binding::Held(position) => self.resume(device, number, record, position)?,
        };
        let current = self
            .db
            .number(number)?
            .map_or(Epoch(0), |record| record.epoch);
        for position in hello.old.iter().filter(|old| old.epoch < current) {
            greeted.old.extend(self.closed(device, number, *position)?);
        }
        self.seen(device, number)?;
        Ok(greeted)
    }

    /// Rule 3. Durable before the `Welcome` leaves, as everything of a turn.
    fn grant(
        &mut self,
        device: DeviceKey,
        number: E164,
        record: NumberRecord,
        last: Epoch,
    ) -> Result<Greeted, T::Error> {
        let days = self.now.unix_s.saturating_sub(EPOCH_DAY_ZERO_UNIX_S) / DAY_S;
        let days = u32::try_from(days)
            .unwrap_or(u32::MAX)
            .min(MAX_CLAIMED_EPOCH);
        let floor = Epoch(days).max(self.epoch_floor()?);
        let epoch = record.epoch.next().max(last.next()).max(floor);
        if epoch == record.epoch {
            // After 2^32 grants. Nothing is given twice.
            return Ok(Greeted::epoch_closed());
        }
        self.open_epoch(number, record, epoch, new_stream(device, Seq(0)))?;
        self.tally.epochs_granted += 1;
        Ok(Greeted {
            status: SlotStatus::Granted(epoch),
            epoch: Some(epoch),
            high_water: Seq(0),
            known: Outcomes::default(),
            old: Vec::new(),
        })
    }

    fn resume(
        &mut self,
        device: DeviceKey,
        number: E164,
        record: NumberRecord,
        held: EpochPosition,
    ) -> Result<Greeted, T::Error> {
        let settled = Seq(held.lowest_unsettled.get() - 1);
        let stream = self.db.stream(key(number, held.epoch))?;
        let stream = match stream {
            Some(stream) if held.epoch == record.epoch => {
                if stream.owner != device {
                    return Ok(Greeted::epoch_closed());
                }
                self.compare(number, held, stream)?
            }
            _ if held.epoch < record.epoch => return Ok(Greeted::epoch_closed()),
            // Rule 7: this gateway has lost the grant.
            _ => {
                self.tally.history_lost += 1;
                let mut stream = new_stream(device, settled);
                stream.doubted_upto = given(held);
                self.open_epoch(number, record, held.epoch, stream)?;
                stream
            }
        };
        Ok(Greeted {
            status: SlotStatus::Ok,
            epoch: Some(held.epoch),
            high_water: stream.high_water,
            known: self.known(number, held.epoch, held.lowest_unsettled)?,
            old: Vec::new(),
        })
    }

    /// Makes an epoch the present one, which closes the one before.
    fn open_epoch(
        &mut self,
        number: E164,
        record: NumberRecord,
        epoch: Epoch,
        stream: Stream,
    ) -> Result<(), T::Error> {
        let before = key(number, record.epoch);
        if self
            .db
            .stream(before)?
            .is_some_and(|stream| stream.high_water == Seq(0))
        {
            // It took nothing, so there is nothing to tell of it.
            self.db.remove_stream(before)?;
        }
        self.tally.streams_forgotten += self.db.limit_streams(number)?;
        self.db.put_stream(key(number, epoch), stream);
        self.db.put_number(number, NumberRecord { epoch, ..record })
    }

    /// Holds what a `Hello` says of an epoch against its record. If history was
    /// lost, what the sender had given by now is doubted from now on: see `revoke`.
    fn compare(
        &mut self,
        number: E164,
        position: EpochPosition,
        mut stream: Stream,
    ) -> Result<Stream, T::Error> {
        let behind = stream.high_water.next() < position.lowest_unsettled;
        if stream.doubted_upto == ALL_DOUBTED {
            stream.doubted_upto = given(position);
            self.db.put_stream(key(number, position.epoch), stream);
            // Its sender is heard of for the first time since the restore.
            self.let_go(key(number, position.epoch))?;
        } else if behind {
            stream.doubted_upto = stream.doubted_upto.max(given(position));
            self.db.put_stream(key(number, position.epoch), stream);
        }
        let settled = self.settle(number, position.epoch, position.lowest_unsettled)?;
        Ok(settled.unwrap_or(stream))
    }

    /// The sender has told its lowest unsettled seq: outcomes below may be
    /// forgotten, and a mark below is raised (rule 7).
    ///
    /// A sender that settled a message by an uncertain SMS tells a seq whose
    /// submission never came here: the same rule fills that hole.
    pub(crate) fn settle(
        &mut self,
        number: E164,
        epoch: Epoch,
        lowest_unsettled: Seq,
    ) -> Result<Option<Stream>, T::Error> {
        let key = key(number, epoch);
        let Some(mut stream) = self.db.stream(key)? else {
            return Ok(None);
        };
        let settled = Seq(lowest_unsettled.get().saturating_sub(1));
        if stream.high_water < settled {
            self.tally.history_lost += 1;
            stream.high_water = settled;
        } else if stream.lowest_unsettled >= lowest_unsettled {
            return Ok(Some(stream));
        }
        stream.lowest_unsettled = stream.lowest_unsettled.max(lowest_unsettled);
        self.db.put_stream(key, stream);
        Ok(Some(stream))
    }

    /// What is known of an epoch that is closed (rule 8). `None`: it was
    /// granted to another device key.
    ///
    /// Of an epoch without a record the answer is as if nothing had been taken
    /// since the sender's last settled seq (rule 7): an epoch that took nothing has
    /// none. A gateway that lost the record to a restore answers the same:
    /// rather a second copy than a lost message.
    fn closed(
        &mut self,
        device: DeviceKey,
        number: E164,
        position: EpochPosition,
    ) -> Result<Option<(Epoch, Seq, Outcomes)>, T::Error> {
        let settled = Seq(position.lowest_unsettled.get() - 1);
        let Some(stream) = self.db.stream(key(number, position.epoch))? else {
            return Ok(Some((position.epoch, settled, Outcomes::default())));
        };
        if stream.owner != device {
            return Ok(None);
        }
        let stream = self.compare(number, position, stream)?;
        let known = self.known(number, position.epoch, position.lowest_unsettled)?;
        Ok(Some((position.epoch, stream.high_water, known)))
    }

    fn known(&mut self, number: E164, epoch: Epoch, from: Seq) -> Result<Outcomes, T::Error> {
        let mut known = Outcomes::default();
        for (seq, fate) in self.db.ended_from(key(number, epoch), from)? {
            known.add(seq, fate);
        }
        Ok(known)
    }

    /// See the module's documentation.
    fn settle_by_cursor(
        &mut self,
        owner: E164,
        cursor: Cursor,
        check: u32,
    ) -> Result<(), T::Error> {
        if cursor == Cursor(0) {
            return Ok(());
        }
        let mut mailbox = self.db.mailbox(owner)?;
        if cursor <= mailbox.doubted_upto {
            return Ok(());
        }
        let handed = cursor <= mailbox.handed_upto;
        let entry = self.db.tx.entry(owner, cursor)?;
        if !handed || entry.is_none_or(|entry| entry.check(owner) != check) {
            mailbox.doubted_upto = cursor;
            self.db.put_mailbox(owner, mailbox);
            return Ok(());
        }
        let mut after = Cursor(0);
        loop {
            let page = self.db.tx.entries_after(owner, after, PAGE, u64::MAX)?;
            if page.is_empty() {
                return Ok(());
            }
            for (at, entry) in page {
                if at > cursor {
                    return Ok(());
                }
                after = at;
                if self.is_unseen(&entry)? {
                    // It may have been stepped over: see `restore`.
                    continue;
                }
                self.tally.settled_by_hello += 1;
                self.acknowledged(owner, at, &entry)?;
            }
        }
    }

    fn claims_are_sane(&mut self, device: DeviceKey, hello: &Hello) -> Result<bool, T::Error> {
        for slot in &hello.slots {
            let claimed = match slot.binding {
                Binding::Held(position) => position.epoch,
                Binding::Wanted { last } => last,
            };
            let recorded = match self.db.number(slot.number)? {
                Some(record) if record.device == Some(device) => record.epoch,
                _ => continue,
            };
            if claimed > recorded.max(Epoch(MAX_CLAIMED_EPOCH)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn send_stranger_away(&mut self, conn: ConnId, slots: usize) {
        self.tally.unknown_devices += 1;
        let slot = WelcomeSlot {
            status: SlotStatus::NotBound,
            state: SentState::default(),
            old: Vec::new(),
        };
        let welcome = Welcome {
            time_s: self.now.unix_s,
            slots: vec![slot; slots],
            idle_limit_s: self.core.config.idle_limit_s,
            since: Vec::new(),
        };
        self.out.send(conn, Frame::Welcome(welcome));
        let retry_after_s = self.core.config.unknown_device_retry_s;
        self.end(
            conn,
            goodbye(GoodbyeReason::UnknownDevice, retry_after_s, ""),
        );
    }
}

/// The last seq that the sender had given.
fn given(position: EpochPosition) -> Seq {
    Seq(position.next_seq.get().saturating_sub(1))
}

impl Greeted {
    fn epoch_closed() -> Self {
        Self {
            status: SlotStatus::EpochClosed,
            epoch: None,
            high_water: Seq(0),
            known: Outcomes::default(),
            old: Vec::new(),
        }
    }
}

impl Outcomes {
    pub(crate) fn add(&mut self, seq: Seq, fate: Fate) {
        match fate {
            Fate::Delivered => self.delivered.push(seq),
            Fate::Ended { how, .. } => self.dispositions.push((seq, how)),
            Fate::Waiting { .. } => {}
        }
    }
}
