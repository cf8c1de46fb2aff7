//! Each dial does what it says: turned on alone, with what it needs, it makes the world
//! another, and what it is there for is counted. One that does nothing is a finding.

use std::collections::BTreeSet;

use twine_sim::coverage::{Coverage, Group, LISTED};
use twine_sim::faults::Faults;
use twine_sim::setup::Setup;
use twine_sim::world::story::Line;

use Group::{Decision, Disposition, Fault, Goodbye, Outcome, Reason, Receipt, Shown, Up};

/// A dial, a value, the dials it needs, and what is counted more often with it than
/// without. `None`: it shapes the world, and only that the world is another is seen.
type Case = (
    &'static str,
    u64,
    &'static [(&'static str, u64)],
    Option<(Group, &'static str)>,
);

const FLAPS: &[(&str, u64)] = &[("link_flap_ms", 15_000), ("link_down_max_ms", 40_000)];
const KILLS: &[(&str, u64)] = &[("kill_ms", 20_000)];
const RESTORES: &[(&str, u64)] = &[("gateway_restore_ms", 60_000), ("restore_is_told", 1)];
const COPIES: &[(&str, u64)] = &[("put_back_ms", 40_000)];
const QUIET: &[(&str, u64)] = &[("send_every_ms", 120_000)];
const QUIET_TCP: &[(&str, u64)] = &[("send_every_ms", 120_000), ("udp_blocked_one_in", 1)];
const TWO_SIMS: &[(&str, u64)] = &[("move_data_ms", 10_000)];
const ASKED: &[(&str, u64)] = &[
    ("sms", 1),
    ("second_card_one_in", 1),
    ("move_data_ms", 10_000),
    ("data_policy", 2),
    ("link_flap_ms", 15_000),
    ("link_down_max_ms", 60_000),
    ("radio_ms", 8_000),
];
/// What is sent to or from second cards goes by SMS: they have no IP.
const SMS: &[(&str, u64)] = &[("sms", 1), ("second_card_one_in", 1)];
const NATIONAL: &[(&str, u64)] = &[
    ("sms", 1),
    ("second_card_one_in", 1),
    ("national_one_in", 1),
];
const SMS_FLAPS: &[(&str, u64)] = &[
    ("sms", 1),
    ("second_card_one_in", 1),
    ("link_flap_ms", 15_000),
    ("link_down_max_ms", 40_000),
];

/// Copies that are uncertain, and so marked.
const UNCERTAIN: &[(&str, u64)] = &[("sms", 1), ("patience_percent", 5), ("stall_ms", 10_000)];

