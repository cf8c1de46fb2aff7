//! What happened, line by line, and the lines that concern one message.

mod about;
mod decided;
mod frames;

use std::collections::BTreeMap;
use std::fmt::Write;

use twine_engine::ConnId;
use twine_engine::TelephonyEvent;
use twine_engine::message::{MessageId, MessageRecord};
use twine_engine::output::Order;
use twine_engine::parts::{AttemptId, PartState};
use twine_engine::store_ops::{Batch, Op, StoreOps};
use twine_engine::trace::TraceRecord;
use twine_proto::Frame;

use super::World;
use crate::coverage::Group;
use crate::net::HandsetNo;

pub use about::about;

/// Longer runs of one letter are told by their length.
const LONGEST_RUN: usize = 8;

/// One line of a world's story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// World milliseconds.
    pub at_ms: u64,
    /// A fault happened.
    pub fault: bool,
    /// What.
    pub text: String,
    /// The same with all there is, where the text leaves something out.
    pub full: Option<String>,
    told: Told,
}

/// What a line is about, beside its words.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    /// Nothing.
    Plain,
    /// A message, by the id that it has on a phone.
    Message(HandsetNo, MessageId),
    /// An attempt by SMS of a phone.
    Attempt(HandsetNo, AttemptId),
    /// A frame on a connection of a phone.
    Frame(HandsetNo, ConnId, Box<Frame>),
}

impl Line {
    /// With all there is.
    pub fn in_full(&self) -> String {
        self.timed(self.full.as_ref().unwrap_or(&self.text))
    }

    fn timed(&self, text: &str) -> String {
        let (s, ms) = (self.at_ms / 1000, self.at_ms % 1000);
        format!("{s:>9}.{ms:03}  {text}")
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.timed(&self.text))
    }
}

/// A story that is being told.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub(super) lines: Vec<Line>,
    /// Lines with messages that are not stored yet: they have an id and no text.
    unnamed: BTreeMap<(HandsetNo, MessageId), Vec<usize>>,
    /// What each phone's attempts are called, which are named at random: 1 is the first.
    attempts: BTreeMap<(HandsetNo, AttemptId), usize>,
}

impl Story {
    fn attempt(&mut self, handset: HandsetNo, attempt: AttemptId) -> String {
        let of_phone = (handset, AttemptId(0))..=(handset, AttemptId(u64::MAX));
        let next = self.attempts.range(of_phone).count() + 1;
        let number = self.attempts.entry((handset, attempt)).or_insert(next);
        format!("attempt {number}")
    }
}

impl World {
    pub(super) fn tell(&mut self, line: impl FnOnce() -> String) {
        self.add_line(false, line);
    }

    /// A fault happened.
    pub(super) fn broke(&mut self, name: &'static str, line: impl FnOnce() -> String) {
        self.coverage.count(Group::Fault, name);
        self.add_line(true, line);
    }

    fn add_line(&mut self, fault: bool, line: impl FnOnce() -> String) {
        if let Some(story) = &mut self.story {
            story.lines.push(Line {
                at_ms: self.now,
                fault,
                text: short(&line()),
                full: None,
                told: Told::Plain,
            });
        }
    }

    fn add(&mut self, text: &str, full: Option<String>, told: Told) {
        if let Some(story) = &mut self.story {
            story.lines.push(Line {
                at_ms: self.now,
                fault: false,
                text: short(text),
                full,
                told,
            });
        }
    }

    /// A frame leaves a phone (`→`) or reaches it (`←`).
    pub(super) fn tell_frame(
        &mut self,
        (handset, conn): (HandsetNo, ConnId),
        way: char,
        frame: &Frame,
    ) {
        if self.story.is_some() {
            let text = format!("h{handset} {way} {}", frames::brief(frame));
            let full = format!("h{handset} {way} {}", frames::full(frame));
            let told = Told::Frame(handset, conn, Box::new(frame.clone()));
            self.add(&text, Some(full), told);
        }
    }

    /// An engine has decided.
    pub(super) fn tell_decision(&mut self, handset: HandsetNo, record: &TraceRecord) {
        let Some(story) = &mut self.story else { return };
        let message = decided::message(&record.decision);
        let stored = message.map(|id| name_on(&self.handsets[handset].store, id));
        let name = match (message, stored) {
            (Some(_), Some(Some(name))) => name,
            (Some(id), _) => {
                let unnamed = story.unnamed.entry((handset, id)).or_default();
                unnamed.push(story.lines.len());
                unnamed_yet(id)
            }
            (None, _) => String::new(),
        };
        let text = format!("h{handset} decides: {}", decided::brief(record, &name));
        let full = format!("h{handset} decides {record:?}");
        let told = message.map_or(Told::Plain, |id| Told::Message(handset, id));
        self.add(&text, Some(full), told);
    }

    /// What a batch tells of messages: which are new, and which wait for what.
    pub(super) fn tell_batch(&mut self, handset: HandsetNo, batch: &Batch) {
        if self.story.is_none() {
            return;
        }
        for op in &batch.ops {
            if let Op::Enqueue(new) = op {
                let text = new.text.expose();
                let name = name_of(text).unwrap_or(text);
                self.name_is_known((handset, new.id), name);
                let waits = match new.because {
                    [] => String::new(),
                    because => format!(" and waits{}", decided::why(because)),
                };
                let id = new.id.0;
                let line = format!("h{handset} stores that {name} is message {id}{waits}");
                self.add(&line, None, Told::Message(handset, new.id));
            }
            if let Some((id, waits)) = decided::waits(op) {
                let name = name_on(&self.handsets[handset].store, id);
                let name = name.unwrap_or_else(|| unnamed_yet(id));
                let line = format!("h{handset} decides: {name} {waits}");
                self.add(&line, None, Told::Message(handset, id));
            }
        }
    }

