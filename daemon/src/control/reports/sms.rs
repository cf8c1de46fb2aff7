//! Reports about SMS: results of parts, and messages that came.

use twine_engine::limits::MAX_SPOOL_ID_BYTES;
use twine_engine::parts::{AttemptId, PartState};
use twine_engine::{SmsReceived, TelephonyEvent};
use twine_proto::Redacted;
use twine_proto::control_pb as pb;
use twine_proto::limits::MAX_TEXT_BYTES;
use twine_proto::originator::originator;

use super::{ReportError, Told, cut, wrong};
use crate::control::requests;

/// What became of one part.
pub(super) fn parse_part(result: pb::SmsPartResult) -> Result<TelephonyEvent, ReportError> {
    let state = match result.state() {
        pb::SmsPartState::PartSent => PartState::Sent,
        pb::SmsPartState::PartRefused => PartState::Refused,
        pb::SmsPartState::PartUnknown => PartState::Unknown,
        pb::SmsPartState::PartDelivered => PartState::Delivered,
        pb::SmsPartState::PartUndeliverable => PartState::Undeliverable,
        pb::SmsPartState::Unspecified => {
            return Err(wrong("sms_part.state", "a result has to say which"));
        }
    };
    let part = u8::try_from(result.part).map_err(|_| {
        wrong(
            "sms_part.part",
            format!("{} is over the limit of {}", result.part, u8::MAX),
        )
    })?;
    Ok(TelephonyEvent::SmsPart {
        attempt: AttemptId(result.attempt),
        part,
        state,
        code: (state == PartState::Refused).then_some(result.code),
    })
}

/// An SMS that came: whatever the network made of it, it is taken.
pub(super) fn parse_received(received: pb::SmsReceived) -> Result<Told, ReportError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let spool_id = received.spool_id;
    // Without it nothing could be acknowledged.
    if !(1..=MAX_SPOOL_ID_BYTES).contains(&spool_id.len()) || !spool_id.bytes().all(allowed) {
        return Err(wrong(
            "sms_received.spool_id",
            format!(
                "1 to {MAX_SPOOL_ID_BYTES} ASCII letters, digits, '.', '_' and '-' are allowed"
            ),
        ));
    }
    // A card that is not known receives all the same.
    let iccid = requests::iccid("sms_received.iccid", received.iccid)
        .map_err(|error| wrong("sms_received.iccid", error.reason()))?
        .unwrap_or_else(|| Redacted::new(String::new()));
    // What is no number is as good as none: the card's registration tells as well.
    let own = received.to.parse().ok();
    let from = originator(&received.from, &received.from_e164);
    let (text, cut) = cut(received.text, MAX_TEXT_BYTES);
    let odd = if cut {
        Some("an SMS longer than any SMS: its end is cut off")
    } else if from.changed {
        Some("the originator of an SMS, shown in another way than it came")
    } else {
        None
    };
    Ok(Told {
        event: Some(TelephonyEvent::SmsReceived(SmsReceived {
            spool_id,
            iccid,
            own,
            from: from.peer,
            text: Redacted::new(text),
            scts_ms: received.scts_ms,
        })),
        odd,
    })
}
