//! What a sender tells of the places of a lane (DELIVERY 18).

use twine_engine::message::{Channel, MessageId, Shown, SmsAttempt};
use twine_engine::parts::PartState;
use twine_engine::store_ops::{Op, Outcome, Released, StoreOps};
use twine_proto::frame::{Disposition, Refusal, RevokeOutcome};
use twine_proto::limits::MAX_NOTE_ENTRIES;
use twine_proto::{Content, Epoch, Filled, LaneSeq, NoteEntry, Seq};

use super::Backend;
use super::short_message::{ask_back, entry, hash, note_of};
use super::world::{DOUBT_MS, EPOCH, World, apply_sent, look, other_peer, own, peer, state};

/// Without a message; `None`: none is due.
fn release_note<B: Backend>(world: &mut World<B>) -> Option<Released> {
    let id = MessageId(world.next_id);
    world.next_id += 1;
    match world.op(Op::ReleaseNote { number: own(), id }) {
        Outcome::Released(released) => {
            assert_eq!((released.id, released.lane_seq), (id, LaneSeq(0)));
            assert_eq!((released.own, released.peer), (own(), peer()));
            Some(released)
        }
        Outcome::Done => None,
        outcome => panic!("{outcome:?}"),
    }
}

/// A message by IP, delivered, and the note it carried.
fn carried<B: Backend>(world: &mut World<B>) -> Vec<NoteEntry> {
    let released = world.open_on_ip("carries the note");
    world.sent(state(released.seq.get(), &[released.seq.get()], &[]));
    note_of(&released)
}

fn resubmitted<B: Backend>(world: &mut World<B>) -> Vec<Released> {
    match world.op(Op::LoadResume {
        number: own(),
        after: Seq(0),
        limit: 50,
    }) {
        Outcome::Resume { in_flight, .. } => {
            in_flight.into_iter().map(|item| item.released).collect()
        }
        outcome => panic!("{outcome:?}"),
    }
}

/// It costs nothing there.
pub fn a_lane_that_never_left_ip_carries_no_note(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = world.send_many(3);
    let refused = (2, Disposition::Refused(Refusal::Policy));
    let after = world.after_sent(3, &[1], &[refused]);
    assert!(!after.note_due);
    world.op(Op::Cancel { id: ids[0] });
    assert_eq!(note_of(&world.open_on_ip("the next")), []);
    assert_eq!(release_note(&mut world).map(|it| it.seq), None);
}

/// The places before it, until their note is acknowledged.
pub fn a_note_rides_along_until_it_is_acknowledged(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.sent_by_sms("by sms");
    let note = [entry(1, Filled::Sms(hash("by sms")))];
    let second = world.open_on_ip("second");
    assert_eq!(second.lane_seq, LaneSeq(2));
    let content = Content::decode(&second.content).expect("readable");
    assert_eq!(content.note, note);
    assert!(content.text.is_some());
    world.crash();
    let third = world.open_on_ip("third");
    let both = [note[0], entry(2, Filled::Ip)];
    assert_eq!(note_of(&third), both, "what is in flight is named as well");
    world.after_sent(2, &[2], &[]);
    world.crash();
    assert_eq!(note_of(&world.open_on_ip("fourth")), []);
}

/// Only the acknowledged one closes, and only what it listed last.
pub fn what_was_not_acknowledged_is_noted_again(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.sent_by_sms("by sms");
    let note = entry(1, Filled::Sms(hash("by sms")));
    world.open_on_ip("refused");
    world.open_on_ip("not listed last");
    let refused = (1, Disposition::Refused(Refusal::TooLarge));
    world.after_sent(2, &[], &[refused]);
    let due = world.due_ids(0);
    world.op(Op::Cancel { id: due[0] });
    let next = world.open_on_ip("the next");
    assert_eq!(
        note_of(&next),
        [note, entry(2, Filled::Void), entry(3, Filled::Ip)]
    );
    world.after_sent(3, &[2, 3], &[]);
    assert_eq!(carried(&mut world), []);
}

