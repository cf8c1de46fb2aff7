//! Stable words for the protocol's enums, and sentences for its words. A value of a newer daemon is shown
//! as what it is: a number this version does not know.

use twine_control::pb;

use crate::json::Value;
use crate::table::one_line;

macro_rules! words {
    ($($name:ident: $enum:ident;)*) => {$(
        /// The word for a value as it came.
        pub(crate) fn $name(value: i32) -> String {
            match pb::$enum::try_from(value) {
                Ok(known) => word(known.as_str_name()),
                Err(_) => format!("unknown({value})"),
            }
        }
    )*};
}

words! {
    state: MessageState;
    direction: Direction;
    event_kind: EventKind;
    link_kind: LinkKind;
    channel: Channel;
    mode: Mode;
    fallback: Fallback;
}

/// A channel for JSON: null where none was given.
pub(crate) fn channel_or_null(value: i32) -> Value {
    match value {
        0 => Value::Null,
        value => Value::text(channel(value)),
    }
}

/// What a message waits for (`Message.waits_for`), behind "waits for".
pub(crate) fn waits_for(word: &str) -> String {
    match word {
        "user" => "the user, who decides whether it goes by SMS: see twinectl retry and cancel",
        "sim" => "the card of the conversation, which is not in the phone",
        "radio" => "the radio, which is off",
        "service" => "a network that carries SMS",
        "limit" => "the phone's or the operator's limit of SMS to pass",
        "home" => "the card's home network: the setting is not to send SMS when roaming",
        other => return one_line(other),
    }
    .to_owned()
}

/// "1 part", "3 parts".
pub(crate) fn counted(count: impl Into<u64>, what: &str) -> String {
    let count = count.into();
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// The word for a radio generation: "2g", "2.5g", "4g".
pub(crate) fn generation(value: i32) -> String {
    match pb::Generation::try_from(value) {
        Ok(pb::Generation::Unknown) => "unknown".to_owned(),
        Ok(known) => {
            let digits = known.as_str_name().trim_start_matches('G');
            format!("{}g", digits.replace('_', "."))
        }
        Err(_) => format!("unknown({value})"),
    }
}

/// The word for what the VPN has to do with a link: "none", "tunnel".
pub(crate) fn vpn(value: i32) -> String {
    match pb::Vpn::try_from(value) {
        Ok(known) => word(known.as_str_name().trim_start_matches("VPN_")),
        Err(_) => format!("unknown({value})"),
    }
}

/// The word for a code of the daemon: "not_found".
pub(crate) fn error_code(code: pb::ErrorCode) -> String {
    word(code.as_str_name())
}

fn word(name: &str) -> String {
    if name.ends_with("_UNSPECIFIED") {
        "unspecified".to_owned()
    } else {
        name.to_ascii_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_protocol() {
        assert_eq!(state(4), "delivered");
        assert_eq!(state(99), "unknown(99)");
        assert_eq!(vpn(2), "locked_out");
        assert_eq!(generation(2), "2.5g");
        assert_eq!(generation(4), "4g");
        assert_eq!(generation(0), "unknown");
        assert_eq!(event_kind(1), "message_received");
        assert_eq!(channel(2), "sms");
        assert_eq!(fallback(2), "not_when_roaming");
        assert_eq!(counted(1u32, "part"), "1 part");
        assert_eq!(waits_for("of a newer daemon"), "of a newer daemon");
        assert_eq!(error_code(pb::ErrorCode::NotFound), "not_found");
    }
}
