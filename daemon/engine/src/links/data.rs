//! Which card should carry mobile data: compares them, and asks the mover.

use std::time::Duration;

use super::because::Because;
use super::mover::{Candidate, DataMove};
use super::patience::patience;
use super::rank::{CardRank, Ground, Reach};
use super::sim::Bundle;
use super::standing::Standing;
use super::{Entry, GROUND_LOST_AFTER, Links, SpentBundle};
use crate::link::LinkKind;
use crate::time::Instant;

/// Where the system reaches the internet over a card and we do not reach the gateway, the
/// card is blamed after so long. Longer than most outages of a gateway; a dead link the
/// system notices by itself (data stall detection), and an operator that lets through
/// nothing but the system's probe is rare.
const GATEWAY_AWAY_AT_MOST: Duration = Duration::from_secs(15 * 60);

impl Links {
    pub(super) fn move_data(&mut self, now: Instant) {
        self.nominated = None;
        if let Some(at) = self.mover.check(now, &mut self.memory) {
            self.wake_at(at);
        }
        self.note_linkless(now);
        let Some(carrier) = self.mover.carrier else {
            return;
        };
        let Some(here) = self.standing(carrier, now) else {
            return;
        };
        let others: Vec<u8> = self
            .cards
            .keys()
            .copied()
            .filter(|slot| *slot != carrier && self.may_move_to(*slot, &here, now))
            .collect();
        let better = |(there, other, ..): &(CardRank, CardRank, Standing, u8)| there > other;
        let best = others
            .into_iter()
            .filter_map(|slot| {
                let standing = self.standing(slot, now)?;
                let (there, other) = standing.beside(&here);
                Some((there, other, standing, slot))
            })
            .filter(better)
            .max_by_key(|(there, _, _, slot)| (*there, *slot));
        let Some((there, other, standing, slot)) = best else {
            self.mover.nothing_better();
            return;
        };
        let because = there.because(&other);
        let already_there = self.link_of(slot).is_some();
        let idle = because == Because::UsersChoice || !self.session_is_elsewhere(now);
        if self.mover.is_moving() || already_there || there.ground != Ground::Working || !idle {
            return;
        }
        let record = self.memory.card(slot).cloned().unwrap_or_default();
        let avoided = !self.may_spend(standing.bundle);
        let candidate = Candidate {
            slot,
            because,
            patience: patience(now, because, &there, &other, avoided, &record),
            both_flap: standing.both_flap(&here),
        };
        let due = self.mover.better(now, candidate, &self.memory);
        if now < due {
            self.wake_at(due);
        } else {
            self.nominated = Some(DataMove { slot, because });
        }
    }

    /// Since when the card that carries data should have a link, and has none.
    fn note_linkless(&mut self, now: Instant) {
        let registered = |slot: &u8| {
            let card = self.cards.get(slot);
            card.is_some_and(|card| card.registered.is_some())
        };
        let awaited = !self.mover.is_moving() && !self.session_is_elsewhere(now);
        let slot = self
            .mover
            .carrier
            .filter(|slot| awaited && registered(slot) && self.link_of(*slot).is_none());
        self.linkless = slot.map(|slot| match self.linkless {
            Some((of, since)) if of == slot => (slot, since),
            _ => (slot, now),
        });
    }

    fn link_of(&self, slot: u8) -> Option<&Entry> {
        let kind = LinkKind::Cellular { sim_slot: slot };
        self.table.values().find(|entry| entry.link.kind == kind)
    }

    /// Whether a link other than mobile data carries the session well.
    fn session_is_elsewhere(&self, now: Instant) -> bool {
        self.chosen
            .as_ref()
            .and_then(|id| self.table.get(id))
            .is_some_and(|entry| {
                !matches!(entry.link.kind, LinkKind::Cellular { .. })
                    && self.reach(&entry.link, now) == Reach::Reached
            })
    }

    /// Data of a card whose bundle is spent are not moved to; but the user's own card they
    /// may go home to, where they would be without us, rather than leave the whole phone
    /// without any.
    fn may_move_to(&self, slot: u8, here: &Standing, now: Instant) -> bool {
        self.cards.get(&slot).is_some_and(|card| {
            let bundle = self.memory.bundle(slot, card.data.bundle, now);
            let stranded = here.rank.ground != Ground::Working;
            card.data.is_allowed()
                && (self.may_spend(bundle) || (stranded && card.data.default_data))
        })
    }

    fn may_spend(&self, bundle: Bundle) -> bool {
        bundle != Bundle::Spent || self.rules.spent_bundle == SpentBundle::Allow
    }

    fn standing(&mut self, slot: u8, now: Instant) -> Option<Standing> {
        let card = self.cards.get(&slot)?;
        let (mut data, registered) = (card.data, card.registered);
        data.bundle = self.memory.bundle(slot, data.bundle, now);
        let record = self.memory.card(slot).cloned().unwrap_or_default();
        let health = self.memory.health_of_slot(slot);
        let standing = |ground| Standing {
            rank: CardRank::of(&data, ground, health.grade(now)),
            bundle: data.bundle,
            losses: record.losses(now),
            unanswered: record.unanswered,
        };
        if registered.is_none() || !data.is_allowed() {
            return Some(standing(Ground::None));
        }
        let carries = self.mover.carrier == Some(slot) && !self.mover.is_moving();
        let lost_since = match self.link_of(slot) {
            _ if !carries || health.answered => None,
            Some(entry) => entry.unvalidated,
            None => self.linkless.map(|(_, since)| since),
        };
        let lost_at = lost_since.map(|since| since + GROUND_LOST_AFTER);
        let refused_until = record.refused_until;
        // Where the system reaches the internet it is the gateway that is away, most likely.
        let trusted = self.link_of(slot).is_some_and(|on| on.link.validated);
        let given_up = health.unanswered.map(|since| since + GATEWAY_AWAY_AT_MOST);
        let mut look_again = [health.silent_until, given_up, lost_at, refused_until];
        let ground = if (health.is_silent(now)
            && (!trusted || given_up.is_some_and(|at| now >= at)))
            || lost_at.is_some_and(|at| now >= at)
            || refused_until.is_some_and(|until| now < until)
        {
            Ground::Silent
        } else {
            Ground::Working
        };
        let standing = standing(ground);
        look_again.sort();
        for at in look_again.into_iter().flatten().filter(|at| *at > now) {
            self.wake_at(at);
        }
        Some(standing)
    }
}
