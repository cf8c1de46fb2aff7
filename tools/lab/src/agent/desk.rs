//! What an agent must not forget: the journal of what it asked of SmsManager, and
//! the spool of messages that came in (DELIVERY 26, 28).
//!
//! Owns two things in a folder of the handset: `journal`, a file of lines, and
//! `spool/`, a file for each message. They outlive the agent and the daemon. They
//! are not synced to the disk: the lab kills processes, it cuts no power.
//!
//! ```text
//! call 42 2            SmsManager is about to be called with two parts
//! result 42 0 sent -1  what became of the first
//! taken 42 0 sent      the daemon has stored that
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use twine_control::pb;
use twine_control::pb::SmsPartState as State;
use twine_proto::E164;

use crate::limits::MAX_SPOOL_BYTES;
use crate::mobile::ShortMessage;

/// See the module.
#[derive(Debug)]
pub(super) struct Desk {
    directory: PathBuf,
    journal: File,
    attempts: BTreeMap<u64, Vec<PartRecord>>,
    spool: BTreeMap<String, Spooled>,
    /// Of the next spooled message; names never come twice.
    next_spool: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct PartRecord {
    /// Sent, refused or unknown.
    outcome: Option<Fact>,
    /// Delivered or undeliverable.
    report: Option<Fact>,
}

/// A result, and whether the daemon has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fact {
    state: State,
    code: i32,
    taken: bool,
}

/// A message in the spool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Spooled {
    sim_slot: u32,
    iccid: String,
    from: String,
    text: String,
    scts_ms: u64,
}

/// A line of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Call {
        attempt: u64,
        parts: usize,
    },
    Result {
        attempt: u64,
        part: usize,
        state: State,
        code: i32,
    },
    Taken {
        attempt: u64,
        part: usize,
        state: State,
    },
    /// Spool ids below this were given.
    Spool(u64),
}

