//! How messages end (DELIVERY 13, 14, 16).

use twine_engine::message::{Failure, IpAttempt, SentAs, Shown, SmsAttempt, TakeBack, shown};
use twine_engine::{ChannelEvent, Command, DownReason};
use twine_proto::frame::{
    Disposition, Receipt, ReceiptKind, Refusal, RejectReason, RevokeOutcome, SlotStatus,
};
use twine_proto::{Frame, Seq, Slot};

use crate::desk::{Desk, EPOCH, high_water};
use crate::frames::{accepted, outcomes, revoked};

#[test]
fn rule_14_only_revoked_means_that_it_was_taken_back() {
    for (outcome, shown) in [
        (RevokeOutcome::Revoked, Shown::Cancelled),
        (RevokeOutcome::AlreadyDelivered, Shown::Delivered),
        (RevokeOutcome::InDoubt, Shown::Sent),
        (RevokeOutcome::Forgotten, Shown::Sent),
    ] {
        let mut desk = Desk::live();
        let id = desk.send("a");
        desk.frame(accepted(1));
        desk.frames.clear();
        desk.command(Command::Cancel(id));
        assert_eq!(desk.names(), ["Revoke"]);
        desk.frame(revoked(1, outcome));
        assert_eq!(desk.message(id).shown, shown, "{outcome:?}");
    }
}

#[test]
fn rule_14_a_revoke_in_doubt_is_repeated_at_the_next_contact() {
    let mut desk = Desk::live();
    let id = desk.send("a");
    desk.frame(accepted(1));
    desk.command(Command::Cancel(id));
    desk.frame(revoked(1, RevokeOutcome::InDoubt));
    desk.channel(ChannelEvent::Down(DownReason::Closed("gone".into())));
    desk.pass(2_000);
    desk.up();
    desk.frames.clear();
    desk.welcome(SlotStatus::Ok, high_water(1));
    assert_eq!(desk.names(), ["Revoke"]);
}

#[test]
fn rule_13_expiry_is_told_and_wedges_until_the_user_retries() {
    let mut desk = Desk::live();
    let id = desk.send("a");
    desk.frame(accepted(1));
    desk.frame(Frame::Receipt(Receipt {
        slot: Slot(0),
        kind: ReceiptKind::Outcomes {
            epoch: None,
            delivered: Vec::new(),
            dispositions: vec![(Seq(1), Disposition::Expired)],
        },
    }));
    let expired = Shown::Failed(Failure::ExpiredAtGateway);
    assert_eq!(desk.message(id).shown, expired);
    desk.frames.clear();
    desk.command(Command::Retry { id, by: None });
    assert_eq!(desk.submits(), [(2, 1)]);
}

#[test]
fn rule_16_delivered_if_either_is_and_failed_only_if_both_are_negative() {
    let sent = SentAs {
        epoch: EPOCH,
        seq: Seq(1),
    };
    let by_ip = [
        IpAttempt::None,
        IpAttempt::InFlight(sent),
        IpAttempt::Accepted(sent),
        IpAttempt::Delivered(sent),
        IpAttempt::Refused(Refusal::MailboxFull),
        IpAttempt::Revoked(TakeBack::Expired),
        IpAttempt::Expired,
        IpAttempt::Rejected(RejectReason::Unreadable),
    ];
    let by_sms = [
        SmsAttempt::None,
        SmsAttempt::NotUsed,
        SmsAttempt::Waiting,
        SmsAttempt::Sent,
        SmsAttempt::Delivered,
        SmsAttempt::Unconfirmed,
        SmsAttempt::Failed,
    ];
    for ip in by_ip {
        for sms in by_sms {
            let seen = shown(ip, sms, false);
            let delivered = matches!(ip, IpAttempt::Delivered(_)) || sms == SmsAttempt::Delivered;
            assert_eq!(seen == Shown::Delivered, delivered, "{ip:?} {sms:?}");
            let never_by_ip = ip.is_negative() || ip == IpAttempt::None;
            // What was never sent by SMS may be yet, unless its time is over.
            let over = ip == IpAttempt::Revoked(TakeBack::Expired);
            let never_by_sms = sms.is_negative() || over && sms == SmsAttempt::None;
            let tried = ip != IpAttempt::None || sms == SmsAttempt::Failed;
            let failed = never_by_ip && never_by_sms && tried;
            assert_eq!(matches!(seen, Shown::Failed(_)), failed, "{ip:?} {sms:?}");
        }
    }
}

#[test]
fn rule_16_delivered_outweighs_what_was_concluded_before() {
    let mut desk = Desk::live();
    let id = desk.send("a");
    desk.frame(accepted(1));
    let kind = ReceiptKind::Outcomes {
        epoch: None,
        delivered: Vec::new(),
        dispositions: vec![(Seq(1), Disposition::Expired)],
    };
    let slot = Slot(0);
    desk.frame(Frame::Receipt(Receipt { slot, kind }));
    let expired = Shown::Failed(Failure::ExpiredAtGateway);
    assert_eq!(desk.message(id).shown, expired);
    // A gateway that was restored delivers it once more, and is told.
    desk.frame(outcomes(&[1]));
    assert_eq!(desk.message(id).shown, Shown::Delivered);
}
