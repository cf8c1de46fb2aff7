//! Every field of a request, checked and named.

use twine_proto::limits::MAX_TEXT_BYTES;

use super::*;

fn client() -> ClientName {
    ClientName("app".to_owned())
}

fn send() -> pb::Send {
    pb::Send {
        from: String::new(),
        to: "+254712345678".to_owned(),
        text: "habari".to_owned(),
        token: "1".to_owned(),
        valid_for_s: 0,
        ..Default::default()
    }
}

fn refused(kind: request::Kind) -> String {
    let error = parse(kind, &client()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    error.to_string()
}

#[test]
fn a_send_becomes_a_command() {
    let action = parse(request::Kind::Send(send()), &client()).unwrap();
    let Action::Command(Command::Send {
        token,
        from,
        to,
        text,
        valid_for,
        ..
    }) = action
    else {
        panic!("expected a send");
    };
    assert_eq!(token.0, b"1");
    assert_eq!((from, to.expose()), (None, "+254712345678".to_owned()));
    assert_eq!(text.expose(), "habari");
    assert_eq!(valid_for, None);
}

#[test]
fn every_field_is_checked_and_named_and_its_value_is_not_repeated() {
    let cases = [
        (
            pb::Send {
                to: "+0712345678".into(),
                ..send()
            },
            "send.to: a phone number in international form cannot start with 0",
        ),
        (
            pb::Send {
                to: "x".repeat(34),
                ..send()
            },
            "send.to: a name or short code has at most 33 bytes",
        ),
        (
            pb::Send {
                channel: 3,
                ..send()
            },
            "send.channel: IP and SMS are allowed, or nothing",
        ),
        (
            pb::Send {
                from: "+1".into(),
                ..send()
            },
            "send.from: a phone number needs at least 7 digits after the plus sign",
        ),
        (
            pb::Send {
                token: String::new(),
                ..send()
            },
            "send.token: a send needs a token, so that repeating it cannot send twice",
        ),
        (
            pb::Send {
                token: "t".repeat(65),
                ..send()
            },
            "send.token: a token of 65 bytes is over the limit of 64",
        ),
        (
            pb::Send {
                text: "x".repeat(MAX_TEXT_BYTES + 1),
                ..send()
            },
            "send.text: text of 81921 bytes is over the limit of 81920 bytes",
        ),
    ];
    for (send, expected) in cases {
        assert_eq!(refused(request::Kind::Send(send)), expected);
    }
    let empty = refused(request::Kind::Send(pb::Send {
        text: String::new(),
        ..send()
    }));
    assert!(empty.starts_with("send.text: "), "{empty}");

    assert_eq!(
        refused(request::Kind::Cancel(pb::Cancel { message_id: 0 })),
        "cancel.message_id: a message id is at least 1"
    );
    assert_eq!(
        refused(request::Kind::Outbox(pb::GetOutbox {
            limit: 201,
            after: 0
        })),
        "outbox.limit: 201 is over the limit of 200; 0 stands for 50"
    );
    assert_eq!(
        refused(request::Kind::Lookup(pb::LookupPeers {
            numbers: Vec::new()
        })),
        "lookup.numbers: 0 numbers; 1 to 64 are allowed"
    );
    let secret = "07123-SECRET".to_owned();
    let history = pb::GetHistory {
        own: secret.clone(),
        peer: secret,
        ..Default::default()
    };
    assert!(!refused(request::Kind::History(history)).contains("SECRET"));
    let register = pb::Register {
        number: "+254712345678".into(),
        iccid: "89 254".into(),
        consent: true,
    };
    assert_eq!(
        refused(request::Kind::Register(register)),
        "register.iccid: 1 to 32 ASCII letters and digits are allowed"
    );
}

#[test]
fn a_short_code_and_a_name_are_peers_too() {
    for (to, channel) in [
        ("40404", pb::Channel::Unspecified),
        ("MPESA", pb::Channel::Sms),
    ] {
        let send = pb::Send {
            to: to.into(),
            channel: channel.into(),
            ..send()
        };
        let action = parse(request::Kind::Send(send), &client()).unwrap();
        let Action::Command(Command::Send { to: peer, by, .. }) = action else {
            panic!("expected a send");
        };
        assert!(matches!(peer, Peer::Name(_)));
        assert_eq!(peer.expose(), to);
        assert_eq!(by, (to == "MPESA").then_some(Channel::Sms));
    }
}

#[test]
fn settings_are_of_a_whole_conversation_or_of_all() {
    let set = |own: &str, peer: &str, iccid: &str| {
        request::Kind::SetSettings(pb::SetSettings {
            own: own.into(),
            peer: peer.into(),
            mode: pb::Mode::SmsOnly.into(),
            iccid: iccid.into(),
            ..Default::default()
        })
    };
    let own = "+254712345678";
    let action = parse(set(own, "MPESA", "8925402000000000017"), &client()).unwrap();
    let Action::Command(Command::Set {
        conversation: Some((_, peer)),
        settings,
    }) = action
    else {
        panic!("expected settings");
    };
    assert_eq!(peer.expose(), "MPESA");
    assert_eq!(
        (settings.mode, settings.fallback),
        (Some(Mode::SmsOnly), None)
    );
    assert_eq!(settings.iccid.unwrap().expose(), "8925402000000000017");

    let action = parse(set("", "", ""), &client()).unwrap();
    assert!(matches!(
        action,
        Action::Command(Command::Set {
            conversation: None,
            ..
        })
    ));

    let both = "a conversation has an own number and a peer: give both, or neither";
    assert_eq!(
        refused(set(own, "", "")),
        format!("set_settings.peer: {both}")
    );
    assert_eq!(
        refused(set("", own, "")),
        format!("set_settings.own: {both}")
    );
    assert_eq!(
        refused(set("", "", "8925402000000000017")),
        "set_settings.iccid: a card is chosen for a conversation: give own and peer"
    );
    let unknown = pb::SetSettings {
        fallback: 9,
        ..Default::default()
    };
    assert_eq!(
        refused(request::Kind::SetSettings(unknown)),
        "set_settings.fallback: ALWAYS, NOT_WHEN_ROAMING, ASK and NEVER are allowed, or nothing"
    );
    let half = pb::GetSettings {
        own: own.into(),
        peer: String::new(),
    };
    assert_eq!(
        refused(request::Kind::GetSettings(half)),
        format!("get_settings.peer: {both}")
    );
}

#[test]
fn a_preview_may_be_of_nothing_yet() {
    let preview = |text: String| {
        request::Kind::Preview(pb::Preview {
            to: "+254712345678".into(),
            text,
            ..Default::default()
        })
    };
    parse(preview(String::new()), &client()).unwrap();
    assert!(refused(preview("x".repeat(MAX_TEXT_BYTES + 1))).starts_with("preview.text: text of"));
}

#[test]
fn a_number_is_bound_only_with_consent() {
    let register = pb::Register {
        number: "+254712345678".into(),
        iccid: String::new(),
        consent: false,
    };
    let error = parse(request::Kind::Register(register), &client()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::FailedPrecondition);
}

#[test]
fn a_page_without_limit_has_the_default_one() {
    let conversations = pb::GetConversations {
        offset: 7,
        limit: 0,
    };
    let action = parse(request::Kind::Conversations(conversations), &client()).unwrap();
    assert!(matches!(
        action,
        Action::Read(Read::Conversations {
            offset: 7,
            limit: DEFAULT_PAGE
        })
    ));
}