/// The gateway compares digests (DELIVERY 4).
pub fn a_note_is_the_same_at_each_resubmission(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.open_on_ip("uncertain");
    world.release_sms(first.id, true);
    world.hand(first.id, 7, 1);
    world.part(7, 0, PartState::Sent);
    let second = world.open_on_ip("carries a note");
    assert_eq!(
        note_of(&second),
        [entry(1, Filled::Both(hash("uncertain")))]
    );
    world.revoked(EPOCH, &[(1, RevokeOutcome::Revoked)]);
    world.crash();
    let again = resubmitted(&mut world);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].content, second.content);
}

/// Trap: the receiver believes in a copy by IP that was revoked meanwhile.
pub fn what_changed_after_it_was_noted_is_noted_again(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.open_on_ip("uncertain");
    world.release_sms(first.id, true);
    world.hand(first.id, 7, 1);
    world.part(7, 0, PartState::Sent);
    world.open_on_ip("carries a note");
    world.revoked(EPOCH, &[(1, RevokeOutcome::Revoked)]);
    world.sent(state(2, &[2], &[]));
    let note = [entry(1, Filled::Sms(hash("uncertain")))];
    assert_eq!(carried(&mut world), note);
    assert_eq!(carried(&mut world), []);

    // The other way round: it was closed, and is open again.
    let uncertain = world.open_on_ip("another");
    world.release_sms(uncertain.id, true);
    world.hand(uncertain.id, 8, 1);
    world.part(8, 0, PartState::Sent);
    let place = uncertain.lane_seq.get();
    let both = [entry(place, Filled::Both(hash("another")))];
    assert_eq!(carried(&mut world), both);
    world.revoked(EPOCH, &[(uncertain.seq.get(), RevokeOutcome::Revoked)]);
    // It let its time pass; then it gives a sign of life.
    world.receive(1);
    let by_sms = [entry(place, Filled::Sms(hash("another")))];
    assert_eq!(carried(&mut world), by_sms);
    assert_eq!(carried(&mut world), []);
}

/// It is sent at once, and once.
pub fn a_resolved_copy_makes_a_note_due(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.open_on_ip("uncertain").id;
    world.release_sms(id, true);
    world.hand(id, 7, 1);
    world.part(7, 0, PartState::Sent);
    assert!(!world.snapshot().identities[0].note_due);
    assert!(release_note(&mut world).is_none());
    let after = world.after_sent(1, &[1], &[]);
    assert!(after.note_due);
    world.crash();
    assert!(world.snapshot().identities[0].note_due);
    let note = release_note(&mut world).expect("one is due");
    assert_eq!((note.epoch, note.seq), (EPOCH, Seq(2)));
    let content = Content::decode(&note.content).expect("readable");
    assert_eq!(content.text, None);
    assert_eq!(content.note, [entry(1, Filled::Both(hash("uncertain")))]);
    assert!(!world.snapshot().identities[0].note_due);
    assert!(release_note(&mut world).is_none());
    assert!(!world.after_sent(2, &[2], &[]).note_due);
    assert_eq!(carried(&mut world), [], "it is acknowledged");
}

/// A message that carries it is as good.
pub fn a_note_that_rides_along_is_not_due_any_more(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.open_on_ip("uncertain").id;
    world.release_sms(id, true);
    world.hand(id, 7, 1);
    world.part(7, 0, PartState::Sent);
    world.op(ask_back(id, 400));
    assert!(
        world
            .after(Op::ApplyRevoked {
                number: own(),
                epoch: EPOCH,
                results: vec![(Seq(1), RevokeOutcome::Revoked)],
                look: look(DOUBT_MS),
            })
            .note_due
    );
    let next = world.open_on_ip("rides along");
    assert_eq!(note_of(&next), [entry(1, Filled::Sms(hash("uncertain")))]);
    assert!(!world.snapshot().identities[0].note_due);
    assert!(release_note(&mut world).is_none());
}

