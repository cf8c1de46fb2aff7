//! A phone without Twine: what is written on it leaves by SMS, what comes is
//! shown as it came.

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use twine_control::pb::Channel;
use twine_sms::TableSet;
use twine_sms::segment::{ReferenceSize, split};

use crate::app::{Deed, Outgoing};
use crate::journal::{Journal, Topic};
use crate::ledger::{Ledger, SentMessage};
use crate::limits::OUTGOING_QUEUE;
use crate::mobile::network::Line;
use crate::mobile::{CallId, Told, codes};

/// The profile of what leaves by SMS without a choice.
pub const PLAIN: &str = "sms only";

/// A running phone. Ends when dropped.
#[derive(Debug)]
pub struct PlainPhone {
    deeds: mpsc::Sender<Deed>,
    _tasks: JoinSet<()>,
}

/// Whose phone it is.
#[derive(Debug, Clone)]
pub struct PlainPhonePlan {
    /// Its party.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// Its only card.
    pub iccid: String,
    /// Its framework.
    pub line: Line,
    /// Where it writes down what happens.
    pub ledger: Ledger,
    /// For the timeline.
    pub journal: Journal,
}

impl PlainPhone {
    /// Starts it.
    #[must_use]
    pub fn start(plan: PlainPhonePlan) -> Self {
        let (deeds, queue) = mpsc::channel(OUTGOING_QUEUE);
        let mut tasks = JoinSet::new();
        tasks.spawn(send(plan.clone(), queue));
        tasks.spawn(receive(plan));
        Self {
            deeds,
            _tasks: tasks,
        }
    }

    /// What its user does. Without Twine there is nothing to decide: only
    /// messages are written.
    #[must_use]
    pub fn deeds(&self) -> mpsc::Sender<Deed> {
        self.deeds.clone()
    }
}

async fn send(plan: PlainPhonePlan, mut deeds: mpsc::Receiver<Deed>) {
    let mut calls = 0;
    while let Some(deed) = deeds.recv().await {
        if let Deed::Send(outgoing) = deed {
            calls += 1;
            send_one(&plan, CallId(calls), outgoing);
        }
    }
}

fn send_one(plan: &PlainPhonePlan, call: CallId, outgoing: Outgoing) {
    let message = SentMessage {
        from: plan.index,
        to: outgoing.to,
        text: outgoing.text.clone(),
        profile: PLAIN.to_owned(),
        requested: plan.ledger.now(),
        message_id: call.0,
        // The phone tells nobody more.
        sent_by_sms: true,
        ..SentMessage::default()
    };
    plan.ledger.requested(&outgoing.mark, message);
    match split(&outgoing.text, &TableSet::NONE, ReferenceSize::Bits8) {
        Ok(split) => {
            let parts: Vec<_> = split.parts().map(str::to_owned).collect();
            plan.line.send(call, &plan.iccid, &outgoing.number, &parts);
            plan.ledger.confirmed(&outgoing.mark, call.0);
        }
        Err(error) => plan.ledger.refused(&outgoing.mark, error.to_string()),
    }
}

async fn receive(plan: PlainPhonePlan) {
    let mut shown = 0;
    loop {
        match plan.line.next().await {
            Told::Message(message) => {
                shown += 1;
                plan.ledger
                    .arrived(plan.index, &message.text, shown, Channel::Sms);
            }
            Told::Sent { code, .. } if code != codes::OK => {
                let words = format!("a part was not sent, code {code}");
                plan.journal.note(Topic::Sms, &plan.name, words);
            }
            Told::Sent { .. } | Told::Report { .. } => {}
        }
        plan.line.finish();
    }
}
