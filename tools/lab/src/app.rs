//! The stock messaging app of a simulated handset.
//!
//! Does what a careful app does, and no more: one send at a time, repeated with
//! the same token while its result is unknown; events taken in once by their
//! cursor, acknowledged after they were taken in; the history for the order.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use twine_control::{Client, ClientError, ConnectError, pb};

use crate::journal::{Journal, Topic};
use crate::ledger::{Ledger, OFFLINE, SentMessage};
use crate::limits::{APP_RECONNECT, HISTORY_PAGE, OUTGOING_QUEUE, REPLY_TIMEOUT};
use crate::radio::Radio;
use crate::texts::Mark;

/// Durable name of the app at its daemon.
const CLIENT: &str = "lab.app";
/// Pause after the daemon said that it is busy.
const BUSY_PAUSE: Duration = Duration::from_millis(100);

/// What an app is to send.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Names it.
    pub mark: Mark,
    /// Index of the receiver.
    pub to: usize,
    /// The receiver's number.
    pub number: String,
    /// With the mark.
    pub text: String,
}

/// What a user does in an app.
#[derive(Debug, Clone)]
pub enum Deed {
    /// Writes a message.
    Send(Outgoing),
    /// Decides for messages that failed or wait for the user.
    Retry {
        /// The other party.
        peer: usize,
        /// By this channel; unspecified: as Twine chooses.
        channel: pb::Channel,
    },
    /// Has the SMS of a conversation leave by this card.
    Pin {
        /// The peer's number.
        peer: String,
        /// The card.
        iccid: String,
    },
}

/// A running app. Ends when dropped.
#[derive(Debug)]
pub struct App {
    deeds: mpsc::Sender<Deed>,
    _tasks: JoinSet<()>,
}

/// Who the app is.
#[derive(Debug, Clone)]
pub struct AppPlan {
    /// Index of its handset.
    pub index: usize,
    /// The daemon's control socket.
    pub socket: PathBuf,
    /// The handset's name.
    pub name: String,
    /// The handset's own number.
    pub number: String,
    /// The handset's links.
    pub radio: Arc<Radio>,
    /// Where it writes down what happens.
    pub ledger: Ledger,
    /// For the timeline.
    pub journal: Journal,
}

impl App {
    /// Starts it; it connects whenever its daemon is there.
    #[must_use]
    pub fn start(plan: AppPlan) -> Self {
        let (deeds, queue) = mpsc::channel(OUTGOING_QUEUE);
        let (client, connected) = watch::channel(None);
        let mut tasks = JoinSet::new();
        tasks.spawn(receive(plan.clone(), client));
        tasks.spawn(act(plan, queue, connected));
        Self {
            deeds,
            _tasks: tasks,
        }
    }

    /// What its user does, one after the other.
    #[must_use]
    pub fn deeds(&self) -> mpsc::Sender<Deed> {
        self.deeds.clone()
    }
}

async fn act(
    plan: AppPlan,
    mut deeds: mpsc::Receiver<Deed>,
    mut connected: watch::Receiver<Option<Client>>,
) {
    while let Some(deed) = deeds.recv().await {
        let done = match deed {
            Deed::Send(outgoing) => send(&plan, outgoing, &mut connected).await,
            Deed::Retry { peer, channel } => retry(&plan, peer, channel, &mut connected).await,
            Deed::Pin { peer, iccid } => pin(&plan, peer, iccid, &mut connected).await,
        };
        if done.is_none() {
            return;
        }
    }
}

async fn send(
    plan: &AppPlan,
    outgoing: Outgoing,
    connected: &mut watch::Receiver<Option<Client>>,
) -> Option<()> {
    let active = plan.radio.active();
    let message = SentMessage {
        from: plan.index,
        to: outgoing.to,
        text: outgoing.text.clone(),
        link: active.as_ref().map(|(link, _)| (*link).to_owned()),
        profile: active.map_or_else(|| OFFLINE.to_owned(), |(_, profile)| profile),
        requested: plan.ledger.now(),
        ..SentMessage::default()
    };
    plan.ledger.requested(&outgoing.mark, message);
    send_one(&plan.ledger, &outgoing, connected).await
}

/// The user decides for each message of a conversation that failed or waits for it.
async fn retry(
    plan: &AppPlan,
    peer: usize,
    channel: pb::Channel,
    connected: &mut watch::Receiver<Option<Client>>,
) -> Option<()> {
    for (mark, message_id) in plan.ledger.to_decide(plan.index, peer) {
        let request = pb::Retry {
            message_id,
            channel: channel.into(),
        };
        if let Err(why) = repeat(request, connected).await? {
            // It may have gone on meanwhile: then there is nothing to decide.
            let words = format!("{mark} is not tried again: {why}");
            plan.journal.note(Topic::Decision, &plan.name, words);
        }
    }
    Some(())
}

