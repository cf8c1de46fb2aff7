//! Runs a scenario from its first message to its verdict.
//!
//! Owns the clock of the run: when what is sent, when what happens, when it is
//! over.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::app::{self, App, AppPlan, HistoryError, Outgoing};
use crate::binaries::Binaries;
use crate::journal::{Entry, Journal, Topic};
use crate::ledger::{Facts, Ledger};
use crate::limits::TOLD_GRACE;
use crate::observer::{Observer, Span};
use crate::relay::{LinkCounters, LinkState};
use crate::scenario::{Process, Scenario, Traffic, What};
use crate::texts::{Mark, compose};
use crate::verdict::{Conversation, Verdict};
use crate::world::{World, WorldError, WorldPlan};

/// Why a run has no verdict.
#[derive(Debug, Error)]
pub enum RunError {
    /// The world broke.
    #[error(transparent)]
    World(#[from] WorldError),
    /// A history could not be read.
    #[error("the handset {name}")]
    History {
        /// Whose.
        name: String,
        /// Why.
        #[source]
        source: HistoryError,
    },
    /// Signals cannot be heard.
    #[error("cannot listen for signals")]
    Signals(#[source] std::io::Error),
    /// SIGINT (Ctrl-C) or SIGTERM.
    #[error("interrupted")]
    Interrupted,
}

/// What to run, and how.
#[derive(Debug)]
pub struct RunPlan<'a> {
    /// What.
    pub scenario: &'a Scenario,
    /// The programs.
    pub binaries: &'a Binaries,
    /// An existing, empty folder.
    pub directory: &'a Path,
    /// No timeline.
    pub quiet: bool,
}

/// All that is known after a run.
#[derive(Debug)]
pub struct Outcome {
    /// The judgement.
    pub verdict: Verdict,
    /// What it was made of.
    pub facts: Facts,
    /// What happened.
    pub journal: Vec<Entry>,
    /// Entries that were not kept.
    pub journal_not_kept: usize,
    /// By handset: which link was used when.
    pub spans: Vec<Vec<Span>>,
    /// By handset, by link: what was carried.
    pub carried: Vec<Vec<LinkCounters>>,
    /// From the first message's start to the end of waiting.
    pub lasted: Duration,
    /// What the logs of daemons and gateway tell of errors.
    pub log_errors: Vec<String>,
}

impl Outcome {
    /// All bytes on all links, with headers.
    #[must_use]
    pub fn bytes_on_wire(&self) -> u64 {
        let links = self.carried.iter().flatten();
        links.map(|link| link.bytes_up + link.bytes_down).sum()
    }
}

/// Runs it. SIGINT and SIGTERM end it early, with everything that it started.
pub async fn run(plan: RunPlan<'_>) -> Result<Outcome, RunError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signals)?;
    tokio::select! {
        outcome = run_to_the_end(&plan) => outcome,
        _ = tokio::signal::ctrl_c() => Err(RunError::Interrupted),
        _ = terminate.recv() => Err(RunError::Interrupted),
    }
}

async fn run_to_the_end(plan: &RunPlan<'_>) -> Result<Outcome, RunError> {
    let scenario = plan.scenario;
    let setup = Journal::start(Instant::now(), plan.quiet);
    setup.note(
        Topic::Note,
        "lab",
        format!("starts a gateway and {} daemons", scenario.handsets.len()),
    );
    let mut world = World::start(WorldPlan {
        binaries: plan.binaries,
        directory: plan.directory,
        handsets: &scenario.handsets,
        daemon_config: &scenario.daemon_config,
        seed: scenario.seed,
    })
    .await?;
    world.register_all().await?;
    setup.note(Topic::Note, "lab", "all numbers are bound; time starts now");

    let ledger = Ledger::start();
    let journal = Journal::start(ledger.started(), plan.quiet);
    let (apps, observers) = start_apps(&world, &ledger, &journal);
    let mut senders = start_traffic(scenario, &apps, ledger.started());
    let lasted = {
        let mut stage = Stage {
            scenario,
            world: &mut world,
            ledger: &ledger,
            journal: &journal,
        };
        stage.play(&mut senders).await?
    };

    let mut conversations = Vec::new();
    for (to, from) in lanes(scenario) {
        let socket = world.handsets()[to].socket();
        conversations.push(read_conversation(scenario, &socket, to, from).await?);
    }
    let facts = ledger.facts();
    let (entries, journal_not_kept) = journal.entries();
    let mut outcome = Outcome {
        verdict: Verdict::of(&facts, &conversations),
        facts,
        journal: entries,
        journal_not_kept,
        spans: observers.iter().map(Observer::spans).collect(),
        carried: world
            .handsets()
            .iter()
            .map(|handset| handset.links().iter().map(|link| link.counters()).collect())
            .collect(),
        lasted,
        log_errors: Vec::new(),
    };
    drop((apps, observers));
    outcome.log_errors = world.stop().await?;
    Ok(outcome)
}

fn start_apps(world: &World, ledger: &Ledger, journal: &Journal) -> (Vec<App>, Vec<Observer>) {
    let handsets = world.handsets().iter().enumerate();
    handsets
        .map(|(index, handset)| {
            let app = App::start(AppPlan {
                index,
                socket: handset.socket(),
                radio: handset.radio(),
                ledger: ledger.clone(),
            });
            let observer = Observer::start(
                handset.plan().name.clone(),
                handset.socket(),
                handset.radio(),
                ledger.started(),
                journal.clone(),
            );
            (app, observer)
        })
        .unzip()
}

/// One task a sender hands its messages to its app, each at its time.
fn start_traffic(scenario: &Scenario, apps: &[App], started: Instant) -> JoinSet<()> {
    let mut by_sender: BTreeMap<usize, Vec<(Duration, &Traffic)>> = BTreeMap::new();
    for traffic in &scenario.traffic {
        let times = by_sender.entry(traffic.from).or_default();
        for number in 0..traffic.count {
            let pauses = u32::try_from(number / traffic.burst).unwrap_or(u32::MAX);
            times.push((
                traffic.start + traffic.every.saturating_mul(pauses),
                traffic,
            ));
        }
    }
    let mut senders = JoinSet::new();
    for (from, mut times) in by_sender {
        // Numbers follow the order of sending.
        times.sort_by_key(|(at, _)| *at);
        let messages: Vec<_> = (1..)
            .zip(times)
            .map(|(number, (at, traffic))| {
                let mark = Mark {
                    sender: scenario.handsets[from].name.clone(),
                    number,
                };
                let text = compose(scenario.seed, &mark);
                let outgoing = Outgoing {
                    mark,
                    to: traffic.to,
                    number: scenario.handsets[traffic.to].number.expose(),
                    text,
                };
                (started + at, outgoing)
            })
            .collect();
        senders.spawn(hand_over(messages, apps[from].outgoing()));
    }
    senders
}

async fn hand_over(messages: Vec<(Instant, Outgoing)>, app: mpsc::Sender<Outgoing>) {
    for (at, message) in messages {
        sleep_until(at).await;
        if app.send(message).await.is_err() {
            return;
        }
    }
}

/// What the timeline works on.
struct Stage<'a> {
    scenario: &'a Scenario,
    world: &'a mut World,
    ledger: &'a Ledger,
    journal: &'a Journal,
}