impl Desk {
    /// Opens the folder, or makes it. What was called and has no result is
    /// unknown from now on; what is done with is forgotten.
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        let spool = directory.join("spool");
        fs::create_dir_all(&spool)?;
        let path = directory.join("journal");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let mut desk = Self {
            directory: directory.to_owned(),
            journal: OpenOptions::new().create(true).append(true).open(&path)?,
            attempts: BTreeMap::new(),
            spool: read_spool(&spool)?,
            next_spool: 0,
        };
        // A line that was torn by a kill never happened.
        for line in text.lines().filter_map(|line| line.parse().ok()) {
            desk.apply(line);
        }
        for parts in desk.attempts.values_mut() {
            for part in parts.iter_mut() {
                part.outcome.get_or_insert(Fact {
                    state: State::PartUnknown,
                    code: 0,
                    taken: false,
                });
            }
        }
        desk.attempts
            .retain(|_, parts| parts.iter().any(|part| !part.is_done_with()));
        let rewritten = directory.join("journal.new");
        fs::write(&rewritten, desk.lines())?;
        fs::rename(&rewritten, &path)?;
        desk.journal = OpenOptions::new().append(true).open(&path)?;
        Ok(desk)
    }

    /// SmsManager is about to be called. False: the attempt is known, and is not
    /// to be sent again.
    pub(super) fn call(&mut self, attempt: u64, parts: usize) -> io::Result<bool> {
        if self.attempts.contains_key(&attempt) {
            return Ok(false);
        }
        self.write(Line::Call { attempt, parts })?;
        Ok(true)
    }

    /// What became of a part. Of an attempt that is not known, nothing is kept.
    pub(super) fn result(
        &mut self,
        attempt: u64,
        part: usize,
        state: State,
        code: i32,
    ) -> io::Result<()> {
        self.write(Line::Result {
            attempt,
            part,
            state,
            code,
        })
    }

    /// The daemon has stored this result.
    pub(super) fn taken(&mut self, attempt: u64, part: usize, state: State) -> io::Result<()> {
        self.write(Line::Taken {
            attempt,
            part,
            state,
        })
    }

    /// Results that the daemon has not, in order.
    pub(super) fn untaken(&self) -> Vec<pb::SmsPartResult> {
        self.results(|fact| !fact.taken, None)
    }

    /// All results of an attempt.
    pub(super) fn results_of(&self, attempt: u64) -> Vec<pb::SmsPartResult> {
        self.results(|_| true, Some(attempt))
    }

    fn results(&self, wanted: impl Fn(&Fact) -> bool, of: Option<u64>) -> Vec<pb::SmsPartResult> {
        let mut results = Vec::new();
        for (&attempt, parts) in &self.attempts {
            if of.is_some_and(|of| of != attempt) {
                continue;
            }
            for (part, record) in (0..).zip(parts) {
                let facts = [record.outcome, record.report].into_iter().flatten();
                results.extend(facts.filter(&wanted).map(|fact| pb::SmsPartResult {
                    attempt,
                    part,
                    state: fact.state.into(),
                    code: if fact.state == State::PartRefused {
                        fact.code
                    } else {
                        0
                    },
                }));
            }
        }
        results
    }

    /// Keeps a message. After this its broadcast may be finished.
    pub(super) fn spool(&mut self, message: &ShortMessage) -> io::Result<()> {
        let id = format!("sms-{:08}", self.next_spool);
        let spooled = Spooled {
            sim_slot: message.slot as u32,
            iccid: message.iccid.clone(),
            from: message.from.clone(),
            text: message.text.clone(),
            scts_ms: message.scts_ms,
        };
        // The number is used up even if what follows fails.
        self.write(Line::Spool(self.next_spool + 1))?;
        let directory = self.directory.join("spool");
        let unfinished = directory.join("unfinished");
        fs::write(&unfinished, serde_json::to_vec(&spooled)?)?;
        fs::rename(&unfinished, directory.join(&id))?;
        self.spool.insert(id, spooled);
        Ok(())
    }

    /// The daemon has stored this message.
    pub(super) fn sms_taken(&mut self, spool_id: &str) -> io::Result<()> {
        // What is not in the spool is taken already, or was never ours.
        if self.spool.remove(spool_id).is_none() {
            return Ok(());
        }
        fs::remove_file(self.directory.join("spool").join(spool_id))
    }

    /// Messages that the daemon has not, in the order in which they came.
    pub(super) fn spooled(&self) -> Vec<pb::SmsReceived> {
        let spooled = self.spool.iter().map(|(id, sms)| pb::SmsReceived {
            spool_id: id.clone(),
            sim_slot: sms.sim_slot,
            from: sms.from.clone(),
            text: sms.text.clone(),
            scts_ms: sms.scts_ms,
            iccid: sms.iccid.clone(),
            from_e164: resolve(&sms.from),
            to: String::new(),
        });
        spooled.collect()
    }

    fn write(&mut self, line: Line) -> io::Result<()> {
        self.journal.write_all(format!("{line}\n").as_bytes())?;
        self.apply(line);
        Ok(())
    }

    fn apply(&mut self, line: Line) {
        match line {
            Line::Call { attempt, parts } => {
                let records = vec![PartRecord::default(); parts];
                self.attempts.entry(attempt).or_insert(records);
            }
            Line::Result {
                attempt,
                part,
                state,
                code,
            } => {
                if let Some(slot) = self.slot(attempt, part, state) {
                    slot.get_or_insert(Fact {
                        state,
                        code,
                        taken: false,
                    });
                }
            }
            Line::Taken {
                attempt,
                part,
                state,
            } => {
                if let Some(Some(fact)) = self.slot(attempt, part, state)
                    && fact.state == state
                {
                    fact.taken = true;
                }
            }
            Line::Spool(next) => self.next_spool = self.next_spool.max(next),
        }
    }

    fn slot(&mut self, attempt: u64, part: usize, state: State) -> Option<&mut Option<Fact>> {
        let record = self.attempts.get_mut(&attempt)?.get_mut(part)?;
        match state {
            State::PartSent | State::PartRefused | State::PartUnknown => Some(&mut record.outcome),
            State::PartDelivered | State::PartUndeliverable => Some(&mut record.report),
            State::Unspecified => None,
        }
    }

    /// The journal as it stands, without what is forgotten.
    fn lines(&self) -> String {
        let mut lines = format!("{}\n", Line::Spool(self.next_spool));
        for (&attempt, parts) in &self.attempts {
            let count = parts.len();
            let mut line = |line: Line| {
                // Writing to a string cannot fail.
                let _ = writeln!(lines, "{line}");
            };
            line(Line::Call {
                attempt,
                parts: count,
            });
            for (part, record) in parts.iter().enumerate() {
                for fact in [record.outcome, record.report].into_iter().flatten() {
                    let (state, code) = (fact.state, fact.code);
                    line(Line::Result {
                        attempt,
                        part,
                        state,
                        code,
                    });
                    if fact.taken {
                        line(Line::Taken {
                            attempt,
                            part,
                            state,
                        });
                    }
                }
            }
        }
        lines
    }
}