async fn pin(
    plan: &AppPlan,
    peer: String,
    iccid: String,
    connected: &mut watch::Receiver<Option<Client>>,
) -> Option<()> {
    plan.ledger.pinned(plan.index, &peer, &iccid);
    let request = pb::SetSettings {
        own: plan.number.clone(),
        peer,
        iccid,
        ..Default::default()
    };
    if let Err(why) = repeat(request, connected).await? {
        let words = format!("the card is not pinned: {why}");
        plan.journal.note(Topic::Decision, &plan.name, words);
    }
    Some(())
}

/// Asks what may be asked twice until there is an answer. `None`: the app has
/// ended.
async fn repeat<A: twine_control::Ask + Clone>(
    request: A,
    connected: &mut watch::Receiver<Option<Client>>,
) -> Option<Result<(), String>> {
    loop {
        let client = connected.wait_for(Option::is_some).await.ok()?.clone()?;
        match timeout(REPLY_TIMEOUT, client.ask(request.clone())).await {
            Ok(Ok(_)) => return Some(Ok(())),
            Ok(Err(ClientError::Refused(refusal))) if is_passing(refusal.code) => {
                sleep(BUSY_PAUSE).await;
            }
            Ok(Err(ClientError::Refused(refusal))) => return Some(Err(refusal.message)),
            Ok(Err(_)) => sleep(APP_RECONNECT).await,
            Err(_) => {}
        }
    }
}

const fn is_passing(code: pb::ErrorCode) -> bool {
    matches!(
        code,
        pb::ErrorCode::Busy | pb::ErrorCode::Storage | pb::ErrorCode::Internal
    )
}

/// Asks until the result is known. `None`: the app has ended.
async fn send_one(
    ledger: &Ledger,
    outgoing: &Outgoing,
    connected: &mut watch::Receiver<Option<Client>>,
) -> Option<()> {
    let request = pb::Send {
        to: outgoing.number.clone(),
        text: outgoing.text.clone(),
        token: outgoing.mark.to_string(),
        ..Default::default()
    };
    loop {
        let client = connected.wait_for(Option::is_some).await.ok()?.clone()?;
        match timeout(REPLY_TIMEOUT, client.ask(request.clone())).await {
            Ok(Ok(sent)) => {
                ledger.confirmed(&outgoing.mark, sent.message_id);
                return Some(());
            }
            Ok(Err(ClientError::Refused(refusal))) => {
                if !is_passing(refusal.code) {
                    ledger.refused(&outgoing.mark, refusal.message);
                    return Some(());
                }
                sleep(BUSY_PAUSE).await;
            }
            // The daemon went away, or hangs: the same token tells.
            Ok(Err(_)) => sleep(APP_RECONNECT).await,
            Err(_) => {}
        }
        ledger.repeated(&outgoing.mark);
    }
}

/// Takes events, whenever the daemon is there.
async fn receive(plan: AppPlan, client: watch::Sender<Option<Client>>) {
    // What the app would keep in a database of its own.
    let mut seen = 0;
    let mut stories = Stories::new();
    loop {
        if let Ok(connected) = Client::connect(&plan.socket, CLIENT, &[pb::Role::App]).await {
            // How it ended makes no difference: the app connects again.
            let _ = take_events(&plan, &connected, &client, &mut seen, &mut stories).await;
            client.send_replace(None);
        }
        sleep(APP_RECONNECT).await;
    }
}

async fn take_events(
    plan: &AppPlan,
    connected: &Client,
    client: &watch::Sender<Option<Client>>,
    seen: &mut u64,
    stories: &mut Stories,
) -> Result<(), ClientError> {
    connected.ask(pb::Subscribe { from_now: false }).await?;
    client.send_replace(Some(connected.clone()));
    let mut acknowledged = 0;
    loop {
        let event = match connected.try_next_event() {
            Some(event) => event,
            None => {
                // All that is here was taken in: now it may be acknowledged.
                if acknowledged < *seen {
                    connected.ask(pb::AckEvents { cursor: *seen }).await?;
                    acknowledged = *seen;
                }
                connected.next_event().await?
            }
        };
        if event.cursor > 0 && event.cursor <= *seen {
            plan.ledger.event_repeated();
            continue;
        }
        *seen = event.cursor.max(*seen);
        if let Some(tell) = take_in(plan, &event, stories) {
            tell_why(plan, connected, tell).await?;
        }
    }
}

