//! What each result code of Android's SmsManager means for a message
//! (android/telephony/SmsManager.java, `RESULT_*`).
//!
//! A code says that a part did not leave; some only that nobody knows
//! ([`may_have_left`]), some that it was tried in vain, as far as the phone can see
//! ([`was_tried`]). The framework has made its own retries
//! by then (three, two seconds apart, for `RESULT_RIL_SMS_SEND_FAIL_RETRY`), so
//! nothing is tried again here for a reason that the network gave: only what
//! was never tried waits until it can be.

use std::time::Duration;

use crate::message::WaitsFor;
use crate::parts::AfterRefusal;
use crate::store_ops::Because;

/// What follows from a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Wait, or fail.
    pub(crate) then: AfterRefusal,
    /// While it waits: try again after this, if nothing says earlier that it may
    /// go.
    pub(crate) again_after: Option<Duration>,
    /// In plain words.
    pub(crate) because: Because,
}

/// If the agent never tells that a condition is over, look after this.
pub(super) const CONDITION_AGAIN: Duration = Duration::from_secs(300);
/// Android's window is a minute; its dialog may be open.
const LIMIT_AGAIN: Duration = Duration::from_secs(120);

const UNKNOWN: Because = &["the phone gave a reason that this version does not know"];

const fn waits(waits: WaitsFor, again: Duration, because: Because) -> Refusal {
    Refusal {
        then: AfterRefusal::Wait(waits),
        again_after: Some(again),
        because,
    }
}

const fn fails(because: Because) -> Refusal {
    Refusal {
        then: AfterRefusal::Fail,
        again_after: None,
        because,
    }
}

/// What follows from this code.
pub(crate) const fn refusal(code: i32) -> Refusal {
    use WaitsFor::{Limit, Radio, Service, Sim};
    match code {
        // -- not tried: it waits until it can be -----------------------------
        2 => waits(Radio, CONDITION_AGAIN, &["the radio is off"]),
        9 | 100 => waits(Radio, CONDITION_AGAIN, &["the radio is not available"]),
        29 => waits(Radio, CONDITION_AGAIN, &["an emergency call is under way"]),
        121 | 123 => waits(Radio, CONDITION_AGAIN, &["a call is under way"]),
        136 => waits(Radio, CONDITION_AGAIN, &["the modem is in use"]),
        4 => waits(Service, CONDITION_AGAIN, &["no network carries SMS now"]),
        116 => waits(Service, CONDITION_AGAIN, &["the network is not ready"]),
        135 => waits(Service, CONDITION_AGAIN, &["no network was found"]),
        120 => waits(Sim, CONDITION_AGAIN, &["the card is not in the phone"]),
        128 | 134 => waits(Sim, CONDITION_AGAIN, &["the card is not available"]),
        130 => waits(Sim, CONDITION_AGAIN, &["the card is not ready"]),
        132 => waits(Sim, CONDITION_AGAIN, &["the card is busy"]),
        5 => waits(
            Limit,
            LIMIT_AGAIN,
            &["the phone's limit for SMS is reached"],
        ),
        106 => waits(
            Limit,
            LIMIT_AGAIN,
            &["the modem's limit for SMS is reached"],
        ),
        13 | 22 | 105 | 118 => waits(Limit, LIMIT_AGAIN, &["the phone is short of memory"]),
        // -- the user's or the operator's rules ------------------------------
        6 => fails(&["the card allows fixed numbers only (FDN)"]),
        7 => fails(&["the user did not allow this short code"]),
        8 => fails(&["the user never allows this short code"]),
        20 | 117 => fails(&["SMS is not allowed"]),
        32 => fails(&["no app is the default for SMS"]),
        33 => fails(&["this user of the phone may not send SMS"]),
        122 => fails(&["the network bars SMS"]),
        28 => fails(&["the network says to stop sending"]),
        // -- the network said no ---------------------------------------------
        10 | 102 => fails(&["the network rejected it"]),
        17 | 112 => fails(&["an error of the network"]),
        19 | 110 => fails(&["the card's SMS centre address is wrong"]),
        1 | 124 => fails(&["the network took it not; often: no balance"]),
        30 | 101 => fails(&["the phone tried it again and failed"]),
        // -- the request or the phone is broken ------------------------------
        3 | 11 | 14 | 18 | 104 | 107 | 109 => fails(&["the phone cannot encode it"]),
        12 | 103 | 115 => fails(&["the modem was in a state that allows no SMS"]),
        126 | 127 => fails(&["the card asks for its PIN2 or PUK2"]),
        129 | 131 | 133 => fails(&["an error of the card"]),
        15 | 16 | 21 | 108 | 111 | 113 | 125 => fails(&["an error of the phone"]),
        23 | 119 | 137 => fails(&["it was cancelled on its way"]),
        24 | 114 => fails(&["the phone cannot send SMS"]),
        31 => fails(&["the phone's telephony died on its way"]),
        _ => fails(UNKNOWN),
    }
}

