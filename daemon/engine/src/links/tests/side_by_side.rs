//! What counts of a card only beside the other: how steady it is, what it costs.

use super::*;

/// Both cards as they are, data on the first one, each having lost coverage so often.
fn having_lost(first: SimData, second: SimData, losses: [usize; 2]) -> Links {
    let mut links = Links::new(Rules::default());
    let _ = links.replace_cards([first, second].map(seated).into(), secs(0));
    let _ = links.report(link("sim1", SIM1, first.generation), secs(0));
    for (slot, times) in [(0, losses[0]), (1, losses[1])] {
        loses_coverage(&mut links, slot, times, secs(100));
    }
    links
}

/// Data were moved to the second card for this, and nothing is known of it yet.
fn moved_to_second(links: &mut Links, at: Instant) {
    let _ = links.replace(vec![link("sim2", SIM2, Generation::G4)], at);
    assert_eq!(links.mover.carrier, Some(1));
}

#[test]
fn data_leave_a_card_that_loses_coverage_twice_more_often() {
    for (losses, moves) in [([1, 0], None), ([2, 0], Some(Because::Steadiness))] {
        let mut links = having_lost(card(0), card(1), losses);
        assert_eq!(pass(&mut links, secs(109)), None);
        let request = pass(&mut links, secs(110)).map(|request| request.because);
        assert_eq!(request, moves, "{losses:?}");
    }
    // After half an hour they do not count any more.
    let links = having_lost(card(0), card(1), [0, 2]);
    assert_eq!(
        links.memory.card(1).map(|it| it.losses(secs(1_899))),
        Some(2)
    );
    assert_eq!(
        links.memory.card(1).map(|it| it.losses(secs(1_900))),
        Some(0)
    );
}

#[test]
fn a_faster_card_that_loses_coverage_more_often_is_no_gain() {
    let slow = SimData {
        generation: Generation::G3,
        ..card(0)
    };
    let mut links = having_lost(slow, card(1), [0, 2]);
    assert_eq!(pass(&mut links, secs(1_000)), None);
    let mut links = having_lost(slow, card(1), [0, 1]);
    let request = pass(&mut links, secs(300)).map(|request| request.because);
    assert_eq!(request, Some(Because::Speed));
}

#[test]
fn gprs_is_not_steady_because_it_has_coverage() {
    let gprs = |slot| SimData {
        generation: Generation::G2,
        ..card(slot)
    };
    let edge = |slot| SimData {
        generation: Generation::G2_5,
        ..card(slot)
    };
    let mut links = having_lost(edge(0), gprs(1), [4, 0]);
    assert_eq!(pass(&mut links, secs(1_000)), None);
    let mut links = having_lost(gprs(0), gprs(1), [4, 0]);
    assert!(pass(&mut links, secs(110)).is_some());
}

#[test]
fn data_go_home_from_gprs_as_soon_as_home_is_there_for_ten_seconds() {
    let gprs = SimData {
        generation: Generation::G2,
        ..card(1)
    };
    let mut links = two_cards(Rules::default(), gprs);
    lose_first(&mut links, secs(100));
    assert!(pass(&mut links, secs(101)).is_some());
    moved_to_second(&mut links, secs(105));
    let slow = SimData {
        generation: Generation::G2_5,
        ..card(0)
    };
    report_card(&mut links, slow, secs(200));
    assert_eq!(pass(&mut links, secs(209)), None);
    let home = pass(&mut links, secs(210)).map(|request| request.because);
    assert_eq!(home, Some(Because::UsersChoice));
}

#[test]
fn a_card_that_did_not_answer_is_not_steady_because_it_has_coverage() {
    let mut links = two_cards(Rules::default(), card(1));
    let mut dead = link("sim1", SIM1, Generation::G4);
    dead.validated = false;
    let _ = links.report(dead, secs(100));
    let _ = links.traffic(&id("sim1"), Traffic::Missing, secs(100));
    let request = pass(&mut links, secs(101)).map(|request| request.because);
    assert_eq!(request, Some(Because::Reach));
    moved_to_second(&mut links, secs(105));
    loses_coverage(&mut links, 1, 3, secs(200));
    let request = pass(&mut links, secs(1_000));
    assert_eq!(request, None, "the first may be as dead as it was");
    // It carried for once since.
    let record = links.memory.note_card(0, secs(1_000));
    assert!(record.is_some_and(|record| std::mem::take(&mut record.unanswered)));
    report_card(&mut links, card(0), secs(1_000));
    let request = pass(&mut links, secs(1_010)).map(|request| request.because);
    assert_eq!(request, Some(Because::Steadiness));
}

