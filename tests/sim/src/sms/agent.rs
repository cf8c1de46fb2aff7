//! The telephony agent: what it writes down, what it tells, and what it forgets
//! when it dies (DELIVERY 26, 28).
//!
//! Journal and spool are on flash and survive everything but a new phone. An
//! attempt is journalled before SmsManager is called, a result before it is told, a
//! message that came before its broadcast is finished.

use std::collections::{BTreeMap, BTreeSet};

use twine_engine::input::SmsReceived;
use twine_engine::parts::{AttemptId, PartState};
use twine_engine::{Order, TelephonyEvent};
use twine_proto::originator::originator;
use twine_proto::{Peer, Redacted};

use super::framework::{Call, Whole};
use super::plan::{self, Country};

/// What is known of a part that SmsManager was called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Journalled {
    state: PartState,
    code: Option<i32>,
    /// The daemon has stored this.
    taken: Option<PartState>,
}

/// A message that came, as it is on flash.
#[derive(Debug, Clone)]
struct Spooled {
    whole: Whole,
    /// What the home plan of its card made of its sender, empty if nothing.
    from_e164: String,
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Agent {
    journal: BTreeMap<AttemptId, Vec<Journalled>>,
    spool: BTreeMap<u64, Spooled>,
    next_spool: u64,
    /// With the daemon; nothing is told otherwise.
    connected: bool,
    /// Told on this connection.
    told: BTreeMap<(AttemptId, u8), PartState>,
    told_spooled: BTreeSet<u64>,
}

impl Agent {
    /// Messages that the daemon has not taken.
    pub fn spooled(&self) -> usize {
        self.spool.len()
    }

    /// Its connection to the daemon stands. What is not known to be stored is told
    /// again.
    pub fn connect(&mut self) {
        self.disconnect();
        self.connected = true;
    }

    /// It, the daemon, or the connection between them died.
    pub fn disconnect(&mut self) {
        self.connected = false;
        self.told.clear();
        self.told_spooled.clear();
    }

    /// The daemon asks. `Some`: SmsManager is to be called, it is journalled. If the
    /// agent dies before it calls, the journal says all the same that it did.
    pub fn order(&mut self, order: &Order) -> Option<Call> {
        match order {
            Order::SendSms {
                attempt,
                iccid,
                to,
                parts,
            } => self.send(*attempt, iccid.expose(), *to, parts),
            Order::SmsPartTaken {
                attempt,
                part,
                state,
            } => {
                self.taken(*attempt, *part, *state);
                None
            }
            // Of the world, see `world::data`.
            Order::PreferDataSim { .. } | Order::LookAgain { .. } => None,
            Order::SmsTaken { spool_id } => {
                let known = spool_id
                    .strip_prefix(SPOOL_PREFIX)
                    .and_then(|number| number.parse().ok());
                if let Some(number) = known {
                    self.spool.remove(&number);
                }
                None
            }
        }
    }

    fn send(
        &mut self,
        attempt: AttemptId,
        iccid: &str,
        to: Peer,
        parts: &[Redacted<String>],
    ) -> Option<Call> {
        if let Some(known) = self.journal.get_mut(&attempt) {
            for (no, part) in (0..).zip(known.iter_mut()) {
                if part.state == PartState::Open {
                    part.state = PartState::Unknown;
                }
                self.told.remove(&(attempt, no));
            }
            return None;
        }
        let open = Journalled {
            state: PartState::Open,
            code: None,
            taken: None,
        };
        self.journal.insert(attempt, vec![open; parts.len()]);
        Some(Call {
            attempt,
            iccid: iccid.to_owned(),
            to,
            parts: parts.iter().map(|part| part.expose().clone()).collect(),
        })
    }

    fn taken(&mut self, attempt: AttemptId, part: u8, state: PartState) {
        let Some(parts) = self.journal.get_mut(&attempt) else {
            return;
        };
        if let Some(part) = parts.get_mut(usize::from(part)) {
            part.taken = Some(state);
        }
    }

    /// The framework tells what became of a part; also to an agent that was started
    /// for it.
    pub fn result(&mut self, attempt: AttemptId, part: u8, state: PartState, code: Option<i32>) {
        let known = self
            .journal
            .get_mut(&attempt)
            .and_then(|parts| parts.get_mut(usize::from(part)));
        if let Some(known) = known
            && is_news(known.state, state)
        {
            known.state = state;
            known.code = code;
        }
    }

    /// A message came: on flash before the broadcast is finished. A phone that dies
    /// in between broadcasts it again, and it is spooled for the second time. `home`:
    /// the country of its card, if the phone knows it.
    pub fn received(&mut self, whole: Whole, home: Option<Country>) {
        let from_e164 = plan::resolve(&whole.from, home);
        let spooled = Spooled { whole, from_e164 };
        self.spool.insert(self.next_spool, spooled);
        self.next_spool += 1;
    }

