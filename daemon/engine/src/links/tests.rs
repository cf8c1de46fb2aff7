//! The policy, case by case.

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

fn links() -> Links {
    Links::new(Rules::default())
}

fn id(name: &str) -> LinkId {
    LinkId(name.into())
}

const SIM1: LinkKind = LinkKind::Cellular { sim_slot: 0 };

#[test]
fn takes_what_is_up_and_prefers_what_is_better() {
    let mut links = links();
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
    let mut links = links();
    let mut lte = link("lte", SIM1, Generation::G4);
    let _ = links.report(lte.clone(), Instant(0));
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

    let mut links = links();
    let at = Instant(0);
    assert_eq!(links.report(lte.clone(), at), None);
    assert_eq!(links.view(None)[0].reason, Because::VpnOnly.as_str());
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

    let mut links = Links::new(Rules {
        vpn_lockdown: VpnLockdown::Bypass,
        ..Rules::default()
    });
    assert_eq!(links.report(lte, at), lte_carries);
}

#[test]
fn the_table_is_bounded() {
    let mut links = links();
    for i in 0..100 {
        let _ = links.report(link(&format!("l{i}"), SIM1, Generation::G3), Instant(0));
    }
    assert_eq!(links.view(None).len(), MAX_LINKS);
}
