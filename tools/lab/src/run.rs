//! Runs a scenario from its first message to its verdict.
//!
//! Owns the clock of the run: when what is sent, when what happens, when it is
//! over.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::app::{self, App, AppPlan, Deed, HistoryError, Outgoing};
use crate::binaries::Binaries;
use crate::journal::{Entry, Journal, Topic};
use crate::ledger::{Facts, Ledger};
use crate::mobile::SentSms;
use crate::observer::{Observer, Span};
use crate::plain::{PlainPhone, PlainPhonePlan};
use crate::relay::LinkCounters;
use crate::scenario::{Scenario, Traffic};
use crate::sms_score::{Party, SmsScore};
use crate::stage::Stage;
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
    /// What SMS cost, and which channel messages came by.
    pub sms: SmsScore,
    /// Every SMS that a phone was asked to send; times as in `facts`.
    pub sms_sent: Vec<SentSms>,
    /// What it was made of.
    pub facts: Facts,
    /// What happened.
    pub journal: Vec<Entry>,
    /// Entries that were not kept.
    pub journal_not_kept: usize,
    /// By handset: which link was used when.
    pub spans: Vec<Vec<Span>>,
    /// By handset: how long its daemon had no session, be it that it was not there.
    pub without_session: Vec<Duration>,
    /// By handset: deadlines for which its daemon would have woken a phone.
    pub wake_ups: Vec<u64>,
    /// By handset: how often its mobile data moved to the other card.
    pub data_moves: Vec<u32>,
    /// By handset, by link: what was carried.
    pub carried: Vec<Vec<LinkCounters>>,
    /// From the first message's start to the end of waiting.
    pub lasted: Duration,
    /// What the logs of daemons and gateway tell of errors.
    pub log_errors: Vec<String>,
}

impl Outcome {
    /// Whether everything arrived once, in order, and as its user wants it.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.verdict.is_good() && self.sms.is_good()
    }

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
        operators: &scenario.operators,
        handsets: &scenario.handsets,
        plain: &scenario.plain,
        daemon_config: &scenario.daemon_config,
        seed: scenario.seed,
    })
    .await?;
    world.register_all().await?;
    setup.note(Topic::Note, "lab", "all numbers are bound; time starts now");

    let ledger = Ledger::start();
    let journal = Journal::start(ledger.started(), plan.quiet);
    world.network().set_journal(journal.clone());
    let (apps, observers) = start_apps(&world, &ledger, &journal);
    let plain = start_plain(scenario, &world, &ledger, &journal);
    let deeds: Vec<_> = apps
        .iter()
        .map(App::deeds)
        .chain(plain.iter().map(PlainPhone::deeds))
        .collect();
    let mut senders = start_traffic(scenario, &deeds, ledger.started());
    let lasted = {
        let mut stage = Stage {
            scenario,
            world: &mut world,
            ledger: &ledger,
            journal: &journal,
            deeds: &deeds,
        };
        stage.play(&mut senders).await?
    };

    let mut conversations = Vec::new();
    for (to, from) in lanes(scenario) {
        let socket = world.handsets()[to].socket();
        conversations.push(read_conversation(scenario, &socket, to, from).await?);
    }
    let facts = ledger.facts();
    let sms_sent = sms_of_the_run(&world, ledger.started());
    let networks = world.network().counts();
    let (entries, journal_not_kept) = journal.entries();
    let mut outcome = Outcome {
        verdict: Verdict::of(&facts, &conversations),
        sms: SmsScore::of(&facts, &parties(scenario), &sms_sent, networks),
        sms_sent,
        facts,
        journal: entries,
        journal_not_kept,
        spans: observers.iter().map(Observer::spans).collect(),
        without_session: observers.iter().map(Observer::without_session).collect(),
        wake_ups: observers.iter().map(Observer::wake_ups).collect(),
        data_moves: world
            .handsets()
            .iter()
            .map(|handset| handset.radio().data_moves())
            .collect(),
        carried: world
            .handsets()
            .iter()
            .map(|handset| {
                let links = handset.radio().links().iter();
                links.map(|link| link.counters()).collect()
            })
            .collect(),
        lasted,
        log_errors: Vec::new(),
    };
    drop((apps, plain, observers));
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
                name: handset.plan().name.clone(),
                number: handset.plan().number.expose(),
                radio: Arc::clone(handset.radio()),
                ledger: ledger.clone(),
                journal: journal.clone(),
            });
            let observer = Observer::start(
                handset.plan().name.clone(),
                handset.socket(),
                Arc::clone(handset.radio()),
                ledger.started(),
                journal.clone(),
            );
            (app, observer)
        })
        .unzip()
}

fn start_plain(
    scenario: &Scenario,
    world: &World,
    ledger: &Ledger,
    journal: &Journal,
) -> Vec<PlainPhone> {
    let phones = scenario.plain.iter().zip(scenario.handsets.len()..);
    let phones = phones.map(|(plain, index)| {
        PlainPhone::start(PlainPhonePlan {
            index,
            name: plain.name.clone(),
            iccid: plain.card.iccid.clone(),
            line: world.network().line(index),
            ledger: ledger.clone(),
            journal: journal.clone(),
        })
    });
    phones.collect()
}

fn parties(scenario: &Scenario) -> Vec<Party> {
    let parties = (0..scenario.parties()).map(|party| Party {
        number: scenario.number_of(party).expose(),
        plain: scenario.is_plain(party),
    });
    parties.collect()
}

/// Times count from the start of the run.
fn sms_of_the_run(world: &World, started: Instant) -> Vec<SentSms> {
    let before = started.saturating_duration_since(world.network().started());
    let mut sms = world.network().sent();
    for one in &mut sms {
        one.at = one.at.saturating_sub(before);
    }
    sms
}

/// One task a sender hands its messages to its app, each at its time.
fn start_traffic(
    scenario: &Scenario,
    deeds: &[mpsc::Sender<Deed>],
    started: Instant,
) -> JoinSet<()> {
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
                    sender: scenario.name_of(from).to_owned(),
                    number,
                };
                let text = compose(scenario.seed, &mark);
                let outgoing = Outgoing {
                    mark,
                    to: traffic.to,
                    number: scenario.number_of(traffic.to).expose(),
                    text,
                };
                (started + at, outgoing)
            })
            .collect();
        senders.spawn(hand_over(messages, deeds[from].clone()));
    }
    senders
}

async fn hand_over(messages: Vec<(Instant, Outgoing)>, user: mpsc::Sender<Deed>) {
    for (at, message) in messages {
        sleep_until(at).await;
        if user.send(Deed::Send(message)).await.is_err() {
            return;
        }
    }
}

/// Receiver and sender of each lane.
fn lanes(scenario: &Scenario) -> Vec<(usize, usize)> {
    let lanes = scenario.traffic.iter();
    // A plain phone's inbox is in the facts; it has no order keys.
    let lanes = lanes.filter(|traffic| !scenario.is_plain(traffic.to));
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
    let number = |party: usize| scenario.number_of(party).expose();
    let entries = app::history(socket, &number(to), &number(from))
        .await
        .map_err(|source| RunError::History {
            name: scenario.handsets[to].name.clone(),
            source,
        })?;
    Ok(Conversation {
        to,
        entries,
        ordered: !scenario.is_plain(from),
    })
}
