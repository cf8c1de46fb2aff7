//! What the worlds of a run have reached: counts by kind, and what was never
//! reached. Owns no decision; a world without coverage behaves the same.
//!
//! Every name that could be counted is listed in [`LISTED`]. What no world can
//! reach stands in [`EXPLAINED`] with its reason; the rest of what is missing
//! is a finding.

mod listed;
mod names;

use std::collections::BTreeMap;
use std::fmt::Write;

use twine_engine::message::Shown;
use twine_engine::store_ops::{EventKind, Op, Outcome};
use twine_engine::trace::TraceRecord;
use twine_engine::{CommandError, Notice, TimerReason};
use twine_proto::Frame;
use twine_proto::frame::{ReceiptKind, SentState};

pub use self::listed::{ACCUSATIONS, EXPLAINED, LISTED};
use self::names::{
    decision_name, disposition_name, error_name, event_name, goodbye_name, outcome_name, part_name,
    refusal_name, revoke_name, shown_name, slot_name, timer_name,
};
use crate::net::Way;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Frames that reached the gateway.
    Up,
    /// Frames that reached a handset.
    Down,
    /// Kinds of receipt, both ways.
    Receipt,
    /// What apps were shown.
    Shown,
    /// Why apps were told.
    Event,
    /// What became of parts of SMS.
    Part,
    /// Decisions in the engine's trace.
    Decision,
    /// Reasons in the engine's trace.
    Reason,
    /// Why engines wanted to be called.
    Timer,
    /// Faults that happened.
    Fault,
    /// Requests that were not done.
    Error,
    /// Passing events for apps.
    Notice,
    /// Final outcomes told by the gateway.
    Disposition,
    /// Answers to revokes.
    Revoke,
    /// Why the gateway ended connections.
    Goodbye,
    /// What became of a binding in a `Welcome`.
    Slot,
    /// Answers of handsets' stores.
    Outcome,
    /// Promises, by the cases in which they were put to the test.
    Promise,
}

/// Counts of one world, or of many.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    counts: BTreeMap<(Group, &'static str), u64>,
}

impl Coverage {
    /// One more.
    pub fn count(&mut self, group: Group, name: &'static str) {
        *self.counts.entry((group, name)).or_default() += 1;
    }

    /// Adds another world's counts.
    pub fn add(&mut self, other: &Self) {
        for (key, count) in &other.counts {
            *self.counts.entry(*key).or_default() += count;
        }
    }

    /// What was reached of a group, and how often.
    pub fn of(&self, group: Group) -> impl Iterator<Item = (&'static str, u64)> {
        let of_it = self.counts.iter().filter(move |((of, _), _)| *of == group);
        of_it.map(|((_, name), count)| (*name, *count))
    }

    fn get(&self, group: Group, name: &'static str) -> u64 {
        self.counts.get(&(group, name)).copied().unwrap_or(0)
    }

    /// What was never reached and is not explained, and what was reached although it is
    /// explained why it cannot be: in words. A run that is large enough has none.
    pub fn findings(&self) -> Vec<String> {
        let missing = self.missing().filter(|key| explanation(*key).is_none());
        let missing = missing.map(|(group, name)| format!("never reached: {group:?} {name:?}"));
        let surprises = EXPLAINED.iter().filter_map(|(group, name, why)| {
            let count = self.get(*group, name);
            let what = format!("reached {count} times: {group:?} {name:?}");
            (count > 0).then(|| format!("{what}, of which the list says: {why}"))
        });
        missing.chain(surprises).collect()
    }

    fn missing(&self) -> impl Iterator<Item = (Group, &'static str)> {
        LISTED
            .iter()
            .flat_map(|(group, names)| names.iter().map(|name| (*group, *name)))
            .filter(|(group, name)| self.get(*group, name) == 0)
    }

    /// Names that were counted and are not listed.
    pub fn unlisted(&self) -> Vec<(Group, &'static str)> {
        let listed = |(group, name): &(Group, &'static str)| {
            LISTED
                .iter()
                .any(|(of, names)| of == group && names.contains(name))
        };
        self.counts
            .keys()
            .copied()
            .filter(|key| !listed(key))
            .collect()
    }

    /// A table for people.
    pub fn table(&self) -> String {
        let mut table = String::new();
        for (group, names) in LISTED {
            let counts: Vec<String> = names
                .iter()
                .map(|name| format!("{name} {}", self.get(*group, name)))
                .collect();
            let title = format!("{group:?}").to_lowercase();
            let _ = writeln!(table, "{title:<12} {}", counts.join(", "));
        }
        for key @ (group, name) in self.missing() {
            if let Some(why) = explanation(key) {
                let _ = writeln!(table, "never reached: {group:?} {name} ({why})");
            }
        }
        self.not_yet(&mut table);
        table
    }

