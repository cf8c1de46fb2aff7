//! Which card carries data, case by case.

use super::*;

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
fn a_bundle_that_flips_moves_nothing() {
    let mut links = two_cards(Rules::default(), card(1));
    let spent = SimData {
        bundle: Bundle::Spent,
        ..card(0)
    };
    let within = SimData {
        bundle: Bundle::Within,
        ..card(0)
    };
    for round in 0..20 {
        let at = 100 + round * 60;
        report_card(&mut links, spent, secs(at));
        assert_eq!(pass(&mut links, secs(at + 50)), None);
        report_card(&mut links, within, secs(at + 50));
        assert_eq!(pass(&mut links, secs(at + 59)), None);
    }
}

#[test]
fn data_leave_a_foreign_network_in_ten_seconds_however_often_the_other_card_failed() {
    let mut links = two_cards(Rules::default(), card(1));
    let abroad = SimData {
        service: Service::Roaming,
        allowance: Allowance::RoamingToo,
        ..card(0)
    };
    if let Some(record) = links.memory.note_card(1, secs(0)) {
        (record.strikes, record.left) = (3, Some(secs(0)));
    }
    report_card(&mut links, abroad, secs(100));
    assert_eq!(pass(&mut links, secs(109)), None);
    let request = pass(&mut links, secs(110)).map(|request| request.because);
    assert_eq!(request, Some(Because::Price));
}

#[test]
fn a_gateway_that_is_away_for_ten_minutes_moves_no_data() {
    let mut links = two_cards(Rules::default(), card(1));
    let sim1 = id("sim1");
    // Nor do four outages within an hour make a card unreliable.
    for outage in [100, 900, 1_700, 2_500] {
        for second in (0..600).step_by(20) {
            let _ = links.traffic(&sim1, Traffic::Missing, secs(outage + second));
            assert_eq!(pass(&mut links, secs(outage + second + 19)), None);
        }
        for second in 600..620 {
            let _ = links.traffic(&sim1, Traffic::Answered(None), secs(outage + second));
        }
        assert_eq!(pass(&mut links, secs(outage + 790)), None);
    }
}

#[test]
fn the_system_is_asked_to_look_at_a_link_that_does_not_answer_and_believed() {
    let mut links = two_cards(Rules::default(), card(1));
    let sim1 = id("sim1");
    let _ = links.traffic(&sim1, Traffic::Answered(None), secs(90));
    assert_eq!(links.poll_doubted(), None);
    let _ = links.traffic(&sim1, Traffic::Missing, secs(100));
    assert_eq!(links.poll_doubted(), Some(sim1.clone()));
    assert_eq!(links.poll_doubted(), None, "once");
    for second in (105..400).step_by(15) {
        let _ = links.traffic(&sim1, Traffic::Missing, secs(second));
        assert_eq!(links.poll_doubted(), None, "at {second}: not again so soon");
    }
    let _ = links.traffic(&sim1, Traffic::Missing, secs(400));
    assert_eq!(links.poll_doubted(), Some(sim1));
    // It finds that the link is dead.
    let mut dead = link("sim1", SIM1, Generation::G4);
    dead.validated = false;
    let _ = links.report(dead.clone(), secs(410));
    assert_eq!(pass(&mut links, secs(411)).map(|it| it.slot), Some(1));
    // One that the system does not validate needs no look.
    let _ = links.traffic(&dead.id, Traffic::Missing, secs(900));
    assert_eq!(links.poll_doubted(), None);
}

#[test]
fn data_leave_a_card_that_is_silent_for_a_quarter_of_an_hour_whatever_the_system_says() {
    let mut links = two_cards(Rules::default(), card(1));
    for second in (0..900).step_by(30) {
        let _ = links.traffic(&id("sim1"), Traffic::Missing, secs(100 + second));
        assert_eq!(pass(&mut links, secs(100 + second + 29)), None);
    }
    let request = pass(&mut links, secs(1_001)).map(|request| request.because);
    assert_eq!(request, Some(Because::Reach));
}

