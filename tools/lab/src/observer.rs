//! Watches a handset from outside: which link it uses, and what its daemon
//! says of the session.
//!
//! Owns nothing that decides anything: it feeds timeline and report.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use twine_control::{Client, pb};

use crate::journal::{Journal, Topic};
use crate::limits::{APP_RECONNECT, OBSERVE, REPLY_TIMEOUT};
use crate::radio::Radio;

/// How the daemon's counters of them begin.
const WAKE_UPS: &str = "wake_ups_";

/// From when on a handset used which link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Since the start of the run.
    pub from: Duration,
    /// `None`: no link was up.
    pub link: Option<String>,
    /// The profile's id; empty without a link.
    pub profile: String,
}

/// A running observer. Ends when dropped.
#[derive(Debug)]
pub struct Observer {
    spans: Arc<Mutex<Vec<Span>>>,
    without: Arc<Mutex<Without>>,
    wake_ups: Arc<Mutex<Total>>,
    tasks: [AbortHandle; 2],
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Observer {
    /// Starts watching.
    #[must_use]
    pub fn start(
        name: String,
        socket: PathBuf,
        radio: Arc<Radio>,
        started: Instant,
        journal: Journal,
    ) -> Self {
        let spans = Arc::default();
        let without = Arc::new(Mutex::new(Without::since(started)));
        let wake_ups = Arc::default();
        let links = tokio::spawn(watch_links(radio, started, Arc::clone(&spans)));
        let session = tokio::spawn(watch_session(
            (name, socket),
            journal,
            Arc::clone(&without),
            Arc::clone(&wake_ups),
        ));
        Self {
            spans,
            without,
            wake_ups,
            tasks: [links.abort_handle(), session.abort_handle()],
        }
    }

    /// Which links were used.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        lock(&self.spans).clone()
    }

    /// Deadlines for which a phone in suspend would have been woken, as far as looks
    /// once in [`OBSERVE`] tell.
    #[must_use]
    pub fn wake_ups(&self) -> u64 {
        lock(&self.wake_ups).sum()
    }

    /// How long there was no session until now.
    #[must_use]
    pub fn without_session(&self) -> Duration {
        lock(&self.without).until(Instant::now())
    }
}

/// A counter of a process that is started again and again.
#[derive(Debug, Default)]
struct Total {
    before: u64,
    last: u64,
}

impl Total {
    fn look(&mut self, value: u64) {
        if value < self.last {
            self.before += self.last;
        }
        self.last = value;
    }

    const fn sum(&self) -> u64 {
        self.before + self.last
    }
}

/// The time without a session on a link, as far as looks once in [`OBSERVE`] tell.
#[derive(Debug)]
struct Without {
    before: Duration,
    /// There is none since.
    since: Option<Instant>,
}

impl Without {
    const fn since(started: Instant) -> Self {
        Self {
            before: Duration::ZERO,
            since: Some(started),
        }
    }

    fn look(&mut self, now: Instant, live: bool) {
        match (live, self.since) {
            (true, Some(_)) => {
                self.before = self.until(now);
                self.since = None;
            }
            (false, None) => self.since = Some(now),
            _ => {}
        }
    }

    fn until(&self, now: Instant) -> Duration {
        let going_on = self.since.map(|since| now.duration_since(since));
        self.before + going_on.unwrap_or_default()
    }
}

async fn watch_links(radio: Arc<Radio>, started: Instant, spans: Arc<Mutex<Vec<Span>>>) {
    let mut ticks = interval(OBSERVE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let (link, profile) = match radio.active() {
            Some((link, profile)) => (Some(link.to_owned()), profile),
            None => (None, String::new()),
        };
        let mut spans = lock(&spans);
        let same = spans
            .last()
            .is_some_and(|span| span.link == link && span.profile == profile);
        if !same {
            spans.push(Span {
                from: started.elapsed(),
                link,
                profile,
            });
        }
    }
}

async fn watch_session(
    (name, socket): (String, PathBuf),
    journal: Journal,
    without: Arc<Mutex<Without>>,
    wake_ups: Arc<Mutex<Total>>,
) {
    let mut last = None;
    loop {
        if let Ok(client) = Client::connect(&socket, "lab.observer", &[pb::Role::Diagnostics]).await
        {
            while let Ok(Ok(status)) = timeout(REPLY_TIMEOUT, client.ask(pb::GetStatus {})).await {
                let woken = status.counters.iter();
                let woken = woken.filter(|counter| counter.name.starts_with(WAKE_UPS));
                lock(&wake_ups).look(woken.map(|counter| counter.value).sum());
                let session = status.session.unwrap_or_default();
                let live = session.state == "live" && !session.link.is_empty();
                lock(&without).look(Instant::now(), live);
                let words = describe(&session);
                if last.as_ref() != Some(&words) {
                    // Between two live sessions only the second is of interest,
                    // unless the first was lost.
                    if session.state == "live" || last.as_deref().is_some_and(was_live) {
                        let why = if live {
                            why_this_link(&client, &session.link).await
                        } else {
                            String::new()
                        };
                        journal.note(Topic::Session, &name, format!("{words}{why}"));
                    }
                    last = Some(words);
                }
                sleep(OBSERVE).await;
            }
        }
        lock(&without).look(Instant::now(), false);
        sleep(APP_RECONNECT).await;
    }
}

/// What the daemon says of the link that carries its session.
async fn why_this_link(client: &Client, link: &str) -> String {
    let links = match timeout(REPLY_TIMEOUT, client.ask(pb::GetLinks {})).await {
        Ok(Ok(links)) => links.links,
        _ => return String::new(),
    };
    let carrying = links
        .into_iter()
        .find(|one| one.carries_session && one.link.as_ref().is_some_and(|it| it.id == link));
    carrying.map_or_else(String::new, |one| format!(": {}", one.reason))
}

fn was_live(words: &str) -> bool {
    words.starts_with("session live")
}

fn describe(session: &pb::SessionStatus) -> String {
    if session.state == "live" && session.link.is_empty() {
        format!("session live, without a link (no. {})", session.session_no)
    } else if session.state == "live" {
        format!(
            "session live by {} over {} (no. {})",
            session.transport, session.link, session.session_no
        )
    } else if session.reason.is_empty() || session.reason == session.state {
        format!("session {}", session.state)
    } else {
        format!("session {}: {}", session.state, session.reason)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
