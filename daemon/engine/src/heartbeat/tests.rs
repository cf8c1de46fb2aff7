use super::*;
use crate::memo::Unreadable;

const NETWORK: Network = Network {
    id: NetworkId(7),
    class: Class::Lte,
};
const UDP: TransportKind = TransportKind::Quic;
const TCP: TransportKind = TransportKind::Tls;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn interval(table: &Heartbeats, transport: TransportKind) -> u64 {
    table.plan(NETWORK, transport, None).interval.as_secs()
}

/// One heartbeat through a NAT with this limit.
fn beat(table: &mut Heartbeats, transport: TransportKind, limit: u64) -> Plan {
    let plan = table.plan(NETWORK, transport, None);
    if plan.interval < s(limit) {
        table.survived(NETWORK, transport, plan.interval);
    } else {
        table.not_survived(NETWORK, transport, plan.interval);
    }
    plan
}

fn learn(table: &mut Heartbeats, transport: TransportKind, limit: u64) {
    for _ in 0..40 {
        beat(table, transport, limit);
    }
}

#[test]
fn finds_the_limit_and_stays_below_it() {
    for (limit, held) in [
        (120, 110),
        (150, 135),
        (180, 170),
        (300, 285),
        (600, 570),
        (900, 855),
        (1200, 1140),
        (1710, 1700),
        (7440, 1700),
    ] {
        let mut table = Heartbeats::default();
        let mut failures = 0;
        for _ in 0..20 {
            failures += u32::from(beat(&mut table, UDP, limit).interval >= s(limit));
        }
        let plan = table.plan(NETWORK, UDP, None);
        assert_eq!((plan.interval, plan.phase), (s(held), Phase::Holding));
        assert!(failures <= 1, "{failures} failures below {limit} s");
    }
}

#[test]
fn one_failure_falls_back_to_what_was_survived() {
    let mut table = Heartbeats::default();
    learn(&mut table, UDP, 600);
    // 660 s failed.
    assert_eq!(interval(&table, UDP), 570);
    // Now 570 fails, too: the limit is another.
    table.not_survived(NETWORK, UDP, s(571));
    assert_eq!(interval(&table, UDP), 110);
    learn(&mut table, UDP, 300);
    assert_eq!(interval(&table, UDP), 285);
}

#[test]
fn a_short_idle_time_has_to_fail_twice_where_longer_ones_were_survived() {
    let mut table = Heartbeats::default();
    learn(&mut table, TCP, 7440);
    table.not_survived(NETWORK, TCP, s(31));
    assert_eq!(interval(&table, TCP), 1700);
    table.survived(NETWORK, TCP, s(40));
    table.not_survived(NETWORK, TCP, s(140));
    assert_eq!(interval(&table, TCP), 1700);
    table.not_survived(NETWORK, TCP, s(140));
    assert_eq!(interval(&table, TCP), 110);
}

#[test]
fn after_a_day_of_polling_by_udp_tcp_is_tried_again() {
    let mut table = Heartbeats::default();
    learn(&mut table, UDP, 60);
    learn(&mut table, TCP, 60);
    let tcp =
        |table: &Heartbeats| table.cheaper(NETWORK, &[UDP, TCP]).map(|(kind, _)| kind) == Some(TCP);
    let polls = (0..2000).take_while(|_| {
        beat(&mut table, UDP, 60);
        !tcp(&table)
    });
    let hours = polls.count() * 120 / 3600;
    assert!((22..=24).contains(&hours), "after {hours} hours");
}

#[test]
fn what_was_survived_before_is_tried_sooner() {
    let mut table = Heartbeats::default();
    learn(&mut table, UDP, 900);
    for _ in 0..3 {
        beat(&mut table, UDP, 120);
    }
    assert_eq!(interval(&table, UDP), 110);
    let mut time = Duration::ZERO;
    while interval(&table, UDP) == 110 {
        time += beat(&mut table, UDP, 120).interval;
    }
    assert_eq!(time.as_secs() / 3600, 4);
    learn(&mut table, UDP, 900);
    assert_eq!(interval(&table, UDP), 855);
}

#[test]
fn a_limit_that_grew_is_found_after_a_day_and_another_two() {
    let mut table = Heartbeats::default();
    learn(&mut table, UDP, 300);
    let mut tried = Vec::new();
    let mut time = Duration::ZERO;
    while time < s(4 * 86_400) {
        let plan = beat(&mut table, UDP, 300);
        time += plan.interval;
        if plan.phase == Phase::Climbing {
            tried.push(time.as_secs() / 3600);
        }
    }
    assert_eq!(tried.len(), 2, "tried again at hours {tried:?}");
    let mut beats = 0;
    while interval(&table, UDP) <= 330 && beats < 10 * 300 {
        beat(&mut table, UDP, 1800);
        beats += 1;
    }
    learn(&mut table, UDP, 1800);
    assert_eq!(interval(&table, UDP), 1700);
}

#[test]
fn traffic_teaches_as_well() {
    let mut table = Heartbeats::default();
    table.survived(NETWORK, TCP, s(600));
    assert_eq!(interval(&table, TCP), 660);
    // A frame after little silence says nothing.
    table.survived(NETWORK, TCP, s(3));
    table.not_survived(NETWORK, TCP, s(3));
    assert_eq!(interval(&table, TCP), 660);
}

