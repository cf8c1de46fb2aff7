//! Ages and times, as people read them. The only wall clock of `twinectl`.

use std::time::{SystemTime, UNIX_EPOCH};

/// Wall clock now, milliseconds since 1970.
pub(crate) fn wall_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}

/// A duration in its largest two units: "3 min 4 s".
pub(crate) fn duration(ms: u64) -> String {
    let s = ms / 1000;
    match (s / 86_400, s / 3600 % 24, s / 60 % 60, s % 60) {
        (0, 0, 0, 0) => format!("{ms} ms"),
        (0, 0, 0, s) => format!("{s} s"),
        (0, 0, min, s) => format!("{min} min {s} s"),
        (0, h, min, _) => format!("{h} h {min} min"),
        (d, h, _, _) => format!("{d} d {h} h"),
    }
}

/// How long ago a moment of the wall clock was: "3 min ago". A clock that was
/// set back shows, it is not hidden.
pub(crate) fn ago(wall_ms: u64, now_ms: u64) -> String {
    if wall_ms == 0 {
        return "time not known".to_owned();
    }
    match now_ms.checked_sub(wall_ms) {
        Some(age) if age < 1000 => "now".to_owned(),
        Some(age) if age < 60_000 => format!("{} s ago", age / 1000),
        Some(age) if age < 3_600_000 => format!("{} min ago", age / 60_000),
        Some(age) if age < 86_400_000 => format!("{} h ago", age / 3_600_000),
        Some(age) => format!("{} d ago", age / 86_400_000),
        None => format!("{} ahead of the clock", duration(wall_ms - now_ms)),
    }
}

/// A moment in UTC: "2025-06-01 12:34:56 UTC".
pub(crate) fn utc(wall_ms: u64) -> String {
    if wall_ms == 0 {
        return "not known".to_owned();
    }
    let s = wall_ms / 1000;
    let (year, month, day) = civil(s / 86_400);
    let (h, min, s) = (s / 3600 % 24, s / 60 % 60, s % 60);
    format!("{year:04}-{month:02}-{day:02} {h:02}:{min:02}:{s:02} UTC")
}

/// Year, month and day of a day counted from 1970-01-01 (Hinnant, "chrono-
/// compatible low-level date algorithms", civil_from_days, for days from 0).
const fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let era = z / 146_097;
    let day_of_era = z % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_in_utc() {
        assert_eq!(utc(951_782_399_000), "2000-02-28 23:59:59 UTC");
        assert_eq!(utc(951_782_400_000), "2000-02-29 00:00:00 UTC");
        assert_eq!(utc(1_735_689_600_000), "2025-01-01 00:00:00 UTC");
        assert_eq!(utc(0), "not known");
    }

    #[test]
    fn ages_show_a_clock_that_was_set_back() {
        assert_eq!(ago(1_000_000, 1_000_500), "now");
        assert_eq!(ago(1_000_000, 1_185_000), "3 min ago");
        assert_eq!(ago(1_060_000, 1_000_000), "1 min 0 s ahead of the clock");
        assert_eq!(ago(0, 1), "time not known");
    }

    #[test]
    fn durations_have_two_units() {
        assert_eq!(duration(999), "999 ms");
        assert_eq!(duration(184_000), "3 min 4 s");
        assert_eq!(duration(90_000_000), "1 d 1 h");
    }
}
