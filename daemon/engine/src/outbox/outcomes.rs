//! What follows from the store's answers.
//!
//! Everything here holds proof that its batch is on disk, so replies and frames
//! may leave at once.

use std::collections::BTreeMap;

use twine_proto::limits::MAX_SEQS_PER_FRAME;
use twine_proto::{E164, Epoch, Seq};

use super::resume::Fill;
use super::sending::Backlog;
use super::{Outbox, OutboxEvent, Then};
use crate::ctx::Ctx;
use crate::gate::{Committed, Effect};
use crate::message::Shown;
use crate::output::{CommandError, Reply};
use crate::store_ops::{Outcome, Unsettled};
use crate::trace::Decision;

impl Outbox {
    pub(crate) fn stored(
        &mut self,
        ctx: &mut Ctx<'_>,
        proof: &Committed,
        then: Then,
        outcome: Outcome,
    ) -> Option<OutboxEvent> {
        let reply = |ctx: &mut Ctx<'_>, to, reply| ctx.clear(proof, Effect::Reply { to, reply });
        match (then, outcome) {
            (Then::Enqueued { to }, Outcome::Enqueued { id }) => {
                ctx.counters.enqueued += 1;
                self.queued += 1;
                let repeated = false;
                reply(ctx, to, Reply::Sent { id, repeated });
            }
            (Then::Enqueued { to }, Outcome::Repeated { id }) => {
                reply(ctx, to, Reply::Sent { id, repeated: true });
            }
            (Then::Released { own, bytes }, Outcome::Released(released)) => {
                ctx.counters.released += 1;
                self.queued = self.queued.saturating_sub(1);
                let sending = self.identities.entry(own).or_default();
                sending.window.unreserve(bytes);
                return sending.submit(ctx, proof, released);
            }
            (Then::Released { own, bytes }, outcome) => {
                let sending = self.identities.entry(own).or_default();
                sending.window.unreserve(bytes);
                // What is before it in its lane goes first.
                if let Outcome::NotByIp { look: None } = outcome {
                    sending.backlog.grew();
                }
            }
            (Then::NoteReleased { own }, Outcome::Released(note)) => {
                let sending = self.identities.entry(own).or_default();
                sending.window.unreserve(0);
                // Another lane may have one due as well.
                sending.note_due = true;
                return sending.submit(ctx, proof, note);
            }
            (Then::NoteReleased { own }, _) => {
                let sending = self.identities.entry(own).or_default();
                sending.window.unreserve(0);
            }
            (Then::Loaded { own }, Outcome::Queued { messages, more }) => {
                let sending = self.identities.entry(own).or_default();
                let grew = sending.backlog == Backlog::LoadingAndMore;
                sending.backlog = if more || grew {
                    Backlog::Some
                } else {
                    Backlog::Empty
                };
                if sending.is_ready() {
                    sending.candidates = messages.into();
                } else if !messages.is_empty() {
                    sending.backlog = Backlog::Some;
                }
            }
            (
                Then::Resumed { own, route },
                Outcome::Resume {
                    in_flight,
                    more,
                    taking_back,
                },
            ) => {
                let sending = self.identities.entry(own).or_default();
                let fills = match &mut sending.session {
                    Some(session) if session.route == route => session.page(in_flight, more),
                    // That session is gone; the next one reads again.
                    _ => return None,
                };
                if sending.backlog == Backlog::Empty {
                    sending.backlog = Backlog::Some;
                }
                let mut expected = false;
                for fill in fills {
                    match fill {
                        Fill::Submit(released) => {
                            sending.submit(ctx, proof, released);
                        }
                        Fill::Revoke(seqs) => {
                            for chunk in seqs.chunks(MAX_SEQS_PER_FRAME) {
                                sending.revoke(ctx, proof, None, chunk.to_vec());
                            }
                        }
                    }
                    expected = true;
                }
                expected |= self.revoke_all(
                    ctx,
                    proof,
                    taking_back.into_iter().map(|(epoch, seq)| Unsettled {
                        number: own,
                        epoch,
                        seq,
                    }),
                );
                return expected.then_some(OutboxEvent::AnswerExpected);
            }
            (
                Then::Applied { own },
                Outcome::Applied {
                    requeued,
                    lowest_unsettled,
                    unblocked,
                    note_due,
                    ..
                },
            ) => {
                self.queued += requeued;
                let sending = self.identities.entry(own).or_default();
                if requeued > 0 || unblocked {
                    sending.backlog.grew();
                }
                sending.note_due |= note_due;
                sending.lowest_unsettled = lowest_unsettled;
            }
            (Then::Cancelled { to }, outcome) => {
                let answer = match outcome {
                    Outcome::TakenBack => {
                        self.queued = self.queued.saturating_sub(1);
                        Reply::Done
                    }
                    Outcome::Done => Reply::Done,
                    Outcome::MustRevoke(unsettled) => {
                        reply(ctx, to, Reply::Done);
                        let asked = self.revoke_all(ctx, proof, std::iter::once(unsettled));
                        return asked.then_some(OutboxEvent::AnswerExpected);
                    }
                    outcome => too_late(&outcome),
                };
                reply(ctx, to, answer);
                self.lanes_may_be_free();
            }
            (Then::Retried { to }, Outcome::Retried { had_ended, .. }) => {
                self.queued += u64::from(had_ended);
                self.unblocked();
                reply(ctx, to, Reply::Done);
            }
            (Then::Retried { to }, outcome) => reply(ctx, to, too_late(&outcome)),
            (Then::Unaccepted, _) => {}
            (Then::Rearmed, _) => {}
            (
                Then::Expired,
                Outcome::Expired {
                    revoke, dropped, ..
                },
            ) => {
                // Acted on in the same batch: what is due behind it is known.
                self.deadlines.answered(false);
                let dropped = dropped as u64;
                self.queued = self.queued.saturating_sub(dropped);
                self.lanes_may_be_free();
                let asked = self.revoke_all(ctx, proof, revoke.into_iter());
                return asked.then_some(OutboxEvent::AnswerExpected);
            }
            (then, outcome) => {
                debug_assert!(false, "store answered {outcome:?} to {then:?}");
            }
        }
        None
    }

