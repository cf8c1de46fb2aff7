//! Copies by both channels, and the places of SMS (DELIVERY 7, 17, 18, 20).

use twine_engine::limits::MAX_PENDING_NOTES;
use twine_engine::merging::{MARK_CANDIDATES, MERGE_WITHIN};
use twine_engine::message::{Channel, MessageId, Shown};
use twine_engine::store_ops::{
    BootStamp, EventKind, Incoming, IncomingBody, IncomingSms, Op, Outcome,
};
use twine_engine::time::{BootId, Instant};
use twine_proto::{Digest, Epoch, Filled, LaneSeq, Peer, SmsName};

use super::Backend;
use super::short_message::{entry, hash};
use super::world::{EPOCH, World, at, key, name, other_peer, own, peer, state};

fn day_ms() -> u64 {
    u64::try_from(MERGE_WITHIN.as_millis()).expect("fits")
}

/// The events of a copy.
fn received_and_merged(root: MessageId) -> [(EventKind, Option<MessageId>); 2] {
    [(EventKind::Received, None), (EventKind::Merged, Some(root))]
}

/// Whichever comes first stays in the conversation.
pub fn a_marked_copy_merges_in_both_orders(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ip = world.ip_in(5, "the same");
    let sms = world.sms_in("the same", Some(5));
    world.crash();
    assert_eq!(world.copy_of(sms), Some(ip));
    assert_eq!(world.conversation(), [ip]);
    assert_eq!(world.shown(sms), Shown::Received, "it is still there");
    assert_eq!(world.kinds(sms), received_and_merged(ip));

    let sms = world.sms_in("other text", Some(6));
    let later_ip = world.ip_in(6, "other text");
    assert_eq!(world.copy_of(later_ip), Some(sms));
    assert_eq!(world.conversation(), [ip, sms]);
    assert_eq!(world.kinds(later_ip), received_and_merged(sms));
    assert_eq!(world.record(sms).came_by, Channel::Sms);
    assert_eq!(world.record(later_ip).came_by, Channel::Ip);
}

/// Text by text, place by place, conversation by conversation.
pub fn only_what_fits_is_merged(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.ip_in(5, "the same");
    let mut count = 1;
    let mut alone = |world: &mut World<_>, sms: IncomingSms, why: &str| {
        let (_, copy_of) = world.take_sms(sms);
        assert_eq!(copy_of, None, "{why}");
        count += 1;
    };
    let sms = world.new_sms("the same", None);
    alone(&mut world, sms, "no mark");
    let sms = world.new_sms("the same", Some(6));
    alone(&mut world, sms, "another place");
    let sms = world.new_sms("The same", Some(5));
    alone(&mut world, sms, "another text");
    let sms = IncomingSms {
        peer: other_peer().into(),
        ..world.new_sms("the same", Some(5))
    };
    alone(&mut world, sms, "another peer");
    let sms = IncomingSms {
        own: super::world::second_own(),
        ..world.new_sms("the same", Some(5))
    };
    alone(&mut world, sms, "another own number");
    // Spaces at the end say nothing: operators cut them.
    let sms = world.new_sms("the same  ", Some(5));
    assert!(world.take_sms(sms).1.is_some());
    let sms = world.new_sms("the same", Some(5));
    alone(&mut world, sms, "it has a copy already");
}

/// Two messages might be meant: both are shown.
pub fn an_ambiguous_mark_merges_nothing(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ids = [world.ip_in(1, "ok"), world.ip_in(5, "ok")];
    let sms = world.sms_in("ok", Some(5));
    assert_eq!(world.copy_of(sms), None);
    assert_eq!(world.conversation(), [ids[0], ids[1], sms]);

    let mut world_of_sms = [world.sms_in("yes", Some(7)), world.sms_in("yes?", Some(7))];
    world_of_sms.sort_unstable();
    let ip = world.ip_in(7, "yes");
    assert_eq!(world.copy_of(ip), Some(world_of_sms[0]));
}

