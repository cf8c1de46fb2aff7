//! How coverage names what it counts.

use twine_engine::message::Shown;
use twine_engine::parts::PartState;
use twine_engine::store_ops::{EventKind, Outcome};
use twine_engine::trace::Decision;
use twine_engine::{CommandError, TimerReason};
use twine_proto::frame::{
    Disposition, GoodbyeReason, Refusal, RejectReason, RevokeOutcome, SlotStatus,
};

pub(super) const fn slot_name(status: SlotStatus) -> &'static str {
    match status {
        SlotStatus::Ok => "ok",
        SlotStatus::Granted(_) => "granted",
        SlotStatus::NotBound => "not bound",
        SlotStatus::EpochClosed => "epoch closed",
    }
}

pub(super) const fn refusal_name(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::UnknownRecipient => "unknown recipient",
        Refusal::MailboxFull => "mailbox full",
        Refusal::TooLarge => "too large",
        Refusal::Policy => "policy",
    }
}

pub(super) const fn disposition_name(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Refused(refusal) => refusal_name(refusal),
        Disposition::Revoked => "revoked",
        Disposition::Expired => "expired",
        Disposition::Rejected(RejectReason::Unreadable) => "unreadable",
        Disposition::Rejected(RejectReason::Conflict) => "conflict",
    }
}

pub(super) const fn revoke_name(outcome: RevokeOutcome) -> &'static str {
    match outcome {
        RevokeOutcome::Revoked => "revoked",
        RevokeOutcome::AlreadyDelivered => "already delivered",
        RevokeOutcome::InDoubt => "in doubt",
        RevokeOutcome::Forgotten => "forgotten",
    }
}

pub(super) const fn goodbye_name(reason: GoodbyeReason) -> &'static str {
    match reason {
        GoodbyeReason::Draining => "draining",
        GoodbyeReason::Superseded => "superseded",
        GoodbyeReason::ProtocolError => "protocol error",
        GoodbyeReason::Overloaded => "overloaded",
        GoodbyeReason::UnknownDevice => "unknown device",
        GoodbyeReason::Closing => "closing",
    }
}

pub(super) const fn shown_name(shown: Shown) -> &'static str {
    match shown {
        Shown::Queued => "queued",
        Shown::Sending => "sending",
        Shown::Sent => "sent",
        Shown::Delivered => "delivered",
        Shown::Read => "read",
        Shown::Failed(failure) => failure.word(),
        Shown::Cancelled => "cancelled",
        Shown::Received => "received",
        Shown::Unreadable => "unreadable",
        Shown::Conflicting => "conflicting",
    }
}

pub(super) const fn decision_name(decision: &Decision) -> &'static str {
    match decision {
        Decision::ByIp(_) => "by ip",
        Decision::Wait => "wait",
        Decision::BySms(_) => "by sms",
        Decision::AskBack(_) => "ask back",
        Decision::NoSms(_) => "no sms",
        Decision::SmsHanded(_) => "sms handed",
        Decision::SmsRefused => "sms refused",
        Decision::Revoke { .. } => "revoke",
        Decision::Connect { .. } => "connect",
        Decision::Move { .. } => "move",
        Decision::MoveData { .. } => "move data",
        Decision::LookAgain { .. } => "look again",
        Decision::UseLink { .. } => "use link",
        Decision::GiveUp { .. } => "give up",
        Decision::BackOff { .. } => "back off",
        Decision::Live { .. } => "live",
        Decision::Forgotten { .. } => "forgotten",
        Decision::Unlearned => "unlearned",
        Decision::NewEpoch => "new epoch",
        Decision::Rejected => "rejected",
        Decision::DeadlineDropped => "deadline dropped",
    }
}

pub(super) const fn timer_name(reason: TimerReason) -> &'static str {
    match reason {
        TimerReason::Reconnect => "reconnect",
        TimerReason::Connecting => "connecting",
        TimerReason::Greeting => "greeting",
        TimerReason::Heartbeat => "heartbeat",
        TimerReason::AnswerMissing => "answer missing",
        TimerReason::Validity => "validity",
        TimerReason::Lookup => "lookup",
        TimerReason::Look => "look",
        TimerReason::SmsPace => "sms pace",
        TimerReason::Links => "links",
    }
}

pub(super) const fn error_name(error: &CommandError) -> &'static str {
    match error {
        CommandError::Busy(_) => "busy",
        CommandError::NotYet(_) => "not yet",
        CommandError::NotFound(_) => "not found",
        CommandError::NoIdentity(_) => "no identity",
        CommandError::TooLate(_) => "too late",
        CommandError::Invalid(_) => "invalid",
        CommandError::Offline => "offline",
    }
}

pub(super) const fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Applied { .. } => "applied",
        Outcome::SessionBegun { .. } => "session begun",
        Outcome::Enqueued { .. } => "enqueued",
        Outcome::Repeated { .. } => "repeated",
        Outcome::Released(_) => "released",
        Outcome::NotQueued => "not queued",
        Outcome::Queued { .. } => "queued",
        Outcome::Resume { .. } => "resume",
        Outcome::TakenBack => "taken back",
        Outcome::MustRevoke(_) => "must revoke",
        Outcome::TooLate { .. } => "too late",
        Outcome::NotFound => "not found",
        Outcome::Deadline { .. } => "deadline",
        Outcome::Expired { .. } => "expired",
        Outcome::Inserted { .. } => "inserted",
        Outcome::Duplicate { .. } => "duplicate",
        Outcome::Conflict { .. } => "conflict",
        Outcome::ReadTo { .. } => "read to",
        Outcome::ReadMarks(_) => "read marks",
        Outcome::ClientOpen { .. } => "client open",
        Outcome::TooManyClients => "too many clients",
        Outcome::TooManySettings => "too many settings",
        Outcome::Looks { .. } => "looks",
        Outcome::NotByIp { .. } => "not by ip",
        Outcome::Due { .. } => "due",
        Outcome::Conversation(_) => "conversation",
        Outcome::SmsQueued { .. } => "sms queued",
        Outcome::SmsQueue(_) => "sms queue",
        Outcome::SmsHanded(_) => "sms handed",
        Outcome::SmsPart { .. } => "sms part",
        Outcome::Retried { .. } => "retried",
        Outcome::SmsInserted { .. } => "sms inserted",
        Outcome::SmsRepeated => "sms repeated",
    }
}

pub(super) const fn event_name(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Received => "received",
        EventKind::StateChanged => "state changed",
        EventKind::Merged => "merged",
        EventKind::Unmerged => "unmerged",
        EventKind::Reordered => "reordered",
    }
}

pub(super) const fn part_name(state: PartState) -> &'static str {
    match state {
        PartState::Open => "open",
        PartState::Sent => "sent",
        PartState::Refused => "refused",
        PartState::Unknown => "unknown",
        PartState::Delivered => "delivered",
        PartState::Undeliverable => "undeliverable",
        PartState::Doubtful => "doubtful",
    }
}
