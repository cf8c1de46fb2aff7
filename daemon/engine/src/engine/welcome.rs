//! What the gateway's answer to `Hello` means for each identity (DELIVERY 4, 8).
//!
//! | the gateway says | this device held | verdict |
//! |---|---|---|
//! | ok, a mark below its next seq | an epoch | fill in what is missing, go on |
//! | ok, a mark above what it ever gave | an epoch | its store is an old copy: a new epoch |
//! | ok, and that it served a session which this store did not begin | an epoch | its store was copied: a new epoch |
//! | granted, above all it ever had | none | take it, start at 1 |
//! | closed | an epoch | a copy of its store has a later one: ask for a new one |
//! | not bound | any | wait until somebody provisions it |
//! | anything else | | the gateway broke the protocol |

use twine_proto::frame::{EpochPosition, SentState, SlotStatus, Welcome, WelcomeSlot};
use twine_proto::{E164, Epoch, Seq, Slot};

use super::Engine;
use crate::ctx::{Ctx, Route};
use crate::deciding;
use crate::engine::Then;
use crate::gate::Fleeting;
use crate::message::WaitsFor;
use crate::output::Notice;
use crate::store_ops::Op;
use crate::time::Now;
use crate::trace::Decision;

impl Engine {
    pub(super) fn close_epoch(
        &mut self,
        now: Now,
        number: E164,
        epoch: Epoch,
        contested_from: Option<Seq>,
        why: &'static str,
    ) {
        self.counters.new_epochs += 1;
        let mut ctx = ctx!(self, now);
        ctx.trace(Decision::NewEpoch, &[why]);
        self.outbox
            .close_epoch(&mut ctx, number, epoch, contested_from);
        if let Some(identity) = self.registration.get_mut(number) {
            identity.position.held = None;
        }
    }

    /// This store is a copy, or was copied: another one uses its epoch. What has not been
    /// accepted may have lost its seq to the other's, whose fate is not to be taken for
    /// it (DELIVERY 4): it is sent anew, and may be there twice.
    pub(super) fn another_has_its_epoch(
        &mut self,
        now: Now,
        number: E164,
        epoch: Epoch,
        why: &'static str,
    ) {
        self.close_epoch(now, number, epoch, Some(Seq(1)), why);
    }

    pub(super) fn welcomed(&mut self, now: Now, welcome: Welcome, alone: bool) {
        let Some(conn) = self.session.live() else {
            return;
        };
        self.inbox.connected(conn);
        self.receipts.connected();
        self.grace(now);
        let mut usable = 0;
        let mut renumber = false;
        for (index, slot) in welcome.slots.into_iter().enumerate() {
            let slot_no = Slot(u32::try_from(index).unwrap_or(u32::MAX));
            let Some((own, route)) = self.session.owner(slot_no) else {
                continue;
            };
            match self.welcomed_slot(now, own, route, slot, alone) {
                SlotVerdict::Usable => {
                    usable += 1;
                    self.ip_is_back(now, own);
                }
                SlotVerdict::NotBound => {}
                SlotVerdict::Renumber => renumber = true,
                SlotVerdict::Violation(why) => return self.give_up(now, why),
            }
        }
        if usable > 0 {
            self.session.bound();
        }
        if renumber {
            self.give_up(now, "an identity needs a new epoch");
        } else if usable == 0 {
            let mut ctx = ctx!(self, now);
            let event = self.session.wait_for_binding(&mut ctx, &mut self.rng);
            self.session_event(now, event);
        }
    }

    /// What waits for a card or an operator's network may go by IP instead.
    fn ip_is_back(&mut self, now: Now, number: E164) {
        if !self.session.config().sms {
            return;
        }
        let (mut ctx, own) = (ctx!(self, now), Some(number));
        for waits in WaitsFor::CONDITIONS {
            ctx.op(Op::Wake { waits, own }, deciding::Then::Looks);
        }
        // Nor is it kept back by an agent that is away.
        ctx.op(Op::WakeSmsQueue { own: number }, deciding::Then::Looks);
    }

    fn welcomed_slot(
        &mut self,
        now: Now,
        own: E164,
        route: Route,
        slot: WelcomeSlot,
        alone: bool,
    ) -> SlotVerdict {
        let Some(identity) = self.registration.get_mut(own) else {
            return SlotVerdict::NotBound;
        };
        identity.not_bound = slot.status == SlotStatus::NotBound;
        let (held, last_epoch) = (identity.position.held, identity.position.last_epoch);
        let named: Vec<Epoch> = identity.position.old.iter().map(|old| old.epoch).collect();
        let mut ctx = ctx!(self, now);
        match slot.status {
            SlotStatus::NotBound => {
                ctx.at_once(Fleeting::Notice(Notice::Identity {
                    number: own,
                    state: "not_bound",
                }));
                return SlotVerdict::NotBound;
            }
            SlotStatus::Ok | SlotStatus::Granted(_) => {
                for (epoch, state) in slot.old {
                    if named.contains(&epoch) {
                        self.outbox.closed_epoch(&mut ctx, own, epoch, state);
                    }
                }
            }
            SlotStatus::EpochClosed => {}
        }
        match (slot.status, held) {
            (SlotStatus::Ok, Some(held)) if !alone => {
                let why = "the gateway served a copy of this phone";
                self.another_has_its_epoch(now, own, held.epoch, why);
                SlotVerdict::Renumber
            }
            (SlotStatus::Ok, Some(held)) if slot.state.high_water >= held.next_seq => {
                // More than this device ever gave: its store is an old copy.
                let why = "the gateway holds later seqs";
                self.another_has_its_epoch(now, own, held.epoch, why);
                SlotVerdict::Renumber
            }
            (SlotStatus::Ok, Some(held)) => {
                let (epoch, next_seq) = (held.epoch, held.next_seq);
                self.outbox
                    .welcomed(&mut ctx, own, route, epoch, next_seq, slot.state);
                self.receipts.ready(&mut ctx, own);
                SlotVerdict::Usable
            }
            (SlotStatus::Granted(epoch), None) if epoch > last_epoch => {
                ctx.op(Op::BindEpoch { number: own, epoch }, Then::Nothing);
                ctx.at_once(Fleeting::Notice(Notice::Identity {
                    number: own,
                    state: "active",
                }));
                let state = SentState::default();
                self.outbox
                    .welcomed(&mut ctx, own, route, epoch, Seq(1), state);
                self.receipts.ready(&mut ctx, own);
                if let Some(identity) = self.registration.get_mut(own) {
                    identity.position.last_epoch = epoch;
                    identity.position.held = Some(EpochPosition {
                        epoch,
                        next_seq: Seq(1),
                        lowest_unsettled: Seq(1),
                    });
                }
                SlotVerdict::Usable
            }
            (SlotStatus::EpochClosed, Some(held)) => {
                self.another_has_its_epoch(now, own, held.epoch, "the gateway closed it");
                SlotVerdict::Renumber
            }
            _ => SlotVerdict::Violation("the gateway's answer does not fit the greeting"),
        }
    }
}

/// What the gateway's answer means for one identity.
enum SlotVerdict {
    Usable,
    NotBound,
    /// It has to ask for a new epoch, in a new `Hello`.
    Renumber,
    Violation(&'static str),
}