/// Who carried it was taken back or refused: it is to be told by another.
pub fn a_note_that_did_not_arrive_is_due_again(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.sent_by_sms("by sms");
    world.open_on_ip("named by two");
    world.open_on_ip("carries it as well");
    let refused = |seq| [(seq, Disposition::Refused(Refusal::TooLarge))];
    let after = world.after_sent(2, &[], &refused(1));
    assert!(!after.note_due, "another carries it");
    let after = world.after_sent(2, &[], &refused(2));
    assert!(after.note_due);
    world.crash();
    let note = release_note(&mut world).expect("one is due");
    assert_eq!(note_of(&note)[0], entry(1, Filled::Sms(hash("by sms"))));
    // A gateway that refuses notes is not asked again and again.
    let seq = note.seq.get();
    let after = world.after_sent(seq, &[], &refused(seq));
    assert!(!after.note_due);
    assert!(release_note(&mut world).is_none());
}

/// A mailbox is not full for ever; and nobody asks it again and again.
pub fn a_note_that_found_a_mailbox_full_is_due_in_the_next_session(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.open_on_ip("uncertain").id;
    world.release_sms(id, true);
    world.hand(id, 7, 1);
    world.part(7, 0, PartState::Sent);
    world.after_sent(1, &[1], &[]);
    for seq in 2..5 {
        let note = release_note(&mut world).expect("one is due");
        assert_eq!(note_of(&note), [entry(1, Filled::Both(hash("uncertain")))]);
        let full = Disposition::Refused(Refusal::MailboxFull);
        assert!(!world.after_sent(seq, &[], &[(seq, full)]).note_due);
        assert!(!world.after_sent(seq, &[], &[]).note_due);
        world.crash();
        assert!(world.snapshot().identities[0].note_due);
    }
    let note = release_note(&mut world).expect("one is due");
    let seq = note.seq.get();
    world.after_sent(seq, &[seq], &[]);
    assert!(!world.snapshot().identities[0].note_due);
}

/// The receiver was away for longer than mail is kept, and nothing else is written to it.
pub fn a_note_that_expired_is_due_again(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.open_on_ip("uncertain").id;
    world.release_sms(id, true);
    world.hand(id, 7, 1);
    world.part(7, 0, PartState::Sent);
    assert!(world.after_sent(1, &[1], &[]).note_due);
    for seq in 2..5 {
        let note = release_note(&mut world).expect("one is due");
        assert_eq!(note_of(&note), [entry(1, Filled::Both(hash("uncertain")))]);
        assert!(release_note(&mut world).is_none());
        let after = world.after_sent(seq, &[], &[(seq, Disposition::Expired)]);
        assert!(after.note_due);
        world.crash();
    }
    let note = release_note(&mut world).expect("one is due");
    let seq = note.seq.get();
    assert!(!world.after_sent(seq, &[seq], &[]).note_due);
}

/// One after the other, until the receiver knows all.
pub fn what_a_full_note_left_out_is_due(backend: impl Backend) {
    let mut world = World::bound(backend);
    let places = MAX_NOTE_ENTRIES + 3;
    for _ in 0..places {
        world.sent_by_sms("by sms");
    }
    let first = world.open_on_ip("carries as many as it can");
    assert_eq!(note_of(&first).len(), MAX_NOTE_ENTRIES);
    assert!(world.after_sent(1, &[1], &[]).note_due);
    world.crash();
    let rest = release_note(&mut world).expect("one is due");
    assert_eq!(note_of(&rest).len(), 3);
    assert!(!world.after_sent(2, &[2], &[]).note_due);
    assert!(release_note(&mut world).is_none());
}