/// From a phone that is, or was, on IP: what it sends may be marked.
fn heard_by_ip<B: Backend>(world: &mut World<B>) -> MessageId {
    world.receive_from(peer(), Epoch(EPOCH.get() - 1), 1)
}

/// Keyboards put spaces at the end of a text as well, and who is not on IP writes no notes
/// that would part what they seem to mark.
pub fn what_a_stranger_says_twice_is_two_messages(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.sms_in("ok", Some(1));
    let second = world.sms_in("ok", Some(1));
    assert_eq!(world.copy_of(second), None);
    assert_eq!(world.conversation(), [first, second]);
}

/// Two attempts by SMS carry the same mark.
pub fn two_marked_sms_are_one_message(backend: impl Backend) {
    let mut world = World::bound(backend);
    let heard = heard_by_ip(&mut world);
    let first = world.sms_in("twice", Some(3));
    let second = world.sms_in("twice", Some(3));
    assert_eq!(world.copy_of(second), Some(first));
    assert_eq!(world.conversation(), [heard, first]);
}

/// A retry after an unknown result: three copies, and the note says that its SMS left
/// twice.
pub fn every_copy_of_what_was_resent_is_one_message(backend: impl Backend) {
    let note = |place| vec![entry(place, Filled::BothAgain(hash("once more")))];
    let mut world = World::bound(backend);
    let ip = world.ip_in(5, "once more");
    let first = world.sms_in("once more", Some(5));
    let second = world.sms_in("once more", Some(5));
    assert_eq!(world.copy_of(second), None, "one is paired already");
    world.note_in(note(5));
    world.crash();
    assert_eq!(world.conversation(), [ip]);
    assert_eq!(world.copy_of(first), Some(ip));
    assert_eq!(world.kinds(second), received_and_merged(ip));

    // The second comes last.
    let ip = world.ip_in(6, "once more");
    let first = world.sms_in("once more", Some(6));
    world.note_in(note(6));
    world.crash();
    let (second, copy_of) = {
        let sms = world.new_sms("once more", Some(6));
        world.take_sms(sms)
    };
    assert_eq!(copy_of, Some(ip));
    let (_, copy_of) = {
        let sms = world.new_sms("once more", Some(6));
        world.take_sms(sms)
    };
    assert_eq!(copy_of, None, "it waited for one");
    assert_eq!(world.copy_of(first), Some(ip));
    assert_eq!(world.copy_of(second), Some(ip));
}

/// Two messages of equal text and residue, each gone by SMS alone: the note that names
/// both places shows both.
pub fn a_note_undoes_a_merge_of_two_sms(backend: impl Backend) {
    let mut world = World::bound(backend);
    let heard = heard_by_ip(&mut world);
    let first = world.sms_in("ok", Some(1));
    let second = world.sms_in("ok", Some(5));
    assert_eq!(world.copy_of(second), Some(first), "on the mark");
    world.note_in(vec![
        entry(1, Filled::Sms(hash("ok"))),
        entry(5, Filled::Sms(hash("ok"))),
    ]);
    world.crash();
    assert_eq!(world.copy_of(second), None);
    assert_eq!(world.conversation(), [heard, first, second]);
    assert_eq!(
        world.kinds(second),
        [
            (EventKind::Received, None),
            (EventKind::Merged, Some(first)),
            (EventKind::Unmerged, Some(first)),
        ]
    );
}

/// Whoever sends as a name has no places: what it says twice are two messages.
pub fn what_a_name_says_is_never_merged(backend: impl Backend) {
    let mut world = World::bound(backend);
    let bank = Peer::Name(SmsName::new("BANK").expect("a name"));
    world.ip_in(3, "your code");
    for _ in 0..2 {
        let sms = IncomingSms {
            peer: bank,
            ..world.new_sms("your code", Some(3))
        };
        assert_eq!(world.take_sms(sms).1, None);
    }
}

