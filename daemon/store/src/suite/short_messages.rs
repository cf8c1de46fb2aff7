//! Incoming SMS: once (DELIVERY 28), from whomever (DELIVERY 27).

use twine_engine::message::{
    Channel, Direction, IpAttempt, MessageRecord, OrderKey, Shown, SmsAttempt, SmsRecord,
};
use twine_engine::store_ops::{EventKind, IncomingSms, Op, Outcome};
use twine_proto::{Epoch, LaneSeq, Peer, Redacted, SmsName};

use super::Backend;
use super::short_message::card;
use super::world::{World, other_peer, own, peer, second_own};

/// Every field.
pub fn an_incoming_sms_reads_back(backend: impl Backend) {
    let mut world = World::bound(backend);
    let sms = world.new_sms("by the operator", Some(5));
    let scts_ms = sms.scts_ms;
    let (id, copy_of) = world.take_sms(sms);
    assert_eq!(copy_of, None);
    let wall = world.wall;
    world.crash();
    assert_eq!(
        world.record(id),
        MessageRecord {
            id,
            direction: Direction::Incoming,
            own: own(),
            peer: peer().into(),
            text: Some(Redacted::new("by the operator".to_owned())),
            name: None,
            ip: IpAttempt::None,
            sms: SmsRecord {
                state: SmsAttempt::None,
                iccid: Some(card()),
                scts_ms,
                ..SmsRecord::default()
            },
            waits_for: None,
            came_by: Channel::Sms,
            copy_of: None,
            late: false,
            take_back: None,
            shown: Shown::Received,
            order: OrderKey {
                position: id.0,
                epoch: Epoch(0),
                lane_seq: LaneSeq(0),
            },
            created: wall,
            changed: wall,
            age_s: 0,
        }
    );
    assert_eq!(world.kinds(id), [(EventKind::Received, None)]);
    assert_eq!(world.story(id), [Shown::Received]);
    assert_eq!(world.conversation(), [id]);
}

/// Trap: the daemon dies after the commit, before the agent hears of it.
pub fn an_sms_is_taken_once_for_its_spool_id(backend: impl Backend) {
    let mut world = World::bound(backend);
    let sms = world.new_sms("once", None);
    let again = IncomingSms {
        id: world.new_sms("unused", None).id,
        scts_ms: 5,
        ..sms.clone()
    };
    let (id, _) = world.take_sms(sms);
    world.crash();
    let events = world.snapshot().latest_event;
    for _ in 0..2 {
        let outcome = world.op(Op::InsertSms(again.clone()));
        assert!(matches!(outcome, Outcome::SmsRepeated), "{outcome:?}");
    }
    assert_eq!(world.snapshot().latest_event, events);
    assert_eq!(world.conversation(), [id]);
}

/// Operators deliver again what was not acknowledged in time.
pub fn an_sms_the_network_repeats_is_taken_once(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.register(second_own());
    let sms = world.new_sms("once", None);
    let repeat = |world: &mut World<_>| IncomingSms {
        id: world.new_sms("unused", None).id,
        spool_id: format!("another-{}", world.next_id),
        ..sms.clone()
    };
    world.take_sms(sms.clone());
    world.crash();
    let repeated = repeat(&mut world);
    let outcome = world.op(Op::InsertSms(repeated));
    assert!(matches!(outcome, Outcome::SmsRepeated), "{outcome:?}");
    let others = [
        IncomingSms {
            text: Redacted::new("once?".to_owned()),
            ..repeat(&mut world)
        },
        IncomingSms {
            residue: Some(3),
            ..repeat(&mut world)
        },
        IncomingSms {
            scts_ms: sms.scts_ms + 1000,
            ..repeat(&mut world)
        },
        IncomingSms {
            peer: other_peer().into(),
            ..repeat(&mut world)
        },
        IncomingSms {
            own: second_own(),
            ..repeat(&mut world)
        },
    ];
    for other in others {
        world.take_sms(other);
    }
}

/// Trap: an SCTS that is not readable is 0 in Android, for each of them.
pub fn equal_sms_without_a_time_are_two_messages(backend: impl Backend) {
    let mut world = World::bound(backend);
    let timeless = |world: &mut World<_>| IncomingSms {
        scts_ms: 0,
        ..world.new_sms("ok", None)
    };
    let first = timeless(&mut world);
    let second = timeless(&mut world);
    let ids = [world.take_sms(first.clone()).0, world.take_sms(second).0];
    world.crash();
    let again = IncomingSms {
        id: world.new_sms("unused", None).id,
        ..first
    };
    let outcome = world.op(Op::InsertSms(again));
    assert!(matches!(outcome, Outcome::SmsRepeated), "{outcome:?}");
    assert_eq!(world.conversation(), ids);
}

/// SMS have no names: nothing of IP is taken for them, and they for nothing.
pub fn an_sms_takes_no_place_from_a_message_by_ip(backend: impl Backend) {
    let mut world = World::bound(backend);
    let sms = world.sms_in("by sms", None);
    let ip = world.ip_in(1, "by ip");
    let again = world.sms_in("by sms again", None);
    assert_eq!(world.conversation(), [sms, ip, again]);
    assert!(matches!(world.op(Op::MarkRead { id: sms }), Outcome::Done));
    assert!(matches!(
        world.op(Op::MarkRead { id: ip }),
        Outcome::ReadTo { .. }
    ));
    assert!(matches!(
        world.op(Op::MarkRead { id: again }),
        Outcome::Done
    ));
}

/// "MPESA" is somebody, and not "mpesa".
pub fn names_are_peers_of_their_own(backend: impl Backend) {
    let mut world = World::bound(backend);
    let name = |name| Peer::Name(SmsName::new(name).expect("a name"));
    for sender in ["MPESA", "mpesa", "40404", "ÜBER"] {
        let sms = IncomingSms {
            peer: name(sender),
            ..world.new_sms("the same text", Some(1))
        };
        let (id, copy_of) = world.take_sms(sms);
        assert_eq!(copy_of, None);
        world.crash();
        assert_eq!(world.record(id).peer, name(sender));
        assert_eq!(
            world
                .conversation_at(name(sender), super::world::at(0))
                .before,
            twine_engine::message::LaneUse::Free
        );
    }
    assert_eq!(world.conversation(), []);
}