impl Stage<'_> {
    /// Plays the timeline and waits for all deliveries, but not for ever.
    async fn play(&mut self, senders: &mut JoinSet<()>) -> Result<Duration, RunError> {
        let scenario = self.scenario;
        let mut actions = scenario.actions.iter().peekable();
        let give_up = self.ledger.started() + scenario.give_up;
        let mut seconds = interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut all_arrived = None;
        loop {
            let next = actions
                .peek()
                .map(|action| self.ledger.started() + action.at);
            tokio::select! {
                () = sleep_until(next.unwrap_or(give_up)), if next.is_some() => {
                    if let Some(action) = actions.next() {
                        self.act(&action.what).await?;
                    }
                    continue;
                }
                _ = seconds.tick() => {}
                () = sleep_until(give_up) => {
                    self.journal.note(Topic::Note, "lab", "the time is over");
                    return Ok(self.ledger.now());
                }
            }
            while senders.try_join_next().is_some() {}
            self.world.check()?;
            let counts = self.ledger.counts();
            self.journal.counts(counts);
            let planned = usize::try_from(scenario.messages()).unwrap_or(usize::MAX);
            let arrived = counts.requested == planned
                && counts.confirmed + counts.refused == planned
                && counts.on_the_way() == 0;
            if senders.is_empty() && next.is_none() && arrived {
                let since = *all_arrived.get_or_insert_with(|| {
                    self.journal.note(Topic::Note, "lab", "all have arrived");
                    self.ledger.now()
                });
                if counts.told >= counts.confirmed || self.ledger.now() > since + TOLD_GRACE {
                    return Ok(since);
                }
            }
        }
    }

    async fn act(&mut self, what: &What) -> Result<(), RunError> {
        match what {
            What::Link {
                handset,
                link,
                state,
            } => {
                let plan = &self.scenario.handsets[*handset];
                let before = self.world.handsets()[*handset].links()[*link].state();
                let words = match state {
                    LinkState::Up if before == LinkState::Down => "comes up",
                    LinkState::Up => "carries again",
                    LinkState::Down => "goes down",
                    LinkState::Stalled => "stalls",
                    LinkState::Cut => "is cut: packets vanish",
                };
                let words = format!("link {} {words}", plan.links[*link].id);
                self.journal.note(Topic::Link, &plan.name, words);
                self.world.handsets()[*handset]
                    .set_link(*link, *state)
                    .await;
            }
            What::Profile {
                handset,
                link,
                profile,
            } => {
                let plan = &self.scenario.handsets[*handset];
                let words = format!("link {} becomes {}", plan.links[*link].id, profile.name);
                self.journal.note(Topic::Link, &plan.name, words);
                self.world.handsets()[*handset]
                    .set_profile(*link, profile)
                    .await;
            }
            What::Kill(process) => {
                self.note_process(*process, "killed (SIGKILL)");
                self.world.kill(*process).await?;
            }
            What::Start(process) => {
                self.world.start_again(*process).await?;
                self.note_process(*process, "started again");
            }
            What::Pause(process) => {
                self.note_process(*process, "frozen (SIGSTOP)");
                self.world.pause(*process)?;
            }
            What::Resume(process) => {
                self.world.resume(*process)?;
                self.note_process(*process, "goes on (SIGCONT)");
            }
        }
        Ok(())
    }

    fn note_process(&self, process: Process, what: &str) {
        let (who, what) = match process {
            Process::Gateway => ("gateway", what.to_owned()),
            Process::Daemon(handset) => {
                let name = self.scenario.handsets[handset].name.as_str();
                (name, format!("daemon {what}"))
            }
        };
        self.journal.note(Topic::Process, who, what);
    }
}

/// Receiver and sender of each lane.
fn lanes(scenario: &Scenario) -> Vec<(usize, usize)> {
    let lanes = scenario.traffic.iter();
    let mut lanes: Vec<_> = lanes.map(|traffic| (traffic.to, traffic.from)).collect();
    lanes.sort_unstable();
    lanes.dedup();
    lanes
}

async fn read_conversation(
    scenario: &Scenario,
    socket: &Path,
    to: usize,
    from: usize,
) -> Result<Conversation, RunError> {
    let number = |handset: usize| scenario.handsets[handset].number.expose();
    let entries = app::history(socket, &number(to), &number(from))
        .await
        .map_err(|source| RunError::History {
            name: scenario.handsets[to].name.clone(),
            source,
        })?;
    Ok(Conversation { to, entries })
}