/// Believed for a day; between boots no time is known to have passed.
pub fn a_mark_is_believed_for_a_day(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.ip_in(5, "too late");
    let late = IncomingSms {
        boot: at(day_ms() + 1),
        ..world.new_sms("too late", Some(5))
    };
    assert_eq!(world.take_sms(late).1, None);
    let ip = world.ip_in(7, "in time");
    let in_time = IncomingSms {
        boot: at(day_ms()),
        ..world.new_sms("in time", Some(7))
    };
    assert_eq!(world.take_sms(in_time).1, Some(ip));

    let ip = world.ip_in(6, "of the boot before");
    let next_boot = IncomingSms {
        boot: BootStamp {
            boot: BootId(7),
            at: Instant(9 * day_ms()),
        },
        ..world.new_sms("of the boot before", Some(6))
    };
    assert_eq!(world.take_sms(next_boot).1, Some(ip));
}

/// Among the last messages of the conversation.
pub fn a_mark_looks_back_over_a_few_messages(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.ip_in(1, "far back");
    let near = world.ip_in(2, "near enough");
    for place in 3..=MARK_CANDIDATES as u64 {
        world.ip_in(place, "in between");
        world.send("ours do not count");
    }
    let sms = world.sms_in("near enough", Some(2));
    assert_eq!(world.copy_of(sms), Some(near));
    world.ip_in(MARK_CANDIDATES as u64 + 1, "one more");
    let sms = world.sms_in("far back", Some(1));
    assert_eq!(world.copy_of(sms), None);
}

/// A gateway restored from a backup delivers with a flag (DELIVERY 7).
pub fn what_may_have_come_by_sms_needs_no_mark(backend: impl Backend) {
    let mut world = World::bound(backend);
    let sms = world.sms_in("by sms", None);
    let flagged = |world: &mut World<_>, place, text| {
        let incoming = Incoming {
            maybe_by_sms: true,
            ..world.new_ip_in(place, text, Vec::new())
        };
        world.take_ip(incoming)
    };
    let ip = flagged(&mut world, 1, "by sms");
    assert_eq!(world.copy_of(ip), Some(sms));
    let ip = flagged(&mut world, 2, "the other way");
    world.crash();
    let sms = world.sms_in("the other way", None);
    assert_eq!(world.copy_of(sms), Some(ip));
}

/// The proof (DELIVERY 18): the oldest with the text has the lowest place.
pub fn a_note_gives_an_sms_its_place(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.sms_in("ok", None);
    let ours = world.send("ours");
    let second = world.sms_in("OK?", None);
    let third = world.sms_in("ok", None);
    let note = vec![
        entry(1, Filled::Sms(hash("ok"))),
        entry(3, Filled::Sms(hash("ok"))),
    ];
    let carrier = world.new_ip_in(4, "carries the note", note);
    let carrier = world.take_ip(carrier);
    world.crash();
    let place = |id| {
        let record = world.record(id);
        (record.order.epoch, record.order.lane_seq, record.name)
    };
    let named = |place| Some(name(peer(), EPOCH, place));
    assert_eq!(place(first), (EPOCH, LaneSeq(1), named(1)));
    assert_eq!(place(second), (Epoch(0), LaneSeq(0), None));
    assert_eq!(place(third), (EPOCH, LaneSeq(3), named(3)));
    assert_eq!(
        world.conversation(),
        [first, ours, second, third, carrier],
        "they stood right"
    );
    for id in [first, third] {
        assert_eq!(world.kinds(id), [(EventKind::Received, None)], "unmoved");
    }
}

/// It is found by its text, not among the last few.
pub fn a_note_names_an_sms_however_many_came_since(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ip = world.ip_in(5, "uncertain");
    for no in 0..100 {
        world.sms_in(&format!("another {no}"), None);
    }
    let sms = world.sms_in("uncertain", Some(5));
    assert_eq!(world.copy_of(sms), None, "too far back for the mark");
    for no in 100..200 {
        world.sms_in(&format!("another {no}"), None);
    }
    world.note_in(vec![entry(5, Filled::Both(hash("uncertain")))]);
    world.crash();
    assert_eq!(world.copy_of(sms), Some(ip));
}

