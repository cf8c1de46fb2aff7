//! The core: what lives from turn to turn, and the turn itself.
//!
//! Owns the order of a turn (open, handle, commit, and only then speak) and
//! what happens when one fails. The rules are in the modules beside it.

use std::collections::BTreeSet;

use twine_proto::E164;

use crate::config::Config;
use crate::counters::Counters;
use crate::outbox::Outbox;
use crate::records::Records;
use crate::session::Sessions;
use crate::storage::Storage;
use crate::turn::Turn;
use crate::types::{ConnId, Input, Now, Output};

/// The gateway's decisions. See the crate's documentation.
#[derive(Debug)]
pub struct Core {
    pub(crate) config: Config,
    pub(crate) sessions: Sessions,
    /// `retry_after_s` once draining has begun.
    pub(crate) draining: Option<u32>,
    /// When to look for old mail next.
    pub(crate) next_expiry_ms: u64,
    /// Mailboxes of which entries were stepped over: see `restore`.
    pub(crate) held: BTreeSet<E164>,
    counters: Counters,
    lost: BTreeSet<ConnId>,
}

impl Core {
    /// A core without connections.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            sessions: Sessions::default(),
            draining: None,
            next_expiry_ms: 0,
            held: BTreeSet::new(),
            counters: Counters::default(),
            lost: BTreeSet::new(),
        }
    }

    /// One turn is one transaction: opens it, handles all inputs in order,
    /// commits, and only then returns what may leave.
    ///
    /// On an error nothing leaves: drop every connection that
    /// [`take_lost_connections`](Self::take_lost_connections) names, without a
    /// word, and go on. The handsets come back and learn from their `Welcome`
    /// what is on disk, whether or not the failed commit reached it.
    ///
    /// How many inputs a turn takes is up to the driver, and its bound.
    pub fn turn<S: Storage>(
        &mut self,
        storage: &mut S,
        now: Now,
        inputs: impl IntoIterator<Item = Input>,
    ) -> Result<Vec<Output>, S::Error> {
        let inputs: Vec<Input> = inputs.into_iter().collect();
        self.sessions.begin_turn();
        for input in &inputs {
            match input {
                Input::Connected { conn, .. }
                | Input::Frame { conn, .. }
                | Input::Disconnected { conn } => self.sessions.touch(*conn),
                Input::Drain { .. } | Input::Tick => {}
            }
        }
        match self.try_turn(storage, now, inputs) {
            Ok((outputs, tally)) => {
                self.counters.add(&tally);
                Ok(outputs)
            }
            Err(error) => {
                let lost = self.sessions.forget_touched();
                self.lost.extend(lost);
                Err(error)
            }
        }
    }

    fn try_turn<S: Storage>(
        &mut self,
        storage: &mut S,
        now: Now,
        inputs: Vec<Input>,
    ) -> Result<(Vec<Output>, Counters), S::Error> {
        let db = Records::new(storage.begin()?);
        let mut turn = Turn {
            core: self,
            db,
            now,
            out: Outbox::default(),
            tally: Counters::default(),
            woken: BTreeSet::new(),
        };
        for input in inputs {
            turn.handle(input)?;
        }
        // What a sender waits for is short; it goes before the mail.
        turn.flush();
        turn.deliver()?;
        let Turn {
            db, out, mut tally, ..
        } = turn;
        let outputs = out.into_outputs();
        // Whoever would have been told something and is not must come back and
        // ask: the failed commit may have reached the disk all the same.
        for output in &outputs {
            let (Output::Send { conn, .. } | Output::Close { conn }) = output;
            self.sessions.touch(*conn);
        }
        // Nothing leaves before it is stored (DELIVERY 9).
        db.commit()?;
        tally.turns = 1;
        Ok((outputs, tally))
    }

    /// The connections that a failed turn has touched. The core has forgotten
    /// them; so must the driver.
    #[must_use]
    pub fn take_lost_connections(&mut self) -> Vec<ConnId> {
        std::mem::take(&mut self.lost).into_iter().collect()
    }

    /// When to hand in [`Input::Tick`], on the clock of
    /// [`Now::instant_ms`]. Ask again after each turn.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<u64> {
        let silence = self.sessions.next_deadline();
        Some(silence.map_or(self.next_expiry_ms, |at| at.min(self.next_expiry_ms)))
    }

    /// Totals since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// How many connections there are, and how many of them are served.
    #[must_use]
    pub fn connections(&self) -> (usize, usize) {
        (self.sessions.len(), self.sessions.served())
    }
}
