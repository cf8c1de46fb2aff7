//! Lost, duplicated, out of order, and how long it took: judged from what the
//! apps saw, never from what daemons or gateway say of themselves.
//!
//! | verdict | meaning |
//! |---|---|
//! | lost | stored by the sender's daemon (its reply says so), never received by the receiver's app, and the sender was not told that it failed |
//! | failed | never received, and the sender was told so: the user knows |
//! | duplicated | shown more than once at the end: two copies that were not merged, or twice in the receiver's history |
//! | out of order | in the receiver's history, sorted by order key, behind a message of its lane that was sent later |
//! | strange | received with a text that nobody sent |
//!
//! To and from a phone without Twine no order is promised, and none is judged.
//! What SMS cost, and by which channel messages came: [`crate::sms_score`].
//!
//! Latency runs from the app's first request to the receiving app's event, for
//! messages by the profile of the link that the sender used when it was sent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::app::HistoryEntry;
use crate::ledger::{Arrival, Facts};
use crate::texts::Mark;

/// One receiver's conversation with one sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Index of the receiver.
    pub to: usize,
    /// Sorted by order key.
    pub entries: Vec<HistoryEntry>,
    /// Both have Twine: there is an order to be kept.
    pub ordered: bool,
}

/// The verdict on a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    /// Asked for by apps.
    pub requested: usize,
    /// Stored by the sender's daemon.
    pub sent: usize,
    /// Of these, received by the receiver's app.
    pub delivered: usize,
    /// Refused for good by the sender's daemon.
    pub refused: usize,
    /// Why, each reason once.
    pub refusals: BTreeSet<String>,
    /// Not confirmed when the run ended.
    pub unconfirmed: usize,
    /// See the module's table.
    pub lost: Vec<Mark>,
    /// See the module's table.
    pub failed: Vec<Mark>,
    /// See the module's table.
    pub duplicated: Vec<Mark>,
    /// See the module's table.
    pub out_of_order: Vec<Mark>,
    /// See the module's table.
    pub strange: usize,
    /// The sender's app was told "delivered".
    pub told_delivered: usize,
    /// The sender's app was told "failed".
    pub told_failed: usize,
    /// Told "delivered", and never received.
    pub told_falsely: Vec<Mark>,
    /// Requests that apps repeated, not knowing their result.
    pub repeats: u64,
    /// By profile; all together under [`ALL`].
    pub latency: BTreeMap<String, Latency>,
}

/// The key of all latencies together.
pub const ALL: &str = "all";

/// How long messages took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// How many.
    pub n: usize,
    /// Half of them took at most this.
    pub p50: Duration,
    /// 90 of 100.
    pub p90: Duration,
    /// 99 of 100.
    pub p99: Duration,
    /// All.
    pub max: Duration,
}

impl Verdict {
    /// Judges. `conversations` may be missing where a history could not be
    /// read; then nothing is said of its order.
    #[must_use]
    pub fn of(facts: &Facts, conversations: &[Conversation]) -> Self {
        let mut arrivals: BTreeMap<&Mark, Vec<&Arrival>> = BTreeMap::new();
        for arrival in &facts.arrivals {
            if let Some(mark) = &arrival.mark {
                arrivals.entry(mark).or_default().push(arrival);
            }
        }
        let mut verdict = Self {
            requested: facts.sent.len(),
            strange: facts
                .arrivals
                .iter()
                .filter(|one| one.mark.is_none())
                .count(),
            ..Self::default()
        };
        let mut latencies: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
        for (mark, message) in &facts.sent {
            let received = arrivals.get(mark).map_or(&[][..], Vec::as_slice);
            verdict.repeats += u64::from(message.repeats);
            if let Some(why) = &message.refused {
                verdict.refused += 1;
                verdict.refusals.insert(why.clone());
            } else if message.confirmed.is_none() {
                verdict.unconfirmed += 1;
            } else {
                verdict.sent += 1;
                if !received.is_empty() {
                    verdict.delivered += 1;
                } else if message.told_failed.is_some() {
                    verdict.failed.push(mark.clone());
                } else {
                    verdict.lost.push(mark.clone());
                }
            }
            let shown = received.iter().filter(|one| one.copy_of.is_none());
            if shown.count() > 1 {
                verdict.duplicated.push(mark.clone());
            }
            if message.told_delivered.is_some() {
                verdict.told_delivered += 1;
                if received.is_empty() {
                    verdict.told_falsely.push(mark.clone());
                }
            }
            if message.told_failed.is_some() {
                verdict.told_failed += 1;
            }
            if let Some(first) = received.first() {
                let took = first.at.saturating_sub(message.requested);
                for key in [message.profile.as_str(), ALL] {
                    latencies.entry(key.to_owned()).or_default().push(took);
                }
            }
        }
        for conversation in conversations {
            verdict.judge_history(facts, conversation);
        }
        verdict.latency = latencies
            .into_iter()
            .filter_map(|(profile, all)| Some((profile, Latency::of(all)?)))
            .collect();
        verdict
    }