/// Its place decides, not its arrival (DELIVERY 20).
pub fn an_sms_moves_to_its_place(backend: impl Backend) {
    let mut world = World::bound(backend);
    let fifth = world.ip_in(5, "fifth");
    let ours = world.send("ours");
    let sms = world.sms_in("third", None);
    let second = world.sms_in("seventh", None);
    let eighth = world.ip_in(8, "eighth");
    assert_eq!(world.conversation(), [fifth, ours, sms, second, eighth]);
    world.note_in(vec![
        entry(3, Filled::Sms(hash("third"))),
        entry(7, Filled::Sms(hash("seventh"))),
    ]);
    world.crash();
    assert_eq!(world.conversation(), [sms, fifth, ours, second, eighth]);
    assert_eq!(key(&world.record(sms)), (fifth.0, 690, 3));
    assert_eq!(
        world.kinds(sms),
        [(EventKind::Received, None), (EventKind::Reordered, None)]
    );
    assert_eq!(world.kinds(second), [(EventKind::Received, None)]);
    // What comes late by IP finds its place between them.
    let fourth = world.ip_in(4, "fourth");
    let sixth = world.ip_in(6, "sixth");
    assert_eq!(
        world.conversation(),
        [sms, fourth, fifth, ours, sixth, second, eighth]
    );
    // Behind what came before it.
    let tenth = world.sms_in("tenth", None);
    let ninth = world.ip_in(9, "ninth");
    world.note_in(vec![entry(10, Filled::Sms(hash("tenth")))]);
    assert_eq!(
        world.conversation()[6..],
        [eighth, ninth, tenth],
        "it moved behind"
    );
    assert_eq!(key(&world.record(tenth)), (ninth.0, 690, 10));
}

/// The order of the two does not matter.
pub fn a_note_may_come_before_its_sms(backend: impl Backend) {
    let mut world = World::bound(backend);
    world.note_in(vec![
        entry(2, Filled::Sms(hash("second"))),
        entry(1, Filled::Sms(hash("first"))),
        entry(3, Filled::Sms(hash("first"))),
    ]);
    let carrier = world.ip_in(4, "fourth");
    world.crash();
    let third_or_first = world.sms_in("first", None);
    let second = world.sms_in("second", None);
    world.crash();
    let third = world.sms_in("first", None);
    let more = world.sms_in("first", None);
    let places: Vec<_> = [third_or_first, second, third, more]
        .iter()
        .map(|id| world.record(*id).order.lane_seq.get())
        .collect();
    assert_eq!(places, [1, 2, 3, 0], "the lowest place first");
    assert_eq!(
        world.conversation(),
        [third_or_first, second, third, carrier, more]
    );
}

/// On both channels: one message, without any mark.
pub fn a_note_merges_what_went_both_ways(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ip = world.ip_in(1, "both");
    let sms = world.sms_in("both", None);
    assert_eq!(world.copy_of(sms), None);
    world.note_in(vec![entry(1, Filled::Both(hash("both")))]);
    world.crash();
    assert_eq!(world.copy_of(sms), Some(ip));
    assert_eq!(world.kinds(sms), received_and_merged(ip));
    // The note first, then the SMS.
    let ip = world.ip_in(2, "two");
    world.note_in(vec![entry(2, Filled::Both(hash("two")))]);
    let sms = world.sms_in("two", None);
    assert_eq!(world.copy_of(sms), Some(ip));
    // The SMS, the note, then the message by IP.
    let sms = world.sms_in("three", None);
    world.note_in(vec![entry(3, Filled::Both(hash("three")))]);
    assert_eq!(world.copy_of(sms), None);
    let ip = world.ip_in(3, "three");
    assert_eq!(world.copy_of(ip), Some(sms), "the first shown stays");
    assert!(!world.conversation().contains(&ip));
    assert_eq!(world.kinds(ip), received_and_merged(sms));
}