impl PartRecord {
    fn is_done_with(&self) -> bool {
        self.outcome.is_some_and(|fact| fact.taken) && self.report.is_none_or(|fact| fact.taken)
    }
}

/// In E.164 if it is in international form: what the lab's centres write. A phone
/// resolves by the home plan of the receiving card.
fn resolve(from: &str) -> String {
    from.parse::<E164>()
        .map_or_else(|_| String::new(), E164::expose)
}

fn read_spool(directory: &Path) -> io::Result<BTreeMap<String, Spooled>> {
    let mut spool = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let id = entry.file_name().to_string_lossy().into_owned();
        if !id.starts_with("sms-") || entry.metadata()?.len() > MAX_SPOOL_BYTES {
            continue;
        }
        spool.insert(id, serde_json::from_slice(&fs::read(entry.path())?)?);
    }
    Ok(spool)
}

const STATES: [(State, &str); 5] = [
    (State::PartSent, "sent"),
    (State::PartRefused, "refused"),
    (State::PartUnknown, "unknown"),
    (State::PartDelivered, "delivered"),
    (State::PartUndeliverable, "undeliverable"),
];

fn word(state: State) -> &'static str {
    let found = STATES.iter().find(|(one, _)| *one == state);
    found.map_or("unspecified", |(_, word)| word)
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Call { attempt, parts } => write!(f, "call {attempt} {parts}"),
            Self::Result {
                attempt,
                part,
                state,
                code,
            } => write!(f, "result {attempt} {part} {} {code}", word(*state)),
            Self::Taken {
                attempt,
                part,
                state,
            } => write!(f, "taken {attempt} {part} {}", word(*state)),
            Self::Spool(next) => write!(f, "spool {next}"),
        }
    }
}

/// It is no line of a journal.
#[derive(Debug)]
struct NoLine;

impl FromStr for Line {
    type Err = NoLine;