#[test]
fn an_answer_makes_a_card_as_good_as_its_coverage_again() {
    let mut links = two_cards(Rules::default(), card(1));
    if let Some(record) = links.memory.note_card(0, secs(1)) {
        record.unanswered = true;
    }
    let _ = links.traffic(&id("sim1"), Traffic::Answered(None), secs(2));
    assert_eq!(links.memory.card(0).map(|it| it.unanswered), Some(false));
}

#[test]
fn data_go_abroad_for_lost_coverage_only_after_ten_seconds() {
    let abroad = SimData {
        service: Service::Roaming,
        allowance: Allowance::RoamingToo,
        ..card(1)
    };
    let mut links = two_cards(Rules::default(), abroad);
    lose_first(&mut links, secs(100));
    assert_eq!(pass(&mut links, secs(109)), None);
    let request = pass(&mut links, secs(110)).map(|request| request.because);
    assert_eq!(request, Some(Because::Coverage));
}

#[test]
fn data_go_home_to_a_spent_bundle_when_there_is_nothing_else() {
    let spent = SimData {
        bundle: Bundle::Spent,
        ..card(0)
    };
    let mut links = two_cards(Rules::default(), card(1));
    report_card(&mut links, spent, secs(100));
    assert!(pass(&mut links, secs(160)).is_some(), "it is spent");
    moved_to_second(&mut links, secs(165));
    assert_eq!(pass(&mut links, secs(1_000)), None, "and avoided");
    // The whole phone is without data, and would not be without us.
    let _ = links.replace(vec![], secs(1_000));
    report_card(&mut links, out_of_coverage(1), secs(1_000));
    assert_eq!(pass(&mut links, secs(1_059)), None);
    let home = pass(&mut links, secs(1_060));
    let expected = DataMove {
        slot: 0,
        because: Because::Coverage,
    };
    assert_eq!(home, Some(expected));
    let _ = links.report(link("sim1", SIM1, Generation::G4), secs(1_065));
    // The other is back.
    report_card(&mut links, card(1), secs(1_200));
    assert_eq!(pass(&mut links, secs(1_259)), None);
    let request = pass(&mut links, secs(1_260)).map(|request| request.because);
    assert_eq!(request, Some(Because::Price));
}

#[test]
fn a_bundle_that_nobody_tells_of_costs_no_more_than_another_unless_that_has_data_left() {
    let with = |slot, bundle| SimData {
        bundle,
        generation: if slot == 0 {
            Generation::G3
        } else {
            Generation::G4
        },
        ..card(slot)
    };
    for (first, second, moves) in [
        (Bundle::Unknown, Bundle::Unknown, true),
        (Bundle::Within, Bundle::Within, true),
        // The user's own card is taken for paid.
        (Bundle::Unknown, Bundle::Within, true),
        (Bundle::Within, Bundle::Unknown, false),
    ] {
        let mut links = having_lost(with(0, first), with(1, second), [0, 0]);
        let moved = pass(&mut links, secs(1_000)).map(|request| request.because);
        let expected = moves.then_some(Because::Speed);
        assert_eq!(moved, expected, "{first:?} {second:?}");
    }
    // Moved there because there was nothing else, data go home in a minute.
    let mut links = having_lost(with(0, Bundle::Within), with(1, Bundle::Unknown), [0, 0]);
    lose_first(&mut links, secs(200));
    assert!(pass(&mut links, secs(210)).is_some());
    moved_to_second(&mut links, secs(212));
    report_card(&mut links, with(0, Bundle::Within), secs(300));
    assert_eq!(pass(&mut links, secs(359)), None);
    let home = pass(&mut links, secs(360)).map(|request| request.because);
    assert_eq!(home, Some(Because::Price));
}