/// What decides about an attempt of several parts: a part that failed, whatever kept the
/// others back. `kept`: the code of an earlier part; `new`: what follows from this one.
#[must_use]
pub const fn stricter(
    kept: Option<i32>,
    new: (AfterRefusal, Option<i32>),
) -> (AfterRefusal, Option<i32>) {
    match kept {
        Some(code) => match refusal(code).then {
            AfterRefusal::Fail => (AfterRefusal::Fail, Some(code)),
            AfterRefusal::Wait(_) => new,
        },
        None => new,
    }
}

/// Whether a part with this code may have left all the same: what was cut off between
/// the framework and the modem (RESULT_CANCELLED, RESULT_REMOTE_EXCEPTION,
/// RESULT_RIL_CANCELLED, RESULT_RIL_ABORTED) may be at the modem by then. It counts as
/// unknown, and another try as another copy (DELIVERY 26).
pub(crate) const fn may_have_left(code: i32) -> bool {
    matches!(code, 23 | 31 | 119 | 137)
}

/// Whether what these codes call a failure may be a lost acknowledgement: the modem tried,
/// and the network may have taken it (RESULT_ERROR_GENERIC_FAILURE, RESULT_MODEM_ERROR,
/// RESULT_NETWORK_ERROR, RESULT_SMS_SEND_RETRY_FAILED, RESULT_RIL_SMS_SEND_FAIL_RETRY,
/// RESULT_RIL_SYSTEM_ERR, RESULT_RIL_MODEM_ERR, RESULT_RIL_NETWORK_ERR,
/// RESULT_RIL_INTERNAL_ERR, RESULT_RIL_GENERIC_ERROR, RESULT_RIL_INVALID_RESPONSE, and what
/// this version does not know). It counts as failed, because mostly it has; another try is
/// another copy.
pub(crate) fn was_tried(code: i32) -> bool {
    matches!(
        code,
        1 | 16 | 17 | 30 | 101 | 108 | 111 | 112 | 113 | 124 | 125
    ) || refusal(code).because == UNKNOWN
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those of Android 16: SmsManager's, then the radio layer's.
    fn known() -> impl Iterator<Item = i32> {
        (1..=24).chain(28..=33).chain(100..=137)
    }

    #[test]
    fn every_known_code_has_its_own_answer() {
        let unknown = refusal(-77);
        assert_eq!(unknown.then, AfterRefusal::Fail);
        for code in known() {
            assert_ne!(refusal(code).because, unknown.because, "{code}");
        }
    }

    #[test]
    fn what_was_cut_off_on_its_way_may_have_left() {
        let unknown = known().filter(|&code| may_have_left(code));
        assert_eq!(unknown.collect::<Vec<_>>(), [23, 31, 119, 137]);
    }

    #[test]
    fn what_the_modem_tried_may_have_left_though_it_failed() {
        assert!(was_tried(-77), "an unknown code");
        let tried = known().filter(|&code| was_tried(code));
        assert_eq!(
            tried.collect::<Vec<_>>(),
            [1, 16, 17, 30, 101, 108, 111, 112, 113, 124, 125]
        );
        for code in known().filter(|&code| was_tried(code)) {
            assert_eq!(refusal(code).then, AfterRefusal::Fail, "{code}");
            assert!(!may_have_left(code), "{code}");
        }
    }

    #[test]
    fn only_what_was_never_tried_is_tried_again() {
        let waiting: Vec<_> = known()
            .filter(|&code| matches!(refusal(code).then, AfterRefusal::Wait(_)))
            .collect();
        assert_eq!(
            waiting,
            [
                2, 4, 5, 9, 13, 22, 29, 100, 105, 106, 116, 118, 120, 121, 123, 128, 130, 132, 134,
                135, 136
            ]
        );
        for code in waiting {
            assert!(refusal(code).again_after.is_some());
        }
    }
}
