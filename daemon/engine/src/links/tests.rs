//! The policy, case by case.

mod cards;
mod kept;
mod side_by_side;

use super::*;
use crate::limits::MAX_REMEMBERED_NETWORKS;
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
fn a_link_abroad_is_not_free_because_it_is_unmetered() {
    let mut links = links();
    let mut abroad = link("abroad", SIM1, Generation::G5);
    (abroad.metered, abroad.roaming) = (false, true);
    let mut hotspot = link("hotspot", LinkKind::Wifi, Generation::Unknown);
    hotspot.metered = true;
    let _ = links.replace(vec![abroad, hotspot], Instant(0));
    assert_eq!(links.chosen().map(|link| &link.id), Some(&id("hotspot")));
    assert_eq!(links.because(), Because::Price);
}

#[test]
fn a_metered_hotspot_is_better_than_any_mobile_radio() {
    let mut links = links();
    let _ = links.report(link("nr", SIM1, Generation::G5), Instant(0));
    let mut hotspot = link("hotspot", LinkKind::Wifi, Generation::Unknown);
    hotspot.metered = true;
    let chosen = links.report(hotspot, Instant(0));
    assert_eq!(chosen, Some(LinksEvent::Chosen(Some(id("hotspot")))));
    assert_eq!(links.because(), Because::Speed);
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

const SIM2: LinkKind = LinkKind::Cellular { sim_slot: 1 };

fn card(slot: u8) -> SimData {
    SimData {
        slot,
        service: Service::Home,
        generation: Generation::G4,
        signal_level: Some(3),
        allowance: Allowance::AtHome,
        bundle: Bundle::Unknown,
        default_data: slot == 0,
        carries_data: false,
    }
}

fn out_of_coverage(slot: u8) -> SimData {
    SimData {
        service: Service::None,
        ..card(slot)
    }
}

/// With the card that is in this slot at first.
fn seated(card: SimData) -> (CardId, SimData) {
    (CardId::new(&card.slot.to_string()), card)
}

/// The agent tells of all cards, as before, and of this one.
fn report_card(links: &mut Links, card: SimData, now: Instant) {
    let others = links
        .cards
        .values()
        .filter(|old| old.data.slot != card.slot);
    let mut cards: Vec<_> = others.map(|old| (old.id, old.data)).collect();
    cards.push(seated(card));
    let _ = links.replace_cards(cards, now);
}

/// Two cards on LTE, data on the first.
fn two_cards(rules: Rules, second: SimData) -> Links {
    let mut links = Links::new(rules);
    let _ = links.replace_cards([card(0), second].map(seated).into(), Instant(0));
    let _ = links.report(link("sim1", SIM1, Generation::G4), Instant(0));
    links
}

/// Lets the deadlines of this time pass.
fn pass(links: &mut Links, until: Instant) -> Option<DataMove> {
    while let Some(at) = links.poll_timeout().filter(|at| *at <= until) {
        let _ = links.timeout(at);
        if let Some(request) = links.poll_request(at) {
            return Some(request);
        }
    }
    None
}

/// The first card goes out of coverage, with its link.
fn lose_first(links: &mut Links, at: Instant) {
    let mut gone = link("sim1", SIM1, Generation::G4);
    gone.up = false;
    report_card(links, out_of_coverage(0), at);
    let _ = links.report(gone, at);
}

/// The card in this slot loses coverage so often, for a moment.
fn loses_coverage(links: &mut Links, slot: u8, times: usize, at: Instant) {
    let data = links.cards[&slot].data;
    for _ in 0..times {
        let out = SimData {
            service: Service::None,
            ..data
        };
        report_card(links, out, at);
        report_card(links, data, at);
    }
}

const fn secs(seconds: u64) -> Instant {
    Instant(seconds * 1000)
}

#[test]
fn a_wifi_that_is_up_but_dead_is_left_and_tried_again_ever_later() {
    let mut links = links();
    let wifi = id("wifi");
    let _ = links.report(link("lte", SIM1, Generation::G4), secs(0));
    let _ = links.report(link("wifi", LinkKind::Wifi, Generation::Unknown), secs(0));
    assert_eq!(links.chosen().map(|link| &link.id), Some(&wifi));
    let left = links.traffic(&wifi, Traffic::Missing, secs(10));
    assert_eq!(left, Some(LinksEvent::Chosen(Some(id("lte")))));
    assert_eq!(links.because(), Because::Reach);
    // The next try is due after a minute; coming back takes five seconds more.
    assert_eq!(links.poll_timeout(), Some(secs(70)));
    assert_eq!(links.timeout(secs(70)), None);
    assert_eq!(links.because(), Because::Patience);
    let back = Some(LinksEvent::Chosen(Some(wifi.clone())));
    assert_eq!(links.timeout(secs(75)), back);
    // Still dead: two minutes, and ten seconds.
    assert!(links.traffic(&wifi, Traffic::Missing, secs(80)).is_some());
    assert_eq!(links.timeout(secs(200)), None);
    assert_eq!(links.timeout(secs(210)), back);
    // It answers.
    assert_eq!(
        links.traffic(&wifi, Traffic::Answered(None), secs(211)),
        None
    );
    assert_eq!(links.chosen().map(|link| &link.id), Some(&wifi));
}

#[test]
fn a_wifi_that_comes_and_goes_is_returned_to_ever_later() {
    let mut links = links();
    let mut wifi = link("wifi", LinkKind::Wifi, Generation::Unknown);
    let _ = links.report(link("lte", SIM1, Generation::G4), secs(0));
    let at_once = links.report(wifi.clone(), secs(0));
    assert_eq!(at_once, Some(LinksEvent::Chosen(Some(id("wifi")))));
    for (at, patience) in [(100, 5), (200, 10), (300, 20)] {
        wifi.up = false;
        let left = links.report(wifi.clone(), secs(at));
        assert_eq!(left, Some(LinksEvent::Chosen(Some(id("lte")))));
        wifi.up = true;
        assert_eq!(links.report(wifi.clone(), secs(at + 1)), None);
        assert_eq!(links.because(), Because::Patience);
        assert_eq!(links.poll_timeout(), Some(secs(at + 1 + patience)));
        let back = links.timeout(secs(at + 1 + patience));
        assert_eq!(back, Some(LinksEvent::Chosen(Some(id("wifi")))));
    }
}

#[test]
fn a_dead_wifi_whose_validation_flaps_is_believed_once() {
    let mut links = links();
    let mut wifi = link("wifi", LinkKind::Wifi, Generation::Unknown);
    let _ = links.report(link("lte", SIM1, Generation::G4), secs(0));
    let _ = links.report(wifi.clone(), secs(0));
    let mut flaps = |links: &mut Links, at| {
        wifi.validated = false;
        let _ = links.report(wifi.clone(), secs(at));
        wifi.validated = true;
        let _ = links.report(wifi.clone(), secs(at));
        // The patience with a return.
        while let Some(due) = links.poll_timeout().filter(|due| *due <= secs(at + 20)) {
            let _ = links.timeout(due);
        }
        links.chosen().map(|link| link.id.clone())
    };
    let _ = links.traffic(&id("wifi"), Traffic::Missing, secs(10));
    assert_eq!(flaps(&mut links, 20), Some(id("wifi")));
    let _ = links.traffic(&id("wifi"), Traffic::Missing, secs(50));
    assert_eq!(flaps(&mut links, 60), Some(id("lte")));
    assert_eq!(flaps(&mut links, 90), Some(id("lte")));
    // It answers after two minutes: as if nothing had been.
    assert_eq!(flaps(&mut links, 180), Some(id("wifi")));
    let _ = links.traffic(&id("wifi"), Traffic::Answered(None), secs(210));
    let _ = links.traffic(&id("wifi"), Traffic::Missing, secs(300));
    assert_eq!(flaps(&mut links, 310), Some(id("wifi")));
}

#[test]
fn our_own_answers_count_as_reach_where_the_system_has_not_validated() {
    let mut links = links();
    let mut wifi = link("wifi", LinkKind::Wifi, Generation::Unknown);
    wifi.validated = false;
    let _ = links.report(wifi, secs(0));
    assert_eq!(
        links.traffic(&id("wifi"), Traffic::Answered(None), secs(1)),
        None
    );
    assert_eq!(
        links.report(link("lte", SIM1, Generation::G4), secs(2)),
        None
    );
    assert_eq!(links.because(), Because::Price);
}

#[test]
fn a_price_that_flips_carries_the_session_to_and_fro_ever_more_slowly() {
    let mut links = links();
    let mut lte = link("lte", SIM1, Generation::G4);
    let mut hotspot = link("hotspot", LinkKind::Wifi, Generation::Unknown);
    hotspot.metered = true;
    let _ = links.replace(vec![lte.clone(), hotspot], secs(0));
    let mut changes = 0;
    for second in 1..600 {
        // Every three seconds the card's data are free, or count again.
        lte.metered = second % 6 < 3;
        changes += usize::from(links.report(lte.clone(), secs(second)).is_some());
        if links.poll_timeout().is_some_and(|at| at <= secs(second)) {
            changes += usize::from(links.timeout(secs(second)).is_some());
        }
    }
    assert_eq!(changes, 1, "at once, and not back while it flips");
    // It stays: back to the hotspot after the patience.
    lte.metered = true;
    let _ = links.report(lte, secs(600));
    while let Some(at) = links.poll_timeout() {
        let _ = links.timeout(at);
    }
    let chosen = links.chosen().map(|link| &link.id);
    assert_eq!(chosen, Some(&id("hotspot")));
}

#[test]
fn each_link_is_told_why_it_was_chosen_or_in_which_class_it_lost() {
    let mut links = links();
    let reason = |links: &Links, name: &str| {
        let view = links.view(None);
        let of = |it: &&LinkView| it.link.id == id(name);
        view.iter().find(of).map(|it| it.reason)
    };
    let told = |links: &Links, name: &str, why: &'static str| {
        assert_eq!(reason(links, name), Some(why), "{name}");
    };
    let lte = link("lte", SIM1, Generation::G4);
    let _ = links.report(lte.clone(), secs(0));
    told(&links, "lte", Because::OnlyLink.as_str());
    let wifi = link("wifi", LinkKind::Wifi, Generation::Unknown);
    let _ = links.report(wifi.clone(), secs(1));
    told(&links, "wifi", "its data cost less");
    told(&links, "lte", "its data cost more");
    let _ = links.traffic(&wifi.id, Traffic::Missing, secs(2));
    told(&links, "lte", "it reaches the internet");
    told(&links, "wifi", "the internet was not reached over it");
    // Its next try is due, and coming back takes patience.
    let _ = links.timeout(secs(62));
    told(
        &links,
        "lte",
        "what is better has not been so for long enough",
    );
    told(
        &links,
        "wifi",
        "it is better, but has not been so for long enough",
    );
    let edge = link("edge", SIM2, Generation::G2_5);
    let _ = links.replace(vec![lte.clone(), edge], secs(70));
    told(&links, "edge", "it is of a slower generation");
    let _ = links.replace(
        vec![lte.clone(), link("two", SIM2, lte.generation)],
        secs(71),
    );
    told(
        &links,
        "two",
        "it is no better than the one that was chosen",
    );
}

#[test]
fn cards_and_networks_are_bounded() {
    let mut links = links();
    let cards = (0..50).map(card).map(seated).collect();
    let _ = links.replace_cards(cards, secs(0));
    assert_eq!(links.cards.len(), MAX_DATA_CARDS);
    for at in 0..100 {
        let name = format!("w{at}");
        let _ = links.replace(
            vec![link(&name, LinkKind::Wifi, Generation::Unknown)],
            secs(at),
        );
        let _ = links.traffic(&id(&name), Traffic::Missing, secs(at));
    }
    assert_eq!(links.memory.networks.len(), MAX_REMEMBERED_NETWORKS);
}
