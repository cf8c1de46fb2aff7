//! One turn: takes inputs apart and hands each frame to the module that owns
//! its rule.
//!
//! Owns what may come when on a connection, the deadlines of silence, and how a
//! connection ends. Decides nothing about messages.

use std::collections::BTreeSet;

use twine_proto::frame::{Direction, Goodbye, GoodbyeReason};
use twine_proto::{E164, Epoch, Frame, Seq, SessionNo, Slot};

use crate::core::Core;
use crate::counters::Counters;
use crate::limits::MAX_TIMERS_PER_TURN;
use crate::outbox::{Note, Outbox};
use crate::records::{Records, key};
use crate::storage::{StreamKey, Tx};
use crate::types::{ConnId, DeviceKey, Input, Now};

pub(crate) struct Turn<'c, T: Tx> {
    pub(crate) core: &'c mut Core,
    pub(crate) db: Records<T>,
    pub(crate) now: Now,
    pub(crate) out: Outbox,
    pub(crate) tally: Counters,
    /// Connections that may have something to deliver.
    pub(crate) woken: BTreeSet<ConnId>,
}

/// An identity whose binding was checked in this turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity {
    pub(crate) conn: ConnId,
    pub(crate) slot: Slot,
    pub(crate) number: E164,
    pub(crate) epoch: Epoch,
    pub(crate) device: DeviceKey,
}

impl Identity {
    pub(crate) fn stream(&self) -> StreamKey {
        key(self.number, self.epoch)
    }
}

