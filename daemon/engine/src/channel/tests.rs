//! The table of the specification, line by line.

use super::*;
use crate::config::Config;
use crate::priors::Class;

fn patience() -> Patience {
    Patience::of(&Config::default(), Some(Class::Lte), Duration::from_secs(1))
}

/// A message to a peer on IP, on a phone that could send it by SMS.
fn facts(stage: Stage) -> Facts {
    Facts {
        stage,
        taken: match stage {
            Stage::Accepted | Stage::AskedBack | Stage::InDoubt => Taken::ForOneAway,
            _ => Taken::Unknown,
        },
        wish: None,
        mode: Mode::Auto,
        fallback: Fallback::Always,
        numbered: true,
        consented: true,
        reach: Reach::OnIp,
        before: LaneUse::Free,
        age: Duration::from_secs(120),
        link_up: true,
        session: true,
        offline_for: Duration::ZERO,
        patience: patience(),
        sms: true,
        card: Card::Ready { roaming: false },
        length: Length::Parts(1),
        max_parts_unasked: 10,
        left_before: false,
        of_another_number: false,
    }
}

const OFFLINE: Duration = Duration::from_secs(60);

fn offline(stage: Stage) -> Facts {
    Facts {
        session: false,
        link_up: false,
        offline_for: OFFLINE,
        ..facts(stage)
    }
}

fn choice(facts: Facts) -> Choice {
    let (choice, because) = choose(&facts);
    assert!(!because.is_empty(), "{facts:?}");
    choice
}

const PLAIN: Choice = Choice::Sms { marked: false };
const MARKED: Choice = Choice::Sms { marked: true };
const BLOCKED: Choice = Choice::Wait {
    waits: None,
    look: None,
};

#[test]
fn patience_grows_with_the_round_trip_and_the_age_of_the_radio() {
    let of = |class, rto_ms| {
        let rto = Duration::from_millis(rto_ms);
        Patience::of(&Config::default(), Some(class), rto).accept
    };
    assert_eq!(of(Class::Lte, 500), Duration::from_secs(17));
    assert!(of(Class::Umts, 500) > of(Class::Lte, 500));
    assert!(of(Class::Edge, 500) > of(Class::Umts, 500));
    assert!(of(Class::Gprs, 500) > of(Class::Edge, 500));
    assert!(of(Class::Gprs, 3_000) > of(Class::Gprs, 500));
    assert_eq!(of(Class::Gprs, 60_000), of(Class::Gprs, 10_000));
}

#[test]
fn what_waits_goes_by_sms_when_its_patience_is_over() {
    let young = Facts {
        age: Duration::from_secs(5),
        ..offline(Stage::Queued)
    };
    assert_eq!(
        choice(young),
        Choice::Wait {
            waits: None,
            look: Some(patience().no_link - Duration::from_secs(5)),
        }
    );
    assert_eq!(choice(offline(Stage::Queued)), PLAIN);
    let no_session = Facts {
        session: false,
        age: patience().no_link,
        ..facts(Stage::Queued)
    };
    assert!(matches!(
        choice(no_session),
        Choice::Wait { waits: None, .. }
    ));
    assert_eq!(
        choice(facts(Stage::Queued)),
        Choice::Ip(patience().accept),
        "there is a session"
    );
}

#[test]
fn what_the_gateway_may_have_is_asked_back_first() {
    for stage in [Stage::InFlight, Stage::Accepted] {
        assert_eq!(choice(facts(stage)), Choice::AskBack);
    }
    assert_eq!(choice(offline(Stage::InFlight)), MARKED);
    assert_eq!(choice(facts(Stage::InDoubt)), MARKED);
    assert_eq!(choice(offline(Stage::InDoubt)), MARKED);
    assert_eq!(
        choice(facts(Stage::Expired)),
        MARKED,
        "it may have been handed over"
    );
    assert_eq!(choice(facts(Stage::Over)), PLAIN);
    let second = Facts {
        left_before: true,
        ..facts(Stage::Over)
    };
    assert_eq!(choice(second), MARKED, "an SMS may have left before");
}

/// From another number it would be no copy: it merges with nothing.
#[test]
fn a_copy_from_another_number_is_the_users_choice() {
    let from_another = |facts: Facts| Facts {
        of_another_number: true,
        ..facts
    };
    assert_eq!(choice(from_another(offline(Stage::Queued))), PLAIN);
    assert_eq!(choice(from_another(facts(Stage::Over))), PLAIN);
    for stage in [Stage::InFlight, Stage::InDoubt] {
        let uncertain = from_another(offline(stage));
        assert_eq!(choice(uncertain), wait(WaitsFor::User));
        let wished = Facts {
            wish: Some(Channel::Sms),
            ..uncertain
        };
        assert_eq!(choice(wished), MARKED);
    }
}