/// However many were taken back before it.
pub fn what_left_ip_is_noted_behind_many_that_did_not(backend: impl Backend) {
    let mut world = World::bound(backend);
    let places = MAX_NOTE_ENTRIES as u64 + 3;
    for seq in 1..=places {
        let id = world.open_on_ip("taken back").id;
        let refused = (seq, Disposition::Refused(Refusal::Policy));
        world.after_sent(seq, &[], &[refused]);
        world.op(Op::Cancel { id });
    }
    let id = world.open_on_ip("uncertain").id;
    world.release_sms(id, true);
    world.hand(id, 7, 1);
    world.part(7, 0, PartState::Sent);
    let seq = places + 1;
    assert!(world.after_sent(seq, &[seq], &[]).note_due);
    let note = note_of(&release_note(&mut world).expect("one is due"));
    assert_eq!(note.len(), MAX_NOTE_ENTRIES);
    let last = entry(seq, Filled::Both(hash("uncertain")));
    assert_eq!(note.last(), Some(&last));
    assert_eq!(note.first(), Some(&entry(5, Filled::Void)));
}

/// It has a seq, and nothing else of a message.
pub fn a_note_without_a_message_is_seen_by_nobody(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.open_on_ip("uncertain").id;
    world.release_sms(id, true);
    world.hand(id, 7, 1);
    world.part(7, 0, PartState::Sent);
    world.after_sent(1, &[1], &[]);
    let before = world.snapshot();
    let note = release_note(&mut world).expect("one is due");
    world.crash();
    let released = world.snapshot();
    assert_eq!(released.outbox, before.outbox);
    assert_eq!(released.latest_event, before.latest_event);
    let held = released.identities[0].held.expect("an epoch");
    assert_eq!((held.next_seq, held.lowest_unsettled), (Seq(3), Seq(2)));
    assert_eq!(released.identities[0].queued, 0);
    assert_eq!(world.outbox(), []);
    assert_eq!(world.conversation(), [id]);
    assert!(matches!(
        world.op(Op::Cancel { id: note.id }),
        Outcome::NotFound
    ));
    let again = resubmitted(&mut world);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].content, note.content);
    assert_eq!((again[0].id, again[0].lane_seq), (note.id, LaneSeq(0)));
    world.after_sent(2, &[], &[]);
    world.done(Op::Unaccept {
        number: own(),
        epoch: EPOCH,
        high_water: Seq(1),
    });
    assert_eq!(resubmitted(&mut world).len(), 1);
    let outcome = world.op(apply_sent(EPOCH, state(2, &[2], &[])));
    assert!(
        matches!(outcome, Outcome::Applied { settled: 0, .. }),
        "no message left the outbox: {outcome:?}"
    );
    let settled = world.snapshot();
    let held = settled.identities[0].held.expect("an epoch");
    assert_eq!(held.lowest_unsettled, Seq(3));
    assert_eq!(settled.latest_event, before.latest_event);
    let gone = world.store().message(note.id);
    assert!(matches!(gone, Ok(None)));
}

/// What it said is not known to have arrived.
pub fn a_note_that_was_refused_leaves_its_places_open(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.open_on_ip("uncertain").id;
    world.release_sms(id, true);
    world.hand(id, 7, 1);
    world.part(7, 0, PartState::Sent);
    world.after_sent(1, &[1], &[]);
    let note = release_note(&mut world).expect("one is due");
    let refused = (2, Disposition::Refused(Refusal::MailboxFull));
    world.after_sent(2, &[], &[refused]);
    assert!(matches!(world.store().message(note.id), Ok(None)));
    assert_eq!(
        carried(&mut world),
        [entry(1, Filled::Both(hash("uncertain")))]
    );
    assert_eq!(world.shown(id), Shown::Delivered);
}

