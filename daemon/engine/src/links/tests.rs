//! The policy, case by case.

mod kept;

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
fn data_leave_a_card_without_coverage_after_a_second() {
    let mut links = two_cards(Rules::default(), card(1));
    assert_eq!(pass(&mut links, secs(60)), None);
    lose_first(&mut links, secs(100));
    assert_eq!(links.poll_timeout(), Some(secs(101)));
    let request = DataMove {
        slot: 1,
        because: Because::Coverage,
    };
    assert_eq!(pass(&mut links, secs(101)), Some(request));
    // Asked once; seen there, it is done.
    assert_eq!(pass(&mut links, secs(110)), None);
    let _ = links.report(link("sim2", SIM2, Generation::G4), secs(111));
    // Back in coverage, the first is no better but for the user's choice, which
    // waits for long, and longer because it failed.
    report_card(&mut links, card(0), secs(120));
    assert_eq!(pass(&mut links, secs(120 + 1_799)), None);
    let home = pass(&mut links, secs(120 + 1_800)).map(|request| request.because);
    assert_eq!(home, Some(Because::UsersChoice));
}

#[test]
fn data_leave_a_card_that_never_had_a_link() {
    // The phone was switched on out of its coverage.
    let mut links = Links::new(Rules::default());
    let first = SimData {
        carries_data: true,
        ..out_of_coverage(0)
    };
    let _ = links.replace_cards([first, card(1)].map(seated).into(), secs(0));
    let request = DataMove {
        slot: 1,
        because: Because::Coverage,
    };
    assert_eq!(pass(&mut links, secs(9)), None, "they rest first");
    assert_eq!(pass(&mut links, secs(10)), Some(request));
    // The agent sees them on the other card.
    let second = SimData {
        carries_data: true,
        ..card(1)
    };
    let _ = links.replace_cards([out_of_coverage(0), second].map(seated).into(), secs(12));
    assert_eq!(pass(&mut links, secs(1_000)), None);
    // It is the one to leave now.
    let back = [
        card(0),
        SimData {
            service: Service::None,
            ..second
        },
    ];
    let _ = links.replace_cards(back.map(seated).into(), secs(1_000));
    let request = pass(&mut links, secs(1_001));
    assert_eq!(request.map(|request| request.slot), Some(0));
}

#[test]
fn a_phone_that_wakes_reads_where_data_are_before_it_asks_for_them() {
    let mut links = two_cards(Rules::default(), card(1));
    lose_first(&mut links, secs(100));
    assert_eq!(links.poll_timeout(), Some(secs(101)));
    // It slept. The first report that it reads says nothing new, the second that the
    // system has moved data itself.
    report_card(&mut links, out_of_coverage(0), secs(5_000));
    let _ = links.report(link("sim2", SIM2, Generation::G4), secs(5_000));
    assert_eq!(links.poll_request(secs(5_000)), None);
    assert_eq!(pass(&mut links, secs(9_000)), None);
}

#[test]
fn coverage_that_comes_back_at_once_moves_nothing() {
    let mut links = two_cards(Rules::default(), card(1));
    lose_first(&mut links, Instant(100_000));
    report_card(&mut links, card(0), Instant(100_900));
    let _ = links.report(link("sim1", SIM1, Generation::G4), Instant(100_900));
    assert_eq!(pass(&mut links, secs(1_000)), None);
}

#[test]
fn data_never_go_where_the_user_does_not_want_them() {
    let barred = [
        SimData {
            allowance: Allowance::Off,
            ..card(1)
        },
        SimData {
            allowance: Allowance::Unknown,
            ..card(1)
        },
        SimData {
            service: Service::Roaming,
            ..card(1)
        },
        SimData {
            bundle: Bundle::Spent,
            ..card(1)
        },
        out_of_coverage(1),
    ];
    for second in barred {
        let mut links = two_cards(Rules::default(), second);
        lose_first(&mut links, secs(100));
        assert_eq!(pass(&mut links, secs(10_000)), None, "{second:?}");
    }
    let allowed = [
        SimData {
            service: Service::Roaming,
            allowance: Allowance::RoamingToo,
            ..card(1)
        },
        SimData {
            bundle: Bundle::Spent,
            ..card(1)
        },
    ];
    for second in allowed {
        let rules = Rules {
            spent_bundle: SpentBundle::Allow,
            ..Rules::default()
        };
        let mut links = two_cards(rules, second);
        lose_first(&mut links, secs(100));
        assert!(pass(&mut links, secs(110)).is_some(), "{second:?}");
    }
}

