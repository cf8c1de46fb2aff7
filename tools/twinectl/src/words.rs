//! Stable words for the protocol's enums. A value of a newer daemon is shown
//! as what it is: a number this version does not know.

use twine_control::pb;

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
        assert_eq!(error_code(pb::ErrorCode::NotFound), "not_found");
    }
}
