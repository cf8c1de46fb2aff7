//! The stock messaging app of a simulated handset.
//!
//! Does what a careful app does, and no more: one send at a time, repeated with
//! the same token while its result is unknown; events taken in once by their
//! cursor, acknowledged after they were taken in; the history for the order.

use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use twine_control::{Client, ClientError, ConnectError, pb};

use crate::ledger::{Ledger, OFFLINE, SentMessage};
use crate::limits::{APP_RECONNECT, HISTORY_PAGE, OUTGOING_QUEUE, REPLY_TIMEOUT};
use crate::texts::Mark;
use crate::world::Radio;

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

/// A running app. Ends when dropped.
#[derive(Debug)]
pub struct App {
    outgoing: mpsc::Sender<Outgoing>,
    _tasks: JoinSet<()>,
}

/// Who the app is.
#[derive(Debug, Clone)]
pub struct AppPlan {
    /// Index of its handset.
    pub index: usize,
    /// The daemon's control socket.
    pub socket: PathBuf,
    /// The handset's links.
    pub radio: Radio,
    /// Where it writes down what happens.
    pub ledger: Ledger,
}

impl App {
    /// Starts it; it connects whenever its daemon is there.
    #[must_use]
    pub fn start(plan: AppPlan) -> Self {
        let (outgoing, queue) = mpsc::channel(OUTGOING_QUEUE);
        let (client, connected) = watch::channel(None);
        let mut tasks = JoinSet::new();
        tasks.spawn(receive(plan.clone(), client));
        tasks.spawn(send(plan, queue, connected));
        Self {
            outgoing,
            _tasks: tasks,
        }
    }

    /// Where it takes what it is to send, in this order.
    #[must_use]
    pub fn outgoing(&self) -> mpsc::Sender<Outgoing> {
        self.outgoing.clone()
    }
}

async fn send(
    plan: AppPlan,
    mut queue: mpsc::Receiver<Outgoing>,
    mut connected: watch::Receiver<Option<Client>>,
) {
    while let Some(outgoing) = queue.recv().await {
        let active = plan.radio.active();
        let message = SentMessage {
            from: plan.index,
            to: outgoing.to,
            text: outgoing.text.clone(),
            link: active.as_ref().map(|(link, _)| (*link).to_owned()),
            profile: active.map_or_else(|| OFFLINE.to_owned(), |(_, profile)| profile),
            requested: plan.ledger.now(),
            confirmed: None,
            repeats: 0,
            refused: None,
            told_delivered: None,
            told_failed: None,
        };
        plan.ledger.requested(&outgoing.mark, message);
        if send_one(&plan.ledger, &outgoing, &mut connected)
            .await
            .is_none()
        {
            return;
        }
    }
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
            Ok(Ok(_)) => {
                ledger.confirmed(&outgoing.mark);
                return Some(());
            }
            Ok(Err(ClientError::Refused(refusal))) => {
                let passing = matches!(
                    refusal.code,
                    pb::ErrorCode::Busy | pb::ErrorCode::Storage | pb::ErrorCode::Internal
                );
                if !passing {
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
    loop {
        if let Ok(connected) = Client::connect(&plan.socket, CLIENT, &[pb::Role::App]).await {
            // How it ended makes no difference: the app connects again.
            let _ = take_events(&plan, &connected, &client, &mut seen).await;
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
        take_in(plan, &event);
    }
}

fn take_in(plan: &AppPlan, event: &pb::Event) {
    match (event.kind(), &event.message) {
        (pb::EventKind::MessageReceived, Some(message)) => {
            plan.ledger
                .arrived(plan.index, &message.text, message.message_id);
        }
        (pb::EventKind::MessageStateChanged, Some(message)) => {
            if let Some(mark) = Mark::find(&message.text) {
                plan.ledger.told(&mark, event.state(), &message.failure);
            }
        }
        (pb::EventKind::Resync, _) => plan.ledger.resync(),
        _ => {}
    }
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