/// A name given twice, because sender and gateway forgot the same time: the note
/// speaks of the other message.
pub fn a_note_about_another_message_of_the_name_merges_nothing(backend: impl Backend) {
    let mut world = World::bound(backend);
    let first = world.ip_in(1, "the first of the name");
    let second = world.sms_in("the second", None);
    world.note_in(vec![entry(1, Filled::Sms(hash("the second")))]);
    assert_eq!(world.conversation(), [first, second]);
    // The SMS has the place before the first comes.
    let second = world.sms_in("again the second", None);
    world.note_in(vec![entry(2, Filled::Sms(hash("again the second")))]);
    let first = world.ip_in(2, "again the first");
    assert_eq!(world.copy_of(first), None);
    assert_eq!(world.copy_of(second), None);
}

/// A note names an SMS by 16 bits of its text: another SMS of those may be in the
/// place. It is not taken for a copy of the message that comes there by IP, and goes
/// to a place that waits for those bits.
pub fn an_sms_of_the_same_hash_is_no_copy(backend: impl Backend) {
    let mut world = World::bound(backend);
    let (one, other) = ("text 829", "text 1996");
    assert_eq!(hash(one), hash(other), "found by trying");
    let by_sms = world.sms_in(other, None);
    world.note_in(vec![
        entry(1, Filled::Both(hash(one))),
        entry(2, Filled::Sms(hash(other))),
    ]);
    let by_ip = world.ip_in(1, one);
    assert_eq!(world.copy_of(by_ip), None);
    assert_eq!(world.copy_of(by_sms), None);
    let last = world.ip_in(3, "behind both");
    world.crash();
    assert_eq!(world.conversation(), [by_ip, by_sms, last]);
    // Its own SMS finds it.
    let copy = world.sms_in(one, None);
    assert_eq!(world.copy_of(copy), Some(by_ip));
    // The message first: the SMS of the other is not merged with it.
    let by_ip = world.ip_in(4, one);
    let by_sms = world.sms_in(other, None);
    world.note_in(vec![entry(4, Filled::Both(hash(one)))]);
    assert_eq!(world.copy_of(by_sms), None);
    let copy = world.sms_in(one, None);
    assert_eq!(world.copy_of(copy), Some(by_ip));
}

/// It confirms what the mark said, and nothing is to be seen of it.
pub fn a_note_confirms_a_mark(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ip = world.ip_in(5, "the same");
    let sms = world.sms_in("the same", Some(5));
    let events = world.snapshot().latest_event;
    world.note_in(vec![entry(5, Filled::Both(hash("the same")))]);
    assert_eq!(world.snapshot().latest_event, events);
    assert_eq!(world.copy_of(sms), Some(ip));
    assert_eq!(world.record(sms).order.lane_seq, LaneSeq(5));
}

/// A merge on the mark is undone by a contradicting note (DELIVERY 17).
pub fn a_contradicting_note_undoes_a_merge(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ip = world.ip_in(5, "the same");
    let sms = world.sms_in("the same", Some(5));
    assert_eq!(world.copy_of(sms), Some(ip));
    world.note_in(vec![entry(5, Filled::Ip)]);
    world.crash();
    assert_eq!(world.copy_of(sms), None);
    assert_eq!(world.conversation(), [ip, sms]);
    assert_eq!(
        world.kinds(sms),
        [
            (EventKind::Received, None),
            (EventKind::Merged, Some(ip)),
            (EventKind::Unmerged, Some(ip))
        ]
    );
}

/// It was a copy of another message than the mark made it.
pub fn a_note_takes_an_sms_from_the_wrong_message(backend: impl Backend) {
    let mut world = World::bound(backend);
    let ip = world.ip_in(5, "ok");
    let sms = world.sms_in("ok", Some(1));
    assert_eq!(world.copy_of(sms), Some(ip), "one of these residues");
    world.note_in(vec![entry(1, Filled::Sms(hash("ok")))]);
    world.crash();
    assert_eq!(world.copy_of(sms), None);
    assert_eq!(key(&world.record(sms)), (ip.0, 690, 1));
    assert_eq!(world.conversation(), [sms, ip]);
}