    fn from_str(text: &str) -> Result<Self, NoLine> {
        fn number<T: FromStr>(word: &str) -> Result<T, NoLine> {
            word.parse().map_err(|_| NoLine)
        }
        let state = |word: &str| {
            let found = STATES.iter().find(|(_, one)| *one == word);
            found.map(|(state, _)| *state).ok_or(NoLine)
        };
        let words: Vec<_> = text.split(' ').collect();
        Ok(match words[..] {
            ["call", attempt, parts] => Self::Call {
                attempt: number(attempt)?,
                parts: number::<u8>(parts)?.into(),
            },
            ["result", attempt, part, word, code] => Self::Result {
                attempt: number(attempt)?,
                part: number(part)?,
                state: state(word)?,
                code: number(code)?,
            },
            ["taken", attempt, part, word] => Self::Taken {
                attempt: number(attempt)?,
                part: number(part)?,
                state: state(word)?,
            },
            ["spool", next] => Self::Spool(number(next)?),
            _ => return Err(NoLine),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk(directory: &tempfile::TempDir) -> Desk {
        Desk::open(directory.path()).unwrap()
    }

    fn told(results: &[pb::SmsPartResult]) -> Vec<(u64, u32, State, i32)> {
        let told = results
            .iter()
            .map(|one| (one.attempt, one.part, one.state(), one.code));
        told.collect()
    }

    fn message(text: &str) -> ShortMessage {
        ShortMessage {
            slot: 1,
            iccid: "8901".to_owned(),
            from: "+254712345678".to_owned(),
            text: text.to_owned(),
            scts_ms: 7_000,
        }
    }

    #[test]
    fn what_was_called_without_a_result_is_unknown_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let mut first = desk(&directory);
        assert!(first.call(u64::MAX, 2).unwrap());
        first.result(u64::MAX, 1, State::PartSent, -1).unwrap();
        assert_eq!(
            told(&first.untaken()),
            [(u64::MAX, 1, State::PartSent, 0)],
            "the other one may still come"
        );
        drop(first);
        let mut second = desk(&directory);
        assert_eq!(
            told(&second.untaken()),
            [
                (u64::MAX, 0, State::PartUnknown, 0),
                (u64::MAX, 1, State::PartSent, 0)
            ]
        );
        assert!(!second.call(u64::MAX, 2).unwrap(), "known");
        assert!(second.call(7, 1).unwrap(), "never seen");
    }

    #[test]
    fn results_are_told_until_they_are_taken_and_then_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let mut first = desk(&directory);
        first.call(1, 1).unwrap();
        first.result(1, 0, State::PartRefused, 4).unwrap();
        first.call(2, 1).unwrap();
        first.result(2, 0, State::PartSent, -1).unwrap();
        first.result(2, 0, State::PartDelivered, 0).unwrap();
        first.taken(1, 0, State::PartRefused).unwrap();
        first.taken(2, 0, State::PartSent).unwrap();
        first.taken(2, 0, State::PartUnknown).unwrap();
        let open = [(2, 0, State::PartDelivered, 0)];
        assert_eq!(told(&first.untaken()), open);
        assert_eq!(told(&first.results_of(1)), [(1, 0, State::PartRefused, 4)]);
        let mut second = desk(&directory);
        assert_eq!(told(&second.untaken()), open);
        assert!(second.call(1, 1).unwrap(), "forgotten");
        second.taken(2, 0, State::PartDelivered).unwrap();
        assert_eq!(desk(&directory).attempts.len(), 1);
    }

    #[test]
    fn the_first_result_of_a_part_stands() {
        let directory = tempfile::tempdir().unwrap();
        let mut desk = desk(&directory);
        desk.call(1, 1).unwrap();
        desk.result(1, 0, State::PartSent, -1).unwrap();
        desk.result(1, 0, State::PartRefused, 1).unwrap();
        // Of nothing that was called.
        desk.result(1, 9, State::PartSent, -1).unwrap();
        desk.result(9, 0, State::PartSent, -1).unwrap();
        assert_eq!(told(&desk.untaken()), [(1, 0, State::PartSent, 0)]);
    }

    #[test]
    fn a_torn_line_never_happened() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(
            directory.path().join("journal"),
            "call 1 1\nresult 1 0 sent -1\ncall 2",
        )
        .unwrap();
        let desk = desk(&directory);
        assert_eq!(told(&desk.untaken()), [(1, 0, State::PartSent, 0)]);
    }

    #[test]
    fn messages_stay_in_the_spool_until_they_are_taken() {
        let directory = tempfile::tempdir().unwrap();
        let mut first = desk(&directory);
        for text in ["one  ", "two"] {
            first.spool(&message(text)).unwrap();
        }
        let ids: Vec<_> = first
            .spooled()
            .into_iter()
            .map(|sms| sms.spool_id)
            .collect();
        first.sms_taken(&ids[0]).unwrap();
        first.sms_taken(&ids[0]).unwrap();
        first.sms_taken("../journal").unwrap();
        let mut second = desk(&directory);
        let spooled = second.spooled();
        assert_eq!(spooled.len(), 1);
        assert_eq!(
            (spooled[0].text.as_str(), spooled[0].from_e164.as_str()),
            ("two", "+254712345678")
        );
        second.sms_taken(&ids[1]).unwrap();
        let mut third = desk(&directory);
        assert!(third.spooled().is_empty());
        third.spool(&message("three")).unwrap();
        assert!(!ids.contains(&third.spooled()[0].spool_id));
    }

    #[test]
    fn names_are_not_resolved() {
        assert_eq!(resolve("MPESA"), "");
        assert_eq!(resolve("40404"), "");
    }
}
