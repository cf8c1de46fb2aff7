//! Round-trip estimate and retransmission time-out, after RFC 6298.

use std::time::Duration;

/// Before the first measurement: RFC 6298, section 2.1.
const INITIAL_RTO: Duration = Duration::from_secs(3);
/// A phone's radio takes this long to wake; RFC 6298 (2.4) would say 1 s.
const MIN_RTO: Duration = Duration::from_millis(500);
/// RFC 6298 (2.5) allows a cap of at least 60 s.
const MAX_RTO: Duration = Duration::from_secs(60);

/// Smoothed round trip of one session, or of one network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rtt {
    smoothed: Option<(Duration, Duration)>,
}

impl Rtt {
    /// As it was: smoothed, and how much it varies.
    pub(crate) const fn kept(smoothed: Duration, variation: Duration) -> Self {
        Self {
            smoothed: Some((smoothed, variation)),
        }
    }

    /// Takes a measurement.
    pub(crate) fn sample(&mut self, rtt: Duration) {
        self.smoothed = Some(match self.smoothed {
            None => (rtt, rtt / 2),
            Some((srtt, var)) => (srtt * 7 / 8 + rtt / 8, var * 3 / 4 + srtt.abs_diff(rtt) / 4),
        });
    }

    /// The smoothed round trip, once measured.
    pub(crate) fn smoothed(&self) -> Option<Duration> {
        self.smoothed.map(|(srtt, _)| srtt)
    }

    /// How much it varies, once measured.
    pub(crate) fn variation(&self) -> Option<Duration> {
        self.smoothed.map(|(_, var)| var)
    }

    /// How long to wait for an answer before it counts as missing.
    pub(crate) fn rto(&self) -> Duration {
        self.smoothed.map_or(INITIAL_RTO, |(srtt, var)| {
            (srtt + var * 4).clamp(MIN_RTO, MAX_RTO)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_rfc_6298() {
        let ms = Duration::from_millis;
        let mut rtt = Rtt::default();
        assert_eq!(rtt.rto(), Duration::from_secs(3));
        rtt.sample(ms(800));
        assert_eq!((rtt.smoothed(), rtt.rto()), (Some(ms(800)), ms(2400)));
        rtt.sample(ms(1600));
        // srtt = 7/8 · 800 + 1600/8 = 900; var = 3/4 · 400 + 800/4 = 500.
        assert_eq!((rtt.smoothed(), rtt.rto()), (Some(ms(900)), ms(2900)));
    }
}