#[test]
fn a_recipient_who_was_there_has_it_most_likely() {
    for stage in [Stage::Accepted, Stage::AskedBack] {
        let there = Facts {
            taken: Taken::ForOneThere,
            ..offline(stage)
        };
        assert_eq!(choice(there), look_after(patience().doubt - OFFLINE));
        let long = Facts {
            offline_for: patience().doubt,
            ..there
        };
        assert_eq!(choice(long), MARKED);
    }
}

#[test]
fn without_a_session_the_gateway_gets_the_time_to_say_what_it_knows() {
    let delivery = patience().delivery;
    for stage in [Stage::Accepted, Stage::AskedBack] {
        assert_eq!(choice(offline(stage)), look_after(delivery - OFFLINE));
        let long = Facts {
            offline_for: delivery,
            ..offline(stage)
        };
        assert_eq!(choice(long), MARKED);
        let wished = Facts {
            wish: Some(Channel::Sms),
            ..offline(stage)
        };
        assert_eq!(choice(wished), MARKED, "its user decided");
    }
    let unanswered = facts(Stage::AskedBack);
    assert_eq!(choice(unanswered), look_after(patience().answer));
    let never_taken = Facts {
        taken: Taken::Unknown,
        ..offline(Stage::AskedBack)
    };
    assert_eq!(choice(never_taken), MARKED);
}

const fn look_after(look: Duration) -> Choice {
    Choice::Wait {
        waits: None,
        look: Some(look),
    }
}

#[test]
fn nothing_old_and_nothing_long_is_sent_unasked() {
    let old = Facts {
        age: ASK_AFTER + Duration::from_secs(1),
        ..offline(Stage::InFlight)
    };
    assert_eq!(choice(old), wait(WaitsFor::User));
    let wished = Facts {
        wish: Some(Channel::Sms),
        ..old
    };
    assert_eq!(choice(wished), MARKED);
    let long = Facts {
        length: Length::Parts(11),
        ..offline(Stage::Queued)
    };
    assert_eq!(choice(long), wait(WaitsFor::User));
    let too_long = Facts {
        length: Length::TooLong,
        ..offline(Stage::Queued)
    };
    assert_eq!(choice(too_long), Choice::NoSms);
}

#[test]
fn a_text_that_no_sms_can_carry_to_a_name_waits_for_the_user() {
    for length in [Length::TooLong, Length::Empty] {
        let to_a_name = Facts {
            numbered: false,
            length,
            ..facts(Stage::Queued)
        };
        assert_eq!(choice(to_a_name), wait(WaitsFor::User));
        let to_a_number = Facts {
            numbered: true,
            wish: Some(Channel::Sms),
            ..to_a_name
        };
        assert_eq!(choice(to_a_number), Choice::NoSms);
    }
}

#[test]
fn settings_and_wishes_come_first() {
    let with = |mode, fallback, wish, stage| {
        choice(Facts {
            mode,
            fallback,
            wish,
            ..offline(stage)
        })
    };
    use Fallback::{Always, Ask, Never, NotWhenRoaming};
    use Mode::{Auto, IpOnly, SmsOnly};
    let ip = Choice::Ip(patience().accept);
    assert_eq!(with(IpOnly, Always, None, Stage::Queued), ip);
    assert_eq!(with(IpOnly, Always, None, Stage::Over), Choice::NoSms);
    assert_eq!(with(Auto, Always, Some(Channel::Ip), Stage::Queued), ip);
    assert_eq!(with(SmsOnly, Never, None, Stage::Queued), PLAIN);
    assert_eq!(
        with(IpOnly, Never, Some(Channel::Sms), Stage::Queued),
        PLAIN
    );
    assert_eq!(with(Auto, Never, None, Stage::Over), Choice::NoSms);
    assert_eq!(with(Auto, Ask, None, Stage::Over), wait(WaitsFor::User));
    assert_eq!(with(Auto, NotWhenRoaming, None, Stage::Over), PLAIN);
    let abroad = Facts {
        fallback: NotWhenRoaming,
        card: Card::Ready { roaming: true },
        ..offline(Stage::Over)
    };
    assert_eq!(choice(abroad), wait(WaitsFor::Home));
}