    /// Something ended: what stood behind it may go on.
    fn lanes_may_be_free(&mut self) {
        if self.patience.is_some() {
            self.unblocked();
        }
    }

    /// Asks the gateway for one message back, because it is to go by SMS.
    pub(crate) fn ask_back(
        &mut self,
        ctx: &mut Ctx<'_>,
        proof: &Committed,
        unsettled: Unsettled,
    ) -> bool {
        self.revoke_all(ctx, proof, std::iter::once(unsettled))
    }

    /// Asks the gateway for messages back, as far as it can be reached; the
    /// rest is asked at the next contact, because the store remembers it.
    fn revoke_all(
        &mut self,
        ctx: &mut Ctx<'_>,
        proof: &Committed,
        unsettled: impl Iterator<Item = Unsettled>,
    ) -> bool {
        let mut lists: BTreeMap<(E164, Epoch), Vec<Seq>> = BTreeMap::new();
        for item in unsettled {
            lists
                .entry((item.number, item.epoch))
                .or_default()
                .push(item.seq);
        }
        let mut asked = false;
        for ((own, epoch), mut seqs) in lists {
            let Some(sending) = self.identities.get_mut(&own) else {
                continue;
            };
            let Some(session) = sending.session else {
                continue;
            };
            seqs.sort_unstable();
            let closed = (session.epoch != epoch).then_some(epoch);
            ctx.trace(
                Decision::Revoke { count: seqs.len() },
                &["the user, its validity or SMS took it back"],
            );
            for chunk in seqs.chunks(MAX_SEQS_PER_FRAME) {
                sending.revoke(ctx, proof, closed, chunk.to_vec());
            }
            asked = true;
        }
        asked
    }
}

fn too_late(outcome: &Outcome) -> Reply {
    Reply::Error(match outcome {
        Outcome::TooLate { shown } => CommandError::TooLate(match shown {
            Some(Shown::Queued) => "waiting",
            Some(Shown::Sending | Shown::Sent) => "on its way",
            Some(Shown::Delivered) => "delivered",
            Some(Shown::Read) => "read",
            Some(Shown::Cancelled) => "cancelled",
            Some(Shown::Failed(_)) => "failed",
            Some(Shown::Received | Shown::Unreadable | Shown::Conflicting) | None => "incoming",
        }),
        _ => CommandError::NotFound("message"),
    })
}