const CASES: &[Case] = &[
    ("handsets", 5, &[], None),
    ("send_every_ms", 500, &[], None),
    ("validity_one_in", 2, FLAPS, Some((Shown, "validity_over"))),
    ("cancel_one_in", 2, FLAPS, Some((Shown, "cancelled"))),
    ("read_one_in", 2, &[], Some((Receipt, "read"))),
    (
        "retry_one_in",
        1,
        &[("stranger_one_in", 2)],
        Some((Outcome, "retried")),
    ),
    (
        "link_flap_ms",
        10_000,
        &[("link_down_max_ms", 5_000)],
        Some((Fault, "link down")),
    ),
    (
        "link_down_max_ms",
        60_000,
        &[("link_flap_ms", 10_000)],
        None,
    ),
    ("udp_blocked_one_in", 1, &[], Some((Fault, "udp eaten"))),
    ("reset_ms", 10_000, &[], Some((Fault, "reset"))),
    ("kill_ms", 10_000, &[], Some((Fault, "daemon killed"))),
    (
        "crash_at_output_one_in",
        50,
        &[],
        Some((Fault, "crash at an output")),
    ),
    ("reboot_one_in", 1, KILLS, Some((Fault, "reboot"))),
    (
        "gateway_kill_ms",
        20_000,
        &[],
        Some((Fault, "gateway killed")),
    ),
    (
        "gateway_commit_one_in",
        20,
        &[],
        Some((Fault, "gateway commit lost")),
    ),
    (
        "gateway_restore_ms",
        60_000,
        &[("restore_is_told", 1)],
        Some((Fault, "gateway restored")),
    ),
    ("suspend_ms", 20_000, &[], Some((Fault, "suspend"))),
    ("slow_store_ms", 5_000, &[], None),
    ("app_death_ms", 20_000, &[], Some((Fault, "app death"))),
    ("slow_links", 1, FLAPS, None),
    ("loss_one_in", 5, &[], Some((Fault, "frame lost"))),
    (
        "stranger_one_in",
        2,
        &[],
        Some((Disposition, "unknown recipient")),
    ),
    (
        "mailbox_entries",
        1,
        FLAPS,
        Some((Disposition, "mailbox full")),
    ),
    ("content_bytes", 400, &[], Some((Disposition, "too large"))),
    ("mail_ttl_s", 5, FLAPS, Some((Disposition, "expired"))),
    ("connections_tenths", 5, &[], Some((Goodbye, "overloaded"))),
    ("drain_ms", 20_000, &[], Some((Fault, "gateway drained"))),
    (
        "gateway_slow_ms",
        2_000,
        &[],
        Some((Fault, "gateway turn of several")),
    ),
    ("nat_udp_ms", 20_000, QUIET, Some((Fault, "nat forgot"))),
    ("nat_tcp_ms", 20_000, QUIET_TCP, Some((Fault, "nat forgot"))),
    ("captive_ms", 15_000, &[], Some((Fault, "captive portal"))),
    ("flight_ms", 30_000, &[], Some((Fault, "flight"))),
    ("clock_jump_ms", 10_000, &[], Some((Fault, "clock jump"))),
    ("replace_ms", 60_000, &[], Some((Fault, "phone replaced"))),
    ("put_back_ms", 40_000, &[], Some((Fault, "phone put back"))),
    ("poison_one_in", 4, &[], Some((Fault, "poison"))),
    ("chatter_one_in", 1, &[], Some((Up, "Typing"))),
    ("clumsy_ms", 3_000, &[], Some((Fault, "clumsy request"))),
    ("disk_full_one_in", 20, &[], Some((Fault, "disk full"))),
    (
        "restore_is_told",
        1,
        &[("gateway_restore_ms", 60_000)],
        None,
    ),
    ("move_data_ms", 10_000, &[], Some((Fault, "data moved"))),
    ("salvage_one_in", 1, COPIES, Some((Fault, "store salvaged"))),
    (
        "redirect",
        1,
        &[("drain_ms", 20_000)],
        Some((Fault, "gateway redirected")),
    ),
    ("radio_ms", 10_000, &[], Some((Fault, "radio"))),
    ("stretch", 20, FLAPS, None),
    ("bursts_one_in", 10, &[], Some((Fault, "burst"))),
    ("repeat_one_in", 2, &[], Some((Fault, "request repeated"))),
    ("app_slow_ms", 10_000, &[], None),
    ("stall_ms", 15_000, &[], Some((Fault, "stall"))),
    (
        "queue_ms",
        200,
        &[("sms", 1), ("long_text_one_in", 1), ("bursts_one_in", 20)],
        Some((Fault, "queue overflow")),
    ),
    ("lossy_links_one_in", 2, &[("loss_one_in", 5)], None),
    (
        "nat_links_one_in",
        2,
        &[("send_every_ms", 120_000), ("nat_udp_ms", 20_000)],
        None,
    ),
    ("hotspot_one_in", 1, &[], None),
    ("sync_failed_one_in", 20, &[], Some((Fault, "sync failed"))),
    ("backup_age_ms", 480_000, RESTORES, None),
    ("copy_age_ms", 480_000, COPIES, None),
    ("copy_again_one_in", 1, COPIES, None),
    ("twin_ms", 30_000, &[], Some((Fault, "phone has a twin"))),
    ("data_policy", 2, ASKED, Some((Decision, "move data"))),
    (
        "data_refused_one_in",
        1,
        ASKED,
        Some((Fault, "data request refused")),
    ),
    (
        "data_unanswered_one_in",
        1,
        ASKED,
        Some((Fault, "data request unanswered")),
    ),
    ("bundle_ms", 10_000, TWO_SIMS, Some((Fault, "bundle"))),
    (
        "sms",
        1,
        &[("second_card_one_in", 1)],
        Some((Decision, "by sms")),
    ),
    (
        "second_card_one_in",
        1,
        &[("sms", 1)],
        Some((Decision, "by sms")),
    ),
    ("second_on_ip_one_in", 1, SMS, None),
    ("patience_percent", 5, SMS_FLAPS, None),
    (
        "wish_one_in",
        2,
        SMS,
        Some((Reason, "the user wished for SMS")),
    ),
    (
        "long_text_one_in",
        2,
        SMS,
        Some((Reason, "it takes more parts than are sent unasked")),
    ),
    (
        "answer_one_in",
        1,
        &[
            ("sms", 1),
            ("second_card_one_in", 1),
            ("long_text_one_in", 2),
        ],
        Some((Outcome, "retried")),
    ),
    ("settings_ms", 10_000, SMS, Some((Fault, "settings"))),
    ("sms_lost_one_in", 3, SMS, Some((Fault, "part lost"))),
    ("sms_twice_one_in", 2, SMS, Some((Fault, "part twice"))),
    (
        "sms_twice_later_one_in",
        2,
        SMS,
        Some((Fault, "part twice, with two SCTS")),
    ),
    ("sms_delay_max_ms", 100_000, SMS, None),
    ("sms_radio_max_ms", 20_000, SMS, None),
    ("no_report_one_in", 2, SMS, Some((Fault, "report missing"))),
    (
        "trimmed_one_in",
        1,
        UNCERTAIN,
        Some((Fault, "part trimmed")),
    ),
    (
        "no_break_one_in",
        1,
        UNCERTAIN,
        Some((Fault, "part with no-break spaces")),
    ),
    (
        "advert_one_in",
        2,
        SMS,
        Some((Fault, "part with an advert")),
    ),
    ("part_refused_one_in", 2, SMS, Some((Fault, "part refused"))),
    ("no_result_one_in", 2, SMS, Some((Fault, "result missing"))),
    ("agent_death_ms", 10_000, SMS, Some((Fault, "agent death"))),
    (
        "agent_dies_at_order_one_in",
        3,
        SMS,
        Some((Fault, "agent dies at an order")),
    ),
    (
        "agent_dies_at_receipt_one_in",
        3,
        SMS,
        Some((Fault, "agent dies at a receipt")),
    ),
    ("service_ms", 10_000, SMS, Some((Fault, "service"))),
    ("cards_ms", 10_000, SMS, Some((Fault, "card moved"))),
    ("balance_parts", 3, SMS, Some((Fault, "balance empty"))),
    (
        "national_one_in",
        1,
        SMS,
        Some((Fault, "sender in national form")),
    ),
    (
        "home_unknown_one_in",
        1,
        NATIONAL,
        Some((Fault, "home of a card unknown")),
    ),
    (
        "dialled_one_in",
        2,
        SMS,
        Some((Fault, "dialled in national form")),
    ),
    ("card_abroad_one_in", 1, SMS, None),
    ("echo_one_in", 2, SMS, Some((Fault, "echo"))),
    ("clock_step_one_in", 1, &[("clock_jump_ms", 10_000)], None),
    (
        "early_timeout_one_in",
        1,
        &[("suspend_ms", 10_000)],
        Some((Fault, "early time-out")),
    ),
    ("small_talk_one_in", 2, &[], Some((Fault, "small talk"))),
];

