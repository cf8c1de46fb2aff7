//! What survives a restart of the daemon, a reboot, and moving a card.

use super::*;
use crate::limits::{MAX_REMEMBERED_CARDS, MAX_REMEMBERED_NETWORKS};
use crate::memo::Unreadable;
use crate::time::BootId;

const BOOT: BootId = BootId(7);

fn keep(links: &mut Links, now: Instant) -> Vec<u8> {
    links
        .take_unsaved(BOOT, now, true)
        .expect("something to keep")
}

/// What the daemon knows after a restart, in this boot, that told of the same cards.
fn restarted(bytes: &[u8], boot: BootId, now: Instant) -> Links {
    Links::read(Rules::default(), bytes, boot, now).unwrap()
}

/// Of one card, whatever its slot.
fn record_of(links: &Links, card: &str) -> memory::Record {
    links.memory.cards[&CardId::new(card)].clone()
}

#[test]
fn a_dead_wifi_is_not_tried_anew_by_a_restarted_daemon() {
    let wifi = link("wifi", LinkKind::Wifi, Generation::Unknown);
    let lte = link("lte", SIM1, Generation::G4);
    let mut links = links();
    let both = vec![wifi.clone(), lte.clone()];
    let _ = links.replace(both.clone(), secs(0));
    let _ = links.traffic(&wifi.id, Traffic::Missing, secs(10));
    let bytes = keep(&mut links, secs(10));
    let mut links = restarted(&bytes, BOOT, secs(30));
    let _ = links.replace(both.clone(), secs(30));
    assert_eq!(links.chosen().map(|link| &link.id), Some(&lte.id));
    // The next try is due when it was, and coming back takes its patience.
    let _ = links.timeout(secs(70));
    assert_eq!(links.because(), Because::Patience);
    let _ = links.timeout(secs(75));
    assert_eq!(links.chosen().map(|link| &link.id), Some(&wifi.id));
    // In another connection to the same network it may be mended, strikes or not.
    let mut links = restarted(&bytes, BOOT, secs(30));
    let mut other = wifi.clone();
    other.binding.network_handle = Some(8);
    let _ = links.replace(vec![other, lte], secs(30));
    assert_eq!(links.chosen().map(|link| &link.id), Some(&wifi.id));
    let _ = links.traffic(&wifi.id, Traffic::Missing, secs(40));
    let health = links.memory.health(&wifi);
    assert_eq!(health.silent_until, Some(secs(40 + 120)));
}

#[test]
fn a_reboot_shortens_nothing() {
    let wifi = link("wifi", LinkKind::Wifi, Generation::Unknown);
    let mut links = links();
    let _ = links.report(wifi.clone(), secs(5_000));
    let _ = links.traffic(&wifi.id, Traffic::Missing, secs(5_000));
    let bytes = keep(&mut links, secs(5_010));
    let links = restarted(&bytes, BootId(8), secs(20));
    let health = links.memory.health(&wifi);
    assert_eq!(health.silent_until, Some(secs(20 + 50)));
}

#[test]
fn a_card_keeps_its_record_in_the_other_slot_and_over_a_restart() {
    let mut links = two_cards(Rules::default(), card(1));
    lose_first(&mut links, secs(100));
    assert!(pass(&mut links, secs(101)).is_some());
    let _ = links.data_sim(1, false, secs(105));
    if let Some(record) = links.memory.note_card(1, secs(105)) {
        record.unanswered = true;
    }
    let before = record_of(&links, "1");
    assert_eq!(before.refused_until, Some(secs(165)));
    let bytes = keep(&mut links, secs(110));
    let mut links = restarted(&bytes, BOOT, secs(115));
    assert_eq!(record_of(&links, "1"), before);
    assert_eq!(record_of(&links, "0").losses, [secs(100)]);
    // The cards change their slots: the one that refused is in the first now, and the
    // other, which carries data, is out of coverage.
    let moved = [
        (CardId::new("1"), SimData { slot: 0, ..card(0) }),
        (
            CardId::new("0"),
            SimData {
                carries_data: true,
                ..out_of_coverage(1)
            },
        ),
    ];
    let _ = links.replace_cards(moved.into(), secs(115));
    assert_eq!(pass(&mut links, secs(164)), None);
    let request = pass(&mut links, secs(170));
    assert_eq!(request.map(|request| request.slot), Some(0));
}

#[test]
fn a_move_that_an_earlier_run_asked_for_can_still_fail() {
    let mut links = two_cards(Rules::default(), card(1));
    lose_first(&mut links, secs(100));
    assert!(pass(&mut links, secs(101)).is_some());
    let bytes = keep(&mut links, secs(101));
    let mut links = restarted(&bytes, BOOT, secs(103));
    let first = SimData {
        carries_data: true,
        ..out_of_coverage(0)
    };
    let _ = links.replace_cards([first, card(1)].map(seated).into(), secs(103));
    let _ = links.data_sim(1, false, secs(104));
    assert_eq!(pass(&mut links, secs(163)), None);
    assert!(pass(&mut links, secs(164)).is_some());
}

