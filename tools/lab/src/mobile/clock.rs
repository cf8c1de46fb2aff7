//! The service centre's clock: UTC from seconds since 1970.

use twine_sms::pdu::Timestamp;
use twine_sms::pdu::timestamp::Civil;

const SECONDS_PER_DAY: i64 = 86_400;

/// The time stamp of this second; before 1990 or after 2089 that of the start
/// of 1990.
pub(super) fn timestamp(unix_s: i64) -> Timestamp {
    let (days, second) = (
        unix_s.div_euclid(SECONDS_PER_DAY),
        unix_s.rem_euclid(SECONDS_PER_DAY),
    );
    let (year, month, day) = civil_from_days(days);
    // Each fits: a day has 86,400 seconds.
    let civil = Civil {
        year: u16::try_from(year).unwrap_or(0),
        month,
        day,
        hour: (second / 3600) as u8,
        minute: (second / 60 % 60) as u8,
        second: (second % 60) as u8,
        zone_quarters: 0,
    };
    // 1990-01-01 00:00:00 UTC, in swapped digits.
    Timestamp::new(civil).unwrap_or(Timestamp([0x09, 0x10, 0x10, 0, 0, 0, 0]))
}

/// Year, month and day of a day counted from 1970-01-01 (Hinnant, "chrono-
/// compatible low-level date algorithms").
fn civil_from_days(days: i64) -> (i64, u8, u8) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // March is the first month of such a year.
    let month = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month + 2) / 5 + 1) as u8;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u8, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_a_time_stamp_and_back() {
        for second in [
            946_684_799,
            951_782_400,
            1_732_542_121,
            1_795_622_400,
            2_000_000_000,
        ] {
            assert_eq!(timestamp(second).unix_s(), Some(second), "{second}");
        }
    }
}