    /// Whether everything arrived once and in order.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.lost.is_empty()
            && self.failed.is_empty()
            && self.duplicated.is_empty()
            && self.out_of_order.is_empty()
            && self.strange == 0
            && self.told_falsely.is_empty()
            && self.unconfirmed == 0
            && self.refused == 0
    }

    fn judge_history(&mut self, facts: &Facts, conversation: &Conversation) {
        // A lane is what one sender sent to this receiver; its messages count
        // up in the order of sending.
        let mut furthest: BTreeMap<&str, u64> = BTreeMap::new();
        let mut seen: Vec<&Mark> = Vec::new();
        let marks: Vec<Mark> = conversation
            .entries
            .iter()
            .filter(|entry| entry.incoming)
            .filter_map(|entry| {
                let mark = Mark::find(&entry.text)?;
                let sent = facts.sent.get(&mark)?;
                let text = entry.text.trim_end_matches(' ');
                (sent.to == conversation.to && sent.text == text).then_some(mark)
            })
            .collect();
        for mark in &marks {
            if seen.contains(&mark) {
                if !self.duplicated.contains(mark) {
                    self.duplicated.push(mark.clone());
                }
                continue;
            }
            seen.push(mark);
            let furthest = furthest.entry(&mark.sender).or_default();
            if mark.number < *furthest && conversation.ordered {
                self.out_of_order.push(mark.clone());
            }
            *furthest = mark.number.max(*furthest);
        }
    }
}

