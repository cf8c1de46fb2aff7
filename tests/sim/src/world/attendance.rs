//! Who has a live session, as frames on the wire tell it; and whether the gateway
//! says the same of recipients (DELIVERY 25).
//!
//! Decides nothing: it holds `Accepted.away` against the `Welcome`s and ends of
//! connections that it has seen.

use std::collections::{BTreeMap, BTreeSet};

use twine_gateway_core as gw;
use twine_proto::frame::{Accepted, SlotStatus};
use twine_proto::{E164, Frame, Seq, Slot};

use crate::model::{Broken, Cases};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Attendance {
    /// The numbers in the `Hello` of each connection.
    greeted: BTreeMap<u64, Vec<E164>>,
    /// The numbers served on each connection.
    here: BTreeMap<u64, BTreeSet<E164>>,
    /// Submissions of this turn.
    submitted: BTreeMap<(u64, Slot, Seq), E164>,
    /// Numbers that moved to another phone: the old one is not served, and may
    /// not know it yet.
    moved: BTreeSet<E164>,
}

impl Attendance {
    /// What a turn of the gateway takes in.
    pub(super) fn heard(&mut self, inputs: &[gw::Input]) {
        self.submitted.clear();
        let mut judged = true;
        for input in inputs {
            match input {
                gw::Input::Frame { conn, frame } => match frame {
                    Frame::Hello(hello) => {
                        let numbers = hello.slots.iter().map(|slot| slot.number);
                        self.greeted.insert(conn.0, numbers.collect());
                        judged = false;
                    }
                    Frame::Submit(submit) => {
                        let key = (conn.0, submit.slot, submit.seq);
                        self.submitted.insert(key, submit.to);
                    }
                    // What is taken back in the turn of its submission is not away.
                    Frame::Revoke(_) => judged = false,
                    _ => {}
                },
                gw::Input::Disconnected { conn } => {
                    self.gone(conn.0);
                    judged = false;
                }
                // Sessions end within the turn.
                gw::Input::Drain { .. } | gw::Input::Tick => judged = false,
                gw::Input::Connected { .. } => {}
            }
        }
        if !judged {
            self.submitted.clear();
        }
    }

    /// What the gateway says, after the commit.
    pub(super) fn said(&mut self, conn: u64, frame: &Frame, cases: &Cases) -> Result<(), Broken> {
        match frame {
            Frame::Welcome(welcome) => {
                let numbers = self.greeted.get(&conn).into_iter().flatten();
                let served = numbers
                    .zip(&welcome.slots)
                    .filter(|(_, slot)| {
                        matches!(slot.status, SlotStatus::Ok | SlotStatus::Granted(_))
                    })
                    .map(|(number, _)| *number)
                    .collect();
                self.here.insert(conn, served);
                Ok(())
            }
            Frame::Accepted(accepted) => self.judge(conn, accepted, cases),
            _ => Ok(()),
        }
    }

    fn judge(&mut self, conn: u64, accepted: &Accepted, cases: &Cases) -> Result<(), Broken> {
        let first = (conn, accepted.slot, Seq(0));
        let last = (conn, accepted.slot, accepted.upto);
        let answered: Vec<(Seq, E164)> = self
            .submitted
            .range(first..=last)
            .map(|((_, _, seq), to)| (*seq, *to))
            .collect();
        for (seq, to) in answered {
            self.submitted.remove(&(conn, accepted.slot, seq));
            let refused = accepted.refused.iter().any(|(no, _)| *no == seq);
            if refused || accepted.conflict.is_some() || self.moved.contains(&to) {
                continue;
            }
            let here = self.here.values().any(|numbers| numbers.contains(&to));
            cases.expect(
                "the gateway says who is away",
                accepted.away.contains(&seq) != here,
                format_args!("{seq:?} to {}: here {here}", to.get()),
            )?;
        }
        Ok(())
    }

    /// Whose slot of a connection this is.
    pub(super) fn number_of(&self, conn: u64, slot: Slot) -> Option<E164> {
        let numbers = self.greeted.get(&conn)?;
        numbers.get(usize::try_from(slot.0).ok()?).copied()
    }

    /// A connection has ended, as the gateway sees it.
    pub(super) fn gone(&mut self, conn: u64) {
        self.greeted.remove(&conn);
        self.here.remove(&conn);
    }

    /// The gateway's process has ended.
    pub(super) fn all_gone(&mut self) {
        self.greeted.clear();
        self.here.clear();
    }

    /// A number has another phone.
    pub(super) fn moved(&mut self, number: E164) {
        self.moved.insert(number);
    }
}
