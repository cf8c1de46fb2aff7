//! Every field of a report, checked and named.

use twine_engine::SmsReceived;
use twine_engine::parts::AttemptId;
use twine_proto::limits::MAX_TEXT_BYTES;

use super::*;

fn link() -> pb::Link {
    pb::Link {
        id: "wifi".into(),
        kind: pb::LinkKind::Wifi.into(),
        up: true,
        validated: true,
        source_address: "127.0.0.2".into(),
        ..Default::default()
    }
}

fn refused(kind: pb::report::Kind) -> String {
    parse(pb::Report { kind: Some(kind) })
        .unwrap_err()
        .to_string()
}

#[test]
fn the_full_state_becomes_an_event() {
    let cellular = pb::Link {
        id: "sim1".into(),
        kind: pb::LinkKind::Cellular.into(),
        sim_slot: 1,
        generation: pb::Generation::G25.into(),
        interface: "rmnet0".into(),
        signal_dbm: -97,
        network_handle: 7,
        ..Default::default()
    };
    let sim = pb::Sim {
        slot: 1,
        iccid: "8925402".into(),
        number: "+254712345678".into(),
        mcc_mnc: "63902".into(),
        ready: true,
        in_service: true,
        default_sms: true,
        subscription_id: 3,
        operator: "Safari\u{7}com".into(),
        ..Default::default()
    };
    let state = pb::TelephonyState {
        sims: vec![sim],
        links: vec![link(), cellular],
        locking_tables: vec![1],
        single_shift_tables: vec![1, 2],
    };
    let report = pb::Report {
        kind: Some(pb::report::Kind::State(state)),
    };
    let told = parse(report).unwrap();
    assert_eq!(told.odd, None);
    let Some(TelephonyEvent::State {
        sims,
        links,
        tables,
    }) = told.event
    else {
        panic!("expected the state");
    };
    assert_eq!(tables, "tr,es-single".parse().unwrap());
    assert_eq!(sims[0].slot, 1);
    assert!(sims[0].in_service && sims[0].default_sms && !sims[0].radio_off);
    assert_eq!(
        (sims[0].subscription_id, &*sims[0].operator),
        (3, "Safaricom")
    );
    assert_eq!(
        links[0].binding.source_address,
        Some("127.0.0.2".parse().unwrap())
    );
    assert_eq!(links[0].signal_dbm, None);
    assert_eq!(links[1].kind, LinkKind::Cellular { sim_slot: 1 });
    assert_eq!(links[1].generation, Generation::G2_5);
    assert_eq!(links[1].binding.interface.as_deref(), Some("rmnet0"));
    assert_eq!(links[1].binding.network_handle, Some(7));
    assert_eq!(links[1].signal_dbm, Some(-97));
}

#[test]
fn every_field_is_checked_and_named() {
    use pb::report::Kind;
    let cases = [
        (
            pb::Link {
                id: String::new(),
                ..link()
            },
            "link.id: a link needs a name",
        ),
        (
            pb::Link {
                id: "x".repeat(65),
                ..link()
            },
            "link.id: 65 bytes are over the limit of 64",
        ),
        (
            pb::Link { kind: 9, ..link() },
            "link.kind: wifi, cellular and ethernet are allowed",
        ),
        (
            pb::Link {
                kind: pb::LinkKind::Cellular.into(),
                sim_slot: 2,
                ..link()
            },
            "link.sim_slot: 2; 0 and 1 are allowed",
        ),
        (
            pb::Link {
                source_address: "::x".into(),
                ..link()
            },
            "link.source_address: an IPv4 or IPv6 address is allowed, or nothing",
        ),
        (
            pb::Link {
                interface: "../../x".into(),
                ..link()
            },
            "link.interface: at most 15 visible ASCII characters without '/' are allowed",
        ),
    ];
    for (link, expected) in cases {
        assert_eq!(refused(Kind::Link(link)), expected);
    }
    let links = |links| {
        Kind::State(pb::TelephonyState {
            sims: Vec::new(),
            links,
            ..Default::default()
        })
    };
    assert_eq!(
        refused(links(vec![link(), link()])),
        "link.id: \"wifi\" is there twice"
    );
    assert_eq!(
        refused(links(vec![link(); 17])),
        "state.links: 17 links; at most 16 are allowed"
    );
    let sims = vec![pb::Sim::default(); 5];
    assert_eq!(
        refused(Kind::State(pb::TelephonyState {
            sims,
            links: Vec::new(),
            ..Default::default()
        })),
        "state.sims: 5 cards; at most 4 are allowed"
    );
    let part = |part, state: pb::SmsPartState| {
        Kind::SmsPart(pb::SmsPartResult {
            attempt: 7,
            part,
            state: state.into(),
            code: 4,
        })
    };
    assert_eq!(
        refused(part(256, pb::SmsPartState::PartSent)),
        "sms_part.part: 256 is over the limit of 255"
    );
    assert_eq!(
        refused(part(0, pb::SmsPartState::Unspecified)),
        "sms_part.state: a result has to say which"
    );
    for spool_id in ["", "../x", &*"x".repeat(65)] {
        assert_eq!(
            refused(Kind::SmsReceived(pb::SmsReceived {
                spool_id: spool_id.to_owned(),
                ..received()
            })),
            "sms_received.spool_id: 1 to 64 ASCII letters, digits, '.', '_' and '-' are allowed"
        );
    }
    assert_eq!(
        refused(Kind::SmsReceived(pb::SmsReceived {
            iccid: "89 254".to_owned(),
            ..received()
        })),
        "sms_received.iccid: 1 to 32 ASCII letters and digits are allowed"
    );
}

