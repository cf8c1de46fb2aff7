//! Links, transports and gateways that come and go.

use twine_engine::limits::MAX_REDIRECTS;
use twine_engine::link::{Generation, LinkKind, Sim};
use twine_engine::links::{Allowance, Bundle, Service, SimData};
use twine_engine::trace::Decision;
use twine_engine::{
    ChannelEvent, Command, DownReason, Input, Order, TelephonyEvent, TransportKind,
};
use twine_proto::frame::{Goodbye, GoodbyeReason, SlotStatus};
use twine_proto::{Frame, Redacted, SessionNo};

use crate::desk::{Desk, high_water, link, own};
use crate::frames::accepted;

#[test]
fn a_change_of_link_moves_the_quic_session_and_proves_the_path() {
    let mut desk = Desk::live();
    desk.link("wifi", true);
    assert_eq!((desk.moves, desk.connects.len()), (1, 1));
    desk.channel(ChannelEvent::Moved);
    assert_eq!(desk.names(), ["Ping"]);
    // No answer: the session is given up and another transport has its turn.
    desk.pass(15_000);
    assert_eq!(desk.closed.len(), 1);
}

#[test]
fn when_one_transport_fails_the_other_is_tried_at_once() {
    let mut desk = Desk::new();
    desk.command(Command::Register {
        number: own(),
        iccid: None,
    });
    desk.channel(ChannelEvent::Down(DownReason::TimedOut));
    let kinds: Vec<_> = desk.connects.iter().map(|(_, kind)| *kind).collect();
    assert_eq!(kinds, [TransportKind::Quic, TransportKind::Tls]);
    desk.channel(ChannelEvent::Down(DownReason::TimedOut));
    assert_eq!(desk.connects.len(), 2, "both failed: now it waits");
    desk.pass(1_000);
    assert_eq!(desk.connects.len(), 3);
}

fn sent_away(redirect: &str) -> Frame {
    Frame::Goodbye(Goodbye {
        reason: GoodbyeReason::Draining,
        retry_after_s: 600,
        redirect: redirect.into(),
        session_no: SessionNo(0),
        detail: String::new(),
    })
}

#[test]
fn a_gateway_that_sends_away_can_name_another() {
    let mut desk = Desk::live();
    desk.targets.clear();
    desk.frame(sent_away("gw2.example.net:443"));
    // At once, as far as jitter goes: the pause is the first one's.
    desk.pass(2_000);
    assert_eq!(desk.targets, [Some("gw2.example.net:443".to_owned())]);
    // It keeps it while it works.
    desk.up();
    desk.welcome(SlotStatus::Ok, high_water(0));
    desk.pass(40_000);
    desk.channel(ChannelEvent::Down(DownReason::Closed("reset".into())));
    desk.pass(2_000);
    assert_eq!(desk.targets.len(), 2);
    assert!(desk.targets[1].is_some());
    // And goes back when neither transport gets there.
    desk.channel(ChannelEvent::Down(DownReason::TimedOut));
    desk.channel(ChannelEvent::Down(DownReason::TimedOut));
    desk.pass(4_000);
    assert!(desk.targets[2].is_some());
    assert_eq!(desk.targets[3..], [None]);
}

#[test]
fn gateways_that_name_each_other_are_left() {
    let mut desk = Desk::live();
    desk.targets.clear();
    for _ in 0..MAX_REDIRECTS {
        desk.frame(sent_away("gw2.example.net:443"));
        desk.pass(60_000);
        desk.up();
        desk.welcome(SlotStatus::Ok, high_water(0));
    }
    assert_eq!(desk.targets.iter().flatten().count(), desk.targets.len());
    desk.frame(sent_away("gw3.example.net:443"));
    let before = desk.targets.len();
    desk.pass(3_600_000);
    assert_eq!(desk.targets[before..], [None]);
}

// -- links: not a rule of delivery, but the engine's own way to its policy --------