impl<T: Tx> Turn<'_, T> {
    pub(crate) fn handle(&mut self, input: Input) -> Result<(), T::Error> {
        match input {
            Input::Connected { conn, device } => self.connected(conn, device),
            Input::Frame { conn, frame } => self.frame(conn, frame)?,
            Input::Disconnected { conn } => {
                self.core.sessions.remove(conn);
            }
            Input::Drain { retry_after_s } => self.drain(retry_after_s),
            Input::Tick => {
                self.end_silent();
                self.expire()?;
                self.end_hold()?;
            }
        }
        Ok(())
    }

    fn connected(&mut self, conn: ConnId, device: DeviceKey) {
        self.tally.connected += 1;
        let sessions = &mut self.core.sessions;
        let limit_ms = u64::from(self.core.config.hello_timeout_s) * 1000;
        sessions.insert(conn, device, self.now.instant_ms, limit_ms);
        if let Some(retry_after_s) = self.core.draining {
            self.end(conn, self.draining(retry_after_s));
        } else if self.core.sessions.len() > self.core.config.max_connections {
            self.tally.overloaded += 1;
            let retry_after_s = self.core.config.overload_retry_s;
            let why = "the gateway has as many connections as it may";
            self.end(conn, goodbye(GoodbyeReason::Overloaded, retry_after_s, why));
        }
    }

    fn drain(&mut self, retry_after_s: u32) {
        self.core.draining = Some(retry_after_s);
        for conn in self.core.sessions.conns() {
            self.end(conn, self.draining(retry_after_s));
        }
    }

    fn draining(&self, retry_after_s: u32) -> Goodbye {
        Goodbye {
            redirect: self.core.config.drain_redirect.clone(),
            ..goodbye(GoodbyeReason::Draining, retry_after_s, "")
        }
    }

    fn frame(&mut self, conn: ConnId, frame: Frame) -> Result<(), T::Error> {
        let Some(session) = self.core.sessions.get_mut(conn) else {
            // Sent before it knew that it is not served any more.
            self.tally.ignored += 1;
            return Ok(());
        };
        session.last_activity_ms = self.now.instant_ms;
        let device = session.device;
        let greeted = session.served.is_some();
        if !frame.allowed(Direction::ToGateway) {
            self.protocol_error(conn, "this frame only travels towards the handset");
            return Ok(());
        }
        match (greeted, frame) {
            (false, Frame::Hello(hello)) => self.hello(conn, device, hello),
            (_, Frame::Goodbye(_)) => {
                self.close(conn);
                Ok(())
            }
            (false, _) => {
                self.protocol_error(conn, "the first frame must be Hello");
                Ok(())
            }
            (true, Frame::Hello(_)) => {
                self.protocol_error(conn, "there is one Hello on a connection");
                Ok(())
            }
            (true, Frame::Submit(submit)) => self.submit(conn, submit),
            (true, Frame::Ack(ack)) => self.ack(conn, ack),
            (true, Frame::Receipt(receipt)) => self.receipt(conn, receipt),
            (true, Frame::Revoke(revoke)) => self.revoke(conn, revoke),
            (true, Frame::Lookup(lookup)) => self.lookup(conn, lookup),
            (true, Frame::Typing(typing)) => self.typing(conn, typing),
            (true, Frame::Ping(nonce)) => {
                self.out.send(conn, Frame::Pong(nonce));
                Ok(())
            }
            // An answer to nothing, and what `allowed` has kept out.
            (true, _) => Ok(()),
        }
    }

    /// The identity behind a slot, or `None` if it is not served: then the
    /// frame has no effect (it may have been sent before the `Welcome` came), or
    /// the connection has ended.
    ///
    /// The binding is checked now, not only at `Hello`: a number moved to
    /// another device is not served here one frame longer (DELIVERY 30).
    pub(crate) fn identity(
        &mut self,
        conn: ConnId,
        slot: Slot,
    ) -> Result<Option<Identity>, T::Error> {
        let Some(session) = self.core.sessions.get(conn) else {
            return Ok(None);
        };
        let device = session.device;
        let slots = session.served.as_ref().map(|served| &served.slots);
        let state = slots.and_then(|slots| slots.get(slot.get() as usize));
        let Some((number, epoch)) = state.map(|state| (state.number, state.epoch)) else {
            self.protocol_error(
                conn,
                "there is no such slot in the Hello of this connection",
            );
            return Ok(None);
        };
        let Some(epoch) = epoch else {
            self.tally.ignored += 1;
            return Ok(None);
        };
        let record = self.db.number(number)?;
        if record.is_some_and(|record| record.device == Some(device) && record.epoch == epoch) {
            return Ok(Some(Identity {
                conn,
                slot,
                number,
                epoch,
                device,
            }));
        }
        self.tally.rebound += 1;
        let why = "a number of this connection is bound anew; say Hello again";
        // Not `UnknownDevice`: the device may hold other numbers.
        self.end(conn, goodbye(GoodbyeReason::Closing, 0, why));
        Ok(None)
    }

    /// Who serves a number now, its binding checked.
    pub(crate) fn live(&mut self, number: E164) -> Result<Option<(ConnId, Slot)>, T::Error> {
        let Some((conn, slot)) = self.core.sessions.of_number(number) else {
            return Ok(None);
        };
        let Some(session) = self.core.sessions.get(conn) else {
            return Ok(None);
        };
        let device = session.device;
        let slots = session.served.as_ref().map(|served| &served.slots);
        let state = slots.and_then(|slots| slots.get(slot.get() as usize));
        let epoch = state.and_then(|state| state.epoch);
        let record = self.db.number(number)?;
        let stands = record
            .is_some_and(|record| record.device == Some(device) && Some(record.epoch) == epoch);
        Ok(stands.then_some((conn, slot)))
    }

    /// Notes something for the `Accepted` of an identity.
    pub(crate) fn note_accepted(&mut self, identity: Identity, upto: Seq, note: Note) {
        let receipts = self.receipts_of(identity.conn);
        self.out
            .accepted(identity.conn, identity.slot, upto, note, receipts);
    }

    fn receipts_of(&self, conn: ConnId) -> u64 {
        let served = self
            .core
            .sessions
            .get(conn)
            .and_then(|session| session.served.as_ref());
        served.map_or(0, |served| served.receipts)
    }

    fn end_silent(&mut self) {
        let now_ms = self.now.instant_ms;
        for conn in self.core.sessions.due(now_ms, MAX_TIMERS_PER_TURN) {
            let Some(session) = self.core.sessions.get(conn) else {
                continue;
            };
            let config = &self.core.config;
            let (limit_s, why) = if session.served.is_some() {
                (config.idle_limit_s, "silent for longer than the idle limit")
            } else {
                (config.hello_timeout_s, "no Hello in time")
            };
            let at_ms = session
                .last_activity_ms
                .saturating_add(u64::from(limit_s) * 1000);
            if at_ms > now_ms {
                self.core.sessions.set_deadline(conn, at_ms);
            } else {
                self.tally.silent += 1;
                self.end(conn, goodbye(GoodbyeReason::Closing, 0, why));
            }
        }
    }

    pub(crate) fn protocol_error(&mut self, conn: ConnId, why: &str) {
        self.tally.protocol_errors += 1;
        self.end(conn, goodbye(GoodbyeReason::ProtocolError, 0, why));
    }

    /// Ends a connection: what was gathered for it goes first.
    pub(crate) fn end(&mut self, conn: ConnId, goodbye: Goodbye) {
        self.out.flush(conn, self.receipts_of(conn));
        self.out.send(conn, Frame::Goodbye(goodbye));
        self.close(conn);
    }

    fn close(&mut self, conn: ConnId) {
        self.out.flush(conn, self.receipts_of(conn));
        self.out.close(conn);
        self.core.sessions.remove(conn);
    }

    /// Puts all that was gathered into frames.
    pub(crate) fn flush(&mut self) {
        for conn in self.out.gathered() {
            self.out.flush(conn, self.receipts_of(conn));
        }
    }
}

pub(crate) fn goodbye(reason: GoodbyeReason, retry_after_s: u32, detail: &str) -> Goodbye {
    Goodbye {
        reason,
        retry_after_s,
        redirect: String::new(),
        session_no: SessionNo(0),
        detail: detail.to_owned(),
    }
}
