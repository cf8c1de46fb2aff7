//! A commit that fails, on both sides of the disk.
mod common;

use common::*;
use twine_gateway_core::Input;
use twine_gateway_core::memory::CommitFault;
use twine_proto::Seq;

#[test]
fn nothing_leaves_a_turn_that_failed() {
    for fault in [CommitFault::Lost, CommitFault::Kept] {
        let mut world = World::new();
        let (a, b) = (world.join(1), world.join(2));
        world.storage.plan_fault(0, fault);
        let done = world.try_turn(vec![Input::Frame {
            conn: a,
            frame: submit(1, 2),
        }]);
        assert!(!done);
        assert!(world.heard(a).is_empty() && world.heard(b).is_empty());
        // Both were touched: the receiver's position moved in memory.
        assert!(world.closed.contains(&a) && world.closed.contains(&b));

        let (b, _) = world.hello(device(2), vec![held(2, FIRST_EPOCH, 1, 1)]);
        let (a, welcome) = world.hello(device(1), vec![held(1, FIRST_EPOCH, 2, 1)]);
        let kept = fault == CommitFault::Kept;
        assert_eq!(welcome.slots[0].state.high_water, Seq(u64::from(kept)));
        let heard = world.ask(a, submit(1, 2));
        assert_eq!(accepted(&heard).upto, Seq(1));
        assert_eq!(accepted(&heard).conflict, None);
        assert_eq!(cursors(&world.heard(b)), [1], "once, whatever happened");
    }
}

#[test]
fn a_hello_that_failed_serves_nobody_and_a_bystander_stays() {
    let mut world = World::new();
    world.bind(number(3), device(3));
    let (a, bystander) = (world.join(1), world.join(3));
    world.storage.plan_fault(1, CommitFault::Lost);
    let newer = world.connect(device(1));
    let hello = twine_proto::frame::Hello {
        session_no: world.next_session(device(1)),
        after: twine_proto::SessionNo(0),
        slots: vec![held(1, FIRST_EPOCH, 1, 1)],
    };
    let done = world.try_turn(vec![Input::Frame {
        conn: newer,
        frame: twine_proto::Frame::Hello(hello),
    }]);
    assert!(!done);
    assert!(world.closed.contains(&newer));
    assert!(world.closed.contains(&a), "it was displaced in memory");
    assert!(!world.closed.contains(&bystander));
    assert_eq!(
        accepted(&world.ask(bystander, submit(1, 1))).away,
        vec![Seq(1)]
    );
}

#[test]
fn a_connection_that_came_in_a_failed_turn_is_lost_too() {
    let mut world = World::new();
    world.storage.plan_fault(0, CommitFault::Lost);
    let conn = twine_gateway_core::ConnId(77);
    assert!(!world.try_turn(vec![Input::Connected {
        conn,
        device: device(1),
    }]));
    assert!(world.closed.contains(&conn));
    assert_eq!(world.core.connections(), (0, 0));
}