#[test]
fn below_the_floor_it_polls_until_one_poll_survives() {
    let mut table = Heartbeats::default();
    learn(&mut table, UDP, 60);
    let plan = table.plan(NETWORK, UDP, None);
    assert_eq!((plan.interval, plan.phase), (s(120), Phase::Polling));
    learn(&mut table, UDP, 300);
    assert_eq!(interval(&table, UDP), 285);
    // On Wi-Fi a heartbeat costs less.
    let wifi = Network {
        class: Class::Local,
        ..NETWORK
    };
    let mut table = Heartbeats::default();
    table.not_survived(wifi, UDP, s(110));
    table.not_survived(wifi, UDP, s(85));
    let plan = table.plan(wifi, UDP, None);
    assert_eq!((plan.interval, plan.phase), (s(55), Phase::Climbing));
}

#[test]
fn tcp_is_used_where_udp_is_forgotten_early() {
    let transports = [UDP, TCP];
    let mut table = Heartbeats::default();
    let cheaper = |table: &Heartbeats| table.cheaper(NETWORK, &transports).map(|(kind, _)| kind);
    assert_eq!(cheaper(&table), None);
    learn(&mut table, UDP, 180);
    assert_eq!(cheaper(&table), Some(TCP));
    // It begins where UDP holds.
    assert_eq!(interval(&table, TCP), 170);
    learn(&mut table, TCP, 7440);
    assert_eq!(cheaper(&table), Some(TCP));

    let mut table = Heartbeats::default();
    learn(&mut table, UDP, 180);
    learn(&mut table, TCP, 180);
    assert_eq!(cheaper(&table), Some(UDP));
    assert_eq!(table.cheaper(NETWORK, &[UDP]), None);

    let mut table = Heartbeats::default();
    learn(&mut table, UDP, 1800);
    assert_eq!(cheaper(&table), None);
}

#[test]
fn the_gateways_own_limit_is_a_ceiling() {
    let mut table = Heartbeats::default();
    learn(&mut table, UDP, 7200);
    let plan = table.plan(NETWORK, UDP, Some(s(600)));
    assert_eq!(plan.interval, s(570));
    assert_eq!(plan.early, s(57));
}

#[test]
fn what_was_learned_survives_a_restart() {
    let mut table = Heartbeats::default();
    learn(&mut table, UDP, 60);
    learn(&mut table, TCP, 600);
    let bytes = table.take_unsaved(false).unwrap();
    assert_eq!(bytes.len(), 1 + 2 * 19);
    assert_eq!(table.take_unsaved(true), None);
    let again = Heartbeats::read(&bytes).unwrap();
    for transport in [UDP, TCP] {
        let plan = |table: &Heartbeats| table.plan(NETWORK, transport, None);
        assert_eq!(plan(&again), plan(&table));
    }
    // Holding teaches nothing that is worth a write of its own.
    let mut again = again;
    beat(&mut again, TCP, 600);
    assert_eq!(again.take_unsaved(false), None);
    assert!(again.take_unsaved(true).is_some());
    assert_eq!(again.take_unsaved(true), None);
}

#[test]
fn a_phone_that_is_switched_off_every_night_finds_a_limit_that_has_grown() {
    let mut table = Heartbeats::default();
    learn(&mut table, UDP, 300);
    assert_eq!(interval(&table, UDP), 285);
    for _ in 0..2 {
        // Sixteen hours of a day, with a message at the end of it.
        for _ in 0..16 * 3600 / 285 {
            table.survived(NETWORK, UDP, s(285));
        }
        let bytes = table.take_unsaved(true).unwrap();
        table = Heartbeats::read(&bytes).unwrap();
    }
    learn(&mut table, UDP, 7440);
    assert_eq!(interval(&table, UDP), 1700);
}

#[test]
fn bytes_that_are_no_table_are_told_apart() {
    let mut table = Heartbeats::default();
    learn(&mut table, TCP, 600);
    let good = table.take_unsaved(false).unwrap();
    let broken = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        Heartbeats::read(&bytes).map(drop)
    };
    assert!(Heartbeats::read(&[]).is_ok());
    assert_eq!(broken(0, 9), Err(Unreadable::Version));
    assert_eq!(broken(9, 2), Err(Unreadable::Value));
    assert_eq!(broken(10, 1), Err(Unreadable::Value));
    assert_eq!(
        Heartbeats::read(&good[..good.len() - 1]).map(drop),
        Err(Unreadable::Length)
    );
    let many = [vec![2], vec![0; 19 * (MAX_HEARTBEAT_RECORDS + 1)]].concat();
    assert_eq!(Heartbeats::read(&many).map(drop), Err(Unreadable::Length));
}

#[test]
fn the_table_is_bounded_and_forgets_what_was_used_longest_ago() {
    let mut table = Heartbeats::default();
    let network = |no| Network {
        id: NetworkId(no),
        ..NETWORK
    };
    for no in 0..=MAX_HEARTBEAT_RECORDS as u64 {
        table.survived(network(no), UDP, s(300));
        table.survived(network(0), UDP, s(300));
    }
    let interval = |no| table.plan(network(no), UDP, None).interval;
    assert_eq!((interval(0), interval(1)), (s(330), s(110)));
}

#[test]
fn a_card_keeps_what_it_learned_in_the_other_slot() {
    let id = |network, iccid| NetworkId::new(network, iccid);
    assert_eq!(id("63902", Some("8925")), id("63902", Some("8925")));
    assert_ne!(id("63902", Some("8925")), id("63902", Some("8926")));
    assert_ne!(id("63902", Some("8925")), id("64110", Some("8925")));
    assert_ne!(id("home", None), id("63902", None));
}
