//! One turn of a handset's daemon: its inputs, its outputs, its timer.

use twine_engine::Input;
use twine_engine::output::Output;
use twine_engine::store_ops::StoreOps;
use twine_engine::time::Now;
use twine_engine::trace::{Decision, TraceRecord};
use twine_proto::limits::WINDOW;

use super::World;
use super::transition::Transition;
use crate::coverage::{ACCUSATIONS, Group};
use crate::handset::Handset;
use crate::model::Broken;
use crate::net::{HandsetNo, Packet, Way};

impl World {
    pub(super) fn input(&mut self, handset: HandsetNo, input: Input) -> Result<(), Broken> {
        self.handsets[handset].waiting.push_back(input);
        self.turn(handset)
    }

    /// One turn of the daemon's loop: all that is readable, then the outputs.
    pub(super) fn turn(&mut self, handset: HandsetNo) -> Result<(), Broken> {
        let h = &mut self.handsets[handset];
        if h.paused {
            return Ok(());
        }
        let now = h.now(self.now);
        if h.engine.is_none() {
            h.waiting.clear();
            return Ok(());
        }
        let mut inputs: Vec<Input> = std::mem::take(&mut h.waiting).into();
        let all = inputs.len();
        inputs.retain(|input| !matches!(input, Input::Timeout));
        if inputs.len() < all {
            // Behind what is readable; in some turns anywhere, as it only nominates.
            let mut place = inputs.len();
            if place > 0 && self.rng.one_in(self.faults.early_timeout_one_in) {
                let pick = self.rng.range(0, place as u64 - 1);
                place = usize::try_from(pick).unwrap_or(place);
                self.coverage.count(Group::Fault, "early time-out");
            }
            inputs.insert(place, Input::Timeout);
        }
        for input in inputs {
            self.handle(handset, now, input);
        }
        while let Some(engine) = &mut self.handsets[handset].engine {
            let Some(output) = engine.poll_output(now) else {
                break;
            };
            self.output(handset, output)?;
            let crash = self.rng.one_in(self.faults.crash_at_output_one_in);
            if crash && !self.calm {
                self.broke("crash at an output", || format!("h{handset} crashes"));
                self.kill(handset);
                return Ok(());
            }
        }
        self.set_timer(handset)
    }

    fn handle(&mut self, handset: HandsetNo, now: Now, input: Input) {
        if let Input::Telephony(event) = &input {
            self.tell_part(handset, event);
        }
        if let Some(engine) = &mut self.handsets[handset].engine {
            engine.handle(now, input);
        }
    }

    pub(super) fn set_timer(&mut self, handset: HandsetNo) -> Result<(), Broken> {
        let h = &self.handsets[handset];
        let Some(engine) = &h.engine else {
            return Ok(());
        };
        let status = engine.status_brief();
        if status.in_flight > 0 {
            // Each identity has its own.
            let most = WINDOW * h.numbers_on_ip().count() as u64;
            self.model.cases.expect(
                "the in-flight window is bounded",
                status.in_flight <= most,
                format_args!("h{handset}: {}", status.in_flight),
            )?;
        }
        let Some((at, reason)) = engine.poll_timeout() else {
            return Ok(());
        };
        let at = h.world_time(at).max(self.now + 1);
        if h.timer.is_some_and(|set| set == at) {
            return Ok(());
        }
        let run = h.run;
        self.coverage.timer(reason);
        self.handsets[handset].timer = Some(at);
        self.at(at, Transition::Timer { handset, run, at });
        Ok(())
    }

    pub(super) fn output(&mut self, handset: HandsetNo, output: Output) -> Result<(), Broken> {
        let run = self.handsets[handset].run;
        match output {
            Output::Commit(batch) => {
                self.tell_batch(handset, &batch);
                let alone = self.handsets[handset].storing.replace(batch).is_none();
                let of = format_args!("h{handset}");
                let promise = "one batch is in flight";
                self.model.cases.expect(promise, alone, of)?;
                let slow = if self.calm {
                    30
                } else {
                    self.faults.slow_store_ms
                };
                let mut at = self.now + self.rng.range(1, slow.max(2));
                if !self.calm && self.rng.one_in(self.faults.disk_full_one_in) {
                    // The driver tries the same batch again and says nothing.
                    at += self.rng.range(1_000, 20_000);
                    self.broke("disk full", || format!("h{handset} disk is full"));
                }
                if !self.calm && self.rng.one_in(self.faults.sync_failed_one_in) {
                    at += self.sync_fails(handset);
                }
                self.at(at, Transition::Stored { handset, run });
            }
            Output::Send { conn, frame } => {
                let frame = frame.into_inner();
                self.tell_frame((handset, conn), '→', &frame);
                if let Some(conn) = self.net.find(handset, run, conn) {
                    self.transmit(conn, Way::Up, Packet::Frame(frame));
                }
            }
            Output::Reply { to, reply } => {
                self.replied(handset, to.request, reply.into_inner())?;
            }
            Output::Events(_) => self.app_hears(handset)?,
            Output::Connect {
                conn,
                link,
                transport,
                target,
                ..
            } => {
                let link = Handset::link_index(&link);
                self.connect(handset, conn, (link, transport), target);
            }
            Output::Move { conn, link } => {
                let link = Handset::link_index(&link);
                self.move_to(handset, conn, link);
            }
            Output::Close { conn } => self.close(handset, conn),
            Output::Trace(record) => {
                self.coverage.decision(&record);
                self.is_in_time(handset, &record)?;
                self.nobody_is_accused(handset, &record)?;
                self.tell_decision(handset, &record);
            }
            Output::Order(order) => self.ordered(handset, order.into_inner())?,
            Output::Notice(notice) => self.coverage.notice(&notice),
        }
        Ok(())
    }

    /// What is decided now is decided neither too early nor too late.
    fn is_in_time(&mut self, handset: HandsetNo, record: &TraceRecord) -> Result<(), Broken> {
        let h = &self.handsets[handset];
        match record.decision {
            Decision::Live { .. } => {
                self.model.live(handset, h.run, self.now);
                Ok(())
            }
            Decision::SmsHanded(id) | Decision::AskBack(id) => {
                let handed = matches!(record.decision, Decision::SmsHanded(_));
                if let Ok(Some(message)) = h.store.message(id)
                    && handed
                {
                    self.model.hands(&message);
                }
                let what = format_args!("h{handset}: {id:?}");
                self.model.deadline_acts(handset, h.run, self.now, what)
            }
            Decision::BySms(id) => {
                let Ok(message) = h.store.message(id);
                message.map_or(Ok(()), |message| {
                    let (because, began_ms) = (&record.because, h.began_ms());
                    self.model
                        .goes_by_sms(&message, because, began_ms, self.now)
                })
            }
            _ => Ok(()),
        }
    }

    /// Neither engine nor gateway writes a log. What an error record would say, the
    /// engine says as the reason of a decision.
    fn nobody_is_accused(&self, handset: HandsetNo, record: &TraceRecord) -> Result<(), Broken> {
        let accusation = record.because.iter().find(|why| ACCUSATIONS.contains(why));
        let why = accusation.unwrap_or(&"");
        self.model.cases.expect(
            "nobody breaks the protocol",
            accusation.is_none(),
            format_args!("h{handset}: {why}"),
        )
    }
}