    /// What the agent says of parts.
    pub(super) fn tell_part(&mut self, handset: HandsetNo, event: &TelephonyEvent) {
        if let TelephonyEvent::SmsPart {
            attempt,
            part,
            state,
            code,
        } = event
        {
            self.tell_attempt(handset, *attempt, |attempt| {
                let (part, result) = (nth(*part), result(*state, *code));
                format!("hears: {part} of {attempt} {result}")
            });
        }
    }

    /// An order to the agent.
    pub(super) fn tell_order(&mut self, handset: HandsetNo, order: &Order) {
        match order {
            Order::SendSms { attempt, parts, .. } => {
                self.tell_attempt(handset, *attempt, |attempt| {
                    let text: String = parts.iter().map(|part| part.expose().as_str()).collect();
                    let count = match parts.len() {
                        1 => "1 part".to_owned(),
                        count => format!("{count} parts"),
                    };
                    format!("orders SMS: {attempt} of {count} = {text:?}")
                });
            }
            Order::SmsPartTaken {
                attempt,
                part,
                state,
            } => self.tell_attempt(handset, *attempt, |attempt| {
                let (part, result) = (nth(*part), result(*state, None));
                format!("has stored that {part} of {attempt} is {result}")
            }),
            Order::SmsTaken { spool_id } => {
                self.tell(|| format!("h{handset} has stored SMS {spool_id} of the spool"));
            }
            Order::PreferDataSim { slot, because } => self.tell(|| {
                let why = decided::why(&[because.as_str()]);
                format!("h{handset} orders that data move to slot {slot}{why}")
            }),
            Order::LookAgain { link } => {
                self.tell(|| format!("h{handset} orders that the system look at {} again", link.0));
            }
        }
    }

    /// A line about an attempt of a phone, by the name that it has in stories.
    pub(super) fn tell_attempt(
        &mut self,
        handset: HandsetNo,
        attempt: AttemptId,
        line: impl FnOnce(&str) -> String,
    ) {
        let Some(story) = &mut self.story else { return };
        let line = line(&story.attempt(handset, attempt));
        let told = Told::Attempt(handset, attempt);
        self.add(&format!("h{handset} {line}"), None, told);
    }

    /// A line about a message of a phone, by whatever name.
    pub(super) fn tell_of(
        &mut self,
        handset: HandsetNo,
        record: &MessageRecord,
        line: impl FnOnce() -> String,
    ) {
        if self.story.is_some() {
            self.add(&line(), None, Told::Message(handset, record.id));
        }
    }

    /// Decisions about a message come before the batch that holds it.
    fn name_is_known(&mut self, message: (HandsetNo, MessageId), name: &str) {
        let Some(story) = &mut self.story else { return };
        for at in story.unnamed.remove(&message).unwrap_or_default() {
            if let Some(line) = story.lines.get_mut(at) {
                line.text = line.text.replacen(&unnamed_yet(message.1), name, 1);
            }
        }
    }
}

/// The name of a stored message.
fn name_on(store: &impl StoreOps, id: MessageId) -> Option<String> {
    let record = store.message(id).ok().flatten()?;
    let text = record.text?;
    let text = text.expose();
    Some(short(name_of(text).unwrap_or(text)))
}

/// A part, counted from 1 as people do.
pub(super) fn nth(part: u8) -> String {
    format!("part {}", u16::from(part) + 1)
}

/// What became of a part.
pub(super) fn result(state: PartState, code: Option<i32>) -> String {
    let state = match state {
        PartState::Open => "without a result",
        PartState::Sent => "sent",
        PartState::Refused => "refused",
        PartState::Unknown => "of unknown result",
        PartState::Delivered => "delivered",
        PartState::Undeliverable => "undeliverable",
        PartState::Doubtful => "failed, perhaps only as it seems",
    };
    code.map_or_else(|| state.to_owned(), |code| format!("{state}, code {code}"))
}

fn unnamed_yet(id: MessageId) -> String {
    format!("message {}", id.0)
}

/// A text for people: a run of one letter, with which texts are made long, is told by
/// its length.
pub fn short(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let end = rest.find(|other| other != letter).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        let count = run.chars().count();
        if count > LONGEST_RUN {
            let _ = write!(out, "[{letter:?} × {count}]");
        } else {
            out.push_str(run);
        }
        rest = after;
    }
    out
}

/// The name with which each text of a world begins: `h0m5`.
pub fn name_of(text: &str) -> Option<&str> {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_ascii_digit());
        from + end.unwrap_or(rest.len())
    };
    let middle = digits(1);
    let end = digits(middle + 1);
    let is_name = text.starts_with('h') && text.get(middle..).is_some_and(|m| m.starts_with('m'));
    (is_name && end > middle + 1).then(|| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_told_by_their_length() {
        let text = format!("h0m5{}!content", "x".repeat(900));
        assert_eq!(short(&text), "h0m5['x' × 900]!content");
        assert_eq!(short("h0m5 ж"), "h0m5 ж");
    }

    #[test]
    fn a_message_is_found_by_its_name_and_by_nothing_like_it() {
        let line = |text: &str| Line {
            at_ms: 0,
            fault: false,
            text: text.into(),
            full: None,
            told: Told::Plain,
        };
        let story = [
            "h0 app sends h0m5xxx",
            "h0 app sends h0m51",
            "h0 app sends hh0m5",
        ]
        .map(line);
        for message in ["h0m5", "h0m5xxx", "h0m5['x' × 900]"] {
            assert_eq!(about(&story, message), story[..1]);
        }
        assert_eq!(about(&story, "h7m1"), []);
    }
}
