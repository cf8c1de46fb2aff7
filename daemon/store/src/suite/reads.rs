//! What readers find.

use twine_engine::message::{
    Channel, Direction, IpAttempt, MessageId, MessageRecord, OrderKey, SentAs, Shown, SmsAttempt,
    SmsRecord,
};
use twine_engine::store_ops::{EventCursor, Op, StoreOps};
use twine_proto::{Epoch, LaneSeq, Redacted, Seq};

use super::Backend;
use super::world::{EPOCH, World, name, other_peer, own, peer, second_own, state};

/// Every field.
pub fn an_outgoing_message_reads_back(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.enqueue("hello");
    let created = world.wall;
    let released = world.release(id);
    let changed = world.wall;
    world.crash();
    assert_eq!(
        world.record(id),
        MessageRecord {
            id,
            direction: Direction::Outgoing,
            own: own(),
            peer: peer().into(),
            text: Some(Redacted::new("hello".to_owned())),
            name: Some(twine_proto::MessageName {
                from: own(),
                epoch: EPOCH,
                to: peer(),
                lane_seq: released.lane_seq,
            }),
            ip: IpAttempt::InFlight(SentAs {
                epoch: EPOCH,
                seq: Seq(1),
            }),
            sms: SmsRecord {
                state: SmsAttempt::NotUsed,
                ..SmsRecord::default()
            },
            waits_for: None,
            came_by: Channel::Ip,
            copy_of: None,
            late: false,
            take_back: None,
            shown: Shown::Sending,
            order: OrderKey {
                position: id.0,
                epoch: Epoch(0),
                lane_seq: LaneSeq(0),
            },
            created,
            changed,
            age_s: 0,
        }
    );
}

/// Every field.
pub fn an_incoming_message_reads_back(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.receive(3);
    let wall = world.wall;
    world.crash();
    assert_eq!(
        world.record(id),
        MessageRecord {
            id,
            direction: Direction::Incoming,
            own: own(),
            peer: peer().into(),
            text: Some(Redacted::new("text 3".to_owned())),
            name: Some(name(peer(), EPOCH, 3)),
            ip: IpAttempt::None,
            sms: SmsRecord::default(),
            waits_for: None,
            came_by: Channel::Ip,
            copy_of: None,
            late: false,
            take_back: None,
            shown: Shown::Received,
            order: OrderKey {
                position: id.0,
                epoch: EPOCH,
                lane_seq: LaneSeq(3),
            },
            created: wall,
            changed: wall,
            age_s: 7,
        }
    );
    let unknown = world.store().message(MessageId(999));
    assert!(matches!(unknown, Ok(None)));
}

/// A page begins strictly before the key of the last one.
pub fn history_comes_newest_first_in_pages(backend: impl Backend) {
    let mut world = World::bound(backend);
    let mut ids = Vec::new();
    for place in [2, 1, 5, 4, 3] {
        ids.push(world.receive(place));
        ids.push(world.send("in between"));
        world.enqueue_to(other_peer());
    }
    let all: Vec<_> = world.history(None, 100).iter().map(|m| m.id).collect();
    assert_eq!(all.len(), ids.len());
    for size in 1..=4 {
        let mut paged = Vec::new();
        let mut before = None;
        loop {
            let page = world.history(before, size);
            let Some(last) = page.last() else {
                break;
            };
            assert!(page.len() <= size);
            before = Some(last.order);
            paged.extend(page.iter().map(|message| message.id));
        }
        assert_eq!(paged, all, "pages of {size}");
    }
    let keys: Vec<_> = world.history(None, 100).iter().map(|m| m.order).collect();
    assert!(keys.windows(2).all(|pair| pair[0] > pair[1]));
    let elsewhere = world.store().history(second_own(), peer().into(), None, 10);
    assert!(matches!(elsewhere, Ok(page) if page.is_empty()));
}

/// Queued and unsettled, whatever their state.
pub fn the_outbox_comes_oldest_first_in_pages(backend: impl Backend) {
    let mut world = World::bound(backend);
    let accepted = world.send("accepted");
    let delivered = world.send("delivered");
    let in_flight = world.send("in flight");
    let queued = world.enqueue("queued");
    let cancelled = world.enqueue("cancelled");
    world.receive(1);
    world.op(Op::Cancel { id: cancelled });
    world.sent(state(2, &[2], &[]));
    world.crash();
    assert_eq!(world.outbox(), [accepted, in_flight, queued]);
    let page = |after, limit| -> Vec<MessageId> {
        world
            .store()
            .outbox(after, limit)
            .unwrap_or_else(|error| panic!("outbox: {error}"))
            .iter()
            .map(|message| message.id)
            .collect()
    };
    assert_eq!(page(MessageId(0), 2), [accepted, in_flight]);
    assert_eq!(page(in_flight, 2), [queued]);
    assert_eq!(page(delivered, 1), [in_flight]);
}

/// Everything the engine begins with.
pub fn a_snapshot_says_where_to_start(backend: impl Backend) {
    let mut world = World::empty(backend);
    let empty = world.snapshot();
    assert_eq!(empty.next_message, 1);
    assert_eq!(empty.latest_event, EventCursor(0));
    assert_eq!((empty.identities.len(), empty.outbox), (0, 0));
    world.register(own());
    world.bind(EPOCH);
    let session_no = world.session(0);
    world.send_many(2);
    let last = world.enqueue("queued");
    world.sent(state(1, &[1], &[]));
    world.crash();
    let snapshot = world.snapshot();
    assert_eq!(snapshot.next_message, last.0 + 1);
    assert_eq!(snapshot.session_no, session_no);
    assert_eq!(snapshot.latest_event, EventCursor(6));
    assert_eq!(snapshot.outbox, 2);
    let identity = &snapshot.identities[0];
    assert_eq!((identity.number, identity.queued), (own(), 1));
    let held = identity.held.expect("an epoch");
    assert_eq!((held.next_seq, held.lowest_unsettled), (Seq(3), Seq(2)));
}

/// A device-local id is given at commit (DELIVERY 1).
pub fn ids_are_never_given_twice(backend: impl Backend) {
    let mut world = World::bound(backend);
    let sent = world.enqueue("sent");
    assert_eq!(world.snapshot().next_message, sent.0 + 1);
    let received = world.receive(1);
    world.crash();
    assert_eq!(world.snapshot().next_message, received.0 + 1);
    // A duplicate's id was not given to anything.
    let unused = world.take(super::world::text_body(name(peer(), EPOCH, 1), "text 1"));
    assert!(matches!(
        unused,
        twine_engine::store_ops::Outcome::Duplicate { .. }
    ));
    assert!(world.snapshot().next_message > received.0);
}
