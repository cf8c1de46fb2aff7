//! The loop: carries what happens to the engine, and what the engine wants to
//! store, transports and control clients.
//!
//! One turn: take all input that is readable (a bounded number from each
//! source, so that none starves the others), hand in the deadline if it has
//! passed, drain the outputs. Owns the order of these and nothing else. Idle
//! means idle: the only timers are the engine's next deadline, and the next for which
//! a phone in suspend is to be woken.
//!
//! # Before a deadline is handed in
//!
//! A phone that wakes from suspend finds its timer due and the answer it waited
//! for in its socket. The socket's task has to run before the engine hears of
//! the deadline (DELIVERY 23), so the loop first lets the other tasks have
//! [`SETTLE_ROUNDS`] turns and takes what they bring.

use std::future::Future;
use std::io;
use std::pin::pin;

use thiserror::Error;
use tokio::time::timeout;
use twine_engine::link::{Binding, LinkId};
use twine_engine::store_ops::Stored;
use twine_engine::time::Now;
use twine_engine::trace::Decision;
use twine_engine::{ChannelEvent, ConnId, DownReason, Engine, Input, Output};
use twine_store::StoreError;

use crate::clock::{self, Timer};
use crate::control::{Control, DaemonStatus, Wish};
use crate::limits::{MAX_INPUTS_PER_TURN, MAX_TIMEOUT_DEFERRALS, SETTLE_ROUNDS, STOP_TIMEOUT};
use crate::logging;
use crate::recorder::Recorder;
use crate::store_link::{Answer, StoreLink};
use crate::transport::Transports;

/// Why the daemon cannot go on.
#[derive(Debug, Error)]
pub enum Fault {
    /// The store's file is damaged.
    #[error("the store is damaged: {0}")]
    StoreDamaged(String),
    /// The store refuses what the engine asks, for another reason than damage.
    #[error("the store does not take a batch")]
    Store(#[source] StoreError),
    /// The system does not let us set a timer.
    #[error("the timer cannot be set")]
    Timer(#[source] io::Error),
}

/// What one round of taking input found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Taken {
    any: bool,
    /// A source had more than its share.
    flooded: bool,
}

/// Counted since the start.
#[derive(Debug, Clone, Copy, Default)]
struct Counters {
    turns: u64,
    timeouts: u64,
    timeouts_deferred: u64,
    frames_in: u64,
    frames_out: u64,
}

/// Everything there is, and the loop over it.
pub struct Driver {
    engine: Engine,
    store: StoreLink,
    transports: Transports,
    control: Control,
    /// For what a phone in suspend is woken for.
    alarm: Timer,
    /// For what can wait until it is awake.
    timer: Timer,
    recorder: Recorder,
    counters: Counters,
    /// Turns in a row in which a due deadline gave way to input.
    deferred: usize,
}

impl Driver {
    /// Puts the parts together. Call it within a tokio runtime with I/O and
    /// time.
    pub fn new(
        engine: Engine,
        store: StoreLink,
        transports: Transports,
        control: Control,
        recorder: Recorder,
    ) -> Result<Self, Fault> {
        let alarm = Timer::new().map_err(Fault::Timer)?;
        let timer = Timer::awake_only().map_err(Fault::Timer)?;
        if alarm.wakes_from_suspend() {
            log::info!("deadlines wake the phone from suspend");
        } else {
            log::info!("deadlines that pass in suspend wait for its end: no CAP_WAKE_ALARM");
        }
        Ok(Self {
            engine,
            store,
            transports,
            control,
            alarm,
            timer,
            recorder,
            counters: Counters::default(),
            deferred: 0,
        })
    }

    /// Runs until told to stop, or until it cannot go on.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), Fault> {
        let mut stop = pin!(stop);
        // The engine may have something to store from the start.
        self.close_turn()?;
        loop {
            // Commands and frames wait in their sockets while the store is behind.
            let congested = self.engine.is_congested();
            tokio::select! {
                () = &mut stop => break,
                answer = self.store.answer() => self.answered(answer)?,
                (conn, event) = self.transports.next_event(), if !congested => {
                    self.channel(conn, event);
                }
                () = self.control.wait(clock::now), if !congested => {}
                () = self.alarm.reached() => {}
                () = self.timer.reached() => {}
            }
            self.turn().await?;
        }
        self.stop().await;
        Ok(())
    }

    async fn turn(&mut self) -> Result<(), Fault> {
        self.counters.turns += 1;
        let taken = self.take_ready()?;
        if self.deadline_passed() && !self.gives_way(taken.flooded) {
            let settled = self.settle().await?;
            if self.deadline_passed() && !self.gives_way(settled.flooded) {
                self.deferred = 0;
                self.counters.timeouts += 1;
                self.engine.handle(clock::now(), Input::Timeout);
            }
        }
        self.close_turn()
    }

