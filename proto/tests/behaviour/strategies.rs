//! Every frame that the types allow and the limits permit.

use bytes::Bytes;
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use twine_proto::frame::*;
use twine_proto::limits::{
    MAX_COUNTER, MAX_LOOKUP_NUMBERS, MAX_OLD_EPOCHS, MAX_SESSIONS_SINCE, MAX_SLOTS,
};
use twine_proto::{Cursor, E164, Epoch, Frame, LaneSeq, OpaqueContent, Seq, SessionNo, Slot};

pub(crate) fn number() -> impl Strategy<Value = E164> {
    (10u64.pow(E164::MIN_DIGITS - 1)..10u64.pow(E164::MAX_DIGITS))
        .prop_map(|number| E164::new(number).unwrap())
}

fn counter() -> impl Strategy<Value = u64> {
    // Small ones are what the wire sees; the ends are where mistakes live.
    prop_oneof![0..200u64, 0..=MAX_COUNTER, Just(MAX_COUNTER)]
}

fn seq() -> impl Strategy<Value = Seq> {
    counter().prop_map(|seq| Seq(seq.max(1)))
}

fn cursor() -> impl Strategy<Value = Cursor> {
    counter().prop_map(|cursor| Cursor(cursor.max(1)))
}

fn epoch() -> impl Strategy<Value = Epoch> {
    (1..=u32::MAX).prop_map(Epoch)
}

fn slot() -> impl Strategy<Value = Slot> {
    (0..MAX_SLOTS as u32).prop_map(Slot)
}

pub(crate) fn content() -> impl Strategy<Value = OpaqueContent> {
    vec(any::<u8>(), 0..300).prop_map(|bytes| OpaqueContent::new(Bytes::from(bytes)).unwrap())
}

fn refusal() -> impl Strategy<Value = Refusal> {
    prop_oneof![
        Just(Refusal::UnknownRecipient),
        Just(Refusal::MailboxFull),
        Just(Refusal::TooLarge),
        Just(Refusal::Policy),
    ]
}

fn reject_reason() -> impl Strategy<Value = RejectReason> {
    prop_oneof![Just(RejectReason::Unreadable), Just(RejectReason::Conflict)]
}

fn dispositions(min: usize) -> impl Strategy<Value = Vec<(Seq, Disposition)>> {
    let disposition = prop_oneof![
        refusal().prop_map(Disposition::Refused),
        Just(Disposition::Revoked),
        Just(Disposition::Expired),
        reject_reason().prop_map(Disposition::Rejected),
    ];
    vec((seq(), disposition), min..12)
}

fn position() -> impl Strategy<Value = EpochPosition> {
    (epoch(), seq(), seq()).prop_map(|(epoch, a, b)| EpochPosition {
        epoch,
        next_seq: a.max(b),
        lowest_unsettled: a.min(b),
    })
}

fn hello() -> impl Strategy<Value = Hello> {
    let binding = prop_oneof![
        position().prop_map(Binding::Held),
        any::<u32>().prop_map(|last| Binding::Wanted { last: Epoch(last) }),
    ];
    let rest = (
        binding,
        counter().prop_map(Cursor),
        any::<u32>(),
        vec(position(), 0..=MAX_OLD_EPOCHS),
    );
    let slots = proptest::collection::hash_map(number(), rest, 0..=MAX_SLOTS);
    (counter(), 0..=MAX_COUNTER, slots).prop_map(|(session_no, after, slots)| Hello {
        session_no: SessionNo(session_no),
        after: SessionNo(after),
        slots: slots
            .into_iter()
            .map(|(number, (binding, cursor, cursor_check, old))| HelloSlot {
                number,
                binding,
                cursor,
                cursor_check,
                old,
            })
            .collect(),
    })
}

fn sent_state() -> impl Strategy<Value = SentState> {
    (counter(), dispositions(0), vec(seq(), 0..12)).prop_map(
        |(high_water, dispositions, delivered)| SentState {
            high_water: Seq(high_water),
            dispositions,
            delivered,
        },
    )
}

fn welcome() -> impl Strategy<Value = Welcome> {
    let status = prop_oneof![
        Just(SlotStatus::Ok),
        epoch().prop_map(SlotStatus::Granted),
        Just(SlotStatus::NotBound),
        Just(SlotStatus::EpochClosed),
    ];
    let old = vec((epoch(), sent_state()), 0..=MAX_OLD_EPOCHS);
    let slot = (status, sent_state(), old).prop_map(|(status, mut state, old)| {
        if let SlotStatus::Granted(_) = status {
            state.high_water = Seq(0);
        }
        WelcomeSlot { status, state, old }
    });
    let since = vec(counter().prop_map(SessionNo), 0..=MAX_SESSIONS_SINCE);
    (any::<u64>(), vec(slot, 0..=MAX_SLOTS), any::<u32>(), since).prop_map(
        |(time_s, slots, idle_limit_s, since)| Welcome {
            time_s,
            slots,
            idle_limit_s,
            since,
        },
    )
}

fn receipt() -> impl Strategy<Value = Receipt> {
    let mark = || {
        (number(), epoch(), counter()).prop_map(|(peer, epoch, upto)| ReadMark {
            peer,
            epoch,
            upto: LaneSeq(upto),
        })
    };
    let outcomes = |delivered: usize, outcomes: usize| {
        (
            option::of(epoch()),
            vec(seq(), delivered..12),
            dispositions(outcomes),
        )
            .prop_map(|(epoch, delivered, dispositions)| ReceiptKind::Outcomes {
                epoch,
                delivered,
                dispositions,
            })
    };
    let kind = prop_oneof![
        // Not both empty: that says nothing, and reads as an unknown kind.
        outcomes(1, 0),
        outcomes(0, 1),
        (cursor(), mark()).prop_map(|(cursor, mark)| ReceiptKind::ReadBy { cursor, mark }),
        mark().prop_map(ReceiptKind::Read),
        (cursor(), reject_reason())
            .prop_map(|(cursor, reason)| ReceiptKind::Rejected { cursor, reason }),
    ];
    (slot(), kind).prop_map(|(slot, kind)| Receipt { slot, kind })
}

