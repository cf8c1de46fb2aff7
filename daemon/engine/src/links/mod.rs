//! The table of links, and which one carries the session.
//!
//! Owns what the telephony agent reported and the choice among it. Never opens
//! a connection and never asks for the other SIM's data: that needs a policy of
//! its own, which will live in this folder.
//!
//! The rule, for now: of the links that are up, the greatest [`rank::Rank`];
//! among equals the one that carries the session already.

mod rank;

use std::collections::BTreeMap;

use crate::limits::{MAX_LINK_NAME_BYTES, MAX_LINKS};
use crate::link::{Link, LinkId};
use crate::status::LinkView;
use crate::time::Instant;
use rank::Rank;

#[derive(Debug, Default)]
pub(crate) struct Links {
    table: BTreeMap<LinkId, Entry>,
    chosen: Option<LinkId>,
    reason: &'static str,
}

#[derive(Debug)]
struct Entry {
    link: Link,
    reported: Instant,
}

/// What a report changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LinksEvent {
    /// Another link (or none) should carry the session.
    Chosen(Option<LinkId>),
    /// The same link, but its sockets have to be made anew: it was down, or it
    /// is bound otherwise.
    Renewed(LinkId),
}

impl Links {
    /// Everything there is.
    pub(crate) fn replace(&mut self, links: Vec<Link>, now: Instant) -> Option<LinksEvent> {
        let before = std::mem::take(&mut self.table);
        for link in links {
            self.insert(link, now);
        }
        self.choose(&before)
    }

    /// One link came, changed or went.
    pub(crate) fn report(&mut self, link: Link, now: Instant) -> Option<LinksEvent> {
        let mut before = BTreeMap::new();
        if let Some(old) = self.table.remove(&link.id) {
            before.insert(link.id.clone(), old);
        }
        self.insert(link, now);
        self.choose(&before)
    }

    fn insert(&mut self, link: Link, now: Instant) {
        let fits = link.id.0.len() <= MAX_LINK_NAME_BYTES && !link.id.0.is_empty();
        if link.up && fits && self.table.len() < MAX_LINKS {
            self.table.insert(
                link.id.clone(),
                Entry {
                    link,
                    reported: now,
                },
            );
        }
    }

    fn choose(&mut self, before: &BTreeMap<LinkId, Entry>) -> Option<LinksEvent> {
        let mut ranked: Vec<(Rank, &LinkId)> = self
            .table
            .iter()
            .filter_map(|(id, entry)| {
                Some((Rank::of(&entry.link, self.chosen.as_ref() == Some(id))?, id))
            })
            .collect();
        ranked.sort();
        self.reason = match ranked.as_slice() {
            [] => "no link is up",
            [_] => "it is the only link",
            [.., (second, _), (best, _)] => best.reason_over(second),
        };
        let chosen = ranked.last().map(|(_, id)| (*id).clone());
        if chosen != self.chosen {
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

    /// The one that should carry the session.
    pub(crate) fn chosen(&self) -> Option<&Link> {
        self.get(self.chosen.as_ref()?)
    }

    pub(crate) fn get(&self, id: &LinkId) -> Option<&Link> {
        self.table.get(id).map(|entry| &entry.link)
    }

    pub(crate) fn view(&self, carrier: Option<&LinkId>) -> Vec<LinkView> {
        self.table
            .iter()
            .map(|(id, entry)| LinkView {
                link: entry.link.clone(),
                reported: entry.reported,
                carries_session: carrier == Some(id),
                reason: if self.chosen.as_ref() == Some(id) {
                    self.reason
                } else {
                    "another link ranks higher"
                },
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{Binding, Generation, LinkKind};

    fn link(id: &str, kind: LinkKind, generation: Generation) -> Link {
        Link {
            id: LinkId(id.into()),
            kind,
            up: true,
            validated: true,
            metered: kind != LinkKind::Wifi,
            roaming: false,
            generation,
            network: id.into(),
            binding: Binding::default(),
            signal_dbm: None,
        }
    }

    fn id(name: &str) -> LinkId {
        LinkId(name.into())
    }

    const SIM1: LinkKind = LinkKind::Cellular { sim_slot: 0 };

    #[test]
    fn takes_what_is_up_and_prefers_what_is_better() {
        let mut links = Links::default();
        let at = Instant(0);
        let edge = link("edge", SIM1, Generation::G2_5);
        assert_eq!(
            links.report(edge.clone(), at),
            Some(LinksEvent::Chosen(Some(id("edge"))))
        );
        let mut wifi = link("wifi", LinkKind::Wifi, Generation::Unknown);
        wifi.validated = false;
        // Up but not validated: not better than what works.
        assert_eq!(links.report(wifi.clone(), at), None);
        wifi.validated = true;
        assert_eq!(
            links.report(wifi.clone(), at),
            Some(LinksEvent::Chosen(Some(id("wifi"))))
        );
        wifi.up = false;
        assert_eq!(
            links.report(wifi, at),
            Some(LinksEvent::Chosen(Some(id("edge"))))
        );
        assert_eq!(links.replace(vec![], at), Some(LinksEvent::Chosen(None)));
    }

    #[test]
    fn a_new_address_on_the_same_link_renews_it() {
        let mut links = Links::default();
        let mut lte = link("lte", SIM1, Generation::G4);
        links.report(lte.clone(), Instant(0));
        assert_eq!(links.report(lte.clone(), Instant(1)), None);
        lte.binding.network_handle = Some(7);
        assert_eq!(
            links.report(lte, Instant(2)),
            Some(LinksEvent::Renewed(id("lte")))
        );
    }

    #[test]
    fn the_table_is_bounded() {
        let mut links = Links::default();
        for i in 0..100 {
            links.report(link(&format!("l{i}"), SIM1, Generation::G3), Instant(0));
        }
        assert_eq!(links.view(None).len(), MAX_LINKS);
    }
}