    /// Hands to the engine what is here already.
    fn take_ready(&mut self) -> Result<Taken, Fault> {
        let mut counts = [0; 3];
        let [answers, frames, clients] = &mut counts;
        while *answers < MAX_INPUTS_PER_TURN
            && let Some(answer) = self.store.try_answer()
        {
            *answers += 1;
            self.answered(answer)?;
        }
        while *frames < MAX_INPUTS_PER_TURN
            && !self.engine.is_congested()
            && let Some((conn, event)) = self.transports.try_next_event()
        {
            *frames += 1;
            self.channel(conn, event);
        }
        self.grant_wishes();
        while *clients < MAX_INPUTS_PER_TURN
            && !self.engine.is_congested()
            && self.control.take_ready(clock::now())
        {
            *clients += 1;
            self.grant_wishes();
        }
        Ok(Taken {
            any: counts.iter().any(|&count| count > 0),
            flooded: counts.iter().any(|&count| count >= MAX_INPUTS_PER_TURN),
        })
    }

    /// Lets the tasks of all sockets run, and takes what they bring.
    async fn settle(&mut self) -> Result<Taken, Fault> {
        let mut all = Taken {
            any: false,
            flooded: false,
        };
        for _ in 0..SETTLE_ROUNDS {
            tokio::task::yield_now().await;
            let taken = self.take_ready()?;
            all.any |= taken.any;
            all.flooded |= taken.flooded;
        }
        Ok(all)
    }

    fn deadline_passed(&self) -> bool {
        self.engine
            .poll_timeout()
            .is_some_and(|(deadline, _)| deadline <= clock::boot_time())
    }

    /// Whether the deadline waits for another turn, because there is more to
    /// read: not for ever, or a flood could stop the session's heartbeat.
    fn gives_way(&mut self, flooded: bool) -> bool {
        let gives_way = flooded && self.deferred < MAX_TIMEOUT_DEFERRALS;
        if gives_way {
            self.deferred += 1;
            self.counters.timeouts_deferred += 1;
        }
        gives_way
    }

    /// Drains the engine, starts reads, sets the timer.
    fn close_turn(&mut self) -> Result<(), Fault> {
        loop {
            while let Some(output) = self.engine.poll_output(clock::now()) {
                self.carry_out(output);
            }
            // A client that was too slow for its reply or order may have been the
            // agent.
            if !self.grant_wishes() {
                break;
            }
        }
        while self.store.may_read()
            && let Some((ticket, read)) = self.control.next_read()
        {
            self.store.read(ticket, read);
        }
        let due = self.engine.poll_timeout().map(|(deadline, _)| deadline);
        let alarm = self.engine.poll_wake().map(|(deadline, _)| deadline);
        // One that gave way is due again at once.
        self.alarm.set(alarm).map_err(Fault::Timer)?;
        let other = due.filter(|due| alarm.is_none_or(|alarm| *due < alarm));
        self.timer.set(other).map_err(Fault::Timer)
    }

    // -- input ------------------------------------------------------------------

    fn answered(&mut self, answer: Answer) -> Result<(), Fault> {
        let now = clock::now();
        match answer {
            Answer::Stored(Ok(stored)) => self.engine.handle(now, Input::Stored(stored)),
            Answer::Stored(Err(StoreError::Corrupt { what })) => {
                return Err(Fault::StoreDamaged(what));
            }
            Answer::Stored(Err(error)) => return Err(Fault::Store(error)),
            Answer::Page(ticket, Ok(page)) => self.control.page(now, ticket, &page),
            Answer::Page(ticket, Err(error)) => {
                self.control.read_failed(now, ticket, &error.to_string());
            }
            // A batch in flight says itself what became of it, right behind.
            Answer::Broken(_) if self.store.is_storing() => {}
            Answer::Broken(what) => return Err(Fault::StoreDamaged(what)),
        }
        Ok(())
    }

    fn channel(&mut self, conn: ConnId, event: ChannelEvent) {
        match &event {
            ChannelEvent::Frame(frame) => {
                self.counters.frames_in += 1;
                log::trace!("connection {}: {} came", conn.0, frame.name());
            }
            ChannelEvent::Rtt(rtt) => {
                log::trace!("connection {}: round trip {} ms", conn.0, rtt.as_millis());
            }
            event => log::debug!("connection {}: {event:?}", conn.0),
        }
        self.engine
            .handle(clock::now(), Input::Channel { conn, event });
    }