/// What of a message's way was told already: that it goes by SMS, what it waits
/// for.
type Stories = BTreeMap<u64, (bool, String)>;

/// Something for the timeline that the daemon is asked about.
struct Tell {
    mark: Mark,
    message_id: u64,
    by_sms: bool,
}

fn take_in(plan: &AppPlan, event: &pb::Event, stories: &mut Stories) -> Option<Tell> {
    let (ledger, to) = (&plan.ledger, plan.index);
    let Some(message) = &event.message else {
        if event.kind() == pb::EventKind::Resync {
            ledger.resync();
        }
        return None;
    };
    match event.kind() {
        pb::EventKind::MessageReceived => {
            ledger.arrived(to, &message.text, message.message_id, message.came_by());
        }
        pb::EventKind::Merged => ledger.merged(to, message.message_id, event.into),
        pb::EventKind::Unmerged => ledger.unmerged(to, message.message_id),
        pb::EventKind::Reordered => ledger.reordered(),
        pb::EventKind::MessageStateChanged => {
            let mark = Mark::find(&message.text)?;
            ledger.told(&mark, event.state(), message);
            return news(mark, message, stories);
        }
        pb::EventKind::Resync => ledger.resync(),
        _ => {}
    }
    None
}

/// Whether a message took another way than the plain one by IP.
fn news(mark: Mark, message: &pb::Message, stories: &mut Stories) -> Option<Tell> {
    let by_sms = message
        .sms
        .as_ref()
        .is_some_and(|sms| !matches!(sms.state.as_str(), "" | "none"));
    if !by_sms && message.waits_for.is_empty() && !stories.contains_key(&message.message_id) {
        return None;
    }
    let told = stories.entry(message.message_id).or_default();
    let now = (by_sms, message.waits_for.clone());
    let is_new = (now.0 && !told.0) || (now.1 != told.1 && !now.1.is_empty());
    let by_sms_now = now.0 && !told.0;
    *told = (told.0 || now.0, now.1);
    is_new.then_some(Tell {
        mark,
        message_id: message.message_id,
        by_sms: by_sms_now,
    })
}

/// Asks the daemon why, and writes it on the timeline in its words.
async fn tell_why(plan: &AppPlan, connected: &Client, tell: Tell) -> Result<(), ClientError> {
    let request = pb::Explain {
        message_id: tell.message_id,
    };
    let story = match connected.ask(request).await {
        Ok(story) => story,
        // Nobody can say; the message goes its way all the same.
        Err(ClientError::Refused(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    let wanted = if tell.by_sms { "by_sms" } else { "waits" };
    let line = story.lines.iter().rev().find(|line| line.step == wanted);
    if let Some(line) = line {
        let words = format!("{} {}: {}", tell.mark, line.text, line.reasons.join(", "));
        plan.journal.note(Topic::Decision, &plan.name, words);
    }
    Ok(())
}

/// Why a history could not be read.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// No connection.
    #[error("cannot read the history")]
    Connect(#[from] ConnectError),
    /// No answer.
    #[error("cannot read the history")]
    Request(#[from] ClientError),
}

/// One message of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Where the app shows it.
    pub order: (u64, u32, u64),
    /// On this device.
    pub message_id: u64,
    /// It came in.
    pub incoming: bool,
    /// Its text.
    pub text: String,
}

/// Reads a whole conversation and sorts it by order key, as an app does.
pub async fn history(
    socket: &Path,
    own: &str,
    peer: &str,
) -> Result<Vec<HistoryEntry>, HistoryError> {
    let client = Client::connect(socket, "lab.history", &[pb::Role::App]).await?;
    let mut entries = Vec::new();
    let mut before = None;
    loop {
        let page = client
            .ask(pb::GetHistory {
                own: own.to_owned(),
                peer: peer.to_owned(),
                before,
                limit: HISTORY_PAGE,
            })
            .await?;
        before = page.messages.last().and_then(|message| message.order);
        let more = page.more && before.is_some();
        entries.extend(page.messages.into_iter().map(|message| {
            let order = message.order.unwrap_or_default();
            HistoryEntry {
                order: (order.position, order.epoch, order.lane_seq),
                message_id: message.message_id,
                incoming: message.direction == pb::Direction::Incoming as i32,
                text: message.text,
            }
        }));
        if !more {
            break;
        }
    }
    entries.sort_by_key(|entry| entry.order);
    Ok(entries)
}