#[test]
fn fifteen_moves_in_an_hour_are_fifteen_also_with_restarts_between() {
    let mut links = links();
    for at in 0..15 {
        links.mover.history.push_back(secs(at * 200));
    }
    links.memory.unsaved = true;
    let bytes = keep(&mut links, secs(3_000));
    let mut links = restarted(&bytes, BOOT, secs(3_010));
    let _ = links.replace_cards([card(0), card(1)].map(seated).into(), secs(3_010));
    let _ = links.report(link("sim1", SIM1, Generation::G4), secs(3_010));
    lose_first(&mut links, secs(3_100));
    assert_eq!(pass(&mut links, secs(3_129)), None);
    assert!(pass(&mut links, secs(3_130)).is_some());
}

#[test]
fn a_bundle_stays_spent_while_the_agent_does_not_know() {
    let with = |bundle| SimData { bundle, ..card(1) };
    let mut links = two_cards(Rules::default(), with(Bundle::Spent));
    let bytes = keep(&mut links, secs(1));
    let mut links = restarted(&bytes, BootId(8), secs(60));
    let first = SimData {
        carries_data: true,
        ..out_of_coverage(0)
    };
    let told = |bundle| [first, with(bundle)].map(seated).into();
    let _ = links.replace_cards(told(Bundle::Unknown), secs(60));
    assert_eq!(pass(&mut links, secs(3_000)), None);
    // The user paid again.
    let _ = links.replace_cards(told(Bundle::Within), secs(3_000));
    assert!(pass(&mut links, secs(3_010)).is_some());
    // Nobody tells for an hour: then it is not known.
    let mut links = restarted(&bytes, BootId(8), secs(60));
    let _ = links.replace_cards(told(Bundle::Unknown), secs(3_700));
    assert!(pass(&mut links, secs(3_720)).is_some());
}

#[test]
fn nothing_is_written_for_an_answer_and_little_where_none_comes() {
    let wifi = link("wifi", LinkKind::Wifi, Generation::Unknown);
    let mut links = links();
    let _ = links.report(wifi.clone(), secs(0));
    let answer = Traffic::Answered(Some(Duration::from_millis(90)));
    for at in 0..100 {
        let _ = links.traffic(&wifi.id, answer, secs(at));
        assert_eq!(links.take_unsaved(BOOT, secs(at), true), None);
    }
    let mut written = 0;
    for at in 100..400 {
        let _ = links.traffic(&wifi.id, Traffic::Missing, secs(at));
        written += u32::from(links.take_unsaved(BOOT, secs(at), false).is_some());
    }
    assert_eq!(written, 5);
    let _ = links.traffic(&wifi.id, Traffic::Missing, secs(400));
    let riding = links.take_unsaved(BOOT, secs(401), true);
    assert!(riding.is_some(), "with what is written anyway, at once");
}

#[test]
fn the_longest_memory_is_two_kilobytes_and_comes_back_as_it_was() {
    let mut links = links();
    for at in 0..100_u64 {
        let name = format!("w{at}");
        let wifi = link(&name, LinkKind::Wifi, Generation::Unknown);
        let _ = links.replace(vec![wifi.clone()], secs(at));
        let _ = links.traffic(&wifi.id, Traffic::Missing, secs(at));
        let here = (CardId::new(&name), card(0));
        let _ = links.replace_cards(vec![here], secs(at));
        for _ in 0..20 {
            links.memory.lost_coverage(0, secs(at));
        }
        links.mover.history.push_back(secs(at));
        links.mover.history.truncate(mover::TIRED_AFTER);
    }
    assert_eq!(links.memory.networks.len(), MAX_REMEMBERED_NETWORKS);
    assert_eq!(links.memory.cards.len(), MAX_REMEMBERED_CARDS);
    let bytes = keep(&mut links, secs(100));
    assert!(bytes.len() <= 2_048, "{} bytes", bytes.len());
    let again = restarted(&bytes, BOOT, secs(100));
    for known in links.memory.networks.values_mut() {
        // An outage counts anew in each run.
        known.health.unanswered = None;
    }
    assert_eq!(again.memory.networks, links.memory.networks);
    assert_eq!(again.memory.cards, links.memory.cards);
    assert_eq!(again.mover.history, links.mover.history);
    for cut in 1..bytes.len() {
        let read = Links::read(Rules::default(), &bytes[..cut], BOOT, secs(100));
        assert_eq!(read.map(drop), Err(Unreadable::Length), "cut at {cut}");
    }
}
