//! The timeline of a scenario file: words to actions.

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use twine_control::pb::Channel;

use super::file::At;
use super::mobile::COVERAGES;
use super::read::{Cast, Reader, names};
use super::{Action, HandsetPlan, Process, What};
use crate::mobile::plan::SLOTS;
use crate::relay::LinkState;
use crate::source::Located;

/// Down time of a killed process where the scenario does not say.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// What happens, and what undoes it.
type Pair = (What, Option<What>);

impl Reader<'_> {
    /// One entry becomes one action, and a second one that undoes it.
    pub(super) fn action(
        &self,
        at: &Spanned<At>,
        cast: Cast<'_>,
        actions: &mut Vec<Action>,
    ) -> Result<(), Located> {
        let entry = Entry {
            at: at.get_ref(),
            span: at.span(),
        };
        let start = self.time("s", &entry.at.s)?;
        let verb = self.source.one_of("do", &entry.at.r#do, &VERBS)?;
        let mut lasts = match &entry.at.for_s {
            Some(for_s) => Some(self.time("for_s", for_s)?),
            None => None,
        };
        self.reject_unused(entry.at, verb)?;
        let (what, undo) = match verb {
            Verb::Link(state) => self.link_action(&entry, cast, state)?,
            Verb::Profile => self.profile_action(&entry, cast)?,
            Verb::Process(which, pause) => {
                lasts.get_or_insert(RESTART_AFTER);
                self.process_action(&entry, cast, which, pause)?
            }
            Verb::Coverage => self.coverage_action(&entry, cast)?,
            Verb::FlightMode(on) => {
                let party = self.needed_party(&entry, "handset", &entry.at.handset, cast)?;
                let to = |on| What::FlightMode { party, on };
                (to(on), Some(to(!on)))
            }
            Verb::RemoveCard | Verb::InsertCard => self.card_action(&entry, cast, verb)?,
            Verb::SwapCards => {
                let handset = self.needed_handset(&entry, cast)?;
                let what = What::SwapCards { handset };
                (what.clone(), Some(what))
            }
            Verb::Balance => self.balance_action(&entry, cast)?,
            Verb::Pin | Verb::Retry => self.user_action(&entry, cast, verb)?,
        };
        actions.push(Action { at: start, what });
        if let (Some(lasts), Some(what)) = (lasts, undo) {
            actions.push(Action {
                at: start + lasts,
                what,
            });
        }
        Ok(())
    }

    fn link_action(
        &self,
        entry: &Entry<'_>,
        cast: Cast<'_>,
        state: LinkState,
    ) -> Result<Pair, Located> {
        let (handset, link) = self.link_index(entry, cast)?;
        let to = |state| What::Link {
            handset,
            link,
            state,
        };
        let undo = match state {
            LinkState::Up => LinkState::Down,
            LinkState::Down | LinkState::Stalled | LinkState::Cut => LinkState::Up,
        };
        Ok((to(state), Some(to(undo))))
    }

    fn profile_action(&self, entry: &Entry<'_>, cast: Cast<'_>) -> Result<Pair, Located> {
        let (handset, link) = self.link_index(entry, cast)?;
        let profile = self.needed(entry, "profile", &entry.at.profile, "\"…\"")?;
        let profile = Box::new(self.profile(profile)?);
        let what = What::Profile {
            handset,
            link,
            profile,
        };
        Ok((what, None))
    }

    fn process_action(
        &self,
        entry: &Entry<'_>,
        cast: Cast<'_>,
        which: Which,
        pause: bool,
    ) -> Result<Pair, Located> {
        let process = match which {
            Which::Gateway => Process::Gateway,
            Which::Daemon => Process::Daemon(self.needed_handset(entry, cast)?),
            Which::Agent => Process::Agent(self.needed_handset(entry, cast)?),
        };
        Ok(if pause {
            (What::Pause(process), Some(What::Resume(process)))
        } else {
            (What::Kill(process), Some(What::Start(process)))
        })
    }

    /// Undone, the coverage is that of the start.
    fn coverage_action(&self, entry: &Entry<'_>, cast: Cast<'_>) -> Result<Pair, Located> {
        let party = self.needed_party(entry, "handset", &entry.at.handset, cast)?;
        let slot = self.slot(entry)?.unwrap_or(0);
        let word = self.needed(entry, "coverage", &entry.at.coverage, "\"…\"")?;
        let coverage = self.source.one_of("coverage", word, &COVERAGES)?;
        let before = cast.handsets.get(party);
        let before = before.map_or(crate::mobile::plan::Coverage::G4, |handset| {
            handset.coverage[slot]
        });
        let to = |coverage| What::Coverage {
            party,
            slot,
            coverage,
        };
        Ok((to(coverage), Some(to(before))))
    }

    /// Undone, the card is where it was at the start.
    fn card_action(&self, entry: &Entry<'_>, cast: Cast<'_>, verb: Verb) -> Result<Pair, Located> {
        let (handset, card) = self.card_index(entry, cast)?;
        let to = |slot| What::MoveCard {
            handset,
            card,
            slot,
        };
        let first = cast.handsets[handset].cards[card].plan.slot;
        Ok(match verb {
            Verb::InsertCard => {
                let slot = self.slot(entry)?.or(first).unwrap_or(0);
                (to(Some(slot)), Some(to(None)))
            }
            _ => (to(None), first.map(|slot| to(Some(slot)))),
        })
    }

    /// Undone, the balance is that of the start.
    fn balance_action(&self, entry: &Entry<'_>, cast: Cast<'_>) -> Result<Pair, Located> {
        let (handset, card) = self.card_index(entry, cast)?;
        let micros = self.needed(entry, "balance_micros", &entry.at.balance_micros, "…")?;
        let to = |micros| What::Balance {
            handset,
            card,
            micros,
        };
        let first = cast.handsets[handset].cards[card].plan.balance_micros;
        Ok((to(Some(*micros.get_ref())), Some(to(first))))
    }

    fn user_action(&self, entry: &Entry<'_>, cast: Cast<'_>, verb: Verb) -> Result<Pair, Located> {
        let handset = self.needed_handset(entry, cast)?;
        let peer = self.needed_party(entry, "to", &entry.at.to, cast)?;
        if peer == handset {
            let what = "a handset does not write to itself".to_owned();
            return Err(self.source.at(entry.span.clone(), what));
        }
        if let Verb::Pin = verb {
            let (_, card) = self.card_index(entry, cast)?;
            let what = What::Pin {
                handset,
                peer,
                card,
            };
            return Ok((what, None));
        }
        let channel = match &entry.at.channel {
            Some(word) => self.source.one_of("channel", word, &CHANNELS)?,
            None => Channel::Unspecified,
        };
        let what = What::Retry {
            handset,
            peer,
            channel,
        };
        Ok((what, None))
    }

    /// A key that would change nothing is a mistake of the writer.
    fn reject_unused(&self, at: &At, verb: Verb) -> Result<(), Located> {
        let used: &[&str] = match verb {
            Verb::Link(_) => &["handset", "link", "for_s"],
            Verb::Profile => &["handset", "link", "profile"],
            Verb::Process(Which::Daemon | Which::Agent, _) => &["handset", "for_s"],
            Verb::Process(Which::Gateway, _) => &["for_s"],
            Verb::Coverage => &["handset", "slot", "coverage", "for_s"],
            Verb::FlightMode(_) | Verb::SwapCards => &["handset", "for_s"],
            Verb::RemoveCard => &["handset", "card", "for_s"],
            Verb::InsertCard => &["handset", "card", "slot", "for_s"],
            Verb::Balance => &["handset", "card", "balance_micros", "for_s"],
            Verb::Pin => &["handset", "to", "card"],
            Verb::Retry => &["handset", "to", "channel"],
        };
        let keys = [
            ("handset", at.handset.as_ref().map(Spanned::span)),
            ("link", at.link.as_ref().map(Spanned::span)),
            ("profile", at.profile.as_ref().map(Spanned::span)),
            ("for_s", at.for_s.as_ref().map(Spanned::span)),
            ("slot", at.slot.as_ref().map(Spanned::span)),
            ("coverage", at.coverage.as_ref().map(Spanned::span)),
            ("card", at.card.as_ref().map(Spanned::span)),
            ("to", at.to.as_ref().map(Spanned::span)),
            ("channel", at.channel.as_ref().map(Spanned::span)),
            (
                "balance_micros",
                at.balance_micros.as_ref().map(Spanned::span),
            ),
        ];
        for (key, span) in keys {
            if let (false, Some(span)) = (used.contains(&key), span) {
                let verb = at.r#do.get_ref();
                let what = format!("{key} is not allowed with do = \"{verb}\"");
                return Err(self.source.at(span, what));
            }
        }
        Ok(())
    }

    fn link_index(&self, entry: &Entry<'_>, cast: Cast<'_>) -> Result<(usize, usize), Located> {
        let handset = self.needed_handset(entry, cast)?;
        let ids = cast.handsets[handset].links.iter().map(|link| &*link.id);
        let link = self.own(entry, "link", &entry.at.link, &cast.handsets[handset], ids)?;
        Ok((handset, link))
    }

    fn card_index(&self, entry: &Entry<'_>, cast: Cast<'_>) -> Result<(usize, usize), Located> {
        let handset = self.needed_handset(entry, cast)?;
        let ids = cast.handsets[handset].cards.iter().map(|card| &*card.id);
        let card = self.own(entry, "card", &entry.at.card, &cast.handsets[handset], ids)?;
        Ok((handset, card))
    }

    /// One of what a handset has.
    fn own<'i>(
        &self,
        entry: &Entry<'_>,
        key: &str,
        id: &Option<Spanned<String>>,
        handset: &HandsetPlan,
        ids: impl Iterator<Item = &'i str>,
    ) -> Result<usize, Located> {
        let ids: Vec<_> = ids.collect();
        let all = ids.join(", ");
        let Some(id) = id else {
            let verb = entry.at.r#do.get_ref();
            let what = format!("do = \"{verb}\" needs {key}, one of {all}");
            return Err(self.source.at(entry.span.clone(), what));
        };
        ids.iter()
            .position(|one| one == id.get_ref())
            .ok_or_else(|| {
                let what = format!(
                    "{key} = \"{}\" is not allowed: {} has {all}",
                    id.get_ref(),
                    handset.name
                );
                self.source.at(id.span(), what)
            })
    }

    fn slot(&self, entry: &Entry<'_>) -> Result<Option<usize>, Located> {
        let Some(slot) = &entry.at.slot else {
            return Ok(None);
        };
        let slot = self.source.within("slot", slot, 0, SLOTS as u32 - 1, "")?;
        Ok(Some(slot as usize))
    }

    fn needed_handset(&self, entry: &Entry<'_>, cast: Cast<'_>) -> Result<usize, Located> {
        match &entry.at.handset {
            Some(name) => self.handset_index(name, cast.handsets),
            None => {
                let what = format!(
                    "do = \"{}\" needs handset, one of {}",
                    entry.at.r#do.get_ref(),
                    names(cast.handsets)
                );
                Err(self.source.at(entry.span.clone(), what))
            }
        }
    }

    fn needed_party(
        &self,
        entry: &Entry<'_>,
        key: &str,
        name: &Option<Spanned<String>>,
        cast: Cast<'_>,
    ) -> Result<usize, Located> {
        self.party(self.needed(entry, key, name, "\"…\"")?, cast)
    }

    fn needed<'v, T>(
        &self,
        entry: &Entry<'_>,
        key: &str,
        value: &'v Option<Spanned<T>>,
        sample: &str,
    ) -> Result<&'v Spanned<T>, Located> {
        value.as_ref().ok_or_else(|| {
            let verb = entry.at.r#do.get_ref();
            let what = format!("do = \"{verb}\" needs {key} = {sample}");
            self.source.at(entry.span.clone(), what)
        })
    }
}