    /// What there is to tell the daemon now.
    pub fn tell(&mut self) -> Vec<TelephonyEvent> {
        if !self.connected {
            return Vec::new();
        }
        let mut events = Vec::new();
        for (attempt, parts) in &self.journal {
            for (no, part) in (0..).zip(parts) {
                let untold = part.state != PartState::Open && part.taken != Some(part.state);
                let mut told = || self.told.insert((*attempt, no), part.state);
                if untold && told() != Some(part.state) {
                    events.push(TelephonyEvent::SmsPart {
                        attempt: *attempt,
                        part: no,
                        state: part.state,
                        code: part.code,
                    });
                }
            }
        }
        for (number, Spooled { whole, from_e164 }) in &self.spool {
            if self.told_spooled.insert(*number) {
                events.push(TelephonyEvent::SmsReceived(SmsReceived {
                    spool_id: format!("{SPOOL_PREFIX}{number}"),
                    iccid: Redacted::new(whole.iccid.clone()),
                    own: Some(whole.to),
                    from: originator(&whole.from, from_e164).peer,
                    text: Redacted::new(whole.text.clone()),
                    scts_ms: whole.scts_ms,
                }));
            }
        }
        events
    }
}

const SPOOL_PREFIX: &str = "spool-";

/// Results only become more certain.
const fn is_news(known: PartState, told: PartState) -> bool {
    const fn certainty(state: PartState) -> u8 {
        match state {
            PartState::Open => 0,
            PartState::Unknown => 1,
            PartState::Sent | PartState::Refused | PartState::Doubtful => 2,
            PartState::Delivered | PartState::Undeliverable => 3,
        }
    }
    certainty(told) > certainty(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use twine_proto::E164;

    fn send(attempt: u64, parts: &[&str]) -> Order {
        Order::SendSms {
            attempt: AttemptId(attempt),
            iccid: Redacted::new("card".to_owned()),
            to: E164::new(254_700_000_002).unwrap().into(),
            parts: parts
                .iter()
                .map(|&part| Redacted::new(part.to_owned()))
                .collect(),
        }
    }

    fn told(agent: &mut Agent) -> Vec<(u64, u8, PartState)> {
        agent
            .tell()
            .into_iter()
            .filter_map(|event| match event {
                TelephonyEvent::SmsPart {
                    attempt,
                    part,
                    state,
                    ..
                } => Some((attempt.0, part, state)),
                _ => None,
            })
            .collect()
    }

    fn spooled(agent: &mut Agent) -> Vec<String> {
        agent
            .tell()
            .into_iter()
            .filter_map(|event| match event {
                TelephonyEvent::SmsReceived(sms) => Some(sms.spool_id),
                _ => None,
            })
            .collect()
    }

    fn connected() -> Agent {
        let mut agent = Agent::default();
        agent.connect();
        agent
    }

    #[test]
    fn an_attempt_is_sent_once_whoever_asks_again() {
        let mut agent = connected();
        let call = agent.order(&send(7, &["one", "two"])).unwrap();
        assert_eq!(call.parts, ["one", "two"]);
        agent.result(AttemptId(7), 0, PartState::Sent, None);
        assert_eq!(told(&mut agent), [(7, 0, PartState::Sent)]);
        assert_eq!(told(&mut agent), []);
        agent.disconnect();
        agent.connect();
        assert_eq!(agent.order(&send(7, &["one", "two"])), None);
        assert_eq!(
            told(&mut agent),
            [(7, 0, PartState::Sent), (7, 1, PartState::Unknown)]
        );
        agent.result(AttemptId(7), 1, PartState::Sent, None);
        assert_eq!(told(&mut agent), [(7, 1, PartState::Sent)], "after all");
    }

    #[test]
    fn a_result_is_told_until_it_is_taken() {
        let mut agent = connected();
        agent.order(&send(7, &["one"]));
        agent.disconnect();
        agent.result(AttemptId(7), 0, PartState::Refused, Some(2));
        assert_eq!(told(&mut agent), [], "nobody is there");
        for _ in 0..2 {
            agent.connect();
            assert_eq!(told(&mut agent), [(7, 0, PartState::Refused)]);
        }
        agent.order(&Order::SmsPartTaken {
            attempt: AttemptId(7),
            part: 0,
            state: PartState::Refused,
        });
        agent.connect();
        assert_eq!(told(&mut agent), []);
    }

    #[test]
    fn a_message_is_spooled_until_it_is_taken() {
        let mut agent = connected();
        let whole = Whole {
            iccid: "card".to_owned(),
            to: E164::new(254_700_000_002).unwrap(),
            from: "+254700000002".to_owned(),
            text: "hello".to_owned(),
            scts_ms: 9_000,
        };
        agent.received(whole.clone(), None);
        agent.received(whole, None);
        assert_eq!(spooled(&mut agent), ["spool-0", "spool-1"]);
        assert_eq!(spooled(&mut agent), Vec::<String>::new());
        agent.order(&Order::SmsTaken {
            spool_id: "spool-0".to_owned(),
        });
        agent.connect();
        assert_eq!(spooled(&mut agent), ["spool-1"]);
    }
}