/// Nothing came of these places.
pub fn places_that_stayed_empty_are_noted_with_the_others(backend: impl Backend) {
    let mut world = World::bound(backend);
    let cancelled = world.open_on_ip("cancelled").id;
    world.op(Op::Cancel { id: cancelled });
    world.revoked(EPOCH, &[(1, RevokeOutcome::Revoked)]);
    assert_eq!(world.sms(cancelled), SmsAttempt::NotUsed);
    world.sent_by_sms("by sms");
    let undecided = world.open_on_ip("to be decided").id;
    world.after_sent(2, &[], &[(2, Disposition::Expired)]);
    world.looks(super::short_message::wait(
        undecided,
        world.attempts(undecided),
        Some(twine_engine::message::WaitsFor::User),
        None,
    ));
    assert_eq!(
        note_of(&world.open_on_ip("the next")),
        [
            entry(1, Filled::Void),
            entry(2, Filled::Sms(hash("by sms")))
        ],
        "of the third nothing is known yet"
    );
}

/// The receiver is to expect another copy.
pub fn what_leaves_by_sms_once_more_is_noted_though_it_was_told(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.handed("hello", 1);
    world.op(Op::SettleUnknown { id });
    let told = [entry(1, Filled::Sms(hash("hello")))];
    assert_eq!(carried(&mut world), told);
    assert_eq!(carried(&mut world), []);
    world.op(super::short_message::by(id, Some(Channel::Sms)));
    world.release_sms(id, true);
    world.hand(id, 2, 1);
    world.part(2, 0, PartState::Sent);
    world.crash();
    let again = [entry(1, Filled::SmsAgain(hash("hello")))];
    assert_eq!(carried(&mut world), again);
    assert_eq!(carried(&mut world), []);
}

/// A partial attempt may have been read.
pub fn an_earlier_attempt_by_sms_is_noted(backend: impl Backend) {
    let mut world = World::bound(backend);
    let id = world.undecided("two parts");
    world.release_sms(id, false);
    world.hand(id, 7, 2);
    world.part(7, 0, PartState::Unknown);
    world.part(7, 1, PartState::Refused);
    world.op(super::short_message::by(id, Some(Channel::Ip)));
    world.queue_for_ip(id);
    assert_eq!(world.release(id).lane_seq, LaneSeq(1));
    assert_eq!(
        note_of(&world.open_on_ip("the next")),
        [entry(1, Filled::Both(hash("two parts")))]
    );
}

/// The lowest first; the others follow.
pub fn a_note_has_a_bounded_number_of_entries(backend: impl Backend) {
    let mut world = World::bound(backend);
    let count = MAX_NOTE_ENTRIES as u64 + 3;
    for _ in 0..count {
        world.sent_by_sms("by sms");
    }
    let places = |note: Vec<NoteEntry>| -> Vec<u64> {
        note.iter().map(|entry| entry.lane_seq.get()).collect()
    };
    let all: Vec<u64> = (1..=count).collect();
    assert_eq!(places(carried(&mut world)), all[..MAX_NOTE_ENTRIES]);
    assert_eq!(places(carried(&mut world)), all[MAX_NOTE_ENTRIES..]);
    assert_eq!(places(carried(&mut world)), []);
}

/// A lane is one conversation in one epoch.
pub fn a_note_is_about_its_own_lane(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.sent_by_sms("by sms");
    let elsewhere = world.enqueue_to(other_peer());
    assert_eq!(note_of(&world.release(elsewhere)), []);
    world.bind(Epoch(691));
    assert_eq!(note_of(&world.open_on_ip("in the new epoch")), []);
}

/// If the receiver has it already, a note would not be read: it rides with another.
pub fn what_is_sent_again_in_its_place_carries_no_note(backend: impl Backend) {
    let mut world = World::bound(backend);
    let again = world.send("again");
    world.after_sent(1, &[], &[(1, Disposition::Expired)]);
    world.sent_by_sms("by sms");
    world.retry(again);
    let released = world.release(again);
    assert_eq!(released.lane_seq.get(), 1, "its place");
    assert_eq!(note_of(&released), []);
    let next = world.open_on_ip("next");
    assert_eq!(note_of(&next).len(), 2);
}
