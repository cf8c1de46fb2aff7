//! What the user chose, and what is believed of peers.

use twine_engine::message::{Channel, SmsAttempt, WaitsFor};
use twine_engine::settings::{Fallback, Mode, Reach, Settings};
use twine_engine::store_ops::{BootStamp, NewOutgoing, Op, Outcome, Sender};
use twine_engine::time::{BootId, Instant};
use twine_proto::frame::{Disposition, Refusal};
use twine_proto::{E164, Epoch, Peer, SmsName};

use super::Backend;
use super::short_message::{AT_ONCE, card, hash, wait};
use super::world::{World, at, other_peer, own, peer, second_own, state};

fn here() -> Option<(E164, Peer)> {
    Some((own(), peer().into()))
}

fn mode(mode: Mode) -> Settings {
    Settings {
        mode: Some(mode),
        ..Settings::default()
    }
}

/// For each conversation, and globally.
pub fn settings_are_kept_as_set(backend: impl Backend) {
    let mut world = World::bound(backend);
    let all = Settings {
        mode: Some(Mode::Auto),
        fallback: Some(Fallback::Ask),
        iccid: Some(card()),
    };
    let global = Settings {
        fallback: Some(Fallback::NotWhenRoaming),
        ..mode(Mode::IpOnly)
    };
    let name = Peer::Name(SmsName::new("MPESA").expect("a name"));
    world.set(here(), all.clone());
    world.set(None, global.clone());
    world.set(Some((own(), name)), mode(Mode::SmsOnly));
    world.crash();
    assert_eq!(world.facts().settings, all);
    assert_eq!(world.snapshot().settings, global);
    assert_eq!(
        world.conversation_at(name, at(0)).settings,
        mode(Mode::SmsOnly)
    );
    let other = world.conversation_at(other_peer().into(), at(0));
    assert_eq!(other.settings, Settings::default(), "nothing of its own");
    // As a whole: what is not named is not set.
    let never = Settings {
        fallback: Some(Fallback::Never),
        ..Settings::default()
    };
    world.set(here(), never.clone());
    assert_eq!(world.facts().settings, never);
    world.set(here(), Settings::default());
    assert_eq!(world.facts().settings, Settings::default());
}

/// The user has changed their mind about what is open.
pub fn open_messages_are_looked_at_when_settings_change(backend: impl Backend) {
    let mut world = World::bound(backend);
    let undecided = world.undecided("undecided");
    world.set(here(), mode(Mode::Auto));
    assert_eq!(world.due_ids(0), [undecided]);
    let mut release = world.release_sms_op(undecided, false);
    if let Op::ReleaseSms { settings, .. } = &mut release {
        *settings = mode(Mode::Auto);
    }
    world.op(release);
    world.hand(undecided, 7, 1);
    let queued = world.open("behind it, in the queue of ip");
    let asked = world.undecided("asked about");
    world.looks(wait(
        asked,
        world.attempts(asked),
        Some(WaitsFor::User),
        None,
    ));
    let wished = NewOutgoing {
        wish: Some(Channel::Ip),
        queue_for_ip: true,
        ..world.new_undecided("by ip, whatever")
    };
    let wished = world.enqueue_as(wished);
    let mut elsewhere = world.new_undecided("elsewhere");
    elsewhere.peer = other_peer().into();
    let elsewhere = world.enqueue_as(elsewhere);

    assert_eq!(world.set(here(), mode(Mode::IpOnly)), AT_ONCE);
    assert_eq!(world.due_ids(0), [asked], "that of this conversation");
    assert_eq!(world.set(None, mode(Mode::SmsOnly)), AT_ONCE);
    assert_eq!(
        world.due_ids(0),
        [asked, elsewhere],
        "what stays in the queue of IP goes on"
    );
    assert_eq!(world.set(here(), Settings::default()), AT_ONCE);
    assert_eq!(world.due_ids(0), [queued, asked, elsewhere]);
    assert_eq!(world.queued_for_ip(), [], "behind what is with the agent");
    world.part(7, 0, twine_engine::parts::PartState::Sent);
    assert_eq!(world.queued_for_ip(), [queued, wished]);
}

/// A deadline that has not passed does not act because something was set.
pub fn what_is_on_its_way_keeps_its_deadline(backend: impl Backend) {
    let mut world = World::bound(backend);
    let accepted = world.open_on_ip("accepted").id;
    world.after_sent(1, &[], &[]);
    let in_flight = world.open_on_ip("in flight").id;
    let due = world.due_ids(0);
    for settings in [mode(Mode::Auto), mode(Mode::IpOnly), Settings::default()] {
        world.set(None, settings.clone());
        assert_eq!(world.due_ids(0), due);
        world.set(here(), settings);
        assert_eq!(world.due_ids(0), due);
    }
    world.looks(wait(
        accepted,
        world.attempts(accepted),
        Some(WaitsFor::User),
        None,
    ));
    world.set(None, mode(Mode::Auto));
    assert_eq!(world.due_ids(0), [accepted], "what waits is asked about");
    world.set(None, mode(Mode::SmsOnly));
    assert_eq!(world.due_ids(0), [accepted, in_flight]);
}