#[test]
fn data_leave_a_card_whose_bundle_is_spent() {
    let mut links = two_cards(Rules::default(), card(1));
    let spent = SimData {
        bundle: Bundle::Spent,
        ..card(0)
    };
    report_card(&mut links, spent, secs(100));
    assert_eq!(pass(&mut links, secs(159)), None);
    let request = pass(&mut links, secs(160)).map(|request| request.because);
    assert_eq!(request, Some(Because::Price));
}

#[test]
fn data_leave_a_card_that_is_silent_whatever_the_system_says() {
    let mut links = two_cards(Rules::default(), card(1));
    let sim1 = id("sim1");
    // The gateway may have gone, and answers the next attempt.
    let _ = links.traffic(&sim1, Traffic::Missing, secs(100));
    assert_eq!(pass(&mut links, secs(110)), None);
    let _ = links.traffic(&sim1, Traffic::Answered(None), secs(111));
    let _ = links.traffic(&sim1, Traffic::Missing, secs(200));
    assert_eq!(pass(&mut links, secs(211)), None);
    // No attempt is answered either.
    let _ = links.traffic(&sim1, Traffic::Missing, secs(212));
    let request = pass(&mut links, secs(213)).map(|request| request.because);
    assert_eq!(request, Some(Because::Reach));
}

#[test]
fn one_missing_answer_is_enough_where_the_system_has_not_validated() {
    let mut links = two_cards(Rules::default(), card(1));
    let mut unproven = link("sim1", SIM1, Generation::G4);
    unproven.validated = false;
    let _ = links.report(unproven, secs(100));
    let _ = links.traffic(&id("sim1"), Traffic::Missing, secs(101));
    assert!(pass(&mut links, secs(102)).is_some());
}

#[test]
fn a_card_that_is_registered_and_has_no_link_is_silent_after_a_while() {
    let mut links = two_cards(Rules::default(), card(1));
    let mut gone = link("sim1", SIM1, Generation::G4);
    gone.validated = false;
    let _ = links.report(gone, secs(100));
    assert_eq!(pass(&mut links, secs(108)), None);
    let request = pass(&mut links, secs(109)).map(|request| request.because);
    assert_eq!(request, Some(Because::Reach));
}

#[test]
fn a_link_that_bounces_does_not_move_data() {
    let mut links = two_cards(Rules::default(), card(1));
    let sim1 = link("sim1", SIM1, Generation::G4);
    for round in 1..4 {
        let at = round * 1_000;
        let _ = links.replace(vec![], secs(at));
        assert_eq!(pass(&mut links, secs(at + 7)), None);
        let _ = links.report(sim1.clone(), secs(at + 7));
        assert_eq!(pass(&mut links, secs(at + 999)), None);
    }
    // It does not come back.
    let _ = links.replace(vec![], secs(5_000));
    assert_eq!(pass(&mut links, secs(5_008)), None);
    let request = pass(&mut links, secs(5_009)).map(|request| request.because);
    assert_eq!(request, Some(Because::Reach));
}

#[test]
fn when_wifi_goes_the_card_has_the_time_to_bring_its_link_up() {
    let mut links = two_cards(Rules::default(), card(1));
    let wifi = link("wifi", LinkKind::Wifi, Generation::Unknown);
    let _ = links.report(wifi.clone(), secs(1));
    // Android takes the mobile link down meanwhile.
    let _ = links.replace(vec![wifi], secs(30));
    assert_eq!(pass(&mut links, secs(3_600)), None);
    let _ = links.replace(vec![], secs(3_600));
    assert_eq!(pass(&mut links, secs(3_603)), None);
    let _ = links.report(link("sim1", SIM1, Generation::G4), secs(3_603));
    assert_eq!(pass(&mut links, secs(4_000)), None);
}

#[test]
fn a_radio_that_nobody_names_is_no_reason_to_move_data() {
    for (first, second) in [
        (Generation::Unknown, Generation::G4),
        (Generation::G2, Generation::Unknown),
    ] {
        let here = SimData {
            generation: first,
            ..card(0)
        };
        let there = SimData {
            generation: second,
            ..card(1)
        };
        let mut links = Links::new(Rules::default());
        let _ = links.replace_cards([here, there].map(seated).into(), secs(0));
        let _ = links.report(link("sim1", SIM1, first), secs(0));
        assert_eq!(pass(&mut links, secs(3_600)), None);
    }
}

