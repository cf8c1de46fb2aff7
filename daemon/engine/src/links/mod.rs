//! The table of links, and which one carries the session.
//!
//! Owns what the telephony agent reported and the choice among it. Never opens
//! a connection and never asks for the other SIM's data: that needs a policy of
//! its own, which will live in this folder.
//!
//! The rule, for now: of the links that are up, the greatest [`rank::Rank`];
//! among equals the one that carries the session already. A link that the
//! user's VPN lockdown bars does not count, unless the configuration says so.

mod rank;

use std::collections::BTreeMap;

use crate::config::VpnLockdown;
use crate::limits::{MAX_LINK_NAME_BYTES, MAX_LINKS};
use crate::link::{Link, LinkId, Vpn};
use crate::status::LinkView;
use crate::time::Instant;
use rank::Rank;

#[derive(Debug)]
pub(crate) struct Links {
    vpn_lockdown: VpnLockdown,
    table: BTreeMap<LinkId, Entry>,
    chosen: Option<LinkId>,
    reason: &'static str,
}

const NO_LINK: &str = "no link is up";
const BARRED: &str = "the user blocks connections without VPN";

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
    pub(crate) fn new(vpn_lockdown: VpnLockdown) -> Self {
        Self {
            vpn_lockdown,
            table: BTreeMap::new(),
            chosen: None,
            reason: NO_LINK,
        }
    }

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
            .filter(|(_, entry)| !self.bars(&entry.link))
            .filter_map(|(id, entry)| {
                Some((Rank::of(&entry.link, self.chosen.as_ref() == Some(id))?, id))
            })
            .collect();
        ranked.sort();
        self.reason = match ranked.as_slice() {
            [] if self.table.is_empty() => NO_LINK,
            [] => BARRED,
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

    /// Whether the user's VPN lockdown keeps the session off this link.
    fn bars(&self, link: &Link) -> bool {
        link.vpn == Vpn::LockedOut && self.vpn_lockdown == VpnLockdown::Respect
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
                } else if self.bars(&entry.link) {
                    BARRED
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
            vpn: Vpn::None,
        }
    }

    fn id(name: &str) -> LinkId {
        LinkId(name.into())
    }

    const SIM1: LinkKind = LinkKind::Cellular { sim_slot: 0 };

    #[test]
    fn takes_what_is_up_and_prefers_what_is_better() {
        let mut links = Links::new(VpnLockdown::Respect);
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
        let mut links = Links::new(VpnLockdown::Respect);
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
    fn vpn_lockdown_bars_all_links_but_the_vpn() {
        let mut lte = link("lte", SIM1, Generation::G4);
        lte.vpn = Vpn::LockedOut;
        let mut vpn = link("vpn", SIM1, Generation::Unknown);
        vpn.vpn = Vpn::Tunnel;

        let mut links = Links::new(VpnLockdown::Respect);
        let at = Instant(0);
        assert_eq!(links.report(lte.clone(), at), None);
        assert_eq!(links.view(None)[0].reason, BARRED);
        let chosen = links.report(vpn.clone(), at);
        assert_eq!(chosen, Some(LinksEvent::Chosen(Some(id("vpn")))));
        // The VPN goes: rather no session than one outside of it.
        vpn.up = false;
        let chosen = links.report(vpn, at);
        assert_eq!(chosen, Some(LinksEvent::Chosen(None)));
        // The user changes the switch.
        let mut free = lte.clone();
        free.vpn = Vpn::None;
        let lte_carries = Some(LinksEvent::Chosen(Some(id("lte"))));
        assert_eq!(links.report(free, at), lte_carries);
        let chosen = links.report(lte.clone(), at);
        assert_eq!(chosen, Some(LinksEvent::Chosen(None)));

        let mut links = Links::new(VpnLockdown::Bypass);
        assert_eq!(links.report(lte, at), lte_carries);
    }

    #[test]
    fn the_table_is_bounded() {
        let mut links = Links::new(VpnLockdown::Respect);
        for i in 0..100 {
            links.report(link(&format!("l{i}"), SIM1, Generation::G3), Instant(0));
        }
        assert_eq!(links.view(None).len(), MAX_LINKS);
    }
}