#[test]
fn every_dial_has_its_case() {
    let cases: Vec<&str> = CASES.iter().map(|(dial, ..)| *dial).collect();
    let dials: Vec<&str> = Faults::DIALS.iter().map(|(dial, _)| *dial).collect();
    assert_eq!(cases, dials);
    for (dial, .., name) in CASES {
        let Some((group, name)) = name else { continue };
        let listed = |(of, names): &(Group, &[&str])| of == group && names.contains(name);
        assert!(LISTED.iter().any(listed), "{dial}: {group:?} {name:?}");
    }
}

#[test]
fn no_dial_is_inert() {
    let mut wrong = BTreeSet::new();
    for (dial, value, with, name) in CASES {
        let off = if *dial == "handsets" { 2 } else { 0 };
        let (on, off) = (world(dial, *value, with), world(dial, off, with));
        if on.0 == off.0 {
            wrong.insert(format!("{dial}: the world is the same"));
        }
        if let Some((group, name)) = name {
            let count = |coverage: &Coverage| {
                let mut of = coverage.of(*group);
                of.find(|(counted, _)| counted == name).map_or(0, |it| it.1)
            };
            let (on, off) = (count(&on.1), count(&off.1));
            if on <= off {
                wrong.insert(format!("{dial}: {name:?} {on} times, {off} without it"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What happens with a dial turned so far, and what is counted.
fn world(dial: &str, value: u64, with: &[(&str, u64)]) -> (Vec<Line>, Coverage) {
    let mut setup = Setup::drawn(7, 4);
    setup.faults = Faults::none(3, 2_000);
    for (name, value) in with.iter().chain([&(dial, value)]) {
        assert!(setup.faults.set(name, *value), "{name}");
    }
    let mut world = setup.world(true);
    // Some promises are not kept in worlds that seeds do not draw.
    let _ = world.run(setup.minutes);
    (world.story().to_vec(), world.coverage().clone())
}
