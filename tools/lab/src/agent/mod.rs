//! The telephony agent of a simulated handset, as the Java bridge is on a
//! phone: it tells the daemon which SIMs and links there are, sends SMS for it, and
//! brings those that came.
//!
//! Owns what is reported, and reports all of it again whenever the daemon was
//! away; its journal and spool outlive it (`desk`). Never tells what a real agent
//! could not know (cuts, stalls).

mod desk;
mod state;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot, watch};
use tokio::task::AbortHandle;
use tokio::time::sleep;
use twine_control::pb::SmsPartState as State;
use twine_control::{Client, ClientError, pb};

use crate::limits::APP_RECONNECT;
use crate::mobile::network::Line;
use crate::mobile::{CallId, Told, codes};
use crate::radio::{DataRefused, Radio};
use desk::Desk;
pub(crate) use state::{Data, sims, state};

/// A handset's agent. Ends when dropped.
#[derive(Debug)]
pub struct Agent {
    plan: AgentPlan,
    failed: Arc<Mutex<Option<io::Error>>>,
    task: Option<AbortHandle>,
}

#[derive(Debug, Clone)]
pub(crate) struct AgentPlan {
    /// The daemon's control socket.
    pub(crate) socket: PathBuf,
    /// Where journal and spool are.
    pub(crate) directory: PathBuf,
    /// The phone's framework for SMS.
    pub(crate) line: Line,
    /// Its framework for links and cards.
    pub(crate) radio: Arc<Radio>,
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Agent {
    /// Connects, and connects again whenever the daemon went away.
    pub(crate) fn start(plan: AgentPlan) -> Self {
        let mut agent = Self {
            plan,
            failed: Arc::default(),
            task: None,
        };
        agent.start_again();
        agent
    }

    /// The process is gone: what it waited for is told to nobody.
    pub fn kill(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            self.plan.line.forget_calls();
        }
    }

    /// Starts what was killed.
    pub fn start_again(&mut self) {
        self.kill();
        let (plan, state) = (self.plan.clone(), self.plan.radio.reports());
        let failed = Arc::clone(&self.failed);
        let task = tokio::spawn(async move {
            if let Err(error) = run(&plan, state).await {
                *lock(&failed) = Some(error);
            }
        });
        self.task = Some(task.abort_handle());
    }

    /// Why it ended by itself, if it did.
    pub(crate) fn failure(&self) -> Option<io::Error> {
        lock(&self.failed).take()
    }
}

/// The two sides of an agent at work.
#[derive(Debug)]
struct Work<'a> {
    line: &'a Line,
    radio: &'a Arc<Radio>,
    desk: Mutex<Desk>,
    /// The desk has something for the daemon.
    news: Notify,
}

/// Runs until its folder fails it.
async fn run(plan: &AgentPlan, state: watch::Receiver<pb::TelephonyState>) -> io::Result<()> {
    let work = Work {
        line: &plan.line,
        radio: &plan.radio,
        desk: Mutex::new(Desk::open(&plan.directory)?),
        news: Notify::new(),
    };
    tokio::select! {
        failed = listen_to_framework(&work) => failed,
        failed = serve_daemon(&work, plan, state) => failed,
    }
}

/// Writes down what the framework tells, before anything else.
async fn listen_to_framework(work: &Work<'_>) -> io::Result<()> {
    loop {
        let told = work.line.next().await;
        let mut desk = lock(&work.desk);
        match &told {
            Told::Sent { call, part, code } => {
                let state = if *code == codes::OK {
                    State::PartSent
                } else {
                    State::PartRefused
                };
                desk.result(call.0, *part as usize, state, *code)?;
            }
            Told::Report {
                call,
                part,
                delivered,
            } => {
                let state = if *delivered {
                    State::PartDelivered
                } else {
                    State::PartUndeliverable
                };
                desk.result(call.0, *part as usize, state, 0)?;
            }
            Told::Message(message) => desk.spool(message)?,
        }
        work.line.finish();
        work.news.notify_one();
    }
}

async fn serve_daemon(
    work: &Work<'_>,
    plan: &AgentPlan,
    mut state: watch::Receiver<pb::TelephonyState>,
) -> io::Result<()> {
    loop {
        if let Ok(client) = Client::connect(&plan.socket, "lab.agent", &[pb::Role::Telephony]).await
        {
            match serve(work, &client, &mut state).await {
                Err(ServeError::Connection) => {}
                Err(ServeError::Desk(error)) => return Err(error),
            }
        }
        sleep(APP_RECONNECT).await;
    }
}

/// Why a connection is served no longer.
#[derive(Debug)]
enum ServeError {
    /// How makes no difference.
    Connection,
    Desk(io::Error),
}