/// IP alone was the user's choice, until they chose anew.
pub fn what_a_setting_ruled_out_is_open_again(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ruled_out = world.enqueue("waits for IP");
    let wished = NewOutgoing {
        wish: Some(Channel::Ip),
        ..world.new_message("by the user's wish")
    };
    let wished = world.enqueue_as(wished);
    let elsewhere = world.enqueue_to(other_peer());
    assert_eq!(world.set(here(), mode(Mode::Auto)), AT_ONCE);
    assert_eq!(world.due_ids(0), [ruled_out]);
    assert_eq!(world.sms(ruled_out), SmsAttempt::None);
    assert_eq!(world.sms(wished), SmsAttempt::NotUsed);
    assert_eq!(world.queued_for_ip(), [ruled_out, wished, elsewhere]);
    world.set(None, Settings::default());
    assert_eq!(world.due_ids(0), [ruled_out, elsewhere]);
}

/// What is settled stays settled.
pub fn settings_disturb_nothing_that_is_settled(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.send("delivered");
    world.sent(state(1, &[1], &[]));
    world.sent_by_sms("sent");
    let uncertain = world.open_on_ip("uncertain").id;
    world.release_sms(uncertain, true);
    world.hand(uncertain, 7, 1);
    world.part(7, 0, twine_engine::parts::PartState::Sent);
    assert_eq!(world.set(here(), mode(Mode::IpOnly)), None);
    assert_eq!(world.set(None, mode(Mode::SmsOnly)), None);
    assert_eq!(world.due_ids(10_000_000), []);
}

/// For hours, of one boot: two phones that were off IP at different times find back.
pub fn that_a_peer_is_off_ip_is_believed_for_a_while(backend: impl Backend) {
    let mut world = World::bound(backend);
    assert_eq!(world.reach(), Reach::Unknown);
    let set = |world: &mut World<_>, reach, boot| {
        world.done(Op::SetReach {
            peer: peer(),
            reach,
            boot,
        });
    };
    let reach = |world: &mut World<_>, boot| world.conversation_at(peer().into(), boot).reach;
    let boot = |no, ms| BootStamp {
        boot: BootId(no),
        at: Instant(ms),
    };
    let ttl_ms = |believed: Reach| {
        let ttl = believed.believed_for().expect("for a while");
        u64::try_from(ttl.as_millis()).expect("fits")
    };
    for (believed, next) in [(Reach::Refused, 7), (Reach::Silent, 8)] {
        let ttl = ttl_ms(believed);
        let first = |ms| boot(next - 1, ms);
        world.op(Op::RearmDeadlines { boot: first(0) });
        set(&mut world, believed, first(1000));
        world.crash();
        assert_eq!(reach(&mut world, first(1000 + ttl - 1)), believed);
        assert_eq!(reach(&mut world, first(1000 + ttl + 1)), Reach::Unknown);
        world.op(Op::RearmDeadlines {
            boot: boot(next, 50),
        });
        assert_eq!(reach(&mut world, boot(next, 50 + ttl - 1)), believed);
        assert_eq!(reach(&mut world, boot(next, 50 + ttl + 1)), Reach::Unknown);
    }
    let other = world.conversation_at(other_peer().into(), boot(8, 60));
    assert_eq!(other.reach, Reach::Unknown);
    // A sign of life until something else is seen.
    set(&mut world, Reach::OnIp, boot(8, 60));
    let late = boot(8, 60 + 9 * ttl_ms(Reach::Refused));
    assert_eq!(reach(&mut world, late), Reach::OnIp);
}

/// Each of them (DELIVERY 15).
pub fn signs_of_life_say_that_a_peer_is_on_ip(backend: impl Backend) {
    let mut world = World::bound(backend);
    let silence = |world: &mut World<_>| {
        world.done(Op::SetReach {
            peer: peer(),
            reach: Reach::Silent,
            boot: at(0),
        });
    };
    let wished = |world: &mut World<_>| {
        let message = NewOutgoing {
            wish: Some(Channel::Ip),
            ..world.new_message("in spite of it")
        };
        let id = world.enqueue_as(message);
        world.release(id).seq.get()
    };
    silence(&mut world);
    world.receive(1);
    assert_eq!(world.reach(), Reach::OnIp);
    silence(&mut world);
    let seq = wished(&mut world);
    world.sent(state(seq, &[], &[]));
    assert_eq!(world.reach(), Reach::Silent, "the gateway has it");
    world.sent(state(seq, &[seq], &[]));
    assert_eq!(world.reach(), Reach::OnIp);
    silence(&mut world);
    world.read_by_peer(1);
    assert_eq!(world.reach(), Reach::OnIp);
    // An SMS is none.
    silence(&mut world);
    let sms = world.new_sms("by sms", None);
    assert_eq!(sms.hash, hash("by sms"));
    world.take_sms(sms);
    assert_eq!(world.reach(), Reach::Silent);
}