impl Latency {
    /// Of at least one.
    #[must_use]
    pub fn of(mut all: Vec<Duration>) -> Option<Self> {
        all.sort_unstable();
        // Nearest rank: the smallest value that at least this share does not
        // exceed.
        let rank = |percent: usize| {
            let rank = (all.len() * percent).div_ceil(100).max(1);
            all.get(rank - 1).copied()
        };
        Some(Self {
            n: all.len(),
            p50: rank(50)?,
            p90: rank(90)?,
            p99: rank(99)?,
            max: rank(100)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use twine_control::pb::Channel;

    use crate::ledger::SentMessage;

    const fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    fn mark(number: u64) -> Mark {
        Mark {
            sender: "a".to_owned(),
            number,
        }
    }

    fn text(number: u64) -> String {
        format!("text {}", mark(number))
    }

    /// Messages 1 to `count`, all confirmed, asked for at 0.
    fn sent(count: u64) -> Facts {
        let message = |number| SentMessage {
            from: 0,
            to: 1,
            text: text(number),
            link: Some("lte".to_owned()),
            profile: "lte".to_owned(),
            requested: ms(0),
            confirmed: Some(ms(1)),
            message_id: number,
            ..SentMessage::default()
        };
        Facts {
            sent: (1..=count)
                .map(|number| (mark(number), message(number)))
                .collect(),
            ..Facts::default()
        }
    }

    fn arrive(facts: &mut Facts, number: u64, at: u64) {
        let message_id = facts.arrivals.len() as u64 + 1;
        facts.arrivals.push(Arrival {
            to: 1,
            mark: Some(mark(number)),
            message_id,
            at: ms(at),
            came_by: Channel::Ip,
            copy_of: None,
        });
    }

    fn shown(numbers: &[u64]) -> Vec<Conversation> {
        let entries = numbers
            .iter()
            .enumerate()
            .map(|(index, number)| HistoryEntry {
                order: (index as u64, 1, *number),
                message_id: index as u64,
                incoming: true,
                text: text(*number),
            });
        vec![Conversation {
            to: 1,
            entries: entries.collect(),
            ordered: true,
        }]
    }

    #[test]
    fn all_well() {
        let mut facts = sent(3);
        for number in 1..=3 {
            arrive(&mut facts, number, 100 * number);
        }
        let verdict = Verdict::of(&facts, &shown(&[1, 2, 3]));
        assert!(verdict.is_good());
        assert_eq!((verdict.sent, verdict.delivered), (3, 3));
        let lte = verdict.latency["lte"];
        assert_eq!((lte.n, lte.p50, lte.p99), (3, ms(200), ms(300)));
    }

    #[test]
    fn what_was_confirmed_and_never_came_is_lost() {
        let mut facts = sent(2);
        arrive(&mut facts, 2, 5);
        let verdict = Verdict::of(&facts, &[]);
        assert_eq!(verdict.lost, [mark(1)]);
        assert!(!verdict.is_good());
    }

    #[test]
    fn what_was_refused_or_stayed_unknown_is_not_lost_and_not_good_either() {
        let mut facts = sent(2);
        facts.sent.get_mut(&mark(1)).unwrap().confirmed = None;
        arrive(&mut facts, 2, 5);
        let verdict = Verdict::of(&facts, &[]);
        assert_eq!((verdict.unconfirmed, verdict.lost.len()), (1, 0));
        assert!(!verdict.is_good());

        facts.sent.get_mut(&mark(1)).unwrap().refused = Some("no".to_owned());
        let verdict = Verdict::of(&facts, &[]);
        assert_eq!((verdict.refused, verdict.unconfirmed), (1, 0));
        assert!(verdict.refusals.contains("no"));
        assert!(verdict.lost.is_empty() && !verdict.is_good());
    }

    #[test]
    fn twice_in_events_or_in_history_is_duplicated_and_counted_once() {
        let mut facts = sent(2);
        for number in [1, 2, 2] {
            arrive(&mut facts, number, 5);
        }
        let verdict = Verdict::of(&facts, &shown(&[1, 2, 2, 1]));
        assert_eq!(verdict.duplicated, [mark(2), mark(1)]);
        assert_eq!(verdict.delivered, 2);
    }

    #[test]
    fn two_copies_that_were_merged_are_one_message() {
        let mut facts = sent(1);
        arrive(&mut facts, 1, 5);
        arrive(&mut facts, 1, 9);
        facts.arrivals[1].copy_of = Some(1);
        let verdict = Verdict::of(&facts, &shown(&[1]));
        assert!(verdict.is_good());
        assert_eq!(verdict.latency[ALL].max, ms(5), "the first counts");
    }

    #[test]
    fn what_the_sender_was_told_to_have_failed_is_not_lost_and_not_good() {
        let mut facts = sent(1);
        facts.sent.get_mut(&mark(1)).unwrap().told_failed = Some("no_balance".to_owned());
        let verdict = Verdict::of(&facts, &[]);
        assert_eq!((verdict.lost.len(), verdict.failed.len()), (0, 1));
        assert!(!verdict.is_good());
    }

    #[test]
    fn without_twine_no_order_is_judged() {
        let mut facts = sent(2);
        for number in 1..=2 {
            arrive(&mut facts, number, 5);
        }
        let mut shown = shown(&[2, 1]);
        shown[0].ordered = false;
        assert!(Verdict::of(&facts, &shown).is_good());
    }

    #[test]
    fn order_is_that_of_the_history_not_of_arrival() {
        let mut facts = sent(4);
        for number in [2, 1, 4, 3] {
            arrive(&mut facts, number, 5);
        }
        assert!(Verdict::of(&facts, &shown(&[1, 2, 3, 4])).is_good());
        let verdict = Verdict::of(&facts, &shown(&[1, 4, 2, 3]));
        assert_eq!(verdict.out_of_order, [mark(2), mark(3)]);
    }

    #[test]
    fn a_false_delivered_and_a_strange_text_are_not_good() {
        let mut facts = sent(1);
        facts.sent.get_mut(&mark(1)).unwrap().told_delivered = Some(ms(3));
        assert_eq!(Verdict::of(&facts, &[]).told_falsely, [mark(1)]);

        let mut facts = sent(0);
        facts.arrivals.push(Arrival {
            to: 1,
            mark: None,
            message_id: 1,
            at: ms(1),
            came_by: Channel::Sms,
            copy_of: None,
        });
        assert_eq!(Verdict::of(&facts, &[]).strange, 1);
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        let latency = Latency::of((1..=100).map(ms).collect()).unwrap();
        assert_eq!(
            (latency.p50, latency.p90, latency.p99, latency.max),
            (ms(50), ms(90), ms(99), ms(100))
        );
        assert_eq!(Latency::of(Vec::new()), None);
    }
}
