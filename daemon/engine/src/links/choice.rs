//! Which link carries the session: the greatest rank, and the patience with returns.

use std::collections::BTreeMap;
use std::time::Duration;

use super::because::Because;
use super::memory::Known;
use super::rank::{Rank, Reach};
use super::sim::Bundle;
use super::{Entry, Links, LinksEvent};
use crate::config::VpnLockdown;
use crate::link::{Link, LinkId, LinkKind, Vpn};
use crate::time::Instant;

/// Patience for the first return to a link, doubled for each further one.
const RETURN_PATIENCE: Duration = Duration::from_secs(5);
/// Coming back to a link within this time is a return.
const RETURN_WINDOW: Duration = Duration::from_secs(10 * 60);
/// Doublings of it, at most.
const MAX_RETURN_DOUBLINGS: u32 = 6;

impl Links {
    pub(super) fn choose(
        &mut self,
        before: &BTreeMap<LinkId, Entry>,
        now: Instant,
    ) -> Option<LinksEvent> {
        let mut ranked: Vec<(Rank, LinkId)> = self
            .table
            .iter()
            .filter(|(_, entry)| !self.bars(&entry.link))
            .map(|(id, entry)| (self.rank(id, &entry.link, now), id.clone()))
            .collect();
        ranked.sort();
        if ranked.len() > 1 {
            // A silent link's next try.
            let tries = self
                .table
                .values()
                .filter_map(|entry| self.memory.health(&entry.link).silent_until)
                .filter(|until| *until > now)
                .min();
            if let Some(at) = tries {
                self.wake_at(at);
            }
        }
        let (chosen, because) = match ranked.as_slice() {
            [] if self.table.is_empty() => (None, Because::NoLink),
            [] => (None, Because::VpnOnly),
            [(_, only)] => (Some(only.clone()), Because::OnlyLink),
            [.., (second, _), (best, id)] => (Some(id.clone()), best.because(second)),
        };
        let (chosen, because) = match (chosen, ranked.last()) {
            (Some(id), Some((best, _))) => self.with_patience(&ranked, id, *best, because, now),
            (chosen, _) => (chosen, because),
        };
        self.because = because;
        self.tell_each(&ranked, chosen.as_ref());
        if chosen != self.chosen {
            self.leave(before, now);
            self.chosen.clone_from(&chosen);
            return Some(LinksEvent::Chosen(chosen));
        }
        let id = chosen?;
        let same = match (before.get(&id), self.table.get(&id)) {
            (Some(old), Some(new)) => old.link.binding == new.link.binding,
            // Not touched by this report.
            (None, _) => true,
            (Some(_), None) => false,
        };
        (!same).then_some(LinksEvent::Renewed(id))
    }

    /// Notes of each link why it was chosen, or in which class it lost.
    fn tell_each(&mut self, ranked: &[(Rank, LinkId)], chosen: Option<&LinkId>) {
        let winner = ranked.iter().find(|(_, id)| Some(id) == chosen);
        for (id, entry) in &mut self.table {
            let rank = ranked.iter().find(|(_, other)| other == id);
            entry.because = match (winner, rank) {
                (Some((_, winner)), _) if winner == id => self.because,
                (Some((winner, _)), Some((rank, _))) if winner < rank => Because::Patience,
                (Some((winner, _)), Some((rank, _))) => winner.because(rank),
                _ => Because::VpnOnly,
            };
        }
    }

    /// Keeps the present link while a return to a better one has to wait.
    fn with_patience(
        &mut self,
        ranked: &[(Rank, LinkId)],
        id: LinkId,
        best: Rank,
        because: Because,
        now: Instant,
    ) -> (Option<LinkId>, Because) {
        let present = ranked
            .iter()
            .find(|(_, id)| self.chosen.as_ref() == Some(id));
        let waits = match present {
            Some((rank, present)) if *present != id && rank.reach == best.reach => {
                self.return_patience(&id, now)
            }
            _ => Duration::ZERO,
        };
        if waits.is_zero() {
            self.gain_since = None;
            return (Some(id), because);
        }
        let since = match &self.gain_since {
            Some((of, since)) if *of == id => *since,
            _ => now,
        };
        if now >= since + waits {
            self.gain_since = None;
            return (Some(id), because);
        }
        self.wake_at(since + waits);
        self.gain_since = Some((id, since));
        (self.chosen.clone(), Because::Patience)
    }

    fn return_patience(&self, id: &LinkId, now: Instant) -> Duration {
        let known = self
            .table
            .get(id)
            .and_then(|entry| self.memory.of(&entry.link));
        match known {
            Some(Known {
                left: Some(left),
                returns,
                ..
            }) if now.since(*left) < RETURN_WINDOW => {
                RETURN_PATIENCE * (1 << (*returns).min(MAX_RETURN_DOUBLINGS))
            }
            _ => Duration::ZERO,
        }
    }

    /// The present link is left: coming back to it takes patience for a while.
    fn leave(&mut self, before: &BTreeMap<LinkId, Entry>, now: Instant) {
        let Some(id) = &self.chosen else {
            return;
        };
        let went = !self.table.contains_key(id);
        let Some(entry) = self.table.get(id).or_else(|| before.get(id)) else {
            return;
        };
        self.memory.no_longer_tried(&entry.link);
        let dead = !went && self.reach(&entry.link, now) != Reach::Reached;
        let known = self.memory.note(&entry.link, now);
        if went {
            known.bound = 0;
        }
        let again = known
            .left
            .is_some_and(|left| now.since(left) < RETURN_WINDOW);
        known.returns = if again { known.returns + 1 } else { 0 };
        known.left = Some(now);
        // Links go and get better all day: that is not worth being written for by itself.
        self.memory.unsaved |= dead;
    }

    pub(super) fn reach(&self, link: &Link, now: Instant) -> Reach {
        let health = self.memory.health(link);
        if health.is_silent(now) {
            Reach::Silent
        } else if link.validated || health.answered {
            Reach::Reached
        } else {
            Reach::Unproven
        }
    }

    fn rank(&self, id: &LinkId, link: &Link, now: Instant) -> Rank {
        let bundle = match link.kind {
            LinkKind::Cellular { sim_slot } => self.cards.get(&sim_slot),
            LinkKind::Wifi | LinkKind::Ethernet => None,
        }
        .map_or(Bundle::Unknown, |card| {
            self.memory.bundle(card.data.slot, card.data.bundle, now)
        });
        Rank::of(
            link,
            self.reach(link, now),
            self.memory.health(link).grade(now),
            bundle,
            self.chosen.as_ref() == Some(id),
        )
    }

    /// Whether the user's VPN lockdown keeps the session off this link.
    pub(super) fn bars(&self, link: &Link) -> bool {
        link.vpn == Vpn::LockedOut && self.rules.vpn_lockdown == VpnLockdown::Respect
    }
}