    /// What worlds can reach and these did not.
    fn not_yet(&self, table: &mut String) {
        let mut groups: BTreeMap<Group, Vec<&str>> = BTreeMap::new();
        for key in self.missing().filter(|key| explanation(*key).is_none()) {
            groups.entry(key.0).or_default().push(key.1);
        }
        let count: usize = groups.values().map(Vec::len).sum();
        if count == 0 {
            return;
        }
        let _ = writeln!(
            table,
            "not reached by these worlds: {count} names. Some are rare: more worlds reach them, and \
             --complete judges whether a run of many reaches all."
        );
        for (group, names) in groups {
            let title = format!("{group:?}").to_lowercase();
            let _ = writeln!(table, "  {title:<12} {}", names.join(", "));
        }
    }

    // -- by type ---------------------------------------------------------------

    pub(crate) fn promises(&mut self, cases: BTreeMap<&'static str, u64>) {
        for (promise, count) in cases {
            *self.counts.entry((Group::Promise, promise)).or_default() += count;
        }
    }

    pub(crate) fn frame(&mut self, way: Way, frame: &Frame) {
        let group = match way {
            Way::Up => Group::Up,
            Way::Down => Group::Down,
        };
        self.count(group, frame.name());
        match frame {
            Frame::Welcome(welcome) => {
                for slot in &welcome.slots {
                    self.count(Group::Slot, slot_name(slot.status));
                    self.state(&slot.state);
                    for (_, state) in &slot.old {
                        self.state(state);
                    }
                }
            }
            Frame::Accepted(accepted) => {
                for (_, refusal) in &accepted.refused {
                    self.count(Group::Disposition, refusal_name(*refusal));
                }
            }
            Frame::Receipt(receipt) => self.receipt(&receipt.kind),
            Frame::Revoked(revoked) => {
                for (_, outcome) in &revoked.results {
                    self.count(Group::Revoke, revoke_name(*outcome));
                }
            }
            Frame::Goodbye(goodbye) => self.count(Group::Goodbye, goodbye_name(goodbye.reason)),
            _ => {}
        }
    }

    fn receipt(&mut self, kind: &ReceiptKind) {
        match kind {
            ReceiptKind::Outcomes {
                epoch,
                dispositions,
                ..
            } => {
                let name = match epoch {
                    None => "outcomes",
                    Some(_) => "outcomes of a closed epoch",
                };
                self.count(Group::Receipt, name);
                for (_, disposition) in dispositions {
                    self.count(Group::Disposition, disposition_name(*disposition));
                }
            }
            ReceiptKind::ReadBy { .. } => self.count(Group::Receipt, "read by"),
            ReceiptKind::Read(_) => self.count(Group::Receipt, "read"),
            ReceiptKind::Rejected { .. } => self.count(Group::Receipt, "rejected"),
        }
    }

    fn state(&mut self, state: &SentState) {
        for (_, disposition) in &state.dispositions {
            self.count(Group::Disposition, disposition_name(*disposition));
        }
    }

    /// What an app was told of a message.
    pub(crate) fn event(&mut self, kind: EventKind, shown: Shown) {
        self.count(Group::Event, event_name(kind));
        self.count(Group::Shown, shown_name(shown));
    }

    pub(crate) fn decision(&mut self, record: &TraceRecord) {
        self.count(Group::Decision, decision_name(&record.decision));
        for reason in &record.because {
            self.count(Group::Reason, reason);
        }
    }

    /// What a store is told: reasons to keep, and states of parts.
    pub(crate) fn op(&mut self, op: &Op) {
        if let Op::ApplySmsPart { state, .. } = op {
            self.count(Group::Part, part_name(*state));
        }
        let because = match op {
            Op::Wait { because, .. }
            | Op::RuleOutSms { because, .. }
            | Op::AskBack { because, .. }
            | Op::ReleaseSms { because, .. }
            | Op::ApplySmsPart { because, .. } => because,
            _ => return,
        };
        for reason in *because {
            self.count(Group::Reason, reason);
        }
    }

    pub(crate) fn timer(&mut self, reason: TimerReason) {
        self.count(Group::Timer, timer_name(reason));
    }

    pub(crate) fn outcome(&mut self, outcome: &Outcome) {
        self.count(Group::Outcome, outcome_name(outcome));
    }

    pub(crate) fn error(&mut self, error: &CommandError) {
        self.count(Group::Error, error_name(error));
    }

    pub(crate) fn notice(&mut self, notice: &Notice) {
        let name = match notice {
            Notice::PeerTyping { .. } => "typing",
            Notice::Identity { .. } => "identity",
        };
        self.count(Group::Notice, name);
    }
}