/// The gateway knows nobody of that number.
pub fn an_unknown_recipient_is_not_on_ip(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.send_many(2);
    let policy = (1, Disposition::Refused(Refusal::Policy));
    world.sent(state(1, &[], &[policy]));
    assert_eq!(world.reach(), Reach::Unknown);
    let unknown = (2, Disposition::Refused(Refusal::UnknownRecipient));
    world.sent(state(2, &[], &[unknown]));
    assert_eq!(world.reach(), Reach::Refused);
}

/// SMS needs no consent; IP does.
pub fn a_card_brings_its_number_for_sms_alone(backend: impl Backend) {
    let mut world = World::empty(backend);
    world.done(Op::NoteSim {
        number: own(),
        iccid: card(),
    });
    world.crash();
    let identity = world.snapshot().identities.swap_remove(0);
    assert_eq!((identity.number, identity.iccid), (own(), Some(card())));
    assert!(!identity.consented && identity.held.is_none());
    let facts = world.facts();
    assert!(!facts.consented && !facts.bound);
    world.register(own());
    let facts = world.facts();
    assert!(facts.consented && !facts.bound);
    world.bind(super::world::EPOCH);
    assert!(world.facts().bound);
    // Another card with the same number; the consent stays.
    let other_card = twine_proto::Redacted::new("8925402000000000002".to_owned());
    world.done(Op::NoteSim {
        number: own(),
        iccid: other_card.clone(),
    });
    world.done(Op::NoteSim {
        number: second_own(),
        iccid: card(),
    });
    let identities = world.snapshot().identities;
    let found: Vec<_> = identities
        .iter()
        .map(|it| (it.number, it.iccid.clone(), it.consented))
        .collect();
    assert_eq!(
        found,
        [
            (own(), Some(other_card), true),
            (second_own(), Some(card()), false)
        ]
    );
}

/// Each costs a row for ever.
pub fn the_number_of_settings_is_limited(backend: impl Backend) {
    use twine_engine::limits::MAX_CONVERSATION_SETTINGS;
    let mut world = World::bound(backend);
    let set = |number| Op::Set {
        conversation: Some((
            own(),
            E164::new(254_700_000_000 + number)
                .expect("a number")
                .into(),
        )),
        settings: mode(Mode::IpOnly),
    };
    world.batch((0..MAX_CONVERSATION_SETTINGS).map(set).collect());
    let refused = world.op(set(MAX_CONVERSATION_SETTINGS));
    assert!(matches!(refused, Outcome::TooManySettings), "{refused:?}");
    let known = world.op(set(1));
    assert!(matches!(known, Outcome::Looks { .. }), "{known:?}");
    world.set(None, mode(Mode::IpOnly));
    // One that is taken back makes room.
    world.looks(Op::Set {
        conversation: Some((own(), E164::new(254_700_000_001).expect("a number").into())),
        settings: Settings::default(),
    });
    let taken = world.op(set(MAX_CONVERSATION_SETTINGS));
    assert!(matches!(taken, Outcome::Looks { .. }), "{taken:?}");
}

/// Whoever sends without a number goes on with the conversation there is, by its
/// card, whichever card is the default now.
pub fn a_conversation_keeps_its_own_number(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.register(second_own());
    let either = |own, other| Sender {
        own,
        others: vec![other],
    };
    let send = |world: &mut World<_>, sender| {
        let message = NewOutgoing {
            sender,
            ..world.new_message("to whom it may concern")
        };
        let id = world.enqueue_as(message);
        world.record(id).own
    };
    let default = send(&mut world, either(second_own(), own()));
    assert_eq!(default, second_own(), "there is no conversation yet");
    let kept = send(&mut world, either(own(), second_own()));
    assert_eq!(kept, second_own());
    let named = send(&mut world, own().into());
    assert_eq!(named, own(), "the app may begin another");
    let newest = send(&mut world, either(second_own(), own()));
    assert_eq!(newest, own());

    world.receive_from(other_peer(), Epoch(700), 1);
    let answer = NewOutgoing {
        peer: other_peer().into(),
        sender: either(second_own(), own()),
        ..world.new_message("an answer")
    };
    let answer = world.enqueue_as(answer);
    assert_eq!(world.record(answer).own, own(), "where the peer wrote to");

    world.crash();
    let facts = |world: &mut World<_>, sender| match world.op(Op::LoadConversation {
        sender,
        peer: peer().into(),
        boot: at(0),
    }) {
        Outcome::Conversation(facts) => facts.own,
        outcome => panic!("{outcome:?}"),
    };
    assert_eq!(facts(&mut world, either(second_own(), own())), own());
    assert_eq!(facts(&mut world, second_own().into()), second_own());
}