/// More than a day later it stays where it is, and says so (DELIVERY 20).
pub fn an_sms_that_finds_its_place_late_stays(backend: impl Backend) {
    let mut world = World::bound(backend);
    let fifth = world.ip_in(5, "fifth");
    let sms = world.sms_in("third", None);
    world.note_in_at(
        EPOCH,
        vec![entry(3, Filled::Sms(hash("third")))],
        at(day_ms() + 1),
    );
    world.crash();
    assert_eq!(world.conversation(), [fifth, sms]);
    let record = world.record(sms);
    assert!(record.late);
    assert_eq!(record.order.position, sms.0);
    // Nor does it draw others behind it.
    let second = world.ip_in(2, "second");
    assert_eq!(world.conversation(), [second, fifth, sms]);
}

/// A note moves the cursor of its mailbox, and shows nothing by itself.
pub fn a_note_without_a_message_moves_the_cursor(backend: impl Backend) {
    let mut world = World::bound(backend);
    let events = world.snapshot().latest_event;
    world.note_in(vec![entry(1, Filled::Sms(hash("not here")))]);
    let snapshot = world.snapshot();
    assert_eq!(snapshot.latest_event, events);
    let identity = &snapshot.identities[0];
    assert_eq!((identity.cursor.get(), identity.cursor_check), (1, 7));
    assert_eq!(world.conversation(), []);
    // It takes no place: the message that has it is new.
    world.receive(1);
}

/// An SMS in a place is not the message by IP of that name.
pub fn a_placed_sms_is_no_conflict(backend: impl Backend) {
    let mut world = World::bound(backend);
    let sms = world.sms_in("first", None);
    world.note_in(vec![entry(1, Filled::Sms(hash("first")))]);
    let ip = world.ip_in(1, "first");
    assert_eq!(world.copy_of(ip), Some(sms));
    let body = super::world::text_body(name(peer(), EPOCH, 1), "first");
    let again = world.take(body);
    assert!(
        matches!(again, Outcome::Duplicate { rejected: None }),
        "{again:?}"
    );
    let body = super::world::text_body(name(peer(), EPOCH, 1), "another");
    let conflict = world.take(body);
    assert!(matches!(conflict, Outcome::Conflict { .. }), "{conflict:?}");
    assert_eq!(world.conversation().len(), 2);
}

/// A placeholder whose text came by SMS is no news.
pub fn a_placeholder_in_the_place_of_an_sms_is_its_copy(backend: impl Backend) {
    let mut world = World::bound(backend);
    let sms = world.sms_in("first", None);
    world.note_in(vec![entry(1, Filled::Both(hash("first")))]);
    let unreadable = IncomingBody::Unreadable {
        name: name(peer(), EPOCH, 1),
        digest: Digest(9),
    };
    let outcome = world.take(unreadable);
    let Outcome::Inserted { id } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(world.copy_of(id), Some(sms));
    assert_eq!(world.conversation(), [sms]);
    // Without a note there is no text that could be compared.
    world.sms_in("", Some(2));
    let unreadable = IncomingBody::Unreadable {
        name: name(peer(), EPOCH, 2),
        digest: Digest(9),
    };
    let Outcome::Inserted { id } = world.take(unreadable) else {
        panic!("not taken");
    };
    assert_eq!(world.copy_of(id), None);
}