impl From<ClientError> for ServeError {
    fn from(_: ClientError) -> Self {
        Self::Connection
    }
}

impl From<io::Error> for ServeError {
    fn from(error: io::Error) -> Self {
        Self::Desk(error)
    }
}

/// One connection: state first, then whatever it has not heard on it.
async fn serve(
    work: &Work<'_>,
    client: &Client,
    state: &mut watch::Receiver<pb::TelephonyState>,
) -> Result<std::convert::Infallible, ServeError> {
    let mut told: BTreeSet<(u64, u32, i32)> = BTreeSet::new();
    let mut brought: BTreeSet<String> = BTreeSet::new();
    report_state(client, state).await?;
    // Of an order to move data: its end comes seconds later.
    let mut moving: Option<Moving> = None;
    loop {
        let (results, spooled) = {
            let desk = lock(&work.desk);
            (desk.untaken(), desk.spooled())
        };
        for result in results {
            if told.insert((result.attempt, result.part, result.state)) {
                client.report(pb::report::Kind::SmsPart(result)).await?;
            }
        }
        for sms in spooled {
            if brought.insert(sms.spool_id.clone()) {
                client.report(pb::report::Kind::SmsReceived(sms)).await?;
            }
        }
        tokio::select! {
            changed = state.changed() => match changed {
                Ok(()) => report_state(client, state).await?,
                // The lab has ended, and this task will, too.
                Err(_) => std::future::pending().await,
            },
            () = work.news.notified() => {}
            order = client.next_order() => {
                let order = order?;
                if let pb::order::Kind::PreferDataSim(wish) = &order.kind {
                    moving = Some(Moving {
                        order: order.id,
                        slot: wish.slot,
                        end: work.radio.prefer_data(wish),
                    });
                } else {
                    carry_out(work, client, order).await?;
                }
            }
            (moved, refused) = end_of(&mut moving) => data_moved(client, &moved, refused).await?,
        }
    }
}

/// An order to move data, under way in the framework.
#[derive(Debug)]
struct Moving {
    order: u64,
    slot: u32,
    end: oneshot::Receiver<Result<(), DataRefused>>,
}

/// Waits for the end of a move; without one, for ever.
async fn end_of(moving: &mut Option<Moving>) -> (Moving, Option<DataRefused>) {
    let Some(under_way) = moving else {
        return std::future::pending().await;
    };
    let refused = match (&mut under_way.end).await {
        Ok(result) => result.err(),
        // The lab has ended, and this task will, too.
        Err(_) => return std::future::pending().await,
    };
    match moving.take() {
        Some(moved) => (moved, refused),
        None => std::future::pending().await,
    }
}

async fn data_moved(
    client: &Client,
    moved: &Moving,
    refused: Option<DataRefused>,
) -> Result<(), ClientError> {
    if refused.is_none() {
        let (slot, confirmed) = (moved.slot, true);
        let done = pb::DataSim { slot, confirmed };
        client.report(pb::report::Kind::DataSim(done)).await?;
    }
    let result = pb::OrderResult {
        id: moved.order,
        code: refused.map_or(0, DataRefused::code),
        detail: refused.map_or_else(String::new, |refused| refused.to_string()),
    };
    client.order_result(result).await
}

async fn report_state(
    client: &Client,
    state: &mut watch::Receiver<pb::TelephonyState>,
) -> Result<(), ClientError> {
    let report = pb::report::Kind::State(state.borrow_and_update().clone());
    client.report(report).await
}

async fn carry_out(
    work: &Work<'_>,
    client: &Client,
    order: twine_control::Order,
) -> Result<(), ServeError> {
    use pb::order::Kind;
    match order.kind {
        Kind::SendSms(send) => {
            let new = lock(&work.desk).call(send.attempt, send.parts.len())?;
            if new {
                let id = CallId(send.attempt);
                work.line.send(id, &send.iccid, &send.to, &send.parts);
                return Ok(());
            }
            // Parts without a result have one to come: of calls of earlier
            // processes the desk knows that nothing will.
            let results = lock(&work.desk).results_of(send.attempt);
            for result in results {
                client.report(pb::report::Kind::SmsPart(result)).await?;
            }
        }
        Kind::SmsTaken(taken) => lock(&work.desk).sms_taken(&taken.spool_id)?,
        Kind::SmsPartTaken(taken) => {
            lock(&work.desk).taken(taken.attempt, taken.part as usize, taken.state())?;
        }
        // See `serve`.
        Kind::PreferDataSim(_) => {}
        // Links are as validated as they are up: there is nothing to find.
        Kind::LookAgain(_) => {}
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No change under these locks can stop half-way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