/// Every promise, in the words in which its breach is told.
pub fn promises() -> impl Iterator<Item = &'static str> {
    let of = LISTED.iter().filter(|(group, _)| *group == Group::Promise);
    of.flat_map(|(_, names)| names.iter().copied())
}

fn explanation((group, name): (Group, &'static str)) -> Option<&'static str> {
    let known = |of: &&(Group, &str, &str)| (of.0, of.1) == (group, name);
    EXPLAINED.iter().find(known).map(|(.., why)| *why)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::setup::Setup;

    #[test]
    fn whatever_is_counted_is_listed() {
        let mut all = Coverage::default();
        for seed in 0..40 {
            let setup = Setup::drawn(seed, 2);
            let mut world = setup.world(false);
            let _ = world.run(setup.minutes);
            all.add(world.coverage());
        }
        assert_eq!(all.unlisted(), []);
    }

    /// Each literal that the engine gives as a reason is listed, and the other way
    /// round: a new reason that no world reaches is a finding, too.
    #[test]
    fn the_reasons_are_the_engines() {
        let engine = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../daemon/engine/src");
        let mut source = String::new();
        read_all(&engine, &mut source);
        let listed = |reason: &str| {
            let of = |(group, names): &(Group, &[&str])| {
                *group == Group::Reason && names.contains(&reason)
            };
            LISTED.iter().any(of)
        };
        for (_, names) in LISTED.iter().filter(|(of, _)| *of == Group::Reason) {
            for reason in *names {
                assert!(source.contains(&format!("\"{reason}\"")), "{reason:?}");
            }
        }
        let gives = [
            "&[\"",
            ".fail(",
            "wait_for(",
            "drop_connection(",
            "give_up(",
            "why = \"",
            "Violation(\"",
        ];
        let whole = ["channel/mod.rs", "links/because.rs"];
        for file in whole.map(|file| std::fs::read_to_string(engine.join(file)).unwrap()) {
            // Why a link lost is told in the status alone.
            let code = file.split("fn lost_as_str").next().unwrap();
            let code = code.split("#[cfg(test)]").next().unwrap();
            let lines = code.lines().filter(|line| !line.trim().starts_with("//"));
            for literal in lines.flat_map(|line| line.split('"').skip(1).step_by(2)) {
                assert!(listed(literal), "not listed: {literal:?}");
            }
        }
        for line in source
            .lines()
            .filter(|line| gives.iter().any(|call| line.contains(call)))
        {
            if line.contains("assert") {
                continue;
            }
            for literal in line.split('"').skip(1).step_by(2) {
                assert!(listed(literal), "not listed: {literal:?}");
            }
        }
    }

    /// A name that is never counted in any world is a finding only if it is listed.
    #[test]
    fn every_name_is_listed() {
        let names = include_str!("names.rs").split("=> \"").skip(1);
        for name in names.filter_map(|rest| rest.split('"').next()) {
            let listed = |(_, names): &(Group, &[&str])| names.contains(&name);
            assert!(LISTED.iter().any(listed), "not listed: {name:?}");
        }
    }

    /// Each promise that the model or the world looks after is listed, and the other way
    /// round: one that is put to no test in any world is a finding.
    #[test]
    fn the_promises_are_the_models() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut source = String::new();
        read_all(&here.join("model"), &mut source);
        read_all(&here.join("world"), &mut source);
        let mut found: Vec<&str> = Vec::new();
        for opening in ["promise = \"", "promise: \"", "expect(\"", "expect(\n"] {
            for (at, _) in source.match_indices(opening) {
                let rest = &source[at + opening.len() - 1..];
                let literal = rest.trim_start().strip_prefix('"');
                found.extend(literal.and_then(|rest| rest.split('"').next()));
            }
        }
        let (_, listed) = LISTED.iter().find(|(of, _)| *of == Group::Promise).unwrap();
        for promise in *listed {
            assert!(source.contains(&format!("\"{promise}\"")), "{promise:?}");
        }
        for promise in found.iter().filter(|promise| promise.contains(' ')) {
            assert!(listed.contains(promise), "not listed: {promise:?}");
        }
        assert!(found.len() >= listed.len(), "{found:?}");
    }

    fn read_all(folder: &Path, source: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read_all(&path, source);
            } else {
                source.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }

    #[test]
    fn only_what_is_listed_is_explained() {
        for (group, name, _) in EXPLAINED {
            let listed = |(of, names): &(Group, &[&str])| of == group && names.contains(name);
            assert!(LISTED.iter().any(listed), "{group:?} {name}");
        }
    }
}