/// Of a peer that only fell silent the setting decides as of any other.
#[test]
fn a_silent_peer_gets_no_sms_that_the_setting_forbids() {
    use Fallback::{Ask, Never, NotWhenRoaming};
    let silent = |fallback, roaming| Facts {
        reach: Reach::Silent,
        fallback,
        card: Card::Ready { roaming },
        ..facts(Stage::Queued)
    };
    assert_eq!(choice(silent(NotWhenRoaming, false)), PLAIN);
    for tries_ip in [
        silent(Ask, false),
        silent(Never, false),
        silent(NotWhenRoaming, true),
    ] {
        assert!(matches!(choice(tries_ip), Choice::Ip(_)), "{tries_ip:?}");
    }
    let offline = Facts {
        reach: Reach::Silent,
        fallback: Ask,
        ..offline(Stage::Queued)
    };
    assert_eq!(choice(offline), wait(WaitsFor::User));
}

#[test]
fn what_is_old_or_long_asks_also_where_only_sms_is_left() {
    let ways = [
        Facts {
            mode: Mode::SmsOnly,
            ..facts(Stage::Queued)
        },
        Facts {
            numbered: false,
            ..facts(Stage::Queued)
        },
        Facts {
            reach: Reach::Refused,
            ..facts(Stage::Queued)
        },
    ];
    for way in ways {
        assert_eq!(choice(way), PLAIN);
        let old = Facts {
            age: ASK_AFTER + Duration::from_secs(1),
            ..way
        };
        let long = Facts {
            length: Length::Parts(11),
            ..way
        };
        for asks in [old, long] {
            assert_eq!(choice(asks), wait(WaitsFor::User));
            let wished = Facts {
                wish: Some(Channel::Sms),
                ..asks
            };
            assert_eq!(choice(wished), PLAIN);
        }
    }
}

#[test]
fn peers_off_ip_get_an_sms_at_once() {
    let refused = (Reach::Refused, Fallback::Never);
    for (reach, fallback) in [refused, (Reach::Silent, Fallback::Always)] {
        let off_ip = Facts {
            reach,
            fallback,
            age: Duration::ZERO,
            ..facts(Stage::Queued)
        };
        assert_eq!(choice(off_ip), PLAIN);
        let wished = Facts {
            wish: Some(Channel::Ip),
            ..off_ip
        };
        assert!(matches!(choice(wished), Choice::Ip(_)));
    }
    let name = Facts {
        numbered: false,
        ..facts(Stage::Queued)
    };
    assert_eq!(choice(name), PLAIN);
    let unregistered = Facts {
        consented: false,
        ..facts(Stage::Queued)
    };
    assert_eq!(choice(unregistered), PLAIN);
}

#[test]
fn an_sms_waits_for_its_lane_and_its_card_and_for_no_other() {
    for before in [LaneUse::OnIp, LaneUse::QueuedForIp, LaneUse::Blocks] {
        let behind = Facts {
            before,
            ..offline(Stage::InFlight)
        };
        assert_eq!(choice(behind), BLOCKED);
    }
    // IP does not pass it either: it is looked at when its lane changes, not again and again.
    for around in [facts(Stage::Queued), offline(Stage::Queued)] {
        let behind = Facts {
            before: LaneUse::Blocks,
            ..around
        };
        assert_eq!(choice(behind), BLOCKED);
    }
    for (card, waits) in [
        (Card::Absent, WaitsFor::Sim),
        (Card::RadioOff, WaitsFor::Radio),
        (Card::NoService, WaitsFor::Service),
    ] {
        let without = Facts {
            card,
            ..offline(Stage::Queued)
        };
        assert_eq!(choice(without), wait(waits));
    }
    let spaces = Facts {
        length: Length::Empty,
        ..offline(Stage::Queued)
    };
    assert_eq!(choice(spaces), Choice::NoSms);
}

#[test]
fn what_no_channel_carries_is_its_users_to_decide() {
    let unregistered = Facts {
        consented: false,
        ..facts(Stage::Queued)
    };
    let wished = Facts {
        wish: Some(Channel::Ip),
        ..unregistered
    };
    let set = Facts {
        mode: Mode::IpOnly,
        ..unregistered
    };
    let no_sms = Facts {
        sms: false,
        ..unregistered
    };
    for facts in [wished, set, no_sms] {
        let (choice, because) = choose(&facts);
        assert_eq!(choice, wait(WaitsFor::User));
        assert_eq!(because[1], "the own number is not registered for IP");
        let registered = Facts {
            consented: true,
            ..facts
        };
        assert!(matches!(choose(&registered).0, Choice::Ip(_)));
    }
    assert_eq!(choice(unregistered), PLAIN);
}
