//! Result codes of Android's SmsManager, as far as the lab's phones give them
//! (android/telephony/SmsManager.java).

/// The part left the phone (`Activity.RESULT_OK`).
pub const OK: i32 = -1;
/// `RESULT_ERROR_GENERIC_FAILURE`: what a network says when the balance is
/// empty comes as this.
pub const GENERIC_FAILURE: i32 = 1;
/// `RESULT_ERROR_RADIO_OFF`.
pub const RADIO_OFF: i32 = 2;
/// `RESULT_ERROR_NO_SERVICE`.
pub const NO_SERVICE: i32 = 4;
/// `RESULT_ERROR_LIMIT_EXCEEDED`.
pub const LIMIT_EXCEEDED: i32 = 5;
/// `RESULT_NETWORK_REJECT`.
pub const NETWORK_REJECT: i32 = 10;
/// `RESULT_INVALID_ARGUMENTS`.
pub const INVALID_ARGUMENTS: i32 = 11;
/// `RESULT_ENCODING_ERROR`.
pub const ENCODING_ERROR: i32 = 18;
/// `RESULT_RIL_SMS_SEND_FAIL_RETRY`: the framework tried again, in vain.
pub const SEND_FAIL_RETRY: i32 = 101;
/// `RESULT_RIL_SIM_ABSENT`.
pub const SIM_ABSENT: i32 = 120;