/// Three copies are one message; all refer to the one that is shown.
pub fn all_copies_refer_to_one_root(backend: impl Backend) {
    let mut world = World::bound(backend);
    let heard = heard_by_ip(&mut world);
    let first = world.sms_in("thrice", Some(3));
    let second = world.sms_in("thrice", Some(3));
    assert_eq!(world.copy_of(second), Some(first));
    world.note_in(vec![entry(3, Filled::Both(hash("thrice")))]);
    let ip = world.ip_in(3, "thrice");
    world.crash();
    assert_eq!(world.copy_of(ip), Some(first));
    assert_eq!(world.copy_of(second), Some(first));
    assert_eq!(world.conversation(), [heard, first]);
}

/// The sender hears of the place, by whichever copy it has one.
pub fn reading_a_root_reads_its_copies(backend: impl Backend) {
    let mut world = World::bound(backend);
    let sms = world.sms_in("both", Some(5));
    let ip = world.ip_in(5, "both");
    assert_eq!(world.copy_of(ip), Some(sms));
    let outcome = world.op(Op::MarkRead { id: sms });
    let Outcome::ReadTo { number, mark } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(number, own());
    assert_eq!(
        (mark.mark.peer, mark.mark.epoch, mark.mark.upto),
        (peer(), EPOCH, LaneSeq(5))
    );
    assert!(matches!(world.op(Op::MarkRead { id: sms }), Outcome::Done));
    // By its own place, if it has no other copy.
    let alone = world.sms_in("alone", None);
    world.note_in(vec![entry(6, Filled::Sms(hash("alone")))]);
    let outcome = world.op(Op::MarkRead { id: alone });
    assert!(
        matches!(outcome, Outcome::ReadTo { mark, .. } if mark.mark.upto == LaneSeq(6)),
        "{outcome:?}"
    );
}

/// Also in a lane of which nothing came by IP.
pub fn reading_an_sms_of_a_new_lane_is_told(backend: impl Backend) {
    let mut world = World::bound(backend);
    let alone = world.sms_in("alone", None);
    world.note_in(vec![entry(2, Filled::Sms(hash("alone")))]);
    let outcome = world.op(Op::MarkRead { id: alone });
    assert!(
        matches!(outcome, Outcome::ReadTo { mark, .. } if mark.mark.upto == LaneSeq(2)),
        "{outcome:?}"
    );
    // And takes nothing from IP.
    let first = world.receive(1);
    assert_eq!(world.shown(first), Shown::Received);
    let second = world.ip_in(2, "alone");
    assert_eq!(world.copy_of(second), Some(alone));
}

/// Beyond the bound the oldest are forgotten.
pub fn pending_notes_are_bounded(backend: impl Backend) {
    let mut world = World::bound(backend);
    let count = MAX_PENDING_NOTES as u64 + 2;
    for place in 1..=count {
        let text = format!("text number {place}");
        world.note_in(vec![entry(place, Filled::Sms(hash(&text)))]);
    }
    world.crash();
    let place = |world: &mut World<_>, place: u64| {
        let id = world.sms_in(&format!("text number {place}"), None);
        world.record(id).order.lane_seq.get()
    };
    assert_eq!(place(&mut world, 2), 0);
    assert_eq!(place(&mut world, 3), 3);
    assert_eq!(place(&mut world, count), count);
}

/// A page that ends at a copy or at an SMS skips nothing.
pub fn pages_step_over_copies(backend: impl Backend) {
    let mut world = World::bound(backend);
    let mut shown: Vec<MessageId> = Vec::new();
    for place in 1..=6 {
        let text = format!("text {place}");
        if place % 2 == 0 {
            shown.push(world.sms_in(&text, Some(place)));
            world.ip_in(place, &text);
        } else {
            shown.push(world.ip_in(place, &text));
            world.sms_in(&text, Some(place));
        }
        shown.push(world.sms_in("without a place", None));
    }
    let mut found = Vec::new();
    let mut before = None;
    while let [message] = &world.history(before, 1)[..] {
        before = Some(message.order);
        found.push(message.id);
    }
    found.reverse();
    assert_eq!(found, shown);
    let ours = world.send("ours");
    world.sent(state(1, &[1], &[]));
    assert_eq!(world.conversation().last(), Some(&ours));
}
