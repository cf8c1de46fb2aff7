//! Every limit of this crate, named once. Those of the standards cannot be
//! changed; those of [reassembly](crate::reassembly) are ours.

use std::time::Duration;

/// Octets of user data in one SMS (TS 23.040 9.2.3.16).
pub const MAX_USER_DATA_OCTETS: usize = 140;
/// Septets in one SMS without a header: 140 octets of 8 bits in septets.
pub const MAX_SEPTETS: usize = MAX_USER_DATA_OCTETS * 8 / 7;
/// Parts of one message: the count is one octet (TS 23.040 9.2.3.24.1). More is
/// an error.
pub const MAX_PARTS: usize = 255;
/// Digits of an address (TS 23.040 9.1.2.5: ten octets of semi-octets).
pub const MAX_ADDRESS_DIGITS: usize = 20;
/// Septets of an alphanumeric address in those ten octets.
pub const MAX_ADDRESS_SEPTETS: usize = 11;

/// Messages of which parts wait at one time. At the limit the message that
/// waited longest is given up, and said to be.
pub const MAX_PARTIAL_MESSAGES: usize = 64;
/// Bytes of all waiting parts together. At the limit the message that waited
/// longest is given up, and said to be.
pub const MAX_PARTIAL_BYTES: usize = 256 * 1024;
/// A message of which no new part came for so long is given up. Android's own
/// limit, 7 days (InboundSmsHandler, `DEFAULT_SMS_TIMEOUT_MILLIS`).
pub const PARTIAL_AGE: Duration = Duration::from_secs(7 * 24 * 3600);