/// One `[[at]]`.
struct Entry<'a> {
    at: &'a At,
    span: Range<usize>,
}

#[derive(Debug, Clone, Copy)]
enum Verb {
    Link(LinkState),
    Profile,
    /// Killed, or only paused.
    Process(Which, bool),
    Coverage,
    FlightMode(bool),
    RemoveCard,
    InsertCard,
    SwapCards,
    Balance,
    Pin,
    Retry,
}

#[derive(Debug, Clone, Copy)]
enum Which {
    Daemon,
    Agent,
    Gateway,
}

const VERBS: [(&str, Verb); 19] = [
    ("link_up", Verb::Link(LinkState::Up)),
    ("link_down", Verb::Link(LinkState::Down)),
    ("stall", Verb::Link(LinkState::Stalled)),
    ("cut", Verb::Link(LinkState::Cut)),
    ("profile", Verb::Profile),
    ("kill_daemon", Verb::Process(Which::Daemon, false)),
    ("kill_agent", Verb::Process(Which::Agent, false)),
    ("kill_gateway", Verb::Process(Which::Gateway, false)),
    ("pause_daemon", Verb::Process(Which::Daemon, true)),
    ("pause_gateway", Verb::Process(Which::Gateway, true)),
    ("coverage", Verb::Coverage),
    ("flight_mode", Verb::FlightMode(true)),
    ("flight_mode_off", Verb::FlightMode(false)),
    ("remove_card", Verb::RemoveCard),
    ("insert_card", Verb::InsertCard),
    ("swap_cards", Verb::SwapCards),
    ("balance", Verb::Balance),
    ("pin_card", Verb::Pin),
    ("retry", Verb::Retry),
];

const CHANNELS: [(&str, Channel); 2] = [("ip", Channel::Ip), ("sms", Channel::Sms)];