/// A card as to its data.
fn data_card(slot: u8, service: Service) -> Sim {
    Sim {
        slot,
        iccid: Redacted::new(format!("892540{slot}")),
        number: None,
        mcc_mnc: "63902".into(),
        ready: true,
        in_service: true,
        roaming: false,
        default_sms: false,
        radio_off: false,
        subscription_id: 0,
        operator: "".into(),
        data: Some(SimData {
            slot,
            service,
            generation: Generation::G4,
            signal_level: Some(3),
            allowance: Allowance::AtHome,
            bundle: Bundle::Unknown,
            default_data: slot == 0,
            carries_data: false,
        }),
    }
}

#[test]
fn data_are_asked_of_the_other_card_when_this_one_loses_coverage() {
    let mut desk = Desk::live();
    for sim in [data_card(0, Service::Home), data_card(1, Service::Home)] {
        desk.input(Input::Telephony(TelephonyEvent::Sim(sim)));
    }
    desk.pass(60_000);
    let moves = |desk: &Desk| {
        desk.orders
            .iter()
            .filter(|order| matches!(order, Order::PreferDataSim { slot: 1, .. }))
            .count()
    };
    assert_eq!(moves(&desk), 0);
    let lost = data_card(0, Service::None);
    desk.input(Input::Telephony(TelephonyEvent::Sim(lost)));
    desk.link("lte", false);
    desk.pass(1_500);
    assert_eq!(moves(&desk), 1);
    assert!(desk.decisions.contains(&Decision::MoveData { slot: 1 }));
}

#[test]
fn a_link_on_which_an_answer_is_missing_is_left_for_another() {
    let mut desk = Desk::live();
    let mut wifi = link("wifi", true);
    wifi.kind = LinkKind::Wifi;
    wifi.metered = false;
    desk.input(Input::Telephony(TelephonyEvent::Link(wifi)));
    assert_eq!(desk.moves, 1, "the session moves to the Wi-Fi");
    let before = desk.connects.len();
    desk.send("into the void");
    // Two time-outs without an answer, and a round in which nobody comes up: nothing but
    // that says so.
    for _ in 0..21 {
        desk.pass(1_000);
    }
    assert!(desk.connects.len() > before);
    let reasons: Vec<_> = desk
        .engine
        .status()
        .links
        .into_iter()
        .map(|view| (view.link.id.0.to_string(), view.carries_session))
        .collect();
    assert!(reasons.contains(&("lte".to_owned(), true)), "{reasons:?}");
}

/// Mobile data of a card, over this radio.
fn mobile(desk: &mut Desk, name: &str, sim_slot: u8, generation: Generation) {
    let mut mobile = link(name, true);
    mobile.kind = LinkKind::Cellular { sim_slot };
    mobile.generation = generation;
    desk.input(Input::Telephony(TelephonyEvent::Link(mobile)));
}

#[test]
fn long_texts_do_not_make_a_slow_link_a_poor_one() {
    let mut desk = Desk::live();
    mobile(&mut desk, "lte", 0, Generation::G2);
    mobile(&mut desk, "other", 1, Generation::G2);
    for seq in 1..=4 {
        desk.send(&format!("{seq} {}", "a".repeat(4_000)));
        desk.pass(4_800);
        desk.frame(accepted(seq));
    }
    assert_eq!(desk.moves, 0);
    // Short ones that take as long do.
    for seq in 5..=8 {
        desk.send(&seq.to_string());
        desk.pass(4_800);
        desk.frame(accepted(seq));
    }
    assert_eq!(desk.moves, 1);
}

#[test]
fn a_fast_link_that_dies_under_long_texts_is_noticed_soon() {
    let mut desk = Desk::live();
    desk.send(&"a".repeat(60_000));
    desk.pass(9_000);
    assert_eq!(desk.closed.len(), 1);
}

#[test]
fn the_agent_has_the_system_look_at_a_link_over_which_an_answer_is_missing() {
    let mut desk = Desk::live();
    desk.channel(ChannelEvent::Down(DownReason::TimedOut));
    let looks = desk
        .orders
        .iter()
        .filter(|order| matches!(order, Order::LookAgain { link } if &*link.0 == "lte"));
    assert_eq!(looks.count(), 1);
}