fn received() -> pb::SmsReceived {
    pb::SmsReceived {
        spool_id: "1700000000-1".into(),
        sim_slot: 0,
        from: "0712345678".into(),
        text: "habari".into(),
        scts_ms: 1_700_000_000_000,
        iccid: "8925402".into(),
        from_e164: "+254712345678".into(),
        to: "+254700000001".into(),
    }
}

fn told(kind: pb::report::Kind) -> Told {
    parse(pb::Report { kind: Some(kind) }).unwrap()
}

fn taken(received: pb::SmsReceived) -> (SmsReceived, bool) {
    let told = told(pb::report::Kind::SmsReceived(received));
    match told.event {
        Some(TelephonyEvent::SmsReceived(received)) => (received, told.odd.is_some()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_sms_is_lost_for_what_the_network_made_of_it() {
    let (sms, odd) = taken(received());
    assert_eq!(
        (sms.from.expose(), odd),
        ("+254712345678".to_owned(), false)
    );
    assert_eq!(
        (sms.spool_id.as_str(), sms.text.expose().as_str()),
        ("1700000000-1", "habari")
    );
    assert_eq!(
        sms.own.map(twine_proto::E164::expose),
        Some("+254700000001".to_owned())
    );

    let (sms, odd) = taken(pb::SmsReceived {
        from: "\u{1}".repeat(100),
        from_e164: String::new(),
        ..received()
    });
    assert!(odd && sms.from.number().is_none());

    let (sms, odd) = taken(pb::SmsReceived {
        text: "ዛ".repeat(MAX_TEXT_BYTES),
        ..received()
    });
    assert!(odd && sms.text.expose().len() > MAX_TEXT_BYTES - 3);

    let (sms, odd) = taken(pb::SmsReceived {
        text: String::new(),
        iccid: String::new(),
        to: "unknown".to_owned(),
        ..received()
    });
    assert!(!odd && sms.text.expose().is_empty() && sms.iccid.expose().is_empty());
    assert_eq!(sms.own, None);
}

#[test]
fn the_code_of_a_part_is_that_of_its_refusal() {
    let part = |state: pb::SmsPartState| {
        told(pb::report::Kind::SmsPart(pb::SmsPartResult {
            attempt: u64::MAX,
            part: 255,
            state: state.into(),
            code: 4,
        }))
    };
    for (state, expected) in [
        (pb::SmsPartState::PartRefused, Some(4)),
        (pb::SmsPartState::PartSent, None),
    ] {
        let Some(TelephonyEvent::SmsPart {
            attempt,
            part,
            code,
            ..
        }) = part(state).event
        else {
            panic!("expected a part");
        };
        assert_eq!((attempt, part, code), (AttemptId(u64::MAX), 255, expected));
    }
}

#[test]
fn tables_not_known_are_left_out_and_told() {
    let state = pb::TelephonyState {
        locking_tables: vec![6, 14, u32::MAX],
        single_shift_tables: vec![6, 0],
        ..Default::default()
    };
    let told = told(pb::report::Kind::State(state));
    assert!(told.odd.is_some());
    let Some(TelephonyEvent::State { tables, .. }) = told.event else {
        panic!("expected the state");
    };
    assert_eq!(tables, "hi".parse().unwrap());
}

#[test]
fn a_card_tells_of_its_data_or_nothing() {
    use twine_engine::links::{Allowance, Bundle, Service};
    let data = |sim: pb::Sim| {
        let sim = pb::Sim {
            iccid: "8925402".into(),
            slot: 1,
            ..sim
        };
        let Some(TelephonyEvent::Sim(sim)) = told(pb::report::Kind::Sim(sim)).event else {
            panic!("expected a card");
        };
        sim.data
    };
    // An agent that does not say what the user allows: data are never moved.
    let silent = pb::Sim {
        data_in_service: true,
        ..Default::default()
    };
    assert_eq!(data(silent), None);
    let abroad = pb::Sim {
        data_allowance: pb::DataAllowance::DataAtHome.into(),
        data_in_service: true,
        roaming: true,
        generation: pb::Generation::G3.into(),
        signal_level: 1,
        data_bundle: pb::DataBundle::DataSpent.into(),
        default_data: true,
        carries_data: true,
        ..Default::default()
    };
    let expected = SimData {
        slot: 1,
        service: Service::Roaming,
        generation: Generation::G3,
        signal_level: Some(0),
        allowance: Allowance::AtHome,
        bundle: Bundle::Spent,
        default_data: true,
        carries_data: true,
    };
    assert_eq!(data(abroad), Some(expected));
}

#[test]
fn where_data_are_becomes_an_event() {
    let data_sim = pb::DataSim {
        slot: 1,
        confirmed: true,
    };
    assert!(matches!(
        told(pb::report::Kind::DataSim(data_sim)).event,
        Some(TelephonyEvent::DataSim {
            slot: 1,
            confirmed: true
        })
    ));
}

#[test]
fn what_is_not_used_yet_is_no_error() {
    let unknown = parse(pb::Report { kind: None }).unwrap();
    assert!(unknown.event.is_none() && unknown.odd.is_some());
}