#[test]
fn what_was_not_answered_before_the_session_went_elsewhere_does_not_count() {
    let mut links = two_cards(Rules::default(), card(1));
    let _ = links.traffic(&id("sim1"), Traffic::Missing, secs(100));
    let wifi = link("wifi", LinkKind::Wifi, Generation::Unknown);
    let _ = links.report(wifi.clone(), secs(110));
    let _ = links.traffic(&wifi.id, Traffic::Answered(None), secs(111));
    // Half an hour later the gateway is away, for Wi-Fi and card.
    let _ = links.traffic(&wifi.id, Traffic::Missing, secs(1_900));
    let _ = links.traffic(&id("sim1"), Traffic::Missing, secs(1_910));
    assert_eq!(pass(&mut links, secs(1_960)), None);
}

#[test]
fn an_answer_now_and_then_does_not_make_a_card_reliable() {
    let mut links = two_cards(Rules::default(), card(1));
    let sim1 = id("sim1");
    for second in [100, 140, 180] {
        let _ = links.traffic(&sim1, Traffic::Missing, secs(second));
        let _ = links.traffic(&sim1, Traffic::Missing, secs(second + 10));
        let _ = links.traffic(&sim1, Traffic::Answered(None), secs(second + 20));
    }
    let request = pass(&mut links, secs(211)).map(|request| request.because);
    assert_eq!(request, Some(Because::Health));
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
fn a_card_that_refused_is_asked_when_the_cause_may_be_over() {
    let barred = SimData {
        allowance: Allowance::Off,
        ..card(1)
    };
    let faster = SimData {
        generation: Generation::G5,
        ..card(1)
    };
    for (change, asked) in [(out_of_coverage(1), true), (barred, true), (faster, false)] {
        let mut links = two_cards(Rules::default(), card(1));
        lose_first(&mut links, secs(100));
        assert!(pass(&mut links, secs(101)).is_some());
        let _ = links.data_sim(1, false, secs(105));
        report_card(&mut links, change, secs(110));
        assert_eq!(pass(&mut links, secs(119)), None);
        report_card(&mut links, card(1), secs(120));
        assert_eq!(pass(&mut links, secs(122)).is_some(), asked, "{change:?}");
        if asked {
            // Still not: it is left alone for longer than the first time.
            let _ = links.data_sim(1, false, secs(125));
            assert_eq!(pass(&mut links, secs(125 + 119)), None);
        }
    }
}

#[test]
fn a_card_whose_link_comes_up_and_goes_at_every_try_is_asked_ever_later() {
    let mut links = two_cards(Rules::default(), card(1));
    let first = link("sim1", SIM1, Generation::G4);
    let mut second = link("sim2", SIM2, Generation::G4);
    lose_first(&mut links, secs(100));
    let mut at = 101;
    for wait in [60, 120, 240] {
        assert!(pass(&mut links, secs(at)).is_some(), "at {at}");
        // It is there for a moment; then the system takes data back.
        second.up = true;
        let _ = links.report(second.clone(), secs(at + 2));
        second.up = false;
        let _ = links.report(second.clone(), secs(at + 4));
        let _ = links.report(first.clone(), secs(at + 5));
        let _ = links.data_sim(1, false, secs(at + 5));
        lose_first(&mut links, secs(at + 6));
        at += 5 + wait;
        assert_eq!(pass(&mut links, secs(at - 1)), None);
    }
    // It carries for once: what it did before is forgotten.
    assert!(pass(&mut links, secs(at)).is_some());
    second.up = true;
    let _ = links.report(second.clone(), secs(at + 2));
    let _ = links.traffic(&second.id, Traffic::Answered(None), secs(at + 3));
    assert_eq!(links.memory.card(1).map(|card| card.failures), Some(0));
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
fn where_both_cards_flap_moving_takes_half_a_minute() {
    for (losses, patience) in [(5, 1), (6, 30)] {
        let mut links = two_cards(Rules::default(), card(1));
        loses_coverage(&mut links, 0, losses - 1, secs(100));
        loses_coverage(&mut links, 1, losses, secs(100));
        lose_first(&mut links, secs(200));
        assert_eq!(pass(&mut links, secs(200 + patience - 1)), None);
        assert!(pass(&mut links, secs(200 + patience)).is_some());
    }
}

#[test]
fn without_an_agent_nothing_is_asked() {
    let mut links = two_cards(Rules::default(), card(1));
    lose_first(&mut links, secs(100));
    links.agent_gone();
    assert_eq!(pass(&mut links, secs(1_000)), None);
}
