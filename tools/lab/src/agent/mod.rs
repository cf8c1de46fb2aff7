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

use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::sleep;
use twine_control::pb::SmsPartState as State;
use twine_control::{Client, ClientError, pb};

use crate::limits::APP_RECONNECT;
use crate::mobile::network::Line;
use crate::mobile::{CallId, Told, codes};
use crate::profile::Profile;
use desk::Desk;
pub(crate) use state::{sims, state};

/// `RESULT_REQUEST_NOT_SUPPORTED` of SmsManager.
const NOT_SUPPORTED: i32 = 24;

/// A handset's agent. Ends when dropped.
#[derive(Debug)]
pub struct Agent {
    plan: AgentPlan,
    state: watch::Sender<pb::TelephonyState>,
    failed: Arc<Mutex<Option<io::Error>>>,
    task: Option<AbortHandle>,
}

#[derive(Debug, Clone)]
pub(crate) struct AgentPlan {
    /// The daemon's control socket.
    pub(crate) socket: PathBuf,
    /// Where journal and spool are.
    pub(crate) directory: PathBuf,
    /// The phone's framework.
    pub(crate) line: Line,
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Agent {
    /// Connects, and connects again whenever the daemon went away.
    pub(crate) fn start(plan: AgentPlan, state: pb::TelephonyState) -> Self {
        let mut agent = Self {
            plan,
            state: watch::Sender::new(state),
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
        let (plan, state) = (self.plan.clone(), self.state.subscribe());
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

    /// A link has, or has lost, its address.
    pub(crate) fn set_up(&self, link: usize, up: bool) {
        self.change_link(link, |link| {
            link.up = up;
            link.validated = up;
        });
    }

    /// The radio changed.
    pub(crate) fn set_profile(&self, link: usize, profile: &Profile) {
        self.change_link(link, |link| {
            if link.kind == pb::LinkKind::Cellular as i32 {
                link.generation = profile.generation.into();
            }
        });
    }

    /// The cards, or what their networks offer, changed.
    pub(crate) fn set_sims(&self, sims: Vec<pb::Sim>) {
        self.state.send_if_modified(|state| {
            let changed = state.sims != sims;
            state.sims = sims;
            changed
        });
    }

    fn change_link(&self, link: usize, change: impl FnOnce(&mut pb::Link)) {
        self.state.send_if_modified(|state| {
            let Some(link) = state.links.get_mut(link) else {
                return false;
            };
            let before = link.clone();
            change(link);
            *link != before
        });
    }
}

/// The two sides of an agent at work.
#[derive(Debug)]
struct Work<'a> {
    line: &'a Line,
    desk: Mutex<Desk>,
    /// The desk has something for the daemon.
    news: Notify,
}

/// Runs until its folder fails it.
async fn run(plan: &AgentPlan, state: watch::Receiver<pb::TelephonyState>) -> io::Result<()> {
    let work = Work {
        line: &plan.line,
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
            order = client.next_order() => carry_out(work, client, order?).await?,
        }
    }
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
        Kind::PreferDataSim(_) => {
            let result = pb::OrderResult {
                id: order.id,
                code: NOT_SUPPORTED,
                detail: "the lab's phones do not move data between cards".to_owned(),
            };
            client.order_result(result).await?;
        }
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No change under these locks can stop half-way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