    /// Whether there was one.
    fn grant_wishes(&mut self) -> bool {
        let mut any = false;
        while let Some(wish) = self.control.next_wish() {
            any = true;
            let now = clock::now();
            match wish {
                Wish::Command { to, command } => {
                    self.engine.handle(now, Input::Command { to, command });
                }
                Wish::Telephony(event) => self.engine.handle(now, Input::Telephony(event)),
                Wish::Status(to) => {
                    logging::follow_properties();
                    let daemon = self.daemon_status();
                    self.control.status(now, to, &self.engine.status(), daemon);
                }
                Wish::Links(to) => self.control.links(now, to, &self.engine.status()),
            }
        }
        any
    }

    fn daemon_status(&self) -> DaemonStatus {
        let counters = self.counters;
        DaemonStatus {
            storage: self.store.status(),
            counters: vec![
                ("turns", counters.turns),
                ("timeouts", counters.timeouts),
                ("timeouts_deferred", counters.timeouts_deferred),
                // 0: `CLOCK_BOOTTIME_ALARM` is not permitted.
                ("ends_suspend", self.alarm.wakes_from_suspend().into()),
                ("frames_in", counters.frames_in),
                ("frames_out", counters.frames_out),
                ("trace_recorded", self.recorder.recorded()),
                ("trace_overwritten", self.recorder.overwritten()),
            ],
        }
    }

    // -- output -----------------------------------------------------------------

    fn carry_out(&mut self, output: Output) {
        let now = clock::now();
        match output {
            Output::Commit(batch) => self.store.submit(batch),
            Output::Send { conn, frame } => {
                self.counters.frames_out += 1;
                let frame = frame.into_inner();
                log::trace!("connection {}: {} goes", conn.0, frame.name());
                self.transports.send(conn, frame);
            }
            Output::Reply { to, reply } => self.control.reply(now, to, reply.into_inner()),
            Output::Events(latest) => self.control.events(now, latest.into_inner()),
            Output::Notice(notice) => self.control.notice(now, &notice),
            Output::Connect {
                conn,
                link,
                transport,
                target,
                round_trip,
            } => match self.binding(&link) {
                Some(binding) => {
                    self.transports
                        .connect(conn, transport, binding, target, round_trip);
                }
                None => self.link_is_gone(now, conn),
            },
            Output::Move { conn, link } => match self.binding(&link) {
                Some(binding) => self.transports.move_to(conn, binding),
                None => {
                    self.transports.close(conn);
                    self.link_is_gone(now, conn);
                }
            },
            Output::Close { conn } => self.transports.close(conn),
            Output::Order(order) => self.control.order(now, order.into_inner()),
            Output::Trace(record) => {
                // Data that move are the user's money: to be seen without a debugging level.
                let level = match record.decision {
                    Decision::MoveData { .. } => log::Level::Info,
                    _ => log::Level::Debug,
                };
                log::log!(
                    level,
                    "{:?} because {}",
                    record.decision,
                    record.because.join(", ")
                );
                self.recorder.record(record);
            }
        }
    }

    /// How sockets are tied to a link, as the agent reported it.
    fn binding(&self, link: &LinkId) -> Option<Binding> {
        self.engine.link(link).map(|link| link.binding.clone())
    }

    fn link_is_gone(&mut self, now: Now, conn: ConnId) {
        let event = ChannelEvent::Down(DownReason::Unreachable("the link is gone".to_owned()));
        self.engine.handle(now, Input::Channel { conn, event });
    }

    // -- the end ----------------------------------------------------------------

    /// Ends in order, in bounded time. What is not stored by then never
    /// happened, and nobody was told that it had.
    async fn stop(mut self) {
        log::info!("stopping");
        if self.store.is_storing() {
            match timeout(STOP_TIMEOUT, self.last_batch()).await {
                Ok(Some(stored)) => {
                    self.engine.handle(clock::now(), Input::Stored(stored));
                    self.drain_without_storing();
                }
                Ok(None) => {}
                Err(_) => log::warn!("stopped while the store was still writing"),
            }
        }
        tokio::join!(self.control.stop(), self.transports.shutdown());
    }

    async fn last_batch(&mut self) -> Option<Stored> {
        loop {
            if let Answer::Stored(stored) = self.store.answer().await {
                return stored.ok();
            }
        }
    }

    /// Lets out what the last batch has cleared, and begins nothing new: an
    /// order is given again to the agent that connects next.
    fn drain_without_storing(&mut self) {
        while let Some(output) = self.engine.poll_output(clock::now()) {
            if matches!(output, Output::Send { .. } | Output::Reply { .. }) {
                self.carry_out(output);
            }
        }
    }
}
