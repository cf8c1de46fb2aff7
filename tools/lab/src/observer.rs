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

use crate::handset::Radio;
use crate::journal::{Journal, Topic};
use crate::limits::{APP_RECONNECT, OBSERVE, REPLY_TIMEOUT};

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
        radio: Radio,
        started: Instant,
        journal: Journal,
    ) -> Self {
        let spans = Arc::default();
        let links = tokio::spawn(watch_links(radio, started, Arc::clone(&spans)));
        let session = tokio::spawn(watch_session(name, socket, journal));
        Self {
            spans,
            tasks: [links.abort_handle(), session.abort_handle()],
        }
    }

    /// Which links were used.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        lock(&self.spans).clone()
    }
}

async fn watch_links(radio: Radio, started: Instant, spans: Arc<Mutex<Vec<Span>>>) {
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

async fn watch_session(name: String, socket: PathBuf, journal: Journal) {
    let mut last = None;
    loop {
        if let Ok(client) = Client::connect(&socket, "lab.observer", &[pb::Role::Diagnostics]).await
        {
            while let Ok(Ok(status)) = timeout(REPLY_TIMEOUT, client.ask(pb::GetStatus {})).await {
                let session = status.session.unwrap_or_default();
                let words = describe(&session);
                if last.as_ref() != Some(&words) {
                    // Between two live sessions only the second is of interest,
                    // unless the first was lost.
                    if session.state == "live" || last.as_deref().is_some_and(was_live) {
                        journal.note(Topic::Session, &name, words.clone());
                    }
                    last = Some(words);
                }
                sleep(OBSERVE).await;
            }
        }
        sleep(APP_RECONNECT).await;
    }
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

fn lock(spans: &Mutex<Vec<Span>>) -> MutexGuard<'_, Vec<Span>> {
    spans.lock().unwrap_or_else(PoisonError::into_inner)
}