#[test]
fn data_stay_while_wifi_carries_the_session() {
    let mut links = two_cards(Rules::default(), card(1));
    let _ = links.report(link("wifi", LinkKind::Wifi, Generation::Unknown), secs(1));
    lose_first(&mut links, secs(100));
    assert_eq!(pass(&mut links, secs(1_000)), None);
    // The Wi-Fi dies: now it matters.
    let _ = links.traffic(&id("wifi"), Traffic::Missing, secs(1_001));
    assert!(pass(&mut links, secs(1_003)).is_some());
}

#[test]
fn a_card_that_refused_is_asked_again_ever_later() {
    let mut links = two_cards(Rules::default(), card(1));
    lose_first(&mut links, secs(100));
    assert!(pass(&mut links, secs(101)).is_some());
    let _ = links.data_sim(1, false, secs(105));
    assert_eq!(pass(&mut links, secs(164)), None);
    assert!(pass(&mut links, secs(167)).is_some());
    // No answer at all counts as a refusal, after 20 s.
    assert_eq!(pass(&mut links, secs(167 + 20 + 119)), None);
    assert!(pass(&mut links, secs(167 + 20 + 130)).is_some());
}

#[test]
fn a_card_is_not_blamed_while_its_data_cannot_be_moved_away() {
    let mut links = two_cards(Rules::default(), card(1));
    lose_first(&mut links, secs(100));
    assert!(pass(&mut links, secs(101)).is_some());
    let strikes = |links: &Links, at| links.memory.card(0).map_or(0, |card| card.strikes(at));
    let _ = links.data_sim(1, false, secs(105));
    assert_eq!(strikes(&links, secs(105)), 0);
    assert!(pass(&mut links, secs(167)).is_some());
    let _ = links.data_sim(1, true, secs(170));
    assert_eq!(strikes(&links, secs(170)), 1);
}

#[test]
fn a_gateway_that_is_down_does_not_chase_data_from_card_to_card() {
    let mut links = two_cards(Rules::default(), card(1));
    let mut moves = 0;
    let mut carrier = 0_u8;
    for second in 100..3_700 {
        let name = if carrier == 0 { "sim1" } else { "sim2" };
        if second % 15 == 0 {
            let _ = links.traffic(&id(name), Traffic::Missing, secs(second));
        }
        if let Some(request) = pass(&mut links, secs(second)) {
            moves += 1;
            carrier = request.slot;
            let (name, kind) = if carrier == 0 {
                ("sim1", SIM1)
            } else {
                ("sim2", SIM2)
            };
            let _ = links.replace(vec![link(name, kind, Generation::G4)], secs(second));
        }
    }
    assert!(moves <= 5, "{moves} moves in an hour");
}

#[test]
fn where_both_cards_flap_data_stay_after_ten_moves() {
    let mut links = two_cards(Rules::default(), card(1));
    let mut carrier = 0_u8;
    let mut moves = 0;
    for round in 0..60_u64 {
        let at = 100 + round * 60;
        let other = 1 - carrier;
        let (name, kind) = [("sim1", SIM1), ("sim2", SIM2)][usize::from(other)];
        let _ = links.replace(vec![], secs(at));
        report_card(&mut links, out_of_coverage(carrier), secs(at));
        if pass(&mut links, secs(at + 25)).is_some() {
            moves += 1;
            let _ = links.report(link(name, kind, Generation::G4), secs(at + 26));
        }
        report_card(&mut links, card(carrier), secs(at + 27));
        if links.mover.carrier == Some(other) {
            carrier = other;
        } else {
            let (name, kind) = [("sim1", SIM1), ("sim2", SIM2)][usize::from(carrier)];
            let _ = links.report(link(name, kind, Generation::G4), secs(at + 27));
        }
    }
    assert_eq!(moves, 10);
}

#[test]
fn without_an_agent_nothing_is_asked() {
    let mut links = two_cards(Rules::default(), card(1));
    lose_first(&mut links, secs(100));
    links.agent_gone();
    assert_eq!(pass(&mut links, secs(1_000)), None);
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