fn revoked() -> impl Strategy<Value = Revoked> {
    let outcome = prop_oneof![
        Just(RevokeOutcome::Revoked),
        Just(RevokeOutcome::AlreadyDelivered),
        Just(RevokeOutcome::InDoubt),
        Just(RevokeOutcome::Forgotten),
    ];
    (slot(), option::of(epoch()), vec((seq(), outcome), 0..40)).prop_map(
        |(slot, epoch, results)| Revoked {
            slot,
            epoch,
            results,
        },
    )
}

fn goodbye() -> impl Strategy<Value = Goodbye> {
    let reason = prop_oneof![
        Just(GoodbyeReason::Draining),
        Just(GoodbyeReason::Superseded),
        Just(GoodbyeReason::ProtocolError),
        Just(GoodbyeReason::Overloaded),
        Just(GoodbyeReason::UnknownDevice),
        Just(GoodbyeReason::Closing),
    ];
    let redirect = (option::of("[a-z0-9.-]{1,60}"), 1..=u16::MAX)
        .prop_map(|(host, port)| host.map_or_else(String::new, |host| format!("{host}:{port}")));
    (reason, any::<u32>(), redirect, counter(), "[ -~äé€]{0,80}").prop_map(
        |(reason, retry_after_s, redirect, session_no, detail)| Goodbye {
            reason,
            retry_after_s,
            redirect,
            session_no: SessionNo(session_no),
            detail,
        },
    )
}

fn submit() -> impl Strategy<Value = Submit> {
    (slot(), seq(), number(), counter(), content()).prop_map(
        |(slot, seq, to, lane_seq, content)| Submit {
            slot,
            seq,
            to,
            lane_seq: LaneSeq(lane_seq),
            content,
        },
    )
}

fn accepted() -> impl Strategy<Value = Accepted> {
    (
        slot(),
        counter(),
        vec((seq(), refusal()), 0..20),
        vec(seq(), 0..20),
        counter(),
        option::of(seq()),
    )
        .prop_map(|(slot, upto, refused, away, receipts, conflict)| Accepted {
            slot,
            upto: Seq(upto),
            refused,
            away,
            receipts,
            conflict,
        })
}

fn deliver() -> impl Strategy<Value = Deliver> {
    (
        (slot(), cursor(), number(), epoch()),
        (counter(), any::<u32>(), content(), any::<bool>()),
    )
        .prop_map(
            |((slot, cursor, from, epoch), (lane_seq, age_s, content, maybe_by_sms))| Deliver {
                slot,
                cursor,
                from,
                epoch,
                lane_seq: LaneSeq(lane_seq),
                age_s,
                content,
                maybe_by_sms,
            },
        )
}

fn capabilities() -> impl Strategy<Value = Capabilities> {
    let entry = (number(), any::<bool>(), any::<u32>(), any::<u32>()).prop_map(
        |(number, reachable, features, valid_s)| Capability {
            number,
            reachable,
            features,
            valid_s,
        },
    );
    (any::<u32>(), vec(entry, 0..=MAX_LOOKUP_NUMBERS))
        .prop_map(|(id, entries)| Capabilities { id, entries })
}

pub(crate) fn frame() -> impl Strategy<Value = Frame> {
    let ack =
        (slot(), counter(), option::of(seq())).prop_map(|(slot, cursor, lowest_unsettled)| Ack {
            slot,
            cursor: Cursor(cursor),
            lowest_unsettled,
        });
    let revoke =
        (slot(), option::of(epoch()), btree_set(seq(), 0..40)).prop_map(|(slot, epoch, seqs)| {
            Revoke {
                slot,
                epoch,
                seqs: seqs.into_iter().collect(),
            }
        });
    let lookup = (any::<u32>(), vec(number(), 0..=MAX_LOOKUP_NUMBERS))
        .prop_map(|(id, numbers)| Lookup { id, numbers });
    let typing = (slot(), number(), any::<bool>()).prop_map(|(slot, peer, stopped)| Typing {
        slot,
        peer,
        stopped,
    });
    let unreadable =
        (slot(), cursor()).prop_map(|(slot, cursor)| UnreadableDeliver { slot, cursor });
    let session = prop_oneof![
        hello().prop_map(Frame::Hello),
        welcome().prop_map(Frame::Welcome),
        any::<u32>().prop_map(Frame::Ping),
        any::<u32>().prop_map(Frame::Pong),
        goodbye().prop_map(Frame::Goodbye),
        lookup.prop_map(Frame::Lookup),
        capabilities().prop_map(Frame::Capabilities),
        typing.prop_map(Frame::Typing),
    ];
    let message = prop_oneof![
        submit().prop_map(Frame::Submit),
        accepted().prop_map(Frame::Accepted),
        deliver().prop_map(Frame::Deliver),
        unreadable.prop_map(Frame::UnreadableDeliver),
        ack.prop_map(Frame::Ack),
        receipt().prop_map(Frame::Receipt),
        revoke.prop_map(Frame::Revoke),
        revoked().prop_map(Frame::Revoked),
    ];
    prop_oneof![session, message]
}
